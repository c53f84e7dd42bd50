/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "delta_report.h"
#include "describe.h"
#include "extras.h"
#include "key_command.h"
#include "signers.h"

#include "pack/bundle.h"
#include "pack/image.h"

#include <stdio.h>
#include <string.h>

struct inspection {
    struct cli *cli;
    const struct arguments *arguments;
    const char *path;
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_release *release;
    struct pack_delivery *delivery;
    struct pack_release_meta *meta;
    struct pack_member *members;
    size_t member_count;
};

static void inspection_clear(struct inspection *inspection)
{
    pack_members_free(&inspection->members, inspection->member_count);
    pack_release_meta_free(&inspection->meta);
    pack_release_free(&inspection->release);
    pack_delivery_free(&inspection->delivery);
    pack_bundle_close(&inspection->bundle);
    pack_input_close(&inspection->input);
}

/* --- a bundle -------------------------------------------------------------------------------- */

static const char *const kinds[] = {[PACK_ENCODING_FULL] = "full",
                                    [PACK_ENCODING_DELTA] = "delta",
                                    [PACK_ENCODING_KEEP] = "keep",
                                    [PACK_ENCODING_OTHER] = "unknown"};

static void print_base(struct cli *cli, const struct pack_encoding *encoding)
{
    char hex[PACK_SHA256_HEX_SIZE];
    pack_sha256_hex(encoding->base_sha256, hex);
    cli_print(cli, "      from %llu bytes, sha256 %s", (unsigned long long)encoding->base_size,
              hex);
    if (encoding->decoder != NULL)
        cli_print(cli, "      decoder %s, %llu bytes of memory%s", encoding->decoder,
                  (unsigned long long)encoding->decoder_memory,
                  encoding->has_in_place ? ", in place" : "");
}

static void print_encoding(struct cli *cli, const struct pack_encoding *encoding)
{
    if (encoding->codec == NULL)
        cli_print(cli, "    %s", kinds[encoding->kind]);
    else
        cli_print(cli, "    %s, %s, %llu bytes stored%s%s", kinds[encoding->kind], encoding->codec,
                  (unsigned long long)encoding->size, encoding->unsupported != NULL ? "; " : "",
                  encoding->unsupported != NULL ? encoding->unsupported : "");
    if (encoding->encrypted && encoding->supported)
        cli_print(cli, "      encrypted with %s to %llu recipient%s, %llu bytes before",
                  encoding->encryption, (unsigned long long)encoding->recipient_count,
                  encoding->recipient_count == 1 ? "" : "s",
                  (unsigned long long)encoding->inner_size);
    if (encoding->kind == PACK_ENCODING_DELTA)
        print_base(cli, encoding);
}

static void print_image(struct cli *cli, const struct pack_release_image *image,
                        const struct pack_delivery_image *delivered)
{
    char hex[PACK_SHA256_HEX_SIZE];
    pack_sha256_hex(image->sha256, hex);
    cli_print(cli, "  image %s: slot %s, %llu bytes%s%s", image->name, image->slot,
              (unsigned long long)image->size, image->version != NULL ? ", version " : "",
              image->version != NULL ? image->version : "");
    cli_print(cli, "    sha256 %s, blocks of %u bytes", hex, image->block_size);
    for (size_t i = 0; i < image->segment_count; i++)
        cli_print(cli, "    segment at 0x%08llx, %llu bytes",
                  (unsigned long long)image->segments[i].address,
                  (unsigned long long)image->segments[i].size);
    if (image->has_entry)
        cli_print(cli, "    entry 0x%08llx", (unsigned long long)image->entry);
    for (size_t i = 0; i < delivered->encoding_count; i++)
        print_encoding(cli, &delivered->encodings[i]);
}

static void print_texts(struct cli *cli, const char *what, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cli_print(cli, "  %s %s", what, texts[i]);
}

static void print_release(struct cli *cli, const struct pack_release *release)
{
    cli_print(cli, "  product %s", release->product);
    cli_print(cli, "  version %s, security version %llu, data epoch %llu", release->version,
              (unsigned long long)release->security_version,
              (unsigned long long)release->data_epoch);
    for (size_t i = 0; i < release->compatible_count; i++)
        cli_print(cli, "  for %s", release->compatible[i]);
    if (release->requires_from != NULL)
        cli_print(cli, "  updates from versions %s", release->requires_from);
    if (release->has_created)
        cli_print(cli, "  created %llu (seconds since 1970)", (unsigned long long)release->created);
}

/* Of meta what it is known for first. */
static void print_meta(const struct inspection *inspection)
{
    struct cli *cli = inspection->cli;
    const struct pack_release_meta *meta = inspection->meta;
    if (meta->urgency != NULL)
        cli_print(cli, "  urgency %s", meta->urgency);
    print_texts(cli, "fixes", meta->cves, meta->cve_count);
    print_texts(cli, "licence", meta->licences, meta->licence_count);
    if (inspection->release->meta != NULL)
        cli_print(cli, "  meta %s", inspection->release->meta);
}

static void print_bundle(const struct inspection *inspection)
{
    struct cli *cli = inspection->cli;
    const struct pack_release *release = inspection->release;
    cli_print(cli, "%s: a bundle", inspection->path);
    print_release(cli, release);
    print_meta(inspection);
    for (size_t i = 0; i < release->image_count; i++)
        print_image(cli, &release->images[i], &inspection->delivery->images[i]);
    for (size_t i = 0; i < release->attachment_count; i++)
        cli_print(cli, "  attachment %s: %llu bytes", release->attachments[i].name,
                  (unsigned long long)release->attachments[i].size);
    for (size_t i = 0; i < inspection->delivery->attestation_count; i++)
        cli_print(cli, "  attestation %zu: %llu bytes", i,
                  (unsigned long long)inspection->delivery->attestations[i].size);
    signatures_print(cli, inspection->bundle, PACK_ROLE_RELEASE);
    signatures_print(cli, inspection->bundle, PACK_ROLE_DELIVERY);
    extras_print(cli, inspection->bundle);
    if (arguments_flag(inspection->arguments, "tree"))
        for (size_t i = 0; i < inspection->member_count; i++)
            cli_print(cli, "  %12llu %12llu  %s", (unsigned long long)inspection->members[i].offset,
                      (unsigned long long)inspection->members[i].size, inspection->members[i].name);
    cli_note(cli, "nothing of this is proved: `fwpack verify` does that");
}

/* --- JSON of a bundle ------------------------------------------------------------------------ */

static void json_encryption(struct pack_json *json, const struct pack_encoding *encoding)
{
    pack_json_object(json, "encryption");
    pack_json_string(json, "type", encoding->encryption);
    if (encoding->supported) {
        pack_json_unsigned(json, "size", encoding->inner_size);
        pack_json_unsigned(json, "recipients", encoding->recipient_count);
    }
    pack_json_end(json);
}

static void json_encodings(struct pack_json *json, const struct pack_delivery_image *image)
{
    pack_json_array(json, "encodings");
    for (size_t i = 0; i < image->encoding_count; i++) {
        const struct pack_encoding *encoding = &image->encodings[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "type", kinds[encoding->kind]);
        if (encoding->codec != NULL) {
            pack_json_string(json, "codec", encoding->codec);
            pack_json_unsigned(json, "size", encoding->size);
        }
        pack_json_boolean(json, "supported", encoding->supported);
        if (encoding->encrypted)
            json_encryption(json, encoding);
        if (encoding->kind == PACK_ENCODING_DELTA) {
            pack_json_unsigned(json, "base_size", encoding->base_size);
            pack_json_hex(json, "base_sha256", encoding->base_sha256, PACK_SHA256_SIZE);
            pack_json_unsigned(json, "decoder_memory", encoding->decoder_memory);
            pack_json_boolean(json, "in_place", encoding->has_in_place);
        }
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void json_images(struct pack_json *json, const struct inspection *inspection)
{
    pack_json_array(json, "images");
    for (size_t i = 0; i < inspection->release->image_count; i++) {
        const struct pack_release_image *image = &inspection->release->images[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "name", image->name);
        pack_json_string(json, "slot", image->slot);
        if (image->version != NULL)
            pack_json_string(json, "version", image->version);
        if (image->format != NULL)
            pack_json_string(json, "format", image->format);
        pack_json_unsigned(json, "size", image->size);
        pack_json_hex(json, "sha256", image->sha256, PACK_SHA256_SIZE);
        json_encodings(json, &inspection->delivery->images[i]);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void json_members(struct pack_json *json, const struct inspection *inspection)
{
    pack_json_array(json, "members");
    for (size_t i = 0; i < inspection->member_count; i++) {
        pack_json_object(json, NULL);
        pack_json_string(json, "name", inspection->members[i].name);
        pack_json_unsigned(json, "offset", inspection->members[i].offset);
        pack_json_unsigned(json, "size", inspection->members[i].size);
        pack_json_end(json);
    }
    pack_json_end(json);
}

/* The documents stand in it as they stand in the bundle. */
static void json_document(const struct inspection *inspection, enum pack_role role)
{
    size_t size = 0;
    const char *text = pack_bundle_document(inspection->bundle, role, &size);
    while (size > 0 && strchr(" \n\r\t", text[size - 1]) != NULL)
        size--;
    CLI_AUTO_FREE char *copy = strndup(text, size);
    if (copy != NULL)
        pack_json_raw(cli_json(inspection->cli), pack_role_name(role), copy);
    else
        inspection->cli->failed = true;
}

static void json_bundle(const struct inspection *inspection)
{
    struct pack_json *json = cli_json(inspection->cli);
    const struct pack_release *release = inspection->release;
    pack_json_string(json, "file", inspection->path);
    pack_json_string(json, "kind", "bundle");
    pack_json_boolean(json, "verified", false);
    pack_json_string(json, "product", release->product);
    pack_json_string(json, "version", release->version);
    pack_json_unsigned(json, "security_version", release->security_version);
    json_images(json, inspection);
    signatures_json(json, inspection->bundle);
    extras_json(json, inspection->bundle);
    json_members(json, inspection);
    json_document(inspection, PACK_ROLE_RELEASE);
    json_document(inspection, PACK_ROLE_DELIVERY);
}

static int inspect_bundle(struct inspection *inspection, struct pack_error *error)
{
    int code = pack_bundle_parse_untrusted(inspection->bundle, &inspection->release,
                                           &inspection->delivery, error);
    if (code == 0)
        code = pack_release_meta_read(&inspection->meta, inspection->release, error);
    if (code == 0)
        code = pack_bundle_members(inspection->bundle, inspection->release, inspection->delivery,
                                   &inspection->members, &inspection->member_count, error);
    if (code != 0)
        return code;
    print_bundle(inspection);
    json_bundle(inspection);
    return 0;
}

/* --- a patch --------------------------------------------------------------------------------- */

/* With the old image the whole patch is gone through, without it only what stands in front. */
static int read_patch(struct inspection *inspection, struct pack_patch *patch,
                      struct pack_error *error)
{
    const char *base = arguments_value(inspection->arguments, "base");
    struct pack_context context = *inspection->cli->context;
    uint8_t piece[16384];
    size_t got = sizeof piece;
    context.decoder_memory = UINT64_MAX / 2;
    if (base == NULL)
        return pack_patch_begin_tables(patch, &context, error);
    CLI_AUTO(pack_input_close) struct pack_input *old_image = NULL;
    int code = pack_input_open(&old_image, base, error);
    if (code == 0 && !old_image->seekable) {
        pack_fail(error, PACK_E_USAGE, "is a pipe, a base must be a file");
        return pack_at_file(error, base);
    }
    if (code == 0)
        code = pack_patch_begin(patch, &context, old_image, error);
    while (code == 0 && got != 0)
        code = pack_patch_read(patch, piece, sizeof piece, &got, error);
    return code;
}

static void print_patch(const struct inspection *inspection, const struct pack_patch_info *info,
                        const struct pack_delta_report *report)
{
    struct cli *cli = inspection->cli;
    char hex[PACK_SHA256_HEX_SIZE];
    cli_print(cli, "%s: a patch, version %u, %llu bytes", inspection->path, info->version,
              (unsigned long long)report->patch_size);
    pack_sha256_hex(info->old_sha256, hex);
    cli_print(cli, "  from %llu bytes, sha256 %s", (unsigned long long)info->old_size, hex);
    pack_sha256_hex(info->new_sha256, hex);
    cli_print(cli, "  to %llu bytes, sha256 %s", (unsigned long long)info->new_size, hex);
    cli_print(cli, "  decoder %s, %llu bytes of memory", pack_delta_decoder_name(info->decoder),
              (unsigned long long)info->memory);
    if (info->in_place != 0)
        cli_print(cli, "  in place: pages of %u bytes, %u bytes of scratch flash", info->in_place,
                  info->scratch);
    delta_report_print(cli, 2, report);
    if (!info->stored && arguments_value(inspection->arguments, "base") == NULL)
        cli_print(cli, "  the rest is told with the old image: --base OLD");
}

static void json_patch(const struct inspection *inspection, const struct pack_patch_info *info,
                       const struct pack_delta_report *report)
{
    struct pack_json *json = cli_json(inspection->cli);
    pack_json_string(json, "file", inspection->path);
    pack_json_string(json, "kind", "patch");
    pack_json_boolean(json, "verified", false);
    pack_json_unsigned(json, "version", info->version);
    pack_json_unsigned(json, "size", report->patch_size);
    pack_json_unsigned(json, "old_size", info->old_size);
    pack_json_hex(json, "old_sha256", info->old_sha256, PACK_SHA256_SIZE);
    pack_json_unsigned(json, "new_size", info->new_size);
    pack_json_hex(json, "new_sha256", info->new_sha256, PACK_SHA256_SIZE);
    pack_json_string(json, "decoder", pack_delta_decoder_name(info->decoder));
    pack_json_unsigned(json, "decoder_memory", info->memory);
    if (info->in_place != 0) {
        pack_json_unsigned(json, "page_size", info->in_place);
        pack_json_unsigned(json, "scratch", info->scratch);
    }
    pack_json_boolean(json, "complete", arguments_value(inspection->arguments, "base") != NULL);
    delta_report_json(json, report);
}

static int inspect_patch(struct inspection *inspection, struct pack_error *error)
{
    struct pack_patch *patch = NULL;
    struct pack_delta_report report = {.stored = false};
    int code = pack_patch_open(&patch, inspection->input, error);
    if (code == 0)
        code = read_patch(inspection, patch, error);
    if (code == 0) {
        pack_patch_report(patch, &report);
        if (pack_patch_info(patch)->unpacked)
            snprintf(report.unpacked, sizeof report.unpacked, "packed parts");
        print_patch(inspection, pack_patch_info(patch), &report);
        json_patch(inspection, pack_patch_info(patch), &report);
    }
    pack_patch_close(&patch);
    return code;
}

static int is_patch(const struct inspection *inspection, bool *patch, struct pack_error *error)
{
    const struct pack_format *format = NULL;
    const int code =
        pack_image_identify(&format, inspection->input, inspection->cli->context, error);
    *patch = code == 0 && format != NULL &&
             strcmp(format->name, pack_delta_format_name(PACK_DELTA_FWD)) == 0;
    return code;
}

/* --- anything else --------------------------------------------------------------------------- */

static int inspect_other(struct inspection *inspection,
                         int (*describe)(struct cli *, const char *, struct pack_error *),
                         const char *kind, struct pack_error *error)
{
    struct pack_json *json = cli_json(inspection->cli);
    pack_json_string(json, "kind", kind);
    pack_json_boolean(json, "verified", false);
    pack_json_array(json, "results");
    const int code = describe(inspection->cli, inspection->path, error);
    pack_json_end(json);
    if (code == 0)
        cli_note(inspection->cli, "this is what the file says of itself; nothing is proved");
    return code;
}

static bool is_key(const char *path)
{
    struct pack_key_info key;
    struct pack_error ignored = {0};
    return key_is_sealed(path) || pack_key_info_load(&key, path, &ignored) == 0;
}

/* A bundle is known by its first member; what is none is a root, a key or an image. */
static int inspect(struct inspection *inspection, struct pack_error *error)
{
    uint8_t head[16];
    size_t got = 0;
    int code = pack_input_open(&inspection->input, inspection->path, error);
    if (code == 0 && !inspection->input->seekable) {
        pack_fail(error, PACK_E_USAGE, "is a pipe, inspect needs a file");
        return pack_hint(error, "write it to a file first");
    }
    if (code == 0)
        code = pack_input_read(inspection->input, 0, head, sizeof head, &got, error);
    if (code != 0)
        return code;
    if (pack_bundle_probe(head, got) && arguments_value(inspection->arguments, "base") == NULL) {
        code = pack_bundle_open(&inspection->bundle, inspection->input, inspection->cli->context,
                                error);
        return code != 0 ? code : inspect_bundle(inspection, error);
    }
    bool patch = false;
    code = is_patch(inspection, &patch, error);
    if (code != 0 || patch)
        return code != 0 ? code : inspect_patch(inspection, error);
    if (arguments_value(inspection->arguments, "base") != NULL)
        return pack_fail(error, PACK_E_USAGE, "--base goes with a patch, this is none");
    if (is_root(inspection->path))
        return inspect_other(inspection, describe_root, "root", error);
    if (key_is_age(inspection->path))
        return inspect_other(inspection, key_describe_age, "age", error);
    return is_key(inspection->path) ? inspect_other(inspection, describe_key, "key", error)
                                    : inspect_other(inspection, describe_image, "image", error);
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(inspection_clear)
    struct inspection inspection = {
        .cli = cli, .arguments = arguments, .path = arguments_at(arguments, 0)};
    const int code = inspect(&inspection, error);
    return code != 0 ? pack_at_file(error, inspection.path) : 0;
}

static const struct option options[] = {
    {.name = "tree", .help = "list every member with its offset and size"},
    {.name = "base",
     .kind = OPTION_PATH,
     .value = "OLD",
     .help = "of a patch: the old image, to tell where all of its bytes went"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "FILE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_inspect = {
    .name = "inspect",
    .summary = "say what a bundle, image, patch, key or root holds, without trust",
    .synopsis = "FILE [--tree] [--base OLD]",
    .description =
        "Shows what the file says of itself: a bundle's product, versions, images, encodings and "
        "signers; an image's headers; a patch's base, what applying it takes, and where its bytes "
        "went; a key's ids; a trust root's roles and keys. Nothing is verified, and nothing of it "
        "may be "
        "believed: verify proves a bundle.",
    .examples = "fwpack inspect acme-1.2.3.fwb\n"
                "fwpack inspect --json acme-1.2.3.fwb | jq .release.version\n"
                "fwpack inspect app.fwd --base app-1.bin\n",
    .positionals = positionals,
    .options = options,
    .exits = EXITS(3, 13, 16),
    .run = run,
};
