/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "pack/backend/codec.h"

#include <openssl/crypto.h>
#include <sodium.h>
#include <stdio.h>
#include <yaml.h>

static void print_library(struct cli *cli, const char *text)
{
    if (cli->verbose)
        cli_print(cli, "%s", text);
    pack_json_string(cli_json(cli), NULL, text);
}

static void print_libraries(struct cli *cli)
{
    char text[64];
    snprintf(text, sizeof text, "libsodium %s", sodium_version_string());
    print_library(cli, text);
    snprintf(text, sizeof text, "libcrypto %s", OpenSSL_version(OPENSSL_VERSION_STRING));
    print_library(cli, text);
    snprintf(text, sizeof text, "libyaml %s", yaml_get_version_string());
    print_library(cli, text);
    for (const struct pack_codec *const *codec = pack_codecs(); *codec != NULL; codec++)
        if ((*codec)->library != NULL) {
            (*codec)->library(text, sizeof text);
            print_library(cli, text);
        }
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    (void)arguments;
    (void)error;
    cli_print(cli, "fwpack %s", pack_version());
    pack_json_string(cli_json(cli), "version", pack_version());
    pack_json_array(cli_json(cli), "libraries");
    print_libraries(cli);
    pack_json_end(cli_json(cli));
    return 0;
}

const struct command command_version = {
    .name = "version",
    .summary = "print the version",
    .synopsis = "[-v]",
    .description = "Prints the version, and with -v those of the libraries in use.",
    .run = run,
};
