/* SPDX-License-Identifier: MIT */
#include "attest_input.h"
#include "bundle_lock.h"
#include "cli.h"
#include "commands.h"

#include "pack/bundle.h"

#include <stdio.h>
#include <string.h>

struct attesting {
    struct cli *cli;
    bool embeds; /* into the bundle, in place of a file of its own */
    const char *path;
    const char *output;
    char *beside; /* the name of the output, where -o gives none */
    struct attest_input input;
    struct cli_keys keys;
    struct pack_trust *trust;
    struct pack_input *file;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
    char (*envelope_ids)[PACK_SHA256_HEX_SIZE]; /* by key */
    char *envelope;
    size_t envelope_size;
    struct pack_bundle_embed_report embedded;
};

static void attesting_clear(struct attesting *attesting)
{
    free(attesting->envelope_ids);
    free(attesting->envelope);
    free(attesting->beside);
    pack_trusted_free(&attesting->trusted);
    pack_bundle_close(&attesting->bundle);
    pack_input_close(&attesting->file);
    pack_trust_free(&attesting->trust);
    cli_keys_free(&attesting->keys);
    attest_input_clear(&attesting->input);
}

/* --- what is attested ------------------------------------------------------------------------ */

static int verify_bundle(struct attesting *attesting, struct pack_error *error)
{
    CLI_AUTO_FREE struct pack_trust_report *signers = calloc(1, sizeof *signers);
    CLI_AUTO_FREE struct pack_verify_report *proved = calloc(1, sizeof *proved);
    if (signers == NULL || proved == NULL)
        return pack_fail_memory(error);
    int code = attesting->embeds ? bundle_lock(&attesting->file, attesting->cli, attesting->path,
                                               "attested", error)
                                 : pack_input_open(&attesting->file, attesting->path, error);
    if (code == 0)
        code =
            pack_bundle_open(&attesting->bundle, attesting->file, attesting->cli->context, error);
    if (code == 0)
        code = pack_bundle_trust(&attesting->trusted, attesting->bundle, attesting->trust, signers,
                                 error);
    if (code == 0)
        code = pack_bundle_verify(attesting->trusted, false, proved, error);
    return code != 0 ? pack_at_file(error, attesting->path) : 0;
}

static void set_role(struct cli_keys *keys, const char *role)
{
    for (size_t i = 0; i < keys->count; i++)
        keys->signers[i].role = role;
}

static int make_envelope(struct attesting *attesting, struct pack_error *error)
{
    struct pack_provenance *provenance = &attesting->input.provenance;
    CLI_AUTO_FREE char *statement = NULL;
    size_t size = 0;
    provenance->release = pack_trusted_release(attesting->trusted);
    provenance->release_sha256 = pack_trusted_release_sha256(attesting->trusted);
    cli_journal_about(&attesting->keys, attesting->path, provenance->release->product,
                      provenance->release->version);
    set_role(&attesting->keys, "attestation");
    int code = pack_provenance_write(&statement, &size, provenance, error);
    if (code == 0)
        code = pack_envelope_sign(&attesting->envelope, &attesting->envelope_size, statement, size,
                                  attesting->keys.signers, attesting->keys.count, error);
    set_role(&attesting->keys, NULL);
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

static int name_output(struct attesting *attesting, struct pack_error *error)
{
    if (attesting->output == NULL && attesting->embeds)
        attesting->output = attesting->path;
    if (attesting->output != NULL)
        return 0;
    if (strcmp(attesting->path, "-") == 0) {
        pack_fail(error, PACK_E_USAGE, "standard input has no name to put the attestation beside");
        return pack_hint(error, "name the attestation's file with -o");
    }
    if (asprintf(&attesting->beside, "%s.dsse.json", attesting->path) < 0) {
        attesting->beside = NULL;
        return pack_fail_memory(error);
    }
    attesting->output = attesting->beside;
    return 0;
}

static int write_envelope(struct attesting *attesting, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    int code = cli_output_open(attesting->cli, &output, attesting->output, PACK_OUTPUT_DEFAULT,
                               attesting->file, error);
    if (code == 0)
        code = pack_sink_write(pack_output_sink(output), attesting->envelope,
                               attesting->envelope_size, error);
    if (code != 0 || attesting->cli->dry_run)
        return code;
    return pack_output_commit(&output, error);
}

static int embed(struct attesting *attesting, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    const struct pack_sign_request signers = {.signer_count = attesting->keys.count,
                                              .signers = attesting->keys.signers,
                                              .signer_roles = attesting->keys.roles};
    const bool in_place = strcmp(attesting->output, attesting->path) == 0;
    int code = cli_output_open(attesting->cli, &output, attesting->output, PACK_OUTPUT_SEEKABLE,
                               in_place ? NULL : attesting->file, error);
    if (code == 0)
        code = pack_bundle_embed(output, attesting->trusted, attesting->envelope,
                                 attesting->envelope_size, &signers, &attesting->embedded, error);
    if (code != 0 || attesting->cli->dry_run)
        return code;
    if (in_place && !bundle_is_current(attesting->file, attesting->path)) {
        pack_fail(error, PACK_E_CHANGED, "was replaced while it was being attested");
        return pack_at_file(error, attesting->path);
    }
    return pack_output_commit(&output, error);
}

/* --- results --------------------------------------------------------------------------------- */

static void report_signers(const struct attesting *attesting)
{
    struct pack_json *json = cli_json(attesting->cli);
    pack_json_array(json, "signers");
    for (size_t i = 0; i < attesting->keys.count; i++) {
        const struct pack_public_key *key = attesting->keys.signers[i].key;
        cli_print(attesting->cli, "  signed by %s", key->keyid);
        pack_json_object(json, NULL);
        pack_json_string(json, "keyid", key->keyid);
        pack_json_string(json, "envelope_keyid", attesting->envelope_ids[i]);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void report_place(const struct attesting *attesting)
{
    struct cli *cli = attesting->cli;
    struct pack_json *json = cli_json(cli);
    const struct pack_bundle_embed_report *embedded = &attesting->embedded;
    char member[48];
    snprintf(member, sizeof member, "attestations/%zu.dsse.json", embedded->number);
    pack_json_string(json, "bundle", attesting->embeds ? attesting->output : attesting->path);
    pack_json_string(json, "attestation", attesting->embeds ? member : attesting->output);
    if (!attesting->embeds) {
        cli_print_styled(cli, STYLE_GOOD, "%s: %s", attesting->output,
                         cli->dry_run ? "would be written" : "attestation written");
        return;
    }
    cli_print_styled(cli, STYLE_GOOD, "%s: %llu bytes%s; revision %llu", attesting->output,
                     (unsigned long long)embedded->size, cli->dry_run ? " would be written" : "",
                     (unsigned long long)embedded->revision);
    cli_print(cli, "  %s", member);
    pack_json_unsigned(json, "size", embedded->size);
    pack_json_unsigned(json, "revision", embedded->revision);
    pack_json_hex(json, "delivery_sha256", embedded->delivery_sha256, PACK_SHA256_SIZE);
}

static void report(const struct attesting *attesting)
{
    struct cli *cli = attesting->cli;
    struct pack_json *json = cli_json(cli);
    const struct pack_provenance *provenance = &attesting->input.provenance;
    const struct pack_release *release = provenance->release;
    report_place(attesting);
    cli_print(cli, "  product %s, version %s: %zu image%s and release.json", release->product,
              release->version, release->image_count, release->image_count == 1 ? "" : "s");
    cli_print(cli, "  builder %s", provenance->builder_id);
    if (provenance->invocation_id != NULL)
        cli_print(cli, "  invocation %s", provenance->invocation_id);
    pack_json_string(json, "product", release->product);
    pack_json_string(json, "version", release->version);
    pack_json_string(json, "builder_id", provenance->builder_id);
    if (provenance->invocation_id != NULL)
        pack_json_string(json, "invocation_id", provenance->invocation_id);
    report_signers(attesting);
}

/* --- the command ----------------------------------------------------------------------------- */

/* The new delivery.json must be signed, or nobody would take the bundle. */
static int check_delivery_key(const struct cli_keys *keys, struct pack_error *error)
{
    for (size_t i = 0; i < keys->count; i++)
        if ((keys->roles[i] & 1U << PACK_ROLE_DELIVERY) != 0)
            return 0;
    pack_fail(error, PACK_E_USAGE, "no key among these signs the new delivery.json");
    return pack_hint(error, "give one made with --purpose delivery, or for any purpose, or leave "
                            "out --embed");
}

/* How the envelope calls them: told in the end, when nothing may fail any more. */
static int name_keys(struct attesting *attesting, struct pack_error *error)
{
    int code = 0;
    attesting->envelope_ids = calloc(attesting->keys.count, sizeof *attesting->envelope_ids);
    if (attesting->envelope_ids == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; code == 0 && i < attesting->keys.count; i++)
        code = pack_dsse_keyid(attesting->keys.signers[i].key, attesting->envelope_ids[i], error);
    return code;
}

/* All that the command line says is judged before a key is asked for. */
static int prepare(struct attesting *attesting, const struct arguments *arguments,
                   struct pack_error *error)
{
    int code = name_output(attesting, error);
    if (code == 0)
        code = attest_input_read(&attesting->input, arguments, error);
    if (code == 0 && attesting->input.source != NULL)
        cli_note(attesting->cli, "the builder is what %s says: %s", attesting->input.source,
                 attesting->input.provenance.builder_id);
    if (code == 0)
        code = cli_trust(&attesting->trust, attesting->cli, error);
    if (code == 0)
        code = cli_keys_load(&attesting->keys, attesting->cli, error);
    if (code == 0 && attesting->keys.count == 0)
        code = cli_no_key(error);
    if (code == 0 && attesting->embeds)
        code = check_delivery_key(&attesting->keys, error);
    if (code == 0)
        code = name_keys(attesting, error);
    return code;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(attesting_clear)
    struct attesting attesting = {.cli = cli,
                                  .embeds = arguments_flag(arguments, "embed"),
                                  .path = arguments_at(arguments, 0),
                                  .output = arguments_value(arguments, "output")};
    int code = prepare(&attesting, arguments, error);
    if (code == 0)
        code = verify_bundle(&attesting, error);
    if (code == 0)
        code = make_envelope(&attesting, error);
    if (code == 0)
        code = attesting.embeds ? embed(&attesting, error) : write_envelope(&attesting, error);
    if (code != 0)
        return code;
    report(&attesting);
    return 0;
}

static const struct option options[] = {
    {.name = "embed", .help = "put it into the bundle, whose delivery.json is made anew"},
    ATTEST_OPTIONS,
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = NULL},
};

const struct command command_attest = {
    .name = "attest",
    .summary = "say, signed, how a bundle's images were built",
    .synopsis = "BUNDLE -k KEY... -p [ROLE=]PUB... [--builder-id URI] [--invocation-id ID] "
                "[--parameter NAME=VALUE]... [--dependency URI@ALG:HEX]... [--embed] [-o FILE]",
    .description =
        "Proves the bundle as verify does, and writes an in-toto statement with SLSA provenance "
        "of its images and release.json, signed by each key, in a DSSE envelope: what built "
        "them, from what, with which parameters. Stock tools read and check it; "
        "docs/provenance.md says what each member holds. Without -o the envelope is "
        "BUNDLE.dsse.json.\n\n"
        "--embed puts it into the bundle instead, in place by default and under the lock that sign "
        "takes: release.json and its signatures stay byte for byte, delivery.json lists it, has "
        "the next revision, and is signed by those keys that sign deliveries.\n\n"
        "Under GitHub Actions the builder is $GITHUB_SERVER_URL/$GITHUB_WORKFLOW_REF and the "
        "invocation is the run and attempt; under GitLab CI they are "
        "$CI_PROJECT_URL/-/runners/$CI_RUNNER_ID and $CI_JOB_URL. Elsewhere --builder-id must "
        "name the builder.\n\n"
        "The same inputs give the same bytes. A time stands in it only where SOURCE_DATE_EPOCH "
        "is set. \"fwpack verify --attestation FILE\" proves it.",
    .examples = "fwpack attest acme-1.2.3.fwb -k ci.key -p release.pub \\\n"
                "    --builder-id https://ci.example.org/firmware \\\n"
                "    --dependency git+https://git.example.org/acme@gitCommit:$COMMIT\n"
                "fwpack verify acme-1.2.3.fwb -p release=release.pub -p delivery=ci.pub \\\n"
                "    --attestation acme-1.2.3.fwb.dsse.json\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_SIGNS | GROUP_TRUST,
    .exits = EXITS(3, 4, 10, 11, 12, 13, 14, 16, 17, 18),
    .run = run,
};
