/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_EXEC_H
#define KEYSTORE_EXEC_H

/* External signers: the command line, the program under a deadline, and its answer. */

#include "base/bytes.h"
#include "pack/key.h"

enum {
    EXEC_SECONDS = 120,
    EXEC_MAX_WORDS = 64,
    EXEC_MAX_COMMAND = 4096,
    EXEC_MAX_ANSWER = 16 * 1024,
};

/*
 * Words parted by spaces, with a shell's quotes ('…', "…", \x) and none of its expansions: a
 * character that would mean something to a shell and is not quoted is refused (PACK_E_USAGE).
 */
struct exec_words {
    char *words[EXEC_MAX_WORDS + 1]; /* ended by NULL */
    char *memory;
};
PACK_MUST_USE int exec_split(struct exec_words *words, const char *command,
                             struct pack_error *error);
void exec_words_clear(struct exec_words *words);

/* 64 bytes as they are, or as text: base64, or 128 hex digits; white space is passed over. */
PACK_MUST_USE int exec_read_signature(uint8_t signature[PACK_SIGNATURE_SIZE], const uint8_t *answer,
                                      size_t size, struct pack_error *error);

#endif
