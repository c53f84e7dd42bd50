/* SPDX-License-Identifier: MIT */
#include "attestations.h"

#include "memory_sink.h"

#include "pack/limits.h"

#include <stdio.h>

/* --- proving --------------------------------------------------------------------------------- */

static int verify_bytes(struct attestation_file *file, const void *bytes, size_t size,
                        const struct attestation_judge *judge, struct pack_error *error)
{
    if (size == 0)
        return pack_fail(error, PACK_E_NOT_SIGNED, "the attestation is empty");
    return pack_attestation_verify(&file->proved, bytes, size, pack_trusted_trust(judge->trusted),
                                   pack_trusted_release(judge->trusted),
                                   pack_trusted_release_sha256(judge->trusted), error);
}

static int verify_file(struct attestation_file *file, const struct attestation_judge *judge,
                       struct pack_error *error)
{
    CLI_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    int code = pack_read_file(&bytes, &size, file->path, PACK_MAX_ATTESTATION, error);
    if (code == 0)
        code = verify_bytes(file, bytes, size, judge, error);
    return code != 0 ? pack_at_file(error, file->path) : 0;
}

static int verify_embedded(struct attestation_file *file, size_t index,
                           const struct attestation_judge *judge, struct pack_error *error)
{
    CLI_AUTO(memory_sink_clear) struct memory_sink memory = {.size = 0};
    const uint64_t size = pack_trusted_delivery(judge->trusted)->attestations[index].size;
    snprintf(file->member, sizeof file->member, "attestations/%zu.dsse.json", index);
    file->path = file->member;
    int code = memory_sink_open(&memory, size, error);
    if (code == 0)
        code = pack_bundle_extract_attestation(judge->trusted, index, &memory.sink, error);
    if (code == 0)
        code = verify_bytes(file, memory.bytes, memory.size, judge, error);
    if (code == 0)
        return 0;
    pack_at_member(error, file->member);
    return pack_at_file(error, judge->bundle);
}

static bool is_covered(const struct attestations *attestations, size_t image)
{
    for (size_t i = 0; i < attestations->count; i++)
        if (attestations->files[i].proved->covers[image])
            return true;
    return false;
}

static int check_coverage(const struct attestations *attestations,
                          const struct pack_release *release, struct pack_error *error)
{
    for (size_t i = 0; attestations->count != 0 && i < release->image_count; i++) {
        if (is_covered(attestations, i))
            continue;
        pack_fail(error, PACK_E_NOT_SIGNED, "image \"%s\" is the subject of no attestation",
                  release->images[i].name);
        return pack_hint(error, "--attestation may be given several times, one for each builder");
    }
    return 0;
}

/* What is asked for: how many files, then how many in the bundle. */
static int count_asked(const struct arguments *arguments, const struct attestation_judge *judge,
                       size_t *files, size_t *embedded, struct pack_error *error)
{
    (void)arguments_values(arguments, "attestation", files);
    *embedded = 0;
    if (!arguments_flag(arguments, "embedded-attestations"))
        return 0;
    *embedded = pack_trusted_delivery(judge->trusted)->attestation_count;
    if (*embedded != 0)
        return 0;
    pack_fail(error, PACK_E_NOT_SIGNED, "has no attestation in it");
    pack_at_file(error, judge->bundle);
    return pack_hint(error, "fwpack attest --embed puts one in, --attestation names a file");
}

int attestations_verify(struct attestations *attestations, const struct arguments *arguments,
                        const struct attestation_judge *judge, struct pack_error *error)
{
    size_t files = 0, embedded = 0;
    const char *const *paths = arguments_values(arguments, "attestation", &files);
    int code = count_asked(arguments, judge, &files, &embedded, error);
    if (code != 0)
        return code;
    attestations->files = calloc(files + embedded + 1, sizeof *attestations->files);
    if (attestations->files == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; code == 0 && i < files; i++) {
        attestations->files[attestations->count++].path = paths[i];
        code = verify_file(&attestations->files[i], judge, error);
    }
    for (size_t i = 0; code == 0 && i < embedded; i++)
        code = verify_embedded(&attestations->files[attestations->count++], i, judge, error);
    return code != 0 ? code
                     : check_coverage(attestations, pack_trusted_release(judge->trusted), error);
}

void attestations_clear(struct attestations *attestations)
{
    for (size_t i = 0; i < attestations->count; i++)
        pack_attestation_free(&attestations->files[i].proved);
    free(attestations->files);
    *attestations = (struct attestations){.count = 0};
}

/* --- text ------------------------------------------------------------------------------------ */

static const char *const signer_states[] = {
    [PACK_SIGNER_GOOD] = "good",
    [PACK_SIGNER_UNKNOWN] = "not trusted",
    [PACK_SIGNER_BAD] = "BAD: does not verify",
    [PACK_SIGNER_REVOKED] = "revoked",
};

static void print_file(struct cli *cli, const struct attestation_file *file)
{
    const struct pack_attestation *proved = file->proved;
    cli_print(cli, "  attestation %s: good", file->path);
    cli_print(cli, "    builder %s", proved->builder_id);
    cli_print(cli, "    build type %s", proved->build_type);
    if (proved->invocation_id != NULL)
        cli_print(cli, "    invocation %s", proved->invocation_id);
    for (size_t i = 0; i < proved->signer_count; i++)
        cli_print_styled(
            cli, proved->signers[i].state == PACK_SIGNER_GOOD ? STYLE_PLAIN : STYLE_WARNING,
            "    %s  %s", proved->signers[i].keyid, signer_states[proved->signers[i].state]);
}

void attestations_print(struct cli *cli, const struct attestations *attestations,
                        const struct pack_delivery *delivery)
{
    if (delivery->attestation_count != 0)
        cli_print(cli, "  attestations in it: %zu, every byte proved", delivery->attestation_count);
    for (size_t i = 0; i < attestations->count; i++)
        print_file(cli, &attestations->files[i]);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void json_file(struct pack_json *json, const struct attestation_file *file)
{
    static const char *const states[] = {[PACK_SIGNER_GOOD] = "good",
                                         [PACK_SIGNER_UNKNOWN] = "untrusted",
                                         [PACK_SIGNER_BAD] = "bad",
                                         [PACK_SIGNER_REVOKED] = "revoked"};
    const struct pack_attestation *proved = file->proved;
    pack_json_object(json, NULL);
    pack_json_string(json, file->member[0] != '\0' ? "member" : "file", file->path);
    pack_json_string(json, "predicate_type", proved->predicate_type);
    pack_json_string(json, "builder_id", proved->builder_id);
    pack_json_string(json, "build_type", proved->build_type);
    if (proved->invocation_id != NULL)
        pack_json_string(json, "invocation_id", proved->invocation_id);
    pack_json_array(json, "signers");
    for (size_t i = 0; i < proved->signer_count; i++) {
        pack_json_object(json, NULL);
        pack_json_string(json, "keyid", proved->signers[i].keyid);
        pack_json_string(json, "state", states[proved->signers[i].state]);
        pack_json_end(json);
    }
    pack_json_end(json);
    pack_json_end(json);
}

static void json_embedded(struct pack_json *json, const struct pack_delivery *delivery)
{
    if (delivery->attestation_count == 0)
        return;
    pack_json_array(json, "embedded_attestations");
    for (size_t i = 0; i < delivery->attestation_count; i++) {
        char member[64];
        snprintf(member, sizeof member, "attestations/%zu.dsse.json", i);
        pack_json_object(json, NULL);
        pack_json_string(json, "member", member);
        pack_json_unsigned(json, "size", delivery->attestations[i].size);
        pack_json_hex(json, "sha256", delivery->attestations[i].sha256, PACK_SHA256_SIZE);
        pack_json_end(json);
    }
    pack_json_end(json);
}

void attestations_json(struct pack_json *json, const struct attestations *attestations,
                       const struct pack_delivery *delivery)
{
    json_embedded(json, delivery);
    if (attestations->count == 0)
        return;
    pack_json_array(json, "attestations");
    for (size_t i = 0; i < attestations->count; i++)
        json_file(json, &attestations->files[i]);
    pack_json_end(json);
}
