/* SPDX-License-Identifier: MIT */
#include "boot_device.h"

#include "base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* --- the storage ----------------------------------------------------------------------------- */

static const struct rooted *rooted_of(struct storage *storage)
{
    return (const struct rooted *)storage;
}

static int rooted_locate(struct storage *storage, const char *path, char *text, size_t capacity,
                         struct pack_error *error)
{
    (void)error;
    assert_true(snprintf(text, capacity, "%s%s", rooted_of(storage)->folder, path) < (int)capacity);
    return 0;
}

static int rooted_open(struct storage *storage, const char *path, unsigned mode,
                       struct storage_file **file, struct pack_error *error)
{
    char located[PATH_MAX];
    assert_int_equal(rooted_locate(storage, path, located, sizeof located, error), 0);
    return storage_system()->ops->open(storage_system(), located, mode, file, error);
}

static int rooted_rename(struct storage *storage, const char *from, const char *to,
                         struct pack_error *error)
{
    char names[2][PATH_MAX];
    assert_int_equal(rooted_locate(storage, from, names[0], PATH_MAX, error), 0);
    assert_int_equal(rooted_locate(storage, to, names[1], PATH_MAX, error), 0);
    return storage_system()->ops->rename(storage_system(), names[0], names[1], error);
}

static int rooted_flush_folder(struct storage *storage, const char *path, struct pack_error *error)
{
    char located[PATH_MAX];
    assert_int_equal(rooted_locate(storage, path, located, sizeof located, error), 0);
    return storage_system()->ops->flush_folder(storage_system(), located, error);
}

void rooted_init(struct rooted *rooted, const char *folder)
{
    rooted->ops = *storage_system()->ops;
    rooted->ops.open = rooted_open;
    rooted->ops.rename = rooted_rename;
    rooted->ops.flush_folder = rooted_flush_folder;
    rooted->ops.locate = rooted_locate;
    rooted->storage.ops = &rooted->ops;
    rooted->folder = folder;
}

void rooted_write(const char *folder, const char *path, const char *text)
{
    char located[PATH_MAX];
    snprintf(located, sizeof located, "%s%s", folder, path);
    for (char *at = strchr(located + strlen(folder) + 1, '/'); at != NULL;
         at = strchr(at + 1, '/')) {
        *at = '\0';
        mkdir(located, 0700);
        *at = '/';
    }
    test_write_text(located, text);
}

/* --- tools ----------------------------------------------------------------------------------- */

char *run_tool(const char *folder, const char *command)
{
    enum { MOST = 64 * 1024 };
    PACK_AUTO_FREE char *inside = NULL;
    char *text = calloc(1, MOST);
    assert_non_null(text);
    assert_true(asprintf(&inside, "cd '%s' && %s", folder, command) > 0);
    FILE *pipe = popen(inside, "r");
    assert_non_null(pipe);
    assert_true(fread(text, 1, MOST - 1, pipe) < MOST - 1);
    const int status = pclose(pipe);
    if (status == 127 << 8 && getenv("FWPACK_ALL_TOOLS") == NULL) {
        free(text);
        skip();
    }
    assert_int_equal(status, 0);
    return text;
}

/* --- states ---------------------------------------------------------------------------------- */

const char *boot_state_text(char text[static 16], const struct boot_state *state)
{
    char trial[8] = "";
    if (state->trial)
        snprintf(trial, sizeof trial, " %s%u", pack_set_name(pack_set_other(state->primary)),
                 state->tries);
    snprintf(text, 16, "%s%s%s%s", pack_set_name(state->primary), state->fallback ? "+" : "", trial,
             state->worn ? "!" : "");
    return text;
}

struct boot_state boot_state_of(const char *text)
{
    const char *trial = strchr(text, ' ');
    return (struct boot_state){
        .primary = text[0] == 'A' ? PACK_SET_A : PACK_SET_B,
        .fallback = strchr(text, '+') != NULL,
        .trial = trial != NULL,
        .tries = trial != NULL ? (unsigned)atoi(trial + 2) : 0,
    };
}

void write_state(const struct pack_device *device, struct storage *storage, const char *state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    const struct boot_state wanted = boot_state_of(state);
    assert_pack_ok(boot_open(&boot, device, storage, &error));
    assert_pack_ok(boot_write(boot, &wanted, &error));
}

void check_state(const struct pack_device *device, struct storage *storage, const char *state)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    struct boot_state found;
    char text[16];
    assert_pack_ok(boot_open(&boot, device, storage, &error));
    assert_pack_ok(boot_read(boot, &found, &error));
    assert_string_equal(boot_state_text(text, &found), state);
}

void check_round_trips(const struct pack_device *device, struct storage *storage,
                       const char *const *states)
{
    for (size_t from = 0; states[from] != NULL; from++)
        for (size_t to = 0; states[to] != NULL; to++) {
            write_state(device, storage, states[from]);
            check_state(device, storage, states[from]);
            write_state(device, storage, states[to]);
            check_state(device, storage, states[to]);
        }
}

void check_refused(const struct pack_device *device, struct storage *storage, int code,
                   const char *says)
{
    struct pack_error error = {0};
    AUTO_BOOT struct boot *boot = NULL;
    struct boot_state found;
    assert_pack_ok(boot_open(&boot, device, storage, &error));
    assert_pack_fails(boot_read(boot, &found, &error), (enum pack_code)code);
    assert_pack_says(says);
}
