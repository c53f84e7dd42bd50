/* SPDX-License-Identifier: MIT */
#include "age/wrap.h"

#include "crypto/ed25519.h"

#include <sodium.h>
#include <string.h>

static const uint8_t zero_nonce[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];

struct piece {
    const void *bytes;
    size_t size;
};

static struct piece text_piece(const char *text)
{
    return (struct piece){text, strlen(text)};
}

/* HMAC-SHA-256 over two pieces. */
static void authenticate(struct piece key, struct piece first, struct piece second,
                         uint8_t mac[AGE_KEY_SIZE])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key.bytes, key.size);
    crypto_auth_hmacsha256_update(&state, first.bytes, first.size);
    crypto_auth_hmacsha256_update(&state, second.bytes, second.size);
    crypto_auth_hmacsha256_final(&state, mac);
    sodium_memzero(&state, sizeof state);
}

/* HKDF-SHA-256 (RFC 5869) for 32 bytes, which is one round of its second half. */
static void derive(struct age_secrets *secrets, struct piece secret, struct piece salt,
                   const char *purpose, uint8_t key[AGE_KEY_SIZE])
{
    static const uint8_t first_round = 1;
    const struct piece none = {"", 0};
    authenticate(salt, secret, none, secrets->extracted);
    authenticate((struct piece){secrets->extracted, AGE_KEY_SIZE}, text_piece(purpose),
                 (struct piece){&first_round, 1}, key);
}

static void seal(const struct age_secrets *secrets, uint8_t body[AGE_WRAPPED_SIZE])
{
    crypto_aead_chacha20poly1305_ietf_encrypt(body, NULL, secrets->file_key, AGE_FILE_KEY_SIZE,
                                              NULL, 0, NULL, zero_nonce, secrets->wrap_key);
}

static bool unseal(struct age_secrets *secrets, const uint8_t body[AGE_WRAPPED_SIZE])
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(secrets->file_key, NULL, NULL, body,
                                                     AGE_WRAPPED_SIZE, NULL, 0, zero_nonce,
                                                     secrets->wrap_key) == 0;
}

/* --- X25519 ---------------------------------------------------------------------------------- */

bool age_is_low_order(const uint8_t point[AGE_KEY_SIZE])
{
    static const uint8_t scalar[AGE_KEY_SIZE] = {8};
    uint8_t shared[AGE_KEY_SIZE];
    return crypto_scalarmult(shared, scalar, point) != 0;
}

static void derive_x25519(struct age_secrets *secrets, const uint8_t recipient[AGE_KEY_SIZE],
                          const uint8_t share[AGE_KEY_SIZE])
{
    uint8_t salt[2 * AGE_KEY_SIZE];
    memcpy(salt, share, AGE_KEY_SIZE);
    memcpy(salt + AGE_KEY_SIZE, recipient, AGE_KEY_SIZE);
    derive(secrets, (struct piece){secrets->shared, AGE_KEY_SIZE},
           (struct piece){salt, sizeof salt}, "age-encryption.org/v1/X25519", secrets->wrap_key);
}

int age_wrap_x25519(struct age_secrets *secrets, const uint8_t recipient[AGE_KEY_SIZE],
                    uint8_t share[AGE_KEY_SIZE], uint8_t body[AGE_WRAPPED_SIZE],
                    struct pack_error *error)
{
    const int code = pack_random(secrets->ephemeral, AGE_KEY_SIZE, error);
    if (code != 0)
        return code;
    if (crypto_scalarmult_base(share, secrets->ephemeral) != 0 ||
        crypto_scalarmult(secrets->shared, secrets->ephemeral, recipient) != 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "the recipient is a point of low order");
    derive_x25519(secrets, recipient, share);
    seal(secrets, body);
    return 0;
}

bool age_unwrap_x25519(struct age_secrets *secrets, const uint8_t recipient[AGE_KEY_SIZE],
                       const uint8_t share[AGE_KEY_SIZE], const uint8_t body[AGE_WRAPPED_SIZE])
{
    derive_x25519(secrets, recipient, share);
    return unseal(secrets, body);
}

/* --- scrypt ---------------------------------------------------------------------------------- */

static int derive_scrypt(struct age_secrets *secrets, struct age_passphrase passphrase,
                         unsigned work, const uint8_t salt[AGE_SALT_SIZE], struct pack_error *error)
{
    static const char label[] = "age-encryption.org/v1/scrypt";
    enum { LABEL = sizeof label - 1, BLOCKS = 8, BLOCK = 128 };
    uint8_t labelled[LABEL + AGE_SALT_SIZE];
    memcpy(labelled, label, LABEL);
    memcpy(labelled + LABEL, salt, AGE_SALT_SIZE);
    if (crypto_pwhash_scryptsalsa208sha256_ll((const uint8_t *)passphrase.text, passphrase.size,
                                              labelled, sizeof labelled, UINT64_C(1) << work,
                                              BLOCKS, 1, secrets->wrap_key, AGE_KEY_SIZE) != 0)
        return pack_fail(error, PACK_E_NO_MEMORY, "out of memory: scrypt needs %llu bytes",
                         (unsigned long long)BLOCKS * BLOCK << work);
    return 0;
}

int age_wrap_scrypt(struct age_secrets *secrets, struct age_passphrase passphrase, unsigned work,
                    const uint8_t salt[AGE_SALT_SIZE], uint8_t body[AGE_WRAPPED_SIZE],
                    struct pack_error *error)
{
    const int code = derive_scrypt(secrets, passphrase, work, salt, error);
    if (code == 0)
        seal(secrets, body);
    return code;
}

int age_unwrap_scrypt(struct age_secrets *secrets, struct age_passphrase passphrase, unsigned work,
                      const uint8_t salt[AGE_SALT_SIZE], const uint8_t body[AGE_WRAPPED_SIZE],
                      struct pack_error *error)
{
    const int code = derive_scrypt(secrets, passphrase, work, salt, error);
    if (code == 0 && !unseal(secrets, body))
        return pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is wrong");
    return code;
}

/* --- what the file key gives ----------------------------------------------------------------- */

void age_header_mac(struct age_secrets *secrets, const void *header, size_t size,
                    uint8_t mac[AGE_KEY_SIZE])
{
    const struct piece none = {"", 0};
    derive(secrets, (struct piece){secrets->file_key, AGE_FILE_KEY_SIZE}, none, "header",
           secrets->wrap_key);
    authenticate((struct piece){secrets->wrap_key, AGE_KEY_SIZE}, (struct piece){header, size},
                 none, mac);
}

void age_payload_key(struct age_secrets *secrets, const uint8_t nonce[AGE_NONCE_SIZE],
                     uint8_t key[AGE_KEY_SIZE])
{
    derive(secrets, (struct piece){secrets->file_key, AGE_FILE_KEY_SIZE},
           (struct piece){nonce, AGE_NONCE_SIZE}, "payload", key);
}
