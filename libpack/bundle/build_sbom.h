/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_BUILD_SBOM_H
#define BUNDLE_BUILD_SBOM_H

/* The SBOM of a bundle in the making: the user's, or one made of the release itself. */

#include "pack/bundle.h"
#include "pack/sbom.h"
#include "provenance/sbom.h"

struct build_sbom {
    const char *source; /* a path, PACK_SBOM_AUTO, or NULL for none */
    enum pack_sbom_kind kind;
    size_t image_count;
    struct sbom_image *images; /* what their files tell, for one of our own */
    void *bytes;               /* the document; NULL until it is made */
    size_t size;
};

/*
 * Reads the user's, which must be an SBOM, or looks at the files of the descriptor's images.
 * PACK_E_USAGE where an attachment has its name already.
 */
PACK_MUST_USE int build_sbom_open(struct build_sbom *sbom, const char *source,
                                  const struct pack_descriptor *descriptor,
                                  const struct pack_context *context, struct pack_error *error);
/* Makes our own of the release, again when it is called again; the user's stays as it is. */
PACK_MUST_USE int build_sbom_make(struct build_sbom *sbom, const struct pack_release *release,
                                  struct pack_error *error);
void build_sbom_clear(struct build_sbom *sbom);

#endif
