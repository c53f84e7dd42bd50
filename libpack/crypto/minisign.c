/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/textline.h"
#include "pack/key.h"
#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

/* The one untrusted comment of a bundle's signatures: were it free, so would its bytes be. */
#define OUR_COMMENT "signature from fwpack"

enum { LINES = 4, STRUCT_SIZE = 2 + PACK_MINISIGN_ID_SIZE + PACK_SIGNATURE_SIZE };

static const char *const line_names[LINES] = {"untrusted comment", "signature", "trusted comment",
                                              "global signature"};

static int fail_at(struct pack_error *error, size_t line, const char *what)
{
    pack_fail(error, PACK_E_MALFORMED, "%s %s", line_names[line], what);
    return pack_at_line(error, (unsigned)line + 1, 0);
}

/* A carriage return is named, for it is what a transfer as text leaves. */
static int check_text(const struct pack_span *line, size_t index, struct pack_error *error)
{
    if (memchr(line->text, '\r', line->size) != NULL)
        return fail_at(error, index, "has a carriage return");
    if (!pack_comment_valid(*line))
        return fail_at(error, index, "has a control character, or bytes that are not UTF-8");
    return 0;
}

static int split(struct pack_span lines[LINES], struct pack_span rest, struct pack_error *error)
{
    for (size_t i = 0; i < LINES; i++) {
        const char *end = memchr(rest.text, '\n', rest.size);
        if (end == NULL)
            return fail_at(error, i, rest.size == 0 ? "is missing" : "has no line end");
        lines[i] = (struct pack_span){rest.text, (size_t)(end - rest.text)};
        rest.text += lines[i].size + 1;
        rest.size -= lines[i].size + 1;
        const int code = check_text(&lines[i], i, error);
        if (code != 0)
            return code;
    }
    if (rest.size == 0)
        return 0;
    pack_fail(error, PACK_E_MALFORMED, "data after the signature");
    return pack_at_line(error, LINES + 1, 0);
}

static int take_comment(struct pack_span *line, size_t index, const char *prefix,
                        struct pack_error *error)
{
    if (!pack_span_skip(line, prefix))
        return fail_at(error, index, "does not begin with its name, a colon and a space");
    if (line->size < PACK_MAX_TRUSTED_COMMENT)
        return 0;
    pack_fail(error, PACK_E_LIMIT, "%s has %zu bytes, fewer than %d wanted", line_names[index],
              line->size, PACK_MAX_TRUSTED_COMMENT);
    return pack_at_line(error, (unsigned)index + 1, 0);
}

static int take_signature(struct pack_signature *signature, struct pack_span line,
                          struct pack_error *error)
{
    static const struct pack_base64_kind kind = {
        "signature", STRUCT_SIZE, STRUCT_SIZE - PACK_SIGNATURE_SIZE, PACK_E_MALFORMED};
    uint8_t bytes[STRUCT_SIZE];
    if (pack_base64_decode(&kind, line, bytes, error) != 0)
        return pack_at_line(error, 2, 0);
    if (bytes[0] == 'E' && bytes[1] == 'd') {
        fail_at(error, 1, "is of minisign's legacy kind (Ed), which is not prehashed");
        return pack_hint(error, "sign again without minisign's -l");
    }
    if (bytes[0] != 'E' || bytes[1] != 'D')
        return fail_at(error, 1, "is of an unknown kind, ED is wanted");
    memcpy(signature->minisign_id, bytes + 2, PACK_MINISIGN_ID_SIZE);
    memcpy(signature->bytes, bytes + 2 + PACK_MINISIGN_ID_SIZE, PACK_SIGNATURE_SIZE);
    return 0;
}

static int take_global(struct pack_signature *signature, struct pack_span line,
                       struct pack_error *error)
{
    static const struct pack_base64_kind kind = {"global signature", PACK_SIGNATURE_SIZE, 0,
                                                 PACK_E_MALFORMED};
    if (pack_base64_decode(&kind, line, signature->global, error) != 0)
        return pack_at_line(error, LINES, 0);
    return 0;
}

static int check_canonical(struct pack_span comment, struct pack_error *error)
{
    if (pack_span_skip(&comment, OUR_COMMENT) && comment.size == 0)
        return 0;
    return fail_at(error, 0, "is not \"" OUR_COMMENT "\"");
}

static int take_lines(struct pack_signature *signature, struct pack_span lines[LINES],
                      bool canonical, struct pack_error *error)
{
    int code = take_comment(&lines[0], 0, PACK_UNTRUSTED_COMMENT, error);
    if (code == 0 && canonical)
        code = check_canonical(lines[0], error);
    if (code == 0)
        code = take_signature(signature, lines[1], error);
    if (code == 0)
        code = take_comment(&lines[2], 2, PACK_TRUSTED_COMMENT, error);
    if (code == 0)
        code = take_global(signature, lines[3], error);
    if (code == 0)
        memcpy(signature->comment, lines[2].text, lines[2].size);
    return code;
}

int pack_signature_parse(struct pack_signature *signature, const void *bytes, size_t size,
                         bool canonical, struct pack_error *error)
{
    struct pack_span lines[LINES];
    *signature = (struct pack_signature){0};
    if (size == 0)
        return pack_fail(error, PACK_E_MALFORMED, "the signature is empty");
    if (size > PACK_MAX_SIGNATURE)
        return pack_fail(error, PACK_E_LIMIT, "signature file has %zu bytes, at most %llu wanted",
                         size, (unsigned long long)PACK_MAX_SIGNATURE);
    const int code = split(lines, (struct pack_span){bytes, size}, error);
    return code != 0 ? code : take_lines(signature, lines, canonical, error);
}

int pack_signature_format(char **text, size_t *size, const struct pack_signature *signature,
                          struct pack_error *error)
{
    uint8_t bytes[STRUCT_SIZE] = {'E', 'D'};
    char first[PACK_BASE64_TEXT_SIZE(STRUCT_SIZE)];
    char second[PACK_BASE64_TEXT_SIZE(PACK_SIGNATURE_SIZE)];
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = PACK_MAX_SIGNATURE};
    memcpy(bytes + 2, signature->minisign_id, PACK_MINISIGN_ID_SIZE);
    memcpy(bytes + 2 + PACK_MINISIGN_ID_SIZE, signature->bytes, PACK_SIGNATURE_SIZE);
    pack_base64_encode(first, sizeof first, bytes, sizeof bytes);
    pack_base64_encode(second, sizeof second, signature->global, PACK_SIGNATURE_SIZE);
    const int code =
        pack_buffer_print(&buffer, error, "%s%s\n%s\n%s%s\n%s\n", PACK_UNTRUSTED_COMMENT,
                          OUR_COMMENT, first, PACK_TRUSTED_COMMENT, signature->comment, second);
    return code != 0 ? code : pack_buffer_take(&buffer, text, size, error);
}
