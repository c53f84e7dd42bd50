/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_TPM2_PROCESS_H
#define KEYSTORE_TPM2_PROCESS_H

/*
 * The TPM's software in a process of its own: what it prints goes nowhere, what it leaves in
 * freed memory ends with it, a crash or a TPM that hangs is a failure and no more.
 */

#include "crypto/ed25519.h"
#include "keystore/tpm2.h"

/* Memory that both processes see. */
struct tpm2_exchange {
    struct tpm2_sealed sealed;
    struct tpm2_pin pin; /* guarded memory does not come along */
    size_t secret_size;
    uint8_t secret[PACK_MAX_SEALED + 1];
    struct pack_error error;
    bool done; /* the child came to its end */
};

struct tpm2_task {
    int (*work)(struct tpm2_exchange *exchange, const struct tpm2_task *task,
                struct pack_error *error);
    const struct tpm2_pin *pin;
    const char *tcti;
};

/* In the child: from exchange->sealed to exchange->secret. */
int tpm2_unseal_work(struct tpm2_exchange *exchange, const struct tpm2_task *task,
                     struct pack_error *error);
/* In the child: from exchange->secret and ->sealed.info to the rest of ->sealed. */
int tpm2_seal_work(struct tpm2_exchange *exchange, const struct tpm2_task *task,
                   struct pack_error *error);

#endif
