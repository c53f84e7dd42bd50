/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "boot/lines.h"
#include "boot/types.h"
#include "io/file.h"

#include <stdio.h>
#include <string.h>

enum {
    MAX_TRIES = 99,
    REQUIRED = LINES_STATE | LINE_BIT(LINE_RUNNING) | LINE_BIT(LINE_STARTS),
};

#define DEFAULT_NAME "boot" /* in the state folder */

struct boot_file {
    struct boot boot;
    char *folder;
    const char *name; /* the device's, or the default */
};

static void file_close(struct boot **boot)
{
    struct boot_file *file = (struct boot_file *)*boot;
    free(file->folder);
    free(file);
    *boot = NULL;
}

static int file_open(struct boot **boot, const struct pack_device *device, struct storage *storage,
                     struct pack_error *error)
{
    struct boot_file *file = NULL;
    const char *path = device->boot.file;
    int code = pack_allocate(&file, 1, sizeof *file, error);
    if (code != 0)
        return code;
    *boot = &file->boot;
    (void)storage;
    if (path == NULL) {
        file->name = DEFAULT_NAME;
        return pack_copy_string(&file->folder, device->state, error);
    }
    const char *slash = strrchr(path, '/');
    file->name = slash == NULL ? path : slash + 1;
    return pack_folder_of(&file->folder, path, error);
}

/* A device that never started by it: A, and nothing known of B. */
static int load(struct boot *boot, struct boot_lines *lines, struct pack_error *error)
{
    const struct boot_file *file = (const struct boot_file *)boot;
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    enum storage_record_state state = STORAGE_RECORD_ABSENT;
    *lines = (struct boot_lines){.present = REQUIRED};
    int code = storage_record_load(boot->storage, file->folder, file->name, false, BOOT_LINES_LIMIT,
                                   &bytes, &size, &state, error);
    if (code == PACK_E_STATE)
        return pack_hint(error,
                         "without both copies set A starts: where that is right, remove them");
    if (code != 0 || state == STORAGE_RECORD_ABSENT)
        return code;
    code = boot_lines_parse(lines, bytes, size, REQUIRED, error);
    return code == 0 ? 0 : pack_context(error, "the boot state '%s'", file->name);
}

static int save(struct boot *boot, const struct boot_lines *lines, struct pack_error *error)
{
    const struct boot_file *file = (const struct boot_file *)boot;
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = BOOT_LINES_LIMIT};
    const int code = boot_lines_print(&text, lines, error);
    return code != 0 ? code
                     : storage_record_save(boot->storage, file->folder, file->name, text.bytes,
                                           text.size, error);
}

static int file_read(struct boot *boot, struct boot_state *state, struct pack_error *error)
{
    struct boot_lines lines;
    const int code = load(boot, &lines, error);
    if (code == 0)
        *state = lines.state;
    return code;
}

static int file_write(struct boot *boot, const struct boot_state *state, struct pack_error *error)
{
    struct boot_lines lines;
    const int code = load(boot, &lines, error);
    if (code != 0)
        return code;
    lines.state = *state;
    return save(boot, &lines, error);
}

static int file_running(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    struct boot_lines lines;
    const int code = load(boot, &lines, error);
    if (code == 0)
        *set = lines.running;
    return code;
}

static int file_next(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    struct boot_lines lines;
    int code = load(boot, &lines, error);
    if (code != 0)
        return code;
    struct boot_state *state = &lines.state;
    const bool tries = state->trial && state->tries > 0;
    lines.running = tries ? pack_set_other(state->primary) : state->primary;
    if (tries)
        state->tries--;
    lines.starts++;
    code = save(boot, &lines, error);
    if (code == 0)
        *set = lines.running;
    return code;
}

static int file_session(struct boot *boot, char text[64], struct pack_error *error)
{
    struct boot_lines lines;
    const int code = load(boot, &lines, error);
    if (code == 0)
        snprintf(text, 64, "start-%llu", (unsigned long long)lines.starts);
    return code;
}

const struct boot_type boot_type_file = {
    .name = "file",
    .summary = "a record in a folder, for whoever starts a set and asks fwpack which",
    .max_tries = MAX_TRIES,
    .falls_back = true,
    .open = file_open,
    .read = file_read,
    .write = file_write,
    .running = file_running,
    .next = file_next,
    .session = file_session,
    .close = file_close,
};
