/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIMULATION_H
#define CLI_SIMULATION_H

/* install --simulate: the update of a copy of the device, under the faults of a file. */

#include "device.h"

PACK_MUST_USE int simulation_run(struct cli *cli, const struct cli_device *device,
                                 struct pack_input *source, const char *name, const char *faults,
                                 struct pack_error *error);

#endif
