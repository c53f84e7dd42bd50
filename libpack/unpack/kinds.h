/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_KINDS_H
#define UNPACK_KINDS_H

/*
 * Kinds of packed streams: how each is recognised, opened, and packed again. A recipe is a kind
 * with all that its encoder is told, as numbers, so that a plan carries it as it is
 * (docs/delta-plans.md). To add a kind: a file with its entry, and a line in the table.
 */

#include "base/bytes.h"
#include "pack/io.h"
#include "unpack/source.h"

/* Numbers of the format: added to, never changed. */
enum stream_kind {
    KIND_DEFLATE = 1,
    KIND_GZIP,
    KIND_ZLIB,
    KIND_ZSTD,
    KIND_XZ,
    KIND_LZMA,
    KIND_LZ4_LEGACY,
    KIND_LZ4_FRAME,
    KIND_RECORDS,
    KIND_UF2,
    KIND_LZ4_BLOCK,
    KINDS
};

/* Who packs again. Numbers of the format as well. */
enum encoder {
    ENCODER_OWN,
    ENCODER_ZLIB,
    ENCODER_ZSTD,
    ENCODER_LIBLZMA,
    ENCODER_LZ4,
    ENCODER_SDK,
    ENCODERS
};

enum {
    RECIPE_PARAMETERS = 9,
    /* A stream of 64 bytes costs about what it saves. */
    SMALLEST_PLAIN = 64,
};

enum stream_prefix {
    PREFIX_NONE,
    PREFIX_LE16, /* the stream's size stands before it, as in squashfs' metadata */
    PREFIXES
};

struct recipe {
    uint8_t kind;
    uint8_t prefix;
    uint8_t count; /* of the parameters; those after it are 0 */
    uint32_t parameters[RECIPE_PARAMETERS];
};

/* One stream as it was found; the bytes are borrowed. */
struct specimen {
    const uint8_t *packed;
    size_t packed_size;
    const uint8_t *plain;
    size_t plain_size;
};

#define SIZE_UNKNOWN SIZE_MAX

struct stream_kind_entry {
    const char *name;      /* "gzip" */
    uint8_t parameters[2]; /* how many a recipe has: for opening alone, for packing */
    enum encoder (*encoder)(const struct recipe *recipe);

    bool whole; /* only ever all of an image, so that nothing is searched for */

    /*
     * Whether a stream may begin here; *skip is set to the bytes in front that stay as they are.
     * Looks at headers alone. NULL for a kind that the scanner does not look for.
     */
    bool (*begins)(const uint8_t *bytes, size_t size, size_t *skip);
    uint8_t first; /* the first byte of all that it accepts; no other kind has it */

    /*
     * What opening must be told, beside the kind, about the stream that begins here (most need
     * nothing). False: not to be opened.
     */
    bool (*describe)(struct recipe *recipe, const uint8_t *bytes, size_t size);

    /*
     * Opens one stream: takes its bytes from the source and appends what is inside to `plain`,
     * whose limit bounds it. `size` is the plain size, or SIZE_UNKNOWN; where it is known, it is
     * the caller who compares. `memory` bounds the decoder. PACK_E_CORRUPT or PACK_E_LIMIT.
     */
    int (*open)(const struct recipe *recipe, struct source *source, struct pack_buffer *plain,
                size_t size, uint64_t memory, struct pack_error *error);

    /* Most bytes that opening the stream takes beside its plain bytes. */
    uint64_t (*open_memory)(const struct specimen *specimen);

    /* The nth guess, the likeliest first; false when there are no more at this effort. */
    bool (*guess)(struct recipe *recipe, const struct specimen *specimen, unsigned effort,
                  size_t number);

    /* Whether the guess is wrong for sure, as can be told at little cost. NULL: not at little cost.
     */
    bool (*refutes)(const struct recipe *recipe, const struct specimen *specimen);

    /* Packs; what goes wrong with the recipe itself is PACK_E_CORRUPT. */
    int (*pack)(const struct recipe *recipe, const uint8_t *plain, size_t size,
                struct pack_sink *sink, struct pack_error *error);

    /* Most bytes that packing takes beside the plain bytes; UINT64_MAX for a recipe that is none.
     */
    uint64_t (*pack_memory)(const struct recipe *recipe, uint64_t size);
};

/* NULL for a number that has none. */
const struct stream_kind_entry *stream_kind_find(unsigned kind);

extern const struct stream_kind_entry kind_deflate, kind_gzip, kind_zlib, kind_zstd, kind_xz,
    kind_lzma, kind_lz4_legacy, kind_lz4_frame, kind_lz4_block, kind_records, kind_uf2;

/*
 * What the encoder here is: its version, or where versions pack alike a sum over what it made of a
 * sample. A plan names what its maker had.
 */
uint32_t encoder_identity(enum encoder encoder);
const char *encoder_name(enum encoder encoder);
uint32_t zlib_identity(void);

/* Makes room for the next step of a decoder's output; none is left at the limit. */
PACK_MUST_USE int plain_room(struct pack_buffer *plain, size_t *room, struct pack_error *error);
/* PACK_E_CORRUPT; `what` is the kind, or what the library says. */
int stream_damaged(const char *what, struct pack_error *error);
/* For kinds without a parameter for opening. */
bool describe_nothing(struct recipe *recipe, const uint8_t *bytes, size_t size);

#endif
