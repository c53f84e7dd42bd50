/* SPDX-License-Identifier: MIT */
/* The DER of PEM files: PKCS#8, PBES2, SubjectPublicKeyInfo. */
#include "crypto/pkcs8.h"
#include "key_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct pack_public_key key;
    if (pack_spki_parse(&key, data, size, &error) != 0)
        fuzz_check(error.text[0] != '\0');
    fuzz_secret(&pack_secret_pem, false, data, size);
    fuzz_secret(&pack_secret_pem, true, data, size);
    return 0;
}
