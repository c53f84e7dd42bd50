/* SPDX-License-Identifier: MIT */
/*
 * BSDIFF40, as bsdiff 4.3 writes it and bspatch reads it. A header of four fields of 8 bytes:
 * "BSDIFF40", the sizes of the first two streams, the size of the new image. Then three bzip2
 * streams: control, differences, extra bytes. A control entry has three numbers: so many bytes of
 * differences are added to old bytes, so many extra bytes follow, and so far the place in the old
 * image moves. Numbers are little-endian, the highest bit being the sign.
 */
#include "base/memory.h"
#include "delta/foreign.h"

#include <bzlib.h>
#include <string.h>

static const char magic[8] = {'B', 'S', 'D', 'I', 'F', 'F', '4', '0'};

enum {
    HEADER_SIZE = 32,
    ENTRY_SIZE = 24,
    BLOCKS = 9, /* of 100 kB: what bsdiff itself takes */
    CHUNK = 32 << 10,
};

static void put_number(uint8_t *place, int64_t value)
{
    const uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    pack_put_le64(place, size | (value < 0 ? UINT64_C(1) << 63 : 0));
}

static int64_t get_number(const uint8_t *place)
{
    const uint64_t bits = pack_le64(place);
    const int64_t size = (int64_t)(bits & INT64_MAX);
    return bits >> 63 != 0 ? -size : size;
}

static int bzip2_fault(const char *what, int status, struct pack_error *error)
{
    if (status == BZ_MEM_ERROR)
        return pack_fail_memory(error);
    return pack_fail(error, PACK_E_INTERNAL, "libbz2: %s failed (%d)", what, status);
}

/* --- writing --------------------------------------------------------------------------------- */

struct writer {
    bz_stream stream;
    struct pack_buffer packed;
};

static void writer_end(struct writer *writer)
{
    (void)BZ2_bzCompressEnd(&writer->stream);
    pack_buffer_clear(&writer->packed);
}

static int writer_begin(struct writer *writer, struct pack_error *error)
{
    *writer = (struct writer){.packed.limit = SIZE_MAX / 2};
    const int status = BZ2_bzCompressInit(&writer->stream, BLOCKS, 0, 0);
    return status != BZ_OK ? bzip2_fault("BZ2_bzCompressInit", status, error) : 0;
}

/* One call of the library, with some room for what it gives. */
static int writer_step(struct writer *writer, int action, int *status, struct pack_error *error)
{
    struct pack_buffer *packed = &writer->packed;
    const int code = pack_buffer_reserve(packed, CHUNK, error);
    if (code != 0)
        return code;
    writer->stream.next_out = (char *)packed->bytes + packed->size;
    writer->stream.avail_out = CHUNK;
    *status = BZ2_bzCompress(&writer->stream, action);
    if (*status < 0)
        return bzip2_fault("BZ2_bzCompress", *status, error);
    packed->size += CHUNK - writer->stream.avail_out;
    return 0;
}

static int writer_add(struct writer *writer, const uint8_t *bytes, size_t size,
                      struct pack_error *error)
{
    int code = 0;
    int status = BZ_OK;
    while (code == 0 && size != 0) {
        const size_t part = size < CHUNK ? size : CHUNK;
        /* The library does not write there; its field is not const. */
        memcpy(&writer->stream.next_in, &bytes, sizeof bytes);
        writer->stream.avail_in = (unsigned)part;
        while (code == 0 && writer->stream.avail_in != 0)
            code = writer_step(writer, BZ_RUN, &status, error);
        bytes += part;
        size -= part;
    }
    return code;
}

static int writer_finish(struct writer *writer, struct pack_error *error)
{
    int status = BZ_OK;
    int code = 0;
    while (code == 0 && status != BZ_STREAM_END)
        code = writer_step(writer, BZ_FINISH, &status, error);
    return code;
}

static int add_differences(struct writer *writer, const uint8_t *old_bytes,
                           const uint8_t *new_bytes, size_t size, struct pack_error *error)
{
    uint8_t chunk[4096];
    int code = 0;
    for (size_t done = 0; code == 0 && done < size;) {
        const size_t part = size - done < sizeof chunk ? size - done : sizeof chunk;
        for (size_t i = 0; i < part; i++)
            chunk[i] = (uint8_t)(new_bytes[done + i] - old_bytes[done + i]);
        code = writer_add(writer, chunk, part, error);
        done += part;
    }
    return code;
}

struct writers {
    struct writer control, differences, extra;
};

static void writers_end(struct writers *writers)
{
    writer_end(&writers->control);
    writer_end(&writers->differences);
    writer_end(&writers->extra);
}

/* The entry of a cover, and of what lies between it and the next one or the end. */
static int add_entry(struct writers *writers, const struct delta_foreign_job *job,
                     const struct patch_cover *cover, const struct patch_cover *next,
                     struct pack_error *error)
{
    const uint64_t old_end = cover->old_offset + cover->size;
    const uint64_t new_end = cover->new_offset + cover->size;
    const uint64_t gap_end = next != NULL ? next->new_offset : job->new_size;
    uint8_t entry[ENTRY_SIZE];
    put_number(entry, (int64_t)cover->size);
    put_number(entry + 8, (int64_t)(gap_end - new_end));
    put_number(entry + 16, next != NULL ? (int64_t)(next->old_offset - old_end) : 0);
    int code = writer_add(&writers->control, entry, sizeof entry, error);
    if (code == 0)
        code = add_differences(&writers->differences, job->old_bytes + cover->old_offset,
                               job->new_bytes + cover->new_offset, (size_t)cover->size, error);
    if (code == 0)
        code = writer_add(&writers->extra, job->new_bytes + new_end, (size_t)(gap_end - new_end),
                          error);
    return code;
}

static int add_entries(struct writers *writers, const struct delta_foreign_job *job,
                       struct pack_error *error)
{
    /* What comes before the first cover follows an empty one. */
    const struct patch_cover none = {0};
    const struct delta_covers *covers = job->covers;
    size_t next = 0;
    if (covers->count != 0 && covers->list[0].new_offset == 0 && covers->list[0].old_offset == 0)
        next = 1;
    int code = 0;
    for (bool more = job->new_size != 0; code == 0 && more; next++) {
        more = next < covers->count;
        code = add_entry(writers, job, next != 0 ? &covers->list[next - 1] : &none,
                         more ? &covers->list[next] : NULL, error);
        if (code == 0)
            code = pack_check_cancelled(job->context, error);
    }
    return code;
}

static int put_together(const struct writers *writers, size_t new_size, struct pack_buffer *patch,
                        struct pack_error *error)
{
    const struct writer *const order[] = {&writers->control, &writers->differences,
                                          &writers->extra};
    uint8_t header[HEADER_SIZE];
    memcpy(header, magic, sizeof magic);
    put_number(header + 8, (int64_t)writers->control.packed.size);
    put_number(header + 16, (int64_t)writers->differences.packed.size);
    put_number(header + 24, (int64_t)new_size);
    int code = pack_buffer_append(patch, header, sizeof header, error);
    for (size_t i = 0; code == 0 && i < 3; i++)
        code = pack_buffer_append(patch, order[i]->packed.bytes, order[i]->packed.size, error);
    return code;
}

static int bsdiff4_write(const struct delta_foreign_job *job, struct pack_buffer *patch,
                         struct pack_error *error)
{
    struct writers writers PACK_AUTO(writers_end) = {0};
    int code = writer_begin(&writers.control, error);
    if (code == 0)
        code = writer_begin(&writers.differences, error);
    if (code == 0)
        code = writer_begin(&writers.extra, error);
    if (code == 0)
        code = add_entries(&writers, job, error);
    if (code == 0)
        code = writer_finish(&writers.control, error);
    if (code == 0)
        code = writer_finish(&writers.differences, error);
    if (code == 0)
        code = writer_finish(&writers.extra, error);
    return code != 0 ? code : put_together(&writers, job->new_size, patch, error);
}

/* --- applying -------------------------------------------------------------------------------- */

struct readers {
    bz_stream control, differences, extra;
};

static void readers_end(struct readers *readers)
{
    (void)BZ2_bzDecompressEnd(&readers->control);
    (void)BZ2_bzDecompressEnd(&readers->differences);
    (void)BZ2_bzDecompressEnd(&readers->extra);
}

/* One of the three streams, fed to the library in parts: its counters have 32 bits. */
struct section {
    bz_stream *stream;
    const uint8_t *next;
    size_t left;
};

static int section_begin(struct section *section, struct pack_error *error)
{
    const int status = BZ2_bzDecompressInit(section->stream, 0, 0);
    return status != BZ_OK ? bzip2_fault("BZ2_bzDecompressInit", status, error) : 0;
}

/* Exactly `size` bytes; false when there are not so many. */
static bool section_read(struct section *section, uint8_t *bytes, size_t size)
{
    bz_stream *stream = section->stream;
    stream->next_out = (char *)bytes;
    stream->avail_out = (unsigned)size;
    bool moved = true;
    while (moved && stream->avail_out != 0) {
        const size_t part = section->left < CHUNK ? section->left : CHUNK;
        const unsigned wanted = stream->avail_out;
        /* The library does not write there; its field is not const. */
        memcpy(&stream->next_in, &section->next, sizeof section->next);
        stream->avail_in = (unsigned)part;
        const int status = BZ2_bzDecompress(stream);
        const size_t taken = part - stream->avail_in;
        section->next += taken;
        section->left -= taken;
        moved = status == BZ_OK && (taken != 0 || stream->avail_out != wanted);
    }
    return stream->avail_out == 0;
}

/* Whether so many bytes of a section are those of the new image; `old` is NULL for extra bytes. */
static bool section_matches(struct section *section, const uint8_t *new_bytes, const uint8_t *old,
                            size_t size)
{
    uint8_t chunk[4096];
    for (size_t done = 0; done < size;) {
        const size_t part = size - done < sizeof chunk ? size - done : sizeof chunk;
        if (!section_read(section, chunk, part))
            return false;
        for (size_t i = 0; i < part; i++)
            if ((uint8_t)(chunk[i] + (old != NULL ? old[done + i] : 0)) != new_bytes[done + i])
                return false;
        done += part;
    }
    return true;
}

/* Follows the control entries; *done is how much of the new image they gave. */
static bool follow(const struct delta_foreign_job *job, struct section sections[3], uint64_t *done)
{
    int64_t old_place = 0;
    *done = 0;
    while (*done < job->new_size) {
        uint8_t entry[ENTRY_SIZE];
        if (!section_read(&sections[0], entry, sizeof entry))
            return false;
        const int64_t added = get_number(entry), extra = get_number(entry + 8);
        const uint64_t left = job->new_size - *done;
        if (added < 0 || extra < 0 || (uint64_t)added > left ||
            (uint64_t)extra > left - (uint64_t)added)
            return false;
        if (old_place < 0 || (uint64_t)old_place > job->old_size ||
            (uint64_t)added > job->old_size - (uint64_t)old_place)
            return false;
        const uint8_t *new_place = job->new_bytes + *done;
        if (!section_matches(&sections[1], new_place, job->old_bytes + old_place, (size_t)added) ||
            !section_matches(&sections[2], new_place + added, NULL, (size_t)extra))
            return false;
        *done += (uint64_t)added + (uint64_t)extra;
        old_place += added + get_number(entry + 16);
    }
    return true;
}

static int bsdiff4_check(const struct delta_foreign_job *job, const uint8_t *patch, size_t size,
                         struct pack_error *error)
{
    struct readers readers PACK_AUTO(readers_end) = {0};
    if (size < HEADER_SIZE || memcmp(patch, magic, sizeof magic) != 0)
        return delta_foreign_fault(&delta_foreign_bsdiff4, 0, error);
    const size_t control = (size_t)get_number(patch + 8);
    const size_t differences = (size_t)get_number(patch + 16);
    const uint8_t *body = patch + HEADER_SIZE;
    if (control > size - HEADER_SIZE || differences > size - HEADER_SIZE - control ||
        (uint64_t)get_number(patch + 24) != job->new_size)
        return delta_foreign_fault(&delta_foreign_bsdiff4, 0, error);
    struct section sections[3] = {
        {&readers.control, body, control},
        {&readers.differences, body + control, differences},
        {&readers.extra, body + control + differences, size - HEADER_SIZE - control - differences},
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < 3; i++)
        code = section_begin(&sections[i], error);
    uint64_t done = 0;
    if (code == 0 && !follow(job, sections, &done))
        code = delta_foreign_fault(&delta_foreign_bsdiff4, done, error);
    return code;
}

const struct delta_foreign delta_foreign_bsdiff4 = {
    .format = PACK_DELTA_BSDIFF4,
    .name = "bsdiff4",
    .uses_covers = true,
    .cost_cover = 16 * 70, /* an entry of 24 bytes, after bzip2 */
    .cost_miss = 16 * 10,  /* the difference, and a break in a run of zeros */
    .cost_extra = 16 * 6,
    .write = bsdiff4_write,
    .check = bsdiff4_check,
};
