/* SPDX-License-Identifier: MIT */
#include "age/parties.h"

#include "crypto/ed25519.h"
#include "keystore/tpm2.h"
#include "keystore/x25519.h"

#include <string.h>

/* --- a key that stays in its token ----------------------------------------------------------- */

static int agree_in_token(const struct age_identity *identity, const uint8_t share[AGE_KEY_SIZE],
                          uint8_t shared[AGE_KEY_SIZE], struct pack_error *error)
{
    /* Tokens call such a share by as many names as there are tokens. */
    return age_is_low_order(share) ? age_fail_low_order(error)
                                   : keystore_x25519_shared(identity->state, share, shared, error);
}

static void close_token(struct age_identity *identity)
{
    struct keystore_x25519 *key = identity->state;
    keystore_x25519_close(&key);
}

static int add_token(struct pack_age_identities *identities, const char *name,
                     const struct pack_signing_access *access, struct pack_error *error)
{
    struct keystore_x25519 *key = NULL;
    struct age_identity identity = {.agree = agree_in_token, .close = close_token};
    const int code = keystore_x25519_open(&key, name, access, error);
    if (code != 0)
        return code;
    identity.state = key;
    memcpy(identity.public, keystore_x25519_public(key), AGE_KEY_SIZE);
    return age_identities_append(identities, &identity, error);
}

/* --- a line that was sealed to a TPM --------------------------------------------------------- */

static int unseal(struct pack_age_identities *identities, const struct tpm2_sealed *sealed,
                  const char *path, const struct pack_signing_access *access,
                  struct pack_error *error)
{
    PACK_AUTO_GUARDED struct tpm2_pin *pin = NULL;
    PACK_AUTO_GUARDED uint8_t *line = NULL;
    size_t size = 0;
    int code = 0;
    if (sealed->info.kind != PACK_SEALED_AGE)
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "a sealed key that signs, where an age identity is wanted");
    if (sealed->info.pin)
        code = tpm2_pin_ask(&pin, &access->files.passphrase, path, false, error);
    if (code == 0)
        code = tpm2_unseal(&line, &size, sealed, pin, access->tpm, error);
    return code != 0 ? code : age_identities_add_line(identities, (const char *)line, size, error);
}

static int add_sealed(struct pack_age_identities *identities, const char *name,
                      const struct pack_signing_access *access, struct pack_error *error)
{
    PACK_AUTO_FREE struct tpm2_sealed *sealed = NULL;
    const char *path = strchr(name, ':') + 1;
    int code = pack_allocate(&sealed, 1, sizeof *sealed, error);
    if (code == 0)
        code = tpm2_sealed_load(sealed, path, error);
    return code != 0 ? code : unseal(identities, sealed, path, access, error);
}

/* --- all ------------------------------------------------------------------------------------- */

static int add_file(struct pack_age_identities *identities, const char *name,
                    const struct pack_signing_access *access, struct pack_error *error)
{
    return age_identities_add_file(identities, name, &access->files, error);
}

/* Said without the name, which is the secret. */
static int fail_secret(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE,
              "a secret identity, where others can see it: an identity is named by its file");
    return pack_hint(error, "write it to a file of mode 600, or give it by env:NAME or fd:N");
}

int pack_age_identities_add(struct pack_age_identities *identities, const char *name,
                            const struct pack_signing_access *access, struct pack_error *error)
{
    /* The last takes what no scheme claims. */
    static const struct {
        const char *scheme;
        int (*add)(struct pack_age_identities *identities, const char *name,
                   const struct pack_signing_access *access, struct pack_error *error);
    } stores[] = {{"pkcs11:", add_token}, {"tpm2:", add_sealed}, {"", add_file}};
    size_t i = 0;
    if (strncmp(name, "AGE-SECRET-KEY-", 15) == 0)
        return fail_secret(error);
    while (strncmp(name, stores[i].scheme, strlen(stores[i].scheme)) != 0)
        i++;
    const int code = stores[i].add(identities, name, access, error);
    return code != 0 ? pack_at_file(error, name) : 0;
}

int pack_age_identities_seal(const struct pack_age_identities *identities, size_t index,
                             const char *path, const struct pack_tpm_policy *policy,
                             struct pack_error *error)
{
    PACK_AUTO_GUARDED char *line = NULL;
    char recipient[PACK_AGE_TEXT_SIZE];
    const int code = age_identities_line(identities, index, &line, error);
    if (code != 0)
        return code;
    pack_age_identities_recipient(identities, index, recipient);
    return pack_tpm_seal_identity(path, line, recipient, policy, error);
}
