/* SPDX-License-Identifier: MIT */
/*
 * A94 to A98 on the decoder of patches: what is damaged, cut short, for another base or made to do
 * harm is refused, and no wrong image passes for a right one.
 */
#include "support/test.h"

#include "base/memory.h"
#include "patch_bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SMALL_SIZE = 1200, COVERS_MOST = 8 };

/* What patches there are. */
static const struct sort {
    const char *name;
    struct pack_delta_options options;
    bool unrelated; /* and so stored */
} sorts[] = {
    {"tiny", {.decoder = PACK_DECODER_TINY}, false},
    {"small", {.decoder = PACK_DECODER_SMALL}, false},
    {"full", {.decoder = PACK_DECODER_FULL}, false},
    {"tiny in place", {.decoder = PACK_DECODER_TINY, .in_place = 256}, false},
    {"small in place", {.decoder = PACK_DECODER_SMALL, .in_place = 128, .scratch = 256}, false},
    {"stored", {.decoder = PACK_DECODER_TINY}, true},
};

enum { SORTS = sizeof sorts / sizeof sorts[0] };

struct made {
    struct patch_pair pair;
    struct pack_buffer patch;
};

static void made_free(struct made *made)
{
    patch_pair_free(&made->pair);
    pack_buffer_clear(&made->patch);
}

static struct made make(const struct sort *sort)
{
    struct made made = {.pair = sort->unrelated ? patch_pair_unrelated(SMALL_SIZE / 4)
                                                : patch_pair_code(SMALL_SIZE)};
    made.patch = patch_make(&made.pair, &sort->options);
    return made;
}

static bool is_new_image(const struct made *made, const struct pack_buffer *result)
{
    return result->size == made->pair.new_size &&
           (result->size == 0 || memcmp(result->bytes, made->pair.new_bytes, result->size) == 0);
}

/* Applies a patch of `size` bytes, copied so that a sanitizer sees a read past its end. */
static int apply(const struct made *made, const uint8_t *patch, size_t size,
                 struct pack_buffer *result, struct pack_error *error)
{
    uint8_t *copy PACK_AUTO_FREE = malloc(size + (size == 0));
    assert_non_null(copy);
    if (size != 0)
        memcpy(copy, patch, size);
    *error = (struct pack_error){.code = PACK_OK};
    const int code =
        patch_apply_bytes(copy, size, made->pair.old_bytes, made->pair.old_size, result, error);
    assert_int_equal(code, error->code);
    return code;
}

/* Fails, for what lies in the patch, and not for want of anything here. */
static void refuses(const struct made *made, const uint8_t *patch, size_t size, const char *what,
                    size_t at)
{
    struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct pack_error error;
    const int code = apply(made, patch, size, &result, &error);
    if (code != PACK_E_CORRUPT && code != PACK_E_MALFORMED && code != PACK_E_LIMIT &&
        code != PACK_E_WRONG_BASE && code != PACK_E_UNSUPPORTED)
        fail_msg("%s at %zu: %s (%s)", what, at, pack_code_id((enum pack_code)code), error.text);
}

/* --- patches as they are ---------------------------------------------------------------------- */

static void patches_apply(void **state)
{
    (void)state;
    for (size_t i = 0; i < SORTS; i++) {
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
        struct pack_error error;
        assert_int_equal(apply(&made, made.patch.bytes, made.patch.size, &result, &error), 0);
        assert_true(is_new_image(&made, &result));
    }
}

static void a97_every_flipped_bit(void **state)
{
    (void)state;
    for (size_t i = 0; i < SORTS; i++) {
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        uint8_t *patch = made.patch.bytes;
        for (size_t at = 0; at < made.patch.size; at++)
            for (unsigned bit = (unsigned)(at % 3); bit < 8; bit += 3) {
                patch[at] ^= (uint8_t)(1U << bit);
                refuses(&made, patch, made.patch.size, sorts[i].name, at);
                patch[at] ^= (uint8_t)(1U << bit);
            }
    }
}

static void a97_every_byte_of_another_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < SORTS; i++) {
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        uint8_t *patch = made.patch.bytes;
        for (size_t at = 0; at < made.patch.size; at++) {
            const uint8_t kept = patch[at];
            patch[at] = (uint8_t)~kept;
            refuses(&made, patch, made.patch.size, sorts[i].name, at);
            patch[at] = kept;
        }
    }
}

static void a99_every_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < SORTS; i++) {
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        for (size_t size = 0; size < made.patch.size; size++)
            refuses(&made, made.patch.bytes, size, sorts[i].name, size);
    }
}

static void a97_nothing_may_follow(void **state)
{
    (void)state;
    static const uint8_t trailers[][2] = {{0, 1}, {0, 40}, {0xff, 1}, {0xff, 33}, {'F', 3}};
    for (size_t i = 0; i < SORTS; i++) {
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        struct pack_error error = {.code = PACK_OK};
        const size_t size = made.patch.size;
        for (size_t t = 0; t < sizeof trailers / sizeof trailers[0]; t++) {
            uint8_t bytes[64];
            memset(bytes, trailers[t][0], sizeof bytes);
            made.patch.size = size;
            assert_pack_ok(pack_buffer_append(&made.patch, bytes, trailers[t][1], &error));
            refuses(&made, made.patch.bytes, made.patch.size, sorts[i].name, t);
        }
    }
}

/* --- A96: bases ------------------------------------------------------------------------------- */

static void refuses_base(const struct made *made, const uint8_t *base, size_t size)
{
    struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(
        patch_apply_bytes(made->patch.bytes, made->patch.size, base, size, &result, &error),
        PACK_E_WRONG_BASE);
    assert_int_equal(result.size, 0);
    assert_pack_says("base");
}

static void a96_wrong_bases(void **state)
{
    (void)state;
    for (size_t i = 0; i < SORTS; i++) {
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        uint8_t *base = made.pair.old_bytes;
        for (size_t at = 0; at < made.pair.old_size; at += made.pair.old_size / 50) {
            base[at] ^= 1;
            refuses_base(&made, base, made.pair.old_size);
            base[at] ^= 1;
        }
        refuses_base(&made, base, 0);
        refuses_base(&made, base, made.pair.old_size - 1);
        refuses_base(&made, base + 1, made.pair.old_size - 1);
        refuses_base(&made, made.pair.new_bytes, made.pair.new_size);
    }
}

static void a96_a_wrong_base_is_named(void **state)
{
    (void)state;
    struct made made PACK_AUTO(made_free) = make(&sorts[0]);
    struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct pack_error error = {.code = PACK_OK};
    uint8_t digest[PACK_SHA256_SIZE];
    char wanted[PACK_SHA256_HEX_SIZE], found[PACK_SHA256_HEX_SIZE];
    assert_pack_ok(pack_sha256_bytes(made.pair.old_bytes, made.pair.old_size, digest, &error));
    pack_sha256_hex(digest, wanted);
    made.pair.old_bytes[7] ^= 4;
    assert_pack_ok(pack_sha256_bytes(made.pair.old_bytes, made.pair.old_size, digest, &error));
    pack_sha256_hex(digest, found);
    assert_pack_fails(patch_apply_bytes(made.patch.bytes, made.patch.size, made.pair.old_bytes,
                                        made.pair.old_size, &result, &error),
                      PACK_E_WRONG_BASE);
    assert_pack_says(wanted);
    assert_pack_says(found);
}

/* A base that is another one from some time on. */
struct changing {
    struct pack_input input;
    const uint8_t *bytes;
    unsigned reads, from; /* reads so far; the one from which on it is changed */
};

static int read_changing(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                         size_t *got, struct pack_error *error)
{
    struct changing *changing = (struct changing *)(void *)input;
    (void)error;
    *got = offset < input->size ? (size_t)(input->size - offset) : 0;
    *got = *got < size ? *got : size;
    if (*got != 0)
        memcpy(buffer, changing->bytes + offset, *got);
    if (changing->reads++ >= changing->from)
        for (size_t i = 0; i < *got; i++)
            ((uint8_t *)buffer)[i] ^= 0x40;
    return 0;
}

static void a96_a_base_that_changes_during_the_run(void **state)
{
    (void)state;
    static const struct pack_input_ops ops = {.read_at = read_changing};
    static const struct pack_context context = {.jobs = 1};
    for (size_t i = 0; i < SORTS; i++) {
        if (sorts[i].unrelated)
            continue;
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        for (unsigned from = 1; from < 4; from++) {
            struct changing changing = {
                .input = {.ops = &ops,
                          .name = "base",
                          .seekable = true,
                          .has_size = true,
                          .size = made.pair.old_size},
                .bytes = made.pair.old_bytes,
                .from = from,
            };
            struct pack_error error = {.code = PACK_OK};
            struct pack_input *input PACK_AUTO(pack_input_close) = NULL;
            struct pack_patch *patch PACK_AUTO(pack_patch_close) = NULL;
            struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
            assert_pack_ok(
                pack_input_memory(&input, made.patch.bytes, made.patch.size, "patch", &error));
            assert_pack_ok(pack_patch_open(&patch, input, &error));
            int code = pack_patch_begin(patch, &context, &changing.input, &error);
            size_t got = 1;
            uint8_t bytes[512];
            while (code == 0 && got != 0) {
                code = pack_patch_read(patch, bytes, sizeof bytes, &got, &error);
                if (code == 0)
                    assert_pack_ok(pack_buffer_append(&result, bytes, got, &error));
            }
            /* A change after the last read changes nothing. */
            if (code == 0 && changing.reads > from && !is_new_image(&made, &result))
                fail_msg("%s: another image was taken for proved", sorts[i].name);
            if (code != 0)
                assert_true(code == PACK_E_CORRUPT || code == PACK_E_MALFORMED);
        }
    }
}

/* --- headers that lie ------------------------------------------------------------------------ */

/* The same patch under another header. */
static void refuses_header(const struct made *made, const struct patch_header *header,
                           enum pack_code expected, const char *what)
{
    struct pack_buffer patch PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    struct pack_error error = {.code = PACK_OK};
    uint8_t bytes[PATCH_MAX_HEADER];
    const size_t header_size = made->patch.bytes[PATCH_PREFIX_SIZE - 1];
    assert_pack_ok(pack_buffer_append(&patch, bytes, patch_header_encode(header, bytes), &error));
    assert_pack_ok(pack_buffer_append(&patch, made->patch.bytes + header_size,
                                      made->patch.size - header_size, &error));
    const int code = apply(made, patch.bytes, patch.size, &result, &error);
    if (expected != PACK_OK ? code != (int)expected
                            : code != PACK_E_CORRUPT && code != PACK_E_MALFORMED &&
                                  code != PACK_E_LIMIT && code != PACK_E_WRONG_BASE)
        fail_msg("%s: %s (%s)", what, pack_code_id((enum pack_code)code), error.text);
}

static void a94_memory_that_the_header_claims(void **state)
{
    (void)state;
    for (size_t i = 0; i < SORTS; i++) {
        if (sorts[i].unrelated)
            continue;
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        struct patch_header header;
        assert_int_equal(
            patch_header_parse(&header, made.patch.bytes, made.patch.bytes[PATCH_PREFIX_SIZE - 1]),
            PATCH_OK);
        const uint64_t claimed = header.memory;
        const uint64_t lies[] = {0, 1, claimed / 2, UINT64_C(65) << 20, UINT64_C(1) << 40};
        for (size_t k = 0; k < sizeof lies / sizeof lies[0]; k++) {
            header.memory = lies[k];
            refuses_header(&made, &header, PACK_E_LIMIT, sorts[i].name);
        }
    }
}

static void a94_sizes_that_the_header_claims(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0,
                                     1,
                                     UINT64_C(1) << 31,
                                     (UINT64_C(1) << 32) - 1,
                                     (UINT64_C(1) << 32) + 1,
                                     (UINT64_C(1) << 62) + 1,
                                     (UINT64_C(1) << 63) - 1};
    for (size_t i = 0; i < SORTS; i++) {
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        struct patch_header header, whole;
        assert_int_equal(
            patch_header_parse(&whole, made.patch.bytes, made.patch.bytes[PATCH_PREFIX_SIZE - 1]),
            PATCH_OK);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            header = whole;
            header.new_size = sizes[k];
            refuses_header(&made, &header, PACK_OK, "size of the new image");
            header = whole;
            header.old_size = sizes[k];
            refuses_header(&made, &header, PACK_OK, "size of the old image");
        }
        header = whole;
        header.new_size++;
        refuses_header(&made, &header, PACK_OK, "one byte more");
        header.new_size -= 2;
        refuses_header(&made, &header, PACK_OK, "one byte less");
    }
}

static void a94_counts_that_the_header_claims(void **state)
{
    (void)state;
    for (size_t i = 0; i < SORTS; i++) {
        if (sorts[i].unrelated)
            continue;
        struct made made PACK_AUTO(made_free) = make(&sorts[i]);
        struct patch_header whole;
        assert_int_equal(
            patch_header_parse(&whole, made.patch.bytes, made.patch.bytes[PATCH_PREFIX_SIZE - 1]),
            PATCH_OK);
        struct patch_header header = whole;
        header.cover_count++;
        refuses_header(&made, &header, PACK_OK, "one more cover");
        header.cover_count = whole.cover_count - 1;
        refuses_header(&made, &header, PACK_OK, "one cover less");
        header.cover_count = 0;
        refuses_header(&made, &header, PACK_OK, "no covers");
        header.cover_count = UINT32_MAX;
        refuses_header(&made, &header, PACK_E_MALFORMED, "covers beyond the profile's");
        header = whole;
        header.old_range_count++;
        refuses_header(&made, &header, PACK_OK, "one more range");
        header.old_range_count = UINT32_MAX;
        refuses_header(&made, &header, PACK_E_MALFORMED, "ranges beyond the profile's");
        header = whole;
        header.region_count = UINT32_MAX;
        refuses_header(&made, &header, PACK_E_MALFORMED, "regions beyond the profile's");
    }
}

/* --- covers that no maker writes ------------------------------------------------------------- */

struct hostile {
    const char *what;
    struct patch_cover covers[2];
    size_t count;
};

/* The images have SMALL_SIZE bytes or a little more; nothing of these fits them. */
static const struct hostile hostile_covers[] = {
    {"past the end of the old image", {{0, SMALL_SIZE - 10, 11}}, 1},
    {"far past the end", {{0, UINT64_C(1) << 40, 16}}, 1},
    {"before the start", {{0, (uint64_t)-1, 16}}, 1},
    {"long before the start", {{100, (uint64_t)INT64_MIN + 100, 16}}, 1},
    {"length 2^31", {{0, 0, UINT64_C(1) << 31}}, 1},
    {"length 2^32 + 1", {{0, 0, (UINT64_C(1) << 32) + 1}}, 1},
    {"length 2^63 - 1", {{0, 0, INT64_MAX}}, 1},
    {"length -1", {{0, 0, (uint64_t)-1}}, 1},
    {"length -2 and one that wraps back", {{0, 0, (uint64_t)-2}, {10, 10, 12}}, 2},
    {"past the end of the new image", {{SMALL_SIZE * 2, 0, 1}}, 1},
    {"a gap of 2^63 - 1", {{INT64_MAX, 0, 1}}, 1},
    {"a gap of 2^32 + 1", {{(UINT64_C(1) << 32) + 1, 0, 1}}, 1},
    {"a sum that wraps", {{16, 0, 16}, {(uint64_t)-8, 0, 16}}, 2},
    {"overlapping", {{16, 0, 16}, {31, 0, 16}}, 2},
    {"back", {{160, 0, 16}, {16, 0, 16}}, 2},
};

static void a94_a95_hostile_covers(void **state)
{
    (void)state;
    struct made made PACK_AUTO(made_free) = {.pair = patch_pair_code(SMALL_SIZE)};
    for (uint8_t profile = 0; profile < PATCH_PROFILES; profile++)
        for (size_t i = 0; i < sizeof hostile_covers / sizeof hostile_covers[0]; i++) {
            const struct hostile *hostile = &hostile_covers[i];
            struct patch_cover covers[2];
            memcpy(covers, hostile->covers, sizeof covers);
            struct patch_tables tables = {.covers = covers, .cover_count = hostile->count};
            struct patch_header header = patch_header_for(&made.pair, profile);
            struct pack_buffer patch PACK_AUTO_BUFFER =
                patch_with_tables(&header, &tables, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX);
            refuses(&made, patch.bytes, patch.size, hostile->what, i);
        }
}

static void a95_hostile_layouts(void **state)
{
    (void)state;
    static const struct patch_range ranges[] = {
        {0, SMALL_SIZE + 1, 0},
        {SMALL_SIZE, UINT64_C(1) << 33, 0},
        {0, INT64_MAX, UINT64_MAX},
    };
    static const struct patch_region regions[] = {
        {0, SMALL_SIZE + 1, PATCH_REGION_THUMB, {0}},
        {SMALL_SIZE + 5, SMALL_SIZE + 6, PATCH_REGION_A64, {0}},
        {0, 16, PATCH_REGION_KINDS, {0}},
        {0, 16, 255, {0}},
    };
    struct made made PACK_AUTO(made_free) = {.pair = patch_pair_code(SMALL_SIZE)};
    for (uint8_t profile = 0; profile < PATCH_PROFILES; profile++) {
        for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
            struct patch_range range = ranges[i];
            struct patch_tables tables = {.old_ranges = &range, .old_range_count = 1};
            struct patch_header header = patch_header_for(&made.pair, profile);
            struct pack_buffer patch PACK_AUTO_BUFFER =
                patch_with_tables(&header, &tables, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX);
            refuses(&made, patch.bytes, patch.size, "range", i);
        }
        for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
            struct patch_region region = regions[i];
            struct patch_tables tables = {.regions = &region, .region_count = 1};
            struct patch_header header = patch_header_for(&made.pair, profile);
            struct pack_buffer patch PACK_AUTO_BUFFER =
                patch_with_tables(&header, &tables, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX);
            refuses(&made, patch.bytes, patch.size, "region", i);
        }
    }
}

/* A98: few bytes that say they make 2^62, of which no more than a little comes. */
static void a98_bombs(void **state)
{
    (void)state;
    struct made made PACK_AUTO(made_free) = {.pair = patch_pair_code(SMALL_SIZE)};
    for (uint8_t profile = 0; profile < PATCH_PROFILES; profile++) {
        struct patch_cover covers[COVERS_MOST];
        for (size_t i = 0; i < COVERS_MOST; i++)
            covers[i] = (struct patch_cover){i * SMALL_SIZE, 0, SMALL_SIZE};
        struct patch_tables tables = {.covers = covers, .cover_count = COVERS_MOST};
        struct patch_header header = patch_header_for(&made.pair, profile);
        header.new_size = header.plain_new_size = UINT64_C(1) << 62;
        struct pack_buffer patch PACK_AUTO_BUFFER =
            patch_with_tables(&header, &tables, SMALL_SIZE, header.new_size);
        struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
        struct pack_error error;
        assert_int_equal(apply(&made, patch.bytes, patch.size, &result, &error), PACK_E_CORRUPT);
        assert_in_range(result.size, 0, 4 << 20);
    }
}

/* Covers that are odd but lawful: whatever the layout says, the image comes out. */
static void odd_covers_and_layouts_do_no_harm(void **state)
{
    (void)state;
    struct patch_pair pair PACK_AUTO(patch_pair_free) = patch_pair_code(SMALL_SIZE);
    struct patch_cover list[] = {{0, SMALL_SIZE - 1, 1}, {1, 0, SMALL_SIZE},
                                 {SMALL_SIZE + 1, 0, 1}, {SMALL_SIZE + 2, 0, 7},
                                 {SMALL_SIZE + 9, 1, 8}, {SMALL_SIZE + 17, 3, 200}};
    const struct delta_covers covers = {list, sizeof list / sizeof list[0], 0};
    for (uint8_t profile = 0; profile < PATCH_PROFILES; profile++)
        for (uint8_t kind = 0; kind < PATCH_REGION_KINDS; kind++) {
            const struct patch_range old_ranges[] = {{0, SMALL_SIZE / 2, UINT64_MAX - 100},
                                                     {SMALL_SIZE / 2, SMALL_SIZE, 0}};
            const struct patch_range new_ranges[] = {{7, pair.new_size, 0x08000001}};
            const struct patch_region regions[] = {{0, 1, kind, {0}},
                                                   {1, 3, kind, {1, 1}},
                                                   {3, SMALL_SIZE - 1, kind, {UINT32_MAX, 2}},
                                                   {SMALL_SIZE - 1, SMALL_SIZE, kind, {0}}};
            const struct patch_layout layout = {old_ranges, 2, new_ranges, 1, regions, 4};
            const struct delta_script script = {.old_image = {pair.old_bytes, pair.old_size},
                                                .new_image = {pair.new_bytes, pair.new_size},
                                                .covers = &covers,
                                                .layout = &layout};
            struct patch_header header = patch_header_for(&pair, profile);
            struct pack_buffer patch PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
            struct pack_buffer result PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
            struct pack_error error = {.code = PACK_OK};
            struct delta_spent spent;
            header.memory = 0;
            assert_pack_ok(delta_encode(&patch, &header, &script, UINT64_MAX, &spent, &error));
            assert_pack_ok(patch_apply_bytes(patch.bytes, patch.size, pair.old_bytes, pair.old_size,
                                             &result, &error));
            assert_int_equal(result.size, pair.new_size);
            assert_memory_equal(result.bytes, pair.new_bytes, pair.new_size);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_apply),
        cmocka_unit_test(a97_every_flipped_bit),
        cmocka_unit_test(a97_every_byte_of_another_value),
        cmocka_unit_test(a99_every_length),
        cmocka_unit_test(a97_nothing_may_follow),
        cmocka_unit_test(a96_wrong_bases),
        cmocka_unit_test(a96_a_wrong_base_is_named),
        cmocka_unit_test(a96_a_base_that_changes_during_the_run),
        cmocka_unit_test(a94_memory_that_the_header_claims),
        cmocka_unit_test(a94_sizes_that_the_header_claims),
        cmocka_unit_test(a94_counts_that_the_header_claims),
        cmocka_unit_test(a94_a95_hostile_covers),
        cmocka_unit_test(a95_hostile_layouts),
        cmocka_unit_test(a98_bombs),
        cmocka_unit_test(odd_covers_and_layouts_do_no_harm),
    };
    return cmocka_run_group_tests_name("patch_damage", tests, NULL, NULL);
}
