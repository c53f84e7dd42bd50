/* SPDX-License-Identifier: MIT */
#include "install/images.h"

#include "base/memory.h"
#include "bundle/payload.h"
#include "install/pause.h"
#include "install/watched.h"
#include "install/write.h"
#include "io/wait.h"
#include "slot/slot.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* --- the running set ------------------------------------------------------------------------- */

static int open_running(struct images *images, size_t index, struct pack_error *error)
{
    const struct pack_device_slot *slot = &images->engine->device->slots[index];
    const enum pack_set set = slot->redundant ? images->engine->running : PACK_SET_A;
    struct pack_input *input = NULL;
    struct pack_error ignored = {0};
    char name[160];
    if (!slot->redundant || !slot_can_read(&slot->targets[set]) ||
        slot_open_read(&input, &slot->targets[set], images->engine->storage, &ignored) != 0)
        return 0;
    int code = watched_open(&images->running[index], &input, error);
    slot_describe(&slot->targets[set], name, sizeof name);
    return code != 0 ? code : pack_bases_add(images->bases, images->running[index], name, error);
}

int images_open(struct images *images, struct pack_error *error)
{
    const struct pack_device *device = images->engine->device;
    int code = pack_bases_new(&images->bases, error);
    for (size_t i = 0; code == 0 && i < device->slot_count; i++)
        code = open_running(images, i, error);
    if (code == 0)
        pack_trusted_use_bases(images->trusted, images->bases);
    return code;
}

void images_close(struct images *images)
{
    pack_bases_free(&images->bases);
    for (size_t i = 0; i < PACK_MAX_SLOTS; i++)
        pack_input_close(&images->running[i]);
}

/* --- what goes where ------------------------------------------------------------------------- */

static const struct pack_release *release_of(const struct images *images)
{
    return pack_trusted_release(images->trusted);
}

/* The decision has found one for each image. */
static const struct pack_device_slot *slot_of(const struct images *images, size_t image)
{
    return pack_device_slot_named(images->engine->device, release_of(images)->images[image].slot);
}

static const struct pack_device_target *target_of(const struct images *images,
                                                  const struct pack_device_slot *slot)
{
    return &slot->targets[slot->redundant ? images->set : PACK_SET_A];
}

static bool has_image(const struct images *images, const struct pack_device_slot *slot)
{
    const struct pack_release *release = release_of(images);
    for (size_t i = 0; i < release->image_count; i++)
        if (strcmp(release->images[i].slot, slot->name) == 0)
            return true;
    return false;
}

/* --- checks ---------------------------------------------------------------------------------- */

static int drop_bytes(struct pack_sink *sink, const void *bytes, size_t size,
                      struct pack_error *error)
{
    (void)sink;
    (void)bytes;
    (void)size;
    return pack_fail(error, PACK_E_INTERNAL, "an encoding was found after all");
}

/* A base that is not there, or of which nobody may read, is another matter than another base. */
static int hint_base(const struct images *images, size_t image, struct pack_error *error)
{
    const struct pack_device_slot *slot = slot_of(images, image);
    const struct pack_device_target *target =
        &slot->targets[slot->redundant ? images->engine->running : PACK_SET_A];
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_error fault = {0};
    char name[160];
    slot_describe(target, name, sizeof name);
    if (slot->redundant && slot_can_read(target) &&
        slot_open_read(&input, target, images->engine->storage, &fault) != 0)
        return pack_hint(error, "the slot that runs cannot be its base: %s: %.200s", name,
                         fault.text);
    return pack_hint(error, "install a bundle that carries a full encoding of it, or a delta "
                            "from what this device runs");
}

/* Says what is missing, for nothing can be extracted. */
static int fail_encoding(struct images *images, size_t image, struct pack_error *error)
{
    static const struct pack_sink_ops ops = {.write = drop_bytes};
    struct pack_sink sink = {.ops = &ops};
    const int code = pack_bundle_extract(images->trusted, image, &sink, error);
    return code == PACK_E_WRONG_BASE ? hint_base(images, image, error) : code;
}

static int check_encoding(struct images *images, size_t image, struct pack_error *error)
{
    const struct pack_delivery *delivery = pack_trusted_delivery(images->trusted);
    for (size_t encoding = 0;; encoding++) {
        const int code = payload_find(images->trusted, image, &encoding, error);
        if (code != 0)
            return code;
        if (encoding == delivery->images[image].encoding_count)
            return fail_encoding(images, image, error);
        if (payload_may_open(images->trusted, image, encoding))
            return 0;
    }
}

int images_check_encodings(struct images *images, struct pack_error *error)
{
    const struct pack_delivery *delivery = pack_trusted_delivery(images->trusted);
    int code = 0;
    for (size_t i = 0; code == 0 && i < delivery->image_count; i++)
        code = check_encoding(images, i, error);
    return code;
}

static int check_target(const struct images *images, size_t image, struct pack_error *error)
{
    const struct pack_device_slot *slot = slot_of(images, image);
    const struct pack_device_target *target = target_of(images, slot);
    struct slot *open = NULL;
    const int code = slot_open_write(&open, target, images->engine->storage,
                                     release_of(images)->images[image].size, error);
    slot_close(&open);
    return code;
}

/* A set is whole only with all of its slots: one without an image is copied, which must work. */
static int check_copy(const struct images *images, const struct pack_device_slot *slot,
                      struct pack_error *error)
{
    if (!slot->redundant || has_image(images, slot) || slot_can_read(&slot->targets[images->set]))
        return 0;
    pack_fail(error, PACK_E_WRONG_DEVICE,
              "the release has no image for slot \"%s\", whose content cannot be copied",
              slot->name);
    return pack_hint(error, "add an image for it to the release");
}

/* The same medium under two names would be written while it runs. */
static int check_distinct(const struct images *images, const struct pack_device_slot *slot,
                          struct pack_error *error)
{
    bool same = false;
    char name[160];
    if (!slot->redundant)
        return 0;
    const int code = slot_is_same(&slot->targets[PACK_SET_A], &slot->targets[PACK_SET_B],
                                  images->engine->storage, &same, error);
    if (code != 0 || !same)
        return code;
    slot_describe(&slot->targets[PACK_SET_B], name, sizeof name);
    pack_fail(error, PACK_E_USAGE, "slot \"%s\" has the same target in both sets: %s", slot->name,
              name);
    return pack_at_file(error, images->engine->device->path);
}

int images_check_targets(struct images *images, struct pack_error *error)
{
    const struct pack_device *device = images->engine->device;
    int code = 0;
    for (size_t i = 0; code == 0 && i < device->slot_count; i++) {
        code = check_copy(images, &device->slots[i], error);
        if (code == 0)
            code = check_distinct(images, &device->slots[i], error);
    }
    for (size_t i = 0; code == 0 && i < release_of(images)->image_count; i++)
        code = check_target(images, i, error);
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

static struct image_write write_of(struct images *images, size_t image)
{
    const struct pack_device_slot *slot = slot_of(images, image);
    const struct pack_release *release = release_of(images);
    return (struct image_write){
        .engine = images->engine,
        .trusted = images->trusted,
        .source = images->source,
        .image = image,
        .slot = slot,
        .target = target_of(images, slot),
        .facts = {.slot = slot->name,
                  .set = pack_set_name(images->set),
                  .version = release->images[image].version != NULL ? release->images[image].version
                                                                    : release->version,
                  .sha256 = release->images[image].sha256},
        .running = images->running[slot - images->engine->device->slots],
        .report = &images->report->images[image],
    };
}

/* Whether the target was written with this very image before; it is proved in any case. */
static bool is_recorded(const struct images *images, const struct image_write *write)
{
    const struct pack_release_image *image = &release_of(images)->images[write->image];
    const struct state_set *set = &images->engine->state->sets[images->set];
    for (size_t i = 0; write->slot->redundant && i < set->image_count; i++)
        if (strcmp(set->images[i].slot, write->slot->name) == 0)
            return set->images[i].size == image->size &&
                   sodium_memcmp(set->images[i].sha256, image->sha256, PACK_SHA256_SIZE) == 0;
    return false;
}

static void event_started(const struct images *images, const struct image_write *write)
{
    struct pack_json *data = events_begin(images->engine->events, "write.started");
    pack_json_string(data, "slot", write->slot->name);
    pack_json_string(data, "image", write->report->name);
    pack_json_string(data, "set", pack_set_name(images->set));
    pack_json_unsigned(data, "size", write->report->size);
    events_end(images->engine->events);
}

static void event_finished(const struct images *images, const struct image_write *write,
                           int64_t began)
{
    const struct pack_install_image *report = write->report;
    struct pack_json *data = events_begin(images->engine->events, "write.finished");
    pack_json_string(data, "slot", write->slot->name);
    pack_json_string(data, "image", report->name);
    pack_json_string(data, "set", pack_set_name(images->set));
    pack_json_string(data, "encoding", report->encoding);
    if (report->codec[0] != '\0')
        pack_json_string(data, "codec", report->codec);
    pack_json_unsigned(data, "size", report->size);
    pack_json_unsigned(data, "transferred", report->transferred);
    pack_json_unsigned(data, "reused", report->reused);
    pack_json_unsigned(data, "written", report->written);
    pack_json_unsigned(data, "resumed", report->resumed);
    pack_json_unsigned(data, "duration_ms", (uint64_t)(wait_now() - began));
    events_end(images->engine->events);
}

/* What is there already, by the record or because an earlier run came so far. */
static bool is_complete(const struct images *images, const struct image_write *write, bool done)
{
    struct pack_error ignored = {0};
    if ((!done && !is_recorded(images, write)) || !slot_can_read(write->target) ||
        image_read_back(write, &ignored) != 0)
        return false;
    write->report->encoding = "present";
    write->report->resumed = write->report->size;
    return true;
}

static int note_done(const struct images *images, size_t done, struct pack_error *error)
{
    struct state_progress *progress = &images->engine->state->progress;
    progress->done_count = done;
    progress->durable = 0;
    const int code = engine_save(images->engine, error);
    if (code == 0)
        pause_forget(images->engine);
    return code;
}

static int write_one(struct images *images, size_t image, size_t number, struct pack_error *error)
{
    const struct state_progress *progress = &images->engine->state->progress;
    struct image_write write = write_of(images, image);
    const int64_t began = wait_now();
    int code = 0;
    write.durable = progress->done_count == number ? progress->durable : 0;
    if (!is_complete(images, &write, number < progress->done_count)) {
        event_started(images, &write);
        code = image_write(&write, error);
        if (code == 0)
            code = image_read_back(&write, error);
    }
    if (code != 0)
        return pack_context(error, "image %s", write.report->name);
    event_finished(images, &write, began);
    return number < progress->done_count ? 0 : note_done(images, number + 1, error);
}

/* Those of both sets first: what has no second slot is written when all else stands. */
static bool is_due(const struct images *images, size_t image, bool redundant)
{
    return !images->source->seekable || slot_of(images, image)->redundant == redundant;
}

static int write_kind(struct images *images, bool redundant, size_t *number,
                      struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < release_of(images)->image_count; i++)
        if (is_due(images, i, redundant)) {
            code = write_one(images, i, *number, error);
            (*number)++;
        }
    return code;
}

static uint64_t recorded_size(const struct images *images, const char *slot)
{
    const struct state_set *set = &images->engine->state->sets[images->engine->running];
    for (size_t i = 0; i < set->image_count; i++)
        if (strcmp(set->images[i].slot, slot) == 0)
            return set->images[i].size;
    return 0;
}

static int copy_slots(struct images *images, struct pack_error *error)
{
    const struct pack_device *device = images->engine->device;
    int code = 0;
    for (size_t i = 0; code == 0 && i < device->slot_count; i++) {
        const struct pack_device_slot *slot = &device->slots[i];
        if (!slot->redundant || has_image(images, slot))
            continue;
        struct pack_install_report *report = images->report;
        if (report->image_count == PACK_MAX_IMAGES)
            return pack_fail(error, PACK_E_LIMIT, "too many images and slots");
        struct pack_install_image *image = &report->images[report->image_count++];
        *image = (struct pack_install_image){.encoding = "copied"};
        snprintf(image->name, sizeof image->name, "%s", slot->name);
        snprintf(image->slot, sizeof image->slot, "%s", slot->name);
        code = slot_copy(images->engine, slot, images->set, recorded_size(images, slot->name),
                         image, error);
        if (code != 0)
            return pack_context(error, "slot %s", slot->name);
    }
    return code;
}

int images_write(struct images *images, struct pack_error *error)
{
    size_t number = 0;
    if (images->engine->state->progress.durable == 0)
        pause_forget(images->engine); /* what is there belongs to another installation */
    int code = write_kind(images, true, &number, error);
    if (code == 0)
        code = copy_slots(images, error);
    if (code == 0 && images->source->seekable)
        code = write_kind(images, false, &number, error);
    return code;
}
