/* SPDX-License-Identifier: MIT */

/* The device's decision: each case is a small change of a device that would install. */

#include "support/test.h"

#include "install/plan.h"

#include <stdio.h>
#include <string.h>

enum { NOW = 1700000000, DAY = 86400 };

/* All that a decision depends on. Release hashes are one byte repeated. */
struct world {
    struct pack_device device;
    struct pack_device_slot slots[2];
    struct state state;
    struct pack_release release;
    struct pack_release_image images[2];
    uint8_t release_sha256[PACK_SHA256_SIZE];
    struct pack_delivery delivery;
    struct pack_permit permit;
    struct pack_rollout rollout;
    struct plan_facts facts;
};

enum { OLD = 0x11, NEW = 0x22, OTHER = 0x33 };

static const char *const hardware[] = {"acme,r2", "acme,r3"};
static const char *const devices[] = {"gw-1", "gw-2"};
static const char *const groups[] = {"lab"};

static void fill(uint8_t hash[PACK_SHA256_SIZE], int byte)
{
    memset(hash, byte, PACK_SHA256_SIZE);
}

static void set_running(struct world *world, const char *version)
{
    struct state_set *set = &world->state.sets[PACK_SET_A];
    set->condition = SET_GOOD;
    snprintf(set->version, sizeof set->version, "%s", version);
    fill(set->release_sha256, OLD);
}

static void start_device(struct world *world)
{
    world->slots[0] = (struct pack_device_slot){.name = "rootfs", .redundant = true};
    world->slots[1] = (struct pack_device_slot){.name = "mcu", .image = "firmware"};
    world->device = (struct pack_device){
        .product = "acme-gateway",
        .hardware_count = 1,
        .hardware = hardware,
        .slot_count = 2,
        .slots = world->slots,
        .policy = {.retries = 3, .cooldown = DAY},
    };
    world->state.security_version = 5;
    world->state.data_epoch = 2;
    set_running(world, "1.0.0");
}

static void start_release(struct world *world)
{
    world->images[0] = (struct pack_release_image){.name = "system", .slot = "rootfs"};
    world->images[1] = (struct pack_release_image){.name = "firmware", .slot = "mcu"};
    world->release = (struct pack_release){
        .product = "acme-gateway",
        .version = "1.1.0",
        .security_version = 5,
        .data_epoch = 2,
        .compatible_count = 2,
        .compatible = hardware,
        .image_count = 2,
        .images = world->images,
    };
    fill(world->release_sha256, NEW);
    world->delivery.revision = 3;
    world->permit =
        (struct pack_permit){.product = "acme-gateway", .device_count = 2, .devices = devices};
    fill(world->permit.to_sha256, NEW);
    world->rollout.revision = 4;
    fill(world->rollout.release_sha256, NEW);
}

/* 1.0.0 runs in set A, and 1.1.0 is at hand. */
static void start(struct world *world)
{
    *world = (struct world){0};
    start_device(world);
    start_release(world);
    world->facts = (struct plan_facts){
        .device = &world->device,
        .state = &world->state,
        .running = PACK_SET_A,
        .release = &world->release,
        .release_sha256 = world->release_sha256,
        .delivery = &world->delivery,
        .id = "gw-2",
        .group = "field",
        .clock_known = true,
        .now = NOW,
    };
}

struct plan_case {
    void (*change)(struct world *world);
    enum pack_decision decision;
    enum pack_code code;
    const char *says; /* part of the message, or NULL */
    const char *hint; /* part of the hint, or NULL */
};

static void check_case(const struct plan_case *wanted, size_t number)
{
    static struct world world;
    struct pack_error error = {.code = PACK_OK};
    enum pack_decision decision = PACK_DECIDE_VETO;
    start(&world);
    if (wanted->change != NULL)
        wanted->change(&world);
    const int code = plan_decide(&world.facts, &decision, &error);
    if (code != (int)wanted->code || decision != wanted->decision)
        print_error("case %zu: %s, %s: %s\n", number, pack_decision_name(decision),
                    pack_code_id(error.code), error.text);
    assert_int_equal(decision, wanted->decision);
    assert_int_equal(code, wanted->code);
    assert_int_equal(error.code, wanted->code);
    if (wanted->says != NULL && strstr(error.text, wanted->says) == NULL)
        print_error("case %zu says: %s\n", number, error.text);
    assert_true(wanted->says == NULL || strstr(error.text, wanted->says) != NULL);
    if (wanted->hint != NULL && strstr(error.hint, wanted->hint) == NULL)
        print_error("case %zu hints: %s\n", number, error.hint);
    assert_true(wanted->hint == NULL || strstr(error.hint, wanted->hint) != NULL);
}

#define CHECK(cases)                                                           \
    for (size_t number = 0; number < sizeof cases / sizeof cases[0]; number++) \
    check_case(&cases[number], number)

/* --- whether it fits ------------------------------------------------------------------------- */

static void other_product(struct world *world)
{
    world->release.product = "acme-gatewaY";
}

static void other_hardware(struct world *world)
{
    static const char *const other[] = {"acme,r", "ACME,R2", "acme,r2 "};
    world->release.compatible = other;
    world->release.compatible_count = 3;
}

static void any_hardware(struct world *world)
{
    world->release.compatible_count = 0;
    world->device.hardware_count = 0;
}

static void no_hardware(struct world *world)
{
    world->device.hardware_count = 0;
}

static void second_hardware(struct world *world)
{
    world->device.hardware = hardware + 1;
}

static void much_hardware(struct world *world)
{
    static char names[64][1024];
    static const char *list[64];
    for (size_t i = 0; i < 64; i++) {
        memset(names[i], 'x', sizeof names[i] - 1);
        names[i][0] = (char)('0' + i);
        list[i] = names[i];
    }
    world->release.compatible = list;
    world->release.compatible_count = 64;
}

static void no_slot(struct world *world)
{
    world->images[0].slot = "boot";
}

static void restricted_slot(struct world *world)
{
    world->images[1].name = "bootloader";
}

static void a42_it_must_be_for_this_device(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {NULL, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {other_product, PACK_DECIDE_PRODUCT, PACK_E_WRONG_DEVICE,
         "made for the product \"acme-gatewaY\", this is \"acme-gateway\"", "device.yaml"},
        {other_hardware, PACK_DECIDE_HARDWARE, PACK_E_WRONG_DEVICE,
         "made for the hardware acme,r, ACME,R2, acme,r2 , this is acme,r2", "`hardware`"},
        {no_hardware, PACK_DECIDE_HARDWARE, PACK_E_WRONG_DEVICE,
         "this is none that device.yaml names", NULL},
        {much_hardware, PACK_DECIDE_HARDWARE, PACK_E_WRONG_DEVICE, "hardware 64 more, this is",
         NULL},
        {any_hardware, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {second_hardware, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {no_slot, PACK_DECIDE_SLOT, PACK_E_WRONG_DEVICE,
         "image \"system\" is for the slot \"boot\", which this device does not have",
         "rootfs, mcu"},
        {restricted_slot, PACK_DECIDE_SLOT, PACK_E_WRONG_DEVICE,
         "image \"bootloader\" is for the slot \"mcu\", which takes only image \"firmware\"", NULL},
    };
    CHECK(cases);
}

/* --- whether it is old ----------------------------------------------------------------------- */

static void lower_security(struct world *world)
{
    world->release.security_version = 4;
}

static void lower_than_counter(struct world *world)
{
    world->facts.counter = 6;
}

static void counter_behind(struct world *world)
{
    world->facts.counter = 1;
    world->release.security_version = 6;
}

static void lower_epoch(struct world *world)
{
    world->release.data_epoch = 1;
}

static void lower_epoch_permitted(struct world *world)
{
    world->release.data_epoch = 1;
    world->facts.permit = &world->permit;
}

static void ran_200(struct world *world)
{
    set_running(world, "2.0.0");
    world->release.version = "1.9.9";
}

static void ran_long_number(struct world *world)
{
    set_running(world, "99999999999999999999999.0.0");
    world->release.version = "9999999999999999999999.0.0";
}

static void ran_190(struct world *world)
{
    set_running(world, "1.9.0");
    world->release.version = "1.10.0";
}

static void ran_1100(struct world *world)
{
    set_running(world, "1.10.0");
    world->release.version = "1.9.0";
}

static void ran_rc_2(struct world *world)
{
    set_running(world, "1.0.0-rc.2");
    world->release.version = "1.0.0-rc.11";
}

static void ran_final(struct world *world)
{
    set_running(world, "1.1.0");
    world->release.version = "1.1.0-rc.11";
}

static void ran_unknown(struct world *world)
{
    set_running(world, "");
    world->release.version = "0.0.1";
}

static void same_version(struct world *world)
{
    set_running(world, "1.1.0");
}

static void same_but_for_the_build(struct world *world)
{
    set_running(world, "1.1.0+build.7");
}

static void same_release(struct world *world)
{
    set_running(world, "1.1.0");
    fill(world->state.sets[PACK_SET_A].release_sha256, NEW);
}

static void same_release_failed(struct world *world)
{
    same_release(world);
    world->state.sets[PACK_SET_A].condition = SET_INCOMPLETE;
}

/* Which got there by a permit. */
static void same_release_lower(struct world *world)
{
    same_release(world);
    world->release.security_version = 1;
}

static void other_set_has_it(struct world *world)
{
    struct state_set *set = &world->state.sets[PACK_SET_B];
    set->condition = SET_GOOD;
    snprintf(set->version, sizeof set->version, "1.1.0");
    fill(set->release_sha256, NEW);
}

static void seen_revision(struct world *world)
{
    fill(world->state.seen_release, NEW);
    world->state.seen_delivery = 4;
}

static void seen_same_revision(struct world *world)
{
    seen_revision(world);
    world->delivery.revision = 4;
}

static void seen_revision_of_other(struct world *world)
{
    fill(world->state.seen_release, OTHER);
    world->state.seen_delivery = 4;
}

static void a90_a92_it_must_not_be_older(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {lower_security, PACK_DECIDE_SECURITY_VERSION, PACK_E_TOO_OLD,
         "security version 4 is lower than 5, which this device has had", "fwpack permit"},
        {lower_than_counter, PACK_DECIDE_SECURITY_VERSION, PACK_E_TOO_OLD,
         "security version 5 is lower than 6, at which the hardware counter stands", NULL},
        {counter_behind, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {lower_epoch, PACK_DECIDE_DATA_EPOCH, PACK_E_TOO_OLD, "data epoch 1 is lower than 2",
         "no permit lifts this"},
        {lower_epoch_permitted, PACK_DECIDE_DATA_EPOCH, PACK_E_TOO_OLD,
         "data epoch 1 is lower than 2", NULL},
        {ran_200, PACK_DECIDE_VERSION, PACK_E_TOO_OLD,
         "version 1.9.9 is older than 2.0.0, which runs", "fwpack permit"},
        {ran_long_number, PACK_DECIDE_VERSION, PACK_E_TOO_OLD, NULL, NULL},
        {ran_190, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {ran_1100, PACK_DECIDE_VERSION, PACK_E_TOO_OLD, NULL, NULL},
        {ran_rc_2, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {ran_final, PACK_DECIDE_VERSION, PACK_E_TOO_OLD, NULL, NULL},
        {ran_unknown, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
    };
    CHECK(cases);
}

static void a91_the_same_version_is_the_same_release(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {same_version, PACK_DECIDE_CONTENT, PACK_E_TOO_OLD,
         "version 1.1.0 runs already as 1.1.0, with another content: release 1111111111111111 "
         "runs, this is 2222222222222222",
         "another version"},
        {same_but_for_the_build, PACK_DECIDE_CONTENT, PACK_E_TOO_OLD, "runs already as 1.1.0+build",
         NULL},
        {same_release, PACK_DECIDE_CURRENT, PACK_OK, NULL, NULL},
        {same_release_lower, PACK_DECIDE_CURRENT, PACK_OK, NULL, NULL},
        {same_release_failed, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {other_set_has_it, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
    };
    CHECK(cases);
}

static void a_lower_revision_is_refused(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {seen_revision, PACK_DECIDE_REVISION, PACK_E_TOO_OLD,
         "revision 3 of delivery.json is lower than 4, which this device has seen", "newest"},
        {seen_same_revision, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {seen_revision_of_other, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
    };
    CHECK(cases);
}

static void requires_this(struct world *world)
{
    world->release.requires_from = ">=1.0.0 <2.0.0";
}

static void requires_newer(struct world *world)
{
    world->release.requires_from = ">=1.0.1";
}

static void requires_of_unknown(struct world *world)
{
    world->release.requires_from = ">=0.0.0";
    set_running(world, "");
}

static void a_requirement_is_judged_by_what_runs(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {requires_this, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {requires_newer, PACK_DECIDE_REQUIRES, PACK_E_WRONG_DEVICE,
         "can be installed from versions \">=1.0.1\", and 1.0.0 runs", "between"},
        {requires_of_unknown, PACK_DECIDE_REQUIRES, PACK_E_WRONG_DEVICE,
         "which version runs is not known", "without `requires`"},
    };
    CHECK(cases);
}

/* --- permits --------------------------------------------------------------------------------- */

/* An older release of a lower security version, and a permit for it. */
static void permitted(struct world *world)
{
    set_running(world, "2.0.0");
    world->release.security_version = 1;
    world->facts.permit = &world->permit;
}

static void permitted_same_version(struct world *world)
{
    same_version(world);
    world->facts.permit = &world->permit;
}

static void permitted_by_group(struct world *world)
{
    permitted(world);
    world->permit.device_count = 0;
    world->permit.group_count = 1;
    world->permit.groups = groups;
    world->facts.group = "lab";
    world->facts.id = NULL;
}

static void permitted_from(struct world *world)
{
    permitted(world);
    world->permit.has_from = true;
    fill(world->permit.from_sha256, OLD);
}

static void permitted_until_tomorrow(struct world *world)
{
    permitted(world);
    world->permit.has_expires = true;
    world->permit.expires = NOW + DAY;
}

static void permitted_below_counter(struct world *world)
{
    permitted(world);
    world->facts.counter = 9;
}

static void permit_but_older_revision(struct world *world)
{
    permitted(world);
    seen_revision(world);
}

static void permit_but_required(struct world *world)
{
    permitted(world);
    world->release.requires_from = "<2.0.0";
}

static void a_permit_lifts_versions_and_nothing_else(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {permitted, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permitted_same_version, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permitted_by_group, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permitted_from, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permitted_until_tomorrow, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permitted_below_counter, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permit_but_older_revision, PACK_DECIDE_REVISION, PACK_E_TOO_OLD, NULL, NULL},
        {permit_but_required, PACK_DECIDE_REQUIRES, PACK_E_WRONG_DEVICE, NULL, NULL},
    };
    CHECK(cases);
}

static void permit_of_other_release(struct world *world)
{
    permitted(world);
    fill(world->permit.to_sha256, OTHER);
}

static void permit_of_other_product(struct world *world)
{
    permitted(world);
    world->permit.product = "acme-other";
}

static void permit_of_other_device(struct world *world)
{
    permitted(world);
    world->facts.id = "gw-11";
}

static void permit_for_nobody(struct world *world)
{
    permitted(world);
    world->facts.id = NULL;
    world->facts.group = NULL;
}

/* An id is no group, and a group no id. */
static void permit_of_swapped_names(struct world *world)
{
    permitted(world);
    world->facts.id = "lab";
    world->facts.group = "gw-1";
    world->permit.group_count = 1;
    world->permit.groups = groups;
}

static void permit_from_other(struct world *world)
{
    permitted_from(world);
    fill(world->permit.from_sha256, OTHER);
}

static void permit_from_unknown(struct world *world)
{
    permitted_from(world);
    set_running(world, "");
}

static void permit_expired(struct world *world)
{
    permitted_until_tomorrow(world);
    world->facts.now = NOW + DAY;
}

static void permit_without_time(struct world *world)
{
    permitted_until_tomorrow(world);
    world->facts.clock_known = false;
}

static void permit_on_device_without_clock(struct world *world)
{
    permitted_until_tomorrow(world);
    world->facts.clock_known = false;
    world->device.no_clock = true;
}

static const struct pack_error not_signed = {
    .code = PACK_E_NOT_SIGNED, .member = "permit.json", .text = "not signed"};

static void permit_not_signed(struct world *world)
{
    permitted(world);
    world->facts.permit = NULL;
    world->facts.permit_fault = &not_signed;
}

static void permit_not_signed_nor_needed(struct world *world)
{
    world->facts.permit_fault = &not_signed;
}

static void permit_that_nothing_needs(struct world *world)
{
    world->facts.permit = &world->permit;
    fill(world->permit.to_sha256, OTHER);
}

static void a_permit_is_for_one_step_of_one_device(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {permit_of_other_release, PACK_DECIDE_PERMIT, PACK_E_SIGNATURE,
         "which this device has had: the permit is for another release, 3333333333333333", NULL},
        {permit_of_other_product, PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE,
         "the permit is for the product \"acme-other\", this is \"acme-gateway\"", NULL},
        {permit_of_other_device, PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE,
         "the permit is for other devices, this one is \"gw-11\" of the group \"field\"", NULL},
        {permit_for_nobody, PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE,
         "this one has neither an id nor a group", "`id-file`"},
        {permit_of_swapped_names, PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE, NULL, NULL},
        {permit_from_other, PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE,
         "devices that run release 3333333333333333, here 1111111111111111 runs", NULL},
        {permit_from_unknown, PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE,
         "what runs here is not known", NULL},
        {permit_expired, PACK_DECIDE_PERMIT, PACK_E_EXPIRED,
         "the permit expired at 2023-11-15T22:13:20Z", NULL},
        {permit_without_time, PACK_DECIDE_PERMIT, PACK_E_EXPIRED,
         "the clock of this device cannot be believed", "set the clock"},
        {permit_on_device_without_clock, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permit_not_signed, PACK_DECIDE_PERMIT, PACK_E_NOT_SIGNED,
         "which this device has had: not signed", NULL},
        {permit_not_signed_nor_needed, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {permit_that_nothing_needs, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
    };
    CHECK(cases);
}

/* --- rollouts -------------------------------------------------------------------------------- */

static void halted(struct world *world)
{
    world->facts.rollout = &world->rollout;
    world->rollout.halted = true;
}

static void going(struct world *world)
{
    world->facts.rollout = &world->rollout;
}

static void halted_for_other(struct world *world)
{
    halted(world);
    fill(world->rollout.release_sha256, OTHER);
}

static void halted_once(struct world *world)
{
    halted(world);
    fill(world->state.seen_release, NEW);
    world->state.seen_rollout = 5;
}

/* A halt stays, whether the rollout is left away, or an older one put in its place. */
static void halt_left_away(struct world *world)
{
    fill(world->state.seen_release, NEW);
    world->state.seen_rollout = 5;
    world->state.seen_halted = true;
}

static void halt_replaced_by_older(struct world *world)
{
    halt_left_away(world);
    going(world);
}

static void halt_lifted(struct world *world)
{
    halt_replaced_by_older(world);
    world->rollout.revision = 6;
}

static void waiting(struct world *world)
{
    other_set_has_it(world);
    world->state.sets[PACK_SET_B].condition = SET_TRIAL;
    world->state.trial = (struct state_trial){.begun = true, .set = PACK_SET_B, .armed = true};
}

static void waiting_unarmed(struct world *world)
{
    waiting(world);
    world->state.trial.armed = false;
}

static void waiting_for_other(struct world *world)
{
    waiting(world);
    fill(world->state.sets[PACK_SET_B].release_sha256, OTHER);
}

static void waiting_halted(struct world *world)
{
    waiting(world);
    halted(world);
}

static void a_halt_stops_what_has_not_begun(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {going, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {halted, PACK_DECIDE_HALTED, PACK_E_EXPIRED,
         "release 1.1.0 is halted by revision 4 of rollout.json", "later rollout.json"},
        {halted_for_other, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {halted_once, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {halt_left_away, PACK_DECIDE_HALTED, PACK_E_EXPIRED, "by revision 5", NULL},
        {halt_replaced_by_older, PACK_DECIDE_HALTED, PACK_E_EXPIRED, "by revision 5", NULL},
        {halt_lifted, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {waiting, PACK_DECIDE_WAITS, PACK_OK, NULL, NULL},
        {waiting_unarmed, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {waiting_for_other, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {waiting_halted, PACK_DECIDE_HALTED, PACK_E_EXPIRED, NULL, NULL},
    };
    CHECK(cases);
}

static void why_a_rollout_has_no_say_is_told(void **state)
{
    (void)state;
    static struct world world;
    start(&world);
    assert_null(plan_ignored_rollout(&world.facts));
    going(&world);
    assert_null(plan_ignored_rollout(&world.facts));
    halted_once(&world);
    assert_string_equal(plan_ignored_rollout(&world.facts), "this device has seen a later one");
    halted_for_other(&world);
    assert_string_equal(plan_ignored_rollout(&world.facts), "it is for another release");
}

/* --- failures -------------------------------------------------------------------------------- */

static void failed_at(struct world *world, uint64_t count, uint64_t time)
{
    world->state.failure_count = 1;
    fill(world->state.failures[0].release_sha256, NEW);
    world->state.failures[0].count = count;
    world->state.failures[0].time = time;
}

static void failed_often(struct world *world)
{
    failed_at(world, 4, NOW - 30 * DAY);
}

static void failed_often_retried(struct world *world)
{
    failed_often(world);
    world->facts.retry = true;
}

static void failed_never_again(struct world *world)
{
    world->device.policy.retries = 0;
    failed_at(world, 1, NOW - 30 * DAY);
}

static void failed_an_hour_ago(struct world *world)
{
    failed_at(world, 1, NOW - 3600);
}

static void failed_now(struct world *world)
{
    failed_at(world, 1, NOW);
    world->device.policy.cooldown = 61;
}

static void failed_retried(struct world *world)
{
    failed_an_hour_ago(world);
    world->facts.retry = true;
}

static void failed_yesterday(struct world *world)
{
    failed_at(world, 3, NOW - DAY);
}

static void failed_in_the_future(struct world *world)
{
    failed_at(world, 1, NOW + 3650ULL * DAY);
}

static void failed_without_clock(struct world *world)
{
    failed_an_hour_ago(world);
    world->facts.clock_known = false;
}

static void failed_other(struct world *world)
{
    failed_often(world);
    fill(world->state.failures[0].release_sha256, OTHER);
}

static void what_failed_is_not_tried_at_once(void **state)
{
    (void)state;
    static const struct plan_case cases[] = {
        {failed_often, PACK_DECIDE_FAILED, PACK_E_NOT_YET,
         "release 1.1.0 failed 4 times on this device, which tries one 4 times", "--retry"},
        {failed_often_retried, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {failed_never_again, PACK_DECIDE_FAILED, PACK_E_NOT_YET,
         "failed 1 time on this device, which tries one 1 time", NULL},
        {failed_an_hour_ago, PACK_DECIDE_COOLDOWN, PACK_E_NOT_YET,
         "release 1.1.0 failed 1 hour ago, and is tried again in 23 hours", "--retry"},
        {failed_now, PACK_DECIDE_COOLDOWN, PACK_E_NOT_YET,
         "failed 0 seconds ago, and is tried again in 1 minute 1 second", NULL},
        {failed_retried, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {failed_yesterday, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {failed_in_the_future, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {failed_without_clock, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
        {failed_other, PACK_DECIDE_INSTALL, PACK_OK, NULL, NULL},
    };
    CHECK(cases);
}

/* --- order and names ------------------------------------------------------------------------- */

/* All that can be wrong at once; taken away one by one, each next reason shows. */
static void reasons_come_in_their_order(void **state)
{
    (void)state;
    static struct world world;
    static void (*const wrongs[])(struct world *) = {
        other_product, other_hardware, no_slot,        lower_security, lower_epoch,
        ran_200,       seen_revision,  requires_newer, halted,         failed_often};
    static const enum pack_decision order[] = {PACK_DECIDE_PRODUCT,    PACK_DECIDE_HARDWARE,
                                               PACK_DECIDE_SLOT,       PACK_DECIDE_SECURITY_VERSION,
                                               PACK_DECIDE_DATA_EPOCH, PACK_DECIDE_VERSION,
                                               PACK_DECIDE_REVISION,   PACK_DECIDE_REQUIRES,
                                               PACK_DECIDE_HALTED,     PACK_DECIDE_FAILED};
    const size_t count = sizeof order / sizeof order[0];
    for (size_t first = 0; first < count; first++) {
        struct pack_error error = {.code = PACK_OK};
        enum pack_decision decision = PACK_DECIDE_INSTALL;
        start(&world);
        for (size_t i = first; i < count; i++)
            wrongs[i](&world);
        if (order[first] == PACK_DECIDE_REQUIRES)
            world.release.requires_from = ">=3.0.0";
        assert_int_not_equal(plan_decide(&world.facts, &decision, &error), 0);
        assert_int_equal(decision, order[first]);
    }
}

static void decisions_have_names(void **state)
{
    (void)state;
    assert_string_equal(pack_decision_name(PACK_DECIDE_INSTALL), "install");
    assert_string_equal(pack_decision_name(PACK_DECIDE_WAITS), "waits-for-reboot");
    assert_string_equal(pack_decision_name(PACK_DECIDE_VETO), "veto");
    assert_null(pack_decision_name(PACK_DECISION_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a42_it_must_be_for_this_device),
        cmocka_unit_test(a90_a92_it_must_not_be_older),
        cmocka_unit_test(a91_the_same_version_is_the_same_release),
        cmocka_unit_test(a_lower_revision_is_refused),
        cmocka_unit_test(a_requirement_is_judged_by_what_runs),
        cmocka_unit_test(a_permit_lifts_versions_and_nothing_else),
        cmocka_unit_test(a_permit_is_for_one_step_of_one_device),
        cmocka_unit_test(a_halt_stops_what_has_not_begun),
        cmocka_unit_test(why_a_rollout_has_no_say_is_told),
        cmocka_unit_test(what_failed_is_not_tried_at_once),
        cmocka_unit_test(reasons_come_in_their_order),
        cmocka_unit_test(decisions_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
