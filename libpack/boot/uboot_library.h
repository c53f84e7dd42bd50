/* SPDX-License-Identifier: MIT */
#ifndef BOOT_UBOOT_LIBRARY_H
#define BOOT_UBOOT_LIBRARY_H

/* libubootenv, loaded when a device has such an environment. */

#include "pack/error.h"

#include <stdbool.h>
#include <stddef.h>

/* It wants both of the above. */
#include <libuboot.h>

#define UBOOT_CALLS(X)      \
    X(libuboot_initialize)  \
    X(libuboot_read_config) \
    X(libuboot_open)        \
    X(libuboot_get_env)     \
    X(libuboot_set_env)     \
    X(libuboot_env_store)   \
    X(libuboot_close)       \
    X(libuboot_exit)

struct uboot_library {
    void *handle;
#define UBOOT_CALL_FIELD(function) __typeof__ (&(function))(function);
    UBOOT_CALLS(UBOOT_CALL_FIELD)
#undef UBOOT_CALL_FIELD
};

PACK_MUST_USE int uboot_library_load(struct uboot_library *library, struct pack_error *error);
void uboot_library_unload(struct uboot_library *library);

#endif
