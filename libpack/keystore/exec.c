/* SPDX-License-Identifier: MIT */
#include "keystore/exec.h"

#include "base/memory.h"
#include "io/program.h"
#include "keystore/keystore.h"

#include "crypto/ed25519.h"

#include <stdio.h>
#include <string.h>

/* External signers: any program that takes bytes and prints an Ed25519 signature. */

enum { OWN_VARIABLES = 4, VARIABLE_SIZE = 128, MAX_VARIABLES = 65536 };

struct exec {
    struct exec_words words;
    char **variables; /* what the user's environment leaves us room for */
    size_t inherited; /* of them */
    char own[OWN_VARIABLES][VARIABLE_SIZE];
};

/* --- environment ----------------------------------------------------------------------------- */

/* All but passphrases, which are fwpack's own, and what the request sets itself. */
static bool is_inherited(const char *variable)
{
    static const char *const withheld[] = {"FWPACK_PASSPHRASE", "FWPACK_REQUEST=", "FWPACK_KEYID=",
                                           "FWPACK_PUBLIC_KEY=", "FWPACK_ROLE="};
    for (size_t i = 0; i < sizeof withheld / sizeof withheld[0]; i++)
        if (strncmp(variable, withheld[i], strlen(withheld[i])) == 0)
            return false;
    return true;
}

static int inherit(struct exec *exec, char *const *variables, struct pack_error *error)
{
    size_t count = 0;
    while (variables != NULL && count < MAX_VARIABLES && variables[count] != NULL)
        count++;
    const int code =
        pack_allocate(&exec->variables, count + OWN_VARIABLES + 1, sizeof *exec->variables, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        if (is_inherited(variables[i]))
            exec->variables[exec->inherited++] = variables[i];
    return code;
}

/* What is asked for, behind what is inherited; `key` NULL where it is the key that is asked for. */
static void set_request(struct exec *exec, const char *request, const struct pack_public_key *key,
                        const char *role)
{
    size_t count = 0;
    snprintf(exec->own[count++], VARIABLE_SIZE, "FWPACK_REQUEST=%s", request);
    if (key != NULL) {
        char line[PACK_PUBLIC_KEY_TEXT_SIZE];
        pack_public_key_text(key, line);
        snprintf(exec->own[count++], VARIABLE_SIZE, "FWPACK_KEYID=%s", key->keyid);
        snprintf(exec->own[count++], VARIABLE_SIZE, "FWPACK_PUBLIC_KEY=%s", line);
    }
    if (role != NULL)
        snprintf(exec->own[count++], VARIABLE_SIZE, "FWPACK_ROLE=%s", role);
    for (size_t i = 0; i < count; i++)
        exec->variables[exec->inherited + i] = exec->own[i];
    exec->variables[exec->inherited + count] = NULL;
}

static int run(struct exec *exec, struct pack_buffer *answer, const void *input, size_t size,
               struct pack_error *error)
{
    const struct program_run request = {.words = exec->words.words,
                                        .variables = exec->variables,
                                        .input = input,
                                        .input_size = size,
                                        .seconds = EXEC_SECONDS,
                                        .code = PACK_E_KEY_STORE};
    return program_run(answer, &request, error);
}

/* --- opening --------------------------------------------------------------------------------- */

static int hint_public(struct pack_error *error)
{
    return pack_hint(error, "name the signer's public key with --signer-pub, or let the command "
                            "print it where FWPACK_REQUEST is public-key");
}

static int ask_public(struct pack_signing_key *key, struct exec *exec, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = EXEC_MAX_ANSWER};
    set_request(exec, "public-key", NULL, NULL);
    int code = run(exec, &answer, "", 0, error);
    if (code == 0 && answer.size == 0)
        code = pack_fail(error, PACK_E_KEY_STORE, "the command printed no public key");
    else if (code == 0)
        code = pack_public_key_parse(&key->public, (const char *)answer.bytes, answer.size, error);
    if (code == 0 || code == PACK_E_INTERRUPTED)
        return code;
    pack_context(error, "asked for its public key");
    error->code = PACK_E_KEY_STORE;
    return hint_public(error);
}

static int open_exec(struct pack_signing_key *key, const char *name,
                     const struct pack_signing_access *access, struct pack_error *error)
{
    struct exec *exec = NULL;
    int code = pack_allocate(&exec, 1, sizeof *exec, error);
    if (code != 0)
        return code;
    key->state = exec;
    code = exec_split(&exec->words, name, error);
    if (code == 0)
        code = inherit(exec, access->variables, error);
    if (code != 0)
        return code;
    if (access->public_key_count != 0)
        key->public = access->public_keys[0];
    else
        code = ask_public(key, exec, error);
    if (code != 0 || key->public.has_minisign_id)
        return code;
    return keystore_set_public(key, key->public.bytes, access, error);
}

/* --- signing --------------------------------------------------------------------------------- */

static int sign_with_exec(struct pack_signing_key *key, const char *role, const void *message,
                          size_t size, uint8_t signature[PACK_SIGNATURE_SIZE],
                          struct pack_error *error)
{
    struct exec *exec = key->state;
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = EXEC_MAX_ANSWER};
    set_request(exec, "sign", &key->public, role);
    int code = run(exec, &answer, message, size, error);
    if (code == 0)
        code = exec_read_signature(signature, answer.bytes, answer.size, error);
    if (code != 0 || pack_ed25519_verify(signature, message, size, key->public.bytes))
        return code;
    pack_fail(error, PACK_E_KEY_STORE,
              "what the command printed is no signature of these bytes by key %s",
              key->public.keyid);
    return pack_hint(error, "does it sign the bytes themselves, not a hash of them? Is "
                            "--signer-pub its key?");
}

static void close_exec(struct pack_signing_key *key)
{
    struct exec *exec = key->state;
    if (exec == NULL)
        return;
    exec_words_clear(&exec->words);
    free(exec->variables);
    free(exec);
    key->state = NULL;
}

const struct keystore keystore_exec = {
    .name = "exec",
    .scheme = "exec:",
    .open = open_exec,
    .sign = sign_with_exec,
    .close = close_exec,
};
