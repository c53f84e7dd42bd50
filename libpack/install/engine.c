/* SPDX-License-Identifier: MIT */
#include "install/engine.h"

#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* No clock of a working device shows less: the beginning of 2024. */
#define EARLIEST_CLOCK UINT64_C(1704067200)

uint64_t engine_now(const struct engine *engine)
{
    return engine->given->now != NULL ? engine->given->now(engine->given->user)
                                      : (uint64_t)time(NULL);
}

bool engine_has_clock(const struct engine *engine)
{
    return !engine->device->no_clock && engine_now(engine) >= EARLIEST_CLOCK;
}

int engine_save(struct engine *engine, struct pack_error *error)
{
    return state_save(engine->state, engine->storage, engine->device->state, error);
}

int engine_tell_loader(struct engine *engine, const struct boot_state *loader,
                       struct pack_error *error)
{
    const struct boot_state *old = &engine->loader;
    if (old->primary == loader->primary && old->trial == loader->trial &&
        old->tries == loader->tries && old->fallback == loader->fallback && !old->worn)
        return 0;
    const int code = boot_write(engine->boot, loader, error);
    if (code == 0)
        engine->loader = *loader;
    return code;
}

const char *engine_version(const struct engine *engine, enum pack_set set)
{
    const char *version = engine->state->sets[set].version;
    return version[0] != '\0' ? version : NULL;
}

struct hook_facts engine_facts(const struct engine *engine, const char *version, enum pack_set set)
{
    return (struct hook_facts){
        .version = version,
        .from = engine_version(engine, engine->running),
        .set = pack_set_name(set),
        .product = engine->device->product,
        .device = engine->id[0] != '\0' ? engine->id : NULL,
    };
}

/* --- opening --------------------------------------------------------------------------------- */

/* Who holds it says so in the lock's file; a dead owner's lock is gone with it. */
static int fail_busy(int lock, const char *path, struct pack_error *error)
{
    char owner[24] = "";
    const ssize_t got = pread(lock, owner, sizeof owner - 1, 0);
    owner[got > 0 ? strcspn(owner, "\n") : 0] = '\0';
    const bool known = owner[0] != '\0';
    pack_fail(error, PACK_E_BUSY, "another process%s%s%s works on this device",
              known ? ", number " : "", owner, known ? "," : "");
    pack_at_file(error, path);
    return pack_hint(error, "try again when it has ended");
}

static int take_lock(struct engine *engine, struct pack_error *error)
{
    char name[PATH_MAX], path[PATH_MAX], owner[24];
    snprintf(name, sizeof name, "%s/%s", engine->device->state, LOCK_NAME);
    const int code = storage_locate(engine->storage, name, path, sizeof path, error);
    if (code != 0)
        return code;
    engine->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (engine->lock < 0) {
        const int number = errno;
        if (number == ENOENT)
            return state_fail_absent(engine->device->state, error);
        pack_fail_errno(error, number, "cannot open the lock");
        pack_at_file(error, name);
        if (number == EROFS)
            pack_hint(error, "the state folder lies on what can be written: mount it so");
        return (int)error->code;
    }
    if (flock(engine->lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? fail_busy(engine->lock, name, error)
                                    : pack_fail_errno(error, errno, "cannot lock %s", name);
    /* For who finds it busy, and no more: a full disk is no reason to confirm nothing. */
    snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
    if (pwrite(engine->lock, owner, strlen(owner), 0) > 0)
        (void)!ftruncate(engine->lock, (off_t)strlen(owner));
    return 0;
}

static int load_state(struct engine *engine, enum engine_use use, struct pack_error *error)
{
    int code = state_load(&engine->state, engine->storage, engine->device->state, engine->writable,
                          &engine->repaired, error);
    if (code == PACK_E_NOT_FOUND && use != ENGINE_WRITE) {
        pack_error_clear(error);
        engine->fresh = true;
        return state_new(&engine->state, error);
    }
    return code;
}

/* Without its id a device is nobody to a permit; it must still confirm, and take an update. */
static int read_id(struct engine *engine, struct pack_error *error)
{
    PACK_AUTO_FREE void *bytes = NULL;
    struct pack_error fault = {0};
    size_t size = 0;
    if (engine->device->id != NULL)
        snprintf(engine->id, sizeof engine->id, "%s", engine->device->id);
    if (engine->device->id_file == NULL)
        return 0;
    const int code = storage_load(engine->storage, engine->device->id_file, sizeof engine->id - 1,
                                  &bytes, &size, &fault);
    if (code == PACK_E_NO_MEMORY)
        return pack_fail_memory(error);
    if (code != 0) {
        pack_log(engine->given->context, PACK_LOG_WARNING, "%s: the device's id is not known: %s",
                 engine->device->id_file, fault.text);
        return 0;
    }
    snprintf(engine->id, sizeof engine->id, "%.*s", (int)strcspn(bytes, "\r\n"),
             (const char *)bytes);
    return 0;
}

static int find_out(struct engine *engine, struct pack_error *error)
{
    int code = boot_open(&engine->boot, engine->device, engine->storage, error);
    if (code == 0)
        code = boot_read(engine->boot, &engine->loader, error);
    if (code == 0)
        code = boot_running(engine->boot, &engine->running, error);
    if (code == 0)
        code = boot_session(engine->boot, engine->session, error);
    if (code == 0)
        code = read_id(engine, error);
    if (code == 0)
        code = counter_read(engine->device, &engine->counter, error);
    if (code == 0 && engine->counter > engine->state->security_version)
        engine->state->security_version = engine->counter;
    return code;
}

static uint64_t call_clock(void *user)
{
    return engine_now(user);
}

static void open_events(struct engine *engine)
{
    const struct event_source source = {
        .context = engine->given->context,
        .device = engine->device,
        .storage = engine->storage,
        .id = engine->id[0] != '\0' ? engine->id : NULL,
        .session = engine->session,
        .clock_known = engine_has_clock(engine),
        .now = call_clock,
        .user = engine,
        .sequence = &engine->state->events,
    };
    engine->events = events_open(&source);
}

/* --- reconciling ----------------------------------------------------------------------------- */

/* The session stays: until it is another, what runs need not be what was switched to. */
static void forget_trial(struct engine *engine)
{
    struct state_trial *trial = &engine->state->trial;
    *trial = (struct state_trial){.begun = false};
    snprintf(trial->session, sizeof trial->session, "%s", engine->session);
}

int engine_complete_confirm(struct engine *engine, enum pack_set set, struct pack_error *error)
{
    struct state *state = engine->state;
    struct state_set *good = &state->sets[set], *old = &state->sets[pack_set_other(set)];
    const bool known = good->version[0] != '\0';
    const uint64_t least = known && good->security_version > state->security_version
                               ? good->security_version
                               : state->security_version;
    const uint64_t epoch =
        known && good->data_epoch > state->data_epoch ? good->data_epoch : state->data_epoch;
    const struct boot_state loader = {
        .primary = set,
        .fallback = old->condition == SET_GOOD && old->security_version >= least &&
                    old->data_epoch >= epoch,
    };
    const int code = engine_tell_loader(engine, &loader, error);
    if (code != 0)
        return code;
    state->security_version = least;
    state->data_epoch = epoch;
    good->condition = SET_GOOD;
    forget_trial(engine);
    state_forget_failure(state, good->release_sha256);
    state_add_result(state, engine_now(engine), good->version, "confirmed", "");
    struct pack_json *data = events_begin_for(engine->events, "confirm", good->version);
    pack_json_string(data, "version", good->version);
    events_end(engine->events);
    return engine_save(engine, error);
}

int engine_raise_counter(const struct engine *engine, struct pack_error *error)
{
    if (counter_raise(engine->device, engine->state->security_version, error) == 0)
        return 0;
    return pack_hint(error, "the release stays; 'fwpack confirm' raises the counter again");
}

/* The other set starts from now on; the events and results say why. */
static int leave_set(struct engine *engine, enum pack_set set, const char *event,
                     const char *outcome, const char *reason, struct pack_error *error)
{
    const char *version = engine->state->sets[set].version;
    const struct boot_state loader = {.primary = pack_set_other(set)};
    const int code = engine_tell_loader(engine, &loader, error);
    if (code != 0)
        return code;
    forget_trial(engine);
    state_add_result(engine->state, engine_now(engine), version, outcome, reason);
    struct pack_json *data = events_begin_for(engine->events, event, version);
    pack_json_string(data, "version", version);
    pack_json_string(data, "reason", reason);
    pack_json_string(data, "from", pack_set_name(set));
    pack_json_string(data, "to", pack_set_name(pack_set_other(set)));
    events_end(engine->events);
    return engine_save(engine, error);
}

int engine_give_up(struct engine *engine, enum pack_set set, const char *event, const char *outcome,
                   const char *reason, struct pack_error *error)
{
    struct state_set *failed = &engine->state->sets[set];
    if (failed->version[0] != '\0')
        state_add_failure(engine->state, failed->release_sha256, engine_now(engine));
    failed->condition = SET_FAILED;
    return leave_set(engine, set, event, outcome, reason, error);
}

int engine_call_off(struct engine *engine, enum pack_set set, const char *reason,
                    struct pack_error *error)
{
    /* First that it is no trial, else a power cut would make it one that failed. */
    engine->state->trial.armed = false;
    engine->state->sets[set].condition = SET_INCOMPLETE;
    const int code = engine_save(engine, error);
    return code != 0 ? code : leave_set(engine, set, "rollback", "rolled-back", reason, error);
}

static int adopt(struct engine *engine, struct pack_error *error)
{
    struct state_trial *trial = &engine->state->trial;
    trial->begun = trial->armed = true;
    trial->set = engine->reconciled.set;
    snprintf(trial->session, sizeof trial->session, "%s", engine->session);
    return engine_save(engine, error);
}

static int drop(struct engine *engine, struct pack_error *error)
{
    engine->state->sets[engine->state->trial.set].condition = SET_INCOMPLETE;
    forget_trial(engine);
    return engine_save(engine, error);
}

/* A counter that cannot be raised is no reason to install nothing, which might mend it. */
static int make_up_for(struct engine *engine, enum pack_set set, struct pack_error *error)
{
    struct pack_error late = {0};
    const int code = engine_complete_confirm(engine, set, error);
    if (code == 0 && engine_raise_counter(engine, &late) != 0)
        pack_log(engine->given->context, PACK_LOG_WARNING, "%s", late.text);
    return code;
}

static int act(struct engine *engine, struct pack_error *error)
{
    const struct reconciled *found = &engine->reconciled;
    switch (found->what) {
    case RECONCILE_ADOPT:
        return adopt(engine, error);
    case RECONCILE_DROP:
        return drop(engine, error);
    case RECONCILE_CONFIRMED:
        return make_up_for(engine, found->set, error);
    case RECONCILE_FELL_BACK:
        return engine_give_up(engine, found->set, "fell-back", "fell-back", "it did not start",
                              error);
    case RECONCILE_NOTHING:
        break;
    }
    return 0;
}

/* --- all ------------------------------------------------------------------------------------- */

static int prepare_folder(struct engine *engine, enum engine_use use, struct pack_error *error)
{
    const bool first = use == ENGINE_FIRST && engine->given->first;
    return first ? storage_make_folder(engine->storage, engine->device->state, error) : 0;
}

int engine_open(struct engine *engine, const struct pack_engine *given, enum engine_use use,
                struct pack_error *error)
{
    static const struct pack_context no_context = {.jobs = 0};
    *engine = (struct engine){
        .given = given,
        .device = given->device,
        .storage = given->storage != NULL ? given->storage : storage_system(),
        .context = given->context != NULL ? *given->context : no_context,
        .lock = -1,
        .writable = use != ENGINE_READ,
    };
    engine->context.confinement = given->device->policy.confine;
    engine->context.decoder_memory = given->device->policy.decoder_memory;
    int code = engine->writable ? prepare_folder(engine, use, error) : 0;
    if (code == 0 && engine->writable)
        code = take_lock(engine, error);
    if (code == 0)
        code = load_state(engine, use == ENGINE_FIRST && !given->first ? ENGINE_WRITE : use, error);
    if (code == 0)
        code = find_out(engine, error);
    if (code != 0)
        return code;
    engine->reconciled =
        reconcile(engine->state, &engine->loader, engine->running, engine->session);
    if (!engine->writable)
        return 0;
    open_events(engine);
    if (engine->repaired)
        pack_log(given->context, PACK_LOG_WARNING,
                 "one copy of the device's state was damaged, and was repaired from the other");
    return engine->fresh ? 0 : act(engine, error);
}

void engine_close(struct engine *engine)
{
    events_close(&engine->events);
    boot_close(&engine->boot);
    state_free(&engine->state);
    pack_close_descriptor(&engine->lock);
}

int engine_check_reboot(const struct pack_engine *given, struct pack_error *error)
{
    if (!given->reboot || given->device->reboot.count != 0)
        return 0;
    pack_fail(error, PACK_E_USAGE, "the device file does not say how to restart");
    pack_at_file(error, given->device->path);
    return pack_hint(error, "add 'reboot:' with the program and its arguments");
}

int engine_reboot(struct engine *engine, struct pack_error *error)
{
    const struct hook_facts facts = engine_facts(engine, NULL, engine->running);
    if (!engine->given->reboot)
        return 0;
    int code = engine_check_reboot(engine->given, error);
    if (code != 0)
        return code;
    code = hook_run(&engine->device->reboot, "the reboot program", &facts, PACK_E_IO, NULL, error);
    return code != 0 ? pack_hint(error, "all else is done: restart the device") : 0;
}
