/* SPDX-License-Identifier: MIT */
#include "pack/sshsig.h"

#include "base/memory.h"
#include "crypto/ssh_wire.h"
#include "crypto/sshsig.h"
#include "crypto/textline.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <sodium.h>

#define BEGIN "-----BEGIN SSH SIGNATURE-----"
#define END "-----END SSH SIGNATURE-----"

enum {
    VERSION = 1,
    LINE = 70,      /* characters of a line as ssh-keygen writes it */
    LINE_LIMIT = 76 /* as PROTOCOL.sshsig has it */
};

/* --- armour ---------------------------------------------------------------------------------- */

static int fail_line(struct pack_error *error, unsigned line, const char *what)
{
    pack_fail(error, PACK_E_MALFORMED, "%s", what);
    return pack_at_line(error, line, 0);
}

/* Takes a line off the text; a carriage return is named, for it is what a transfer leaves. */
static int take_line(struct pack_span *line, struct pack_span *rest, unsigned number,
                     struct pack_error *error)
{
    const char *end = memchr(rest->text, '\n', rest->size);
    if (end == NULL)
        return fail_line(error, number,
                         rest->size == 0 ? "the signature ends before its last line, " END
                                         : "the line has no end");
    *line = (struct pack_span){rest->text, (size_t)(end - rest->text)};
    rest->text += line->size + 1;
    rest->size -= line->size + 1;
    if (memchr(line->text, '\r', line->size) != NULL)
        return fail_line(error, number, "the line has a carriage return");
    return 0;
}

static bool line_is(struct pack_span line, const char *text)
{
    return line.size == strlen(text) && sodium_memcmp(line.text, text, line.size) == 0;
}

/* The base64 between the two marks, its lines joined. */
static int join_lines(struct pack_buffer *joined, struct pack_span rest, struct pack_error *error)
{
    struct pack_span line = {rest.text, 0};
    unsigned number = 1;
    int code = take_line(&line, &rest, number, error);
    if (code == 0 && !line_is(line, BEGIN))
        code = fail_line(error, number, "does not begin with " BEGIN);
    while (code == 0) {
        code = take_line(&line, &rest, ++number, error);
        if (code != 0 || line_is(line, END))
            break;
        if (line.size == 0 || line.size > LINE_LIMIT)
            code = fail_line(error, number, "the line is empty or longer than 76 characters");
        else
            code = pack_buffer_append(joined, line.text, line.size, error);
    }
    if (code == 0 && rest.size != 0)
        code = fail_line(error, number + 1, "data after the signature");
    return code;
}

static int decode(struct pack_buffer *blob, const struct pack_buffer *joined,
                  struct pack_error *error)
{
    int code = pack_buffer_reserve(blob, joined->size / 4 * 3 + 1, error);
    if (code != 0)
        return code;
    const struct pack_span text = {(const char *)joined->bytes, joined->size};
    if (!pack_base64_read(text, sodium_base64_VARIANT_ORIGINAL, NULL, blob->bytes,
                          joined->size / 4 * 3 + 1, &blob->size))
        return pack_fail(error, PACK_E_MALFORMED, "the signature is not canonical padded base64");
    return 0;
}

static int put_armour(struct pack_buffer *text, const char *base64, struct pack_error *error)
{
    int code = pack_buffer_print(text, error, BEGIN "\n");
    for (size_t left = strlen(base64); code == 0 && left != 0;) {
        const size_t size = left < LINE ? left : LINE;
        code = pack_buffer_print(text, error, "%.*s\n", (int)size, base64);
        base64 += size;
        left -= size;
    }
    return code != 0 ? code : pack_buffer_print(text, error, END "\n");
}

/* --- blob ------------------------------------------------------------------------------------ */

static int cut_short(const char *field, struct pack_error *error)
{
    return pack_fail(error, PACK_E_MALFORMED, "the signature ends within its %s", field);
}

static int take_string(struct pack_cursor *cursor, struct pack_ssh_string *string,
                       const char *field, struct pack_error *error)
{
    return pack_ssh_take_string(cursor, string) ? 0 : cut_short(field, error);
}

static int take_magic(struct pack_cursor *cursor, struct pack_error *error)
{
    const uint8_t *magic = pack_cursor_take(cursor, strlen(PACK_SSHSIG_MAGIC));
    uint32_t version = 0;
    if (magic == NULL || sodium_memcmp(magic, PACK_SSHSIG_MAGIC, strlen(PACK_SSHSIG_MAGIC)) != 0)
        return pack_fail(error, PACK_E_MALFORMED,
                         "the signature does not begin with " PACK_SSHSIG_MAGIC);
    if (!pack_ssh_take_u32(cursor, &version))
        return cut_short("version", error);
    if (version != VERSION)
        return pack_fail(error, PACK_E_UNSUPPORTED, "the signature has version %u, %d is supported",
                         version, VERSION);
    return 0;
}

static int take_key(struct pack_public_key *key, struct pack_cursor *cursor,
                    struct pack_error *error)
{
    struct pack_ssh_string blob;
    int code = take_string(cursor, &blob, "public key", error);
    if (code != 0)
        return code;
    code = pack_ssh_public_key_parse(key, blob, error);
    if (code == PACK_E_KEY_INVALID)
        error->code = PACK_E_MALFORMED; /* it is the signature that is judged here */
    return code != 0 ? pack_context(error, "the signer's key") : 0;
}

static int take_namespace(struct pack_ssh_signature *signature, struct pack_cursor *cursor,
                          struct pack_error *error)
{
    struct pack_ssh_string name, reserved;
    int code = take_string(cursor, &name, "namespace", error);
    if (code == 0)
        code = take_string(cursor, &reserved, "reserved field", error);
    if (code != 0)
        return code;
    if (name.size == 0 || name.size >= sizeof signature->name_space)
        return pack_fail(error, PACK_E_MALFORMED, "the namespace has %zu bytes, 1 to %zu wanted",
                         name.size, sizeof signature->name_space - 1);
    if (!pack_text_plain((const char *)name.bytes, name.size))
        return pack_fail(error, PACK_E_MALFORMED, "the namespace is not plain text");
    if (reserved.size != 0)
        return pack_fail(error, PACK_E_MALFORMED, "the reserved field is not empty");
    memcpy(signature->name_space, name.bytes, name.size);
    return 0;
}

static int take_hash(struct pack_ssh_signature *signature, struct pack_cursor *cursor,
                     struct pack_error *error)
{
    struct pack_ssh_string hash;
    char name[48];
    const int code = take_string(cursor, &hash, "hash's name", error);
    if (code != 0)
        return code;
    signature->sha256 = pack_ssh_string_is(hash, "sha256");
    if (signature->sha256 || pack_ssh_string_is(hash, "sha512"))
        return 0;
    pack_escape(name, sizeof name, (const char *)hash.bytes, hash.size);
    return pack_fail(error, PACK_E_MALFORMED, "the hash is \"%s\", sha512 or sha256 wanted", name);
}

static int take_fido(struct pack_ssh_signature *signature, struct pack_cursor *cursor,
                     struct pack_error *error)
{
    const uint8_t *flags = pack_cursor_take(cursor, 1);
    if (flags == NULL || !pack_ssh_take_u32(cursor, &signature->counter))
        return cut_short("flags and counter", error);
    signature->flags = *flags;
    return 0;
}

static int take_bytes(struct pack_ssh_signature *signature, struct pack_cursor *outer,
                      struct pack_error *error)
{
    struct pack_ssh_string whole, type, bytes;
    const bool is_fido = signature->key.application[0] != '\0';
    int code = take_string(outer, &whole, "signature bytes", error);
    if (code != 0)
        return code;
    struct pack_cursor cursor = pack_ssh_string_cursor(whole);
    code = take_string(&cursor, &type, "signature type", error);
    if (code == 0 && !pack_ssh_string_is(type, is_fido ? PACK_SSH_SK_ED25519 : PACK_SSH_ED25519))
        code = pack_fail(error, PACK_E_MALFORMED, "the signature's type is not its key's");
    if (code == 0)
        code = take_string(&cursor, &bytes, "signature bytes", error);
    if (code == 0 && bytes.size != PACK_SIGNATURE_SIZE)
        code = pack_fail(error, PACK_E_MALFORMED, "the signature has %zu bytes, %d wanted",
                         bytes.size, PACK_SIGNATURE_SIZE);
    if (code != 0)
        return code;
    memcpy(signature->bytes, bytes.bytes, PACK_SIGNATURE_SIZE);
    if (is_fido)
        code = take_fido(signature, &cursor, error);
    if (code == 0 && (pack_cursor_left(&cursor) != 0 || pack_cursor_left(outer) != 0))
        code = pack_fail(error, PACK_E_MALFORMED, "data after the signature's bytes");
    return code;
}

static int take_blob(struct pack_ssh_signature *signature, const struct pack_buffer *blob,
                     struct pack_error *error)
{
    struct pack_cursor cursor = {.bytes = blob->bytes, .size = blob->size};
    int code = take_magic(&cursor, error);
    if (code == 0)
        code = take_key(&signature->key, &cursor, error);
    if (code == 0)
        code = take_namespace(signature, &cursor, error);
    if (code == 0)
        code = take_hash(signature, &cursor, error);
    return code != 0 ? code : take_bytes(signature, &cursor, error);
}

/* What is read has one spelling but for its line lengths. */
static int check_canonical(const struct pack_ssh_signature *signature, const void *bytes,
                           size_t size, struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t length = 0;
    const int code = pack_ssh_signature_format(&text, &length, signature, error);
    if (code != 0 || (length == size && sodium_memcmp(text, bytes, size) == 0))
        return code;
    return pack_fail(error, PACK_E_MALFORMED,
                     "the signature's lines are not 70 characters long, as ssh-keygen's are");
}

int pack_ssh_signature_parse(struct pack_ssh_signature *signature, const void *bytes, size_t size,
                             bool canonical, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer joined = {.limit = PACK_MAX_SIGNATURE};
    PACK_AUTO_BUFFER struct pack_buffer blob = {.limit = PACK_MAX_SIGNATURE};
    *signature = (struct pack_ssh_signature){0};
    if (size == 0)
        return pack_fail(error, PACK_E_MALFORMED, "the signature is empty");
    if (size > PACK_MAX_SIGNATURE)
        return pack_fail(error, PACK_E_LIMIT, "signature file has %zu bytes, at most %llu wanted",
                         size, (unsigned long long)PACK_MAX_SIGNATURE);
    int code = join_lines(&joined, (struct pack_span){bytes, size}, error);
    if (code == 0)
        code = decode(&blob, &joined, error);
    if (code == 0)
        code = take_blob(signature, &blob, error);
    return code == 0 && canonical ? check_canonical(signature, bytes, size, error) : code;
}

/* --- writing --------------------------------------------------------------------------------- */

const char *pack_ssh_hash_name(const struct pack_ssh_signature *signature)
{
    return signature->sha256 ? "sha256" : "sha512";
}

static int put_bytes(struct pack_buffer *blob, const struct pack_ssh_signature *signature,
                     struct pack_error *error)
{
    const bool is_fido = signature->key.application[0] != '\0';
    PACK_AUTO_BUFFER struct pack_buffer inner = {.limit = PACK_MAX_SIGNATURE};
    int code = pack_ssh_put_text(&inner, is_fido ? PACK_SSH_SK_ED25519 : PACK_SSH_ED25519, error);
    if (code == 0)
        code = pack_ssh_put_string(&inner, signature->bytes, PACK_SIGNATURE_SIZE, error);
    if (code == 0 && is_fido)
        code = pack_buffer_append(&inner, &signature->flags, 1, error);
    if (code == 0 && is_fido)
        code = pack_ssh_put_u32(&inner, signature->counter, error);
    return code != 0 ? code : pack_ssh_put_string(blob, inner.bytes, inner.size, error);
}

static int put_blob(struct pack_buffer *blob, const struct pack_ssh_signature *signature,
                    struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer key = {.limit = PACK_MAX_SIGNATURE};
    int code = pack_buffer_append(blob, PACK_SSHSIG_MAGIC, strlen(PACK_SSHSIG_MAGIC), error);
    if (code == 0)
        code = pack_ssh_put_u32(blob, VERSION, error);
    if (code == 0)
        code = pack_ssh_public_key_put(&key, &signature->key, error);
    if (code == 0)
        code = pack_ssh_put_string(blob, key.bytes, key.size, error);
    if (code == 0)
        code = pack_ssh_put_text(blob, signature->name_space, error);
    if (code == 0)
        code = pack_ssh_put_text(blob, "", error);
    if (code == 0)
        code = pack_ssh_put_text(blob, pack_ssh_hash_name(signature), error);
    return code != 0 ? code : put_bytes(blob, signature, error);
}

int pack_ssh_signature_format(char **text, size_t *size, const struct pack_ssh_signature *signature,
                              struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer blob = {.limit = PACK_MAX_SIGNATURE};
    PACK_AUTO_BUFFER struct pack_buffer armour = {.limit = PACK_MAX_SIGNATURE};
    PACK_AUTO_FREE char *base64 = NULL;
    int code = put_blob(&blob, signature, error);
    if (code == 0)
        code = pack_allocate(&base64, 1, PACK_BASE64_TEXT_SIZE(blob.size), error);
    if (code != 0)
        return code;
    pack_base64_encode(base64, PACK_BASE64_TEXT_SIZE(blob.size), blob.bytes, blob.size);
    code = put_armour(&armour, base64, error);
    return code != 0 ? code : pack_buffer_take(&armour, text, size, error);
}
