/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_NUMBER_H
#define INSTALL_NUMBER_H

/* A number as programs and sysfs print it. */

#include "pack/pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits, then a line feed or nothing; at most `most`. *value stays where it is not. */
bool number_read(const char *text, size_t size, uint64_t most, uint64_t *value);

#endif
