/* SPDX-License-Identifier: MIT */
#ifndef CLI_STARTER_H
#define CLI_STARTER_H

/* The commented descriptor that init writes. */

#include "survey.h"

/*
 * Writes it out of a survey with at least one image, whose paths count from the descriptor's
 * folder. *text is freed with free().
 */
PACK_MUST_USE int starter_write(char **text, size_t *size, const struct survey *survey,
                                struct pack_error *error);

#endif
