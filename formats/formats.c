/* SPDX-License-Identifier: MIT */
#include "formats/formats.h"

#include "formats/backends.h"

/*
 * The only list of image formats. What can be written stands first. A new one: a backend in a
 * file of its own, its declaration in backends.h, and a line here.
 */
const struct pack_format *const fwpack_formats[] = {
    &fwpack_format_raw,
    &fwpack_format_ihex,
    &fwpack_format_srec,
    &fwpack_format_uf2,
    &fwpack_format_elf,
    &fwpack_format_gzip,
    &fwpack_format_xz,
    &fwpack_format_zstd,
    &fwpack_format_lz4,
    &fwpack_format_lz4_legacy,
    &fwpack_format_bzip2,
    &fwpack_format_squashfs,
    &fwpack_format_ext,
    &fwpack_format_erofs,
    &fwpack_format_ubi,
    &fwpack_format_ubifs,
    &fwpack_format_fat,
    &fwpack_format_cramfs,
    &fwpack_format_romfs,
    &fwpack_format_jffs2,
    &fwpack_format_gpt,
    &fwpack_format_mbr,
    &fwpack_format_fit,
    &fwpack_format_fdt,
    &fwpack_format_uimage,
    &fwpack_format_linux_image,
    &fwpack_format_zimage,
    &fwpack_format_bzimage,
    &fwpack_format_android_sparse,
    &fwpack_format_android_boot,
    &fwpack_format_android_payload,
    &fwpack_format_vbmeta,
    &fwpack_format_esp32,
    &fwpack_format_esp8266,
    &fwpack_format_esp32_flash,
    &fwpack_format_mcuboot,
    &fwpack_format_dfu,
    &fwpack_format_dfuse,
    &fwpack_format_pe,
    &fwpack_format_uefi_capsule,
    &fwpack_format_uefi_volume,
    &fwpack_format_tar,
    &fwpack_format_cpio,
    &fwpack_format_cab,
    &fwpack_format_zip,
    &fwpack_format_deb,
    &fwpack_format_ar,
    NULL,
};
