/* SPDX-License-Identifier: MIT */

/* Two copies of a small record: damaged in each way, and saved while the power goes. */

#include "support/test.h"

#include "base/memory.h"
#include "storage/trial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT = 4096 };

static void save(const char *folder, const char *text)
{
    struct pack_error error = {0};
    assert_pack_ok(storage_record_save(storage_system(), folder, "r", text, strlen(text), &error));
}

static int load(const char *folder, bool writable, char **text, enum storage_record_state *found,
                struct pack_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    pack_error_clear(error);
    const int code = storage_record_load(storage_system(), folder, "r", writable, LIMIT, &bytes,
                                         &size, found, error);
    assert_true(bytes != NULL || size == 0);
    *text = bytes;
    return code;
}

static void assert_record(const char *folder, const char *wanted, enum storage_record_state state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    enum storage_record_state found = STORAGE_RECORD_ABSENT;
    assert_pack_ok(load(folder, true, &text, &found, &error));
    assert_non_null(text);
    assert_string_equal(text, wanted);
    assert_int_equal(found, state);
}

/* --- both copies ----------------------------------------------------------------------------- */

static void test_generations(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    PACK_AUTO_FREE char *path_0 = test_path(*state, "r.0");
    PACK_AUTO_FREE char *path_1 = test_path(*state, "r.1");
    enum storage_record_state found = STORAGE_RECORD_GOOD;
    char wanted[16];
    assert_pack_ok(load(*state, true, &text, &found, &error));
    assert_null(text);
    assert_int_equal(found, STORAGE_RECORD_ABSENT);
    for (int i = 0; i < 12; i++) {
        /* Shorter ones too: no rest of an older one may stay behind them. */
        snprintf(wanted, sizeof wanted, "%.*s%d", 12 - i, "------------", i);
        save(*state, wanted);
        assert_record(*state, wanted, STORAGE_RECORD_GOOD);
    }
    assert_int_equal(test_count_files(*state), 2);
    size_t sizes[2];
    PACK_AUTO_FREE char *first = (char *)test_read_file(path_0, &sizes[0]);
    PACK_AUTO_FREE char *second = (char *)test_read_file(path_1, &sizes[1]);
    assert_memory_equal(first, "fwpack-record 1 11 4 ", 21);
    assert_memory_equal(second, "fwpack-record 1 12 3 ", 21);
    assert_string_equal(strchr(second, '\n') + 1, "-11");
}

/* The hash is what the stock tool computes over the line as far as the size, and the content. */
static void test_hash_by_the_stock_tool(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "r.0");
    char command[512], line[80] = "";
    save(*state, "content");
    snprintf(command, sizeof command,
             "printf 'fwpack-record 1 1 7content' | sha256sum | cut -c1-64");
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(line, sizeof line, pipe));
    assert_int_equal(pclose(pipe), 0);
    line[strcspn(line, "\n")] = '\0';
    size_t size = 0;
    PACK_AUTO_FREE char *found = (char *)test_read_file(path, &size);
    assert_non_null(strstr(found, line));
}

/* --- A108: what may be found ----------------------------------------------------------------- */

struct damage {
    const char *name;
    void (*make)(uint8_t *bytes, size_t *size);
};

static void make_empty(uint8_t *bytes, size_t *size)
{
    (void)bytes;
    *size = 0;
}

static void make_shorter(uint8_t *bytes, size_t *size)
{
    (void)bytes;
    *size -= 1;
}

static void make_longer(uint8_t *bytes, size_t *size)
{
    bytes[(*size)++] = 'x';
}

static void cut_in_the_line(uint8_t *bytes, size_t *size)
{
    (void)bytes;
    *size = 40;
}

static void make_zeros(uint8_t *bytes, size_t *size)
{
    memset(bytes, 0, *size);
}

static void change_the_hash(uint8_t *bytes, size_t *size)
{
    (void)size;
    bytes[30] = bytes[30] == 'a' ? 'b' : 'a';
}

static void change_the_content(uint8_t *bytes, size_t *size)
{
    bytes[*size - 1] ^= 1;
}

/* An older copy must not become the newer one by a bit. */
static void change_the_generation(uint8_t *bytes, size_t *size)
{
    (void)size;
    bytes[strlen("fwpack-record 1 ")] = '9';
}

static void make_the_version_zero(uint8_t *bytes, size_t *size)
{
    (void)size;
    bytes[strlen("fwpack-record ")] = '-';
}

static void make_huge(uint8_t *bytes, size_t *size)
{
    memset(bytes + *size, 'x', 8192 - *size);
    *size = 8192;
}

static const struct damage damages[] = {
    {"empty", make_empty},
    {"shorter", make_shorter},
    {"longer", make_longer},
    {"cut in the line", cut_in_the_line},
    {"zeros", make_zeros},
    {"hash", change_the_hash},
    {"content", change_the_content},
    {"generation", change_the_generation},
    {"version", make_the_version_zero},
    {"huge", make_huge},
};

static void damage(const char *path, const struct damage *damage)
{
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *found = test_read_file(path, &size);
    PACK_AUTO_FREE uint8_t *bytes = calloc(1, 8192);
    memcpy(bytes, found, size);
    damage->make(bytes, &size);
    test_write_file(path, bytes, size);
}

static void two_generations(const char *folder)
{
    save(folder, "old");
    save(folder, "new");
}

static void test_a108_one_damaged_copy_is_repaired(void **state)
{
    PACK_AUTO_FREE char *older = test_path(*state, "r.0");
    PACK_AUTO_FREE char *newer = test_path(*state, "r.1");
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        (void)remove(older);
        (void)remove(newer);
        two_generations(*state);
        damage(older, &damages[i]);
        assert_record(*state, "new", STORAGE_RECORD_REPAIRED);
        assert_record(*state, "new", STORAGE_RECORD_GOOD);
        (void)remove(older);
        (void)remove(newer);
        two_generations(*state);
        /* What was written last, and is lost: the one before counts, which was whole. */
        damage(newer, &damages[i]);
        assert_record(*state, "old", STORAGE_RECORD_REPAIRED);
        assert_record(*state, "old", STORAGE_RECORD_GOOD);
        save(*state, "newest");
        assert_record(*state, "newest", STORAGE_RECORD_GOOD);
    }
}

static void test_a108_nothing_good_is_no_beginning(void **state)
{
    PACK_AUTO_FREE char *path_0 = test_path(*state, "r.0");
    PACK_AUTO_FREE char *path_1 = test_path(*state, "r.1");
    for (size_t i = 0; i < 2 * sizeof damages / sizeof damages[0]; i++) {
        struct pack_error error = {0};
        char *text = NULL;
        enum storage_record_state found = STORAGE_RECORD_ABSENT;
        const bool missing = i % 2 != 0;
        (void)remove(path_0);
        (void)remove(path_1);
        two_generations(*state);
        damage(path_0, &damages[i / 2]);
        if (missing)
            assert_int_equal(remove(path_1), 0);
        else
            damage(path_1, &damages[i / 2]);
        assert_pack_fails(load(*state, true, &text, &found, &error), PACK_E_STATE);
        assert_pack_says(missing ? "one copy is damaged and the other is missing"
                                 : "both copies are damaged");
        assert_null(text);
        pack_error_clear(&error);
        assert_pack_fails(storage_record_save(storage_system(), *state, "r", "first", 5, &error),
                          PACK_E_STATE);
    }
}

/* A program that is older than what wrote the record leaves it alone. */
static void test_a108_a_newer_version_stays(void **state)
{
    static const char newer[] = "fwpack-record 2 something else\n";
    struct pack_error error = {0};
    char *text = NULL;
    enum storage_record_state found = STORAGE_RECORD_ABSENT;
    PACK_AUTO_FREE char *path = test_path(*state, "r.0");
    two_generations(*state);
    test_write_text(path, newer);
    assert_pack_fails(load(*state, true, &text, &found, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("newer version");
    assert_string_equal(error.file, path);
    pack_error_clear(&error);
    assert_pack_fails(storage_record_save(storage_system(), *state, "r", "x", 1, &error),
                      PACK_E_UNSUPPORTED);
    size_t size = 0;
    PACK_AUTO_FREE char *content = (char *)test_read_file(path, &size);
    assert_string_equal(content, newer);
}

/* For status: nothing is written, and the damage is told. */
static void test_a108_reading_changes_nothing(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    enum storage_record_state found = STORAGE_RECORD_ABSENT;
    PACK_AUTO_FREE char *path = test_path(*state, "r.0");
    two_generations(*state);
    damage(path, &damages[0]);
    assert_pack_ok(load(*state, false, &text, &found, &error));
    assert_string_equal(text, "new");
    assert_int_equal(found, STORAGE_RECORD_REPAIRED);
    size_t size = 1;
    free(test_read_file(path, &size));
    assert_int_equal(size, 0);
    pack_error_clear(&error);
    free(pack_steal(&text));
    assert_int_equal(remove(path), 0); /* a copy that was never written, or was deleted */
    assert_record(*state, "new", STORAGE_RECORD_REPAIRED);
    assert_int_equal(access(path, F_OK), 0);
}

/* --- A101 to A104: the power goes ------------------------------------------------------------ */

/* So long that it lies in several sectors, which may be torn apart. */
static char *long_text(char letter)
{
    char *text = malloc(3001);
    assert_non_null(text);
    memset(text, letter, 3000);
    text[3000] = '\0';
    return text;
}

struct cut {
    const char *folder;
    char *texts[3]; /* NULL: the record is not there before */
    unsigned points;
};

/* By a machine without faults, which flushes nothing for real: that would take most of the time. */
static void begin(const struct cut *cut)
{
    struct pack_error error = {0};
    const struct trial_options none = {.fault = TRIAL_NONE};
    struct storage *storage = NULL;
    PACK_AUTO_FREE char *first = test_path(cut->folder, "r.0");
    PACK_AUTO_FREE char *second = test_path(cut->folder, "r.1");
    (void)remove(first);
    (void)remove(second);
    if (cut->texts[0] == NULL)
        return;
    assert_pack_ok(trial_new(&storage, NULL, &none, &error));
    assert_pack_ok(storage_record_save(storage, cut->folder, "r", cut->texts[0],
                                       strlen(cut->texts[0]), &error));
    assert_pack_ok(trial_end(&storage, &error));
}

/* A run: what is there is read, repaired where needed, and the next text saved. */
static bool run(const struct cut *cut, const struct trial_options *options, const char *text,
                int *code)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE void *bytes = NULL;
    struct storage *storage = NULL;
    enum storage_record_state found = STORAGE_RECORD_ABSENT;
    size_t size = 0;
    assert_pack_ok(trial_new(&storage, NULL, options, &error));
    *code =
        storage_record_load(storage, cut->folder, "r", true, LIMIT, &bytes, &size, &found, &error);
    if (*code == 0)
        *code = storage_record_save(storage, cut->folder, "r", text, strlen(text), &error);
    const bool fired = trial_fired(storage);
    if (!fired)
        test_check_ok(*code, &error, "a run without a fault", __FILE__, __LINE__);
    pack_error_clear(&error);
    assert_pack_ok(trial_end(&storage, &error));
    return fired;
}

/* Which of the texts is there: its index, or -1 where the record is absent. */
static int which(const struct cut *cut, const struct trial_options *options)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    enum storage_record_state found = STORAGE_RECORD_ABSENT;
    if (load(cut->folder, false, &text, &found, &error) != 0)
        fail_msg("cut at %llu, loss %d, seed %llu, sector %u: %s", (unsigned long long)options->at,
                 (int)options->loss, (unsigned long long)options->seed, options->sector,
                 error.text);
    for (int i = 0; text != NULL && i < 3; i++)
        if (cut->texts[i] != NULL && strcmp(text, cut->texts[i]) == 0)
            return i;
    assert_null(text);
    return -1;
}

static void walk_second(struct cut *cut, const struct trial_options *first)
{
    bool fired = true;
    for (uint64_t at = 1; fired; at++, cut->points++) {
        struct trial_options second = *first;
        int code = 0;
        begin(cut);
        (void)run(cut, first, cut->texts[1], &code);
        const int before = which(cut, first);
        second.at = at;
        second.seed = first->seed * 100 + at;
        fired = run(cut, &second, cut->texts[2], &code);
        const int after = which(cut, &second);
        if (after != 2 && (code == 0 || after != before))
            fail_msg("cut at %llu, then at %llu: %d became %d", (unsigned long long)first->at,
                     (unsigned long long)at, before, after);
    }
}

static void walk(struct cut *cut, const struct trial_options *kind)
{
    bool fired = true;
    const int before = cut->texts[0] != NULL ? 0 : -1;
    for (uint64_t at = 1; fired; at++, cut->points++) {
        struct trial_options options = *kind;
        int code = 0;
        options.at = at;
        options.seed = kind->seed * 100 + at;
        begin(cut);
        fired = run(cut, &options, cut->texts[1], &code);
        const int after = which(cut, &options);
        if (after != 1 && (code == 0 || after != before))
            fail_msg("fault at %llu: %d became %d", (unsigned long long)at, before, after);
        if (fired)
            walk_second(cut, &options);
    }
}

static void walk_all(const char *folder, bool there)
{
    struct cut cut = {.folder = folder};
    const struct trial_options plain[] = {
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_LOSE_ALL},
        {.fault = TRIAL_POWER_CUT, .loss = TRIAL_KEEP_ALL},
        {.fault = TRIAL_ERROR, .number = EIO},
        {.fault = TRIAL_ERROR, .number = ENOSPC},
        {.fault = TRIAL_SHORT},
    };
    cut.texts[0] = there ? long_text('a') : NULL;
    cut.texts[1] = long_text('b');
    cut.texts[2] = long_text('c');
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        walk(&cut, &plain[i]);
    for (unsigned seed = 1; seed <= 6; seed++) {
        const struct trial_options random = {.fault = TRIAL_POWER_CUT,
                                             .loss = TRIAL_RANDOM,
                                             .seed = seed,
                                             .sector = seed % 2 != 0 ? 512 : 4096};
        walk(&cut, &random);
    }
    print_message("power cuts: %u points\n", cut.points);
    for (size_t i = 0; i < 3; i++)
        free(cut.texts[i]);
}

static void test_a101_a102_first_save(void **state)
{
    walk_all(*state, false);
}

static void test_a101_a102_next_save(void **state)
{
    walk_all(*state, true);
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder_in_memory, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_generations),
        IN_A_FOLDER(test_hash_by_the_stock_tool),
        IN_A_FOLDER(test_a108_one_damaged_copy_is_repaired),
        IN_A_FOLDER(test_a108_nothing_good_is_no_beginning),
        IN_A_FOLDER(test_a108_a_newer_version_stays),
        IN_A_FOLDER(test_a108_reading_changes_nothing),
        IN_A_FOLDER(test_a101_a102_first_save),
        IN_A_FOLDER(test_a101_a102_next_save),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
