/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "pack/text.h"
#include "progress.h"
#include "terminal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static int nobody_to_ask(const char *question, const char *hint, struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "nobody can be asked: %.512s", question);
    return hint != NULL ? pack_hint(error, "%s", hint) : PACK_E_USAGE;
}

int cli_ask(struct cli *cli, bool *yes, const char *question, const char *hint,
            struct pack_error *error)
{
    char text[1024], prompt[1040], answer[16];
    size_t length = 0;
    if (cli->no_input)
        return nobody_to_ask(question, hint, error);
    pack_escape(text, sizeof text, question, strlen(question));
    snprintf(prompt, sizeof prompt, "%s [y/N] ", text);
    progress_pause(cli->progress);
    const int code = terminal_ask(prompt, true, answer, sizeof answer, &length, error);
    progress_resume(cli->progress);
    if (code == PACK_E_IO)
        return nobody_to_ask(question, hint, error);
    *yes = code == 0 && (strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0);
    return code == PACK_E_LIMIT ? 0 : code;
}
