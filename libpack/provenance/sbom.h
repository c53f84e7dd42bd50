/* SPDX-License-Identifier: MIT */
#ifndef PROVENANCE_SBOM_H
#define PROVENANCE_SBOM_H

/* The SBOM that a bundle has of itself: its images, and what their headers tell. */

#include "image/facts.h"
#include "pack/document.h"
#include "pack/image.h"

/* What is known of one image beside its entry in the release. Starts as zeros. */
struct sbom_image {
    const struct pack_format *format; /* recognised, or NULL */
    struct pack_facts facts;          /* what its headers tell; none where they contradict */
};

/* Looks at an image's file, which can seek. What is not understood is no failure. */
PACK_MUST_USE int sbom_image_look(struct sbom_image *image, struct pack_input *input,
                                  const struct pack_context *context, struct pack_error *error);
void sbom_image_clear(struct sbom_image *image);

/*
 * A CycloneDX 1.6 document of the release, without its attachments: a function of these alone,
 * whose size does not depend on the images' hashes. `images` are in the release's order. *text is
 * the caller's.
 */
PACK_MUST_USE int sbom_write(char **text, size_t *size, const struct pack_release *release,
                             const struct sbom_image *images, struct pack_error *error);

#endif
