/* SPDX-License-Identifier: MIT */
#include "age/bech32.h"
#include "age/header.h"
#include "age/parties.h"

#include "base/checked.h"
#include "crypto/ed25519.h"

#include <sodium.h>
#include <string.h>

enum { MAX_FILE = PACK_MAX_AGE_RECIPIENTS * 256 }; /* bytes of a file of recipients */

int pack_age_recipients_new(struct pack_age_recipients **recipients, struct pack_error *error)
{
    int code = pack_crypto_ready(error);
    if (code == 0)
        code = pack_allocate(recipients, 1, sizeof **recipients, error);
    if (code == 0)
        (*recipients)->work = AGE_NEW_WORK;
    return code;
}

void pack_age_recipients_free(struct pack_age_recipients **recipients)
{
    if (*recipients == NULL)
        return;
    free((*recipients)->keys);
    pack_guarded_free(&(*recipients)->passphrase);
    pack_free_memory(recipients);
}

size_t pack_age_recipients_count(const struct pack_age_recipients *recipients)
{
    return recipients->passphrase != NULL ? 1 : recipients->count;
}

void pack_age_recipients_text(const struct pack_age_recipients *recipients, size_t index,
                              char recipient[PACK_AGE_TEXT_SIZE])
{
    age_bech32_encode(&age_bech32_recipient, recipients->keys[index], recipient);
}

static int fail_mixed(struct pack_error *error)
{
    pack_fail(error, PACK_E_USAGE, "a passphrase stands beside recipients, which age forbids");
    return pack_hint(error, "encrypt to one or to the others");
}

static bool has_key(const struct pack_age_recipients *recipients, const uint8_t key[AGE_KEY_SIZE])
{
    for (size_t i = 0; i < recipients->count; i++)
        if (sodium_memcmp(recipients->keys[i], key, AGE_KEY_SIZE) == 0)
            return true;
    return false;
}

static int grow(struct pack_age_recipients *recipients, struct pack_error *error)
{
    const size_t capacity = recipients->capacity == 0 ? 16 : recipients->capacity * 2;
    if (recipients->count < recipients->capacity)
        return 0;
    if (recipients->count == PACK_MAX_AGE_RECIPIENTS)
        return pack_fail(error, PACK_E_LIMIT, "more than %d recipients", PACK_MAX_AGE_RECIPIENTS);
    void *keys = realloc(recipients->keys, capacity * AGE_KEY_SIZE);
    if (keys == NULL)
        return pack_fail_memory(error);
    recipients->keys = keys;
    recipients->capacity = capacity;
    return 0;
}

static int add_text(struct pack_age_recipients *recipients, const char *text, size_t size,
                    struct pack_error *error)
{
    uint8_t key[AGE_KEY_SIZE];
    if (size < 4 || strncmp(text, "age1", 4) != 0)
        return age_fail_kind(text, size, "recipient", error);
    int code = age_bech32_decode(&age_bech32_recipient, text, size, key, error);
    if (code != 0)
        return age_fail_kind(text, size, NULL, error);
    if (age_is_low_order(key))
        return pack_fail(error, PACK_E_KEY_INVALID, "the recipient is a point of low order");
    if (has_key(recipients, key))
        return 0;
    code = grow(recipients, error);
    if (code == 0)
        memcpy(recipients->keys[recipients->count++], key, AGE_KEY_SIZE);
    return code;
}

static int add_file(struct pack_age_recipients *recipients, const char *path,
                    struct pack_error *error)
{
    PACK_AUTO_FREE void *text = NULL;
    size_t size = 0, line_size = 0;
    const char *line = NULL;
    bool found = false;
    int code = pack_read_file(&text, &size, path, MAX_FILE, error);
    if (code != 0)
        return code;
    struct age_lines lines = {.text = text, .size = size};
    while (code == 0 && age_next_line(&lines, &line, &line_size)) {
        found = true;
        code = add_text(recipients, line, line_size, error);
    }
    if (code != 0)
        pack_at_line(error, lines.line, 0);
    if (!found)
        code = pack_fail(error, PACK_E_KEY_INVALID, "no recipient in this file");
    return code != 0 ? pack_at_file(error, path) : 0;
}

/* A text is never taken for a path that is not there. */
static bool is_text(const char *name)
{
    static const char *const starts[] = {"age1", "AGE-SECRET-KEY-", "ssh-ed25519 ", "ssh-rsa "};
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

int pack_age_recipients_add(struct pack_age_recipients *recipients, const char *name,
                            struct pack_error *error)
{
    if (recipients->passphrase != NULL)
        return fail_mixed(error);
    return is_text(name) ? add_text(recipients, name, strlen(name), error)
                         : add_file(recipients, name, error);
}

int age_recipients_ask(struct pack_age_recipients *recipients,
                       const struct pack_passphrase *passphrase, const char *what,
                       struct pack_error *error)
{
    PACK_AUTO_GUARDED char *text = NULL;
    size_t size = 0;
    if (recipients->count != 0 || recipients->passphrase != NULL)
        return fail_mixed(error);
    if (passphrase->ask == NULL)
        return pack_fail(error, PACK_E_PASSPHRASE, "there is no passphrase to encrypt to");
    int code = pack_guarded_new(&text, PACK_MAX_PASSPHRASE + 1, error);
    if (code == 0)
        code = passphrase->ask(passphrase->user, what, true, text, PACK_MAX_PASSPHRASE + 1, &size,
                               error);
    if (code == 0 && size == 0)
        code = pack_fail(error, PACK_E_PASSPHRASE, "the passphrase is empty");
    if (code != 0)
        return code;
    recipients->passphrase = pack_steal(&text);
    recipients->passphrase_size = size;
    return 0;
}

int pack_age_recipients_passphrase(struct pack_age_recipients *recipients,
                                   const struct pack_passphrase *passphrase,
                                   struct pack_error *error)
{
    return age_recipients_ask(recipients, passphrase, "the encryption", error);
}

uint64_t pack_age_header_size(const struct pack_age_recipients *recipients)
{
    const uint64_t stanzas = recipients->passphrase != NULL
                                 ? AGE_SCRYPT_SIZE
                                 : (uint64_t)recipients->count * AGE_X25519_SIZE;
    return AGE_FRAME_SIZE + stanzas + AGE_NONCE_SIZE;
}

uint64_t pack_age_size(uint64_t header_size, uint64_t plain)
{
    const uint64_t chunks = plain == 0 ? 1 : pack_pieces(plain, PACK_AGE_CHUNK);
    uint64_t tags = 0, size = 0;
    return pack_multiply(chunks, AGE_TAG_SIZE, &tags) && pack_add(plain, tags, &size) &&
                   pack_add(size, header_size, &size)
               ? size
               : UINT64_MAX;
}
