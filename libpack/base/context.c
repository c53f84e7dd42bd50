/* SPDX-License-Identifier: MIT */
#include "pack/context.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>

enum { MAX_JOBS = 64 };

void pack_log(const struct pack_context *context, enum pack_log_level level, const char *format,
              ...)
{
    if (context->log == NULL)
        return;
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    context->log(context->user, level, text);
}

void pack_progress(const struct pack_context *context, const char *what, uint64_t done,
                   uint64_t total)
{
    if (context->progress != NULL)
        context->progress(context->user, what, done, total);
}

int pack_check_cancelled(const struct pack_context *context, struct pack_error *error)
{
    if (context == NULL || context->cancelled == NULL || !context->cancelled(context->user))
        return 0;
    return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
}

unsigned pack_jobs(const struct pack_context *context)
{
    unsigned jobs = context->jobs;
    if (jobs == 0) {
        cpu_set_t usable;
        jobs = sched_getaffinity(0, sizeof usable, &usable) == 0 ? (unsigned)CPU_COUNT(&usable) : 1;
    }
    return jobs < 1 ? 1 : jobs > MAX_JOBS ? MAX_JOBS : jobs;
}
