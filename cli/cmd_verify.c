/* SPDX-License-Identifier: MIT */
#include "attestations.h"
#include "bases.h"
#include "cli.h"
#include "commands.h"
#include "detached.h"
#include "device.h"
#include "report.h"
#include "signers.h"

#include "pack/bundle.h"
#include "pack/version.h"

#include <string.h>

/* One bundle's verdict, from opening to the last byte. */
struct verdict {
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
    struct pack_trust_report *signers;
    struct pack_verify_report *proved;
    bool proved_all; /* every byte was read and found good */
    bool asked;      /* a device was, and said: */
    enum pack_decision decision;
    struct attestations attestations;
};

static void verdict_clear(struct verdict *verdict)
{
    attestations_clear(&verdict->attestations);
    free(verdict->proved);
    free(verdict->signers);
    pack_trusted_free(&verdict->trusted);
    pack_bundle_close(&verdict->bundle);
    pack_input_close(&verdict->input);
}

/* --- judging --------------------------------------------------------------------------------- */

static int check_policy(const struct verdict *verdict, const struct arguments *arguments,
                        struct pack_error *error)
{
    const struct pack_release *release = pack_trusted_release(verdict->trusted);
    uint64_t least = 0;
    if (arguments_number(arguments, "min-security-version", &least) &&
        release->security_version < least) {
        pack_fail(error, PACK_E_TOO_OLD, "security version %llu, at least %llu is wanted",
                  (unsigned long long)release->security_version, (unsigned long long)least);
        return pack_at_member(error, "release.json");
    }
    return 0;
}

static int check_complete(const struct verdict *verdict, struct pack_error *error)
{
    for (size_t i = 0; i < verdict->proved->image_count; i++) {
        const struct pack_image_report *image = &verdict->proved->images[i];
        if (image->proof == PACK_PROOF_PLAIN)
            continue;
        pack_fail(error, image->lacking, "image \"%s\" could not be rebuilt", image->name);
        return pack_hint(error, "wanted: %s", image->missing);
    }
    return 0;
}

/* What all bundles are judged by. */
struct court {
    struct cli *cli;
    const struct arguments *arguments;
    struct pack_trust *trust;
    struct cli_bases bases;
    struct cli_device device; /* of --device; all 0 without */
};

static void court_clear(struct court *court)
{
    cli_device_close(&court->device);
    cli_bases_close(&court->bases);
    pack_trust_free(&court->trust);
}

static int prove_attestations(struct verdict *verdict, const char *path, const struct court *court,
                              struct pack_error *error)
{
    const struct attestation_judge judge = {verdict->trusted, path};
    return attestations_verify(&verdict->attestations, court->arguments, &judge, error);
}

static int ask_device(struct verdict *verdict, const struct court *court, struct pack_error *error)
{
    if (court->device.device == NULL)
        return 0;
    const int code =
        pack_install_check(&court->device.engine, verdict->trusted, &verdict->decision, error);
    verdict->asked = code == 0 || verdict->decision != PACK_DECIDE_INSTALL;
    return code;
}

static int judge(struct verdict *verdict, const char *path, const struct court *court,
                 struct pack_error *error)
{
    const struct arguments *arguments = court->arguments;
    verdict->signers = calloc(1, sizeof *verdict->signers);
    verdict->proved = calloc(1, sizeof *verdict->proved);
    if (verdict->signers == NULL || verdict->proved == NULL)
        return pack_fail_memory(error);
    int code = pack_input_open(&verdict->input, path, error);
    if (code == 0)
        code = pack_bundle_open(&verdict->bundle, verdict->input, &court->bases.context, error);
    if (code == 0)
        code = pack_bundle_trust(&verdict->trusted, verdict->bundle, court->trust, verdict->signers,
                                 error);
    if (code == 0)
        cli_bases_lend(&court->bases, verdict->trusted);
    if (code == 0)
        code = pack_bundle_verify(verdict->trusted, arguments_flag(arguments, "flat"),
                                  verdict->proved, error);
    verdict->proved_all = code == 0;
    if (code == 0)
        code = check_policy(verdict, arguments, error);
    if (code == 0 && arguments_flag(arguments, "complete"))
        code = check_complete(verdict, error);
    if (code == 0)
        code = ask_device(verdict, court, error);
    if (code == 0)
        code = prove_attestations(verdict, path, court, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* --- text ------------------------------------------------------------------------------------ */

static void print_image(struct cli *cli, const struct pack_release_image *image,
                        const struct pack_image_report *report)
{
    char hex[PACK_SHA256_HEX_SIZE];
    pack_sha256_hex(image->sha256, hex);
    cli_print(cli, "  image %s: %s, %llu bytes, sha256 %s", image->name,
              report->proof == PACK_PROOF_PLAIN    ? "plain (rebuilt, every block proved)"
              : report->proof == PACK_PROOF_STORED ? "stored (only its stored bytes proved)"
                                                   : "not in the bundle",
              (unsigned long long)image->size, hex);
    if (report->missing[0] != '\0')
        cli_note(cli, "image %s: %s would prove more", image->name, report->missing);
}

static void print_decision(struct cli *cli, const struct verdict *verdict,
                           const struct court *court)
{
    static const char *const says[] = {[PACK_DECIDE_INSTALL] = "would install it",
                                       [PACK_DECIDE_CURRENT] = "runs it already",
                                       [PACK_DECIDE_WAITS] = "has it, and waits for a restart"};
    if (verdict->asked && verdict->decision < sizeof says / sizeof says[0])
        cli_print(cli, "  the device of %s %s", court->device.path, says[verdict->decision]);
}

static bool has_root(const struct verdict *verdict)
{
    return verdict->signers->root_version != 0;
}

static void print_root(struct cli *cli, const struct pack_trust_report *report)
{
    if (report->root_steps == 0)
        cli_print(cli, "  trust root %llu", (unsigned long long)report->root_version);
    else
        cli_print(cli, "  trust root %llu, %llu step%s by the bundle's own roots",
                  (unsigned long long)report->root_version, (unsigned long long)report->root_steps,
                  report->root_steps == 1 ? "" : "s");
}

/* What the bundle carries for others. Roots were judged where a root is trusted. */
static void note_reserved(struct cli *cli, const struct verdict *verdict, const char *path)
{
    const struct pack_member *reserved = NULL;
    const size_t count = pack_bundle_reserved(verdict->bundle, &reserved);
    for (size_t i = 0; i < count; i++) {
        if (has_root(verdict) && strncmp(reserved[i].name, "roots/", strlen("roots/")) == 0)
            continue;
        cli_note(cli, "%s: %s is carried along and not judged here", path, reserved[i].name);
    }
}

static void print_verdict(const struct court *court, const struct verdict *verdict,
                          const char *path)
{
    struct cli *cli = court->cli;
    const struct pack_release *release = pack_trusted_release(verdict->trusted);
    cli_print_styled(cli, STYLE_GOOD, "%s: good", path);
    cli_print(cli, "  product %s, version %s, security version %llu", release->product,
              release->version, (unsigned long long)release->security_version);
    if (has_root(verdict))
        print_root(cli, verdict->signers);
    signers_print(cli, "release.json", &verdict->signers->release);
    signers_print(cli, "delivery.json", &verdict->signers->delivery);
    for (size_t i = 0; i < release->image_count; i++)
        print_image(cli, &release->images[i], &verdict->proved->images[i]);
    if (verdict->proved->attachment_count != 0)
        cli_print(cli, "  attachments: %zu, every byte proved", verdict->proved->attachment_count);
    attestations_print(cli, &verdict->attestations, pack_trusted_delivery(verdict->trusted));
    print_decision(cli, verdict, court);
    note_reserved(cli, verdict, path);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_images(struct pack_json *json, const struct pack_release *release,
                        const struct pack_verify_report *proved)
{
    static const char *const proofs[] = {
        [PACK_PROOF_NONE] = "none", [PACK_PROOF_STORED] = "stored", [PACK_PROOF_PLAIN] = "plain"};
    pack_json_array(json, "images");
    for (size_t i = 0; i < release->image_count; i++) {
        const struct pack_image_report *report = &proved->images[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "name", release->images[i].name);
        pack_json_string(json, "proof", proofs[report->proof]);
        pack_json_unsigned(json, "size", release->images[i].size);
        pack_json_hex(json, "sha256", release->images[i].sha256, PACK_SHA256_SIZE);
        if (report->codec != NULL) {
            pack_json_string(json, "codec", report->codec);
            pack_json_unsigned(json, "stored_size", report->stored_size);
        }
        if (report->missing[0] != '\0')
            pack_json_string(json, "missing", report->missing);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void json_verdict(struct pack_json *json, const struct verdict *verdict, const char *path,
                         const struct pack_error *error)
{
    pack_json_object(json, NULL);
    pack_json_string(json, "file", path);
    pack_json_boolean(json, "verified", error->code == 0);
    if (verdict->bundle != NULL) {
        pack_json_object(json, "documents");
        signers_json(json, "release", &verdict->signers->release);
        signers_json(json, "delivery", &verdict->signers->delivery);
        pack_json_end(json);
    }
    if (verdict->signers != NULL && has_root(verdict)) {
        pack_json_object(json, "root");
        pack_json_unsigned(json, "version", verdict->signers->root_version);
        pack_json_unsigned(json, "steps", verdict->signers->root_steps);
        pack_json_end(json);
    }
    if (verdict->trusted != NULL) {
        const struct pack_release *release = pack_trusted_release(verdict->trusted);
        pack_json_string(json, "product", release->product);
        pack_json_string(json, "version", release->version);
        pack_json_unsigned(json, "security_version", release->security_version);
        pack_json_hex(json, "release_sha256", pack_trusted_release_sha256(verdict->trusted),
                      PACK_SHA256_SIZE);
        if (verdict->proved_all)
            json_images(json, release, verdict->proved);
        if (error->code == 0)
            attestations_json(json, &verdict->attestations,
                              pack_trusted_delivery(verdict->trusted));
    }
    if (verdict->asked)
        pack_json_string(json, "device_decision", pack_decision_name(verdict->decision));
    if (error->code != 0)
        report_error_json(json, "error", error);
    pack_json_end(json);
}

/* --- the command ----------------------------------------------------------------------------- */

static int verify_one(const struct court *court, const char *path, struct pack_error *error)
{
    CLI_AUTO(verdict_clear) struct verdict verdict = {0};
    const int code = judge(&verdict, path, court, error);
    json_verdict(cli_json(court->cli), &verdict, path, error);
    if (code == 0)
        print_verdict(court, &verdict, path);
    return code;
}

/* All are judged. A base that none of them needed is a mistake, unless they failed anyway. */
static void verify_all(const struct court *court, struct pack_error *error)
{
    for (size_t i = 0; i < arguments_count(court->arguments); i++) {
        struct pack_error failure = {0};
        if (verify_one(court, arguments_at(court->arguments, i), &failure) == 0)
            continue;
        report_failure(court->cli, &failure, error);
        if (failure.code == PACK_E_INTERRUPTED)
            return;
    }
    struct pack_error unused = {0};
    if (error->code == 0 && pack_bases_check_used(court->bases.bases, &unused) != 0)
        report_failure(court->cli, &unused, error);
}

/* A device says whom it trusts, where the command line does not. A variable is not asked then. */
static bool device_trusts(const struct court *court)
{
    const struct arguments *arguments = court->arguments;
    return court->device.device != NULL && !arguments_flag(arguments, "pubkey") &&
           (!arguments_flag(arguments, "trust") || arguments_from_variable(arguments, "trust"));
}

static int check_trust_options(const struct arguments *arguments, struct pack_error *error)
{
    static const char *const names[] = {"require", "no-clock", "allow-demo-keys"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (arguments_flag(arguments, names[i]))
            return pack_fail(error, PACK_E_USAGE,
                             "--%s goes with -p or -t: the device's file says whom it trusts",
                             names[i]);
    return 0;
}

static int open_trust(struct court *court, struct pack_error *error)
{
    if (!device_trusts(court))
        return cli_trust(&court->trust, court->cli, error);
    const int code = check_trust_options(court->arguments, error);
    return code != 0 ? code : pack_device_trust(&court->trust, &court->device.engine, error);
}

static int open_device(struct court *court, struct pack_error *error)
{
    if (arguments_value(court->arguments, "device") == NULL)
        return 0;
    return cli_device_open(&court->device, court->cli, error);
}

/* What --identity opens is open already: a passphrase is asked for once. */
static int open_identities(struct court *court, struct pack_error *error)
{
    if (court->device.device == NULL)
        return 0;
    court->device.engine.identities = court->bases.identities;
    return court->bases.identities != NULL
               ? 0
               : cli_device_identities(&court->device, court->cli, error);
}

static int verify_bundles(struct cli *cli, const struct arguments *arguments,
                          struct pack_error *error)
{
    CLI_AUTO(court_clear) struct court court = {.cli = cli, .arguments = arguments};
    int code = open_device(&court, error);
    if (code == 0)
        code = open_trust(&court, error);
    if (code == 0)
        code = cli_bases_open(&court.bases, cli, false, court.trust, error);
    if (code == 0)
        code = open_identities(&court, error);
    if (code != 0)
        return code;
    pack_json_array(cli_json(cli), "results");
    verify_all(&court, error);
    pack_json_end(cli_json(cli));
    return error->code;
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    if (arguments_flag(arguments, "detached") && arguments_flag(arguments, "attestation"))
        return pack_fail(error, PACK_E_USAGE, "--attestation goes with bundles");
    if (arguments_flag(arguments, "detached") && arguments_flag(arguments, "device"))
        return pack_fail(error, PACK_E_USAGE, "--device goes with bundles");
    if (arguments_flag(arguments, "detached"))
        return detached_verify(cli, arguments, error);
    if (arguments_value(arguments, "signature") != NULL)
        return pack_fail(error, PACK_E_USAGE, "--signature goes with --detached");
    if (arguments_value(arguments, "namespace") != NULL)
        return pack_fail(error, PACK_E_USAGE, "--namespace goes with --detached");
    if (arguments_flag(arguments, "attestation") && arguments_count(arguments) != 1)
        return pack_fail(error, PACK_E_USAGE, "--attestation goes with one bundle");
    return verify_bundles(cli, arguments, error);
}

static const struct option options[] = {
    {.name = "flat", .help = "compare each image's flat sha256 too"},
    BASE_OPTION,
    DECODER_MEMORY_OPTION,
    {.name = "complete", .help = "fail where an image could not be rebuilt"},
    {.name = "min-security-version",
     .kind = OPTION_NUMBER,
     .value = "N",
     .help = "refuse a security version below N"},
    {.name = "device",
     .letter = 'd',
     .kind = OPTION_PATH,
     .value = "FILE",
     .help = "ask whether the device that FILE describes would install it"},
    ATTESTATION_OPTIONS,
    {.name = "detached", .help = "check a signature beside any one file"},
    {.name = "signature",
     .letter = 'x',
     .kind = OPTION_PATH,
     .value = "FILE",
     .help = "the detached signature (the file's name with .minisig)"},
    {.name = "namespace",
     .kind = OPTION_TEXT,
     .value = "NAME",
     .help = "what a detached SSH signature was made for (file)"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH, .many = true},
    {.name = NULL},
};

const struct command command_verify = {
    .name = "verify",
    .summary = "prove who signed a bundle, and every byte of it",
    .synopsis = "BUNDLE... (-p [ROLE=]PUB... | -t ROOT) [--require N] [--base FILE]... "
                "[--identity KEY]... [--complete] [--attestation FILE]... "
                "[--embedded-attestations]\n"
                "BUNDLE... -d DEVICE.yaml [-p [ROLE=]PUB... | -t ROOT]\n"
                "--detached FILE (-p PUB | -t ROOT) [-x SIGNATURE]",
    .description =
        "Reads every byte of each bundle and proves it: the signatures on release.json and "
        "delivery.json over their bytes as they stand, then every header, table, payload block, "
        "attachment and the end. Nothing is parsed or decompressed before its signature or hash "
        "was found good.\n\n"
        "Trust must be given: without a public key or a trust root this is a usage error. One bare "
        "key holds all "
        "roles; with several each names its role, release=, delivery= or any=. --require counts "
        "distinct keys that signed release.json.\n\n"
        "A trust root (-t, see fwpack-trust) names the keys of each role, how many of them must "
        "sign, and the keys that are revoked. Newer roots that the bundle carries are followed "
        "from the given one, none skipped, and the last must not have expired. --no-clock is for "
        "a device without a clock: dates are not judged then. --require may only raise what the "
        "root says.\n\n"
        "Each image is proved \"plain\" when it was rebuilt and every block of it matched, or "
        "\"stored\" when only its stored bytes could be proved, as of a delta without its base, or "
        "of an encrypted image without an identity. "
        "With --base, an old image or an old bundle, deltas are applied and the images proved; "
        "with --identity what is encrypted is opened, and one that opens nothing ends with 4. "
        "--complete makes \"stored\" a failure: 16 where a base is missing, 4 where it is an "
        "identity. A bundle may come from a pipe (-).\n\n"
        "--attestation proves what \"fwpack attest\" wrote, or any in-toto statement with SLSA "
        "provenance in a DSSE envelope: signed by a key that holds the role release or delivery, "
        "and of these very images, each of which one such file must have as its subject. "
        "--embedded-attestations does the same with those in the bundle.\n\n"
        "--device asks a device's file and state, as install does, whether the bundle would be "
        "installed: 14 where it is older than the device accepts, 15 where it is for another one, "
        "5 where it must wait, 17 where it is halted. Bases are the affair of --base. Nothing is "
        "locked or written. Without -p and -t the device says whom it "
        "trusts.\n\n"
        "With --detached the argument is any file, and its signature stands beside it, as "
        "minisign or \"fwpack sign --detached\" made it; -x may also name a signature of "
        "ssh-keygen -Y sign, whose namespace is \"file\" unless --namespace says otherwise, or 64 "
        "bytes, a plain Ed25519 signature over the whole file as openssl and tokens make it.",
    .examples = "# one key for everything\n"
                "fwpack verify acme-1.2.3.fwb -p release.pub\n"
                "# two of three release keys, and the key of the CI machine\n"
                "fwpack verify acme-1.2.3.fwb -p release=anna.pub -p release=ben.pub \\\n"
                "    -p release=chris.pub -p delivery=ci.pub --require 2\n"
                "# the keys that a trust root names\n"
                "fwpack verify acme-1.2.3.fwb -t root.json\n"
                "# as a download comes in\n"
                "curl -s https://example.org/acme-1.2.3.fwb | fwpack verify - -p release.pub\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_TRUST | GROUP_OPENS,
    .exits = EXITS(3, 4, 5, 10, 11, 12, 13, 14, 15, 16, 17, 18),
    .run = run,
};
