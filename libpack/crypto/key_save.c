/* SPDX-License-Identifier: MIT */
#include "crypto/secret_key.h"

#include <stdio.h>
#include <string.h>

enum { COMMENT_CAPACITY = 128 };

/* The two files of a key in the making. */
struct key_files {
    struct pack_output *outputs[2]; /* in the order in which they get their names */
};

enum { SECRET, PUBLIC };

static void discard(struct key_files *files)
{
    pack_output_discard(&files->outputs[SECRET]);
    pack_output_discard(&files->outputs[PUBLIC]);
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

static int write_lines(struct pack_output *output, const char *comment, const char *data,
                       struct pack_error *error)
{
    struct pack_sink *sink = pack_output_sink(output);
    int code = pack_sink_write(sink, comment, strlen(comment), error);
    if (code == 0)
        code = pack_sink_write(sink, data, strlen(data), error);
    return code != 0 ? code : pack_sink_write(sink, "\n", 1, error);
}

static int write_secret(struct pack_output *output, const struct pack_secret_key *key,
                        const char *path, const struct pack_passphrase *passphrase,
                        struct pack_error *error)
{
    enum { TEXT_SIZE = PACK_BASE64_TEXT_SIZE(PACK_SECRET_FILE_SIZE) };
    PACK_AUTO_GUARDED uint8_t *bytes = NULL;
    PACK_AUTO_GUARDED char *text = NULL;
    char comment[COMMENT_CAPACITY];
    int code = pack_guarded_new(&bytes, PACK_SECRET_FILE_SIZE, error);
    if (code == 0)
        code = pack_guarded_new(&text, TEXT_SIZE, error);
    if (code == 0)
        code = pack_secret_file_seal(bytes, key, passphrase, path, error);
    if (code != 0)
        return pack_at_file(error, path);
    pack_base64_encode(text, TEXT_SIZE, bytes, PACK_SECRET_FILE_SIZE);
    format_comment(comment, passphrase->ask != NULL ? "encrypted secret" : "secret", key);
    return write_lines(output, comment, text, error);
}

static int write_public(struct pack_output *output, const struct pack_secret_key *key,
                        struct pack_error *error)
{
    char comment[COMMENT_CAPACITY], text[PACK_PUBLIC_KEY_TEXT_SIZE];
    format_comment(comment, "public", key);
    pack_public_key_text(&key->key, text);
    return write_lines(output, comment, text, error);
}

/*
 * The secret key gets its name first: a public key whose secret half never appeared would be
 * worse than the other way round, should the machine stop between the two.
 */
int pack_secret_key_save(const struct pack_secret_key *key, const char *secret_path,
                         const char *public_path, const struct pack_passphrase *passphrase,
                         struct pack_error *error)
{
    PACK_AUTO(discard) struct key_files files = {{NULL, NULL}};
    struct pack_output **outputs = files.outputs;
    int code = pack_output_open(&outputs[SECRET], secret_path,
                                PACK_OUTPUT_NEW | PACK_OUTPUT_PRIVATE, NULL, error);
    if (code == 0)
        code = pack_output_open(&outputs[PUBLIC], public_path, PACK_OUTPUT_NEW, NULL, error);
    if (code == 0)
        code = write_secret(outputs[SECRET], key, secret_path, passphrase, error);
    if (code == 0)
        code = write_public(outputs[PUBLIC], key, error);
    return code != 0 ? code : pack_output_commit_all(outputs, 2, error);
}
