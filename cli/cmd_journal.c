/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"

#include "pack/journal.h"
#include "pack/text.h"

/* --- check ----------------------------------------------------------------------------------- */

static int parse_head(uint8_t digest[PACK_SHA256_SIZE], const uint8_t **wanted,
                      const struct arguments *arguments, struct pack_error *error)
{
    const char *head = arguments_value(arguments, "head");
    *wanted = NULL;
    if (head == NULL)
        return 0;
    if (!pack_sha256_parse(head, digest)) {
        pack_fail(error, PACK_E_USAGE, "--head: '%.80s' is no SHA-256", head);
        return pack_hint(error, "64 lower-case hex digits, as 'journal check' prints them");
    }
    if (arguments_count(arguments) != 1)
        return pack_fail(error, PACK_E_USAGE, "--head goes with one journal");
    *wanted = digest;
    return 0;
}

static void report(struct cli *cli, const char *path, const struct pack_journal_summary *summary,
                   bool wanted)
{
    struct pack_json *json = cli_json(cli);
    char head[PACK_SHA256_HEX_SIZE];
    pack_sha256_hex(summary->head, head);
    cli_print_styled(cli, STYLE_GOOD, "%s: whole, %llu signature%s", path,
                     (unsigned long long)summary->count, summary->count == 1 ? "" : "s");
    cli_print(cli, "  head %s", head);
    if (wanted)
        cli_print(cli, "  the head that was given is that of line %llu",
                  (unsigned long long)summary->wanted_at);
    pack_json_object(json, NULL);
    pack_json_string(json, "file", path);
    pack_json_unsigned(json, "count", summary->count);
    pack_json_string(json, "head", head);
    if (wanted)
        pack_json_unsigned(json, "wanted_at", summary->wanted_at);
    pack_json_end(json);
}

static int check(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const uint8_t *wanted = NULL;
    int code = parse_head(digest, &wanted, arguments, error);
    if (code != 0)
        return code;
    pack_json_array(cli_json(cli), "journals");
    for (size_t i = 0; code == 0 && i < arguments_count(arguments); i++) {
        struct pack_journal_summary summary;
        const char *path = arguments_at(arguments, i);
        code = pack_journal_check(&summary, path, wanted, NULL, NULL, error);
        if (code == 0)
            report(cli, path, &summary, wanted != NULL);
    }
    if (code == 0)
        pack_json_end(cli_json(cli));
    return code;
}

static const struct option check_options[] = {
    {.name = "head",
     .kind = OPTION_TEXT,
     .value = "HASH",
     .help = "want the line of this hash to be in it, which an earlier check printed"},
    {.name = NULL},
};

static const struct positional check_positionals[] = {
    {.name = "FILE", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

static const struct command command_journal_check = {
    .name = "check",
    .summary = "prove that a journal is whole",
    .synopsis = "FILE... [--head HASH]",
    .description =
        "Reads each journal from its first line to its last, and proves that no line was changed, "
        "taken out, put in or moved: each holds the hash of the one before. Names the first line "
        "at fault. Prints the number of signatures and the head, which is the hash of the last "
        "line.\n\n"
        "Who can write a journal can write all of it anew, or take lines off its end. Who keeps a "
        "head at another place notices: --head wants it to be in the chain still.",
    .examples = "fwpack journal check signatures.jsonl\n"
                "fwpack journal check signatures.jsonl --head 4f1c...\n",
    .positionals = check_positionals,
    .options = check_options,
    .exits = EXITS(3, 13),
    .run = check,
};

/* --- show ------------------------------------------------------------------------------------ */

static const char *known(const char *text)
{
    return text != NULL ? text : "-";
}

static void add_text(struct pack_json *json, const char *name, const char *text)
{
    if (text != NULL)
        pack_json_string(json, name, text);
}

/* A pack_journal_fn whose user is the cli. */
static int show_entry(void *user, uint64_t line, const struct pack_journal_entry *entry,
                      struct pack_error *error)
{
    struct cli *cli = user;
    struct pack_json *json = cli_json(cli);
    char when[PACK_TIME_TEXT], document[PACK_SHA256_HEX_SIZE];
    (void)error;
    pack_time_text(when, entry->when);
    pack_sha256_hex(entry->document, document);
    cli_print(cli, "%llu  %s  %s %s  %s  %s", (unsigned long long)line, when, known(entry->product),
              known(entry->version), known(entry->role), known(entry->file));
    cli_print(cli, "   document %s", document);
    cli_print(cli, "   key      %s (%s)", entry->keyid, entry->store);
    pack_json_object(json, NULL);
    pack_json_unsigned(json, "sequence", line);
    pack_json_string(json, "when", when);
    pack_json_string(json, "document", document);
    add_text(json, "role", entry->role);
    pack_json_string(json, "keyid", entry->keyid);
    pack_json_string(json, "store", entry->store);
    add_text(json, "product", entry->product);
    add_text(json, "version", entry->version);
    add_text(json, "file", entry->file);
    pack_json_end(json);
    return 0;
}

static int show(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    struct pack_journal_summary summary;
    pack_json_array(cli_json(cli), "entries");
    const int code =
        pack_journal_check(&summary, arguments_at(arguments, 0), NULL, show_entry, cli, error);
    if (code == 0)
        pack_json_end(cli_json(cli));
    return code;
}

static const struct positional show_positionals[] = {
    {.name = "FILE", .kind = OPTION_PATH},
    {.name = NULL},
};

static const struct command command_journal_show = {
    .name = "show",
    .summary = "print what a journal holds",
    .synopsis = "FILE",
    .description = "Prints each signature of a journal: number, time, product, version, role and "
                   "file, the SHA-256 of the document that was signed, the key and where it is "
                   "kept. Checks the chain on the way, and ends at the first fault.",
    .examples = "fwpack journal show signatures.jsonl\n",
    .positionals = show_positionals,
    .exits = EXITS(3, 13),
    .run = show,
};

/* --- the command ----------------------------------------------------------------------------- */

static const struct command *const subcommands[] = {&command_journal_check, &command_journal_show,
                                                    NULL};

const struct command command_journal = {
    .name = "journal",
    .summary = "look at the journal of signatures made",
    .synopsis = "COMMAND [OPTION]... [ARGUMENT]...",
    .description =
        "With --journal FILE, or FWPACK_JOURNAL, each command that signs adds a line to FILE "
        "before "
        "a signature goes anywhere: when, what, which key, in which role. The lines are chained by "
        "their hashes, so that none can be changed unnoticed.",
    .examples = "fwpack sign acme-1.2.3.fwb -k release.key --journal signatures.jsonl\n"
                "fwpack journal check signatures.jsonl\n",
    .subcommands = subcommands,
};
