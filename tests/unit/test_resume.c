/* SPDX-License-Identifier: MIT */
/* Patches that are interrupted between two reads, and go on from their saved state. */
#include "patch_bytes.h"

#include "base/memory.h"
#include "pack/delta.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 12000, PIECE = 777 };

static const struct pack_context context = {.jobs = 1};

struct session {
    struct pack_patch *patch;
    struct pack_input *input, *old_image;
};

static void close_session(struct session *session)
{
    pack_patch_close(&session->patch);
    pack_input_close(&session->input);
    pack_input_close(&session->old_image);
}

static void open_session(struct session *session, const struct pack_buffer *patch,
                         const struct patch_pair *pair)
{
    struct pack_error error = {.code = PACK_OK};
    assert_pack_ok(pack_input_memory(&session->input, patch->bytes, patch->size, "patch", &error));
    assert_pack_ok(
        pack_input_memory(&session->old_image, pair->old_bytes, pair->old_size, "old", &error));
    assert_pack_ok(pack_patch_open(&session->patch, session->input, &error));
}

/* Saves, closes, opens again and restores. */
static void interrupt(struct session *session, const struct pack_buffer *patch,
                      const struct patch_pair *pair, const uint8_t *made, size_t made_size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE void *state = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *kept = NULL;
    size_t size = 0;
    assert_pack_ok(pack_patch_save(session->patch, &state, &size, &error));
    close_session(session);
    open_session(session, patch, pair);
    assert_pack_ok(pack_input_memory(&kept, made, made_size, "made", &error));
    assert_pack_ok(pack_patch_restore(session->patch, &context, session->old_image, kept, state,
                                      size, &error));
}

static void apply_in_pieces(const struct pack_buffer *patch, const struct patch_pair *pair)
{
    struct session session PACK_AUTO(close_session) = {.patch = NULL};
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE uint8_t *made = malloc(pair->new_size + PIECE);
    size_t at = 0, got = 1;
    assert_non_null(made);
    open_session(&session, patch, pair);
    assert_pack_ok(pack_patch_begin(session.patch, &context, session.old_image, &error));
    while (got > 0) {
        assert_pack_ok(pack_patch_read(session.patch, made + at, PIECE, &got, &error));
        at += got;
        if (got > 0)
            interrupt(&session, patch, pair, made, at);
    }
    assert_int_equal(at, pair->new_size);
    assert_memory_equal(made, pair->new_bytes, at);
}

static void test_each_decoder_goes_on(void **unused)
{
    (void)unused;
    for (int decoder = PACK_DECODER_TINY; decoder <= PACK_DECODER_FULL; decoder++) {
        struct patch_pair pair PACK_AUTO(patch_pair_free) = patch_pair_code(SIZE);
        const struct pack_delta_options options = {.decoder = (enum pack_delta_decoder)decoder};
        struct pack_buffer patch PACK_AUTO_BUFFER = patch_make(&pair, &options);
        apply_in_pieces(&patch, &pair);
    }
}

static void test_stored_patch_goes_on(void **unused)
{
    (void)unused;
    struct patch_pair pair PACK_AUTO(patch_pair_free) = patch_pair_unrelated(SIZE);
    const struct pack_delta_options options = {.decoder = PACK_DECODER_FULL};
    struct pack_buffer patch PACK_AUTO_BUFFER = patch_make(&pair, &options);
    apply_in_pieces(&patch, &pair);
}

/* A state with any byte changed, cut short or longer is refused; so is other data than was made. */
static void test_damaged_state_is_refused(void **unused)
{
    (void)unused;
    struct patch_pair pair PACK_AUTO(patch_pair_free) = patch_pair_code(SIZE);
    const struct pack_delta_options options = {.decoder = PACK_DECODER_TINY};
    struct pack_buffer patch PACK_AUTO_BUFFER = patch_make(&pair, &options);
    struct session session PACK_AUTO(close_session) = {.patch = NULL};
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO_FREE uint8_t *state = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *kept = NULL;
    uint8_t made[PIECE];
    size_t size = 0, got = 0;
    open_session(&session, &patch, &pair);
    assert_pack_ok(pack_patch_begin(session.patch, &context, session.old_image, &error));
    assert_pack_ok(pack_patch_read(session.patch, made, sizeof(made), &got, &error));
    assert_pack_ok(pack_patch_save(session.patch, (void **)&state, &size, &error));
    assert_pack_ok(pack_input_memory(&kept, made, got, "made", &error));
    for (size_t i = 0; i < size; i += 1 + size / 64) {
        close_session(&session);
        open_session(&session, &patch, &pair);
        state[i] ^= 1;
        assert_int_not_equal(pack_patch_restore(session.patch, &context, session.old_image, kept,
                                                state, size, &error),
                             PACK_OK);
        state[i] ^= 1;
        pack_error_clear(&error);
    }
    close_session(&session);
    open_session(&session, &patch, &pair);
    assert_pack_fails(pack_patch_restore(session.patch, &context, session.old_image, kept, state,
                                         size - 1, &error),
                      PACK_E_CORRUPT);
}

/* What was kept is hashed again: the end tells that it is not what was made. */
static void test_changed_output_is_found(void **unused)
{
    (void)unused;
    struct patch_pair pair PACK_AUTO(patch_pair_free) = patch_pair_code(SIZE);
    const struct pack_delta_options options = {.decoder = PACK_DECODER_SMALL};
    struct pack_buffer patch PACK_AUTO_BUFFER = patch_make(&pair, &options);
    struct session session PACK_AUTO(close_session) = {.patch = NULL};
    struct pack_error error = {.code = PACK_OK};
    uint8_t made[PIECE];
    size_t got = 0;
    open_session(&session, &patch, &pair);
    assert_pack_ok(pack_patch_begin(session.patch, &context, session.old_image, &error));
    assert_pack_ok(pack_patch_read(session.patch, made, sizeof(made), &got, &error));
    made[0] ^= 1;
    interrupt(&session, &patch, &pair, made, got);
    int status = 0;
    while (!status && got > 0)
        status = pack_patch_read(session.patch, made, sizeof(made), &got, &error);
    assert_int_equal(status, PACK_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_decoder_goes_on),
        cmocka_unit_test(test_stored_patch_goes_on),
        cmocka_unit_test(test_damaged_state_is_refused),
        cmocka_unit_test(test_changed_output_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
