/* SPDX-License-Identifier: MIT */
#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"
#include "slot/kinds.h"
#include "slot/node.h"
#include "slot/sysfs.h"

#include <errno.h>
#include <mtd/mtd-user.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Linux Documentation/admin-guide/devices.txt: 90 is mtdchar, 2 minors each; 31 is mtdblock. */
enum { MTD_MAJOR = 90, MTD_BLOCK_MAJOR = 31, MOST_AT_ONCE = 16384, MOST_BLOCKS = 1 << 24 };

/* Flash without its bad blocks: offsets count over the good ones. */
struct flash {
    int descriptor;
    bool nand;
    bool erased;    /* before it is written; RAM is not */
    uint32_t block; /* bytes that are erased together */
    uint32_t page;  /* bytes that are written together */
    uint32_t *good; /* numbers of good blocks */
    size_t good_count;
};

static void flash_clear(struct flash *flash)
{
    pack_close_descriptor(&flash->descriptor);
    free(flash->good);
    flash->good = NULL;
}

static uint64_t flash_room(const struct flash *flash)
{
    return (uint64_t)flash->good_count * flash->block;
}

/* --- finding it ------------------------------------------------------------------------------ */

static bool is_named(struct storage *storage, const char *entry, const char *name)
{
    char text[SYSFS_SIZE];
    uint64_t number = 0; /* "mtd3ro" is mtd3 again */
    return strncmp(entry, "mtd", 3) == 0 && sysfs_number(entry + 3, &number) &&
           sysfs_read(storage, text, "/sys/class/mtd/%s/name", entry) && strcmp(text, name) == 0;
}

static int flash_find(char path[NODE_PATH_SIZE], const char *target, struct storage *storage,
                      struct pack_error *error)
{
    return node_find(path, target, "/sys/class/mtd", is_named, storage, error);
}

/* --- opening --------------------------------------------------------------------------------- */

static int is_bad(const struct flash *flash, uint32_t block, bool *bad, struct pack_error *error)
{
    loff_t offset = (loff_t)block * flash->block;
    const int result = ioctl(flash->descriptor, MEMGETBADBLOCK, &offset);
    if (result < 0 && errno != EOPNOTSUPP)
        return pack_fail_errno(error, errno, "cannot ask for bad blocks");
    *bad = result > 0;
    return 0;
}

static int find_good_blocks(struct flash *flash, uint32_t count, struct pack_error *error)
{
    int code = pack_allocate(&flash->good, (size_t)count + 1, sizeof *flash->good, error);
    for (uint32_t i = 0; code == 0 && i < count; i++) {
        bool bad = false;
        if (flash->nand)
            code = is_bad(flash, i, &bad, error);
        if (code == 0 && !bad)
            flash->good[flash->good_count++] = i;
    }
    return code;
}

/* The answer of the ioctl has 32 bits for it. */
static uint64_t size_of(struct storage *storage, unsigned number, const struct mtd_info_user *info)
{
    char text[SYSFS_SIZE];
    uint64_t size = 0;
    return sysfs_read(storage, text, "/sys/class/mtd/mtd%u/size", number) &&
                   sysfs_number(text, &size)
               ? size
               : info->size;
}

static int measure(struct flash *flash, unsigned number, bool writing, struct storage *storage,
                   struct pack_error *error)
{
    struct mtd_info_user info;
    if (ioctl(flash->descriptor, MEMGETINFO, &info) != 0)
        return pack_fail_errno(error, errno, "cannot be asked for its geometry");
    if (info.erasesize == 0 || info.writesize == 0 || info.erasesize % info.writesize != 0)
        return pack_fail(error, PACK_E_UNSUPPORTED, "is not flash that is erased in blocks");
    if (writing && (info.flags & MTD_WRITEABLE) == 0)
        return pack_fail(error, PACK_E_PERMISSION, "is read-only");
    flash->erased = (info.flags & MTD_NO_ERASE) == 0;
    flash->nand = info.type == MTD_NANDFLASH || info.type == MTD_MLCNANDFLASH;
    flash->block = info.erasesize;
    flash->page = info.writesize;
    const uint64_t blocks = size_of(storage, number, &info) / info.erasesize;
    if (blocks > MOST_BLOCKS)
        return pack_fail(error, PACK_E_UNSUPPORTED, "has more than %d blocks", MOST_BLOCKS);
    return find_good_blocks(flash, (uint32_t)blocks, error);
}

static int flash_open(struct flash *flash, unsigned *number, const char *path, bool writing,
                      struct storage *storage, struct pack_error *error)
{
    struct stat status;
    int code = node_open(&flash->descriptor, &status, path, writing, storage, error);
    if (code != 0)
        return code;
    if (major(status.st_rdev) != MTD_MAJOR)
        return pack_fail(error, PACK_E_USAGE, "is no MTD device");
    *number = minor(status.st_rdev) / 2;
    return measure(flash, *number, writing, storage, error);
}

struct attachment {
    struct storage *storage;
    unsigned number;
};

/* Volumes have names such as ubi0_1, and no mtd_num. */
static int visit_ubi(void *user, const char *name, struct pack_error *error)
{
    const struct attachment *attachment = user;
    char text[SYSFS_SIZE];
    uint64_t number = 0;
    if (!sysfs_read(attachment->storage, text, "/sys/class/ubi/%s/mtd_num", name) ||
        !sysfs_number(text, &number) || number != attachment->number)
        return 0;
    pack_fail(error, PACK_E_USAGE, "holds UBI volumes, attached as %s", name);
    return pack_hint(error, "name a volume by `ubi:`, or ubidetach it");
}

/* File systems on flash are mounted by the block device's number, also those without one. */
static int check_unused(unsigned number, struct storage *storage, struct pack_error *error)
{
    struct attachment attachment = {.storage = storage, .number = number};
    const int code = slot_check_mounts(makedev(MTD_BLOCK_MAJOR, number), error);
    return code == 0 ? sysfs_each(storage, "/sys/class/ubi", visit_ubi, &attachment, error) : code;
}

/* --- reading --------------------------------------------------------------------------------- */

static int flash_read(const struct flash *flash, uint64_t offset, void *buffer, size_t size,
                      size_t *got, struct pack_error *error)
{
    *got = 0;
    while (*got < size && offset < flash_room(flash)) {
        const uint64_t within = offset % flash->block;
        const size_t piece = (size_t)pack_min(size - *got, flash->block - within);
        const uint64_t from = (uint64_t)flash->good[offset / flash->block] * flash->block + within;
        const ssize_t n = pread(flash->descriptor, (uint8_t *)buffer + *got, piece, (off_t)from);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            pack_fail_errno(error, n < 0 ? errno : EIO, "cannot read the flash");
            return pack_at_offset(error, from);
        }
        *got += (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

struct flash_input {
    struct pack_input input;
    struct flash flash;
    char *name;
};

static int input_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                         size_t *got, struct pack_error *error)
{
    const int code =
        flash_read(&((struct flash_input *)input)->flash, offset, buffer, size, got, error);
    return code != 0 ? pack_at_file(error, input->name) : 0;
}

static void input_close(struct pack_input *input)
{
    struct flash_input *flash = (struct flash_input *)input;
    flash_clear(&flash->flash);
    free(flash->name);
    free(flash);
}

static int open_read(struct pack_input **input, const struct pack_device_target *target,
                     struct storage *storage, struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = input_read_at, .close = input_close};
    PACK_AUTO(pack_input_close) struct pack_input *made = NULL;
    char path[NODE_PATH_SIZE];
    unsigned number = 0;
    int code = pack_allocate(&made, 1, sizeof(struct flash_input), error);
    if (code != 0)
        return code;
    struct flash_input *opened = (struct flash_input *)made;
    opened->flash.descriptor = -1;
    *made = (struct pack_input){.ops = &ops, .seekable = true, .has_size = true};
    code = pack_copy_string(&opened->name, target->path, error);
    made->name = opened->name;
    if (code == 0)
        code = flash_find(path, target->path, storage, error);
    if (code == 0)
        code = flash_open(&opened->flash, &number, path, false, storage, error);
    if (code != 0)
        return pack_at_file(error, target->path);
    made->size = flash_room(&opened->flash);
    *input = pack_steal(&made);
    return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

struct mtd_slot {
    struct slot slot;
    struct flash flash;
    uint64_t position; /* bytes taken */
    uint64_t written;  /* bytes on the flash: whole units */
    uint8_t *unit;     /* what is written at once */
    size_t unit_size, filled;
};

static int erase(const struct flash *flash, uint32_t block)
{
    struct erase_info_user lock = {.start = block * flash->block, .length = flash->block};
    struct erase_info_user64 range = {.start = (uint64_t)block * flash->block,
                                      .length = flash->block};
    /* Most flash has no locks; where one stays shut, erasing says so. */
    (void)ioctl(flash->descriptor, MEMUNLOCK, &lock);
    return ioctl(flash->descriptor, MEMERASE64, &range) == 0 ? 0 : errno;
}

/* NAND wears out: a block that is not erased any more is marked, and the next one takes its place.
 */
static int give_up_block(struct mtd_slot *mtd, size_t index, struct pack_error *error)
{
    struct flash *flash = &mtd->flash;
    loff_t offset = (loff_t)flash->good[index] * flash->block;
    if (ioctl(flash->descriptor, MEMSETBADBLOCK, &offset) != 0)
        return pack_fail_errno(error, errno, "cannot mark a worn block as bad");
    flash->good_count--;
    memmove(flash->good + index, flash->good + index + 1,
            (flash->good_count - index) * sizeof *flash->good);
    return slot_check_room(mtd->slot.size, flash_room(flash), error);
}

static int erase_block(struct mtd_slot *mtd, size_t index, struct pack_error *error)
{
    for (;;) {
        const uint32_t block = mtd->flash.good[index];
        const int number = erase(&mtd->flash, block);
        if (number == 0)
            return 0;
        int code = 0;
        if (number == EIO && mtd->flash.nand)
            code = give_up_block(mtd, index, error);
        else
            code = pack_fail_errno(error, number, "cannot erase");
        if (code != 0)
            return pack_at_offset(error, (uint64_t)block * mtd->flash.block);
    }
}

static int write_unit(struct mtd_slot *mtd, struct pack_error *error)
{
    const struct flash *flash = &mtd->flash;
    const size_t index = (size_t)(mtd->written / flash->block);
    const uint64_t within = mtd->written % flash->block;
    const size_t size = (mtd->filled + flash->page - 1) / flash->page * flash->page;
    int code = within == 0 && flash->erased ? erase_block(mtd, index, error) : 0;
    if (code != 0)
        return code;
    const uint64_t to = (uint64_t)flash->good[index] * flash->block + within;
    memset(mtd->unit + mtd->filled, 0xff, size - mtd->filled);
    code = pack_write_descriptor_at(flash->descriptor, to, mtd->unit, size, error);
    if (code != 0)
        return pack_at_offset(error, to);
    mtd->written += size;
    mtd->filled = 0;
    return 0;
}

static int write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                    struct pack_error *error)
{
    struct mtd_slot *mtd = (struct mtd_slot *)slot;
    const uint8_t *from = bytes;
    int code = slot_check_order(offset, mtd->position, error);
    while (code == 0 && size > 0) {
        const size_t piece = (size_t)pack_min(size, mtd->unit_size - mtd->filled);
        memcpy(mtd->unit + mtd->filled, from, piece);
        mtd->filled += piece;
        mtd->position += piece;
        from += piece;
        size -= piece;
        if (mtd->filled == mtd->unit_size)
            code = write_unit(mtd, error);
    }
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

/* Writes to flash are not cached; the last page waits until the image is whole. */
static int flush(struct slot *slot, struct pack_error *error)
{
    struct mtd_slot *mtd = (struct mtd_slot *)slot;
    if (mtd->filled == 0 || mtd->position < slot->size)
        return 0;
    const int code = write_unit(mtd, error);
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

static int finish(struct slot *slot, struct pack_error *error)
{
    const int code = slot_check_order(slot->size, ((struct mtd_slot *)slot)->position, error);
    return code == 0 ? flush(slot, error) : code;
}

static int read_at(struct slot *slot, uint64_t offset, void *buffer, size_t size, size_t *got,
                   struct pack_error *error)
{
    const int code =
        flash_read(&((struct mtd_slot *)slot)->flash, offset, buffer, size, got, error);
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

static void close_mtd(struct slot **slot)
{
    struct mtd_slot *mtd = (struct mtd_slot *)*slot;
    if (mtd == NULL)
        return;
    flash_clear(&mtd->flash);
    free(mtd->unit);
    slot_free(slot);
}

/* Several pages at once where a block is a multiple of them. */
static size_t unit_size_of(const struct flash *flash)
{
    uint32_t size = flash->page;
    while (size < MOST_AT_ONCE && flash->block % (2 * size) == 0)
        size *= 2;
    return size;
}

static int open_flash(struct mtd_slot *mtd, const char *target, struct storage *storage,
                      struct pack_error *error)
{
    char path[NODE_PATH_SIZE];
    unsigned number = 0;
    int code = flash_find(path, target, storage, error);
    if (code == 0)
        code = flash_open(&mtd->flash, &number, path, true, storage, error);
    if (code == 0)
        code = check_unused(number, storage, error);
    if (code == 0)
        code = slot_check_room(mtd->slot.size, flash_room(&mtd->flash), error);
    if (code != 0)
        return code;
    mtd->unit_size = unit_size_of(&mtd->flash);
    return pack_allocate(&mtd->unit, 1, mtd->unit_size, error);
}

static int open_write(struct slot **slot, const struct pack_device_target *target,
                      struct storage *storage, uint64_t size, struct pack_error *error)
{
    PACK_AUTO(slot_close) struct slot *made = NULL;
    int code = slot_new(&made, sizeof(struct mtd_slot), &slot_mtd, target, size, error);
    if (code != 0)
        return code;
    struct mtd_slot *mtd = (struct mtd_slot *)made;
    made->abilities = SLOT_READABLE;
    mtd->flash.descriptor = -1;
    code = open_flash(mtd, target->path, storage, error);
    if (code != 0)
        return pack_at_file(error, made->name);
    *slot = pack_steal(&made);
    return 0;
}

static int identify(struct slot_identity *identity, const struct pack_device_target *target,
                    struct storage *storage, struct pack_error *error)
{
    char path[NODE_PATH_SIZE];
    const int code = flash_find(path, target->path, storage, error);
    return code == 0 ? slot_identify_path(identity, storage, path, error) : code;
}

const struct slot_type slot_mtd = {
    .kind = PACK_TARGET_MTD,
    .name = "mtd",
    .open_write = open_write,
    .write_at = write_at,
    .read_at = read_at,
    .flush = flush,
    .finish = finish,
    .close = close_mtd,
    .open_read = open_read,
    .identify = identify,
};
