/* SPDX-License-Identifier: MIT */
#include "support/payload.h"
#include "support/test.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/backend/codec.h"

#include <stdlib.h>
#include <string.h>

/* Blocks that are at hand, and are not read from the bundle. */

enum { BLOCK = 512, REST = 700 };

static const char *const codecs[] = {"none", "gzip", "zstd", "xz"};

/* A bundle of each codec, made once: an image of a frame and a little more. */
static struct made {
    struct test_bundle bundle;
    uint8_t *image;
    size_t size, frame;
    uint64_t blocks;
} all_made[4];

static void make(struct made *made, const char *folder, const char *codec)
{
    const size_t frame = pack_codec_find(codec)->frame_size;
    made->frame = frame != 0 ? frame : 1 << 20;
    const struct test_bundle_plan plan = {
        .folder = folder, .codec = codec, .image_size = made->frame + REST, .block_size = BLOCK};
    test_bundle_make(&made->bundle, &plan);
    PACK_AUTO_FREE char *path = test_path(folder, "image.bin");
    made->image = test_read_file(path, &made->size);
    made->blocks = made->size / BLOCK + 1;
}

static int make_all(void **state)
{
    const int code = test_make_folder(state);
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++)
        make(&all_made[c], *state, codecs[c]);
    return code;
}

static int clear_all(void **state)
{
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        test_bundle_clear(&all_made[c].bundle);
        free(all_made[c].image);
    }
    return test_remove_folder(state);
}

/* --- a place that has some blocks ------------------------------------------------------------ */

struct place {
    struct pack_local_blocks blocks;
    const uint8_t *image;
    uint64_t from, to; /* the blocks that it has */
    uint64_t except;   /* of which this one is missing; UINT64_MAX for none */
    uint64_t wrong;    /* and this one is another; UINT64_MAX for none */
    uint64_t next;     /* the smallest that may be asked for */
    uint64_t asked;
    enum pack_code fails; /* with this, where it is asked for block `from` */
};

static int get(void *user, size_t image, uint64_t block, const uint8_t sha256[PACK_SHA256_SIZE],
               uint8_t *bytes, size_t size, bool *found, struct pack_error *error)
{
    struct place *place = user;
    uint8_t digest[PACK_SHA256_SIZE];
    assert_int_equal(image, 0);
    assert_true(block >= place->next);
    place->next = block + 1;
    place->asked++;
    assert_int_equal(pack_sha256_bytes(place->image + block * BLOCK, size, digest, error), 0);
    assert_memory_equal(digest, sha256, sizeof digest);
    if (place->fails != PACK_OK && block == place->from)
        return pack_fail(error, place->fails, "the place is broken");
    *found = block >= place->from && block < place->to && block != place->except;
    if (*found)
        memcpy(bytes, place->image + block * BLOCK, size);
    else
        memset(bytes, 'x', size); /* what it leaves there does not matter */
    if (block == place->wrong)
        bytes[size / 2] ^= 1;
    return 0;
}

static struct place place_of(const uint8_t *image, uint64_t from, uint64_t to)
{
    return (struct place){
        .image = image, .from = from, .to = to, .except = UINT64_MAX, .wrong = UINT64_MAX};
}

/* --- a bundle that counts what is read of it ------------------------------------------------- */

struct counting {
    struct pack_input input;
    struct pack_input *inner;
    uint64_t read;
};

static int count_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                      size_t *got, struct pack_error *error)
{
    struct counting *counting = (struct counting *)input;
    const int code = pack_input_read(counting->inner, offset, buffer, size, got, error);
    counting->read += *got;
    return code;
}

static void count_close(struct pack_input *input)
{
    struct counting *counting = (struct counting *)input;
    pack_input_close(&counting->inner);
}

struct result {
    int code;
    struct pack_error error;
    uint64_t read; /* from the bundle, after it was trusted */
    uint64_t local;
    size_t written;
};

/* What came out is the image's beginning, or all of it where nothing failed. */
static struct result extract(const struct made *made, struct place *place, bool forward)
{
    static const struct pack_input_ops ops = {.read_at = count_read, .close = count_close};
    struct result result = {.code = 0};
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    test_opened_make(&opened, &made->bundle, forward ? 3 : 1);
    struct counting counting = {.input = *opened.input, .inner = opened.input};
    counting.input.ops = &ops;
    opened.input = &counting.input;
    if (forward) /* which closes what it reads */
        assert_int_equal(pack_input_forward(&opened.input, &counting.input, &result.error), 0);
    opened.bundle->input = opened.input;
    place->blocks = (struct pack_local_blocks){.get = get, .user = place};
    place->next = place->asked = 0;
    pack_trusted_use_local(opened.trusted, &place->blocks);
    result.code = pack_bundle_extract(opened.trusted, 0, &sink.sink, &result.error);
    result.read = counting.read;
    result.local = pack_trusted_local_size(opened.trusted);
    result.written = sink.bytes.size;
    assert_true(result.written <= made->size);
    assert_true(result.code != 0 || result.written == made->size);
    assert_memory_equal(sink.bytes.bytes, place->image, result.written);
    return result;
}

static void check_good(const struct result *result, size_t local)
{
    test_check_ok(result->code, &result->error, "extract", __FILE__, __LINE__);
    assert_int_equal(result->local, local);
}

static void check_bad(const struct result *result, enum pack_code code, const char *words)
{
    test_check_fails(result->code, code, &result->error, "extract", __FILE__, __LINE__);
    test_check_says(words, &result->error, __FILE__, __LINE__);
}

/* --- what is read, and what is not ----------------------------------------------------------- */

static void what_is_at_hand_is_not_read(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2 * sizeof codecs / sizeof codecs[0]; c++) {
        const bool forward = c % 2 != 0;
        const struct made *made = &all_made[c / 2];
        struct place nothing = place_of(made->image, 0, 0);
        struct place all = place_of(made->image, 0, made->blocks);
        struct place first = place_of(made->image, 0, made->frame / BLOCK);
        struct place rest = place_of(made->image, made->frame / BLOCK, made->blocks);
        const uint64_t stored = test_member(&made->bundle, LAYOUT_PAYLOAD).size;
        const struct result whole = extract(made, &nothing, forward);
        const struct result none = extract(made, &all, forward);
        const struct result end = extract(made, &first, forward);
        const struct result beginning = extract(made, &rest, forward);
        check_good(&whole, 0);
        check_good(&none, made->size);
        check_good(&end, made->frame);
        check_good(&beginning, REST);
        assert_int_equal(all.asked, made->blocks);
        assert_true(whole.read >= stored);
        if (forward) /* a pipe gives what is passed over too */
            continue;
        assert_true(none.read + stored <= whole.read);
        assert_true(end.read + stored / 2 < whole.read && end.read > none.read);
        assert_true(beginning.read <= whole.read && beginning.read > end.read);
    }
}

/* One block that is missing costs its frame, or where there are no frames itself. */
static void what_is_at_hand_in_part(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2 * sizeof codecs / sizeof codecs[0]; c++) {
        const struct made *made = &all_made[c / 2];
        const bool framed = c / 2 != 0, forward = c % 2 != 0;
        struct place most = place_of(made->image, 0, made->blocks);
        struct place few = place_of(made->image, 3, 9);
        most.except = 7;
        const struct result result = extract(made, &most, forward);
        check_good(&result, framed ? REST : made->size - BLOCK);
        const struct result odd = extract(made, &few, forward);
        check_good(&odd, framed ? 0 : 6 * BLOCK);
    }
}

/* Nothing of it reaches the sink, whoever gave it. */
static void what_is_at_hand_is_proved(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2 * sizeof codecs / sizeof codecs[0]; c++) {
        const struct made *made = &all_made[c / 2];
        struct place place = place_of(made->image, 0, made->blocks);
        place.wrong = made->frame / BLOCK + 1;
        const struct result result = extract(made, &place, c % 2 != 0);
        check_bad(&result, PACK_E_CORRUPT, "what is at hand of the image: block ");
        assert_int_equal(result.error.offset, place.wrong * BLOCK);
        assert_int_equal(result.written, made->frame);
        place.from = made->frame / BLOCK;
        place.fails = PACK_E_IO;
        const struct result broken = extract(made, &place, c % 2 != 0);
        check_bad(&broken, PACK_E_IO, "the place is broken");
        assert_int_equal(broken.written, made->frame);
    }
}

/* What is not at hand is proved as ever beside what is. */
static void what_is_read_beside_it_is_proved(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        struct made *made = &all_made[c];
        const struct layout_entry payload = test_member(&made->bundle, LAYOUT_PAYLOAD);
        uint8_t *last = made->bundle.bytes + payload.data + payload.size - 1;
        struct place place = place_of(made->image, 0, made->frame / BLOCK);
        *last ^= 1;
        const struct result result = extract(made, &place, false);
        *last ^= 1;
        check_bad(&result, PACK_E_CORRUPT, "differs from the one that was signed");
        assert_int_equal(result.written, made->frame);
    }
}

/* --- hashes and encodings -------------------------------------------------------------------- */

static void check_hashes(const char *folder, size_t size)
{
    struct pack_error error = {0};
    struct test_bundle bundle;
    const struct test_bundle_plan plan = {
        .folder = folder, .codec = "gzip", .image_size = size, .block_size = BLOCK};
    test_bundle_make(&bundle, &plan);
    PACK_AUTO_FREE char *path = test_path(folder, "image.bin");
    PACK_AUTO_FREE uint8_t *image = test_read_file(path, &size);
    TEST_AUTO_OPENED struct test_opened opened;
    const uint8_t *hashes = NULL;
    test_opened_make(&opened, &bundle, 1);
    assert_pack_ok(pack_bundle_block_hashes(opened.trusted, 0, &hashes, &error));
    for (size_t at = 0; at < size; at += BLOCK) {
        uint8_t digest[PACK_SHA256_SIZE];
        assert_pack_ok(
            pack_sha256_bytes(image + at, size - at < BLOCK ? size - at : BLOCK, digest, &error));
        assert_memory_equal(hashes + at / BLOCK * PACK_SHA256_SIZE, digest, sizeof digest);
    }
    test_bundle_clear(&bundle);
}

static void the_hashes_are_those_of_the_blocks(void **state)
{
    check_hashes(*state, 100); /* the image's own */
    check_hashes(*state, 5000);
}

/* A table that was not proved is not taken for the hash of one block by who tries once more. */
static void a_damaged_table_stays_damaged(void **state)
{
    struct pack_error error = {0};
    struct test_bundle *bundle = &all_made[2].bundle;
    const struct layout_entry table = test_member(bundle, LAYOUT_IMAGE_BLOCKS);
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    const uint8_t *hashes = NULL;
    (void)state;
    test_opened_make(&opened, bundle, 1);
    bundle->bytes[table.data + 5] ^= 1;
    for (int round = 0; round < 3; round++) {
        size_t encoding = 0;
        assert_pack_fails(pack_bundle_block_hashes(opened.trusted, 0, &hashes, &error),
                          PACK_E_CORRUPT);
        assert_null(hashes);
        assert_pack_fails(
            pack_bundle_extract_encoding(opened.trusted, 0, &encoding, &sink.sink, &error),
            PACK_E_CORRUPT);
    }
    bundle->bytes[table.data + 5] ^= 1;
    assert_int_equal(sink.bytes.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_at_hand_is_not_read),
        cmocka_unit_test(what_is_at_hand_in_part),
        cmocka_unit_test(what_is_at_hand_is_proved),
        cmocka_unit_test(what_is_read_beside_it_is_proved),
        cmocka_unit_test(the_hashes_are_those_of_the_blocks),
        cmocka_unit_test(a_damaged_table_stays_damaged),
    };
    return cmocka_run_group_tests(tests, make_all, clear_all);
}
