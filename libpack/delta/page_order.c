/* SPDX-License-Identifier: MIT */
#include "delta/page_order.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 16,                   /* most passes over all pages that improve an order */
    MOST_MOVES = 64 * 1024 * 1024, /* pages pushed aside by all the improving together */
};

/* Each page's edges, of both directions: links[first[page] .. first[page + 1]). */
struct link {
    uint32_t page;
    bool outward; /* from the page that it is listed at */
    uint64_t weight;
};

struct graph {
    size_t count;
    const struct delta_page_edge *edges;
    size_t edge_count;
    struct link *links;
    size_t *first;
    /* Work space, one of each page: */
    uint64_t *in, *out;
    uint32_t *position;
    uint32_t *stack;
    bool *taken;
    struct link *near; /* the links of one page */
};

static void free_graph(struct graph *graph)
{
    free(graph->links);
    free(graph->first);
    free(graph->in);
    free(graph->out);
    free(graph->position);
    free(graph->stack);
    free(graph->taken);
    free(graph->near);
}

/* --- the graph -------------------------------------------------------------------------------- */

static int compare_edges(const void *a, const void *b)
{
    const struct delta_page_edge *left = a, *right = b;
    if (left->before != right->before)
        return left->before < right->before ? -1 : 1;
    return (left->after > right->after) - (left->after < right->after);
}

static size_t join_edges(struct delta_page_edge *edges, size_t count)
{
    size_t used = 0;
    if (count > 0)
        qsort(edges, count, sizeof *edges, compare_edges);
    for (size_t i = 0; i < count; i++) {
        if (used > 0 && compare_edges(&edges[used - 1], &edges[i]) == 0)
            edges[used - 1].weight += edges[i].weight;
        else
            edges[used++] = edges[i];
    }
    return used;
}

static void link_edges(struct graph *graph)
{
    size_t *first = graph->first;
    for (size_t i = 0; i < graph->edge_count; i++) {
        first[graph->edges[i].before + 1]++;
        first[graph->edges[i].after + 1]++;
    }
    for (size_t i = 0; i < graph->count; i++)
        first[i + 1] += first[i];
    /* Filled from the front, each place moves to where the next page's begins; so back again. */
    for (size_t i = 0; i < graph->edge_count; i++) {
        const struct delta_page_edge *edge = &graph->edges[i];
        graph->links[first[edge->before]++] = (struct link){edge->after, true, edge->weight};
        graph->links[first[edge->after]++] = (struct link){edge->before, false, edge->weight};
    }
    for (size_t i = graph->count; i > 0; i--)
        first[i] = first[i - 1];
    first[0] = 0;
}

static int make_graph(struct graph *graph, size_t count, const struct delta_page_edge *edges,
                      size_t edge_count, struct pack_error *error)
{
    graph->count = count;
    graph->edges = edges;
    graph->edge_count = edge_count;
    int code = pack_allocate(&graph->links, 2 * edge_count + 1, sizeof *graph->links, error);
    if (code == 0)
        code = pack_allocate(&graph->near, 2 * edge_count + 1, sizeof *graph->near, error);
    if (code == 0)
        code = pack_allocate(&graph->first, count + 1, sizeof *graph->first, error);
    if (code == 0)
        code = pack_allocate(&graph->in, count + 1, sizeof *graph->in, error);
    if (code == 0)
        code = pack_allocate(&graph->out, count + 1, sizeof *graph->out, error);
    if (code == 0)
        code = pack_allocate(&graph->position, count + 1, sizeof *graph->position, error);
    if (code == 0)
        code = pack_allocate(&graph->stack, 2 * count + 1, sizeof *graph->stack, error);
    if (code == 0)
        code = pack_allocate(&graph->taken, count + 1, sizeof *graph->taken, error);
    if (code == 0)
        link_edges(graph);
    return code;
}

static void place_all(struct graph *graph, const uint32_t *order)
{
    for (size_t i = 0; i < graph->count; i++)
        graph->position[order[i]] = (uint32_t)i;
}

static uint64_t lost(struct graph *graph, const uint32_t *order)
{
    uint64_t sum = 0;
    place_all(graph, order);
    for (size_t i = 0; i < graph->edge_count; i++)
        if (graph->position[graph->edges[i].before] > graph->position[graph->edges[i].after])
            sum += graph->edges[i].weight;
    return sum;
}

/* --- a first order ---------------------------------------------------------------------------- */

/* Counts a page's edges out of its neighbours', and stacks those that have none left one way. */
static size_t take(struct graph *graph, uint32_t page, size_t stacked)
{
    graph->taken[page] = true;
    for (size_t i = graph->first[page]; i < graph->first[page + 1]; i++) {
        const struct link *link = &graph->links[i];
        uint64_t *sum = link->outward ? &graph->in[link->page] : &graph->out[link->page];
        if (graph->taken[link->page])
            continue;
        *sum -= link->weight;
        if (*sum == 0)
            graph->stack[stacked++] = link->page;
    }
    return stacked;
}

/* The page that would lose least by going first. */
static uint32_t least_loss(const struct graph *graph)
{
    uint32_t best = 0;
    bool found = false;
    for (uint32_t page = 0; page < graph->count; page++) {
        if (graph->taken[page])
            continue;
        if (!found || graph->out[page] + graph->in[best] > graph->out[best] + graph->in[page])
            best = page;
        found = true;
    }
    return best;
}

/*
 * What nothing reads from goes first, what reads from nothing last, again and again; in the knots
 * that remain the page whose edges out outweigh its edges in the most. (P. Eades, X. Lin,
 * W. F. Smyth: A fast and effective heuristic for the feedback arc set problem, 1993.)
 */
static void order_by_weights(struct graph *graph, uint32_t *order)
{
    size_t front = 0, back = graph->count, stacked = 0;
    memset(graph->taken, 0, graph->count * sizeof *graph->taken);
    for (uint32_t page = 0; page < graph->count; page++) {
        graph->in[page] = graph->out[page] = 0;
        for (size_t i = graph->first[page]; i < graph->first[page + 1]; i++)
            *(graph->links[i].outward ? &graph->out[page] : &graph->in[page]) +=
                graph->links[i].weight;
        if (graph->in[page] == 0 || graph->out[page] == 0)
            graph->stack[stacked++] = page;
    }
    while (front < back) {
        uint32_t page = stacked > 0 ? graph->stack[--stacked] : least_loss(graph);
        if (graph->taken[page])
            continue;
        if (graph->out[page] == 0 && graph->in[page] != 0)
            order[--back] = page;
        else
            order[front++] = page;
        stacked = take(graph, page, stacked);
    }
}

static void order_by_number(const struct graph *graph, uint32_t *order, bool descending)
{
    for (size_t i = 0; i < graph->count; i++)
        order[i] = (uint32_t)(descending ? graph->count - 1 - i : i);
}

/* --- a better order --------------------------------------------------------------------------- */

static int compare_links(const void *a, const void *b)
{
    const struct link *left = a, *right = b;
    return (left->page > right->page) - (left->page < right->page);
}

/*
 * The position before which `page` loses least by its own edges; its own one when none is better.
 * `near` holds its links by position (in the field `page`), so only the places beside them count.
 */
static uint32_t best_position(struct graph *graph, uint32_t page)
{
    struct link *near = graph->near;
    size_t count = graph->first[page + 1] - graph->first[page];
    uint64_t loss = 0, own = 0, least = UINT64_MAX;
    uint32_t position = graph->position[page], best = position;
    for (size_t i = 0; i < count; i++) {
        near[i] = graph->links[graph->first[page] + i];
        near[i].page = graph->position[near[i].page];
        loss += near[i].outward ? 0 : near[i].weight; /* at the very front */
    }
    qsort(near, count, sizeof *near, compare_links);
    for (size_t i = 0; i <= count; i++) {
        uint32_t place = i == 0 ? 0 : near[i - 1].page + 1;
        bool between = i == 0 || i == count || near[i].page >= place; /* and not at one page */
        if (between && place <= position)
            own = loss;
        if (between && loss < least) {
            least = loss;
            best = place;
        }
        if (i < count)
            loss = near[i].outward ? loss + near[i].weight : loss - near[i].weight;
    }
    return least < own ? best : position;
}

/* Moves the page at `from` to before the one at `to`. */
static size_t move_page(struct graph *graph, uint32_t *order, uint32_t from, uint32_t to)
{
    uint32_t page = order[from], low, high;
    if (to > from) {
        to--;
        memmove(order + from, order + from + 1, (to - from) * sizeof *order);
    } else {
        memmove(order + to + 1, order + to, (from - to) * sizeof *order);
    }
    order[to] = page;
    low = from < to ? from : to;
    high = from < to ? to : from;
    for (uint32_t i = low; i <= high; i++)
        graph->position[order[i]] = i;
    return high - low + 1;
}

static void improve(struct graph *graph, uint32_t *order)
{
    size_t moves = 0;
    bool changed = true;
    place_all(graph, order);
    for (int round = 0; round < ROUNDS && changed; round++) {
        changed = false;
        for (uint32_t page = 0; page < graph->count && moves < MOST_MOVES; page++) {
            uint32_t from = graph->position[page], to = best_position(graph, page);
            if (to == from)
                continue;
            moves += move_page(graph, order, from, to);
            changed = true;
        }
    }
}

/* --- runs ------------------------------------------------------------------------------------- */

/* The page that may come next, from `start` on upwards or downwards, where in[] is 0. */
static uint32_t next_free(const struct graph *graph, uint32_t start, bool upwards)
{
    for (size_t i = 0; i < graph->count; i++) {
        uint32_t page = (uint32_t)((upwards ? start + i : start + graph->count - i) % graph->count);
        if (!graph->taken[page] && graph->in[page] == 0)
            return page;
    }
    return 0; /* not reached: the edges that are kept have no cycle */
}

/* An order that loses no more than the positions say, in long runs. Returns how many runs. */
static size_t order_in_runs(struct graph *graph, uint32_t *order, bool upwards)
{
    size_t runs = 0;
    uint32_t page = upwards ? 0 : (uint32_t)(graph->count - 1);
    memset(graph->taken, 0, graph->count * sizeof *graph->taken);
    memset(graph->in, 0, graph->count * sizeof *graph->in);
    for (size_t i = 0; i < graph->edge_count; i++)
        if (graph->position[graph->edges[i].before] < graph->position[graph->edges[i].after])
            graph->in[graph->edges[i].after]++;
    for (size_t i = 0; i < graph->count; i++) {
        uint32_t found = next_free(graph, page, upwards);
        runs += found != page;
        order[i] = found;
        graph->taken[found] = true;
        for (size_t k = graph->first[found]; k < graph->first[found + 1]; k++) {
            const struct link *link = &graph->links[k];
            if (link->outward && graph->position[found] < graph->position[link->page])
                graph->in[link->page]--;
        }
        page = (uint32_t)((found + (upwards ? 1 : graph->count - 1)) % graph->count);
    }
    return runs;
}

static void straighten(struct graph *graph, uint32_t *order, uint32_t *other)
{
    place_all(graph, order);
    size_t downwards = order_in_runs(graph, order, false);
    if (order_in_runs(graph, other, true) <= downwards)
        memcpy(order, other, graph->count * sizeof *order);
}

/* --- all of it -------------------------------------------------------------------------------- */

int delta_page_order(uint32_t *order, size_t count, struct delta_page_edge *edges,
                     size_t *edge_count, struct pack_error *error)
{
    PACK_AUTO(free_graph) struct graph graph = {0};
    PACK_AUTO_FREE uint32_t *other = NULL;
    int code = pack_allocate(&other, count + 1, sizeof *other, error);
    *edge_count = join_edges(edges, *edge_count);
    if (code == 0)
        code = make_graph(&graph, count, edges, *edge_count, error);
    if (code != 0 || count == 0)
        return code;
    order_by_weights(&graph, order);
    improve(&graph, order);
    uint64_t least = lost(&graph, order);
    for (int descending = 0; descending < 2 && least > 0; descending++) {
        order_by_number(&graph, other, descending);
        improve(&graph, other);
        uint64_t loss = lost(&graph, other);
        if (loss >= least)
            continue;
        least = loss;
        memcpy(order, other, count * sizeof *order);
    }
    straighten(&graph, order, other);
    return 0;
}
