/* SPDX-License-Identifier: MIT */
#include "slot/sysfs.h"

#include "base/memory.h"
#include "slot/kinds.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool sysfs_read(struct storage *storage, char text[SYSFS_SIZE], const char *format, ...)
{
    char path[SLOT_PATH_SIZE], real[SLOT_PATH_SIZE];
    struct pack_error ignored = {0};
    PACK_AUTO_FREE void *bytes = NULL;
    size_t size = 0;
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(path, sizeof path, format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof path ||
        storage_locate(storage, path, real, sizeof real, &ignored) != 0 ||
        pack_read_file(&bytes, &size, real, SYSFS_SIZE - 1, &ignored) != 0)
        return false;
    memcpy(text, bytes, size);
    while (size > 0 && text[size - 1] == '\n')
        size--;
    text[size] = '\0';
    return true;
}

bool sysfs_value(const char *uevent, const char *key, char *value, size_t capacity)
{
    const size_t length = strlen(key);
    for (const char *line = uevent; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) != 0 || line[length] != '=')
            continue;
        const size_t size = strcspn(line + length + 1, "\n");
        if (size >= capacity)
            return false;
        memcpy(value, line + length + 1, size);
        value[size] = '\0';
        return true;
    }
    return false;
}

bool sysfs_number(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
            return false;
    }
    *number = value;
    return true;
}

int sysfs_each(struct storage *storage, const char *folder, sysfs_visit_fn visit, void *user,
               struct pack_error *error)
{
    char real[SLOT_PATH_SIZE];
    struct dirent **entries = NULL;
    int code = storage_locate(storage, folder, real, sizeof real, error);
    const int count = code == 0 ? scandir(real, &entries, NULL, alphasort) : 0;
    for (int i = 0; i < count; i++) {
        if (code == 0 && entries[i]->d_name[0] != '.')
            code = visit(user, entries[i]->d_name, error);
        free(entries[i]);
    }
    free(entries);
    return code;
}
