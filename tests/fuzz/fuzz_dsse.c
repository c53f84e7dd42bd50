/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "crypto/secret_key.h"
#include "pack/attest.h"

#include <string.h>

/* A release that an attestation may speak of, and a key that may sign it. */
struct scene {
    struct pack_secret_key *key;
    struct pack_trust *trust;
    struct pack_release_image image;
    struct pack_release release;
    uint8_t release_sha256[PACK_SHA256_SIZE];
};

static struct scene *scene(void)
{
    static struct scene made;
    struct pack_error error = {.code = PACK_OK};
    uint8_t seed[PACK_SEED_SIZE], id[PACK_MINISIGN_ID_SIZE];
    if (made.key != NULL)
        return &made;
    memset(seed, 1, sizeof seed);
    memset(id, 1, sizeof id);
    made.image = (struct pack_release_image){.name = "app", .slot = "app", .size = 1};
    made.release = (struct pack_release){
        .product = "p", .version = "1.0.0", .image_count = 1, .images = &made.image};
    if (pack_secret_key_make(&made.key, seed, id, PACK_PURPOSE_ANY, &error) != 0 ||
        pack_trust_new(&made.trust, &error) != 0 ||
        pack_trust_add(made.trust, pack_secret_key_public(made.key), 1U << PACK_ROLE_DELIVERY,
                       &error) != 0)
        abort();
    return &made;
}

static int verify(const void *bytes, size_t size)
{
    struct scene *at = scene();
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_attestation_free) struct pack_attestation *attestation = NULL;
    return pack_attestation_verify(&attestation, bytes, size, at->trust, &at->release,
                                   at->release_sha256, &error);
}

/* The bytes as an envelope: none of them is signed by the key. */
static void as_envelope(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_envelope_free) struct pack_envelope *envelope = NULL;
    PACK_AUTO_FREE void *encoded = NULL;
    size_t encoded_size = 0;
    const int code = pack_envelope_parse(&envelope, data, size, &error);
    if (code == 0 && (pack_dsse_encode(&encoded, &encoded_size, envelope->payload_type,
                                       envelope->payload, envelope->payload_size, &error) != 0 ||
                      encoded_size <= envelope->payload_size))
        abort();
    if (verify(data, size) == 0)
        abort();
}

/* The bytes as the payload of an envelope by the key: whatever it says, its signature is good. */
static void as_statement(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    const struct pack_signer signer = pack_signer_from_key(scene()->key);
    PACK_AUTO_FREE char *text = NULL;
    size_t text_size = 0;
    if (pack_envelope_sign(&text, &text_size, data, size, &signer, 1, &error) != 0)
        return;
    const int code = verify(text, text_size);
    if (code == PACK_E_SIGNATURE || code == PACK_E_UNTRUSTED || code == PACK_E_NOT_SIGNED)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_envelope(data, size);
    as_statement(data, size);
    return 0;
}
