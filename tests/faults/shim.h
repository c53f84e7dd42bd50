/* SPDX-License-Identifier: MIT */
#ifndef FAULTS_SHIM_H
#define FAULTS_SHIM_H

/*
 * A library for LD_PRELOAD that makes one call of a family fail, by its number, and a server that
 * runs the program under test again and again without starting it anew.
 *
 * With FAULT_SERVER="R,W" (two descriptors) in the environment, the process stops before main. For
 * each struct fault_order that it reads from R it forks; the child obeys the order and goes on into
 * main, and a struct fault_answer about it is written to W. The end of R ends the server. Calls are
 * counted from the start of main to its end.
 *
 * With FAULT_INPUT=FILE the child's standard input is a pipe that holds the file's bytes, and with
 * FAULT_OUTPUT and FAULT_ERRORS its standard output and error go to these files.
 *
 * FAULT_ORDER="FAMILY MODE ERRNO AT" (numbers) is for a debugger: one order, without a server.
 */

#include <stdint.h>

/* X(constant, "name"): the order is known to walk.py, which asks for the names. */
#define FAULT_FAMILIES(X)                                                                   \
    X(FAULT_READ, "read")     /* read, pread */                                             \
    X(FAULT_COPY, "copy")     /* copy_file_range */                                         \
    X(FAULT_WRITE, "write")   /* write, pwrite */                                           \
    X(FAULT_OPEN, "open")     /* open, openat, mkostemp */                                  \
    X(FAULT_SYNC, "sync")     /* fsync, fdatasync */                                        \
    X(FAULT_NAME, "name")     /* rename, link, mkdir */                                     \
    X(FAULT_MEMORY, "memory") /* malloc, calloc, realloc, and all that is made from them */ \
    X(FAULT_CLOSE, "close")   /* close: closed, but reported as failed */                   \
    X(FAULT_MAP, "map")       /* mmap, mprotect, mlock */                                   \
    X(FAULT_THREAD, "thread") /* pthread_create */                                          \
    X(FAULT_MODE, "mode")     /* fchmod, ftruncate */                                       \
    X(FAULT_STATUS, "status") /* stat, lstat, fstat, access, lseek, fstatvfs */             \
    X(FAULT_LOCK, "lock")     /* flock */

enum fault_family {
#define FAULT_FAMILY_ENUM(constant, name) constant,
    FAULT_FAMILIES(FAULT_FAMILY_ENUM)
#undef FAULT_FAMILY_ENUM
        FAULT_FAMILY_COUNT
};

enum fault_mode {
    FAULT_NONE,    /* count only */
    FAULT_ONCE,    /* the call fails */
    FAULT_FOREVER, /* the call and all later ones of its family fail */
    FAULT_SHORT,   /* the call reads or writes half of what was wanted */
};

struct fault_order {
    uint32_t family;
    uint32_t mode;
    uint32_t number; /* errno of the failure */
    uint32_t stacks; /* whether to write to FAULT_STACKS by which way through the program's own
                        functions each call of the family was reached, as a number */
    uint64_t at;     /* from 1 */
};

struct fault_answer {
    int32_t status; /* as waitpid gives it */
    uint32_t hit;   /* how many calls failed */
    uint64_t calls[FAULT_FAMILY_COUNT];
    uint64_t last_name;   /* number of the last call that gave a name, among all counted calls */
    uint64_t folder_sync; /* the same of the last fsync of a folder */
};

#endif
