/* SPDX-License-Identifier: MIT */
#include "patch/pages.h"

#define RATE 4

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

enum patch_status patch_pages_begin(struct patch_pages *pages, struct patch_coder *coder,
                                    uint32_t count, uint32_t spare, uint32_t steps)
{
    *pages = (struct patch_pages){
        .count = count, .spare = spare, .goes_on = PATCH_HALF, .keeps = PATCH_HALF};
    patch_account_to(coder, PATCH_ACCOUNT_COVERS);
    pages->left = code_even(coder, count, steps);
    return pages->left <= count ? PATCH_OK : PATCH_MALFORMED;
}

enum patch_status patch_code_page(struct patch_pages *pages, struct patch_coder *coder,
                                  struct patch_step *step)
{
    uint32_t next = pages->downwards ? pages->last - 1 : pages->last + 1;
    patch_account_to(coder, PATCH_ACCOUNT_COVERS);
    if (patch_code_adaptive(coder, &pages->goes_on, RATE, step->page == next)) {
        step->page = next;
    } else {
        step->page = code_even(coder, pages->count - 1, step->page);
        pages->downwards = step->page < pages->last;
    }
    if (pages->spare == 0)
        step->keep = 0;
    else if (patch_code_adaptive(coder, &pages->keeps, RATE, step->keep != 0))
        step->keep = 1 + code_even(coder, pages->spare - 1, step->keep - 1);
    else
        step->keep = 0;
    pages->last = step->page;
    pages->left--;
    return step->page < pages->count && step->keep <= pages->spare ? PATCH_OK : PATCH_MALFORMED;
}
