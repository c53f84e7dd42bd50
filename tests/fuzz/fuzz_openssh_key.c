/* SPDX-License-Identifier: MIT */
/* OpenSSH's private keys, and its public key blobs. */
#include "crypto/ssh_wire.h"
#include "key_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct pack_public_key key;
    if (pack_ssh_public_key_parse(&key, (struct pack_ssh_string){data, size}, &error) != 0)
        fuzz_check(error.text[0] != '\0');
    fuzz_secret(&pack_secret_openssh, false, data, size);
    return 0;
}
