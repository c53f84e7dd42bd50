/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "pack/sbom.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pack_error error = {.code = PACK_OK};
    PACK_AUTO(pack_sbom_free) struct pack_sbom *sbom = NULL;
    if (pack_sbom_read(&sbom, data, size, &error) != 0)
        return 0;
    if (pack_sbom_kind_name(sbom->kind) == NULL || sbom->version[0] == '\0')
        abort();
    for (size_t i = 0; i < sbom->component_count; i++)
        if (sbom->components[i].name == NULL)
            abort();
    return 0;
}
