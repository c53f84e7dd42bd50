/* SPDX-License-Identifier: MIT */
#include "document/descriptor_findings.h"

void pack_findings_clear(struct pack_findings *findings)
{
    free(findings->entries);
    *findings = (struct pack_findings){.count = 0};
}

static bool has_room(struct pack_findings *findings)
{
    if (findings->count < findings->capacity)
        return true;
    if (findings->count == PACK_MAX_FINDINGS)
        return false;
    const size_t capacity = findings->capacity == 0 ? 8 : 2 * findings->capacity;
    struct pack_finding *entries = realloc(findings->entries, capacity * sizeof *entries);
    if (entries == NULL) {
        findings->out_of_memory = true;
        return false;
    }
    findings->entries = entries;
    findings->capacity = capacity > PACK_MAX_FINDINGS ? PACK_MAX_FINDINGS : capacity;
    return true;
}

struct pack_error *pack_findings_add(struct pack_findings *findings, bool is_error, size_t source,
                                     const struct pack_error *finding)
{
    const bool kept = has_room(findings);
    struct pack_finding *entry = kept ? &findings->entries[findings->count] : &findings->spare;
    *entry = (struct pack_finding){
        .error = *finding, .is_error = is_error, .source = source, .sequence = findings->count};
    findings->count += kept;
    findings->dropped += !kept;
    findings->errors += is_error;
    return &entry->error;
}

static int compare(const void *a, const void *b)
{
    const struct pack_finding *left = a, *right = b;
    const size_t keys[][2] = {
        {left->source, right->source},
        {left->error.line, right->error.line},
        {left->error.column, right->error.column},
        {left->sequence, right->sequence},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static void report_dropped(const struct pack_findings *findings, pack_finding_fn report, void *user)
{
    struct pack_error rest = {0};
    (void)pack_fail(&rest, PACK_E_LIMIT, "%zu more faults are not shown", findings->dropped);
    (void)pack_at_file(&rest, findings->entries[0].error.file);
    report(user, findings->errors != 0, &rest);
}

int pack_findings_report(struct pack_findings *findings, pack_finding_fn report, void *user,
                         struct pack_error *error)
{
    if (findings->out_of_memory)
        return pack_fail_memory(error);
    if (findings->count != 0)
        qsort(findings->entries, findings->count, sizeof *findings->entries, compare);
    const struct pack_finding *first = NULL;
    for (size_t i = 0; i < findings->count; i++) {
        const struct pack_finding *entry = &findings->entries[i];
        if (report != NULL)
            report(user, entry->is_error, &entry->error);
        if (first == NULL && entry->is_error)
            first = entry;
    }
    if (report != NULL && findings->dropped != 0)
        report_dropped(findings, report, user);
    if (first == NULL)
        return 0;
    *error = first->error;
    error->code = PACK_E_DESCRIPTOR;
    return PACK_E_DESCRIPTOR;
}
