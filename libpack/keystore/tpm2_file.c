/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "codec/json_reader.h"
#include "crypto/textline.h"
#include "keystore/tpm2.h"
#include "pack/limits.h"

#include <stdio.h>
#include <string.h>

#define TYPE "fwpack.sealed"
#define FORMAT 1

static const char *const kinds[PACK_SEALED_KIND_COUNT] = {
    [PACK_SEALED_ED25519] = "ed25519",
    [PACK_SEALED_AGE] = "age",
};

/* --- lists of PCRs --------------------------------------------------------------------------- */

void pack_pcrs_text(uint32_t pcrs, char text[PACK_PCRS_TEXT_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (unsigned pcr = 0; pcr < PACK_TPM_PCRS; pcr++)
        if ((pcrs & UINT32_C(1) << pcr) != 0)
            used += (size_t)snprintf(text + used, PACK_PCRS_TEXT_SIZE - used, "%s%u",
                                     used == 0 ? "" : ",", pcr);
}

/* A number below 24 in its one spelling, which *text is moved past. */
static bool parse_pcr(const char **text, unsigned *pcr)
{
    const char *start = *text;
    *pcr = 0;
    while (**text >= '0' && **text <= '9' && *pcr < PACK_TPM_PCRS)
        *pcr = *pcr * 10 + (unsigned)(*(*text)++ - '0');
    const bool leading_zero = start[0] == '0' && *text - start > 1;
    return *text != start && !leading_zero && *pcr < PACK_TPM_PCRS;
}

bool pack_pcrs_parse(const char *text, uint32_t *pcrs)
{
    uint32_t found = 0;
    for (;;) {
        unsigned pcr = 0;
        if (!parse_pcr(&text, &pcr) || (found & UINT32_C(1) << pcr) != 0)
            return false;
        found |= UINT32_C(1) << pcr;
        if (*text == '\0')
            break;
        if (*text++ != ',')
            return false;
    }
    *pcrs = found;
    return true;
}

/* --- reading --------------------------------------------------------------------------------- */

static int fail_member(const struct pack_json_value *member, const char *wanted,
                       struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_INVALID, "%s: %s wanted", member->name, wanted);
    return pack_at_line(error, member->line, member->column);
}

typedef int (*read_fn)(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                       struct pack_error *error);

static int read_type(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                     struct pack_error *error)
{
    (void)sealed;
    if (member->type == PACK_JSON_STRING && strcmp(member->text, TYPE) == 0)
        return 0;
    return fail_member(member, "\"" TYPE "\"", error);
}

static int read_format(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                       struct pack_error *error)
{
    (void)sealed;
    if (member->type != PACK_JSON_INTEGER)
        return fail_member(member, "a number", error);
    if (member->integer == FORMAT)
        return 0;
    pack_fail(error, PACK_E_UNSUPPORTED, "format %llu is not known, %d is",
              (unsigned long long)member->integer, FORMAT);
    return pack_at_line(error, member->line, member->column);
}

static int read_kind(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                     struct pack_error *error)
{
    for (int kind = 0; member->type == PACK_JSON_STRING && kind < PACK_SEALED_KIND_COUNT; kind++)
        if (strcmp(member->text, kinds[kind]) == 0) {
            sealed->info.kind = (enum pack_sealed_kind)kind;
            return 0;
        }
    return fail_member(member, "\"ed25519\" or \"age\"", error);
}

static int read_public_key(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                           struct pack_error *error)
{
    if (member->type != PACK_JSON_STRING)
        return fail_member(member, "a line of base64", error);
    if (pack_public_key_parse(&sealed->info.key, member->text, strlen(member->text), error) == 0)
        return 0;
    error->line = 0;
    pack_context(error, "%s", member->name);
    return pack_at_line(error, member->line, member->column);
}

static int read_recipient(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                          struct pack_error *error)
{
    const char *const letters = "0123456789abcdefghijklmnopqrstuvwxyz";
    if (member->type != PACK_JSON_STRING || strncmp(member->text, "age1", 4) != 0 ||
        member->text[strspn(member->text, letters)] != '\0' ||
        strlen(member->text) >= sizeof sealed->info.recipient)
        return fail_member(member, "an age1... recipient", error);
    memcpy(sealed->info.recipient, member->text, strlen(member->text) + 1);
    return 0;
}

static int read_purpose(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                        struct pack_error *error)
{
    if (member->type == PACK_JSON_STRING && pack_purpose_parse(member->text, &sealed->info.purpose))
        return 0;
    return fail_member(member, "a purpose", error);
}

static int read_pin(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                    struct pack_error *error)
{
    if (member->type != PACK_JSON_BOOLEAN)
        return fail_member(member, "true or false", error);
    sealed->info.pin = member->boolean;
    return 0;
}

static int read_bank(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                     struct pack_error *error)
{
    (void)sealed;
    if (member->type == PACK_JSON_STRING && strcmp(member->text, "sha256") == 0)
        return 0;
    return fail_member(member, "\"sha256\"", error);
}

static int read_pcrs(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                     struct pack_error *error)
{
    if (member->type != PACK_JSON_OBJECT || member->count == 0)
        return fail_member(member, "an object of PCRs", error);
    for (const struct pack_json_value *one = member->first; one != NULL; one = one->next) {
        uint32_t pcr = 0;
        if (!pack_pcrs_parse(one->name, &pcr) || (pcr & (pcr - 1)) != 0)
            return fail_member(one, "a PCR from 0 to 23", error);
        if (one->type != PACK_JSON_STRING ||
            !pack_sha256_parse(one->text, sealed->pcr_values[__builtin_ctz(pcr)]))
            return fail_member(one, "64 lower-case hex digits", error);
        sealed->info.pcrs |= pcr;
    }
    return 0;
}

static int read_parent(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                       struct pack_error *error)
{
    if (member->type == PACK_JSON_STRING && pack_sha256_parse(member->text, sealed->parent))
        return 0;
    return fail_member(member, "64 lower-case hex digits", error);
}

/* A TPM2B structure: two bytes of length, most significant first, and what they count. */
static int read_blob(uint8_t *blob, size_t capacity, size_t *size,
                     const struct pack_json_value *member, struct pack_error *error)
{
    if (member->type != PACK_JSON_STRING)
        return fail_member(member, "base64", error);
    const struct pack_span text = {member->text, strlen(member->text)};
    size_t padding = 0;
    while (padding < 2 && padding < text.size && text.text[text.size - 1 - padding] == '=')
        padding++;
    const size_t wanted = text.size / 4 * 3 >= padding ? text.size / 4 * 3 - padding : 0;
    const struct pack_base64_kind kind = {
        .name = member->name, .wanted = wanted, .code = PACK_E_KEY_INVALID};
    if (wanted <= 2 || wanted > capacity)
        return fail_member(member, "base64 of 3 to 512 bytes", error);
    if (pack_base64_decode(&kind, text, blob, error) != 0)
        return pack_at_line(error, member->line, member->column);
    if (pack_be16(blob) != wanted - 2)
        return fail_member(member, "a TPM2B structure, whose length counts the rest,", error);
    *size = wanted;
    return 0;
}

static int read_public(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                       struct pack_error *error)
{
    return read_blob(sealed->public, sizeof sealed->public, &sealed->public_size, member, error);
}

static int read_private(struct tpm2_sealed *sealed, const struct pack_json_value *member,
                        struct pack_error *error)
{
    return read_blob(sealed->private, sizeof sealed->private, &sealed->private_size, member, error);
}

enum { EVERY = 1 << PACK_SEALED_ED25519 | 1 << PACK_SEALED_AGE };

/* In the order in which they are read, for `kind` says which others there are. */
static const struct {
    const char *name;
    unsigned kinds; /* that have it */
    read_fn read;
} members[] = {
    {"type", EVERY, read_type},
    {"format", EVERY, read_format},
    {"kind", EVERY, read_kind},
    {"public_key", 1 << PACK_SEALED_ED25519, read_public_key},
    {"purpose", 1 << PACK_SEALED_ED25519, read_purpose},
    {"recipient", 1 << PACK_SEALED_AGE, read_recipient},
    {"pin", EVERY, read_pin},
    {"pcr_bank", EVERY, read_bank},
    {"pcrs", EVERY, read_pcrs},
    {"parent", EVERY, read_parent},
    {"tpm2b_public", EVERY, read_public},
    {"tpm2b_private", EVERY, read_private},
};

static int read_members(struct tpm2_sealed *sealed, const struct pack_json_value *root,
                        struct pack_error *error)
{
    size_t count = 0;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        const struct pack_json_value *member = pack_json_member(root, members[i].name);
        if ((members[i].kinds & 1U << sealed->info.kind) == 0)
            continue;
        if (member == NULL)
            return pack_fail(error, PACK_E_KEY_INVALID, "not a sealed key: it has no \"%s\"",
                             members[i].name);
        const int code = members[i].read(sealed, member, error);
        if (code != 0)
            return code;
        count++;
    }
    if (count != root->count)
        return pack_fail(error, PACK_E_KEY_INVALID, "has %zu members, %zu wanted", root->count,
                         count);
    return 0;
}

int tpm2_sealed_parse(struct tpm2_sealed *sealed, const void *bytes, size_t size,
                      struct pack_error *error)
{
    PACK_AUTO(pack_arena_free) struct pack_arena *arena = NULL;
    const struct pack_json_value *root = NULL;
    *sealed = (struct tpm2_sealed){.public_size = 0};
    int code = pack_arena_new(&arena, error);
    if (code == 0)
        code = pack_json_read(&root, arena, bytes, size, error);
    if (code == PACK_E_MALFORMED) /* of a key file */
        error->code = (enum pack_code)(code = PACK_E_KEY_INVALID);
    if (code == 0 && root->type != PACK_JSON_OBJECT)
        code = pack_fail(error, PACK_E_KEY_INVALID, "not a sealed key: not a JSON object");
    return code != 0 ? code : read_members(sealed, root, error);
}

int tpm2_sealed_load(struct tpm2_sealed *sealed, const char *path, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    size_t size = 0;
    int code = pack_allocate(&bytes, 1, PACK_MAX_KEY_FILE + 1, error);
    if (code == 0)
        code = pack_input_open_regular(&input, path, error);
    if (code == 0)
        code = pack_input_read(input, 0, bytes, PACK_MAX_KEY_FILE + 1, &size, error);
    if (code == 0 && size > PACK_MAX_KEY_FILE)
        code = pack_fail(error, PACK_E_LIMIT, "more than %llu bytes, no key is so large",
                         (unsigned long long)PACK_MAX_KEY_FILE);
    if (code == 0)
        code = tpm2_sealed_parse(sealed, bytes, size, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

bool pack_sealed_probe(const void *bytes, size_t size)
{
    static const char type[] = "\"" TYPE "\"";
    const size_t head = size < 64 ? size : 64;
    return size != 0 && *(const char *)bytes == '{' &&
           memmem(bytes, head, type, sizeof type - 1) != NULL;
}

int pack_sealed_info_load(struct pack_sealed_info *info, const char *path, struct pack_error *error)
{
    PACK_AUTO_FREE struct tpm2_sealed *sealed = NULL;
    int code = pack_allocate(&sealed, 1, sizeof *sealed, error);
    if (code == 0)
        code = tpm2_sealed_load(sealed, path, error);
    if (code == 0)
        *info = sealed->info;
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_blob(struct pack_json *json, const char *name, const uint8_t *blob, size_t size)
{
    char text[PACK_BASE64_TEXT_SIZE(TPM2_MAX_PRIVATE)];
    pack_base64_encode(text, sizeof text, blob, size);
    pack_json_string(json, name, text);
}

static void write_pcrs(struct pack_json *json, const struct tpm2_sealed *sealed)
{
    pack_json_object(json, "pcrs");
    for (unsigned pcr = 0; pcr < PACK_TPM_PCRS; pcr++) {
        char name[PACK_PCRS_TEXT_SIZE];
        if ((sealed->info.pcrs & UINT32_C(1) << pcr) == 0)
            continue;
        pack_pcrs_text(UINT32_C(1) << pcr, name);
        pack_json_hex(json, name, sealed->pcr_values[pcr], TPM2_DIGEST_SIZE);
    }
    pack_json_end(json);
}

static void write_members(struct pack_json *json, const struct tpm2_sealed *sealed)
{
    const struct pack_sealed_info *info = &sealed->info;
    char line[PACK_PUBLIC_KEY_TEXT_SIZE];
    pack_json_string(json, "type", TYPE);
    pack_json_unsigned(json, "format", FORMAT);
    pack_json_string(json, "kind", kinds[info->kind]);
    if (info->kind == PACK_SEALED_ED25519) {
        pack_public_key_text(&info->key, line);
        pack_json_string(json, "public_key", line);
        pack_json_string(json, "purpose", pack_purpose_name(info->purpose));
    } else {
        pack_json_string(json, "recipient", info->recipient);
    }
    pack_json_boolean(json, "pin", info->pin);
    pack_json_string(json, "pcr_bank", "sha256");
    write_pcrs(json, sealed);
    pack_json_hex(json, "parent", sealed->parent, sizeof sealed->parent);
    write_blob(json, "tpm2b_public", sealed->public, sealed->public_size);
    write_blob(json, "tpm2b_private", sealed->private, sealed->private_size);
}

int tpm2_sealed_format(char **text, size_t *size, const struct tpm2_sealed *sealed,
                       struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    int code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    pack_json_object(json, NULL);
    write_members(json, sealed);
    pack_json_end(json);
    code = pack_json_finish(json, &written, size, error);
    return code != 0 ? code : pack_copy_string(text, written, error);
}
