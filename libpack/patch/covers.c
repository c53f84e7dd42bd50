/* SPDX-License-Identifier: MIT */
#include "patch/covers.h"

/* --- the index -------------------------------------------------------------------------------- */

/* Indices sorted by old_offset; a heap sort, for there is neither heap memory nor qsort here. */
static bool starts_after(const struct patch_cover *list, uint32_t a, uint32_t b)
{
    if (list[a].old_offset != list[b].old_offset)
        return list[a].old_offset > list[b].old_offset;
    return a > b;
}

static void sift(const struct patch_cover *list, uint32_t *heap, size_t root, size_t count)
{
    uint32_t moved = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && starts_after(list, heap[child + 1], heap[child]))
            child++;
        if (!starts_after(list, heap[child], moved))
            break;
        heap[root] = heap[child];
    }
    heap[root] = moved;
}

static void sort_by_old(const struct patch_cover *list, uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count / 2; i-- > 0;)
        sift(list, order, i, count);
    for (size_t left = count; left > 1; left--) {
        uint32_t last = order[left - 1];
        order[left - 1] = order[0];
        order[0] = last;
        sift(list, order, 0, left - 1);
    }
}

void patch_covers_index(struct patch_covers *covers, struct patch_interval *intervals,
                        uint32_t *order)
{
    const struct patch_cover *list = covers->list;
    size_t used = 0;
    patch_offset held = 0; /* size of the cover that made the last interval, before cuts */
    sort_by_old(list, order, covers->count);
    for (size_t i = 0; i < covers->count; i++) {
        const struct patch_cover *cover = &list[order[i]];
        struct patch_interval *last = used > 0 ? &intervals[used - 1] : NULL;
        patch_offset start = cover->old_offset, end = cover->old_offset + cover->size;
        if (last && start < last->old_end) {
            if (cover->size > held && start > last->old_start)
                last->old_end = start;
            else if (cover->size > held)
                used--;
            else
                start = last->old_end;
        }
        if (start >= end)
            continue;
        intervals[used].old_start = start;
        intervals[used].old_end = end;
        intervals[used++].shift = cover->new_offset - cover->old_offset;
        held = cover->size;
    }
    covers->intervals = intervals;
    covers->interval_count = used;
}

/* --- questions -------------------------------------------------------------------------------- */

static bool map_by_index(const struct patch_covers *covers, patch_offset old, patch_offset *moved)
{
    size_t low = 0, high = covers->interval_count; /* the first that starts beyond `old` */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (covers->intervals[middle].old_start <= old)
            low = middle + 1;
        else
            high = middle;
    }
    *moved = old;
    if (low == 0)
        return false;
    *moved += covers->intervals[low - 1].shift;
    return old < covers->intervals[low - 1].old_end;
}

static bool map_by_list(const struct patch_covers *covers, patch_offset old, patch_offset *moved)
{
    const struct patch_cover *before = NULL;
    for (size_t i = 0; i < covers->count; i++) {
        const struct patch_cover *cover = &covers->list[i];
        if (old - cover->old_offset < cover->size) {
            *moved = old - cover->old_offset + cover->new_offset;
            return true;
        }
        if (cover->old_offset + cover->size <= old &&
            (!before || cover->old_offset + cover->size > before->old_offset + before->size))
            before = cover;
    }
    *moved = before ? old - before->old_offset + before->new_offset : old;
    return false;
}

bool patch_covers_map(const struct patch_covers *covers, patch_offset old, patch_offset *moved)
{
    return covers->intervals ? map_by_index(covers, old, moved) : map_by_list(covers, old, moved);
}
