/* SPDX-License-Identifier: MIT */
#include "age/chunk.h"
#include "age/parties.h"
#include "age/source.h"

#include "base/checked.h"
#include "crypto/ed25519.h"

#include <sodium.h>
#include <string.h>

/* --- who can open it ------------------------------------------------------------------------- */

static int try_identity(struct age_secrets *secrets, const struct age_stanza *stanza,
                        const struct age_identity *identity, bool *found, struct pack_error *error)
{
    uint8_t share[AGE_KEY_SIZE];
    age_stanza_share(stanza, share);
    const int code = identity->agree(identity, share, secrets->shared, error);
    if (code == 0)
        *found = age_unwrap_x25519(secrets, identity->public, share, stanza->body);
    return code;
}

static int try_identities(struct age_secrets *secrets, const struct age_header *header,
                          const struct pack_age_identities *identities, bool *found,
                          struct pack_error *error)
{
    struct age_stanzas stanzas = age_header_stanzas(header);
    struct age_stanza stanza;
    while (age_stanzas_next(&stanzas, &stanza)) {
        if (!age_stanza_is(&stanza, "X25519"))
            continue;
        for (size_t i = 0; i < identities->count; i++) {
            const int code = try_identity(secrets, &stanza, &identities->list[i], found, error);
            if (code != 0)
                return pack_at_line(error, stanza.line, 0);
            if (*found)
                return 0;
        }
    }
    return 0;
}

static int fail_stranger(const struct age_header *header, size_t identities,
                         struct pack_error *error)
{
    const char *plural = header->recipient_count == 1 ? "" : "s";
    if (identities == 0)
        return pack_fail(error, PACK_E_KEY_STORE,
                         "encrypted to %zu recipient%s, and no identity is given",
                         header->recipient_count, plural);
    return pack_fail(error, PACK_E_KEY_STORE, "encrypted to %zu recipient%s, and %s among them",
                     header->recipient_count, plural,
                     identities == 1 ? "the identity given is not"
                                     : "none of the identities given is");
}

static int unlock_keys(struct age_secrets *secrets, const struct age_header *header,
                       const struct pack_age_identities *identities, struct pack_error *error)
{
    bool found = false;
    const int code = try_identities(secrets, header, identities, &found, error);
    return code != 0 || found ? code : fail_stranger(header, identities->count, error);
}

static int unlock_passphrase(struct age_secrets *secrets, const struct age_header *header,
                             const struct pack_age_identities *identities, const char *name,
                             struct pack_error *error)
{
    struct age_stanzas stanzas = age_header_stanzas(header);
    struct age_stanza stanza = {0};
    struct age_passphrase passphrase;
    uint8_t salt[AGE_SALT_SIZE];
    const int code = age_identities_answer(identities, name, &passphrase, error);
    if (code != 0 || !age_stanzas_next(&stanzas, &stanza))
        return code;
    const unsigned work = age_stanza_work(&stanza, salt);
    return age_unwrap_scrypt(secrets, passphrase, work, salt, stanza.body, error);
}

/* The file key, and that the header is as whoever wrote it left it. */
static int unlock(struct age_secrets *secrets, const struct age_header *header,
                  const struct pack_age_identities *identities, const char *name,
                  struct pack_error *error)
{
    uint8_t mac[AGE_KEY_SIZE];
    const int code = header->passphrase
                         ? unlock_passphrase(secrets, header, identities, name, error)
                         : unlock_keys(secrets, header, identities, error);
    if (code != 0)
        return code;
    age_header_mac(secrets, header->text.text, header->mac_covers, mac);
    if (sodium_memcmp(mac, header->mac, sizeof mac) != 0)
        return pack_fail(error, PACK_E_CORRUPT, "the age header was changed: its MAC differs");
    return 0;
}

/* --- an input over the plain bytes ----------------------------------------------------------- */

struct reader {
    struct pack_input input;
    struct age_source source;
    struct age_chunk *chunk; /* guarded */
    uint64_t payload;        /* offset of the first chunk */
    uint64_t chunks;         /* where the size is known, or once the last was seen */
    bool counted;            /* whether it is */
    bool ended;              /* the last chunk was found authentic */
    bool loaded;
    uint64_t index; /* of the chunk that is loaded */
    uint8_t sealed[AGE_SEALED_CHUNK];
};

static uint64_t offset_of(const struct reader *reader, uint64_t index)
{
    return reader->payload + index * AGE_SEALED_CHUNK;
}

/* Says of a chunk that is not authentic in its place whether it would be in the other one. */
static int fail_chunk(struct reader *reader, struct age_place place, size_t size,
                      struct pack_error *error)
{
    const struct age_place other = {place.index, !place.last};
    const bool misplaced = age_chunk_open(reader->chunk, other, reader->sealed, size);
    sodium_memzero(reader->chunk->plain, sizeof reader->chunk->plain);
    reader->chunk->size = 0;
    if (misplaced && place.last)
        return pack_fail(error, PACK_E_CORRUPT, "the age file is cut short: chunks are missing");
    if (misplaced)
        return pack_fail(error, PACK_E_CORRUPT, "more follows the last chunk of the age file");
    return pack_fail(error, PACK_E_CORRUPT, "chunk %llu of the age file is not authentic",
                     (unsigned long long)place.index);
}

static int open_in_place(struct reader *reader, struct age_place place, size_t size,
                         struct pack_error *error)
{
    return age_chunk_open(reader->chunk, place, reader->sealed, size)
               ? 0
               : fail_chunk(reader, place, size, error);
}

/* In a file of unknown size a full chunk that is not authentic as another may be the last. */
static int open_uncounted(struct reader *reader, struct age_place *place, size_t size,
                          struct pack_error *error)
{
    uint8_t byte = 0;
    size_t got = 0;
    if (size == AGE_SEALED_CHUNK && age_chunk_open(reader->chunk, *place, reader->sealed, size))
        return 0;
    place->last = true;
    int code = open_in_place(reader, *place, size, error);
    if (code == 0)
        code = age_source_read(&reader->source, offset_of(reader, place->index) + size, &byte, 1,
                               &got, error);
    if (code == 0 && got != 0)
        return pack_fail(error, PACK_E_CORRUPT, "more follows the last chunk of the age file");
    reader->chunks = place->index + 1;
    reader->counted = code == 0;
    return code;
}

static int read_sealed(struct reader *reader, uint64_t index, size_t *size,
                       struct pack_error *error)
{
    const int code = age_source_read(&reader->source, offset_of(reader, index), reader->sealed,
                                     AGE_SEALED_CHUNK, size, error);
    if (code == 0 && *size < AGE_TAG_SIZE)
        return pack_fail(error, PACK_E_CORRUPT, "the age file is cut short");
    return code;
}

static int open_chunk(struct reader *reader, uint64_t index, struct pack_error *error)
{
    struct age_place place = {index, reader->counted && index + 1 == reader->chunks};
    size_t size = 0;
    int code = read_sealed(reader, index, &size, error);
    if (code == 0)
        code = reader->counted ? open_in_place(reader, place, size, error)
                               : open_uncounted(reader, &place, size, error);
    if (code != 0)
        return code;
    if (place.last && index != 0 && reader->chunk->size == 0)
        return pack_fail(error, PACK_E_CORRUPT, "the last chunk of the age file is empty");
    reader->ended |= place.last;
    return 0;
}

static int load(struct reader *reader, uint64_t index, struct pack_error *error)
{
    if (reader->loaded && reader->index == index)
        return 0;
    reader->loaded = false;
    const int code = open_chunk(reader, index, error);
    if (code != 0) {
        pack_at_offset(error, offset_of(reader, index));
        return pack_at_file(error, reader->input.name);
    }
    reader->loaded = true;
    reader->index = index;
    return 0;
}

/*
 * Loads the chunk, or finds that there is none: *exists. That is believed only of a last chunk
 * which is authentic. Where the size is unknown no chunk is passed over.
 */
static int seek(struct reader *reader, uint64_t index, bool *exists, struct pack_error *error)
{
    int code = 0;
    *exists = false;
    if (!reader->counted) {
        for (uint64_t next = reader->loaded ? reader->index + 1 : 0;
             code == 0 && !reader->counted && next <= index; next++)
            code = load(reader, next, error);
    }
    if (code != 0)
        return code;
    *exists = !reader->counted || index < reader->chunks;
    if (*exists)
        return load(reader, index, error);
    return reader->ended ? 0 : load(reader, reader->chunks - 1, error);
}

static int read_at(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                   size_t *got, struct pack_error *error)
{
    struct reader *reader = (struct reader *)input;
    *got = 0;
    while (*got < size) {
        const uint64_t at = offset + *got;
        const size_t within = (size_t)(at % PACK_AGE_CHUNK);
        bool exists = false;
        const int code = seek(reader, at / PACK_AGE_CHUNK, &exists, error);
        if (code != 0 || !exists || within >= reader->chunk->size)
            return code;
        const size_t piece = (size_t)pack_min(size - *got, reader->chunk->size - within);
        memcpy((uint8_t *)buffer + *got, reader->chunk->plain + within, piece);
        *got += piece;
    }
    return 0;
}

static void reader_close(struct pack_input *input)
{
    struct reader *reader = (struct reader *)input;
    age_source_close(&reader->source);
    pack_guarded_free(&reader->chunk);
    free(reader);
}

static void reader_free(struct reader **reader)
{
    if (*reader != NULL)
        reader_close(&(*reader)->input);
    *reader = NULL;
}

/* --- opening --------------------------------------------------------------------------------- */

/* Sizes follow from the stored size; the last chunk must prove them. */
static int measure(struct reader *reader, struct pack_error *error)
{
    const struct pack_input *stored = reader->source.input;
    struct pack_input *input = &reader->input;
    input->seekable = stored->seekable;
    input->has_size = stored->has_size;
    if (!stored->has_size)
        return 0;
    const uint64_t payload = stored->size > reader->payload ? stored->size - reader->payload : 0;
    reader->chunks = pack_pieces(payload, AGE_SEALED_CHUNK);
    reader->counted = true;
    const uint64_t last =
        payload - (reader->chunks == 0 ? 0 : reader->chunks - 1) * AGE_SEALED_CHUNK;
    if (last < AGE_TAG_SIZE) {
        pack_fail(error, PACK_E_CORRUPT, "the age file is cut short");
        return pack_at_offset(error, stored->size);
    }
    input->size = payload - reader->chunks * AGE_TAG_SIZE;
    return 0;
}

static int read_nonce(struct reader *reader, const struct age_header *header,
                      uint8_t nonce[AGE_NONCE_SIZE], struct pack_error *error)
{
    size_t got = 0;
    const int code =
        age_source_read(&reader->source, header->text.size, nonce, AGE_NONCE_SIZE, &got, error);
    if (code == 0 && got < AGE_NONCE_SIZE)
        return pack_fail(error, PACK_E_MALFORMED, "the age file is cut short behind its header");
    reader->payload = header->text.size + AGE_NONCE_SIZE;
    return code;
}

static int start(struct reader *reader, const struct age_header *header,
                 const struct pack_age_identities *identities, struct pack_error *error)
{
    PACK_AUTO_GUARDED struct age_secrets *secrets = NULL;
    uint8_t nonce[AGE_NONCE_SIZE];
    int code = pack_guarded_new(&secrets, sizeof *secrets, error);
    if (code == 0)
        code = pack_guarded_new(&reader->chunk, sizeof *reader->chunk, error);
    if (code == 0)
        code = unlock(secrets, header, identities, reader->input.name, error);
    if (code == 0)
        code = read_nonce(reader, header, nonce, error);
    if (code != 0)
        return code;
    age_payload_key(secrets, nonce, reader->chunk->key);
    return measure(reader, error);
}

int pack_age_open(struct pack_input **plain, struct pack_input *input,
                  const struct pack_age_identities *identities, struct pack_error *error)
{
    static const struct pack_input_ops ops = {.read_at = read_at, .close = reader_close};
    PACK_AUTO(reader_free) struct reader *reader = NULL;
    struct age_header header;
    *plain = NULL;
    int code = pack_allocate(&reader, 1, sizeof *reader, error);
    if (code != 0)
        return code;
    reader->input = (struct pack_input){.ops = &ops, .name = input->name};
    code = age_source_open(&reader->source, &header, input, error);
    if (code == 0)
        code = start(reader, &header, identities, error);
    if (code != 0)
        return pack_at_file(error, input->name);
    *plain = &pack_steal(&reader)->input;
    return 0;
}

static void close_source(struct age_source *source)
{
    age_source_close(source);
}

int pack_age_info(struct pack_age_info *info, struct pack_input *input, struct pack_error *error)
{
    PACK_AUTO(close_source) struct age_source source = {0};
    struct age_header header;
    *info = (struct pack_age_info){0};
    const int code = age_source_open(&source, &header, input, error);
    if (code != 0)
        return code;
    *info = (struct pack_age_info){
        .header_size = header.text.size + AGE_NONCE_SIZE,
        .recipient_count = header.recipient_count,
        .passphrase = header.passphrase,
        .armored = source.decoded != NULL,
    };
    return 0;
}
