/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_FDT_H
#define FORMATS_FDT_H

/* A walk through a flattened device tree (Devicetree Specification 0.4, chapter 5). */

#include "pack/backend/format.h"

enum { FDT_HEADER = 40, FDT_MAX_DEPTH = 32, FDT_MAX_NAME = 256 };

/* A property: its value stays in the file. */
struct fdt_property {
    const char *name;
    uint64_t offset;
    uint32_t size;
};

/* The root has depth 1. Each may be NULL; without `property`, names are not looked at. */
struct fdt_visitor {
    bool partial; /* the input is the beginning of a tree, which will end too early */
    int (*begin)(void *user, const char *name, size_t depth, struct pack_error *error);
    int (*property)(void *user, const struct fdt_property *property, size_t depth,
                    struct pack_error *error);
    int (*end)(void *user, size_t depth, struct pack_error *error);
    void *user;
};

/* PACK_E_MALFORMED with the offset; PACK_E_LIMIT beyond FDT_MAX_DEPTH. */
PACK_MUST_USE int fwpack_fdt_walk(struct pack_input *input, const struct fdt_visitor *visitor,
                                  struct pack_error *error);
/* The header's total size, checked against the file. */
PACK_MUST_USE int fwpack_fdt_size(struct pack_input *input, uint32_t *size,
                                  struct pack_error *error);
bool fwpack_fdt_magic(const uint8_t *head, size_t size);

#endif
