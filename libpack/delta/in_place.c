/* SPDX-License-Identifier: MIT */
#include "delta/in_place.h"

#include "base/checked.h"
#include "base/memory.h"
#include "delta/match_parts.h"
#include "delta/page_order.h"

#include <string.h>

enum {
    COVER_WEIGHT = 4,   /* bytes that a cut through a cover costs beside those it gives up */
    MOST_OVERLAPS = 64, /* other covers looked at for where lost bytes went */
};
#define NEVER UINT32_MAX /* the step of a page that stays */

struct planner {
    struct delta_in_place *plan;
    const struct delta_in_place_options *options;
    const struct delta_covers *covers;
    size_t old_size, new_size;
    size_t pages;        /* of the new image */
    uint32_t *step;      /* of each page: when it is made */
    bool *is_kept;       /* of each piece that is destroyed, in the order of the covers */
    uint32_t *numbers;   /* of each page that changes: its number among those */
    uint32_t *by_old;    /* covers by their old offset */
    patch_offset *reach; /* of by_old: how far it and those before it extend in the old image */
};

/* A part of a cover that lies in one page of either image. */
struct piece {
    size_t new_offset, old_offset, size;
    size_t new_page, old_page;
};

static void free_planner(struct planner *planner)
{
    free(planner->step);
    free(planner->is_kept);
    free(planner->numbers);
    free(planner->by_old);
    free(planner->reach);
}

void delta_in_place_free(struct delta_in_place *plan)
{
    free(plan->steps);
    delta_covers_free(&plan->covers);
    *plan = (struct delta_in_place){0};
}

/* --- pieces ----------------------------------------------------------------------------------- */

static size_t to_page_end(size_t offset, size_t page)
{
    return page - offset % page;
}

/* The piece of the cover that begins `done` bytes into it. */
static struct piece piece_at(const struct planner *planner, const struct patch_cover *cover,
                             size_t done)
{
    const size_t page = planner->options->page;
    struct piece piece = {(size_t)cover->new_offset + done, (size_t)cover->old_offset + done,
                          (size_t)cover->size - done, 0, 0};
    piece.size = pack_min(piece.size, to_page_end(piece.new_offset, page));
    piece.size = pack_min(piece.size, to_page_end(piece.old_offset, page));
    piece.new_page = piece.new_offset / page;
    piece.old_page = piece.old_offset / page;
    return piece;
}

/* Whether making one page can destroy what the other is made from. */
static bool depends(const struct planner *planner, const struct piece *piece)
{
    return piece->new_page != piece->old_page && planner->step[piece->new_page] != NEVER &&
           piece->old_page < planner->pages && planner->step[piece->old_page] != NEVER;
}

static bool is_destroyed(const struct planner *planner, const struct piece *piece)
{
    return depends(planner, piece) &&
           planner->step[piece->new_page] > planner->step[piece->old_page];
}

/* --- the order -------------------------------------------------------------------------------- */

static bool page_changes(const uint8_t *old_bytes, size_t old_size, const uint8_t *new_bytes,
                         size_t new_size, size_t start, size_t page)
{
    size_t end = start + pack_min(page, new_size - start);
    return end > old_size || memcmp(old_bytes + start, new_bytes + start, end - start) != 0;
}

static int gather_edges(const struct planner *planner, struct delta_page_edge **edges,
                        size_t *edge_count, struct pack_error *error)
{
    size_t count = 0, at = 0;
    const struct delta_covers *covers = planner->covers;
    for (size_t i = 0; i < covers->count; i++)
        count += 2 * (size_t)(covers->list[i].size / planner->options->page + 2);
    int code = pack_allocate(edges, count + 1, sizeof **edges, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < covers->count; i++) {
        for (size_t done = 0; done < covers->list[i].size;) {
            struct piece piece = piece_at(planner, &covers->list[i], done);
            done += piece.size;
            if (depends(planner, &piece))
                (*edges)[at++] = (struct delta_page_edge){planner->numbers[piece.new_page],
                                                          planner->numbers[piece.old_page],
                                                          piece.size + COVER_WEIGHT};
        }
    }
    *edge_count = at;
    return 0;
}

/* Fills the steps, and each page's own. */
static int order_pages(struct planner *planner, struct pack_error *error)
{
    struct delta_in_place *plan = planner->plan;
    PACK_AUTO_FREE struct delta_page_edge *edges = NULL;
    PACK_AUTO_FREE uint32_t *order = NULL;
    PACK_AUTO_FREE uint32_t *changing = NULL;
    size_t edge_count = 0;
    int code = gather_edges(planner, &edges, &edge_count, error);
    if (code == 0)
        code = pack_allocate(&order, plan->step_count + 1, sizeof *order, error);
    if (code == 0)
        code = pack_allocate(&changing, plan->step_count + 1, sizeof *changing, error);
    if (code == 0)
        code = delta_page_order(order, plan->step_count, edges, &edge_count, error);
    if (code != 0)
        return code;
    for (uint32_t page = 0; page < planner->pages; page++)
        if (planner->step[page] != NEVER)
            changing[planner->numbers[page]] = page;
    for (uint32_t i = 0; i < plan->step_count; i++) {
        plan->steps[i] = changing[order[i]];
        planner->step[plan->steps[i]] = i;
    }
    return 0;
}

/* --- what is kept ----------------------------------------------------------------------------- */

/* A piece whose source is destroyed before it is read. */
struct wish {
    uint32_t first, last; /* the step that destroys it, and the one that reads it */
    size_t size;
    size_t number; /* among the destroyed pieces */
};

/* What is kept shortest takes least of the scratch for the bytes that it saves. */
static int compare_wishes(const void *a, const void *b)
{
    const struct wish *left = a, *right = b;
    if (left->last - left->first != right->last - right->first)
        return left->last - left->first < right->last - right->first ? -1 : 1;
    if (left->size != right->size)
        return left->size > right->size ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

/* Fills the wishes, or only counts them. */
static size_t gather_wishes(const struct planner *planner, struct wish *wishes)
{
    size_t count = 0;
    for (size_t i = 0; i < planner->covers->count; i++) {
        const struct patch_cover *cover = &planner->covers->list[i];
        for (size_t done = 0; done < cover->size;) {
            struct piece piece = piece_at(planner, cover, done);
            done += piece.size;
            if (!is_destroyed(planner, &piece))
                continue;
            if (wishes)
                wishes[count] = (struct wish){planner->step[piece.old_page],
                                              planner->step[piece.new_page], piece.size, count};
            count++;
        }
    }
    return count;
}

/* kept[step] is what the record behind that step holds by now. */
static bool grant(const struct planner *planner, const struct wish *wish, uint64_t *kept)
{
    for (uint32_t i = wish->first; i < wish->last; i++)
        if (kept[i] + wish->size > planner->options->scratch)
            return false;
    for (uint32_t i = wish->first; i < wish->last; i++)
        kept[i] += wish->size;
    return true;
}

static int keep_bytes(struct planner *planner, struct pack_error *error)
{
    struct delta_in_place *plan = planner->plan;
    const size_t count = gather_wishes(planner, NULL);
    PACK_AUTO_FREE struct wish *wishes = NULL;
    PACK_AUTO_FREE uint64_t *kept = NULL;
    int code = pack_allocate(&wishes, count + 1, sizeof *wishes, error);
    if (code == 0)
        code = pack_allocate(&kept, plan->step_count + 1, sizeof *kept, error);
    if (code == 0)
        code = pack_allocate(&planner->is_kept, count + 1, sizeof *planner->is_kept, error);
    if (code != 0)
        return code;
    (void)gather_wishes(planner, wishes);
    qsort(wishes, count, sizeof *wishes, compare_wishes);
    for (size_t i = 0; i < count; i++) {
        if (!grant(planner, &wishes[i], kept))
            continue;
        planner->is_kept[wishes[i].number] = true;
        plan->from_scratch += wishes[i].size;
    }
    return 0;
}

/* --- covers ----------------------------------------------------------------------------------- */

static int index_covers(struct planner *planner, struct pack_error *error)
{
    const struct delta_covers *covers = planner->covers;
    struct patch_covers map = {covers->list, covers->count, NULL, 0};
    PACK_AUTO_FREE struct patch_interval *intervals = NULL;
    int code = pack_allocate(&intervals, covers->count + 1, sizeof *intervals, error);
    if (code == 0)
        code = pack_allocate(&planner->by_old, covers->count + 1, sizeof *planner->by_old, error);
    if (code == 0)
        code = pack_allocate(&planner->reach, covers->count + 1, sizeof *planner->reach, error);
    if (code != 0)
        return code;
    patch_covers_index(&map, intervals, planner->by_old);
    patch_offset reach = 0;
    for (size_t i = 0; i < covers->count; i++) {
        const struct patch_cover *cover = &covers->list[planner->by_old[i]];
        if (cover->old_offset + cover->size > reach)
            reach = cover->old_offset + cover->size;
        planner->reach[i] = reach;
    }
    return 0;
}

/* Whether the page of the new image is there when `step` begins. */
static bool is_made(const struct planner *planner, size_t page, uint32_t step)
{
    return planner->step[page] == NEVER || planner->step[page] < step;
}

/*
 * How many bytes of the lost piece went, by another cover, to a page that is there already: the
 * longest such stretch is put into `found`, as a cover with its source in the new image.
 */
static void follow(const struct planner *planner, const struct piece *lost,
                   const struct patch_cover *other, struct patch_cover *found)
{
    size_t start = lost->old_offset, end = lost->old_offset + lost->size;
    if (start < other->old_offset)
        start = (size_t)other->old_offset;
    end = pack_min(end, (size_t)(other->old_offset + other->size));
    while (start < end) {
        struct piece piece = piece_at(planner, other, start - (size_t)other->old_offset);
        size_t size = pack_min(piece.size, end - start);
        if (size > found->size && is_made(planner, piece.new_page, planner->step[lost->new_page])) {
            found->new_offset = lost->new_offset + (start - lost->old_offset);
            found->old_offset = planner->old_size + piece.new_offset;
            found->size = size;
        }
        start += size;
    }
}

static struct patch_cover find_moved(const struct planner *planner, const struct piece *lost)
{
    struct patch_cover found = {0};
    size_t low = 0, high = planner->covers->count, looked = 0;
    while (low < high) { /* the first cover that begins behind the piece */
        size_t middle = low + (high - low) / 2;
        if (planner->covers->list[planner->by_old[middle]].old_offset <
            lost->old_offset + lost->size)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i-- > 0 && planner->reach[i] > lost->old_offset; looked++) {
        const struct patch_cover *other = &planner->covers->list[planner->by_old[i]];
        if (looked == MOST_OVERLAPS)
            break;
        if (other->old_offset + other->size > lost->old_offset)
            follow(planner, lost, other, &found);
    }
    return found;
}

/* Appends, or lengthens the last cover where this one goes on with it. */
static int append(struct planner *planner, size_t from, const struct patch_cover *cover,
                  struct pack_error *error)
{
    struct delta_covers *covers = &planner->plan->covers;
    struct patch_cover *last = covers->count > from ? &covers->list[covers->count - 1] : NULL;
    if (!last || last->new_offset + last->size != cover->new_offset ||
        last->old_offset + last->size != cover->old_offset ||
        (last->old_offset < planner->old_size) != (cover->old_offset < planner->old_size))
        return delta_covers_add(covers, cover, error);
    last->size += cover->size;
    return 0;
}

/* What is left of a cover that lost something: pieces that are too small to pay go too. */
static void drop_small(struct planner *planner, size_t from)
{
    struct delta_covers *covers = &planner->plan->covers;
    size_t used = from;
    for (size_t i = from; i < covers->count; i++) {
        bool moved = covers->list[i].old_offset >= planner->old_size;
        if (covers->list[i].size < planner->options->least_cover) {
            planner->plan->given_up += covers->list[i].size;
            continue;
        }
        planner->plan->from_new += moved ? covers->list[i].size : 0;
        covers->list[used++] = covers->list[i];
    }
    covers->count = used;
}

/* *number counts the pieces that are destroyed, as gather_wishes does. */
static int rewrite_cover(struct planner *planner, const struct patch_cover *cover, size_t *number,
                         struct pack_error *error)
{
    struct delta_in_place *plan = planner->plan;
    const size_t from = plan->covers.count;
    bool whole = true;
    for (size_t done = 0; done < cover->size;) {
        struct piece piece = piece_at(planner, cover, done);
        struct patch_cover part = {piece.new_offset, piece.old_offset, piece.size};
        bool destroyed = is_destroyed(planner, &piece);
        done += piece.size;
        if (destroyed && !planner->is_kept[(*number)++]) {
            whole = false;
            part = find_moved(planner, &piece);
            plan->given_up += piece.size - part.size;
        }
        int code = part.size > 0 ? append(planner, from, &part, error) : 0;
        if (code != 0)
            return code;
    }
    if (!whole)
        drop_small(planner, from);
    return 0;
}

static int compare_sizes(const void *a, const void *b)
{
    const patch_offset *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* Cuts make more covers than there were. */
static int drop_many(struct planner *planner, struct pack_error *error)
{
    struct delta_covers *covers = &planner->plan->covers;
    PACK_AUTO_FREE patch_offset *sizes = NULL;
    if (covers->count <= planner->options->most_covers)
        return 0;
    int code = pack_allocate(&sizes, covers->count, sizeof *sizes, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < covers->count; i++)
        sizes[i] = covers->list[i].size;
    qsort(sizes, covers->count, sizeof *sizes, compare_sizes);
    size_t many = covers->count - planner->options->most_covers, used = 0;
    const patch_offset largest = sizes[many - 1]; /* of those that go */
    for (size_t i = 0; i < covers->count; i++) {
        if (many > 0 && covers->list[i].size <= largest) {
            planner->plan->given_up += covers->list[i].size;
            many--;
            continue;
        }
        covers->list[used++] = covers->list[i];
    }
    covers->count = used;
    return 0;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int begin_planner(struct planner *planner, const uint8_t *old_bytes,
                         const uint8_t *new_bytes, struct pack_error *error)
{
    const size_t page = planner->options->page, pages = planner->pages;
    int code = pack_allocate(&planner->step, pages + 1, sizeof *planner->step, error);
    if (code == 0)
        code = pack_allocate(&planner->numbers, pages + 1, sizeof *planner->numbers, error);
    if (code == 0)
        code = pack_allocate(&planner->plan->steps, pages + 1, sizeof *planner->plan->steps, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < pages; i++) {
        planner->step[i] = NEVER;
        if (!page_changes(old_bytes, planner->old_size, new_bytes, planner->new_size, i * page,
                          page))
            continue;
        planner->step[i] = 0;
        planner->numbers[i] = (uint32_t)planner->plan->step_count++;
    }
    return 0;
}

static int fill_plan(struct planner *planner, struct pack_error *error)
{
    int code = order_pages(planner, error);
    if (code == 0)
        code = keep_bytes(planner, error);
    if (code == 0)
        code = index_covers(planner, error);
    size_t number = 0;
    for (size_t i = 0; code == 0 && i < planner->covers->count; i++)
        code = rewrite_cover(planner, &planner->covers->list[i], &number, error);
    return code == 0 ? drop_many(planner, error) : code;
}

int delta_in_place(struct delta_in_place *plan, const struct delta_covers *covers,
                   const uint8_t *old_bytes, size_t old_size, const uint8_t *new_bytes,
                   size_t new_size, const struct delta_in_place_options *options,
                   struct pack_error *error)
{
    const size_t pages = (size_t)pack_pieces(new_size, options->page);
    PACK_AUTO(free_planner)
    struct planner planner = {plan, options, covers, old_size, new_size, pages,
                              NULL, NULL,    NULL,   NULL,     NULL};
    *plan = (struct delta_in_place){0};
    if (pages >= NEVER)
        return pack_fail(error, PACK_E_LIMIT, "an image of %zu pages, at most %u in one slot",
                         pages, NEVER - 1);
    int code = begin_planner(&planner, old_bytes, new_bytes, error);
    if (code == 0)
        code = fill_plan(&planner, error);
    if (code != 0)
        delta_in_place_free(plan);
    return code;
}
