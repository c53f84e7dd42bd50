/* SPDX-License-Identifier: MIT */
#include "age/armor.h"
#include "age/bech32.h"
#include "age/header.h"
#include "age/parties.h"

#include "crypto/secret_key.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* --- reading --------------------------------------------------------------------------------- */

int age_identities_add_line(struct pack_age_identities *identities, const char *line, size_t size,
                            struct pack_error *error)
{
    static const char start[] = "AGE-SECRET-KEY-1";
    PACK_AUTO_GUARDED uint8_t *secret = NULL;
    if (size < sizeof start - 1 || strncmp(line, start, sizeof start - 1) != 0) {
        if (size < 4 || strncmp(line, "age1", 4) != 0)
            return age_fail_kind(line, size, "identity", error);
        pack_fail(error, PACK_E_KEY_INVALID, "this is a recipient, where an identity is wanted");
        return pack_hint(error, "give the file whose line begins with AGE-SECRET-KEY-1");
    }
    int code = pack_guarded_new(&secret, AGE_KEY_SIZE, error);
    if (code == 0)
        code = age_bech32_decode(&age_bech32_identity, line, size, secret, error);
    return code != 0 ? code : age_identities_add_secret(identities, &secret, error);
}

static int add_lines(struct pack_age_identities *identities, const char *text, size_t size,
                     struct pack_error *error)
{
    struct age_lines lines = {.text = text, .size = size};
    const char *line = NULL;
    size_t line_size = 0;
    bool found = false;
    int code = 0;
    while (code == 0 && age_next_line(&lines, &line, &line_size)) {
        found = true;
        code = age_identities_add_line(identities, line, line_size, error);
    }
    if (code != 0)
        return pack_at_line(error, lines.line, 0);
    return found ? 0 : pack_fail(error, PACK_E_KEY_INVALID, "no identity in this file");
}

/* `opener` holds the passphrase alone, for nothing else may open a file of identities. */
static int decrypt(struct pack_age_identities *identities, struct pack_input *input,
                   const struct pack_age_identities *opener, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *plain = NULL;
    PACK_AUTO_GUARDED char *text = NULL;
    struct pack_age_info info;
    size_t size = 0;
    int code = pack_age_info(&info, input, error);
    if (code == 0 && !info.passphrase) {
        pack_fail(error, PACK_E_KEY_INVALID,
                  "identities are encrypted to %zu recipients, where a "
                  "passphrase is the only thing taken",
                  info.recipient_count);
        return pack_hint(error, "decrypt it with age -d, and give what comes out by fd:N");
    }
    if (code == 0)
        code = pack_age_open(&plain, input, opener, error);
    if (code == 0)
        code = pack_guarded_new(&text, PACK_MAX_KEY_FILE, error);
    if (code == 0)
        code = pack_input_read(plain, 0, text, PACK_MAX_KEY_FILE, &size, error);
    return code != 0 ? code : add_lines(identities, text, size, error);
}

static int add_encrypted(struct pack_age_identities *identities,
                         const struct pack_key_source *source, const char *name,
                         const struct pack_passphrase *passphrase, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO(pack_age_identities_free) struct pack_age_identities *opener = NULL;
    int code = pack_age_identities_new(&opener, error);
    if (code == 0)
        code = pack_input_memory(&input, source->text, source->size, name, error);
    if (code != 0)
        return code;
    pack_age_identities_ask(opener, passphrase);
    return decrypt(identities, input, opener, error);
}

/* A NUL, or anything else that no line of text has, is told from a damaged key. */
static bool is_encrypted(const struct pack_key_source *source)
{
    static const char version[] = "age-encryption.org/";
    return (source->size >= sizeof version - 1 &&
            strncmp(source->text, version, sizeof version - 1) == 0) ||
           age_armor_begins(source->text, source->size);
}

int age_identities_add_file(struct pack_age_identities *identities, const char *name,
                            const struct pack_key_access *access, struct pack_error *error)
{
    PACK_AUTO_KEY_SOURCE struct pack_key_source source = {0};
    int code = pack_key_source_open(&source, name, access->environment, error);
    if (code != 0)
        return code;
    const bool encrypted = is_encrypted(&source);
    code = encrypted ? add_encrypted(identities, &source, name, &access->passphrase, error)
                     : add_lines(identities, source.text, source.size, error);
    return code != 0 ? code : pack_key_source_guard(&source, name, encrypted, access, error);
}

/* --- a new one ------------------------------------------------------------------------------- */

enum { NEW_TEXT = 256 };

static int make_text(char text[NEW_TEXT], char recipient[PACK_AGE_TEXT_SIZE],
                     struct pack_error *error)
{
    PACK_AUTO_GUARDED uint8_t *secret = NULL;
    PACK_AUTO_GUARDED char *secret_text = NULL;
    uint8_t public[AGE_KEY_SIZE];
    int code = pack_guarded_new(&secret, AGE_KEY_SIZE, error);
    if (code == 0)
        code = pack_guarded_new(&secret_text, AGE_BECH32_TEXT, error);
    if (code == 0)
        code = pack_random(secret, AGE_KEY_SIZE, error);
    if (code != 0)
        return code;
    crypto_scalarmult_base(public, secret);
    age_bech32_encode(&age_bech32_recipient, public, recipient);
    age_bech32_encode(&age_bech32_identity, secret, secret_text);
    snprintf(text, NEW_TEXT, "# public key: %s\n%s\n", recipient, secret_text);
    return 0;
}

/* Armored, so that it can be kept in a variable too. */
static int write_encrypted(struct pack_sink *sink, const char *text, const char *path,
                           const struct pack_passphrase *passphrase, struct pack_error *error)
{
    PACK_AUTO(pack_age_recipients_free) struct pack_age_recipients *recipients = NULL;
    PACK_AUTO(pack_age_writer_free) struct pack_age_writer *writer = NULL;
    struct age_armor_writer armor = age_armor_writer(sink);
    int code = pack_age_recipients_new(&recipients, error);
    if (code == 0)
        code = age_recipients_ask(recipients, passphrase, path, error);
    if (code == 0)
        code = pack_age_writer_new(&writer, recipients, &armor.sink, error);
    if (code == 0)
        code = pack_sink_write(pack_age_writer_sink(writer), text, strlen(text), error);
    if (code == 0)
        code = pack_age_writer_finish(writer, error);
    return code != 0 ? code : age_armor_writer_finish(&armor, error);
}

int pack_age_identity_generate(const char *path, const struct pack_passphrase *passphrase,
                               char recipient[PACK_AGE_TEXT_SIZE], struct pack_error *error)
{
    PACK_AUTO(pack_output_discard) struct pack_output *output = NULL;
    PACK_AUTO_GUARDED char *text = NULL;
    int code = pack_output_open(&output, path, PACK_OUTPUT_NEW | PACK_OUTPUT_PRIVATE, NULL, error);
    if (code == 0)
        code = pack_guarded_new(&text, NEW_TEXT, error);
    if (code == 0)
        code = make_text(text, recipient, error);
    if (code != 0)
        return code;
    struct pack_sink *sink = pack_output_sink(output);
    code = passphrase->ask != NULL ? write_encrypted(sink, text, path, passphrase, error)
                                   : pack_sink_write(sink, text, strlen(text), error);
    return code != 0 ? code : pack_output_commit(&output, error);
}
