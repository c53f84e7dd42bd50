/* SPDX-License-Identifier: MIT */
#include "storage/trial.h"

#include "base/checked.h"
#include "base/memory.h"
#include "io/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what is not on the medium yet ------------------------------------------------------------ */

/* A change of a file's content; a resize has no bytes. */
struct change {
    struct change *next;
    bool resize;
    uint64_t offset; /* of a resize: the new size */
    size_t size;
    uint8_t bytes[];
};

/* A file, whatever its names are. */
struct node {
    struct node *next;
    char *backing; /* the real file that holds what is on the medium; NULL: none was made yet */
    bool failed;   /* a flush failed: what was not flushed then never will be */
    struct change *changes, **last;
};

/* A name as the running machine sees it, where that is not as on the medium, or was looked up. */
struct entry {
    struct entry *next;
    char *path;
    struct node *node; /* NULL: removed */
};

/* A change of names that waits for its folder's flush. */
struct renaming {
    struct renaming *next;
    char *from; /* NULL: the file is new */
    char *to;   /* NULL: it is removed */
    struct node *node;
};

struct trial {
    struct storage storage;
    struct trial_options options;
    char *root; /* "" for none */
    uint64_t count;
    uint64_t random;
    unsigned scratch; /* real files made for nodes without a name on the medium */
    bool fired, off;
    struct node *nodes;
    struct entry *entries;
    struct renaming *renamings, **last_renaming;
};

struct trial_file {
    struct storage_file file;
    struct trial *trial;
    struct node *node;
    char *path;
};

static struct trial *trial_of(struct storage *storage)
{
    return (struct trial *)storage;
}

static struct trial_file *file_of(struct storage_file *file)
{
    return (struct trial_file *)file;
}

static int fail_off(struct pack_error *error)
{
    return pack_fail(error, PACK_E_INTERRUPTED, "the power was cut");
}

/* Counts an operation that changes something, and lets the fault happen at its number. */
static int step(struct trial *trial, bool is_write, struct pack_error *error)
{
    const struct trial_options *options = &trial->options;
    if (trial->off)
        return fail_off(error);
    trial->count++;
    if (options->fault == TRIAL_NONE || trial->fired || trial->count < options->at)
        return 0;
    if (options->fault == TRIAL_SHORT && !is_write)
        return 0;
    trial->fired = true;
    if (options->fault == TRIAL_POWER_CUT) {
        trial->off = true;
        return fail_off(error);
    }
    return pack_fail_errno(error, options->fault == TRIAL_SHORT ? ENOSPC : options->number,
                           "a fault of the trial");
}

/* --- nodes and names -------------------------------------------------------------------------- */

static int real_path(const struct trial *trial, const char *path, char **real,
                     struct pack_error *error)
{
    const size_t size = strlen(trial->root) + strlen(path) + 2;
    const int code = pack_allocate(real, 1, size, error);
    if (code == 0)
        snprintf(*real, size, "%s%s%s", trial->root,
                 trial->root[0] != '\0' && path[0] != '/' ? "/" : "", path);
    return code;
}

static int node_new(struct trial *trial, struct node **node, struct pack_error *error)
{
    const int code = pack_allocate(node, 1, sizeof **node, error);
    if (code != 0)
        return code;
    (*node)->last = &(*node)->changes;
    (*node)->next = trial->nodes;
    trial->nodes = *node;
    return 0;
}

static struct entry *entry_of(const struct trial *trial, const char *path)
{
    struct entry *entry = trial->entries;
    while (entry != NULL && strcmp(entry->path, path) != 0)
        entry = entry->next;
    return entry;
}

static int entry_set(struct trial *trial, const char *path, struct node *node,
                     struct pack_error *error)
{
    struct entry *entry = entry_of(trial, path);
    int code = 0;
    if (entry == NULL) {
        code = pack_allocate(&entry, 1, sizeof *entry, error);
        if (code == 0)
            code = pack_copy_string(&entry->path, path, error);
        if (code != 0) {
            free(entry);
            return code;
        }
        entry->next = trial->entries;
        trial->entries = entry;
    }
    entry->node = node;
    return 0;
}

/* *node is NULL where the machine sees nothing of that name. */
static int look_up(struct trial *trial, const char *path, struct node **node,
                   struct pack_error *error)
{
    PACK_AUTO_FREE char *real = NULL;
    struct stat status;
    const struct entry *entry = entry_of(trial, path);
    *node = entry != NULL ? entry->node : NULL;
    if (entry != NULL)
        return 0;
    int code = real_path(trial, path, &real, error);
    if (code != 0 || stat(real, &status) != 0)
        return code;
    code = node_new(trial, node, error);
    if (code != 0)
        return code;
    (*node)->backing = pack_steal(&real);
    return entry_set(trial, path, *node, error);
}

static int note_renaming(struct trial *trial, const char *from, const char *to, struct node *node,
                         struct pack_error *error)
{
    struct renaming *renaming = NULL;
    int code = pack_allocate(&renaming, 1, sizeof *renaming, error);
    if (code == 0 && from != NULL)
        code = pack_copy_string(&renaming->from, from, error);
    if (code == 0 && to != NULL)
        code = pack_copy_string(&renaming->to, to, error);
    if (code != 0) {
        if (renaming != NULL)
            free(renaming->from);
        free(renaming);
        return code;
    }
    renaming->node = node;
    *trial->last_renaming = renaming;
    trial->last_renaming = &renaming->next;
    return 0;
}

/* --- the medium ------------------------------------------------------------------------------- */

/* What is flushed of a file whose name is not on the medium goes to a file beside the others. */
static int make_backing(struct trial *trial, struct node *node, const char *path,
                        struct pack_error *error)
{
    PACK_AUTO_FREE char *real = NULL;
    char name[PATH_MAX];
    if (node->backing != NULL)
        return 0;
    int code = real_path(trial, path, &real, error);
    if (code != 0)
        return code;
    snprintf(name, sizeof name, "%s.unnamed-%u", real, trial->scratch++);
    struct storage_file *file = NULL;
    code = storage_open(storage_system(), name, STORAGE_WRITE | STORAGE_CREATE | STORAGE_EMPTY,
                        &file, error);
    storage_abandon(&file);
    return code != 0 ? code : pack_copy_string(&node->backing, name, error);
}

static int apply_change(struct storage_file *real, const struct change *change,
                        struct pack_error *error)
{
    return change->resize
               ? storage_resize(real, change->offset, error)
               : storage_write_at(real, change->offset, change->bytes, change->size, error);
}

static void drop_changes(struct node *node)
{
    while (node->changes != NULL) {
        struct change *change = node->changes;
        node->changes = change->next;
        free(change);
    }
    node->last = &node->changes;
}

static int flush_node(struct trial *trial, struct node *node, const char *path,
                      struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *real = NULL;
    int code = make_backing(trial, node, path, error);
    if (code == 0 && node->changes != NULL)
        code = storage_open(storage_system(), node->backing, STORAGE_WRITE, &real, error);
    for (const struct change *change = node->changes; code == 0 && change != NULL;
         change = change->next)
        code = apply_change(real, change, error);
    if (code == 0)
        drop_changes(node);
    return code;
}

/* Another file takes the name, or nothing: what had it is nowhere on the medium. */
static void lose_place(struct trial *trial, const char *real, const struct node *but)
{
    for (struct node *node = trial->nodes; node != NULL; node = node->next)
        if (node != but && node->backing != NULL && strcmp(node->backing, real) == 0) {
            drop_changes(node);
            free(pack_steal(&node->backing));
        }
}

/* The names of the medium: where a node's content lies goes with its name. */
static int apply_renaming(struct trial *trial, const struct renaming *renaming,
                          struct pack_error *error)
{
    PACK_AUTO_FREE char *to = NULL;
    PACK_AUTO_FREE char *from = NULL;
    struct node *node = renaming->node;
    int code = 0;
    if (renaming->to == NULL) {
        code = real_path(trial, renaming->from, &from, error);
        if (code != 0)
            return code;
        lose_place(trial, from, NULL);
        return storage_remove(storage_system(), from, error);
    }
    code = make_backing(trial, node, renaming->to, error);
    if (code == 0)
        code = real_path(trial, renaming->to, &to, error);
    if (code == 0 && strcmp(node->backing, to) != 0)
        code = storage_rename(storage_system(), node->backing, to, error);
    if (code != 0)
        return code;
    lose_place(trial, to, node);
    free(node->backing);
    node->backing = pack_steal(&to);
    return 0;
}

static bool lies_in(const char *path, const char *folder)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return strcmp(folder, ".") == 0;
    const size_t size = slash == path ? 1 : (size_t)(slash - path); /* "/" keeps its slash */
    return strlen(folder) == size && strncmp(path, folder, size) == 0;
}

static void free_renaming(struct renaming *renaming)
{
    free(renaming->from);
    free(renaming->to);
    free(renaming);
}

/* All name changes in order, as far as a folder is concerned; NULL: all. */
static int flush_names(struct trial *trial, const char *folder, struct pack_error *error)
{
    int code = 0;
    for (struct renaming **at = &trial->renamings; code == 0 && *at != NULL;) {
        struct renaming *renaming = *at;
        const char *path = renaming->to != NULL ? renaming->to : renaming->from;
        if (folder != NULL && !lies_in(path, folder)) {
            at = &renaming->next;
            continue;
        }
        code = apply_renaming(trial, renaming, error);
        *at = renaming->next;
        free_renaming(renaming);
    }
    trial->last_renaming = &trial->renamings;
    while (*trial->last_renaming != NULL)
        trial->last_renaming = &(*trial->last_renaming)->next;
    return code;
}

/* --- files ------------------------------------------------------------------------------------ */

static const struct storage_ops trial_ops;

static int find_or_make(struct trial *trial, const char *path, unsigned mode, struct node **node,
                        struct pack_error *error)
{
    int code = look_up(trial, path, node, error);
    if (code != 0 || *node != NULL)
        return code;
    if ((mode & STORAGE_CREATE) == 0)
        return pack_fail_errno(error, ENOENT, "cannot open");
    code = node_new(trial, node, error);
    if (code == 0)
        code = entry_set(trial, path, *node, error);
    return code != 0 ? code : note_renaming(trial, NULL, path, *node, error);
}

static int add_change(struct node *node, bool resize, uint64_t offset, const void *bytes,
                      size_t size, struct pack_error *error)
{
    struct change *change = NULL;
    const int code = pack_allocate(&change, 1, sizeof *change + size, error);
    if (code != 0)
        return code;
    change->resize = resize;
    change->offset = offset;
    change->size = size;
    if (size != 0)
        memcpy(change->bytes, bytes, size);
    *node->last = change;
    node->last = &change->next;
    return 0;
}

static int trial_open(struct storage *storage, const char *path, unsigned mode,
                      struct storage_file **file, struct pack_error *error)
{
    struct trial *trial = trial_of(storage);
    struct trial_file *made = NULL;
    struct node *node = NULL;
    int code = (mode & STORAGE_WRITE) != 0 ? step(trial, false, error)
               : trial->off                ? fail_off(error)
                                           : 0;
    if (code == 0)
        code = find_or_make(trial, path, mode, &node, error);
    if (code == 0 && (mode & STORAGE_EMPTY) != 0)
        code = add_change(node, true, 0, NULL, 0, error);
    if (code == 0)
        code = pack_allocate(&made, 1, sizeof *made, error);
    if (code == 0)
        code = pack_copy_string(&made->path, path, error);
    if (code != 0) {
        free(made);
        return code;
    }
    made->file = (struct storage_file){.ops = &trial_ops, .path = made->path};
    made->trial = trial;
    made->node = node;
    *file = &made->file;
    return 0;
}

static int node_size(const struct node *node, uint64_t *size, struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *real = NULL;
    *size = 0;
    if (node->backing != NULL) {
        int code = storage_open(storage_system(), node->backing, STORAGE_READ, &real, error);
        if (code == 0)
            code = storage_size(real, size, error);
        if (code != 0)
            return code;
    }
    for (const struct change *change = node->changes; change != NULL; change = change->next) {
        const uint64_t end = change->offset + change->size;
        if (change->resize || end > *size)
            *size = end;
    }
    return 0;
}

/* Lays a change over what was read. */
static void overlay(const struct change *change, uint64_t offset, uint8_t *bytes, size_t size)
{
    const uint64_t end = offset + size, change_end = change->offset + change->size;
    if (change->resize) {
        if (change->offset < end) { /* what lay behind it is gone, and reads as zeros */
            const uint64_t from = change->offset > offset ? change->offset : offset;
            memset(bytes + (from - offset), 0, (size_t)(end - from));
        }
        return;
    }
    const uint64_t from = change->offset > offset ? change->offset : offset;
    const uint64_t to = pack_min(change_end, end);
    if (from < to)
        memcpy(bytes + (from - offset), change->bytes + (from - change->offset),
               (size_t)(to - from));
}

/* As it is: files of /proc do not tell their size. */
static int read_backing(const struct node *node, uint64_t offset, void *buffer, size_t size,
                        size_t *got, struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *real = NULL;
    const int code = storage_open(storage_system(), node->backing, STORAGE_READ, &real, error);
    return code != 0 ? code : storage_read_at(real, offset, buffer, size, got, error);
}

static int trial_read_at(struct storage_file *file, uint64_t offset, void *buffer, size_t size,
                         size_t *got, struct pack_error *error)
{
    const struct node *node = file_of(file)->node;
    uint64_t whole = 0;
    size_t read = 0;
    *got = 0;
    if (file_of(file)->trial->off)
        return fail_off(error);
    if (node->backing != NULL && node->changes == NULL)
        return read_backing(node, offset, buffer, size, got, error);
    int code = node_size(node, &whole, error);
    if (code != 0 || offset >= whole)
        return code;
    size = (size_t)pack_min(size, whole - offset);
    memset(buffer, 0, size);
    if (node->backing != NULL)
        code = read_backing(node, offset, buffer, size, &read, error);
    for (const struct change *change = node->changes; code == 0 && change != NULL;
         change = change->next)
        overlay(change, offset, buffer, size);
    *got = code == 0 ? size : 0;
    return code;
}

static int trial_write_at(struct storage_file *file, uint64_t offset, const void *bytes,
                          size_t size, struct pack_error *error)
{
    struct trial_file *trial_file = file_of(file);
    struct pack_error ignored = {0};
    const int code = step(trial_file->trial, true, error);
    if (code == 0)
        return add_change(trial_file->node, false, offset, bytes, size, error);
    if (trial_file->trial->options.fault == TRIAL_SHORT)
        (void)!add_change(trial_file->node, false, offset, bytes, size / 2, &ignored);
    return code;
}

static int trial_resize(struct storage_file *file, uint64_t size, struct pack_error *error)
{
    const int code = step(file_of(file)->trial, false, error);
    return code != 0 ? code : add_change(file_of(file)->node, true, size, NULL, 0, error);
}

static int trial_flush(struct storage_file *file, struct pack_error *error)
{
    struct trial_file *trial_file = file_of(file);
    struct node *node = trial_file->node;
    if (!trial_file->trial->off && node->failed)
        return pack_fail(error, PACK_E_IO, "an earlier flush failed: its content is not known");
    const int code = step(trial_file->trial, false, error);
    if (code == 0)
        return flush_node(trial_file->trial, node, file->path, error);
    node->failed = !trial_file->trial->off;
    return code;
}

static void trial_forget(struct storage_file *file, uint64_t offset, uint64_t size)
{
    (void)file;
    (void)offset;
    (void)size;
}

static int trial_size(struct storage_file *file, uint64_t *size, struct pack_error *error)
{
    return file_of(file)->trial->off ? fail_off(error)
                                     : node_size(file_of(file)->node, size, error);
}

static int trial_descriptor(const struct storage_file *file)
{
    (void)file;
    return -1;
}

static int trial_close(struct storage_file *file, struct pack_error *error)
{
    (void)error;
    free(file_of(file)->path);
    free(file_of(file));
    return 0;
}

/* --- names ------------------------------------------------------------------------------------ */

static int trial_rename(struct storage *storage, const char *from, const char *to,
                        struct pack_error *error)
{
    struct trial *trial = trial_of(storage);
    struct node *node = NULL;
    int code = step(trial, false, error);
    if (code == 0)
        code = look_up(trial, from, &node, error);
    if (code == 0 && node == NULL)
        code = pack_fail_errno(error, ENOENT, "cannot rename to %s", to);
    if (code == 0)
        code = entry_set(trial, to, node, error);
    if (code == 0)
        code = entry_set(trial, from, NULL, error);
    return code != 0 ? code : note_renaming(trial, from, to, node, error);
}

static int trial_remove(struct storage *storage, const char *path, struct pack_error *error)
{
    struct trial *trial = trial_of(storage);
    struct node *node = NULL;
    int code = step(trial, false, error);
    if (code == 0)
        code = look_up(trial, path, &node, error);
    if (code != 0 || node == NULL)
        return code;
    code = entry_set(trial, path, NULL, error);
    return code != 0 ? code : note_renaming(trial, path, NULL, node, error);
}

/*
 * Durable at once: no engine depends on a folder that is lost. A name that was removed, and is
 * flushed, is there again.
 */
static int trial_make_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    PACK_AUTO_FREE char *real = NULL;
    struct trial *trial = trial_of(storage);
    const struct entry *entry = entry_of(trial, path);
    struct node *node = NULL;
    int code = step(trial, false, error);
    if (code == 0)
        code = real_path(trial, path, &real, error);
    if (code == 0)
        code = storage_make_folder(storage_system(), real, error);
    if (code != 0 || entry == NULL || entry->node != NULL)
        return code;
    code = node_new(trial, &node, error);
    if (code != 0)
        return code;
    node->backing = pack_steal(&real);
    return entry_set(trial, path, node, error);
}

static int trial_flush_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    const int code = step(trial_of(storage), false, error);
    return code != 0 ? code : flush_names(trial_of(storage), path, error);
}

static int trial_locate(struct storage *storage, const char *path, char *text, size_t capacity,
                        struct pack_error *error)
{
    PACK_AUTO_FREE char *real = NULL;
    const int code = real_path(trial_of(storage), path, &real, error);
    if (code == 0 && strlen(real) >= capacity)
        return pack_fail(error, PACK_E_LIMIT, "path too long");
    if (code == 0)
        snprintf(text, capacity, "%s", real);
    return code;
}

static const struct storage_ops trial_ops = {
    .open = trial_open,
    .read_at = trial_read_at,
    .write_at = trial_write_at,
    .resize = trial_resize,
    .flush = trial_flush,
    .forget = trial_forget,
    .size = trial_size,
    .descriptor = trial_descriptor,
    .close = trial_close,
    .rename = trial_rename,
    .remove = trial_remove,
    .make_folder = trial_make_folder,
    .flush_folder = trial_flush_folder,
    .locate = trial_locate,
};

/* --- beginning and end ------------------------------------------------------------------------ */

static void trial_free(struct trial **address)
{
    struct trial *trial = *address;
    if (trial == NULL)
        return;
    while (trial->nodes != NULL) {
        struct node *node = trial->nodes;
        trial->nodes = node->next;
        drop_changes(node);
        free(node->backing);
        free(node);
    }
    while (trial->entries != NULL) {
        struct entry *entry = trial->entries;
        trial->entries = entry->next;
        free(entry->path);
        free(entry);
    }
    while (trial->renamings != NULL) {
        struct renaming *renaming = trial->renamings;
        trial->renamings = renaming->next;
        free_renaming(renaming);
    }
    free(trial->root);
    free(trial);
    *address = NULL;
}

int trial_new(struct storage **storage, const char *root, const struct trial_options *options,
              struct pack_error *error)
{
    PACK_AUTO(trial_free) struct trial *trial = NULL;
    int code = pack_allocate(&trial, 1, sizeof *trial, error);
    if (code == 0)
        code = pack_copy_string(&trial->root, root != NULL ? root : "", error);
    if (code != 0)
        return code;
    trial->storage.ops = &trial_ops;
    trial->options = *options;
    trial->random = options->seed;
    trial->last_renaming = &trial->renamings;
    *storage = &pack_steal(&trial)->storage;
    return 0;
}

uint64_t trial_count(const struct storage *storage)
{
    return ((const struct trial *)storage)->count;
}

bool trial_fired(const struct storage *storage)
{
    return ((const struct trial *)storage)->fired;
}

/* splitmix64: the same losses for the same seed, on every machine. */
static bool toss(struct trial *trial)
{
    uint64_t value = trial->random += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return ((value ^ value >> 31) & 1) != 0;
}

/* Each sector of a write reached the medium, or not; what came later may be there without it. */
static int keep_some(struct trial *trial, struct node *node, const char *path,
                     struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *real = NULL;
    const size_t sector = trial->options.sector != 0 ? trial->options.sector : 512;
    int code = make_backing(trial, node, path, error);
    if (code == 0)
        code = storage_open(storage_system(), node->backing, STORAGE_WRITE, &real, error);
    for (const struct change *change = node->changes; code == 0 && change != NULL;
         change = change->next) {
        if (change->resize && toss(trial))
            code = storage_resize(real, change->offset, error);
        for (size_t at = 0; code == 0 && at < change->size;) {
            /* Sectors of the medium, not of the write. */
            const size_t to_edge = sector - (size_t)((change->offset + at) % sector);
            const size_t piece = (size_t)pack_min(to_edge, change->size - at);
            if (toss(trial))
                code =
                    storage_write_at(real, change->offset + at, change->bytes + at, piece, error);
            at += piece;
        }
    }
    return code;
}

/* Names are kept in their order, as a journal does: the first so many of them. */
static int lose_names(struct trial *trial, struct pack_error *error)
{
    int code = 0;
    for (struct renaming *renaming = trial->renamings; code == 0 && renaming != NULL;
         renaming = renaming->next) {
        if (!toss(trial))
            break;
        code = apply_renaming(trial, renaming, error);
    }
    return code;
}

/* Real files that no name of the medium led to. */
static void remove_unnamed(const struct trial *trial)
{
    struct pack_error ignored = {0};
    for (const struct node *node = trial->nodes; node != NULL; node = node->next)
        if (node->backing != NULL && strstr(node->backing, ".unnamed-") != NULL)
            (void)!storage_remove(storage_system(), node->backing, &ignored);
}

/* A name that it has, or may have on the medium; NULL where it has none there either. */
static const char *path_of(const struct trial *trial, const struct node *node)
{
    for (const struct entry *entry = trial->entries; entry != NULL; entry = entry->next)
        if (entry->node == node)
            return entry->path;
    for (const struct renaming *renaming = trial->renamings; renaming != NULL;
         renaming = renaming->next)
        if (renaming->node == node)
            return renaming->to != NULL ? renaming->to : renaming->from;
    return NULL;
}

int trial_end(struct storage **storage, struct pack_error *error)
{
    struct trial *trial = trial_of(*storage);
    /* Behind the last operation the power goes all the same: what succeeded must be there. */
    const bool cut = trial->options.fault == TRIAL_POWER_CUT;
    const enum trial_loss loss = cut ? trial->options.loss : TRIAL_KEEP_ALL;
    int code = 0;
    *storage = NULL;
    for (struct node *node = trial->nodes; code == 0 && node != NULL; node = node->next) {
        const char *path = path_of(trial, node);
        if (node->changes == NULL || loss == TRIAL_LOSE_ALL || node->failed || path == NULL)
            continue;
        code = loss == TRIAL_KEEP_ALL ? flush_node(trial, node, path, error)
                                      : keep_some(trial, node, path, error);
    }
    if (code == 0 && loss == TRIAL_KEEP_ALL)
        code = flush_names(trial, NULL, error);
    if (code == 0 && loss == TRIAL_RANDOM)
        code = lose_names(trial, error);
    remove_unnamed(trial);
    trial_free(&trial);
    return code;
}
