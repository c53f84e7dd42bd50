/* SPDX-License-Identifier: MIT */
#include "cli.h"
#include "commands.h"
#include "detached.h"
#include "signing.h"

#include <string.h>

/* --- roles ----------------------------------------------------------------------------------- */

/* What --role says, or both. */
static unsigned wanted_roles(const struct arguments *arguments)
{
    const char *role = arguments_value(arguments, "role");
    if (role == NULL)
        return SIGNING_BOTH;
    return strcmp(role, "release") == 0 ? 1U << PACK_ROLE_RELEASE : 1U << PACK_ROLE_DELIVERY;
}

/* --role says what a key signs as, whatever it was made for. */
static int set_roles(struct cli_keys *keys, const struct signing *signing,
                     const struct pack_trust *given, struct pack_error *error)
{
    const unsigned wanted = wanted_roles(signing->cli->arguments);
    for (size_t i = 0; wanted != SIGNING_BOTH && i < keys->count; i++)
        keys->roles[i] = wanted;
    return signing_set_roles(keys, signing, given, wanted, error);
}

/* --- asking ---------------------------------------------------------------------------------- */

static int show_document(const struct signing *signing, const struct cli_keys *keys,
                         enum pack_role role, struct pack_error *error)
{
    unsigned all = 0;
    for (size_t i = 0; i < keys->count; i++)
        all |= keys->roles[i];
    if ((all & 1U << role) == 0)
        return 0;
    const int code = signing_show_document(signing, role, error);
    for (size_t i = 0; code == 0 && i < keys->count; i++)
        if ((keys->roles[i] & 1U << role) != 0)
            cli_note(signing->cli, "    by %s (%s)", keys->signers[i].key->keyid,
                     pack_signing_key_store(keys->keys[i]));
    return code;
}

static int ask(const struct signing *signing, const struct cli_keys *keys, struct pack_error *error)
{
    signing_show(signing, "about to sign");
    int code = show_document(signing, keys, PACK_ROLE_RELEASE, error);
    if (code == 0)
        code = show_document(signing, keys, PACK_ROLE_DELIVERY, error);
    return code != 0 ? code : signing_ask(signing, error);
}

/* --- signing --------------------------------------------------------------------------------- */

static int write_signed(const struct signing *signing, const struct cli_keys *keys,
                        struct pack_error *error)
{
    struct pack_sign_report report = {0};
    const struct pack_sign_request request = {
        .signer_count = keys->count, .signers = keys->signers, .signer_roles = keys->roles};
    const int code = signing_write(signing, &request, &report, error);
    if (code != 0)
        return code;
    struct pack_json *json = cli_json(signing->cli);
    signing_report(signing, &report);
    pack_json_array(json, "signers");
    for (size_t i = 0; i < keys->count; i++)
        pack_json_string(json, NULL, keys->signers[i].key->keyid);
    pack_json_end(json);
    return 0;
}

static int sign_bundle(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO_KEYS struct cli_keys keys = {0};
    CLI_AUTO(pack_trust_free) struct pack_trust *trust = NULL;
    AUTO_SIGNING struct signing signing = signing_of(cli, arguments);
    int code = cli_keys_load(&keys, cli, error);
    if (code == 0 && keys.count == 0)
        code = cli_no_key(error);
    if (code == 0)
        code = cli_root_trust(&trust, cli, error);
    if (code == 0)
        code = signing_open(&signing, keys.count, error);
    if (code == 0)
        code = set_roles(&keys, &signing, trust, error);
    if (code == 0)
        code = ask(&signing, &keys, error);
    if (code == 0)
        cli_journal_about(&keys, signing.path, signing.release->product, signing.release->version);
    if (code == 0)
        code = write_signed(&signing, &keys, error);
    return code != 0 ? pack_at_file(error, signing.path) : 0;
}

/* --- the command ----------------------------------------------------------------------------- */

/* Ways to sign, what each is asked for by, and the options that belong to some of them only. */
enum way { WITH_KEY = 1, DETACHED = 2, EXPORT = 4, IMPORT = 8 };

static const struct {
    const char *option;
    enum way way;
    int (*run)(struct cli *cli, const struct arguments *arguments, struct pack_error *error);
} ways[] = {
    {"detached", DETACHED, detached_sign},
    {"export", EXPORT, sign_export},
    {"import", IMPORT, sign_import},
};

static const struct {
    const char *option;
    unsigned ways;
    const char *says;
} belonging[] = {
    {"comment", DETACHED, "goes with --detached"},
    {"role", WITH_KEY | EXPORT, "goes with --key or --export"},
    {"key", WITH_KEY | DETACHED, "signs here: it does not go with --export or --import"},
    {"output", WITH_KEY | DETACHED | IMPORT, "does not go with --export"},
    {"trust", WITH_KEY | IMPORT, "goes with --key or --import"},
    {"pubkey", IMPORT, "goes with --import"},
    {"require", IMPORT, "goes with --import"},
    {"no-clock", IMPORT, "goes with --import"},
    {"allow-demo-keys", IMPORT, "goes with --import"},
};

static bool is_permit(const struct arguments *arguments)
{
    const char *role = arguments_value(arguments, "role");
    return role != NULL && strcmp(role, signed_choice(SIGNED_PERMIT)) == 0;
}

static int check_options(const struct arguments *arguments, enum way way, struct pack_error *error)
{
    for (size_t i = 0; i < sizeof belonging / sizeof belonging[0]; i++)
        if ((belonging[i].ways & way) == 0 && arguments_flag(arguments, belonging[i].option) &&
            !arguments_from_variable(arguments, belonging[i].option))
            return pack_fail(error, PACK_E_USAGE, "--%s %s", belonging[i].option,
                             belonging[i].says);
    if (way == WITH_KEY && is_permit(arguments)) {
        pack_fail(error, PACK_E_USAGE, "--role permit goes with --export");
        return pack_hint(error, "'fwpack permit --add-signature' signs a permit here");
    }
    if (way == IMPORT || arguments_count(arguments) == 1)
        return 0;
    return pack_fail(error, PACK_E_USAGE, "one %s at a time", way == DETACHED ? "file" : "bundle");
}

static int run(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    const char *asked = NULL;
    enum way way = WITH_KEY;
    int (*sign)(struct cli *, const struct arguments *, struct pack_error *) = sign_bundle;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        if (!arguments_flag(arguments, ways[i].option))
            continue;
        if (asked != NULL)
            return pack_fail(error, PACK_E_USAGE, "--%s and --%s exclude each other", asked,
                             ways[i].option);
        asked = ways[i].option;
        way = ways[i].way;
        sign = ways[i].run;
    }
    const int code = check_options(arguments, way, error);
    return code != 0 ? code : sign(cli, arguments, error);
}

static const struct option options[] = {
    {.name = "role",
     .kind = OPTION_CHOICE,
     .value = "ROLE",
     .choices = signed_choice,
     .help = "sign as release or delivery only (what the root or the key's purpose says, else "
             "both); permit: what 'fwpack permit' made, with --export"},
    {.name = "yes", .letter = 'y', .help = "sign without asking"},
    {.name = "export",
     .kind = OPTION_FOLDER,
     .value = "DIR",
     .help = "write what must be signed, and how, for somebody who signs elsewhere"},
    {.name = "import", .help = "take the signatures in FILE..., made elsewhere"},
    {.name = "detached", .help = "sign any one file, beside it, as minisign does"},
    {.name = "comment",
     .kind = OPTION_TEXT,
     .value = "TEXT",
     .help = "the trusted comment of a detached signature"},
    {.name = NULL},
};

static const struct positional positionals[] = {
    {.name = "BUNDLE", .kind = OPTION_PATH},
    {.name = "FILE", .kind = OPTION_PATH, .optional = true, .many = true},
    {.name = NULL},
};

const struct command command_sign = {
    .name = "sign",
    .summary = "add signatures to a bundle, or sign any file",
    .synopsis = "BUNDLE -k KEY... [-t ROOT] [--role release|delivery] [--yes] [-o OUT]\n"
                "BUNDLE --export DIR [--role release|delivery|permit]\n"
                "BUNDLE --import FILE... [-p [ROLE=]PUB... | -t ROOT] [-o OUT]\n"
                "--detached FILE -k KEY [-o FILE.minisig] [--comment TEXT]",
    .description =
        "Adds signatures to a bundle. Those that it has stay; one that is there already is not "
        "made twice. In place by default: the bundle is locked, so that two signers at once lose "
        "nothing, and replaced whole or not at all. What is signed is shown first, and on a "
        "terminal asked for, unless --yes is given.\n\n"
        "A key signs in the roles that the trust root of -t gives it; a key that the root revokes "
        "or does not know signs nothing. Without a root, a key made with --purpose release or "
        "delivery signs that document, any other both. --role says otherwise.\n\n"
        "With --export DIR, a new or empty folder, DIR receives the documents, what an HSM is "
        "asked "
        "to sign, and the page SIGN.md for the person who signs: what it is, and the commands of "
        "minisign, openssl, pkcs11-tool and ssh-keygen that sign it. With --role permit it is the "
        "permit "
        "that the bundle carries, signed or not.\n\n"
        "With --import the answers are taken: .minisig files, the two 64-byte answers of an HSM "
        "(raw, in hex or base64, in any order), and signatures of ssh-keygen -Y sign, those of "
        "FIDO "
        "tokens too. Each is verified before anything is written; when one is refused, nothing is. "
        "-p or -t says whose signatures are wanted: only an SSH signature can be taken without, "
        "for it says whose it is. How many of the wanted signatures are there then is told.\n\n"
        "With --detached any file is signed, and the signature is written beside it: minisign "
        "verifies it.",
    .examples = "fwpack sign acme-1.2.3.fwb -k release.key\n"
                "# a second person\n"
                "fwpack sign acme-1.2.3.fwb -k ben.key --role release\n"
                "# somebody who signs on a machine without a network\n"
                "fwpack sign acme-1.2.3.fwb --export to-sign --role release\n"
                "fwpack sign acme-1.2.3.fwb --import to-sign/release.json.minisig -t root.json\n"
                "# any file\n"
                "fwpack sign --detached notes.txt -k release.key\n",
    .positionals = positionals,
    .options = options,
    .groups = GROUP_WRITES | GROUP_SIGNS | GROUP_TRUST,
    .exits = EXITS(3, 4, 10, 11, 12, 13, 14, 17, 18),
    .run = run,
};
