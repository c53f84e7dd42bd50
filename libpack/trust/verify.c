/* SPDX-License-Identifier: MIT */
#include "pack/limits.h"
#include "trust/anchor.h"

#include <stdio.h>
#include <string.h>

/* One document under judgement. */
struct verification {
    const struct pack_trust *trust;
    enum pack_role role;
    uint8_t digest[PACK_PREHASH_SIZE];
    struct pack_document_report *report;
    struct pack_error first_bad; /* why the first trusted key's signature failed */
};

/* --- signatures ---------------------------------------------------------------------------- */

static int parse_member(struct pack_signature *signature,
                        const struct pack_signature_member *member, struct pack_error *error)
{
    if (pack_signature_parse(signature, member->bytes, member->size, true, error) != 0)
        return pack_at_member(error, member->member);
    return 0;
}

/* Nothing is believed of a document that has one member which is no signature. */
static int parse_all(const struct pack_signature_member *members, size_t count,
                     struct pack_error *error)
{
    struct pack_signature signature;
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = parse_member(&signature, &members[i], error);
    return code;
}

/* A signature that stands under another key's id: says whose it is, where that key is known. */
static void name_true_signer(const struct verification *verification,
                             const struct pack_signature *signature, const char *keyid,
                             struct pack_error *error)
{
    struct pack_error other;
    for (size_t i = 0; i < verification->trust->count; i++) {
        const struct pack_public_key *key = &verification->trust->anchors[i].key;
        if (pack_signature_verify(signature, key, verification->digest, &other) != 0)
            continue;
        pack_fail(error, PACK_E_SIGNATURE, "the signature was made by key %s, and is named for %s",
                  key->keyid, keyid);
        return;
    }
}

static enum pack_signer_state judge(struct verification *verification,
                                    const struct pack_signature *signature,
                                    const struct pack_signature_member *member)
{
    const struct trust_anchor *anchor = trust_find(verification->trust, member->keyid);
    struct pack_error error;
    if (anchor != NULL && anchor->revoked)
        return PACK_SIGNER_REVOKED;
    if (anchor == NULL || !trust_holds(anchor, verification->role))
        return PACK_SIGNER_UNKNOWN;
    if (pack_signature_verify(signature, &anchor->key, verification->digest, &error) == 0)
        return PACK_SIGNER_GOOD;
    if (verification->first_bad.code == 0) {
        name_true_signer(verification, signature, member->keyid, &error);
        pack_at_member(&error, member->member);
        verification->first_bad = error;
    }
    return PACK_SIGNER_BAD;
}

static bool is_counted(const struct pack_document_report *report, const char *keyid)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->signers[i].state == PACK_SIGNER_GOOD &&
            strcmp(report->signers[i].keyid, keyid) == 0)
            return true;
    return false;
}

static int judge_member(struct verification *verification,
                        const struct pack_signature_member *member, struct pack_error *error)
{
    struct pack_signature signature;
    struct pack_document_report *report = verification->report;
    const int code = parse_member(&signature, member, error);
    if (code != 0)
        return code;
    const enum pack_signer_state state = judge(verification, &signature, member);
    report->good += state == PACK_SIGNER_GOOD && !is_counted(report, member->keyid);
    struct pack_signer_report *signer = &report->signers[report->count++];
    signer->state = state;
    memcpy(signer->keyid, member->keyid, sizeof signer->keyid);
    memcpy(signer->comment, signature.comment, sizeof signer->comment);
    return 0;
}

/* --- verdict ------------------------------------------------------------------------------- */

static const struct pack_signer_report *first_signer(const struct pack_document_report *report,
                                                     enum pack_signer_state state)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->signers[i].state == state)
            return &report->signers[i];
    return NULL;
}

/* "ID, ID, ID and 2 more" */
struct id_list {
    char text[3 * (PACK_KEYID_SIZE + 2) + 32];
    size_t count;
};

static void list_add(struct id_list *list, const char *keyid)
{
    const size_t used = strlen(list->text);
    if (list->count < 3)
        snprintf(list->text + used, sizeof list->text - used, "%s%s", used != 0 ? ", " : "", keyid);
    list->count++;
}

static const char *list_text(struct id_list *list)
{
    const size_t used = strlen(list->text);
    if (list->count > 3)
        snprintf(list->text + used, sizeof list->text - used, " and %zu more", list->count - 3);
    return list->text;
}

static void hint_trusted(const struct verification *verification, struct pack_error *error)
{
    const struct pack_trust *trust = verification->trust;
    const struct pack_document_report *report = verification->report;
    const char *role = pack_role_name(verification->role);
    struct id_list trusted = {0};
    for (size_t i = 0; i < report->count; i++) {
        const bool unknown = report->signers[i].state == PACK_SIGNER_UNKNOWN;
        if (unknown && trust_find(trust, report->signers[i].keyid) != NULL) {
            pack_hint(error, "key %s is trusted, but not for the role %s", report->signers[i].keyid,
                      role);
            return;
        }
    }
    for (size_t i = 0; i < trust->count; i++)
        if (trust_holds(&trust->anchors[i], verification->role))
            list_add(&trusted, trust->anchors[i].key.keyid);
    pack_hint(error,
              trusted.count != 0 ? "trusted for the role %s: %s" : "no key holds the role %s", role,
              list_text(&trusted));
}

static int fail_untrusted(const struct verification *verification, struct pack_error *error)
{
    const struct pack_document_report *report = verification->report;
    struct id_list signers = {0};
    for (size_t i = 0; i < report->count; i++)
        list_add(&signers, report->signers[i].keyid);
    pack_fail(error, PACK_E_UNTRUSTED, "%u of %u signatures by trusted keys; signed by %s",
              report->good, report->required, list_text(&signers));
    hint_trusted(verification, error);
    return PACK_E_UNTRUSTED;
}

static int fail_revoked(const struct verification *verification, const char *keyid,
                        struct pack_error *error)
{
    const struct trust_anchor *anchor = trust_find(verification->trust, keyid);
    const bool has_reason = anchor->reason[0] != '\0';
    return pack_fail(error, PACK_E_REVOKED, "signed by revoked key %s%s%s", keyid,
                     has_reason ? ": " : "", anchor->reason);
}

static int verdict(const struct verification *verification, struct pack_error *error)
{
    const struct pack_document_report *report = verification->report;
    if (report->good >= report->required)
        return 0;
    if (verification->first_bad.code != 0) {
        *error = verification->first_bad;
        return PACK_E_SIGNATURE;
    }
    const struct pack_signer_report *revoked = first_signer(report, PACK_SIGNER_REVOKED);
    return revoked != NULL ? fail_revoked(verification, revoked->keyid, error)
                           : fail_untrusted(verification, error);
}

static int check_count(size_t count, struct pack_error *error)
{
    if (count > PACK_MAX_SIGNERS)
        return pack_fail(error, PACK_E_LIMIT, "%zu signatures, at most %d wanted", count,
                         PACK_MAX_SIGNERS);
    if (count == 0) {
        pack_fail(error, PACK_E_NOT_SIGNED, "no signature");
        return pack_hint(error, "fwpack sign adds one");
    }
    return 0;
}

int pack_trust_verify(const struct pack_trust *trust, enum pack_role role, const char *document,
                      const void *bytes, size_t size,
                      const struct pack_signature_member *signatures, size_t count,
                      struct pack_document_report *report, struct pack_error *error)
{
    struct verification verification = {.trust = trust, .role = role, .report = report};
    memset(report, 0, sizeof *report);
    report->role = role;
    report->required = trust->thresholds[role];
    int code = check_count(count, error);
    if (code == 0)
        code = parse_all(signatures, count, error);
    if (code == 0)
        pack_prehash_bytes(bytes, size, verification.digest);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = judge_member(&verification, &signatures[i], error);
    if (code == 0)
        code = verdict(&verification, error);
    return code != 0 ? pack_at_member(error, document) : 0;
}
