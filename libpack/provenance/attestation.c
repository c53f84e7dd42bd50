/* SPDX-License-Identifier: MIT */
#include "crypto/ed25519.h"
#include "document/fields.h"
#include "pack/attest.h"
#include "pack/text.h"
#include "trust/anchor.h"

#include <sodium.h>
#include <string.h>

enum { MAX_SUBJECTS = 4096, SHOWN = 96 };

/* --- who signed it --------------------------------------------------------------------------- */

struct verification {
    const struct pack_trust *trust;
    const struct pack_envelope *envelope;
    struct pack_attestation *attestation;
    void *encoded; /* the PAE of the payload as it stands */
    size_t encoded_size;
    char (*keyids)[PACK_SHA256_HEX_SIZE]; /* by anchor, as envelopes name them */
    struct pack_error first_bad;
};

static void verification_clear(struct verification *verification)
{
    free(verification->encoded);
    free(verification->keyids);
}

static bool may_sign(const struct trust_anchor *anchor)
{
    return trust_holds(anchor, PACK_ROLE_RELEASE) || trust_holds(anchor, PACK_ROLE_DELIVERY);
}

static bool verifies(const struct verification *verification, const struct trust_anchor *anchor,
                     const struct pack_dsse_signature *signature)
{
    return signature->size == PACK_SIGNATURE_SIZE && anchor->key.application[0] == '\0' &&
           pack_ed25519_verify(signature->bytes, verification->encoded, verification->encoded_size,
                               anchor->key.bytes);
}

/* The key that made a signature, whatever it says of that; or else the one that it names. */
static const struct trust_anchor *find_signer(const struct verification *verification,
                                              const struct pack_dsse_signature *signature,
                                              bool *good)
{
    const struct trust_anchor *named = NULL;
    *good = false;
    for (size_t i = 0; i < verification->trust->count; i++) {
        const struct trust_anchor *anchor = &verification->trust->anchors[i];
        *good = verifies(verification, anchor, signature);
        if (*good)
            return anchor;
        if (strcmp(signature->keyid, verification->keyids[i]) == 0)
            named = anchor;
    }
    return named;
}

static void note_bad(struct verification *verification, const struct trust_anchor *anchor,
                     const struct pack_dsse_signature *signature)
{
    struct pack_error *error = &verification->first_bad;
    if (error->code != 0)
        return;
    if (signature->size != PACK_SIGNATURE_SIZE)
        (void)pack_fail(error, PACK_E_SIGNATURE, "the signature has %zu bytes, %d are wanted",
                        signature->size, PACK_SIGNATURE_SIZE);
    else
        (void)pack_fail(error, PACK_E_SIGNATURE,
                        "the signature does not verify with key %s: the attestation was altered",
                        anchor->key.keyid);
}

static enum pack_signer_state judge(struct verification *verification,
                                    const struct trust_anchor *anchor,
                                    const struct pack_dsse_signature *signature, bool good)
{
    if (anchor == NULL)
        return PACK_SIGNER_UNKNOWN;
    if (anchor->revoked)
        return PACK_SIGNER_REVOKED;
    if (!may_sign(anchor))
        return PACK_SIGNER_UNKNOWN;
    if (!good)
        note_bad(verification, anchor, signature);
    return good ? PACK_SIGNER_GOOD : PACK_SIGNER_BAD;
}

static void judge_signature(struct verification *verification,
                            const struct pack_dsse_signature *signature)
{
    struct pack_attestation *attestation = verification->attestation;
    struct pack_attestation_signer *signer = &attestation->signers[attestation->signer_count++];
    bool good = false;
    const struct trust_anchor *anchor = find_signer(verification, signature, &good);
    signer->state = judge(verification, anchor, signature, good);
    (void)pack_escape(signer->keyid, sizeof signer->keyid,
                      anchor != NULL ? anchor->key.keyid : signature->keyid,
                      strlen(anchor != NULL ? anchor->key.keyid : signature->keyid));
}

static const struct pack_attestation_signer *
first_signer(const struct pack_attestation *attestation, enum pack_signer_state state)
{
    for (size_t i = 0; i < attestation->signer_count; i++)
        if (attestation->signers[i].state == state)
            return &attestation->signers[i];
    return NULL;
}

static int fail_revoked(const struct pack_trust *trust,
                        const struct pack_attestation_signer *signer, struct pack_error *error)
{
    const struct trust_anchor *anchor = trust_find_id(trust, signer->keyid);
    const char *reason = anchor != NULL && anchor->reason != NULL ? anchor->reason : "";
    return pack_fail(error, PACK_E_REVOKED, "signed by revoked key %s%s%s", signer->keyid,
                     reason[0] != '\0' ? ": " : "", reason);
}

static int verdict(const struct verification *verification, struct pack_error *error)
{
    const struct pack_attestation *attestation = verification->attestation;
    const struct pack_attestation_signer *revoked = first_signer(attestation, PACK_SIGNER_REVOKED);
    if (attestation->signer_count == 0)
        return pack_fail(error, PACK_E_NOT_SIGNED, "the attestation has no signature");
    if (first_signer(attestation, PACK_SIGNER_GOOD) != NULL)
        return 0;
    if (verification->first_bad.code != 0) {
        *error = verification->first_bad;
        return (int)error->code;
    }
    if (revoked != NULL)
        return fail_revoked(verification->trust, revoked, error);
    const char *keyid = attestation->signers[0].keyid;
    (void)pack_fail(error, PACK_E_UNTRUSTED, "no signature by a trusted key%s%s",
                    keyid[0] != '\0' ? "; signed by " : "", keyid);
    return pack_hint(error, "a key that holds the role release or delivery signs attestations");
}

static int name_keys(struct verification *verification, struct pack_error *error)
{
    const struct pack_trust *trust = verification->trust;
    int code =
        pack_allocate(&verification->keyids, trust->count, sizeof *verification->keyids, error);
    for (size_t i = 0; code == 0 && i < trust->count; i++)
        code = pack_dsse_keyid(&trust->anchors[i].key, verification->keyids[i], error);
    return code;
}

static int verify_signatures(struct verification *verification, struct pack_error *error)
{
    const struct pack_envelope *envelope = verification->envelope;
    int code = pack_crypto_ready(error);
    if (code == 0)
        code = pack_dsse_encode(&verification->encoded, &verification->encoded_size,
                                envelope->payload_type, envelope->payload, envelope->payload_size,
                                error);
    if (code == 0)
        code = name_keys(verification, error);
    for (size_t i = 0; code == 0 && i < envelope->signature_count; i++)
        judge_signature(verification, &envelope->signatures[i]);
    return code != 0 ? code : verdict(verification, error);
}

/* --- what it says ---------------------------------------------------------------------------- */

struct subject {
    const char *name; /* or NULL */
    bool has_sha256;
    uint8_t sha256[PACK_SHA256_SIZE];
};

struct statement {
    const char *type;
    const char *predicate_type;
    const char *build_type, *builder_id, *invocation_id;
    size_t subject_count;
    const struct subject *subjects;
};

static int rule_any(const char *text, struct pack_error *error)
{
    if (strlen(text) <= PACK_MAX_TEXT)
        return 0;
    return pack_fail(error, PACK_E_LIMIT, "has %zu bytes, %d are allowed", strlen(text),
                     PACK_MAX_TEXT);
}

#define TEXT(member_name, ...)                                                                     \
    {                                                                                              \
        .kind = FIELD_STRING, .rule = rule_any, .offset = offsetof(struct statement, member_name), \
        __VA_ARGS__                                                                                \
    }
#define TABLE(of, all)                                                              \
    {                                                                               \
        .size = sizeof(of), .fields = (all), .count = sizeof(all) / sizeof(all)[0], \
    }

static const struct field digest_fields[] = {
    {"sha256", FIELD_DIGEST, .offset = offsetof(struct subject, sha256), .use = FIELD_OPTIONAL,
     .has_offset = offsetof(struct subject, has_sha256)},
};
static const struct field_table digest_table = TABLE(struct subject, digest_fields);

static const struct field subject_fields[] = {
    {"name", FIELD_STRING, .offset = offsetof(struct subject, name), .use = FIELD_OPTIONAL,
     .rule = rule_any},
    {"digest", FIELD_GROUP, .use = FIELD_OPTIONAL, .table = &digest_table},
};
static const struct field_table subject_table = TABLE(struct subject, subject_fields);

static const struct field definition_fields[] = {
    TEXT(build_type, .name = "buildType"),
};
static const struct field_table definition_table = TABLE(struct statement, definition_fields);

static const struct field builder_fields[] = {
    TEXT(builder_id, .name = "id"),
};
static const struct field_table builder_table = TABLE(struct statement, builder_fields);

static const struct field metadata_fields[] = {
    TEXT(invocation_id, .name = "invocationId", .use = FIELD_OPTIONAL),
};
static const struct field_table metadata_table = TABLE(struct statement, metadata_fields);

static const struct field run_fields[] = {
    {"builder", FIELD_GROUP, .table = &builder_table},
    {"metadata", FIELD_GROUP, .use = FIELD_OPTIONAL, .table = &metadata_table},
};
static const struct field_table run_table = TABLE(struct statement, run_fields);

static const struct field predicate_fields[] = {
    {"buildDefinition", FIELD_GROUP, .table = &definition_table},
    {"runDetails", FIELD_GROUP, .table = &run_table},
};
static const struct field_table predicate_table = TABLE(struct statement, predicate_fields);

/* What the two types are decides what else is to be understood. */
static const struct field type_fields[] = {
    TEXT(type, .name = "_type"),
    TEXT(predicate_type, .name = "predicateType"),
};
static const struct field_table type_table = TABLE(struct statement, type_fields);

static const struct field statement_fields[] = {
    {"subject", FIELD_OBJECTS, .offset = offsetof(struct statement, subjects), .minimum = 1,
     .maximum = MAX_SUBJECTS, .count_offset = offsetof(struct statement, subject_count),
     .table = &subject_table},
    {"predicate", FIELD_GROUP, .table = &predicate_table},
};
static const struct field_table statement_table = TABLE(struct statement, statement_fields);

static int check_type(enum pack_code code, const char *what, const char *found, const char *wanted,
                      struct pack_error *error)
{
    char shown[SHOWN];
    if (strcmp(found, wanted) == 0)
        return 0;
    return pack_fail(error, code, "%s \"%s\", \"%s\" is wanted", what,
                     pack_escape(shown, sizeof shown, found, strlen(found)), wanted);
}

static int read_table(struct fields *fields, const struct field_table *table,
                      const struct pack_json_value *root, struct statement *statement)
{
    int code = fields_read(fields, table, root, statement);
    if (code == 0) {
        fields->place = NULL;
        code = fields_check(fields, table, statement);
    }
    return fields_verdict(fields, code);
}

static int read_statement(struct statement *statement, struct pack_arena *arena,
                          const struct pack_envelope *envelope, struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *tree = NULL;
    const struct pack_json_limits limits = {.bytes = PACK_MAX_DOCUMENT,
                                            .values = PACK_MAX_JSON_VALUES};
    const struct pack_json_value *root = NULL;
    struct fields fields = {.arena = arena, .error = error};
    int code = pack_arena_new(&tree, error);
    if (code == 0)
        code = pack_json_read_any(&root, tree, envelope->payload, envelope->payload_size, &limits,
                                  error);
    if (code == 0)
        code = read_table(&fields, &type_table, root, statement);
    if (code == 0)
        code = check_type(PACK_E_UNSUPPORTED, "statement of type", statement->type,
                          PACK_STATEMENT_TYPE, error);
    if (code == 0)
        code = check_type(PACK_E_UNSUPPORTED, "predicate of type", statement->predicate_type,
                          PACK_PROVENANCE_TYPE, error);
    return code != 0 ? code : read_table(&fields, &statement_table, root, statement);
}

/* --- whether it is of this release ----------------------------------------------------------- */

struct match {
    const struct pack_release *release;
    const uint8_t *release_sha256;
    struct pack_attestation *attestation;
    size_t matches; /* subjects of this release */
    struct pack_error first_other;
};

static bool is_digest(const struct subject *subject, const uint8_t sha256[PACK_SHA256_SIZE])
{
    return subject->has_sha256 && sodium_memcmp(subject->sha256, sha256, PACK_SHA256_SIZE) == 0;
}

static void note_other(struct match *match, const struct subject *subject,
                       const uint8_t sha256[PACK_SHA256_SIZE])
{
    char found[PACK_SHA256_HEX_SIZE] = "no sha256", wanted[PACK_SHA256_HEX_SIZE];
    if (match->first_other.code != 0)
        return;
    if (subject->has_sha256)
        pack_sha256_hex(subject->sha256, found);
    pack_sha256_hex(sha256, wanted);
    (void)pack_fail(&match->first_other, PACK_E_CORRUPT,
                    "attests other bytes: %s with %s%s, this release has %s", subject->name,
                    subject->has_sha256 ? "sha256 " : "", found, wanted);
}

/*
 * A digest counts under any name, as in-toto has it; a name of this release with another digest
 * is what must not pass. An image may be called release.json too.
 */
static void match_subject(struct match *match, const struct subject *subject)
{
    const struct pack_release *release = match->release;
    const uint8_t *named = NULL;
    bool found = is_digest(subject, match->release_sha256);
    match->attestation->covers_release = match->attestation->covers_release || found;
    if (subject->name != NULL && strcmp(subject->name, "release.json") == 0)
        named = match->release_sha256;
    for (size_t i = 0; i < release->image_count; i++) {
        const struct pack_release_image *image = &release->images[i];
        const bool same = is_digest(subject, image->sha256);
        match->attestation->covers[i] = match->attestation->covers[i] || same;
        found = found || same;
        if (subject->name != NULL && strcmp(subject->name, image->name) == 0)
            named = image->sha256;
    }
    match->matches += found;
    if (!found && named != NULL)
        note_other(match, subject, named);
}

static int match_subjects(const struct statement *statement, struct match *match,
                          struct pack_error *error)
{
    for (size_t i = 0; i < statement->subject_count; i++)
        match_subject(match, &statement->subjects[i]);
    if (match->first_other.code != 0) {
        *error = match->first_other;
        return (int)error->code;
    }
    if (match->matches == 0)
        return pack_fail(error, PACK_E_CORRUPT,
                         "attests other bytes: none of its %zu subjects is of this release",
                         statement->subject_count);
    return 0;
}

/* --- all of it ------------------------------------------------------------------------------- */

static void keep(struct pack_attestation *attestation, const struct statement *statement)
{
    attestation->predicate_type = statement->predicate_type;
    attestation->build_type = statement->build_type;
    attestation->builder_id = statement->builder_id;
    attestation->invocation_id = statement->invocation_id;
}

/* Nothing of the payload is parsed before one of its signatures was found good. */
static int judge_envelope(const struct pack_envelope *envelope, const struct pack_trust *trust,
                          struct match *match, struct pack_error *error)
{
    PACK_AUTO(verification_clear)
    struct verification verification = {
        .trust = trust, .envelope = envelope, .attestation = match->attestation};
    struct statement statement = {0};
    int code = check_type(PACK_E_MALFORMED, "a payload of type", envelope->payload_type,
                          PACK_ATTESTATION_TYPE, error);
    if (code == 0)
        code = verify_signatures(&verification, error);
    if (code == 0)
        code = read_statement(&statement, match->attestation->storage, envelope, error);
    if (code != 0)
        return code;
    keep(match->attestation, &statement);
    return match_subjects(&statement, match, error);
}

int pack_attestation_verify(struct pack_attestation **attestation, const void *bytes, size_t size,
                            const struct pack_trust *trust, const struct pack_release *release,
                            const uint8_t release_sha256[PACK_SHA256_SIZE],
                            struct pack_error *error)
{
    PACK_AUTO(pack_envelope_free) struct pack_envelope *envelope = NULL;
    PACK_AUTO(pack_attestation_free) struct pack_attestation *made = NULL;
    struct pack_arena *arena = NULL;
    *attestation = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = pack_arena_new(&arena, error);
    if (code != 0)
        return code;
    made->storage = arena;
    code = pack_envelope_parse(&envelope, bytes, size, error);
    struct match match = {
        .release = release, .release_sha256 = release_sha256, .attestation = made};
    if (code == 0)
        code = judge_envelope(envelope, trust, &match, error);
    if (code == 0 || code == PACK_E_CORRUPT)
        *attestation = pack_steal(&made);
    return code;
}

void pack_attestation_free(struct pack_attestation **attestation)
{
    if (*attestation == NULL)
        return;
    struct pack_arena *arena = (*attestation)->storage;
    pack_arena_free(&arena);
    free(*attestation);
    *attestation = NULL;
}
