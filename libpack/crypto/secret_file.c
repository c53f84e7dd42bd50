/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "crypto/secret_key.h"
#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

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
    SALT_SIZE = 32,
    CHECK_SIZE = 32,
    SEALED_SIZE = PACK_SECRET_FILE_SIZE - AT_ID,
};

/* The work that 1 GiB takes: what minisign asks for, and the most that is honoured. */
#define MAX_OPSLIMIT (PACK_MAX_KDF_MEMORY / 32)

static const uint8_t no_check[CHECK_SIZE];

static bool tag_is(const uint8_t *file, size_t at, const char tag[2])
{
    return sodium_memcmp(file + at, tag, 2) == 0;
}

bool pack_secret_file_encrypted(const uint8_t file[PACK_SECRET_FILE_SIZE])
{
    return !tag_is(file, AT_KDF, "\0\0");
}

uint64_t pack_secret_file_memory(const uint8_t file[PACK_SECRET_FILE_SIZE])
{
    return pack_secret_file_encrypted(file) ? pack_le64(file + AT_MEMLIMIT) : 0;
}

static int check_header(const uint8_t *file, struct pack_error *error)
{
    if (!tag_is(file, AT_ALGORITHM, "Ed"))
        return pack_fail(error, PACK_E_KEY_INVALID, "not an Ed25519 key: its algorithm is not Ed");
    if (pack_secret_file_encrypted(file) && !tag_is(file, AT_KDF, "Sc"))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "encrypted with another KDF than scrypt, which is the one known");
    if (!tag_is(file, AT_CHECK_ALGORITHM, "B2"))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "its checksum is not BLAKE2b, which is the one known");
    const uint64_t work = pack_le64(file + AT_OPSLIMIT), memory = pack_le64(file + AT_MEMLIMIT);
    if (work > MAX_OPSLIMIT || memory > PACK_MAX_KDF_MEMORY)
        return pack_fail(error, PACK_E_LIMIT,
                         "its KDF asks for %llu bytes of memory and work %llu, at most %llu and "
                         "%llu are honoured",
                         (unsigned long long)memory, (unsigned long long)work,
                         (unsigned long long)PACK_MAX_KDF_MEMORY, (unsigned long long)MAX_OPSLIMIT);
    return 0;
}

int pack_secret_file_decode(uint8_t file[PACK_SECRET_FILE_SIZE], struct pack_span data,
                            struct pack_error *error)
{
    static const struct pack_base64_kind kind = {
        .name = "secret key", .wanted = PACK_SECRET_FILE_SIZE, .code = PACK_E_KEY_INVALID};
    const int code = pack_base64_decode(&kind, data, file, error);
    return code != 0 ? code : check_header(file, error);
}

static void checksum(const uint8_t *file, uint8_t check[CHECK_SIZE])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, CHECK_SIZE);
    crypto_generichash_update(&state, file + AT_ALGORITHM, 2);
    crypto_generichash_update(&state, file + AT_ID, AT_CHECK - AT_ID);
    crypto_generichash_final(&state, check, CHECK_SIZE);
    sodium_memzero(&state, sizeof state);
}

/* XORs the sealed part with the KDF's output; the same both ways. */
static int apply_kdf(uint8_t *file, const char *passphrase, size_t length, struct pack_error *error)
{
    PACK_AUTO_GUARDED uint8_t *stream = NULL;
    const uint64_t memory = pack_le64(file + AT_MEMLIMIT);
    const int code = pack_guarded_new(&stream, SEALED_SIZE, error);
    if (code != 0)
        return code;
    if (crypto_pwhash_scryptsalsa208sha256(stream, SEALED_SIZE, passphrase, length, file + AT_SALT,
                                           pack_le64(file + AT_OPSLIMIT), (size_t)memory) != 0)
        return pack_fail(error, PACK_E_NO_MEMORY, "out of memory: the KDF needs %llu bytes",
                         (unsigned long long)memory);
    for (size_t i = 0; i < SEALED_SIZE; i++)
        file[AT_ID + i] ^= stream[i];
    return 0;
}

static int ask_and_apply(uint8_t *file, const struct pack_passphrase *passphrase, const char *name,
                         bool confirm, struct pack_error *error)
{
    PACK_AUTO_GUARDED char *buffer = NULL;
    size_t length = 0;
    int code = pack_guarded_new(&buffer, PACK_MAX_PASSPHRASE + 1, error);
    if (code == 0)
        code = passphrase->ask(passphrase->user, name, confirm, buffer, PACK_MAX_PASSPHRASE + 1,
                               &length, error);
    if (code == 0 && confirm && length == 0)
        code = pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is empty");
    return code != 0 ? code : apply_kdf(file, buffer, length, error);
}

static int decrypt(uint8_t *file, const struct pack_passphrase *passphrase, const char *name,
                   struct pack_error *error)
{
    uint8_t check[CHECK_SIZE];
    if (passphrase->ask == NULL)
        return pack_fail(error, PACK_E_PASSPHRASE,
                         "the key is encrypted, and there is no passphrase");
    const int code = ask_and_apply(file, passphrase, name, false, error);
    if (code != 0)
        return code;
    checksum(file, check);
    if (sodium_memcmp(check, file + AT_CHECK, CHECK_SIZE) != 0)
        return pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is wrong");
    return 0;
}

/* minisign leaves the checksum of an unencrypted key zero, and does not look at it. */
static int check_plain(const uint8_t *file, struct pack_error *error)
{
    uint8_t check[CHECK_SIZE];
    checksum(file, check);
    if (sodium_memcmp(no_check, file + AT_CHECK, CHECK_SIZE) != 0 &&
        sodium_memcmp(check, file + AT_CHECK, CHECK_SIZE) != 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "the key is damaged: its checksum differs");
    return 0;
}

int pack_secret_file_open(struct pack_secret_key **key, uint8_t file[PACK_SECRET_FILE_SIZE],
                          const struct pack_passphrase *passphrase, const char *name,
                          struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_key *made = NULL;
    int code = pack_secret_file_encrypted(file) ? decrypt(file, passphrase, name, error)
                                                : check_plain(file, error);
    if (code == 0)
        code = pack_secret_key_make(&made, file + AT_SEED, file + AT_ID, PACK_PURPOSE_ANY, error);
    if (code != 0)
        return code;
    if (sodium_memcmp(made->key.bytes, file + AT_PUBLIC, PACK_PUBLIC_KEY_SIZE) != 0)
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "the key is damaged: its public half does not belong to its seed");
    *key = pack_steal(&made);
    return 0;
}

int pack_secret_file_seal(uint8_t file[PACK_SECRET_FILE_SIZE], const struct pack_secret_key *key,
                          const struct pack_passphrase *passphrase, const char *name,
                          struct pack_error *error)
{
    memset(file, 0, PACK_SECRET_FILE_SIZE);
    memcpy(file + AT_ALGORITHM, "Ed", 2);
    memcpy(file + AT_CHECK_ALGORITHM, "B2", 2);
    memcpy(file + AT_ID, key->key.minisign_id, PACK_MINISIGN_ID_SIZE);
    memcpy(file + AT_SEED, key->expanded, PACK_EXPANDED_KEY_SIZE);
    if (passphrase->ask == NULL)
        return 0;
    memcpy(file + AT_KDF, "Sc", 2);
    pack_put_le64(file + AT_OPSLIMIT, PACK_KDF_OPSLIMIT);
    pack_put_le64(file + AT_MEMLIMIT, PACK_KDF_MEMLIMIT);
    checksum(file, file + AT_CHECK);
    const int code = pack_random(file + AT_SALT, SALT_SIZE, error);
    return code != 0 ? code : ask_and_apply(file, passphrase, name, true, error);
}
