/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "boot/defaults.h"
#include "boot/lines.h"
#include "boot/words.h"
#include "pack/text.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

enum { MAX_NAME = 512, MAX_FILE = 64, MAX_PROC = 1024 * 1024 };

#define CMDLINE "/proc/cmdline"
#define MOUNTINFO "/proc/self/mountinfo"

/* What the root file system lies on, as far as it is known. */
struct root {
    char name[MAX_NAME]; /* of root=, or the source of the mount */
    bool has_file;       /* `file` says which device or file it is */
    struct stat file;
};

/* --- what the device file says --------------------------------------------------------------- */

static int parse_set(enum pack_set *set, const char *text, const char *what,
                     struct pack_error *error)
{
    char shown[4 * MAX_FILE + 1];
    const size_t size = strlen(text);
    if (boot_set_parse(set, text, size))
        return 0;
    return pack_fail(error, PACK_E_STATE, "%s is '%s', A or B wanted", what,
                     pack_escape(shown, sizeof shown, text, size < MAX_FILE ? size : MAX_FILE));
}

static int by_file(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    const char *path = boot->device->boot.running_file;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    int code = storage_load(boot->storage, path, MAX_FILE, (void **)&text, &size, error);
    if (code != 0)
        return code;
    text[strcspn(text, "\r\n")] = '\0';
    code = parse_set(set, text, "what tells the running set", error);
    return code == 0 ? 0 : pack_at_file(error, path);
}

/* --- /proc/cmdline --------------------------------------------------------------------------- */

/* The end of the parameter that begins here: a blank outside of quotation marks. */
static const char *parameter_end(const char *at)
{
    bool quoted = false;
    for (; *at != '\0' && (quoted || !isspace((unsigned char)*at)); at++)
        if (*at == '"')
            quoted = !quoted;
    return at;
}

/* The value of the last parameter of that name, as the kernel takes it; false where there is none.
 */
static bool find_parameter(char value[MAX_NAME], const char *line, const char *name)
{
    const size_t length = strlen(name);
    bool found = false;
    for (const char *at = line; *at != '\0';) {
        const char *end = parameter_end(at);
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            const char *from = at + length + 1;
            const bool quoted = end - from >= 2 && *from == '"' && end[-1] == '"';
            const int size = (int)(end - from) - (quoted ? 2 : 0);
            found = snprintf(value, MAX_NAME, "%.*s", size, from + quoted) < MAX_NAME;
        }
        at = end + (*end != '\0');
    }
    return found;
}

static int load_cmdline(struct boot *boot, char **line, struct pack_error *error)
{
    size_t size = 0;
    return storage_load(boot->storage, CMDLINE, MAX_PROC, (void **)line, &size, error);
}

static int by_parameter(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    const char *name = boot->device->boot.running_cmdline;
    PACK_AUTO_FREE char *line = NULL;
    char value[MAX_NAME], what[MAX_FILE + 32];
    int code = load_cmdline(boot, &line, error);
    if (code != 0)
        return code;
    if (!find_parameter(value, line, name)) {
        pack_fail(error, PACK_E_STATE, "the kernel was started without '%s='", name);
        pack_hint(error, "the bootloader appends %s=A or %s=B to the kernel's arguments", name,
                  name);
        return pack_at_file(error, CMDLINE);
    }
    snprintf(what, sizeof what, "'%s='", name);
    code = parse_set(set, value, what, error);
    return code == 0 ? 0 : pack_at_file(error, CMDLINE);
}

/* --- the root file system -------------------------------------------------------------------- */

/* Names of udev for what root= may say instead of a path. */
static const struct {
    const char *prefix, *folder;
} tags[] = {
    {"PARTUUID=", "/dev/disk/by-partuuid/"},
    {"PARTLABEL=", "/dev/disk/by-partlabel/"},
    {"UUID=", "/dev/disk/by-uuid/"},
    {"LABEL=", "/dev/disk/by-label/"},
};

static bool stat_path(struct storage *storage, const char *path, struct stat *file)
{
    char located[PATH_MAX];
    struct pack_error ignored = {0};
    return path[0] == '/' &&
           storage_locate(storage, path, located, sizeof located, &ignored) == 0 &&
           stat(located, file) == 0;
}

static void resolve(struct storage *storage, struct root *root)
{
    char path[MAX_NAME + 64];
    snprintf(path, sizeof path, "%s", root->name);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        const size_t length = strlen(tags[i].prefix);
        if (strncmp(root->name, tags[i].prefix, length) == 0)
            snprintf(path, sizeof path, "%s%s", tags[i].folder, root->name + length);
    }
    root->has_file = stat_path(storage, path, &root->file);
}

static bool root_of_cmdline(struct boot *boot, struct root *root)
{
    PACK_AUTO_FREE char *line = NULL;
    struct pack_error ignored = {0};
    if (load_cmdline(boot, &line, &ignored) != 0 || !find_parameter(root->name, line, "root"))
        return false;
    resolve(boot->storage, root);
    return true;
}

/* "98:0" */
static bool parse_numbers(dev_t *device, const struct boot_word *word)
{
    char text[32], *colon = NULL, *end = NULL;
    if (!boot_word_copy(text, sizeof text, word))
        return false;
    const unsigned long first = strtoul(text, &colon, 10);
    if (*colon != ':')
        return false;
    const unsigned long second = strtoul(colon + 1, &end, 10);
    *device = makedev((unsigned)first, (unsigned)second);
    return *end == '\0';
}

/* "36 35 98:0 / / rw,relatime shared:1 - ext4 /dev/root rw": man proc(5). The last one is on top.
 */
static bool parse_mount(struct root *root, const char *line)
{
    enum { NUMBERS = 2, POINT = 4, SOURCE_BEHIND_HYPHEN = 2 };
    struct boot_word word;
    dev_t device = 0;
    size_t hyphen = 0;
    for (size_t i = 0; boot_word_next(&word, &line); i++) {
        if ((i == NUMBERS && !parse_numbers(&device, &word)) ||
            (i == POINT && !boot_word_is(&word, "/")))
            return false;
        if (i > POINT && hyphen == 0 && boot_word_is(&word, "-"))
            hyphen = i;
        if (hyphen == 0 || i != hyphen + SOURCE_BEHIND_HYPHEN)
            continue;
        root->has_file = major(device) != 0; /* 0: of no device */
        root->file = (struct stat){.st_mode = S_IFBLK, .st_rdev = device};
        return boot_word_copy(root->name, sizeof root->name, &word);
    }
    return false;
}

static bool root_of_mount(struct boot *boot, struct root *root)
{
    PACK_AUTO_FREE char *text = NULL;
    struct pack_error ignored = {0};
    size_t size = 0;
    bool found = false;
    char *rest = NULL;
    if (storage_load(boot->storage, MOUNTINFO, MAX_PROC, (void **)&text, &size, &ignored) != 0)
        return false;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        found |= parse_mount(root, line);
    return found;
}

/* --- the targets ----------------------------------------------------------------------------- */

static bool same_file(const struct stat *a, const struct stat *b)
{
    if (S_ISBLK(a->st_mode) || S_ISBLK(b->st_mode))
        return S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static const char *without_dev(const char *name)
{
    return strncmp(name, "/dev/", 5) == 0 ? name + 5 : name;
}

static const char *skip(const char *name, const char *prefix)
{
    const size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 ? name + length : NULL;
}

/* Flash has no block device to compare: "ubi0:rootfs", "ubi0_1"; "mtd:name", "mtdblock2". */
static bool same_flash(const char *root, const char *path)
{
    const char *name = without_dev(root), *target = without_dev(path);
    const char *block = skip(name, "mtdblock"), *number = skip(target, "mtd");
    const char *label = skip(name, "mtd:");
    return strcmp(name, target) == 0 || (label != NULL && strcmp(label, target) == 0) ||
           (block != NULL && number != NULL && strcmp(block, number) == 0);
}

static bool same_label(struct storage *storage, const struct root *root, const char *label)
{
    char path[MAX_NAME];
    struct stat file;
    const char *named = skip(root->name, "PARTLABEL=");
    if (named != NULL && strcmp(named, label) == 0)
        return true;
    snprintf(path, sizeof path, "/dev/disk/by-partlabel/%s", label);
    return root->has_file && stat_path(storage, path, &file) && same_file(&file, &root->file);
}

static bool is_target(struct storage *storage, const struct root *root,
                      const struct pack_device_target *target)
{
    struct stat file;
    switch (target->kind) {
    case PACK_TARGET_FILE:
        return root->has_file && stat_path(storage, target->path, &file) &&
               same_file(&file, &root->file);
    case PACK_TARGET_PARTITION:
        return target->label != NULL && same_label(storage, root, target->label);
    case PACK_TARGET_MTD:
    case PACK_TARGET_UBI:
        return same_flash(root->name, target->path);
    default:
        return false;
    }
}

/* The sets, as bits, that have a target on which the root lies. */
static unsigned find_sets(struct boot *boot, const struct root *root)
{
    unsigned found = 0;
    for (size_t i = 0; i < boot->device->slot_count; i++) {
        const struct pack_device_slot *slot = &boot->device->slots[i];
        for (enum pack_set set = 0; slot->redundant && set < PACK_SETS; set++)
            if (is_target(boot->storage, root, &slot->targets[set]))
                found |= 1U << set;
    }
    return found;
}

int boot_running_by_root(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    static bool (*const ways[])(struct boot *, struct root *) = {root_of_cmdline, root_of_mount};
    char shown[2][4 * MAX_FILE + 1] = {"unknown", "unknown"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct root root = {.has_file = false};
        const unsigned found = ways[i](boot, &root) ? find_sets(boot, &root) : 0;
        if (found == 1U << PACK_SET_A || found == 1U << PACK_SET_B) {
            *set = found == 1U << PACK_SET_A ? PACK_SET_A : PACK_SET_B;
            return 0;
        }
        if (root.name[0] != '\0')
            pack_escape(shown[i], sizeof shown[i], root.name, strnlen(root.name, MAX_FILE));
    }
    pack_fail(error, PACK_E_STATE,
              "nothing tells which set runs: the kernel's root is '%s', the mounted one '%s', and "
              "neither is the target of one set",
              shown[0], shown[1]);
    return pack_hint(error,
                     "let the bootloader say it: 'running: {cmdline: NAME}' in the device file");
}

int boot_running(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    const struct pack_device_boot *wanted = &boot->device->boot;
    if (wanted->running_file != NULL)
        return by_file(boot, set, error);
    if (wanted->running_cmdline != NULL)
        return by_parameter(boot, set, error);
    return boot->type->running != NULL ? boot->type->running(boot, set, error)
                                       : boot_running_by_root(boot, set, error);
}
