/* SPDX-License-Identifier: MIT */
#include "bundle/reader.h"
#include "pack/root.h"

#include "bundle/writer.h"

#include "base/memory.h"

#include <stdio.h>
#include <string.h>

int pack_bundle_follow_roots(struct pack_trust **newest, const struct pack_trust *trust,
                             const struct pack_bundle *bundle, struct pack_error *error)
{
    PACK_AUTO_FREE struct pack_root_file *files = NULL;
    size_t count = 0;
    const int code = pack_allocate(&files, PACK_MAX_ROOTS, sizeof *files, error);
    if (code != 0)
        return code;
    for (size_t i = 0; i < bundle->member_count && count < PACK_MAX_ROOTS; i++) {
        const struct head_member *member = &bundle->members[i];
        const uint64_t version = head_root_number(member->name);
        if (version != 0)
            files[count++] = (struct pack_root_file){.name = member->name,
                                                     .version = version,
                                                     .bytes = member->bytes,
                                                     .size = (size_t)member->size};
    }
    return pack_trust_follow(newest, trust, files, count, error);
}

static int put_root(struct written_head *head, const struct pack_root_file *file,
                    struct pack_error *error)
{
    PACK_AUTO_FREE char *copy = NULL;
    char name[TAR_NAME_SIZE];
    snprintf(name, sizeof name, "roots/%llu.root.json", (unsigned long long)file->version);
    if (head_root_number(name) == 0)
        return pack_fail(error, PACK_E_LIMIT, "a bundle cannot carry root %llu",
                         (unsigned long long)file->version);
    const int code = pack_allocate(&copy, 1, file->size + 1, error);
    if (code != 0)
        return code;
    memcpy(copy, file->bytes, file->size);
    return written_head_put(head, name, &copy, file->size, error);
}

int pack_bundle_set_roots(struct pack_bundle *bundle, struct pack_output *output,
                          const struct pack_root_file *files, size_t count,
                          struct pack_error *error)
{
    PACK_AUTO(written_head_clear) struct written_head head = {0};
    int code = 0;
    if (count > PACK_MAX_ROOTS)
        return pack_fail(error, PACK_E_LIMIT, "%zu roots, a bundle carries at most %d", count,
                         PACK_MAX_ROOTS);
    if (!bundle->input->seekable || pack_input_descriptor(bundle->input) < 0)
        return pack_fail(error, PACK_E_USAGE, "roots are put into a file, not into a pipe");
    code = written_head_copy(&head, bundle, error);
    written_head_drop(&head, HEAD_ROOTS);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = put_root(&head, &files[i], error);
    if (code == 0)
        code = written_head_finish(&head, bundle, output, error);
    return code != 0 ? pack_at_file(error, bundle->input->name) : 0;
}
