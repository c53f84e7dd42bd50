/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "decrypt_file.h"
#include "recrypt.h"

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    if (is_age_file(arguments_at(arguments, 0), arguments))
        return decrypt_file(cli, arguments, error);
    return recrypt_bundle(cli, arguments, false, error);
}

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_decrypt = {
    .name = "decrypt",
    .summary = "take the encryption off the images of a bundle",
    .synopsis = "BUNDLE --identity KEY... (-p [ROLE=]PUB... | -t ROOT) -k KEY... [-o OUT]\n"
                "FILE --identity KEY... -o OUT",
    .description =
        "Writes an encrypted bundle once more with its payloads as they were before: the opposite "
        "of encrypt. release.json and its signatures stay byte for byte; delivery.json is made "
        "anew, with the next revision, and signed with -k. In place by default.\n\n"
        "An identity is a file of AGE-SECRET-KEY-1... lines, env:NAME or fd:N. What is encrypted "
        "to "
        "a passphrase asks for it. Where none opens a payload the exit status is 4, and nothing is "
        "written. The bundle is verified before anything of it is read. To get at an image "
        "nothing need be decrypted before: extract takes --identity too.\n\n"
        "An age file that is in no bundle, armored or not, is decrypted to OUT. Nobody signed it.",
    .examples = "fwpack decrypt acme-1.2.3.fwb --identity device.age -p release.pub \\\n"
                "    -k release.key -o acme-1.2.3-plain.fwb\n",
    .positionals = positionals,
    .groups = RECRYPT_GROUPS,
    .exits = RECRYPT_EXITS,
    .run = run,
};
