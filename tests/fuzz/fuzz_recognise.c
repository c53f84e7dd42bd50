/* SPDX-License-Identifier: MIT */
/* Any file is identified, and told of as text and as JSON. */
#include "base/memory.h"
#include "formats/formats.h"
#include "pack/image.h"

static void check_code(int code)
{
    if (code != 0 && code != PACK_E_MALFORMED && code != PACK_E_LIMIT &&
        code != PACK_E_UNSUPPORTED && code != PACK_E_NO_MEMORY)
        abort();
}

static void describe(const struct pack_format *format, struct pack_input *input)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE char *text = NULL;
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *json_text = NULL;
    size_t size = 0;
    const int code = pack_image_describe_text(format, input, &text, &error);
    check_code(code);
    if (pack_json_new(&json, true, &error) != 0)
        return;
    pack_json_object(json, NULL);
    if (pack_image_describe_json(format, input, json, &error) != code)
        abort();
    pack_json_end(json);
    if (pack_json_finish(json, &json_text, &size, &error) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct pack_context context = {.formats = fwpack_formats};
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_format *format = NULL;
    struct pack_error error = {.code = PACK_OK};
    if (pack_input_memory(&input, data, size, "input", &error) != 0)
        return 0;
    if (pack_image_identify(&format, input, &context, &error) != 0)
        abort();
    if (format != NULL)
        describe(format, input);
    return 0;
}
