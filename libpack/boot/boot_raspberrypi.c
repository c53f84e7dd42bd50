/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "base/memory.h"
#include "boot/defaults.h"
#include "boot/types.h"
#include "boot/words.h"
#include "pack/text.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/*
 * tryboot between partitions: autoboot.txt names the one that starts, and another for a start
 * after `reboot "0 tryboot"`. The bootloader reads 512 bytes of it, and filters and comments as in
 * config.txt.
 */
enum { FILE_SIZE = 512, MAX_PARTITION = 63, SESSION_SIZE = 64, SHOWN = 64 };

#define FILE_NAME "autoboot.txt"
#define PARTITION_FILE "/proc/device-tree/chosen/bootloader/partition"
#define HEADING \
    "# fwpack writes this file. A trial is noted with the start in which it was begun:\n"
#define TRIAL_WORD "# trial: "

static const char *const default_entries[PACK_SETS] = {"2", "3"};

struct boot_raspberrypi {
    struct boot boot;
    unsigned partitions[PACK_SETS];
    char path[PATH_MAX];
};

/* What the file says. */
struct autoboot {
    unsigned all, tryboot;      /* partitions; 0 where none is named */
    char session[SESSION_SIZE]; /* of the trial; "" for none */
};

/* --- opening --------------------------------------------------------------------------------- */

static void pi_close(struct boot **boot)
{
    free(*boot);
    *boot = NULL;
}

static bool parse_partition(unsigned *partition, const char *text)
{
    unsigned value = 0;
    size_t size = 0;
    for (; text[size] >= '0' && text[size] <= '9' && size < 3; size++)
        value = value * 10 + (unsigned)(text[size] - '0');
    *partition = value;
    return text[size] == '\0' && value >= 1 && value <= MAX_PARTITION;
}

static int pi_open(struct boot **boot, const struct pack_device *device, struct storage *storage,
                   struct pack_error *error)
{
    struct boot_raspberrypi *pi = NULL;
    (void)storage;
    if (device->boot.file == NULL)
        return pack_fail(error, PACK_E_USAGE,
                         "the bootloader 'raspberrypi' wants the folder that has %s", FILE_NAME);
    const int code = pack_allocate(&pi, 1, sizeof *pi, error);
    if (code != 0)
        return code;
    *boot = &pi->boot;
    snprintf(pi->path, sizeof pi->path, "%s/%s", device->boot.file, FILE_NAME);
    for (enum pack_set set = 0; set < PACK_SETS; set++) {
        const char *named = device->boot.entries[set];
        const char *entry = named != NULL ? named : default_entries[set];
        if (!parse_partition(&pi->partitions[set], entry))
            return pack_fail(error, PACK_E_USAGE, "set %s has the partition '%s', 1 to %d wanted",
                             pack_set_name(set), entry, MAX_PARTITION);
    }
    if (pi->partitions[PACK_SET_A] == pi->partitions[PACK_SET_B])
        return pack_fail(error, PACK_E_USAGE, "both sets have the partition %u",
                         pi->partitions[PACK_SET_A]);
    return 0;
}

/* --- autoboot.txt ---------------------------------------------------------------------------- */

static int fail_line(const char *line, unsigned number, struct pack_error *error)
{
    char shown[4 * SHOWN + 1];
    pack_fail(error, PACK_E_STATE, "'%s' is nothing that fwpack writes there",
              pack_escape(shown, sizeof shown, line, strnlen(line, SHOWN)));
    return pack_at_line(error, number, 1);
}

/* `partition` is that of the filter that is on. */
static bool read_line(struct autoboot *autoboot, unsigned **partition, const char *line)
{
    static const char boot_partition[] = "boot_partition=";
    if (strncmp(line, TRIAL_WORD, strlen(TRIAL_WORD)) == 0) {
        const char *session = line + strlen(TRIAL_WORD);
        const struct boot_word word = {session, strcspn(session, " ")};
        return boot_word_copy(autoboot->session, SESSION_SIZE, &word);
    }
    if (line[0] == '#' || strcmp(line, "tryboot_a_b=1") == 0)
        return true;
    if (strcmp(line, "[all]") == 0 || strcmp(line, "[tryboot]") == 0) {
        *partition = line[1] == 'a' ? &autoboot->all : &autoboot->tryboot;
        return true;
    }
    return strncmp(line, boot_partition, strlen(boot_partition)) == 0 &&
           parse_partition(*partition, line + strlen(boot_partition));
}

static int parse(struct autoboot *autoboot, char *text, size_t size, struct pack_error *error)
{
    unsigned *partition = &autoboot->all, number = 0;
    if (strlen(text) != size)
        return pack_fail(error, PACK_E_STATE, "a zero byte in it");
    for (char *line = text; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        line[strcspn(line, "\r")] = '\0';
        if (line[0] != '\0' && !read_line(autoboot, &partition, line))
            return fail_line(line, number + 1, error);
        line = end != NULL ? end + 1 : NULL;
    }
    return autoboot->all != 0
               ? 0
               : pack_fail(error, PACK_E_STATE, "it names no boot_partition for [all]");
}

static int load(const struct boot_raspberrypi *pi, struct autoboot *autoboot,
                struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    *autoboot = (struct autoboot){.all = 0};
    int code = storage_load(pi->boot.storage, pi->path, FILE_SIZE, (void **)&text, &size, error);
    if (code == 0)
        code = parse(autoboot, text, size, error);
    if (code == 0)
        return 0;
    if (code == PACK_E_NOT_FOUND || code == PACK_E_LIMIT)
        error->code = PACK_E_STATE;
    if (error->code == PACK_E_STATE)
        pack_hint(error, "write '[all]', 'tryboot_a_b=1' and 'boot_partition=%u' there",
                  pi->partitions[PACK_SET_A]);
    return pack_at_file(error, pi->path);
}

static enum pack_set set_of(const struct boot_raspberrypi *pi, unsigned partition)
{
    enum pack_set set = 0;
    while (set < PACK_SETS && pi->partitions[set] != partition)
        set++;
    return set;
}

/* --- the state ------------------------------------------------------------------------------- */

/*
 * A trial is one start, and the bootloader tells nobody of it: once the machine has started again,
 * for whatever reason, it is used up.
 */
static int pi_read(struct boot *boot, struct boot_state *state, struct pack_error *error)
{
    const struct boot_raspberrypi *pi = (const struct boot_raspberrypi *)boot;
    struct autoboot autoboot;
    char session[SESSION_SIZE] = "";
    int code = load(pi, &autoboot, error);
    if (code == 0 && autoboot.session[0] != '\0')
        code = boot_session_of_kernel(boot, session, error);
    if (code != 0)
        return code;
    const enum pack_set primary = set_of(pi, autoboot.all);
    if (primary == PACK_SETS) {
        pack_fail(error, PACK_E_STATE, "it names partition %u, which is neither set's",
                  autoboot.all);
        return pack_at_file(error, pi->path);
    }
    const bool trial =
        autoboot.session[0] != '\0' && autoboot.tryboot == pi->partitions[pack_set_other(primary)];
    *state = (struct boot_state){
        .primary = primary,
        .trial = trial,
        .tries = trial && strcmp(autoboot.session, session) == 0,
    };
    return 0;
}

/*
 * Every state has its bytes in the same places: a number of one digit is followed by another line
 * feed. So where a write was cut in its middle the lines are still lines, and a trial that was half
 * noted is none.
 */
static int print(struct pack_buffer *text, const struct boot_raspberrypi *pi,
                 const struct boot_state *state, const char *session, struct pack_error *error)
{
    const enum pack_set tried = state->trial ? pack_set_other(state->primary) : state->primary;
    const unsigned first = pi->partitions[state->primary], second = pi->partitions[tried];
    int code = pack_buffer_print(text, error, "%s%s%-*s\n", HEADING, TRIAL_WORD, SESSION_SIZE,
                                 state->trial ? session : "");
    if (code == 0)
        code = pack_buffer_print(text, error,
                                 "[all]\ntryboot_a_b=1\nboot_partition=%u\n%s"
                                 "[tryboot]\nboot_partition=%u\n%s",
                                 first, first < 10 ? "\n" : "", second, second < 10 ? "\n" : "");
    while (code == 0 && text->size < FILE_SIZE)
        code = pack_buffer_append(text, "\n", 1, error);
    return code;
}

/*
 * FAT has no journal, and a rename there is several sectors. One sector is written whole or not at
 * all, so the file has always the size of one, and stays where it is.
 */
static int save(const struct boot_raspberrypi *pi, const struct pack_buffer *text,
                struct pack_error *error)
{
    PACK_AUTO(storage_abandon) struct storage_file *file = NULL;
    uint64_t size = 0;
    int code = storage_open(pi->boot.storage, pi->path, STORAGE_WRITE, &file, error);
    if (code == 0)
        code = storage_size(file, &size, error);
    if (code == PACK_E_NOT_FOUND || (code == 0 && size != FILE_SIZE)) {
        pack_error_clear(error);
        return storage_save(pi->boot.storage, pi->path, text->bytes, text->size, error);
    }
    if (code == 0)
        code = storage_write_at(file, 0, text->bytes, text->size, error);
    if (code == 0)
        code = storage_flush(file, error);
    return code != 0 ? code : storage_close(&file, error);
}

static int pi_write(struct boot *boot, const struct boot_state *state, struct pack_error *error)
{
    const struct boot_raspberrypi *pi = (const struct boot_raspberrypi *)boot;
    PACK_AUTO_BUFFER struct pack_buffer text = {.limit = FILE_SIZE};
    char session[SESSION_SIZE] = "over";
    int code = 0;
    if (state->tries > 0)
        code = boot_session_of_kernel(boot, session, error);
    if (code == 0)
        code = print(&text, pi, state, session, error);
    return code != 0 ? code : save(pi, &text, error);
}

/* The bootloader notes its partition in the device tree: a number of 4 bytes, the highest first. */
static int pi_running(struct boot *boot, enum pack_set *set, struct pack_error *error)
{
    const struct boot_raspberrypi *pi = (const struct boot_raspberrypi *)boot;
    PACK_AUTO_FREE uint8_t *bytes = NULL;
    size_t size = 0;
    const int code = storage_load(boot->storage, PARTITION_FILE, 16, (void **)&bytes, &size, error);
    const enum pack_set found = code == 0 && size == 4 ? set_of(pi, pack_be32(bytes)) : PACK_SETS;
    if (found == PACK_SETS) {
        pack_error_clear(error);
        return boot_running_by_root(boot, set, error);
    }
    *set = found;
    return 0;
}

const struct boot_type boot_type_raspberrypi = {
    .name = "raspberrypi",
    .summary = "the Raspberry Pi's own, by autoboot.txt and tryboot",
    .max_tries = 1,
    .open = pi_open,
    .read = pi_read,
    .write = pi_write,
    .running = pi_running,
    .close = pi_close,
};
