/* SPDX-License-Identifier: MIT */

/* What a bundle may hold that this version carries, skips or refuses without understanding it. */

#include "support/bundle.h"
#include "support/test.h"

#include "base/memory.h"
#include "bundle/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pack_verify_report report;
static struct pack_secret_key *key;
static struct pack_trust *trust;

static int setup(void **state)
{
    struct pack_error error = {0};
    assert_pack_ok(pack_secret_key_generate(&key, PACK_PURPOSE_ANY, &error));
    assert_pack_ok(pack_trust_new(&trust, &error));
    assert_pack_ok(
        pack_trust_add(trust, pack_secret_key_public(key), (1U << PACK_ROLE_COUNT) - 1, &error));
    return test_make_folder(state);
}

static int teardown(void **state)
{
    pack_secret_key_free(&key);
    pack_trust_free(&trust);
    return test_remove_folder(state);
}

/* --- composing ------------------------------------------------------------------------------- */

struct composed {
    struct written_head head;
    uint8_t payload[4096]; /* members after the head */
    size_t payload_size;
};

static void put(struct composed *made, const char *name, const char *text)
{
    struct pack_error error = {0};
    char *copy = strdup(text);
    assert_pack_ok(written_head_put(&made->head, name, &copy, strlen(text), &error));
}

static void put_signed(struct composed *made, enum pack_role role, const char *text)
{
    struct pack_error error = {0};
    const struct pack_signer signer = pack_signer_from_key(key);
    char name[32];
    snprintf(name, sizeof name, "%s.json", pack_role_name(role));
    put(made, name, text);
    assert_pack_ok(
        written_head_sign(&made->head, role, &signer, "by hand", text, strlen(text), &error));
}

static void put_payload(struct composed *made, const char *name, const char *bytes)
{
    const size_t size = strlen(bytes);
    tar_header(made->payload + made->payload_size, name, size);
    memcpy(made->payload + made->payload_size + TAR_BLOCK, bytes, size);
    made->payload_size += TAR_BLOCK + size + tar_padding(size);
}

static int verify(const struct composed *made, const char *folder, struct pack_error *error)
{
    PACK_AUTO_FREE char *path = test_path(folder, "composed.fwb");
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    struct pack_output *output = NULL;
    static const uint8_t end[TAR_END];
    const uint64_t head_size = written_head_size(&made->head);
    size_t size = 0;
    assert_int_equal(pack_output_open(&output, path, PACK_OUTPUT_SEEKABLE, NULL, error), 0);
    assert_int_equal(written_head_write(&made->head, output, error), 0);
    assert_int_equal(
        pack_output_write_at(output, head_size, made->payload, made->payload_size, error), 0);
    assert_int_equal(
        pack_output_write_at(output, head_size + made->payload_size, end, sizeof end, error), 0);
    assert_int_equal(pack_output_commit(&output, error), 0);
    bytes = test_read_file(path, &size);
    const int whole = test_bundle_verify(bytes, size, trust, false, &report, error);
    struct pack_error piped = {0};
    assert_int_equal(test_bundle_verify(bytes, size, trust, true, &report, &piped) == 0,
                     whole == 0);
    return whole;
}

/* --- documents ------------------------------------------------------------------------------- */

/* SHA-256 of "hello", and of that. */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO_TABLE "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"

static const char release[] =
    "{\"type\":\"fwpack.release\",\"format\":1,\"product\":\"p\",\"version\":\"1.0.0\","
    "\"security_version\":0,\"compatible\":[\"x\"],\"images\":[{\"name\":\"app\",\"slot\":\"app\","
    "\"size\":5,\"sha256\":\"" HELLO "\",\"block_size\":512,\"blocks_sha256\":\"" HELLO_TABLE
    "\"}]}";

static void compose(struct composed *made, const char *encodings, const char *more)
{
    struct pack_error error = {0};
    char text[4096], hex[PACK_SHA256_HEX_SIZE];
    uint8_t digest[PACK_SHA256_SIZE];
    assert_pack_ok(pack_sha256_bytes(release, sizeof release - 1, digest, &error));
    pack_sha256_hex(digest, hex);
    snprintf(text, sizeof text,
             "{\"type\":\"fwpack.delivery\",\"format\":1,\"release_sha256\":\"%s\",\"revision\":1,"
             "\"images\":[{\"name\":\"app\",\"encodings\":[%s]}]%s}",
             hex, encodings, more);
    *made = (struct composed){0};
    put_signed(made, PACK_ROLE_RELEASE, release);
    put_signed(made, PACK_ROLE_DELIVERY, text);
}

#define STORED "\"size\":5,\"block_size\":512,\"blocks_sha256\":\"" HELLO_TABLE "\""
#define FULL "{\"type\":\"full\",\"codec\":\"none\"," STORED "}"
#define KEEP "{\"type\":\"keep\",\"base\":{\"size\":5,\"sha256\":\"" HELLO "\"}}"
#define UNKNOWN_CODEC "{\"type\":\"full\",\"codec\":\"brotli\"," STORED "}"
#define NEEDS_MORE "{\"type\":\"full\",\"requires\":[\"telepathy\"],\"codec\":\"none\"," STORED "}"

/* --- tests ----------------------------------------------------------------------------------- */

static void reserved_members_are_carried(void **state)
{
    struct pack_error error = {0};
    struct composed made;
    char name[TAR_NAME_SIZE];
    compose(&made, FULL, "");
    put(&made, "roots/1.root.json", "{}");
    put(&made, "roots/12.root.json", "{}");
    put(&made, "rollout.json", "{}");
    put(&made, "permit.json", "{}");
    snprintf(name, sizeof name, "rollout.json.%s.sshsig", pack_secret_key_public(key)->keyid);
    put(&made, name, "-----BEGIN SSH SIGNATURE-----\n");
    put_payload(&made, "payloads/app.0.bin", "hello");
    assert_pack_ok(verify(&made, *state, &error));
    assert_int_equal(report.images[0].proof, PACK_PROOF_PLAIN);
    written_head_clear(&made.head);
}

/* An .sshsig of a document that is read is judged, as a .minisig is. */
static void ssh_signatures_are_judged(void **state)
{
    struct pack_error error = {0};
    struct composed made;
    char name[TAR_NAME_SIZE];
    compose(&made, FULL, "");
    snprintf(name, sizeof name, "release.json.%s.sshsig", pack_secret_key_public(key)->keyid);
    put(&made, name, "-----BEGIN SSH SIGNATURE-----\n");
    put_payload(&made, "payloads/app.0.bin", "hello");
    assert_pack_fails(verify(&made, *state, &error), PACK_E_MALFORMED);
    assert_string_equal(error.member, name);
    written_head_clear(&made.head);
}

static void keep_has_no_payload(void **state)
{
    struct pack_error error = {0};
    struct composed made;
    compose(&made, KEEP, "");
    assert_pack_ok(verify(&made, *state, &error));
    assert_int_equal(report.images[0].proof, PACK_PROOF_NONE);
    assert_true(report.images[0].missing[0] != '\0');
    written_head_clear(&made.head);
    compose(&made, KEEP "," FULL, "");
    put_payload(&made, "payloads/app.1.bin", "hello");
    assert_pack_ok(verify(&made, *state, &error));
    assert_int_equal(report.images[0].proof, PACK_PROOF_PLAIN);
    assert_string_equal(report.images[0].missing, "");
    written_head_clear(&made.head);
}

/* An encoding that asks for more is skipped, but its stored bytes are proved. */
static void unknown_encodings_are_proved_as_stored(void **state)
{
    static const struct {
        const char *encodings, *payload;
    } cases[] = {{UNKNOWN_CODEC, "payloads/app.0.brotli"}, {NEEDS_MORE, "payloads/app.0.bin"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct composed made;
        compose(&made, cases[i].encodings, "");
        put_payload(&made, cases[i].payload, "hello");
        assert_pack_ok(verify(&made, *state, &error));
        assert_int_equal(report.images[0].proof, PACK_PROOF_STORED);
        assert_true(report.images[0].missing[0] != '\0');
        written_head_clear(&made.head);
        compose(&made, cases[i].encodings, "");
        put_payload(&made, cases[i].payload, "hellO");
        assert_pack_fails(verify(&made, *state, &error), PACK_E_CORRUPT);
        assert_string_equal(error.member, cases[i].payload);
        written_head_clear(&made.head);
    }
}

/* A46: one rule for unknown members, and `critical` to override it. */
static void unknown_members_are_ignored_unless_critical(void **state)
{
    struct pack_error error = {0};
    struct composed made;
    compose(&made, FULL, ",\"colour\":\"red\"");
    put_payload(&made, "payloads/app.0.bin", "hello");
    assert_pack_ok(verify(&made, *state, &error));
    written_head_clear(&made.head);
    compose(&made, FULL, ",\"colour\":\"red\",\"critical\":[\"colour\"]");
    put_payload(&made, "payloads/app.0.bin", "hello");
    assert_pack_fails(verify(&made, *state, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("colour");
    written_head_clear(&made.head);
}

/* A67: what the documents do not list, and what they list and is not there. */
static void members_are_those_that_the_documents_list(void **state)
{
    struct pack_error error = {0};
    struct composed made;
    compose(&made, FULL, "");
    assert_pack_fails(verify(&made, *state, &error), PACK_E_CORRUPT);
    put_payload(&made, "payloads/other.0.bin", "hello");
    assert_pack_fails(verify(&made, *state, &error), PACK_E_MALFORMED);
    made.payload_size = 0;
    put_payload(&made, "payloads/app.0.bin", "hello");
    put_payload(&made, "payloads/app.0.bin", "hello");
    assert_pack_fails(verify(&made, *state, &error), PACK_E_MALFORMED);
    written_head_clear(&made.head);
}

/* A11: a delivery of another release. */
static void a_delivery_of_another_release_is_refused(void **state)
{
    struct pack_error error = {0};
    struct composed made;
    compose(&made, FULL, "");
    put_payload(&made, "payloads/app.0.bin", "hello");
    char *other = strdup(release);
    memcpy(strstr(other, "1.0.0"), "1.0.1", 5);
    put_signed(&made, PACK_ROLE_RELEASE, other);
    free(other);
    assert_pack_fails(verify(&made, *state, &error), PACK_E_SIGNATURE);
    assert_pack_says("another release");
    written_head_clear(&made.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reserved_members_are_carried),
        cmocka_unit_test(ssh_signatures_are_judged),
        cmocka_unit_test(keep_has_no_payload),
        cmocka_unit_test(unknown_encodings_are_proved_as_stored),
        cmocka_unit_test(unknown_members_are_ignored_unless_critical),
        cmocka_unit_test(members_are_those_that_the_documents_list),
        cmocka_unit_test(a_delivery_of_another_release_is_refused),
    };
    return cmocka_run_group_tests_name("reserved", tests, setup, teardown);
}
