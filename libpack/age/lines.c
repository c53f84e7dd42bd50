/* SPDX-License-Identifier: MIT */
#include "age/parties.h"

#include <string.h>

bool age_next_line(struct age_lines *lines, const char **line, size_t *size)
{
    while (lines->size != 0) {
        const char *start = lines->text;
        const char *end = memchr(start, '\n', lines->size);
        size_t length = end != NULL ? (size_t)(end - start) : lines->size;
        lines->text += length + (end != NULL);
        lines->size -= length + (end != NULL);
        lines->line++;
        if (length != 0 && start[length - 1] == '\r')
            length--;
        if (length == 0 || start[0] == '#')
            continue;
        *line = start;
        *size = length;
        return true;
    }
    return false;
}

struct kind {
    const char *start;
    const char *what;
    const char *hint;
};

#define MAKE_ONE "fwpack key generate --type age makes a pair that is"

/* What people have that looks alike, the longer beginnings first. */
static const struct kind kinds[] = {
    {"AGE-SECRET-KEY-PQ-1", "a post-quantum identity, which this version does not have", MAKE_ONE},
    {"AGE-SECRET-KEY-1", "a secret identity, where a recipient is wanted",
     "age-keygen -y prints its recipient"},
    {"AGE-PLUGIN-", "an identity of an age plugin, which is not supported", MAKE_ONE},
    {"age1pq1", "a post-quantum recipient, which this version does not have", MAKE_ONE},
    {"ssh-", "an SSH key, which is no age recipient here", MAKE_ONE},
    {"sk-ssh-", "an SSH key, which is no age recipient here", MAKE_ONE},
    {"ecdsa-", "an SSH key, which is no age recipient here", MAKE_ONE},
    {"-----BEGIN OPENSSH", "an SSH key, which is no age identity here", MAKE_ONE},
    {"-----BEGIN ", "a key in PEM, which is no age identity", MAKE_ONE},
    {"untrusted comment:", "a key that signs, which cannot decrypt", MAKE_ONE},
};

/* age1NAME1…; there is no other "1" in age1…, whose alphabet has none. */
static bool is_plugin(const char *line, size_t size)
{
    return size > 4 && strncmp(line, "age1", 4) == 0 && memchr(line + 4, '1', size - 4) != NULL;
}

static bool begins(const char *line, size_t size, const char *start)
{
    const size_t length = strlen(start);
    return size >= length && strncmp(line, start, length) == 0;
}

static int refuse(const char *what, const char *hint, struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_INVALID, "this is %s", what);
    return pack_hint(error, "%s", hint);
}

int age_fail_kind(const char *line, size_t size, const char *wanted, struct pack_error *error)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (begins(line, size, kinds[i].start))
            return refuse(kinds[i].what, kinds[i].hint, error);
    if (is_plugin(line, size))
        return refuse("a recipient of an age plugin, which is not supported", MAKE_ONE, error);
    return wanted == NULL ? (int)error->code
                          : pack_fail(error, PACK_E_KEY_INVALID, "this is no %s of age", wanted);
}
