/* SPDX-License-Identifier: MIT */
#include "pack/simulate.h"

#include "install/rehearsal.h"
#include "storage/trial.h"

#include "base/memory.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One fault, tried on the copy. */
struct trying {
    struct rehearsal *rehearsal;
    const struct pack_fault *fault;
    struct pack_fault_result *result;
    uint64_t operations; /* of an installation without a fault */
};

static bool is_of_storage(const struct pack_fault *fault)
{
    return fault->kind == PACK_FAULT_POWER_CUT || fault->kind == PACK_FAULT_IO_ERROR ||
           fault->kind == PACK_FAULT_NO_SPACE;
}

static bool is_of_bundle(const struct pack_fault *fault)
{
    return fault->kind == PACK_FAULT_NETWORK || fault->kind == PACK_FAULT_CORRUPT;
}

/* --- what is to be seen ---------------------------------------------------------------------- */

static void fail_point(struct trying *trying, uint64_t at, const char *what, const char *why)
{
    struct pack_fault_result *result = trying->result;
    if (result->failures++ == 0)
        snprintf(result->failure, sizeof result->failure, "at %llu: %s%s%s", (unsigned long long)at,
                 what, why[0] != '\0' ? ": " : "", why);
}

/* What starts now must be one of the two releases. */
static int look_at_start(struct trying *trying, uint64_t at, int run, bool *sound,
                         struct pack_error *error)
{
    enum rehearsed found = REHEARSED_MIXTURE;
    const int code = rehearsal_start(trying->rehearsal, &found, error);
    *sound = code == 0 && found != REHEARSED_MIXTURE;
    trying->result->started_old += code == 0 && found == REHEARSED_OLD;
    trying->result->started_new += code == 0 && found == REHEARSED_NEW;
    if (code == 0 && !*sound)
        fail_point(trying, at, "a set would start that is neither the old nor the new release", "");
    if (code == 0 && run == 0 && found == REHEARSED_OLD)
        fail_point(trying, at, "it said that it had installed, and the old release would start",
                   "");
    return code;
}

/* Without the fault, and without help, the new release must run in the end. */
static int look_at_next_run(struct trying *trying, uint64_t at, struct pack_error *error)
{
    struct pack_error why = {0};
    if (rehearsal_finish(trying->rehearsal, &why) == 0)
        return 0;
    if (why.code == PACK_E_INTERRUPTED || why.code == PACK_E_NO_MEMORY) {
        *error = why;
        return (int)why.code;
    }
    fail_point(trying, at, "the next installation", why.text);
    return 0;
}

/* `run` is what the installation under the fault returned. */
static int finish_point(struct trying *trying, uint64_t at, int run, struct pack_error *error)
{
    bool sound = false;
    int code = look_at_start(trying, at, run, &sound, error);
    trying->result->points++;
    if (code == 0 && sound)
        code = look_at_next_run(trying, at, error);
    return code;
}

/* --- faults of the storage ------------------------------------------------------------------- */

static struct trial_options options_at(const struct pack_fault *fault, uint64_t at)
{
    static const enum trial_fault faults[] = {[PACK_FAULT_POWER_CUT] = TRIAL_POWER_CUT,
                                              [PACK_FAULT_IO_ERROR] = TRIAL_ERROR,
                                              [PACK_FAULT_NO_SPACE] = TRIAL_SHORT};
    static const enum trial_loss losses[] = {[PACK_LOSS_RANDOM] = TRIAL_RANDOM,
                                             [PACK_LOSS_ALL] = TRIAL_LOSE_ALL,
                                             [PACK_LOSS_NONE] = TRIAL_KEEP_ALL};
    return (struct trial_options){.fault = faults[fault->kind],
                                  .at = at,
                                  .number = EIO,
                                  .loss = losses[fault->loss],
                                  .seed = fault->seed + at,
                                  .sector = fault->sector};
}

static int try_storage(struct trying *trying, uint64_t at, struct pack_error *error)
{
    const struct trial_options options = options_at(trying->fault, at);
    struct storage *storage = NULL;
    struct pack_error ignored = {0};
    int code = rehearsal_reset(trying->rehearsal, error);
    if (code == 0)
        code = trial_new(&storage, NULL, &options, error);
    if (code != 0)
        return code;
    const int run = rehearsal_install(trying->rehearsal, storage, NULL, &ignored);
    code = trial_end(&storage, error);
    return code != 0 ? code : finish_point(trying, at, run, error);
}

static int try_points(struct trying *trying, struct pack_error *error)
{
    const struct pack_fault *fault = trying->fault;
    int code = 0;
    if (fault->every == 0)
        return try_storage(trying, fault->number, error);
    /* Power may go behind the last operation too: what was not flushed by then is lost. */
    const uint64_t last = trying->operations + (fault->kind == PACK_FAULT_POWER_CUT);
    for (uint64_t at = 1; code == 0 && at <= last; at += fault->every)
        code = try_storage(trying, at, error);
    return code;
}

/* --- faults of the moment -------------------------------------------------------------------- */

static int try_run(struct trying *trying, struct pack_error *error)
{
    const struct pack_fault *fault = trying->fault;
    struct pack_error why = {0};
    int code = rehearsal_reset(trying->rehearsal, error);
    if (code == 0 && fault->kind == PACK_FAULT_BATTERY)
        code = rehearsal_set_battery(trying->rehearsal, (unsigned)fault->number, error);
    if (code != 0)
        return code;
    const int run = rehearsal_install(trying->rehearsal, NULL, fault, &why);
    if (fault->kind == PACK_FAULT_BATTERY && run != PACK_E_NOT_YET)
        fail_point(trying, fault->number, "a battery that low was no reason to wait", why.text);
    if (fault->kind == PACK_FAULT_TWICE && (run != 0 || !rehearsal_was_busy(trying->rehearsal)))
        fail_point(trying, 0, "the second of two installations was not told to wait", why.text);
    if (is_of_bundle(fault) && !trying->rehearsal->struck) {
        rehearsal_note(trying->rehearsal, "%s: the installation does not read byte %llu",
                       trying->result->what, (unsigned long long)fault->number);
        return 0;
    }
    return finish_point(trying, fault->number, run, error);
}

static void describe(const struct pack_fault *fault, char *text, size_t capacity)
{
    static const char *const losses[] = {
        [PACK_LOSS_RANDOM] = "random", [PACK_LOSS_ALL] = "all", [PACK_LOSS_NONE] = "none"};
    const char *name = fault->name != NULL ? fault->name : pack_fault_kind_name(fault->kind);
    if (fault->kind == PACK_FAULT_POWER_CUT)
        snprintf(text, capacity, "%s, loss %s, sector %u, seed %llu", name, losses[fault->loss],
                 fault->sector, (unsigned long long)fault->seed);
    else
        snprintf(text, capacity, "%s", name);
}

static int try_fault(struct trying *trying, struct pack_error *error)
{
    describe(trying->fault, trying->result->what, sizeof trying->result->what);
    return is_of_storage(trying->fault) ? try_points(trying, error) : try_run(trying, error);
}

/* --- whether it can be ----------------------------------------------------------------------- */

static int at_place(const struct pack_fault *fault, struct pack_error *error)
{
    if (fault->place.file != NULL)
        pack_at_file(error, fault->place.file);
    return pack_at_line(error, fault->place.line, fault->place.column);
}

static int check_fault(const struct rehearsal *rehearsal, const struct pack_fault *fault,
                       uint64_t operations, struct pack_error *error)
{
    const unsigned long long number = fault->number, size = rehearsal->source->size;
    const unsigned minimum = rehearsal->device.policy.battery_minimum;
    if (is_of_storage(fault) && fault->every == 0 && number > operations)
        pack_fail(error, PACK_E_DESCRIPTOR, "operation %llu, the installation has %llu", number,
                  (unsigned long long)operations);
    else if (is_of_bundle(fault) && number >= size)
        pack_fail(error, PACK_E_DESCRIPTOR, "byte %llu, the bundle has %llu", number, size);
    else if (fault->kind == PACK_FAULT_BATTERY && minimum == 0)
        pack_fail(error, PACK_E_DESCRIPTOR,
                  "this device asks for no battery: no 'battery:' under 'policy:'");
    else if (fault->kind == PACK_FAULT_BATTERY && number >= minimum)
        pack_fail(error, PACK_E_DESCRIPTOR,
                  "a battery of %llu percent is none too low: %u suffices", number, minimum);
    else
        return 0;
    return at_place(fault, error);
}

static int check_all(const struct rehearsal *rehearsal, const struct pack_faults *faults,
                     uint64_t operations, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < faults->count; i++)
        code = check_fault(rehearsal, &faults->list[i], operations, error);
    return code;
}

/* --- all ------------------------------------------------------------------------------------- */

static int try_all(struct rehearsal *rehearsal, const struct pack_faults *faults,
                   struct pack_simulate_report *report, struct pack_error *error)
{
    uint64_t failures = 0;
    const struct pack_fault_result *first = NULL;
    for (size_t i = 0; i < faults->count; i++) {
        struct pack_fault_result *result = &report->results[report->result_count++];
        struct trying trying = {.rehearsal = rehearsal,
                                .fault = &faults->list[i],
                                .result = result,
                                .operations = report->operations};
        const int code = try_fault(&trying, error);
        if (code != 0)
            return code;
        report->points += result->points;
        failures += result->failures;
        if (first == NULL && result->failures != 0)
            first = result;
        pack_progress(rehearsal->given->context, "simulate", i + 1, faults->count);
    }
    if (first == NULL)
        return 0;
    return pack_fail(error, PACK_E_UNHEALTHY, "%llu of %llu points failed; %s, %s",
                     (unsigned long long)failures, (unsigned long long)report->points, first->what,
                     first->failure);
}

/* Once without a fault: what cannot be installed at all says so as it would on the device. */
static int learn(struct rehearsal *rehearsal, struct pack_simulate_report *report,
                 struct pack_error *error)
{
    static const struct trial_options none = {.fault = TRIAL_NONE};
    struct storage *storage = NULL;
    int code = rehearsal_learn(rehearsal, error);
    if (code == 0)
        code = rehearsal_reset(rehearsal, error);
    if (code == 0)
        code = trial_new(&storage, NULL, &none, error);
    if (code != 0)
        return code;
    code = rehearsal_install(rehearsal, storage, NULL, error);
    report->operations = trial_count(storage);
    report->running = rehearsal->running;
    snprintf(report->version, sizeof report->version, "%s", rehearsal->report->version);
    struct pack_error ignored = {0};
    const int end = trial_end(&storage, code == 0 ? error : &ignored);
    return code != 0 ? code : end;
}

static int simulate(const struct pack_engine *engine, struct pack_input *source,
                    const struct pack_faults *faults, const char *folder,
                    struct pack_simulate_report *report, struct pack_error *error)
{
    PACK_AUTO(rehearsal_free) struct rehearsal *rehearsal = NULL;
    int code = rehearsal_new(&rehearsal, engine, source, folder, report, error);
    if (code == 0)
        code = learn(rehearsal, report, error);
    if (code == 0)
        code = check_all(rehearsal, faults, report->operations, error);
    return code != 0 ? code : try_all(rehearsal, faults, report, error);
}

int pack_simulate(const struct pack_engine *engine, struct pack_input *source,
                  const struct pack_faults *faults, const char *parent,
                  struct pack_simulate_report *report, struct pack_error *error)
{
    char folder[PATH_MAX];
    struct pack_error ignored = {0};
    memset(report, 0, sizeof *report);
    if (!source->seekable)
        return pack_fail(error, PACK_E_USAGE, "a simulation reads its bundle many times");
    if (snprintf(folder, sizeof folder, "%s/fwpack-simulate-XXXXXX", parent) >= (int)sizeof folder)
        return pack_fail(error, PACK_E_LIMIT, "path too long");
    if (mkdtemp(folder) == NULL) {
        pack_fail_errno(error, errno, "cannot make a folder for the simulation");
        return pack_at_file(error, parent);
    }
    const int code = simulate(engine, source, faults, folder, report, error);
    (void)!storage_remove(storage_system(), folder, &ignored);
    return code;
}
