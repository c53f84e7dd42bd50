/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "io/program.h"
#include "pack/digest.h"
#include "slot/kinds.h"

#include <stdio.h>
#include <unistd.h>

/* FWPACK_SIZE=… and so on: docs/slots.md. */
enum { MAX_VARIABLES = 10, VARIABLE_SIZE = 256 };

struct command_slot {
    struct slot slot;
    const struct pack_device_program *program;
    const struct slot_facts *facts; /* or NULL */
    uint64_t position;
    struct program_pipe *pipe; /* NULL before the first byte */
};

/* A program that is not there is noticed before anything is written anywhere. */
static int check_program(const struct pack_device_program *program, struct pack_error *error)
{
    const char *path = program->words[0];
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

/* --- what the program knows ------------------------------------------------------------------ */

struct variables {
    size_t count;
    char text[MAX_VARIABLES][VARIABLE_SIZE];
    char *words[MAX_VARIABLES + 1];
};

static void add_variable(struct variables *variables, const char *name, const char *value)
{
    char *text = variables->text[variables->count];
    if (value == NULL)
        return;
    snprintf(text, VARIABLE_SIZE, "%s=%s", name, value);
    variables->words[variables->count++] = text;
}

static void add_variables(struct variables *variables, const struct command_slot *command)
{
    char number[24], hash[PACK_SHA256_HEX_SIZE];
    const struct slot_facts none = {0}, *facts = command->facts != NULL ? command->facts : &none;
    snprintf(number, sizeof number, "%llu", (unsigned long long)command->slot.size);
    add_variable(variables, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    add_variable(variables, "LANG", "C");
    add_variable(variables, "FWPACK_PHASE", "write");
    add_variable(variables, "FWPACK_SIZE", number);
    add_variable(variables, "FWPACK_SLOT", facts->slot);
    add_variable(variables, "FWPACK_SET", facts->set);
    add_variable(variables, "FWPACK_VERSION", facts->version);
    if (facts->sha256 == NULL)
        return;
    pack_sha256_hex(facts->sha256, hash);
    add_variable(variables, "FWPACK_SHA256", hash);
}

/* --- feeding it ------------------------------------------------------------------------------ */

static int start(struct command_slot *command, struct pack_error *error)
{
    PACK_AUTO_FREE struct variables *variables = NULL;
    const int code = pack_allocate(&variables, 1, sizeof *variables, error);
    if (code != 0)
        return code;
    add_variables(variables, command);
    const struct program_run run = {
        .words = (char *const *)(uintptr_t)command->program->words,
        .variables = variables->words,
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
