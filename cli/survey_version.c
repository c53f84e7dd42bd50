/* SPDX-License-Identifier: MIT */
#include "survey.h"

#include "pack/version.h"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* "v1.2" → "1.2.0"; false when it is no version even so. */
static bool complete_version(char *version, size_t capacity, const char *text)
{
    static const char *const endings[] = {"", ".0", ".0.0"};
    struct pack_error error = {0};
    text += *text == 'v' || *text == 'V';
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const int size = snprintf(version, capacity, "%s%s", text, endings[i]);
        if (size > 0 && (size_t)size < capacity && pack_version_check(version, &error) == 0)
            return true;
    }
    return false;
}

/* --- a VERSION file -------------------------------------------------------------------------- */

static bool from_file(struct survey *survey)
{
    char path[PATH_MAX];
    CLI_AUTO_FREE void *bytes = NULL;
    struct pack_error error = {0};
    struct stat status;
    size_t size = 0;
    const int length = snprintf(path, sizeof path, "%s/VERSION", survey->folder);
    if (length < 0 || (size_t)length >= sizeof path || stat(path, &status) != 0 ||
        !S_ISREG(status.st_mode) || pack_read_file(&bytes, &size, path, 4096, &error) != 0)
        return false;
    char *line = bytes;
    line += strspn(line, " \t\r\n");
    line[strcspn(line, " \t\r\n")] = '\0';
    if (!complete_version(survey->version, sizeof survey->version, line))
        return false;
    snprintf(survey->version_from, sizeof survey->version_from, "file VERSION");
    return true;
}

/* --- a git tag ------------------------------------------------------------------------------- */

/* Whether the folder, or one above it, is a git checkout; git itself costs more to ask. */
static bool in_checkout(const char *folder)
{
    char path[PATH_MAX + sizeof "/.git"];
    if (realpath(folder, path) == NULL)
        return false;
    for (char *end = path + strlen(path); end != NULL; end = strrchr(path, '/')) {
        memcpy(end, "/.git", sizeof "/.git");
        if (access(path, F_OK) == 0)
            return true;
        *end = '\0';
    }
    return false;
}

/* Everything that the child writes, cut where it is too long. */
static void read_answer(int descriptor, char *answer, size_t capacity)
{
    size_t used = 0;
    for (ssize_t got = 1; got > 0 && used + 1 < capacity; used += (size_t)(got > 0 ? got : 0))
        got = read(descriptor, answer + used, capacity - 1 - used);
    answer[used] = '\0';
    answer[strcspn(answer, "\n")] = '\0';
}

static bool spawn_git(const char *folder, int output, pid_t *child)
{
    /* posix_spawnp takes char *const[] and changes none of them */
    const char *const arguments[] = {"git",    "-C",      folder,        "describe",
                                     "--tags", "--long",  "--abbrev=12", "--match",
                                     "[0-9]*", "--match", "v[0-9]*",     NULL};
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    const bool spawned =
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) == 0 &&
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) == 0 &&
        posix_spawnp(child, "git", &actions, NULL, (char *const *)(uintptr_t)arguments, environ) ==
            0;
    posix_spawn_file_actions_destroy(&actions);
    return spawned;
}

/* "v1.2.0-4-g0123456789ab", or nothing. */
static bool describe(const char *folder, char *answer, size_t capacity)
{
    int ends[2], status = 0;
    pid_t child = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    const bool spawned = spawn_git(folder, ends[1], &child);
    close(ends[1]);
    if (spawned) {
        read_answer(ends[0], answer, capacity);
        while (waitpid(child, &status, 0) < 0)
            ;
    }
    close(ends[0]);
    return spawned && WIFEXITED(status) && WEXITSTATUS(status) == 0 && answer[0] != '\0';
}

/* Cuts "-4-g0123456789ab" off, and gives its 4. */
static bool split_description(char *text, uint64_t *commits)
{
    char *hash = strrchr(text, '-');
    if (hash == NULL || hash[1] != 'g')
        return false;
    *hash = '\0';
    char *count = strrchr(text, '-');
    if (count == NULL || !number_parse(count + 1, false, commits))
        return false;
    *count = '\0';
    return true;
}

/* What comes after a tag is newer than it, and older than the next: 1.2.0 + 4 is 1.2.1-dev.4. */
static bool version_after(char *version, size_t capacity, const char *tag, uint64_t commits)
{
    char copy[PACK_MAX_VERSION + 1];
    struct pack_error error = {0};
    uint64_t patch = 0;
    snprintf(copy, sizeof copy, "%s", tag);
    copy[strcspn(copy, "+")] = '\0';
    char *dot = strrchr(copy, '.');
    if (strchr(copy, '-') != NULL) {
        snprintf(version, capacity, "%s.%llu", copy, (unsigned long long)commits);
    } else if (dot != NULL && number_parse(dot + 1, false, &patch) && patch < UINT64_MAX) {
        *dot = '\0';
        snprintf(version, capacity, "%s.%llu-dev.%llu", copy, (unsigned long long)patch + 1,
                 (unsigned long long)commits);
    }
    return pack_version_check(version, &error) == 0;
}

static bool from_git(struct survey *survey)
{
    char answer[PACK_MAX_VERSION + 64] = "", tag[PACK_MAX_VERSION + 1];
    uint64_t commits = 0;
    if (!in_checkout(survey->folder) || !describe(survey->folder, answer, sizeof answer) ||
        !split_description(answer, &commits) || !complete_version(tag, sizeof tag, answer))
        return false;
    if (commits == 0) {
        snprintf(survey->version, sizeof survey->version, "%s", tag);
        snprintf(survey->version_from, sizeof survey->version_from, "git tag %.255s", answer);
        return true;
    }
    snprintf(survey->version_from, sizeof survey->version_from, "git, %llu %s after tag %.200s",
             (unsigned long long)commits, commits == 1 ? "commit" : "commits", answer);
    return version_after(survey->version, sizeof survey->version, tag, commits);
}

void survey_version(struct survey *survey)
{
    if (from_file(survey) || from_git(survey))
        return;
    snprintf(survey->version, sizeof survey->version, "0.1.0");
    survey->version_from[0] = '\0';
}
