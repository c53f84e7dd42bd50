/* SPDX-License-Identifier: MIT */
#ifndef CLI_SURVEY_H
#define CLI_SURVEY_H

/* What a folder holds that a release could be made of. Nothing in it is trusted or changed. */

#include "cli.h"

#include "pack/backend/format.h"

struct survey_image {
    char *path;  /* below the folder */
    size_t stem; /* bytes of the path without the suffixes of its form */
    char name[PACK_MAX_NAME + 1];
    const struct pack_format *format; /* by its magic; NULL: known by its suffix alone */
    uint64_t size;
    bool segmented;     /* keeps addresses, and parses */
    const char *better; /* path of the same image in another form, which is taken for it */
};

struct survey {
    struct cli *cli;
    const char *folder;
    size_t image_count;
    struct survey_image *images; /* by path; their names are distinct */
    size_t looked_at;            /* files and folders */
    char *sbom;                  /* below the folder, or NULL */
    char *notes;
    char product[256];
    char version[PACK_MAX_VERSION + 1];
    char version_from[PACK_MAX_VERSION + 64]; /* "git tag v1.2.0"; empty: nothing said it */
};

/*
 * Looks through a folder, three levels deep. Fails when it cannot be read; that there is no
 * image is no failure.
 */
PACK_MUST_USE int survey_folder(struct survey *survey, struct cli *cli, const char *folder,
                                struct pack_error *error);
void survey_clear(struct survey *survey);

/* Puts "folder/" before each path, so that it counts from another folder. */
PACK_MUST_USE int survey_add_prefix(struct survey *survey, const char *prefix,
                                    struct pack_error *error);

/* The version that a VERSION file or a git tag gives, else 0.1.0. */
void survey_version(struct survey *survey);

#endif
