/* SPDX-License-Identifier: MIT */
#include "crypto/der.h"
#include "crypto/pkcs8.h"

#include <string.h>

/*
 * EncryptedPrivateKeyInfo by PBES2 (RFC 8018, A.4): SEQ{ SEQ{ OID, SEQ{ KDF, cipher } }, OCTET }.
 * Tables name the algorithms; a name is that of pack_cipher_named or of EVP_MD_fetch.
 */

static const struct pack_der_oid schemes[] = {
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d"), "PBES2"},
    {NULL, 0, NULL},
};
enum kdf_row { ROW_PBKDF2, ROW_SCRYPT };
static const struct pack_der_oid kdfs[] = {
    [ROW_PBKDF2] = {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"), "PBKDF2"},
    [ROW_SCRYPT] = {PACK_DER_OID_OF("\x2b\x06\x01\x04\x01\xda\x47\x04\x0b"), "scrypt"},
    {NULL, 0, NULL},
};
static const struct pack_der_oid digests[] = {
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x02\x07"), "SHA1"},
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x02\x08"), "SHA224"},
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x02\x09"), "SHA256"},
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x02\x0a"), "SHA384"},
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x02\x0b"), "SHA512"},
    {NULL, 0, NULL},
};
static const struct pack_der_oid ciphers[] = {
    {PACK_DER_OID_OF("\x60\x86\x48\x01\x65\x03\x04\x01\x2a"), "aes256-cbc"},
    {PACK_DER_OID_OF("\x60\x86\x48\x01\x65\x03\x04\x01\x16"), "aes192-cbc"},
    {PACK_DER_OID_OF("\x60\x86\x48\x01\x65\x03\x04\x01\x02"), "aes128-cbc"},
    {NULL, 0, NULL},
};

static int malformed(const char *what, struct pack_error *error)
{
    return pack_fail(error, PACK_E_KEY_INVALID, "the encrypted PEM key is damaged: %s", what);
}

static int not_known(const char *what, const char *wanted, struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_INVALID, "encrypted with a %s that is not known, %s wanted", what,
              wanted);
    return pack_hint(error, "encrypt it anew: openssl pkcs8 -topk8 -v2 aes256 -in FILE -out KEY");
}

/* An optional keyLength: what it says must be what the cipher takes, which is judged later. */
static bool take_key_length(struct pack_cursor *parameters, uint64_t *length)
{
    return pack_der_peek(parameters) != PACK_DER_INTEGER ||
           pack_der_take_unsigned(parameters, length);
}

static int take_salt(struct pack_kdf *kdf, struct pack_cursor *parameters, struct pack_error *error)
{
    struct pack_cursor salt;
    if (!pack_der_take(parameters, PACK_DER_OCTET_STRING, &salt) || salt.size > 1024)
        return malformed("its KDF has no salt", error);
    kdf->salt = salt.bytes;
    kdf->salt_size = salt.size;
    return 0;
}

/* SEQ{ OID, NULL }; HMAC-SHA1 where it is left out. */
static int take_digest(struct pack_kdf *kdf, struct pack_cursor *parameters,
                       struct pack_error *error)
{
    const struct pack_der_oid *found = digests;
    struct pack_cursor prf, null;
    if (pack_cursor_left(parameters) != 0) {
        if (!pack_der_take(parameters, PACK_DER_SEQUENCE, &prf) ||
            !pack_der_take_oid(&prf, digests, &found))
            return malformed("its KDF's function does not follow RFC 8018", error);
        if (found->name == NULL)
            return not_known("PBKDF2 function", "HMAC with SHA-1 or SHA-2", error);
        if ((pack_cursor_left(&prf) != 0 && !pack_der_take(&prf, PACK_DER_NULL, &null)) ||
            pack_cursor_left(&prf) != 0 || pack_cursor_left(parameters) != 0)
            return malformed("its KDF's function does not follow RFC 8018", error);
    }
    kdf->digest = found->name;
    return 0;
}

static int take_pbkdf2(struct pack_kdf *kdf, struct pack_cursor *parameters, uint64_t *length,
                       struct pack_error *error)
{
    kdf->method = &pack_kdf_pbkdf2;
    const int code = take_salt(kdf, parameters, error);
    if (code != 0)
        return code;
    if (!pack_der_take_unsigned(parameters, &kdf->rounds) || !take_key_length(parameters, length))
        return malformed("its KDF's rounds are no number that fits", error);
    return take_digest(kdf, parameters, error);
}

static int take_scrypt(struct pack_kdf *kdf, struct pack_cursor *parameters, uint64_t *length,
                       struct pack_error *error)
{
    kdf->method = &pack_kdf_scrypt;
    const int code = take_salt(kdf, parameters, error);
    if (code != 0)
        return code;
    if (!pack_der_take_unsigned(parameters, &kdf->n) ||
        !pack_der_take_unsigned(parameters, &kdf->r) ||
        !pack_der_take_unsigned(parameters, &kdf->p) || !take_key_length(parameters, length) ||
        pack_cursor_left(parameters) != 0)
        return malformed("its KDF's parameters are no numbers that fit", error);
    return 0;
}

static int take_kdf(struct pack_kdf *kdf, struct pack_cursor *parameters, uint64_t *length,
                    struct pack_error *error)
{
    const struct pack_der_oid *found = NULL;
    struct pack_cursor sequence, inner;
    if (!pack_der_take(parameters, PACK_DER_SEQUENCE, &sequence) ||
        !pack_der_take_oid(&sequence, kdfs, &found))
        return malformed("its KDF does not follow RFC 8018", error);
    if (found->name == NULL)
        return not_known("KDF", "PBKDF2 or scrypt", error);
    if (!pack_der_take(&sequence, PACK_DER_SEQUENCE, &inner) || pack_cursor_left(&sequence) != 0)
        return malformed("its KDF does not follow RFC 8018", error);
    const int code = found == &kdfs[ROW_SCRYPT] ? take_scrypt(kdf, &inner, length, error)
                                                : take_pbkdf2(kdf, &inner, length, error);
    return code != 0 ? code : pack_kdf_check(kdf, error);
}

static int take_cipher(struct pack_secret_file *file, struct pack_cursor *parameters,
                       struct pack_error *error)
{
    const struct pack_der_oid *found = NULL;
    struct pack_cursor sequence, iv;
    if (!pack_der_take(parameters, PACK_DER_SEQUENCE, &sequence) ||
        !pack_der_take_oid(&sequence, ciphers, &found))
        return malformed("its cipher does not follow RFC 8018", error);
    if (found->name == NULL)
        return not_known("cipher", "AES-CBC", error);
    file->cipher = pack_cipher_named(found->name, strlen(found->name));
    if (!pack_der_take(&sequence, PACK_DER_OCTET_STRING, &iv) || iv.size != file->cipher->iv_size ||
        pack_cursor_left(&sequence) != 0 || pack_cursor_left(parameters) != 0)
        return malformed("its initialisation vector is not 16 bytes", error);
    file->iv = iv.bytes;
    return 0;
}

static int take_scheme(struct pack_secret_file *file, struct pack_cursor *algorithm,
                       struct pack_error *error)
{
    const struct pack_der_oid *found = NULL;
    struct pack_cursor parameters;
    uint64_t length = 0;
    if (!pack_der_take_oid(algorithm, schemes, &found))
        return malformed("its DER does not follow RFC 5958", error);
    if (found->name == NULL)
        return not_known("scheme", "PBES2", error);
    if (!pack_der_take(algorithm, PACK_DER_SEQUENCE, &parameters) ||
        pack_cursor_left(algorithm) != 0)
        return malformed("its parameters do not follow RFC 8018", error);
    int code = take_kdf(&file->kdf, &parameters, &length, error);
    if (code == 0)
        code = take_cipher(file, &parameters, error);
    if (code == 0 && length != 0 && length != file->cipher->key_size)
        code = malformed("its KDF's key length is not the cipher's", error);
    return code;
}

int pack_pbes2_parse(struct pack_secret_file *file, struct pack_error *error)
{
    struct pack_cursor cursor = {.bytes = file->bytes, .size = file->size};
    struct pack_cursor outer, algorithm, sealed;
    if (!pack_der_take(&cursor, PACK_DER_SEQUENCE, &outer) || pack_cursor_left(&cursor) != 0 ||
        !pack_der_take(&outer, PACK_DER_SEQUENCE, &algorithm))
        return malformed("its DER does not follow RFC 5958", error);
    const int code = take_scheme(file, &algorithm, error);
    if (code != 0)
        return code;
    if (!pack_der_take(&outer, PACK_DER_OCTET_STRING, &sealed) || pack_cursor_left(&outer) != 0 ||
        sealed.size == 0 || sealed.size % file->cipher->block != 0)
        return malformed("its encrypted part is no whole number of blocks", error);
    file->sealed = file->bytes + (sealed.bytes - file->bytes);
    file->sealed_size = sealed.size;
    return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

/* Lengths below 128 are one byte, and so are all of these but the outer ones. */
static void add_element(struct pack_secret_text *der, int tag, const uint8_t *bytes, size_t size)
{
    const uint8_t header[4] = {(uint8_t)tag, size < 0x80 ? (uint8_t)size : 0x81, (uint8_t)size};
    pack_secret_text_add(der, header, size < 0x80 ? 2 : 3);
    pack_secret_text_add(der, bytes, size);
}

static void add_integer(struct pack_secret_text *der, uint64_t value)
{
    uint8_t bytes[9];
    size_t size = 0;
    for (int shift = 56; shift >= 0; shift -= 8) {
        const uint8_t digit = (uint8_t)(value >> shift);
        if (size == 0 && (digit & 0x80) != 0)
            bytes[size++] = 0;
        if (size != 0 || digit != 0 || shift == 0)
            bytes[size++] = digit;
    }
    add_element(der, PACK_DER_INTEGER, bytes, size);
}

static void add_oid(struct pack_secret_text *der, const struct pack_der_oid *oid)
{
    add_element(der, PACK_DER_OID, oid->bytes, oid->size);
}

/* Puts a sequence's header before what was added since `start`. */
static void wrap(struct pack_secret_text *der, size_t start)
{
    const size_t size = der->size - start;
    const size_t header = size < 0x80 ? 2 : 3;
    pack_secret_text_add(der, "\0\0\0", header);
    if (pack_secret_text_full(der))
        return;
    memmove(der->bytes + start + header, der->bytes + start, size);
    der->bytes[start] = PACK_DER_SEQUENCE;
    der->bytes[start + 1] = size < 0x80 ? (uint8_t)size : 0x81;
    if (header == 3)
        der->bytes[start + 2] = (uint8_t)size;
}

static void add_kdf(struct pack_secret_text *der, const struct pack_kdf *kdf)
{
    const size_t outer = der->size;
    add_oid(der, &kdfs[ROW_SCRYPT]);
    const size_t inner = der->size;
    add_element(der, PACK_DER_OCTET_STRING, kdf->salt, kdf->salt_size);
    add_integer(der, kdf->n);
    add_integer(der, kdf->r);
    add_integer(der, kdf->p);
    wrap(der, inner);
    wrap(der, outer);
}

int pack_pbes2_write(struct pack_secret_text *der, const uint8_t *sealed, size_t size,
                     const struct pack_kdf *kdf, const uint8_t iv[PACK_PBES2_IV_SIZE],
                     struct pack_error *error)
{
    const size_t start = der->size;
    add_oid(der, &schemes[0]);
    const size_t parameters = der->size;
    add_kdf(der, kdf);
    const size_t cipher = der->size;
    add_oid(der, &ciphers[0]);
    add_element(der, PACK_DER_OCTET_STRING, iv, PACK_PBES2_IV_SIZE);
    wrap(der, cipher);
    wrap(der, parameters);
    wrap(der, start);
    add_element(der, PACK_DER_OCTET_STRING, sealed, size);
    wrap(der, start);
    return pack_secret_text_check(der, error);
}
