/* SPDX-License-Identifier: MIT */
/* X25519 in SoftHSM: a key that was generated there with CKA_DERIVE, and one that was not. */
#include "keystore/x25519.h"

#include "base/memory.h"
#include "pack/signer.h"
#include "support/test.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* SoftHSM loses the name of each curve that it generates a key of. */
const char *__lsan_default_suppressions(void);
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void)
{
    return "leak:CRYPTO_zalloc\n";
}

static const char *find_module(void)
{
    static const char *const paths[] = {"/usr/lib/softhsm/libsofthsm2.so",
                                        "/usr/lib64/softhsm/libsofthsm2.so"};
    for (size_t i = 0; i < 2; i++)
        if (access(paths[i], R_OK) == 0)
            return paths[i];
    return NULL;
}

/* --- a token --------------------------------------------------------------------------------- */

static void make_store(const char *folder)
{
    char text[600];
    PACK_AUTO_FREE char *configuration = test_path(folder, "conf");
    PACK_AUTO_FREE char *tokens = test_path(folder, "tokens");
    snprintf(text, sizeof text, "directories.tokendir = %s\nlog.level = ERROR\n", tokens);
    test_write_text(configuration, text);
    assert_int_equal(mkdir(tokens, 0700), 0);
    setenv("SOFTHSM2_CONF", configuration, 1);
}

static void generate(CK_FUNCTION_LIST *call, CK_SESSION_HANDLE session, char *label,
                     CK_BBOOL may_derive)
{
    static unsigned char oid[] = {0x06, 0x03, 0x2b, 0x65, 0x6e};
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM mechanism = {CKM_EC_EDWARDS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_half[] = {{CKA_EC_PARAMS, oid, sizeof oid},
                                  {CKA_TOKEN, &yes, sizeof yes},
                                  {CKA_ID, label, strlen(label)},
                                  {CKA_LABEL, label, strlen(label)}};
    CK_ATTRIBUTE private_half[] = {{CKA_DERIVE, &may_derive, sizeof may_derive},
                                   {CKA_TOKEN, &yes, sizeof yes},
                                   {CKA_PRIVATE, &yes, sizeof yes},
                                   {CKA_ID, label, strlen(label)},
                                   {CKA_LABEL, label, strlen(label)}};
    assert_int_equal(call->C_GenerateKeyPair(session, &mechanism, public_half, 4, private_half, 5,
                                             &public, &private),
                     CKR_OK);
}

static void log_in(CK_FUNCTION_LIST *call, CK_SLOT_ID slot, CK_USER_TYPE user,
                   CK_SESSION_HANDLE *session)
{
    static unsigned char pin[] = "1234";
    assert_int_equal(
        call->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, session),
        CKR_OK);
    assert_int_equal(call->C_Login(*session, user, pin, 4), CKR_OK);
}

/* A token "fwtest" with the keys "may" and "maynot"; PIN and SO PIN are 1234. */
static void make_token(const char *module)
{
    unsigned char label[32], pin[] = "1234";
    CK_C_GetFunctionList get = NULL;
    CK_FUNCTION_LIST *call = NULL;
    CK_SESSION_HANDLE session;
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    void *library = dlopen(module, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    void *address = dlsym(library, "C_GetFunctionList");
    memcpy(&get, &address, sizeof address);
    assert_int_equal(get(&call), CKR_OK);
    assert_int_equal(call->C_Initialize(NULL), CKR_OK);
    assert_int_equal(call->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    memset(label, ' ', sizeof label);
    memcpy(label, "fwtest", 6);
    assert_int_equal(call->C_InitToken(slots[0], pin, 4, label), CKR_OK);
    log_in(call, slots[0], CKU_SO, &session);
    assert_int_equal(call->C_InitPIN(session, pin, 4), CKR_OK);
    assert_int_equal(call->C_CloseSession(session), CKR_OK);
    log_in(call, slots[0], CKU_USER, &session);
    generate(call, session, (char[]){"may"}, CK_TRUE);
    generate(call, session, (char[]){"maynot"}, CK_FALSE);
    assert_int_equal(call->C_Finalize(NULL), CKR_OK);
    dlclose(library);
}

/* --- secrets --------------------------------------------------------------------------------- */

static int give_pin(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                    size_t *length, struct pack_error *error)
{
    (void)user;
    (void)what;
    (void)confirm;
    (void)error;
    *length = (size_t)snprintf(buffer, capacity, "1234");
    return 0;
}

static void test_shares_secrets(void **state)
{
    struct pack_error error = {0};
    const char *module = find_module();
    struct keystore_x25519 *key = NULL;
    uint8_t secret[32], peer[32], shared[32], expected[32];
    const struct pack_signing_access access = {.files = {.passphrase = {.ask = give_pin}},
                                               .module = module};
    if (module == NULL && getenv("FWPACK_ALL_TOOLS") == NULL)
        skip();
    make_store(*state);
    make_token(module);
    memset(secret, 0x17, sizeof secret);
    crypto_scalarmult_base(peer, secret);
    assert_pack_ok(keystore_x25519_open(&key, "pkcs11:token=fwtest;object=may", &access, &error));
    assert_pack_ok(keystore_x25519_shared(key, peer, shared, &error));
    assert_int_equal(crypto_scalarmult(expected, secret, keystore_x25519_public(key)), 0);
    assert_memory_equal(shared, expected, sizeof shared);
    keystore_x25519_close(&key);
    assert_pack_ok(
        keystore_x25519_open(&key, "pkcs11:token=fwtest;object=maynot", &access, &error));
    assert_pack_fails(keystore_x25519_shared(key, peer, shared, &error), PACK_E_KEY_STORE);
    assert_pack_says("the key must not be used for this");
    keystore_x25519_close(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shares_secrets, test_make_folder, test_remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
