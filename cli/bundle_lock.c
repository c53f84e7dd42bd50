/* SPDX-License-Identifier: MIT */
#include "bundle_lock.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int lock(const struct pack_input *input, struct cli *cli, const char *path,
                struct pack_error *error)
{
    const int descriptor = pack_input_descriptor(input);
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK) {
        cli_note(cli, "%s: waiting for another signer to finish", path);
        if (flock(descriptor, LOCK_EX) == 0)
            return 0;
    }
    return pack_fail_errno(error, errno, "cannot lock");
}

bool bundle_is_current(const struct pack_input *input, const char *path)
{
    struct stat opened, named;
    return fstat(pack_input_descriptor(input), &opened) == 0 && stat(path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/*
 * A writer replaces the file while others wait for its lock: they must change what is there now,
 * or its change would be lost.
 */
int bundle_lock(struct pack_input **input, struct cli *cli, const char *path, const char *verb,
                struct pack_error *error)
{
    for (;;) {
        int code = pack_input_open(input, path, error);
        if (code == 0 && (!(*input)->seekable || strcmp(path, "-") == 0))
            code = pack_fail(error, PACK_E_USAGE, "a bundle is %s in a file, not in a pipe", verb);
        if (code == 0)
            code = lock(*input, cli, path, error);
        if (code != 0)
            return pack_at_file(error, path);
        if (bundle_is_current(*input, path))
            return 0;
        pack_input_close(input);
    }
}
