/* SPDX-License-Identifier: MIT */
#include "depfile.h"

#include <string.h>

/* What make reads as one word: blanks, # and $ escaped as gcc does. */
static int write_word(struct pack_sink *sink, const char *word, struct pack_error *error)
{
    int code = 0;
    for (const char *c = word; code == 0 && *c != '\0'; c++) {
        if (*c == '\n') {
            pack_fail(error, PACK_E_USAGE, "a name with a line feed cannot stand in a depfile");
            return pack_at_file(error, word);
        }
        if (*c == ' ' || *c == '\t' || *c == '#')
            code = pack_sink_write(sink, "\\", 1, error);
        else if (*c == '$')
            code = pack_sink_write(sink, "$", 1, error);
        if (code == 0)
            code = pack_sink_write(sink, c, 1, error);
    }
    return code;
}

static int write_input(struct pack_sink *sink, const char *name, struct pack_error *error)
{
    static const char next[] = " \\\n  ";
    if (strcmp(name, "-") == 0)
        return 0;
    const int code = pack_sink_write(sink, next, sizeof next - 1, error);
    return code != 0 ? code : write_word(sink, name, error);
}

static int write_rule(struct pack_sink *sink, const char *target,
                      const struct pack_descriptor *descriptor, const char *sbom,
                      struct pack_error *error)
{
    int code = write_word(sink, target, error);
    if (code == 0)
        code = pack_sink_write(sink, ":", 1, error);
    for (size_t i = 0; code == 0 && i < descriptor->source_count; i++)
        code = write_input(sink, descriptor->sources[i], error);
    for (size_t i = 0; code == 0 && i < descriptor->image_count; i++)
        code = write_input(sink, descriptor->images[i].path, error);
    for (size_t i = 0; code == 0 && i < descriptor->attachment_count; i++)
        code = write_input(sink, descriptor->attachments[i].path, error);
    if (code == 0 && sbom != NULL)
        code = write_input(sink, sbom, error);
    return code != 0 ? code : pack_sink_write(sink, "\n", 1, error);
}

int depfile_write(struct cli *cli, struct pack_output **output, const char *path,
                  const char *target, const struct pack_descriptor *descriptor, const char *sbom,
                  struct pack_error *error)
{
    const int code = cli_output_open(cli, output, path, PACK_OUTPUT_DEFAULT, NULL, error);
    return code != 0 ? code
                     : write_rule(pack_output_sink(*output), target, descriptor, sbom, error);
}
