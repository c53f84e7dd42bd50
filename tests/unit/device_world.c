/* SPDX-License-Identifier: MIT */
#include "device_world.h"

#include "base/memory.h"
#include "storage/storage.h"
#include "support/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOTFS_SIZE = 150000, KERNEL_SIZE = 40000, BLOCK = 4096 };

static const struct pack_context context = {.jobs = 1};
static const char *const hardware[] = {"world,r1"};

/* --- releases -------------------------------------------------------------------------------- */

/* Release `number` differs from the one before in some places; its kernel only in every other. */
static uint8_t *image_bytes(const char *slot, int number, size_t *size)
{
    const bool kernel = strcmp(slot, "kernel") == 0;
    *size = kernel ? KERNEL_SIZE : ROOTFS_SIZE;
    uint8_t *bytes = malloc(*size);
    uint32_t state = kernel ? 7 : 1;
    assert_non_null(bytes);
    for (size_t i = 0; i < *size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 24);
    }
    for (size_t i = 0; i < 10; i++)
        bytes[(i * *size / 10 + 17) % *size] = (uint8_t)(kernel ? number / 2 : number);
    return bytes;
}

static void write_image(const char *folder, const char *slot, int number, const char *name)
{
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = image_bytes(slot, number, &size);
    PACK_AUTO_FREE char *path = test_path(folder, name);
    test_write_file(path, bytes, size);
}

static void build(const char *folder, const struct pack_secret_key *key, int number)
{
    static const char *const slots[] = {"rootfs", "kernel"};
    static const unsigned roles = 1U << PACK_ROLE_RELEASE | 1U << PACK_ROLE_DELIVERY;
    struct pack_error error = {0};
    struct pack_descriptor_image images[2];
    char paths[2][256], version[16], name[16];
    for (size_t i = 0; i < 2; i++) {
        char file[32];
        snprintf(file, sizeof file, "%s-%d.img", slots[i], number);
        write_image(folder, slots[i], number, file);
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, file);
        images[i] = (struct pack_descriptor_image){.name = slots[i],
                                                   .file = paths[i],
                                                   .path = paths[i],
                                                   .slot = slots[i],
                                                   .format = "raw",
                                                   .codec = "zstd",
                                                   .block_size = BLOCK};
    }
    snprintf(version, sizeof version, "%d.0.0", number);
    const struct pack_descriptor descriptor = {.path = "world.yaml",
                                               .product = "world",
                                               .version = version,
                                               .security_version = (uint64_t)number / 2,
                                               .compatible_count = 1,
                                               .compatible = hardware,
                                               .image_count = 2,
                                               .images = images};
    const struct pack_signer signer = pack_signer_from_key(key);
    const struct pack_build_options options = {
        .signer_count = 1, .signers = &signer, .signer_roles = &roles};
    struct pack_build_report report = {0};
    struct pack_output *output = NULL;
    snprintf(name, sizeof name, "v%d.fwb", number);
    PACK_AUTO_FREE char *path = test_path(folder, name);
    assert_pack_ok(pack_output_open(&output, path, PACK_OUTPUT_SEEKABLE, NULL, &error));
    assert_pack_ok(pack_build(output, &descriptor, &options, &context, &report, &error));
    assert_pack_ok(pack_output_commit(&output, &error));
    pack_build_report_clear(&report);
}

/* A bundle that is open and believed. */
struct opened {
    struct pack_input *input;
    struct pack_bundle *bundle;
    struct pack_trusted *trusted;
};

static void open_bundle(struct opened *opened, const char *folder, const char *name,
                        const struct pack_trust *trust)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(folder, name);
    PACK_AUTO_FREE struct pack_trust_report *report = calloc(1, sizeof *report);
    assert_pack_ok(pack_input_open(&opened->input, path, &error));
    assert_pack_ok(pack_bundle_open(&opened->bundle, opened->input, &context, &error));
    assert_pack_ok(pack_bundle_trust(&opened->trusted, opened->bundle, trust, report, &error));
}

static void close_bundle(struct opened *opened)
{
    pack_trusted_free(&opened->trusted);
    pack_bundle_close(&opened->bundle);
    pack_input_close(&opened->input);
}

static void make_delta(const char *folder, const struct pack_secret_key *key)
{
    static const unsigned roles = 1U << PACK_ROLE_DELIVERY;
    const struct pack_delta_options delta = {.decoder = PACK_DECODER_TINY};
    const struct pack_signer signer = pack_signer_from_key(key);
    const struct pack_bundle_delta_options options = {
        .delta = &delta, .signer_count = 1, .signers = &signer, .signer_roles = &roles};
    struct pack_bundle_delta_report report = {0};
    struct pack_error error = {0};
    struct pack_trust *trust = NULL;
    struct opened old = {0}, new_release = {0};
    struct pack_output *output = NULL;
    PACK_AUTO_FREE char *path = test_path(folder, "delta.fwb");
    assert_pack_ok(pack_trust_new(&trust, &error));
    assert_pack_ok(pack_trust_add(trust, pack_secret_key_public(key), 7, &error));
    open_bundle(&old, folder, "v1.fwb", trust);
    open_bundle(&new_release, folder, "v2.fwb", trust);
    assert_pack_ok(pack_output_open(&output, path, PACK_OUTPUT_SEEKABLE, NULL, &error));
    assert_pack_ok(pack_bundle_delta(output, new_release.trusted, &old.trusted, 1, &options,
                                     &context, &report, &error));
    assert_pack_ok(pack_output_commit(&output, &error));
    pack_bundle_delta_report_clear(&report);
    close_bundle(&old);
    close_bundle(&new_release);
    pack_trust_free(&trust);
}

/* --- the device ------------------------------------------------------------------------------ */

static const char *path_of(struct world *world, size_t index, const char *name)
{
    snprintf(world->paths[index], sizeof world->paths[index], "%s/%s", world->folder, name);
    return world->paths[index];
}

static void make_slot(struct world *world, size_t index, const char *name)
{
    struct pack_device_slot *slot = &world->slots[index];
    *slot = (struct pack_device_slot){.name = name, .redundant = true};
    for (size_t set = 0; set < PACK_SETS; set++) {
        char file[32];
        snprintf(file, sizeof file, "%s-%c", name, set == PACK_SET_A ? 'a' : 'b');
        slot->targets[set].kind = PACK_TARGET_FILE;
        slot->targets[set].path = path_of(world, 4 + index * 2 + set, file);
    }
    char first[32];
    snprintf(first, sizeof first, "%s-a", name);
    write_image(world->folder, name, 1, first);
    for (int number = 0; number < WORLD_RELEASES; number++) {
        size_t size = 0;
        world->images[index][number] = image_bytes(name, number, &size);
    }
}

static void save_key(struct world *world, const struct pack_secret_key *key)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    assert_pack_ok(pack_public_key_format(&text, &size, pack_secret_key_public(key),
                                          PACK_PURPOSE_ANY, PACK_KEY_MINISIGN, &error));
    world->trust[0] = path_of(world, 0, "release.pub");
    test_write_file(world->trust[0], text, size);
}

static uint64_t tell_time(void *user)
{
    return ((struct world *)user)->now;
}

struct world *world_make(const char *folder)
{
    struct pack_secret_key *key = test_key(1);
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->folder = folder;
    world->now = UINT64_C(1800000000);
    for (int number = 0; number < WORLD_RELEASES; number++)
        build(folder, key, number);
    make_delta(folder, key);
    save_key(world, key);
    pack_secret_key_free(&key);
    make_slot(world, 0, "rootfs");
    make_slot(world, 1, "kernel");
    world->device = (struct pack_device){
        .path = "device.yaml",
        .product = "world",
        .hardware_count = 1,
        .hardware = hardware,
        .trust_count = 1,
        .trust = world->trust,
        .state = path_of(world, 1, "state"),
        .slot_count = 2,
        .slots = world->slots,
        .boot = {.type = "file", .file = path_of(world, 2, "boot")},
        .policy =
            {.cooldown = 3600, .tries = 2, .retries = 3, .rollback_on_health = true, .reuse = true},
        .events_file = path_of(world, 3, "state/events.jsonl"),
        .events_size = 64 * 1024,
        .events_keep = 1,
    };
    world->engine = (struct pack_engine){.context = &context,
                                         .device = &world->device,
                                         .now = tell_time,
                                         .user = world,
                                         .first = true};
    return world;
}

void world_free(struct world **world)
{
    for (size_t i = 0; i < WORLD_SLOTS; i++)
        for (int number = 0; number < WORLD_RELEASES; number++)
            free((*world)->images[i][number]);
    free(*world);
    *world = NULL;
}

int world_install(struct world *world, struct storage *storage, const char *bundle,
                  struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *source = NULL;
    PACK_AUTO_FREE char *path = test_path(world->folder, bundle);
    pack_error_clear(error);
    world->engine.storage = storage;
    int code = pack_input_open(&source, path, error);
    if (code == 0)
        code = pack_install(&world->engine, source, &world->report, error);
    return code;
}

enum pack_set world_start(struct world *world)
{
    struct pack_error error = {0};
    enum pack_set set = PACK_SET_A;
    world->engine.storage = NULL;
    assert_pack_ok(pack_device_boot(&world->engine, &set, &error));
    return set;
}

/* --- what is there --------------------------------------------------------------------------- */

static bool holds(const uint8_t *found, size_t size, const uint8_t *image, size_t wanted)
{
    return size == wanted && memcmp(found, image, size) == 0;
}

/* Whether one of the slots of a set holds what it does in a release: a bit for each. */
static unsigned releases_in(const struct world *world, size_t slot, enum pack_set set)
{
    const char *path = world->slots[slot].targets[set].path;
    const size_t wanted = slot == 0 ? ROOTFS_SIZE : KERNEL_SIZE;
    unsigned releases = 0;
    size_t size = 0;
    if (access(path, F_OK) != 0)
        return 0;
    PACK_AUTO_FREE uint8_t *found = test_read_file(path, &size);
    for (int number = 0; number < WORLD_RELEASES; number++)
        if (holds(found, size, world->images[slot][number], wanted))
            releases |= 1U << number;
    return releases;
}

int world_release_in(const struct world *world, enum pack_set set)
{
    const unsigned releases = releases_in(world, 0, set) & releases_in(world, 1, set);
    for (int number = 0; number < WORLD_RELEASES; number++)
        if ((releases & 1U << number) != 0)
            return number;
    return -1;
}
