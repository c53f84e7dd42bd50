/* SPDX-License-Identifier: MIT */
/* The trust root: its canonical form, its rules, its chain, and what a device makes of it. */
#include "pack/root.h"
#include "support/keys.h"

#include "base/memory.h"
#include "codec/json_canonical.h"
#include "crypto/key_text.h"
#include "pack/limits.h"
#include "trust/root.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPIRES UINT64_C(1893456000) /* 2030-01-01 */
#define NOW UINT64_C(1800000000)     /* 2027-01-15 */

enum { KEYS = 8 };

/* Keys 1 to 7. */
struct scene {
    struct pack_secret_key *keys[KEYS];
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    for (uint8_t i = 1; i < KEYS; i++)
        scene->keys[i] = test_key(i);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 1; i < KEYS; i++)
        pack_secret_key_free(&scene->keys[i]);
    free(scene);
    return 0;
}

static const struct pack_public_key *key(const struct scene *scene, unsigned number)
{
    return pack_secret_key_public(scene->keys[number]);
}

static void add(struct pack_root *root, const struct scene *scene, enum pack_root_role role,
                unsigned number)
{
    struct pack_error error = {0};
    assert_pack_ok(pack_root_add(root, role, key(scene, number), &error));
}

/* Root keys 1 and 2, both of which must sign; release 3 and 4, one of which must; delivery 5. */
static struct pack_root *draft(const struct scene *scene)
{
    struct pack_root *root = NULL;
    struct pack_error error = {0};
    assert_pack_ok(pack_root_new(&root, EXPIRES, &error));
    for (enum pack_root_role role = PACK_ROOT_ROOT; role <= PACK_ROOT_TIMESTAMP; role++) {
        add(root, scene, role, 1);
        add(root, scene, role, 2);
    }
    assert_pack_ok(pack_root_threshold(root, PACK_ROOT_ROOT, 2, &error));
    add(root, scene, PACK_ROOT_RELEASE, 3);
    add(root, scene, PACK_ROOT_RELEASE, 4);
    add(root, scene, PACK_ROOT_DELIVERY, 5);
    return root;
}

static void sign(struct pack_root *root, const struct pack_root *old, const struct scene *scene,
                 unsigned number)
{
    struct pack_error error = {0};
    uint8_t signature[PACK_SIGNATURE_SIZE];
    size_t size = 0;
    const void *bytes = pack_root_signed_bytes(root, &size);
    const struct pack_signer signer = pack_signer_from_key(scene->keys[number]);
    assert_pack_ok(pack_signer_sign(&signer, bytes, size, signature, &error));
    assert_pack_ok(pack_root_add_signature(root, old, key(scene, number), signature, &error));
}

static struct pack_root *signed_root(const struct scene *scene)
{
    struct pack_root *root = draft(scene);
    sign(root, NULL, scene, 1);
    sign(root, NULL, scene, 2);
    return root;
}

static struct pack_root *next(const struct pack_root *root)
{
    struct pack_root *made = NULL;
    struct pack_error error = {0};
    assert_pack_ok(pack_root_next(&made, root, EXPIRES, &error));
    return made;
}

/* The text of a root; to be freed with free(). */
static char *text_of(const struct pack_root *root)
{
    struct pack_error error = {0};
    char *text = NULL;
    size_t size = 0;
    assert_pack_ok(pack_root_format(root, &text, &size, &error));
    assert_int_equal(strlen(text), size);
    return text;
}

/* The text with each `from` replaced by `to`; `from` must be there. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const size_t limit = strlen(text) * 4 + 4096;
    char *made = calloc(1, limit);
    size_t used = 0;
    assert_non_null(made);
    assert_non_null(strstr(text, from));
    for (const char *at = text; *at != '\0';) {
        const char *found = strstr(at, from);
        const size_t plain = found != NULL ? (size_t)(found - at) : strlen(at);
        assert_true(used + plain + strlen(to) < limit);
        memcpy(made + used, at, plain);
        used += plain;
        at += plain;
        if (found == NULL)
            break;
        memcpy(made + used, to, strlen(to));
        used += strlen(to);
        at += strlen(from);
    }
    return made;
}

static int parse(const char *text, struct pack_root **root, struct pack_error *error)
{
    *root = NULL;
    return pack_root_parse(root, text, strlen(text), error);
}

/* --- form ------------------------------------------------------------------------------------ */

static void test_canonical_json(void **state)
{
    static const char *const cases[][2] = {
        {"{}", "{}"},
        {"[ ]", "[]"},
        {"{\"b\":1,\"a\":[true,false,null]}", "{\"a\":[true,false,null],\"b\":1}"},
        {"{\"Z\":1,\"a\":2,\"A\":{\"y\":1,\"x\":\"\"}}",
         "{\"A\":{\"x\":\"\",\"y\":1},\"Z\":1,\"a\":2}"},
        {"[\"\\u00e9\\t\\\"\\\\\\/\\u0001\\n\"]", "[\"\xc3\xa9\t\\\"\\\\/\x01\n\"]"},
        {"[9007199254740991, 0]", "[9007199254740991,0]"},
        {"{\"\\\"\":1,\"aa\":3,\"a\":2}", "{\"\\\"\":1,\"a\":2,\"aa\":3}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
        PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = 1000};
        const struct pack_json_value *value = NULL;
        assert_pack_ok(pack_arena_new(&arena, &error));
        assert_pack_ok(pack_json_read(&value, arena, cases[i][0], strlen(cases[i][0]), &error));
        struct pack_json_value copy = *value;
        assert_pack_ok(json_canonical(&buffer, &copy, &error));
        assert_string_equal((const char *)buffer.bytes, cases[i][1]);
    }
}

static void test_format_and_parse_agree(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *root = signed_root(scene);
    PACK_AUTO(pack_root_free) struct pack_root *again = NULL;
    PACK_AUTO_FREE char *text = text_of(root);
    assert_pack_ok(parse(text, &again, &error));
    PACK_AUTO_FREE char *second = text_of(again);
    assert_string_equal(text, second);
    assert_int_equal(again->version, 1);
    assert_int_equal(again->expires, EXPIRES);
    assert_string_equal(again->expires_text, "2030-01-01T00:00:00Z");
    assert_int_equal(again->key_count, 5);
    assert_int_equal(again->signature_count, 2);
    assert_int_equal(again->roles[PACK_ROOT_ROOT].threshold, 2);
    assert_int_equal(again->roles[PACK_ROOT_RELEASE].count, 2);
    assert_int_equal(again->roles[PACK_ROOT_ROLLOUT].threshold, 0);
    /* White space and the order of members say nothing. */
    PACK_AUTO(pack_root_free) struct pack_root *dense = NULL;
    PACK_AUTO_FREE char *joined = replaced(text, "\n", " ");
    struct pack_root_report report;
    assert_pack_ok(parse(joined, &dense, &error));
    assert_pack_ok(pack_root_judge(dense, dense, &report, &error));
}

struct refusal {
    const char *from, *to;
    enum pack_code code;
    const char *says;
};

static const struct refusal refusals[] = {
    {"\"_type\": \"root\"", "\"_type\": \"targets\"", PACK_E_MALFORMED, "\"targets\""},
    {"\"_type\": \"root\"", "\"_type\": \"Root\"", PACK_E_MALFORMED, "type"},
    {"\"_type\": \"root\",", "", PACK_E_MALFORMED, "\"_type\" is missing"},
    {"1.0.31", "2.0", PACK_E_UNSUPPORTED, "TUF 2.0"},
    {"\"version\": 1", "\"version\": 0", PACK_E_MALFORMED, "version 0"},
    {"\"version\": 1", "\"version\": -1", PACK_E_MALFORMED, "negative"},
    {"\"version\": 1", "\"version\": 1.0", PACK_E_MALFORMED, "integer"},
    {"\"version\": 1", "\"version\": \"1\"", PACK_E_MALFORMED, "a number is wanted"},
    {"\"version\": 1", "\"version\": null", PACK_E_MALFORMED, "a number is wanted"},
    /* A5 */
    {"\"threshold\": 2", "\"threshold\": 0", PACK_E_MALFORMED, "threshold 0"},
    {"\"threshold\": 2", "\"threshold\": -1", PACK_E_MALFORMED, "negative"},
    {"\"threshold\": 2", "\"threshold\": 2.0", PACK_E_MALFORMED, "integer"},
    {"\"threshold\": 2", "\"threshold\": \"2\"", PACK_E_MALFORMED, "threshold: a number"},
    {"\"threshold\": 2", "\"threshold\": 9223372036854775808", PACK_E_MALFORMED, "larger"},
    {"\"threshold\": 2", "\"threshold\": 3", PACK_E_MALFORMED, "the threshold 3, with 2 keys"},
    {"\"consistent_snapshot\": true", "\"consistent_snapshot\": 1", PACK_E_MALFORMED,
     "true or false is wanted"},
    {"2030-01-01T00:00:00Z", "2030-01-01", PACK_E_MALFORMED, "expires"},
    {"2030-01-01T00:00:00Z", "2030-02-30T00:00:00Z", PACK_E_MALFORMED, "expires"},
    {"2030-01-01T00:00:00Z", "2030-01-01T00:00:00+00:00", PACK_E_MALFORMED, "expires"},
    {"2030-01-01T00:00:00Z", "", PACK_E_MALFORMED, "expires"},
    {"\"format\": 1", "\"format\": 2", PACK_E_UNSUPPORTED, "format 2"},
    {"\"format\": 1", "\"format\": 0", PACK_E_MALFORMED, "format 0"},
    {"\"format\": 1", "\"format\": 1, \"critical\": [\"moon\"]", PACK_E_UNSUPPORTED, "\"moon\""},
    {"\"keyids\"", "\"key_ids\"", PACK_E_MALFORMED, "\"keyids\" is missing"},
    {"\"snapshot\"", "\"snapshots\"", PACK_E_MALFORMED, "the role snapshot is missing"},
    {"\"keytype\"", "\"type\"", PACK_E_MALFORMED, "\"keytype\" is missing"},
    {"\"sig\"", "\"sign\"", PACK_E_MALFORMED, "\"sig\" is missing"},
    {"\"signatures\"", "\"signature\"", PACK_E_MALFORMED, "\"signatures\" is missing"},
    {"\"signed\"", "\"Signed\"", PACK_E_MALFORMED, "\"signed\" is missing"},
};

static void test_what_is_no_root(void **state)
{
    struct scene *scene = *state;
    PACK_AUTO(pack_root_free) struct pack_root *root = signed_root(scene);
    PACK_AUTO_FREE char *text = text_of(root);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct pack_error error = {0};
        struct pack_root *made = NULL;
        PACK_AUTO_FREE char *other = replaced(text, refusals[i].from, refusals[i].to);
        assert_pack_fails(parse(other, &made, &error), refusals[i].code);
        assert_pack_says(refusals[i].says);
        assert_null(made);
    }
}

static void test_critical_that_is_known(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    PACK_AUTO(pack_root_free) struct pack_root *again = NULL;
    PACK_AUTO_FREE char *text = text_of(root);
    PACK_AUTO_FREE char *other =
        replaced(text, "\"format\": 1",
                 "\"format\": 1, \"critical\": [\"revoked\", \"roles\"], \"moon\": 1");
    assert_pack_ok(parse(other, &again, &error));
    /* What is not known is kept, and covered by the signatures. */
    PACK_AUTO_FREE char *kept = text_of(again);
    assert_non_null(strstr(kept, "\"moon\": 1"));
}

static void test_keys_that_are_not_what_they_say(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_root *made = NULL;
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    PACK_AUTO_FREE char *text = text_of(root);
    char id[PACK_KEYID_SIZE];
    memcpy(id, key(scene, 3)->keyid, sizeof id);
    id[0] = id[0] == 'a' ? 'b' : 'a';
    PACK_AUTO_FREE char *renamed = replaced(text, key(scene, 3)->keyid, id);
    assert_pack_fails(parse(renamed, &made, &error), PACK_E_MALFORMED);
    assert_pack_says("has the id");
    PACK_AUTO_FREE char *unknown =
        replaced(text, key(scene, 4)->keyid, "not a key id, which has 64 hex digits");
    assert_pack_fails(parse(unknown, &made, &error), PACK_E_MALFORMED);
    assert_pack_says("64 lower-case hex digits");
    /* A17: no usable point. */
    char hex[2 * PACK_PUBLIC_KEY_SIZE + 1] = {0};
    for (size_t i = 0; i < PACK_PUBLIC_KEY_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", key(scene, 4)->bytes[i]);
    PACK_AUTO_FREE char *zero =
        replaced(text, hex, "0000000000000000000000000000000000000000000000000000000000000000");
    assert_pack_fails(parse(zero, &made, &error), PACK_E_KEY_INVALID);
    PACK_AUTO_FREE char *brief = replaced(text, hex, "00ff");
    assert_pack_fails(parse(brief, &made, &error), PACK_E_MALFORMED);
    assert_pack_says("4 hex digits, 64 wanted");
}

/* A4: one key under two ids would be two signers. */
static void test_one_key_under_two_ids(void **state)
{
    static const char object[] = "{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"%s\"},"
                                 "\"scheme\":\"ed25519\",\"x\":1}";
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_root *made = NULL;
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    PACK_AUTO_FREE char *text = text_of(root);
    char hex[2 * PACK_PUBLIC_KEY_SIZE + 1] = {0}, canonical[256], id[PACK_SHA256_HEX_SIZE];
    char entry[512];
    uint8_t digest[PACK_SHA256_SIZE];
    for (size_t i = 0; i < PACK_PUBLIC_KEY_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", key(scene, 1)->bytes[i]);
    const int length = snprintf(canonical, sizeof canonical, object, hex);
    assert_pack_ok(pack_sha256_bytes(canonical, (size_t)length, digest, &error));
    pack_sha256_hex(digest, id);
    snprintf(entry, sizeof entry, "\"spec_version\": \"1.0.31\", \"keys\": {\"%s\": %s, ", id,
             canonical);
    PACK_AUTO_FREE char *moved = replaced(text, "\"keys\": {", entry);
    PACK_AUTO_FREE char *twice = replaced(moved, "\"spec_version\": \"1.0.31\",\n", "\n");
    assert_pack_fails(parse(twice, &made, &error), PACK_E_MALFORMED);
    assert_pack_says("stands under two ids");
}

static void test_limits(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_root *made = NULL;
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    PACK_AUTO_FREE char *text = text_of(root);
    PACK_AUTO_FREE char *large = calloc(1, PACK_MAX_ROOT + 1);
    assert_non_null(large);
    memset(large, ' ', PACK_MAX_ROOT + 1);
    assert_pack_fails(pack_root_parse(&made, large, PACK_MAX_ROOT + 1, &error), PACK_E_LIMIT);
    /* A6: more signatures than anybody needs. */
    PACK_AUTO_BUFFER struct pack_buffer many = {.limit = PACK_MAX_ROOT};
    assert_pack_ok(pack_buffer_print(&many, &error, "\"signatures\": ["));
    for (int i = 0; i <= PACK_MAX_SIGNERS; i++)
        assert_pack_ok(pack_buffer_print(&many, &error, "%s{\"keyid\":\"%d\",\"sig\":\"\"}",
                                         i != 0 ? "," : "", i));
    PACK_AUTO_FREE char *other = NULL;
    assert_pack_ok(pack_buffer_append(&many, "", 1, &error));
    other = replaced(text, "\"signatures\": [", (const char *)many.bytes);
    assert_pack_fails(parse(other, &made, &error), PACK_E_LIMIT);
    assert_pack_says("65 entries");
}

/* --- signatures ------------------------------------------------------------------------------ */

static void test_thresholds_count_keys(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_root_report report;
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    assert_pack_fails(pack_root_judge(root, root, &report, &error), PACK_E_NOT_SIGNED);
    sign(root, NULL, scene, 1);
    assert_pack_fails(pack_root_judge(root, root, &report, &error), PACK_E_UNTRUSTED);
    assert_pack_says("1 of 2 signatures");
    sign(root, NULL, scene, 1);
    assert_int_equal(root->signature_count, 1);
    sign(root, NULL, scene, 2);
    assert_pack_ok(pack_root_judge(root, root, &report, &error));
    assert_int_equal(report.good, 2);
    /* A release key is no root key. */
    uint8_t signature[PACK_SIGNATURE_SIZE] = {0};
    assert_pack_fails(pack_root_add_signature(root, NULL, key(scene, 3), signature, &error),
                      PACK_E_UNTRUSTED);
    assert_pack_fails(pack_root_add_signature(root, NULL, key(scene, 1), signature, &error),
                      PACK_E_SIGNATURE);
}

/* A4: the same signature twice, and the same key's id in other letters. */
static void test_a_signature_counts_once(void **state)
{
    struct scene *scene = *state;
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    sign(root, NULL, scene, 1);
    PACK_AUTO_FREE char *text = text_of(root);
    for (int upper = 0; upper < 2; upper++) {
        struct pack_error error = {0};
        PACK_AUTO(pack_root_free) struct pack_root *twice = NULL;
        struct pack_root_report report;
        char entry[512], id[PACK_KEYID_SIZE];
        memcpy(id, key(scene, 1)->keyid, sizeof id);
        for (size_t i = 0; upper && id[i] != '\0'; i++)
            id[i] = (char)(id[i] >= 'a' ? id[i] - 32 : id[i]);
        snprintf(entry, sizeof entry, "\"signatures\": [{\"keyid\":\"%s\",\"sig\":\"%s\"},", id,
                 root->signatures[0].hex);
        PACK_AUTO_FREE char *other = replaced(text, "\"signatures\": [", entry);
        assert_pack_ok(parse(other, &twice, &error));
        assert_int_equal(twice->signature_count, 2);
        assert_pack_fails(pack_root_judge(twice, twice, &report, &error), PACK_E_UNTRUSTED);
        assert_pack_says("1 of 2 signatures");
    }
}

static void test_bad_signatures(void **state)
{
    struct scene *scene = *state;
    PACK_AUTO(pack_root_free) struct pack_root *root = signed_root(scene);
    PACK_AUTO_FREE char *text = text_of(root);
    static const struct {
        size_t cut;
        const char *says;
    } cases[] = {{0, "does not verify"}, {2, "126 hex digits, 128 wanted"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        PACK_AUTO(pack_root_free) struct pack_root *bad = NULL;
        struct pack_root_report report;
        char hex[2 * PACK_SIGNATURE_SIZE + 1];
        snprintf(hex, sizeof hex, "%s", root->signatures[0].hex);
        hex[0] = hex[0] == '0' ? '1' : '0';
        hex[2 * PACK_SIGNATURE_SIZE - cases[i].cut] = '\0';
        PACK_AUTO_FREE char *other = replaced(text, root->signatures[0].hex, hex);
        assert_pack_ok(parse(other, &bad, &error));
        assert_pack_fails(pack_root_judge(bad, bad, &report, &error), PACK_E_SIGNATURE);
        assert_pack_says(cases[i].says);
        assert_int_equal(report.good, 1);
    }
}

/* --- the chain ------------------------------------------------------------------------------- */

static void test_chain_of_fifteen(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *root = signed_root(scene);
    for (unsigned version = 2; version <= 15; version++) {
        struct pack_root *newer = next(root);
        sign(newer, root, scene, 1);
        sign(newer, root, scene, 2);
        assert_pack_ok(pack_root_follow(root, newer, &error));
        assert_int_equal(newer->version, version);
        pack_root_free(&root);
        root = newer;
    }
}

/* A33 */
static void test_a_missing_root_is_named(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *first = signed_root(scene);
    PACK_AUTO(pack_root_free) struct pack_root *second = next(first);
    PACK_AUTO(pack_root_free) struct pack_root *third = next(second);
    sign(third, NULL, scene, 1);
    sign(third, NULL, scene, 2);
    assert_pack_fails(pack_root_follow(first, third, &error), PACK_E_TOO_OLD);
    assert_pack_says("root 2 is missing");
    assert_pack_fails(pack_root_follow(third, first, &error), PACK_E_TOO_OLD);
    assert_pack_fails(pack_root_follow(first, first, &error), PACK_E_TOO_OLD);
}

/* A34: root keys 1 and 2 hand over to 6 and 7. */
static void test_both_roots_must_sign(void **state)
{
    static const struct {
        unsigned signers[4];
        enum pack_code code;
    } cases[] = {
        {{1, 2, 6, 7}, 0},
        {{1, 2, 0, 0}, PACK_E_UNTRUSTED},
        {{6, 7, 0, 0}, PACK_E_UNTRUSTED},
        {{1, 6, 7, 0}, PACK_E_UNTRUSTED},
        {{1, 2, 6, 0}, PACK_E_UNTRUSTED},
        {{0, 0, 0, 0}, PACK_E_NOT_SIGNED},
    };
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *old = signed_root(scene);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO(pack_root_free) struct pack_root *newer = next(old);
        add(newer, scene, PACK_ROOT_ROOT, 6);
        add(newer, scene, PACK_ROOT_ROOT, 7);
        for (unsigned k = 1; k <= 2; k++)
            assert_pack_ok(pack_root_remove(newer, PACK_ROOT_ROOT, key(scene, k)->keyid, &error));
        for (size_t k = 0; k < 4; k++)
            if (cases[i].signers[k] != 0)
                sign(newer, old, scene, cases[i].signers[k]);
        if (cases[i].code == 0)
            assert_pack_ok(pack_root_follow(old, newer, &error));
        else
            assert_pack_fails(pack_root_follow(old, newer, &error), cases[i].code);
    }
}

static void test_revocations_only_grow(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *first = signed_root(scene);
    PACK_AUTO(pack_root_free) struct pack_root *second = next(first);
    assert_pack_ok(pack_root_revoke(second, key(scene, 3), "laptop stolen", &error));
    assert_false(pack_root_key_of(second, key(scene, 3)) != NULL);
    assert_pack_fails(pack_root_add(second, PACK_ROOT_RELEASE, key(scene, 3), &error),
                      PACK_E_REVOKED);
    assert_pack_says("laptop stolen");
    assert_pack_fails(pack_root_revoke(second, key(scene, 3), "again", &error), PACK_E_USAGE);
    sign(second, first, scene, 1);
    sign(second, first, scene, 2);
    assert_pack_ok(pack_root_follow(first, second, &error));
    PACK_AUTO_FREE char *text = text_of(second);
    PACK_AUTO_FREE char *forgetful = replaced(text, "\"revoked\"", "\"forgotten\"");
    PACK_AUTO_FREE char *newer = replaced(forgetful, "\"version\": 2", "\"version\": 3");
    PACK_AUTO(pack_root_free) struct pack_root *third = NULL;
    assert_pack_ok(parse(newer, &third, &error));
    sign(third, second, scene, 1);
    sign(third, second, scene, 2);
    assert_pack_fails(pack_root_follow(second, third, &error), PACK_E_REVOKED);
    assert_pack_says(key(scene, 3)->keyid);
}

static void test_a_revoked_key_holds_nothing(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_root *made = NULL;
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    assert_pack_ok(pack_root_revoke(root, key(scene, 7), "lost", &error));
    PACK_AUTO_FREE char *text = text_of(root);
    char hex[2][2 * PACK_PUBLIC_KEY_SIZE + 1] = {{0}};
    for (size_t i = 0; i < PACK_PUBLIC_KEY_SIZE; i++) {
        snprintf(hex[0] + 2 * i, 3, "%02x", key(scene, 7)->bytes[i]);
        snprintf(hex[1] + 2 * i, 3, "%02x", key(scene, 3)->bytes[i]);
    }
    PACK_AUTO_FREE char *step = replaced(text, hex[0], hex[1]);
    PACK_AUTO_FREE char *other = replaced(step, key(scene, 7)->keyid, key(scene, 3)->keyid);
    assert_pack_fails(parse(other, &made, &error), PACK_E_MALFORMED);
    assert_pack_says("is revoked, and holds the role release");
}

static void test_time(void **state)
{
    static const struct {
        const char *text;
        bool good;
        uint64_t seconds;
    } cases[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"2030-01-01T00:00:00Z", true, EXPIRES},
        {"2024-02-29", true, UINT64_C(1709164800)},
        {"2023-02-29", false, 0},
        {"9999-12-31T23:59:59Z", true, UINT64_C(253402300799)},
        {"2100-03-01T12:34:56Z", true, UINT64_C(4107587696)},
        {"1969-12-31T23:59:59Z", false, 0},
        {"2030-13-01", false, 0},
        {"2030-00-01", false, 0},
        {"2030-01-00", false, 0},
        {"2030-01-01T24:00:00Z", false, 0},
        {"2030-01-01T00:60:00Z", false, 0},
        {"2030-01-01 00:00:00Z", false, 0},
        {"", false, 0},
    };
    struct scene *scene = *state;
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t seconds = 0;
        assert_int_equal(pack_root_time_parse(cases[i].text, &seconds), cases[i].good);
        if (cases[i].good)
            assert_true(seconds == cases[i].seconds);
    }
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    assert_pack_ok(pack_root_check_time(root, EXPIRES - 1, &error));
    assert_pack_fails(pack_root_check_time(root, EXPIRES, &error), PACK_E_EXPIRED);
    assert_pack_says("expired on 2030-01-01T00:00:00Z; it is 2030-01-01T00:00:00Z");
    assert_pack_fails(pack_root_check_time(root, 100, &error), PACK_E_EXPIRED);
    assert_pack_says("the clock says 1970-01-01T00:01:40Z");
}

/* --- edits ----------------------------------------------------------------------------------- */

static void test_edits_that_make_no_sense(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    assert_pack_fails(pack_root_add(root, PACK_ROOT_RELEASE, key(scene, 3), &error), PACK_E_USAGE);
    assert_pack_says("already");
    assert_pack_fails(pack_root_remove(root, PACK_ROOT_RELEASE, key(scene, 1)->keyid, &error),
                      PACK_E_USAGE);
    assert_pack_fails(pack_root_remove(root, PACK_ROOT_DELIVERY, key(scene, 5)->keyid, &error),
                      PACK_E_USAGE);
    assert_pack_fails(pack_root_remove(root, PACK_ROOT_ROOT, key(scene, 1)->keyid, &error),
                      PACK_E_USAGE);
    assert_pack_says("would have 1 key, and 2 must sign");
    assert_pack_fails(pack_root_revoke(root, key(scene, 1), "", &error), PACK_E_USAGE);
    assert_pack_fails(pack_root_revoke(root, key(scene, 4), "two\nlines", &error), PACK_E_USAGE);
    assert_pack_fails(pack_root_threshold(root, PACK_ROOT_RELEASE, 3, &error), PACK_E_USAGE);
    assert_pack_fails(pack_root_threshold(root, PACK_ROOT_RELEASE, 0, &error), PACK_E_USAGE);
    assert_pack_fails(pack_root_threshold(root, PACK_ROOT_ROLLOUT, 1, &error), PACK_E_USAGE);
    assert_pack_ok(pack_root_check_whole(root, &error));
}

static void test_edits_drop_signatures_and_idle_keys(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *root = signed_root(scene);
    assert_int_equal(root->signature_count, 2);
    add(root, scene, PACK_ROOT_ROLLOUT, 6);
    assert_int_equal(root->signature_count, 0);
    assert_int_equal(root->key_count, 6);
    assert_int_equal(root->roles[PACK_ROOT_ROLLOUT].threshold, 1);
    assert_pack_ok(pack_root_remove(root, PACK_ROOT_ROLLOUT, key(scene, 6)->keyid, &error));
    assert_int_equal(root->key_count, 5);
    assert_int_equal(root->roles[PACK_ROOT_ROLLOUT].threshold, 0);
    PACK_AUTO_FREE char *text = text_of(root);
    assert_null(strstr(text, key(scene, 6)->keyid));
}

static void test_fido_keys(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    PACK_AUTO(pack_root_free) struct pack_root *root = draft(scene);
    struct pack_public_key fido = *key(scene, 6);
    assert_pack_ok(pack_public_key_set_application(&fido, "ssh:", 4, &error));
    assert_pack_fails(pack_root_add(root, PACK_ROOT_ROOT, &fido, &error), PACK_E_USAGE);
    assert_pack_says("FIDO");
    assert_pack_ok(pack_root_add(root, PACK_ROOT_RELEASE, &fido, &error));
    PACK_AUTO_FREE char *text = text_of(root);
    PACK_AUTO(pack_root_free) struct pack_root *again = NULL;
    assert_pack_ok(parse(text, &again, &error));
    const struct pack_root_key *known = pack_root_key_of(again, &fido);
    assert_non_null(known);
    assert_string_equal(known->key.application, "ssh:");
    assert_string_equal(known->key.keyid, fido.keyid);
    assert_string_equal(known->id, fido.keyid);
    /* Revoked, it keeps its id, and the bare key is revoked with it. */
    assert_pack_ok(pack_root_revoke(again, &fido, "lost", &error));
    PACK_AUTO_FREE char *revoked = text_of(again);
    PACK_AUTO(pack_root_free) struct pack_root *third = NULL;
    assert_pack_ok(parse(revoked, &third, &error));
    assert_non_null(pack_root_revocation_of(third, key(scene, 6)));
    assert_string_equal(third->revoked[0].key.keyid, fido.keyid);
    assert_string_equal(known->type, ROOT_TYPE_FIDO);
}

/* --- trust ----------------------------------------------------------------------------------- */

static const struct pack_root_rules usual = {.has_clock = true, .now = NOW};

/* The trust of a root, which it takes. */
static struct pack_trust *trust_of(struct pack_root *root, const struct pack_root_rules *rules)
{
    struct pack_error error = {0};
    struct pack_trust *trust = NULL;
    assert_pack_ok(pack_trust_from_root(&trust, &root, rules, &error));
    assert_null(root);
    return trust;
}

static void test_trust_has_the_roots_roles(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_root *root = draft(scene);
    assert_pack_ok(pack_root_threshold(root, PACK_ROOT_RELEASE, 2, &error));
    assert_pack_ok(pack_root_revoke(root, key(scene, 7), "lost", &error));
    sign(root, NULL, scene, 1);
    sign(root, NULL, scene, 2);
    PACK_AUTO(pack_trust_free) struct pack_trust *trust = trust_of(root, &usual);
    assert_int_equal(pack_trust_key_count(trust, PACK_ROLE_RELEASE), 2);
    assert_int_equal(pack_trust_key_count(trust, PACK_ROLE_DELIVERY), 1);
    assert_int_equal(pack_trust_required(trust, PACK_ROLE_RELEASE), 2);
    assert_int_equal(pack_trust_roles(trust, key(scene, 3)), 1 << PACK_ROLE_RELEASE);
    assert_int_equal(pack_trust_roles(trust, key(scene, 5)), 1 << PACK_ROLE_DELIVERY);
    assert_int_equal(pack_trust_roles(trust, key(scene, 1)), 0);
    assert_int_equal(pack_trust_roles(trust, key(scene, 7)), 0);
    /* A10: the ids that signatures carry are the keys' own. */
    const struct pack_public_key *held = pack_trust_key(trust, PACK_ROLE_DELIVERY, 0);
    assert_true(held->has_minisign_id);
    assert_memory_equal(held->minisign_id, key(scene, 5)->minisign_id, PACK_MINISIGN_ID_SIZE);
}

static void test_require_may_only_raise(void **state)
{
    struct scene *scene = *state;
    for (unsigned require = 1; require <= 3; require++) {
        struct pack_error error = {0};
        struct pack_trust *trust = NULL;
        struct pack_root *root = draft(scene);
        add(root, scene, PACK_ROOT_RELEASE, 6);
        assert_pack_ok(pack_root_threshold(root, PACK_ROOT_RELEASE, 2, &error));
        sign(root, NULL, scene, 1);
        sign(root, NULL, scene, 2);
        const struct pack_root_rules rules = {.require = require};
        if (require == 1)
            assert_pack_fails(pack_trust_from_root(&trust, &root, &rules, &error), PACK_E_USAGE);
        else
            assert_pack_ok(pack_trust_from_root(&trust, &root, &rules, &error));
        if (require == 3)
            assert_int_equal(pack_trust_required(trust, PACK_ROLE_RELEASE), 3);
        pack_trust_free(&trust);
    }
}

static void test_a_draft_is_not_trusted(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_trust *trust = NULL;
    struct pack_root *root = draft(scene);
    sign(root, NULL, scene, 1);
    assert_pack_fails(pack_trust_from_root(&trust, &root, &usual, &error), PACK_E_UNTRUSTED);
    assert_null(root);
    assert_null(trust);
}

/* A123 */
static void test_demo_keys_need_to_be_allowed(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_trust *trust = NULL;
    struct pack_public_key demo = *key(scene, 6);
    memcpy(demo.minisign_id, "DEMO1234", PACK_MINISIGN_ID_SIZE);
    struct pack_root_rules rules = usual;
    for (int allowed = 0; allowed < 2; allowed++) {
        struct pack_root *root = draft(scene);
        assert_pack_ok(pack_root_add(root, PACK_ROOT_DELIVERY, &demo, &error));
        sign(root, NULL, scene, 1);
        sign(root, NULL, scene, 2);
        rules.allow_demo_keys = allowed;
        if (!allowed)
            assert_pack_fails(pack_trust_from_root(&trust, &root, &rules, &error),
                              PACK_E_UNTRUSTED);
        else
            assert_pack_ok(pack_trust_from_root(&trust, &root, &rules, &error));
    }
    pack_trust_free(&trust);
}

/* Root 1 and the files of roots 2 to 4, each adding a release key or none. */
struct chain {
    struct pack_root *roots[5]; /* by version */
    char *texts[5];
    char names[5][32];
    struct pack_root_file files[3];
};

static void chain_make(struct chain *chain, const struct scene *scene)
{
    memset(chain, 0, sizeof *chain);
    chain->roots[1] = signed_root(scene);
    for (unsigned i = 2; i <= 4; i++) {
        chain->roots[i] = next(chain->roots[i - 1]);
        if (i > 2)
            add(chain->roots[i], scene, PACK_ROOT_RELEASE, i + 3);
        sign(chain->roots[i], chain->roots[i - 1], scene, 1);
        sign(chain->roots[i], chain->roots[i - 1], scene, 2);
        chain->texts[i] = text_of(chain->roots[i]);
        snprintf(chain->names[i], sizeof chain->names[i], "roots/%u.root.json", i);
        chain->files[i - 2] =
            (struct pack_root_file){chain->names[i], i, chain->texts[i], strlen(chain->texts[i])};
    }
}

static void chain_clear(struct chain *chain)
{
    for (unsigned i = 1; i <= 4; i++) {
        pack_root_free(&chain->roots[i]);
        free(chain->texts[i]);
    }
}

static int follow(const struct chain *chain, unsigned from, const struct pack_root_file *files,
                  size_t count, struct pack_trust **newest, struct pack_error *error)
{
    PACK_AUTO_FREE char *text = text_of(chain->roots[from]);
    struct pack_root *root = NULL;
    assert_int_equal(parse(text, &root, error), 0);
    PACK_AUTO(pack_trust_free) struct pack_trust *trust = trust_of(root, &usual);
    return pack_trust_follow(newest, trust, files, count, error);
}

static void test_a_bundles_roots_lead_on(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    __attribute__((cleanup(chain_clear))) struct chain chain;
    chain_make(&chain, scene);
    for (unsigned from = 1; from <= 4; from++) {
        PACK_AUTO(pack_trust_free) struct pack_trust *newest = NULL;
        assert_pack_ok(follow(&chain, from, chain.files, 3, &newest, &error));
        if (from == 4) {
            assert_null(newest);
            continue;
        }
        assert_int_equal(pack_trust_root(newest)->version, 4);
        assert_int_equal(pack_trust_key_count(newest, PACK_ROLE_RELEASE), 4);
    }
    PACK_AUTO(pack_trust_free) struct pack_trust *none = NULL;
    assert_pack_fails(follow(&chain, 1, chain.files + 1, 2, &none, &error), PACK_E_TOO_OLD);
    assert_pack_says("root 2 is missing");
    assert_null(none);
}

/* A10: no byte of a root in a bundle is free. */
static void test_each_byte_of_a_bundles_root_counts(void **state)
{
    struct scene *scene = *state;
    __attribute__((cleanup(chain_clear))) struct chain chain;
    chain_make(&chain, scene);
    struct pack_root_file file = chain.files[0];
    for (size_t i = 0; i < file.size; i++) {
        struct pack_error error = {0};
        struct pack_trust *newest = NULL;
        char *byte = chain.texts[2] + i;
        *byte = (char)(*byte ^ (1 << (i % 7)));
        assert_int_not_equal(follow(&chain, 1, &file, 1, &newest, &error), 0);
        assert_null(newest);
        *byte = (char)(*byte ^ (1 << (i % 7)));
    }
}

/* A31: two roots of one version. */
static void test_the_same_version_with_other_keys(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_trust *newest = NULL;
    __attribute__((cleanup(chain_clear))) struct chain chain;
    chain_make(&chain, scene);
    PACK_AUTO(pack_root_free) struct pack_root *other = next(chain.roots[1]);
    add(other, scene, PACK_ROOT_DELIVERY, 6);
    sign(other, chain.roots[1], scene, 1);
    sign(other, chain.roots[1], scene, 2);
    PACK_AUTO_FREE char *text = text_of(other);
    const struct pack_root_file file = {"roots/2.root.json", 2, text, strlen(text)};
    assert_pack_fails(follow(&chain, 2, &file, 1, &newest, &error), PACK_E_SIGNATURE);
    assert_pack_ok(follow(&chain, 3, &file, 1, &newest, &error));
    assert_null(newest);
}

static void test_only_the_newest_root_must_be_fresh(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    struct pack_trust *newest = NULL;
    struct pack_root *root = signed_root(scene), *newer = NULL;
    assert_pack_ok(pack_root_next(&newer, root, EXPIRES + 1000, &error));
    sign(newer, root, scene, 1);
    sign(newer, root, scene, 2);
    PACK_AUTO_FREE char *text = text_of(newer);
    const struct pack_root_file file = {"roots/2.root.json", 2, text, strlen(text)};
    const struct pack_root_rules late = {.has_clock = true, .now = EXPIRES + 1};
    PACK_AUTO(pack_trust_free) struct pack_trust *trust = trust_of(root, &late);
    assert_pack_fails(pack_trust_follow(&newest, trust, NULL, 0, &error), PACK_E_EXPIRED);
    assert_pack_ok(pack_trust_follow(&newest, trust, &file, 1, &error));
    pack_trust_free(&newest);
    const struct pack_root_rules later = {.has_clock = true, .now = EXPIRES + 1000};
    PACK_AUTO(pack_trust_free) struct pack_trust *expired = trust_of(newer, &later);
    assert_pack_fails(pack_trust_follow(&newest, expired, NULL, 0, &error), PACK_E_EXPIRED);
    assert_pack_says("root 2 expired");
}

/* --- other tools' roots ---------------------------------------------------------------------- */

static void test_roots_of_other_tools(void **state)
{
    static const struct {
        const char *name;
        size_t usable;
        int verdict;
    } cases[] = {
        {"vectors/python-tuf-repository/ed25519_metadata/root_with_ed25519.json", 4, 0},
        {"vectors/python-tuf-repository/repository/metadata/1.root.json", 3, PACK_E_UNTRUSTED},
        {"vectors/tuf-js-fixtures/root.json", 3, PACK_E_UNTRUSTED},
        {"vectors/tuf-static/tuf-on-ci-0.11/metadata/1.root.json", 0, PACK_E_UNTRUSTED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        PACK_AUTO_FREE char *path = test_shared(cases[i].name);
        PACK_AUTO(pack_root_free) struct pack_root *root = NULL;
        struct pack_root_report report;
        size_t usable = 0;
        assert_pack_ok(pack_root_load(&root, path, &error));
        for (size_t k = 0; k < root->key_count; k++)
            usable += root->keys[k].usable;
        assert_int_equal(usable, cases[i].usable);
        assert_int_equal(pack_root_judge(root, root, &report, &error), cases[i].verdict);
        if (cases[i].verdict != 0)
            continue;
        /* Signed, but no word of who may sign firmware. */
        struct pack_trust *trust = NULL;
        assert_pack_fails(pack_trust_from_root(&trust, &root, &usual, &error), PACK_E_UNTRUSTED);
        assert_pack_says("names nobody for the role release");
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_canonical_json),
        CASE(test_format_and_parse_agree),
        CASE(test_what_is_no_root),
        CASE(test_critical_that_is_known),
        CASE(test_keys_that_are_not_what_they_say),
        CASE(test_one_key_under_two_ids),
        CASE(test_limits),
        CASE(test_thresholds_count_keys),
        CASE(test_a_signature_counts_once),
        CASE(test_bad_signatures),
        CASE(test_chain_of_fifteen),
        CASE(test_a_missing_root_is_named),
        CASE(test_both_roots_must_sign),
        CASE(test_revocations_only_grow),
        CASE(test_a_revoked_key_holds_nothing),
        CASE(test_time),
        CASE(test_edits_that_make_no_sense),
        CASE(test_edits_drop_signatures_and_idle_keys),
        CASE(test_fido_keys),
        CASE(test_trust_has_the_roots_roles),
        CASE(test_require_may_only_raise),
        CASE(test_a_draft_is_not_trusted),
        CASE(test_demo_keys_need_to_be_allowed),
        CASE(test_a_bundles_roots_lead_on),
        CASE(test_each_byte_of_a_bundles_root_counts),
        CASE(test_the_same_version_with_other_keys),
        CASE(test_only_the_newest_root_must_be_fresh),
        CASE(test_roots_of_other_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
