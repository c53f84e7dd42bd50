/* SPDX-License-Identifier: MIT */
#include "document_text.h"

#include "base/memory.h"

#include <string.h>

char *replaced(const char *text, const char *from, const char *to)
{
    const char *place = strstr(text, from);
    if (place == NULL)
        fail_msg("the text does not hold %s", from);
    const size_t before = (size_t)(place - text), after = strlen(place + strlen(from));
    char *result = calloc(1, before + strlen(to) + after + 1);
    assert_non_null(result);
    memcpy(result, text, before);
    memcpy(result + before, to, strlen(to));
    memcpy(result + before + strlen(to), place + strlen(from), after);
    return result;
}

static void check_variation(const char *text, const struct variation *variation, parse_fn parse)
{
    char *varied PACK_AUTO_FREE = replaced(text, variation->from, variation->to);
    struct pack_error error = {.code = PACK_OK};
    const int code = parse(varied, strlen(varied), &error);
    if (code != (int)variation->code)
        fail_msg("%s -> %s: %s (%s), wanted %s", variation->from, variation->to,
                 pack_code_id(error.code), error.text, pack_code_id(variation->code));
    if (code != 0 && variation->says != NULL && strstr(error.text, variation->says) == NULL)
        fail_msg("%s -> %s: says \"%s\", wanted \"%s\"", variation->from, variation->to, error.text,
                 variation->says);
}

void check_variations(const char *text, const struct variation *variations, size_t count,
                      parse_fn parse)
{
    for (size_t i = 0; i < count; i++)
        check_variation(text, &variations[i], parse);
}
