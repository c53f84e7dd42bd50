/* SPDX-License-Identifier: MIT */
#ifndef DELTA_DEVICE_H
#define DELTA_DEVICE_H

/* What applying a patch takes of the memory of the device that it is for. */

#include "pack/delta.h"
#include "patch/header.h"

/*
 * The memory that a header stands for. Of the tiny and small profiles: what pack_apply takes on a
 * device of 32 bits, whatever this machine is. Of the full one: the decoder as it is here, and
 * `plan_memory` with the old image where packed parts are opened.
 */
uint64_t delta_device_memory(const struct patch_header *header, uint64_t plan_memory);

/* How many covers the decoder can hold: within `decoder_memory`, or its default where that is 0. */
size_t delta_most_covers(const struct pack_delta_options *options);

#endif
