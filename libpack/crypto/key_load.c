/* SPDX-License-Identifier: MIT */
#include "crypto/secret_file.h"

#include <stdio.h>
#include <string.h>

enum { OTHERS = 0077 }; /* mode bits of group and others */

static int split(struct pack_key_text *parts, const struct pack_key_source *source,
                 struct pack_error *error)
{
    if (source->size == 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "the key is empty");
    return pack_key_text_split(parts, source->text, source->size, error);
}

int pack_key_text_split_secret(struct pack_key_text *parts, const struct pack_key_source *source,
                               struct pack_error *error)
{
    const int code = split(parts, source, error);
    if (code != 0 || parts->half != PACK_HALF_PUBLIC)
        return code;
    pack_fail(error, PACK_E_KEY_INVALID, "this is a public key, where a secret key is wanted");
    return pack_hint(error, "give the other file of the pair, as in release.key");
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

static int open_secret(struct pack_secret_key **key, const struct pack_key_text *parts,
                       const struct pack_key_source *source, const char *name,
                       const struct pack_key_access *access, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_file *file = NULL;
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *made = NULL;
    int code = pack_secret_file_read(&file, parts, error);
    if (code == 0)
        code = pack_secret_file_open(&made, file, &access->passphrase, name, error);
    if (code == 0)
        code = judge(source, name, file->encrypted, made, access, error);
    if (code == 0)
        *key = pack_steal(&made);
    return code;
}

static int open_source(struct pack_secret_key **key, const struct pack_key_source *source,
                       const char *name, const struct pack_key_access *access,
                       struct pack_error *error)
{
    struct pack_key_text parts;
    const int code = pack_key_text_split_secret(&parts, source, error);
    return code != 0 ? code : open_secret(key, &parts, source, name, access, error);
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

static int open_half(struct pack_public_key *public, enum pack_key_purpose *purpose,
                     const struct pack_key_source *source, const char *name,
                     const struct pack_key_access *access, struct pack_error *error)
{
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    struct pack_key_text parts;
    int code = split(&parts, source, error);
    if (code == 0 && parts.half != PACK_HALF_SECRET) {
        *purpose = pack_comment_purpose(parts.comment);
        return pack_key_text_public(public, &parts, error);
    }
    if (code == 0)
        code = open_secret(&key, &parts, source, name, access, error);
    if (code != 0)
        return code;
    *public = key->key;
    *purpose = key->purpose;
    return 0;
}

int pack_public_half_load(struct pack_public_key *public, enum pack_key_purpose *purpose,
                          const char *name, const struct pack_key_access *access,
                          struct pack_error *error)
{
    PACK_AUTO_KEY_SOURCE struct pack_key_source source = {0};
    int code = pack_key_source_open(&source, name, access->environment, error);
    if (code == 0)
        code = open_half(public, purpose, &source, name, access, error);
    return code != 0 ? pack_at_file(error, name) : 0;
}

/* --- what can be seen without a passphrase -------------------------------------------------- */

static void tell_kdf(struct pack_key_info *info, const struct pack_kdf *kdf)
{
    info->kdf = pack_kdf_name(kdf);
    info->kdf_memory = kdf->memory;
    info->kdf_rounds =
        kdf->method == &pack_kdf_pbkdf2 || kdf->method == &pack_kdf_bcrypt ? kdf->rounds : 0;
}

static void tell_comment(struct pack_key_info *info, struct pack_span comment)
{
    if (comment.size != 0)
        memcpy(info->comment, comment.text, comment.size);
}

static int look_into_secret(struct pack_key_info *info, const struct pack_key_text *parts,
                            struct pack_error *error)
{
    static const struct pack_passphrase none;
    PACK_AUTO_GUARDED struct pack_secret_file *file = NULL;
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    int code = pack_secret_file_read(&file, parts, error);
    if (code != 0)
        return code;
    info->secret = true;
    info->encrypted = file->encrypted;
    tell_kdf(info, &file->kdf);
    if (!file->encrypted)
        code = pack_secret_file_open(&key, file, &none, "", error);
    if (code != 0)
        return code;
    info->has_key = key != NULL || file->has_public;
    if (info->has_key)
        info->key = key != NULL ? key->key : file->public;
    tell_comment(info, (struct pack_span){file->comment, strlen(file->comment)});
    return 0;
}

static int look_into_public(struct pack_key_info *info, const struct pack_key_text *parts,
                            struct pack_error *error)
{
    const int code = pack_key_text_public(&info->key, parts, error);
    info->has_key = code == 0;
    tell_comment(info, parts->comment);
    return code;
}

static int look_into(struct pack_key_info *info, const struct pack_key_source *source,
                     struct pack_error *error)
{
    struct pack_key_text parts;
    int code = source->size == 0 ? pack_fail(error, PACK_E_KEY_INVALID, "the file is empty")
                                 : pack_key_text_split(&parts, source->text, source->size, error);
    if (code != 0)
        return code;
    info->format = parts.format;
    code = parts.half == PACK_HALF_SECRET ? look_into_secret(info, &parts, error)
                                          : look_into_public(info, &parts, error);
    if (code != 0)
        return code;
    const struct pack_span comment = {info->comment, strlen(info->comment)};
    info->purpose = info->has_key && pack_public_key_is_demo(&info->key)
                        ? PACK_PURPOSE_DEMO
                        : pack_comment_purpose(comment);
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
