/* SPDX-License-Identifier: MIT */
/* The apply side as a device runs it: callbacks, memory of its own, one slot and power cuts. */
#include "base/bytes.h"
#include "base/memory.h"
#include "pack/apply.h"
#include "pack/delta.h"
#include "pack/digest.h"
#include "patch/sha256.h"
#include "support/test.h"

#include <string.h>

enum { OLD_SIZE = 9000, NEW_SIZE = 9500, PAGE = 512, WORD = 4, SLOT = 20 * PAGE, SCRATCH = PAGE };

/* xorshift32: the same images on every machine. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

struct images {
    uint8_t old_bytes[OLD_SIZE], new_bytes[NEW_SIZE];
};

/* Parts that move up and down and change places, and bytes that are new. */
static void make_images(struct images *images)
{
    static const struct {
        size_t to, from, size;
    } moves[] = {{0, 0, 1500},
                 {1600, 1500, 2000},
                 {3700, 6000, 2200},
                 {5900, 3500, 2500},
                 {8400, 8000, 1000}};
    uint32_t seed = 1234;
    for (size_t i = 0; i < OLD_SIZE; i++)
        images->old_bytes[i] = (uint8_t)(next_random(&seed) >> 7);
    for (size_t i = 0; i < NEW_SIZE; i++)
        images->new_bytes[i] = (uint8_t)(next_random(&seed) >> 9);
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++)
        memcpy(images->new_bytes + moves[i].to, images->old_bytes + moves[i].from, moves[i].size);
    for (size_t i = 100; i < NEW_SIZE; i += 700)
        images->new_bytes[i] ^= 5;
}

/* --- patches ---------------------------------------------------------------------------------- */

struct keeper {
    struct pack_sink sink;
    struct pack_buffer *buffer;
};

static int keep(struct pack_sink *sink, const void *bytes, size_t size, struct pack_error *error)
{
    return pack_buffer_append(((struct keeper *)(void *)sink)->buffer, bytes, size, error);
}

static void make_patch(struct pack_buffer *patch, const struct images *images,
                       const struct pack_delta_options *options)
{
    static const struct pack_sink_ops ops = {.write = keep};
    struct keeper keeper = {{&ops}, patch};
    struct pack_error error = {0};
    const struct pack_context context = {0};
    PACK_AUTO(pack_input_close) struct pack_input *old_image = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *new_image = NULL;
    patch->limit = 1 << 20;
    assert_pack_ok(pack_input_memory(&old_image, images->old_bytes, OLD_SIZE, "old", &error));
    assert_pack_ok(pack_input_memory(&new_image, images->new_bytes, NEW_SIZE, "new", &error));
    assert_pack_ok(
        pack_delta_create(&context, old_image, new_image, &keeper.sink, options, NULL, &error));
}

/* --- a device --------------------------------------------------------------------------------- */

enum { MAKING = SLOT, JOURNAL = MAKING + PAGE, FLASH = JOURNAL + 256 * PAGE, MEMORY = 65536 };

struct device {
    const struct images *images;
    const uint8_t *patch;
    size_t patch_size, read_size, made;
    uint8_t made_bytes[NEW_SIZE];
    uint8_t flash[FLASH];
    bool programmed[FLASH / WORD];
    long left; /* operations until the power is cut; below 0: never */
    long operations;
    uint64_t memory[MEMORY / sizeof(uint64_t)];
};

static int read_patch(void *user, uint32_t offset, uint8_t *bytes, size_t size)
{
    const struct device *device = user;
    if (offset > device->patch_size)
        return -1;
    if (size > device->read_size)
        size = device->read_size;
    if (size > device->patch_size - offset)
        size = device->patch_size - offset;
    memcpy(bytes, device->patch + offset, size);
    return (int)size;
}

static bool read_old(void *user, uint32_t offset, uint8_t *bytes, size_t size)
{
    const struct device *device = user;
    if (size > OLD_SIZE || offset > OLD_SIZE - size)
        return false; /* a damaged header says that the image is larger */
    memcpy(bytes, device->images->old_bytes + offset, size);
    return true;
}

static bool write_new(void *user, const uint8_t *bytes, size_t size)
{
    struct device *device = user;
    if (size > NEW_SIZE - device->made)
        return false;
    memcpy(device->made_bytes + device->made, bytes, size);
    device->made += size;
    return true;
}

static bool has_power(struct device *device)
{
    device->operations++;
    if (device->left == 0)
        return false;
    device->left -= device->left > 0;
    return device->left != 0;
}

static bool flash_read(void *user, uint32_t address, void *bytes, size_t size)
{
    const struct device *device = user;
    assert_true(address + size <= FLASH);
    memcpy(bytes, device->flash + address, size);
    return device->left != 0;
}

static bool flash_erase(void *user, uint32_t address)
{
    struct device *device = user;
    assert_true(address % PAGE == 0 && address < FLASH);
    if (device->left == 0)
        return false;
    bool done = has_power(device);
    memset(device->flash + address, 0xFF, done ? PAGE : PAGE / 2);
    memset(device->programmed + address / WORD, !done, PAGE / WORD);
    return done;
}

static bool flash_program(void *user, uint32_t address, const void *bytes, size_t size)
{
    struct device *device = user;
    assert_true(address % WORD == 0 && size % WORD == 0 && address + size <= FLASH);
    for (size_t i = 0; i < size; i += WORD) {
        if (device->left == 0)
            return false;
        assert_false(device->programmed[(address + i) / WORD]);
        device->programmed[(address + i) / WORD] = true;
        bool done = has_power(device);
        memcpy(device->flash + address + i, (const uint8_t *)bytes + i, done ? WORD : WORD / 2);
        if (!done)
            return false;
    }
    return true;
}

static void start_device(struct device *device, const struct images *images,
                         const struct pack_buffer *patch)
{
    memset(device, 0, sizeof *device);
    device->images = images;
    device->patch = patch->bytes;
    device->patch_size = patch->size;
    device->read_size = 7;
    device->left = -1;
    memset(device->flash, 0x5A, FLASH);
    memset(device->programmed, true, sizeof device->programmed);
    memcpy(device->flash, images->old_bytes, OLD_SIZE);
}

static struct pack_apply describe(struct device *device)
{
    return (struct pack_apply){.user = device,
                               .read_patch = read_patch,
                               .read_old = read_old,
                               .write_new = write_new,
                               .memory = device->memory,
                               .memory_size = sizeof device->memory};
}

static enum pack_apply_status apply_in_place(struct device *device)
{
    const struct pack_flash flash = {.user = device,
                                     .read = flash_read,
                                     .erase = flash_erase,
                                     .program = flash_program,
                                     .page = PAGE,
                                     .word = WORD,
                                     .slot_size = SLOT,
                                     .making = MAKING,
                                     .journal = JOURNAL,
                                     .journal_size = FLASH - JOURNAL};
    const struct pack_apply apply = describe(device);
    memset(device->memory, 0xA5, sizeof device->memory); /* nothing is left of the last start */
    return pack_apply_in_place(&apply, &flash);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void test_hash(void **unused)
{
    (void)unused;
    uint8_t bytes[300], expected[PACK_SHA256_SIZE], found[PACK_SHA256_SIZE];
    struct pack_error error = {0};
    uint32_t seed = 99;
    for (size_t size = 0; size <= sizeof bytes; size++) {
        struct patch_sha256 hash;
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)next_random(&seed);
        assert_pack_ok(pack_sha256_bytes(bytes, size, expected, &error));
        patch_sha256_begin(&hash);
        patch_sha256_add(&hash, bytes, size / 3);
        patch_sha256_add(&hash, bytes + size / 3, size - size / 3);
        patch_sha256_end(&hash, found);
        assert_memory_equal(found, expected, sizeof found);
    }
}

static void test_two_slots(void **unused)
{
    (void)unused;
    static struct images images;
    static struct device device;
    make_images(&images);
    for (int decoder = PACK_DECODER_TINY; decoder <= PACK_DECODER_SMALL; decoder++) {
        PACK_AUTO_BUFFER struct pack_buffer patch = {0};
        make_patch(&patch, &images,
                   &(struct pack_delta_options){.decoder = (enum pack_delta_decoder)decoder});
        assert_true(patch.size < 2500);
        for (size_t read_size = 1; read_size < 1000; read_size = read_size * 3 + 1) {
            start_device(&device, &images, &patch);
            device.read_size = read_size;
            const struct pack_apply apply = describe(&device);
            assert_int_equal(pack_apply(&apply), PACK_APPLY_OK);
            assert_int_equal(device.made, NEW_SIZE);
            assert_memory_equal(device.made_bytes, images.new_bytes, NEW_SIZE);
        }
    }
}

static void test_refusals(void **unused)
{
    (void)unused;
    static struct images images, other;
    static struct device device;
    PACK_AUTO_BUFFER struct pack_buffer patch = {0};
    make_images(&images);
    make_patch(&patch, &images, &(struct pack_delta_options){.decoder = PACK_DECODER_TINY});
    start_device(&device, &images, &patch);
    struct pack_apply apply = describe(&device);
    apply.memory_size = 1000;
    assert_int_equal(pack_apply(&apply), PACK_APPLY_LIMIT);
    apply.memory_size = 0;
    assert_int_equal(pack_apply(&apply), PACK_APPLY_LIMIT);
    apply.memory_size = sizeof device.memory;
    for (size_t size = 0; size < patch.size; size += 1 + size / 8) { /* cut short */
        device.patch_size = size;
        device.made = 0;
        assert_int_not_equal(pack_apply(&apply), PACK_APPLY_OK);
    }
    device.patch_size = patch.size;
    device.made = 0;
    other = images;
    other.old_bytes[77] ^= 1;
    device.images = &other;
    assert_int_equal(pack_apply(&apply), PACK_APPLY_WRONG_BASE);
    assert_int_equal(device.made, 0);
    assert_int_equal(apply_in_place(&device), PACK_APPLY_UNSUPPORTED); /* made for two slots */
    device.images = &images;
    PACK_AUTO_FREE uint8_t *damaged = malloc(patch.size);
    assert_non_null(damaged);
    device.patch = damaged;
    for (size_t at = 0; at < patch.size; at += 1 + at / 64) {
        memcpy(damaged, patch.bytes, patch.size);
        damaged[at] ^= 0x10;
        device.made = 0;
        assert_int_not_equal(pack_apply(&apply), PACK_APPLY_OK);
    }
}

/* A100: cut the power at many moments, and again on the way; the new image comes of it. */
static void check_cuts(enum pack_delta_decoder decoder, long stride)
{
    static struct images images;
    static struct device device;
    PACK_AUTO_BUFFER struct pack_buffer patch = {0};
    make_images(&images);
    make_patch(
        &patch, &images,
        &(struct pack_delta_options){.decoder = decoder, .in_place = PAGE, .scratch = SCRATCH});
    start_device(&device, &images, &patch);
    assert_int_equal(apply_in_place(&device), PACK_APPLY_OK);
    assert_memory_equal(device.flash, images.new_bytes, NEW_SIZE);
    assert_int_equal(apply_in_place(&device), PACK_APPLY_OK); /* it is there already */
    const long operations = device.operations;
    uint32_t seed = 4242;
    for (long cut = 1; cut <= operations; cut += 1 + (long)next_random(&seed) % stride) {
        start_device(&device, &images, &patch);
        device.left = cut;
        assert_int_equal(apply_in_place(&device), PACK_APPLY_IO);
        device.left = 1 + (long)next_random(&seed) % operations;
        (void)apply_in_place(&device);
        device.left = -1;
        assert_int_equal(apply_in_place(&device), PACK_APPLY_OK);
        assert_memory_equal(device.flash, images.new_bytes, NEW_SIZE);
    }
}

static void test_cuts_tiny(void **unused)
{
    (void)unused;
    check_cuts(PACK_DECODER_TINY, 150);
}

static void test_cuts_small(void **unused)
{
    (void)unused;
    check_cuts(PACK_DECODER_SMALL, 3000);
}

static void test_wrong_base_in_place(void **unused)
{
    (void)unused;
    static struct images images;
    static struct device device;
    PACK_AUTO_BUFFER struct pack_buffer patch = {0};
    make_images(&images);
    make_patch(&patch, &images,
               &(struct pack_delta_options){
                   .decoder = PACK_DECODER_TINY, .in_place = PAGE, .scratch = SCRATCH});
    start_device(&device, &images, &patch);
    device.flash[5] ^= 1;
    assert_int_equal(apply_in_place(&device), PACK_APPLY_WRONG_BASE);
    assert_int_equal(device.operations, 0); /* nothing was erased or written */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),       cmocka_unit_test(test_two_slots),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_cuts_tiny),
        cmocka_unit_test(test_cuts_small), cmocka_unit_test(test_wrong_base_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
