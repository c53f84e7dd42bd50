/* SPDX-License-Identifier: MIT */
#include "crypto/secret_key.h"

#include <stdio.h>
#include <string.h>

enum { OTHERS = 0077 }; /* mode bits of group and others */

static int split_secret(struct pack_key_text *parts, const struct pack_key_source *source,
                        struct pack_error *error)
{
    if (source->size == 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "the key is empty");
    const int code = pack_key_text_split(parts, source->text, source->size, error);
    if (code == 0 && parts->data.size == PACK_PUBLIC_KEY_TEXT_SIZE - 1) {
        pack_fail(error, PACK_E_KEY_INVALID, "this is a public key, where a secret key is wanted");
        return pack_hint(error, "give the other file of the pair, as in release.key");
    }
    return code;
}

static int refuse_exposed(const struct pack_key_source *source, const char *name,
                          struct pack_error *error)
{
    if (source->foreign) {
        pack_fail(error, PACK_E_KEY_STORE, "another user owns this unencrypted key");
        return pack_hint(error, "copy it to a file of your own: install -m 600 %s NEW", name);
    }
    pack_fail(error, PACK_E_KEY_STORE, "others may read this unencrypted key (mode %04o)",
              source->mode & 07777);
    return pack_hint(error, "chmod 600 %s", name);
}

static void warn_exposed(const struct pack_key_source *source, const char *name,
                         const struct pack_key_access *access)
{
    char text[640];
    if (access->warn == NULL)
        return;
    snprintf(text, sizeof text, "%s: others may read this key (mode %04o)%s", name,
             source->mode & 07777, source->foreign ? ", and another user owns it" : "");
    access->warn(access->user, text);
}

static bool is_exposed(const struct pack_key_source *source)
{
    return source->is_path && (source->foreign || (source->mode & OTHERS) != 0);
}

int pack_key_source_guard(const struct pack_key_source *source, const char *name, bool encrypted,
                          const struct pack_key_access *access, struct pack_error *error)
{
    if (!is_exposed(source))
        return 0;
    if (!encrypted && !access->allow_insecure)
        return refuse_exposed(source, name, error);
    warn_exposed(source, name, access);
    return 0;
}

/* The demo keys are public, so nothing guards them. */
static int judge(const struct pack_key_source *source, const char *name, bool encrypted,
                 const struct pack_secret_key *key, const struct pack_key_access *access,
                 struct pack_error *error)
{
    if (pack_demo_key_published(key->key.bytes))
        return 0;
    return pack_key_source_guard(source, name, encrypted, access, error);
}

static int open_source(struct pack_secret_key **key, const struct pack_key_source *source,
                       const char *name, const struct pack_key_access *access,
                       struct pack_error *error)
{
    PACK_AUTO_GUARDED uint8_t *file = NULL;
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *made = NULL;
    struct pack_key_text parts;
    int code = split_secret(&parts, source, error);
    if (code == 0)
        code = pack_guarded_new(&file, PACK_SECRET_FILE_SIZE, error);
    if (code == 0)
        code = pack_secret_file_decode(file, parts.data, error);
    if (code == 0)
        code = pack_secret_file_open(&made, file, &access->passphrase, name, error);
    if (code == 0)
        code = judge(source, name, pack_secret_file_encrypted(file), made, access, error);
    if (code != 0)
        return code;
    if (made->purpose == PACK_PURPOSE_ANY)
        made->purpose = pack_comment_purpose(parts.comment);
    *key = pack_steal(&made);
    return 0;
}

int pack_secret_key_load(struct pack_secret_key **key, const char *name,
                         const struct pack_key_access *access, struct pack_error *error)
{
    PACK_AUTO_KEY_SOURCE struct pack_key_source source = {0};
    int code = pack_key_source_open(&source, name, access->environment, error);
    if (code == 0)
        code = open_source(key, &source, name, access, error);
    return code != 0 ? pack_at_file(error, name) : 0;
}

/* --- what can be seen without a passphrase -------------------------------------------------- */

static int look_into_secret(struct pack_key_info *info, struct pack_span data,
                            struct pack_error *error)
{
    static const struct pack_passphrase none;
    PACK_AUTO_GUARDED uint8_t *file = NULL;
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    int code = pack_guarded_new(&file, PACK_SECRET_FILE_SIZE, error);
    if (code == 0)
        code = pack_secret_file_decode(file, data, error);
    if (code != 0)
        return code;
    info->secret = true;
    info->encrypted = pack_secret_file_encrypted(file);
    info->kdf_memory = pack_secret_file_memory(file);
    if (info->encrypted)
        return 0;
    code = pack_secret_file_open(&key, file, &none, "", error);
    if (code == 0)
        info->key = key->key;
    return code;
}

static int look_into(struct pack_key_info *info, const struct pack_key_source *source,
                     struct pack_error *error)
{
    struct pack_key_text parts;
    int code = source->size == 0 ? pack_fail(error, PACK_E_KEY_INVALID, "the file is empty")
                                 : pack_key_text_split(&parts, source->text, source->size, error);
    if (code == 0)
        code = pack_key_text_is_secret(&parts)
                   ? look_into_secret(info, parts.data, error)
                   : pack_public_key_decode(&info->key, parts.data, error);
    if (code != 0)
        return code;
    if (parts.comment.size != 0)
        memcpy(info->comment, parts.comment.text, parts.comment.size);
    info->has_key = !info->encrypted;
    info->purpose = info->has_key && pack_public_key_is_demo(&info->key)
                        ? PACK_PURPOSE_DEMO
                        : pack_comment_purpose(parts.comment);
    return 0;
}

int pack_key_info_load(struct pack_key_info *info, const char *name, struct pack_error *error)
{
    PACK_AUTO_KEY_SOURCE struct pack_key_source source = {0};
    const bool is_input = strcmp(name, "-") == 0;
    *info = (struct pack_key_info){0};
    int code = pack_key_source_open(&source, is_input ? "fd:0" : name, NULL, error);
    if (code == 0)
        code = look_into(info, &source, error);
    if (code != 0)
        return pack_at_file(error, is_input ? "standard input" : name);
    info->exposed = info->secret && is_exposed(&source) &&
                    !(info->has_key && pack_demo_key_published(info->key.bytes));
    return 0;
}
