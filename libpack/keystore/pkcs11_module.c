/* SPDX-License-Identifier: MIT */
#include "keystore/pkcs11.h"

#include "base/memory.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* All modules that are configured, as one; the second name is what the first is a link to. */
static const char *const proxies[] = {"p11-kit-proxy.so", "libp11-kit.so.0"};

/* --- loading --------------------------------------------------------------------------------- */

static int fail_load(struct pack_error *error)
{
    const char *why = dlerror();
    pack_fail(error, PACK_E_KEY_STORE, "cannot load the PKCS#11 module: %s",
              why != NULL ? why : "no reason is given");
    return pack_hint(error, "--pkcs11-module, FWPACK_PKCS11_MODULE or ?module-path= name the file "
                            "that the token's maker gives, such as libsofthsm2.so");
}

static int load_path(struct pkcs11_module *module, const char *path, struct pack_error *error)
{
    module->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return module->library != NULL ? 0 : fail_load(error);
}

/* "softhsm2" is softhsm2.so or libsofthsm2.so, in a folder or where libraries are. */
static int load_name(struct pkcs11_module *module, const char *folder, const char *name,
                     struct pack_error *error)
{
    static const char *const prefixes[] = {"", "lib"};
    if (strchr(name, '/') != NULL)
        return pack_fail(error, PACK_E_USAGE, "module-name: '%.64s' is a path, not a name", name);
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
        PACK_AUTO_FREE char *path = NULL;
        if (asprintf(&path, "%s%s%s%s.so", folder, folder[0] != '\0' ? "/" : "", prefixes[i],
                     name) < 0) {
            path = NULL;
            return pack_fail_memory(error);
        }
        module->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (module->library != NULL)
            return 0;
    }
    return fail_load(error);
}

static int load_proxy(struct pkcs11_module *module, struct pack_error *error)
{
    for (size_t i = 0; i < sizeof proxies / sizeof proxies[0]; i++) {
        module->library = dlopen(proxies[i], RTLD_NOW | RTLD_LOCAL);
        if (module->library != NULL)
            return 0;
    }
    return fail_load(error);
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static int load(struct pkcs11_module *module, const struct pkcs11_uri *uri, const char *fallback,
                struct pack_error *error)
{
    const char *path = uri->values[PKCS11_MODULE_PATH].text;
    const char *name = uri->values[PKCS11_MODULE_NAME].text;
    if (path != NULL && path[0] == '\0')
        return pack_fail(error, PACK_E_USAGE, "module-path is empty");
    if (name != NULL && (path == NULL || is_folder(path)))
        return load_name(module, path != NULL ? path : "", name, error);
    if (path != NULL)
        return load_path(module, path, error);
    return fallback != NULL ? load_path(module, fallback, error) : load_proxy(module, error);
}

/* --- starting -------------------------------------------------------------------------------- */

static int get_functions(struct pkcs11_module *module, struct pack_error *error)
{
    CK_C_GetFunctionList get = NULL;
    void *address = dlsym(module->library, "C_GetFunctionList");
    if (address == NULL)
        return pack_fail(error, PACK_E_KEY_STORE,
                         "the library is no PKCS#11 module: it lacks C_GetFunctionList");
    memcpy(&get, &address, sizeof address);
    const CK_RV result = get(&module->call);
    if (result != CKR_OK || module->call == NULL)
        return pkcs11_fail(error, result != CKR_OK ? result : CKR_GENERAL_ERROR,
                           "C_GetFunctionList");
    if (module->call->version.major < 2)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "the module is of PKCS#11 %d, 2 or later wanted",
                         module->call->version.major);
    return 0;
}

static int initialise(struct pkcs11_module *module, struct pack_error *error)
{
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    CK_RV result = module->call->C_Initialize(&arguments);
    if (result == CKR_CANT_LOCK) /* one that knows no threads */
        result = module->call->C_Initialize(NULL);
    module->initialised = result == CKR_OK;
    if (result != CKR_OK && result != CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return pkcs11_fail(error, result, "C_Initialize");
    return 0;
}

/* Which module it is and, where the URI says what it must be, whether it is that. */
static int check_library(struct pkcs11_module *module, const struct pkcs11_uri *uri,
                         struct pack_error *error)
{
    CK_INFO info = {0};
    char maker[33], description[33];
    const CK_RV result = module->call->C_GetInfo(&info);
    if (result != CKR_OK)
        return pkcs11_fail(error, result, "C_GetInfo");
    pkcs11_text(maker, sizeof maker, info.manufacturerID, sizeof info.manufacturerID);
    pkcs11_text(description, sizeof description, info.libraryDescription,
                sizeof info.libraryDescription);
    module->is_softhsm = strcmp(maker, "SoftHSM") == 0;
    const char *wanted = uri->values[PKCS11_LIBRARY_MANUFACTURER].text;
    if (wanted != NULL && strcmp(wanted, maker) != 0)
        return pack_fail(error, PACK_E_KEY_STORE, "the module is made by '%s', '%.40s' wanted",
                         maker, wanted);
    wanted = uri->values[PKCS11_LIBRARY_DESCRIPTION].text;
    if (wanted != NULL && strcmp(wanted, description) != 0)
        return pack_fail(error, PACK_E_KEY_STORE, "the module is '%s', '%.40s' wanted", description,
                         wanted);
    if (pkcs11_uri_has(uri, PKCS11_LIBRARY_VERSION) &&
        (info.libraryVersion.major != uri->library_major ||
         info.libraryVersion.minor != uri->library_minor))
        return pack_fail(error, PACK_E_KEY_STORE, "the module is version %d.%d, %s wanted",
                         info.libraryVersion.major, info.libraryVersion.minor,
                         uri->values[PKCS11_LIBRARY_VERSION].text);
    return 0;
}

int pkcs11_module_open(struct pkcs11_module *module, const struct pkcs11_uri *uri,
                       const char *fallback, struct pack_error *error)
{
    int code = load(module, uri, fallback, error);
    if (code == 0)
        code = get_functions(module, error);
    if (code == 0)
        code = initialise(module, error);
    if (code == 0)
        code = check_library(module, uri, error);
    if (code != 0)
        pkcs11_module_close(module);
    return code;
}

void pkcs11_module_close(struct pkcs11_module *module)
{
    const bool in_use = module->initialised && pkcs11_sessions_open(module) != 0;
    if (module->initialised && !in_use)
        module->call->C_Finalize(NULL);
    if (module->library != NULL && !in_use)
        dlclose(module->library);
    *module = (struct pkcs11_module){.library = NULL};
}
