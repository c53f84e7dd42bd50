/* SPDX-License-Identifier: MIT */
#include "install/rehearsal.h"

#include "install/engine.h"
#include "slot/slot.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"

#include <limits.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 1024 * 1024, DAYS_LATER = 30 * 86400, FULL = 100 };

/* --- what is told ---------------------------------------------------------------------------- */

void rehearsal_note(struct rehearsal *rehearsal, const char *format, ...)
{
    struct pack_simulate_report *told = rehearsal->told;
    va_list arguments;
    if (told->note_count == sizeof told->notes / sizeof told->notes[0])
        return;
    va_start(arguments, format);
    vsnprintf(told->notes[told->note_count++], sizeof told->notes[0], format, arguments);
    va_end(arguments);
}

/* What the runs warn of is what is done to them on purpose: it is for who wants to know more. */
static void log_quietly(void *user, enum pack_log_level level, const char *text)
{
    const struct rehearsal *rehearsal = user;
    (void)level;
    pack_log(rehearsal->given->context, PACK_LOG_DEBUG, "%s", text);
}

static bool is_cancelled(void *user)
{
    const struct pack_context *given = ((const struct rehearsal *)user)->given->context;
    return given != NULL && given->cancelled != NULL && given->cancelled(given->user);
}

/* As the caller's; progress is that of all runs, and not of each. */
static void make_context(struct rehearsal *rehearsal)
{
    if (rehearsal->given->context != NULL)
        rehearsal->context = *rehearsal->given->context;
    rehearsal->context.log = log_quietly;
    rehearsal->context.progress = NULL;
    rehearsal->context.cancelled = is_cancelled;
    rehearsal->context.user = rehearsal;
}

/* --- the copy -------------------------------------------------------------------------------- */

static int make_path(struct rehearsal *rehearsal, const char **path, struct pack_error *error,
                     const char *format, ...) PACK_PRINTF(4, 5);
static int make_path(struct rehearsal *rehearsal, const char **path, struct pack_error *error,
                     const char *format, ...)
{
    char name[128], whole[PATH_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    snprintf(whole, sizeof whole, "%s/%s", rehearsal->folder, name);
    return pack_arena_string(rehearsal->arena, path, whole, strlen(whole), error);
}

static int copy_input(struct pack_input *from, const char *path, struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *to = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    int code = storage_open(storage_system(), path, STORAGE_WRITE | STORAGE_CREATE | STORAGE_EMPTY,
                            &to, error);
    if (code == 0 && pack_input_descriptor(from) >= 0)
        return pack_copy_descriptor(pack_input_descriptor(from), 0, storage_descriptor(to), 0,
                                    from->size, error);
    if (code == 0)
        code = pack_allocate(&bytes, 1, PIECE, error);
    for (uint64_t at = 0; code == 0 && at < from->size; at += PIECE) {
        const size_t piece = (size_t)pack_min(PIECE, from->size - at);
        code = pack_input_exact(from, at, bytes, piece, PACK_E_IO, error);
        if (code == 0)
            code = storage_write_at(to, at, bytes, piece, error);
    }
    return code;
}

/* What is not there, or cannot be read, is not there in the copy either. */
static int copy_target(struct rehearsal *rehearsal, const struct pack_device_target *target,
                       const char *path, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_error absent = {0};
    char name[160];
    if (slot_can_read(target) && slot_open_read(&input, target, storage_system(), &absent) == 0)
        return copy_input(input, path, error);
    slot_describe(target, name, sizeof name);
    rehearsal_note(rehearsal, "%s cannot be read: in the copy it is empty", name);
    return 0;
}

/* Targets of the copy are plain files; what was there is kept beside them. */
static int copy_slot(struct rehearsal *rehearsal, size_t index, struct pack_error *error)
{
    const struct pack_device_slot *from = &rehearsal->given->device->slots[index];
    struct pack_device_slot *slot = &rehearsal->slots[index];
    int code = 0;
    *slot = *from;
    for (enum pack_set set = PACK_SET_A; code == 0 && set < PACK_SETS; set++) {
        const char *keep = NULL;
        slot->targets[set] = (struct pack_device_target){.kind = PACK_TARGET_FILE};
        if (!slot->redundant && set != PACK_SET_A)
            break;
        code = make_path(rehearsal, &slot->targets[set].path, error, "slot-%zu-%s", index,
                         pack_set_name(set));
        if (code == 0)
            code = make_path(rehearsal, &keep, error, "kept-%zu-%s", index, pack_set_name(set));
        if (code == 0)
            code = copy_target(rehearsal, &from->targets[set], keep, error);
    }
    return code;
}

static uint64_t tell_time(void *user)
{
    return ((const struct rehearsal *)user)->now;
}

/* No hooks, checks or counters: they are the device's own, and would act on it. */
static int copy_device(struct rehearsal *rehearsal, struct pack_error *error)
{
    const struct pack_device *from = rehearsal->given->device;
    struct pack_device *device = &rehearsal->device;
    *device = (struct pack_device){
        .path = from->path,
        .product = from->product,
        .hardware_count = from->hardware_count,
        .hardware = from->hardware,
        .id = from->id,
        .id_file = from->id_file,
        .group = from->group,
        .trust_count = from->trust_count,
        .trust = from->trust,
        .allow_demo_keys = from->allow_demo_keys,
        .no_clock = from->no_clock,
        .slot_count = from->slot_count,
        .slots = rehearsal->slots,
        .boot = {.type = "file"},
        .policy = from->policy,
        .events_size = from->events_size,
    };
    device->policy.window_count = 0;
    device->policy.cooldown = 0;
    device->policy.battery_program = (struct pack_device_program){.count = 0};
    device->policy.mains_file = NULL;
    int code = make_path(rehearsal, &device->state, error, "state");
    if (code == 0)
        code = make_path(rehearsal, &device->events_file, error, "events.jsonl");
    if (code == 0)
        code = make_path(rehearsal, &device->boot.file, error, "boot");
    if (code == 0)
        code = make_path(rehearsal, &rehearsal->battery, error, "battery");
    device->policy.battery_file = device->policy.battery_minimum != 0 ? rehearsal->battery : NULL;
    for (size_t i = 0; code == 0 && i < from->slot_count; i++)
        code = copy_slot(rehearsal, i, error);
    rehearsal->engine = *rehearsal->given;
    make_context(rehearsal);
    rehearsal->engine.context = &rehearsal->context;
    rehearsal->engine.device = device;
    rehearsal->engine.storage = NULL;
    rehearsal->engine.now = tell_time;
    rehearsal->engine.user = rehearsal;
    rehearsal->engine.first = true;
    rehearsal->engine.retry = true;
    rehearsal->engine.reboot = rehearsal->engine.dry_run = false;
    return code;
}

/* The newer roots that the device has seen: without them it would trust older ones. */
static int copy_roots(struct rehearsal *rehearsal, struct pack_error *error)
{
    const char *from = rehearsal->given->device->state, *to = rehearsal->device.state;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/roots", to);
    int code = storage_make_folder(storage_system(), to, error);
    if (code == 0)
        code = storage_make_folder(storage_system(), path, error);
    for (unsigned version = 1; code == 0 && version <= 4 * PACK_MAX_ROOTS; version++) {
        PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
        struct pack_error absent = {0};
        snprintf(path, sizeof path, "%s/roots/%u.root.json", from, version);
        if (pack_input_open_regular(&input, path, &absent) != 0)
            continue;
        snprintf(path, sizeof path, "%s/roots/%u.root.json", to, version);
        code = copy_input(input, path, error);
    }
    return code;
}

/* What the device remembers, and what its loader says. */
static int copy_memory(struct rehearsal *rehearsal, struct pack_error *error)
{
    ENGINE_AUTO struct engine engine = {.lock = -1};
    const int code = engine_open(&engine, rehearsal->given, ENGINE_READ, error);
    if (code != 0)
        return code;
    if (engine.reconciled.what != RECONCILE_NOTHING || engine.reconciled.trial != PACK_TRIAL_NONE) {
        pack_fail(error, PACK_E_NOT_YET, "the device is in the middle of an update");
        return pack_hint(error, "restart, then confirm or roll back; 'fwpack status' tells more");
    }
    rehearsal->running = engine.running;
    rehearsal->fallback = engine.loader.fallback;
    rehearsal->now = engine_now(&engine);
    return engine.fresh ? 0 : state_copy(&rehearsal->state, engine.state, error);
}

int rehearsal_new(struct rehearsal **address, const struct pack_engine *given,
                  struct pack_input *source, const char *folder, struct pack_simulate_report *told,
                  struct pack_error *error)
{
    PACK_AUTO(rehearsal_free) struct rehearsal *rehearsal = NULL;
    const size_t count = given->device->slot_count;
    int code = pack_allocate(&rehearsal, 1, sizeof *rehearsal, error);
    if (code != 0)
        return code;
    rehearsal->given = given;
    rehearsal->folder = folder;
    rehearsal->source = source;
    rehearsal->told = told;
    code = pack_arena_new(&rehearsal->arena, error);
    if (code == 0)
        code = pack_allocate(&rehearsal->report, 1, sizeof *rehearsal->report, error);
    if (code == 0)
        code = pack_arena_allocate(rehearsal->arena, &rehearsal->slots, count,
                                   sizeof *rehearsal->slots, error);
    if (code == 0)
        code =
            pack_arena_allocate(rehearsal->arena, &rehearsal->old, count, PACK_SHA256_SIZE, error);
    if (code == 0)
        code =
            pack_arena_allocate(rehearsal->arena, &rehearsal->new, count, PACK_SHA256_SIZE, error);
    if (code == 0)
        code = copy_memory(rehearsal, error);
    if (code == 0)
        code = copy_device(rehearsal, error);
    if (code == 0)
        code = copy_roots(rehearsal, error);
    if (code == 0)
        *address = pack_steal(&rehearsal);
    return code;
}

void rehearsal_free(struct rehearsal **address)
{
    struct rehearsal *rehearsal = *address;
    if (rehearsal == NULL)
        return;
    state_free(&rehearsal->state);
    pack_arena_free(&rehearsal->arena);
    free(rehearsal->report);
    free(rehearsal);
    *address = NULL;
}

/* --- back to the beginning ------------------------------------------------------------------- */

static int restore_target(struct rehearsal *rehearsal, size_t index, enum pack_set set,
                          struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const char *path = rehearsal->slots[index].targets[set].path;
    const char *keep = NULL;
    struct pack_error absent = {0};
    int code = make_path(rehearsal, &keep, error, "kept-%zu-%s", index, pack_set_name(set));
    if (code == 0)
        code = storage_remove(storage_system(), path, error);
    if (code != 0 || pack_input_open(&input, keep, &absent) != 0)
        return code;
    return copy_input(input, path, error);
}

static int remove_copies(const char *path, struct pack_error *error)
{
    char copy[PATH_MAX];
    int code = 0;
    for (int i = 0; code == 0 && i < 2; i++) {
        snprintf(copy, sizeof copy, "%s.%d", path, i);
        code = storage_remove(storage_system(), copy, error);
    }
    return code;
}

static int restore_memory(struct rehearsal *rehearsal, struct pack_error *error)
{
    const struct pack_device *device = &rehearsal->device;
    const struct boot_state loader = {.primary = rehearsal->running,
                                      .fallback = rehearsal->fallback};
    enum pack_set started = PACK_SET_A;
    struct boot *boot = NULL;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/" STATE_NAME, device->state);
    int code = remove_copies(path, error);
    if (code == 0)
        code = remove_copies(device->boot.file, error);
    if (code == 0 && rehearsal->state != NULL)
        code = state_save(rehearsal->state, storage_system(), device->state, error);
    if (code == 0)
        code = boot_open(&boot, device, storage_system(), error);
    if (code == 0)
        code = boot_write(boot, &loader, error);
    if (code == 0)
        code = boot_next(boot, &started, error);
    boot_close(&boot);
    return code;
}

int rehearsal_set_battery(struct rehearsal *rehearsal, unsigned percent, struct pack_error *error)
{
    char text[16];
    const int size = snprintf(text, sizeof text, "%u\n", percent);
    return storage_save(storage_system(), rehearsal->battery, text, (size_t)size, error);
}

int rehearsal_reset(struct rehearsal *rehearsal, struct pack_error *error)
{
    int code = pack_check_cancelled(rehearsal->given->context, error);
    for (size_t i = 0; code == 0 && i < rehearsal->device.slot_count; i++) {
        const bool redundant = rehearsal->slots[i].redundant;
        code = restore_target(rehearsal, i,
                              redundant ? pack_set_other(rehearsal->running) : PACK_SET_A, error);
        /* What runs is never written; it is put there once. */
        if (code == 0 && redundant && !rehearsal->has_running)
            code = restore_target(rehearsal, i, rehearsal->running, error);
    }
    rehearsal->has_running = code == 0;
    if (code == 0)
        code = restore_memory(rehearsal, error);
    return code != 0 || rehearsal->device.policy.battery_minimum == 0
               ? code
               : rehearsal_set_battery(rehearsal, FULL, error);
}

/* --- runs ------------------------------------------------------------------------------------ */

/* A bundle as it comes over a bad line. */
struct line {
    struct pack_input input; /* lent to the engine; never closed */
    struct rehearsal *rehearsal;
    const struct pack_fault *fault;
};

static void install_beside(struct rehearsal *rehearsal)
{
    PACK_AUTO_FREE struct pack_install_report *report = calloc(1, sizeof *report);
    struct pack_error why = {0};
    rehearsal->busy = report != NULL && pack_install(&rehearsal->engine, rehearsal->source, report,
                                                     &why) == PACK_E_BUSY;
}

static int line_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                        size_t *got, struct pack_error *error)
{
    struct line *line = (struct line *)input;
    const struct pack_fault *fault = line->fault;
    const uint64_t at = fault->number;
    if (fault->kind == PACK_FAULT_NETWORK && offset + size > at) {
        line->rehearsal->struck = true;
        pack_fail(error, PACK_E_NETWORK, "the connection broke at byte %llu",
                  (unsigned long long)at);
        return pack_at_file(error, input->name);
    }
    if (fault->kind == PACK_FAULT_TWICE && !line->rehearsal->busy && offset > input->size / 2)
        install_beside(line->rehearsal);
    const int code = pack_input_read(line->rehearsal->source, offset, buffer, size, got, error);
    if (code == 0 && fault->kind == PACK_FAULT_CORRUPT && offset <= at && at - offset < *got) {
        line->rehearsal->struck = true;
        ((uint8_t *)buffer)[at - offset] ^= 1;
    }
    return code;
}

int rehearsal_install(struct rehearsal *rehearsal, struct storage *storage,
                      const struct pack_fault *fault, struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = line_read_at};
    struct line line = {.input = *rehearsal->source, .rehearsal = rehearsal, .fault = fault};
    line.input.ops = &ops;
    rehearsal->busy = rehearsal->struck = false;
    rehearsal->engine.storage = storage;
    const int code =
        pack_install(&rehearsal->engine, fault != NULL ? &line.input : rehearsal->source,
                     rehearsal->report, error);
    rehearsal->engine.storage = NULL;
    return code;
}

bool rehearsal_was_busy(const struct rehearsal *rehearsal)
{
    return rehearsal->busy;
}

/* --- what is there --------------------------------------------------------------------------- */

static int hash_slot(const struct rehearsal *rehearsal, size_t index, enum pack_set set,
                     uint8_t digest[PACK_SHA256_SIZE], struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    struct pack_error absent = {0};
    int code = pack_sha256_new(&hash, error);
    if (code == 0)
        code = pack_allocate(&bytes, 1, PIECE, error);
    const char *path = rehearsal->slots[index].targets[set].path;
    const bool there = code == 0 && pack_input_open(&input, path, &absent) == 0;
    for (uint64_t at = 0; there && code == 0 && at < input->size; at += PIECE) {
        size_t got = 0;
        code = pack_input_read(input, at, bytes, PIECE, &got, error);
        if (code == 0)
            code = pack_sha256_update(hash, bytes, got, error);
    }
    return code != 0 ? code : pack_sha256_finish(hash, digest, error);
}

static int hash_set(const struct rehearsal *rehearsal, enum pack_set set,
                    uint8_t (*digests)[PACK_SHA256_SIZE], struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < rehearsal->device.slot_count; i++)
        if (rehearsal->slots[i].redundant)
            code = hash_slot(rehearsal, i, set, digests[i], error);
    return code;
}

/* Whether a set holds what was learnt of it. */
static int compare_set(const struct rehearsal *rehearsal, enum pack_set set, bool *same,
                       struct pack_error *error)
{
    uint8_t(*wanted)[PACK_SHA256_SIZE] =
        set == rehearsal->running ? rehearsal->old : rehearsal->new;
    int code = 0;
    *same = true;
    for (size_t i = 0; code == 0 && i < rehearsal->device.slot_count; i++) {
        uint8_t digest[PACK_SHA256_SIZE];
        if (!rehearsal->slots[i].redundant)
            continue;
        code = hash_slot(rehearsal, i, set, digest, error);
        *same = *same && code == 0 && sodium_memcmp(digest, wanted[i], sizeof digest) == 0;
    }
    return code;
}

int rehearsal_start(struct rehearsal *rehearsal, enum rehearsed *found, struct pack_error *error)
{
    enum pack_set set = PACK_SET_A;
    bool same = false;
    int code = pack_device_boot(&rehearsal->engine, &set, error);
    if (code == 0)
        code = compare_set(rehearsal, set, &same, error);
    *found = !same ? REHEARSED_MIXTURE : set == rehearsal->running ? REHEARSED_OLD : REHEARSED_NEW;
    return code;
}

int rehearsal_learn(struct rehearsal *rehearsal, struct pack_error *error)
{
    int code = rehearsal_reset(rehearsal, error);
    if (code == 0)
        code = hash_set(rehearsal, rehearsal->running, rehearsal->old, error);
    if (code == 0)
        code = rehearsal_install(rehearsal, NULL, NULL, error);
    if (code == 0 && rehearsal->report->decision == PACK_DECIDE_CURRENT) {
        pack_fail(error, PACK_E_USAGE, "the device runs this release already");
        pack_at_file(error, rehearsal->source->name);
        return pack_hint(error, "simulate the update to another one");
    }
    return code != 0
               ? code
               : hash_set(rehearsal, pack_set_other(rehearsal->running), rehearsal->new, error);
}

static int confirm(struct rehearsal *rehearsal, struct pack_error *error)
{
    PACK_AUTO_FREE struct pack_confirm_report *report = NULL;
    const int code = pack_allocate(&report, 1, sizeof *report, error);
    return code != 0 ? code : pack_device_confirm(&rehearsal->engine, true, report, error);
}

int rehearsal_finish(struct rehearsal *rehearsal, struct pack_error *error)
{
    enum rehearsed found = REHEARSED_MIXTURE;
    rehearsal->now += DAYS_LATER;
    int code = 0;
    if (rehearsal->device.policy.battery_minimum != 0)
        code = rehearsal_set_battery(rehearsal, FULL, error);
    if (code == 0)
        code = rehearsal_install(rehearsal, NULL, NULL, error);
    if (code == 0 && rehearsal->report->reboot)
        code = rehearsal_start(rehearsal, &found, error);
    if (code == 0)
        code = confirm(rehearsal, error);
    if (code == 0)
        code = rehearsal_start(rehearsal, &found, error);
    if (code == 0 && found != REHEARSED_NEW)
        return pack_fail(error, PACK_E_STATE, "the new release does not run in the end");
    return code;
}
