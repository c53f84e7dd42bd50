/* SPDX-License-Identifier: MIT */
#include "formats/backends.h"
#include "formats/support.h"

#include <inttypes.h>

/* A raw file has no addresses, so that it can only hold one segment. */
static int raw_write(struct pack_sink *sink, const struct pack_image *image,
                     struct pack_error *error)
{
    if (image->segment_count > 1) {
        const struct pack_segment *first = image->segments;
        const uint64_t end = first->address + first->size;
        pack_fail(error, PACK_E_UNSUPPORTED,
                  "a raw file has no addresses, and there is a hole of %" PRIu64
                  " bytes at 0x%08" PRIx64,
                  first[1].address - end, end);
        return pack_hint(error, "fill holes with --fill 0xff, or choose a part with --crop");
    }
    return pack_sink_write(sink, image->bytes, (size_t)image->size, error);
}

const struct pack_format fwpack_format_raw = {
    .name = "raw",
    .summary = "raw binary",
    .suffixes = ".bin .raw .img",
    .write = raw_write,
};
