/* SPDX-License-Identifier: MIT */
#include "formats/peek.h"

#include "base/memory.h"
#include "formats/support.h"

enum { IN_SIZE = 16384 };

struct buffers {
    uint8_t in[IN_SIZE];
    uint8_t out[PACK_PROBE_SIZE];
};

typedef enum peek_result (*peek_step)(void *state, struct peek_bytes *bytes);

static bool goes_on(enum peek_result result, const struct peek_bytes *bytes)
{
    return (result == PEEK_MORE || result == PEEK_BOUNDARY) && bytes->out_size != 0;
}

/* Runs until enough came out, the stream ended, or the file did. */
static int decompress(struct buffers *buffers, size_t *size, struct pack_input *input,
                      uint64_t offset, peek_step step, void *state, enum peek_result *result,
                      struct pack_error *error)
{
    struct peek_bytes bytes = {.out = buffers->out, .out_size = sizeof buffers->out};
    size_t got = 1;
    *result = PEEK_MORE;
    while (goes_on(*result, &bytes) && got != 0) {
        const int code = pack_input_read(input, offset, buffers->in, IN_SIZE, &got, error);
        if (code != 0)
            return code;
        bytes.in = buffers->in;
        bytes.in_size = got;
        while (goes_on(*result, &bytes) && bytes.in_size != 0)
            *result = step(state, &bytes);
        offset += got - bytes.in_size;
    }
    *size = sizeof buffers->out - bytes.out_size;
    if (*result == PEEK_MORE && bytes.out_size != 0)
        return fwpack_malformed(error, offset, "the compressed data is cut short");
    if (*result == PEEK_DAMAGED)
        return fwpack_malformed(error, offset, "the compressed data is damaged");
    return 0;
}

int fwpack_peek(struct pack_facts *facts, struct pack_input *input, uint64_t offset, peek_step step,
                void *state, struct pack_error *error)
{
    PACK_AUTO_FREE struct buffers *buffers = NULL;
    enum peek_result result = PEEK_MORE;
    size_t size = 0;
    int code = pack_allocate(&buffers, 1, sizeof *buffers, error);
    if (code == 0)
        code = decompress(buffers, &size, input, offset, step, state, &result, error);
    if (code == 0 && result != PEEK_REFUSED)
        fwpack_fact_inside(facts, buffers->out, size, UINT64_MAX);
    return code;
}
