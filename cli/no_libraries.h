/* SPDX-License-Identifier: MIT */
#ifndef CLI_NO_LIBRARIES_H
#define CLI_NO_LIBRARIES_H

/*
 * A program that is linked statically loads no libraries: Debian's static C library could do so
 * only with the very same version of the shared one beside it. The linker sends those calls here
 * (--wrap, cmake/FwpackDevice.cmake), and what is loaded on first use (PKCS#11 modules, the TPM's
 * libraries, libarchive) fails and says why. libubootenv alone is linked in, and found as if
 * loaded.
 */

void *__wrap_dlopen(const char *file, int mode);
void *__wrap_dlsym(void *handle, const char *name);
int __wrap_dlclose(void *handle);
char *__wrap_dlerror(void);

#endif
