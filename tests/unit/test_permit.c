/* SPDX-License-Identifier: MIT */

/* permit.json and rollout.json: as documents, and as members of a bundle. */

#include "document_text.h"
#include "support/bundle.h"

#include "base/memory.h"
#include "bundle/reader.h"
#include "pack/permit.h"

#include <stdio.h>
#include <string.h>

static const char sample[] = "{\n"
                             "  \"type\": \"fwpack.permit\",\n"
                             "  \"format\": 1,\n"
                             "  \"product\": \"acme-gateway\",\n"
                             "  \"devices\": [\n"
                             "    \"gw-0042\",\n"
                             "    \"gw-0043\"\n"
                             "  ],\n"
                             "  \"groups\": [\n"
                             "    \"lab\"\n"
                             "  ],\n"
                             "  \"from_sha256\": \"" DIGEST_A "\",\n"
                             "  \"to_sha256\": \"" DIGEST_B "\",\n"
                             "  \"expires\": 0\n"
                             "}\n";

static const char rollout_sample[] = "{\"type\":\"fwpack.rollout\",\"format\":1,"
                                     "\"release_sha256\":\"" DIGEST_A "\",\"revision\":7,"
                                     "\"halted\":true}";

static int parse(const char *text, size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_permit_free) struct pack_permit *permit = NULL;
    return pack_permit_parse(&permit, text, size, error);
}

static int parse_rollout(const char *text, size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_rollout_free) struct pack_rollout *rollout = NULL;
    return pack_rollout_parse(&rollout, text, size, error);
}

#define CHECK(text, variations, parser) \
    check_variations(text, variations, sizeof variations / sizeof variations[0], parser)

/* --- documents ------------------------------------------------------------------------------- */

static void every_member_is_read_and_written_the_same(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_permit_free) struct pack_permit *permit = NULL;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    assert_pack_ok(pack_permit_parse(&permit, sample, strlen(sample), &error));
    assert_string_equal(permit->product, "acme-gateway");
    assert_int_equal(permit->device_count, 2);
    assert_string_equal(permit->devices[1], "gw-0043");
    assert_int_equal(permit->group_count, 1);
    assert_string_equal(permit->groups[0], "lab");
    assert_true(permit->has_from);
    assert_int_equal(permit->from_sha256[0], 0x01);
    assert_int_equal(permit->to_sha256[0], 0xfe);
    assert_true(permit->has_expires);
    assert_int_equal(permit->expires, 0);
    assert_pack_ok(pack_permit_encode(&text, &size, permit, &error));
    assert_string_equal(text, sample);
    assert_int_equal(size, strlen(sample));
}

static void a_permit_is_strict(void **state)
{
    (void)state;
    static const struct variation variations[] = {
        {"fwpack.permit", "fwpack.release", PACK_E_MALFORMED,
         "type: \"fwpack.release\" where \"fwpack.permit\" is wanted"},
        {"\"format\": 1", "\"format\": 2", PACK_E_UNSUPPORTED, "format: 2"},
        {"\"product\"", "\"only_on\": \"sunday\", \"product\"", PACK_E_UNSUPPORTED,
         "needs \"only_on\", which this version of fwpack does not know"},
        {"\"product\"", "\"critical\": [\"expires\"], \"product\"", PACK_OK, NULL},
        {"\"product\"", "\"critical\": [\"x\"], \"x\": 1, \"product\"", PACK_E_UNSUPPORTED,
         "critical[0]: needs \"x\""},
        {"acme-gateway", "", PACK_E_MALFORMED, "product"},
        {"\"product\": \"acme-gateway\",\n", "", PACK_E_MALFORMED, "product: is missing"},
        {"gw-0043", "gw-0042", PACK_E_MALFORMED, "devices[1]: \"gw-0042\" stands twice"},
        {"\"gw-0043\"", "43", PACK_E_MALFORMED, "devices[1]: a string is wanted"},
        {"gw-0043", " gw", PACK_E_MALFORMED, "devices[1]"},
        {"\"to_sha256\": \"" DIGEST_B "\",\n", "", PACK_E_MALFORMED, "to_sha256: is missing"},
        {DIGEST_B, "abc", PACK_E_MALFORMED, "to_sha256"},
        {DIGEST_A, "", PACK_E_MALFORMED, "from_sha256"},
        {"\"expires\": 0", "\"expires\": null", PACK_E_MALFORMED, "expires: an integer"},
        {"\"expires\": 0", "\"expires\": \"tomorrow\"", PACK_E_MALFORMED, "expires: an integer"},
        {"\"expires\": 0", "\"expires\": -1", PACK_E_MALFORMED, NULL},
        {"\"expires\": 0", "\"expires\": 9007199254740992", PACK_E_MALFORMED, NULL},
        {",\n  \"expires\": 0", "", PACK_OK, NULL},
        {"\"from_sha256\": \"" DIGEST_A "\",\n", "", PACK_OK, NULL},
    };
    CHECK(sample, variations, parse);
}

static void a_permit_is_for_somebody(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE char *nobody = replaced(sample, "\"gw-0042\",\n    \"gw-0043\"", "");
    PACK_AUTO_FREE char *none = replaced(nobody, "\"lab\"", "");
    assert_pack_ok(parse(nobody, strlen(nobody), &error));
    assert_pack_fails(parse(none, strlen(none), &error), PACK_E_MALFORMED);
    assert_pack_says("names no device and no group, one at least is wanted");
}

/* A permit of PACK_MAX_PERMITTED devices and groups, and `more`, names of few letters. */
static char *crowd(size_t more, size_t *size)
{
    static char names[PACK_MAX_PERMITTED + 1][8];
    static const char *list[PACK_MAX_PERMITTED + 1];
    struct pack_error error = {.code = PACK_OK};
    struct pack_permit permit = {.product = "p", .devices = list, .groups = list};
    char *text = NULL;
    for (size_t i = 0; i <= PACK_MAX_PERMITTED; i++) {
        snprintf(names[i], sizeof names[i], "%zx", i);
        list[i] = names[i];
    }
    permit.device_count = PACK_MAX_PERMITTED - 1;
    permit.group_count = 1 + more;
    const int code = pack_permit_encode(&text, size, &permit, &error);
    assert_int_equal(code, more == 0 ? 0 : PACK_E_LIMIT);
    return text;
}

/* Distinctness of so many names must not cost a minute. */
static void many_devices_are_few_milliseconds(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    size_t size = 0;
    PACK_AUTO_FREE char *text = crowd(0, &size);
    assert_pack_ok(parse(text, size, &error));
    assert_null(crowd(1, &size));
}

static void a_rollout_is_read(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_rollout_free) struct pack_rollout *rollout = NULL;
    assert_pack_ok(pack_rollout_parse(&rollout, rollout_sample, strlen(rollout_sample), &error));
    assert_int_equal(rollout->release_sha256[0], 0x01);
    assert_int_equal(rollout->revision, 7);
    assert_true(rollout->halted);
    static const struct variation variations[] = {
        {"fwpack.rollout", "fwpack.permit", PACK_E_MALFORMED, "type"},
        {",\"halted\":true", "", PACK_OK, NULL},
        {"\"halted\":true", "\"halted\":1", PACK_E_MALFORMED, "halted: true or false"},
        {"\"revision\":7", "\"revision\":0", PACK_E_MALFORMED, "revision: 0"},
        {"\"revision\":7,", "", PACK_E_MALFORMED, "revision: is missing"},
        {"\"revision\":7", "\"revision\":7,\"cohorts\":[]", PACK_OK, NULL},
        {"\"revision\":7", "\"revision\":7,\"cohorts\":[],\"critical\":[\"cohorts\"]",
         PACK_E_UNSUPPORTED, "needs \"cohorts\""},
    };
    CHECK(rollout_sample, variations, parse_rollout);
}

/* --- in a bundle ----------------------------------------------------------------------------- */

struct fixture {
    struct test_bundle made;
    struct pack_trust *trust;
    struct pack_input *input;
    struct pack_bundle *bundle;
    char *path;
};

/* A bundle in a file, that key 0 has signed; keys 1 and 2 are there too. */
static void open_fixture(struct fixture *fixture, const char *folder)
{
    struct pack_error error = {.code = PACK_OK};
    *fixture = (struct fixture){.path = test_path(folder, "x.fwb")};
    test_bundle_make(&fixture->made, &(struct test_bundle_plan){.folder = folder, .key_count = 3});
    fixture->trust = test_bundle_trust(&fixture->made);
    test_write_file(fixture->path, fixture->made.bytes, fixture->made.size);
    assert_pack_ok(pack_input_open(&fixture->input, fixture->path, &error));
    assert_pack_ok(pack_bundle_open(&fixture->bundle, fixture->input, NULL, &error));
}

static void reopen(struct fixture *fixture)
{
    struct pack_error error = {.code = PACK_OK};
    pack_bundle_close(&fixture->bundle);
    pack_input_close(&fixture->input);
    assert_pack_ok(pack_input_open(&fixture->input, fixture->path, &error));
    assert_pack_ok(pack_bundle_open(&fixture->bundle, fixture->input, NULL, &error));
}

static void close_fixture(struct fixture *fixture)
{
    pack_bundle_close(&fixture->bundle);
    pack_input_close(&fixture->input);
    pack_trust_free(&fixture->trust);
    test_bundle_clear(&fixture->made);
    free(fixture->path);
}

/* A permit for the fixture's bundle, or for `product` and another release. */
static char *permit_for(const struct fixture *fixture, const char *product, bool other,
                        size_t *size)
{
    static const char *const devices[] = {"gw-0042"};
    struct pack_error error = {.code = PACK_OK};
    struct pack_permit permit = {.product = product, .device_count = 1, .devices = devices};
    char *text = NULL;
    size_t release_size = 0;
    const void *release = pack_bundle_document(fixture->bundle, PACK_ROLE_RELEASE, &release_size);
    assert_pack_ok(pack_sha256_bytes(release, release_size, permit.to_sha256, &error));
    permit.to_sha256[0] ^= other;
    assert_pack_ok(pack_permit_encode(&text, size, &permit, &error));
    return text;
}

static int set_permit(struct fixture *fixture, const char *permit, size_t size, size_t key,
                      struct pack_error *error)
{
    const struct pack_signer signer = pack_signer_from_key(fixture->made.keys[key]);
    const unsigned role = 1U << PACK_ROLE_RELEASE;
    const struct pack_sign_request request = {
        .signer_count = 1, .signers = &signer, .signer_roles = &role};
    struct pack_output *output = NULL;
    struct pack_sign_report report;
    int code = pack_output_open(&output, fixture->path, PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code =
            pack_bundle_set_permit(fixture->bundle, output, permit, size, &request, &report, error);
    if (code == 0)
        assert_int_equal(report.added + report.present, 1);
    if (code == 0)
        return pack_output_commit(&output, error);
    pack_output_discard(&output);
    return code;
}

static int judge(const struct fixture *fixture, struct pack_document_report *report,
                 struct pack_error *error)
{
    const struct pack_signature_member *signatures = NULL;
    size_t size = 0;
    const void *bytes = pack_bundle_extra(fixture->bundle, PACK_EXTRA_PERMIT, &size);
    const size_t count =
        pack_bundle_extra_signatures(fixture->bundle, PACK_EXTRA_PERMIT, &signatures);
    return pack_trust_verify(fixture->trust, PACK_ROLE_RELEASE, "permit.json", bytes, size,
                             signatures, count, report, error);
}

static void a_permit_is_put_in_and_signed(void **state)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_document_report *report = NULL;
    struct fixture fixture;
    size_t size = 0, kept = 0;
    open_fixture(&fixture, *state);
    assert_pack_ok(pack_allocate(&report, 1, sizeof *report, &error));
    assert_null(pack_bundle_extra(fixture.bundle, PACK_EXTRA_PERMIT, &kept));
    assert_int_equal(kept, 0);
    PACK_AUTO_FREE char *permit = permit_for(&fixture, "acme-test", false, &size);
    assert_pack_ok(set_permit(&fixture, permit, size, 1, &error));
    reopen(&fixture);
    assert_memory_equal(pack_bundle_extra(fixture.bundle, PACK_EXTRA_PERMIT, &kept), permit, size);
    assert_int_equal(kept, size);
    assert_pack_ok(judge(&fixture, report, &error));
    assert_int_equal(report->good, 1);
    assert_non_null(strstr(report->signers[0].comment, "fwpack permit sha256="));
    assert_pack_ok(set_permit(&fixture, NULL, 0, 2, &error));
    reopen(&fixture);
    assert_pack_ok(judge(&fixture, report, &error));
    assert_int_equal(report->good, 2);
    /* Another one in its place has its own signatures only. */
    assert_pack_ok(set_permit(&fixture, permit, size, 0, &error));
    reopen(&fixture);
    assert_pack_ok(judge(&fixture, report, &error));
    assert_int_equal(report->count, 1);
    free(report);
    close_fixture(&fixture);
}

static void all_else_stays_byte_for_byte(void **state)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_verify_report *report = NULL;
    struct fixture fixture;
    size_t size = 0, whole = 0;
    open_fixture(&fixture, *state);
    assert_pack_ok(pack_allocate(&report, 1, sizeof *report, &error));
    const size_t head = (size_t)fixture.bundle->head_end;
    PACK_AUTO_FREE char *permit = permit_for(&fixture, "acme-test", false, &size);
    assert_pack_ok(set_permit(&fixture, permit, size, 0, &error));
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(fixture.path, &whole);
    const size_t grown = whole - fixture.made.size;
    assert_memory_equal(bytes, fixture.made.bytes, head);
    assert_memory_equal(bytes + head + grown, fixture.made.bytes + head, fixture.made.size - head);
    assert_pack_ok(test_bundle_verify(bytes, whole, fixture.trust, false, report, &error));
    free(report);
    close_fixture(&fixture);
}

static void only_a_permit_for_this_release_is_signed(void **state)
{
    struct pack_error error = {.code = PACK_OK};
    struct fixture fixture;
    size_t size = 0;
    open_fixture(&fixture, *state);
    PACK_AUTO_FREE char *foreign = permit_for(&fixture, "acme-test", true, &size);
    assert_pack_fails(set_permit(&fixture, foreign, size, 0, &error), PACK_E_USAGE);
    assert_pack_says("and the one in the bundle is");
    PACK_AUTO_FREE char *product = permit_for(&fixture, "acme-other", false, &size);
    assert_pack_fails(set_permit(&fixture, product, size, 0, &error), PACK_E_USAGE);
    assert_pack_says("is for the product \"acme-other\", the release for \"acme-test\"");
    assert_pack_fails(set_permit(&fixture, "{}", 2, 0, &error), PACK_E_MALFORMED);
    assert_pack_fails(set_permit(&fixture, NULL, 0, 0, &error), PACK_E_USAGE);
    assert_pack_says("has no permit that could be signed");
    close_fixture(&fixture);
}

/* Signs the permit that the bundle carries as somebody does who has it elsewhere. */
static int give_signature(struct fixture *fixture, size_t key, struct pack_sign_report *report,
                          struct pack_error *error)
{
    const struct pack_signer signer = pack_signer_from_key(fixture->made.keys[key]);
    struct pack_given_signature given = {.role = PACK_ROLE_RELEASE, .permit = true};
    const struct pack_sign_request request = {.given_count = 1, .given = &given};
    struct pack_signature signature;
    struct pack_output *output = NULL;
    uint8_t prehash[PACK_PREHASH_SIZE];
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    const void *bytes = pack_bundle_extra(fixture->bundle, PACK_EXTRA_PERMIT, &size);
    pack_prehash_bytes(bytes != NULL ? bytes : "", size, prehash);
    int code = pack_sign(&signature, &signer, prehash, "made elsewhere", error);
    if (code == 0)
        code = pack_signature_format(&text, &given.size, &signature, error);
    given.bytes = text;
    snprintf(given.keyid, sizeof given.keyid, "%s", signer.key->keyid);
    if (code == 0)
        code = pack_output_open(&output, fixture->path, PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code = pack_bundle_sign(fixture->bundle, output, &request, report, error);
    if (code == 0)
        return pack_output_commit(&output, error);
    pack_output_discard(&output);
    return code;
}

static void a_permit_is_signed_elsewhere(void **state)
{
    static const struct pack_sign_request nobody = {.signer_count = 0};
    struct pack_error error = {.code = PACK_OK};
    struct pack_document_report *report = NULL;
    struct pack_sign_report done;
    struct pack_output *output = NULL;
    struct fixture fixture;
    size_t size = 0;
    open_fixture(&fixture, *state);
    assert_pack_ok(pack_allocate(&report, 1, sizeof *report, &error));
    assert_pack_fails(give_signature(&fixture, 1, &done, &error), PACK_E_USAGE);
    assert_pack_says("has no permit that could be signed");
    PACK_AUTO_FREE char *permit = permit_for(&fixture, "acme-test", false, &size);
    assert_pack_ok(pack_output_open(&output, fixture.path, PACK_OUTPUT_SEEKABLE, NULL, &error));
    assert_pack_ok(
        pack_bundle_set_permit(fixture.bundle, output, permit, size, &nobody, &done, &error));
    assert_pack_ok(pack_output_commit(&output, &error));
    reopen(&fixture);
    assert_pack_fails(judge(&fixture, report, &error), PACK_E_NOT_SIGNED);
    assert_pack_ok(give_signature(&fixture, 1, &done, &error));
    assert_int_equal(done.added, 1);
    reopen(&fixture);
    assert_pack_ok(judge(&fixture, report, &error));
    assert_int_equal(report->good, 1);
    assert_pack_ok(give_signature(&fixture, 1, &done, &error));
    assert_int_equal(done.present, 1);
    free(report);
    close_fixture(&fixture);
}

/* --- misuse ---------------------------------------------------------------------------------- */

/* Key 0 signs releases, key 1 deliveries, key 2 rollouts. */
static void trust_by_role(struct fixture *fixture)
{
    struct pack_error error = {.code = PACK_OK};
    pack_trust_free(&fixture->trust);
    assert_pack_ok(pack_trust_new(&fixture->trust, &error));
    for (unsigned role = PACK_ROLE_RELEASE; role < PACK_ROLE_COUNT; role++)
        assert_pack_ok(pack_trust_add(
            fixture->trust, pack_secret_key_public(fixture->made.keys[role]), 1U << role, &error));
}

/* A permit that a key made for something else has signed is nobody's. */
static void a7_only_the_role_release_permits(void **state)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_document_report *report = NULL;
    struct fixture fixture;
    size_t size = 0;
    open_fixture(&fixture, *state);
    trust_by_role(&fixture);
    assert_pack_ok(pack_allocate(&report, 1, sizeof *report, &error));
    PACK_AUTO_FREE char *permit = permit_for(&fixture, "acme-test", false, &size);
    for (size_t key = 0; key < 3; key++) {
        assert_pack_ok(set_permit(&fixture, permit, size, key, &error));
        reopen(&fixture);
        if (key == PACK_ROLE_RELEASE)
            assert_pack_ok(judge(&fixture, report, &error));
        else
            assert_pack_fails(judge(&fixture, report, &error), PACK_E_UNTRUSTED);
    }
    free(report);
    close_fixture(&fixture);
}

/* What the signature of one document says of another: nothing. */
static void a7_a10_no_other_signature_makes_a_permit(void **state)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_document_report *report = NULL;
    const struct pack_signature_member *signatures = NULL;
    struct fixture fixture;
    size_t size = 0;
    open_fixture(&fixture, *state);
    assert_pack_ok(pack_allocate(&report, 1, sizeof *report, &error));
    PACK_AUTO_FREE char *permit = permit_for(&fixture, "acme-test", false, &size);
    size_t count = pack_bundle_signatures(fixture.bundle, PACK_ROLE_RELEASE, &signatures);
    assert_pack_fails(pack_trust_verify(fixture.trust, PACK_ROLE_RELEASE, "permit.json", permit,
                                        size, signatures, count, report, &error),
                      PACK_E_SIGNATURE);
    assert_pack_fails(pack_trust_verify(fixture.trust, PACK_ROLE_RELEASE, "permit.json", permit,
                                        size, NULL, 0, report, &error),
                      PACK_E_NOT_SIGNED);
    assert_pack_ok(set_permit(&fixture, permit, size, 0, &error));
    reopen(&fixture);
    count = pack_bundle_extra_signatures(fixture.bundle, PACK_EXTRA_PERMIT, &signatures);
    PACK_AUTO_FREE char *other = replaced(permit, "gw-0042", "gw-0043");
    assert_pack_fails(pack_trust_verify(fixture.trust, PACK_ROLE_RELEASE, "permit.json", other,
                                        size, signatures, count, report, &error),
                      PACK_E_SIGNATURE);
    free(report);
    close_fixture(&fixture);
}

/* Signed by the role release, and no permit: the type is part of what was signed. */
static void a7_a_signed_document_of_another_type_is_no_permit(void **state)
{
    struct pack_error error = {.code = PACK_OK};
    struct fixture fixture;
    size_t size = 0;
    open_fixture(&fixture, *state);
    const void *release = pack_bundle_document(fixture.bundle, PACK_ROLE_RELEASE, &size);
    assert_pack_fails(parse(release, size, &error), PACK_E_MALFORMED);
    assert_pack_says("type: \"fwpack.release\" where \"fwpack.permit\" is wanted");
    assert_pack_fails(parse(rollout_sample, strlen(rollout_sample), &error), PACK_E_MALFORMED);
    close_fixture(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_read_and_written_the_same),
        cmocka_unit_test(a_permit_is_strict),
        cmocka_unit_test(a_permit_is_for_somebody),
        cmocka_unit_test(many_devices_are_few_milliseconds),
        cmocka_unit_test(a_rollout_is_read),
        cmocka_unit_test_setup_teardown(a_permit_is_put_in_and_signed, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(all_else_stays_byte_for_byte, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(a_permit_is_signed_elsewhere, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(only_a_permit_for_this_release_is_signed, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(a7_only_the_role_release_permits, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(a7_a10_no_other_signature_makes_a_permit, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(a7_a_signed_document_of_another_type_is_no_permit,
                                        test_make_folder, test_remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
