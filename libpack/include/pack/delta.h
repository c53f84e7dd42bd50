/* SPDX-License-Identifier: MIT */
#ifndef PACK_DELTA_H
#define PACK_DELTA_H

/*
 * Patches between two images. docs/delta-format.md has the format (.fwd); pack/patch.h has the
 * apply side, which builds alone.
 */

#include "pack/context.h"
#include "pack/digest.h"
#include "pack/io.h"

PACK_BEGIN_DECLS

enum pack_delta_level { PACK_DELTA_FAST, PACK_DELTA_DEFAULT, PACK_DELTA_BEST };

/* What the device can afford; see docs/delta-format.md for each decoder's code and memory. */
enum pack_delta_decoder { PACK_DECODER_TINY, PACK_DECODER_SMALL, PACK_DECODER_FULL };

enum pack_delta_format {
    PACK_DELTA_FWD,
    PACK_DELTA_BSDIFF4,         /* for bspatch 4.3 */
    PACK_DELTA_VCDIFF,          /* RFC 3284, for xdelta3 -d */
    PACK_DELTA_ZSTD_PATCH_FROM, /* for zstd -d --patch-from */
};

/* The words for them, by their numbers; NULL behind the last. */
PACK_API const char *pack_delta_level_name(size_t level);
PACK_API const char *pack_delta_decoder_name(size_t decoder);
PACK_API const char *pack_delta_format_name(size_t format);

struct pack_delta_options {
    enum pack_delta_format format;
    enum pack_delta_level level;
    enum pack_delta_decoder decoder;
    uint64_t decoder_memory;  /* most bytes that applying may take; 0: the decoder's default */
    uint64_t memory;          /* most bytes that creation may take; 0: 1 GiB */
    uint32_t in_place;        /* page size for one slot, a power of two; 0: two slots */
    uint32_t scratch;         /* in place: bytes of replaced pages that the journal can keep */
    const char *architecture; /* NULL: found out */
    bool keep_packed;         /* do not open packed parts */
};

/* Where the bytes went, for people and for `inspect`. Bits are those of the patch's body. */
struct pack_delta_report {
    uint64_t old_size, new_size, patch_size;
    uint64_t plain_old_size, plain_new_size;            /* after unpacking; the same without */
    uint64_t covers, copied, referenced, missed, extra; /* counts; bytes but the first */
    uint64_t bits_plans, bits_layout, bits_covers, bits_hits, bits_misses, bits_extra;
    uint64_t decoder_memory;
    bool stored;           /* nothing in common: the new image itself */
    char architecture[32]; /* "thumb", or "thumb, a64" */
    char unpacked[128];    /* "1522 gzip blocks"; empty where nothing was packed */
};

/*
 * Writes a patch from `old` to `new`, which can seek and have sizes. The patch has been applied
 * and compared before the sink sees a byte. `report` may be NULL. The same bytes on every machine
 * and with any number of threads. PACK_E_LIMIT when it cannot be made within the memory.
 */
PACK_API PACK_MUST_USE int pack_delta_create(const struct pack_context *context,
                                             struct pack_input *old_image,
                                             struct pack_input *new_image, struct pack_sink *patch,
                                             const struct pack_delta_options *options,
                                             struct pack_delta_report *report,
                                             struct pack_error *error);

/* What became of a byte of the new image. */
enum pack_delta_change {
    PACK_CHANGE_SAME,      /* as it was, where it was */
    PACK_CHANGE_MOVED,     /* as it was, elsewhere */
    PACK_CHANGE_PREDICTED, /* part of a reference, which changed as its target moved */
    PACK_CHANGE_CHANGED,   /* another one in a range that is copied */
    PACK_CHANGE_NEW,       /* between those ranges */
    PACK_CHANGES
};

/* The bytes of one piece of the new image, by what became of them. */
struct pack_delta_cell {
    uint64_t bytes[PACK_CHANGES];
};

/*
 * Tells how the new image came of the old one, as a delta with those options sees it: in `cells`
 * pieces of the same size but the last ones, whose size is *cell_size. Packed parts that were
 * opened stand opened in it. The report may be NULL.
 */
PACK_API PACK_MUST_USE int
pack_delta_map(const struct pack_context *context, struct pack_input *old_image,
               struct pack_input *new_image, const struct pack_delta_options *options,
               struct pack_delta_cell *cells, size_t cell_count, uint64_t *cell_size,
               struct pack_delta_report *report, struct pack_error *error);

/* The architectures that `architecture` may name: name NULL at the end. */
PACK_API const char *pack_delta_architecture(size_t index, const char **summary);

/* What a patch's header says. */
struct pack_patch_info {
    enum pack_delta_decoder decoder;
    unsigned version;
    bool stored, unpacked;
    uint32_t in_place; /* page size, or 0 */
    uint32_t scratch;
    uint64_t old_size, new_size;
    uint64_t plain_old_size, plain_new_size;
    uint64_t memory; /* bytes that applying takes */
    uint8_t old_sha256[PACK_SHA256_SIZE], new_sha256[PACK_SHA256_SIZE];
};

/* One copied range, for `inspect` and `diff`. */
struct pack_patch_cover {
    uint64_t new_offset, old_offset, size;
};

struct pack_patch; /* a patch being read */

/*
 * Reads the header; `patch` is read forward only. PACK_E_MALFORMED, PACK_E_UNSUPPORTED. The input
 * stays the caller's and must outlive it.
 */
PACK_API PACK_MUST_USE int pack_patch_open(struct pack_patch **patch, struct pack_input *input,
                                           struct pack_error *error);
PACK_API const struct pack_patch_info *pack_patch_info(const struct pack_patch *patch);
/*
 * Checks the base, hashed in full (PACK_E_WRONG_BASE names what was wanted and what was found),
 * the memory (PACK_E_LIMIT above context->decoder_memory) and the recipes, and decodes the covers.
 * Nothing is output before that. `old_image` can seek and may be longer than the base.
 */
PACK_API PACK_MUST_USE int pack_patch_begin(struct pack_patch *patch,
                                            const struct pack_context *context,
                                            struct pack_input *old_image, struct pack_error *error);
/*
 * In the place of begin, where the old image is not at hand: only the tables are read, for
 * pack_patch_covers and pack_patch_report. Nothing can be read then.
 */
PACK_API PACK_MUST_USE int pack_patch_begin_tables(struct pack_patch *patch,
                                                   const struct pack_context *context,
                                                   struct pack_error *error);
/*
 * What is known of the patch so far: sizes, covers, and what the bytes that were read were spent
 * on, to the byte; of all of it after the last read. Counts of references and misses are 0.
 */
PACK_API void pack_patch_report(const struct pack_patch *patch, struct pack_delta_report *report);
/* Valid after begin. The patch's. In plain (unpacked) offsets. */
PACK_API const struct pack_patch_cover *pack_patch_covers(const struct pack_patch *patch,
                                                          size_t *count);
/*
 * The next bytes of the new image, at most `capacity`; *got is 0 at the end, and only then is the
 * whole image proved by its hash (PACK_E_CORRUPT when it differs).
 */
PACK_API PACK_MUST_USE int pack_patch_read(struct pack_patch *patch, void *buffer, size_t capacity,
                                           size_t *got, struct pack_error *error);
/*
 * Between two reads: the state as bytes (malloc()ed, the caller's), to go on after a restart.
 * Restore takes an opened patch in the place of begin, and `made`, the bytes that were read so far:
 * they are hashed again, so that what was kept meanwhile is proved with the rest. PACK_E_CORRUPT
 * for a damaged state, PACK_E_UNSUPPORTED for one of another version. A patch between opened
 * images cannot be saved (PACK_E_UNSUPPORTED).
 */
PACK_API PACK_MUST_USE int pack_patch_save(const struct pack_patch *patch, void **state,
                                           size_t *size, struct pack_error *error);
PACK_API PACK_MUST_USE int pack_patch_restore(struct pack_patch *patch,
                                              const struct pack_context *context,
                                              struct pack_input *old_image, struct pack_input *made,
                                              const void *state, size_t size,
                                              struct pack_error *error);
PACK_API void pack_patch_close(struct pack_patch **patch);

/* All of it: begin, read, and write to the sink. */
PACK_API PACK_MUST_USE int pack_patch_apply(const struct pack_context *context,
                                            struct pack_input *patch, struct pack_input *old_image,
                                            struct pack_sink *new_image, struct pack_error *error);

PACK_END_DECLS

#endif
