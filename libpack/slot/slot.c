/* SPDX-License-Identifier: MIT */
#include "slot/slot.h"

#include "base/checked.h"
#include "base/memory.h"
#include "slot/kinds.h"

#include <stdio.h>
#include <string.h>

const struct slot_type *slot_type_of(enum pack_target_kind kind)
{
    static const struct slot_type *const types[PACK_TARGET_KINDS] = {
        [PACK_TARGET_FILE] = &slot_file,
        [PACK_TARGET_PARTITION] = &slot_partition,
        [PACK_TARGET_MTD] = &slot_mtd,
        [PACK_TARGET_UBI] = &slot_ubi,
        [PACK_TARGET_DIRECTORY] = &slot_directory,
        [PACK_TARGET_COMMAND] = &slot_command,
    };
    return types[kind];
}

int slot_new(void *address, size_t size, const struct slot_type *type,
             const struct pack_device_target *target, uint64_t image_size, struct pack_error *error)
{
    PACK_AUTO_FREE struct slot *made = NULL;
    char name[SLOT_NAME_SIZE];
    char *copy = NULL;
    slot_describe(target, name, sizeof name);
    int code = pack_allocate(&made, 1, size, error);
    if (code == 0)
        code = pack_copy_string(&copy, name, error);
    if (code != 0)
        return code;
    *made = (struct slot){.type = type, .name = copy, .size = image_size};
    *(struct slot **)address = pack_steal(&made);
    return 0;
}

void slot_free(void *address)
{
    struct slot **slot = address;
    if (*slot != NULL)
        free((char *)(*slot)->name);
    free(*slot);
    *slot = NULL;
}

int slot_check_room(uint64_t size, uint64_t room, struct pack_error *error)
{
    if (size <= room)
        return 0;
    return pack_fail(error, PACK_E_NO_SPACE, "the image needs %llu bytes, the slot has %llu",
                     (unsigned long long)size, (unsigned long long)room);
}

int slot_check_order(uint64_t offset, uint64_t position, struct pack_error *error)
{
    if (offset == position)
        return 0;
    return pack_fail(error, PACK_E_INTERNAL, "written at %llu, but %llu is next",
                     (unsigned long long)offset, (unsigned long long)position);
}

/* --- the table's calls ----------------------------------------------------------------------- */

int slot_open_write(struct slot **slot, const struct pack_device_target *target,
                    struct storage *storage, uint64_t size, struct pack_error *error)
{
    *slot = NULL;
    return slot_type_of(target->kind)->open_write(slot, target, storage, size, error);
}

void slot_tell(struct slot *slot, const struct slot_facts *facts)
{
    if (slot->type->tell != NULL)
        slot->type->tell(slot, facts);
}

int slot_write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                  struct pack_error *error)
{
    uint64_t end = 0;
    if (!pack_add(offset, size, &end) || end > slot->size) {
        pack_fail(error, PACK_E_INTERNAL, "written beyond the image's %llu bytes",
                  (unsigned long long)slot->size);
        return pack_at_file(error, slot->name);
    }
    return slot->type->write_at(slot, offset, bytes, size, error);
}

static int fail_unreadable(const char *name, struct pack_error *error)
{
    pack_fail(error, PACK_E_UNSUPPORTED, "a slot of this kind cannot be read back");
    return pack_at_file(error, name);
}

int slot_read_at(struct slot *slot, uint64_t offset, void *buffer, size_t size, size_t *got,
                 struct pack_error *error)
{
    *got = 0;
    if ((slot->abilities & SLOT_READABLE) == 0)
        return fail_unreadable(slot->name, error);
    return slot->type->read_at(slot, offset, buffer, size, got, error);
}

int slot_flush(struct slot *slot, struct pack_error *error)
{
    return slot->type->flush != NULL ? slot->type->flush(slot, error) : 0;
}

int slot_finish(struct slot *slot, struct pack_error *error)
{
    return slot->type->finish(slot, error);
}

void slot_close(struct slot **slot)
{
    if (*slot != NULL)
        (*slot)->type->close(slot);
    *slot = NULL;
}

bool slot_can_read(const struct pack_device_target *target)
{
    return slot_type_of(target->kind)->open_read != NULL;
}

int slot_open_read(struct pack_input **input, const struct pack_device_target *target,
                   struct storage *storage, struct pack_error *error)
{
    *input = NULL;
    if (!slot_can_read(target)) {
        char name[SLOT_NAME_SIZE];
        slot_describe(target, name, sizeof name);
        return fail_unreadable(name, error);
    }
    return slot_type_of(target->kind)->open_read(input, target, storage, error);
}

/* --- what they are --------------------------------------------------------------------------- */

void slot_describe(const struct pack_device_target *target, char *text, size_t capacity)
{
    if (target->kind == PACK_TARGET_COMMAND)
        snprintf(text, capacity, "%s", target->program.words[0]);
    else if (target->kind != PACK_TARGET_PARTITION)
        snprintf(text, capacity, "%s", target->path);
    else if (target->label != NULL)
        snprintf(text, capacity, "partition %s", target->label);
    else
        snprintf(text, capacity, "partition of type %s", target->type);
}

static bool identities_match(const struct slot_identity *a, const struct slot_identity *b)
{
    return a->kind == b->kind && a->kind != SLOT_NOWHERE && a->device == b->device &&
           a->inode == b->inode && strcmp(a->leaf, b->leaf) == 0;
}

int slot_is_same(const struct pack_device_target *a, const struct pack_device_target *b,
                 struct storage *storage, bool *same, struct pack_error *error)
{
    const struct slot_type *type_a = slot_type_of(a->kind), *type_b = slot_type_of(b->kind);
    struct slot_identity of_a = {0}, of_b = {0};
    *same = false;
    if (type_a->identify == NULL || type_b->identify == NULL)
        return 0;
    int code = type_a->identify(&of_a, a, storage, error);
    if (code == 0)
        code = type_b->identify(&of_b, b, storage, error);
    *same = code == 0 && identities_match(&of_a, &of_b);
    return code;
}
