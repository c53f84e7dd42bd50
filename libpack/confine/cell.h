/* SPDX-License-Identifier: MIT */
#ifndef CONFINE_CELL_H
#define CONFINE_CELL_H

/*
 * A process that shares some memory with its parent and exchanges short messages with it, and can
 * do nothing else. Whatever comes from it is to be doubted: the parent copies before it looks.
 */

#include "pack/context.h"

#include <sys/types.h>

/* What both say; what the kinds and numbers mean is between the two. */
struct cell_message {
    uint32_t kind;
    int32_t code; /* 0, or that of the failure in the shared memory */
    uint64_t numbers[3];
};

struct cell {
    pid_t pid;  /* 0 where there is none, or it was waited for */
    int socket; /* -1 where there is none */
    int status; /* as waitpid(2) gives it, when it was waited for */
    uint8_t *shared;
    size_t shared_size; /* with what stands before it */
};

/* What a child does: serves messages until cell_take says false. */
struct cell_work {
    void (*run)(void *user, uint8_t *shared);
    void *user;
    size_t shared_size; /* bytes that both see, zeroed */
    uint64_t memory;    /* most bytes that it takes for itself */
};

/*
 * Forks it, and waits until it has given everything up. Where the kernel cannot filter system
 * calls the context's confinement decides. It starts with all that the parent has in memory but
 * what pack_guarded_new gave.
 */
PACK_MUST_USE int cell_start(struct cell *cell, const struct cell_work *work,
                             const struct pack_context *context, struct pack_error *error);
/* The bytes that both see; what stands there may change at any moment. */
uint8_t *cell_shared(const struct cell *cell);
/* Ends it, in whatever it is doing, and waits for it. */
void cell_end(struct cell *cell);

/* PACK_E_CORRUPT where it is dead, with how it ended. */
PACK_MUST_USE int cell_send(struct cell *cell, const struct cell_message *message,
                            struct pack_error *error);
/* PACK_E_INTERRUPTED too, where the context says so. A message's code is no failure of this. */
PACK_MUST_USE int cell_receive(struct cell *cell, struct cell_message *message,
                               const struct pack_context *context, struct pack_error *error);
/* Whether cell_receive would not wait: a message is there, or it is dead. */
bool cell_has_said(const struct cell *cell);
/* The failure that a message with a code has left, as far as one may believe it. */
int cell_failure(const struct cell *cell, const struct cell_message *message,
                 struct pack_error *error);
/* It does not keep to what was agreed. */
int cell_nonsense(struct cell *cell, struct pack_error *error);

/* --- in the child ---------------------------------------------------------------------------- */

/* The next message; false when there is none any more. */
bool cell_take(struct cell_message *message);
void cell_say(const struct cell_message *message);
/* Leaves a failure where the parent finds it. `shared` is what run got. */
void cell_leave_failure(uint8_t *shared, const struct pack_error *error);

#endif
