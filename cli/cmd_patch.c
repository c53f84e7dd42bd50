/* SPDX-License-Identifier: MIT */
#include "bases.h"
#include "cli.h"
#include "commands.h"

#include "pack/delta.h"

#include <string.h>

struct patching {
    struct cli *cli;
    const char *path; /* of the output */
    struct pack_input *old_image, *input;
    struct pack_patch *patch;
    struct pack_output *output;
};

static void patching_clear(struct patching *patching)
{
    pack_output_discard(&patching->output);
    pack_patch_close(&patching->patch);
    pack_input_close(&patching->input);
    pack_input_close(&patching->old_image);
}

static int open_inputs(struct patching *patching, const struct arguments *arguments,
                       struct pack_error *error)
{
    const char *old_path = arguments_at(arguments, 0);
    int code = pack_input_open(&patching->old_image, old_path, error);
    if (code == 0 && !patching->old_image->seekable) {
        pack_fail(error, PACK_E_USAGE, "is a pipe, the old image must be a file");
        return pack_at_file(error, old_path);
    }
    if (code == 0)
        code = pack_input_open(&patching->input, arguments_at(arguments, 1), error);
    if (code == 0)
        code = pack_patch_open(&patching->patch, patching->input, error);
    return code != 0 ? pack_at_file(error, arguments_at(arguments, 1)) : 0;
}

static int write_image(struct patching *patching, struct pack_error *error)
{
    enum { PIECE = 256 * 1024 };
    const uint64_t total = pack_patch_info(patching->patch)->new_size;
    CLI_AUTO_FREE uint8_t *bytes = malloc(PIECE);
    if (bytes == NULL)
        return pack_fail_memory(error);
    uint64_t done = 0;
    for (;;) {
        size_t got = 0;
        int code = pack_check_cancelled(patching->cli->context, error);
        if (code == 0)
            code = pack_patch_read(patching->patch, bytes, PIECE, &got, error);
        if (code != 0 || got == 0)
            return code;
        code = pack_sink_write(pack_output_sink(patching->output), bytes, got, error);
        if (code != 0)
            return code;
        done += got;
        pack_progress(patching->cli->context, "patch", done, total);
    }
}

/* The base is proved before the output is even opened. */
static int apply(struct patching *patching, struct pack_error *error)
{
    struct cli *cli = patching->cli;
    const struct pack_context context = cli_decoder_context(cli);
    int code = pack_patch_begin(patching->patch, &context, patching->old_image, error);
    if (code != 0)
        return pack_at_file(error, patching->input->name);
    code = cli_output_open(cli, &patching->output, patching->path, PACK_OUTPUT_DEFAULT,
                           patching->old_image, error);
    if (code == 0 && write_image(patching, error) != 0)
        code = pack_at_file(error, patching->input->name);
    if (code == 0 && !cli->dry_run)
        code = pack_output_commit(&patching->output, error);
    return code;
}

static void report(const struct patching *patching)
{
    struct cli *cli = patching->cli;
    struct pack_json *json = cli_json(cli);
    const struct pack_patch_info *info = pack_patch_info(patching->patch);
    char hex[PACK_SHA256_HEX_SIZE];
    pack_sha256_hex(info->new_sha256, hex);
    cli_print(cli, "%s: %llu bytes%s, sha256 %s",
              strcmp(patching->path, "-") != 0 ? patching->path : "the new image",
              (unsigned long long)info->new_size, cli->dry_run ? " would be written" : "", hex);
    pack_json_string(json, "output", patching->path);
    pack_json_unsigned(json, "size", info->new_size);
    pack_json_hex(json, "sha256", info->new_sha256, PACK_SHA256_SIZE);
    pack_json_hex(json, "base_sha256", info->old_sha256, PACK_SHA256_SIZE);
    pack_json_unsigned(json, "decoder_memory", info->memory);
}

static int check_output(struct patching *patching, const struct arguments *arguments,
                        struct pack_error *error)
{
    if (patching->path == NULL && !patching->cli->dry_run) {
        pack_fail(error, PACK_E_USAGE, "nothing says where to write");
        return pack_hint(error, "give -o FILE, or -o - for standard output");
    }
    for (size_t i = 0; patching->path != NULL && i < 2; i++)
        if (cli_same_file(arguments_at(arguments, i), patching->path)) {
            pack_fail(error, PACK_E_USAGE, "the output is one of the inputs");
            return pack_at_file(error, patching->path);
        }
    if (patching->path == NULL)
        patching->path = "-";
    return 0;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(patching_clear)
    struct patching patching = {.cli = cli, .path = arguments_value(arguments, "output")};
    int code = check_output(&patching, arguments, error);
    if (code == 0)
        code = open_inputs(&patching, arguments, error);
    if (code == 0)
        code = apply(&patching, error);
    if (code == 0)
        report(&patching);
    return code;
}

static const struct option options[] = {
    DECODER_MEMORY_OPTION,
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "OLD", .kind = OPTION_PATH},
    {.name = "PATCH", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_patch = {
    .name = "patch",
    .summary = "apply a patch to the old image that it was made from",
    .synopsis = "OLD PATCH -o NEW",
    .description =
        "Rebuilds the new image from the old one and a .fwd patch, which may come from a pipe (-). "
        "The old image is hashed first: when it is not the one that the patch was made from, the "
        "exit status is 16, before a byte is written. OLD may be longer than the image, as a slot "
        "is. The new image appears when its hash was found good; with \"-o -\" bytes flow before "
        "that, and the exit status says whether they are good.\n\n"
        "A patch is not signed: it makes the image that its maker had, whoever that is. Bundles "
        "carry signed deltas; \"fwpack extract --base\" applies those.",
    .examples = "fwpack patch app-1.bin app.fwd -o app-2.bin\n"
                "curl -s https://example.org/app.fwd | fwpack patch app-1.bin - -o app-2.bin\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES,
    .exits = EXITS(3, 13, 16),
    .run = run,
};
