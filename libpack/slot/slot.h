/* SPDX-License-Identifier: MIT */
#ifndef SLOT_SLOT_H
#define SLOT_SLOT_H

/*
 * Targets of slots: where an image's bytes end up. Each kind is one entry in one table. Only
 * slot_open_write ever opens one for writing, and only the engine calls it, for the set that does
 * not run.
 */

#include "pack/device.h"
#include "storage/storage.h"

enum slot_ability {
    SLOT_READABLE = 1, /* slot_open_read works: it can be a base, resumed, compared */
    SLOT_RANDOM = 2,   /* writes may be left out and begin anywhere; else from 0 in order, once */
    SLOT_ATOMIC = 4, /* nothing is seen of it before slot_finish (directories, UBI, commands may) */
    SLOT_GROWS = 8,  /* a plain file takes the image's size; a device has its own */
};

struct slot; /* open for writing; a kind's own state begins with it */

/* What is known of an image: programs that are targets are told. NULL where it means nothing. */
struct slot_facts {
    const char *slot;      /* its name in release.json */
    const char *set;       /* "A" or "B" */
    const char *version;   /* of the release */
    const uint8_t *sha256; /* of the image, PACK_SHA256_SIZE bytes */
};

/* What a target is, whatever it is called; an implementation fills in what it can. */
struct slot_identity {
    enum { SLOT_NOWHERE, SLOT_NODE, SLOT_DEVICE, SLOT_NAME } kind;
    uint64_t device; /* of NODE, NAME: its file system; of DEVICE: its number */
    uint64_t inode;  /* of NODE: its own; of NAME: its folder's; of DEVICE: 1 for a block device */
    char leaf[256];  /* of NAME: what is not there yet */
};

struct slot_type {
    enum pack_target_kind kind;
    const char *name; /* "file", … */
    /*
     * Opens for an image of `size` bytes, and changes nothing yet: what is there stays until the
     * first write, so that this also checks a target before anything is decided. PACK_E_NO_SPACE
     * "needs X, has Y" where it does not fit, PACK_E_USAGE where it is a link to, a folder or a
     * device of another kind than wanted.
     */
    int (*open_write)(struct slot **slot, const struct pack_device_target *target,
                      struct storage *storage, uint64_t size, struct pack_error *error);
    /* Before the first write; NULL where it does not want to know. The facts stay the caller's and
     * outlive the slot. */
    void (*tell)(struct slot *slot, const struct slot_facts *facts);
    /* Offsets ascend. With SLOT_RANDOM ranges may be left out: they keep what is there. */
    int (*write_at)(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                    struct pack_error *error);
    /* What is there, also what has just been written; with SLOT_READABLE only. */
    int (*read_at)(struct slot *slot, uint64_t offset, void *buffer, size_t size, size_t *got,
                   struct pack_error *error);
    /* All that was written is durable; cached pages dropped, so that reads come from the medium. */
    int (*flush)(struct slot *slot, struct pack_error *error);
    /* Completes the image: cuts a file to its size, renames a folder, waits for a program. Durable.
     */
    int (*finish)(struct slot *slot, struct pack_error *error);
    /* Frees it; without finish what can be undone is undone. */
    void (*close)(struct slot **slot);
    /* An input over what is there now, opened for reading only; NULL without SLOT_READABLE. */
    int (*open_read)(struct pack_input **input, const struct pack_device_target *target,
                     struct storage *storage, struct pack_error *error);
    /* NULL where two targets are never the same. */
    int (*identify)(struct slot_identity *identity, const struct pack_device_target *target,
                    struct storage *storage, struct pack_error *error);
};

struct slot {
    const struct slot_type *type;
    const char *name;   /* of the target, for messages: its path or label; the slot's own */
    unsigned abilities; /* a set of enum slot_ability */
    uint64_t size;      /* of the image */
};

/* Every kind has one. */
const struct slot_type *slot_type_of(enum pack_target_kind kind);
PACK_MUST_USE int slot_open_write(struct slot **slot, const struct pack_device_target *target,
                                  struct storage *storage, uint64_t size, struct pack_error *error);
/* Nothing where the kind does not want to know. */
void slot_tell(struct slot *slot, const struct slot_facts *facts);
PACK_MUST_USE int slot_write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                                struct pack_error *error);
PACK_MUST_USE int slot_read_at(struct slot *slot, uint64_t offset, void *buffer, size_t size,
                               size_t *got, struct pack_error *error);
PACK_MUST_USE int slot_flush(struct slot *slot, struct pack_error *error);
PACK_MUST_USE int slot_finish(struct slot *slot, struct pack_error *error);
void slot_close(struct slot **slot);
/* PACK_E_UNSUPPORTED for kinds that cannot be read back; PACK_E_NOT_FOUND where nothing is there.
 */
PACK_MUST_USE int slot_open_read(struct pack_input **input, const struct pack_device_target *target,
                                 struct storage *storage, struct pack_error *error);
/* Whether the kind can be read: a base for deltas. */
bool slot_can_read(const struct pack_device_target *target);
/* What messages call it: its path, "partition rootfs-a", its program. */
void slot_describe(const struct pack_device_target *target, char *text, size_t capacity);
/* Whether both are the same file or device, whatever their names: two targets must not be. */
PACK_MUST_USE int slot_is_same(const struct pack_device_target *a,
                               const struct pack_device_target *b, struct storage *storage,
                               bool *same, struct pack_error *error);

#endif
