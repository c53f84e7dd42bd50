/* SPDX-License-Identifier: MIT */
/* MCUboot images (mcuboot, boot/bootutil/include/bootutil/image.h). */
#include "formats/backends.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"
#include "pack/digest.h"

#include <inttypes.h>

enum {
    HEADER = 32,
    AREA_HEADER = 4,
    PROTECTED_AREA = 0x6908,
    PLAIN_AREA = 0x6907,
    TLV_HEADER = 4,
    SHORT_VALUE = 64, /* longer ones are told by their size */
    TLV_SHA256 = 0x10,
    TLV_SECURITY_COUNTER = 0x50,
};

#define MAGIC UINT32_C(0x96f3b83d)

static const struct word flags[] = {
    {0x1, "PIC"},
    {0x4, "encrypted AES-128"},
    {0x8, "encrypted AES-256"},
    {0x10, "non-bootable"},
    {0x20, "RAM load"},
    {0x100, "ROM fixed"},
    {0x200, "LZMA1"},
    {0x400, "LZMA2"},
    {0x800, "Arm Thumb filter"},
    {0, NULL},
};

static const struct word tlv_names[] = {
    {0x01, "key hash"},
    {0x02, "public key"},
    {TLV_SHA256, "SHA-256"},
    {0x11, "SHA-384"},
    {0x12, "SHA-512"},
    {0x20, "RSA-2048 signature"},
    {0x22, "ECDSA signature"},
    {0x23, "RSA-3072 signature"},
    {0x24, "Ed25519 signature"},
    {0x25, "pure signature"},
    {0x30, "RSA-2048 encrypted key"},
    {0x31, "AES wrapped key"},
    {0x32, "EC-P256 encrypted key"},
    {0x33, "X25519 encrypted key"},
    {0x40, "dependency"},
    {TLV_SECURITY_COUNTER, "security counter"},
    {0x60, "boot record"},
    {0x70, "decompressed size"},
    {0x71, "decompressed hash"},
    {0x72, "decompressed signature"},
    {0x74, "vendor id"},
    {0x75, "class id"},
    {0, NULL},
};

struct mcuboot {
    struct pack_input *input;
    struct pack_facts *facts;
    uint64_t hashed; /* bytes from the start that the hash covers */
    bool checked;    /* one hash is enough: there might be thousands */
};

/* --- areas of type, length, value ------------------------------------------------------------ */

static int check_sha256(const struct mcuboot *image, const uint8_t *value, uint64_t offset,
                        struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    uint8_t digest[PACK_SHA256_SIZE], piece[16384];
    int code = pack_sha256_new(&hash, error);
    for (uint64_t done = 0; code == 0 && done < image->hashed;) {
        const size_t wanted = (size_t)pack_min(image->hashed - done, sizeof piece);
        code = fwpack_read(image->input, done, piece, wanted, error);
        if (code == 0)
            code = pack_sha256_update(hash, piece, wanted, error);
        done += wanted;
    }
    if (code == 0)
        code = pack_sha256_finish(hash, digest, error);
    if (code == 0 && memcmp(digest, value, sizeof digest) != 0)
        code = fwpack_malformed(error, offset, "the SHA-256 of the image differs");
    if (code == 0)
        pack_fact_text(image->facts, "check", "good");
    return code;
}

static int tell_tlv(struct mcuboot *image, uint16_t type, const uint8_t *value, size_t size,
                    uint64_t offset, struct pack_error *error)
{
    int code = 0;
    pack_facts_begin(image->facts, "tlvs");
    fwpack_fact_print(image->facts, "type", "0x%02x", type);
    const char *name = fwpack_word(tlv_names, type);
    if (name != NULL)
        pack_fact_text(image->facts, "name", name);
    if (type == TLV_SECURITY_COUNTER && size == 4)
        pack_fact_number(image->facts, "value", pack_le32(value));
    else if (size <= SHORT_VALUE)
        pack_fact_hex(image->facts, "value", value, size);
    else
        pack_fact_number(image->facts, "size", size);
    if (type == TLV_SHA256 && size == PACK_SHA256_SIZE && !image->checked) {
        image->checked = true;
        code = check_sha256(image, value, offset, error);
    }
    pack_facts_end(image->facts);
    return code;
}

static int tell_tlvs(struct mcuboot *image, struct pack_cursor area, uint64_t offset,
                     struct pack_error *error)
{
    while (pack_cursor_left(&area) != 0) {
        const uint64_t at = offset + area.position;
        const uint8_t *header = pack_cursor_take(&area, TLV_HEADER);
        const size_t size = header != NULL ? pack_le16(header + 2) : 0;
        const uint8_t *value = header != NULL ? pack_cursor_take(&area, size) : NULL;
        if (value == NULL)
            return fwpack_malformed(error, at, "a TLV reaches behind its area");
        const int code = tell_tlv(image, pack_le16(header), value, size, at + TLV_HEADER, error);
        if (code != 0)
            return code;
    }
    return 0;
}

/* One area: its magic, its size with this header, its TLVs. *size is the whole area's. */
static int take_area(struct mcuboot *image, uint64_t offset, unsigned magic, size_t *size,
                     struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    uint8_t header[AREA_HEADER];
    int code = fwpack_read(image->input, offset, header, sizeof header, error);
    if (code != 0)
        return code;
    *size = pack_le16(header + 2);
    if (pack_le16(header) != magic || *size < AREA_HEADER)
        return fwpack_malformed(error, offset, "an area 0x%04x of %zu bytes, 0x%04x wanted",
                                pack_le16(header), *size, magic);
    code = pack_allocate(&bytes, *size, 1, error);
    if (code == 0)
        code = fwpack_read(image->input, offset, bytes, *size, error);
    const struct pack_cursor area = {.bytes = bytes, .size = *size, .position = AREA_HEADER};
    return code == 0 ? tell_tlvs(image, area, offset, error) : code;
}

/* --- header ---------------------------------------------------------------------------------- */

static void tell_header(struct pack_facts *facts, const uint8_t *header)
{
    fwpack_fact_print(facts, "version", "%d.%d.%d+%" PRIu32, header[20], header[21],
                      pack_le16(header + 22), pack_le32(header + 24));
    pack_fact_address(facts, "load", pack_le32(header + 4));
    pack_fact_number(facts, "header_size", pack_le16(header + 8));
    pack_fact_number(facts, "image_size", pack_le32(header + 12));
    fwpack_fact_bits(facts, "flags", flags, pack_le32(header + 16));
}

static int mcuboot_describe(struct pack_input *input, struct pack_facts *facts,
                            struct pack_error *error)
{
    struct mcuboot image = {.input = input, .facts = facts};
    uint8_t header[HEADER];
    size_t size = 0;
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code != 0)
        return code;
    const uint16_t header_size = pack_le16(header + 8), protected_size = pack_le16(header + 10);
    if (header_size < HEADER)
        return fwpack_malformed(error, 8, "a header of %d bytes, at least %d wanted", header_size,
                                HEADER);
    const uint64_t end = (uint64_t)header_size + pack_le32(header + 12);
    code = fwpack_inside_file(input, "the image", 0, end + protected_size, error);
    if (code != 0)
        return code;
    tell_header(facts, header);
    image.hashed = end + protected_size;
    if (protected_size != 0) {
        code = take_area(&image, end, PROTECTED_AREA, &size, error);
        if (code == 0 && size != protected_size)
            code = fwpack_malformed(error, 10, "protected TLVs of %d bytes, the area has %zu",
                                    protected_size, size);
    }
    return code == 0 ? take_area(&image, end + protected_size, PLAIN_AREA, &size, error) : code;
}

static int mcuboot_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return size >= 4 && pack_le32(head) == MAGIC ? 95 : 0;
}

const struct pack_format fwpack_format_mcuboot = {
    .name = "mcuboot",
    .summary = "MCUboot image",
    .suffixes = NULL,
    .probe = mcuboot_probe,
    .describe = mcuboot_describe,
};
