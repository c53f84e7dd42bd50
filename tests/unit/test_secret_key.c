/* SPDX-License-Identifier: MIT */
/* Secret keys: how they are written, kept, read back and refused. */
#include "crypto/secret_file.h"
#include "support/keys.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "pack/limits.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- passphrases ----------------------------------------------------------------------------- */

/* Answers with a text, and can do something meanwhile. */
struct answer {
    const char *text;
    unsigned asked;
    bool confirmed;
    void (*meanwhile)(struct answer *answer);
    const char *folder;
};

static int answer(void *user, const char *what, bool confirm, char *buffer, size_t capacity,
                  size_t *length, struct pack_error *error)
{
    struct answer *given = user;
    (void)error;
    assert_true(what[0] != '\0');
    given->asked++;
    given->confirmed = confirm;
    if (given->meanwhile != NULL)
        given->meanwhile(given);
    *length = strlen(given->text);
    assert_true(*length < capacity);
    memcpy(buffer, given->text, *length + 1);
    return 0;
}

static struct pack_key_access access_with(struct answer *given)
{
    return (struct pack_key_access){.passphrase = {given != NULL ? answer : NULL, given}};
}

static const struct pack_passphrase no_passphrase;

/* --- a folder with a key pair ---------------------------------------------------------------- */

struct pair {
    char *secret, *public;
    struct pack_secret_key *key;
};

static void pair_clear(struct pair *pair)
{
    free(pair->secret);
    free(pair->public);
    pack_secret_key_free(&pair->key);
}
#define AUTO_PAIR __attribute__((cleanup(pair_clear)))

static struct pair pair_in(const char *folder, enum pack_key_purpose purpose)
{
    struct pack_error error = {0};
    struct pair pair = {test_path(folder, "my.key"), test_path(folder, "my.pub"), NULL};
    assert_pack_ok(pack_secret_key_generate(&pair.key, purpose, &error));
    return pair;
}

static struct pair saved_in(const char *folder, enum pack_key_purpose purpose)
{
    struct pack_error error = {0};
    struct pair pair = pair_in(folder, purpose);
    assert_pack_ok(
        pack_secret_key_save(pair.key, pair.secret, pair.public, &no_passphrase, &error));
    return pair;
}

static unsigned mode_of(const char *path)
{
    struct stat status = {0};
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

/* --- writing --------------------------------------------------------------------------------- */

static void an_unencrypted_pair_reads_back(void **state)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *loaded = NULL;
    struct pack_public_key public;
    const struct pack_key_access access = access_with(NULL);
    AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_DELIVERY);
    assert_pack_ok(pack_secret_key_load(&loaded, pair.secret, &access, &error));
    assert_string_equal(pack_secret_key_public(loaded)->keyid,
                        pack_secret_key_public(pair.key)->keyid);
    assert_int_equal(pack_secret_key_purpose(loaded), PACK_PURPOSE_DELIVERY);
    assert_pack_ok(pack_public_key_load(&public, pair.public, &error));
    assert_string_equal(public.keyid, pack_secret_key_public(pair.key)->keyid);
    assert_memory_equal(public.minisign_id, pack_secret_key_public(pair.key)->minisign_id, 8);
}

static void each_purpose_survives_a_file(void **state)
{
    static const enum pack_key_purpose all[] = {PACK_PURPOSE_ANY, PACK_PURPOSE_RELEASE,
                                                PACK_PURPOSE_DEMO};
    const struct pack_key_access access = access_with(NULL);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct pack_error error = {0};
        AUTO_KEY struct pack_secret_key *loaded = NULL;
        AUTO_PAIR struct pair pair = saved_in(*state, all[i]);
        assert_pack_ok(pack_secret_key_load(&loaded, pair.secret, &access, &error));
        assert_int_equal(pack_secret_key_purpose(loaded), all[i]);
        assert_int_equal(pack_public_key_is_demo(pack_secret_key_public(loaded)),
                         all[i] == PACK_PURPOSE_DEMO);
        unlink(pair.secret);
        unlink(pair.public);
    }
}

static void a119_an_encrypted_pair_needs_its_passphrase(void **state)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *loaded = NULL;
    struct answer right = {.text = "correct horse"}, wrong = {.text = "correct  horse"};
    const struct pack_passphrase passphrase = {answer, &right};
    struct pack_key_access access = access_with(&wrong);
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_RELEASE);
    assert_pack_ok(pack_secret_key_save(pair.key, pair.secret, pair.public, &passphrase, &error));
    assert_true(right.confirmed);
    assert_pack_fails(pack_secret_key_load(&loaded, pair.secret, &access, &error),
                      PACK_E_PASSPHRASE);
    assert_pack_says("the passphrase is wrong");
    assert_string_equal(error.file, pair.secret);
    assert_int_equal(pack_code_exit(error.code), 4);
    access = access_with(NULL);
    assert_pack_fails(pack_secret_key_load(&loaded, pair.secret, &access, &error),
                      PACK_E_PASSPHRASE);
    assert_pack_says("there is no passphrase");
    access = access_with(&right);
    assert_pack_ok(pack_secret_key_load(&loaded, pair.secret, &access, &error));
    assert_false(right.confirmed);
    assert_int_equal(pack_secret_key_purpose(loaded), PACK_PURPOSE_RELEASE);
    assert_memory_equal(loaded->expanded, pair.key->expanded, sizeof loaded->expanded);
}

static void a119_an_empty_passphrase_encrypts_nothing(void **state)
{
    struct pack_error error = {0};
    struct answer empty = {.text = ""};
    const struct pack_passphrase passphrase = {answer, &empty};
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    assert_pack_fails(pack_secret_key_save(pair.key, pair.secret, pair.public, &passphrase, &error),
                      PACK_E_PASSPHRASE);
    assert_pack_says("empty");
    assert_int_equal(test_count_files(*state), 0);
}

static void a114_a_secret_key_is_private_under_any_umask(void **state)
{
    static const mode_t masks[] = {0, 0777, 022};
    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        const mode_t before = umask(masks[i]);
        AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_ANY);
        umask(before);
        assert_int_equal(mode_of(pair.secret), 0600);
        assert_int_equal(mode_of(pair.public), 0666 & ~masks[i]);
        unlink(pair.secret);
        unlink(pair.public);
    }
}

static void expect_no_name(struct answer *given)
{
    assert_int_equal(test_count_files(given->folder), 0);
}

static void a114_no_name_is_given_before_the_key_is_whole(void **state)
{
    struct pack_error error = {0};
    struct answer watching = {.text = "", .meanwhile = expect_no_name, .folder = *state};
    const struct pack_passphrase passphrase = {answer, &watching};
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    assert_pack_fails(pack_secret_key_save(pair.key, pair.secret, pair.public, &passphrase, &error),
                      PACK_E_PASSPHRASE);
    assert_int_equal(watching.asked, 1);
}

static void a116_an_existing_key_is_never_touched(void **state)
{
    struct pack_error error = {0};
    struct answer never = {.text = "x"};
    const struct pack_passphrase passphrase = {answer, &never};
    AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_ANY);
    AUTO_KEY struct pack_secret_key *other = NULL;
    PACK_AUTO_FREE char *third = test_path(*state, "third");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *before = test_read_file(pair.secret, &size);
    assert_pack_ok(pack_secret_key_generate(&other, PACK_PURPOSE_ANY, &error));
    assert_pack_fails(pack_secret_key_save(other, pair.secret, third, &passphrase, &error),
                      PACK_E_EXISTS);
    assert_int_equal(pack_code_exit(error.code), 2);
    assert_string_equal(error.file, pair.secret);
    assert_pack_fails(pack_secret_key_save(other, third, pair.public, &passphrase, &error),
                      PACK_E_EXISTS);
    assert_string_equal(error.file, pair.public);
    PACK_AUTO_FREE uint8_t *after = test_read_file(pair.secret, &size);
    assert_string_equal((char *)before, (char *)after);
    assert_int_equal(test_count_files(*state), 2);
    assert_int_equal(never.asked, 0);
}

static void a116_a_dangling_link_is_not_followed(void **state)
{
    struct pack_error error = {0};
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    assert_int_equal(symlink("elsewhere", pair.secret), 0);
    assert_pack_fails(
        pack_secret_key_save(pair.key, pair.secret, pair.public, &no_passphrase, &error),
        PACK_E_USAGE);
    assert_int_equal(test_count_files(*state), 1);
}

static void take_the_public_name(struct answer *given)
{
    PACK_AUTO_FREE char *path = test_path(given->folder, "my.pub");
    test_write_text(path, "somebody else's");
}

static void a117_both_files_are_left_or_neither(void **state)
{
    struct pack_error error = {0};
    size_t size = 0;
    struct answer racing = {.text = "x", .meanwhile = take_the_public_name, .folder = *state};
    const struct pack_passphrase passphrase = {answer, &racing};
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    assert_pack_fails(pack_secret_key_save(pair.key, pair.secret, pair.public, &passphrase, &error),
                      PACK_E_EXISTS);
    assert_int_equal(test_count_files(*state), 1);
    PACK_AUTO_FREE uint8_t *kept = test_read_file(pair.public, &size);
    assert_string_equal((char *)kept, "somebody else's");
}

static void a117_a_missing_folder_leaves_no_secret_key(void **state)
{
    struct pack_error error = {0};
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    PACK_AUTO_FREE char *public = test_path(*state, "none/my.pub");
    assert_pack_fails(pack_secret_key_save(pair.key, pair.secret, public, &no_passphrase, &error),
                      PACK_E_NOT_FOUND);
    assert_int_equal(test_count_files(*state), 0);
}

/* Runs `work` in a child, so that a limit or a filter ends with it; its exit status is returned. */
static int in_child(int (*work)(const struct pair *pair), const struct pair *pair)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0)
        _exit(work(pair));
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int save_on_full_disk(const struct pair *pair)
{
    struct pack_error error = {0};
    const struct rlimit small = {100, 100};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &small) != 0)
        return 99;
    return pack_secret_key_save(pair->key, pair->secret, pair->public, &no_passphrase, &error) != 0
               ? (int)error.code
               : 0;
}

static void a117_a_full_disk_leaves_nothing(void **state)
{
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    assert_int_equal(in_child(save_on_full_disk, &pair), PACK_E_NO_SPACE);
    assert_int_equal(test_count_files(*state), 0);
}

static void stop_here(struct answer *given)
{
    (void)given;
    _exit(7);
}

static int save_and_stop(const struct pair *pair)
{
    struct pack_error error = {0};
    struct answer stopping = {.text = "x", .meanwhile = stop_here};
    const struct pack_passphrase passphrase = {answer, &stopping};
    return pack_secret_key_save(pair->key, pair->secret, pair->public, &passphrase, &error);
}

static void a117_a_killed_process_leaves_nothing(void **state)
{
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    assert_int_equal(in_child(save_and_stop, &pair), 7);
    assert_int_equal(test_count_files(*state), 0);
}

/* --- permissions ----------------------------------------------------------------------------- */

static char warning[1024];

static void keep_warning(void *user, const char *text)
{
    (void)user;
    snprintf(warning, sizeof warning, "%s", text);
}

static void a115_a_key_that_others_can_read_is_refused(void **state)
{
    static const mode_t modes[] = {0644, 0640, 0604, 0660, 0777};
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *loaded = NULL;
    struct pack_key_access access = {.warn = keep_warning};
    AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_RELEASE);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        char hint[512], octal[16];
        chmod(pair.secret, modes[i]);
        assert_pack_fails(pack_secret_key_load(&loaded, pair.secret, &access, &error),
                          PACK_E_KEY_STORE);
        snprintf(octal, sizeof octal, "mode %04o", (unsigned)modes[i]);
        assert_pack_says(octal);
        snprintf(hint, sizeof hint, "chmod 600 %s", pair.secret);
        assert_string_equal(error.hint, hint);
        assert_int_equal(pack_code_exit(error.code), 4);
    }
    access.allow_insecure = true;
    warning[0] = '\0';
    assert_pack_ok(pack_secret_key_load(&loaded, pair.secret, &access, &error));
    assert_non_null(strstr(warning, "others may read this key (mode 0777)"));
}

static void a115_a_link_is_judged_by_what_it_points_to(void **state)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *loaded = NULL;
    const struct pack_key_access access = {.warn = keep_warning};
    AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_RELEASE);
    PACK_AUTO_FREE char *link = test_path(*state, "link");
    assert_int_equal(symlink("my.key", link), 0);
    assert_pack_ok(pack_secret_key_load(&loaded, link, &access, &error));
    pack_secret_key_free(&loaded);
    chmod(pair.secret, 0644);
    assert_pack_fails(pack_secret_key_load(&loaded, link, &access, &error), PACK_E_KEY_STORE);
}

static void a115_another_users_key_is_refused(void **state)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *loaded = NULL;
    const struct pack_key_access access = {.warn = keep_warning};
    AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_RELEASE);
    if (chown(pair.secret, 12345, (gid_t)-1) != 0)
        skip();
    assert_pack_fails(pack_secret_key_load(&loaded, pair.secret, &access, &error),
                      PACK_E_KEY_STORE);
    assert_pack_says("another user owns");
}

static void a115_an_encrypted_key_that_others_can_read_warns(void **state)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *loaded = NULL;
    struct answer right = {.text = "x"};
    const struct pack_passphrase passphrase = {answer, &right};
    const struct pack_key_access access = {.passphrase = passphrase, .warn = keep_warning};
    AUTO_PAIR struct pair pair = pair_in(*state, PACK_PURPOSE_ANY);
    assert_pack_ok(pack_secret_key_save(pair.key, pair.secret, pair.public, &passphrase, &error));
    chmod(pair.secret, 0644);
    warning[0] = '\0';
    assert_pack_ok(pack_secret_key_load(&loaded, pair.secret, &access, &error));
    assert_non_null(strstr(warning, "others may read this key (mode 0644)"));
}

static void a_published_demo_key_is_no_secret(void **state)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *loaded = NULL;
    const struct pack_key_access access = {.warn = keep_warning};
    PACK_AUTO_FREE char *path = test_fixture("../keys-example/demo-release.key");
    PACK_AUTO_FREE char *copy = test_path(*state, "demo.key");
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *text = test_read_file(path, &size);
    test_write_file(copy, text, size);
    chmod(copy, 0644);
    assert_pack_ok(pack_secret_key_load(&loaded, copy, &access, &error));
    assert_int_equal(pack_secret_key_purpose(loaded), PACK_PURPOSE_DEMO);
}

/* --- damaged and foreign files --------------------------------------------------------------- */

enum {
    MINISIGN_SIZE = 158,
    FILE_OPSLIMIT = 38,
    FILE_MEMLIMIT = 46,
    FILE_ID = 54,
    FILE_SEED = 62,
    FILE_PUBLIC = 94
};

/* Writes a secret key file of these 158 bytes, mode 0600. */
static void write_secret(const char *path, const uint8_t bytes[MINISIGN_SIZE])
{
    char data[PACK_BASE64_TEXT_SIZE(MINISIGN_SIZE)], text[512];
    pack_base64_encode(data, sizeof data, bytes, MINISIGN_SIZE);
    snprintf(text, sizeof text, "untrusted comment: test\n%s\n", data);
    test_write_text(path, text);
    chmod(path, 0600);
}

static void sealed_in_the_clear(uint8_t bytes[MINISIGN_SIZE])
{
    struct pack_error error = {0};
    struct pack_key_text parts;
    size_t size = 0;
    AUTO_KEY struct pack_secret_key *key = test_key(7);
    PACK_AUTO_SECRET_TEXT struct pack_secret_text text = {NULL, 0};
    assert_pack_ok(pack_secret_text_new(&text, &error));
    assert_pack_ok(pack_secret_file_write(&text, key, PACK_KEY_MINISIGN, NULL, &no_passphrase,
                                          "test", &error));
    assert_pack_ok(pack_key_text_split(&parts, (const char *)text.bytes, text.size, &error));
    assert_true(pack_key_text_decode(parts.data, bytes, MINISIGN_SIZE, &size));
    assert_int_equal(size, MINISIGN_SIZE);
}

static void a18_a_public_half_that_does_not_fit_is_damage(void **state)
{
    struct pack_error error = {0};
    uint8_t bytes[MINISIGN_SIZE];
    AUTO_KEY struct pack_secret_key *key = NULL;
    AUTO_KEY struct pack_secret_key *other = test_key(8);
    const struct pack_key_access access = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    sealed_in_the_clear(bytes);
    write_secret(path, bytes);
    assert_pack_ok(pack_secret_key_load(&key, path, &access, &error));
    pack_secret_key_free(&key);
    memcpy(bytes + FILE_PUBLIC, pack_secret_key_public(other)->bytes, PACK_PUBLIC_KEY_SIZE);
    write_secret(path, bytes);
    assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_KEY_INVALID);
    assert_pack_says("the key is damaged");
    assert_null(key);
    sealed_in_the_clear(bytes);
    bytes[FILE_SEED] ^= 1;
    write_secret(path, bytes);
    assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_KEY_INVALID);
    assert_pack_says("the key is damaged");
}

static void a18_a_wrong_checksum_of_an_unencrypted_key_is_damage(void **state)
{
    struct pack_error error = {0};
    uint8_t bytes[MINISIGN_SIZE];
    AUTO_KEY struct pack_secret_key *key = NULL;
    const struct pack_key_access access = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    sealed_in_the_clear(bytes);
    bytes[MINISIGN_SIZE - 1] = 1;
    write_secret(path, bytes);
    assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_KEY_INVALID);
    assert_pack_says("its checksum differs");
}

static void a119_absurd_kdf_costs_are_refused_before_asking(void **state)
{
    static const struct {
        uint64_t work, memory;
    } costs[] = {
        {UINT64_C(1) << 63, PACK_KDF_MEMLIMIT},
        {PACK_KDF_OPSLIMIT, UINT64_C(1) << 63},
        {UINT64_MAX, UINT64_MAX},
        {PACK_KDF_OPSLIMIT, PACK_MAX_KDF_MEMORY + 1},
        {PACK_MAX_KDF_MEMORY / 32 + 1, PACK_MAX_KDF_MEMORY},
    };
    uint8_t bytes[MINISIGN_SIZE];
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    sealed_in_the_clear(bytes);
    memcpy(bytes + 2, "Sc", 2);
    for (size_t i = 0; i < sizeof costs / sizeof costs[0]; i++) {
        struct pack_error error = {0};
        AUTO_KEY struct pack_secret_key *key = NULL;
        struct answer never = {.text = "x"};
        const struct pack_key_access access = access_with(&never);
        pack_put_le64(bytes + FILE_OPSLIMIT, costs[i].work);
        pack_put_le64(bytes + FILE_MEMLIMIT, costs[i].memory);
        write_secret(path, bytes);
        assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_LIMIT);
        assert_pack_says("its KDF asks for");
        assert_int_equal(never.asked, 0);
    }
}

static void what_is_no_secret_key_is_refused_by_reason(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "empty"},
        {"RWRZ0t/UAj9Dm1Zks0hcG1wwSpo/HaCaQ6mmhMBHucBka8N3OBhEBNx1\n", "this is a public key"},
        {"untrusted comment: x\nRWRTY0Iy\n", "secret key has 6 bytes, 158 wanted"},
        {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n",
         "the OpenSSH key is damaged"},
        {"untrusted comment: x\n", "secret key has 0 bytes, 158 wanted"},
    };
    const struct pack_key_access access = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        AUTO_KEY struct pack_secret_key *key = NULL;
        test_write_text(path, cases[i].text);
        assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_KEY_INVALID);
        assert_pack_says(cases[i].says);
    }
}

static void unknown_algorithms_are_named(void **state)
{
    static const struct {
        size_t at;
        const char *tag, *says;
    } cases[] = {{0, "ED", "its algorithm is not Ed"},
                 {2, "BK", "another KDF than scrypt"},
                 {4, "SH", "its checksum is not BLAKE2b"}};
    const struct pack_key_access access = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pack_error error = {0};
        uint8_t bytes[MINISIGN_SIZE];
        AUTO_KEY struct pack_secret_key *key = NULL;
        sealed_in_the_clear(bytes);
        memcpy(bytes + cases[i].at, cases[i].tag, 2);
        write_secret(path, bytes);
        assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_KEY_INVALID);
        assert_pack_says(cases[i].says);
    }
}

static void a_missing_key_a_folder_and_a_pipe_are_refused(void **state)
{
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = NULL;
    const struct pack_key_access access = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "pipe");
    assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_NOT_FOUND);
    assert_string_equal(error.file, path);
    assert_pack_fails(pack_secret_key_load(&key, *state, &access, &error), PACK_E_KEY_STORE);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_KEY_STORE);
    assert_pack_says("not a regular file");
    unlink(path);
    PACK_AUTO_FREE char *large = calloc(1, PACK_MAX_KEY_FILE + 1);
    test_write_file(path, large, PACK_MAX_KEY_FILE + 1);
    assert_pack_fails(pack_secret_key_load(&key, path, &access, &error), PACK_E_LIMIT);
}

/* --- keys made by minisign 0.11 -------------------------------------------------------------- */

#define MINISIGN_W                                                                         \
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAuWB/1xOkX/8y" \
    "HgLYaU6quzTTFtAWf6eP+BW8GEkW0pQ6v3NkrjCmqrP9LUa9GAOV/wuJSJu33TWI706MSsaCR89NUXkHqHoS" \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define MINISIGN_W_PUBLIC "RWS5YH/XE6Rf/7P9LUa9GAOV/wuJSJu33TWI706MSsaCR89NUXkHqHoS"
#define MINISIGN_ENCRYPTED                                                                 \
    "RWRTY0Iy94rc2RNHtRtDwn7xFeUa5I7ZxSyBgLxNEbHevF895+sAAAACAAAAAAAAAEAAAAAA+VDOGZqQmZsY" \
    "6sAwrL0ZtO4hy0huuWMz7mrEd+sfeYmpZIKd15A258lVfXD1SVyvklDSKVxEj+lSTOOgX4BW7aLRhywKtFlH" \
    "12THeowSmB2a+eUM3WHtP6MjMwEUU7HP7LbN66ipg8A="
#define MINISIGN_ENCRYPTED_PUBLIC "RWRZ0t/UAj9Dm1Zks0hcG1wwSpo/HaCaQ6mmhMBHucBka8N3OBhEBNx1"

static const char *the_variable(const char *name)
{
    if (strcmp(name, "LINE") == 0)
        return MINISIGN_W;
    if (strcmp(name, "LINES") == 0)
        return "untrusted comment: fwpack secret key, purpose delivery\n" MINISIGN_W "\n";
    if (strcmp(name, "ENCRYPTED") == 0)
        return "untrusted comment: x\n" MINISIGN_ENCRYPTED "\n";
    return NULL;
}

static void assert_public(const struct pack_secret_key *key, const char *expected)
{
    char line[PACK_PUBLIC_KEY_TEXT_SIZE];
    pack_public_key_text(pack_secret_key_public(key), line);
    assert_string_equal(line, expected);
}

static void a_key_comes_from_the_environment(void **state)
{
    (void)state;
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = NULL;
    struct pack_key_access access = {.environment = the_variable};
    assert_pack_ok(pack_secret_key_load(&key, "env:LINE", &access, &error));
    assert_public(key, MINISIGN_W_PUBLIC);
    assert_int_equal(pack_secret_key_purpose(key), PACK_PURPOSE_ANY);
    pack_secret_key_free(&key);
    assert_pack_ok(pack_secret_key_load(&key, "env:LINES", &access, &error));
    assert_public(key, MINISIGN_W_PUBLIC);
    assert_int_equal(pack_secret_key_purpose(key), PACK_PURPOSE_DELIVERY);
    pack_secret_key_free(&key);
    assert_pack_fails(pack_secret_key_load(&key, "env:NONE", &access, &error), PACK_E_KEY_STORE);
    assert_pack_says("NONE is not set");
    assert_string_equal(error.file, "env:NONE");
    access.environment = NULL;
    assert_pack_fails(pack_secret_key_load(&key, "env:LINE", &access, &error), PACK_E_KEY_STORE);
}

static void minisigns_own_gigabyte_is_honoured(void **state)
{
    (void)state;
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = NULL;
    struct answer right = {.text = "correct horse"};
    struct pack_key_access access = access_with(&right);
    access.environment = the_variable;
    assert_pack_ok(pack_secret_key_load(&key, "env:ENCRYPTED", &access, &error));
    assert_public(key, MINISIGN_ENCRYPTED_PUBLIC);
}

static void a_key_comes_through_a_descriptor(void **state)
{
    (void)state;
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = NULL;
    const struct pack_key_access access = {0};
    int ends[2];
    char name[32];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], MINISIGN_W "\n", strlen(MINISIGN_W) + 1),
                     strlen(MINISIGN_W) + 1);
    close(ends[1]);
    snprintf(name, sizeof name, "fd:%d", ends[0]);
    assert_pack_ok(pack_secret_key_load(&key, name, &access, &error));
    assert_public(key, MINISIGN_W_PUBLIC);
    pack_secret_key_free(&key);
    assert_pack_fails(pack_secret_key_load(&key, name, &access, &error), PACK_E_KEY_INVALID);
    assert_pack_says("empty");
    close(ends[0]);
    assert_pack_fails(pack_secret_key_load(&key, name, &access, &error), PACK_E_KEY_STORE);
    assert_pack_says("is not open");
    static const char *const odd[] = {"fd:", "fd:x", "fd:-1", "fd: 3", "fd:99999999999"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++)
        assert_pack_fails(pack_secret_key_load(&key, odd[i], &access, &error), PACK_E_USAGE);
}

/* --- what a file says without a passphrase --------------------------------------------------- */

static void a_key_file_tells_what_can_be_seen(void **state)
{
    struct pack_error error = {0};
    struct pack_key_info info;
    AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_RELEASE);
    PACK_AUTO_FREE char *encrypted = test_path(*state, "encrypted.key");
    test_write_text(encrypted, "untrusted comment: x, purpose delivery\n" MINISIGN_ENCRYPTED "\n");
    assert_pack_ok(pack_key_info_load(&info, pair.secret, &error));
    assert_true(info.secret && info.has_key && !info.encrypted && !info.exposed);
    assert_int_equal(info.purpose, PACK_PURPOSE_RELEASE);
    assert_string_equal(info.key.keyid, pack_secret_key_public(pair.key)->keyid);
    assert_pack_ok(pack_key_info_load(&info, pair.public, &error));
    assert_true(!info.secret && info.has_key && !info.encrypted);
    assert_int_equal(info.purpose, PACK_PURPOSE_RELEASE);
    assert_pack_ok(pack_key_info_load(&info, encrypted, &error));
    assert_true(info.secret && info.encrypted && !info.has_key && info.exposed);
    assert_int_equal(info.purpose, PACK_PURPOSE_DELIVERY);
    assert_int_equal(info.kdf_memory, UINT64_C(1) << 30);
    assert_string_equal(info.comment, "x, purpose delivery");
}

static void what_is_no_key_file_says_so(void **state)
{
    struct pack_error error = {0};
    struct pack_key_info info;
    PACK_AUTO_FREE char *path = test_path(*state, "k");
    assert_pack_fails(pack_key_info_load(&info, path, &error), PACK_E_NOT_FOUND);
    test_write_text(path, "nonsense");
    assert_pack_fails(pack_key_info_load(&info, path, &error), PACK_E_KEY_INVALID);
    assert_string_equal(error.file, path);
}

/* --- memory ---------------------------------------------------------------------------------- */

enum { MASK = 0x5a, PATTERN = 32, CHUNK = 1 << 20 };

/* Looks for bytes that are given masked, so that the pattern itself is not found. */
static bool chunk_has(const uint8_t *chunk, size_t size, const uint8_t masked[PATTERN])
{
    for (size_t at = 0; at + PATTERN <= size; at++) {
        size_t same = 0;
        while (same < PATTERN && (chunk[at + same] ^ MASK) == masked[same])
            same++;
        if (same == PATTERN)
            return true;
    }
    return false;
}

static bool range_has(int memory, uint64_t from, uint64_t to, const uint8_t masked[PATTERN])
{
    static uint8_t chunk[CHUNK + PATTERN];
    bool found = false;
    for (uint64_t at = from; !found && at < to; at += CHUNK) {
        const size_t size = to - at < sizeof chunk ? (size_t)(to - at) : sizeof chunk;
        const ssize_t got = pread(memory, chunk, size, (off_t)at);
        found = got > 0 && chunk_has(chunk, (size_t)got, masked);
    }
    memset(chunk, 0, sizeof chunk);
    return found;
}

/* Whether any writable memory of this process, but huge reservations, holds the pattern. */
static bool memory_has(const uint8_t masked[PATTERN])
{
    char line[512];
    bool found = false;
    const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_true(memory >= 0 && maps != NULL);
    while (!found && fgets(line, sizeof line, maps) != NULL) {
        char *end = NULL;
        const uint64_t from = strtoull(line, &end, 16), to = strtoull(end + 1, &end, 16);
        if (strncmp(end, " rw", 3) == 0 && to - from < (UINT64_C(1) << 28))
            found = range_has(memory, from, to, masked);
    }
    fclose(maps);
    close(memory);
    return found;
}

static unsigned long locked_memory(void)
{
    char line[256];
    unsigned long value = 0;
    FILE *status = fopen("/proc/self/status", "re");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "VmLck:", 6) == 0)
            value = strtoul(line + 6, NULL, 10);
    fclose(status);
    return value;
}

/* The seed as it stands in the key, and as it stands in a file's base64, both masked. */
static void mask_seed(const struct pack_secret_key *key, uint8_t masked[PATTERN])
{
    for (size_t i = 0; i < PATTERN; i++)
        masked[i] = key->expanded[i] ^ MASK;
}

/* Read without a buffer, which would be what the test finds. */
static void mask_text(const char *path, uint8_t masked[PATTERN])
{
    struct pack_error error = {0};
    PACK_AUTO_KEY_SOURCE struct pack_key_source source = {0};
    assert_pack_ok(pack_key_source_open(&source, path, NULL, &error));
    const char *data = strchr(source.text, '\n') + 1;
    for (size_t i = 0; i < PATTERN; i++)
        masked[i] = (uint8_t)data[(FILE_SEED + 1) / 3 * 4 + (int)i] ^ MASK;
}

static void a118_no_trace_of_the_seed_is_left_in_memory(void **state)
{
    struct pack_error error = {0};
    uint8_t seed[PATTERN], text[PATTERN];
    size_t size = 0;
    const struct pack_key_access access = {0};
    AUTO_PAIR struct pair pair = saved_in(*state, PACK_PURPOSE_RELEASE);
    mask_seed(pair.key, seed);
    mask_text(pair.secret, text);
    assert_true(memory_has(seed));
    pack_secret_key_free(&pair.key);
    assert_pack_ok(pack_secret_key_load(&pair.key, pair.secret, &access, &error));
    PACK_AUTO_FREE char *signature = test_sign(pair.key, "abc", 3, "x", &size);
    assert_non_null(signature);
    assert_true(memory_has(seed));
    pack_secret_key_free(&pair.key);
    assert_false(memory_has(seed));
    assert_false(memory_has(text));
}

/* Not where a sanitizer takes mlock away, or the system locks nothing for us. */
static bool can_lock(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const unsigned long before = locked_memory();
    const bool locked = mlock(page, 4096) == 0 && locked_memory() > before;
    munmap(page, 4096);
    return locked;
}

static void a118_a_loaded_key_is_locked_in_memory(void **state)
{
    (void)state;
    struct pack_error error = {0};
    AUTO_KEY struct pack_secret_key *key = NULL;
    if (!can_lock())
        skip();
    const unsigned long before = locked_memory();
    assert_pack_ok(pack_secret_key_generate(&key, PACK_PURPOSE_ANY, &error));
    assert_true(locked_memory() > before);
    pack_secret_key_free(&key);
    assert_int_equal(locked_memory(), before);
}

static int generate_without_locking(const struct pair *pair)
{
    struct pack_error error = {0};
    struct pack_secret_key *key = NULL;
    const struct rlimit none = {0, 0};
    (void)pair;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        return 99;
    const int code = pack_secret_key_generate(&key, PACK_PURPOSE_ANY, &error);
    pack_secret_key_free(&key);
    return code;
}

static void a118_memory_that_cannot_be_locked_is_no_failure(void **state)
{
    (void)state;
    assert_int_equal(in_child(generate_without_locking, NULL), 0);
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, test_make_folder, test_remove_folder)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(an_unencrypted_pair_reads_back),
        IN_FOLDER(each_purpose_survives_a_file),
        IN_FOLDER(a119_an_encrypted_pair_needs_its_passphrase),
        IN_FOLDER(a119_an_empty_passphrase_encrypts_nothing),
        IN_FOLDER(a114_a_secret_key_is_private_under_any_umask),
        IN_FOLDER(a114_no_name_is_given_before_the_key_is_whole),
        IN_FOLDER(a116_an_existing_key_is_never_touched),
        IN_FOLDER(a116_a_dangling_link_is_not_followed),
        IN_FOLDER(a117_both_files_are_left_or_neither),
        IN_FOLDER(a117_a_missing_folder_leaves_no_secret_key),
        IN_FOLDER(a117_a_full_disk_leaves_nothing),
        IN_FOLDER(a117_a_killed_process_leaves_nothing),
        IN_FOLDER(a115_a_key_that_others_can_read_is_refused),
        IN_FOLDER(a115_a_link_is_judged_by_what_it_points_to),
        IN_FOLDER(a115_another_users_key_is_refused),
        IN_FOLDER(a115_an_encrypted_key_that_others_can_read_warns),
        IN_FOLDER(a_published_demo_key_is_no_secret),
        IN_FOLDER(a18_a_public_half_that_does_not_fit_is_damage),
        IN_FOLDER(a18_a_wrong_checksum_of_an_unencrypted_key_is_damage),
        IN_FOLDER(a119_absurd_kdf_costs_are_refused_before_asking),
        IN_FOLDER(what_is_no_secret_key_is_refused_by_reason),
        IN_FOLDER(unknown_algorithms_are_named),
        IN_FOLDER(a_missing_key_a_folder_and_a_pipe_are_refused),
        cmocka_unit_test(a_key_comes_from_the_environment),
        cmocka_unit_test(minisigns_own_gigabyte_is_honoured),
        cmocka_unit_test(a_key_comes_through_a_descriptor),
        IN_FOLDER(a_key_file_tells_what_can_be_seen),
        IN_FOLDER(what_is_no_key_file_says_so),
        IN_FOLDER(a118_no_trace_of_the_seed_is_left_in_memory),
        cmocka_unit_test(a118_a_loaded_key_is_locked_in_memory),
        cmocka_unit_test(a118_memory_that_cannot_be_locked_is_no_failure),
    };
    return cmocka_run_group_tests_name("secret_key", tests, NULL, NULL);
}
