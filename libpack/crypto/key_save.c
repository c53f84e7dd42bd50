/* SPDX-License-Identifier: MIT */
#include "crypto/secret_key.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COMMENT_CAPACITY = 128 };

/* A key file in the making, and afterwards the means to take it back. */
struct key_file {
    const char *path;
    struct pack_output *output;
    dev_t device;
    ino_t inode;
};

static void discard(struct key_file *file)
{
    pack_output_discard(&file->output);
}

static int start(struct key_file *file, const char *path, unsigned flags, struct pack_error *error)
{
    struct stat status = {0};
    file->path = path;
    const int code = pack_output_open(&file->output, path, PACK_OUTPUT_NEW | flags, NULL, error);
    if (code != 0)
        return code;
    if (fstat(pack_output_descriptor(file->output), &status) != 0)
        status = (struct stat){0};
    file->device = status.st_dev;
    file->inode = status.st_ino;
    return 0;
}

/* Removes the file from its place if it is there, and never another one of that name. */
static void take_back(const struct key_file *file)
{
    struct stat status;
    if (lstat(file->path, &status) == 0 && S_ISREG(status.st_mode) &&
        status.st_dev == file->device && status.st_ino == file->inode)
        unlink(file->path);
}

static void format_comment(char comment[COMMENT_CAPACITY], const char *kind,
                           const struct pack_secret_key *key)
{
    const bool any = key->purpose == PACK_PURPOSE_ANY;
    char id[17];
    pack_minisign_id_text(key->key.minisign_id, id);
    snprintf(comment, COMMENT_CAPACITY, "%sfwpack %s key %s%s%s\n", PACK_UNTRUSTED_COMMENT, kind,
             id, any ? "" : ", purpose ", any ? "" : pack_purpose_name(key->purpose));
}

static int write_lines(struct key_file *file, const char *comment, const char *data,
                       struct pack_error *error)
{
    struct pack_sink *sink = pack_output_sink(file->output);
    int code = pack_sink_write(sink, comment, strlen(comment), error);
    if (code == 0)
        code = pack_sink_write(sink, data, strlen(data), error);
    return code != 0 ? code : pack_sink_write(sink, "\n", 1, error);
}

static int write_secret(struct key_file *file, const struct pack_secret_key *key,
                        const struct pack_passphrase *passphrase, struct pack_error *error)
{
    enum { TEXT_SIZE = PACK_BASE64_TEXT_SIZE(PACK_SECRET_FILE_SIZE) };
    PACK_AUTO_GUARDED uint8_t *bytes = NULL;
    PACK_AUTO_GUARDED char *text = NULL;
    char comment[COMMENT_CAPACITY];
    int code = pack_guarded_new(&bytes, PACK_SECRET_FILE_SIZE, error);
    if (code == 0)
        code = pack_guarded_new(&text, TEXT_SIZE, error);
    if (code == 0)
        code = pack_secret_file_seal(bytes, key, passphrase, file->path, error);
    if (code != 0)
        return pack_at_file(error, file->path);
    pack_base64_encode(text, TEXT_SIZE, bytes, PACK_SECRET_FILE_SIZE);
    format_comment(comment, passphrase->ask != NULL ? "encrypted secret" : "secret", key);
    return write_lines(file, comment, text, error);
}

static int write_public(struct key_file *file, const struct pack_secret_key *key,
                        struct pack_error *error)
{
    char comment[COMMENT_CAPACITY], text[PACK_PUBLIC_KEY_TEXT_SIZE];
    format_comment(comment, "public", key);
    pack_public_key_text(&key->key, text);
    return write_lines(file, comment, text, error);
}

/*
 * The secret key gets its name first: a public key whose secret half never appeared would be
 * worse than the other way round, should the machine stop between the two.
 */
static int commit_both(struct key_file *secret, struct key_file *public, struct pack_error *error)
{
    int code = pack_output_commit(&secret->output, error);
    if (code == 0)
        code = pack_output_commit(&public->output, error);
    if (code == 0)
        return 0;
    take_back(public);
    take_back(secret);
    return code;
}

int pack_secret_key_save(const struct pack_secret_key *key, const char *secret_path,
                         const char *public_path, const struct pack_passphrase *passphrase,
                         struct pack_error *error)
{
    PACK_AUTO(discard) struct key_file secret = {0};
    PACK_AUTO(discard) struct key_file public = {0};
    int code = start(&secret, secret_path, PACK_OUTPUT_PRIVATE, error);
    if (code == 0)
        code = start(&public, public_path, PACK_OUTPUT_DEFAULT, error);
    if (code == 0)
        code = write_secret(&secret, key, passphrase, error);
    if (code == 0)
        code = write_public(&public, key, error);
    return code != 0 ? code : commit_both(&secret, &public, error);
}
