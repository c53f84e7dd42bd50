/* SPDX-License-Identifier: MIT */
#include "keystore/tpm2_device.h"
#include "keystore/tpm2_process.h"

#include "pack/digest.h"

#include <stdio.h>
#include <string.h>

#define STORAGE_KEY 0x81000001U /* where the TCG keeps a storage key, if anybody made one */

enum {
    NO_LOCKOUT = TPMA_OBJECT_NODA,
    STORAGE_ATTRIBUTES = TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT | TPMA_OBJECT_FIXEDTPM |
                         TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                         TPMA_OBJECT_USERWITHAUTH,
    SEALED_ATTRIBUTES =
        TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_ADMINWITHPOLICY,
    NAME_SIZE = 2 + TPM2_DIGEST_SIZE, /* the hash's number, then SHA-256 of the public area */
};

/* --- the storage key ------------------------------------------------------------------------- */

/* The TCG's template for P-256. An empty password, so failures elsewhere must not lock it. */
static TPM2B_PUBLIC storage_template(void)
{
    return (TPM2B_PUBLIC){.publicArea = {
                              .type = TPM2_ALG_ECC,
                              .nameAlg = TPM2_ALG_SHA256,
                              .objectAttributes = STORAGE_ATTRIBUTES | NO_LOCKOUT,
                              .parameters.eccDetail =
                                  {
                                      .symmetric = {.algorithm = TPM2_ALG_AES,
                                                    .keyBits.aes = 128,
                                                    .mode.aes = TPM2_ALG_CFB},
                                      .scheme.scheme = TPM2_ALG_NULL,
                                      .curveID = TPM2_ECC_NIST_P256,
                                      .kdf.scheme = TPM2_ALG_NULL,
                                  },
                          }};
}

static bool is_storage_key(const TPMT_PUBLIC *area)
{
    return area->type == TPM2_ALG_ECC && area->nameAlg == TPM2_ALG_SHA256 &&
           (area->objectAttributes & ~(TPMA_OBJECT)NO_LOCKOUT) == STORAGE_ATTRIBUTES &&
           area->parameters.eccDetail.curveID == TPM2_ECC_NIST_P256;
}

static void forget_parent(struct tpm2_device *device)
{
    if (device->parent_persistent)
        device->call.Esys_TR_Close(device->esys, &device->parent);
    device->parent_persistent = false;
    device->parent = ESYS_TR_NONE;
}

/* The name of the storage key at hand, without the number of its hash. */
static int parent_name(struct tpm2_device *device, uint8_t digest[TPM2_DIGEST_SIZE],
                       struct pack_error *error)
{
    TPM2B_NAME *name = NULL;
    const TSS2_RC rc = device->call.Esys_TR_GetName(device->esys, device->parent, &name);
    if (rc != TSS2_RC_SUCCESS)
        return tpm2_fail(error, rc, "name its storage key");
    const bool usable = name->size == NAME_SIZE;
    if (usable)
        memcpy(digest, name->name + 2, TPM2_DIGEST_SIZE);
    device->call.Esys_Free(name);
    return usable ? 0 : tpm2_fail(error, TPM2_RC_FAILURE, "name its storage key");
}

/* The key that is kept in the TPM, where there is one of the right kind. */
static bool find_kept(struct tpm2_device *device)
{
    TPM2B_PUBLIC *public = NULL;
    if (device->call.Esys_TR_FromTPMPublic(device->esys, STORAGE_KEY, ESYS_TR_NONE, ESYS_TR_NONE,
                                           ESYS_TR_NONE, &device->parent) != TSS2_RC_SUCCESS) {
        device->parent = ESYS_TR_NONE;
        return false;
    }
    device->parent_persistent = true;
    const bool usable =
        device->call.Esys_ReadPublic(device->esys, device->parent, ESYS_TR_NONE, ESYS_TR_NONE,
                                     ESYS_TR_NONE, &public, NULL, NULL) == TSS2_RC_SUCCESS &&
        is_storage_key(&public->publicArea);
    device->call.Esys_Free(public);
    if (!usable)
        forget_parent(device);
    return usable;
}

static int make_parent(struct tpm2_device *device, struct pack_error *error)
{
    static const TPM2B_SENSITIVE_CREATE sensitive;
    static const TPM2B_DATA outside;
    static const TPML_PCR_SELECTION creation;
    const TPM2B_PUBLIC template = storage_template();
    TPM2B_PUBLIC *public = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;
    const TSS2_RC rc = device->call.Esys_CreatePrimary(
        device->esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
        &template, &outside, &creation, &device->parent, &public, &data, &hash, &ticket);
    if (rc != TSS2_RC_SUCCESS) {
        device->parent = ESYS_TR_NONE;
        return tpm2_fail(error, rc, "make its storage key");
    }
    device->call.Esys_Free(public);
    device->call.Esys_Free(data);
    device->call.Esys_Free(hash);
    device->call.Esys_Free(ticket);
    return 0;
}

/* The storage key for a new secret. */
static int choose_parent(struct tpm2_device *device, struct tpm2_sealed *sealed,
                         struct pack_error *error)
{
    const int code = find_kept(device) ? 0 : make_parent(device, error);
    return code != 0 ? code : parent_name(device, sealed->parent, error);
}

/* The storage key that a secret was sealed under, or a failure before the TPM is asked. */
static int find_parent(struct tpm2_device *device, const struct tpm2_sealed *sealed,
                       struct pack_error *error)
{
    uint8_t name[TPM2_DIGEST_SIZE];
    if (find_kept(device)) {
        const int code = parent_name(device, name, error);
        if (code != 0 || memcmp(name, sealed->parent, sizeof name) == 0)
            return code;
        forget_parent(device);
    }
    int code = make_parent(device, error);
    if (code == 0)
        code = parent_name(device, name, error);
    if (code != 0 || memcmp(name, sealed->parent, sizeof name) == 0)
        return code;
    pack_fail(error, PACK_E_KEY_STORE,
              "sealed by another TPM, or this one was cleared since: its storage key differs");
    return pack_hint(error, "what a cleared TPM sealed is gone; seal a copy of the key anew");
}

/* --- PCRs ------------------------------------------------------------------------------------ */

static TPML_PCR_SELECTION selection_of(uint32_t pcrs)
{
    return (TPML_PCR_SELECTION){
        .count = 1,
        .pcrSelections = {
            {.hash = TPM2_ALG_SHA256,
             .sizeofSelect = 3,
             .pcrSelect = {(uint8_t)pcrs, (uint8_t)(pcrs >> 8), (uint8_t)(pcrs >> 16)}}}};
}

typedef uint8_t pcr_values[PACK_TPM_PCRS][TPM2_DIGEST_SIZE];

/* A TPM gives eight at a time at most. Takes those that it gave out of *left. */
static int read_some_pcrs(struct tpm2_device *device, uint32_t *left, pcr_values values,
                          struct pack_error *error)
{
    const TPML_PCR_SELECTION wanted = selection_of(*left);
    TPML_PCR_SELECTION *selected = NULL;
    TPML_DIGEST *digests = NULL;
    const TSS2_RC rc = device->call.Esys_PCR_Read(device->esys, ESYS_TR_NONE, ESYS_TR_NONE,
                                                  ESYS_TR_NONE, &wanted, NULL, &selected, &digests);
    if (rc != TSS2_RC_SUCCESS)
        return tpm2_fail(error, rc, "read its PCRs");
    const uint8_t *bits = selected->pcrSelections[0].pcrSelect;
    const uint32_t given =
        selected->count == 1 ? (bits[0] | (uint32_t)bits[1] << 8 | (uint32_t)bits[2] << 16) & *left
                             : 0;
    uint32_t taken = 0;
    for (unsigned pcr = 0; pcr < PACK_TPM_PCRS && taken < digests->count; pcr++)
        if ((given & UINT32_C(1) << pcr) != 0 && digests->digests[taken].size == TPM2_DIGEST_SIZE) {
            memcpy(values[pcr], digests->digests[taken++].buffer, TPM2_DIGEST_SIZE);
            *left &= ~(UINT32_C(1) << pcr);
        }
    device->call.Esys_Free(selected);
    device->call.Esys_Free(digests);
    return taken != 0
               ? 0
               : pack_fail(error, PACK_E_KEY_STORE, "the TPM has no PCRs of its SHA-256 bank");
}

static int read_pcrs(struct tpm2_device *device, uint32_t pcrs, pcr_values values,
                     struct pack_error *error)
{
    int code = 0;
    while (code == 0 && pcrs != 0)
        code = read_some_pcrs(device, &pcrs, values, error);
    return code;
}

/* What PolicyPCR compares with: SHA-256 of the values, in the order of their numbers. */
static int pcr_digest(uint32_t pcrs, pcr_values values, TPM2B_DIGEST *digest,
                      struct pack_error *error)
{
    uint8_t all[PACK_TPM_PCRS * TPM2_DIGEST_SIZE];
    size_t size = 0;
    for (unsigned pcr = 0; pcr < PACK_TPM_PCRS; pcr++)
        if ((pcrs & UINT32_C(1) << pcr) != 0) {
            memcpy(all + size, values[pcr], TPM2_DIGEST_SIZE);
            size += TPM2_DIGEST_SIZE;
        }
    digest->size = TPM2_DIGEST_SIZE;
    return pack_sha256_bytes(all, size, digest->buffer, error);
}

/* --- sessions -------------------------------------------------------------------------------- */

/* Salted by the storage key, so that nobody between here and the TPM reads what is encrypted. */
static int start_session(struct tpm2_device *device, TPM2_SE type, TPMA_SESSION attributes,
                         struct pack_error *error)
{
    static const TPMT_SYM_DEF symmetric = {
        .algorithm = TPM2_ALG_AES, .keyBits.aes = 128, .mode.aes = TPM2_ALG_CFB};
    TSS2_RC rc = device->call.Esys_StartAuthSession(
        device->esys, device->parent, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, NULL,
        type, &symmetric, TPM2_ALG_SHA256, &device->session);
    if (rc != TSS2_RC_SUCCESS)
        device->session = ESYS_TR_NONE;
    else
        rc = device->call.Esys_TRSess_SetAttributes(
            device->esys, device->session, attributes | TPMA_SESSION_CONTINUESESSION, 0xff);
    return rc != TSS2_RC_SUCCESS ? tpm2_fail(error, rc, "start a session") : 0;
}

/* `digest` of size zero: the PCRs as they are now. */
static int apply_policy(struct tpm2_device *device, const struct pack_sealed_info *info,
                        const TPM2B_DIGEST *digest, struct pack_error *error)
{
    const TPML_PCR_SELECTION selection = selection_of(info->pcrs);
    TSS2_RC rc = device->call.Esys_PolicyPCR(device->esys, device->session, ESYS_TR_NONE,
                                             ESYS_TR_NONE, ESYS_TR_NONE, digest, &selection);
    if (rc == TSS2_RC_SUCCESS && info->pin)
        rc = device->call.Esys_PolicyAuthValue(device->esys, device->session, ESYS_TR_NONE,
                                               ESYS_TR_NONE, ESYS_TR_NONE);
    return rc != TSS2_RC_SUCCESS ? tpm2_fail(error, rc, "compute the policy") : 0;
}

/* --- sealing --------------------------------------------------------------------------------- */

static int policy_of(struct tpm2_device *device, struct tpm2_sealed *sealed, TPM2B_DIGEST *policy,
                     struct pack_error *error)
{
    TPM2B_DIGEST now = {.size = 0}, *computed = NULL;
    int code = read_pcrs(device, sealed->info.pcrs, sealed->pcr_values, error);
    if (code == 0)
        code = pcr_digest(sealed->info.pcrs, sealed->pcr_values, &now, error);
    if (code == 0)
        code = start_session(device, TPM2_SE_TRIAL, 0, error);
    if (code == 0)
        code = apply_policy(device, &sealed->info, &now, error);
    if (code != 0)
        return code;
    const TSS2_RC rc = device->call.Esys_PolicyGetDigest(
        device->esys, device->session, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &computed);
    if (rc != TSS2_RC_SUCCESS)
        return tpm2_fail(error, rc, "compute the policy");
    *policy = *computed;
    device->call.Esys_Free(computed);
    tpm2_device_flush(device, &device->session);
    return 0;
}

static int keep_blobs(struct tpm2_device *device, struct tpm2_sealed *sealed,
                      const TPM2B_PUBLIC *public, const TPM2B_PRIVATE *private,
                      struct pack_error *error)
{
    size_t size = 0;
    const TSS2_RC rc = device->call.Tss2_MU_TPM2B_PUBLIC_Marshal(public, sealed->public,
                                                                 sizeof sealed->public, &size);
    if (rc != TSS2_RC_SUCCESS || private->size > sizeof sealed->private - 2)
        return tpm2_fail(error, rc, "seal: what it made is too large");
    sealed->public_size = size;
    sealed->private[0] = (uint8_t)(private->size >> 8);
    sealed->private[1] = (uint8_t) private->size;
    memcpy(sealed->private + 2, private->buffer, private->size);
    sealed->private_size = 2U + private->size;
    return 0;
}

/* Without a PIN nothing can be guessed, so guesses elsewhere must not lock it. */
static TPM2B_PUBLIC sealed_template(const TPM2B_DIGEST *policy, bool pin)
{
    return (TPM2B_PUBLIC){
        .publicArea = {
            .type = TPM2_ALG_KEYEDHASH,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = SEALED_ATTRIBUTES | (pin ? 0U : (TPMA_OBJECT)NO_LOCKOUT),
            .authPolicy = *policy,
            .parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL,
        }};
}

static int create(struct tpm2_device *device, struct tpm2_exchange *exchange,
                  const TPM2B_DIGEST *policy, const struct tpm2_pin *pin, struct pack_error *error)
{
    static const TPM2B_DATA outside;
    static const TPML_PCR_SELECTION creation;
    const TPM2B_PUBLIC template = sealed_template(policy, pin != NULL);
    TPM2B_SENSITIVE_CREATE sensitive = {
        .sensitive.data.size = (uint16_t)exchange->secret_size,
        .sensitive.userAuth.size = pin != NULL ? (uint16_t)pin->size : 0,
    };
    memcpy(sensitive.sensitive.data.buffer, exchange->secret, exchange->secret_size);
    if (pin != NULL)
        memcpy(sensitive.sensitive.userAuth.buffer, pin->text, pin->size);
    TPM2B_PRIVATE *private = NULL;
    TPM2B_PUBLIC *public = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;
    const TSS2_RC rc = device->call.Esys_Create(
        device->esys, device->parent, device->session, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
        &template, &outside, &creation, &private, &public, &data, &hash, &ticket);
    if (rc != TSS2_RC_SUCCESS)
        return tpm2_fail(error, rc, "seal");
    const int code = keep_blobs(device, &exchange->sealed, public, private, error);
    device->call.Esys_Free(private);
    device->call.Esys_Free(public);
    device->call.Esys_Free(data);
    device->call.Esys_Free(hash);
    device->call.Esys_Free(ticket);
    return code;
}

int tpm2_seal_work(struct tpm2_exchange *exchange, const struct tpm2_task *task,
                   struct pack_error *error)
{
    PACK_AUTO(tpm2_device_close) struct tpm2_device device;
    TPM2B_DIGEST policy = {.size = 0};
    int code = tpm2_device_open(&device, task->tcti, error);
    if (code == 0)
        code = choose_parent(&device, &exchange->sealed, error);
    if (code == 0)
        code = policy_of(&device, &exchange->sealed, &policy, error);
    if (code == 0)
        code = start_session(&device, TPM2_SE_HMAC, TPMA_SESSION_DECRYPT, error);
    if (code == 0)
        code = create(&device, exchange, &policy, task->pin, error);
    return code;
}

/* --- unsealing ------------------------------------------------------------------------------- */

/* Whether the TPM refuses what it was given, not to work. */
static bool concerns_parameter(TSS2_RC rc)
{
    enum { FORMAT_ONE_PARAMETER = 0xc0 };
    return tpm2_plain_code(rc) != rc && (rc & FORMAT_ONE_PARAMETER) == FORMAT_ONE_PARAMETER;
}

static int load(struct tpm2_device *device, const struct tpm2_sealed *sealed,
                struct pack_error *error)
{
    TPM2B_PUBLIC public = {.size = 0};
    TPM2B_PRIVATE private = {.size = (uint16_t)(sealed->private_size - 2)};
    size_t offset = 0;
    memcpy(private.buffer, sealed->private + 2, private.size);
    TSS2_RC rc = device->call.Tss2_MU_TPM2B_PUBLIC_Unmarshal(sealed->public, sealed->public_size,
                                                             &offset, &public);
    if (rc != TSS2_RC_SUCCESS || offset != sealed->public_size ||
        public.publicArea.type != TPM2_ALG_KEYEDHASH)
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "damaged: its tpm2b_public is no sealed secret");
    rc = device->call.Esys_Load(device->esys, device->parent, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                ESYS_TR_NONE, &private, &public, &device->object);
    if (rc == TSS2_RC_SUCCESS)
        return 0;
    device->object = ESYS_TR_NONE;
    if (!concerns_parameter(rc))
        return tpm2_fail(error, rc, "load what was sealed");
    return pack_fail(error, PACK_E_KEY_INVALID,
                     "damaged: the TPM finds that it is not what was sealed (0x%X)", (unsigned)rc);
}

static int fail_policy(struct tpm2_device *device, const struct tpm2_sealed *sealed,
                       struct pack_error *error)
{
    pcr_values values = {{0}};
    uint32_t changed = 0;
    char all[PACK_PCRS_TEXT_SIZE], names[PACK_PCRS_TEXT_SIZE];
    int code = read_pcrs(device, sealed->info.pcrs, values, error);
    if (code != 0)
        return code;
    for (unsigned pcr = 0; pcr < PACK_TPM_PCRS; pcr++)
        if ((sealed->info.pcrs & UINT32_C(1) << pcr) != 0 &&
            memcmp(values[pcr], sealed->pcr_values[pcr], TPM2_DIGEST_SIZE) != 0)
            changed |= UINT32_C(1) << pcr;
    pack_pcrs_text(sealed->info.pcrs, all);
    pack_pcrs_text(changed, names);
    if (changed == 0)
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "damaged: the TPM does not give it for PCR %s, as the file has it", all);
    pack_fail(error, PACK_E_KEY_STORE,
              "the machine's state is not the one that it was sealed to: PCR %s differ%s", names,
              (changed & (changed - 1)) == 0 ? "s" : "");
    return pack_hint(error, "boot what was booted then, or seal a copy of the key anew");
}

static int fail_pin(struct tpm2_device *device, struct pack_error *error)
{
    const uint32_t failed = tpm2_property(device, TPM2_PT_LOCKOUT_COUNTER);
    const uint32_t most = tpm2_property(device, TPM2_PT_MAX_AUTH_FAIL);
    const uint32_t left = most > failed ? most - failed : 0;
    return pack_fail(error, PACK_E_PASSPHRASE,
                     "the PIN is wrong, which used up a try: %u more before the TPM locks",
                     (unsigned)left);
}

static int fail_locked(struct tpm2_device *device, struct pack_error *error)
{
    const uint32_t seconds = tpm2_property(device, TPM2_PT_LOCKOUT_INTERVAL);
    pack_fail(error, PACK_E_KEY_STORE,
              "the TPM is locked after too many wrong PINs, and did not judge this one; it allows "
              "one more try %u seconds after the last",
              (unsigned)seconds);
    return pack_hint(error, "wait, or tpm2_dictionarylockout --clear-lockout");
}

static int fail_unseal(struct tpm2_device *device, const struct tpm2_sealed *sealed, TSS2_RC rc,
                       struct pack_error *error)
{
    switch (tpm2_plain_code(rc)) {
    case TPM2_RC_POLICY_FAIL:
        return fail_policy(device, sealed, error);
    case TPM2_RC_AUTH_FAIL:
        return fail_pin(device, error);
    case TPM2_RC_LOCKOUT:
        return fail_locked(device, error);
    default:
        return tpm2_fail(error, rc, "unseal");
    }
}

static int unseal(struct tpm2_device *device, struct tpm2_exchange *exchange,
                  const struct tpm2_pin *pin, struct pack_error *error)
{
    TPM2B_SENSITIVE_DATA *data = NULL;
    TPM2B_AUTH value = {.size = pin != NULL ? (uint16_t)pin->size : 0};
    if (pin != NULL)
        memcpy(value.buffer, pin->text, pin->size);
    TSS2_RC rc = device->call.Esys_TR_SetAuth(device->esys, device->object, &value);
    if (rc == TSS2_RC_SUCCESS)
        rc = device->call.Esys_Unseal(device->esys, device->object, device->session, ESYS_TR_NONE,
                                      ESYS_TR_NONE, &data);
    if (rc != TSS2_RC_SUCCESS)
        return fail_unseal(device, &exchange->sealed, rc, error);
    const bool fits = data->size <= PACK_MAX_SEALED;
    if (fits) {
        memcpy(exchange->secret, data->buffer, data->size);
        exchange->secret_size = data->size;
    }
    device->call.Esys_Free(data);
    return fits ? 0 : tpm2_fail(error, TPM2_RC_FAILURE, "unseal");
}

int tpm2_unseal_work(struct tpm2_exchange *exchange, const struct tpm2_task *task,
                     struct pack_error *error)
{
    static const TPM2B_DIGEST as_they_are;
    PACK_AUTO(tpm2_device_close) struct tpm2_device device;
    int code = tpm2_device_open(&device, task->tcti, error);
    if (code == 0)
        code = find_parent(&device, &exchange->sealed, error);
    if (code == 0)
        code = load(&device, &exchange->sealed, error);
    if (code == 0)
        code = start_session(&device, TPM2_SE_POLICY, TPMA_SESSION_ENCRYPT, error);
    if (code == 0)
        code = apply_policy(&device, &exchange->sealed.info, &as_they_are, error);
    if (code == 0)
        code = unseal(&device, exchange, task->pin, error);
    return code;
}
