/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Options whose values are files that a command reads. */
static const char *const inputs[] = {
    "key",      "passphrase-file", "pubkey",  "signature", "merge", "base",  "attestation",
    "identity", "encrypt-to",      "journal", "import",    "old",   "trust", "device"};

bool cli_same_file(const char *a, const char *b)
{
    struct stat first, second;
    return stat(a, &first) == 0 && stat(b, &second) == 0 && S_ISREG(first.st_mode) &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

/* PUB of ROLE=PUB. */
static const char *without_role(const char *value)
{
    const size_t length = strspn(value, "abcdefghijklmnopqrstuvwxyz");
    return length != 0 && value[length] == '=' ? value + length + 1 : value;
}

static bool is_value(const struct cli *cli, const char *option, const char *path)
{
    size_t count = 0;
    const struct option *known = command_option_named(cli->command, option, strlen(option));
    if (known == NULL || known->kind == OPTION_FLAG)
        return false;
    const char *const *values = arguments_values(cli->arguments, option, &count);
    for (size_t i = 0; i < count; i++)
        if (cli_same_file(values[i], path) || cli_same_file(without_role(values[i]), path))
            return true;
    return false;
}

int cli_output_check(const struct cli *cli, const char *path, struct pack_error *error)
{
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        if (is_value(cli, inputs[i], path)) {
            pack_fail(error, PACK_E_USAGE, "the output is one of the inputs (--%s)", inputs[i]);
            return pack_at_file(error, path);
        }
    return 0;
}

int cli_output_open(struct cli *cli, struct pack_output **output, const char *path, unsigned flags,
                    const struct pack_input *input, struct pack_error *error)
{
    if (cli->dry_run)
        return pack_output_open(output, "/dev/null", flags & PACK_OUTPUT_SEEKABLE, NULL, error);
    if (strcmp(path, "-") == 0 && isatty(STDOUT_FILENO)) {
        pack_fail(error, PACK_E_USAGE, "binary data is not written to a terminal");
        return pack_hint(error, "give -o FILE, or send standard output to a file or a pipe");
    }
    const int code = cli_output_check(cli, path, error);
    return code != 0 ? code : pack_output_open(output, path, flags, input, error);
}
