/* SPDX-License-Identifier: MIT */
#include "decrypt_file.h"

#include "encryption.h"
#include "pack/bundle.h"

#include <string.h>

enum { PIECE = 65536 };

/* Chunk by chunk: each is authentic before it is written. */
static int copy(struct cli *cli, struct pack_input *plain, struct pack_output *output,
                uint64_t *size, struct pack_error *error)
{
    CLI_AUTO_FREE uint8_t *piece = malloc(PIECE);
    size_t got = PIECE;
    int code = piece == NULL ? pack_fail_memory(error) : 0;
    while (code == 0 && got == PIECE) {
        code = pack_check_cancelled(cli->context, error);
        if (code == 0)
            code = pack_input_read(plain, *size, piece, PIECE, &got, error);
        if (code == 0)
            code = pack_sink_write(pack_output_sink(output), piece, got, error);
        *size += got;
        pack_progress(cli->context, "decrypt", *size, plain->size);
    }
    return code;
}

static int write_plain(struct cli *cli, struct pack_input *plain, const struct pack_input *stored,
                       const char *path, uint64_t *size, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    int code = cli_output_open(cli, &output, path, PACK_OUTPUT_DEFAULT, stored, error);
    if (code == 0)
        code = copy(cli, plain, output, size, error);
    return code != 0 || cli->dry_run ? code : pack_output_commit(&output, error);
}

static int fail_no_output(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "no -o: where the plain bytes of an age file are to go");
    return pack_hint(error, "add -o OUT");
}

static int open_and_write(struct cli *cli, const struct pack_age_identities *identities,
                          const char *path, const char *output, struct pack_error *error)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    CLI_AUTO(pack_input_close) struct pack_input *plain = NULL;
    uint64_t size = 0;
    int code = pack_input_open(&input, path, error);
    if (code == 0 && output == NULL)
        code = fail_no_output(error);
    if (code == 0)
        code = pack_age_open(&plain, input, identities, error);
    if (code == 0)
        code = write_plain(cli, plain, input, output, &size, error);
    if (code != 0)
        return code;
    cli_print_styled(cli, STYLE_GOOD, "%s: %llu bytes%s", output, (unsigned long long)size,
                     cli->dry_run ? " would be written" : "");
    cli_note(cli, "an age file is not signed: nothing says who made it");
    pack_json_string(cli_json(cli), "file", output);
    pack_json_boolean(cli_json(cli), "changed", !cli->dry_run);
    pack_json_unsigned(cli_json(cli), "size", size);
    return 0;
}

static bool is_bundle(const char *path)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_error ignored = {0};
    uint8_t head[16];
    size_t got = 0;
    return pack_input_open_regular(&input, path, &ignored) == 0 &&
           pack_input_read(input, 0, head, sizeof head, &got, &ignored) == 0 &&
           pack_bundle_probe(head, got);
}

bool is_age_file(const char *path, const struct arguments *arguments)
{
    const bool is_trusted =
        arguments_value(arguments, "pubkey") != NULL || arguments_value(arguments, "trust") != NULL;
    if (strcmp(path, "-") == 0)
        return !is_trusted;
    return pack_age_kind_of(path) == PACK_AGE_FILE || (!is_trusted && !is_bundle(path));
}

int decrypt_file(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(pack_age_identities_free) struct pack_age_identities *identities = NULL;
    const char *path = arguments_at(arguments, 0), *output = arguments_value(arguments, "output");
    int code = cli_identities_open(&identities, cli, true, error);
    if (code == 0)
        code = open_and_write(cli, identities, path, output, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}
