/* SPDX-License-Identifier: MIT */
/*
 * age identities in a token: SoftHSM makes an X25519 key, and what is encrypted to it opens there.
 * SoftHSM 2.6 has no mechanism of its own for such keys, and makes them as Edwards keys of the
 * curve X25519, which pkcs11-tool does not ask for; so this does.
 */
#include "age_bytes.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/age.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define NAME "pkcs11:token=fleet;object=device?module-path=" MODULE

enum { EDWARDS_KEY_PAIR_GEN = 0x1055, PIN_SIZE = 4, LABEL_SIZE = 32 };

#define AUTO_IDENTITIES PACK_AUTO(pack_age_identities_free)
#define AUTO_INPUT PACK_AUTO(pack_input_close)

/* SoftHSM leaks what libcrypto gives it for each key of a curve. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:libcrypto.so\n";
}

/* --- the token ------------------------------------------------------------------------------- */

static CK_UTF8CHAR pin[] = "5678", officer_pin[] = "1234";

static void check(CK_RV result, const char *call)
{
    if (result != CKR_OK)
        fail_msg("%s: 0x%lx", call, result);
}
#define CHECK(call) check(module->call, #call)

/* `curve` is the last byte of 1.3.101.x: 110 is X25519, 112 Ed25519. */
static void make_pair(CK_FUNCTION_LIST *module, CK_SESSION_HANDLE session, uint8_t curve,
                      const char *label)
{
    uint8_t parameters[] = {0x06, 0x03, 0x2b, 0x65, curve};
    CK_BBOOL yes = CK_TRUE;
    CK_UTF8CHAR name[LABEL_SIZE];
    CK_MECHANISM mechanism = {EDWARDS_KEY_PAIR_GEN, NULL, 0};
    CK_OBJECT_HANDLE public, private;
    memcpy(name, label, strlen(label));
    CK_ATTRIBUTE public_template[] = {
        {CKA_EC_PARAMS, parameters, sizeof parameters},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, name, strlen(label)},
    };
    CK_ATTRIBUTE private_template[] = {
        {CKA_TOKEN, &yes, sizeof yes},     {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_DERIVE, &yes, sizeof yes},
        {CKA_LABEL, name, strlen(label)},
    };
    CHECK(C_GenerateKeyPair(session, &mechanism, public_template, 3, private_template, 5, &public,
                            &private));
}

static void make_token(CK_FUNCTION_LIST *module)
{
    CK_UTF8CHAR label[LABEL_SIZE];
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_SESSION_HANDLE session;
    memset(label, ' ', sizeof label);
    memcpy(label, "fleet", 5);
    CHECK(C_Initialize(NULL));
    CHECK(C_GetSlotList(CK_FALSE, slots, &count));
    CHECK(C_InitToken(slots[0], officer_pin, PIN_SIZE, label));
    count = 4;
    CHECK(C_GetSlotList(CK_TRUE, slots, &count));
    CHECK(C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session));
    CHECK(C_Login(session, CKU_SO, officer_pin, PIN_SIZE));
    CHECK(C_InitPIN(session, pin, PIN_SIZE));
    CHECK(C_Logout(session));
    CHECK(C_Login(session, CKU_USER, pin, PIN_SIZE));
    make_pair(module, session, 110, "device");
    make_pair(module, session, 112, "signer");
    CHECK(C_Finalize(NULL));
}

static int setup(void **state)
{
    CK_RV (*list)(CK_FUNCTION_LIST **) = NULL;
    CK_FUNCTION_LIST *module = NULL;
    if (test_make_folder(state) != 0)
        return -1;
    PACK_AUTO_FREE char *settings = test_path(*state, "softhsm.conf");
    char text[512];
    snprintf(text, sizeof text, "directories.tokendir = %s\nobjectstore.backend = file\n",
             (char *)*state);
    test_write_text(settings, text);
    setenv("SOFTHSM2_CONF", settings, 1);
    void *handle = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) /* the tests skip */
        return 0;
    void *found = dlsym(handle, "C_GetFunctionList");
    memcpy(&list, &found, sizeof list);
    check(list(&module), "C_GetFunctionList");
    make_token(module);
    dlclose(handle);
    return 0;
}

static void need_module(void)
{
    if (access(MODULE, R_OK) == 0)
        return;
    if (getenv("FWPACK_ALL_TOOLS") != NULL)
        fail_msg("SoftHSM is missing");
    skip();
}

/* --- identities ------------------------------------------------------------------------------ */

static int say(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
               size_t *length, struct pack_error *error)
{
    (void)what;
    (void)confirm;
    (void)error;
    *length = strlen(user);
    assert_true(*length < capacity);
    memcpy(buffer, user, *length + 1);
    return 0;
}

static int add(struct pack_age_identities *identities, const char *name, const char *answer,
               struct pack_error *error)
{
    const struct pack_signing_access access = {
        .files = {.passphrase = {say, (void *)(uintptr_t)answer}}};
    return pack_age_identities_add(identities, name, &access, error);
}

/* A sink into a buffer. */
struct memory {
    struct pack_sink sink;
    struct pack_buffer bytes;
};

static int memory_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    return pack_buffer_append(&((struct memory *)sink)->bytes, bytes, size, error);
}

/* "hello" to a stranger and to the recipient. */
static void encrypt(struct memory *memory, const char *recipient)
{
    static const struct pack_sink_ops ops = {.write = memory_write};
    PACK_AUTO(pack_age_recipients_free) struct pack_age_recipients *recipients = NULL;
    PACK_AUTO(pack_age_writer_free) struct pack_age_writer *writer = NULL;
    struct pack_error error = {0};
    *memory = (struct memory){.sink = {&ops}, .bytes = {.limit = 4096}};
    assert_pack_ok(pack_age_recipients_new(&recipients, &error));
    assert_pack_ok(pack_age_recipients_add(recipients, age_recipient, &error));
    assert_pack_ok(pack_age_recipients_add(recipients, recipient, &error));
    assert_pack_ok(pack_age_writer_new(&writer, recipients, &memory->sink, &error));
    assert_pack_ok(pack_sink_write(pack_age_writer_sink(writer), "hello", 5, &error));
    assert_pack_ok(pack_age_writer_finish(writer, &error));
}

static void test_a_token_opens(void **state)
{
    (void)state;
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    AUTO_INPUT struct pack_input *input = NULL;
    AUTO_INPUT struct pack_input *plain = NULL;
    struct memory memory;
    struct pack_error error = {0};
    char recipient[PACK_AGE_TEXT_SIZE], text[6];
    size_t got = 0;
    need_module();
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_ok(add(identities, NAME, "5678", &error));
    pack_age_identities_recipient(identities, 0, recipient);
    encrypt(&memory, recipient);
    assert_pack_ok(
        pack_input_memory(&input, memory.bytes.bytes, memory.bytes.size, "x.age", &error));
    assert_pack_ok(pack_age_open(&plain, input, identities, &error));
    assert_pack_ok(pack_input_read(plain, 0, text, sizeof text, &got, &error));
    assert_int_equal(got, 5);
    assert_memory_equal(text, "hello", 5);
    pack_buffer_clear(&memory.bytes);
}

static void test_what_a_token_refuses(void **state)
{
    (void)state;
    AUTO_IDENTITIES struct pack_age_identities *identities = NULL;
    AUTO_AGE_FILE struct age_file other =
        age_file_make("age-encryption.org/v1\n-> X25519 {share}\n{body}\n--- {mac}\n", NULL);
    AUTO_AGE_FILE struct age_file hostile =
        age_file_make("age-encryption.org/v1\n-> X25519 {zero-share}\n{body}\n--- {mac}\n", NULL);
    AUTO_INPUT struct pack_input *input = NULL;
    AUTO_INPUT struct pack_input *hostile_input = NULL;
    struct pack_input *plain = NULL;
    struct pack_error error = {0};
    need_module();
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    assert_pack_fails(add(identities, NAME, "0000", &error), PACK_E_PASSPHRASE);
    assert_pack_fails(
        add(identities, "pkcs11:token=fleet;object=signer?module-path=" MODULE, "5678", &error),
        PACK_E_KEY_INVALID);
    assert_pack_ok(add(identities, NAME, "5678", &error));
    assert_pack_ok(pack_input_memory(&input, other.bytes, other.size, "x", &error));
    assert_pack_fails(pack_age_open(&plain, input, identities, &error), PACK_E_KEY_STORE);
    assert_pack_says("encrypted to 1 recipient, and the identity given is not among them");
    assert_pack_ok(pack_input_memory(&hostile_input, hostile.bytes, hostile.size, "x", &error));
    assert_pack_fails(pack_age_open(&plain, hostile_input, identities, &error), PACK_E_MALFORMED);
    assert_pack_says("low order");
    const struct pack_tpm_policy policy = {.pcrs = 1};
    assert_pack_fails(pack_age_identities_seal(identities, 0, "none", &policy, &error),
                      PACK_E_KEY_STORE);
    assert_pack_says("does not give this identity out");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_token_opens),
        cmocka_unit_test(test_what_a_token_refuses),
    };
    return cmocka_run_group_tests_name("age_token", tests, setup, test_remove_folder);
}
