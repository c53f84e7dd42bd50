/* SPDX-License-Identifier: MIT */
#include "age/bech32.h"

#include <string.h>

/* 256 bits in groups of 5, with 4 bits that are zero behind them, then 30 bits of checksum. */
enum { DATA_DIGITS = 52, CHECK_DIGITS = 6, DIGITS = DATA_DIGITS + CHECK_DIGITS };

const struct age_bech32 age_bech32_recipient = {"age1", "recipient", false};
const struct age_bech32 age_bech32_identity = {"AGE-SECRET-KEY-1", "identity", true};

static const char alphabets[2][33] = {"qpzry9x8gf2tvdw0s3jn54khce6mua7l",
                                      "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"};

/* One step of the BCH code: the remainder with 5 more bits. */
static uint32_t step(uint32_t remainder, unsigned digit)
{
    static const uint32_t generator[5] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                          0x2a1462b3};
    const uint32_t top = remainder >> 25;
    remainder = (remainder & 0x1ffffff) << 5 ^ digit;
    for (unsigned i = 0; i < 5; i++)
        remainder ^= generator[i] & -(top >> i & 1);
    return remainder;
}

/* The remainder of the prefix, as it is in lower case, without its separator. */
static uint32_t start(const char *prefix)
{
    const size_t size = strlen(prefix) - 1;
    uint32_t remainder = 1;
    for (size_t i = 0; i < size; i++)
        remainder =
            step(remainder, (unsigned)(prefix[i] >= 'A' && prefix[i] <= 'Z' ? prefix[i] - 'A' + 'a'
                                                                            : prefix[i]) >>
                                5);
    remainder = step(remainder, 0);
    for (size_t i = 0; i < size; i++)
        remainder = step(remainder, (unsigned)prefix[i] & 31);
    return remainder;
}

/* The value of a character, 32 where it has none; all are looked at, for it may be secret. */
static unsigned digit_of(const char *alphabet, char character)
{
    unsigned digit = 32;
    for (unsigned i = 0; i < 32; i++)
        digit = alphabet[i] == character ? i : digit;
    return digit;
}

/* Bits that come in groups of 5, and leave in bytes. */
struct bits {
    uint32_t held;
    unsigned count;
    uint8_t *next;
};

static void put(struct bits *bits, unsigned digit)
{
    bits->held = (bits->held << 5 | digit) & 0xfff;
    bits->count += 5;
    if (bits->count < 8)
        return;
    bits->count -= 8;
    *bits->next++ = (uint8_t)(bits->held >> bits->count);
}

static int fail_character(const struct age_bech32 *kind, size_t position, struct pack_error *error)
{
    return pack_fail(error, PACK_E_KEY_INVALID, "character %zu of the %s is none that %s… has",
                     position + 1, kind->name, kind->prefix);
}

int age_bech32_decode(const struct age_bech32 *kind, const char *text, size_t size,
                      uint8_t bytes[AGE_BECH32_BYTES], struct pack_error *error)
{
    const size_t prefix = strlen(kind->prefix);
    uint32_t remainder = start(kind->prefix);
    struct bits bits = {.next = bytes};
    if (size < prefix || strncmp(text, kind->prefix, prefix) != 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "the %s does not begin with %s", kind->name,
                         kind->prefix);
    if (size != prefix + DIGITS)
        return pack_fail(error, PACK_E_KEY_INVALID, "the %s has %zu characters, %zu wanted",
                         kind->name, size, prefix + DIGITS);
    for (size_t i = 0; i < DIGITS; i++) {
        const unsigned digit = digit_of(alphabets[kind->upper], text[prefix + i]);
        if (digit == 32)
            return fail_character(kind, prefix + i, error);
        remainder = step(remainder, digit);
        if (i < DATA_DIGITS)
            put(&bits, digit);
    }
    if (remainder != 1) {
        pack_fail(error, PACK_E_KEY_INVALID, "the checksum of the %s is wrong", kind->name);
        return pack_hint(error, "it was mistyped or cut: copy it again");
    }
    if ((bits.held & 15) != 0)
        return pack_fail(error, PACK_E_KEY_INVALID, "bits beyond the end of the %s are set",
                         kind->name);
    return 0;
}

void age_bech32_encode(const struct age_bech32 *kind, const uint8_t bytes[AGE_BECH32_BYTES],
                       char text[AGE_BECH32_TEXT])
{
    const size_t prefix = strlen(kind->prefix);
    const char *alphabet = alphabets[kind->upper];
    uint32_t remainder = start(kind->prefix);
    memcpy(text, kind->prefix, prefix);
    for (size_t i = 0; i < DATA_DIGITS; i++) {
        const size_t at = i * 5 / 8;
        const unsigned pair =
            (unsigned)bytes[at] << 8 | (at + 1 < AGE_BECH32_BYTES ? bytes[at + 1] : 0U);
        const unsigned digit = pair >> (11 - i * 5 % 8) & 31;
        remainder = step(remainder, digit);
        text[prefix + i] = alphabet[digit];
    }
    for (unsigned i = 0; i < CHECK_DIGITS; i++)
        remainder = step(remainder, 0);
    remainder ^= 1;
    for (unsigned i = 0; i < CHECK_DIGITS; i++)
        text[prefix + DATA_DIGITS + i] = alphabet[remainder >> (25 - 5 * i) & 31];
    text[prefix + DIGITS] = '\0';
}
