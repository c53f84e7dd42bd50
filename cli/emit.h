/* SPDX-License-Identifier: MIT */
#ifndef CLI_EMIT_H
#define CLI_EMIT_H

/*
 * What is printed from the tables: help, man pages, completions, the reference, the list of
 * errors. Whether a stream took the text is for the caller to ask (ferror).
 */

#include "command.h"

#include <stdio.h>

/* `path` is the command's names from the program down, "key generate"; "" for the program. */
void emit_help(FILE *stream, const struct command *command, const char *path);
/* fwpack.1, or fwpack-<command>.1 with its subcommands. */
void emit_man(FILE *stream, const struct command *program, const struct command *command);
void emit_bash(FILE *stream, const struct command *program);
void emit_zsh(FILE *stream, const struct command *program);
void emit_fish(FILE *stream, const struct command *program);
/* Markdown: every command with its options, and the environment. */
void emit_reference(FILE *stream, const struct command *program);
/* Markdown: exit statuses and error ids. */
void emit_errors(FILE *stream);

/* --- shared by the emitters ------------------------------------------------------------------ */

enum { EMIT_WIDTH = 80 };

/* How a KEY that is no file begins. */
#define EMIT_KEY_SCHEMES "agent: env: exec: fd: pkcs11: tpm2:"

/* Called for the program and for every command below it, in the order of the tables. */
typedef void (*emit_visit_fn)(void *user, const struct command *command, const char *path);
void emit_walk(const struct command *program, emit_visit_fn visit, void *user);

/*
 * Words of `text` filled into lines of EMIT_WIDTH; the stream stands at `column`, and each further
 * line begins at `indent`. Ends the last line.
 */
void emit_filled(FILE *stream, const char *text, unsigned column, unsigned indent);
/* Whether the word behind it is its value. */
bool emit_takes_word(const struct option *option);

/* "-o, --output FILE"; `pad` puts four blanks where there is no short form. */
void emit_label(char *text, size_t capacity, const struct option *option, bool pad);
/* The n-th line of `text` without its end, in a buffer of the caller; false behind the last. */
bool emit_line(const char *text, size_t index, char *line, size_t capacity);
/* The n-th paragraph: lines between empty lines. */
bool emit_paragraph(const char *text, size_t index, char *paragraph, size_t capacity);

#endif
