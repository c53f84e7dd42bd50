/* SPDX-License-Identifier: MIT */
#ifndef PATCH_PAGES_H
#define PATCH_PAGES_H

/* In which order the pages of an in-place patch are made: each step is coded before its bytes. */

#include "patch/coder.h"
#include "patch/in_place.h"

struct patch_pages {
    uint32_t count; /* pages of the new image */
    uint32_t spare; /* pages that may be kept */
    uint32_t left;  /* steps to come */
    uint32_t last;  /* page that was made; 0 at first */
    bool downwards; /* the run that it belongs to */
    uint16_t goes_on, keeps;
};

/* Codes how many steps there are; PATCH_MALFORMED for more than pages. */
enum patch_status patch_pages_begin(struct patch_pages *pages, struct patch_coder *coder,
                                    uint32_t count, uint32_t spare, uint32_t steps);

/* Codes the next step: there is one. PATCH_MALFORMED for a page or spare page that there is not. */
enum patch_status patch_code_page(struct patch_pages *pages, struct patch_coder *coder,
                                  struct patch_step *step);

#endif
