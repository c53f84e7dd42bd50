/* SPDX-License-Identifier: MIT */
/* Slots that are programs: what they are told, and how they end. */
#include "slot/slot.h"

#include "base/memory.h"
#include "support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A script in the test's folder, which is its one argument. */
struct program {
    char *path;
    const char *words[4];
    struct pack_device_target target;
};

static void make_program(struct program *program, const char *folder, const char *script)
{
    PACK_AUTO_FREE char *text = NULL;
    program->path = test_path(folder, "flash it");
    assert_true(asprintf(&text, "#!/bin/sh\n%s\n", script) > 0);
    test_write_text(program->path, text);
    assert_int_equal(chmod(program->path, 0700), 0);
    program->words[0] = program->path;
    program->words[1] = folder;
    program->words[2] = "two words $(touch x)";
    program->words[3] = NULL;
    program->target = (struct pack_device_target){
        .kind = PACK_TARGET_COMMAND,
        .program = {.count = 3, .words = program->words, .seconds = 10},
    };
}

static void clear_program(struct program *program)
{
    free(program->path);
}

static int install(const struct program *program, const struct slot_facts *facts,
                   const char *content, struct pack_error *error)
{
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    const size_t size = strlen(content), half = size / 2;
    int code = slot_open_write(&slot, &program->target, storage_system(), size, error);
    if (code == 0 && facts != NULL)
        slot_tell(slot, facts);
    if (code == 0 && size > 0)
        code = slot_write_at(slot, 0, content, half, error);
    if (code == 0 && size > 0)
        code = slot_write_at(slot, half, content + half, size - half, error);
    if (code == 0)
        code = slot_flush(slot, error);
    return code == 0 ? slot_finish(slot, error) : code;
}

static void assert_content(const char *folder, const char *name, const char *content)
{
    PACK_AUTO_FREE char *path = test_path(folder, name);
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    assert_string_equal((char *)bytes, content);
}

/* Nothing of ours reaches it but what it is told (A113). */
static void test_a113_what_a_program_is_told(void **state)
{
    struct pack_error error = {0};
    static const uint8_t sha256[PACK_SHA256_SIZE] = {0xab, 0xcd};
    const struct slot_facts facts = {
        .slot = "mcu", .set = "B", .version = "1.2.3", .sha256 = sha256};
    PACK_AUTO(clear_program) struct program program;
    make_program(&program, *state,
                 "env | grep -v '^PWD=\\|^SHLVL=\\|^_=\\|^OLDPWD=' | sort >\"$1/env\"\n"
                 "echo \"$2\" >\"$1/word\"\ncat >\"$1/image\"");
    setenv("IFS", "x", 1);
    setenv("FWPACK_SECRET", "x", 1);
    assert_pack_ok(install(&program, &facts, "the image", &error));
    unsetenv("IFS");
    unsetenv("FWPACK_SECRET");
    assert_content(*state, "image", "the image");
    assert_content(*state, "word", "two words $(touch x)\n");
    assert_content(
        *state, "env",
        "FWPACK_PHASE=write\n"
        "FWPACK_SET=B\n"
        "FWPACK_SHA256=abcd000000000000000000000000000000000000000000000000000000000000\n"
        "FWPACK_SIZE=9\n"
        "FWPACK_SLOT=mcu\n"
        "FWPACK_VERSION=1.2.3\n"
        "LANG=C\n"
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
}

static void test_program_that_is_told_nothing_more(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(clear_program) struct program program;
    make_program(&program, *state, "env | grep '^FWPACK' | sort >\"$1/env\"; cat >\"$1/image\"");
    assert_pack_ok(install(&program, NULL, "", &error));
    assert_content(*state, "image", "");
    assert_content(*state, "env", "FWPACK_PHASE=write\nFWPACK_SIZE=0\n");
}

/* A slot that is opened, as a check, and closed, has not woken the other processor. */
static void test_program_is_not_started_early(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(clear_program) struct program program;
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    make_program(&program, *state, "touch \"$1/started\"; cat >/dev/null");
    assert_pack_ok(slot_open_write(&slot, &program.target, storage_system(), 10, &error));
    slot_close(&slot);
    assert_int_equal(test_count_files(*state), 1);
    assert_false(slot_can_read(&program.target));
}

static void assert_fails(const struct program *program, const char *content, const char *says)
{
    struct pack_error error = {0};
    assert_pack_fails(install(program, NULL, content, &error), PACK_E_IO);
    assert_pack_says(says);
    assert_string_equal(error.file, program->path);
}

static void test_programs_that_fail(void **state)
{
    static const struct {
        const char *script, *says;
    } cases[] = {
        {"cat >/dev/null; exit 3", "status 3"},
        {"cat >/dev/null; kill -KILL $$", "signal"},
        {"exit 0", "before"}, /* it took nothing, so it flashed nothing */
    };
    PACK_AUTO_FREE char *content = calloc(1, 300001);
    memset(content, 'x', 300000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        PACK_AUTO(clear_program) struct program program;
        make_program(&program, *state, cases[i].script);
        assert_fails(&program, content, cases[i].says);
    }
}

static void test_program_that_hangs(void **state)
{
    PACK_AUTO(clear_program) struct program program;
    struct timespec begin, end;
    make_program(&program, *state, "cat >/dev/null; sleep 60");
    program.target.program.seconds = 1;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_fails(&program, "image", "second");
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 5);
}

static void test_programs_that_cannot_start(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(clear_program) struct program program;
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    make_program(&program, *state, "exit 0");
    assert_int_equal(chmod(program.path, 0600), 0);
    assert_pack_fails(slot_open_write(&slot, &program.target, storage_system(), 1, &error),
                      PACK_E_PERMISSION);
    assert_pack_says("cannot be run");
    assert_int_equal(unlink(program.path), 0);
    assert_pack_fails(slot_open_write(&slot, &program.target, storage_system(), 1, &error),
                      PACK_E_NOT_FOUND);
    assert_string_equal(error.file, program.path);
}

/* Given up half-way, it is ended, not told that this was all. */
static void test_program_is_killed_when_the_install_fails(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO(clear_program) struct program program;
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    make_program(&program, *state, "cat >/dev/null; touch \"$1/done\"");
    assert_pack_ok(slot_open_write(&slot, &program.target, storage_system(), 10, &error));
    assert_pack_ok(slot_write_at(slot, 0, "12345", 5, &error));
    assert_pack_fails(slot_write_at(slot, 6, "7", 1, &error), PACK_E_INTERNAL);
    assert_pack_fails(slot_finish(slot, &error), PACK_E_INTERNAL);
    slot_close(&slot);
    assert_int_equal(test_count_files(*state), 1);
}

static void test_programs_are_never_the_same(void **state)
{
    struct pack_error error = {0};
    bool same = true;
    PACK_AUTO(clear_program) struct program program;
    make_program(&program, *state, "exit 0");
    assert_pack_ok(slot_is_same(&program.target, &program.target, storage_system(), &same, &error));
    assert_false(same); /* it is told which set it is for */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a113_what_a_program_is_told),
        TEST(test_program_that_is_told_nothing_more),
        TEST(test_program_is_not_started_early),
        TEST(test_programs_that_fail),
        TEST(test_program_that_hangs),
        TEST(test_programs_that_cannot_start),
        TEST(test_program_is_killed_when_the_install_fails),
        TEST(test_programs_are_never_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
