/* SPDX-License-Identifier: MIT */
#include "age/header.h"

#include "pack/age.h"
#include "pack/limits.h"

#include <sodium.h>
#include <string.h>

enum {
    LINE_DIGITS = 64, /* of a full line of a body */
    END_PREFIX = 4,   /* "--- " */
    TYPE = 0,         /* arguments */
    SHARE = 1,        /* of X25519 */
    SALT = 1,
    WORK = 2 /* of scrypt */
};

_Static_assert(UINT64_C(1024) << AGE_MAX_WORK == PACK_MAX_KDF_MEMORY, "what scrypt may take");

static bool is(struct pack_span span, const char *text)
{
    return span.size == strlen(text) && strncmp(span.text, text, span.size) == 0;
}

/* Base64 without padding, in its one spelling, of at most `capacity` bytes. */
static bool decode(struct pack_span span, uint8_t *bytes, size_t capacity, size_t *size)
{
    return pack_base64_read(span, sodium_base64_VARIANT_ORIGINAL_NO_PADDING, NULL, bytes, capacity,
                            size);
}

/* The same of exactly `wanted` bytes. */
static bool decode_exactly(struct pack_span span, uint8_t *bytes, size_t wanted)
{
    size_t size = 0;
    return decode(span, bytes, wanted, &size) && size == wanted;
}

/* --- lines ----------------------------------------------------------------------------------- */

static int fail_at(unsigned line, struct pack_error *error)
{
    return pack_at_line(error, line, 0);
}

static int take_line(struct age_stanzas *lines, struct pack_span *line, struct pack_error *error)
{
    const char *start = (const char *)lines->cursor.bytes + lines->cursor.position;
    const size_t left = pack_cursor_left(&lines->cursor);
    const char *end = left != 0 ? memchr(start, '\n', left) : NULL;
    if (end == NULL)
        return pack_fail(error, PACK_E_MALFORMED, "the age header is cut short");
    *line = (struct pack_span){start, (size_t)(end - start)};
    lines->cursor.position += line->size + 1;
    lines->line++;
    return 0;
}

static bool next_begins(const struct age_stanzas *lines, const char *prefix)
{
    const size_t size = strlen(prefix);
    return pack_cursor_left(&lines->cursor) >= size &&
           strncmp((const char *)lines->cursor.bytes + lines->cursor.position, prefix, size) == 0;
}

/* --- a stanza -------------------------------------------------------------------------------- */

/* The arguments, one blank between any two, each of visible ASCII. */
static bool split_arguments(struct age_stanza *stanza, struct pack_span line)
{
    if (!pack_span_skip(&line, "-> "))
        return false;
    for (;;) {
        const char *blank = line.size != 0 ? memchr(line.text, ' ', line.size) : NULL;
        const size_t size = blank != NULL ? (size_t)(blank - line.text) : line.size;
        for (size_t i = 0; i < size; i++)
            if (line.text[i] <= ' ' || line.text[i] > '~')
                return false;
        if (size == 0)
            return false;
        if (stanza->argument_count < AGE_ARGUMENTS)
            stanza->arguments[stanza->argument_count] = (struct pack_span){line.text, size};
        stanza->argument_count++;
        if (blank == NULL)
            return true;
        line.text += size + 1;
        line.size -= size + 1;
    }
}

/* Full lines, then one that is shorter. */
static int read_body(struct age_stanzas *lines, struct age_stanza *stanza, struct pack_error *error)
{
    struct pack_span line = {NULL, LINE_DIGITS};
    while (line.size == LINE_DIGITS) {
        uint8_t bytes[AGE_BODY_SIZE];
        size_t size = 0;
        const int code = take_line(lines, &line, error);
        if (code != 0)
            return code;
        if (line.size > LINE_DIGITS)
            return pack_fail(error, PACK_E_MALFORMED,
                             "a line of a recipient's body has more than 64 characters");
        if (!decode(line, bytes, sizeof bytes, &size))
            return pack_fail(error, PACK_E_MALFORMED,
                             "a recipient's body is not canonical base64 without padding");
        if (stanza->body_size == 0)
            memcpy(stanza->body, bytes, size);
        stanza->body_size += size;
    }
    return 0;
}

static int read_stanza(struct age_stanzas *lines, struct age_stanza *stanza,
                       struct pack_error *error)
{
    struct pack_span line = {NULL, 0};
    *stanza = (struct age_stanza){.line = lines->line + 1};
    int code = take_line(lines, &line, error);
    if (code == 0 && !split_arguments(stanza, line))
        code = pack_fail(error, PACK_E_MALFORMED,
                         "neither a recipient, which begins with \"-> \" and words of visible "
                         "ASCII, nor the header's last line");
    return code != 0 ? code : read_body(lines, stanza, error);
}

/* --- the stanzas that are known -------------------------------------------------------------- */

/* Both refuse another size of the body before anybody decrypts it: no oracle, and no other key. */
static int check_wrapped(const struct age_stanza *stanza, size_t arguments,
                         struct pack_error *error)
{
    if (stanza->argument_count != arguments)
        return pack_fail(error, PACK_E_MALFORMED, "an %.*s recipient has %zu arguments, %zu wanted",
                         (int)stanza->arguments[TYPE].size, stanza->arguments[TYPE].text,
                         stanza->argument_count - 1, arguments - 1);
    if (stanza->body_size != AGE_WRAPPED_SIZE)
        return pack_fail(error, PACK_E_MALFORMED, "a wrapped file key has %zu bytes, %d wanted",
                         stanza->body_size, AGE_WRAPPED_SIZE);
    return 0;
}

static int check_x25519(const struct age_stanza *stanza, struct pack_error *error)
{
    uint8_t share[AGE_KEY_SIZE];
    const int code = check_wrapped(stanza, 2, error);
    if (code == 0 && !decode_exactly(stanza->arguments[SHARE], share, sizeof share))
        return pack_fail(error, PACK_E_MALFORMED,
                         "an X25519 share is not canonical base64 of 32 bytes");
    return code;
}

/* Digits without a leading zero; false too for what is too large to be counted. */
static bool parse_work(struct pack_span digits, unsigned *work)
{
    unsigned value = 0;
    if (digits.size == 0 || digits.text[0] == '0')
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.text[i] < '0' || digits.text[i] > '9')
            return false;
        value = value > 1000 ? value : value * 10 + (unsigned)(digits.text[i] - '0');
    }
    *work = value;
    return true;
}

static int check_scrypt(const struct age_stanza *stanza, struct pack_error *error)
{
    uint8_t salt[AGE_SALT_SIZE];
    unsigned work = 0;
    const int code = check_wrapped(stanza, 3, error);
    if (code != 0)
        return code;
    if (!decode_exactly(stanza->arguments[SALT], salt, sizeof salt))
        return pack_fail(error, PACK_E_MALFORMED,
                         "the salt of scrypt is not canonical base64 of 16 bytes");
    if (!parse_work(stanza->arguments[WORK], &work))
        return pack_fail(error, PACK_E_MALFORMED,
                         "the work factor of scrypt is not a decimal number above 0");
    if (work > AGE_MAX_WORK)
        return pack_fail(error, PACK_E_LIMIT,
                         "scrypt asks for a work factor of 2^%.*s, at most 2^%d is honoured, which "
                         "takes 1 GiB",
                         stanza->arguments[WORK].size > 9 ? 9 : (int)stanza->arguments[WORK].size,
                         stanza->arguments[WORK].text, AGE_MAX_WORK);
    return 0;
}

/* Whether it is there only to keep readers used to types that they do not know. */
static bool is_grease(const struct age_stanza *stanza)
{
    static const char suffix[] = "-grease";
    const size_t length = sizeof suffix - 1;
    struct pack_span end = stanza->arguments[TYPE];
    if (end.size < length)
        return false;
    end.text += end.size - length;
    end.size = length;
    return is(end, suffix);
}

static int check_stanza(const struct age_stanza *stanza, struct pack_error *error)
{
    static const struct {
        const char *type;
        int (*check)(const struct age_stanza *stanza, struct pack_error *error);
    } kinds[] = {{"X25519", check_x25519}, {"scrypt", check_scrypt}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (age_stanza_is(stanza, kinds[i].type))
            return kinds[i].check(stanza, error);
    return 0;
}

/* --- the whole ------------------------------------------------------------------------------- */

size_t age_header_end(const void *bytes, size_t size, size_t *searched)
{
    static const char mark[] = "\n---";
    const size_t length = sizeof mark - 1;
    const uint8_t *text = bytes;
    const uint8_t *found = memmem(text + *searched, size - *searched, mark, length);
    if (found == NULL) {
        *searched = size > length ? size - length : 0;
        return 0;
    }
    *searched = (size_t)(found - text);
    const uint8_t *end = memchr(found + 1, '\n', size - *searched - 1);
    return end != NULL ? (size_t)(end + 1 - text) : 0;
}

static int read_version(struct age_stanzas *lines, struct pack_error *error)
{
    struct pack_span line = {NULL, 0};
    if (!next_begins(lines, "age-encryption.org/"))
        return pack_fail(error, PACK_E_MALFORMED, "not an age file");
    const int code = take_line(lines, &line, error);
    if (code != 0)
        return code;
    if (line.size + 1 == strlen(AGE_VERSION_LINE) &&
        strncmp(line.text, AGE_VERSION_LINE, line.size) == 0)
        return 0;
    if (line.text[line.size - 1] == '\r')
        return pack_fail(error, PACK_E_MALFORMED, "the age header has carriage returns");
    return pack_fail(error, PACK_E_UNSUPPORTED, "another version of age than v1, the one known");
}

static int read_end(struct age_header *header, struct age_stanzas *lines, struct pack_error *error)
{
    struct pack_span line = {NULL, 0};
    header->mac_covers = lines->cursor.position + END_PREFIX - 1;
    const int code = take_line(lines, &line, error);
    if (code != 0)
        return code;
    if (!pack_span_skip(&line, "--- ") || !decode_exactly(line, header->mac, sizeof header->mac))
        return pack_fail(error, PACK_E_MALFORMED,
                         "the header's last line is not \"--- \" and canonical base64 of 32 bytes");
    header->text.size = lines->cursor.position;
    return 0;
}

static int count_stanza(struct age_header *header, const struct age_stanza *stanza, size_t *count,
                        struct pack_error *error)
{
    const int code = check_stanza(stanza, error);
    if (code != 0)
        return code;
    if (++*count > PACK_MAX_AGE_RECIPIENTS)
        return pack_fail(error, PACK_E_LIMIT, "more than %d recipients", PACK_MAX_AGE_RECIPIENTS);
    header->passphrase |= age_stanza_is(stanza, "scrypt");
    header->recipient_count += !is_grease(stanza);
    if (header->passphrase && *count > 1)
        return pack_fail(error, PACK_E_MALFORMED,
                         "a passphrase stands beside another recipient, which age forbids");
    return 0;
}

static int read_stanzas(struct age_header *header, struct age_stanzas *lines,
                        struct pack_error *error)
{
    size_t count = 0;
    do {
        struct age_stanza stanza;
        int code = read_stanza(lines, &stanza, error);
        if (code != 0)
            return code;
        code = count_stanza(header, &stanza, &count, error);
        if (code != 0)
            return fail_at(stanza.line, error);
    } while (!next_begins(lines, "---"));
    return 0;
}

int age_header_parse(struct age_header *header, const void *bytes, size_t size,
                     struct pack_error *error)
{
    struct age_stanzas lines = {.cursor = {.bytes = bytes, .size = size}};
    *header = (struct age_header){.text = {bytes, size}};
    int code = read_version(&lines, error);
    if (code == 0)
        code = read_stanzas(header, &lines, error);
    if (code == 0)
        code = read_end(header, &lines, error);
    return code != 0 ? fail_at(lines.line + (lines.line == 0), error) : 0;
}

struct age_stanzas age_header_stanzas(const struct age_header *header)
{
    return (struct age_stanzas){
        .cursor = {.bytes = (const uint8_t *)header->text.text,
                   .size = header->mac_covers,
                   .position = sizeof AGE_VERSION_LINE - 1},
        .line = 1,
    };
}

bool age_stanzas_next(struct age_stanzas *stanzas, struct age_stanza *stanza)
{
    struct pack_error none = {0};
    return !next_begins(stanzas, "---") && read_stanza(stanzas, stanza, &none) == 0;
}

bool age_stanza_is(const struct age_stanza *stanza, const char *type)
{
    return is(stanza->arguments[TYPE], type);
}

void age_stanza_share(const struct age_stanza *stanza, uint8_t share[AGE_KEY_SIZE])
{
    (void)decode_exactly(stanza->arguments[SHARE], share, AGE_KEY_SIZE);
}

unsigned age_stanza_work(const struct age_stanza *stanza, uint8_t salt[AGE_SALT_SIZE])
{
    unsigned work = 0;
    (void)decode_exactly(stanza->arguments[SALT], salt, AGE_SALT_SIZE);
    (void)parse_work(stanza->arguments[WORK], &work);
    return work;
}

/* --- writing --------------------------------------------------------------------------------- */

static void encode(char *text, size_t capacity, const uint8_t *bytes, size_t size)
{
    sodium_bin2base64(text, capacity, bytes, size, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
}

int age_write_x25519(struct pack_buffer *text, const uint8_t share[AGE_KEY_SIZE],
                     const uint8_t body[AGE_WRAPPED_SIZE], struct pack_error *error)
{
    char share_text[AGE_KEY_DIGITS + 1], body_text[AGE_KEY_DIGITS + 1];
    encode(share_text, sizeof share_text, share, AGE_KEY_SIZE);
    encode(body_text, sizeof body_text, body, AGE_WRAPPED_SIZE);
    return pack_buffer_print(text, error, "-> X25519 %s\n%s\n", share_text, body_text);
}

int age_write_scrypt(struct pack_buffer *text, const uint8_t salt[AGE_SALT_SIZE], unsigned work,
                     const uint8_t body[AGE_WRAPPED_SIZE], struct pack_error *error)
{
    char salt_text[AGE_SALT_DIGITS + 1], body_text[AGE_KEY_DIGITS + 1];
    encode(salt_text, sizeof salt_text, salt, AGE_SALT_SIZE);
    encode(body_text, sizeof body_text, body, AGE_WRAPPED_SIZE);
    return pack_buffer_print(text, error, "-> scrypt %s %u\n%s\n", salt_text, work, body_text);
}

int age_write_end(struct pack_buffer *text, struct age_secrets *secrets, struct pack_error *error)
{
    char mac_text[AGE_KEY_DIGITS + 1];
    uint8_t mac[AGE_KEY_SIZE];
    const int code = pack_buffer_append(text, "---", 3, error);
    if (code != 0)
        return code;
    age_header_mac(secrets, text->bytes, text->size, mac);
    encode(mac_text, sizeof mac_text, mac, sizeof mac);
    return pack_buffer_print(text, error, " %s\n", mac_text);
}
