/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "crypto/ed25519.h"
#include "crypto/textline.h"
#include "document/fields.h"
#include "pack/attest.h"

#include <sodium.h>
#include <string.h>

/* --- what is signed -------------------------------------------------------------------------- */

int pack_dsse_encode(void **bytes, size_t *size, const char *type, const void *payload,
                     size_t payload_size, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = PACK_MAX_ATTESTATION};
    *bytes = NULL;
    int code =
        pack_buffer_print(&buffer, error, "DSSEv1 %zu %s %zu ", strlen(type), type, payload_size);
    if (code == 0)
        code = pack_buffer_append(&buffer, payload, payload_size, error);
    return code != 0 ? code : pack_buffer_take(&buffer, bytes, size, error);
}

int pack_dsse_keyid(const struct pack_public_key *key, char keyid[PACK_SHA256_HEX_SIZE],
                    struct pack_error *error)
{
    /* SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of no unused bits }, before the key */
    uint8_t info[12 + PACK_PUBLIC_KEY_SIZE] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                               0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
    uint8_t digest[PACK_SHA256_SIZE];
    memcpy(info + 12, key->bytes, PACK_PUBLIC_KEY_SIZE);
    const int code = pack_sha256_bytes(info, sizeof info, digest, error);
    if (code == 0)
        pack_sha256_hex(digest, keyid);
    return code;
}

/* --- reading --------------------------------------------------------------------------------- */

/* What may stand in a key id: it is shown to people. */
static int rule_any(const char *text, struct pack_error *error)
{
    if (strlen(text) > PACK_MAX_TEXT)
        return pack_fail(error, PACK_E_LIMIT, "has %zu bytes, %d are allowed", strlen(text),
                         PACK_MAX_TEXT);
    return 0;
}

static int decode_base64(struct fields *fields, const char *text, const uint8_t **bytes,
                         size_t *size)
{
    const int variant = strpbrk(text, "-_") != NULL ? sodium_base64_VARIANT_URLSAFE
                                                    : sodium_base64_VARIANT_ORIGINAL;
    const size_t length = strlen(text), capacity = length / 4 * 3 + 1; /* and a zero byte */
    uint8_t *out = NULL;
    const int code = pack_arena_allocate(fields->arena, &out, 1, capacity, fields->error);
    if (code != 0)
        return code;
    if (length % 4 != 0 ||
        !pack_base64_read((struct pack_span){text, length}, variant, NULL, out, capacity - 1, size))
        return pack_fail(fields->error, PACK_E_MALFORMED,
                         "is not padded base64 of one alphabet, standard or URL-safe");
    *bytes = out;
    return 0;
}

static int read_payload(struct fields *fields, const struct pack_json_value *value, void *object)
{
    struct pack_envelope *envelope = object;
    if (value->type != PACK_JSON_STRING)
        return fields_fail_type(fields, "a string", value);
    return decode_base64(fields, value->text, &envelope->payload, &envelope->payload_size);
}

static int read_signature(struct fields *fields, const struct pack_json_value *value, void *object)
{
    struct pack_dsse_signature *signature = object;
    if (value->type != PACK_JSON_STRING)
        return fields_fail_type(fields, "a string", value);
    return decode_base64(fields, value->text, &signature->bytes, &signature->size);
}

/* An unset key id is an empty one. */
static int derive_signature(struct fields *fields, void *object)
{
    struct pack_dsse_signature *signature = object;
    (void)fields;
    if (signature->keyid == NULL)
        signature->keyid = "";
    return 0;
}

static const struct field signature_fields[] = {
    {"keyid", FIELD_STRING, .offset = offsetof(struct pack_dsse_signature, keyid),
     .use = FIELD_OPTIONAL, .rule = rule_any},
    {"sig", FIELD_CUSTOM, .read = read_signature},
};

static const struct field_table signature_table = {
    .size = sizeof(struct pack_dsse_signature),
    .fields = signature_fields,
    .count = sizeof signature_fields / sizeof signature_fields[0],
    .derive = derive_signature,
};

static bool same_signature(const struct pack_dsse_signature *a, const struct pack_dsse_signature *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Signatures are counted by people too, so none may stand for two. */
static int check_distinct(struct fields *fields, const struct pack_envelope *envelope, size_t index)
{
    const struct pack_dsse_signature *signature = &envelope->signatures[index];
    fields_enter_index(fields, index);
    for (size_t i = 0; i < index; i++) {
        const struct pack_dsse_signature *other = &envelope->signatures[i];
        if (same_signature(signature, other))
            return pack_fail(fields->error, PACK_E_MALFORMED,
                             "the same signature as signatures[%zu]", i);
        if (signature->keyid[0] != '\0' && strcmp(signature->keyid, other->keyid) == 0)
            return pack_fail(fields->error, PACK_E_MALFORMED, "the same key id as signatures[%zu]",
                             i);
    }
    return 0;
}

static int check_envelope(struct fields *fields, const void *object)
{
    const struct pack_envelope *envelope = object;
    fields_enter(fields, "signatures");
    const size_t length = strlen(fields->path);
    int code = 0;
    for (size_t i = 0; code == 0 && i < envelope->signature_count; i++) {
        fields->path[length] = '\0';
        code = check_distinct(fields, envelope, i);
    }
    return code;
}

static const struct field envelope_fields[] = {
    {"payload", FIELD_CUSTOM, .read = read_payload},
    {"payloadType", FIELD_STRING, .offset = offsetof(struct pack_envelope, payload_type),
     .rule = rule_any},
    {"signatures", FIELD_OBJECTS, .offset = offsetof(struct pack_envelope, signatures),
     .maximum = PACK_MAX_SIGNERS, .count_offset = offsetof(struct pack_envelope, signature_count),
     .table = &signature_table},
};

static const struct field_table envelope_table = {
    .size = sizeof(struct pack_envelope),
    .fields = envelope_fields,
    .count = sizeof envelope_fields / sizeof envelope_fields[0],
    .check = check_envelope,
};

static int read_envelope(struct pack_envelope *envelope, struct pack_arena *arena,
                         const void *bytes, size_t size, struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *tree = NULL;
    const struct pack_json_limits limits = {.bytes = PACK_MAX_ATTESTATION, .values = 4096};
    const struct pack_json_value *root = NULL;
    struct fields fields = {.arena = arena, .error = error};
    int code = pack_arena_new(&tree, error);
    if (code == 0)
        code = pack_json_read_any(&root, tree, bytes, size, &limits, error);
    if (code != 0)
        return code;
    code = fields_read(&fields, &envelope_table, root, envelope);
    if (code == 0) {
        fields.place = NULL;
        code = fields_check(&fields, &envelope_table, envelope);
    }
    return fields_verdict(&fields, code);
}

int pack_envelope_parse(struct pack_envelope **envelope, const void *bytes, size_t size,
                        struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    struct pack_envelope *made = NULL;
    *envelope = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_arena_allocate(arena, &made, 1, sizeof *made, error);
    if (code == 0)
        code = read_envelope(made, arena, bytes, size, error);
    if (code != 0)
        return code;
    made->storage = pack_steal(&arena);
    *envelope = made;
    return 0;
}

void pack_envelope_free(struct pack_envelope **envelope)
{
    if (*envelope == NULL)
        return;
    struct pack_arena *arena = (*envelope)->storage;
    *envelope = NULL;
    pack_arena_free(&arena);
}

/* --- signing --------------------------------------------------------------------------------- */

static int put_base64(struct pack_json *json, const char *name, const void *bytes, size_t size,
                      struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    const size_t capacity = PACK_BASE64_TEXT_SIZE(size);
    const int code = pack_allocate(&text, 1, capacity, error);
    if (code != 0)
        return code;
    pack_base64_encode(text, capacity, bytes, size);
    pack_json_string(json, name, text);
    return 0;
}

struct to_sign {
    const void *payload;
    size_t payload_size;
    void *encoded; /* its PAE */
    size_t encoded_size;
};

static int put_signature(struct pack_json *json, const struct pack_signer *signer,
                         const struct to_sign *what, struct pack_error *error)
{
    uint8_t signature[PACK_SIGNATURE_SIZE];
    char keyid[PACK_SHA256_HEX_SIZE];
    int code = pack_dsse_keyid(signer->key, keyid, error);
    if (code == 0)
        code = pack_signer_sign(signer, what->encoded, what->encoded_size, signature, error);
    if (code == 0)
        code = pack_signer_record(signer, what->payload, what->payload_size, error);
    if (code != 0)
        return code;
    pack_json_object(json, NULL);
    pack_json_string(json, "keyid", keyid);
    code = put_base64(json, "sig", signature, sizeof signature, error);
    pack_json_end(json);
    return code;
}

static int write_envelope(struct pack_json *json, const struct to_sign *what,
                          const struct pack_signer *signers, size_t signer_count,
                          struct pack_error *error)
{
    pack_json_object(json, NULL);
    int code = put_base64(json, "payload", what->payload, what->payload_size, error);
    pack_json_string(json, "payloadType", PACK_ATTESTATION_TYPE);
    pack_json_array(json, "signatures");
    for (size_t i = 0; code == 0 && i < signer_count; i++)
        code = put_signature(json, &signers[i], what, error);
    pack_json_end(json);
    pack_json_end(json);
    return code;
}

static void clear_to_sign(struct to_sign *what)
{
    free(what->encoded);
}

int pack_envelope_sign(char **text, size_t *size, const void *payload, size_t payload_size,
                       const struct pack_signer *signers, size_t signer_count,
                       struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    PACK_AUTO(clear_to_sign)
    struct to_sign what = {.payload = payload, .payload_size = payload_size};
    const char *written = NULL;
    *text = NULL;
    int code = pack_crypto_ready(error);
    if (code == 0)
        code = pack_dsse_encode(&what.encoded, &what.encoded_size, PACK_ATTESTATION_TYPE, payload,
                                payload_size, error);
    if (code == 0)
        code = pack_json_new(&json, false, error);
    if (code == 0)
        code = write_envelope(json, &what, signers, signer_count, error);
    if (code == 0)
        code = pack_json_finish(json, &written, size, error);
    return code != 0 ? code : pack_copy_string(text, written, error);
}
