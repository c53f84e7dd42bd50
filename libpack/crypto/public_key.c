/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "crypto/ed25519.h"
#include "crypto/foreign_key.h"
#include "crypto/key_text.h"
#include "crypto/pkcs8.h"
#include "crypto/ssh_wire.h"
#include "pack/digest.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- purposes ------------------------------------------------------------------------------ */

static const char *const purposes[] = {
    [PACK_PURPOSE_ANY] = "any",
    [PACK_PURPOSE_RELEASE] = "release",
    [PACK_PURPOSE_DELIVERY] = "delivery",
    [PACK_PURPOSE_DEMO] = "demo",
};
enum { PURPOSE_COUNT = sizeof purposes / sizeof purposes[0] };

const char *pack_purpose_name(enum pack_key_purpose purpose)
{
    return (unsigned)purpose < PURPOSE_COUNT ? purposes[purpose] : NULL;
}

bool pack_purpose_parse(const char *name, enum pack_key_purpose *purpose)
{
    for (unsigned i = 0; name != NULL && i < PURPOSE_COUNT; i++)
        if (strcmp(name, purposes[i]) == 0) {
            *purpose = (enum pack_key_purpose)i;
            return true;
        }
    return false;
}

/* --- formats --------------------------------------------------------------------------------- */

static const char *const format_names[PACK_KEY_FORMAT_COUNT] = {
    [PACK_KEY_MINISIGN] = "minisign",
    [PACK_KEY_PEM] = "pem",
    [PACK_KEY_OPENSSH] = "openssh",
    [PACK_KEY_SIGNIFY] = "signify",
};

const char *pack_key_format_name(enum pack_key_format format)
{
    return (unsigned)format < PACK_KEY_FORMAT_COUNT ? format_names[format] : NULL;
}

bool pack_key_format_parse(const char *name, enum pack_key_format *format)
{
    for (unsigned i = 0; name != NULL && i < PACK_KEY_FORMAT_COUNT; i++)
        if (strcmp(name, format_names[i]) == 0) {
            *format = (enum pack_key_format)i;
            return true;
        }
    return false;
}

/* --- ids ----------------------------------------------------------------------------------- */

static int hash_object(char keyid[PACK_KEYID_SIZE], struct pack_error *error, const char *format,
                       ...) PACK_PRINTF(3, 4);

static int hash_object(char keyid[PACK_KEYID_SIZE], struct pack_error *error, const char *format,
                       ...)
{
    enum { LARGEST = 512 + PACK_MAX_APPLICATION * 2 };
    char object[LARGEST];
    uint8_t digest[PACK_SHA256_SIZE];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(object, sizeof object, format, arguments);
    va_end(arguments);
    const int code = pack_sha256_bytes(object, (size_t)length, digest, error);
    if (code == 0)
        pack_sha256_hex(digest, keyid);
    return code;
}

int pack_keyid(const uint8_t key[PACK_PUBLIC_KEY_SIZE], char keyid[PACK_KEYID_SIZE],
               struct pack_error *error)
{
    char hex[2 * PACK_PUBLIC_KEY_SIZE + 1];
    sodium_bin2hex(hex, sizeof hex, key, PACK_PUBLIC_KEY_SIZE);
    return hash_object(keyid, error,
                       "{\"keytype\":\"ed25519\",\"keyval\":{\"public\":\"%s\"},"
                       "\"scheme\":\"ed25519\"}",
                       hex);
}

/* Canonical JSON (OLPC's) escapes the quote and the backslash, and nothing else. */
static void escape_application(char escaped[2 * PACK_MAX_APPLICATION], const char *application)
{
    size_t length = 0;
    for (; *application != '\0'; application++) {
        if (*application == '"' || *application == '\\')
            escaped[length++] = '\\';
        escaped[length++] = *application;
    }
    escaped[length] = '\0';
}

int pack_public_key_set_application(struct pack_public_key *key, const char *application,
                                    size_t size, struct pack_error *error)
{
    char hex[2 * PACK_PUBLIC_KEY_SIZE + 1], escaped[2 * PACK_MAX_APPLICATION];
    if (size == 0 || size >= sizeof key->application || !pack_text_plain(application, size))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "the key's application is not 1 to %zu bytes of plain text",
                         sizeof key->application - 1);
    memcpy(key->application, application, size);
    key->application[size] = '\0';
    sodium_bin2hex(hex, sizeof hex, key->bytes, PACK_PUBLIC_KEY_SIZE);
    escape_application(escaped, key->application);
    return hash_object(key->keyid, error,
                       "{\"keytype\":\"sk-ssh-ed25519@openssh.com\",\"keyval\":{\"application\":"
                       "\"%s\",\"public\":\"%s\"},\"scheme\":\"sk-ssh-ed25519@openssh.com\"}",
                       escaped, hex);
}

int pack_minisign_id_derive(const uint8_t key[PACK_PUBLIC_KEY_SIZE],
                            uint8_t id[PACK_MINISIGN_ID_SIZE], struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    const int code = pack_sha256_bytes(key, PACK_PUBLIC_KEY_SIZE, digest, error);
    if (code == 0)
        memcpy(id, digest, PACK_MINISIGN_ID_SIZE);
    return code;
}

void pack_minisign_id_text(const uint8_t id[PACK_MINISIGN_ID_SIZE], char text[17])
{
    snprintf(text, 17, "%016llX", (unsigned long long)pack_le64(id));
}

bool pack_minisign_id_is_demo(const uint8_t id[PACK_MINISIGN_ID_SIZE])
{
    return sodium_memcmp(id, PACK_DEMO_ID, strlen(PACK_DEMO_ID)) == 0;
}

bool pack_public_key_is_demo(const struct pack_public_key *key)
{
    return (key->has_minisign_id && pack_minisign_id_is_demo(key->minisign_id)) ||
           pack_demo_key_published(key->bytes);
}

/* --- text ---------------------------------------------------------------------------------- */

/* `bytes` and `id` may be those of `key` itself. */
int pack_public_key_make(struct pack_public_key *key, const uint8_t bytes[PACK_PUBLIC_KEY_SIZE],
                         const uint8_t id[PACK_MINISIGN_ID_SIZE], struct pack_error *error)
{
    struct pack_public_key made = {.has_minisign_id = id != NULL};
    memcpy(made.bytes, bytes, sizeof made.bytes);
    int code = pack_crypto_ready(error);
    if (code == 0 && id == NULL)
        code = pack_minisign_id_derive(bytes, made.minisign_id, error);
    else if (code == 0)
        memcpy(made.minisign_id, id, sizeof made.minisign_id);
    if (code == 0 && !pack_ed25519_usable(made.bytes))
        code = pack_fail(error, PACK_E_KEY_INVALID,
                         "not a usable key: its bytes are no point of Ed25519's group");
    if (code == 0)
        code = pack_keyid(made.bytes, made.keyid, error);
    *key = made;
    return code;
}

int pack_public_key_decode(struct pack_public_key *key, struct pack_span data,
                           struct pack_error *error)
{
    static const struct pack_base64_kind kind = {
        .name = "public key",
        .wanted = PACK_PUBLIC_FILE_SIZE,
        .overhead = PACK_PUBLIC_FILE_SIZE - PACK_PUBLIC_KEY_SIZE,
        .code = PACK_E_KEY_INVALID,
    };
    uint8_t bytes[PACK_PUBLIC_FILE_SIZE];
    const int code = pack_base64_decode(&kind, data, bytes, error);
    if (code != 0)
        return code;
    if (bytes[0] != 'E' || bytes[1] != 'd')
        return pack_fail(error, PACK_E_KEY_INVALID, "not an Ed25519 key: its algorithm is not Ed");
    return pack_public_key_make(key, bytes + 2 + PACK_MINISIGN_ID_SIZE, bytes + 2, error);
}

void pack_public_key_text(const struct pack_public_key *key, char text[PACK_PUBLIC_KEY_TEXT_SIZE])
{
    uint8_t bytes[PACK_PUBLIC_FILE_SIZE] = {'E', 'd'};
    memcpy(bytes + 2, key->minisign_id, sizeof key->minisign_id);
    memcpy(bytes + 2 + PACK_MINISIGN_ID_SIZE, key->bytes, sizeof key->bytes);
    pack_base64_encode(text, PACK_PUBLIC_KEY_TEXT_SIZE, bytes, sizeof bytes);
}

static int decode_spki(struct pack_public_key *key, struct pack_span data, struct pack_error *error)
{
    enum { LARGEST = 1024 }; /* RSA's are below this, and are told by name */
    uint8_t bytes[LARGEST];
    size_t size = 0;
    if (!pack_key_text_decode(data, bytes, sizeof bytes, &size))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "the key is not padded base64 in canonical form, or too long");
    return pack_spki_parse(key, bytes, size, error);
}

static int decode_ssh(struct pack_public_key *key, struct pack_span data, struct pack_error *error)
{
    enum { LARGEST = 4096 };
    uint8_t bytes[LARGEST];
    struct pack_ssh_string blob = {bytes, 0};
    if (!pack_key_text_decode(data, bytes, sizeof bytes, &blob.size))
        return pack_fail(error, PACK_E_KEY_INVALID,
                         "the key is not padded base64 in canonical form, or too long");
    const int code = pack_ssh_public_key_parse(key, blob, error);
    return code == PACK_E_UNSUPPORTED ? pack_foreign_ssh(error) : code;
}

int pack_key_text_public(struct pack_public_key *key, const struct pack_key_text *parts,
                         struct pack_error *error)
{
    static int (*const decoders[PACK_KEY_FORMAT_COUNT])(struct pack_public_key *, struct pack_span,
                                                        struct pack_error *) = {
        [PACK_KEY_MINISIGN] = pack_public_key_decode,
        [PACK_KEY_PEM] = decode_spki,
        [PACK_KEY_OPENSSH] = decode_ssh,
        [PACK_KEY_SIGNIFY] = pack_public_key_decode,
    };
    return decoders[parts->format](key, parts->data, error);
}

int pack_public_key_parse(struct pack_public_key *key, const char *text, size_t size,
                          struct pack_error *error)
{
    struct pack_key_text parts;
    const int code = pack_key_text_split(&parts, text, size, error);
    if (code != 0)
        return code;
    if (parts.half != PACK_HALF_SECRET)
        return pack_key_text_public(key, &parts, error);
    pack_fail(error, PACK_E_KEY_INVALID, "this is a secret key, where a public key is wanted");
    return pack_hint(error, parts.format == PACK_KEY_OPENSSH
                                ? "give the other file of the pair, as in id_ed25519.pub"
                                : "give the other file of the pair, as in release.pub");
}

/* --- files --------------------------------------------------------------------------------- */

/* Long enough that nobody calls a file so, short enough that a key cut in half is seen as one. */
enum { LEAST_KEY_TEXT = 41 };

static bool is_key_text(const char *name)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789+/=";
    if (strncmp(name, PACK_SSH_ED25519 " ", sizeof PACK_SSH_ED25519) == 0 ||
        strncmp(name, PACK_SSH_SK_ED25519 " ", sizeof PACK_SSH_SK_ED25519) == 0)
        return true;
    return strncmp(name, "RW", 2) == 0 && strlen(name) >= LEAST_KEY_TEXT &&
           name[strspn(name, digits)] == '\0';
}

static int no_trusted_key(const char *path, struct pack_error *error)
{
    const struct pack_error reason = *error;
    pack_fail(error, PACK_E_UNTRUSTED, "no trusted key at %s: %s", path, reason.text);
    return pack_hint(error, "%s",
                     reason.hint[0] != '\0'
                         ? reason.hint
                         : "name a public key file, or give its base64 line itself");
}

int pack_public_key_load(struct pack_public_key *key, const char *name, struct pack_error *error)
{
    PACK_AUTO_FREE void *text = NULL;
    size_t size = 0;
    if (is_key_text(name))
        return pack_public_key_parse(key, name, strlen(name), error);
    int code = pack_read_file(&text, &size, name, PACK_MAX_KEY_FILE, error);
    if (code == 0 && size == 0)
        code = pack_fail(error, PACK_E_UNTRUSTED, "the file is empty");
    if (code != 0 && code != PACK_E_LIMIT && code != PACK_E_NO_MEMORY)
        return no_trusted_key(name, error);
    if (code == 0)
        code = pack_public_key_parse(key, text, size, error);
    if (text != NULL)
        sodium_memzero(text, size); /* it may have been the secret half */
    return code != 0 ? pack_at_file(error, name) : 0;
}
