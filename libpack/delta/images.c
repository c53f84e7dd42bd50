/* SPDX-License-Identifier: MIT */
#include "delta/images.h"

#include "base/checked.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY (20 * 1000 * 1000) /* ns; in that time some tens of MiB are read */
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

/* Waits for the next look; false when the images are closed. */
static bool wait_for_look(struct delta_inputs *images)
{
    struct timespec until = {0};
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_EVERY;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int result = 0;
    while (!images->is_closing && result == 0)
        result = pthread_cond_timedwait(&images->closing, &images->mutex, &until);
    return !images->is_closing;
}

static void *watch(void *user)
{
    struct delta_inputs *images = user;
    (void)pthread_mutex_lock(&images->mutex);
    while (wait_for_look(images)) {
        if (resident() > images->memory / 4 * 3) {
            give_back(&images->old_image);
            give_back(&images->new_image);
        }
    }
    (void)pthread_mutex_unlock(&images->mutex);
    return NULL;
}

/* Without the thread there is more memory in use, and the same patch. */
static void start_watching(struct delta_inputs *images)
{
    (void)pthread_mutex_init(&images->mutex, NULL);
    (void)pthread_cond_init(&images->closing, NULL);
    images->is_watched = pthread_create(&images->watcher, NULL, watch, images) == 0;
}

static void stop_watching(struct delta_inputs *images)
{
    if (!images->is_watched)
        return;
    (void)pthread_mutex_lock(&images->mutex);
    images->is_closing = true;
    (void)pthread_cond_signal(&images->closing);
    (void)pthread_mutex_unlock(&images->mutex);
    (void)pthread_join(images->watcher, NULL);
    (void)pthread_cond_destroy(&images->closing);
    (void)pthread_mutex_destroy(&images->mutex);
    images->is_watched = false;
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

static int hash_image(const struct delta_image *image, const struct pack_context *context,
                      uint8_t hash[PACK_SHA256_SIZE], struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *running = NULL;
    int status = pack_sha256_new(&running, error);
    for (size_t at = 0; !status && at < image->image.size;) {
        size_t part = (size_t)pack_min(CHUNK, image->image.size - at);
        status = pack_check_cancelled(context, error);
        if (!status)
            status = pack_sha256_update(running, image->image.bytes + at, part, error);
        at += part;
    }
    return status ? status : pack_sha256_finish(running, hash, error);
}

static int open_image(struct delta_image *image, struct pack_input *input, uint64_t memory,
                      struct pack_error *error)
{
    if (!input->has_size || !pack_to_size(input->size, &image->image.size))
        return pack_fail(error, PACK_E_USAGE, "a delta is made from files");
    bool large = image->image.size > memory / 16;
    int status = large && map_whole(image, input) ? 0 : read_whole(image, input, error);
    return status ? pack_at_file(error, input->name) : 0;
}

int delta_inputs_open(struct delta_inputs *images, struct pack_input *old_image,
                      struct pack_input *new_image, uint64_t memory,
                      const struct pack_context *context, uint8_t old_hash[PACK_SHA256_SIZE],
                      uint8_t new_hash[PACK_SHA256_SIZE], struct pack_error *error)
{
    images->memory = memory;
    int status = open_image(&images->old_image, old_image, memory, error);
    if (!status)
        status = open_image(&images->new_image, new_image, memory, error);
    if (status)
        return status;
    if (images->old_image.mapping || images->new_image.mapping)
        start_watching(images);
    status = hash_image(&images->old_image, context, old_hash, error);
    return status ? status : hash_image(&images->new_image, context, new_hash, error);
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
    stop_watching(images);
    close_image(&images->old_image);
    close_image(&images->new_image);
}
