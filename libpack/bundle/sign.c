/* SPDX-License-Identifier: MIT */
#include "bundle/reader.h"
#include "bundle/writer.h"

#include "base/memory.h"
#include "pack/sshsig.h"

#include <stdio.h>
#include <string.h>

int pack_trusted_comment(char comment[PACK_MAX_TRUSTED_COMMENT], enum pack_role role,
                         const char *product, const char *version, const void *document,
                         size_t size, struct pack_error *error)
{
    return writer_comment(comment, pack_role_name(role), product, version, document, size, error);
}

int writer_comment(char comment[PACK_MAX_TRUSTED_COMMENT], const char *what, const char *product,
                   const char *version, const void *document, size_t size, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    const int code = pack_sha256_bytes(document, size, digest, error);
    if (code != 0)
        return code;
    pack_sha256_hex(digest, hex);
    const int length =
        snprintf(comment, PACK_MAX_TRUSTED_COMMENT, "fwpack %s sha256=%s version=%s product=%s",
                 what, hex, version, product);
    if (length < 0 || length >= PACK_MAX_TRUSTED_COMMENT)
        return pack_fail(error, PACK_E_LIMIT,
                         "product and version are too long to be named in a signature");
    return 0;
}

struct signing {
    struct pack_bundle *bundle;
    const struct pack_sign_request *request;
    struct pack_sign_report *report;
    const struct pack_release *release;
    struct written_head head;
};

static void signing_clear(struct signing *signing)
{
    written_head_clear(&signing->head);
}

/* Counts a member as new or as there already. */
static void count_made(struct signing *signing, const char *name)
{
    if (written_head_is_kept(&signing->head, signing->bundle, name))
        signing->report->present++;
    else
        signing->report->added++;
}

int writer_check_room(const struct written_head *head, const char *name, struct pack_error *error)
{
    const enum head_place place = head_place_of(name);
    size_t count = 0;
    for (size_t i = 0; i < head->count; i++)
        count += head_place_of(head->members[i].name) == place;
    if (count < PACK_MAX_SIGNERS || written_head_find(head, name) != NULL)
        return 0;
    return pack_fail(error, PACK_E_LIMIT, "%.*s has %zu signatures, at most %d are allowed",
                     (int)(strcspn(name, ".") + strlen(".json")), name, count, PACK_MAX_SIGNERS);
}

static int add_signature(struct signing *signing, enum pack_role role,
                         const struct pack_signer *signer, struct pack_error *error)
{
    const struct head_document *document = &signing->bundle->documents[role];
    const void *bytes = document->document->bytes;
    const size_t size = (size_t)document->document->size;
    char comment[PACK_MAX_TRUSTED_COMMENT];
    char name[TAR_NAME_SIZE];
    written_head_signature_name(name, role, PACK_SIGNATURE_MINISIG, signer->key->keyid);
    int code = writer_check_room(&signing->head, name, error);
    if (code == 0)
        code = pack_trusted_comment(comment, role, signing->release->product,
                                    signing->release->version, bytes, size, error);
    if (code == 0)
        code = written_head_sign(&signing->head, role, signer, comment, bytes, size, error);
    if (code != 0)
        return code;
    count_made(signing, name);
    return 0;
}

static int add_given(struct signing *signing, const struct pack_given_signature *given,
                     struct pack_error *error)
{
    struct pack_signature minisig;
    struct pack_ssh_signature ssh;
    char name[TAR_NAME_SIZE];
    PACK_AUTO_FREE char *copy = NULL;
    if (given->permit)
        snprintf(name, sizeof name, "permit.json.%s.%s", given->keyid,
                 pack_signature_kind_name(given->kind));
    else
        written_head_signature_name(name, given->role, given->kind, given->keyid);
    size_t size = 0;
    if (given->permit && pack_bundle_extra(signing->bundle, PACK_EXTRA_PERMIT, &size) == NULL)
        return pack_fail(error, PACK_E_USAGE, "has no permit that could be signed");
    int code = writer_check_room(&signing->head, name, error);
    if (code == 0)
        code = given->kind == PACK_SIGNATURE_SSHSIG
                   ? pack_ssh_signature_parse(&ssh, given->bytes, given->size, true, error)
                   : pack_signature_parse(&minisig, given->bytes, given->size, true, error);
    if (code == 0)
        code = pack_allocate(&copy, 1, given->size + 1, error);
    if (code != 0)
        return code;
    memcpy(copy, given->bytes, given->size);
    code = written_head_put(&signing->head, name, &copy, given->size, error);
    if (code == 0)
        count_made(signing, name);
    return code;
}

static int add_signatures(struct signing *signing, struct pack_error *error)
{
    const struct pack_sign_request *request = signing->request;
    int code = 0;
    for (size_t i = 0; code == 0 && i < request->signer_count; i++)
        for (int role = PACK_ROLE_RELEASE; code == 0 && role <= PACK_ROLE_DELIVERY; role++)
            if ((request->signer_roles[i] & 1U << role) != 0)
                code = add_signature(signing, (enum pack_role)role, &request->signers[i], error);
    for (size_t i = 0; code == 0 && i < request->given_count; i++)
        code = add_given(signing, &request->given[i], error);
    return code;
}

int pack_bundle_sign(struct pack_bundle *bundle, struct pack_output *output,
                     const struct pack_sign_request *request, struct pack_sign_report *report,
                     struct pack_error *error)
{
    PACK_AUTO(pack_release_free) struct pack_release *release = NULL;
    PACK_AUTO(pack_delivery_free) struct pack_delivery *delivery = NULL;
    PACK_AUTO(signing_clear)
    struct signing signing = {.bundle = bundle, .request = request, .report = report};
    *report = (struct pack_sign_report){0};
    if (!bundle->input->seekable || pack_input_descriptor(bundle->input) < 0)
        return pack_fail(error, PACK_E_USAGE, "a bundle is signed in a file, not in a pipe");
    int code = pack_bundle_parse_untrusted(bundle, &release, &delivery, error);
    signing.release = release;
    if (code == 0)
        code = written_head_copy(&signing.head, bundle, error);
    if (code == 0)
        code = add_signatures(&signing, error);
    if (code == 0)
        code = written_head_finish(&signing.head, bundle, output, error);
    return code != 0 ? pack_at_file(error, bundle->input->name) : 0;
}
