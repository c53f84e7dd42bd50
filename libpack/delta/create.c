/* SPDX-License-Identifier: MIT */
#include "pack/delta.h"
#include "pack/limits.h"

#include "base/memory.h"
#include "delta/attempt.h"
#include "delta/foreign.h"
#include "delta/images.h"
#include "delta/map.h"

#include <stdio.h>
#include <stdlib.h>

/* What creation holds, in the order in which it comes to be. */
struct creation {
    const struct pack_context *context;
    const struct pack_delta_options *options;
    struct pack_error *error;
    struct delta_inputs images;
    struct delta_pair pair;
    struct delta_attempt best; /* the smallest patch so far; its size is 0 before the first */
};

static void free_creation(struct creation *creation)
{
    unpacked_free(&creation->pair.old_unpacked);
    unpacked_free(&creation->pair.new_unpacked);
    delta_attempt_free(&creation->best);
    delta_inputs_close(&creation->images);
}

/* --- images ----------------------------------------------------------------------------------- */

static int open_images(struct creation *creation, struct pack_input *old_image,
                       struct pack_input *new_image)
{
    struct delta_pair *pair = &creation->pair;
    int status = delta_inputs_open(&creation->images, old_image, new_image,
                                   delta_memory_of(creation->options), creation->context,
                                   pair->old_hash, pair->new_hash, creation->error);
    pair->old_image = creation->images.old_image.image;
    pair->new_image = creation->images.new_image.image;
    return status;
}

/* Opening costs the device the memory of the opened old image: not for less than a 64th of it. */
static bool is_worthwhile(const struct unpacked *unpacked, const struct delta_bytes *image)
{
    size_t change =
        unpacked->size > image->size ? unpacked->size - image->size : image->size - unpacked->size;
    return unpacked->plan_size > 0 && change >= image->size / 64;
}

/* Opens packed parts of both; it pays only where both have some. */
static int open_packed(struct creation *creation)
{
    const struct pack_delta_options *options = creation->options;
    struct delta_pair *pair = &creation->pair;
    /* Opened images are held in memory, both of them. */
    const uint64_t packed = (uint64_t)pair->old_image.size + pair->new_image.size;
    if (options->keep_packed || options->decoder != PACK_DECODER_FULL ||
        packed > delta_memory_of(options) / 2)
        return 0;
    const struct unpack_options how = {
        .memory = delta_memory_of(options) / 8 * 5, .depth = 4, .effort = (unsigned)options->level};
    const struct unpack_bytes was = {pair->old_image.bytes, pair->old_image.size};
    const struct unpack_bytes is = {pair->new_image.bytes, pair->new_image.size};
    int status = unpack_pair(&pair->old_unpacked, &pair->new_unpacked, &was, &is, &how,
                             creation->context, creation->error);
    const uint64_t opened = (uint64_t)pair->old_unpacked.size + pair->new_unpacked.size;
    if (!status && (opened > delta_memory_of(options) / 4 * 3 ||
                    !is_worthwhile(&pair->new_unpacked, &pair->new_image))) {
        unpacked_free(&pair->old_unpacked);
        unpacked_free(&pair->new_unpacked);
    }
    return status;
}

/* --- attempts --------------------------------------------------------------------------------- */

static size_t size_of(const struct delta_attempt *attempt)
{
    return attempt->patch.size;
}

static void keep_smaller(struct creation *creation, struct delta_attempt *attempt)
{
    struct delta_attempt other = creation->best;
    if (size_of(&other) > 0 && size_of(&other) <= size_of(attempt))
        return;
    creation->best = *attempt;
    *attempt = other;
}

/* A way that the device has no memory for is passed over, as long as there is another one. */
static int try_way(struct creation *creation, const struct delta_way *way, bool last)
{
    PACK_AUTO(delta_attempt_free) struct delta_attempt attempt = {0};
    int status = delta_attempt(&attempt, &creation->pair, way, creation->options, creation->context,
                               creation->error);
    if (status == PACK_E_LIMIT && (!last || size_of(&creation->best) > 0)) {
        pack_error_clear(creation->error);
        return 0;
    }
    if (!status && !attempt.hopeless)
        keep_smaller(creation, &attempt);
    return status;
}

/* 1/16 bit for each of `count`; what nothing was measured of keeps its estimate. */
static uint32_t measured(uint64_t bits, uint64_t count, uint32_t estimate, uint32_t least,
                         uint32_t most)
{
    if (count < 32)
        return estimate;
    uint64_t each = 16 * bits / count;
    return each < least ? least : each > most ? most : (uint32_t)each;
}

/* What covers, misses and new bytes cost in the smallest patch so far. */
static void learn_costs(const struct creation *creation, struct delta_way *way)
{
    const struct delta_attempt *attempt = &creation->best;
    const uint64_t *bits = attempt->spent.bits;
    uint64_t copied = 0;
    for (size_t i = 0; i < attempt->covers.count; i++)
        copied += attempt->covers.list[i].size;
    way->cost_cover = measured(bits[PATCH_ACCOUNT_COVERS], attempt->covers.count, way->cost_cover,
                               16 * 16, 48 * 16);
    way->cost_miss = measured(bits[PATCH_ACCOUNT_HITS] + bits[PATCH_ACCOUNT_MISSES],
                              attempt->spent.missed, way->cost_miss, 5 * 16, 16 * 16);
    way->cost_extra = measured(bits[PATCH_ACCOUNT_EXTRA],
                               delta_attempt_new(attempt, &creation->pair).size - copied,
                               way->cost_extra, 24, 8 * 16);
}

/* From estimates first; the best level goes on with what the coder really made of the covers. */
static int try_costs(struct creation *creation, const struct delta_way *estimate, bool opened,
                     bool last)
{
    struct delta_way way = *estimate;
    way.opened = opened;
    int status = try_way(creation, &way, last);
    if (status || creation->options->level != PACK_DELTA_BEST || size_of(&creation->best) == 0)
        return status;
    learn_costs(creation, &way);
    return try_way(creation, &way, last);
}

static int try_estimates(struct creation *creation, bool opened, bool last)
{
    static const struct delta_way ways[] = {
        [PACK_DELTA_FAST] = {.effort = DELTA_FAST,
                             .cost_cover = 36 * 16,
                             .cost_miss = 10 * 16,
                             .cost_extra = 88},
        [PACK_DELTA_DEFAULT] = {.effort = DELTA_DEFAULT,
                                .cost_cover = 30 * 16,
                                .cost_miss = 9 * 16,
                                .cost_extra = 92},
        [PACK_DELTA_BEST] = {.effort = DELTA_BEST,
                             .cost_cover = 30 * 16,
                             .cost_miss = 9 * 16,
                             .cost_extra = 92},
    };
    /* Fewer and longer covers, which suit images that were built anew. */
    static const struct delta_way other = {
        .effort = DELTA_DEFAULT, .cost_cover = 40 * 16, .cost_miss = 9 * 16, .cost_extra = 84};
    enum pack_delta_level level = creation->options->level;
    int status = try_costs(creation, &ways[level], opened, last);
    if (!status && level == PACK_DELTA_BEST)
        status = try_costs(creation, &other, opened, last);
    return status;
}

static int try_ways(struct creation *creation)
{
    int status = 0;
    if (creation->pair.old_unpacked.plan_size > 0)
        status = try_estimates(creation, true, false);
    /* Opening packed parts may not pay, but where it does, it does by far. */
    bool settled = size_of(&creation->best) > 0 &&
                   size_of(&creation->best) < creation->pair.new_image.size / 16;
    return status || settled ? status : try_estimates(creation, false, true);
}

/* The new image itself, where no patch is smaller. */
static int try_stored(struct creation *creation)
{
    PACK_AUTO(delta_attempt_free) struct delta_attempt attempt = {0};
    /* In place, an image that is stored is no easier than the full image without a patch. */
    size_t best = size_of(&creation->best);
    if (creation->options->in_place || (best > 0 && best <= creation->pair.new_image.size))
        return 0;
    int status =
        delta_attempt_stored(&attempt, &creation->pair, creation->options, creation->error);
    if (!status)
        keep_smaller(creation, &attempt);
    return status;
}

/* --- proof ------------------------------------------------------------------------------------ */

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
    const struct delta_pair *pair = &creation->pair;
    const struct pack_buffer *made = &creation->best.patch;
    struct comparison comparison = {
        .sink = {&ops}, .bytes = pair->new_image.bytes, .size = pair->new_image.size};
    struct pack_context context = {.decoder_memory = UINT64_MAX};
    if (creation->context) {
        context = *creation->context;
        context.decoder_memory = UINT64_MAX;
    }
    PACK_AUTO(pack_input_close) struct pack_input *old_image = NULL, *patch = NULL;
    struct pack_error *error = creation->error;
    int status = pack_input_memory(&old_image, pair->old_image.bytes, pair->old_image.size,
                                   "the old image", error);
    if (!status)
        status = pack_input_memory(&patch, made->bytes, made->size, "the patch", error);
    if (!status)
        status = pack_patch_apply(&context, patch, old_image, &comparison.sink, error);
    return status ? pack_context(error, "the patch that was made does not apply") : 0;
}

/* --- report ----------------------------------------------------------------------------------- */

static void count_bytes(const struct delta_attempt *attempt, struct pack_delta_report *report)
{
    report->covers = attempt->covers.count;
    for (size_t i = 0; i < attempt->covers.count; i++)
        report->copied += attempt->covers.list[i].size;
    report->extra = report->plain_new_size - report->copied;
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
    const struct delta_attempt *attempt = &creation->best;
    const uint64_t *bits = attempt->spent.bits;
    *report = (struct pack_delta_report){
        .old_size = creation->pair.old_image.size,
        .new_size = creation->pair.new_image.size,
        .patch_size = attempt->patch.size,
        .plain_old_size = delta_attempt_old(attempt, &creation->pair).size,
        .plain_new_size = delta_attempt_new(attempt, &creation->pair).size,
        .decoder_memory = attempt->header.memory,
        .referenced = attempt->spent.referenced,
        .missed = attempt->spent.missed,
        .stored = attempt->header.flags & PATCH_STORED,
        .bits_plans = bits[PATCH_ACCOUNT_PLANS],
        .bits_layout = bits[PATCH_ACCOUNT_LAYOUT],
        .bits_covers = bits[PATCH_ACCOUNT_COVERS],
        .bits_hits = bits[PATCH_ACCOUNT_HITS],
        .bits_misses = bits[PATCH_ACCOUNT_MISSES],
        .bits_extra = bits[PATCH_ACCOUNT_EXTRA],
    };
    if (!report->stored)
        count_bytes(attempt, report);
    name_architectures(&attempt->layout.layout, report->architecture, sizeof(report->architecture));
    if (attempt->opened)
        (void)snprintf(report->unpacked, sizeof(report->unpacked), "%s",
                       creation->pair.new_unpacked.summary);
}

/* --- the whole -------------------------------------------------------------------------------- */

static int check_in_place(const struct pack_delta_options *options, struct pack_error *error)
{
    const uint32_t page = options->in_place;
    if (page == 0)
        return 0;
    if (options->decoder == PACK_DECODER_FULL) {
        (void)pack_fail(error, PACK_E_USAGE, "the full decoder does not apply patches in place");
        return pack_hint(error, "choose --decoder tiny or small");
    }
    if (page < 128 || page > UINT32_C(1) << 24 || (page & (page - 1)) != 0)
        return pack_fail(error, PACK_E_USAGE,
                         "pages of %u bytes, a power of two from 128 to 16 MiB wanted", page);
    if (options->scratch > UINT32_C(1) << 28)
        return pack_fail(error, PACK_E_USAGE, "%u bytes of scratch, at most 256 MiB wanted",
                         options->scratch);
    return 0;
}

static int create_own(struct creation *creation, struct pack_sink *patch)
{
    int status = open_packed(creation);
    if (!status)
        status = try_ways(creation);
    if (!status)
        status = try_stored(creation);
    if (!status)
        status = prove(creation);
    return status ? status
                  : pack_sink_write(patch, creation->best.patch.bytes, creation->best.patch.size,
                                    creation->error);
}

static int create_foreign(const struct creation *creation, struct pack_sink *patch,
                          struct pack_delta_report *report)
{
    const struct delta_pair *pair = &creation->pair;
    const struct delta_foreign_job job = {
        .old_bytes = pair->old_image.bytes,
        .old_size = pair->old_image.size,
        .new_bytes = pair->new_image.bytes,
        .new_size = pair->new_image.size,
        .level = creation->options->level,
        .memory = delta_memory_of(creation->options) / 2,
        .context = creation->context,
    };
    return delta_foreign_create(delta_foreign_find(creation->options->format), &job, patch, report,
                                creation->error);
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
    int status = check_in_place(options, error);
    if (!status)
        status = open_images(&creation, old_image, new_image);
    if (status)
        return status;
    if (delta_foreign_find(options->format))
        return create_foreign(&creation, patch, report);
    status = create_own(&creation, patch);
    if (!status && report)
        fill_report(&creation, report);
    return status;
}

int pack_delta_map(const struct pack_context *context, struct pack_input *old_image,
                   struct pack_input *new_image, const struct pack_delta_options *options,
                   struct pack_delta_cell *cells, size_t cell_count, uint64_t *cell_size,
                   struct pack_delta_report *report, struct pack_error *error)
{
    PACK_AUTO(free_creation)
    struct creation creation = {.context = context, .options = options, .error = error};
    int status = open_images(&creation, old_image, new_image);
    if (!status)
        status = open_packed(&creation);
    if (!status)
        status = try_ways(&creation);
    if (!status)
        status =
            delta_map_fill(&creation.best, &creation.pair, cells, cell_count, cell_size, error);
    if (!status && report)
        fill_report(&creation, report);
    return status;
}
