/* SPDX-License-Identifier: MIT */
/* Partition tables of disks that anybody may plug in. */
#include "slot/gpt.h"

#include <stdlib.h>
#include <string.h>

static void check(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {0};
    struct pack_input *disk = NULL;
    struct gpt gpt;
    if (pack_input_memory(&disk, data, size, "disk", &error) != 0)
        return 0;
    if (gpt_read(&gpt, disk, 0, &error) == 0) {
        for (size_t i = 0; i < gpt.count; i++) {
            check(gpt.partitions[i].first <= gpt.partitions[i].last);
            check(gpt.partitions[i].last < size / 512);
            check(strlen(gpt.partitions[i].type) == GPT_GUID_TEXT - 1);
        }
        gpt_clear(&gpt);
    } else {
        check(error.text[0] != '\0' && gpt.partitions == NULL);
    }
    pack_input_close(&disk);
    return 0;
}
