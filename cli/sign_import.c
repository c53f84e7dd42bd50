/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "sign_answers.h"
#include "signers.h"
#include "signing.h"

#include <string.h>

struct sign_import {
    struct signing signing;
    struct pack_trust *trust; /* NULL where nothing says whom to trust */
    struct answer_court court;
    size_t count;
    struct answer *answers;
    struct answer_signatures signatures;
};

static void sign_import_clear(struct sign_import *import)
{
    answer_signatures_clear(&import->signatures);
    free(import->answers);
    pack_trust_free(&import->trust);
    signing_clear(&import->signing);
}

/* --- reading and judging --------------------------------------------------------------------- */

static int check_usage(const struct arguments *arguments, struct pack_error *error)
{
    if (arguments_count(arguments) > 1)
        return 0;
    pack_fail(error, PACK_E_USAGE, "--import: no signature is named");
    return pack_hint(error, "fwpack sign BUNDLE --import FILE...");
}

/* The newest root that the trust and the bundle have between them says who may sign. */
static int follow_roots(struct sign_import *import, struct pack_error *error)
{
    struct pack_trust *newest = NULL;
    if (import->trust == NULL)
        return 0;
    const int code =
        pack_bundle_follow_roots(&newest, import->trust, import->signing.bundle, error);
    if (newest == NULL)
        return code;
    pack_trust_free(&import->trust);
    import->trust = newest;
    return code;
}

static int prepare_court(struct sign_import *import, struct pack_error *error)
{
    int code = 0;
    import->court.trust = import->trust;
    for (enum signed_document what = 0; code == 0 && what < SIGNED_DOCUMENTS; what++) {
        struct answer_document *document = &import->court.documents[what];
        document->name = signed_name(what);
        document->bytes = signing_document(&import->signing, what, &document->size);
        if (document->bytes == NULL)
            continue;
        pack_prehash_bytes(document->bytes, document->size, document->prehash);
        code = signing_comment(&import->signing, what, document->comment, error);
    }
    return code;
}

/* A file that cannot be read is a refused answer like others; all are told. */
static int read_answers(struct sign_import *import, const struct arguments *arguments,
                        struct pack_error *error)
{
    import->count = arguments_count(arguments) - 1;
    import->answers = calloc(import->count, sizeof *import->answers);
    if (import->answers == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; i < import->count; i++)
        answer_read(&import->answers[i], arguments_at(arguments, i + 1));
    return 0;
}

/* Tells each file that is refused, and why; the first one gives the exit status. */
static int tell_refused(const struct sign_import *import, struct pack_error *error)
{
    struct cli *cli = import->signing.cli;
    size_t refused = 0;
    for (size_t i = 0; i < import->count; i++) {
        if (import->answers[i].error.code == 0)
            continue;
        report_failure(cli, &import->answers[i].error, error);
        refused++;
    }
    if (refused != 0 && refused < import->count)
        cli_note(cli, "nothing was added, for %zu of %zu files were refused", refused,
                 import->count);
    return refused != 0 ? (int)error->code : 0;
}

/* --- telling --------------------------------------------------------------------------------- */

static const char *const forms[] = {
    [ANSWER_MINISIG] = "minisign",
    [ANSWER_SSHSIG] = "ssh",
    [ANSWER_RAW] = "two answers",
};

static void note_signature(const struct sign_import *import, const struct answer *answer)
{
    struct cli *cli = import->signing.cli;
    const struct answer_document *document = &import->court.documents[answer->what];
    cli_note(cli, "%s: signature by %s on %s (%s)", answer->file, answer->key->keyid,
             document->name, forms[answer->form]);
    if (answer->form == ANSWER_MINISIG && strcmp(answer->minisig.comment, document->comment) != 0)
        cli_note(cli, "%s: its trusted comment is not the usual one: \"%s\"", answer->file,
                 answer->minisig.comment);
    if (import->trust == NULL)
        cli_note(cli,
                 "%s: it is good, but whether that key may sign %s was not judged: give -p or "
                 "-t",
                 answer->file, document->name);
}

static void json_signatures(struct pack_json *json, const struct sign_import *import)
{
    pack_json_array(json, "signatures");
    for (size_t i = 0; i < import->signatures.count; i++) {
        const struct pack_given_signature *given = &import->signatures.given[i];
        const struct answer *answer = import->signatures.from[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "file", answer->file);
        pack_json_string(json, "document", import->court.documents[answer->what].name);
        pack_json_string(json, "keyid", given->keyid);
        pack_json_string(json, "kind", pack_signature_kind_name(given->kind));
        pack_json_boolean(json, "judged", import->trust != NULL);
        if (given->kind == PACK_SIGNATURE_MINISIG)
            pack_json_string(json, "trusted_comment", answer->minisig.comment);
        pack_json_end(json);
    }
    pack_json_end(json);
}

/* --- how many are there ---------------------------------------------------------------------- */

/* A document's signatures as they are now: the bundle's, and over them the new ones. */
struct standing {
    size_t count;
    struct pack_signature_member members[2 * PACK_MAX_SIGNERS];
    struct pack_document_report report;
    struct pack_error error;
};

static void put_member(struct standing *standing, const struct pack_signature_member *member)
{
    for (size_t i = 0; i < standing->count; i++) {
        struct pack_signature_member *there = &standing->members[i];
        if (there->kind == member->kind && strcmp(there->keyid, member->keyid) == 0) {
            *there = *member;
            return;
        }
    }
    if (standing->count < sizeof standing->members / sizeof standing->members[0])
        standing->members[standing->count++] = *member;
}

static void judge_standing(struct standing *standing, const struct sign_import *import,
                           enum signed_document what)
{
    const struct answer_document *document = &import->court.documents[what];
    const struct pack_bundle *bundle = import->signing.bundle;
    const struct pack_signature_member *there = NULL;
    const size_t count = what == SIGNED_PERMIT
                             ? pack_bundle_extra_signatures(bundle, PACK_EXTRA_PERMIT, &there)
                             : pack_bundle_signatures(bundle, signed_role(what), &there);
    for (size_t i = 0; i < count; i++)
        put_member(standing, &there[i]);
    for (size_t i = 0; i < import->signatures.count; i++) {
        const struct pack_given_signature *given = &import->signatures.given[i];
        struct pack_signature_member member = {.kind = given->kind,
                                               .member = import->signatures.from[i]->file,
                                               .bytes = given->bytes,
                                               .size = given->size};
        memcpy(member.keyid, given->keyid, sizeof member.keyid);
        if (import->signatures.from[i]->what == what)
            put_member(standing, &member);
    }
    standing->error.code = (enum pack_code)pack_trust_verify(
        import->trust, signed_role(what), document->name, document->bytes, document->size,
        standing->members, standing->count, &standing->report, &standing->error);
}

static bool has_signed(const struct standing *standing, const struct pack_public_key *key)
{
    for (size_t i = 0; i < standing->report.count; i++)
        if (standing->report.signers[i].state == PACK_SIGNER_GOOD &&
            memcmp(standing->report.signers[i].key->bytes, key->bytes, sizeof key->bytes) == 0)
            return true;
    return false;
}

/* The keys that could sign still, where more signatures are wanted. */
static void tell_wanted(struct cli *cli, const struct sign_import *import,
                        enum signed_document what, const struct standing *standing)
{
    const enum pack_role role = signed_role(what);
    const struct pack_document_report *report = &standing->report;
    struct pack_json *json = cli_json(cli);
    const bool enough = report->good >= report->required;
    pack_json_array(json, signed_choice(what));
    if (!enough && standing->error.code != PACK_E_UNTRUSTED &&
        standing->error.code != PACK_E_NOT_SIGNED)
        cli_print(cli, "    %s", standing->error.text);
    if (!enough)
        cli_print(cli, "    still wanted: %u of", report->required - report->good);
    for (size_t i = 0; !enough && i < pack_trust_key_count(import->trust, role); i++) {
        const struct pack_public_key *key = pack_trust_key(import->trust, role, i);
        if (has_signed(standing, key))
            continue;
        cli_print(cli, "      %s", key->keyid);
        pack_json_string(json, NULL, key->keyid);
    }
    pack_json_end(json);
}

/* The bundle has it, and somebody is trusted to sign it. */
static bool is_judged(const struct sign_import *import, enum signed_document what)
{
    return import->court.documents[what].bytes != NULL &&
           pack_trust_key_count(import->trust, signed_role(what)) != 0;
}

/* What a verifier with this trust would count, of each document. */
static int tell_standing(const struct sign_import *import, struct pack_error *error)
{
    struct cli *cli = import->signing.cli;
    struct pack_json *json = cli_json(cli);
    CLI_AUTO_FREE struct standing *standings = calloc(SIGNED_DOCUMENTS, sizeof *standings);
    if (standings == NULL)
        return pack_fail_memory(error);
    pack_json_object(json, "documents");
    for (enum signed_document what = 0; what < SIGNED_DOCUMENTS; what++) {
        if (!is_judged(import, what))
            continue;
        judge_standing(&standings[what], import, what);
        signers_json(json, signed_choice(what), &standings[what].report);
    }
    pack_json_end(json);
    pack_json_object(json, "wanted");
    for (enum signed_document what = 0; what < SIGNED_DOCUMENTS; what++) {
        if (!is_judged(import, what))
            continue;
        signers_print(cli, import->court.documents[what].name, &standings[what].report);
        tell_wanted(cli, import, what, &standings[what]);
    }
    pack_json_end(json);
    return 0;
}

/* --- the command ----------------------------------------------------------------------------- */

static int write_signatures(const struct sign_import *import, struct pack_error *error)
{
    struct pack_sign_report report = {0};
    const struct pack_sign_request request = {.given_count = import->signatures.count,
                                              .given = import->signatures.given};
    const int code = signing_write(&import->signing, &request, &report, error);
    if (code != 0)
        return pack_at_file(error, import->signing.path);
    for (size_t i = 0; i < import->signatures.count; i++)
        note_signature(import, import->signatures.from[i]);
    signing_report(&import->signing, &report);
    json_signatures(cli_json(import->signing.cli), import);
    return import->trust != NULL ? tell_standing(import, error) : 0;
}

int sign_import(struct cli *cli, const struct arguments *arguments, struct pack_error *error)
{
    CLI_AUTO(sign_import_clear)
    struct sign_import import = {.signing = signing_of(cli, arguments)};
    int code = check_usage(arguments, error);
    if (code == 0)
        code = cli_some_trust(&import.trust, cli, error);
    if (code == 0)
        code = read_answers(&import, arguments, error);
    if (code == 0)
        code = signing_open(&import.signing, import.count, error);
    if (code == 0)
        code = follow_roots(&import, error);
    if (code == 0)
        code = prepare_court(&import, error);
    if (code == 0)
        code =
            answers_judge(import.answers, import.count, &import.court, &import.signatures, error);
    if (code == 0)
        code = tell_refused(&import, error);
    return code != 0 ? code : write_signatures(&import, error);
}
