/* SPDX-License-Identifier: MIT */
#ifndef DOCUMENT_RULES_H
#define DOCUMENT_RULES_H

/*
 * What a string of a document or descriptor must be. Each gives PACK_E_MALFORMED, PACK_E_LIMIT or
 * PACK_E_UNSUPPORTED with what was found and what was wanted; the caller adds the place.
 */

#include "pack/document.h"

/* [a-z0-9][a-z0-9._-]{0,40} */
PACK_MUST_USE int pack_rule_name(const char *text, struct pack_error *error);
/*
 * 1 to PACK_MAX_TEXT bytes of UTF-8 that read as they are: no control or reordering characters,
 * no space at either end.
 */
PACK_MUST_USE int pack_rule_text(const char *text, struct pack_error *error);
/* A segmented image format that release.json knows: elf, ihex, srec, uf2. */
PACK_MUST_USE int pack_rule_format(const char *text, struct pack_error *error);
/* [a-z0-9]{1,16}, which ends the name of a payload member: known or not, but not "blocks". */
PACK_MUST_USE int pack_rule_codec(const char *text, struct pack_error *error);
/* A power of two from PACK_MIN_BLOCK to PACK_MAX_BLOCK. */
PACK_MUST_USE int pack_rule_block_size(uint64_t size, struct pack_error *error);
/* CVE-YEAR-NUMBER, the number of 4 to 19 digits. */
PACK_MUST_USE int pack_rule_cve(const char *text, struct pack_error *error);
/* low, medium, high, critical. */
PACK_MUST_USE int pack_rule_urgency(const char *text, struct pack_error *error);
/* An SPDX licence expression; whether its ids are of the SPDX list is not judged. */
PACK_MUST_USE int pack_rule_licence(const char *text, struct pack_error *error);

#endif
