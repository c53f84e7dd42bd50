/* SPDX-License-Identifier: MIT */
#ifndef BOOT_TYPES_H
#define BOOT_TYPES_H

/* The entries of the table, each from the file boot_NAME.c. */

#include "boot/boot.h"

extern const struct boot_type boot_type_file;
extern const struct boot_type boot_type_uboot;
extern const struct boot_type boot_type_grub;
extern const struct boot_type boot_type_efi;
extern const struct boot_type boot_type_raspberrypi;
extern const struct boot_type boot_type_custom;

#endif
