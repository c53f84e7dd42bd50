/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

/* What a process that will hold secret keys does before anything else. */

#include <stdbool.h>

/*
 * No core dump and no ptrace by the same user; descriptors 0 to 2 occupied, so that no file that
 * is opened later receives what is meant for a closed standard stream (using such a stream
 * fails); SIGPIPE ignored, so that it is an error like any other; SIGINT, SIGTERM and SIGHUP
 * noted, unless they are ignored already (nohup).
 */
void process_prepare(void);

/* Whether one of the signals has arrived. From any thread. */
bool process_interrupted(void);

#endif
