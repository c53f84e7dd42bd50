/* SPDX-License-Identifier: MIT */
#include "trust/anchor.h"
#include "trust/root.h"

#include <sodium.h>
#include <string.h>

/* What a trust was made from, where that was a root. */
struct trust_source {
    struct pack_root *root;
    struct pack_root_rules rules;
};

void trust_source_free(struct trust_source **source)
{
    if (*source == NULL)
        return;
    pack_root_free(&(*source)->root);
    free(*source);
    *source = NULL;
}

const struct pack_root *pack_trust_root(const struct pack_trust *trust)
{
    return trust->source != NULL ? trust->source->root : NULL;
}

unsigned pack_trust_roles(const struct pack_trust *trust, const struct pack_public_key *key)
{
    unsigned roles = 0;
    for (size_t i = 0; i < trust->count; i++) {
        const struct trust_anchor *anchor = &trust->anchors[i];
        if (sodium_memcmp(anchor->key.bytes, key->bytes, sizeof key->bytes) != 0 ||
            strcmp(anchor->key.application, key->application) != 0)
            continue;
        roles |= anchor->revoked ? 0 : anchor->roles;
    }
    return roles;
}

/* --- from a root to a trust ------------------------------------------------------------------ */

static enum pack_root_role root_role(enum pack_role role)
{
    return (enum pack_root_role)(PACK_ROOT_RELEASE + (unsigned)role);
}

static int check_demo(const struct pack_root *root, const struct pack_root_rules *rules,
                      struct pack_error *error)
{
    for (size_t i = 0; !rules->allow_demo_keys && i < root->key_count; i++) {
        if (!root->keys[i].demo)
            continue;
        pack_fail(error, PACK_E_UNTRUSTED,
                  "root %llu trusts the demo key %s: anybody can sign "
                  "with it",
                  (unsigned long long)root->version, root->keys[i].id);
        return pack_hint(error, "put a key of your own in its place, or, to try things out, give "
                                "--allow-demo-keys");
    }
    return 0;
}

static int check_holders(const struct pack_root *root, struct pack_error *error)
{
    for (enum pack_role role = PACK_ROLE_RELEASE; role <= PACK_ROLE_DELIVERY; role++) {
        const struct pack_root_holders *holders = &root->roles[root_role(role)];
        if (holders->count != 0)
            continue;
        pack_fail(error, PACK_E_UNTRUSTED, "root %llu names nobody for the role %s",
                  (unsigned long long)root->version, pack_role_name(role));
        return pack_hint(error, "it is a root for TUF alone; 'fwpack trust init' makes one that "
                                "names signers of firmware too");
    }
    return 0;
}

static int add_role(struct pack_trust *trust, const struct pack_root *root, enum pack_role role,
                    struct pack_error *error)
{
    const struct pack_root_holders *holders = &root->roles[root_role(role)];
    int code = 0;
    for (size_t i = 0; code == 0 && i < holders->count; i++)
        if (holders->keys[i]->usable)
            code = pack_trust_add(trust, &holders->keys[i]->key, 1U << role, error);
    if (code != 0 || holders->count == 0)
        return code;
    if (pack_trust_require(trust, role, holders->threshold, error) == 0)
        return 0;
    return pack_fail(error, PACK_E_UNTRUSTED,
                     "root %llu wants %u signatures for the role %s, of whose keys this version "
                     "can use %zu",
                     (unsigned long long)root->version, holders->threshold, pack_role_name(role),
                     pack_trust_key_count(trust, role));
}

static int add_root(struct pack_trust *trust, const struct pack_root *root,
                    struct pack_error *error)
{
    int code = 0;
    for (enum pack_role role = PACK_ROLE_RELEASE; code == 0 && role < PACK_ROLE_COUNT; role++)
        code = add_role(trust, root, role, error);
    for (size_t i = 0; code == 0 && i < root->revoked_count; i++)
        code = pack_trust_revoke(trust, &root->revoked[i].key, root->revoked[i].reason, error);
    return code;
}

static int raise_threshold(struct pack_trust *trust, const struct pack_root *root, unsigned require,
                           struct pack_error *error)
{
    const unsigned least = root->roles[PACK_ROOT_RELEASE].threshold;
    if (require == 0 || require == least)
        return 0;
    if (require < least) {
        pack_fail(error, PACK_E_USAGE, "%u signatures are fewer than the %u that root %llu wants",
                  require, least, (unsigned long long)root->version);
        return pack_hint(error, "--require may only raise what the root says");
    }
    return pack_trust_require(trust, PACK_ROLE_RELEASE, require, error);
}

/* Takes *root, also where it fails. */
static int make_trust(struct pack_trust **trust, struct pack_root **root,
                      const struct pack_root_rules *rules, struct pack_error *error)
{
    PACK_AUTO(pack_trust_free) struct pack_trust *made = NULL;
    PACK_AUTO(trust_source_free) struct trust_source *source = NULL;
    PACK_AUTO(pack_root_free) struct pack_root *taken = pack_steal(root);
    struct pack_root_report report;
    *trust = NULL;
    int code = pack_root_judge(taken, taken, &report, error);
    if (code == 0)
        code = check_holders(taken, error);
    if (code == 0)
        code = check_demo(taken, rules, error);
    if (code == 0)
        code = pack_trust_new(&made, error);
    if (code == 0)
        code = pack_allocate(&source, 1, sizeof *source, error);
    if (code == 0)
        code = add_root(made, taken, error);
    if (code != 0)
        return code;
    source->rules = *rules;
    source->root = pack_steal(&taken);
    made->source = pack_steal(&source);
    *trust = pack_steal(&made);
    return 0;
}

int pack_trust_from_root(struct pack_trust **trust, struct pack_root **root,
                         const struct pack_root_rules *rules, struct pack_error *error)
{
    int code = make_trust(trust, root, rules, error);
    if (code == 0)
        code = raise_threshold(*trust, pack_trust_root(*trust), rules->require, error);
    if (code != 0)
        pack_trust_free(trust);
    return code;
}

/* --- newer roots ----------------------------------------------------------------------------- */

static bool same_text(const struct pack_root *a, const struct pack_root *b)
{
    const struct pack_buffer *one = &a->storage->bytes, *other = &b->storage->bytes;
    return one->size == other->size && sodium_memcmp(one->bytes, other->bytes, one->size) == 0;
}

static bool is_repeated(const struct pack_root *root, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(root->signatures[i].id, root->signatures[index].id) == 0)
            return true;
    return false;
}

/* A signature that nobody can check could be anything, and so say anything. */
static int check_signatures(const struct pack_root *root, const struct pack_root *old,
                            struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < root->signature_count; i++) {
        const char *id = root->signatures[i].id;
        const struct pack_root_key *key = root_signer(root, id);
        if (key == NULL)
            key = root_signer(old, id);
        if (is_repeated(root, i))
            code = pack_fail(error, PACK_E_MALFORMED, "two signatures by %s", id);
        else if (key == NULL)
            code = pack_fail(error, PACK_E_UNTRUSTED,
                             "a signature by %.80s, who holds no role root", id);
        else
            code = root_signature_check(root, i, key, error);
    }
    return code;
}

static int check_form(const struct pack_root *root, const struct pack_root_file *file,
                      struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    const int code = pack_root_format(root, &text, &size, error);
    if (code != 0)
        return code;
    if (root->version != file->version)
        return pack_fail(error, PACK_E_MALFORMED, "holds root %llu",
                         (unsigned long long)root->version);
    if (size == file->size && sodium_memcmp(text, file->bytes, size) == 0)
        return 0;
    pack_fail(error, PACK_E_MALFORMED, "is not in the form that a bundle's roots have");
    return pack_hint(error, "'fwpack trust embed' puts roots into a bundle");
}

static int read_newer(struct pack_root **root, const struct pack_root *last,
                      const struct pack_root_file *file, struct pack_error *error)
{
    PACK_AUTO(pack_root_free) struct pack_root *read = NULL;
    int code = root_parse_after(&read, last, file->bytes, file->size, error);
    if (code == 0)
        code = check_form(read, file, error);
    if (code == 0 && read->version == last->version && !same_text(read, last))
        code = pack_fail(error, PACK_E_SIGNATURE,
                         "differs from the root %llu that is trusted, which is of the same version",
                         (unsigned long long)last->version);
    if (code == 0 && read->version > last->version) {
        code = pack_root_follow(last, read, error);
        if (code == 0)
            code = check_signatures(read, last, error);
    }
    if (code == 0)
        *root = pack_steal(&read);
    return code;
}

/* Walks from `first` to the newest root, which is *newest, or stays `first` where that is NULL. */
static int walk(struct pack_root **newest, const struct pack_root *first,
                const struct pack_root_file *files, size_t count, struct pack_error *error)
{
    const struct pack_root *last = first;
    for (size_t i = 0; i < count; i++) {
        PACK_AUTO(pack_root_free) struct pack_root *root = NULL;
        if (files[i].version < last->version)
            continue;
        if (read_newer(&root, last, &files[i], error) != 0)
            return pack_at_member(error, files[i].name);
        if (root->version == last->version)
            continue;
        pack_root_free(newest);
        *newest = pack_steal(&root);
        last = *newest;
    }
    return 0;
}

int pack_trust_follow(struct pack_trust **newest, const struct pack_trust *trust,
                      const struct pack_root_file *files, size_t count, struct pack_error *error)
{
    PACK_AUTO(pack_root_free) struct pack_root *root = NULL;
    const struct trust_source *source = trust->source;
    *newest = NULL;
    if (source == NULL)
        return 0;
    int code = walk(&root, source->root, files, count, error);
    if (code == 0 && source->rules.has_clock)
        code = pack_root_check_time(root != NULL ? root : source->root, source->rules.now, error);
    if (code != 0 || root == NULL)
        return code;
    const unsigned least = root->roles[PACK_ROOT_RELEASE].threshold;
    code = make_trust(newest, &root, &source->rules, error);
    if (code == 0 && source->rules.require > least)
        code = pack_trust_require(*newest, PACK_ROLE_RELEASE, source->rules.require, error);
    if (code != 0)
        pack_trust_free(newest);
    return code;
}
