/* SPDX-License-Identifier: MIT */
/* age files: the header, the whole with an identity that fits the seeds, armor, and key files. */
#include "age/armor.h"
#include "age/header.h"
#include "age/parties.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/age.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PLAIN = 1 << 20, MAX_KEYS = 1000 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* The identity of the unit tests, whose secret half everybody knows. */
static const char *variable(const char *name)
{
    (void)name;
    return "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZ9K4CN";
}

static void try_header(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct age_header header;
    struct age_stanza stanza;
    size_t count = 0;
    if (age_header_parse(&header, data, size, &error) != 0) {
        check(error.text[0] != '\0');
        return;
    }
    check(header.text.size <= size && header.mac_covers < header.text.size);
    struct age_stanzas stanzas = age_header_stanzas(&header);
    while (age_stanzas_next(&stanzas, &stanza)) {
        uint8_t bytes[AGE_KEY_SIZE];
        check(stanza.argument_count > 0);
        if (age_stanza_is(&stanza, "X25519"))
            age_stanza_share(&stanza, bytes);
        if (age_stanza_is(&stanza, "scrypt"))
            check(age_stanza_work(&stanza, bytes) <= AGE_MAX_WORK);
        count++;
    }
    check(count >= header.recipient_count && count > 0);
}

static int read_all(struct pack_input *input, const struct pack_age_identities *identities,
                    struct pack_buffer *plain, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *opened = NULL;
    uint8_t piece[5000];
    size_t got = sizeof piece;
    int code = pack_age_open(&opened, input, identities, error);
    while (code == 0 && got == sizeof piece) {
        code = pack_input_read(opened, plain->size, piece, sizeof piece, &got, error);
        if (code == 0)
            code = pack_buffer_append(plain, piece, got, error);
    }
    check(code != 0 || !opened->has_size || opened->size == plain->size);
    return code;
}

/* A pipe and a file give the same bytes and the same verdict. */
static void try_open(const uint8_t *data, size_t size, const struct pack_age_identities *identities)
{
    struct pack_buffer plain[2] = {{.limit = MAX_PLAIN}, {.limit = MAX_PLAIN}};
    int codes[2];
    for (int forward = 0; forward < 2; forward++) {
        PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
        struct pack_input *memory = NULL;
        struct pack_error error = {0};
        check(pack_input_memory(&memory, data, size, "fuzz", &error) == 0);
        if (forward == 0)
            input = memory;
        else
            check(pack_input_forward(&input, memory, &error) == 0);
        codes[forward] = read_all(input, identities, &plain[forward], &error);
        check(codes[forward] == 0 || error.text[0] != '\0');
    }
    check(codes[0] == codes[1]);
    check(codes[0] != 0 || (plain[0].size == plain[1].size &&
                            memcmp(plain[0].bytes, plain[1].bytes, plain[0].size) == 0));
    pack_buffer_clear(&plain[0]);
    pack_buffer_clear(&plain[1]);
}

static void try_armor(const uint8_t *data, size_t size)
{
    PACK_AUTO_BUFFER struct pack_buffer binary = {.limit = MAX_PLAIN};
    struct pack_error error = {0};
    if (age_armor_begins(data, size) && age_armor_decode(&binary, data, size, &error) == 0)
        check(binary.size < size);
}

static void try_keys(const uint8_t *data, size_t size)
{
    struct age_lines lines = {.text = (const char *)data, .size = size};
    const char *line = NULL;
    size_t length = 0;
    while (age_next_line(&lines, &line, &length)) {
        PACK_AUTO(pack_age_identities_free) struct pack_age_identities *identities = NULL;
        struct pack_error error = {0};
        char recipient[PACK_AGE_TEXT_SIZE];
        check(pack_age_identities_new(&identities, &error) == 0);
        if (age_identities_add_line(identities, line, length, &error) == 0)
            pack_age_identities_recipient(identities, 0, recipient);
        else
            check(error.text[0] != '\0' && error.code == PACK_E_KEY_INVALID);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct pack_signing_access access = {.files = {.environment = variable}};
    PACK_AUTO(pack_age_identities_free) struct pack_age_identities *identities = NULL;
    struct pack_error error = {0};
    check(pack_age_identities_new(&identities, &error) == 0);
    check(pack_age_identities_add(identities, "env:X", &access, &error) == 0);
    try_header(data, size);
    try_open(data, size, identities);
    try_armor(data, size);
    try_keys(data, size < MAX_KEYS ? size : MAX_KEYS);
    return 0;
}
