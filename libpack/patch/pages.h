/* SPDX-License-Identifier: MIT */
#ifndef PATCH_PAGES_H
#define PATCH_PAGES_H

/* Which pages an in-place patch makes, and in which order: each is coded before its bytes. */

#include "patch/coder.h"
#include "patch/in_place.h"

struct patch_pages {
    struct patch_page_map *map; /* set by the caller; which pages are made is seen in it */
    uint32_t left;              /* pages to come */
    uint32_t last;              /* page that was made; 0 at first */
    bool downwards;             /* the run that it belongs to */
    uint16_t goes_on;
};

/* Codes which pages stay as they are: those that the map has as made, or that are read into it. */
void patch_pages_begin(struct patch_pages *pages, struct patch_coder *coder);

/* Codes the next page: there is one. PATCH_MALFORMED for a page that there is not. */
enum patch_status patch_code_page(struct patch_pages *pages, struct patch_coder *coder,
                                  uint32_t *page);

#endif
