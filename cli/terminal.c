/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include "cli.h"
#include "environment.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

bool terminal_redraws(int descriptor)
{
    const char *kind = cli_environment("TERM");
    return isatty(descriptor) && kind != NULL && strcmp(kind, "dumb") != 0;
}

bool terminal_color(int descriptor, const char *when)
{
    if (when != NULL && strcmp(when, "auto") != 0)
        return strcmp(when, "always") == 0;
    if (cli_environment("NO_COLOR") != NULL)
        return false;
    return environment_true("CLICOLOR_FORCE") || terminal_redraws(descriptor);
}

unsigned terminal_width(int descriptor)
{
    struct winsize size = {0};
    return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int terminal_read_line(int descriptor, char *line, size_t capacity, size_t *length, bool *ended,
                       struct pack_error *error)
{
    *length = 0;
    *ended = false;
    for (;;) {
        char byte = 0;
        const ssize_t got = read(descriptor, &byte, 1);
        if (got < 0 && process_interrupted())
            return pack_fail(error, PACK_E_INTERRUPTED, "interrupted");
        if (got < 0 && errno != EINTR)
            return pack_fail_errno(error, errno, "cannot read");
        *ended = got == 0;
        if (*ended || (got == 1 && byte == '\n'))
            break;
        if (got == 1 && *length + 1 >= capacity)
            return pack_fail(error, PACK_E_LIMIT, "longer than %zu bytes", capacity - 1);
        if (got == 1)
            line[(*length)++] = byte;
    }
    line[*length] = '\0';
    return 0;
}

static void write_text(int descriptor, const char *text)
{
    if (write(descriptor, text, strlen(text)) < 0)
        return; /* a terminal that cannot show the prompt fails in the read that follows */
}

/* With the echo off, and job control held back: stopped in between, the shell would be mute. */
static int ask_hidden(int terminal, char *line, size_t capacity, size_t *length, bool *ended,
                      struct pack_error *error)
{
    struct termios old = {0};
    if (tcgetattr(terminal, &old) != 0)
        return pack_fail_errno(error, errno, "cannot ask on the terminal");
    struct termios quiet = old;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    sigset_t stop, before;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    sigprocmask(SIG_BLOCK, &stop, &before);
    int code = 0;
    if (tcsetattr(terminal, TCSAFLUSH, &quiet) != 0)
        code = pack_fail_errno(error, errno, "cannot switch the terminal's echo off");
    else
        code = terminal_read_line(terminal, line, capacity, length, ended, error);
    tcsetattr(terminal, TCSAFLUSH, &old);
    sigprocmask(SIG_SETMASK, &before, NULL);
    write_text(terminal, "\n");
    return code;
}

int terminal_ask(const char *prompt, bool echo, char *line, size_t capacity, size_t *length,
                 struct pack_error *error)
{
    const int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return pack_fail(error, PACK_E_IO, "there is no terminal to ask on");
    bool ended = false;
    write_text(terminal, prompt);
    int code = echo ? terminal_read_line(terminal, line, capacity, length, &ended, error)
                    : ask_hidden(terminal, line, capacity, length, &ended, error);
    close(terminal);
    if (code == 0 && ended && *length == 0)
        code = pack_fail(error, PACK_E_IO, "the terminal gave no answer");
    return code;
}
