/* SPDX-License-Identifier: MIT */
/*
 * Making a patch between any two images, and applying it. The first byte chooses level, decoder
 * and format, the second one pages in place or none; two bytes say where the new image begins.
 */
#include "patch_target.h"

enum { FIELDS = 4, MOST = 16 << 10 };

static void choose(struct pack_delta_options *options, const uint8_t *fields)
{
    *options = (struct pack_delta_options){
        .level = (enum pack_delta_level)(fields[0] % 3),
        .decoder = (enum pack_delta_decoder)(fields[0] / 3 % 3),
        .format = (enum pack_delta_format)(fields[0] / 9 % 4),
        .keep_packed = (fields[0] / 36 & 1) != 0,
        .memory = UINT64_C(64) << 20,
    };
    if (fields[1] != 0 && options->decoder != PACK_DECODER_FULL) {
        options->in_place = UINT32_C(128) << fields[1] % 4;
        options->scratch = options->in_place * (1 + fields[1] / 4 % 4);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pack_context context = {.jobs = 1};
    if (size < FIELDS || size > MOST)
        return 0;
    struct pack_delta_options options;
    choose(&options, data);
    const uint8_t *old_bytes = data + FIELDS;
    const size_t old_size = pack_le16(data + 2) % (size - FIELDS + 1);
    const uint8_t *new_bytes = old_bytes + old_size;
    const size_t new_size = size - FIELDS - old_size;

    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer patch PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct patch_sink sink = {.sink.ops = &patch_sink_ops, .bytes = &patch};
    struct pack_input *old_image PACK_AUTO(pack_input_close) = NULL;
    struct pack_input *new_image PACK_AUTO(pack_input_close) = NULL;
    if (pack_input_memory(&old_image, old_bytes, old_size, "old", &error) != 0 ||
        pack_input_memory(&new_image, new_bytes, new_size, "new", &error) != 0)
        return 0;
    const int code =
        pack_delta_create(&context, old_image, new_image, &sink.sink, &options, NULL, &error);
    if (code != 0 && code != PACK_E_LIMIT && code != PACK_E_NO_MEMORY)
        abort();
    if (code == 0 && options.format == PACK_DELTA_FWD)
        patch_target_proves(&patch, old_bytes, old_size, new_bytes, new_size);
    return 0;
}
