/* SPDX-License-Identifier: MIT */
#include "delta/slot.h"

#include "base/checked.h"
#include "base/memory.h"

#include <string.h>

enum { WORD = 8 };

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

static uint32_t round_up(uint64_t size, uint32_t page)
{
    return (uint32_t)(pack_pieces(size, page) * page);
}

/* The images' sizes sum up to less than 2^32: see patch_header_parse. */
int delta_slot_new(struct delta_slot *slot, const struct patch_header *header,
                   struct pack_error *error)
{
    const uint32_t page = header->page_size;
    const uint64_t larger =
        header->old_size > header->new_size ? header->old_size : header->new_size;
    struct pack_flash *flash = &slot->flash;
    *slot = (struct delta_slot){0};
    *flash = (struct pack_flash){.user = slot,
                                 .read = read_slot,
                                 .erase = erase_slot,
                                 .program = program_slot,
                                 .page = page,
                                 .word = WORD,
                                 .slot_size = round_up(larger, page)};
    flash->making = flash->slot_size;
    flash->journal = flash->making + page;
    const size_t map = patch_page_map_size(patch_header_pages(header));
    flash->journal_size = patch_journal_size(flash, map, header->scratch_size);
    slot->size = (size_t)flash->journal + flash->journal_size;
    if (larger + page + flash->journal_size + page > UINT32_MAX)
        return pack_fail(error, PACK_E_LIMIT, "the images are too large for one slot");
    return pack_allocate(&slot->bytes, slot->size, 1, error);
}

int delta_slot_open(struct delta_slot *slot, struct pack_error *error)
{
    slot->place.flash = &slot->flash;
    enum patch_status status = patch_in_place_open(&slot->place);
    return status == PATCH_OK ? 0
                              : pack_fail(error, PACK_E_INTERNAL, "the slot does not fit its use");
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
