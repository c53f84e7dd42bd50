/* SPDX-License-Identifier: MIT */
/*
 * A101, A103 to A105: the power goes, or a call fails, at each operation of each change that an
 * update makes. Afterwards the old or the new state is read, and the next change works.
 */
#include "base/memory.h"
#include "boot_device.h"
#include "storage/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BOOT_ORDER "BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* As the engine makes them: before it writes, the trial, confirmed, given up, rolled back. */
static const struct change {
    const char *from, *to;
} changes[] = {
    {"A+", "A"},   {"A", "A B1"},  {"A B1", "A"}, {"A B0", "A"}, {"A B0", "B+"},
    {"A B0", "B"}, {"A B1", "B+"}, {"B+", "A"},   {"B", "B A1"}, {"B A0", "A+"},
};

struct loader {
    struct pack_device device;
    const char *root; /* of its paths; or NULL */
    bool torn;        /* what is written in place may be cut within a sector */
    bool falls_back;
    char *paths[2];
};

struct walk {
    unsigned points, operations;
};

/* --- one change ------------------------------------------------------------------------------ */

static struct boot_state wanted_of(const struct loader *loader, const char *text)
{
    struct boot_state state = boot_state_of(text);
    state.fallback = state.fallback && loader->falls_back;
    return state;
}

/* A machine without faults, which flushes nothing for real: that would take most of the time. */
static struct storage *calm(const struct loader *loader)
{
    struct pack_error error = {0};
    const struct trial_options none = {.fault = TRIAL_NONE};
    struct storage *storage = NULL;
    assert_pack_ok(trial_new(&storage, loader->root, &none, &error));
    return storage;
}

static void prepare(const struct loader *loader, const char *state)
{
    struct pack_error error = {0};
    struct boot *boot = NULL;
    struct storage *storage = calm(loader);
    const struct boot_state wanted = wanted_of(loader, state);
    assert_pack_ok(boot_open(&boot, &loader->device, storage, &error));
    assert_pack_ok(boot_write(boot, &wanted, &error));
    boot_close(&boot);
    assert_pack_ok(trial_end(&storage, &error));
}

/* The state as it is read now is one of both. */
static void check_one_of(const struct loader *loader, const struct change *change, bool done)
{
    struct pack_error error = {0};
    struct boot *boot = NULL;
    struct storage *storage = calm(loader);
    struct boot_state found, wanted;
    char texts[3][16];
    assert_pack_ok(boot_open(&boot, &loader->device, storage, &error));
    assert_pack_ok(boot_read(boot, &found, &error));
    boot_close(&boot);
    assert_pack_ok(trial_end(&storage, &error));
    boot_state_text(texts[0], &found);
    wanted = wanted_of(loader, change->to);
    boot_state_text(texts[1], &wanted);
    wanted = wanted_of(loader, change->from);
    boot_state_text(texts[2], &wanted);
    if (strcmp(texts[0], texts[1]) == 0 || (!done && strcmp(texts[0], texts[2]) == 0))
        return;
    fail_msg("%s: from '%s' to '%s' became '%s'", loader->device.boot.type, texts[2], texts[1],
             texts[0]);
}

/* Returns how many operations it took. */
static uint64_t make_change(const struct loader *loader, const struct change *change,
                            const struct trial_options *options)
{
    struct pack_error error = {0};
    struct storage *trial = NULL;
    struct boot *boot = NULL;
    const struct boot_state wanted = wanted_of(loader, change->to);
    prepare(loader, change->from);
    assert_pack_ok(trial_new(&trial, loader->root, options, &error));
    int code = boot_open(&boot, &loader->device, trial, &error);
    if (code == 0)
        code = boot_write(boot, &wanted, &error);
    boot_close(&boot);
    const uint64_t count = trial_count(trial);
    if (options->fault == TRIAL_NONE)
        test_check_ok(code, &error, "without a fault", __FILE__, __LINE__);
    else if (options->fault != TRIAL_SHORT) /* that only a write can be */
        assert_true(trial_fired(trial));
    assert_pack_ok(trial_end(&trial, &error));
    check_one_of(loader, change, code == 0);
    prepare(loader, change->to);
    return count;
}

/* --- all of them ----------------------------------------------------------------------------- */

static void walk_faults(const struct loader *loader, const struct change *change, uint64_t at,
                        struct walk *walk)
{
    enum { SEEDS = 8 };
    const struct trial_options faults[] = {
        {.fault = TRIAL_POWER_CUT, .at = at, .loss = TRIAL_LOSE_ALL, .sector = 512},
        {.fault = TRIAL_POWER_CUT, .at = at, .loss = TRIAL_KEEP_ALL, .sector = 512},
        {.fault = TRIAL_ERROR, .at = at, .number = EIO},
        {.fault = TRIAL_ERROR, .at = at, .number = ENOSPC},
        {.fault = TRIAL_SHORT, .at = at},
    };
    const size_t count = sizeof faults / sizeof faults[0] - (loader->torn ? 1 : 0);
    for (size_t i = 0; i < count; i++, walk->points++)
        (void)make_change(loader, change, &faults[i]);
    for (unsigned seed = 0; seed < SEEDS; seed++, walk->points++) {
        const struct trial_options random = {.fault = TRIAL_POWER_CUT,
                                             .at = at,
                                             .loss = TRIAL_RANDOM,
                                             .seed = seed,
                                             .sector = seed % 2 == 0 ? 512 : 4096};
        (void)make_change(loader, change, &random);
    }
}

static void walk_changes(const struct loader *loader)
{
    const struct trial_options none = {.fault = TRIAL_NONE};
    struct walk walk = {0};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const uint64_t count = make_change(loader, &changes[i], &none);
        for (uint64_t at = 1; at <= count; at++, walk.operations++)
            walk_faults(loader, &changes[i], at, &walk);
    }
    assert_true(walk.points > 0);
    print_message("%s: %u operations, %u faults\n", loader->device.boot.type, walk.operations,
                  walk.points);
}

static void free_loader(struct loader *loader)
{
    free(loader->paths[0]);
    free(loader->paths[1]);
}
#define AUTO_LOADER PACK_AUTO(free_loader)

static void test_file(void **state)
{
    const struct loader loader = {.device = {.state = *state, .boot.type = "file"},
                                  .falls_back = true};
    walk_changes(&loader);
}

static void test_grub(void **state)
{
    AUTO_LOADER struct loader loader = {
        .falls_back = true, .paths = {test_path(*state, "env"), test_path(*state, "copy")}};
    loader.device.boot =
        (struct pack_device_boot){.type = "grub", .file = loader.paths[0], .copy = loader.paths[1]};
    walk_changes(&loader);
}

static void test_grub_with_one_copy(void **state)
{
    AUTO_LOADER struct loader loader = {
        .falls_back = true, .torn = true, .paths = {test_path(*state, "env")}};
    loader.device.boot = (struct pack_device_boot){.type = "grub", .file = loader.paths[0]};
    walk_changes(&loader);
}

static void test_efi(void **state)
{
    PACK_AUTO_FREE char *order = test_path(*state, BOOT_ORDER);
    const struct loader loader = {
        .device.boot = {.type = "efi", .file = *state, .entries = {"Boot0001", "Boot0002"}},
        .falls_back = true,
        .torn = true};
    test_write_file(order, "\7\0\0\0\3\0\1\0", 8);
    walk_changes(&loader);
}

static void test_raspberrypi(void **state)
{
    const struct loader loader = {
        .device.boot = {.type = "raspberrypi", .file = "/boot"}, .root = *state, .torn = true};
    rooted_write(*state, "/boot/autoboot.txt", "[all]\nboot_partition=2\n");
    rooted_write(*state, "/proc/sys/kernel/random/boot_id", "11111111-0\n");
    walk_changes(&loader);
}

/* --- the starts that `file` counts ----------------------------------------------------------- */

static void test_starts_of_file(void **state)
{
    struct pack_error error = {0};
    const struct loader loader = {.device = {.state = *state, .boot.type = "file"},
                                  .falls_back = true};
    bool fired = true;
    for (uint64_t at = 1; fired; at++) {
        const struct trial_options cut = {
            .fault = TRIAL_POWER_CUT, .at = at, .loss = TRIAL_RANDOM, .seed = at, .sector = 512};
        struct storage *trial = NULL;
        struct boot *boot = NULL;
        enum pack_set set = PACK_SETS;
        prepare(&loader, "A B2");
        assert_pack_ok(trial_new(&trial, NULL, &cut, &error));
        assert_pack_ok(boot_open(&boot, &loader.device, trial, &error));
        /* A start that was not counted is none. */
        const int code = boot_next(boot, &set, &error);
        boot_close(&boot);
        fired = trial_fired(trial);
        assert_true(code == 0 || fired);
        assert_pack_ok(trial_end(&trial, &error));
        check_one_of(&loader, &(struct change){"A B2", "A B1"}, code == 0);
    }
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_file), IN_A_FOLDER(test_grub),        IN_A_FOLDER(test_grub_with_one_copy),
        IN_A_FOLDER(test_efi),  IN_A_FOLDER(test_raspberrypi), IN_A_FOLDER(test_starts_of_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
