/* SPDX-License-Identifier: MIT */
#include "bundle/payload.h"
#include "bundle/renew.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"
#include "io/parallel.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/*
 * Every pair of images gets its patch in a file of its own, in any order and on all cores. In the
 * order of the pairs, those that are worth it are collected in one scratch file and hashed. Then
 * every size and hash is known, and the bundle is written from its first byte to its last.
 */

enum { NOT_FOUND = -1 };

/* An encoding of the new delivery. */
struct made {
    struct pack_encoding encoding;
    size_t old;              /* the bundle whose image is its base; SIZE_MAX where it was there */
    size_t number;           /* then: of the release's delivery */
    uint64_t scratch_offset; /* else: where the patch lies */
    struct pack_buffer blocks;
};

struct made_image {
    struct pack_input *plain; /* the new image, from the first delta on */
    size_t count;
    struct made list[PACK_MAX_ENCODINGS];
};

struct maker {
    struct pack_output *output;
    struct pack_trusted *trusted; /* the release */
    struct pack_trusted *const *olds;
    size_t old_count;
    const struct pack_bundle_delta_options *options;
    const struct pack_context *context;
    struct pack_context inner; /* for one patch among others */
    struct pack_bundle_delta_report *report;
    struct made_image *images;
    struct pack_delivery_image *delivered;
    struct pack_encoding *encodings;
    int scratch;
    uint64_t scratch_used;
    size_t next;          /* pair to produce */
    uint64_t done, total; /* bytes of new images, for the progress */
    struct renewal renewal;
    char library[64];
};

static void made_image_clear(struct made_image *image)
{
    pack_input_close(&image->plain);
    for (size_t i = 0; i < image->count; i++)
        pack_buffer_clear(&image->list[i].blocks);
}

static void maker_clear(struct maker *maker)
{
    for (size_t i = 0; maker->images != NULL && i < maker->trusted->release->image_count; i++)
        made_image_clear(&maker->images[i]);
    free(maker->images);
    free(maker->delivered);
    free(maker->encodings);
    renewal_clear(&maker->renewal);
    pack_close_descriptor(&maker->scratch);
}

/* --- pairs --------------------------------------------------------------------------------- */

static struct pack_bundle_delta_pair *pair_of(const struct maker *maker, size_t image, size_t old)
{
    return &maker->report->pairs[image * maker->old_count + old];
}

/* An image of that name, else one that goes to the same slot; NOT_FOUND where there is none. */
static int find_old_image(const struct pack_release *old, const struct pack_release_image *image)
{
    for (size_t i = 0; i < old->image_count; i++)
        if (strcmp(old->images[i].name, image->name) == 0)
            return (int)i;
    for (size_t i = 0; i < old->image_count; i++)
        if (strcmp(old->images[i].slot, image->slot) == 0)
            return (int)i;
    return NOT_FOUND;
}

/* NULL where the old bundle has no such image. */
static const struct pack_release_image *old_image_of(const struct maker *maker,
                                                     const struct pack_bundle_delta_pair *pair)
{
    const struct pack_release *old = maker->olds[pair->old]->release;
    const int index = find_old_image(old, &maker->trusted->release->images[pair->image]);
    return index == NOT_FOUND ? NULL : &old->images[index];
}

static bool same_image(const struct pack_release_image *a, const struct pack_release_image *b)
{
    return a->size == b->size && sodium_memcmp(a->sha256, b->sha256, PACK_SHA256_SIZE) == 0;
}

/* The pair of an OLD before that has the same old image; the pair itself where none has. */
static const struct pack_bundle_delta_pair *
first_of_its_kind(const struct maker *maker, const struct pack_bundle_delta_pair *pair)
{
    const struct pack_release_image *old = old_image_of(maker, pair);
    for (size_t i = 0; old != NULL && i < pair->old; i++) {
        const struct pack_bundle_delta_pair *other = pair_of(maker, pair->image, i);
        const struct pack_release_image *image = old_image_of(maker, other);
        if (image != NULL && same_image(image, old))
            return other;
    }
    return pair;
}

/* Whether a patch is to be tried. */
static bool wants_patch(const struct maker *maker, const struct pack_bundle_delta_pair *pair)
{
    const struct pack_release_image *old = old_image_of(maker, pair);
    return old != NULL && !same_image(old, &maker->trusted->release->images[pair->image]) &&
           first_of_its_kind(maker, pair) == pair;
}

/* Stored bytes with their tables. */
static uint64_t travel_size(const struct pack_encoding *encoding)
{
    return encoding->size + layout_table_size(encoding->size, encoding->block_size) +
           layout_frames_size(encoding);
}

/* Of the smallest full encoding; 0 where there is none that can be carried over. */
static uint64_t full_size_of(const struct pack_delivery_image *image)
{
    uint64_t least = 0;
    for (size_t i = 0; i < image->encoding_count; i++) {
        const struct pack_encoding *encoding = &image->encodings[i];
        if (encoding->kind != PACK_ENCODING_FULL || !encoding->supported)
            continue;
        const uint64_t size = travel_size(encoding);
        least = least == 0 ? size : pack_min(size, least);
    }
    return least;
}

static int prepare_pairs(struct maker *maker, struct pack_error *error)
{
    const size_t images = maker->trusted->release->image_count;
    struct pack_bundle_delta_report *report = maker->report;
    const int code =
        pack_allocate(&report->pairs, images * maker->old_count, sizeof *report->pairs, error);
    if (code != 0)
        return code;
    report->pair_count = images * maker->old_count;
    for (size_t i = 0; i < report->pair_count; i++) {
        struct pack_bundle_delta_pair *pair = &report->pairs[i];
        pair->image = i / maker->old_count;
        pair->old = i % maker->old_count;
        pair->full_size = full_size_of(&maker->trusted->delivery->images[pair->image]);
        if (pair->full_size == 0) /* a delta is measured by what a full one might be */
            pair->full_size = maker->trusted->release->images[pair->image].size;
    }
    for (size_t i = 0; i < report->pair_count; i++)
        if (wants_patch(maker, &report->pairs[i]))
            maker->total += maker->trusted->release->images[report->pairs[i].image].size;
    return 0;
}

/* --- images -------------------------------------------------------------------------------- */

/* An image, proved, in an unnamed file beside the output. */
static int open_image(const struct maker *maker, struct pack_trusted *trusted, size_t image,
                      struct pack_input **input, struct pack_error *error)
{
    PACK_AUTO_CLOSE int descriptor = -1;
    int code = pack_output_scratch(maker->output, &descriptor, error);
    if (code != 0)
        return code;
    struct pack_descriptor_sink sink = pack_descriptor_sink(descriptor, 0);
    code = pack_bundle_extract(trusted, image, &sink.sink, error);
    return code != 0
               ? code
               : pack_input_adopt(input, &descriptor, trusted->release->images[image].name, error);
}

/* --- the pipeline -------------------------------------------------------------------------- */

struct task {
    size_t pair;
    struct pack_input *old_image;
    int descriptor; /* of the patch in the making; 0 is none, for a task starts as zeros */
    struct pack_input *patch;
    uint64_t size;
    bool failed; /* PACK_E_LIMIT: it cannot be made within the memory */
};

static void task_clear(void *state)
{
    struct task *task = state;
    pack_input_close(&task->old_image);
    pack_input_close(&task->patch);
    if (task->descriptor > 0)
        pack_close_descriptor(&task->descriptor);
    task->descriptor = 0;
}

static int produce(void *user, void *state, bool *more, struct pack_error *error)
{
    struct maker *maker = user;
    struct task *task = state;
    const struct pack_bundle_delta_report *report = maker->report;
    while (maker->next < report->pair_count && !wants_patch(maker, &report->pairs[maker->next]))
        maker->next++;
    *more = maker->next < report->pair_count;
    if (!*more)
        return 0;
    task_clear(task);
    *task = (struct task){.pair = maker->next++};
    const struct pack_bundle_delta_pair *pair = &report->pairs[task->pair];
    struct made_image *image = &maker->images[pair->image];
    struct pack_trusted *old = maker->olds[pair->old];
    const size_t old_index = (size_t)(old_image_of(maker, pair) - old->release->images);
    int code = open_image(maker, old, old_index, &task->old_image, error);
    if (code == 0 && image->plain == NULL)
        code = open_image(maker, maker->trusted, pair->image, &image->plain, error);
    if (code == 0)
        code = pack_output_scratch(maker->output, &task->descriptor, error);
    return code;
}

static int work(void *user, void *worker, void *state, struct pack_error *error)
{
    const struct maker *maker = user;
    struct task *task = state;
    (void)worker;
    struct pack_bundle_delta_pair *pair = &maker->report->pairs[task->pair];
    struct pack_descriptor_sink sink = pack_descriptor_sink(task->descriptor, 0);
    int code = pack_delta_create(&maker->inner, task->old_image, maker->images[pair->image].plain,
                                 &sink.sink, maker->options->delta, &pair->report, error);
    task->size = sink.offset;
    if (code == 0)
        code = pack_input_adopt(&task->patch, &task->descriptor, "patch", error);
    if (code != PACK_E_LIMIT)
        return code;
    pack_error_clear(error);
    task->failed = true;
    return 0;
}

/* --- choosing ------------------------------------------------------------------------------ */

static int add_made(struct maker *maker, size_t image, struct made **made, struct pack_error *error)
{
    struct made_image *to = &maker->images[image];
    if (to->count == PACK_MAX_ENCODINGS)
        return pack_fail(error, PACK_E_LIMIT, "image \"%s\" would have more than %d encodings",
                         maker->trusted->release->images[image].name, PACK_MAX_ENCODINGS);
    *made = &to->list[to->count++];
    **made = (struct made){.old = SIZE_MAX, .blocks = {.limit = PACK_MAX_TABLES}};
    return 0;
}

static int hash_blocks(struct made *made, struct pack_input *patch, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *block = NULL;
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    struct pack_encoding *encoding = &made->encoding;
    uint8_t digest[PACK_SHA256_SIZE];
    int code = pack_allocate(&block, 1, encoding->block_size, error);
    if (code == 0)
        code = pack_sha256_new(&hash, error);
    for (uint64_t at = 0; code == 0 && at < encoding->size; at += encoding->block_size) {
        const size_t size = (size_t)pack_min(encoding->block_size, encoding->size - at);
        code = pack_input_exact(patch, at, block, size, PACK_E_CHANGED, error);
        if (code == 0)
            code = pack_sha256_of(hash, block, size, digest, error);
        if (code == 0)
            code = pack_buffer_append(&made->blocks, digest, sizeof digest, error);
    }
    return code != 0 ? code
                     : pack_sha256_bytes(made->blocks.bytes, made->blocks.size,
                                         encoding->blocks_sha256, error);
}

/* What the patch itself says that a device needs. */
static int describe_patch(struct made *made, struct pack_input *input, struct pack_error *error)
{
    struct pack_patch *patch = NULL;
    const int code = pack_patch_open(&patch, input, error);
    if (code != 0)
        return code;
    const struct pack_patch_info *info = pack_patch_info(patch);
    made->encoding.decoder_memory = info->memory;
    made->encoding.decoder = pack_delta_decoder_name(info->decoder);
    made->encoding.has_in_place = info->in_place != 0;
    made->encoding.in_place = info->in_place;
    made->encoding.scratch = info->scratch;
    made->encoding.base_size = info->old_size;
    memcpy(made->encoding.base_sha256, info->old_sha256, PACK_SHA256_SIZE);
    pack_patch_close(&patch);
    return 0;
}

/* The patch is kept: behind the others in the scratch file, with its hashes. */
static int keep_patch(struct maker *maker, const struct task *task, struct pack_error *error)
{
    const struct pack_bundle_delta_pair *pair = &maker->report->pairs[task->pair];
    struct made *made = NULL;
    int code = maker->scratch < 0 ? pack_output_scratch(maker->output, &maker->scratch, error) : 0;
    if (code == 0)
        code = add_made(maker, pair->image, &made, error);
    if (code != 0)
        return code;
    made->old = pair->old;
    made->scratch_offset = maker->scratch_used;
    made->encoding = (struct pack_encoding){
        .kind = PACK_ENCODING_DELTA,
        .supported = true,
        .codec = pack_delta_format_name(PACK_DELTA_FWD),
        .library = maker->library,
        .size = task->size,
        .block_size = maker->trusted->release->images[pair->image].block_size,
    };
    code = describe_patch(made, task->patch, error);
    if (code == 0)
        code = hash_blocks(made, task->patch, error);
    if (code == 0)
        code = pack_copy_descriptor(pack_input_descriptor(task->patch), 0, maker->scratch,
                                    maker->scratch_used, task->size, error);
    maker->scratch_used += task->size;
    return code;
}

static const char *reason_of(const struct pack_bundle_delta_pair *pair, const struct task *task)
{
    if (task->failed)
        return "a delta cannot be made within the memory that is allowed";
    if (pair->report.stored)
        return "the two have nothing in common: encrypted, or another image";
    return "a delta would be no smaller";
}

static int consume(void *user, void *state, struct pack_error *error)
{
    struct maker *maker = user;
    struct task *task = state;
    struct pack_bundle_delta_pair *pair = &maker->report->pairs[task->pair];
    const struct pack_release_image *image = &maker->trusted->release->images[pair->image];
    const uint64_t size = task->size + layout_table_size(task->size, image->block_size);
    int code = 0;
    if (!task->failed && size < pair->full_size) {
        pair->kind = PACK_ENCODING_DELTA;
        pair->size = size;
        code = keep_patch(maker, task, error);
    } else {
        pair->reason = reason_of(pair, task);
    }
    task_clear(task);
    maker->done += image->size;
    pack_progress(maker->context, "delta", maker->done, maker->total);
    return code;
}

/* As many patches at once as there are cores; each may use what cores are left. */
static int make_patches(struct maker *maker, struct pack_error *error)
{
    const struct pack_pipeline pipeline = {.task_size = sizeof(struct task),
                                           .produce = produce,
                                           .work = work,
                                           .consume = consume,
                                           .task_clear = task_clear,
                                           .user = maker};
    size_t count = 0;
    for (size_t i = 0; i < maker->report->pair_count; i++)
        count += wants_patch(maker, &maker->report->pairs[i]);
    const unsigned jobs = pack_jobs(maker->context);
    maker->inner = *maker->context;
    maker->inner.log = NULL;
    maker->inner.progress = NULL;
    maker->inner.jobs = count != 0 && count < jobs ? jobs / (unsigned)count : 1;
    return pack_pipeline_run(&pipeline, maker->context, error);
}

/* --- what needs no patch ------------------------------------------------------------------- */

/* Pairs that no task was made for. */
static void settle_pair(struct maker *maker, struct pack_bundle_delta_pair *pair)
{
    const struct pack_release_image *old = old_image_of(maker, pair);
    const struct pack_bundle_delta_pair *first = first_of_its_kind(maker, pair);
    if (old == NULL) {
        pair->reason = "the old bundle has no such image";
    } else if (same_image(old, &maker->trusted->release->images[pair->image])) {
        pair->kind = PACK_ENCODING_KEEP;
        pair->repeated = first != pair;
    } else if (first != pair) {
        const size_t number = pair->old;
        *pair = *first;
        pair->old = number;
        pair->repeated = true;
    }
    if (pair->kind == PACK_ENCODING_FULL)
        pair->size = pair->full_size;
}

/* Encodings of the release's own delivery that stand in the new one too. */
static bool is_carried(const struct maker *maker, size_t image,
                       const struct pack_encoding *encoding, bool full)
{
    const struct made_image *made = &maker->images[image];
    if (!encoding->supported || (encoding->kind == PACK_ENCODING_FULL) != full)
        return false;
    for (size_t i = 0; !full && i < made->count; i++)
        if (sodium_memcmp(made->list[i].encoding.base_sha256, encoding->base_sha256,
                          PACK_SHA256_SIZE) == 0)
            return false;
    return true;
}

static int carry(struct maker *maker, size_t image, bool full, struct pack_error *error)
{
    const struct pack_delivery_image *from = &maker->trusted->delivery->images[image];
    int code = 0;
    for (size_t i = 0; code == 0 && i < from->encoding_count; i++) {
        struct made *made = NULL;
        if (!is_carried(maker, image, &from->encodings[i], full))
            continue;
        code = add_made(maker, image, &made, error);
        if (code != 0)
            break;
        made->encoding = from->encodings[i];
        made->number = i;
    }
    return code;
}

static int add_keep(struct maker *maker, size_t image, struct pack_error *error)
{
    const struct pack_release_image *what = &maker->trusted->release->images[image];
    struct made *made = NULL;
    const int code = add_made(maker, image, &made, error);
    if (code != 0)
        return code;
    made->encoding = (struct pack_encoding){
        .kind = PACK_ENCODING_KEEP, .supported = true, .base_size = what->size};
    memcpy(made->encoding.base_sha256, what->sha256, PACK_SHA256_SIZE);
    return 0;
}

/* The order in which a device tries them: what costs nothing, then deltas, then full. */
static int by_order(const void *a, const void *b)
{
    static const int ranks[] = {[PACK_ENCODING_KEEP] = 0,
                                [PACK_ENCODING_DELTA] = 1,
                                [PACK_ENCODING_FULL] = 2,
                                [PACK_ENCODING_OTHER] = 3};
    const struct made *one = a, *other = b;
    const int first = ranks[one->encoding.kind], second = ranks[other->encoding.kind];
    if (first != second)
        return first - second;
    if (one->old != other->old)
        return one->old < other->old ? -1 : 1;
    return (one->number > other->number) - (one->number < other->number);
}

static int settle_image(struct maker *maker, size_t image, struct pack_error *error)
{
    bool keep = false, full = maker->options->keep_full;
    for (size_t i = 0; i < maker->old_count; i++) {
        struct pack_bundle_delta_pair *pair = pair_of(maker, image, i);
        settle_pair(maker, pair);
        keep = keep || pair->kind == PACK_ENCODING_KEEP;
        full = full || pair->kind == PACK_ENCODING_FULL;
    }
    int code = keep ? add_keep(maker, image, error) : 0;
    if (code == 0)
        code = carry(maker, image, false, error);
    if (code == 0 && full)
        code = carry(maker, image, true, error);
    struct made_image *made = &maker->images[image];
    if (code == 0 && full && full_size_of(&maker->trusted->delivery->images[image]) == 0) {
        pack_fail(error, PACK_E_WRONG_BASE, "has no full encoding of image \"%s\"",
                  maker->trusted->release->images[image].name);
        return pack_hint(error, "give the bundle that was built");
    }
    qsort(made->list, made->count, sizeof *made->list, by_order);
    return code;
}

/* --- the delivery -------------------------------------------------------------------------- */

static void describe_delivery(struct maker *maker, struct pack_delivery *delivery)
{
    size_t used = 0;
    *delivery = *maker->trusted->delivery;
    delivery->revision++;
    delivery->images = maker->delivered;
    for (size_t i = 0; i < delivery->image_count; i++) {
        const struct made_image *image = &maker->images[i];
        maker->delivered[i] =
            (struct pack_delivery_image){.name = maker->trusted->release->images[i].name,
                                         .encoding_count = image->count,
                                         .encodings = maker->encodings + used};
        for (size_t e = 0; e < image->count; e++)
            maker->encodings[used++] = image->list[e].encoding;
    }
    maker->report->revision = delivery->revision;
}

static int make_head(struct maker *maker, struct pack_error *error)
{
    const struct pack_bundle_delta_options *options = maker->options;
    struct pack_delivery delivery;
    describe_delivery(maker, &delivery);
    maker->renewal.output = maker->output;
    maker->renewal.trusted = maker->trusted;
    maker->renewal.signers = (struct renewal_signers){.count = options->signer_count,
                                                      .signers = options->signers,
                                                      .roles = options->signer_roles,
                                                      .all = options->delta->in_place != 0};
    return renewal_make_head(&maker->renewal, &delivery, false, maker->report->delivery_sha256,
                             error);
}

/* --- writing ------------------------------------------------------------------------------- */

static int write_payload(struct maker *maker, const struct layout_entry *entry,
                         const struct made *made, struct pack_error *error)
{
    const int target = pack_output_descriptor(maker->output);
    struct pack_descriptor_sink sink = pack_descriptor_sink(target, entry->data);
    const int code = write_frame_of(maker->output, entry, error);
    if (code != 0)
        return code;
    if (made->old == SIZE_MAX)
        return payload_copy(maker->trusted, entry->image, made->number, &sink.sink, error);
    return pack_copy_descriptor(maker->scratch, made->scratch_offset, target, entry->data,
                                entry->size, error);
}

static int write_of_encoding(struct maker *maker, const struct layout_entry *entry,
                             struct pack_error *error)
{
    const struct made *made = &maker->images[entry->image].list[entry->encoding];
    if (entry->kind == LAYOUT_PAYLOAD)
        return write_payload(maker, entry, made, error);
    return made->old == SIZE_MAX ? renewal_write_table(&maker->renewal, entry, made->number, error)
                                 : write_entry(maker->output, entry, made->blocks.bytes, error);
}

static int write_member(struct maker *maker, const struct layout_entry *entry,
                        struct pack_error *error)
{
    return layout_is_of_encoding(entry) ? write_of_encoding(maker, entry, error)
                                        : renewal_write_kept(&maker->renewal, entry, error);
}

static int write_bundle(struct maker *maker, struct pack_error *error)
{
    const struct layout *layout = maker->renewal.layout;
    int code = written_head_write(&maker->renewal.head, maker->output, error);
    for (size_t i = 0; code == 0 && i < layout->count; i++)
        code = write_member(maker, &layout->entries[i], error);
    maker->report->size = layout->end + TAR_END;
    return code != 0 ? code : write_end(maker->output, layout, error);
}

/* --- all of it ----------------------------------------------------------------------------- */

static int check_products(const struct maker *maker, struct pack_error *error)
{
    const char *product = maker->trusted->release->product;
    for (size_t i = 0; i < maker->old_count; i++) {
        const struct pack_trusted *old = maker->olds[i];
        if (strcmp(old->release->product, product) == 0)
            continue;
        pack_fail(error, PACK_E_USAGE, "is product %s, the new one is %s", old->release->product,
                  product);
        return pack_at_file(error, old->bundle->input->name);
    }
    return 0;
}

static int prepare(struct maker *maker, struct pack_error *error)
{
    const size_t images = maker->trusted->release->image_count;
    snprintf(maker->library, sizeof maker->library, "fwpack %s", pack_version());
    int code = check_products(maker, error);
    if (code == 0)
        code = pack_allocate(&maker->images, images, sizeof *maker->images, error);
    if (code == 0)
        code = pack_allocate(&maker->delivered, images, sizeof *maker->delivered, error);
    if (code == 0)
        code = pack_allocate(&maker->encodings, images * PACK_MAX_ENCODINGS,
                             sizeof *maker->encodings, error);
    if (code == 0)
        code = trusted_load_tables(maker->trusted, error);
    return code != 0 ? code : prepare_pairs(maker, error);
}

int pack_bundle_delta(struct pack_output *output, struct pack_trusted *release,
                      struct pack_trusted *const *olds, size_t old_count,
                      const struct pack_bundle_delta_options *options,
                      const struct pack_context *context, struct pack_bundle_delta_report *report,
                      struct pack_error *error)
{
    PACK_AUTO(maker_clear)
    struct maker maker = {.output = output,
                          .trusted = release,
                          .olds = olds,
                          .old_count = old_count,
                          .options = options,
                          .context = context,
                          .report = report,
                          .scratch = -1};
    *report = (struct pack_bundle_delta_report){.size = 0};
    int code = prepare(&maker, error);
    if (code == 0)
        code = make_patches(&maker, error);
    for (size_t i = 0; code == 0 && i < release->release->image_count; i++)
        code = settle_image(&maker, i, error);
    if (code == 0)
        code = make_head(&maker, error);
    if (code == 0)
        code = write_bundle(&maker, error);
    if (code == 0)
        return 0;
    pack_bundle_delta_report_clear(report);
    return pack_at_file(error, release->bundle->input->name);
}

void pack_bundle_delta_report_clear(struct pack_bundle_delta_report *report)
{
    free(report->pairs);
    *report = (struct pack_bundle_delta_report){.size = 0};
}
