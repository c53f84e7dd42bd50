/* SPDX-License-Identifier: MIT */

/* The faults file of a simulation. What is taken is one fault each, with numbers that can be. */

#include "base/memory.h"
#include "pack/simulate.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_finding(void *user, bool is_error, const struct pack_error *finding)
{
    (void)user;
    (void)is_error;
    demand(finding->text[0] != '\0' && strchr(finding->text, '\n') == NULL &&
           finding->code != PACK_OK);
}

static void check_fault(const struct pack_fault *fault)
{
    demand(fault->kind < PACK_FAULT_KIND_COUNT && pack_fault_kind_name(fault->kind) != NULL);
    demand(fault->sector == 512 || fault->sector == 4096);
    demand(fault->kind != PACK_FAULT_BATTERY || fault->number <= 100);
    if (fault->kind <= PACK_FAULT_NO_SPACE)
        demand(fault->every != 0 || fault->number != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PACK_AUTO(pack_faults_free) struct pack_faults *faults = NULL;
    struct pack_error error = {0};
    char path[64];
    const int file = memfd_create("faults", MFD_CLOEXEC);
    demand(file >= 0 && write(file, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const int code = pack_faults_read(&faults, path, check_finding, NULL, &error);
    close(file);
    demand((code == 0) == (faults != NULL) && code == (int)error.code);
    (void)pack_faults_probe(data, size);
    for (size_t i = 0; faults != NULL && i < faults->count; i++)
        check_fault(&faults->list[i]);
    return 0;
}
