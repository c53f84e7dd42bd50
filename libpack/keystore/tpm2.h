/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_TPM2_H
#define KEYSTORE_TPM2_H

/* Secrets sealed to a TPM, for the key store and for age identities. */

#include "pack/signer.h"
#include "pack/tpm.h"

enum {
    TPM2_DIGEST_SIZE = 32,
    TPM2_MAX_PRIVATE = 512,
    TPM2_MAX_PUBLIC = 256,
};

/* A sealed file. The blobs are TPM2B structures, their two bytes of length included. */
struct tpm2_sealed {
    struct pack_sealed_info info;
    uint8_t pcr_values[PACK_TPM_PCRS][TPM2_DIGEST_SIZE]; /* as it was sealed, for messages only */
    uint8_t parent[TPM2_DIGEST_SIZE]; /* SHA-256 of the storage key's public area */
    size_t public_size, private_size;
    uint8_t public[TPM2_MAX_PUBLIC], private[TPM2_MAX_PRIVATE];
};

PACK_MUST_USE int tpm2_sealed_load(struct tpm2_sealed *sealed, const char *path,
                                   struct pack_error *error);
PACK_MUST_USE int tpm2_sealed_parse(struct tpm2_sealed *sealed, const void *bytes, size_t size,
                                    struct pack_error *error);
/* *text is to be freed with free(). */
PACK_MUST_USE int tpm2_sealed_format(char **text, size_t *size, const struct tpm2_sealed *sealed,
                                     struct pack_error *error);

/* A PIN, asked for once and kept in guarded memory; NULL where none was needed. */
struct tpm2_pin {
    size_t size;
    char text[PACK_MAX_TPM_PIN + 3]; /* with the line's end */
};
/* Free with pack_guarded_free. `name` is the key's, for the question. */
PACK_MUST_USE int tpm2_pin_ask(struct tpm2_pin **pin, const struct pack_passphrase *passphrase,
                               const char *name, bool confirm, struct pack_error *error);

/*
 * The secret, of at most PACK_MAX_SEALED bytes and a zero byte behind them, into *secret, to be
 * freed with pack_guarded_free. `tcti` as in struct pack_signing_access. PACK_E_KEY_STORE where the
 * TPM cannot be used or does not give it, PACK_E_PASSPHRASE for a wrong PIN, PACK_E_KEY_INVALID
 * for a damaged file. The TPM's software runs in a process of its own, whose memory ends with it.
 */
PACK_MUST_USE int tpm2_unseal(uint8_t **secret, size_t *size, const struct tpm2_sealed *sealed,
                              const struct tpm2_pin *pin, const char *tcti,
                              struct pack_error *error);
/* Fills in the blobs, the PCRs' values and the parent; sealed->info is the caller's. */
PACK_MUST_USE int tpm2_seal(struct tpm2_sealed *sealed, const void *secret, size_t size,
                            const struct tpm2_pin *pin, const char *tcti, struct pack_error *error);

#endif
