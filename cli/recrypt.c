/* SPDX-License-Identifier: MIT */
#include "recrypt.h"

#include "bundle_lock.h"
#include "encryption.h"

#include "pack/bundle.h"

#include <string.h>

struct recrypting {
    struct cli *cli;
    const struct arguments *arguments;
    const char *verb; /* "encrypted" */
    const char *path, *output;
    struct cli_keys keys;
    struct pack_age_recipients *recipients; /* NULL: to decrypt */
    struct pack_age_identities *identities;
    struct pack_trust *trust;
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
    struct pack_bundle_crypt_report report;
};

static void recrypting_clear(struct recrypting *recrypting)
{
    pack_bundle_crypt_report_clear(&recrypting->report);
    pack_trusted_free(&recrypting->trusted);
    pack_bundle_close(&recrypting->bundle);
    pack_input_close(&recrypting->input);
    pack_trust_free(&recrypting->trust);
    pack_age_identities_free(&recrypting->identities);
    pack_age_recipients_free(&recrypting->recipients);
    cli_keys_free(&recrypting->keys);
}

/* --- what is given --------------------------------------------------------------------------- */

static bool holds(const struct recrypting *recrypting, enum pack_role role)
{
    for (size_t i = 0; i < recrypting->keys.count; i++)
        if ((recrypting->keys.roles[i] & 1U << role) != 0)
            return true;
    return false;
}

/* The new delivery.json must be signed, or nobody would take the bundle. */
static int load_keys(struct recrypting *recrypting, struct pack_error *error)
{
    const int code = cli_keys_load(&recrypting->keys, recrypting->cli, error);
    if (code != 0 || holds(recrypting, PACK_ROLE_DELIVERY))
        return code;
    pack_fail(error, PACK_E_USAGE,
              recrypting->keys.count == 0 ? "no key to sign the new delivery.json with"
                                          : "no key among these signs deliveries");
    return pack_hint(error, "give -k KEY, one made with --purpose delivery, or for any purpose");
}

static int load_recipients(struct recrypting *recrypting, bool encrypts, struct pack_error *error)
{
    if (!encrypts)
        return 0;
    const int code = cli_recipients_open(&recrypting->recipients, recrypting->cli, error);
    if (code != 0 || recrypting->recipients != NULL)
        return code;
    pack_fail(error, PACK_E_USAGE, "nobody to encrypt to");
    return pack_hint(error, "give --encrypt-to RECIPIENT, or --encrypt-passphrase");
}

/* --- the bundle ------------------------------------------------------------------------------ */

static int open_bundle(struct recrypting *recrypting, struct pack_error *error)
{
    CLI_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return pack_fail_memory(error);
    int code =
        bundle_lock(&recrypting->input, recrypting->cli, recrypting->path, recrypting->verb, error);
    if (code == 0)
        code = pack_bundle_open(&recrypting->bundle, recrypting->input, recrypting->cli->context,
                                error);
    if (code == 0)
        code = pack_bundle_trust(&recrypting->trusted, recrypting->bundle, recrypting->trust,
                                 report, error);
    if (code == 0)
        pack_trusted_use_identities(recrypting->trusted, recrypting->identities);
    return code;
}

/* An encoding that destroys its base counts only on a release key's word. */
static void warn_of_in_place(const struct recrypting *recrypting)
{
    const struct pack_delivery *delivery = pack_trusted_delivery(recrypting->trusted);
    bool in_place = false;
    for (size_t i = 0; i < delivery->image_count; i++)
        for (size_t e = 0; e < delivery->images[i].encoding_count; e++)
            in_place = in_place || delivery->images[i].encodings[e].has_in_place;
    if (in_place && !holds(recrypting, PACK_ROLE_RELEASE))
        cli_warn(recrypting->cli, "a delta in place counts only when a release key has signed "
                                  "delivery.json too: fwpack sign --role delivery -k RELEASE.key");
}

static int write_bundle(struct recrypting *recrypting, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    const struct pack_bundle_crypt_options options = {.signer_count = recrypting->keys.count,
                                                      .signers = recrypting->keys.signers,
                                                      .signer_roles = recrypting->keys.roles};
    const struct pack_release *release = pack_trusted_release(recrypting->trusted);
    const bool in_place = strcmp(recrypting->output, recrypting->path) == 0;
    cli_journal_about(&recrypting->keys, recrypting->output, release->product, release->version);
    int code = cli_output_open(recrypting->cli, &output, recrypting->output, PACK_OUTPUT_SEEKABLE,
                               in_place ? NULL : recrypting->input, error);
    if (code == 0)
        code = recrypting->recipients != NULL
                   ? pack_bundle_encrypt(output, recrypting->trusted, recrypting->recipients,
                                         &options, &recrypting->report, error)
                   : pack_bundle_decrypt(output, recrypting->trusted, &options, &recrypting->report,
                                         error);
    if (code != 0 || recrypting->cli->dry_run)
        return code;
    if (in_place && !bundle_is_current(recrypting->input, recrypting->path))
        return pack_fail(error, PACK_E_CHANGED, "was replaced while it was being %s",
                         recrypting->verb);
    return pack_output_commit(&output, error);
}

/* --- results --------------------------------------------------------------------------------- */

static const char *const kinds[] = {[PACK_ENCODING_FULL] = "full",
                                    [PACK_ENCODING_DELTA] = "delta",
                                    [PACK_ENCODING_KEEP] = "keep",
                                    [PACK_ENCODING_OTHER] = "other"};

static void print_report(const struct recrypting *recrypting)
{
    struct cli *cli = recrypting->cli;
    const struct pack_bundle_crypt_report *report = &recrypting->report;
    cli_print_styled(cli, STYLE_GOOD, "%s: %llu bytes%s; revision %llu", recrypting->output,
                     (unsigned long long)report->size, cli->dry_run ? " would be written" : "",
                     (unsigned long long)report->revision);
    for (size_t i = 0; i < report->count; i++) {
        const struct pack_bundle_crypt_payload *payload = &report->payloads[i];
        cli_print(cli, "  image %s, %s: %llu bytes, %llu encrypted", payload->image,
                  kinds[payload->kind], (unsigned long long)payload->plain_size,
                  (unsigned long long)payload->stored_size);
    }
    if (recrypting->recipients != NULL) {
        const size_t count = pack_age_recipients_count(recrypting->recipients);
        cli_print(cli, "  %s to %zu recipient%s", recrypting->verb, count, count == 1 ? "" : "s");
        cli_note(cli, "names, sizes, hashes and attachments stay readable");
    }
}

static void json_report(const struct recrypting *recrypting)
{
    struct pack_json *json = cli_json(recrypting->cli);
    const struct pack_bundle_crypt_report *report = &recrypting->report;
    pack_json_string(json, "bundle", recrypting->output);
    pack_json_boolean(json, "changed", !recrypting->cli->dry_run);
    pack_json_unsigned(json, "size", report->size);
    pack_json_unsigned(json, "revision", report->revision);
    pack_json_hex(json, "release_sha256", pack_trusted_release_sha256(recrypting->trusted),
                  PACK_SHA256_SIZE);
    pack_json_hex(json, "delivery_sha256", report->delivery_sha256, PACK_SHA256_SIZE);
    if (recrypting->recipients != NULL)
        pack_json_unsigned(json, "recipients", pack_age_recipients_count(recrypting->recipients));
    pack_json_array(json, "payloads");
    for (size_t i = 0; i < report->count; i++) {
        pack_json_object(json, NULL);
        pack_json_string(json, "image", report->payloads[i].image);
        pack_json_string(json, "type", kinds[report->payloads[i].kind]);
        pack_json_unsigned(json, "plain_size", report->payloads[i].plain_size);
        pack_json_unsigned(json, "encrypted_size", report->payloads[i].stored_size);
        pack_json_end(json);
    }
    pack_json_end(json);
    pack_json_array(json, "signers");
    for (size_t i = 0; i < recrypting->keys.count; i++)
        if ((recrypting->keys.roles[i] & 1U << PACK_ROLE_DELIVERY) != 0)
            pack_json_string(json, NULL, recrypting->keys.signers[i].key->keyid);
    pack_json_end(json);
}

/* --- all of it ------------------------------------------------------------------------------- */

int recrypt_bundle(struct cli *cli, const struct arguments *arguments, bool encrypts,
                   struct pack_error *error)
{
    const char *output = arguments_value(arguments, "output");
    CLI_AUTO(recrypting_clear)
    struct recrypting recrypting = {.cli = cli,
                                    .arguments = arguments,
                                    .verb = encrypts ? "encrypted" : "decrypted",
                                    .path = arguments_at(arguments, 0)};
    recrypting.output = output != NULL ? output : recrypting.path;
    int code = cli_trust(&recrypting.trust, cli, error);
    if (code == 0)
        code = load_recipients(&recrypting, encrypts, error);
    if (code == 0)
        code = load_keys(&recrypting, error);
    if (code == 0)
        code = cli_identities_open(&recrypting.identities, cli, !encrypts, error);
    if (code == 0)
        code = open_bundle(&recrypting, error);
    if (code == 0)
        warn_of_in_place(&recrypting);
    if (code == 0)
        code = write_bundle(&recrypting, error);
    if (code != 0)
        return pack_at_file(error, recrypting.path);
    print_report(&recrypting);
    json_report(&recrypting);
    return 0;
}
