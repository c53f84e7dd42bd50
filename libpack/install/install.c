/* SPDX-License-Identifier: MIT */
#include "install/conditions.h"
#include "install/counted.h"
#include "install/device_trust.h"
#include "install/images.h"
#include "install/judge.h"

#include "base/memory.h"
#include "bundle/reader.h"
#include "bundle/trusted.h"
#include "io/wait.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* One installation. */
struct installation {
    struct engine engine;
    struct counted source;
    struct pack_trust *trust;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
    struct judged judged;
    struct images images;
    struct pack_install_report *report;
    enum pack_set set; /* that is written */
};

static void installation_free(struct installation **address)
{
    struct installation *installation = *address;
    if (installation == NULL)
        return;
    images_close(&installation->images);
    judged_clear(&installation->judged);
    pack_trusted_free(&installation->trusted);
    pack_bundle_close(&installation->bundle);
    pack_trust_free(&installation->trust);
    engine_close(&installation->engine);
    free(installation);
    *address = NULL;
}

/* --- the decision ---------------------------------------------------------------------------- */

static void describe_images(struct installation *installation)
{
    const struct pack_release *release = pack_trusted_release(installation->trusted);
    const struct pack_delivery *delivery = pack_trusted_delivery(installation->trusted);
    struct pack_install_report *report = installation->report;
    snprintf(report->version, sizeof report->version, "%s", release->version);
    events_set_version(installation->engine.events, report->version);
    report->image_count = release->image_count;
    for (size_t i = 0; i < release->image_count; i++) {
        uint64_t smallest = release->images[i].size;
        struct pack_install_image *image = &report->images[i];
        *image = (struct pack_install_image){.size = release->images[i].size};
        snprintf(image->name, sizeof image->name, "%s", release->images[i].name);
        snprintf(image->slot, sizeof image->slot, "%s", release->images[i].slot);
        for (size_t e = 0; e < delivery->images[i].encoding_count; e++) {
            const struct pack_encoding *encoding = &delivery->images[i].encodings[e];
            if (encoding->kind == PACK_ENCODING_FULL && encoding->size < smallest)
                smallest = encoding->size;
        }
        report->full_size += smallest;
    }
}

static int open_bundle(struct installation *installation, struct pack_error *error)
{
    struct pack_install_report *report = installation->report;
    report->decision = PACK_DECIDE_SIGNATURE;
    int code = device_trust_load(&installation->trust, &installation->engine, error);
    if (code != 0)
        return code;
    report->decision = PACK_DECIDE_FORMAT;
    code = pack_bundle_open(&installation->bundle, &installation->source.input,
                            &installation->engine.context, error);
    if (code == 0)
        code = pack_bundle_trust(&installation->trusted, installation->bundle, installation->trust,
                                 &report->trust, error);
    report->decision = judge_trust_failure(code);
    if (code != 0)
        return code;
    pack_trusted_use_identities(installation->trusted, installation->engine.given->identities);
    describe_images(installation);
    return 0;
}

static bool is_encoding_failure(int code)
{
    return code == PACK_E_WRONG_BASE || code == PACK_E_KEY_STORE || code == PACK_E_PASSPHRASE;
}

/* Up to the last question that can be answered before anything is written. */
static int decide(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    struct pack_install_report *report = installation->report;
    int code = open_bundle(installation, error);
    if (code == 0)
        code = judge_release(engine, installation->bundle, installation->trusted,
                             &installation->judged, &report->decision, error);
    if (code != 0 || report->decision != PACK_DECIDE_INSTALL)
        return code;
    installation->images = (struct images){
        .engine = engine,
        .trusted = installation->trusted,
        .source = &installation->source.input,
        .set = installation->set,
        .report = report,
    };
    code = images_open(&installation->images, error);
    if (code == 0)
        code = images_check_encodings(&installation->images, error);
    report->decision = is_encoding_failure(code) ? PACK_DECIDE_ENCODING : PACK_DECIDE_INSTALL;
    return code != 0 ? code
                     : judge_moment(engine, report->version, &report->battery_before,
                                    &report->decision, error);
}

/* --- the state ------------------------------------------------------------------------------- */

/* A trial that waits gives way: first it is noted that it is none, then the loader is told. */
static int disarm(struct engine *engine, struct pack_error *error)
{
    const struct boot_state loader = {.primary = engine->running};
    int code = 0;
    if (engine->state->trial.begun && engine->state->trial.armed) {
        engine->state->trial.armed = false;
        code = engine_save(engine, error);
    }
    /* From now on nothing starts the set that will be half written. */
    return code != 0 ? code : engine_tell_loader(engine, &loader, error);
}

static int begin_writing(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    struct state *state = engine->state;
    const uint8_t *release = pack_trusted_release_sha256(installation->trusted);
    const bool goes_on =
        state->progress.begun && state->progress.set == installation->set &&
        sodium_memcmp(state->progress.release_sha256, release, PACK_SHA256_SIZE) == 0;
    int code = disarm(engine, error);
    if (code != 0)
        return code;
    state->trial = (struct state_trial){.begun = false};
    state->sets[installation->set].condition = SET_INCOMPLETE;
    if (!goes_on) {
        state->progress = (struct state_progress){.begun = true, .set = installation->set};
        memcpy(state->progress.release_sha256, release, PACK_SHA256_SIZE);
    }
    installation->report->changed = true;
    return engine_save(engine, error);
}

static int record_images(struct state_set *set, const struct pack_release *release,
                         const struct pack_device *device, struct pack_error *error)
{
    free(set->images);
    set->images = NULL;
    set->image_count = 0;
    const int code = pack_allocate(&set->images, release->image_count, sizeof *set->images, error);
    for (size_t i = 0; code == 0 && i < release->image_count; i++) {
        const struct pack_device_slot *slot =
            pack_device_slot_named(device, release->images[i].slot);
        if (!slot->redundant)
            continue;
        struct state_image *image = &set->images[set->image_count++];
        snprintf(image->slot, sizeof image->slot, "%s", slot->name);
        image->size = release->images[i].size;
        memcpy(image->sha256, release->images[i].sha256, PACK_SHA256_SIZE);
    }
    return code;
}

static int record_set(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    struct state *state = engine->state;
    const struct pack_release *release = pack_trusted_release(installation->trusted);
    struct state_set *set = &state->sets[installation->set];
    const int code = record_images(set, release, engine->device, error);
    if (code != 0)
        return code;
    set->condition = SET_TRIAL;
    set->security_version = release->security_version;
    set->data_epoch = release->data_epoch;
    snprintf(set->version, sizeof set->version, "%s", release->version);
    memcpy(set->release_sha256, pack_trusted_release_sha256(installation->trusted),
           PACK_SHA256_SIZE);
    state_note_seen(state, set->release_sha256,
                    pack_trusted_delivery(installation->trusted)->revision,
                    installation->judged.rollout);
    state->progress = (struct state_progress){.begun = false};
    state->trial = (struct state_trial){.begun = true, .set = installation->set};
    snprintf(state->trial.session, sizeof state->trial.session, "%s", engine->session);
    state_add_result(state, engine_now(engine), set->version, "installed", "");
    return engine_save(engine, error);
}

/* --- the switch ------------------------------------------------------------------------------ */

static int arm(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    const unsigned wanted = engine->device->policy.tries, most = engine->boot->type->max_tries;
    const struct boot_state loader = {
        .primary = engine->running,
        .trial = true,
        .tries = wanted < most ? wanted : most,
    };
    int code = engine_tell_loader(engine, &loader, error);
    if (code != 0)
        return code;
    engine->state->trial.armed = true;
    code = engine_save(engine, error);
    if (code != 0)
        return code;
    struct pack_json *data = events_begin(engine->events, "switch");
    pack_json_string(data, "set", pack_set_name(installation->set));
    pack_json_unsigned(data, "tries", loader.tries);
    events_end(engine->events);
    return 0;
}

/* A hook that says no when it is done: as if it had not been, but for what is written. */
static int take_back(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    struct pack_error second = {0};
    int code = disarm(engine, &second);
    engine->state->trial.begun = false;
    engine->state->sets[installation->set].condition = SET_INCOMPLETE;
    if (code == 0)
        code = engine_save(engine, &second);
    if (code != 0)
        pack_hint(error, "and the switch could not be taken back: %.200s", second.text);
    return (int)error->code;
}

static int switch_sets(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    const struct hook_facts facts =
        engine_facts(engine, installation->report->version, installation->set);
    int code = hook_before(engine->device, PACK_PHASE_SWITCH, &facts, error);
    if (code == 0)
        code = record_set(installation, error);
    if (code == 0)
        code = arm(installation, error);
    if (code != 0)
        return code;
    code = hook_after(engine->device, PACK_PHASE_SWITCH, &facts, error);
    return code != 0 ? take_back(installation, error) : 0;
}

static int write_set(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    const struct hook_facts facts =
        engine_facts(engine, installation->report->version, installation->set);
    int code = images_check_targets(&installation->images, error);
    if (code == PACK_E_NO_SPACE)
        installation->report->decision = PACK_DECIDE_SPACE;
    if (code == PACK_E_WRONG_DEVICE)
        installation->report->decision = PACK_DECIDE_SLOT;
    if (code != 0)
        return code;
    code = hook_before(engine->device, PACK_PHASE_WRITE, &facts, error);
    if (code == 0)
        code = begin_writing(installation, error);
    if (code == 0)
        code = images_write(&installation->images, error);
    if (code == 0)
        code = bundle_check_end(installation->bundle, installation->trusted->layout, error);
    return code != 0 ? code : hook_after(engine->device, PACK_PHASE_WRITE, &facts, error);
}

/* --- reports --------------------------------------------------------------------------------- */

static void add_up(struct installation *installation)
{
    struct pack_install_report *report = installation->report;
    struct pack_error ignored = {0};
    report->transferred = installation->source.count;
    for (size_t i = 0; i < report->image_count; i++) {
        report->reused += report->images[i].reused;
        report->written += report->images[i].written;
        report->resumed += report->images[i].resumed;
    }
    if (battery_read(installation->engine.device, installation->engine.storage,
                     &report->battery_after, &ignored) != 0)
        report->battery_after = -1;
}

static void event_started(struct installation *installation)
{
    struct engine *engine = &installation->engine;
    struct pack_json *data = events_begin(engine->events, "install.started");
    pack_json_string(data, "source", installation->source.input.name);
    if (engine_version(engine, engine->running) != NULL)
        pack_json_string(data, "from_version", engine_version(engine, engine->running));
    pack_json_string(data, "set", pack_set_name(installation->set));
    events_end(engine->events);
}

static void event_decision(struct installation *installation, const struct pack_error *error)
{
    const struct pack_install_report *report = installation->report;
    struct pack_json *data = events_begin(installation->engine.events, "decision");
    pack_json_string(data, "decision", pack_decision_name(report->decision));
    if (report->version[0] != '\0')
        pack_json_string(data, "version", report->version);
    if (installation->trusted != NULL)
        pack_json_hex(data, "release_sha256", pack_trusted_release_sha256(installation->trusted),
                      PACK_SHA256_SIZE);
    pack_json_integer(data, "exit", pack_code_exit(error->code));
    if (error->code != 0)
        pack_json_string(data, "reason", error->text);
    events_end(installation->engine.events);
}

static void event_end(struct installation *installation, int64_t started,
                      const struct pack_error *error)
{
    const struct pack_install_report *report = installation->report;
    struct engine *engine = &installation->engine;
    const char *type = error->code == 0 ? "install.finished" : "install.failed";
    struct pack_json *data = events_begin(engine->events, type);
    if (report->version[0] != '\0')
        pack_json_string(data, "version", report->version);
    pack_json_string(data, "decision", pack_decision_name(report->decision));
    pack_json_boolean(data, "changed", report->changed);
    pack_json_unsigned(data, "transferred", report->transferred);
    pack_json_unsigned(data, "reused", report->reused);
    pack_json_unsigned(data, "written", report->written);
    pack_json_unsigned(data, "resumed", report->resumed);
    pack_json_unsigned(data, "full_size", report->full_size);
    pack_json_unsigned(data, "duration_ms", (uint64_t)(wait_now() - started));
    if (installation->trusted != NULL) {
        const struct state_failure *failure =
            state_failure_of(engine->state, pack_trusted_release_sha256(installation->trusted));
        pack_json_unsigned(data, "retries", failure != NULL ? failure->count : 0);
    }
    if (report->battery_before >= 0)
        pack_json_integer(data, "battery_before", report->battery_before);
    if (report->battery_after >= 0)
        pack_json_integer(data, "battery_after", report->battery_after);
    if (error->code != 0) {
        pack_json_object(data, "error");
        pack_json_string(data, "id", pack_code_id(error->code));
        pack_json_integer(data, "exit", pack_code_exit(error->code));
        pack_json_string(data, "message", error->text);
        pack_json_end(data);
    }
    events_end(engine->events);
}

/* --- all ------------------------------------------------------------------------------------- */

/* Written, or found to be there: what is left to say, and to note. */
static void note_failure(struct installation *installation, const struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    struct pack_error ignored = {0};
    if (!installation->report->changed || error->code == PACK_E_INTERRUPTED)
        return;
    state_add_result(engine->state, engine_now(engine), installation->report->version, "failed",
                     error->text);
    (void)!engine_save(engine, &ignored);
}

/* A halted release that waits for its start does not get it. */
static int stop_waiting(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    const struct state_set *set = &engine->state->sets[installation->set];
    if (engine->reconciled.trial != PACK_TRIAL_WAITS ||
        sodium_memcmp(set->release_sha256, pack_trusted_release_sha256(installation->trusted),
                      PACK_SHA256_SIZE) != 0)
        return 0;
    return engine_call_off(engine, installation->set, "it was halted", error);
}

/* Noted, else who keeps the newest rollout from the device could undo it. */
static void note_halt(struct installation *installation, struct pack_error *error)
{
    struct engine *engine = &installation->engine;
    struct pack_error second = {0};
    if (installation->report->decision != PACK_DECIDE_HALTED || engine->given->dry_run)
        return;
    state_note_seen(engine->state, pack_trusted_release_sha256(installation->trusted),
                    pack_trusted_delivery(installation->trusted)->revision,
                    installation->judged.rollout);
    int code = stop_waiting(installation, &second);
    if (code == 0)
        code = engine_save(engine, &second);
    if (code != 0)
        pack_hint(error, "and that could not be noted: %.200s", second.text);
}

/* Whatever becomes of the release: a key that it revokes is not trusted for another one either. */
static int keep_roots(const struct installation *installation, struct pack_error *error)
{
    const struct engine *engine = &installation->engine;
    struct pack_error second = {0};
    if (installation->bundle == NULL || engine->given->dry_run ||
        device_trust_keep(engine, installation->trust, installation->bundle, &second) == 0)
        return (int)error->code;
    if (error->code == PACK_OK)
        *error = second;
    else
        pack_hint(error, "and a newer trust root could not be kept: %.200s", second.text);
    return (int)error->code;
}

static int carry_out(struct installation *installation, struct pack_error *error)
{
    struct pack_install_report *report = installation->report;
    int code = decide(installation, error);
    /* What is the bundle's fault, and not the moment's, names it. */
    if (code != 0 && report->decision < PACK_DECIDE_FAILED)
        pack_at_file(error, installation->source.input.name);
    event_decision(installation, error);
    code = keep_roots(installation, error);
    note_halt(installation, error);
    report->reboot = code == 0 && report->decision == PACK_DECIDE_WAITS;
    if (code != 0 || report->decision != PACK_DECIDE_INSTALL || installation->engine.given->dry_run)
        return code;
    code = write_set(installation, error);
    if (code == 0)
        code = switch_sets(installation, error);
    if (code == PACK_E_VETOED)
        report->decision = PACK_DECIDE_VETO;
    if (code != 0)
        note_failure(installation, error);
    report->reboot = code == 0;
    return code;
}

static enum engine_use use_of(const struct pack_engine *engine)
{
    return engine->dry_run ? ENGINE_READ : ENGINE_FIRST;
}

int pack_install(const struct pack_engine *given, struct pack_input *source,
                 struct pack_install_report *report, struct pack_error *error)
{
    PACK_AUTO(installation_free) struct installation *installation = NULL;
    const int64_t started = wait_now();
    memset(report, 0, sizeof *report);
    report->battery_before = report->battery_after = -1;
    int code = engine_check_reboot(given, error);
    if (code == 0)
        code = pack_allocate(&installation, 1, sizeof *installation, error);
    if (code != 0)
        return code;
    installation->engine.lock = -1;
    installation->report = report;
    counted_open(&installation->source, source);
    code = engine_open(&installation->engine, given, use_of(given), error);
    if (code == 0 && installation->engine.fresh && !given->first)
        code = state_fail_absent(given->device->state, error);
    if (code != 0)
        return code;
    report->set = installation->set = pack_set_other(installation->engine.running);
    event_started(installation);
    code = carry_out(installation, error);
    add_up(installation);
    event_end(installation, started, error);
    if (code == 0 && report->reboot && !given->dry_run)
        code = engine_reboot(&installation->engine, error);
    return code;
}

int pack_install_check(const struct pack_engine *given, struct pack_trusted *trusted,
                       enum pack_decision *decision, struct pack_error *error)
{
    ENGINE_AUTO struct engine engine = {.lock = -1};
    PACK_AUTO(judged_clear) struct judged judged = {.permit = NULL};
    *decision = PACK_DECIDE_INSTALL;
    const int code = engine_open(&engine, given, ENGINE_READ, error);
    return code != 0 ? code
                     : judge_release(&engine, trusted->bundle, trusted, &judged, decision, error);
}
