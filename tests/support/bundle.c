/* SPDX-License-Identifier: MIT */
#include "support/bundle.h"
#include "support/test.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct pack_context context = {.jobs = 1};

/* Bytes that compress, but not to nothing. */
static void fill(uint8_t *bytes, size_t size)
{
    uint32_t state = 1;
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 28);
    }
}

static void make_keys(struct test_bundle *bundle, size_t count)
{
    struct pack_error error = {0};
    for (; bundle->key_count < count; bundle->key_count++)
        assert_pack_ok(
            pack_secret_key_generate(&bundle->keys[bundle->key_count], PACK_PURPOSE_ANY, &error));
}

static void build(const struct test_bundle *bundle, const struct test_bundle_plan *plan,
                  const struct pack_descriptor *descriptor, const char *path)
{
    struct pack_error error = {0};
    struct pack_signer signers[3];
    unsigned roles[3];
    for (size_t i = 0; i < bundle->key_count; i++) {
        signers[i] = pack_signer_from_key(bundle->keys[i]);
        roles[i] = plan->role_of[i] != 0 ? plan->role_of[i]
                                         : 1U << PACK_ROLE_RELEASE | 1U << PACK_ROLE_DELIVERY;
    }
    const struct pack_build_options options = {.signer_count = bundle->key_count,
                                               .signers = signers,
                                               .signer_roles = roles,
                                               .recipients = plan->recipients};
    struct pack_build_report report = {0};
    struct pack_output *output = NULL;
    assert_pack_ok(pack_output_open(&output, path, PACK_OUTPUT_SEEKABLE, NULL, &error));
    assert_pack_ok(pack_build(output, descriptor, &options, &context, &report, &error));
    assert_pack_ok(pack_output_commit(&output, &error));
    pack_build_report_clear(&report);
}

void test_bundle_make(struct test_bundle *bundle, const struct test_bundle_plan *plan)
{
    const size_t size = plan->image_size != 0 ? plan->image_size : 5000;
    PACK_AUTO_FREE char *image_path = test_path(plan->folder, "image.bin");
    PACK_AUTO_FREE char *note_path = test_path(plan->folder, "notes.txt");
    PACK_AUTO_FREE char *path = test_path(plan->folder, "test.fwb");
    PACK_AUTO_FREE uint8_t *image_bytes = malloc(size);
    assert_non_null(image_bytes);
    fill(image_bytes, size);
    test_write_file(image_path, image_bytes, size);
    test_write_text(note_path, "what is new\n");
    const struct pack_descriptor_image image = {
        .name = "app",
        .file = "image.bin",
        .path = image_path,
        .slot = "app",
        .format = "raw",
        .codec = plan->codec != NULL ? plan->codec : "zstd",
        .block_size = plan->block_size != 0 ? plan->block_size : 1024,
    };
    const struct pack_descriptor_attachment attachment = {
        .name = "notes", .file = "notes.txt", .path = note_path};
    static const char *const compatible[] = {"acme,test"};
    const struct pack_descriptor descriptor = {
        .path = "test.yaml",
        .product = "acme-test",
        .version = "1.2.3",
        .security_version = 7,
        .compatible_count = 1,
        .compatible = compatible,
        .image_count = 1,
        .images = &image,
        .attachment_count = plan->attachment,
        .attachments = &attachment,
    };
    *bundle = (struct test_bundle){0};
    make_keys(bundle, plan->not_signed ? 0 : plan->key_count != 0 ? plan->key_count : 1);
    build(bundle, plan, &descriptor, path);
    bundle->bytes = test_read_file(path, &bundle->size);
}

void test_bundle_clear(struct test_bundle *bundle)
{
    for (size_t i = 0; i < bundle->key_count; i++)
        pack_secret_key_free(&bundle->keys[i]);
    free(bundle->bytes);
    *bundle = (struct test_bundle){0};
}

struct pack_trust *test_bundle_trust(const struct test_bundle *bundle)
{
    struct pack_error error = {0};
    struct pack_trust *trust = NULL;
    assert_pack_ok(pack_trust_new(&trust, &error));
    for (size_t i = 0; i < bundle->key_count; i++)
        assert_pack_ok(pack_trust_add(trust, pack_secret_key_public(bundle->keys[i]),
                                      (1U << PACK_ROLE_COUNT) - 1, &error));
    return trust;
}

int test_bundle_verify(const void *bytes, size_t size, const struct pack_trust *trust, bool forward,
                       struct pack_verify_report *report, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO(pack_bundle_close) struct pack_bundle *bundle = NULL;
    PACK_AUTO(pack_trusted_free) struct pack_trusted *trusted = NULL;
    PACK_AUTO_FREE struct pack_trust_report *signers = calloc(1, sizeof *signers);
    pack_error_clear(error);
    assert_non_null(signers);
    int code = pack_input_memory(&input, bytes, size, "test.fwb", error);
    if (code == 0 && forward) {
        struct pack_input *inner = pack_steal(&input);
        code = pack_input_forward(&input, inner, error);
    }
    if (code == 0)
        code = pack_bundle_open(&bundle, input, &context, error);
    if (code == 0)
        code = pack_bundle_trust(&trusted, bundle, trust, signers, error);
    if (code == 0)
        code = pack_bundle_verify(trusted, false, report, error);
    for (size_t i = 0; code == 0 && i < report->image_count; i++)
        report->images[i].name = "app"; /* the name goes with the bundle */
    return code;
}
