/* SPDX-License-Identifier: MIT */
#include "keystore/pkcs11.h"

#include "base/memory.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SLOTS = 1024 };

void pkcs11_text(char *out, size_t capacity, const unsigned char *bytes, size_t size)
{
    size_t length = strnlen((const char *)bytes, size < capacity - 1 ? size : capacity - 1);
    while (length > 0 && bytes[length - 1] == ' ')
        length--;
    memcpy(out, bytes, length);
    out[length] = '\0';
}

/* --- slots ----------------------------------------------------------------------------------- */

struct slots {
    CK_SLOT_ID *ids;
    CK_ULONG count;
};

static void slots_clear(struct slots *slots)
{
    free(slots->ids);
}

/* Those with a token in them. One may be put in while we count, so that there is room for more. */
static int slots_list(struct slots *slots, const struct pkcs11_module *module,
                      struct pack_error *error)
{
    int code = pack_allocate(&slots->ids, MAX_SLOTS, sizeof *slots->ids, error);
    if (code != 0)
        return code;
    slots->count = MAX_SLOTS;
    const CK_RV result = module->call->C_GetSlotList(CK_TRUE, slots->ids, &slots->count);
    if (result == CKR_OK && slots->count <= MAX_SLOTS)
        return 0;
    slots->count = 0;
    return pkcs11_fail(error, result != CKR_OK ? result : CKR_GENERAL_ERROR, "C_GetSlotList");
}

size_t pkcs11_sessions_open(const struct pkcs11_module *module)
{
    PACK_AUTO(slots_clear) struct slots slots = {NULL, 0};
    struct pack_error ignored = {0};
    size_t open = 0;
    if (slots_list(&slots, module, &ignored) != 0)
        return 0;
    for (CK_ULONG i = 0; i < slots.count; i++) {
        CK_TOKEN_INFO info = {0};
        if (module->call->C_GetTokenInfo(slots.ids[i], &info) == CKR_OK)
            open += info.ulSessionCount;
    }
    return open;
}

/* --- choosing -------------------------------------------------------------------------------- */

static bool fits_text(const struct pkcs11_uri *uri, enum pkcs11_attribute attribute,
                      const unsigned char *bytes, size_t size)
{
    char text[65];
    if (!pkcs11_uri_has(uri, attribute))
        return true;
    pkcs11_text(text, sizeof text, bytes, size);
    return strcmp(uri->values[attribute].text, text) == 0;
}

static bool fits_slot(const struct pkcs11_module *module, const struct pkcs11_uri *uri,
                      CK_SLOT_ID slot)
{
    CK_SLOT_INFO info = {0};
    if (pkcs11_uri_has(uri, PKCS11_SLOT_ID) && uri->slot != slot)
        return false;
    if (!pkcs11_uri_has(uri, PKCS11_SLOT_DESCRIPTION) &&
        !pkcs11_uri_has(uri, PKCS11_SLOT_MANUFACTURER))
        return true;
    return module->call->C_GetSlotInfo(slot, &info) == CKR_OK &&
           fits_text(uri, PKCS11_SLOT_DESCRIPTION, info.slotDescription,
                     sizeof info.slotDescription) &&
           fits_text(uri, PKCS11_SLOT_MANUFACTURER, info.manufacturerID,
                     sizeof info.manufacturerID);
}

static bool fits_token(const struct pkcs11_uri *uri, const CK_TOKEN_INFO *info)
{
    return fits_text(uri, PKCS11_TOKEN, info->label, sizeof info->label) &&
           fits_text(uri, PKCS11_MANUFACTURER, info->manufacturerID, sizeof info->manufacturerID) &&
           fits_text(uri, PKCS11_SERIAL, info->serialNumber, sizeof info->serialNumber) &&
           fits_text(uri, PKCS11_MODEL, info->model, sizeof info->model);
}

static void fill(struct pkcs11_token *token, CK_SLOT_ID slot, const CK_TOKEN_INFO *info)
{
    token->slot = slot;
    token->flags = info->flags;
    pkcs11_text(token->label, sizeof token->label, info->label, sizeof info->label);
    pkcs11_text(token->serial, sizeof token->serial, info->serialNumber, sizeof info->serialNumber);
}

void pkcs11_list(struct pack_buffer *names, const char *name)
{
    struct pack_error full = {0};
    if (pack_buffer_print(names, &full, "%s%s", names->size != 0 ? ", " : "", name) != 0)
        return;
}

static void list(struct pack_buffer *names, const struct pkcs11_token *token)
{
    char name[PKCS11_NAME_SIZE], label[2 * PKCS11_MAX_LABEL], serial[2 * PKCS11_MAX_SERIAL];
    pack_escape(label, sizeof label, token->label, strlen(token->label));
    pack_escape(serial, sizeof serial, token->serial, strlen(token->serial));
    snprintf(name, sizeof name, "'%s' (serial %s)", label, serial);
    pkcs11_list(names, name);
}

static int fail_none(const struct pkcs11_module *module, const struct pkcs11_uri *uri,
                     const struct pack_buffer *others, struct pack_error *error)
{
    const char *wanted = uri->values[PKCS11_TOKEN].text;
    if (others->size == 0)
        pack_fail(error, PACK_E_KEY_STORE, "the PKCS#11 module has no token");
    else if (wanted != NULL)
        pack_fail(error, PACK_E_KEY_STORE, "no token '%.64s' here that fits; there are: %s", wanted,
                  pkcs11_listed(others));
    else
        pack_fail(error, PACK_E_KEY_STORE, "no token here fits; there are: %s",
                  pkcs11_listed(others));
    if (module->is_softhsm)
        return pack_hint(error,
                         "SoftHSM takes its tokens from the folder that SOFTHSM2_CONF's file "
                         "names: is that the right one?");
    return pack_hint(error, "is it plugged in? 'pkcs11-tool -L' lists those of a module");
}

static int fail_several(size_t count, const struct pkcs11_uri *uri, const struct pack_buffer *found,
                        struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_STORE, "%zu tokens fit: %s", count, pkcs11_listed(found));
    return pack_hint(error, pkcs11_uri_has(uri, PKCS11_TOKEN) ? "say which by serial="
                                                              : "say which by token= or serial=");
}

int pkcs11_token_find(struct pkcs11_token *token, const struct pkcs11_module *module,
                      const struct pkcs11_uri *uri, struct pack_error *error)
{
    PACK_AUTO(slots_clear) struct slots slots = {NULL, 0};
    PACK_AUTO_BUFFER struct pack_buffer found = {.limit = PKCS11_MAX_LISTED};
    PACK_AUTO_BUFFER struct pack_buffer others = {.limit = PKCS11_MAX_LISTED};
    size_t count = 0;
    int code = slots_list(&slots, module, error);
    for (CK_ULONG i = 0; code == 0 && i < slots.count; i++) {
        CK_TOKEN_INFO info = {0};
        struct pkcs11_token one = {0};
        if (module->call->C_GetTokenInfo(slots.ids[i], &info) != CKR_OK ||
            (info.flags & CKF_TOKEN_INITIALIZED) == 0)
            continue;
        const bool fits = fits_slot(module, uri, slots.ids[i]) && fits_token(uri, &info);
        fill(&one, slots.ids[i], &info);
        list(fits ? &found : &others, &one);
        if (fits && count++ == 0)
            *token = one;
    }
    if (code != 0 || count == 1)
        return code;
    return count == 0 ? fail_none(module, uri, &others, error)
                      : fail_several(count, uri, &found, error);
}
