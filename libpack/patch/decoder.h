/* SPDX-License-Identifier: MIT */
#ifndef PATCH_DECODER_H
#define PATCH_DECODER_H

/*
 * Applying the body of a patch, step by step, in memory that the caller gives. Between two steps
 * the state can be saved as plain bytes and restored later, in the same build.
 */

#include "patch/body.h"
#include "patch/header.h"
#include "patch/pages.h"

struct patch_decoder;

/* What lies outside of the decoder; callbacks are not saved. */
struct patch_device {
    patch_read_function read_patch; /* goes on right after the header */
    patch_old_function read_old;    /* of the opened image where the patch is PATCH_UNPACKED */
    void *user;
};

/* Bytes that a decoder takes for this header; 0 when this build cannot, or a size is absurd. */
size_t patch_decoder_size(const struct patch_header *header);

/*
 * Starts in `memory`, patch_decoder_size(header) bytes, aligned to 8. The header stays the caller's
 * and must outlive it, here and in patch_decoder_restore. The caller has checked that
 * header->memory is no less, and the old image's hash.
 */
struct patch_decoder *patch_decoder_new(void *memory, const struct patch_header *header,
                                        const struct patch_device *device);

/* The plans of a PATCH_UNPACKED patch, before anything else; room for both sizes. */
enum patch_status patch_decoder_plans(struct patch_decoder *decoder, uint8_t *old_plan,
                                      uint8_t *new_plan);
/* Reads the tables; then the model is shown the old image, from its start to its end. */
enum patch_status patch_decoder_begin(struct patch_decoder *decoder);
bool patch_decoder_wants_training(const struct patch_decoder *decoder);
void patch_decoder_train(struct patch_decoder *decoder, const uint8_t *bytes, size_t size);

/* At most patch_profile()->window bytes of the new image; *size is 0 after the last one. */
enum patch_status patch_decoder_step(struct patch_decoder *decoder, uint8_t *bytes, size_t *size);
/*
 * PATCH_IN_PLACE, after begin: sets in `place` what the decoder knows, and reads which pages stay
 * as they are. The states are those that change from page to page.
 */
#define PATCH_DECODER_STATES 2
enum patch_status patch_decoder_place(struct patch_decoder *decoder, struct patch_in_place *place,
                                      struct patch_state states[PATCH_DECODER_STATES]);
/*
 * PATCH_IN_PLACE: goes to the next page, whose bytes the steps to come make; *more is false when
 * there is none, and the image is finished.
 */
enum patch_status patch_decoder_page(struct patch_decoder *decoder, uint32_t *page, bool *more);
/* After the last step: PATCH_CORRUPT unless the patch ends where it should. */
enum patch_status patch_decoder_end(struct patch_decoder *decoder);

/* Bytes read of the patch's body, and made of the new image, so far. */
patch_offset patch_decoder_consumed(const struct patch_decoder *decoder);
patch_offset patch_decoder_made(const struct patch_decoder *decoder);
const struct patch_covers *patch_decoder_covers(const struct patch_decoder *decoder);
#ifndef PATCH_DECODE_ONLY
/* What the bytes that were read were spent on, PATCH_ACCOUNTS of them, in 1/65536 bit. */
const uint64_t *patch_decoder_cost(const struct patch_decoder *decoder);
#endif

/*
 * The memory as it stands is the saved state. Restore takes a copy of it in `memory`; what was read
 * of the patch beyond `consumed` bytes is dropped, and is to be read again: `unread` bytes.
 */
struct patch_decoder *patch_decoder_restore(void *memory, const struct patch_header *header,
                                            const struct patch_device *device);
size_t patch_decoder_unread(struct patch_decoder *decoder);

#endif
