/* SPDX-License-Identifier: MIT */
#include "install/engine.h"

#include <stdio.h>
#include <string.h>

/* --- confirm --------------------------------------------------------------------------------- */

/* But a loader that counts each start gets its tries back: this one went well. */
static int nothing_to_confirm(struct engine *engine, struct pack_error *error)
{
    const struct boot_state same = {.primary = engine->loader.primary,
                                    .trial = engine->loader.trial,
                                    .tries = engine->loader.tries,
                                    .fallback = engine->loader.fallback};
    if (engine->reconciled.trial != PACK_TRIAL_WAITS) {
        const int code = engine_tell_loader(engine, &same, error);
        return code != 0 ? code : engine_raise_counter(engine, error);
    }
    pack_fail(error, PACK_E_NOT_YET, "release %s was not started yet",
              engine->state->sets[engine->reconciled.set].version);
    return pack_hint(error, "restart the device, then confirm");
}

static void event_health(struct engine *engine, const struct pack_confirm_report *report)
{
    for (size_t i = 0; i < report->check_count; i++) {
        const struct pack_health_result *check = &report->checks[i];
        struct pack_json *data = events_begin_for(engine->events, "health", report->version);
        pack_json_string(data, "check", check->name);
        pack_json_boolean(data, "good", check->good);
        pack_json_unsigned(data, "attempts", check->attempts);
        if (check->reason[0] != '\0')
            pack_json_string(data, "reason", check->reason);
        events_end(engine->events);
    }
}

/* By policy the old set starts from now on; the failure stays what is reported. */
static int fall_back(struct engine *engine, struct pack_confirm_report *report,
                     struct pack_error *error)
{
    struct pack_error second = {0};
    if (!engine->device->policy.rollback_on_health)
        return pack_hint(error, "'fwpack rollback' gives the release up, 'fwpack confirm "
                                "--unchecked' keeps it");
    if (engine_give_up(engine, engine->running, "rollback", "rolled-back", error->text, &second) !=
        0)
        return pack_hint(error, "and the old set could not be made to start: %.200s", second.text);
    report->reboot = true;
    if (engine->given->reboot && engine_reboot(engine, &second) != 0)
        return pack_hint(error, "and the restart failed: %.200s", second.text);
    return pack_hint(error, "restart the device: the old set starts again");
}

static int check_health(struct engine *engine, struct pack_confirm_report *report,
                        const struct hook_facts *facts, struct pack_error *error)
{
    const int code = health_run(engine->given, facts, report, error);
    event_health(engine, report);
    return code == PACK_E_UNHEALTHY ? fall_back(engine, report, error) : code;
}

int pack_device_confirm(const struct pack_engine *given, bool unchecked,
                        struct pack_confirm_report *report, struct pack_error *error)
{
    ENGINE_AUTO struct engine engine = {.lock = -1};
    memset(report, 0, sizeof *report);
    int code = engine_open(&engine, given, ENGINE_WRITE, error);
    if (code != 0)
        return code;
    const enum pack_set set = engine.running;
    const struct hook_facts facts = engine_facts(&engine, engine_version(&engine, set), set);
    snprintf(report->version, sizeof report->version, "%s", engine.state->sets[set].version);
    if (engine.reconciled.trial != PACK_TRIAL_RUNS)
        return nothing_to_confirm(&engine, error);
    if (!unchecked)
        code = check_health(&engine, report, &facts, error);
    if (code == 0)
        code = hook_before(given->device, PACK_PHASE_CONFIRM, &facts, error);
    if (code == 0)
        code = engine_complete_confirm(&engine, set, error);
    if (code != 0)
        return code;
    report->changed = true;
    struct pack_error late = {0};
    if (hook_after(given->device, PACK_PHASE_CONFIRM, &facts, &late) != 0)
        pack_log(given->context, PACK_LOG_WARNING, "%s; the release stays confirmed", late.text);
    return engine_raise_counter(&engine, error);
}

/* --- rollback -------------------------------------------------------------------------------- */

/* What may start again: whole, and as new as the device has learnt to want. */
static int check_target(const struct engine *engine, enum pack_set set, struct pack_error *error)
{
    const struct state *state = engine->state;
    const struct state_set *old = &state->sets[set];
    if (old->condition != SET_GOOD) {
        pack_fail(error, PACK_E_STATE, "set %s cannot be started: it is %s", pack_set_name(set),
                  set_condition_name(old->condition));
        return pack_hint(error, "install a release into it");
    }
    if (old->security_version < state->security_version || old->data_epoch < state->data_epoch) {
        const bool epoch = old->data_epoch < state->data_epoch;
        pack_fail(error, PACK_E_TOO_OLD, "release %s has %s %llu, at least %llu is wanted",
                  old->version, epoch ? "data epoch" : "security version",
                  (unsigned long long)(epoch ? old->data_epoch : old->security_version),
                  (unsigned long long)(epoch ? state->data_epoch : state->security_version));
        return pack_hint(error, "%s",
                         epoch ? "its data were migrated beyond return"
                               : "the way back is a bundle with a permit ('fwpack permit')");
    }
    return 0;
}

/* A release that is confirmed gives way to the one before it; nothing is wrong with it. */
static int return_to(struct engine *engine, enum pack_set set, const char *reason,
                     struct pack_error *error)
{
    const struct boot_state loader = {.primary = set};
    struct state *state = engine->state;
    const char *version = state->sets[engine->running].version;
    int code = engine_tell_loader(engine, &loader, error);
    if (code != 0)
        return code;
    snprintf(state->trial.session, sizeof state->trial.session, "%s", engine->session);
    state_add_result(state, engine_now(engine), version, "rolled-back", reason);
    struct pack_json *data = events_begin_for(engine->events, "rollback", version);
    pack_json_string(data, "version", version);
    pack_json_string(data, "reason", reason);
    pack_json_string(data, "from", pack_set_name(engine->running));
    pack_json_string(data, "to", pack_set_name(set));
    events_end(engine->events);
    return engine_save(engine, error);
}

static int roll_back(struct engine *engine, const char *reason, bool *reboot,
                     struct pack_error *error)
{
    const enum pack_set running = engine->running, other = pack_set_other(running);
    const enum pack_trial trial = engine->reconciled.trial;
    *reboot = trial != PACK_TRIAL_WAITS;
    if (trial == PACK_TRIAL_WAITS)
        return engine_call_off(engine, other, reason, error);
    if (trial == PACK_TRIAL_RUNS)
        return engine_give_up(engine, running, "rollback", "rolled-back", reason, error);
    if (engine->loader.primary == other) /* it was rolled back already */
        return 0;
    const int code = check_target(engine, other, error);
    return code != 0 ? code : return_to(engine, other, reason, error);
}

int pack_device_rollback(const struct pack_engine *given, const char *reason, bool *reboot,
                         struct pack_error *error)
{
    ENGINE_AUTO struct engine engine = {.lock = -1};
    *reboot = false;
    int code = engine_check_reboot(given, error);
    if (code == 0)
        code = engine_open(&engine, given, ENGINE_WRITE, error);
    if (code != 0)
        return code;
    const char *why = reason != NULL ? reason : "by hand";
    const enum pack_set to = engine.reconciled.trial == PACK_TRIAL_WAITS
                                 ? engine.running
                                 : pack_set_other(engine.running);
    struct hook_facts facts = engine_facts(&engine, engine_version(&engine, to), to);
    facts.reason = why;
    code = hook_before(given->device, PACK_PHASE_ROLLBACK, &facts, error);
    if (code == 0)
        code = roll_back(&engine, why, reboot, error);
    if (code != 0)
        return code;
    struct pack_error late = {0};
    if (hook_after(given->device, PACK_PHASE_ROLLBACK, &facts, &late) != 0)
        pack_log(given->context, PACK_LOG_WARNING, "%s; the rollback stands", late.text);
    return *reboot ? engine_reboot(&engine, error) : 0;
}

/* --- boot ------------------------------------------------------------------------------------ */

/* No state is wanted: it must start something whatever became of that. */
int pack_device_boot(const struct pack_engine *given, enum pack_set *set, struct pack_error *error)
{
    struct storage *storage = given->storage != NULL ? given->storage : storage_system();
    struct boot *boot = NULL;
    int code = boot_open(&boot, given->device, storage, error);
    if (code == 0)
        code = boot_next(boot, set, error);
    boot_close(&boot);
    return code;
}
