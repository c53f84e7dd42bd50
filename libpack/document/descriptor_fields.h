/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_DESCRIPTOR_FIELDS_H
#define DOCUMENT_DESCRIPTOR_FIELDS_H

/*
 * The keys of a descriptor as tables: reading, the hints for mistyped and missing keys, the JSON
 * Schema and the manual's list all come from them.
 */

#include "document/descriptor_reader.h"
#include "pack/json.h"

struct pack_field;

struct pack_field_type {
    /* Puts a value into `object`, or reports why it cannot. */
    void (*decode)(struct pack_descriptor_reader *reader, const struct pack_field *field,
                   const struct pack_yaml *node, void *object);
    /* Writes the members of its JSON Schema into an open object. */
    void (*schema)(struct pack_json *json, const struct pack_field *field);
};

enum pack_field_flags {
    PACK_FIELD_REQUIRED = 1,
    PACK_FIELD_EARLY = 2,     /* read while the files are loaded, before the other keys */
    PACK_FIELD_EACH_FILE = 4, /* says something of the file: each included one may have its own */
};

/* A map's keys, ended by a NULL key. */
struct pack_field {
    const char *key;
    const struct pack_field_type *type;
    unsigned flags;
    size_t offset;                   /* of the member in the object that the type fills */
    uint64_t least, most;            /* of a number, where the type asks */
    const struct pack_field *fields; /* of the map, or of each map in the list */
    const char *fallback;            /* what holds where it is absent, as JSON; NULL: nothing */
    const char *example;             /* as written in a descriptor */
    const char *summary;             /* for people: a phrase without a final stop */
};

/* The keys of the descriptor itself. */
extern const struct pack_field pack_descriptor_fields[];

/* What is known of an image while it is read; a pointer to it is a pointer to the image. */
struct pack_image_work {
    struct pack_descriptor_image image;
    const struct pack_yaml *name, *slot, *level; /* where they stand, for faults */
    bool format_given;
};

/* Reads a map of these fields: unknown, repeated (over files) and missing keys are faults. */
void pack_fields_decode(struct pack_descriptor_reader *reader, const struct pack_field *fields,
                        const struct pack_yaml *map, void *object);
/* The descriptor itself, whose keys come from several files. */
void pack_fields_decode_early(struct pack_descriptor_reader *reader, const struct pack_yaml *map);
void pack_fields_decode_sources(struct pack_descriptor_reader *reader);

/* The type of each kind of value. descriptor_types.c */
extern const struct pack_field_type pack_type_format_number;
extern const struct pack_field_type pack_type_product;
extern const struct pack_field_type pack_type_name;
extern const struct pack_field_type pack_type_version;
extern const struct pack_field_type pack_type_range;
extern const struct pack_field_type pack_type_integer;
extern const struct pack_field_type pack_type_created;
extern const struct pack_field_type pack_type_size;
extern const struct pack_field_type pack_type_block_size;
extern const struct pack_field_type pack_type_image_format;
extern const struct pack_field_type pack_type_codec;
extern const struct pack_field_type pack_type_level;
extern const struct pack_field_type pack_type_file;

/* Those that hold others. descriptor_groups.c */
extern const struct pack_field_type pack_type_variables;
extern const struct pack_field_type pack_type_include;
extern const struct pack_field_type pack_type_compatible;
extern const struct pack_field_type pack_type_requires;
extern const struct pack_field_type pack_type_images;
extern const struct pack_field_type pack_type_compress;
extern const struct pack_field_type pack_type_attachments;
extern const struct pack_field_type pack_type_meta;

/*
 * Texts as values, each NULL or false after a fault: decimal digits and what is behind them; digits
 * alone; bytes with a unit; one of some words, whose faults name the nearest; what obeys a rule.
 */
bool pack_reader_digits(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const char *text, uint64_t *number, const char **end);
bool pack_reader_integer(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                         const char *text, uint64_t *number);
bool pack_reader_size(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                      const char *text, uint64_t *size);
const char *pack_reader_choice(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                               const char *what, const char *const *words, size_t count);
bool pack_reader_follows(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                         const char *text, int (*rule)(const char *text, struct pack_error *error));
/* Distinct names of hardware, NULL for each with a fault. */
const char **pack_reader_hardware(struct pack_descriptor_reader *reader,
                                  const struct pack_yaml *list, size_t *count);
/* One of them. */
const char *pack_reader_hardware_name(struct pack_descriptor_reader *reader,
                                      const struct pack_yaml *node);
/* Whether it is a list of 1 to `most`. */
bool pack_reader_list(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                      size_t most, const char *what);

/* A whole schema, whose members `members` writes. descriptor_schema.c */
PACK_MUST_USE int pack_schema_write(char **text, size_t *size, const char *title,
                                    const char *description,
                                    void (*members)(struct pack_json *json),
                                    struct pack_error *error);
/* Writes "properties", "required" and the like for a table of fields. */
void pack_schema_fields(struct pack_json *json, const struct pack_field *fields);
/* "type" of what may be a number or a text of digits. */
void pack_schema_integer(struct pack_json *json);
/* A text that matches, or that has a variable. */
void pack_schema_text(struct pack_json *json, const char *pattern);
/* A name, as a key or value. */
extern const char pack_name_pattern[];
extern const char pack_product_pattern[];

#endif
