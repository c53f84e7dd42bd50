/* SPDX-License-Identifier: MIT */
#ifndef PACK_DESCRIPTOR_H
#define PACK_DESCRIPTOR_H

/*
 * The YAML descriptor: what a release is made of. Reading it touches only the descriptor and
 * what it includes; whether the files it names exist is pack_descriptor_check's question.
 */

#include "pack/context.h"
#include "pack/document.h"

PACK_BEGIN_DECLS

/* Where a value stands, for messages. `file` is the descriptor's or an included file's path. */
struct pack_place {
    const char *file;
    unsigned line, column;
};

struct pack_descriptor_image {
    const char *name;
    const char *file;    /* as written */
    const char *path;    /* joined to the descriptor's folder, checked to stay inside it */
    const char *slot;    /* the name where not given */
    const char *version; /* or NULL */
    const char *format;  /* "raw" where not given; NULL where it is none that is known */
    const char *codec;   /* "zstd" where not given */
    bool has_level;
    int level;
    uint32_t block_size; /* PACK_DEFAULT_BLOCK where not given */
    bool has_max_size;
    uint64_t max_size; /* plain bytes */
    struct pack_place place;
    struct pack_place file_place;
    struct pack_place max_size_place;
};

struct pack_descriptor_attachment {
    const char *name;
    const char *file;
    const char *path;
    struct pack_place place;
};

struct pack_descriptor {
    const char *path; /* of the descriptor, as the user named it */
    const char *product;
    const char *version;
    uint64_t security_version;
    uint64_t data_epoch;
    bool has_created;
    uint64_t created;
    size_t compatible_count;
    const char *const *compatible;
    const char *requires_from; /* or NULL */
    size_t image_count;
    const struct pack_descriptor_image *images;
    size_t attachment_count;
    const struct pack_descriptor_attachment *attachments;
    const char *meta; /* compact JSON object, or NULL */
    size_t source_count;
    const char *const *sources; /* the descriptor and every included file, for depfiles */
    void *storage;              /* private */
};

/* A -D NAME=VALUE. */
struct pack_definition {
    const char *name;
    const char *value;
};

struct pack_descriptor_options {
    size_t definition_count;
    const struct pack_definition *definitions;
    /* Looks a listed variable up in the environment; NULL: only definitions. */
    const char *(*environment)(const char *name);
    bool allow_outside; /* files and includes may lie outside the descriptor's folder */
};

/* A finding with its place. `error` decides whether the descriptor is usable. */
typedef void (*pack_finding_fn)(void *user, bool is_error, const struct pack_error *finding);

/*
 * Reads PATH ("-" for standard input). Every error is reported through `report`, in the order of
 * the file, and PACK_E_DESCRIPTOR returned after the last with the first one in `error`;
 * `report` may be NULL. *descriptor then holds what was understood, for pack_descriptor_check
 * alone: any pointer in it may be NULL. After any other failure it is NULL.
 */
PACK_API PACK_MUST_USE int pack_descriptor_read(struct pack_descriptor **descriptor,
                                                const char *path,
                                                const struct pack_descriptor_options *options,
                                                pack_finding_fn report, void *user,
                                                struct pack_error *error);
PACK_API void pack_descriptor_free(struct pack_descriptor **descriptor);

/*
 * Whether the files exist, are regular, keep their budgets, parse in their format, and whether a
 * raw file looks like a segmented format (a finding that is no error). Reports all, in the order
 * of the descriptor. Of one that pack_descriptor_read found faulty it checks what was understood.
 */
PACK_API PACK_MUST_USE int pack_descriptor_check(const struct pack_descriptor *descriptor,
                                                 const struct pack_context *context,
                                                 pack_finding_fn report, void *user,
                                                 struct pack_error *error);

/* A JSON Schema (2020-12) of the descriptor, to be freed with free(). */
PACK_API PACK_MUST_USE int pack_descriptor_schema(char **text, size_t *size,
                                                  struct pack_error *error);

PACK_END_DECLS

#endif
