/* SPDX-License-Identifier: MIT */
/*
 * A delta that is stopped goes on where its patch was, if the state that was kept is that of this
 * patch, to the byte, and what it made is still there; else it is applied from its beginning.
 */
#include "device_world.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "confine/confine.h"
#include "pack/digest.h"
#include "storage/trial.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROOTFS = 150000,
    STRIDE = 16 * 1024,
    LATE = 130000,     /* bytes of the image behind the place where a state is kept */
    AT_MADE = 16 + 32, /* in the file, and where the state begins: */
    AT_STATE = AT_MADE + 8,
};

/* When the next run stops: at a byte of rootfs, in one of two ways. */
struct stop {
    uint64_t at; /* 0: never */
    bool kill;
    bool now;
};

static void progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    struct stop *stop = user;
    (void)total;
    if (stop->at == 0 || done < stop->at || strcmp(what, "extract rootfs") != 0)
        return;
    if (stop->kill)
        raise(SIGKILL);
    stop->now = true;
}

static bool cancelled(void *user)
{
    const struct stop *stop = user;
    return stop->now;
}

static struct stop stop;
static const struct pack_context context = {
    .jobs = 1, .progress = progress, .cancelled = cancelled, .user = &stop};

static int setup(void **state)
{
    if (test_make_folder_in_memory(state) != 0)
        return -1;
    struct world *world = world_make(*state);
    world->device.policy.confine = PACK_CONFINE_REQUIRED;
    world->engine.context = &context;
    world->engine.stride = STRIDE;
    stop = (struct stop){.at = 0};
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *folder = (void *)(uintptr_t)world->folder;
    world_free(&world);
    return test_remove_folder(&folder);
}

/* --- runs ------------------------------------------------------------------------------------ */

static bool has_state(const struct world *world)
{
    PACK_AUTO_FREE char *path = test_path(world->folder, "state/patch-state");
    return access(path, F_OK) == 0;
}

static uint8_t *read_state(const struct world *world, size_t *size)
{
    PACK_AUTO_FREE char *path = test_path(world->folder, "state/patch-state");
    return test_read_file(path, size);
}

static void write_state(const struct world *world, const uint8_t *bytes, size_t size)
{
    PACK_AUTO_FREE char *path = test_path(world->folder, "state/patch-state");
    test_write_file(path, bytes, size);
}

/* Stopped behind the place where a state is kept; what that is. */
static uint64_t stop_late(struct world *world)
{
    struct pack_error error = {0};
    size_t size = 0;
    stop = (struct stop){.at = LATE};
    assert_pack_fails(world_install(world, NULL, "delta.fwb", &error), PACK_E_INTERRUPTED);
    stop = (struct stop){.at = 0};
    assert_true(has_state(world));
    PACK_AUTO_FREE uint8_t *bytes = read_state(world, &size);
    const uint64_t made = pack_le64(bytes + AT_MADE);
    assert_int_equal(made % STRIDE, 0);
    assert_in_range(made, STRIDE, LATE);
    assert_in_range(size, AT_STATE + 28 + 32, made / 8 + AT_STATE + 32);
    return made;
}

/* To the end, and nothing is left of it. */
static uint64_t finish(struct world *world)
{
    struct pack_error error = {0};
    assert_pack_ok(world_install(world, NULL, "delta.fwb", &error));
    assert_string_equal(world->report.images[0].encoding, "delta");
    assert_int_equal(world_release_in(world, PACK_SET_B), 2);
    assert_false(has_state(world));
    return world->report.images[0].resumed;
}

/* --- going on -------------------------------------------------------------------------------- */

static void test_it_goes_on(void **state)
{
    struct world *world = *state;
    const uint64_t made = stop_late(world);
    assert_int_equal(finish(world), made);
    assert_in_range(world->report.images[0].written, ROOTFS - LATE - STRIDE, ROOTFS - made);
}

/* Again and again: what was kept stays until there is more. */
static void test_it_goes_on_twice(void **state)
{
    struct world *world = *state;
    const uint64_t made = stop_late(world);
    assert_int_equal(stop_late(world), made);
    stop = (struct stop){.at = STRIDE}; /* while it takes what it finds */
    struct pack_error error = {0};
    assert_pack_fails(world_install(world, NULL, "delta.fwb", &error), PACK_E_INTERRUPTED);
    stop = (struct stop){.at = 0};
    assert_int_equal(finish(world), made);
}

static void test_it_goes_on_after_a_kill(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        stop = (struct stop){.at = LATE, .kill = true};
        _exit(world_install(world, NULL, "delta.fwb", &error) == 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_true(has_state(world));
    assert_true(finish(world) >= STRIDE);
}

/* From a pipe the patch's first part goes by, and is proved all the same. */
static void test_it_goes_on_from_a_pipe(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(world->folder, "delta.fwb");
    const uint64_t made = stop_late(world);
    PACK_AUTO(pack_input_close) struct pack_input *source = NULL;
    assert_pack_ok(pack_input_open(&source, path, &error));
    assert_pack_ok(pack_input_forward(&source, source, &error));
    assert_pack_ok(pack_install(&world->engine, source, &world->report, &error));
    assert_int_equal(world->report.images[0].resumed, made);
    assert_int_equal(world_release_in(world, PACK_SET_B), 2);
}

/* --- what is not used ------------------------------------------------------------------------ */

static void test_a_damaged_state_is_not_used(void **state)
{
    struct world *world = *state;
    size_t size = 0;
    stop_late(world);
    PACK_AUTO_FREE uint8_t *bytes = read_state(world, &size);
    const size_t places[] = {0, 20, AT_MADE, AT_STATE, size / 2, size - 1};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        bytes[places[i]] ^= 1;
        write_state(world, bytes, size);
        bytes[places[i]] ^= 1;
        stop_late(world); /* made anew: it began at the beginning */
        assert_int_equal(world->report.images[0].resumed, 0);
    }
    for (size_t cut = 1; cut < size; cut *= 7) {
        write_state(world, bytes, size - cut);
        stop_late(world);
    }
    write_state(world, bytes, 0);
    assert_int_equal(finish(world), 0);
}

/* With a checksum that is right, as who may write there can make one. */
static void seal(uint8_t *bytes, size_t size)
{
    struct pack_error error = {0};
    assert_pack_ok(pack_sha256_bytes(bytes, size - 32, bytes + size - 32, &error));
}

static void test_a_forged_state_does_no_harm(void **state)
{
    struct world *world = *state;
    size_t size = 0;
    stop_late(world);
    PACK_AUTO_FREE uint8_t *bytes = read_state(world, &size);
    for (size_t at = AT_STATE; at < size - 32; at += size / 9) {
        stop_late(world);
        for (size_t i = at; i < size - 32 && i < at + size / 9; i++)
            bytes[i] ^= 0x5a;
        seal(bytes, size);
        write_state(world, bytes, size);
        struct pack_error error = {0};
        stop = (struct stop){.at = ROOTFS}; /* its last byte */
        assert_pack_fails(world_install(world, NULL, "delta.fwb", &error), PACK_E_INTERRUPTED);
        stop = (struct stop){.at = 0};
    }
    seal(bytes, size);
    write_state(world, bytes, size);
    assert_int_equal(finish(world), 0);
}

static void test_a_state_of_something_else_is_not_used(void **state)
{
    struct world *world = *state;
    size_t size = 0;
    stop_late(world);
    PACK_AUTO_FREE uint8_t *bytes = read_state(world, &size);
    bytes[20] ^= 1; /* of the key: another patch, base, image, slot, set, or program */
    seal(bytes, size);
    write_state(world, bytes, size);
    assert_int_equal(finish(world), 0);
}

/* Another release in between, or a record that does not know of it. */
static void test_a_stale_state_is_not_used(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    size_t size = 0;
    stop_late(world);
    PACK_AUTO_FREE uint8_t *bytes = read_state(world, &size);
    assert_pack_ok(world_install(world, NULL, "v2.fwb", &error));
    assert_false(has_state(world));
    write_state(world, bytes, size);
    PACK_AUTO_FREE char *record = test_path(world->folder, "state");
    PACK_AUTO_FREE char *target = test_path(world->folder, "rootfs-b");
    struct storage *storage = storage_system();
    assert_pack_ok(storage_remove(storage, record, &error));
    assert_pack_ok(storage_remove(storage, target, &error));
    assert_int_equal(mkdir(record, 0700), 0);
    write_state(world, bytes, size);
    assert_int_equal(finish(world), 0);
}

/* What was made until then is not there any more. */
static void test_a_slot_that_changed_is_made_again(void **state)
{
    struct world *world = *state;
    PACK_AUTO_FREE char *path = test_path(world->folder, "rootfs-b");
    size_t size = 0;
    stop_late(world);
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    bytes[5 * 4096 + 7] ^= 1;
    test_write_file(path, bytes, size);
    assert_int_equal(finish(world), 0);
}

/* Only a process that can do nothing else may be given a state. */
static void test_none_is_kept_without_confinement(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    world->device.policy.confine = PACK_CONFINE_NONE;
    stop = (struct stop){.at = LATE};
    assert_pack_fails(world_install(world, NULL, "delta.fwb", &error), PACK_E_INTERRUPTED);
    stop = (struct stop){.at = 0};
    assert_false(has_state(world));
    world->device.policy.confine = PACK_CONFINE_REQUIRED;
    stop_late(world);
    world->device.policy.confine = PACK_CONFINE_NONE;
    assert_int_equal(finish(world), 0);
}

/* --- keeping --------------------------------------------------------------------------------- */

/* As where the state folder is full: the installation knows nothing of it. */
static void test_a_state_that_cannot_be_written(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    PACK_AUTO_FREE char *folder = test_path(world->folder, "state/patch-state");
    PACK_AUTO_FREE char *inside = test_path(world->folder, "state/patch-state/file");
    stop = (struct stop){.at = STRIDE + 1}; /* one stride is durable, so it is left alone */
    assert_pack_fails(world_install(world, NULL, "delta.fwb", &error), PACK_E_INTERRUPTED);
    assert_int_equal(mkdir(folder, 0700), 0);
    test_write_text(inside, "");
    stop = (struct stop){.at = 0};
    assert_pack_ok(world_install(world, NULL, "delta.fwb", &error));
    assert_int_equal(world_release_in(world, PACK_SET_B), 2);
    assert_int_equal(world->report.images[0].resumed, 0);
}

/* What is small is made again sooner than its state is written. */
static void test_small_images_keep_none(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    world->engine.stride = 0;
    stop = (struct stop){.at = LATE};
    assert_pack_fails(world_install(world, NULL, "delta.fwb", &error), PACK_E_INTERRUPTED);
    stop = (struct stop){.at = 0};
    assert_false(has_state(world));
    assert_int_equal(finish(world), 0);
}

/* --- power cuts ------------------------------------------------------------------------------ */

static void forget_all(struct world *world)
{
    static const char *const names[] = {"state", "rootfs-b", "kernel-b", "boot.0", "boot.1"};
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        PACK_AUTO_FREE char *path = test_path(world->folder, names[i]);
        assert_pack_ok(storage_remove(storage_system(), path, &error));
    }
}

/* How many of the runs after the fault went on, and how many runs did without. */
struct tally {
    size_t went_on, passed_over;
};

static struct tally walk(struct world *world, const struct trial_options *kind)
{
    const uint64_t step = getenv("FWPACK_SLOW") != NULL ? 1 : 8;
    struct tally tally = {0};
    bool fired = true;
    for (uint64_t at = 1 + kind->seed % step; fired; at += step) {
        struct pack_error error = {0};
        struct trial_options options = *kind;
        struct storage *storage = NULL;
        options.at = at;
        options.seed += at * 31;
        forget_all(world);
        assert_pack_ok(trial_new(&storage, NULL, &options, &error));
        const int code = world_install(world, storage, "delta.fwb", &error);
        fired = trial_fired(storage);
        assert_pack_ok(trial_end(&storage, &error));
        if (code == 0) {
            tally.passed_over += fired;
            assert_int_equal(world_release_in(world, PACK_SET_B), 2);
            continue;
        }
        world->now += 7200; /* behind any cooldown */
        assert_pack_ok(world_install(world, NULL, "delta.fwb", &error));
        if (world->report.image_count != 0 && world->report.images[0].encoding != NULL &&
            strcmp(world->report.images[0].encoding, "delta") == 0)
            tally.went_on += world->report.images[0].resumed != 0;
        assert_int_equal(world_release_in(world, PACK_SET_B), 2);
    }
    return tally;
}

static void test_a101_power_cuts(void **state)
{
    static const struct trial_options cuts[] = {
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_LOSE_ALL, .sector = 512},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_RANDOM, .sector = 512, .seed = 3},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_KEEP_ALL, .sector = 4096, .seed = 6},
    };
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        assert_true(walk(*state, &cuts[i]).went_on != 0);
}

static void test_a104_failing_calls(void **state)
{
    static const struct trial_options failures[] = {
        {.fault = TRIAL_ERROR, .number = EIO, .sector = 512},
        {.fault = TRIAL_ERROR, .number = ENOSPC, .sector = 512, .seed = 3},
        {.fault = TRIAL_SHORT, .sector = 512, .seed = 6},
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        assert_true(walk(*state, &failures[i]).passed_over != 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_it_goes_on),
        TEST(test_it_goes_on_twice),
        TEST(test_it_goes_on_after_a_kill),
        TEST(test_it_goes_on_from_a_pipe),
        TEST(test_a_damaged_state_is_not_used),
        TEST(test_a_forged_state_does_no_harm),
        TEST(test_a_state_of_something_else_is_not_used),
        TEST(test_a_stale_state_is_not_used),
        TEST(test_a_slot_that_changed_is_made_again),
        TEST(test_none_is_kept_without_confinement),
        TEST(test_a_state_that_cannot_be_written),
        TEST(test_small_images_keep_none),
        TEST(test_a101_power_cuts),
        TEST(test_a104_failing_calls),
    };
    struct pack_error error = {0};
    if (confine_available(&error) != 0) {
        print_message("skipped: %s\n", error.text);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
