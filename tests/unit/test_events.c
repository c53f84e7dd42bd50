/* SPDX-License-Identifier: MIT */
/* The event log: its lines, what a power cut or a full disk leaves of them, and its bounds. */
#include "install/events.h"

#include "base/memory.h"
#include "codec/json_reader.h"
#include "install/event_types.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AUTO_EVENTS PACK_AUTO(events_close)

/* --- a storage that can be full --------------------------------------------------------------- */

/* The system's, but a write stores the first `room` bytes and fails; flushes are counted. */
struct full_storage {
    struct storage storage;
    bool full, no_flush;
    size_t room;
    unsigned flushes, folder_flushes, writes;
};

struct full_file {
    struct storage_file file;
    struct full_storage *owner;
    struct storage_file *inner;
};

static int full_read(struct storage_file *file, uint64_t offset, void *buffer, size_t size,
                     size_t *got, struct pack_error *error)
{
    return storage_read_at(((struct full_file *)file)->inner, offset, buffer, size, got, error);
}

static int full_write(struct storage_file *file, uint64_t offset, const void *bytes, size_t size,
                      struct pack_error *error)
{
    struct full_file *full = (struct full_file *)file;
    full->owner->writes++;
    if (!full->owner->full)
        return storage_write_at(full->inner, offset, bytes, size, error);
    if (full->owner->room > 0)
        assert_int_equal(storage_write_at(full->inner, offset, bytes, full->owner->room, error), 0);
    return pack_fail_errno(error, ENOSPC, "cannot write");
}

static int full_size(struct storage_file *file, uint64_t *size, struct pack_error *error)
{
    return storage_size(((struct full_file *)file)->inner, size, error);
}

static int full_flush(struct storage_file *file, struct pack_error *error)
{
    struct full_file *full = (struct full_file *)file;
    full->owner->flushes++;
    if (full->owner->no_flush)
        return pack_fail_errno(error, EIO, "cannot flush");
    return storage_flush(full->inner, error);
}

static int full_close(struct storage_file *file, struct pack_error *error)
{
    const int code = storage_close(&((struct full_file *)file)->inner, error);
    free(file);
    return code;
}

static const struct storage_ops file_ops = {
    .read_at = full_read,
    .write_at = full_write,
    .size = full_size,
    .flush = full_flush,
    .close = full_close,
};

static int full_open(struct storage *storage, const char *path, unsigned mode,
                     struct storage_file **file, struct pack_error *error)
{
    struct full_file *full = calloc(1, sizeof *full);
    assert_non_null(full);
    full->file.ops = &file_ops;
    full->owner = (struct full_storage *)storage;
    const int code = storage_open(storage_system(), path, mode, &full->inner, error);
    if (code == 0) {
        full->file.path = full->inner->path;
        *file = &full->file;
    } else {
        free(full);
    }
    return code;
}

static int full_rename(struct storage *storage, const char *from, const char *to,
                       struct pack_error *error)
{
    (void)storage;
    return storage_rename(storage_system(), from, to, error);
}

static int full_remove(struct storage *storage, const char *path, struct pack_error *error)
{
    (void)storage;
    return storage_remove(storage_system(), path, error);
}

static int full_flush_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    ((struct full_storage *)storage)->folder_flushes++;
    return storage_flush_folder(storage_system(), path, error);
}

static const struct storage_ops full_ops = {
    .open = full_open,
    .rename = full_rename,
    .remove = full_remove,
    .flush_folder = full_flush_folder,
};

/* --- a log ----------------------------------------------------------------------------------- */

struct log {
    struct full_storage storage;
    struct pack_device device;
    struct pack_context context;
    char path[512];
    uint64_t sequence;
    unsigned notes;
    char note[512];
};

static void take_note(void *user, enum pack_log_level level, const char *text)
{
    struct log *log = user;
    assert_int_equal(level, PACK_LOG_WARNING);
    snprintf(log->note, sizeof log->note, "%s", text);
    log->notes++;
}

static uint64_t clock_of(void *user)
{
    (void)user;
    return UINT64_C(1700000000);
}

static void log_begin(struct log *log, const char *folder)
{
    *log = (struct log){.storage = {.storage = {&full_ops}}};
    snprintf(log->path, sizeof log->path, "%s/log", folder);
    log->context = (struct pack_context){.log = take_note, .user = log};
    log->device = (struct pack_device){
        .product = "acme", .events_file = log->path, .events_size = 1 << 20, .events_keep = 2};
}

static struct events *log_open(struct log *log, const char *id)
{
    const struct event_source source = {
        .context = &log->context,
        .device = &log->device,
        .storage = &log->storage.storage,
        .id = id,
        .clock_known = true,
        .now = clock_of,
        .sequence = &log->sequence,
    };
    struct events *events = events_open(&source);
    assert_non_null(events);
    return events;
}

static void tell(struct events *events, const char *type, const char *reason)
{
    struct pack_json *data = events_begin(events, type);
    pack_json_string(data, "reason", reason);
    events_end(events);
}

/* Opened, one event, closed: as one run of the engine. */
static void tell_once(struct log *log, const char *type, const char *reason)
{
    AUTO_EVENTS struct events *events = log_open(log, "d1");
    tell(events, type, reason);
}

static char *read_log(const struct log *log, const char *suffix)
{
    char path[600];
    size_t size = 0;
    snprintf(path, sizeof path, "%s%s", log->path, suffix);
    return (char *)test_read_file(path, &size);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)) != NULL; text++)
        count++;
    return count;
}

/* --- lines ----------------------------------------------------------------------------------- */

static void test_a_line(void **state)
{
    struct log log;
    log_begin(&log, *state);
    AUTO_EVENTS struct events *events = log_open(&log, "gw 7/\"é%");
    log.sequence = 41;
    struct pack_json *data = events_begin(events, "switch");
    pack_json_string(data, "set", "B");
    pack_json_unsigned(data, "tries", 3);
    events_end(events);
    PACK_AUTO_FREE char *text = read_log(&log, "");
    assert_string_equal(text,
                        "{\"specversion\":\"1.0\",\"id\":\"42\",\"source\":"
                        "\"urn:fwpack:device:gw%207/%22%C3%A9%25\",\"type\":\"fwpack.switch\","
                        "\"time\":\"2023-11-14T22:13:20Z\",\"subject\":\"acme\","
                        "\"sequence\":\"000000000042\",\"datacontenttype\":\"application/json\","
                        "\"dataschema\":\"urn:fwpack:schema:event:1\","
                        "\"data\":{\"set\":\"B\",\"tries\":3}}\n");
    assert_int_equal(log.sequence, 42);
    assert_int_equal(log.storage.writes, 1);
    assert_int_equal(log.notes, 0);
}

static void test_what_is_not_known_is_left_out(void **state)
{
    struct log log;
    log_begin(&log, *state);
    const struct event_source source = {.device = &log.device,
                                        .storage = storage_system(),
                                        .session = "boot7",
                                        .sequence = &log.sequence};
    AUTO_EVENTS struct events *events = events_open(&source);
    events_set_version(events, "2.0.0");
    tell(events, "rollback", "x");
    events_set_version(events, NULL);
    tell(events, "rollback", "x");
    PACK_AUTO_FREE char *text = read_log(&log, "");
    assert_null(strstr(text, "\"time\""));
    assert_int_equal(count_of(text, "\"source\":\"urn:fwpack:device:unknown\""), 2);
    assert_int_equal(count_of(text, "\"subject\":\"acme/2.0.0\""), 1);
    assert_int_equal(count_of(text, "\"subject\":\"acme\""), 1);
    assert_int_equal(count_of(text, "\"id\":\"boot7-2\""), 1);
}

static void test_nothing_without_a_log(void **state)
{
    (void)state;
    struct events *none = NULL;
    assert_null(events_begin(none, "switch"));
    events_set_version(none, "1.0.0");
    events_end(none);
    events_close(&none);
}

static void test_what_no_event_is_called(void **state)
{
    struct log log;
    log_begin(&log, *state);
    AUTO_EVENTS struct events *events = log_open(&log, NULL);
    assert_null(events_begin(events, "reboot"));
    events_end(events);
    assert_int_equal(log.notes, 1);
    assert_non_null(strstr(log.note, "no event is called 'reboot'"));
    assert_int_equal(access(log.path, F_OK), -1);
}

static void test_what_matters_is_durable(void **state)
{
    struct log log;
    log_begin(&log, *state);
    AUTO_EVENTS struct events *events = log_open(&log, NULL);
    tell(events, "write.started", "x");
    assert_int_equal(log.storage.flushes, 0);
    tell(events, "install.finished", "x");
    assert_int_equal(log.storage.flushes, 1);
    assert_int_equal(log.storage.folder_flushes, 1);
    tell(events, "confirm", "x");
    assert_int_equal(log.storage.flushes, 2);
    assert_int_equal(log.storage.folder_flushes, 1); /* its name is durable already */
}

/* --- faults ---------------------------------------------------------------------------------- */

static void test_a_torn_line_is_ended(void **state)
{
    struct log log;
    log_begin(&log, *state);
    tell_once(&log, "switch", "one");
    PACK_AUTO_FREE char *first = read_log(&log, "");
    char torn[2000];
    snprintf(torn, sizeof torn, "%s{\"specversion\":\"1.0\",\"sequence\":\"0000000", first);
    test_write_text(log.path, torn);
    tell_once(&log, "switch", "two");
    tell_once(&log, "switch", "three");
    PACK_AUTO_FREE char *text = read_log(&log, "");
    assert_memory_equal(text, torn, strlen(torn));
    assert_int_equal(text[strlen(torn)], '\n');
    assert_int_equal(text[strlen(torn) + 1], '{');
    assert_int_equal(count_of(text, "\n"), 4);
    assert_int_equal(log.storage.writes, 3);
}

/* Power went before the state was saved: no number is given twice. */
static void test_the_sequence_goes_on(void **state)
{
    struct log log;
    log_begin(&log, *state);
    log.sequence = 6;
    tell_once(&log, "switch", "\"sequence\":\"000000000099\"");
    log.sequence = 0;
    tell_once(&log, "switch", "x");
    assert_int_equal(log.sequence, 8);
    log.sequence = 20; /* the state is ahead */
    tell_once(&log, "switch", "x");
    assert_int_equal(log.sequence, 21);
    PACK_AUTO_FREE char *text = read_log(&log, "");
    assert_non_null(strstr(text, "\"id\":\"8\""));
}

static void test_a_full_disk_loses_events_only(void **state)
{
    struct log log;
    log_begin(&log, *state);
    AUTO_EVENTS struct events *events = log_open(&log, NULL);
    tell(events, "switch", "one");
    log.storage.full = true;
    log.storage.room = 30;
    tell(events, "switch", "two");
    tell(events, "switch", "three");
    assert_int_equal(log.notes, 1);
    assert_non_null(strstr(log.note, "events are lost: "));
    assert_non_null(strstr(log.note, "No space left"));
    log.storage.full = false;
    tell(events, "switch", "four");
    assert_int_equal(log.notes, 1);
    PACK_AUTO_FREE char *text = read_log(&log, "");
    assert_int_equal(count_of(text, "\"reason\""), 2);
    char *last = strstr(text, "\"four\"");
    assert_non_null(last);
    while (last > text && *last != '\n')
        last--;
    assert_memory_equal(last, "\n{\"specversion\"", 15);
}

static void test_a_flush_that_fails_is_no_failure(void **state)
{
    struct log log;
    log_begin(&log, *state);
    log.storage.no_flush = true;
    tell_once(&log, "switch", "one");
    assert_int_equal(log.notes, 1);
    PACK_AUTO_FREE char *text = read_log(&log, "");
    assert_int_equal(count_of(text, "\n"), 1);
}

static void test_a_folder_that_is_not_there(void **state)
{
    struct log log;
    log_begin(&log, *state);
    strcat(log.path, "/none/log");
    AUTO_EVENTS struct events *events = log_open(&log, NULL);
    struct pack_json *data = events_begin(events, "switch");
    assert_non_null(data);
    pack_json_string(data, "set", "A");
    events_end(events);
    assert_int_equal(log.notes, 1);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static void test_old_files_are_few(void **state)
{
    struct log log;
    char reason[301];
    memset(reason, 'r', sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    log_begin(&log, *state);
    log.device.events_size = 2000;
    for (int i = 0; i < 40; i++)
        tell_once(&log, "switch", reason);
    assert_int_equal(test_count_files(*state), 3);
    PACK_AUTO_FREE char *now = read_log(&log, ""), *old = read_log(&log, ".1"),
                        *oldest = read_log(&log, ".2");
    assert_true(strlen(now) <= 2000 && strlen(old) <= 2000 && strlen(oldest) <= 2000);
    assert_non_null(strstr(now, "\"id\":\"40\""));
    const size_t in_now = count_of(now, "\n"), in_old = count_of(old, "\n");
    char wanted[40];
    snprintf(wanted, sizeof wanted, "\"id\":\"%zu\"", 40 - in_now);
    assert_non_null(strstr(old, wanted));
    snprintf(wanted, sizeof wanted, "\"id\":\"%zu\"", 40 - in_now - in_old);
    assert_non_null(strstr(oldest, wanted));
    assert_int_equal(log.notes, 0);
}

static void test_no_old_files(void **state)
{
    struct log log;
    log_begin(&log, *state);
    log.device.events_size = 700;
    log.device.events_keep = 0;
    AUTO_EVENTS struct events *events = log_open(&log, NULL);
    for (int i = 0; i < 20; i++)
        tell(events, "switch", "x");
    assert_int_equal(test_count_files(*state), 1);
    PACK_AUTO_FREE char *now = read_log(&log, "");
    assert_true(strlen(now) <= 700);
    assert_non_null(strstr(now, "\"id\":\"20\""));
    assert_int_equal(log.notes, 0);
}

/* --- the schema ------------------------------------------------------------------------------ */

static void test_the_schema_is_json(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    const struct pack_json_value *root = NULL;
    size_t size = 0;
    assert_pack_ok(pack_event_schema(&text, &size, &error));
    assert_int_equal(strlen(text), size);
    assert_int_equal(text[size - 1], '\n');
    assert_pack_ok(pack_arena_new(&arena, &error));
    assert_pack_ok(pack_json_read(&root, arena, text, size, &error));
    for (const struct event_type *type = event_types; type->name != NULL; type++) {
        char name[80];
        snprintf(name, sizeof name, "\"const\": \"fwpack.%s\"", type->name);
        assert_non_null(strstr(text, name));
    }
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_a_line),
        WITH_FOLDER(test_what_is_not_known_is_left_out),
        cmocka_unit_test(test_nothing_without_a_log),
        WITH_FOLDER(test_what_no_event_is_called),
        WITH_FOLDER(test_what_matters_is_durable),
        WITH_FOLDER(test_a_torn_line_is_ended),
        WITH_FOLDER(test_the_sequence_goes_on),
        WITH_FOLDER(test_a_full_disk_loses_events_only),
        WITH_FOLDER(test_a_flush_that_fails_is_no_failure),
        WITH_FOLDER(test_a_folder_that_is_not_there),
        WITH_FOLDER(test_old_files_are_few),
        WITH_FOLDER(test_no_old_files),
        cmocka_unit_test(test_the_schema_is_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
