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
    struct pack_input *kept;         /* where an earlier run left the next bytes, or NULL */
    uint64_t position;
    uint64_t given; /* bytes that came out */
    uint8_t *block;
    struct pack_sha256 *hash;
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

static struct pack_input *input_of(const struct reading *reading)
{
    return reading->kept != NULL || !is_kept(reading) ? reading->kept : reading->patched->base;
}

static int read_plain(struct reading *reading, size_t size, struct pack_error *error)
{
    uint8_t *bytes = reading->block;
    int code = 0;
    if (input_of(reading) != NULL)
        return pack_input_exact(input_of(reading), reading->position, bytes, size, PACK_E_CHANGED,
                                error);
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

static size_t next_size(const struct reading *reading)
{
    const struct block_table *plain = reading->patched->plain;
    return (size_t)pack_min(plain->block_size, plain->size - reading->position);
}

/* The next block, proved. */
static int read_block(struct reading *reading, struct pack_error *error)
{
    const struct block_table *plain = reading->patched->plain;
    const size_t size = next_size(reading);
    const int code = read_plain(reading, size, error);
    if (code != 0)
        return code;
    return block_check(plain, reading->position / plain->block_size, reading->block, size,
                       reading->hash, error) != 0
               ? pack_context(error, "the image that it makes")
               : 0;
}

/* What has come out before, from elsewhere, does not again. */
static int give_block(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    const size_t size = next_size(reading);
    int code = 0;
    if (reading->position >= reading->given) {
        code = patched->block(patched->user, reading->block, size, error);
        reading->given += size;
    }
    reading->position += size;
    return code;
}

static int save(struct reading *reading, struct pack_error *error)
{
    const struct keeper *keeper = reading->patched->keeper;
    if (keeper == NULL || reading->confined == NULL)
        return 0;
    const uint64_t size = confined_patch_state_size(reading->confined);
    if (size == 0 || !keeper->wants(keeper->user, reading->position, size))
        return 0;
    struct pack_sink *sink = keeper->begin(keeper->user, reading->position);
    const int code = confined_patch_save(reading->confined, sink, error);
    keeper->end(keeper->user, code == 0);
    return code;
}

static int read_blocks(struct reading *reading, struct pack_error *error)
{
    int code = 0;
    while (code == 0 && reading->position < reading->patched->plain->size) {
        code = read_block(reading, error);
        if (code == 0)
            code = give_block(reading, error);
        if (code == 0)
            code = save(reading, error);
    }
    return code != 0 ? code : finish(reading, error);
}

/* Blocks that an earlier run left, as far as they are still those of the image. */
static int take_kept(struct reading *reading, const struct kept *kept, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    int code = 0;
    reading->kept = kept->image;
    while (code == 0 && reading->position < kept->made) {
        if (read_block(reading, error) != 0) {
            pack_error_clear(error);
            break;
        }
        code = give_block(reading, error);
        if (code == 0)
            code = pack_check_cancelled(patched->context, error);
    }
    reading->kept = NULL;
    return code;
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

static int open_confined(struct reading *reading, const struct confined_state *state,
                         struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    return confined_patch_restore(&reading->confined, patched->stored, patched->base,
                                  CONFINED_PROVES_RESULT |
                                      (patched->base_proved ? CONFINED_PROVED_BASE : 0U),
                                  state, patched->context, error);
}

/* A state that cannot be used is none; what stopped it otherwise, stops it again. */
static int restore(struct reading *reading, const struct kept *kept, struct pack_error *error)
{
    const struct keeper *keeper = reading->patched->keeper;
    const struct confined_state state = {.input = kept->state, .made = kept->made};
    const int code = open_confined(reading, &state, error);
    if (code == 0)
        keeper->went_on(keeper->user, kept->made);
    if (code == 0 || code == PACK_E_INTERRUPTED)
        return code;
    pack_error_clear(error);
    return 0;
}

/* Leaves no process where the patch is to be applied from its beginning. */
static int go_on(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    const struct keeper *keeper = patched->keeper;
    struct kept kept = {.state = NULL};
    int code = 0;
    if (keeper == NULL)
        return 0;
    keeper->find(keeper->user, patched->encoding, &kept);
    if (kept.state != NULL && kept.made < patched->plain->size &&
        kept.made % patched->plain->block_size == 0) {
        code = take_kept(reading, &kept, error);
        if (code == 0 && reading->position == kept.made)
            code = restore(reading, &kept, error);
    }
    pack_input_close(&kept.state);
    if (reading->confined == NULL)
        reading->position = 0;
    return code;
}

static int read_confined(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    int code = go_on(reading, error);
    if (code == 0 && reading->confined == NULL)
        code = open_confined(reading, NULL, error);
    if (code == 0)
        code = check_info(patched, confined_patch_info(reading->confined), error);
    if (code == 0 && patched->keeper != NULL)
        confined_patch_stop_at(reading->confined, patched->keeper->stride);
    if (code == 0)
        code = read_blocks(reading, error);
    confined_patch_close(&reading->confined);
    return code;
}

static int read_any(struct reading *reading, struct pack_error *error)
{
    const struct patched *patched = reading->patched;
    if (patched->stored == NULL)
        return read_blocks(reading, error);
    return patched->context->confinement != PACK_CONFINE_NONE ? read_confined(reading, error)
                                                              : read_patch(reading, error);
}

int patched_read(const struct patched *patched, struct pack_error *error)
{
    PACK_AUTO_FREE uint8_t *block = NULL;
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    int code = pack_allocate(&block, 1, patched->plain->block_size, error);
    if (code == 0)
        code = pack_sha256_new(&hash, error);
    if (code != 0)
        return code;
    struct reading reading = {.patched = patched, .block = block, .hash = hash};
    return read_any(&reading, error);
}
