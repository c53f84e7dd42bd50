/* SPDX-License-Identifier: MIT */
#include "pack/root.h"

#include <string.h>

enum { DAY = 86400, FIRST_YEAR = 1970 };

/* The number that `count` digits make; false where one is none. */
static bool digits(const char *text, unsigned count, unsigned *number)
{
    *number = 0;
    for (unsigned i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (unsigned)(text[i] - '0');
    }
    return true;
}

static unsigned month_days(unsigned year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool parse_day(const char *text, uint64_t *days)
{
    unsigned year = 0, month = 0, day = 0;
    if (!digits(text, 4, &year) || text[4] != '-' || !digits(text + 5, 2, &month) ||
        text[7] != '-' || !digits(text + 8, 2, &day))
        return false;
    if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    const unsigned before = year - 1;
    const unsigned leaps = before / 4 - before / 100 + before / 400 - 477; /* since 1970 */
    *days = (uint64_t)(year - FIRST_YEAR) * 365 + leaps + day - 1;
    for (unsigned i = 1; i < month; i++)
        *days += month_days(year, i);
    return true;
}

bool pack_root_time_parse(const char *text, uint64_t *seconds)
{
    uint64_t days = 0;
    unsigned hour = 0, minute = 0, second = 0;
    const size_t length = strlen(text);
    if ((length != 10 && length != PACK_ROOT_TIME_SIZE - 1) || !parse_day(text, &days))
        return false;
    if (length > 10 &&
        (text[10] != 'T' || !digits(text + 11, 2, &hour) || text[13] != ':' ||
         !digits(text + 14, 2, &minute) || text[16] != ':' || !digits(text + 17, 2, &second) ||
         text[19] != 'Z' || hour > 23 || minute > 59 || second > 59))
        return false;
    *seconds = days * DAY + hour * 3600 + minute * 60 + second;
    return true;
}
