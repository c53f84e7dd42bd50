/* SPDX-License-Identifier: MIT */
#ifndef DEVICE_YAML_FILE_H
#define DEVICE_YAML_FILE_H

/*
 * How device.yaml is read, and what is read like it: a file of one map, in the YAML and with the
 * findings of descriptors, into a struct that lies with all of it in one arena.
 */

#include "document/descriptor_fields.h"

struct yaml_file {
    const struct pack_field *fields; /* of the top */
    size_t size;                     /* of the struct that they are decoded into */
    size_t path;                     /* where in it: const char *, the path as it was given */
    size_t storage;                  /* where in it: void *, the arena */
    void (*prepare)(void *object);   /* what holds where nothing is said; may be NULL */
    void (*check)(struct pack_descriptor_reader *reader, void *object); /* may be NULL */
};

/* As pack_device_read; *object is to be freed with yaml_file_free. */
PACK_MUST_USE int yaml_file_read(void **object, const struct yaml_file *file, const char *path,
                                 pack_finding_fn report, void *user, struct pack_error *error);
/* What stands at `storage` of the object, which lies in it. */
void yaml_file_free(void *storage);

/* Whether a YAML file has a key at the top; of what is no good YAML: a line that begins with it. */
bool yaml_file_has_key(const void *bytes, size_t size, const char *key);

/* The key of the top that says the format, which is 1. */
extern const struct pack_field_type yaml_file_type_format;

#endif
