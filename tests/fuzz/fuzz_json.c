/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "codec/json_reader.h"
#include "pack/limits.h"

#include <string.h>

/* The text's values as compact JSON; NULL where it is none. */
static char *rewrite(const void *bytes, size_t size, size_t *written_size)
{
    struct pack_error error = {.code = PACK_OK};
    const struct pack_json_value *root = NULL;
    const char *text = NULL;
    char *written = NULL;
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    if (pack_arena_new(&arena, &error) != 0 || pack_json_new(&json, false, &error) != 0 ||
        pack_json_read(&root, arena, bytes, size, &error) != 0)
        return NULL;
    pack_json_write(json, NULL, root);
    if (pack_json_finish(json, &text, written_size, &error) != 0 ||
        pack_copy_string(&written, text, &error) != 0)
        abort();
    return written;
}

/* What is read and written is read the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t first_size = 0, second_size = 0;
    char *first PACK_AUTO_FREE = rewrite(data, size, &first_size);
    if (first == NULL || first_size > PACK_MAX_DOCUMENT) /* an escape may be longer */
        return 0;
    char *second PACK_AUTO_FREE = rewrite(first, first_size, &second_size);
    if (second == NULL || first_size != second_size || memcmp(first, second, first_size) != 0)
        abort();
    return 0;
}
