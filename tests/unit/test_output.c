/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "base/memory.h"
#include "io/file.h"
#include "pack/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- file systems that can less -------------------------------------------------------------- */

/* What the calls below refuse, as FAT and some network file systems do. */
static struct {
    bool unnamed_files, links, moves;
} lacks;

/* These stand before those of the C library. */
int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (lacks.unnamed_files && (flags & O_TMPFILE) == O_TMPFILE) {
        errno = EOPNOTSUPP;
        return -1;
    }
    return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    if (lacks.links) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    if (lacks.moves) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
}

/* Each test runs on all of them. */
static void on_each_system(void **state, void (*test)(const char *folder))
{
    static const __typeof__(lacks) systems[] = {{0},
                                                {.unnamed_files = true},
                                                {.unnamed_files = true, .links = true},
                                                {.unnamed_files = true, .moves = true}};
    for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++) {
        PACK_AUTO_FREE char *folder = test_path(*state, "system-X");
        folder[strlen(folder) - 1] = (char)('0' + i);
        assert_int_equal(mkdir(folder, 0700), 0);
        lacks = systems[i];
        test(folder);
        lacks = systems[0];
    }
}

/* --- helpers --------------------------------------------------------------------------------- */

static void expect_text(const char *path, const char *text)
{
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(bytes, text, size);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static struct pack_output *open_output(const char *path, unsigned flags)
{
    struct pack_error error = {0};
    struct pack_output *output = NULL;
    assert_pack_ok(pack_output_open(&output, path, flags, NULL, &error));
    return output;
}

static struct pack_output *open_with(const char *path, unsigned flags, const char *text)
{
    struct pack_error error = {0};
    struct pack_output *output = open_output(path, flags);
    assert_pack_ok(pack_sink_write(pack_output_sink(output), text, strlen(text), &error));
    return output;
}

static void refuses(const char *path, unsigned flags, enum pack_code code, const char *words)
{
    struct pack_error error = {0};
    struct pack_output *output = NULL;
    assert_pack_fails(pack_output_open(&output, path, flags, NULL, &error), code);
    assert_pack_says(words);
    assert_string_equal(error.file, path);
    assert_null(output);
}

static void refuses_commit(struct pack_output **output, enum pack_code code)
{
    struct pack_error error = {0};
    assert_pack_fails(pack_output_commit(output, &error), code);
    assert_null(*output);
}

/* --- whole or not at all --------------------------------------------------------------------- */

static void check_new(const char *folder)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(folder, "new");
    struct pack_output *output = open_with(path, PACK_OUTPUT_DEFAULT, "hello");
    assert_int_not_equal(access(path, F_OK), 0);
    assert_pack_ok(pack_output_commit(&output, &error));
    assert_null(output);
    expect_text(path, "hello");
    assert_int_equal(test_count_files(folder), 1);
}

static void a_new_file_appears_at_commit(void **state)
{
    on_each_system(state, check_new);
}

static void check_replaced(const char *folder)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(folder, "old");
    test_write_text(path, "before");
    assert_int_equal(chmod(path, 0640), 0);
    struct pack_output *output = open_with(path, PACK_OUTPUT_DEFAULT, "after");
    expect_text(path, "before");
    assert_pack_ok(pack_output_commit(&output, &error));
    expect_text(path, "after");
    assert_int_equal(mode_of(path), 0640);
    assert_int_equal(test_count_files(folder), 1);
}

static void a_file_is_replaced_with_its_mode(void **state)
{
    on_each_system(state, check_replaced);
}

static void check_discarded(const char *folder)
{
    PACK_AUTO_FREE char *fresh = test_path(folder, "new");
    PACK_AUTO_FREE char *old = test_path(folder, "old");
    test_write_text(old, "before");
    struct pack_output *outputs[] = {open_with(fresh, PACK_OUTPUT_DEFAULT, "x"),
                                     open_with(old, PACK_OUTPUT_DEFAULT, "y"),
                                     open_with(fresh, PACK_OUTPUT_NEW | PACK_OUTPUT_PRIVATE, "z")};
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        pack_output_discard(&outputs[i]);
        assert_null(outputs[i]);
        pack_output_discard(&outputs[i]);
    }
    expect_text(old, "before");
    assert_int_equal(test_count_files(folder), 1);
}

static void discarding_leaves_nothing(void **state)
{
    on_each_system(state, check_discarded);
}

static void check_two(const char *folder)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(folder, "both");
    struct pack_output *first = open_with(path, PACK_OUTPUT_DEFAULT, "first");
    struct pack_output *second = open_with(path, PACK_OUTPUT_DEFAULT, "second");
    assert_pack_ok(pack_output_commit(&first, &error));
    expect_text(path, "first");
    assert_pack_ok(pack_output_commit(&second, &error));
    expect_text(path, "second");
    assert_int_equal(test_count_files(folder), 1);
}

static void two_at_once_do_not_mix(void **state)
{
    on_each_system(state, check_two);
}

static void check_blocked(const char *folder)
{
    PACK_AUTO_FREE char *path = test_path(folder, "name");
    struct pack_output *output = open_with(path, PACK_OUTPUT_DEFAULT, "text");
    assert_int_equal(mkdir(path, 0700), 0);
    struct pack_error error = {0};
    assert_int_not_equal(pack_output_commit(&output, &error), 0);
    assert_string_equal(error.file, path);
    assert_int_equal(test_count_files(folder), 1);
    assert_int_equal(test_count_files(path), 0);
}

static void a_folder_that_came_meanwhile_stays(void **state)
{
    on_each_system(state, check_blocked);
}

static void a_name_may_be_as_long_as_the_system_allows(void **state)
{
    struct pack_error error = {0};
    char name[256];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    PACK_AUTO_FREE char *path = test_path(*state, name);
    for (int named = 0; named < 2; named++) {
        lacks.unnamed_files = named != 0;
        assert_pack_ok(pack_write_file(path, PACK_OUTPUT_DEFAULT, "text", 4, &error));
        lacks.unnamed_files = false;
        expect_text(path, "text");
    }
    assert_int_equal(unlink(path), 0);
}

/* --- what a killed process left -------------------------------------------------------------- */

/* The name of the only file of a folder. */
static char *only_name(const char *folder)
{
    char *found = NULL;
    DIR *directory = opendir(folder);
    assert_non_null(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2) {
            assert_null(found);
            found = test_path(folder, entry->d_name);
        }
    assert_int_equal(closedir(directory), 0);
    assert_non_null(found);
    return found;
}

/* The name that a file in the making gets where it needs one. */
static char *name_in_the_making(const char *folder, const char *path)
{
    lacks.unnamed_files = true;
    struct pack_output *output = open_output(path, PACK_OUTPUT_DEFAULT);
    lacks.unnamed_files = false;
    char *name = only_name(folder);
    pack_output_discard(&output);
    assert_int_equal(test_count_files(folder), 0);
    return name;
}

/* A111 */
static void what_a_killed_process_left_is_removed(void **state)
{
    for (int named = 0; named < 2; named++) {
        struct pack_error error = {0};
        PACK_AUTO_FREE char *folder = test_path(*state, named ? "killed-1" : "killed-0");
        PACK_AUTO_FREE char *path = test_path(folder, "bundle.fwb");
        assert_int_equal(mkdir(folder, 0700), 0);
        PACK_AUTO_FREE char *left = name_in_the_making(folder, path);
        test_write_text(path, "old");
        test_write_text(left, "half of a bun");
        lacks.unnamed_files = named != 0;
        assert_pack_ok(pack_write_file(path, PACK_OUTPUT_DEFAULT, "new", 3, &error));
        lacks.unnamed_files = false;
        expect_text(path, "new");
        assert_int_equal(test_count_files(folder), 1);
    }
}

static void what_another_process_makes_is_left_alone(void **state)
{
    for (int named = 0; named < 2; named++) {
        struct pack_error error = {0};
        PACK_AUTO_FREE char *folder = test_path(*state, named ? "busy-1" : "busy-0");
        PACK_AUTO_FREE char *path = test_path(folder, "bundle.fwb");
        assert_int_equal(mkdir(folder, 0700), 0);
        PACK_AUTO_FREE char *other = name_in_the_making(folder, path);
        test_write_text(path, "old");
        test_write_text(other, "in the making");
        PACK_AUTO_CLOSE int held = open(other, O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(held, LOCK_EX), 0);
        lacks.unnamed_files = named != 0;
        assert_pack_ok(pack_write_file(path, PACK_OUTPUT_DEFAULT, "new", 3, &error));
        lacks.unnamed_files = false;
        expect_text(path, "new");
        expect_text(other, "in the making");
        assert_int_equal(test_count_files(folder), 2);
    }
}

/* A folder of that name cannot be taken away, and a link is not followed. */
static void strange_things_of_that_name_are_left_alone(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *folder = test_path(*state, "strange");
    PACK_AUTO_FREE char *path = test_path(folder, "bundle.fwb");
    PACK_AUTO_FREE char *victim = test_path(*state, "victim");
    assert_int_equal(mkdir(folder, 0700), 0);
    test_write_text(victim, "precious");
    PACK_AUTO_FREE char *name = name_in_the_making(folder, path);
    for (int linked = 0; linked < 2; linked++) {
        assert_int_equal(linked ? symlink(victim, name) : mkdir(name, 0700), 0);
        lacks.unnamed_files = true;
        assert_pack_ok(pack_write_file(path, PACK_OUTPUT_DEFAULT, "new", 3, &error));
        lacks.unnamed_files = false;
        expect_text(path, "new");
        assert_int_equal(test_count_files(folder), 2);
        assert_int_equal(remove(name), 0);
    }
    expect_text(victim, "precious");
}

/* --- PACK_OUTPUT_NEW and _PRIVATE ------------------------------------------------------------ */

static void check_never_over(const char *folder)
{
    PACK_AUTO_FREE char *path = test_path(folder, "key");
    struct pack_output *output = open_with(path, PACK_OUTPUT_NEW, "mine");
    test_write_text(path, "theirs");
    refuses_commit(&output, PACK_E_EXISTS);
    expect_text(path, "theirs");
    refuses(path, PACK_OUTPUT_NEW, PACK_E_EXISTS, "never overwritten");
    assert_int_equal(test_count_files(folder), 1);
}

static void a_new_file_is_never_put_over_another(void **state)
{
    on_each_system(state, check_never_over);
}

static void check_private(const char *folder)
{
    static const mode_t masks[] = {0, 0022, 0777};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        struct pack_error error = {0};
        struct stat status;
        PACK_AUTO_FREE char *path = test_path(folder, "key");
        const mode_t before = umask(masks[i]);
        struct pack_output *output = open_output(path, PACK_OUTPUT_NEW | PACK_OUTPUT_PRIVATE);
        assert_int_equal(fstat(pack_output_descriptor(output), &status), 0);
        assert_int_equal(status.st_mode & 07777, 0600);
        const int code = pack_output_commit(&output, &error);
        umask(before);
        assert_pack_ok(code);
        assert_int_equal(mode_of(path), 0600);
        assert_int_equal(unlink(path), 0);
    }
}

/* A136 */
static void a_private_file_is_private_from_the_start(void **state)
{
    on_each_system(state, check_private);
}

static void others_follow_the_umask(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "masked");
    const mode_t before = umask(0027);
    const int code = pack_write_file(path, PACK_OUTPUT_DEFAULT, "x", 1, &error);
    umask(before);
    assert_pack_ok(code);
    assert_int_equal(mode_of(path), 0640);
}

/* --- what is refused ------------------------------------------------------------------------- */

static void links_are_refused(void **state)
{
    PACK_AUTO_FREE char *target = test_path(*state, "target");
    PACK_AUTO_FREE char *link = test_path(*state, "link");
    assert_int_equal(symlink(target, link), 0);
    refuses(link, PACK_OUTPUT_DEFAULT, PACK_E_USAGE, "symbolic link");
    assert_int_not_equal(access(target, F_OK), 0);
    test_write_text(target, "text");
    refuses(link, PACK_OUTPUT_DEFAULT, PACK_E_USAGE, "symbolic link");
    refuses(link, PACK_OUTPUT_NEW, PACK_E_USAGE, "symbolic link");
    expect_text(target, "text");
}

static void folders_are_refused(void **state)
{
    PACK_AUTO_FREE char *missing = test_path(*state, "no/such/folder");
    PACK_AUTO_FREE char *file = test_path(*state, "file");
    PACK_AUTO_FREE char *below = test_path(file, "name");
    test_write_text(file, "text");
    refuses(*state, PACK_OUTPUT_DEFAULT, PACK_E_USAGE, "is a folder");
    refuses(missing, PACK_OUTPUT_DEFAULT, PACK_E_NOT_FOUND, "No such file");
    refuses(below, PACK_OUTPUT_DEFAULT, PACK_E_NOT_FOUND, "Not a directory");
    refuses("", PACK_OUTPUT_DEFAULT, PACK_E_USAGE, "empty");
}

/* Who may do everything is not refused: a child that is nobody tries. */
static void a_read_only_file_is_refused(void **state)
{
    enum { NOBODY = 65534 };
    int status = 0;
    PACK_AUTO_FREE char *path = test_path(*state, "read-only");
    test_write_text(path, "text");
    assert_int_equal(chmod(path, 0444), 0);
    assert_int_equal(chmod(*state, 0777), 0);
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        struct pack_error error = {0};
        struct pack_output *output = NULL;
        const bool is_nobody = geteuid() != 0 || setuid(NOBODY) == 0;
        const int code = pack_output_open(&output, path, PACK_OUTPUT_DEFAULT, NULL, &error);
        _exit(is_nobody && code == PACK_E_PERMISSION &&
                      strstr(error.text, "write-protected") != NULL
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    expect_text(path, "text");
}

static void the_input_is_refused(void **state)
{
    struct pack_error error = {0};
    struct pack_output *output = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO_FREE char *path = test_path(*state, "input");
    PACK_AUTO_FREE char *other = test_path(*state, "other-name");
    test_write_text(path, "text");
    assert_int_equal(link(path, other), 0);
    assert_pack_ok(pack_input_open(&input, path, &error));
    assert_pack_fails(pack_output_open(&output, path, 0, input, &error), PACK_E_USAGE);
    assert_pack_fails(pack_output_open(&output, other, 0, input, &error), PACK_E_USAGE);
    assert_pack_says("is the input itself");
    assert_int_equal(unlink(other), 0);
    assert_pack_ok(pack_output_open(&output, other, 0, input, &error));
    pack_output_discard(&output);
}

/* --- devices, pipes, standard output --------------------------------------------------------- */

static void a_device_is_written_to(void **state)
{
    struct pack_error error = {0};
    struct stat status;
    PACK_AUTO_FREE char *link = test_path(*state, "null");
    assert_int_equal(symlink("/dev/null", link), 0);
    const char *const paths[] = {"/dev/null", link};
    for (size_t i = 0; i < 2; i++) {
        assert_pack_ok(pack_write_file(paths[i], PACK_OUTPUT_DEFAULT, "text", 4, &error));
        assert_pack_ok(pack_write_file(paths[i], PACK_OUTPUT_SEEKABLE, "text", 4, &error));
    }
    assert_int_equal(stat("/dev/null", &status), 0);
    assert_true(S_ISCHR(status.st_mode));
}

/* A138 */
static void a_full_device_is_noticed(void **state)
{
    (void)state;
    struct pack_error error = {0};
    for (unsigned flags = 0; flags <= PACK_OUTPUT_SEEKABLE; flags += PACK_OUTPUT_SEEKABLE) {
        assert_pack_fails(pack_write_file("/dev/full", flags, "text", 4, &error), PACK_E_NO_SPACE);
        assert_string_equal(error.file, "/dev/full");
    }
}

/* A named pipe whose other end is open. */
static int make_pipe(const char *path)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    const int descriptor = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
    assert_true(descriptor >= 0);
    return descriptor;
}

static void expect_piped(int descriptor, const char *text)
{
    char bytes[64] = "";
    assert_int_equal(read(descriptor, bytes, sizeof bytes - 1), (ssize_t)strlen(text));
    assert_string_equal(bytes, text);
}

static void a_pipe_is_written_to(void **state)
{
    struct pack_error error = {0};
    struct stat status;
    PACK_AUTO_FREE char *path = test_path(*state, "pipe");
    PACK_AUTO_CLOSE int descriptor = make_pipe(path);
    struct pack_output *output = open_with(path, PACK_OUTPUT_DEFAULT, "flows");
    expect_piped(descriptor, "flows");
    assert_pack_ok(pack_output_commit(&output, &error));
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
}

static void what_seeks_is_staged_before_a_pipe(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "staged");
    PACK_AUTO_CLOSE int descriptor = make_pipe(path);
    char bytes[8];
    for (int kept = 0; kept < 2; kept++) {
        struct pack_output *output = open_output(path, PACK_OUTPUT_SEEKABLE);
        assert_pack_ok(pack_output_write_at(output, 4, "back", 4, &error));
        assert_pack_ok(pack_output_write_at(output, 0, "from", 4, &error));
        assert_int_equal(read(descriptor, bytes, sizeof bytes), -1);
        if (kept == 0)
            pack_output_discard(&output);
        else
            assert_pack_ok(pack_output_commit(&output, &error));
    }
    expect_piped(descriptor, "fromback");
    assert_int_equal(unlink(path), 0);
}

/* Sends what a function writes to standard output into a pipe. */
static void standard_output_is_written_to(void **state)
{
    (void)state;
    struct pack_error error = {0};
    int ends[2];
    fflush(stdout);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const int before = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    const int codes[] = {pack_write_file("-", PACK_OUTPUT_DEFAULT, "one ", 4, &error),
                         pack_write_file("-", PACK_OUTPUT_SEEKABLE, "two", 3, &error)};
    dup2(before, STDOUT_FILENO);
    close(before);
    assert_pack_ok(codes[0]);
    assert_pack_ok(codes[1]);
    expect_piped(ends[0], "one two");
    close(ends[0]);
    close(ends[1]);
}

/* --- several at once ------------------------------------------------------------------------- */

static void check_all(const char *folder)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *one = test_path(folder, "one");
    PACK_AUTO_FREE char *two = test_path(folder, "two");
    struct pack_output *outputs[] = {open_with(one, PACK_OUTPUT_DEFAULT, "1"),
                                     open_with("/dev/null", PACK_OUTPUT_DEFAULT, "0"),
                                     open_with(two, PACK_OUTPUT_NEW, "2")};
    assert_pack_ok(pack_output_commit_all(outputs, 3, &error));
    expect_text(one, "1");
    expect_text(two, "2");
    assert_int_equal(test_count_files(folder), 2);
    for (size_t i = 0; i < 3; i++)
        assert_null(outputs[i]);
}

static void several_get_their_names_together(void **state)
{
    on_each_system(state, check_all);
}

static void check_none(const char *folder)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *one = test_path(folder, "one");
    PACK_AUTO_FREE char *two = test_path(folder, "two");
    PACK_AUTO_FREE char *three = test_path(folder, "three");
    struct pack_output *outputs[] = {open_with(one, PACK_OUTPUT_DEFAULT, "1"),
                                     open_with(two, PACK_OUTPUT_NEW, "2"),
                                     open_with(three, PACK_OUTPUT_DEFAULT, "3")};
    test_write_text(two, "came before");
    assert_pack_fails(pack_output_commit_all(outputs, 3, &error), PACK_E_EXISTS);
    assert_string_equal(error.file, two);
    expect_text(two, "came before");
    assert_int_equal(test_count_files(folder), 1);
}

static void or_none_of_them_does(void **state)
{
    on_each_system(state, check_none);
}

/* --- scratch files --------------------------------------------------------------------------- */

static void check_scratch(const char *folder)
{
    struct pack_error error = {0};
    PACK_AUTO_CLOSE int descriptor = -1;
    char bytes[4];
    assert_pack_ok(pack_scratch_open(&descriptor, folder, &error));
    assert_int_equal(pwrite(descriptor, "text", 4, 100), 4);
    assert_int_equal(pread(descriptor, bytes, 4, 100), 4);
    assert_int_equal(test_count_files(folder), 0);
}

static void a_scratch_file_has_no_name(void **state)
{
    on_each_system(state, check_scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)
        TEST(a_new_file_appears_at_commit),
        TEST(a_file_is_replaced_with_its_mode),
        TEST(discarding_leaves_nothing),
        TEST(two_at_once_do_not_mix),
        TEST(a_folder_that_came_meanwhile_stays),
        TEST(a_name_may_be_as_long_as_the_system_allows),
        TEST(what_a_killed_process_left_is_removed),
        TEST(what_another_process_makes_is_left_alone),
        TEST(strange_things_of_that_name_are_left_alone),
        TEST(a_new_file_is_never_put_over_another),
        TEST(a_private_file_is_private_from_the_start),
        TEST(others_follow_the_umask),
        TEST(links_are_refused),
        TEST(folders_are_refused),
        TEST(a_read_only_file_is_refused),
        TEST(the_input_is_refused),
        TEST(a_device_is_written_to),
        TEST(a_full_device_is_noticed),
        TEST(a_pipe_is_written_to),
        TEST(what_seeks_is_staged_before_a_pipe),
        TEST(standard_output_is_written_to),
        TEST(several_get_their_names_together),
        TEST(or_none_of_them_does),
        TEST(a_scratch_file_has_no_name),
    };
    return cmocka_run_group_tests_name("output", tests, NULL, NULL);
}
