/* SPDX-License-Identifier: MIT */
#include "patch_bytes.h"
#include "support/payload.h"
#include "support/test.h"

#include "base/checked.h"
#include "base/memory.h"
#include "confine/cell.h"
#include "confine/confine.h"
#include "confine/lock.h"
#include "crypto/ed25519.h"
#include "install/watched.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Decoders in a process that can do nothing but compute (threats: a stolen delivery key). */

static const struct pack_context confined_context = {.jobs = 1,
                                                     .confinement = PACK_CONFINE_REQUIRED};

static int make_all(void **state)
{
    struct pack_error error = {0};
    const int code = test_make_folder(state);
    if (confine_available(&error) != 0) {
        print_message("skipped: %s\n", error.text);
        exit(0);
    }
    return code;
}

/* --- good frames ----------------------------------------------------------------------------- */

static void fill(uint8_t *bytes, size_t size)
{
    uint32_t number = 1;
    for (size_t i = 0; i < size; i++, number = number * 1664525 + 1013904223)
        bytes[i] = (uint8_t)(number >> (24 + i % 5));
}

static void check_codec(const struct pack_codec *codec)
{
    struct pack_error error = {0};
    const size_t size = 300000, bound = codec->bound(size);
    PACK_AUTO(confined_codec_free) struct confined_codec *confined = NULL;
    PACK_AUTO_FREE uint8_t *plain = calloc(1, size), *stored = calloc(1, bound);
    PACK_AUTO_FREE uint8_t *made = calloc(1, size);
    size_t stored_size = 0;
    void *encoder = NULL;
    fill(plain, size);
    assert_pack_ok(codec->encoder_new(&encoder, codec->level_min, &error));
    assert_pack_ok(confined_codec_new(&confined, codec, &confined_context, bound, size, &error));
    for (size_t part = size; part > 10; part /= 3) {
        assert_pack_ok(codec->encode(encoder, plain, part, stored, bound, &stored_size, &error));
        memset(made, 0, size);
        assert_pack_ok(confined_codec_decode(confined, stored, stored_size, made, part, &error));
        assert_memory_equal(made, plain, part);
    }
    /* What it says of a damaged one is what it would say without a process, and it goes on. */
    struct pack_error direct = {0};
    void *decoder = NULL;
    stored[stored_size / 2] ^= 0x55;
    assert_pack_ok(codec->decoder_new(&decoder, 64 << 20, &error));
    const int code = codec->decode(decoder, stored, stored_size, made, 11, &direct);
    assert_int_not_equal(code, 0);
    assert_pack_fails(confined_codec_decode(confined, stored, stored_size, made, 11, &error),
                      (enum pack_code)code);
    assert_string_equal(error.text, direct.text);
    codec->decoder_free(&decoder);
    pack_error_clear(&error);
    assert_pack_ok(codec->encode(encoder, plain, size, stored, bound, &stored_size, &error));
    assert_pack_ok(confined_codec_decode(confined, stored, stored_size, made, size, &error));
    assert_memory_equal(made, plain, size);
    codec->encoder_free(&encoder);
}

static void every_codec_decodes(void **state)
{
    (void)state;
    for (const struct pack_codec *const *codec = pack_codecs(); *codec != NULL; codec++)
        if ((*codec)->decode != NULL)
            check_codec(*codec);
}

/* --- a decoder that was taken over ----------------------------------------------------------- */

/* As if the frame were a program: its first byte says what it does. */
static int mean_decode(void *state, const void *stored, size_t stored_size, void *plain,
                       size_t plain_size, struct pack_error *error)
{
    static char *const words[] = {NULL};
    const uint8_t *frame = stored;
    long result = 0;
    (void)state;
    (void)stored_size;
    memset(plain, frame[0], plain_size);
    switch (frame[0]) {
    case 'o':
        result = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        break;
    case 'c':
        result = creat("/tmp/confined", 0600);
        break;
    case 's':
        result = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        break;
    case 'x':
        result = execve("/bin/true", words, words);
        break;
    case 'f':
        result = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        break;
    case 'k':
        result = kill(getppid(), SIGKILL);
        break;
    case 'K':
        result = syscall(SYS_kill, 1, 0);
        break;
    case 'w':
        result = write(STDERR_FILENO, "!", 1);
        break;
    case 'p':
        result = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        break;
    case 'u':
        result = syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
        break;
    case 'r':
        result = syscall(SYS_setrlimit, RLIMIT_AS, NULL);
        break;
    case 'h':
        result = madvise(plain, 4096, 100 /* MADV_HWPOISON */);
        break;
    case 'e':
        result = mprotect((void *)((uintptr_t)plain & ~4095UL), 4096, PROT_EXEC);
        break;
    case 'm':
        result = (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        break;
    case 'M':
        result = (long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, LOCK_SOCKET, 0);
        break;
    case 'F':
        result = syscall(SYS_futex, plain, 3 /* FUTEX_REQUEUE */, 0, NULL, NULL, 0);
        break;
    case 'S':
        result = (long)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *(volatile char *)result = 1;
        break;
    case 'q':
        result = syscall(SYS_exit_group, 7);
        break;
    case 'n':
        cell_say(&(struct cell_message){.kind = 99});
        break;
    case 'N':
        result = write(LOCK_SOCKET, "short", 5);
        break;
    case 'l':
        return pack_fail(error, PACK_E_NOT_YET, "come\x1b[2J back\nlater");
    case 'L':
        for (volatile bool on = true; on;)
            continue;
        break;
    default:
        break;
    }
    return result == 12345 ? 1 : 0;
}

static int mean_decoder_new(void **state, uint64_t limit, struct pack_error *error)
{
    (void)limit;
    return pack_allocate(state, 1, 1, error);
}

static void mean_decoder_free(void **state)
{
    free(*state);
    *state = NULL;
}

static uint64_t mean_memory(void)
{
    return 1 << 20;
}

static const struct pack_codec mean = {.name = "mean",
                                       .decoder_memory = mean_memory,
                                       .decoder_new = mean_decoder_new,
                                       .decode = mean_decode,
                                       .decoder_free = mean_decoder_free};

enum { MEAN_PLAIN = 8192 };

static int decode_mean(char what, const struct pack_context *context, struct pack_error *error)
{
    PACK_AUTO(confined_codec_free) struct confined_codec *confined = NULL;
    PACK_AUTO_FREE uint8_t *plain = calloc(1, MEAN_PLAIN);
    pack_error_clear(error);
    assert_int_equal(confined_codec_new(&confined, &mean, context, 1, MEAN_PLAIN, error), 0);
    const int code = confined_codec_decode(confined, &what, 1, plain, MEAN_PLAIN, error);
    if (code != 0) { /* nothing of it came out */
        for (size_t i = 0; i < MEAN_PLAIN; i++)
            assert_int_equal(plain[i], 0);
    }
    if (code == PACK_E_CORRUPT) { /* and nothing more will */
        struct pack_error again = {0};
        const int second = confined_codec_decode(confined, &what, 1, plain, MEAN_PLAIN, &again);
        assert_int_equal(second, PACK_E_CORRUPT);
    }
    return code;
}

static void it_can_do_nothing(void **state)
{
    struct pack_error error = {0};
    (void)state;
    assert_pack_ok(decode_mean('.', &confined_context, &error));
    for (const char *what = "ocsxfkKwpurhemMF"; *what != '\0'; what++) {
        assert_pack_fails(decode_mean(*what, &confined_context, &error), PACK_E_CORRUPT);
        assert_pack_says("was ended by SIGSYS");
        assert_string_not_equal(error.hint, "");
    }
    assert_int_equal(access("/tmp/confined", F_OK), -1);
}

static void how_it_ended_is_told(void **state)
{
    struct pack_error error = {0};
    (void)state;
    assert_pack_fails(decode_mean('S', &confined_context, &error), PACK_E_CORRUPT);
    assert_pack_says("was ended by SIGSEGV");
    assert_pack_fails(decode_mean('q', &confined_context, &error), PACK_E_CORRUPT);
    assert_pack_says("ended with status 7");
    assert_pack_fails(decode_mean('n', &confined_context, &error), PACK_E_CORRUPT);
    assert_pack_says("no longer does as it should");
    assert_pack_fails(decode_mean('N', &confined_context, &error), PACK_E_CORRUPT);
    assert_pack_says("no longer does as it should");
}

/* It cannot choose what is done next, nor what a terminal does. */
static void what_it_says_is_doubted(void **state)
{
    struct pack_error error = {0};
    (void)state;
    assert_int_equal(decode_mean('l', &confined_context, &error), PACK_E_CORRUPT);
    assert_string_equal(error.text, "come?[2J back?later");
}

static bool cancel(void *user)
{
    return ++*(int *)user > 1;
}

static void one_that_never_ends_is_ended(void **state)
{
    struct pack_error error = {0};
    int asked = 0;
    const struct pack_context context = {
        .jobs = 1, .confinement = PACK_CONFINE_REQUIRED, .cancelled = cancel, .user = &asked};
    (void)state;
    assert_pack_fails(decode_mean('L', &context, &error), PACK_E_INTERRUPTED);
}

/* As a kernel without them answers: for this process and its children from here on. */
static bool lose_filters(void)
{
    const unsigned low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint32_t) : 0;
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + low),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof steps / sizeof steps[0], steps};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* The number of the check that failed. */
static int without_filters(void)
{
    const struct pack_context preferred = {.jobs = 1, .confinement = PACK_CONFINE_PREFERRED};
    struct pack_error error = {0};
    struct confined_codec *confined = NULL;
    uint8_t plain[16];
    char what = '.';
    if (!lose_filters())
        return 1;
    if (confine_available(&error) != PACK_E_UNSUPPORTED)
        return 2;
    if (confined_codec_new(&confined, &mean, &confined_context, 1, 16, &error) !=
            PACK_E_UNSUPPORTED ||
        strstr(error.text, "seccomp") == NULL || confined != NULL)
        return 3;
    if (confined_codec_new(&confined, &mean, &preferred, 1, 16, &error) != 0)
        return 4;
    if (confined_codec_decode(confined, &what, 1, plain, 16, &error) != 0 || plain[15] != '.')
        return 5;
    confined_codec_free(&confined);
    return 0;
}

static void a_kernel_without_filters(void **state)
{
    int status = 0;
    (void)state;
    const pid_t process = fork();
    assert_true(process >= 0);
    if (process == 0)
        syscall(SYS_exit_group, without_filters());
    assert_int_equal(waitpid(process, &status, 0), process);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- memory ---------------------------------------------------------------------------------- */

static int greedy_decode(void *state, const void *stored, size_t stored_size, void *plain,
                         size_t plain_size, struct pack_error *error)
{
    uint64_t size = 0;
    (void)state;
    (void)plain;
    (void)plain_size;
    memcpy(&size, stored, stored_size);
    PACK_AUTO_FREE uint8_t *memory = malloc((size_t)size);
    if (memory == NULL)
        return pack_fail_memory(error);
    memset(memory, 1, (size_t)size);
    return 0;
}

static void memory_is_bounded(void **state)
{
    struct pack_error error = {0};
    struct pack_codec greedy = mean;
    uint64_t size = 1 << 20;
    uint8_t plain = 0;
    (void)state;
    greedy.decode = greedy_decode;
    PACK_AUTO(confined_codec_free) struct confined_codec *confined = NULL;
    assert_pack_ok(
        confined_codec_new(&confined, &greedy, &confined_context, sizeof size, 1, &error));
    assert_pack_ok(confined_codec_decode(confined, &size, sizeof size, &plain, 1, &error));
#if !LOCK_SANITIZED
    size = 64 << 20;
    assert_pack_fails(confined_codec_decode(confined, &size, sizeof size, &plain, 1, &error),
                      PACK_E_LIMIT);
    assert_pack_says("more memory than it says");
#endif
    pack_error_clear(&error);
    size = 1 << 20;
    assert_pack_ok(confined_codec_decode(confined, &size, sizeof size, &plain, 1, &error));
}

/* --- beginnings and ends --------------------------------------------------------------------- */

static void nothing_is_left_of_many(void **state)
{
    struct pack_error error = {0};
    const size_t before = test_count_files("/proc/self/fd");
    (void)state;
    for (int i = 0; i < 1000; i++) {
        PACK_AUTO(confined_codec_free) struct confined_codec *confined = NULL;
        char what = i % 10 == 0 ? 'o' : '.';
        uint8_t plain[16];
        assert_pack_ok(confined_codec_new(&confined, &mean, &confined_context, 1, 16, &error));
        if (i % 2 == 0)
            assert_int_equal(confined_codec_decode(confined, &what, 1, plain, 16, &error),
                             what == 'o' ? PACK_E_CORRUPT : 0);
        pack_error_clear(&error);
    }
    assert_int_equal(test_count_files("/proc/self/fd"), before);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* Waits for messages, and tells what it has. */
static void look_around(void *user, uint8_t *shared)
{
    (void)user;
    for (struct cell_message message; cell_take(&message);) {
        message.numbers[0] = 0;
        for (int number = 0; number < 1024; number++)
            message.numbers[0] += shared[number];
        cell_say(&message);
    }
}

static void start(struct cell *cell)
{
    struct pack_error error = {0};
    const struct cell_work work = {.run = look_around, .shared_size = 4096, .memory = 16 << 20};
    assert_pack_ok(cell_start(cell, &work, &confined_context, &error));
}

static uint64_t status_number(const struct cell *cell, const char *name, int base)
{
    char path[64], text[4096] = "";
    snprintf(path, sizeof path, "/proc/%d/status", (int)cell->pid);
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0 && read(file, text, sizeof text - 1) > 0);
    close(file);
    const char *line = strstr(text, name);
    assert_non_null(line);
    return strtoull(line + strlen(name), NULL, base);
}

/* What the kernel says of it: no files, no privileges, a filter, no tracing. */
static void what_it_has_given_up(void **state)
{
    struct cell cell;
    char path[64];
    (void)state;
    start(&cell);
    assert_int_equal(status_number(&cell, "NoNewPrivs:", 10), 1);
    assert_int_equal(status_number(&cell, "Seccomp:", 10), 2);
    assert_int_equal(status_number(&cell, "CapEff:", 16), 0);
    assert_int_equal(status_number(&cell, "CapPrm:", 16), 0);
    assert_int_equal(status_number(&cell, "SigCgt:", 16), 0);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)cell.pid);
    if (geteuid() == 0) /* it is not dumpable: nobody else may look */
        assert_int_equal(test_count_files(path), 1);
    else
        assert_int_equal(access(path, R_OK), -1);
    cell_end(&cell);
    assert_int_equal(cell.socket, -1);
}

/* Keys stand in memory that no process inherits. */
static void tell_key(void *user, uint8_t *shared)
{
    for (struct cell_message message; cell_take(&message);) {
        memcpy(shared, user, 32);
        cell_say(&message);
    }
}

static void keys_do_not_come_along(void **state)
{
    static const uint8_t none[32];
    struct pack_error error = {0};
    struct cell_message message = {.kind = 1};
    struct cell cell;
    uint8_t *key PACK_AUTO_GUARDED = NULL;
    (void)state;
    assert_pack_ok(pack_guarded_new(&key, 32, &error));
    memset(key, 'k', 32);
    const struct cell_work work = {
        .run = tell_key, .user = key, .shared_size = 32, .memory = 16 << 20};
    assert_pack_ok(cell_start(&cell, &work, &confined_context, &error));
    memset(cell_shared(&cell), '?', 32);
    assert_pack_ok(cell_send(&cell, &message, &error));
    assert_pack_ok(cell_receive(&cell, &message, &confined_context, &error));
    assert_memory_equal(cell_shared(&cell), none, 32);
    assert_int_equal(key[31], 'k');
    cell_end(&cell);
}

static void what_is_sent_to_all_does_not_end_it(void **state)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGPIPE, SIGALRM};
    struct pack_error error = {0};
    struct cell_message message = {.kind = 1};
    struct cell cell;
    (void)state;
    start(&cell);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_int_equal(kill(cell.pid, numbers[i]), 0);
    assert_pack_ok(cell_send(&cell, &message, &error));
    assert_pack_ok(cell_receive(&cell, &message, &confined_context, &error));
    /* But what ends it in the middle is told. */
    assert_int_equal(kill(cell.pid, SIGKILL), 0);
    assert_pack_fails(cell_receive(&cell, &message, &confined_context, &error), PACK_E_CORRUPT);
    assert_pack_says("was ended by SIGKILL");
    assert_pack_fails(cell_send(&cell, &message, &error), PACK_E_CORRUPT);
    assert_pack_says("was ended by SIGKILL");
    cell_end(&cell);
}

/* A parent that is killed, and its child in an endless loop. */
static void it_ends_with_its_parent(void **state)
{
    int ends[2], status = 0;
    pid_t orphan = 0;
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
    assert_int_equal(pipe(ends), 0);
    const pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0) {
        struct cell cell;
        start(&cell);
        (void)!write(ends[1], &cell.pid, sizeof cell.pid);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(read(ends[0], &orphan, sizeof orphan), sizeof orphan);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(waitpid(orphan, &status, 0), orphan);
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0), 0);
}

/* --- patches --------------------------------------------------------------------------------- */

static struct pack_buffer apply_confined(const struct pack_buffer *patch, struct pack_input *base,
                                         const struct pack_context *context, bool forward,
                                         unsigned proofs, int *code, struct pack_error *error)
{
    struct pack_buffer made = {.limit = 64 << 20};
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO(confined_patch_close) struct confined_patch *confined = NULL;
    uint8_t bytes[5000];
    size_t got = 1;
    assert_int_equal(pack_input_memory(&input, patch->bytes, patch->size, "p.fwd", error), 0);
    if (forward) /* which closes what it reads */
        assert_int_equal(pack_input_forward(&input, input, error), 0);
    *code = confined_patch_open(&confined, input, base, proofs, context, error);
    while (*code == 0 && got != 0) {
        *code = confined_patch_read(confined, bytes, sizeof bytes, &got, error);
        if (*code == 0)
            assert_int_equal(pack_buffer_append(&made, bytes, got, error), 0);
    }
    return made;
}

static void check_pair(const struct patch_pair *pair, const struct pack_delta_options *options)
{
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(pair, options);
    PACK_AUTO(pack_input_close) struct pack_input *base = NULL;
    struct pack_error error = {0};
    assert_pack_ok(pack_input_memory(&base, pair->old_bytes, pair->old_size, "old.img", &error));
    for (unsigned way = 0; way < 8; way += 3) {
        int code = 0;
        PACK_AUTO_BUFFER struct pack_buffer made =
            apply_confined(&patch, base, &confined_context, way >= 4, way % 4, &code, &error);
        assert_pack_ok(code);
        assert_int_equal(made.size, pair->new_size);
        assert_memory_equal(made.bytes, pair->new_bytes, made.size);
    }
}

static void every_decoder_patches(void **state)
{
    static const struct pack_delta_options options[] = {
        {.decoder = PACK_DECODER_TINY},
        {.decoder = PACK_DECODER_SMALL},
        {.decoder = PACK_DECODER_FULL},
        {.decoder = PACK_DECODER_SMALL, .in_place = 4096, .scratch = 8192},
    };
    struct patch_pair pair = patch_pair_code(30000), unrelated = patch_pair_unrelated(20000);
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        check_pair(&pair, &options[i]);
    check_pair(&unrelated, &options[1]);
    patch_pair_free(&pair);
    patch_pair_free(&unrelated);
}

/* Images that are opened and packed again. */
static void packed_images_are_patched(void **state)
{
    const struct pack_delta_options options = {.decoder = PACK_DECODER_FULL};
    struct pack_error error = {0};
    struct patch_pair plain = patch_pair_code(30000);
    const uint8_t *images[] = {plain.old_bytes, plain.new_bytes};
    const size_t sizes[] = {plain.old_size, plain.new_size};
    uint8_t *made[2];
    size_t made_size[2];
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct pack_codec *gzip = pack_codec_find("gzip");
        void *encoder = NULL;
        made[i] = calloc(1, gzip->bound(sizes[i]));
        assert_pack_ok(gzip->encoder_new(&encoder, 6, &error));
        assert_pack_ok(gzip->encode(encoder, images[i], sizes[i], made[i], gzip->bound(sizes[i]),
                                    &made_size[i], &error));
        gzip->encoder_free(&encoder);
    }
    struct patch_pair packed = {made[0], made[1], made_size[0], made_size[1]};
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(&packed, &options);
    assert_true(patch.size < packed.new_size / 2); /* it was opened */
    check_pair(&packed, &options);
    patch_pair_free(&packed);
    patch_pair_free(&plain);
}

/* A base that counts its reads, and is another one after some of them. */
struct counted_base {
    struct pack_input input;
    const struct patch_pair *pair;
    size_t reads, same; /* so many reads are of what it was */
};

static int counted_read(struct pack_input *input, uint64_t offset, void *buffer, size_t size,
                        size_t *got, struct pack_error *error)
{
    struct counted_base *base = (struct counted_base *)input;
    uint8_t *to = buffer;
    (void)error;
    *got = (size_t)pack_min(size, base->pair->old_size - pack_min(offset, base->pair->old_size));
    memcpy(to, base->pair->old_bytes + offset, *got);
    for (size_t i = 0; base->reads >= base->same && i < *got; i++)
        to[i] ^= 0x5a;
    base->reads++;
    return 0;
}

static void counted_close(struct pack_input *input)
{
    (void)input; /* the test's */
}

static struct counted_base counted_base(const struct patch_pair *pair, size_t same)
{
    static const struct pack_input_ops ops = {.read_at = counted_read, .close = counted_close};
    return (struct counted_base){.input = {.ops = &ops,
                                           .name = "old.img",
                                           .seekable = true,
                                           .has_size = true,
                                           .size = pair->old_size},
                                 .pair = pair,
                                 .same = same};
}

/* Pieces too short to be copied, from all over the base: the decoder looks each of them up. */
static struct patch_pair pair_of_pieces(void)
{
    enum { OLD = 2 << 20, PIECE = 12, PIECES = 2500 };
    struct patch_pair pair = {calloc(1, OLD), calloc(PIECES, PIECE), OLD, (size_t)PIECES * PIECE};
    assert_non_null(pair.old_bytes);
    assert_non_null(pair.new_bytes);
    uint64_t number = 1;
    for (size_t i = 0; i < OLD; i++, number = number * UINT64_C(6364136223846793005) + 1)
        pair.old_bytes[i] = (uint8_t)(number >> 56);
    for (size_t i = 0; i < PIECES; i++, number = number * UINT64_C(6364136223846793005) + 1)
        memcpy(pair.new_bytes + i * PIECE, pair.old_bytes + (number >> 40) % (OLD - PIECE), PIECE);
    return pair;
}

/* A block that is looked up again is not asked for again. */
static void a_block_of_the_base_is_read_once(void **state)
{
    const struct pack_delta_options options = {.decoder = PACK_DECODER_FULL};
    struct patch_pair pair = pair_of_pieces();
    struct counted_base base = counted_base(&pair, SIZE_MAX);
    struct pack_error error = {0};
    int code = 0;
    (void)state;
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(&pair, &options);
    PACK_AUTO_BUFFER struct pack_buffer made = apply_confined(
        &patch, &base.input, &confined_context, false, CONFINED_PROVED_BASE, &code, &error);
    assert_pack_ok(code);
    assert_int_equal(made.size, pair.new_size);
    assert_memory_equal(made.bytes, pair.new_bytes, made.size);
    assert_in_range(base.reads, 300, pair.old_size / 4096 + pair.old_size / 65536 + 8);
    patch_pair_free(&pair);
}

/* While the patch is applied: told by its hashes, else by that of the result. */
static void a_base_that_changes_is_told(void **state)
{
    const struct pack_delta_options options = {.decoder = PACK_DECODER_FULL};
    struct patch_pair pair = pair_of_pieces();
    struct pack_error error = {0};
    int code = 0;
    (void)state;
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(&pair, &options);
    struct counted_base base = counted_base(&pair, pair.old_size / 65536 * 2 + 20);
    PACK_AUTO_BUFFER struct pack_buffer wrong = apply_confined(
        &patch, &base.input, &confined_context, false, CONFINED_PROVES_NOTHING, &code, &error);
    (void)wrong;
    assert_pack_fails(code, PACK_E_CORRUPT);
    base = counted_base(&pair, pair.old_size / 65536 * 2 + 20);
    struct pack_input *inner = &base.input;
    PACK_AUTO(pack_input_close) struct pack_input *watched = NULL;
    assert_pack_ok(watched_open(&watched, &inner, &error));
    PACK_AUTO_BUFFER struct pack_buffer stopped = apply_confined(
        &patch, watched, &confined_context, false, CONFINED_PROVES_NOTHING, &code, &error);
    (void)stopped;
    assert_pack_fails(code, PACK_E_CHANGED);
    patch_pair_free(&pair);
}

static void a_patch_fails_as_without_a_process(void **state)
{
    const struct pack_delta_options options = {.decoder = PACK_DECODER_SMALL};
    const struct pack_context little = {
        .jobs = 1, .confinement = PACK_CONFINE_REQUIRED, .decoder_memory = 100};
    struct patch_pair pair = patch_pair_code(30000);
    struct pack_error error = {0}, direct = {0};
    int code = 0;
    (void)state;
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(&pair, &options);
    PACK_AUTO(pack_input_close) struct pack_input *base = NULL, *other = NULL;
    assert_pack_ok(pack_input_memory(&base, pair.old_bytes, pair.old_size, "old.img", &error));
    assert_pack_ok(pack_input_memory(&other, pair.new_bytes, pair.new_size, "old.img", &error));
    struct pack_buffer made = apply_confined(&patch, other, &confined_context, false,
                                             CONFINED_PROVES_NOTHING, &code, &error);
    assert_pack_fails(code, PACK_E_WRONG_BASE);
    assert_int_equal(made.size, 0);
    made = apply_confined(&patch, base, &little, false, CONFINED_PROVES_NOTHING, &code, &error);
    assert_pack_fails(code, PACK_E_LIMIT);
    for (size_t at = 100; at < patch.size; at += patch.size / 7) {
        PACK_AUTO_BUFFER struct pack_buffer expected = {.limit = 64 << 20};
        pack_error_clear(&direct);
        pack_error_clear(&error);
        patch.bytes[at] ^= 0x11;
        const int wanted = patch_apply_bytes(patch.bytes, patch.size, pair.old_bytes, pair.old_size,
                                             &expected, &direct);
        PACK_AUTO_BUFFER struct pack_buffer got = apply_confined(
            &patch, base, &confined_context, false, CONFINED_PROVED_BASE, &code, &error);
        patch.bytes[at] ^= 0x11;
        assert_int_equal(code, wanted);
        assert_string_equal(error.text, direct.text);
        assert_true(got.size <= pair.new_size);
    }
    patch_pair_free(&pair);
}

/* --- saved states ---------------------------------------------------------------------------- */

enum { STRIDE = 7000 };

static const unsigned both_proofs = CONFINED_PROVES_RESULT | CONFINED_PROVED_BASE;

/* One patch, applied by one child after another. */
struct relay {
    const struct pack_buffer *patch;
    struct pack_input *base;
    struct pack_input *input;
    struct confined_patch *confined;
    struct pack_buffer made, state;
};

static struct relay relay_of(const struct pack_buffer *patch, struct pack_input *base)
{
    return (struct relay){
        .patch = patch, .base = base, .made = {.limit = 64 << 20}, .state = {.limit = 64 << 20}};
}

static void relay_stop(struct relay *relay)
{
    confined_patch_close(&relay->confined);
    pack_input_close(&relay->input);
}

static void relay_clear(struct relay *relay)
{
    relay_stop(relay);
    pack_buffer_clear(&relay->made);
    pack_buffer_clear(&relay->state);
}

/* From the state where there is one, as if all that was made until then were still there. */
static int relay_start(struct relay *relay, uint64_t made, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *kept = NULL;
    const struct pack_buffer *patch = relay->patch, *state = &relay->state;
    assert_int_equal(pack_input_memory(&relay->input, patch->bytes, patch->size, "p.fwd", error),
                     0);
    if (state->size == 0)
        return confined_patch_open(&relay->confined, relay->input, relay->base, both_proofs,
                                   &confined_context, error);
    assert_int_equal(pack_input_memory(&kept, state->bytes, state->size, "state", error), 0);
    const struct confined_state saved = {.input = kept, .made = made};
    return confined_patch_restore(&relay->confined, relay->input, relay->base, both_proofs, &saved,
                                  &confined_context, error);
}

/* To the next place where it stops, or to the end. */
static int relay_read(struct relay *relay, struct pack_error *error)
{
    uint8_t bytes[STRIDE];
    size_t got = 1;
    int code = 0;
    confined_patch_stop_at(relay->confined, STRIDE);
    for (bool stop = false; code == 0 && got != 0 && !stop;) {
        const size_t room = STRIDE - relay->made.size % STRIDE;
        const size_t piece = pack_min(room, 3000);
        code = confined_patch_read(relay->confined, bytes, piece, &got, error);
        if (code == 0)
            assert_int_equal(pack_buffer_append(&relay->made, bytes, got, error), 0);
        stop = got == room;
        if (got != 0 && !stop) /* in the midst of what the child has made */
            assert_int_equal(confined_patch_state_size(relay->confined), 0);
    }
    return code;
}

static void relay_save(struct relay *relay)
{
    struct pack_error error = {0};
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    const uint64_t most = confined_patch_state_size(relay->confined);
    assert_true(most != 0);
    assert_pack_ok(confined_patch_save(relay->confined, &sink.sink, &error));
    assert_in_range(sink.bytes.size, 28, most);
    relay->state.size = 0;
    assert_pack_ok(pack_buffer_append(&relay->state, sink.bytes.bytes, sink.bytes.size, &error));
}

static void check_relay(const struct patch_pair *pair, const struct pack_delta_options *options)
{
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(pair, options);
    PACK_AUTO(pack_input_close) struct pack_input *base = NULL;
    struct pack_error error = {0};
    assert_pack_ok(pack_input_memory(&base, pair->old_bytes, pair->old_size, "old.img", &error));
    struct relay relay = relay_of(&patch, base);
    size_t children = 0;
    for (; relay.made.size < pair->new_size; children++) {
        assert_pack_ok(relay_start(&relay, relay.made.size, &error));
        assert_pack_ok(relay_read(&relay, &error));
        if (relay.made.size % STRIDE != 0)
            assert_int_equal(confined_patch_state_size(relay.confined), 0); /* the end */
        else
            relay_save(&relay);
        relay_stop(&relay);
    }
    assert_int_equal(children, pack_pieces(pair->new_size, STRIDE));
    assert_int_equal(relay.made.size, pair->new_size);
    assert_memory_equal(relay.made.bytes, pair->new_bytes, pair->new_size);
    relay_clear(&relay);
}

static void a_saved_child_goes_on(void **state)
{
    struct patch_pair pair = patch_pair_code(30000), unrelated = patch_pair_unrelated(20000);
    (void)state;
    for (int decoder = PACK_DECODER_TINY; decoder <= PACK_DECODER_FULL; decoder++)
        check_relay(&pair, &(struct pack_delta_options){.decoder = (enum pack_delta_decoder)decoder,
                                                        .keep_packed = true});
    check_relay(&unrelated, &(struct pack_delta_options){.decoder = PACK_DECODER_SMALL});
    patch_pair_free(&pair);
    patch_pair_free(&unrelated);
}

static void what_cannot_be_saved_says_so(void **state)
{
    const struct pack_delta_options options = {
        .decoder = PACK_DECODER_SMALL, .in_place = 4096, .scratch = 8192};
    struct patch_pair pair = patch_pair_code(30000);
    struct pack_error error = {0};
    (void)state;
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(&pair, &options);
    PACK_AUTO(pack_input_close) struct pack_input *base = NULL;
    assert_pack_ok(pack_input_memory(&base, pair.old_bytes, pair.old_size, "old.img", &error));
    struct relay relay = relay_of(&patch, base);
    assert_pack_ok(relay_start(&relay, 0, &error));
    assert_pack_ok(relay_read(&relay, &error));
    assert_int_equal(confined_patch_state_size(relay.confined), 0);
    relay_clear(&relay);
    patch_pair_free(&pair);
}

/* The child may make anything of it, or die; its parent sees an image that is not proved. */
static void check_damage(struct relay *relay, size_t at, const struct patch_pair *pair)
{
    struct pack_error error = {0};
    relay->made.size = STRIDE;
    relay->state.bytes[at] ^= 0x41;
    int code = relay_start(relay, STRIDE, &error);
    while (code == 0 && relay->made.size < pair->new_size) {
        const size_t before = relay->made.size;
        code = relay_read(relay, &error);
        if (relay->made.size == before)
            break;
    }
    assert_true(relay->made.size <= pair->new_size + STRIDE);
    relay_stop(relay);
    relay->state.bytes[at] ^= 0x41;
}

static void a_bad_state_does_no_harm(void **state)
{
    const struct pack_delta_options options = {.decoder = PACK_DECODER_SMALL};
    struct patch_pair pair = patch_pair_code(30000);
    struct pack_error error = {0};
    (void)state;
    PACK_AUTO_BUFFER struct pack_buffer patch = patch_make(&pair, &options);
    PACK_AUTO(pack_input_close) struct pack_input *base = NULL;
    assert_pack_ok(pack_input_memory(&base, pair.old_bytes, pair.old_size, "old.img", &error));
    struct relay relay = relay_of(&patch, base);
    assert_pack_ok(relay_start(&relay, 0, &error));
    assert_pack_ok(relay_read(&relay, &error));
    relay_save(&relay);
    relay_stop(&relay);
    for (size_t at = 0; at < relay.state.size; at += at < 28 ? 1 : relay.state.size / 16)
        check_damage(&relay, at, &pair);
    assert_pack_fails(relay_start(&relay, STRIDE + 1, &error), PACK_E_CORRUPT);
    relay_stop(&relay);
    for (size_t cut = 1; cut < relay.state.size; cut *= 3) {
        pack_error_clear(&error);
        relay.state.size -= cut;
        assert_pack_fails(relay_start(&relay, STRIDE, &error), PACK_E_CORRUPT);
        relay.state.size += cut;
        relay_stop(&relay);
    }
    relay_clear(&relay);
    patch_pair_free(&pair);
}

/* --- bundles --------------------------------------------------------------------------------- */

static void check_bundle(const char *folder, const char *codec, unsigned jobs)
{
    const struct test_bundle_plan plan = {
        .folder = folder, .codec = codec, .image_size = 2500000, .block_size = 4096};
    struct pack_error error = {0};
    struct test_bundle bundle;
    size_t size = 0;
    test_bundle_make(&bundle, &plan);
    PACK_AUTO_FREE char *path = test_path(folder, "image.bin");
    PACK_AUTO_FREE uint8_t *image = test_read_file(path, &size);
    TEST_AUTO_OPENED struct test_opened opened;
    TEST_AUTO_SINK struct test_sink sink = test_sink_make();
    test_opened_make(&opened, &bundle, jobs);
    opened.context.confinement = PACK_CONFINE_REQUIRED;
    assert_pack_ok(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error));
    assert_int_equal(sink.bytes.size, size);
    assert_memory_equal(sink.bytes.bytes, image, size);
    test_bundle_clear(&bundle);
}

static void bundles_are_extracted(void **state)
{
    check_bundle(*state, "zstd", 1);
    check_bundle(*state, "zstd", 3);
    check_bundle(*state, "gzip", 2);
    check_bundle(*state, "none", 2);
}

/* A stolen delivery key signs what no encoder would write (A21's neighbour in the attack list). */
static void garbage_that_is_signed_does_not_come_out(void **state)
{
    static const char *const codecs[] = {"gzip", "zstd"};
    for (size_t c = 0; c < sizeof codecs / sizeof codecs[0]; c++) {
        const struct test_bundle_plan plan = {
            .folder = *state, .codec = codecs[c], .image_size = 6000, .block_size = 512};
        struct pack_error error = {0};
        struct test_bundle bundle;
        uint8_t before[PACK_SHA256_SIZE];
        test_bundle_make(&bundle, &plan);
        const struct layout_entry payload = test_member(&bundle, LAYOUT_PAYLOAD);
        const struct layout_entry blocks = test_member(&bundle, LAYOUT_STORED_BLOCKS);
        test_member_digest(&bundle, &blocks, before);
        fill(bundle.bytes + payload.data + 20, (size_t)payload.size - 20);
        test_hash_stored_blocks(&bundle, &payload, &blocks, 512);
        test_approve(&bundle, &blocks, before);
        {
            TEST_AUTO_OPENED struct test_opened opened;
            TEST_AUTO_SINK struct test_sink sink = test_sink_make();
            test_opened_make(&opened, &bundle, 2);
            opened.context.confinement = PACK_CONFINE_REQUIRED;
            assert_pack_fails(pack_bundle_extract(opened.trusted, 0, &sink.sink, &error),
                              PACK_E_CORRUPT);
            assert_pack_says("frame 0: ");
            assert_int_equal(sink.bytes.size, 0);
        }
        test_bundle_clear(&bundle);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_codec_decodes),
        cmocka_unit_test(it_can_do_nothing),
        cmocka_unit_test(how_it_ended_is_told),
        cmocka_unit_test(what_it_says_is_doubted),
        cmocka_unit_test(one_that_never_ends_is_ended),
        cmocka_unit_test(a_kernel_without_filters),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(nothing_is_left_of_many),
        cmocka_unit_test(what_it_has_given_up),
        cmocka_unit_test(keys_do_not_come_along),
        cmocka_unit_test(what_is_sent_to_all_does_not_end_it),
        cmocka_unit_test(it_ends_with_its_parent),
        cmocka_unit_test(every_decoder_patches),
        cmocka_unit_test(packed_images_are_patched),
        cmocka_unit_test(a_block_of_the_base_is_read_once),
        cmocka_unit_test(a_base_that_changes_is_told),
        cmocka_unit_test(a_patch_fails_as_without_a_process),
        cmocka_unit_test(a_saved_child_goes_on),
        cmocka_unit_test(what_cannot_be_saved_says_so),
        cmocka_unit_test(a_bad_state_does_no_harm),
        cmocka_unit_test(bundles_are_extracted),
        cmocka_unit_test(garbage_that_is_signed_does_not_come_out),
    };
    return cmocka_run_group_tests(tests, make_all, test_remove_folder);
}
