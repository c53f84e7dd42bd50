/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/backend/codec.h"
#include "pack/limits.h"

#include <dirent.h>
#include <errno.h>
#include <lzma.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

extern char **environ;

/* The codecs that have frames. */
static const char *const framed[] = {"gzip", "zstd", "xz"};
enum { FRAMED = sizeof framed / sizeof framed[0], MAX_FRAME = 2 << 20 };

/* --- data ------------------------------------------------------------------------------------ */

enum content { ZEROS, NOISE, TEXT, CONTENTS };

static uint8_t *make_content(enum content content, size_t size)
{
    uint8_t *bytes = calloc(1, size + 1);
    assert_non_null(bytes);
    uint32_t state = 1;
    for (size_t i = 0; content != ZEROS && i < size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = content == NOISE ? (uint8_t)(state >> 24) : (uint8_t)("firmware"[state >> 29]);
    }
    return bytes;
}

/* One frame, encoded by a state of its own. */
static uint8_t *encoded(const struct pack_codec *codec, int level, const void *plain, size_t size,
                        size_t *stored_size)
{
    struct pack_error error = {.code = PACK_OK};
    uint8_t *stored = malloc(codec->bound(size));
    void *state = NULL;
    assert_non_null(stored);
    assert_pack_ok(codec->encoder_new(&state, level, &error));
    assert_pack_ok(
        codec->encode(state, plain, size, stored, codec->bound(size), stored_size, &error));
    codec->encoder_free(&state);
    assert_null(state);
    return stored;
}

static int decode(const struct pack_codec *codec, const void *stored, size_t stored_size,
                  void *plain, size_t plain_size, struct pack_error *error)
{
    void *state = NULL;
    int code = codec->decoder_new(&state, PACK_DEFAULT_DECODER_MEMORY, error);
    if (code == 0)
        code = codec->decode(state, stored, stored_size, plain, plain_size, error);
    codec->decoder_free(&state);
    return code;
}

static void check_round_trip(const struct pack_codec *codec, int level, enum content content,
                             size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    uint8_t *plain PACK_AUTO_FREE = make_content(content, size);
    uint8_t *result PACK_AUTO_FREE = make_content(ZEROS, size);
    size_t stored_size = 0;
    uint8_t *stored PACK_AUTO_FREE = encoded(codec, level, plain, size, &stored_size);
    assert_true(stored_size <= codec->bound(size));
    assert_pack_ok(decode(codec, stored, stored_size, result, size, &error));
    assert_memory_equal(result, plain, size);
}

/* --- the table ------------------------------------------------------------------------------- */

static void the_table_lists_the_codecs(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "gzip", "zstd", "xz"};
    const struct pack_codec *const *codecs = pack_codecs();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(codecs[i]->name, names[i]);
        assert_ptr_equal(pack_codec_find(names[i]), codecs[i]);
    }
    assert_null(codecs[sizeof names / sizeof names[0]]);
    assert_null(pack_codec_find("lz4"));
    assert_null(pack_codec_find(""));
    assert_int_equal(codecs[0]->frame_size, 0);
    assert_int_equal(codecs[0]->bound(5), 5);
    assert_null(codecs[0]->encode);
}

static void libraries_say_their_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMED; i++) {
        char text[64] = "";
        pack_codec_find(framed[i])->library(text, sizeof text);
        assert_non_null(strchr(text, ' '));
        assert_true(strspn(strchr(text, ' ') + 1, "0123456789.") != 0);
    }
}

static void levels_beyond_the_codecs_are_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < FRAMED; i++) {
        const struct pack_codec *codec = pack_codec_find(framed[i]);
        void *encoder = &error;
        assert_pack_fails(codec->encoder_new(&encoder, codec->level_max + 1, &error), PACK_E_USAGE);
        assert_null(encoder);
        assert_pack_fails(codec->encoder_new(&encoder, codec->level_min - 1, &error), PACK_E_USAGE);
        assert_true(codec->level_default >= codec->level_min &&
                    codec->level_default <= codec->level_max);
    }
}

static void decoders_keep_to_the_memory_allowed(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    for (size_t i = 0; i < FRAMED; i++) {
        const struct pack_codec *codec = pack_codec_find(framed[i]);
        void *decoder = &error;
        assert_pack_fails(codec->decoder_new(&decoder, codec->decoder_memory() - 1, &error),
                          PACK_E_LIMIT);
        assert_null(decoder);
        assert_pack_ok(codec->decoder_new(&decoder, codec->decoder_memory(), &error));
        codec->decoder_free(&decoder);
    }
}

/* The figures that delivery.json carries are at least what the libraries take. */
static void the_memory_told_is_enough(void **state)
{
    (void)state;
    ZSTD_DCtx *context = ZSTD_createDCtx();
    assert_non_null(context);
    assert_true(ZSTD_sizeof_DCtx(context) <= pack_codec_find("zstd")->decoder_memory());
    ZSTD_freeDCtx(context);
    lzma_options_lzma options;
    assert_false(lzma_lzma_preset(&options, 9));
    options.dict_size = MAX_FRAME;
    const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};
    assert_true(lzma_raw_decoder_memusage(filters) <= pack_codec_find("xz")->decoder_memory());
}

/* --- round trips ----------------------------------------------------------------------------- */

static void frames_come_back_as_they_were(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMED; i++) {
        const struct pack_codec *codec = pack_codec_find(framed[i]);
        const size_t sizes[] = {1, 2, 511, 65537, codec->frame_size - 1, codec->frame_size};
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            for (enum content content = ZEROS; content < CONTENTS; content++)
                check_round_trip(codec, codec->level_min, content, sizes[s]);
    }
}

static void every_level_works(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMED; i++) {
        const struct pack_codec *codec = pack_codec_find(framed[i]);
        for (int level = codec->level_min; level <= codec->level_max; level++)
            for (enum content content = ZEROS; content < CONTENTS; content++)
                check_round_trip(codec, level, content, 40000);
    }
}

/* Neither another frame before it nor a failure in between changes what a state does. */
static void states_are_used_again(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    uint8_t *plain PACK_AUTO_FREE = make_content(TEXT, 100000);
    uint8_t *other PACK_AUTO_FREE = make_content(NOISE, 300000);
    uint8_t *result PACK_AUTO_FREE = make_content(ZEROS, 300000);
    for (size_t i = 0; i < FRAMED; i++) {
        const struct pack_codec *codec = pack_codec_find(framed[i]);
        const size_t capacity = codec->bound(300000);
        uint8_t *again PACK_AUTO_FREE = malloc(capacity);
        size_t size = 0, again_size = 0;
        uint8_t *once PACK_AUTO_FREE = encoded(codec, codec->level_default, plain, 100000, &size);
        void *encoder = NULL, *decoder = NULL;
        assert_non_null(again);
        assert_pack_ok(codec->encoder_new(&encoder, codec->level_default, &error));
        assert_pack_ok(codec->encode(encoder, other, 300000, again, capacity, &again_size, &error));
        assert_int_not_equal(codec->encode(encoder, other, 300000, again, 10, &again_size, &error),
                             0);
        assert_pack_ok(codec->encode(encoder, plain, 100000, again, capacity, &again_size, &error));
        assert_int_equal(again_size, size);
        assert_memory_equal(again, once, size);
        assert_pack_ok(codec->decoder_new(&decoder, PACK_DEFAULT_DECODER_MEMORY, &error));
        assert_pack_fails(codec->decode(decoder, once, size / 2, result, 100000, &error),
                          PACK_E_CORRUPT);
        assert_pack_ok(codec->decode(decoder, once, size, result, 100000, &error));
        assert_memory_equal(result, plain, 100000);
        codec->encoder_free(&encoder);
        codec->decoder_free(&decoder);
    }
}

static void a71_nothing_of_the_machine_is_in_a_frame(void **state)
{
    (void)state;
    uint8_t *plain PACK_AUTO_FREE = make_content(TEXT, 1000);
    size_t size = 0;
    uint8_t *gzip PACK_AUTO_FREE = encoded(pack_codec_find("gzip"), 6, plain, 1000, &size);
    static const uint8_t head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff};
    assert_memory_equal(gzip, head, sizeof head);
}

static void a_window_never_exceeds_the_frame(void **state)
{
    (void)state;
    const struct pack_codec *codec = pack_codec_find("zstd");
    uint8_t *plain PACK_AUTO_FREE = make_content(TEXT, codec->frame_size);
    for (int level = codec->level_min; level <= codec->level_max; level += 7) {
        size_t size = 0;
        uint8_t *stored PACK_AUTO_FREE = encoded(codec, level, plain, codec->frame_size, &size);
        const bool single = (stored[4] & 0x20) != 0;
        assert_true(single || stored[5] >> 3 <= 11);
        assert_true((stored[4] & 4) != 0); /* with a checksum */
        assert_int_equal(ZSTD_getFrameContentSize(stored, size), codec->frame_size);
    }
}

static void frames_larger_than_a_frame_are_not_made(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    uint8_t *plain PACK_AUTO_FREE = make_content(ZEROS, MAX_FRAME + 1);
    uint8_t *stored PACK_AUTO_FREE = malloc(2 * MAX_FRAME);
    for (size_t i = 0; i < FRAMED; i++) {
        const struct pack_codec *codec = pack_codec_find(framed[i]);
        void *encoder = NULL;
        size_t size = 0;
        assert_pack_ok(codec->encoder_new(&encoder, codec->level_min, &error));
        assert_pack_fails(codec->encode(encoder, plain, codec->frame_size + 1, stored,
                                        2 * MAX_FRAME, &size, &error),
                          PACK_E_INTERNAL);
        codec->encoder_free(&encoder);
    }
}

/* --- hostile frames -------------------------------------------------------------------------- */

struct frame {
    const struct pack_codec *codec;
    uint8_t *bytes; /* with room for as many again */
    size_t size;
};

enum { SAMPLE = 3000 };

static struct frame sample_frame(const char *name)
{
    struct frame frame = {.codec = pack_codec_find(name)};
    uint8_t *plain PACK_AUTO_FREE = make_content(TEXT, SAMPLE);
    uint8_t *stored PACK_AUTO_FREE =
        encoded(frame.codec, frame.codec->level_default, plain, SAMPLE, &frame.size);
    frame.bytes = calloc(2, frame.size + 64);
    assert_non_null(frame.bytes);
    memcpy(frame.bytes, stored, frame.size);
    return frame;
}

static void frame_clear(struct frame *frame)
{
    free(frame->bytes);
}

/* Decoding `size` bytes into `plain_size` fails with `code`. */
static void check_refused(const struct frame *frame, size_t size, size_t plain_size,
                          enum pack_code code)
{
    struct pack_error error = {.code = PACK_OK};
    uint8_t *plain PACK_AUTO_FREE = malloc(plain_size + 1);
    uint8_t *exact PACK_AUTO_FREE = malloc(size + 1);
    assert_non_null(plain);
    assert_non_null(exact);
    memcpy(exact, frame->bytes, size);
    assert_pack_fails(decode(frame->codec, exact, size, plain, plain_size, &error), code);
}

static void a60_every_shortened_frame_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMED; i++) {
        struct frame frame PACK_AUTO(frame_clear) = sample_frame(framed[i]);
        for (size_t size = 0; size < frame.size; size++)
            check_refused(&frame, size, SAMPLE, PACK_E_CORRUPT);
    }
}

static void a61_nothing_may_follow_a_frame(void **state)
{
    (void)state;
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0};
    for (size_t i = 0; i < FRAMED; i++) {
        struct frame frame PACK_AUTO(frame_clear) = sample_frame(framed[i]);
        for (size_t zeros = 1; zeros <= 8; zeros++)
            check_refused(&frame, frame.size + zeros, SAMPLE, PACK_E_CORRUPT);
        memcpy(frame.bytes + frame.size, frame.bytes, frame.size);
        check_refused(&frame, 2 * frame.size, SAMPLE, PACK_E_CORRUPT);
        check_refused(&frame, 2 * frame.size, (size_t)2 * SAMPLE, PACK_E_CORRUPT);
        memcpy(frame.bytes + frame.size, skippable, sizeof skippable);
        check_refused(&frame, frame.size + sizeof skippable, SAMPLE, PACK_E_CORRUPT);
        memmove(frame.bytes + sizeof skippable, frame.bytes, frame.size);
        memcpy(frame.bytes, skippable, sizeof skippable);
        check_refused(&frame, frame.size + sizeof skippable, SAMPLE, PACK_E_CORRUPT);
        check_refused(&frame, sizeof skippable, SAMPLE, PACK_E_CORRUPT);
        check_refused(&frame, sizeof skippable, 0, PACK_E_CORRUPT);
    }
}

static void a62_content_of_another_size_is_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, SAMPLE - 1, SAMPLE + 1, 1 << 20};
    for (size_t i = 0; i < FRAMED; i++) {
        struct frame frame PACK_AUTO(frame_clear) = sample_frame(framed[i]);
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
            check_refused(&frame, frame.size, sizes[s], PACK_E_CORRUPT);
    }
}

static void a62_a_bomb_stops_at_the_signed_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMED; i++) {
        struct frame frame = {.codec = pack_codec_find(framed[i])};
        uint8_t *zeros PACK_AUTO_FREE = make_content(ZEROS, frame.codec->frame_size);
        frame.bytes = encoded(frame.codec, 1, zeros, frame.codec->frame_size, &frame.size);
        check_refused(&frame, frame.size, 1000, PACK_E_CORRUPT);
        frame_clear(&frame);
    }
}

/* The header says 1,000 bytes, the blocks hold a megabyte. */
static void a62_a_frame_that_lies_is_refused(void **state)
{
    (void)state;
    struct frame frame = {.codec = pack_codec_find("zstd")};
    uint8_t *zeros PACK_AUTO_FREE = make_content(ZEROS, 1 << 20);
    frame.bytes = encoded(frame.codec, 1, zeros, 1 << 20, &frame.size);
    const size_t place = (frame.bytes[4] & 0x20) != 0 ? 5 : 6;
    assert_int_equal(frame.bytes[4] >> 6, 2); /* a content size of four bytes */
    assert_int_equal(pack_le32(frame.bytes + place), 1 << 20);
    pack_put_le32(frame.bytes + place, 1000);
    check_refused(&frame, frame.size, 1000, PACK_E_CORRUPT);
    frame_clear(&frame);
}

static void a63_a_large_window_is_refused(void **state)
{
    (void)state;
    /* Content size of one byte is only for single segments: two bytes, which count from 256. */
    uint8_t bytes[300] = {0x28, 0xb5, 0x2f, 0xfd, 0x40, 0, 0, 0, 1, 8, 0};
    struct frame frame = {.codec = pack_codec_find("zstd"), .bytes = bytes};
    static const struct {
        uint8_t window;
        enum pack_code code;
    } cases[] = {{21 << 3, PACK_E_LIMIT}, {(10 << 3) + 1, PACK_E_LIMIT}, {31 << 3, PACK_E_LIMIT}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bytes[5] = cases[i].window;
        check_refused(&frame, sizeof bytes, 256, cases[i].code);
    }
    /* The same with a window of 1 MiB is a good frame: a raw block of 256 bytes. */
    struct pack_error error = {.code = PACK_OK};
    uint8_t plain[256];
    bytes[5] = 10 << 3;
    assert_pack_ok(decode(frame.codec, bytes, 11 + 256, plain, sizeof plain, &error));
}

static void a63_dictionaries_and_reserved_bits_are_refused(void **state)
{
    (void)state;
    struct frame frame PACK_AUTO(frame_clear) = sample_frame("zstd");
    static const uint8_t flags[] = {1, 2, 3, 8};
    for (size_t i = 0; i < sizeof flags; i++) {
        frame.bytes[4] ^= flags[i];
        check_refused(&frame, frame.size, SAMPLE, PACK_E_CORRUPT);
        frame.bytes[4] ^= flags[i];
    }
}

static void a64_a_wrong_checksum_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FRAMED; i++) {
        struct frame frame PACK_AUTO(frame_clear) = sample_frame(framed[i]);
        for (size_t back = 1; back <= 8;
             back++) { /* zstd has four bytes of it, gzip CRC and ISIZE */
            if (strcmp(framed[i], "zstd") == 0 && back > 4)
                break;
            frame.bytes[frame.size - back] ^= 0x10;
            check_refused(&frame, frame.size, SAMPLE, PACK_E_CORRUPT);
            frame.bytes[frame.size - back] ^= 0x10;
        }
    }
}

/* A flipped bit is refused or changes nothing: what comes out is never something else. */
static void a64_every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    uint8_t *plain PACK_AUTO_FREE = make_content(TEXT, SAMPLE);
    for (size_t i = 0; i < FRAMED; i++) {
        struct frame frame PACK_AUTO(frame_clear) = sample_frame(framed[i]);
        struct pack_error error = {.code = PACK_OK};
        void *decoder = NULL;
        assert_pack_ok(frame.codec->decoder_new(&decoder, PACK_DEFAULT_DECODER_MEMORY, &error));
        for (size_t bit = 0; bit < 8 * frame.size; bit++) {
            uint8_t result[SAMPLE];
            frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            if (frame.codec->decode(decoder, frame.bytes, frame.size, result, SAMPLE, &error) == 0)
                assert_memory_equal(result, plain, SAMPLE);
            frame.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        frame.codec->decoder_free(&decoder);
    }
}

static void an_xz_stream_without_check_is_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    uint8_t plain[100] = {0}, stored[1000];
    size_t size = 0;
    assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_NONE, NULL, plain, sizeof plain, stored,
                                             &size, sizeof stored),
                     LZMA_OK);
    assert_pack_fails(decode(pack_codec_find("xz"), stored, size, plain, sizeof plain, &error),
                      PACK_E_CORRUPT);
    assert_pack_says("no integrity check");
}

static void an_xz_stream_with_a_large_dictionary_is_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    uint8_t plain[100] = {0}, stored[1000];
    size_t size = 0;
    assert_int_equal(lzma_easy_buffer_encode(9, LZMA_CHECK_CRC64, NULL, plain, sizeof plain, stored,
                                             &size, sizeof stored),
                     LZMA_OK);
    assert_pack_fails(decode(pack_codec_find("xz"), stored, size, plain, sizeof plain, &error),
                      PACK_E_LIMIT);
}

/* --- stock tools ----------------------------------------------------------------------------- */

/* Runs a program from the path; the test is skipped when there is none. */
static int run(const char *const *arguments)
{
    pid_t child = 0;
    int status = 0;
    char *const *copy = (char *const *)(uintptr_t)arguments;
    const int failure = posix_spawnp(&child, arguments[0], NULL, NULL, copy, environ);
    if (failure == ENOENT)
        skip();
    assert_int_equal(failure, 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Three frames in a row, as a payload holds them. */
static void write_frames(const char *path, const struct pack_codec *codec, const uint8_t *plain,
                         size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    struct pack_buffer file PACK_AUTO_BUFFER = {.limit = 4 * MAX_FRAME};
    for (size_t done = 0; done < size; done += codec->frame_size) {
        const size_t part = size - done < codec->frame_size ? size - done : codec->frame_size;
        size_t stored_size = 0;
        uint8_t *stored PACK_AUTO_FREE =
            encoded(codec, codec->level_min, plain + done, part, &stored_size);
        assert_pack_ok(pack_buffer_append(&file, stored, stored_size, &error));
    }
    test_write_file(path, file.bytes, file.size);
}

static void check_stock_tool(const char *folder, const struct pack_codec *codec)
{
    char name[32];
    snprintf(name, sizeof name, "payload.%s", codec->extension);
    const size_t size = 2 * codec->frame_size + 12345;
    uint8_t *plain PACK_AUTO_FREE = make_content(TEXT, size);
    char *path PACK_AUTO_FREE = test_path(folder, name);
    char *out PACK_AUTO_FREE = test_path(folder, "payload");
    write_frames(path, codec, plain, size);
    assert_int_equal(run((const char *const[]){codec->name, "-q", "-d", path, NULL}), 0);
    size_t result_size = 0;
    uint8_t *result PACK_AUTO_FREE = test_read_file(out, &result_size);
    assert_int_equal(result_size, size);
    assert_memory_equal(result, plain, size);
    assert_int_equal(unlink(out), 0);
}

static void frames_in_a_row_open_with_gzip(void **state)
{
    check_stock_tool(*state, pack_codec_find("gzip"));
}

static void frames_in_a_row_open_with_zstd(void **state)
{
    check_stock_tool(*state, pack_codec_find("zstd"));
}

static void frames_in_a_row_open_with_xz(void **state)
{
    check_stock_tool(*state, pack_codec_find("xz"));
}

/* --- the files of the shared data, when present ----------------------------------------------- */

/* Whatever it is, the codec gives a verdict. Returns whether some size was accepted. */
static bool is_accepted(const struct pack_codec *codec, const char *path)
{
    static const size_t sizes[] = {0, 1, 1000, 10240, 1 << 20};
    static uint8_t plain[1 << 20];
    size_t size = 0;
    uint8_t *bytes PACK_AUTO_FREE = test_read_file(path, &size);
    bool accepted = false;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pack_error error = {.code = PACK_OK};
        const int code = decode(codec, bytes, size, plain, sizes[i], &error);
        assert_true(code == 0 || code == PACK_E_CORRUPT || code == PACK_E_LIMIT);
        accepted = accepted || code == 0;
    }
    return accepted;
}

static size_t decode_folder(const struct pack_codec *codec, const char *folder)
{
    size_t count = 0;
    DIR *list = opendir(folder);
    assert_non_null(list);
    for (struct dirent *entry = readdir(list); entry != NULL; entry = readdir(list)) {
        char *path PACK_AUTO_FREE = test_path(folder, entry->d_name);
        if (entry->d_type != DT_REG)
            continue;
        (void)is_accepted(codec, path);
        count++;
    }
    closedir(list);
    return count;
}

static void a61_to_a64_shared_archive_attacks(void **state)
{
    (void)state;
    static const struct {
        const char *file, *codec;
    } cases[] = {
        {"bomb-256MiB.zst", "zstd"},
        {"window-2GiB.zst", "zstd"},
        {"two-frames.tar.zst", "zstd"},
        {"skippable-frame.tar.zst", "zstd"},
        {"truncated.tar.zst", "zstd"},
        {"checksum-flipped.tar.zst", "zstd"},
        {"bomb-in-tar-256MiB.tar.zst", "zstd"},
        {"crc-flipped.tar.gz", "gzip"},
        {"isize-wrong.tar.gz", "gzip"},
        {"trailing-garbage.tar.gz", "gzip"},
        {"truncated.tar.gz", "gzip"},
        {"bomb-in-tar-256MiB.tar.gz", "gzip"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char name[96];
        snprintf(name, sizeof name, "vectors/archive-attacks/%s", cases[i].file);
        char *path PACK_AUTO_FREE = test_shared(name);
        if (is_accepted(pack_codec_find(cases[i].codec), path))
            fail_msg("%s was accepted", cases[i].file);
    }
}

static void a68_shared_zstd_frames(void **state)
{
    (void)state;
    static const char *const folders[] = {"golden-decompression", "golden-decompression-errors"};
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char name[64];
        snprintf(name, sizeof name, "vectors/zstd-golden/%s", folders[i]);
        char *folder PACK_AUTO_FREE = test_shared(name);
        assert_true(decode_folder(pack_codec_find("zstd"), folder) != 0);
    }
}

static void a68_shared_gzip_corpus(void **state)
{
    char *archive PACK_AUTO_FREE = test_shared("vectors/go-fuzz-gzip/corpus.tar.gz");
    const char *folder = *state;
    assert_int_equal(run((const char *const[]){"tar", "-xzf", archive, "-C", folder,
                                               "--strip-components=1", NULL}),
                     0);
    assert_true(decode_folder(pack_codec_find("gzip"), folder) > 300);
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_lists_the_codecs),
        cmocka_unit_test(libraries_say_their_version),
        cmocka_unit_test(levels_beyond_the_codecs_are_refused),
        cmocka_unit_test(decoders_keep_to_the_memory_allowed),
        cmocka_unit_test(the_memory_told_is_enough),
        cmocka_unit_test(frames_come_back_as_they_were),
        cmocka_unit_test(every_level_works),
        cmocka_unit_test(states_are_used_again),
        cmocka_unit_test(a71_nothing_of_the_machine_is_in_a_frame),
        cmocka_unit_test(a_window_never_exceeds_the_frame),
        cmocka_unit_test(frames_larger_than_a_frame_are_not_made),
        cmocka_unit_test(a60_every_shortened_frame_is_refused),
        cmocka_unit_test(a61_nothing_may_follow_a_frame),
        cmocka_unit_test(a62_content_of_another_size_is_refused),
        cmocka_unit_test(a62_a_bomb_stops_at_the_signed_size),
        cmocka_unit_test(a62_a_frame_that_lies_is_refused),
        cmocka_unit_test(a63_a_large_window_is_refused),
        cmocka_unit_test(a63_dictionaries_and_reserved_bits_are_refused),
        cmocka_unit_test(a64_a_wrong_checksum_is_refused),
        cmocka_unit_test(a64_every_flipped_bit_is_noticed),
        cmocka_unit_test(an_xz_stream_without_check_is_refused),
        cmocka_unit_test(an_xz_stream_with_a_large_dictionary_is_refused),
        WITH_FOLDER(frames_in_a_row_open_with_gzip),
        WITH_FOLDER(frames_in_a_row_open_with_zstd),
        WITH_FOLDER(frames_in_a_row_open_with_xz),
        cmocka_unit_test(a61_to_a64_shared_archive_attacks),
        cmocka_unit_test(a68_shared_zstd_frames),
        WITH_FOLDER(a68_shared_gzip_corpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
