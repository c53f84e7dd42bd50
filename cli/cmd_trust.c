/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "trust_command.h"

static const struct command *const subcommands[] = {&command_trust_init,
                                                    &command_trust_add,
                                                    &command_trust_remove,
                                                    &command_trust_threshold,
                                                    &command_trust_revoke,
                                                    &command_trust_rotate,
                                                    &command_trust_sign,
                                                    &command_trust_show,
                                                    &command_trust_check,
                                                    &command_trust_embed,
                                                    NULL};

const struct command command_trust = {
    .name = "trust",
    .summary = "say who may sign, in a root that devices trust",
    .synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
    .description =
        "A trust root is one file, root.json, on every device and in CI. It names the keys of "
        "each role, how many of them must sign, and the keys that are revoked. It is a root of "
        "The Update Framework (TUF 1.0), which any TUF client reads; what TUF has no words for "
        "stands in its member x-fwpack.\n\n"
        "A root is made and changed as a draft, signed by its root keys, each person in turn, and "
        "then never changed again: the next version replaces it, signed under the old root and "
        "the new one, and devices walk from version to version.",
    .examples = "# two of two root keys, two of three release keys, a CI machine's delivery key\n"
                "fwpack trust init -o root.json -p root=anna.pub -p root=ben.pub \\\n"
                "    -p release=anna.pub -p release=ben.pub -p release=chris.pub \\\n"
                "    -p delivery=ci.pub --threshold root=2 --threshold release=2\n"
                "fwpack trust sign root.json -k anna.key\n"
                "fwpack trust sign root.json -k ben.key\n"
                "fwpack verify acme-1.2.3.fwb -t root.json\n"
                "# ben leaves\n"
                "fwpack trust rotate root.json -o 2.root.json\n"
                "fwpack trust add 2.root.json root=dora.pub release=dora.pub\n"
                "fwpack trust revoke 2.root.json ben.pub --reason \"left the company\"\n"
                "fwpack trust sign 2.root.json --old root.json -k anna.key\n",
    .subcommands = subcommands,
};
