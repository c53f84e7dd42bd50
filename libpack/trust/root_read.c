/* SPDX-License-Identifier: MIT */
#include "trust/root.h"

#include "codec/json_canonical.h"
#include "crypto/key_text.h"
#include "pack/limits.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const role_names[] = {
    [PACK_ROOT_ROOT] = "root",         [PACK_ROOT_TARGETS] = "targets",
    [PACK_ROOT_SNAPSHOT] = "snapshot", [PACK_ROOT_TIMESTAMP] = "timestamp",
    [PACK_ROOT_RELEASE] = "release",   [PACK_ROOT_DELIVERY] = "delivery",
    [PACK_ROOT_ROLLOUT] = "rollout",
};

const char *pack_root_role_name(enum pack_root_role role)
{
    return (unsigned)role < PACK_ROOT_ROLES ? role_names[role] : NULL;
}

bool pack_root_role_parse(const char *name, enum pack_root_role *role)
{
    for (unsigned i = 0; i < PACK_ROOT_ROLES; i++)
        if (strcmp(role_names[i], name) == 0) {
            *role = (enum pack_root_role)i;
            return true;
        }
    return false;
}

/* --- members --------------------------------------------------------------------------------- */

struct reader {
    struct pack_root *root;
    const struct pack_root *known; /* whose keys were found usable before, or NULL */
    struct pack_arena *arena;
    struct pack_error *error;
};

static int fail_at(const struct reader *reader, const struct pack_json_value *place,
                   enum pack_code code, const char *format, ...) PACK_PRINTF(4, 5);

static int fail_at(const struct reader *reader, const struct pack_json_value *place,
                   enum pack_code code, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pack_fail(reader->error, code, "%s", text);
    return place->line != 0 ? pack_at_line(reader->error, place->line, place->column) : (int)code;
}

static const char *const type_names[] = {
    [PACK_JSON_NULL] = "null",        [PACK_JSON_BOOLEAN] = "true or false",
    [PACK_JSON_INTEGER] = "a number", [PACK_JSON_STRING] = "a string",
    [PACK_JSON_ARRAY] = "an array",   [PACK_JSON_OBJECT] = "an object",
};

static int check_type(const struct reader *reader, const struct pack_json_value *value,
                      enum pack_json_type type)
{
    if (value->type == type)
        return 0;
    return fail_at(reader, value, PACK_E_MALFORMED, "%s%s%s is wanted, not %s",
                   value->name != NULL ? value->name : "", value->name != NULL ? ": " : "",
                   type_names[type], type_names[value->type]);
}

/* NULL where it is not there, which is no failure. */
static int look_for(const struct reader *reader, struct pack_json_value *object, const char *name,
                    enum pack_json_type type, struct pack_json_value **value)
{
    *value = json_tree_member(object, name);
    return *value != NULL ? check_type(reader, *value, type) : 0;
}

static int want(const struct reader *reader, struct pack_json_value *object, const char *name,
                enum pack_json_type type, struct pack_json_value **value)
{
    const int code = look_for(reader, object, name, type, value);
    if (code == 0 && *value == NULL)
        return fail_at(reader, object, PACK_E_MALFORMED, "\"%s\" is missing", name);
    return code;
}

static int want_text(const struct reader *reader, struct pack_json_value *object, const char *name,
                     const char **text)
{
    struct pack_json_value *value = NULL;
    const int code = want(reader, object, name, PACK_JSON_STRING, &value);
    if (code == 0)
        *text = value->text;
    return code;
}

static int check_count(const struct reader *reader, const struct pack_json_value *list,
                       size_t least, size_t most)
{
    if (list->count >= least && list->count <= most)
        return 0;
    return fail_at(reader, list, list->count > most ? PACK_E_LIMIT : PACK_E_MALFORMED,
                   "%s has %zu entries, %zu to %zu are allowed", list->name, list->count, least,
                   most);
}

/* --- keys ------------------------------------------------------------------------------------ */

const struct pack_root_key *pack_root_key_by_id(const struct pack_root *root, const char *id)
{
    for (size_t i = 0; i < root->key_count; i++)
        if (strcmp(root->keys[i].id, id) == 0)
            return &root->keys[i];
    return NULL;
}

const struct pack_root_key *pack_root_key_of(const struct pack_root *root,
                                             const struct pack_public_key *key)
{
    for (size_t i = 0; i < root->key_count; i++)
        if (root->keys[i].usable &&
            sodium_memcmp(root->keys[i].key.bytes, key->bytes, PACK_PUBLIC_KEY_SIZE) == 0)
            return &root->keys[i];
    return NULL;
}

static int decode_public(const struct reader *reader, const struct pack_json_value *place,
                         const char *hex, uint8_t bytes[PACK_PUBLIC_KEY_SIZE])
{
    if (pack_sha256_parse(hex, bytes)) /* 32 bytes too */
        return 0;
    const size_t length = strlen(hex);
    if (length != (size_t)2 * PACK_PUBLIC_KEY_SIZE)
        return fail_at(reader, place, PACK_E_MALFORMED, "a public key of %zu hex digits, %d wanted",
                       length, 2 * PACK_PUBLIC_KEY_SIZE);
    return fail_at(reader, place, PACK_E_MALFORMED, "a public key that is not in lower-case hex");
}

static int id_is_hash(bool *is, const char *id, const void *bytes, size_t size,
                      struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    const int code = pack_sha256_bytes(bytes, size, digest, error);
    if (code != 0)
        return code;
    pack_sha256_hex(digest, hex);
    *is = strcmp(hex, id) == 0;
    return 0;
}

/*
 * A key's id is the hash of the object with the members that every key has. Some tools have hashed
 * all the members that stand there, and older ones two names of algorithms that are left out now.
 */
static int check_id(const struct reader *reader, const struct pack_root_key *key,
                    struct pack_json_value *object, const char *hex)
{
    static const char older[] = "{\"keyid_hash_algorithms\":[\"sha256\",\"sha512\"],"
                                "\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"%s\"},"
                                "\"scheme\":\"ed25519\"}";
    PACK_AUTO_BUFFER struct pack_buffer whole = {.limit = PACK_MAX_ROOT};
    char text[256];
    bool good = strcmp(key->id, key->key.keyid) == 0;
    int code = good ? 0 : json_canonical(&whole, object, reader->error);
    if (code == 0 && !good)
        code = id_is_hash(&good, key->id, whole.bytes, whole.size, reader->error);
    const int length = snprintf(text, sizeof text, older, hex);
    if (code == 0 && !good)
        code = id_is_hash(&good, key->id, text, (size_t)length, reader->error);
    if (code != 0 || good)
        return code;
    return fail_at(reader, object, PACK_E_MALFORMED, "the key named %.80s has the id %s", key->id,
                   key->key.keyid);
}

/* Of a FIDO key, whose id depends on it. */
static int read_application(const struct reader *reader, struct pack_json_value *value,
                            struct pack_public_key *key)
{
    const char *text = NULL;
    int code = want_text(reader, value, "application", &text);
    if (code == 0)
        code = pack_public_key_set_application(key, text, strlen(text), reader->error);
    if (code == PACK_E_KEY_INVALID && value->line != 0)
        pack_at_line(reader->error, value->line, value->column);
    return code;
}

/* To prove a point costs as much as to check a signature. */
static int make_key(const struct reader *reader, struct pack_public_key *key,
                    const uint8_t bytes[PACK_PUBLIC_KEY_SIZE])
{
    struct pack_public_key wanted;
    memcpy(wanted.bytes, bytes, sizeof wanted.bytes);
    if (reader->known == NULL || pack_root_key_of(reader->known, &wanted) == NULL)
        return pack_public_key_make(key, bytes, NULL, reader->error);
    *key = (struct pack_public_key){.has_minisign_id = false};
    memcpy(key->bytes, bytes, sizeof key->bytes);
    const int code = pack_minisign_id_derive(bytes, key->minisign_id, reader->error);
    return code != 0 ? code : pack_keyid(bytes, key->keyid, reader->error);
}

static int read_usable(const struct reader *reader, struct pack_root_key *key,
                       struct pack_json_value *object, bool fido)
{
    const char *hex = NULL;
    uint8_t bytes[PACK_PUBLIC_KEY_SIZE];
    struct pack_json_value *value = NULL;
    int code = want(reader, object, "keyval", PACK_JSON_OBJECT, &value);
    if (code == 0)
        code = want_text(reader, value, "public", &hex);
    if (code == 0)
        code = decode_public(reader, value, hex, bytes);
    if (code == 0) {
        code = make_key(reader, &key->key, bytes);
        if (code == PACK_E_KEY_INVALID)
            pack_at_line(reader->error, value->line, value->column);
    }
    if (code == 0 && fido)
        code = read_application(reader, value, &key->key);
    if (code == 0)
        code = check_id(reader, key, object, hex);
    if (code == 0 && pack_root_key_of(reader->root, &key->key) != NULL)
        code = fail_at(reader, object, PACK_E_MALFORMED, "key %s stands under two ids",
                       key->key.keyid);
    key->key.has_minisign_id = !fido; /* the derived id, until one is named */
    key->usable = code == 0;
    return code;
}

/* A key of another type is kept, but nothing that it signs counts. */
static int read_key(const struct reader *reader, struct pack_json_value *object, bool fido)
{
    const char *const type = fido ? ROOT_TYPE_FIDO : ROOT_TYPE_ED25519;
    struct pack_root *root = reader->root;
    struct pack_root_key *key = &root->keys[root->key_count];
    const char *scheme = NULL;
    uint8_t id[PACK_SHA256_SIZE];
    *key = (struct pack_root_key){.id = object->name};
    int code = check_type(reader, object, PACK_JSON_OBJECT);
    if (code == 0 && !pack_sha256_parse(key->id, id))
        code = fail_at(reader, object, PACK_E_MALFORMED,
                       "a key's id is 64 lower-case hex digits, not \"%.80s\"", key->id);
    if (code == 0 && pack_root_key_by_id(root, key->id) != NULL)
        code = fail_at(reader, object, PACK_E_MALFORMED, "key %s stands there twice", key->id);
    if (code == 0)
        code = want_text(reader, object, "keytype", &key->type);
    if (code == 0)
        code = want_text(reader, object, "scheme", &scheme);
    if (code == 0 && strcmp(key->type, type) == 0 && strcmp(scheme, type) == 0)
        code = read_usable(reader, key, object, fido);
    root->key_count += code == 0;
    return code;
}

static int read_keys(const struct reader *reader, struct pack_json_value *keys, bool fido)
{
    int code = check_count(reader, keys, 0, PACK_MAX_ROOT_KEYS - reader->root->key_count);
    for (struct pack_json_value *at = keys->first; code == 0 && at != NULL; at = at->next)
        code = read_key(reader, at, fido);
    return code;
}

/* --- roles ----------------------------------------------------------------------------------- */

bool pack_root_holds(const struct pack_root *root, enum pack_root_role role,
                     const struct pack_root_key *key)
{
    const struct pack_root_holders *holders = &root->roles[role];
    for (size_t i = 0; i < holders->count; i++)
        if (holders->keys[i] == key)
            return true;
    return false;
}

static int read_holder(const struct reader *reader, enum pack_root_role role,
                       const struct pack_json_value *value)
{
    struct pack_root_holders *holders = &reader->root->roles[role];
    int code = check_type(reader, value, PACK_JSON_STRING);
    if (code != 0)
        return code;
    const struct pack_root_key *key = pack_root_key_by_id(reader->root, value->text);
    if (key == NULL)
        return fail_at(reader, value, PACK_E_MALFORMED,
                       "the role %s names a key %.80s that is not there", role_names[role],
                       value->text);
    if (pack_root_holds(reader->root, role, key))
        return fail_at(reader, value, PACK_E_MALFORMED, "the role %s names key %s twice",
                       role_names[role], key->id);
    if (role <= PACK_ROOT_TIMESTAMP && key->usable && key->key.application[0] != '\0')
        return fail_at(reader, value, PACK_E_MALFORMED,
                       "key %s is a FIDO key, which the role %s "
                       "cannot have: no TUF client could check it",
                       key->id, role_names[role]);
    holders->keys[holders->count++] = key;
    return 0;
}

static int read_role(const struct reader *reader, enum pack_root_role role,
                     struct pack_json_value *object)
{
    struct pack_root_holders *holders = &reader->root->roles[role];
    struct pack_json_value *ids = NULL, *threshold = NULL;
    int code = want(reader, object, "keyids", PACK_JSON_ARRAY, &ids);
    if (code == 0)
        code = want(reader, object, "threshold", PACK_JSON_INTEGER, &threshold);
    if (code == 0)
        code = check_count(reader, ids, 1, PACK_MAX_ROOT_KEYS);
    if (code == 0)
        code = pack_arena_allocate(reader->arena, &holders->keys, ids->count,
                                   sizeof(struct pack_root_key *), reader->error);
    for (const struct pack_json_value *at = ids != NULL ? ids->first : NULL;
         code == 0 && at != NULL; at = at->next)
        code = read_holder(reader, role, at);
    if (code != 0)
        return code;
    if (threshold->integer < 1 || threshold->integer > holders->count)
        return fail_at(reader, threshold, PACK_E_MALFORMED,
                       "the role %s has the threshold %llu, with %zu key%s", role_names[role],
                       (unsigned long long)threshold->integer, holders->count,
                       holders->count == 1 ? "" : "s");
    holders->threshold = (unsigned)threshold->integer;
    return 0;
}

/* The roles of one object; `wanted` of TUF's, which a root must have. */
static int read_roles(const struct reader *reader, struct pack_json_value *roles,
                      enum pack_root_role first, enum pack_root_role last, bool wanted)
{
    int code = 0;
    for (enum pack_root_role role = first; code == 0 && role <= last; role++) {
        struct pack_json_value *object = NULL;
        code = look_for(reader, roles, role_names[role], PACK_JSON_OBJECT, &object);
        if (code == 0 && object != NULL)
            code = read_role(reader, role, object);
        else if (code == 0 && wanted)
            code = fail_at(reader, roles, PACK_E_MALFORMED, "the role %s is missing",
                           role_names[role]);
    }
    return code;
}

/* --- x-fwpack -------------------------------------------------------------------------------- */

static const char *const members[] = {"format", "critical", "roles",       "keys",
                                      "demo",   "revoked",  "minisign_ids"};

static int check_critical(const struct reader *reader, struct pack_json_value *extra)
{
    struct pack_json_value *critical = NULL;
    int code = look_for(reader, extra, "critical", PACK_JSON_ARRAY, &critical);
    const struct pack_json_value *at = code == 0 && critical != NULL ? critical->first : NULL;
    for (; code == 0 && at != NULL; at = at->next) {
        bool known = false;
        code = check_type(reader, at, PACK_JSON_STRING);
        for (size_t i = 0; code == 0 && i < sizeof members / sizeof members[0]; i++)
            known |= strcmp(members[i], at->text) == 0;
        if (code == 0 && !known)
            code = fail_at(reader, at, PACK_E_UNSUPPORTED,
                           "needs \"%.80s\", which this version does not know", at->text);
    }
    return code;
}

static int check_format(const struct reader *reader, struct pack_json_value *extra)
{
    struct pack_json_value *format = NULL;
    const int code = want(reader, extra, "format", PACK_JSON_INTEGER, &format);
    if (code != 0 || format->integer == ROOT_FORMAT)
        return code != 0 ? code : check_critical(reader, extra);
    return fail_at(reader, format, format->integer == 0 ? PACK_E_MALFORMED : PACK_E_UNSUPPORTED,
                   "format %llu of \"" ROOT_MEMBER "\", this version knows %d",
                   (unsigned long long)format->integer, ROOT_FORMAT);
}

/* The key that a list of "x-fwpack" names. */
static int find_key(const struct reader *reader, const struct pack_json_value *place,
                    const char *id, struct pack_root_key **key)
{
    struct pack_root *root = reader->root;
    for (size_t i = 0; i < root->key_count; i++)
        if (root->keys[i].usable && strcmp(root->keys[i].id, id) == 0) {
            *key = &root->keys[i];
            return 0;
        }
    return fail_at(reader, place, PACK_E_MALFORMED, "there is no usable key %.80s", id);
}

static bool parse_minisign_id(const char *text, uint8_t id[PACK_MINISIGN_ID_SIZE])
{
    char again[17];
    size_t size = 0;
    uint8_t reversed[PACK_MINISIGN_ID_SIZE];
    if (sodium_hex2bin(reversed, sizeof reversed, text, strlen(text), NULL, &size, NULL) != 0 ||
        size != sizeof reversed)
        return false;
    for (size_t i = 0; i < size; i++)
        id[i] = reversed[size - 1 - i];
    pack_minisign_id_text(id, again);
    return strcmp(text, again) == 0;
}

static int read_minisign_ids(const struct reader *reader, struct pack_json_value *extra)
{
    struct pack_json_value *ids = NULL;
    int code = look_for(reader, extra, "minisign_ids", PACK_JSON_OBJECT, &ids);
    const struct pack_json_value *at = code == 0 && ids != NULL ? ids->first : NULL;
    for (; code == 0 && at != NULL; at = at->next) {
        struct pack_root_key *key = NULL;
        code = find_key(reader, at, at->name, &key);
        if (code == 0)
            code = check_type(reader, at, PACK_JSON_STRING);
        if (code == 0 && !parse_minisign_id(at->text, key->key.minisign_id))
            code = fail_at(reader, at, PACK_E_MALFORMED,
                           "a minisign id is 16 upper-case hex digits, not \"%.80s\"", at->text);
        if (code == 0)
            key->key.has_minisign_id = true;
    }
    return code;
}

static int read_demo(const struct reader *reader, struct pack_json_value *extra)
{
    struct pack_json_value *demo = NULL;
    int code = look_for(reader, extra, "demo", PACK_JSON_ARRAY, &demo);
    const struct pack_json_value *at = code == 0 && demo != NULL ? demo->first : NULL;
    for (; code == 0 && at != NULL; at = at->next) {
        struct pack_root_key *key = NULL;
        code = check_type(reader, at, PACK_JSON_STRING);
        if (code == 0)
            code = find_key(reader, at, at->text, &key);
        if (code == 0)
            key->demo = true;
    }
    for (size_t i = 0; i < reader->root->key_count; i++) {
        struct pack_root_key *key = &reader->root->keys[i];
        key->demo |= key->usable && pack_public_key_is_demo(&key->key);
    }
    return code;
}

const struct pack_root_revocation *pack_root_revocation_of(const struct pack_root *root,
                                                           const struct pack_public_key *key)
{
    for (size_t i = 0; i < root->revoked_count; i++)
        if (sodium_memcmp(root->revoked[i].key.bytes, key->bytes, PACK_PUBLIC_KEY_SIZE) == 0)
            return &root->revoked[i];
    return NULL;
}

static int read_revocation(const struct reader *reader, struct pack_json_value *object)
{
    struct pack_root *root = reader->root;
    struct pack_root_revocation revoked = {.reason = NULL};
    const char *id = NULL, *hex = NULL;
    int code = check_type(reader, object, PACK_JSON_OBJECT);
    if (code == 0)
        code = want_text(reader, object, "keyid", &id);
    if (code == 0)
        code = want_text(reader, object, "public", &hex);
    if (code == 0)
        code = want_text(reader, object, "reason", &revoked.reason);
    if (code == 0)
        code = decode_public(reader, object, hex, revoked.key.bytes);
    if (code == 0)
        code = pack_keyid(revoked.key.bytes, revoked.key.keyid, reader->error);
    if (code == 0 && json_tree_member(object, "application") != NULL)
        code = read_application(reader, object, &revoked.key);
    if (code != 0)
        return code;
    if (strcmp(id, revoked.key.keyid) != 0)
        return fail_at(reader, object, PACK_E_MALFORMED,
                       "the revoked key named %.80s has the id %s", id, revoked.key.keyid);
    if (strlen(revoked.reason) > PACK_MAX_REASON)
        return fail_at(reader, object, PACK_E_LIMIT,
                       "a reason of %zu bytes, at most %d are allowed", strlen(revoked.reason),
                       PACK_MAX_REASON);
    if (pack_root_revocation_of(root, &revoked.key) != NULL)
        return fail_at(reader, object, PACK_E_MALFORMED, "key %s is revoked twice", id);
    root->revoked[root->revoked_count++] = revoked;
    return 0;
}

static int read_revoked(const struct reader *reader, struct pack_json_value *extra)
{
    struct pack_json_value *revoked = NULL;
    int code = look_for(reader, extra, "revoked", PACK_JSON_ARRAY, &revoked);
    if (code != 0 || revoked == NULL)
        return code;
    code = check_count(reader, revoked, 0, PACK_MAX_REVOKED);
    if (code == 0)
        code = pack_arena_allocate(reader->arena, &reader->root->revoked, revoked->count,
                                   sizeof *reader->root->revoked, reader->error);
    for (struct pack_json_value *at = revoked->first; code == 0 && at != NULL; at = at->next)
        code = read_revocation(reader, at);
    return code;
}

static int check_revoked(const struct reader *reader, const struct pack_json_value *extra)
{
    const struct pack_root *root = reader->root;
    for (size_t i = 0; i < root->key_count; i++)
        for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++)
            if (root->keys[i].usable && pack_root_holds(root, role, &root->keys[i]) &&
                pack_root_revocation_of(root, &root->keys[i].key) != NULL)
                return fail_at(reader, extra, PACK_E_MALFORMED,
                               "key %s is revoked, and holds the role %s", root->keys[i].id,
                               role_names[role]);
    return 0;
}

static int read_extra(const struct reader *reader, struct pack_json_value *extra)
{
    struct pack_json_value *keys = NULL, *roles = NULL;
    int code = check_format(reader, extra);
    if (code == 0)
        code = look_for(reader, extra, "keys", PACK_JSON_OBJECT, &keys);
    if (code == 0 && keys != NULL)
        code = read_keys(reader, keys, true);
    if (code == 0)
        code = read_minisign_ids(reader, extra);
    if (code == 0)
        code = look_for(reader, extra, "roles", PACK_JSON_OBJECT, &roles);
    if (code == 0 && roles != NULL)
        code = read_roles(reader, roles, PACK_ROOT_RELEASE, PACK_ROOT_ROLLOUT, false);
    if (code == 0)
        code = read_revoked(reader, extra);
    return code;
}

/* --- the document ---------------------------------------------------------------------------- */

static int read_facts(const struct reader *reader, struct pack_json_value *part)
{
    const char *type = NULL, *expires = NULL;
    struct pack_json_value *specification = NULL, *version = NULL, *consistent = NULL;
    struct pack_root *root = reader->root;
    int code = want_text(reader, part, "_type", &type);
    if (code == 0 && strcmp(type, "root") != 0)
        code = fail_at(reader, part, PACK_E_MALFORMED, "is of the type \"%.80s\", \"root\" wanted",
                       type);
    if (code == 0)
        code = want(reader, part, "spec_version", PACK_JSON_STRING, &specification);
    if (code == 0 && strncmp(specification->text, "1.", 2) != 0)
        code = fail_at(reader, specification, PACK_E_UNSUPPORTED,
                       "follows TUF %.40s, this version knows 1", specification->text);
    if (code == 0)
        code = want(reader, part, "consistent_snapshot", PACK_JSON_BOOLEAN, &consistent);
    if (code == 0)
        code = want(reader, part, "version", PACK_JSON_INTEGER, &version);
    if (code == 0 && version->integer == 0)
        code = fail_at(reader, version, PACK_E_MALFORMED, "version 0, the first one is 1");
    if (code == 0)
        code = want_text(reader, part, "expires", &expires);
    if (code != 0)
        return code;
    if (strlen(expires) != PACK_ROOT_TIME_SIZE - 1 ||
        !pack_root_time_parse(expires, &root->expires))
        return fail_at(reader, part, PACK_E_MALFORMED,
                       "expires: a time such as 2027-01-31T00:00:00Z is wanted, not \"%.40s\"",
                       expires);
    memcpy(root->expires_text, expires, PACK_ROOT_TIME_SIZE);
    root->version = version->integer;
    return 0;
}

static int read_signatures(const struct reader *reader, struct pack_json_value *document)
{
    struct pack_root *root = reader->root;
    struct pack_json_value *signatures = NULL;
    int code = want(reader, document, "signatures", PACK_JSON_ARRAY, &signatures);
    if (code == 0)
        code = check_count(reader, signatures, 0, PACK_MAX_SIGNERS);
    if (code == 0)
        code = pack_arena_allocate(reader->arena, &root->signatures, signatures->count,
                                   sizeof *root->signatures, reader->error);
    if (code == 0)
        code = pack_arena_allocate(reader->arena, &root->storage->verdicts, signatures->count,
                                   sizeof *root->storage->verdicts, reader->error);
    struct pack_json_value *at = code == 0 ? signatures->first : NULL;
    for (; code == 0 && at != NULL; at = at->next) {
        struct pack_root_signature *signature = &root->signatures[root->signature_count];
        code = check_type(reader, at, PACK_JSON_OBJECT);
        if (code == 0)
            code = want_text(reader, at, "keyid", &signature->id);
        if (code == 0)
            code = want_text(reader, at, "sig", &signature->hex);
        root->signature_count += code == 0;
    }
    return code;
}

/* Room for the keys of TUF and for those of "x-fwpack". */
static int make_room(const struct reader *reader, const struct pack_json_value *keys,
                     struct pack_json_value *extra)
{
    const struct pack_json_value *more = extra != NULL ? json_tree_member(extra, "keys") : NULL;
    return pack_arena_allocate(reader->arena, &reader->root->keys,
                               keys->count + (more != NULL ? more->count : 0),
                               sizeof *reader->root->keys, reader->error);
}

static int read_signed(const struct reader *reader, struct pack_json_value *part, bool draft)
{
    struct pack_json_value *keys = NULL, *roles = NULL, *extra = NULL;
    int code = read_facts(reader, part);
    if (code == 0)
        code = want(reader, part, "keys", PACK_JSON_OBJECT, &keys);
    if (code == 0)
        code = want(reader, part, "roles", PACK_JSON_OBJECT, &roles);
    if (code == 0)
        code = look_for(reader, part, ROOT_MEMBER, PACK_JSON_OBJECT, &extra);
    if (code == 0)
        code = make_room(reader, keys, extra);
    if (code == 0)
        code = read_keys(reader, keys, false);
    if (code == 0 && extra != NULL)
        code = read_extra(reader, extra);
    if (code == 0)
        code = read_demo(reader, extra != NULL ? extra : part);
    if (code == 0)
        code = read_roles(reader, roles, PACK_ROOT_ROOT, PACK_ROOT_TIMESTAMP, !draft);
    return code == 0 && extra != NULL ? check_revoked(reader, extra) : code;
}

int root_read(struct pack_root *root, bool draft, const struct pack_root *known,
              struct pack_error *error)
{
    struct pack_root_storage *storage = root->storage;
    const struct reader reader = {
        .root = root, .known = known, .arena = storage->arena, .error = error};
    *root = (struct pack_root){.storage = storage};
    int code = check_type(&reader, storage->document, PACK_JSON_OBJECT);
    if (code == 0)
        code = want(&reader, storage->document, "signed", PACK_JSON_OBJECT, &storage->signed_part);
    if (code == 0)
        code = read_signed(&reader, storage->signed_part, draft);
    if (code == 0)
        code = read_signatures(&reader, storage->document);
    if (code != 0)
        return code;
    pack_buffer_clear(&storage->bytes);
    return json_canonical(&storage->bytes, storage->signed_part, error);
}

/* --- files ----------------------------------------------------------------------------------- */

int root_from_tree(struct pack_root **root, struct pack_arena **arena,
                   const struct pack_json_value *document, bool draft,
                   const struct pack_root *known, struct pack_error *error)
{
    PACK_AUTO(pack_root_free) struct pack_root *made = NULL;
    struct pack_root_storage *storage = NULL;
    *root = NULL;
    int code = pack_arena_allocate(*arena, &storage, 1, sizeof *storage, error);
    if (code == 0)
        code = pack_arena_allocate(*arena, &made, 1, sizeof *made, error);
    if (code == 0)
        code = pack_arena_allocate(*arena, &storage->document, 1, sizeof *document, error);
    if (code != 0) {
        made = NULL;
        pack_arena_free(arena);
        return code;
    }
    storage->arena = pack_steal(arena);
    storage->bytes.limit = PACK_MAX_ROOT;
    *storage->document = *document;
    made->storage = storage;
    code = root_read(made, draft, known, error);
    if (code == 0)
        *root = pack_steal(&made);
    return code;
}

int root_parse_after(struct pack_root **root, const struct pack_root *known, const void *bytes,
                     size_t size, struct pack_error *error)
{
    struct pack_arena *arena = NULL;
    const struct pack_json_value *document = NULL;
    *root = NULL;
    if (size > PACK_MAX_ROOT)
        return pack_fail(error, PACK_E_LIMIT, "%zu bytes, a root has at most %d", size,
                         PACK_MAX_ROOT);
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_json_read(&document, arena, bytes, size, error);
    if (code == 0)
        return root_from_tree(root, &arena, document, false, known, error);
    pack_arena_free(&arena);
    return code;
}

int pack_root_parse(struct pack_root **root, const void *bytes, size_t size,
                    struct pack_error *error)
{
    return root_parse_after(root, NULL, bytes, size, error);
}

int pack_root_load(struct pack_root **root, const char *path, struct pack_error *error)
{
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    *root = NULL;
    int code = pack_read_file(&bytes, &size, path, PACK_MAX_ROOT, error);
    if (code == 0)
        code = pack_root_parse(root, bytes, size, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

void pack_root_free(struct pack_root **root)
{
    if (*root == NULL)
        return;
    struct pack_root_storage *storage = (*root)->storage;
    struct pack_arena *arena = storage->arena;
    pack_buffer_clear(&storage->bytes);
    *root = NULL;
    pack_arena_free(&arena);
}

const void *pack_root_signed_bytes(const struct pack_root *root, size_t *size)
{
    *size = root->storage->bytes.size;
    return root->storage->bytes.bytes;
}
