/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "io/parallel.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_JOBS = 8, NEVER = -1 };

/* What a run is to do, and what it did. */
struct plan {
    int tasks;
    int fail_produce, fail_work, fail_work_too, fail_consume; /* number of the task, or NEVER */
    int fail_worker;                                          /* number of the thread, or NEVER */
    int cancel_at;                                            /* task, or NEVER */
    int produced, consumed;
    atomic_int producing, consuming, in_flight, most_in_flight;
    atomic_int workers, workers_freed, worked;
    atomic_bool cancelled;
};

static struct plan plan_of(int tasks)
{
    return (struct plan){.tasks = tasks,
                         .fail_produce = NEVER,
                         .fail_work = NEVER,
                         .fail_work_too = NEVER,
                         .fail_consume = NEVER,
                         .fail_worker = NEVER,
                         .cancel_at = NEVER};
}

struct task {
    int number;
    int square;
    char *owned; /* made once, and freed by task_clear */
};

static atomic_int cleared;

static void task_clear(void *state)
{
    struct task *task = state;
    free(task->owned);
    atomic_fetch_add(&cleared, 1);
}

static int produce(void *user, void *state, bool *more, struct pack_error *error)
{
    struct plan *plan = user;
    struct task *task = state;
    assert_int_equal(atomic_fetch_add(&plan->producing, 1), 0);
    int code = 0;
    *more = plan->produced < plan->tasks;
    if (*more) {
        if (task->owned == NULL)
            task->owned = strdup("owned");
        task->number = plan->produced++;
        const int flying = atomic_fetch_add(&plan->in_flight, 1) + 1;
        if (flying > atomic_load(&plan->most_in_flight))
            atomic_store(&plan->most_in_flight, flying);
        if (task->number == plan->fail_produce)
            code = pack_fail(error, PACK_E_IO, "task %d cannot be produced", task->number);
    }
    atomic_fetch_sub(&plan->producing, 1);
    return code;
}

static int work(void *user, void *worker, void *state, struct pack_error *error)
{
    struct plan *plan = user;
    struct task *task = state;
    assert_true(worker != NULL);
    atomic_fetch_add(&plan->worked, 1);
    for (int i = 0; i < task->number * 7 % 5; i++)
        sched_yield(); /* so that tasks do not finish in their order */
    task->square = task->number * task->number;
    if (task->number == plan->cancel_at)
        atomic_store(&plan->cancelled, true);
    if (task->number == plan->fail_work || task->number == plan->fail_work_too)
        return pack_fail(error, PACK_E_CORRUPT, "task %d cannot be done", task->number);
    return 0;
}

static int consume(void *user, void *state, struct pack_error *error)
{
    struct plan *plan = user;
    const struct task *task = state;
    assert_int_equal(atomic_fetch_add(&plan->consuming, 1), 0);
    atomic_fetch_sub(&plan->in_flight, 1);
    assert_int_equal(task->number, plan->consumed);
    assert_int_equal(task->square, task->number * task->number);
    plan->consumed++;
    int code = 0;
    if (task->number == plan->fail_consume)
        code = pack_fail(error, PACK_E_NO_SPACE, "task %d cannot be consumed", task->number);
    atomic_fetch_sub(&plan->consuming, 1);
    return code;
}

static int worker_new(void *user, void **worker, struct pack_error *error)
{
    struct plan *plan = user;
    const int number = atomic_fetch_add(&plan->workers, 1);
    if (number == plan->fail_worker)
        return pack_fail(error, PACK_E_NO_MEMORY, "worker %d cannot be made", number);
    *worker = plan;
    return 0;
}

static void worker_free(void *user, void *worker)
{
    struct plan *plan = user;
    assert_ptr_equal(worker, plan);
    atomic_fetch_add(&plan->workers_freed, 1);
}

static bool is_cancelled(void *user)
{
    return atomic_load(&((struct plan *)user)->cancelled);
}

static int run(struct plan *plan, unsigned jobs, struct pack_error *error)
{
    const struct pack_pipeline pipeline = {.task_size = sizeof(struct task),
                                           .produce = produce,
                                           .work = work,
                                           .consume = consume,
                                           .worker_new = worker_new,
                                           .worker_free = worker_free,
                                           .task_clear = task_clear,
                                           .user = plan};
    const struct pack_context context = {.jobs = jobs, .cancelled = is_cancelled, .user = plan};
    atomic_store(&cleared, 0);
    const int code = pack_pipeline_run(&pipeline, &context, error);
    assert_int_equal(atomic_load(&cleared), jobs + 1);
    assert_int_equal(atomic_load(&plan->producing), 0);
    assert_int_equal(atomic_load(&plan->consuming), 0);
    assert_true(atomic_load(&plan->most_in_flight) <= (int)jobs + 1);
    const int failed = plan->fail_worker != NEVER && plan->fail_worker < plan->workers;
    assert_int_equal(plan->workers_freed, plan->workers - failed);
    return code;
}

/* --- good runs ------------------------------------------------------------------------------- */

static void tasks_are_consumed_in_order(void **state)
{
    (void)state;
    static const int counts[] = {0, 1, 2, 3, 9, 100, 5000};
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++)
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
            struct pack_error error = {0};
            struct plan plan = plan_of(counts[i]);
            assert_pack_ok(run(&plan, jobs, &error));
            assert_int_equal(plan.consumed, counts[i]);
            assert_int_equal(plan.worked, counts[i]);
        }
}

static void the_callers_thread_takes_part(void **state)
{
    (void)state;
    struct pack_error error = {0};
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++) {
        struct plan plan = plan_of(100);
        assert_pack_ok(run(&plan, jobs, &error));
        assert_in_range(plan.workers, 1, jobs);
    }
}

static int produce_five(void *user, void *state, bool *more, struct pack_error *error)
{
    int *count = user;
    (void)state;
    (void)error;
    *more = *count < 5;
    *count += *more;
    return 0;
}

static void only_produce_is_wanted(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++) {
        struct pack_error error = {0};
        int count = 0;
        const struct pack_pipeline pipeline = {
            .task_size = 1, .produce = produce_five, .user = &count};
        const struct pack_context context = {.jobs = jobs};
        assert_pack_ok(pack_pipeline_run(&pipeline, &context, &error));
        assert_int_equal(count, 5);
    }
}

/* --- failures -------------------------------------------------------------------------------- */

/* Whatever the threads do, the failure is that of the first task in order. */
static void the_first_failure_in_order_is_reported(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++)
        for (int first = 0; first < 40; first += 3) {
            struct pack_error error = {0};
            struct plan plan = plan_of(60);
            plan.fail_work = first + 1;
            plan.fail_work_too = first;
            plan.fail_produce = first + 2;
            assert_pack_fails(run(&plan, jobs, &error), PACK_E_CORRUPT);
            assert_int_equal(plan.consumed, first);
            char words[64];
            snprintf(words, sizeof words, "task %d cannot be done", first);
            assert_string_equal(error.text, words);
        }
}

static void what_was_produced_before_a_failure_is_consumed(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++)
        for (int first = 0; first < 40; first += 3) {
            struct pack_error error = {0};
            struct plan plan = plan_of(60);
            plan.fail_produce = first;
            assert_pack_fails(run(&plan, jobs, &error), PACK_E_IO);
            assert_int_equal(plan.consumed, first);
            assert_int_equal(plan.worked, first);
        }
}

static void nothing_is_consumed_after_a_failure_to_consume(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++)
        for (int first = 0; first < 40; first += 3) {
            struct pack_error error = {0};
            struct plan plan = plan_of(60);
            plan.fail_consume = first;
            assert_pack_fails(run(&plan, jobs, &error), PACK_E_NO_SPACE);
            assert_int_equal(plan.consumed, first + 1);
        }
}

/* Other threads may have done all of the work by then, or none of it. */
static void a_worker_that_cannot_be_made_stops_the_run(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++)
        for (int number = 0; number < (int)jobs; number++) {
            struct pack_error error = {0};
            struct plan plan = plan_of(200);
            plan.fail_worker = number;
            assert_pack_fails(run(&plan, jobs, &error), PACK_E_NO_MEMORY);
        }
}

static void cancelling_stops_the_run(void **state)
{
    (void)state;
    for (unsigned jobs = 1; jobs <= MOST_JOBS; jobs++) {
        struct pack_error error = {0};
        struct plan plan = plan_of(1000000);
        plan.cancel_at = 50;
        assert_pack_fails(run(&plan, jobs, &error), PACK_E_INTERRUPTED);
        assert_true(plan.consumed < 50 + 2 * (int)jobs + 2);
        struct plan from_the_start = plan_of(10);
        from_the_start.cancelled = true;
        assert_pack_fails(run(&from_the_start, jobs, &error), PACK_E_INTERRUPTED);
        assert_int_equal(from_the_start.consumed, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_are_consumed_in_order),
        cmocka_unit_test(the_callers_thread_takes_part),
        cmocka_unit_test(only_produce_is_wanted),
        cmocka_unit_test(the_first_failure_in_order_is_reported),
        cmocka_unit_test(what_was_produced_before_a_failure_is_consumed),
        cmocka_unit_test(nothing_is_consumed_after_a_failure_to_consume),
        cmocka_unit_test(a_worker_that_cannot_be_made_stops_the_run),
        cmocka_unit_test(cancelling_stops_the_run),
    };
    return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
