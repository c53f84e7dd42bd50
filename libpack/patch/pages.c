/* SPDX-License-Identifier: MIT */
#include "patch/pages.h"

#define RATE 4

void patch_pages_begin(struct patch_pages *pages, struct patch_coder *coder)
{
    uint16_t stays[2] = {PATCH_HALF, PATCH_HALF}; /* by what the page before it does */
    unsigned last = 0;
    patch_account_to(coder, PATCH_ACCOUNT_COVERS);
    pages->left = pages->last = 0;
    pages->downwards = false;
    pages->goes_on = PATCH_HALF;
    for (uint32_t page = 0; page < pages->map->count; page++) {
        last = patch_code_adaptive(coder, &stays[last], RATE, patch_page_is_made(pages->map, page));
        if (last)
            patch_page_leave(pages->map, page);
        else
            pages->left++;
    }
}

/* A number that may be anything up to `most`. */
static uint32_t code_even(struct patch_coder *coder, uint32_t most, uint32_t value)
{
    uint32_t read = 0;
    unsigned bits = 0;
    while (bits < 32 && most >> bits != 0)
        bits++;
    while (bits-- > 0)
        read = read << 1 | patch_code_bit(coder, PATCH_HALF, value >> bits & 1);
    return read;
}

/* The page to come if the run goes on: the nearest one that is not made; `count` for none. */
static uint32_t next_of_run(const struct patch_pages *pages)
{
    uint32_t page = pages->last;
    while (page < pages->map->count && patch_page_is_made(pages->map, page))
        page += pages->downwards ? UINT32_MAX : 1; /* below 0 there is none either */
    return page < pages->map->count ? page : pages->map->count;
}

enum patch_status patch_code_page(struct patch_pages *pages, struct patch_coder *coder,
                                  uint32_t *page)
{
    uint32_t next = next_of_run(pages);
    patch_account_to(coder, PATCH_ACCOUNT_COVERS);
    if (patch_code_adaptive(coder, &pages->goes_on, RATE, *page == next)) {
        *page = next;
    } else {
        *page = code_even(coder, pages->map->count - 1, *page);
        pages->downwards = *page < pages->last;
    }
    pages->last = *page;
    pages->left--;
    return *page < pages->map->count ? PATCH_OK : PATCH_MALFORMED;
}
