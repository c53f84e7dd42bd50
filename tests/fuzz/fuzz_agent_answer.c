/* SPDX-License-Identifier: MIT */
/* What an ssh-agent answers: its keys, of which one is chosen, and signatures. */
#include "keystore/agent.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* By nothing, and by the comment of each of the first keys. */
static void choose(const struct agent_identity *identities, size_t count)
{
    for (size_t i = 0; i <= count && i < 8; i++) {
        struct pack_error error = {0};
        const struct agent_identity *chosen = NULL;
        char comment[256] = "";
        if (i < count && identities[i].comment.size < sizeof comment)
            memcpy(comment, identities[i].comment.bytes, identities[i].comment.size);
        const int code = agent_choose(&chosen, identities, count, comment, &error);
        check(code == 0 ? chosen != NULL : error.text[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct agent_identity *identities = NULL;
    uint8_t signature[PACK_SIGNATURE_SIZE];
    size_t count = 0;
    if (agent_parse_identities(&identities, &count, data, size, &error) == 0)
        choose(identities, count);
    else
        check(error.text[0] != '\0' && identities == NULL);
    free(identities);
    if (agent_parse_signature(signature, data, size, &error) != 0)
        check(error.text[0] != '\0');
    return 0;
}
