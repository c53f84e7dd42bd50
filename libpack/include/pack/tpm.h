/* SPDX-License-Identifier: MIT */
#ifndef PACK_TPM_H
#define PACK_TPM_H

/*
 * Secrets sealed to a TPM 2.0: only that TPM, and only while its PCRs are what they were, gives
 * them out again, for each signature anew. They are kept in a file of JSON, whose format, and the
 * commands of tpm2-tools that open it, are in docs/tpm.md. libtss2 is loaded on first use.
 */

#include "pack/key.h"

PACK_BEGIN_DECLS

#define PACK_TPM_PCRS 24
#define PACK_MAX_TPM_PIN 32      /* bytes */
#define PACK_MAX_SEALED 128      /* bytes of a secret, as TPMs have it */
#define PACK_MAX_SEALED_TEXT 128 /* of a public half in text, with the final zero byte */

enum pack_sealed_kind {
    PACK_SEALED_ED25519, /* the seed of a signing key */
    PACK_SEALED_AGE,     /* the line of an age identity */
    PACK_SEALED_KIND_COUNT
};

/* What a sealed file says of itself, read without the TPM. Nothing proves it. */
struct pack_sealed_info {
    enum pack_sealed_kind kind;
    struct pack_public_key key;           /* of PACK_SEALED_ED25519 */
    enum pack_key_purpose purpose;        /* the same */
    char recipient[PACK_MAX_SEALED_TEXT]; /* of PACK_SEALED_AGE: age1… */
    uint32_t pcrs;                        /* bit n: PCR n of the SHA-256 bank */
    bool pin;
};
/* Whether the bytes begin as a sealed file does; for telling formats apart. */
PACK_API bool pack_sealed_probe(const void *bytes, size_t size);
/* PACK_E_KEY_INVALID with the line where it is damaged. */
PACK_API PACK_MUST_USE int pack_sealed_info_load(struct pack_sealed_info *info, const char *path,
                                                 struct pack_error *error);
/* "7,16", with a final zero byte. */
#define PACK_PCRS_TEXT_SIZE 72
PACK_API void pack_pcrs_text(uint32_t pcrs, char text[PACK_PCRS_TEXT_SIZE]);
/* The reverse; false for anything else than distinct numbers below 24 with commas between. */
PACK_API bool pack_pcrs_parse(const char *text, uint32_t *pcrs);

/* To what a secret is sealed. */
struct pack_tpm_policy {
    const char *tcti;           /* as in struct pack_signing_access */
    uint32_t pcrs;              /* at least one */
    struct pack_passphrase pin; /* asked twice; ask NULL: none is wanted */
};
/* Writes PATH (0600, never replaced), of which the TPM that made it is one half. */
PACK_API PACK_MUST_USE int pack_tpm_seal_key(const char *path, const struct pack_secret_key *key,
                                             const struct pack_tpm_policy *policy,
                                             struct pack_error *error);
/* `line` is AGE-SECRET-KEY-1…, without its line feed, in guarded memory of the caller's. */
PACK_API PACK_MUST_USE int pack_tpm_seal_identity(const char *path, const char *line,
                                                  const char *recipient,
                                                  const struct pack_tpm_policy *policy,
                                                  struct pack_error *error);

PACK_END_DECLS

#endif
