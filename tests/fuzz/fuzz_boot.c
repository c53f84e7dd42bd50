/* SPDX-License-Identifier: MIT */
/*
 * What bootloaders and the kernel leave for us. The first byte says whose: GRUB's block,
 * autoboot.txt, EFI's BootOrder, the lines of a state, or /proc/cmdline and mountinfo. A state that
 * was read can be written, and is read again.
 */
#include "boot/boot.h"

#include "base/memory.h"
#include "boot/lines.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* --- a storage in memory --------------------------------------------------------------------- */

enum { FILES = 8, FILE_LIMIT = 64 * 1024 };

struct memory_file {
    struct storage_file file;
    char path[128];
    bool there;
    size_t size;
    uint8_t *bytes;
};

struct memory {
    struct storage storage;
    struct memory_file files[FILES];
};

static struct memory_file *find(struct storage *storage, const char *path, bool make)
{
    struct memory *memory = (struct memory *)storage;
    struct memory_file *place = NULL;
    for (size_t i = 0; i < FILES; i++) {
        if (memory->files[i].there && strcmp(memory->files[i].path, path) == 0)
            return &memory->files[i];
        if (!memory->files[i].there && place == NULL)
            place = &memory->files[i];
    }
    if (!make || place == NULL)
        return NULL;
    place->there = true;
    place->size = 0;
    snprintf(place->path, sizeof place->path, "%s", path);
    return place;
}

static int memory_open(struct storage *storage, const char *path, unsigned mode,
                       struct storage_file **file, struct pack_error *error)
{
    struct memory_file *found = find(storage, path, (mode & STORAGE_CREATE) != 0);
    if (found == NULL)
        return pack_fail(error, PACK_E_NOT_FOUND, "no such file");
    if ((mode & STORAGE_EMPTY) != 0)
        found->size = 0;
    found->file.ops = storage->ops;
    found->file.path = found->path;
    *file = &found->file;
    return 0;
}

static int memory_read_at(struct storage_file *file, uint64_t offset, void *buffer, size_t size,
                          size_t *got, struct pack_error *error)
{
    const struct memory_file *found = (const struct memory_file *)file;
    (void)error;
    *got = 0;
    if (offset < found->size) {
        *got = size < found->size - offset ? size : found->size - (size_t)offset;
        memcpy(buffer, found->bytes + offset, *got);
    }
    return 0;
}

static int memory_write_at(struct storage_file *file, uint64_t offset, const void *bytes,
                           size_t size, struct pack_error *error)
{
    struct memory_file *found = (struct memory_file *)file;
    (void)error;
    check(offset + size <= FILE_LIMIT);
    memcpy(found->bytes + offset, bytes, size);
    found->size = found->size < offset + size ? (size_t)offset + size : found->size;
    return 0;
}

static int memory_resize(struct storage_file *file, uint64_t size, struct pack_error *error)
{
    struct memory_file *found = (struct memory_file *)file;
    (void)error;
    check(size <= FILE_LIMIT);
    found->size = (size_t)size;
    return 0;
}

static int memory_flush(struct storage_file *file, struct pack_error *error)
{
    (void)file;
    (void)error;
    return 0;
}

static int memory_size(struct storage_file *file, uint64_t *size, struct pack_error *error)
{
    (void)error;
    *size = ((const struct memory_file *)file)->size;
    return 0;
}

static int memory_descriptor(const struct storage_file *file)
{
    (void)file;
    return -1;
}

static int memory_rename(struct storage *storage, const char *from, const char *to,
                         struct pack_error *error)
{
    struct memory_file *source = find(storage, from, false), *target = find(storage, to, true);
    (void)error;
    check(source != NULL && target != NULL);
    memcpy(target->bytes, source->bytes, source->size);
    target->size = source->size;
    source->there = false;
    return 0;
}

static int memory_remove(struct storage *storage, const char *path, struct pack_error *error)
{
    struct memory_file *found = find(storage, path, false);
    (void)error;
    if (found != NULL)
        found->there = false;
    return 0;
}

static int memory_flush_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    (void)storage;
    (void)path;
    (void)error;
    return 0;
}

/* Nothing of it is a file of the system. */
static int memory_locate(struct storage *storage, const char *path, char *text, size_t capacity,
                         struct pack_error *error)
{
    (void)storage;
    (void)path;
    (void)error;
    snprintf(text, capacity, "/dev/null/none");
    return 0;
}

static const struct storage_ops memory_ops = {
    .open = memory_open,
    .read_at = memory_read_at,
    .write_at = memory_write_at,
    .resize = memory_resize,
    .flush = memory_flush,
    .size = memory_size,
    .descriptor = memory_descriptor,
    .close = memory_flush,
    .rename = memory_rename,
    .remove = memory_remove,
    .flush_folder = memory_flush_folder,
    .locate = memory_locate,
};

static void put(struct memory *memory, const char *path, const void *bytes, size_t size)
{
    struct memory_file *file = find(&memory->storage, path, true);
    file->size = size < FILE_LIMIT ? size : FILE_LIMIT;
    if (size != 0)
        memcpy(file->bytes, bytes, file->size);
}

/* --- bootloaders ----------------------------------------------------------------------------- */

static const char *const labels[PACK_SETS] = {"kernel-a", "kernel-b"};

static const struct {
    struct pack_device_boot boot;
    const char *path; /* of what is fuzzed */
} loaders[] = {
    {{.type = "grub", .file = "/env"}, "/env"},
    {{.type = "raspberrypi", .file = "/boot"}, "/boot/autoboot.txt"},
    {{.type = "efi", .file = "/efi", .entries = {"Boot0001", "Boot0002"}},
     "/efi/BootOrder-8be4df61-93ca-11d2-aa0d-00e098032b8c"},
};
enum { LOADERS = sizeof loaders / sizeof loaders[0] };

static void try_loader(struct memory *memory, size_t which, const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    const struct pack_device device = {.boot = loaders[which].boot};
    struct boot *boot = NULL;
    struct boot_state state;
    put(memory, "/proc/sys/kernel/random/boot_id", "11111111-0\n", 11);
    put(memory, loaders[which].path, data, size);
    if (boot_open(&boot, &device, &memory->storage, &error) != 0)
        return;
    int code = boot_read(boot, &state, &error);
    check(code == 0 || error.text[0] != '\0');
    if (code == 0)
        code = boot_write(boot, &state, &error);
    check(code != PACK_E_IO && code != PACK_E_INTERNAL);
    boot_close(&boot);
}

/* --- others ---------------------------------------------------------------------------------- */

static void try_lines(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct boot_lines lines, again;
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = BOOT_LINES_LIMIT};
    if (boot_lines_parse(&lines, data, size, LINES_STATE, &error) != 0) {
        check(error.text[0] != '\0');
        return;
    }
    if (boot_lines_print(&text, &lines, &error) != 0)
        return;
    check(boot_lines_parse(&again, text.bytes, text.size, LINES_STATE, &error) == 0);
    check(again.present == lines.present && again.state.primary == lines.state.primary &&
          again.state.tries == lines.state.tries && again.starts == lines.starts &&
          strcmp(again.session, lines.session) == 0);
}

/* A line feed ends the command line, and the rest are mounts. */
static void try_running(struct memory *memory, const uint8_t *data, size_t size)
{
    const struct pack_device_slot slots[] = {
        {.redundant = true,
         .targets = {{.kind = PACK_TARGET_PARTITION, .label = labels[PACK_SET_A]},
                     {.kind = PACK_TARGET_PARTITION, .label = labels[PACK_SET_B]}}},
        {.redundant = true,
         .targets = {{.kind = PACK_TARGET_UBI, .path = "/dev/ubi0:a"},
                     {.kind = PACK_TARGET_MTD, .path = "/dev/mtd4"}}},
    };
    const struct pack_device device = {
        .boot = {.type = "grub", .file = "/env"}, .slots = slots, .slot_count = 2};
    struct pack_error error = {0};
    const uint8_t *end = size != 0 ? memchr(data, '\n', size) : NULL;
    const size_t first = end != NULL ? (size_t)(end - data) : size;
    struct boot *boot = NULL;
    enum pack_set set = PACK_SETS;
    put(memory, "/proc/cmdline", data, first);
    put(memory, "/proc/self/mountinfo", data + first, size - first);
    if (boot_open(&boot, &device, &memory->storage, &error) != 0)
        return;
    const int code = boot_running(boot, &set, &error);
    check(code == 0 ? set < PACK_SETS : error.text[0] != '\0');
    boot_close(&boot);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FILES][FILE_LIMIT];
    struct memory memory = {.storage = {.ops = &memory_ops}};
    for (size_t i = 0; i < FILES; i++)
        memory.files[i].bytes = bytes[i];
    if (size == 0)
        return 0;
    const size_t which = data[0] % (LOADERS + 2);
    if (which < LOADERS)
        try_loader(&memory, which, data + 1, size - 1);
    else if (which == LOADERS)
        try_lines(data + 1, size - 1);
    else
        try_running(&memory, data + 1, size - 1);
    return 0;
}
