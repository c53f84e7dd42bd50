/* SPDX-License-Identifier: MIT */
#include "crypto/key_text.h"

#include "pack/limits.h"

#include <string.h>

static struct pack_span take_line(struct pack_span *rest)
{
    const char *end = memchr(rest->text, '\n', rest->size);
    const size_t size = end != NULL ? (size_t)(end - rest->text) : rest->size;
    const struct pack_span line = {rest->text, size};
    const size_t used = size + (end != NULL);
    rest->text += used;
    rest->size -= used;
    return line;
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

int pack_key_text_split(struct pack_key_text *parts, const char *text, size_t size,
                        struct pack_error *error)
{
    struct pack_span rest = {text, size};
    unsigned line = 1;
    parts->comment = (struct pack_span){text, 0};
    parts->data = take_line(&rest);
    if (pack_span_skip(&parts->data, PACK_UNTRUSTED_COMMENT)) {
        parts->comment = parts->data;
        const int code = check_comment(parts->comment, error);
        if (code != 0)
            return code;
        parts->data = take_line(&rest);
        line = 2;
    }
    if (rest.size == 0)
        return 0;
    if (line == 1)
        pack_fail(error, PACK_E_KEY_INVALID, "not a minisign key: no line \"%s...\"",
                  PACK_UNTRUSTED_COMMENT);
    else if (pack_span_skip(&rest, PACK_TRUSTED_COMMENT))
        pack_fail(error, PACK_E_KEY_INVALID, "this is a signature, where a key is wanted");
    else
        pack_fail(error, PACK_E_KEY_INVALID, "data after the key");
    return pack_at_line(error, line == 1 ? 1 : 3, 0);
}

bool pack_key_text_is_secret(const struct pack_key_text *parts)
{
    return parts->data.size == PACK_BASE64_TEXT_SIZE(PACK_SECRET_FILE_SIZE) - 1;
}

enum pack_key_purpose pack_comment_purpose(struct pack_span comment)
{
    static const char lead[] = ", purpose ";
    char name[16];
    enum pack_key_purpose purpose = PACK_PURPOSE_ANY;
    const char *found = memmem(comment.text, comment.size, lead, sizeof lead - 1);
    if (found == NULL)
        return purpose;
    struct pack_span rest = {found, comment.size - (size_t)(found - comment.text)};
    pack_span_skip(&rest, lead);
    if (rest.size >= sizeof name)
        return purpose;
    memcpy(name, rest.text, rest.size);
    name[rest.size] = '\0';
    return pack_purpose_parse(name, &purpose) ? purpose : PACK_PURPOSE_ANY;
}
