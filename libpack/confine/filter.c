/* SPDX-License-Identifier: MIT */
#include "confine/lock.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__arm__) && defined(__ARMEL__)
#define ARCHITECTURE AUDIT_ARCH_ARM
#elif defined(__i386__)
#define ARCHITECTURE AUDIT_ARCH_I386
#elif defined(__riscv) && __riscv_xlen == 64 && defined(AUDIT_ARCH_RISCV64)
#define ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__s390x__)
#define ARCHITECTURE AUDIT_ARCH_S390X
#else
#define ARCHITECTURE 0
#endif

#ifndef SECCOMP_RET_KILL_PROCESS /* before Linux 4.14 it means the thread, which is all there is \
                                  */
#define SECCOMP_RET_KILL_PROCESS 0x80000000U
#endif

/* A call is allowed where each of its checks holds: the argument's bits under the mask are these.
 */
struct check {
    uint32_t argument, mask, bits;
};

struct call {
    long number;
    uint32_t check_count;
    struct check checks[2];
};

#define NO_EXEC         \
    {                   \
        2, PROT_EXEC, 0 \
    }
#define ON_SOCKET                  \
    {                              \
        0, UINT32_MAX, LOCK_SOCKET \
    }

/*
 * Messages, memory, the end. Of madvise only what gives memory back or asks for large pages: some
 * advice takes pages from the whole machine where the caller is root. Waiting and waking are what
 * the C library's locks do, of the other kinds of futex nothing is wanted. Random bytes seed the
 * allocator's and the hashes' of some C libraries. No clock, no signals: nothing here asks for
 * the time, and no handler is left that could return.
 */
static const struct call calls[] = {
    {SYS_read, 1, {ON_SOCKET}},
    {SYS_write, 1, {ON_SOCKET}},
#if defined(__s390x__) /* its arguments stand in memory, where a filter does not see them */
    {SYS_mmap, 0, {{0}}},
#elif defined(SYS_mmap2)
    {SYS_mmap2, 2, {NO_EXEC, {3, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
#else
    {SYS_mmap, 2, {NO_EXEC, {3, MAP_ANONYMOUS, MAP_ANONYMOUS}}},
#endif
    {SYS_munmap, 0, {{0}}},
    {SYS_mremap, 0, {{0}}},
    {SYS_mprotect, 1, {NO_EXEC}},
    {SYS_brk, 0, {{0}}},
    {SYS_madvise, 1, {{2, UINT32_MAX, MADV_DONTNEED}}},
    {SYS_madvise, 1, {{2, UINT32_MAX, MADV_FREE}}},
    {SYS_madvise, 1, {{2, UINT32_MAX, MADV_HUGEPAGE}}},
    {SYS_madvise, 1, {{2, UINT32_MAX, MADV_NOHUGEPAGE}}},
#ifdef SYS_futex
    {SYS_futex, 1, {{1, ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_WAKE), FUTEX_WAIT}}},
#endif
#ifdef SYS_futex_time64
    {SYS_futex_time64, 1, {{1, ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_WAKE), FUTEX_WAIT}}},
#endif
    {SYS_getrandom, 0, {{0}}},
    {SYS_exit, 0, {{0}}},
    {SYS_exit_group, 0, {{0}}},
#if LOCK_SANITIZED /* their own allocators and reports */
    {SYS_sched_yield, 0, {{0}}},
    {SYS_gettid, 0, {{0}}},
    {SYS_getpid, 0, {{0}}},
    {SYS_sigaltstack, 0, {{0}}},
    {SYS_rt_sigprocmask, 0, {{0}}},
    {SYS_madvise, 1, {{2, UINT32_MAX, MADV_DONTDUMP}}},
#endif
};

enum { CALLS = sizeof calls / sizeof calls[0], LOADS = 4, PER_CALL = 3 + 2 * 3, LAST = 1 };

struct program {
    unsigned short size;
    struct sock_filter steps[LOADS + CALLS * PER_CALL + LAST];
};

static void add(struct program *program, unsigned code, uint32_t k, unsigned if_true,
                unsigned if_false)
{
    program->steps[program->size++] =
        (struct sock_filter){(uint16_t)code, (uint8_t)if_true, (uint8_t)if_false, k};
}

static void load(struct program *program, size_t offset)
{
    add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *program, uint32_t verdict)
{
    add(program, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Of an argument's 64 bits the lower 32: the kernel looks at no more of these. */
static size_t offset_of(uint32_t argument)
{
    const size_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0;
    return offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t) + low;
}

static void add_call(struct program *program, const struct call *call)
{
    unsigned behind = 3 * call->check_count + 1; /* steps to jump over where it is another one */
    load(program, offsetof(struct seccomp_data, nr));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, behind);
    for (uint32_t i = 0; i < call->check_count; i++) {
        const struct check *check = &call->checks[i];
        behind -= 3;
        load(program, offset_of(check->argument));
        add(program, BPF_ALU | BPF_AND | BPF_K, check->mask, 0, 0);
        add(program, BPF_JMP | BPF_JEQ | BPF_K, check->bits, 0, behind);
    }
    answer(program, SECCOMP_RET_ALLOW);
}

static void make_program(struct program *program)
{
    program->size = 0;
    load(program, offsetof(struct seccomp_data, arch));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(program, SECCOMP_RET_KILL_PROCESS);
    for (size_t i = 0; i < CALLS; i++)
        add_call(program, &calls[i]);
    answer(program, SECCOMP_RET_KILL_PROCESS);
}

int filter_available(struct pack_error *error)
{
    /* A kernel that has filters looks for the program, which is not there. */
    if (ARCHITECTURE != 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 &&
        errno == EFAULT)
        return 0;
    pack_fail(error, PACK_E_UNSUPPORTED, "this kernel cannot filter system calls (seccomp)");
    return pack_hint(error, "allow less by `confinement: preferred`, or use a kernel with "
                            "CONFIG_SECCOMP_FILTER");
}

int filter_install(struct pack_error *error)
{
    struct program program;
    make_program(&program);
    const struct sock_fprog given = {.len = program.size, .filter = program.steps};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &given) != 0)
        return pack_fail_errno(error, errno, "cannot filter system calls");
    return 0;
}
