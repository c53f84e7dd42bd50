/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "cli.h"
#include "pack/text.h"
#include "terminal.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINE = 512, MAX_PHASE = 64 };

static const double interval = 0.1; /* seconds between two updates */

struct progress {
    enum progress_mode mode;
    pthread_mutex_t lock;
    char phase[MAX_PHASE];
    double started; /* of the phase */
    double drawn;   /* of the last update */
    bool visible;   /* a bar stands on the line */
};

static double now(void)
{
    struct timespec time = {0};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void put(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* nothing depends on progress being seen */
}

enum progress_mode progress_mode(const char *how, bool quiet)
{
    static const struct {
        const char *name;
        enum progress_mode mode;
    } modes[] = {{"bar", PROGRESS_BAR},
                 {"plain", PROGRESS_PLAIN},
                 {"json", PROGRESS_JSON},
                 {"none", PROGRESS_NONE}};
    for (size_t i = 0; how != NULL && i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(how, modes[i].name) == 0)
            return modes[i].mode;
    return !quiet && terminal_redraws(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_NONE;
}

int progress_new(struct progress **progress, enum progress_mode mode, struct pack_error *error)
{
    *progress = calloc(1, sizeof **progress);
    if (*progress == NULL)
        return pack_fail_memory(error);
    (*progress)->mode = mode;
    pthread_mutex_init(&(*progress)->lock, NULL);
    return 0;
}

static void erase(struct progress *progress)
{
    if (progress->visible)
        put("\r\x1b[K");
    progress->visible = false;
}

void progress_free(struct progress **progress)
{
    if (*progress == NULL)
        return;
    erase(*progress);
    pthread_mutex_destroy(&(*progress)->lock);
    free(*progress);
    *progress = NULL;
}

void progress_pause(struct progress *progress)
{
    if (progress == NULL)
        return;
    pthread_mutex_lock(&progress->lock);
    erase(progress);
}

void progress_resume(struct progress *progress)
{
    if (progress != NULL)
        pthread_mutex_unlock(&progress->lock);
}

/* --- texts ----------------------------------------------------------------------------------- */

void progress_size_text(char *text, size_t capacity, double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        bytes /= 1024;
    snprintf(text, capacity, unit == 0 || bytes >= 100 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
}

static void bar(char *text, unsigned width, double share)
{
    const unsigned full = (unsigned)(share * width);
    text[0] = '[';
    for (unsigned i = 0; i < width; i++)
        text[1 + i] = i < full ? '=' : i == full ? '>' : ' ';
    text[1 + width] = ']';
    text[2 + width] = '\0';
}

void progress_bar_text(char *text, size_t capacity, unsigned width, const char *what, uint64_t done,
                       uint64_t total, double seconds)
{
    char rate[32], size[32], line[MAX_LINE], picture[40] = "";
    const double speed = seconds > 0 ? (double)done / seconds : 0;
    progress_size_text(rate, sizeof rate, speed);
    progress_size_text(size, sizeof size, (double)done);
    if (total == 0 || done > total) {
        snprintf(line, sizeof line, "%s  %s  %s/s", what, size, rate);
    } else {
        const double share = (double)done / (double)total;
        const double left = speed > 0 ? (double)(total - done) / speed : 0;
        bar(picture, 24, share);
        snprintf(line, sizeof line, "%s %s %3.0f%%  %s/s  %u:%02u left", what, picture, share * 100,
                 rate, (unsigned)left / 60, (unsigned)left % 60);
    }
    if (width < capacity)
        capacity = width;
    snprintf(text, capacity, "%s", line);
}

/* --- drawing --------------------------------------------------------------------------------- */

static void draw_bar(struct progress *progress, uint64_t done, uint64_t total, double seconds)
{
    char text[MAX_LINE], line[MAX_LINE + 16];
    progress_bar_text(text, sizeof text, terminal_width(STDERR_FILENO), progress->phase, done,
                      total, seconds);
    snprintf(line, sizeof line, "\r%s\x1b[K", text);
    put(line);
    progress->visible = true;
}

static void draw_plain(const struct progress *progress)
{
    char line[MAX_LINE];
    snprintf(line, sizeof line, "fwpack: %s\n", progress->phase);
    put(line);
}

static void draw_json(const struct progress *progress, uint64_t done, uint64_t total)
{
    struct pack_error error = {0};
    CLI_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *text = NULL;
    size_t size = 0;
    if (pack_json_new(&json, false, &error) != 0)
        return;
    pack_json_object(json, NULL);
    pack_json_string(json, "event", "progress");
    pack_json_string(json, "phase", progress->phase);
    pack_json_unsigned(json, "done", done);
    if (total != 0)
        pack_json_unsigned(json, "total", total);
    else
        pack_json_null(json, "total");
    pack_json_end(json);
    if (pack_json_finish(json, &text, &size, &error) == 0)
        put(text);
}

static void draw(struct progress *progress, bool first, uint64_t done, uint64_t total)
{
    const double time = now();
    const bool last = total != 0 && done == total;
    if (!first && time - progress->drawn < interval && !(last && progress->mode == PROGRESS_JSON))
        return;
    progress->drawn = time;
    if (progress->mode == PROGRESS_JSON)
        draw_json(progress, done, total);
    else if (progress->mode == PROGRESS_PLAIN && first)
        draw_plain(progress);
    else if (progress->mode == PROGRESS_BAR && !first)
        draw_bar(progress, done, total, time - progress->started);
}

void progress_report(struct progress *progress, const char *what, uint64_t done, uint64_t total)
{
    if (progress->mode == PROGRESS_NONE)
        return;
    char phase[MAX_PHASE];
    pack_escape(phase, sizeof phase, what, strlen(what));
    pthread_mutex_lock(&progress->lock);
    const bool first = strcmp(phase, progress->phase) != 0;
    if (first) {
        memcpy(progress->phase, phase, sizeof phase);
        progress->started = now();
    }
    draw(progress, first, done, total);
    pthread_mutex_unlock(&progress->lock);
}
