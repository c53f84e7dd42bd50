/* SPDX-License-Identifier: MIT */
#include "boot/uboot_library.h"

#include <dlfcn.h>
#include <string.h>

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define UBOOT_CALL_ENTRY(function) {#function, offsetof(struct uboot_library, function)},
    UBOOT_CALLS(UBOOT_CALL_ENTRY)
#undef UBOOT_CALL_ENTRY
};

int uboot_library_load(struct uboot_library *library, struct pack_error *error)
{
    library->handle = dlopen("libubootenv.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) {
        const char *why = dlerror();
        pack_fail(error, PACK_E_UNSUPPORTED, "the library libubootenv.so.0 cannot be loaded: %s",
                  why != NULL ? why : "no reason is given");
        return pack_hint(error, "Debian has it in libubootenv0.1");
    }
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *address = dlsym(library->handle, functions[i].name);
        if (address == NULL)
            return pack_fail(error, PACK_E_UNSUPPORTED, "libubootenv.so.0 has no %s",
                             functions[i].name);
        memcpy((char *)library + functions[i].offset, &address, sizeof address);
    }
    return 0;
}

void uboot_library_unload(struct uboot_library *library)
{
    if (library->handle != NULL)
        dlclose(library->handle);
    library->handle = NULL;
}
