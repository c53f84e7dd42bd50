/* SPDX-License-Identifier: MIT */
/* SSH signatures, strict and canonical. What is taken is written back as it was. */
#include "pack/sshsig.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* A canonical signature has one spelling. */
static void write_back(const struct pack_ssh_signature *signature, const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    char *text = NULL;
    size_t length = 0;
    if (pack_ssh_signature_format(&text, &length, signature, &error) != 0)
        return;
    check(length == size && memcmp(text, data, size) == 0);
    free(text);
}

/* It proves nothing about itself: only a trusted key and a message do. */
static void verify(const struct pack_ssh_signature *signature)
{
    static const char message[] = "a small file\n";
    struct pack_error error = {0};
    const int code = pack_ssh_signature_verify(signature, &signature->key, "fwpack-release@1",
                                               message, strlen(message), &error);
    check(code == 0 || (code == PACK_E_SIGNATURE && error.text[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct pack_ssh_signature signature;
    if (pack_ssh_signature_parse(&signature, data, size, false, &error) == 0)
        verify(&signature);
    else
        check(error.text[0] != '\0');
    if (pack_ssh_signature_parse(&signature, data, size, true, &error) == 0)
        write_back(&signature, data, size);
    return 0;
}
