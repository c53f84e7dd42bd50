/* SPDX-License-Identifier: MIT */
#include "crypto/foreign_key.h"
#include "crypto/secret_file.h"
#include "crypto/ssh_wire.h"

#include <sodium.h>
#include <string.h>

/*
 * OpenSSH's private keys (PROTOCOL.key): a magic, names of cipher and KDF, the public key, and a
 * section that is encrypted, which ends in padding 1 2 3 ….
 */

#define MAGIC "openssh-key-v1" /* with its final zero byte */

enum {
    COLUMNS = 70,
    SALT_SIZE = 16,
    ROUNDS = 24, /* ssh-keygen's own since 9.4 */
    PLAIN_BLOCK = 8,
    MOST_PADDING = 255,
};

static int malformed(const char *what, struct pack_error *error)
{
    return pack_fail(error, PACK_E_KEY_INVALID, "the OpenSSH key is damaged: %s", what);
}

/* --- reading --------------------------------------------------------------------------------- */

struct header {
    struct pack_ssh_string cipher, kdf, options, public, sealed;
    uint32_t count;
};

static int take_header(struct header *header, struct pack_cursor *cursor, struct pack_error *error)
{
    const uint8_t *magic = pack_cursor_take(cursor, sizeof MAGIC);
    if (magic == NULL || sodium_memcmp(magic, MAGIC, sizeof MAGIC) != 0)
        return malformed("it does not begin with " MAGIC, error);
    if (!pack_ssh_take_string(cursor, &header->cipher) ||
        !pack_ssh_take_string(cursor, &header->kdf) ||
        !pack_ssh_take_string(cursor, &header->options) ||
        !pack_ssh_take_u32(cursor, &header->count))
        return malformed("it ends within its header", error);
    if (header->count != 1)
        return pack_fail(error, PACK_E_KEY_INVALID, "the file holds %u keys, one wanted",
                         header->count);
    if (!pack_ssh_take_string(cursor, &header->public) ||
        !pack_ssh_take_string(cursor, &header->sealed))
        return malformed("it ends before its secret half", error);
    return 0;
}

static int take_options(struct pack_secret_file *file, const struct header *header,
                        struct pack_error *error)
{
    struct pack_cursor cursor = pack_ssh_string_cursor(header->options);
    struct pack_ssh_string salt;
    uint32_t rounds = 0;
    if (!pack_ssh_string_is(header->kdf, "bcrypt"))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "encrypted with another KDF than bcrypt, which is the one known");
    if (!pack_ssh_take_string(&cursor, &salt) || !pack_ssh_take_u32(&cursor, &rounds) ||
        pack_cursor_left(&cursor) != 0 || salt.size == 0 || salt.size > 64)
        return malformed("its KDF's options are none of bcrypt's", error);
    file->kdf = (struct pack_kdf){
        .method = &pack_kdf_bcrypt, .rounds = rounds, .salt = salt.bytes, .salt_size = salt.size};
    return pack_kdf_check(&file->kdf, error);
}

static int take_cipher(struct pack_secret_file *file, const struct header *header,
                       struct pack_error *error)
{
    const struct pack_ssh_string name = header->cipher;
    file->encrypted = !pack_ssh_string_is(name, "none");
    if (!file->encrypted)
        return pack_ssh_string_is(header->kdf, "none")
                   ? 0
                   : malformed("it has a KDF, and no cipher", error);
    file->cipher = pack_cipher_named((const char *)name.bytes, name.size);
    if (file->cipher == NULL) {
        pack_fail(error, PACK_E_KEY_INVALID, "encrypted with a cipher that is not known");
        return pack_hint(error, "ssh-keygen -p -Z aes256-ctr -f FILE encrypts it anew");
    }
    return take_options(file, header, error);
}

/* The tag of an authenticated cipher stands behind all else. */
static int take_sealed(struct pack_secret_file *file, const struct header *header,
                       struct pack_cursor *cursor, struct pack_error *error)
{
    const size_t block = file->encrypted ? file->cipher->block : (size_t)PLAIN_BLOCK;
    const size_t tag = file->encrypted ? file->cipher->tag : 0;
    file->sealed = file->bytes + (header->sealed.bytes - file->bytes);
    file->sealed_size = header->sealed.size;
    if (file->sealed_size == 0 || file->sealed_size % block != 0)
        return malformed("its secret half is no whole number of blocks", error);
    file->tag = pack_cursor_take(cursor, tag);
    if (file->tag == NULL)
        return malformed("it ends within its tag", error);
    return pack_cursor_left(cursor) == 0 ? 0 : malformed("there is data after it", error);
}

/* The type is told before anything else is judged, for it says what the file is. */
static int take_public(struct pack_secret_file *file, const struct header *header,
                       struct pack_error *error)
{
    struct pack_cursor cursor = pack_ssh_string_cursor(header->public);
    struct pack_ssh_string type;
    if (pack_ssh_take_string(&cursor, &type) && pack_ssh_string_is(type, PACK_SSH_SK_ED25519)) {
        pack_fail(error, PACK_E_KEY_INVALID,
                  "this is the handle of a FIDO key (%s): the key itself is in its token",
                  PACK_SSH_SK_ED25519);
        return pack_hint(error, "sign with 'ssh-keygen -Y sign': fwpack sign --export says how");
    }
    const int code = pack_ssh_public_key_parse(&file->public, header->public, error);
    file->has_public = code == 0;
    return code == PACK_E_UNSUPPORTED ? pack_foreign_ssh(error) : code;
}

static int read_openssh(struct pack_secret_file *file, struct pack_error *error)
{
    struct pack_cursor cursor = {.bytes = file->bytes, .size = file->size};
    struct header header = {.count = 0};
    int code = take_header(&header, &cursor, error);
    if (code == 0)
        code = take_public(file, &header, error);
    if (code == 0)
        code = take_cipher(file, &header, error);
    return code != 0 ? code : take_sealed(file, &header, &cursor, error);
}

/* --- opening --------------------------------------------------------------------------------- */

/* The two numbers are equal where the passphrase is right. */
static int take_checks(struct pack_cursor *cursor, bool encrypted, struct pack_error *error)
{
    uint32_t one = 0, other = 0;
    if (!pack_ssh_take_u32(cursor, &one) || !pack_ssh_take_u32(cursor, &other))
        return malformed("its secret half is too short", error);
    if (one == other)
        return 0;
    return encrypted ? pack_wrong_passphrase(error)
                     : malformed("its two check numbers differ", error);
}

static int take_padding(struct pack_cursor *cursor, struct pack_error *error)
{
    const size_t size = pack_cursor_left(cursor);
    const uint8_t *padding = pack_cursor_take(cursor, size);
    if (size > MOST_PADDING)
        return malformed("its padding is too long", error);
    for (size_t i = 0; i < size; i++)
        if (padding[i] != i + 1)
            return malformed("its padding is not 1, 2, 3 and so on", error);
    return 0;
}

static void keep_comment(struct pack_secret_file *file, struct pack_ssh_string comment)
{
    const struct pack_span span = {(const char *)comment.bytes, comment.size};
    memset(file->comment, 0, sizeof file->comment);
    if (comment.size < sizeof file->comment && pack_comment_valid(span) &&
        memchr(span.text, '\0', span.size) == NULL)
        memcpy(file->comment, comment.bytes, comment.size);
}

static int take_key(struct pack_secret_key **key, struct pack_secret_file *file,
                    struct pack_cursor *cursor, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct pack_secret_key *made = NULL;
    struct pack_ssh_string type, public, secret, comment;
    if (!pack_ssh_take_string(cursor, &type) || !pack_ssh_take_string(cursor, &public) ||
        !pack_ssh_take_string(cursor, &secret) || !pack_ssh_take_string(cursor, &comment))
        return malformed("its secret half is too short", error);
    if (!pack_ssh_string_is(type, PACK_SSH_ED25519) || public.size != PACK_PUBLIC_KEY_SIZE ||
        secret.size != PACK_EXPANDED_KEY_SIZE)
        return malformed("its halves are of different types", error);
    int code = pack_secret_key_make(&made, secret.bytes, NULL, PACK_PURPOSE_ANY, error);
    if (code == 0)
        code = pack_secret_file_prove(made, secret.bytes + PACK_SEED_SIZE, error);
    if (code == 0)
        code = pack_secret_file_prove(made, public.bytes, error);
    if (code == 0)
        code = pack_secret_file_prove(made, file->public.bytes, error);
    if (code == 0)
        code = take_padding(cursor, error);
    if (code != 0)
        return code;
    keep_comment(file, comment);
    *key = pack_steal(&made);
    return 0;
}

static int open_openssh(struct pack_secret_key **key, struct pack_secret_file *file,
                        const struct pack_password *password, struct pack_error *error)
{
    struct pack_cursor cursor = {.bytes = file->sealed, .size = file->sealed_size};
    int code = password != NULL ? pack_secret_file_decrypt(file, password, error) : 0;
    if (code == 0)
        code = take_checks(&cursor, password != NULL, error);
    return code != 0 ? code : take_key(key, file, &cursor, error);
}

/* --- writing --------------------------------------------------------------------------------- */

static void add_u32(struct pack_secret_text *text, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    pack_secret_text_add(text, bytes, sizeof bytes);
}

static void add_bytes(struct pack_secret_text *text, const void *bytes, size_t size)
{
    add_u32(text, (uint32_t)size);
    pack_secret_text_add(text, bytes, size);
}

static void add_text(struct pack_secret_text *text, const char *string)
{
    add_bytes(text, string, strlen(string));
}

static int build_secret(struct pack_secret_text *section, const struct pack_secret_key *key,
                        const char *comment, size_t block, struct pack_error *error)
{
    uint32_t check = 0;
    int code = pack_secret_text_new(section, error);
    if (code == 0)
        code = pack_random(&check, sizeof check, error);
    if (code != 0)
        return code;
    add_u32(section, check);
    add_u32(section, check);
    add_text(section, PACK_SSH_ED25519);
    add_bytes(section, key->key.bytes, PACK_PUBLIC_KEY_SIZE);
    add_bytes(section, key->expanded, PACK_EXPANDED_KEY_SIZE);
    add_text(section, comment);
    code = pack_secret_text_check(section, error);
    for (uint8_t pad = 1; code == 0 && section->size % block != 0; pad++)
        pack_secret_text_add(section, &pad, 1);
    return code;
}

static void build_public(struct pack_secret_text *blob, const struct pack_public_key *key)
{
    add_u32(blob, 4 + sizeof PACK_SSH_ED25519 - 1 + 4 + PACK_PUBLIC_KEY_SIZE);
    add_text(blob, PACK_SSH_ED25519);
    add_bytes(blob, key->bytes, PACK_PUBLIC_KEY_SIZE);
}

static void build_header(struct pack_secret_text *body, const struct pack_secret_key *key,
                         const struct pack_kdf *kdf)
{
    pack_secret_text_add(body, MAGIC, sizeof MAGIC);
    add_text(body, kdf != NULL ? "aes256-ctr" : "none");
    add_text(body, kdf != NULL ? "bcrypt" : "none");
    add_u32(body, kdf != NULL ? 4 + SALT_SIZE + 4 : 0);
    if (kdf != NULL) {
        add_bytes(body, kdf->salt, kdf->salt_size);
        add_u32(body, (uint32_t)kdf->rounds);
    }
    add_u32(body, 1);
    build_public(body, &key->key);
}

static int build(struct pack_secret_text *body, const struct pack_secret_key *key,
                 const char *comment, const struct pack_password *password,
                 struct pack_error *error)
{
    PACK_AUTO_SECRET_TEXT struct pack_secret_text section = {NULL, 0};
    const struct pack_cipher *cipher = pack_cipher_named("aes256-ctr", strlen("aes256-ctr"));
    uint8_t salt[SALT_SIZE];
    const struct pack_kdf kdf = {
        .method = &pack_kdf_bcrypt, .rounds = ROUNDS, .salt = salt, .salt_size = SALT_SIZE};
    int code = pack_random(salt, sizeof salt, error);
    if (code == 0)
        code = build_secret(&section, key, comment, password != NULL ? cipher->block : PLAIN_BLOCK,
                            error);
    if (code == 0 && password != NULL)
        code = pack_secret_file_encrypt(&kdf, cipher, NULL, password, section.bytes, section.size,
                                        error);
    if (code != 0)
        return code;
    build_header(body, key, password != NULL ? &kdf : NULL);
    add_bytes(body, section.bytes, section.size);
    return pack_secret_text_check(body, error);
}

static int write_openssh(struct pack_secret_text *text, const struct pack_secret_key *key,
                         const char *comment, const struct pack_password *password,
                         struct pack_error *error)
{
    PACK_AUTO_SECRET_TEXT struct pack_secret_text body = {NULL, 0};
    int code = pack_secret_text_new(&body, error);
    if (code == 0)
        code = build(&body, key, comment, password, error);
    if (code != 0)
        return code;
    pack_secret_text_add_string(text, "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    pack_secret_text_add_base64(text, body.bytes, body.size, COLUMNS);
    pack_secret_text_add_string(text, "-----END OPENSSH PRIVATE KEY-----\n");
    return 0;
}

const struct pack_secret_format pack_secret_openssh = {read_openssh, open_openssh, write_openssh};
