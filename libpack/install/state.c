/* SPDX-License-Identifier: MIT */
#include "install/state.h"

#include "base/memory.h"
#include "pack/text.h"

#include <sodium.h>
#include <string.h>

const char *set_condition_name(enum set_condition condition)
{
    static const char *const names[] = {[SET_UNKNOWN] = "unknown",
                                        [SET_INCOMPLETE] = "incomplete",
                                        [SET_TRIAL] = "trial",
                                        [SET_GOOD] = "good",
                                        [SET_FAILED] = "failed"};
    return (size_t)condition < sizeof names / sizeof names[0] ? names[condition] : NULL;
}

int state_new(struct state **state, struct pack_error *error)
{
    return pack_allocate(state, 1, sizeof **state, error);
}

void state_set_clear(struct state_set *set)
{
    free(set->images);
    *set = (struct state_set){0};
}

void state_free(struct state **state)
{
    if (*state != NULL)
        for (int set = 0; set < PACK_SETS; set++)
            state_set_clear(&(*state)->sets[set]);
    free(*state);
    *state = NULL;
}

int state_copy(struct state **copy, const struct state *state, struct pack_error *error)
{
    PACK_AUTO(state_free) struct state *made = NULL;
    *copy = NULL;
    int code = state_new(&made, error);
    if (code != 0)
        return code;
    *made = *state;
    for (int set = 0; set < PACK_SETS; set++)
        made->sets[set].images = NULL;
    for (int set = 0; code == 0 && set < PACK_SETS; set++) {
        const struct state_set *from = &state->sets[set];
        struct state_set *to = &made->sets[set];
        if (from->image_count == 0)
            continue;
        code = pack_allocate(&to->images, from->image_count, sizeof *to->images, error);
        if (code == 0)
            memcpy(to->images, from->images, from->image_count * sizeof *to->images);
    }
    if (code == 0)
        *copy = pack_steal(&made);
    return code;
}

/* --- failures: the newest stands last -------------------------------------------------------- */

static size_t failure_index(const struct state *state,
                            const uint8_t release_sha256[PACK_SHA256_SIZE])
{
    size_t index = 0;
    while (index < state->failure_count && sodium_memcmp(state->failures[index].release_sha256,
                                                         release_sha256, PACK_SHA256_SIZE) != 0)
        index++;
    return index;
}

const struct state_failure *state_failure_of(const struct state *state,
                                             const uint8_t release_sha256[PACK_SHA256_SIZE])
{
    const size_t index = failure_index(state, release_sha256);
    return index < state->failure_count ? &state->failures[index] : NULL;
}

static void remove_failure(struct state *state, size_t index)
{
    if (index == state->failure_count)
        return;
    state->failure_count--;
    memmove(&state->failures[index], &state->failures[index + 1],
            (state->failure_count - index) * sizeof state->failures[0]);
}

void state_forget_failure(struct state *state, const uint8_t release_sha256[PACK_SHA256_SIZE])
{
    remove_failure(state, failure_index(state, release_sha256));
}

void state_add_failure(struct state *state, const uint8_t release_sha256[PACK_SHA256_SIZE],
                       uint64_t now)
{
    struct state_failure failure = {.time = now, .count = 1};
    size_t gone = failure_index(state, release_sha256);
    memcpy(failure.release_sha256, release_sha256, PACK_SHA256_SIZE);
    if (gone < state->failure_count)
        failure.count += state->failures[gone].count;
    else if (state->failure_count == STATE_FAILURES)
        gone = 0;
    remove_failure(state, gone);
    state->failures[state->failure_count++] = failure;
}

/* --- results --------------------------------------------------------------------------------- */

/* What it says comes from programs and files too: cut to fit, and plain. */
static void copy_text(char *to, size_t capacity, const char *from)
{
    pack_escape(to, capacity, from, strlen(from));
}

void state_add_result(struct state *state, uint64_t now, const char *version, const char *outcome,
                      const char *reason)
{
    if (state->result_count < PACK_MAX_RESULTS)
        state->result_count++;
    memmove(&state->results[1], &state->results[0],
            (state->result_count - 1) * sizeof state->results[0]);
    struct pack_result_status *result = &state->results[0];
    *result = (struct pack_result_status){.time = now};
    copy_text(result->version, sizeof result->version, version);
    copy_text(result->outcome, sizeof result->outcome, outcome);
    copy_text(result->reason, sizeof result->reason, reason);
}

/* --- what was seen --------------------------------------------------------------------------- */

void state_note_seen(struct state *state, const uint8_t release_sha256[PACK_SHA256_SIZE],
                     uint64_t delivery, const struct pack_rollout *rollout)
{
    if (sodium_memcmp(state->seen_release, release_sha256, PACK_SHA256_SIZE) != 0) {
        memcpy(state->seen_release, release_sha256, PACK_SHA256_SIZE);
        state->seen_delivery = 0;
        state->seen_rollout = 0;
        state->seen_halted = false;
    }
    if (delivery > state->seen_delivery)
        state->seen_delivery = delivery;
    if (rollout == NULL || rollout->revision < state->seen_rollout ||
        sodium_memcmp(rollout->release_sha256, release_sha256, PACK_SHA256_SIZE) != 0)
        return;
    state->seen_rollout = rollout->revision;
    state->seen_halted = rollout->halted;
}
