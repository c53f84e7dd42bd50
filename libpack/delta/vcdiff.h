/* SPDX-License-Identifier: MIT */
#ifndef DELTA_VCDIFF_H
#define DELTA_VCDIFF_H

/*
 * VCDIFF (RFC 3284) with the default code table. A patch is a row of windows; each makes a part
 * of the new image, its target, from instructions that add bytes, repeat one, or copy from a
 * segment of the old image or from what the window made before. Addresses count on from the
 * segment to the target.
 */

#include "base/bytes.h"

enum vcdiff_kind { VCDIFF_ADD, VCDIFF_RUN, VCDIFF_COPY };

enum {
    VCDIFF_NEAR = 4, /* slots of the near cache */
    VCDIFF_SAME = 3, /* blocks of 256 of the same cache */
    VCDIFF_MODES = 2 + VCDIFF_NEAR + VCDIFF_SAME,
    VCDIFF_COPY_MIN = 4, /* shortest copy that has a code of its own */
};

/* The parts of a window that follow each other in a patch. */
enum vcdiff_section { VCDIFF_DATA, VCDIFF_INSTRUCTIONS, VCDIFF_ADDRESSES, VCDIFF_SECTIONS };

struct vcdiff_step {
    uint8_t kind; /* enum vcdiff_kind */
    uint32_t size;
    uint32_t address; /* for a copy */
};

/* Section 5.3: addresses that were used before. */
struct vcdiff_cache {
    uint32_t near_to[VCDIFF_NEAR];
    unsigned next;
    uint32_t same[VCDIFF_SAME * 256];
};

/* An instruction whose code may yet be joined with that of the next one. */
struct vcdiff_code {
    uint8_t kind, mode;
    uint32_t size; /* 0: none */
};

/* Writes the sections of one window. */
struct vcdiff_writer {
    struct vcdiff_cache cache;
    struct vcdiff_code waiting;
    struct pack_buffer *sections; /* VCDIFF_SECTIONS of them */
};

int vcdiff_put_number(struct pack_buffer *buffer, uint64_t value, struct pack_error *error);

/* Adds an instruction at the address `here`; `data` are the bytes that it makes. */
int vcdiff_put_step(struct vcdiff_writer *writer, const struct vcdiff_step *step, uint32_t here,
                    const uint8_t *data, struct pack_error *error);
/* The last one's code. */
int vcdiff_put_end(struct vcdiff_writer *writer, struct pack_error *error);

/* The other direction. Each returns false where the bytes say something impossible. */
bool vcdiff_get_number(struct pack_cursor *cursor, uint64_t *value);
/* The one or two instructions of the next code, without their addresses. */
bool vcdiff_get_codes(struct pack_cursor *instructions, struct vcdiff_code codes[2], size_t *count);
bool vcdiff_get_address(struct vcdiff_cache *cache, struct pack_cursor *addresses, uint8_t mode,
                        uint32_t here, uint32_t *address);

/* A window to be parsed: `source` of the old image and `target` of the new one. */
struct vcdiff_parse {
    const uint8_t *source, *target;
    uint32_t source_size, target_size;
    const struct patch_cover *covers; /* those that touch the window, in whole images' offsets */
    size_t cover_count;
    uint64_t source_offset, target_offset;
    unsigned effort; /* how many places are tried at each byte */
};

struct vcdiff_steps {
    struct vcdiff_step *list;
    size_t count, capacity;
};

void vcdiff_steps_free(struct vcdiff_steps *steps);

/* Instructions that make the target, chosen by what they will take in the patch. */
int vcdiff_choose(const struct vcdiff_parse *parse, struct vcdiff_steps *steps,
                  struct pack_error *error);

#endif
