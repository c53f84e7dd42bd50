/* SPDX-License-Identifier: MIT */
#include "pack/apply.h"

#include "patch/decoder.h"
#include "patch/sha256.h"

#include <string.h>

_Static_assert((int)PACK_APPLY_WRONG_BASE == (int)PATCH_WRONG_BASE &&
                   (int)PACK_APPLY_CORRUPT == (int)PATCH_CORRUPT,
               "the public names are those of the layer");

/* What applying holds at the start of its memory; the decoder follows. */
struct work {
    const struct pack_apply *apply;
    const struct pack_flash *flash; /* in place, else NULL */
    struct patch_header header;
    struct patch_in_place place;
    struct patch_state states[PATCH_DECODER_STATES];
    uint32_t at;   /* next byte of the patch */
    uint32_t body; /* its first one behind the header */
    struct patch_decoder *decoder;
    uint8_t *window;
    size_t window_size;
    struct patch_sha256 hash;
};

/* --- what the decoder calls ------------------------------------------------------------------- */

static int read_patch(void *user, uint8_t *buffer, size_t capacity)
{
    struct work *work = user;
    int got = work->apply->read_patch(work->apply->user, work->at, buffer, capacity);
    if (got > 0)
        work->at += (uint32_t)got;
    return got;
}

static bool read_old(void *user, patch_offset offset, uint8_t *buffer, size_t size)
{
    const struct work *work = user;
    return work->apply->read_old(work->apply->user, (uint32_t)offset, buffer, size);
}

static bool read_slot(void *user, patch_offset offset, uint8_t *buffer, size_t size)
{
    const struct work *work = user;
    return patch_in_place_read(&work->place, offset, buffer, size) == PATCH_OK;
}

/* --- setting up ------------------------------------------------------------------------------- */

static enum patch_status read_exactly(struct work *work, uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        int got = read_patch(work, bytes + done, size - done);
        if (got <= 0)
            return got < 0 ? PATCH_IO : PATCH_MALFORMED;
        done += (size_t)got;
    }
    return PATCH_OK;
}

/* The header's bytes are read into the memory behind the work, which is free yet. */
static enum patch_status read_header(struct work *work, uint8_t *bytes, size_t room)
{
    size_t size = 0;
    if (room < PATCH_MAX_HEADER)
        return PATCH_LIMIT;
    enum patch_status status = read_exactly(work, bytes, PATCH_PREFIX_SIZE);
    if (status == PATCH_OK)
        status = patch_header_size(bytes, &size);
    if (status == PATCH_OK)
        status = read_exactly(work, bytes + PATCH_PREFIX_SIZE, size - PATCH_PREFIX_SIZE);
    if (status == PATCH_OK)
        status = patch_header_parse(&work->header, bytes, size);
    work->body = work->at;
    return status;
}

/* `read` is a parameter so that a program with two slots takes nothing of the other way along. */
static enum patch_status set_up(struct work *work, patch_old_function read)
{
    const struct pack_apply *apply = work->apply;
    const size_t used = (sizeof(*work) + 7) & ~(size_t)7;
    uint8_t *rest = (uint8_t *)apply->memory + used;
    enum patch_status status = read_header(work, rest, apply->memory_size - used);
    if (status != PATCH_OK)
        return status;
    const struct patch_header *header = &work->header;
    if (!(header->flags & PATCH_IN_PLACE) != !work->flash || header->flags & PATCH_UNPACKED ||
        (uint64_t)header->old_size >> 32 != 0 || (uint64_t)header->new_size >> 32 != 0)
        return PATCH_UNSUPPORTED;
    bool stored = work->header.flags & PATCH_STORED;
    size_t decoder = stored ? 0 : patch_decoder_size(&work->header);
    if (!stored && decoder == 0)
        return PATCH_UNSUPPORTED;
    work->window_size = patch_profile(work->header.profile)->window;
    if (decoder > apply->memory_size - used ||
        work->window_size > apply->memory_size - used - decoder)
        return PATCH_LIMIT;
    work->window = rest + decoder;
    if (stored)
        return PATCH_OK;
    const struct patch_device device = {read_patch, read, work};
    work->decoder = patch_decoder_new(rest, &work->header, &device);
    return PATCH_OK;
}

/* `apply` is fit to begin with. */
static struct work *begin_work(const struct pack_apply *apply, const struct pack_flash *flash)
{
    struct work *work = apply->memory;
    if (apply->memory_size < sizeof(*work) + 8 || (uintptr_t)apply->memory % 8 != 0)
        return NULL;
    memset(work, 0, sizeof(*work));
    work->apply = apply;
    work->flash = flash;
    return work;
}

/* --- hashes ----------------------------------------------------------------------------------- */

/* Whether the first bytes of what is read by `read` have this hash. */
static enum patch_status check_hash(struct work *work, uint32_t size,
                                    const uint8_t wanted[PATCH_HASH_SIZE], bool *same)
{
    uint8_t found[PATCH_HASH_SIZE];
    patch_sha256_begin(&work->hash);
    for (uint32_t done = 0, part; done < size; done += part) {
        part = size - done < work->window_size ? size - done : (uint32_t)work->window_size;
        bool read =
            work->flash
                ? work->flash->read(work->flash->user, work->flash->slot + done, work->window, part)
                : work->apply->read_old(work->apply->user, done, work->window, part);
        if (!read)
            return PATCH_IO;
        patch_sha256_add(&work->hash, work->window, part);
    }
    patch_sha256_end(&work->hash, found);
    *same = memcmp(found, wanted, PATCH_HASH_SIZE) == 0;
    return PATCH_OK;
}

static enum patch_status check_base(struct work *work)
{
    bool same = false;
    enum patch_status status =
        check_hash(work, (uint32_t)work->header.old_size, work->header.old_hash, &same);
    return status == PATCH_OK && !same ? PATCH_WRONG_BASE : status;
}

/* --- from slot to slot ------------------------------------------------------------------------ */

static enum patch_status emit(struct work *work, size_t size)
{
    patch_sha256_add(&work->hash, work->window, size);
    return work->apply->write_new(work->apply->user, work->window, size) ? PATCH_OK : PATCH_IO;
}

static enum patch_status copy_stored(struct work *work)
{
    enum patch_status status = PATCH_OK;
    uint32_t left = (uint32_t)work->header.new_size;
    while (status == PATCH_OK && left > 0) {
        size_t part = left < work->window_size ? (size_t)left : work->window_size;
        status = read_exactly(work, work->window, part);
        if (status == PATCH_OK)
            status = emit(work, part);
        left -= (uint32_t)part;
    }
    uint8_t excess;
    if (status == PATCH_MALFORMED || (status == PATCH_OK && read_patch(work, &excess, 1) > 0))
        return PATCH_CORRUPT;
    return status;
}

/* Shows the model the old image; only the full one looks. */
static enum patch_status train(struct work *work)
{
#ifndef PATCH_WITHOUT_FULL
    const uint32_t size = (uint32_t)work->header.old_size;
    if (!patch_decoder_wants_training(work->decoder) || work->header.model.index_bits == 0)
        return PATCH_OK;
    for (uint32_t done = 0, part; done < size; done += part) {
        part = size - done < work->window_size ? size - done : (uint32_t)work->window_size;
        if (!work->apply->read_old(work->apply->user, done, work->window, part))
            return PATCH_IO;
        patch_decoder_train(work->decoder, work->window, part);
    }
#else
    (void)work;
#endif
    return PATCH_OK;
}

static enum patch_status decode(struct work *work)
{
    enum patch_status status = patch_decoder_begin(work->decoder);
    if (status == PATCH_OK)
        status = train(work);
    size_t size = 1;
    patch_sha256_begin(&work->hash);
    while (status == PATCH_OK && size > 0) {
        status = patch_decoder_step(work->decoder, work->window, &size);
        if (status == PATCH_OK && size > 0)
            status = emit(work, size);
    }
    return status == PATCH_OK ? patch_decoder_end(work->decoder) : status;
}

enum pack_apply_status pack_apply(const struct pack_apply *apply)
{
    uint8_t found[PATCH_HASH_SIZE];
    struct work *work = begin_work(apply, NULL);
    if (!work)
        return PACK_APPLY_LIMIT;
    enum patch_status status = set_up(work, read_old);
    if (status == PATCH_OK)
        status = check_base(work);
    patch_sha256_begin(&work->hash);
    if (status == PATCH_OK)
        status = work->decoder ? decode(work) : copy_stored(work);
    if (status != PATCH_OK)
        return (enum pack_apply_status)status;
    patch_sha256_end(&work->hash, found);
    return memcmp(found, work->header.new_hash, PATCH_HASH_SIZE) == 0 ? PACK_APPLY_OK
                                                                      : PACK_APPLY_CORRUPT;
}

/* --- in one slot ------------------------------------------------------------------------------ */

uint32_t pack_apply_journal_size(const struct pack_flash *flash, size_t memory_size,
                                 uint32_t scratch)
{
    return patch_journal_size(flash, memory_size, scratch);
}

static bool flash_fits(const struct patch_header *header, const struct pack_flash *flash)
{
    return header->page_size == flash->page && header->old_size <= flash->slot_size &&
           header->new_size <= flash->slot_size && flash->slot_size % flash->page == 0;
}

/* The tables come from the patch's start; what changes from page to page from the journal. */
static enum patch_status resume_or_begin(struct work *work, bool *finished)
{
    const struct patch_header *header = &work->header;
    work->place.flash = work->flash;
    enum patch_status status = patch_decoder_place(work->decoder, &work->place, work->states);
    if (status == PATCH_OK)
        status = patch_in_place_open(&work->place);
    if (status != PATCH_OK)
        return status;
    if (work->place.steps == 0) {
        status = check_base(work);
        if (status != PATCH_WRONG_BASE)
            return status;
        /* Or the new image is there, and the power was cut while the journal was forgotten. */
        status = check_hash(work, (uint32_t)header->new_size, header->new_hash, finished);
        return status == PATCH_OK && !*finished ? PATCH_WRONG_BASE : status;
    }
    const struct patch_device device = {read_patch, read_slot, work};
    work->decoder = patch_decoder_restore(work->decoder, header, &device);
    (void)patch_decoder_unread(work->decoder);
    work->at = work->body + (uint32_t)patch_decoder_consumed(work->decoder);
    return PATCH_OK;
}

static enum patch_status make_page(struct work *work, uint32_t page)
{
    size_t size = 1;
    enum patch_status status = patch_in_place_begin(&work->place, page);
    while (status == PATCH_OK && size > 0) {
        status = patch_decoder_step(work->decoder, work->window, &size);
        if (status == PATCH_OK)
            status = patch_in_place_write(&work->place, work->window, size);
    }
    return status == PATCH_OK ? patch_in_place_commit(&work->place) : status;
}

static enum patch_status make_pages(struct work *work)
{
    uint32_t page = 0;
    bool more = true;
    enum patch_status status = PATCH_OK;
    while (status == PATCH_OK && more) {
        status = patch_decoder_page(work->decoder, &page, &more);
        if (status == PATCH_OK && more)
            status = make_page(work, page);
    }
    return status == PATCH_OK ? patch_decoder_end(work->decoder) : status;
}

static enum patch_status prove(struct work *work)
{
    bool same = false;
    enum patch_status status =
        check_hash(work, (uint32_t)work->header.new_size, work->header.new_hash, &same);
    if (status == PATCH_OK && !same)
        status = PATCH_CORRUPT;
    return status == PATCH_OK ? patch_in_place_clear(&work->place) : status;
}

enum pack_apply_status pack_apply_in_place(const struct pack_apply *apply,
                                           const struct pack_flash *flash)
{
    bool finished = false;
    struct work *work = begin_work(apply, flash);
    if (!work)
        return PACK_APPLY_LIMIT;
    enum patch_status status = set_up(work, read_slot);
    if (status == PATCH_OK && !flash_fits(&work->header, flash))
        status = PATCH_UNSUPPORTED;
    if (status == PATCH_OK)
        status = patch_decoder_begin(work->decoder);
    if (status == PATCH_OK)
        status = resume_or_begin(work, &finished);
    if (status == PATCH_OK && !finished)
        status = make_pages(work);
    if (status == PATCH_OK && !finished)
        status = prove(work);
    return (enum pack_apply_status)status;
}
