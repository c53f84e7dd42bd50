/* SPDX-License-Identifier: MIT */
#include "no_libraries.h"

#include <stddef.h>

void *__wrap_dlopen(const char *file, int mode)
{
    (void)file;
    (void)mode;
    return NULL;
}

void *__wrap_dlsym(void *handle, const char *name)
{
    (void)handle;
    (void)name;
    return NULL;
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
