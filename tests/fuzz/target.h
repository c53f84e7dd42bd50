/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

/* What each fuzz target defines, and libFuzzer or replay.c calls. The build includes this. */

#include <stddef.h>
#include <stdint.h>

/* Any bytes may come, of any length; returns 0. What it must not do shows as a crash. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
