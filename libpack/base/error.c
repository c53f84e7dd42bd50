/* SPDX-License-Identifier: MIT */
#include "pack/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct code_entry {
    const char *id;
    int status;
    const char *summary;
};

static const struct code_entry codes[PACK_ERROR_COUNT] = {[PACK_OK] = {"ok", 0, "done"},
#define CODE_ENTRY(name, id, status, summary) [name] = {id, status, summary},
                                                          PACK_ERRORS(CODE_ENTRY)
#undef CODE_ENTRY
};

static const struct code_entry *code_entry(enum pack_code code)
{
    return &codes[(unsigned)code < PACK_ERROR_COUNT ? code : PACK_E_INTERNAL];
}

static const struct {
    int number;
    enum pack_code code;
} errno_codes[] = {
    {ENOENT, PACK_E_NOT_FOUND}, {ENOTDIR, PACK_E_NOT_FOUND}, {EACCES, PACK_E_PERMISSION},
    {EPERM, PACK_E_PERMISSION}, {EROFS, PACK_E_PERMISSION},  {ENOSPC, PACK_E_NO_SPACE},
    {EDQUOT, PACK_E_NO_SPACE},  {EFBIG, PACK_E_NO_SPACE},    {ENOMEM, PACK_E_NO_MEMORY},
    {EEXIST, PACK_E_EXISTS},
};

static enum pack_code code_of_errno(int number)
{
    for (size_t i = 0; i < sizeof errno_codes / sizeof errno_codes[0]; i++)
        if (errno_codes[i].number == number)
            return errno_codes[i].code;
    return PACK_E_IO;
}

int pack_fail(struct pack_error *error, enum pack_code code, const char *format, ...)
{
    va_list arguments;
    pack_error_clear(error);
    error->code = code;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return code;
}

int pack_fail_errno(struct pack_error *error, int number, const char *format, ...)
{
    va_list arguments;
    pack_error_clear(error);
    error->code = code_of_errno(number);
    error->system = number;
    va_start(arguments, format);
    int length = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    if (number != 0 && length >= 0 && (size_t)length < sizeof error->text)
        snprintf(error->text + length, sizeof error->text - (size_t)length, ": %s",
                 strerror(number));
    return error->code;
}

int pack_fail_memory(struct pack_error *error)
{
    return pack_fail(error, PACK_E_NO_MEMORY, "out of memory");
}

int pack_context(struct pack_error *error, const char *format, ...)
{
    char *what = NULL, *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&what, format, arguments) >= 0 &&
        asprintf(&text, "%s: %s", what, error->text) >= 0)
        snprintf(error->text, sizeof error->text, "%s", text);
    va_end(arguments);
    free(text);
    free(what);
    return error->code;
}

int pack_hint(struct pack_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->hint, sizeof error->hint, format, arguments);
    va_end(arguments);
    return error->code;
}

int pack_at_file(struct pack_error *error, const char *file)
{
    if (error->file[0] == '\0' && file != NULL)
        snprintf(error->file, sizeof error->file, "%s", file);
    return error->code;
}

int pack_at_member(struct pack_error *error, const char *member)
{
    if (error->member[0] == '\0' && member != NULL)
        snprintf(error->member, sizeof error->member, "%s", member);
    return error->code;
}

int pack_at_line(struct pack_error *error, unsigned line, unsigned column)
{
    if (error->line == 0) {
        error->line = line;
        error->column = column;
    }
    return error->code;
}

int pack_at_offset(struct pack_error *error, uint64_t offset)
{
    if (!error->has_offset) {
        error->has_offset = true;
        error->offset = offset;
    }
    return error->code;
}

void pack_error_clear(struct pack_error *error)
{
    memset(error, 0, sizeof *error);
}

const char *pack_code_id(enum pack_code code)
{
    return code_entry(code)->id;
}

int pack_code_exit(enum pack_code code)
{
    return code_entry(code)->status;
}

const char *pack_code_summary(enum pack_code code)
{
    return code_entry(code)->summary;
}
