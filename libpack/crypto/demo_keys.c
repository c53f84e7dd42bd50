/* SPDX-License-Identifier: MIT */
#include "crypto/key_text.h"

#include <sodium.h>
#include <string.h>

/* Public keys of keys-example/, in hex; keys-example/make-keys prints these lines. */
static const char *const published[] = {
    "6ad5e2a14fd94b9186b178945e9388e8141161147da936a0cbc5b49228cc6e33", /* demo-delivery */
    "ef883d5779f560ea0f92e1003db7b6370dd2f7719486f750e7ca8d326b78d037", /* demo-release */
    "13cf455620299fb22dde2d178749bada6a87da240ea937d7e4dc8aff1e923a8b", /* team/anna */
    "0724c0e0831b4a620cd9da30cdca27dd0f0954f55e2c9633d933a4732be7ab05", /* team/ben */
    "923041f52dc35a4b33c4e1a113ffdb7f093940d98278d00e4fe2a891d656489d", /* team/carol */
    "e02e5e4800d6c6bce6a5ae1d9cbcc94d22b356000df22133cde8aac20d4429c3", /* team/ci */
    "001f6957419e157047db6c1917e566373fd6ffc31ee5477c03aeeaecdad66bcb", /* team/dora */
    "f374c23aa00509f84b54eb8288bbecb2705d96f170d6d1c3a4bf12dbc4cc7dcb", /* team/operator */
    "e2e967b058384eb5ea4f3f60834e1e2b60f453eebc7b1aad76fe4d32bcc35c37", /* team/root-1 */
    "5eac2583651e25ba1158ae35586a43b00384d35658da11c85d31b91bd5125051", /* team/root-2 */
};

bool pack_demo_key_published(const uint8_t key[PACK_PUBLIC_KEY_SIZE])
{
    char hex[2 * PACK_PUBLIC_KEY_SIZE + 1];
    sodium_bin2hex(hex, sizeof hex, key, PACK_PUBLIC_KEY_SIZE);
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        if (strcmp(hex, published[i]) == 0)
            return true;
    return false;
}
