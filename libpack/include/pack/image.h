/* SPDX-License-Identifier: MIT */
#ifndef PACK_IMAGE_H
#define PACK_IMAGE_H

/* Firmware images through whichever backend knows their format (pack/backend/format.h). */

#include "pack/backend/format.h"

PACK_BEGIN_DECLS

/*
 * The format that bids highest for the first or last bytes, NULL when none bids: then it is raw.
 * Of an input that cannot seek, the bytes looked at are gone.
 */
PACK_API PACK_MUST_USE int pack_image_identify(const struct pack_format **format,
                                               struct pack_input *input,
                                               const struct pack_context *context,
                                               struct pack_error *error);
PACK_API const struct pack_format *pack_format_find(const struct pack_context *context,
                                                    const char *name);

/* Reads a segmented image. Overlaps, bad checksums and wrapped addresses are PACK_E_MALFORMED. */
PACK_API PACK_MUST_USE int pack_image_read(struct pack_image **image,
                                           const struct pack_format *format,
                                           struct pack_input *input, struct pack_error *error);
/* One made by the caller, of pieces in any order; `where` of each is an offset. */
PACK_API PACK_MUST_USE int pack_image_builder_new(struct pack_image_builder **builder,
                                                  struct pack_error *error);
PACK_API PACK_MUST_USE int pack_image_builder_finish(struct pack_image_builder **builder,
                                                     struct pack_image **image,
                                                     struct pack_error *error);
PACK_API void pack_image_builder_free(struct pack_image_builder **builder);
PACK_API PACK_MUST_USE int pack_image_write(struct pack_sink *sink,
                                            const struct pack_format *format,
                                            const struct pack_image *image,
                                            struct pack_error *error);
PACK_API void pack_image_free(struct pack_image **image);

/*
 * Facts as JSON members of the object that `json` stands in, which is left alone on failure.
 * The input must be able to seek; PACK_E_UNSUPPORTED otherwise.
 */
PACK_API PACK_MUST_USE int pack_image_describe_json(const struct pack_format *format,
                                                    struct pack_input *input,
                                                    struct pack_json *json,
                                                    struct pack_error *error);
/* Facts as indented lines "name: value", to be freed with free(). Text in them is escaped. */
PACK_API PACK_MUST_USE int pack_image_describe_text(const struct pack_format *format,
                                                    struct pack_input *input, char **text,
                                                    struct pack_error *error);

PACK_END_DECLS

#endif
