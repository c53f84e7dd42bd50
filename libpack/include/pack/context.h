/* SPDX-License-Identifier: MIT */
#ifndef PACK_CONTEXT_H
#define PACK_CONTEXT_H

/* What a caller lends to every operation: passed down, never global. */

#include "pack/error.h"

PACK_BEGIN_DECLS

struct pack_format;

/* Whether decoders and patchers run in a process of their own that can do nothing but compute. */
enum pack_confinement {
    PACK_CONFINE_NONE,
    PACK_CONFINE_PREFERRED, /* as far as the kernel can */
    PACK_CONFINE_REQUIRED,  /* PACK_E_UNSUPPORTED where it cannot */
};

enum pack_log_level { PACK_LOG_NOTE, PACK_LOG_WARNING, PACK_LOG_DEBUG };

struct pack_context {
    /* A line for people, without a line end. May be NULL. Called from the calling thread only. */
    void (*log)(void *user, enum pack_log_level level, const char *text);

    /*
     * Progress of the phase `what` ("compress rootfs"): done and total in bytes, total 0 when
     * unknown. May be NULL. Called often, from any thread but never from two at once.
     */
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t total);

    /* Asked between blocks, from any thread; true stops the work with PACK_E_INTERRUPTED. */
    bool (*cancelled)(void *user);

    void *user;

    unsigned jobs;                            /* worker threads; 0 means one per core */
    uint64_t decoder_memory;                  /* most that a decoder may use; 0 means 64 MiB */
    const struct pack_format *const *formats; /* image formats, ended by NULL; may be NULL */
    enum pack_confinement confinement;        /* of what reads payloads; 0: none */
};

/* Calls the hook where there is one. */
PACK_API void pack_log(const struct pack_context *context, enum pack_log_level level,
                       const char *format, ...) PACK_PRINTF(3, 4);
PACK_API void pack_progress(const struct pack_context *context, const char *what, uint64_t done,
                            uint64_t total);
/* PACK_E_INTERRUPTED when the caller wants to stop, else 0. */
PACK_API PACK_MUST_USE int pack_check_cancelled(const struct pack_context *context,
                                                struct pack_error *error);
/* context->jobs, or the number of usable cores; at least 1, at most 64. */
PACK_API unsigned pack_jobs(const struct pack_context *context);

PACK_END_DECLS

#endif
