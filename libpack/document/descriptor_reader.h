/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_DESCRIPTOR_READER_H
#define DOCUMENT_DESCRIPTOR_READER_H

/*
 * The reading of one descriptor, as its parts share it. Nothing in it returns a failure: what is
 * wrong with the descriptor becomes a finding and reading goes on; what ends it (out of memory,
 * the descriptor itself cannot be read) is kept in `fatal`.
 */

#include "codec/yaml.h"
#include "document/descriptor_findings.h"

#define PACK_MAX_SOURCES 64      /* the descriptor and what it includes */
#define PACK_MAX_INCLUDE_DEPTH 8 /* of includes in includes */
#define PACK_MAX_VARIABLES 256   /* names under one `variables:` */

/* A file that is read: the descriptor or an included one. */
struct pack_descriptor_source {
    size_t index;
    const char *path;   /* for messages and for opening */
    const char *folder; /* relative to the descriptor's, "" for that itself */
    const char *real;   /* resolved, NULL for standard input */
    unsigned depth;     /* of includes */
    const struct pack_yaml *root;
    struct pack_place included; /* where it was asked for; no file for the descriptor itself */
};

/* A name of `variables:`. */
struct pack_variable {
    const char *name;
    struct pack_variable *next;
};

struct pack_descriptor_reader {
    struct pack_arena *arena;
    const struct pack_descriptor_options *options;
    struct pack_descriptor *descriptor; /* NULL: another file of this style (device.yaml) */
    struct pack_findings findings;
    struct pack_error fatal;
    const char *folder; /* of the descriptor, "" for the current one */
    const char *real_folder;
    struct pack_descriptor_source *sources[PACK_MAX_SOURCES];
    size_t source_count;
    const struct pack_descriptor_source *source; /* being read */
    bool unreadable;                             /* a source has no tree: keys may be missing */
    struct pack_variable *variables;
    bool *definitions_used;
    size_t expanded; /* bytes of all texts that variables were put into */
};

/* What is kept behind pack_descriptor.storage. */
struct pack_descriptor_storage {
    struct pack_arena *arena;
    const char *real_folder; /* files must lie in it; NULL: anywhere */
    bool *format_given;      /* for each image: `format:` was written */
};

/* --- descriptor.c ---------------------------------------------------------------------------- */

/* Zeroed memory of the descriptor's lifetime; NULL when there is none, which is fatal. */
void *pack_reader_allocate(struct pack_descriptor_reader *reader, size_t count, size_t size);
const char *pack_reader_string(struct pack_descriptor_reader *reader, const char *text);

/* A fault at a node of the source that is read; give it a hint with pack_hint(). */
struct pack_error *pack_reader_fault(struct pack_descriptor_reader *reader,
                                     const struct pack_yaml *node, const char *format, ...)
    PACK_PRINTF(3, 4);
/* The same with a code of its own. */
struct pack_error *pack_reader_fail(struct pack_descriptor_reader *reader,
                                    const struct pack_yaml *node, enum pack_code code,
                                    const char *format, ...) PACK_PRINTF(4, 5);
/* The same, but the descriptor stays usable. */
struct pack_error *pack_reader_warn(struct pack_descriptor_reader *reader,
                                    const struct pack_yaml *node, const char *format, ...)
    PACK_PRINTF(3, 4);

struct pack_place pack_reader_place(const struct pack_descriptor_reader *reader,
                                    const struct pack_yaml *node);

/* Whether a node is of a kind; reports where it is not. */
bool pack_reader_expect(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        enum pack_yaml_kind kind);
/*
 * The text of a node with its variables put in, NULL where there is none: that is reported. Only
 * descriptors have variables; in another file they are faults.
 */
const char *pack_reader_text(struct pack_descriptor_reader *reader, const struct pack_yaml *node);

/* --- descriptor_variables.c ------------------------------------------------------------------ */

/*
 * `${NAME}` becomes its value, `$${` becomes `${`; what comes out is not looked at again. NULL
 * after a fault.
 */
const char *pack_reader_expand(struct pack_descriptor_reader *reader, const struct pack_yaml *node);
/* [A-Za-z_][A-Za-z0-9_]*, at most 64 characters. */
bool pack_variable_name_valid(const char *name, size_t size);
/* Warns of each -D that nothing asked for. */
void pack_reader_check_definitions(struct pack_descriptor_reader *reader);

/* --- descriptor_sources.c -------------------------------------------------------------------- */

/* Reads the descriptor and, as its keys are found, what it includes. */
void pack_reader_load(struct pack_descriptor_reader *reader, const char *path);
void pack_reader_include(struct pack_descriptor_reader *reader, const struct pack_yaml *node);

/* --- descriptor_paths.c ---------------------------------------------------------------------- */

/*
 * `text` below `base` (relative to the descriptor's folder) as a path to open; NULL after a
 * fault: empty, absolute, or out of the folder.
 */
const char *pack_reader_path(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                             const char *base, const char *text);
/* `name` in `folder`; `name` where that is absolute or `folder` is "". */
const char *pack_reader_join(struct pack_descriptor_reader *reader, const char *folder,
                             const char *name);
/* Whether a resolved path lies in a resolved folder. */
bool pack_path_inside(const char *folder, const char *path);

#endif
