/* SPDX-License-Identifier: MIT */
#include "signers.h"

#include "pack/sshsig.h"

#include <stdio.h>

enum { USER_PRESENT = 1, USER_VERIFIED = 4 };

/* --- proved ---------------------------------------------------------------------------------- */

static const char *const state_words[] = {
    [PACK_SIGNER_GOOD] = "good",
    [PACK_SIGNER_UNKNOWN] = "not trusted",
    [PACK_SIGNER_BAD] = "BAD: does not verify",
    [PACK_SIGNER_REVOKED] = "revoked",
};

static void print_signer(struct cli *cli, const struct pack_signer_report *signer)
{
    const bool good = signer->state == PACK_SIGNER_GOOD;
    const char *kind = signer->kind == PACK_SIGNATURE_MINISIG ? ""
                       : signer->application[0] != '\0'       ? "  (ssh, FIDO token)"
                                                              : "  (ssh)";
    cli_print_styled(cli, good ? STYLE_PLAIN : STYLE_WARNING, "    %s  %s%s", signer->keyid,
                     state_words[signer->state], kind);
    if (!good || !cli->verbose)
        return;
    if (signer->kind == PACK_SIGNATURE_MINISIG)
        cli_print(cli, "      %s", signer->comment);
    else if (signer->application[0] != '\0')
        cli_print(cli, "      application %s, user present%s, signature number %lu of the token",
                  signer->application, (signer->flags & USER_VERIFIED) != 0 ? " and verified" : "",
                  (unsigned long)signer->counter);
}

void signers_print(struct cli *cli, const char *document, const struct pack_document_report *report)
{
    cli_print(cli, "  %s: %u of %u required signatures", document, report->good, report->required);
    for (size_t i = 0; i < report->count; i++)
        print_signer(cli, &report->signers[i]);
}

void signers_json_fido(struct pack_json *json, const char *application, unsigned flags,
                       uint32_t counter)
{
    pack_json_string(json, "application", application);
    pack_json_boolean(json, "user_present", (flags & USER_PRESENT) != 0);
    pack_json_boolean(json, "user_verified", (flags & USER_VERIFIED) != 0);
    pack_json_unsigned(json, "flags", flags);
    pack_json_unsigned(json, "counter", counter);
}

void signers_json(struct pack_json *json, const char *document,
                  const struct pack_document_report *report)
{
    static const char *const states[] = {[PACK_SIGNER_GOOD] = "good",
                                         [PACK_SIGNER_UNKNOWN] = "untrusted",
                                         [PACK_SIGNER_BAD] = "bad",
                                         [PACK_SIGNER_REVOKED] = "revoked"};
    pack_json_object(json, document);
    pack_json_unsigned(json, "required", report->required);
    pack_json_unsigned(json, "good", report->good);
    pack_json_array(json, "signers");
    for (size_t i = 0; i < report->count; i++) {
        const struct pack_signer_report *signer = &report->signers[i];
        const bool good = signer->state == PACK_SIGNER_GOOD;
        pack_json_object(json, NULL);
        pack_json_string(json, "keyid", signer->keyid);
        pack_json_string(json, "state", states[signer->state]);
        pack_json_string(json, "kind", pack_signature_kind_name(signer->kind));
        if (good && signer->kind == PACK_SIGNATURE_MINISIG)
            pack_json_string(json, "trusted_comment", signer->comment);
        if (good && signer->application[0] != '\0')
            signers_json_fido(json, signer->application, signer->flags, signer->counter);
        pack_json_end(json);
    }
    pack_json_end(json);
    pack_json_end(json);
}

/* --- unproved -------------------------------------------------------------------------------- */

static void describe(const struct pack_signature_member *member, char *text, size_t capacity)
{
    struct pack_ssh_signature signature;
    struct pack_error error = {0};
    text[0] = '\0';
    if (member->kind == PACK_SIGNATURE_MINISIG)
        return;
    if (pack_ssh_signature_parse(&signature, member->bytes, member->size, true, &error) != 0)
        snprintf(text, capacity, "  (ssh: %s)", error.text);
    else if (signature.key.application[0] == '\0')
        snprintf(text, capacity, "  (ssh, namespace %s)", signature.name_space);
    else
        snprintf(text, capacity, "  (ssh, FIDO token, application %s, namespace %s)",
                 signature.key.application, signature.name_space);
}

void signatures_print(struct cli *cli, const struct pack_bundle *bundle, enum pack_role role)
{
    const struct pack_signature_member *signatures = NULL;
    const size_t count = pack_bundle_signatures(bundle, role, &signatures);
    char text[900];
    cli_print(cli, "  %s.json: %zu signature%s, not checked", pack_role_name(role), count,
              count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++) {
        describe(&signatures[i], text, sizeof text);
        cli_print(cli, "    %s%s", signatures[i].keyid, text);
    }
}

static void json_detail(struct pack_json *json, const struct pack_signature_member *member)
{
    struct pack_ssh_signature signature;
    struct pack_error error = {0};
    pack_json_object(json, NULL);
    pack_json_string(json, "keyid", member->keyid);
    pack_json_string(json, "kind", pack_signature_kind_name(member->kind));
    if (member->kind == PACK_SIGNATURE_SSHSIG &&
        pack_ssh_signature_parse(&signature, member->bytes, member->size, true, &error) == 0) {
        pack_json_string(json, "namespace", signature.name_space);
        if (signature.key.application[0] != '\0')
            signers_json_fido(json, signature.key.application, signature.flags, signature.counter);
    }
    pack_json_end(json);
}

void signatures_json(struct pack_json *json, const struct pack_bundle *bundle)
{
    for (int detailed = 0; detailed < 2; detailed++) {
        pack_json_object(json, detailed ? "signature_details" : "signatures");
        for (int role = PACK_ROLE_RELEASE; role <= PACK_ROLE_DELIVERY; role++) {
            const struct pack_signature_member *signatures = NULL;
            const size_t count = pack_bundle_signatures(bundle, (enum pack_role)role, &signatures);
            pack_json_array(json, pack_role_name((enum pack_role)role));
            for (size_t i = 0; i < count; i++)
                if (detailed)
                    json_detail(json, &signatures[i]);
                else
                    pack_json_string(json, NULL, signatures[i].keyid);
            pack_json_end(json);
        }
        pack_json_end(json);
    }
}
