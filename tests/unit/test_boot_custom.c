/* SPDX-License-Identifier: MIT */
/* A program that gets and sets the state. */
#include "base/memory.h"
#include "boot/boot.h"
#include "boot_device.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* A program of the shell that keeps what it is told in a file; it is run without a shell. */
static char *make_program(const char *folder, const char *get, const char *set)
{
    char *path = test_path(folder, "boot-state");
    PACK_AUTO_FREE char *text = NULL;
    assert_true(asprintf(&text,
                         "#!/bin/sh\ncd '%s' || exit\ncase $2 in\nget) %s ;;\nset) %s ;;\n"
                         "*) exit 2 ;;\nesac\n",
                         folder, get, set) > 0);
    test_write_text(path, text);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

#define PLAIN_GET "cat kept"
#define PLAIN_SET "cat >kept"
#define START "primary=A\ntrial=0\ntries=0\nfallback=0\n"

struct custom {
    char *program;
    const char *words[3];
    struct pack_device device;
};

static void make_custom(struct custom *custom, void **state, const char *get, const char *set)
{
    PACK_AUTO_FREE char *kept = test_path(*state, "kept");
    custom->program = make_program(*state, get, set);
    custom->words[0] = custom->program;
    custom->words[1] = "--board";
    custom->words[2] = NULL;
    custom->device = (struct pack_device){
        .boot = {.type = "custom", .program = {.count = 2, .words = custom->words, .seconds = 10}}};
    test_write_text(kept, START);
}

static void free_custom(struct custom *custom)
{
    free(custom->program);
}
#define AUTO_CUSTOM PACK_AUTO(free_custom)

static void test_states_come_back(void **state)
{
    static const char *const states[] = {"A", "B+", "A B3", "A B0", NULL};
    AUTO_CUSTOM struct custom custom = {.program = NULL};
    make_custom(&custom, state, PLAIN_GET, PLAIN_SET);
    check_state(&custom.device, storage_system(), "A");
    check_round_trips(&custom.device, storage_system(), states);
}

static void test_it_may_say_more(void **state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    enum pack_set set = PACK_SETS;
    char text[64];
    AUTO_CUSTOM struct custom custom = {.program = NULL};
    make_custom(&custom, state, "cat kept && echo running=B && echo session=x-1", PLAIN_SET);
    assert_pack_ok(boot_open(&boot, &custom.device, storage_system(), &error));
    assert_pack_ok(boot_running(boot, &set, &error));
    assert_int_equal(set, PACK_SET_B);
    assert_pack_ok(boot_session(boot, text, &error));
    assert_string_equal(text, "x-1");
}

static void test_its_faults_are_told(void **state)
{
    static const struct {
        const char *get, *says;
    } cases[] = {
        {"exit 3", "exit status 3"},
        {"echo primary=A", "trial is missing"},
        {"echo hello", "no NAME=VALUE but 'hello'"},
        {"cat kept kept", "primary is there twice"},
        {"head -c 5000 /dev/zero", "more than 4096 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AUTO_CUSTOM struct custom custom = {.program = NULL};
        make_custom(&custom, state, cases[i].get, PLAIN_SET);
        check_refused(&custom.device, storage_system(), PACK_E_STATE, cases[i].says);
    }
}

static void test_what_it_did_not_keep(void **state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    const struct boot_state trial = {.trial = true, .tries = 3};
    AUTO_CUSTOM struct custom custom = {.program = NULL};
    make_custom(&custom, state, PLAIN_GET, "sed s/^tries=3/tries=1/ >kept");
    assert_pack_ok(boot_open(&boot, &custom.device, storage_system(), &error));
    assert_pack_fails(boot_write(boot, &trial, &error), PACK_E_IO);
    assert_pack_says("the bootloader 'custom' was told");
    boot_close(&boot);
    free_custom(&custom);
    make_custom(&custom, state, PLAIN_GET, "exit 1");
    assert_pack_ok(boot_open(&boot, &custom.device, storage_system(), &error));
    assert_pack_fails(boot_write(boot, &trial, &error), PACK_E_IO);
    assert_pack_says("exit status 1");
}

/* A113: nothing of our environment comes through. */
static void test_its_environment_is_clean(void **state)
{
    AUTO_CUSTOM struct custom custom = {.program = NULL};
    setenv("LD_PRELOAD_X", "1", 1);
    setenv("FWPACK_SECRET", "1", 1);
    make_custom(&custom, state,
                "env | grep -q -e LD_ -e FWPACK && exit 9; case $PATH in *usr/bin*) cat kept; esac",
                PLAIN_SET);
    check_state(&custom.device, storage_system(), "A");
}

static void test_no_program(void **state)
{
    (void)state;
    struct pack_error error = {0};
    struct boot *boot = NULL;
    const struct pack_device device = {.boot.type = "custom"};
    assert_pack_fails(boot_open(&boot, &device, storage_system(), &error), PACK_E_USAGE);
    assert_pack_says("has no program");
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_program),      IN_A_FOLDER(test_states_come_back),
        IN_A_FOLDER(test_it_may_say_more),      IN_A_FOLDER(test_its_faults_are_told),
        IN_A_FOLDER(test_what_it_did_not_keep), IN_A_FOLDER(test_its_environment_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
