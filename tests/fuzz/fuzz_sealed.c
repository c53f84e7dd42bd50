/* SPDX-License-Identifier: MIT */
/* Files of keys sealed to a TPM. What is taken is written, and that is taken again. */
#include "base/memory.h"
#include "keystore/tpm2.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_again(const struct tpm2_sealed *sealed)
{
    struct pack_error error = {0};
    struct tpm2_sealed again;
    char *text = NULL, *same = NULL;
    size_t size = 0, same_size = 0;
    check(tpm2_sealed_format(&text, &size, sealed, &error) == 0);
    check(pack_sealed_probe(text, size));
    check(tpm2_sealed_parse(&again, text, size, &error) == 0);
    check(tpm2_sealed_format(&same, &same_size, &again, &error) == 0);
    check(size == same_size && memcmp(text, same, size) == 0);
    free(text);
    free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct tpm2_sealed sealed;
    uint32_t pcrs = 0;
    char pcr_text[PACK_PCRS_TEXT_SIZE], *text = strndup((const char *)data, size);
    if (text != NULL && pack_pcrs_parse(text, &pcrs)) {
        pack_pcrs_text(pcrs, pcr_text);
        check(pcrs != 0 && pack_pcrs_parse(pcr_text, &pcrs));
    }
    free(text);
    if (tpm2_sealed_parse(&sealed, data, size, &error) == 0)
        check_again(&sealed);
    else
        check(error.text[0] != '\0');
    return 0;
}
