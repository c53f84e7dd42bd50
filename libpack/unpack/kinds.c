/* SPDX-License-Identifier: MIT */
#include "unpack/kinds.h"

#include "base/checked.h"

#include <lz4.h>
#include <lzma.h>
#include <zstd.h>

enum { STEP = 64 << 10, LONGEST_STEP = 32 << 20 };

static const struct stream_kind_entry *const kinds[KINDS] = {
    [KIND_DEFLATE] = &kind_deflate,
    [KIND_GZIP] = &kind_gzip,
    [KIND_ZLIB] = &kind_zlib,
    [KIND_ZSTD] = &kind_zstd,
    [KIND_XZ] = &kind_xz,
    [KIND_LZMA] = &kind_lzma,
    [KIND_LZ4_LEGACY] = &kind_lz4_legacy,
    [KIND_LZ4_FRAME] = &kind_lz4_frame,
    [KIND_RECORDS] = &kind_records,
    [KIND_UF2] = &kind_uf2,
};

const struct stream_kind_entry *stream_kind_find(unsigned kind)
{
    return kind < KINDS ? kinds[kind] : NULL;
}

static uint32_t own_identity(void)
{
    return 1;
}

static uint32_t zstd_identity(void)
{
    return ZSTD_versionNumber();
}

static uint32_t lz4_identity(void)
{
    return (uint32_t)LZ4_versionNumber();
}

/* The encoder in lzma-sdk/, by its version. */
static uint32_t sdk_identity(void)
{
    return 2602;
}

static const struct {
    const char *name;
    uint32_t (*identity)(void);
} encoders[ENCODERS] = {
    [ENCODER_OWN] = {"fwpack", own_identity},
    [ENCODER_ZLIB] = {"zlib", zlib_identity},
    [ENCODER_ZSTD] = {"libzstd", zstd_identity},
    [ENCODER_LIBLZMA] = {"liblzma", lzma_version_number},
    [ENCODER_LZ4] = {"liblz4", lz4_identity},
    [ENCODER_SDK] = {"LZMA SDK", sdk_identity},
};

uint32_t encoder_identity(enum encoder encoder)
{
    return encoders[encoder].identity();
}

const char *encoder_name(enum encoder encoder)
{
    return encoders[encoder].name;
}

int plain_room(struct pack_buffer *plain, size_t *room, struct pack_error *error)
{
    const size_t step = plain->size > STEP ? plain->size : STEP;
    *room = (size_t)pack_min(pack_min(step, LONGEST_STEP), plain->limit - plain->size);
    return pack_buffer_reserve(plain, *room, error);
}

int stream_damaged(const char *name, struct pack_error *error)
{
    return pack_fail(error, PACK_E_CORRUPT, "a packed part is damaged (%s)", name);
}

bool describe_nothing(struct recipe *recipe, const uint8_t *bytes, size_t size)
{
    (void)recipe;
    (void)bytes;
    (void)size;
    return true;
}
