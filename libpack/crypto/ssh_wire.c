/* SPDX-License-Identifier: MIT */
#include "crypto/ssh_wire.h"

#include "crypto/key_text.h"
#include "pack/text.h"

#include <sodium.h>

/* --- integers and strings -------------------------------------------------------------------- */

bool pack_ssh_take_u32(struct pack_cursor *cursor, uint32_t *value)
{
    const uint8_t *bytes = pack_cursor_take(cursor, 4);
    if (bytes == NULL)
        return false;
    *value = pack_be32(bytes);
    return true;
}

bool pack_ssh_take_string(struct pack_cursor *cursor, struct pack_ssh_string *string)
{
    const size_t start = cursor->position;
    uint32_t size = 0;
    if (!pack_ssh_take_u32(cursor, &size))
        return false;
    const uint8_t *bytes = pack_cursor_take(cursor, size);
    if (bytes == NULL) {
        cursor->position = start;
        return false;
    }
    *string = (struct pack_ssh_string){bytes, size};
    return true;
}

bool pack_ssh_string_is(struct pack_ssh_string string, const char *text)
{
    return string.size == strlen(text) && sodium_memcmp(string.bytes, text, string.size) == 0;
}

struct pack_cursor pack_ssh_string_cursor(struct pack_ssh_string string)
{
    return (struct pack_cursor){.bytes = string.bytes, .size = string.size};
}

int pack_ssh_put_u32(struct pack_buffer *buffer, uint32_t value, struct pack_error *error)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                              (uint8_t)value};
    return pack_buffer_append(buffer, bytes, sizeof bytes, error);
}

int pack_ssh_put_string(struct pack_buffer *buffer, const void *bytes, size_t size,
                        struct pack_error *error)
{
    const int code = pack_ssh_put_u32(buffer, (uint32_t)size, error);
    return code != 0 ? code : pack_buffer_append(buffer, bytes, size, error);
}

int pack_ssh_put_text(struct pack_buffer *buffer, const char *text, struct pack_error *error)
{
    return pack_ssh_put_string(buffer, text, strlen(text), error);
}

/* --- public keys ----------------------------------------------------------------------------- */

static int other_type(struct pack_ssh_string type, struct pack_error *error)
{
    char name[96];
    pack_escape(name, sizeof name, (const char *)type.bytes, type.size);
    return pack_fail(error, PACK_E_UNSUPPORTED,
                     "its type is \"%s\", and only %s and %s are supported", name, PACK_SSH_ED25519,
                     PACK_SSH_SK_ED25519);
}

/* The relying party, "ssh:" but for keys made with another: plain text, and not empty. */
static int take_application(struct pack_public_key *key, struct pack_cursor *cursor,
                            struct pack_error *error)
{
    struct pack_ssh_string application;
    if (!pack_ssh_take_string(cursor, &application))
        return pack_fail(error, PACK_E_KEY_INVALID, "the key ends within its application");
    return pack_public_key_set_application(key, (const char *)application.bytes, application.size,
                                           error);
}

int pack_ssh_public_key_parse(struct pack_public_key *key, struct pack_ssh_string blob,
                              struct pack_error *error)
{
    struct pack_cursor cursor = pack_ssh_string_cursor(blob);
    struct pack_ssh_string type, point;
    if (!pack_ssh_take_string(&cursor, &type))
        return pack_fail(error, PACK_E_KEY_INVALID, "the key ends within its type");
    const bool is_fido = pack_ssh_string_is(type, PACK_SSH_SK_ED25519);
    if (!is_fido && !pack_ssh_string_is(type, PACK_SSH_ED25519))
        return other_type(type, error);
    if (!pack_ssh_take_string(&cursor, &point))
        return pack_fail(error, PACK_E_KEY_INVALID, "the key ends within its bytes");
    if (point.size != PACK_PUBLIC_KEY_SIZE)
        return pack_fail(error, PACK_E_KEY_INVALID, "the key has %zu bytes, %d wanted", point.size,
                         PACK_PUBLIC_KEY_SIZE);
    int code = pack_public_key_make(key, point.bytes, NULL, error);
    if (code == 0 && is_fido)
        code = take_application(key, &cursor, error);
    if (code == 0 && pack_cursor_left(&cursor) != 0)
        code = pack_fail(error, PACK_E_KEY_INVALID, "%zu bytes after the key",
                         pack_cursor_left(&cursor));
    return code;
}

int pack_ssh_public_key_put(struct pack_buffer *buffer, const struct pack_public_key *key,
                            struct pack_error *error)
{
    const bool is_fido = key->application[0] != '\0';
    int code = pack_ssh_put_text(buffer, is_fido ? PACK_SSH_SK_ED25519 : PACK_SSH_ED25519, error);
    if (code == 0)
        code = pack_ssh_put_string(buffer, key->bytes, sizeof key->bytes, error);
    if (code == 0 && is_fido)
        code = pack_ssh_put_text(buffer, key->application, error);
    return code;
}
