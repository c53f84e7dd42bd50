/* SPDX-License-Identifier: MIT */
#ifndef AGE_HEADER_H
#define AGE_HEADER_H

/* The textual header of an age file: strict, so that each header has one spelling. */

#include "age/wrap.h"
#include "base/bytes.h"
#include "crypto/textline.h"

#define AGE_VERSION_LINE "age-encryption.org/v1\n"

enum {
    AGE_ARGUMENTS = 3,   /* that are kept; no stanza that is known has more */
    AGE_BODY_SIZE = 48,  /* one full line */
    AGE_KEY_DIGITS = 43, /* base64 without padding of 32 bytes */
    AGE_SALT_DIGITS = 22,
};

/* --- reading --------------------------------------------------------------------------------- */

/* A header that was found to follow the grammar. The bytes are somebody else's. */
struct age_header {
    struct pack_span text; /* all of it */
    size_t mac_covers;     /* bytes, up to and with "---" */
    uint8_t mac[AGE_KEY_SIZE];
    size_t recipient_count; /* stanzas but for grease */
    bool passphrase;        /* one scrypt stanza, and no other */
};

/* Where a header ends, 0 where more bytes are needed. `*searched` starts as 0, and is moved. */
size_t age_header_end(const void *bytes, size_t size, size_t *searched);
/*
 * PACK_E_MALFORMED with the line; PACK_E_UNSUPPORTED for another version than v1; PACK_E_LIMIT for
 * more stanzas, or for more work of scrypt, than are honoured.
 */
PACK_MUST_USE int age_header_parse(struct age_header *header, const void *bytes, size_t size,
                                   struct pack_error *error);

/* One recipient stanza. */
struct age_stanza {
    unsigned line;
    size_t argument_count; /* with the type, which is the first */
    struct pack_span arguments[AGE_ARGUMENTS];
    size_t body_size;
    uint8_t body[AGE_BODY_SIZE]; /* the first line's */
};

/* The stanzas of a header, in their order. */
struct age_stanzas {
    struct pack_cursor cursor;
    unsigned line;
};
struct age_stanzas age_header_stanzas(const struct age_header *header);
/* false behind the last. */
bool age_stanzas_next(struct age_stanzas *stanzas, struct age_stanza *stanza);

bool age_stanza_is(const struct age_stanza *stanza, const char *type);
/* Of a stanza that is X25519's. */
void age_stanza_share(const struct age_stanza *stanza, uint8_t share[AGE_KEY_SIZE]);
/* Of a stanza that is scrypt's. */
unsigned age_stanza_work(const struct age_stanza *stanza, uint8_t salt[AGE_SALT_SIZE]);

/* --- writing --------------------------------------------------------------------------------- */

/* Bytes of a stanza of either kind, and of the lines before and behind all stanzas. */
enum {
    AGE_X25519_SIZE = 10 + AGE_KEY_DIGITS + 1 + AGE_KEY_DIGITS + 1,
    AGE_SCRYPT_SIZE = 10 + AGE_SALT_DIGITS + 4 + AGE_KEY_DIGITS + 1,
    AGE_FRAME_SIZE = sizeof AGE_VERSION_LINE - 1 + 4 + AGE_KEY_DIGITS + 1,
};

PACK_MUST_USE int age_write_x25519(struct pack_buffer *text, const uint8_t share[AGE_KEY_SIZE],
                                   const uint8_t body[AGE_WRAPPED_SIZE], struct pack_error *error);
PACK_MUST_USE int age_write_scrypt(struct pack_buffer *text, const uint8_t salt[AGE_SALT_SIZE],
                                   unsigned work, const uint8_t body[AGE_WRAPPED_SIZE],
                                   struct pack_error *error);
/* The last line, with its MAC over what `text` holds so far. */
PACK_MUST_USE int age_write_end(struct pack_buffer *text, struct age_secrets *secrets,
                                struct pack_error *error);

#endif
