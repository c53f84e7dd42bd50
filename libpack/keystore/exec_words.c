/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "crypto/textline.h"
#include "keystore/exec.h"
#include "pack/text.h"

#include <sodium.h>
#include <string.h>

/* --- words ----------------------------------------------------------------------------------- */

/* Where the splitting stands: characters are taken at `from` and put, never more of them, at `to`.
 */
struct split {
    const char *from;
    char *to;
    size_t count;
};

static int fail_special(char c, struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "'%c' means nothing here, for no shell runs the command", c);
    return pack_hint(error, "quote it, or write the command into a script");
}

static int fail_open(const char *what, struct pack_error *error)
{
    return pack_fail(error, PACK_E_USAGE, "%s at the end of the command", what);
}

static int take_single(struct split *split, struct pack_error *error)
{
    const char *end = strchr(split->from, '\'');
    if (end == NULL)
        return fail_open("a ' is open", error);
    const size_t size = (size_t)(end - split->from);
    memmove(split->to, split->from, size);
    split->to += size;
    split->from = end + 1;
    return 0;
}

static int take_double(struct split *split, struct pack_error *error)
{
    for (; *split->from != '"'; split->from++) {
        if (*split->from == '\0')
            return fail_open("a \" is open", error);
        if (*split->from == '$' || *split->from == '`')
            return fail_special(*split->from, error);
        if (*split->from == '\\' && split->from[1] != '\0' && strchr("\\\"$`", split->from[1]))
            split->from++;
        *split->to++ = *split->from;
    }
    split->from++;
    return 0;
}

static int take_escaped(struct split *split, struct pack_error *error)
{
    if (*split->from == '\0')
        return fail_open("a \\ stands alone", error);
    *split->to++ = *split->from++;
    return 0;
}

/* Up to the space behind it. */
static int take_word(struct split *split, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && *split->from != '\0' && strchr(" \t\n", *split->from) == NULL) {
        const char c = *split->from++;
        if (c == '\'')
            code = take_single(split, error);
        else if (c == '"')
            code = take_double(split, error);
        else if (c == '\\')
            code = take_escaped(split, error);
        else if (strchr("|&;<>()$`*?[]{}~#", c) != NULL)
            code = fail_special(c, error);
        else
            *split->to++ = c;
    }
    return code;
}

int exec_split(struct exec_words *words, const char *command, struct pack_error *error)
{
    struct split split = {.from = command};
    const size_t length = strlen(command);
    *words = (struct exec_words){.memory = NULL};
    if (length > EXEC_MAX_COMMAND)
        return pack_fail(error, PACK_E_USAGE, "the command has %zu bytes, at most %d wanted",
                         length, (int)EXEC_MAX_COMMAND);
    int code = pack_allocate(&words->memory, 1, length + 2, error);
    split.to = words->memory;
    while (code == 0 && *(split.from += strspn(split.from, " \t\n")) != '\0') {
        if (split.count == EXEC_MAX_WORDS)
            code = pack_fail(error, PACK_E_USAGE, "the command has more than %d words",
                             (int)EXEC_MAX_WORDS);
        else {
            words->words[split.count++] = split.to;
            code = take_word(&split, error);
            *split.to++ = '\0';
        }
    }
    if (code == 0 && (split.count == 0 || words->words[0][0] == '\0'))
        code = pack_fail(error, PACK_E_USAGE, "names no command");
    if (code != 0)
        exec_words_clear(words);
    return code;
}

void exec_words_clear(struct exec_words *words)
{
    free(words->memory);
    *words = (struct exec_words){.memory = NULL};
}

/* --- the answer ------------------------------------------------------------------------------ */

enum {
    HEX_SIZE = 2 * PACK_SIGNATURE_SIZE,
    BASE64_SIZE = PACK_BASE64_TEXT_SIZE(PACK_SIGNATURE_SIZE)
};

/* Without white space; false where more than `capacity` characters are left. */
static bool squeeze(char *text, size_t capacity, size_t *length, const uint8_t *answer, size_t size)
{
    *length = 0;
    for (size_t i = 0; i < size; i++) {
        if (answer[i] == '\n' || answer[i] == '\r' || answer[i] == ' ' || answer[i] == '\t')
            continue;
        if (*length == capacity)
            return false;
        text[(*length)++] = (char)answer[i];
    }
    return true;
}

static int fail_answer(const uint8_t *answer, size_t size, struct pack_error *error)
{
    char shown[48];
    pack_escape(shown, sizeof shown, (const char *)answer, size);
    if (size == 0)
        return pack_fail(error, PACK_E_KEY_STORE, "the command printed no signature");
    pack_fail(error, PACK_E_KEY_STORE,
              "the command printed %zu bytes that are no signature, '%s': 64 bytes, or these in "
              "base64 or hex, wanted",
              size, shown);
    if (size > 6 && memcmp(answer, "vault:", 6) == 0)
        return pack_hint(error, "Vault's signature stands behind the last colon: cut -d: -f3");
    return (int)error->code;
}

int exec_read_signature(uint8_t signature[PACK_SIGNATURE_SIZE], const uint8_t *answer, size_t size,
                        struct pack_error *error)
{
    static const struct pack_base64_kind kind = {
        .name = "signature", .wanted = PACK_SIGNATURE_SIZE, .code = PACK_E_KEY_STORE};
    char text[HEX_SIZE];
    size_t length = 0, used = 0;
    if (size == PACK_SIGNATURE_SIZE) {
        memcpy(signature, answer, size);
        return 0;
    }
    if (!squeeze(text, sizeof text, &length, answer, size))
        return fail_answer(answer, size, error);
    if (length == HEX_SIZE &&
        sodium_hex2bin(signature, PACK_SIGNATURE_SIZE, text, length, NULL, &used, NULL) == 0 &&
        used == PACK_SIGNATURE_SIZE)
        return 0;
    if (length == BASE64_SIZE - 1 &&
        pack_base64_decode(&kind, (struct pack_span){text, length}, signature, error) == 0)
        return 0;
    return fail_answer(answer, size, error);
}
