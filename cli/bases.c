/* SPDX-License-Identifier: MIT */
#include "bases.h"

#include "encryption.h"

#include "pack/image.h"

struct base_file {
    struct pack_input *input;
    /* Of a bundle. */
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
    /* Of an image with addresses: its bytes without them. */
    struct pack_image *image;
    struct pack_input *segments;
};

static void base_file_clear(struct base_file *file)
{
    pack_trusted_free(&file->trusted);
    pack_bundle_close(&file->bundle);
    pack_input_close(&file->segments);
    pack_image_free(&file->image);
    pack_input_close(&file->input);
}

void cli_bases_close(struct cli_bases *bases)
{
    pack_bases_free(&bases->bases);
    for (size_t i = 0; bases->files != NULL && i < bases->count; i++)
        base_file_clear(&bases->files[i]);
    free(bases->files);
    pack_age_identities_free(&bases->identities);
    *bases = (struct cli_bases){.count = 0};
}

struct pack_context cli_decoder_context(const struct cli *cli)
{
    struct pack_context context = *cli->context;
    arguments_number(cli->arguments, "decoder-memory", &context.decoder_memory);
    return context;
}

static int add_bundle(const struct cli_bases *bases, struct base_file *file,
                      const struct pack_trust *trust, const char *path, struct pack_error *error)
{
    CLI_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return pack_fail_memory(error);
    int code = pack_bundle_open(&file->bundle, file->input, &bases->context, error);
    if (code == 0)
        code = pack_bundle_trust(&file->trusted, file->bundle, trust, report, error);
    if (code != 0)
        return code;
    pack_trusted_use_identities(file->trusted, bases->identities);
    return pack_bases_add_bundle(bases->bases, file->trusted, path, error);
}

/* Images of a release with addresses are their segments in a row; what cannot be read is none. */
static int add_segments(struct pack_bases *bases, struct base_file *file, struct cli *cli,
                        const char *path, struct pack_error *error)
{
    const struct pack_format *format = NULL;
    struct pack_error ignored = {0};
    int code = pack_image_identify(&format, file->input, cli->context, error);
    if (code != 0 || format == NULL || format->read == NULL ||
        (format->abilities & PACK_FORMAT_SEGMENTED) == 0 ||
        pack_image_read(&file->image, format, file->input, &ignored) != 0)
        return code;
    code = pack_input_memory(&file->segments, file->image->bytes, (size_t)file->image->size, path,
                             error);
    return code != 0 ? code : pack_bases_add(bases, file->segments, path, error);
}

static int add_file(struct cli_bases *bases, struct cli *cli, const struct pack_trust *trust,
                    const char *path, struct pack_error *error)
{
    struct base_file *file = &bases->files[bases->count++];
    uint8_t head[16];
    size_t got = 0;
    int code = pack_input_open(&file->input, path, error);
    if (code == 0 && !file->input->seekable)
        code = pack_fail(error, PACK_E_USAGE, "is a pipe, a base must be a file");
    if (code == 0)
        code = pack_input_read(file->input, 0, head, sizeof head, &got, error);
    if (code == 0 && pack_bundle_probe(head, got))
        return add_bundle(bases, file, trust, path, error);
    if (code == 0)
        code = pack_bases_add(bases->bases, file->input, path, error);
    return code != 0 ? code : add_segments(bases->bases, file, cli, path, error);
}

void cli_bases_lend(const struct cli_bases *bases, struct pack_trusted *trusted)
{
    pack_trusted_use_bases(trusted, bases->bases);
    pack_trusted_use_identities(trusted, bases->identities);
}

int cli_bases_open(struct cli_bases *bases, struct cli *cli, bool asks,
                   const struct pack_trust *trust, struct pack_error *error)
{
    size_t count = 0;
    const char *const *paths = arguments_values(cli->arguments, "base", &count);
    *bases = (struct cli_bases){.context = cli_decoder_context(cli)};
    int code = cli_identities_open(&bases->identities, cli, asks, error);
    if (code == 0)
        code = pack_bases_new(&bases->bases, error);
    bases->files = calloc(count != 0 ? count : 1, sizeof *bases->files);
    if (code == 0 && bases->files == NULL)
        code = pack_fail_memory(error);
    for (size_t i = 0; code == 0 && i < count; i++) {
        code = add_file(bases, cli, trust, paths[i], error);
        if (code != 0)
            pack_at_file(error, paths[i]);
    }
    return code;
}
