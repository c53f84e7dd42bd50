/* SPDX-License-Identifier: MIT */
#include "formats/archive.h"

#include "base/checked.h"
#include "base/memory.h"
#include "formats/support.h"

#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <locale.h>
#include <stdio.h>

enum { IN_SIZE = 65536 };

#define LIBRARY "libarchive.so.13"

/* --- the library ----------------------------------------------------------------------------- */

/* Every function that is called, by its name in the library and its type in the header. */
#define FUNCTIONS(X)                     \
    X(archive_entry_filetype)            \
    X(archive_entry_hardlink)            \
    X(archive_entry_pathname)            \
    X(archive_entry_size)                \
    X(archive_entry_symlink)             \
    X(archive_error_string)              \
    X(archive_filter_bytes)              \
    X(archive_read_data)                 \
    X(archive_read_free)                 \
    X(archive_read_new)                  \
    X(archive_read_next_header)          \
    X(archive_read_open1)                \
    X(archive_read_set_callback_data)    \
    X(archive_read_set_read_callback)    \
    X(archive_read_set_seek_callback)    \
    X(archive_read_set_skip_callback)    \
    X(archive_read_support_filter_bzip2) \
    X(archive_read_support_filter_lz4)   \
    X(archive_read_support_format_ar)    \
    X(archive_read_support_format_cab)   \
    X(archive_read_support_format_raw)   \
    X(archive_read_support_format_tar)   \
    X(archive_read_support_format_zip)

struct functions {
#define MEMBER(name) __typeof__(name) *name;
    FUNCTIONS(MEMBER)
#undef MEMBER
};

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define ENTRY(name) {#name, offsetof(struct functions, name)},
    FUNCTIONS(ENTRY)
#undef ENTRY
};

/*
 * One archive being read. Names in archives are UTF-8, which libarchive turns into the locale's
 * characters, so that it works in a locale of its own.
 */
struct reader {
    void *library;
    struct functions call;
    locale_t locale, previous;
    struct archive *archive;
    struct pack_input *input;
    uint64_t position;
    struct pack_error error; /* of the input */
    uint8_t bytes[IN_SIZE];
};

static bool load_functions(struct reader *reader)
{
    for (size_t i = 0; i < COUNT(functions); i++) {
        void *address = dlsym(reader->library, functions[i].name);
        if (address == NULL)
            return false;
        memcpy((char *)&reader->call + functions[i].offset, &address, sizeof address);
    }
    return true;
}

static void reader_free(struct reader **address)
{
    struct reader *reader = *address;
    if (reader == NULL)
        return;
    if (reader->archive != NULL)
        reader->call.archive_read_free(reader->archive);
    if (reader->previous != NULL)
        uselocale(reader->previous);
    if (reader->locale != NULL)
        freelocale(reader->locale);
    if (reader->library != NULL)
        dlclose(reader->library);
    free(reader);
    *address = NULL;
}

/* *reader stays NULL where the library is not there. */
static int reader_new(struct reader **reader, struct pack_input *input, struct pack_error *error)
{
    PACK_AUTO(reader_free) struct reader *made = NULL;
    const int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    made->input = input;
    made->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (made->library == NULL || !load_functions(made))
        return 0;
    made->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (made->locale != NULL)
        made->previous = uselocale(made->locale);
    made->archive = made->call.archive_read_new();
    if (made->archive == NULL)
        return pack_fail_memory(error);
    *reader = pack_steal(&made);
    return 0;
}

/* --- its callbacks --------------------------------------------------------------------------- */

static la_ssize_t on_read(struct archive *archive, void *user, const void **bytes)
{
    struct reader *reader = user;
    size_t got = 0;
    (void)archive;
    if (pack_input_read(reader->input, reader->position, reader->bytes, IN_SIZE, &got,
                        &reader->error) != 0)
        return -1;
    reader->position += got;
    *bytes = reader->bytes;
    return (la_ssize_t)got;
}

static la_int64_t on_skip(struct archive *archive, void *user, la_int64_t wanted)
{
    struct reader *reader = user;
    (void)archive;
    const uint64_t left = reader->input->size - pack_min(reader->position, reader->input->size);
    const uint64_t skipped = wanted > 0 ? pack_min((uint64_t)wanted, left) : 0;
    reader->position += skipped;
    return (la_int64_t)skipped;
}

static la_int64_t on_seek(struct archive *archive, void *user, la_int64_t offset, int whence)
{
    struct reader *reader = user;
    int64_t target = 0;
    (void)archive;
    const uint64_t base = whence == SEEK_SET   ? 0
                          : whence == SEEK_END ? reader->input->size
                                               : reader->position;
    if (base > INT64_MAX || __builtin_add_overflow((int64_t)base, offset, &target) || target < 0)
        return ARCHIVE_FATAL;
    reader->position = (uint64_t)target;
    return target;
}

/* --- reading --------------------------------------------------------------------------------- */

static int fail_archive(struct reader *reader, struct pack_error *error)
{
    if (reader->error.code != PACK_OK) {
        *error = reader->error;
        return (int)error->code;
    }
    const char *text = reader->call.archive_error_string(reader->archive);
    return fwpack_malformed(error, reader->position, "%s",
                            text != NULL ? text : "the archive is damaged");
}

static int reader_open(struct reader *reader, int (*support)(struct archive *),
                       struct pack_error *error)
{
    const struct functions *call = &reader->call;
    struct archive *archive = reader->archive;
    if (support(archive) != ARCHIVE_OK ||
        call->archive_read_set_read_callback(archive, on_read) != ARCHIVE_OK ||
        call->archive_read_set_skip_callback(archive, on_skip) != ARCHIVE_OK ||
        call->archive_read_set_seek_callback(archive, on_seek) != ARCHIVE_OK ||
        call->archive_read_set_callback_data(archive, reader) != ARCHIVE_OK ||
        call->archive_read_open1(archive) != ARCHIVE_OK)
        return fail_archive(reader, error);
    return 0;
}

const struct word fwpack_file_types[] = {
    {AE_IFREG, "file"},          {AE_IFDIR, "folder"},
    {AE_IFLNK, "symbolic link"}, {AE_IFCHR, "char device"},
    {AE_IFBLK, "block device"},  {AE_IFIFO, "FIFO"},
    {AE_IFSOCK, "socket"},       {0, NULL},
};

static void describe_entry(const struct reader *reader, struct pack_facts *facts,
                           struct archive_entry *entry)
{
    const struct functions *call = &reader->call;
    const char *name = call->archive_entry_pathname(entry);
    const char *hard = call->archive_entry_hardlink(entry);
    const char *symbolic = call->archive_entry_symlink(entry);
    const unsigned type = (unsigned)call->archive_entry_filetype(entry);
    const la_int64_t size = call->archive_entry_size(entry);
    pack_facts_begin(facts, "members");
    pack_fact_text(facts, "name", name != NULL ? name : "");
    if (hard != NULL)
        pack_fact_text(facts, "hard_link_to", hard);
    else if (type != 0)
        fwpack_fact_word(facts, "type", fwpack_file_types, type);
    if (symbolic != NULL)
        pack_fact_text(facts, "to", symbolic);
    if (type == AE_IFREG && hard == NULL)
        pack_fact_number(facts, "size", size > 0 ? (uint64_t)size : 0);
    pack_facts_end(facts);
}

static int describe_members(struct reader *reader, struct pack_facts *facts,
                            struct pack_error *error)
{
    struct archive_entry *entry = NULL;
    for (unsigned count = 0;; count++) {
        const int result = reader->call.archive_read_next_header(reader->archive, &entry);
        if (result == ARCHIVE_EOF)
            return 0;
        if (result != ARCHIVE_OK)
            return fail_archive(reader, error);
        if (count == ARCHIVE_MAX_MEMBERS)
            return pack_fail(error, PACK_E_LIMIT, "more than %d members", ARCHIVE_MAX_MEMBERS);
        describe_entry(reader, facts, entry);
    }
}

/* Whether there is anything but zeros from `offset` to the end of the file. */
static int find_data(struct pack_input *input, uint64_t offset, bool *found,
                     struct pack_error *error)
{
    uint8_t piece[4096];
    size_t got = sizeof piece;
    for (; got == sizeof piece && !*found; offset += got) {
        const int code = pack_input_read(input, offset, piece, sizeof piece, &got, error);
        if (code != 0)
            return code;
        for (size_t i = 0; i < got; i++)
            *found |= piece[i] != 0;
    }
    return 0;
}

/* A tar may be filled up with zeros, but what else follows its end is seen by some readers. */
static int tell_trailing(struct reader *reader, struct pack_facts *facts, struct pack_error *error)
{
    const la_int64_t end = reader->call.archive_filter_bytes(reader->archive, 0);
    bool found = false;
    if (end < 0 || (uint64_t)end >= reader->input->size)
        return 0;
    const int code = find_data(reader->input, (uint64_t)end, &found, error);
    if (code == 0 && found)
        pack_fact_number(facts, "trailing_bytes", reader->input->size - (uint64_t)end);
    return code;
}

int fwpack_archive_describe(struct pack_facts *facts, struct pack_input *input,
                            enum archive_kind kind, struct pack_error *error)
{
    PACK_AUTO(reader_free) struct reader *reader = NULL;
    int code = reader_new(&reader, input, error);
    if (code != 0)
        return code;
    if (reader == NULL) {
        pack_fact_text(facts, "content", "not listed: " LIBRARY " is not installed");
        return 0;
    }
    const struct functions *call = &reader->call;
    int (*const formats[ARCHIVE_KINDS])(struct archive *) = {
        [ARCHIVE_TAR] = call->archive_read_support_format_tar,
        [ARCHIVE_CAB] = call->archive_read_support_format_cab,
        [ARCHIVE_ZIP] = call->archive_read_support_format_zip,
        [ARCHIVE_AR] = call->archive_read_support_format_ar,
    };
    code = reader_open(reader, formats[kind], error);
    if (code == 0)
        code = describe_members(reader, facts, error);
    return code == 0 && kind == ARCHIVE_TAR ? tell_trailing(reader, facts, error) : code;
}

static int peek(struct reader *reader, struct pack_facts *facts, struct pack_error *error)
{
    struct archive_entry *entry = NULL;
    PACK_AUTO_FREE uint8_t *head = NULL;
    const int code = pack_allocate(&head, PACK_PROBE_SIZE, 1, error);
    if (code != 0)
        return code;
    if (reader->call.archive_read_next_header(reader->archive, &entry) != ARCHIVE_OK)
        return fail_archive(reader, error);
    const la_ssize_t size = reader->call.archive_read_data(reader->archive, head, PACK_PROBE_SIZE);
    if (size < 0)
        return fail_archive(reader, error);
    fwpack_fact_inside(facts, head, (size_t)size, UINT64_MAX);
    return 0;
}

int fwpack_archive_peek(struct pack_facts *facts, struct pack_input *input,
                        enum archive_wrapping wrapping, struct pack_error *error)
{
    PACK_AUTO(reader_free) struct reader *reader = NULL;
    int code = reader_new(&reader, input, error);
    if (code != 0 || reader == NULL)
        return code;
    int (*const filters[ARCHIVE_WRAPPINGS])(struct archive *) = {
        [ARCHIVE_BZIP2] = reader->call.archive_read_support_filter_bzip2,
        [ARCHIVE_LZ4] = reader->call.archive_read_support_filter_lz4,
    };
    /* Anything but OK is a library that would start another program for it. */
    if (filters[wrapping](reader->archive) != ARCHIVE_OK)
        return 0;
    code = reader_open(reader, reader->call.archive_read_support_format_raw, error);
    return code == 0 ? peek(reader, facts, error) : code;
}
