/* SPDX-License-Identifier: MIT */
#ifndef DELTA_BEGIN_H
#define DELTA_BEGIN_H

/* The halves of pack_patch_begin, for who checks in one process and applies in another. */

#include "pack/delta.h"

/* The memory that it claims, and the base, hashed in full. Nothing is decoded. */
PACK_MUST_USE int delta_patch_check(struct pack_patch *patch, const struct pack_context *context,
                                    struct pack_input *old_image, struct pack_error *error);
/* The memory alone. */
PACK_MUST_USE int delta_patch_check_memory(struct pack_patch *patch,
                                           const struct pack_context *context,
                                           struct pack_error *error);
/* pack_patch_begin, for a base that the caller has hashed. */
PACK_MUST_USE int delta_patch_begin_proved(struct pack_patch *patch,
                                           const struct pack_context *context,
                                           struct pack_input *old_image, struct pack_error *error);

/* Most bytes of memory that applying takes on this machine, at least. */
uint64_t delta_patch_memory(const struct pack_patch *patch);

/* Leaves it to others to prove the new image: pack_patch_read does not hash it. */
void delta_patch_leave_result(struct pack_patch *patch);
/* Goes on with the same bytes from another input, which is read from where the header ends. */
void delta_patch_move(struct pack_patch *patch, struct pack_input *input);

#endif
