/* SPDX-License-Identifier: MIT */
#include "crypto/hash_input.h"

#include "base/memory.h"

int pack_hash_input(struct pack_input *input, pack_hash_update_fn update, void *state,
                    const struct pack_context *context, struct pack_error *error)
{
    enum { PIECE = 256 * 1024 };
    PACK_AUTO_FREE uint8_t *piece = NULL;
    uint64_t offset = 0;
    size_t got = PIECE;
    int code = pack_allocate(&piece, 1, PIECE, error);
    while (code == 0 && got == PIECE) {
        code = pack_check_cancelled(context, error);
        if (code == 0)
            code = pack_input_read(input, offset, piece, PIECE, &got, error);
        if (code != 0)
            break;
        update(state, piece, got);
        offset += got;
        pack_progress(context, "hash", offset, input->has_size ? input->size : 0);
    }
    return code;
}
