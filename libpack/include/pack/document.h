/* SPDX-License-Identifier: MIT */
#ifndef PACK_DOCUMENT_H
#define PACK_DOCUMENT_H

/*
 * The signed documents as typed models. Parsing takes bytes whose signatures the caller has
 * checked (or says that it has not); encoding gives the bytes that get signed. A parsed document
 * owns all that its pointers name, until free.
 */

#include "pack/digest.h"
#include "pack/limits.h"
#include "pack/segment.h"

PACK_BEGIN_DECLS

#define PACK_FORMAT_VERSION 1

struct pack_release_image {
    const char *name; /* [a-z0-9][a-z0-9._-]{0,40} */
    const char *slot;
    const char *version; /* NULL: the release's */
    uint64_t size;       /* plain bytes */
    uint8_t sha256[PACK_SHA256_SIZE];
    uint32_t block_size;                     /* a power of two, 512 to 1 MiB */
    uint8_t blocks_sha256[PACK_SHA256_SIZE]; /* of the plain block table */
    const char *format;                      /* "ihex", "srec", "uf2", "elf"; NULL for raw */
    const char *format_note; /* what else the format keeps (pack_image.note), in hex; or NULL */
    size_t segment_count;
    const struct pack_segment *segments; /* ascending, not touching; NULL for raw */
    bool has_entry;
    uint64_t entry;
};

struct pack_release_attachment {
    const char *name;
    uint64_t size;
    uint8_t sha256[PACK_SHA256_SIZE];
};

struct pack_release {
    const char *product;
    const char *version;
    uint64_t security_version;
    uint64_t data_epoch;
    bool has_created;
    uint64_t created; /* seconds since 1970, UTC */
    size_t compatible_count;
    const char *const *compatible;
    const char *requires_from; /* a version range, or NULL */
    size_t image_count;
    const struct pack_release_image *images;
    size_t attachment_count;
    const struct pack_release_attachment *attachments;
    const char *meta; /* JSON object text, compact, or NULL */
    void *storage;    /* private */
};

enum pack_encoding_kind {
    PACK_ENCODING_FULL,
    PACK_ENCODING_DELTA,
    PACK_ENCODING_KEEP,
    PACK_ENCODING_OTHER, /* a type that this version does not know: never supported */
};

struct pack_encoding {
    enum pack_encoding_kind kind;
    bool supported;          /* false: it `requires` or uses what this version does not know */
    const char *unsupported; /* what, for people; NULL where supported */
    const char *codec;       /* "none", "gzip", "zstd", "xz"; NULL: no stored bytes */
    const char *library;     /* the codec library and version that made it, or NULL */
    uint64_t size;           /* stored bytes; 0 for keep */
    uint32_t block_size;     /* of the stored block table; equal to the image's for codec none */
    uint8_t blocks_sha256[PACK_SHA256_SIZE]; /* of the stored block table */
    uint64_t frame_size;  /* plain bytes of every frame but the last; 0 for codec none */
    uint64_t frame_count; /* 0 for codec none */
    uint8_t frames_sha256[PACK_SHA256_SIZE]; /* of the .frames member */
    bool reusable;                           /* the .frames member carries plain hashes */
    uint64_t decoder_memory;                 /* bytes that decoding needs */
    const char *decoder;                     /* delta: "tiny", "small" or "full"; NULL otherwise */
    bool has_in_place;                       /* delta: it is applied in place */
    uint64_t in_place;                       /* then: flash page in bytes; else 0 */
    uint64_t scratch;                        /* then: bytes of scratch flash */
    /* delta and keep: the plain image that must be there */
    uint64_t base_size;
    uint8_t base_sha256[PACK_SHA256_SIZE];
    bool encrypted;           /* what is stored is ciphertext; then: */
    const char *encryption;   /* "age", or what this version does not know; NULL otherwise */
    bool requires_age;        /* it lists the feature "age", as one encrypted with age must */
    uint64_t inner_size;      /* bytes before encryption, what `codec` made */
    uint64_t header_size;     /* bytes before the first encrypted one */
    uint64_t recipient_count; /* who can open it; 1 for a passphrase */
};

/* The bytes that `codec` made: the stored ones, before encryption where there is any. */
static inline uint64_t pack_encoding_inner_size(const struct pack_encoding *encoding)
{
    return encoding->encrypted ? encoding->inner_size : encoding->size;
}

/* The feature that an encoding encrypted with age requires, and the type of its encryption. */
#define PACK_ENCRYPTION_AGE "age"

struct pack_delivery_image {
    const char *name;
    size_t encoding_count;
    const struct pack_encoding *encodings; /* in the order in which a device should try them */
};

struct pack_delivery_attestation {
    uint64_t size;
    uint8_t sha256[PACK_SHA256_SIZE];
};

struct pack_delivery {
    uint8_t release_sha256[PACK_SHA256_SIZE];
    uint64_t revision; /* from 1 */
    size_t image_count;
    const struct pack_delivery_image *images; /* the release's, in its order */
    size_t attachment_count;
    const char *const *attachments; /* names of those that travel, in the release's order */
    size_t attestation_count;
    const struct pack_delivery_attestation *attestations;
    void *storage; /* private */
};

/* PACK_E_MALFORMED, PACK_E_LIMIT or PACK_E_UNSUPPORTED (format number, `critical`). */
PACK_API PACK_MUST_USE int pack_release_parse(struct pack_release **release, const void *bytes,
                                              size_t size, struct pack_error *error);
PACK_API void pack_release_free(struct pack_release **release);
/* The document's bytes, *text to be freed with free(). The model is validated first. */
PACK_API PACK_MUST_USE int pack_release_encode(char **text, size_t *size,
                                               const struct pack_release *release,
                                               struct pack_error *error);

PACK_API PACK_MUST_USE int pack_delivery_parse(struct pack_delivery **delivery, const void *bytes,
                                               size_t size, struct pack_error *error);
PACK_API void pack_delivery_free(struct pack_delivery **delivery);
PACK_API PACK_MUST_USE int pack_delivery_encode(char **text, size_t *size,
                                                const struct pack_delivery *delivery,
                                                struct pack_error *error);
/* Whether they belong together: the hash, the images by name and order, the attachments. */
PACK_API PACK_MUST_USE int pack_delivery_match(const struct pack_delivery *delivery,
                                               const struct pack_release *release,
                                               const uint8_t release_sha256[PACK_SHA256_SIZE],
                                               struct pack_error *error);

/* The bytes of format_note; *size is 0 where there is none. */
PACK_API void pack_release_note(const struct pack_release_image *image, uint8_t note[64],
                                size_t *size);

/*
 * The members of `meta` that fwpack knows ("cves-fixed", "urgency", "licences" or "licenses"), as
 * docs/descriptor.md has them; those of another shape are left out, for meta is the vendor's.
 */
struct pack_release_meta {
    size_t cve_count;
    const char *const *cves; /* "CVE-2024-12345" */
    const char *urgency;     /* "low", "medium", "high", "critical"; or NULL */
    size_t licence_count;
    const char *const *licences; /* SPDX expressions */
    void *storage;               /* private */
};
PACK_API PACK_MUST_USE int pack_release_meta_read(struct pack_release_meta **meta,
                                                  const struct pack_release *release,
                                                  struct pack_error *error);
PACK_API void pack_release_meta_free(struct pack_release_meta **meta);

/* [a-z0-9][a-z0-9._-]{0,40} */
PACK_API bool pack_name_valid(const char *name);

PACK_END_DECLS

#endif
