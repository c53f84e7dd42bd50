/* SPDX-License-Identifier: MIT */
#include "sign_answers.h"

#include "cli.h"

#include "pack/limits.h"
#include "pack/root.h"

#include <sodium.h>
#include <string.h>

/* --- forms ----------------------------------------------------------------------------------- */

/* Text is taken with the blanks and line ends that tools leave around it. */
static bool raw_decode(uint8_t raw[PACK_SIGNATURE_SIZE], const char *text, size_t size)
{
    static const int variants[] = {sodium_base64_VARIANT_ORIGINAL,
                                   sodium_base64_VARIANT_ORIGINAL_NO_PADDING};
    size_t got = 0;
    if (size == PACK_SIGNATURE_SIZE) {
        memcpy(raw, text, size);
        return true;
    }
    while (size != 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
        size--;
    if (sodium_hex2bin(raw, PACK_SIGNATURE_SIZE, text, size, NULL, &got, NULL) == 0)
        return got == PACK_SIGNATURE_SIZE;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        if (sodium_base642bin(raw, PACK_SIGNATURE_SIZE, text, size, NULL, &got, NULL,
                              variants[i]) == 0)
            return got == PACK_SIGNATURE_SIZE;
    return false;
}

static bool begins_with(const char *text, size_t size, const char *start)
{
    return size >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}

static int parse(struct answer *answer, const char *text, size_t size, struct pack_error *error)
{
    if (begins_with(text, size, "untrusted comment:")) {
        answer->form = ANSWER_MINISIG;
        return pack_signature_parse(&answer->minisig, text, size, false, error);
    }
    if (begins_with(text, size, "-----BEGIN SSH SIGNATURE-----")) {
        answer->form = ANSWER_SSHSIG;
        return pack_ssh_signature_parse(&answer->ssh, text, size, false, error);
    }
    answer->form = ANSWER_RAW;
    if (raw_decode(answer->raw, text, size))
        return 0;
    pack_fail(error, PACK_E_MALFORMED, "is no signature: %zu bytes", size);
    return pack_hint(error, "a .minisig, an SSH signature, or 64 bytes (raw, hex or base64) are "
                            "wanted");
}

void answer_read(struct answer *answer, const char *file)
{
    CLI_AUTO_FREE void *text = NULL;
    size_t size = 0;
    *answer = (struct answer){.file = file};
    int code = pack_read_file(&text, &size, file, PACK_MAX_SIGNATURE, &answer->error);
    if (code == PACK_E_LIMIT)
        code = pack_fail(&answer->error, PACK_E_MALFORMED,
                         "is no signature: it has more than %llu bytes",
                         (unsigned long long)PACK_MAX_SIGNATURE);
    if (code == 0 && size == 0)
        code = pack_fail(&answer->error, PACK_E_MALFORMED, "is empty, a signature is wanted");
    if (code == 0)
        code = parse(answer, text, size, &answer->error);
    if (code != 0)
        pack_at_file(&answer->error, file);
}

/* --- keys ------------------------------------------------------------------------------------ */

/* Whether a key made the answer on a document. */
typedef bool (*made_fn)(const struct answer *answer, const struct pack_public_key *key,
                        const struct answer_document *document, enum pack_role role);

static bool made_minisig(const struct answer *answer, const struct pack_public_key *key,
                         const struct answer_document *document, enum pack_role role)
{
    struct pack_error error = {0};
    (void)role;
    return key->application[0] == '\0' &&
           pack_signature_verify(&answer->minisig, key, document->prehash, &error) == 0;
}

static bool made_raw(const struct answer *answer, const struct pack_public_key *key,
                     const struct answer_document *document, enum pack_role role)
{
    (void)role;
    return key->application[0] == '\0' &&
           pack_signature_is_first(answer->raw, key, document->prehash);
}

static bool made_ssh(const struct answer *answer, const struct pack_public_key *key,
                     const struct answer_document *document, enum pack_role role)
{
    struct pack_error error = {0};
    return pack_ssh_signature_verify(&answer->ssh, key, pack_role_namespace(role), document->bytes,
                                     document->size, &error) == 0;
}

static const made_fn made_by[] = {
    [ANSWER_MINISIG] = made_minisig,
    [ANSWER_SSHSIG] = made_ssh,
    [ANSWER_RAW] = made_raw,
};

/* Among the keys of role `held`, who made it on that document. */
static const struct pack_public_key *maker(const struct answer *answer,
                                           const struct answer_court *court,
                                           enum signed_document what, enum pack_role held)
{
    const struct answer_document *document = &court->documents[what];
    for (size_t i = 0; document->bytes != NULL && i < pack_trust_key_count(court->trust, held);
         i++) {
        const struct pack_public_key *key = pack_trust_key(court->trust, held, i);
        if (made_by[answer->form](answer, key, document, signed_role(what)))
            return key;
    }
    return NULL;
}

static const struct pack_root_revocation *revoked_maker(const struct answer *answer,
                                                        const struct answer_court *court)
{
    const struct pack_root *root = pack_trust_root(court->trust);
    for (size_t i = 0; root != NULL && i < root->revoked_count; i++)
        for (enum signed_document what = 0; what < SIGNED_DOCUMENTS; what++)
            if (court->documents[what].bytes != NULL &&
                made_by[answer->form](answer, &root->revoked[i].key, &court->documents[what],
                                      signed_role(what)))
                return &root->revoked[i];
    return NULL;
}

/* Known to nobody: what it says of itself is all that can be told. */
static int unknown_maker(const struct answer *answer, const struct answer_court *court,
                         struct pack_error *error)
{
    char id[17], other[17];
    if (answer->form == ANSWER_SSHSIG)
        return pack_fail(error, PACK_E_UNTRUSTED, "signed by key %s, which is not trusted here",
                         answer->ssh.key.keyid);
    if (answer->form == ANSWER_RAW)
        return pack_fail(error, PACK_E_UNTRUSTED,
                         "no trusted key made these 64 bytes, neither as the first answer on a "
                         "document of this bundle nor as the second to a first one given here");
    pack_minisign_id_text(answer->minisig.minisign_id, id);
    for (int role = PACK_ROLE_RELEASE; role <= PACK_ROLE_DELIVERY; role++)
        for (size_t i = 0; i < pack_trust_key_count(court->trust, (enum pack_role)role); i++) {
            const struct pack_public_key *key =
                pack_trust_key(court->trust, (enum pack_role)role, i);
            pack_minisign_id_text(key->minisign_id, other);
            if (strcmp(id, other) == 0)
                return pack_fail(error, PACK_E_SIGNATURE,
                                 "does not verify with key %s: it was made of other bytes than "
                                 "this bundle's release.json%s, or altered",
                                 key->keyid,
                                 court->documents[SIGNED_PERMIT].bytes != NULL
                                     ? ", delivery.json and permit.json"
                                     : " and delivery.json");
        }
    return pack_fail(error, PACK_E_UNTRUSTED, "no trusted key made it; it names the minisign id %s",
                     id);
}

/* Finds document and key of an answer, or says why nobody's signature is of use. */
static int find_maker(struct answer *answer, const struct answer_court *court,
                      struct pack_error *error)
{
    for (enum signed_document what = 0; what < SIGNED_DOCUMENTS; what++) {
        answer->what = what;
        answer->key = maker(answer, court, what, signed_role(what));
        answer->known = answer->key != NULL;
        if (answer->known)
            return 0;
    }
    for (enum signed_document what = 0; what < SIGNED_DOCUMENTS; what++) {
        const enum pack_role role = signed_role(what);
        const enum pack_role held =
            role == PACK_ROLE_RELEASE ? PACK_ROLE_DELIVERY : PACK_ROLE_RELEASE;
        const struct pack_public_key *key = maker(answer, court, what, held);
        if (key != NULL)
            return pack_fail(error, PACK_E_UNTRUSTED,
                             "signed by key %s, which is trusted, but not for the role %s",
                             key->keyid, pack_role_name(role));
    }
    const struct pack_root_revocation *revoked = revoked_maker(answer, court);
    if (revoked != NULL)
        return pack_fail(error, PACK_E_REVOKED, "signed by revoked key %s: %s", revoked->key.keyid,
                         revoked->reason);
    return unknown_maker(answer, court, error);
}

/* --- SSH signatures -------------------------------------------------------------------------- */

/* The documents that are signed in its namespace, of which it is over one. */
static int judge_namespace(struct answer *answer, const struct answer_court *court,
                           struct pack_error *error)
{
    bool known = false;
    int code = 0;
    for (enum signed_document what = 0; what < SIGNED_DOCUMENTS; what++) {
        const struct answer_document *document = &court->documents[what];
        struct pack_error fault = {0};
        if (document->bytes == NULL ||
            strcmp(answer->ssh.name_space, pack_role_namespace(signed_role(what))) != 0)
            continue;
        answer->what = what;
        if (pack_ssh_signature_verify(&answer->ssh, &answer->ssh.key, answer->ssh.name_space,
                                      document->bytes, document->size, &fault) == 0) {
            pack_error_clear(error);
            return 0;
        }
        if (!known) {
            *error = fault;
            code = pack_context(error, "%s", document->name);
        }
        known = true;
    }
    return known ? code
                 : pack_fail(error, PACK_E_SIGNATURE,
                             "made for namespace \"%s\", \"%s\" or \"%s\" is wanted",
                             answer->ssh.name_space, pack_role_namespace(PACK_ROLE_RELEASE),
                             pack_role_namespace(PACK_ROLE_DELIVERY));
}

/* It says whose it is, so what it is over is proved first, and then whether that key counts. */
static int judge_ssh(struct answer *answer, const struct answer_court *court,
                     struct pack_error *error)
{
    const int code = judge_namespace(answer, court, error);
    if (code != 0)
        return code;
    answer->key = &answer->ssh.key;
    answer->known = true;
    return court->trust != NULL ? find_maker(answer, court, error) : 0;
}

/* --- minisign, and the two answers of others ------------------------------------------------- */

static int wants_trust(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "only a public key can tell whose signature this is");
    return pack_hint(error, "give the keys that may sign: -p release.pub, or -t root.json");
}

static int judge_known(struct answer *answer, const struct answer_court *court,
                       struct pack_error *error)
{
    return court->trust == NULL ? wants_trust(error) : find_maker(answer, court, error);
}

static int (*const judges[])(struct answer *answer, const struct answer_court *court,
                             struct pack_error *error) = {
    [ANSWER_MINISIG] = judge_known,
    [ANSWER_SSHSIG] = judge_ssh,
    [ANSWER_RAW] = judge_known,
};

/* The first answer to which this is the second, which takes on its document and key. */
static const struct answer *first_of(struct answer *second, const struct answer *answers,
                                     size_t count, const struct answer_court *court)
{
    for (size_t i = 0; i < count; i++) {
        const struct answer *first = &answers[i];
        if (first->form != ANSWER_RAW || !first->known || first == second ||
            !pack_signature_is_second(second->raw, first->key, first->raw,
                                      court->documents[first->what].comment))
            continue;
        second->what = first->what;
        second->key = first->key;
        return first;
    }
    return NULL;
}

static void explain_lone_first(struct answer *answer, const struct answer_court *court)
{
    const char *name = court->documents[answer->what].name;
    pack_fail(&answer->error, PACK_E_NOT_SIGNED,
              "is the first answer of key %s on %s; the second is missing", answer->key->keyid,
              name);
    pack_at_file(&answer->error, answer->file);
    pack_hint(&answer->error,
              "in the folder of `sign --export`: `cat %.100s %s.comment > %s.second`, sign "
              "%s.second as %s.prehash was signed, and give both answers",
              answer->file, name, name, name, name);
}

/* --- signatures ------------------------------------------------------------------------------ */

void answer_signatures_clear(struct answer_signatures *signatures)
{
    for (size_t i = 0; i < signatures->count; i++)
        free((void *)(uintptr_t)signatures->given[i].bytes);
    free(signatures->given);
    free(signatures->from);
    *signatures = (struct answer_signatures){.count = 0};
}

/* The same signature given in two files is one. Takes *text. */
static void add(struct answer_signatures *signatures, const struct answer *answer, char **text,
                size_t size)
{
    const enum pack_signature_kind kind =
        answer->form == ANSWER_SSHSIG ? PACK_SIGNATURE_SSHSIG : PACK_SIGNATURE_MINISIG;
    /* A FIDO key's id depends on where it was read: in a member's name it is the signature's. */
    const char *keyid = kind == PACK_SIGNATURE_SSHSIG ? answer->ssh.key.keyid : answer->key->keyid;
    const enum pack_role role = signed_role(answer->what);
    const bool permit = answer->what == SIGNED_PERMIT;
    for (size_t i = 0; i < signatures->count; i++) {
        const struct pack_given_signature *other = &signatures->given[i];
        if (other->role == role && other->permit == permit && other->kind == kind &&
            strcmp(other->keyid, keyid) == 0)
            return;
    }
    struct pack_given_signature *given = &signatures->given[signatures->count];
    *given = (struct pack_given_signature){
        .role = role, .permit = permit, .kind = kind, .bytes = *text, .size = size};
    memcpy(given->keyid, keyid, sizeof given->keyid);
    signatures->from[signatures->count++] = answer;
    *text = NULL;
}

static int add_whole(struct answer_signatures *signatures, struct answer *answer,
                     struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    const int code = answer->form == ANSWER_SSHSIG
                         ? pack_ssh_signature_format(&text, &size, &answer->ssh, error)
                         : pack_signature_format(&text, &size, &answer->minisig, error);
    if (code != 0)
        return code;
    answer->placed = true;
    add(signatures, answer, &text, size);
    return 0;
}

/* minisign's signature of two answers. */
static int add_pair(struct answer_signatures *signatures, struct answer *first,
                    struct answer *second, const struct answer_court *court,
                    struct pack_error *error)
{
    struct pack_signature *made = &first->minisig;
    const char *comment = court->documents[first->what].comment;
    memcpy(made->minisign_id, first->key->minisign_id, sizeof made->minisign_id);
    memcpy(made->bytes, first->raw, sizeof made->bytes);
    memcpy(made->global, second->raw, sizeof made->global);
    memcpy(made->comment, comment, strlen(comment) + 1);
    second->placed = true;
    return add_whole(signatures, first, error);
}

static int join_pairs(struct answer *answers, size_t count, const struct answer_court *court,
                      struct answer_signatures *signatures, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && court->trust != NULL && i < count; i++) {
        if (answers[i].form != ANSWER_RAW || answers[i].known)
            continue;
        const struct answer *first = first_of(&answers[i], answers, count, court);
        if (first != NULL)
            code = add_pair(signatures, &answers[first - answers], &answers[i], court, error);
    }
    for (size_t i = 0; code == 0 && i < count; i++)
        if (answers[i].form == ANSWER_RAW && answers[i].known && !answers[i].placed)
            explain_lone_first(&answers[i], court);
    return code;
}

int answers_judge(struct answer *answers, size_t count, const struct answer_court *court,
                  struct answer_signatures *signatures, struct pack_error *error)
{
    int code = 0;
    signatures->given = calloc(count, sizeof *signatures->given);
    signatures->from = calloc(count, sizeof *signatures->from);
    if (signatures->given == NULL || signatures->from == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; code == 0 && i < count; i++) {
        struct answer *answer = &answers[i];
        if (answer->error.code != 0)
            continue;
        if (judges[answer->form](answer, court, &answer->error) != 0)
            pack_at_file(&answer->error, answer->file);
        else if (answer->form != ANSWER_RAW)
            code = add_whole(signatures, answer, error);
    }
    if (code == 0)
        code = join_pairs(answers, count, court, signatures, error);
    for (size_t i = 0; i < count; i++)
        if (answers[i].placed)
            pack_error_clear(&answers[i].error);
    return code;
}
