/* SPDX-License-Identifier: MIT */
#include "crypto/libcrypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

int pack_libcrypto_fail(const char *what, struct pack_error *error)
{
    ERR_clear_error();
    return pack_fail(error, PACK_E_NO_MEMORY, "out of memory: libcrypto cannot compute %s", what);
}

int pack_libcrypto_ready(struct pack_error *error)
{
    /* Fetching from a context that memory did not suffice for would crash. */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS,
                            NULL) != 1 ||
        OSSL_LIB_CTX_get0_global_default() == NULL)
        return pack_libcrypto_fail("anything", error);
    return 0;
}
