/* SPDX-License-Identifier: MIT */
#ifndef PACK_BACKEND_FORMAT_H
#define PACK_BACKEND_FORMAT_H

/*
 * Firmware image formats. A backend is a table of functions and abilities; NULL means that it
 * cannot, which the dispatcher (pack/image.h) words once. Backends see bytes only: files,
 * names and options are the callers' business.
 */

#include "pack/context.h"
#include "pack/io.h"
#include "pack/json.h"
#include "pack/limits.h"
#include "pack/segment.h"

PACK_BEGIN_DECLS

#define PACK_NOTE_SIZE 64

/*
 * The data of a segmented image: bytes at addresses. Segments are ascending and do not touch;
 * `bytes` is their concatenation.
 */
struct pack_image {
    size_t segment_count;
    struct pack_segment *segments;
    uint64_t size; /* of `bytes` */
    uint8_t *bytes;
    bool has_entry;
    uint64_t entry;
    /*
     * What else the format keeps, or nothing: four letters that name the kind ("srec", "uf2 ",
     * "ihex"), then its bytes. A writer ignores the kinds of others.
     */
    size_t note_size;
    uint8_t note[PACK_NOTE_SIZE];
};

/* Collects pieces in any order; finish sorts and merges them. */
struct pack_image_builder;

/* A property that `describe` found. */
struct pack_facts;
/*
 * Text is escaped where it is shown; `name` is snake_case, static. Addresses are shown in
 * hexadecimal, also in JSON, where they are strings (an integer is exact only below 2^53).
 * A name stands once in a record: of several facts, the first is kept.
 * A failure (memory, too many facts) is kept, and ends the description.
 */
PACK_API void pack_fact_text(struct pack_facts *facts, const char *name, const char *value);
PACK_API void pack_fact_bytes(struct pack_facts *facts, const char *name, const void *text,
                              size_t size); /* text of a fixed-size field, cut at a zero byte */
PACK_API void pack_fact_number(struct pack_facts *facts, const char *name, uint64_t value);
PACK_API void pack_fact_address(struct pack_facts *facts, const char *name, uint64_t value);
/* The bytes in the order in which they are written (RFC 4122). */
PACK_API void pack_fact_uuid(struct pack_facts *facts, const char *name, const uint8_t uuid[16]);
PACK_API void pack_fact_hex(struct pack_facts *facts, const char *name, const void *bytes,
                            size_t size);
/*
 * A list of records (segments, partitions, members): begin each, add its facts, end. The records
 * of one list follow each other, and may hold lists of their own.
 */
PACK_API void pack_facts_begin(struct pack_facts *facts, const char *list);
PACK_API void pack_facts_end(struct pack_facts *facts);

/*
 * Where a part of a file lies in memory while it runs, and what it holds: what a delta needs to
 * follow references. Parts that are placed must not overlap each other, nor those with contents.
 */
struct pack_part {
    uint64_t offset, size; /* in the file */
    bool placed;           /* `address` is known */
    uint64_t address;
    /*
     * Static: a name that `delta --architecture` knows ("x86-64", "pointers32", "elf-rela64"),
     * "code" of a machine that the format does not tell, or NULL for nothing that refers.
     */
    const char *contents;
    uint64_t parameter[2]; /* of relocation and symbol tables: libpack/patch/predict.h */
};

/* Collects parts, in any order. */
struct pack_parts;
PACK_API PACK_MUST_USE int pack_parts_add(struct pack_parts *parts, const struct pack_part *part,
                                          struct pack_error *error);

enum pack_format_ability {
    PACK_FORMAT_SEGMENTED = 1, /* keeps addresses: may stand at `format:` in a descriptor */
    PACK_FORMAT_LINES = 2,     /* made of lines: `where` of pack_image_add is a line number */
    PACK_FORMAT_ENTRY = 4,     /* keeps an entry point */
};

struct pack_format {
    const char *name;     /* "ihex" */
    const char *summary;  /* "Intel HEX" */
    const char *suffixes; /* ".hex .ihex", first is the one that extract writes; may be NULL */
    unsigned abilities;

    /*
     * Bids 0 (not mine) to 100 (certain) on a file's first bytes. `total` is its whole size,
     * UINT64_MAX when unknown. PROBE_SIZE bytes are offered where the file has them.
     */
    int (*probe)(const uint8_t *head, size_t size, uint64_t total);

    /* The same for the file's last bytes, PACK_TAIL_SIZE of them where the file has them. */
    int (*probe_tail)(const uint8_t *tail, size_t size);

    /*
     * Says what the headers tell. PACK_E_MALFORMED with an offset or line when they contradict.
     * The input can seek and has a size.
     */
    int (*describe)(struct pack_input *input, struct pack_facts *facts, struct pack_error *error);

    /* Reads segments; an input that is read forward only suffices for a format of lines. */
    int (*read)(struct pack_input *input, struct pack_image_builder *builder,
                struct pack_error *error);

    /* Writes segments. `image` is sorted and merged. */
    int (*write)(struct pack_sink *sink, const struct pack_image *image, struct pack_error *error);

    /* Says where the parts of an executable lie. */
    int (*parts)(struct pack_input *input, struct pack_parts *parts, struct pack_error *error);
};

#define PACK_PROBE_SIZE 65536
#define PACK_TAIL_SIZE 512

/* The one of `formats` that bids highest for these first bytes, or NULL. */
PACK_API const struct pack_format *pack_format_probe(const struct pack_format *const *formats,
                                                     const uint8_t *head, size_t size,
                                                     uint64_t total);

/*
 * For `read`: takes a piece at an address. `where` is a line number (text formats) or an offset,
 * named when the piece wraps (PACK_E_MALFORMED). That it overlaps another one is found in the
 * end, and names both places. Nothing of size 0 is kept.
 */
PACK_API PACK_MUST_USE int pack_image_add(struct pack_image_builder *builder, uint64_t address,
                                          const void *bytes, size_t size, uint64_t where,
                                          struct pack_error *error);
PACK_API void pack_image_entry(struct pack_image_builder *builder, uint64_t entry);
PACK_API PACK_MUST_USE int pack_image_note(struct pack_image_builder *builder, const void *bytes,
                                           size_t size, struct pack_error *error);

PACK_END_DECLS

#endif
