/* SPDX-License-Identifier: MIT */
#include "pack/io.h"

#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

struct pack_output {
    struct pack_sink sink;
    unsigned flags;
    uint64_t position; /* of the sink */
    int descriptor;    /* what is written to */
    int direct;        /* standard output, a device or a FIFO; -1 for a file in the making */
    char *path;        /* as the user named it, for messages and the name */
    char *folder;
    char *staged;      /* name of the file in the making, where it had to have one */
    bool replaces;     /* a file of that name exists */
    bool created;      /* it has its name, which nobody had before */
    mode_t mode;       /* that file's */
    int opened_folder; /* of an output that gets its name; else -1 */
};

static struct pack_output *of_sink(struct pack_sink *sink)
{
    return (struct pack_output *)sink;
}

static int output_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    struct pack_output *output = of_sink(sink);
    const int code = pack_write_descriptor(output->descriptor, bytes, size, error);
    output->position += size;
    return code != 0 ? pack_at_file(error, output->path) : 0;
}

static const struct pack_sink_ops output_ops = {.write = output_write};

static void output_free(struct pack_output *output)
{
    if (output->staged != NULL)
        unlink(output->staged);
    if (output->descriptor > STDERR_FILENO && output->descriptor != output->direct)
        close(output->descriptor);
    if (output->direct > STDERR_FILENO)
        close(output->direct);
    pack_close_descriptor(&output->opened_folder);
    free(output->staged);
    free(output->folder);
    free(output->path);
    free(output);
}

void pack_output_discard(struct pack_output **output)
{
    if (*output != NULL)
        output_free(*output);
    *output = NULL;
}

/* --- opening ------------------------------------------------------------------------------- */

static bool is_direct(const struct stat *status)
{
    return S_ISCHR(status->st_mode) || S_ISBLK(status->st_mode) || S_ISFIFO(status->st_mode);
}

static bool is_input(const struct stat *status, const struct pack_input *input)
{
    struct stat other;
    return input != NULL && pack_input_descriptor(input) >= 0 &&
           fstat(pack_input_descriptor(input), &other) == 0 && S_ISREG(other.st_mode) &&
           other.st_dev == status->st_dev && other.st_ino == status->st_ino;
}

/* Judges what stands at the path now; *direct says that it is written as it is. */
static int judge_target(struct pack_output *output, const struct pack_input *input, bool *direct,
                        struct pack_error *error)
{
    struct stat status, target;
    *direct = false;
    if (output->path[0] == '\0')
        return pack_fail(error, PACK_E_USAGE, "the output's name is empty");
    if (lstat(output->path, &status) != 0)
        return errno == ENOENT ? 0 : pack_fail_errno(error, errno, "cannot write");
    if (S_ISLNK(status.st_mode)) {
        *direct = stat(output->path, &target) == 0 && is_direct(&target);
        if (*direct)
            return 0;
        pack_fail(error, PACK_E_USAGE, "is a symbolic link, and is not followed");
        return pack_hint(error, "name the file that it points to");
    }
    if (S_ISDIR(status.st_mode))
        return pack_fail(error, PACK_E_USAGE, "is a folder, a file is wanted");
    *direct = is_direct(&status);
    if (*direct)
        return 0;
    if (!S_ISREG(status.st_mode))
        return pack_fail(error, PACK_E_USAGE, "is neither a file nor a device");
    if ((output->flags & PACK_OUTPUT_NEW) != 0) {
        pack_fail(error, PACK_E_EXISTS, "exists, and is never overwritten");
        return pack_hint(error, "choose another name, or move the old file away");
    }
    if (is_input(&status, input))
        return pack_fail(error, PACK_E_USAGE, "is the input itself");
    if (access(output->path, W_OK) != 0)
        return pack_fail_errno(error, errno, "exists and is write-protected");
    output->replaces = true;
    output->mode = status.st_mode & 07777;
    return 0;
}

static int open_direct(struct pack_output *output, struct pack_error *error)
{
    if (strcmp(output->path, "-") == 0)
        output->direct = STDOUT_FILENO;
    else
        output->direct = open(output->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (output->direct < 0)
        return pack_fail_errno(error, errno, "cannot open");
    output->descriptor = output->direct;
    if ((output->flags & PACK_OUTPUT_SEEKABLE) == 0)
        return 0;
    return pack_scratch_open(&output->descriptor, NULL, error);
}

/* --- files in the making --------------------------------------------------------------------- */

static bool is_same_file(int descriptor, const char *path)
{
    struct stat opened, named;
    return fstat(descriptor, &opened) == 0 && lstat(path, &named) == 0 && S_ISREG(opened.st_mode) &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/*
 * A file in the making that has a name is locked by who makes it. One that nobody holds was left
 * by a process that was killed, and is in the way of the next one with the same output.
 */
static void remove_leftover(const char *name)
{
    PACK_AUTO_CLOSE int descriptor = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0 &&
        is_same_file(descriptor, name))
        unlink(name);
}

/* Names follow from the output's, so that what is left over is found; or are random. */
static int staged_name(char **name, const struct pack_output *output, bool random,
                       struct pack_error *error)
{
    const char *slash = strrchr(output->path, '/');
    uint64_t number = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *c = slash != NULL ? slash + 1 : output->path; *c != '\0'; c++)
        number = (number ^ (uint8_t)*c) * UINT64_C(1099511628211);
    if (random && getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return pack_fail_errno(error, errno, "no random numbers");
    if (asprintf(name, "%s/.fwpack-%016llx.part", output->folder, (unsigned long long)number) < 0) {
        *name = NULL;
        return pack_fail_memory(error);
    }
    return 0;
}

static int fail_folder(const struct pack_output *output, int number, struct pack_error *error)
{
    pack_fail_errno(error, number, "cannot write in folder \"%s\"", output->folder);
    return number == ENOENT ? pack_hint(error, "make the folder first") : (int)error->code;
}

/* Gives the file in the making a name of its own by `take`, which returns an errno. */
static int stage(struct pack_output *output,
                 int (*take)(struct pack_output *output, const char *name),
                 struct pack_error *error)
{
    enum { BY_NAME = 2, ATTEMPTS = 5 };
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        PACK_AUTO_FREE char *name = NULL;
        const int code = staged_name(&name, output, attempt >= BY_NAME, error);
        if (code != 0)
            return code;
        const int number = take(output, name);
        if (number == 0) {
            output->staged = pack_steal(&name);
            return 0;
        }
        if (number != EEXIST)
            return fail_folder(output, number, error);
        remove_leftover(name);
    }
    return pack_fail_errno(error, EEXIST, "no free name in folder \"%s\"", output->folder);
}

static mode_t first_mode(const struct pack_output *output)
{
    return (output->flags & PACK_OUTPUT_PRIVATE) != 0 ? 0600 : 0666;
}

static int create_named(struct pack_output *output, const char *name)
{
    const int flags = O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC;
    output->descriptor = open(name, flags, first_mode(output));
    if (output->descriptor < 0)
        return errno;
    /* Another process may have seen it before it was locked, and taken it for left over. */
    if ((flock(output->descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
        is_same_file(output->descriptor, name))
        return 0;
    pack_close_descriptor(&output->descriptor);
    return EEXIST;
}

/* A file without a name, so that even a killed process leaves nothing; else one with a name. */
static int open_unnamed(struct pack_output *output, struct pack_error *error)
{
    output->descriptor = open(output->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, first_mode(output));
    if (output->descriptor >= 0)
        return 0;
    if (errno == EOPNOTSUPP || errno == EISDIR)
        return stage(output, create_named, error);
    return fail_folder(output, errno, error);
}

static int open_staged(struct pack_output *output, struct pack_error *error)
{
    int code = pack_folder_of(&output->folder, output->path, error);
    if (code == 0)
        code = open_unnamed(output, error);
    if (code != 0)
        return code;
    /* A umask of 0777 must not make a private file unreadable to its owner. */
    if ((output->flags & PACK_OUTPUT_PRIVATE) != 0 && fchmod(output->descriptor, 0600) != 0)
        return pack_fail_errno(error, errno, "cannot set its mode");
    if (output->replaces && (output->flags & PACK_OUTPUT_PRIVATE) == 0 &&
        fchmod(output->descriptor, output->mode) != 0)
        return pack_fail_errno(error, errno, "cannot keep its mode");
    return 0;
}

static int output_start(struct pack_output *output, const char *path,
                        const struct pack_input *input, struct pack_error *error)
{
    bool direct = strcmp(path, "-") == 0;
    int code = pack_copy_string(&output->path, path, error);
    if (code == 0 && !direct)
        code = judge_target(output, input, &direct, error);
    if (code == 0)
        code = direct ? open_direct(output, error) : open_staged(output, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

int pack_output_open(struct pack_output **output, const char *path, unsigned flags,
                     const struct pack_input *input, struct pack_error *error)
{
    struct pack_output *made = NULL;
    *output = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    made->sink.ops = &output_ops;
    made->flags = flags;
    made->descriptor = made->direct = made->opened_folder = -1;
    code = output_start(made, path, input, error);
    if (code != 0) {
        output_free(made);
        return code;
    }
    *output = made;
    return 0;
}

struct pack_sink *pack_output_sink(struct pack_output *output)
{
    return &output->sink;
}

int pack_output_descriptor(const struct pack_output *output)
{
    return output->descriptor;
}

int pack_output_write_at(struct pack_output *output, uint64_t offset, const void *bytes,
                         size_t size, struct pack_error *error)
{
    const int code = pack_write_descriptor_at(output->descriptor, offset, bytes, size, error);
    return code != 0 ? pack_at_file(error, output->path) : 0;
}

int pack_output_scratch(const struct pack_output *output, int *descriptor, struct pack_error *error)
{
    return pack_scratch_open(descriptor, output->folder, error);
}

/* --- committing ---------------------------------------------------------------------------- */

static int copy_staged(const struct pack_output *output, struct pack_error *error)
{
    enum { PIECE = 256 * 1024 };
    PACK_AUTO_FREE void *buffer = NULL;
    if (lseek(output->descriptor, 0, SEEK_SET) != 0)
        return pack_fail_errno(error, errno, "cannot read what was staged");
    int code = pack_allocate(&buffer, 1, PIECE, error);
    for (size_t got = PIECE; code == 0 && got == PIECE;) {
        code = pack_read_descriptor(output->descriptor, buffer, PIECE, &got, error);
        if (code == 0)
            code = pack_write_descriptor(output->direct, buffer, got, error);
    }
    return code;
}

static int commit_direct(const struct pack_output *output, struct pack_error *error)
{
    struct stat status;
    const int code = output->descriptor != output->direct ? copy_staged(output, error) : 0;
    if (code == 0 && fstat(output->direct, &status) == 0 &&
        (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) && fsync(output->direct) != 0)
        return pack_fail_errno(error, errno, "cannot write");
    return code;
}

/* Gives a file without a name one that must be free. Returns an errno. */
static int link_unnamed(struct pack_output *output, const char *name)
{
    char link[64];
    if (linkat(output->descriptor, "", AT_FDCWD, name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno == EEXIST)
        return EEXIST;
    snprintf(link, sizeof link, "/proc/self/fd/%d", output->descriptor);
    return linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

static int link_locked(struct pack_output *output, const char *name)
{
    (void)flock(output->descriptor, LOCK_EX | LOCK_NB);
    return link_unnamed(output, name);
}

/* File systems without files that have no name may be without hard links too. Returns an errno. */
static int move_named(const struct pack_output *output)
{
    if (renameat2(AT_FDCWD, output->staged, AT_FDCWD, output->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (linkat(AT_FDCWD, output->staged, AT_FDCWD, output->path, 0) != 0)
        return errno;
    unlink(output->staged);
    return 0;
}

static void forget_staged(struct pack_output *output)
{
    free(output->staged);
    output->staged = NULL;
}

/* Gives the file in the making the output's name, which must be free. Returns an errno. */
static int name_new(struct pack_output *output)
{
    const int number =
        output->staged == NULL ? link_unnamed(output, output->path) : move_named(output);
    if (number == 0) {
        forget_staged(output);
        output->created = true;
    }
    return number;
}

static int name_over(struct pack_output *output, struct pack_error *error)
{
    const int code = output->staged == NULL ? stage(output, link_locked, error) : 0;
    if (code != 0)
        return code;
    if (rename(output->staged, output->path) != 0)
        return pack_fail_errno(error, errno, "cannot replace");
    forget_staged(output);
    return 0;
}

static int name_output(struct pack_output *output, struct pack_error *error)
{
    if (output->direct >= 0)
        return 0;
    const int number = output->replaces ? EEXIST : name_new(output);
    if (number == 0)
        return 0;
    if (number != EEXIST)
        return pack_fail_errno(error, number, "cannot write");
    return (output->flags & PACK_OUTPUT_NEW) == 0
               ? name_over(output, error)
               : pack_fail(error, PACK_E_EXISTS, "exists, and is never overwritten");
}

/* All that can be done before the file has its name. */
static int finish_bytes(struct pack_output *output, struct pack_error *error)
{
    if (output->direct >= 0)
        return commit_direct(output, error);
    output->opened_folder = open(output->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (output->opened_folder < 0)
        return pack_fail_errno(error, errno, "cannot open folder \"%s\"", output->folder);
    if (fsync(output->descriptor) != 0)
        return pack_fail_errno(error, errno, "cannot write");
    return 0;
}

static int sync_folder(struct pack_output *output, struct pack_error *error)
{
    /* EINVAL is a file system whose folders need no syncing. */
    if (output->direct >= 0 || fsync(output->opened_folder) == 0 || errno == EINVAL)
        return 0;
    return pack_fail_errno(error, errno, "%s",
                           output->created ? "cannot sync its folder"
                                           : "was replaced, but its folder cannot be synced");
}

/* Each phase for all outputs before the next one: most failures come before any file has a name. */
static int commit_all(struct pack_output **outputs, size_t count, struct pack_error *error)
{
    static int (*const phases[])(struct pack_output *,
                                 struct pack_error *) = {finish_bytes, name_output, sync_folder};
    for (size_t phase = 0; phase < sizeof phases / sizeof phases[0]; phase++)
        for (size_t i = 0; i < count; i++)
            if (phases[phase](outputs[i], error) != 0)
                return pack_at_file(error, outputs[i]->path);
    return 0;
}

static void take_back(struct pack_output *output)
{
    if (output->created && is_same_file(output->descriptor, output->path))
        unlink(output->path);
}

int pack_output_commit_all(struct pack_output **outputs, size_t count, struct pack_error *error)
{
    const int code = commit_all(outputs, count, error);
    for (size_t i = count; i-- > 0;) {
        if (code != 0)
            take_back(outputs[i]);
        pack_output_discard(&outputs[i]);
    }
    return code;
}

int pack_output_commit(struct pack_output **output, struct pack_error *error)
{
    return pack_output_commit_all(output, 1, error);
}
