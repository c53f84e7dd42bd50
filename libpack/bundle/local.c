/* SPDX-License-Identifier: MIT */
#include "bundle/local.h"

#include "base/checked.h"

void pack_trusted_use_local(struct pack_trusted *trusted, const struct pack_local_blocks *local)
{
    trusted->local = local;
}

uint64_t pack_trusted_local_size(const struct pack_trusted *trusted)
{
    return trusted->local_size;
}

int local_get(const struct local *local, uint64_t block, uint8_t *bytes, size_t size, bool *found,
              struct pack_error *error)
{
    const struct pack_local_blocks *blocks = local->blocks;
    *found = false;
    return blocks != NULL ? blocks->get(blocks->user, local->image, block,
                                        local->plain->hashes + block * PACK_SHA256_SIZE, bytes,
                                        size, found, error)
                          : 0;
}

int local_get_all(const struct local *local, uint64_t first, uint8_t *bytes, size_t size,
                  bool *found, struct pack_error *error)
{
    int code = 0;
    *found = local->blocks != NULL;
    for (size_t done = 0; code == 0 && *found && done < size; first++) {
        const size_t piece = (size_t)pack_min(local->plain->block_size, size - done);
        code = local_get(local, first, bytes + done, piece, found, error);
        done += piece;
    }
    return code;
}
