/* SPDX-License-Identifier: MIT */
/* The values of device.yaml that hold others, but for slots. */
#include "device/values.h"

#include <stdio.h>
#include <string.h>

enum { DEFAULT_COOLDOWN = 86400, DEFAULT_TRIES = 3, DEFAULT_PAUSE = 5, DEFAULT_KEEP = 4 };

void device_defaults(struct pack_device *device)
{
    device->policy = (struct pack_device_policy){
        .cooldown = DEFAULT_COOLDOWN,
        .tries = DEFAULT_TRIES,
        .retries = DEFAULT_TRIES,
        .rollback_on_health = true,
        .reuse = true,
        .decoder_memory = PACK_DEFAULT_DECODER_MEMORY,
        .confine = PACK_CONFINE_REQUIRED,
    };
    device->events_size = PACK_MIB;
    device->events_keep = DEFAULT_KEEP;
}

static void schema_map(struct pack_json *json, const struct pack_field *fields)
{
    pack_json_string(json, "type", "object");
    pack_schema_fields(json, fields);
}

static void decode_map(struct pack_descriptor_reader *reader, const struct pack_field *fields,
                       const struct pack_yaml *node, void *object)
{
    if (pack_reader_expect(reader, node, PACK_YAML_MAP))
        pack_fields_decode(reader, fields, node, object);
}

/* --- bootloader ------------------------------------------------------------------------------ */

/* What of the settings a type uses; the table of bootloaders has the same names. */
static const struct boot_settings {
    const char *name;
    const char *uses; /* keys, each between spaces */
    const char *wants;
    unsigned most_tries;
} boot_types[] = {
    {"file", " file ", " file ", 99},
    {"uboot", " config ", " ", 9},
    {"grub", " file copy ", " file ", 3},
    {"efi", " file entries ", " entries ", 1},
    {"raspberrypi", " file entries ", " file ", 1},
    {"custom", " command timeout ", " command ", 99},
};
enum { BOOT_TYPES = sizeof boot_types / sizeof boot_types[0] };

static void boot_names(const char *names[BOOT_TYPES])
{
    for (size_t i = 0; i < BOOT_TYPES; i++)
        names[i] = boot_types[i].name;
}

static void decode_boot_type(struct pack_descriptor_reader *reader, const struct pack_field *field,
                             const struct pack_yaml *node, void *object)
{
    const char *names[BOOT_TYPES];
    boot_names(names);
    const size_t choice = device_choice(reader, node, names, BOOT_TYPES);
    if (choice < BOOT_TYPES)
        *(const char **)device_member(field, object) = boot_types[choice].name;
}

static void schema_boot_type(struct pack_json *json, const struct pack_field *field)
{
    const char *names[BOOT_TYPES];
    (void)field;
    boot_names(names);
    device_choice_schema(json, names, BOOT_TYPES);
}

static const struct pack_field_type type_boot_type = {decode_boot_type, schema_boot_type};

static const struct pack_field entries_fields[] = {
    {.key = "a",
     .type = &device_type_text,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_boot, entries[PACK_SET_A]),
     .example = "a: Boot0001",
     .summary = "The entry that starts set A"},
    {.key = "b",
     .type = &device_type_text,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_boot, entries[PACK_SET_B]),
     .example = "b: Boot0002",
     .summary = "The entry that starts set B"},
    {.key = NULL},
};

static void decode_entries(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    (void)field;
    decode_map(reader, entries_fields, node, object);
}

static void schema_entries(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, entries_fields);
}

static const struct pack_field_type type_entries = {decode_entries, schema_entries};

static const struct pack_field running_fields[] = {
    {.key = "cmdline",
     .type = &device_type_text,
     .offset = offsetof(struct pack_device_boot, running_cmdline),
     .example = "cmdline: fwpack.set",
     .summary = "A parameter of the kernel's command line that is A or B"},
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, running_file),
     .example = "file: /run/set",
     .summary = "A file that holds A or B"},
    {.key = NULL},
};

static void decode_running(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    (void)field;
    decode_map(reader, running_fields, node, object);
    if (node->kind == PACK_YAML_MAP && node->count > 1)
        (void)pack_reader_fault(reader, node, "'cmdline' and 'file' exclude each other");
}

static void schema_running(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, running_fields);
}

static const struct pack_field_type type_running = {decode_running, schema_running};

static const struct pack_field boot_fields[] = {
    {.key = "type",
     .type = &type_boot_type,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_boot, type),
     .example = "type: uboot",
     .summary = "Which bootloader it is"},
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, file),
     .example = "file: /boot/grub/grubenv",
     .summary = "file: where its state is kept; grub: the environment block; raspberrypi and efi: "
                "the folder"},
    {.key = "copy",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, copy),
     .example = "copy: /boot/grub/grubenv2",
     .summary = "grub: a second environment block"},
    {.key = "config",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_boot, config),
     .example = "config: /etc/fw_env.config",
     .summary = "uboot: where the environment is"},
    {.key = "entries",
     .type = &type_entries,
     .fields = entries_fields,
     .example = "entries: {a: Boot0001, b: Boot0002}",
     .summary = "efi: the boot entry of each set; raspberrypi: its partition"},
    {.key = "command",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device_boot, program),
     .example = "command: [/usr/lib/acme/boot-state]",
     .summary = "custom: the program that reads and writes the state"},
    {.key = "timeout",
     .type = &device_type_timeout,
     .offset =
         offsetof(struct pack_device_boot, program) + offsetof(struct pack_device_program, seconds),
     .example = "timeout: 10s",
     .summary = "custom: when the program is killed"},
    {.key = "running",
     .type = &type_running,
     .fields = running_fields,
     .example = "running: {cmdline: fwpack.set}",
     .summary = "How the set that runs is found; as the type does it unless given"},
    {.key = NULL},
};

static bool has_word(const char *words, const char *key)
{
    char word[32];
    snprintf(word, sizeof word, " %s ", key);
    return strstr(words, word) != NULL;
}

static void check_boot(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       const struct pack_device_boot *boot)
{
    const struct boot_settings *settings = boot_types;
    while (strcmp(settings->name, boot->type) != 0)
        settings++;
    for (const struct pack_yaml *value = node->first; value != NULL; value = value->next)
        if (strcmp(value->key->text, "type") != 0 && strcmp(value->key->text, "running") != 0 &&
            !has_word(settings->uses, value->key->text))
            (void)pack_reader_fault(reader, value->key, "'%s' means nothing to the bootloader %s",
                                    pack_yaml_show(value->key->text).text, settings->name);
    for (const struct pack_field *field = boot_fields; field->key != NULL; field++)
        if (has_word(settings->wants, field->key) && pack_yaml_get(node, field->key) == NULL)
            (void)pack_hint(pack_reader_fault(reader, node, "the bootloader %s wants '%s'",
                                              settings->name, field->key),
                            "for example %s", field->example);
}

static void decode_boot(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    struct pack_device_boot *boot = device_member(field, object);
    const size_t before = reader->findings.errors;
    decode_map(reader, boot_fields, node, boot);
    if (reader->findings.errors == before && boot->type != NULL)
        check_boot(reader, node, boot);
}

static void schema_boot(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, boot_fields);
}

const struct pack_field_type device_type_boot = {decode_boot, schema_boot};

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
    if (!take_days(&text, &window->days) || !take_minute(&text, &window->from) || *text++ != '-' ||
        !take_minute(&text, &window->to))
        return false;
    return *text == '\0' && window->from < MINUTES && window->from != window->to;
}

static void decode_windows(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    struct pack_device_policy *policy = object;
    const struct device_texts texts = device_texts_read(reader, node, PACK_MAX_CHECKS, "windows");
    struct pack_device_window *windows = pack_reader_allocate(reader, texts.count, sizeof *windows);
    (void)field;
    for (size_t i = 0; windows != NULL && i < texts.count; i++)
        if (!read_window(texts.list[i], &windows[i]))
            (void)pack_hint(pack_reader_fault(reader, node, "\"%s\" is no window",
                                              pack_yaml_show(texts.list[i]).text),
                            "write \"02:00-05:00\", or \"Mon-Fri 22:00-04:00\"");
    policy->windows = windows;
    policy->window_count = windows != NULL ? texts.count : 0;
}

static void schema_windows(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_texts_schema(json, PACK_MAX_CHECKS);
}

static const struct pack_field_type type_windows = {decode_windows, schema_windows};

static const char *const clocks[] = {"local", "utc"};

static void decode_clock(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    *(bool *)device_member(field, object) = device_choice(reader, node, clocks, 2) == 1;
}

static void schema_clock(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_choice_schema(json, clocks, 2);
}

static const struct pack_field_type type_clock = {decode_clock, schema_clock};

/* --- policy ---------------------------------------------------------------------------------- */

static const struct pack_field battery_fields[] = {
    {.key = "minimum",
     .type = &device_type_percent,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_policy, battery_minimum),
     .example = "minimum: 30",
     .summary = "Percent of charge below which nothing is installed"},
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_policy, battery_file),
     .example = "file: /sys/class/power_supply/BAT0/capacity",
     .summary = "A file that holds the percent"},
    {.key = "command",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device_policy, battery_program),
     .example = "command: [/usr/lib/acme/battery]",
     .summary = "A program that prints the percent"},
    {.key = "mains",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device_policy, mains_file),
     .example = "mains: /sys/class/power_supply/AC/online",
     .summary = "A file that holds 1 while the device is plugged in: no minimum counts then"},
    {.key = NULL},
};

static void decode_battery(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    const struct pack_device_policy *policy = object;
    const size_t before = reader->findings.errors;
    (void)field;
    decode_map(reader, battery_fields, node, object);
    if (reader->findings.errors == before &&
        (policy->battery_file != NULL) == (policy->battery_program.count != 0))
        (void)pack_reader_fault(reader, node, "either 'file' or 'command' must say the percent");
}

static void schema_battery(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, battery_fields);
}

static const struct pack_field_type type_battery = {decode_battery, schema_battery};

static const char *const confinements[] = {"required", "preferred"};

static void decode_confinement(struct pack_descriptor_reader *reader,
                               const struct pack_field *field, const struct pack_yaml *node,
                               void *object)
{
    *(enum pack_confinement *)device_member(field, object) =
        device_choice(reader, node, confinements, 2) == 1 ? PACK_CONFINE_PREFERRED
                                                          : PACK_CONFINE_REQUIRED;
}

static void schema_confinement(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    device_choice_schema(json, confinements, 2);
}

static const struct pack_field_type type_confinement = {decode_confinement, schema_confinement};

static const struct pack_field policy_fields[] = {
    {.key = "window",
     .type = &type_windows,
     .example = "window: [\"Mon-Fri 02:00-05:00\"]",
     .summary = "When it may install, [from, to); at any time unless given"},
    {.key = "window-time",
     .type = &type_clock,
     .offset = offsetof(struct pack_device_policy, window_utc),
     .fallback = "\"local\"",
     .example = "window-time: utc",
     .summary = "Whose time the windows are in: the device's time zone, or UTC"},
    {.key = "cooldown",
     .type = &device_type_duration,
     .offset = offsetof(struct pack_device_policy, cooldown),
     .fallback = "\"24h\"",
     .example = "cooldown: 24h",
     .summary = "How long a release that failed is not tried again"},
    {.key = "battery",
     .type = &type_battery,
     .fields = battery_fields,
     .example = "battery: {minimum: 30, file: /sys/class/power_supply/BAT0/capacity}",
     .summary = "The charge that an installation wants"},
    {.key = "tries",
     .type = &device_type_tries,
     .offset = offsetof(struct pack_device_policy, tries),
     .fallback = "3",
     .example = "tries: 3",
     .summary = "How often a new set is started before it counts as failed"},
    {.key = "retries",
     .type = &device_type_count,
     .offset = offsetof(struct pack_device_policy, retries),
     .fallback = "3",
     .example = "retries: 3",
     .summary = "How often a release that failed is tried again at all"},
    {.key = "rollback-on-health",
     .type = &device_type_boolean,
     .offset = offsetof(struct pack_device_policy, rollback_on_health),
     .fallback = "true",
     .example = "rollback-on-health: false",
     .summary = "Whether a failed health check falls back at once"},
    {.key = "reuse",
     .type = &device_type_boolean,
     .offset = offsetof(struct pack_device_policy, reuse),
     .fallback = "true",
     .example = "reuse: false",
     .summary = "Whether blocks that the running set has are copied instead of transferred"},
    {.key = "decoder-memory",
     .type = &device_type_size,
     .offset = offsetof(struct pack_device_policy, decoder_memory),
     .fallback = "\"64MiB\"",
     .example = "decoder-memory: 16MiB",
     .summary = "Most memory that a decoder or patch may take; one that needs more is passed over"},
    {.key = "confinement",
     .type = &type_confinement,
     .offset = offsetof(struct pack_device_policy, confine),
     .fallback = "\"required\"",
     .example = "confinement: preferred",
     .summary = "Whether decoders must run confined, or as far as the kernel can"},
    {.key = NULL},
};

static void decode_policy(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    decode_map(reader, policy_fields, node, device_member(field, object));
}

static void schema_policy(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, policy_fields);
}

const struct pack_field_type device_type_policy = {decode_policy, schema_policy};

/* --- health ---------------------------------------------------------------------------------- */

static const struct pack_field health_fields[] = {
    {.key = "name",
     .type = &pack_type_name,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_health, name),
     .example = "name: network",
     .summary = "Name of the check, for reports"},
    {.key = "command",
     .type = &device_type_program,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device_health, program),
     .example = "command: [ping, -c1, gateway]",
     .summary = "The program, which ends with 0 where all is well"},
    {.key = "timeout",
     .type = &device_type_timeout,
     .offset = offsetof(struct pack_device_health, program) +
               offsetof(struct pack_device_program, seconds),
     .fallback = "\"60s\"",
     .example = "timeout: 30s",
     .summary = "When it is killed, and has failed"},
    {.key = "attempts",
     .type = &device_type_tries,
     .offset = offsetof(struct pack_device_health, attempts),
     .fallback = "1",
     .example = "attempts: 5",
     .summary = "How often it is run until it succeeds once"},
    {.key = "pause",
     .type = &device_type_pause,
     .offset = offsetof(struct pack_device_health, pause),
     .fallback = "\"5s\"",
     .example = "pause: 10s",
     .summary = "Time between attempts"},
    {.key = NULL},
};

static void decode_health(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    struct pack_device *device = object;
    (void)field;
    if (!pack_reader_expect(reader, node, PACK_YAML_LIST))
        return;
    if (node->count > PACK_MAX_CHECKS) {
        (void)pack_reader_fault(reader, node, "%zu checks, at most %d allowed", node->count,
                                PACK_MAX_CHECKS);
        return;
    }
    struct pack_device_health *checks = pack_reader_allocate(reader, node->count, sizeof *checks);
    device->health = checks;
    for (const struct pack_yaml *item = node->first; checks != NULL && item != NULL;
         item = item->next) {
        struct pack_device_health *check = &checks[device->health_count++];
        *check = (struct pack_device_health){.attempts = 1, .pause = DEFAULT_PAUSE};
        decode_map(reader, health_fields, item, check);
    }
}

static void schema_health(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "array");
    pack_json_unsigned(json, "maxItems", PACK_MAX_CHECKS);
    pack_json_object(json, "items");
    schema_map(json, health_fields);
    pack_json_end(json);
}

const struct pack_field_type device_type_health = {decode_health, schema_health};

/* --- hooks ----------------------------------------------------------------------------------- */

static const struct pack_field hook_fields[] = {
    {.key = "before-check",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_CHECK]),
     .example = "before-check: [/usr/lib/acme/hook]",
     .summary = "When a release may be installed; failing, it is not"},
    {.key = "after-check",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_CHECK]),
     .example = "after-check: [/usr/lib/acme/hook]",
     .summary = "The same, as the last word"},
    {.key = "before-write",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_WRITE]),
     .example = "before-write: [/usr/lib/acme/hook]",
     .summary = "Before the slots are written; failing, nothing is"},
    {.key = "after-write",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_WRITE]),
     .example = "after-write: [/usr/lib/acme/hook]",
     .summary = "When all is written; failing, nothing is switched"},
    {.key = "before-switch",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_SWITCH]),
     .example = "before-switch: [/usr/lib/acme/hook]",
     .summary = "Before the switch; failing, nothing is switched"},
    {.key = "after-switch",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_SWITCH]),
     .example = "after-switch: [/usr/lib/acme/hook]",
     .summary = "After the switch; failing, it is taken back"},
    {.key = "before-confirm",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_CONFIRM]),
     .example = "before-confirm: [/usr/lib/acme/hook]",
     .summary = "Before it is kept; failing, it stays on trial"},
    {.key = "after-confirm",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_CONFIRM]),
     .example = "after-confirm: [/usr/lib/acme/hook]",
     .summary = "When it is kept; failing only warns"},
    {.key = "before-rollback",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, before[PACK_PHASE_ROLLBACK]),
     .example = "before-rollback: [/usr/lib/acme/hook]",
     .summary = "Before a rollback by hand; failing, there is none"},
    {.key = "after-rollback",
     .type = &device_type_program,
     .offset = offsetof(struct pack_device, after[PACK_PHASE_ROLLBACK]),
     .example = "after-rollback: [/usr/lib/acme/hook]",
     .summary = "After one; failing only warns"},
    {.key = NULL},
};

static void decode_hooks(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    (void)field;
    decode_map(reader, hook_fields, node, object);
}

static void schema_hooks(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, hook_fields);
}

const struct pack_field_type device_type_hooks = {decode_hooks, schema_hooks};

/* --- counter, events ------------------------------------------------------------------------- */

static const struct pack_field counter_fields[] = {
    {.key = "read",
     .type = &device_type_program,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, counter_read),
     .example = "read: [otp-counter]",
     .summary = "A program that prints the counter"},
    {.key = "raise",
     .type = &device_type_program,
     .flags = PACK_FIELD_REQUIRED,
     .offset = offsetof(struct pack_device, counter_raise),
     .example = "raise: [otp-counter, --raise]",
     .summary = "A program that raises it to its last argument, which is added"},
    {.key = NULL},
};

static void decode_counter(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    (void)field;
    decode_map(reader, counter_fields, node, object);
}

static void schema_counter(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, counter_fields);
}

const struct pack_field_type device_type_counter = {decode_counter, schema_counter};

static const struct pack_field events_fields[] = {
    {.key = "file",
     .type = &device_type_path,
     .offset = offsetof(struct pack_device, events_file),
     .example = "file: /var/log/fwpack-events.jsonl",
     .summary = "Where events are written; events.jsonl in the state folder unless given"},
    {.key = "size",
     .type = &device_type_size,
     .offset = offsetof(struct pack_device, events_size),
     .fallback = "\"1MiB\"",
     .example = "size: 256KiB",
     .summary = "Bytes after which the file is rotated"},
    {.key = "keep",
     .type = &device_type_count,
     .offset = offsetof(struct pack_device, events_keep),
     .fallback = "4",
     .example = "keep: 2",
     .summary = "How many rotated files are kept"},
    {.key = NULL},
};

static void decode_events(struct pack_descriptor_reader *reader, const struct pack_field *field,
                          const struct pack_yaml *node, void *object)
{
    (void)field;
    decode_map(reader, events_fields, node, object);
}

static void schema_events(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_map(json, events_fields);
}

const struct pack_field_type device_type_events = {decode_events, schema_events};

/* --- what concerns several ------------------------------------------------------------------- */

unsigned device_most_tries(const char *type)
{
    for (size_t i = 0; i < BOOT_TYPES; i++)
        if (strcmp(boot_types[i].name, type) == 0)
            return boot_types[i].most_tries;
    return 0;
}
