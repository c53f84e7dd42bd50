/* SPDX-License-Identifier: MIT */
#include "pack/io.h"

#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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
    char *staged;  /* name of the file in the making, where it had to have one */
    bool replaces; /* a file of that name exists */
    mode_t mode;   /* that file's */
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

/* A name beside the output's that nobody else has. */
static int staged_name(char **name, const struct pack_output *output, struct pack_error *error)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return pack_fail_errno(error, errno, "no random numbers");
    if (asprintf(name, "%s/.fwpack-%016llx.part", output->folder, (unsigned long long)number) < 0) {
        *name = NULL;
        return pack_fail_memory(error);
    }
    return 0;
}

/* A file without a name, so that even a killed process leaves nothing; else one with a name. */
static int open_staged(struct pack_output *output, struct pack_error *error)
{
    const mode_t mode = (output->flags & PACK_OUTPUT_PRIVATE) != 0 ? 0600 : 0666;
    int code = pack_folder_of(&output->folder, output->path, error);
    if (code != 0)
        return code;
    output->descriptor = open(output->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (output->descriptor < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        code = staged_name(&output->staged, output, error);
        if (code != 0)
            return code;
        output->descriptor = open(output->staged, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
    }
    if (output->descriptor < 0)
        return pack_fail_errno(error, errno, "cannot write in folder \"%s\"", output->folder);
    /* A umask of 0777 must not make a private file unreadable to its owner. */
    if ((output->flags & PACK_OUTPUT_PRIVATE) != 0 && fchmod(output->descriptor, 0600) != 0)
        return pack_fail_errno(error, errno, "cannot set its mode");
    if (output->replaces && fchmod(output->descriptor, output->mode) != 0)
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
    made->descriptor = made->direct = -1;
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

static int commit_direct(struct pack_output *output, struct pack_error *error)
{
    enum { PIECE = 256 * 1024 };
    PACK_AUTO_FREE void *buffer = NULL;
    struct stat status;
    int code = 0;
    if (output->descriptor != output->direct) {
        uint64_t offset = 0;
        code = pack_allocate(&buffer, 1, PIECE, error);
        for (ssize_t n = 1; code == 0 && n != 0; offset += (uint64_t)n) {
            n = pread(output->descriptor, buffer, PIECE, (off_t)offset);
            if (n < 0)
                return pack_fail_errno(error, errno, "cannot read what was staged");
            code = pack_write_descriptor(output->direct, buffer, (size_t)n, error);
        }
    }
    if (code == 0 && fstat(output->direct, &status) == 0 &&
        (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) && fsync(output->direct) != 0)
        return pack_fail_errno(error, errno, "cannot write");
    return code;
}

/* Gives the unnamed file a name that must be free. Returns an errno. */
static int give_name(const struct pack_output *output, const char *name)
{
    char link[64];
    if (output->staged != NULL)
        return linkat(AT_FDCWD, output->staged, AT_FDCWD, name, 0) == 0 ? 0 : errno;
    if (linkat(output->descriptor, "", AT_FDCWD, name, AT_EMPTY_PATH) == 0)
        return 0;
    if (errno == EEXIST)
        return EEXIST;
    snprintf(link, sizeof link, "/proc/self/fd/%d", output->descriptor);
    return linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

static int rename_over(struct pack_output *output, struct pack_error *error)
{
    if (output->staged == NULL) {
        PACK_AUTO_FREE char *name = NULL;
        const int code = staged_name(&name, output, error);
        if (code != 0)
            return code;
        const int number = give_name(output, name);
        if (number != 0)
            return pack_fail_errno(error, number, "cannot write");
        output->staged = pack_steal(&name);
    }
    if (rename(output->staged, output->path) != 0)
        return pack_fail_errno(error, errno, "cannot replace");
    free(output->staged);
    output->staged = NULL;
    return 0;
}

static int commit_staged(struct pack_output *output, struct pack_error *error)
{
    PACK_AUTO_CLOSE int folder = -1;
    if (fsync(output->descriptor) != 0)
        return pack_fail_errno(error, errno, "cannot write");
    const bool is_new = (output->flags & PACK_OUTPUT_NEW) != 0;
    const int number = output->replaces ? EEXIST : give_name(output, output->path);
    int code = 0;
    if (number == EEXIST && !is_new)
        code = rename_over(output, error);
    else if (number == EEXIST)
        code = pack_fail(error, PACK_E_EXISTS, "exists, and is never overwritten");
    else if (number != 0)
        code = pack_fail_errno(error, number, "cannot write");
    if (code != 0)
        return code;
    folder = open(output->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0 || fsync(folder) != 0)
        return pack_fail_errno(error, errno, "cannot sync folder \"%s\"", output->folder);
    return 0;
}

int pack_output_commit(struct pack_output **output, struct pack_error *error)
{
    struct pack_output *made = pack_steal(output);
    int code = made->direct >= 0 ? commit_direct(made, error) : commit_staged(made, error);
    if (code != 0)
        code = pack_at_file(error, made->path);
    output_free(made);
    return code;
}
