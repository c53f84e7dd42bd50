/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "crypto/secret_file.h"

#include <sodium.h>
#include <string.h>

/*
 * The 158 bytes of a minisign secret key file, encrypted or not, little-endian:
 * "Ed", KDF "Sc" or 0 0, "B2", salt 32, opslimit 8, memlimit 8, then 104 bytes that the KDF's
 * output is XORed with: id 8, seed 32, public key 32, BLAKE2b-256 of "Ed", id, seed, public 32.
 */
enum {
    AT_ALGORITHM = 0,
    AT_KDF = 2,
    AT_CHECK_ALGORITHM = 4,
    AT_SALT = 6,
    AT_OPSLIMIT = 38,
    AT_MEMLIMIT = 46,
    AT_ID = 54,
    AT_SEED = 62,
    AT_PUBLIC = 94,
    AT_CHECK = 126,
    SIZE = 158,
    SALT_SIZE = 32,
    CHECK_SIZE = 32,
    SEALED_SIZE = SIZE - AT_ID,
};

static const uint8_t no_check[CHECK_SIZE];

static bool tag_is(const uint8_t *bytes, size_t at, const char tag[2])
{
    return sodium_memcmp(bytes + at, tag, 2) == 0;
}

static int read_minisign(struct pack_secret_file *file, struct pack_error *error)
{
    const uint8_t *bytes = file->bytes;
    file->encrypted = !tag_is(bytes, AT_KDF, "\0\0");
    if (!tag_is(bytes, AT_ALGORITHM, "Ed"))
        return pack_fail(error, PACK_E_KEY_INVALID, "not an Ed25519 key: its algorithm is not Ed");
    if (file->encrypted && !tag_is(bytes, AT_KDF, "Sc"))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "encrypted with another KDF than scrypt, which is the one known");
    if (!tag_is(bytes, AT_CHECK_ALGORITHM, "B2"))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "its checksum is not BLAKE2b, which is the one known");
    if (!file->encrypted)
        return 0;
    file->kdf = (struct pack_kdf){
        .method = &pack_kdf_minisign,
        .memory = pack_le64(bytes + AT_MEMLIMIT),
        .rounds = pack_le64(bytes + AT_OPSLIMIT),
        .salt = bytes + AT_SALT,
        .salt_size = SALT_SIZE,
    };
    return pack_kdf_check(&file->kdf, error);
}

static void checksum(const uint8_t *bytes, uint8_t check[CHECK_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CHECK_SIZE);
    crypto_generichash_update(&state, bytes + AT_ALGORITHM, 2);
    crypto_generichash_update(&state, bytes + AT_ID, AT_CHECK - AT_ID);
    crypto_generichash_final(&state, check, CHECK_SIZE);
    sodium_memzero(&state, sizeof state);
}

/* XORs the sealed part with the KDF's output; the same both ways. */
static int apply_kdf(uint8_t *bytes, const struct pack_kdf *kdf,
                     const struct pack_password *password, struct pack_error *error)
{
    PACK_AUTO_GUARDED uint8_t *stream = NULL;
    int code = pack_guarded_new(&stream, SEALED_SIZE, error);
    if (code == 0)
        code = pack_kdf_derive(kdf, password, stream, SEALED_SIZE, error);
    for (size_t i = 0; code == 0 && i < SEALED_SIZE; i++)
        bytes[AT_ID + i] ^= stream[i];
    return code;
}

static int decrypt(struct pack_secret_file *file, const struct pack_password *password,
                   struct pack_error *error)
{
    uint8_t check[CHECK_SIZE];
    const int code = apply_kdf(file->bytes, &file->kdf, password, error);
    if (code != 0)
        return code;
    checksum(file->bytes, check);
    return sodium_memcmp(check, file->bytes + AT_CHECK, CHECK_SIZE) == 0
               ? 0
               : pack_wrong_passphrase(error);
}

/* minisign leaves the checksum of an unencrypted key zero, and does not look at it. */
static int check_plain(const uint8_t *bytes, struct pack_error *error)
{
    uint8_t check[CHECK_SIZE];
    checksum(bytes, check);
    if (sodium_memcmp(no_check, bytes + AT_CHECK, CHECK_SIZE) != 0 &&
        sodium_memcmp(check, bytes + AT_CHECK, CHECK_SIZE) != 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "the key is damaged: its checksum differs");
    return 0;
}

static int open_minisign(struct pack_secret_key **key, struct pack_secret_file *file,
                         const struct pack_password *password, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_key *made = NULL;
    const uint8_t *bytes = file->bytes;
    int code = password != NULL ? decrypt(file, password, error) : check_plain(bytes, error);
    if (code == 0)
        code = pack_secret_key_make(&made, bytes + AT_SEED, bytes + AT_ID, PACK_PURPOSE_ANY, error);
    if (code == 0)
        code = pack_secret_file_prove(made, bytes + AT_PUBLIC, error);
    if (code == 0)
        *key = pack_steal(&made);
    return code;
}

static int seal(uint8_t *bytes, const struct pack_secret_key *key,
                const struct pack_password *password, struct pack_error *error)
{
    const struct pack_kdf kdf = {
        .method = &pack_kdf_minisign,
        .memory = PACK_KDF_MEMLIMIT,
        .rounds = PACK_KDF_OPSLIMIT,
        .salt = bytes + AT_SALT,
        .salt_size = SALT_SIZE,
    };
    memcpy(bytes + AT_ALGORITHM, "Ed", 2);
    memcpy(bytes + AT_CHECK_ALGORITHM, "B2", 2);
    memcpy(bytes + AT_ID, key->key.minisign_id, PACK_MINISIGN_ID_SIZE);
    memcpy(bytes + AT_SEED, key->expanded, PACK_EXPANDED_KEY_SIZE);
    if (password == NULL)
        return 0;
    memcpy(bytes + AT_KDF, "Sc", 2);
    pack_put_le64(bytes + AT_OPSLIMIT, kdf.rounds);
    pack_put_le64(bytes + AT_MEMLIMIT, kdf.memory);
    checksum(bytes, bytes + AT_CHECK);
    const int code = pack_random(bytes + AT_SALT, SALT_SIZE, error);
    return code != 0 ? code : apply_kdf(bytes, &kdf, password, error);
}

static int write_minisign(struct pack_secret_text *text, const struct pack_secret_key *key,
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

const struct pack_secret_format pack_secret_minisign = {read_minisign, open_minisign,
                                                        write_minisign};
