/* SPDX-License-Identifier: MIT */
#include "io/neighbour.h"

#include "base/memory.h"
#include "pack/text.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NEIGHBOURS = 1024 };

struct neighbours {
    char *names[MAX_NEIGHBOURS];
    size_t count;
};

static void neighbours_free(struct neighbours **neighbours)
{
    for (size_t i = 0; *neighbours != NULL && i < (*neighbours)->count; i++)
        free((*neighbours)->names[i]);
    free(*neighbours);
    *neighbours = NULL;
}

static void list_folder(struct neighbours *neighbours, const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (struct dirent *entry = readdir(folder);
         entry != NULL && neighbours->count < MAX_NEIGHBOURS; entry = readdir(folder)) {
        char *name = entry->d_name[0] != '.' ? strdup(entry->d_name) : NULL;
        if (name != NULL)
            neighbours->names[neighbours->count++] = name;
    }
    closedir(folder);
}

static void hint_folder(struct pack_error *error, const char *folder, const char *advice)
{
    (void)pack_hint(error, "there is no folder %s%s%s", folder, advice != NULL ? "; " : "",
                    advice != NULL ? advice : "");
}

void pack_hint_neighbour(struct pack_error *error, const char *path, const char *advice)
{
    PACK_AUTO(neighbours_free) struct neighbours *neighbours = calloc(1, sizeof *neighbours);
    PACK_AUTO_FREE char *folder = strdup(path);
    char *slash = folder != NULL ? strrchr(folder, '/') : NULL;
    const char *name = slash != NULL ? path + (slash - folder) + 1 : path;
    if (neighbours == NULL || folder == NULL)
        return;
    if (slash != NULL)
        slash[slash == folder] = '\0';
    if (slash != NULL && access(folder, F_OK) != 0) {
        hint_folder(error, folder, advice);
        return;
    }
    list_folder(neighbours, slash != NULL ? folder : ".");
    const char *nearest =
        pack_nearest(name, (const char *const *)neighbours->names, neighbours->count);
    if (nearest != NULL)
        (void)pack_hint(error, "did you mean %s%s%s?", slash != NULL ? folder : "",
                        slash != NULL && slash != folder ? "/" : "", nearest);
    else if (advice != NULL)
        (void)pack_hint(error, "%s, or check the path", advice);
}
