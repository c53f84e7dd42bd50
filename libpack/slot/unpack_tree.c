/* SPDX-License-Identifier: MIT */
#include "slot/unpack_tree.h"

#include "base/memory.h"

#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the library ----------------------------------------------------------------------------- */

enum { END_SIZE = 1024 };

#define LIBRARY "libarchive.so.13"

/* Every function that is called, by its name in the library and its type in the header. */
#define FUNCTIONS(X)                   \
    X(archive_entry_filetype)          \
    X(archive_entry_hardlink)          \
    X(archive_entry_pathname)          \
    X(archive_entry_symlink)           \
    X(archive_errno)                   \
    X(archive_error_string)            \
    X(archive_filter_bytes)            \
    X(archive_read_extract2)           \
    X(archive_read_free)               \
    X(archive_read_new)                \
    X(archive_read_next_header)        \
    X(archive_read_open)               \
    X(archive_read_support_format_tar) \
    X(archive_write_close)             \
    X(archive_write_disk_new)          \
    X(archive_write_disk_set_options)  \
    X(archive_write_free)

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

struct unpacking {
    void *library;
    struct functions call;
    locale_t locale; /* names are UTF-8, whatever the locale is */
    struct archive *archive, *disk;
    unpack_source_fn source;
    void *user;
    bool absolute_links;  /* symbolic ones are made as they are; none is ever followed */
    const uint8_t *piece; /* the last one */
    size_t piece_size;
    uint64_t position;       /* bytes that were handed over, that piece included */
    uint64_t zeros;          /* at the end of what was handed over */
    struct pack_error error; /* of the source */
};

void unpack_free(struct unpacking **address)
{
    struct unpacking *unpacking = *address;
    if (unpacking == NULL)
        return;
    if (unpacking->disk != NULL)
        unpacking->call.archive_write_free(unpacking->disk);
    if (unpacking->archive != NULL)
        unpacking->call.archive_read_free(unpacking->archive);
    if (unpacking->locale != NULL)
        freelocale(unpacking->locale);
    if (unpacking->library != NULL)
        dlclose(unpacking->library);
    free(unpacking);
    *address = NULL;
}

static int load(struct unpacking *unpacking, struct pack_error *error)
{
    unpacking->library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    bool good = unpacking->library != NULL;
    for (size_t i = 0; good && i < sizeof functions / sizeof *functions; i++) {
        void *address = dlsym(unpacking->library, functions[i].name);
        memcpy((char *)&unpacking->call + functions[i].offset, &address, sizeof address);
        good = address != NULL;
    }
    if (good)
        return 0;
    const char *why = dlerror();
    pack_fail(error, PACK_E_UNSUPPORTED, "file trees need a library that cannot be loaded: %s",
              why != NULL ? why : LIBRARY);
    return pack_hint(error, "install libarchive");
}

int unpack_new(struct unpacking **unpacking, unpack_source_fn source, void *user,
               bool absolute_links, struct pack_error *error)
{
    PACK_AUTO(unpack_free) struct unpacking *made = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = load(made, error);
    if (code != 0)
        return code;
    made->source = source;
    made->user = user;
    made->absolute_links = absolute_links;
    made->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    made->archive = made->call.archive_read_new();
    made->disk = made->call.archive_write_disk_new();
    if (made->archive == NULL || made->disk == NULL)
        return pack_fail_memory(error);
    *unpacking = pack_steal(&made);
    return 0;
}

/* --- reading --------------------------------------------------------------------------------- */

static void count_zeros(struct unpacking *unpacking)
{
    size_t size = unpacking->piece_size;
    while (size > 0 && unpacking->piece[size - 1] == 0)
        size--;
    unpacking->zeros = unpacking->piece_size - size + (size == 0 ? unpacking->zeros : 0);
}

static int next_piece(struct unpacking *unpacking, struct pack_error *error)
{
    const void *bytes = NULL;
    const int code = unpacking->source(unpacking->user, &bytes, &unpacking->piece_size, error);
    unpacking->piece = bytes;
    if (code != 0)
        return code;
    unpacking->position += unpacking->piece_size;
    count_zeros(unpacking);
    return 0;
}

static la_ssize_t on_read(struct archive *archive, void *user, const void **bytes)
{
    struct unpacking *unpacking = user;
    (void)archive;
    if (next_piece(unpacking, &unpacking->error) != 0)
        return -1;
    *bytes = unpacking->piece;
    return (la_ssize_t)unpacking->piece_size;
}

/* The source's failure, one of writing, or that the archive is wrong: in this order. */
static int fail_archive(struct unpacking *unpacking, struct archive *archive, const char *member,
                        struct pack_error *error)
{
    static const int of_writing[] = {ENOSPC, EDQUOT, EIO, EROFS, EACCES, EPERM, EFBIG, ENOMEM};
    const int number = unpacking->call.archive_errno(archive);
    const char *text = unpacking->call.archive_error_string(archive);
    if (unpacking->error.code != PACK_OK) {
        *error = unpacking->error;
        return (int)error->code;
    }
    pack_fail(error, PACK_E_MALFORMED, "%s", text != NULL ? text : "the archive is damaged");
    for (size_t i = 0; i < sizeof of_writing / sizeof *of_writing; i++)
        if (number == of_writing[i])
            pack_fail_errno(error, number, "cannot be written");
    return pack_at_member(error, member);
}

/*
 * Readers differ in what they see behind the end, so nothing but zeros may stand there; and a tar
 * without its end, two blocks of zeros, was cut off before it was signed.
 */
static int check_rest(struct unpacking *unpacking, struct pack_error *error)
{
    const la_int64_t end = unpacking->call.archive_filter_bytes(unpacking->archive, 0);
    const uint64_t left = unpacking->position - (uint64_t)end;
    size_t from = left < unpacking->piece_size ? unpacking->piece_size - (size_t)left : 0;
    int code = 0;
    while (code == 0 && unpacking->piece_size > 0) {
        for (size_t i = from; i < unpacking->piece_size; i++)
            if (unpacking->piece[i] != 0)
                return pack_fail(error, PACK_E_MALFORMED, "more follows the end of the tar");
        from = 0;
        code = next_piece(unpacking, error);
    }
    if (code == 0 && unpacking->zeros < END_SIZE)
        code = pack_fail(error, PACK_E_MALFORMED, "the end of the tar is missing");
    return code;
}

/* --- what may be made ------------------------------------------------------------------------ */

/*
 * Whether a path, which begins `depth` folders below the top, leads above it. Names of members have
 * no "..", so these folders are no links.
 */
static bool leads_out(const char *path, unsigned depth, bool back_allowed)
{
    if (*path == '/')
        return true;
    while (*path != '\0') {
        const size_t size = strcspn(path, "/");
        if (size == 2 && memcmp(path, "..", 2) == 0) {
            if (!back_allowed || depth == 0)
                return true;
            depth--;
        } else if (size > 0 && !(size == 1 && *path == '.')) {
            depth++;
        }
        path += size + strspn(path + size, "/");
    }
    return false;
}

/* Folders that `name` lies in. */
static unsigned depth_of(const char *name)
{
    unsigned depth = 0;
    for (;;) {
        const size_t size = strcspn(name, "/");
        const char *next = name + size + strspn(name + size, "/");
        if (*next == '\0')
            return depth;
        depth += !(size == 1 && *name == '.');
        name = next;
    }
}

/* libarchive would replace what stands in the way; only a folder may come again. */
static int check_place(const char *name, bool folder, struct pack_error *error)
{
    struct stat status;
    if (fstatat(AT_FDCWD, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return folder && S_ISDIR(status.st_mode)
                   ? 0
                   : pack_fail(error, PACK_E_MALFORMED, "is there twice");
    if (errno == ENOENT)
        return 0;
    if (errno == ENOTDIR)
        return pack_fail(error, PACK_E_MALFORMED, "lies below what is no folder");
    return pack_fail_errno(error, errno, "cannot look for it");
}

static int check_symbolic(const struct unpacking *unpacking, const char *name, const char *link,
                          struct pack_error *error)
{
    const bool absolute = link != NULL && *link == '/';
    if (link != NULL &&
        (absolute ? unpacking->absolute_links : !leads_out(link, depth_of(name), true)))
        return 0;
    pack_fail(error, PACK_E_MALFORMED, "a symbolic link to %s, out of the tree",
              link != NULL ? link : "nothing");
    return absolute ? pack_hint(error, "'absolute-links: true' beside 'directory' in device.yaml "
                                       "keeps such links")
                    : (int)error->code;
}

static int check_entry(const struct unpacking *unpacking, struct archive_entry *entry,
                       struct pack_error *error)
{
    const char *name = unpacking->call.archive_entry_pathname(entry);
    const char *hard = unpacking->call.archive_entry_hardlink(entry);
    const char *symbolic = unpacking->call.archive_entry_symlink(entry);
    const unsigned type = unpacking->call.archive_entry_filetype(entry);
    if (name == NULL || *name == '\0')
        return pack_fail(error, PACK_E_MALFORMED, "a member has no name that could be read");
    if (leads_out(name, 0, false))
        return pack_fail(error, PACK_E_MALFORMED, "the member's name leads out of the tree");
    if (hard != NULL && leads_out(hard, 0, false))
        return pack_fail(error, PACK_E_MALFORMED, "a hard link to %s, out of the tree", hard);
    if (hard == NULL && type == AE_IFLNK && check_symbolic(unpacking, name, symbolic, error) != 0)
        return (int)error->code;
    if (hard == NULL && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
        return pack_fail(error, PACK_E_MALFORMED,
                         "is neither a file nor a folder nor a symbolic link");
    return check_place(name, hard == NULL && type == AE_IFDIR, error);
}

/*
 * Folders that no member names, which libarchive would make as the umask says: 0755, on each
 * device. Where something else stands in the way, libarchive says so.
 */
static int make_parents(const char *name, struct pack_error *error)
{
    char folder[PATH_MAX];
    struct stat status;
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const size_t size = (size_t)(slash - name);
        if (size == 0 || size >= sizeof folder || slash[strspn(slash, "/")] == '\0')
            continue; /* the last name is the member's own */
        memcpy(folder, name, size);
        folder[size] = '\0';
        if (fstatat(AT_FDCWD, folder, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            if (!S_ISDIR(status.st_mode))
                return 0;
        } else if (mkdir(folder, 0755) != 0 || chmod(folder, 0755) != 0) {
            return pack_fail_errno(error, errno, "cannot make a folder for it");
        }
    }
    return 0;
}

/* Anything but OK is a failure: warnings are of damage that others see in another way. */
static int unpack_entries(struct unpacking *unpacking, struct pack_error *error)
{
    const struct functions *call = &unpacking->call;
    for (bool any = false;; any = true) {
        struct archive_entry *entry = NULL;
        const int result = call->archive_read_next_header(unpacking->archive, &entry);
        if (result == ARCHIVE_EOF && !any)
            return pack_fail(error, PACK_E_MALFORMED, "the tar has no members");
        if (result == ARCHIVE_EOF)
            return 0;
        if (result != ARCHIVE_OK)
            return fail_archive(unpacking, unpacking->archive, "", error);
        const char *name = call->archive_entry_pathname(entry);
        if (check_entry(unpacking, entry, error) != 0 || make_parents(name, error) != 0)
            return pack_at_member(error, name != NULL ? name : "");
        if (call->archive_read_extract2(unpacking->archive, entry, unpacking->disk) != ARCHIVE_OK)
            return fail_archive(unpacking, unpacking->archive, name, error);
    }
}

static int prepare(struct unpacking *unpacking, struct pack_error *error)
{
    const int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_ACL |
                      ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
                      ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
                      (geteuid() == 0 ? ARCHIVE_EXTRACT_OWNER : 0);
    const struct functions *call = &unpacking->call;
    if (call->archive_write_disk_set_options(unpacking->disk, flags) != ARCHIVE_OK)
        return fail_archive(unpacking, unpacking->disk, "", error);
    if (call->archive_read_support_format_tar(unpacking->archive) != ARCHIVE_OK ||
        call->archive_read_open(unpacking->archive, unpacking, NULL, on_read, NULL) != ARCHIVE_OK)
        return fail_archive(unpacking, unpacking->archive, "", error);
    return 0;
}

static int run(struct unpacking *unpacking, struct pack_error *error)
{
    int code = prepare(unpacking, error);
    if (code == 0)
        code = unpack_entries(unpacking, error);
    if (code == 0)
        code = check_rest(unpacking, error);
    /* Folders get their modes and times last. */
    if (code == 0 && unpacking->call.archive_write_close(unpacking->disk) != ARCHIVE_OK)
        code = fail_archive(unpacking, unpacking->disk, "", error);
    return code;
}

int unpack_run(struct unpacking *unpacking, struct pack_error *error)
{
    const locale_t previous = unpacking->locale != NULL ? uselocale(unpacking->locale) : NULL;
    const int code = run(unpacking, error);
    if (previous != NULL)
        uselocale(previous);
    return code;
}
