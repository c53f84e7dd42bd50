/* SPDX-License-Identifier: MIT */
#include "trust/root.h"

#include "crypto/ed25519.h"
#include "pack/limits.h"
#include "pack/text.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* --- signatures ------------------------------------------------------------------------------ */

const struct pack_root_key *root_signer(const struct pack_root *root, const char *id)
{
    const struct pack_root_key *key = pack_root_key_by_id(root, id);
    return key != NULL && key->usable && pack_root_holds(root, PACK_ROOT_ROOT, key) ? key : NULL;
}

static int decode_signature(const struct pack_root_signature *signature,
                            uint8_t bytes[PACK_SIGNATURE_SIZE], struct pack_error *error)
{
    const size_t length = strlen(signature->hex), wanted = (size_t)2 * PACK_SIGNATURE_SIZE;
    size_t size = 0;
    if (length != wanted)
        return pack_fail(error, PACK_E_SIGNATURE,
                         "the signature by %s has %zu hex digits, %zu wanted", signature->id,
                         length, wanted);
    if (strspn(signature->hex, "0123456789abcdef") != length ||
        sodium_hex2bin(bytes, PACK_SIGNATURE_SIZE, signature->hex, length, NULL, &size, NULL) != 0)
        return pack_fail(error, PACK_E_SIGNATURE, "the signature by %s is not in lower-case hex",
                         signature->id);
    return 0;
}

int root_signature_check(const struct pack_root *root, size_t index,
                         const struct pack_root_key *key, struct pack_error *error)
{
    uint8_t bytes[PACK_SIGNATURE_SIZE];
    const struct pack_root_signature *signature = &root->signatures[index];
    const struct pack_buffer *text = &root->storage->bytes;
    struct root_verdict *verdict = &root->storage->verdicts[index];
    const int code = decode_signature(signature, bytes, error);
    if (code != 0)
        return code;
    if (!verdict->known || sodium_memcmp(verdict->key, key->key.bytes, sizeof verdict->key) != 0) {
        verdict->known = true;
        verdict->good = pack_ed25519_verify(bytes, text->bytes, text->size, key->key.bytes);
        memcpy(verdict->key, key->key.bytes, sizeof verdict->key);
    }
    if (verdict->good)
        return 0;
    return pack_fail(error, PACK_E_SIGNATURE, "the signature by %s does not verify", signature->id);
}

static bool is_counted(const struct pack_root_report *report, const char *id)
{
    for (size_t i = 0; i < report->count; i++)
        if (report->signers[i].state == PACK_SIGNER_GOOD && strcmp(report->signers[i].id, id) == 0)
            return true;
    return false;
}

static void judge_signature(struct pack_root_report *report, const struct pack_root *root,
                            const struct pack_root *by, size_t index, struct pack_error *first_bad)
{
    struct pack_error error = {0};
    const struct pack_root_signature *signature = &root->signatures[index];
    const struct pack_root_key *key = root_signer(by, signature->id);
    enum pack_signer_state state = PACK_SIGNER_UNKNOWN;
    if (key != NULL)
        state = root_signature_check(root, index, key, &error) == 0 ? PACK_SIGNER_GOOD
                                                                    : PACK_SIGNER_BAD;
    if (state == PACK_SIGNER_BAD && first_bad->code == 0)
        *first_bad = error;
    report->good += state == PACK_SIGNER_GOOD && !is_counted(report, signature->id);
    report->signers[report->count++] = (struct pack_root_signer){signature->id, state};
}

/* "ID, ID and 2 more", of those that signed. */
static void list_signers(const struct pack_root *root, char *text, size_t capacity)
{
    enum { SHOWN = 3 };
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < root->signature_count && i < SHOWN; i++)
        used += (size_t)snprintf(text + used, capacity - used, "%s%.64s", i != 0 ? ", " : "",
                                 root->signatures[i].id);
    if (root->signature_count > SHOWN)
        snprintf(text + used, capacity - used, " and %zu more", root->signature_count - SHOWN);
}

static int fail_unsigned(const struct pack_root *root, const struct pack_root *by,
                         const struct pack_root_report *report, struct pack_error *error)
{
    char signers[256];
    list_signers(root, signers, sizeof signers);
    if (root->signature_count == 0) {
        pack_fail(error, PACK_E_NOT_SIGNED, "root %llu is not signed",
                  (unsigned long long)root->version);
        return pack_hint(error, "fwpack trust sign adds a signature");
    }
    return pack_fail(error, PACK_E_UNTRUSTED,
                     "root %llu has %u of %u signatures by root keys of root %llu; signed by %s",
                     (unsigned long long)root->version, report->good, report->required,
                     (unsigned long long)by->version, signers);
}

int pack_root_judge(const struct pack_root *root, const struct pack_root *by,
                    struct pack_root_report *report, struct pack_error *error)
{
    struct pack_error first_bad = {0};
    *report = (struct pack_root_report){.required = by->roles[PACK_ROOT_ROOT].threshold};
    for (size_t i = 0; i < root->signature_count; i++)
        judge_signature(report, root, by, i, &first_bad);
    if (report->required != 0 && report->good >= report->required)
        return 0;
    if (first_bad.code == 0)
        return fail_unsigned(root, by, report, error);
    *error = first_bad;
    return pack_context(error, "root %llu", (unsigned long long)root->version);
}

/* --- the chain ------------------------------------------------------------------------------- */

static int check_version(const struct pack_root *old, const struct pack_root *new_root,
                         struct pack_error *error)
{
    const unsigned long long from = old->version, to = new_root->version;
    if (to == from + 1)
        return 0;
    if (to <= from) {
        pack_fail(error, PACK_E_TOO_OLD, "root %llu cannot follow root %llu", to, from);
        return pack_hint(error, "roots stand in ascending order");
    }
    pack_fail(error, PACK_E_TOO_OLD, "root %llu is missing: root %llu cannot follow root %llu",
              from + 1, to, from);
    return pack_hint(error, "give every root in turn, none skipped");
}

static int check_revocations(const struct pack_root *old, const struct pack_root *new_root,
                             struct pack_error *error)
{
    for (size_t i = 0; i < old->revoked_count; i++)
        if (pack_root_revocation_of(new_root, &old->revoked[i].key) == NULL)
            return pack_fail(error, PACK_E_REVOKED, "root %llu takes back the revocation of key %s",
                             (unsigned long long)new_root->version, old->revoked[i].key.keyid);
    return 0;
}

int pack_root_follow(const struct pack_root *old, const struct pack_root *new_root,
                     struct pack_error *error)
{
    struct pack_root_report report;
    int code = check_version(old, new_root, error);
    if (code == 0)
        code = pack_root_judge(new_root, old, &report, error);
    if (code == 0)
        code = pack_root_judge(new_root, new_root, &report, error);
    return code != 0 ? code : check_revocations(old, new_root, error);
}

/* --- time ------------------------------------------------------------------------------------ */

#define FIRST_LIKELY_TIME UINT64_C(1704067200) /* 2024-01-01 */

int pack_root_check_time(const struct pack_root *root, uint64_t now, struct pack_error *error)
{
    char text[PACK_TIME_TEXT];
    pack_time_text(text, now);
    if (now < FIRST_LIKELY_TIME) {
        pack_fail(error, PACK_E_EXPIRED,
                  "the clock says %s, which cannot be, so nothing tells whether root %llu has "
                  "expired (%s)",
                  text, (unsigned long long)root->version, root->expires_text);
        return pack_hint(error, "set the clock; a device without one has --no-clock, or "
                                "`clock: false` in device.yaml");
    }
    if (now < root->expires)
        return 0;
    pack_fail(error, PACK_E_EXPIRED, "root %llu expired on %s; it is %s",
              (unsigned long long)root->version, root->expires_text, text);
    return pack_hint(error, "get the newest root from whoever makes the firmware");
}
