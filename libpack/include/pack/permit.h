/* SPDX-License-Identifier: MIT */
#ifndef PACK_PERMIT_H
#define PACK_PERMIT_H

/*
 * Two small signed documents beside the release (docs/documents.md). permit.json, signed by the
 * role release, is the only way back to a lower version or security version. rollout.json, signed
 * by the role rollout, halts a release; who gets it when is the fleet's affair.
 */

#include "pack/document.h"

PACK_BEGIN_DECLS

#define PACK_MAX_PERMITTED 65536 /* devices and groups of one permit */

struct pack_permit {
    const char *product;
    size_t
        device_count; /* ids that it is for; with groups, either suffices; at least one of both */
    const char *const *devices;
    size_t group_count;
    const char *const *groups;
    bool has_from;                         /* else from whatever release */
    uint8_t from_sha256[PACK_SHA256_SIZE]; /* of the release.json that runs */
    uint8_t to_sha256[PACK_SHA256_SIZE];   /* of the one that may be installed */
    bool has_expires;
    uint64_t expires; /* seconds since 1970; PACK_E_EXPIRED from then on */
    void *storage;    /* private */
};

/* As pack_release_parse and _encode. */
PACK_API PACK_MUST_USE int pack_permit_parse(struct pack_permit **permit, const void *bytes,
                                             size_t size, struct pack_error *error);
PACK_API void pack_permit_free(struct pack_permit **permit);
PACK_API PACK_MUST_USE int pack_permit_encode(char **text, size_t *size,
                                              const struct pack_permit *permit,
                                              struct pack_error *error);

struct pack_rollout {
    uint8_t release_sha256[PACK_SHA256_SIZE];
    uint64_t revision; /* from 1; a device that saw r refuses less */
    bool halted;
    void *storage; /* private */
};

PACK_API PACK_MUST_USE int pack_rollout_parse(struct pack_rollout **rollout, const void *bytes,
                                              size_t size, struct pack_error *error);
PACK_API void pack_rollout_free(struct pack_rollout **rollout);

PACK_END_DECLS

#endif
