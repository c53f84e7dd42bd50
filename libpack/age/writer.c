/* SPDX-License-Identifier: MIT */
#include "age/chunk.h"
#include "age/header.h"
#include "age/parties.h"

#include "base/checked.h"
#include "crypto/ed25519.h"

#include <string.h>

struct pack_age_writer {
    struct pack_sink sink;
    struct pack_sink *out;
    struct age_chunk *chunk; /* guarded */
    uint64_t index;          /* of the chunk that is being filled */
    bool finished;
    uint8_t sealed[AGE_SEALED_CHUNK];
};

/* --- header ---------------------------------------------------------------------------------- */

static int write_passphrase(struct pack_buffer *text, struct age_secrets *secrets,
                            const struct pack_age_recipients *recipients, struct pack_error *error)
{
    const struct age_passphrase passphrase = {recipients->passphrase, recipients->passphrase_size};
    uint8_t salt[AGE_SALT_SIZE], body[AGE_WRAPPED_SIZE];
    int code = pack_random(salt, sizeof salt, error);
    if (code == 0)
        code = age_wrap_scrypt(secrets, passphrase, recipients->work, salt, body, error);
    return code != 0 ? code : age_write_scrypt(text, salt, recipients->work, body, error);
}

static int write_keys(struct pack_buffer *text, struct age_secrets *secrets,
                      const struct pack_age_recipients *recipients, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < recipients->count; i++) {
        uint8_t share[AGE_KEY_SIZE], body[AGE_WRAPPED_SIZE];
        code = age_wrap_x25519(secrets, recipients->keys[i], share, body, error);
        if (code == 0)
            code = age_write_x25519(text, share, body, error);
    }
    return code;
}

static int write_header(struct pack_buffer *text, struct age_secrets *secrets,
                        const struct pack_age_recipients *recipients, struct pack_error *error)
{
    int code = pack_buffer_append(text, AGE_VERSION_LINE, strlen(AGE_VERSION_LINE), error);
    if (code == 0)
        code = recipients->passphrase != NULL ? write_passphrase(text, secrets, recipients, error)
                                              : write_keys(text, secrets, recipients, error);
    return code != 0 ? code : age_write_end(text, secrets, error);
}

/* The file key and the nonce are new for every file. */
static int start(struct pack_age_writer *writer, const struct pack_age_recipients *recipients,
                 struct pack_error *error)
{
    PACK_AUTO_GUARDED struct age_secrets *secrets = NULL;
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_AGE_HEADER};
    uint8_t nonce[AGE_NONCE_SIZE];
    int code = pack_guarded_new(&secrets, sizeof *secrets, error);
    if (code == 0)
        code = pack_random(secrets->file_key, sizeof secrets->file_key, error);
    if (code == 0)
        code = write_header(&text, secrets, recipients, error);
    if (code == 0)
        code = pack_random(nonce, sizeof nonce, error);
    if (code == 0)
        code = pack_buffer_append(&text, nonce, sizeof nonce, error);
    if (code != 0)
        return code;
    age_payload_key(secrets, nonce, writer->chunk->key);
    return pack_sink_write(writer->out, text.bytes, text.size, error);
}

/* --- payload --------------------------------------------------------------------------------- */

static int flush(struct pack_age_writer *writer, bool last, struct pack_error *error)
{
    const size_t size = writer->chunk->size + AGE_TAG_SIZE;
    age_chunk_seal(writer->chunk, (struct age_place){writer->index++, last}, writer->sealed);
    writer->chunk->size = 0;
    return pack_sink_write(writer->out, writer->sealed, size, error);
}

/* A full chunk waits until it is known whether it is the last. */
static int age_write(struct pack_sink *sink, const void *bytes, size_t size,
                     struct pack_error *error)
{
    struct pack_age_writer *writer = (struct pack_age_writer *)sink;
    const uint8_t *next = bytes;
    while (size != 0) {
        struct age_chunk *chunk = writer->chunk;
        const int code = chunk->size == PACK_AGE_CHUNK ? flush(writer, false, error) : 0;
        if (code != 0)
            return code;
        const size_t piece = (size_t)pack_min(size, PACK_AGE_CHUNK - chunk->size);
        memcpy(chunk->plain + chunk->size, next, piece);
        chunk->size += piece;
        next += piece;
        size -= piece;
    }
    return 0;
}

int pack_age_writer_new(struct pack_age_writer **writer,
                        const struct pack_age_recipients *recipients, struct pack_sink *sink,
                        struct pack_error *error)
{
    static const struct pack_sink_ops ops = {.write = age_write};
    PACK_AUTO(pack_age_writer_free) struct pack_age_writer *made = NULL;
    *writer = NULL;
    if (pack_age_recipients_count(recipients) == 0)
        return pack_fail(error, PACK_E_USAGE, "nobody to encrypt to");
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = pack_guarded_new(&made->chunk, sizeof *made->chunk, error);
    if (code != 0)
        return code;
    made->sink.ops = &ops;
    made->out = sink;
    code = start(made, recipients, error);
    if (code == 0)
        *writer = pack_steal(&made);
    return code;
}

struct pack_sink *pack_age_writer_sink(struct pack_age_writer *writer)
{
    return &writer->sink;
}

int pack_age_writer_finish(struct pack_age_writer *writer, struct pack_error *error)
{
    if (writer->finished)
        return pack_fail(error, PACK_E_INTERNAL, "an age file is finished twice");
    writer->finished = true;
    return flush(writer, true, error);
}

void pack_age_writer_free(struct pack_age_writer **writer)
{
    if (*writer == NULL)
        return;
    pack_guarded_free(&(*writer)->chunk);
    pack_free_memory(writer);
}
