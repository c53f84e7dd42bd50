/* SPDX-License-Identifier: MIT */
#include "bundle/patched.h"

#include "base/checked.h"
#include "base/memory.h"
#include "confine/confine.h"
#include "delta/begin.h"

#include <sodium.h>
#include <string.h>

/* Where plain bytes come from, in order. */
struct reading {
    const struct patched *patched;
    struct pack_patch *patch;        /* or: */
    struct confined_patch *confined; /* neither for `keep` */
    uint64_t position;
};

/* --- the patch ----------------------------------------------------------------------------- */

/* The delivery's signers have signed both, but only the release's signers are to be believed. */
static int check_info(const struct patched *patched, const struct pack_patch_info *info,
                      struct pack_error *error)
{
    const struct pack_encoding *encoding = patched->encoding;
    const struct {
        bool same;
        const char *what;
    } members[] = {
        {info->old_size == encoding->base_size, "base.size"},
        {sodium_memcmp(info->old_sha256, encoding->base_sha256, PACK_SHA256_SIZE) == 0,
         "base.sha256"},
        {info->new_size == patched->image->size, "size"},
        {sodium_memcmp(info->new_sha256, patched->image->sha256, PACK_SHA256_SIZE) == 0, "sha256"},
        {info->memory == encoding->decoder_memory, "decoder_memory"},
        {strcmp(pack_delta_decoder_name(info->decoder), encoding->decoder) == 0, "decoder"},
        {info->in_place == encoding->in_place, "in_place.page_size"},
        {info->scratch == encoding->scratch, "in_place.scratch"},
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (!members[i].same)
            return pack_fail(error, PACK_E_MALFORMED, "the patch has another %s than the documents",
                             members[i].what);
    return 0;
}

/* --- blocks -------------------------------------------------------------------------------- */

static bool is_kept(const struct reading *reading)
{
    return reading->patch == NULL && reading->confined == NULL;
}

static int read_made(struct reading *reading, uint8_t *bytes, size_t size, size_t *got,
                     struct pack_error *error)
{
    return reading->confined != NULL
               ? confined_patch_read(reading->confined, bytes, size, got, error)
               : pack_patch_read(reading->patch, bytes, size, got, error);
}

static int read_plain(struct reading *reading, uint8_t *bytes, size_t size,
                      struct pack_error *error)
{
    int code = 0;
    if (is_kept(reading))
        return pack_input_exact(reading->patched->base, reading->position, bytes, size,
                                PACK_E_CHANGED, error);
    for (size_t done = 0, got = 0; code == 0 && done < size; done += got) {
        code = read_made(reading, bytes + done, size - done, &got, error);
        if (code == 0 && got == 0)
            return pack_fail(error, PACK_E_CORRUPT, "the patch gives %llu bytes, %llu wanted",
                             (unsigned long long)(reading->position + done),
                             (unsigned long long)reading->patched->plain->size);
    }
    return code;
}

/* Asks for one more byte: only then is the patch at its end, and not before the image's. */
static int finish(struct reading *reading, struct pack_error *error)
{
    uint8_t byte = 0;
    size_t got = 0;
    if (is_kept(reading))
        return 0;
    const int code = read_made(reading, &byte, 1, &got, error);
    if (code == 0 && got != 0)
        return pack_fail(error, PACK_E_CORRUPT, "the patch gives more than the image's bytes");
    return code;
}

static int read_blocks(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    const struct block_table *plain = patched->plain;
    PACK_AUTO_FREE uint8_t *block = NULL;
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    int code = pack_allocate(&block, 1, plain->block_size, error);
    if (code == 0)
        code = pack_sha256_new(&hash, error);
    for (uint64_t i = 0; code == 0 && reading->position < plain->size; i++) {
        const size_t size = (size_t)pack_min(plain->block_size, plain->size - reading->position);
        code = read_plain(reading, block, size, error);
        if (code == 0 && block_check(plain, i, block, size, hash, error) != 0)
            code = pack_context(error, "the image that it makes");
        if (code == 0)
            code = patched->block(patched->user, block, size, error);
        reading->position += size;
    }
    return code != 0 ? code : finish(reading, error);
}

static int begin(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    delta_patch_leave_result(reading->patch); /* to its blocks' hashes */
    return patched->base_proved
               ? delta_patch_begin_proved(reading->patch, patched->context, patched->base, error)
               : pack_patch_begin(reading->patch, patched->context, patched->base, error);
}

static int read_patch(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    int code = pack_patch_open(&reading->patch, patched->stored, error);
    if (code == 0)
        code = check_info(patched, pack_patch_info(reading->patch), error);
    if (code == 0)
        code = begin(reading, error);
    if (code == 0)
        code = read_blocks(reading, error);
    pack_patch_close(&reading->patch);
    return code;
}

static int read_confined(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    int code = confined_patch_open(&reading->confined, patched->stored, patched->base,
                                   CONFINED_PROVES_RESULT |
                                       (patched->base_proved ? CONFINED_PROVED_BASE : 0U),
                                   patched->context, error);
    if (code == 0)
        code = check_info(patched, confined_patch_info(reading->confined), error);
    if (code == 0)
        code = read_blocks(reading, error);
    confined_patch_close(&reading->confined);
    return code;
}

int patched_read(const struct patched *patched, struct pack_error *error)
{
    struct reading reading = {.patched = patched};
    if (patched->stored == NULL)
        return read_blocks(&reading, error);
    return patched->context->confinement != PACK_CONFINE_NONE ? read_confined(&reading, error)
                                                              : read_patch(&reading, error);
}
