/* SPDX-License-Identifier: MIT */
#ifndef PACK_DEVICE_H
#define PACK_DEVICE_H

/*
 * device.yaml (docs/device-file.md): what a device is, where its slots are, how it boots, whom it
 * trusts and when it may update. Reading it touches no other file.
 */

#include "pack/descriptor.h"

PACK_BEGIN_DECLS

#define PACK_MAX_SLOTS 64
#define PACK_MAX_CHECKS 64 /* health checks, windows, trusted keys: each list */

/* Two sets of slots, one of which runs. A device has one of each redundant slot in each set. */
enum pack_set { PACK_SET_A, PACK_SET_B, PACK_SETS };
/* "A", "B" */
PACK_API const char *pack_set_name(enum pack_set set);
static inline enum pack_set pack_set_other(enum pack_set set)
{
    return set == PACK_SET_A ? PACK_SET_B : PACK_SET_A;
}

/* A program and its arguments: run as it is, never by a shell. count 0: none. */
struct pack_device_program {
    size_t count;
    const char *const *words; /* ended by NULL; the first: a joined path, or a name for PATH */
    unsigned seconds;         /* then it is killed */
};

/* How the bytes of a slot are reached: key in device.yaml in brackets. */
enum pack_target_kind {
    PACK_TARGET_FILE,      /* a plain file or block device, told by what is there [file] */
    PACK_TARGET_PARTITION, /* a GPT partition by its name [partition-label] or type [partition-type]
                            */
    PACK_TARGET_MTD,       /* raw flash, /dev/mtdN or its name [mtd] */
    PACK_TARGET_UBI,       /* a UBI volume, /dev/ubiN_M or DEVICE:NAME [ubi] */
    PACK_TARGET_DIRECTORY, /* a file tree, from an image that is a tar [directory] */
    PACK_TARGET_COMMAND,   /* a program that takes the image on standard input [command] */
    PACK_TARGET_KINDS
};

struct pack_device_target {
    enum pack_target_kind kind;
    /* Of FILE, MTD, UBI, DIRECTORY: joined to device.yaml's folder, but for names of flash. */
    const char *path;
    const char *label;                  /* of PARTITION: its name, or NULL */
    const char *type;                   /* of PARTITION: its type's GUID in lower case, or NULL */
    struct pack_device_program program; /* of COMMAND */
    bool absolute_links;                /* of DIRECTORY: symbolic links may be absolute */
};

struct pack_device_slot {
    const char *name;  /* what release.json calls `slot` */
    const char *image; /* the only image that may go there, or NULL: any that names the slot */
    bool redundant;    /* one in each set; else targets[PACK_SET_A] is the only one */
    struct pack_device_target targets[PACK_SETS];
    struct pack_place place;
};

/* Minutes of the day, [from, to), over midnight where to <= from; days: bits 0 Monday … 6 Sunday.
 */
struct pack_device_window {
    unsigned from, to;
    unsigned days;
};

struct pack_device_policy {
    size_t window_count; /* 0: at any time */
    const struct pack_device_window *windows;
    bool window_utc;          /* else by the device's time zone */
    uint64_t cooldown;        /* seconds before a failed release is tried again; default 1 day */
    unsigned battery_minimum; /* percent; 0: not asked */
    const char *battery_file; /* holds a number, as sysfs does; or NULL: */
    struct pack_device_program battery_program; /* prints it */
    const char *mains_file;  /* holds 1 while the device is plugged in, or NULL */
    unsigned tries;          /* starts of a new set before it counts as failed; default 3 */
    unsigned retries;        /* how often a release that failed is tried again; default 3 */
    bool rollback_on_health; /* a failed health check falls back at once; default true */
    bool reuse;              /* blocks that the running set has are not transferred; default */
    uint64_t decoder_memory; /* most that decoders may take; default 64 MiB */
    enum pack_confinement confine; /* REQUIRED (default) or PREFERRED */
};

struct pack_device_health {
    const char *name;
    struct pack_device_program program;
    unsigned attempts; /* it may fail so often but once; default 1 */
    unsigned pause;    /* seconds between them; default 5 */
};

/* When hooks run. A before-hook's failure vetoes the phase; see docs/device.md for the others. */
enum pack_phase {
    PACK_PHASE_CHECK,    /* the decision */
    PACK_PHASE_WRITE,    /* the slots of the other set */
    PACK_PHASE_SWITCH,   /* the bootloader is told */
    PACK_PHASE_CONFIRM,  /* the new set stays */
    PACK_PHASE_ROLLBACK, /* the old set comes back */
    PACK_PHASES
};
/* "check", "write", "switch", "confirm", "rollback" */
PACK_API const char *pack_phase_name(enum pack_phase phase);

/* Entries are found by name in the bootloader table. */
struct pack_device_boot {
    const char *type;   /* "file", "uboot", "grub", "efi", "raspberrypi", "custom" */
    const char *file;   /* file: its state; grub: grubenv; raspberrypi: its boot folder; or NULL */
    const char *copy;   /* grub: the second copy; or NULL */
    const char *config; /* uboot: fw_env.config; or NULL */
    const char *entries[PACK_SETS];     /* efi: Boot#### of each set; or NULL */
    struct pack_device_program program; /* custom */
    /* How the running set is found; where all are NULL, as docs/bootloaders.md says for the type:
     */
    const char *running_cmdline; /* a parameter of /proc/cmdline that is A or B */
    const char *running_file;    /* a file that holds A or B */
};

struct pack_device {
    const char *path; /* of device.yaml, as the user named it */
    const char *product;
    size_t hardware_count;
    const char *const *hardware; /* what the device is: one must be in release.json's compatible */
    const char *id;              /* for permits; or NULL: */
    const char *id_file;         /* whose first line it is; or NULL */
    const char *group;           /* for permits and rollouts; or NULL */
    /* A root.json, or public keys, each "[ROLE=]PATH" with the path joined to the folder. */
    size_t trust_count;
    const char *const *trust;
    bool allow_demo_keys;
    bool no_clock;     /* the device has no clock that could be believed */
    const char *state; /* folder */
    size_t slot_count;
    const struct pack_device_slot *slots;
    struct pack_device_boot boot;
    struct pack_device_policy policy;
    size_t health_count;
    const struct pack_device_health *health;
    struct pack_device_program before[PACK_PHASES], after[PACK_PHASES];
    struct pack_device_program counter_read, counter_raise; /* a hardware security counter */
    struct pack_device_program reboot;
    const char *events_file; /* default: events.jsonl in the state folder */
    uint64_t events_size;    /* bytes before it is rotated; default 1 MiB */
    unsigned events_keep;    /* rotated files that are kept; default 4 */
    size_t identity_count;   /* age identities for encrypted payloads: paths, env:NAME, tpm2:FILE */
    const char *const *identities;
    void *storage; /* private */
};

/*
 * Reads PATH. As pack_descriptor_read: every fault goes to `report` (may be NULL), then
 * PACK_E_DESCRIPTOR with the first one in `error`, and *device is NULL after any failure.
 */
PACK_API PACK_MUST_USE int pack_device_read(struct pack_device **device, const char *path,
                                            pack_finding_fn report, void *user,
                                            struct pack_error *error);
PACK_API void pack_device_free(struct pack_device **device);
/* Whether a YAML file means to be a device.yaml: has `fwpack-device:` as a key of the top. */
PACK_API bool pack_device_probe(const void *bytes, size_t size);
/* A JSON Schema (2020-12) of device.yaml, to be freed with free(). */
PACK_API PACK_MUST_USE int pack_device_schema(char **text, size_t *size, struct pack_error *error);
PACK_API const struct pack_device_slot *pack_device_slot_named(const struct pack_device *device,
                                                               const char *name);

PACK_END_DECLS

#endif
