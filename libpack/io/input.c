/* SPDX-License-Identifier: MIT */
#include "pack/io.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/neighbour.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a file or a pipe ---------------------------------------------------------------------- */

struct file_input {
    struct pack_input input;
    int descriptor;
    uint64_t position; /* of a pipe: bytes read so far */
    char *path;
};

static int file_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                        size_t *got, struct pack_error *error)
{
    const struct file_input *file = (struct file_input *)input;
    size_t total = 0;
    while (total < size) {
        const ssize_t n = pread(file->descriptor, (uint8_t *)buffer + total, size - total,
                                (off_t)(offset + total));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            pack_fail_errno(error, errno, "cannot read");
            return pack_at_file(error, input->name);
        }
        if (n == 0)
            break;
        total += (size_t)n;
    }
    *got = total;
    return 0;
}

static int pipe_read(struct file_input *file, void *buffer, size_t size, size_t *got,
                     struct pack_error *error)
{
    const int code = pack_read_descriptor(file->descriptor, buffer, size, got, error);
    file->position += *got;
    if (code != 0)
        return pack_at_file(error, file->input.name);
    if (*got < size) { /* its end, where it is known at last how long it was */
        file->input.has_size = true;
        file->input.size = file->position;
    }
    return 0;
}

static int pipe_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                        size_t *got, struct pack_error *error)
{
    struct file_input *file = (struct file_input *)input;
    uint8_t passed[16384];
    *got = 0;
    if (offset < file->position) {
        pack_fail(error, PACK_E_INTERNAL, "a pipe cannot go back");
        return pack_at_file(error, input->name);
    }
    while (file->position < offset) {
        const size_t wanted = (size_t)pack_min(offset - file->position, sizeof passed);
        size_t piece = 0;
        const int code = pipe_read(file, passed, wanted, &piece, error);
        if (code != 0 || piece < wanted)
            return code; /* *got is 0: it ends before the offset */
    }
    return pipe_read(file, buffer, size, got, error);
}

static void file_close(struct pack_input *input)
{
    struct file_input *file = (struct file_input *)input;
    if (file->descriptor > STDERR_FILENO)
        close(file->descriptor);
    free(file->path);
    free(file);
}

static const struct pack_input_ops file_ops = {.read_at = file_read_at, .close = file_close};
static const struct pack_input_ops pipe_ops = {.read_at = pipe_read_at, .close = file_close};

/* Standard input is read by offset only where it is a file that nobody has read from. */
static bool can_seek(int descriptor, const struct stat *status)
{
    return (S_ISREG(status->st_mode) || S_ISBLK(status->st_mode)) &&
           lseek(descriptor, 0, SEEK_CUR) == 0;
}

static int file_measure(struct file_input *file, bool regular, struct pack_error *error)
{
    struct stat status;
    if (fstat(file->descriptor, &status) != 0)
        return pack_fail_errno(error, errno, "cannot read");
    if (S_ISDIR(status.st_mode))
        return pack_fail(error, PACK_E_USAGE, "is a folder, a file is wanted");
    if (regular && !S_ISREG(status.st_mode))
        return pack_fail(error, PACK_E_USAGE, "is no regular file");
    file->input.ops = &pipe_ops;
    if (!can_seek(file->descriptor, &status))
        return 0;
    const off_t end =
        S_ISREG(status.st_mode) ? status.st_size : lseek(file->descriptor, 0, SEEK_END);
    if (end < 0)
        return pack_fail_errno(error, errno, "cannot find its size");
    file->input.ops = &file_ops;
    file->input.seekable = true;
    file->input.has_size = true;
    file->input.size = (uint64_t)end;
    (void)posix_fadvise(file->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
    return 0;
}

static int fail_open(const char *path, int number, struct pack_error *error)
{
    pack_fail_errno(error, number, "cannot open");
    if (number == ENOENT)
        pack_hint_neighbour(error, path, NULL);
    return (int)error->code;
}

/* `regular` is pack_input_open_regular's. */
static int file_input_open(struct file_input *file, const char *path, bool regular,
                           struct pack_error *error)
{
    const bool standard = !regular && strcmp(path, "-") == 0;
    const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (regular ? O_NONBLOCK : 0);
    int code = pack_copy_string(&file->path, standard ? "standard input" : path, error);
    if (code != 0)
        return code;
    file->input.name = file->path;
    file->descriptor = standard ? STDIN_FILENO : open(path, flags);
    code =
        file->descriptor < 0 ? fail_open(path, errno, error) : file_measure(file, regular, error);
    return code != 0 ? pack_at_file(error, file->path) : 0;
}

static int open_file(struct pack_input **input, const char *path, bool regular,
                     struct pack_error *error)
{
    struct file_input *file = NULL;
    *input = NULL;
    int code = pack_allocate(&file, 1, sizeof *file, error);
    if (code != 0)
        return code;
    file->descriptor = -1;
    code = file_input_open(file, path, regular, error);
    if (code != 0) {
        file_close(&file->input);
        return code;
    }
    *input = &file->input;
    return 0;
}

int pack_input_adopt(struct pack_input **input, int *descriptor, const char *name,
                     struct pack_error *error)
{
    PACK_AUTO_CLOSE int taken = *descriptor;
    struct file_input *file = NULL;
    *descriptor = -1;
    *input = NULL;
    int code = pack_allocate(&file, 1, sizeof *file, error);
    if (code != 0)
        return code;
    file->descriptor = taken;
    taken = -1;
    code = pack_copy_string(&file->path, name, error);
    file->input.name = file->path;
    if (code == 0)
        code = file_measure(file, false, error);
    if (code != 0) {
        file_close(&file->input);
        return code;
    }
    *input = &file->input;
    return 0;
}

int pack_input_open(struct pack_input **input, const char *path, struct pack_error *error)
{
    return open_file(input, path, false, error);
}

int pack_input_open_regular(struct pack_input **input, const char *path, struct pack_error *error)
{
    return open_file(input, path, true, error);
}

int pack_input_descriptor(const struct pack_input *input)
{
    if (input->ops != &file_ops && input->ops != &pipe_ops)
        return -1;
    return ((const struct file_input *)input)->descriptor;
}

/* --- memory -------------------------------------------------------------------------------- */

struct memory_input {
    struct pack_input input;
    const uint8_t *bytes;
    char *name;
};

static int memory_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                          size_t *got, struct pack_error *error)
{
    (void)error;
    *got = 0;
    if (offset >= input->size)
        return 0;
    *got = (size_t)pack_min(size, input->size - offset);
    if (*got != 0)
        memcpy(buffer, ((struct memory_input *)input)->bytes + offset, *got);
    return 0;
}

static void memory_close(struct pack_input *input)
{
    free(((struct memory_input *)input)->name);
    free(input);
}

static const struct pack_input_ops memory_ops = {.read_at = memory_read_at, .close = memory_close};

int pack_input_memory(struct pack_input **input, const void *bytes, size_t size, const char *name,
                      struct pack_error *error)
{
    struct memory_input *memory = NULL;
    *input = NULL;
    int code = pack_allocate(&memory, 1, sizeof *memory, error);
    if (code != 0)
        return code;
    code = pack_copy_string(&memory->name, name, error);
    if (code != 0) {
        free(memory);
        return code;
    }
    memory->bytes = bytes;
    memory->input = (struct pack_input){
        .ops = &memory_ops, .name = memory->name, .seekable = true, .has_size = true, .size = size};
    *input = &memory->input;
    return 0;
}

/* --- forward only -------------------------------------------------------------------------- */

struct forward_input {
    struct pack_input input;
    struct pack_input *inner;
    uint64_t position;
};

static int forward_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                           size_t *got, struct pack_error *error)
{
    struct forward_input *forward = (struct forward_input *)input;
    if (offset < forward->position)
        return pack_fail(error, PACK_E_INTERNAL, "a pipe cannot go back");
    const int code = pack_input_read(forward->inner, offset, buffer, size, got, error);
    forward->position = offset + *got;
    if (code == 0 && *got < size) {
        input->has_size = forward->inner->has_size;
        input->size = forward->inner->size;
    }
    return code;
}

static void forward_close(struct pack_input *input)
{
    pack_input_close(&((struct forward_input *)input)->inner);
    free(input);
}

static const struct pack_input_ops forward_ops = {.read_at = forward_read_at,
                                                  .close = forward_close};

int pack_input_forward(struct pack_input **input, struct pack_input *inner,
                       struct pack_error *error)
{
    struct forward_input *forward = NULL;
    *input = NULL;
    const int code = pack_allocate(&forward, 1, sizeof *forward, error);
    if (code != 0)
        return code;
    forward->inner = inner;
    forward->input = (struct pack_input){.ops = &forward_ops, .name = inner->name};
    *input = &forward->input;
    return 0;
}

/* --- all of them --------------------------------------------------------------------------- */

int pack_input_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                    size_t *got, struct pack_error *error)
{
    *got = 0;
    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return pack_fail(error, PACK_E_LIMIT, "offset beyond what a file can have");
    return input->ops->read_at(input, offset, buffer, size, got, error);
}

/* Where a read that came to `reached` found the end: what was passed over may have ended before. */
static uint64_t end_of(const struct pack_input *input, uint64_t reached)
{
    return input->has_size ? pack_min(input->size, reached) : reached;
}

int pack_input_exact(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                     enum pack_code code, struct pack_error *error)
{
    size_t got = 0;
    const int failure = pack_input_read(input, offset, buffer, size, &got, error);
    if (failure != 0)
        return failure;
    if (got == size)
        return 0;
    const uint64_t end = end_of(input, offset + got);
    pack_fail(error, code, "ends after %llu bytes, %llu more wanted", (unsigned long long)end,
              (unsigned long long)(offset + size - end));
    pack_at_offset(error, end);
    return pack_at_file(error, input->name);
}

void pack_input_close(struct pack_input **input)
{
    if (*input != NULL)
        (*input)->ops->close(*input);
    *input = NULL;
}
