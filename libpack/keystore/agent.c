/* SPDX-License-Identifier: MIT */
#include "keystore/agent.h"

#include "io/file.h"
#include "io/wait.h"
#include "keystore/keystore.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Keys in an ssh-agent: plain Ed25519 signatures of any bytes, by SSH_AGENTC_SIGN_REQUEST. */

enum {
    ANSWER_SECONDS = 30, /* tokens behind an agent may be slow */
    SIGN_SECONDS = 120,  /* a person may be asked */
    LENGTH_SIZE = 4,
};

/* Each request has a connection of its own, so that no late answer can be taken for another. */
struct agent {
    char *path;
    struct pack_buffer blob; /* the key, as the agent names it */
};

/* --- the socket ------------------------------------------------------------------------------ */

static int fail_connect(int number, const char *path, struct pack_error *error)
{
    if (number == ENOENT)
        pack_fail(error, PACK_E_KEY_STORE, "no ssh-agent listens at %.256s", path);
    else if (number == EAGAIN)
        return pack_fail(error, PACK_E_KEY_STORE, "the ssh-agent at %.256s is too busy", path);
    else if (number == ECONNREFUSED)
        pack_fail(error, PACK_E_KEY_STORE, "the ssh-agent of %.256s has ended", path);
    else {
        pack_fail_errno(error, number, "cannot reach the ssh-agent at %.256s", path);
        error->code = PACK_E_KEY_STORE;
    }
    return pack_hint(error, "start one: eval \"$(ssh-agent)\" && ssh-add FILE");
}

static int connect_agent(int *socket_out, const char *path, struct pack_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path == NULL) {
        pack_fail(error, PACK_E_KEY_STORE, "no ssh-agent: SSH_AUTH_SOCK is not set");
        return pack_hint(error, "start one: eval \"$(ssh-agent)\" && ssh-add FILE");
    }
    if (strlen(path) >= sizeof address.sun_path)
        return pack_fail(error, PACK_E_KEY_STORE,
                         "SSH_AUTH_SOCK has %zu bytes, the path of a socket has at most %zu",
                         strlen(path), sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, strlen(path));
    const struct timeval patience = {.tv_sec = ANSWER_SECONDS};
    PACK_AUTO_CLOSE int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0 || setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
        return pack_fail_errno(error, errno, "cannot make a socket");
    if (connect(made, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail_connect(errno, path, error);
    *socket_out = made;
    made = -1;
    return 0;
}

static int wait_for_agent(int socket, short events, int64_t deadline, struct pack_error *error)
{
    bool ready = false;
    const int code = wait_for(socket, events, deadline, &ready, error);
    if (code != 0 || ready)
        return code;
    return pack_fail(error, PACK_E_KEY_STORE, "the ssh-agent does not answer");
}

static int fail_transfer(struct pack_error *error)
{
    if (errno == EINTR)
        return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
    pack_fail_errno(error, errno, "the ssh-agent went away");
    error->code = PACK_E_KEY_STORE;
    return PACK_E_KEY_STORE;
}

static int send_all(int socket, const uint8_t *bytes, size_t size, int64_t deadline,
                    struct pack_error *error)
{
    for (size_t sent = 0; sent < size;) {
        const int code = wait_for_agent(socket, POLLOUT, deadline, error);
        if (code != 0)
            return code;
        const ssize_t got = send(socket, bytes + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (got < 0 && errno != EAGAIN)
            return fail_transfer(error);
        sent += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static int receive_all(int socket, uint8_t *bytes, size_t size, int64_t deadline,
                       struct pack_error *error)
{
    for (size_t have = 0; have < size;) {
        const int code = wait_for_agent(socket, POLLIN, deadline, error);
        if (code != 0)
            return code;
        const ssize_t got = recv(socket, bytes + have, size - have, MSG_DONTWAIT);
        if (got == 0)
            return pack_fail(error, PACK_E_KEY_STORE,
                             "the ssh-agent closed the connection in the middle of its answer");
        if (got < 0 && errno != EAGAIN)
            return fail_transfer(error);
        have += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

/* One request, one answer without its length. */
static int ask(const char *path, const struct pack_buffer *request, struct pack_buffer *answer,
               unsigned seconds, struct pack_error *error)
{
    const int64_t deadline = wait_deadline(seconds);
    PACK_AUTO_CLOSE int socket = -1;
    uint8_t length[LENGTH_SIZE];
    int code = connect_agent(&socket, path, error);
    if (code == 0)
        code = send_all(socket, request->bytes, request->size, deadline, error);
    if (code == 0)
        code = receive_all(socket, length, sizeof length, deadline, error);
    if (code != 0)
        return code;
    const size_t size = pack_be32(length);
    if (size > AGENT_MAX_MESSAGE)
        return pack_fail(error, PACK_E_KEY_STORE,
                         "the ssh-agent's answer has %zu bytes, at most %d are read", size,
                         (int)AGENT_MAX_MESSAGE);
    code = pack_buffer_reserve(answer, size, error);
    if (code == 0 && size != 0)
        code = receive_all(socket, answer->bytes, size, deadline, error);
    answer->size = code == 0 ? size : 0;
    return code;
}

/* --- opening --------------------------------------------------------------------------------- */

static int keep(struct pack_signing_key *key, struct agent *agent,
                const struct agent_identity *chosen, const struct pack_signing_access *access,
                struct pack_error *error)
{
    struct pack_public_key public;
    int code = pack_ssh_public_key_parse(&public, chosen->blob, error);
    if (code == 0)
        code = pack_buffer_append(&agent->blob, chosen->blob.bytes, chosen->blob.size, error);
    return code != 0 ? code : keystore_set_public(key, public.bytes, access, error);
}

static int open_agent(struct pack_signing_key *key, const char *name,
                      const struct pack_signing_access *access, struct pack_error *error)
{
    static const uint8_t request_bytes[] = {0, 0, 0, 1, AGENT_REQUEST_IDENTITIES};
    const struct pack_buffer request = {.bytes = (uint8_t *)(uintptr_t)request_bytes,
                                        .size = sizeof request_bytes};
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = AGENT_MAX_MESSAGE};
    PACK_AUTO_FREE struct agent_identity *identities = NULL;
    const struct agent_identity *chosen = NULL;
    struct agent *agent = NULL;
    size_t count = 0;
    int code = pack_allocate(&agent, 1, sizeof *agent, error);
    if (code != 0)
        return code;
    agent->blob.limit = AGENT_MAX_MESSAGE;
    key->state = agent;
    if (access->agent != NULL)
        code = pack_copy_string(&agent->path, access->agent, error);
    if (code == 0)
        code = ask(agent->path, &request, &answer, ANSWER_SECONDS, error);
    if (code == 0)
        code = agent_parse_identities(&identities, &count, answer.bytes, answer.size, error);
    if (code == 0)
        code = agent_choose(&chosen, identities, count, name, error);
    return code != 0 ? code : keep(key, agent, chosen, access, error);
}

/* --- signing --------------------------------------------------------------------------------- */

/* Length, kind, key, data, and no flags. */
static int make_request(struct pack_buffer *request, const struct agent *agent, const void *message,
                        size_t size, struct pack_error *error)
{
    const size_t overhead = 1 + 3 * LENGTH_SIZE + agent->blob.size;
    const uint8_t kind = AGENT_SIGN_REQUEST;
    if (size > AGENT_MAX_MESSAGE - overhead)
        return pack_fail(error, PACK_E_KEY_STORE,
                         "%zu bytes are to be signed, an ssh-agent takes at most %zu", size,
                         AGENT_MAX_MESSAGE - overhead);
    int code = pack_ssh_put_u32(request, (uint32_t)(overhead + size), error);
    if (code == 0)
        code = pack_buffer_append(request, &kind, sizeof kind, error);
    if (code == 0)
        code = pack_ssh_put_string(request, agent->blob.bytes, agent->blob.size, error);
    if (code == 0)
        code = pack_ssh_put_string(request, message, size, error);
    return code != 0 ? code : pack_ssh_put_u32(request, 0, error);
}

static int sign_with_agent(struct pack_signing_key *key, const char *role, const void *message,
                           size_t size, uint8_t signature[PACK_SIGNATURE_SIZE],
                           struct pack_error *error)
{
    const struct agent *agent = key->state;
    PACK_AUTO_BUFFER struct pack_buffer request = {.limit = AGENT_MAX_MESSAGE + LENGTH_SIZE};
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = AGENT_MAX_MESSAGE};
    (void)role;
    int code = make_request(&request, agent, message, size, error);
    if (code == 0)
        code = ask(agent->path, &request, &answer, SIGN_SECONDS, error);
    return code != 0 ? code : agent_parse_signature(signature, answer.bytes, answer.size, error);
}

static void close_agent(struct pack_signing_key *key)
{
    struct agent *agent = key->state;
    if (agent == NULL)
        return;
    free(agent->path);
    pack_buffer_clear(&agent->blob);
    free(agent);
    key->state = NULL;
}

const struct keystore keystore_agent = {
    .name = "agent",
    .scheme = "agent:",
    .open = open_agent,
    .sign = sign_with_agent,
    .close = close_agent,
};
