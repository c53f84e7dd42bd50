/* SPDX-License-Identifier: MIT */
#ifndef CONFINE_CONFINE_H
#define CONFINE_CONFINE_H

/*
 * Decoders in a process that can do nothing but compute. A stolen delivery key chooses the bytes
 * that a decompressor or patcher reads; what it takes over is a child without files, network,
 * programs, or memory beyond its claim, whose output is proved block by block by its parent. The
 * child gets stored bytes that were proved, never a key, an identity or a descriptor of a file.
 *
 * Linux: fork, PR_SET_NO_NEW_PRIVS, all descriptors but its socket closed, RLIMIT_AS, seccomp
 * with a list of allowed calls, each other one ends the child. It ends with its parent
 * (PR_SET_PDEATHSIG). How far that was possible:
 */

#include "pack/backend/codec.h"
#include "pack/context.h"
#include "pack/delta.h"

/* Whether seccomp filters can be installed here. PACK_E_UNSUPPORTED otherwise. */
PACK_MUST_USE int confine_available(struct pack_error *error);

/* --- codecs --------------------------------------------------------------------------------- */

struct confined_codec;

/*
 * A child that decodes frames of at most the given sizes. Fork it from a thread that holds no
 * locks, before worker threads start, and that stays until it is freed: the child ends with it.
 * The context's confinement says whether a kernel without seccomp is a failure; the context must
 * outlive it.
 */
PACK_MUST_USE int confined_codec_new(struct confined_codec **confined,
                                     const struct pack_codec *codec,
                                     const struct pack_context *context, size_t largest_stored,
                                     size_t largest_plain, struct pack_error *error);
/* As pack_codec.decode. A child that dies is PACK_E_CORRUPT, with how it ended ("by SIGSYS"). */
PACK_MUST_USE int confined_codec_decode(struct confined_codec *confined, const void *stored,
                                        size_t stored_size, void *plain, size_t plain_size,
                                        struct pack_error *error);
void confined_codec_free(struct confined_codec **confined);

/* --- patches -------------------------------------------------------------------------------- */

struct confined_patch;

/* What the caller of confined_patch_open has seen to, so that it need not be done again. */
enum confined_proof {
    CONFINED_PROVES_NOTHING = 0,
    CONFINED_PROVED_BASE = 1,   /* hashed, and reads of it cannot give other bytes */
    CONFINED_PROVES_RESULT = 2, /* every byte, by other hashes than that of the whole */
};

/*
 * A child that applies a patch: the parent answers its reads of `patch` (forward) and of `base`,
 * and takes what it makes. The four calls are those of pack_patch_open and _begin together, _info,
 * _read and _close; errors come with code, text and hint as they would without a child. Memory is
 * bounded by the patch's claim, which must be within context->decoder_memory. `proofs` is a set of
 * enum confined_proof. The inputs and the context must outlive it. Open it from a thread that
 * stays until it is closed.
 */
PACK_MUST_USE int confined_patch_open(struct confined_patch **confined, struct pack_input *patch,
                                      struct pack_input *base, unsigned proofs,
                                      const struct pack_context *context, struct pack_error *error);
const struct pack_patch_info *confined_patch_info(const struct confined_patch *confined);
PACK_MUST_USE int confined_patch_read(struct confined_patch *confined, void *buffer,
                                      size_t capacity, size_t *got, struct pack_error *error);
void confined_patch_close(struct confined_patch **confined);

/* A child's state, to go on after a restart; what of it is believed, the child alone believes. */
struct confined_state {
    struct pack_input *input;
    uint64_t made; /* bytes of the new image that were read when it was saved */
};

/*
 * As confined_patch_open, but it goes on behind what was made, with a patch from which the bytes
 * that are not needed any more are never asked. CONFINED_PROVES_RESULT is to be among the proofs.
 * PACK_E_CORRUPT for a state that cannot be one of this patch. `state` NULL begins.
 */
PACK_MUST_USE int confined_patch_restore(struct confined_patch **confined, struct pack_input *patch,
                                         struct pack_input *base, unsigned proofs,
                                         const struct confined_state *state,
                                         const struct pack_context *context,
                                         struct pack_error *error);
/* Reads stop at each multiple of `stride` bytes, where the state can be saved. */
void confined_patch_stop_at(struct confined_patch *confined, uint64_t stride);
/*
 * Most bytes of the state; 0 where it cannot be saved: not at this place, or not at all, because of
 * the patch, or because the kernel does not filter what a child with a bad state might do.
 */
uint64_t confined_patch_state_size(const struct confined_patch *confined);
PACK_MUST_USE int confined_patch_save(struct confined_patch *confined, struct pack_sink *sink,
                                      struct pack_error *error);

#endif
