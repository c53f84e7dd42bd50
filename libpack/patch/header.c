/* SPDX-License-Identifier: MIT */
#include "patch/header.h"

#include "patch/in_place.h"
#include "patch/layout.h"

#include <string.h>

static const uint8_t magic[4] = {'F', 'W', 'D', PATCH_FORMAT_VERSION};

#ifdef PATCH_WITHOUT_TINY
#define TINY NULL
#else
#define TINY &patch_model_tiny
#endif
#ifdef PATCH_WITHOUT_SMALL
#define SMALL NULL
#else
#define SMALL &patch_model_small
#endif
#ifdef PATCH_WITHOUT_FULL
#define FULL NULL
#else
#define FULL &patch_model_full
#endif

const struct patch_profile *patch_profile(unsigned number)
{
    static const struct patch_profile profiles[PATCH_PROFILES] = {
        [PATCH_TINY] = {.name = "tiny",
                        .kind = TINY,
                        .window = 128,
                        .most_covers = 384,
                        .most_ranges = PATCH_MAX_RANGES_SMALL,
                        .most_regions = PATCH_MAX_REGIONS_SMALL,
                        .flags = PATCH_STORED | PATCH_IN_PLACE},
        [PATCH_SMALL] = {.name = "small",
                         .kind = SMALL,
                         .window = 512,
                         .most_covers = 1024,
                         .most_ranges = PATCH_MAX_RANGES_SMALL,
                         .most_regions = PATCH_MAX_REGIONS_SMALL,
                         .flags = PATCH_STORED | PATCH_IN_PLACE},
        [PATCH_FULL] = {.name = "full",
                        .kind = FULL,
                        .window = 4096,
                        .indexed = true,
                        .most_covers = UINT32_C(1) << 24,
                        .most_ranges = PATCH_MAX_RANGES_FULL,
                        .most_regions = PATCH_MAX_REGIONS_FULL,
                        .flags = PATCH_STORED | PATCH_UNPACKED},
    };
    return number < PATCH_PROFILES ? &profiles[number] : NULL;
}

enum patch_status patch_header_size(const uint8_t prefix[PATCH_PREFIX_SIZE], size_t *size)
{
    if (memcmp(prefix, magic, 3) != 0)
        return PATCH_MALFORMED;
    if (prefix[3] != PATCH_FORMAT_VERSION)
        return PATCH_UNSUPPORTED;
    *size = prefix[4];
    return *size > PATCH_PREFIX_SIZE ? PATCH_OK : PATCH_MALFORMED;
}

/* --- fields in their order, for both directions ---------------------------------------------- */

struct fields {
#ifndef PATCH_DECODE_ONLY
    uint8_t *out; /* writing, else NULL */
#endif
    const uint8_t *in; /* reading */
    size_t at, size;
    bool failed;
};

static void byte(struct fields *fields, uint8_t *value)
{
    if (fields->at == fields->size)
        fields->failed = true;
#ifndef PATCH_DECODE_ONLY
    else if (fields->out)
        fields->out[fields->at++] = *value;
#endif
    else
        *value = fields->in[fields->at++];
}

/* LEB128, at most `most`; a number has one way to be written. */
static patch_offset number(struct fields *fields, patch_offset value, patch_offset most)
{
    const unsigned width = 8 * sizeof(patch_offset);
    patch_offset result = 0;
    for (unsigned shift = 0; shift < width && !fields->failed; shift += 7) {
        uint8_t part = (uint8_t)((value >> shift & 127) | (value >> shift > 127 ? 128 : 0));
        byte(fields, &part);
        result |= (patch_offset)(part & 127) << shift;
        if (part < 128) {
            fields->failed = fields->failed || (shift > 0 && part == 0) ||
                             (shift + 7 > width && part >> (width - shift) != 0) || result > most;
            return result;
        }
    }
    fields->failed = true;
    return 0;
}

static void hash(struct fields *fields, uint8_t bytes[PATCH_HASH_SIZE])
{
    for (size_t i = 0; i < PATCH_HASH_SIZE; i++)
        byte(fields, &bytes[i]);
}

static uint32_t count(struct fields *fields, uint32_t value, uint32_t most)
{
    return (uint32_t)number(fields, value, most);
}

static patch_offset offset(struct fields *fields, patch_offset value)
{
    patch_offset most = (patch_offset) ~(patch_offset)0;
    return number(fields, value, most >> 1);
}

/* Pages as struct pack_flash has them, and 32 bits for all places in both images. */
static bool pages_fit(const struct patch_header *header)
{
    uint32_t page = header->page_size;
    return page >= 128 && (page & (page - 1)) == 0 &&
           (uint64_t)header->old_size + header->new_size <= UINT32_MAX - page;
}

uint32_t patch_header_pages(const struct patch_header *header)
{
    return (uint32_t)((header->new_size + header->page_size - 1) / header->page_size);
}

static bool body_fields(struct fields *fields, struct patch_header *header,
                        const struct patch_profile *profile)
{
    byte(fields, &header->model.slot_bits);
    byte(fields, &header->model.history_bits);
    byte(fields, &header->model.index_bits);
    header->cover_count = count(fields, header->cover_count, profile->most_covers);
    header->old_range_count = count(fields, header->old_range_count, profile->most_ranges);
    header->new_range_count = count(fields, header->new_range_count, profile->most_ranges);
    header->region_count = count(fields, header->region_count, profile->most_regions);
    if (header->flags & PATCH_UNPACKED) {
        header->plain_old_size = offset(fields, header->plain_old_size);
        header->plain_new_size = offset(fields, header->plain_new_size);
        header->old_plan_size = count(fields, header->old_plan_size, UINT32_C(1) << 28);
        header->new_plan_size = count(fields, header->new_plan_size, UINT32_C(1) << 28);
    } else {
        header->plain_old_size = header->old_size;
        header->plain_new_size = header->new_size;
    }
    if (header->flags & PATCH_IN_PLACE) {
        header->page_size = count(fields, header->page_size, UINT32_C(1) << 24);
        header->scratch_size = count(fields, header->scratch_size, UINT32_C(1) << 30);
    }
    return !fields->failed && (!(header->flags & PATCH_IN_PLACE) || pages_fit(header));
}

static enum patch_status all_fields(struct fields *fields, struct patch_header *header)
{
    byte(fields, &header->profile);
    byte(fields, &header->flags);
    const struct patch_profile *profile = patch_profile(header->profile);
    if (fields->failed || !profile || (header->flags & ~profile->flags) != 0)
        return PATCH_MALFORMED;
    header->old_size = offset(fields, header->old_size);
    header->new_size = offset(fields, header->new_size);
    header->memory = number(fields, header->memory, PATCH_MAX_MEMORY);
    hash(fields, header->old_hash);
    hash(fields, header->new_hash);
    if (!(header->flags & PATCH_STORED))
        fields->failed = !body_fields(fields, header, profile) || fields->failed;
    else if (header->flags != PATCH_STORED || header->profile != 0 || header->memory != 0)
        return PATCH_MALFORMED;
    return fields->failed ? PATCH_MALFORMED : PATCH_OK;
}

uint32_t patch_header_seal(const uint8_t *bytes, size_t size)
{
    uint32_t seal = UINT32_C(2166136261);
    for (size_t i = 0; i < size; i++)
        seal = (seal ^ bytes[i]) * UINT32_C(16777619);
    return seal;
}

enum patch_status patch_header_parse(struct patch_header *header, const uint8_t *bytes, size_t size)
{
    size_t stated = 0;
    if (size < PATCH_PREFIX_SIZE)
        return PATCH_MALFORMED;
    enum patch_status status = patch_header_size(bytes, &stated);
    if (status != PATCH_OK)
        return status;
    memset(header, 0, sizeof(*header));
    struct fields fields = {.in = bytes, .at = PATCH_PREFIX_SIZE, .size = size};
    status = stated == size ? all_fields(&fields, header) : PATCH_MALFORMED;
    if (status == PATCH_OK && fields.at != size)
        status = PATCH_MALFORMED;
    header->seal = patch_header_seal(bytes, size);
    return status;
}

#ifndef PATCH_DECODE_ONLY
size_t patch_header_encode(const struct patch_header *header, uint8_t bytes[PATCH_MAX_HEADER])
{
    struct patch_header copy = *header;
    struct fields fields = {.out = bytes, .at = PATCH_PREFIX_SIZE, .size = PATCH_MAX_HEADER};
    memcpy(bytes, magic, sizeof(magic));
    (void)all_fields(&fields, &copy);
    bytes[4] = (uint8_t)fields.at;
    return fields.at;
}
#endif
