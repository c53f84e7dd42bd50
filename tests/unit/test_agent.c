/* SPDX-License-Identifier: MIT */
/* Keys in an ssh-agent: what it may answer, which key is chosen, and an agent that misbehaves. */
#include "keystore/agent.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/signer.h"
#include "support/keys.h"

#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define AUTO_SIGNER PACK_AUTO(pack_signing_key_free)

/* --- answers --------------------------------------------------------------------------------- */

static void put_blob(struct pack_buffer *buffer, const char *type, uint8_t number)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer blob = {.limit = 1024};
    AUTO_KEY struct pack_secret_key *key = test_key(number);
    assert_pack_ok(pack_ssh_put_text(&blob, type, &error));
    assert_pack_ok(pack_ssh_put_string(&blob, pack_secret_key_public(key)->bytes, 32, &error));
    if (strcmp(type, PACK_SSH_SK_ED25519) == 0)
        assert_pack_ok(pack_ssh_put_text(&blob, "ssh:", &error));
    assert_pack_ok(pack_ssh_put_string(buffer, blob.bytes, blob.size, &error));
}

/* A key of an answer: its type, the number of the key, its comment. */
struct entry {
    const char *type;
    uint8_t number;
    const char *comment;
};

static void put_answer(struct pack_buffer *buffer, const struct entry *entries, uint32_t count)
{
    struct pack_error error = {0};
    const uint8_t kind = AGENT_IDENTITIES_ANSWER;
    assert_pack_ok(pack_buffer_append(buffer, &kind, 1, &error));
    assert_pack_ok(pack_ssh_put_u32(buffer, count, &error));
    for (uint32_t i = 0; i < count; i++) {
        put_blob(buffer, entries[i].type, entries[i].number);
        assert_pack_ok(pack_ssh_put_text(buffer, entries[i].comment, &error));
    }
}

static const struct entry four[] = {
    {PACK_SSH_ED25519, 1, "ada@example"},
    {"ssh-ed25519-cert-v01@openssh.com", 1, "ada@example"},
    {PACK_SSH_SK_ED25519, 2, "token"},
    {"ssh-rsa", 3, "old"},
};

/* The comment of the key that is chosen among the entries, NULL after a failure. */
static int choose(const struct entry *entries, uint32_t count, const char *which, uint8_t *number,
                  struct pack_error *result)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = 65536};
    PACK_AUTO_FREE struct agent_identity *identities = NULL;
    const struct agent_identity *chosen = NULL;
    size_t got = 0;
    put_answer(&answer, entries, count);
    assert_pack_ok(agent_parse_identities(&identities, &got, answer.bytes, answer.size, &error));
    assert_int_equal(got, count);
    const int code = agent_choose(&chosen, identities, got, which, result);
    for (uint8_t i = 1; code == 0 && i < 9; i++) {
        AUTO_KEY struct pack_secret_key *key = test_key(i);
        if (memcmp(chosen->blob.bytes + chosen->blob.size - 32, pack_secret_key_public(key)->bytes,
                   32) == 0)
            *number = i;
    }
    return code;
}

static void fingerprint_of(uint8_t number, char text[AGENT_FINGERPRINT_SIZE])
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer blob = {.limit = 1024};
    put_blob(&blob, PACK_SSH_ED25519, number);
    const struct pack_ssh_string string = {blob.bytes + 4, blob.size - 4};
    assert_pack_ok(agent_fingerprint(text, string, &error));
}

static void test_chooses_the_key_that_is_named(void **state)
{
    (void)state;
    char fingerprint[AGENT_FINGERPRINT_SIZE], padded[AGENT_FINGERPRINT_SIZE + 1];
    fingerprint_of(1, fingerprint);
    snprintf(padded, sizeof padded, "%s=", fingerprint);
    const char *const names[] = {"", "ada@example", fingerprint, fingerprint + strlen("SHA256:"),
                                 padded};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct pack_error error = {0};
        uint8_t number = 0;
        assert_pack_ok(choose(four, 4, names[i], &number, &error));
        assert_int_equal(number, 1);
    }
}

static void test_refuses_the_other_keys(void **state)
{
    (void)state;
    static const struct entry twins[] = {{PACK_SSH_ED25519, 1, "a"}, {PACK_SSH_ED25519, 4, "a"}};
    static const struct {
        const struct entry *entries;
        uint32_t count;
        const char *which;
        enum pack_code code;
        const char *says, *hint;
    } cases[] = {
        {four, 0, "", PACK_E_KEY_STORE, "shows no keys: it has none, or is locked", "ssh-add -X"},
        {four, 0, "ada", PACK_E_KEY_STORE, "shows no keys", "ssh-add"},
        {four, 4, "ben", PACK_E_KEY_STORE, "no key 'ben'; it has: SHA256:", ""},
        {four + 2, 2, "", PACK_E_KEY_STORE, "no Ed25519 key; it has", ""},
        {four, 4, "token", PACK_E_KEY_INVALID, "FIDO key", "fwpack sign --import"},
        {four, 4, "old", PACK_E_KEY_INVALID, "of type ssh-rsa", ""},
        {four, 4, "MD5:00:11", PACK_E_USAGE, "MD5", "SHA256"},
        {four, 4, "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", PACK_E_USAGE, "MD5", ""},
        {twins, 2, "", PACK_E_KEY_STORE, "several Ed25519 keys", "agent:SHA256:"},
        {twins, 2, "a", PACK_E_KEY_STORE, "several Ed25519 keys", "agent:SHA256:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        uint8_t number = 0;
        assert_pack_fails(choose(cases[i].entries, cases[i].count, cases[i].which, &number, &error),
                          cases[i].code);
        assert_pack_says(cases[i].says);
        assert_non_null(strstr(error.hint, cases[i].hint));
    }
}

static void test_damaged_answers_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *says;
    } cases[] = {
        {"", "is empty"},
        {"05", "the agent refused"},
        {"0e 00000000", "of kind 14, 12 wanted"},
        {"0c", "cut short"},
        {"0c 000000", "cut short"},
        {"0c 00000001", "cut short"},
        {"0c 00000001 00000005 61", "cut short"},
        {"0c 00000001 ffffffff", "cut short"},
        {"0c 00000001 00000000", "cut short"},
        {"0c 00000000 00", "1 bytes after its end"},
        {"0c ffffffff", "4294967295 keys, at most 2048"},
        {"0c 00000801", "2049 keys"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct agent_identity *identities = NULL;
        size_t count = 0, size = 0;
        PACK_AUTO_FREE uint8_t *bytes = test_unhex(cases[i].hex, &size);
        assert_pack_fails(agent_parse_identities(&identities, &count, bytes, size, &error),
                          PACK_E_KEY_STORE);
        assert_pack_says(cases[i].says);
        assert_null(identities);
    }
}

#define ED25519_TYPE "0000000b 7373682d65643235353139"

static void test_damaged_signatures_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *says;
    } cases[] = {
        {"", "is empty"},
        {"05", "the agent refused"},
        {"0c 00000000", "of kind 12, 14 wanted"},
        {"0e", "cut short"},
        {"0e 00000000", "cut short"},
        {"0e 00000000 00", "after its end"},
        {"0e 0000000f " ED25519_TYPE, "cut short"},
        {"0e 00000013 " ED25519_TYPE " 00000000", "has 0 bytes, 64 wanted"},
        {"0e 0000000c 00000003 7273 61 00000001 61", "of type 'rsa'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        uint8_t signature[PACK_SIGNATURE_SIZE];
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = test_unhex(cases[i].hex, &size);
        assert_pack_fails(agent_parse_signature(signature, bytes, size, &error), PACK_E_KEY_STORE);
        assert_pack_says(cases[i].says);
    }
}

/* --- an agent -------------------------------------------------------------------------------- */

/* What it answers to each request in turn, its length before it; then it closes. */
struct fake {
    char path[108];
    int listener;
    pthread_t thread;
    struct pack_buffer answers[3];
    size_t count;
    size_t request_size; /* of the last one */
};

static void read_request(struct fake *fake, int connection)
{
    uint8_t bytes[4096], length[4];
    if (recv(connection, length, sizeof length, MSG_WAITALL) != sizeof length)
        return;
    fake->request_size = pack_be32(length);
    for (size_t left = fake->request_size; left > 0;) {
        const ssize_t got = recv(connection, bytes, left < sizeof bytes ? left : sizeof bytes, 0);
        if (got <= 0)
            return;
        left -= (size_t)got;
    }
}

static void *serve(void *argument)
{
    struct fake *fake = argument;
    for (size_t i = 0; i < fake->count; i++) {
        const int connection = accept(fake->listener, NULL, NULL);
        if (connection < 0)
            return NULL;
        read_request(fake, connection);
        send(connection, fake->answers[i].bytes, fake->answers[i].size, MSG_NOSIGNAL);
        close(connection);
    }
    return NULL;
}

static int make_fake(void **state)
{
    static struct fake fake;
    void *folder = NULL;
    if (test_make_folder(&folder) != 0)
        return -1;
    memset(&fake, 0, sizeof fake);
    snprintf(fake.path, sizeof fake.path, "%s/s", (char *)folder);
    free(folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, fake.path, sizeof fake.path);
    fake.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    *state = &fake;
    return bind(fake.listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(fake.listener, 8) == 0
               ? 0
               : -1;
}

static int remove_fake(void **state)
{
    struct fake *fake = *state;
    void *folder = strdup(fake->path);
    shutdown(fake->listener, SHUT_RDWR);
    if (fake->count != 0)
        pthread_join(fake->thread, NULL);
    close(fake->listener);
    for (size_t i = 0; i < 3; i++)
        pack_buffer_clear(&fake->answers[i]);
    *strrchr(folder, '/') = '\0';
    return test_remove_folder(&folder);
}

/* Adds an answer: `size` bytes that it promises, and the bytes that it sends. */
static void answer(struct fake *fake, size_t promised, const void *bytes, size_t size)
{
    struct pack_error error = {0};
    struct pack_buffer *buffer = &fake->answers[fake->count++];
    buffer->limit = 1 << 20;
    assert_pack_ok(pack_ssh_put_u32(buffer, (uint32_t)promised, &error));
    assert_pack_ok(pack_buffer_append(buffer, bytes, size, &error));
}

static void answer_one_key(struct fake *fake)
{
    PACK_AUTO_BUFFER struct pack_buffer buffer = {.limit = 65536};
    put_answer(&buffer, four, 1);
    answer(fake, buffer.size, buffer.bytes, buffer.size);
}

static void answer_signature(struct fake *fake, const void *message, size_t size)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = test_key(1);
    const struct pack_signer signer = pack_signer_from_key(key);
    uint8_t signature[PACK_SIGNATURE_SIZE];
    const uint8_t kind = AGENT_SIGN_RESPONSE;
    PACK_AUTO_BUFFER struct pack_buffer blob = {.limit = 1024};
    PACK_AUTO_BUFFER struct pack_buffer all = {.limit = 1024};
    assert_pack_ok(pack_signer_sign(&signer, message, size, signature, &error));
    assert_pack_ok(pack_ssh_put_text(&blob, PACK_SSH_ED25519, &error));
    assert_pack_ok(pack_ssh_put_string(&blob, signature, sizeof signature, &error));
    assert_pack_ok(pack_buffer_append(&all, &kind, 1, &error));
    assert_pack_ok(pack_ssh_put_string(&all, blob.bytes, blob.size, &error));
    answer(fake, all.size, all.bytes, all.size);
}

static int open_key(struct fake *fake, struct pack_signing_key **key, struct pack_error *error)
{
    const struct pack_signing_access access = {.agent = fake->path};
    pthread_create(&fake->thread, NULL, serve, fake);
    return pack_signing_key_open(key, "agent:", &access, error);
}

static int sign(const struct pack_signing_key *key, const void *message, size_t size,
                struct pack_error *error)
{
    uint8_t signature[PACK_SIGNATURE_SIZE];
    const struct pack_signer signer = pack_signing_key_signer(key);
    return pack_signer_sign(&signer, message, size, signature, error);
}

static void test_signs(void **state)
{
    struct fake *fake = *state;
    struct pack_error error = {0};
    AUTO_SIGNER struct pack_signing_key *key = NULL;
    answer_one_key(fake);
    answer_signature(fake, "message", 7);
    assert_pack_ok(open_key(fake, &key, &error));
    assert_string_equal(pack_signing_key_store(key), "agent");
    assert_pack_ok(sign(key, "message", 7, &error));
    /* kind, the key of 51 bytes, the message, flags */
    assert_int_equal(fake->request_size, 1 + 4 + 51 + 4 + 7 + 4);
}

static void test_messages_have_a_limit(void **state)
{
    enum { MOST = AGENT_MAX_MESSAGE - 1 - 4 - 51 - 4 - 4 };
    struct fake *fake = *state;
    struct pack_error error = {0};
    AUTO_SIGNER struct pack_signing_key *key = NULL;
    PACK_AUTO_FREE uint8_t *message = calloc(1, MOST + 1);
    answer_one_key(fake);
    answer_signature(fake, message, MOST);
    assert_pack_ok(open_key(fake, &key, &error));
    assert_pack_fails(sign(key, message, MOST + 1, &error), PACK_E_KEY_STORE);
    assert_pack_says("262081 bytes are to be signed, an ssh-agent takes at most 262080");
    assert_pack_ok(sign(key, message, MOST, &error));
    assert_int_equal(fake->request_size, AGENT_MAX_MESSAGE);
}

static void test_refusals_have_words(void **state)
{
    struct fake *fake = *state;
    struct pack_error error = {0};
    AUTO_SIGNER struct pack_signing_key *key = NULL;
    answer_one_key(fake);
    answer(fake, 1, "\x05", 1);
    answer_signature(fake, "other", 5);
    assert_pack_ok(open_key(fake, &key, &error));
    assert_pack_fails(sign(key, "message", 7, &error), PACK_E_KEY_STORE);
    assert_pack_says("the agent refused");
    assert_pack_fails(sign(key, "message", 7, &error), PACK_E_KEY_STORE);
    assert_pack_says("does not verify");
}

static void assert_open_fails(struct fake *fake, const char *says)
{
    struct pack_error error = {0};
    struct pack_signing_key *key = NULL;
    assert_pack_fails(open_key(fake, &key, &error), PACK_E_KEY_STORE);
    assert_pack_says(says);
}

static void test_answers_may_be_cut_short(void **state)
{
    answer(*state, 100, "\x0c", 1);
    assert_open_fails(*state, "closed the connection in the middle of its answer");
}

static void test_answers_may_be_too_long(void **state)
{
    answer(*state, AGENT_MAX_MESSAGE + 1, "", 0);
    assert_open_fails(*state, "has 262145 bytes, at most 262144 are read");
}

static void test_answers_may_be_empty(void **state)
{
    answer(*state, 0, "", 0);
    assert_open_fails(*state, "the agent's answer is empty");
}

static void test_agents_may_be_gone(void **state)
{
    struct fake *fake = *state;
    char longer[200];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    close(fake->listener);
    const struct {
        const char *path, *says;
    } cases[] = {
        {NULL, "SSH_AUTH_SOCK is not set"},
        {"/nowhere/agent", "no ssh-agent listens at /nowhere/agent"},
        {"/dev/null", "has ended"},
        {fake->path, "has ended"},
        {longer, "SSH_AUTH_SOCK has 199 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        struct pack_signing_key *key = NULL;
        const struct pack_signing_access access = {.agent = cases[i].path};
        assert_pack_fails(pack_signing_key_open(&key, "agent:x", &access, &error),
                          PACK_E_KEY_STORE);
        assert_pack_says(cases[i].says);
    }
}

#define WITH_FAKE(test) cmocka_unit_test_setup_teardown(test, make_fake, remove_fake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chooses_the_key_that_is_named),
        cmocka_unit_test(test_refuses_the_other_keys),
        cmocka_unit_test(test_damaged_answers_are_refused),
        cmocka_unit_test(test_damaged_signatures_are_refused),
        WITH_FAKE(test_signs),
        WITH_FAKE(test_messages_have_a_limit),
        WITH_FAKE(test_refusals_have_words),
        WITH_FAKE(test_answers_may_be_cut_short),
        WITH_FAKE(test_answers_may_be_too_long),
        WITH_FAKE(test_answers_may_be_empty),
        WITH_FAKE(test_agents_may_be_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
