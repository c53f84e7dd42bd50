/* SPDX-License-Identifier: MIT */
#include "keystore/tpm2_device.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* --- the libraries --------------------------------------------------------------------------- */

enum library { ESYS, MU, TCTI_LOADER, LIBRARY_COUNT };

static const char *const libraries[LIBRARY_COUNT] = {
    [ESYS] = "libtss2-esys.so.0",
    [MU] = "libtss2-mu.so.0",
    [TCTI_LOADER] = "libtss2-tctildr.so.0",
};

static const struct {
    enum library library;
    const char *name;
    size_t offset;
} functions[] = {
#define TPM2_CALL_ENTRY(library, function) \
    {library, #function, offsetof(struct tpm2_calls, function)},
    TPM2_CALLS(TPM2_CALL_ENTRY)
#undef TPM2_CALL_ENTRY
};

static int load_library(void **library, const char *name, struct pack_error *error)
{
    *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (*library != NULL)
        return 0;
    const char *why = dlerror();
    pack_fail(error, PACK_E_KEY_STORE, "the TPM's library %s cannot be loaded: %s", name,
              why != NULL ? why : "no reason is given");
    return pack_hint(error, "Debian has it in libtss2-esys-3.0.2-0 and libtss2-tctildr0");
}

static int load_functions(struct tpm2_calls *calls, struct pack_error *error)
{
    void *loaded[LIBRARY_COUNT] = {NULL};
    for (int i = 0; i < LIBRARY_COUNT; i++)
        if (load_library(&loaded[i], libraries[i], error) != 0)
            return (int)error->code;
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *address = dlsym(loaded[functions[i].library], functions[i].name);
        if (address == NULL)
            return pack_fail(error, PACK_E_KEY_STORE, "the TPM's library %s has no %s",
                             libraries[functions[i].library], functions[i].name);
        memcpy((char *)calls + functions[i].offset, &address, sizeof address);
    }
    return 0;
}

/* --- opening --------------------------------------------------------------------------------- */

static int connect_tpm(struct tpm2_device *device, const char *tcti, struct pack_error *error)
{
    TSS2_RC rc = device->call.Tss2_TctiLdr_Initialize(tcti, &device->tcti);
    if (rc == TSS2_RC_SUCCESS)
        rc = device->call.Esys_Initialize(&device->esys, device->tcti, NULL);
    if (rc == TSS2_RC_SUCCESS)
        return 0;
    if (tcti != NULL)
        pack_fail(error, PACK_E_KEY_STORE, "no TPM can be reached by '%.200s'", tcti);
    else
        pack_fail(error, PACK_E_KEY_STORE, "no TPM is there, or it may not be used by you");
    return pack_hint(error, "TPM2TOOLS_TCTI says how to reach it, as in device:/dev/tpmrm0");
}

int tpm2_device_open(struct tpm2_device *device, const char *tcti, struct pack_error *error)
{
    *device = (struct tpm2_device){
        .parent = ESYS_TR_NONE, .session = ESYS_TR_NONE, .object = ESYS_TR_NONE};
    const int code = load_functions(&device->call, error);
    return code != 0 ? code : connect_tpm(device, tcti, error);
}

void tpm2_device_flush(struct tpm2_device *device, ESYS_TR *handle)
{
    if (*handle != ESYS_TR_NONE)
        device->call.Esys_FlushContext(device->esys, *handle);
    *handle = ESYS_TR_NONE;
}

void tpm2_device_close(struct tpm2_device *device)
{
    if (device->esys != NULL) {
        tpm2_device_flush(device, &device->object);
        tpm2_device_flush(device, &device->session);
        if (device->parent_persistent)
            device->call.Esys_TR_Close(device->esys, &device->parent);
        tpm2_device_flush(device, &device->parent);
        device->call.Esys_Finalize(&device->esys);
    }
    if (device->tcti != NULL)
        device->call.Tss2_TctiLdr_Finalize(&device->tcti);
}

/* --- failures -------------------------------------------------------------------------------- */

TSS2_RC tpm2_plain_code(TSS2_RC rc)
{
    enum { FORMAT_ONE = 0x80, FORMAT_ONE_CODE = 0xbf };
    const TSS2_RC layer = rc & TSS2_RC_LAYER_MASK;
    if (layer != TSS2_TPM_RC_LAYER && layer != TSS2_RESMGR_TPM_RC_LAYER &&
        layer != TSS2_RESMGR_RC_LAYER)
        return rc;
    rc &= ~TSS2_RC_LAYER_MASK;
    return (rc & FORMAT_ONE) != 0 ? rc & FORMAT_ONE_CODE : rc;
}

#define FLUSH_HINT                                                                              \
    "tpm2_flushcontext -t -l -s frees what others left; a resource manager does it by itself: " \
    "TPM2TOOLS_TCTI=device:/dev/tpmrm0"
#define AGAIN_HINT "try it again"

static const struct {
    TSS2_RC code;
    const char *text, *hint;
} faults[] = {
    {TPM2_RC_OBJECT_MEMORY, "it is out of slots for objects", FLUSH_HINT},
    {TPM2_RC_OBJECT_HANDLES, "it is out of slots for objects", FLUSH_HINT},
    {TPM2_RC_SESSION_MEMORY, "it is out of slots for sessions", FLUSH_HINT},
    {TPM2_RC_SESSION_HANDLES, "it is out of slots for sessions", FLUSH_HINT},
    {TPM2_RC_MEMORY, "it is out of memory", FLUSH_HINT},
    {TPM2_RC_INITIALIZE, "it was not started", "tpm2_startup -c starts it"},
    {TPM2_RC_RETRY, "it is busy", AGAIN_HINT},
    {TPM2_RC_TESTING, "it is busy testing itself", AGAIN_HINT},
    {TPM2_RC_YIELDED, "it is busy", AGAIN_HINT},
    {TPM2_RC_NV_RATE, "it is busy, to spare its memory", AGAIN_HINT},
    {TPM2_RC_NV_UNAVAILABLE, "its memory cannot be used now", AGAIN_HINT},
    {TPM2_RC_FAILURE, "it is in failure mode", "restart the machine"},
    {TPM2_RC_HIERARCHY, "its owner hierarchy is switched off", "the firmware's setup has it"},
    {TPM2_RC_BAD_AUTH, "its owner hierarchy has a password, and there is no storage key to use",
     "keep a storage key in it, as 0x81000001: docs/tpm.md says how"},
    {TSS2_ESYS_RC_RSP_AUTH_FAILED, "its answer is not authentic: somebody between changed it", ""},
    {TSS2_TCTI_RC_IO_ERROR, "the connection to it broke", AGAIN_HINT},
    {TSS2_TCTI_RC_NO_CONNECTION, "the connection to it broke", AGAIN_HINT},
};

int tpm2_fail(struct pack_error *error, TSS2_RC rc, const char *what)
{
    const TSS2_RC plain = tpm2_plain_code(rc);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (faults[i].code == plain) {
            pack_fail(error, PACK_E_KEY_STORE, "the TPM cannot %s: %s (0x%X)", what, faults[i].text,
                      (unsigned)rc);
            return faults[i].hint[0] != '\0' ? pack_hint(error, "%s", faults[i].hint)
                                             : PACK_E_KEY_STORE;
        }
    pack_fail(error, PACK_E_KEY_STORE, "the TPM cannot %s (0x%X)", what, (unsigned)rc);
    return pack_hint(error, "tpm2_rc_decode 0x%X says what that means", (unsigned)rc);
}

uint32_t tpm2_property(struct tpm2_device *device, TPM2_PT property)
{
    TPMS_CAPABILITY_DATA *data = NULL;
    TPMI_YES_NO more = 0;
    uint32_t value = 0;
    if (device->call.Esys_GetCapability(device->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        TPM2_CAP_TPM_PROPERTIES, property, 1, &more,
                                        &data) != TSS2_RC_SUCCESS)
        return 0;
    if (data->data.tpmProperties.count == 1 &&
        data->data.tpmProperties.tpmProperty[0].property == property)
        value = data->data.tpmProperties.tpmProperty[0].value;
    device->call.Esys_Free(data);
    return value;
}
