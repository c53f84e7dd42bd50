/* SPDX-License-Identifier: MIT */
#include "install/device_trust.h"

#include "base/memory.h"
#include "bundle/head.h"
#include "bundle/reader.h"
#include "pack/root.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ROOTS "roots" /* in the state folder: N.root.json */
#define ALL_ROLES ((1U << PACK_ROLE_COUNT) - 1)

/* --- what device.yaml names ------------------------------------------------------------------ */

/* "ROLE=PATH", or a path alone, which holds all roles. */
static unsigned roles_of(const char **name)
{
    const size_t length = strspn(*name, "abcdefghijklmnopqrstuvwxyz");
    if ((*name)[length] != '=')
        return ALL_ROLES;
    for (enum pack_role role = PACK_ROLE_RELEASE; role < PACK_ROLE_COUNT; role++)
        if (strlen(pack_role_name(role)) == length &&
            strncmp(*name, pack_role_name(role), length) == 0) {
            *name += length + 1;
            return 1U << role;
        }
    if (length == strlen("any") && strncmp(*name, "any", length) == 0) {
        *name += length + 1;
        return ALL_ROLES;
    }
    return ALL_ROLES;
}

/* Never "no key, so no check". */
static int fail_missing(const char *path, struct pack_error *error)
{
    const struct pack_error reason = *error;
    pack_fail(error, PACK_E_UNTRUSTED, "no trusted key at %.256s: %s", path, reason.text);
    return pack_hint(error, "device.yaml names it under 'trust:'");
}

static int add_key(struct pack_trust *trust, const struct engine *engine, const char *name,
                   struct pack_error *error)
{
    struct pack_public_key key = {.has_minisign_id = false};
    char path[PATH_MAX];
    const unsigned roles = roles_of(&name);
    int code = storage_locate(engine->storage, name, path, sizeof path, error);
    if (code == 0)
        code = pack_public_key_load(&key, path, error);
    if (code == PACK_E_NOT_FOUND || code == PACK_E_PERMISSION)
        return fail_missing(name, error);
    if (code == 0 && pack_public_key_is_demo(&key) && !engine->device->allow_demo_keys) {
        pack_fail(error, PACK_E_UNTRUSTED, "this is a demo key: anybody can sign with it");
        pack_at_file(error, name);
        return pack_hint(error, "to try things out, write 'allow-demo-keys: true' in device.yaml");
    }
    return code != 0 ? code : pack_trust_add(trust, &key, roles, error);
}

static int trust_keys(struct pack_trust **trust, const struct engine *engine,
                      struct pack_error *error)
{
    int code = pack_trust_new(trust, error);
    for (size_t i = 0; code == 0 && i < engine->device->trust_count; i++)
        code = add_key(*trust, engine, engine->device->trust[i], error);
    return code;
}

/* `dated`: the root's expiry will be judged when the trust is used. */
static int trust_root(struct pack_trust **trust, const struct engine *engine, bool dated,
                      const void *bytes, size_t size, struct pack_error *error)
{
    const struct pack_root_rules rules = {
        .has_clock = dated && !engine->device->no_clock,
        .now = engine_now(engine),
        .allow_demo_keys = engine->device->allow_demo_keys,
    };
    struct pack_root *root = NULL;
    const int code = pack_root_parse(&root, bytes, size, error);
    return code != 0 ? code : pack_trust_from_root(trust, &root, &rules, error);
}

/* A JSON object is a root; keys of any format begin otherwise. */
static bool is_root(const char *bytes, size_t size)
{
    const size_t blanks = strspn(bytes, " \t\r\n");
    return blanks < size && bytes[blanks] == '{';
}

static int trust_given(struct pack_trust **trust, const struct engine *engine, bool dated,
                       struct pack_error *error)
{
    const struct pack_device *device = engine->device;
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    if (device->trust_count != 1)
        return trust_keys(trust, engine, error);
    const char *name = device->trust[0];
    (void)roles_of(&name);
    int code = storage_load(engine->storage, name, PACK_MAX_ROOT, &bytes, &size, error);
    if (code == PACK_E_NOT_FOUND || code == PACK_E_PERMISSION)
        return fail_missing(name, error);
    if (code != 0)
        return code;
    if (!is_root(bytes, size))
        return trust_keys(trust, engine, error);
    code = trust_root(trust, engine, dated, bytes, size, error);
    return code != 0 ? pack_at_file(error, name) : 0;
}

/* --- newer roots ----------------------------------------------------------------------------- */

struct seen_roots {
    size_t count;
    struct pack_root_file files[PACK_MAX_ROOTS];
    char names[PACK_MAX_ROOTS][32];
};

static void seen_free(struct seen_roots **seen)
{
    for (size_t i = 0; *seen != NULL && i < (*seen)->count; i++)
        free((void *)(*seen)->files[i].bytes);
    free(*seen);
    *seen = NULL;
}

static void root_path(const struct engine *engine, uint64_t version, char *path, size_t capacity)
{
    snprintf(path, capacity, "%s/" ROOTS "/%llu.root.json", engine->device->state,
             (unsigned long long)version);
}

/* From the one after `version` on, as far as they go. */
static int load_seen(struct seen_roots *seen, const struct engine *engine, uint64_t version,
                     struct pack_error *error)
{
    char path[PATH_MAX];
    while (seen->count < PACK_MAX_ROOTS) {
        void *bytes = NULL;
        size_t size = 0;
        version++;
        root_path(engine, version, path, sizeof path);
        const int code = storage_load(engine->storage, path, PACK_MAX_ROOT, &bytes, &size, error);
        if (code == PACK_E_NOT_FOUND) {
            pack_error_clear(error);
            return 0;
        }
        if (code != 0)
            return code;
        char *name = seen->names[seen->count];
        snprintf(name, sizeof seen->names[0], "%llu.root.json", (unsigned long long)version);
        seen->files[seen->count++] =
            (struct pack_root_file){.name = name, .version = version, .bytes = bytes, .size = size};
    }
    return 0;
}

/* Of the newest root that was seen and can be reached; *found is false where there is none. */
static int trust_seen(struct pack_trust **trust, const struct engine *engine,
                      const struct pack_trust *given, bool *found, struct pack_error *error)
{
    PACK_AUTO(pack_trust_free) struct pack_trust *newest = NULL;
    PACK_AUTO(seen_free) struct seen_roots *seen = NULL;
    int code = pack_allocate(&seen, 1, sizeof *seen, error);
    if (code == 0)
        code = load_seen(seen, engine, pack_trust_root(given)->version, error);
    if (code == 0 && seen->count != 0)
        code = pack_trust_follow(&newest, given, seen->files, seen->count, error);
    *found = newest != NULL;
    if (code != 0 || !*found)
        return code;
    const struct pack_root_file *last = &seen->files[seen->count - 1];
    return trust_root(trust, engine, true, last->bytes, last->size, error);
}

int device_trust_load(struct pack_trust **trust, const struct engine *engine,
                      struct pack_error *error)
{
    PACK_AUTO(pack_trust_free) struct pack_trust *given = NULL;
    bool found = false;
    *trust = NULL;
    /* Dates are judged when a bundle is read, which may bring a newer root. */
    int code = trust_given(&given, engine, false, error);
    if (code == 0 && pack_trust_root(given) != NULL)
        code = trust_seen(trust, engine, given, &found, error);
    return code != 0 || found ? code : trust_given(trust, engine, true, error);
}

static bool is_kept(const struct engine *engine, const char *path)
{
    struct storage_file *there = NULL;
    struct pack_error absent = {0};
    if (storage_open(engine->storage, path, STORAGE_READ, &there, &absent) != 0)
        return false;
    storage_abandon(&there);
    return true;
}

static int keep_root(const struct engine *engine, uint64_t version,
                     const struct head_member *member, struct pack_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    snprintf(folder, sizeof folder, "%s/" ROOTS, engine->device->state);
    root_path(engine, version, path, sizeof path);
    if (is_kept(engine, path))
        return 0;
    const int code = storage_make_folder(engine->storage, folder, error);
    return code != 0
               ? code
               : storage_save(engine->storage, path, member->bytes, (size_t)member->size, error);
}

int device_trust_keep(const struct engine *engine, const struct pack_trust *trust,
                      const struct pack_bundle *bundle, struct pack_error *error)
{
    PACK_AUTO(pack_trust_free) struct pack_trust *newest = NULL;
    struct pack_error unfit = {0};
    int code = 0;
    /* What does not follow is the decision's to tell. */
    if (pack_trust_root(trust) == NULL ||
        pack_bundle_follow_roots(&newest, trust, bundle, &unfit) != 0 || newest == NULL)
        return 0;
    for (size_t i = 0; code == 0 && i < bundle->member_count; i++) {
        const uint64_t version = head_root_number(bundle->members[i].name);
        if (version != 0 && version <= pack_trust_root(newest)->version)
            code = keep_root(engine, version, &bundle->members[i], error);
    }
    return code;
}

int pack_device_trust(struct pack_trust **trust, const struct pack_engine *given,
                      struct pack_error *error)
{
    struct engine engine = {
        .given = given,
        .device = given->device,
        .storage = given->storage != NULL ? given->storage : storage_system(),
    };
    return device_trust_load(trust, &engine, error);
}
