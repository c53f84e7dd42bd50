/* SPDX-License-Identifier: MIT */
/* Whom to believe: each line of the verdict's table, and what must not count. */
#include "pack/trust.h"
#include "support/fido.h"
#include "support/keys.h"

#include "base/memory.h"
#include "pack/limits.h"
#include "trust/anchor.h"

#include <stdio.h>
#include <stdlib.h>

static const char document[] = "{\"type\":\"release\"}\n";

enum { RELEASE = 1 << PACK_ROLE_RELEASE, DELIVERY = 1 << PACK_ROLE_DELIVERY };

/* --- a document with signatures, and a trust ------------------------------------------------- */

/* Keys 1 to 4 and what they signed, the trust, and what came of it. */
struct scene {
    struct pack_secret_key *keys[5]; /* by number, from 1 */
    struct pack_trust *trust;
    struct pack_signature_member members[80];
    char *texts[80];
    char names[80][128];
    size_t count;
    struct pack_document_report report;
    struct pack_error error;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    for (uint8_t i = 1; i < 5; i++)
        scene->keys[i] = test_key(i);
    *state = scene;
    return pack_trust_new(&scene->trust, &scene->error);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 1; i < 5; i++)
        pack_secret_key_free(&scene->keys[i]);
    for (size_t i = 0; i < scene->count; i++)
        free(scene->texts[i]);
    pack_trust_free(&scene->trust);
    free(scene);
    return 0;
}

static const struct pack_public_key *public_of(const struct scene *scene, unsigned number)
{
    return pack_secret_key_public(scene->keys[number]);
}

/* The text becomes the scene's. */
static void add_text(struct scene *scene, const char *keyid, char *text, size_t size)
{
    struct pack_signature_member *member = &scene->members[scene->count];
    snprintf(scene->names[scene->count], sizeof scene->names[0], "release.json.%s.minisig", keyid);
    memcpy(member->keyid, keyid, sizeof member->keyid);
    member->member = scene->names[scene->count];
    member->bytes = text;
    member->size = size;
    scene->texts[scene->count++] = text;
}

/* A signature by key `number`, named for key `named`, over bytes. */
static void add_signature(struct scene *scene, unsigned number, unsigned named, const char *bytes)
{
    size_t size = 0;
    char *text = test_sign(scene->keys[number], bytes, strlen(bytes), "by a test", &size);
    add_text(scene, public_of(scene, named)->keyid, text, size);
}

static void signed_by(struct scene *scene, unsigned number)
{
    add_signature(scene, number, number, document);
}

/* A signature that does not fit the document. */
static void badly_signed_by(struct scene *scene, unsigned number)
{
    add_signature(scene, number, number, "another document");
}

static void trust(struct scene *scene, unsigned number, unsigned roles)
{
    struct pack_error error = {0};
    assert_pack_ok(pack_trust_add(scene->trust, public_of(scene, number), roles, &error));
}

static void revoke(struct scene *scene, unsigned number, const char *reason)
{
    struct pack_error error = {0};
    assert_pack_ok(pack_trust_revoke(scene->trust, public_of(scene, number), reason, &error));
}

static void require(struct scene *scene, unsigned threshold)
{
    struct pack_error error = {0};
    assert_pack_ok(pack_trust_require(scene->trust, PACK_ROLE_RELEASE, threshold, &error));
}

static int judge(struct scene *scene)
{
    pack_error_clear(&scene->error);
    return pack_trust_verify(scene->trust, PACK_ROLE_RELEASE, "release.json", document,
                             strlen(document), scene->members, scene->count, &scene->report,
                             &scene->error);
}

static void assert_good(struct scene *scene)
{
    struct pack_error error = {0};
    const int code = judge(scene);
    error = scene->error;
    assert_pack_ok(code);
    assert_true(scene->report.good >= scene->report.required);
}

static void assert_verdict(struct scene *scene, enum pack_code code, int status, const char *says)
{
    struct pack_error error = {0};
    const int given = judge(scene);
    error = scene->error;
    assert_pack_fails(given, code);
    assert_int_equal(pack_code_exit(code), status);
    assert_pack_says(says);
}

/* --- the table of verdicts, in its order ----------------------------------------------------- */

static void a_member_that_does_not_parse_is_malformed(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    signed_by(scene, 1);
    add_text(scene, public_of(scene, 2)->keyid, strdup("x\n"), 2); /* of a key nobody knows */
    assert_verdict(scene, PACK_E_MALFORMED, 3, "signature is missing");
    assert_string_equal(scene->error.member, scene->members[1].member);
    assert_int_equal(scene->report.good, 0);
}

static void a1_a_document_without_signatures_is_not_signed(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    assert_verdict(scene, PACK_E_NOT_SIGNED, 10, "no signature");
    assert_string_equal(scene->error.member, "release.json");
    assert_int_equal(scene->report.count, 0);
}

static void a1_an_empty_member_does_not_parse(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    add_text(scene, public_of(scene, 1)->keyid, strdup(""), 0);
    assert_verdict(scene, PACK_E_MALFORMED, 3, "the signature is empty");
}

static void enough_valid_keys_are_good(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    signed_by(scene, 1);
    assert_good(scene);
    assert_int_equal(scene->report.good, 1);
    assert_int_equal(scene->report.required, 1);
    assert_int_equal(scene->report.count, 1);
    assert_int_equal(scene->report.signers[0].state, PACK_SIGNER_GOOD);
    assert_string_equal(scene->report.signers[0].keyid, public_of(scene, 1)->keyid);
    assert_string_equal(scene->report.signers[0].comment, "by a test");
}

static void bad_signatures_beside_enough_good_ones_are_reported(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    trust(scene, 3, RELEASE);
    revoke(scene, 3, "lost");
    signed_by(scene, 4);
    badly_signed_by(scene, 2);
    signed_by(scene, 3);
    signed_by(scene, 1);
    assert_good(scene);
    assert_int_equal(scene->report.good, 1);
    assert_int_equal(scene->report.signers[0].state, PACK_SIGNER_UNKNOWN);
    assert_int_equal(scene->report.signers[1].state, PACK_SIGNER_BAD);
    assert_int_equal(scene->report.signers[2].state, PACK_SIGNER_REVOKED);
    assert_int_equal(scene->report.signers[3].state, PACK_SIGNER_GOOD);
}

static void a_trusted_keys_failing_signature_comes_before_a_revoked_key(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    revoke(scene, 2, "lost");
    signed_by(scene, 2);
    signed_by(scene, 3);
    badly_signed_by(scene, 1);
    assert_verdict(scene, PACK_E_SIGNATURE, 12, "the signature does not verify with key ");
    assert_string_equal(scene->error.member, scene->members[2].member);
    assert_int_equal(scene->report.count, 3);
}

static void a20_a_revoked_key_comes_before_an_unknown_one(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    revoke(scene, 2, "stolen on Monday");
    signed_by(scene, 3);
    signed_by(scene, 2);
    assert_verdict(scene, PACK_E_REVOKED, 18, ": stolen on Monday");
    assert_non_null(strstr(scene->error.text, public_of(scene, 2)->keyid));
}

static void a20_revoking_beats_trusting_in_any_order(void **state)
{
    struct scene *scene = *state;
    revoke(scene, 1, NULL);
    trust(scene, 1, RELEASE);
    signed_by(scene, 1);
    assert_verdict(scene, PACK_E_REVOKED, 18, "signed by revoked key ");
    assert_int_equal(pack_trust_key_count(scene->trust, PACK_ROLE_RELEASE), 0);
}

static void no_trusted_key_among_the_signers_is_untrusted(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    signed_by(scene, 2);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "0 of 1 signatures by trusted keys; signed by ");
    assert_non_null(strstr(scene->error.text, public_of(scene, 2)->keyid));
    assert_non_null(strstr(scene->error.hint, public_of(scene, 1)->keyid));
    assert_string_equal(scene->error.member, "release.json");
}

static void trusting_nobody_trusts_nothing(void **state)
{
    struct scene *scene = *state;
    signed_by(scene, 1);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "0 of 1");
    assert_string_equal(scene->error.hint, "no key holds the role release");
}

/* --- what must not count --------------------------------------------------------------------- */

static void a4_the_same_signature_twice_counts_once(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    require(scene, 2);
    signed_by(scene, 1);
    signed_by(scene, 1);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "1 of 2 signatures");
    assert_int_equal(scene->report.good, 1);
    signed_by(scene, 2);
    assert_good(scene);
    assert_int_equal(scene->report.good, 2);
}

static void a4_a_key_trusted_twice_is_one_key(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    trust(scene, 1, RELEASE);
    trust(scene, 1, RELEASE | DELIVERY);
    assert_int_equal(pack_trust_key_count(scene->trust, PACK_ROLE_RELEASE), 1);
    assert_int_equal(pack_trust_key_count(scene->trust, PACK_ROLE_DELIVERY), 1);
    assert_pack_fails(pack_trust_require(scene->trust, PACK_ROLE_RELEASE, 2, &error), PACK_E_USAGE);
    signed_by(scene, 1);
    assert_good(scene);
}

static void a4_one_key_with_two_minisign_ids_is_refused(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_public_key other = *public_of(scene, 1);
    trust(scene, 1, RELEASE);
    other.minisign_id[0] ^= 1;
    assert_pack_fails(pack_trust_add(scene->trust, &other, RELEASE, &error), PACK_E_KEY_INVALID);
    assert_pack_says("different minisign ids");
    other.has_minisign_id = false;
    assert_pack_ok(pack_trust_add(scene->trust, &other, DELIVERY, &error));
    assert_int_equal(pack_trust_key_count(scene->trust, PACK_ROLE_DELIVERY), 1);
}

static void a4_a_signature_under_another_case_of_the_id_does_not_count(void **state)
{
    struct scene *scene = *state;
    char upper[PACK_KEYID_SIZE];
    size_t size = 0;
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    require(scene, 2);
    signed_by(scene, 1);
    memcpy(upper, public_of(scene, 1)->keyid, sizeof upper);
    for (char *at = upper; *at != '\0'; at++)
        *at = (char)(*at >= 'a' ? *at - 'a' + 'A' : *at);
    char *text = test_sign(scene->keys[1], document, strlen(document), "x", &size);
    add_text(scene, upper, text, size);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "1 of 2 signatures");
}

static void a5_thresholds_are_from_1_to_the_number_of_keys(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    trust(scene, 3, DELIVERY);
    assert_int_equal(scene->trust->thresholds[PACK_ROLE_RELEASE], 1);
    assert_pack_fails(pack_trust_require(scene->trust, PACK_ROLE_RELEASE, 0, &error), PACK_E_USAGE);
    assert_pack_fails(pack_trust_require(scene->trust, PACK_ROLE_RELEASE, 3, &error), PACK_E_USAGE);
    assert_pack_says("3 signatures required, but the role release has 2 trusted keys");
    assert_pack_fails(pack_trust_require(scene->trust, PACK_ROLE_RELEASE, UINT32_MAX, &error),
                      PACK_E_USAGE);
    assert_pack_fails(pack_trust_require(scene->trust, PACK_ROLE_ROLLOUT, 1, &error), PACK_E_USAGE);
    assert_int_equal(scene->trust->thresholds[PACK_ROLE_RELEASE], 1);
    require(scene, 2);
    assert_int_equal(scene->trust->thresholds[PACK_ROLE_RELEASE], 2);
}

static void a5_a_threshold_is_not_met_by_fewer(void **state)
{
    struct scene *scene = *state;
    for (unsigned i = 1; i < 4; i++)
        trust(scene, i, RELEASE);
    require(scene, 3);
    signed_by(scene, 1);
    signed_by(scene, 2);
    signed_by(scene, 4);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "2 of 3 signatures");
    signed_by(scene, 3);
    assert_good(scene);
}

static void a6_more_signatures_than_the_limit_are_not_looked_at(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    for (size_t i = 0; i < PACK_MAX_SIGNERS; i++)
        signed_by(scene, 1);
    assert_good(scene);
    assert_int_equal(scene->report.count, PACK_MAX_SIGNERS);
    assert_int_equal(scene->report.good, 1);
    signed_by(scene, 1);
    assert_verdict(scene, PACK_E_LIMIT, 3, "65 signatures, at most 64 wanted");
    assert_int_equal(scene->report.count, 0);
}

static void a7_a_key_of_another_role_is_no_signer(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    trust(scene, 2, DELIVERY);
    signed_by(scene, 2);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "0 of 1 signatures");
    assert_non_null(strstr(scene->error.hint, public_of(scene, 2)->keyid));
    assert_non_null(strstr(scene->error.hint, "is trusted, but not for the role release"));
}

static void a9_a_signature_is_over_the_bytes_as_they_stand(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    add_signature(scene, 1, 1, "{ \"type\": \"release\" }\n");
    assert_verdict(scene, PACK_E_SIGNATURE, 12, "does not verify");
}

static void a19_a_signature_named_for_another_key_names_both(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    add_signature(scene, 2, 1, document);
    assert_verdict(scene, PACK_E_SIGNATURE, 12, "the signature was made by key ");
    assert_non_null(strstr(scene->error.text, public_of(scene, 1)->keyid));
    assert_non_null(strstr(scene->error.text, public_of(scene, 2)->keyid));
}

static void a19_two_keys_with_one_minisign_id_stay_apart(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_secret_key *twin = NULL;
    uint8_t seed[PACK_SEED_SIZE] = {42};
    size_t size = 0;
    assert_pack_ok(pack_secret_key_make(&twin, seed, public_of(scene, 1)->minisign_id,
                                        PACK_PURPOSE_ANY, &error));
    trust(scene, 1, RELEASE);
    char *text = test_sign(twin, document, strlen(document), "x", &size);
    add_text(scene, pack_secret_key_public(twin)->keyid, text, size);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, pack_secret_key_public(twin)->keyid);
    assert_pack_ok(pack_trust_add(scene->trust, pack_secret_key_public(twin), RELEASE, &error));
    assert_good(scene);
    assert_int_equal(scene->report.good, 1);
    pack_secret_key_free(&twin);
}

static void a10_the_untrusted_comment_of_a_member_is_fixed(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    signed_by(scene, 1);
    assert_good(scene);
    char *end = strstr(scene->texts[0], "fwpack");
    assert_non_null(end);
    end[0] = 'F';
    assert_verdict(scene, PACK_E_MALFORMED, 3, "untrusted comment is not");
}

/* --- SSH signatures -------------------------------------------------------------------------- */

static struct pack_public_key fido_key(const struct scene *scene, unsigned number,
                                       const char *application)
{
    struct pack_error error = {0};
    struct pack_public_key key = *public_of(scene, number);
    key.has_minisign_id = false;
    assert_pack_ok(pack_public_key_set_application(&key, application, strlen(application), &error));
    return key;
}

static void trust_fido(struct scene *scene, unsigned number, const char *application)
{
    struct pack_error error = {0};
    const struct pack_public_key key = fido_key(scene, number, application);
    assert_pack_ok(pack_trust_add(scene->trust, &key, RELEASE, &error));
}

static void take_signatures_away(struct scene *scene)
{
    while (scene->count > 0)
        free(scene->texts[--scene->count]);
}

/* An .sshsig; of a token where there is an application. */
static void ssh_signed(struct scene *scene, unsigned number, const char *application,
                       const char *name_space)
{
    const struct pack_ssh_signature signature =
        test_ssh_sign(scene->keys[number], application, name_space, document);
    size_t size = 0;
    char *text = test_ssh_text(&signature, &size);
    add_text(scene, signature.key.keyid, text, size);
    scene->members[scene->count - 1].kind = PACK_SIGNATURE_SSHSIG;
}

static void ssh_signatures_count_beside_others(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    trust_fido(scene, 3, "ssh:");
    require(scene, 3);
    signed_by(scene, 1);
    ssh_signed(scene, 2, "", "fwpack-release@1");
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "2 of 3 signatures");
    ssh_signed(scene, 3, "ssh:", "fwpack-release@1");
    assert_good(scene);
    assert_int_equal(scene->report.signers[0].kind, PACK_SIGNATURE_MINISIG);
    assert_int_equal(scene->report.signers[1].kind, PACK_SIGNATURE_SSHSIG);
    assert_string_equal(scene->report.signers[1].application, "");
    assert_string_equal(scene->report.signers[2].application, "ssh:");
    assert_int_equal(scene->report.signers[2].flags, 1);
    assert_int_equal(scene->report.signers[2].counter, 7);
}

static void a4_one_key_of_two_kinds_counts_once(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    trust_fido(scene, 1, "ssh:");
    trust_fido(scene, 1, "ssh:other");
    assert_pack_fails(pack_trust_require(scene->trust, PACK_ROLE_RELEASE, 3, &error), PACK_E_USAGE);
    require(scene, 2);
    signed_by(scene, 1);
    ssh_signed(scene, 1, "", "fwpack-release@1");
    ssh_signed(scene, 1, "ssh:", "fwpack-release@1");
    ssh_signed(scene, 1, "ssh:other", "fwpack-release@1");
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, "1 of 2 signatures");
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(scene->report.signers[i].state, PACK_SIGNER_GOOD);
    signed_by(scene, 2);
    assert_good(scene);
}

static void a_fido_key_signs_with_its_token_only(void **state)
{
    struct scene *scene = *state;
    trust_fido(scene, 1, "ssh:");
    signed_by(scene, 1);
    assert_verdict(scene, PACK_E_SIGNATURE, 12, "is a FIDO key, of which only an .sshsig counts");
}

static void a_fido_key_of_another_application_is_refused(void **state)
{
    struct scene *scene = *state;
    trust_fido(scene, 1, "ssh:");
    ssh_signed(scene, 1, "ssh:evil", "fwpack-release@1");
    assert_verdict(scene, PACK_E_SIGNATURE, 12, "made for the FIDO application \"ssh:evil\"");
}

static void a7_a24_an_ssh_signature_is_for_its_role(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE | DELIVERY);
    ssh_signed(scene, 1, "", "fwpack-delivery@1");
    assert_verdict(scene, PACK_E_SIGNATURE, 12,
                   "made for namespace \"fwpack-delivery@1\", \"fwpack-release@1\" is wanted");
}

static void a19_an_ssh_signature_named_for_another_key_names_both(void **state)
{
    struct scene *scene = *state;
    trust(scene, 1, RELEASE);
    trust(scene, 2, RELEASE);
    ssh_signed(scene, 2, "", "fwpack-release@1");
    memcpy(scene->members[0].keyid, public_of(scene, 1)->keyid, PACK_KEYID_SIZE);
    assert_verdict(scene, PACK_E_SIGNATURE, 12, "the signature was made by key ");
    assert_non_null(strstr(scene->error.text, public_of(scene, 1)->keyid));
    assert_non_null(strstr(scene->error.text, public_of(scene, 2)->keyid));
}

static void a20_a_revoked_key_is_revoked_in_each_kind(void **state)
{
    struct scene *scene = *state;
    trust(scene, 2, RELEASE);
    trust_fido(scene, 1, "ssh:");
    revoke(scene, 1, "lost");
    trust_fido(scene, 1, "ssh:later");
    assert_int_equal(pack_trust_key_count(scene->trust, PACK_ROLE_RELEASE), 1);
    ssh_signed(scene, 1, "ssh:", "fwpack-release@1");
    assert_verdict(scene, PACK_E_REVOKED, 18, ": lost");
    take_signatures_away(scene);
    ssh_signed(scene, 1, "ssh:later", "fwpack-release@1");
    assert_verdict(scene, PACK_E_REVOKED, 18, ": lost");
    take_signatures_away(scene);
    ssh_signed(scene, 1, "", "fwpack-release@1");
    assert_verdict(scene, PACK_E_REVOKED, 18, ": lost");
}

static void many_signers_and_keys_are_named_briefly(void **state)
{
    struct scene *scene = *state;
    for (unsigned i = 0; i < 70; i++) {
        struct pack_error error = {0};
        AUTO_KEY struct pack_secret_key *key = test_key((uint8_t)(100 + i));
        assert_pack_ok(pack_trust_add(scene->trust, pack_secret_key_public(key), RELEASE, &error));
    }
    for (unsigned i = 0; i < 50; i++)
        signed_by(scene, 1 + i % 4);
    assert_verdict(scene, PACK_E_UNTRUSTED, 11, " and 47 more");
    assert_non_null(strstr(scene->error.hint, " and 67 more"));
}

static void roles_have_names(void **state)
{
    (void)state;
    assert_string_equal(pack_role_name(PACK_ROLE_RELEASE), "release");
    assert_string_equal(pack_role_name(PACK_ROLE_DELIVERY), "delivery");
    assert_string_equal(pack_role_name(PACK_ROLE_ROLLOUT), "rollout");
    assert_null(pack_role_name(PACK_ROLE_COUNT));
    assert_string_equal(pack_role_namespace(PACK_ROLE_RELEASE), "fwpack-release@1");
    assert_string_equal(pack_role_namespace(PACK_ROLE_DELIVERY), "fwpack-delivery@1");
    assert_string_equal(pack_role_namespace(PACK_ROLE_ROLLOUT), "fwpack-rollout@1");
    assert_null(pack_role_namespace(PACK_ROLE_COUNT));
}

int main(void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_member_that_does_not_parse_is_malformed),
        IN_SCENE(a1_a_document_without_signatures_is_not_signed),
        IN_SCENE(a1_an_empty_member_does_not_parse),
        IN_SCENE(enough_valid_keys_are_good),
        IN_SCENE(bad_signatures_beside_enough_good_ones_are_reported),
        IN_SCENE(a_trusted_keys_failing_signature_comes_before_a_revoked_key),
        IN_SCENE(a20_a_revoked_key_comes_before_an_unknown_one),
        IN_SCENE(a20_revoking_beats_trusting_in_any_order),
        IN_SCENE(no_trusted_key_among_the_signers_is_untrusted),
        IN_SCENE(trusting_nobody_trusts_nothing),
        IN_SCENE(a4_the_same_signature_twice_counts_once),
        IN_SCENE(a4_a_key_trusted_twice_is_one_key),
        IN_SCENE(a4_one_key_with_two_minisign_ids_is_refused),
        IN_SCENE(a4_a_signature_under_another_case_of_the_id_does_not_count),
        IN_SCENE(a5_thresholds_are_from_1_to_the_number_of_keys),
        IN_SCENE(a5_a_threshold_is_not_met_by_fewer),
        IN_SCENE(a6_more_signatures_than_the_limit_are_not_looked_at),
        IN_SCENE(a7_a_key_of_another_role_is_no_signer),
        IN_SCENE(a9_a_signature_is_over_the_bytes_as_they_stand),
        IN_SCENE(a19_a_signature_named_for_another_key_names_both),
        IN_SCENE(a19_two_keys_with_one_minisign_id_stay_apart),
        IN_SCENE(a10_the_untrusted_comment_of_a_member_is_fixed),
        IN_SCENE(ssh_signatures_count_beside_others),
        IN_SCENE(a4_one_key_of_two_kinds_counts_once),
        IN_SCENE(a_fido_key_signs_with_its_token_only),
        IN_SCENE(a_fido_key_of_another_application_is_refused),
        IN_SCENE(a7_a24_an_ssh_signature_is_for_its_role),
        IN_SCENE(a19_an_ssh_signature_named_for_another_key_names_both),
        IN_SCENE(a20_a_revoked_key_is_revoked_in_each_kind),
        IN_SCENE(many_signers_and_keys_are_named_briefly),
        cmocka_unit_test(roles_have_names),
    };
    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
