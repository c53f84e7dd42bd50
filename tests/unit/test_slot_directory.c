/* SPDX-License-Identifier: MIT */
/* Slots that are file trees, made from a tar. */
#include "slot/slot.h"

#include "base/bytes.h"
#include "base/memory.h"
#include "slot_device.h"
#include "storage/trial.h"
#include "support/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

/* --- tars by hand ---------------------------------------------------------------------------- */

struct member {
    const char *name;
    char type; /* '0' file, '1' hard link, '2' symbolic link, '5' folder, … */
    const char *link, *content;
    unsigned mode;
};

static void append(struct pack_buffer *tar, const void *bytes, size_t size)
{
    struct pack_error error = {0};
    assert_pack_ok(pack_buffer_append(tar, bytes, size, &error));
}

static void add_member(struct pack_buffer *tar, const struct member *member)
{
    static const uint8_t zeros[512] = {0};
    const size_t size = member->content != NULL ? strlen(member->content) : 0;
    char header[513] = {0};
    unsigned sum = 0;
    snprintf(header, 100, "%s", member->name);
    snprintf(header + 100, 8, "%07o", member->mode != 0 ? member->mode : 0644);
    snprintf(header + 108, 8, "%07o", geteuid());
    snprintf(header + 116, 8, "%07o", getegid());
    snprintf(header + 124, 12, "%011o", (unsigned)size);
    snprintf(header + 136, 12, "%011o", 1000000000U);
    memset(header + 148, ' ', 8);
    header[156] = member->type;
    snprintf(header + 157, 100, "%s", member->link != NULL ? member->link : "");
    memcpy(header + 257, "ustar\00000", 8);
    for (size_t i = 0; i < 512; i++)
        sum += (uint8_t)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    append(tar, header, 512);
    append(tar, member->content, size);
    append(tar, zeros, (512 - size % 512) % 512);
}

static void end_tar(struct pack_buffer *tar)
{
    static const uint8_t zeros[1024] = {0};
    append(tar, zeros, sizeof zeros);
}

/* --- installing ------------------------------------------------------------------------------ */

static int open_tree(struct slot **slot, const char *path, uint64_t size, struct pack_error *error)
{
    const struct pack_device_target target = {.kind = PACK_TARGET_DIRECTORY, .path = path};
    return slot_open_write(slot, &target, storage_system(), size, error);
}

/* In pieces of `piece` bytes, as blocks come. */
static int install_target(struct storage *storage, const struct pack_device_target *target,
                          const struct pack_buffer *tar, size_t piece, struct pack_error *error)
{
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    int code = slot_open_write(&slot, target, storage, tar->size, error);
    for (size_t at = 0; code == 0 && at < tar->size; at += piece) {
        /* A copy, so that a look at a piece that was given back is seen by a sanitizer. */
        const size_t size = piece < tar->size - at ? piece : tar->size - at;
        PACK_AUTO_FREE uint8_t *copy = malloc(size);
        memcpy(copy, tar->bytes + at, size);
        code = slot_write_at(slot, at, copy, size, error);
    }
    if (code == 0)
        code = slot_flush(slot, error);
    return code == 0 ? slot_finish(slot, error) : code;
}

static int install_in(struct storage *storage, const char *path, const struct pack_buffer *tar,
                      size_t piece, struct pack_error *error)
{
    const struct pack_device_target target = {.kind = PACK_TARGET_DIRECTORY, .path = path};
    return install_target(storage, &target, tar, piece, error);
}

static int install(const char *path, const struct pack_buffer *tar, size_t piece,
                   struct pack_error *error)
{
    return install_in(storage_system(), path, tar, piece, error);
}

static void assert_content(const char *folder, const char *name, const char *content)
{
    PACK_AUTO_FREE char *path = test_path(folder, name);
    size_t size = 0;
    PACK_AUTO_FREE uint8_t *bytes = test_read_file(path, &size);
    assert_string_equal((char *)bytes, content);
}

static mode_t mode_of(const char *folder, const char *name)
{
    PACK_AUTO_FREE char *path = test_path(folder, name);
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode;
}

static void old_tree(const char *path)
{
    PACK_AUTO_FREE char *file = test_path(path, "old");
    assert_int_equal(mkdir(path, 0700), 0);
    test_write_text(file, "old");
}

static const struct member good[] = {
    {"./", '5', NULL, NULL, 0750},
    {"./bin/", '5', NULL, NULL, 0711},
    {"./bin/run", '0', NULL, "#!/bin/sh\n", 0755},
    {"./bin/again", '1', "./bin/run", NULL, 0755},
    {"./bin/link", '2', "run", NULL, 0777},
    {"./etc/conf.d/a", '0', NULL, "a = 1\n", 0640},
    {"./etc/back", '2', "../bin/run", NULL, 0777},
    {"./empty", '0', NULL, "", 0600},
};

static void make_good(struct pack_buffer *tar)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        add_member(tar, &good[i]);
    end_tar(tar);
}

static void assert_good(const char *path)
{
    char target[16] = {0};
    PACK_AUTO_FREE char *link = test_path(path, "etc/back");
    struct stat status;
    assert_content(path, "bin/run", "#!/bin/sh\n");
    assert_content(path, "bin/link", "#!/bin/sh\n");
    assert_content(path, "etc/conf.d/a", "a = 1\n");
    assert_content(path, "empty", "");
    assert_int_equal(mode_of(path, ""), S_IFDIR | 0750);
    assert_int_equal(mode_of(path, "bin"), S_IFDIR | 0711);
    assert_int_equal(mode_of(path, "bin/run"), S_IFREG | 0755);
    assert_int_equal(mode_of(path, "etc/conf.d/a"), S_IFREG | 0640);
    assert_int_equal(readlink(link, target, sizeof target - 1), 10);
    assert_string_equal(target, "../bin/run");
    PACK_AUTO_FREE char *again = test_path(path, "bin/again");
    assert_int_equal(stat(again, &status), 0);
    assert_int_equal(status.st_nlink, 2);
    assert_int_equal(status.st_mtime, 1000000000);
    assert_int_equal(test_count_files(path), 3);
}

static void test_tree_is_made(void **state)
{
    static const size_t pieces[] = {1, 511, 512, 4096, LIMIT};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    make_good(&tar);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct pack_error error = {0};
        PACK_AUTO_FREE char *name = NULL;
        assert_true(asprintf(&name, "tree-%zu", pieces[i]) > 0);
        PACK_AUTO_FREE char *path = test_path(*state, name);
        assert_pack_ok(install(path, &tar, pieces[i], &error));
        assert_good(path);
        assert_int_equal(test_count_files(*state), i + 1);
    }
}

static void test_tree_is_replaced(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    PACK_AUTO_FREE char *slash = test_path(*state, "tree/");
    make_good(&tar);
    old_tree(path);
    assert_pack_ok(install(slash, &tar, 1000, &error));
    assert_good(path);
    assert_pack_ok(install(path, &tar, 1000, &error));
    assert_good(path);
    assert_int_equal(test_count_files(*state), 1);
}

/* The umask of the process is neither used nor changed, nor its working folder. */
static void test_process_stays_as_it_is(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    PACK_AUTO_FREE char *before = getcwd(NULL, 0);
    const mode_t mask = umask(0077);
    make_good(&tar);
    assert_pack_ok(install(path, &tar, 1000, &error));
    assert_int_equal(umask(mask), 0077);
    assert_good(path);
    PACK_AUTO_FREE char *after = getcwd(NULL, 0);
    assert_string_equal(before, after);
}

/* The same tree on each device, whoever unpacks it. */
static void test_folders_that_no_member_names(void **state)
{
    static const mode_t masks[] = {0000, 0022, 0077};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        struct pack_error error = {0};
        PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
        PACK_AUTO_FREE char *path = test_path(*state, "tree");
        const struct member member = {"deep/er/f", '0', NULL, "text\n", 0640};
        add_member(&tar, &member);
        end_tar(&tar);
        const mode_t mask = umask(masks[i]);
        assert_pack_ok(install(path, &tar, 1000, &error));
        umask(mask);
        assert_int_equal(mode_of(path, "deep"), S_IFDIR | 0755);
        assert_int_equal(mode_of(path, "deep/er"), S_IFDIR | 0755);
        assert_int_equal(mode_of(path, "deep/er/f"), S_IFREG | 0640);
    }
}

/* What is cut off, or given up, leaves the old tree and nothing else. */
static void test_unfinished_trees_leave_nothing(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    make_good(&tar);
    old_tree(path);
    for (size_t size = 0; size <= 3000; size += 1500) {
        PACK_AUTO(slot_close) struct slot *slot = NULL;
        assert_pack_ok(open_tree(&slot, path, tar.size, &error));
        assert_int_equal(slot->abilities, SLOT_ATOMIC);
        assert_pack_ok(slot_write_at(slot, 0, tar.bytes, size, &error));
        slot_close(&slot);
        assert_content(path, "old", "old");
        assert_int_equal(test_count_files(*state), 1);
    }
}

static void test_trees_are_written_in_order_and_not_read(void **state)
{
    struct pack_error error = {0};
    char byte = 0;
    size_t got = 0;
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const struct pack_device_target target = {.kind = PACK_TARGET_DIRECTORY, .path = path};
    assert_false(slot_can_read(&target));
    assert_pack_fails(slot_open_read(&input, &target, storage_system(), &error),
                      PACK_E_UNSUPPORTED);
    assert_pack_ok(open_tree(&slot, path, 4, &error));
    assert_pack_fails(slot_write_at(slot, 1, "ab", 2, &error), PACK_E_INTERNAL);
    assert_pack_fails(slot_read_at(slot, 0, &byte, 1, &got, &error), PACK_E_UNSUPPORTED);
    assert_string_equal(error.file, path);
}

/* --- what is left by a power cut ------------------------------------------------------------- */

static void test_rests_are_removed(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    PACK_AUTO_FREE char *fresh = test_path(*state, "tree.new");
    PACK_AUTO_FREE char *old = test_path(*state, "tree.old");
    make_good(&tar);
    old_tree(path);
    old_tree(fresh);
    old_tree(old);
    assert_pack_ok(install(path, &tar, 1000, &error));
    assert_good(path);
    assert_int_equal(test_count_files(*state), 1);
}

/* The moment between two renames, where names cannot be exchanged. */
static void test_the_old_tree_gets_its_name_back(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    PACK_AUTO_FREE char *fresh = test_path(*state, "tree.new");
    PACK_AUTO_FREE char *old = test_path(*state, "tree.old");
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    old_tree(fresh);
    old_tree(old);
    assert_pack_ok(open_tree(&slot, path, 4, &error));
    slot_close(&slot);
    assert_content(path, "old", "old");
    assert_int_equal(test_count_files(*state), 1);
}

/* What starts next has the old tree or the new one, by its name or, between two renames, beside. */
static void check_after_cut(const char *path, const char *old, bool exchanges)
{
    PACK_AUTO_FREE char *of_old = test_path(path, "old");
    if (access(path, F_OK) != 0) {
        assert_false(exchanges);
        assert_content(old, "old", "old");
    } else if (access(of_old, F_OK) != 0) {
        assert_good(path);
    }
}

/* The power goes at each operation on names, then the install is begun again. */
static unsigned walk_cuts(const char *folder, bool exchanges)
{
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE struct storage *storage = slot_test_rooted(folder);
    PACK_AUTO_FREE char *path = test_path(folder, "tree");
    PACK_AUTO_FREE char *old = test_path(folder, "tree.old");
    PACK_AUTO_FREE char *fresh = test_path(folder, "tree.new");
    bool stopped = true;
    unsigned at = 0;
    slot_test_exchanges(storage, exchanges);
    make_good(&tar);
    while (stopped) {
        struct pack_error error = {0};
        old_tree(path);
        old_tree(fresh); /* of an earlier cut */
        slot_test_stop(storage, ++at);
        const int code = install_in(storage, "/tree", &tar, 4096, &error);
        stopped = slot_test_stopped(storage);
        assert_int_equal(code, stopped ? PACK_E_INTERRUPTED : 0);
        check_after_cut(path, old, exchanges);
        slot_test_stop(storage, 0);
        assert_pack_ok(install_in(storage, "/tree", &tar, 4096, &error));
        assert_good(path);
        assert_int_equal(test_count_files(folder), 1);
        assert_pack_ok(storage_remove(storage_system(), path, &error));
        free(storage);
        storage = slot_test_rooted(folder);
        slot_test_exchanges(storage, exchanges);
    }
    return at - 1;
}

static void test_a101_power_cuts(void **state)
{
    const unsigned exchanging = walk_cuts(*state, true), renaming = walk_cuts(*state, false);
    print_message("%u points with names exchanged, %u with names renamed\n", exchanging, renaming);
    assert_in_range(exchanging, 6, 20);
    assert_int_equal(renaming, exchanging + 1);
}

/* Renames that were not flushed are lost, or some of them are. */
static bool cut_and_go_on(const char *folder, const struct pack_buffer *tar,
                          const struct trial_options *options)
{
    struct pack_error error = {0};
    struct storage *storage = NULL;
    PACK_AUTO_FREE char *path = test_path(folder, "tree");
    PACK_AUTO_FREE char *old = test_path(folder, "tree.old");
    old_tree(path);
    assert_pack_ok(trial_new(&storage, folder, options, &error));
    const int code = install_in(storage, "/tree", tar, 4096, &error);
    const bool fired = trial_fired(storage);
    assert_int_equal(code, fired ? PACK_E_INTERRUPTED : 0);
    assert_pack_ok(trial_end(&storage, &error));
    check_after_cut(path, old, false);
    assert_pack_ok(install(path, tar, 4096, &error));
    assert_good(path);
    assert_int_equal(test_count_files(folder), 1);
    assert_pack_ok(storage_remove(storage_system(), path, &error));
    return fired;
}

static void test_a103_lost_renames(void **state)
{
    static const enum trial_loss losses[] = {TRIAL_LOSE_ALL, TRIAL_RANDOM};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    make_good(&tar);
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        struct trial_options options = {.fault = TRIAL_POWER_CUT, .loss = losses[i], .sector = 512};
        do {
            options.at++;
            options.seed = options.at * 7;
        } while (cut_and_go_on(*state, &tar, &options));
        assert_in_range(options.at, 6, 20);
    }
}

static void test_a104_each_failure_is_told(void **state)
{
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    struct trial_options options = {.fault = TRIAL_ERROR, .number = EIO};
    bool fired = true;
    make_good(&tar);
    while (fired) {
        struct pack_error error = {0};
        struct storage *storage = NULL;
        options.at++;
        assert_pack_ok(storage_remove(storage_system(), path, &error));
        old_tree(path);
        assert_pack_ok(trial_new(&storage, *state, &options, &error));
        const int code = install_in(storage, "/tree", &tar, 4096, &error);
        fired = trial_fired(storage);
        assert_int_equal(code, fired ? PACK_E_IO : 0);
        assert_pack_ok(trial_end(&storage, &error));
        assert_int_equal(access(path, F_OK), 0);
    }
    assert_good(path);
}

/* --- A51 to A55: what must not come out ------------------------------------------------------ */

/* The last member is the one that is refused; the old tree, and what lies beside it, stay. */
static void assert_refused(const char *folder, const struct member *members, const char *says)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(folder, "tree");
    const char *last = NULL;
    for (; members->name != NULL; members++) {
        add_member(&tar, members);
        last = members->name;
    }
    end_tar(&tar);
    assert_pack_fails(install(path, &tar, 700, &error), PACK_E_MALFORMED);
    assert_pack_says(says);
    assert_string_equal(error.file, path);
    assert_string_equal(error.member, last);
    assert_content(path, "old", "old");
    assert_content(folder, "canary", "alive");
    assert_int_equal(test_count_files(folder), 2);
}

static void make_canary(const char *folder)
{
    PACK_AUTO_FREE char *path = test_path(folder, "tree");
    PACK_AUTO_FREE char *canary = test_path(folder, "canary");
    old_tree(path);
    test_write_text(canary, "alive");
}

static void test_a51_names_that_lead_out(void **state)
{
    static const struct member cases[][3] = {
        {{.name = "../canary", .type = '0', .content = "dead"}},
        {{.name = "a/../../canary", .type = '0', .content = "dead"}},
        {{.name = "a/..", .type = '5'}},
        {{.name = "..", .type = '5'}},
        {{.name = "/tmp/fwpack-canary", .type = '0', .content = "dead"}},
        {{.name = "//tmp/fwpack-canary", .type = '0', .content = "dead"}},
    };
    make_canary(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, cases[i], "name leads out of the tree");
    assert_int_equal(access("/tmp/fwpack-canary", F_OK), -1);
}

static void test_a52_links_that_lead_out(void **state)
{
    static const struct member cases[][4] = {
        {{.name = "a", .type = '2', .link = "../canary"}},
        {{.name = "a", .type = '2', .link = "/etc/passwd"}},
        {{.name = "a", .type = '2', .link = ".."}},
        {{.name = "./b/c", .type = '2', .link = "../../canary"}},
        {{.name = "b//c", .type = '2', .link = ".././d/../../canary"}},
        {{.name = "b/", .type = '2', .link = "../canary"}},
    };
    make_canary(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, cases[i], "a symbolic link to ");
}

static int install_absolute(const char *path, const struct member *members,
                            struct pack_error *error)
{
    const struct pack_device_target target = {
        .kind = PACK_TARGET_DIRECTORY, .path = path, .absolute_links = true};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    for (; members->name != NULL; members++)
        add_member(&tar, members);
    end_tar(&tar);
    return install_target(storage_system(), &target, &tar, 700, error);
}

/* A root file system has them; they are made, and nothing is written through them. */
static void test_a52_absolute_links_that_are_wanted(void **state)
{
    static const struct member root[] = {
        {.name = "etc/mtab", .type = '2', .link = "/proc/self/mounts"}, {.name = NULL}};
    static const struct member outside[] = {{.name = "a", .type = '2', .link = "../canary"},
                                            {.name = NULL}};
    struct pack_error error = {0};
    char link[64] = "";
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    PACK_AUTO_FREE char *mtab = test_path(path, "etc/mtab");
    make_canary(*state);
    assert_pack_fails(install_absolute(path, outside, &error), PACK_E_MALFORMED);
    error = (struct pack_error){0};
    const struct member through[] = {{.name = "out", .type = '2', .link = *state},
                                     {.name = "out/canary", .type = '0', .content = "dead"},
                                     {.name = NULL}};
    assert_pack_fails(install_absolute(path, through, &error), PACK_E_MALFORMED);
    assert_content(*state, "canary", "alive");
    assert_content(path, "old", "old");
    error = (struct pack_error){0};
    assert_pack_ok(install_absolute(path, root, &error));
    assert_true(readlink(mtab, link, sizeof link - 1) > 0);
    assert_string_equal(link, "/proc/self/mounts");
}

/* Through a link within the tree, too: which member wins would depend on the order. */
static void test_a52_writing_through_links(void **state)
{
    static const struct member cases[][4] = {
        {{.name = "b/", .type = '5'},
         {.name = "a", .type = '2', .link = "b"},
         {.name = "a/c", .type = '0', .content = "x"}},
        {{.name = "a", .type = '2', .link = "nothing"}, {.name = "a/c/", .type = '5'}},
    };
    make_canary(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, cases[i], "symlink");
}

static void test_a53_hard_links_that_lead_out(void **state)
{
    static const struct member cases[][3] = {
        {{.name = "a", .type = '1', .link = "../canary"}},
        {{.name = "a", .type = '1', .link = "/etc/passwd"}},
    };
    static const struct member through[] = {
        {.name = "b", .type = '2', .link = "."},
        {.name = "c", .type = '0', .content = "x"},
        {.name = "a", .type = '1', .link = "b/c"},
        {.name = NULL},
    };
    make_canary(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, cases[i], "a hard link to ");
    assert_refused(*state, through, "symlink");
}

static void test_a54_other_types(void **state)
{
    static const struct member cases[][3] = {
        {{.name = "a", .type = '3'}},
        {{.name = "a", .type = '4'}},
        {{.name = "a", .type = '6'}},
    };
    make_canary(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, cases[i], "neither a file nor a folder");
}

static void test_a55_members_twice(void **state)
{
    static const struct member cases[][4] = {
        {{.name = "a", .type = '0', .content = "x"}, {.name = "a", .type = '0', .content = "y"}},
        {{.name = "a", .type = '0', .content = "x"}, {.name = "./a", .type = '2', .link = "b"}},
        {{.name = "a/", .type = '5'}, {.name = "a", .type = '0', .content = "y"}},
        {{.name = "a", .type = '0', .content = "y"},
         {.name = "b", .type = '0'},
         {.name = "b", .type = '1', .link = "a"}},
    };
    static const struct member below[][3] = {
        {{.name = "a", .type = '0', .content = "y"}, {.name = "a/", .type = '5'}},
        {{.name = "a", .type = '0', .content = "y"}, {.name = "a/b", .type = '0'}},
    };
    make_canary(*state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(*state, cases[i], "is there twice");
    for (size_t i = 0; i < sizeof below / sizeof *below; i++)
        assert_refused(*state, below[i], "lies below what is no folder");
}

static void assert_not_taken(const char *path, const struct pack_buffer *tar, const char *says)
{
    struct pack_error error = {0};
    assert_pack_fails(install(path, tar, 700, &error), PACK_E_MALFORMED);
    assert_pack_says(says);
    assert_int_equal(access(path, F_OK), -1);
}

static void test_a61_what_follows_the_end(void **state)
{
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    make_good(&tar);
    for (int i = 0; i < 20; i++)
        end_tar(&tar); /* tar itself fills up with zeros */
    append(&tar, "x", 1);
    assert_not_taken(path, &tar, "more follows the end of the tar");
    PACK_AUTO_BUFFER struct pack_buffer two = {.limit = LIMIT};
    make_good(&two);
    make_good(&two);
    assert_not_taken(path, &two, "more follows the end of the tar");
}

static void test_what_is_no_tar(void **state)
{
    PACK_AUTO_BUFFER struct pack_buffer empty = {.limit = LIMIT}, text = {.limit = LIMIT};
    PACK_AUTO_BUFFER struct pack_buffer damaged = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    append(&empty, "", 0);
    append(&text, "{\"this\": \"is no tar\"}", 21);
    make_good(&damaged);
    damaged.bytes[2 * 512 + 1] ^= 1;
    assert_not_taken(path, &text, "archive format");
    assert_not_taken(path, &empty, "archive format");
    end_tar(&empty);
    assert_not_taken(path, &empty, "has no members");
    assert_not_taken(path, &damaged, "amaged");
}

/* Within a header, a file's content, what fills its last block up, and the end. */
static void test_a60_tars_that_are_cut_off(void **state)
{
    static const struct {
        size_t size;
        const char *says;
    } cases[] = {
        {2 * 512 + 100, "Truncated tar archive"},    {3 * 512 + 5, "Truncated tar archive"},
        {3 * 512 + 20, "Truncated input file"},      {4 * 512, "the end of the tar is missing"},
        {10 * 512, "the end of the tar is missing"}, {11 * 512, "the end of the tar is missing"},
    };
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    make_good(&tar);
    assert_int_equal(tar.size, 12 * 512);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tar.size = cases[i].size;
        assert_not_taken(path, &tar, cases[i].says);
    }
}

/* --- targets --------------------------------------------------------------------------------- */

static void assert_no_target(const char *path, enum pack_code code, const char *says)
{
    struct pack_error error = {0};
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    assert_pack_fails(open_tree(&slot, path, 4, &error), code);
    assert_pack_says(says);
    assert_string_equal(error.file, path);
}

static void test_a112_targets_of_other_kinds(void **state)
{
    PACK_AUTO_FREE char *file = test_path(*state, "file");
    PACK_AUTO_FREE char *link = test_path(*state, "link");
    PACK_AUTO_FREE char *nowhere = test_path(*state, "nowhere/tree");
    test_write_text(file, "old");
    assert_int_equal(symlink(*state, link), 0);
    assert_no_target(file, PACK_E_USAGE, "is no folder");
    assert_no_target(link, PACK_E_USAGE, "is a symbolic link");
    assert_no_target(nowhere, PACK_E_NOT_FOUND, "nowhere");
    assert_int_equal(test_count_files(*state), 2);
}

static void test_a106_room(void **state)
{
    struct pack_error error = {0};
    PACK_AUTO_BUFFER struct pack_buffer tar = {.limit = LIMIT};
    PACK_AUTO_FREE char *folder = test_path(*state, "tmp");
    PACK_AUTO_FREE char *path = test_path(folder, "tree");
    PACK_AUTO_FREE char *other = test_path(folder, "other");
    PACK_AUTO_FREE char *more = test_path(folder, "more");
    PACK_AUTO_FREE char *content = calloc(1, 60001);
    PACK_AUTO(slot_close) struct slot *slot = NULL;
    memset(content, 'x', 60000);
    assert_int_equal(mkdir(folder, 0700), 0);
    slot_test_mount_tmpfs(folder, "64k");
    assert_no_target(folder, PACK_E_USAGE, "is a mount point");
    assert_pack_fails(open_tree(&slot, path, 65537, &error), PACK_E_NO_SPACE);
    assert_pack_says("needs 65537 bytes, the slot has 65536");
    old_tree(path);
    add_member(&tar, &(struct member){.name = "a", .type = '0', .content = content});
    assert_pack_ok(open_tree(&slot, path, tar.size, &error));
    test_write_text(other, "somebody else's");
    test_write_text(more, "somebody else's");
    assert_pack_fails(slot_write_at(slot, 0, tar.bytes, tar.size, &error), PACK_E_NO_SPACE);
    assert_string_equal(error.member, "a");
    slot_close(&slot);
    assert_content(path, "old", "old");
    assert_int_equal(test_count_files(folder), 3);
    slot_test_unmount(folder);
}

/* --- what GNU tar makes ---------------------------------------------------------------------- */

static void run(const char *folder, const char *script)
{
    PACK_AUTO_FREE char *command = NULL;
    assert_true(asprintf(&command, "cd %s && %s", folder, script) > 0);
    assert_int_equal(system(command), 0);
}

static void test_tars_of_other_tools(void **state)
{
    PACK_AUTO_FREE char *path = test_path(*state, "tree");
    run(*state,
        "long=src/usr/share/doc/long/$(printf %0150d 7) && mkdir -p $long src/var && "
        "for i in $(seq 40); do echo $i >src/var/$i; done && "
        "echo deep >$long/$(printf %0120d 8) && "
        "ln -s ../var/7 src/usr/seven && ln src/var/7 src/var/hard && touch 'src/Grüße aus Köln' "
        "&& "
        "truncate -s 100k src/sparse && touch -d @1700000000.123456789 src/var/3 && "
        "head -c 70000 /dev/urandom >src/random && "
        "tar -c -C src -f gnu.tar . && tar --format=pax -c -C src -f pax.tar .");
    for (size_t i = 0; i < 2; i++) {
        struct pack_error error = {0};
        size_t size = 0;
        PACK_AUTO_FREE char *file = test_path(*state, i == 0 ? "gnu.tar" : "pax.tar");
        PACK_AUTO_FREE uint8_t *bytes = test_read_file(file, &size);
        const struct pack_buffer tar = {.bytes = bytes, .size = size};
        assert_pack_ok(install(path, &tar, 65536, &error));
        run(*state, "diff -r --no-dereference src tree && "
                    "test $(stat -c %h tree/var/hard) = 2");
    }
    run(*state, "cd src && find . -mindepth 1 -printf '%p %m %U %G %T@ %l\\n' | sort >../a && "
                "cd ../tree && find . -mindepth 1 -printf '%p %m %U %G %T@ %l\\n' | sort | cmp - "
                "../a");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, test_make_folder, test_remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_tree_is_made),
        TEST(test_tree_is_replaced),
        TEST(test_process_stays_as_it_is),
        TEST(test_folders_that_no_member_names),
        TEST(test_unfinished_trees_leave_nothing),
        TEST(test_trees_are_written_in_order_and_not_read),
        TEST(test_rests_are_removed),
        TEST(test_the_old_tree_gets_its_name_back),
        TEST(test_a101_power_cuts),
        TEST(test_a103_lost_renames),
        TEST(test_a104_each_failure_is_told),
        TEST(test_a51_names_that_lead_out),
        TEST(test_a52_links_that_lead_out),
        TEST(test_a52_absolute_links_that_are_wanted),
        TEST(test_a52_writing_through_links),
        TEST(test_a53_hard_links_that_lead_out),
        TEST(test_a54_other_types),
        TEST(test_a55_members_twice),
        TEST(test_a61_what_follows_the_end),
        TEST(test_what_is_no_tar),
        TEST(test_a60_tars_that_are_cut_off),
        TEST(test_a112_targets_of_other_kinds),
        TEST(test_a106_room),
        TEST(test_tars_of_other_tools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
