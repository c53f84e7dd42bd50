/* SPDX-License-Identifier: MIT */
#include "crypto/pkcs8.h"

#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

/* --- which key may be written in which format ------------------------------------------------ */

static bool has_id(enum pack_key_format format)
{
    return format == PACK_KEY_MINISIGN || format == PACK_KEY_SIGNIFY;
}

/* A demo key that nobody could know for one any more would be a trap. */
static int check_format(const struct pack_public_key *key, enum pack_key_format format,
                        struct pack_error *error)
{
    if (key->application[0] != '\0' && format != PACK_KEY_OPENSSH)
        return pack_fail(error, PACK_E_USAGE, "a FIDO key can be written as openssh only");
    if (has_id(format) || !pack_minisign_id_is_demo(key->minisign_id) ||
        pack_demo_key_published(key->bytes))
        return 0;
    return pack_fail(error, PACK_E_USAGE,
                     "a demo key can be written as minisign or signify only: in %s nothing "
                     "could say that it is one",
                     pack_key_format_name(format));
}

/* --- public keys ----------------------------------------------------------------------------- */

static int print_two_lines(struct pack_buffer *buffer, const struct pack_public_key *key,
                           const char *comment, struct pack_error *error)
{
    char text[PACK_PUBLIC_KEY_TEXT_SIZE];
    pack_public_key_text(key, text);
    return pack_buffer_print(buffer, error, "%s%s\n%s\n", PACK_UNTRUSTED_COMMENT, comment, text);
}

static int print_pem(struct pack_buffer *buffer, const struct pack_public_key *key,
                     const char *comment, struct pack_error *error)
{
    uint8_t spki[PACK_SPKI_SIZE];
    char text[PACK_BASE64_TEXT_SIZE(sizeof spki)];
    (void)comment;
    pack_spki_write(spki, key->bytes);
    pack_base64_encode(text, sizeof text, spki, sizeof spki);
    return pack_buffer_print(buffer, error,
                             "-----BEGIN PUBLIC KEY-----\n%s\n-----END PUBLIC KEY-----\n", text);
}

static int print_ssh_line(struct pack_buffer *buffer, const struct pack_public_key *key,
                          const char *comment, struct pack_error *error)
{
    PACK_AUTO_FREE char *line = NULL;
    const int code = pack_public_key_ssh_text(&line, key, error);
    return code != 0 ? code : pack_buffer_print(buffer, error, "%s %s\n", line, comment);
}

int pack_public_key_format(char **text, size_t *size, const struct pack_public_key *key,
                           enum pack_key_purpose purpose, enum pack_key_format format,
                           struct pack_error *error)
{
    static int (*const printers[PACK_KEY_FORMAT_COUNT])(
        struct pack_buffer *, const struct pack_public_key *, const char *, struct pack_error *) = {
        [PACK_KEY_MINISIGN] = print_two_lines,
        [PACK_KEY_PEM] = print_pem,
        [PACK_KEY_OPENSSH] = print_ssh_line,
        [PACK_KEY_SIGNIFY] = print_two_lines,
    };
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = PACK_MAX_KEY_FILE};
    char comment[PACK_KEY_COMMENT_SIZE];
    pack_key_comment(comment, format == PACK_KEY_OPENSSH ? "signing" : "public", key, purpose);
    int code = check_format(key, format, error);
    if (code == 0)
        code = printers[format](&buffer, key, comment, error);
    return code != 0 ? code : pack_buffer_take(&buffer, text, size, error);
}

/* --- secret keys ----------------------------------------------------------------------------- */

static int write_secret(struct pack_output *output, const struct pack_secret_key *key,
                        enum pack_key_format format, const char *path, const char *comment,
                        const struct pack_passphrase *passphrase, struct pack_error *error)
{
    PACK_AUTO_SECRET_TEXT struct pack_secret_text text = {NULL, 0};
    int code = pack_secret_text_new(&text, error);
    if (code == 0)
        code = pack_secret_file_write(&text, key, format, comment, passphrase, path, error);
    if (code != 0)
        return pack_at_file(error, path);
    return pack_sink_write(pack_output_sink(output), text.bytes, text.size, error);
}

static int write_public(struct pack_output *output, const struct pack_secret_key *key,
                        struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    const int code =
        pack_public_key_format(&text, &size, &key->key, key->purpose, PACK_KEY_MINISIGN, error);
    return code != 0 ? code : pack_sink_write(pack_output_sink(output), text, size, error);
}

/* The two files of a key in the making, in the order in which they get their names. */
struct key_files {
    struct pack_output *outputs[2];
};

enum { SECRET, PUBLIC };

static void discard(struct key_files *files)
{
    pack_output_discard(&files->outputs[SECRET]);
    pack_output_discard(&files->outputs[PUBLIC]);
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
        code = write_secret(outputs[SECRET], key, PACK_KEY_MINISIGN, secret_path, NULL, passphrase,
                            error);
    if (code == 0)
        code = write_public(outputs[PUBLIC], key, error);
    return code != 0 ? code : pack_output_commit_all(outputs, 2, error);
}

int pack_secret_key_export(const struct pack_secret_key *key, const char *path,
                           enum pack_key_format format, const struct pack_passphrase *passphrase,
                           struct pack_error *error)
{
    PACK_AUTO(pack_output_discard) struct pack_output *output = NULL;
    int code = check_format(&key->key, format, error);
    if (code == 0)
        code = pack_output_open(&output, path, PACK_OUTPUT_NEW | PACK_OUTPUT_PRIVATE, NULL, error);
    if (code == 0)
        code = write_secret(output, key, format, path, NULL, passphrase, error);
    return code != 0 ? code : pack_output_commit(&output, error);
}

/* --- another passphrase ---------------------------------------------------------------------- */

/* minisign and fwpack write "encrypted secret key" or "secret key": the rest is the user's. */
static void retitle(char comment[PACK_MAX_TRUSTED_COMMENT], const char *old, bool encrypted)
{
    static const char plain[] = "secret key", sealed[] = "encrypted secret key";
    const char *was = strstr(old, sealed), *found = was != NULL ? was : strstr(old, plain);
    const size_t skip = was != NULL ? sizeof sealed - 1 : sizeof plain - 1;
    if (found == NULL)
        snprintf(comment, PACK_MAX_TRUSTED_COMMENT, "%s", old);
    else
        snprintf(comment, PACK_MAX_TRUSTED_COMMENT, "%.*s%s%s", (int)(found - old), old,
                 encrypted ? sealed : plain, found + skip);
}

static int rewrite(struct pack_output *output, struct pack_secret_file *file, const char *path,
                   const struct pack_key_access *access, const struct pack_passphrase *next,
                   struct pack_error *error)
{
    PACK_AUTO(pack_secret_key_free) struct pack_secret_key *key = NULL;
    PACK_AUTO_FREE char *comment = NULL;
    int code = pack_allocate(&comment, 1, PACK_MAX_TRUSTED_COMMENT, error);
    if (code == 0)
        code = pack_secret_file_open(&key, file, &access->passphrase, path, error);
    if (code != 0)
        return code;
    retitle(comment, file->comment, next->ask != NULL);
    return write_secret(output, key, file->format, path, comment, next, error);
}

static int read_secret(struct pack_secret_file **file, const char *path, struct pack_error *error)
{
    PACK_AUTO_KEY_SOURCE struct pack_key_source source = {0};
    struct pack_key_text parts;
    int code = pack_key_source_open(&source, path, NULL, error);
    if (code == 0 && !source.is_path)
        code = pack_fail(error, PACK_E_USAGE, "only a file can be given another passphrase");
    if (code == 0)
        code = pack_key_text_split_secret(&parts, &source, error);
    return code != 0 ? code : pack_secret_file_read(file, &parts, error);
}

int pack_secret_key_rekey(const char *path, const struct pack_key_access *access,
                          const struct pack_passphrase *next, struct pack_error *error)
{
    PACK_AUTO(pack_output_discard) struct pack_output *output = NULL;
    PACK_AUTO_GUARDED struct pack_secret_file *file = NULL;
    int code = read_secret(&file, path, error);
    if (code == 0)
        code = pack_output_open(&output, path, PACK_OUTPUT_PRIVATE, NULL, error);
    if (code == 0)
        code = rewrite(output, file, path, access, next, error);
    if (code != 0)
        return pack_at_file(error, path);
    return pack_output_commit(&output, error);
}
