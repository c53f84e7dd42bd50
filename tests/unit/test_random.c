/* SPDX-License-Identifier: MIT */
/* What happens where the system gives no random bytes. */
#include "crypto/ed25519.h"
#include "support/test.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_FILTER = 99, NOT_FILTERED = 98, WRONG_TEXT = 97 };

/* From now on getrandom fails in this process. */
static int forbid_random(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return NO_FILTER;
    uint8_t byte = 0;
    return getrandom(&byte, 1, 0) < 0 ? 0 : NOT_FILTERED;
}

static int generate_without_random(void)
{
    struct pack_error error = {0};
    struct pack_secret_key *key = NULL;
    const int forbidden = forbid_random();
    if (forbidden != 0)
        return forbidden;
    const int code = pack_secret_key_generate(&key, PACK_PURPOSE_ANY, &error);
    if (strstr(error.text, "no random bytes") == NULL || key != NULL)
        return WRONG_TEXT;
    return code;
}

static int salt_without_random(void)
{
    struct pack_error error = {0};
    uint8_t bytes[32];
    const int ready = pack_crypto_ready(&error);
    const int forbidden = forbid_random();
    if (ready != 0 || forbidden != 0)
        return forbidden;
    return pack_random(bytes, sizeof bytes, &error);
}

static int in_child(int (*work)(void))
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0)
        _exit(work());
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status)); /* libsodium aborts where it is asked too late */
    return WEXITSTATUS(status);
}

static void a121_without_random_bytes_there_is_no_key(void **state)
{
    (void)state;
    const int code = in_child(generate_without_random);
    if (code == NO_FILTER)
        skip();
    assert_int_equal(code, PACK_E_IO);
}

static void a121_random_bytes_that_stop_later_are_noticed(void **state)
{
    (void)state;
    const int code = in_child(salt_without_random);
    if (code == NO_FILTER)
        skip();
    assert_int_equal(code, PACK_E_IO);
}

static void random_bytes_differ(void **state)
{
    (void)state;
    struct pack_error error = {0};
    uint8_t a[64] = {0}, b[64] = {0};
    assert_pack_ok(pack_random(a, sizeof a, &error));
    assert_pack_ok(pack_random(b, sizeof b, &error));
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a121_without_random_bytes_there_is_no_key),
        cmocka_unit_test(a121_random_bytes_that_stop_later_are_noticed),
        cmocka_unit_test(random_bytes_differ),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
