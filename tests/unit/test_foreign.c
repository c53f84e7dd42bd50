/* SPDX-License-Identifier: MIT */
/* Patches for other tools: made, and applied by those tools where they are there. */
#include "support/test.h"

#include "base/memory.h"
#include "delta/foreign.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

enum { SIZE = 100000, LEVELS = 3, MEMORY = 64 << 20, FEW = 1 << 20 };

static const enum pack_delta_format formats[] = {PACK_DELTA_BSDIFF4, PACK_DELTA_VCDIFF,
                                                 PACK_DELTA_ZSTD_PATCH_FROM};

/* --- images ---------------------------------------------------------------------------------- */

struct images {
    uint8_t *old_bytes, *new_bytes;
    size_t old_size, new_size;
};

static void images_free(struct images *images)
{
    free(images->old_bytes);
    free(images->new_bytes);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * UINT32_C(1664525) + UINT32_C(1013904223);
    return *state >> 16;
}

/* Like code: words of few values, with some that are new. */
static void fill(uint8_t *bytes, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i % 4 == 3 ? 0x47 : next_random(&seed) % (i % 4 == 0 ? 256 : 16));
}

static struct images two_of(size_t old_size, size_t new_size)
{
    struct images images = {.old_size = old_size, .new_size = new_size};
    images.old_bytes = calloc(old_size + 1, 1);
    images.new_bytes = calloc(new_size + 1, 1);
    assert_non_null(images.old_bytes);
    assert_non_null(images.new_bytes);
    fill(images.old_bytes, old_size, 1);
    return images;
}

static struct images empty_images(void)
{
    return two_of(0, 0);
}

static struct images from_nothing(void)
{
    struct images images = two_of(0, SIZE);
    fill(images.new_bytes, SIZE, 2);
    return images;
}

static struct images to_nothing(void)
{
    return two_of(SIZE, 0);
}

static struct images the_same(void)
{
    struct images images = two_of(SIZE, SIZE);
    memcpy(images.new_bytes, images.old_bytes, SIZE);
    return images;
}

static struct images unrelated(void)
{
    struct images images = two_of(SIZE, SIZE / 2);
    uint32_t seed = 7;
    for (size_t i = 0; i < images.new_size; i++)
        images.new_bytes[i] = (uint8_t)next_random(&seed);
    return images;
}

/* Bytes put in and taken out, and single ones that differ all over. */
static struct images edited(void)
{
    struct images images = two_of(SIZE, SIZE + 500);
    memcpy(images.new_bytes, images.old_bytes, SIZE / 4);
    fill(images.new_bytes + SIZE / 4, 1500, 3);
    memcpy(images.new_bytes + SIZE / 4 + 1500, images.old_bytes + SIZE / 4 + 1000,
           SIZE - SIZE / 4 - 1000);
    for (size_t i = 50; i < SIZE; i += 97)
        images.new_bytes[i] ^= 0x11;
    return images;
}

/* The halves in the other order, twice, so that the place in the old image goes back. */
static struct images turned(void)
{
    struct images images = two_of(SIZE, 2 * SIZE);
    for (size_t i = 0; i < 4; i++)
        memcpy(images.new_bytes + i * (SIZE / 2), images.old_bytes + (i + 1) % 2 * (SIZE / 2),
               SIZE / 2);
    return images;
}

/* Long runs of one byte, which the old image has not. */
static struct images padded(void)
{
    struct images images = two_of(SIZE, SIZE);
    memcpy(images.new_bytes, images.old_bytes, SIZE / 2);
    memset(images.new_bytes + SIZE / 2, 0xff, SIZE / 4);
    for (size_t i = 1; i < 400; i++)
        memset(images.new_bytes + SIZE / 4 * 3 + i * 50, (int)i, i % 50);
    return images;
}

static struct images tiny(void)
{
    struct images images = two_of(1, 3);
    memcpy(images.new_bytes, "abc", 3);
    return images;
}

static struct images (*const kinds[])(void) = {
    empty_images, from_nothing, to_nothing, the_same, unrelated, edited, turned, padded, tiny,
};

/* --- patches --------------------------------------------------------------------------------- */

struct memory_sink {
    struct pack_sink sink;
    struct pack_buffer bytes;
};

static int keep(struct pack_sink *sink, const void *bytes, size_t size, struct pack_error *error)
{
    return pack_buffer_append(&((struct memory_sink *)(void *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops keep_ops = {.write = keep};

static struct delta_foreign_job job_of(const struct images *images, enum pack_delta_level level,
                                       uint64_t memory)
{
    static const struct pack_context context = {.jobs = 1};
    return (struct delta_foreign_job){
        .old_bytes = images->old_bytes,
        .new_bytes = images->new_bytes,
        .old_size = images->old_size,
        .new_size = images->new_size,
        .level = level,
        .memory = memory,
        .context = &context,
    };
}

static uint8_t *patch_of(enum pack_delta_format format, const struct delta_foreign_job *job,
                         struct pack_delta_report *report, size_t *size)
{
    struct memory_sink sink = {.sink.ops = &keep_ops, .bytes.limit = SIZE_MAX / 2};
    struct pack_error error = {.code = PACK_OK};
    uint8_t *patch = NULL;
    assert_pack_ok(
        delta_foreign_create(delta_foreign_find(format), job, &sink.sink, report, &error));
    assert_pack_ok(pack_buffer_take(&sink.bytes, &patch, size, &error));
    return patch;
}

/* Runs a program from the path; the test is skipped when there is none. */
static void run(const char *const *arguments)
{
    pid_t child = 0;
    int status = 0;
    char *const *copy = (char *const *)(uintptr_t)arguments;
    const int failure = posix_spawnp(&child, arguments[0], NULL, NULL, copy, environ);
    if (failure == ENOENT)
        skip();
    assert_int_equal(failure, 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s failed", arguments[0]);
}

static void run_stock(enum pack_delta_format format, const char *old, const char *patch,
                      const char *result)
{
    char source[4096];
    snprintf(source, sizeof source, "--patch-from=%s", old);
    const char *const commands[][9] = {
        [PACK_DELTA_BSDIFF4] = {"bspatch", old, result, patch, NULL},
        [PACK_DELTA_VCDIFF] = {"xdelta3", "-d", "-f", "-s", old, patch, result, NULL},
        [PACK_DELTA_ZSTD_PATCH_FROM] = {"zstd", "-q", "-d", "-f", source, patch, "-o", result,
                                        NULL},
    };
    run(commands[format]);
}

static void check_stock(const char *folder, enum pack_delta_format format,
                        const struct images *images, const uint8_t *patch, size_t patch_size)
{
    char *old_path PACK_AUTO_FREE = test_path(folder, "old");
    char *patch_path PACK_AUTO_FREE = test_path(folder, "patch");
    char *result_path PACK_AUTO_FREE = test_path(folder, "new");
    test_write_file(old_path, images->old_bytes, images->old_size);
    test_write_file(patch_path, patch, patch_size);
    run_stock(format, old_path, patch_path, result_path);
    size_t size = 0;
    uint8_t *result PACK_AUTO_FREE = test_read_file(result_path, &size);
    assert_int_equal(size, images->new_size);
    assert_memory_equal(result, images->new_bytes, size);
}

static void check_job(const char *folder, enum pack_delta_format format,
                      const struct images *images, const struct delta_foreign_job *job)
{
    struct pack_delta_report report = {0};
    size_t size = 0;
    uint8_t *patch PACK_AUTO_FREE = patch_of(format, job, &report, &size);
    assert_int_equal(report.patch_size, size);
    assert_int_equal(report.old_size, images->old_size);
    assert_int_equal(report.new_size, images->new_size);
    assert_int_equal(report.copied + report.extra, images->new_size);
    check_stock(folder, format, images, patch, size);
}

static void check_format(const char *folder, enum pack_delta_format format)
{
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        struct images images PACK_AUTO(images_free) = kinds[kind]();
        for (int level = 0; level < LEVELS; level++) {
            const struct delta_foreign_job job =
                job_of(&images, (enum pack_delta_level)level, MEMORY);
            check_job(folder, format, &images, &job);
        }
    }
}

static void bspatch_applies(void **state)
{
    check_format(*state, PACK_DELTA_BSDIFF4);
}

static void xdelta3_applies(void **state)
{
    check_format(*state, PACK_DELTA_VCDIFF);
}

static void zstd_applies(void **state)
{
    check_format(*state, PACK_DELTA_ZSTD_PATCH_FROM);
}

/* Little memory makes small windows: the sections' streams go on from one to the next. */
static void xdelta3_applies_many_windows(void **state)
{
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++) {
        struct images images PACK_AUTO(images_free) = kinds[kind]();
        for (int level = 0; level < LEVELS; level++) {
            struct delta_foreign_job job = job_of(&images, (enum pack_delta_level)level, FEW / 4);
            const struct patch_cover whole = {
                0, 0, images.old_size < images.new_size ? images.old_size : images.new_size};
            struct patch_cover list[] = {whole};
            const struct delta_covers covers = {list, whole.size != 0, 1};
            job.covers = &covers;
            check_job(*state, PACK_DELTA_VCDIFF, &images, &job);
        }
    }
}

/* Covers that overlap in the old image, go back, follow each other closely, and fit nothing. */
static void any_covers_do(void **state)
{
    struct images images PACK_AUTO(images_free) = edited();
    struct patch_cover list[] = {{10, 500, 1000},    {1010, 0, 1},         {1011, SIZE - 100, 100},
                                 {2000, 200, 30000}, {40000, 0, SIZE / 2}, {SIZE + 499, 0, 1}};
    const struct delta_covers covers = {list, sizeof list / sizeof list[0], 0};
    struct delta_foreign_job job = job_of(&images, PACK_DELTA_DEFAULT, MEMORY);
    job.covers = &covers;
    check_job(*state, PACK_DELTA_BSDIFF4, &images, &job);
    check_job(*state, PACK_DELTA_VCDIFF, &images, &job);
}

/* What is the same costs next to nothing. */
static void nothing_new_is_small(void **state)
{
    (void)state;
    struct images images PACK_AUTO(images_free) = the_same();
    const struct delta_foreign_job job = job_of(&images, PACK_DELTA_DEFAULT, MEMORY);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        size_t size = 0;
        uint8_t *patch PACK_AUTO_FREE = patch_of(formats[i], &job, NULL, &size);
        assert_non_null(patch);
        assert_in_range(size, 1, 200);
    }
}

static void no_windows_extensions_at_the_fast_level(void **state)
{
    (void)state;
    struct images images PACK_AUTO(images_free) = edited();
    const struct delta_foreign_job job = job_of(&images, PACK_DELTA_FAST, MEMORY);
    size_t size = 0;
    uint8_t *patch PACK_AUTO_FREE = patch_of(PACK_DELTA_VCDIFF, &job, NULL, &size);
    /* The header without a secondary compressor, a window with a source and no checksum. */
    assert_memory_equal(patch, "\xd6\xc3\xc4\x00\x00\x01", 6);
}

/* --- the test apply -------------------------------------------------------------------------- */

static void check_fails(enum pack_delta_format format, const struct delta_foreign_job *job,
                        const uint8_t *patch, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    assert_pack_fails(delta_foreign_find(format)->check(job, patch, size, &error), PACK_E_INTERNAL);
}

static void a_patch_of_another_image_is_noticed(void **state)
{
    (void)state;
    struct images images PACK_AUTO(images_free) = edited();
    const struct delta_foreign_job job = job_of(&images, PACK_DELTA_DEFAULT, MEMORY);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        size_t size = 0;
        uint8_t *patch PACK_AUTO_FREE = patch_of(formats[i], &job, NULL, &size);
        struct delta_foreign_job other = job;
        other.new_size--;
        check_fails(formats[i], &other, patch, size);
        for (size_t at = 0; at < images.new_size; at += 9973) {
            images.new_bytes[at] ^= 0x80;
            check_fails(formats[i], &job, patch, size);
            images.new_bytes[at] ^= 0x80;
        }
    }
}

static void a_patch_that_is_cut_short_is_noticed(void **state)
{
    (void)state;
    struct images images PACK_AUTO(images_free) = edited();
    const struct delta_foreign_job job = job_of(&images, PACK_DELTA_DEFAULT, MEMORY);
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        size_t size = 0;
        uint8_t *patch PACK_AUTO_FREE = patch_of(formats[i], &job, NULL, &size);
        /* The end of a bzip2 stream, 10 bytes, is not of interest to bspatch either. */
        for (size_t cut = 0; cut + 16 < size; cut += cut / 16 + 1) {
            uint8_t *part PACK_AUTO_FREE = malloc(cut + 1);
            assert_non_null(part);
            memcpy(part, patch, cut);
            check_fails(formats[i], &job, part, cut);
        }
    }
}

/* Any answer, but a sanitizer has nothing to say. */
static void damaged_patches_do_no_harm(void **state)
{
    (void)state;
    struct images images PACK_AUTO(images_free) = padded();
    for (int level = 0; level < LEVELS - 1; level++) {
        const struct delta_foreign_job job = job_of(&images, (enum pack_delta_level)level, MEMORY);
        for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
            const struct delta_foreign *foreign = delta_foreign_find(formats[i]);
            size_t size = 0;
            uint8_t *patch PACK_AUTO_FREE = patch_of(formats[i], &job, NULL, &size);
            const size_t step = size / 200 + 1;
            for (size_t at = 0; at < size; at += at < 64 ? 1 : step) {
                struct pack_error error = {.code = PACK_OK};
                patch[at] ^= (uint8_t)(1U << at % 8);
                const int code = foreign->check(&job, patch, size, &error);
                assert_int_equal(code, error.code);
                patch[at] ^= (uint8_t)(1U << at % 8);
            }
        }
    }
}

#define WITH_FOLDER(test) \
    cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(bspatch_applies),
        WITH_FOLDER(xdelta3_applies),
        WITH_FOLDER(zstd_applies),
        WITH_FOLDER(xdelta3_applies_many_windows),
        WITH_FOLDER(any_covers_do),
        cmocka_unit_test(nothing_new_is_small),
        cmocka_unit_test(no_windows_extensions_at_the_fast_level),
        cmocka_unit_test(a_patch_of_another_image_is_noticed),
        cmocka_unit_test(a_patch_that_is_cut_short_is_noticed),
        cmocka_unit_test(damaged_patches_do_no_harm),
    };
    return cmocka_run_group_tests_name("foreign", tests, NULL, NULL);
}
