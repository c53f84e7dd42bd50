/* SPDX-License-Identifier: MIT */
#include "install/conditions.h"

#include "base/memory.h"
#include "install/number.h"
#include "pack/text.h"
#include "storage/storage.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_ANSWER = 64, DAYS = 7, DAY_MINUTES = 24 * 60 };

/* --- power ----------------------------------------------------------------------------------- */

static int read_percent(const char *text, size_t size, int64_t *percent, struct pack_error *error)
{
    char shown[MAX_ANSWER + 4];
    uint64_t number = 0;
    if (number_read(text, size, 100, &number)) {
        *percent = (int64_t)number;
        return 0;
    }
    if (size > 0 && text[size - 1] == '\n')
        size--;
    pack_fail(error, PACK_E_STATE,
              "the battery's charge is said to be '%s', a number from 0 to 100 is wanted",
              pack_escape(shown, sizeof shown, text, size));
    return pack_hint(error, "`battery` in device.yaml says how it is read");
}

static int read_battery_file(const char *path, struct storage *storage, int64_t *percent,
                             struct pack_error *error)
{
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    int code = storage_load(storage, path, MAX_ANSWER, &bytes, &size, error);
    if (code == 0)
        code = read_percent(bytes, size, percent, error);
    return code != 0 ? pack_at_file(error, path) : 0;
}

static int ask_battery_program(const struct pack_device_program *program, int64_t *percent,
                               struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer answer = {.limit = MAX_ANSWER};
    const struct hook_facts none = {.phase = NULL};
    int code =
        hook_run(program, "reading the battery's charge", &none, PACK_E_STATE, &answer, error);
    if (code != 0)
        return code;
    code = read_percent(answer.size > 0 ? (const char *)answer.bytes : "", answer.size, percent,
                        error);
    return code != 0 ? pack_at_file(error, program->words[0]) : 0;
}

int battery_read(const struct pack_device *device, struct storage *storage, int64_t *percent,
                 struct pack_error *error)
{
    const struct pack_device_policy *policy = &device->policy;
    *percent = -1;
    if (policy->battery_file != NULL)
        return read_battery_file(policy->battery_file, storage, percent, error);
    if (policy->battery_program.count > 0)
        return ask_battery_program(&policy->battery_program, percent, error);
    return 0;
}

/* What cannot be read is no mains power. */
static bool is_on_mains(const struct pack_device *device, struct storage *storage)
{
    PACK_AUTO_FREE void *bytes = NULL;
    struct pack_error ignored = {0};
    size_t size = 0;
    uint64_t number = 0;
    const char *path = device->policy.mains_file;
    return path != NULL && storage_load(storage, path, MAX_ANSWER, &bytes, &size, &ignored) == 0 &&
           number_read(bytes, size, 1, &number) && number == 1;
}

int battery_check(const struct pack_device *device, struct storage *storage, int64_t *percent,
                  struct pack_error *error)
{
    const struct pack_device_policy *policy = &device->policy;
    const int code = battery_read(device, storage, percent, error);
    /* Nobody asked how full it is, or it does not matter. */
    if (policy->battery_minimum == 0 || is_on_mains(device, storage)) {
        pack_error_clear(error);
        return 0;
    }
    if (code != 0 || *percent >= (int64_t)policy->battery_minimum)
        return code;
    if (*percent < 0)
        pack_fail(error, PACK_E_NOT_YET, "the battery's charge is not known, %u %% wanted",
                  policy->battery_minimum);
    else
        pack_fail(error, PACK_E_NOT_YET, "battery at %lld %%, %u %% wanted", (long long)*percent,
                  policy->battery_minimum);
    return pack_hint(error, "charge it%s, then try again",
                     policy->mains_file != NULL ? " or plug the device in" : "");
}

/* --- windows --------------------------------------------------------------------------------- */

/* A moment of the week, as clocks on the wall say: Monday is day 0. */
struct moment {
    unsigned day, minute;
};

static const char *const day_names[DAYS] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                            "Friday", "Saturday", "Sunday"};

static int moment_of(struct moment *moment, uint64_t now, bool utc, struct pack_error *error)
{
    struct tm fields = {0};
    const time_t seconds = (time_t)now;
    const struct tm *known = utc ? gmtime_r(&seconds, &fields) : localtime_r(&seconds, &fields);
    if (known == NULL)
        return pack_fail(error, PACK_E_STATE, "the clock shows no date: %llu seconds after 1970",
                         (unsigned long long)now);
    moment->day = (unsigned)(fields.tm_wday + DAYS - 1) % DAYS;
    moment->minute = (unsigned)(fields.tm_hour * 60 + fields.tm_min);
    return 0;
}

static bool has_day(const struct pack_device_window *window, unsigned day)
{
    return (window->days >> day & 1) != 0;
}

/* One that goes over midnight is of the day on which it began. */
static bool is_inside(const struct pack_device_window *window, const struct moment *now)
{
    const bool over_midnight = window->to <= window->from;
    const unsigned yesterday = (now->day + DAYS - 1) % DAYS;
    if (has_day(window, now->day) && now->minute >= window->from &&
        (over_midnight || now->minute < window->to))
        return true;
    return over_midnight && has_day(window, yesterday) && now->minute < window->to;
}

/* Minutes of the wall's clock until it begins; a week and a day where it never does. */
static unsigned minutes_until(const struct pack_device_window *window, const struct moment *now)
{
    for (unsigned days = 0; days <= DAYS; days++) {
        const unsigned begin = days * DAY_MINUTES + window->from;
        if (has_day(window, (now->day + days) % DAYS) && begin > now->minute)
            return begin - now->minute;
    }
    return (DAYS + 1) * DAY_MINUTES;
}

static int fail_outside(const struct pack_device_policy *policy, const struct moment *now,
                        struct pack_error *error)
{
    const char *zone = policy->window_utc ? " UTC" : "";
    unsigned least = (DAYS + 1) * DAY_MINUTES;
    for (size_t i = 0; i < policy->window_count; i++) {
        const unsigned until = minutes_until(&policy->windows[i], now);
        least = until < least ? until : least;
    }
    const unsigned begin = now->minute + least;
    const char *day = day_names[(now->day + begin / DAY_MINUTES) % DAYS];
    const unsigned minute = begin % DAY_MINUTES;
    pack_fail(error, PACK_E_NOT_YET, "outside the window: the next begins %s %02u:%02u%s", day,
              minute / 60, minute % 60, zone);
    return pack_hint(error,
                     "try again from %s %02u:%02u%s on; the device's clock shows %s "
                     "%02u:%02u",
                     day, minute / 60, minute % 60, zone, day_names[now->day], now->minute / 60,
                     now->minute % 60);
}

int window_check(const struct pack_device *device, uint64_t now, struct pack_error *error)
{
    const struct pack_device_policy *policy = &device->policy;
    struct moment moment = {0};
    if (policy->window_count == 0)
        return 0;
    const int code = moment_of(&moment, now, policy->window_utc, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < policy->window_count; i++)
        if (is_inside(&policy->windows[i], &moment))
            return 0;
    return fail_outside(policy, &moment, error);
}
