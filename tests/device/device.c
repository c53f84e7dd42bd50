/* SPDX-License-Identifier: MIT */
/*
 * A device that applies a patch in QEMU: the images and the patch are linked in, flash is RAM.
 * Its status is 0 when the new image came of it; it prints the memory and the stack that it took.
 */
#include "pack/apply.h"

#include <string.h>

enum {
    PAGE = 4096,
    SLOT = 1024 * 1024,
    MAKING = SLOT,
    JOURNAL = MAKING + PAGE,
    FLASH = JOURNAL + 64 * PAGE,
    STACK = 64 * 1024, /* what is painted, to see how much is used */
    PAINT = 0x5A,
};

extern const uint8_t old_start[], old_end[], new_start[], new_end[], patch_start[], patch_end[];
extern uint8_t stack_top[];

static uint64_t memory[MEMORY / 8];
static uint8_t flash[FLASH];
static uint32_t written;

/* --- what a C library would bring ------------------------------------------------------------- */

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    while (size-- > 0)
        *out++ = *in++;
    return to;
}

void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    if (out <= in)
        return memcpy(to, from, size);
    while (size-- > 0)
        out[size] = in[size];
    return to;
}

void *memset(void *to, int byte, size_t size)
{
    uint8_t *out = to;
    while (size-- > 0)
        *out++ = (uint8_t)byte;
    return to;
}

int memcmp(const void *one, const void *other, size_t size)
{
    const uint8_t *a = one, *b = other;
    for (size_t i = 0; i < size; i++)
        if (a[i] != b[i])
            return a[i] - b[i];
    return 0;
}

/* --- semihosting ------------------------------------------------------------------------------ */

static int ask_host(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t status)
{
    const uint32_t reason[2] = {0x20026, status}; /* ADP_Stopped_ApplicationExit */
    (void)ask_host(0x20, reason);                 /* SYS_EXIT_EXTENDED */
    for (;;)
        ;
}

static void print(const char *name, uint32_t number)
{
    char digits[12];
    int at = 11;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    (void)ask_host(4, name); /* SYS_WRITE0 */
    (void)ask_host(4, digits + at);
    (void)ask_host(4, "\n");
}

/* --- the device ------------------------------------------------------------------------------- */

static int read_patch(void *user, uint32_t offset, uint8_t *bytes, size_t size)
{
    const size_t left = (size_t)(patch_end - patch_start) - offset;
    (void)user;
    size = size < left ? size : left;
    memcpy(bytes, patch_start + offset, size);
    return (int)size;
}

static bool read_old(void *user, uint32_t offset, uint8_t *bytes, size_t size)
{
    (void)user;
    memcpy(bytes, old_start + offset, size);
    return true;
}

static bool write_new(void *user, const uint8_t *bytes, size_t size)
{
    (void)user;
    memcpy(flash + written, bytes, size);
    written += size;
    return true;
}

static bool flash_read(void *user, uint32_t address, void *bytes, size_t size)
{
    (void)user;
    memcpy(bytes, flash + address, size);
    return true;
}

static bool flash_erase(void *user, uint32_t address)
{
    (void)user;
    memset(flash + address, 0xFF, PAGE);
    return true;
}

static bool flash_program(void *user, uint32_t address, const void *bytes, size_t size)
{
    (void)user;
    memcpy(flash + address, bytes, size);
    return true;
}

static enum pack_apply_status apply(void)
{
    const struct pack_apply how = {.read_patch = read_patch,
                                   .read_old = read_old,
                                   .write_new = write_new,
                                   .memory = memory,
                                   .memory_size = sizeof memory};
    const struct pack_flash where = {.read = flash_read,
                                     .erase = flash_erase,
                                     .program = flash_program,
                                     .page = PAGE,
                                     .word = 4,
                                     .slot_size = SLOT,
                                     .making = MAKING,
                                     .journal = JOURNAL,
                                     .journal_size = FLASH - JOURNAL};
    if (!IN_PLACE)
        return pack_apply(&how);
    memcpy(flash, old_start, (size_t)(old_end - old_start));
    return pack_apply_in_place(&how, &where);
}

void start(void)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    volatile uint8_t *bottom = stack_top - STACK;
    for (volatile uint8_t *at = bottom; (uintptr_t)at + 64 < here; at++)
        *at = PAINT;
    enum pack_apply_status status = apply();
    if (status == PACK_APPLY_OK && memcmp(flash, new_start, (size_t)(new_end - new_start)) != 0)
        status = PACK_APPLY_CORRUPT;
    while (*bottom == PAINT)
        bottom++;
    print("memory ", sizeof memory);
    print("stack ", (uint32_t)(here - (uintptr_t)bottom));
    leave((uint32_t)status);
}

extern const void *const vectors[];
__attribute__((section(".vectors"), used))
const void *const vectors[] = {stack_top, (const void *)start};
