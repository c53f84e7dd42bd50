/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "starter.h"
#include "survey.h"

#include "pack/io.h"
#include "pack/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- where it goes --------------------------------------------------------------------------- */

/* Where paths in the descriptor count from. */
static int folder_of_output(char **folder, const char *output, const char *surveyed,
                            struct pack_error *error)
{
    const char *slash = strrchr(output, '/');
    if (strcmp(output, "-") == 0)
        *folder = strdup(surveyed);
    else if (slash == NULL)
        *folder = strdup(".");
    else
        *folder = strndup(output, slash == output ? 1 : (size_t)(slash - output));
    return *folder != NULL ? 0 : pack_fail_memory(error);
}

static int resolve(char **real, const char *folder, struct pack_error *error)
{
    *real = realpath(folder, NULL);
    if (*real != NULL)
        return 0;
    pack_fail_errno(error, errno, "cannot find the folder");
    return pack_at_file(error, folder);
}

/* "" or "path/", from the descriptor's folder to the surveyed one. */
static int make_prefix(char **prefix, const char *output, const char *surveyed,
                       struct pack_error *error)
{
    CLI_AUTO_FREE char *folder = NULL;
    CLI_AUTO_FREE char *from = NULL;
    CLI_AUTO_FREE char *to = NULL;
    int code = folder_of_output(&folder, output, surveyed, error);
    if (code == 0)
        code = resolve(&from, folder, error);
    if (code == 0)
        code = resolve(&to, surveyed, error);
    if (code != 0)
        return code;
    const size_t size = strcmp(from, "/") == 0 ? 0 : strlen(from);
    if (strncmp(to, from, size) != 0 || (to[size] != '/' && to[size] != '\0')) {
        pack_fail(error, PACK_E_USAGE, "%s does not lie in the folder of %s", surveyed, output);
        return pack_hint(error, "a descriptor names files in its own folder and below");
    }
    const char *rest = to + size + (to[size] == '/');
    if (asprintf(prefix, "%s%s", rest, rest[0] != '\0' ? "/" : "") >= 0)
        return 0;
    *prefix = NULL;
    return pack_fail_memory(error);
}

static int default_output(char **output, const char *folder, struct pack_error *error)
{
    const bool here = strcmp(folder, ".") == 0;
    const bool slash = folder[strlen(folder) - 1] == '/';
    if (asprintf(output, "%s%sfwpack.yaml", here ? "" : folder, here || slash ? "" : "/") >= 0)
        return 0;
    *output = NULL;
    return pack_fail_memory(error);
}

static int write_file(struct cli *cli, const char *path, const char *text, size_t size,
                      struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    int code = cli_output_open(cli, &output, path, PACK_OUTPUT_NEW, NULL, error);
    if (code == PACK_E_EXISTS)
        return pack_hint(error, "init replaces nothing; name another file with -o");
    if (code == 0)
        code = pack_sink_write(pack_output_sink(output), text, size, error);
    return code != 0 ? code : pack_output_commit(&output, error);
}

/* --- the command ----------------------------------------------------------------------------- */

/* What the descriptor's `product` may be; see docs/descriptor.md. */
static int check_product(const char *product, struct pack_error *error)
{
    enum { MAX_PRODUCT = 255 };
    const size_t size = product != NULL ? strlen(product) : 0;
    if (product == NULL || (size != 0 && size <= MAX_PRODUCT && pack_text_plain(product, size) &&
                            strchr("-. ", product[0]) == NULL && product[size - 1] != ' ' &&
                            strchr(product, '/') == NULL))
        return 0;
    pack_fail(error, PACK_E_USAGE, "--product: \"%s\" is no name of a product", product);
    return pack_hint(error, "1 to 255 bytes of text without '/', not beginning with '-' or '.'");
}

static int expect_images(const struct survey *survey, struct pack_error *error)
{
    if (survey->image_count != 0)
        return 0;
    pack_fail(error, PACK_E_NOT_FOUND, "no firmware image found");
    pack_hint(error, "build the images first, or name the folder that holds them");
    return pack_at_file(error, survey->folder);
}

static void print_survey(struct cli *cli, const struct survey *survey, const char *output)
{
    cli_print_styled(cli, STYLE_GOOD, "%s: product %s, version %s", output, survey->product,
                     survey->version);
    for (size_t i = 0; i < survey->image_count; i++)
        cli_print(cli, "  image %s: %s", survey->images[i].name, survey->images[i].path);
    if (survey->sbom != NULL)
        cli_print(cli, "  attachment sbom: %s", survey->sbom);
    if (survey->notes != NULL)
        cli_print(cli, "  attachment notes: %s", survey->notes);
    cli_note(cli, "look it over, above all 'compatible'; then: fwpack build %s", output);
}

static void json_survey(struct pack_json *json, const struct survey *survey, const char *output,
                        const char *text)
{
    pack_json_string(json, "descriptor", output);
    pack_json_string(json, "product", survey->product);
    pack_json_string(json, "version", survey->version);
    pack_json_array(json, "images");
    for (size_t i = 0; i < survey->image_count; i++) {
        const struct survey_image *image = &survey->images[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "name", image->name);
        pack_json_string(json, "file", image->path);
        pack_json_string(json, "format", image->segmented ? image->format->name : "raw");
        pack_json_end(json);
    }
    pack_json_end(json);
    pack_json_object(json, "attachments");
    if (survey->sbom != NULL)
        pack_json_string(json, "sbom", survey->sbom);
    if (survey->notes != NULL)
        pack_json_string(json, "notes", survey->notes);
    pack_json_end(json);
    pack_json_string(json, "text", text);
}

static int write_result(struct cli *cli, struct survey *survey, const char *output,
                        struct pack_error *error)
{
    CLI_AUTO_FREE char *prefix = NULL;
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    int code = make_prefix(&prefix, output, survey->folder, error);
    if (code == 0)
        code = survey_add_prefix(survey, prefix, error);
    if (code == 0)
        code = starter_write(&text, &size, survey, error);
    if (code != 0)
        return code;
    if (cli->dry_run || cli->to_stdout)
        cli_write(cli, text, size);
    else
        code = write_file(cli, output, text, size, error);
    if (code != 0)
        return code;
    if (cli->dry_run)
        cli_note(cli, "would write %s", output);
    else if (!cli->to_stdout)
        print_survey(cli, survey, output);
    json_survey(cli_json(cli), survey, output, text);
    return 0;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(survey_clear) struct survey survey = {0};
    CLI_AUTO_FREE char *beside = NULL;
    const char *folder = arguments_at(arguments, 0);
    const char *output = arguments_value(arguments, "output");
    const char *product = arguments_value(arguments, "product");
    if (folder == NULL)
        folder = ".";
    int code = check_product(product, error);
    if (code == 0)
        code = survey_folder(&survey, cli, folder, error);
    if (code == 0)
        code = expect_images(&survey, error);
    if (product != NULL)
        snprintf(survey.product, sizeof survey.product, "%s", product);
    if (code == 0 && output == NULL) {
        code = default_output(&beside, folder, error);
        output = beside;
    }
    return code != 0 ? code : write_result(cli, &survey, output, error);
}

static const struct option options[] = {
    {.name = "product",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help = "the product's name (the folder's)"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "DIR", .kind = OPTION_FOLDER, .optional = true},
    {.name = NULL},
};

const struct command command_init = {
    .name = "init",
    .summary = "write a descriptor for what a folder holds",
    .synopsis = "[DIR] [-o FILE] [--product NAME]",
    .description =
        "Looks through a folder, three levels deep, for firmware images (by what they begin with, "
        "or by their suffix), an SBOM, release notes, and a version (a VERSION file, else a git "
        "tag), and writes a commented descriptor that passes lint: DIR/fwpack.yaml, or what -o "
        "names. An existing file is never replaced; -n shows the descriptor instead.\n\n"
        "What init cannot know stands in the descriptor to be looked over: the hardware that the "
        "release fits, the slots of the device, budgets.",
    .examples = "fwpack init\n"
                "fwpack init build --product acme-gateway -n\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES,
    .exits = NULL,
    .run = run,
};
