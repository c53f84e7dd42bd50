/* SPDX-License-Identifier: MIT */
#include "keystore/pkcs11_uri.h"

#include "base/memory.h"
#include "pack/text.h"

#include <string.h>

enum { MAX_URI = 8192 };

enum kind {
    KIND_TEXT,    /* UTF-8 without a zero byte */
    KIND_BYTES,   /* anything */
    KIND_NUMBER,  /* decimal */
    KIND_VERSION, /* decimal, or two with a dot between */
    KIND_SECRET,  /* what must not stand in a URI */
};

/* Every attribute of sections 2.3 and 2.4. */
static const struct attribute {
    const char *name;
    bool in_query;
    enum kind kind;
    enum pkcs11_attribute index;
} attributes[] = {
    {"token", false, KIND_TEXT, PKCS11_TOKEN},
    {"manufacturer", false, KIND_TEXT, PKCS11_MANUFACTURER},
    {"serial", false, KIND_TEXT, PKCS11_SERIAL},
    {"model", false, KIND_TEXT, PKCS11_MODEL},
    {"library-description", false, KIND_TEXT, PKCS11_LIBRARY_DESCRIPTION},
    {"library-manufacturer", false, KIND_TEXT, PKCS11_LIBRARY_MANUFACTURER},
    {"library-version", false, KIND_VERSION, PKCS11_LIBRARY_VERSION},
    {"slot-description", false, KIND_TEXT, PKCS11_SLOT_DESCRIPTION},
    {"slot-manufacturer", false, KIND_TEXT, PKCS11_SLOT_MANUFACTURER},
    {"slot-id", false, KIND_NUMBER, PKCS11_SLOT_ID},
    {"object", false, KIND_TEXT, PKCS11_OBJECT},
    {"id", false, KIND_BYTES, PKCS11_ID},
    {"type", false, KIND_TEXT, PKCS11_TYPE},
    {"module-path", true, KIND_TEXT, PKCS11_MODULE_PATH},
    {"module-name", true, KIND_TEXT, PKCS11_MODULE_NAME},
    {"pin-source", true, KIND_TEXT, PKCS11_PIN_SOURCE},
    {"pin-value", true, KIND_SECRET, PKCS11_ATTRIBUTES},
};
enum { ATTRIBUTES = sizeof attributes / sizeof attributes[0] };

/* --- values ---------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_plain(char c, bool in_query)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
        return true;
    return c != '\0' && strchr(in_query ? "-._~:[]@!$'()*+,=/?|" : "-._~:[]@!$'()*+,=&", c) != NULL;
}

static int fail_character(char c, const char *name, struct pack_error *error)
{
    if (c == '%')
        return pack_fail(error, PACK_E_USAGE, "%s: a '%%' wants two hex digits behind it", name);
    return pack_fail(error, PACK_E_USAGE, "%s: the byte 0x%02x is written %%%02X in a URI", name,
                     (unsigned char)c, (unsigned char)c);
}

/* In place: what is decoded is never longer. */
static int decode(struct pkcs11_value *value, char *text, const struct attribute *attribute,
                  struct pack_error *error)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        const bool coded = *from == '%'; /* read before it is written over */
        const int high = coded ? hex_digit(from[1]) : 0;
        const int low = coded && high >= 0 ? hex_digit(from[2]) : 0;
        if (coded ? high < 0 || low < 0 : !is_plain(*from, attribute->in_query))
            return fail_character(*from, attribute->name, error);
        *to++ = (char)(coded ? high << 4 | low : *from);
        from += coded ? 3 : 1;
    }
    *to = '\0';
    *value = (struct pkcs11_value){text, (size_t)(to - text)};
    return 0;
}

/* Moves over decimal digits. */
static bool take_number(const char **at, uint64_t *number)
{
    const char *start = *at;
    *number = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(**at - '0'), number))
            return false;
    return *at != start;
}

static int read_number(struct pkcs11_uri *uri, const char *text, struct pack_error *error)
{
    const char *at = text;
    return take_number(&at, &uri->slot) && *at == '\0'
               ? 0
               : pack_fail(error, PACK_E_USAGE, "slot-id: '%.32s' is no number", text);
}

static int read_version(struct pkcs11_uri *uri, const char *text, struct pack_error *error)
{
    const char *at = text;
    bool good = take_number(&at, &uri->library_major);
    if (good && *at == '.') {
        at++;
        good = take_number(&at, &uri->library_minor);
    }
    return good && *at == '\0' ? 0
                               : pack_fail(error, PACK_E_USAGE,
                                           "library-version: '%.32s' is no version as 2.6", text);
}

static int check_value(struct pkcs11_uri *uri, const struct attribute *attribute,
                       const struct pkcs11_value *value, struct pack_error *error)
{
    if (attribute->kind == KIND_BYTES)
        return 0;
    if (strlen(value->text) != value->size || !pack_utf8_valid(value->text, value->size))
        return pack_fail(error, PACK_E_USAGE, "%s: is no text (UTF-8)", attribute->name);
    if (attribute->kind == KIND_NUMBER)
        return read_number(uri, value->text, error);
    return attribute->kind == KIND_VERSION ? read_version(uri, value->text, error) : 0;
}

/* --- names ----------------------------------------------------------------------------------- */

static int fail_name(const char *name, bool in_query, struct pack_error *error)
{
    const char *words[ATTRIBUTES];
    char shown[64];
    for (size_t i = 0; i < ATTRIBUTES; i++)
        words[i] = attributes[i].name;
    pack_escape(shown, sizeof shown, name, strlen(name));
    pack_fail(error, PACK_E_USAGE, "no attribute of a PKCS#11 URI is called '%s'", shown);
    const char *nearest = pack_nearest(name, words, ATTRIBUTES);
    if (nearest != NULL && strcmp(nearest, name) == 0)
        return pack_hint(error, "%s stands %s the '?'", name, in_query ? "before" : "behind");
    if (nearest != NULL)
        return pack_hint(error, "did you mean %s?", nearest);
    return pack_hint(error, "pkcs11:token=LABEL;object=LABEL?pin-source=/FILE, RFC 7512");
}

static const struct attribute *find(const char *name, bool in_query)
{
    for (size_t i = 0; i < ATTRIBUTES; i++)
        if (attributes[i].in_query == in_query && strcmp(attributes[i].name, name) == 0)
            return &attributes[i];
    return NULL;
}

static int refuse_secret(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "pin-value: the command line can be seen by all");
    return pack_hint(error, "change that PIN; name its file: ?pin-source=/FILE, --passphrase-file");
}

/* One NAME=VALUE, which is taken apart in place. */
static int read_attribute(struct pkcs11_uri *uri, char *text, bool in_query,
                          struct pack_error *error)
{
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return pack_fail(error, PACK_E_USAGE, "'%.64s' is no attribute: NAME=VALUE wanted", text);
    *equals = '\0';
    const struct attribute *attribute = find(text, in_query);
    if (attribute == NULL)
        return strncmp(text, "x-", 2) == 0 ? 0 : fail_name(text, in_query, error);
    if (attribute->kind == KIND_SECRET)
        return refuse_secret(error);
    struct pkcs11_value *value = &uri->values[attribute->index];
    if (value->text != NULL)
        return pack_fail(error, PACK_E_USAGE, "%s is given twice", text);
    const int code = decode(value, equals + 1, attribute, error);
    return code != 0 ? code : check_value(uri, attribute, value, error);
}

static int read_part(struct pkcs11_uri *uri, char *part, bool in_query, struct pack_error *error)
{
    int code = 0;
    for (char *next = part; code == 0 && next != NULL;) {
        char *this = next;
        next = strchr(this, in_query ? '&' : ';');
        if (next != NULL)
            *next++ = '\0';
        code = read_attribute(uri, this, in_query, error);
    }
    return code;
}

int pkcs11_uri_parse(struct pkcs11_uri *uri, const char *text, struct pack_error *error)
{
    *uri = (struct pkcs11_uri){.memory = NULL};
    if (strlen(text) > MAX_URI)
        return pack_fail(error, PACK_E_USAGE, "the URI has more than %d bytes", (int)MAX_URI);
    int code = pack_copy_string(&uri->memory, text, error);
    if (code != 0)
        return code;
    char *query = strchr(uri->memory, '?');
    if (query != NULL)
        *query++ = '\0';
    if (uri->memory[0] != '\0')
        code = read_part(uri, uri->memory, false, error);
    if (code == 0 && query != NULL)
        code = read_part(uri, query, true, error);
    if (code != 0)
        pkcs11_uri_clear(uri);
    return code;
}

void pkcs11_uri_clear(struct pkcs11_uri *uri)
{
    free(uri->memory);
    *uri = (struct pkcs11_uri){.memory = NULL};
}
