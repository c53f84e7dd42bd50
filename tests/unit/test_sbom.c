/* SPDX-License-Identifier: MIT */
/* What is taken for an SBOM, and the one that a bundle has of itself. */
#include "pack/sbom.h"
#include "support/test.h"

#include "base/memory.h"
#include "formats/formats.h"
#include "pack/context.h"
#include "provenance/sbom.h"

#include <stdio.h>
#include <string.h>

/* --- what is one ----------------------------------------------------------------------------- */

#define CYCLONEDX(version, rest) \
    "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"" version "\",\"version\":1" rest "}"
#define SPDX(version, rest)                                                             \
    "{\"spdxVersion\":\"" version "\",\"SPDXID\":\"SPDXRef-DOCUMENT\",\"dataLicense\":" \
    "\"CC0-1.0\",\"name\":\"a\",\"documentNamespace\":\"https://example.org/a\","       \
    "\"creationInfo\":{\"created\":\"2024-02-29T12:00:00Z\",\"creators\":[\"Tool: x\"]}" rest "}"
#define TAGS(version)                                                                       \
    "# made by hand\n\nSPDXVersion: " version "\nDataLicense: CC0-1.0\n"                    \
    "SPDXID: SPDXRef-DOCUMENT\nDocumentName: a\nDocumentNamespace: https://example.org/a\n" \
    "Creator: Tool: x\nCreated: 2024-02-29T12:00:00Z\n"

static int check(const char *text, struct pack_error *error)
{
    PACK_AUTO(pack_sbom_free) struct pack_sbom *sbom = NULL;
    pack_error_clear(error);
    return pack_sbom_read(&sbom, text, strlen(text), error);
}

static void what_is_an_sbom(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum pack_sbom_kind kind;
        const char *version;
        size_t components;
    } cases[] = {
        {CYCLONEDX("1.2", ""), PACK_SBOM_CYCLONEDX, "1.2", 0},
        {CYCLONEDX("1.6", ",\"vulnerabilities\":[{\"ratings\":[{\"score\":9.8}]}]"),
         PACK_SBOM_CYCLONEDX, "1.6", 0},
        {CYCLONEDX("1.5", ",\"components\":[{\"type\":\"library\",\"name\":\"a\"},{\"type\":\"x\","
                          "\"name\":\"b\",\"version\":\"2\",\"components\":[]}]"),
         PACK_SBOM_CYCLONEDX, "1.5", 2},
        {SPDX("SPDX-2.2", ""), PACK_SBOM_SPDX, "2.2", 0},
        {SPDX("SPDX-2.3", ",\"packages\":[{\"SPDXID\":\"SPDXRef-a\",\"name\":\"a\"}]"),
         PACK_SBOM_SPDX, "2.3", 1},
        {TAGS("SPDX-2.3"), PACK_SBOM_SPDX_TAGS, "2.3", 0},
        {TAGS("SPDX-2.2") "PackageName: a\r\n", PACK_SBOM_SPDX_TAGS, "2.2", 0},
    };
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO(pack_sbom_free) struct pack_sbom *sbom = NULL;
        assert_pack_ok(pack_sbom_read(&sbom, cases[i].text, strlen(cases[i].text), &error));
        assert_int_equal(sbom->kind, cases[i].kind);
        assert_string_equal(sbom->version, cases[i].version);
        assert_int_equal(sbom->component_count, cases[i].components);
    }
}

static void components_are_listed(void **state)
{
    (void)state;
    static const char text[] =
        CYCLONEDX("1.6", ",\"components\":[{\"type\":\"library\",\"name\":\"a\"},"
                         "{\"type\":\"library\",\"name\":\"b\",\"version\":\"2\"}]");
    struct pack_error error = {0};
    PACK_AUTO(pack_sbom_free) struct pack_sbom *sbom = NULL;
    assert_pack_ok(pack_sbom_read(&sbom, text, sizeof text - 1, &error));
    assert_string_equal(sbom->components[0].name, "a");
    assert_null(sbom->components[0].version);
    assert_string_equal(sbom->components[1].name, "b");
    assert_string_equal(sbom->components[1].version, "2");
}

static void what_is_none_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum pack_code code;
        const char *says;
    } cases[] = {
        {"", PACK_E_MALFORMED, "is empty"},
        {" \n", PACK_E_MALFORMED, "is empty"},
        {"no SBOM", PACK_E_MALFORMED, "is no SBOM"},
        {"\x7f"
         "ELF",
         PACK_E_MALFORMED, "is no SBOM"},
        {"{}", PACK_E_MALFORMED, "is JSON, but no SBOM"},
        {"[]", PACK_E_MALFORMED, "is JSON, but no SBOM"},
        {"{\"bomFormat\":\"CycloneDX\"", PACK_E_MALFORMED, "not valid JSON"},
        {"\xef\xbb\xbf{\"bomFormat\":\"CycloneDX\"}", PACK_E_MALFORMED, "byte order mark"},
        {"{\"bomFormat\":\"CycloneDX\"}", PACK_E_MALFORMED, "specVersion: is missing"},
        {"{\"bomFormat\":\"cyclonedx\",\"specVersion\":\"1.6\"}", PACK_E_MALFORMED,
         "bomFormat: \"cyclonedx\", \"CycloneDX\" is wanted"},
        {CYCLONEDX("1.1", ""), PACK_E_UNSUPPORTED, "1.2 to 1.6"},
        {CYCLONEDX("1.7", ""), PACK_E_UNSUPPORTED, "1.2 to 1.6"},
        {CYCLONEDX("1.6", ",\"components\":{}"), PACK_E_MALFORMED, "components: an array"},
        {CYCLONEDX("1.6", ",\"components\":[{\"name\":\"a\"}]"), PACK_E_MALFORMED,
         "components[0].type: is missing"},
        {CYCLONEDX("1.6", ",\"components\":[{\"type\":\"library\"}]"), PACK_E_MALFORMED,
         "components[0].name: is missing"},
        {CYCLONEDX("1.6", ",\"metadata\":[]"), PACK_E_MALFORMED, "metadata: an object"},
        {"{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":\"1\"}",
         PACK_E_MALFORMED, "version: an integer"},
        {SPDX("SPDX-2.1", ""), PACK_E_UNSUPPORTED, "SPDX-2.2 and SPDX-2.3"},
        {SPDX("SPDX-2.3", ",\"packages\":[{\"name\":\"a\"}]"), PACK_E_MALFORMED,
         "packages[0].SPDXID: is missing"},
        {"{\"spdxVersion\":\"SPDX-2.3\",\"SPDXID\":\"SPDXRef-x\"}", PACK_E_MALFORMED,
         "dataLicense: is missing"},
        {"{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\",\"@graph\":[]}",
         PACK_E_UNSUPPORTED, "SPDX 3"},
        {"<?xml version=\"1.0\"?><bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"/>",
         PACK_E_UNSUPPORTED, "CycloneDX in XML, JSON is wanted"},
        {"\xef\xbb\xbf\n<rdf:RDF/>", PACK_E_UNSUPPORTED, "XML, JSON is wanted"},
        {"SPDXVersion: SPDX-2.3\n", PACK_E_MALFORMED, "has no tag DataLicense"},
        {TAGS("SPDX-2.1"), PACK_E_UNSUPPORTED, "SPDX-2.2 and SPDX-2.3"},
        {"SPDXVersion: SPDX-2.3\nDocumentComment: <text>\nDataLicense: CC0-1.0\n</text>\n",
         PACK_E_MALFORMED, "has no tag DataLicense"},
    };
    struct pack_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_pack_fails(check(cases[i].text, &error), cases[i].code);
        assert_pack_says(cases[i].says);
    }
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(pack_sbom_attachment_name(PACK_SBOM_CYCLONEDX), "sbom.cdx.json");
    assert_string_equal(pack_sbom_attachment_name(PACK_SBOM_SPDX), "sbom.spdx.json");
    assert_string_equal(pack_sbom_attachment_name(PACK_SBOM_SPDX_TAGS), "sbom.spdx");
    assert_string_equal(pack_sbom_kind_name(PACK_SBOM_SPDX), "SPDX");
    assert_null(pack_sbom_kind_name(PACK_SBOM_KINDS));
    assert_null(pack_sbom_attachment_name(PACK_SBOM_KINDS));
}

/* --- our own --------------------------------------------------------------------------------- */

static const struct pack_context context = {.formats = fwpack_formats};

/* Looks at bytes as at an image's file. */
static void look(struct sbom_image *image, const void *bytes, size_t size)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    assert_pack_ok(pack_input_memory(&input, bytes, size, "image", &error));
    assert_pack_ok(sbom_image_look(image, input, &context, &error));
}

static void what_is_no_format_is_no_failure(void **state)
{
    (void)state;
    PACK_AUTO(sbom_image_clear) struct sbom_image noise = {.format = NULL};
    PACK_AUTO(sbom_image_clear) struct sbom_image broken = {.format = NULL};
    look(&noise, "nothing that is known", 21);
    look(&broken,
         "\x7f"
         "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0\1",
         21);
    assert_null(broken.facts.first);
}

static char *write_sbom(const struct pack_release *release, const struct sbom_image *images,
                        size_t *size)
{
    struct pack_error error = {0};
    char *text = NULL;
    assert_pack_ok(sbom_write(&text, size, release, images, &error));
    return text;
}

/* What build counts on: places are known before hashes are. */
static void hashes_do_not_change_its_size(void **state)
{
    (void)state;
    struct pack_release_image image = {.name = "app", .slot = "app", .size = 7};
    const struct sbom_image seen = {.format = NULL};
    const struct pack_release release = {
        .product = "a b", .version = "1.0.0+x", .image_count = 1, .images = &image};
    size_t first_size = 0, second_size = 0;
    PACK_AUTO_FREE char *first = write_sbom(&release, &seen, &first_size);
    memset(image.sha256, 0xff, sizeof image.sha256);
    PACK_AUTO_FREE char *second = write_sbom(&release, &seen, &second_size);
    PACK_AUTO_FREE char *again = write_sbom(&release, &seen, &first_size);
    assert_int_equal(first_size, second_size);
    assert_string_not_equal(first, second);
    assert_string_equal(second, again);
    assert_non_null(strstr(first, "\"purl\": \"pkg:generic/a%20b@1.0.0%2Bx\""));
    /* the serial number is of the content, too */
    assert_string_not_equal(strstr(first, "urn:uuid:"), strstr(second, "urn:uuid:"));
    assert_null(strstr(first, "timestamp"));
}

static void meta_goes_along(void **state)
{
    (void)state;
    const struct pack_release_image image = {.name = "app", .slot = "app", .version = "2.0.0"};
    const struct sbom_image seen = {.format = NULL};
    struct pack_release release = {.product = "p",
                                   .version = "1.0.0",
                                   .has_created = true,
                                   .created = 1709208000,
                                   .image_count = 1,
                                   .images = &image,
                                   .meta = "{\"licences\":[\"MIT OR Zlib\"],\"cves-fixed\":["
                                           "\"CVE-2024-12345\"],\"urgency\":\"high\"}"};
    size_t size = 0;
    PACK_AUTO_FREE char *one = write_sbom(&release, &seen, &size);
    assert_non_null(strstr(one, "\"expression\": \"MIT OR Zlib\""));
    assert_non_null(strstr(one, "\"id\": \"CVE-2024-12345\""));
    assert_non_null(strstr(one, "\"timestamp\": \"2024-02-29T12:00:00Z\""));
    assert_non_null(strstr(one, "\"version\": \"2.0.0\""));
    assert_int_equal(check(one, &(struct pack_error){0}), 0);
    release.meta = "{\"licences\":[\"MIT OR Zlib\",\"0BSD\"]}";
    PACK_AUTO_FREE char *both = write_sbom(&release, &seen, &size);
    assert_non_null(strstr(both, "\"expression\": \"(MIT OR Zlib) AND 0BSD\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_an_sbom),
        cmocka_unit_test(components_are_listed),
        cmocka_unit_test(what_is_none_says_why),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(what_is_no_format_is_no_failure),
        cmocka_unit_test(hashes_do_not_change_its_size),
        cmocka_unit_test(meta_goes_along),
    };
    return cmocka_run_group_tests_name("sbom", tests, NULL, NULL);
}
