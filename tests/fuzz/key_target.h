/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_KEY_TARGET_H
#define FUZZ_KEY_TARGET_H

/* Secret key files of one format without their base64, which would only hold the fuzzer up. */

#include "crypto/secret_file.h"

#include <stdlib.h>
#include <string.h>

static inline void fuzz_check(bool holds)
{
    if (!holds)
        abort();
}

/* Reads the bytes; what is not encrypted is opened, what is has a judged cost. */
static inline void fuzz_secret(const struct pack_secret_format *format, bool sealed,
                               const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct pack_secret_key *key = NULL;
    PACK_AUTO_GUARDED struct pack_secret_file *file = NULL;
    fuzz_check(pack_guarded_new(&file, sizeof *file, &error) == 0);
    if (size > sizeof file->bytes)
        return;
    file->encrypted = sealed;
    file->size = size;
    memcpy(file->bytes, data, size);
    int code = format->read(file, &error);
    if (code == 0 && file->encrypted)
        fuzz_check(pack_kdf_check(&file->kdf, &error) == 0 && pack_kdf_name(&file->kdf) != NULL);
    else if (code == 0)
        code = format->open(&key, file, NULL, &error);
    fuzz_check(code == 0 || error.text[0] != '\0');
    pack_secret_key_free(&key);
}

#endif
