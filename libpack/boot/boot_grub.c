/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "boot/grub_block.h"
#include "boot/order.h"
#include "boot/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TRIES = 3, COPIES = 2, MAX_GENERATION = 1000000000 };

#define DEFAULT_FILE "/boot/grub/grubenv"

/* The first and last variable hold the same number: a block that was cut in between does not. */
enum variable { BEGIN, ORDER, A_OK, B_OK, A_TRY, B_TRY, TRIAL, TRIES, END, VARIABLES };
static const struct grub_variable names[VARIABLES] = {
    [BEGIN] = {"fwpack_begin", ""}, [ORDER] = {"ORDER", ""}, [A_OK] = {"A_OK", ""},
    [B_OK] = {"B_OK", ""},          [A_TRY] = {"A_TRY", ""}, [B_TRY] = {"B_TRY", ""},
    [TRIAL] = {"TRIAL", ""},        [TRIES] = {"TRIES", ""}, [END] = {"fwpack_end", ""},
};

enum condition { ABSENT, DAMAGED, GOOD };

struct boot_grub {
    struct boot boot;
    const char *paths[COPIES]; /* the second may be NULL */
};

/* What is in the copy that counts: the first that is good, for so grub.cfg decides. */
struct block {
    enum condition condition;
    const char *path;
    uint8_t bytes[GRUB_BLOCK_SIZE];
    bool set[VARIABLES];
    struct grub_variable values[VARIABLES];
};

static void grub_close(struct boot **boot)
{
    free(*boot);
    *boot = NULL;
}

static int grub_open(struct boot **boot, const struct pack_device *device, struct storage *storage,
                     struct pack_error *error)
{
    struct boot_grub *grub = NULL;
    const int code = pack_allocate(&grub, 1, sizeof *grub, error);
    if (code != 0)
        return code;
    *boot = &grub->boot;
    (void)storage;
    grub->paths[0] = device->boot.file != NULL ? device->boot.file : DEFAULT_FILE;
    grub->paths[1] = device->boot.copy;
    return 0;
}

/* --- one copy -------------------------------------------------------------------------------- */

static void read_values(struct block *block)
{
    for (enum variable i = 0; i < VARIABLES; i++) {
        block->values[i].name = names[i].name;
        block->set[i] = grub_block_get(block->bytes, names[i].name, block->values[i].value);
    }
}

/* A block of others, RAUC say, has neither number. */
static int check_numbers(const struct block *block, struct pack_error *error)
{
    if (block->set[BEGIN] == block->set[END] &&
        (!block->set[BEGIN] || strcmp(block->values[BEGIN].value, block->values[END].value) == 0))
        return 0;
    return pack_fail(error, PACK_E_STATE, "GRUB's environment block was written by half");
}

/* The fault of a damaged one is told in `error`; the call fails only where it cannot be read. */
static int load_copy(struct block *block, struct storage *storage, const char *path,
                     struct pack_error *error)
{
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    block->condition = ABSENT;
    int code = storage_load(storage, path, 16 * GRUB_BLOCK_SIZE, &bytes, &size, error);
    if (code == PACK_E_NOT_FOUND)
        return 0;
    if (code != 0 && code != PACK_E_LIMIT)
        return code;
    block->path = path;
    if (code == 0)
        code = grub_block_check(bytes, size, error);
    if (code == 0) {
        memcpy(block->bytes, bytes, size);
        read_values(block);
        code = check_numbers(block, error);
    }
    block->condition = code == 0 ? GOOD : DAMAGED;
    if (code != 0)
        pack_at_file(error, path);
    return 0;
}

/* Neither there: nobody ever said anything. PACK_E_STATE where one is damaged, and none good. */
static int load(const struct boot_grub *grub, struct block *block, struct pack_error *error)
{
    bool damaged = false;
    struct pack_error first = {0};
    for (size_t i = 0; i < COPIES && grub->paths[i] != NULL; i++) {
        struct pack_error fault = {0};
        const int code = load_copy(block, grub->boot.storage, grub->paths[i], &fault);
        if (code != 0)
            *error = fault;
        if (code != 0 || block->condition == GOOD)
            return code;
        if (block->condition == DAMAGED && !damaged)
            first = fault;
        damaged |= block->condition == DAMAGED;
    }
    if (!damaged)
        return 0;
    *error = first;
    return pack_hint(error, "'grub-editenv %.160s create' makes one with which A starts",
                     grub->paths[0]);
}

/* --- reading --------------------------------------------------------------------------------- */

static int fail_value(const struct block *block, enum variable variable, struct pack_error *error)
{
    if (!block->set[variable])
        return pack_fail(error, PACK_E_STATE, "%s is missing in GRUB's environment block",
                         names[variable].name);
    return pack_fail(error, PACK_E_STATE, "%s is '%s' in GRUB's environment block",
                     names[variable].name, block->values[variable].value);
}

/* A digit up to `most`; what is not set is 0 where it need not be. */
static int read_digit(unsigned *digit, const struct block *block, enum variable variable,
                      bool needed, unsigned most, struct pack_error *error)
{
    const char *text = block->values[variable].value;
    *digit = 0;
    if (!block->set[variable])
        return needed ? fail_value(block, variable, error) : 0;
    if (text[0] < '0' || text[0] > '9' || text[1] != '\0' || (unsigned)(text[0] - '0') > most)
        return fail_value(block, variable, error);
    *digit = (unsigned)(text[0] - '0');
    return 0;
}

/* Sets that are not good are no part of the order. */
static void take_out(struct boot_order *order, const unsigned good[PACK_SETS])
{
    size_t kept = 0;
    for (size_t i = 0; i < order->count; i++)
        if (good[order->sets[i]] != 0)
            order->sets[kept++] = order->sets[i];
    order->count = kept;
}

static int judge(struct boot_state *state, const struct block *block, struct pack_error *error)
{
    struct boot_order order = {.count = 0};
    unsigned good[PACK_SETS], tried[PACK_SETS];
    if (!block->set[ORDER] || !boot_order_parse(&order, block->values[ORDER].value))
        return fail_value(block, ORDER, error);
    if (block->set[TRIAL] && !boot_order_parse_trial(&order, block->values[TRIAL].value))
        return fail_value(block, TRIAL, error);
    int code = read_digit(&order.tries, block, TRIES, order.trial, MAX_TRIES, error);
    for (enum pack_set set = 0; code == 0 && set < PACK_SETS; set++) {
        code = read_digit(&good[set], block, A_OK + set, true, 1, error);
        if (code == 0)
            code = read_digit(&tried[set], block, A_TRY + set, false, 1, error);
    }
    if (code != 0)
        return code;
    take_out(&order, good);
    if (order.count == 0)
        return pack_fail(error, PACK_E_STATE, "no set is good in GRUB's environment block");
    for (enum pack_set set = 0; set < PACK_SETS; set++)
        order.startable[set] = tried[set] == 0;
    /* RAUC's grub.cfg counts in this one, and up to one. */
    if (order.trial && tried[order.on_trial] != 0)
        order.tries = 0;
    code = boot_order_judge(state, &order, error);
    state->worn = code == 0 && !state->trial && tried[state->primary] != 0;
    return code;
}

static bool is_ours(const struct block *block)
{
    for (enum variable i = 0; i < VARIABLES; i++)
        if (block->set[i])
            return true;
    return false;
}

static int grub_read(struct boot *boot, struct boot_state *state, struct pack_error *error)
{
    const struct boot_grub *grub = (const struct boot_grub *)boot;
    struct block block = {.condition = ABSENT};
    int code = load(grub, &block, error);
    if (code != 0 || block.condition == ABSENT || !is_ours(&block))
        return code;
    code = judge(state, &block, error);
    return code == 0 ? 0 : pack_at_file(error, block.path);
}

/* --- writing --------------------------------------------------------------------------------- */

static void describe(struct grub_variable variables[VARIABLES], const struct boot_state *state,
                     unsigned long generation)
{
    memcpy(variables, names, sizeof names);
    snprintf(variables[BEGIN].value, GRUB_VALUE_SIZE, "%lu", generation);
    snprintf(variables[ORDER].value, GRUB_VALUE_SIZE, "%s", boot_order_text(state));
    for (enum pack_set set = 0; set < PACK_SETS; set++) {
        const bool used_up = state->trial && set != state->primary && state->tries == 0;
        snprintf(variables[A_OK + set].value, GRUB_VALUE_SIZE, "%d", boot_order_has(state, set));
        snprintf(variables[A_TRY + set].value, GRUB_VALUE_SIZE, "%d", used_up);
    }
    snprintf(variables[TRIAL].value, GRUB_VALUE_SIZE, "%s", boot_trial_text(state));
    snprintf(variables[TRIES].value, GRUB_VALUE_SIZE, "%u", state->tries);
    snprintf(variables[END].value, GRUB_VALUE_SIZE, "%lu", generation);
}

static int write_in_place(struct storage_file *file, const uint8_t block[GRUB_BLOCK_SIZE],
                          struct pack_error *error)
{
    const int code = storage_write_at(file, 0, block, GRUB_BLOCK_SIZE, error);
    return code != 0 ? code : storage_flush(file, error);
}

/*
 * GRUB writes where the file's blocks lie, without its file system's knowledge: so the file stays
 * where it is, and no journal has an older version of it to put there.
 */
static int save_copy(struct storage *storage, const char *path,
                     const uint8_t block[GRUB_BLOCK_SIZE], struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    uint64_t size = 0;
    int code = storage_open(storage, path, STORAGE_WRITE, &file, error);
    if (code == 0)
        code = storage_size(file, &size, error);
    if (code != 0 && code != PACK_E_NOT_FOUND)
        return code;
    if (code == PACK_E_NOT_FOUND || size != GRUB_BLOCK_SIZE) {
        pack_error_clear(error);
        return storage_save(storage, path, block, GRUB_BLOCK_SIZE, error);
    }
    code = write_in_place(file, block, error);
    return code != 0 ? code : storage_close(&file, error);
}

static int grub_write(struct boot *boot, const struct boot_state *state, struct pack_error *error)
{
    const struct boot_grub *grub = (const struct boot_grub *)boot;
    struct block block = {.condition = ABSENT};
    struct grub_variable variables[VARIABLES];
    uint8_t bytes[GRUB_BLOCK_SIZE];
    int code = load(grub, &block, error);
    if (code != 0)
        return code;
    const bool numbered = block.condition == GOOD && block.set[BEGIN];
    const unsigned long last = numbered ? strtoul(block.values[BEGIN].value, NULL, 10) : 0;
    describe(variables, state, last % MAX_GENERATION + 1);
    code = grub_block_make(bytes, variables, VARIABLES,
                           block.condition == GOOD ? block.bytes : NULL, error);
    if (code != 0)
        return pack_at_file(error, grub->paths[0]);
    /* The first one counts while it is good: so the second is written before it. */
    for (size_t i = COPIES; code == 0 && i-- > 0;)
        if (grub->paths[i] != NULL)
            code = save_copy(boot->storage, grub->paths[i], bytes, error);
    return code;
}

const struct boot_type boot_type_grub = {
    .name = "grub",
    .summary = "GRUB's environment block, in one copy or two",
    .max_tries = MAX_TRIES,
    .falls_back = true,
    .open = grub_open,
    .read = grub_read,
    .write = grub_write,
    .close = grub_close,
};
