/* SPDX-License-Identifier: MIT */
#include "install/counted.h"

static int counted_read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                           size_t *got, struct pack_error *error)
{
    struct counted *counted = (struct counted *)input;
    const int code = pack_input_read(counted->inner, offset, buffer, size, got, error);
    if (code != 0)
        return code;
    input->has_size = counted->inner->has_size;
    input->size = counted->inner->size;
    if (input->seekable)
        counted->count += *got;
    else if (*got > 0 || !input->has_size)
        counted->count = offset + *got;
    else
        counted->count = input->size; /* it ended before the offset */
    return 0;
}

void counted_open(struct counted *counted, struct pack_input *inner)
{
    static const struct pack_input_ops ops = {.read_at = counted_read_at};
    *counted = (struct counted){.input = *inner, .inner = inner};
    counted->input.ops = &ops;
}
