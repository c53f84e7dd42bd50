/* SPDX-License-Identifier: MIT */
#include "io/file.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "pack/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void pack_close_descriptor(int *descriptor)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = -1;
}

int pack_read_descriptor(int descriptor, void *buffer, size_t size, size_t *got,
                         struct pack_error *error)
{
    size_t total = 0;
    *got = 0;
    while (total < size) {
        const ssize_t n = read(descriptor, (uint8_t *)buffer + total, size - total);
        if (n < 0 && errno == EINTR)
            return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot read");
        if (n == 0)
            break;
        total += (size_t)n;
        *got = total;
    }
    return 0;
}

int pack_write_descriptor(int descriptor, const void *bytes, size_t size, struct pack_error *error)
{
    for (size_t total = 0; total < size;) {
        const ssize_t n = write(descriptor, (const uint8_t *)bytes + total, size - total);
        if (n < 0 && errno == EINTR)
            return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot write");
        total += (size_t)n;
    }
    return 0;
}

int pack_write_descriptor_at(int descriptor, uint64_t offset, const void *bytes, size_t size,
                             struct pack_error *error)
{
    for (size_t total = 0; total < size;) {
        const ssize_t n = pwrite(descriptor, (const uint8_t *)bytes + total, size - total,
                                 (off_t)(offset + total));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot write");
        total += (size_t)n;
    }
    return 0;
}

static int descriptor_write(struct pack_sink *sink, const void *bytes, size_t size,
                            struct pack_error *error)
{
    struct pack_descriptor_sink *to = (struct pack_descriptor_sink *)sink;
    const int code = pack_write_descriptor_at(to->descriptor, to->offset, bytes, size, error);
    to->offset += size;
    return code;
}

struct pack_descriptor_sink pack_descriptor_sink(int descriptor, uint64_t offset)
{
    static const struct pack_sink_ops ops = {.write = descriptor_write};
    return (struct pack_descriptor_sink){
        .sink.ops = &ops, .descriptor = descriptor, .offset = offset};
}

static int copy_by_reading(int from, uint64_t from_offset, int to, uint64_t to_offset,
                           uint64_t size, struct pack_error *error)
{
    enum { PIECE = 256 * 1024 };
    PACK_AUTO_FREE void *buffer = NULL;
    int code = pack_allocate(&buffer, 1, PIECE, error);
    for (uint64_t done = 0; code == 0 && done < size;) {
        const ssize_t n =
            pread(from, buffer, (size_t)pack_min(PIECE, size - done), (off_t)(from_offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot read");
        if (n == 0)
            return pack_fail(error, PACK_E_CHANGED, "became shorter while it was copied");
        code = pack_write_descriptor_at(to, to_offset + done, buffer, (size_t)n, error);
        done += (uint64_t)n;
    }
    return code;
}

/* What copy_file_range says where it cannot copy between these two at all. */
static bool is_unable(int number)
{
    return number == EXDEV || number == ENOSYS || number == EINVAL || number == EOPNOTSUPP ||
           number == EBADF || number == EPERM;
}

int pack_copy_descriptor(int from, uint64_t from_offset, int to, uint64_t to_offset, uint64_t size,
                         struct pack_error *error)
{
    enum { PIECE = 1 << 30 };
    off_t in = (off_t)from_offset, out = (off_t)to_offset;
    uint64_t left = size;
    while (left > 0) {
        const ssize_t n = copy_file_range(from, &in, to, &out, (size_t)pack_min(left, PIECE), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && is_unable(errno))
            break;
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot copy");
        if (n == 0) /* the end, or a file system that cannot tell: reading will */
            break;
        left -= (uint64_t)n;
    }
    return copy_by_reading(from, (uint64_t)in, to, (uint64_t)out, left, error);
}

static int scratch_named(int *descriptor, const char *folder, struct pack_error *error)
{
    PACK_AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/.fwpack-XXXXXX", folder) < 0) {
        path = NULL;
        return pack_fail_memory(error);
    }
    *descriptor = mkostemp(path, O_CLOEXEC);
    if (*descriptor < 0) {
        pack_fail_errno(error, errno, "cannot write here");
        return pack_at_file(error, folder);
    }
    unlink(path);
    return 0;
}

int pack_scratch_open(int *descriptor, const char *folder, struct pack_error *error)
{
    static const char *const system_folders[] = {"/var/tmp", "/tmp"};
    *descriptor = -1;
    if (folder == NULL)
        folder = access(system_folders[0], W_OK) == 0 ? system_folders[0] : system_folders[1];
    *descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return *descriptor >= 0 ? 0 : scratch_named(descriptor, folder, error);
}

int pack_folder_of(char **folder, const char *path, struct pack_error *error)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return pack_copy_string(folder, ".", error);
    const size_t size = slash == path ? 1 : (size_t)(slash - path);
    *folder = strndup(path, size);
    return *folder != NULL ? 0 : pack_fail_memory(error);
}

/* --- whole files --------------------------------------------------------------------------- */

static int read_whole(struct pack_buffer *buffer, struct pack_input *input, uint64_t limit,
                      struct pack_error *error)
{
    enum { PIECE = 64 * 1024 };
    int code = pack_buffer_append(buffer, NULL, 0, error);
    for (size_t got = PIECE; code == 0 && got != 0;) {
        const size_t wanted = (size_t)pack_min(PIECE, limit + 1 - buffer->size);
        code = pack_buffer_reserve(buffer, wanted, error);
        if (code == 0)
            code = pack_input_read(input, buffer->size, buffer->bytes + buffer->size, wanted, &got,
                                   error);
        if (code != 0)
            break;
        buffer->size += got;
        buffer->bytes[buffer->size] = 0;
        if (buffer->size > limit)
            code =
                pack_fail(error, PACK_E_LIMIT, "larger than %llu bytes", (unsigned long long)limit);
    }
    return code;
}

int pack_read_file(void **bytes, size_t *size, const char *path, uint64_t limit,
                   struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    size_t cap = 0;
    *bytes = NULL;
    *size = 0;
    if (!pack_add(limit, 1, &limit) || !pack_to_size(limit, &cap))
        return pack_fail(error, PACK_E_INTERNAL, "limit too large");
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = cap};
    int code = pack_input_open(&input, path, error);
    if (code == 0)
        code = read_whole(&buffer, input, limit - 1, error);
    if (code == 0)
        code = pack_buffer_take(&buffer, bytes, size, error);
    return code != 0 ? pack_at_file(error, input != NULL ? input->name : path) : 0;
}

int pack_write_file(const char *path, unsigned flags, const void *bytes, size_t size,
                    struct pack_error *error)
{
    PACK_AUTO(pack_output_discard) struct pack_output *output = NULL;
    int code = pack_output_open(&output, path, flags, NULL, error);
    if (code == 0)
        code = pack_sink_write(pack_output_sink(output), bytes, size, error);
    return code != 0 ? code : pack_output_commit(&output, error);
}
