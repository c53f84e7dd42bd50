/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "crypto/textline.h"
#include "keystore/agent.h"
#include "pack/digest.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

#define SSH_CERTIFICATE "-cert-v01@openssh.com"

/* --- answers --------------------------------------------------------------------------------- */

/* The answer's kind, which is taken off it. */
static int take_kind(struct pack_cursor *cursor, uint8_t wanted, struct pack_error *error)
{
    const uint8_t *kind = pack_cursor_take(cursor, 1);
    if (kind == NULL)
        return pack_fail(error, PACK_E_KEY_STORE, "the agent's answer is empty");
    if (*kind == AGENT_FAILURE) {
        pack_fail(error, PACK_E_KEY_STORE, "the agent refused");
        return pack_hint(error, "is it locked (ssh-add -X), or was its question answered with no?");
    }
    if (*kind != wanted)
        return pack_fail(error, PACK_E_KEY_STORE, "the agent's answer is of kind %d, %d wanted",
                         *kind, wanted);
    return 0;
}

static int fail_short(struct pack_error *error)
{
    return pack_fail(error, PACK_E_KEY_STORE, "the agent's answer is cut short");
}

static int fail_end(const struct pack_cursor *cursor, struct pack_error *error)
{
    if (pack_cursor_left(cursor) == 0)
        return 0;
    return pack_fail(error, PACK_E_KEY_STORE, "the agent's answer has %zu bytes after its end",
                     pack_cursor_left(cursor));
}

int agent_parse_identities(struct agent_identity **identities, size_t *count, const uint8_t *answer,
                           size_t size, struct pack_error *error)
{
    PACK_AUTO_FREE struct agent_identity *made = NULL;
    struct pack_cursor cursor = {.bytes = answer, .size = size};
    uint32_t promised = 0;
    int code = take_kind(&cursor, AGENT_IDENTITIES_ANSWER, error);
    if (code == 0 && !pack_ssh_take_u32(&cursor, &promised))
        code = fail_short(error);
    if (code == 0 && promised > AGENT_MAX_IDENTITIES)
        code = pack_fail(error, PACK_E_KEY_STORE, "the agent has %lu keys, at most %d are read",
                         (unsigned long)promised, (int)AGENT_MAX_IDENTITIES);
    if (code == 0)
        code = pack_allocate(&made, promised != 0 ? promised : 1, sizeof *made, error);
    for (uint32_t i = 0; code == 0 && i < promised; i++)
        if (!pack_ssh_take_string(&cursor, &made[i].blob) ||
            !pack_ssh_take_string(&cursor, &made[i].comment))
            code = fail_short(error);
    if (code == 0)
        code = fail_end(&cursor, error);
    if (code != 0)
        return code;
    *count = promised;
    *identities = pack_steal(&made);
    return 0;
}

int agent_parse_signature(uint8_t signature[PACK_SIGNATURE_SIZE], const uint8_t *answer,
                          size_t size, struct pack_error *error)
{
    struct pack_cursor cursor = {.bytes = answer, .size = size};
    struct pack_ssh_string blob, type, bytes;
    int code = take_kind(&cursor, AGENT_SIGN_RESPONSE, error);
    if (code == 0 && !pack_ssh_take_string(&cursor, &blob))
        code = fail_short(error);
    if (code == 0)
        code = fail_end(&cursor, error);
    if (code != 0)
        return code;
    cursor = pack_ssh_string_cursor(blob);
    if (!pack_ssh_take_string(&cursor, &type) || !pack_ssh_take_string(&cursor, &bytes))
        return fail_short(error);
    if (!pack_ssh_string_is(type, PACK_SSH_ED25519)) {
        char name[64];
        pack_escape(name, sizeof name, (const char *)type.bytes, type.size);
        return pack_fail(error, PACK_E_KEY_STORE,
                         "the agent made a signature of type '%s', " PACK_SSH_ED25519 " wanted",
                         name);
    }
    if (bytes.size != PACK_SIGNATURE_SIZE)
        return pack_fail(error, PACK_E_KEY_STORE, "the agent's signature has %zu bytes, %d wanted",
                         bytes.size, PACK_SIGNATURE_SIZE);
    memcpy(signature, bytes.bytes, PACK_SIGNATURE_SIZE);
    return fail_end(&cursor, error);
}

/* --- keys ------------------------------------------------------------------------------------ */

int agent_fingerprint(char text[AGENT_FINGERPRINT_SIZE], struct pack_ssh_string blob,
                      struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    char base64[PACK_BASE64_TEXT_SIZE(PACK_SHA256_SIZE)];
    const int code = pack_sha256_bytes(blob.bytes, blob.size, digest, error);
    if (code != 0)
        return code;
    pack_base64_encode(base64, sizeof base64, digest, sizeof digest);
    base64[strcspn(base64, "=")] = '\0';
    snprintf(text, AGENT_FINGERPRINT_SIZE, "SHA256:%s", base64);
    return 0;
}

static struct pack_ssh_string type_of(const struct agent_identity *identity)
{
    struct pack_cursor cursor = pack_ssh_string_cursor(identity->blob);
    struct pack_ssh_string type = {NULL, 0};
    if (!pack_ssh_take_string(&cursor, &type))
        return (struct pack_ssh_string){(const uint8_t *)"", 0};
    return type;
}

static bool is_certificate(const struct agent_identity *identity)
{
    static const char suffix[] = SSH_CERTIFICATE;
    const struct pack_ssh_string type = type_of(identity);
    const size_t length = sizeof suffix - 1;
    return type.size > length && memcmp(type.bytes + type.size - length, suffix, length) == 0;
}

static bool is_plain(const struct agent_identity *identity)
{
    return pack_ssh_string_is(type_of(identity), PACK_SSH_ED25519);
}

/* With or without "SHA256:", and the padding that other programs leave on it. */
static bool is_fingerprint(const char *which, const char *fingerprint)
{
    const size_t prefix = strlen("SHA256:");
    const char *bare = strncmp(which, "SHA256:", prefix) == 0 ? which + prefix : which;
    size_t length = strlen(bare);
    if (length > 0 && bare[length - 1] == '=')
        length--;
    return strlen(fingerprint + prefix) == length &&
           memcmp(fingerprint + prefix, bare, length) == 0;
}

static bool fits(const struct agent_identity *identity, const char *which)
{
    char fingerprint[AGENT_FINGERPRINT_SIZE];
    struct pack_error ignored = {0};
    if (which[0] == '\0')
        return is_plain(identity);
    return pack_ssh_string_is(identity->comment, which) ||
           (agent_fingerprint(fingerprint, identity->blob, &ignored) == 0 &&
            is_fingerprint(which, fingerprint));
}

/* --- choosing -------------------------------------------------------------------------------- */

/* "SHA256:… (ada@example)", and the type where it is another. */
static int list_one(struct pack_buffer *names, const struct agent_identity *identity,
                    struct pack_error *error)
{
    char fingerprint[AGENT_FINGERPRINT_SIZE], comment[64], type[64];
    const struct pack_ssh_string kind = type_of(identity);
    const int code = agent_fingerprint(fingerprint, identity->blob, error);
    if (code != 0)
        return code;
    pack_escape(comment, sizeof comment, (const char *)identity->comment.bytes,
                identity->comment.size);
    pack_escape(type, sizeof type, (const char *)kind.bytes, kind.size);
    return pack_buffer_print(names, error, "%s%s (%s%s%s)", names->size != 0 ? ", " : "",
                             fingerprint, comment, is_plain(identity) ? "" : ", ",
                             is_plain(identity) ? "" : type);
}

/* As many as there is room for. */
static void list(struct pack_buffer *names, const struct agent_identity *identities, size_t count,
                 const char *which)
{
    struct pack_error full = {0};
    for (size_t i = 0; i < count; i++)
        if (!is_certificate(&identities[i]) && (which == NULL || fits(&identities[i], which)) &&
            list_one(names, &identities[i], &full) != 0)
            return;
}

static int fail_none(const struct pack_buffer *names, const char *which, struct pack_error *error)
{
    if (names->size == 0) {
        pack_fail(error, PACK_E_KEY_STORE,
                  "the ssh-agent shows no keys: it has none, or is locked");
        return pack_hint(error, "ssh-add FILE adds one, ssh-add -X unlocks");
    }
    if (which[0] == '\0')
        return pack_fail(error, PACK_E_KEY_STORE, "the ssh-agent has no Ed25519 key; it has: %s",
                         (const char *)names->bytes);
    return pack_fail(error, PACK_E_KEY_STORE, "the ssh-agent has no key '%.80s'; it has: %s", which,
                     (const char *)names->bytes);
}

static int fail_several(const struct pack_buffer *names, struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_STORE, "several Ed25519 keys of the ssh-agent fit: %s",
              names->size != 0 ? (const char *)names->bytes : "");
    return pack_hint(error, "say which by its fingerprint: agent:SHA256:…");
}

static int fail_type(const struct agent_identity *identity, struct pack_error *error)
{
    char name[64];
    const struct pack_ssh_string type = type_of(identity);
    if (pack_ssh_string_is(type, PACK_SSH_SK_ED25519)) {
        pack_fail(error, PACK_E_KEY_INVALID,
                  "a FIDO key (" PACK_SSH_SK_ED25519 ") makes signatures of its own kind only");
        return pack_hint(error, "sign with ssh-keygen -Y sign, then fwpack sign --import");
    }
    pack_escape(name, sizeof name, (const char *)type.bytes, type.size);
    return pack_fail(error, PACK_E_KEY_INVALID,
                     "the key is of type %s, " PACK_SSH_ED25519 " wanted", name);
}

/* "MD5:…", or 16 bytes with colons between. */
static bool is_md5(const char *which)
{
    enum { MD5_TEXT = 16 * 3 - 1 };
    return strncmp(which, "MD5:", 4) == 0 ||
           (strlen(which) == MD5_TEXT && strspn(which, "0123456789abcdef:") == MD5_TEXT);
}

int agent_choose(const struct agent_identity **chosen, const struct agent_identity *identities,
                 size_t count, const char *which, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer names = {.limit = 480};
    const struct agent_identity *other = NULL;
    size_t found = 0;
    *chosen = NULL;
    if (is_md5(which)) {
        pack_fail(error, PACK_E_USAGE, "an MD5 fingerprint names no key safely");
        return pack_hint(error, "ssh-add -l prints SHA256 fingerprints");
    }
    for (size_t i = 0; i < count; i++) {
        if (is_certificate(&identities[i]) || !fits(&identities[i], which))
            continue;
        if (!is_plain(&identities[i]))
            other = &identities[i];
        else if (found++ == 0)
            *chosen = &identities[i];
    }
    if (found == 1)
        return 0;
    if (found == 0 && other != NULL)
        return fail_type(other, error);
    list(&names, identities, count, found == 0 ? NULL : which);
    return found == 0 ? fail_none(&names, which, error) : fail_several(&names, error);
}
