/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target over the files of folders, without libFuzzer: each file as it is, cut short
 * at some places, and with some bytes changed. The same inputs in each run. No input is a failure.
 */
#include "target.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DAMAGED = 64 };

/* A copy of exactly `size` bytes, so that a sanitizer sees a read past the end. */
static void run_copy(const uint8_t *bytes, size_t size, size_t changed, uint8_t flip)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, size);
    if (changed < size)
        copy[changed] ^= flip;
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void run_damaged(const uint8_t *bytes, size_t size)
{
    size_t step = size / DAMAGED + 1;
    for (size_t at = 0; at < size; at += step) {
        run_copy(bytes, at, size, 0);
        run_copy(bytes, size, at, (uint8_t)(1U << (at % 8)));
        run_copy(bytes, size, at, 0xff);
    }
}

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat status = {0};
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    int is_file = S_ISREG(status.st_mode);
    size_t size = is_file ? (size_t)status.st_size : 0;
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL || fread(bytes, 1, size, file) != size) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    fclose(file);
    if (is_file) {
        run_copy(bytes, size, size, 0);
        run_damaged(bytes, size);
    }
    free(bytes);
    return is_file;
}

static int run_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, NULL, alphasort);
    if (found < 0)
        perror(folder);
    int files = 0;
    for (int i = 0; i < found; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        files += run_file(path);
        free(entries[i]);
    }
    free(entries);
    return files;
}

int main(int count, char **arguments)
{
    int files = 0;
    for (int i = 1; i < count; i++)
        files += run_folder(arguments[i]);
    printf("%d seeds\n", files);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
