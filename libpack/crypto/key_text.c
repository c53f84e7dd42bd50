/* SPDX-License-Identifier: MIT */
#include "crypto/key_text.h"

#include "crypto/foreign_key.h"
#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

/* Base64 characters of what a two-line file holds: each length is one thing. */
enum {
    PUBLIC_DIGITS = PACK_BASE64_TEXT_SIZE(PACK_PUBLIC_FILE_SIZE) - 1,
    MINISIGN_DIGITS = PACK_BASE64_TEXT_SIZE(158) - 1,
    SIGNIFY_DIGITS = PACK_BASE64_TEXT_SIZE(104) - 1,
};

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                             "0123456789+/=";

/* A line without its end. */
static struct pack_span take_line(struct pack_span *rest)
{
    const char *end = memchr(rest->text, '\n', rest->size);
    const size_t size = end != NULL ? (size_t)(end - rest->text) : rest->size;
    struct pack_span line = {rest->text, size};
    const size_t used = size + (end != NULL);
    rest->text += used;
    rest->size -= used;
    if (line.size != 0 && line.text[line.size - 1] == '\r')
        line.size--;
    return line;
}

static bool is_blank(struct pack_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if (strchr(" \t\r\n", text.text[i]) == NULL)
            return false;
    return true;
}

static int check_comment(struct pack_span comment, struct pack_error *error)
{
    if (comment.size >= PACK_MAX_TRUSTED_COMMENT) {
        pack_fail(error, PACK_E_LIMIT, "comment has %zu bytes, fewer than %d wanted", comment.size,
                  PACK_MAX_TRUSTED_COMMENT);
        return pack_at_line(error, 1, 0);
    }
    if (pack_comment_valid(comment))
        return 0;
    pack_fail(error, PACK_E_KEY_INVALID,
              "comment has a carriage return, another control character or bytes not in UTF-8");
    return pack_at_line(error, 1, 0);
}

bool pack_key_text_decode(struct pack_span data, uint8_t *bytes, size_t capacity, size_t *size)
{
    return pack_base64_read(data, sodium_base64_VARIANT_ORIGINAL, " \t\r\n", bytes, capacity, size);
}

/* --- minisign, signify ----------------------------------------------------------------------- */

static void judge_length(struct pack_key_text *parts)
{
    static const struct {
        size_t digits;
        enum pack_key_format format;
        enum pack_key_half half;
    } kinds[] = {
        {PUBLIC_DIGITS, PACK_KEY_MINISIGN, PACK_HALF_PUBLIC},
        {MINISIGN_DIGITS, PACK_KEY_MINISIGN, PACK_HALF_SECRET},
        {SIGNIFY_DIGITS, PACK_KEY_SIGNIFY, PACK_HALF_SECRET},
    };
    parts->format = PACK_KEY_MINISIGN;
    parts->half = PACK_HALF_UNKNOWN;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].digits == parts->data.size) {
            parts->format = kinds[i].format;
            parts->half = kinds[i].half;
        }
}

static int data_behind(struct pack_span rest, unsigned line, struct pack_error *error)
{
    if (line == 1)
        pack_fail(error, PACK_E_KEY_INVALID, "not a key of minisign, signify, OpenSSH or PEM");
    else if (pack_span_skip(&rest, PACK_TRUSTED_COMMENT))
        pack_fail(error, PACK_E_KEY_INVALID, "this is a signature, where a key is wanted");
    else
        pack_fail(error, PACK_E_KEY_INVALID, "data after the key");
    return pack_at_line(error, line == 1 ? 1 : 3, 0);
}

static int split_lines(struct pack_key_text *parts, struct pack_span rest, struct pack_error *error)
{
    unsigned line = 1;
    parts->data = take_line(&rest);
    if (pack_span_skip(&parts->data, PACK_UNTRUSTED_COMMENT)) {
        parts->comment = parts->data;
        const int code = check_comment(parts->comment, error);
        if (code != 0)
            return code;
        parts->data = take_line(&rest);
        line = 2;
    }
    judge_length(parts);
    return rest.size == 0 ? 0 : data_behind(rest, line, error);
}

/* --- PEM, and OpenSSH's private keys --------------------------------------------------------- */

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

static bool find(struct pack_span text, const char *what, size_t *at)
{
    const char *found = memmem(text.text, text.size, what, strlen(what));
    if (found == NULL)
        return false;
    *at = (size_t)(found - text.text);
    return true;
}

/* Where a line begins with BEGIN: what stands before it explains, RFC 7468 says, and is not read.
 */
static bool find_armor(struct pack_span text, size_t *at)
{
    struct pack_span rest = text;
    while (rest.size != 0) {
        *at = text.size - rest.size;
        struct pack_span line = take_line(&rest);
        if (pack_span_skip(&line, BEGIN))
            return true;
    }
    return false;
}

static int armor_fault(const char *what, struct pack_error *error)
{
    return pack_fail(error, PACK_E_KEY_INVALID, "the PEM text %s", what);
}

static bool take_label(struct pack_span *line, struct pack_span *label)
{
    size_t size = 0;
    if (!find(*line, DASHES, &size))
        return false;
    *label = (struct pack_span){line->text, size};
    line->text += size + strlen(DASHES);
    line->size -= size + strlen(DASHES);
    return is_blank(*line);
}

static bool same_label(struct pack_span one, struct pack_span other)
{
    return one.size == other.size && strncmp(one.text, other.text, one.size) == 0;
}

static int judge_label(struct pack_key_text *parts, struct pack_span label,
                       struct pack_error *error)
{
    static const struct {
        const char *label;
        enum pack_key_format format;
        enum pack_key_half half;
        bool sealed;
    } kinds[] = {
        {"PRIVATE KEY", PACK_KEY_PEM, PACK_HALF_SECRET, false},
        {"ENCRYPTED PRIVATE KEY", PACK_KEY_PEM, PACK_HALF_SECRET, true},
        {"PUBLIC KEY", PACK_KEY_PEM, PACK_HALF_PUBLIC, false},
        {"OPENSSH PRIVATE KEY", PACK_KEY_OPENSSH, PACK_HALF_SECRET, false},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (same_label(label, (struct pack_span){kinds[i].label, strlen(kinds[i].label)})) {
            parts->format = kinds[i].format;
            parts->half = kinds[i].half;
            parts->sealed = kinds[i].sealed;
            return 0;
        }
    return pack_foreign_label(label, error);
}

static int split_armor(struct pack_key_text *parts, struct pack_span rest, struct pack_error *error)
{
    struct pack_span line = take_line(&rest), label, closing;
    size_t size = 0;
    pack_span_skip(&line, BEGIN);
    if (!take_label(&line, &label))
        return armor_fault("does not begin with a line of its own", error);
    const int code = judge_label(parts, label, error);
    if (code != 0)
        return code;
    if (!find(rest, END, &size))
        return armor_fault("is cut short: it has no line of its end", error);
    parts->data = (struct pack_span){rest.text, size};
    rest.text += size;
    rest.size -= size;
    line = take_line(&rest);
    pack_span_skip(&line, END);
    if (!take_label(&line, &closing) || !same_label(label, closing))
        return armor_fault("ends otherwise than it begins", error);
    if (is_blank(rest))
        return 0;
    pack_fail(error, PACK_E_KEY_INVALID, "data after the key");
    return pack_hint(error, "a file that holds the key alone is wanted");
}

/* --- OpenSSH's public keys ------------------------------------------------------------------- */

/* "ssh-ed25519 AAAA… comment": the type is told from the blob, which says it again. */
static bool is_ssh_line(struct pack_span text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-@.";
    static const char *const starts[] = {"ssh-", "sk-", "ecdsa-"};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        struct pack_span rest = text;
        if (!pack_span_skip(&rest, starts[i]))
            continue;
        while (rest.size != 0 && strchr(letters, rest.text[0]) != NULL && rest.text[0] != '\0')
            rest = (struct pack_span){rest.text + 1, rest.size - 1};
        return pack_span_skip(&rest, " AAAA");
    }
    return false;
}

static int split_ssh_line(struct pack_key_text *parts, struct pack_span rest,
                          struct pack_error *error)
{
    struct pack_span line = take_line(&rest);
    const char *blob = (const char *)memchr(line.text, ' ', line.size) + 1;
    const size_t left = line.size - (size_t)(blob - line.text);
    const char *end = memchr(blob, ' ', left);
    parts->format = PACK_KEY_OPENSSH;
    parts->half = PACK_HALF_PUBLIC;
    parts->data = (struct pack_span){blob, end != NULL ? (size_t)(end - blob) : left};
    if (end != NULL)
        parts->comment = (struct pack_span){end + 1, left - parts->data.size - 1};
    if (!is_blank(rest)) {
        pack_fail(error, PACK_E_KEY_INVALID, "data after the key");
        pack_at_line(error, 2, 0);
        return pack_hint(error, "a file with one key is wanted");
    }
    return check_comment(parts->comment, error);
}

/* --- all ------------------------------------------------------------------------------------- */

/* What a key without its frame looks like; it could not say that it is a demo key. */
static int refuse_bare(struct pack_span line, struct pack_error *error)
{
    enum { HEX = 64, BASE64 = 44 };
    size_t hex = 0, base64 = 0;
    while (hex < line.size && strchr("0123456789abcdefABCDEF", line.text[hex]) != NULL)
        hex++;
    while (base64 < line.size && strchr(digits, line.text[base64]) != NULL)
        base64++;
    if (hex != line.size || hex != HEX) {
        if (base64 != line.size || base64 != BASE64 || line.text[BASE64 - 1] != '=')
            return 0;
    }
    pack_fail(error, PACK_E_KEY_INVALID, "a bare key in %s, where a key file is wanted",
              hex == HEX ? "hex" : "base64");
    return pack_hint(error, "give it as minisign, OpenSSH or PEM write it: docs/key-files.md");
}

int pack_key_text_split(struct pack_key_text *parts, const char *text, size_t size,
                        struct pack_error *error)
{
    struct pack_span all = {text, size}, rest = all;
    const struct pack_span first = take_line(&rest);
    size_t at = 0;
    *parts = (struct pack_key_text){.comment = {text, 0}};
    if (is_ssh_line(all))
        return split_ssh_line(parts, all, error);
    if (find_armor(all, &at))
        return split_armor(parts, (struct pack_span){text + at, size - at}, error);
    int code = pack_foreign_text(all, error);
    if (code == 0 && rest.size == 0)
        code = refuse_bare(first, error);
    return code != 0 ? code : split_lines(parts, all, error);
}

enum pack_key_purpose pack_comment_purpose(struct pack_span comment)
{
    static const char lead[] = ", purpose ";
    char name[16];
    size_t at = 0;
    enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
    if (!find(comment, lead, &at))
        return purpose;
    struct pack_span rest = {comment.text + at, comment.size - at};
    pack_span_skip(&rest, lead);
    if (rest.size >= sizeof name)
        return purpose;
    memcpy(name, rest.text, rest.size);
    name[rest.size] = '\0';
    return pack_purpose_parse(name, &purpose) ? purpose : PACK_PURPOSE_ANY;
}
