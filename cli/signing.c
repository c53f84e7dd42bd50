/* SPDX-License-Identifier: MIT */
#include "signing.h"

#include "bundle_lock.h"

#include "pack/root.h"

#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct signing signing_of(struct cli *cli, const struct arguments *arguments)
{
    const char *output = arguments_value(arguments, "output");
    struct signing signing = {.cli = cli, .path = arguments_at(arguments, 0)};
    signing.output = output != NULL ? output : signing.path;
    return signing;
}

void signing_clear(struct signing *signing)
{
    pack_release_free(&signing->release);
    pack_delivery_free(&signing->delivery);
    pack_bundle_close(&signing->bundle);
    pack_input_close(&signing->input);
}

/* --- what is signed -------------------------------------------------------------------------- */

const char *signed_choice(size_t index)
{
    static const char *const names[] = {"release", "delivery", "permit"};
    return index < SIGNED_DOCUMENTS ? names[index] : NULL;
}

const char *signed_name(enum signed_document what)
{
    static const char *const names[] = {"release.json", "delivery.json", "permit.json"};
    return names[what];
}

enum pack_role signed_role(enum signed_document what)
{
    return what == SIGNED_DELIVERY ? PACK_ROLE_DELIVERY : PACK_ROLE_RELEASE;
}

const void *signing_document(const struct signing *signing, enum signed_document what, size_t *size)
{
    return what == SIGNED_PERMIT ? pack_bundle_extra(signing->bundle, PACK_EXTRA_PERMIT, size)
                                 : pack_bundle_document(signing->bundle, signed_role(what), size);
}

int signing_comment(const struct signing *signing, enum signed_document what,
                    char comment[PACK_MAX_TRUSTED_COMMENT], struct pack_error *error)
{
    const struct pack_release *release = signing->release;
    size_t size = 0;
    const void *bytes = signing_document(signing, what, &size);
    return what == SIGNED_PERMIT
               ? pack_permit_comment(comment, release, bytes, size, error)
               : pack_trusted_comment(comment, signed_role(what), release->product,
                                      release->version, bytes, size, error);
}

/* --- opening --------------------------------------------------------------------------------- */

static int check_space(const struct signing *signing, size_t new_signatures,
                       struct pack_error *error)
{
    struct statvfs system;
    if (fstatvfs(pack_input_descriptor(signing->input), &system) != 0)
        return 0;
    const uint64_t free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
    const uint64_t wanted = signing->input->size + PACK_MAX_SIGNATURE * new_signatures;
    if (strcmp(signing->output, signing->path) != 0 || free_bytes >= wanted)
        return 0;
    return pack_fail(error, PACK_E_NO_SPACE,
                     "no space to sign in place: needs %llu bytes, has %llu",
                     (unsigned long long)wanted, (unsigned long long)free_bytes);
}

static int open_bundle(struct signing *signing, struct pack_error *error)
{
    uint8_t head[16];
    size_t got = 0;
    int code = pack_input_read(signing->input, 0, head, sizeof head, &got, error);
    if (code != 0)
        return code;
    code = pack_bundle_open(&signing->bundle, signing->input, signing->cli->context, error);
    if (code == PACK_E_MALFORMED && got != 0 && !pack_bundle_probe(head, got))
        pack_hint(error, "--detached signs any file, beside it");
    return code;
}

int signing_open(struct signing *signing, size_t new_signatures, struct pack_error *error)
{
    int code = bundle_lock(&signing->input, signing->cli, signing->path, "signed", error);
    if (code == 0)
        code = check_space(signing, new_signatures, error);
    if (code == 0)
        code = open_bundle(signing, error);
    if (code == 0)
        code = pack_bundle_parse_untrusted(signing->bundle, &signing->release, &signing->delivery,
                                           error);
    return code != 0 ? pack_at_file(error, signing->path) : 0;
}

/* --- showing --------------------------------------------------------------------------------- */

void signing_show(const struct signing *signing, const char *title)
{
    const struct pack_release *release = signing->release;
    cli_note(signing->cli, "%s %s", title, signing->path);
    cli_note(signing->cli, "  product %s, version %s, security version %llu, data epoch %llu",
             release->product, release->version, (unsigned long long)release->security_version,
             (unsigned long long)release->data_epoch);
    for (size_t i = 0; i < release->image_count; i++) {
        char hex[PACK_SHA256_HEX_SIZE];
        pack_sha256_hex(release->images[i].sha256, hex);
        cli_note(signing->cli, "  image %s, %llu bytes, sha256 %s", release->images[i].name,
                 (unsigned long long)release->images[i].size, hex);
    }
}

int signing_show_document(const struct signing *signing, enum pack_role role,
                          struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    char hex[PACK_SHA256_HEX_SIZE];
    size_t size = 0;
    const void *bytes = pack_bundle_document(signing->bundle, role, &size);
    const int code = pack_sha256_bytes(bytes, size, digest, error);
    if (code != 0)
        return code;
    pack_sha256_hex(digest, hex);
    cli_note(signing->cli, "  %s.json, %zu bytes, sha256 %s", pack_role_name(role), size, hex);
    return 0;
}

static bool can_ask(const struct cli *cli)
{
    return !cli->no_input && !cli->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

int signing_ask(const struct signing *signing, struct pack_error *error)
{
    bool yes = true;
    if (arguments_flag(signing->cli->arguments, "yes") || !can_ask(signing->cli))
        return 0;
    const int code =
        cli_ask(signing->cli, &yes, "Sign this?", "say --yes to sign without asking", error);
    return code != 0 || yes ? code
                            : pack_fail(error, PACK_E_INTERRUPTED, "not signed, as you said");
}

/* --- roles ----------------------------------------------------------------------------------- */

static int not_of_root(const struct pack_public_key *key, unsigned wanted, struct pack_error *error)
{
    if (wanted == SIGNING_BOTH)
        pack_fail(error, PACK_E_UNTRUSTED, "key %s holds no role of the trust root that signs here",
                  key->keyid);
    else
        pack_fail(error, PACK_E_UNTRUSTED, "key %s does not hold the role %s in the trust root",
                  key->keyid, wanted == 1U << PACK_ROLE_RELEASE ? "release" : "delivery");
    return pack_hint(error,
                     "'fwpack trust show' lists who holds what; without --trust nobody asks");
}

/* A key that the root revokes, or does not know, is told so before it signs. */
static int root_roles(unsigned *roles, const struct pack_trust *trust,
                      const struct pack_public_key *key, unsigned wanted, struct pack_error *error)
{
    const struct pack_root_revocation *revoked =
        pack_root_revocation_of(pack_trust_root(trust), key);
    if (revoked != NULL)
        return pack_fail(error, PACK_E_REVOKED, "key %s is revoked: %s", key->keyid,
                         revoked->reason);
    *roles = pack_trust_roles(trust, key) & wanted;
    return *roles != 0 ? 0 : not_of_root(key, wanted, error);
}

int signing_set_roles(struct cli_keys *keys, const struct signing *signing,
                      const struct pack_trust *given, unsigned wanted, struct pack_error *error)
{
    CLI_AUTO(pack_trust_free) struct pack_trust *newest = NULL;
    int code = given != NULL ? pack_bundle_follow_roots(&newest, given, signing->bundle, error) : 0;
    const struct pack_trust *trust = newest != NULL ? newest : given;
    for (size_t i = 0; code == 0 && i < keys->count; i++)
        if (trust != NULL)
            code = root_roles(&keys->roles[i], trust, keys->signers[i].key, wanted, error);
        else
            keys->roles[i] &= wanted;
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

int signing_commit(const struct signing *signing, struct pack_output **output,
                   struct pack_error *error)
{
    const bool in_place = strcmp(signing->output, signing->path) == 0;
    /* A question may have stood open for long, and not everybody heeds the lock. */
    if (in_place && !bundle_is_current(signing->input, signing->path))
        return pack_fail(error, PACK_E_CHANGED, "was replaced while it was being signed");
    return pack_output_commit(output, error);
}

int signing_write(const struct signing *signing, const struct pack_sign_request *request,
                  struct pack_sign_report *report, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    int code =
        cli_output_open(signing->cli, &output, signing->output, PACK_OUTPUT_SEEKABLE, NULL, error);
    if (code == 0)
        code = pack_bundle_sign(signing->bundle, output, request, report, error);
    const bool in_place = strcmp(signing->output, signing->path) == 0;
    if (code != 0 || signing->cli->dry_run || (in_place && report->added == 0))
        return code;
    return signing_commit(signing, &output, error);
}

void signing_report(const struct signing *signing, const struct pack_sign_report *report)
{
    struct cli *cli = signing->cli;
    struct pack_json *json = cli_json(cli);
    if (report->added == 0)
        cli_print(cli, "%s: carries these signatures already", signing->output);
    else
        cli_print(cli, "%s: %u signature%s %s", signing->output, report->added,
                  report->added == 1 ? "" : "s", cli->dry_run ? "would be added" : "added");
    pack_json_string(json, "bundle", signing->output);
    pack_json_boolean(json, "changed", report->added != 0 && !cli->dry_run);
    pack_json_unsigned(json, "added", report->added);
    pack_json_unsigned(json, "present", report->present);
}
