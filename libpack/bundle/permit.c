/* SPDX-License-Identifier: MIT */
#include "pack/permit.h"
#include "bundle/reader.h"
#include "bundle/writer.h"

#include "base/memory.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define MEMBER "permit.json"

struct permitting {
    struct pack_bundle *bundle;
    const struct pack_release *release;
    const void *permit; /* that signers sign */
    size_t size;
    struct pack_sign_report *report;
    struct written_head head;
};

static void permitting_clear(struct permitting *permitting)
{
    written_head_clear(&permitting->head);
}

/* Nobody signs what is no permit, or what no device would take with this bundle. */
static int read_permit(struct pack_permit **permit, const struct pack_bundle *bundle,
                       const struct pack_release *release, const void *bytes, size_t size,
                       struct pack_error *error)
{
    PACK_AUTO(pack_permit_free) struct pack_permit *found = NULL;
    const struct head_member *what = bundle->documents[PACK_ROLE_RELEASE].document;
    uint8_t digest[PACK_SHA256_SIZE];
    char wanted[PACK_SHA256_HEX_SIZE], named[PACK_SHA256_HEX_SIZE];
    int code = pack_permit_parse(&found, bytes, size, error);
    if (code == 0)
        code = pack_sha256_bytes(what->bytes, (size_t)what->size, digest, error);
    if (code != 0)
        return pack_at_member(error, MEMBER);
    pack_sha256_hex(digest, wanted);
    pack_sha256_hex(found->to_sha256, named);
    if (sodium_memcmp(digest, found->to_sha256, sizeof digest) != 0)
        code = pack_fail(error, PACK_E_USAGE,
                         "permits the release %s, and the one in the bundle is %s", named, wanted);
    else if (strcmp(found->product, release->product) != 0)
        code = pack_fail(error, PACK_E_USAGE, "is for the product \"%s\", the release for \"%s\"",
                         found->product, release->product);
    if (code != 0)
        return pack_at_member(error, MEMBER);
    *permit = pack_steal(&found);
    return 0;
}

static int fail_none(struct pack_error *error)
{
    return pack_fail(error, PACK_E_USAGE, "has no permit that could be signed");
}

int pack_bundle_permit(struct pack_permit **permit, const struct pack_bundle *bundle,
                       const struct pack_release *release, struct pack_error *error)
{
    size_t size = 0;
    const void *bytes = pack_bundle_extra(bundle, PACK_EXTRA_PERMIT, &size);
    *permit = NULL;
    return bytes == NULL ? fail_none(error)
                         : read_permit(permit, bundle, release, bytes, size, error);
}

int pack_permit_comment(char comment[PACK_MAX_TRUSTED_COMMENT], const struct pack_release *release,
                        const void *permit, size_t size, struct pack_error *error)
{
    return writer_comment(comment, "permit", release->product, release->version, permit, size,
                          error);
}

static int check_permit(const struct permitting *permitting, struct pack_error *error)
{
    PACK_AUTO(pack_permit_free) struct pack_permit *permit = NULL;
    return read_permit(&permit, permitting->bundle, permitting->release, permitting->permit,
                       permitting->size, error);
}

static int put_permit(struct permitting *permitting, struct pack_error *error)
{
    PACK_AUTO_FREE char *copy = NULL;
    const int code = pack_allocate(&copy, 1, permitting->size + 1, error);
    if (code != 0)
        return code;
    memcpy(copy, permitting->permit, permitting->size);
    written_head_drop(&permitting->head, HEAD_PERMIT);
    written_head_drop(&permitting->head, HEAD_PERMIT_SIGNATURES);
    return written_head_put(&permitting->head, MEMBER, &copy, permitting->size, error);
}

static int add_signature(struct permitting *permitting, const struct pack_signer *signer,
                         struct pack_error *error)
{
    char comment[PACK_MAX_TRUSTED_COMMENT];
    char name[TAR_NAME_SIZE];
    snprintf(name, sizeof name, MEMBER ".%s.%s", signer->key->keyid,
             pack_signature_kind_name(PACK_SIGNATURE_MINISIG));
    int code = writer_check_room(&permitting->head, name, error);
    if (code == 0)
        code = pack_permit_comment(comment, permitting->release, permitting->permit,
                                   permitting->size, error);
    if (code == 0)
        code = written_head_sign_as(&permitting->head, name, "permit", signer, comment,
                                    permitting->permit, permitting->size, error);
    if (code != 0)
        return code;
    if (written_head_is_kept(&permitting->head, permitting->bundle, name) &&
        written_head_is_kept(&permitting->head, permitting->bundle, MEMBER))
        permitting->report->present++;
    else
        permitting->report->added++;
    return 0;
}

static int write_permitted(struct permitting *permitting, bool given,
                           const struct pack_sign_request *signers, struct pack_output *output,
                           struct pack_error *error)
{
    int code = written_head_copy(&permitting->head, permitting->bundle, error);
    if (code == 0 && given)
        code = put_permit(permitting, error);
    for (size_t i = 0; code == 0 && i < signers->signer_count; i++)
        if ((signers->signer_roles[i] & 1U << PACK_ROLE_RELEASE) != 0)
            code = add_signature(permitting, &signers->signers[i], error);
    return code != 0 ? code
                     : written_head_finish(&permitting->head, permitting->bundle, output, error);
}

int pack_bundle_set_permit(struct pack_bundle *bundle, struct pack_output *output,
                           const void *permit, size_t size, const struct pack_sign_request *signers,
                           struct pack_sign_report *report, struct pack_error *error)
{
    PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = NULL;
    PACK_AUTO(permitting_clear)
    struct permitting permitting = {
        .bundle = bundle, .permit = permit, .size = size, .report = report};
    *report = (struct pack_sign_report){0};
    if (!bundle->input->seekable || pack_input_descriptor(bundle->input) < 0)
        return pack_fail(error, PACK_E_USAGE, "a permit is put into a file, not into a pipe");
    int code = pack_bundle_parse_untrusted(bundle, &release, &delivery, error);
    permitting.release = release;
    if (code == 0 && permit == NULL)
        permitting.permit = pack_bundle_extra(bundle, PACK_EXTRA_PERMIT, &permitting.size);
    if (code == 0 && permitting.permit == NULL)
        code = fail_none(error);
    if (code == 0)
        code = check_permit(&permitting, error);
    if (code == 0)
        code = write_permitted(&permitting, permit != NULL, signers, output, error);
    return code != 0 ? pack_at_file(error, bundle->input->name) : 0;
}
