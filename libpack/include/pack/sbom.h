/* SPDX-License-Identifier: MIT */
#ifndef PACK_SBOM_H
#define PACK_SBOM_H

/* Software bills of materials: whether a file is one, and what it lists. docs/provenance.md. */

#include "pack/error.h"

PACK_BEGIN_DECLS

enum pack_sbom_kind {
    PACK_SBOM_CYCLONEDX, /* JSON, 1.2 to 1.6 */
    PACK_SBOM_SPDX,      /* JSON, 2.2 and 2.3 */
    PACK_SBOM_SPDX_TAGS, /* the same as tag: value */
    PACK_SBOM_KINDS
};

/* "CycloneDX", "SPDX", "SPDX tag-value". */
PACK_API const char *pack_sbom_kind_name(enum pack_sbom_kind kind);
/* How such a file is called as an attachment: "sbom.cdx.json". */
PACK_API const char *pack_sbom_attachment_name(enum pack_sbom_kind kind);

struct pack_sbom_component {
    const char *name;
    const char *version; /* or NULL */
};

/* Owns all that its pointers name. */
struct pack_sbom {
    enum pack_sbom_kind kind;
    const char *version; /* of the format: "1.6" */
    /* Those at the top; of tag-value none are listed. */
    size_t component_count;
    const struct pack_sbom_component *components;
    void *storage; /* private */
};

/*
 * Whether the bytes are an SBOM: JSON or tag-value, a version that is known, and the members that
 * its schema wants at the top and of each component. PACK_E_MALFORMED, PACK_E_LIMIT;
 * PACK_E_UNSUPPORTED for another version, and for XML and SPDX 3, which it names.
 */
PACK_API PACK_MUST_USE int pack_sbom_read(struct pack_sbom **sbom, const void *bytes, size_t size,
                                          struct pack_error *error);
PACK_API void pack_sbom_free(struct pack_sbom **sbom);

PACK_END_DECLS

#endif
