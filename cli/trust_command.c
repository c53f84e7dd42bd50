/* SPDX-License-Identifier: MIT */
#include "trust_command.h"

#include "bundle_lock.h"

#include "pack/limits.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* --- what is typed --------------------------------------------------------------------------- */

static int unknown_role(const char *text, size_t length, struct pack_error *error)
{
    const char *names[PACK_ROOT_ROLES];
    char role[65];
    snprintf(role, sizeof role, "%.*s", length < 64 ? (int)length : 64, text);
    for (enum pack_root_role i = PACK_ROOT_ROOT; i < PACK_ROOT_ROLES; i++)
        names[i] = pack_root_role_name(i);
    const char *nearest = pack_nearest(role, names, PACK_ROOT_ROLES);
    pack_fail(error, PACK_E_USAGE, "there is no role '%s'", role);
    if (nearest != NULL)
        return pack_hint(error, "did you mean '%s='?", nearest);
    return pack_hint(error, "the roles are root, targets, snapshot, timestamp, release, delivery "
                            "and rollout");
}

int trust_split(enum pack_root_role *role, const char **value, const char *text,
                struct pack_error *error)
{
    char name[16];
    const char *equals = strchr(text, '=');
    const size_t length = equals != NULL ? (size_t)(equals - text) : 0;
    if (equals == NULL || equals[1] == '\0') {
        pack_fail(error, PACK_E_USAGE, "'%.128s' names no role", text);
        return pack_hint(error, "write ROLE=..., as in release=...");
    }
    snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : 0, text);
    if (!pack_root_role_parse(name, role))
        return unknown_role(text, length, error);
    *value = equals + 1;
    return 0;
}

int trust_load_key(struct cli *cli, struct pack_public_key *key, const char *name, bool may_be_demo,
                   struct pack_error *error)
{
    const int code = pack_public_key_load(key, name, error);
    if (code != 0 || !pack_public_key_is_demo(key) || !may_be_demo)
        return code;
    if (arguments_flag(cli->arguments, "allow-demo-keys")) {
        cli_warn(cli, "%s is a demo key: anybody can sign with it", name);
        return 0;
    }
    pack_fail(error, PACK_E_UNTRUSTED, "this is a demo key: anybody can sign with it");
    pack_at_file(error, name);
    return pack_hint(error, "make a key of your own with 'fwpack key generate', or, to try things "
                            "out, give --allow-demo-keys");
}

static bool is_id(const char *text)
{
    uint8_t digest[PACK_SHA256_SIZE];
    return pack_sha256_parse(text, digest);
}

int trust_find_key(struct cli *cli, struct pack_public_key *key, const struct pack_root *root,
                   const char *name, struct pack_error *error)
{
    if (!is_id(name))
        return trust_load_key(cli, key, name, false, error);
    const struct pack_root_key *known = pack_root_key_by_id(root, name);
    if (known != NULL && known->usable) {
        *key = known->key;
        return 0;
    }
    pack_fail(error, PACK_E_USAGE, "root %llu has no key %s", (unsigned long long)root->version,
              name);
    return pack_hint(error, "give the key's public half, or see 'fwpack trust show'");
}

int trust_expiry(uint64_t *expires, const struct arguments *arguments, struct pack_error *error)
{
    bool has_epoch = false;
    uint64_t now = 0, days = 365;
    const char *date = arguments_value(arguments, "expires");
    const bool has_days = arguments_number(arguments, "days", &days);
    int code = cli_created(&has_epoch, &now, error);
    if (code != 0)
        return code;
    if (!has_epoch)
        now = (uint64_t)time(NULL);
    *expires = now + days * 86400;
    if (date != NULL && has_days)
        return pack_fail(error, PACK_E_USAGE, "--expires and --days exclude each other");
    if (date != NULL && !pack_root_time_parse(date, expires)) {
        pack_fail(error, PACK_E_USAGE, "--expires: '%.64s' is no date", date);
        return pack_hint(error, "write it as 2027-12-31, or 2027-12-31T12:00:00Z");
    }
    if (*expires > now)
        return 0;
    return pack_fail(error, PACK_E_USAGE, "--expires: %.64s is in the past", date);
}

/* --- a root in the making -------------------------------------------------------------------- */

static int read_locked(struct trust_draft *draft, struct pack_error *error)
{
    const uint64_t size = draft->input->size;
    CLI_AUTO_FREE uint8_t *bytes = NULL;
    if (size > PACK_MAX_ROOT)
        return pack_fail(error, PACK_E_LIMIT, "%llu bytes, a root has at most %d",
                         (unsigned long long)size, PACK_MAX_ROOT);
    bytes = malloc((size_t)size + 1);
    if (bytes == NULL)
        return pack_fail_memory(error);
    const int code = pack_input_exact(draft->input, 0, bytes, (size_t)size, PACK_E_CHANGED, error);
    return code != 0 ? code : pack_root_parse(&draft->root, bytes, (size_t)size, error);
}

int trust_draft_open(struct trust_draft *draft, struct cli *cli, const char *path,
                     struct pack_error *error)
{
    const char *output = arguments_value(cli->arguments, "output");
    *draft = (struct trust_draft){.cli = cli, .path = path};
    draft->output = output != NULL ? output : path;
    int code = 0;
    if (strcmp(path, "-") == 0)
        code = pack_fail(error, PACK_E_USAGE, "a root is changed in a file, not in a pipe");
    if (code == 0)
        code = bundle_lock(&draft->input, cli, path, "changed", error);
    if (code == 0)
        code = read_locked(draft, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

void trust_draft_close(struct trust_draft *draft)
{
    pack_root_free(&draft->root);
    pack_input_close(&draft->input);
}

static int write_root(struct pack_output **output, struct cli *cli, const struct pack_root *root,
                      const char *path, unsigned flags, struct pack_error *error)
{
    CLI_AUTO_FREE char *text = NULL;
    size_t size = 0;
    int code = pack_root_format(root, &text, &size, error);
    if (code == 0)
        code = cli_output_open(cli, output, path, flags, NULL, error);
    return code != 0 ? code : pack_sink_write(pack_output_sink(*output), text, size, error);
}

int trust_draft_save(const struct trust_draft *draft, struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    const int code =
        write_root(&output, draft->cli, draft->root, draft->output, PACK_OUTPUT_DEFAULT, error);
    if (code != 0 || draft->cli->dry_run)
        return code;
    if (strcmp(draft->output, draft->path) == 0 && !bundle_is_current(draft->input, draft->path)) {
        pack_fail(error, PACK_E_CHANGED, "was replaced while it was being changed");
        return pack_at_file(error, draft->path);
    }
    return pack_output_commit(&output, error);
}

int trust_write_new(struct cli *cli, const struct pack_root *root, const char *path,
                    struct pack_error *error)
{
    CLI_AUTO(pack_output_discard) struct pack_output *output = NULL;
    const int code = write_root(&output, cli, root, path, PACK_OUTPUT_NEW, error);
    if (code == PACK_E_EXISTS)
        return pack_hint(error, "choose another name: a root is never written over");
    return code != 0 || cli->dry_run ? code : pack_output_commit(&output, error);
}

int trust_check_draft(const struct pack_root *root, struct pack_error *error)
{
    struct pack_root_report report;
    struct pack_error verdict = {0};
    if (pack_root_judge(root, root, &report, &verdict) != 0)
        return 0;
    pack_fail(error, PACK_E_USAGE, "root %llu is signed, and is not changed any more",
              (unsigned long long)root->version);
    return pack_hint(error, "'fwpack trust rotate' makes the next root of it, to be changed");
}

/* --- words ----------------------------------------------------------------------------------- */

static const char *note_on(const struct pack_root_key *key)
{
    if (!key->usable)
        return ", not counted by fwpack";
    return key->demo ? ", A DEMO KEY" : "";
}

static void print_role(struct cli *cli, const struct pack_root *root, enum pack_root_role role)
{
    const struct pack_root_holders *holders = &root->roles[role];
    if (holders->count == 0)
        return;
    cli_print(cli, "  %s: %u of %zu must sign", pack_root_role_name(role), holders->threshold,
              holders->count);
    for (size_t i = 0; i < holders->count; i++)
        cli_print(cli, "    %s  %s%s", holders->keys[i]->id, holders->keys[i]->type,
                  note_on(holders->keys[i]));
}

void trust_print_root(struct cli *cli, const char *path, const struct pack_root *root)
{
    cli_print_styled(cli, STYLE_BOLD, "%s: root %llu, expires %s", path,
                     (unsigned long long)root->version, root->expires_text);
    for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++)
        print_role(cli, root, role);
    if (root->revoked_count != 0)
        cli_print(cli, "  revoked:");
    for (size_t i = 0; i < root->revoked_count; i++)
        cli_print(cli, "    %s  %s", root->revoked[i].key.keyid, root->revoked[i].reason);
}

static void json_key(struct pack_json *json, const struct pack_root_key *key)
{
    pack_json_object(json, key->id);
    pack_json_string(json, "keytype", key->type);
    pack_json_boolean(json, "usable", key->usable);
    if (key->usable)
        pack_json_hex(json, "public", key->key.bytes, sizeof key->key.bytes);
    pack_json_boolean(json, "demo", key->demo);
    pack_json_end(json);
}

static void json_role(struct pack_json *json, const struct pack_root *root,
                      enum pack_root_role role)
{
    const struct pack_root_holders *holders = &root->roles[role];
    if (holders->count == 0)
        return;
    pack_json_object(json, pack_root_role_name(role));
    pack_json_unsigned(json, "threshold", holders->threshold);
    pack_json_array(json, "keyids");
    for (size_t i = 0; i < holders->count; i++)
        pack_json_string(json, NULL, holders->keys[i]->id);
    pack_json_end(json);
    pack_json_end(json);
}

void trust_json_root(struct pack_json *json, const struct pack_root *root)
{
    pack_json_unsigned(json, "version", root->version);
    pack_json_string(json, "expires", root->expires_text);
    pack_json_object(json, "keys");
    for (size_t i = 0; i < root->key_count; i++)
        json_key(json, &root->keys[i]);
    pack_json_end(json);
    pack_json_object(json, "roles");
    for (enum pack_root_role role = PACK_ROOT_ROOT; role < PACK_ROOT_ROLES; role++)
        json_role(json, root, role);
    pack_json_end(json);
    pack_json_array(json, "revoked");
    for (size_t i = 0; i < root->revoked_count; i++) {
        pack_json_object(json, NULL);
        pack_json_string(json, "keyid", root->revoked[i].key.keyid);
        pack_json_string(json, "reason", root->revoked[i].reason);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static const char *const state_words[] = {
    [PACK_SIGNER_GOOD] = "good",
    [PACK_SIGNER_UNKNOWN] = "no root key of this root",
    [PACK_SIGNER_BAD] = "BAD: does not verify",
};

static const char *const state_names[] = {
    [PACK_SIGNER_GOOD] = "good",
    [PACK_SIGNER_UNKNOWN] = "unknown",
    [PACK_SIGNER_BAD] = "bad",
};

static bool has_signed(const struct pack_root_report *report, const char *id)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->signers[i].state != PACK_SIGNER_UNKNOWN &&
            strcmp(report->signers[i].id, id) == 0)
            return true;
    return false;
}

static void print_signers(struct cli *cli, const struct pack_root_report *report,
                          const struct pack_root *by)
{
    const struct pack_root_holders *holders = &by->roles[PACK_ROOT_ROOT];
    for (size_t i = 0; i < report->count; i++)
        if (report->signers[i].state != PACK_SIGNER_UNKNOWN)
            cli_print(cli, "    %.64s  %s", report->signers[i].id,
                      state_words[report->signers[i].state]);
    for (size_t i = 0; i < holders->count; i++)
        if (!has_signed(report, holders->keys[i]->id))
            cli_print(cli, "    %s  missing", holders->keys[i]->id);
}

static void json_signers(struct pack_json *json, const char *name,
                         const struct pack_root_report *report, const struct pack_root *by)
{
    pack_json_object(json, name);
    pack_json_unsigned(json, "root", by->version);
    pack_json_unsigned(json, "required", report->required);
    pack_json_unsigned(json, "good", report->good);
    pack_json_array(json, "signers");
    for (size_t i = 0; i < report->count; i++) {
        pack_json_object(json, NULL);
        pack_json_string(json, "keyid", report->signers[i].id);
        pack_json_string(json, "state", state_names[report->signers[i].state]);
        pack_json_end(json);
    }
    pack_json_end(json);
    pack_json_end(json);
}

bool trust_tell_signatures(struct cli *cli, const char *name, const struct pack_root *root,
                           const struct pack_root *by)
{
    struct pack_root_report report;
    struct pack_error verdict = {0};
    const bool good = pack_root_judge(root, by, &report, &verdict) == 0;
    cli_print_styled(cli, good ? STYLE_GOOD : STYLE_WARNING,
                     "  signed by %u of the %u root keys of root %llu that must", report.good,
                     report.required, (unsigned long long)by->version);
    print_signers(cli, &report, by);
    json_signers(cli_json(cli), name, &report, by);
    return good;
}
