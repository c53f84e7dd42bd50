/* SPDX-License-Identifier: MIT */
#include "keystore/pkcs11.h"

#include "base/memory.h"
#include "pack/text.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FOUND = 64, MAX_ID = 64, MAX_CERTIFICATE = 65536, CURVE_SIZE = 32 };

/* --- attributes ------------------------------------------------------------------------------ */

bool pkcs11_read(const struct pkcs11_key *key, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                 void *value, size_t capacity, size_t *size)
{
    CK_ATTRIBUTE attribute = {type, value, capacity};
    *size = 0;
    if (key->module.call->C_GetAttributeValue(key->session, object, &attribute, 1) != CKR_OK ||
        attribute.ulValueLen > capacity)
        return false;
    *size = attribute.ulValueLen;
    return true;
}

static void append_hex(char *text, size_t capacity, const uint8_t *bytes, size_t size)
{
    size_t used = strlen(text);
    for (size_t i = 0; i < size && used + 3 < capacity; i++, used += 2)
        snprintf(text + used, capacity - used, "%02x", bytes[i]);
}

/* "'relkey' (id 01)": both, for either may be what tells two keys apart. */
static void name_object(const struct pkcs11_key *key, CK_OBJECT_HANDLE object,
                        char name[PKCS11_NAME_SIZE])
{
    char label[MAX_ID + 1], shown[MAX_ID + 1];
    uint8_t id[MAX_ID / 4];
    size_t size = 0;
    if (!pkcs11_read(key, object, CKA_LABEL, label, MAX_ID, &size))
        size = 0;
    pack_escape(shown, sizeof shown, label, size);
    snprintf(name, PKCS11_NAME_SIZE, "'%s'", shown);
    if (!pkcs11_read(key, object, CKA_ID, id, sizeof id, &size) || size == 0)
        return;
    const size_t used = strlen(name);
    snprintf(name + used, PKCS11_NAME_SIZE - used, " (id ");
    append_hex(name, PKCS11_NAME_SIZE - 1, id, size);
    const size_t end = strlen(name);
    snprintf(name + end, PKCS11_NAME_SIZE - end, ")");
}

/* --- finding --------------------------------------------------------------------------------- */

struct found {
    CK_OBJECT_HANDLE objects[MAX_FOUND];
    CK_ULONG count;
};

static CK_RV find(const struct pkcs11_key *key, CK_ATTRIBUTE *template, size_t count,
                  struct found *found)
{
    CK_FUNCTION_LIST *call = key->module.call;
    found->count = 0;
    CK_RV result = call->C_FindObjectsInit(key->session, template, count);
    while (result == CKR_OK && found->count < MAX_FOUND) {
        CK_ULONG got = 0;
        result = call->C_FindObjects(key->session, found->objects + found->count,
                                     MAX_FOUND - found->count, &got);
        if (got == 0 || got > MAX_FOUND - found->count)
            break;
        found->count += got;
    }
    const CK_RV last = call->C_FindObjectsFinal(key->session);
    return result != CKR_OK ? result : last;
}

/* The attributes that the URI, or another object, gives an object of that class. */
struct template
{
    CK_OBJECT_CLASS class;
    CK_ATTRIBUTE attributes[3];
    size_t count;
};

static void template_start(struct template *template, CK_OBJECT_CLASS class)
{
    template->class = class;
    template->attributes[0] = (CK_ATTRIBUTE){CKA_CLASS, &template->class, sizeof template->class};
    template->count = 1;
}

static void template_add(struct template *template, CK_ATTRIBUTE_TYPE type, const void *value,
                         size_t size)
{
    template->attributes[template->count++] = (CK_ATTRIBUTE){type, (void *)(uintptr_t)value, size};
}

static void list_found(const struct pkcs11_key *key, const struct found *found,
                       struct pack_buffer *names)
{
    for (CK_ULONG i = 0; i < found->count; i++) {
        char name[PKCS11_NAME_SIZE];
        name_object(key, found->objects[i], name);
        pkcs11_list(names, name);
    }
}

static int fail_none(const struct pkcs11_key *key, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer names = {.limit = PKCS11_MAX_LISTED};
    struct template all;
    struct found found;
    template_start(&all, CKO_PRIVATE_KEY);
    if (find(key, all.attributes, all.count, &found) == CKR_OK)
        list_found(key, &found, &names);
    if (names.size == 0)
        return pack_fail(error, PACK_E_KEY_STORE, "token '%s' has no private key",
                         key->token.label);
    return pack_fail(error, PACK_E_KEY_STORE, "token '%s' has no such private key; it has: %s",
                     key->token.label, pkcs11_listed(&names));
}

static int fail_several(const struct pkcs11_key *key, const struct found *found,
                        struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer names = {.limit = PKCS11_MAX_LISTED};
    list_found(key, found, &names);
    pack_fail(error, PACK_E_KEY_STORE, "%lu private keys of token '%s' fit: %s",
              (unsigned long)found->count, key->token.label, pkcs11_listed(&names));
    return pack_hint(error, "say which by object=LABEL or id=%%01");
}

int pkcs11_find_private(struct pkcs11_key *key, struct pack_error *error)
{
    const struct pkcs11_value *values = key->uri.values;
    struct template template;
    struct found found;
    size_t size = 0;
    template_start(&template, CKO_PRIVATE_KEY);
    if (values[PKCS11_OBJECT].text != NULL)
        template_add(&template, CKA_LABEL, values[PKCS11_OBJECT].text, values[PKCS11_OBJECT].size);
    if (values[PKCS11_ID].text != NULL)
        template_add(&template, CKA_ID, values[PKCS11_ID].text, values[PKCS11_ID].size);
    const CK_RV result = find(key, template.attributes, template.count, &found);
    if (result != CKR_OK)
        return pkcs11_fail_call(key, result, "C_FindObjects", error);
    if (found.count != 1)
        return found.count == 0 ? fail_none(key, error) : fail_several(key, &found, error);
    key->object = found.objects[0];
    name_object(key, key->object, key->name);
    if (!pkcs11_read(key, key->object, CKA_KEY_TYPE, &key->type, sizeof key->type, &size) ||
        size != sizeof key->type)
        return pack_fail(error, PACK_E_KEY_STORE, "key %s does not tell its type", key->name);
    if (!pkcs11_read(key, key->object, CKA_EC_PARAMS, key->parameters, sizeof key->parameters,
                     &key->parameters_size))
        key->parameters_size = 0;
    return 0;
}

/* --- curves ---------------------------------------------------------------------------------- */

/*
 * A curve is told by its OID, or by its name as a PrintableString (PKCS#11 3.0, section 2.3.3);
 * `size` 0: any.
 */
static const struct curve {
    CK_KEY_TYPE type;
    const char *parameters;
    size_t size;
    const char *name;
} curves[] = {
    {CKK_EC_EDWARDS, "\x06\x03\x2b\x65\x70", 5, "Ed25519"},
    {CKK_EC_EDWARDS,
     "\x13\x0c"
     "edwards25519",
     14, "Ed25519"},
    {CKK_EC_EDWARDS, "\x06\x03\x2b\x65\x6e", 5, "X25519"}, /* SoftHSM's, for what it was given */
    {CKK_EC_EDWARDS,
     "\x13\x0a"
     "curve25519",
     12, "X25519"}, /* SoftHSM's, for what it made */
    {CKK_EC_EDWARDS, "\x06\x03\x2b\x65\x71", 5, "Ed448"},
    {CKK_EC_EDWARDS,
     "\x13\x0a"
     "edwards448",
     12, "Ed448"},
    {PKCS11_KEY_MONTGOMERY, "\x06\x03\x2b\x65\x6e", 5, "X25519"},
    {PKCS11_KEY_MONTGOMERY,
     "\x13\x0a"
     "curve25519",
     12, "X25519"},
    {PKCS11_KEY_MONTGOMERY, "\x06\x03\x2b\x65\x6f", 5, "X448"},
    {CKK_EC, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10, "ECDSA P-256"},
    {CKK_EC, "\x06\x05\x2b\x81\x04\x00\x22", 7, "ECDSA P-384"},
    {CKK_EC, "\x06\x05\x2b\x81\x04\x00\x23", 7, "ECDSA P-521"},
    {CKK_EC, "", 0, "ECDSA"},
    {CKK_RSA, "", 0, "RSA"},
    {CKK_DSA, "", 0, "DSA"},
    {CKK_DH, "", 0, "Diffie-Hellman"},
};

static const char *curve_of(const struct pkcs11_key *key)
{
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
        if (curves[i].type == key->type &&
            (curves[i].size == 0 ||
             (curves[i].size == key->parameters_size &&
              memcmp(curves[i].parameters, key->parameters, curves[i].size) == 0)))
            return curves[i].name;
    return NULL;
}

int pkcs11_check_curve(const struct pkcs11_key *key, bool ed25519, struct pack_error *error)
{
    const char *wanted = ed25519 ? "Ed25519" : "X25519";
    const char *found = curve_of(key);
    /* Some private keys do not tell their curve; the public half's length and a signature do. */
    if (found == NULL && key->parameters_size == 0 &&
        key->type == (ed25519 ? CKK_EC_EDWARDS : PKCS11_KEY_MONTGOMERY))
        return 0;
    if (found != NULL && strcmp(found, wanted) == 0)
        return 0;
    if (found != NULL)
        return pack_fail(error, PACK_E_KEY_INVALID, "key %s is of type %s, %s wanted", key->name,
                         found, wanted);
    return pack_fail(error, PACK_E_KEY_INVALID, "key %s is of type 0x%lx, %s wanted", key->name,
                     (unsigned long)key->type, wanted);
}

/* --- the public half ------------------------------------------------------------------------- */

/* A DER OCTET STRING, as the standard has it, or the 32 bytes alone, as some modules do. */
static int read_point(const uint8_t *point, size_t size, uint8_t public[CURVE_SIZE],
                      struct pack_error *error)
{
    const bool wrapped = size == CURVE_SIZE + 2 && point[0] == 0x04 && point[1] == CURVE_SIZE;
    if (!wrapped && size != CURVE_SIZE)
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "CKA_EC_POINT has %zu bytes, 32, or 34 that begin with 04 20, wanted",
                         size);
    memcpy(public, wrapped ? point + 2 : point, CURVE_SIZE);
    return 0;
}

static int point_of(const struct pkcs11_key *key, CK_OBJECT_HANDLE object,
                    uint8_t public[CURVE_SIZE], bool *found, struct pack_error *error)
{
    uint8_t point[256];
    size_t size = 0;
    if (!pkcs11_read(key, object, CKA_EC_POINT, point, sizeof point, &size) || size == 0)
        return 0;
    *found = true;
    return read_point(point, size, public, error);
}

/* Objects of a class that belong to the private key: of its id, or label where it has no id. */
static void find_partner(const struct pkcs11_key *key, CK_OBJECT_CLASS class, struct found *found)
{
    struct template template;
    uint8_t id[MAX_ID];
    size_t size = 0;
    template_start(&template, class);
    found->count = 0;
    if (pkcs11_read(key, key->object, CKA_ID, id, sizeof id, &size) && size != 0)
        template_add(&template, CKA_ID, id, size);
    else if (pkcs11_read(key, key->object, CKA_LABEL, id, sizeof id, &size) && size != 0)
        template_add(&template, CKA_LABEL, id, size);
    if (template.count > 1 && find(key, template.attributes, template.count, found) != CKR_OK)
        found->count = 0;
}

static bool from_certificate(const struct pkcs11_key *key, CK_OBJECT_HANDLE object,
                             uint8_t public[CURVE_SIZE])
{
    PACK_AUTO_FREE uint8_t *der = NULL;
    struct pack_error ignored = {0};
    size_t size = 0, length = CURVE_SIZE;
    if (pack_allocate(&der, 1, MAX_CERTIFICATE, &ignored) != 0 ||
        !pkcs11_read(key, object, CKA_VALUE, der, MAX_CERTIFICATE, &size))
        return false;
    const uint8_t *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)size);
    const EVP_PKEY *half = certificate != NULL ? X509_get0_pubkey(certificate) : NULL;
    const bool good = half != NULL && EVP_PKEY_get_raw_public_key(half, public, &length) == 1 &&
                      length == CURVE_SIZE;
    X509_free(certificate);
    return good;
}

/* SubjectPublicKeyInfo of RFC 8410: all but its end is fixed. */
static bool from_info(const struct pkcs11_key *key, uint8_t public[CURVE_SIZE])
{
    enum { HEAD = 12, OID_END = 8 };
    uint8_t info[HEAD + CURVE_SIZE];
    size_t size = 0;
    if (!pkcs11_read(key, key->object, CKA_PUBLIC_KEY_INFO, info, sizeof info, &size) ||
        size != sizeof info || memcmp(info, "\x30\x2a\x30\x05\x06\x03\x2b\x65", OID_END) != 0)
        return false;
    memcpy(public, info + HEAD, CURVE_SIZE);
    return true;
}

int pkcs11_public(const struct pkcs11_key *key, uint8_t public[CURVE_SIZE], bool *found,
                  struct pack_error *error)
{
    struct found partners;
    *found = false;
    find_partner(key, CKO_PUBLIC_KEY, &partners);
    int code = 0;
    if (partners.count != 0)
        code = point_of(key, partners.objects[0], public, found, error);
    if (code == 0 && !*found)
        code = point_of(key, key->object, public, found, error);
    if (code != 0 || *found)
        return code;
    *found = from_info(key, public);
    if (!*found)
        find_partner(key, CKO_CERTIFICATE, &partners);
    for (CK_ULONG i = 0; !*found && i < partners.count; i++)
        *found = from_certificate(key, partners.objects[i], public);
    return 0;
}
