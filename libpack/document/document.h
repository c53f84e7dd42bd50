/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_DOCUMENT_H
#define DOCUMENT_DOCUMENT_H

/*
 * What all signed documents share: the first members "type" and "format", the array "critical",
 * and a model that lies in one arena.
 */

#include "document/fields.h"

struct document_type {
    const char *type; /* "fwpack.release" */
    const struct field_table *table;
    size_t storage_offset; /* of the model's `void *storage`, which names its arena */
    bool closed;           /* a member that is not known is PACK_E_UNSUPPORTED, not ignored */
};

/* Writes the new model's address to *address; freed by document_free with its storage. */
PACK_MUST_USE int document_parse(const struct document_type *type, void *address, const void *bytes,
                                 size_t size, struct pack_error *error);
PACK_MUST_USE int document_encode(const struct document_type *type, const void *model, char **text,
                                  size_t *size, struct pack_error *error);
void document_free(void *storage);

#endif
