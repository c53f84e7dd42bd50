/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "recrypt.h"

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    return recrypt_bundle(cli, arguments, true, error);
}

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_encrypt = {
    .name = "encrypt",
    .summary = "encrypt the images of a bundle to their recipients",
    .synopsis = "BUNDLE --encrypt-to RECIPIENT... (-p [ROLE=]PUB... | -t ROOT) -k KEY... [-o OUT]\n"
                "BUNDLE --encrypt-passphrase (-p [ROLE=]PUB... | -t ROOT) -k KEY... [-o OUT]",
    .description =
        "Writes a bundle once more with every payload an age file, full images and deltas alike, "
        "which only the recipients open. release.json and its signatures stay byte for byte: it is "
        "the delivery that changes. delivery.json is made anew, with the next revision, and signed "
        "with -k. In place by default, under the lock that sign takes.\n\n"
        "A RECIPIENT is an X25519 key, age1..., or a file of such lines; \"fwpack key generate "
        "--type age\" and age-keygen make them. There may be thousands, each less than 200 bytes "
        "in a payload. What is encrypted already is opened with --identity first, and encrypted to "
        "the new recipients only.\n\n"
        "The bundle is verified before anything of it is read. Everything but the payloads stays "
        "readable: names, versions, sizes, attachments, and the hashes of the images. Who has an "
        "image can tell that it is the one inside.",
    .examples = "fwpack encrypt acme-1.2.3.fwb --encrypt-to devices.txt -p release=rel.pub \\\n"
                "    -p delivery=ci.pub -k ci.key -o acme-devices.fwb\n"
                "# what a device does\n"
                "fwpack extract acme-devices.fwb rootfs -o - -p release=rel.pub \\\n"
                "    -p delivery=ci.pub --identity device.age | dd of=/dev/sdb2\n",
    .positionals = positionals,
    .groups = RECRYPT_GROUPS | GROUP_RECIPIENTS,
    .exits = RECRYPT_EXITS,
    .run = run,
};
