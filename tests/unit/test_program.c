/* SPDX-License-Identifier: MIT */
/* Other programs: what they get and give, how they end, and that they end. */
#include "io/program.h"

#include "base/memory.h"
#include "io/wait.h"
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define AUTO_PIPE PACK_AUTO(program_pipe_close)

static char *no_variables[] = {NULL};

static int run(struct pack_buffer *answer, const char *script, const void *input, size_t size,
               unsigned seconds, struct pack_error *error)
{
    const char *const words[] = {"/bin/sh", "-c", script, NULL};
    const struct program_run request = {.words = (char *const *)(uintptr_t)words,
                                        .variables = no_variables,
                                        .input = input,
                                        .input_size = size,
                                        .seconds = seconds,
                                        .code = PACK_E_KEY_STORE};
    return program_run(answer, &request, error);
}

static void test_programs_get_and_give_bytes(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = 1 << 20};
    PACK_AUTO_FREE uint8_t *input = calloc(1, 300000);
    assert_pack_ok(run(&answer, "exec /bin/cat", input, 300000, 20, &error));
    assert_int_equal(answer.size, 300000);
    pack_buffer_clear(&answer);
    assert_pack_ok(run(&answer, "echo done", input, 300000, 20, &error)); /* reads nothing */
    assert_memory_equal(answer.bytes, "done\n", 5);
    pack_buffer_clear(&answer);
    assert_pack_ok(run(&answer, "exec /bin/cat /dev/stdin /proc/self/fd/0", "ab", 2, 20, &error));
    assert_memory_equal(answer.bytes, "abab", 4);
}

static void test_failures_have_words(void **state)
{
    (void)state;
    static const struct {
        const char *script, *says;
    } cases[] = {
        {"exit 3", "failed with exit status 3"},
        {"kill -9 $$", "was ended by signal 9 (Killed)"},
        {"kill -PIPE $$", "was ended by signal 13"},
        {"while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
         "more than 1000 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = 1000};
        assert_pack_fails(run(&answer, cases[i].script, "", 0, 20, &error), PACK_E_KEY_STORE);
        assert_pack_says(cases[i].says);
    }
}

static void test_deadlines_are_kept(void **state)
{
    (void)state;
    static const char *const scripts[] = {"exec /bin/sleep 60", "exec >&-; exec /bin/sleep 60"};
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct pack_error error = {0};
        PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = 1000};
        const int64_t start = wait_now();
        assert_pack_fails(run(&answer, scripts[i], "", 0, 0, &error), PACK_E_KEY_STORE);
        assert_pack_says("did not end within");
        assert_true(wait_now() - start < 10000);
    }
}

static void test_nothing_is_left_behind(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = 1000};
    const int open_file = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    const size_t before = test_count_files("/proc/self/fd");
    assert_pack_ok(run(&answer, "ls /proc/self/fd | /usr/bin/wc -l", "", 0, 20, &error));
    assert_memory_equal(answer.bytes, "4\n", 2); /* three, and that of ls */
    assert_int_not_equal(run(&answer, "exec /bin/sleep 60", "", 0, 0, &error), 0);
    assert_int_equal(test_count_files("/proc/self/fd"), before);
    close(open_file);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* Whoever started us may ignore what a program counts on. */
static void test_signals_are_as_usual(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = 1000};
    sigset_t all, old;
    sigfillset(&all);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &all, &old);
    assert_pack_fails(run(&answer, "kill -PIPE $$; echo survived", "", 0, 20, &error),
                      PACK_E_KEY_STORE);
    assert_pack_says("signal 13");
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGCHLD, SIG_IGN);
    assert_pack_fails(run(&answer, "exit 0", "", 0, 20, &error), PACK_E_KEY_STORE);
    assert_pack_says("SIGCHLD is ignored");
    signal(SIGCHLD, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

/* --- what they leave running ------------------------------------------------------------------ */

static int run_in_group(struct pack_buffer *answer, const char *script, unsigned seconds,
                        struct pack_error *error)
{
    const char *const words[] = {"/bin/sh", "-c", script, NULL};
    const struct program_run request = {.words = (char *const *)(uintptr_t)words,
                                        .variables = no_variables,
                                        .seconds = seconds,
                                        .code = PACK_E_VETOED,
                                        .group = true};
    return program_run(answer, &request, error);
}

/* Another process holds the output, and may still print for a moment, but nobody waits for it. */
static void test_what_is_left_running_does_not_hold_us(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = 1000};
    int64_t start = wait_now();
    assert_pack_ok(run(&answer, "(/bin/sleep 0.1; echo late; exec /bin/sleep 5) & echo soon", "", 0,
                       20, &error));
    assert_true(wait_now() - start < 3000);
    assert_string_equal(answer.bytes, "soon\nlate\n");
    pack_buffer_clear(&answer);
    start = wait_now();
    assert_pack_ok(run(NULL, "/bin/sleep 5 &", "", 0, 20, &error));
    assert_pack_ok(run_in_group(&answer, "/bin/sleep 60 & echo soon", 20, &error));
    assert_true(wait_now() - start < 900);
    assert_string_equal(answer.bytes, "soon\n");
}

/* Where nobody takes care of orphans, a dead one stays as a zombie. */
static bool is_dead(pid_t process)
{
    char path[64], line[200] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return true;
    const bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return !read || strstr(line, ") Z ") != NULL;
}

/* The group goes with its leader, be it done or late: the file tells of another one in it. */
static void test_a_group_ends_with_its_leader(void **state)
{
    char script[600];
    PACK_AUTO_FREE char *path = test_path(*state, "number");
    for (int late = 0; late < 2; late++) {
        struct pack_error error = {0};
        size_t size = 0;
        snprintf(script, sizeof script, "/bin/sleep 60 & echo $! > %s; %s", path,
                 late ? "trap '' TERM; while :; do /bin/sleep 0.1; done" : "exit 0");
        assert_int_equal(run_in_group(NULL, script, late ? 1 : 20, &error),
                         late ? PACK_E_VETOED : 0);
        PACK_AUTO_FREE char *text = (char *)test_read_file(path, &size);
        const pid_t other = (pid_t)strtol(text, NULL, 10);
        assert_true(other > 0);
        for (int i = 0; i < 200 && !is_dead(other); i++)
            usleep(10000);
        assert_true(is_dead(other));
    }
}

/* We are killed, and can tell nobody; the program's deadline went with us. */
static void test_a_program_ends_with_us(void **state)
{
    char script[600];
    PACK_AUTO_FREE char *path = test_path(*state, "ready");
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(script, sizeof script, "echo $$ > %s; exec /bin/sleep 60", path);
    const char *const words[] = {"/bin/sh", "-c", script, NULL};
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    for (int group = 0; group < 2; group++) {
        char line[32] = "";
        int status = 0;
        const struct program_run request = {.words = (char *const *)(uintptr_t)words,
                                            .variables = no_variables,
                                            .seconds = 60,
                                            .group = group == 1};
        const pid_t user = fork();
        if (user == 0) {
            struct pack_error error = {0};
            _exit(program_run(NULL, &request, &error) != 0);
        }
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        assert_non_null(fgets(line, sizeof line, file));
        fclose(file);
        const pid_t program = (pid_t)strtol(line, NULL, 10);
        kill(user, SIGKILL);
        assert_int_equal(waitpid(user, &status, 0), user);
        assert_int_equal(waitpid(program, &status, 0), program); /* not for a minute */
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

/* What a service manager closed may be what our own descriptors are. */
static void test_streams_that_were_closed(void **state)
{
    (void)state;
    int ends[2], status = 0;
    char line[64] = "";
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        struct pack_error error = {0};
        struct pack_buffer answer = {.limit = 1000};
        close(STDIN_FILENO);
        close(STDOUT_FILENO);
        const int code = run(&answer, "/bin/cat; echo end", "in ", 3, 20, &error);
        _exit(code != 0 || write(ends[1], answer.bytes, answer.size) < 0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], line, sizeof line - 1), 7);
    assert_string_equal(line, "in end\n");
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    close(ends[0]);
}

static void test_failures_have_the_caller_s_code(void **state)
{
    (void)state;
    struct pack_error error = {0};
    const char *const words[] = {"/nowhere/program", NULL};
    const struct program_run request = {.words = (char *const *)(uintptr_t)words,
                                        .variables = no_variables,
                                        .seconds = 1,
                                        .code = PACK_E_UNHEALTHY};
    assert_pack_fails(program_run(NULL, &request, &error), PACK_E_UNHEALTHY);
    assert_pack_says("cannot run '/nowhere/program'");
    assert_pack_fails(run_in_group(NULL, "exit 1", 5, &error), PACK_E_VETOED);
}

static void test_files_that_are_no_programs(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "thing");
    const char *const words[] = {path, NULL};
    const struct program_run request = {.words = (char *const *)(uintptr_t)words,
                                        .variables = no_variables,
                                        .seconds = 20,
                                        .code = PACK_E_VETOED};
    static const struct {
        const char *text;
        mode_t mode;
        const char *hint;
    } cases[] = {{"exit 0\n", 0755, "begins with"},
                 {"#!/nowhere/sh\n", 0755, "first line"},
                 {"#!/bin/sh\n", 0644, "chmod +x"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        test_write_text(path, cases[i].text);
        assert_int_equal(chmod(path, cases[i].mode), 0);
        assert_pack_fails(program_run(NULL, &request, &error), PACK_E_VETOED);
        assert_non_null(strstr(error.hint, cases[i].hint));
    }
}

static void test_a_name_is_looked_for_in_the_program_s_path(void **state)
{
    struct pack_error error = {0};
    char path[600];
    const char *const words[] = {"thing", NULL};
    PACK_AUTO_FREE char *thing = test_path(*state, "thing");
    char *variables[] = {path, NULL};
    const struct program_run request = {.words = (char *const *)(uintptr_t)words,
                                        .variables = variables,
                                        .seconds = 20,
                                        .code = PACK_E_VETOED};
    test_write_text(thing, "#!/bin/sh\nexit 0\n");
    setenv("PATH", *state, 1); /* ours has no say */
    snprintf(path, sizeof path, "PATH=/nowhere::/usr/bin");
    assert_pack_fails(program_run(NULL, &request, &error), PACK_E_VETOED);
    assert_pack_says("cannot run 'thing'");
    assert_non_null(strstr(error.hint, "looked for in /nowhere::"));
    snprintf(path, sizeof path, "PATH=/nowhere::%s", (const char *)*state);
    assert_pack_fails(program_run(NULL, &request, &error), PACK_E_VETOED); /* not executable */
    assert_int_equal(chmod(thing, 0700), 0);
    assert_pack_ok(program_run(NULL, &request, &error));
}

/* A handler without SA_RESTART, as a program has that wants to be told. */
static void note_signal(int number)
{
    (void)number;
}

static void test_a_signal_ends_the_waiting(void **state)
{
    (void)state;
    struct pack_error error = {0};
    char script[64];
    struct sigaction action = {.sa_handler = note_signal};
    const int64_t start = wait_now();
    sigaction(SIGUSR1, &action, NULL);
    snprintf(script, sizeof script, "/bin/sleep 0.1; kill -USR1 %d; exec /bin/sleep 60",
             (int)getpid());
    assert_pack_fails(run_in_group(NULL, script, 20, &error), PACK_E_INTERRUPTED);
    assert_true(wait_now() - start < 5000);
    sigaction(SIGCHLD, &action, NULL);
    for (int i = 0; i < 5; i++)
        assert_pack_ok(run_in_group(NULL, "exit 0", 20, &error));
    signal(SIGCHLD, SIG_DFL);
}

/* --- fed while they run ----------------------------------------------------------------------- */

static int open_pipe(struct program_pipe **pipe, const char *const *words, unsigned seconds,
                     struct pack_error *error)
{
    const struct program_run request = {.words = (char *const *)(uintptr_t)words,
                                        .variables = no_variables,
                                        .seconds = seconds,
                                        .code = PACK_E_IO,
                                        .group = true};
    return program_pipe_open(pipe, &request, error);
}

/* Writes `count` pieces of 100 kB, and ends it. */
static int feed(const char *script, size_t count, unsigned seconds, struct pack_error *error)
{
    AUTO_PIPE struct program_pipe *pipe = NULL;
    PACK_AUTO_FREE uint8_t *piece = malloc(100000);
    const char *const words[] = {"/bin/sh", "-c", script, NULL};
    assert_non_null(piece);
    memset(piece, 'x', 100000);
    int code = open_pipe(&pipe, words, seconds, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = program_pipe_write(pipe, piece, 100000, error);
    return code != 0 ? code : program_pipe_end(pipe, error);
}

static void test_programs_take_what_is_fed(void **state)
{
    struct pack_error error = {0};
    char script[600];
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_path(*state, "taken");
    snprintf(script, sizeof script, "exec /bin/cat > %s", path);
    assert_pack_ok(feed(script, 30, 20, &error));
    free(test_read_file(path, &size));
    assert_int_equal(size, 3000000);
    assert_pack_ok(feed("exec /bin/cat > /dev/null", 0, 20, &error));
    assert_pack_ok(feed("head -c 200000 > /dev/null", 2, 20, &error));
}

static void *begin_to_feed(void *user)
{
    static const char *const words[] = {"/bin/sh", "-c", "/bin/cat; /bin/sleep 0.2", NULL};
    struct pack_error error = {0};
    if (open_pipe(user, words, 20, &error) == 0)
        (void)!program_pipe_write(*(struct program_pipe **)user, "abc", 3, &error);
    return NULL;
}

/* As the threads that decode do: the image's last byte is not the program's last work. */
static void test_a_thread_that_feeds_may_end(void **state)
{
    (void)state;
    AUTO_PIPE struct program_pipe *pipe = NULL;
    struct pack_error error = {0};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, begin_to_feed, &pipe), 0);
    pthread_join(thread, NULL);
    assert_non_null(pipe);
    assert_pack_ok(program_pipe_end(pipe, &error));
}

/* SIGPIPE has its default action here: it would end the test. */
static void test_programs_that_do_not_take_it(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        size_t count;
        const char *says;
    } cases[] = {
        {"exit 0", 30, "ended before it took all"},
        {"exec <&-; exit 0", 30, "ended before it took all"},
        {"head -c 1000 > /dev/null", 1, "ended before it took all"},
        {"exit 7", 30, "failed with exit status 7"},
        {"kill -9 $$", 30, "signal 9"},
        {"/bin/cat > /dev/null; exit 7", 30, "failed with exit status 7"},
        {"exec /bin/sleep 60", 30, "did not end within 0 seconds"},
        {"/bin/sleep 60 & exit 0", 30, "ended before it took all"},
        {"/bin/cat > /dev/null; exec /bin/sleep 60", 1, "did not end within 0 seconds"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        const bool late = strstr(cases[i].says, "within") != NULL;
        const int64_t start = wait_now();
        assert_pack_fails(feed(cases[i].script, cases[i].count, late ? 0 : 20, &error), PACK_E_IO);
        assert_pack_says(cases[i].says);
        assert_true(wait_now() - start < 5000);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Its time is what we wait for it, not what it waits for us. */
static void test_a_slow_feeder_costs_no_time(void **state)
{
    (void)state;
    struct pack_error error = {0};
    AUTO_PIPE struct program_pipe *pipe = NULL;
    const char *const words[] = {"/bin/cat", NULL};
    assert_pack_ok(open_pipe(&pipe, words, 1, &error));
    for (int i = 0; i < 3; i++) {
        usleep(350000);
        assert_pack_ok(program_pipe_write(pipe, "abc", 3, &error));
    }
    assert_pack_ok(program_pipe_end(pipe, &error));
}

static void test_a_pipe_that_is_given_up(void **state)
{
    (void)state;
    struct pack_error error = {0};
    const char *const words[] = {"/bin/cat", NULL};
    const size_t before = test_count_files("/proc/self/fd");
    struct program_pipe *pipe = NULL;
    assert_pack_ok(open_pipe(&pipe, words, 20, &error));
    assert_pack_ok(program_pipe_write(pipe, "abc", 3, &error));
    program_pipe_close(&pipe);
    assert_null(pipe);
    assert_int_equal(test_count_files("/proc/self/fd"), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs_get_and_give_bytes),
        cmocka_unit_test(test_failures_have_words),
        cmocka_unit_test(test_deadlines_are_kept),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_signals_are_as_usual),
        cmocka_unit_test(test_what_is_left_running_does_not_hold_us),
        WITH_FOLDER(test_a_group_ends_with_its_leader),
        WITH_FOLDER(test_a_program_ends_with_us),
        cmocka_unit_test(test_streams_that_were_closed),
        cmocka_unit_test(test_failures_have_the_caller_s_code),
        WITH_FOLDER(test_files_that_are_no_programs),
        WITH_FOLDER(test_a_name_is_looked_for_in_the_program_s_path),
        cmocka_unit_test(test_a_signal_ends_the_waiting),
        WITH_FOLDER(test_programs_take_what_is_fed),
        cmocka_unit_test(test_a_thread_that_feeds_may_end),
        cmocka_unit_test(test_programs_that_do_not_take_it),
        cmocka_unit_test(test_a_slow_feeder_costs_no_time),
        cmocka_unit_test(test_a_pipe_that_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
