/* SPDX-License-Identifier: MIT */
#include "delta/foreign.h"

#include "base/memory.h"

static const struct delta_foreign *const formats[] = {
    &delta_foreign_bsdiff4,
    &delta_foreign_vcdiff,
    &delta_foreign_zstd,
};

const struct delta_foreign *delta_foreign_find(enum pack_delta_format format)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i]->format == format)
            return formats[i];
    return NULL;
}

int delta_foreign_fault(const struct delta_foreign *foreign, uint64_t at, struct pack_error *error)
{
    return pack_fail(error, PACK_E_INTERNAL,
                     "the %s patch does not give the new image back: byte %llu differs",
                     foreign->name, (unsigned long long)at);
}

static int find_covers(const struct delta_foreign *foreign, const struct delta_foreign_job *job,
                       struct delta_covers *covers, struct pack_error *error)
{
    static const enum delta_effort efforts[] = {
        [PACK_DELTA_FAST] = DELTA_FAST,
        [PACK_DELTA_DEFAULT] = DELTA_DEFAULT,
        [PACK_DELTA_BEST] = DELTA_BEST,
    };
    const struct delta_match_options options = {
        .effort = efforts[job->level],
        .memory = job->memory,
        .most_covers = SIZE_MAX / sizeof(struct patch_cover),
        .cost_cover = foreign->cost_cover,
        .cost_miss = foreign->cost_miss,
        .cost_extra = foreign->cost_extra,
    };
    return delta_match(covers, job->old_bytes, job->old_size, job->new_bytes, job->new_size,
                       &options, job->context, error);
}

static void count_bytes(const struct delta_foreign_job *job, struct pack_delta_report *report)
{
    report->old_size = report->plain_old_size = job->old_size;
    report->new_size = report->plain_new_size = job->new_size;
    report->extra = job->new_size;
    if (job->covers == NULL)
        return;
    report->covers = job->covers->count;
    for (size_t i = 0; i < job->covers->count; i++) {
        const struct patch_cover *cover = &job->covers->list[i];
        report->copied += cover->size;
        for (size_t k = 0; k < cover->size; k++)
            report->missed +=
                job->old_bytes[cover->old_offset + k] != job->new_bytes[cover->new_offset + k];
    }
    report->extra -= report->copied;
}

int delta_foreign_create(const struct delta_foreign *foreign, const struct delta_foreign_job *job,
                         struct pack_sink *sink, struct pack_delta_report *report,
                         struct pack_error *error)
{
    struct delta_foreign_job full = *job;
    struct delta_covers covers PACK_AUTO(delta_covers_free) = {0};
    struct pack_buffer patch PACK_AUTO_BUFFER = {.limit = SIZE_MAX / 2};
    int code = 0;
    if (foreign->uses_covers && full.covers == NULL) {
        code = find_covers(foreign, job, &covers, error);
        full.covers = &covers;
    }
    if (code == 0)
        code = foreign->write(&full, &patch, error);
    if (code == 0)
        code = foreign->check(&full, patch.bytes, patch.size, error);
    if (code == 0 && report != NULL) {
        *report = (struct pack_delta_report){.patch_size = patch.size};
        count_bytes(&full, report);
    }
    return code != 0 ? code : pack_sink_write(sink, patch.bytes, patch.size, error);
}
