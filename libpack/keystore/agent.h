/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_AGENT_H
#define KEYSTORE_AGENT_H

/* What an ssh-agent says (draft-miller-ssh-agent): its answers, without the length before them. */

#include "crypto/ssh_wire.h"

enum {
    AGENT_MAX_MESSAGE = 256 * 1024, /* OpenSSH's agent takes and gives no more */
    AGENT_MAX_IDENTITIES = 2048,
    AGENT_FINGERPRINT_SIZE = 52, /* "SHA256:", 43 digits of base64, and a zero byte */
};

enum {
    AGENT_FAILURE = 5,
    AGENT_REQUEST_IDENTITIES = 11,
    AGENT_IDENTITIES_ANSWER = 12,
    AGENT_SIGN_REQUEST = 13,
    AGENT_SIGN_RESPONSE = 14,
};

/* Both belong to the answer. */
struct agent_identity {
    struct pack_ssh_string blob, comment;
};

/* *identities is to be freed with free(). PACK_E_KEY_STORE for all that is no such answer. */
PACK_MUST_USE int agent_parse_identities(struct agent_identity **identities, size_t *count,
                                         const uint8_t *answer, size_t size,
                                         struct pack_error *error);
PACK_MUST_USE int agent_parse_signature(uint8_t signature[PACK_SIGNATURE_SIZE],
                                        const uint8_t *answer, size_t size,
                                        struct pack_error *error);

/* OpenSSH's spelling of a key's SHA-256. */
PACK_MUST_USE int agent_fingerprint(char text[AGENT_FINGERPRINT_SIZE], struct pack_ssh_string blob,
                                    struct pack_error *error);
/*
 * The one Ed25519 key that `which` names: a comment, a SHA-256 fingerprint, or "" for the only one.
 * A FIDO key is refused by name, a certificate is passed over.
 */
PACK_MUST_USE int agent_choose(const struct agent_identity **chosen,
                               const struct agent_identity *identities, size_t count,
                               const char *which, struct pack_error *error);

#endif
