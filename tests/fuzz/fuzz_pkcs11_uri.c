/* SPDX-License-Identifier: MIT */
/* PKCS#11 URIs: what follows "pkcs11:" in a KEY. */
#include "keystore/pkcs11_uri.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* Values are never longer than the URI, and ended. */
static void check_values(const struct pkcs11_uri *uri, size_t size)
{
    for (int i = 0; i < PKCS11_ATTRIBUTES; i++) {
        const struct pkcs11_value *value = &uri->values[i];
        if (value->text == NULL)
            continue;
        check(value->size < size && value->text[value->size] == '\0');
        check(i == PKCS11_ID || strlen(value->text) == value->size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct pkcs11_uri uri;
    char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (pkcs11_uri_parse(&uri, text, &error) == 0)
        check_values(&uri, size + 1);
    else
        check(error.text[0] != '\0' && uri.memory == NULL);
    pkcs11_uri_clear(&uri);
    free(text);
    return 0;
}
