/* SPDX-License-Identifier: MIT */
#include "command.h"

#include "cli.h"

#include <string.h>

static const char *choice_color(size_t index)
{
    static const char *const words[] = {"auto", "always", "never", NULL};
    return words[index];
}

static const char *choice_progress(size_t index)
{
    static const char *const words[] = {"auto", "bar", "plain", "json", "none", NULL};
    return words[index];
}

static const struct option common_options[] = {
    {.name = "help", .letter = 'h', .help = "show this help"},
    {.name = "json", .help = "print one JSON object, also for errors"},
    {.name = "quiet", .letter = 'q', .help = "print warnings and errors only"},
    {.name = "verbose", .letter = 'v', .help = "say more"},
    {.name = "jobs",
     .letter = 'j',
     .kind = OPTION_NUMBER,
     .value = "N",
     .minimum = 1,
     .maximum = 4096,
     .variable = "FWPACK_JOBS",
     .help = "use at most N threads (one for each core)"},
    {.name = "color",
     .kind = OPTION_CHOICE,
     .value = "WHEN",
     .choices = choice_color,
     .help = "colour the output: auto, always or never"},
    {.name = "progress",
     .kind = OPTION_CHOICE,
     .value = "HOW",
     .choices = choice_progress,
     .help = "show progress: auto, bar, plain, json or none"},
    {.name = "no-input", .help = "never ask anything (so too with CI=true)"},
    {.name = NULL},
};

static const struct option output_options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_PATH,
     .value = "FILE",
     .help = "write to FILE; - is standard output"},
    {.name = NULL},
};

static const struct option dry_run_options[] = {
    {.name = "dry-run", .letter = 'n', .help = "say what would be done, write nothing"},
    {.name = NULL},
};

static const struct option key_options[] = {
    {.name = "key",
     .letter = 'k',
     .kind = OPTION_KEY,
     .value = "KEY",
     .repeatable = true,
     .variable = "FWPACK_KEY",
     .help = "sign with KEY: a file, env:NAME, fd:N, pkcs11:..., agent:[WHICH], tpm2:FILE or "
             "exec:COMMAND; repeatable"},
    {.name = "signer-pub",
     .kind = OPTION_PUBLIC_KEY,
     .value = "PUB",
     .repeatable = true,
     .help = "the public key of a KEY that cannot tell it, or whose minisign id is to stay"},
    {.name = "journal",
     .kind = OPTION_PATH,
     .value = "FILE",
     .variable = "FWPACK_JOURNAL",
     .help = "record each signature in the hash-chained journal FILE"},
    {.name = NULL},
};

static const struct option identity_options[] = {
    {.name = "identity",
     .letter = 'i',
     .kind = OPTION_KEY,
     .value = "KEY",
     .repeatable = true,
     .help = "open what is encrypted with the age identity KEY; repeatable"},
    {.name = NULL},
};

static const struct option recipient_options[] = {
    {.name = "encrypt-to",
     .kind = OPTION_PATH,
     .value = "RECIPIENT",
     .repeatable = true,
     .help = "encrypt to RECIPIENT: age1..., or a file of such lines; repeatable"},
    {.name = "encrypt-passphrase", .help = "encrypt to one passphrase instead"},
    {.name = NULL},
};

static const struct option store_options[] = {
    {.name = "pkcs11-module",
     .kind = OPTION_PATH,
     .value = "FILE",
     .variable = "FWPACK_PKCS11_MODULE",
     .help = "the PKCS#11 module of pkcs11: keys (all that p11-kit knows)"},
    {.name = NULL},
};

static const struct option key_file_options[] = {
    {.name = "allow-insecure-key", .help = "take a plain key file that others can read"},
    {.name = NULL},
};

static const struct option passphrase_options[] = {
    {.name = "passphrase-file",
     .kind = OPTION_PATH,
     .value = "FILE",
     .variable = "FWPACK_PASSPHRASE_FILE",
     .help = "read the passphrase from FILE"},
    {.name = "passphrase-fd",
     .kind = OPTION_NUMBER,
     .value = "N",
     .maximum = 1048575,
     .help = "read the passphrase from file descriptor N"},
    {.name = NULL},
};

static const struct option device_options[] = {
    {.name = "device",
     .letter = 'd',
     .kind = OPTION_PATH,
     .value = "FILE",
     .variable = "FWPACK_DEVICE",
     .help = "the device's description (/etc/fwpack/device.yaml)"},
    {.name = NULL},
};

#define ROOT_OPTION(text)                                                     \
    {                                                                         \
        .name = "trust", .letter = 't', .kind = OPTION_PATH, .value = "FILE", \
        .variable = "FWPACK_TRUST", .help = (text),                           \
    }

static const struct option root_options[] = {
    ROOT_OPTION("sign in the roles that the trust root FILE gives the key"),
    {.name = NULL},
};

static const struct option trust_options[] = {
    {.name = "pubkey",
     .letter = 'p',
     .kind = OPTION_PUBLIC_KEY,
     .value = "[ROLE=]PUB",
     .repeatable = true,
     .help = "trust the public key PUB, a file or its text; repeatable"},
    ROOT_OPTION("trust the keys that the trust root FILE names, in its place"),
    {.name = "no-clock", .help = "do not judge whether the trust root has expired"},
    {.name = "require",
     .kind = OPTION_NUMBER,
     .value = "N",
     .minimum = 1,
     .maximum = 64,
     .help = "want N distinct release signers (1)"},
    {.name = "allow-demo-keys", .help = "trust keys made for demonstration"},
    {.name = NULL},
};

static const struct option descriptor_options[] = {
    {.name = "define",
     .letter = 'D',
     .kind = OPTION_DEFINITION,
     .repeatable = true,
     .value = "NAME=VALUE",
     .help = "set ${NAME} in the descriptor; repeatable"},
    {.name = "allow-outside", .help = "take files from outside the descriptor's folder"},
    {.name = NULL},
};

static const struct {
    unsigned group; /* any of these; 0: every command */
    const char *section;
    const struct option *options;
} groups[] = {
    {GROUP_DEVICE, "Device", device_options},
    {GROUP_DESCRIPTOR, "Descriptor", descriptor_options},
    {GROUP_OUTPUT, "Output", output_options},
    {GROUP_DRY_RUN, "Output", dry_run_options},
    {GROUP_KEYS, "Signing", key_options},
    {GROUP_RECIPIENTS, "Encryption", recipient_options},
    {GROUP_IDENTITY, "Encryption", identity_options},
    {GROUP_KEYS | GROUP_IDENTITY | GROUP_STORES, "Key files", store_options},
    {GROUP_KEYS | GROUP_IDENTITY, "Key files", key_file_options},
    {GROUP_PASSPHRASE, "Passphrase", passphrase_options},
    {GROUP_TRUST, "Trust", trust_options},
    {GROUP_ROOT, "Trust", root_options},
    {0, "Common options", common_options},
};

/* Moves *index past `options`, or gives the entry that it names. */
static const struct option *entry(const struct option *options, size_t *index)
{
    for (; options != NULL && options->name != NULL; options++)
        if ((*index)-- == 0)
            return options;
    return NULL;
}

const struct option *command_option(const struct command *command, size_t index,
                                    const char **section)
{
    const char *ignored = NULL;
    const char **heading = section != NULL ? section : &ignored;
    *heading = "Options";
    const struct option *found = entry(command->options, &index);
    for (size_t i = 0; found == NULL && i < sizeof groups / sizeof groups[0]; i++) {
        if (groups[i].group != 0 && (command->groups & groups[i].group) == 0)
            continue;
        *heading = groups[i].section;
        found = entry(groups[i].options, &index);
    }
    return found;
}

const struct option *command_option_named(const struct command *command, const char *name,
                                          size_t length)
{
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++)
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

const struct option *command_option_letter(const struct command *command, char letter)
{
    const struct option *option = NULL;
    for (size_t i = 0; (option = command_option(command, i, NULL)) != NULL; i++)
        if (option->letter != 0 && option->letter == letter)
            return option;
    return NULL;
}
