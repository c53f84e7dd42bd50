/* SPDX-License-Identifier: MIT */
/* When a device may update, and how often it tries. */
#include "device/values.h"

#include <stdio.h>
#include <string.h>

#define YEAR (366 * 86400)

/* --- windows --------------------------------------------------------------------------------- */

static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
enum { DAYS = 7, MINUTES = 24 * 60 };

static bool take_day(const char **text, unsigned *day)
{
    for (*day = 0; *day < DAYS; (*day)++)
        if (strncmp(*text, days[*day], 3) == 0) {
            *text += 3;
            return true;
        }
    return false;
}

/* "Mon-Fri,Sun " as a set; all of them where none is named. */
static bool take_days(const char **text, unsigned *set)
{
    unsigned from = 0, to = 0;
    *set = 0;
    if (**text >= '0' && **text <= '9') {
        *set = (1U << DAYS) - 1;
        return true;
    }
    for (;;) {
        if (!take_day(text, &from))
            return false;
        to = from;
        if (**text == '-' && (++*text, !take_day(text, &to)))
            return false;
        for (unsigned day = from;; day = (day + 1) % DAYS) {
            *set |= 1U << day;
            if (day == to)
                break;
        }
        if (**text == ' ')
            break;
        if (**text != ',')
            return false;
        ++*text;
    }
    *text += strspn(*text, " ");
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "02:30" as minutes; 24:00 is the end of the day. */
static bool take_minute(const char **text, unsigned *minute)
{
    const char *at = *text;
    if (!is_digit(at[0]) || !is_digit(at[1]) || at[2] != ':' || !is_digit(at[3]) ||
        !is_digit(at[4]))
        return false;
    const unsigned minutes = (unsigned)(at[3] - '0') * 10 + (unsigned)(at[4] - '0');
    *minute = ((unsigned)(at[0] - '0') * 10 + (unsigned)(at[1] - '0')) * 60 + minutes;
    *text += 5;
    return minutes < 60 && *minute <= MINUTES;
}

static bool read_window(const char *text, struct pack_device_window *window)
{
    return take_days(&text, &window->days) && take_minute(&text, &window->from) && *text++ == '-' &&
           take_minute(&text, &window->to) && *text == '\0' && window->from < MINUTES;
}

static void decode_windows(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    const struct device_texts texts = device_texts_read(reader, node, PACK_MAX_CHECKS, "windows");
    struct pack_device_window *windows = pack_reader_allocate(reader, texts.count, sizeof *windows);
    (void)field;
    for (size_t i = 0; windows != NULL && i < texts.count; i++) {
        const struct device_text *text = &texts.list[i];
        if (!read_window(text->text, &windows[i]))
            (void)pack_hint(pack_reader_fault(reader, text->node, "\"%s\" is no window",
                                              pack_yaml_show(text->text).text),
                            "write \"02:00-05:00\", \"Mon-Fri 22:00-04:00\" or \"Sat,Sun "
                            "00:00-24:00\"");
        else if (windows[i].from == windows[i].to)
            (void)pack_hint(pack_reader_fault(reader, text->node, "the window \"%s\" is empty",
                                              pack_yaml_show(text->text).text),
                            "the whole day is 00:00-24:00");
    }
    device->policy.windows = windows;
    device->policy.window_count = windows != NULL ? texts.count : 0;
}

static void schema_windows(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_texts_schema(json, PACK_MAX_CHECKS);
}

static const struct pack_field_type type_windows = {decode_windows, schema_windows};

/* One of two words, the first of which is what holds unless given. */
static bool is_second(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                      const char *what, const char *const words[2])
{
    return pack_reader_choice(reader, node, what, words, 2) == words[1];
}

static const char *const clocks[] = {"local", "utc"};

static void decode_clock(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    *(bool *)device_member(field, object) = is_second(reader, node, "clock", clocks);
}

static void schema_clock(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_choice_schema(json, clocks, 2);
}

static const struct pack_field_type type_clock = {decode_clock, schema_clock};

/* --- the keys -------------------------------------------------------------------------------- */

static const struct pack_field battery_fields[] = {
    {.key = "minimum",
     .type = &device_type_number,
     .least = 1,
     .most = 100,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, policy.battery_minimum),
     .example = "minimum: 30",
     .summary = "Percent of charge below which nothing is installed"},
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device, policy.battery_file),
     .example = "file: /sys/class/power_supply/BAT0/capacity",
     .summary = "A file that holds the percent"},
    {.key = "command",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, policy.battery_program),
     .example = "command: [/usr/lib/acme/battery]",
     .summary = "A program that prints the percent"},
    {.key = "mains",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device, policy.mains_file),
     .example = "mains: /sys/class/power_supply/AC/online",
     .summary = "A file that holds 1 while the device is plugged in: no minimum counts then"},
    {.key = NULL},
};

static void decode_battery(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    const size_t before = reader->findings.errors;
    device_type_map.decode(reader, field, node, object);
    if (reader->findings.errors == before &&
        (pack_yaml_get(node, "file") != NULL) == (pack_yaml_get(node, "command") != NULL))
        (void)pack_hint(pack_reader_fault(reader, node,
                                          "either 'file' or 'command' must tell the "
                                          "charge"),
                        "for example file: /sys/class/power_supply/BAT0/capacity");
}

static void schema_battery(struct pack_json *json, const struct pack_field *field)
{
    device_type_map.schema(json, field);
    pack_json_array(json, "oneOf");
    device_keys_schema(json, (const char *const[]){"file", NULL});
    device_keys_schema(json, (const char *const[]){"command", NULL});
    pack_json_end(json);
}

static const struct pack_field_type type_battery = {decode_battery, schema_battery};

static const char *const confinements[] = {"required", "preferred"};

static void decode_confinement(struct pack_descriptor_reader *reader,
                               const struct pack_field *field, const struct pack_yaml *node,
                               void *object)
{
    *(enum pack_confinement *)device_member(field, object) =
        is_second(reader, node, "confinement", confinements) ? PACK_CONFINE_PREFERRED
                                                             : PACK_CONFINE_REQUIRED;
}

static void schema_confinement(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_choice_schema(json, confinements, 2);
}

static const struct pack_field_type type_confinement = {decode_confinement, schema_confinement};

const struct pack_field device_policy_fields[] = {
    {.key = "window",
     .type = &type_windows,
     .example = "window: [\"Mon-Fri 02:00-05:00\"]",
     .summary = "When it may install, [from, to); at any time unless given"},
    {.key = "window-time",
     .type = &type_clock,
     .offset = offsetof(struct pack_device, policy.window_utc),
     .fallback = "\"local\"",
     .example = "window-time: utc",
     .summary = "Whose time the windows are in: the device's time zone, or UTC"},
    {.key = "cooldown",
     .type = &device_type_duration,
     .offset = offsetof(struct pack_device, policy.cooldown),
     .most = YEAR,
     .fallback = "\"24h\"",
     .example = "cooldown: 24h",
     .summary = "How long a release that failed is not tried again"},
    {.key = "battery",
     .type = &type_battery,
     .fields = battery_fields,
     .example = "battery: {minimum: 30, file: /sys/class/power_supply/BAT0/capacity}",
     .summary = "The charge that an installation wants"},
    {.key = "tries",
     .type = &device_type_number,
     .offset = offsetof(struct pack_device, policy.tries),
     .least = 1,
     .most = 99,
     .fallback = "3",
     .example = "tries: 3",
     .summary =
         "How often a new set is started before it counts as failed; 1 with efi and raspberrypi"},
    {.key = "retries",
     .type = &device_type_number,
     .offset = offsetof(struct pack_device, policy.retries),
     .most = 1000,
     .fallback = "3",
     .example = "retries: 3",
     .summary = "How often a release that failed is tried again at all"},
    {.key = "rollback-on-health",
     .type = &device_type_boolean,
     .offset = offsetof(struct pack_device, policy.rollback_on_health),
     .fallback = "true",
     .example = "rollback-on-health: false",
     .summary = "Whether a failed health check falls back at once"},
    {.key = "reuse",
     .type = &device_type_boolean,
     .offset = offsetof(struct pack_device, policy.reuse),
     .fallback = "true",
     .example = "reuse: false",
     .summary = "Whether blocks that the running set has are copied instead of transferred"},
    {.key = "decoder-memory",
     .type = &device_type_size,
     .offset = offsetof(struct pack_device, policy.decoder_memory),
     .least = PACK_MIB,
     .most = 64 * PACK_GIB,
     .fallback = "\"64MiB\"",
     .example = "decoder-memory: 16MiB",
     .summary = "Most memory that a decoder or patch may take; one that needs more is passed over"},
    {.key = "confinement",
     .type = &type_confinement,
     .offset = offsetof(struct pack_device, policy.confine),
     .fallback = "\"required\"",
     .example = "confinement: preferred",
     .summary = "Whether decoders must run confined, or as far as the kernel can"},
    {.key = NULL},
};
