/* SPDX-License-Identifier: MIT */
#include "io/file.h"
#include "journal/line.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL = 2 * PACK_MAX_JOURNAL_LINE + 1 }; /* two lines, and the end of the one before */

/* A journal that is open and locked. */
struct opened {
    int descriptor;
    bool created, locked;
    uint64_t size;
    uint64_t count;                 /* of its lines */
    uint8_t head[PACK_SHA256_SIZE]; /* hash of the last one */
};

/* --- opening --------------------------------------------------------------------------------- */

static int fail_open(int number, struct pack_error *error)
{
    if (number != ELOOP)
        return pack_fail_errno(error, number, "cannot open the journal");
    pack_fail(error, PACK_E_USAGE, "the journal is a symbolic link, which is not followed");
    return pack_hint(error, "name the file that it points to");
}

static int check_kind(const struct opened *opened, struct stat *status, struct pack_error *error)
{
    if (fstat(opened->descriptor, status) != 0)
        return pack_fail_errno(error, errno, "cannot open the journal");
    if (!S_ISREG(status->st_mode))
        return pack_fail(error, PACK_E_USAGE, "a journal is a regular file, this is none");
    return 0;
}

static int lock(const struct opened *opened, struct pack_error *error)
{
    if (flock(opened->descriptor, LOCK_EX) == 0)
        return 0;
    if (errno == EINTR)
        return pack_fail(error, PACK_E_INTERRUPTED, "interrupted while waiting for the journal");
    return pack_fail_errno(error, errno, "cannot lock the journal");
}

/* Whether the name still stands for what is locked: a journal may be moved away, for a new one. */
static bool is_current(const struct stat *status, const char *path)
{
    struct stat named;
    return lstat(path, &named) == 0 && named.st_dev == status->st_dev &&
           named.st_ino == status->st_ino;
}

/* With `create` false *opened has no descriptor where there is no file. */
static int open_locked(struct opened *opened, const char *path, bool create,
                       struct pack_error *error)
{
    const int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    for (;;) {
        struct stat status;
        opened->created = false;
        opened->descriptor = open(path, flags);
        if (opened->descriptor < 0 && errno == ENOENT && create) {
            opened->descriptor = open(path, flags | O_CREAT | O_EXCL, 0600);
            opened->created = opened->descriptor >= 0;
            if (!opened->created && errno == EEXIST)
                continue;
        }
        if (opened->descriptor < 0)
            return errno == ENOENT && !create ? 0 : fail_open(errno, error);
        int code = check_kind(opened, &status, error);
        if (code == 0)
            code = lock(opened, error);
        /* Who is waited for may have written to it. */
        if (code != 0 && opened->created && code != PACK_E_INTERRUPTED)
            unlink(path);
        if (code != 0)
            return code;
        opened->locked = is_current(&status, path);
        if (opened->locked)
            return 0;
        pack_close_descriptor(&opened->descriptor);
    }
}

/* --- the end of the chain -------------------------------------------------------------------- */

static const char move_hint[] = "'fwpack journal check' says more; move it away to keep it, and a "
                                "new one begins";

static int fail_tail(struct pack_error *error)
{
    pack_context(error, "the journal's end");
    return pack_hint(error, "%s", move_hint);
}

/* Where the line that ends at `end` begins, or -1 where it begins before the bytes. */
static ssize_t line_start(const char *bytes, size_t end, bool from_start)
{
    size_t start = end - 1;
    while (start > 0 && bytes[start - 1] != '\n')
        start--;
    return start > 0 || from_start ? (ssize_t)start : -1;
}

static int check_last(struct opened *opened, const char *bytes, size_t size, bool from_start,
                      struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct journal_line line;
    uint8_t previous[PACK_SHA256_SIZE] = {0};
    const ssize_t start = line_start(bytes, size, from_start);
    const ssize_t before = start > 0 ? line_start(bytes, (size_t)start, from_start) : start;
    if (start < 0 || before < 0)
        return pack_fail(error, PACK_E_MALFORMED, "not a line of a journal: it is too long");
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = journal_line_parse(&line, arena, bytes + start, size - (size_t)start, error);
    if (code == 0 && start > 0)
        code = pack_sha256_bytes(bytes + before, (size_t)(start - before), previous, error);
    if (code == 0)
        code = journal_line_follows(&line, start > 0 ? line.sequence - 1 : 0, previous, error);
    if (code == 0)
        code = pack_sha256_bytes(bytes + start, size - (size_t)start, opened->head, error);
    opened->count = line.sequence;
    return code;
}

/* Only the last two lines: who signs often does not read the whole each time. */
static int check_tail(struct opened *opened, struct pack_error *error)
{
    PACK_AUTO_FREE char *bytes = NULL;
    struct stat status;
    size_t got = 0;
    int code = check_kind(opened, &status, error);
    if (code != 0 || status.st_size == 0)
        return code;
    opened->size = (uint64_t)status.st_size;
    const bool from_start = opened->size <= TAIL;
    const size_t size = from_start ? (size_t)opened->size : TAIL;
    code = pack_allocate(&bytes, 1, size, error);
    if (code == 0 && lseek(opened->descriptor, (off_t)(opened->size - size), SEEK_SET) < 0)
        code = pack_fail_errno(error, errno, "cannot read the journal");
    if (code == 0)
        code = pack_read_descriptor(opened->descriptor, bytes, size, &got, error);
    if (code != 0 || got != size)
        return code != 0 ? code : pack_fail(error, PACK_E_CHANGED, "changed while it was read");
    if (bytes[size - 1] != '\n')
        code = pack_fail(error, PACK_E_CORRUPT, "its last line is torn: it has no end");
    else
        code = check_last(opened, bytes, size, from_start, error);
    return code != 0 ? fail_tail(error) : 0;
}

static int check_folder(const char *path, struct pack_error *error)
{
    PACK_AUTO_FREE char *folder = NULL;
    const int code = pack_folder_of(&folder, path, error);
    if (code != 0 || access(folder, W_OK | X_OK) == 0)
        return code;
    return pack_fail_errno(error, errno, "cannot make the journal");
}

int pack_journal_ready(const char *path, struct pack_error *error)
{
    PACK_AUTO_CLOSE int descriptor = -1;
    struct opened opened = {.descriptor = -1};
    int code = open_locked(&opened, path, false, error);
    descriptor = opened.descriptor;
    if (code == 0)
        code = descriptor >= 0 ? check_tail(&opened, error) : check_folder(path, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* --- appending ------------------------------------------------------------------------------- */

static int sync_folder(const char *path, struct pack_error *error)
{
    PACK_AUTO_FREE char *folder = NULL;
    const int code = pack_folder_of(&folder, path, error);
    if (code != 0)
        return code;
    PACK_AUTO_CLOSE int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* EINVAL is a file system whose folders need no syncing. */
    if (descriptor >= 0 && (fsync(descriptor) == 0 || errno == EINVAL))
        return 0;
    return pack_fail_errno(error, errno, "cannot sync the journal's folder");
}

static int write_line(const struct opened *opened, const char *text, size_t size,
                      struct pack_error *error)
{
    const int code = pack_write_descriptor(opened->descriptor, text, size, error);
    if (code != 0)
        return pack_context(error, "the journal");
    if (fsync(opened->descriptor) != 0)
        return pack_fail_errno(error, errno, "cannot sync the journal");
    return 0;
}

static int append_line(const struct opened *opened, const char *path,
                       const struct pack_journal_entry *entry, struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    struct journal_line line = {.sequence = opened->count + 1, .entry = *entry};
    memcpy(line.previous, opened->head, sizeof line.previous);
    int code = journal_line_format(&text, &size, &line, error);
    if (code == 0)
        code = write_line(opened, text, size, error);
    if (code == 0 && opened->size == 0)
        code = sync_folder(path, error);
    return code;
}

/* A line that may or may not be on the disk must not be there: its signature is kept back. */
static void take_back(const struct opened *opened, const char *path, bool written)
{
    if (opened->created && opened->size == 0)
        unlink(path);
    else if (written && ftruncate(opened->descriptor, (off_t)opened->size) == 0)
        (void)fsync(opened->descriptor);
}

int pack_journal_append(const char *path, const struct pack_journal_entry *entry,
                        struct pack_error *error)
{
    PACK_AUTO_CLOSE int descriptor = -1;
    struct opened opened = {.descriptor = -1};
    int code = open_locked(&opened, path, true, error);
    descriptor = opened.descriptor;
    if (code == 0)
        code = check_tail(&opened, error);
    const bool checked = code == 0;
    if (checked)
        code = append_line(&opened, path, entry, error);
    if (code != 0 && opened.locked)
        take_back(&opened, path, checked);
    return code != 0 ? pack_at_file(error, path) : 0;
}
