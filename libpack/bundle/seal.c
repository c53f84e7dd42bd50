/* SPDX-License-Identifier: MIT */
#include "bundle/seal.h"

#include "pack/limits.h"

int seal_open(struct seal *seal, const struct seal_place *place, struct pack_error *error)
{
    *seal = (struct seal){.file = pack_descriptor_sink(place->descriptor, place->offset),
                          .end = place->offset + place->size};
    place->blocks->size = 0;
    int code = block_hasher_open(&seal->hasher, place->block_size, place->blocks, error);
    seal->hasher.inner = &seal->file.sink;
    seal->sink = &seal->hasher.sink;
    if (code != 0 || place->recipients == NULL)
        return code;
    code = pack_age_writer_new(&seal->writer, place->recipients, &seal->hasher.sink, error);
    if (code == 0)
        seal->sink = pack_age_writer_sink(seal->writer);
    return code;
}

int seal_finish(struct seal *seal, struct pack_error *error)
{
    int code = seal->writer != NULL ? pack_age_writer_finish(seal->writer, error) : 0;
    if (code == 0)
        code = block_hasher_finish(&seal->hasher, error);
    if (code == 0 && seal->file.offset != seal->end)
        code = pack_fail(error, PACK_E_INTERNAL, "a payload's size was foreseen wrongly");
    return code;
}

void seal_clear(struct seal *seal)
{
    pack_age_writer_free(&seal->writer);
    block_hasher_clear(&seal->hasher);
}

int seal_describe(struct pack_encoding *encoding, const struct pack_age_recipients *recipients,
                  struct pack_error *error)
{
    const uint64_t inner = pack_encoding_inner_size(encoding);
    const uint64_t header = pack_age_header_size(recipients);
    const uint64_t size = pack_age_size(header, inner);
    if (size > PACK_MAX_INTEGER)
        return pack_fail(error, PACK_E_LIMIT, "larger than a document can say");
    encoding->encrypted = true;
    encoding->encryption = PACK_ENCRYPTION_AGE;
    encoding->requires_age = true;
    encoding->inner_size = inner;
    encoding->header_size = header;
    encoding->recipient_count = pack_age_recipients_count(recipients);
    encoding->size = size;
    return 0;
}

void seal_describe_open(struct pack_encoding *encoding)
{
    encoding->size = pack_encoding_inner_size(encoding);
    encoding->encrypted = false;
    encoding->encryption = NULL;
    encoding->requires_age = false;
}
