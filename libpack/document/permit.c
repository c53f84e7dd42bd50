/* SPDX-License-Identifier: MIT */
#include "pack/permit.h"

#include "document/document.h"
#include "document/rules.h"

/* --- permit.json ----------------------------------------------------------------------------- */

static int check_permit(struct fields *fields, const void *object)
{
    const struct pack_permit *permit = object;
    if (permit->device_count == 0 && permit->group_count == 0)
        return pack_fail(fields->error, PACK_E_MALFORMED,
                         "names no device and no group, one at least is wanted");
    if (permit->device_count + permit->group_count > PACK_MAX_PERMITTED)
        return pack_fail(fields->error, PACK_E_LIMIT, "%zu devices and groups, %d are allowed",
                         permit->device_count + permit->group_count, PACK_MAX_PERMITTED);
    return 0;
}

static const struct field permit_fields[] = {
    {"product", FIELD_STRING, .offset = offsetof(struct pack_permit, product),
     .rule = pack_rule_text},
    {"devices", FIELD_STRINGS, .offset = offsetof(struct pack_permit, devices),
     .use = FIELD_OPTIONAL, .maximum = PACK_MAX_PERMITTED,
     .count_offset = offsetof(struct pack_permit, device_count), .rule = pack_rule_text},
    {"groups", FIELD_STRINGS, .offset = offsetof(struct pack_permit, groups), .use = FIELD_OPTIONAL,
     .maximum = PACK_MAX_PERMITTED, .count_offset = offsetof(struct pack_permit, group_count),
     .rule = pack_rule_text},
    {"from_sha256", FIELD_DIGEST, .offset = offsetof(struct pack_permit, from_sha256),
     .use = FIELD_OPTIONAL, .has_offset = offsetof(struct pack_permit, has_from)},
    {"to_sha256", FIELD_DIGEST, .offset = offsetof(struct pack_permit, to_sha256)},
    {"expires", FIELD_INTEGER, .offset = offsetof(struct pack_permit, expires),
     .use = FIELD_OPTIONAL, .has_offset = offsetof(struct pack_permit, has_expires)},
};

static const struct field_table permit_table = {
    .size = sizeof(struct pack_permit),
    .fields = permit_fields,
    .count = sizeof permit_fields / sizeof permit_fields[0],
    .check = check_permit,
};

/* What restricts a permit must not be passed over. */
static const struct document_type permit_type = {
    .type = "fwpack.permit",
    .table = &permit_table,
    .storage_offset = offsetof(struct pack_permit, storage),
    .closed = true,
};

int pack_permit_parse(struct pack_permit **permit, const void *bytes, size_t size,
                      struct pack_error *error)
{
    *permit = NULL;
    return document_parse(&permit_type, permit, bytes, size, error);
}

void pack_permit_free(struct pack_permit **permit)
{
    if (*permit != NULL)
        document_free((*permit)->storage);
    *permit = NULL;
}

int pack_permit_encode(char **text, size_t *size, const struct pack_permit *permit,
                       struct pack_error *error)
{
    return document_encode(&permit_type, permit, text, size, error);
}

/* --- rollout.json ---------------------------------------------------------------------------- */

static const struct field rollout_fields[] = {
    {"release_sha256", FIELD_DIGEST, .offset = offsetof(struct pack_rollout, release_sha256)},
    {"revision", FIELD_INTEGER, .offset = offsetof(struct pack_rollout, revision), .minimum = 1},
    {"halted", FIELD_BOOLEAN, .offset = offsetof(struct pack_rollout, halted),
     .use = FIELD_OPTIONAL},
};

static const struct field_table rollout_table = {
    .size = sizeof(struct pack_rollout),
    .fields = rollout_fields,
    .count = sizeof rollout_fields / sizeof rollout_fields[0],
};

static const struct document_type rollout_type = {
    .type = "fwpack.rollout",
    .table = &rollout_table,
    .storage_offset = offsetof(struct pack_rollout, storage),
};

int pack_rollout_parse(struct pack_rollout **rollout, const void *bytes, size_t size,
                       struct pack_error *error)
{
    *rollout = NULL;
    return document_parse(&rollout_type, rollout, bytes, size, error);
}

void pack_rollout_free(struct pack_rollout **rollout)
{
    if (*rollout != NULL)
        document_free((*rollout)->storage);
    *rollout = NULL;
}
