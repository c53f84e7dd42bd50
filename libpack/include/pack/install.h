/* SPDX-License-Identifier: MIT */
#ifndef PACK_INSTALL_H
#define PACK_INSTALL_H

/*
 * The device engine (docs/device.md): decide, write the set that does not run, read it back,
 * switch, start it on trial, confirm it or fall back. Every call takes the device's lock
 * (PACK_E_BUSY), reconciles what it finds with what it remembers, and leaves the old or the new
 * release startable whenever it is stopped.
 */

#include "pack/bundle.h"
#include "pack/device.h"

PACK_BEGIN_DECLS

/* What a caller lends; all may be 0. */
struct pack_engine {
    const struct pack_context *context;
    const struct pack_device *device;
    struct storage *storage;     /* NULL: the files of the system (internal, for simulations) */
    uint64_t (*now)(void *user); /* seconds since 1970; NULL: the system's clock */
    void *user;
    uint64_t stride; /* bytes of a slot between two flushes; 0: 32 MiB */
    bool first;      /* install: the device may have no state yet, and begins one then */
    bool retry;      /* install: also a release that failed, before its cooldown ends */
    bool reboot;  /* install, confirm, rollback: run the device's reboot program when it is due */
    bool dry_run; /* decide only, change nothing */
    /* Those that open encrypted payloads, device->identities opened by the caller; or NULL. */
    const struct pack_age_identities *identities;
};

/*
 * Why the decision fell as it did: stable words, in the order in which they are asked, but for a
 * trial, which comes before the product, earlier failures before the encoding, and space last.
 */
#define PACK_DECISIONS(X)                                                                 \
    X(PACK_DECIDE_INSTALL, "install", 0)                                                  \
    X(PACK_DECIDE_CURRENT, "current", 0)        /* runs already */                        \
    X(PACK_DECIDE_WAITS, "waits-for-reboot", 0) /* is written already, on trial next */   \
    X(PACK_DECIDE_SIGNATURE, "signature", -1)   /* -1: the error's own code */            \
    X(PACK_DECIDE_FORMAT, "format", -1)                                                   \
    X(PACK_DECIDE_PRODUCT, "product", PACK_E_WRONG_DEVICE)                                \
    X(PACK_DECIDE_HARDWARE, "hardware", PACK_E_WRONG_DEVICE)                              \
    X(PACK_DECIDE_SLOT, "slot", PACK_E_WRONG_DEVICE)                                      \
    X(PACK_DECIDE_SECURITY_VERSION, "security-version", PACK_E_TOO_OLD)                   \
    X(PACK_DECIDE_DATA_EPOCH, "data-epoch", PACK_E_TOO_OLD)                               \
    X(PACK_DECIDE_VERSION, "version", PACK_E_TOO_OLD)                                     \
    X(PACK_DECIDE_CONTENT, "content", PACK_E_TOO_OLD) /* this version, another content */ \
    X(PACK_DECIDE_REVISION, "revision", PACK_E_TOO_OLD)                                   \
    X(PACK_DECIDE_REQUIRES, "requires", PACK_E_WRONG_DEVICE)                              \
    X(PACK_DECIDE_PERMIT, "permit", -1) /* there is one, and it is not good */            \
    X(PACK_DECIDE_HALTED, "halted", PACK_E_EXPIRED)                                       \
    X(PACK_DECIDE_ENCODING, "encoding", -1) /* 16 a base, 4 an identity is missing */     \
    X(PACK_DECIDE_SPACE, "space", PACK_E_NO_SPACE)                                        \
    X(PACK_DECIDE_FAILED, "failed-before", PACK_E_NOT_YET)                                \
    X(PACK_DECIDE_COOLDOWN, "cooldown", PACK_E_NOT_YET)                                   \
    X(PACK_DECIDE_TRIAL, "trial", PACK_E_NOT_YET) /* another release is on trial */       \
    X(PACK_DECIDE_BATTERY, "battery", PACK_E_NOT_YET)                                     \
    X(PACK_DECIDE_WINDOW, "window", PACK_E_NOT_YET)                                       \
    X(PACK_DECIDE_VETO, "veto", PACK_E_VETOED)

enum pack_decision {
#define PACK_DECISION_ENUM(name, word, code) name,
    PACK_DECISIONS(PACK_DECISION_ENUM)
#undef PACK_DECISION_ENUM
        PACK_DECISION_COUNT
};
PACK_API const char *pack_decision_name(enum pack_decision decision);

struct pack_install_image {
    char name[PACK_MAX_NAME + 1]; /* the release's */
    char slot[PACK_MAX_NAME + 1];
    /*
     * "full", "delta", "keep", "present" for what was there already, "copied" for a slot without
     * an image; NULL: not written.
     */
    const char *encoding;
    char codec[16];       /* or empty */
    uint64_t size;        /* plain bytes */
    uint64_t transferred; /* bytes read of the source for it */
    uint64_t reused;      /* plain bytes copied from the running set, not by a delta */
    uint64_t written;     /* bytes written; the rest were there already */
    uint64_t resumed;     /* bytes that an earlier run had made durable, proved again */
};

struct pack_install_report {
    enum pack_decision decision;
    bool changed;                                   /* something was written */
    bool reboot;                                    /* a reboot is due */
    enum pack_set set;                              /* the one that was written */
    uint64_t transferred, reused, written, resumed; /* over all images; documents included */
    uint64_t full_size; /* what the smallest full encodings of all images would have transferred */
    int64_t battery_before, battery_after; /* percent; -1 where not known */
    struct pack_trust_report trust;
    size_t image_count;
    struct pack_install_image images[PACK_MAX_IMAGES];
    char version[PACK_MAX_VERSION + 1];
};

/*
 * Installs from `source`, which is read once, forwards where it cannot seek. `report` is big: put
 * it on the heap. It is filled as far as things came, also on failure.
 */
PACK_API PACK_MUST_USE int pack_install(const struct pack_engine *engine, struct pack_input *source,
                                        struct pack_install_report *report,
                                        struct pack_error *error);
/* The decision up to the encoding, for `verify --device`: reads the state, locks and writes
 * nothing. */
PACK_API PACK_MUST_USE int pack_install_check(const struct pack_engine *engine,
                                              struct pack_trusted *trusted,
                                              enum pack_decision *decision,
                                              struct pack_error *error);
/* The trust of device.yaml, with the newer roots that the device has seen. */
PACK_API PACK_MUST_USE int pack_device_trust(struct pack_trust **trust,
                                             const struct pack_engine *engine,
                                             struct pack_error *error);

enum pack_trial {
    PACK_TRIAL_NONE,
    PACK_TRIAL_WAITS,  /* written and switched; the machine has not started since */
    PACK_TRIAL_RUNS,   /* the new set runs and is not confirmed */
    PACK_TRIAL_FAILED, /* it fell back; noted when the engine next ran */
};
/* "none", "waits-for-reboot", "running", "fell-back" */
PACK_API const char *pack_trial_name(enum pack_trial trial);

struct pack_set_status {
    bool known; /* a release was recorded for it */
    char version[PACK_MAX_VERSION + 1];
    uint64_t security_version;
    uint8_t release_sha256[PACK_SHA256_SIZE];
    const char *condition; /* "good", "trial", "failed", "incomplete", "unknown" */
};

struct pack_result_status {
    uint64_t time; /* seconds since 1970 */
    char version[PACK_MAX_VERSION + 1];
    char outcome[24]; /* "installed", "confirmed", "fell-back", "rolled-back", "failed" */
    char reason[160]; /* or "" */
};

#define PACK_MAX_RESULTS 8

struct pack_device_status {
    enum pack_set running;
    enum pack_set next; /* starts at the next restart, if it can be started */
    enum pack_trial trial;
    unsigned tries;            /* left, of a trial */
    uint64_t security_version; /* the least that is accepted */
    uint64_t data_epoch;
    uint64_t root_version; /* of the trust root in force; 0 for bare keys */
    bool repaired;         /* one copy of the state was damaged, and can be repaired */
    bool fresh;            /* there is no state yet */
    struct pack_set_status sets[PACK_SETS];
    size_t result_count;
    struct pack_result_status results[PACK_MAX_RESULTS]; /* newest first */
};
/* Reads only: reports what reconciling would find, and changes nothing. */
PACK_API PACK_MUST_USE int pack_device_status(const struct pack_engine *engine,
                                              struct pack_device_status *status,
                                              struct pack_error *error);

struct pack_health_result {
    const char *name;
    bool good;
    unsigned attempts;
    char reason[160];
};
struct pack_confirm_report {
    bool changed; /* false: there was nothing to confirm */
    bool reboot;  /* a check failed and the old set is to start: reboot */
    size_t check_count;
    struct pack_health_result checks[PACK_MAX_CHECKS];
    char version[PACK_MAX_VERSION + 1];
};
/*
 * Runs the health checks of a trial that runs, and confirms it when all pass; `unchecked` leaves
 * them out. A failed one is PACK_E_UNHEALTHY, and by policy the old set is made to start again.
 */
PACK_API PACK_MUST_USE int pack_device_confirm(const struct pack_engine *engine, bool unchecked,
                                               struct pack_confirm_report *report,
                                               struct pack_error *error);
/*
 * Back to the other set by hand: ends a trial, or returns to a confirmed set whose release the
 * anti-rollback rules still allow (PACK_E_TOO_OLD otherwise). *reboot says whether one is due.
 */
PACK_API PACK_MUST_USE int pack_device_rollback(const struct pack_engine *engine,
                                                const char *reason, bool *reboot,
                                                struct pack_error *error);
/* For boot scripts where the bootloader asks fwpack (type `file`): counts a try, says what starts.
 */
PACK_API PACK_MUST_USE int pack_device_boot(const struct pack_engine *engine, enum pack_set *set,
                                            struct pack_error *error);

/* A JSON Schema (2020-12) of a line of the event log (docs/events.md), to be freed with free(). */
PACK_API PACK_MUST_USE int pack_event_schema(char **text, size_t *size, struct pack_error *error);

PACK_END_DECLS

#endif
