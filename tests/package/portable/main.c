/* SPDX-License-Identifier: MIT */
/*
 * main OLD PATCH NEW: applies a patch by the library's device side alone, as any machine does it.
 * main OLD PATCH NEW PAGE: the same in place, in a flash of such pages. Exits with the status.
 */
#include "pack/apply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 24 << 20, SCRATCH = 64 << 10, WORD = 8, TROUBLE = 100 };

struct file {
    unsigned char *bytes;
    size_t size;
};

struct device {
    struct file old_image, patch;
    FILE *new_image;
    unsigned char *flash;
    size_t page;
};

static void *reserve(size_t size)
{
    void *bytes = calloc(1, size);
    if (bytes == NULL)
        exit(TROUBLE);
    return bytes;
}

static struct file read_file(const char *path)
{
    struct file file = {reserve(16 << 20), 0};
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        exit(TROUBLE);
    file.size = fread(file.bytes, 1, 16 << 20, stream);
    fclose(stream);
    return file;
}

static int read_patch(void *user, uint32_t offset, uint8_t *bytes, size_t size)
{
    const struct device *device = user;
    size_t left = offset < device->patch.size ? device->patch.size - offset : 0;
    size_t part = size < 13 ? size : 13;
    part = part < left ? part : left;
    memcpy(bytes, device->patch.bytes + offset, part);
    return (int)part;
}

static bool read_old(void *user, uint32_t offset, uint8_t *bytes, size_t size)
{
    const struct device *device = user;
    if (size > device->old_image.size || offset > device->old_image.size - size)
        return false;
    memcpy(bytes, device->old_image.bytes + offset, size);
    return true;
}

static bool write_new(void *user, const uint8_t *bytes, size_t size)
{
    const struct device *device = user;
    return fwrite(bytes, 1, size, device->new_image) == size;
}

static bool flash_read(void *user, uint32_t address, void *bytes, size_t size)
{
    const struct device *device = user;
    memcpy(bytes, device->flash + address, size);
    return true;
}

static bool flash_erase(void *user, uint32_t address)
{
    const struct device *device = user;
    memset(device->flash + address, 0xff, device->page);
    return true;
}

static bool flash_program(void *user, uint32_t address, const void *bytes, size_t size)
{
    const struct device *device = user;
    memcpy(device->flash + address, bytes, size);
    return true;
}

/* The slot is as large as both images could be; the new one is all of it that was written. */
static enum pack_apply_status in_place(struct device *device, const struct pack_apply *apply)
{
    const uint32_t page = (uint32_t)device->page;
    const uint32_t slot = (uint32_t)((device->old_image.size * 2 + page) / page * page);
    struct pack_flash flash = {.user = device,
                               .read = flash_read,
                               .erase = flash_erase,
                               .program = flash_program,
                               .page = page,
                               .word = WORD,
                               .slot_size = slot,
                               .making = slot,
                               .journal = slot + page};
    flash.journal_size = pack_apply_journal_size(&flash, MEMORY, SCRATCH);
    device->flash = reserve((size_t)flash.journal + flash.journal_size);
    memcpy(device->flash, device->old_image.bytes, device->old_image.size);
    const enum pack_apply_status status = pack_apply_in_place(apply, &flash);
    if (status == PACK_APPLY_OK && !write_new(device, device->flash, slot))
        exit(TROUBLE);
    return status;
}

int main(int count, char **arguments)
{
    if (count < 4)
        return TROUBLE;
    struct device device = {.old_image = read_file(arguments[1]),
                            .patch = read_file(arguments[2]),
                            .new_image = fopen(arguments[3], "wb")};
    const struct pack_apply apply = {.user = &device,
                                     .read_patch = read_patch,
                                     .read_old = read_old,
                                     .write_new = write_new,
                                     .memory = reserve(MEMORY),
                                     .memory_size = MEMORY};
    if (device.new_image == NULL)
        return TROUBLE;
    if (count > 4)
        device.page = (size_t)strtoul(arguments[4], NULL, 10);
    const enum pack_apply_status status =
        device.page != 0 ? in_place(&device, &apply) : pack_apply(&apply);
    return fclose(device.new_image) == 0 ? (int)status : TROUBLE;
}
