/* SPDX-License-Identifier: MIT */
#include "document/fields.h"
#include "pack/limits.h"
#include "pack/sbom.h"
#include "pack/text.h"

#include <string.h>

enum {
    MAX_VALUES = 1 << 22, /* about 400 MiB of memory */
    MAX_COMPONENTS = 1 << 20,
    SHOWN = 96
};

static const struct {
    const char *name, *attachment;
} kinds[PACK_SBOM_KINDS] = {
    [PACK_SBOM_CYCLONEDX] = {"CycloneDX", "sbom.cdx.json"},
    [PACK_SBOM_SPDX] = {"SPDX", "sbom.spdx.json"},
    [PACK_SBOM_SPDX_TAGS] = {"SPDX tag-value", "sbom.spdx"},
};

const char *pack_sbom_kind_name(enum pack_sbom_kind kind)
{
    return (unsigned)kind < PACK_SBOM_KINDS ? kinds[kind].name : NULL;
}

const char *pack_sbom_attachment_name(enum pack_sbom_kind kind)
{
    return (unsigned)kind < PACK_SBOM_KINDS ? kinds[kind].attachment : NULL;
}

/* --- what each has to have ------------------------------------------------------------------- */

/* What is read of one, by either table. */
struct bill {
    struct pack_sbom sbom;
    const char *format; /* bomFormat or spdxVersion */
    uint64_t number;    /* of a CycloneDX document's changes */
    const char *id, *licence, *name, *name_space, *created;
};

static int rule_filled(const char *text, struct pack_error *error)
{
    return text[0] != '\0' ? 0 : pack_fail(error, PACK_E_MALFORMED, "is empty");
}

static int rule_any(const char *text, struct pack_error *error)
{
    (void)text;
    (void)error;
    return 0;
}

static int fail_word(const char *text, const char *what, enum pack_code code,
                     struct pack_error *error)
{
    char shown[SHOWN];
    return pack_fail(error, code, "\"%s\", %s",
                     pack_escape(shown, sizeof shown, text, strlen(text)), what);
}

static int rule_cyclonedx(const char *text, struct pack_error *error)
{
    return strcmp(text, "CycloneDX") == 0
               ? 0
               : fail_word(text, "\"CycloneDX\" is wanted", PACK_E_MALFORMED, error);
}

static int rule_cyclonedx_version(const char *text, struct pack_error *error)
{
    if (strlen(text) == 3 && strncmp(text, "1.", 2) == 0 && text[2] >= '2' && text[2] <= '6')
        return 0;
    return fail_word(text, "CycloneDX 1.2 to 1.6 are known", PACK_E_UNSUPPORTED, error);
}

static int rule_spdx_version(const char *text, struct pack_error *error)
{
    if (strcmp(text, "SPDX-2.2") == 0 || strcmp(text, "SPDX-2.3") == 0)
        return 0;
    return fail_word(text, "SPDX-2.2 and SPDX-2.3 are known", PACK_E_UNSUPPORTED, error);
}

static int rule_spdx_document(const char *text, struct pack_error *error)
{
    return strcmp(text, "SPDXRef-DOCUMENT") == 0
               ? 0
               : fail_word(text, "\"SPDXRef-DOCUMENT\" is wanted", PACK_E_MALFORMED, error);
}

#define TABLE(of, all)                                                              \
    {                                                                               \
        .size = sizeof(of), .fields = (all), .count = sizeof(all) / sizeof(all)[0], \
    }
#define COMPONENTS                                                           \
    .offset = offsetof(struct bill, sbom.components), .use = FIELD_OPTIONAL, \
    .count_offset = offsetof(struct bill, sbom.component_count), .maximum = MAX_COMPONENTS

static int read_ignored(struct fields *fields, const struct pack_json_value *value, void *object)
{
    (void)object;
    return value->type == PACK_JSON_STRING ? 0 : fields_fail_type(fields, "a string", value);
}

static int read_object(struct fields *fields, const struct pack_json_value *value, void *object)
{
    (void)object;
    return value->type == PACK_JSON_OBJECT ? 0 : fields_fail_type(fields, "an object", value);
}

static int read_array(struct fields *fields, const struct pack_json_value *value, void *object)
{
    (void)object;
    return value->type == PACK_JSON_ARRAY ? 0 : fields_fail_type(fields, "an array", value);
}

static const struct field cyclonedx_component_fields[] = {
    {"type", FIELD_CUSTOM, .read = read_ignored},
    {"name", FIELD_STRING, .offset = offsetof(struct pack_sbom_component, name), .rule = rule_any},
    {"version", FIELD_STRING, .offset = offsetof(struct pack_sbom_component, version),
     .use = FIELD_OPTIONAL, .rule = rule_any},
};
static const struct field_table cyclonedx_component_table =
    TABLE(struct pack_sbom_component, cyclonedx_component_fields);

static const struct field cyclonedx_fields[] = {
    {"bomFormat", FIELD_STRING, .offset = offsetof(struct bill, format), .rule = rule_cyclonedx},
    {"specVersion", FIELD_STRING, .offset = offsetof(struct bill, sbom.version),
     .rule = rule_cyclonedx_version},
    {"version", FIELD_INTEGER, .offset = offsetof(struct bill, number), .use = FIELD_OPTIONAL},
    {"metadata", FIELD_CUSTOM, .use = FIELD_OPTIONAL, .read = read_object},
    {"components", FIELD_OBJECTS, COMPONENTS, .table = &cyclonedx_component_table},
    {"dependencies", FIELD_CUSTOM, .use = FIELD_OPTIONAL, .read = read_array},
};
static const struct field_table cyclonedx_table = TABLE(struct bill, cyclonedx_fields);

static const struct field spdx_package_fields[] = {
    {"SPDXID", FIELD_CUSTOM, .read = read_ignored},
    {"name", FIELD_STRING, .offset = offsetof(struct pack_sbom_component, name), .rule = rule_any},
    {"versionInfo", FIELD_STRING, .offset = offsetof(struct pack_sbom_component, version),
     .use = FIELD_OPTIONAL, .rule = rule_any},
};
static const struct field_table spdx_package_table =
    TABLE(struct pack_sbom_component, spdx_package_fields);

#define TEXT(member_name, text_rule) \
    .kind = FIELD_STRING, .offset = offsetof(struct bill, member_name), .rule = (text_rule)

static const struct field spdx_creation_fields[] = {
    {.name = "created", TEXT(created, rule_filled)},
    {"creators", FIELD_CUSTOM, .read = read_array},
};
static const struct field_table spdx_creation_table = TABLE(struct bill, spdx_creation_fields);

static const struct field spdx_fields[] = {
    {.name = "spdxVersion", TEXT(format, rule_spdx_version)},
    {.name = "SPDXID", TEXT(id, rule_spdx_document)},
    {.name = "dataLicense", TEXT(licence, rule_filled)},
    {.name = "name", TEXT(name, rule_filled)},
    {.name = "documentNamespace", TEXT(name_space, rule_filled)},
    {"creationInfo", FIELD_GROUP, .table = &spdx_creation_table},
    {"packages", FIELD_OBJECTS, COMPONENTS, .table = &spdx_package_table},
};
static const struct field_table spdx_table = TABLE(struct bill, spdx_fields);

/* --- JSON ------------------------------------------------------------------------------------ */

static int read_table(struct fields *fields, const struct field_table *table,
                      const struct pack_json_value *root, struct bill *bill)
{
    int code = fields_read(fields, table, root, bill);
    if (code == 0) {
        fields->place = NULL;
        code = fields_check(fields, table, bill);
    }
    return fields_verdict(fields, code);
}

static int fail_kind(const struct pack_json_value *root, struct pack_error *error)
{
    if (pack_json_member(root, "@context") != NULL) {
        (void)pack_fail(error, PACK_E_UNSUPPORTED, "is SPDX 3, or other JSON-LD");
        return pack_hint(error, "give CycloneDX 1.2 to 1.6, or SPDX 2.2 or 2.3");
    }
    (void)pack_fail(error, PACK_E_MALFORMED, "is JSON, but no SBOM");
    return pack_hint(error, "CycloneDX has a member bomFormat, SPDX a member spdxVersion");
}

static int read_json(struct bill *bill, struct pack_arena *arena, const void *bytes, size_t size,
                     struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *tree = NULL;
    const struct pack_json_limits limits = {.bytes = PACK_MAX_ATTACHMENT, .values = MAX_VALUES};
    const struct pack_json_value *root = NULL;
    struct fields fields = {.arena = arena, .error = error};
    int code = pack_arena_new(&tree, error);
    if (code == 0)
        code = pack_json_read_any(&root, tree, bytes, size, &limits, error);
    if (code != 0)
        return code;
    if (pack_json_member(root, "bomFormat") != NULL) {
        bill->sbom.kind = PACK_SBOM_CYCLONEDX;
        return read_table(&fields, &cyclonedx_table, root, bill);
    }
    if (pack_json_member(root, "spdxVersion") == NULL)
        return fail_kind(root, error);
    bill->sbom.kind = PACK_SBOM_SPDX;
    code = read_table(&fields, &spdx_table, root, bill);
    if (code == 0)
        bill->sbom.version = bill->format + strlen("SPDX-");
    return code;
}

/* --- tag: value ------------------------------------------------------------------------------ */

/* The tags that a document begins with (SPDX 2.3, clause 6). */
static const char *const tags[] = {"SPDXVersion",       "DataLicense", "SPDXID", "DocumentName",
                                   "DocumentNamespace", "Creator",     "Created"};
enum { TAGS = sizeof tags / sizeof tags[0], VERSION_TAG = 0 };

struct line {
    const char *text;
    size_t size;
};

/* The next line without its end; false behind the last. */
static bool next_line(struct line *rest, struct line *line)
{
    if (rest->size == 0)
        return false;
    const char *end = memchr(rest->text, '\n', rest->size);
    const size_t size = end != NULL ? (size_t)(end - rest->text) : rest->size;
    *line = (struct line){rest->text, size};
    rest->text += end != NULL ? size + 1 : size;
    rest->size -= end != NULL ? size + 1 : size;
    if (line->size != 0 && line->text[line->size - 1] == '\r')
        line->size--;
    return true;
}

static bool has_tag(const struct line *line, const char *tag)
{
    const size_t length = strlen(tag);
    return line->size > length && memcmp(line->text, tag, length) == 0 && line->text[length] == ':';
}

static bool holds(const struct line *line, const char *mark)
{
    return memmem(line->text, line->size, mark, strlen(mark)) != NULL;
}

static void find_tags(struct line rest, struct line found[TAGS])
{
    struct line line;
    bool in_text = false;
    while (next_line(&rest, &line)) {
        for (size_t i = 0; !in_text && i < TAGS; i++)
            if (found[i].text == NULL && has_tag(&line, tags[i]))
                found[i] = line;
        if (holds(&line, "<text>") || in_text)
            in_text = !holds(&line, "</text>");
    }
}

static int read_tags(struct bill *bill, struct pack_arena *arena, const char *text, size_t size,
                     struct pack_error *error)
{
    struct line found[TAGS] = {{NULL, 0}};
    const char *version = NULL;
    bill->sbom.kind = PACK_SBOM_SPDX_TAGS;
    find_tags((struct line){text, size}, found);
    for (size_t i = 0; i < TAGS; i++)
        if (found[i].text == NULL)
            return pack_fail(error, PACK_E_MALFORMED, "has no tag %s", tags[i]);
    const size_t skipped = strlen(tags[VERSION_TAG]) + 1;
    size_t at = skipped;
    while (at < found[VERSION_TAG].size && found[VERSION_TAG].text[at] == ' ')
        at++;
    int code = pack_arena_string(arena, &version, found[VERSION_TAG].text + at,
                                 found[VERSION_TAG].size - at, error);
    if (code == 0)
        code = rule_spdx_version(version, error);
    if (code == 0)
        bill->sbom.version = version + strlen("SPDX-");
    return code;
}

/* --- which it is ----------------------------------------------------------------------------- */

/* What comes behind a byte order mark and blanks, so that others are called by their name. */
static struct line beginning_of(const char *text, size_t size)
{
    struct line rest = {text, size};
    if (rest.size >= 3 && memcmp(rest.text, "\xef\xbb\xbf", 3) == 0)
        rest = (struct line){rest.text + 3, rest.size - 3};
    while (rest.size != 0 && strchr(" \t\r\n", *rest.text) != NULL && *rest.text != '\0')
        rest = (struct line){rest.text + 1, rest.size - 1};
    return rest;
}

static int refuse_xml(const struct line *text, struct pack_error *error)
{
    const bool cyclonedx = holds(text, "cyclonedx.org/schema/bom");
    (void)pack_fail(error, PACK_E_UNSUPPORTED, "is %s, JSON is wanted",
                    cyclonedx ? "CycloneDX in XML" : "XML");
    return cyclonedx ? pack_hint(error, "cyclonedx-cli converts it: cyclonedx convert "
                                        "--output-format json")
                     : pack_hint(error, "give CycloneDX or SPDX as JSON");
}

/* Comments may stand before the first tag. */
static bool begins_with_tag(struct line rest)
{
    struct line line;
    while (next_line(&rest, &line))
        if (line.size != 0 && line.text[0] != '#')
            return has_tag(&line, tags[VERSION_TAG]);
    return false;
}

static int read_bill(struct bill *bill, struct pack_arena *arena, const void *bytes, size_t size,
                     struct pack_error *error)
{
    const struct line text = beginning_of(bytes, size);
    if (text.size == 0)
        return pack_fail(error, PACK_E_MALFORMED, "is empty, an SBOM is wanted");
    if (*text.text == '<')
        return refuse_xml(&text, error);
    if (begins_with_tag(text))
        return read_tags(bill, arena, bytes, size, error);
    if (*text.text == '{' || *text.text == '[')
        return read_json(bill, arena, bytes, size, error);
    (void)pack_fail(error, PACK_E_MALFORMED, "is no SBOM");
    return pack_hint(error, "give CycloneDX as JSON, or SPDX as JSON or tag-value");
}

int pack_sbom_read(struct pack_sbom **sbom, const void *bytes, size_t size,
                   struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct bill *bill = NULL;
    *sbom = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_arena_allocate(arena, &bill, 1, sizeof *bill, error);
    if (code == 0)
        code = read_bill(bill, arena, bytes, size, error);
    if (code != 0)
        return code;
    bill->sbom.storage = pack_steal(&arena);
    *sbom = &bill->sbom;
    return 0;
}

void pack_sbom_free(struct pack_sbom **sbom)
{
    if (*sbom == NULL)
        return;
    struct pack_arena *arena = (*sbom)->storage;
    *sbom = NULL;
    pack_arena_free(&arena);
}
