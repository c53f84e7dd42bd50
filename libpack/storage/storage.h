/* SPDX-License-Identifier: MIT */
#ifndef STORAGE_STORAGE_H
#define STORAGE_STORAGE_H

/*
 * What the device engine writes goes through this layer and nothing else, so that a test or a
 * simulation can stop it at any operation, lose what was not flushed, and let any call fail. What
 * is written is durable only after a flush; a new or renamed name only after its folder's flush.
 */

#include "pack/io.h"

struct storage;
struct storage_file;

enum storage_mode {
    STORAGE_READ = 0,
    STORAGE_WRITE = 1,  /* and read */
    STORAGE_CREATE = 2, /* with WRITE: made where it is not there, mode 0600 */
    STORAGE_EMPTY = 4,  /* with WRITE: cut to nothing */
};

struct storage_ops {
    /* PACK_E_NOT_FOUND where it is not there and not to be made. Symbolic links are followed. */
    int (*open)(struct storage *storage, const char *path, unsigned mode,
                struct storage_file **file, struct pack_error *error);
    /* Reads until `size` bytes or the end. */
    int (*read_at)(struct storage_file *file, uint64_t offset, void *buffer, size_t size,
                   size_t *got, struct pack_error *error);
    /* All of it, or a failure after which any part may be there. */
    int (*write_at)(struct storage_file *file, uint64_t offset, const void *bytes, size_t size,
                    struct pack_error *error);
    int (*resize)(struct storage_file *file, uint64_t size, struct pack_error *error);
    /*
     * A failure is final: the file never flushes again (the kernel forgets what it could not
     * write, so that a second fsync says 0: fsyncgate, 2018).
     */
    int (*flush)(struct storage_file *file, struct pack_error *error);
    /*
     * Drops cached pages, so that the next reads come from the medium. Best effort; a size of 0 is
     * all behind the offset.
     */
    void (*forget)(struct storage_file *file, uint64_t offset, uint64_t size);
    /* Of a device: what it holds. */
    int (*size)(struct storage_file *file, uint64_t *size, struct pack_error *error);
    /* The descriptor behind it, or -1. */
    int (*descriptor)(const struct storage_file *file);
    /* Frees the file also when it fails. */
    int (*close)(struct storage_file *file, struct pack_error *error);

    int (*rename)(struct storage *storage, const char *from, const char *to,
                  struct pack_error *error);
    /*
     * Two names change what they name, at one moment. PACK_E_UNSUPPORTED where the file system
     * cannot; NULL for a storage that never can.
     */
    int (*exchange)(struct storage *storage, const char *a, const char *b,
                    struct pack_error *error);
    /* A file, or a folder with all in it. One that is not there is no failure. */
    int (*remove)(struct storage *storage, const char *path, struct pack_error *error);
    int (*make_folder)(struct storage *storage, const char *path, struct pack_error *error);
    /* Makes the names in a folder durable. */
    int (*flush_folder)(struct storage *storage, const char *path, struct pack_error *error);
    /*
     * Where the bytes of `path` really lie, for programs and libraries that open files themselves
     * (libubootenv, libarchive); a copy into text[capacity]. The system's storage gives `path`.
     */
    int (*locate)(struct storage *storage, const char *path, char *text, size_t capacity,
                  struct pack_error *error);
};

struct storage {
    const struct storage_ops *ops;
};

struct storage_file {
    const struct storage_ops *ops;
    const char *path; /* for messages; the file's own */
};

/* The files of the system. Stateless: one constant. */
struct storage *storage_system(void);

/* Each calls the operation, and names the file in a failure. */
PACK_MUST_USE int storage_open(struct storage *storage, const char *path, unsigned mode,
                               struct storage_file **file, struct pack_error *error);
PACK_MUST_USE int storage_read_at(struct storage_file *file, uint64_t offset, void *buffer,
                                  size_t size, size_t *got, struct pack_error *error);
PACK_MUST_USE int storage_write_at(struct storage_file *file, uint64_t offset, const void *bytes,
                                   size_t size, struct pack_error *error);
PACK_MUST_USE int storage_resize(struct storage_file *file, uint64_t size,
                                 struct pack_error *error);
PACK_MUST_USE int storage_flush(struct storage_file *file, struct pack_error *error);
void storage_forget(struct storage_file *file, uint64_t offset, uint64_t size);
PACK_MUST_USE int storage_size(struct storage_file *file, uint64_t *size, struct pack_error *error);
int storage_descriptor(const struct storage_file *file);
/* *file is NULL afterwards; a NULL one is no failure. */
PACK_MUST_USE int storage_close(struct storage_file **file, struct pack_error *error);
/* For cleanup where a failure is known already. */
void storage_abandon(struct storage_file **file);
PACK_MUST_USE int storage_rename(struct storage *storage, const char *from, const char *to,
                                 struct pack_error *error);
PACK_MUST_USE int storage_exchange(struct storage *storage, const char *a, const char *b,
                                   struct pack_error *error);
PACK_MUST_USE int storage_remove(struct storage *storage, const char *path,
                                 struct pack_error *error);
PACK_MUST_USE int storage_make_folder(struct storage *storage, const char *path,
                                      struct pack_error *error);
PACK_MUST_USE int storage_flush_folder(struct storage *storage, const char *path,
                                       struct pack_error *error);
PACK_MUST_USE int storage_locate(struct storage *storage, const char *path, char *text,
                                 size_t capacity, struct pack_error *error);

/* --- whole files ---------------------------------------------------------------------------- */

/* All of a small file from the medium, at most `limit` bytes; a zero byte follows, to be freed. */
PACK_MUST_USE int storage_load(struct storage *storage, const char *path, uint64_t limit,
                               void **bytes, size_t *size, struct pack_error *error);
/* Written beside its place, flushed, renamed, its folder flushed. */
PACK_MUST_USE int storage_save(struct storage *storage, const char *path, const void *bytes,
                               size_t size, struct pack_error *error);

/*
 * Two checksummed copies of a small record with generations, in `folder`/`name`.0 and .1: the older
 * or damaged one is overwritten in place and flushed, so that one good copy is there at any time.
 * Each is "fwpack-record 1 GENERATION SIZE SHA256\n", the content, and nothing after it; the hash
 * is over the line as far as the size, and the content.
 */
enum storage_record_state {
    STORAGE_RECORD_ABSENT,   /* neither file is there */
    STORAGE_RECORD_GOOD,     /* both, or one where only one was ever written */
    STORAGE_RECORD_REPAIRED, /* one was damaged or missing; the other counts, and was copied back */
};
/*
 * *bytes is NULL where absent. Both damaged, or one damaged and no other: PACK_E_STATE, with the
 * next step. `writable` false leaves a damaged copy as it is (for status).
 */
PACK_MUST_USE int storage_record_load(struct storage *storage, const char *folder, const char *name,
                                      bool writable, uint64_t limit, void **bytes, size_t *size,
                                      enum storage_record_state *state, struct pack_error *error);
PACK_MUST_USE int storage_record_save(struct storage *storage, const char *folder, const char *name,
                                      const void *bytes, size_t size, struct pack_error *error);

#endif
