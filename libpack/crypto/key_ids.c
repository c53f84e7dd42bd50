/* SPDX-License-Identifier: MIT */
#include "crypto/pkcs8.h"
#include "crypto/ssh_wire.h"

#include <sodium.h>
#include <string.h>

/* What other tools call a key. */

enum { LARGEST_BLOB = 512 };

int pack_public_key_ssh_text(char **text, const struct pack_public_key *key,
                             struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer blob = {.limit = LARGEST_BLOB};
    PACK_AUTO_BUFFER struct pack_buffer line = {.limit = 2 * LARGEST_BLOB};
    char digits[PACK_BASE64_TEXT_SIZE(LARGEST_BLOB)];
    size_t size = 0;
    int code = pack_ssh_public_key_put(&blob, key, error);
    if (code != 0)
        return code;
    pack_base64_encode(digits, sizeof digits, blob.bytes, blob.size);
    code = pack_buffer_print(&line, error, "%s %s",
                             key->application[0] != '\0' ? PACK_SSH_SK_ED25519 : PACK_SSH_ED25519,
                             digits);
    return code != 0 ? code : pack_buffer_take(&line, text, &size, error);
}

int pack_ssh_fingerprint(char text[PACK_SSH_FINGERPRINT_SIZE], const struct pack_public_key *key,
                         struct pack_error *error)
{
    static const char lead[] = "SHA256:";
    PACK_AUTO_BUFFER struct pack_buffer blob = {.limit = LARGEST_BLOB};
    uint8_t digest[PACK_SHA256_SIZE];
    int code = pack_ssh_public_key_put(&blob, key, error);
    if (code == 0)
        code = pack_sha256_bytes(blob.bytes, blob.size, digest, error);
    if (code != 0)
        return code;
    memcpy(text, lead, sizeof lead - 1);
    sodium_bin2base64(text + sizeof lead - 1, PACK_SSH_FINGERPRINT_SIZE - (sizeof lead - 1), digest,
                      sizeof digest, sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
    return 0;
}

int pack_spki_sha256(uint8_t digest[PACK_SHA256_SIZE], const struct pack_public_key *key,
                     struct pack_error *error)
{
    uint8_t spki[PACK_SPKI_SIZE];
    pack_spki_write(spki, key->bytes);
    return pack_sha256_bytes(spki, sizeof spki, digest, error);
}
