/* SPDX-License-Identifier: MIT */
/*
 * What `zstd --patch-from` writes (RFC 8878): one frame whose window reaches back over all of the
 * old image, which stands before the content as a prefix. `zstd -d --patch-from=OLD` opens it.
 */
#include "base/memory.h"
#include "delta/foreign.h"

#include <zstd.h>

enum {
    WINDOW_MIN = 10,
    WINDOW_MAX = 31,   /* 2 GiB: as far as zstd's 64-bit programs go */
    WINDOW_PLAIN = 27, /* what `zstd -d` takes without being told */
};

static int zstd_fault(const char *what, size_t status, struct pack_error *error)
{
    return pack_fail(error, PACK_E_INTERNAL, "libzstd: %s: %s", what, ZSTD_getErrorName(status));
}

static void encoder_free(ZSTD_CCtx **encoder)
{
    (void)ZSTD_freeCCtx(*encoder);
}

static void decoder_free(ZSTD_DCtx **decoder)
{
    (void)ZSTD_freeDCtx(*decoder);
}

/* The window that holds either image, as the zstd program takes it. */
static int window_log(const struct delta_foreign_job *job)
{
    const size_t larger = job->old_size > job->new_size ? job->old_size : job->new_size;
    int log = WINDOW_MIN;
    while (log < 63 && larger >> log != 0)
        log++;
    return log;
}

struct setting {
    ZSTD_cParameter parameter;
    int value;
};

static int configure(ZSTD_CCtx *encoder, const struct delta_foreign_job *job,
                     struct pack_error *error)
{
    /* Beyond so large a window the level's own tables do not reach, as in the zstd program. */
    static const struct {
        int level, reach;
    } levels[] = {
        [PACK_DELTA_FAST] = {3, 17},
        [PACK_DELTA_DEFAULT] = {19, 23},
        [PACK_DELTA_BEST] = {22, 26},
    };
    const int log = window_log(job);
    const struct setting settings[] = {
        {ZSTD_c_compressionLevel, levels[job->level].level},
        {ZSTD_c_windowLog, log},
        {ZSTD_c_enableLongDistanceMatching, log > levels[job->level].reach},
        {ZSTD_c_checksumFlag, 1},
    };
    size_t status = 0;
    for (size_t i = 0; !ZSTD_isError(status) && i < sizeof settings / sizeof settings[0]; i++)
        status = ZSTD_CCtx_setParameter(encoder, settings[i].parameter, settings[i].value);
    if (!ZSTD_isError(status))
        status = ZSTD_CCtx_refPrefix(encoder, job->old_bytes, job->old_size);
    return ZSTD_isError(status) ? zstd_fault("settings", status, error) : 0;
}

static int zstd_write(const struct delta_foreign_job *job, struct pack_buffer *patch,
                      struct pack_error *error)
{
    const int log = window_log(job);
    if (log > WINDOW_MAX)
        return pack_fail(error, PACK_E_LIMIT, "zstd patches images of up to 2 GiB");
    ZSTD_CCtx *encoder PACK_AUTO(encoder_free) = ZSTD_createCCtx();
    if (encoder == NULL)
        return pack_fail_memory(error);
    int code = configure(encoder, job, error);
    const size_t bound = ZSTD_compressBound(job->new_size);
    if (code == 0)
        code = pack_buffer_reserve(patch, bound, error);
    if (code != 0)
        return code;
    const size_t size = ZSTD_compress2(encoder, patch->bytes, bound, job->new_bytes, job->new_size);
    if (ZSTD_isError(size))
        return zstd_fault("ZSTD_compress2", size, error);
    patch->size = size;
    if (log > WINDOW_PLAIN)
        pack_log(job->context, PACK_LOG_NOTE,
                 "the patch needs a window of 2^%d bytes: apply it by zstd -d --long=%d "
                 "--patch-from=OLD",
                 log, log);
    return 0;
}

static int zstd_check(const struct delta_foreign_job *job, const uint8_t *patch, size_t size,
                      struct pack_error *error)
{
    ZSTD_DCtx *decoder PACK_AUTO(decoder_free) = ZSTD_createDCtx();
    uint8_t *result PACK_AUTO_FREE = malloc(job->new_size + 1);
    if (decoder == NULL || result == NULL)
        return pack_fail_memory(error);
    size_t status = ZSTD_DCtx_refPrefix(decoder, job->old_bytes, job->old_size);
    if (!ZSTD_isError(status))
        status = ZSTD_decompressDCtx(decoder, result, job->new_size, patch, size);
    if (ZSTD_isError(status))
        return zstd_fault("ZSTD_decompressDCtx", status, error);
    if (status != job->new_size || memcmp(result, job->new_bytes, job->new_size) != 0)
        return delta_foreign_fault(&delta_foreign_zstd, status, error);
    return 0;
}

const struct delta_foreign delta_foreign_zstd = {
    .format = PACK_DELTA_ZSTD_PATCH_FROM,
    .name = "zstd-patch-from",
    .write = zstd_write,
    .check = zstd_check,
};
