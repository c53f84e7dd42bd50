/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "boot/defaults.h"
#include "boot/lines.h"
#include "boot/types.h"
#include "io/program.h"
#include "io/program_variables.h"

#include <stdio.h>
#include <string.h>

enum { MAX_TRIES = 99 };

/* The device's program, and what it is asked to do as its last argument. */
struct boot_custom {
    struct boot boot;
    char **words; /* one more than the device has, and NULL; the words are the device's */
    size_t last;
};

static void custom_close(struct boot **boot)
{
    struct boot_custom *custom = (struct boot_custom *)*boot;
    free(custom->words);
    free(custom);
    *boot = NULL;
}

static int custom_open(struct boot **boot, const struct pack_device *device,
                       struct storage *storage, struct pack_error *error)
{
    const struct pack_device_program *program = &device->boot.program;
    struct boot_custom *custom = NULL;
    (void)storage;
    if (program->count == 0)
        return pack_fail(error, PACK_E_USAGE, "the bootloader 'custom' has no program");
    int code = pack_allocate(&custom, 1, sizeof *custom, error);
    if (code != 0)
        return code;
    *boot = &custom->boot;
    code = pack_allocate(&custom->words, program->count + 2, sizeof *custom->words, error);
    if (code != 0)
        return code;
    memcpy(custom->words, program->words, program->count * sizeof *custom->words);
    custom->last = program->count;
    return 0;
}

static int run(struct boot *boot, char *what, const struct pack_buffer *input,
               struct pack_buffer *answer, enum pack_code failure, struct pack_error *error)
{
    struct boot_custom *custom = (struct boot_custom *)boot;
    PROGRAM_VARIABLES_AUTO struct program_variables variables = {.count = 0};
    int code = program_variables_begin(&variables, error);
    if (code != 0)
        return code;
    const struct program_run run = {
        .words = custom->words,
        .variables = variables.words,
        .input = input != NULL ? input->bytes : NULL,
        .input_size = input != NULL ? input->size : 0,
        .seconds = boot->device->boot.program.seconds,
        .code = failure,
        .group = true,
    };
    custom->words[custom->last] = what;
    code = program_run(answer, &run, error);
    return code == 0 ? 0 : pack_context(error, "'%s'", what);
}

static int get(struct boot *boot, struct boot_lines *lines, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = BOOT_LINES_LIMIT};
    char what[] = "get";
    int code = run(boot, what, NULL, &answer, PACK_E_STATE, error);
    if (code != 0)
        return code;
    code = boot_lines_parse(lines, answer.bytes, answer.size, LINES_STATE, error);
    return code == 0
               ? 0
               : pack_context(error, "what '%s get' prints", boot->device->boot.program.words[0]);
}

static int custom_read(struct boot *boot, struct boot_state *state, struct pack_error *error)
{
    struct boot_lines lines;
    const int code = get(boot, &lines, error);
    if (code == 0)
        *state = lines.state;
    return code;
}

static int custom_write(struct boot *boot, const struct boot_state *state, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = BOOT_LINES_LIMIT};
    const struct boot_lines lines = {.present = LINES_STATE, .state = *state};
    char what[] = "set";
    const int code = boot_lines_print(&text, &lines, error);
    return code != 0 ? code : run(boot, what, &text, NULL, PACK_E_IO, error);
}

static int custom_running(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    struct boot_lines lines;
    const int code = get(boot, &lines, error);
    if (code != 0)
        return code;
    if ((lines.present & LINE_BIT(LINE_RUNNING)) == 0)
        return boot_running_by_root(boot, set, error);
    *set = lines.running;
    return 0;
}

static int custom_session(struct boot *boot, char text[64], struct pack_error *error)
{
    struct boot_lines lines;
    const int code = get(boot, &lines, error);
    if (code != 0)
        return code;
    if ((lines.present & LINE_BIT(LINE_SESSION)) == 0)
        return boot_session_of_kernel(boot, text, error);
    snprintf(text, 64, "%s", lines.session);
    return 0;
}

const struct boot_type boot_type_custom = {
    .name = "custom",
    .summary = "a program that gets and sets the state",
    .max_tries = MAX_TRIES,
    .falls_back = true,
    .open = custom_open,
    .read = custom_read,
    .write = custom_write,
    .running = custom_running,
    .session = custom_session,
    .close = custom_close,
};
