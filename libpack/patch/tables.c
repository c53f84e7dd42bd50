/* SPDX-License-Identifier: MIT */
#include "patch/body.h"

/* --- numbers with a sign ---------------------------------------------------------------------- */

/* 0, −1, 1, −2, 2 … as 0, 1, 2, 3, 4 … */
static uint64_t fold(uint64_t difference)
{
    return difference >> 63 ? ~difference << 1 | 1 : difference << 1;
}

static uint64_t unfold(uint64_t folded)
{
    return folded & 1 ? ~(folded >> 1) : folded >> 1;
}

/* Code lengths end at 63 bits, so the last number is not to be had. */
static uint64_t code_signed(struct patch_coder *coder, struct patch_number_model *model,
                            uint64_t difference)
{
    return unfold(patch_code_number(coder, model, patch_is_writing(coder) ? fold(difference) : 0));
}

/* --- covers ----------------------------------------------------------------------------------- */

struct cover_models {
    struct patch_number_model gap, size, recent, shift;
    patch_offset shifts[PATCH_RECENT_SHIFTS]; /* the last ones first, modulo the type */
};

_Static_assert(sizeof(struct cover_models) <= PATCH_TABLES_WORK, "as the header says");

/* The shift's place among the recent ones, or their number. */
static unsigned find_shift(const struct cover_models *models, patch_offset shift)
{
    unsigned i = 0;
    while (i < PATCH_RECENT_SHIFTS && models->shifts[i] != shift)
        i++;
    return i;
}

static patch_offset code_shift(struct patch_coder *coder, struct cover_models *models,
                               patch_offset shift)
{
    unsigned found = patch_is_writing(coder) ? find_shift(models, shift) : 0;
    uint64_t which = patch_code_number(coder, &models->recent, found);
    if (which >= PATCH_RECENT_SHIFTS) {
        shift = models->shifts[0] +
                (patch_offset)code_signed(coder, &models->shift, shift - models->shifts[0]);
        which = PATCH_RECENT_SHIFTS - 1;
    } else {
        shift = models->shifts[which];
    }
    for (unsigned i = (unsigned)which; i > 0; i--)
        models->shifts[i] = models->shifts[i - 1];
    models->shifts[0] = shift;
    return shift;
}

/* No cover crosses from the old image into the new one behind it. */
static bool cover_fits(const struct patch_cover *cover, const struct patch_source *old,
                       patch_offset new_size)
{
    patch_offset old_size = cover->old_offset < old->size ? old->size : old->size + old->more;
    return cover->size > 0 && cover->size <= old_size &&
           cover->old_offset <= old_size - cover->size && cover->size <= new_size &&
           cover->new_offset <= new_size - cover->size;
}

static enum patch_status code_covers(struct patch_coder *coder, struct cover_models *models,
                                     struct patch_tables *tables, const struct patch_source *old,
                                     patch_offset new_size)
{
    patch_offset at = 0;
    for (size_t i = 0; i < tables->cover_count; i++) {
        struct patch_cover *cover = &tables->covers[i];
        uint64_t gap = patch_code_number(coder, &models->gap, cover->new_offset - at);
        uint64_t size = patch_code_number(coder, &models->size, cover->size - 1);
        patch_offset shift = code_shift(coder, models, cover->new_offset - cover->old_offset);
        /* Each is tested before it is added, so that no sum wraps. */
        if (gap > new_size - at || size >= new_size - at - gap)
            return PATCH_MALFORMED;
        at += (patch_offset)gap;
        if (!patch_is_writing(coder)) {
            cover->new_offset = at;
            cover->old_offset = at - shift;
            cover->size = (patch_offset)size + 1;
        }
        if (!cover_fits(cover, old, new_size))
            return PATCH_MALFORMED;
        at += cover->size;
    }
    return coder->failed ? PATCH_IO : PATCH_OK;
}

/* --- layout ----------------------------------------------------------------------------------- */

struct span_models {
    struct patch_number_model gap, size, value;
};

static bool code_span(struct patch_coder *coder, struct span_models *models, patch_offset *start,
                      patch_offset *end, patch_offset *last, patch_offset size)
{
    uint64_t gap = patch_code_number(coder, &models->gap, *start - *last);
    uint64_t length = patch_code_number(coder, &models->size, *end - *start);
    if (gap > size - *last || length > size - *last - gap)
        return false;
    *start = (patch_offset)(*last + gap);
    *end = (patch_offset)(*start + length);
    *last = *end;
    return true;
}

static enum patch_status code_ranges(struct patch_coder *coder, struct span_models *models,
                                     struct patch_range *ranges, size_t count, patch_offset size)
{
    patch_offset last = 0;
    uint64_t expected = 0; /* addresses often go on where the last range ended */
    for (size_t i = 0; i < count; i++) {
        struct patch_range *range = &ranges[i];
        if (!code_span(coder, models, &range->start, &range->end, &last, size))
            return PATCH_MALFORMED;
        const patch_offset length = range->end - range->start;
        expected += code_signed(coder, &models->value, range->address - expected);
        if (sizeof(patch_address) < sizeof(uint64_t) && expected > PATCH_MOST_ADDRESS - length)
            return PATCH_UNSUPPORTED;
        range->address = (patch_address)expected;
        expected += length;
    }
    return PATCH_OK;
}

static enum patch_status code_regions(struct patch_coder *coder, struct span_models *models,
                                      struct patch_region *regions, size_t count, patch_offset size)
{
    patch_offset last = 0;
    for (size_t i = 0; i < count; i++) {
        struct patch_region *region = &regions[i];
        if (!code_span(coder, models, &region->start, &region->end, &last, size))
            return PATCH_MALFORMED;
        uint64_t kind = patch_code_number(coder, &models->value, region->kind);
        if (kind >= PATCH_REGION_KINDS)
            return PATCH_MALFORMED;
        region->kind = (uint8_t)kind;
        for (int p = 0; p < 2; p++)
            region->parameter[p] =
                (patch_address)patch_code_number(coder, &models->value, region->parameter[p]);
    }
    return PATCH_OK;
}

static enum patch_status code_layout(struct patch_coder *coder, struct patch_tables *tables,
                                     patch_offset old_size, patch_offset new_size)
{
    struct span_models *spans = tables->work;
    patch_number_model_begin(&spans->gap);
    patch_number_model_begin(&spans->size);
    patch_number_model_begin(&spans->value);
    patch_account_to(coder, PATCH_ACCOUNT_LAYOUT);
    enum patch_status status =
        code_ranges(coder, spans, tables->old_ranges, tables->old_range_count, old_size);
    if (status == PATCH_OK)
        status = code_ranges(coder, spans, tables->new_ranges, tables->new_range_count, new_size);
    if (status == PATCH_OK)
        status = code_regions(coder, spans, tables->regions, tables->region_count, old_size);
    return status == PATCH_OK && coder->failed ? PATCH_IO : status;
}

/* --- all of them ------------------------------------------------------------------------------ */

enum patch_status patch_code_tables(struct patch_coder *coder, struct patch_tables *tables,
                                    const struct patch_source *old, patch_offset new_size)
{
    struct cover_models *covers = tables->work;
    patch_number_model_begin(&covers->gap);
    patch_number_model_begin(&covers->size);
    patch_number_model_begin(&covers->recent);
    patch_number_model_begin(&covers->shift);
    for (int i = 0; i < PATCH_RECENT_SHIFTS; i++)
        covers->shifts[i] = 0;
    patch_account_to(coder, PATCH_ACCOUNT_COVERS);
    enum patch_status status = code_covers(coder, covers, tables, old, new_size);
    return status == PATCH_OK ? code_layout(coder, tables, old->size, new_size) : status;
}
