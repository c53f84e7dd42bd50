/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/memory.h"
#include "boot/order.h"
#include "boot/types.h"
#include "boot/uboot_library.h"
#include "boot/words.h"
#include "io/file.h"
#include "pack/text.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum {
    MAX_TRIES = 9,
    MAX_LEFT = 3, /* what RAUC gives a set, too */
    MAX_CONFIG = 64 * 1024,
    COPIES = 2,
    SHOWN = 32,
};

#define DEFAULT_CONFIG "/etc/fw_env.config"

/* The variables, as RAUC names them, but for the last. */
#define ORDER "BOOT_ORDER"
#define TRIAL "BOOT_TRIAL"
static const char *const left[PACK_SETS] = {"BOOT_A_LEFT", "BOOT_B_LEFT"};

struct boot_uboot {
    struct boot boot;
    struct uboot_library call;
    const char *config; /* the device's, or the default */
};

/* The environment, read: one at a time, for it holds a lock. */
struct environment {
    const struct uboot_library *call;
    struct uboot_ctx *context;
    bool open; /* or tried: a failure keeps the lock until it is closed, too */
};

static void uboot_close(struct boot **boot)
{
    struct boot_uboot *uboot = (struct boot_uboot *)*boot;
    uboot_library_unload(&uboot->call);
    free(uboot);
    *boot = NULL;
}

static int uboot_open(struct boot **boot, const struct pack_device *device, struct storage *storage,
                      struct pack_error *error)
{
    struct boot_uboot *uboot = NULL;
    const int code = pack_allocate(&uboot, 1, sizeof *uboot, error);
    if (code != 0)
        return code;
    *boot = &uboot->boot;
    (void)storage;
    uboot->config = device->boot.config != NULL ? device->boot.config : DEFAULT_CONFIG;
    return uboot_library_load(&uboot->call, error);
}

/* --- fw_env.config --------------------------------------------------------------------------- */

/* "DEVICE OFFSET SIZE [SECTOR [SECTORS]]" */
struct copy {
    char device[PATH_MAX];
    char rest[256];
};

/* False for an empty line or a comment. */
static bool parse_line(struct copy *copy, const char *line)
{
    struct boot_word device;
    if (!boot_word_next(&device, &line) || device.text[0] == '#')
        return false;
    snprintf(copy->rest, sizeof copy->rest, "%s", line + strspn(line, " \t"));
    return boot_word_copy(copy->device, sizeof copy->device, &device);
}

static int fail_copies(size_t count, struct pack_error *error)
{
    pack_fail(error, PACK_E_UNSUPPORTED,
              "the environment has %zu cop%s, two in different places are wanted: a power cut "
              "while the only one is written loses it",
              count, count == 1 ? "y" : "ies");
    return pack_hint(error,
                     "build U-Boot with CONFIG_SYS_REDUNDAND_ENVIRONMENT, and name both places");
}

/* The lines with devices where their bytes really lie, each once. */
static int locate_copies(struct pack_buffer *located, char *text, struct storage *storage,
                         struct pack_error *error)
{
    PACK_AUTO_FREE struct copy *copies = NULL;
    char path[PATH_MAX], *rest = NULL;
    size_t count = 0;
    int code = pack_allocate(&copies, COPIES + 1, sizeof *copies, error);
    for (char *line = strtok_r(text, "\r\n", &rest); code == 0 && line != NULL;
         line = strtok_r(NULL, "\r\n", &rest)) {
        struct copy *copy = &copies[count];
        if (!parse_line(copy, line))
            continue;
        if (++count > COPIES)
            break;
        code = storage_locate(storage, copy->device, path, sizeof path, error);
        if (code == 0 && strpbrk(path, " \t") != NULL)
            code = pack_fail(error, PACK_E_UNSUPPORTED, "libubootenv takes no path with a blank");
        if (code == 0)
            code = pack_buffer_print(located, error, "%s %s\n", path, copy->rest);
    }
    if (code != 0)
        return code;
    if (count == COPIES && strcmp(copies[0].device, copies[1].device) == 0 &&
        strcmp(copies[0].rest, copies[1].rest) == 0)
        return fail_copies(1, error);
    return count == COPIES ? 0 : fail_copies(count, error);
}

/* A file in memory that the library reads as fw_env.config: it opens what that names by itself. */
static int make_config(int *descriptor, const struct boot_uboot *uboot, struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    PACK_AUTO_BUFFER struct pack_buffer located = {.limit = MAX_CONFIG};
    size_t size = 0;
    int code =
        storage_load(uboot->boot.storage, uboot->config, MAX_CONFIG, (void **)&text, &size, error);
    if (code != 0)
        return code;
    code = locate_copies(&located, text, uboot->boot.storage, error);
    if (code != 0)
        return pack_at_file(error, uboot->config);
    PACK_AUTO_CLOSE int made = memfd_create("fw_env.config", MFD_CLOEXEC);
    if (made < 0)
        return pack_fail_errno(error, errno, "cannot make a file in memory");
    code = pack_write_descriptor(made, located.bytes, located.size, error);
    if (code != 0)
        return code;
    *descriptor = made;
    made = -1;
    return 0;
}

/* --- the environment ------------------------------------------------------------------------- */

static void environment_close(struct environment *environment)
{
    if (environment->open)
        environment->call->libuboot_close(environment->context);
    if (environment->context != NULL)
        environment->call->libuboot_exit(environment->context);
    *environment = (struct environment){.open = false};
}

static int fail_open(const struct boot_uboot *uboot, struct pack_error *error)
{
    pack_fail(error, PACK_E_STATE,
              "neither copy of U-Boot's environment is good, or it cannot be read");
    pack_hint(error, "write the board's own one: fw_setenv -c %.160s -f FILE", uboot->config);
    return pack_at_file(error, uboot->config);
}

static int environment_open(struct environment *environment, const struct boot_uboot *uboot,
                            struct pack_error *error)
{
    PACK_AUTO_CLOSE int config = -1;
    char path[64];
    const int code = make_config(&config, uboot, error);
    if (code != 0)
        return code;
    environment->call = &uboot->call;
    snprintf(path, sizeof path, "/proc/self/fd/%d", config);
    if (uboot->call.libuboot_initialize(&environment->context, NULL) != 0)
        return pack_fail_memory(error);
    if (uboot->call.libuboot_read_config(environment->context, path) != 0) {
        pack_fail(error, PACK_E_STATE, "libubootenv cannot use the places that it names");
        return pack_at_file(error, uboot->config);
    }
    environment->open = true;
    return uboot->call.libuboot_open(environment->context) != 0 ? fail_open(uboot, error) : 0;
}

#define AUTO_ENVIRONMENT PACK_AUTO(environment_close)

/* --- reading --------------------------------------------------------------------------------- */

/* A count that U-Boot's setexpr made: one hexadecimal digit. */
static bool parse_left(unsigned *count, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    const char *digit = text[0] != '\0' && text[1] == '\0' ? strchr(digits, text[0]) : NULL;
    *count = digit == NULL ? 0 : (unsigned)(digit - digits);
    return digit != NULL;
}

static int fail_variable(const char *name, const char *value, const char *wanted,
                         struct pack_error *error)
{
    char shown[4 * SHOWN + 1];
    if (value == NULL)
        return pack_fail(error, PACK_E_STATE, "%s is set in U-Boot's environment, %s is not", ORDER,
                         name);
    return pack_fail(error, PACK_E_STATE, "%s is '%s' in U-Boot's environment, %s wanted", name,
                     pack_escape(shown, sizeof shown, value, strnlen(value, SHOWN)), wanted);
}

static int read_counts(unsigned counts[PACK_SETS], const struct environment *environment,
                       struct pack_error *error)
{
    for (enum pack_set set = 0; set < PACK_SETS; set++) {
        PACK_AUTO_FREE char *value =
            environment->call->libuboot_get_env(environment->context, left[set]);
        if (value == NULL || !parse_left(&counts[set], value))
            return fail_variable(left[set], value, "one hexadecimal digit", error);
    }
    return 0;
}

/* Without an order nobody ever said anything: A starts, and it alone. */
static int read_state(struct boot_state *state, const struct environment *environment,
                      struct pack_error *error)
{
    PACK_AUTO_FREE char *text = environment->call->libuboot_get_env(environment->context, ORDER);
    PACK_AUTO_FREE char *trial = environment->call->libuboot_get_env(environment->context, TRIAL);
    struct boot_order order = {.count = 0};
    unsigned counts[PACK_SETS] = {0};
    if (text == NULL)
        return 0;
    if (!boot_order_parse(&order, text))
        return fail_variable(ORDER, text, "an order of A and B", error);
    if (trial != NULL && !boot_order_parse_trial(&order, trial))
        return fail_variable(TRIAL, trial, "A or B", error);
    int code = read_counts(counts, environment, error);
    if (code != 0)
        return code;
    for (enum pack_set set = 0; set < PACK_SETS; set++)
        order.startable[set] = counts[set] != 0;
    order.tries = order.trial ? counts[order.on_trial] : 0;
    code = boot_order_judge(state, &order, error);
    state->worn = code == 0 && !state->trial && counts[state->primary] < MAX_LEFT;
    return code;
}

static int uboot_read(struct boot *boot, struct boot_state *state, struct pack_error *error)
{
    const struct boot_uboot *uboot = (const struct boot_uboot *)boot;
    AUTO_ENVIRONMENT struct environment environment = {.open = false};
    int code = environment_open(&environment, uboot, error);
    if (code != 0)
        return code;
    code = read_state(state, &environment, error);
    return code == 0 ? 0 : pack_at_file(error, uboot->config);
}

/* --- writing --------------------------------------------------------------------------------- */

static int set_variable(const struct environment *environment, const char *name, const char *value,
                        struct pack_error *error)
{
    /* NULL takes it away. */
    return environment->call->libuboot_set_env(environment->context, name, value) == 0
               ? 0
               : pack_fail(error, PACK_E_NO_SPACE, "U-Boot's environment has no room for %s", name);
}

static int set_state(const struct environment *environment, const struct boot_state *state,
                     struct pack_error *error)
{
    int code = set_variable(environment, ORDER, boot_order_text(state), error);
    for (enum pack_set set = 0; code == 0 && set < PACK_SETS; set++) {
        const bool on_trial = state->trial && set != state->primary;
        const unsigned count = on_trial ? state->tries : boot_order_has(state, set) ? MAX_LEFT : 0;
        char value[16];
        snprintf(value, sizeof value, "%u", count);
        code = set_variable(environment, left[set], value, error);
    }
    return code != 0 ? code
                     : set_variable(environment, TRIAL,
                                    state->trial ? boot_trial_text(state) : NULL, error);
}

/* Its way to say that the variables do not fit is -ENOMEM. */
static int fail_store(const struct boot_uboot *uboot, int stored, struct pack_error *error)
{
    if (stored == -ENOMEM) {
        pack_fail(error, PACK_E_NO_SPACE, "U-Boot's environment has no room for %s and the others",
                  ORDER);
        pack_hint(error, "take variables away: fw_setenv -c %.160s NAME", uboot->config);
    } else {
        pack_fail(error, PACK_E_IO, "libubootenv cannot write U-Boot's environment");
    }
    return pack_at_file(error, uboot->config);
}

static int uboot_write(struct boot *boot, const struct boot_state *state, struct pack_error *error)
{
    const struct boot_uboot *uboot = (const struct boot_uboot *)boot;
    AUTO_ENVIRONMENT struct environment environment = {.open = false};
    int code = environment_open(&environment, uboot, error);
    if (code == 0)
        code = set_state(&environment, state, error);
    if (code != 0)
        return code;
    /* It writes the older copy, and flushes it. */
    const int stored = uboot->call.libuboot_env_store(environment.context);
    return stored == 0 ? 0 : fail_store(uboot, stored, error);
}

const struct boot_type boot_type_uboot = {
    .name = "uboot",
    .summary = "U-Boot's environment, in two copies",
    .max_tries = MAX_TRIES,
    .falls_back = true,
    .open = uboot_open,
    .read = uboot_read,
    .write = uboot_write,
    .close = uboot_close,
};
