/* SPDX-License-Identifier: MIT */
#include "keystore/tpm2_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Times that a wait for the TPM may be interrupted, about a second each, before it is given up. */
enum { PATIENCE = 5 };

/* --- what both see --------------------------------------------------------------------------- */

static void exchange_unmap(struct tpm2_exchange **exchange)
{
    if (*exchange == NULL)
        return;
    explicit_bzero(*exchange, sizeof **exchange);
    munmap(*exchange, sizeof **exchange);
    *exchange = NULL;
}

static int exchange_map(struct tpm2_exchange **exchange, struct pack_error *error)
{
    void *memory =
        mmap(NULL, sizeof **exchange, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return pack_fail_memory(error);
    /* As with libsodium's guarded memory, a lock that the limits forbid is gone without. */
    (void)mlock(memory, sizeof **exchange);
    (void)madvise(memory, sizeof **exchange, MADV_DONTDUMP);
    *exchange = memory;
    return 0;
}

/* --- the child ------------------------------------------------------------------------------- */

/*
 * libtss2 prints, and what is loaded into the TPM must be flushed even when the user has had
 * enough.
 */
static void prepare_child(void)
{
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int stream = STDIN_FILENO; nothing >= 0 && stream <= STDERR_FILENO; stream++)
        dup2(nothing, stream);
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGALRM, SIGPIPE};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], SIG_IGN);
}

static void run_child(struct tpm2_exchange *exchange, const struct tpm2_task *task)
{
    prepare_child();
    struct tpm2_task own = *task;
    own.pin = task->pin != NULL ? &exchange->pin : NULL;
    exchange->error = (struct pack_error){.code = PACK_OK};
    task->work(exchange, &own, &exchange->error);
    exchange->done = true;
    syscall(SYS_exit_group, 0); /* the child alone, without the program's own endings */
}

/* --- the parent ------------------------------------------------------------------------------ */

static int wait_for(pid_t child, struct pack_error *error)
{
    int status = 0;
    for (int interrupted = 0; waitpid(child, &status, 0) < 0 && errno == EINTR;)
        if (++interrupted > PATIENCE) {
            kill(child, SIGKILL);
            while (waitpid(child, &status, 0) < 0 && errno == EINTR)
                continue;
            return pack_fail(error, PACK_E_INTERRUPTED, "interrupted while waiting for the TPM");
        }
    return 0;
}

/* Fails where the child did; *exchange has what it left. */
static int run(struct tpm2_exchange *exchange, const struct tpm2_task *task,
               struct pack_error *error)
{
    if (task->pin != NULL)
        exchange->pin = *task->pin;
    const pid_t child = fork();
    if (child < 0)
        return pack_fail_errno(error, errno, "cannot start a process for the TPM");
    if (child == 0)
        run_child(exchange, task);
    const int code = wait_for(child, error);
    if (code != 0)
        return code;
    if (!exchange->done)
        return pack_fail(error, PACK_E_KEY_STORE, "the TPM's software ended unexpectedly");
    if (exchange->error.code != PACK_OK)
        *error = exchange->error;
    return (int)exchange->error.code;
}

static int take_secret(const struct tpm2_exchange *exchange, uint8_t **secret, size_t *size,
                       struct pack_error *error)
{
    const int code = pack_guarded_new(secret, sizeof exchange->secret, error);
    if (code != 0)
        return code;
    memcpy(*secret, exchange->secret, exchange->secret_size);
    *size = exchange->secret_size;
    return 0;
}

int tpm2_unseal(uint8_t **secret, size_t *size, const struct tpm2_sealed *sealed,
                const struct tpm2_pin *pin, const char *tcti, struct pack_error *error)
{
    PACK_AUTO(exchange_unmap) struct tpm2_exchange *exchange = NULL;
    const struct tpm2_task task = {.work = tpm2_unseal_work, .pin = pin, .tcti = tcti};
    int code = exchange_map(&exchange, error);
    if (code != 0)
        return code;
    exchange->sealed = *sealed;
    code = run(exchange, &task, error);
    return code != 0 ? code : take_secret(exchange, secret, size, error);
}

int tpm2_seal(struct tpm2_sealed *sealed, const void *secret, size_t size,
              const struct tpm2_pin *pin, const char *tcti, struct pack_error *error)
{
    PACK_AUTO(exchange_unmap) struct tpm2_exchange *exchange = NULL;
    const struct tpm2_task task = {.work = tpm2_seal_work, .pin = pin, .tcti = tcti};
    int code = exchange_map(&exchange, error);
    if (code != 0)
        return code;
    if (size > PACK_MAX_SEALED)
        return pack_fail(error, PACK_E_LIMIT, "the secret has %zu bytes, a TPM seals at most %d",
                         size, PACK_MAX_SEALED);
    exchange->sealed = *sealed;
    memcpy(exchange->secret, secret, size);
    exchange->secret_size = size;
    code = run(exchange, &task, error);
    if (code == 0)
        *sealed = exchange->sealed;
    return code;
}
