/* SPDX-License-Identifier: MIT */
/* The descriptor: A70, A72 to A78, A83 to A86, and what each key takes. */
#include "pack/descriptor.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/image.h"
#include "support/test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- reading --------------------------------------------------------------------------------- */

enum { KEPT = 16 };

struct findings {
    size_t errors, warnings;
    size_t count;
    struct pack_error all[KEPT];
};

static void keep(void *user, bool is_error, const struct pack_error *finding)
{
    struct findings *findings = user;
    if (findings->count < KEPT)
        findings->all[findings->count] = *finding;
    findings->count++;
    findings->errors += is_error;
    findings->warnings += !is_error;
}

static void print_findings(const struct findings *findings)
{
    for (size_t i = 0; i < findings->count && i < KEPT; i++)
        print_error("%s:%u:%u: %s (%s)\n", findings->all[i].file, findings->all[i].line,
                    findings->all[i].column, findings->all[i].text, findings->all[i].hint);
}

static const char *environment(const char *name)
{
    return strcmp(name, "FROM_ENVIRONMENT") == 0 ? "1.2.3" : NULL;
}

static const struct pack_descriptor_options no_options = {.environment = environment};

/* Reads "fwpack.yaml" of the folder, in place of what was read before. */
static int read_in(struct pack_descriptor **descriptor, const char *folder,
                   const struct pack_descriptor_options *options, struct findings *findings)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(folder, "fwpack.yaml");
    *findings = (struct findings){.count = 0};
    pack_descriptor_free(descriptor);
    const int code = pack_descriptor_read(descriptor, path, options, keep, findings, &error);
    assert_int_equal(code, error.code);
    assert_int_equal(code == 0 || code == PACK_E_DESCRIPTOR, *descriptor != NULL);
    return code;
}

static void put(const char *folder, const char *name, const char *text)
{
    PACK_AUTO_FREE char *path = test_path(folder, name);
    test_write_text(path, text);
}

static void put_folder(const char *folder, const char *name)
{
    PACK_AUTO_FREE char *path = test_path(folder, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

/* --- a good descriptor, and changes to it ---------------------------------------------------- */

static const char *const good_lines[] = {
    "fwpack: 1",   "product: acme", "version: 1.0.0",   "security-version: 1", "compatible:",
    "  - acme,gw", "images:",       "  - name: rootfs", "    file: a.bin",
};
enum { GOOD_LINES = sizeof good_lines / sizeof good_lines[0] };

/* The good descriptor; a line with the key of `change` is replaced by it, or it comes last; with
 * a '+' in front it comes last in any case. */
static char *changed(const char *change, unsigned *line)
{
    struct pack_error error = {0};
    struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
    const bool last = change[0] == '+';
    change += last;
    const size_t key = last ? SIZE_MAX : strcspn(change, ":") + 1;
    *line = GOOD_LINES + 1;
    for (unsigned i = 0; i < GOOD_LINES; i++) {
        const bool same = !last && strncmp(good_lines[i], change, key) == 0;
        if (same)
            *line = i + 1;
        assert_pack_ok(pack_buffer_print(&text, &error, "%s\n", same ? change : good_lines[i]));
    }
    if (*line > GOOD_LINES)
        assert_pack_ok(pack_buffer_print(&text, &error, "%s\n", change));
    return (char *)text.bytes;
}

/* The change gives exactly one error, in its line (or `further` ones below it), with words. */
static void assert_refused_at(const char *folder, const char *change, unsigned further,
                              unsigned column, const char *words)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed(change, &line);
    put(folder, "fwpack.yaml", text);
    const int code = read_in(&descriptor, folder, &no_options, &findings);
    const struct pack_error *first = &findings.all[0];
    if (code != PACK_E_DESCRIPTOR || findings.errors != 1 || first->line != line + further ||
        first->column != column || strstr(first->text, words) == NULL) {
        print_error("%s\nwanted one error at %u:%u: %s\n", change, line + further, column, words);
        print_findings(&findings);
        fail();
    }
}

static void assert_refused(const char *folder, const char *change, unsigned column,
                           const char *words)
{
    assert_refused_at(folder, change, 0, column, words);
}

static struct pack_descriptor *read_changed(const char *folder, const char *change)
{
    struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed(change, &line);
    put(folder, "fwpack.yaml", text);
    if (read_in(&descriptor, folder, &no_options, &findings) != 0 || findings.count != 0)
        print_findings(&findings);
    assert_non_null(descriptor);
    assert_int_equal(findings.count, 0);
    return descriptor;
}

/* --- what is taken --------------------------------------------------------------------------- */

static const char full[] =
    "fwpack: 1\n"
    "product: acme-gateway\n"
    "variables: [VERSION]\n"
    "version: ${VERSION}            # SemVer 2.0.0\n"
    "security-version: 7            # anti-rollback counter, apart from the version\n"
    "data-epoch: 2                  # raised by a release whose migration cannot be undone\n"
    "created: 2024-02-29T12:00:00Z\n"
    "compatible:                    # exact strings\n"
    "  - acme,gateway-r2\n"
    "  - acme,gateway-r3\n"
    "requires:\n"
    "  from: \">=2.0.0 <3.0.0\"       # versions that may be updated to this one\n"
    "images:\n"
    "  - name: rootfs\n"
    "    file: build/rootfs.squashfs\n"
    "    slot: root\n"
    "    compress: {codec: xz, level: 6}\n"
    "    block-size: 4KiB\n"
    "    max-size: 128MiB           # a budget, enforced at build\n"
    "  - name: app\n"
    "    file: build/app.hex\n"
    "    format: ihex\n"
    "    slot: mcu0\n"
    "    version: 1.0.3\n"
    "  - name: plain\n"
    "    file: ./x/../plain\n"
    "    compress: none\n"
    "attachments:\n"
    "  sbom: build/sbom.cdx.json\n"
    "  notes: CHANGELOG.md\n"
    "meta:                          # free vendor metadata, signed\n"
    "  build-host: ci-7\n"
    "  list: [1, {a: true}, 'x\"y']\n"
    "  empty: {}\n";

static void check_full_images(const struct pack_descriptor *descriptor, const char *folder)
{
    const struct pack_descriptor_image *images = descriptor->images;
    PACK_AUTO_FREE char *path = test_path(folder, "build/rootfs.squashfs");
    assert_int_equal(descriptor->image_count, 3);
    assert_string_equal(images[0].name, "rootfs");
    assert_string_equal(images[0].file, "build/rootfs.squashfs");
    assert_string_equal(images[0].path, path);
    assert_string_equal(images[0].slot, "root");
    assert_null(images[0].version);
    assert_string_equal(images[0].format, "raw");
    assert_string_equal(images[0].codec, "xz");
    assert_true(images[0].has_level);
    assert_int_equal(images[0].level, 6);
    assert_int_equal(images[0].block_size, 4096);
    assert_true(images[0].has_max_size);
    assert_int_equal(images[0].max_size, 134217728);
    assert_int_equal(images[0].place.line, 14);
    assert_int_equal(images[0].file_place.line, 15);
    assert_int_equal(images[0].file_place.column, 11);
    assert_int_equal(images[0].max_size_place.line, 19);
    assert_string_equal(images[1].format, "ihex");
    assert_string_equal(images[1].version, "1.0.3");
    assert_string_equal(images[1].codec, "zstd");
    assert_false(images[1].has_level);
    assert_int_equal(images[1].block_size, PACK_DEFAULT_BLOCK);
    assert_string_equal(images[2].slot, "plain");
    assert_string_equal(images[2].codec, "none");
    assert_false(images[2].has_max_size);
}

static void every_key_is_read(void **state)
{
    const struct pack_definition definition = {"VERSION", "2.4.1"};
    struct pack_descriptor_options options = no_options;
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    options.definitions = &definition;
    options.definition_count = 1;
    put(*state, "fwpack.yaml", full);
    assert_int_equal(read_in(&descriptor, *state, &options, &findings), 0);
    assert_int_equal(findings.count, 0);
    assert_string_equal(descriptor->product, "acme-gateway");
    assert_string_equal(descriptor->version, "2.4.1");
    assert_int_equal(descriptor->security_version, 7);
    assert_int_equal(descriptor->data_epoch, 2);
    assert_true(descriptor->has_created);
    assert_int_equal(descriptor->created, 1709208000);
    assert_int_equal(descriptor->compatible_count, 2);
    assert_string_equal(descriptor->compatible[1], "acme,gateway-r3");
    assert_string_equal(descriptor->requires_from, ">=2.0.0 <3.0.0");
    check_full_images(descriptor, *state);
    assert_int_equal(descriptor->attachment_count, 2);
    assert_string_equal(descriptor->attachments[1].name, "notes");
    assert_string_equal(descriptor->attachments[1].file, "CHANGELOG.md");
    assert_string_equal(descriptor->meta,
                        "{\"build-host\":\"ci-7\",\"list\":[\"1\",{\"a\":\"true\"},"
                        "\"x\\\"y\"],\"empty\":{}}");
    assert_int_equal(descriptor->source_count, 1);
    assert_string_equal(descriptor->sources[0], descriptor->path);
}

static void what_is_left_out_has_defaults(void **state)
{
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor = read_changed(*state, "data-epoch: 0");
    assert_false(descriptor->has_created);
    assert_null(descriptor->requires_from);
    assert_null(descriptor->meta);
    assert_int_equal(descriptor->attachment_count, 0);
    assert_string_equal(descriptor->images[0].slot, "rootfs");
}

static void no_security_version_is_a_warning(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put(*state, "fwpack.yaml",
        "fwpack: 1\nproduct: a\nversion: 1.0.0\ncompatible:\n  - a\n"
        "images:\n  - name: a\n    file: a\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), 0);
    assert_int_equal(findings.errors, 0);
    assert_int_equal(findings.warnings, 1);
    assert_non_null(strstr(findings.all[0].text, "security-version"));
    assert_int_equal(descriptor->security_version, 0);
}

static void a74_texts_stay_texts(void **state)
{
    static const char *const words[] = {"no", "yes", "1.10", "0755", "12:30:45", "1e3", "0x10"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char change[64];
        snprintf(change, sizeof change, "product: %s", words[i]);
        PACK_AUTO(pack_descriptor_free)
        struct pack_descriptor *descriptor = read_changed(*state, change);
        assert_string_equal(descriptor->product, words[i]);
    }
}

static void quoted_numbers_are_numbers(void **state)
{
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor = read_changed(*state, "security-version: '12'");
    assert_int_equal(descriptor->security_version, 12);
}

static void crlf_gives_the_same(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put(*state, "fwpack.yaml",
        "fwpack: 1\r\nproduct: a b\r\nversion: 1.0.0\r\nsecurity-version: 1\r\ncompatible:\r\n"
        "  - acme\r\nimages:\r\n  - name: a\r\n    file: a\r\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), 0);
    assert_string_equal(descriptor->product, "a b");
    assert_string_equal(descriptor->compatible[0], "acme");
}

/* --- types ----------------------------------------------------------------------------------- */

static void a74_versions_are_three_numbers(void **state)
{
    assert_refused(*state, "version: 1.10", 10, "\"1.10\" is no semantic version");
    assert_refused(*state, "version: 1e3", 10, "no semantic version");
    assert_refused(*state, "version: v1.0.0", 10, "no semantic version");
    assert_refused(*state, "version: 01.0.0", 10, "no semantic version");
    assert_refused(*state, "    version: 1.0", 14, "no semantic version");
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed("version: 1.10", &line);
    put(*state, "fwpack.yaml", text);
    (void)!read_in(&descriptor, *state, &no_options, &findings);
    assert_string_equal(findings.all[0].hint, "a version has three numbers: \"1.10.0\"");
}

static void a74_numbers_are_plain_decimal_digits(void **state)
{
    static const char *const refused[][2] = {
        {"0755", "begins with 0"},
        {"010", "begins with 0"},
        {"1_000", "an underscore"},
        {"0x10", "hexadecimal"},
        {"1e3", "an exponent"},
        {"+7", "a sign"},
        {"-1", "a sign"},
        {"1.0", "a fraction"},
        {"12:30:45", "a colon"},
        {"yes", "is no number"},
        {"''", "is no number"},
        {"1 000", "a space"},
        {"9007199254740992", "above the limit"},
        {"99999999999999999999999", "above the limit"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char change[64];
        snprintf(change, sizeof change, "security-version: %s", refused[i][0]);
        assert_refused(*state, change, 19, refused[i][1]);
    }
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor = read_changed(*state, "data-epoch: 9007199254740991");
    assert_int_equal(descriptor->data_epoch, PACK_MAX_INTEGER);
}

static void a74_null_is_no_value(void **state)
{
    assert_refused(*state, "product: ~", 10, "'product' has no value");
    assert_refused(*state, "product:", 9, "'product' has no value");
    assert_refused(*state, "product: null", 10, "'product' has no value");
    assert_refused(*state, "meta: {a: }", 11, "'a' has no value");
    assert_refused(*state, "attachments: ~", 14, "'attachments' has no value, a map wanted");
    assert_refused(*state, "product: ''", 10, "empty text");
}

static void sizes_have_binary_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t size;
    } taken[] = {{"1", 1},
                 {"1023", 1023},
                 {"1KiB", 1024},
                 {"16MiB", 16777216},
                 {"3GiB", 3221225472},
                 {"9007199254740991", PACK_MAX_INTEGER}};
    static const char *const refused[][2] = {
        {"128MB", "the unit \"MB\""},
        {"1K", "the unit \"K\""},
        {"128 MiB", "the unit \" MiB\""},
        {"1.5GiB", "a fraction"},
        {"-1", "a sign"},
        {"0x10", "hexadecimal"},
        {"1_000", "an underscore"},
        {"0", "fits no image"},
        {"010", "begins with 0"},
        {"8388608GiB", "above the limit"},
        {"MiB", "is no number"},
        {"1mib", "the unit \"mib\""},
    };
    char change[64];
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        snprintf(change, sizeof change, "    max-size: %s", taken[i].text);
        PACK_AUTO(pack_descriptor_free)
        struct pack_descriptor *descriptor = read_changed(*state, change);
        assert_int_equal(descriptor->images[0].max_size, taken[i].size);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(change, sizeof change, "    max-size: %s", refused[i][0]);
        assert_refused(*state, change, 15, refused[i][1]);
    }
}

static void block_sizes_are_powers_of_two(void **state)
{
    static const char *const refused[] = {"1000", "256", "2MiB", "0"};
    char change[64];
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(change, sizeof change, "    block-size: %s", refused[i]);
        assert_refused(*state, change, 17, "no block size");
    }
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor = read_changed(*state, "    block-size: 512");
    assert_int_equal(descriptor->images[0].block_size, 512);
}

static void times_are_utc(void **state)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } taken[] = {{"0", 0},
                 {"1700000000", 1700000000},
                 {"1970-01-01T00:00:00Z", 0},
                 {"1999-12-31T23:59:59Z", 946684799},
                 {"2000-02-29T00:00:00Z", 951782400},
                 {"2100-03-01T00:00:00Z", 4107542400},
                 {"9999-12-31T23:59:59Z", 253402300799}};
    static const char *const refused[] = {
        "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z",     "2100-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",     "2024-01-00T00:00:00Z",
        "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z",     "2024-01-01T00:00:60Z",
        "1969-12-31T23:59:59Z", "2024-01-01T00:00:00",      "2024-01-01 00:00:00Z",
        "2024-01-01",           "2024-01-01T00:00:00+01:00"};
    char change[64];
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        snprintf(change, sizeof change, "created: %s", taken[i].text);
        PACK_AUTO(pack_descriptor_free)
        struct pack_descriptor *descriptor = read_changed(*state, change);
        assert_int_equal(descriptor->created, taken[i].seconds);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snprintf(change, sizeof change, "created: %s", refused[i]);
        assert_refused(*state, change, 10, "is no time");
    }
}

static void words_are_chosen_from_tables(void **state)
{
    assert_refused(*state, "    format: hex", 13, "\"hex\" is no image format");
    assert_refused(*state, "    compress: zstdd", 15, "\"zstdd\" is no codec");
    assert_refused(*state, "    compress: {codec: lz4}", 23, "\"lz4\" is no codec");
    assert_refused(*state, "    compress: [zstd]", 15, "'compress' is a list, a map wanted");
    assert_refused(*state, "    compress: {codec: zstd, level: 99}", 36, "zstd has levels");
    assert_refused(*state, "    compress: {level: 99}", 23, "zstd has levels");
    assert_refused(*state, "    compress: {level: 99999999999, codec: gzip}", 23,
                   "gzip has levels");
    assert_refused(*state, "    compress: {codec: none, level: 1}", 36, "none has no levels");
    assert_refused(*state, "    compress: {codec: zstd, level: fast}", 36, "is no number");
    assert_refused(*state, "fwpack: 2", 9, "format \"2\" of the descriptor, 1 wanted");
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor = read_changed(*state, "    compress: {level: 3}");
    assert_string_equal(descriptor->images[0].codec, "zstd");
    assert_int_equal(descriptor->images[0].level, 3);
}

static void maps_and_lists_are_told_apart(void **state)
{
    assert_refused(*state, "meta: [a]", 7, "'meta' is a list, a map wanted");
    assert_refused(*state, "requires: 1.0.0", 11, "'requires' is a text, a map wanted");
    assert_refused(*state, "compatible: acme", 13, "'compatible' is a text, a list wanted");
    assert_refused(*state, "product: [a]", 10, "'product' is a list, a text wanted");
    assert_refused(*state, "attachments: {a: [b]}", 18, "'a' is a list, a text wanted");
    assert_refused(*state, "variables: X", 12, "'variables' is a text, a list wanted");
    assert_refused(*state, "variables: [1X]", 13, "\"1X\" is no name of a variable");
    assert_refused(*state, "requires: {from: '2.0.0 - 3.0.0'}", 18, "no version range");
}

/* --- keys ------------------------------------------------------------------------------------ */

static void a78_unknown_keys_name_the_nearest(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put(*state, "fwpack.yaml", "fwpack: 1\nversoin: 1.0.0\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    bool found = false;
    for (size_t i = 0; i < findings.count; i++)
        found = found || (strcmp(findings.all[i].text, "unknown key 'versoin'") == 0 &&
                          strcmp(findings.all[i].hint, "did you mean 'version'?") == 0 &&
                          findings.all[i].line == 2 && findings.all[i].column == 1);
    assert_true(found);
    assert_refused(*state, "    max_size: 1", 5, "unknown key 'max_size'");
    assert_refused(*state, "zzz: 1", 1, "unknown key 'zzz'");
    assert_refused(*state, "requires: {too: x}", 12, "unknown key 'too'");
}

static void a78_missing_keys_are_named(void **state)
{
    static const char *const missing[] = {"fwpack", "product", "version", "compatible", "images"};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put(*state, "fwpack.yaml", "data-epoch: 1\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.errors, 5);
    for (size_t i = 0; i < 5; i++) {
        char text[64];
        snprintf(text, sizeof text, "missing key '%s'", missing[i]);
        assert_string_equal(findings.all[i].text, text);
        assert_int_equal(findings.all[i].line, 1);
        assert_non_null(strstr(findings.all[i].hint, missing[i]));
    }
    assert_refused(*state, "  - slot: a\n    file: b", 5, "missing key 'name'");
}

static void a73_repeated_keys_name_both_lines(void **state)
{
    assert_refused(*state, "\"version\": 2.0.0", 1, "'version' is repeated; it stands in line 3");
    assert_refused(*state, "    \"file\": b", 5, "'file' is repeated; it stands in line 9");
}

static void names_slots_and_hardware_are_distinct(void **state)
{
    assert_refused_at(*state, "+  - name: \"rootfs\"\n    file: b", 0, 11,
                      "image \"rootfs\" stands in line 8 already");
    assert_refused_at(*state, "+  - name: \"b\"\n    file: b\n    slot: rootfs", 2, 11,
                      "slot \"rootfs\" is filled by the image in line 8");
    assert_refused_at(*state, "compatible:\n  - a\n  - b\n  - a\n#", 3, 5,
                      "\"a\" stands in line 6 already");
}

static void commas_in_brackets_are_not_hardware(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    static const char text[] = "fwpack: 1\nproduct: a\nversion: 1.0.0\nsecurity-version: 1\n"
                               "images:\n  - name: a\n    file: a\ncompatible: %s\n";
    char whole[256];
    snprintf(whole, sizeof whole, text, "[acme,gw-r2]");
    put(*state, "fwpack.yaml", whole);
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_non_null(strstr(findings.all[0].text, "a comma in brackets"));
    snprintf(whole, sizeof whole, text, "[\"acme,gw-r2\", 'b']");
    put(*state, "fwpack.yaml", whole);
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), 0);
    assert_string_equal(descriptor->compatible[0], "acme,gw-r2");
}

static void lists_are_not_empty_and_not_endless(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put(*state, "fwpack.yaml",
        "fwpack: 1\nproduct: a\nversion: 1.0.0\nsecurity-version: 1\ncompatible: []\nimages: []\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.errors, 2);
    assert_non_null(strstr(findings.all[1].text, "an empty list"));
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
    assert_pack_ok(pack_buffer_print(&text, &error, "fwpack: 1\nimages:\n"));
    for (unsigned i = 0; i <= PACK_MAX_IMAGES; i++)
        assert_pack_ok(pack_buffer_print(&text, &error, "  - {name: i%u, file: f}\n", i));
    put(*state, "fwpack.yaml", (char *)text.bytes);
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_non_null(strstr(findings.all[findings.count - 1].text, "257 images, at most 256"));
}

static void all_faults_come_in_the_order_of_the_file(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put(*state, "fwpack.yaml",
        "fwpack: 1\nversion: 1\nimages:\n  - name: A\n    file: /a\n  - nam: b\n    slot: &x c\n"
        "product: -x\nproduct: y\nmeta: {a: *x}\ncompatible:\n  - a\nsecurity-version: 08\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.count, 11);
    for (size_t i = 1; i < findings.count; i++)
        assert_true(findings.all[i].line >= findings.all[i - 1].line);
    assert_int_equal(findings.all[0].line, 2);
    assert_int_equal(findings.all[10].line, 13);
}

static void many_faults_are_counted(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_DESCRIPTOR};
    struct findings findings;
    for (unsigned i = 0; i < 3000; i++)
        assert_pack_ok(pack_buffer_print(&text, &error, "unknown%u: 1\n", i));
    put(*state, "fwpack.yaml", (char *)text.bytes);
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.count, 1001);
}

static void an_unreadable_descriptor_says_why(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    PACK_AUTO_FREE char *path = test_path(*state, "absent.yaml");
    assert_pack_fails(pack_descriptor_read(&descriptor, path, &no_options, NULL, NULL, &error),
                      PACK_E_NOT_FOUND);
    assert_string_equal(error.file, path);
    put(*state, "fwpack.yaml", "");
    struct findings findings;
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_string_equal(findings.all[0].text, "is empty");
    put(*state, "fwpack.yaml", "- a\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.count, 1);
    assert_string_equal(findings.all[0].text, "this is a list, a map wanted");
}

static void a84_large_descriptors_are_refused(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    PACK_AUTO_FREE char *path = test_path(*state, "fwpack.yaml");
    PACK_AUTO_FREE char *large = calloc(1, PACK_MAX_DESCRIPTOR + 1);
    memset(large, '#', PACK_MAX_DESCRIPTOR + 1);
    test_write_file(path, large, PACK_MAX_DESCRIPTOR + 1);
    assert_pack_fails(pack_descriptor_read(&descriptor, path, &no_options, NULL, NULL, &error),
                      PACK_E_LIMIT);
}

static void a84_long_texts_are_refused(void **state)
{
    char change[PACK_MAX_TEXT + 64];
    char *end = change + snprintf(change, sizeof change, "product: ");
    memset(end, 'a', PACK_MAX_TEXT + 1);
    end[PACK_MAX_TEXT + 1] = '\0';
    assert_refused(*state, change, 10, "1025 bytes of text");
    end = change + snprintf(change, sizeof change, "attachments: {a: ");
    memset(end, 'a', PACK_MAX_TEXT + 1);
    memcpy(end + PACK_MAX_TEXT + 1, "}", 2);
    assert_refused(*state, change, 18, "path of 1025 bytes");
}

/* --- hostile text ---------------------------------------------------------------------------- */

static void a83_identifiers_are_plain_text(void **state)
{
    assert_refused(*state, "product: \"a\\e[2J\"", 10, "control, invisible or reordering");
    assert_refused(*state, "product: \"fw\\u202egpj.exe\"", 10, "control, invisible");
    assert_refused(*state, "product: \"a\\nb\"", 10, "control, invisible");
    assert_refused(*state, "product: 'a '", 10, "a space at an end");
    assert_refused(*state, "meta: {\"a\\eb\": c}", 8, "control, invisible");
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor = read_changed(*state, "meta: {note: \"\\e[2J\\u202e\"}");
    assert_string_equal(descriptor->meta, "{\"note\":\"\\u001b[2J\xe2\x80\xae\"}");
}

static void what_meta_is_known_for_is_checked(void **state)
{
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor =
        read_changed(*state, "meta: {cves-fixed: [CVE-2024-1234, CVE-2023-99999], urgency: high, "
                             "licences: [MIT, GPL-2.0-only OR MIT], ticket: {urgency: whenever}}");
    assert_string_equal(descriptor->meta,
                        "{\"cves-fixed\":[\"CVE-2024-1234\",\"CVE-2023-99999\"],"
                        "\"urgency\":\"high\",\"licences\":[\"MIT\",\"GPL-2.0-only OR MIT\"],"
                        "\"ticket\":{\"urgency\":\"whenever\"}}");
    assert_refused(*state, "meta: {cves-fixed: CVE-2024-1234}", 20, "is a text, a list wanted");
    assert_refused(*state, "meta: {cves-fixed: [CVE-2024-1]}", 21, "\"CVE-2024-1\" is no CVE id");
    assert_refused(*state, "meta: {cves-fixed: [[CVE-2024-1234]]}", 21, "a text wanted");
    assert_refused(*state, "meta: {cves-fixed: [CVE-2024-1234, CVE-2024-1234]}", 36, "twice");
    assert_refused(*state, "meta: {urgency: urgent}", 17, "\"urgent\" is no urgency");
    assert_refused(*state, "meta: {urgency: [low]}", 17, "a text wanted");
    assert_refused(*state, "meta: {licences: [MIT or Zlib]}", 19, "wants AND, OR or WITH");
    assert_refused(*state, "meta: {licenses: [(MIT]}", 19, "not closed");
    assert_refused(*state, "meta: {licences: [MIT], licenses: [MIT]}", 25, "are the same");
}

static void a86_names_are_no_options_or_paths(void **state)
{
    static const char *const names[] = {
        "--help", "../a", "a/b",
        "A",      "a b",  ".a",
        "-",      "",     "abcdefghijabcdefghijabcdefghijabcdefghijab"};
    char change[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(change, sizeof change, "+  - name: '%s'\n    file: b", names[i]);
        assert_refused(*state, change, 11, "is no name");
        snprintf(change, sizeof change, "    slot: '%s'", names[i]);
        assert_refused(*state, change, 11, "is no name");
        snprintf(change, sizeof change, "attachments: {'%s': b}", names[i]);
        assert_refused(*state, change, 15, names[i][0] == '\0' ? "key is empty" : "is no name");
    }
    assert_refused(*state, "product: --help", 10, "begins with '-'");
    assert_refused(*state, "product: ../a", 10, "begins with '.'");
    assert_refused(*state, "product: a/b", 10, "has a '/'");
}

/* --- paths ----------------------------------------------------------------------------------- */

static void a85_paths_stay_in_the_folder(void **state)
{
    assert_refused(*state, "attachments: {a: ../../etc/shadow}", 18, "leads out of");
    assert_refused(*state, "attachments: {a: b/../../c}", 18, "leads out of");
    assert_refused(*state, "attachments: {a: ..}", 18, "leads out of");
    assert_refused(*state, "attachments: {a: /etc/shadow}", 18, "is absolute");
    assert_refused(*state, "attachments: {a: ''}", 18, "an empty path");
    assert_refused(*state, "attachments: {a: \"b\\nc\"}", 18, "characters that cannot be shown");
    assert_refused(*state, "include: ../a.yaml", 10, "leads out of");
    assert_refused(*state, "include: /etc/passwd", 10, "is absolute");
}

static void a85_links_out_of_the_folder_are_refused(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    PACK_AUTO_FREE char *outside = test_path(*state, "outside.yaml");
    PACK_AUTO_FREE char *inside = test_path(*state, "in");
    PACK_AUTO_FREE char *link = test_path(*state, "in/link.yaml");
    PACK_AUTO_FREE char *folder_link = test_path(*state, "in/up");
    struct pack_descriptor_options options = no_options;
    put_folder(*state, "in");
    put(*state, "outside.yaml", "data-epoch: 1\n");
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(symlink("..", folder_link), 0);
    assert_refused(inside, "include: link.yaml", 10, "is a link out of");
    assert_refused(inside, "include: up/outside.yaml", 10, "is a link out of");
    options.allow_outside = true;
    assert_int_equal(read_in(&descriptor, inside, &options, &findings), 0);
    assert_int_equal(descriptor->data_epoch, 1);
}

static void a85_outside_is_reached_when_allowed(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    unsigned line = 0;
    struct pack_descriptor_options options = no_options;
    PACK_AUTO_FREE char *text = changed("attachments: {a: ../x, b: /etc/passwd}", &line);
    options.allow_outside = true;
    put(*state, "fwpack.yaml", text);
    assert_int_equal(read_in(&descriptor, *state, &options, &findings), 0);
    PACK_AUTO_FREE char *path = test_path(*state, "../x");
    assert_string_equal(descriptor->attachments[0].path, path);
    assert_string_equal(descriptor->attachments[1].path, "/etc/passwd");
}

static void a_file_named_like_standard_input_is_a_file(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    char *before = getcwd(NULL, 0);
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed("attachments: {a: '-', b: --x}", &line);
    put(*state, "fwpack.yaml", text);
    assert_int_equal(chdir(*state), 0);
    const int code =
        pack_descriptor_read(&descriptor, "fwpack.yaml", &no_options, NULL, NULL, &error);
    assert_int_equal(chdir(before), 0);
    free(before);
    assert_int_equal(code, 0);
    assert_string_equal(descriptor->images[0].path, "a.bin");
    assert_string_equal(descriptor->attachments[0].path, "./-");
    assert_string_equal(descriptor->attachments[1].path, "./--x");
}

/* --- variables ------------------------------------------------------------------------------- */

static int read_defined(struct pack_descriptor **descriptor, const char *folder, const char *change,
                        const char *value, struct findings *findings)
{
    const struct pack_definition definition = {"X", value};
    struct pack_descriptor_options options = no_options;
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed(change, &line);
    options.definitions = &definition;
    options.definition_count = 1;
    put(folder, "fwpack.yaml", text);
    return read_in(descriptor, folder, &options, findings);
}

static void variables_are_put_into_texts_once(void **state)
{
    static const char *const cases[][3] = {
        {"product: ${X}", "a", "a"},
        {"product: 'b${X}c${X}'", "a", "baca"},
        {"product: $X", "a", "$X"},
        {"product: $${X}", "a", "${X}"},
        {"product: ${X}", "${X}", "${X}"},
        {"product: 'a$'", "a", "a$"},
        {"product: ${X}", "a: &b [c", "a: &b [c"},
        {"product: 'x${X}'", "", "x"},
        {"product: $$${X}", "a", "$${X}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
        struct findings findings;
        const int code = read_defined(&descriptor, *state, cases[i][0], cases[i][1], &findings);
        if (code != 0)
            print_findings(&findings);
        assert_int_equal(code, 0);
        assert_string_equal(descriptor->product, cases[i][2]);
    }
}

static void variables_obey_the_type_of_their_key(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    assert_int_equal(read_defined(&descriptor, *state, "security-version: ${X}", "12", &findings),
                     0);
    assert_int_equal(descriptor->security_version, 12);
    pack_descriptor_free(&descriptor);
    static const char *const refused[][2] = {
        {"security-version: ${X}", "0x1"},
        {"version: ${X}", "1.0"},
        {"version: ${X}", ""},
        {"product: ${X}", "--help"},
        {"product: ${X}", "a\x1b[2J"},
        {"attachments: {a: '${X}'}", "../x"},
        {"product: ${X}", "a\nb"},
        {"product: ${X}", "\xff"},
        {"meta: {a: '${X}'}", "\xff"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(read_defined(&descriptor, *state, refused[i][0], refused[i][1], &findings),
                         PACK_E_DESCRIPTOR);
        assert_int_equal(findings.errors, 1);
    }
}

static void undefined_variables_have_a_place_and_a_next_step(void **state)
{
    assert_refused(*state, "product: ${NONE}", 10, "${NONE} is not defined");
    assert_refused(*state, "product: ${FROM_ENVIRONMENT}", 10, "is not defined");
    assert_refused(*state, "product: ${X", 10, "'${' without a '}'");
    assert_refused(*state, "product: ${}", 10, "without a variable's name");
    assert_refused(*state, "product: ${a-b}", 10, "without a variable's name");
    assert_refused(*state, "product: ${1}", 10, "without a variable's name");
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    (void)!read_defined(&descriptor, *state, "product: ${FROM_ENVIRONMENT}", "", &findings);
    assert_non_null(strstr(findings.all[0].hint, "list FROM_ENVIRONMENT under 'variables:'"));
}

static void the_environment_gives_what_is_listed(void **state)
{
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor =
        read_changed(*state, "version: ${FROM_ENVIRONMENT}\nvariables: [FROM_ENVIRONMENT, OTHER]");
    assert_string_equal(descriptor->version, "1.2.3");
}

static void a_definition_beats_the_environment(void **state)
{
    const struct pack_definition definition = {"FROM_ENVIRONMENT", "9.9.9"};
    struct pack_descriptor_options options = no_options;
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    unsigned line = 0;
    PACK_AUTO_FREE char *text =
        changed("version: ${FROM_ENVIRONMENT}\nvariables: [FROM_ENVIRONMENT]", &line);
    options.definitions = &definition;
    options.definition_count = 1;
    put(*state, "fwpack.yaml", text);
    assert_int_equal(read_in(&descriptor, *state, &options, &findings), 0);
    assert_string_equal(descriptor->version, "9.9.9");
}

static void a_definition_that_is_not_used_is_a_warning(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    assert_int_equal(read_defined(&descriptor, *state, "product: a", "1", &findings), 0);
    assert_int_equal(findings.warnings, 1);
    assert_non_null(strstr(findings.all[0].text, "does not use ${X}"));
    pack_descriptor_free(&descriptor);
    assert_int_equal(read_defined(&descriptor, *state, "variables: [X]", "1", &findings), 0);
    assert_int_equal(findings.count, 0);
}

static void a77_variables_cannot_multiply_without_end(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    PACK_AUTO_BUFFER struct pack_buffer change = {.limit = PACK_MAX_DESCRIPTOR};
    PACK_AUTO_FREE char *value = calloc(1, PACK_MAX_SCALAR + 1);
    struct findings findings;
    memset(value, 'x', PACK_MAX_SCALAR);
    assert_int_equal(read_defined(&descriptor, *state, "meta: {a: '${X}'}", value, &findings), 0);
    pack_descriptor_free(&descriptor);
    assert_int_equal(read_defined(&descriptor, *state, "meta: {a: '1${X}'}", value, &findings),
                     PACK_E_DESCRIPTOR);
    assert_int_equal(findings.all[0].code, PACK_E_LIMIT);
    assert_pack_ok(pack_buffer_print(&change, &error, "meta:\n"));
    for (unsigned i = 0; i < 5000; i++)
        assert_pack_ok(pack_buffer_print(&change, &error, "  k%u: ${X}\n", i));
    assert_int_equal(read_defined(&descriptor, *state, (char *)change.bytes, value, &findings),
                     PACK_E_DESCRIPTOR);
    assert_int_equal(findings.all[0].code, PACK_E_LIMIT);
}

/* --- includes -------------------------------------------------------------------------------- */

static void included_files_add_their_keys(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put_folder(*state, "sub");
    put_folder(*state, "sub/deep");
    put(*state, "fwpack.yaml",
        "fwpack: 1\ninclude: [sub/product.yaml, images.yaml]\nversion: ${FROM_ENVIRONMENT}\n");
    put(*state, "sub/product.yaml",
        "fwpack: 1\nproduct: a\nsecurity-version: 3\ninclude: deep/hardware.yaml\n");
    put(*state, "sub/deep/hardware.yaml", "compatible:\n  - b\nvariables: [FROM_ENVIRONMENT]\n");
    put(*state, "images.yaml", "images:\n  - name: a\n    file: build/a\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), 0);
    assert_string_equal(descriptor->product, "a");
    assert_string_equal(descriptor->version, "1.2.3");
    assert_string_equal(descriptor->compatible[0], "b");
    PACK_AUTO_FREE char *image = test_path(*state, "build/a");
    PACK_AUTO_FREE char *deep = test_path(*state, "sub/deep/hardware.yaml");
    assert_string_equal(descriptor->images[0].path, image);
    assert_int_equal(descriptor->source_count, 4);
    assert_string_equal(descriptor->sources[2], deep);
}

static void keys_are_set_in_one_file_only(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed("include: more.yaml", &line);
    put(*state, "fwpack.yaml", text);
    put(*state, "more.yaml", "# more\nproduct: b\nprodct: c\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.errors, 2);
    assert_non_null(strstr(findings.all[0].text, "'product' is set in "));
    assert_non_null(strstr(findings.all[0].text, "fwpack.yaml:2:1 already"));
    assert_non_null(strstr(findings.all[0].file, "more.yaml"));
    assert_int_equal(findings.all[0].line, 2);
    assert_non_null(strstr(findings.all[1].text, "unknown key 'prodct'"));
}

static void a85_includes_that_cannot_be_read_have_a_place(void **state)
{
    put_folder(*state, "folder");
    put(*state, "broken.yaml", "a: [\n");
    assert_refused(*state, "include: none.yaml", 10, "No such file");
    assert_refused(*state, "include: folder", 10, "not a regular file");
    assert_refused(*state, "include: fwpack.yaml", 10, "is the descriptor itself");
    assert_refused(*state, "include: ./folder/../fwpack.yaml", 10, "is the descriptor itself");
    assert_refused(*state, "include: {a: b}", 10, "'include' is a map, a list wanted");
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    put(*state, "fwpack.yaml", "fwpack: 2\ninclude: broken.yaml\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.all[0].line, 1);
    assert_non_null(strstr(findings.all[1].file, "broken.yaml"));
}

static void cycles_of_includes_end(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    struct findings findings;
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed("include: a.yaml", &line);
    put(*state, "fwpack.yaml", text);
    put(*state, "a.yaml", "include: b.yaml\n");
    put(*state, "b.yaml", "include: a.yaml\n");
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.errors, 1);
    assert_non_null(strstr(findings.all[0].file, "b.yaml"));
    assert_non_null(strstr(findings.all[0].text, "fwpack.yaml:10:10 already"));
}

static void includes_are_limited(void **state)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    PACK_AUTO_BUFFER struct pack_buffer change = {.limit = PACK_MAX_DESCRIPTOR};
    struct pack_error error = {0};
    struct findings findings;
    unsigned line = 0;
    for (unsigned i = 1; i < 10; i++) {
        char name[32], include[64];
        snprintf(name, sizeof name, "%u.yaml", i);
        snprintf(include, sizeof include, "include: %u.yaml\n", i + 1);
        put(*state, name, include);
    }
    PACK_AUTO_FREE char *deep = changed("include: 1.yaml", &line);
    put(*state, "fwpack.yaml", deep);
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.all[0].code, PACK_E_LIMIT);
    assert_non_null(strstr(findings.all[0].text, "deeper than 8"));
    assert_non_null(strstr(findings.all[0].file, "8.yaml"));
    assert_pack_ok(pack_buffer_print(&change, &error, "include:\n"));
    for (unsigned i = 0; i < 64; i++) {
        char name[32];
        snprintf(name, sizeof name, "f%u.yaml", i);
        put(*state, name, "variables: []\n");
        assert_pack_ok(pack_buffer_print(&change, &error, "  - %s\n", name));
    }
    PACK_AUTO_FREE char *wide = changed((char *)change.bytes, &line);
    put(*state, "fwpack.yaml", wide);
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    assert_int_equal(findings.errors, 1);
    assert_non_null(strstr(findings.all[0].text, "more than 64 files"));
}

/* --- the files it names ---------------------------------------------------------------------- */

/* A format of which a file begins with "SEG", and fails in line 7 where it goes on with "!". */
static int segment_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return size >= 3 && memcmp(head, "SEG", 3) == 0 ? 100 : 0;
}

static int segment_read(struct pack_input *input, struct pack_image_builder *builder,
                        struct pack_error *error)
{
    uint8_t bytes[8] = {0};
    size_t got = 0;
    int code = pack_input_read(input, 0, bytes, sizeof bytes, &got, error);
    if (code != 0)
        return code;
    if (got < 4 || bytes[3] == '!') {
        (void)pack_fail(error, PACK_E_MALFORMED, "a bad checksum");
        return pack_at_line(error, 7, 0);
    }
    return pack_image_add(builder, 0x1000, bytes, 4, 1, error);
}

static const struct pack_format segment_format = {
    .name = "ihex",
    .summary = "a test's segments",
    .abilities = PACK_FORMAT_SEGMENTED,
    .probe = segment_probe,
    .read = segment_read,
};
static const struct pack_format *const formats[] = {&segment_format, NULL};

/* Checks the good descriptor with a change against the files of the folder. */
static int check_changed(const char *folder, const char *change, struct findings *findings)
{
    const struct pack_context context = {.formats = formats};
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    unsigned line = 0;
    PACK_AUTO_FREE char *text = changed(change, &line);
    put(folder, "fwpack.yaml", text);
    const int code = read_in(&descriptor, folder, &no_options, findings);
    if (code != 0)
        print_findings(findings);
    assert_int_equal(code, 0);
    return pack_descriptor_check(descriptor, &context, keep, findings, &error);
}

static void assert_check(const char *folder, const char *change, enum pack_code code, unsigned line,
                         const char *words, const char *hint)
{
    struct findings findings;
    const int result = check_changed(folder, change, &findings);
    const struct pack_error *first = &findings.all[0];
    if (result != (int)code || findings.count != 1 || first->line != line ||
        strstr(first->text, words) == NULL || strstr(first->hint, hint) == NULL) {
        print_error("%s: %d, %d wanted at line %u: %s\n", change, result, code, line, words);
        print_findings(&findings);
        fail();
    }
}

static void files_that_are_there_are_good(void **state)
{
    struct findings findings;
    put(*state, "a.bin", "x");
    put(*state, "notes.md", "");
    assert_int_equal(
        check_changed(*state, "attachments: {notes: notes.md, twice: a.bin}", &findings), 0);
    assert_int_equal(findings.count, 0);
}

static void a70_missing_files_name_the_nearest(void **state)
{
    put(*state, "a.bim", "x");
    assert_check(*state, "data-epoch: 1", PACK_E_NOT_FOUND, 9, "a.bin: No such file", "a.bim?");
    put(*state, "a.bin", "x");
    assert_check(*state, "attachments: {a: build/x}", PACK_E_NOT_FOUND, 10, "No such file",
                 "there is no folder");
    assert_check(*state, "attachments: {a: quite-different}", PACK_E_NOT_FOUND, 10, "No such file",
                 "build the images first");
}

static void a70_folders_pipes_and_devices_are_refused(void **state)
{
    PACK_AUTO_FREE char *pipe_path = test_path(*state, "pipe");
    put(*state, "a.bin", "x");
    put_folder(*state, "folder");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    assert_check(*state, "attachments: {a: folder}", PACK_E_DESCRIPTOR, 10, "is a folder", "");
    assert_check(*state, "attachments: {a: .}", PACK_E_DESCRIPTOR, 10, "is a folder", "");
    assert_check(*state, "attachments: {a: pipe}", PACK_E_DESCRIPTOR, 10, "is a named pipe", "");
}

static void a70_files_that_cannot_be_read_are_named(void **state)
{
    const uid_t before = geteuid();
    PACK_AUTO_FREE char *path = test_path(*state, "secret");
    put(*state, "a.bin", "x");
    put(*state, "secret", "x");
    put(*state, "fwpack.yaml", "");
    assert_int_equal(chmod(path, 0), 0);
    if (before == 0) { /* root reads everything */
        PACK_AUTO_FREE char *descriptor = test_path(*state, "fwpack.yaml");
        assert_int_equal(chmod(*state, 0755), 0);
        assert_int_equal(chmod(descriptor, 0666), 0);
        assert_int_equal(seteuid(65534), 0);
    }
    assert_check(*state, "attachments: {a: secret}", PACK_E_PERMISSION, 10, "secret: cannot open",
                 "");
    assert_int_equal(seteuid(before), 0);
}

static void a70_links_out_of_the_folder_are_refused(void **state)
{
    PACK_AUTO_FREE char *inside = test_path(*state, "in");
    PACK_AUTO_FREE char *outside = test_path(*state, "outside");
    PACK_AUTO_FREE char *link = test_path(*state, "in/link");
    PACK_AUTO_FREE char *good = test_path(*state, "in/good");
    put_folder(*state, "in");
    put(*state, "outside", "x");
    put(inside, "a.bin", "x");
    assert_int_equal(symlink(outside, link), 0);
    assert_int_equal(symlink("a.bin", good), 0);
    assert_check(inside, "attachments: {a: good, b: link}", PACK_E_DESCRIPTOR, 10,
                 "is a link out of", "--allow-outside");
}

static void budgets_are_named_for_people_and_exactly(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "a.bin");
    PACK_AUTO_FREE char *bytes = calloc(1, 3 * PACK_KIB);
    struct findings findings;
    test_write_file(path, bytes, 3 * PACK_KIB);
    assert_check(*state, "    max-size: 2KiB", PACK_E_LIMIT, 10,
                 "image rootfs has 3.0 KiB (3072 bytes), its max-size is 2.0 KiB (2048 bytes): "
                 "over by 1.0 KiB (1024 bytes)",
                 "");
    assert_int_equal(check_changed(*state, "    max-size: 3072", &findings), 0);
    assert_int_equal(check_changed(*state, "    max-size: 3071", &findings), PACK_E_LIMIT);
}

static void empty_images_are_refused(void **state)
{
    put(*state, "a.bin", "");
    assert_check(*state, "data-epoch: 1", PACK_E_DESCRIPTOR, 9, "a.bin is empty", "");
}

static void raw_files_that_look_segmented_are_hinted_at(void **state)
{
    struct findings findings;
    put(*state, "a.bin", "SEG data");
    assert_check(*state, "data-epoch: 1", PACK_OK, 9, "looks like a test's segments",
                 "format: ihex");
    assert_int_equal(check_changed(*state, "    format: raw", &findings), 0);
    assert_int_equal(findings.count, 0);
}

static void segmented_files_are_read_in_their_format(void **state)
{
    struct findings findings;
    put(*state, "a.bin", "SEG data");
    assert_int_equal(check_changed(*state, "    format: ihex\n    max-size: 4", &findings), 0);
    assert_int_equal(findings.count, 0);
    assert_check(*state, "    format: ihex\n    max-size: 3", PACK_E_LIMIT, 11, "4 bytes", "");
    assert_check(*state, "    format: elf", PACK_E_UNSUPPORTED, 8, "format elf", "");
    put(*state, "a.bin", "SEG! data");
    assert_check(*state, "    format: ihex", PACK_E_MALFORMED, 7, "image rootfs: a bad checksum",
                 "");
    assert_int_equal(check_changed(*state, "    format: ihex", &findings), PACK_E_MALFORMED);
    assert_non_null(strstr(findings.all[0].file, "a.bin"));
}

/* Everything that a check looks at is missing or wrong in one of these. */
static void what_is_understood_of_a_faulty_descriptor_is_checked(void **state)
{
    static const char text[] = "fwpakc: 1\n"
                               "attachments: {A: absent, b: [x], c: /etc/passwd}\n"
                               "images:\n"
                               "  - file: three.bin\n"
                               "    max-size: 2\n"
                               "  - {nme: a}\n"
                               "  - b\n"
                               "  - {name: c, file: ../c}\n"
                               "  - {name: d, file: three.bin, format: hex, max-size: 2}\n"
                               "  - {name: e, file: three.bin, max-size: 0}\n"
                               "  - {name: f, file: absent}\n"
                               "  - {file: three.bin, format: ihex}\n";
    static const struct {
        unsigned line;
        const char *words;
    } wanted[] = {{2, "absent: No such file"},
                  {5, "/three.bin has 3 bytes, its max-size is 2"},
                  {11, "absent: No such file"},
                  {7, "/three.bin: a bad checksum"}};
    const struct pack_context context = {.formats = formats};
    struct pack_error error = {0};
    struct findings findings;
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    put(*state, "three.bin", "one");
    put(*state, "fwpack.yaml", text);
    assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
    findings = (struct findings){.count = 0};
    assert_pack_fails(pack_descriptor_check(descriptor, &context, keep, &findings, &error),
                      PACK_E_NOT_FOUND);
    assert_int_equal(findings.count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < findings.count; i++) {
        assert_int_equal(findings.all[i].line, wanted[i].line);
        assert_non_null(strstr(findings.all[i].text, wanted[i].words));
    }
}

static void a_descriptor_without_images_is_checked(void **state)
{
    static const char *const texts[] = {
        "", "- a\n", "images: []\n", "images: x\n", "attachments: {a: .}\n", "a: [\n"};
    const struct pack_context context = {.formats = formats};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pack_error error = {0};
        struct findings findings;
        PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
        put(*state, "fwpack.yaml", texts[i]);
        assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
        const int code = pack_descriptor_check(descriptor, &context, NULL, NULL, &error);
        assert_int_equal(code, texts[i][0] == 'a' && texts[i][1] == 't' ? PACK_E_DESCRIPTOR : 0);
    }
}

static bool always(void *user)
{
    (void)user;
    return true;
}

static void a_check_can_be_interrupted(void **state)
{
    const struct pack_context context = {.cancelled = always};
    struct pack_error error = {0};
    PACK_AUTO(pack_descriptor_free)
    struct pack_descriptor *descriptor = read_changed(*state, "data-epoch: 1");
    assert_pack_fails(pack_descriptor_check(descriptor, &context, NULL, NULL, &error),
                      PACK_E_INTERRUPTED);
}

/* --- the schema and the manual --------------------------------------------------------------- */

static json_t *read_schema(void)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    json_error_t problem;
    assert_pack_ok(pack_descriptor_schema(&text, &size, &error));
    json_t *schema = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    assert_non_null(schema);
    return schema;
}

static void the_schema_knows_every_key(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "fwpack",           "variables",   "include", "product",    "version",
        "security-version", "data-epoch",  "created", "compatible", "requires",
        "images",           "attachments", "meta"};
    json_t *schema = read_schema();
    const json_t *properties = json_object_get(schema, "properties");
    assert_int_equal(json_object_size(properties), sizeof keys / sizeof keys[0]);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        assert_non_null(json_object_get(json_object_get(properties, keys[i]), "description"));
    const json_t *image = json_object_get(json_object_get(properties, "images"), "items");
    assert_true(json_is_false(json_object_get(image, "additionalProperties")));
    assert_int_equal(json_object_size(json_object_get(image, "properties")), 8);
    json_decref(schema);
}

/* Every key with its description stands in the manual. */
static void assert_in_manual(const json_t *properties, const char *manual)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)properties, key, value)
    {
        char cell[64];
        snprintf(cell, sizeof cell, "`%s`", key);
        const char *summary = json_string_value(json_object_get(value, "description"));
        if (strstr(manual, cell) == NULL || strstr(manual, summary) == NULL)
            print_error("docs/descriptor.md lacks %s: %s\n", key, summary);
        assert_non_null(strstr(manual, cell));
        assert_non_null(strstr(manual, summary));
    }
}

static void the_manual_says_of_every_key_what_the_schema_says(void **state)
{
    (void)state;
    PACK_AUTO_FREE char *path = test_fixture("../docs/descriptor.md");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *manual = test_read_file(path, &size);
    json_t *schema = read_schema();
    const json_t *properties = json_object_get(schema, "properties");
    const json_t *image = json_object_get(json_object_get(properties, "images"), "items");
    const json_t *image_properties = json_object_get(image, "properties");
    const json_t *compress = json_object_get(image_properties, "compress");
    const json_t *map = json_array_get(json_object_get(compress, "oneOf"), 1);
    assert_in_manual(properties, (char *)manual);
    assert_in_manual(image_properties, (char *)manual);
    assert_in_manual(json_object_get(map, "properties"), (char *)manual);
    assert_in_manual(json_object_get(json_object_get(properties, "requires"), "properties"),
                     (char *)manual);
    json_decref(schema);
}

/* --- the shared hostile texts ---------------------------------------------------------------- */

/* The vectors' own keys are no keys of a descriptor, so each is refused; crlf.yaml only for that.
 */
static void a72_to_a86_text_attacks(void **state)
{
    PACK_AUTO_FREE char *table = test_shared("vectors/text-attacks/EXPECTED.tsv");
    size_t size = 0, checked = 0;
    PACK_AUTO_FREE uint8_t *rows = test_read_file(table, &size);
    char *rest = NULL;
    for (char *row = strtok_r((char *)rows, "\n", &rest); row != NULL;
         row = strtok_r(NULL, "\n", &rest)) {
        char name[128];
        PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
        struct findings findings;
        row[strcspn(row, "\t")] = '\0';
        if (strstr(row, ".yaml") == NULL)
            continue;
        snprintf(name, sizeof name, "vectors/text-attacks/%s", row);
        PACK_AUTO_FREE char *path = test_shared(name);
        PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
        PACK_AUTO_FREE char *copy = test_path(*state, "fwpack.yaml");
        test_write_file(copy, bytes, size);
        assert_int_equal(read_in(&descriptor, *state, &no_options, &findings), PACK_E_DESCRIPTOR);
        assert_true(findings.all[0].line > 0 && findings.all[0].column > 0);
        checked++;
    }
    assert_true(checked > 20);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_key_is_read),
        IN_FOLDER(what_is_left_out_has_defaults),
        IN_FOLDER(no_security_version_is_a_warning),
        IN_FOLDER(a74_texts_stay_texts),
        IN_FOLDER(quoted_numbers_are_numbers),
        IN_FOLDER(crlf_gives_the_same),
        IN_FOLDER(a74_versions_are_three_numbers),
        IN_FOLDER(a74_numbers_are_plain_decimal_digits),
        IN_FOLDER(a74_null_is_no_value),
        IN_FOLDER(sizes_have_binary_units),
        IN_FOLDER(block_sizes_are_powers_of_two),
        IN_FOLDER(times_are_utc),
        IN_FOLDER(words_are_chosen_from_tables),
        IN_FOLDER(maps_and_lists_are_told_apart),
        IN_FOLDER(a78_unknown_keys_name_the_nearest),
        IN_FOLDER(a78_missing_keys_are_named),
        IN_FOLDER(a73_repeated_keys_name_both_lines),
        IN_FOLDER(names_slots_and_hardware_are_distinct),
        IN_FOLDER(commas_in_brackets_are_not_hardware),
        IN_FOLDER(lists_are_not_empty_and_not_endless),
        IN_FOLDER(all_faults_come_in_the_order_of_the_file),
        IN_FOLDER(many_faults_are_counted),
        IN_FOLDER(an_unreadable_descriptor_says_why),
        IN_FOLDER(a84_large_descriptors_are_refused),
        IN_FOLDER(a84_long_texts_are_refused),
        IN_FOLDER(a83_identifiers_are_plain_text),
        IN_FOLDER(what_meta_is_known_for_is_checked),
        IN_FOLDER(a86_names_are_no_options_or_paths),
        IN_FOLDER(a85_paths_stay_in_the_folder),
        IN_FOLDER(a85_links_out_of_the_folder_are_refused),
        IN_FOLDER(a85_outside_is_reached_when_allowed),
        IN_FOLDER(a_file_named_like_standard_input_is_a_file),
        IN_FOLDER(variables_are_put_into_texts_once),
        IN_FOLDER(variables_obey_the_type_of_their_key),
        IN_FOLDER(undefined_variables_have_a_place_and_a_next_step),
        IN_FOLDER(the_environment_gives_what_is_listed),
        IN_FOLDER(a_definition_beats_the_environment),
        IN_FOLDER(a_definition_that_is_not_used_is_a_warning),
        IN_FOLDER(a77_variables_cannot_multiply_without_end),
        IN_FOLDER(included_files_add_their_keys),
        IN_FOLDER(keys_are_set_in_one_file_only),
        IN_FOLDER(a85_includes_that_cannot_be_read_have_a_place),
        IN_FOLDER(cycles_of_includes_end),
        IN_FOLDER(includes_are_limited),
        IN_FOLDER(files_that_are_there_are_good),
        IN_FOLDER(a70_missing_files_name_the_nearest),
        IN_FOLDER(a70_folders_pipes_and_devices_are_refused),
        IN_FOLDER(a70_files_that_cannot_be_read_are_named),
        IN_FOLDER(a70_links_out_of_the_folder_are_refused),
        IN_FOLDER(budgets_are_named_for_people_and_exactly),
        IN_FOLDER(empty_images_are_refused),
        IN_FOLDER(raw_files_that_look_segmented_are_hinted_at),
        IN_FOLDER(segmented_files_are_read_in_their_format),
        IN_FOLDER(what_is_understood_of_a_faulty_descriptor_is_checked),
        IN_FOLDER(a_descriptor_without_images_is_checked),
        IN_FOLDER(a_check_can_be_interrupted),
        cmocka_unit_test(the_schema_knows_every_key),
        cmocka_unit_test(the_manual_says_of_every_key_what_the_schema_says),
        IN_FOLDER(a72_to_a86_text_attacks),
    };
    return cmocka_run_group_tests_name("descriptor", tests, NULL, NULL);
}
