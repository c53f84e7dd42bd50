/* SPDX-License-Identifier: MIT */
#include "install/device_trust.h"
#include "install/engine.h"

#include "base/memory.h"
#include "pack/root.h"

#include <stdio.h>
#include <string.h>

static void describe_set(const struct engine *engine, enum pack_set set,
                         struct pack_set_status *status)
{
    const struct state_set *from = &engine->state->sets[set];
    status->known = from->version[0] != '\0';
    status->security_version = from->security_version;
    status->condition = set_condition_name(from->condition);
    snprintf(status->version, sizeof status->version, "%s", from->version);
    memcpy(status->release_sha256, from->release_sha256, PACK_SHA256_SIZE);
}

/* As the next run would leave it. */
static void foresee(const struct engine *engine, struct pack_device_status *status)
{
    const struct reconciled *found = &engine->reconciled;
    const struct boot_state *loader = &engine->loader;
    struct pack_set_status *set = &status->sets[found->set];
    status->trial = found->trial;
    status->tries = loader->trial ? loader->tries : 0;
    status->next = status->tries > 0 ? pack_set_other(loader->primary) : loader->primary;
    if (found->what == RECONCILE_FELL_BACK)
        status->next = pack_set_other(found->set);
    if (found->what == RECONCILE_FELL_BACK)
        set->condition = set_condition_name(SET_FAILED);
    if (found->what == RECONCILE_CONFIRMED)
        set->condition = set_condition_name(SET_GOOD);
    if (found->what == RECONCILE_DROP)
        set->condition = set_condition_name(SET_INCOMPLETE);
}

/* Nothing can be installed then, but what the device runs is still to be told. */
static uint64_t root_version(const struct engine *engine)
{
    PACK_AUTO(pack_trust_free) struct pack_trust *trust = NULL;
    struct pack_error fault = {0};
    if (device_trust_load(&trust, engine, &fault) != 0) {
        pack_log(engine->given->context, PACK_LOG_WARNING, "%s%snothing is trusted here: %s",
                 fault.file, fault.file[0] != '\0' ? ": " : "", fault.text);
        return 0;
    }
    const struct pack_root *root = pack_trust_root(trust);
    return root != NULL ? root->version : 0;
}

int pack_device_status(const struct pack_engine *given, struct pack_device_status *status,
                       struct pack_error *error)
{
    ENGINE_AUTO struct engine engine = {.lock = -1};
    memset(status, 0, sizeof *status);
    const int code = engine_open(&engine, given, ENGINE_READ, error);
    if (code != 0)
        return code;
    status->running = engine.running;
    status->security_version = engine.state->security_version;
    status->data_epoch = engine.state->data_epoch;
    status->root_version = root_version(&engine);
    status->repaired = engine.repaired;
    status->fresh = engine.fresh;
    for (enum pack_set set = PACK_SET_A; set < PACK_SETS; set++)
        describe_set(&engine, set, &status->sets[set]);
    foresee(&engine, status);
    status->result_count = engine.state->result_count;
    memcpy(status->results, engine.state->results, sizeof status->results);
    return 0;
}

const char *pack_trial_name(enum pack_trial trial)
{
    static const char *const names[] = {
        [PACK_TRIAL_NONE] = "none",
        [PACK_TRIAL_WAITS] = "waits-for-reboot",
        [PACK_TRIAL_RUNS] = "running",
        [PACK_TRIAL_FAILED] = "fell-back",
    };
    return names[trial];
}
