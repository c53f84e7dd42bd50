/* SPDX-License-Identifier: MIT */
#include "journal/line.h"
#include "pack/limits.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

enum { PIECE = 64 * 1024 };

/* A journal on its way from its first byte to its last. */
struct reading {
    struct pack_input *input;
    struct pack_journal_summary *summary;
    const uint8_t *wanted;
    bool found;
    pack_journal_fn tell;
    void *user;
    uint64_t offset; /* of bytes[0] */
    size_t size;     /* that bytes holds */
    bool ended;
    char bytes[PIECE];
};

static void reading_close(struct reading **reading)
{
    if (*reading != NULL)
        pack_input_close(&(*reading)->input);
    pack_free_memory(reading);
}

/* Keeps what is behind `used` bytes, and reads on. */
static int refill(struct reading *reading, size_t used, struct pack_error *error)
{
    size_t got = 0;
    reading->size -= used;
    reading->offset += used;
    memmove(reading->bytes, reading->bytes + used, reading->size);
    const size_t room = sizeof reading->bytes - reading->size;
    const int code = pack_input_read(reading->input, reading->offset + reading->size,
                                     reading->bytes + reading->size, room, &got, error);
    reading->ended = got < room;
    reading->size += code == 0 ? got : 0;
    return code;
}

static void note_wanted(struct reading *reading)
{
    if (reading->wanted == NULL || reading->found ||
        memcmp(reading->summary->head, reading->wanted, PACK_SHA256_SIZE) != 0)
        return;
    reading->found = true;
    reading->summary->wanted_at = reading->summary->count;
}

static int check_line(struct reading *reading, const char *text, size_t size,
                      struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct pack_journal_summary *summary = reading->summary;
    struct journal_line line;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = journal_line_parse(&line, arena, text, size, error);
    if (code == 0)
        code = journal_line_follows(&line, summary->count, summary->head, error);
    if (code == 0 && reading->tell != NULL)
        code = reading->tell(reading->user, line.sequence, &line.entry, error);
    if (code == 0)
        code = pack_sha256_bytes(text, size, summary->head, error);
    if (code != 0)
        return code;
    summary->count++;
    note_wanted(reading);
    return 0;
}

/* The whole lines among what was read; `used` receives their bytes. */
static int check_lines(struct reading *reading, size_t *used, struct pack_error *error)
{
    *used = 0;
    for (;;) {
        const char *start = reading->bytes + *used;
        const size_t left = reading->size - *used;
        const char *end = memchr(start, '\n', left);
        const size_t size = end != NULL ? (size_t)(end - start) + 1 : left;
        if (size > PACK_MAX_JOURNAL_LINE)
            return pack_fail(error, PACK_E_MALFORMED, "not a line of a journal: it is too long");
        if (end == NULL)
            return 0;
        const int code = check_line(reading, start, size, error);
        if (code != 0)
            return code;
        *used += size;
    }
}

static int check_end(const struct reading *reading, struct pack_error *error)
{
    if (reading->size != 0)
        return pack_fail(error, PACK_E_CORRUPT, "the last line is torn: it has no end");
    return 0;
}

static int check_all(struct reading *reading, struct pack_error *error)
{
    size_t used = 0;
    int code = 0;
    note_wanted(reading);
    do {
        code = refill(reading, used, error);
        if (code != 0)
            return code;
        code = check_lines(reading, &used, error);
    } while (code == 0 && !reading->ended);
    if (code == 0) {
        reading->size -= used;
        code = check_end(reading, error);
    }
    return code != 0 ? pack_at_line(error, (unsigned)(reading->summary->count + 1), 0) : 0;
}

static int check_wanted(const struct reading *reading, struct pack_error *error)
{
    char hex[PACK_SHA256_HEX_SIZE];
    if (reading->wanted == NULL || reading->found)
        return 0;
    pack_sha256_hex(reading->wanted, hex);
    return pack_fail(
        error, PACK_E_CORRUPT,
        "none of its %llu lines has the hash %s: lines were taken away, or the journal "
        "was written anew",
        (unsigned long long)reading->summary->count, hex);
}

/* No line is half written while it is read. */
static int lock_shared(const struct reading *reading, struct pack_error *error)
{
    if (flock(pack_input_descriptor(reading->input), LOCK_SH) == 0)
        return 0;
    if (errno == EINTR)
        return pack_fail(error, PACK_E_INTERRUPTED, "interrupted while waiting for the journal");
    return pack_fail_errno(error, errno, "cannot lock the journal");
}

int pack_journal_check(struct pack_journal_summary *summary, const char *path,
                       const uint8_t wanted[PACK_SHA256_SIZE], pack_journal_fn tell, void *user,
                       struct pack_error *error)
{
    PACK_AUTO(reading_close) struct reading *reading = NULL;
    int code = pack_allocate(&reading, 1, sizeof *reading, error);
    if (code != 0)
        return code;
    *summary = (struct pack_journal_summary){.count = 0};
    reading->summary = summary;
    reading->wanted = wanted;
    reading->tell = tell;
    reading->user = user;
    code = pack_input_open_regular(&reading->input, path, error);
    if (code == 0)
        code = lock_shared(reading, error);
    if (code == 0)
        code = check_all(reading, error);
    if (code == 0)
        code = check_wanted(reading, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}
