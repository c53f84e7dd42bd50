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

/* --- a state in pieces ------------------------------------------------------------------------ */

/*
 * As pack_patch_save and _restore, without a copy of the decoder's memory and without a seal:
 * whoever keeps the state has to prove it, and the new image.
 */

/* Most bytes of it; 0 where the patch cannot be interrupted. */
uint64_t delta_patch_state_size(const struct pack_patch *patch);
/* Between two reads: at most `capacity` bytes of it from `offset` on; 0 behind its end. */
size_t delta_patch_state_get(const struct pack_patch *patch, uint64_t offset, uint8_t *bytes,
                             size_t capacity);
/*
 * In the place of delta_patch_begin_proved: its next bytes, in order, the first 28 at once.
 * PACK_E_CORRUPT where they are none of a state of this patch.
 */
PACK_MUST_USE int delta_patch_state_put(struct pack_patch *patch,
                                        const struct pack_context *context,
                                        struct pack_input *old_image, const uint8_t *bytes,
                                        size_t size, struct pack_error *error);
/* There are no more of them: reading goes on behind byte `made` of the new image. */
PACK_MUST_USE int delta_patch_state_end(struct pack_patch *patch, uint64_t made,
                                        struct pack_error *error);

#endif
