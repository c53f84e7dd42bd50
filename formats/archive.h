/* SPDX-License-Identifier: MIT */
#ifndef FORMATS_ARCHIVE_H
#define FORMATS_ARCHIVE_H

/*
 * Foreign archives through libarchive, which is loaded when the first one is looked at: linking
 * it would slow every start of the program. Its warnings are failures here.
 */

#include "formats/support.h"

enum archive_kind {
    ARCHIVE_TAR,
    ARCHIVE_CAB,
    ARCHIVE_ZIP,
    ARCHIVE_AR,
    ARCHIVE_KINDS,
};

enum archive_wrapping { ARCHIVE_BZIP2, ARCHIVE_LZ4, ARCHIVE_WRAPPINGS };

enum { ARCHIVE_MAX_MEMBERS = 65536 };

/* Kinds of files by the bits of their mode, as archives and POSIX have them. */
extern const struct word fwpack_file_types[];

/* Tells each member's name, type, size and link target. Without the library, says so. */
PACK_MUST_USE int fwpack_archive_describe(struct pack_facts *facts, struct pack_input *input,
                                          enum archive_kind kind, struct pack_error *error);
/* Says what a compressed file begins with. Without the library, nothing. */
PACK_MUST_USE int fwpack_archive_peek(struct pack_facts *facts, struct pack_input *input,
                                      enum archive_wrapping wrapping, struct pack_error *error);

#endif
