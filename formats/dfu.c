/* SPDX-License-Identifier: MIT */
/*
 * USB DFU files (USB DFU 1.1, appendix B), which end with a suffix, and ST's DfuSe files (UM0391),
 * which have addresses too.
 */
#include "formats/backends.h"
#include "formats/support.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    SUFFIX = 16,
    PREFIX = 11,
    TARGET = 274,
    ELEMENT = 8,
    TARGET_NAME = 255,
    DFUSE_VERSION = 0x011a,
};

/* --- suffix ---------------------------------------------------------------------------------- */

static bool is_suffix(const uint8_t suffix[SUFFIX])
{
    const uint16_t version = pack_le16(suffix + 6);
    return memcmp(suffix + 8, "UFD", 3) == 0 && suffix[11] >= SUFFIX &&
           (version == 0x0100 || version == 0x0101 || version == 0x0110 ||
            version == DFUSE_VERSION);
}

/* Reads and checks the suffix; *payload is what stands before it. */
static int take_suffix(struct pack_input *input, struct pack_facts *facts, uint64_t *payload,
                       struct pack_error *error)
{
    uint8_t suffix[SUFFIX];
    uint32_t crc = 0;
    if (input->size < SUFFIX)
        return fwpack_malformed(error, input->size, "ends before the DFU suffix");
    int code = fwpack_read(input, input->size - SUFFIX, suffix, sizeof suffix, error);
    if (code == 0 && (!is_suffix(suffix) || suffix[11] > input->size))
        code = fwpack_malformed(error, input->size - SUFFIX, "no DFU suffix");
    if (code == 0)
        code = fwpack_crc32(input, 0, input->size - 4, &crc, error);
    if (code == 0 && ~crc != pack_le32(suffix + 12))
        code = fwpack_malformed(error, input->size - 4,
                                "the checksum in the DFU suffix is 0x%08" PRIx32 ", 0x%08" PRIx32
                                " wanted",
                                pack_le32(suffix + 12), ~crc);
    if (code != 0)
        return code;
    *payload = input->size - suffix[11];
    fwpack_fact_print(facts, "dfu_version", "%x.%02x", suffix[7], suffix[6]);
    fwpack_fact_print(facts, "vendor", "0x%04x", pack_le16(suffix + 4));
    fwpack_fact_print(facts, "product", "0x%04x", pack_le16(suffix + 2));
    fwpack_fact_print(facts, "device_version", "%x.%02x", suffix[1], suffix[0]);
    return 0;
}

static int dfu_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    uint64_t payload = 0;
    const int code = take_suffix(input, facts, &payload, error);
    if (code != 0)
        return code;
    pack_fact_number(facts, "payload_size", payload);
    return fwpack_describe_inside(facts, input, 0, payload, error);
}

static int dfu_probe_tail(const uint8_t *tail, size_t size)
{
    return size >= SUFFIX && is_suffix(tail + size - SUFFIX) ? 99 : 0;
}

const struct pack_format fwpack_format_dfu = {
    .name = "dfu",
    .summary = "USB DFU file",
    .suffixes = ".dfu",
    .probe_tail = dfu_probe_tail,
    .describe = dfu_describe,
};

/* --- DfuSe ----------------------------------------------------------------------------------- */

struct target {
    uint64_t offset; /* of its first element */
    uint64_t end;
    uint32_t elements;
    uint8_t header[TARGET];
};

static int read_prefix(struct pack_input *input, unsigned *targets, uint64_t *end,
                       struct pack_error *error)
{
    uint8_t prefix[PREFIX];
    const int code = fwpack_read(input, 0, prefix, sizeof prefix, error);
    if (code != 0)
        return code;
    *targets = prefix[10];
    *end = pack_le32(prefix + 6);
    if (prefix[5] != 1) {
        pack_fail(error, PACK_E_UNSUPPORTED, "DfuSe version %d, 1 wanted", prefix[5]);
        return pack_at_offset(error, 5);
    }
    return fwpack_inside_file(input, "the DfuSe image", 0, *end, error);
}

/* The target at *offset, which then is behind it. */
static int read_target(struct pack_input *input, uint64_t *offset, uint64_t limit,
                       struct target *target, struct pack_error *error)
{
    const int code = fwpack_read(input, *offset, target->header, TARGET, error);
    if (code != 0)
        return code;
    if (memcmp(target->header, "Target", 6) != 0)
        return fwpack_malformed(error, *offset, "no DfuSe target");
    target->offset = *offset + TARGET;
    target->end = target->offset + pack_le32(target->header + 266);
    target->elements = pack_le32(target->header + 270);
    if (target->elements > PACK_MAX_SEGMENTS)
        return pack_fail(error, PACK_E_LIMIT, "%" PRIu32 " elements in a target", target->elements);
    if (target->end > limit)
        return fwpack_malformed(error, *offset + 266,
                                "a target that ends at %" PRIu64 ", the image at %" PRIu64,
                                target->end, limit);
    *offset = target->end;
    return 0;
}

struct element {
    uint32_t address, size;
    uint64_t offset; /* of its data */
};

static int read_element(struct pack_input *input, const struct target *target, uint64_t *offset,
                        struct element *element, struct pack_error *error)
{
    uint8_t header[ELEMENT];
    const int code = fwpack_read(input, *offset, header, sizeof header, error);
    if (code != 0)
        return code;
    element->address = pack_le32(header);
    element->size = pack_le32(header + 4);
    element->offset = *offset + ELEMENT;
    if (element->offset + element->size > target->end)
        return fwpack_malformed(error, *offset,
                                "an element of %" PRIu32 " bytes reaches behind its target",
                                element->size);
    *offset = element->offset + element->size;
    return 0;
}

static int tell_target(struct pack_input *input, struct pack_facts *facts,
                       const struct target *target, struct pack_error *error)
{
    uint64_t offset = target->offset;
    int code = 0;
    pack_facts_begin(facts, "targets");
    pack_fact_number(facts, "alternate", target->header[6]);
    if (pack_le32(target->header + 7) != 0)
        pack_fact_bytes(facts, "name", target->header + 11, TARGET_NAME);
    for (uint32_t i = 0; code == 0 && i < target->elements; i++) {
        struct element element = {0};
        code = read_element(input, target, &offset, &element, error);
        pack_facts_begin(facts, "elements");
        pack_fact_address(facts, "address", element.address);
        pack_fact_number(facts, "size", element.size);
        pack_facts_end(facts);
    }
    pack_facts_end(facts);
    return code;
}

static int dfuse_describe(struct pack_input *input, struct pack_facts *facts,
                          struct pack_error *error)
{
    struct target target = {0};
    uint64_t payload = 0, end = 0, offset = PREFIX;
    unsigned targets = 0;
    int code = take_suffix(input, facts, &payload, error);
    if (code == 0)
        code = read_prefix(input, &targets, &end, error);
    for (unsigned i = 0; code == 0 && i < targets; i++) {
        code = read_target(input, &offset, end, &target, error);
        if (code == 0)
            code = tell_target(input, facts, &target, error);
    }
    return code;
}

static int dfuse_read(struct pack_input *input, struct pack_image_builder *builder,
                      struct pack_error *error)
{
    struct target target = {0};
    uint64_t end = 0, offset = PREFIX;
    unsigned targets = 0;
    int code = read_prefix(input, &targets, &end, error);
    if (code == 0 && targets != 1)
        code =
            pack_fail(error, PACK_E_UNSUPPORTED, "%u targets, each of which is an image", targets);
    if (code == 0)
        code = read_target(input, &offset, end, &target, error);
    offset = target.offset;
    for (uint32_t i = 0; code == 0 && i < target.elements; i++) {
        struct element element = {0};
        code = read_element(input, &target, &offset, &element, error);
        if (code == 0)
            code = fwpack_add_range(builder, input, element.address, element.offset, element.size,
                                    error);
    }
    return code;
}

static int dfuse_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "DfuSe", 5) ? 100 : 0;
}

const struct pack_format fwpack_format_dfuse = {
    .name = "dfuse",
    .summary = "ST DfuSe file",
    .suffixes = ".dfuse .dfu",
    .probe = dfuse_probe,
    .describe = dfuse_describe,
    .read = dfuse_read,
};
