/* SPDX-License-Identifier: MIT */
#include "patch/in_place.h"

#include <string.h>

enum {
    CHUNK = 64, /* bytes moved at once between places of the flash; holds any word */
    /* A bank begins with the mark, which has a word of its own, then the record. */
    RECORD = PATCH_MOST_WORD,
    /* The record: fields, the table of kept pages, the states, and a checksum of all of them. */
    AT_SEQUENCE = 0,
    AT_STEPS = 4,
    AT_SIZE = 8,
    AT_PAGE = 12, /* + 1; 0 for none: nothing is on its way */
    AT_IDENTITY = 16,
    AT_KEPT = AT_IDENTITY + PATCH_IDENTITY_SIZE,
    AT_STATES = AT_KEPT + 4 * PATCH_MOST_SPARE,
    CHECKSUM_SIZE = 4,
    LEAST_PAGE = 128,
};

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

/* --- the journal ------------------------------------------------------------------------------ */

/* Without the checksum. */
static size_t record_size(const struct patch_state *states, size_t count)
{
    size_t size = AT_STATES;
    for (size_t i = 0; i < count; i++)
        size += states[i].size;
    return size;
}

uint32_t patch_journal_size(const struct pack_flash *flash, const struct patch_state *states,
                            size_t state_count)
{
    uint32_t size = (uint32_t)record_size(states, state_count) + RECORD + CHECKSUM_SIZE;
    return 2 * ((size + flash->page - 1) / flash->page * flash->page);
}

static uint32_t bank_size(const struct patch_in_place *place)
{
    return patch_journal_size(place->flash, place->states, place->state_count) / 2;
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

/* Writes a record of the states as they are now, and makes its bank the newest one. */
static bool write_record(struct patch_in_place *place, uint32_t steps, uint32_t page_plus_one)
{
    uint32_t bank = place->sequence == 0 ? 0 : 1 - place->bank;
    struct recorder recorder = {
        place->flash, bank_address(place, bank) + RECORD, 0xFFFFFFFFu, 0, {0}};
    uint8_t head[AT_STATES], sum[CHECKSUM_SIZE];
    put32(head + AT_SEQUENCE, place->sequence + 1);
    put32(head + AT_STEPS, steps);
    put32(head + AT_SIZE, (uint32_t)record_size(place->states, place->state_count));
    put32(head + AT_PAGE, page_plus_one);
    memcpy(head + AT_IDENTITY, place->identity, PATCH_IDENTITY_SIZE);
    for (size_t i = 0; i < PATCH_MOST_SPARE; i++)
        put32(head + AT_KEPT + 4 * i, place->kept[i]);
    if (!erase(place->flash, bank_address(place, bank), bank_size(place)) ||
        !record_bytes(&recorder, head, sizeof head))
        return false;
    for (size_t i = 0; i < place->state_count; i++)
        if (!record_bytes(&recorder, place->states[i].bytes, place->states[i].size))
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
static bool read_record(const struct patch_in_place *place, uint32_t bank, uint8_t head[AT_STATES],
                        bool *valid)
{
    uint8_t bytes[CHUNK];
    const size_t size = record_size(place->states, place->state_count);
    const uint32_t address = bank_address(place, bank) + RECORD;
    uint32_t sum = 0xFFFFFFFFu;
    *valid = false;
    if (!read_flash(place->flash, address, head, AT_STATES))
        return false;
    if (get32(head + AT_SIZE) != size || get32(head + AT_SEQUENCE) == 0 ||
        memcmp(head + AT_IDENTITY, place->identity, PATCH_IDENTITY_SIZE) != 0)
        return true;
    for (size_t done = 0, part; done < size; done += part) {
        part = smaller(size - done, CHUNK);
        if (!read_flash(place->flash, address + (uint32_t)done, bytes, part))
            return false;
        sum = checksum(sum, bytes, part);
    }
    if (!read_flash(place->flash, address + (uint32_t)size, bytes, CHECKSUM_SIZE))
        return false;
    *valid = sum == get32(bytes);
    return true;
}

/* Takes over what the newest record holds. */
static bool load_record(struct patch_in_place *place, uint32_t bank, const uint8_t *head)
{
    uint32_t address = bank_address(place, bank) + RECORD + AT_STATES;
    place->bank = bank;
    place->sequence = get32(head + AT_SEQUENCE);
    place->steps = get32(head + AT_STEPS);
    for (size_t i = 0; i < PATCH_MOST_SPARE; i++)
        place->kept[i] = get32(head + AT_KEPT + 4 * i);
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

static bool put_in_place(const struct patch_in_place *place, uint32_t page)
{
    return copy_page(place->flash, page_address(place->flash, page), place->flash->scratch);
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
    if (marked || page == 0)
        return true;
    return put_in_place(place, page - 1) && write_record(place, place->steps, 0);
}

enum patch_status patch_in_place_open(struct patch_in_place *place, const struct pack_flash *flash,
                                      const struct patch_state *states, size_t state_count,
                                      patch_offset old_size,
                                      const uint8_t identity[PATCH_IDENTITY_SIZE])
{
    uint8_t heads[2][AT_STATES];
    bool valid[2];
    if (!is_power(flash->page) || flash->page < LEAST_PAGE || !is_power(flash->word) ||
        flash->word > PATCH_MOST_WORD || flash->spare > PATCH_MOST_SPARE)
        return PATCH_UNSUPPORTED;
    memset(place, 0, sizeof *place);
    place->flash = flash;
    place->states = states;
    place->state_count = state_count;
    place->old_size = old_size;
    memcpy(place->identity, identity, PATCH_IDENTITY_SIZE);
    if (flash->journal_size < 2 * bank_size(place))
        return PATCH_LIMIT;
    for (uint32_t bank = 0; bank < 2; bank++)
        if (!read_record(place, bank, heads[bank], &valid[bank]))
            return PATCH_IO;
    if (!valid[0] && !valid[1])
        return PATCH_OK;
    uint32_t newest =
        valid[1] && (!valid[0] || get32(heads[1] + AT_SEQUENCE) > get32(heads[0] + AT_SEQUENCE));
    return resume(place, newest, heads[newest]) ? PATCH_OK : PATCH_IO;
}

enum patch_status patch_in_place_begin(struct patch_in_place *place, const struct patch_step *step)
{
    const struct pack_flash *flash = place->flash;
    place->page = step->page;
    place->filled = 0;
    place->pending = 0;
    if (step->page >= flash->slot_size / flash->page || step->keep > flash->spare)
        return PATCH_MALFORMED;
    if (step->keep > 0) {
        uint32_t spare = flash->scratch + step->keep * flash->page;
        if (!copy_page(flash, spare, page_address(flash, step->page)))
            return PATCH_IO;
        place->kept[step->keep - 1] = step->page + 1;
    }
    return erase(flash, flash->scratch, flash->page) ? PATCH_OK : PATCH_IO;
}

/* Where the byte at `offset` is now. */
static uint32_t find_byte(const struct patch_in_place *place, patch_offset offset)
{
    const struct pack_flash *flash = place->flash;
    if (offset >= place->old_size)
        return flash->slot + (uint32_t)(offset - place->old_size);
    for (uint32_t i = 0; i < flash->spare; i++)
        if (place->kept[i] != 0 && place->kept[i] - 1 == offset / flash->page)
            return flash->scratch + (i + 1) * flash->page + (uint32_t)(offset % flash->page);
    return flash->slot + (uint32_t)offset;
}

enum patch_status patch_in_place_read(const struct patch_in_place *place, patch_offset offset,
                                      void *bytes, size_t size)
{
    const uint32_t page = place->flash->page;
    for (size_t done = 0, part; done < size; done += part) {
        patch_offset at = offset + (patch_offset)done, end = at / page * page + page;
        if (at < place->old_size && end > place->old_size)
            end = place->old_size;
        part = smaller(size - done, (size_t)(end - at));
        if (!read_flash(place->flash, find_byte(place, at), (uint8_t *)bytes + done, part))
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
        if (!program(flash, flash->scratch + place->filled, place->word, flash->word))
            return PATCH_IO;
        place->filled += flash->word;
        place->pending = 0;
    }
    return PATCH_OK;
}

enum patch_status patch_in_place_commit(struct patch_in_place *place)
{
    const struct pack_flash *flash = place->flash;
    if (!program(flash, flash->scratch + place->filled, place->word, place->pending) ||
        !write_record(place, place->steps + 1, place->page + 1) ||
        !put_in_place(place, place->page) ||
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
