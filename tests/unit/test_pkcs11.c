/* SPDX-License-Identifier: MIT */
/* Keys in tokens: their URIs, and all that a module may do, by one that fails on demand. */
#include "keystore/pkcs11_uri.h"
#include "keystore/x25519.h"

#include "base/memory.h"
#include "pack/signer.h"
#include "support/keys.h"

#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define AUTO_SIGNER PACK_AUTO(pack_signing_key_free)
#define AUTO_X25519 PACK_AUTO(keystore_x25519_close)

/* --- URIs ------------------------------------------------------------------------------------ */

static void assert_value(const struct pkcs11_uri *uri, enum pkcs11_attribute attribute,
                         const char *expected, size_t size)
{
    assert_non_null(uri->values[attribute].text);
    assert_int_equal(uri->values[attribute].size, size);
    assert_memory_equal(uri->values[attribute].text, expected, size);
}

static void test_uris_are_taken_apart(void **state)
{
    (void)state;
    struct pack_error error = {0};
    PACK_AUTO(pkcs11_uri_clear) struct pkcs11_uri uri = {.memory = NULL};
    assert_pack_ok(pkcs11_uri_parse(&uri,
                                    "token=My%20Token;id=%00%ff%41;object=a&b=c;slot-id=7;"
                                    "library-version=2.6;x-ours=%zz;type=private;serial="
                                    "?module-path=/usr/lib/x.so&pin-source=file:/run/pin&x-b=",
                                    &error));
    assert_value(&uri, PKCS11_TOKEN, "My Token", 8);
    assert_value(&uri, PKCS11_ID, "\0\xff\x41", 3);
    assert_value(&uri, PKCS11_OBJECT, "a&b=c", 5);
    assert_value(&uri, PKCS11_SERIAL, "", 0);
    assert_value(&uri, PKCS11_TYPE, "private", 7);
    assert_value(&uri, PKCS11_MODULE_PATH, "/usr/lib/x.so", 13);
    assert_value(&uri, PKCS11_PIN_SOURCE, "file:/run/pin", 13);
    assert_int_equal(uri.slot, 7);
    assert_int_equal(uri.library_major, 2);
    assert_int_equal(uri.library_minor, 6);
    assert_false(pkcs11_uri_has(&uri, PKCS11_MODEL));
}

static void test_nothing_is_a_uri_too(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "?pin-source=x"};
    for (size_t i = 0; i < 2; i++) {
        struct pack_error error = {0};
        PACK_AUTO(pkcs11_uri_clear) struct pkcs11_uri uri = {.memory = NULL};
        assert_pack_ok(pkcs11_uri_parse(&uri, texts[i], &error));
        assert_false(pkcs11_uri_has(&uri, PKCS11_TOKEN));
    }
}

static void test_other_uris_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says, *hint;
    } cases[] = {
        {"token=a;token=b", "token is given twice", ""},
        {"tokn=a", "'tokn'", "did you mean token?"},
        {"pin-source=/x", "'pin-source'", "pin-source stands behind the '?'"},
        {"token=a?object=b", "'object'", "object stands before the '?'"},
        {"?pin-value=1234", "pin-value: the command line can be seen", "change that PIN"},
        {"nonsense-altogether=1", "'nonsense-altogether'", "RFC 7512"},
        {"token", "no attribute", ""},
        {"token=a;", "no attribute", ""},
        {"token=a;;object=b", "no attribute", ""},
        {"token=a b", "0x20 is written %20", ""},
        {"token=a/b", "0x2f is written %2F", ""},
        {"token=a?pin-source=a;b", "0x3b", ""},
        {"token=%", "'%' wants two hex digits", ""},
        {"token=%4", "'%' wants two hex digits", ""},
        {"token=%4g", "'%' wants two hex digits", ""},
        {"token=a%00b", "is no text", ""},
        {"token=%ff", "is no text", ""},
        {"token=\xc3\xa9", "0xc3 is written %C3", ""},
        {"slot-id=", "'' is no number", ""},
        {"slot-id=0x1", "is no number", ""},
        {"slot-id=18446744073709551616", "is no number", ""},
        {"library-version=2.", "is no version", ""},
        {"library-version=a", "is no version", ""},
        {"token=a?x-b", "no attribute", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct pkcs11_uri uri;
        assert_pack_fails(pkcs11_uri_parse(&uri, cases[i].text, &error), PACK_E_USAGE);
        assert_pack_says(cases[i].says);
        assert_non_null(strstr(error.hint, cases[i].hint));
        assert_null(uri.memory);
    }
}

/* --- a module -------------------------------------------------------------------------------- */

/* Where the module's calls are written, and how often the PIN was asked for. */
struct token {
    char *log;
    const char *pin;
    unsigned asked;
    char warning[256];
};

static int give_pin(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                    size_t *length, struct pack_error *error)
{
    struct token *token = user;
    (void)error;
    assert_string_equal(what, "PIN of token acme");
    assert_false(confirm);
    token->asked++;
    *length = strlen(token->pin);
    assert_true(*length < capacity);
    memcpy(buffer, token->pin, *length + 1);
    return 0;
}

static void note_warning(void *user, const char *text)
{
    struct token *token = user;
    snprintf(token->warning, sizeof token->warning, "%s", text);
}

static struct pack_signing_access access_of(struct token *token)
{
    return (struct pack_signing_access){
        .files = {.passphrase = {.ask = give_pin, .user = token},
                  .warn = note_warning,
                  .user = token},
        .module = FAKE_PKCS11,
    };
}

static int make_token(void **state)
{
    static struct token token;
    void *folder = NULL;
    if (test_make_folder(&folder) != 0)
        return -1;
    token = (struct token){.log = folder, .pin = "1234"};
    *state = &token;
    return 0;
}

static int remove_token(void **state)
{
    struct token *token = *state;
    void *folder = token->log;
    unsetenv("FAKE_PKCS11");
    unsetenv("FAKE_PKCS11_LOG");
    return test_remove_folder(&folder);
}

/* The module behaves so from now on, and writes a new log. */
static void behave(struct token *token, const char *words)
{
    PACK_AUTO_FREE char *log = test_path(token->log, "calls");
    unlink(log);
    setenv("FAKE_PKCS11", words, 1);
    setenv("FAKE_PKCS11_LOG", log, 1);
    token->asked = 0;
    token->warning[0] = '\0';
}

static unsigned calls(const struct token *token, const char *name)
{
    PACK_AUTO_FREE char *path = test_path(token->log, "calls");
    size_t size = 0;
    PACK_AUTO_FREE char *text = (char *)test_read_file(path, &size);
    unsigned count = 0;
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        count += strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == '\n';
    return count;
}

static struct pack_signing_key *open_key(struct token *token, const char *name)
{
    struct pack_error error = {0};
    struct pack_signing_key *key = NULL;
    const struct pack_signing_access access = access_of(token);
    assert_pack_ok(pack_signing_key_open(&key, name, &access, &error));
    return key;
}

static int sign(const struct pack_signing_key *key, const void *message, size_t size,
                uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    const struct pack_signer signer = pack_signing_key_signer(key);
    return pack_signer_sign(&signer, message, size, signature, error);
}

/* --- signing --------------------------------------------------------------------------------- */

static void test_signs_as_a_file_does(void **state)
{
    static const char *const behaviours[] = {
        "",       "raw", "oid", "raw oid", "nopublic point", "nopublic point raw", "nopublic info",
        "always",
    };
    for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++) {
        struct pack_error error = {0};
        uint8_t ours[PACK_SIGNATURE_SIZE], theirs[PACK_SIGNATURE_SIZE];
        AUTO_KEY struct pack_secret_key *file = test_key(0x42);
        const struct pack_signer signer = pack_signer_from_key(file);
        behave(*state, behaviours[i]);
        AUTO_SIGNER struct pack_signing_key *key = open_key(*state, "pkcs11:token=acme");
        assert_memory_equal(pack_signing_key_public(key)->bytes,
                            pack_secret_key_public(file)->bytes, PACK_PUBLIC_KEY_SIZE);
        assert_pack_ok(sign(key, "message", 7, ours, &error));
        assert_pack_ok(pack_signer_sign(&signer, "message", 7, theirs, &error));
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

static void test_signs_what_is_long(void **state)
{
    static const size_t sizes[] = {0, 1, 1024, 1025, 65536, 1 << 20};
    struct pack_error error = {0};
    uint8_t signature[PACK_SIGNATURE_SIZE];
    PACK_AUTO_FREE uint8_t *message = calloc(1, 1 << 20);
    behave(*state, "");
    AUTO_SIGNER struct pack_signing_key *key = open_key(*state, "pkcs11:");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_pack_ok(sign(key, message, sizes[i], signature, &error));
    assert_int_equal(calls(*state, "C_Sign"), sizeof sizes / sizeof sizes[0]);
    assert_int_equal(calls(*state, "C_SignInit"), sizeof sizes / sizeof sizes[0]);
}

static void test_tells_tokens_and_keys_apart(void **state)
{
    behave(*state, "twins two");
    AUTO_SIGNER struct pack_signing_key *by_serial =
        open_key(*state, "pkcs11:token=acme;serial=22;object=relkey");
    AUTO_SIGNER struct pack_signing_key *by_all = open_key(
        *state,
        "pkcs11:model=fake;manufacturer=fwpack%20tests;slot-id=7;slot-description=left;"
        "slot-manufacturer=fwpack%20tests;library-manufacturer=fwpack%20tests;"
        "library-description=module%20of%20faults;library-version=3.14;id=%01;type=private");
    assert_string_equal(pack_signing_key_store(by_all), "pkcs11");
    assert_non_null(by_serial);
}

static void test_sanitises_labels(void **state)
{
    struct token *token = *state;
    struct pack_error error = {0};
    struct pack_signing_key *key = NULL;
    const struct pack_signing_access access = access_of(token);
    behave(token, "odd");
    assert_pack_fails(pack_signing_key_open(&key, "pkcs11:token=acme", &access, &error),
                      PACK_E_KEY_STORE);
    assert_pack_says("'\\x1b[31macme' (serial 0123456789abcdef)");
}

/* --- logging in ------------------------------------------------------------------------------ */

static void test_one_login_serves_all_keys(void **state)
{
    struct token *token = *state;
    struct pack_error error = {0};
    uint8_t signature[PACK_SIGNATURE_SIZE];
    for (unsigned last = 0; last < 2; last++) {
        const unsigned first = !last;
        behave(token, "two");
        struct pack_signing_key *keys[2] = {open_key(token, "pkcs11:object=relkey"),
                                            open_key(token, "pkcs11:id=%01")};
        assert_int_equal(token->asked, 1);
        assert_int_equal(calls(token, "C_Login"), 1);
        pack_signing_key_free(&keys[first]);
        assert_int_equal(calls(token, "C_Finalize"), 0);
        assert_pack_ok(sign(keys[last], "m", 1, signature, &error));
        pack_signing_key_free(&keys[last]);
        assert_int_equal(calls(token, "C_CloseSession"), 2);
        /* Who initialised it finalises it, unless somebody else still used it then. */
        assert_int_equal(calls(token, "C_Finalize"), last == 0 ? 1 : 0);
    }
}

static void test_wrong_pins_are_tried_once(void **state)
{
    struct token *token = *state;
    struct pack_error error = {0};
    struct pack_signing_key *key = NULL;
    const struct pack_signing_access access = access_of(token);
    behave(token, "");
    token->pin = "4321";
    assert_pack_fails(pack_signing_key_open(&key, "pkcs11:", &access, &error), PACK_E_PASSPHRASE);
    token->pin = "1234";
    assert_pack_says("token 'acme': the PIN is wrong");
    assert_pack_says("a wrong PIN was given before");
    assert_int_equal(token->asked, 1);
    assert_int_equal(calls(token, "C_Login"), 1);
}

static void test_locked_pins_are_not_tried(void **state)
{
    struct token *token = *state;
    struct pack_error error = {0};
    struct pack_signing_key *key = NULL;
    const struct pack_signing_access access = access_of(token);
    behave(token, "locked");
    assert_pack_fails(pack_signing_key_open(&key, "pkcs11:", &access, &error), PACK_E_KEY_STORE);
    assert_pack_says("the PIN is locked");
    assert_int_equal(token->asked, 0);
    assert_int_equal(calls(token, "C_Login"), 0);
}

static void test_warns_of_few_tries(void **state)
{
    struct token *token = *state;
    static const struct {
        const char *words, *warning;
    } cases[] = {{"low", "a wrong PIN was given before"}, {"final", "one try is left"}};
    for (size_t i = 0; i < 2; i++) {
        behave(token, cases[i].words);
        struct pack_signing_key *key = open_key(token, "pkcs11:");
        assert_non_null(strstr(token->warning, cases[i].warning));
        pack_signing_key_free(&key);
    }
}

static void test_uses_pin_pads(void **state)
{
    struct token *token = *state;
    struct pack_error error = {0};
    uint8_t signature[PACK_SIGNATURE_SIZE];
    behave(token, "pad always");
    AUTO_SIGNER struct pack_signing_key *key = open_key(token, "pkcs11:");
    assert_pack_ok(sign(key, "m", 1, signature, &error));
    assert_int_equal(token->asked, 0);
    assert_int_equal(calls(token, "C_Login"), 2);
}

static void test_authenticates_each_use(void **state)
{
    struct token *token = *state;
    struct pack_error error = {0};
    uint8_t signature[PACK_SIGNATURE_SIZE];
    behave(token, "always");
    AUTO_SIGNER struct pack_signing_key *key = open_key(token, "pkcs11:");
    for (unsigned i = 0; i < 3; i++)
        assert_pack_ok(sign(key, "m", 1, signature, &error));
    assert_int_equal(token->asked, 1);
    assert_int_equal(calls(token, "C_Login"), 1 + 3);
}

/* --- PINs from files ------------------------------------------------------------------------- */

static int open_with(struct token *token, const char *source, struct pack_error *error)
{
    AUTO_SIGNER struct pack_signing_key *key = NULL;
    const struct pack_signing_access access = access_of(token);
    char name[512];
    snprintf(name, sizeof name, "pkcs11:?pin-source=%s", source);
    return pack_signing_key_open(&key, name, &access, error);
}

static void test_pins_come_from_files(void **state)
{
    struct token *token = *state;
    static const struct {
        const char *content;
        enum pack_code code;
    } cases[] = {{"1234", PACK_OK},           {"1234\n", PACK_OK},
                 {"1234\r\n", PACK_OK},       {"1234\n\n", PACK_E_PASSPHRASE},
                 {"", PACK_E_PASSPHRASE},     {"\n", PACK_E_PASSPHRASE},
                 {"12345", PACK_E_PASSPHRASE}};
    PACK_AUTO_FREE char *path = test_path(token->log, "pin");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        test_write_text(path, cases[i].content);
        chmod(path, 0600);
        behave(token, "");
        const int code = open_with(token, path, &error);
        assert_int_equal(code, cases[i].code);
        assert_int_equal(token->asked, 0);
    }
}

static void test_exposed_pins_are_refused(void **state)
{
    struct token *token = *state;
    struct pack_error error = {0};
    char uri[512];
    PACK_AUTO_FREE char *path = test_path(token->log, "pin");
    test_write_text(path, "1234");
    chmod(path, 0644);
    behave(token, "");
    snprintf(uri, sizeof uri, "file://%s", path);
    assert_pack_fails(open_with(token, uri, &error), PACK_E_KEY_STORE);
    assert_pack_says("others may read the PIN in it (mode 0644)");
    chmod(path, 0600);
    assert_pack_ok(open_with(token, uri, &error));
    snprintf(uri, sizeof uri, "file:%s", path);
    assert_pack_ok(open_with(token, uri, &error));
    assert_pack_fails(open_with(token, "|cat", &error), PACK_E_UNSUPPORTED);
    assert_pack_fails(open_with(token, "/nowhere/pin", &error), PACK_E_NOT_FOUND);
}

/* --- faults ---------------------------------------------------------------------------------- */

static const struct {
    const char *words, *name;
    enum pack_code code;
    const char *says;
} open_faults[] = {
    {"", "pkcs11:token=other", PACK_E_KEY_STORE,
     "no token 'other' here that fits; there are: 'acme'"},
    {"twins", "pkcs11:token=acme", PACK_E_KEY_STORE,
     "2 tokens fit: 'acme' (serial 11), 'acme' (serial 22)"},
    {"", "pkcs11:slot-id=9", PACK_E_KEY_STORE, "no token here fits"},
    {"", "pkcs11:object=nope", PACK_E_KEY_STORE, "it has: 'relkey' (id 01)"},
    {"two", "pkcs11:", PACK_E_KEY_STORE, "2 private keys of token 'acme' fit"},
    {"none", "pkcs11:", PACK_E_KEY_STORE, "token 'acme' has no private key"},
    {"rsa", "pkcs11:", PACK_E_KEY_INVALID, "is of type RSA"},
    {"p256", "pkcs11:", PACK_E_KEY_INVALID, "is of type ECDSA P-256"},
    {"montgomery", "pkcs11:", PACK_E_KEY_INVALID, "is of type X25519"},
    {"nopublic", "pkcs11:", PACK_E_KEY_STORE, "has no public half"},
    {"", "pkcs11:type=public", PACK_E_USAGE, "type=public names no private key"},
    {"", "pkcs11:library-version=9", PACK_E_KEY_STORE, "the module is version 3.14, 9 wanted"},
    {"", "pkcs11:library-manufacturer=x", PACK_E_KEY_STORE, "made by 'fwpack tests', 'x' wanted"},
    {"C_Initialize=30", "pkcs11:", PACK_E_KEY_STORE, "(C_Initialize: CKR_DEVICE_ERROR)"},
    {"C_GetInfo=5", "pkcs11:", PACK_E_KEY_STORE, "C_GetInfo failed: CKR_GENERAL_ERROR"},
    {"C_GetSlotList=6", "pkcs11:", PACK_E_KEY_STORE, "C_GetSlotList failed"},
    {"C_GetTokenInfo=e0", "pkcs11:", PACK_E_KEY_STORE, "has no token"},
    {"C_OpenSession=b1", "pkcs11:", PACK_E_KEY_STORE, "no session left"},
    {"C_OpenSession=e1", "pkcs11:", PACK_E_KEY_STORE, "does not know this kind of token"},
    {"C_Login=a0", "pkcs11:", PACK_E_PASSPHRASE, "the PIN is wrong"},
    {"C_Login=a1", "pkcs11:", PACK_E_PASSPHRASE, "characters that this token does not take"},
    {"C_Login=a2", "pkcs11:", PACK_E_PASSPHRASE, "shorter or longer"},
    {"C_Login=a3", "pkcs11:", PACK_E_KEY_STORE, "the PIN has expired"},
    {"C_Login=a4", "pkcs11:", PACK_E_KEY_STORE, "the PIN is locked"},
    {"C_Login=102", "pkcs11:", PACK_E_KEY_STORE, "no user PIN yet"},
    {"C_Login=104", "pkcs11:", PACK_E_KEY_STORE, "somebody else is logged in"},
    {"C_Login=32", "pkcs11:", PACK_E_KEY_STORE, "the token was taken out"},
    {"C_Login=80000123", "pkcs11:", PACK_E_KEY_STORE, "0x80000123, a code of the module's own"},
    {"C_Login=1234", "pkcs11:", PACK_E_KEY_STORE, "0x1234, a code that PKCS#11 does not name"},
    {"C_FindObjectsInit=b3", "pkcs11:", PACK_E_KEY_STORE, "the session with the token was lost"},
    {"C_GetAttributeValue=30", "pkcs11:", PACK_E_KEY_STORE, "does not tell its type"},
    {"C_GetFunctionList", "pkcs11:", PACK_E_KEY_STORE, "C_GetFunctionList failed"},
    {"", "pkcs11:?module-path=/nowhere.so", PACK_E_KEY_STORE, "cannot load the PKCS#11 module"},
    {"", "pkcs11:?module-name=a%2Fb", PACK_E_USAGE, "is a path, not a name"},
    {"", "pkcs11:?module-name=no-such", PACK_E_KEY_STORE, "cannot load the PKCS#11 module"},
    {"", "pkcs11:?module-path=libsodium.so.23", PACK_E_KEY_STORE, "lacks C_GetFunctionList"},
};

static void test_faults_of_opening(void **state)
{
    for (size_t i = 0; i < sizeof open_faults / sizeof open_faults[0]; i++) {
        struct pack_error error = {0};
        struct pack_signing_key *key = NULL;
        const struct pack_signing_access access = access_of(*state);
        behave(*state, open_faults[i].words);
        assert_pack_fails(pack_signing_key_open(&key, open_faults[i].name, &access, &error),
                          open_faults[i].code);
        assert_pack_says(open_faults[i].says);
        assert_null(key);
    }
}

static const struct {
    const char *words, *says;
} sign_faults[] = {
    {"C_SignInit=70@1", "the token cannot do this (C_SignInit: CKR_MECHANISM_INVALID)"},
    {"C_SignInit=68@1", "must not be used for this"},
    {"C_SignInit=b3@1", "the session with the token was lost"},
    {"C_Sign=30@1", "the token has a fault"},
    {"C_Sign=32@1", "the token was taken out"},
    {"C_Sign=e0@1", "the token is not there any more"},
    {"C_Sign=b3@1", "the session with the token was lost"},
    {"C_Sign=101@1", "the login was lost"},
    {"C_Sign=150@1", "longer than an Ed25519 signature"},
    {"C_Sign=200@1", "the person at the token refused"},
    {"C_Sign=50@1", "cancelled at the token"},
    {"always C_Login=a0@2", "the PIN is wrong"},
};

/* Each has its words, and the next call finds a session without anything left in it. */
static void test_faults_of_signing(void **state)
{
    for (size_t i = 0; i < sizeof sign_faults / sizeof sign_faults[0]; i++) {
        struct pack_error error = {0};
        uint8_t signature[PACK_SIGNATURE_SIZE];
        behave(*state, sign_faults[i].words);
        AUTO_SIGNER struct pack_signing_key *key = open_key(*state, "pkcs11:");
        assert_int_not_equal(sign(key, "m", 1, signature, &error), 0);
        assert_pack_says(sign_faults[i].says);
        assert_pack_says("token 'acme': ");
        assert_pack_ok(sign(key, "m", 1, signature, &error));
    }
}

static void test_bad_signatures_do_not_leave(void **state)
{
    static const char *const says[] = {"63 bytes, 64 wanted", "does not verify"};
    static const char *const words[] = {"short", "wrong"};
    for (size_t i = 0; i < 2; i++) {
        struct pack_error error = {0};
        uint8_t signature[PACK_SIGNATURE_SIZE];
        behave(*state, words[i]);
        AUTO_SIGNER struct pack_signing_key *key = open_key(*state, "pkcs11:");
        assert_pack_fails(sign(key, "m", 1, signature, &error), PACK_E_KEY_STORE);
        assert_pack_says(says[i]);
    }
}

static void test_the_public_half_may_be_told(void **state)
{
    struct pack_error error = {0};
    uint8_t signature[PACK_SIGNATURE_SIZE];
    AUTO_KEY struct pack_secret_key *file = test_key(0x42);
    struct pack_signing_access access = access_of(*state);
    access.public_keys = pack_secret_key_public(file);
    access.public_key_count = 1;
    static const char *const words[] = {"nopublic", ""};
    for (size_t i = 0; i < 2; i++) { /* its minisign id stays, too */
        AUTO_SIGNER struct pack_signing_key *key = NULL;
        behave(*state, words[i]);
        assert_pack_ok(pack_signing_key_open(&key, "pkcs11:", &access, &error));
        assert_memory_equal(pack_signing_key_public(key), access.public_keys,
                            sizeof *access.public_keys);
        assert_pack_ok(sign(key, "m", 1, signature, &error));
    }
}

/* A PIN on the command line is not printed again. */
static void test_pins_in_uris_are_not_repeated(void **state)
{
    static const char *const names[] = {"pkcs11:?pin-value=secret",
                                        "pkcs11:tokn=a?pin-value=secret"};
    for (size_t i = 0; i < 2; i++) {
        struct pack_error error = {0};
        struct pack_signing_key *key = NULL;
        const struct pack_signing_access access = access_of(*state);
        assert_pack_fails(pack_signing_key_open(&key, names[i], &access, &error), PACK_E_USAGE);
        assert_null(strstr(error.file, "secret"));
        assert_null(strstr(error.text, "secret"));
    }
}

/* --- X25519 ---------------------------------------------------------------------------------- */

static void test_shares_secrets(void **state)
{
    struct pack_error error = {0};
    AUTO_X25519 struct keystore_x25519 *key = NULL;
    const struct pack_signing_access access = access_of(*state);
    uint8_t ours[32], peer_secret[32], peer[32], shared[32], expected[32];
    memset(ours, 0x42, sizeof ours);
    memset(peer_secret, 0x17, sizeof peer_secret);
    crypto_scalarmult_base(peer, peer_secret);
    behave(*state, "montgomery");
    assert_pack_ok(keystore_x25519_open(&key, "pkcs11:object=relkey", &access, &error));
    assert_pack_ok(keystore_x25519_shared(key, peer, shared, &error));
    assert_int_equal(crypto_scalarmult(expected, peer_secret, keystore_x25519_public(key)), 0);
    assert_memory_equal(shared, expected, sizeof shared);
    assert_int_equal(calls(*state, "C_DestroyObject"), 1);
    memset(peer, 0, sizeof peer);
    assert_pack_fails(keystore_x25519_shared(key, peer, shared, &error), PACK_E_KEY_INVALID);
    assert_pack_says("small order");
}

static void test_shares_no_secrets_otherwise(void **state)
{
    struct pack_error error = {0};
    struct keystore_x25519 *key = NULL;
    const struct pack_signing_access access = access_of(*state);
    uint8_t peer[32] = {9}, shared[32];
    assert_pack_fails(keystore_x25519_open(&key, "agent:", &access, &error), PACK_E_USAGE);
    behave(*state, "");
    assert_pack_fails(keystore_x25519_open(&key, "pkcs11:", &access, &error), PACK_E_KEY_INVALID);
    assert_pack_says("is of type Ed25519, X25519 wanted");
    behave(*state, "montgomery C_DeriveKey=68");
    assert_pack_ok(keystore_x25519_open(&key, "pkcs11:", &access, &error));
    assert_pack_fails(keystore_x25519_shared(key, peer, shared, &error), PACK_E_KEY_STORE);
    assert_non_null(strstr(error.hint, "CKA_DERIVE"));
    keystore_x25519_close(&key);
}

#define WITH_TOKEN(test) cmocka_unit_test_setup_teardown(test, make_token, remove_token)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uris_are_taken_apart),
        cmocka_unit_test(test_nothing_is_a_uri_too),
        cmocka_unit_test(test_other_uris_are_refused),
        WITH_TOKEN(test_signs_as_a_file_does),
        WITH_TOKEN(test_signs_what_is_long),
        WITH_TOKEN(test_tells_tokens_and_keys_apart),
        WITH_TOKEN(test_sanitises_labels),
        WITH_TOKEN(test_wrong_pins_are_tried_once),
        WITH_TOKEN(test_locked_pins_are_not_tried),
        WITH_TOKEN(test_warns_of_few_tries),
        WITH_TOKEN(test_uses_pin_pads),
        WITH_TOKEN(test_authenticates_each_use),
        WITH_TOKEN(test_pins_come_from_files),
        WITH_TOKEN(test_exposed_pins_are_refused),
        WITH_TOKEN(test_faults_of_opening),
        WITH_TOKEN(test_faults_of_signing),
        WITH_TOKEN(test_bad_signatures_do_not_leave),
        WITH_TOKEN(test_the_public_half_may_be_told),
        WITH_TOKEN(test_pins_in_uris_are_not_repeated),
        WITH_TOKEN(test_shares_secrets),
        WITH_TOKEN(test_shares_no_secrets_otherwise),
        /* the last one, for it leaves the module initialised */
        WITH_TOKEN(test_one_login_serves_all_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
