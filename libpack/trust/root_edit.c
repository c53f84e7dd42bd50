/* SPDX-License-Identifier: MIT */
#include "trust/root.h"

#include "crypto/ed25519.h"
#include "crypto/key_text.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <sodium.h>
#include <string.h>

/* --- the file -------------------------------------------------------------------------------- */

int pack_root_format(const struct pack_root *root, char **text, size_t *size,
                     struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    *text = NULL;
    json_tree_sort(root->storage->document);
    int code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    pack_json_write(json, NULL, root->storage->document);
    code = pack_json_finish(json, &written, size, error);
    if (code == 0)
        code = pack_allocate(text, 1, *size + 1, error);
    if (code == 0)
        memcpy(*text, written, *size + 1);
    return code;
}

/* --- the tree -------------------------------------------------------------------------------- */

/* An edit: the steps go on while `code` is 0. */
struct edit {
    struct pack_root *root;
    struct pack_arena *arena;
    struct pack_error *error;
    int code;
};

static struct edit edit_begin(struct pack_root *root, struct pack_error *error)
{
    return (struct edit){.root = root, .arena = root->storage->arena, .error = error};
}

/* The named container in `object`, made where it is not there. */
static struct pack_json_value *child(struct edit *edit, struct pack_json_value *object,
                                     const char *name, enum pack_json_type type)
{
    struct pack_json_value *value = NULL;
    if (edit->code != 0)
        return NULL;
    value = json_tree_member(object, name);
    if (value != NULL)
        return value;
    edit->code = json_tree_new(&value, edit->arena, type, name, edit->error);
    if (edit->code != 0)
        return NULL;
    json_tree_put(object, value);
    return value;
}

static void put_text(struct edit *edit, struct pack_json_value *object, const char *name,
                     const char *text)
{
    struct pack_json_value *value = NULL;
    if (edit->code == 0)
        edit->code = json_tree_text(&value, edit->arena, name, text, edit->error);
    if (edit->code == 0)
        json_tree_put(object, value);
}

static void put_integer(struct edit *edit, struct pack_json_value *object, const char *name,
                        uint64_t integer)
{
    struct pack_json_value *value = NULL;
    if (edit->code == 0)
        edit->code = json_tree_integer(&value, edit->arena, name, integer, edit->error);
    if (edit->code == 0)
        json_tree_put(object, value);
}

static void append_text(struct edit *edit, struct pack_json_value *array, const char *text)
{
    struct pack_json_value *value = NULL;
    if (edit->code == 0)
        edit->code = json_tree_text(&value, edit->arena, NULL, text, edit->error);
    if (edit->code == 0)
        json_tree_append(array, value);
}

static void remove_text(struct pack_json_value *array, const char *text)
{
    struct pack_json_value *at = array != NULL ? array->first : NULL;
    while (at != NULL) {
        struct pack_json_value *next = at->next;
        if (strcmp(at->text, text) == 0)
            json_tree_remove(array, at);
        at = next;
    }
}

static void drop_member(struct pack_json_value *object, const char *name)
{
    if (object != NULL)
        json_tree_remove(object, json_tree_member(object, name));
}

static struct pack_json_value *extra_of(struct edit *edit)
{
    struct pack_json_value *extra =
        child(edit, edit->root->storage->signed_part, ROOT_MEMBER, PACK_JSON_OBJECT);
    if (edit->code == 0)
        put_integer(edit, extra, "format", ROOT_FORMAT);
    return extra;
}

/* A container of "x-fwpack" that is there, or NULL. */
static struct pack_json_value *extra_member(const struct pack_root *root, const char *name)
{
    struct pack_json_value *extra = json_tree_member(root->storage->signed_part, ROOT_MEMBER);
    return extra != NULL ? json_tree_member(extra, name) : NULL;
}

static struct pack_json_value *roles_of(struct edit *edit, enum pack_root_role role)
{
    struct pack_json_value *parent =
        role <= PACK_ROOT_TIMESTAMP ? edit->root->storage->signed_part : extra_of(edit);
    return edit->code == 0 ? child(edit, parent, "roles", PACK_JSON_OBJECT) : NULL;
}

/* Takes away what is said of keys that hold no role any more. */
static void drop_idle_keys(struct edit *edit)
{
    struct pack_root *root = edit->root;
    for (size_t i = 0; i < root->key_count; i++) {
        const struct pack_root_key *key = &root->keys[i];
        bool held = false;
        for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++)
            held |= pack_root_holds(root, role, key);
        if (held || !key->usable)
            continue;
        drop_member(json_tree_member(root->storage->signed_part, "keys"), key->id);
        drop_member(extra_member(root, "keys"), key->id);
        drop_member(extra_member(root, "minisign_ids"), key->id);
        remove_text(extra_member(root, "demo"), key->id);
    }
}

/* What was signed is another text now. */
static int edit_end(struct edit *edit)
{
    struct pack_json_value *signatures = NULL;
    if (edit->code == 0)
        signatures = child(edit, edit->root->storage->document, "signatures", PACK_JSON_ARRAY);
    if (edit->code != 0)
        return edit->code;
    signatures->first = NULL;
    signatures->count = 0;
    edit->code = root_read(edit->root, true, NULL, edit->error);
    if (edit->code == 0)
        drop_idle_keys(edit);
    return edit->code != 0 ? edit->code : root_read(edit->root, true, NULL, edit->error);
}

/* --- new roots ------------------------------------------------------------------------------- */

static void fill_new(struct edit *edit, struct pack_json_value *part, uint64_t expires)
{
    char time[PACK_TIME_TEXT];
    struct pack_json_value *consistent = NULL;
    pack_time_text(time, expires);
    put_text(edit, part, "_type", "root");
    put_text(edit, part, "spec_version", ROOT_SPEC_VERSION);
    put_text(edit, part, "expires", time);
    put_integer(edit, part, "version", 1);
    consistent = child(edit, part, "consistent_snapshot", PACK_JSON_BOOLEAN);
    if (consistent != NULL)
        consistent->boolean = true;
    child(edit, part, "keys", PACK_JSON_OBJECT);
    child(edit, part, "roles", PACK_JSON_OBJECT);
    struct pack_json_value *extra = child(edit, part, ROOT_MEMBER, PACK_JSON_OBJECT);
    if (extra != NULL)
        put_integer(edit, extra, "format", ROOT_FORMAT);
}

int pack_root_new(struct pack_root **root, uint64_t expires, struct pack_error *error)
{
    struct pack_arena *arena = NULL;
    struct pack_json_value *document = NULL;
    *root = NULL;
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = json_tree_new(&document, arena, PACK_JSON_OBJECT, NULL, error);
    struct edit edit = {.arena = arena, .error = error, .code = code};
    if (code == 0) {
        struct pack_json_value *part = child(&edit, document, "signed", PACK_JSON_OBJECT);
        child(&edit, document, "signatures", PACK_JSON_ARRAY);
        if (edit.code == 0)
            fill_new(&edit, part, expires);
    }
    if (edit.code == 0)
        return root_from_tree(root, &arena, document, true, NULL, error);
    pack_arena_free(&arena);
    return edit.code;
}

int pack_root_next(struct pack_root **next, const struct pack_root *root, uint64_t expires,
                   struct pack_error *error)
{
    PACK_AUTO(pack_root_free) struct pack_root *made = NULL;
    PACK_AUTO_FREE char *text = NULL;
    char time[PACK_TIME_TEXT];
    size_t size = 0;
    *next = NULL;
    int code = pack_root_format(root, &text, &size, error);
    if (code == 0)
        code = pack_root_parse(&made, text, size, error);
    if (code != 0)
        return code;
    struct edit edit = edit_begin(made, error);
    pack_time_text(time, expires);
    put_text(&edit, made->storage->signed_part, "expires", time);
    put_integer(&edit, made->storage->signed_part, "version", root->version + 1);
    code = edit_end(&edit);
    if (code == 0)
        *next = pack_steal(&made);
    return code;
}

/* --- keys ------------------------------------------------------------------------------------ */

static void put_key(struct edit *edit, struct pack_json_value *keys,
                    const struct pack_public_key *key)
{
    char hex[2 * PACK_PUBLIC_KEY_SIZE + 1];
    const bool fido = key->application[0] != '\0';
    const char *type = fido ? ROOT_TYPE_FIDO : ROOT_TYPE_ED25519;
    struct pack_json_value *object = child(edit, keys, key->keyid, PACK_JSON_OBJECT);
    struct pack_json_value *value = NULL;
    sodium_bin2hex(hex, sizeof hex, key->bytes, sizeof key->bytes);
    if (object != NULL)
        value = child(edit, object, "keyval", PACK_JSON_OBJECT);
    if (value == NULL)
        return;
    put_text(edit, object, "keytype", type);
    put_text(edit, object, "scheme", type);
    put_text(edit, value, "public", hex);
    if (fido)
        put_text(edit, value, "application", key->application);
}

/* The id that signatures of the key carry, where it is not the one that anybody can derive. */
static void put_minisign_id(struct edit *edit, struct pack_json_value *extra,
                            const struct pack_public_key *key)
{
    uint8_t derived[PACK_MINISIGN_ID_SIZE];
    char text[17];
    if (edit->code == 0)
        edit->code = pack_minisign_id_derive(key->bytes, derived, edit->error);
    if (edit->code != 0 || !key->has_minisign_id ||
        sodium_memcmp(derived, key->minisign_id, sizeof derived) == 0)
        return;
    struct pack_json_value *ids = child(edit, extra, "minisign_ids", PACK_JSON_OBJECT);
    pack_minisign_id_text(key->minisign_id, text);
    if (ids != NULL)
        put_text(edit, ids, key->keyid, text);
}

static void put_new_key(struct edit *edit, const struct pack_public_key *key)
{
    const bool fido = key->application[0] != '\0';
    struct pack_json_value *extra = extra_of(edit);
    struct pack_json_value *keys = NULL;
    if (edit->code == 0)
        keys =
            child(edit, fido ? extra : edit->root->storage->signed_part, "keys", PACK_JSON_OBJECT);
    if (keys == NULL)
        return;
    put_key(edit, keys, key);
    if (!fido)
        put_minisign_id(edit, extra, key);
    if (!pack_public_key_is_demo(key))
        return;
    struct pack_json_value *demo = child(edit, extra, "demo", PACK_JSON_ARRAY);
    if (demo != NULL)
        append_text(edit, demo, key->keyid);
}

static int check_new_holder(const struct pack_root *root, enum pack_root_role role,
                            const struct pack_public_key *key, struct pack_error *error)
{
    const char *name = pack_root_role_name(role);
    const struct pack_root_key *known = pack_root_key_of(root, key);
    const struct pack_root_revocation *revoked = pack_root_revocation_of(root, key);
    if (revoked != NULL)
        return pack_fail(error, PACK_E_REVOKED, "key %s is revoked: %s", key->keyid,
                         revoked->reason);
    if (known != NULL && pack_root_holds(root, role, known))
        return pack_fail(error, PACK_E_USAGE, "key %s holds the role %s already", key->keyid, name);
    if (known == NULL && root->key_count == PACK_MAX_ROOT_KEYS)
        return pack_fail(error, PACK_E_LIMIT, "a root has at most %d keys", PACK_MAX_ROOT_KEYS);
    if (role > PACK_ROOT_TIMESTAMP || key->application[0] == '\0')
        return 0;
    pack_fail(error, PACK_E_USAGE,
              "key %s is a FIDO key, which the role %s cannot have: no TUF client could check it",
              key->keyid, name);
    return pack_hint(error, "FIDO keys may hold release, delivery and rollout");
}

int pack_root_add(struct pack_root *root, enum pack_root_role role,
                  const struct pack_public_key *key, struct pack_error *error)
{
    struct edit edit = edit_begin(root, error);
    struct pack_json_value *object = NULL, *ids = NULL;
    const struct pack_root_key *known = pack_root_key_of(root, key);
    edit.code = check_new_holder(root, role, key, error);
    if (edit.code == 0 && known == NULL)
        put_new_key(&edit, key);
    struct pack_json_value *roles = edit.code == 0 ? roles_of(&edit, role) : NULL;
    if (roles != NULL)
        object = child(&edit, roles, pack_root_role_name(role), PACK_JSON_OBJECT);
    if (object != NULL)
        ids = child(&edit, object, "keyids", PACK_JSON_ARRAY);
    if (ids != NULL)
        append_text(&edit, ids, known != NULL ? known->id : key->keyid);
    if (edit.code == 0 && json_tree_member(object, "threshold") == NULL)
        put_integer(&edit, object, "threshold", 1);
    return edit_end(&edit);
}

static int check_can_lose(const struct pack_root *root, enum pack_root_role role,
                          struct pack_error *error)
{
    const struct pack_root_holders *holders = &root->roles[role];
    const char *name = pack_root_role_name(role);
    if (holders->count > holders->threshold || (role == PACK_ROOT_ROLLOUT && holders->count == 1))
        return 0;
    pack_fail(error, PACK_E_USAGE, "the role %s would have %zu key%s, and %u must sign", name,
              holders->count - 1, holders->count == 2 ? "" : "s", holders->threshold);
    return holders->count == 1
               ? pack_hint(error, "add another key first: fwpack trust add ROOT %s=PUB", name)
               : pack_hint(error,
                           "add another key first, or lower the threshold: fwpack trust "
                           "threshold ROOT %s=%zu",
                           name, holders->count - 1);
}

/* Takes a role from a key; the role itself goes with the last. */
static void take_role(struct edit *edit, enum pack_root_role role, const char *id)
{
    struct pack_json_value *roles = roles_of(edit, role);
    struct pack_json_value *object =
        roles != NULL ? json_tree_member(roles, pack_root_role_name(role)) : NULL;
    struct pack_json_value *ids = object != NULL ? json_tree_member(object, "keyids") : NULL;
    if (ids == NULL)
        return;
    remove_text(ids, id);
    if (ids->count == 0)
        json_tree_remove(roles, object);
}

int pack_root_remove(struct pack_root *root, enum pack_root_role role, const char *id,
                     struct pack_error *error)
{
    struct edit edit = edit_begin(root, error);
    const struct pack_root_key *key = pack_root_key_by_id(root, id);
    if (key == NULL || !pack_root_holds(root, role, key))
        return pack_fail(error, PACK_E_USAGE, "key %s does not hold the role %s", id,
                         pack_root_role_name(role));
    edit.code = check_can_lose(root, role, error);
    if (edit.code == 0)
        take_role(&edit, role, id);
    return edit_end(&edit);
}

int pack_root_threshold(struct pack_root *root, enum pack_root_role role, unsigned threshold,
                        struct pack_error *error)
{
    struct edit edit = edit_begin(root, error);
    const char *name = pack_root_role_name(role);
    const size_t count = root->roles[role].count;
    if (count == 0)
        return pack_fail(error, PACK_E_USAGE, "nobody holds the role %s", name);
    if (threshold < 1 || threshold > count)
        return pack_fail(error, PACK_E_USAGE,
                         "a threshold of %u for the role %s, which has %zu key%s", threshold, name,
                         count, count == 1 ? "" : "s");
    struct pack_json_value *roles = roles_of(&edit, role);
    if (roles != NULL)
        put_integer(&edit, json_tree_member(roles, name), "threshold", threshold);
    return edit_end(&edit);
}

static void put_revocation(struct edit *edit, const struct pack_public_key *key, const char *reason)
{
    char hex[2 * PACK_PUBLIC_KEY_SIZE + 1];
    struct pack_json_value *extra = extra_of(edit), *object = NULL;
    struct pack_json_value *revoked =
        edit->code == 0 ? child(edit, extra, "revoked", PACK_JSON_ARRAY) : NULL;
    if (edit->code == 0)
        edit->code = json_tree_new(&object, edit->arena, PACK_JSON_OBJECT, NULL, edit->error);
    if (edit->code != 0)
        return;
    sodium_bin2hex(hex, sizeof hex, key->bytes, sizeof key->bytes);
    put_text(edit, object, "keyid", key->keyid);
    put_text(edit, object, "public", hex);
    put_text(edit, object, "reason", reason);
    if (key->application[0] != '\0')
        put_text(edit, object, "application", key->application);
    json_tree_append(revoked, object);
}

int pack_root_revoke(struct pack_root *root, const struct pack_public_key *key, const char *reason,
                     struct pack_error *error)
{
    struct edit edit = edit_begin(root, error);
    const struct pack_root_key *known = pack_root_key_of(root, key);
    if (pack_root_revocation_of(root, key) != NULL)
        return pack_fail(error, PACK_E_USAGE, "key %s is revoked already", key->keyid);
    if (strlen(reason) > PACK_MAX_REASON || !pack_text_plain(reason, strlen(reason)))
        return pack_fail(error, PACK_E_USAGE,
                         "a reason is at most %d bytes of plain text on one line", PACK_MAX_REASON);
    if (root->revoked_count == PACK_MAX_REVOKED)
        return pack_fail(error, PACK_E_LIMIT, "a root has at most %d revoked keys",
                         PACK_MAX_REVOKED);
    for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++)
        if (edit.code == 0 && known != NULL && pack_root_holds(root, role, known))
            edit.code = check_can_lose(root, role, error);
    for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++)
        if (edit.code == 0 && known != NULL && pack_root_holds(root, role, known))
            take_role(&edit, role, known->id);
    put_revocation(&edit, key, reason);
    return edit_end(&edit);
}

int pack_root_check_whole(const struct pack_root *root, struct pack_error *error)
{
    for (enum pack_root_role role = PACK_ROOT_ROOT; role <= PACK_ROOT_DELIVERY; role++)
        if (root->roles[role].count == 0) {
            const char *name = pack_root_role_name(role);
            pack_fail(error, PACK_E_USAGE, "nobody holds the role %s", name);
            return pack_hint(error, "add -p %s=PUB", name);
        }
    return 0;
}

/* --- signatures ------------------------------------------------------------------------------ */

int pack_root_check_signer(const struct pack_root *root, const struct pack_root *old,
                           const struct pack_public_key *key, struct pack_error *error)
{
    const struct pack_root *const roots[] = {root, old};
    for (size_t i = 0; i < 2; i++) {
        const struct pack_root_key *known =
            roots[i] != NULL ? pack_root_key_of(roots[i], key) : NULL;
        if (known != NULL && pack_root_holds(roots[i], PACK_ROOT_ROOT, known))
            return 0;
    }
    pack_fail(error, PACK_E_UNTRUSTED, "key %s does not hold the role root", key->keyid);
    return old != NULL || root->version == 1
               ? pack_hint(error, "fwpack trust show lists the keys of the role root")
               : pack_hint(error, "a root key of root %llu signs too, with --old",
                           (unsigned long long)root->version - 1);
}

/* The id under which the roots know the key. */
static const char *id_of(const struct pack_root *root, const struct pack_root *old,
                         const struct pack_public_key *key)
{
    const struct pack_root_key *known = pack_root_key_of(root, key);
    if (known == NULL && old != NULL)
        known = pack_root_key_of(old, key);
    return known != NULL ? known->id : key->keyid;
}

static void drop_signatures_of(struct pack_json_value *signatures, const char *id)
{
    struct pack_json_value *at = signatures->first;
    while (at != NULL) {
        struct pack_json_value *next = at->next;
        if (strcmp(json_tree_member(at, "keyid")->text, id) == 0)
            json_tree_remove(signatures, at);
        at = next;
    }
}

static int put_signature(struct pack_root *root, const char *id,
                         const uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    struct edit edit = edit_begin(root, error);
    char hex[2 * PACK_SIGNATURE_SIZE + 1];
    struct pack_json_value *object = NULL;
    struct pack_json_value *signatures = json_tree_member(root->storage->document, "signatures");
    sodium_bin2hex(hex, sizeof hex, signature, PACK_SIGNATURE_SIZE);
    drop_signatures_of(signatures, id);
    if (signatures->count == PACK_MAX_SIGNERS)
        return pack_fail(error, PACK_E_LIMIT, "a root has at most %d signatures", PACK_MAX_SIGNERS);
    edit.code = json_tree_new(&object, edit.arena, PACK_JSON_OBJECT, NULL, error);
    if (edit.code != 0)
        return edit.code;
    put_text(&edit, object, "keyid", id);
    put_text(&edit, object, "sig", hex);
    if (edit.code != 0)
        return edit.code;
    json_tree_append(signatures, object);
    return root_read(root, true, NULL, error);
}

int pack_root_add_signature(struct pack_root *root, const struct pack_root *old,
                            const struct pack_public_key *key,
                            const uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    const struct pack_buffer *bytes = &root->storage->bytes;
    const int code = pack_root_check_signer(root, old, key, error);
    if (code != 0)
        return code;
    if (!pack_ed25519_verify(signature, bytes->bytes, bytes->size, key->bytes))
        return pack_fail(error, PACK_E_SIGNATURE, "the signature is not key %s's over this root",
                         key->keyid);
    return put_signature(root, id_of(root, old, key), signature, error);
}

int pack_root_keep_good(struct pack_root *root, const struct pack_root *old,
                        struct pack_error *error)
{
    struct pack_json_value *signatures = json_tree_member(root->storage->document, "signatures");
    struct pack_json_value *at = signatures->first;
    struct pack_error verdict;
    for (size_t i = 0; i < root->signature_count; i++) {
        struct pack_json_value *next = at->next;
        const struct pack_root_key *key = root_signer(root, root->signatures[i].id);
        if (key == NULL && old != NULL)
            key = root_signer(old, root->signatures[i].id);
        if (key == NULL || root_signature_check(root, i, key, &verdict) != 0)
            json_tree_remove(signatures, at);
        at = next;
    }
    return root_read(root, true, NULL, error);
}
