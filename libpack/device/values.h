/* SPDX-License-Identifier: MIT */
#ifndef DEVICE_VALUES_H
#define DEVICE_VALUES_H

/*
 * The types of the values in device.yaml. Each decodes into the member at the field's offset; of
 * numbers and times the field says the least and the most.
 */

#include "document/descriptor_fields.h"
#include "pack/device.h"

#define DEVICE_KEY "fwpack-device"

extern const struct pack_field_type device_type_product;  /* const char * */
extern const struct pack_field_type device_type_name;     /* const char *, as of images and slots */
extern const struct pack_field_type device_type_text;     /* const char *: one plain text */
extern const struct pack_field_type device_type_path;     /* const char *: joined to the folder */
extern const struct pack_field_type device_type_flash;    /* the same, or a name without '/' */
extern const struct pack_field_type device_type_boolean;  /* bool */
extern const struct pack_field_type device_type_negated;  /* bool, the other way round */
extern const struct pack_field_type device_type_number;   /* unsigned */
extern const struct pack_field_type device_type_duration; /* uint64_t seconds */
extern const struct pack_field_type device_type_seconds;  /* unsigned, written as a duration */
extern const struct pack_field_type device_type_size;     /* uint64_t bytes */
extern const struct pack_field_type device_type_words;    /* struct pack_device_program: a list */
extern const struct pack_field_type device_type_program;  /* the same, or a map with its timeout */
extern const struct pack_field_type device_type_map;      /* of field->fields, in the same object */

#define DEVICE_MOST_SECONDS 3600 /* that a program may take */

/* One text or a list of them, each once; those with faults are left out. */
struct device_text {
    const char *text;
    const struct pack_yaml *node;
};
struct device_texts {
    size_t count;
    struct device_text *list;
};
struct device_texts device_texts_read(struct pack_descriptor_reader *reader,
                                      const struct pack_yaml *node, size_t most, const char *what);
/* The schema of one or a list of what `item` writes, of such texts, and of a list of maps. */
void device_some_schema(struct pack_json *json, size_t most, void (*item)(struct pack_json *json));
void device_texts_schema(struct pack_json *json, size_t most);
void device_maps_schema(struct pack_json *json, size_t least, size_t most,
                        const struct pack_field *fields);
void device_choice_schema(struct pack_json *json, const char *const *words, size_t count);
void device_pattern_schema(struct pack_json *json, const char *pattern);
/* An alternative of "oneOf", which is open: a map that has the keys, ended by NULL. */
void device_keys_schema(struct pack_json *json, const char *const *keys);

/* The text as a path to open, joined to the folder of device.yaml; NULL after a fault. */
const char *device_path(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const char *text);

static inline void *device_member(const struct pack_field *field, void *object)
{
    return (char *)object + field->offset;
}

/* --- parts of the file, each of struct pack_device ------------------------------------------- */

/* What may stand before a trusted key's "=", ended by NULL. device_fields.c */
extern const char *const device_roles[];

extern const struct pack_field device_fields[];         /* the top */
extern const struct pack_field_type device_type_slots;  /* device_slots.c */
extern const struct pack_field device_boot_fields[];    /* device_boot.c */
extern const struct pack_field_type device_type_boot;   /* device_boot.c */
extern const struct pack_field device_policy_fields[];  /* device_policy.c */
extern const struct pack_field_type device_type_health; /* device_groups.c */
extern const struct pack_field device_health_fields[];  /* device_groups.c */
extern const struct pack_field device_hook_fields[];    /* device_groups.c */
extern const struct pack_field device_counter_fields[]; /* device_groups.c */
extern const struct pack_field device_events_fields[];  /* device_groups.c */

/* What holds where nothing is said. */
void device_defaults(struct pack_device *device);
/* What several keys say together. device_check.c */
void device_check(struct pack_descriptor_reader *reader, struct pack_device *device);
/* Whether two paths are the same but for "." and doubled slashes. */
bool device_same_path(const char *a, const char *b);

#endif
