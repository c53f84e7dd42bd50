/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_LIBCRYPTO_H
#define CRYPTO_LIBCRYPTO_H

#include "pack/error.h"

/*
 * Makes libcrypto ready, without its configuration file: reading that takes longer than everything
 * else at the start of a short command, and it must not decide which code computes.
 */
PACK_MUST_USE int pack_libcrypto_ready(struct pack_error *error);

/* Memory is all that libcrypto can lack where no argument is wrong: PACK_E_NO_MEMORY, `what` told.
 */
PACK_MUST_USE int pack_libcrypto_fail(const char *what, struct pack_error *error);

#endif
