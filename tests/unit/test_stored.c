/* SPDX-License-Identifier: MIT */
/* The stored bytes of a payload: none comes out unproved, and from a pipe none goes by so. */
#include "support/payload.h"
#include "support/test.h"

#include "base/memory.h"
#include "bundle/stored.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024, SIZE = 20 * BLOCK + 100, BLOCKS = 21 };

/* A bundle that is read from a pipe, and where its payload is. */
struct piped {
    struct test_bundle bundle;
    struct layout_entry entry;
    uint8_t hashes[BLOCKS * PACK_SHA256_SIZE];
    struct pack_context context;
    struct pack_input *input;
    struct pack_bundle *opened;
    struct stored stored;
};

static void piped_make(struct piped *piped, const char *folder)
{
    const struct test_bundle_plan plan = {
        .folder = folder, .codec = "none", .image_size = SIZE, .block_size = BLOCK};
    struct pack_error error = {0};
    *piped = (struct piped){.context = {.jobs = 1}};
    test_bundle_make(&piped->bundle, &plan);
    piped->entry = test_member(&piped->bundle, LAYOUT_PAYLOAD);
    assert_int_equal(piped->entry.size, SIZE);
    for (size_t i = 0; i < BLOCKS; i++)
        assert_pack_ok(pack_sha256_bytes(piped->bundle.bytes + piped->entry.data + i * BLOCK,
                                         i + 1 < BLOCKS ? BLOCK : SIZE % BLOCK,
                                         piped->hashes + i * PACK_SHA256_SIZE, &error));
}

static void piped_open(struct piped *piped)
{
    const struct block_table table = {.hashes = piped->hashes, .size = SIZE, .block_size = BLOCK};
    struct pack_error error = {0};
    struct pack_input *inner = NULL;
    assert_pack_ok(
        pack_input_memory(&inner, piped->bundle.bytes, piped->bundle.size, "test.fwb", &error));
    assert_pack_ok(pack_input_forward(&piped->input, inner, &error));
    assert_pack_ok(pack_bundle_open(&piped->opened, piped->input, &piped->context, &error));
    assert_pack_ok(stored_open(&piped->stored, piped->opened, &piped->entry, &table, &error));
}

static void piped_close(struct piped *piped)
{
    stored_clear(&piped->stored);
    pack_bundle_close(&piped->opened);
    pack_input_close(&piped->input);
}

static void test_what_goes_by_is_proved(void **state)
{
    struct piped piped;
    struct pack_error error = {0};
    uint8_t bytes[3 * BLOCK];
    piped_make(&piped, *state);
    const uint8_t *payload = piped.bundle.bytes + piped.entry.data;
    piped_open(&piped);
    assert_pack_ok(pack_input_exact(&piped.stored.input, 10, bytes, 100, PACK_E_CORRUPT, &error));
    assert_memory_equal(bytes, payload + 10, 100);
    assert_pack_ok(pack_input_exact(&piped.stored.input, 9 * BLOCK + 7, bytes, sizeof bytes,
                                    PACK_E_CORRUPT, &error));
    assert_memory_equal(bytes, payload + 9 * BLOCK + 7, sizeof bytes);
    assert_pack_ok(stored_prove_rest(&piped.stored, &error));
    piped_close(&piped);
    test_bundle_clear(&piped.bundle);
}

static void test_a_bad_block_does_not_go_by(void **state)
{
    struct piped piped;
    struct pack_error error = {0};
    uint8_t byte = 0;
    piped_make(&piped, *state);
    piped.bundle.bytes[piped.entry.data + 4 * BLOCK + 5] ^= 1;
    piped_open(&piped);
    assert_pack_ok(pack_input_exact(&piped.stored.input, BLOCK, &byte, 1, PACK_E_CORRUPT, &error));
    assert_pack_fails(
        pack_input_exact(&piped.stored.input, 9 * BLOCK, &byte, 1, PACK_E_CORRUPT, &error),
        PACK_E_CORRUPT);
    piped_close(&piped);
    test_bundle_clear(&piped.bundle);
}

int main(void)
{
#define IN_A_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_what_goes_by_is_proved),
        IN_A_FOLDER(test_a_bad_block_does_not_go_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
