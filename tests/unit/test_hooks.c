/* SPDX-License-Identifier: MIT */
/* Programs that a device names: what they are told, and what becomes of their answers. */
#include "install/hooks.h"

#include "base/memory.h"
#include "io/program_variables.h"
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A script with words that no shell may touch, and a program that runs it. */
struct script {
    char *path;
    const char *words[6];
    struct pack_device_program program;
};

static void write_script(struct script *script, const char *folder, const char *name,
                         const char *text)
{
    script->path = test_path(folder, name);
    test_write_text(script->path, text);
    assert_int_equal(chmod(script->path, 0700), 0);
    script->words[0] = script->path;
    script->program =
        (struct pack_device_program){.count = 1, .words = script->words, .seconds = 20};
}

static void free_script(struct script *script)
{
    free(script->path);
}
#define AUTO_SCRIPT PACK_AUTO(free_script)

/* --- A113 ------------------------------------------------------------------------------------ */

static void test_the_environment_is_clean(void **state)
{
    struct pack_error error = {0};
    AUTO_SCRIPT struct script script = {.path = NULL};
    PACK_AUTO_BUFFER struct pack_buffer output = {.limit = 10000};
    const struct hook_facts facts = {.phase = "write",
                                     .version = "2.0.0-rc.1+$(touch x)",
                                     .from = "1.0.0",
                                     .set = "B",
                                     .product = "acme's \"gate way\"",
                                     .device = "line\nfeed",
                                     .reason = "; rm -rf /"};
    setenv("LD_PRELOAD", "", 1);
    setenv("LD_LIBRARY_PATH", "/nowhere", 1);
    setenv("IFS", "x", 1);
    setenv("BASH_ENV", "/nowhere", 1);
    setenv("FWPACK_PASSPHRASE_FILE", "secret", 1);
    write_script(&script, *state, "hook", "#!/bin/sh\nexec /usr/bin/env -0\n");
    assert_pack_ok(hook_run(&script.program, "x", &facts, PACK_E_IO, &output, &error));
    static const char wanted[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin\0LANG=C\0"
                                 "FWPACK_PHASE=write\0FWPACK_VERSION=2.0.0-rc.1+$(touch x)\0"
                                 "FWPACK_FROM=1.0.0\0FWPACK_SET=B\0"
                                 "FWPACK_PRODUCT=acme's \"gate way\"\0"
                                 "FWPACK_DEVICE_ID=line\nfeed\0FWPACK_REASON=; rm -rf /\0";
    size_t count = 0;
    for (size_t at = 0; at < output.size;) {
        const char *variable = (const char *)output.bytes + at;
        const size_t length = strlen(variable) + 1;
        /* The shell that runs the script adds these. */
        const bool own = strncmp(variable, "PWD=", 4) == 0 || strncmp(variable, "_=", 2) == 0 ||
                         strncmp(variable, "SHLVL=", 6) == 0 || strncmp(variable, "OLDPWD", 6) == 0;
        assert_true(own || memmem(wanted, sizeof wanted, variable, length) != NULL);
        count += !own;
        at += length;
    }
    assert_int_equal(count, 9);
}

static void test_arguments_arrive_as_they_are(void **state)
{
    struct pack_error error = {0};
    AUTO_SCRIPT struct script script = {.path = NULL};
    PACK_AUTO_BUFFER struct pack_buffer output = {.limit = 10000};
    const struct hook_facts facts = {.phase = NULL};
    write_script(&script, *state, "a hook's \"name\" $x;",
                 "#!/bin/sh\nread line && echo \"$line\"\nfor i; do printf '[%s]' \"$i\"; done\n");
    script.words[1] = "two words";
    script.words[2] = "'\"$(exit 1)`exit 1`";
    script.words[3] = "";
    script.words[4] = "*";
    script.program.count = 5;
    assert_pack_ok(hook_run(&script.program, "x", &facts, PACK_E_IO, &output, &error));
    assert_string_equal(output.bytes, "[two words]['\"$(exit 1)`exit 1`][][*]");
}

static void test_too_many_variables(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PROGRAM_VARIABLES_AUTO struct program_variables variables = {.count = 0};
    assert_pack_ok(program_variables_begin(&variables, &error));
    assert_pack_ok(program_variables_add(&variables, "NONE", NULL, &error));
    for (size_t i = 2; i < PROGRAM_VARIABLES; i++)
        assert_pack_ok(program_variables_add(&variables, "A", "b", &error));
    assert_pack_fails(program_variables_add(&variables, "A", "b", &error), PACK_E_INTERNAL);
    assert_null(variables.words[PROGRAM_VARIABLES]);
}

/* --- hooks ----------------------------------------------------------------------------------- */

static void test_hooks_say_no(void **state)
{
    struct pack_error error = {0};
    AUTO_SCRIPT struct script yes = {.path = NULL}, no = {.path = NULL};
    const struct hook_facts facts = {.version = "1.0.0"};
    struct pack_device device = {.product = "acme"};
    write_script(&yes, *state, "yes", "#!/bin/sh\n[ \"$FWPACK_PHASE\" = switch ]\n");
    write_script(&no, *state, "no", "#!/bin/sh\nexit 3\n");
    assert_pack_ok(hook_before(&device, PACK_PHASE_CHECK, &facts, &error)); /* there is none */
    device.before[PACK_PHASE_SWITCH] = yes.program;
    device.before[PACK_PHASE_WRITE] = yes.program;
    device.after[PACK_PHASE_WRITE] = no.program;
    assert_pack_ok(hook_before(&device, PACK_PHASE_SWITCH, &facts, &error));
    assert_pack_ok(hook_after(&device, PACK_PHASE_SWITCH, &facts, &error));
    assert_pack_fails(hook_before(&device, PACK_PHASE_WRITE, &facts, &error), PACK_E_VETOED);
    assert_pack_says("the hook before write: ");
    assert_pack_says("failed with exit status 1");
    assert_pack_fails(hook_after(&device, PACK_PHASE_WRITE, &facts, &error), PACK_E_VETOED);
    assert_pack_says("the hook after write: ");
    assert_pack_says("failed with exit status 3");
    device.after[PACK_PHASE_WRITE].seconds = 0;
    no.words[0] = "/bin/sleep";
    no.words[1] = "60";
    assert_pack_fails(hook_after(&device, PACK_PHASE_WRITE, &facts, &error), PACK_E_VETOED);
    assert_pack_says("did not end within 0 seconds");
    no.words[0] = "/nowhere/hook";
    assert_pack_fails(hook_after(&device, PACK_PHASE_WRITE, &facts, &error), PACK_E_VETOED);
    assert_pack_says("cannot run '/nowhere/hook'");
}

/* --- health ---------------------------------------------------------------------------------- */

/* Fails until it was called so often. */
#define FAILS_TWICE            \
    "#!/bin/sh\n"              \
    "echo x >> \"$0.calls\"\n" \
    "[ $(/usr/bin/wc -l < \"$0.calls\") -ge 3 ]\n"

static void test_all_checks_run(void **state)
{
    struct pack_error error = {0};
    AUTO_SCRIPT struct script good = {.path = NULL}, bad = {.path = NULL}, third = {.path = NULL};
    write_script(&good, *state, "good", "#!/bin/sh\n[ \"$FWPACK_PHASE\" = confirm ]\n");
    write_script(&bad, *state, "bad", "#!/bin/sh\nexit 9\n");
    write_script(&third, *state, "third", FAILS_TWICE);
    const struct pack_device_health health[] = {
        {.name = "first", .program = bad.program, .attempts = 2},
        {.name = "second", .program = good.program, .attempts = 1},
        {.name = "third", .program = third.program, .attempts = 3},
        {.name = "fourth", .program = bad.program},
    };
    struct pack_device device = {.health = health, .health_count = 4};
    const struct pack_engine engine = {.device = &device};
    const struct hook_facts facts = {.version = "1.0.0"};
    PACK_AUTO_FREE struct pack_confirm_report *report = calloc(1, sizeof *report);
    assert_pack_fails(health_run(&engine, &facts, report, &error), PACK_E_UNHEALTHY);
    assert_pack_says("the health check 'first': ");
    assert_pack_says("exit status 9");
    assert_int_equal(report->check_count, 4);
    static const bool wanted[] = {false, true, true, false};
    static const unsigned attempts[] = {2, 1, 3, 1};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(report->checks[i].name, health[i].name);
        assert_int_equal(report->checks[i].good, wanted[i]);
        assert_int_equal(report->checks[i].attempts, attempts[i]);
        assert_int_equal(report->checks[i].reason[0] == '\0', wanted[i]);
    }
    device.health = health + 1;
    device.health_count = 2;
    assert_pack_ok(health_run(&engine, &facts, report, &error));
    device.health_count = 0;
    assert_pack_ok(health_run(&engine, &facts, report, &error));
    assert_int_equal(report->check_count, 0);
}

static bool stop(void *user)
{
    (void)user;
    return true;
}

static void test_checks_can_be_stopped(void **state)
{
    struct pack_error error = {0};
    AUTO_SCRIPT struct script bad = {.path = NULL};
    write_script(&bad, *state, "bad", "#!/bin/sh\nexit 9\n");
    const struct pack_device_health health = {
        .name = "first", .program = bad.program, .attempts = 100, .pause = 1000};
    const struct pack_device device = {.health = &health, .health_count = 1};
    const struct pack_context context = {.cancelled = stop};
    const struct pack_engine engine = {.device = &device, .context = &context};
    const struct hook_facts facts = {.version = "1.0.0"};
    PACK_AUTO_FREE struct pack_confirm_report *report = calloc(1, sizeof *report);
    assert_pack_fails(health_run(&engine, &facts, report, &error), PACK_E_INTERRUPTED);
}

/* --- hardware counter ------------------------------------------------------------------------ */

static void test_the_counter_is_read(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
        bool good;
    } cases[] = {
        {"#!/bin/sh\necho 7\n", 7, true},
        {"#!/bin/sh\nprintf 18446744073709551615\n", UINT64_MAX, true},
        {"#!/bin/sh\necho 18446744073709551616\n", 0, false},
        {"#!/bin/sh\n", 0, false},
        {"#!/bin/sh\necho 0x7\n", 0, false},
        {"#!/bin/sh\necho -1\n", 0, false},
        {"#!/bin/sh\necho 7; echo 8\n", 0, false},
        {"#!/bin/sh\necho 7; exit 1\n", 0, false},
        {"#!/bin/sh\nprintf '%0100d' 7\n", 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        uint64_t value = 99;
        AUTO_SCRIPT struct script script = {.path = NULL};
        write_script(&script, *state, "counter", cases[i].text);
        const struct pack_device device = {.counter_read = script.program};
        assert_int_equal(counter_read(&device, &value, &error), cases[i].good ? 0 : PACK_E_STATE);
        assert_int_equal(value, cases[i].value);
    }
    struct pack_error error = {0};
    uint64_t value = 99;
    const struct pack_device none = {.product = "acme"};
    assert_pack_ok(counter_read(&none, &value, &error));
    assert_int_equal(value, 0);
    assert_pack_ok(counter_raise(&none, 5, &error));
}

static void test_the_counter_is_raised(void **state)
{
    struct pack_error error = {0};
    AUTO_SCRIPT struct script reads = {.path = NULL}, raises = {.path = NULL};
    PACK_AUTO_FREE char *counter = test_path(*state, "value");
    size_t size = 0;
    write_script(&reads, *state, "read", "#!/bin/sh\ncat \"$1\"\n");
    write_script(&raises, *state, "raise",
                 "#!/bin/sh\n[ $# = 2 ] && [ $2 = $FWPACK_COUNTER ] && echo $2 > \"$1\"\n");
    reads.words[1] = raises.words[1] = counter;
    reads.program.count = raises.program.count = 2;
    struct pack_device device = {.counter_read = reads.program, .counter_raise = raises.program};
    test_write_text(counter, "3\n");
    assert_pack_ok(counter_raise(&device, 5, &error));
    PACK_AUTO_FREE char *raised = (char *)test_read_file(counter, &size);
    assert_string_equal(raised, "5\n");
    assert_pack_ok(counter_raise(&device, 4, &error)); /* is higher already */
    PACK_AUTO_FREE char *kept = (char *)test_read_file(counter, &size);
    assert_string_equal(kept, "5\n");
    raises.words[0] = "/bin/true"; /* says that it did, and did not */
    assert_pack_fails(counter_raise(&device, 6, &error), PACK_E_STATE);
    assert_pack_says("at 5 after it was raised, at least 6 wanted");
    raises.words[0] = "/bin/false";
    assert_pack_fails(counter_raise(&device, 6, &error), PACK_E_STATE);
    assert_pack_says("raising the hardware counter: ");
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_the_environment_is_clean), WITH_FOLDER(test_arguments_arrive_as_they_are),
        cmocka_unit_test(test_too_many_variables),  WITH_FOLDER(test_hooks_say_no),
        WITH_FOLDER(test_all_checks_run),           WITH_FOLDER(test_checks_can_be_stopped),
        WITH_FOLDER(test_the_counter_is_read),      WITH_FOLDER(test_the_counter_is_raised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
