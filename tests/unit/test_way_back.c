/* SPDX-License-Identifier: MIT */
/* Permits and rollouts on a device: what leads back to an older release, and what does not. */
#include "device_world.h"

#include "base/memory.h"
#include "bundle/writer.h"
#include "pack/permit.h"
#include "support/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RELEASE_KEY = 1, ROLLOUT_KEY = 2, STRANGER = 3 };

static const char *const ours[] = {"gw-1"};
static const char *const others[] = {"gw-2", "gw-11"};

/* The release key releases and delivers, another one rolls out. */
static const char *roles[3];
static char role_paths[3][300];

static void trust_by_role(struct world *world)
{
    static const char *const names[] = {"release", "delivery", "rollout"};
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *key = test_key(ROLLOUT_KEY);
    PACK_AUTO_FREE char *text = NULL, *path = test_path(world->folder, "rollout.pub");
    size_t size = 0;
    assert_pack_ok(pack_public_key_format(&text, &size, pack_secret_key_public(key),
                                          PACK_PURPOSE_ANY, PACK_KEY_MINISIGN, &error));
    test_write_file(path, text, size);
    for (size_t i = 0; i < 3; i++) {
        snprintf(role_paths[i], sizeof role_paths[i], "%s=%s", names[i],
                 i == 2 ? path : world->trust[0]);
        roles[i] = role_paths[i];
    }
    world->device.trust = roles;
    world->device.trust_count = 3;
}

static int setup(void **state)
{
    if (test_make_folder(state) != 0)
        return -1;
    struct world *world = world_make(*state);
    trust_by_role(world);
    world->device.id = "gw-1";
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

/* --- the device ------------------------------------------------------------------------------ */

static void refuse(struct world *world, const char *bundle, enum pack_decision decision,
                   enum pack_code code)
{
    struct pack_error error = {.code = PACK_OK};
    const int found = world_install(world, NULL, bundle, &error);
    if (found != (int)code || world->report.decision != decision)
        print_error("%s: %s (%s): %s\n", bundle, pack_decision_name(world->report.decision),
                    pack_code_id(error.code), error.text);
    assert_int_equal(world->report.decision, decision);
    assert_int_equal(found, code);
    assert_false(world->report.changed);
}

static void install(struct world *world, const char *bundle)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE struct pack_confirm_report *report = calloc(1, sizeof *report);
    assert_pack_ok(world_install(world, NULL, bundle, &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_INSTALL);
    assert_int_equal(world_start(world), world->report.set);
    assert_non_null(report);
    assert_pack_ok(pack_device_confirm(&world->engine, false, report, &error));
}

static uint64_t least_security_version(struct world *world)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE struct pack_device_status *status = calloc(1, sizeof *status);
    assert_non_null(status);
    assert_pack_ok(pack_device_status(&world->engine, status, &error));
    return status->security_version;
}

/* --- bundles --------------------------------------------------------------------------------- */

struct opened {
    struct pack_input *input;
    struct pack_bundle *bundle;
    char *path;
};

static void open_bundle(struct opened *opened, const struct world *world, const char *name)
{
    struct pack_error error = {.code = PACK_OK};
    opened->path = test_path(world->folder, name);
    assert_pack_ok(pack_input_open(&opened->input, opened->path, &error));
    assert_pack_ok(pack_bundle_open(&opened->bundle, opened->input, NULL, &error));
}

static void close_bundle(struct opened *opened)
{
    pack_bundle_close(&opened->bundle);
    pack_input_close(&opened->input);
    free(opened->path);
}

static void release_hash(const struct world *world, const char *bundle,
                         uint8_t sha256[PACK_SHA256_SIZE])
{
    struct pack_error error = {.code = PACK_OK};
    struct opened opened;
    size_t size = 0;
    open_bundle(&opened, world, bundle);
    const void *bytes = pack_bundle_document(opened.bundle, PACK_ROLE_RELEASE, &size);
    assert_pack_ok(pack_sha256_bytes(bytes, size, sha256, &error));
    close_bundle(&opened);
}

/*
 * Puts `shown` into the bundle as `document` ("permit"), with a signature over `text`: what no
 * command of fwpack would write.
 */
static void put_signed(const struct world *world, const char *bundle, const char *document,
                       const char *shown, const char *text, uint8_t key_number)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *key = test_key(key_number);
    const struct pack_signer signer = pack_signer_from_key(key);
    PACK_AUTO(written_head_clear) struct written_head head = {0};
    struct pack_output *output = NULL;
    struct opened opened;
    char member[32], name[TAR_NAME_SIZE];
    char *copy = strdup(shown);
    const bool permit = strcmp(document, "permit") == 0;
    open_bundle(&opened, world, bundle);
    snprintf(member, sizeof member, "%s.json", document);
    snprintf(name, sizeof name, "%s.%s.minisig", member, signer.key->keyid);
    assert_pack_ok(written_head_copy(&head, opened.bundle, &error));
    written_head_drop(&head, permit ? HEAD_PERMIT : HEAD_ROLLOUT);
    written_head_drop(&head, permit ? HEAD_PERMIT_SIGNATURES : HEAD_ROLLOUT_SIGNATURES);
    assert_pack_ok(written_head_put(&head, member, &copy, strlen(shown), &error));
    assert_pack_ok(written_head_sign_as(&head, name, document, &signer, "by hand", text,
                                        strlen(text), &error));
    assert_pack_ok(pack_output_open(&output, opened.path, PACK_OUTPUT_SEEKABLE, NULL, &error));
    assert_pack_ok(written_head_finish(&head, opened.bundle, output, &error));
    assert_pack_ok(pack_output_commit(&output, &error));
    close_bundle(&opened);
}

/* A good permit for gw-1 to go from v2 to v1, which tests change. */
static struct pack_permit permit_for(const struct world *world, const char *to)
{
    struct pack_permit permit = {.product = "world", .device_count = 1, .devices = ours};
    release_hash(world, to, permit.to_sha256);
    return permit;
}

static char *permit_text(const struct pack_permit *permit)
{
    struct pack_error error = {.code = PACK_OK};
    char *text = NULL;
    size_t size = 0;
    assert_pack_ok(pack_permit_encode(&text, &size, permit, &error));
    return text;
}

static void put_permit(const struct world *world, const char *bundle,
                       const struct pack_permit *permit, uint8_t key_number)
{
    PACK_AUTO_FREE char *text = permit_text(permit);
    put_signed(world, bundle, "permit", text, text, key_number);
}

/* --- permits --------------------------------------------------------------------------------- */

static void test_a92_a_permit_is_the_only_way_back(void **state)
{
    struct world *world = *state;
    struct pack_permit permit = permit_for(world, "v1.fwb");
    install(world, "v2.fwb");
    assert_int_equal(least_security_version(world), 1);
    refuse(world, "v1.fwb", PACK_DECIDE_SECURITY_VERSION, PACK_E_TOO_OLD);
    permit.has_from = true;
    release_hash(world, "v2.fwb", permit.from_sha256);
    put_permit(world, "v1.fwb", &permit, RELEASE_KEY);
    install(world, "v1.fwb");
    assert_int_equal(world_release_in(world, world->report.set), 1);
    assert_int_equal(least_security_version(world), 1);
    /* There already, whatever is allowed; and on from here in the usual way. */
    struct pack_error error = {.code = PACK_OK};
    assert_pack_ok(world_install(world, NULL, "v1.fwb", &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_CURRENT);
    refuse(world, "v0.fwb", PACK_DECIDE_SECURITY_VERSION, PACK_E_TOO_OLD);
    install(world, "v2.fwb");
}

static void test_a7_other_permits_lead_nowhere(void **state)
{
    struct world *world = *state;
    const struct pack_permit good = permit_for(world, "v1.fwb");
    struct pack_permit permit = good;
    install(world, "v2.fwb");
    put_permit(world, "v1.fwb", &good, ROLLOUT_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_UNTRUSTED);
    put_permit(world, "v1.fwb", &good, STRANGER);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_UNTRUSTED);
    permit.devices = others;
    permit.device_count = 2;
    put_permit(world, "v1.fwb", &permit, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE);
    permit = good;
    permit.product = "planet";
    put_permit(world, "v1.fwb", &permit, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE);
    permit = good;
    permit.has_from = true;
    memcpy(permit.from_sha256, good.to_sha256, PACK_SHA256_SIZE);
    put_permit(world, "v1.fwb", &permit, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_WRONG_DEVICE);
    permit = good;
    permit.has_expires = true;
    permit.expires = world->now;
    put_permit(world, "v1.fwb", &permit, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_EXPIRED);
    permit.expires = world->now + 1;
    put_permit(world, "v1.fwb", &permit, RELEASE_KEY);
    install(world, "v1.fwb");
}

/* Of another bundle, altered, or another document altogether. */
static void test_a10_a_permit_is_what_was_signed(void **state)
{
    struct world *world = *state;
    struct pack_permit permit = permit_for(world, "v0.fwb");
    install(world, "v2.fwb");
    put_permit(world, "v1.fwb", &permit, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_SIGNATURE);
    permit = permit_for(world, "v1.fwb");
    PACK_AUTO_FREE char *good = permit_text(&permit);
    permit.devices = others;
    PACK_AUTO_FREE char *signed_text = permit_text(&permit);
    put_signed(world, "v1.fwb", "permit", good, signed_text, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_SIGNATURE);
    static const char other[] = "{\"type\":\"fwpack.rollout\",\"format\":1}";
    put_signed(world, "v1.fwb", "permit", other, other, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_MALFORMED);
    static const char newer[] = "{\"type\":\"fwpack.permit\",\"format\":2}";
    put_signed(world, "v1.fwb", "permit", newer, newer, RELEASE_KEY);
    refuse(world, "v1.fwb", PACK_DECIDE_PERMIT, PACK_E_UNSUPPORTED);
}

static void test_a_permit_that_nothing_needs_is_passed_over(void **state)
{
    struct world *world = *state;
    const struct pack_permit permit = permit_for(world, "v1.fwb");
    put_permit(world, "v2.fwb", &permit, STRANGER);
    install(world, "v2.fwb");
}

/* --- rollouts -------------------------------------------------------------------------------- */

static void put_rollout(const struct world *world, const char *bundle, unsigned revision,
                        bool halted, uint8_t key_number)
{
    uint8_t sha256[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE], text[256];
    release_hash(world, bundle, sha256);
    pack_sha256_hex(sha256, hex);
    snprintf(text, sizeof text,
             "{\"type\":\"fwpack.rollout\",\"format\":1,\"release_sha256\":\"%s\","
             "\"revision\":%u,\"halted\":%s}",
             hex, revision, halted ? "true" : "false");
    put_signed(world, bundle, "rollout", text, text, key_number);
}

static void test_a_halt_stays_until_it_is_lifted(void **state)
{
    struct world *world = *state;
    struct pack_error error = {.code = PACK_OK};
    struct opened plain;
    install(world, "v1.fwb");
    open_bundle(&plain, world, "v2.fwb");
    const size_t size = (size_t)plain.input->size;
    close_bundle(&plain);
    PACK_AUTO_FREE char *path = test_path(world->folder, "v2.fwb");
    size_t read = 0;
    PACK_AUTO_FREE uint8_t *without = test_read_file(path, &read);
    assert_int_equal(read, size);
    put_rollout(world, "v2.fwb", 5, true, RELEASE_KEY);
    refuse(world, "v2.fwb", PACK_DECIDE_SIGNATURE, PACK_E_UNTRUSTED);
    put_rollout(world, "v2.fwb", 5, true, ROLLOUT_KEY);
    refuse(world, "v2.fwb", PACK_DECIDE_HALTED, PACK_E_EXPIRED);
    test_write_file(path, without, size);
    refuse(world, "v2.fwb", PACK_DECIDE_HALTED, PACK_E_EXPIRED);
    put_rollout(world, "v2.fwb", 4, false, ROLLOUT_KEY);
    refuse(world, "v2.fwb", PACK_DECIDE_HALTED, PACK_E_EXPIRED);
    put_rollout(world, "v2.fwb", 6, false, ROLLOUT_KEY);
    assert_pack_ok(world_install(world, NULL, "v2.fwb", &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_INSTALL);
}

static void test_a_halted_release_that_waits_is_not_started(void **state)
{
    struct world *world = *state;
    struct pack_error error = {.code = PACK_OK};
    install(world, "v1.fwb");
    const enum pack_set before = world_start(world);
    assert_pack_ok(world_install(world, NULL, "v2.fwb", &error));
    assert_int_equal(world->report.decision, PACK_DECIDE_INSTALL);
    put_rollout(world, "v2.fwb", 5, true, ROLLOUT_KEY);
    refuse(world, "v2.fwb", PACK_DECIDE_HALTED, PACK_E_EXPIRED);
    assert_int_equal(world_start(world), before);
    assert_int_equal(world_release_in(world, before), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a92_a_permit_is_the_only_way_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a7_other_permits_lead_nowhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a10_a_permit_is_what_was_signed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_permit_that_nothing_needs_is_passed_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_halt_stays_until_it_is_lifted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_halted_release_that_waits_is_not_started, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
