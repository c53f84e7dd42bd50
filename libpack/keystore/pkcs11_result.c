/* SPDX-License-Identifier: MIT */
#include "keystore/pkcs11.h"

/* What PKCS#11 calls answer: their names, and what some of them mean to a person who signs. */

#define RESULTS(X)                        \
    X(CKR_CANCEL)                         \
    X(CKR_HOST_MEMORY)                    \
    X(CKR_SLOT_ID_INVALID)                \
    X(CKR_GENERAL_ERROR)                  \
    X(CKR_FUNCTION_FAILED)                \
    X(CKR_ARGUMENTS_BAD)                  \
    X(CKR_NO_EVENT)                       \
    X(CKR_NEED_TO_CREATE_THREADS)         \
    X(CKR_CANT_LOCK)                      \
    X(CKR_ATTRIBUTE_READ_ONLY)            \
    X(CKR_ATTRIBUTE_SENSITIVE)            \
    X(CKR_ATTRIBUTE_TYPE_INVALID)         \
    X(CKR_ATTRIBUTE_VALUE_INVALID)        \
    X(CKR_ACTION_PROHIBITED)              \
    X(CKR_DATA_INVALID)                   \
    X(CKR_DATA_LEN_RANGE)                 \
    X(CKR_DEVICE_ERROR)                   \
    X(CKR_DEVICE_MEMORY)                  \
    X(CKR_DEVICE_REMOVED)                 \
    X(CKR_FUNCTION_CANCELED)              \
    X(CKR_FUNCTION_NOT_PARALLEL)          \
    X(CKR_FUNCTION_NOT_SUPPORTED)         \
    X(CKR_KEY_HANDLE_INVALID)             \
    X(CKR_KEY_SIZE_RANGE)                 \
    X(CKR_KEY_TYPE_INCONSISTENT)          \
    X(CKR_KEY_NOT_NEEDED)                 \
    X(CKR_KEY_CHANGED)                    \
    X(CKR_KEY_NEEDED)                     \
    X(CKR_KEY_INDIGESTIBLE)               \
    X(CKR_KEY_FUNCTION_NOT_PERMITTED)     \
    X(CKR_KEY_NOT_WRAPPABLE)              \
    X(CKR_KEY_UNEXTRACTABLE)              \
    X(CKR_MECHANISM_INVALID)              \
    X(CKR_MECHANISM_PARAM_INVALID)        \
    X(CKR_OBJECT_HANDLE_INVALID)          \
    X(CKR_OPERATION_ACTIVE)               \
    X(CKR_OPERATION_NOT_INITIALIZED)      \
    X(CKR_PIN_INCORRECT)                  \
    X(CKR_PIN_INVALID)                    \
    X(CKR_PIN_LEN_RANGE)                  \
    X(CKR_PIN_EXPIRED)                    \
    X(CKR_PIN_LOCKED)                     \
    X(CKR_SESSION_CLOSED)                 \
    X(CKR_SESSION_COUNT)                  \
    X(CKR_SESSION_HANDLE_INVALID)         \
    X(CKR_SESSION_PARALLEL_NOT_SUPPORTED) \
    X(CKR_SESSION_READ_ONLY)              \
    X(CKR_SESSION_EXISTS)                 \
    X(CKR_SESSION_READ_ONLY_EXISTS)       \
    X(CKR_SESSION_READ_WRITE_SO_EXISTS)   \
    X(CKR_TEMPLATE_INCOMPLETE)            \
    X(CKR_TEMPLATE_INCONSISTENT)          \
    X(CKR_TOKEN_NOT_PRESENT)              \
    X(CKR_TOKEN_NOT_RECOGNIZED)           \
    X(CKR_TOKEN_WRITE_PROTECTED)          \
    X(CKR_USER_ALREADY_LOGGED_IN)         \
    X(CKR_USER_NOT_LOGGED_IN)             \
    X(CKR_USER_PIN_NOT_INITIALIZED)       \
    X(CKR_USER_TYPE_INVALID)              \
    X(CKR_USER_ANOTHER_ALREADY_LOGGED_IN) \
    X(CKR_USER_TOO_MANY_TYPES)            \
    X(CKR_RANDOM_NO_RNG)                  \
    X(CKR_DOMAIN_PARAMS_INVALID)          \
    X(CKR_CURVE_NOT_SUPPORTED)            \
    X(CKR_BUFFER_TOO_SMALL)               \
    X(CKR_INFORMATION_SENSITIVE)          \
    X(CKR_CRYPTOKI_NOT_INITIALIZED)       \
    X(CKR_CRYPTOKI_ALREADY_INITIALIZED)   \
    X(CKR_MUTEX_BAD)                      \
    X(CKR_MUTEX_NOT_LOCKED)               \
    X(CKR_EXCEEDED_MAX_ITERATIONS)        \
    X(CKR_FIPS_SELF_TEST_FAILED)          \
    X(CKR_LIBRARY_LOAD_FAILED)            \
    X(CKR_PIN_TOO_WEAK)                   \
    X(CKR_PUBLIC_KEY_INVALID)             \
    X(CKR_FUNCTION_REJECTED)

static const struct {
    CK_RV result;
    const char *name;
} names[] = {
#define ENTRY(name) {name, #name},
    RESULTS(ENTRY)
#undef ENTRY
};

/* Those that happen without a fault in the program, and say little by their names. */
static const struct words {
    CK_RV result;
    enum pack_code code;
    const char *words;
    const char *hint; /* or NULL */
} words[] = {
    {CKR_PIN_INCORRECT, PACK_E_PASSPHRASE, "the PIN is wrong", NULL},
    {CKR_PIN_INVALID, PACK_E_PASSPHRASE, "the PIN has characters that this token does not take",
     NULL},
    {CKR_PIN_LEN_RANGE, PACK_E_PASSPHRASE,
     "the PIN is shorter or longer than this token's PINs are", NULL},
    {CKR_PIN_EXPIRED, PACK_E_KEY_STORE, "the PIN has expired",
     "change it with the token's own program, or pkcs11-tool --change-pin"},
    {CKR_PIN_LOCKED, PACK_E_KEY_STORE, "the PIN is locked, after too many wrong ones",
     "the security officer unlocks it: pkcs11-tool --init-pin --so-pin …"},
    {CKR_USER_PIN_NOT_INITIALIZED, PACK_E_KEY_STORE, "the token has no user PIN yet",
     "the security officer sets it: pkcs11-tool --init-pin --so-pin …"},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, PACK_E_KEY_STORE,
     "somebody else is logged in to the token", NULL},
    {CKR_USER_NOT_LOGGED_IN, PACK_E_KEY_STORE, "the login was lost: the token was reset",
     "run the command again"},
    {CKR_SESSION_HANDLE_INVALID, PACK_E_KEY_STORE, "the session with the token was lost",
     "run the command again; was the token taken out, or its service restarted?"},
    {CKR_SESSION_CLOSED, PACK_E_KEY_STORE, "the session with the token was lost",
     "run the command again; was the token taken out, or its service restarted?"},
    {CKR_SESSION_COUNT, PACK_E_KEY_STORE, "the token has no session left for one more program",
     "end a program that uses it"},
    {CKR_DEVICE_REMOVED, PACK_E_KEY_STORE, "the token was taken out", "put it back"},
    {CKR_TOKEN_NOT_PRESENT, PACK_E_KEY_STORE, "the token is not there any more", "put it back"},
    {CKR_TOKEN_NOT_RECOGNIZED, PACK_E_KEY_STORE, "the module does not know this kind of token",
     NULL},
    {CKR_DEVICE_ERROR, PACK_E_KEY_STORE, "the token has a fault", NULL},
    {CKR_DEVICE_MEMORY, PACK_E_KEY_STORE, "the token has no memory left", NULL},
    {CKR_HOST_MEMORY, PACK_E_NO_MEMORY, "out of memory", NULL},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, PACK_E_KEY_STORE, "the key must not be used for this", NULL},
    {CKR_KEY_HANDLE_INVALID, PACK_E_KEY_STORE, "the key is not there any more", NULL},
    {CKR_MECHANISM_INVALID, PACK_E_KEY_STORE, "the token cannot do this", NULL},
    {CKR_FUNCTION_NOT_SUPPORTED, PACK_E_KEY_STORE, "the module cannot do this", NULL},
    {CKR_FUNCTION_CANCELED, PACK_E_KEY_STORE, "it was cancelled at the token", NULL},
    {CKR_CANCEL, PACK_E_KEY_STORE, "it was cancelled at the token", NULL},
    {CKR_FUNCTION_REJECTED, PACK_E_KEY_STORE, "the person at the token refused", NULL},
    {CKR_BUFFER_TOO_SMALL, PACK_E_KEY_STORE, "the answer is longer than an Ed25519 signature",
     NULL},
};

const char *pkcs11_result_name(CK_RV result)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].result == result)
            return names[i].name;
    return NULL;
}

int pkcs11_fail(struct pack_error *error, CK_RV result, const char *call)
{
    const char *name = pkcs11_result_name(result);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].result != result)
            continue;
        pack_fail(error, words[i].code, "%s (%s: %s)", words[i].words, call, name);
        return words[i].hint != NULL ? pack_hint(error, "%s", words[i].hint) : (int)error->code;
    }
    if (name != NULL)
        return pack_fail(error, PACK_E_KEY_STORE, "%s failed: %s", call, name);
    return pack_fail(error, PACK_E_KEY_STORE, "%s failed: 0x%lx, %s", call, (unsigned long)result,
                     (result & CKR_VENDOR_DEFINED) != 0 ? "a code of the module's own"
                                                        : "a code that PKCS#11 does not name");
}
