/* SPDX-License-Identifier: MIT */
#include "bundle_lock.h"
#include "trust_command.h"

#include "pack/bundle.h"
#include "pack/limits.h"

#include <string.h>

/* A bundle, and the roots that are put into it. */
struct embedding {
    struct cli *cli;
    const char *path;
    const char *output;
    struct pack_input *input;
    struct pack_bundle *bundle;
    size_t count;
    struct pack_root_file files[PACK_MAX_ROOTS];
    char *texts[PACK_MAX_ROOTS];
};

static void embedding_free(struct embedding **embedding)
{
    if (*embedding == NULL)
        return;
    for (size_t i = 0; i < (*embedding)->count; i++)
        free((*embedding)->texts[i]);
    pack_bundle_close(&(*embedding)->bundle);
    pack_input_close(&(*embedding)->input);
    free(*embedding);
    *embedding = NULL;
}

/* Each in the one form that readers take, without signatures that nobody could check. */
static int add_root(struct embedding *embedding, struct pack_root *root,
                    const struct pack_root *old, const char *path, struct pack_error *error)
{
    size_t size = 0;
    if (embedding->count == PACK_MAX_ROOTS)
        return pack_fail(error, PACK_E_LIMIT, "a bundle carries at most %d roots", PACK_MAX_ROOTS);
    int code = pack_root_keep_good(root, old, error);
    if (code == 0)
        code = pack_root_format(root, &embedding->texts[embedding->count], &size, error);
    if (code == 0)
        embedding->files[embedding->count] =
            (struct pack_root_file){path, root->version, embedding->texts[embedding->count], size};
    embedding->count += code == 0;
    return code;
}

static int add_roots(struct embedding *embedding, const struct arguments *arguments,
                     struct pack_error *error)
{
    CLI_AUTO(pack_root_free) struct pack_root *last = NULL;
    struct pack_root_report report;
    for (size_t i = 1; i < arguments_count(arguments); i++) {
        CLI_AUTO(pack_root_free) struct pack_root *root = NULL;
        const char *path = arguments_at(arguments, i);
        int code = pack_root_load(&root, path, error);
        if (code == 0)
            code = last == NULL ? pack_root_judge(root, root, &report, error)
                                : pack_root_follow(last, root, error);
        if (code == 0 && last != NULL)
            code = add_root(embedding, root, last, path, error);
        if (code != 0)
            return pack_at_file(error, path);
        pack_root_free(&last);
        last = root;
        root = NULL;
    }
    return 0;
}

static int write_bundle(const struct embedding *embedding, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    int code = cli_output_open(embedding->cli, &output, embedding->output, PACK_OUTPUT_SEEKABLE,
                               NULL, error);
    if (code == 0)
        code = pack_bundle_set_roots(embedding->bundle, output, embedding->files, embedding->count,
                                     error);
    if (code != 0 || embedding->cli->dry_run)
        return code;
    if (strcmp(embedding->output, embedding->path) == 0 &&
        !bundle_is_current(embedding->input, embedding->path))
        return pack_fail(error, PACK_E_CHANGED, "was replaced while it was being changed");
    return pack_output_commit(&output, error);
}

static void tell(const struct embedding *embedding)
{
    struct cli *cli = embedding->cli;
    cli_print(cli, "%s: %zu root%s %s", embedding->output, embedding->count,
              embedding->count == 1 ? "" : "s", cli->dry_run ? "would be put in" : "put in");
    pack_json_string(cli_json(cli), "bundle", embedding->output);
    pack_json_boolean(cli_json(cli), "changed", !cli->dry_run);
    pack_json_array(cli_json(cli), "roots");
    for (size_t i = 0; i < embedding->count; i++)
        pack_json_unsigned(cli_json(cli), NULL, embedding->files[i].version);
    pack_json_end(cli_json(cli));
}

static int check_usage(const struct arguments *arguments, struct pack_error *error)
{
    if (arguments_count(arguments) > 2)
        return 0;
    pack_fail(error, PACK_E_USAGE, "one root leads nowhere");
    return pack_hint(error, "give the root that devices have, and then each that follows it");
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(embedding_free) struct embedding *embedding = calloc(1, sizeof *embedding);
    const char *output = arguments_value(arguments, "output");
    if (embedding == NULL)
        return pack_fail_memory(error);
    embedding->cli = cli;
    embedding->path = arguments_at(arguments, 0);
    embedding->output = output != NULL ? output : embedding->path;
    int code = check_usage(arguments, error);
    if (code == 0)
        code = add_roots(embedding, arguments, error);
    if (code != 0)
        return code;
    code = bundle_lock(&embedding->input, cli, embedding->path, "changed", error);
    if (code == 0)
        code = pack_bundle_open(&embedding->bundle, embedding->input, cli->context, error);
    if (code == 0)
        code = write_bundle(embedding, error);
    if (code != 0)
        return pack_at_file(error, embedding->path);
    tell(embedding);
    return 0;
}

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = "ROOT", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

const struct command command_trust_embed = {
    .name = "embed",
    .summary = "put newer roots into a bundle, for devices reached by USB only",
    .synopsis = "BUNDLE OLD NEW... [-o OUT]",
    .description =
        "Puts roots into a bundle, in place of those that it carries. The first root is the "
        "oldest that devices still have; it is not put in, but each that follows it is, none "
        "skipped, as 'trust check' wants them. A device that trusts any of them walks on to the "
        "last, and judges the bundle by that. The bundle's signatures stay good, for roots stand "
        "apart from what is signed.",
    .examples = "fwpack trust embed acme-1.2.3.fwb root.json 2.root.json 3.root.json\n",
    .positionals = positionals,
    .groups = GROUP_WRITES,
    .exits = EXITS(3, 10, 11, 12, 14, 18),
    .run = run,
};
