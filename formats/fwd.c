/* SPDX-License-Identifier: MIT */
/* Patches between two images, fwpack's own (docs/delta-format.md). */
#include "formats/backends.h"
#include "formats/support.h"

#include "pack/delta.h"

static int fwd_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "FWD\x01", 4) ? 95 : 0;
}

static int fwd_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    struct pack_patch *patch = NULL;
    if (pack_patch_open(&patch, input, error) != 0) {
        /* Here a header that is cut short is no payload that was lost, but a malformed file. */
        if (error->code == PACK_E_CORRUPT)
            error->code = PACK_E_MALFORMED;
        return (int)error->code;
    }
    const struct pack_patch_info *info = pack_patch_info(patch);
    pack_fact_text(facts, "decoder", pack_delta_decoder_name(info->decoder));
    pack_fact_number(facts, "decoder_memory", info->memory);
    pack_fact_number(facts, "base_size", info->old_size);
    pack_fact_hex(facts, "base_sha256", info->old_sha256, sizeof info->old_sha256);
    pack_fact_number(facts, "new_size", info->new_size);
    pack_fact_hex(facts, "new_sha256", info->new_sha256, sizeof info->new_sha256);
    if (info->in_place != 0) {
        pack_fact_number(facts, "page_size", info->in_place);
        pack_fact_number(facts, "scratch", info->scratch);
    }
    pack_patch_close(&patch);
    return 0;
}

const struct pack_format fwpack_format_fwd = {
    .name = "fwd",
    .summary = "patch of fwpack",
    .suffixes = ".fwd",
    .probe = fwd_probe,
    .describe = fwd_describe,
};
