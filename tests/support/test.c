/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void test_check_ok(int code, const struct pack_error *error, const char *call, const char *file,
                   int line)
{
    if (code == 0 && error->code == 0)
        return;
    print_error("%s\nreturned %d (%s): %s\n", call, code, pack_code_id(error->code), error->text);
    if (error->file[0] != '\0' || error->member[0] != '\0')
        print_error("at %s %s:%u:%u\n", error->file, error->member, error->line, error->column);
    _fail(file, line);
}

void test_check_fails(int code, enum pack_code expected, const struct pack_error *error,
                      const char *call, const char *file, int line)
{
    if (code != (int)expected || error->code != expected) {
        print_error("%s\nreturned %d with error %s, wanted %s: %s\n", call, code,
                    pack_code_id(error->code), pack_code_id(expected), error->text);
        _fail(file, line);
    }
    if (error->text[0] == '\0' || strchr(error->text, '\n') != NULL) {
        print_error("%s\nleft a text that is not one line: '%s'\n", call, error->text);
        _fail(file, line);
    }
}

void test_check_says(const char *part, const struct pack_error *error, const char *file, int line)
{
    if (strstr(error->text, part) != NULL)
        return;
    print_error("the error says '%s', wanted '%s' in it\n", error->text, part);
    _fail(file, line);
}

static int make_folder_in(const char *parent, void **state)
{
    char *folder = test_path(parent, "fwpack-unit-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        free(folder);
        return -1;
    }
    *state = folder;
    return 0;
}

int test_make_folder(void **state)
{
    const char *parent = getenv("TMPDIR");
    return make_folder_in(parent != NULL ? parent : "/tmp", state);
}

int test_make_folder_in_memory(void **state)
{
    return make_folder_in("/dev/shm", state) == 0 ? 0 : test_make_folder(state);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

int test_remove_folder(void **state)
{
    int result = nftw(*state, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    *state = NULL;
    return result;
}

char *test_path(const char *folder, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    return path;
}

uint8_t *test_read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    struct stat status = {0};
    assert_int_equal(fstat(fileno(file), &status), 0);
    *size = (size_t)status.st_size;
    uint8_t *bytes = calloc(*size + 1, 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    assert_int_equal(fclose(file), 0);
    return bytes;
}

void test_write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        fail_msg("cannot create %s", path);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void test_write_text(const char *path, const char *text)
{
    test_write_file(path, text, strlen(text));
}

size_t test_count_files(const char *folder)
{
    DIR *directory = opendir(folder);
    if (directory == NULL)
        fail_msg("cannot open folder %s", folder);
    size_t count = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    assert_int_equal(closedir(directory), 0);
    return count;
}

static int hex_value(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = strchr(digits, digit | 0x20);
    if (digit == '\0' || found == NULL)
        fail_msg("'%c' is not a hexadecimal digit", digit);
    return (int)(found - digits);
}

uint8_t *test_unhex(const char *digits, size_t *size)
{
    uint8_t *bytes = calloc(strlen(digits) / 2 + 1, 1);
    assert_non_null(bytes);
    size_t count = 0;
    for (; *digits != '\0'; digits++) {
        if (*digits == ' ' || *digits == '\n')
            continue;
        bytes[count / 2] = (uint8_t)(bytes[count / 2] << 4 | hex_value(*digits));
        count++;
    }
    assert_int_equal(count % 2, 0);
    *size = count / 2;
    return bytes;
}

char *test_fixture(const char *name)
{
    return test_path(TEST_SOURCE_FOLDER, name);
}

char *test_shared(const char *name)
{
    const char *folder = getenv("FWPACK_SHARED");
    char *path = test_path(folder != NULL ? folder : TEST_SHARED_FOLDER, name);
    if (access(path, R_OK) != 0) {
        free(path);
        skip();
    }
    return path;
}
