/* SPDX-License-Identifier: MIT */
#include "reproduce.h"

#include "descriptor_input.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What the child tells the parent, in memory that they share. */
struct outcome {
    bool told;
    int code;
    struct pack_error error;
    uint64_t difference; /* offset of the first byte that differs, or `size` */
};

/* --- in the child ---------------------------------------------------------------------------- */

static int change_surroundings(struct pack_context *context, struct pack_error *error)
{
    const unsigned jobs = pack_jobs(context);
    if (chdir("/") != 0)
        return pack_fail_errno(error, errno, "cannot change to another folder");
    setenv("TZ", "Pacific/Kiritimati", 1);
    tzset();
    if (setlocale(LC_ALL, "tr_TR.UTF-8") == NULL)
        setlocale(LC_ALL, "C.UTF-8");
    context->jobs = jobs == 1 ? 3 : 1;
    context->progress = NULL;
    context->log = NULL;
    return 0;
}

static int find_difference(int first, int second, uint64_t size, uint64_t *at,
                           struct pack_error *error)
{
    static unsigned char a[65536], b[65536];
    for (*at = 0; *at < size;) {
        const ssize_t m = pread(first, a, sizeof a, (off_t)*at);
        const ssize_t n = m >= 0 ? pread(second, b, sizeof b, (off_t)*at) : -1;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return pack_fail_errno(error, errno, "cannot read what was built");
        if (m == 0 || m != n || memcmp(a, b, (size_t)m) != 0) {
            for (ssize_t i = 0; i < m && i < n && a[i] == b[i]; i++)
                (*at)++;
            return 0;
        }
        *at += (uint64_t)m;
    }
    return 0;
}

static int build_again(const struct reproduction *again, const char *path, int first, uint64_t size,
                       uint64_t *difference, struct pack_error *error)
{
    CLI_AUTO(definitions_free) struct pack_definition *definitions = NULL;
    CLI_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    CLI_AUTO(pack_build_report_clear) struct pack_build_report report = {0};
    struct pack_descriptor_options options = {0};
    struct pack_context context = *again->cli->context;
    int code = change_surroundings(&context, error);
    if (code == 0)
        code = definitions_read(again->arguments, &definitions, &options, error);
    if (code == 0)
        code = pack_descriptor_read(&descriptor, path, &options, NULL, NULL, error);
    if (code == 0) /* never committed, so nothing is written to it */
        code = pack_output_open(&output, "-", PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code = pack_build(output, descriptor, again->options, &context, &report, error);
    if (code == 0)
        code = find_difference(first, pack_output_descriptor(output), size, difference, error);
    if (code == 0 && *difference == size && report.size != size)
        *difference = size - 1;
    return code;
}

static void child(const struct reproduction *again, const char *path, int first, uint64_t size,
                  struct outcome *outcome)
{
    outcome->code = build_again(again, path, first, size, &outcome->difference, &outcome->error);
    outcome->told = true;
    _exit(0);
}

/* --- in the parent --------------------------------------------------------------------------- */

static int wait_for(pid_t process, const struct outcome *outcome, struct pack_error *error)
{
    int status = 0;
    while (waitpid(process, &status, 0) < 0)
        if (errno != EINTR)
            return pack_fail_errno(error, errno, "cannot wait for the second build");
    if (!outcome->told)
        return pack_fail(error, PACK_E_INTERNAL, "the second build ended without a word");
    return 0;
}

static int compare_outcome(const struct outcome *outcome, uint64_t size, struct pack_error *error)
{
    if (outcome->code != 0) {
        *error = outcome->error;
        return pack_context(error, "the second build");
    }
    if (outcome->difference == size)
        return 0;
    pack_fail(error, PACK_E_DIFFERENT, "the second build differs");
    pack_at_offset(error, outcome->difference);
    return pack_hint(error, "is an input written by something that runs meanwhile?");
}

static int run_child(const struct reproduction *again, const char *path, int first, uint64_t size,
                     struct pack_error *error)
{
    struct outcome *outcome =
        mmap(NULL, sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (outcome == MAP_FAILED)
        return pack_fail_errno(error, errno, "cannot build a second time");
    const pid_t process = fork();
    if (process == 0)
        child(again, path, first, size, outcome);
    int code = process < 0 ? pack_fail_errno(error, errno, "cannot start a second build")
                           : wait_for(process, outcome, error);
    if (code == 0)
        code = compare_outcome(outcome, size, error);
    munmap(outcome, sizeof *outcome);
    return code;
}

int reproduce_compare(const struct reproduction *again, int first, uint64_t size,
                      struct pack_error *error)
{
    if (strcmp(again->descriptor, "-") == 0)
        return pack_fail(error, PACK_E_USAGE,
                         "--check reads the descriptor twice, standard input comes once");
    CLI_AUTO_FREE char *path = realpath(again->descriptor, NULL);
    if (path == NULL)
        return pack_fail_errno(error, errno, "cannot build a second time");
    return run_child(again, path, first, size, error);
}
