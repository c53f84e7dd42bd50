/* SPDX-License-Identifier: MIT */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/*
 * What a command gets from the framework: context, results, notes, prompts, keys and trust. A
 * command returns 0 or a code with the error filled; the framework prints it.
 */

#include "command.h"

#include "pack/context.h"
#include "pack/json.h"
#include "pack/signer.h"
#include "pack/trust.h"

#include <stdlib.h>

/* Cleanup by attribute, as in libpack: the address goes to `function` at the end of the scope. */
#define CLI_AUTO(function) __attribute__((cleanup(function)))

static inline void cli_free_memory(void *address)
{
    void **pointer = address;
    free(*pointer);
    *pointer = NULL;
}
#define CLI_AUTO_FREE CLI_AUTO(cli_free_memory)

struct progress;
struct findings;

struct cli {
    const struct command *command;
    const struct pack_context *context; /* log, progress, cancel, jobs, formats */
    bool json;
    bool quiet;
    bool verbose;
    bool dry_run;   /* -n: say what would be written, write nothing */
    bool no_input;  /* never ask: --no-input or CI */
    bool annotate;  /* GITHUB_ACTIONS */
    bool to_stdout; /* -o -: standard output carries the file; text results go to stderr */
    /* Set by a command that has printed the error that it returns (report_error). */
    bool reported;
    /* The framework's own. */
    struct pack_context lent;
    const struct arguments *arguments;
    struct pack_json *result;
    struct findings *findings;
    struct progress *progress;
    bool color[3]; /* by descriptor */
    bool failed;   /* a result could not be made for want of memory */
};

/* --- results: standard output ---------------------------------------------------------------- */

/*
 * One line. The whole line is escaped (a line feed too), so text of untrusted files may stand in
 * it as it is; the line end is added. Nothing is printed with --json or --quiet.
 */
void cli_print(struct cli *cli, const char *format, ...) PACK_PRINTF(2, 3);
enum cli_style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_WARNING, STYLE_BOLD };
/* The same in a colour, where the terminal has them. */
void cli_print_styled(struct cli *cli, enum cli_style style, const char *format, ...)
    PACK_PRINTF(3, 4);
/*
 * Text of our own, or escaped already, as it is: a schema, a completion script. It is what the
 * command is for, so --quiet does not silence it; --json does.
 */
void cli_write(struct cli *cli, const char *text, size_t size);
/*
 * The JSON result, its object opened as {"schema":"fwpack.<command>/1","ok":true. Members may be
 * added whether --json was given or not; the framework ends and prints it, on failure with "ok"
 * false and "error" behind the members. Write whole arrays and objects after the work: those left
 * open by a failure are lost with all others. Never NULL.
 */
struct pack_json *cli_json(struct cli *cli);

/* --- everything else: standard error --------------------------------------------------------- */

/* "fwpack: …", silenced by --quiet; escaped like cli_print. */
void cli_note(struct cli *cli, const char *format, ...) PACK_PRINTF(2, 3);
/* "fwpack: warning: …", never silenced. */
void cli_warn(struct cli *cli, const char *format, ...) PACK_PRINTF(2, 3);
/* A pack_key_access.warn. */
void cli_warn_text(void *cli, const char *text);
/*
 * A pack_finding_fn whose user is the cli: prints "file:line:column: error: …" and its hint at
 * once, annotates, and keeps it for the "findings" of the JSON result.
 */
void cli_finding(void *cli, bool is_error, const struct pack_error *finding);
/* How findings are printed from now on: FINDINGS_GITHUB prints annotations to stdout instead. */
enum findings_format { FINDINGS_PLAIN, FINDINGS_GITHUB };
void cli_findings_format(struct cli *cli, enum findings_format format);

/* --- files ----------------------------------------------------------------------------------- */

/* Whether both names stand for one regular file. */
bool cli_same_file(const char *a, const char *b);
/*
 * PACK_E_USAGE where `path` is a file that the command line tells the command to read: a key, a
 * passphrase, a signature. The arguments are the command's own affair.
 */
PACK_MUST_USE int cli_output_check(const struct cli *cli, const char *path,
                                   struct pack_error *error);
/*
 * pack_output_open for a command's result, after cli_output_check; refuses a terminal for binary
 * data (PACK_E_USAGE with a hint). `flags` and `input` as there. A dry run gets an output that
 * leads nowhere.
 */
PACK_MUST_USE int cli_output_open(struct cli *cli, struct pack_output **output, const char *path,
                                  unsigned flags, const struct pack_input *input,
                                  struct pack_error *error);

/* --- environment ----------------------------------------------------------------------------- */

/* A variable of fwpack's own table (environment.c); NULL when unset or empty. */
const char *cli_environment(const char *name);
/* Any variable, for env:NAME keys and a descriptor's `variables`; may be empty. */
const char *cli_variable(const char *name);
/* SOURCE_DATE_EPOCH; *has is false where it is not set. PACK_E_USAGE when it is no number. */
PACK_MUST_USE int cli_created(bool *has, uint64_t *created, struct pack_error *error);

/* --- asking ---------------------------------------------------------------------------------- */

/*
 * Asks for yes or no on the terminal. Where nobody can be asked: PACK_E_USAGE, with `hint`.
 * The question is escaped.
 */
PACK_MUST_USE int cli_ask(struct cli *cli, bool *yes, const char *question, const char *hint,
                          struct pack_error *error);
/* From --passphrase-file, --passphrase-fd, FWPACK_PASSPHRASE_FILE, or the terminal. */
struct pack_passphrase cli_passphrase(struct cli *cli);
/* The one that a file gets: from --new-passphrase-file, --new-passphrase-fd, or the terminal. */
struct pack_passphrase cli_new_passphrase(struct cli *cli);
/* From --pin-file, or the terminal. */
struct pack_passphrase cli_pin(struct cli *cli);

/* --- keys and trust -------------------------------------------------------------------------- */

/* The secret keys of -k, each with the roles that its purpose gives it (any: both). */
struct cli_keys {
    size_t count;
    struct pack_signing_key **keys;
    struct pack_signer *signers;
    unsigned *roles; /* sets of 1 << enum pack_role */
    struct cli_journal *journal;
};

/* What GROUP_KEYS, GROUP_PASSPHRASE and the environment lend to the opening of a key. */
struct pack_signing_access cli_signing_access(struct cli *cli);
/* GROUP_KEYS and GROUP_PASSPHRASE. The same key twice is PACK_E_USAGE. None given is no failure:
 * count is 0 then. */
PACK_MUST_USE int cli_keys_load(struct cli_keys *keys, struct cli *cli, struct pack_error *error);
void cli_keys_free(struct cli_keys *keys);
/* Has each signer record what it signs in the journal of --journal, if any: for cli_keys_load. */
PACK_MUST_USE int cli_journal_open(struct cli_keys *keys, const struct cli *cli,
                                   struct pack_error *error);
/*
 * What the journal is to say of what will be signed, where that is known; all must outlive it.
 * `file` is the first argument of the command line unless said otherwise.
 */
void cli_journal_about(const struct cli_keys *keys, const char *file, const char *product,
                       const char *version);
/* PACK_E_USAGE, for a command that needs one. */
int cli_no_key(struct pack_error *error);
#define CLI_AUTO_KEYS CLI_AUTO(cli_keys_free)

/*
 * GROUP_TRUST as a trust. Neither -p nor a root is PACK_E_USAGE, and so are both; a key or root
 * that is not there, cannot be read or is empty is PACK_E_UNTRUSTED (never "no key, so no check"),
 * a damaged key PACK_E_KEY_INVALID, a demo key PACK_E_UNTRUSTED without --allow-demo-keys. A root's
 * expiry is judged by pack_bundle_trust and pack_trust_follow.
 */
PACK_MUST_USE int cli_trust(struct pack_trust **trust, struct cli *cli, struct pack_error *error);
/* The same for who takes what there is: *trust is NULL without any, and a role may have no key. */
PACK_MUST_USE int cli_some_trust(struct pack_trust **trust, struct cli *cli,
                                 struct pack_error *error);
/*
 * GROUP_ROOT: the root of -t or FWPACK_TRUST, for pack_trust_roles to say what a key may sign.
 * *trust is NULL where neither names one. Its expiry and demo keys are not judged.
 */
PACK_MUST_USE int cli_root_trust(struct pack_trust **trust, struct cli *cli,
                                 struct pack_error *error);

/* --- words that options choose from ---------------------------------------------------------- */

const char *choice_purpose(size_t index);         /* release delivery demo */
const char *choice_writable_format(size_t index); /* image formats that can be written */

/* --- the framework --------------------------------------------------------------------------- */

/* Runs a command line from argv to the last flush; gives the exit status. */
int cli_main(int argc, const char *const argv[]);

#endif
