/* SPDX-License-Identifier: MIT */
/* device.yaml: what each key takes, what keys say together, and where faults are. */
#include "pack/device.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "boot/boot.h"
#include "device/boot_rules.h"
#include "device/values.h"
#include "pack/trust.h"
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- reading --------------------------------------------------------------------------------- */

enum { KEPT = 16 };

struct findings {
    size_t errors, warnings;
    struct pack_error all[KEPT];
};

static void keep(void *user, bool is_error, const struct pack_error *finding)
{
    struct findings *findings = user;
    const size_t count = findings->errors + findings->warnings;
    if (count < KEPT)
        findings->all[count] = *finding;
    findings->errors += is_error;
    findings->warnings += !is_error;
}

static void print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->errors + findings->warnings && i < KEPT; i++)
        print_error("%u:%u: %s (%s)\n", findings->all[i].line, findings->all[i].column,
                    findings->all[i].text, findings->all[i].hint);
}

/* Reads the text as device.yaml of the folder; NULL where it has errors. */
static struct pack_device *read_text(const char *folder, const char *text,
                                     struct findings *findings)
{
    struct pack_error error = {0};
    struct pack_device *device = NULL;
    PACK_AUTO_FREE char *path = test_path(folder, "device.yaml");
    *findings = (struct findings){.errors = 0};
    test_write_text(path, text);
    const int code = pack_device_read(&device, path, keep, findings, &error);
    assert_int_equal(code, findings->errors != 0 ? PACK_E_DESCRIPTOR : 0);
    assert_int_equal(code, error.code);
    assert_int_equal(code != 0, device == NULL);
    return device;
}

static const char good[] = "fwpack-device: 1\n"
                           "product: acme\n"
                           "hardware: acme,gw\n"
                           "trust: root.json\n"
                           "state: state\n"
                           "slots:\n"
                           "  - name: rootfs\n"
                           "    a: a.img\n"
                           "    b: b.img\n";
#define FILE_BOOT "bootloader: {type: file}\n"
enum { GOOD_LINES = 9 };

/* The good file with more lines behind it. */
static struct pack_device *read_more(const char *folder, const char *more,
                                     struct findings *findings)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
    const bool boots = strstr(more, "bootloader:") != NULL;
    assert_pack_ok(
        pack_buffer_print(&text, &error, "%s%s%s\n", good, boots ? "" : FILE_BOOT, more));
    return read_text(folder, (const char *)text.bytes, findings);
}

static struct pack_device *taken(const char *folder, const char *more)
{
    struct findings findings;
    struct pack_device *device = read_more(folder, more, &findings);
    if (device == NULL || findings.warnings != 0)
        print_findings(&findings);
    assert_non_null(device);
    assert_int_equal(findings.warnings, 0);
    return device;
}

/* One error, at the column of the last line, with words. */
static void assert_refused(const char *folder, const char *more, unsigned column, const char *words)
{
    struct findings findings;
    PACK_AUTO(pack_device_free) struct pack_device *device = read_more(folder, more, &findings);
    assert_null(device);
    const bool boots = strstr(more, "bootloader:") != NULL;
    unsigned line = GOOD_LINES + (boots ? 1 : 2);
    for (const char *at = more; *at != '\0'; at++)
        line += *at == '\n';
    const struct pack_error *first = &findings.all[0];
    if (findings.errors != 1 || findings.warnings != 0 || first->line != line ||
        first->column != column || strstr(first->text, words) == NULL) {
        print_error("%s\nwanted one error at %u:%u: %s\n", more, line, column, words);
        print_findings(&findings);
        fail();
    }
}

struct refusal {
    const char *more;
    unsigned column;
    const char *words;
};

static void assert_all_refused(const char *folder, const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused(folder, refusals[i].more, refusals[i].column, refusals[i].words);
}
#define ASSERT_ALL_REFUSED(folder, refusals) \
    assert_all_refused((folder), (refusals), sizeof(refusals) / sizeof(refusals)[0])

/* --- what is taken --------------------------------------------------------------------------- */

static void assert_path(const char *folder, const char *name, const char *path)
{
    PACK_AUTO_FREE char *wanted = test_path(folder, name);
    assert_string_equal(path, wanted);
}

static void what_is_not_said_has_defaults(void **state)
{
    const char *folder = *state;
    PACK_AUTO(pack_device_free) struct pack_device *device = taken(folder, "");
    const struct pack_device_policy *policy = &device->policy;
    assert_string_equal(device->product, "acme");
    assert_int_equal(device->hardware_count, 1);
    assert_string_equal(device->hardware[0], "acme,gw");
    assert_null(device->id);
    assert_false(device->no_clock);
    assert_false(device->allow_demo_keys);
    assert_int_equal(policy->window_count, 0);
    assert_int_equal(policy->cooldown, 86400);
    assert_int_equal(policy->tries, 3);
    assert_int_equal(policy->retries, 3);
    assert_int_equal(policy->battery_minimum, 0);
    assert_true(policy->rollback_on_health);
    assert_true(policy->reuse);
    assert_int_equal(policy->decoder_memory, 64 * PACK_MIB);
    assert_int_equal(policy->confine, PACK_CONFINE_REQUIRED);
    assert_int_equal(device->health_count, 0);
    assert_int_equal(device->reboot.count, 0);
    assert_int_equal(device->events_size, PACK_MIB);
    assert_int_equal(device->events_keep, 4);
    assert_path(folder, "state/events.jsonl", device->events_file);
}

static void paths_are_joined_to_the_folder(void **state)
{
    const char *folder = *state;
    PACK_AUTO(pack_device_free)
    struct pack_device *device =
        taken(folder, "bootloader: {type: grub, file: /boot/grubenv, copy: ../env2}\n"
                      "id-file: /etc/machine-id\n"
                      "identities: [age.key, \"env:KEY\", \"tpm2:sealed.key\"]\n"
                      "events: {file: log}");
    assert_path(folder, "root.json", device->trust[0]);
    assert_path(folder, "state", device->state);
    assert_path(folder, "a.img", device->slots[0].targets[PACK_SET_A].path);
    assert_path(folder, "../env2", device->boot.copy);
    assert_path(folder, "log", device->events_file);
    assert_path(folder, "age.key", device->identities[0]);
    assert_string_equal(device->identities[1], "env:KEY");
    assert_memory_equal(device->identities[2], "tpm2:", 5);
    assert_path(folder, "sealed.key", device->identities[2] + 5);
    assert_string_equal(device->boot.file, "/boot/grubenv");
    assert_string_equal(device->id_file, "/etc/machine-id");
}

static void trusted_keys_may_have_roles(void **state)
{
    const char *folder = *state;
    struct findings findings;
    PACK_AUTO(pack_device_free)
    struct pack_device *device =
        read_text(folder,
                  "fwpack-device: 1\nproduct: acme\nhardware: [\"gw1\", \"gw2\"]\nstate: s\n"
                  "trust: [release=r.pub, any=/a.pub, ./x=y.pub]\n"
                  "slots: [{name: r, a: a, b: b}]\n" FILE_BOOT,
                  &findings);
    assert_non_null(device);
    assert_int_equal(device->hardware_count, 2);
    assert_int_equal(device->trust_count, 3);
    assert_memory_equal(device->trust[0], "release=", 8);
    assert_path(folder, "r.pub", device->trust[0] + 8);
    assert_string_equal(device->trust[1], "any=/a.pub");
    assert_path(folder, "./x=y.pub", device->trust[2]);
    for (enum pack_role role = 0; role < PACK_ROLE_COUNT; role++)
        assert_string_equal(device_roles[role + 1], pack_role_name(role));
    assert_null(device_roles[PACK_ROLE_COUNT + 1]);
}

/* A file with these slots. */
static struct pack_device *read_slots(const char *folder, const char *slots,
                                      struct findings *findings)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
    assert_pack_ok(pack_buffer_print(&text, &error,
                                     "fwpack-device: 1\nproduct: acme\nhardware: gw\nstate: state\n"
                                     "trust: root.json\n" FILE_BOOT "slots:\n%s\n",
                                     slots));
    return read_text(folder, (const char *)text.bytes, findings);
}
enum { SLOTS_LINES = 7 };

static void every_kind_of_target_is_read(void **state)
{
    const char *folder = *state;
    struct findings findings;
    PACK_AUTO(pack_device_free)
    struct pack_device *device = read_slots(
        folder,
        "  - {name: one, a: {partition-label: A}, b: {file: /dev/x}}\n"
        "  - name: two\n"
        "    image: two-eu\n"
        "    a: {mtd: firmware}\n"
        "    b: {mtd: /dev/mtd1}\n"
        "  - {name: three, a: {ubi: \"ubi0:x\"}, b: {ubi: dev/ubi0_1}}\n"
        "  - {name: four, a: {directory: tree-a}, b: {directory: tree-b, absolute-links: true}}\n"
        "  - name: five\n"
        "    single: {partition-type: 4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709}\n"
        "  - {name: six, single: {command: [bin/flash, \"${X}\", \"\"], timeout: 5m}}\n",
        &findings);
    assert_non_null(device);
    assert_int_equal(device->slot_count, 6);
    const struct pack_device_slot *slots = device->slots;
    assert_int_equal(slots[0].targets[PACK_SET_A].kind, PACK_TARGET_PARTITION);
    assert_string_equal(slots[0].targets[PACK_SET_A].label, "A");
    assert_string_equal(slots[0].targets[PACK_SET_B].path, "/dev/x");
    assert_true(slots[0].redundant);
    assert_null(slots[0].image);
    assert_string_equal(slots[1].image, "two-eu");
    assert_int_equal(slots[1].place.line, SLOTS_LINES + 2);
    assert_int_equal(slots[1].targets[PACK_SET_A].kind, PACK_TARGET_MTD);
    assert_string_equal(slots[1].targets[PACK_SET_A].path, "firmware");
    assert_string_equal(slots[1].targets[PACK_SET_B].path, "/dev/mtd1");
    assert_int_equal(slots[2].targets[PACK_SET_A].kind, PACK_TARGET_UBI);
    assert_string_equal(slots[2].targets[PACK_SET_A].path, "ubi0:x");
    assert_path(folder, "dev/ubi0_1", slots[2].targets[PACK_SET_B].path);
    assert_int_equal(slots[3].targets[PACK_SET_B].kind, PACK_TARGET_DIRECTORY);
    assert_path(folder, "tree-b", slots[3].targets[PACK_SET_B].path);
    assert_false(slots[3].targets[PACK_SET_A].absolute_links);
    assert_true(slots[3].targets[PACK_SET_B].absolute_links);
    assert_false(slots[4].redundant);
    assert_string_equal(slots[4].targets[PACK_SET_A].type, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
    const struct pack_device_program *program = &slots[5].targets[PACK_SET_A].program;
    assert_int_equal(slots[5].targets[PACK_SET_A].kind, PACK_TARGET_COMMAND);
    assert_int_equal(program->count, 3);
    assert_path(folder, "bin/flash", program->words[0]);
    assert_string_equal(program->words[1], "${X}");
    assert_string_equal(program->words[2], "");
    assert_null(program->words[3]);
    assert_int_equal(program->seconds, 300);
    assert_ptr_equal(pack_device_slot_named(device, "four"), &slots[3]);
    assert_null(pack_device_slot_named(device, "seven"));
}

static void a_policy_is_read(void **state)
{
    const char *folder = *state;
    PACK_AUTO(pack_device_free)
    struct pack_device *device = taken(
        folder, "policy:\n"
                "  window: [\"Mon-Fri 02:00-05:00\", \"Sat-Mon,Wed 22:30-04:00\", "
                "\"00:00-24:00\"]\n"
                "  window-time: utc\n"
                "  cooldown: 2d\n"
                "  battery: {minimum: 30, command: {command: [charge], timeout: 7}, mains: m}\n"
                "  tries: 99\n"
                "  retries: 0\n"
                "  rollback-on-health: false\n"
                "  reuse: false\n"
                "  decoder-memory: 16MiB\n"
                "  confinement: preferred\n"
                "health: [{name: net, command: [ping, -c, 1]},\n"
                "  {name: web, command: [curl], timeout: 1h, attempts: 4, pause: 0}]");
    const struct pack_device_policy *policy = &device->policy;
    assert_int_equal(policy->window_count, 3);
    assert_int_equal(policy->windows[0].from, 120);
    assert_int_equal(policy->windows[0].to, 300);
    assert_int_equal(policy->windows[0].days, 0x1f);
    assert_int_equal(policy->windows[1].from, 1350);
    assert_int_equal(policy->windows[1].days, 0x65);
    assert_int_equal(policy->windows[2].to, 1440);
    assert_int_equal(policy->windows[2].days, 0x7f);
    assert_true(policy->window_utc);
    assert_int_equal(policy->cooldown, 172800);
    assert_int_equal(policy->battery_minimum, 30);
    assert_int_equal(policy->battery_program.seconds, 7);
    assert_path(folder, "m", policy->mains_file);
    assert_int_equal(policy->tries, 99);
    assert_int_equal(policy->retries, 0);
    assert_false(policy->rollback_on_health);
    assert_false(policy->reuse);
    assert_int_equal(policy->decoder_memory, 16 * PACK_MIB);
    assert_int_equal(policy->confine, PACK_CONFINE_PREFERRED);
    assert_int_equal(device->health_count, 2);
    assert_int_equal(device->health[0].program.seconds, 60);
    assert_int_equal(device->health[0].attempts, 1);
    assert_int_equal(device->health[0].pause, 5);
    assert_string_equal(device->health[1].name, "web");
    assert_int_equal(device->health[1].program.seconds, 3600);
    assert_int_equal(device->health[1].attempts, 4);
    assert_int_equal(device->health[1].pause, 0);
}

static void every_phase_has_its_hooks(void **state)
{
    const char *folder = *state;
    for (enum pack_phase phase = 0; phase < PACK_PHASES; phase++) {
        char text[128];
        snprintf(text, sizeof text, "hooks: {before-%s: [x, y], after-%s: {command: [z]}}",
                 pack_phase_name(phase), pack_phase_name(phase));
        PACK_AUTO(pack_device_free) struct pack_device *device = taken(folder, text);
        assert_int_equal(device->before[phase].count, 2);
        assert_string_equal(device->before[phase].words[0], "x");
        assert_int_equal(device->after[phase].count, 1);
        assert_int_equal(device->after[phase].seconds, 60);
    }
}

static void the_rest_is_read(void **state)
{
    const char *folder = *state;
    PACK_AUTO(pack_device_free)
    struct pack_device *device =
        taken(folder, "id: gw-1\ngroup: beta\nallow-demo-keys: true\nclock: false\n"
                      "counter: {read: [r], raise: [w]}\nreboot: [reboot]\n"
                      "events: {size: 4KiB, keep: 0}");
    assert_string_equal(device->id, "gw-1");
    assert_string_equal(device->group, "beta");
    assert_true(device->allow_demo_keys);
    assert_true(device->no_clock);
    assert_string_equal(device->counter_read.words[0], "r");
    assert_string_equal(device->counter_raise.words[0], "w");
    assert_string_equal(device->reboot.words[0], "reboot");
    assert_int_equal(device->events_size, 4096);
    assert_int_equal(device->events_keep, 0);
}

/* --- bootloaders ----------------------------------------------------------------------------- */

static void the_bootloaders_are_those_that_there_are(void **state)
{
    (void)state;
    const struct boot_type *const *types = boot_types();
    const struct device_boot_rules *rules = device_boot_rules;
    size_t known = 0, there = 0;
    for (; rules[known].name != NULL; known++)
        assert_ptr_equal(device_boot_rules_of(rules[known].name), &rules[known]);
    for (; types[there] != NULL; there++) {
        rules = device_boot_rules_of(types[there]->name);
        assert_non_null(rules);
        assert_int_equal(rules->most_tries, types[there]->max_tries);
    }
    assert_int_equal(known, there);
}

static void tries_are_what_the_bootloader_counts(void **state)
{
    const char *folder = *state;
    PACK_AUTO(pack_device_free)
    struct pack_device *device =
        taken(folder, "bootloader: {type: efi, entries: {a: Boot0001, b: Boot000A}}");
    assert_int_equal(device->policy.tries, 1);
    assert_string_equal(device->boot.entries[PACK_SET_B], "Boot000A");
    pack_device_free(&device);
    device = taken(folder, "bootloader: {type: raspberrypi, file: /boot, entries: {a: 9, b: 63}}");
    assert_int_equal(device->policy.tries, 1);
    pack_device_free(&device);
    device =
        taken(folder, "bootloader: {type: custom, command: [b], timeout: 9, running: {cmdline: "
                      "fwpack.slot}}\npolicy: {tries: 99}");
    assert_int_equal(device->boot.program.seconds, 9);
    assert_string_equal(device->boot.running_cmdline, "fwpack.slot");
}

static void settings_of_other_bootloaders_are_refused(void **state)
{
    const char *folder = *state;
    static const struct refusal refusals[] = {
        {"bootloader: {type: ubot}", 20, "\"ubot\" is no bootloader that fwpack knows"},
        {"bootloader: {config: x}", 13, "missing key 'type'"},
        {"bootloader: {type: file, config: x}", 26,
         "'config' means nothing to the bootloader file"},
        {"bootloader: {type: efi}", 13, "missing key 'entries', which the bootloader efi needs"},
        {"bootloader: {type: raspberrypi}", 13, "missing key 'file'"},
        {"bootloader: {type: custom}", 13, "missing key 'command'"},
        {"bootloader: {type: efi, entries: {a: Boot0001}}", 34, "missing key 'b'"},
        {"bootloader: {type: efi, entries: {a: Boot0001, b: boot0002}}", 51, "an EFI boot entry"},
        {"bootloader: {type: efi, entries: {a: Boot0001, b: Boot0001}}", 34, "both sets have"},
        {"bootloader: {type: raspberrypi, file: b, entries: {a: 0, b: 2}}", 55, "1 to 63"},
        {"bootloader: {type: raspberrypi, file: b, entries: {a: 64, b: 2}}", 55, "1 to 63"},
        {"bootloader: {type: grub, file: x, copy: ./x}", 41, "the same file as 'file'"},
        {"bootloader: {type: grub, file: .//a.img}", 32, "is a target of the slot in line 7 too"},
        {"bootloader: {type: file, file: state/state}", 32, "the state folder keeps as \"state\""},
        {"bootloader: {type: grub, file: g, copy: state//lock}", 41, "folder keeps as \"lock\""},
        {"bootloader: {type: file}\nevents: {file: ./state/state.1}", 16, "as \"state.1\""},
        {"bootloader: {type: file, running: {}}", 35, "0 keys, either 'cmdline' or 'file'"},
        {"bootloader: {type: file, running: {cmdline: a=b}}", 45, "no parameter's name"},
        {"bootloader: {type: efi, entries: {a: Boot0001, b: Boot0002}}\npolicy: {tries: 2}", 17,
         "2 tries, the bootloader efi counts at most 1"},
    };
    ASSERT_ALL_REFUSED(folder, refusals);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void values_are_refused_where_they_stand(void **state)
{
    const char *folder = *state;
    static const struct refusal refusals[] = {
        {"hardwar: x", 1, "unknown key 'hardwar'"},
        {"product: b", 1, "key 'product' is repeated"},
        {"id: ${ID}", 5, "has '${', and this file no variables"},
        {"id: a\nid-file: b", 10, "'id' and 'id-file' exclude each other"},
        {"clock: no", 8, "\"no\" is no boolean"},
        {"allow-demo-keys: True", 18, "\"True\" is no boolean"},
        {"reboot: reboot now", 9, "one text, a list of words wanted"},
        {"reboot: []", 9, "an empty list"},
        {"reboot: [\"\"]", 10, "names no program"},
        {"reboot: {timeout: 5}", 9, "missing key 'command'"},
        {"reboot: {command: [a], timeout: 0}", 33, "'timeout' is 0, 1 to 3600 seconds wanted"},
        {"reboot: {command: [a], timeout: 2h}", 33, "'timeout' is 2h"},
        {"hooks: {before-wriet: [a]}", 9, "unknown key 'before-wriet'"},
        {"health: [{name: a, command: [b]}, {name: a, command: [c]}]", 42, "two health checks"},
        {"health: [{command: [b]}]", 10, "missing key 'name'"},
        {"health: []", 9, "an empty list"},
        {"events: {size: 1KiB}", 16, "'size' is 1KiB, 4096 to"},
        {"events: {keep: -1}", 16, "has a sign"},
        {"counter: {read: [a]}", 10, "missing key 'raise'"},
        {"identities: [a, a]", 17, "\"a\" stands in line 11 already"},
        {"events: {file: state/../b.img}\nid: \"\"", 5, "empty"},
    };
    ASSERT_ALL_REFUSED(folder, refusals);
}

static void policies_are_refused_where_they_stand(void **state)
{
    const char *folder = *state;
    static const struct refusal refusals[] = {
        {"policy: {tries: 0}", 17, "'tries' is 0, 1 to 99 wanted"},
        {"policy: {tries: 100}", 17, "'tries' is 100"},
        {"policy: {retries: x}", 19, "is no number"},
        {"policy: {cooldown: 1w}", 20, "\"1w\" is no duration"},
        {"policy: {cooldown: \"\"}", 20, "is no duration"},
        {"policy: {cooldown: 400d}", 20, "'cooldown' is 400d"},
        {"policy: {cooldown: 9007199254740991d}", 20, "'cooldown' is 9007199254740991d"},
        {"policy: {cooldown: 010s}", 20, "begins with 0"},
        {"policy: {decoder-memory: 64MB}", 26, "has the unit \"MB\""},
        {"policy: {confinement: none}", 23, "is no confinement"},
        {"policy: {window: [\"02:00-03:00\", \"02:00-02:00\"]}", 34, "is empty"},
        {"policy: {window: 02:00-03:60}", 18, "is no window"},
        {"policy: {window: 24:00-03:00}", 18, "is no window"},
        {"policy: {window: 2:00-03:00}", 18, "is no window"},
        {"policy: {window: Monday 02:00-03:00}", 18, "is no window"},
        {"policy: {window: \"Mon, 02:00-03:00\"}", 18, "is no window"},
        {"policy: {window: Mon}", 18, "is no window"},
        {"policy: {window: \"Mon 02:00-03:00 \"}", 18, "space"},
        {"policy: {battery: {minimum: 0, file: x}}", 29, "'minimum' is 0, 1 to 100 wanted"},
        {"policy: {battery: {minimum: 5}}", 19, "either 'file' or 'command'"},
        {"policy: {battery: {minimum: 5, file: a, command: [b]}}", 19,
         "either 'file' or 'command'"},
        {"clock: false\npolicy: {window: 02:00-03:00}", 10, "a window needs a clock"},
    };
    ASSERT_ALL_REFUSED(folder, refusals);
}

static void slots_are_refused_where_they_stand(void **state)
{
    const char *folder = *state;
    static const struct {
        const char *slots;
        unsigned line, column;
        const char *words;
    } refusals[] = {
        {"  - {name: A, a: x, b: y}", 1, 12, "\"A\""},
        {"  - {name: a, a: x, b: y}\n  - {name: a, a: u, b: v}", 2, 12, "stands in line 8 already"},
        {"  - {name: a, a: x}", 1, 5, "missing key 'b'"},
        {"  - {name: a, b: x}", 1, 5, "missing key 'a'"},
        {"  - {name: a}", 1, 5, "a slot without a target"},
        {"  - {name: a, a: x, b: y, single: z}", 1, 27, "'single' beside"},
        {"  - {name: a, a: x, b: ./x}", 1, 24, "is the target in line 8 column 18 already"},
        {"  - {name: a, a: x, b: y}\n  - {name: b, a: z, b: {directory: x}}", 2, 24,
         "is the target in line 8 column 18 already"},
        {"  - {name: a, a: {mtd: x}, b: {mtd: x}}", 1, 31, "is the target"},
        {"  - {name: a, a: {}, b: y}", 1, 18, "a target of 0 kinds"},
        {"  - {name: a, a: {file: u, absolute-links: true}, b: y}", 1, 28, "without 'directory'"},
        {"  - {name: a, a: {file: u, mtd: v}, b: y}", 1, 18, "a target of 2 kinds"},
        {"  - {name: a, a: {partition-label: u, partition-type: "
         "4f68bce3-e8cd-4db1-96e7-fbcaf984b709}, b: y}",
         1, 18, "a target of 2 kinds"},
        {"  - {name: a, a: {partition-type: linux}, b: y}", 1, 35, "is no GUID"},
        {"  - {name: a, a: {file: x, timeout: 5}, b: y}", 1, 28, "means nothing without 'command'"},
        {"  - {name: a, a: [x], b: y}", 1, 18, "is a list, a map wanted"},
        {"  []", 1, 3, "an empty list"},
        {"  - {name: a, a: state, b: y}", -3U, 8, "is a target of the slot in line 8 too"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct findings findings;
        PACK_AUTO(pack_device_free)
        struct pack_device *device = read_slots(folder, refusals[i].slots, &findings);
        assert_null(device);
        const struct pack_error *first = &findings.all[0];
        if (findings.errors != 1 || first->line != SLOTS_LINES + refusals[i].line ||
            first->column != refusals[i].column || strstr(first->text, refusals[i].words) == NULL) {
            print_error("%s\nwanted: %s\n", refusals[i].slots, refusals[i].words);
            print_findings(&findings);
            fail();
        }
    }
}

static void one_partition_type_is_no_two_targets(void **state)
{
    const char *folder = *state;
    struct findings findings;
    PACK_AUTO(pack_device_free)
    struct pack_device *device =
        read_slots(folder,
                   "  - name: a\n"
                   "    a: {partition-type: 4f68bce3-e8cd-4db1-96e7-fbcaf984b709}\n"
                   "    b: {partition-type: 4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709}\n",
                   &findings);
    assert_null(device);
    assert_int_equal(findings.errors, 1);
    assert_non_null(strstr(findings.all[0].text, "is the target in line 9"));
}

static void programs_may_be_the_target_of_both_sets(void **state)
{
    const char *folder = *state;
    struct findings findings;
    PACK_AUTO(pack_device_free)
    struct pack_device *device = read_slots(
        folder, "  - {name: a, a: {command: [flash]}, b: {command: [flash]}}\n", &findings);
    assert_non_null(device);
    assert_int_equal(findings.warnings, 0);
}

static void unknown_roles_are_refused(void **state)
{
    const char *folder = *state;
    struct findings findings;
    PACK_AUTO(pack_device_free)
    struct pack_device *device =
        read_text(folder,
                  "fwpack-device: 1\nproduct: acme\nhardware: gw\nstate: s\n"
                  "trust: [relase=r.pub, x=y]\n"
                  "slots: [{name: r, a: a, b: b}]\n" FILE_BOOT,
                  &findings);
    assert_null(device);
    assert_int_equal(findings.errors, 2);
    assert_string_equal(findings.all[0].text, "\"relase\" is no role");
    assert_string_equal(findings.all[0].hint, "did you mean release=r.pub?");
    assert_string_equal(findings.all[1].hint, "a path with '=' is written ./x=y");
}

/* --- what is warned of ----------------------------------------------------------------------- */

static void assert_warned(const char *folder, const char *more, const char *words)
{
    struct findings findings;
    PACK_AUTO(pack_device_free) struct pack_device *device = read_more(folder, more, &findings);
    assert_non_null(device);
    assert_int_equal(findings.warnings, 1);
    assert_non_null(strstr(findings.all[0].text, words));
}

static void what_has_no_effect_is_warned_of(void **state)
{
    const char *folder = *state;
    assert_warned(folder, "policy: {window-time: utc}", "'window-time' means nothing");
    assert_warned(folder, "policy: {rollback-on-health: false}", "means nothing without 'health'");
}

static void a_device_that_cannot_fall_back_is_warned_of(void **state)
{
    const char *folder = *state;
    struct findings findings;
    PACK_AUTO(pack_device_free)
    struct pack_device *device = read_slots(folder, "  - {name: a, single: x}\n", &findings);
    assert_non_null(device);
    assert_int_equal(findings.warnings, 1);
    assert_string_equal(findings.all[0].text, "no slot has two targets: nothing can fall back");
}

/* --- whole files ----------------------------------------------------------------------------- */

static void faults_come_all_at_once_in_order(void **state)
{
    const char *folder = *state;
    struct findings findings;
    PACK_AUTO(pack_device_free)
    struct pack_device *device = read_text(
        folder, "fwpack-device: 2\nproduct: a/b\nslots: x\npolicy: {tries: 0}\n", &findings);
    assert_null(device);
    assert_int_equal(findings.errors, 8); /* four are missing */
    assert_int_equal(findings.all[4].line, 1);
    assert_string_equal(findings.all[4].text, "'fwpack-device' is \"2\", 1 wanted");
    assert_int_equal(findings.all[7].line, 4);
}

static void what_is_no_yaml_is_refused(void **state)
{
    const char *folder = *state;
    struct findings findings;
    static const char *const texts[] = {"", "fwpack-device: [", "- a\n", "a: &x b\n", "\x01\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_null(read_text(folder, texts[i], &findings));
        assert_true(findings.errors != 0);
    }
}

static void a_file_that_is_not_there_is_named(void **state)
{
    const char *folder = *state;
    struct pack_error error = {0};
    struct pack_device *device = NULL;
    PACK_AUTO_FREE char *path = test_path(folder, "absent.yaml");
    assert_pack_fails(pack_device_read(&device, path, NULL, NULL, &error), PACK_E_NOT_FOUND);
    assert_null(device);
}

static void device_files_are_told_by_their_key(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_one;
    } texts[] = {
        {"fwpack-device: 1\n", true},
        {"# x\nproduct: a\nfwpack-device: 1", true},
        {"{\"product\": 1, \"fwpack-device\": 1}", true},
        {"product: [\nfwpack-device: 1", true}, /* broken, and meant to be one */
        {"", false},
        {"fwpack-device", false},
        {"fwpack: 1\nmeta: {fwpack-device: 1}\n", false},
        {"fwpack: 1\nmeta:\n  fwpack-device: 1\n", false},
        {"- fwpack-device: 1\n", false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(pack_device_probe(texts[i].text, strlen(texts[i].text)), texts[i].is_one);
}

/* --- schema and manual ----------------------------------------------------------------------- */

static json_t *read_schema(void)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    assert_pack_ok(pack_device_schema(&text, &size, &error));
    json_t *schema = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(schema);
    return schema;
}

/* Every key with its description stands in the manual, also those in other maps. */
static void assert_in_manual(const json_t *schema, const char *manual)
{
    const char *key = NULL;
    json_t *value = NULL;
    size_t index = 0;
    if (json_is_array(schema))
        json_array_foreach((json_t *)(uintptr_t)schema, index, value)
            assert_in_manual(value, manual);
    json_object_foreach(json_object_get(schema, "properties"), key, value)
    {
        char cell[64];
        snprintf(cell, sizeof cell, "`%s`", key);
        const char *summary = json_string_value(json_object_get(value, "description"));
        /* Those of a program in a map are told once, in words. */
        const bool told = strcmp(key, "command") == 0 || strcmp(key, "timeout") == 0;
        if (strstr(manual, cell) == NULL || (!told && strstr(manual, summary) == NULL))
            fail_msg("docs/device-file.md lacks %s: %s", key, summary);
        assert_in_manual(value, manual);
    }
    if (json_is_object(schema)) {
        assert_in_manual(json_object_get(schema, "items"), manual);
        assert_in_manual(json_object_get(schema, "oneOf"), manual);
    }
}

static void the_manual_says_of_every_key_what_the_schema_says(void **state)
{
    (void)state;
    PACK_AUTO_FREE char *path = test_fixture("../docs/device-file.md");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *manual = test_read_file(path, &size);
    json_t *schema = read_schema();
    assert_int_equal(json_object_size(json_object_get(schema, "properties")), 19);
    assert_in_manual(schema, (const char *)manual);
    json_decref(schema);
}

static void the_manuals_example_is_good(void **state)
{
    static const char begin[] = "```yaml\n";
    PACK_AUTO_FREE char *path = test_fixture("../docs/device-file.md");
    size_t size = 0;
    struct findings findings;
    PACK_AUTO_FREE uint8_t *manual = test_read_file(path, &size);
    char *example = strstr((char *)manual, begin);
    assert_non_null(example);
    example += strlen(begin);
    char *end = strstr(example, "```\n");
    assert_non_null(end);
    *end = '\0';
    PACK_AUTO(pack_device_free) struct pack_device *device = read_text(*state, example, &findings);
    print_findings(&findings);
    assert_non_null(device);
    assert_int_equal(findings.warnings, 0);
}

/* --- all ------------------------------------------------------------------------------------- */

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        IN_FOLDER(what_is_not_said_has_defaults),
        IN_FOLDER(paths_are_joined_to_the_folder),
        IN_FOLDER(trusted_keys_may_have_roles),
        IN_FOLDER(every_kind_of_target_is_read),
        IN_FOLDER(a_policy_is_read),
        IN_FOLDER(every_phase_has_its_hooks),
        IN_FOLDER(the_rest_is_read),
        IN_FOLDER(tries_are_what_the_bootloader_counts),
        IN_FOLDER(settings_of_other_bootloaders_are_refused),
        IN_FOLDER(values_are_refused_where_they_stand),
        IN_FOLDER(policies_are_refused_where_they_stand),
        IN_FOLDER(slots_are_refused_where_they_stand),
        IN_FOLDER(one_partition_type_is_no_two_targets),
        IN_FOLDER(programs_may_be_the_target_of_both_sets),
        IN_FOLDER(unknown_roles_are_refused),
        IN_FOLDER(what_has_no_effect_is_warned_of),
        IN_FOLDER(a_device_that_cannot_fall_back_is_warned_of),
        IN_FOLDER(faults_come_all_at_once_in_order),
        IN_FOLDER(what_is_no_yaml_is_refused),
        IN_FOLDER(a_file_that_is_not_there_is_named),
        IN_FOLDER(the_manuals_example_is_good),
        cmocka_unit_test(the_bootloaders_are_those_that_there_are),
        cmocka_unit_test(device_files_are_told_by_their_key),
        cmocka_unit_test(the_manual_says_of_every_key_what_the_schema_says),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
