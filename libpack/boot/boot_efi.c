/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/memory.h"
#include "boot/defaults.h"
#include "boot/types.h"

#include <errno.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

/* UEFI 2.10, 3.3: globally defined variables, as Linux shows them in efivarfs. */
#define DEFAULT_FOLDER "/sys/firmware/efi/efivars"
#define GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define OURS "b7a0bd2c-6a6e-4d5f-9c1b-0b4d1f6f7e31"

enum {
    ATTRIBUTES_SIZE = 4,
    ATTRIBUTES = 7, /* not volatile, and seen by boot services and at run time */
    MAX_ENTRIES = 256,
    MAX_VARIABLE = ATTRIBUTES_SIZE + 2 * MAX_ENTRIES,
};

/*
 * FwpackTrial is the entry whose trial was begun, and stays when the firmware took BootNext away:
 * so a trial that was used up is known from one that never was.
 */
enum variable { BOOT_ORDER, BOOT_NEXT, BOOT_CURRENT, TRIAL, VARIABLES };
static const char *const names[VARIABLES] = {
    [BOOT_ORDER] = "BootOrder-" GLOBAL,
    [BOOT_NEXT] = "BootNext-" GLOBAL,
    [BOOT_CURRENT] = "BootCurrent-" GLOBAL,
    [TRIAL] = "FwpackTrial-" OURS,
};

struct entries {
    bool set; /* the variable is there */
    size_t count;
    uint16_t numbers[MAX_ENTRIES];
};

struct boot_efi {
    struct boot boot;
    const char *folder;
    uint16_t entries[PACK_SETS];
};

/* --- opening --------------------------------------------------------------------------------- */

static void efi_close(struct boot **boot)
{
    free(*boot);
    *boot = NULL;
}

/* "Boot0001": four hexadecimal digits in capitals, as the firmware names them. */
static int parse_entry(uint16_t *number, const char *name, enum pack_set set,
                       struct pack_error *error)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned value = 0;
    const char *at = name != NULL && strncmp(name, "Boot", 4) == 0 ? name + 4 : "";
    for (size_t i = 0; i < 4; i++) {
        const char *digit = at[i] != '\0' ? strchr(digits, at[i]) : NULL;
        if (digit == NULL) {
            pack_fail(error, PACK_E_USAGE,
                      "set %s has the EFI boot entry '%s', Boot0001 or so "
                      "wanted",
                      pack_set_name(set), name != NULL ? name : "");
            return pack_hint(error, "'efibootmgr' lists them");
        }
        value = value << 4 | (unsigned)(digit - digits);
    }
    *number = (uint16_t)value;
    return at[4] == '\0' ? 0 : pack_fail(error, PACK_E_USAGE, "'%s' is no EFI boot entry", name);
}

static int efi_open(struct boot **boot, const struct pack_device *device, struct storage *storage,
                    struct pack_error *error)
{
    struct boot_efi *efi = NULL;
    int code = pack_allocate(&efi, 1, sizeof *efi, error);
    if (code != 0)
        return code;
    *boot = &efi->boot;
    (void)storage;
    efi->folder = device->boot.file != NULL ? device->boot.file : DEFAULT_FOLDER;
    for (enum pack_set set = 0; code == 0 && set < PACK_SETS; set++)
        code = parse_entry(&efi->entries[set], device->boot.entries[set], set, error);
    if (code == 0 && efi->entries[PACK_SET_A] == efi->entries[PACK_SET_B])
        code = pack_fail(error, PACK_E_USAGE, "both sets have the EFI boot entry %s",
                         device->boot.entries[PACK_SET_A]);
    return code;
}

/* --- variables ------------------------------------------------------------------------------- */

static void path_of(char path[PATH_MAX], const struct boot_efi *efi, enum variable variable)
{
    snprintf(path, PATH_MAX, "%s/%s", efi->folder, names[variable]);
}

static int load(const struct boot_efi *efi, enum variable variable, struct entries *entries,
                struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    char path[PATH_MAX];
    size_t size = 0;
    path_of(path, efi, variable);
    *entries = (struct entries){.set = false};
    const int code =
        storage_load(efi->boot.storage, path, MAX_VARIABLE, (void **)&bytes, &size, error);
    if (code == PACK_E_NOT_FOUND)
        pack_error_clear(error);
    /* efivarfs shows a variable that is just being taken away as empty. */
    if (code == PACK_E_NOT_FOUND || (code == 0 && size == 0))
        return 0;
    if (code != 0)
        return code;
    if (size < ATTRIBUTES_SIZE || size % 2 != 0) {
        pack_fail(error, PACK_E_STATE, "an EFI variable of %zu bytes, 4 and entries of 2 wanted",
                  size);
        return pack_at_file(error, path);
    }
    entries->set = true;
    entries->count = (size - ATTRIBUTES_SIZE) / 2;
    for (size_t i = 0; i < entries->count; i++)
        entries->numbers[i] = pack_le16(bytes + ATTRIBUTES_SIZE + 2 * i);
    return 0;
}

/* Whether the variable is this one entry. */
static bool is_entry(const struct entries *entries, uint16_t number)
{
    return entries->set && entries->count == 1 && entries->numbers[0] == number;
}

/*
 * efivarfs makes variables that it does not know immutable, so that nobody bricks a machine with
 * rm -r. Best effort: other file systems have no such flag, and where it stays the write says so.
 */
static void make_mutable(struct storage *storage, const char *path)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    struct pack_error ignored = {0};
    unsigned flags = 0;
    if (storage_open(storage, path, STORAGE_READ, &file, &ignored) != 0)
        return;
    const int descriptor = storage_descriptor(file);
    if (descriptor < 0 || ioctl(descriptor, FS_IOC_GETFLAGS, &flags) != 0 ||
        (flags & FS_IMMUTABLE_FL) == 0)
        return;
    flags &= ~(unsigned)FS_IMMUTABLE_FL;
    (void)ioctl(descriptor, FS_IOC_SETFLAGS, &flags);
}

/* efivarfs has written when write(2) returns, and knows no fsync. */
static int flush(struct storage_file *file, struct pack_error *error)
{
    const int code = storage_flush(file, error);
    if (code == 0 || error->system != EINVAL)
        return code;
    pack_error_clear(error);
    return 0;
}

/*
 * A plain folder, as in tests, keeps what a longer value left behind; until that is cut off it is
 * the end of an order whose beginning counts.
 */
static int cut(struct storage_file *file, uint64_t size, struct pack_error *error)
{
    uint64_t there = 0;
    int code = storage_size(file, &there, error);
    if (code != 0 || there == size)
        return code;
    code = flush(file, error);
    return code != 0 ? code : storage_resize(file, size, error);
}

static int save(const struct boot_efi *efi, enum variable variable, const struct entries *entries,
                struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    uint8_t bytes[MAX_VARIABLE] = {ATTRIBUTES};
    const size_t size = ATTRIBUTES_SIZE + 2 * entries->count;
    char path[PATH_MAX];
    path_of(path, efi, variable);
    for (size_t i = 0; i < entries->count; i++)
        pack_put_le16(bytes + ATTRIBUTES_SIZE + 2 * i, entries->numbers[i]);
    make_mutable(efi->boot.storage, path);
    int code = storage_open(efi->boot.storage, path, STORAGE_WRITE | STORAGE_CREATE, &file, error);
    if (code == 0)
        code = storage_write_at(file, 0, bytes, size, error);
    if (code == 0)
        code = cut(file, size, error);
    if (code == 0)
        code = flush(file, error);
    if (code == 0)
        code = storage_close(&file, error);
    return code != 0 ? code : storage_flush_folder(efi->boot.storage, efi->folder, error);
}

/* Which set an entry is, or PACK_SETS. */
static enum pack_set set_of(const struct boot_efi *efi, uint16_t number)
{
    enum pack_set set = 0;
    while (set < PACK_SETS && efi->entries[set] != number)
        set++;
    return set;
}

/* Only what changes: the firmware's memory wears. */
static int save_entry(const struct boot_efi *efi, enum variable variable, uint16_t number,
                      struct pack_error *error)
{
    struct entries old;
    const struct entries wanted = {.set = true, .count = 1, .numbers = {number}};
    const int code = load(efi, variable, &old, error);
    return code != 0 || is_entry(&old, number) ? code : save(efi, variable, &wanted, error);
}

/* An entry of others stays: a stick that somebody wants to start from once. */
static int take_away(const struct boot_efi *efi, enum variable variable, struct pack_error *error)
{
    struct entries old;
    char path[PATH_MAX];
    int code = load(efi, variable, &old, error);
    if (code != 0 || old.count != 1 || set_of(efi, old.numbers[0]) == PACK_SETS)
        return code;
    path_of(path, efi, variable);
    make_mutable(efi->boot.storage, path);
    code = storage_remove(efi->boot.storage, path, error);
    return code != 0 ? code : storage_flush_folder(efi->boot.storage, efi->folder, error);
}

/* --- the order ------------------------------------------------------------------------------- */

static size_t find(const struct boot_efi *efi, const struct entries *order, size_t from)
{
    while (from < order->count && set_of(efi, order->numbers[from]) == PACK_SETS)
        from++;
    return from;
}

/* Other entries keep their places; the sets' come where the first of them was, or before all. */
static int arrange(struct entries *order, const struct boot_efi *efi,
                   const struct boot_state *state, struct pack_error *error)
{
    const struct entries old = *order;
    const size_t found = find(efi, &old, 0), place = found == old.count ? 0 : found;
    if (old.count > MAX_ENTRIES - PACK_SETS)
        return pack_fail(error, PACK_E_LIMIT, "EFI's BootOrder has %zu entries, at most %d wanted",
                         old.count, MAX_ENTRIES - PACK_SETS);
    *order = (struct entries){.set = true};
    for (size_t i = 0; i <= old.count; i++) {
        if (i == place)
            order->numbers[order->count++] = efi->entries[state->primary];
        if (i == place && state->fallback)
            order->numbers[order->count++] = efi->entries[pack_set_other(state->primary)];
        if (i < old.count && set_of(efi, old.numbers[i]) == PACK_SETS)
            order->numbers[order->count++] = old.numbers[i];
    }
    return 0;
}

static int save_order(const struct boot_efi *efi, const struct boot_state *state,
                      struct pack_error *error)
{
    struct entries old;
    int code = load(efi, BOOT_ORDER, &old, error);
    struct entries order = old;
    if (code == 0)
        code = arrange(&order, efi, state, error);
    if (code != 0)
        return code;
    const bool same = old.set && old.count == order.count &&
                      memcmp(old.numbers, order.numbers, old.count * sizeof old.numbers[0]) == 0;
    return same ? 0 : save(efi, BOOT_ORDER, &order, error);
}

/* --- the state ------------------------------------------------------------------------------- */

static int efi_read(struct boot *boot, struct boot_state *state, struct pack_error *error)
{
    const struct boot_efi *efi = (const struct boot_efi *)boot;
    struct entries order, next, trial;
    int code = load(efi, BOOT_ORDER, &order, error);
    if (code == 0)
        code = load(efi, BOOT_NEXT, &next, error);
    if (code == 0)
        code = load(efi, TRIAL, &trial, error);
    if (code != 0)
        return code;
    const size_t first = find(efi, &order, 0);
    if (first == order.count) {
        pack_fail(error, PACK_E_STATE, "neither %s nor %s is in EFI's BootOrder",
                  boot->device->boot.entries[PACK_SET_A], boot->device->boot.entries[PACK_SET_B]);
        pack_hint(error, "put the one that runs there: efibootmgr --bootorder");
        return pack_at_file(error, efi->folder);
    }
    const enum pack_set primary = set_of(efi, order.numbers[first]);
    const uint16_t other = efi->entries[pack_set_other(primary)];
    const size_t second = find(efi, &order, first + 1);
    *state = (struct boot_state){
        .primary = primary,
        .trial = is_entry(&next, other) || is_entry(&trial, other),
        .tries = is_entry(&next, other),
        .fallback = second < order.count && order.numbers[second] == other,
    };
    return 0;
}

/*
 * Several variables, one after the other: the state is the old or the new one at any time. The
 * order comes first, for a trial of the set that it begins with is none; then BootNext is what
 * makes a trial, and the last to go.
 */
static int efi_write(struct boot *boot, const struct boot_state *state, struct pack_error *error)
{
    const struct boot_efi *efi = (const struct boot_efi *)boot;
    const uint16_t other = efi->entries[pack_set_other(state->primary)];
    int code = save_order(efi, state, error);
    if (code == 0 && state->trial && state->tries > 0)
        code = save_entry(efi, BOOT_NEXT, other, error);
    if (code == 0 && state->trial)
        code = save_entry(efi, TRIAL, other, error);
    if (code == 0 && !state->trial)
        code = take_away(efi, TRIAL, error);
    if (code == 0 && state->tries == 0)
        code = take_away(efi, BOOT_NEXT, error);
    return code;
}

/* BootCurrent is the entry that the firmware started. */
static int efi_running(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    const struct boot_efi *efi = (const struct boot_efi *)boot;
    struct entries current;
    const int code = load(efi, BOOT_CURRENT, &current, error);
    if (code != 0)
        return code;
    const enum pack_set found = current.count == 1 ? set_of(efi, current.numbers[0]) : PACK_SETS;
    if (found == PACK_SETS)
        return boot_running_by_root(boot, set, error);
    *set = found;
    return 0;
}

const struct boot_type boot_type_efi = {
    .name = "efi",
    .summary = "EFI's boot entries: BootOrder, and BootNext for a trial",
    .max_tries = 1,
    .falls_back = true,
    .open = efi_open,
    .read = efi_read,
    .write = efi_write,
    .running = efi_running,
    .close = efi_close,
};
