/* SPDX-License-Identifier: MIT */
#include "crypto/pkcs8.h"

#include "crypto/der.h"
#include "crypto/foreign_key.h"

#include <string.h>

enum {
    ATTRIBUTES = 0xa0, /* [0], constructed */
    PUBLIC_KEY = 0x81, /* [1] IMPLICIT BIT STRING */
    COLUMNS = 64,
    BLOCK = 16,
};

/* OneAsymmetricKey, version 1, up to the seed; OpenSSL 3.0 reads no other. */
static const uint8_t seed_header[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                      0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const uint8_t spki_header[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                      0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};

static int malformed(const char *what, struct pack_error *error)
{
    return pack_fail(error, PACK_E_KEY_INVALID, "the PEM key is damaged: %s", what);
}

/* SEQ{ OID }, which for Ed25519 has no parameters. */
static int take_algorithm(struct pack_cursor *cursor, struct pack_error *error)
{
    const struct pack_der_oid *found = NULL;
    struct pack_cursor algorithm;
    if (!pack_der_take(cursor, PACK_DER_SEQUENCE, &algorithm) ||
        !pack_der_take_oid(&algorithm, pack_key_algorithms, &found))
        return malformed("it names no algorithm", error);
    if (found != pack_key_algorithms)
        return pack_foreign_algorithm(found->name, error);
    return pack_cursor_left(&algorithm) == 0
               ? 0
               : malformed("its algorithm has parameters, which Ed25519 has not", error);
}

/* --- public keys ----------------------------------------------------------------------------- */

int pack_spki_parse(struct pack_public_key *key, const uint8_t *bytes, size_t size,
                    struct pack_error *error)
{
    struct pack_cursor cursor = {.bytes = bytes, .size = size}, outer, point;
    if (!pack_der_take(&cursor, PACK_DER_SEQUENCE, &outer) || pack_cursor_left(&cursor) != 0)
        return malformed("its DER is no SubjectPublicKeyInfo", error);
    const int code = take_algorithm(&outer, error);
    if (code != 0)
        return code;
    if (!pack_der_take(&outer, PACK_DER_BIT_STRING, &point) || pack_cursor_left(&outer) != 0 ||
        point.size == 0 || point.bytes[0] != 0)
        return malformed("its DER is no SubjectPublicKeyInfo", error);
    if (point.size != 1 + PACK_PUBLIC_KEY_SIZE)
        return pack_fail(error, PACK_E_KEY_INVALID, "public key has %zu bytes, %d wanted",
                         point.size - 1, PACK_PUBLIC_KEY_SIZE);
    return pack_public_key_make(key, point.bytes + 1, NULL, error);
}

void pack_spki_write(uint8_t bytes[PACK_SPKI_SIZE], const uint8_t key[PACK_PUBLIC_KEY_SIZE])
{
    memcpy(bytes, spki_header, sizeof spki_header);
    memcpy(bytes + sizeof spki_header, key, PACK_PUBLIC_KEY_SIZE);
}

/* --- secret keys ----------------------------------------------------------------------------- */

/* What OneAsymmetricKey (RFC 5958) holds; both point into it. */
struct content {
    const uint8_t *seed;
    const uint8_t *public; /* of version 2; NULL where it is left out */
};

static int take_public(struct content *content, struct pack_cursor *outer, uint64_t version,
                       struct pack_error *error)
{
    struct pack_cursor bits;
    if (pack_der_peek(outer) != PUBLIC_KEY)
        return 0;
    if (!pack_der_take(outer, PUBLIC_KEY, &bits) || version != 1 ||
        bits.size != 1 + PACK_PUBLIC_KEY_SIZE || bits.bytes[0] != 0)
        return malformed("its public half is not 32 bytes in a key of version 2", error);
    content->public = bits.bytes + 1;
    return 0;
}

static int take_seed(struct content *content, struct pack_cursor *outer, struct pack_error *error)
{
    struct pack_cursor wrapped, seed;
    if (!pack_der_take(outer, PACK_DER_OCTET_STRING, &wrapped) ||
        !pack_der_take(&wrapped, PACK_DER_OCTET_STRING, &seed) || pack_cursor_left(&wrapped) != 0)
        return malformed("its DER does not follow RFC 8410", error);
    if (seed.size != PACK_SEED_SIZE)
        return pack_fail(error, PACK_E_KEY_INVALID, "secret key has %zu bytes, %d wanted",
                         seed.size, PACK_SEED_SIZE);
    content->seed = seed.bytes;
    return 0;
}

static int parse(struct content *content, const uint8_t *bytes, size_t size,
                 struct pack_error *error)
{
    struct pack_cursor cursor = {.bytes = bytes, .size = size}, outer, attributes;
    uint64_t version = 0;
    if (!pack_der_take(&cursor, PACK_DER_SEQUENCE, &outer) || pack_cursor_left(&cursor) != 0 ||
        !pack_der_take_unsigned(&outer, &version) || version > 1)
        return malformed("its DER does not follow RFC 5958", error);
    int code = take_algorithm(&outer, error);
    if (code == 0)
        code = take_seed(content, &outer, error);
    if (code != 0)
        return code;
    if (pack_der_peek(&outer) == ATTRIBUTES && !pack_der_take(&outer, ATTRIBUTES, &attributes))
        return malformed("its attributes do not follow RFC 5958", error);
    code = take_public(content, &outer, version, error);
    return code == 0 && pack_cursor_left(&outer) != 0 ? malformed("it has too much data", error)
                                                      : code;
}

static int read_pem(struct pack_secret_file *file, struct pack_error *error)
{
    struct content content = {NULL, NULL};
    if (file->encrypted)
        return pack_pbes2_parse(file, error);
    file->sealed = file->bytes;
    file->sealed_size = file->size;
    return parse(&content, file->sealed, file->sealed_size, error);
}

/*
 * Nothing authenticates PBES2. A wrong passphrase gives noise: its padding, or its first bytes, are
 * hardly ever right.
 */
static bool unpad(struct pack_secret_file *file)
{
    const uint8_t *bytes = file->sealed;
    const size_t size = file->sealed_size;
    const size_t padding = bytes[size - 1];
    if (padding == 0 || padding > BLOCK)
        return false;
    for (size_t i = 0; i < padding; i++)
        if (bytes[size - 1 - i] != padding)
            return false;
    file->sealed_size = size - padding;
    return true;
}

static bool is_private_key(const struct pack_secret_file *file)
{
    struct pack_cursor cursor = {.bytes = file->sealed, .size = file->sealed_size}, outer;
    uint64_t version = 0;
    return pack_der_take(&cursor, PACK_DER_SEQUENCE, &outer) && pack_cursor_left(&cursor) == 0 &&
           pack_der_take_unsigned(&outer, &version) && version <= 1;
}

static int decrypt(struct pack_secret_file *file, const struct pack_password *password,
                   struct pack_error *error)
{
    const int code = pack_secret_file_decrypt(file, password, error);
    if (code != 0)
        return code;
    return unpad(file) && is_private_key(file) ? 0 : pack_wrong_passphrase(error);
}

static int open_pem(struct pack_secret_key **key, struct pack_secret_file *file,
                    const struct pack_password *password, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_key *made = NULL;
    struct content content = {NULL, NULL};
    int code = password != NULL ? decrypt(file, password, error) : 0;
    if (code == 0)
        code = parse(&content, file->sealed, file->sealed_size, error);
    if (code == 0)
        code = pack_secret_key_make(&made, content.seed, NULL, PACK_PURPOSE_ANY, error);
    if (code == 0 && content.public != NULL)
        code = pack_secret_file_prove(made, content.public, error);
    if (code == 0)
        *key = pack_steal(&made);
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

static int seal(struct pack_secret_text *der, struct pack_secret_text *plain,
                const struct pack_password *password, struct pack_error *error)
{
    const struct pack_cipher *cipher = pack_cipher_named("aes256-cbc", strlen("aes256-cbc"));
    const uint8_t padding = (uint8_t)(BLOCK - plain->size % BLOCK);
    uint8_t salt[PACK_PBES2_SALT_SIZE], iv[PACK_PBES2_IV_SIZE];
    /* openssl takes 32 MiB and no more, so there is more work instead, as OWASP has it. */
    struct pack_kdf kdf = {.method = &pack_kdf_scrypt,
                           .n = 16384,
                           .r = 8,
                           .p = 5,
                           .salt = salt,
                           .salt_size = sizeof salt};
    for (size_t i = 0; i < padding; i++)
        pack_secret_text_add(plain, &padding, 1);
    int code = pack_random(salt, sizeof salt, error);
    if (code == 0)
        code = pack_random(iv, sizeof iv, error);
    if (code == 0)
        code = pack_kdf_check(&kdf, error);
    if (code == 0)
        code =
            pack_secret_file_encrypt(&kdf, cipher, iv, password, plain->bytes, plain->size, error);
    return code != 0 ? code : pack_pbes2_write(der, plain->bytes, plain->size, &kdf, iv, error);
}

static void add_armor(struct pack_secret_text *text, const char *label,
                      const struct pack_secret_text *der)
{
    pack_secret_text_add_string(text, "-----BEGIN ");
    pack_secret_text_add_string(text, label);
    pack_secret_text_add_string(text, "-----\n");
    pack_secret_text_add_base64(text, der->bytes, der->size, COLUMNS);
    pack_secret_text_add_string(text, "-----END ");
    pack_secret_text_add_string(text, label);
    pack_secret_text_add_string(text, "-----\n");
}

/* PEM has no place for a comment. */
static int write_pem(struct pack_secret_text *text, const struct pack_secret_key *key,
                     const char *comment, const struct pack_password *password,
                     struct pack_error *error)
{
    PACK_AUTO_SECRET_TEXT struct pack_secret_text plain = {NULL, 0}, der = {NULL, 0};
    (void)comment;
    int code = pack_secret_text_new(&plain, error);
    if (code == 0 && password != NULL)
        code = pack_secret_text_new(&der, error);
    if (code != 0)
        return code;
    pack_secret_text_add(&plain, seed_header, sizeof seed_header);
    pack_secret_text_add(&plain, key->expanded, PACK_SEED_SIZE);
    if (password == NULL) {
        add_armor(text, "PRIVATE KEY", &plain);
        return 0;
    }
    code = seal(&der, &plain, password, error);
    if (code == 0)
        add_armor(text, "ENCRYPTED PRIVATE KEY", &der);
    return code;
}

const struct pack_secret_format pack_secret_pem = {read_pem, open_pem, write_pem};
