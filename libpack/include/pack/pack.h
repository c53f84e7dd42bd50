/* SPDX-License-Identifier: MIT */
#ifndef PACK_PACK_H
#define PACK_PACK_H

/*
 * The words that every public header uses: visibility, must-use results and the C++ guard.
 *
 * Conventions of the whole library:
 *  - names are pack_<module>_<verb>, struct pack_<noun>, PACK_<CONSTANT>;
 *  - a created object comes first, `struct pack_error *` comes last and is never NULL;
 *  - a fallible function returns 0, or the enum pack_code that it also stored in the error;
 *  - `free` takes the address of the pointer, accepts NULL inside, and clears it;
 *  - sizes are bytes, uint64_t where a file is measured, size_t where memory is;
 *  - the library never prints, exits, reads the environment or keeps globals.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
#define PACK_API __attribute__((__visibility__("default")))
#define PACK_MUST_USE __attribute__((__warn_unused_result__))
#define PACK_PRINTF(text, first) __attribute__((__format__(__printf__, text, first)))
#else
#define PACK_API
#define PACK_MUST_USE
#define PACK_PRINTF(text, first)
#endif

#ifdef __cplusplus
#define PACK_BEGIN_DECLS extern "C" {
#define PACK_END_DECLS }
#else
#define PACK_BEGIN_DECLS
#define PACK_END_DECLS
#endif

PACK_BEGIN_DECLS

/* The library's version, "MAJOR.MINOR.PATCH". Static storage. */
PACK_API const char *pack_version(void);

PACK_END_DECLS

#endif
