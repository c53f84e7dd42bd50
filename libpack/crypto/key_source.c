/* SPDX-License-Identifier: MIT */
#include "crypto/secret_key.h"
#include "io/file.h"
#include "io/neighbour.h"
#include "pack/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_too_large(struct pack_error *error)
{
    return pack_fail(error, PACK_E_LIMIT, "more than %llu bytes, no key is so large",
                     (unsigned long long)PACK_MAX_KEY_FILE);
}

static int read_text(struct pack_key_source *source, int descriptor, struct pack_error *error)
{
    int code = pack_guarded_new(&source->text, PACK_MAX_KEY_FILE + 1, error);
    if (code == 0)
        code = pack_read_descriptor(descriptor, source->text, PACK_MAX_KEY_FILE + 1, &source->size,
                                    error);
    return code == 0 && source->size > PACK_MAX_KEY_FILE ? fail_too_large(error) : code;
}

/* "pkcs11:…" is meant as no file, and "C:…" hardly. */
static bool has_scheme(const char *name)
{
    const size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789");
    return size != 0 && name[size] == ':';
}

static int fail_open(const char *path, int number, struct pack_error *error)
{
    pack_fail_errno(error, number, "cannot open");
    if (number == ENOENT && has_scheme(path))
        pack_hint(error, "a key is a file, env:NAME or fd:N");
    else if (number == ENOENT)
        pack_hint_neighbour(error, path, NULL);
    return (int)error->code;
}

static int open_path(struct pack_key_source *source, const char *path, struct pack_error *error)
{
    struct stat status;
    /* Not blocking, so that a FIFO is refused and not waited for. */
    PACK_AUTO_CLOSE int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
        return fail_open(path, errno, error);
    if (S_ISDIR(status.st_mode))
        return pack_fail(error, PACK_E_KEY_STORE, "is a folder, a key file is wanted");
    if (!S_ISREG(status.st_mode)) {
        pack_fail(error, PACK_E_KEY_STORE, "not a regular file");
        return pack_hint(error, "a key that comes through a pipe is named fd:N");
    }
    source->is_path = true;
    source->mode = status.st_mode;
    source->foreign = status.st_uid != geteuid() && status.st_uid != 0;
    return read_text(source, descriptor, error);
}

static bool parse_descriptor(const char *text, int *descriptor)
{
    int value = 0;
    for (const char *at = text; *at != '\0'; at++)
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
    *descriptor = value;
    return *text != '\0';
}

static int open_descriptor(struct pack_key_source *source, const char *number,
                           struct pack_error *error)
{
    int descriptor = -1;
    struct stat status;
    if (!parse_descriptor(number, &descriptor))
        return pack_fail(error, PACK_E_USAGE, "fd: wants the number of a file descriptor");
    if (fstat(descriptor, &status) != 0) {
        pack_fail(error, PACK_E_KEY_STORE, "file descriptor %d is not open", descriptor);
        return pack_hint(error, "open it in the shell: %d< FILE", descriptor);
    }
    if (S_ISDIR(status.st_mode) || S_ISBLK(status.st_mode))
        return pack_fail(error, PACK_E_KEY_STORE, "file descriptor %d is neither a file nor a pipe",
                         descriptor);
    return read_text(source, descriptor, error);
}

static int open_variable(struct pack_key_source *source, const char *variable,
                         const char *(*environment)(const char *), struct pack_error *error)
{
    const char *value = environment != NULL ? environment(variable) : NULL;
    if (environment == NULL)
        return pack_fail(error, PACK_E_KEY_STORE, "keys from the environment are not taken here");
    if (value == NULL)
        return pack_fail(error, PACK_E_KEY_STORE, "environment variable %s is not set", variable);
    const size_t size = strlen(value);
    if (size > PACK_MAX_KEY_FILE)
        return fail_too_large(error);
    const int code = pack_guarded_new(&source->text, PACK_MAX_KEY_FILE + 1, error);
    if (code != 0)
        return code;
    memcpy(source->text, value, size);
    source->size = size;
    return 0;
}

int pack_key_source_open(struct pack_key_source *source, const char *name,
                         const char *(*environment)(const char *), struct pack_error *error)
{
    if (strncmp(name, "env:", 4) == 0)
        return open_variable(source, name + 4, environment, error);
    if (strncmp(name, "fd:", 3) == 0)
        return open_descriptor(source, name + 3, error);
    return open_path(source, name, error);
}

void pack_key_source_close(struct pack_key_source *source)
{
    pack_guarded_free(&source->text);
}
