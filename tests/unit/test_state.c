/* SPDX-License-Identifier: MIT */

/* What a device remembers: as text, and in its two files. */

#include "document_text.h"
#include "support/test.h"

#include "base/memory.h"
#include "install/state.h"

#include <stdio.h>
#include <string.h>

static const char sample[] =
    "{\"type\":\"fwpack.state\",\"format\":1,\"security_version\":7,\"data_epoch\":2,"
    "\"sets\":{\"A\":{\"condition\":\"good\",\"version\":\"1.0.0\",\"release_sha256\":\"" DIGEST_A
    "\",\"security_version\":6,\"data_epoch\":1,\"images\":[{\"slot\":\"rootfs\",\"size\":4096,"
    "\"sha256\":\"" DIGEST_B "\"},{\"slot\":\"app\",\"size\":1,\"sha256\":\"" DIGEST_C "\"}]},"
    "\"B\":{\"condition\":\"unknown\",\"version\":\"\",\"release_sha256\":\"" DIGEST_A
    "\",\"security_version\":0,\"data_epoch\":0,\"images\":[]}},"
    "\"trial\":{\"begun\":true,\"set\":\"B\",\"armed\":true,\"session\":\"boot-17\"},"
    "\"progress\":{\"begun\":false,\"release_sha256\":\"" DIGEST_C
    "\",\"set\":\"B\",\"done\":1,\"durable\":65536},"
    "\"failures\":[{\"release_sha256\":\"" DIGEST_B "\",\"time\":1700000000,\"count\":2}],"
    "\"seen\":{\"release_sha256\":\"" DIGEST_A "\",\"delivery\":4,\"rollout\":3,\"halted\":true},"
    "\"results\":[{\"time\":1700000000,\"version\":\"1.0.0\",\"outcome\":\"confirmed\","
    "\"reason\":\"\"},{\"time\":1600000000,\"version\":\"\",\"outcome\":\"failed\","
    "\"reason\":\"cut short\"}],\"events\":99}\n";

/* --- as text --------------------------------------------------------------------------------- */

static int parse(const char *text, size_t size, struct pack_error *error)
{
    PACK_AUTO(state_free) struct state *state = NULL;
    return state_parse(&state, text, size, error);
}

static void every_member_is_read_and_written_the_same(void **unused)
{
    (void)unused;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    assert_pack_ok(state_parse(&state, sample, strlen(sample), &error));
    assert_int_equal(state->security_version, 7);
    assert_int_equal(state->sets[PACK_SET_A].condition, SET_GOOD);
    assert_string_equal(state->sets[PACK_SET_A].version, "1.0.0");
    assert_int_equal(state->sets[PACK_SET_A].image_count, 2);
    assert_string_equal(state->sets[PACK_SET_A].images[1].slot, "app");
    assert_int_equal(state->sets[PACK_SET_A].images[0].sha256[0], 0xfe);
    assert_int_equal(state->sets[PACK_SET_B].condition, SET_UNKNOWN);
    assert_true(state->trial.begun);
    assert_int_equal(state->trial.set, PACK_SET_B);
    assert_string_equal(state->trial.session, "boot-17");
    assert_int_equal(state->progress.done_count, 1);
    assert_int_equal(state->failures[0].count, 2);
    assert_int_equal(state->seen_rollout, 3);
    assert_true(state->seen_halted);
    assert_string_equal(state->results[1].reason, "cut short");
    assert_int_equal(state->events, 99);
    assert_pack_ok(state_format(&text, &size, state, &error));
    assert_string_equal(text, sample);
}

static void a93_a108_what_is_not_a_state_is_refused(void **unused)
{
    (void)unused;
    static const struct variation variations[] = {
        {"fwpack.state", "fwpack.release", PACK_E_STATE, "type: \"fwpack.state\" is wanted"},
        {"\"format\":1", "\"format\":2", PACK_E_UNSUPPORTED, "format: 2, this version"},
        {"\"format\":1", "\"format\":0", PACK_E_STATE, "format"},
        {"{\"type\"", "{\"later\":[1,{}],\"type\"", PACK_OK, NULL},
        {"\"security_version\":7,", "", PACK_E_STATE, "security_version: is missing"},
        {"\"security_version\":7", "\"security_version\":-7", PACK_E_STATE, NULL},
        {"\"security_version\":7", "\"security_version\":null", PACK_E_STATE, "a number is wanted"},
        {"\"security_version\":7", "\"security_version\":9007199254740992", PACK_E_STATE, NULL},
        {"\"data_epoch\":2", "\"data_epoch\":\"2\"", PACK_E_STATE, "data_epoch"},
        {"\"good\"", "\"fine\"", PACK_E_STATE, "sets.A.condition: unknown, incomplete"},
        {"\"1.0.0\"", "\"1.0\"", PACK_E_STATE, "sets.A.version: a version is wanted"},
        {DIGEST_A, "abc", PACK_E_STATE, "sets.A.release_sha256: a SHA-256"},
        {"\"slot\":\"app\"", "\"slot\":5", PACK_E_STATE, "sets.A.images[1].slot: a text"},
        {"\"app\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", PACK_E_STATE,
         "a text of 42 bytes, at most 41 are wanted"},
        {"\"images\":[]", "\"images\":{}", PACK_E_STATE, "sets.B.images: a list is wanted"},
        {"\"images\":[]", "\"images\":[3]", PACK_E_STATE, "sets.B.images[0]: an object is wanted"},
        {"\"set\":\"B\"", "\"set\":\"C\"", PACK_E_STATE, "trial.set: \"A\" or \"B\" is wanted"},
        {"\"begun\":true", "\"begun\":1", PACK_E_STATE, "trial.begun: true or false"},
        {"\"done\":1", "\"done\":257", PACK_E_STATE, "257 where at most 256 is wanted"},
        {"\"events\":99", "\"events\":99,\"events\":1", PACK_E_STATE, NULL},
        {"\"failures\":[", "\"failures\":[{},{},{},{},{},{},{},{},", PACK_E_STATE,
         "failures: 9 entries, at most 8 are wanted"},
        {"\"events\":99}", "\"events\":99", PACK_E_STATE, NULL},
    };
    check_variations(sample, variations, sizeof variations / sizeof variations[0], parse);
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(parse("", 0, &error), PACK_E_STATE);
    assert_pack_fails(parse("[]", 2, &error), PACK_E_STATE);
    assert_pack_fails(parse("\0\0\0\0", 4, &error), PACK_E_STATE);
}

static void a_new_state_can_be_read_again(void **unused)
{
    (void)unused;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL, *again = NULL;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    assert_pack_ok(state_new(&state, &error));
    assert_pack_ok(state_format(&text, &size, state, &error));
    assert_pack_ok(state_parse(&again, text, size, &error));
    assert_int_equal(again->sets[PACK_SET_A].condition, SET_UNKNOWN);
    assert_false(again->trial.begun);
}

/* The next run could not read it, and the good one would be gone. */
static void what_could_not_be_read_is_not_written(void **unused)
{
    (void)unused;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL;
    char *text = NULL;
    size_t size = 0;
    assert_pack_ok(state_new(&state, &error));
    state->events = UINT64_MAX;
    assert_pack_fails(state_format(&text, &size, state, &error), PACK_E_INTERNAL);
    state->events = 0;
    snprintf(state->sets[PACK_SET_B].version, sizeof state->sets[PACK_SET_B].version, "latest");
    assert_pack_fails(state_format(&text, &size, state, &error), PACK_E_INTERNAL);
    assert_pack_says("sets.B.version");
    assert_null(text);
}

/* --- what it remembers ----------------------------------------------------------------------- */

static void fill(uint8_t hash[PACK_SHA256_SIZE], size_t number)
{
    memset(hash, (int)number, PACK_SHA256_SIZE);
}

static void the_newest_failures_are_remembered(void **unused)
{
    (void)unused;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL;
    uint8_t hash[PACK_SHA256_SIZE];
    assert_pack_ok(state_new(&state, &error));
    for (size_t i = 1; i <= STATE_FAILURES; i++) {
        fill(hash, i);
        state_add_failure(state, hash, 1000 * i);
    }
    fill(hash, 1); /* the oldest fails again, and is the newest */
    state_add_failure(state, hash, 500);
    assert_int_equal(state->failure_count, STATE_FAILURES);
    assert_int_equal(state_failure_of(state, hash)->count, 2);
    assert_int_equal(state_failure_of(state, hash)->time, 500);
    fill(hash, 99);
    state_add_failure(state, hash, 9999);
    assert_int_equal(state->failure_count, STATE_FAILURES);
    assert_int_equal(state_failure_of(state, hash)->count, 1);
    fill(hash, 2);
    assert_null(state_failure_of(state, hash));
    fill(hash, 1);
    assert_non_null(state_failure_of(state, hash));
    state_forget_failure(state, hash);
    assert_null(state_failure_of(state, hash));
    assert_int_equal(state->failure_count, STATE_FAILURES - 1);
    state_forget_failure(state, hash); /* there is none any more */
    assert_int_equal(state->failure_count, STATE_FAILURES - 1);
}

static void results_are_few_and_plain(void **unused)
{
    (void)unused;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL;
    PACK_AUTO_FREE char *text = NULL;
    char reason[400];
    size_t size = 0;
    assert_pack_ok(state_new(&state, &error));
    memset(reason, 0xc3, sizeof reason - 1);
    reason[sizeof reason - 1] = '\0';
    for (size_t i = 0; i < PACK_MAX_RESULTS; i++)
        state_add_result(state, i, "1.0.0", "failed", reason);
    state_add_result(state, 77, "1.0.1", "fell-back", "the check said \033[31mno");
    assert_int_equal(state->result_count, PACK_MAX_RESULTS);
    assert_int_equal(state->results[0].time, 77);
    assert_string_equal(state->results[0].reason, "the check said \\x1b[31mno");
    assert_int_equal(state->results[1].time, PACK_MAX_RESULTS - 1);
    assert_pack_ok(state_format(&text, &size, state, &error));
}

static void what_was_seen_is_of_one_release(void **unused)
{
    (void)unused;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL;
    struct pack_rollout rollout = {.revision = 5, .halted = true};
    uint8_t hash[PACK_SHA256_SIZE];
    assert_pack_ok(state_new(&state, &error));
    fill(hash, 1);
    fill(rollout.release_sha256, 1);
    state_note_seen(state, hash, 3, &rollout);
    assert_int_equal(state->seen_delivery, 3);
    assert_int_equal(state->seen_rollout, 5);
    assert_true(state->seen_halted);
    rollout = (struct pack_rollout){.revision = 4};
    fill(rollout.release_sha256, 1);
    state_note_seen(state, hash, 2, &rollout); /* older ones change nothing */
    state_note_seen(state, hash, 2, NULL);
    assert_int_equal(state->seen_delivery, 3);
    assert_true(state->seen_halted);
    rollout.revision = 6;
    state_note_seen(state, hash, 3, &rollout);
    assert_false(state->seen_halted);
    fill(hash, 2); /* a rollout for another release says nothing of this one */
    rollout.halted = true;
    state_note_seen(state, hash, 1, &rollout);
    assert_int_equal(state->seen_delivery, 1);
    assert_int_equal(state->seen_rollout, 0);
    assert_false(state->seen_halted);
}

static void a_copy_stands_alone(void **unused)
{
    (void)unused;
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL, *copy = NULL;
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    assert_pack_ok(state_parse(&state, sample, strlen(sample), &error));
    assert_pack_ok(state_copy(&copy, state, &error));
    state_set_clear(&state->sets[PACK_SET_A]);
    assert_int_equal(state->sets[PACK_SET_A].image_count, 0);
    assert_pack_ok(state_format(&text, &size, copy, &error));
    assert_string_equal(text, sample);
}

static void conditions_have_names(void **unused)
{
    (void)unused;
    assert_string_equal(set_condition_name(SET_INCOMPLETE), "incomplete");
    assert_string_equal(set_condition_name(SET_FAILED), "failed");
    assert_null(set_condition_name((enum set_condition)(SET_FAILED + 1)));
}

/* --- in its files ---------------------------------------------------------------------------- */

static void save(const char *folder)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(state_free) struct state *state = NULL;
    assert_pack_ok(state_parse(&state, sample, strlen(sample), &error));
    assert_pack_ok(state_save(state, storage_system(), folder, &error));
    assert_pack_ok(state_save(state, storage_system(), folder, &error));
}

static int load(const char *folder, bool *repaired, struct pack_error *error)
{
    PACK_AUTO(state_free) struct state *state = NULL;
    const int code = state_load(&state, storage_system(), folder, true, repaired, error);
    assert_int_equal(code == 0, state != NULL);
    if (state != NULL)
        assert_int_equal(state->security_version, 7);
    return code;
}

static void a93_no_state_is_no_zero(void **folder)
{
    struct pack_error error = {.code = PACK_OK};
    bool repaired = false;
    assert_pack_fails(load(*folder, &repaired, &error), PACK_E_NOT_FOUND);
    assert_pack_says("this device has no state");
    assert_non_null(strstr(error.hint, "--first"));
}

static void a108_one_damaged_copy_is_repaired_and_two_are_refused(void **folder)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE char *one = test_path(*folder, STATE_NAME ".0");
    PACK_AUTO_FREE char *other = test_path(*folder, STATE_NAME ".1");
    bool repaired = false;
    save(*folder);
    assert_pack_ok(load(*folder, &repaired, &error));
    assert_false(repaired);
    test_write_text(one, "");
    assert_pack_ok(load(*folder, &repaired, &error));
    assert_true(repaired);
    assert_pack_ok(load(*folder, &repaired, &error));
    assert_false(repaired);
    test_write_text(one, "fwpack-record");
    test_write_file(other, "\0\0\0\0", 4);
    assert_pack_fails(load(*folder, &repaired, &error), PACK_E_STATE);
    assert_non_null(strstr(error.hint, "restore it from a backup"));
}

static void a108_a_record_of_something_else_is_refused(void **folder)
{
    struct pack_error error = {.code = PACK_OK};
    bool repaired = false;
    static const char foreign[] = "{\"type\":\"fwpack.state\",\"format\":1}";
    static const char newer[] = "{\"type\":\"fwpack.state\",\"format\":2}";
    assert_pack_ok(storage_record_save(storage_system(), *folder, STATE_NAME, foreign,
                                       sizeof foreign - 1, &error));
    assert_pack_fails(load(*folder, &repaired, &error), PACK_E_STATE);
    assert_pack_says("security_version: is missing");
    assert_non_null(strstr(error.hint, "something else wrote it"));
    assert_pack_ok(storage_record_save(storage_system(), *folder, STATE_NAME, newer,
                                       sizeof newer - 1, &error));
    assert_pack_fails(load(*folder, &repaired, &error), PACK_E_UNSUPPORTED);
    assert_non_null(strstr(error.hint, "newer fwpack"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_is_read_and_written_the_same),
        cmocka_unit_test(a93_a108_what_is_not_a_state_is_refused),
        cmocka_unit_test(a_new_state_can_be_read_again),
        cmocka_unit_test(what_could_not_be_read_is_not_written),
        cmocka_unit_test(the_newest_failures_are_remembered),
        cmocka_unit_test(results_are_few_and_plain),
        cmocka_unit_test(what_was_seen_is_of_one_release),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(conditions_have_names),
        cmocka_unit_test_setup_teardown(a93_no_state_is_no_zero, test_make_folder,
                                        test_remove_folder),
        cmocka_unit_test_setup_teardown(a108_one_damaged_copy_is_repaired_and_two_are_refused,
                                        test_make_folder, test_remove_folder),
        cmocka_unit_test_setup_teardown(a108_a_record_of_something_else_is_refused,
                                        test_make_folder, test_remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
