/* SPDX-License-Identifier: MIT */
/* Archives of files: recognised here, listed by libarchive. */
#include "formats/archive.h"
#include "formats/backends.h"
#include "formats/support.h"

/* --- tar ------------------------------------------------------------------------------------- */

enum { TAR_BLOCK = 512, TAR_CHECKSUM = 148, TAR_CHECKSUM_SIZE = 8, TAR_MAGIC = 257 };

/* The sum of the first header's bytes, its own field taken as spaces (POSIX.1-1988). */
static bool tar_checksum_fits(const uint8_t *header)
{
    unsigned sum = 0, said = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i - TAR_CHECKSUM < TAR_CHECKSUM_SIZE ? ' ' : header[i];
    for (size_t i = 0; i < TAR_CHECKSUM_SIZE; i++) {
        const uint8_t digit = header[TAR_CHECKSUM + i];
        if (digit >= '0' && digit <= '7')
            said = said * 8 + (digit - '0');
        else if (digit != ' ' && digit != 0)
            return false;
    }
    return said == sum && sum != TAR_CHECKSUM_SIZE * ' ';
}

static int tar_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    if (size < TAR_BLOCK || !tar_checksum_fits(head))
        return 0;
    return fwpack_has(head, size, TAR_MAGIC, "ustar", 5) ? 95 : 60;
}

static int tar_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    return fwpack_archive_describe(facts, input, ARCHIVE_TAR, error);
}

const struct pack_format fwpack_format_tar = {
    .name = "tar",
    .summary = "tar archive",
    .suffixes = ".tar",
    .probe = tar_probe,
    .describe = tar_describe,
};

/* --- cab ------------------------------------------------------------------------------------- */

enum { CAB_HEADER = 36 };

static const struct field cab_fields[] = {
    {"cabinet_size", 8, 4, FIELD_NUMBER, NULL},
    {"folders", 26, 2, FIELD_NUMBER, NULL},
    {"files", 28, 2, FIELD_NUMBER, NULL},
    {"set", 32, 2, FIELD_NUMBER, NULL},
};

static int cab_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "MSCF\0\0\0\0", 8) ? 95 : 0;
}

static int cab_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    uint8_t header[CAB_HEADER];
    int code = fwpack_read(input, 0, header, sizeof header, error);
    if (code == 0)
        code = fwpack_inside_file(input, "the cabinet", 0, pack_le32(header + 8), error);
    if (code != 0)
        return code;
    fwpack_fact_print(facts, "version", "%d.%d", header[25], header[24]);
    fwpack_fact_fields(facts, header, LITTLE, cab_fields, COUNT(cab_fields));
    return fwpack_archive_describe(facts, input, ARCHIVE_CAB, error);
}

const struct pack_format fwpack_format_cab = {
    .name = "cab",
    .summary = "Microsoft cabinet",
    .suffixes = ".cab",
    .probe = cab_probe,
    .describe = cab_describe,
};

/* --- zip ------------------------------------------------------------------------------------- */

static int zip_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "PK\x03\x04", 4) || fwpack_has(head, size, 0, "PK\x05\x06", 4)
               ? 90
               : 0;
}

static int zip_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    return fwpack_archive_describe(facts, input, ARCHIVE_ZIP, error);
}

const struct pack_format fwpack_format_zip = {
    .name = "zip",
    .summary = "ZIP archive",
    .suffixes = ".zip .fw",
    .probe = zip_probe,
    .describe = zip_describe,
};

/* --- ar and deb ------------------------------------------------------------------------------ */

static int ar_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_has(head, size, 0, "!<arch>\n", 8) ? 90 : 0;
}

static int deb_probe(const uint8_t *head, size_t size, uint64_t total)
{
    return ar_probe(head, size, total) != 0 && fwpack_has(head, size, 8, "debian-binary", 13) ? 95
                                                                                              : 0;
}

static int ar_describe(struct pack_input *input, struct pack_facts *facts, struct pack_error *error)
{
    return fwpack_archive_describe(facts, input, ARCHIVE_AR, error);
}

const struct pack_format fwpack_format_ar = {
    .name = "ar",
    .summary = "ar archive",
    .suffixes = ".a",
    .probe = ar_probe,
    .describe = ar_describe,
};

const struct pack_format fwpack_format_deb = {
    .name = "deb",
    .summary = "Debian package",
    .suffixes = ".deb",
    .probe = deb_probe,
    .describe = ar_describe,
};
