/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "pack/limits.h"
#include "pack/text.h"
#include "process.h"
#include "progress.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

/* The passphrase that opens a key, the one that a file gets, and the PIN of what is being sealed.
 */
struct source {
    const char *file, *descriptor; /* options; the second may be NULL */
    const char *label, *what;
};
static const struct source opening = {"passphrase-file", "passphrase-fd", "Passphrase",
                                      "passphrase"};
static const struct source sealing = {"new-passphrase-file", "new-passphrase-fd", "New passphrase",
                                      "new passphrase"};
static const struct source pin = {"pin-file", NULL, "PIN", "PIN"};

/* Where `buffer` is what pack_passphrase_fn gives. */
struct request {
    const struct cli *cli;
    const struct source *source;
    const char *what;
    bool confirm;
    char *buffer;
    size_t capacity;
    size_t *length;
};

static bool has_option(const struct command *command, const char *name)
{
    return command_option_named(command, name, strlen(name)) != NULL;
}

/* Whether the command would do without this passphrase. */
static bool may_go_without(const struct request *request)
{
    const struct command *command = request->cli->command;
    return has_option(command, "no-passphrase") &&
           (request->source == &sealing || !has_option(command, sealing.file));
}

static int none_given(const struct request *request, const char *why, struct pack_error *error)
{
    const struct source *source = request->source;
    pack_fail(error, PACK_E_PASSPHRASE, "no %s, and %s", source->what, why);
    if (source->descriptor == NULL)
        return pack_hint(error, "give --%s", source->file);
    return pack_hint(error, "give --%s or --%s%s", source->file, source->descriptor,
                     may_go_without(request) ? ", or --no-passphrase" : "");
}

/* --- from a file or descriptor --------------------------------------------------------------- */

/* All of the file but one line end at its end. Read without stdio, whose buffers are not wiped. */
static int read_all(int file, const struct request *request, struct pack_error *error)
{
    size_t used = 0;
    for (;;) {
        const ssize_t got = read(file, request->buffer + used, request->capacity - used);
        if (got < 0 && process_interrupted())
            return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
        if (got < 0 && errno != EINTR)
            return pack_fail_errno(error, errno, "cannot read the passphrase");
        if (got == 0)
            break;
        used += got > 0 ? (size_t)got : 0;
        if (used == request->capacity)
            return pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is longer than %zu bytes",
                             request->capacity - 1);
    }
    if (used > 0 && request->buffer[used - 1] == '\n')
        used -= used > 1 && request->buffer[used - 2] == '\r' ? 2 : 1;
    request->buffer[used] = '\0';
    *request->length = used;
    return 0;
}

static int check(const struct request *request, struct pack_error *error)
{
    if (*request->length == 0)
        return pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is empty");
    if (strlen(request->buffer) != *request->length || strchr(request->buffer, '\n') != NULL)
        return pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is not one line of text");
    return 0;
}

static int from_file(const char *path, const struct request *request, struct pack_error *error)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        pack_fail_errno(error, errno, "cannot open the passphrase file");
        return pack_at_file(error, path);
    }
    int code = read_all(file, request, error);
    close(file);
    if (code == 0)
        code = check(request, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* One line for each key that asks, so that a descriptor can serve several. */
static int from_descriptor(int descriptor, const struct request *request, struct pack_error *error)
{
    bool ended = false;
    int code = terminal_read_line(descriptor, request->buffer, request->capacity, request->length,
                                  &ended, error);
    if (code == 0 && *request->length > 0 && request->buffer[*request->length - 1] == '\r')
        request->buffer[--*request->length] = '\0';
    if (code == 0)
        code = check(request, error);
    return code != 0 ? pack_context(error, "descriptor %d", descriptor) : 0;
}

/* --- from the terminal ----------------------------------------------------------------------- */

static int prompt(const char *label, const struct request *request, char *buffer, size_t *length,
                  struct pack_error *error)
{
    char what[256], text[320];
    pack_escape(what, sizeof what, request->what, strlen(request->what));
    if (strncmp(what, "PIN ", 4) == 0) /* which says itself what is wanted */
        snprintf(text, sizeof text, "%s: ", what);
    else
        snprintf(text, sizeof text, "%s for %s: ", label, what);
    const int code = terminal_ask(text, false, buffer, request->capacity, length, error);
    return code == PACK_E_IO ? none_given(request, "no terminal to ask on", error) : code;
}

/* The second answer lies in guarded memory too. */
static int again(const struct request *request, bool *same, struct pack_error *error)
{
    char *second = sodium_malloc(request->capacity);
    size_t length = 0;
    if (second == NULL)
        return pack_fail_memory(error);
    const int code = prompt("The same again", request, second, &length, error);
    *same = code == 0 && length == *request->length &&
            sodium_memcmp(second, request->buffer, length) == 0;
    sodium_free(second);
    return code;
}

static int from_terminal(const struct request *request, struct pack_error *error)
{
    bool same = false;
    int code = prompt(request->source->label, request, request->buffer, request->length, error);
    if (code == 0)
        code = check(request, error);
    if (code != 0 || !request->confirm)
        return code;
    code = again(request, &same, error);
    if (code == 0 && !same)
        code = pack_fail(error, PACK_E_PASSPHRASE, "the two passphrases differ");
    return code;
}

/* --- all ------------------------------------------------------------------------------------- */

static int ask(const struct request *request, struct cli *cli, struct pack_error *error)
{
    const struct source *source = request->source;
    const char *file = arguments_value(cli->arguments, source->file);
    uint64_t descriptor = 0;
    if (source->descriptor != NULL &&
        arguments_number(cli->arguments, source->descriptor, &descriptor)) {
        if (file != NULL && !arguments_from_variable(cli->arguments, source->file))
            return pack_fail(error, PACK_E_USAGE, "--%s and --%s exclude each other", source->file,
                             source->descriptor);
        return from_descriptor((int)descriptor, request, error);
    }
    if (file != NULL)
        return from_file(file, request, error);
    if (cli->no_input)
        return none_given(request, "nothing may be asked (CI or --no-input)", error);
    progress_pause(cli->progress);
    const int code = from_terminal(request, error);
    progress_resume(cli->progress);
    return code;
}

/* Each is a pack_passphrase_fn whose user is the cli. */
static int ask_opening(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                       size_t *length, struct pack_error *error)
{
    const struct request request = {user, &opening, what, confirm, buffer, capacity, length};
    return ask(&request, user, error);
}

static int ask_sealing(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                       size_t *length, struct pack_error *error)
{
    const struct request request = {user, &sealing, what, confirm, buffer, capacity, length};
    return ask(&request, user, error);
}

static int ask_pin(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                   size_t *length, struct pack_error *error)
{
    const struct request request = {user, &pin, what, confirm, buffer, capacity, length};
    return ask(&request, user, error);
}

struct pack_passphrase cli_passphrase(struct cli *cli)
{
    return (struct pack_passphrase){.ask = ask_opening, .user = cli};
}

struct pack_passphrase cli_new_passphrase(struct cli *cli)
{
    return (struct pack_passphrase){.ask = ask_sealing, .user = cli};
}

struct pack_passphrase cli_pin(struct cli *cli)
{
    return (struct pack_passphrase){.ask = ask_pin, .user = cli};
}
