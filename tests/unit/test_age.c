/* SPDX-License-Identifier: MIT */
/* age files: their grammar, what is refused, chunks and ranges, and what is written. */
#include "age/header.h"
#include "age/parties.h"
#include "age_bytes.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "crypto/ed25519.h"
#include "pack/age.h"

#include <stdlib.h>

#define AUTO_INPUT PACK_AUTO(pack_input_close)
#define AUTO_IDENTITIES PACK_AUTO(pack_age_identities_free)
#define AUTO_RECIPIENTS PACK_AUTO(pack_age_recipients_free)
#define AUTO_WRITER PACK_AUTO(pack_age_writer_free)

/* --- helpers --------------------------------------------------------------------------------- */

static int say(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
               size_t *length, struct pack_error *error)
{
    (void)confirm;
    (void)error;
    assert_true(what[0] != '\0');
    *length = strlen(user);
    assert_true(*length < capacity);
    memcpy(buffer, user, *length + 1);
    return 0;
}

static const char *age_variable(const char *name)
{
    static const struct {
        const char *name, *value;
    } variables[] = {{"one", age_secret}, {"two", age_secret_2}, {"stranger", age_secret_stranger}};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (strcmp(variables[i].name, name) == 0)
            return variables[i].value;
    return NULL;
}

static const struct pack_signing_access access_to_variables = {
    .files = {.environment = age_variable}};

/* Identities by their variables, blank between them; the passphrase may be NULL. */
static struct pack_age_identities *identities_of(const char *names, const char *passphrase)
{
    struct pack_error error = {0};
    struct pack_age_identities *identities = NULL;
    assert_pack_ok(pack_age_identities_new(&identities, &error));
    for (const char *at = names; *at != '\0'; at += strspn(at, " ")) {
        char name[32] = "env:";
        const size_t size = strcspn(at, " ");
        memcpy(name + 4, at, size);
        assert_pack_ok(pack_age_identities_add(identities, name, &access_to_variables, &error));
        at += size;
    }
    const struct pack_passphrase answer = {passphrase != NULL ? say : NULL,
                                           (void *)(uintptr_t)passphrase};
    pack_age_identities_ask(identities, &answer);
    return identities;
}

static struct pack_input *input_of(const uint8_t *bytes, size_t size, bool forward)
{
    struct pack_error error = {0};
    struct pack_input *memory = NULL, *input = NULL;
    assert_pack_ok(pack_input_memory(&memory, bytes, size, "some.age", &error));
    if (!forward)
        return memory;
    assert_pack_ok(pack_input_forward(&input, memory, &error));
    return input;
}

/* All of a file, in pieces, into `plain`; returns the code. */
static int decrypt(const uint8_t *bytes, size_t size, bool forward,
                   const struct pack_age_identities *identities, struct pack_buffer *plain,
                   struct pack_error *error)
{
    AUTO_INPUT struct pack_input *input = input_of(bytes, size, forward);
    AUTO_INPUT struct pack_input *opened = NULL;
    uint8_t piece[10007];
    size_t got = sizeof piece;
    int code = pack_age_open(&opened, input, identities, error);
    while (code == 0 && got == sizeof piece) {
        code = pack_input_read(opened, plain->size, piece, sizeof piece, &got, error);
        if (code == 0)
            code = pack_buffer_append(plain, piece, got, error);
    }
    if (code == 0 && opened->has_size)
        assert_int_equal(opened->size, plain->size);
    return code;
}

static void expect_plain(const struct pack_buffer *plain, size_t size)
{
    assert_int_equal(plain->size, size);
    for (size_t i = 0; i < size; i++)
        if (plain->bytes[i] != age_plain_byte(i))
            fail_msg("byte %zu differs", i);
}

/* --- vectors --------------------------------------------------------------------------------- */

#define VERSION "age-encryption.org/v1\n"
#define FOR_ONE "-> X25519 {share}\n{body}\n"
#define FOR_TWO "-> X25519 {share2}\n{body2}\n"
#define FOR_WORDS "-> scrypt {salt} 10\n{wrapped}\n"
#define MAC "--- {mac}\n"
#define GOOD VERSION FOR_ONE MAC
#define FULL_LINE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define END                    \
    {                          \
        .index = AGE_CHUNK_END \
    }

struct vector {
    const char *name; /* as C2SP's, where it has one of the same kind */
    const char *header;
    int code;
    const char *says; /* NULL: anything */
    const struct age_piece *pieces;
    const char *identities; /* NULL: the first */
    const char *passphrase; /* NULL: the right one */
};

static const struct vector header_vectors[] = {
    {"x25519", GOOD, 0, NULL, NULL, NULL, NULL},
    {"x25519_second_identity", GOOD, 0, NULL, NULL, "stranger one", NULL},
    {"x25519_multiple_recipients", VERSION FOR_TWO FOR_ONE MAC, 0, NULL, NULL, NULL, NULL},
    {"x25519_both_identities", VERSION FOR_TWO FOR_ONE MAC, 0, NULL, NULL, "one two", NULL},
    {"x25519_grease",
     VERSION "-> grease\n\n-> something-grease x y z\n" FULL_LINE "AAAA\n" FOR_ONE MAC, 0, NULL,
     NULL, NULL, NULL},
    {"x25519_no_match", GOOD, PACK_E_KEY_STORE,
     "encrypted to 1 recipient, and the identity given is not among them", NULL, "stranger", NULL},
    {"x25519_no_match_of_two", VERSION FOR_TWO FOR_ONE MAC, PACK_E_KEY_STORE,
     "encrypted to 2 recipients, and the identity given is not among them", NULL, "stranger", NULL},
    {"x25519_no_match_greased", VERSION FOR_TWO FOR_ONE "-> a-grease\n\n" MAC, PACK_E_KEY_STORE,
     "encrypted to 2 recipients, and none of the identities given is among them", NULL,
     "stranger stranger", NULL},
    {"x25519_no_identity", GOOD, PACK_E_KEY_STORE,
     "encrypted to 1 recipient, and no identity is given", NULL, "", NULL},
    {"x25519_bad_tag", VERSION "-> X25519 {share}\n{bad-body}\n" MAC, PACK_E_KEY_STORE, NULL, NULL,
     NULL, NULL},
    {"x25519_lowercase", VERSION "-> x25519 {share}\n{body}\n" MAC, PACK_E_KEY_STORE, NULL, NULL,
     NULL, NULL},
    {"x25519_extra_argument", VERSION "-> X25519 {share} x\n{body}\n" MAC, PACK_E_MALFORMED,
     "2 arguments, 1 wanted", NULL, NULL, NULL},
    {"x25519_no_argument", VERSION "-> X25519\n{body}\n" MAC, PACK_E_MALFORMED,
     "0 arguments, 1 wanted", NULL, NULL, NULL},
    {"x25519_identity", VERSION "-> X25519 {zero-share}\n{body}\n" MAC, PACK_E_MALFORMED,
     "point of low order", NULL, NULL, NULL},
    {"x25519_low_order", VERSION "-> X25519 {low-share}\n{body}\n" MAC, PACK_E_MALFORMED,
     "point of low order", NULL, NULL, NULL},
    {"x25519_short_share", VERSION "-> X25519 {short-share}\n{body}\n" MAC, PACK_E_MALFORMED,
     "canonical base64 of 32 bytes", NULL, NULL, NULL},
    {"x25519_long_share", VERSION "-> X25519 {long-share}\n{body}\n" MAC, PACK_E_MALFORMED,
     "canonical base64 of 32 bytes", NULL, NULL, NULL},
    {"x25519_padded_share", VERSION "-> X25519 {share}=\n{body}\n" MAC, PACK_E_MALFORMED,
     "canonical base64 of 32 bytes", NULL, NULL, NULL},
    {"x25519_not_canonical_share",
     VERSION "-> X25519 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n{body}\n" MAC,
     PACK_E_MALFORMED, "canonical base64 of 32 bytes", NULL, NULL, NULL},
    {"x25519_not_canonical_body",
     VERSION "-> X25519 {share}\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n" MAC,
     PACK_E_MALFORMED, "body is not canonical base64", NULL, NULL, NULL},
    {"x25519_long_file_key", VERSION "-> X25519 {share}\n{long-body}\n" MAC, PACK_E_MALFORMED,
     "41 bytes, 32 wanted", NULL, NULL, NULL},
    {"x25519_short_body", VERSION "-> X25519 {share}\nAAAA\n" MAC, PACK_E_MALFORMED,
     "3 bytes, 32 wanted", NULL, NULL, NULL},

    {"scrypt", VERSION FOR_WORDS MAC, 0, NULL, NULL, NULL, NULL},
    {"scrypt_no_match", VERSION FOR_WORDS MAC, PACK_E_PASSPHRASE, "passphrase is wrong", NULL, NULL,
     "incorrect horse"},
    {"scrypt_bad_tag", VERSION "-> scrypt {salt} 10\n{bad-wrapped}\n" MAC, PACK_E_PASSPHRASE,
     "passphrase is wrong", NULL, NULL, NULL},
    {"scrypt_work_factor_wrong", VERSION "-> scrypt {salt} 11\n{wrapped}\n" MAC, PACK_E_PASSPHRASE,
     "passphrase is wrong", NULL, NULL, NULL},
    {"scrypt_uppercase", VERSION "-> Scrypt {salt} 10\n{wrapped}\n" MAC, PACK_E_KEY_STORE, NULL,
     NULL, NULL, NULL},
    {"scrypt_double", VERSION FOR_WORDS FOR_WORDS MAC, PACK_E_MALFORMED, "beside another", NULL,
     NULL, NULL},
    {"scrypt_and_x25519", VERSION FOR_WORDS FOR_ONE MAC, PACK_E_MALFORMED, "beside another", NULL,
     NULL, NULL},
    {"x25519_and_scrypt", VERSION FOR_ONE FOR_WORDS MAC, PACK_E_MALFORMED, "beside another", NULL,
     NULL, NULL},
    {"scrypt_and_grease", VERSION FOR_WORDS "-> x-grease\n\n" MAC, PACK_E_MALFORMED,
     "beside another", NULL, NULL, NULL},
    {"scrypt_extra_argument", VERSION "-> scrypt {salt} 10 10\n{wrapped}\n" MAC, PACK_E_MALFORMED,
     "3 arguments, 2 wanted", NULL, NULL, NULL},
    {"scrypt_salt_missing", VERSION "-> scrypt 10\n{wrapped}\n" MAC, PACK_E_MALFORMED,
     "1 arguments, 2 wanted", NULL, NULL, NULL},
    {"scrypt_salt_short", VERSION "-> scrypt {salt8} 10\n{wrapped}\n" MAC, PACK_E_MALFORMED,
     "canonical base64 of 16 bytes", NULL, NULL, NULL},
    {"scrypt_salt_long", VERSION "-> scrypt {salt24} 10\n{wrapped}\n" MAC, PACK_E_MALFORMED,
     "canonical base64 of 16 bytes", NULL, NULL, NULL},
    {"scrypt_not_canonical_salt", VERSION "-> scrypt AAAAAAAAAAAAAAAAAAAAAB 10\n{wrapped}\n" MAC,
     PACK_E_MALFORMED, "canonical base64 of 16 bytes", NULL, NULL, NULL},
    {"scrypt_long_file_key", VERSION "-> scrypt {salt} 10\n{long-wrapped}\n" MAC, PACK_E_MALFORMED,
     "41 bytes, 32 wanted", NULL, NULL, NULL},
    {"scrypt_work_factor_21", VERSION "-> scrypt {salt} 21\n{wrapped}\n" MAC, PACK_E_LIMIT,
     "at most 2^20", NULL, NULL, NULL},
    {"scrypt_work_factor_23", VERSION "-> scrypt {salt} 23\n{wrapped}\n" MAC, PACK_E_LIMIT,
     "at most 2^20", NULL, NULL, NULL},
    {"scrypt_work_factor_overflow",
     VERSION "-> scrypt {salt} 18446744073709551626\n{wrapped}\n" MAC, PACK_E_LIMIT, "at most 2^20",
     NULL, NULL, NULL},
    {"scrypt_work_factor_zero", VERSION "-> scrypt {salt} 0\n{wrapped}\n" MAC, PACK_E_MALFORMED,
     "work factor", NULL, NULL, NULL},
    {"scrypt_work_factor_negative", VERSION "-> scrypt {salt} -10\n{wrapped}\n" MAC,
     PACK_E_MALFORMED, "work factor", NULL, NULL, NULL},
    {"scrypt_work_factor_leading_plus", VERSION "-> scrypt {salt} +10\n{wrapped}\n" MAC,
     PACK_E_MALFORMED, "work factor", NULL, NULL, NULL},
    {"scrypt_work_factor_leading_zero", VERSION "-> scrypt {salt} 010\n{wrapped}\n" MAC,
     PACK_E_MALFORMED, "work factor", NULL, NULL, NULL},
    {"scrypt_work_factor_hex", VERSION "-> scrypt {salt} 0xa\n{wrapped}\n" MAC, PACK_E_MALFORMED,
     "work factor", NULL, NULL, NULL},
    {"scrypt_work_factor_trailing_garbage", VERSION "-> scrypt {salt} 10a\n{wrapped}\n" MAC,
     PACK_E_MALFORMED, "work factor", NULL, NULL, NULL},
    {"scrypt_work_factor_missing", VERSION "-> scrypt {salt}\n{wrapped}\n" MAC, PACK_E_MALFORMED,
     "1 arguments, 2 wanted", NULL, NULL, NULL},

    {"hmac_bad", VERSION FOR_ONE "--- {bad-mac}\n", PACK_E_CORRUPT, "MAC differs", NULL, NULL,
     NULL},
    {"hmac_garbage", VERSION FOR_ONE "--- AAAA\n", PACK_E_MALFORMED, "last line", NULL, NULL, NULL},
    {"hmac_missing", VERSION FOR_ONE "---\n", PACK_E_MALFORMED, "last line", NULL, NULL, NULL},
    {"hmac_no_space", VERSION FOR_ONE "---{mac}\n", PACK_E_MALFORMED, "last line", NULL, NULL,
     NULL},
    {"hmac_extra_space", VERSION FOR_ONE "---  {mac}\n", PACK_E_MALFORMED, "last line", NULL, NULL,
     NULL},
    {"hmac_trailing_space", VERSION FOR_ONE "--- {mac} \n", PACK_E_MALFORMED, "last line", NULL,
     NULL, NULL},
    {"hmac_padded", VERSION FOR_ONE "--- {mac}=\n", PACK_E_MALFORMED, "last line", NULL, NULL,
     NULL},
    {"hmac_truncated", VERSION FOR_ONE "--- {short-mac}\n", PACK_E_MALFORMED, "last line", NULL,
     NULL, NULL},
    {"hmac_not_canonical", VERSION FOR_ONE "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n",
     PACK_E_MALFORMED, "last line", NULL, NULL, NULL},
    {"hmac_crlf", VERSION FOR_ONE "--- {mac}\r\n", PACK_E_MALFORMED, "last line", NULL, NULL, NULL},

    {"stanza_empty_body", VERSION "-> empty\n\n" FOR_ONE MAC, 0, NULL, NULL, NULL, NULL},
    {"stanza_empty_last_line", VERSION "-> full\n" FULL_LINE "\n" FOR_ONE MAC, 0, NULL, NULL, NULL,
     NULL},
    {"stanza_valid_characters", VERSION "-> !\"#$%&' ()*+,-./ :;<=>?@ [\\]^_` {|}~\n\n" FOR_ONE MAC,
     0, NULL, NULL, NULL, NULL},
    {"stanza_invalid_character", VERSION "-> st\x7fnza\n\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "neither a recipient", NULL, NULL, NULL},
    {"stanza_not_ascii", VERSION "-> st\xc3\xa4nza\n\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "neither a recipient", NULL, NULL, NULL},
    {"stanza_missing_body", VERSION "-> empty\n" FOR_ONE MAC, PACK_E_MALFORMED, NULL, NULL, NULL,
     NULL},
    {"stanza_missing_final_line", VERSION "-> full\n" FULL_LINE FOR_ONE MAC, PACK_E_MALFORMED, NULL,
     NULL, NULL, NULL},
    {"stanza_multiple_short_lines", VERSION "-> short\nAAAA\nAAAA\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "neither a recipient", NULL, NULL, NULL},
    {"stanza_long_line", VERSION "-> long\nAAAA" FULL_LINE FOR_ONE MAC, PACK_E_MALFORMED,
     "more than 64 characters", NULL, NULL, NULL},
    {"stanza_no_arguments", VERSION "-> \n\n" FOR_ONE MAC, PACK_E_MALFORMED, "neither a recipient",
     NULL, NULL, NULL},
    {"stanza_empty_argument", VERSION "-> a  b\n\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "neither a recipient", NULL, NULL, NULL},
    {"stanza_trailing_blank", VERSION "-> a \n\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "neither a recipient", NULL, NULL, NULL},
    {"stanza_bad_start", VERSION "->empty\n\n" FOR_ONE MAC, PACK_E_MALFORMED, "neither a recipient",
     NULL, NULL, NULL},
    {"stanza_base64_padding", VERSION "-> padded\nAA==\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "canonical base64", NULL, NULL, NULL},
    {"stanza_not_canonical", VERSION "-> bits\nAB\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "canonical base64", NULL, NULL, NULL},
    {"stanza_spurious_cr", VERSION "-> cr\nAAAA\r\n" FOR_ONE MAC, PACK_E_MALFORMED,
     "canonical base64", NULL, NULL, NULL},
    {"stanza_none", VERSION MAC, PACK_E_MALFORMED, "neither a recipient", NULL, NULL, NULL},
    {"header_crlf", "age-encryption.org/v1\r\n-> X25519 {share}\r\n{body}\r\n--- {mac}\r\n",
     PACK_E_MALFORMED, "carriage returns", NULL, NULL, NULL},
    {"version_unsupported", "age-encryption.org/v1234\n" FOR_ONE MAC, PACK_E_UNSUPPORTED,
     "another version of age", NULL, NULL, NULL},
    {"version_empty", "age-encryption.org/\n" FOR_ONE MAC, PACK_E_UNSUPPORTED, NULL, NULL, NULL,
     NULL},
    {"version_wrong", "age-encryption.com/v1\n" FOR_ONE MAC, PACK_E_MALFORMED, "not an age file",
     NULL, NULL, NULL},
};

/* Chunks are told by their index, the mark of the last, their plain size, and what was cut off. */
#define FULL 65536
static const struct vector payload_vectors[] = {
    {"stream_empty_payload", GOOD, 0, NULL, (const struct age_piece[]){{0, true, 0, 0, false}, END},
     NULL, NULL},
    {"stream_last_chunk_full", GOOD, 0, NULL,
     (const struct age_piece[]){{0, true, FULL, 0, false}, END}, NULL, NULL},
    {"stream_two_chunks", GOOD, 0, NULL,
     (const struct age_piece[]){{0, false, FULL, 0, false}, {1, true, 1, 0, false}, END}, NULL,
     NULL},
    {"stream_last_chunk_full_second", GOOD, 0, NULL,
     (const struct age_piece[]){{0, false, FULL, 0, false}, {1, true, FULL, 0, false}, END}, NULL,
     NULL},
    {"stream_three_chunks", GOOD, 0, NULL,
     (const struct age_piece[]){
         {0, false, FULL, 0, false}, {1, false, FULL, 0, false}, {2, true, 77, 0, false}, END},
     NULL, NULL},
    {"stream_last_chunk_empty", GOOD, PACK_E_CORRUPT, "is empty",
     (const struct age_piece[]){{0, false, FULL, 0, false}, {1, true, 0, 0, false}, END}, NULL,
     NULL},
    {"stream_no_nonce", GOOD, PACK_E_MALFORMED, "cut short behind its header",
     (const struct age_piece[]){{0, false, 0, AGE_NO_NONCE + 16, false}}, NULL, NULL},
    {"stream_short_nonce", GOOD, PACK_E_MALFORMED, "cut short behind its header",
     (const struct age_piece[]){{0, false, 0, AGE_NO_NONCE + 4, false}}, NULL, NULL},
    {"stream_no_chunks", GOOD, PACK_E_CORRUPT, "cut short",
     (const struct age_piece[]){{0, false, 0, AGE_NO_NONCE, false}}, NULL, NULL},
    {"stream_short_chunk", GOOD, PACK_E_CORRUPT, "cut short",
     (const struct age_piece[]){{0, true, 5, 6, false}, END}, NULL, NULL},
    {"stream_cut_chunk", GOOD, PACK_E_CORRUPT, "not authentic",
     (const struct age_piece[]){{0, true, 5, 1, false}, END}, NULL, NULL},
    {"stream_short_second_chunk", GOOD, PACK_E_CORRUPT, "cut short",
     (const struct age_piece[]){{0, false, FULL, 0, false}, {1, true, 5, 6, false}, END}, NULL,
     NULL},
    {"stream_bad_tag", GOOD, PACK_E_CORRUPT, "chunk 0 of the age file is not authentic",
     (const struct age_piece[]){{0, true, 5, 0, true}, END}, NULL, NULL},
    {"stream_bad_tag_second_chunk", GOOD, PACK_E_CORRUPT,
     "chunk 1 of the age file is not authentic",
     (const struct age_piece[]){{0, false, FULL, 0, false}, {1, true, 5, 0, true}, END}, NULL,
     NULL},
    {"stream_bad_tag_second_chunk_full", GOOD, PACK_E_CORRUPT,
     "chunk 1 of the age file is not authentic",
     (const struct age_piece[]){{0, false, FULL, 0, false}, {1, true, FULL, 0, true}, END}, NULL,
     NULL},
    {"stream_no_final", GOOD, PACK_E_CORRUPT, "cut short",
     (const struct age_piece[]){{0, false, 5, 0, false}, END}, NULL, NULL},
    {"stream_no_final_full", GOOD, PACK_E_CORRUPT, "cut short",
     (const struct age_piece[]){{0, false, FULL, 0, false}, END}, NULL, NULL},
    {"stream_no_final_two_chunks_full", GOOD, PACK_E_CORRUPT, "cut short",
     (const struct age_piece[]){{0, false, FULL, 0, false}, {1, false, FULL, 0, false}, END}, NULL,
     NULL},
    {"stream_trailing_garbage_short", GOOD, PACK_E_CORRUPT, NULL,
     (const struct age_piece[]){{0, true, FULL, -1, false}, END}, NULL, NULL},
    {"stream_trailing_garbage_long", GOOD, PACK_E_CORRUPT, "more follows",
     (const struct age_piece[]){{0, true, FULL, -20, false}, END}, NULL, NULL},
    {"stream_two_final_chunks", GOOD, PACK_E_CORRUPT, "more follows",
     (const struct age_piece[]){{0, true, FULL, 0, false}, {1, true, 5, 0, false}, END}, NULL,
     NULL},
    {"stream_two_final_chunks_short", GOOD, PACK_E_CORRUPT, "not authentic",
     (const struct age_piece[]){{0, true, 5, 0, false}, {1, true, 5, 0, false}, END}, NULL, NULL},
    {"stream_swapped", GOOD, PACK_E_CORRUPT, "chunk 0 of the age file is not authentic",
     (const struct age_piece[]){{1, false, FULL, 0, false}, {0, true, 5, 0, false}, END}, NULL,
     NULL},
    {"stream_short_chunk_within", GOOD, PACK_E_CORRUPT, "not authentic",
     (const struct age_piece[]){{0, false, 5, 0, false}, {1, true, 5, 0, false}, END}, NULL, NULL},
};

static void try_vector(const struct vector *vector, bool forward)
{
    AUTO_AGE_FILE struct age_file file = age_file_make(vector->header, vector->pieces);
    AUTO_IDENTITIES struct pack_age_identities *identities =
        identities_of(vector->identities != NULL ? vector->identities : "one",
                      vector->passphrase != NULL ? vector->passphrase : age_passphrase_text);
    PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = 1 << 20};
    struct pack_error error = {0};
    const int code = decrypt(file.bytes, file.size, forward, identities, &plain, &error);
    if (code != vector->code || (vector->says != NULL && strstr(error.text, vector->says) == NULL))
        fail_msg("%s%s: %s: %s", vector->name, forward ? ", from a pipe" : "",
                 pack_code_id((enum pack_code)code), error.text);
    for (size_t i = 0; i < plain.size; i++)
        if (plain.bytes[i] != age_plain_byte(i))
            fail_msg("%s: byte %zu differs", vector->name, i);
}

static void try_vectors(const struct vector *vectors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        try_vector(&vectors[i], false);
        try_vector(&vectors[i], true);
    }
}

static void test_header_vectors(void **state)
{
    (void)state;
    try_vectors(header_vectors, sizeof header_vectors / sizeof header_vectors[0]);
}

static void test_payload_vectors(void **state)
{
    (void)state;
    try_vectors(payload_vectors, sizeof payload_vectors / sizeof payload_vectors[0]);
}

/* --- damage ---------------------------------------------------------------------------------- */

#define TWO_RECIPIENTS VERSION FOR_TWO "-> x-grease y\nAAAA\n" FOR_ONE MAC

static void test_each_truncation_is_refused(void **state)
{
    (void)state;
    AUTO_AGE_FILE struct age_file file = age_file_make(TWO_RECIPIENTS, NULL);
    AUTO_IDENTITIES struct pack_age_identities *identities = identities_of("one", NULL);
    for (size_t size = 0; size < 2 * file.size; size++) {
        PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = 100};
        struct pack_error error = {0};
        const int code = decrypt(file.bytes, size / 2, size % 2 != 0, identities, &plain, &error);
        if (code != PACK_E_MALFORMED && code != PACK_E_CORRUPT)
            fail_msg("%zu bytes: %s: %s", size / 2, pack_code_id((enum pack_code)code), error.text);
        assert_int_equal(plain.size, 0);
    }
}

/* Whatever bit is changed, of header, nonce or chunk, no byte comes out. */
static void test_each_changed_bit_is_refused(void **state)
{
    (void)state;
    AUTO_AGE_FILE struct age_file file = age_file_make(TWO_RECIPIENTS, NULL);
    AUTO_IDENTITIES struct pack_age_identities *identities = identities_of("one", NULL);
    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = 100};
        struct pack_error error = {0};
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (decrypt(file.bytes, file.size, false, identities, &plain, &error) == 0)
            fail_msg("bit %zu of byte %zu may be changed", bit % 8, bit / 8);
        assert_int_equal(plain.size, 0);
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void test_a_long_header_is_refused(void **state)
{
    (void)state;
    enum { SIZE = 2 * PACK_MAX_AGE_HEADER };
    static const char start[] = VERSION "-> long\n";
    PACK_AUTO_FREE uint8_t *bytes = malloc(SIZE);
    struct pack_error error = {0};
    struct pack_age_info info;
    assert_non_null(bytes);
    memcpy(bytes, start, sizeof start - 1);
    for (size_t i = sizeof start - 1; i < SIZE; i++)
        bytes[i] = (i - sizeof start + 1) % 65 == 64 ? '\n' : 'A';
    AUTO_INPUT struct pack_input *input = input_of(bytes, SIZE, false);
    assert_pack_fails(pack_age_info(&info, input, &error), PACK_E_LIMIT);
    assert_pack_says("1048576 bytes");
}

static void test_many_stanzas_are_refused(void **state)
{
    (void)state;
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = PACK_MAX_AGE_HEADER};
    struct pack_error error = {0};
    struct age_header header;
    assert_pack_ok(pack_buffer_print(&text, &error, VERSION));
    for (size_t i = 0; i <= PACK_MAX_AGE_RECIPIENTS; i++)
        assert_pack_ok(pack_buffer_print(&text, &error, "-> a\n\n"));
    assert_pack_ok(pack_buffer_print(&text, &error, "--- "));
    assert_pack_fails(age_header_parse(&header, text.bytes, text.size, &error), PACK_E_LIMIT);
    assert_pack_says("more than 4096 recipients");
}

/* --- what a header says ---------------------------------------------------------------------- */

static void test_info(void **state)
{
    (void)state;
    AUTO_AGE_FILE struct age_file keys = age_file_make(TWO_RECIPIENTS, NULL);
    AUTO_AGE_FILE struct age_file words = age_file_make(VERSION FOR_WORDS MAC, NULL);
    AUTO_INPUT struct pack_input *keys_input = input_of(keys.bytes, keys.size, true);
    AUTO_INPUT struct pack_input *words_input = input_of(words.bytes, words.size, false);
    struct pack_error error = {0};
    struct pack_age_info info;
    assert_pack_ok(pack_age_info(&info, keys_input, &error));
    assert_int_equal(info.recipient_count, 2);
    assert_int_equal(info.header_size, keys.header_size + 16);
    assert_false(info.passphrase || info.armored);
    assert_pack_ok(pack_age_info(&info, words_input, &error));
    assert_int_equal(info.recipient_count, 1);
    assert_true(info.passphrase);
}

/* --- writing --------------------------------------------------------------------------------- */

/* A sink into a buffer. */
struct memory {
    struct pack_sink sink;
    struct pack_buffer bytes;
};

static int memory_write(struct pack_sink *sink, const void *bytes, size_t size,
                        struct pack_error *error)
{
    return pack_buffer_append(&((struct memory *)sink)->bytes, bytes, size, error);
}

static const struct pack_sink_ops memory_ops = {.write = memory_write};

static void memory_clear(struct memory *memory)
{
    pack_buffer_clear(&memory->bytes);
}
#define AUTO_MEMORY __attribute__((cleanup(memory_clear)))

static struct memory memory_new(void)
{
    return (struct memory){.sink = {&memory_ops}, .bytes = {.limit = 8 << 20}};
}

static struct pack_age_recipients *recipients_of(const char *name, size_t count)
{
    struct pack_error error = {0};
    struct pack_age_recipients *recipients = NULL;
    assert_pack_ok(pack_age_recipients_new(&recipients, &error));
    assert_pack_ok(pack_age_recipients_add(recipients, name, &error));
    assert_int_equal(pack_age_recipients_count(recipients), count);
    return recipients;
}

/* Encrypts age_plain_byte(0…) in pieces of an odd size. */
static void encrypt(struct memory *memory, const struct pack_age_recipients *recipients,
                    size_t size)
{
    AUTO_WRITER struct pack_age_writer *writer = NULL;
    struct pack_error error = {0};
    uint8_t piece[30011];
    assert_pack_ok(pack_age_writer_new(&writer, recipients, &memory->sink, &error));
    assert_int_equal(memory->bytes.size, pack_age_header_size(recipients));
    for (size_t done = 0; done < size;) {
        const size_t count = size - done < sizeof piece ? size - done : sizeof piece;
        for (size_t i = 0; i < count; i++)
            piece[i] = age_plain_byte(done + i);
        assert_pack_ok(pack_sink_write(pack_age_writer_sink(writer), piece, count, &error));
        done += count;
    }
    assert_pack_ok(pack_age_writer_finish(writer, &error));
    assert_int_equal(memory->bytes.size, pack_age_size(pack_age_header_size(recipients), size));
}

static void test_round_trips_around_chunks(void **state)
{
    (void)state;
    static const size_t sizes[] = {0,     1,      15,      16,      65535,   65536,
                                   65537, 131072, 1048575, 1048576, 1048577, 1049000};
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = recipients_of(age_recipient, 1);
    AUTO_IDENTITIES struct pack_age_identities *identities = identities_of("one", NULL);
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++) {
        AUTO_MEMORY struct memory memory = memory_new();
        PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = 2 << 20};
        struct pack_error error = {0};
        encrypt(&memory, recipients, sizes[i / 2]);
        assert_pack_ok(
            decrypt(memory.bytes.bytes, memory.bytes.size, i % 2 != 0, identities, &plain, &error));
        expect_plain(&plain, sizes[i / 2]);
    }
}

static void test_passphrase(void **state)
{
    (void)state;
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = NULL;
    AUTO_IDENTITIES struct pack_age_identities *identities =
        identities_of("one", age_passphrase_text);
    AUTO_MEMORY struct memory memory = memory_new();
    PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = 100};
    const struct pack_passphrase answer = {say, (void *)(uintptr_t)age_passphrase_text};
    struct pack_error error = {0};
    assert_pack_ok(pack_age_recipients_new(&recipients, &error));
    assert_pack_ok(pack_age_recipients_passphrase(recipients, &answer, &error));
    assert_int_equal(recipients->work, 18);
    recipients->work = 10;
    encrypt(&memory, recipients, 5);
    assert_pack_ok(
        decrypt(memory.bytes.bytes, memory.bytes.size, true, identities, &plain, &error));
    expect_plain(&plain, 5);
}

/* What two files to the same recipient have in common tells nobody anything. */
static void test_every_file_has_keys_of_its_own(void **state)
{
    (void)state;
    enum { SHARE = sizeof VERSION - 1 + 10, MAC_END = SHARE + 43 + 1 + 43 + 1 + 4 + 43 + 1 };
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = recipients_of(age_recipient, 1);
    AUTO_MEMORY struct memory one = memory_new(), two = memory_new();
    encrypt(&one, recipients, 100);
    encrypt(&two, recipients, 100);
    const uint8_t *a = one.bytes.bytes, *b = two.bytes.bytes;
    assert_memory_equal(a, b, SHARE);
    assert_memory_not_equal(a + SHARE, b + SHARE, 43);           /* the share */
    assert_memory_not_equal(a + SHARE + 44, b + SHARE + 44, 43); /* the wrapped file key */
    assert_memory_not_equal(a + MAC_END, b + MAC_END, 16);       /* the nonce */
    assert_memory_not_equal(a + MAC_END + 16, b + MAC_END + 16, 100);
}

static void test_many_recipients(void **state)
{
    enum { MANY = 1000 };
    PACK_AUTO_FREE char *path = test_path(*state, "recipients");
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = 1 << 20};
    struct pack_error error = {0};
    for (size_t i = 0; i < MANY; i++) {
        AUTO_IDENTITIES struct pack_age_identities *made = NULL;
        PACK_AUTO_GUARDED uint8_t *secret = NULL;
        char line[PACK_AGE_TEXT_SIZE];
        assert_pack_ok(pack_guarded_new(&secret, AGE_KEY_SIZE, &error));
        memcpy(secret + 1, &i, sizeof i);
        assert_pack_ok(pack_age_identities_new(&made, &error));
        assert_pack_ok(age_identities_add_secret(made, &secret, &error));
        pack_age_identities_recipient(made, 0, line);
        assert_pack_ok(pack_buffer_print(&text, &error, "# device %zu\n%s\n\n", i, line));
    }
    assert_pack_ok(pack_buffer_print(&text, &error, "%s\n%s\n", age_recipient, age_recipient));
    test_write_file(path, text.bytes, text.size);

    AUTO_RECIPIENTS struct pack_age_recipients *recipients = recipients_of(path, MANY + 1);
    AUTO_IDENTITIES struct pack_age_identities *identities = identities_of("stranger one", NULL);
    AUTO_MEMORY struct memory memory = memory_new();
    PACK_AUTO_BUFFER struct pack_buffer plain = {.limit = 100};
    assert_true(pack_age_header_size(recipients) < (uint64_t)(MANY + 1) * 100 + 200);
    encrypt(&memory, recipients, 3);
    assert_pack_ok(
        decrypt(memory.bytes.bytes, memory.bytes.size, true, identities, &plain, &error));
    expect_plain(&plain, 3);
}

static void test_nobody_to_encrypt_to(void **state)
{
    (void)state;
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = NULL;
    AUTO_WRITER struct pack_age_writer *writer = NULL;
    AUTO_MEMORY struct memory memory = memory_new();
    struct pack_error error = {0};
    assert_pack_ok(pack_age_recipients_new(&recipients, &error));
    assert_pack_fails(pack_age_writer_new(&writer, recipients, &memory.sink, &error), PACK_E_USAGE);
    assert_int_equal(memory.bytes.size, 0);
    assert_true(pack_age_size(200, UINT64_MAX - 1000) == UINT64_MAX);
}

/* --- ranges ---------------------------------------------------------------------------------- */

static void expect_range(struct pack_input *opened, size_t offset, size_t size, size_t whole)
{
    PACK_AUTO_FREE uint8_t *bytes = malloc(size + 1);
    struct pack_error error = {0};
    size_t got = 0;
    const size_t left = offset < whole ? whole - offset : 0;
    assert_pack_ok(pack_input_read(opened, offset, bytes, size, &got, &error));
    assert_int_equal(got, size < left ? size : left);
    for (size_t i = 0; i < got; i++)
        if (bytes[i] != age_plain_byte(offset + i))
            fail_msg("byte %zu of the range at %zu differs", i, offset);
}

static void test_ranges_equal_the_whole(void **state)
{
    (void)state;
    enum { WHOLE = 5 * 65536 + 321, TIMES = 300 };
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = recipients_of(age_recipient, 1);
    AUTO_IDENTITIES struct pack_age_identities *identities = identities_of("one", NULL);
    AUTO_MEMORY struct memory memory = memory_new();
    encrypt(&memory, recipients, WHOLE);
    AUTO_INPUT struct pack_input *input = input_of(memory.bytes.bytes, memory.bytes.size, false);
    AUTO_INPUT struct pack_input *opened = NULL;
    struct pack_error error = {0};
    uint32_t random = 12345;
    assert_pack_ok(pack_age_open(&opened, input, identities, &error));
    assert_true(opened->seekable && opened->has_size);
    assert_int_equal(opened->size, WHOLE);
    for (size_t i = 0; i < TIMES; i++) {
        random = random * 1664525 + 1013904223;
        const size_t offset = (random >> 8) % (WHOLE + 1000);
        random = random * 1664525 + 1013904223;
        expect_range(opened, offset, (random >> 8) % (i % 3 == 0 ? 200000 : 100), WHOLE);
    }
}

/* A pipe passes over what is not asked for, and finds the end that nobody told it. */
static void test_ranges_of_a_pipe(void **state)
{
    (void)state;
    enum { WHOLE = 5 * 65536 };
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = recipients_of(age_recipient, 1);
    AUTO_IDENTITIES struct pack_age_identities *identities = identities_of("one", NULL);
    AUTO_MEMORY struct memory memory = memory_new();
    encrypt(&memory, recipients, WHOLE);
    AUTO_INPUT struct pack_input *input = input_of(memory.bytes.bytes, memory.bytes.size, true);
    AUTO_INPUT struct pack_input *opened = NULL;
    struct pack_error error = {0};
    assert_pack_ok(pack_age_open(&opened, input, identities, &error));
    assert_false(opened->seekable || opened->has_size);
    expect_range(opened, 10, 20, WHOLE);
    expect_range(opened, 65530, 20, WHOLE);
    expect_range(opened, 4 * 65536 + 5, 20, WHOLE);
    expect_range(opened, WHOLE - 5, 20, WHOLE);
    expect_range(opened, WHOLE + 100000, 20, WHOLE);
}

/* Only the chunks of a range are decrypted: damage elsewhere does not matter to it. */
static void test_a_range_decrypts_its_chunks_only(void **state)
{
    (void)state;
    enum { WHOLE = 4 * 65536 + 100 };
    AUTO_RECIPIENTS struct pack_age_recipients *recipients = recipients_of(age_recipient, 1);
    AUTO_IDENTITIES struct pack_age_identities *identities = identities_of("one", NULL);
    AUTO_MEMORY struct memory memory = memory_new();
    encrypt(&memory, recipients, WHOLE);
    const size_t second = (size_t)pack_age_header_size(recipients) + 65552;
    memory.bytes.bytes[second + 7] ^= 1;
    memory.bytes.bytes[memory.bytes.size - 1] ^= 1;
    AUTO_INPUT struct pack_input *input = input_of(memory.bytes.bytes, memory.bytes.size, false);
    AUTO_INPUT struct pack_input *opened = NULL;
    struct pack_error error = {0};
    uint8_t bytes[10];
    size_t got = 0;
    assert_pack_ok(pack_age_open(&opened, input, identities, &error));
    expect_range(opened, 0, 65536, WHOLE);
    expect_range(opened, 2 * 65536, 2 * 65536, WHOLE);
    assert_pack_fails(pack_input_read(opened, 65535, bytes, sizeof bytes, &got, &error),
                      PACK_E_CORRUPT);
    assert_int_equal(error.offset, second);
    assert_string_equal(error.file, "some.age");
    expect_range(opened, 5, 10, WHOLE);

    /* An end is not believed before the last chunk has proved it. */
    pack_error_clear(&error);
    assert_pack_fails(pack_input_read(opened, WHOLE + 70000, bytes, sizeof bytes, &got, &error),
                      PACK_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_vectors),
        cmocka_unit_test(test_payload_vectors),
        cmocka_unit_test(test_each_truncation_is_refused),
        cmocka_unit_test(test_each_changed_bit_is_refused),
        cmocka_unit_test(test_a_long_header_is_refused),
        cmocka_unit_test(test_many_stanzas_are_refused),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_round_trips_around_chunks),
        cmocka_unit_test(test_passphrase),
        cmocka_unit_test(test_every_file_has_keys_of_its_own),
        cmocka_unit_test_setup_teardown(test_many_recipients, test_make_folder, test_remove_folder),
        cmocka_unit_test(test_nobody_to_encrypt_to),
        cmocka_unit_test(test_ranges_equal_the_whole),
        cmocka_unit_test(test_ranges_of_a_pipe),
        cmocka_unit_test(test_a_range_decrypts_its_chunks_only),
    };
    return cmocka_run_group_tests_name("age", tests, NULL, NULL);
}
