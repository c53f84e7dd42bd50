/* SPDX-License-Identifier: MIT */
#include "slot/node.h"

#include "io/file.h"
#include "slot/kinds.h"
#include "slot/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct search {
    struct storage *storage;
    node_named_fn named;
    const char *name;
    char found[2][128];
    size_t count;
};

static int visit(void *user, const char *entry, struct pack_error *error)
{
    struct search *search = user;
    (void)error;
    if (!search->named(search->storage, entry, search->name))
        return 0;
    if (search->count < 2)
        snprintf(search->found[search->count], sizeof *search->found, "%s", entry);
    search->count++;
    return 0;
}

static int fail_search(const struct search *search, struct pack_error *error)
{
    if (search->count == 0)
        return pack_fail(error, PACK_E_NOT_FOUND, "there is no device of that name");
    return pack_fail(error, PACK_E_USAGE, "the name is there more than once: %s and %s",
                     search->found[0], search->found[1]);
}

int node_find(char path[NODE_PATH_SIZE], const char *target, const char *folder,
              node_named_fn named, struct storage *storage, struct pack_error *error)
{
    struct search search = {.storage = storage, .named = named, .name = target};
    if (strlen(target) >= NODE_PATH_SIZE)
        return pack_fail(error, PACK_E_LIMIT, "the name is too long");
    if (strchr(target, '/') != NULL) {
        snprintf(path, NODE_PATH_SIZE, "%s", target);
        return 0;
    }
    const int code = sysfs_each(storage, folder, visit, &search, error);
    if (code != 0)
        return code;
    if (search.count != 1)
        return fail_search(&search, error);
    snprintf(path, NODE_PATH_SIZE, "/dev/%s", search.found[0]);
    return 0;
}

int node_open(int *descriptor, struct stat *status, const char *path, bool writing,
              struct storage *storage, struct pack_error *error)
{
    char real[SLOT_PATH_SIZE];
    const int code = storage_locate(storage, path, real, sizeof real, error);
    if (code != 0)
        return code;
    if (stat(real, status) == 0 && !S_ISCHR(status->st_mode))
        return pack_fail(error, PACK_E_USAGE, "is no flash: a character device is wanted");
    *descriptor = open(real, (writing ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (*descriptor < 0 || fstat(*descriptor, status) != 0) {
        if (errno != EBUSY)
            return pack_fail_errno(error, errno, "cannot open");
        return pack_fail(error, PACK_E_USAGE, "is in use, and a slot in use is not written");
    }
    return 0;
}
