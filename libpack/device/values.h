/* SPDX-License-Identifier: MIT */
#ifndef DEVICE_VALUES_H
#define DEVICE_VALUES_H

/* The types of the values in device.yaml. Each decodes into the member at the field's offset. */

#include "document/descriptor_fields.h"
#include "pack/device.h"

extern const struct pack_field_type device_type_format;   /* fwpack-device: 1 */
extern const struct pack_field_type device_type_text;     /* const char *: one plain text */
extern const struct pack_field_type device_type_path;     /* const char *: joined to the folder */
extern const struct pack_field_type device_type_boolean;  /* bool */
extern const struct pack_field_type device_type_negated;  /* bool, the other way round */
extern const struct pack_field_type device_type_tries;    /* unsigned, 1 to 255 */
extern const struct pack_field_type device_type_count;    /* unsigned, 0 to 255 */
extern const struct pack_field_type device_type_percent;  /* unsigned, 0 to 100 */
extern const struct pack_field_type device_type_duration; /* uint64_t seconds */
extern const struct pack_field_type device_type_pause;    /* unsigned seconds, at most an hour */
extern const struct pack_field_type device_type_timeout;  /* the same, at least one */
extern const struct pack_field_type device_type_size;     /* uint64_t bytes */
extern const struct pack_field_type device_type_program;  /* struct pack_device_program */

/* One text or a list of them; what each must be, and where they go. */
struct device_texts {
    size_t count;
    const char **list;
};
struct device_texts device_texts_read(struct pack_descriptor_reader *reader,
                                      const struct pack_yaml *node, size_t most, const char *what);
void device_texts_schema(struct pack_json *json, size_t most);
/* The text as a path to open, joined to the folder of device.yaml; NULL after a fault. */
const char *device_path(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const char *text);
bool device_duration(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                     const char *text, uint64_t *seconds);

/* Which of `words` the text is; `count` after a fault, which names the nearest. */
size_t device_choice(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                     const char *const *words, size_t count);
void device_choice_schema(struct pack_json *json, const char *const *words, size_t count);

static inline void *device_member(const struct pack_field *field, void *object)
{
    return (char *)object + field->offset;
}

/* Those that hold others. device_groups.c */
extern const struct pack_field_type device_type_boot;    /* struct pack_device_boot */
extern const struct pack_field_type device_type_policy;  /* struct pack_device_policy */
extern const struct pack_field_type device_type_health;  /* of struct pack_device */
extern const struct pack_field_type device_type_hooks;   /* of struct pack_device */
extern const struct pack_field_type device_type_counter; /* of struct pack_device */
extern const struct pack_field_type device_type_events;  /* of struct pack_device */

/* Starts that a bootloader can count; 0 for one that is not known. */
unsigned device_most_tries(const char *type);
/* What holds where nothing is said. */
void device_defaults(struct pack_device *device);

#define DEVICE_KEY "fwpack-device"

/* The keys of device.yaml itself. */
extern const struct pack_field device_fields[];

#endif
