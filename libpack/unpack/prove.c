/* SPDX-License-Identifier: MIT */
#include "unpack/scan.h"

#include "base/memory.h"
#include "io/parallel.h"

enum {
    PROBES = 4, /* streams of a kind that are tried before the others */
    FEW = 64,   /* so many may each cost all guesses */
    NO_HINT = 0xffff,
};

/* --- one guess ------------------------------------------------------------------------------- */

/* Takes packed bytes only as long as they are the original's. */
struct comparison {
    struct pack_sink sink;
    struct pack_cursor original;
};

static int compare_write(struct pack_sink *sink, const void *bytes, size_t size,
                         struct pack_error *error)
{
    struct pack_cursor *original = &((struct comparison *)sink)->original;
    const uint8_t *wanted = pack_cursor_take(original, size);
    if (wanted == NULL || (size != 0 && memcmp(wanted, bytes, size) != 0))
        return pack_fail(error, PACK_E_DIFFERENT, "packed differently");
    return 0;
}

static const struct pack_sink_ops compare_ops = {.write = compare_write};

static bool packs_again(const struct recipe *recipe, const struct specimen *specimen,
                        uint64_t memory)
{
    const struct stream_kind_entry *kind = stream_kind_find(recipe->kind);
    struct pack_error failure = {.code = PACK_OK};
    struct comparison comparison = {{&compare_ops},
                                    {.bytes = specimen->packed, .size = specimen->packed_size}};
    const uint64_t needed = kind->pack_memory(recipe, specimen->plain_size);
    if (needed > memory || specimen->plain_size > memory - needed)
        return false;
    if (kind->refutes != NULL && kind->refutes(recipe, specimen))
        return false;
    return kind->pack(recipe, specimen->plain, specimen->plain_size, &comparison.sink, &failure) ==
               0 &&
           pack_cursor_left(&comparison.original) == 0;
}

static bool try_guess(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                      size_t number, uint64_t memory, bool *more)
{
    struct recipe guess = {.kind = recipe->kind, .prefix = recipe->prefix};
    memcpy(guess.parameters, recipe->parameters, sizeof guess.parameters);
    guess.count = recipe->count;
    *more = stream_kind_find(recipe->kind)->guess(&guess, specimen, effort, number);
    if (!*more || !packs_again(&guess, specimen, memory))
        return false;
    *recipe = guess;
    return true;
}

/* --- all streams ----------------------------------------------------------------------------- */

/*
 * What the probes of a kind told. Guesses are known by their number, for the same number stands
 * for the same program, whatever the stream's own header adds.
 */
struct experience {
    size_t count;
    bool hopeless;
    size_t hint_count;
    uint16_t hints[PROBES];
};

struct proof {
    struct found_list *list;
    struct search *search;
    const uint8_t *bytes;
    struct experience kinds[KINDS];
    struct pack_context context; /* with as many threads as the memory allows */
    size_t next;
};

static uint64_t memory_of(const struct proof *proof)
{
    return proof->search->options->memory;
}

/* Returns the number of the guess that packs it, or NO_HINT; remembers the recipe. */
static size_t prove_one(const struct proof *proof, struct found *found)
{
    const struct experience *kind = &proof->kinds[found->recipe.kind];
    const struct specimen specimen = specimen_of(found, proof->bytes);
    unsigned effort = proof->search->options->effort;
    bool more = true;
    found->tried = true;
    for (size_t i = 0; !found->kept && i < kind->hint_count; i++) {
        found->kept =
            try_guess(&found->recipe, &specimen, effort, kind->hints[i], memory_of(proof), &more);
        if (found->kept)
            return kind->hints[i];
    }
    if (kind->count > FEW && kind->hint_count != 0)
        effort = 0;
    more = true;
    for (size_t number = 0; more && number < NO_HINT; number++) {
        found->kept = try_guess(&found->recipe, &specimen, effort, number, memory_of(proof), &more);
        if (found->kept)
            return number;
    }
    return NO_HINT;
}

static void learn(struct experience *kind, size_t number)
{
    for (size_t i = 0; i < kind->hint_count; i++)
        if (kind->hints[i] == number)
            return;
    if (number != NO_HINT)
        kind->hints[kind->hint_count++] = (uint16_t)number;
}

/* Some streams from all over the list. Where there are many and none of these has a recipe, none is
 * looked for. */
static int probe_kind(struct proof *proof, unsigned kind, struct pack_error *error)
{
    struct experience *experience = &proof->kinds[kind];
    const size_t probes = experience->count < PROBES ? experience->count : PROBES;
    size_t seen = 0;
    size_t done = 0;
    for (size_t i = 0; done < probes && i < proof->list->count; i++) {
        struct found *found = &proof->list->streams[i];
        if (found->recipe.kind != kind || seen++ != done * experience->count / probes)
            continue;
        const int code = pack_check_cancelled(proof->search->context, error);
        if (code != 0)
            return code;
        learn(experience, prove_one(proof, found));
        done++;
    }
    experience->hopeless = experience->hint_count == 0;
    return 0;
}

static int produce(void *user, void *task, bool *more, struct pack_error *error)
{
    struct proof *proof = user;
    (void)error;
    struct found_list *list = proof->list;
    while (proof->next < list->count && list->streams[proof->next].tried)
        proof->next++;
    *more = proof->next < list->count;
    if (*more)
        *(struct found **)task = &list->streams[proof->next++];
    return 0;
}

static int work(void *user, void *worker, void *task, struct pack_error *error)
{
    const struct proof *proof = user;
    struct found *found = *(struct found **)task;
    (void)worker;
    (void)error;
    if (!proof->kinds[found->recipe.kind].hopeless)
        prove_one(proof, found);
    return 0;
}

/* So many threads as there is memory for, if each of them packs the largest stream. */
static unsigned count_threads(const struct proof *proof)
{
    enum { USUAL = 64 << 20, FOR_EACH_BYTE = 16 };
    size_t largest = 0;
    for (size_t i = 0; i < proof->list->count; i++)
        if (proof->list->streams[i].plain_size > largest)
            largest = proof->list->streams[i].plain_size;
    const uint64_t threads = memory_of(proof) / (USUAL + FOR_EACH_BYTE * (uint64_t)largest);
    const unsigned jobs = pack_jobs(proof->search->context);
    return threads == 0 ? 1 : threads < jobs ? (unsigned)threads : jobs;
}

int prove_streams(struct found_list *list, struct search *search, const uint8_t *bytes,
                  struct pack_error *error)
{
    struct proof proof = {.list = list, .search = search, .bytes = bytes};
    const struct pack_pipeline pipeline = {
        .task_size = sizeof(struct found *), .produce = produce, .work = work, .user = &proof};
    int code = 0;
    proof.context = *search->context;
    proof.context.jobs = count_threads(&proof);
    for (size_t i = 0; i < list->count; i++)
        proof.kinds[list->streams[i].recipe.kind].count++;
    for (unsigned kind = 1; code == 0 && kind < KINDS; kind++)
        code = probe_kind(&proof, kind, error);
    if (code == 0 && list->count > 1)
        code = pack_pipeline_run(&pipeline, &proof.context, error);
    return code;
}
