/* SPDX-License-Identifier: MIT */
#include "bundle/tar.h"

#include <stdio.h>
#include <string.h>

/* Field offsets and widths of ustar. */
enum {
    MODE = 100,
    OWNER = 108,
    GROUP = 116,
    SIZE = 124,
    TIME = 136,
    CHECKSUM = 148,
    TYPE = 156,
    MAGIC = 257,
    DEVICE_MAJOR = 329,
    DEVICE_MINOR = 337,
    NAME_MAX_SIZE = 100,
    SIZE_DIGITS = 11,
};

static void put_text(uint8_t *block, size_t offset, const char *text)
{
    memcpy(block + offset, text, strlen(text));
}

static void put_header(uint8_t block[TAR_BLOCK], const char *name, uint64_t size, char type)
{
    char digits[32];
    memset(block, 0, TAR_BLOCK);
    put_text(block, 0, name);
    put_text(block, MODE, "0000644");
    put_text(block, OWNER, "0000000");
    put_text(block, GROUP, "0000000");
    snprintf(digits, sizeof digits, "%011llo", (unsigned long long)size);
    put_text(block, SIZE, digits);
    put_text(block, TIME, "00000000000");
    put_text(block, CHECKSUM, "        ");
    block[TYPE] = (uint8_t)type;
    memcpy(block + MAGIC, "ustar\00000", 8);
    put_text(block, DEVICE_MAJOR, "0000000");
    put_text(block, DEVICE_MINOR, "0000000");
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    snprintf(digits, sizeof digits, "%06o", sum);
    put_text(block, CHECKSUM, digits);
    block[CHECKSUM + 6] = 0;
}

/* "LENGTH size=SIZE\n", whose length counts itself. */
static size_t pax_record(char record[64], uint64_t size)
{
    int length = 0;
    for (int guess = 0; guess != length || length == 0;) {
        guess = length;
        length = snprintf(record, 64, "%d size=%llu\n", guess, (unsigned long long)size);
    }
    return (size_t)length;
}

size_t tar_header_size(uint64_t size)
{
    return size > TAR_USTAR_MAX ? TAR_HEADER_MAX : TAR_BLOCK;
}

size_t tar_padding(uint64_t size)
{
    return (size_t)(-size & (TAR_BLOCK - 1));
}

void tar_header(uint8_t header[TAR_HEADER_MAX], const char *name, uint64_t size)
{
    if (size <= TAR_USTAR_MAX) {
        put_header(header, name, size, '0');
        return;
    }
    char record[64];
    const size_t length = pax_record(record, size);
    put_header(header, "pax-header", length, 'x');
    memset(header + TAR_BLOCK, 0, TAR_BLOCK);
    memcpy(header + TAR_BLOCK, record, length);
    put_header(header + 2 * TAR_BLOCK, name, 0, '0');
}

/* --- reading ------------------------------------------------------------------------------- */

static const struct {
    char type;
    const char *words;
} refused_types[] = {
    {'1', "hard links are not allowed"},     {'2', "symbolic links are not allowed"},
    {'3', "devices are not allowed"},        {'4', "devices are not allowed"},
    {'5', "folders are not allowed"},        {'6', "FIFOs are not allowed"},
    {'L', "GNU long names are not allowed"}, {'K', "GNU long links are not allowed"},
    {'S', "sparse entries are not allowed"}, {'g', "global pax headers are not allowed"},
};

static int refuse_type(char type, struct pack_error *error)
{
    for (size_t i = 0; i < sizeof refused_types / sizeof refused_types[0]; i++)
        if (refused_types[i].type == type)
            return pack_fail(error, PACK_E_MALFORMED, "%s", refused_types[i].words);
    return pack_fail(error, PACK_E_MALFORMED, "entry type 0x%02x is not allowed", (uint8_t)type);
}

static bool parse_size(const uint8_t *field, uint64_t *size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < SIZE_DIGITS; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        value = value << 3 | (uint64_t)(field[i] - '0');
    }
    *size = value;
    return field[SIZE_DIGITS] == 0;
}

bool tar_has_magic(const uint8_t block[TAR_BLOCK])
{
    return memcmp(block + MAGIC, "ustar", 5) == 0;
}

int tar_parse(const uint8_t block[TAR_BLOCK], char name[TAR_NAME_SIZE], uint64_t *size,
              struct pack_error *error)
{
    uint8_t wanted[TAR_BLOCK];
    memcpy(name, block, NAME_MAX_SIZE);
    name[NAME_MAX_SIZE] = '\0';
    if (!tar_has_magic(block))
        return pack_fail(error, PACK_E_MALFORMED, "no tar header here");
    const char type = (char)block[TYPE];
    if (type != '0' && type != 'x')
        return refuse_type(type, error);
    if (name[0] == '\0')
        return pack_fail(error, PACK_E_MALFORMED, "entry with an empty name");
    if (!parse_size(block + SIZE, size))
        return pack_fail(error, PACK_E_MALFORMED, "size is not 11 octal digits");
    put_header(wanted, name, *size, type);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        if (block[i] != wanted[i])
            return pack_fail(error, PACK_E_MALFORMED,
                             "byte %zu of the header is 0x%02x, 0x%02x wanted", i, block[i],
                             wanted[i]);
    return 0;
}
