/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_BACKENDS_H
#define FORMATS_BACKENDS_H

/* Each backend, declared once; formats.c lists them. */

#include "pack/image.h"

extern const struct pack_format fwpack_format_raw;
extern const struct pack_format fwpack_format_ihex;
extern const struct pack_format fwpack_format_srec;
extern const struct pack_format fwpack_format_uf2;
extern const struct pack_format fwpack_format_elf;
extern const struct pack_format fwpack_format_fwd;
extern const struct pack_format fwpack_format_gzip;
extern const struct pack_format fwpack_format_xz;
extern const struct pack_format fwpack_format_zstd;
extern const struct pack_format fwpack_format_lz4;
extern const struct pack_format fwpack_format_lz4_legacy;
extern const struct pack_format fwpack_format_bzip2;
extern const struct pack_format fwpack_format_squashfs;
extern const struct pack_format fwpack_format_ext;
extern const struct pack_format fwpack_format_erofs;
extern const struct pack_format fwpack_format_ubi;
extern const struct pack_format fwpack_format_ubifs;
extern const struct pack_format fwpack_format_fat;
extern const struct pack_format fwpack_format_cramfs;
extern const struct pack_format fwpack_format_romfs;
extern const struct pack_format fwpack_format_jffs2;
extern const struct pack_format fwpack_format_gpt;
extern const struct pack_format fwpack_format_mbr;
extern const struct pack_format fwpack_format_fit;
extern const struct pack_format fwpack_format_fdt;
extern const struct pack_format fwpack_format_uimage;
extern const struct pack_format fwpack_format_linux_image;
extern const struct pack_format fwpack_format_zimage;
extern const struct pack_format fwpack_format_bzimage;
extern const struct pack_format fwpack_format_android_sparse;
extern const struct pack_format fwpack_format_android_boot;
extern const struct pack_format fwpack_format_android_payload;
extern const struct pack_format fwpack_format_vbmeta;
extern const struct pack_format fwpack_format_esp32;
extern const struct pack_format fwpack_format_esp8266;
extern const struct pack_format fwpack_format_esp32_flash;
extern const struct pack_format fwpack_format_mcuboot;
extern const struct pack_format fwpack_format_dfu;
extern const struct pack_format fwpack_format_dfuse;
extern const struct pack_format fwpack_format_pe;
extern const struct pack_format fwpack_format_uefi_capsule;
extern const struct pack_format fwpack_format_uefi_volume;
extern const struct pack_format fwpack_format_tar;
extern const struct pack_format fwpack_format_cpio;
extern const struct pack_format fwpack_format_cab;
extern const struct pack_format fwpack_format_zip;
extern const struct pack_format fwpack_format_deb;
extern const struct pack_format fwpack_format_ar;

#endif
