/* SPDX-License-Identifier: MIT */
#include "crypto/ed25519.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

static int fail_random(struct pack_error *error)
{
    return pack_fail_errno(error, errno, "the system gives no random bytes");
}

int pack_crypto_ready(struct pack_error *error)
{
    uint8_t probe = 0;
    if (getrandom(&probe, sizeof probe, GRND_NONBLOCK) < 0 && errno != EAGAIN && errno != EINTR)
        return fail_random(error);
    if (sodium_init() < 0)
        return pack_fail(error, PACK_E_INTERNAL, "libsodium cannot be initialised");
    return 0;
}

int pack_random(void *bytes, size_t size, struct pack_error *error)
{
    uint8_t *next = bytes;
    while (size != 0) {
        const ssize_t got = getrandom(next, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail_random(error);
        next += got;
        size -= (size_t)got;
    }
    return 0;
}

bool pack_ed25519_verify(const uint8_t signature[PACK_SIGNATURE_SIZE], const void *message,
                         size_t size, const uint8_t key[PACK_PUBLIC_KEY_SIZE])
{
    return crypto_sign_verify_detached(signature, message, size, key) == 0;
}

/* 2^252 + 27742317777372353535851937790883648493, little-endian: the order of the group. */
static const uint8_t group_order[crypto_core_ed25519_SCALARBYTES] = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,        0xd6,
    0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10,
};
static const uint8_t identity[PACK_PUBLIC_KEY_SIZE] = {1};

bool pack_ed25519_usable(const uint8_t key[PACK_PUBLIC_KEY_SIZE])
{
    if (crypto_core_ed25519_is_valid_point(key) != 1)
        return false;
    /*
     * libsodium before the fix of CVE-2025-69277 takes points of twice the group's order for
     * valid. The product with the order is the identity for none but good points; libsodium
     * reports that product as a failure, and writes it all the same.
     */
    uint8_t product[PACK_PUBLIC_KEY_SIZE] = {0};
    return crypto_scalarmult_ed25519_noclamp(product, group_order, key) != 0 &&
           sodium_memcmp(product, identity, sizeof product) == 0;
}

/* The pages are libsodium's own, with nothing else on them. */
static void advise(void *memory, size_t size, int advice)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t start = (uintptr_t)memory / page * page;
    const uintptr_t end = ((uintptr_t)memory + size + page - 1) / page * page;
    (void)madvise((void *)start, end - start, advice);
}

void pack_guarded_inherit(void *memory, size_t size)
{
    advise(memory, size, MADV_KEEPONFORK);
}

int pack_guarded_new(void *address, size_t size, struct pack_error *error)
{
    const int code = pack_crypto_ready(error);
    if (code != 0)
        return code;
    void *memory = sodium_malloc(size);
    if (memory == NULL)
        return pack_fail_memory(error);
    /* Kernels before 4.14 cannot do that, as others forbid locks: then it is gone without. */
    advise(memory, size, MADV_WIPEONFORK);
    sodium_memzero(memory, size);
    memcpy(address, &memory, sizeof memory);
    return 0;
}

void pack_guarded_free(void *address)
{
    void **pointer = address;
    sodium_free(*pointer);
    *pointer = NULL;
}
