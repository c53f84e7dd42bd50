/* SPDX-License-Identifier: MIT */
#include "delta/slot.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

enum { JOURNAL_PAGES = 4, WORD = 8 };

static bool read_slot(void *user, uint32_t address, void *bytes, size_t size)
{
    const struct delta_slot *slot = user;
    if (size > slot->size || address > slot->size - size)
        return false;
    memcpy(bytes, slot->bytes + address, size);
    return true;
}

static bool erase_slot(void *user, uint32_t address)
{
    struct delta_slot *slot = user;
    memset(slot->bytes + address, 0xFF, slot->flash.page);
    return true;
}

static bool program_slot(void *user, uint32_t address, const void *bytes, size_t size)
{
    struct delta_slot *slot = user;
    memcpy(slot->bytes + address, bytes, size);
    return true;
}

int delta_slot_new(struct delta_slot *slot, const struct patch_header *header,
                   struct pack_error *error)
{
    const uint32_t page = header->page_size;
    const uint64_t larger =
        header->old_size > header->new_size ? header->old_size : header->new_size;
    const uint64_t image = pack_pieces(larger, page) * page;
    const uint64_t size = image + header->scratch_size + (uint64_t)JOURNAL_PAGES * page;
    static const uint8_t identity[PATCH_IDENTITY_SIZE] = {0};
    *slot = (struct delta_slot){0};
    if (size > UINT32_MAX)
        return pack_fail(error, PACK_E_LIMIT, "the images are too large for one slot");
    slot->flash = (struct pack_flash){.user = slot,
                                      .read = read_slot,
                                      .erase = erase_slot,
                                      .program = program_slot,
                                      .page = page,
                                      .word = WORD,
                                      .slot_size = (uint32_t)image,
                                      .scratch = (uint32_t)image,
                                      .journal = (uint32_t)(size - JOURNAL_PAGES * page),
                                      .journal_size = JOURNAL_PAGES * page,
                                      .spare = header->scratch_size / page - 1};
    slot->size = (size_t)size;
    int code = pack_allocate(&slot->bytes, slot->size, 1, error);
    if (code != 0)
        return code;
    memset(slot->bytes, 0xFF, slot->size);
    enum patch_status status =
        patch_in_place_open(&slot->place, &slot->flash, NULL, 0, header->old_size, identity);
    return status == PATCH_OK ? 0 : pack_fail(error, PACK_E_LIMIT, "pages of %u bytes", page);
}

void delta_slot_free(struct delta_slot *slot)
{
    free(slot->bytes);
    *slot = (struct delta_slot){0};
}

bool delta_slot_read(void *slot, patch_offset offset, uint8_t *bytes, size_t size)
{
    struct delta_slot *read = slot;
    return patch_in_place_read(&read->place, offset, bytes, size) == PATCH_OK;
}
