/* SPDX-License-Identifier: MIT */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* What parent and child share: the child may end in any way. */
struct shared {
    atomic_uint hit;
    atomic_ullong calls[FAULT_FAMILY_COUNT];
    atomic_ullong all, last_name, folder_sync;
};

static struct shared *shared;
static struct fault_order order;
static atomic_bool armed;
static FILE *stacks;
static _Thread_local bool inside; /* the shim's own calls are not counted */

/* The function of that name which the shim stands before. */
#define REAL(name)                                       \
    __extension__({                                      \
        static __typeof__(&name) found_;                 \
        if (found_ == NULL)                              \
            *(void **)&found_ = dlsym(RTLD_NEXT, #name); \
        found_;                                          \
    })

/* --- who calls ------------------------------------------------------------------------------- */

/* Where code was loaded to. */
struct range {
    uintptr_t start, end;
};

static struct range fwpack, libcrypto;

static bool lies_in(const struct range *range, const void *address)
{
    return (uintptr_t)address >= range->start && (uintptr_t)address < range->end;
}

static int find_range(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    struct range *range = info->dlpi_name[0] == '\0'                     ? &fwpack
                          : strstr(info->dlpi_name, "libcrypto") != NULL ? &libcrypto
                                                                         : NULL;
    for (int i = 0; range != NULL && i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0)
            continue;
        range->start = info->dlpi_addr + header->p_vaddr;
        range->end = range->start + header->p_memsz;
    }
    return 0;
}

/* --- counting -------------------------------------------------------------------------------- */

static void write_stack(void)
{
    enum { DEEPEST = 40 };
    void *frames[DEEPEST];
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    inside = true;
    const int count = backtrace(frames, DEEPEST);
    for (int i = 0; i < count; i++)
        if (lies_in(&fwpack, frames[i]))
            hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(1099511628211);
    fprintf(stacks, "%016llx\n", (unsigned long long)hash);
    fflush(stacks);
    inside = false;
}

/* Counts a call; whether it is one that the order is about. */
static bool is_meant(enum fault_family family)
{
    if (!atomic_load(&armed) || inside)
        return false;
    const uint64_t number = atomic_fetch_add(&shared->calls[family], 1) + 1;
    atomic_fetch_add(&shared->all, 1);
    if (family != order.family)
        return false;
    if (stacks != NULL)
        write_stack();
    return number == order.at || (order.mode == FAULT_FOREVER && number > order.at);
}

static bool fails(enum fault_family family)
{
    if (!is_meant(family) || order.mode == FAULT_NONE || order.mode == FAULT_SHORT)
        return false;
    atomic_fetch_add(&shared->hit, 1);
    errno = (int)order.number;
    return true;
}

/* The same for calls that may do less than they are asked to: changes *size instead. */
static bool fails_or_shortens(enum fault_family family, size_t *size)
{
    if (!is_meant(family) || order.mode == FAULT_NONE)
        return false;
    if (order.mode == FAULT_SHORT && *size < 2)
        return false;
    atomic_fetch_add(&shared->hit, 1);
    errno = (int)order.number;
    if (order.mode == FAULT_SHORT)
        *size /= 2;
    return order.mode != FAULT_SHORT;
}

/* --- the server ------------------------------------------------------------------------------ */

static bool read_whole(int descriptor, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t got = REAL(read)(descriptor, (char *)bytes + done, size - done);
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return false;
        done += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static void die(const char *what)
{
    fprintf(stderr, "fault shim: %s: %s\n", what, strerror(errno));
    _exit(125);
}

/* Standard input becomes a pipe with the file's bytes, which must fit into it. */
static void fill_input(const char *path)
{
    enum { CAPACITY = 1 << 20 };
    static char bytes[CAPACITY];
    int ends[2];
    const int file = REAL(open)(path, O_RDONLY);
    const ssize_t size = file < 0 ? -1 : REAL(read)(file, bytes, CAPACITY);
    if (size < 0 || size == CAPACITY || pipe(ends) != 0)
        die(path);
    if (fcntl(ends[1], F_SETPIPE_SZ, CAPACITY) < 0 ||
        REAL(write)(ends[1], bytes, (size_t)size) != size || dup2(ends[0], STDIN_FILENO) < 0)
        die(path);
    REAL(close)(file);
    REAL(close)(ends[0]);
    REAL(close)(ends[1]);
}

static void redirect(const char *variable, int descriptor)
{
    const char *path = getenv(variable);
    const int file = path != NULL ? REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (file < 0 || dup2(file, descriptor) < 0)
        die(variable);
    REAL(close)(file);
}

static void become_child(int orders, int answers)
{
    const char *input = getenv("FAULT_INPUT");
    void *frame;
    REAL(close)(orders);
    REAL(close)(answers);
    if (input != NULL)
        fill_input(input);
    redirect("FAULT_OUTPUT", STDOUT_FILENO);
    redirect("FAULT_ERRORS", STDERR_FILENO);
    if (order.stacks != 0) {
        const char *path = getenv("FAULT_STACKS");
        stacks = path != NULL ? fopen(path, "we") : NULL;
        if (stacks == NULL)
            die("FAULT_STACKS");
        backtrace(&frame, 1); /* loads what it needs */
    }
    alarm(60); /* a program that waits for ever is a finding too */
    atomic_store(&armed, true);
}

static void answer(int descriptor, int status)
{
    struct fault_answer result = {.status = status,
                                  .hit = atomic_load(&shared->hit),
                                  .last_name = atomic_load(&shared->last_name),
                                  .folder_sync = atomic_load(&shared->folder_sync)};
    for (int i = 0; i < FAULT_FAMILY_COUNT; i++)
        result.calls[i] = atomic_load(&shared->calls[i]);
    if (REAL(write)(descriptor, &result, sizeof result) != (ssize_t)sizeof result)
        die("answer");
}

static void prepare(void)
{
    dl_iterate_phdr(find_range, NULL);
    shared =
        REAL(mmap)(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        die("mmap");
}

/* Returns in each child. */
static void serve(int orders, int answers)
{
    prepare();
    while (read_whole(orders, &order, sizeof order)) {
        int status = 0;
        *shared = (struct shared){0};
        const pid_t child = fork();
        if (child == 0) {
            become_child(orders, answers);
            return;
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
            die("fork");
        answer(answers, status);
    }
    _exit(0);
}

/* One point, for a debugger. */
static void obey_variable(void)
{
    const char *text = getenv("FAULT_ORDER");
    unsigned long long at = 0;
    if (text == NULL ||
        sscanf(text, "%u %u %u %llu", &order.family, &order.mode, &order.number, &at) != 4)
        return;
    order.at = at;
    prepare();
    atomic_store(&armed, true);
}

typedef int main_function(int, char **, char **);
static main_function *real_main;

static int counted_main(int argc, char **argv, char **environment)
{
    int orders = -1, answers = -1;
    const char *server = getenv("FAULT_SERVER");
    if (server != NULL && sscanf(server, "%d,%d", &orders, &answers) == 2)
        serve(orders, answers);
    else
        obey_variable();
    const int status = real_main(argc, argv, environment);
    atomic_store(&armed, false);
    return status;
}

int __libc_start_main(main_function *program, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader_fini)(void), void *stack_end);
int __libc_start_main(main_function *program, int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
    real_main = program;
    return REAL(__libc_start_main)(counted_main, argc, argv, init, fini, loader_fini, stack_end);
}

/* --- reading and writing --------------------------------------------------------------------- */

ssize_t read(int descriptor, void *buffer, size_t size)
{
    return fails_or_shortens(FAULT_READ, &size) ? -1 : REAL(read)(descriptor, buffer, size);
}

ssize_t pread64(int descriptor, void *buffer, size_t size, off64_t offset)
{
    return fails_or_shortens(FAULT_READ, &size) ? -1
                                                : REAL(pread64)(descriptor, buffer, size, offset);
}

ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size,
                        unsigned flags)
{
    return fails_or_shortens(FAULT_COPY, &size)
               ? -1
               : REAL(copy_file_range)(from, from_offset, to, to_offset, size, flags);
}

ssize_t write(int descriptor, const void *buffer, size_t size)
{
    return fails_or_shortens(FAULT_WRITE, &size) ? -1 : REAL(write)(descriptor, buffer, size);
}

ssize_t pwrite64(int descriptor, const void *buffer, size_t size, off64_t offset)
{
    return fails_or_shortens(FAULT_WRITE, &size) ? -1
                                                 : REAL(pwrite64)(descriptor, buffer, size, offset);
}

int close(int descriptor)
{
    const bool failing = fails(FAULT_CLOSE);
    const int number = errno;
    const int result = REAL(close)(descriptor);
    if (failing)
        errno = number;
    return failing ? -1 : result;
}

/* --- names ----------------------------------------------------------------------------------- */

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(arguments, mode_t)
                                                                      : 0;
}

int open64(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(FAULT_OPEN) ? -1 : REAL(open64)(path, flags, mode);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(FAULT_OPEN) ? -1 : REAL(open)(path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(FAULT_OPEN) ? -1 : REAL(openat64)(folder, path, flags, mode);
}

int mkostemp64(char *path, int flags)
{
    return fails(FAULT_OPEN) ? -1 : REAL(mkostemp64)(path, flags);
}

static int named(int result)
{
    if (result == 0 && shared != NULL)
        atomic_store(&shared->last_name, atomic_load(&shared->all));
    return result;
}

int rename(const char *from, const char *to)
{
    return fails(FAULT_NAME) ? -1 : named(REAL(rename)(from, to));
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return fails(FAULT_NAME) ? -1 : named(REAL(renameat2)(from_folder, from, to_folder, to, flags));
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    return fails(FAULT_NAME) ? -1 : named(REAL(linkat)(from_folder, from, to_folder, to, flags));
}

int mkdir(const char *path, mode_t mode)
{
    return fails(FAULT_NAME) ? -1 : REAL(mkdir)(path, mode);
}

static bool is_folder(int descriptor)
{
    struct stat status;
    return REAL(fstat)(descriptor, &status) == 0 && S_ISDIR(status.st_mode);
}

int fsync(int descriptor)
{
    if (fails(FAULT_SYNC))
        return -1;
    if (shared != NULL && is_folder(descriptor))
        atomic_store(&shared->folder_sync, atomic_load(&shared->all));
    return REAL(fsync)(descriptor);
}

int fdatasync(int descriptor)
{
    return fails(FAULT_SYNC) ? -1 : REAL(fdatasync)(descriptor);
}

int fchmod(int descriptor, mode_t mode)
{
    return fails(FAULT_MODE) ? -1 : REAL(fchmod)(descriptor, mode);
}

int ftruncate64(int descriptor, off64_t size)
{
    return fails(FAULT_MODE) ? -1 : REAL(ftruncate64)(descriptor, size);
}

int flock(int descriptor, int operation)
{
    return fails(FAULT_LOCK) ? -1 : REAL(flock)(descriptor, operation);
}

/* --- what is known of a file ----------------------------------------------------------------- */

int stat64(const char *restrict path, struct stat64 *restrict status)
{
    return fails(FAULT_STATUS) ? -1 : REAL(stat64)(path, status);
}

int lstat64(const char *restrict path, struct stat64 *restrict status)
{
    return fails(FAULT_STATUS) ? -1 : REAL(lstat64)(path, status);
}

int fstat64(int descriptor, struct stat64 *status)
{
    return fails(FAULT_STATUS) ? -1 : REAL(fstat64)(descriptor, status);
}

int fstatvfs64(int descriptor, struct statvfs64 *status)
{
    return fails(FAULT_STATUS) ? -1 : REAL(fstatvfs64)(descriptor, status);
}

int access(const char *path, int mode)
{
    return fails(FAULT_STATUS) ? -1 : REAL(access)(path, mode);
}

off64_t lseek64(int descriptor, off64_t offset, int whence)
{
    return fails(FAULT_STATUS) ? -1 : REAL(lseek64)(descriptor, offset, whence);
}

/* --- memory and threads ---------------------------------------------------------------------- */

/*
 * libcrypto loses some of its own memory where it finds none while it starts. LeakSanitizer, where
 * it is there, is to speak of the program only.
 */
void __lsan_ignore_object(const void *memory) __attribute__((weak));

static void *pass_on(void *memory, const void *caller)
{
    if (memory != NULL && __lsan_ignore_object != NULL && lies_in(&libcrypto, caller))
        __lsan_ignore_object(memory);
    return memory;
}

void *malloc(size_t size)
{
    return fails(FAULT_MEMORY) ? NULL : pass_on(REAL(malloc)(size), __builtin_return_address(0));
}

void *calloc(size_t count, size_t size)
{
    return fails(FAULT_MEMORY) ? NULL
                               : pass_on(REAL(calloc)(count, size), __builtin_return_address(0));
}

void *realloc(void *memory, size_t size)
{
    return fails(FAULT_MEMORY) ? NULL
                               : pass_on(REAL(realloc)(memory, size), __builtin_return_address(0));
}

void *reallocarray(void *memory, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, total);
}

/* The C library's own do not come by the malloc above where a sanitizer has replaced them. */
char *strndup(const char *text, size_t size)
{
    const size_t length = strnlen(text, size);
    char *copy = malloc(length + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *strdup(const char *text)
{
    return strndup(text, strlen(text));
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    return fails(FAULT_MEMORY) ? ENOMEM : REAL(posix_memalign)(memory, alignment, size);
}

void *mmap64(void *address, size_t size, int protection, int flags, int descriptor, off64_t offset)
{
    return fails(FAULT_MAP) ? MAP_FAILED
                            : REAL(mmap64)(address, size, protection, flags, descriptor, offset);
}

void *mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset)
{
    return fails(FAULT_MAP) ? MAP_FAILED
                            : REAL(mmap)(address, size, protection, flags, descriptor, offset);
}

int mprotect(void *address, size_t size, int protection)
{
    return fails(FAULT_MAP) ? -1 : REAL(mprotect)(address, size, protection);
}

int mlock(const void *address, size_t size)
{
    return fails(FAULT_MAP) ? -1 : REAL(mlock)(address, size);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument)
{
    return fails(FAULT_THREAD) ? (int)order.number
                               : REAL(pthread_create)(thread, attributes, start, argument);
}

/* What a sanitizer asks at the start of a thread is no call of the program, and may not fail. */
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    const bool before = inside;
    inside = true;
    const int result = REAL(pthread_getattr_np)(thread, attributes);
    inside = before;
    return result;
}
