/* SPDX-License-Identifier: MIT */
#include "install/reconcile.h"

#include <string.h>

/* Whether the loader will start the set of the trial, or has started it. */
static bool loader_has_trial(const struct boot_state *loader, enum pack_set set)
{
    return loader->trial && pack_set_other(loader->primary) == set;
}

/*
 * A trial that is noted, while the other set runs. Only starts use up its tries, also where the
 * session says nothing of them (a container's, whose kernel goes on); and what the loader forgot
 * in this session was taken from it by fwpack or by hand.
 */
static struct reconciled judge_waiting(const struct state *state, const struct boot_state *loader,
                                       const char *session)
{
    const enum pack_set set = state->trial.set;
    const bool restarted = strcmp(state->trial.session, session) != 0;
    const bool known = loader_has_trial(loader, set);
    struct reconciled found = {.set = set, .trial = PACK_TRIAL_WAITS};
    if (known && loader->tries != 0) {
        found.what = state->trial.armed ? RECONCILE_NOTHING : RECONCILE_ADOPT;
    } else if (known || (restarted && state->trial.armed)) {
        found.what = RECONCILE_FELL_BACK;
        found.trial = PACK_TRIAL_FAILED;
    } else {
        found.what = RECONCILE_DROP;
        found.trial = PACK_TRIAL_NONE;
    }
    return found;
}

struct reconciled reconcile(const struct state *state, const struct boot_state *loader,
                            enum pack_set running, const char *session)
{
    const enum pack_set set = state->trial.set;
    const struct reconciled runs = {
        .what = RECONCILE_ADOPT, .set = running, .trial = PACK_TRIAL_RUNS};
    const struct reconciled fell_back = {
        .what = RECONCILE_FELL_BACK, .set = loader->primary, .trial = PACK_TRIAL_FAILED};
    if (state->trial.begun && loader->primary == set && !loader->trial)
        return (struct reconciled){.what = RECONCILE_CONFIRMED, .set = set};
    if (state->trial.begun && running == set)
        return (struct reconciled){.what = state->trial.armed ? RECONCILE_NOTHING : RECONCILE_ADOPT,
                                   .set = set,
                                   .trial = PACK_TRIAL_RUNS};
    if (state->trial.begun)
        return judge_waiting(state, loader, session);
    if (loader_has_trial(loader, running))
        return runs;
    /* A confirmed set that does not start any more, and a loader that knew a way out; but for a
     * switch by hand, after which the device was not started again. */
    if (running != loader->primary && strcmp(state->trial.session, session) != 0)
        return fell_back;
    return (struct reconciled){.what = RECONCILE_NOTHING, .set = running};
}
