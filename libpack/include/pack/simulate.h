/* SPDX-License-Identifier: MIT */
#ifndef PACK_SIMULATE_H
#define PACK_SIMULATE_H

/*
 * An installation under faults, on a copy of a device (docs/simulate.md): the staging step of a
 * release. faults.yaml names the faults.
 */

#include "pack/install.h"

PACK_BEGIN_DECLS

#define PACK_MAX_FAULTS 64

/* X(constant, key in faults.yaml, what it is) */
#define PACK_FAULT_KINDS(X)                                       \
    X(PACK_FAULT_POWER_CUT, "power-cut", "power cut")             \
    X(PACK_FAULT_IO_ERROR, "io-error", "input/output error")      \
    X(PACK_FAULT_NO_SPACE, "no-space", "no space left")           \
    X(PACK_FAULT_NETWORK, "network", "network lost")              \
    X(PACK_FAULT_CORRUPT, "corrupt", "bit flipped in the bundle") \
    X(PACK_FAULT_BATTERY, "battery", "battery low")               \
    X(PACK_FAULT_TWICE, "twice", "two installations at once")

enum pack_fault_kind {
#define PACK_FAULT_ENUM(name, key, what) name,
    PACK_FAULT_KINDS(PACK_FAULT_ENUM)
#undef PACK_FAULT_ENUM
        PACK_FAULT_KIND_COUNT
};
/* The key. */
PACK_API const char *pack_fault_kind_name(enum pack_fault_kind kind);

/* What becomes of writes that were not flushed when the power goes. */
enum pack_fault_loss { PACK_LOSS_RANDOM, PACK_LOSS_ALL, PACK_LOSS_NONE };

struct pack_fault {
    const char *name; /* or NULL */
    enum pack_fault_kind kind;
    uint64_t number; /* the operation from 1, the byte from 0, or percent */
    uint64_t every;  /* of operations: each so many, from the first on; 0: `number` alone */
    enum pack_fault_loss loss;
    unsigned sector; /* bytes that reach the medium together */
    uint64_t seed;   /* of random losses */
    struct pack_place place;
};

struct pack_faults {
    const char *path; /* of faults.yaml, as the user named it */
    size_t count;
    const struct pack_fault *list;
    void *storage; /* private */
};

/* As pack_device_read. */
PACK_API PACK_MUST_USE int pack_faults_read(struct pack_faults **faults, const char *path,
                                            pack_finding_fn report, void *user,
                                            struct pack_error *error);
PACK_API void pack_faults_free(struct pack_faults **faults);
/* Whether a YAML file means to be one: has `fwpack-faults:` as a key of the top. */
PACK_API bool pack_faults_probe(const void *bytes, size_t size);
/* A JSON Schema (2020-12) of faults.yaml, to be freed with free(). */
PACK_API PACK_MUST_USE int pack_faults_schema(char **text, size_t *size, struct pack_error *error);

struct pack_fault_result {
    char what[160];       /* "power cut at every operation, loss random, sector 512, seed 0" */
    uint64_t points;      /* places at which it struck */
    uint64_t started_old; /* in so many of them the release before started after it, */
    uint64_t started_new; /* and in so many the new one */
    uint64_t failures;    /* points at which something was not as it must be */
    char failure[640];    /* the first: where, and what; "" for none */
};

struct pack_simulate_report {
    char version[PACK_MAX_VERSION + 1]; /* of the release */
    enum pack_set running;              /* of the copy */
    uint64_t operations;                /* of storage, that an installation without a fault takes */
    uint64_t points;                    /* of all faults */
    size_t note_count;
    /* Where the copy is not as the device is; faults that could not strike. */
    char notes[2 * PACK_MAX_SLOTS + PACK_MAX_FAULTS][256];
    size_t result_count; /* faults that were gone through */
    struct pack_fault_result results[PACK_MAX_FAULTS];
};

/*
 * Copies the files of engine->device into a new folder in `parent`, which is removed at the end,
 * and installs `source` (PACK_E_USAGE where it cannot seek) once for each point of each fault:
 * under the fault, then, after a restart, again without it. What starts must be the old or the new
 * release to the byte, and the new one in the end. The device's own files are only read. No
 * program of the device runs but those that tell what its bootloader has.
 *
 * PACK_E_UNHEALTHY where a fault was not withstood, after all of them; PACK_E_DESCRIPTOR for one
 * that cannot be, as operation 900 of 600 or a byte behind the bundle's end, before any is tried; a
 * refusal of the release has its own code. `report` is big, and filled as far as things came.
 */
PACK_API PACK_MUST_USE int pack_simulate(const struct pack_engine *engine,
                                         struct pack_input *source,
                                         const struct pack_faults *faults, const char *parent,
                                         struct pack_simulate_report *report,
                                         struct pack_error *error);

PACK_END_DECLS

#endif
