/* SPDX-License-Identifier: MIT */
/* Key files, public and secret. Nobody has a passphrase, so that no KDF runs. */
#include "crypto/secret_file.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* A public key that is taken can be written and is taken again. */
static void check_public(const struct pack_public_key *key)
{
    struct pack_error error = {0};
    struct pack_public_key again;
    char line[PACK_PUBLIC_KEY_TEXT_SIZE];
    pack_public_key_text(key, line);
    check(pack_public_key_parse(&again, line, strlen(line), &error) == 0);
    check(memcmp(again.bytes, key->bytes, sizeof again.bytes) == 0);
    check(memcmp(again.minisign_id, key->minisign_id, sizeof again.minisign_id) == 0);
}

static void open_secret(struct pack_secret_file *file)
{
    static const struct pack_passphrase none;
    struct pack_error error = {0};
    struct pack_secret_key *key = NULL;
    if (pack_secret_file_open(&key, file, &none, "fuzz", &error) == 0)
        check_public(pack_secret_key_public(key));
    else
        check(error.text[0] != '\0');
    pack_secret_key_free(&key);
}

static void try_secret(const char *text, size_t size)
{
    struct pack_error error = {0};
    struct pack_key_text parts;
    PACK_AUTO_GUARDED struct pack_secret_file *file = NULL;
    if (pack_key_text_split(&parts, text, size, &error) != 0)
        return;
    if (pack_secret_file_read(&file, &parts, &error) == 0)
        open_secret(file);
    else
        check(error.text[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct pack_public_key key;
    if (pack_public_key_parse(&key, (const char *)data, size, &error) == 0)
        check_public(&key);
    else
        check(error.text[0] != '\0');
    try_secret((const char *)data, size);
    return 0;
}
