/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_VARINT_H
#define UNPACK_VARINT_H

/* Numbers of plans: seven bits in each byte, the lowest first, the top bit set in all but the last.
 */

#include "base/bytes.h"

PACK_MUST_USE int varint_append(struct pack_buffer *buffer, uint64_t value,
                                struct pack_error *error);
/* False where it is cut short, beyond 64 bits, or longer than it must be. */
bool varint_read(struct pack_cursor *cursor, uint64_t *value);

#endif
