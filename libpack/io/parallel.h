/* SPDX-License-Identifier: MIT */
#ifndef IO_PARALLEL_H
#define IO_PARALLEL_H

/*
 * An ordered pipeline on all cores: tasks are produced in order, worked on in parallel, and
 * consumed in the order in which they were produced. Every thread does whichever of the three is
 * due, so that no core waits for a role. The first failure stops it, and is returned.
 */

#include "pack/context.h"

struct pack_pipeline {
    size_t task_size; /* bytes of a task's own state, zeroed once and reused */
    /* Called by one thread at a time, in order. Sets *more to false when nothing was produced. */
    int (*produce)(void *user, void *task, bool *more, struct pack_error *error);
    /* Called by any thread; `worker` is that thread's own state. May be NULL. */
    int (*work)(void *user, void *worker, void *task, struct pack_error *error);
    /* Called by one thread at a time, in order of production. May be NULL. */
    int (*consume)(void *user, void *task, struct pack_error *error);
    /* A thread's state, made and freed by that thread. May be NULL. */
    int (*worker_new)(void *user, void **worker, struct pack_error *error);
    void (*worker_free)(void *user, void *worker);
    /* Frees what a task's state owns. May be NULL. */
    void (*task_clear)(void *task);
    void *user;
};

/* Uses pack_jobs(context) threads, this one included, and one more task than threads. */
PACK_MUST_USE int pack_pipeline_run(const struct pack_pipeline *pipeline,
                                    const struct pack_context *context, struct pack_error *error);

#endif
