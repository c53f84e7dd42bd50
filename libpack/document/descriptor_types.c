/* SPDX-License-Identifier: MIT */
/* The values of a descriptor that are one text. */
#include "base/checked.h"
#include "document/descriptor_fields.h"
#include "document/rules.h"
#include "pack/backend/codec.h"
#include "pack/text.h"
#include "pack/version.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

const char pack_name_pattern[] = "^[a-z0-9][a-z0-9._-]{0,40}$";
const char pack_product_pattern[] = "^[^-./ ][^/]{0,1023}$";

static void *member(const struct pack_field *field, void *object)
{
    return (char *)object + field->offset;
}

bool pack_reader_follows(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                         const char *text, int (*rule)(const char *text, struct pack_error *error))
{
    struct pack_error error = {0};
    if (rule(text, &error) == 0)
        return true;
    struct pack_error *fault = pack_reader_fault(reader, node, "%s", error.text);
    if (error.hint[0] != '\0')
        (void)pack_hint(fault, "%s", error.hint);
    return false;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* What is shown to people and compared as it stands; it may end up in a file's name. */
static int rule_product(const char *text, struct pack_error *error)
{
    if (text[0] == '-' || text[0] == '.')
        return pack_fail(error, PACK_E_MALFORMED, "\"%s\" begins with '%c'",
                         pack_yaml_show(text).text, text[0]);
    if (strchr(text, '/') != NULL)
        return pack_fail(error, PACK_E_MALFORMED, "\"%s\" has a '/'", pack_yaml_show(text).text);
    return pack_rule_text(text, error);
}

static void decode_by_rule(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object,
                           int (*rule)(const char *text, struct pack_error *error))
{
    const char *text = pack_reader_text(reader, node);
    if (text != NULL && pack_reader_follows(reader, node, text, rule))
        *(const char **)member(field, object) = text;
}

static void decode_product(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    decode_by_rule(reader, field, node, object, rule_product);
}

static void schema_product(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_text(json, pack_product_pattern);
}

const struct pack_field_type pack_type_product = {decode_product, schema_product};

static void decode_name(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    decode_by_rule(reader, field, node, object, pack_rule_name);
}

static void schema_name(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_text(json, pack_name_pattern);
}

const struct pack_field_type pack_type_name = {decode_name, schema_name};

/* --- versions -------------------------------------------------------------------------------- */

/* "1" and "1.10" are what YAML takes for numbers, and what people write for 1.10.0. */
static bool looks_like_short_version(const char *text)
{
    size_t dots = 0;
    for (const char *at = text; *at != '\0'; at++) {
        dots += *at == '.';
        if (strchr("0123456789.", *at) == NULL)
            return false;
    }
    return text[0] != '.' && text[0] != '\0' && text[strlen(text) - 1] != '.' && dots <= 1;
}

static int rule_version(const char *text, struct pack_error *error)
{
    const int code = pack_version_check(text, error);
    if (code != 0 && looks_like_short_version(text))
        (void)pack_hint(error, "a version has three numbers: \"%s%s\"", pack_yaml_show(text).text,
                        strchr(text, '.') != NULL ? ".0" : ".0.0");
    return code;
}

static void decode_version(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    decode_by_rule(reader, field, node, object, rule_version);
}

static void schema_version(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_text(json, "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)"
                           "(-[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?"
                           "(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?$");
}

const struct pack_field_type pack_type_version = {decode_version, schema_version};

static void decode_range(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    decode_by_rule(reader, field, node, object, pack_range_check);
}

static void schema_range(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_text(json, "^(<|<=|=|>|>=)[0-9][^ ]*( (<|<=|=|>|>=)[0-9][^ ]*)*$");
}

const struct pack_field_type pack_type_range = {decode_range, schema_range};

/* --- numbers --------------------------------------------------------------------------------- */

/* What YAML 1.1 would read as another number, or as none, is refused by its name (A74). */
static const char *complaint(const char *text)
{
    static const struct {
        const char *characters;
        const char *what;
    } oddities[] = {
        {"+-", "has a sign"},     {"_", "has an underscore"}, {"xX", "has hexadecimal digits"},
        {".,", "has a fraction"}, {":", "has a colon"},       {"eE", "has an exponent"},
        {" ", "has a space"},
    };
    for (size_t i = 0; i < sizeof oddities / sizeof oddities[0]; i++)
        if (strcspn(text, "0123456789+-.") == 0 && strpbrk(text, oddities[i].characters) != NULL)
            return oddities[i].what;
    return "is no number";
}

bool pack_reader_digits(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                        const char *text, uint64_t *number, const char **end)
{
    const size_t size = strspn(text, "0123456789");
    *end = text + size;
    *number = 0;
    if (size > 1 && text[0] == '0') {
        (void)pack_hint(pack_reader_fault(reader, node, "\"%s\" begins with 0, as if it were octal",
                                          pack_yaml_show(text).text),
                        "write it without the 0 in front");
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        *number = *number * 10 + (uint64_t)(text[i] - '0');
        if (*number <= PACK_MAX_INTEGER)
            continue;
        (void)pack_reader_fail(reader, node, PACK_E_LIMIT, "%s is above the limit of %" PRIu64,
                               pack_yaml_show(text).text, PACK_MAX_INTEGER);
        return false;
    }
    return true;
}

bool pack_reader_integer(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                         const char *text, uint64_t *number)
{
    const char *end = NULL;
    if (text[strspn(text, "0123456789")] != '\0' || text[0] == '\0') {
        (void)pack_reader_fault(reader, node, "\"%s\" %s, plain decimal digits wanted",
                                pack_yaml_show(text).text, complaint(text));
        return false;
    }
    return pack_reader_digits(reader, node, text, number, &end);
}

void pack_schema_integer(struct pack_json *json)
{
    pack_json_array(json, "type");
    pack_json_string(json, NULL, "integer");
    pack_json_string(json, NULL, "string");
    pack_json_end(json);
}

static void schema_integer(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_integer(json);
    pack_json_unsigned(json, "minimum", 0);
    pack_json_unsigned(json, "maximum", PACK_MAX_INTEGER);
    pack_json_string(json, "pattern", "^(0|[1-9][0-9]*)$|\\$\\{");
}

static void decode_integer(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    const char *text = pack_reader_text(reader, node);
    uint64_t number = 0;
    if (text != NULL && pack_reader_integer(reader, node, text, &number))
        *(uint64_t *)member(field, object) = number;
}

const struct pack_field_type pack_type_integer = {decode_integer, schema_integer};

static void decode_format_number(struct pack_descriptor_reader *reader,
                                 const struct pack_field *field, const struct pack_yaml *node,
                                 void *object)
{
    (void)field;
    (void)object;
    const char *text = pack_reader_text(reader, node);
    if (text == NULL || strcmp(text, "1") == 0)
        return;
    (void)pack_hint(pack_reader_fail(reader, node, PACK_E_UNSUPPORTED,
                                     "format \"%s\" of the descriptor, 1 wanted",
                                     pack_yaml_show(text).text),
                    "write fwpack: 1");
}

static void schema_format_number(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_unsigned(json, "const", 1);
}

const struct pack_field_type pack_type_format_number = {decode_format_number, schema_format_number};

/* --- sizes ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint64_t bytes;
} units[] = {{"", 1}, {"KiB", PACK_KIB}, {"MiB", PACK_MIB}, {"GiB", PACK_GIB}};

static bool scale(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                  const char *text, const char *unit, uint64_t *size)
{
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(unit, units[i].name) != 0)
            continue;
        if (pack_multiply(*size, units[i].bytes, size) && *size <= PACK_MAX_INTEGER)
            return true;
        (void)pack_reader_fail(reader, node, PACK_E_LIMIT,
                               "%s is above the limit of %" PRIu64 " bytes",
                               pack_yaml_show(text).text, PACK_MAX_INTEGER);
        return false;
    }
    struct pack_error *fault =
        strchr(unit, '.') != NULL
            ? pack_reader_fault(reader, node, "\"%s\" has a fraction, a whole number wanted",
                                pack_yaml_show(text).text)
            : pack_reader_fault(reader, node, "\"%s\" has the unit \"%s\", KiB, MiB or GiB wanted",
                                pack_yaml_show(text).text, pack_yaml_show(unit).text);
    (void)pack_hint(fault, "write 128MiB, without a space, or plain bytes");
    return false;
}

bool pack_reader_size(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                      const char *text, uint64_t *size)
{
    const char *unit = NULL;
    if (strchr("0123456789", text[0]) == NULL || text[0] == '\0' || strpbrk(text, "_xX") != NULL) {
        (void)pack_reader_fault(reader, node, "\"%s\" %s, decimal digits and a unit wanted",
                                pack_yaml_show(text).text, complaint(text));
        return false;
    }
    return pack_reader_digits(reader, node, text, size, &unit) &&
           scale(reader, node, text, unit, size);
}

static void schema_size(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_integer(json);
    pack_json_unsigned(json, "minimum", 1);
    pack_json_unsigned(json, "maximum", PACK_MAX_INTEGER);
    pack_json_string(json, "pattern", "^[1-9][0-9]*(KiB|MiB|GiB)?$|\\$\\{");
}

static void decode_size(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    (void)field;
    struct pack_descriptor_image *image = object;
    const char *text = pack_reader_text(reader, node);
    uint64_t size = 0;
    image->max_size_place = pack_reader_place(reader, node);
    if (text == NULL || !pack_reader_size(reader, node, text, &size))
        return;
    if (size == 0)
        (void)pack_reader_fault(reader, node, "a budget of 0 bytes fits no image");
    image->has_max_size = size != 0;
    image->max_size = size;
}

const struct pack_field_type pack_type_size = {decode_size, schema_size};

static void decode_block_size(struct pack_descriptor_reader *reader, const struct pack_field *field,
                              const struct pack_yaml *node, void *object)
{
    struct pack_error error = {0};
    const char *text = pack_reader_text(reader, node);
    uint64_t size = 0;
    if (text == NULL || !pack_reader_size(reader, node, text, &size))
        return;
    if (pack_rule_block_size(size, &error) == 0)
        *(uint32_t *)member(field, object) = (uint32_t)size;
    else
        (void)pack_reader_fault(reader, node, "%s", error.text);
}

const struct pack_field_type pack_type_block_size = {decode_block_size, schema_size};

/* --- choices --------------------------------------------------------------------------------- */

enum { MAX_CHOICES = 16 };

const char *pack_reader_choice(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                               const char *what, const char *const *words, size_t count)
{
    const char *text = pack_reader_text(reader, node);
    char all[128] = "";
    if (text == NULL)
        return NULL;
    for (size_t i = 0, size = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0)
            return words[i];
        size +=
            (size_t)snprintf(all + size, sizeof all - size, "%s%s", i == 0 ? "" : ", ", words[i]);
    }
    struct pack_error *fault =
        pack_reader_fault(reader, node, "\"%s\" is no %s", pack_yaml_show(text).text, what);
    const char *nearest = pack_nearest(text, words, count);
    if (nearest != NULL)
        (void)pack_hint(fault, "did you mean \"%s\"?", nearest);
    else
        (void)pack_hint(fault, "it is one of %s", all);
    return NULL;
}

static void schema_choice(struct pack_json *json, const char *const *words, size_t count)
{
    pack_json_array(json, "anyOf");
    pack_json_object(json, NULL);
    pack_json_array(json, "enum");
    for (size_t i = 0; i < count; i++)
        pack_json_string(json, NULL, words[i]);
    pack_json_end(json);
    pack_json_end(json);
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "string");
    pack_json_string(json, "pattern", "\\$\\{");
    pack_json_end(json);
    pack_json_end(json);
}

static const char *const image_formats[] = {"raw", "ihex", "srec", "uf2", "elf"};
enum { IMAGE_FORMATS = sizeof image_formats / sizeof image_formats[0] };

static void decode_image_format(struct pack_descriptor_reader *reader,
                                const struct pack_field *field, const struct pack_yaml *node,
                                void *object)
{
    struct pack_image_work *work = object;
    const char *word =
        pack_reader_choice(reader, node, "image format", image_formats, IMAGE_FORMATS);
    work->format_given = true;
    *(const char **)member(field, object) = word; /* NULL: known to be wrong, not left out */
}

static void schema_image_format(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    schema_choice(json, image_formats, IMAGE_FORMATS);
}

const struct pack_field_type pack_type_image_format = {decode_image_format, schema_image_format};

static size_t codec_names(const char *names[MAX_CHOICES])
{
    size_t count = 0;
    for (const struct pack_codec *const *codec = pack_codecs();
         *codec != NULL && count < MAX_CHOICES; codec++)
        names[count++] = (*codec)->name;
    return count;
}

static void decode_codec(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    const char *names[MAX_CHOICES];
    const size_t count = codec_names(names);
    const char *word = pack_reader_choice(reader, node, "codec", names, count);
    if (word != NULL)
        *(const char **)member(field, object) = word;
}

static void schema_codec(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    const char *names[MAX_CHOICES];
    const size_t count = codec_names(names);
    schema_choice(json, names, count);
}

const struct pack_field_type pack_type_codec = {decode_codec, schema_codec};

static void decode_level(struct pack_descriptor_reader *reader, const struct pack_field *field,
                         const struct pack_yaml *node, void *object)
{
    (void)field;
    struct pack_image_work *work = object;
    const char *text = pack_reader_text(reader, node);
    uint64_t level = 0;
    if (text == NULL || !pack_reader_integer(reader, node, text, &level))
        return;
    work->level = node;
    work->image.has_level = true;
    work->image.level = (int)pack_min(level, INT_MAX);
}

const struct pack_field_type pack_type_level = {decode_level, schema_integer};

/* --- files ----------------------------------------------------------------------------------- */

static void decode_file(struct pack_descriptor_reader *reader, const struct pack_field *field,
                        const struct pack_yaml *node, void *object)
{
    (void)field;
    struct pack_descriptor_image *image = object;
    const char *text = pack_reader_text(reader, node);
    image->file_place = pack_reader_place(reader, node);
    if (text == NULL)
        return;
    image->file = text;
    image->path = pack_reader_path(reader, node, "", text);
}

static void schema_file(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_json_string(json, "type", "string");
    pack_json_unsigned(json, "minLength", 1);
    pack_json_unsigned(json, "maxLength", PACK_MAX_TEXT);
}

const struct pack_field_type pack_type_file = {decode_file, schema_file};

/* --- time ------------------------------------------------------------------------------------ */

static int two_digits(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

/* Whether the text has a digit where the pattern has a 0, and else the same characters. */
static bool matches(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, text++)
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    return *text == '\0';
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static uint64_t days_before(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    const int past = month > 2 ? year : year - 1; /* the last year whose leap day is over */
    const int leap_days = past / 4 - past / 100 + past / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    return (uint64_t)((year - 1970) * 365 + leap_days + before[month - 1] + day - 1);
}

static bool date_exists(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return year >= 1970 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap);
}

/* RFC 3339 in UTC, whole seconds. */
static bool read_time(const char *text, uint64_t *seconds)
{
    if (!matches(text, "0000-00-00T00:00:00Z"))
        return false;
    const int year = two_digits(text) * 100 + two_digits(text + 2);
    const int month = two_digits(text + 5), day = two_digits(text + 8);
    const int hour = two_digits(text + 11), minute = two_digits(text + 14);
    const int second = two_digits(text + 17);
    if (!date_exists(year, month, day) || hour > 23 || minute > 59 || second > 59)
        return false;
    *seconds = days_before(year, month, day) * 86400 + (uint64_t)(hour * 3600 + minute * 60) +
               (uint64_t)second;
    return true;
}

static void decode_created(struct pack_descriptor_reader *reader, const struct pack_field *field,
                           const struct pack_yaml *node, void *object)
{
    struct pack_descriptor *descriptor = object;
    const char *text = pack_reader_text(reader, node);
    uint64_t seconds = 0;
    if (text == NULL)
        return;
    if (strchr(text, '-') == NULL) {
        if (!pack_reader_integer(reader, node, text, &seconds))
            return;
    } else if (!read_time(text, &seconds)) {
        (void)pack_hint(
            pack_reader_fault(reader, node, "\"%s\" is no time", pack_yaml_show(text).text),
            "write it as 2024-02-29T12:00:00Z, or as seconds since 1970");
        return;
    }
    *(uint64_t *)member(field, object) = seconds;
    descriptor->has_created = true;
}

static void schema_created(struct pack_json *json, const struct pack_field *field)
{
    (void)field;
    pack_schema_integer(json);
    pack_json_unsigned(json, "minimum", 0);
    pack_json_unsigned(json, "maximum", PACK_MAX_INTEGER);
    pack_json_string(json, "pattern",
                     "^([0-9]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)$|\\$\\{");
}

const struct pack_field_type pack_type_created = {decode_created, schema_created};
