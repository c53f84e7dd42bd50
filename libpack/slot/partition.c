/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "slot/gpt.h"
#include "slot/kinds.h"
#include "slot/sysfs.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DEVICE_SIZE = 128 };

/* The one partition that is meant: a label or type that two have names none. */
struct search {
    const struct pack_device_target *target;
    struct storage *storage;
    char found[2][DEVICE_SIZE]; /* below /dev */
    size_t count;
    struct pack_error unread; /* of a disk that could not be looked at */
};

/* What udev's rules and the kernel agree upon, in uevent files. */
struct device_facts {
    char name[DEVICE_SIZE]; /* DEVNAME: below /dev */
    char label[GPT_LABEL_SIZE];
    uint64_t number; /* of a partition; 0 for a disk */
};

static bool read_facts(struct device_facts *facts, struct storage *storage, const char *folder,
                       const char *name)
{
    char text[SYSFS_SIZE], number[24];
    *facts = (struct device_facts){.number = 0};
    if (!sysfs_read(storage, text, "%s/%s/uevent", folder, name) ||
        !sysfs_value(text, "DEVNAME", facts->name, sizeof facts->name))
        return false;
    if (!sysfs_value(text, "PARTNAME", facts->label, sizeof facts->label))
        facts->label[0] = '\0';
    if (sysfs_value(text, "PARTN", number, sizeof number) && !sysfs_number(number, &facts->number))
        return false;
    return true;
}

static void note(struct search *search, const char *device)
{
    if (search->count < 2)
        snprintf(search->found[search->count], DEVICE_SIZE, "%s", device);
    search->count++;
}

/* --- by label -------------------------------------------------------------------------------- */

#define LINKS "/dev/disk/by-partlabel/"

static int visit_labelled(void *user, const char *name, struct pack_error *error)
{
    struct search *search = user;
    struct device_facts facts;
    (void)error;
    if (read_facts(&facts, search->storage, "/sys/class/block", name) &&
        strcmp(facts.label, search->target->label) == 0)
        note(search, facts.name);
    return 0;
}

/* A name in that folder could lead elsewhere only with a "/". */
static int find_link(struct search *search, struct pack_error *error)
{
    char path[sizeof LINKS + GPT_LABEL_SIZE], real[SLOT_PATH_SIZE];
    struct stat status;
    const char *label = search->target->label;
    if (strchr(label, '/') != NULL || strlen(label) >= GPT_LABEL_SIZE)
        return 0;
    snprintf(path, sizeof path, LINKS "%s", label);
    const int code = storage_locate(search->storage, path, real, sizeof real, error);
    if (code == 0 && stat(real, &status) == 0)
        note(search, path + strlen("/dev/"));
    return code;
}

/*
 * The kernel is asked first, for a link of udev's names one partition even where two have its
 * label.
 */
static int find_labelled(struct search *search, struct pack_error *error)
{
    const int code = sysfs_each(search->storage, "/sys/class/block", visit_labelled, search, error);
    return code == 0 && search->count == 0 ? find_link(search, error) : code;
}

/* --- by type --------------------------------------------------------------------------------- */

struct disk {
    struct search *search;
    const char *name; /* in /sys/block */
    char folder[SLOT_NAME_SIZE];
    bool read;
    struct gpt table;
};

static int read_table(struct disk *disk, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct device_facts facts;
    char path[DEVICE_SIZE + 8], text[SYSFS_SIZE];
    uint64_t block = 0;
    struct storage *storage = disk->search->storage;
    if (!read_facts(&facts, storage, "/sys/block", disk->name))
        return 0;
    if (!sysfs_read(storage, text, "%s/queue/logical_block_size", disk->folder) ||
        !sysfs_number(text, &block) || block < 512 || block > 65536)
        block = 0;
    snprintf(path, sizeof path, "/dev/%s", facts.name);
    const int code = slot_file_input(&input, path, storage, error);
    return code == 0 ? gpt_read(&disk->table, input, (uint32_t)block, error) : code;
}

static bool has_type(const struct disk *disk, uint64_t number)
{
    for (size_t i = 0; i < disk->table.count; i++)
        if (disk->table.partitions[i].number == number)
            return strcasecmp(disk->table.partitions[i].type, disk->search->target->type) == 0;
    return false;
}

/* The table is read when a first partition is seen, so that drives without medium stay asleep. */
static int visit_partition(void *user, const char *name, struct pack_error *error)
{
    struct disk *disk = user;
    struct search *search = disk->search;
    struct device_facts facts;
    (void)error;
    if (!read_facts(&facts, search->storage, disk->folder, name) || facts.number == 0)
        return 0;
    if (!disk->read && read_table(disk, &search->unread) == PACK_E_NOT_FOUND)
        pack_error_clear(&search->unread); /* partitions of another kind of table */
    disk->read = true;
    if (has_type(disk, facts.number))
        note(search, facts.name);
    return 0;
}

static int visit_disk(void *user, const char *name, struct pack_error *error)
{
    struct disk disk = {.search = user, .name = name};
    snprintf(disk.folder, sizeof disk.folder, "/sys/block/%s", name);
    const int code = sysfs_each(disk.search->storage, disk.folder, visit_partition, &disk, error);
    gpt_clear(&disk.table);
    return code;
}

static int find_typed(struct search *search, struct pack_error *error)
{
    return sysfs_each(search->storage, "/sys/block", visit_disk, search, error);
}

/* --- the one --------------------------------------------------------------------------------- */

static int fail_search(const struct search *search, const char *name, struct pack_error *error)
{
    const bool typed = search->target->label == NULL;
    if (search->count > 1) {
        pack_fail(error, PACK_E_USAGE, "%s is there more than once: /dev/%s and /dev/%s", name,
                  search->found[0], search->found[1]);
        return pack_hint(error, typed ? "tell them apart by `partition-label:`"
                                      : "give each partition a label of its own");
    }
    if (search->unread.code != PACK_OK) {
        *error = search->unread;
        return pack_context(error, "%s was not found, and a disk could not be looked at", name);
    }
    pack_fail(error, PACK_E_NOT_FOUND, "there is no %s", name);
    return pack_hint(error, "see lsblk -o NAME,PARTLABEL,PARTTYPE");
}

static int find(char path[DEVICE_SIZE + 8], const struct pack_device_target *target,
                struct storage *storage, struct pack_error *error)
{
    PACK_AUTO_FREE struct search *search = NULL;
    char name[SLOT_NAME_SIZE];
    if (target->label != NULL && target->type != NULL) {
        pack_fail(error, PACK_E_USAGE, "a slot has both a partition's label and a type");
        return pack_hint(error, "keep `partition-label: %s`", target->label);
    }
    int code = pack_allocate(&search, 1, sizeof *search, error);
    if (code != 0)
        return code;
    search->target = target;
    search->storage = storage;
    code = target->label != NULL ? find_labelled(search, error) : find_typed(search, error);
    slot_describe(target, name, sizeof name);
    if (code == 0 && search->count != 1)
        code = fail_search(search, name, error);
    if (code == 0)
        snprintf(path, DEVICE_SIZE + 8, "/dev/%s", search->found[0]);
    return code;
}

static int open_write(struct slot **slot, const struct pack_device_target *target,
                      struct storage *storage, uint64_t size, struct pack_error *error)
{
    char path[DEVICE_SIZE + 8];
    const int code = find(path, target, storage, error);
    return code == 0
               ? slot_file_open(slot, &slot_partition, target, path, false, storage, size, error)
               : code;
}

static int open_read(struct pack_input **input, const struct pack_device_target *target,
                     struct storage *storage, struct pack_error *error)
{
    char path[DEVICE_SIZE + 8];
    const int code = find(path, target, storage, error);
    return code == 0 ? slot_file_input(input, path, storage, error) : code;
}

static int identify(struct slot_identity *identity, const struct pack_device_target *target,
                    struct storage *storage, struct pack_error *error)
{
    char path[DEVICE_SIZE + 8];
    const int code = find(path, target, storage, error);
    return code == 0 ? slot_identify_path(identity, storage, path, error) : code;
}

const struct slot_type slot_partition = {
    .kind = PACK_TARGET_PARTITION,
    .name = "partition",
    .open_write = open_write,
    .write_at = slot_file_write_at,
    .read_at = slot_file_read_at,
    .flush = slot_file_flush,
    .finish = slot_file_finish,
    .close = slot_file_close,
    .open_read = open_read,
    .identify = identify,
};
