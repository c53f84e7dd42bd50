/* SPDX-License-Identifier: MIT */
#include "delta/match_rest.h"

#include "base/memory.h"

#include <string.h>

void delta_rest_free(struct delta_rest *rest)
{
    free(rest->pieces);
    *rest = (struct delta_rest){0};
}

static int add_piece(struct delta_rest *rest, size_t start, size_t end, struct pack_error *error)
{
    if (rest->count == rest->capacity) {
        size_t capacity = rest->capacity < 64 ? 64 : rest->capacity + rest->capacity / 2;
        struct delta_piece *pieces = reallocarray(rest->pieces, capacity, sizeof *pieces);
        if (pieces == NULL)
            return pack_fail_memory(error);
        rest->pieces = pieces;
        rest->capacity = capacity;
    }
    rest->pieces[rest->count++] =
        (struct delta_piece){.from = start, .at = rest->size, .size = end - start};
    rest->size += end - start;
    return 0;
}

int delta_rest_new(struct delta_rest *rest, const struct delta_covers *covers, size_t image_size,
                   size_t least, struct pack_error *error)
{
    size_t end = 0;
    int status = 0;
    for (size_t i = 0; i <= covers->count && status == 0; i++) {
        size_t start = i < covers->count ? covers->list[i].new_offset : image_size;
        if (start - end >= least)
            status = add_piece(rest, end, start, error);
        if (i < covers->count)
            end = start + covers->list[i].size;
    }
    return status;
}

static int by_old_offset(const void *one, const void *other)
{
    const struct patch_cover *a = one, *b = other;
    return (a->old_offset > b->old_offset) - (a->old_offset < b->old_offset);
}

/* A piece, widened, but never into the one before it. */
static int add_widened(struct delta_rest *rest, size_t start, size_t end, size_t margin,
                       size_t image_size, struct pack_error *error)
{
    size_t least = 0;
    if (rest->count > 0)
        least = rest->pieces[rest->count - 1].from + rest->pieces[rest->count - 1].size;
    start = start > least + margin ? start - margin : least;
    end = image_size - end > margin ? end + margin : image_size;
    return start < end ? add_piece(rest, start, end, error) : 0;
}

int delta_rest_old(struct delta_rest *rest, const struct delta_covers *covers, size_t image_size,
                   size_t least, size_t margin, struct pack_error *error)
{
    PACK_AUTO_FREE struct patch_cover *list = NULL;
    size_t end = 0;
    int status = pack_allocate(&list, covers->count, sizeof *list, error);
    if (status != 0)
        return status;
    if (covers->count > 0) {
        memcpy(list, covers->list, covers->count * sizeof *list);
        qsort(list, covers->count, sizeof *list, by_old_offset);
    }
    for (size_t i = 0; i <= covers->count && status == 0; i++) {
        size_t start = i < covers->count ? list[i].old_offset : image_size;
        if (start >= end + least)
            status = add_widened(rest, end, start, margin, image_size, error);
        if (i < covers->count && start + list[i].size > end)
            end = start + list[i].size;
    }
    return status;
}

/* The piece that holds byte `at` of what is put together. */
static const struct delta_piece *piece_at(const struct delta_rest *rest, size_t at)
{
    size_t low = 0, high = rest->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (rest->pieces[middle].at <= at)
            low = middle;
        else
            high = middle;
    }
    return &rest->pieces[low];
}

void delta_rest_copy(const struct delta_rest *rest, const uint8_t *image, size_t start, size_t end,
                     uint8_t *bytes)
{
    for (size_t at = start; at < end;) {
        const struct delta_piece *piece = piece_at(rest, at);
        size_t within = at - piece->at;
        size_t size = piece->size - within < end - at ? piece->size - within : end - at;
        memcpy(bytes + (at - start), image + piece->from + within, size);
        at += size;
    }
}

int delta_rest_place(const struct delta_rest *old_rest, size_t old_start,
                     const struct delta_rest *new_rest, size_t new_start,
                     const struct patch_cover *cover, struct delta_covers *covers,
                     struct pack_error *error)
{
    int status = 0;
    for (size_t done = 0; done < cover->size && status == 0;) {
        size_t old_at = old_start + cover->old_offset + done;
        size_t new_at = new_start + cover->new_offset + done;
        const struct delta_piece *old_piece = piece_at(old_rest, old_at);
        const struct delta_piece *new_piece = piece_at(new_rest, new_at);
        size_t size = cover->size - done;
        if (size > old_piece->at + old_piece->size - old_at)
            size = old_piece->at + old_piece->size - old_at;
        if (size > new_piece->at + new_piece->size - new_at)
            size = new_piece->at + new_piece->size - new_at;
        struct patch_cover part = {.new_offset = new_piece->from + (new_at - new_piece->at),
                                   .old_offset = old_piece->from + (old_at - old_piece->at),
                                   .size = size};
        status = delta_covers_add(covers, &part, error);
        done += size;
    }
    return status;
}
