/* SPDX-License-Identifier: MIT */
/*
 * slot_tool KIND write TARGET <IMAGE, KIND cut TARGET <IMAGE (stops half-way), KIND read TARGET
 * SIZE, KIND same TARGET OTHER: what libpack does with a slot, for guest.sh. Prints failures as
 * "CODE: TEXT".
 */
#include "base/memory.h"
#include "slot/slot.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT = 1 << 26, PIECE = 10000 };

static struct pack_device_target target_of(const char *kind, const char *path)
{
    if (strcmp(kind, "label") == 0)
        return (struct pack_device_target){.kind = PACK_TARGET_PARTITION, .label = path};
    if (strcmp(kind, "type") == 0)
        return (struct pack_device_target){.kind = PACK_TARGET_PARTITION, .type = path};
    for (unsigned i = 0; i < PACK_TARGET_KINDS; i++)
        if (strcmp(slot_type_of(i)->name, kind) == 0)
            return (struct pack_device_target){.kind = i, .path = path};
    fprintf(stderr, "no kind %s\n", kind);
    exit(2);
}

/* Everything is written, flushed, read back through the slot, and compared. */
static int write_image(const struct pack_device_target *target, const uint8_t *image, size_t size,
                       bool cut, struct pack_error *error)
{
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    PACK_AUTO_FREE uint8_t *back = malloc(size + 1);
    const size_t end = cut ? size / 2 : size;
    size_t got = 0;
    int code = slot_open_write(&slot, target, storage_system(), size, error);
    for (size_t at = 0; code == 0 && at < end; at += PIECE)
        code = slot_write_at(slot, at, image + at, at + PIECE < end ? PIECE : end - at, error);
    if (code != 0 || cut)
        return code;
    code = slot_flush(slot, error);
    if (code == 0)
        code = slot_read_at(slot, 0, back, size, &got, error);
    if (code == 0 && (got != size || memcmp(back, image, size) != 0))
        return pack_fail(error, PACK_E_INTERNAL, "what was written is not what is there");
    return code == 0 ? slot_finish(slot, error) : code;
}

static int read_image(const struct pack_device_target *target, size_t size,
                      struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO_FREE uint8_t *bytes = malloc(size + 1);
    int code = slot_open_read(&input, target, storage_system(), error);
    if (code == 0 && size > input->size)
        size = (size_t)input->size;
    if (code == 0)
        code = pack_input_exact(input, 0, bytes, size, PACK_E_IO, error);
    if (code == 0 && fwrite(bytes, 1, size, stdout) != size)
        code = pack_fail(error, PACK_E_IO, "cannot write");
    return code;
}

static int compare(const struct pack_device_target *a, const struct pack_device_target *b,
                   struct pack_error *error)
{
    bool same = false;
    const int code = slot_is_same(a, b, storage_system(), &same, error);
    if (code == 0)
        puts(same ? "same" : "different");
    return code;
}

int main(int count, char **words)
{
    struct pack_error error = {0};
    static uint8_t image[LIMIT];
    int code = 0;
    if (count < 4)
        return 2;
    const struct pack_device_target target = target_of(words[1], words[3]);
    if (strcmp(words[2], "read") == 0) {
        code = read_image(&target, strtoul(words[4], NULL, 10), &error);
    } else if (strcmp(words[2], "same") == 0) {
        const struct pack_device_target other = target_of(words[1], words[4]);
        code = compare(&target, &other, &error);
    } else {
        const size_t size = fread(image, 1, sizeof image, stdin);
        code = write_image(&target, image, size, strcmp(words[2], "cut") == 0, &error);
    }
    if (code != 0)
        printf("%s: %s\n", pack_code_id(error.code), error.text);
    return code != 0;
}
