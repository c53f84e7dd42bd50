/* SPDX-License-Identifier: MIT */
#include "bundle/bases.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* The hash of a file's first bytes, kept, for many deltas ask for the same. */
struct beginning {
    uint64_t size;
    uint8_t sha256[PACK_SHA256_SIZE];
};

struct base {
    char *name;
    bool used;
    /* A plain image. */
    struct pack_input *input; /* borrowed */
    struct beginning *beginnings;
    size_t beginning_count;
    /* Or the images of a bundle. */
    struct pack_trusted *trusted; /* borrowed */
    struct pack_input **rebuilt;  /* by image; NULL until one is wanted */
};

struct pack_bases {
    struct base *list;
    size_t count;
};

int pack_bases_new(struct pack_bases **bases, struct pack_error *error)
{
    return pack_allocate(bases, 1, sizeof **bases, error);
}

static void base_clear(struct base *base)
{
    const size_t images = base->trusted != NULL ? base->trusted->release->image_count : 0;
    for (size_t i = 0; base->rebuilt != NULL && i < images; i++)
        pack_input_close(&base->rebuilt[i]);
    free(base->rebuilt);
    free(base->beginnings);
    free(base->name);
}

void pack_bases_free(struct pack_bases **bases)
{
    for (size_t i = 0; *bases != NULL && i < (*bases)->count; i++)
        base_clear(&(*bases)->list[i]);
    if (*bases != NULL)
        free((*bases)->list);
    free(*bases);
    *bases = NULL;
}

static int add(struct pack_bases *bases, const char *name, struct base **base,
               struct pack_error *error)
{
    struct base *list = reallocarray(bases->list, bases->count + 1, sizeof *list);
    if (list == NULL)
        return pack_fail_memory(error);
    bases->list = list;
    *base = &list[bases->count];
    **base = (struct base){.used = false};
    const int code = pack_copy_string(&(*base)->name, name, error);
    bases->count += code == 0;
    return code;
}

int pack_bases_add(struct pack_bases *bases, struct pack_input *input, const char *name,
                   struct pack_error *error)
{
    struct base *base = NULL;
    if (!input->seekable)
        return pack_fail(error, PACK_E_USAGE, "a base must be a file, not a pipe");
    const int code = add(bases, name, &base, error);
    if (code == 0)
        base->input = input;
    return code;
}

int pack_bases_add_bundle(struct pack_bases *bases, struct pack_trusted *trusted, const char *name,
                          struct pack_error *error)
{
    struct base *base = NULL;
    if (!trusted->bundle->input->seekable)
        return pack_fail(error, PACK_E_USAGE, "a base must be a file, not a pipe");
    int code = add(bases, name, &base, error);
    if (code == 0)
        code = pack_allocate(&base->rebuilt, trusted->release->image_count, sizeof *base->rebuilt,
                             error);
    if (code != 0)
        return code;
    base->trusted = trusted;
    trusted->bases = bases;
    trusted->base_count = bases->count - 1;
    return 0;
}

void pack_trusted_use_bases(struct pack_trusted *trusted, struct pack_bases *bases)
{
    trusted->bases = bases;
    trusted->base_count = bases->count;
}

/* --- finding ------------------------------------------------------------------------------- */

static int hash_beginning(struct pack_input *input, struct beginning *beginning,
                          struct pack_error *error)
{
    enum { PIECE = 256 * 1024 };
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    int code = pack_sha256_new(&hash, error);
    if (code == 0)
        code = pack_allocate(&bytes, 1, PIECE, error);
    for (uint64_t done = 0; code == 0 && done < beginning->size;) {
        const size_t piece = (size_t)pack_min(PIECE, beginning->size - done);
        code = pack_input_exact(input, done, bytes, piece, PACK_E_CHANGED, error);
        if (code == 0)
            code = pack_sha256_update(hash, bytes, piece, error);
        done += piece;
    }
    return code != 0 ? code : pack_sha256_finish(hash, beginning->sha256, error);
}

static const struct beginning *known_beginning(const struct base *base, uint64_t size)
{
    for (size_t i = 0; i < base->beginning_count; i++)
        if (base->beginnings[i].size == size)
            return &base->beginnings[i];
    return NULL;
}

/* The file must have that many bytes. */
static int find_beginning(struct base *base, uint64_t size, const struct beginning **found,
                          struct pack_error *error)
{
    struct beginning made = {.size = size};
    *found = known_beginning(base, size);
    if (*found != NULL)
        return 0;
    const int code = hash_beginning(base->input, &made, error);
    if (code != 0)
        return pack_at_file(error, base->name);
    struct beginning *list =
        reallocarray(base->beginnings, base->beginning_count + 1, sizeof *list);
    if (list == NULL)
        return pack_fail_memory(error);
    base->beginnings = list;
    list[base->beginning_count] = made;
    *found = &list[base->beginning_count++];
    return 0;
}

static int find_in_file(struct base *base, uint64_t size, const uint8_t sha256[PACK_SHA256_SIZE],
                        struct pack_input **found, struct pack_error *error)
{
    const struct beginning *beginning = NULL;
    if (base->input->size < size)
        return 0;
    const int code = find_beginning(base, size, &beginning, error);
    if (code == 0 && sodium_memcmp(beginning->sha256, sha256, PACK_SHA256_SIZE) == 0)
        *found = base->input;
    return code;
}

static int rebuild(struct base *base, size_t image, struct pack_error *error)
{
    PACK_AUTO_CLOSE int descriptor = -1;
    int code = pack_scratch_open(&descriptor, NULL, error);
    if (code != 0)
        return code;
    struct pack_descriptor_sink sink = pack_descriptor_sink(descriptor, 0);
    code = pack_bundle_extract(base->trusted, image, &sink.sink, error);
    if (code == 0)
        code = pack_input_adopt(&base->rebuilt[image], &descriptor, base->name, error);
    if (code != 0)
        return pack_at_file(error, base->name);
    base->rebuilt[image]->repeats = true; /* it has no name that others could open */
    return 0;
}

static int find_in_bundle(struct base *base, uint64_t size, const uint8_t sha256[PACK_SHA256_SIZE],
                          struct pack_input **found, struct pack_error *error)
{
    const struct pack_release *release = base->trusted->release;
    int code = 0;
    for (size_t i = 0; code == 0 && *found == NULL && i < release->image_count; i++) {
        const struct pack_release_image *image = &release->images[i];
        if (image->size != size || sodium_memcmp(image->sha256, sha256, PACK_SHA256_SIZE) != 0)
            continue;
        if (base->rebuilt[i] == NULL)
            code = rebuild(base, i, error);
        if (code == PACK_E_WRONG_BASE) { /* its own base is missing: another one may do */
            pack_error_clear(error);
            code = 0;
        }
        *found = base->rebuilt[i];
    }
    return code;
}

int bases_find(const struct pack_trusted *trusted, uint64_t size,
               const uint8_t sha256[PACK_SHA256_SIZE], struct pack_input **found,
               struct pack_error *error)
{
    int code = 0;
    *found = NULL;
    for (size_t i = 0; code == 0 && *found == NULL && i < trusted->base_count; i++) {
        struct base *base = &trusted->bases->list[i];
        code = base->trusted != NULL ? find_in_bundle(base, size, sha256, found, error)
                                     : find_in_file(base, size, sha256, found, error);
        base->used = base->used || *found != NULL;
    }
    return code;
}

/* --- for people ---------------------------------------------------------------------------- */

static int describe_one(const struct base *base, uint64_t size, char *text, size_t capacity)
{
    char hex[PACK_SHA256_HEX_SIZE];
    if (base->trusted != NULL)
        return snprintf(text, capacity, "%s (version %s) does not have it", base->name,
                        base->trusted->release->version);
    const struct beginning *beginning = known_beginning(base, size);
    if (beginning == NULL)
        return snprintf(text, capacity, "%s has %llu bytes", base->name,
                        (unsigned long long)base->input->size);
    pack_sha256_hex(beginning->sha256, hex);
    return snprintf(text, capacity, "%s has sha256 %s%s", base->name, hex,
                    base->input->size > size ? " there" : "");
}

void bases_describe(const struct pack_trusted *trusted, uint64_t size, char *text, size_t capacity)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < trusted->base_count && used + 2 < capacity; i++) {
        if (i != 0)
            used += (size_t)snprintf(text + used, capacity - used, ", ");
        const int length =
            describe_one(&trusted->bases->list[i], size, text + used, capacity - used);
        used = length < 0 ? capacity : used + (size_t)length;
    }
}

/* A file may stand for two: as it is, and without its addresses. */
static bool is_used(const struct pack_bases *bases, const char *name)
{
    for (size_t i = 0; i < bases->count; i++)
        if (bases->list[i].used && strcmp(bases->list[i].name, name) == 0)
            return true;
    return false;
}

static int fail_unused(const struct base *base, struct pack_error *error)
{
    struct beginning whole = {.size = base->trusted == NULL ? base->input->size : 0};
    char hex[PACK_SHA256_HEX_SIZE];
    if (base->trusted != NULL) {
        pack_fail(error, PACK_E_WRONG_BASE, "fits nothing: no image of version %s is asked for",
                  base->trusted->release->version);
        return pack_at_file(error, base->name);
    }
    if (hash_beginning(base->input, &whole, error) == 0) {
        pack_sha256_hex(whole.sha256, hex);
        pack_fail(error, PACK_E_WRONG_BASE, "fits nothing: it has %llu bytes with sha256 %s",
                  (unsigned long long)whole.size, hex);
    }
    return pack_at_file(error, base->name);
}

int pack_bases_check_used(const struct pack_bases *bases, struct pack_error *error)
{
    for (size_t i = 0; i < bases->count; i++)
        if (!is_used(bases, bases->list[i].name))
            return fail_unused(&bases->list[i], error);
    return 0;
}
