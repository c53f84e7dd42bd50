/* SPDX-License-Identifier: MIT */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

/*
 * A command, declared once. The parser, the help, the man pages, the three completions and the
 * reference are all read from these tables, so that none of them can lag behind.
 *
 * How to write a command
 *  1. cli/cmd_<name>.c defines `const struct command command_<name>`; all else in it is static.
 *  2. One line in cli/commands.h, one in cli/commands.c, one in cli/CMakeLists.txt.
 *  3. `ninja generate` prints completions/, docs/man/, docs/reference.md anew; commit them.
 *
 *     static const struct option options[] = {
 *         {.name = "depth", .letter = 'd', .kind = OPTION_NUMBER, .value = "N", .minimum = 1,
 *          .help = "look N folders deep"},
 *         {.name = NULL},
 *     };
 *     static const struct positional positionals[] = {
 *         {.name = "FILE", .kind = OPTION_PATH, .many = true},
 *         {.name = NULL},
 *     };
 *     static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
 *     {
 *         uint64_t depth = 1;
 *         arguments_number(arguments, "depth", &depth);
 *         …
 *         cli_print(cli, "%s: %s", name, value);              // text: one line, escaped
 *         pack_json_string(cli_json(cli), "name", value);     // the same as a JSON member
 *         return 0;
 *     }
 *     const struct command command_find = {
 *         .name = "find",
 *         .summary = "look for firmware images",
 *         .synopsis = "[-d N] FILE...",
 *         .description = "Paragraphs of plain text, parted by an empty line.",
 *         .examples = "fwpack find -d 3 build\n",
 *         .positionals = positionals,
 *         .options = options,
 *         .exits = EXITS(3),
 *         .run = run,
 *     };
 *
 * Rules that the framework keeps, so that a command need not: which options exist, their
 * number, range and spelling; --help; one error line and its hint; exactly one JSON object;
 * escaping; buffering and the last flush; signals; colour; annotations.
 */

#include "pack/error.h"

struct cli;
struct arguments;

enum option_kind {
    OPTION_FLAG,       /* no value */
    OPTION_TEXT,       /* anything */
    OPTION_NUMBER,     /* decimal digits, within minimum and maximum */
    OPTION_ADDRESS,    /* a number, decimal or 0x… */
    OPTION_SIZE,       /* bytes, or with KiB, MiB or GiB behind the number */
    OPTION_PATH,       /* a file; completed as one */
    OPTION_FOLDER,     /* a folder */
    OPTION_KEY,        /* a secret key: path, env:NAME, fd:N, pkcs11:…, agent:, tpm2:, exec: */
    OPTION_PUBLIC_KEY, /* a public key: path or text, after an optional ROLE= */
    OPTION_CHOICE,     /* one of `choices` */
    OPTION_DEFINITION, /* NAME=VALUE */
};

/* The n-th word that may stand there, NULL behind the last. */
typedef const char *(*choice_fn)(size_t index);

/* An entry of a table that ends with a NULL name. */
struct option {
    const char *name; /* without the dashes */
    char letter;      /* its short form, or 0 */
    enum option_kind kind;
    bool repeatable;      /* else twice is a usage error, never "the last one wins" */
    const char *value;    /* how help names the value, "FILE"; NULL for a flag */
    const char *implied;  /* the value of "--name" alone; another stands behind "=" only */
    const char *help;     /* one line, lower case, no final stop; what is the default */
    choice_fn choices;    /* for OPTION_CHOICE */
    uint64_t minimum;     /* for numbers */
    uint64_t maximum;     /* for numbers; 0: no more than UINT64_MAX */
    const char *variable; /* of the environment, stands in where the option is not given */
};

struct positional {
    const char *name; /* "BUNDLE" */
    enum option_kind kind;
    bool optional;
    bool many;         /* the last one only: takes all that follow */
    choice_fn choices; /* for OPTION_CHOICE */
};

/*
 * Options that several commands share, declared in options.c. Every command has help, json,
 * quiet, verbose, jobs, color, progress and no-input.
 */
enum option_group {
    GROUP_OUTPUT = 1,       /* -o/--output FILE */
    GROUP_DRY_RUN = 2,      /* -n/--dry-run */
    GROUP_KEYS = 4,         /* -k/--key KEY…, --signer-pub PUB… and more: cli_keys_load */
    GROUP_PASSPHRASE = 8,   /* --passphrase-file, --passphrase-fd: cli_passphrase */
    GROUP_TRUST = 16,       /* -p/--pubkey …, -t/--trust ROOT, --require N and more: cli_trust */
    GROUP_DESCRIPTOR = 32,  /* -D/--define NAME=VALUE…, --allow-outside: definitions_read */
    GROUP_ROOT = 64,        /* -t/--trust ROOT, for those who sign: cli_root_trust */
    GROUP_IDENTITY = 256,   /* -i/--identity KEY…, --allow-insecure-key: cli_identities_open */
    GROUP_RECIPIENTS = 512, /* --encrypt-to …, --encrypt-passphrase: cli_recipients_open */
    GROUP_STORES = 1024,    /* how the stores of keys are reached: cli_signing_access */
    GROUP_DEVICE = 2048,    /* -d/--device FILE: cli_device_open */
    GROUP_WRITES = GROUP_OUTPUT | GROUP_DRY_RUN,
    GROUP_OPENS = GROUP_IDENTITY | GROUP_PASSPHRASE,
    GROUP_SIGNS = GROUP_KEYS | GROUP_PASSPHRASE,
};

/* The exit statuses that a command may give beside 0, 1, 2 and 130, as a table ended by 0. */
#define EXITS(...) ((const int[]){__VA_ARGS__, 0})

struct command {
    const char *name;
    const char *summary;     /* one line, lower case, no final stop */
    const char *synopsis;    /* what follows the name, one form a line, "..." for many */
    const char *description; /* for the man page: paragraphs parted by an empty line */
    const char *examples;    /* lines: comments "# …", and commands as typed; may be NULL */
    const struct positional *positionals;     /* NULL: none */
    const struct option *options;             /* NULL: none of its own */
    unsigned groups;                          /* of enum option_group */
    const int *exits;                         /* NULL: only the common ones */
    const struct command *const *subcommands; /* ended by NULL; then there is no `run` */
    /* What is on stdout is the file itself: text results go to stderr when -o is "-". */
    int (*run)(struct cli *cli, const struct arguments *arguments, struct pack_error *error);
};

/*
 * Every option of `command`, its own first, then those of its groups, then the common ones; NULL
 * behind the last. `section` (may be NULL) receives the heading for help: "Options", "Trust", ….
 */
const struct option *command_option(const struct command *command, size_t index,
                                    const char **section);
/* By long name, or by letter; NULL where there is none. */
const struct option *command_option_named(const struct command *command, const char *name,
                                          size_t length);
const struct option *command_option_letter(const struct command *command, char letter);

/* --- what was given -------------------------------------------------------------------------- */

/*
 * Each takes a long name of the command's table; another name is a fault of the program, which
 * ends the run as PACK_E_INTERNAL. Strings are argv's, and live as long as the program.
 */
bool arguments_flag(const struct arguments *arguments, const char *name);
/* The value, or that of the option's variable, or NULL. */
const char *arguments_value(const struct arguments *arguments, const char *name);
/* All values of a repeatable option in order; NULL and 0 where there is none. */
const char *const *arguments_values(const struct arguments *arguments, const char *name,
                                    size_t *count);
/* OPTION_NUMBER, OPTION_ADDRESS, OPTION_SIZE: false, and *number as it was, where not given. */
bool arguments_number(const struct arguments *arguments, const char *name, uint64_t *number);
/* Whether the value came from the option's environment variable. */
bool arguments_from_variable(const struct arguments *arguments, const char *name);

size_t arguments_count(const struct arguments *arguments);
/* The index-th positional, NULL behind the last. */
const char *arguments_at(const struct arguments *arguments, size_t index);

/* --- parsing --------------------------------------------------------------------------------- */

/* Looks a variable up: cli_environment's shape, and a test's. */
typedef const char *(*variable_fn)(const char *name);

/*
 * Parses argv against `program`, the root of the tables. The whole line is read even after a
 * mistake, so that --help and --json are known; the first mistake is returned (PACK_E_USAGE).
 * Behind an unknown command there is no --help.
 * *arguments is made in any case but out of memory.
 */
PACK_MUST_USE int arguments_parse(struct arguments **arguments, const struct command *program,
                                  int argc, const char *const argv[], variable_fn variable,
                                  struct pack_error *error);
void arguments_free(struct arguments **arguments);

/* The command as far as it was recognised; `program` itself where none was. */
const struct command *arguments_command(const struct arguments *arguments);
/* The names from the program down, with `separator` between: "key-generate"; "" for none. */
void arguments_path(const struct arguments *arguments, char separator, char *text, size_t capacity);
/* The first name that was asked for and is in no table, or NULL. */
const char *arguments_fault(const struct arguments *arguments);

/* Decimal digits, or with `hex` 0x… too; false for anything else and beyond UINT64_MAX. */
bool number_parse(const char *text, bool hex, uint64_t *number);

#endif
