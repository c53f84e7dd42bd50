/* SPDX-License-Identifier: MIT */
#include "patch/in_place.h"

#include <string.h>

enum {
    CHUNK = 64, /* bytes moved at once between places of the flash; holds any word */
    /* A bank begins with the mark, which has a word of its own, then the record. */
    RECORD = PATCH_MOST_WORD,
    /* The record: fields, the page map, the states, what is kept, and a checksum of all. */
    AT_SEQUENCE = 0,
    AT_STEPS = 4,
    AT_SIZE = 8,
    AT_PAGE = 12, /* + 1; 0 for none: nothing is on its way */
    AT_IDENTITY = 16,
    AT_MAP = AT_IDENTITY + PATCH_IDENTITY_SIZE,
    CHECKSUM_SIZE = 4,
    LEAST_PAGE = 128,
};

#define NONE UINT32_MAX /* no page */

static const uint8_t mark[4] = {'D', 'O', 'N', 'E'};

/* --- bytes ------------------------------------------------------------------------------------ */

static void put32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

static uint32_t get32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* CRC-32 (ISO-HDLC) without its final inversion, so that it can go on. */
static uint32_t checksum(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        sum ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            sum = (sum >> 1) ^ (0xEDB88320u & (0u - (sum & 1u)));
    }
    return sum;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_power(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool is_erased(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0xFF)
            return false;
    return true;
}

/* --- flash ------------------------------------------------------------------------------------ */

static bool read_flash(const struct pack_flash *flash, uint32_t address, void *bytes, size_t size)
{
    return flash->read(flash->user, address, bytes, size);
}

static bool erase(const struct pack_flash *flash, uint32_t address, uint32_t size)
{
    for (uint32_t done = 0; done < size; done += flash->page)
        if (!flash->erase(flash->user, address + done))
            return false;
    return true;
}

/* The last word is filled up with bytes that read as erased. */
static bool program(const struct pack_flash *flash, uint32_t address, const uint8_t *bytes,
                    size_t size)
{
    uint8_t word[PATCH_MOST_WORD];
    size_t rest = size % flash->word, whole = size - rest;
    if (whole > 0 && !flash->program(flash->user, address, bytes, whole))
        return false;
    if (rest == 0)
        return true;
    memset(word, 0xFF, sizeof word);
    memcpy(word, bytes + whole, rest);
    return flash->program(flash->user, address + (uint32_t)whole, word, flash->word);
}

static bool copy_page(const struct pack_flash *flash, uint32_t to, uint32_t from)
{
    uint8_t bytes[CHUNK];
    if (!erase(flash, to, flash->page))
        return false;
    for (uint32_t done = 0; done < flash->page; done += CHUNK)
        if (!read_flash(flash, from + done, bytes, CHUNK) ||
            (!is_erased(bytes, CHUNK) && !program(flash, to + done, bytes, CHUNK)))
            return false;
    return true;
}

/* --- pages ------------------------------------------------------------------------------------ */

static size_t bitmap_size(uint32_t count)
{
    return (count + 7) / 8;
}

size_t patch_page_map_size(uint32_t count)
{
    return 2 * bitmap_size(count);
}

bool patch_page_is_made(const struct patch_page_map *map, uint32_t page)
{
    return map->bits[page / 8] >> (page % 8) & 1;
}

void patch_page_leave(struct patch_page_map *map, uint32_t page)
{
    map->bits[page / 8] |= (uint8_t)(1u << (page % 8));
}

static void mark_replaced(struct patch_page_map *map, uint32_t page)
{
    patch_page_leave(map, page);
    map->bits[bitmap_size(map->count) + page / 8] |= (uint8_t)(1u << (page % 8));
}

/* Pages behind the new image's end are never replaced. */
static bool is_replaced(const struct patch_page_map *map, uint32_t page)
{
    return page < map->count &&
           (map->bits[bitmap_size(map->count) + page / 8] >> (page % 8) & 1) != 0;
}

/* A part of a cover that lies in one page of either image. */
struct piece {
    size_t cover;      /* the next piece's */
    patch_offset done; /* bytes of that cover before it */
    patch_offset old_offset;
    uint32_t size;
};

/* The next piece, of the cover's bytes behind those that are done. */
static patch_offset cut_piece(const struct patch_in_place *place, struct piece *piece)
{
    const struct patch_cover *cover = &place->covers.list[piece->cover];
    const uint32_t page = place->flash->page;
    patch_offset new_offset = cover->new_offset + piece->done, left = cover->size - piece->done;
    piece->old_offset = cover->old_offset + piece->done;
    piece->size = page - (uint32_t)(new_offset % page);
    piece->size = (uint32_t)smaller(piece->size, page - (uint32_t)(piece->old_offset % page));
    piece->size = left < piece->size ? (uint32_t)left : piece->size;
    piece->done += piece->size;
    if (piece->done == cover->size) {
        piece->cover++;
        piece->done = 0;
    }
    return new_offset;
}

/*
 * Goes on to the next piece that is copied from a replaced page to one that is still to be made,
 * when `page` has been replaced too. The first one comes after a piece of zeros.
 */
static bool next_kept(const struct patch_in_place *place, struct piece *piece, uint32_t page)
{
    const uint32_t page_size = place->flash->page;
    while (piece->cover < place->covers.count) {
        uint32_t to = (uint32_t)(cut_piece(place, piece) / page_size);
        uint32_t from = (uint32_t)(piece->old_offset / page_size);
        if (piece->old_offset < place->old_size && to != page &&
            !patch_page_is_made(&place->map, to) &&
            (from == page || is_replaced(&place->map, from)))
            return true;
    }
    return false;
}

uint64_t patch_in_place_kept(const struct patch_in_place *place, uint32_t page)
{
    uint64_t sum = 0;
    struct piece piece = {0};
    while (next_kept(place, &piece, page))
        sum += piece.size;
    return sum;
}

/* --- the journal ------------------------------------------------------------------------------ */

uint32_t patch_journal_size(const struct pack_flash *flash, size_t states, uint32_t scratch)
{
    uint32_t size = RECORD + AT_MAP + (uint32_t)states + scratch + CHECKSUM_SIZE;
    return 2 * ((size + flash->page - 1) / flash->page * flash->page);
}

/* Where in the record the kept bytes begin. */
static uint32_t kept_start(const struct patch_in_place *place)
{
    size_t size = AT_MAP + patch_page_map_size(place->map.count);
    for (size_t i = 0; i < place->state_count; i++)
        size += place->states[i].size;
    return (uint32_t)size;
}

static uint32_t bank_size(const struct patch_in_place *place)
{
    return patch_journal_size(place->flash, kept_start(place) - AT_MAP, place->scratch) / 2;
}

static uint32_t bank_address(const struct patch_in_place *place, uint32_t bank)
{
    return place->flash->journal + bank * bank_size(place);
}

/* A record on its way into its bank. */
struct recorder {
    const struct pack_flash *flash;
    uint32_t address;
    uint32_t sum;
    size_t used;
    uint8_t bytes[CHUNK];
};

static bool record_bytes(struct recorder *recorder, const uint8_t *bytes, size_t size)
{
    recorder->sum = checksum(recorder->sum, bytes, size);
    for (size_t done = 0, part; done < size; done += part) {
        part = smaller(size - done, CHUNK - recorder->used);
        memcpy(recorder->bytes + recorder->used, bytes + done, part);
        recorder->used += part;
        if (recorder->used < CHUNK)
            continue;
        if (!program(recorder->flash, recorder->address, recorder->bytes, CHUNK))
            return false;
        recorder->address += CHUNK;
        recorder->used = 0;
    }
    return true;
}

/* Copies the bytes that are kept from where they are now. */
static bool record_kept(const struct patch_in_place *place, struct recorder *recorder,
                        uint32_t page)
{
    uint8_t bytes[CHUNK];
    struct piece piece = {0};
    while (next_kept(place, &piece, page)) {
        for (uint32_t done = 0, part; done < piece.size; done += part) {
            part = (uint32_t)smaller(piece.size - done, CHUNK);
            if (patch_in_place_read(place, piece.old_offset + done, bytes, part) != PATCH_OK ||
                !record_bytes(recorder, bytes, part))
                return false;
        }
    }
    return true;
}

/* The fields and the map, as they are when `page` is replaced too. */
static bool record_head(struct patch_in_place *place, struct recorder *recorder, uint32_t steps,
                        uint32_t page)
{
    uint8_t head[AT_MAP];
    put32(head + AT_SEQUENCE, place->sequence + 1);
    put32(head + AT_STEPS, steps);
    put32(head + AT_SIZE, kept_start(place) + (uint32_t)patch_in_place_kept(place, page));
    put32(head + AT_PAGE, page == NONE ? 0 : page + 1);
    memcpy(head + AT_IDENTITY, place->identity, PATCH_IDENTITY_SIZE);
    return record_bytes(recorder, head, sizeof head);
}

/* A record of the states as they are now, and of the map with `page`. Its bank is the newest. */
static bool write_record(struct patch_in_place *place, uint32_t steps, uint32_t page)
{
    uint32_t bank = place->sequence == 0 ? 0 : 1 - place->bank;
    struct recorder recorder = {
        place->flash, bank_address(place, bank) + RECORD, 0xFFFFFFFFu, 0, {0}};
    uint8_t sum[CHECKSUM_SIZE];
    const uint32_t size =
        RECORD + kept_start(place) + (uint32_t)patch_in_place_kept(place, page) + CHECKSUM_SIZE;
    if (!erase(place->flash, bank_address(place, bank), size) || /* whole pages of it */
        !record_head(place, &recorder, steps, page) ||
        !record_bytes(&recorder, place->map.bits, patch_page_map_size(place->map.count)))
        return false;
    for (size_t i = 0; i < place->state_count; i++)
        if (!record_bytes(&recorder, place->states[i].bytes, place->states[i].size))
            return false;
    if (!record_kept(place, &recorder, page))
        return false;
    put32(sum, recorder.sum);
    if (!record_bytes(&recorder, sum, sizeof sum) ||
        !program(place->flash, recorder.address, recorder.bytes, recorder.used))
        return false;
    place->bank = bank;
    place->sequence++;
    return true;
}

/* Reads the head of the bank's record; *valid when it is whole, and of this patch and decoder. */
static bool read_record(const struct patch_in_place *place, uint32_t bank, uint8_t head[AT_MAP],
                        bool *valid)
{
    uint8_t bytes[CHUNK];
    const uint32_t address = bank_address(place, bank) + RECORD;
    uint32_t sum = 0xFFFFFFFFu;
    *valid = false;
    if (!read_flash(place->flash, address, head, AT_MAP))
        return false;
    const uint32_t size = get32(head + AT_SIZE);
    if (size < kept_start(place) || size > bank_size(place) - RECORD - CHECKSUM_SIZE ||
        get32(head + AT_SEQUENCE) == 0 ||
        memcmp(head + AT_IDENTITY, place->identity, PATCH_IDENTITY_SIZE) != 0)
        return true;
    for (uint32_t done = 0, part; done < size; done += part) {
        part = (uint32_t)smaller(size - done, CHUNK);
        if (!read_flash(place->flash, address + done, bytes, part))
            return false;
        sum = checksum(sum, bytes, part);
    }
    if (!read_flash(place->flash, address + size, bytes, CHECKSUM_SIZE))
        return false;
    *valid = sum == get32(bytes);
    return true;
}

/* Takes over what the newest record holds. */
static bool load_record(struct patch_in_place *place, uint32_t bank, const uint8_t *head)
{
    uint32_t address = bank_address(place, bank) + RECORD + AT_MAP;
    const size_t map = patch_page_map_size(place->map.count);
    place->bank = bank;
    place->sequence = get32(head + AT_SEQUENCE);
    place->steps = get32(head + AT_STEPS);
    if (!read_flash(place->flash, address, place->map.bits, map))
        return false;
    address += (uint32_t)map;
    for (size_t i = 0; i < place->state_count; i++) {
        if (!read_flash(place->flash, address, place->states[i].bytes, place->states[i].size))
            return false;
        address += (uint32_t)place->states[i].size;
    }
    return true;
}

static bool is_marked(const struct patch_in_place *place, bool *marked)
{
    uint8_t bytes[sizeof mark];
    if (!read_flash(place->flash, bank_address(place, place->bank), bytes, sizeof bytes))
        return false;
    *marked = memcmp(bytes, mark, sizeof mark) == 0;
    return true;
}

/* --- steps ------------------------------------------------------------------------------------ */

static uint32_t page_address(const struct pack_flash *flash, uint32_t page)
{
    return flash->slot + page * flash->page;
}

static bool put_in_place(struct patch_in_place *place, uint32_t page)
{
    if (!copy_page(place->flash, page_address(place->flash, page), place->flash->making))
        return false;
    mark_replaced(&place->map, page);
    return true;
}

/*
 * The page of the newest record may have been cut off on its way. A mark that is cut off cannot be
 * programmed again, so a new record without a page takes the place of it.
 */
static bool resume(struct patch_in_place *place, uint32_t bank, const uint8_t *head)
{
    bool marked = false;
    uint32_t page = get32(head + AT_PAGE);
    if (!load_record(place, bank, head) || !is_marked(place, &marked))
        return false;
    if (page == 0)
        return true;
    if (marked) {
        mark_replaced(&place->map, page - 1);
        return true;
    }
    return put_in_place(place, page - 1) && write_record(place, place->steps, NONE);
}

static enum patch_status check_flash(const struct patch_in_place *place)
{
    const struct pack_flash *flash = place->flash;
    if (!is_power(flash->page) || flash->page < LEAST_PAGE || !is_power(flash->word) ||
        flash->word > PATCH_MOST_WORD)
        return PATCH_UNSUPPORTED;
    return flash->journal_size < 2 * bank_size(place) ||
                   flash->slot_size / flash->page < place->map.count
               ? PATCH_LIMIT
               : PATCH_OK;
}

enum patch_status patch_in_place_open(struct patch_in_place *place)
{
    uint8_t heads[2][AT_MAP];
    bool valid[2];
    enum patch_status status = check_flash(place);
    if (status != PATCH_OK)
        return status;
    place->steps = place->sequence = 0;
    for (uint32_t bank = 0; bank < 2; bank++)
        if (!read_record(place, bank, heads[bank], &valid[bank]))
            return PATCH_IO;
    if (!valid[0] && !valid[1])
        return PATCH_OK;
    uint32_t newest =
        valid[1] && (!valid[0] || get32(heads[1] + AT_SEQUENCE) > get32(heads[0] + AT_SEQUENCE));
    return resume(place, newest, heads[newest]) ? PATCH_OK : PATCH_IO;
}

enum patch_status patch_in_place_begin(struct patch_in_place *place, uint32_t page)
{
    const struct pack_flash *flash = place->flash;
    if (page >= place->map.count || patch_page_is_made(&place->map, page))
        return PATCH_MALFORMED;
    place->page = page;
    place->filled = 0;
    place->pending = 0;
    return erase(flash, flash->making, flash->page) ? PATCH_OK : PATCH_IO;
}

/*
 * Where the byte of the old image is kept, or false. *size is cut to how many bytes behind it are
 * kept with it, or not kept as it.
 */
static bool find_kept(const struct patch_in_place *place, patch_offset offset, uint32_t *address,
                      size_t *size)
{
    struct piece piece = {0};
    uint32_t at = bank_address(place, place->bank) + RECORD + kept_start(place);
    while (next_kept(place, &piece, NONE)) {
        if (offset >= piece.old_offset && offset - piece.old_offset < piece.size) {
            *address = at + (uint32_t)(offset - piece.old_offset);
            *size = smaller(*size, (size_t)(piece.old_offset + piece.size - offset));
            return true;
        }
        if (piece.old_offset > offset)
            *size = smaller(*size, (size_t)(piece.old_offset - offset));
        at += piece.size;
    }
    return false;
}

/* Where the byte at `offset` is now; *size is cut to how many follow it there. */
static uint32_t find_byte(const struct patch_in_place *place, patch_offset offset, size_t *size)
{
    const struct pack_flash *flash = place->flash;
    uint32_t address = 0;
    if (offset >= place->old_size)
        return flash->slot + (uint32_t)(offset - place->old_size);
    *size = smaller(*size, (size_t)(place->old_size - offset));
    *size = smaller(*size, flash->page - (size_t)(offset % flash->page));
    if (is_replaced(&place->map, (uint32_t)(offset / flash->page)) &&
        find_kept(place, offset, &address, size))
        return address;
    return flash->slot + (uint32_t)offset;
}

enum patch_status patch_in_place_read(const struct patch_in_place *place, patch_offset offset,
                                      void *bytes, size_t size)
{
    for (size_t done = 0, part; done < size; done += part) {
        part = size - done;
        uint32_t address = find_byte(place, offset + (patch_offset)done, &part);
        if (!read_flash(place->flash, address, (uint8_t *)bytes + done, part))
            return PATCH_IO;
    }
    return PATCH_OK;
}

enum patch_status patch_in_place_write(struct patch_in_place *place, const void *bytes, size_t size)
{
    const struct pack_flash *flash = place->flash;
    if (size > flash->page - place->filled - place->pending)
        return PATCH_MALFORMED;
    for (size_t done = 0, part; done < size; done += part) {
        part = smaller(size - done, flash->word - place->pending);
        memcpy(place->word + place->pending, (const uint8_t *)bytes + done, part);
        place->pending += (uint32_t)part;
        if (place->pending < flash->word)
            continue;
        if (!program(flash, flash->making + place->filled, place->word, flash->word))
            return PATCH_IO;
        place->filled += flash->word;
        place->pending = 0;
    }
    return PATCH_OK;
}

enum patch_status patch_in_place_commit(struct patch_in_place *place)
{
    const struct pack_flash *flash = place->flash;
    if (patch_in_place_kept(place, place->page) > place->scratch)
        return PATCH_MALFORMED;
    if (!program(flash, flash->making + place->filled, place->word, place->pending) ||
        !write_record(place, place->steps + 1, place->page) || !put_in_place(place, place->page) ||
        !program(flash, bank_address(place, place->bank), mark, sizeof mark))
        return PATCH_IO;
    place->steps++;
    return PATCH_OK;
}

enum patch_status patch_in_place_clear(struct patch_in_place *place)
{
    /* The newest record goes last: the other one alone would begin a step again that is done. */
    const uint32_t size = bank_size(place);
    if (!erase(place->flash, bank_address(place, 1 - place->bank), size) ||
        !erase(place->flash, bank_address(place, place->bank), size))
        return PATCH_IO;
    place->sequence = 0;
    return PATCH_OK;
}
