/* SPDX-License-Identifier: MIT */
#include "bundle/head.h"

#include "pack/digest.h"

#include <string.h>

static const struct {
    enum head_shape shape;
    const char *name;
    int role;  /* whose document a bundle must have, or -1 */
    int extra; /* which document it may have, or -1 */
} places[HEAD_NONE] = {
    [HEAD_ROOTS] = {SHAPE_ROOT, "roots/", -1, -1},
    [HEAD_RELEASE] = {SHAPE_DOCUMENT, "release.json", PACK_ROLE_RELEASE, -1},
    [HEAD_RELEASE_SIGNATURES] = {SHAPE_SIGNATURE, "release.json", PACK_ROLE_RELEASE, -1},
    [HEAD_DELIVERY] = {SHAPE_DOCUMENT, "delivery.json", PACK_ROLE_DELIVERY, -1},
    [HEAD_DELIVERY_SIGNATURES] = {SHAPE_SIGNATURE, "delivery.json", PACK_ROLE_DELIVERY, -1},
    [HEAD_ROLLOUT] = {SHAPE_DOCUMENT, "rollout.json", -1, PACK_EXTRA_ROLLOUT},
    [HEAD_ROLLOUT_SIGNATURES] = {SHAPE_SIGNATURE, "rollout.json", -1, PACK_EXTRA_ROLLOUT},
    [HEAD_PERMIT] = {SHAPE_DOCUMENT, "permit.json", -1, PACK_EXTRA_PERMIT},
    [HEAD_PERMIT_SIGNATURES] = {SHAPE_SIGNATURE, "permit.json", -1, PACK_EXTRA_PERMIT},
};

static bool is_keyid(const char *text)
{
    uint8_t digest[PACK_SHA256_SIZE];
    char keyid[PACK_KEYID_SIZE];
    if (strnlen(text, PACK_KEYID_SIZE) < PACK_KEYID_SIZE - 1)
        return false;
    memcpy(keyid, text, PACK_KEYID_SIZE - 1);
    keyid[PACK_KEYID_SIZE - 1] = '\0';
    return pack_sha256_parse(keyid, digest);
}

static bool is_signature_of(const char *name, const char *document)
{
    const size_t length = strlen(document);
    if (strncmp(name, document, length) != 0 || name[length] != '.' || !is_keyid(name + length + 1))
        return false;
    const char *ending = name + length + PACK_KEYID_SIZE;
    return strcmp(ending, ".minisig") == 0 || strcmp(ending, ".sshsig") == 0;
}

uint64_t head_root_number(const char *name)
{
    static const char prefix[] = "roots/", suffix[] = ".root.json";
    enum { MAX_DIGITS = 9 };
    uint64_t number = 0;
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return 0;
    const char *digits = name + sizeof prefix - 1;
    const size_t count = strspn(digits, "0123456789");
    if (count == 0 || count > MAX_DIGITS || digits[0] == '0' || strcmp(digits + count, suffix) != 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        number = 10 * number + (uint64_t)(digits[i] - '0');
    return number;
}

static bool fits_place(const char *name, enum head_place place)
{
    switch (places[place].shape) {
    case SHAPE_ROOT:
        return head_root_number(name) != 0;
    case SHAPE_SIGNATURE:
        return is_signature_of(name, places[place].name);
    case SHAPE_DOCUMENT:
        break;
    }
    return strcmp(name, places[place].name) == 0;
}

enum head_place head_place_of(const char *name)
{
    enum head_place place = HEAD_ROOTS;
    while (place < HEAD_NONE && !fits_place(name, place))
        place++;
    return place;
}

enum head_shape head_shape_of(enum head_place place)
{
    return places[place].shape;
}

int head_role_of(const char *name)
{
    const enum head_place place = head_place_of(name);
    return place == HEAD_NONE ? -1 : places[place].role;
}

int head_extra_of(const char *name)
{
    const enum head_place place = head_place_of(name);
    return place == HEAD_NONE ? -1 : places[place].extra;
}

enum pack_signature_kind head_kind_of(const char *name)
{
    const size_t length = strlen(name);
    const size_t ending = strlen(".sshsig");
    return length > ending && strcmp(name + length - ending, ".sshsig") == 0
               ? PACK_SIGNATURE_SSHSIG
               : PACK_SIGNATURE_MINISIG;
}

void head_keyid_of(const char *name, char keyid[PACK_KEYID_SIZE])
{
    const enum head_place place = head_place_of(name);
    memcpy(keyid, name + strlen(places[place].name) + 1, PACK_KEYID_SIZE - 1);
    keyid[PACK_KEYID_SIZE - 1] = '\0';
}

int head_order(const char *a, const char *b)
{
    const enum head_place first = head_place_of(a), second = head_place_of(b);
    if (first != second)
        return first < second ? -1 : 1;
    if (places[first].shape != SHAPE_ROOT)
        return strcmp(a, b);
    const uint64_t one = head_root_number(a), other = head_root_number(b);
    return one < other ? -1 : one > other;
}
