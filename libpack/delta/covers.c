/* SPDX-License-Identifier: MIT */
#include "delta/match.h"

#include <stdlib.h>

void delta_covers_free(struct delta_covers *covers)
{
    free(covers->list);
    *covers = (struct delta_covers){0};
}
