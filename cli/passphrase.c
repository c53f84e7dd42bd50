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

/* Where `buffer` is what pack_passphrase_fn gives. */
struct request {
    const struct cli *cli;
    const char *what;
    bool confirm;
    char *buffer;
    size_t capacity;
    size_t *length;
};

static int none_given(const struct request *request, const char *why, struct pack_error *error)
{
    static const char without[] = "no-passphrase";
    const bool may_go_without =
        command_option_named(request->cli->command, without, sizeof without - 1) != NULL;
    pack_fail(error, PACK_E_PASSPHRASE, "%s", why);
    return pack_hint(error, "give --passphrase-file or --passphrase-fd%s",
                     may_go_without ? ", or --no-passphrase" : "");
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
    snprintf(text, sizeof text, "%s for %s: ", label, what);
    const int code = terminal_ask(text, false, buffer, request->capacity, length, error);
    return code == PACK_E_IO
               ? none_given(request, "no passphrase, and no terminal to ask on", error)
               : code;
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
    int code = prompt("Passphrase", request, request->buffer, request->length, error);
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

/* A pack_passphrase_fn whose user is the cli. */
static int ask(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
               size_t *length, struct pack_error *error)
{
    struct cli *cli = user;
    const struct request request = {cli, what, confirm, buffer, capacity, length};
    const char *file = arguments_value(cli->arguments, "passphrase-file");
    uint64_t descriptor = 0;
    if (arguments_number(cli->arguments, "passphrase-fd", &descriptor)) {
        if (file != NULL && !arguments_from_variable(cli->arguments, "passphrase-file"))
            return pack_fail(error, PACK_E_USAGE,
                             "--passphrase-file and --passphrase-fd exclude each other");
        return from_descriptor((int)descriptor, &request, error);
    }
    if (file != NULL)
        return from_file(file, &request, error);
    if (cli->no_input)
        return none_given(&request, "no passphrase, and nothing may be asked (CI or --no-input)",
                          error);
    progress_pause(cli->progress);
    const int code = from_terminal(&request, error);
    progress_resume(cli->progress);
    return code;
}

struct pack_passphrase cli_passphrase(struct cli *cli)
{
    return (struct pack_passphrase){.ask = ask, .user = cli};
}

/* The same for the PIN of what is being sealed: the passphrase's options are its key's. */
static int ask_pin(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                   size_t *length, struct pack_error *error)
{
    struct cli *cli = user;
    const struct request request = {cli, what, confirm, buffer, capacity, length};
    const char *file = arguments_value(cli->arguments, "pin-file");
    if (file != NULL)
        return from_file(file, &request, error);
    if (cli->no_input) {
        pack_fail(error, PACK_E_PASSPHRASE, "no PIN, and nothing may be asked (CI or --no-input)");
        return pack_hint(error, "give --pin-file");
    }
    return from_terminal(&request, error);
}

struct pack_passphrase cli_pin(struct cli *cli)
{
    return (struct pack_passphrase){.ask = ask_pin, .user = cli};
}
