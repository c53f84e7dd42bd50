/* SPDX-License-Identifier: MIT */
#include "slot/tree.h"

#include "base/memory.h"
#include "slot/unpack_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
    struct unpacking *unpacking;
    pthread_t thread;
    bool running;
    int folder;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    const void *bytes; /* what is offered; NULL: nothing */
    size_t size;
    bool held;    /* the thread still looks at it */
    bool ended;   /* there will be no more */
    bool stopped; /* the thread is to give up */
    bool done;    /* the thread has given its verdict: */
    int code;
    struct pack_error error;
};

/* --- the hand-over --------------------------------------------------------------------------- */

/* The thread's side: gives back the piece before, and waits for the next one; none at the end. */
static int take_piece(void *user, const void **bytes, size_t *size, struct pack_error *error)
{
    struct tree *tree = user;
    pthread_mutex_lock(&tree->mutex);
    if (tree->held) {
        tree->held = false;
        tree->bytes = NULL;
        pthread_cond_broadcast(&tree->changed);
    }
    while (tree->bytes == NULL && !tree->ended && !tree->stopped)
        pthread_cond_wait(&tree->changed, &tree->mutex);
    *bytes = tree->bytes;
    *size = tree->bytes != NULL ? tree->size : 0;
    tree->held = tree->bytes != NULL;
    const bool stopped = tree->stopped;
    pthread_mutex_unlock(&tree->mutex);
    return stopped ? pack_fail(error, PACK_E_INTERRUPTED, "given up") : 0;
}

static int verdict(const struct tree *tree, struct pack_error *error)
{
    if (tree->code != 0)
        *error = tree->error;
    return tree->code;
}

int tree_write(struct tree *tree, const void *bytes, size_t size, struct pack_error *error)
{
    if (size == 0)
        return 0;
    pthread_mutex_lock(&tree->mutex);
    tree->bytes = bytes;
    tree->size = size;
    pthread_cond_broadcast(&tree->changed);
    while (tree->bytes != NULL && !tree->done)
        pthread_cond_wait(&tree->changed, &tree->mutex);
    const int code = verdict(tree, error);
    pthread_mutex_unlock(&tree->mutex);
    return code;
}

static void join(struct tree *tree)
{
    if (tree->running)
        pthread_join(tree->thread, NULL);
    tree->running = false;
}

static void say(struct tree *tree, bool *what)
{
    pthread_mutex_lock(&tree->mutex);
    *what = true;
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->mutex);
}

int tree_end(struct tree *tree, struct pack_error *error)
{
    say(tree, &tree->ended);
    join(tree);
    return verdict(tree, error);
}

void tree_close(struct tree **tree)
{
    if (*tree == NULL)
        return;
    say(*tree, &(*tree)->stopped);
    join(*tree);
    pthread_cond_destroy(&(*tree)->changed);
    pthread_mutex_destroy(&(*tree)->mutex);
    unpack_free(&(*tree)->unpacking);
    free(*tree);
    *tree = NULL;
}

/* --- durability ------------------------------------------------------------------------------ */

static int flush_entry(const FTSENT *entry, struct pack_error *error)
{
    const int descriptor = open(entry->fts_accpath, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool good = descriptor >= 0 && fsync(descriptor) == 0;
    const int number = errno;
    if (descriptor >= 0)
        close(descriptor);
    if (good)
        return 0;
    pack_fail_errno(error, number, "cannot be flushed");
    return pack_at_member(error, entry->fts_path);
}

static int flush_entries(FTS *walk, struct pack_error *error)
{
    int code = 0;
    const FTSENT *entry = NULL;
    while (code == 0 && (errno = 0, entry = fts_read(walk)) != NULL) {
        if (entry->fts_info == FTS_ERR || entry->fts_info == FTS_DNR || entry->fts_info == FTS_NS)
            code = pack_fail_errno(error, entry->fts_errno, "cannot walk the new tree");
        else if (entry->fts_info == FTS_F || entry->fts_info == FTS_DP)
            code = flush_entry(entry, error);
    }
    return code == 0 && errno != 0 ? pack_fail_errno(error, errno, "cannot walk the new tree")
                                   : code;
}

/*
 * One syncfs writes everything in the order that suits the disk; but before Linux 5.8 it does not
 * say what failed, and each file's fsync does.
 */
static int flush_tree(struct tree *tree, struct pack_error *error)
{
    char here[] = ".";
    char *const roots[] = {here, NULL};
    if (syncfs(tree->folder) != 0)
        return pack_fail_errno(error, errno, "cannot be flushed");
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (walk == NULL)
        return pack_fail_errno(error, errno, "cannot walk the new tree");
    const int code = flush_entries(walk, error);
    fts_close(walk);
    return code;
}

/* --- the thread ------------------------------------------------------------------------------ */

/* libarchive extracts to the working folder, and sets the umask to read it: this thread has both.
 */
static int enter_folder(const struct tree *tree, struct pack_error *error)
{
    if (unshare(CLONE_FS) != 0 || fchdir(tree->folder) != 0)
        return pack_fail_errno(error, errno, "a thread cannot have its own working folder here");
    return 0;
}

static void *thread_main(void *argument)
{
    struct tree *tree = argument;
    struct pack_error error = {0};
    int code = enter_folder(tree, &error);
    if (code == 0)
        code = unpack_run(tree->unpacking, &error);
    if (code == 0)
        code = flush_tree(tree, &error);
    pthread_mutex_lock(&tree->mutex);
    tree->code = code;
    tree->error = error;
    tree->done = true;
    pthread_cond_broadcast(&tree->changed);
    pthread_mutex_unlock(&tree->mutex);
    return NULL;
}

int tree_begin(struct tree **tree, int folder, bool absolute_links, struct pack_error *error)
{
    PACK_AUTO(tree_close) struct tree *made = NULL;
    int code = pack_allocate(&made, 1, sizeof *made, error);
    if (code != 0)
        return code;
    made->folder = folder;
    pthread_mutex_init(&made->mutex, NULL);
    pthread_cond_init(&made->changed, NULL);
    code = unpack_new(&made->unpacking, take_piece, made, absolute_links, error);
    if (code != 0)
        return code;
    const int number = pthread_create(&made->thread, NULL, thread_main, made);
    if (number != 0)
        return pack_fail_errno(error, number, "cannot start a thread");
    made->running = true;
    *tree = pack_steal(&made);
    return 0;
}
