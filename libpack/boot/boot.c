/* SPDX-License-Identifier: MIT */
#include "boot/boot.h"

#include "base/memory.h"
#include "boot/defaults.h"
#include "boot/types.h"
#include "pack/text.h"

#include <stdio.h>
#include <string.h>

enum { SESSION_SIZE = 64 };

#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* --- the table ------------------------------------------------------------------------------- */

static const struct boot_type *const table[] = {
    &boot_type_file,
    &boot_type_uboot,
    &boot_type_grub,
    &boot_type_efi,
    &boot_type_raspberrypi,
    &boot_type_custom,
    NULL,
};

const struct boot_type *const *boot_types(void)
{
    return table;
}

static int fail_type(const char *name, struct pack_error *error)
{
    const char *names[sizeof table / sizeof table[0]];
    size_t count = 0;
    for (; table[count] != NULL; count++)
        names[count] = table[count]->name;
    const char *nearest = pack_nearest(name, names, count);
    pack_fail(error, PACK_E_UNSUPPORTED, "this fwpack knows no bootloader '%s'", name);
    return nearest == NULL ? (int)error->code : pack_hint(error, "meant '%s'?", nearest);
}

/* --- one bootloader -------------------------------------------------------------------------- */

int boot_open(struct boot **boot, const struct pack_device *device, struct storage *storage,
              struct pack_error *error)
{
    const struct boot_type *const *type = table;
    *boot = NULL;
    while (*type != NULL && strcmp((*type)->name, device->boot.type) != 0)
        type++;
    if (*type == NULL)
        return fail_type(device->boot.type, error);
    const int code = (*type)->open(boot, device, storage, error);
    if (*boot != NULL) {
        (*boot)->type = *type;
        (*boot)->device = device;
        (*boot)->storage = storage;
    }
    if (code != 0)
        boot_close(boot);
    return code;
}

void boot_close(struct boot **boot)
{
    if (*boot != NULL)
        (*boot)->type->close(boot);
}

/* What a loader can be told of it. */
static struct boot_state fit(const struct boot_type *type, const struct boot_state *state)
{
    struct boot_state fitting = {
        .primary = state->primary,
        .trial = state->trial,
        .fallback = state->fallback && !state->trial && type->falls_back,
    };
    if (state->trial)
        fitting.tries = state->tries < type->max_tries ? state->tries : type->max_tries;
    return fitting;
}

int boot_read(struct boot *boot, struct boot_state *state, struct pack_error *error)
{
    struct boot_state found = {.primary = PACK_SET_A};
    const int code = boot->type->read(boot, &found, error);
    if (code != 0)
        return code;
    *state = fit(boot->type, &found);
    state->worn = found.worn;
    return 0;
}

static void describe(char text[static 96], const struct boot_state *state)
{
    snprintf(text, 96, "%s first%s, %u tries, %s", pack_set_name(state->primary),
             state->trial ? " after the other set's trial" : "", state->tries,
             state->fallback ? "falling back" : "alone");
}

int boot_write(struct boot *boot, const struct boot_state *state, struct pack_error *error)
{
    const struct boot_state wanted = fit(boot->type, state);
    struct boot_state found;
    char texts[2][96];
    int code = boot->type->write(boot, &wanted, error);
    if (code == 0)
        code = boot_read(boot, &found, error);
    if (code != 0)
        return code;
    if (found.primary == wanted.primary && found.trial == wanted.trial &&
        found.tries == wanted.tries && found.fallback == wanted.fallback && !found.worn)
        return 0;
    describe(texts[0], &found);
    describe(texts[1], &wanted);
    return pack_fail(error, PACK_E_IO, "the bootloader '%s' was told '%s', and then says '%s'",
                     boot->type->name, texts[1], texts[0]);
}

int boot_next(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    if (boot->type->next == NULL)
        return pack_fail(error, PACK_E_UNSUPPORTED,
                         "the bootloader '%s' decides by itself what starts", boot->type->name);
    return boot->type->next(boot, set, error);
}

/* --- this start of the machine --------------------------------------------------------------- */

int boot_session_of_kernel(struct boot *boot, char text[SESSION_SIZE], struct pack_error *error)
{
    PACK_AUTO_FREE char *bytes = NULL;
    size_t size = 0;
    const int code =
        storage_load(boot->storage, BOOT_ID, SESSION_SIZE - 1, (void **)&bytes, &size, error);
    if (code != 0)
        return code;
    const size_t length = strcspn(bytes, "\n");
    if (length == 0) {
        pack_fail(error, PACK_E_STATE, "the kernel does not say which start this is");
        return pack_at_file(error, BOOT_ID);
    }
    memcpy(text, bytes, length);
    text[length] = '\0';
    return 0;
}

int boot_session(struct boot *boot, char text[SESSION_SIZE], struct pack_error *error)
{
    return boot->type->session != NULL ? boot->type->session(boot, text, error)
                                       : boot_session_of_kernel(boot, text, error);
}
