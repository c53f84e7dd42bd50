/* SPDX-License-Identifier: MIT */
#include "keystore/pkcs11.h"

#include "base/memory.h"
#include "crypto/secret_key.h"

#include <stdio.h>
#include <string.h>

/* --- the PIN --------------------------------------------------------------------------------- */

static int fail_pin_size(const char *name, struct pack_error *error)
{
    pack_fail(error, PACK_E_PASSPHRASE, "is empty, or no PIN: one line of text wanted");
    return pack_at_file(error, name);
}

/* A file's PIN without the line end behind it. */
static int take_pin(struct pkcs11_pin *pin, const struct pack_key_source *source, const char *name,
                    struct pack_error *error)
{
    size_t size = source->size;
    if (size != 0 && source->text[size - 1] == '\n')
        size--;
    if (size != 0 && source->text[size - 1] == '\r')
        size--;
    if (size == 0 || size >= sizeof pin->text || memchr(source->text, '\n', size) != NULL ||
        memchr(source->text, '\0', size) != NULL)
        return fail_pin_size(name, error);
    memcpy(pin->text, source->text, size);
    pin->size = size;
    return 0;
}

static int guard(const struct pack_key_source *source, const char *name,
                 const struct pack_signing_access *access, struct pack_error *error)
{
    if (pack_key_source_guard(source, name, false, &access->files, error) == 0)
        return 0;
    pack_fail(error, PACK_E_KEY_STORE, "others may read the PIN in it (mode %04o)",
              source->mode & 07777);
    return pack_hint(error, "chmod 600 %.256s", name);
}

/* file:/path (RFC 7512, section 2.4), a path, and what names any other secret: env:NAME, fd:N. */
static int read_pin(struct pkcs11_pin *pin, const char *name,
                    const struct pack_signing_access *access, struct pack_error *error)
{
    PACK_AUTO_KEY_SOURCE struct pack_key_source source = {.text = NULL};
    if (name[0] == '|') {
        pack_fail(error, PACK_E_UNSUPPORTED, "pin-source: a PIN is not taken from a program");
        return pack_hint(error, "PROGRAM | fwpack … --passphrase-fd 0");
    }
    if (strncmp(name, "file:", 5) == 0)
        name += strncmp(name, "file:///", 8) == 0 ? 7 : 5;
    int code = pack_key_source_open(&source, name, access->files.environment, error);
    if (code == 0)
        code = guard(&source, name, access, error);
    if (code == 0)
        code = take_pin(pin, &source, name, error);
    return code != 0 ? pack_at_file(error, name) : 0;
}

static int ask_pin(struct pkcs11_pin *pin, const struct pkcs11_key *key,
                   const struct pack_signing_access *access, struct pack_error *error)
{
    const struct pack_passphrase *passphrase = &access->files.passphrase;
    char what[64];
    if (passphrase->ask == NULL)
        return pack_fail(error, PACK_E_PASSPHRASE, "no PIN for token '%s'", key->token.label);
    snprintf(what, sizeof what, "PIN of token %s", key->token.label);
    return passphrase->ask(passphrase->user, what, false, pin->text, sizeof pin->text, &pin->size,
                           error);
}

static int get_pin(struct pkcs11_pin **pin, const struct pkcs11_key *key,
                   const struct pack_signing_access *access, struct pack_error *error)
{
    const char *source = key->uri.values[PKCS11_PIN_SOURCE].text;
    PACK_AUTO_GUARDED struct pkcs11_pin *made = NULL;
    int code = pack_guarded_new(&made, sizeof *made, error);
    if (code == 0)
        code = source != NULL ? read_pin(made, source, access, error)
                              : ask_pin(made, key, access, error);
    if (code == 0)
        *pin = pack_steal(&made);
    return code;
}

/* --- login ----------------------------------------------------------------------------------- */

static void read_flags(struct pkcs11_key *key)
{
    CK_TOKEN_INFO info = {0};
    if (key->module.call->C_GetTokenInfo(key->token.slot, &info) == CKR_OK)
        key->token.flags = info.flags;
}

/* What the token says of the tries that are left, NULL where there are enough. */
static const char *tries_left(CK_FLAGS flags)
{
    if ((flags & CKF_USER_PIN_LOCKED) != 0)
        return "it is locked now";
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0)
        return "one try is left: another wrong PIN locks it";
    return (flags & CKF_USER_PIN_COUNT_LOW) != 0 ? "a wrong PIN was given before" : NULL;
}

static void warn_tries(const struct pkcs11_key *key, const struct pack_signing_access *access)
{
    char text[160];
    const char *left = tries_left(key->token.flags);
    if (left == NULL || access->files.warn == NULL)
        return;
    snprintf(text, sizeof text, "token '%s': %s", key->token.label, left);
    access->files.warn(access->files.user, text);
}

/* Never tried again: each wrong PIN counts, and the last one locks the token. */
static int fail_login(struct pkcs11_key *key, CK_RV result, struct pack_error *error)
{
    pkcs11_fail(error, result, "C_Login");
    if (result == CKR_PIN_INCORRECT) {
        read_flags(key);
        const char *left = tries_left(key->token.flags);
        if (left != NULL)
            pack_fail(error, PACK_E_PASSPHRASE, "the PIN is wrong (C_Login: CKR_PIN_INCORRECT), %s",
                      left);
    }
    return pack_context(error, "token '%s'", key->token.label);
}

static bool has_pin_pad(const struct pkcs11_key *key)
{
    return (key->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0;
}

static CK_RV log_in(const struct pkcs11_key *key, CK_USER_TYPE user, const struct pkcs11_pin *pin)
{
    unsigned char *text = pin != NULL ? (unsigned char *)(uintptr_t)pin->text : NULL;
    return key->module.call->C_Login(key->session, user, text, pin != NULL ? pin->size : 0);
}

static bool is_logged_in(const struct pkcs11_key *key)
{
    CK_SESSION_INFO info = {0};
    return key->module.call->C_GetSessionInfo(key->session, &info) == CKR_OK &&
           (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
}

/* Another key of the token may have logged in already: all sessions share that. */
static int login(struct pkcs11_key *key, const struct pack_signing_access *access,
                 struct pack_error *error)
{
    if ((key->token.flags & CKF_LOGIN_REQUIRED) == 0 || is_logged_in(key))
        return 0;
    if ((key->token.flags & CKF_USER_PIN_LOCKED) != 0)
        return fail_login(key, CKR_PIN_LOCKED, error);
    warn_tries(key, access);
    int code = has_pin_pad(key) ? 0 : get_pin(&key->pin, key, access, error);
    if (code != 0)
        return code;
    const CK_RV result = log_in(key, CKU_USER, key->pin);
    return result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN
               ? 0
               : fail_login(key, result, error);
}

int pkcs11_authenticate(const struct pkcs11_key *key, struct pack_error *error)
{
    if (!key->always_authenticate)
        return 0;
    const CK_RV result = log_in(key, CKU_CONTEXT_SPECIFIC, key->pin);
    if (result == CKR_OK)
        return 0;
    pkcs11_fail(error, result, "C_Login");
    return pack_context(error, "token '%s'", key->token.label);
}

/* A key that wants its PIN for each use keeps it, in guarded memory; else it is wiped at once. */
static int keep_pin(struct pkcs11_key *key, const struct pack_signing_access *access,
                    struct pack_error *error)
{
    CK_BBOOL always = CK_FALSE;
    size_t size = 0;
    key->always_authenticate =
        pkcs11_read(key, key->object, CKA_ALWAYS_AUTHENTICATE, &always, sizeof always, &size) &&
        size == sizeof always && always != CK_FALSE;
    if (!key->always_authenticate)
        pack_guarded_free(&key->pin);
    if (!key->always_authenticate || key->pin != NULL || has_pin_pad(key))
        return 0;
    return get_pin(&key->pin, key, access, error);
}

/* --- sessions -------------------------------------------------------------------------------- */

static CK_RV open_session(const struct pkcs11_key *key, CK_SESSION_HANDLE *session)
{
    return key->module.call->C_OpenSession(key->token.slot, CKF_SERIAL_SESSION, NULL, NULL,
                                           session);
}

/* The new one first: with the last session of a token its login would end. */
void pkcs11_renew_session(struct pkcs11_key *key)
{
    CK_SESSION_HANDLE fresh = 0;
    const CK_RV result = open_session(key, &fresh);
    if (key->session != 0)
        key->module.call->C_CloseSession(key->session);
    key->session = result == CKR_OK ? fresh : 0;
}

int pkcs11_fail_call(struct pkcs11_key *key, CK_RV result, const char *call,
                     struct pack_error *error)
{
    pkcs11_fail(error, result, call);
    pkcs11_renew_session(key);
    return pack_context(error, "token '%s'", key->token.label);
}

/* --- all ------------------------------------------------------------------------------------- */

static int check_type(const struct pkcs11_uri *uri, struct pack_error *error)
{
    const char *type = uri->values[PKCS11_TYPE].text;
    if (type == NULL || strcmp(type, "private") == 0)
        return 0;
    return pack_fail(error, PACK_E_USAGE, "type=%.32s names no private key, type=private does",
                     type);
}

static int open_token(struct pkcs11_key *key, const struct pack_signing_access *access,
                      struct pack_error *error)
{
    int code = pkcs11_module_open(&key->module, &key->uri, access->module, error);
    if (code == 0)
        code = pkcs11_token_find(&key->token, &key->module, &key->uri, error);
    if (code != 0)
        return code;
    const CK_RV result = open_session(key, &key->session);
    return result == CKR_OK ? 0 : pkcs11_fail_call(key, result, "C_OpenSession", error);
}

int pkcs11_open_private(struct pkcs11_key **key, const char *name,
                        const struct pack_signing_access *access, struct pack_error *error)
{
    PACK_AUTO(pkcs11_close) struct pkcs11_key *made = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = pkcs11_uri_parse(&made->uri, name, error);
    if (code == 0)
        code = check_type(&made->uri, error);
    if (code == 0)
        code = open_token(made, access, error);
    if (code == 0)
        code = login(made, access, error);
    if (code == 0)
        code = pkcs11_find_private(made, error);
    if (code == 0)
        code = keep_pin(made, access, error);
    if (code == 0)
        *key = pack_steal(&made);
    else if (strstr(name, "pin-value") != NULL) /* the name must not be printed */
        pack_at_file(error, "pkcs11:…");
    return code;
}

/* The last session that is closed ends the login too. */
void pkcs11_close(struct pkcs11_key **key)
{
    if (*key == NULL)
        return;
    if ((*key)->session != 0)
        (*key)->module.call->C_CloseSession((*key)->session);
    pack_guarded_free(&(*key)->pin);
    pkcs11_module_close(&(*key)->module);
    pkcs11_uri_clear(&(*key)->uri);
    free(*key);
    *key = NULL;
}
