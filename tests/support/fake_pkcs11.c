/* SPDX-License-Identifier: MIT */
/*
 * A PKCS#11 module with the faults that real ones have. What it does stands in words in the
 * variable FAKE_PKCS11; each call is written as a line to the file of FAKE_PKCS11_LOG.
 *
 *     C_Sign=b3       that call answers 0xb3; C_Sign=b3@2 only the second time
 *     twins           two tokens of one label
 *     low final locked pad    flags of the token
 *     always          the key wants its PIN for each use
 *     raw oid         other encodings of CKA_EC_POINT and CKA_EC_PARAMS
 *     nopublic        no public key object; point, info, cert: what has the public half instead
 *     rsa p256        the key is of that type; two, none: so many private keys
 *     short wrong     the signature has 63 bytes, or a wrong bit
 *     montgomery      the key is an X25519 key, of PKCS#11 3.0
 *     odd             texts of the token are not ended, and have control characters
 *
 * The PIN is 1234, the keys' secret 32 times 0x42.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>
#include <sodium.h>

#define MONTGOMERY ((CK_KEY_TYPE)0x41)

enum { FIRST_SLOT = 7, SESSIONS = 64, CALLS = 24, MOST_WRONG = 3 };
enum { PRIVATE = 1, PUBLIC, OTHER, CERTIFICATE, OBJECTS, DERIVED };

static struct {
    bool initialised;
    bool logged_in;
    unsigned wrong;
    struct session {
        bool open, active, authenticated;
        CK_SLOT_ID slot;
        CK_OBJECT_HANDLE found[OBJECTS];
        CK_ULONG found_count;
    } sessions[SESSIONS]; /* [0] is none */
    struct {
        char name[32];
        unsigned count;
    } calls[CALLS];
    uint8_t shared[32];
} fake;

/* --- words ----------------------------------------------------------------------------------- */

/* What follows the word, NULL where it is not there. */
static const char *word(const char *name)
{
    const char *words = getenv("FAKE_PKCS11");
    const size_t length = strlen(name);
    for (const char *at = words; at != NULL && *at != '\0';
         at += strcspn(at, " "), at += *at == ' ')
        if (strncmp(at, name, length) == 0 && strchr(" =", at[length]) != NULL)
            return at + length;
    return NULL;
}

static bool is(const char *name)
{
    return word(name) != NULL;
}

static unsigned count_call(const char *name)
{
    for (size_t i = 0; i < CALLS; i++) {
        if (fake.calls[i].name[0] == '\0')
            snprintf(fake.calls[i].name, sizeof fake.calls[i].name, "%s", name);
        if (strcmp(fake.calls[i].name, name) == 0)
            return ++fake.calls[i].count;
    }
    abort();
}

static void write_log(const char *name)
{
    const char *path = getenv("FAKE_PKCS11_LOG");
    FILE *log = path != NULL ? fopen(path, "a") : NULL;
    if (log == NULL)
        return;
    fprintf(log, "%s\n", name);
    fclose(log);
}

/* Each call begins with it. */
static CK_RV enter(const char *name)
{
    char *end = NULL;
    const char *fault = word(name);
    const unsigned count = count_call(name);
    write_log(name);
    if (!fake.initialised && strcmp(name, "C_Initialize") != 0)
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    if (fault == NULL)
        return CKR_OK;
    const CK_RV result = strtoul(fault + 1, &end, 16);
    return *end != '@' || strtoul(end + 1, NULL, 10) == count ? result : CKR_OK;
}

static struct session *session_of(CK_SESSION_HANDLE handle)
{
    return handle != 0 && handle < SESSIONS && fake.sessions[handle].open ? &fake.sessions[handle]
                                                                          : NULL;
}

static CK_RV enter_session(const char *name, CK_SESSION_HANDLE handle, struct session **session)
{
    const CK_RV result = enter(name);
    *session = session_of(handle);
    return result == CKR_OK && *session == NULL ? CKR_SESSION_HANDLE_INVALID : result;
}

/* --- module, slots, tokens ------------------------------------------------------------------- */

static CK_RV initialise(void *arguments)
{
    const bool already = fake.initialised;
    (void)arguments;
    if (!already)
        memset(&fake, 0, sizeof fake);
    const CK_RV result = enter("C_Initialize");
    if (already)
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    fake.initialised = result == CKR_OK;
    return result;
}

static CK_RV finalise(void *reserved)
{
    (void)reserved;
    const CK_RV result = enter("C_Finalize");
    fake.initialised = false;
    return result;
}

static void fill(unsigned char *text, size_t size, const char *content)
{
    memset(text, ' ', size);
    memcpy(text, content, strlen(content) < size ? strlen(content) : size);
}

static CK_RV get_info(CK_INFO *info)
{
    const CK_RV result = enter("C_GetInfo");
    memset(info, 0, sizeof *info);
    info->cryptokiVersion.major = 2;
    fill(info->manufacturerID, sizeof info->manufacturerID, "fwpack tests");
    fill(info->libraryDescription, sizeof info->libraryDescription, "module of faults");
    info->libraryVersion = (CK_VERSION){3, 14};
    return result;
}

static CK_RV get_slot_list(unsigned char present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    const CK_ULONG have = is("twins") ? 3 : 2;
    const CK_RV result = enter("C_GetSlotList");
    (void)present;
    if (result != CKR_OK || slots == NULL || *count < have)
        return result != CKR_OK ? result : CKR_BUFFER_TOO_SMALL;
    for (CK_ULONG i = 0; i < have; i++)
        slots[i] = FIRST_SLOT + i;
    *count = have;
    return CKR_OK;
}

static CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    memset(info, 0, sizeof *info);
    fill(info->slotDescription, sizeof info->slotDescription,
         slot == FIRST_SLOT ? "left" : "right");
    fill(info->manufacturerID, sizeof info->manufacturerID, "fwpack tests");
    return enter("C_GetSlotInfo");
}

static CK_FLAGS token_flags(void)
{
    CK_FLAGS flags = CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED;
    if (is("low") || fake.wrong == 1)
        flags |= CKF_USER_PIN_COUNT_LOW;
    if (is("final") || fake.wrong == 2)
        flags |= CKF_USER_PIN_FINAL_TRY;
    if (is("locked") || fake.wrong >= MOST_WRONG)
        flags |= CKF_USER_PIN_LOCKED;
    return is("pad") ? flags | CKF_PROTECTED_AUTHENTICATION_PATH : flags;
}

/* Slot 7, and with "twins" 8, have a token called acme; the last slot one that is not set up. */
static CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    const bool twin = is("twins") && slot == FIRST_SLOT + 1;
    const CK_RV result = enter("C_GetTokenInfo");
    memset(info, 0, sizeof *info);
    if (result != CKR_OK || (slot != FIRST_SLOT && !twin))
        return result;
    fill(info->label, sizeof info->label, is("odd") ? "\x1b[31macme" : "acme");
    fill(info->serialNumber, sizeof info->serialNumber,
         is("odd") ? "0123456789abcdef"
         : twin    ? "22"
                   : "11");
    fill(info->manufacturerID, sizeof info->manufacturerID, "fwpack tests");
    fill(info->model, sizeof info->model, "fake");
    info->flags = token_flags();
    for (size_t i = 1; i < SESSIONS; i++)
        info->ulSessionCount += fake.sessions[i].open && fake.sessions[i].slot == slot;
    return CKR_OK;
}

/* --- sessions -------------------------------------------------------------------------------- */

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *user, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *handle)
{
    const CK_RV result = enter("C_OpenSession");
    (void)user;
    (void)notify;
    if (result != CKR_OK || (flags & CKF_SERIAL_SESSION) == 0)
        return result != CKR_OK ? result : CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    for (size_t i = 1; i < SESSIONS; i++)
        if (!fake.sessions[i].open) {
            fake.sessions[i] = (struct session){.open = true, .slot = slot};
            *handle = i;
            return CKR_OK;
        }
    return CKR_SESSION_COUNT;
}

static CK_RV close_session(CK_SESSION_HANDLE handle)
{
    struct session *session;
    const CK_RV result = enter_session("C_CloseSession", handle, &session);
    bool others = false;
    if (result != CKR_OK)
        return result;
    session->open = false;
    for (size_t i = 1; i < SESSIONS; i++)
        others = others || fake.sessions[i].open;
    fake.logged_in = fake.logged_in && others;
    return CKR_OK;
}

static CK_RV get_session_info(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    struct session *session;
    const CK_RV result = enter_session("C_GetSessionInfo", handle, &session);
    memset(info, 0, sizeof *info);
    info->state = fake.logged_in ? CKS_RO_USER_FUNCTIONS : CKS_RO_PUBLIC_SESSION;
    return result;
}

static bool pin_fits(const unsigned char *pin, CK_ULONG size)
{
    if (is("pad"))
        return pin == NULL && size == 0;
    return pin != NULL && size == 4 && memcmp(pin, "1234", 4) == 0;
}

static CK_RV login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG size)
{
    struct session *session;
    const CK_RV result = enter_session("C_Login", handle, &session);
    if (result != CKR_OK)
        return result;
    if (fake.wrong >= MOST_WRONG || is("locked"))
        return CKR_PIN_LOCKED;
    if (!pin_fits(pin, size)) {
        fake.wrong++;
        return CKR_PIN_INCORRECT;
    }
    if (user == CKU_CONTEXT_SPECIFIC) {
        session->authenticated = session->active;
        return session->active ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    }
    if (fake.logged_in)
        return CKR_USER_ALREADY_LOGGED_IN;
    fake.logged_in = true;
    return CKR_OK;
}

/* --- objects --------------------------------------------------------------------------------- */

static bool exists(CK_OBJECT_HANDLE object)
{
    switch (object) {
    case PRIVATE:
        return fake.logged_in && !is("none");
    case PUBLIC:
        return !is("nopublic");
    case OTHER:
        return fake.logged_in && is("two");
    case CERTIFICATE:
        return is("cert");
    default:
        return object == DERIVED;
    }
}

/* Bytes of an attribute, or -1 where the object has none. */
static CK_ULONG put(CK_ATTRIBUTE *attribute, const void *bytes, size_t size)
{
    const bool fits = attribute->pValue != NULL && attribute->ulValueLen >= size;
    if (fits)
        memcpy(attribute->pValue, bytes, size);
    return fits ? size : CK_UNAVAILABLE_INFORMATION;
}

static void public_half(uint8_t public[32])
{
    uint8_t seed[32], secret[crypto_sign_SECRETKEYBYTES];
    memset(seed, 0x42, sizeof seed);
    if (is("montgomery"))
        crypto_scalarmult_base(public, seed);
    else
        crypto_sign_seed_keypair(public, secret, seed);
}

static CK_ULONG put_point(CK_ATTRIBUTE *attribute)
{
    uint8_t point[34] = {0x04, 32};
    public_half(point + 2);
    return is("raw") ? put(attribute, point + 2, 32) : put(attribute, point, sizeof point);
}

static CK_ULONG put_info(CK_ATTRIBUTE *attribute)
{
    uint8_t info[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    public_half(info + 12);
    return put(attribute, info, sizeof info);
}

/* The file of FAKE_PKCS11_CERTIFICATE. */
static CK_ULONG put_certificate(CK_ATTRIBUTE *attribute)
{
    uint8_t der[4096];
    FILE *file = fopen(getenv("FAKE_PKCS11_CERTIFICATE"), "rb");
    if (file == NULL)
        return CK_UNAVAILABLE_INFORMATION;
    const size_t size = fread(der, 1, sizeof der, file);
    fclose(file);
    return put(attribute, der, size);
}

static CK_ULONG put_parameters(CK_ATTRIBUTE *attribute)
{
    static const char name[] = "\x13\x0c"
                               "edwards25519",
                      oid[] = "\x06\x03\x2b\x65\x70";
    static const char p256[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    static const char montgomery[] = "\x13\x0a"
                                     "curve25519";
    if (is("rsa"))
        return CK_UNAVAILABLE_INFORMATION;
    if (is("p256"))
        return put(attribute, p256, sizeof p256 - 1);
    if (is("montgomery"))
        return put(attribute, montgomery, sizeof montgomery - 1);
    return is("oid") ? put(attribute, oid, sizeof oid - 1) : put(attribute, name, sizeof name - 1);
}

static CK_ULONG put_type(CK_ATTRIBUTE *attribute)
{
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    if (is("rsa"))
        type = CKK_RSA;
    if (is("p256"))
        type = CKK_EC;
    if (is("montgomery"))
        type = MONTGOMERY;
    return put(attribute, &type, sizeof type);
}

static CK_ULONG put_class(CK_ATTRIBUTE *attribute, CK_OBJECT_HANDLE object)
{
    CK_OBJECT_CLASS class = object == PUBLIC        ? CKO_PUBLIC_KEY
                            : object == CERTIFICATE ? CKO_CERTIFICATE
                                                    : CKO_PRIVATE_KEY;
    return put(attribute, &class, sizeof class);
}

static CK_ULONG put_attribute(CK_ATTRIBUTE *attribute, CK_OBJECT_HANDLE object)
{
    const bool private = object == PRIVATE || object == OTHER;
    const CK_BBOOL always = is("always") ? CK_TRUE : CK_FALSE;
    switch (attribute->type) {
    case CKA_CLASS:
        return put_class(attribute, object);
    case CKA_LABEL:
        return object == OTHER ? put(attribute, "other", 5) : put(attribute, "relkey", 6);
    case CKA_ID:
        return put(attribute, object == OTHER ? "\x02" : "\x01", 1);
    case CKA_KEY_TYPE:
        return put_type(attribute);
    case CKA_EC_PARAMS:
        return put_parameters(attribute);
    case CKA_EC_POINT:
        return object == PUBLIC || is("point") ? put_point(attribute) : CK_UNAVAILABLE_INFORMATION;
    case CKA_PUBLIC_KEY_INFO:
        return private && is("info") ? put_info(attribute) : CK_UNAVAILABLE_INFORMATION;
    case CKA_ALWAYS_AUTHENTICATE:
        return private ? put(attribute, &always, sizeof always) : CK_UNAVAILABLE_INFORMATION;
    case CKA_VALUE:
        if (object == CERTIFICATE)
            return put_certificate(attribute);
        return object == DERIVED ? put(attribute, fake.shared, sizeof fake.shared)
                                 : CK_UNAVAILABLE_INFORMATION;
    default:
        return CK_UNAVAILABLE_INFORMATION;
    }
}

static CK_RV get_attribute(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                           CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    struct session *session;
    CK_RV result = enter_session("C_GetAttributeValue", handle, &session);
    for (CK_ULONG i = 0; result == CKR_OK && i < count; i++) {
        attributes[i].ulValueLen = put_attribute(&attributes[i], object);
        if (attributes[i].ulValueLen == CK_UNAVAILABLE_INFORMATION)
            return CKR_ATTRIBUTE_TYPE_INVALID;
    }
    return result;
}

static bool fits(CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *wanted)
{
    uint8_t value[64];
    CK_ATTRIBUTE attribute = {wanted->type, value, sizeof value};
    const CK_ULONG size = put_attribute(&attribute, object);
    return size == wanted->ulValueLen && memcmp(value, wanted->pValue, size) == 0;
}

static CK_RV find_init(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct session *session;
    const CK_RV result = enter_session("C_FindObjectsInit", handle, &session);
    if (result != CKR_OK)
        return result;
    session->found_count = 0;
    for (CK_OBJECT_HANDLE object = PRIVATE; object < OBJECTS; object++) {
        bool good = exists(object);
        for (CK_ULONG i = 0; good && i < count; i++)
            good = fits(object, &template[i]);
        if (good)
            session->found[session->found_count++] = object;
    }
    return CKR_OK;
}

/* One at a time, as some do. */
static CK_RV find_next(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects, CK_ULONG room,
                       CK_ULONG *count)
{
    struct session *session;
    const CK_RV result = enter_session("C_FindObjects", handle, &session);
    *count = 0;
    if (result == CKR_OK && room != 0 && session->found_count != 0) {
        objects[0] = session->found[--session->found_count];
        *count = 1;
    }
    return result;
}

static CK_RV find_final(CK_SESSION_HANDLE handle)
{
    struct session *session;
    return enter_session("C_FindObjectsFinal", handle, &session);
}

/* --- use ------------------------------------------------------------------------------------- */

/* As with SoftHSM, an operation that failed stays under way in its session. */
static CK_RV sign_init(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object)
{
    struct session *session;
    CK_RV result = enter_session("C_SignInit", handle, &session);
    if (result != CKR_OK)
        return result;
    if (session->active)
        return CKR_OPERATION_ACTIVE;
    if (mechanism->mechanism != CKM_EDDSA || object != PRIVATE)
        return CKR_MECHANISM_INVALID;
    session->active = true;
    session->authenticated = false;
    return CKR_OK;
}

static CK_RV sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG size,
                  unsigned char *signature, CK_ULONG *length)
{
    uint8_t seed[32], public[32], secret[crypto_sign_SECRETKEYBYTES];
    struct session *session;
    const CK_RV result = enter_session("C_Sign", handle, &session);
    if (result != CKR_OK)
        return result;
    if (!session->active)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (signature == NULL || *length < crypto_sign_BYTES)
        return CKR_BUFFER_TOO_SMALL;
    session->active = false;
    if (is("always") && !session->authenticated)
        return CKR_USER_NOT_LOGGED_IN;
    memset(seed, 0x42, sizeof seed);
    crypto_sign_seed_keypair(public, secret, seed);
    crypto_sign_detached(signature, NULL, data, size, secret);
    signature[10] ^= (uint8_t)(is("wrong") ? 1 : 0);
    *length = is("short") ? crypto_sign_BYTES - 1 : crypto_sign_BYTES;
    return CKR_OK;
}

static CK_RV derive(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE object,
                    CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *derived)
{
    const CK_ECDH1_DERIVE_PARAMS *parameters = mechanism->pParameter;
    uint8_t secret[32];
    struct session *session;
    const CK_RV result = enter_session("C_DeriveKey", handle, &session);
    (void)template;
    (void)count;
    if (result != CKR_OK)
        return result;
    if (mechanism->mechanism != CKM_ECDH1_DERIVE || object != PRIVATE ||
        parameters->kdf != CKD_NULL)
        return CKR_MECHANISM_INVALID;
    if (parameters->public_data_len != sizeof secret)
        return CKR_MECHANISM_PARAM_INVALID;
    memset(secret, 0x42, sizeof secret);
    if (crypto_scalarmult(fake.shared, secret, parameters->public_data) != 0)
        memset(fake.shared, 0, sizeof fake.shared);
    *derived = DERIVED;
    return CKR_OK;
}

static CK_RV destroy(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
    struct session *session;
    (void)object;
    memset(fake.shared, 0, sizeof fake.shared);
    return enter_session("C_DestroyObject", handle, &session);
}

/* --- the table ------------------------------------------------------------------------------- */

static CK_FUNCTION_LIST functions = {
    .version = {2, 40},
    .C_Initialize = initialise,
    .C_Finalize = finalise,
    .C_GetInfo = get_info,
    .C_GetSlotList = get_slot_list,
    .C_GetSlotInfo = get_slot_info,
    .C_GetTokenInfo = get_token_info,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_GetSessionInfo = get_session_info,
    .C_Login = login,
    .C_GetAttributeValue = get_attribute,
    .C_FindObjectsInit = find_init,
    .C_FindObjects = find_next,
    .C_FindObjectsFinal = find_final,
    .C_SignInit = sign_init,
    .C_Sign = sign,
    .C_DeriveKey = derive,
    .C_DestroyObject = destroy,
};

__attribute__((visibility("default"))) CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (is("C_GetFunctionList"))
        return CKR_FUNCTION_FAILED;
    if (sodium_init() < 0)
        return CKR_GENERAL_ERROR;
    *list = &functions;
    return CKR_OK;
}
