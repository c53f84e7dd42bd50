/* SPDX-License-Identifier: MIT */
#include "pack/delta.h"
#include "pack/limits.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "delta/align.h"
#include "delta/encode.h"
#include "delta/refine.h"
#include "unpack/unpack.h"

#include <stdio.h>
#include <stdlib.h>

/* What creation holds, in the order in which it comes to be. */
struct creation {
    const struct pack_context *context;
    const struct pack_delta_options *options;
    struct pack_error *error;
    uint8_t *old_bytes, *new_bytes;
    size_t old_size, new_size;
    uint8_t old_hash[PACK_SHA256_SIZE], new_hash[PACK_SHA256_SIZE];
    struct unpacked old_unpacked, new_unpacked;
    bool unpacked; /* the patch is between the opened images */
    struct delta_covers covers;
    struct delta_layout layout;
    struct delta_in_place in_place;
    struct pack_buffer patch;
    struct patch_header header;
    uint64_t cost[PATCH_ACCOUNTS];
};

static void free_creation(struct creation *creation)
{
    free(creation->old_bytes);
    free(creation->new_bytes);
    unpacked_free(&creation->old_unpacked);
    unpacked_free(&creation->new_unpacked);
    delta_covers_free(&creation->covers);
    delta_layout_free(&creation->layout);
    delta_in_place_free(&creation->in_place);
    pack_buffer_clear(&creation->patch);
}

static uint64_t memory_of(const struct pack_delta_options *options)
{
    return options->memory ? options->memory : PACK_GIB;
}

/* --- images ------------------------------------------------------------------------------------
 */

static int read_image(uint8_t **bytes, size_t *size, struct pack_input *input,
                      struct pack_error *error)
{
    if (!input->has_size || !pack_to_size(input->size, size))
        return pack_fail(error, PACK_E_USAGE, "a delta is made from files");
    *bytes = malloc(*size + 1);
    if (!*bytes)
        return pack_fail_memory(error);
    int status = pack_input_exact(input, 0, *bytes, *size, PACK_E_CHANGED, error);
    return status ? pack_at_file(error, input->name) : 0;
}

static int read_images(struct creation *creation, struct pack_input *old_image,
                       struct pack_input *new_image)
{
    struct pack_error *error = creation->error;
    int status = read_image(&creation->old_bytes, &creation->old_size, old_image, error);
    if (!status)
        status = read_image(&creation->new_bytes, &creation->new_size, new_image, error);
    if (!status)
        status =
            pack_sha256_bytes(creation->old_bytes, creation->old_size, creation->old_hash, error);
    if (!status)
        status =
            pack_sha256_bytes(creation->new_bytes, creation->new_size, creation->new_hash, error);
    return status;
}

/* Opens packed parts of both; it pays only where both have some. */
static int open_packed(struct creation *creation)
{
    const struct pack_delta_options *options = creation->options;
    if (options->keep_packed || options->decoder != PACK_DECODER_FULL)
        return 0;
    struct unpack_options how = {.memory = memory_of(options) / 4,
                                 .depth = 4,
                                 .prove = true,
                                 .effort = (unsigned)options->level};
    int status = unpack_image(&creation->new_unpacked, creation->new_bytes, creation->new_size,
                              &how, creation->context, creation->error);
    if (status || creation->new_unpacked.plan_size == 0)
        return status;
    how.prove = false;
    status = unpack_image(&creation->old_unpacked, creation->old_bytes, creation->old_size, &how,
                          creation->context, creation->error);
    creation->unpacked = !status && creation->old_unpacked.plan_size > 0;
    return status;
}

static struct delta_bytes old_image_of(const struct creation *creation)
{
    if (creation->unpacked)
        return (struct delta_bytes){creation->old_unpacked.bytes, creation->old_unpacked.size};
    return (struct delta_bytes){creation->old_bytes, creation->old_size};
}

static struct delta_bytes new_image_of(const struct creation *creation)
{
    if (creation->unpacked)
        return (struct delta_bytes){creation->new_unpacked.bytes, creation->new_unpacked.size};
    return (struct delta_bytes){creation->new_bytes, creation->new_size};
}

/* --- what they have in common ------------------------------------------------------------------
 */

static struct delta_match_options match_options(const struct creation *creation)
{
    static const enum delta_effort efforts[] = {[PACK_DELTA_FAST] = DELTA_FAST,
                                                [PACK_DELTA_DEFAULT] = DELTA_DEFAULT,
                                                [PACK_DELTA_BEST] = DELTA_BEST};
    return (struct delta_match_options){
        .effort = efforts[creation->options->level],
        .memory = memory_of(creation->options) / 2,
        .most_covers = patch_profile((unsigned)creation->options->decoder)->most_covers,
        .cost_cover = 26 * 16,
        .cost_miss = 12 * 16,
        .cost_extra = 88,
    };
}

static int compare(struct creation *creation)
{
    struct delta_bytes old_image = old_image_of(creation), new_image = new_image_of(creation);
    struct delta_match_options how = match_options(creation);
    const struct patch_profile *profile = patch_profile((unsigned)creation->options->decoder);
    int status = delta_match(&creation->covers, old_image.bytes, old_image.size, new_image.bytes,
                             new_image.size, &how, creation->context, creation->error);
    struct delta_detect_options detect = {.architecture = creation->options->architecture,
                                          .most_ranges = profile->most_ranges,
                                          .most_regions = profile->most_regions,
                                          .context = creation->context};
    if (!status)
        status = delta_detect(&creation->layout, old_image.bytes, old_image.size, new_image.bytes,
                              new_image.size, &creation->covers, &detect, creation->error);
    if (!status)
        status =
            delta_align(&creation->covers, &creation->layout.layout, old_image.bytes,
                        old_image.size, new_image.bytes, new_image.size, creation->error);
    if (!status)
        status =
            delta_refine(&creation->covers, &creation->layout.layout, old_image.bytes,
                         old_image.size, new_image.bytes, new_image.size, &how, creation->error);
    return status;
}

/* --- one slot ----------------------------------------------------------------------------------
 */

static uint32_t scratch_of(const struct pack_delta_options *options)
{
    return options->scratch ? options->scratch : options->in_place;
}

static int check_in_place(const struct pack_delta_options *options, struct pack_error *error)
{
    const uint32_t page = options->in_place, scratch = scratch_of(options);
    if (page == 0)
        return 0;
    if (options->decoder == PACK_DECODER_FULL) {
        (void)pack_fail(error, PACK_E_USAGE, "the full decoder does not apply patches in place");
        return pack_hint(error, "choose --decoder tiny or small");
    }
    if (page < 128 || page > UINT32_C(1) << 24 || (page & (page - 1)) != 0)
        return pack_fail(error, PACK_E_USAGE,
                         "pages of %u bytes, a power of two from 128 to 16 MiB wanted", page);
    if (scratch % page != 0 || scratch / page > 1 + PATCH_MOST_SPARE)
        return pack_fail(error, PACK_E_USAGE, "%u bytes of scratch, 1 to %u pages of %u wanted",
                         scratch, 1 + PATCH_MOST_SPARE, page);
    return 0;
}

/* Which covers a device with one slot still can use, and in which order it makes the pages. */
static int plan_in_place(struct creation *creation)
{
    const uint32_t page = creation->options->in_place;
    if (page == 0)
        return 0;
    struct delta_in_place_options how = {
        .page = page, .spare = scratch_of(creation->options) / page - 1, .least_cover = 8};
    return delta_in_place(&creation->in_place, &creation->covers, creation->old_bytes,
                          creation->old_size, creation->new_bytes, creation->new_size, &how,
                          creation->error);
}

/* --- the patch ---------------------------------------------------------------------------------
 */

static void start_header(struct creation *creation, uint8_t flags)
{
    creation->header = (struct patch_header){
        .profile = (uint8_t)creation->options->decoder,
        .flags = flags,
        .old_size = (patch_offset)creation->old_size,
        .new_size = (patch_offset)creation->new_size,
        .plain_old_size = (patch_offset)old_image_of(creation).size,
        .plain_new_size = (patch_offset)new_image_of(creation).size,
    };
    memcpy(creation->header.old_hash, creation->old_hash, PATCH_HASH_SIZE);
    memcpy(creation->header.new_hash, creation->new_hash, PATCH_HASH_SIZE);
}

static int write_coded(struct creation *creation)
{
    const struct pack_delta_options *options = creation->options;
    struct delta_script script = {.old_image = old_image_of(creation),
                                  .new_image = new_image_of(creation),
                                  .covers = &creation->covers,
                                  .layout = &creation->layout.layout};
    start_header(creation, creation->unpacked ? PATCH_UNPACKED : 0);
    if (creation->unpacked) {
        const struct unpacked *old_unpacked = &creation->old_unpacked;
        const struct unpacked *new_unpacked = &creation->new_unpacked;
        script.old_plan = (struct delta_bytes){old_unpacked->plan, old_unpacked->plan_size};
        script.new_plan = (struct delta_bytes){new_unpacked->plan, new_unpacked->plan_size};
        creation->header.old_plan_size = (uint32_t)old_unpacked->plan_size;
        creation->header.new_plan_size = (uint32_t)new_unpacked->plan_size;
        creation->header.memory = old_unpacked->memory > new_unpacked->memory
                                      ? old_unpacked->memory
                                      : new_unpacked->memory;
    }
    if (options->in_place) {
        script.covers = &creation->in_place.covers;
        script.in_place = &creation->in_place;
        creation->header.flags |= PATCH_IN_PLACE;
        creation->header.page_size = options->in_place;
        creation->header.scratch_size = scratch_of(options);
    }
    creation->patch.size = 0;
    return delta_encode(&creation->patch, &creation->header, &script,
                        options->decoder_memory ? options->decoder_memory : UINT64_MAX,
                        creation->cost, creation->error);
}

/* The new image itself, where no patch is smaller. */
static int write_stored(struct creation *creation)
{
    uint8_t bytes[PATCH_MAX_HEADER];
    start_header(creation, PATCH_STORED);
    creation->patch.size = 0;
    memset(creation->cost, 0, sizeof(creation->cost));
    int status = pack_buffer_append(&creation->patch, bytes,
                                    patch_header_encode(&creation->header, bytes), creation->error);
    return status ? status
                  : pack_buffer_append(&creation->patch, creation->new_bytes, creation->new_size,
                                       creation->error);
}

/* --- proof -------------------------------------------------------------------------------------
 */

struct comparison {
    struct pack_sink sink;
    const uint8_t *bytes;
    size_t size, at;
};

static int compare_bytes(struct pack_sink *sink, const void *bytes, size_t size,
                         struct pack_error *error)
{
    struct comparison *comparison = (struct comparison *)(void *)sink;
    if (size > comparison->size - comparison->at ||
        memcmp(comparison->bytes + comparison->at, bytes, size) != 0)
        return pack_fail(error, PACK_E_INTERNAL, "the patch does not give the new image");
    comparison->at += size;
    return 0;
}

static int prove(struct creation *creation)
{
    static const struct pack_sink_ops ops = {.write = compare_bytes};
    struct comparison comparison = {
        .sink = {&ops}, .bytes = creation->new_bytes, .size = creation->new_size};
    struct pack_context context = {.decoder_memory = UINT64_MAX};
    PACK_AUTO(pack_input_close) struct pack_input *old_image = NULL, *patch = NULL;
    struct pack_error *error = creation->error;
    int status = pack_input_memory(&old_image, creation->old_bytes, creation->old_size,
                                   "the old image", error);
    if (!status)
        status = pack_input_memory(&patch, creation->patch.bytes, creation->patch.size, "the patch",
                                   error);
    if (!status)
        status = pack_patch_apply(&context, patch, old_image, &comparison.sink, error);
    return status ? pack_context(error, "the patch that was made does not apply") : 0;
}

/* --- report ------------------------------------------------------------------------------------
 */

static void count_bytes(const struct creation *creation, struct pack_delta_report *report)
{
    report->covers = creation->covers.count;
    for (size_t i = 0; i < creation->covers.count; i++)
        report->copied += creation->covers.list[i].size;
    report->extra = new_image_of(creation).size - report->copied;
}

/* The names of the machines whose code was found, as far as they fit. */
static void name_architectures(const struct patch_layout *layout, char *text, size_t capacity)
{
    size_t used = 0;
    for (const struct delta_architecture *known = delta_architectures(); known->name; known++) {
        bool found = false;
        for (size_t i = 0; i < layout->region_count; i++)
            found = found || layout->regions[i].kind == known->region;
        size_t size = strlen(known->name);
        if (!found || known->region == PATCH_REGION_NONE || used + size + 3 > capacity)
            continue;
        used +=
            (size_t)snprintf(text + used, capacity - used, "%s%s", used ? ", " : "", known->name);
    }
}

static void fill_report(const struct creation *creation, struct pack_delta_report *report)
{
    const uint64_t *cost = creation->cost;
    *report = (struct pack_delta_report){
        .old_size = creation->old_size,
        .new_size = creation->new_size,
        .patch_size = creation->patch.size,
        .plain_old_size = old_image_of(creation).size,
        .plain_new_size = new_image_of(creation).size,
        .decoder_memory = creation->header.memory,
        .stored = creation->header.flags & PATCH_STORED,
        .bits_plans = cost[PATCH_ACCOUNT_PLANS] >> 16,
        .bits_layout = cost[PATCH_ACCOUNT_LAYOUT] >> 16,
        .bits_covers = cost[PATCH_ACCOUNT_COVERS] >> 16,
        .bits_hits = cost[PATCH_ACCOUNT_HITS] >> 16,
        .bits_misses = cost[PATCH_ACCOUNT_MISSES] >> 16,
        .bits_extra = cost[PATCH_ACCOUNT_EXTRA] >> 16,
    };
    if (!report->stored)
        count_bytes(creation, report);
    name_architectures(&creation->layout.layout, report->architecture,
                       sizeof(report->architecture));
    if (creation->unpacked)
        (void)snprintf(report->unpacked, sizeof(report->unpacked), "%s",
                       creation->new_unpacked.summary);
}

static int create(struct creation *creation, struct pack_input *old_image,
                  struct pack_input *new_image)
{
    int status = check_in_place(creation->options, creation->error);
    if (!status)
        status = read_images(creation, old_image, new_image);
    if (!status)
        status = open_packed(creation);
    if (!status)
        status = compare(creation);
    if (!status)
        status = plan_in_place(creation);
    if (!status)
        status = write_coded(creation);
    /* In place an image that is stored is no easier than the full image, which needs no patch. */
    if (!status && !creation->options->in_place && creation->patch.size > creation->new_size + 96)
        status = write_stored(creation);
    return status ? status : prove(creation);
}

const char *pack_delta_architecture(size_t index, const char **summary)
{
    const struct delta_architecture *known = delta_architectures();
    while (known->name && index > 0) {
        known++;
        index--;
    }
    *summary = known->summary;
    return known->name;
}

int pack_delta_create(const struct pack_context *context, struct pack_input *old_image,
                      struct pack_input *new_image, struct pack_sink *patch,
                      const struct pack_delta_options *options, struct pack_delta_report *report,
                      struct pack_error *error)
{
    PACK_AUTO(free_creation)
    struct creation creation = {.context = context, .options = options, .error = error};
    creation.patch.limit = SIZE_MAX / 2;
    int status = create(&creation, old_image, new_image);
    if (!status)
        status = pack_sink_write(patch, creation.patch.bytes, creation.patch.size, error);
    if (!status && report)
        fill_report(&creation, report);
    return status;
}
