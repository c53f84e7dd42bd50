/* SPDX-License-Identifier: MIT */
/*
 * Power goes before each operation of the engine in turn, and what was not flushed is lost, kept,
 * or torn and reordered; or a call fails, or the disk is full (A101 to A106). After the restart the
 * set that starts must be one release to the byte, and the next run must need no help.
 * FWPACK_SLOW=1 walks all operations in all ways, and all pairs of cuts.
 */
#include "device_world.h"

#include "base/memory.h"
#include "boot/boot.h"
#include "storage/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const saved_files[] = {"rootfs-a", "rootfs-b",      "kernel-a",
                                          "kernel-b", "state/state.0", "state/state.1",
                                          "boot.0",   "boot.1",        "state/events.jsonl"};
enum { SAVED = sizeof saved_files / sizeof saved_files[0] };

/* A device as it was at some moment. */
struct snapshot {
    uint8_t *bytes[SAVED]; /* NULL: not there */
    size_t sizes[SAVED];
};

static void take(struct snapshot *snapshot, const struct world *world)
{
    for (size_t i = 0; i < SAVED; i++) {
        PACK_AUTO_FREE char *path = test_path(world->folder, saved_files[i]);
        snapshot->bytes[i] =
            access(path, F_OK) == 0 ? test_read_file(path, &snapshot->sizes[i]) : NULL;
    }
}

static void put_back(const struct snapshot *snapshot, const struct world *world)
{
    for (size_t i = 0; i < SAVED; i++) {
        PACK_AUTO_FREE char *path = test_path(world->folder, saved_files[i]);
        if (snapshot->bytes[i] != NULL)
            test_write_file(path, snapshot->bytes[i], snapshot->sizes[i]);
        else
            (void)!remove(path);
    }
}

static void snapshot_clear(struct snapshot *snapshot)
{
    for (size_t i = 0; i < SAVED; i++)
        free(snapshot->bytes[i]);
}

/* --- what is walked --------------------------------------------------------------------------- */

struct scene {
    const char *name;
    void (*prepare)(struct world *world);
    int (*act)(struct world *world, struct storage *storage, struct pack_error *error);
    const char *bundle; /* that is installed in the end */
};

static int install_full(struct world *world, struct storage *storage, struct pack_error *error)
{
    return world_install(world, storage, "v2.fwb", error);
}

static int install_delta(struct world *world, struct storage *storage, struct pack_error *error)
{
    return world_install(world, storage, "delta.fwb", error);
}

static int confirm(struct world *world, struct storage *storage, struct pack_error *error)
{
    PACK_AUTO_FREE struct pack_confirm_report *report = calloc(1, sizeof *report);
    pack_error_clear(error);
    world->engine.storage = storage;
    return pack_device_confirm(&world->engine, false, report, error);
}

static int start(struct world *world, struct storage *storage, struct pack_error *error)
{
    enum pack_set set = PACK_SET_A;
    pack_error_clear(error);
    world->engine.storage = storage;
    return pack_device_boot(&world->engine, &set, error);
}

/* A machine without faults, which flushes nothing for real: that would take most of the time. */
static struct storage *calm(void)
{
    struct pack_error error = {0};
    const struct trial_options none = {.fault = TRIAL_NONE};
    struct storage *storage = NULL;
    assert_pack_ok(trial_new(&storage, NULL, &none, &error));
    return storage;
}

static void calm_end(struct storage **storage)
{
    struct pack_error error = {0};
    assert_pack_ok(trial_end(storage, &error));
}

static int calm_install(struct world *world, const char *bundle, struct pack_error *error)
{
    struct storage *storage = calm();
    const int code = world_install(world, storage, bundle, error);
    calm_end(&storage);
    return code;
}

static int calm_confirm(struct world *world, struct pack_error *error)
{
    struct storage *storage = calm();
    const int code = confirm(world, storage, error);
    calm_end(&storage);
    return code;
}

static enum pack_set calm_start(struct world *world)
{
    struct pack_error error = {0};
    struct storage *storage = calm();
    enum pack_set set = PACK_SET_A;
    world->engine.storage = storage;
    assert_pack_ok(pack_device_boot(&world->engine, &set, &error));
    calm_end(&storage);
    return set;
}

static void must(struct world *world, const char *bundle)
{
    struct pack_error error = {0};
    assert_pack_ok(calm_install(world, bundle, &error));
}

/* Release 1 runs and is confirmed; release 0, which was before, may be fallen back to. */
static void run_release_1(struct world *world)
{
    struct pack_error error = {0};
    must(world, "v0.fwb");
    calm_start(world);
    assert_pack_ok(calm_confirm(world, &error));
    must(world, "v1.fwb");
    calm_start(world);
    assert_pack_ok(calm_confirm(world, &error));
}

static void try_release_2(struct world *world)
{
    run_release_1(world);
    must(world, "v2.fwb");
    calm_start(world);
}

static int roll_back(struct world *world, struct storage *storage, struct pack_error *error)
{
    bool reboot = false;
    pack_error_clear(error);
    world->engine.storage = storage;
    return pack_device_rollback(&world->engine, "a walk", &reboot, error);
}

static void wait_for_start(struct world *world)
{
    run_release_1(world);
    must(world, "v2.fwb");
}

/* Release 0 runs, and release 1 waits for a start that release 2 takes from it. */
static void wait_with_another(struct world *world)
{
    struct pack_error error = {0};
    must(world, "v0.fwb");
    calm_start(world);
    assert_pack_ok(calm_confirm(world, &error));
    must(world, "v1.fwb");
}

static const struct scene scenes[] = {
    {"first install", NULL, install_full, "v2.fwb"},
    {"full install", run_release_1, install_full, "v2.fwb"},
    {"delta install", run_release_1, install_delta, "delta.fwb"},
    {"confirm", try_release_2, confirm, "v2.fwb"},
    {"rollback", try_release_2, roll_back, "v2.fwb"},
    {"start", wait_for_start, start, "v2.fwb"},
    {"replacement", wait_with_another, install_full, "v2.fwb"},
};

/* --- the walk --------------------------------------------------------------------------------- */

struct walk {
    struct world *world;
    const struct scene *scene;
    struct snapshot before;
    struct trial_options options;
    uint64_t points, runs;
    uint64_t walks;
    bool slow; /* all of it */
};

#define TELL(walk, ...) tell(walk, __LINE__, __VA_ARGS__)

static void tell(const struct walk *walk, int line, const char *what,
                 const struct pack_error *error)
{
    fail_msg("%s, fault %d at operation %llu, loss %d, seed %llu, sector %u: %s: %s (line %d)",
             walk->scene->name, (int)walk->options.fault, (unsigned long long)walk->options.at,
             (int)walk->options.loss, (unsigned long long)walk->options.seed, walk->options.sector,
             what, error->text, line);
}

/* One run under the fault; whether it happened. */
static bool act(struct walk *walk, int *code)
{
    struct pack_error error = {0};
    struct storage *storage = NULL;
    assert_pack_ok(trial_new(&storage, NULL, &walk->options, &error));
    *code = walk->scene->act(walk->world, storage, &error);
    const bool fired = trial_fired(storage);
    struct pack_error end = {0};
    if (trial_end(&storage, &end) != 0)
        TELL(walk, "the trial's end", &end);
    if (!fired && *code != 0)
        TELL(walk, "without a fault", &error);
    walk->runs++;
    return fired;
}

/* What the loader may start when the first choice does not, it may start at any time. */
static void check_fallback(struct walk *walk)
{
    const struct pack_error mixture = {.text = "the set to fall back to is a mixture"};
    struct pack_error error = {0};
    struct boot_state state = {.primary = PACK_SET_A};
    struct boot *boot = NULL;
    assert_pack_ok(boot_open(&boot, &walk->world->device, storage_system(), &error));
    assert_pack_ok(boot_read(boot, &state, &error));
    boot_close(&boot);
    if (state.fallback && world_release_in(walk->world, pack_set_other(state.primary)) < 0)
        TELL(walk, pack_set_name(pack_set_other(state.primary)), &mixture);
}

static enum pack_set check_start(struct walk *walk)
{
    const struct pack_error mixture = {.text = "the set is a mixture"};
    const enum pack_set set = calm_start(walk->world);
    if (world_release_in(walk->world, set) < 0)
        TELL(walk, pack_set_name(set), &mixture);
    check_fallback(walk);
    return set;
}

/* Without help: whatever is left to do is done by installing again. */
static void check_next_run(struct walk *walk)
{
    struct world *world = walk->world;
    struct pack_error error = {0};
    world->now += 7200; /* behind any cooldown */
    int code = calm_install(world, walk->scene->bundle, &error);
    if (code == PACK_E_NOT_YET) { /* noted just now: it did not make it, or another is on trial */
        world->now += 7200;
        (void)!calm_confirm(world, &error);
        code = calm_install(world, walk->scene->bundle, &error);
    }
    if (code != 0)
        TELL(walk, "the next install", &error);
    if (world->report.reboot)
        (void)check_start(walk);
    if (calm_confirm(world, &error) != 0)
        TELL(walk, "the next confirm", &error);
    const enum pack_set set = calm_start(world);
    if (world_release_in(world, set) != 2)
        TELL(walk, "release 2 does not run in the end", &error);
}

/* By hand to the other set: refused, or that one is whole too. */
static void check_way_back(struct walk *walk)
{
    struct pack_error error = {0};
    struct storage *storage = calm();
    (void)!roll_back(walk->world, storage, &error);
    calm_end(&storage);
    (void)check_start(walk);
}

/*
 * A call that failed and was passed over, as an event that is lost, leaves what a run without a
 * fault does: a flush that failed is none of these (A104).
 */
static void check_success(struct walk *walk, int code, enum pack_set set)
{
    const struct pack_error old = {.text = "success, but the old release starts"};
    const bool installs = walk->scene->act == install_full || walk->scene->act == install_delta;
    if (code == 0 && installs && world_release_in(walk->world, set) != 2)
        TELL(walk, pack_set_name(set), &old);
}

static void reset(struct walk *walk)
{
    put_back(&walk->before, walk->world);
}

/* Each operation of the scene, or every so many, in one way of losing. */
static void walk_points(struct walk *walk, const struct trial_options *kind, uint64_t stride)
{
    bool fired = true;
    for (uint64_t at = 1; fired; at += stride) {
        int code = 0;
        reset(walk);
        walk->options = *kind;
        walk->options.at = at;
        walk->options.seed = at * 31 + kind->sector + kind->seed;
        fired = act(walk, &code); /* or the cut came behind all of it */
        walk->points += fired;
        check_success(walk, code, check_start(walk));
        if ((at / stride + walk->walks) % 2 == 0)
            check_next_run(walk);
        else
            check_way_back(walk);
    }
    walk->walks++;
}

/* A second cut in the run that recovers from the first. */
static void walk_pairs(struct walk *walk, uint64_t first_stride, uint64_t second_stride)
{
    bool first_fired = true;
    for (uint64_t first = 1; first_fired; first += first_stride) {
        bool second_fired = true;
        for (uint64_t second = 1; second_fired; second += second_stride) {
            struct pack_error error = {0};
            struct storage *storage = NULL;
            int code = 0;
            reset(walk);
            walk->options = (struct trial_options){.fault = TRIAL_POWER_CUT,
                                                   .at = first,
                                                   .loss = TRIAL_RANDOM,
                                                   .seed = first * 1000 + second,
                                                   .sector = 512};
            first_fired = act(walk, &code);
            if (!first_fired)
                break;
            (void)check_start(walk);
            walk->options.at = second;
            assert_pack_ok(trial_new(&storage, NULL, &walk->options, &error));
            walk->world->now += 7200;
            (void)!world_install(walk->world, storage, walk->scene->bundle, &error);
            second_fired = trial_fired(storage);
            assert_pack_ok(trial_end(&storage, &error));
            walk->points++;
            (void)check_start(walk);
            check_next_run(walk);
        }
    }
}

static struct walk walk_new(void **state, const struct scene *scene)
{
    struct walk walk = {.world = *state, .scene = scene, .slow = getenv("FWPACK_SLOW") != NULL};
    if (scene->prepare != NULL)
        scene->prepare(walk.world);
    take(&walk.before, walk.world);
    return walk;
}

static void tell_numbers(const char *what, const struct walk *walk)
{
    print_message("%s, %s: %llu points, %llu runs\n", walk->scene->name, what,
                  (unsigned long long)walk->points, (unsigned long long)walk->runs);
}

static const struct trial_options cuts[] = {
    {.fault = TRIAL_POWER_CUT, .loss = TRIAL_LOSE_ALL, .sector = 512},
    {.fault = TRIAL_POWER_CUT, .loss = TRIAL_KEEP_ALL, .sector = 512}, /* sampled */
    {.fault = TRIAL_POWER_CUT, .loss = TRIAL_RANDOM, .sector = 512},
    {.fault = TRIAL_POWER_CUT, .loss = TRIAL_RANDOM, .sector = 4096}, /* sampled */
};

static const struct trial_options failures[] = {
    {.fault = TRIAL_ERROR, .number = EIO, .sector = 512},
    {.fault = TRIAL_ERROR, .number = ENOSPC, .sector = 512},
    {.fault = TRIAL_SHORT, .sector = 512},
};

static void walk_cuts(void **state, const struct scene *scene)
{
    struct walk walk = walk_new(state, scene);
    const bool slow = walk.slow;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++)
        walk_points(&walk, &cuts[i], slow || i % 2 == 0 ? 1 : 3);
    walk.walks++; /* what goes on by an install now goes back then */
    for (uint64_t seed = 0; slow && seed <= 8; seed++) {
        struct trial_options cut = cuts[seed == 0 ? 0 : 2 + seed % 2];
        cut.seed = seed * 1000;
        walk_points(&walk, &cut, 1);
    }
    tell_numbers("power cuts", &walk);
    walk.points = walk.runs = 0;
    walk_pairs(&walk, slow ? 1 : 13, slow ? 1 : 9);
    tell_numbers("pairs of power cuts", &walk);
    walk.points = walk.runs = 0;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        walk_points(&walk, &failures[i], slow ? 1 : 5);
    tell_numbers("failing calls and full disks", &walk);
    snapshot_clear(&walk.before);
}

static void test_a101_first_install(void **state)
{
    walk_cuts(state, &scenes[0]);
}

static void test_a101_full_install(void **state)
{
    walk_cuts(state, &scenes[1]);
}

static void test_a101_delta_install(void **state)
{
    walk_cuts(state, &scenes[2]);
}

static void test_a101_confirm(void **state)
{
    walk_cuts(state, &scenes[3]);
}

static void test_a101_rollback(void **state)
{
    walk_cuts(state, &scenes[4]);
}

static void test_a101_start(void **state)
{
    walk_cuts(state, &scenes[5]);
}

static void test_a101_replacement(void **state)
{
    walk_cuts(state, &scenes[6]);
}

static int setup(void **state)
{
    if (test_make_folder_in_memory(state) != 0)
        return -1;
    *state = world_make(*state);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    void *folder = (void *)(uintptr_t)world->folder;
    world_free(&world);
    return test_remove_folder(&folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a101_first_install), TEST(test_a101_full_install), TEST(test_a101_delta_install),
        TEST(test_a101_confirm),       TEST(test_a101_rollback),     TEST(test_a101_start),
        TEST(test_a101_replacement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
