/* SPDX-License-Identifier: MIT */
#include "keystore/tpm2.h"
#include "crypto/secret_key.h"
#include "keystore/keystore.h"

#include <stdio.h>
#include <string.h>

/* --- the PIN --------------------------------------------------------------------------------- */

int tpm2_pin_ask(struct tpm2_pin **pin, const struct pack_passphrase *passphrase, const char *name,
                 bool confirm, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct tpm2_pin *asked = NULL;
    char what[640];
    if (passphrase->ask == NULL)
        return pack_fail(error, PACK_E_PASSPHRASE, "the TPM wants a PIN, and there is none");
    int code = pack_guarded_new(&asked, sizeof *asked, error);
    if (code != 0)
        return code;
    snprintf(what, sizeof what, "%s (the TPM's PIN)", name);
    code = passphrase->ask(passphrase->user, what, confirm, asked->text, sizeof asked->text,
                           &asked->size, error);
    if (code == 0 && asked->size == 0)
        code = pack_fail(error, PACK_E_PASSPHRASE, "the PIN is empty");
    if (code == 0 && asked->size > PACK_MAX_TPM_PIN)
        code = pack_fail(error, PACK_E_PASSPHRASE, "the PIN has %zu bytes, a TPM takes at most %d",
                         asked->size, PACK_MAX_TPM_PIN);
    if (code == 0)
        *pin = pack_steal(&asked);
    return code;
}

/* --- sealing --------------------------------------------------------------------------------- */

static int write_sealed(const char *path, const struct tpm2_sealed *sealed,
                        struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    const int code = tpm2_sealed_format(&text, &size, sealed, error);
    return code != 0
               ? code
               : pack_write_file(path, PACK_OUTPUT_NEW | PACK_OUTPUT_PRIVATE, text, size, error);
}

/* *sealed has its info but for what the policy says. */
static int seal(const char *path, struct tpm2_sealed *sealed, const void *secret, size_t size,
                const struct pack_tpm_policy *policy, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct tpm2_pin *pin = NULL;
    sealed->info.pcrs = policy->pcrs;
    sealed->info.pin = policy->pin.ask != NULL;
    int code = 0;
    if (policy->pcrs == 0 || policy->pcrs >> PACK_TPM_PCRS != 0)
        code = pack_fail(error, PACK_E_USAGE, "no PCRs to seal to");
    if (code == 0 && sealed->info.pin)
        code = tpm2_pin_ask(&pin, &policy->pin, path, true, error);
    if (code == 0)
        code = tpm2_seal(sealed, secret, size, pin, policy->tcti, error);
    return code != 0 ? code : write_sealed(path, sealed, error);
}

int pack_tpm_seal_key(const char *path, const struct pack_secret_key *key,
                      const struct pack_tpm_policy *policy, struct pack_error *error)
{
    PACK_AUTO_FREE struct tpm2_sealed *sealed = NULL;
    const int code = pack_allocate(&sealed, 1, sizeof *sealed, error);
    if (code != 0)
        return code;
    sealed->info.kind = PACK_SEALED_ED25519;
    sealed->info.key = key->key;
    sealed->info.purpose = key->purpose;
    return seal(path, sealed, key->expanded, PACK_SEED_SIZE, policy, error);
}

int pack_tpm_seal_identity(const char *path, const char *line, const char *recipient,
                           const struct pack_tpm_policy *policy, struct pack_error *error)
{
    PACK_AUTO_FREE struct tpm2_sealed *sealed = NULL;
    const int code = pack_allocate(&sealed, 1, sizeof *sealed, error);
    if (code != 0)
        return code;
    sealed->info.kind = PACK_SEALED_AGE;
    snprintf(sealed->info.recipient, sizeof sealed->info.recipient, "%s", recipient);
    return seal(path, sealed, line, strlen(line), policy, error);
}

/* --- the key store --------------------------------------------------------------------------- */

struct state {
    struct tpm2_sealed sealed;
    struct tpm2_pin *pin; /* asked for once, whatever the number of signatures */
    char *tcti;
    char *path;
};

static int fail_kind(struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_INVALID, "an age identity is sealed in it, which signs nothing");
    return pack_hint(error, "it opens what is encrypted: --identity tpm2:FILE");
}

static int open_sealed(struct pack_signing_key *key, const char *name,
                       const struct pack_signing_access *access, struct pack_error *error)
{
    struct state *state = NULL;
    if (name[0] == '\0')
        return pack_fail(error, PACK_E_USAGE, "tpm2: wants the file that 'key seal' made");
    int code = pack_allocate(&state, 1, sizeof *state, error);
    if (code != 0)
        return code;
    key->state = state;
    code = tpm2_sealed_load(&state->sealed, name, error);
    if (code == 0 && state->sealed.info.kind != PACK_SEALED_ED25519)
        code = fail_kind(error);
    if (code == 0)
        code = pack_copy_string(&state->path, name, error);
    if (code == 0 && access->tpm != NULL)
        code = pack_copy_string(&state->tcti, access->tpm, error);
    if (code == 0 && state->sealed.info.pin)
        code = tpm2_pin_ask(&state->pin, &access->files.passphrase, name, false, error);
    if (code != 0)
        return code;
    key->public = state->sealed.info.key;
    key->purpose = state->sealed.info.purpose;
    return 0;
}

/* The key, unsealed for one signature. Its public half is derived, whatever the file says. */
static int unseal_key(struct pack_secret_key **secret, const struct pack_signing_key *key,
                      struct pack_error *error)
{
    const struct state *state = key->state;
    PACK_AUTO_GUARDED uint8_t *seed = NULL;
    size_t size = 0;
    int code = tpm2_unseal(&seed, &size, &state->sealed, state->pin, state->tcti, error);
    if (code == 0 && size != PACK_SEED_SIZE)
        code =
            pack_fail(error, PACK_E_KEY_INVALID,
                      "damaged: what is sealed has %zu bytes, a seed has %d", size, PACK_SEED_SIZE);
    if (code == 0)
        code = pack_secret_key_make(secret, seed, NULL, PACK_PURPOSE_ANY, error);
    if (code == 0 && memcmp((*secret)->key.bytes, key->public.bytes, PACK_PUBLIC_KEY_SIZE) != 0)
        code = pack_fail(error, PACK_E_KEY_INVALID,
                         "damaged: its public key is not that of the seed in it");
    return code;
}

static int sign_sealed(struct pack_signing_key *key, const char *role, const void *message,
                       size_t size, uint8_t signature[PACK_SIGNATURE_SIZE],
                       struct pack_error *error)
{
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *secret = NULL;
    (void)role;
    if (unseal_key(&secret, key, error) != 0)
        return pack_at_file(error, ((const struct state *)key->state)->path);
    const struct pack_signer signer = pack_signer_from_key(secret);
    return signer.sign(&signer, message, size, signature, error);
}

static void close_sealed(struct pack_signing_key *key)
{
    struct state *state = key->state;
    if (state == NULL)
        return;
    pack_guarded_free(&state->pin);
    free(state->tcti);
    free(state->path);
    free(state);
    key->state = NULL;
}

const struct keystore keystore_tpm2 = {
    .name = "tpm2",
    .scheme = "tpm2:",
    .open = open_sealed,
    .sign = sign_sealed,
    .close = close_sealed,
};
