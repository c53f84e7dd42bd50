/* SPDX-License-Identifier: MIT */
#ifndef DEVICE_BOOT_RULES_H
#define DEVICE_BOOT_RULES_H

/* What device.yaml may say of each bootloader: the same as the layer `boot` knows, by a test. */

#include <stdbool.h>

struct device_boot_rules {
    const char *name;
    const char *uses[4];  /* keys beside `type` and `running`, ended by NULL */
    const char *wants[2]; /* those of them that it cannot do without */
    unsigned most_tries;  /* that it can count */
    bool (*is_entry)(const char *text);
    const char *entry; /* what an entry is, with an example */
};

/* Ended by one without a name. */
extern const struct device_boot_rules device_boot_rules[];
const struct device_boot_rules *device_boot_rules_of(const char *type);

#endif
