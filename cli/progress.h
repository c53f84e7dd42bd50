/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

/* Progress on standard error: a bar, a line for each phase, or an event a line. */

#include "pack/error.h"

struct progress;

enum progress_mode { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON };

/* `how` is --progress's value or NULL for auto: a bar on a terminal unless `quiet`, else none. */
enum progress_mode progress_mode(const char *how, bool quiet);

PACK_MUST_USE int progress_new(struct progress **progress, enum progress_mode mode,
                               struct pack_error *error);
/* Takes the bar away. */
void progress_free(struct progress **progress);

/* A pack_context.progress, whose user is the progress. From any thread. */
void progress_report(struct progress *progress, const char *what, uint64_t done, uint64_t total);

/*
 * Between the two nothing is drawn and no bar stands on the line, so that other text can be
 * written. NULL is accepted.
 */
void progress_pause(struct progress *progress);
void progress_resume(struct progress *progress);

/* --- the texts, apart so that they can be tested -------------------------------------------- */

/* One line without its end, at most `width` columns: phase, bar, share, rate, time left. */
void progress_bar_text(char *text, size_t capacity, unsigned width, const char *what, uint64_t done,
                       uint64_t total, double seconds);
/* "1.5 MiB" */
void progress_size_text(char *text, size_t capacity, double bytes);

#endif
