/* SPDX-License-Identifier: MIT */
#include "no_libraries.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* It wants both of the above. */
#include <libuboot.h>

/* libubootenv is small, and what many devices start by: it is linked in, and found as if loaded. */
#define UBOOT_LIBRARY "libubootenv.so.0"

static const struct {
    const char *name;
    void (*function)(void);
} uboot_functions[] = {
#define UBOOT_FUNCTION(function)              \
    {                                         \
#function, (void (*)(void))(function) \
    }
    UBOOT_FUNCTION(libuboot_initialize), UBOOT_FUNCTION(libuboot_read_config),
    UBOOT_FUNCTION(libuboot_open),       UBOOT_FUNCTION(libuboot_get_env),
    UBOOT_FUNCTION(libuboot_set_env),    UBOOT_FUNCTION(libuboot_env_store),
    UBOOT_FUNCTION(libuboot_close),      UBOOT_FUNCTION(libuboot_exit),
#undef UBOOT_FUNCTION
};

void *__wrap_dlopen(const char *file, int mode)
{
    static char handle;
    (void)mode;
    return file != NULL && strcmp(file, UBOOT_LIBRARY) == 0 ? &handle : NULL;
}

/* The only library that was ever opened. */
void *__wrap_dlsym(void *handle, const char *name)
{
    void *address = NULL;
    for (size_t i = 0; i < sizeof uboot_functions / sizeof uboot_functions[0]; i++)
        if (handle != NULL && strcmp(uboot_functions[i].name, name) == 0)
            memcpy(&address, &uboot_functions[i].function, sizeof address);
    return address;
}

int __wrap_dlclose(void *handle)
{
    (void)handle;
    return 0;
}

char *__wrap_dlerror(void)
{
    static char text[] = "this program is linked statically and loads no libraries";
    return text;
}
