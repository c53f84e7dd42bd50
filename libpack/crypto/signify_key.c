/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "crypto/secret_file.h"

#include <sodium.h>
#include <string.h>

/*
 * The 104 bytes of a signify secret key (OpenBSD usr.bin/signify, struct enckey), and of usign's:
 * "Ed", KDF "BK", rounds 4 (big-endian; 0: not encrypted), salt 16, first 8 bytes of the key's
 * SHA-512, id 8, then 64 bytes that the KDF's output is XORed with: seed 32, public key 32.
 */
enum {
    AT_ALGORITHM = 0,
    AT_KDF = 2,
    AT_ROUNDS = 4,
    AT_SALT = 8,
    AT_CHECK = 24,
    AT_ID = 32,
    AT_KEY = 40,
    SIZE = 104,
    SALT_SIZE = 16,
    CHECK_SIZE = 8,
    ROUNDS = 42, /* signify's own */
};

static bool tag_is(const uint8_t *bytes, size_t at, const char tag[2])
{
    return sodium_memcmp(bytes + at, tag, 2) == 0;
}

static int read_signify(struct pack_secret_file *file, struct pack_error *error)
{
    const uint8_t *bytes = file->bytes;
    if (!tag_is(bytes, AT_ALGORITHM, "Ed"))
        return pack_fail(error, PACK_E_KEY_INVALID, "not an Ed25519 key: its algorithm is not Ed");
    if (!tag_is(bytes, AT_KDF, "BK"))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "encrypted with another KDF than bcrypt, which is the one known");
    const uint32_t rounds = pack_be32(bytes + AT_ROUNDS);
    file->encrypted = rounds != 0;
    if (!file->encrypted)
        return 0;
    file->kdf = (struct pack_kdf){
        .method = &pack_kdf_bcrypt,
        .rounds = rounds,
        .salt = bytes + AT_SALT,
        .salt_size = SALT_SIZE,
    };
    return pack_kdf_check(&file->kdf, error);
}

static void checksum(const uint8_t *key, uint8_t check[CHECK_SIZE])
{
    uint8_t digest[crypto_hash_sha512_BYTES];
    crypto_hash_sha512(digest, key, PACK_EXPANDED_KEY_SIZE);
    memcpy(check, digest, CHECK_SIZE);
    sodium_memzero(digest, sizeof digest);
}

static int apply_kdf(uint8_t *key, const struct pack_kdf *kdf, const struct pack_password *password,
                     struct pack_error *error)
{
    PACK_AUTO_GUARDED uint8_t *stream = NULL;
    int code = pack_guarded_new(&stream, PACK_EXPANDED_KEY_SIZE, error);
    if (code == 0)
        code = pack_kdf_derive(kdf, password, stream, PACK_EXPANDED_KEY_SIZE, error);
    for (size_t i = 0; code == 0 && i < PACK_EXPANDED_KEY_SIZE; i++)
        key[i] ^= stream[i];
    return code;
}

static int check_key(const uint8_t *bytes, bool encrypted, struct pack_error *error)
{
    uint8_t check[CHECK_SIZE];
    checksum(bytes + AT_KEY, check);
    if (sodium_memcmp(check, bytes + AT_CHECK, CHECK_SIZE) == 0)
        return 0;
    return encrypted
               ? pack_wrong_passphrase(error)
               : pack_fail(error, PACK_E_KEY_INVALID, "the key is damaged: its checksum differs");
}

static int open_signify(struct pack_secret_key **key, struct pack_secret_file *file,
                        const struct pack_password *password, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_key *made = NULL;
    uint8_t *bytes = file->bytes;
    int code = password != NULL ? apply_kdf(bytes + AT_KEY, &file->kdf, password, error) : 0;
    if (code == 0)
        code = check_key(bytes, password != NULL, error);
    if (code == 0)
        code = pack_secret_key_make(&made, bytes + AT_KEY, bytes + AT_ID, PACK_PURPOSE_ANY, error);
    if (code == 0)
        code = pack_secret_file_prove(made, bytes + AT_KEY + PACK_SEED_SIZE, error);
    if (code == 0)
        *key = pack_steal(&made);
    return code;
}

static int seal(uint8_t *bytes, const struct pack_secret_key *key,
                const struct pack_password *password, struct pack_error *error)
{
    const struct pack_kdf kdf = {
        .method = &pack_kdf_bcrypt,
        .rounds = ROUNDS,
        .salt = bytes + AT_SALT,
        .salt_size = SALT_SIZE,
    };
    memcpy(bytes + AT_ALGORITHM, "Ed", 2);
    memcpy(bytes + AT_KDF, "BK", 2);
    memcpy(bytes + AT_ID, key->key.minisign_id, PACK_MINISIGN_ID_SIZE);
    memcpy(bytes + AT_KEY, key->expanded, PACK_EXPANDED_KEY_SIZE);
    checksum(bytes + AT_KEY, bytes + AT_CHECK);
    const int code = pack_random(bytes + AT_SALT, SALT_SIZE, error);
    if (code != 0 || password == NULL)
        return code;
    bytes[AT_ROUNDS + 3] = ROUNDS;
    return apply_kdf(bytes + AT_KEY, &kdf, password, error);
}

static int write_signify(struct pack_secret_text *text, const struct pack_secret_key *key,
                         const char *comment, const struct pack_password *password,
                         struct pack_error *error)
{
    PACK_AUTO_GUARDED uint8_t *bytes = NULL;
    int code = pack_guarded_new(&bytes, SIZE, error);
    if (code == 0)
        code = seal(bytes, key, password, error);
    if (code != 0)
        return code;
    pack_secret_text_add_string(text, PACK_UNTRUSTED_COMMENT);
    pack_secret_text_add_string(text, comment);
    pack_secret_text_add_string(text, "\n");
    pack_secret_text_add_base64(text, bytes, SIZE, 0);
    return 0;
}

const struct pack_secret_format pack_secret_signify = {read_signify, open_signify, write_signify};
