/* SPDX-License-Identifier: MIT */
#include "install/state.h"

#include "base/memory.h"

int state_fail_absent(const char *folder, struct pack_error *error)
{
    pack_fail(error, PACK_E_NOT_FOUND, "this device has no state yet, or it was lost");
    pack_at_file(error, folder);
    return pack_hint(error,
                     "mount what it lies on; 'fwpack install --first' begins one, once, on a "
                     "new device: without its state it does not know what it must refuse");
}

static int fail_content(const char *folder, struct pack_error *error)
{
    pack_context(error, "the device's state in %s", folder);
    if (error->code == PACK_E_STATE)
        pack_hint(error, "its checksum is right, so something else wrote it: find out what, before "
                         "it is replaced");
    return (int)error->code;
}

int state_load(struct state **state, struct storage *storage, const char *folder, bool writable,
               bool *repaired, struct pack_error *error)
{
    PACK_AUTO_FREE void *bytes = NULL;
    enum storage_record_state found = STORAGE_RECORD_ABSENT;
    size_t size = 0;
    *state = NULL;
    *repaired = false;
    const int code = storage_record_load(storage, folder, STATE_NAME, writable, STATE_LIMIT, &bytes,
                                         &size, &found, error);
    if (code == PACK_E_STATE)
        pack_hint(error, "restore it from a backup; without it nobody knows which versions this "
                         "device may still run");
    if (code != 0)
        return code;
    if (bytes == NULL)
        return state_fail_absent(folder, error);
    *repaired = found == STORAGE_RECORD_REPAIRED;
    return state_parse(state, bytes, size, error) != 0 ? fail_content(folder, error) : 0;
}

int state_save(const struct state *state, struct storage *storage, const char *folder,
               struct pack_error *error)
{
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    const int code = state_format(&text, &size, state, error);
    return code != 0 ? code : storage_record_save(storage, folder, STATE_NAME, text, size, error);
}
