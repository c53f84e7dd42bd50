/* SPDX-License-Identifier: MIT */
/* DSSE envelopes, statements, and which attestations are believed. */
#include "pack/attest.h"
#include "support/keys.h"

#include "base/memory.h"
#include "crypto/textline.h"

#include <stdio.h>
#include <stdlib.h>

/* --- a release, two keys, a trust ------------------------------------------------------------ */

struct scene {
    struct pack_secret_key *keys[4]; /* 1 is trusted for all, 2 not at all, 3 as a test says */
    struct pack_trust *trust;
    struct pack_release_image images[2];
    struct pack_release release;
    uint8_t release_sha256[PACK_SHA256_SIZE];
    struct pack_provenance provenance;
    char *statement;
    size_t statement_size;
    char *envelope;
    size_t envelope_size;
    struct pack_attestation *attestation;
    struct pack_error error;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    assert_non_null(scene);
    for (uint8_t i = 1; i < 4; i++)
        scene->keys[i] = test_key(i);
    scene->images[0] = (struct pack_release_image){.name = "boot", .slot = "boot", .size = 1};
    scene->images[1] = (struct pack_release_image){.name = "rootfs", .slot = "rootfs", .size = 2};
    memset(scene->images[0].sha256, 0xb0, PACK_SHA256_SIZE);
    memset(scene->images[1].sha256, 0xf5, PACK_SHA256_SIZE);
    memset(scene->release_sha256, 0x77, PACK_SHA256_SIZE);
    scene->release = (struct pack_release){
        .product = "acme-gateway", .version = "1.2.3", .image_count = 2, .images = scene->images};
    scene->provenance = (struct pack_provenance){.release = &scene->release,
                                                 .release_sha256 = scene->release_sha256,
                                                 .builder_id = "https://ci.example.org/builder"};
    *state = scene;
    const int code = pack_trust_new(&scene->trust, &scene->error);
    return code != 0
               ? code
               : pack_trust_add(scene->trust, pack_secret_key_public(scene->keys[1]),
                                1U << PACK_ROLE_RELEASE | 1U << PACK_ROLE_DELIVERY, &scene->error);
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    for (size_t i = 1; i < 4; i++)
        pack_secret_key_free(&scene->keys[i]);
    pack_attestation_free(&scene->attestation);
    pack_trust_free(&scene->trust);
    free(scene->statement);
    free(scene->envelope);
    free(scene);
    return 0;
}

static void sign_bytes(struct scene *scene, const void *payload, size_t size,
                       const unsigned *numbers, size_t count)
{
    struct pack_signer signers[3];
    struct pack_error error = {0};
    for (size_t i = 0; i < count; i++)
        signers[i] = pack_signer_from_key(scene->keys[numbers[i]]);
    free(scene->envelope);
    assert_pack_ok(pack_envelope_sign(&scene->envelope, &scene->envelope_size, payload, size,
                                      signers, count, &error));
}

static void sign_text(struct scene *scene, const char *payload)
{
    sign_bytes(scene, payload, strlen(payload), (const unsigned[]){1}, 1);
}

/* The statement of the scene's provenance, in an envelope by these keys. */
static void attest(struct scene *scene, const unsigned *numbers, size_t count)
{
    struct pack_error error = {0};
    free(scene->statement);
    assert_pack_ok(pack_provenance_write(&scene->statement, &scene->statement_size,
                                         &scene->provenance, &error));
    sign_bytes(scene, scene->statement, scene->statement_size, numbers, count);
}

static int verify_bytes(struct scene *scene, const void *bytes, size_t size,
                        struct pack_error *error)
{
    pack_attestation_free(&scene->attestation);
    pack_error_clear(error);
    return pack_attestation_verify(&scene->attestation, bytes, size, scene->trust, &scene->release,
                                   scene->release_sha256, error);
}

static int verify(struct scene *scene, struct pack_error *error)
{
    return verify_bytes(scene, scene->envelope, scene->envelope_size, error);
}

/* The envelope's text with one piece replaced by another. */
static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *made = NULL;
    assert_non_null(at);
    assert_true(asprintf(&made, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    return made;
}

/* --- what is signed -------------------------------------------------------------------------- */

static void the_protocols_own_vector(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    assert_pack_ok(pack_dsse_encode(&bytes, &size, "http://example.com/HelloWorld", "hello world",
                                    11, &error));
    assert_int_equal(size, 54);
    assert_memory_equal(bytes, "DSSEv1 29 http://example.com/HelloWorld 11 hello world", 54);
}

static void lengths_are_in_bytes(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    assert_pack_ok(pack_dsse_encode(&bytes, &size, "\xc3\xa9", "\0\n", 2, &error));
    assert_int_equal(size, 16);
    assert_memory_equal(bytes, "DSSEv1 2 \xc3\xa9 2 \0\n", 16);
    free(bytes);
    assert_pack_ok(pack_dsse_encode(&bytes, &size, "", "", 0, &error));
    assert_memory_equal(bytes, "DSSEv1 0  0 ", 12);
    assert_int_equal(size, 12);
}

/* `openssl pkey -pubin -outform DER | sha256sum` of RFC 8032's first key says the same. */
static void a_key_id_is_of_the_spki(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct pack_public_key key = {.has_minisign_id = false};
    char keyid[PACK_SHA256_HEX_SIZE];
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes =
        test_unhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", &size);
    memcpy(key.bytes, bytes, PACK_PUBLIC_KEY_SIZE);
    assert_pack_ok(pack_dsse_keyid(&key, keyid, &error));
    assert_string_equal(keyid, "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9");
}

/* --- envelopes ------------------------------------------------------------------------------- */

static int parse(const char *text, struct pack_error *error)
{
    PACK_AUTO(pack_envelope_free) struct pack_envelope *envelope = NULL;
    pack_error_clear(error);
    return pack_envelope_parse(&envelope, text, strlen(text), error);
}

static void an_envelope_is_read(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pack_envelope_free) struct pack_envelope *envelope = NULL;
    /* The protocol's own, and a second signature; what is not known is ignored. */
    static const char text[] =
        "{\"payload\": \"aGVsbG8gd29ybGQ=\",\n"
        " \"payloadType\": \"http://example.com/HelloWorld\",\n"
        " \"signatures\": [{\"sig\": \"A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJT"
        "fUiHqJPcIAriEGAHTVeCUjW2JIZA==\"}, {\"keyid\": \"k\", \"sig\": \"-_8=\", \"cert\": -1.5}],"
        " \"more\": null}";
    assert_pack_ok(pack_envelope_parse(&envelope, text, sizeof text - 1, &error));
    assert_string_equal(envelope->payload_type, "http://example.com/HelloWorld");
    assert_int_equal(envelope->payload_size, 11);
    assert_string_equal((const char *)envelope->payload, "hello world");
    assert_int_equal(envelope->signature_count, 2);
    assert_string_equal(envelope->signatures[0].keyid, "");
    assert_int_equal(envelope->signatures[0].size, 64);
    assert_int_equal(envelope->signatures[0].bytes[0], 0x03);
    assert_string_equal(envelope->signatures[1].keyid, "k");
    assert_memory_equal(envelope->signatures[1].bytes, "\xfb\xff", 2);
}

#define ENVELOPE(payload, type, signatures) \
    "{\"payload\":" payload ",\"payloadType\":" type ",\"signatures\":" signatures "}"

static void what_is_no_envelope_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "object or array"},
        {"[]", "an object is wanted"},
        {"{}", "payload: is missing"},
        {"{\"payload\":\"\"}", "payloadType: is missing"},
        {"{\"payload\":\"\",\"payloadType\":\"\"}", "signatures: is missing"},
        {ENVELOPE("1", "\"t\"", "[]"), "payload: a string is wanted, not a number"},
        {ENVELOPE("\"\"", "null", "[]"), "payloadType: a string is wanted"},
        {ENVELOPE("\"\"", "\"t\"", "{}"), "signatures: an array is wanted"},
        {ENVELOPE("\"\"", "\"t\"", "[1]"), "signatures[0]: an object is wanted"},
        {ENVELOPE("\"\"", "\"t\"", "[{}]"), "signatures[0].sig: is missing"},
        {ENVELOPE("\"\"", "\"t\"", "[{\"sig\":7}]"), "signatures[0].sig: a string is wanted"},
        {ENVELOPE("\"\"", "\"t\"", "[{\"sig\":\"\",\"keyid\":1}]"), "signatures[0].keyid"},
        /* base64 that has more than one spelling */
        {ENVELOPE("\"aGVsbG8\"", "\"t\"", "[]"), "payload: is not padded base64"},
        {ENVELOPE("\"aGVsbG9=\"", "\"t\"", "[]"), "payload: is not padded base64"},
        {ENVELOPE("\"aGVs bG8=\"", "\"t\"", "[]"), "payload: is not padded base64"},
        {ENVELOPE("\"aGVsbG8=\\n\"", "\"t\"", "[]"), "payload: is not padded base64"},
        {ENVELOPE("\"+_8=\"", "\"t\"", "[]"), "payload: is not padded base64"},
        {ENVELOPE("\"====\"", "\"t\"", "[]"), "payload: is not padded base64"},
        /* a signature that stands for two */
        {ENVELOPE("\"\"", "\"t\"", "[{\"sig\":\"AA==\"},{\"sig\":\"AA==\"}]"),
         "signatures[1]: the same signature as signatures[0]"},
        {ENVELOPE("\"\"", "\"t\"",
                  "[{\"sig\":\"AA==\",\"keyid\":\"k\"},{\"sig\":\"AQ==\",\"keyid\":\"k\"}]"),
         "signatures[1]: the same key id as signatures[0]"},
        {"{\"payload\":\"\",\"payload\":\"\"}", "the same member twice"},
    };
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_pack_fails(parse(cases[i].text, &error), PACK_E_MALFORMED);
        assert_pack_says(cases[i].says);
    }
}

static void an_envelope_has_limits(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_FREE char *large = malloc(3 * PACK_MAX_DOCUMENT);
    assert_non_null(large);
    memset(large, ' ', 3 * PACK_MAX_DOCUMENT);
    PACK_AUTO(pack_envelope_free) struct pack_envelope *envelope = NULL;
    assert_pack_fails(pack_envelope_parse(&envelope, large, 3 * PACK_MAX_DOCUMENT, &error),
                      PACK_E_LIMIT);
    size_t used = (size_t)sprintf(
        large, "{\"payload\":\"\",\"payloadType\":\"\",\"signatures\":[{\"sig\":\"AAAA\"}");
    for (int i = 0; i < PACK_MAX_SIGNERS; i++)
        used += (size_t)sprintf(large + used, ",{\"sig\":\"AA%02d\"}", i);
    strcpy(large + used, "]}");
    assert_pack_fails(parse(large, &error), PACK_E_LIMIT);
    assert_pack_says("has 65 entries");
}

/* --- statements ------------------------------------------------------------------------------ */

static void a_statement_has_these_bytes(void **state)
{
    struct scene *scene = *state;
    const struct pack_parameter parameters[] = {{"VERSION", "1.2.3"}, {"descriptor", "a \"b\""}};
    const struct pack_dependency dependencies[] = {
        {"git+https://example.org/acme", "gitCommit", "0123456789012345678901234567890123456789"}};
    scene->provenance.parameter_count = 2;
    scene->provenance.parameters = parameters;
    scene->provenance.dependency_count = 1;
    scene->provenance.dependencies = dependencies;
    scene->provenance.invocation_id = "run 7";
    scene->provenance.has_time = true;
    scene->provenance.time = 1709208000;
    attest(scene, (const unsigned[]){1}, 1);
    char boot[65], rootfs[65], release[65];
    pack_sha256_hex(scene->images[0].sha256, boot);
    pack_sha256_hex(scene->images[1].sha256, rootfs);
    pack_sha256_hex(scene->release_sha256, release);
    PACK_AUTO_FREE char *wanted = NULL;
    assert_true(
        asprintf(
            &wanted,
            "{\n  \"_type\": \"https://in-toto.io/Statement/v1\",\n  \"subject\": [\n"
            "    {\n      \"name\": \"boot\",\n      \"digest\": {\n        \"sha256\": \"%s\"\n"
            "      }\n    },\n"
            "    {\n      \"name\": \"rootfs\",\n      \"digest\": {\n        \"sha256\": \"%s\"\n"
            "      }\n    },\n"
            "    {\n      \"name\": \"release.json\",\n      \"digest\": {\n"
            "        \"sha256\": \"%s\"\n      }\n    }\n  ],\n"
            "  \"predicateType\": \"https://slsa.dev/provenance/v1\",\n  \"predicate\": {\n"
            "    \"buildDefinition\": {\n      \"buildType\": \"urn:fwpack:build:release-1\",\n"
            "      \"externalParameters\": {\n        \"product\": \"acme-gateway\",\n"
            "        \"version\": \"1.2.3\",\n        \"parameters\": {\n"
            "          \"VERSION\": \"1.2.3\",\n          \"descriptor\": \"a \\\"b\\\"\"\n"
            "        }\n      },\n      \"resolvedDependencies\": [\n        {\n"
            "          \"uri\": \"git+https://example.org/acme\",\n          \"digest\": {\n"
            "            \"gitCommit\": \"0123456789012345678901234567890123456789\"\n"
            "          }\n        }\n      ]\n    },\n    \"runDetails\": {\n"
            "      \"builder\": {\n        \"id\": \"https://ci.example.org/builder\"\n      },\n"
            "      \"metadata\": {\n        \"invocationId\": \"run 7\",\n"
            "        \"startedOn\": \"2024-02-29T12:00:00Z\",\n"
            "        \"finishedOn\": \"2024-02-29T12:00:00Z\"\n      }\n    }\n  }\n}\n",
            boot, rootfs, release) > 0);
    assert_string_equal(scene->statement, wanted);
}

static void what_is_no_uri_builds_nothing(void **state)
{
    struct scene *scene = *state;
    static const char *const bad[] = {"",     "builder",          "https:", "1a:x", "https://a b",
                                      "x:\n", "https://\xc3\xa9", ":x"};
    struct pack_error error = {0};
    char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        scene->provenance.builder_id = bad[i];
        assert_pack_fails(pack_provenance_write(&text, &size, &scene->provenance, &error),
                          PACK_E_USAGE);
        assert_pack_says("builder id");
    }
}

static void parameters_stand_once(void **state)
{
    struct scene *scene = *state;
    const struct pack_parameter twice[] = {{"A", "1"}, {"B", "1"}, {"A", "1"}};
    struct pack_error error = {0};
    char *text = NULL;
    size_t size = 0;
    scene->provenance.parameter_count = 3;
    scene->provenance.parameters = twice;
    assert_pack_fails(pack_provenance_write(&text, &size, &scene->provenance, &error),
                      PACK_E_USAGE);
    assert_pack_says("parameter 'A' is given twice");
}

static void a_dependency_is_a_uri_and_a_digest(void **state)
{
    (void)state;
#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"https://example.org/a", "has no digest"},
        {"https://example.org/a@" HEX64, "has no digest"},
        {"https://example.org/a@sha265:" HEX64, "there is no digest 'sha265'"},
        {"https://example.org/a@sha256:" HEX64 "00", "64 lower-case"},
        {"https://example.org/a@sha256:0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF"
         "0123456789ABCDEF",
         "64 lower-case"},
        {"@sha256:" HEX64, "is no URI"},
        {"file@sha256:" HEX64, "is no URI"},
    };
    struct pack_dependency dependency = {0};
    struct pack_error error = {0};
    PACK_AUTO_FREE char *storage = NULL;
    assert_pack_ok(pack_dependency_parse(&dependency, &storage,
                                         "git+ssh://git@example.org/a@sha256:" HEX64, &error));
    assert_string_equal(dependency.uri, "git+ssh://git@example.org/a");
    assert_string_equal(dependency.algorithm, "sha256");
    assert_string_equal(dependency.digest, HEX64);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *none = NULL;
        assert_pack_fails(pack_dependency_parse(&dependency, &none, bad[i].text, &error),
                          PACK_E_USAGE);
        assert_pack_says(bad[i].says);
        assert_null(none);
    }
}

/* --- which are believed ---------------------------------------------------------------------- */

static void a_good_one_is_believed(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    attest(scene, (const unsigned[]){2, 1}, 2);
    assert_pack_ok(verify(scene, &error));
    const struct pack_attestation *attestation = scene->attestation;
    assert_int_equal(attestation->signer_count, 2);
    assert_int_equal(attestation->signers[0].state, PACK_SIGNER_UNKNOWN);
    assert_int_equal(attestation->signers[1].state, PACK_SIGNER_GOOD);
    assert_string_equal(attestation->signers[1].keyid,
                        pack_secret_key_public(scene->keys[1])->keyid);
    assert_string_equal(attestation->builder_id, "https://ci.example.org/builder");
    assert_string_equal(attestation->build_type, PACK_BUILD_TYPE);
    assert_null(attestation->invocation_id);
    assert_true(attestation->covers[0] && attestation->covers[1] && attestation->covers_release);
}

/* A key id is a hint that nobody signed: the signature decides. */
static void a_key_id_decides_nothing(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    char first[65], second[65];
    attest(scene, (const unsigned[]){1}, 1);
    assert_pack_ok(pack_dsse_keyid(pack_secret_key_public(scene->keys[1]), first, &error));
    assert_pack_ok(pack_dsse_keyid(pack_secret_key_public(scene->keys[2]), second, &error));
    PACK_AUTO_FREE char *other = replaced(scene->envelope, first, second);
    assert_pack_ok(verify_bytes(scene, other, strlen(other), &error));
    PACK_AUTO_FREE char *none = replaced(scene->envelope, first, "");
    assert_pack_ok(verify_bytes(scene, none, strlen(none), &error));
    attest(scene, (const unsigned[]){2}, 1);
    PACK_AUTO_FREE char *named = replaced(scene->envelope, second, first);
    assert_pack_fails(verify_bytes(scene, named, strlen(named), &error), PACK_E_SIGNATURE);
    assert_pack_says("does not verify with key");
}

static void each_verdict_has_its_code(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    attest(scene, NULL, 0);
    assert_pack_fails(verify(scene, &error), PACK_E_NOT_SIGNED);
    attest(scene, (const unsigned[]){2}, 1);
    assert_pack_fails(verify(scene, &error), PACK_E_UNTRUSTED);
    assert_pack_ok(pack_trust_add(scene->trust, pack_secret_key_public(scene->keys[3]),
                                  1U << PACK_ROLE_DELIVERY, &error));
    attest(scene, (const unsigned[]){3}, 1);
    assert_pack_ok(verify(scene, &error));
    assert_pack_ok(
        pack_trust_revoke(scene->trust, pack_secret_key_public(scene->keys[3]), "lost", &error));
    assert_pack_fails(verify(scene, &error), PACK_E_REVOKED);
    attest(scene, (const unsigned[]){3, 1}, 2);
    assert_pack_ok(verify(scene, &error));
    assert_int_equal(scene->attestation->signers[0].state, PACK_SIGNER_REVOKED);
}

/* A7: a key of another role, and a signature that was made for something else. */
static void a7_no_role_and_no_other_type(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    assert_pack_ok(pack_trust_add(scene->trust, pack_secret_key_public(scene->keys[3]),
                                  1U << PACK_ROLE_ROLLOUT, &error));
    attest(scene, (const unsigned[]){3}, 1);
    assert_pack_fails(verify(scene, &error), PACK_E_UNTRUSTED);

    uint8_t bare[PACK_SIGNATURE_SIZE];
    char text[PACK_BASE64_TEXT_SIZE(PACK_SIGNATURE_SIZE)];
    attest(scene, (const unsigned[]){1}, 1);
    const struct pack_signer signer = pack_signer_from_key(scene->keys[1]);
    assert_pack_ok(
        pack_signer_sign(&signer, scene->statement, scene->statement_size, bare, &error));
    pack_base64_encode(text, sizeof text, bare, sizeof bare);
    char *sig = strstr(scene->envelope, "\"sig\":\"") + strlen("\"sig\":\"");
    memcpy(sig, text, strlen(text));
    assert_pack_fails(verify(scene, &error), PACK_E_SIGNATURE);
}

/* A8: the payload's type is exactly one. */
static void a8_the_payload_type_is_exact(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    static const char *const others[] = {
        "",
        "application/vnd.in-toto",
        "application/json",
        "application/vnd.in-toto+JSON",
        "Application/vnd.in-toto+json",
        "application/vnd.in-toto+json ",
        " application/vnd.in-toto+json",
        "application/vnd.in-toto+json\\n",
        "application/vnd.in-toto+json\\u0000",
    };
    attest(scene, (const unsigned[]){1}, 1);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        PACK_AUTO_FREE char *text = replaced(scene->envelope, PACK_ATTESTATION_TYPE, others[i]);
        assert_pack_fails(verify_bytes(scene, text, strlen(text), &error), PACK_E_MALFORMED);
    }
}

/* A10: a bit of the payload or of the signature. */
static void a10_every_altered_character_is_noticed(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    attest(scene, (const unsigned[]){1}, 1);
    const size_t payload = (size_t)(strstr(scene->envelope, "\"payloadType\"") - scene->envelope);
    const size_t sig = (size_t)(strstr(scene->envelope, "\"sig\"") - scene->envelope);
    for (size_t i = 0; i < scene->envelope_size; i++) {
        if (i > payload && i < sig) /* the key id is a hint, and free */
            continue;
        scene->envelope[i] ^= 1;
        const int code = verify(scene, &error);
        assert_true(code != 0 || scene->envelope[i] == '\n' || i + 1 == scene->envelope_size);
        scene->envelope[i] ^= 1;
    }
}

#define STATEMENT(type, subject, predicate_type)                                          \
    "{\"_type\":\"" type "\",\"subject\":" subject ",\"predicateType\":\"" predicate_type \
    "\",\"predicate\":{\"buildDefinition\":{\"buildType\":\"x:y\"},\"runDetails\":{"      \
    "\"builder\":{\"id\":\"x:z\"}}}}"
#define BOOT "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
#define ROOTFS "f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5"
#define SUBJECT(name, hex) "{\"name\":\"" name "\",\"digest\":{\"sha256\":\"" hex "\"}}"

static void what_it_attests_is_compared(void **state)
{
    struct scene *scene = *state;
    static const struct {
        const char *statement;
        enum pack_code code;
        const char *says;
    } cases[] = {
        {STATEMENT(PACK_STATEMENT_TYPE, "[" SUBJECT("boot", ROOTFS) "," SUBJECT("x", BOOT) "]",
                   PACK_PROVENANCE_TYPE),
         0, ""},
        {STATEMENT(PACK_STATEMENT_TYPE, "[" SUBJECT("boot", BOOT) "," SUBJECT("rootfs", HEX64) "]",
                   PACK_PROVENANCE_TYPE),
         PACK_E_CORRUPT, "attests other bytes: rootfs with sha256 " HEX64},
        {STATEMENT(PACK_STATEMENT_TYPE, "[" SUBJECT("release.json", HEX64) "]",
                   PACK_PROVENANCE_TYPE),
         PACK_E_CORRUPT, "attests other bytes: release.json"},
        {STATEMENT(PACK_STATEMENT_TYPE, "[" SUBJECT("other", HEX64) "]", PACK_PROVENANCE_TYPE),
         PACK_E_CORRUPT, "none of its 1 subjects"},
        {STATEMENT(PACK_STATEMENT_TYPE,
                   "[" SUBJECT("rootfs", ROOTFS) ",{\"name\":\"boot\",\"digest\":{\"sha512\":"
                                                 "\"00\"}}]",
                   PACK_PROVENANCE_TYPE),
         PACK_E_CORRUPT, "boot with no sha256"},
        {STATEMENT(PACK_STATEMENT_TYPE, "[]", PACK_PROVENANCE_TYPE), PACK_E_MALFORMED,
         "subject: has 0 entries"},
        {STATEMENT(PACK_STATEMENT_TYPE, "[" SUBJECT("boot", "B0") "]", PACK_PROVENANCE_TYPE),
         PACK_E_MALFORMED, "subject[0].digest.sha256"},
        {STATEMENT("https://in-toto.io/Statement/v0.1", "[]", PACK_PROVENANCE_TYPE),
         PACK_E_UNSUPPORTED, "Statement/v0.1"},
        {STATEMENT(PACK_STATEMENT_TYPE, "[]", "https://slsa.dev/provenance/v0.2"),
         PACK_E_UNSUPPORTED, "provenance/v0.2"},
        {"[]", PACK_E_MALFORMED, "an object is wanted"},
        {"{}", PACK_E_MALFORMED, "_type: is missing"},
        {"", PACK_E_MALFORMED, "not valid JSON"},
        {"{\"_type\":\"" PACK_STATEMENT_TYPE "\",\"predicateType\":\"" PACK_PROVENANCE_TYPE
         "\",\"subject\":[" SUBJECT("boot", BOOT) "],\"predicate\":{\"buildDefinition\":{"
                                                  "\"buildType\":\"x:y\"},\"runDetails\":{}}}",
         PACK_E_MALFORMED, "predicate.runDetails.builder: is missing"},
    };
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sign_text(scene, cases[i].statement);
        if (cases[i].code == 0) {
            assert_pack_ok(verify(scene, &error));
            assert_true(scene->attestation->covers[0] && scene->attestation->covers[1]);
            assert_false(scene->attestation->covers_release);
            continue;
        }
        assert_pack_fails(verify(scene, &error), cases[i].code);
        assert_pack_says(cases[i].says);
    }
}

/* An image may have the document's name: then either digest is right for that name. */
static void an_image_called_release_json(void **state)
{
    struct scene *scene = *state;
    struct pack_error error = {0};
    scene->images[0].name = "release.json";
    attest(scene, (const unsigned[]){1}, 1);
    assert_pack_ok(verify(scene, &error));
    assert_true(scene->attestation->covers[0] && scene->attestation->covers_release);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_protocols_own_vector),
        cmocka_unit_test(lengths_are_in_bytes),
        cmocka_unit_test(a_key_id_is_of_the_spki),
        cmocka_unit_test(an_envelope_is_read),
        cmocka_unit_test(what_is_no_envelope_is_refused),
        cmocka_unit_test(an_envelope_has_limits),
        cmocka_unit_test_setup_teardown(a_statement_has_these_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_uri_builds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(parameters_stand_once, set_up, tear_down),
        cmocka_unit_test(a_dependency_is_a_uri_and_a_digest),
        cmocka_unit_test_setup_teardown(a_good_one_is_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_id_decides_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_verdict_has_its_code, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a7_no_role_and_no_other_type, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a8_the_payload_type_is_exact, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a10_every_altered_character_is_noticed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_it_attests_is_compared, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_called_release_json, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("attest", tests, NULL, NULL);
}
