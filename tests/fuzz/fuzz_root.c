/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "pack/root.h"

#include <string.h>

static struct pack_root *parse(const void *bytes, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_root *root = NULL;
    return pack_root_parse(&root, bytes, size, &error) == 0 ? root : NULL;
}

/* What is judged of any root, and that an edit leaves a root which can be read. */
static void use(struct pack_root *root)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_root_report report;
    PACK_AUTO(pack_root_free) struct pack_root *next = NULL;
    (void)!pack_root_judge(root, root, &report, &error);
    if (pack_root_next(&next, root, UINT64_C(4000000000), &error) != 0)
        return; /* its text would be too long */
    (void)!pack_root_follow(root, next, &error);
    for (size_t i = 0; i < next->key_count && next->keys[i].usable; i++)
        if (pack_root_revoke(next, &next->keys[i].key, "", &error) == 0)
            break;
    (void)!pack_root_keep_good(next, root, &error);
}

/* What can be read can be written, and reading that gives the same text and the same signed bytes.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_root_free) struct pack_root *root = parse(data, size);
    PACK_AUTO_FREE char *text = NULL, *second = NULL;
    size_t text_size = 0, second_size = 0;
    if (root == NULL || pack_root_format(root, &text, &text_size, &error) != 0 ||
        text_size > PACK_MAX_ROOT)
        return 0;
    PACK_AUTO(pack_root_free) struct pack_root *again = parse(text, text_size);
    if (again == NULL || pack_root_format(again, &second, &second_size, &error) != 0 ||
        second_size != text_size || memcmp(text, second, text_size) != 0)
        abort();
    size_t first_signed = 0, second_signed = 0;
    const void *a = pack_root_signed_bytes(root, &first_signed);
    const void *b = pack_root_signed_bytes(again, &second_signed);
    if (first_signed != second_signed || memcmp(a, b, first_signed) != 0)
        abort();
    use(root);
    return 0;
}
