/* SPDX-License-Identifier: MIT */
/* What became of the last run, for each moment at which power may have gone. */
#include "support/test.h"

#include "install/reconcile.h"

#include <stdio.h>

#define A PACK_SET_A
#define B PACK_SET_B

/* What is remembered, what the loader says, what runs; and what that means. */
struct moment {
    const char *what;
    bool begun, armed, restarted;
    enum pack_set set;
    struct boot_state loader;
    enum pack_set running;
    enum reconciliation expected;
    enum pack_trial trial;
};

static const struct moment moments[] = {
    {"nothing happened", .running = A, .expected = RECONCILE_NOTHING},
    {"nothing happened in B", .loader = {.primary = B}, .running = B,
     .expected = RECONCILE_NOTHING},
    {"cut between the note and the loader", .begun = true, .set = B, .running = A,
     .expected = RECONCILE_DROP},
    {"the same, after a restart", .begun = true, .restarted = true, .set = B, .running = A,
     .expected = RECONCILE_DROP},
    {"cut between the loader and the second note", .begun = true, .set = B,
     .loader = {.trial = true, .tries = 3}, .running = A, .expected = RECONCILE_ADOPT,
     .trial = PACK_TRIAL_WAITS},
    {"the same, and it was started", .begun = true, .restarted = true, .set = B,
     .loader = {.trial = true, .tries = 2}, .running = B, .expected = RECONCILE_ADOPT,
     .trial = PACK_TRIAL_RUNS},
    {"it waits", .begun = true, .armed = true, .set = B, .loader = {.trial = true, .tries = 3},
     .running = A, .expected = RECONCILE_NOTHING, .trial = PACK_TRIAL_WAITS},
    {"it runs", .begun = true, .armed = true, .restarted = true, .set = B,
     .loader = {.trial = true, .tries = 2}, .running = B, .expected = RECONCILE_NOTHING,
     .trial = PACK_TRIAL_RUNS},
    {"it runs for the last time", .begun = true, .armed = true, .restarted = true, .set = B,
     .loader = {.trial = true}, .running = B, .expected = RECONCILE_NOTHING,
     .trial = PACK_TRIAL_RUNS},
    {"its tries are used up", .begun = true, .armed = true, .restarted = true, .set = B,
     .loader = {.trial = true}, .running = A, .expected = RECONCILE_FELL_BACK,
     .trial = PACK_TRIAL_FAILED},
    {"the same, where the session does not tell of starts", .begun = true, .armed = true, .set = B,
     .loader = {.trial = true}, .running = A, .expected = RECONCILE_FELL_BACK,
     .trial = PACK_TRIAL_FAILED},
    {"it was taken from the loader before it was started", .begun = true, .armed = true, .set = B,
     .running = A, .expected = RECONCILE_DROP},
    {"a loader that forgets a trial that was tried", .begun = true, .armed = true,
     .restarted = true, .set = B, .running = A, .expected = RECONCILE_FELL_BACK,
     .trial = PACK_TRIAL_FAILED},
    {"cut between the loader's confirming and the note", .begun = true, .armed = true,
     .restarted = true, .set = B, .loader = {.primary = B, .fallback = true}, .running = B,
     .expected = RECONCILE_CONFIRMED},
    {"the loader has a trial that nobody noted", .loader = {.trial = true, .tries = 1},
     .restarted = true, .running = B, .expected = RECONCILE_ADOPT, .trial = PACK_TRIAL_RUNS},
    {"a confirmed set that does not start any more", .restarted = true,
     .loader = {.primary = B, .fallback = true}, .running = A, .expected = RECONCILE_FELL_BACK,
     .trial = PACK_TRIAL_FAILED},
    {"switched back by hand, and not restarted yet", .loader = {.primary = A}, .running = B,
     .expected = RECONCILE_NOTHING},
};

static void test_a101_every_moment(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        const struct moment *moment = &moments[i];
        struct state state = {
            .trial = {.begun = moment->begun, .armed = moment->armed, .set = moment->set}};
        snprintf(state.trial.session, sizeof state.trial.session, "one");
        const struct reconciled found =
            reconcile(&state, &moment->loader, moment->running, moment->restarted ? "two" : "one");
        if (found.what != moment->expected || found.trial != moment->trial)
            fail_msg("%s: %d with trial %s", moment->what, (int)found.what,
                     pack_trial_name(found.trial));
    }
}

/* The set that a failure is laid upon is never the one that runs. */
static void test_the_running_set_is_never_blamed(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        const struct moment *moment = &moments[i];
        const struct state state = {
            .trial = {.begun = moment->begun, .armed = moment->armed, .set = moment->set}};
        const struct reconciled found =
            reconcile(&state, &moment->loader, moment->running, "three");
        if (found.what == RECONCILE_FELL_BACK)
            assert_int_not_equal(found.set, moment->running);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a101_every_moment),
        cmocka_unit_test(test_the_running_set_is_never_blamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
