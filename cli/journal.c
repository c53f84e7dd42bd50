/* SPDX-License-Identifier: MIT */
#include "cli.h"

#include "pack/journal.h"

#include <string.h>
#include <time.h>

/* Where signatures are recorded, and what is known of what is being signed. */
struct cli_journal {
    const char *path;
    const char *product, *version, *file;
};

static const char *file_name(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (path == NULL || strcmp(path, "-") == 0)
        return NULL;
    return slash != NULL ? slash + 1 : path;
}

static const char *output_of(const struct cli *cli)
{
    static const char option[] = "output";
    return command_option_named(cli->command, option, sizeof option - 1) != NULL
               ? arguments_value(cli->arguments, option)
               : NULL;
}

/* cli_output_check sees this only once the journal is there. */
static int check_apart(const struct cli *cli, const char *path, struct pack_error *error)
{
    const char *output = output_of(cli);
    if (output == NULL || strcmp(output, path) != 0)
        return 0;
    pack_fail(error, PACK_E_USAGE, "the output is the journal (--journal)");
    return pack_at_file(error, path);
}

/* A pack_signer.record. Its own clock, for the one of SOURCE_DATE_EPOCH is the build's. */
static int record(const struct pack_signer *signer, const uint8_t sha256[PACK_SHA256_SIZE],
                  struct pack_error *error)
{
    const struct cli_journal *journal = signer->record_user;
    const struct pack_signing_key *key = signer->user;
    struct pack_journal_entry entry = {
        .when = (uint64_t)time(NULL),
        .role = signer->role,
        .keyid = signer->key->keyid,
        .store = pack_signing_key_store(key),
        .product = journal->product,
        .version = journal->version,
        .file = journal->file,
    };
    memcpy(entry.document, sha256, sizeof entry.document);
    const int code = pack_journal_append(journal->path, &entry, error);
    return code != 0 ? pack_context(error, "not signed, for it cannot be recorded") : 0;
}

int cli_journal_open(struct cli_keys *keys, const struct cli *cli, struct pack_error *error)
{
    const char *path = arguments_value(cli->arguments, "journal");
    if (path == NULL)
        return 0;
    int code = check_apart(cli, path, error);
    if (code == 0)
        code = pack_journal_ready(path, error);
    if (code != 0 || cli->dry_run)
        return code;
    keys->journal = calloc(1, sizeof *keys->journal);
    if (keys->journal == NULL)
        return pack_fail_memory(error);
    keys->journal->path = path;
    keys->journal->file = file_name(arguments_at(cli->arguments, 0));
    for (size_t i = 0; i < keys->count; i++) {
        keys->signers[i].record = record;
        keys->signers[i].record_user = keys->journal;
    }
    return 0;
}

void cli_journal_about(const struct cli_keys *keys, const char *file, const char *product,
                       const char *version)
{
    if (keys->journal == NULL)
        return;
    keys->journal->file = file_name(file);
    keys->journal->product = product;
    keys->journal->version = version;
}
