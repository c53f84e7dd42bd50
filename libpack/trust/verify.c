/* SPDX-License-Identifier: MIT */
#include "pack/limits.h"
#include "pack/sshsig.h"
#include "trust/anchor.h"

#include <stdio.h>
#include <string.h>

/* One document under judgement. */
struct verification {
    const struct pack_trust *trust;
    enum pack_role role;
    const void *bytes;
    size_t size;
    uint8_t digest[PACK_PREHASH_SIZE];
    struct pack_document_report *report;
    struct pack_error first_bad; /* why the first trusted key's signature failed */
    /* Whose signatures count, each public key once. */
    size_t counted;
    const struct trust_anchor *voters[PACK_MAX_SIGNERS];
};

/* --- signatures ---------------------------------------------------------------------------- */

/* A member's signature, of one kind or the other. */
struct parsed {
    enum pack_signature_kind kind;
    struct pack_signature minisig;
    struct pack_ssh_signature ssh; /* zero in the other kind */
};

static int parse_member(struct parsed *parsed, const struct pack_signature_member *member,
                        struct pack_error *error)
{
    parsed->kind = member->kind;
    parsed->ssh = (struct pack_ssh_signature){0};
    const int code =
        member->kind == PACK_SIGNATURE_SSHSIG
            ? pack_ssh_signature_parse(&parsed->ssh, member->bytes, member->size, true, error)
            : pack_signature_parse(&parsed->minisig, member->bytes, member->size, true, error);
    return code != 0 ? pack_at_member(error, member->member) : 0;
}

/* Nothing is believed of a document that has one member which is no signature. */
static int parse_all(const struct pack_signature_member *members, size_t count,
                     struct pack_error *error)
{
    struct parsed parsed;
    int code = 0;
    for (size_t i = 0; code == 0 && i < count; i++)
        code = parse_member(&parsed, &members[i], error);
    return code;
}

/* Who is asked for: whoever the signature says, or, in a minisign signature, the member's name. */
static const struct trust_anchor *find_anchor(const struct verification *verification,
                                              const struct parsed *parsed, const char *keyid)
{
    if (parsed->kind == PACK_SIGNATURE_SSHSIG && strcmp(parsed->ssh.key.keyid, keyid) == 0)
        return trust_find(verification->trust, &parsed->ssh.key);
    return trust_find_id(verification->trust, keyid);
}

static int check_signature(const struct verification *verification, const struct parsed *parsed,
                           const struct pack_public_key *key, struct pack_error *error)
{
    if (parsed->kind == PACK_SIGNATURE_SSHSIG)
        return pack_ssh_signature_verify(&parsed->ssh, key, pack_role_namespace(verification->role),
                                         verification->bytes, verification->size, error);
    if (key->application[0] != '\0')
        return pack_fail(error, PACK_E_SIGNATURE,
                         "key %s is a FIDO key, of which only an .sshsig counts", key->keyid);
    return pack_signature_verify(&parsed->minisig, key, verification->digest, error);
}

/* A minisign signature under another key's id: says whose it is, where that key is known. */
static void name_true_signer(const struct verification *verification, const struct parsed *parsed,
                             const char *keyid, struct pack_error *error)
{
    struct pack_error other;
    for (size_t i = 0; parsed->kind == PACK_SIGNATURE_MINISIG && i < verification->trust->count;
         i++) {
        const struct pack_public_key *key = &verification->trust->anchors[i].key;
        if (check_signature(verification, parsed, key, &other) != 0)
            continue;
        pack_fail(error, PACK_E_SIGNATURE, "the signature was made by key %s, and is named for %s",
                  key->keyid, keyid);
        return;
    }
}

/* An SSH signature says itself whose it is, and the member's name must say the same. */
static int check_member(const struct verification *verification, const struct parsed *parsed,
                        const struct trust_anchor *anchor, const char *keyid,
                        struct pack_error *error)
{
    if (parsed->kind == PACK_SIGNATURE_SSHSIG && strcmp(parsed->ssh.key.keyid, keyid) != 0)
        return pack_fail(error, PACK_E_SIGNATURE,
                         "the signature was made by key %s, and is named for %s",
                         parsed->ssh.key.keyid, keyid);
    return check_signature(verification, parsed, &anchor->key, error);
}

static enum pack_signer_state judge(struct verification *verification, const struct parsed *parsed,
                                    const struct trust_anchor *anchor,
                                    const struct pack_signature_member *member)
{
    struct pack_error error;
    if (anchor != NULL && anchor->revoked)
        return PACK_SIGNER_REVOKED;
    if (anchor == NULL || !trust_holds(anchor, verification->role))
        return PACK_SIGNER_UNKNOWN;
    if (check_member(verification, parsed, anchor, member->keyid, &error) == 0)
        return PACK_SIGNER_GOOD;
    if (verification->first_bad.code == 0) {
        name_true_signer(verification, parsed, member->keyid, &error);
        pack_at_member(&error, member->member);
        verification->first_bad = error;
    }
    return PACK_SIGNER_BAD;
}

/* One public key is one voter, whatever it signs with and under however many ids. */
static void count_voter(struct verification *verification, const struct trust_anchor *anchor)
{
    for (size_t i = 0; i < verification->counted; i++)
        if (trust_same_key(verification->voters[i], anchor))
            return;
    verification->voters[verification->counted++] = anchor;
    verification->report->good++;
}

static int judge_member(struct verification *verification,
                        const struct pack_signature_member *member, struct pack_error *error)
{
    struct parsed parsed;
    struct pack_document_report *report = verification->report;
    const int code = parse_member(&parsed, member, error);
    if (code != 0)
        return code;
    const struct trust_anchor *anchor = find_anchor(verification, &parsed, member->keyid);
    struct pack_signer_report *signer = &report->signers[report->count++];
    signer->state = judge(verification, &parsed, anchor, member);
    signer->kind = member->kind;
    signer->key = anchor != NULL ? &anchor->key : NULL;
    memcpy(signer->keyid, member->keyid, sizeof signer->keyid);
    memcpy(signer->application, parsed.ssh.key.application, sizeof signer->application);
    signer->flags = parsed.ssh.flags;
    signer->counter = parsed.ssh.counter;
    if (member->kind == PACK_SIGNATURE_MINISIG)
        memcpy(signer->comment, parsed.minisig.comment, sizeof signer->comment);
    if (signer->state == PACK_SIGNER_GOOD)
        count_voter(verification, anchor);
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
        if (unknown && report->signers[i].key != NULL) {
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

static int fail_revoked(const struct verification *verification,
                        const struct pack_signer_report *signer, struct pack_error *error)
{
    const struct trust_anchor *anchor = trust_find(verification->trust, signer->key);
    const bool has_reason = anchor->reason[0] != '\0';
    return pack_fail(error, PACK_E_REVOKED, "signed by revoked key %s%s%s", signer->keyid,
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
    return revoked != NULL ? fail_revoked(verification, revoked, error)
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
    struct verification verification = {
        .trust = trust, .role = role, .bytes = bytes, .size = size, .report = report};
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
