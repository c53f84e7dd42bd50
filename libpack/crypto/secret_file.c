/* SPDX-License-Identifier: MIT */
#include "crypto/secret_file.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static const struct pack_secret_format *const formats[PACK_KEY_FORMAT_COUNT] = {
    [PACK_KEY_MINISIGN] = &pack_secret_minisign,
    [PACK_KEY_PEM] = &pack_secret_pem,
    [PACK_KEY_OPENSSH] = &pack_secret_openssh,
    [PACK_KEY_SIGNIFY] = &pack_secret_signify,
};

int pack_wrong_passphrase(struct pack_error *error)
{
    return pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is wrong");
}

/* --- reading --------------------------------------------------------------------------------- */

/* The two-line formats say by their length what is wrong, the others by their structure. */
static int decode(struct pack_secret_file *file, const struct pack_key_text *text,
                  struct pack_error *error)
{
    static const struct pack_base64_kind kind = {
        .name = "secret key", .wanted = 158, .code = PACK_E_KEY_INVALID};
    if (pack_key_text_decode(text->data, file->bytes, sizeof file->bytes, &file->size) &&
        text->half == PACK_HALF_SECRET)
        return 0;
    if (text->half == PACK_HALF_UNKNOWN)
        return pack_base64_decode(&kind, text->data, file->bytes, error);
    return pack_fail(error, PACK_E_KEY_INVALID, "the key is not padded base64 in canonical form");
}

int pack_secret_file_read(struct pack_secret_file **file, const struct pack_key_text *text,
                          struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_file *made = NULL;
    int code = pack_guarded_new(&made, sizeof *made, error);
    if (code != 0)
        return code;
    made->format = text->format;
    made->encrypted = text->sealed;
    if (text->comment.size != 0)
        memcpy(made->comment, text->comment.text, text->comment.size);
    code = decode(made, text, error);
    if (code == 0)
        code = formats[made->format]->read(made, error);
    if (code == 0)
        *file = pack_steal(&made);
    return code;
}

/* --- opening --------------------------------------------------------------------------------- */

int pack_secret_file_open(struct pack_secret_key **key, struct pack_secret_file *file,
                          const struct pack_passphrase *passphrase, const char *name,
                          struct pack_error *error)
{
    PACK_AUTO_PASSWORD struct pack_password password = {NULL, 0};
    int code = file->encrypted ? pack_password_ask(&password, passphrase, name, false, error) : 0;
    if (code == 0)
        code = formats[file->format]->open(key, file, file->encrypted ? &password : NULL, error);
    if (code != 0)
        return code;
    (*key)->format = file->format;
    if ((*key)->purpose == PACK_PURPOSE_ANY)
        (*key)->purpose =
            pack_comment_purpose((struct pack_span){file->comment, strlen(file->comment)});
    return 0;
}

/* A cipher's key and, where the KDF gives it (`iv` NULL), its initialisation vector. */
struct keying {
    uint8_t bytes[PACK_CIPHER_MAX_KEY + PACK_CIPHER_MAX_IV];
};

static int derive(struct keying **keying, const struct pack_kdf *kdf,
                  const struct pack_cipher *cipher, bool with_iv,
                  const struct pack_password *password, struct pack_error *error)
{
    const int code = pack_guarded_new(keying, sizeof **keying, error);
    return code != 0 ? code
                     : pack_kdf_derive(kdf, password, (*keying)->bytes,
                                       cipher->key_size + (with_iv ? cipher->iv_size : 0), error);
}

int pack_secret_file_decrypt(struct pack_secret_file *file, const struct pack_password *password,
                             struct pack_error *error)
{
    PACK_AUTO_GUARDED struct keying *keying = NULL;
    const struct pack_cipher *cipher = file->cipher;
    const int code = derive(&keying, &file->kdf, cipher, file->iv == NULL, password, error);
    if (code != 0)
        return code;
    return pack_cipher_decrypt(cipher, keying->bytes,
                               file->iv != NULL ? file->iv : keying->bytes + cipher->key_size,
                               file->sealed, file->sealed_size, file->tag, error);
}

int pack_secret_file_encrypt(const struct pack_kdf *kdf, const struct pack_cipher *cipher,
                             const uint8_t *iv, const struct pack_password *password,
                             uint8_t *bytes, size_t size, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct keying *keying = NULL;
    const int code = derive(&keying, kdf, cipher, iv == NULL, password, error);
    if (code != 0)
        return code;
    return pack_cipher_encrypt(cipher, keying->bytes,
                               iv != NULL ? iv : keying->bytes + cipher->key_size, bytes, size,
                               NULL, error);
}

int pack_secret_file_prove(const struct pack_secret_key *key, const uint8_t *public,
                           struct pack_error *error)
{
    if (sodium_memcmp(key->key.bytes, public, PACK_PUBLIC_KEY_SIZE) == 0)
        return 0;
    return pack_fail(error, PACK_E_KEY_INVALID,
                     "the key is damaged: its public half does not belong to its seed");
}

/* --- writing --------------------------------------------------------------------------------- */

void pack_key_comment(char comment[PACK_KEY_COMMENT_SIZE], const char *kind,
                      const struct pack_public_key *key, enum pack_key_purpose purpose)
{
    const bool any = purpose == PACK_PURPOSE_ANY;
    char id[17];
    pack_minisign_id_text(key->minisign_id, id);
    snprintf(comment, PACK_KEY_COMMENT_SIZE, "fwpack %s key %s%s%s", kind, id,
             any ? "" : ", purpose ", any ? "" : pack_purpose_name(purpose));
}

/* What OpenSSH shows as a comment is that of the key, whichever half. */
static const char *kind_of(enum pack_key_format format, bool encrypted)
{
    return format == PACK_KEY_OPENSSH ? "signing" : encrypted ? "encrypted secret" : "secret";
}

int pack_secret_file_write(struct pack_secret_text *text, const struct pack_secret_key *key,
                           enum pack_key_format format, const char *comment,
                           const struct pack_passphrase *passphrase, const char *name,
                           struct pack_error *error)
{
    PACK_AUTO_PASSWORD struct pack_password password = {NULL, 0};
    char own[PACK_KEY_COMMENT_SIZE];
    const bool encrypted = passphrase->ask != NULL;
    pack_key_comment(own, kind_of(format, encrypted), &key->key, key->purpose);
    int code = encrypted ? pack_password_ask(&password, passphrase, name, true, error) : 0;
    if (code == 0)
        code = formats[format]->write(text, key, comment != NULL ? comment : own,
                                      encrypted ? &password : NULL, error);
    return code != 0 ? code : pack_secret_text_check(text, error);
}
