/* SPDX-License-Identifier: MIT */
#include "install/hooks.h"

#include "base/memory.h"
#include "install/number.h"
#include "io/program_variables.h"
#include "io/wait.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_COUNTER_ANSWER = 64 };

/* --- running --------------------------------------------------------------------------------- */

static int set_variables(struct program_variables *variables, const struct hook_facts *facts,
                         struct pack_error *error)
{
    const char *const values[][2] = {
        {"FWPACK_PHASE", facts->phase},     {"FWPACK_VERSION", facts->version},
        {"FWPACK_FROM", facts->from},       {"FWPACK_SET", facts->set},
        {"FWPACK_PRODUCT", facts->product}, {"FWPACK_DEVICE_ID", facts->device},
        {"FWPACK_REASON", facts->reason},   {"FWPACK_COUNTER", facts->counter},
    };
    int code = program_variables_begin(variables, error);
    for (size_t i = 0; code == 0 && i < sizeof values / sizeof values[0]; i++)
        code = program_variables_add(variables, values[i][0], values[i][1], error);
    return code;
}

int hook_run(const struct pack_device_program *program, const char *what,
             const struct hook_facts *facts, enum pack_code code, struct pack_buffer *output,
             struct pack_error *error)
{
    PROGRAM_VARIABLES_AUTO struct program_variables variables = {.count = 0};
    int failed = set_variables(&variables, facts, error);
    if (failed != 0)
        return failed;
    const struct program_run run = {
        .words = (char *const *)(uintptr_t)program->words,
        .variables = variables.words,
        .seconds = program->seconds,
        .code = code,
        .group = true,
    };
    failed = program_run(output, &run, error);
    return failed != 0 ? pack_context(error, "%s", what) : 0;
}

static int run_phase(const struct pack_device_program *program, const char *when,
                     enum pack_phase phase, const struct hook_facts *facts,
                     struct pack_error *error)
{
    char what[64];
    struct hook_facts told = *facts;
    if (program->count == 0)
        return 0;
    told.phase = pack_phase_name(phase);
    snprintf(what, sizeof what, "the hook %s %s", when, told.phase);
    return hook_run(program, what, &told, PACK_E_VETOED, NULL, error);
}

int hook_before(const struct pack_device *device, enum pack_phase phase,
                const struct hook_facts *facts, struct pack_error *error)
{
    return run_phase(&device->before[phase], "before", phase, facts, error);
}

int hook_after(const struct pack_device *device, enum pack_phase phase,
               const struct hook_facts *facts, struct pack_error *error)
{
    return run_phase(&device->after[phase], "after", phase, facts, error);
}

/* --- health ---------------------------------------------------------------------------------- */

static int pause_for(const struct pack_context *context, unsigned seconds, struct pack_error *error)
{
    const int64_t deadline = wait_deadline(seconds);
    bool ready = false;
    const int code = wait_for(-1, 0, deadline, &ready, error);
    return code != 0 ? code : pack_check_cancelled(context, error);
}

/* 0, PACK_E_UNHEALTHY with the last attempt's reason, or what keeps all checks from going on. */
static int run_check(const struct pack_engine *engine, const struct pack_device_health *health,
                     const struct hook_facts *facts, struct pack_health_result *result,
                     struct pack_error *error)
{
    char what[96];
    const unsigned most = health->attempts > 0 ? health->attempts : 1;
    snprintf(what, sizeof what, "the health check '%.64s'", health->name);
    result->name = health->name;
    for (;;) {
        int code = pack_check_cancelled(engine->context, error);
        if (code != 0)
            return code;
        result->attempts++;
        code = hook_run(&health->program, what, facts, PACK_E_UNHEALTHY, NULL, error);
        result->good = code == 0;
        snprintf(result->reason, sizeof result->reason, "%s", code != 0 ? error->text : "");
        if (code != PACK_E_UNHEALTHY || result->attempts == most)
            return code;
        pack_error_clear(error);
        code = pause_for(engine->context, health->pause, error);
        if (code != 0)
            return code;
    }
}

int health_run(const struct pack_engine *engine, const struct hook_facts *facts,
               struct pack_confirm_report *report, struct pack_error *error)
{
    const struct pack_device *device = engine->device;
    struct hook_facts told = *facts;
    told.phase = pack_phase_name(PACK_PHASE_CONFIRM);
    report->check_count = 0;
    pack_error_clear(error);
    for (size_t i = 0; i < device->health_count && i < PACK_MAX_CHECKS; i++) {
        struct pack_error other = {0};
        struct pack_health_result *result = &report->checks[report->check_count++];
        *result = (struct pack_health_result){.name = NULL};
        const int code = run_check(engine, &device->health[i], &told, result, &other);
        if (code != 0 && (code != PACK_E_UNHEALTHY || error->code == 0))
            *error = other;
        if (code != 0 && code != PACK_E_UNHEALTHY)
            return code;
    }
    return (int)error->code;
}

/* --- hardware counter ------------------------------------------------------------------------ */

static int fail_counter(const char *answer, size_t size, struct pack_error *error)
{
    char shown[MAX_COUNTER_ANSWER + 4];
    return pack_fail(error, PACK_E_STATE,
                     "the hardware counter: its program printed '%s', a decimal number wanted",
                     pack_escape(shown, sizeof shown, answer, size));
}

int counter_read(const struct pack_device *device, uint64_t *value, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = MAX_COUNTER_ANSWER};
    const struct hook_facts none = {.phase = NULL};
    *value = 0;
    if (device->counter_read.count == 0)
        return 0;
    const int code = hook_run(&device->counter_read, "the hardware counter", &none, PACK_E_STATE,
                              &answer, error);
    if (code != 0)
        return code;
    const char *text = answer.bytes != NULL ? (const char *)answer.bytes : "";
    return number_read(text, answer.size, UINT64_MAX, value)
               ? 0
               : fail_counter(text, strcspn(text, "\n"), error);
}

/* Told twice: as the last word, and in its environment. */
static int run_raise(const struct pack_device_program *program, const char *number,
                     struct pack_error *error)
{
    PACK_AUTO_FREE const char **words = NULL;
    const struct hook_facts facts = {.counter = number};
    const int code = pack_allocate(&words, program->count + 2, sizeof *words, error);
    if (code != 0)
        return code;
    memcpy(words, program->words, program->count * sizeof *words);
    words[program->count] = number;
    const struct pack_device_program told = {
        .count = program->count + 1, .words = words, .seconds = program->seconds};
    return hook_run(&told, "raising the hardware counter", &facts, PACK_E_STATE, NULL, error);
}

int counter_raise(const struct pack_device *device, uint64_t value, struct pack_error *error)
{
    uint64_t now = 0;
    char number[24];
    int code = counter_read(device, &now, error);
    if (code != 0 || device->counter_raise.count == 0 || now >= value)
        return code;
    snprintf(number, sizeof number, "%llu", (unsigned long long)value);
    code = run_raise(&device->counter_raise, number, error);
    if (code == 0)
        code = counter_read(device, &now, error);
    if (code != 0 || device->counter_read.count == 0 || now >= value)
        return code;
    return pack_fail(error, PACK_E_STATE,
                     "the hardware counter is at %llu after it was raised, at least %llu wanted",
                     (unsigned long long)now, (unsigned long long)value);
}
