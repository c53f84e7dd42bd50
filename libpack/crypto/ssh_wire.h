/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SSH_WIRE_H
#define CRYPTO_SSH_WIRE_H

/*
 * What SSH's formats are made of (RFC 4251, section 5): big-endian 32-bit integers, and strings
 * with their length before them. Public key blobs are RFC 8709's, and OpenSSH PROTOCOL.u2f's.
 */

#include "base/bytes.h"
#include "pack/key.h"

#define PACK_SSH_ED25519 "ssh-ed25519"
#define PACK_SSH_SK_ED25519 "sk-ssh-ed25519@openssh.com"

/* A string's bytes, which belong to what was read. */
struct pack_ssh_string {
    const uint8_t *bytes;
    size_t size;
};

/* False where there is less; nothing is moved then. */
bool pack_ssh_take_u32(struct pack_cursor *cursor, uint32_t *value);
bool pack_ssh_take_string(struct pack_cursor *cursor, struct pack_ssh_string *string);
/* Whether the string is that text. */
bool pack_ssh_string_is(struct pack_ssh_string string, const char *text);
/* A cursor over the string's own bytes. */
struct pack_cursor pack_ssh_string_cursor(struct pack_ssh_string string);

PACK_MUST_USE int pack_ssh_put_u32(struct pack_buffer *buffer, uint32_t value,
                                   struct pack_error *error);
PACK_MUST_USE int pack_ssh_put_string(struct pack_buffer *buffer, const void *bytes, size_t size,
                                      struct pack_error *error);
PACK_MUST_USE int pack_ssh_put_text(struct pack_buffer *buffer, const char *text,
                                    struct pack_error *error);

/*
 * A public key blob of exactly these bytes: ssh-ed25519, or sk-ssh-ed25519@openssh.com with its
 * application. PACK_E_KEY_INVALID; another type of key is PACK_E_UNSUPPORTED, and named.
 */
PACK_MUST_USE int pack_ssh_public_key_parse(struct pack_public_key *key,
                                            struct pack_ssh_string blob, struct pack_error *error);
/* The blob of a key: the FIDO type where it has an application. */
PACK_MUST_USE int pack_ssh_public_key_put(struct pack_buffer *buffer,
                                          const struct pack_public_key *key,
                                          struct pack_error *error);

#endif
