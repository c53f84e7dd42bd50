/* SPDX-License-Identifier: MIT */
#include "io/parallel.h"

#include "base/memory.h"

#include <pthread.h>

enum { MAX_THREADS = 64 };

/*
 * A task's failure is kept in the task and raised when its turn to be consumed comes, so that the
 * failure reported is the first in order, whatever the threads did.
 */
struct task {
    void *state;
    bool done;
    int code;
    struct pack_error error;
};

struct run {
    const struct pack_pipeline *pipeline;
    const struct pack_context *context;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct task *tasks;
    size_t task_count;
    uint64_t produced, consumed; /* numbers of tasks */
    bool producing, consuming, ended, stopped;
    int code;
    struct pack_error *error;
};

static struct task *task_of(const struct run *run, uint64_t number)
{
    return &run->tasks[number % run->task_count];
}

static void stop(struct run *run, int code, const struct pack_error *error)
{
    if (!run->stopped) {
        run->code = code;
        *run->error = *error;
    }
    run->stopped = true;
}

/* The next three are called with the mutex held, and give it back for the work itself. */

static void consume(struct run *run)
{
    struct task *task = task_of(run, run->consumed);
    int code = task->code;
    run->consuming = true;
    pthread_mutex_unlock(&run->mutex);
    if (code == 0 && run->pipeline->consume != NULL)
        code = run->pipeline->consume(run->pipeline->user, task->state, &task->error);
    pthread_mutex_lock(&run->mutex);
    run->consuming = false;
    task->done = false;
    run->consumed++;
    if (code != 0)
        stop(run, code, &task->error);
}

static void produce_and_work(struct run *run, void *worker)
{
    const struct pack_pipeline *pipeline = run->pipeline;
    struct task *task = task_of(run, run->produced);
    bool more = true;
    run->producing = true;
    pthread_mutex_unlock(&run->mutex);
    task->code = pack_check_cancelled(run->context, &task->error);
    if (task->code == 0)
        task->code = pipeline->produce(pipeline->user, task->state, &more, &task->error);
    pthread_mutex_lock(&run->mutex);
    run->producing = false;
    if (task->code != 0 || !more)
        run->ended = true;
    if (task->code != 0 || more)
        run->produced++;
    pthread_cond_broadcast(&run->changed);
    if (task->code == 0 && more && pipeline->work != NULL) {
        pthread_mutex_unlock(&run->mutex);
        task->code = pipeline->work(pipeline->user, worker, task->state, &task->error);
        pthread_mutex_lock(&run->mutex);
    }
    task->done = true;
}

static bool can_consume(const struct run *run)
{
    return !run->consuming && run->consumed < run->produced && task_of(run, run->consumed)->done;
}

static bool can_produce(const struct run *run)
{
    return !run->producing && !run->ended && run->produced - run->consumed < run->task_count;
}

static void take_part(struct run *run, void *worker)
{
    pthread_mutex_lock(&run->mutex);
    while (!run->stopped && !(run->ended && run->consumed == run->produced)) {
        if (can_consume(run))
            consume(run);
        else if (can_produce(run))
            produce_and_work(run, worker);
        else {
            pthread_cond_wait(&run->changed, &run->mutex);
            continue;
        }
        pthread_cond_broadcast(&run->changed);
    }
    pthread_mutex_unlock(&run->mutex);
}

static void *thread_main(void *argument)
{
    struct run *run = argument;
    const struct pack_pipeline *pipeline = run->pipeline;
    struct pack_error error = {0};
    void *worker = NULL;
    const int code =
        pipeline->worker_new != NULL ? pipeline->worker_new(pipeline->user, &worker, &error) : 0;
    if (code == 0) {
        take_part(run, worker);
    } else {
        pthread_mutex_lock(&run->mutex);
        stop(run, code, &error);
        pthread_cond_broadcast(&run->changed);
        pthread_mutex_unlock(&run->mutex);
    }
    if (worker != NULL && pipeline->worker_free != NULL)
        pipeline->worker_free(pipeline->user, worker);
    return NULL;
}

static int run_threads(struct run *run, unsigned jobs)
{
    pthread_t threads[MAX_THREADS];
    unsigned started = 0;
    /* A thread that cannot start is work that the others do. */
    while (started + 1 < jobs && started < MAX_THREADS &&
           pthread_create(&threads[started], NULL, thread_main, run) == 0)
        started++;
    thread_main(run);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return run->code;
}

static void tasks_free(struct run *run)
{
    for (size_t i = 0; i < run->task_count; i++) {
        if (run->tasks[i].state != NULL && run->pipeline->task_clear != NULL)
            run->pipeline->task_clear(run->tasks[i].state);
        free(run->tasks[i].state);
    }
    free(run->tasks);
}

int pack_pipeline_run(const struct pack_pipeline *pipeline, const struct pack_context *context,
                      struct pack_error *error)
{
    const unsigned jobs = pack_jobs(context);
    struct run run = {.pipeline = pipeline,
                      .context = context,
                      .mutex = PTHREAD_MUTEX_INITIALIZER,
                      .changed = PTHREAD_COND_INITIALIZER,
                      .task_count = jobs + 1,
                      .error = error};
    int code = pack_allocate(&run.tasks, run.task_count, sizeof *run.tasks, error);
    if (code != 0)
        return code;
    for (size_t i = 0; code == 0 && i < run.task_count; i++)
        code = pack_allocate(&run.tasks[i].state, 1, pipeline->task_size, error);
    if (code == 0)
        code = run_threads(&run, jobs);
    tasks_free(&run);
    pthread_mutex_destroy(&run.mutex);
    pthread_cond_destroy(&run.changed);
    return code;
}
