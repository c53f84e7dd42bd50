/* SPDX-License-Identifier: MIT */
#include "age_bytes.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>

enum { KEY = 32, FILE_KEY = 16, NONCE = 16, TAG = 16, CHUNK = 65536, CAPACITY = 1 << 20 };

const char age_secret[] =
    "AGE-SECRET-KEY-1QYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZ9K4CN\n";
const char age_secret_2[] =
    "AGE-SECRET-KEY-1QGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQ0N3JDM\n";
const char age_secret_stranger[] =
    "AGE-SECRET-KEY-1QVPSXQCRQVPSXQCRQVPSXQCRQVPSXQCRQVPSXQCRQVPSXQCRQVPS2PGGME\n";
const char age_recipient[] = "age15nsf9y4k28p83wth93tf7hafhvfajp45d2mge80ems45gz0c5gys3me64l";
const char age_passphrase_text[] = "correct horse";

static const uint8_t file_key[32] = "a file key of 16, and nine more";
static const uint8_t nonce[NONCE] = "sixteen of nonce";

uint8_t age_plain_byte(size_t offset)
{
    return (uint8_t)(offset * 7 + offset / 251);
}

/* --- primitives ------------------------------------------------------------------------------ */

struct bytes {
    const void *bytes;
    size_t size;
};

static void hkdf(struct bytes secret, struct bytes salt, const char *purpose, uint8_t key[KEY])
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.bytes,
                                          secret.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.bytes,
                                          salt.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)purpose,
                                          strlen(purpose)),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_KDF_derive(context, key, KEY, parameters), 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

/* ChaCha20-Poly1305; the tag behind the text. */
static void seal(const uint8_t key[KEY], const uint8_t iv[12], const uint8_t *plain, size_t size,
                 uint8_t *sealed)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done = 0;
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_chacha20_poly1305(), NULL, key, iv), 1);
    assert_int_equal(EVP_EncryptUpdate(context, sealed, &done, plain, (int)size), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, sealed + done, &done), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, sealed + size), 1);
    EVP_CIPHER_CTX_free(context);
}

static EVP_PKEY *secret_of(uint8_t fill)
{
    uint8_t bytes[KEY];
    memset(bytes, fill, sizeof bytes);
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, bytes, sizeof bytes);
}

static void public_of(uint8_t fill, uint8_t public[KEY])
{
    EVP_PKEY *key = secret_of(fill);
    size_t size = KEY;
    assert_int_equal(EVP_PKEY_get_raw_public_key(key, public, &size), 1);
    EVP_PKEY_free(key);
}

static void agree(uint8_t fill, uint8_t other, uint8_t shared[KEY])
{
    EVP_PKEY *key = secret_of(fill), *peer = secret_of(other);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    size_t size = KEY;
    assert_int_equal(EVP_PKEY_derive_init(context), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(context, peer), 1);
    assert_int_equal(EVP_PKEY_derive(context, shared, &size), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(key);
}

/* --- words of a header ----------------------------------------------------------------------- */

struct text {
    char bytes[4096];
    size_t size;
};

static void append(struct text *text, const char *bytes, size_t size)
{
    assert_true(size < sizeof text->bytes - text->size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static void append_base64(struct text *text, const uint8_t *bytes, size_t size)
{
    char encoded[256];
    EVP_EncodeBlock((unsigned char *)encoded, bytes, (int)size);
    append(text, encoded, strcspn(encoded, "="));
}

/* What a word stands for: a byte that keys are filled with, a size, whether a bit is wrong. */
struct word {
    const char *name;
    void (*write)(struct text *text, const struct word *word);
    uint8_t fill, other;
    size_t size;
    bool bad;
};

static void write_share(struct text *text, const struct word *word)
{
    uint8_t share[KEY + 1] = {0};
    public_of(word->fill, share);
    append_base64(text, share, word->size);
}

static void write_fill(struct text *text, const struct word *word)
{
    uint8_t bytes[KEY] = {0};
    memset(bytes, word->fill, word->size);
    bytes[0] = word->other;
    append_base64(text, bytes, word->size);
}

static void write_wrapped(struct text *text, const uint8_t key[KEY], const struct word *word)
{
    static const uint8_t zero[12];
    uint8_t body[KEY + TAG];
    seal(key, zero, file_key, word->size, body);
    body[word->size] ^= word->bad;
    append_base64(text, body, word->size + TAG);
}

static void write_body(struct text *text, const struct word *word)
{
    uint8_t salt[2 * KEY], shared[KEY], key[KEY];
    public_of(word->fill, salt);
    public_of(word->other, salt + KEY);
    agree(word->fill, word->other, shared);
    hkdf((struct bytes){shared, KEY}, (struct bytes){salt, sizeof salt},
         "age-encryption.org/v1/X25519", key);
    write_wrapped(text, key, word);
}

static void write_scrypt(struct text *text, const struct word *word)
{
    uint8_t key[KEY];
    char salt[] = "age-encryption.org/v1/scrypt0123456789abcdef";
    memset(salt + sizeof salt - 17, word->fill, 16);
    assert_int_equal(EVP_PBE_scrypt(age_passphrase_text, strlen(age_passphrase_text),
                                    (uint8_t *)salt, sizeof salt - 1, 1 << 10, 8, 1, 1 << 24, key,
                                    KEY),
                     1);
    write_wrapped(text, key, word);
}

static void write_mac(struct text *text, const struct word *word)
{
    uint8_t key[KEY], mac[KEY];
    const size_t covered = text->size - (text->bytes[text->size - 1] == ' ');
    hkdf((struct bytes){file_key, FILE_KEY}, (struct bytes){"", 0}, "header", key);
    HMAC(EVP_sha256(), key, KEY, (uint8_t *)text->bytes, covered, mac, NULL);
    mac[0] ^= word->bad;
    append_base64(text, mac, word->size);
}

static const struct word words[] = {
    {"share", write_share, 0x11, 0, KEY, false},
    {"share2", write_share, 0x12, 0, KEY, false},
    {"short-share", write_share, 0x11, 0, KEY - 1, false},
    {"long-share", write_share, 0x11, 0, KEY + 1, false},
    {"zero-share", write_fill, 0, 0, KEY, false},
    {"low-share", write_fill, 0, 1, KEY, false},
    {"body", write_body, 0x11, 1, FILE_KEY, false},
    {"body2", write_body, 0x12, 2, FILE_KEY, false},
    {"bad-body", write_body, 0x11, 1, FILE_KEY, true},
    {"long-body", write_body, 0x11, 1, 25, false},
    {"salt", write_fill, 0x21, 0x21, 16, false},
    {"salt8", write_fill, 0x21, 0x21, 8, false},
    {"salt24", write_fill, 0x21, 0x21, 24, false},
    {"wrapped", write_scrypt, 0x21, 0, FILE_KEY, false},
    {"bad-wrapped", write_scrypt, 0x21, 0, FILE_KEY, true},
    {"long-wrapped", write_scrypt, 0x21, 0, 25, false},
    {"mac", write_mac, 0, 0, KEY, false},
    {"bad-mac", write_mac, 0, 0, KEY, true},
    {"short-mac", write_mac, 0, 0, KEY - 1, false},
};

static void write_word(struct text *text, const char *name, size_t size)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == size && strncmp(words[i].name, name, size) == 0) {
            words[i].write(text, &words[i]);
            return;
        }
    fail_msg("no word '%.*s'", (int)size, name);
}

static void expand(struct text *text, const char *header)
{
    while (*header != '\0') {
        if (header[0] != '{' || header[1] < 'a' || header[1] > 'z') {
            append(text, header++, 1);
            continue;
        }
        const size_t size = strcspn(header + 1, "}");
        write_word(text, header + 1, size);
        header += size + 2;
    }
}

/* --- payload --------------------------------------------------------------------------------- */

static size_t write_piece(const struct age_piece *piece, const uint8_t key[KEY], size_t plain_at,
                          uint8_t *sealed)
{
    static uint8_t plain[CHUNK];
    uint8_t iv[12] = {[10] = (uint8_t)piece->index, [11] = piece->last};
    for (size_t i = 0; i < piece->size; i++)
        plain[i] = age_plain_byte(plain_at + i);
    seal(key, iv, plain, piece->size, sealed);
    sealed[piece->size + TAG - 1] ^= piece->bad;
    if (piece->cut < 0)
        memset(sealed + piece->size + TAG, 'x', (size_t)-piece->cut);
    return (size_t)((int)piece->size + TAG - piece->cut);
}

static void write_payload(struct age_file *file, const struct age_piece *pieces)
{
    uint8_t key[KEY];
    const size_t lacking =
        pieces[0].cut >= AGE_NO_NONCE ? (size_t)(pieces[0].cut - AGE_NO_NONCE) : 0;
    size_t plain_at = 0;
    memcpy(file->bytes + file->size, nonce, NONCE);
    file->size += NONCE - lacking;
    if (pieces[0].cut >= AGE_NO_NONCE)
        return;
    hkdf((struct bytes){file_key, FILE_KEY}, (struct bytes){nonce, NONCE}, "payload", key);
    for (; pieces->index != AGE_CHUNK_END; pieces++) {
        file->size += write_piece(pieces, key, plain_at, file->bytes + file->size);
        plain_at += pieces->size;
    }
}

struct age_file age_file_make(const char *header, const struct age_piece *pieces)
{
    static const struct age_piece one[] = {{0, true, 5, 0, false}, {.index = AGE_CHUNK_END}};
    struct text text = {.size = 0};
    struct age_file file = {.bytes = malloc(CAPACITY)};
    assert_non_null(file.bytes);
    expand(&text, header);
    memcpy(file.bytes, text.bytes, text.size);
    file.size = file.header_size = text.size;
    write_payload(&file, pieces != NULL ? pieces : one);
    return file;
}

void age_file_clear(struct age_file *file)
{
    free(file->bytes);
    file->bytes = NULL;
}
