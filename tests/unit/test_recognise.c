/* SPDX-License-Identifier: MIT */
/* Every format is told by its content, and what its headers say is told and checked. */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "formats/formats.h"
#include "pack/image.h"

static const struct pack_context context = {.formats = fwpack_formats};

static uint8_t *seed(const char *name, size_t *size)
{
    char path[96];
    snprintf(path, sizeof path, "fuzz/seeds/%s", name);
    PACK_AUTO_FREE char *whole = test_fixture(path);
    return test_read_file(whole, size);
}

/* What the bytes are, and the text that is told of them. *format is NULL for raw. */
static int tell(const struct pack_format **format, char **text, const uint8_t *bytes, size_t size,
                struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    *text = NULL;
    int code = pack_input_memory(&input, bytes, size, "test", error);
    if (code == 0)
        code = pack_image_identify(format, input, &context, error);
    if (code == 0 && *format != NULL)
        code = pack_image_describe_text(*format, input, text, error);
    return code;
}

/* --- what is told ---------------------------------------------------------------------------- */

static const struct {
    const char *seed;
    const char *format;
    const char *tells[4];
} told[] = {
    {"ihex/flash.hex", "ihex", {"entry: 0x10008000", "- address: 0x08004000, size: 300\n"}},
    {"srec/s2.srec", "srec", {"address bits: 24", "entry: 0x0002468a"}},
    {"uf2/two.uf2", "uf2", {"name: Raspberry Pi RP2040, blocks: 2", "0x10000000, size: 512"}},
    {"uf2/tags.uf2", "uf2", {"version: 1.2.3\n  device: Test board\n", "md5: "}},
    {"uf2/files.uf2", "uf2", {"content: files"}},
    {"uf2/other.uf2", "uf2", {"0x00002000, size: 256"}},
    {"uf2/rp2350.uf2", "uf2", {"Raspberry Pi absolute, blocks: 1", "data size: 512"}},
    {"recognise/tar.gz", "gzip", {"name: ", "system: Unix", "inside: tar"}},
    {"recognise/named.gz", "gzip", {"name: t.txt", "modified: 2023-11-14T22:13:20Z"}},
    {"recognise/two-members.gz", "gzip", {"last member size: 160"}},
    {"recognise/tar.xz", "xz", {"uncompressed size: 2048", "check: CRC-64", "inside: tar"}},
    {"recognise/two-streams.xz", "xz", {"uncompressed size: 320", "streams: 2", "CRC-32"}},
    {"recognise/tar.zst", "zstd", {"frames: 1", "uncompressed size: 2048", "inside: tar"}},
    {"recognise/empty.gz", "gzip", {"last member size: 0"}},
    {"recognise/empty.xz", "xz", {"uncompressed size: 0"}},
    {"recognise/empty.zst", "zstd", {"uncompressed size: 0"}},
    {"recognise/empty.lz4", "lz4", {"blocks: 0"}},
    {"recognise/patch.fwd", "fwd", {"decoder: small", "base size: 200", "new size: 220"}},
    {"recognise/empty.bz2", "bzip2", {NULL}},
    {"recognise/skippable.zst", "zstd", {"skippable frames: 1", "inside: tar"}},
    {"recognise/tar.lz4", "lz4", {"block size: 64 KiB", "blocks: 1"}},
    {"recognise/legacy.lz4", "lz4-legacy", {NULL}},
    {"recognise/tar.bz2", "bzip2", {"block size: 900000"}},
    {"recognise/small.squashfs", "squashfs", {"version: 4.0", "compression: gzip", "22:13:20Z"}},
    {"recognise/small.ext4",
     "ext",
     {"type: ext4", "label: rootfs", "11111111-2222-3333", "extents"}},
    {"recognise/small.ext2", "ext", {"type: ext2", "blocks: 64", "state: clean"}},
    {"recognise/small.erofs", "erofs", {"block size: 4096", "uuid: 11111111-2222-3333-4444-555"}},
    {"recognise/small.ubi",
     "ubi",
     {"image sequence: 7", "eraseblock size: 16384", "name: rootfs, type: static", "inside: squ"}},
    {"recognise/head.ubifs", "ubifs", {"compression: zlib", "leb size: 126976"}},
    {"recognise/small.fat", "fat", {"type: FAT12", "label: BOOT", "serial: 0x12345678"}},
    {"recognise/small.cramfs", "cramfs", {"name: test", "files: 2"}},
    {"recognise/small.romfs", "romfs", {"name: rom 1", "image size: 64"}},
    {"recognise/small.jffs2", "jffs2", {"little-endian"}},
    {"recognise/small.gpt",
     "gpt",
     {"disk guid: 11111111-2222-3333-4444-555555555555", "backup header: good",
      "name: root \xc3\xa4, offset: 17408, size: 4096, type: Linux data", "inside: squashfs"}},
    {"recognise/small.mbr",
     "mbr",
     {"disk id: 0x12345678", "number: 1, offset: 512, size: 4096, type: FAT32 (LBA), active: yes",
      "number: 5, offset: 6144", "number: 6, offset: 10240, size: 2048, type: Linux"}},
    {"recognise/inline.itb",
     "fit",
     {"created: 2023-11-14T22:13:20Z", "load: 0x00080000, entry: 0x00080000, offset: 156",
      "algorithm: crc32, check: good", "fdt: fdt-1"}},
    {"recognise/external.itb",
     "fit",
     {"algorithm: sha256, check: good", "offset: 1524, size: 161, inside: fdt",
      "default configuration: conf\n", "key: dev, covers: kernel,fdt, value: 256 bytes"}},
    {"recognise/board.dtb", "fdt", {"model: Test board", "compatible: acme,one,acme,any"}},
    {"recognise/kernel.uimage", "uimage", {"name: test", "type: kernel", "load: 0x00008000"}},
    {"recognise/multi.uimage", "uimage", {"- offset: 76, size: 300", "size: 161, inside: fdt"}},
    {"recognise/arm64.image", "linux-image", {"arch: arm64", "page size: 4 KiB", "efi stub: yes"}},
    {"recognise/riscv.image", "linux-image", {"arch: riscv", "efi stub: no"}},
    {"recognise/appended.zimage", "zimage", {"image size: 400", "inside: fdt"}},
    {"recognise/kernel.bzimage", "bzimage", {"version: 6.1.0-test #1", "boot protocol: 2.15"}},
    {"recognise/app.efi", "pe", {"machine: x86-64", "EFI application", "name: .linux"}},
    {"recognise/small.simg", "android-sparse", {"image size: 32768", "dont care blocks: 5"}},
    {"recognise/boot0.img", "android-boot", {"header version: 0", "command line: console=ttyS0"}},
    {"recognise/boot2.img", "android-boot", {"os version: 9.0.0", "name: dtb, offset: 6144"}},
    {"recognise/boot4.img",
     "android-boot",
     {"patch level: 2023-05", "name: ramdisk, offset: 8192"}},
    {"recognise/payload.bin",
     "android-payload",
     {"name: system, size: 65536, sha256: 2d711642b726", "newest build: 2023-11-14T22:13:20Z"}},
    {"recognise/vbmeta.img", "vbmeta", {"SHA256 RSA2048", "rollback index: 7", "avbtool 1.3.0"}},
    {"recognise/app.esp32",
     "esp32",
     {"chip: ESP32\n", "version: 1.2.3\n  project: blink", "security version: 3", "digest: "}},
    {"recognise/plain.esp32", "esp32", {"chip: ESP32-C3", "- address: 0x40080000, offset: 104"}},
    {"recognise/esp32.flash",
     "esp32-flash",
     {"name: nvs, type: data", "name: factory, type: app, subtype: 0, offset: 65536"}},
    {"recognise/one.esp8266", "esp8266", {"version: 1", "address: 0x40100000, offset: 16"}},
    {"recognise/two.esp8266",
     "esp8266",
     {"version: 2", "address: 0x00000000, offset: 16, size: 32"}},
    {"recognise/signed.mcuboot",
     "mcuboot",
     {"version: 1.2.3+4", "flags: non-bootable", "security counter, value: 9", "check: good"}},
    {"recognise/raw.dfu", "dfu", {"dfu version: 1.00", "product: 0xdf11", "payload size: 300"}},
    {"recognise/uimage.dfu", "dfu", {"inside: uimage"}},
    {"recognise/two.dfuse",
     "dfuse",
     {"device version: 2.00", "alternate: 0, name: Internal Flash",
      "- address: 0x08004000, size: 50"}},
    {"recognise/update.cap", "uefi-capsule", {"flags: 0x00010000", "payloads: 1"}},
    {"recognise/volume.fd", "uefi-volume", {"guid: 8c8ce578-8a3d-4f1c-9935-896185c32dd3"}},
    {"recognise/new.cpio", "cpio", {"variant: new ASCII", "name: t.txt, type: file, size: 160"}},
    {"recognise/ustar.tar", "tar", {NULL}},
    {"recognise/trailing.tar", "tar", {NULL}},
    {"recognise/small.cab", "cab", {"version: 1.3", "files: 1"}},
    {"recognise/small.zip", "zip", {NULL}},
    {"recognise/small.ar", "ar", {NULL}},
    {"recognise/small.deb", "deb", {NULL}},
};

static void seeds_are_told_of(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        const struct pack_format *format = NULL;
        PACK_AUTO_FREE char *text = NULL;
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = seed(told[i].seed, &size);
        assert_pack_ok(tell(&format, &text, bytes, size, &error));
        assert_non_null(format);
        assert_string_equal(format->name, told[i].format);
        for (size_t j = 0; j < 4 && told[i].tells[j] != NULL; j++)
            if (strstr(text, told[i].tells[j]) == NULL)
                fail_msg("%s: no \"%s\" in:\n%s", told[i].seed, told[i].tells[j], text);
    }
}

/* Archives are listed by libarchive, which need not be installed. */
static void members_of_archives_are_listed(void **state)
{
    static const char *const lists[][2] = {
        {"ustar.tar", "name: t.txt, type: file, size: 160"},
        {"small.cab", "name: firmware.bin, type: file, size: 160"},
        {"small.zip", "name: t.txt, type: file, size: 160"},
        {"small.ar", "name: t.txt, type: file, size: 160"},
        {"small.deb", "name: control.tar, type: file, size: 160"},
        {"trailing.tar", "  trailing bytes: 1543\n"},
        {"tar.bz2", "inside: tar"},
        {"tar.lz4", "inside: tar"},
    };
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const struct pack_format *format = NULL;
        PACK_AUTO_FREE char *text = NULL;
        char name[64];
        size_t size = 0;
        snprintf(name, sizeof name, "recognise/%s", lists[i][0]);
        PACK_AUTO_FREE uint8_t *bytes = seed(name, &size);
        assert_pack_ok(tell(&format, &text, bytes, size, &error));
        if (strstr(text, "is not installed") != NULL)
            skip();
        if (strstr(text, lists[i][1]) == NULL)
            fail_msg("%s: no \"%s\" in:\n%s", name, lists[i][1], text);
    }
}

/* --- what is refused ------------------------------------------------------------------------- */

/* One byte of a seed is changed, or the file cut to `offset` where `value` is CUT. */
enum { CUT = -1, FLIP = -2 };

static const struct {
    const char *seed;
    size_t offset;
    int value;
    const char *says;
} damages[] = {
    {"tar.gz", 3, 0xe0, "reserved gzip flags"},
    {"tar.gz", 100, CUT, "cut short"},
    {"tar.gz", 30, FLIP, ""},
    {"tar.xz", 150, CUT, "the xz index is damaged or cut short"},
    {"tar.zst", 20, CUT, "cut short: a zstd frame takes 114 bytes"},
    {"tar.lz4", 4, 0, "LZ4 frame version 0"},
    {"small.squashfs", 28, 3, "SquashFS version 3.0, 4.0 wanted"},
    {"small.squashfs", 22, 9, "a block size of 131072 bytes"},
    {"small.squashfs", 200, CUT, "cut short: the file system takes 258 bytes"},
    {"small.ext4", 60000, CUT, "cut short: the file system takes 65536 bytes"},
    {"small.ext4", 1024 + 7, 1, "cut short: the file system"},
    {"small.erofs", 1024 + 12, 40, "a block size of 2^40 bytes"},
    {"small.ubi", 16, 1, "checksum of the first UBI header is wrong"},
    {"small.ubi", 2 * 16384 + 4, 9, "an eraseblock without a good UBI header"},
    {"small.ubi", 512 + 8, 1, "an eraseblock without a good volume header"},
    {"small.ubi", 1024 + 16, 'R', "the checksum of volume 0"},
    {"head.ubifs", 84, 7, "the checksum of the UBIFS superblock is wrong"},
    {"small.gpt", 512 + 40, 1, "the checksum of the GPT header is wrong"},
    {"small.gpt", 1024 + 40, 1, "the checksum of the partition array is wrong"},
    {"small.gpt", 20000, CUT, "cut short: a partition takes 4096 bytes"},
    {"small.mbr", 446 + 12, 200, "cut short: a partition"},
    {"small.mbr", 10 * 512 + 510, 0, "no table of a logical partition"},
    {"inline.itb", 160, FLIP, "the sha256 of an image differs"},
    {"external.itb", 1230, FLIP, "the sha256 of an image differs"},
    {"external.itb", 1600, CUT, "cut short: an image takes 161 bytes"},
    {"board.dtb", 23, 16, "device tree version 16"},
    {"board.dtb", 7, 200, "cut short: the device tree takes 200 bytes"},
    {"kernel.uimage", 33, 'E', "the checksum of the uImage header is wrong"},
    {"kernel.uimage", 100, FLIP, "the checksum of the uImage data is wrong"},
    {"multi.uimage", 400, FLIP, "the checksum of the uImage data is wrong"},
    {"app.efi", 0x246, 200, "200 sections, at most 96"},
    {"small.simg", 16, 9, "9 blocks are announced, the chunks make 8"},
    {"small.simg", 28, 0, "a chunk of unknown type 0xca00"},
    {"small.simg", 28 + 4, 2, "a chunk of 2 blocks that takes 4108 bytes"},
    {"boot2.img", 40, 5, "boot image header version 5"},
    {"boot2.img", 36, 1, "a page size of 2049 bytes"},
    {"boot2.img", 6150, CUT, "cut short: dtb"},
    {"payload.bin", 11, 1, "payload version 1"},
    {"payload.bin", 26, 0xff, "the manifest is no protobuf message"},
    {"app.esp32", 40, FLIP, "the checksum is 0x"},
    {"app.esp32", 399, FLIP, "the SHA-256 of the image differs"},
    {"app.esp32", 28, 0x10, "cut short: a segment takes"},
    {"one.esp8266", 30, FLIP, "the checksum is 0x"},
    {"signed.mcuboot", 40, FLIP, "the SHA-256 of the image differs"},
    {"signed.mcuboot", 8, 16, "a header of 16 bytes"},
    {"signed.mcuboot", 10, 13, "protected TLVs of 13 bytes, the area has 12"},
    {"raw.dfu", 10, FLIP, "the checksum in the DFU suffix is"},
    {"two.dfuse", 200, FLIP, "the checksum in the DFU suffix is"},
    {"small.romfs", 40, CUT, "cut short: the file system takes 64 bytes"},
    {"new.cpio", 54 + 5, '9', "cut short: a file takes"},
    {"new.cpio", 54, 'x', "no cpio header"},
    {"new.cpio", 94, 'F', "a name of 4026531846 bytes"},
    {"small.cab", 200, CUT, "cut short: the cabinet takes"},
    {"volume.fd", 100, CUT, "cut short: the volume takes 128 bytes"},
};

static bool damage_is_found(size_t index)
{
    struct pack_error error = {0};
    const struct pack_format *format = NULL;
    PACK_AUTO_FREE char *text = NULL;
    char name[64];
    size_t size = 0;
    const size_t offset = damages[index].offset;
    snprintf(name, sizeof name, "recognise/%s", damages[index].seed);
    PACK_AUTO_FREE uint8_t *bytes = seed(name, &size);
    if (damages[index].value == CUT)
        size = offset;
    else if (damages[index].value == FLIP)
        bytes[offset] ^= 0x10;
    else
        bytes[offset] = (uint8_t)damages[index].value;
    const int code = tell(&format, &text, bytes, size, &error);
    if ((code == PACK_E_MALFORMED || code == PACK_E_UNSUPPORTED) && text == NULL &&
        strstr(error.text, damages[index].says) != NULL)
        return true;
    print_error("%s, damaged at %zu: %d, \"%s\", not \"%s\"\n", name, offset, code, error.text,
                damages[index].says);
    return false;
}

static void damage_is_refused(void **state)
{
    size_t missed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        missed += !damage_is_found(i);
    assert_int_equal(missed, 0);
}

/* Each cut gives an error, or is told as what is left; ASan sees the rest. */
static void truncation_at_every_length_is_survived(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        size_t size = 0;
        PACK_AUTO_FREE uint8_t *bytes = seed(told[i].seed, &size);
        const size_t step = size / 1000 + 1;
        for (size_t length = 0; length < size; length += step) {
            const struct pack_format *format = NULL;
            PACK_AUTO_FREE char *text = NULL;
            PACK_AUTO_FREE uint8_t *cut = NULL; /* of its own size, so that ASan sees its end */
            assert_pack_ok(pack_allocate(&cut, length, 1, &error));
            memcpy(cut, bytes, length);
            const int code = tell(&format, &text, cut, length, &error);
            if (code != 0 && code != PACK_E_MALFORMED && code != PACK_E_UNSUPPORTED)
                fail_msg("%s cut to %zu bytes: %s", told[i].seed, length, error.text);
        }
    }
}

/* --- files of others ------------------------------------------------------------------------- */

static const char *const samples[][2] = {
    {"android-payload/payload.bin", "android-payload"},
    {"deb/fw.deb", "deb"},
    {"dfu/a.dfu", "dfu"},
    {"dfu/py.dfuse", "dfuse"},
    {"dfu/st.dfuse", "dfuse"},
    {"disk/gpt.img.xz", "xz"},
    {"disk/mbr.img.xz", "xz"},
    {"elf/esp32-bootloader.elf", "elf"},
    {"elf/esp32-zephyr.elf", "elf"},
    {"elf/esp32c6-appdesc.elf", "elf"},
    {"esp32/bootloader_esp32.bin", "esp32"},
    {"esp32/bootloader_esp32_v5_2.bin", "esp32"},
    {"esp32/bootloader_esp32c3.bin", "esp32"},
    {"esp32/bootloader_esp8266.bin", "esp8266"},
    {"esp32/esp32c3_header_min_rev.bin", "esp32"},
    {"esp32/esp32s3_header.bin", "esp32"},
    {"esp32/esp_idf_blink_esp32s2.bin", "esp32"},
    {"esp32/made_sbv2_rsa3072.bin", "esp32"},
    {"esp32/made_two_segments.bin", "esp32"},
    {"esp32/partitions_singleapp.bin", NULL},
    {"fit/i.itb", "fit"},
    {"fit/i.its", NULL},
    {"fit/pub.dtb", "fdt"},
    {"fit/uImage", "uimage"},
    {"fs/e.erofs", "erofs"},
    {"fs/s.sqfs", "squashfs"},
    {"fwup/py.fw", "zip"},
    {"fwup/error-hang-repro-delta.fw", "zip"},
    {"fwupd-cab/py.cab", "cab"},
    {"fwupd-cab/signed.cab", "cab"},
    {"fwupd-cab/py.jcat", "gzip"},
    {"hex-srec/a.bin", NULL},
    {"hex-srec/a.hex", "ihex"},
    {"hex-srec/b.hex", "ihex"},
    {"hex-srec/a.s37", "srec"},
    {"mcuboot/app.bin", NULL},
    {"mcuboot/s.bin", "mcuboot"},
    {"mcuboot/s5.bin", "mcuboot"},
    {"mcuboot/sp.bin", "mcuboot"},
    {"mcuboot/spr.bin", "mcuboot"},
    {"mender/a0-signed-nitro.mender", "tar"},
    {"mender/made_u.mender", "tar"},
    {"rauc/good-bundle.raucb", "squashfs"},
    {"rauc/good-verity-bundle.raucb", "squashfs"},
    {"sparse-bmap/ext.img", "ext"},
    {"sparse-bmap/ext.simg", "android-sparse"},
    {"sparse-bmap/py.simg", "android-sparse"},
    {"sparse-bmap/ext.bmap", NULL},
    {"suit/suit_manifest_exp0.suit", NULL},
    {"swupdate/cms.swu", "cpio"},
    {"swupdate/u.swu", "cpio"},
    {"ubi/u.ubi.xz", "xz"},
    {"uefi-capsule/c.cap", "uefi-capsule"},
    {"uf2/a.uf2", "uf2"},
    {"keys/cert.pem", NULL},
};

static void samples_are_told_apart(void **state)
{
    struct pack_error error = {0};
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct pack_format *format = NULL;
        PACK_AUTO_FREE char *text = NULL;
        char name[96];
        size_t size = 0;
        snprintf(name, sizeof name, "samples/%s", samples[i][0]);
        PACK_AUTO_FREE char *path = test_shared(name);
        PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
        assert_pack_ok(tell(&format, &text, bytes, size, &error));
        const char *found = format != NULL ? format->name : "raw";
        const char *wanted = samples[i][1] != NULL ? samples[i][1] : "raw";
        if (strcmp(found, wanted) != 0)
            fail_msg("%s is %s, not %s", samples[i][0], found, wanted);
    }
}

/* --- the list itself ------------------------------------------------------------------------- */

static bool is_known_once(const char *name)
{
    unsigned count = 0;
    for (const struct pack_format *const *format = fwpack_formats; *format != NULL; format++)
        count += strcmp((*format)->name, name) == 0;
    return count == 1;
}

static void every_format_has_its_words(void **state)
{
    (void)state;
    for (const struct pack_format *const *format = fwpack_formats; *format != NULL; format++) {
        assert_true(is_known_once((*format)->name));
        assert_non_null((*format)->summary);
        assert_true((*format)->suffixes == NULL || (*format)->suffixes[0] == '.');
        assert_true((*format)->write == NULL || (*format)->suffixes != NULL);
        assert_true(((*format)->abilities & PACK_FORMAT_SEGMENTED) == 0 || (*format)->read != NULL);
    }
}

static void every_format_is_documented(void **state)
{
    size_t size = 0;
    PACK_AUTO_FREE char *path = test_fixture("../docs/image-formats.md");
    PACK_AUTO_FREE uint8_t *manual = test_read_file(path, &size);
    (void)state;
    for (const struct pack_format *const *format = fwpack_formats; *format != NULL; format++) {
        char name[64];
        snprintf(name, sizeof name, "`%s`", (*format)->name);
        if (strstr((const char *)manual, name) == NULL)
            fail_msg("%s is not in docs/image-formats.md", name);
    }
}

/* Each format but raw, which has nothing to know it by, is the verdict on some seed. */
static void every_format_has_a_seed(void **state)
{
    (void)state;
    for (const struct pack_format *const *format = fwpack_formats; *format != NULL; format++) {
        bool seen = strcmp((*format)->name, "raw") == 0 || strcmp((*format)->name, "elf") == 0;
        for (size_t i = 0; i < sizeof told / sizeof told[0]; i++)
            seen |= strcmp(told[i].format, (*format)->name) == 0;
        if (!seen)
            fail_msg("no seed is %s", (*format)->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeds_are_told_of),
        cmocka_unit_test(members_of_archives_are_listed),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(truncation_at_every_length_is_survived),
        cmocka_unit_test(samples_are_told_apart),
        cmocka_unit_test(every_format_has_its_words),
        cmocka_unit_test(every_format_has_a_seed),
        cmocka_unit_test(every_format_is_documented),
    };
    return cmocka_run_group_tests_name("recognise", tests, NULL, NULL);
}
