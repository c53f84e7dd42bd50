#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints blowfish_tables.h: the first 33,344 binary digits of pi behind its point, by which
Blowfish's subkeys and S-boxes begin (B. Schneier, Description of a New Variable-Length Key, 64-bit
Block Cipher, 1993). Pi is Machin's: 16 arctan(1/5) - 4 arctan(1/239)."""

WORDS, SPARE = 18 + 4 * 256, 64


def arctan_of_inverse(number, one):
    power = total = one // number
    divisor, sign = 3, -1
    while power:
        power //= number * number
        total += sign * (power // divisor)
        divisor, sign = divisor + 2, -sign
    return total


def words():
    bits = 32 * WORDS
    one = 1 << bits + SPARE
    pi = 16 * arctan_of_inverse(5, one) - 4 * arctan_of_inverse(239, one)
    fraction = (pi - 3 * one) >> SPARE
    return [fraction >> bits - 32 * (i + 1) & 0xffffffff for i in range(WORDS)]


def main():
    print("/* SPDX-License-Identifier: MIT */")
    print("/* Digits of pi, printed by make_blowfish_tables.py. */")
    print("#ifndef CRYPTO_BLOWFISH_TABLES_H\n#define CRYPTO_BLOWFISH_TABLES_H\n")
    print("#include <stdint.h>\n")
    print(f"static const uint32_t digits_of_pi[{WORDS}] = {{")
    digits = [f"0x{word:08x}," for word in words()]
    for start in range(0, WORDS, 8):
        print("    " + " ".join(digits[start:start + 8]))
    print("};\n\n#endif")


main()
