/* SPDX-License-Identifier: MIT */
/* The engine on a device of plain files: the ways that an update can go. */
#include "device_world.h"

#include "base/memory.h"
#include "storage/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int setup(void **state)
{
    if (test_make_folder(state) != 0)
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

static struct pack_confirm_report *confirm(struct world *world, int expected)
{
    struct pack_error error = {0};
    struct pack_confirm_report *report = calloc(1, sizeof *report);
    assert_non_null(report);
    const int code = pack_device_confirm(&world->engine, false, report, &error);
    if (code != expected)
        fail_msg("confirm: %d, %s", code, error.text);
    return report;
}

static struct pack_device_status *status_of(struct world *world)
{
    struct pack_error error = {0};
    struct pack_device_status *status = calloc(1, sizeof *status);
    assert_non_null(status);
    assert_pack_ok(pack_device_status(&world->engine, status, &error));
    return status;
}

static void install_good(struct world *world, const char *bundle)
{
    struct pack_error error = {0};
    assert_pack_ok(world_install(world, NULL, bundle, &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_INSTALL);
    assert_true(world->report.changed);
    assert_true(world->report.reboot);
}

static void confirm_good(struct world *world)
{
    PACK_AUTO_FREE struct pack_confirm_report *report = confirm(world, 0);
    assert_true(report->changed);
}

static void test_full_and_delta(void **state)
{
    struct world *world = *state;
    install_good(world, "v1.fwb");
    assert_int_equal(world->report.set, PACK_SET_B);
    assert_int_equal(world_release_in(world, PACK_SET_B), 1);
    assert_int_equal(world_start(world), PACK_SET_B);
    confirm_good(world);
    assert_int_equal(world_start(world), PACK_SET_B);
    install_good(world, "delta.fwb");
    assert_int_equal(world->report.set, PACK_SET_A);
    assert_string_equal(world->report.images[0].encoding, "delta");
    assert_int_equal(world_release_in(world, PACK_SET_A), 2);
    assert_int_equal(world_release_in(world, PACK_SET_B), 1);
    assert_int_equal(world_start(world), PACK_SET_A);
    confirm_good(world);
    PACK_AUTO_FREE struct pack_device_status *status = status_of(world);
    assert_int_equal(status->running, PACK_SET_A);
    assert_string_equal(status->sets[PACK_SET_A].version, "2.0.0");
    assert_string_equal(status->sets[PACK_SET_A].condition, "good");
    assert_int_equal(status->security_version, 1);
}

/* What the running set has is copied, what the target has is left alone. */
static void test_reuse_and_identical_blocks(void **state)
{
    struct world *world = *state;
    install_good(world, "v1.fwb");
    assert_int_equal(world->report.reused, 190000);
    assert_int_equal(world->report.written, 190000);
    assert_true(world->report.transferred < 20000);
    world_start(world);
    confirm_good(world);
    install_good(world, "v2.fwb"); /* A holds release 1, which differs in ten blocks or fewer */
    assert_true(world->report.written < 190000);
    assert_int_equal(world_release_in(world, PACK_SET_A), 2);
}

static void test_same_release_again(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    install_good(world, "v1.fwb");
    assert_pack_ok(world_install(world, NULL, "v1.fwb", &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_WAITS);
    assert_false(world->report.changed);
    world_start(world);
    assert_pack_ok(world_install(world, NULL, "v1.fwb", &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_CURRENT);
    confirm_good(world);
    assert_pack_ok(world_install(world, NULL, "v1.fwb", &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_CURRENT);
    assert_false(world->report.changed);
}

static void test_a109_never_confirmed_falls_back(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    install_good(world, "v1.fwb");
    assert_int_equal(world_start(world), PACK_SET_B);
    confirm_good(world);
    install_good(world, "v2.fwb");
    assert_int_equal(world_start(world), PACK_SET_A);
    assert_int_equal(world_start(world), PACK_SET_A);
    assert_int_equal(world_start(world), PACK_SET_B);
    PACK_AUTO_FREE struct pack_device_status *status = status_of(world);
    assert_int_equal(status->trial, PACK_TRIAL_FAILED);
    assert_pack_fails(world_install(world, NULL, "v2.fwb", &error), PACK_E_NOT_YET);
    assert_int_equal(world->report.decision, PACK_DECIDE_COOLDOWN);
    world->now += 3601;
    install_good(world, "v2.fwb");
    assert_int_equal(world_start(world), PACK_SET_A);
    confirm_good(world);
}

static void test_a92_downgrade(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    install_good(world, "v2.fwb");
    world_start(world);
    confirm_good(world);
    assert_pack_fails(world_install(world, NULL, "v1.fwb", &error), PACK_E_TOO_OLD);
    assert_int_equal(world->report.decision, PACK_DECIDE_SECURITY_VERSION);
    assert_false(world->report.changed);
}

static void test_another_release_while_one_is_on_trial(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    install_good(world, "v1.fwb");
    install_good(world, "v2.fwb"); /* replaces what waits */
    assert_int_equal(world_release_in(world, PACK_SET_B), 2);
    assert_int_equal(world_start(world), PACK_SET_B);
    assert_pack_fails(world_install(world, NULL, "v1.fwb", &error), PACK_E_NOT_YET);
    assert_int_equal(world->report.decision, PACK_DECIDE_TRIAL);
}

static void test_rollback_by_hand(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    bool reboot = false;
    install_good(world, "v1.fwb");
    world_start(world);
    assert_pack_ok(pack_device_rollback(&world->engine, "it blinks", &reboot, &error));
    assert_true(reboot);
    PACK_AUTO_FREE struct pack_device_status *status = status_of(world);
    assert_int_equal(status->trial, PACK_TRIAL_NONE);
    assert_string_equal(status->sets[PACK_SET_B].condition, "failed");
    assert_int_equal(world_start(world), PACK_SET_A);
    assert_pack_fails(pack_device_rollback(&world->engine, NULL, &reboot, &error), PACK_E_STATE);
}

static void test_rollback_of_what_was_confirmed(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    bool reboot = false;
    install_good(world, "v0.fwb");
    world_start(world);
    confirm_good(world);
    install_good(world, "v1.fwb");
    assert_int_equal(world_start(world), PACK_SET_A);
    confirm_good(world);
    assert_pack_ok(pack_device_rollback(&world->engine, NULL, &reboot, &error));
    assert_int_equal(world_start(world), PACK_SET_B);
    PACK_AUTO_FREE struct pack_device_status *status = status_of(world);
    assert_int_equal(status->trial, PACK_TRIAL_NONE);
    assert_string_equal(status->sets[PACK_SET_B].version, "0.0.0");
}

/* An installation that was stopped goes on: the image that is complete is proved, and stays. */
static void test_what_is_done_stays_done(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    struct trial_options options = {.fault = TRIAL_POWER_CUT, .loss = TRIAL_LOSE_ALL};
    bool kept = false;
    for (uint64_t at = 8; !kept && at < 200; at += 4) {
        struct storage *storage = NULL;
        options.at = at;
        assert_pack_ok(trial_new(&storage, NULL, &options, &error));
        const int code = world_install(world, storage, "v2.fwb", &error);
        assert_pack_ok(trial_end(&storage, &error));
        if (code == 0)
            break;
        const char *encoding = world->report.images[0].encoding;
        kept = encoding != NULL && strcmp(encoding, "present") == 0;
    }
    assert_true(kept);
    assert_int_equal(world->report.images[0].resumed, 150000);
    assert_int_equal(world->report.images[0].written, 0);
    assert_pack_ok(world_install(world, NULL, "v2.fwb", &error));
    assert_int_equal(world_release_in(world, PACK_SET_B), 2);
}

/* A107, A112: what cannot be written says so, and nothing is changed. */
static void test_state_is_wanted(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    world->engine.first = false;
    assert_pack_fails(world_install(world, NULL, "v1.fwb", &error), PACK_E_NOT_FOUND);
    assert_int_equal(world_release_in(world, PACK_SET_A), 1);
    assert_int_equal(world_release_in(world, PACK_SET_B), -1);
}

static void test_a96_base_is_another(void **state)
{
    struct world *world = *state;
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(world->folder, "rootfs-a");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    bytes[1000] ^= 1;
    test_write_file(path, bytes, size);
    assert_pack_fails(world_install(world, NULL, "delta.fwb", &error), PACK_E_WRONG_BASE);
    assert_int_equal(world->report.decision, PACK_DECIDE_ENCODING);
    assert_false(world->report.changed);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_full_and_delta),      TEST(test_reuse_and_identical_blocks),
        TEST(test_same_release_again),  TEST(test_a109_never_confirmed_falls_back),
        TEST(test_a92_downgrade),       TEST(test_another_release_while_one_is_on_trial),
        TEST(test_rollback_by_hand),    TEST(test_rollback_of_what_was_confirmed),
        TEST(test_state_is_wanted),     TEST(test_what_is_done_stays_done),
        TEST(test_a96_base_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
