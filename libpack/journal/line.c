/* SPDX-License-Identifier: MIT */
#include "journal/line.h"

#include "codec/json_reader.h"
#include "pack/text.h"

#include <string.h>

#define TYPE "fwpack.journal/1"

/* --- writing --------------------------------------------------------------------------------- */

static void write_text(struct pack_json *json, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0')
        pack_json_string(json, name, text);
}

static void write_members(struct pack_json *json, const struct journal_line *line)
{
    const struct pack_journal_entry *entry = &line->entry;
    char when[PACK_TIME_TEXT];
    pack_json_string(json, "type", TYPE);
    pack_json_unsigned(json, "sequence", line->sequence);
    pack_json_hex(json, "previous", line->previous, sizeof line->previous);
    pack_json_string(json, "when", pack_time_text(when, entry->when));
    pack_json_hex(json, "document", entry->document, sizeof entry->document);
    write_text(json, "role", entry->role);
    pack_json_string(json, "keyid", entry->keyid);
    pack_json_string(json, "store", entry->store);
    write_text(json, "product", entry->product);
    write_text(json, "version", entry->version);
    write_text(json, "file", entry->file);
}

int journal_line_format(char **text, size_t *size, const struct journal_line *line,
                        struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    int code = pack_json_new(&json, false, error);
    if (code != 0)
        return code;
    pack_json_object(json, NULL);
    write_members(json, line);
    pack_json_end(json);
    code = pack_json_finish(json, &written, size, error);
    if (code == 0 && *size > PACK_MAX_JOURNAL_LINE)
        code = pack_fail(error, PACK_E_LIMIT, "a line of %zu bytes, a journal's have at most %d",
                         *size, PACK_MAX_JOURNAL_LINE);
    return code != 0 ? code : pack_copy_string(text, written, error);
}

/* --- reading --------------------------------------------------------------------------------- */

static int fail_form(struct pack_error *error, const char *what)
{
    return pack_fail(error, PACK_E_MALFORMED, "not a line of a journal: %s", what);
}

static const char *text_of(const struct pack_json_value *root, const char *name)
{
    const struct pack_json_value *member = pack_json_member(root, name);
    return member != NULL && member->type == PACK_JSON_STRING ? member->text : NULL;
}

static bool digest_of(const struct pack_json_value *root, const char *name,
                      uint8_t digest[PACK_SHA256_SIZE])
{
    const char *text = text_of(root, name);
    return text != NULL && pack_sha256_parse(text, digest);
}

/* `count` digits at `text` as a number, which is beyond `limit` where they are none. */
static unsigned digits(const char *text, unsigned count, unsigned limit)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return limit + 1;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    return value;
}

/* Days from 1970 to a day of the proleptic Gregorian calendar, years counted from March on. */
static int64_t days_to(int64_t year, int64_t month, int64_t day)
{
    const int64_t from_march = (month + 9) % 12;
    const int64_t years = month <= 2 ? year - 1 : year;
    return years * 365 + years / 4 - years / 100 + years / 400 + (from_march * 153 + 2) / 5 + day -
           719469;
}

/* "2026-11-22T17:00:00Z"; whether the day exists shows when it is written again. */
static bool parse_when(const char *text, uint64_t *when)
{
    if (text == NULL || strlen(text) != 20 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
        text[13] != ':' || text[16] != ':' || text[19] != 'Z')
        return false;
    const unsigned year = digits(text, 4, 9999), month = digits(text + 5, 2, 12),
                   day = digits(text + 8, 2, 31), hour = digits(text + 11, 2, 23),
                   minute = digits(text + 14, 2, 59), second = digits(text + 17, 2, 59);
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    *when = (uint64_t)days_to(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static int read_members(struct journal_line *line, const struct pack_json_value *root,
                        struct pack_error *error)
{
    struct pack_journal_entry *entry = &line->entry;
    const struct pack_json_value *sequence = pack_json_member(root, "sequence");
    const char *type = text_of(root, "type");
    if (type == NULL || strcmp(type, TYPE) != 0)
        return fail_form(error, "its type is not \"" TYPE "\"");
    if (sequence == NULL || sequence->type != PACK_JSON_INTEGER)
        return fail_form(error, "it has no sequence number");
    if (!digest_of(root, "previous", line->previous) ||
        !digest_of(root, "document", entry->document))
        return fail_form(error, "it lacks a hash");
    if (!parse_when(text_of(root, "when"), &entry->when))
        return fail_form(error, "it does not say when");
    line->sequence = sequence->integer;
    entry->role = text_of(root, "role");
    entry->keyid = text_of(root, "keyid");
    entry->store = text_of(root, "store");
    entry->product = text_of(root, "product");
    entry->version = text_of(root, "version");
    entry->file = text_of(root, "file");
    if (entry->keyid == NULL || entry->store == NULL)
        return fail_form(error, "it does not say which key");
    return 0;
}

int journal_line_parse(struct journal_line *line, struct pack_arena *arena, const char *text,
                       size_t size, struct pack_error *error)
{
    PACK_AUTO_FREE char *again = NULL;
    const struct pack_json_value *root = NULL;
    struct pack_error reason = {.code = PACK_OK};
    size_t again_size = 0;
    *line = (struct journal_line){.sequence = 0};
    if (pack_json_read(&root, arena, text, size, &reason) != 0)
        return fail_form(error, reason.text);
    int code = read_members(line, root, error);
    if (code == 0)
        code = journal_line_format(&again, &again_size, line, error);
    if (code == 0 && (again_size != size || memcmp(again, text, size) != 0))
        code = fail_form(error, "it is not written in the one form that there is");
    return code;
}

int journal_line_follows(const struct journal_line *line, uint64_t sequence,
                         const uint8_t previous[PACK_SHA256_SIZE], struct pack_error *error)
{
    const uint64_t wanted = sequence + 1;
    if (line->sequence > wanted)
        return pack_fail(
            error, PACK_E_CORRUPT,
            "the chain is broken: number %llu where %llu is wanted, so lines before it "
            "were taken out or moved",
            (unsigned long long)line->sequence, (unsigned long long)wanted);
    if (line->sequence < wanted)
        return pack_fail(error, PACK_E_CORRUPT,
                         "the chain is broken: number %llu where %llu is wanted, so a line was put "
                         "in or moved",
                         (unsigned long long)line->sequence, (unsigned long long)wanted);
    if (memcmp(line->previous, previous, PACK_SHA256_SIZE) == 0)
        return 0;
    if (sequence == 0)
        return pack_fail(error, PACK_E_CORRUPT,
                         "the chain is broken: the first line has one before it");
    pack_fail(error, PACK_E_CORRUPT,
              "the chain is broken: line %llu was changed after it was written, or this one was",
              (unsigned long long)sequence);
    return (int)error->code;
}
