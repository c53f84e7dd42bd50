/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <stdio.h>
#include <string.h>

/* --- file: RFC 8089 -------------------------------------------------------------------------- */

static int digit_of(char letter)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = letter != '\0' ? strchr(digits, letter) : NULL;
    return at != NULL ? (int)((at - digits) % 16) : -1;
}

/* Undoes %XX in place; false where there is something else behind a %, or a zero byte in it. */
static bool decode_percent(char *text)
{
    char *out = text;
    for (const char *at = text; *at != '\0'; at++) {
        *out = *at;
        if (*at == '%') {
            const int high = digit_of(at[1]);
            const int low = high >= 0 ? digit_of(at[2]) : -1;
            if (low < 0 || (high | low) == 0)
                return false;
            *out = (char)(high << 4 | low);
            at += 2;
        }
        out++;
    }
    *out = '\0';
    return true;
}

static int open_file(struct pack_input **input, struct cli *cli, const char *url, const char *rest,
                     struct pack_error *error)
{
    static const char host[] = "localhost";
    (void)cli;
    if (strncmp(rest, host, sizeof host - 1) == 0)
        rest += sizeof host - 1;
    CLI_AUTO_FREE char *path = strdup(rest);
    if (path == NULL)
        return pack_fail_memory(error);
    if (path[0] != '/' || !decode_percent(path)) {
        pack_fail(error, PACK_E_USAGE, "'%.256s' names no file of this machine", url);
        return pack_hint(error, "write file:///absolute/path, or the path alone");
    }
    return pack_input_open(input, path, error);
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct scheme {
    const char *name;
    /* `rest` is what follows SCHEME://. */
    int (*open)(struct pack_input **input, struct cli *cli, const char *url, const char *rest,
                struct pack_error *error);
} schemes[] = {
    {"file", open_file},
};
enum { SCHEMES = sizeof schemes / sizeof schemes[0] };

static int unknown_scheme(const char *name, size_t length, struct pack_error *error)
{
    char list[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < SCHEMES && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s://", i != 0 ? ", " : "",
                                 schemes[i].name);
    pack_fail(error, PACK_E_USAGE, "nothing is known of %.*s://, only of a file, - and %s",
              length < 32 ? (int)length : 32, name, list);
    return pack_hint(error, "pipe it: curl -fsS URL | fwpack install -");
}

int cli_source_open(struct pack_input **input, struct cli *cli, const char *name,
                    struct pack_error *error)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.";
    const size_t length = strspn(name, letters);
    if (length == 0 || strncmp(name + length, "://", 3) != 0)
        return pack_input_open(input, name, error);
    for (size_t i = 0; i < SCHEMES; i++)
        if (strlen(schemes[i].name) == length && strncasecmp(schemes[i].name, name, length) == 0)
            return schemes[i].open(input, cli, name, name + length + 3, error);
    return unknown_scheme(name, length, error);
}
