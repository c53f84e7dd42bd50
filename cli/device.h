/* SPDX-License-Identifier: MIT */
#ifndef CLI_DEVICE_H
#define CLI_DEVICE_H

/* GROUP_DEVICE: the device file, and the engine that works by it. */

#include "cli.h"

#include "pack/install.h"

#define DEVICE_FILE "/etc/fwpack/device.yaml"

struct cli_device {
    const char *path; /* of the device file, as it was named */
    struct pack_device *device;
    struct pack_age_identities *identities;
    struct pack_engine engine; /* lent to pack_install and the others */
};

/* --reboot, for what may make one due. */
#define REBOOT_OPTION                                                              \
    {                                                                              \
        .name = "reboot", .help = "restart by the device's own program where due", \
    }

/*
 * Reads the file of --device, FWPACK_DEVICE or DEVICE_FILE. Its faults are printed as `lint` prints
 * them. The engine's options are those of the command: first, retry, reboot, dry-run, as far as it
 * has them.
 */
PACK_MUST_USE int cli_device_open(struct cli_device *device, struct cli *cli,
                                  struct pack_error *error);
/* Those of --identity, else the device file's; GROUP_OPENS. */
PACK_MUST_USE int cli_device_identities(struct cli_device *device, struct cli *cli,
                                        struct pack_error *error);
void cli_device_close(struct cli_device *device);

/* "A" and "B" as a member, null where `known` is false. */
void cli_device_set_json(struct pack_json *json, const char *name, bool known, enum pack_set set);

#endif
