/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "io/program.h"
#include "io/program_variables.h"
#include "pack/digest.h"
#include "slot/kinds.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct command_slot {
    struct slot slot;
    const struct pack_device_program *program;
    const struct slot_facts *facts; /* or NULL */
    uint64_t position;
    struct program_pipe *pipe; /* NULL before the first byte */
};

/*
 * A program that is not there is noticed before anything is written anywhere; one that is looked
 * for in PATH, when it is started.
 */
static int check_program(const struct pack_device_program *program, struct pack_error *error)
{
    const char *path = program->words[0];
    if (strchr(path, '/') == NULL)
        return 0;
    if (access(path, F_OK) != 0) {
        pack_fail(error, PACK_E_NOT_FOUND, "the slot's program is not there");
        return pack_at_file(error, path);
    }
    if (access(path, X_OK) == 0)
        return 0;
    pack_fail(error, PACK_E_PERMISSION, "the slot's program cannot be run");
    pack_hint(error, "chmod +x %s", path);
    return pack_at_file(error, path);
}

static int open_write(struct slot **slot, const struct pack_device_target *target,
                      struct storage *storage, uint64_t size, struct pack_error *error)
{
    struct command_slot *command = NULL;
    (void)storage;
    int code = check_program(&target->program, error);
    if (code == 0)
        code = slot_new(&command, sizeof *command, &slot_command, target, size, error);
    if (code != 0)
        return code;
    command->program = &target->program;
    *slot = &command->slot;
    return 0;
}

static void tell(struct slot *slot, const struct slot_facts *facts)
{
    ((struct command_slot *)slot)->facts = facts;
}

/* --- feeding it ------------------------------------------------------------------------------ */

/* docs/slots.md lists them. */
static int set_variables(struct program_variables *variables, const struct command_slot *command,
                         struct pack_error *error)
{
    char size[24], hash[PACK_SHA256_HEX_SIZE] = {0};
    const struct slot_facts none = {0}, *facts = command->facts != NULL ? command->facts : &none;
    snprintf(size, sizeof size, "%llu", (unsigned long long)command->slot.size);
    if (facts->sha256 != NULL)
        pack_sha256_hex(facts->sha256, hash);
    const struct {
        const char *name, *value;
    } list[] = {
        {"FWPACK_PHASE", pack_phase_name(PACK_PHASE_WRITE)},
        {"FWPACK_SIZE", size},
        {"FWPACK_SHA256", facts->sha256 != NULL ? hash : NULL},
        {"FWPACK_SLOT", facts->slot},
        {"FWPACK_SET", facts->set},
        {"FWPACK_VERSION", facts->version},
    };
    int code = program_variables_begin(variables, error);
    for (size_t i = 0; code == 0 && i < sizeof list / sizeof *list; i++)
        code = program_variables_add(variables, list[i].name, list[i].value, error);
    return code;
}

static int start(struct command_slot *command, struct pack_error *error)
{
    PROGRAM_VARIABLES_AUTO struct program_variables variables = {.count = 0};
    const int code = set_variables(&variables, command, error);
    if (code != 0)
        return code;
    const struct program_run run = {
        .words = (char *const *)(uintptr_t)command->program->words,
        .variables = variables.words,
        .seconds = command->program->seconds,
        .code = PACK_E_IO,
        .group = true,
    };
    return program_pipe_open(&command->pipe, &run, error);
}

/* Not before the first byte: an install that ends earlier has not woken the other processor. */
static int start_once(struct command_slot *command, struct pack_error *error)
{
    return command->pipe == NULL ? start(command, error) : 0;
}

static int write_at(struct slot *slot, uint64_t offset, const void *bytes, size_t size,
                    struct pack_error *error)
{
    struct command_slot *command = (struct command_slot *)slot;
    int code = slot_check_order(offset, command->position, error);
    if (code == 0)
        code = start_once(command, error);
    if (code == 0)
        code = program_pipe_write(command->pipe, bytes, size, error);
    command->position += size;
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

static int finish(struct slot *slot, struct pack_error *error)
{
    struct command_slot *command = (struct command_slot *)slot;
    int code = slot_check_order(slot->size, command->position, error);
    if (code == 0)
        code = start_once(command, error);
    if (code == 0)
        code = program_pipe_end(command->pipe, error);
    return code != 0 ? pack_at_file(error, slot->name) : 0;
}

static void close_command(struct slot **slot)
{
    struct command_slot *command = (struct command_slot *)*slot;
    if (command != NULL)
        program_pipe_close(&command->pipe);
    slot_free(slot);
}

const struct slot_type slot_command = {
    .kind = PACK_TARGET_COMMAND,
    .name = "command",
    .open_write = open_write,
    .tell = tell,
    .write_at = write_at,
    .finish = finish,
    .close = close_command,
};
