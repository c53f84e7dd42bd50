/* SPDX-License-Identifier: MIT */
#ifndef AGE_BECH32_H
#define AGE_BECH32_H

/* Bech32 (BIP 173) of 32 bytes, in the two spellings that age has. */

#include "pack/error.h"

enum { AGE_BECH32_BYTES = 32 };

struct age_bech32 {
    const char *prefix; /* "age1", in the one case that is right, the separator included */
    const char *name;   /* "recipient", for messages */
    bool upper;
};
extern const struct age_bech32 age_bech32_recipient, age_bech32_identity;

/* Characters of either spelling, at most, with the final zero byte. */
enum { AGE_BECH32_TEXT = 16 + 52 + 6 + 1 };

/*
 * `text` may be a secret, so that no message shows it. PACK_E_KEY_INVALID: another length, a
 * character that is none of its alphabet, the checksum of another text, bits beyond its end.
 */
PACK_MUST_USE int age_bech32_decode(const struct age_bech32 *kind, const char *text, size_t size,
                                    uint8_t bytes[AGE_BECH32_BYTES], struct pack_error *error);
void age_bech32_encode(const struct age_bech32 *kind, const uint8_t bytes[AGE_BECH32_BYTES],
                       char text[AGE_BECH32_TEXT]);

#endif
