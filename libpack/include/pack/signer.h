/* SPDX-License-Identifier: MIT */
#ifndef PACK_SIGNER_H
#define PACK_SIGNER_H

/*
 * Secret keys wherever they are kept: one table of key stores, one way to sign. A KEY is named by
 *
 *     PATH, env:NAME, fd:N   a key file of any format of pack/key.h
 *     pkcs11:…               an Ed25519 key in a token (RFC 7512)
 *     agent:[WHICH]          a key in an ssh-agent, by comment or fingerprint
 *     tpm2:FILE              a seed sealed to a TPM 2.0, which `key seal` made
 *     exec:COMMAND           an external program
 *
 * docs/signers.md is the manual. A store that cannot be used is PACK_E_KEY_STORE, a PIN or
 * passphrase that is wrong PACK_E_PASSPHRASE, what is no Ed25519 key PACK_E_KEY_INVALID.
 */

#include "pack/key.h"

PACK_BEGIN_DECLS

struct pack_signing_key;

/* What opening a key may use; the library itself reads no environment. */
struct pack_signing_access {
    struct pack_key_access files; /* passphrases, which PINs are too; env:; warnings */
    const char *module;           /* PKCS#11 module where the URI names none, or NULL */
    const char *agent;            /* socket of the ssh-agent, or NULL */
    char *const *variables;       /* what exec: commands inherit, as environ; NULL: nothing */
    const char *tpm;              /* TCTI of the TPM, "swtpm:host=…"; NULL: the library's own */
    /*
     * Public halves that are known: the minisign id of a key that has none of its own is taken
     * from here, and the first is that of an exec: signer (whose command is asked where there is
     * none) and of a token that does not tell it.
     */
    size_t public_key_count;
    const struct pack_public_key *public_keys;
};

PACK_API PACK_MUST_USE int pack_signing_key_open(struct pack_signing_key **key, const char *name,
                                                 const struct pack_signing_access *access,
                                                 struct pack_error *error);
/* Logs out, unloads, wipes. */
PACK_API void pack_signing_key_free(struct pack_signing_key **key);

/* Whether KEY names a key file (PATH, env:, fd:), and no other store. */
PACK_API bool pack_signing_key_is_file(const char *name);

PACK_API const struct pack_public_key *pack_signing_key_public(const struct pack_signing_key *key);
PACK_API enum pack_key_purpose pack_signing_key_purpose(const struct pack_signing_key *key);
/* "file", "pkcs11", "agent", "tpm2", "exec" */
PACK_API const char *pack_signing_key_store(const struct pack_signing_key *key);
/* The key behind it where it is in memory (a file's), else NULL. */
PACK_API const struct pack_secret_key *pack_signing_key_secret(const struct pack_signing_key *key);
/* Borrows the key, which must outlive it. */
PACK_API struct pack_signer pack_signing_key_signer(const struct pack_signing_key *key);

PACK_END_DECLS

#endif
