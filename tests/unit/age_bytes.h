/* SPDX-License-Identifier: MIT */
#ifndef UNIT_AGE_BYTES_H
#define UNIT_AGE_BYTES_H

/* age files made by libcrypto alone, well-formed or not, from a template of their header. */

#include "support/test.h"

#include <stdbool.h>

enum { AGE_CHUNK_END = -1, AGE_NO_NONCE = 1000 };

/* One chunk of the payload. */
struct age_piece {
    int index; /* in its nonce; AGE_CHUNK_END behind the last piece */
    bool last;
    size_t size; /* plain */
    int cut;     /* bytes that are taken off its end; negative: that are added */
    bool bad;    /* one bit of the tag is changed */
};

/*
 * Whatever is random in a real file is a constant here. The words in braces of a header, from which
 * all files are made: {share} {body}      what wraps the file key for age_secret {share2} {body2}
 * the same for age_secret_2 {zero-share} {low-share} {short-share} {long-share} {long-body} a file
 * key of 25 bytes, wrapped {bad-body}          one bit of the tag is changed {salt} {wrapped} for
 * age_passphrase_text with a work factor of 2^10 {bad-wrapped} {long-wrapped} {salt8} {salt24}
 *   {mac} {bad-mac} {short-mac}   over all that precedes, but for one blank
 */
struct age_file {
    uint8_t *bytes;
    size_t size;
    size_t header_size;
};

/*
 * `pieces` NULL: one chunk of 5 bytes. Where the first piece is cut by AGE_NO_NONCE or more there
 * are no chunks, and the nonce lacks as many bytes as the cut is larger than that.
 */
struct age_file age_file_make(const char *header, const struct age_piece *pieces);
void age_file_clear(struct age_file *file);
#define AUTO_AGE_FILE __attribute__((cleanup(age_file_clear)))

/* Plain byte number `offset` of every file. */
uint8_t age_plain_byte(size_t offset);

/* Identities, as their files have them, and the first one's recipient. */
extern const char age_secret[], age_secret_2[], age_secret_stranger[], age_recipient[];
extern const char age_passphrase_text[];

#endif
