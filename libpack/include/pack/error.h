/* SPDX-License-Identifier: MIT */
#ifndef PACK_ERROR_H
#define PACK_ERROR_H

/*
 * Failures. One list gives the enum, the stable id that --json prints, the exit status and the
 * line in the manual. Entries are added, never changed or reused.
 */

#include "pack/pack.h"

PACK_BEGIN_DECLS

/* X(constant, "id", exit status, "what it means") */
#define PACK_ERRORS(X)                                                                         \
    X(PACK_E_INTERNAL, "internal", 1, "a fault in fwpack itself")                              \
    X(PACK_E_IO, "io", 1, "reading or writing failed")                                         \
    X(PACK_E_NOT_FOUND, "not-found", 1, "no such file")                                        \
    X(PACK_E_PERMISSION, "permission", 1, "the system does not permit it")                     \
    X(PACK_E_NO_SPACE, "no-space", 1, "no space left")                                         \
    X(PACK_E_NO_MEMORY, "no-memory", 1, "out of memory")                                       \
    X(PACK_E_CHANGED, "changed", 1, "an input changed while it was read")                      \
    X(PACK_E_USAGE, "usage", 2, "the command line is wrong")                                   \
    X(PACK_E_EXISTS, "exists", 2, "the output exists and is never overwritten")                \
    X(PACK_E_MALFORMED, "malformed", 3, "the input does not follow its format")                \
    X(PACK_E_LIMIT, "limit", 3, "the input exceeds a limit")                                   \
    X(PACK_E_UNSUPPORTED, "unsupported", 3, "the input needs what this version does not have") \
    X(PACK_E_DESCRIPTOR, "descriptor-invalid", 3, "the descriptor has errors")                 \
    X(PACK_E_KEY_INVALID, "key-invalid", 3, "a key file is damaged or not a usable key")       \
    X(PACK_E_KEY_STORE, "key-store", 4, "the key cannot be used as it is kept")                \
    X(PACK_E_PASSPHRASE, "passphrase", 4, "the passphrase is missing or wrong")                \
    X(PACK_E_NOT_YET, "not-yet", 5, "a condition is not met yet")                              \
    X(PACK_E_NETWORK, "network", 6, "the network failed; it may be tried again")               \
    X(PACK_E_DIFFERENT, "different", 7, "the two inputs differ")                               \
    X(PACK_E_NOT_SIGNED, "signature-missing", 10, "not signed")                                \
    X(PACK_E_UNTRUSTED, "signature-untrusted", 11, "too few trusted keys among the signers")   \
    X(PACK_E_SIGNATURE, "signature-invalid", 12, "a signature does not verify")                \
    X(PACK_E_CORRUPT, "payload-corrupt", 13, "a payload's hash differs, or it is cut short")   \
    X(PACK_E_TOO_OLD, "too-old", 14, "older than allowed")                                     \
    X(PACK_E_WRONG_DEVICE, "wrong-device", 15, "not for this device")                          \
    X(PACK_E_WRONG_BASE, "wrong-base", 16, "the base is not the one that is needed")           \
    X(PACK_E_EXPIRED, "expired", 17, "expired, not yet valid, or halted")                      \
    X(PACK_E_REVOKED, "key-revoked", 18, "signed by a revoked key")                            \
    X(PACK_E_INTERRUPTED, "interrupted", 130, "interrupted")                                   \
    X(PACK_E_STATE, "state", 1, "what the device keeps of itself is damaged or contradictory") \
    X(PACK_E_UNHEALTHY, "unhealthy", 1, "a health check failed")                               \
    X(PACK_E_VETOED, "vetoed", 5, "a hook of the device said no")                              \
    X(PACK_E_BUSY, "busy", 5, "another process works on the device")

enum pack_code {
    PACK_OK = 0,
#define PACK_ERROR_ENUM(name, id, status, summary) name,
    PACK_ERRORS(PACK_ERROR_ENUM)
#undef PACK_ERROR_ENUM
        PACK_ERROR_COUNT
};

/*
 * One failure, with where it is. Owned by the caller and of fixed size, so that reporting
 * cannot fail. All zero means none.
 */
struct pack_error {
    enum pack_code code;
    int system;       /* errno, or 0 */
    unsigned line;    /* from 1; 0 where there is none */
    unsigned column;  /* from 1, in characters; 0 where there is none */
    bool has_offset;  /* whether `offset` means anything */
    uint64_t offset;  /* bytes from the start of `member`, or of `file` without one */
    char file[512];   /* as the user named it; empty where there is none */
    char member[128]; /* member of a bundle or archive; empty where there is none */
    char text[768];   /* what is wrong, one line, no final stop */
    char hint[384];   /* the next step, or empty */
};

/* Stores a failure, replacing any earlier one, and returns `code`. */
PACK_API int pack_fail(struct pack_error *error, enum pack_code code, const char *format, ...)
    PACK_PRINTF(3, 4);

/* The same from errno: the code is derived from it and its text appended. errno 0 is PACK_E_IO. */
PACK_API int pack_fail_errno(struct pack_error *error, int number, const char *format, ...)
    PACK_PRINTF(3, 4);

/* Out of memory; returns PACK_E_NO_MEMORY. */
PACK_API int pack_fail_memory(struct pack_error *error);

/* Puts "WHAT: " before the text, once per layer. Returns the error's code. */
PACK_API int pack_context(struct pack_error *error, const char *format, ...) PACK_PRINTF(2, 3);

/* Says the next step. Each returns the error's code, so that a call can end a return. */
PACK_API int pack_hint(struct pack_error *error, const char *format, ...) PACK_PRINTF(2, 3);

/* Where it is; each keeps what is already set, for the innermost layer knows best. */
PACK_API int pack_at_file(struct pack_error *error, const char *file);
PACK_API int pack_at_member(struct pack_error *error, const char *member);
PACK_API int pack_at_line(struct pack_error *error, unsigned line, unsigned column);
PACK_API int pack_at_offset(struct pack_error *error, uint64_t offset);

/* Back to none. */
PACK_API void pack_error_clear(struct pack_error *error);

/* The stable id, exit status and meaning of a code; "ok", 0 and "done" for PACK_OK. */
PACK_API const char *pack_code_id(enum pack_code code);
PACK_API int pack_code_exit(enum pack_code code);
PACK_API const char *pack_code_summary(enum pack_code code);

PACK_END_DECLS

#endif
