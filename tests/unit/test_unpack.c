/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "unpack/gnu_deflate.h"
#include "unpack/kinds.h"
#include "unpack/unpack.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

enum { SAMPLE = 200000, LIMIT = 64 << 20 };

/* --- data ------------------------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* Like firmware: words that come again near and far, tables, padding, a part without any order. */
static uint8_t *make_sample(size_t size)
{
    uint8_t *bytes = calloc(1, size + 1);
    uint32_t state = 7;
    assert_non_null(bytes);
    for (size_t i = 0; i < size;) {
        const uint32_t way = next_random(&state) % 8;
        const size_t left = size - i;
        size_t run = next_random(&state) % 60 + 4;
        run = run < left ? run : left;
        for (size_t j = 0; j < run; j++, i++) {
            if (way < 5 && i > 4000)
                bytes[i] = bytes[i - 1 - (way + 1) * 777];
            else if (way == 6)
                bytes[i] = (uint8_t)next_random(&state);
            else if (way < 6)
                bytes[i] = (uint8_t)("firmware image "[next_random(&state) % 15]);
        }
    }
    return bytes;
}

/* --- opening and packing --------------------------------------------------------------------- */

struct memory_sink {
    struct pack_sink sink;
    struct pack_buffer bytes;
};

static int memory_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    return pack_buffer_append(&((struct memory_sink *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops memory_ops = {.write = memory_write};

static struct memory_sink new_sink(void)
{
    return (struct memory_sink){{&memory_ops}, {.limit = LIMIT}};
}

static int unpack(struct unpacked *unpacked, const uint8_t *bytes, size_t size, bool prove,
                  unsigned jobs, struct pack_error *error)
{
    const struct unpack_options options = {
        .memory = UINT64_C(1) << 30, .prove = prove, .depth = 4, .effort = 2};
    const struct pack_context context = {.jobs = jobs};
    return unpack_image(unpacked, bytes, size, &options, &context, error);
}

static int push_all(struct unpack_packer *packer, const struct unpacked *unpacked, size_t step,
                    struct pack_error *error)
{
    int code = 0;
    for (size_t at = 0; code == 0 && at < unpacked->size; at += step) {
        const size_t left = unpacked->size - at;
        code = unpack_packer_push(packer, unpacked->bytes + at, left < step ? left : step, error);
    }
    return code == 0 ? unpack_packer_finish(packer, error) : code;
}

static void check_packs(const struct unpacked *unpacked, const uint8_t *bytes, size_t size,
                        size_t step)
{
    struct pack_error error = {.code = PACK_OK};
    struct memory_sink sink = new_sink();
    PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
    PACK_AUTO(unpack_packer_free) struct unpack_packer *packer = NULL;
    assert_pack_ok(unpack_plan_parse(&plan, unpacked->plan, unpacked->plan_size, &error));
    assert_int_equal(unpack_plan_memory(plan), unpacked->memory);
    assert_pack_ok(unpack_packer_new(&packer, plan, &sink.sink, &error));
    assert_pack_ok(push_all(packer, unpacked, step, &error));
    assert_int_equal(sink.bytes.size, size);
    assert_memory_equal(sink.bytes.bytes, bytes, size);
    pack_buffer_clear(&sink.bytes);
}

static int follow(const struct unpacked *unpacked, const uint8_t *bytes, size_t size, size_t wanted,
                  struct pack_error *error)
{
    PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    uint8_t *result PACK_AUTO_FREE = NULL;
    int code = unpack_plan_parse(&plan, unpacked->plan, unpacked->plan_size, error);
    if (code == 0)
        code = pack_input_memory(&input, bytes, size, "image", error);
    if (code == 0)
        code = unpack_follow(plan, input, &result, wanted, error);
    if (code == 0)
        assert_memory_equal(result, unpacked->bytes, wanted);
    return code;
}

/* The image is opened both ways and comes back; returns how many streams can be packed again. */
static size_t check_image(const uint8_t *bytes, size_t size, const char *summary)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(unpacked_free) struct unpacked old = {.bytes = NULL};
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    PACK_AUTO(unpacked_free) struct unpacked threads = {.bytes = NULL};
    assert_pack_ok(unpack(&old, bytes, size, false, 1, &error));
    assert_pack_ok(unpack(&new, bytes, size, true, 1, &error));
    assert_pack_ok(unpack(&threads, bytes, size, true, 3, &error));
    if (strstr(new.summary, summary) == NULL)
        fail_msg("found \"%s\", wanted \"%s\"", new.summary, summary);
    if (new.bytes == NULL)
        return 0;
    assert_pack_ok(follow(&old, bytes, size, old.size, &error));
    check_packs(&new, bytes, size, 65521);
    assert_int_equal(threads.plan_size, new.plan_size);
    assert_memory_equal(threads.plan, new.plan, new.plan_size);
    assert_int_equal(threads.size, new.size);
    return new.streams;
}

/* --- what tools make ------------------------------------------------------------------------- */

static void run_shell(const char *folder, const char *command)
{
    char line[1024];
    pid_t child = 0;
    int status = 0;
    snprintf(line, sizeof line, "cd '%s' && { %s; } >out.log 2>&1", folder, command);
    char *arguments[] = {(char[]){"sh"}, (char[]){"-c"}, line, NULL};
    assert_int_equal(posix_spawnp(&child, "sh", NULL, NULL, arguments, environ), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        skip();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("failed: %s", command);
}

static void write_sample(const char *folder, size_t size)
{
    uint8_t *sample PACK_AUTO_FREE = make_sample(size);
    char *path PACK_AUTO_FREE = test_path(folder, "plain");
    test_write_file(path, sample, size);
}

/* The command makes `image` of `plain`. */
static void check_tool(const char *folder, const char *command, const char *summary)
{
    size_t size = 0;
    run_shell(folder, command);
    char *path PACK_AUTO_FREE = test_path(folder, "image");
    uint8_t *image PACK_AUTO_FREE = test_read_file(path, &size);
    print_message("    %s\n", command);
    assert_true(check_image(image, size, summary) != 0);
}

static void gzip_at_every_level(void **state)
{
    char command[64];
    write_sample(*state, SAMPLE);
    for (int level = 1; level <= 9; level++) {
        snprintf(command, sizeof command, "gzip -%dc plain >image", level);
        check_tool(*state, command, "1 gzip stream");
    }
}

static void xz_as_it_is_commonly_called(void **state)
{
    write_sample(*state, SAMPLE);
    static const char *const commands[] = {
        "xz -6c plain >image",
        "xz -9ec plain >image",
        "xz -0c plain >image",
        "xz -c --check=crc32 --arm --lzma2=preset=6,dict=32MiB plain >image",
        "xz -c --check=crc32 --x86 --lzma2=dict=1MiB plain >image",
        "xz -c -T2 --block-size=64KiB plain >image",
        "xz -c -T2 plain >image",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        check_tool(*state, commands[i], "1 xz stream");
}

static void lzma_by_xz(void **state)
{
    write_sample(*state, SAMPLE);
    check_tool(*state, "xz --format=lzma -6c plain >image", "1 lzma stream");
    check_tool(*state, "xz --format=lzma -9ec plain >image", "1 lzma stream");
}

static void zstd_as_it_is_commonly_called(void **state)
{
    write_sample(*state, SAMPLE);
    static const char *const commands[] = {
        "zstd -qc plain >image",
        "zstd -qc -19 plain >image",
        "zstd -qc -19 -T1 <plain >image",
        "zstd -qc -9 --no-check plain >image",
        "zstd -qc --ultra -22 --single-thread plain >image",
        "zstd -qc -1 <plain >image",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        check_tool(*state, commands[i], "1 zstd stream");
}

static void lz4_as_it_is_commonly_called(void **state)
{
    write_sample(*state, SAMPLE);
    check_tool(*state, "lz4 -qcl -9 plain >image", "1 lz4 stream");
    check_tool(*state, "lz4 -qcl -1 plain >image", "1 lz4 stream");
    static const char *const commands[] = {
        "lz4 -qc -1 plain >image",
        "lz4 -qc -9 plain >image",
        "lz4 -qc -12 -B4 plain >image",
        "lz4 -qc -9 -BD -B5 plain >image",
        "lz4 -qc --content-size plain >image",
        "lz4 -qc -BX -B4 --no-frame-crc plain >image",
    };
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        check_tool(*state, commands[i], "1 lz4 frame stream");
}

static void kernels_of_several_lz4_blocks(void **state)
{
    write_sample(*state, (8 << 20) + 12345);
    check_tool(*state, "{ lz4 -cl -9 plain; printf '\\071\\060\\200\\000'; } >image",
               "1 lz4 stream");
}

static void squashfs_with_each_compressor(void **state)
{
    char command[256];
    static const char *const compressors[][2] = {
        {"gzip", "zlib stream"}, {"xz", "xz stream"}, {"zstd", "zstd stream"}};
    write_sample(*state, SAMPLE);
    run_shell(*state, "mkdir -p tree && cp plain tree/a && head -c 150000 plain >tree/b && "
                      "gzip -9n <plain >tree/c.gz");
    for (size_t i = 0; i < 3; i++) {
        snprintf(command, sizeof command,
                 "mksquashfs tree image -comp %s -all-time 0 -all-root -noappend -no-progress",
                 compressors[i][0]);
        check_tool(*state, command, compressors[i][1]);
    }
}

static void record_files(void **state)
{
    write_sample(*state, SAMPLE);
    check_tool(*state, "objcopy -I binary -O ihex plain image", "1 record file");
    check_tool(*state, "objcopy -I binary -O srec plain image", "1 record file");
    check_tool(*state, "srec_cat plain -binary -o image -intel", "1 record file");
    check_tool(*state, "srec_cat plain -binary -o image -intel -obs=32 && sed -i 's/$/\\r/' image",
               "1 record file");
    check_tool(*state,
               "objcopy -I binary -O ihex plain h && tr A-F a-f <h >low && "
               "{ head -n 5 low; echo '# by hand'; tail -n +6 low; echo; echo ';end'; } >image",
               "1 record file");
}

static void streams_in_streams(void **state)
{
    write_sample(*state, SAMPLE);
    check_tool(*state,
               "mkdir -p t && xz -c plain >t/a.xz && lz4 -qc plain >t/b.lz4 && "
               "tar -cf t.tar t && gzip -6n t.tar && zstd -q t.tar.gz -o image -f",
               "1 gzip stream, 1 zstd stream, 1 xz stream, 1 lz4 frame stream");
    check_tool(*state,
               "{ printf 0123456789; cat image; echo end; objcopy -I binary -O ihex plain h;"
               " gzip -c h; } >both && mv both image",
               "2 gzip streams, 1 zstd stream, 1 xz stream, 1 lz4 frame stream, 1 record file");
}

/* --- what no tool at hand makes -------------------------------------------------------------- */

static void append_stream(struct memory_sink *image, const struct recipe *recipe,
                          const uint8_t *plain, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    assert_pack_ok(stream_kind_find(recipe->kind)->pack(recipe, plain, size, &image->sink, &error));
}

static void lzma_of_the_sdk(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    uint8_t *sample PACK_AUTO_FREE = make_sample(SAMPLE);
    struct memory_sink image = new_sink();
    const struct recipe recipe = {
        .kind = KIND_LZMA, .count = 6, .parameters = {0, 5, 1 << 24, 0x5d, 1, 0}};
    assert_pack_ok(pack_sink_write(&image.sink, sample, 1000, &error));
    append_stream(&image, &recipe, sample, SAMPLE);
    assert_pack_ok(pack_sink_write(&image.sink, sample, 1000, &error));
    assert_true(check_image(image.bytes.bytes, image.bytes.size, "1 lzma stream") == 1);
    pack_buffer_clear(&image.bytes);
}

static void runs_of_equal_blocks_are_one_item(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    uint8_t *sample PACK_AUTO_FREE = make_sample(SAMPLE);
    struct memory_sink image = new_sink();
    const struct recipe recipe = {.kind = KIND_ZLIB, .count = 4, .parameters = {0, 9, 8, 0}};
    for (size_t i = 0; i < 60; i++)
        append_stream(&image, &recipe, sample + 1000 * i, 8192);
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    assert_pack_ok(unpack(&new, image.bytes.bytes, image.bytes.size, true, 1, &error));
    assert_int_equal(new.streams, 60);
    assert_true(new.plan_size < 32);
    check_packs(&new, image.bytes.bytes, image.bytes.size, 1);
    pack_buffer_clear(&image.bytes);
}

static void put_block(uint8_t block[512], uint32_t number, uint32_t count, const uint8_t *data)
{
    static const struct {
        unsigned at;
        uint32_t value;
    } fixed[] = {{0, 0x0a324655}, {4, 0x9e5d5157},  {8, 0x2000},
                 {16, 256},       {28, 0xe48bff56}, {508, 0x0ab16f30}};
    memset(block, 0, 512);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        pack_put_le32(block + fixed[i].at, fixed[i].value);
    pack_put_le32(block + 12, 0x10000000 + 256 * number);
    pack_put_le32(block + 20, number);
    pack_put_le32(block + 24, count);
    memcpy(block + 32, data, 256);
}

static void uf2_blocks(void **state)
{
    (void)state;
    enum { BLOCKS = 100 };
    uint8_t *sample PACK_AUTO_FREE = make_sample(256 * BLOCKS);
    uint8_t image[512 * BLOCKS];
    for (uint32_t i = 0; i < BLOCKS; i++)
        put_block(image + 512 * i, i, BLOCKS, sample + 256 * i);
    image[512 * 40 + 400] = 1; /* something behind a payload */
    assert_true(check_image(image, sizeof image, "1 uf2 stream") == 1);
}

static void nothing_is_found_in_noise(void **state)
{
    (void)state;
    enum { SIZE = 4 << 20 };
    struct pack_error error = {.code = PACK_OK};
    uint8_t *noise PACK_AUTO_FREE = malloc(SIZE);
    uint32_t random = 3;
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    assert_non_null(noise);
    for (size_t i = 0; i < SIZE; i++)
        noise[i] = (uint8_t)next_random(&random);
    assert_pack_ok(unpack(&new, noise, SIZE, true, 1, &error));
    assert_null(new.bytes);
    assert_null(new.plan);
    assert_int_equal(new.streams, 0);
}

static void append_sample(struct memory_sink *image, uint32_t change, uint32_t level)
{
    uint8_t *sample PACK_AUTO_FREE = make_sample(SAMPLE);
    const struct recipe recipe = {.kind = KIND_ZLIB, .count = 4, .parameters = {0, level, 8, 0}};
    pack_put_le32(sample + SAMPLE / 2, change);
    append_stream(image, &recipe, sample, SAMPLE);
}

static void check_pair(const struct memory_sink *old_image, const struct memory_sink *new_image,
                       size_t old_streams, size_t new_streams)
{
    struct pack_error error = {.code = PACK_OK};
    const struct unpack_options options = {.memory = LIMIT, .prove = true, .depth = 2};
    const struct pack_context context = {.jobs = 1};
    const struct unpack_bytes was = {old_image->bytes.bytes, old_image->bytes.size};
    const struct unpack_bytes is = {new_image->bytes.bytes, new_image->bytes.size};
    PACK_AUTO(unpacked_free) struct unpacked old = {.bytes = NULL};
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    assert_pack_ok(unpack_pair(&old, &new, &was, &is, &options, &context, &error));
    assert_int_equal(old.streams, old_streams);
    assert_int_equal(new.streams, new_streams);
    assert_int_equal(old.bytes != NULL, old_streams + new_streams != 0);
    assert_int_equal(new.bytes != NULL, old_streams + new_streams != 0);
    if (old.bytes == NULL)
        return;
    assert_pack_ok(follow(&old, was.bytes, was.size, old.size, &error));
    check_packs(&new, is.bytes, is.size, 4096);
}

/* A device copies what did not change, rather than packing it again. */
static void what_both_have_stays_packed(void **state)
{
    (void)state;
    struct memory_sink old_image = new_sink();
    struct memory_sink new_image = new_sink();
    for (uint32_t i = 0; i < 3; i++) {
        append_sample(&old_image, i, 6);
        append_sample(&new_image, i, 6);
    }
    check_pair(&old_image, &new_image, 0, 0);
    append_sample(&old_image, 8, 6);
    check_pair(&old_image, &new_image, 0, 0);
    append_sample(&new_image, 9, 6);
    check_pair(&old_image, &new_image, 1, 1);
    pack_buffer_clear(&old_image.bytes);
    pack_buffer_clear(&new_image.bytes);
}

/* At this effort no level but 6 and 9 is tried. */
static void what_cannot_be_packed_stays_packed_on_both_sides(void **state)
{
    (void)state;
    struct memory_sink old_image = new_sink();
    struct memory_sink new_image = new_sink();
    append_sample(&old_image, 1, 6);
    append_sample(&old_image, 2, 6);
    append_sample(&new_image, 3, 6);
    append_sample(&new_image, 4, 2);
    check_pair(&old_image, &new_image, 1, 1);
    append_sample(&new_image, 5, 2);
    check_pair(&old_image, &new_image, 2, 1);
    pack_buffer_clear(&old_image.bytes);
    pack_buffer_clear(&new_image.bytes);
}

/* --- bounds ---------------------------------------------------------------------------------- */

static struct memory_sink packed_sample(unsigned level)
{
    struct memory_sink image = new_sink();
    uint8_t *sample PACK_AUTO_FREE = make_sample(SAMPLE);
    const struct recipe recipe = {.kind = KIND_ZLIB, .count = 4, .parameters = {0, level, 8, 0}};
    append_stream(&image, &recipe, sample, SAMPLE);
    return image;
}

static void memory_is_kept_to(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    struct memory_sink image = packed_sample(9);
    const struct unpack_options options = {.memory = SAMPLE / 2, .prove = true, .depth = 1};
    const struct pack_context context = {.jobs = 1};
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    assert_pack_ok(
        unpack_image(&new, image.bytes.bytes, image.bytes.size, &options, &context, &error));
    assert_null(new.bytes);
    pack_buffer_clear(&image.bytes);
}

/* What a device is told it holds is what it gets, or nothing. */
static void follow_makes_the_size_or_fails(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    struct memory_sink image = packed_sample(6);
    const uint8_t *bytes = image.bytes.bytes;
    const size_t size = image.bytes.size;
    PACK_AUTO(unpacked_free) struct unpacked old = {.bytes = NULL};
    assert_pack_ok(unpack(&old, bytes, size, false, 1, &error));
    assert_int_equal(old.size, SAMPLE);
    assert_pack_ok(follow(&old, bytes, size, SAMPLE, &error));
    assert_pack_fails(follow(&old, bytes, size, SAMPLE - 1, &error), PACK_E_CORRUPT);
    assert_pack_fails(follow(&old, bytes, size, SAMPLE + 1, &error), PACK_E_CORRUPT);
    for (size_t cut = 0; cut < size; cut += 997)
        assert_pack_fails(follow(&old, bytes, cut, SAMPLE, &error), PACK_E_CORRUPT);
    pack_buffer_clear(&image.bytes);
}

static void a_packer_wants_exactly_its_bytes(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    struct memory_sink image = packed_sample(6);
    struct memory_sink sink = new_sink();
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
    PACK_AUTO(unpack_packer_free) struct unpack_packer *packer = NULL;
    assert_pack_ok(unpack(&new, image.bytes.bytes, image.bytes.size, true, 1, &error));
    assert_pack_ok(unpack_plan_parse(&plan, new.plan, new.plan_size, &error));
    assert_pack_ok(unpack_packer_new(&packer, plan, &sink.sink, &error));
    assert_pack_ok(unpack_packer_push(packer, new.bytes, SAMPLE - 1, &error));
    assert_pack_fails(unpack_packer_finish(packer, &error), PACK_E_CORRUPT);
    assert_pack_fails(unpack_packer_push(packer, new.bytes, 2, &error), PACK_E_CORRUPT);
    pack_buffer_clear(&image.bytes);
    pack_buffer_clear(&sink.bytes);
}

/* --- plans that lie -------------------------------------------------------------------------- */

static int parse(const uint8_t *bytes, size_t size, struct pack_error *error)
{
    PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
    return unpack_plan_parse(&plan, bytes, size, error);
}

static void another_version_of_an_encoder_is_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    /* version, packs, 512 KiB, one encoder: zlib with another sum; no recipe, no item */
    uint8_t plan[] = {1, 1, 0x80, 4, 1, ENCODER_ZLIB, 0, 0, 0, 0, 0, 0};
    assert_pack_fails(parse(plan, sizeof plan, &error), PACK_E_UNSUPPORTED);
    assert_pack_says("zlib");
    pack_put_le32(plan + 6, encoder_identity(ENCODER_ZLIB));
    assert_pack_ok(parse(plan, sizeof plan, &error));
    plan[5] = ENCODERS;
    assert_pack_fails(parse(plan, sizeof plan, &error), PACK_E_UNSUPPORTED);
    plan[0] = 2;
    assert_pack_fails(parse(plan, sizeof plan, &error), PACK_E_UNSUPPORTED);
}

static void plans_that_lie_are_refused(void **state)
{
    (void)state;
    struct pack_error error = {.code = PACK_OK};
    static const struct {
        uint8_t size, bytes[16];
        enum pack_code code;
    } plans[] = {
        {1, {1}, PACK_E_MALFORMED},
        {5, {1, 0, 0, 0, 0}, PACK_OK},
        {6, {1, 0, 0, 0, 0, 0}, PACK_E_MALFORMED},    /* something behind */
        {6, {1, 0, 0, 0, 1, 0}, PACK_E_MALFORMED},    /* raw, of no size */
        {5, {1, 0, 0, 0, 5}, PACK_E_MALFORMED},       /* five items */
        {7, {1, 0, 0, 0, 1, 1, 9}, PACK_E_MALFORMED}, /* recipe 0 of none */
        {9, {1, 0, 0, 1, KIND_ZLIB, 0, 1, 1, 9}, PACK_OK},
        {9, {1, 0, 0, 1, KIND_ZLIB, 9, 1, 1, 9}, PACK_E_UNSUPPORTED}, /* a prefix */
        {9, {1, 0, 0, 1, KINDS, 0, 1, 1, 9}, PACK_E_UNSUPPORTED},
        {10, {1, 0, 0, 1, KIND_ZLIB, 0, 1, 2, 0, 9}, PACK_E_MALFORMED}, /* a run of none */
        {14, {1, 1, 127, 0, 1, KIND_GZIP, 0, 0, 99, 8, 0, 1, 1, 9}, PACK_E_MALFORMED}, /* level */
        {14, {1, 1, 1, 0, 1, KIND_GZIP, 0, 0, 9, 8, 0, 1, 1, 9}, PACK_E_MALFORMED},    /* memory */
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        print_message("    plan %zu\n", i);
        if (plans[i].code == PACK_OK)
            assert_pack_ok(parse(plans[i].bytes, plans[i].size, &error));
        else
            assert_pack_fails(parse(plans[i].bytes, plans[i].size, &error), plans[i].code);
    }
}

/* Never anything but an error or other bytes: no crash, no read outside, no more than the claim. */
static void damaged_plans_do_no_harm(void **state)
{
    struct pack_error error = {.code = PACK_OK};
    write_sample(*state, 20000);
    run_shell(*state, "xz -c plain >a && objcopy -I binary -O ihex plain h && "
                      "{ cat a; gzip -c h; } | gzip -n >image");
    size_t size = 0;
    char *path PACK_AUTO_FREE = test_path(*state, "image");
    uint8_t *image PACK_AUTO_FREE = test_read_file(path, &size);
    PACK_AUTO(unpacked_free) struct unpacked new = {.bytes = NULL};
    assert_pack_ok(unpack(&new, image, size, true, 1, &error));
    for (size_t at = 0; at < 8 * new.plan_size; at++) {
        PACK_AUTO(unpack_plan_free) struct unpack_plan *plan = NULL;
        PACK_AUTO(unpack_packer_free) struct unpack_packer *packer = NULL;
        struct memory_sink sink = new_sink();
        new.plan[at / 8] ^= (uint8_t)(1U << at % 8);
        int code = unpack_plan_parse(&plan, new.plan, new.plan_size, &error);
        if (code == 0 && unpack_plan_memory(plan) < LIMIT)
            code = unpack_packer_new(&packer, plan, &sink.sink, &error);
        if (code == 0 && packer != NULL && push_all(packer, &new, 1000, &error) == 0)
            assert_true(sink.bytes.size < 2 * size);
        new.plan[at / 8] ^= (uint8_t)(1U << at % 8);
        pack_buffer_clear(&sink.bytes);
    }
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(gzip_at_every_level),
        WITH_FOLDER(xz_as_it_is_commonly_called),
        WITH_FOLDER(lzma_by_xz),
        WITH_FOLDER(zstd_as_it_is_commonly_called),
        WITH_FOLDER(lz4_as_it_is_commonly_called),
        WITH_FOLDER(kernels_of_several_lz4_blocks),
        WITH_FOLDER(squashfs_with_each_compressor),
        WITH_FOLDER(record_files),
        WITH_FOLDER(streams_in_streams),
        cmocka_unit_test(lzma_of_the_sdk),
        cmocka_unit_test(runs_of_equal_blocks_are_one_item),
        cmocka_unit_test(uf2_blocks),
        cmocka_unit_test(nothing_is_found_in_noise),
        cmocka_unit_test(what_both_have_stays_packed),
        cmocka_unit_test(what_cannot_be_packed_stays_packed_on_both_sides),
        cmocka_unit_test(memory_is_kept_to),
        cmocka_unit_test(follow_makes_the_size_or_fails),
        cmocka_unit_test(a_packer_wants_exactly_its_bytes),
        cmocka_unit_test(another_version_of_an_encoder_is_refused),
        cmocka_unit_test(plans_that_lie_are_refused),
        WITH_FOLDER(damaged_plans_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
