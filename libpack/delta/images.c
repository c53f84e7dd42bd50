/* SPDX-License-Identifier: MIT */
#include "delta/images.h"

#include "base/checked.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define ASKED_EVERY 16 /* questions between two looks at the memory */
#define CHUNK ((size_t)4 << 20)

/* --- giving pages back ------------------------------------------------------------------------ */

/* Bytes that the process holds, or 0 where the kernel does not say (proc(5), statm). */
static uint64_t resident(void)
{
    char line[128] = "", *end = line;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    bool read = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    (void)strtoull(line, &end, 10); /* all of it; then what is held */
    return read ? strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static void give_back(const struct delta_image *image)
{
    /* Only what is mapped from a file, so that nothing is lost; a failure costs memory only. */
    if (image->mapping)
        (void)madvise(image->mapping, image->image.size, MADV_DONTNEED);
}

static bool is_cancelled(void *user)
{
    struct delta_inputs *images = user;
    if (atomic_fetch_add(&images->asked, 1) % ASKED_EVERY == 0 &&
        resident() > images->memory / 4 * 3) {
        give_back(&images->old_image);
        give_back(&images->new_image);
    }
    const struct pack_context *outer = images->outer;
    return outer && outer->cancelled && outer->cancelled(outer->user);
}

static void forward_log(void *user, enum pack_log_level level, const char *text)
{
    const struct delta_inputs *images = user;
    pack_log(images->outer, level, "%s", text);
}

static void forward_progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    const struct delta_inputs *images = user;
    pack_progress(images->outer, what, done, total);
}

static void wrap_context(struct delta_inputs *images, const struct pack_context *outer)
{
    images->outer = outer;
    if (outer)
        images->context = *outer;
    images->context.user = images;
    images->context.log = forward_log;
    images->context.progress = forward_progress;
    images->context.cancelled = is_cancelled;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int read_whole(struct delta_image *image, struct pack_input *input, struct pack_error *error)
{
    image->owned = malloc(image->image.size + 1);
    if (!image->owned)
        return pack_fail_memory(error);
    image->image.bytes = image->owned;
    return pack_input_exact(input, 0, image->owned, image->image.size, PACK_E_CHANGED, error);
}

/* True when the input is a file that could be mapped. */
static bool map_whole(struct delta_image *image, const struct pack_input *input)
{
    int descriptor = pack_input_descriptor(input);
    if (descriptor < 0)
        return false;
    void *mapping = mmap(NULL, image->image.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapping == MAP_FAILED)
        return false;
    image->mapping = mapping;
    image->image.bytes = mapping;
    return true;
}

static int hash_image(const struct delta_inputs *images, const struct delta_image *image,
                      uint8_t hash[PACK_SHA256_SIZE], struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *running = NULL;
    int status = pack_sha256_new(&running, error);
    for (size_t at = 0; !status && at < image->image.size;) {
        size_t part = (size_t)pack_min(CHUNK, image->image.size - at);
        status = pack_check_cancelled(&images->context, error);
        if (!status)
            status = pack_sha256_update(running, image->image.bytes + at, part, error);
        at += part;
    }
    return status ? status : pack_sha256_finish(running, hash, error);
}

static int open_image(const struct delta_inputs *images, struct delta_image *image,
                      struct pack_input *input, uint8_t hash[PACK_SHA256_SIZE],
                      struct pack_error *error)
{
    if (!input->has_size || !pack_to_size(input->size, &image->image.size))
        return pack_fail(error, PACK_E_USAGE, "a delta is made from files");
    bool large = image->image.size > images->memory / 16;
    int status = large && map_whole(image, input) ? 0 : read_whole(image, input, error);
    if (!status)
        status = hash_image(images, image, hash, error);
    return status ? pack_at_file(error, input->name) : 0;
}

int delta_inputs_open(struct delta_inputs *images, struct pack_input *old_image,
                      struct pack_input *new_image, uint64_t memory,
                      const struct pack_context *outer, uint8_t old_hash[PACK_SHA256_SIZE],
                      uint8_t new_hash[PACK_SHA256_SIZE], struct pack_error *error)
{
    images->memory = memory;
    wrap_context(images, outer);
    int status = open_image(images, &images->old_image, old_image, old_hash, error);
    return status ? status : open_image(images, &images->new_image, new_image, new_hash, error);
}

static void close_image(struct delta_image *image)
{
    free(image->owned);
    if (image->mapping)
        (void)munmap(image->mapping, image->image.size);
    *image = (struct delta_image){.owned = NULL};
}

void delta_inputs_close(struct delta_inputs *images)
{
    close_image(&images->old_image);
    close_image(&images->new_image);
}
