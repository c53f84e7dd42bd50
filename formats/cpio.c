/* SPDX-License-Identifier: MIT */
/*
 * cpio archives in their ASCII forms (cpio(5)), which SWUpdate and Linux's initramfs use. Read here
 * and not by libarchive, which asks for as much memory as a header says a name takes.
 */
#include "formats/archive.h"
#include "formats/backends.h"

#include "base/checked.h"

#include <inttypes.h>
#include <limits.h>
#include <sys/stat.h>

enum {
    MAGIC_SIZE = 6,
    MAX_HEADER = 110,
    MAX_NAME = 4096,
    PIECE = 16384,
};

/* Where a number stands in a header, in digits. */
struct digits {
    uint8_t offset, count;
};

struct variant {
    const char *magic;
    const char *name;
    unsigned base;      /* of the digits */
    unsigned alignment; /* of header with name, and of data */
    bool summed;        /* the bytes of each file are added up */
    size_t header_size;
    struct digits mode, name_size, file_size, sum;
};

static const struct variant variants[] = {
    {"070701", "new ASCII", 16, 4, false, 110, {14, 8}, {94, 8}, {54, 8}, {102, 8}},
    {"070702", "new ASCII with checksums", 16, 4, true, 110, {14, 8}, {94, 8}, {54, 8}, {102, 8}},
    {"070707", "old ASCII", 8, 1, false, 76, {18, 6}, {59, 6}, {65, 11}, {0, 0}},
};

static const struct variant *find_variant(const uint8_t *magic)
{
    for (size_t i = 0; i < COUNT(variants); i++)
        if (memcmp(magic, variants[i].magic, MAGIC_SIZE) == 0)
            return &variants[i];
    return NULL;
}

struct member {
    uint64_t mode, name_size, file_size, sum;
    uint64_t data; /* offset of the file's bytes */
    char name[MAX_NAME];
};

struct cpio {
    struct pack_input *input;
    struct pack_facts *facts;
    const struct variant *variant;
    struct window window;
    uint64_t position;
};

/* --- headers --------------------------------------------------------------------------------- */

static unsigned digit_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - (unsigned)'0';
    const uint8_t letter = digit | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10U : UINT_MAX;
}

static bool parse_digits(const uint8_t *header, struct digits digits, unsigned base,
                         uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < digits.count; i++) {
        const unsigned value = digit_value(header[digits.offset + i]);
        if (value >= base)
            return false;
        *number = *number * base + value;
    }
    return true;
}

static bool parse_header(const struct variant *variant, const uint8_t *header,
                         struct member *member)
{
    return parse_digits(header, variant->mode, variant->base, &member->mode) &&
           parse_digits(header, variant->name_size, variant->base, &member->name_size) &&
           parse_digits(header, variant->file_size, variant->base, &member->file_size) &&
           parse_digits(header, variant->sum, variant->base, &member->sum);
}

static uint64_t align(const struct variant *variant, uint64_t offset)
{
    return pack_pieces(offset, variant->alignment) * variant->alignment;
}

static int read_member(struct cpio *cpio, struct member *member, struct pack_error *error)
{
    const struct variant *variant = cpio->variant;
    uint8_t header[MAX_HEADER];
    const uint64_t at = cpio->position;
    int code = fwpack_window_read(&cpio->window, at, header, variant->header_size, error);
    if (code != 0)
        return code;
    if (memcmp(header, variant->magic, MAGIC_SIZE) != 0 || !parse_header(variant, header, member))
        return fwpack_malformed(error, at, "no cpio header");
    if (member->name_size == 0 || member->name_size > MAX_NAME)
        return fwpack_malformed(error, at + variant->name_size.offset,
                                "a name of %" PRIu64 " bytes, 1 to %d are allowed",
                                member->name_size, MAX_NAME);
    code = fwpack_window_read(&cpio->window, at + variant->header_size, member->name,
                              (size_t)member->name_size, error);
    if (code == 0 && member->name[member->name_size - 1] != '\0')
        code = fwpack_malformed(error, at + variant->header_size, "a name without its zero byte");
    member->data = align(variant, at + variant->header_size + member->name_size);
    if (code == 0)
        code = fwpack_inside_file(cpio->input, "a file", member->data, member->file_size, error);
    cpio->position = align(variant, member->data + member->file_size);
    return code;
}

/* --- members --------------------------------------------------------------------------------- */

static int check_sum(const struct cpio *cpio, const struct member *member, struct pack_error *error)
{
    uint8_t piece[PIECE];
    uint32_t sum = 0;
    for (uint64_t done = 0; done < member->file_size;) {
        const size_t wanted = (size_t)pack_min(member->file_size - done, sizeof piece);
        const int code = fwpack_read(cpio->input, member->data + done, piece, wanted, error);
        if (code != 0)
            return code;
        for (size_t i = 0; i < wanted; i++)
            sum += piece[i];
        done += wanted;
    }
    if (sum == member->sum)
        return 0;
    return fwpack_malformed(error, member->data,
                            "the checksum of a file is 0x%08" PRIx64 ", 0x%08" PRIx32 " wanted",
                            member->sum, sum);
}

static int tell_member(const struct cpio *cpio, const struct member *member,
                       struct pack_error *error)
{
    const unsigned type = (unsigned)member->mode & S_IFMT;
    char target[MAX_NAME];
    int code = 0;
    pack_facts_begin(cpio->facts, "members");
    pack_fact_bytes(cpio->facts, "name", member->name, (size_t)member->name_size);
    fwpack_fact_word(cpio->facts, "type", fwpack_file_types, type);
    if (type == S_IFREG)
        pack_fact_number(cpio->facts, "size", member->file_size);
    if (type == S_IFLNK && member->file_size <= sizeof target) {
        code = fwpack_read(cpio->input, member->data, target, (size_t)member->file_size, error);
        if (code == 0)
            pack_fact_bytes(cpio->facts, "to", target, (size_t)member->file_size);
    }
    pack_facts_end(cpio->facts);
    return code == 0 && type == S_IFREG && cpio->variant->summed ? check_sum(cpio, member, error)
                                                                 : code;
}

static int tell_members(struct cpio *cpio, struct pack_error *error)
{
    for (unsigned count = 0; count < ARCHIVE_MAX_MEMBERS; count++) {
        struct member member = {0};
        int code = read_member(cpio, &member, error);
        if (code != 0 || strcmp(member.name, "TRAILER!!!") == 0)
            return code;
        code = tell_member(cpio, &member, error);
        if (code != 0)
            return code;
    }
    return pack_fail(error, PACK_E_LIMIT, "more than %d members", ARCHIVE_MAX_MEMBERS);
}

static int cpio_describe(struct pack_input *input, struct pack_facts *facts,
                         struct pack_error *error)
{
    struct cpio cpio = {.input = input, .facts = facts, .window = {.input = input}};
    uint8_t magic[MAGIC_SIZE];
    const int code = fwpack_read(input, 0, magic, sizeof magic, error);
    if (code != 0)
        return code;
    cpio.variant = find_variant(magic);
    if (cpio.variant == NULL)
        return fwpack_malformed(error, 0, "no cpio header");
    pack_fact_text(facts, "variant", cpio.variant->name);
    return tell_members(&cpio, error);
}

static int cpio_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return size >= MAGIC_SIZE && find_variant(head) != NULL ? 95 : 0;
}

const struct pack_format fwpack_format_cpio = {
    .name = "cpio",
    .summary = "cpio archive",
    .suffixes = ".cpio .swu",
    .probe = cpio_probe,
    .describe = cpio_describe,
};
