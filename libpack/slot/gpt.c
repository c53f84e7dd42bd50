/* SPDX-License-Identifier: MIT */
#include "slot/gpt.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/memory.h"

#include <stdio.h>
#include <zlib.h>

enum {
    HEADER_SIZE = 92,
    ENTRY_SIZE = 128,
    LABEL_UNITS = 36,
    MAX_TABLE = 1 << 20,
};

static const char magic[8] = {'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T'};

/* One copy of the table while it is read. */
struct copy {
    struct pack_input *disk;
    uint32_t block;
    uint64_t blocks;      /* of the disk */
    uint64_t at;          /* the header's block */
    uint32_t count, size; /* of entries */
    uint8_t *entries;
};

/* --- the header ------------------------------------------------------------------------------ */

/* The header's own checksum counts as 0 in it. */
static bool header_holds(const uint8_t *header, uint32_t size)
{
    static const uint8_t zeros[4] = {0};
    uLong sum = crc32(0, header, 16);
    sum = crc32(sum, zeros, sizeof zeros);
    sum = crc32(sum, header + 20, size - 20);
    return sum == pack_le32(header + 16);
}

static int fail_copy(const struct copy *copy, struct pack_error *error, const char *what)
{
    pack_fail(error, PACK_E_MALFORMED, "the partition table's %s", what);
    return pack_at_offset(error, copy->at * copy->block);
}

static int check_entries(struct copy *copy, const uint8_t *header, uint64_t *offset,
                         struct pack_error *error)
{
    const uint64_t first = pack_le64(header + 72);
    uint64_t size = 0, end = 0;
    copy->count = pack_le32(header + 80);
    copy->size = pack_le32(header + 84);
    if (copy->count > GPT_MAX_ENTRIES || copy->size < ENTRY_SIZE || copy->size % 8 != 0 ||
        !pack_multiply(copy->count, copy->size, &size) || size > MAX_TABLE)
        return fail_copy(copy, error, "entries have a count or size that is not supported");
    if (first < 2 || !pack_multiply(first, copy->block, offset) || !pack_add(*offset, size, &end) ||
        end > copy->disk->size)
        return fail_copy(copy, error, "entries lie outside of the disk");
    return 0;
}

static int read_header(struct copy *copy, uint8_t *header, uint64_t *offset,
                       struct pack_error *error)
{
    const int code = pack_input_exact(copy->disk, copy->at * copy->block, header, copy->block,
                                      PACK_E_MALFORMED, error);
    if (code != 0)
        return code;
    const uint32_t size = pack_le32(header + 12);
    if (memcmp(header, magic, sizeof magic) != 0)
        return fail_copy(copy, error, "header is missing");
    if (size < HEADER_SIZE || size > copy->block || !header_holds(header, size))
        return fail_copy(copy, error, "header does not fit its checksum");
    if (pack_le64(header + 24) != copy->at)
        return fail_copy(copy, error, "header belongs to another place");
    return check_entries(copy, header, offset, error);
}

static int read_copy(struct copy *copy, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *header = NULL;
    uint64_t offset = 0;
    int code = pack_allocate(&header, 1, copy->block, error);
    if (code == 0)
        code = read_header(copy, header, &offset, error);
    if (code != 0)
        return code;
    const size_t size = (size_t)copy->count * copy->size;
    free(copy->entries);
    copy->entries = NULL;
    code = pack_allocate(&copy->entries, 1, size + 1, error);
    if (code == 0)
        code = pack_input_exact(copy->disk, offset, copy->entries, size, PACK_E_MALFORMED, error);
    if (code == 0 && crc32(0, copy->entries, (uInt)size) != pack_le32(header + 88))
        code = fail_copy(copy, error, "entries do not fit their checksum");
    return code;
}

/* --- the entries ----------------------------------------------------------------------------- */

/* Its first three groups are little-endian numbers. */
static void print_guid(char text[GPT_GUID_TEXT], const uint8_t *guid)
{
    snprintf(text, GPT_GUID_TEXT, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             pack_le32(guid), pack_le16(guid + 4), pack_le16(guid + 6), guid[8], guid[9], guid[10],
             guid[11], guid[12], guid[13], guid[14], guid[15]);
}

/* Characters beyond U+FFFF take two units, whose UTF-8 has 4 bytes: fewer than 3 for each. */
static size_t put_character(char *text, uint32_t character)
{
    if (character < 0x80) {
        text[0] = (char)character;
        return 1;
    }
    const size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size - 1; i > 0; i--, character >>= 6)
        text[i] = (char)(0x80 | (character & 0x3f));
    text[0] = (char)(leads[size] | character);
    return size;
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

static void print_label(char text[GPT_LABEL_SIZE], const uint8_t *units)
{
    size_t size = 0;
    for (size_t i = 0; i < LABEL_UNITS; i++) {
        uint32_t character = pack_le16(units + 2 * i);
        const uint32_t next = i + 1 < LABEL_UNITS ? pack_le16(units + 2 * i + 2) : 0;
        if (character == 0)
            break;
        if (is_high(character) && is_low(next)) {
            character = 0x10000 + ((character - 0xd800) << 10) + (next - 0xdc00);
            i++;
        } else if (is_high(character) || is_low(character)) {
            character = 0xfffd;
        }
        size += put_character(text + size, character);
    }
    text[size] = '\0';
}

static int take_entries(struct gpt *gpt, const struct copy *copy, struct pack_error *error)
{
    static const uint8_t unused[16] = {0};
    const int code =
        pack_allocate(&gpt->partitions, copy->count + 1, sizeof *gpt->partitions, error);
    if (code != 0)
        return code;
    for (uint32_t i = 0; i < copy->count; i++) {
        const uint8_t *entry = copy->entries + (size_t)i * copy->size;
        struct gpt_partition *partition = &gpt->partitions[gpt->count];
        if (memcmp(entry, unused, sizeof unused) == 0)
            continue;
        partition->number = i + 1;
        print_guid(partition->type, entry);
        print_guid(partition->id, entry + 16);
        partition->first = pack_le64(entry + 32);
        partition->last = pack_le64(entry + 40);
        print_label(partition->label, entry + 56);
        if (partition->first > partition->last || partition->last >= copy->blocks)
            return fail_copy(copy, error, "entries have a partition outside of the disk");
        gpt->count++;
    }
    return 0;
}

void gpt_clear(struct gpt *gpt)
{
    free(gpt->partitions);
    *gpt = (struct gpt){0};
}

/* --- both copies ----------------------------------------------------------------------------- */

/* Whether a failure of one copy is one that the other may not have. */
static bool is_damage(int code)
{
    return code == PACK_E_MALFORMED || code == PACK_E_IO;
}

static int read_at_block(struct gpt *gpt, struct copy *copy, uint64_t at, struct pack_error *error)
{
    copy->at = at;
    int code = read_copy(copy, error);
    if (code == 0)
        code = take_entries(gpt, copy, error);
    if (code != 0)
        gpt_clear(gpt);
    return code;
}

static int read_copies(struct gpt *gpt, struct copy *copy, struct pack_error *error)
{
    struct pack_error of_backup = {0};
    const int code = read_at_block(gpt, copy, 1, error);
    if (!is_damage(code) || read_at_block(gpt, copy, copy->blocks - 1, &of_backup) != 0)
        return code;
    gpt->from_backup = true;
    pack_error_clear(error);
    return 0;
}

static bool has_magic(const struct copy *copy, uint64_t at)
{
    struct pack_error ignored = {0};
    uint8_t head[sizeof magic];
    return pack_input_exact(copy->disk, at * copy->block, head, sizeof head, PACK_E_MALFORMED,
                            &ignored) == 0 &&
           memcmp(head, magic, sizeof head) == 0;
}

static int read_blocks(struct gpt *gpt, struct pack_input *disk, uint32_t block, bool *found,
                       struct pack_error *error)
{
    struct copy copy = {.disk = disk, .block = block, .blocks = disk->size / block};
    *found = copy.blocks > 2 && (has_magic(&copy, 1) || has_magic(&copy, copy.blocks - 1));
    const int code = *found ? read_copies(gpt, &copy, error) : 0;
    free(copy.entries);
    return code;
}

int gpt_read(struct gpt *gpt, struct pack_input *disk, uint32_t block, struct pack_error *error)
{
    static const uint32_t usual[] = {512, 4096};
    bool found = false;
    int code = 0;
    *gpt = (struct gpt){0};
    if (block != 0)
        code = read_blocks(gpt, disk, block, &found, error);
    for (size_t i = 0; block == 0 && code == 0 && !found && i < 2; i++)
        code = read_blocks(gpt, disk, usual[i], &found, error);
    if (code == 0 && !found)
        code = pack_fail(error, PACK_E_NOT_FOUND, "the disk has no GUID partition table");
    return code != 0 ? pack_at_file(error, disk->name) : 0;
}
