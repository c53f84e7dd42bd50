/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

/*
 * The little of DER (X.690) that PKCS#8 and SubjectPublicKeyInfo need, read strictly: lengths are
 * definite and as short as can be, integers too. A key file stays in its guarded memory, where
 * libcrypto's own decoder would copy it to the heap.
 */

#include "base/bytes.h"

enum pack_der_tag {
    PACK_DER_INTEGER = 0x02,
    PACK_DER_BIT_STRING = 0x03,
    PACK_DER_OCTET_STRING = 0x04,
    PACK_DER_NULL = 0x05,
    PACK_DER_OID = 0x06,
    PACK_DER_SEQUENCE = 0x30,
    PACK_DER_SET = 0x31,
};

/* The next tag, -1 at the end. */
int pack_der_peek(const struct pack_cursor *cursor);
/* Takes an element of that tag; `content` is a cursor over it. False moves nothing. */
bool pack_der_take(struct pack_cursor *cursor, int tag, struct pack_cursor *content);
/* An INTEGER from 0 to UINT64_MAX. */
bool pack_der_take_unsigned(struct pack_cursor *cursor, uint64_t *value);

/* An OBJECT IDENTIFIER that is known, and what it means to who looks for it. */
struct pack_der_oid {
    const uint8_t *bytes; /* the content octets */
    size_t size;
    const char *name; /* NULL ends a table */
};
#define PACK_DER_OID_OF(bytes) (const uint8_t *)(bytes), sizeof(bytes) - 1
/* Takes an OID; *found is its entry, or the last one, whose name is NULL. */
bool pack_der_take_oid(struct pack_cursor *cursor, const struct pack_der_oid *table,
                       const struct pack_der_oid **found);

#endif
