/* SPDX-License-Identifier: MIT */
#include "starter.h"

#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- YAML ------------------------------------------------------------------------------------ */

/* Whether YAML reads the text without quotes as it stands, and nobody as something else. */
static bool is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789._/+-";
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(text, words[i]) == 0)
            return false;
    return text[strspn(text, characters)] == '\0' && strpbrk(text, letters) != NULL &&
           strchr("-+.", text[0]) == NULL;
}

static void write_member(FILE *out, const char *key, const char *text)
{
    if (is_plain(text)) {
        fprintf(out, "%s %s\n", key, text);
        return;
    }
    fprintf(out, "%s '", key);
    for (; *text != '\0'; text++) {
        if (strncmp(text, "${", 2) == 0)
            fputc('$', out); /* "$${" is what reads as a plain "${" */
        if (*text == '\'')
            fputc('\'', out);
        fputc(*text, out);
    }
    fputs("'\n", out);
}

/* --- sizes ----------------------------------------------------------------------------------- */

struct shown_size {
    char text[PACK_SIZE_TEXT];
};

/* The next power of two above a size and a half of it: a budget with room to grow. */
static struct shown_size show_budget(uint64_t size)
{
    struct shown_size shown;
    uint64_t budget = 1024;
    while (budget < size + size / 2 && budget < PACK_MAX_INTEGER / 2)
        budget *= 2;
    if (budget >= PACK_MIB)
        snprintf(shown.text, sizeof shown.text, "%" PRIu64 "MiB", budget / PACK_MIB);
    else
        snprintf(shown.text, sizeof shown.text, "%" PRIu64 "KiB", budget / PACK_KIB);
    return shown;
}

/* --- the parts ------------------------------------------------------------------------------- */

static void write_head(FILE *out, const struct survey *survey)
{
    fputs("# What this release is made of. 'fwpack lint' checks it, 'fwpack build' makes a bundle\n"
          "# of it, 'fwpack schema' helps an editor complete it.\n"
          "fwpack: 1\n",
          out);
    write_member(out, "product:", survey->product);
    fputs("\n# SemVer 2.0.0. To take it from each build: 'variables: [VERSION]' and\n"
          "# 'version: ${VERSION}', then build with -D VERSION=... or with VERSION in the\n"
          "# environment.\n",
          out);
    if (survey->version_from[0] != '\0')
        fprintf(out, "version: %s # from %s\n", survey->version, survey->version_from);
    else
        fprintf(out, "version: %s # nothing gave one: no VERSION file, no git tag\n",
                survey->version);
    fputs("\n# Anti-rollback counter, apart from the version: raise it when devices must not go\n"
          "# back to what came before.\n"
          "security-version: 0\n"
          "# Raise this when a release migrates data in a way that cannot be undone.\n"
          "# data-epoch: 1\n",
          out);
}

static void write_hardware(FILE *out, const struct survey *survey)
{
    fputs("\n# Hardware that the release fits: exact texts, as the devices name themselves.\n"
          "compatible:\n",
          out);
    write_member(out, "  -", survey->product);
    fputs("\n# Versions that may be updated to this one; any, unless said.\n"
          "# requires:\n"
          "#   from: \">=1.0.0 <2.0.0\"\n",
          out);
}

static void write_image(FILE *out, const struct survey_image *image)
{
    char size[PACK_SIZE_TEXT];
    fprintf(out, "  # %s, %s\n", image->format != NULL ? image->format->summary : "raw data",
            pack_size_text(size, image->size));
    write_member(out, "  - name:", image->name);
    write_member(out, "    file:", image->path);
    if (image->segmented)
        fprintf(out, "    format: %s # keeps its addresses; raw takes the file as it is\n",
                image->format->name);
    fprintf(out, "    # max-size: %s # a budget that lint and build enforce\n",
            show_budget(image->size).text);
}

static void write_images(FILE *out, const struct survey *survey)
{
    fputs("\nimages:\n", out);
    for (size_t i = 0; i < survey->image_count; i++)
        write_image(out, &survey->images[i]);
    fputs("    # slot: NAME # where the device keeps it; the image's name, unless said\n"
          "    # version: 1.0.0 # of this image, where it has its own\n"
          "    # compress: {codec: zstd, level: 19} # none, gzip, zstd or xz; zstd unless said\n",
          out);
}

static void write_attachments(FILE *out, const struct survey *survey)
{
    const bool any = survey->sbom != NULL || survey->notes != NULL;
    fputs("\n# Files that go along and are signed.\n", out);
    fputs(any ? "attachments:\n" : "# attachments:\n#   sbom: build/sbom.cdx.json\n", out);
    if (survey->sbom != NULL)
        write_member(out, "  sbom:", survey->sbom);
    if (survey->notes != NULL)
        write_member(out, "  notes:", survey->notes);
}

int starter_write(char **text, size_t *size, const struct survey *survey, struct pack_error *error)
{
    FILE *out = open_memstream(text, size);
    if (out == NULL)
        return pack_fail_memory(error);
    write_head(out, survey);
    write_hardware(out, survey);
    write_images(out, survey);
    write_attachments(out, survey);
    fputs("\n# Free data of your own, signed.\n# meta:\n#   build-host: ci-7\n", out);
    const bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed && *text != NULL)
        return 0;
    free(*text);
    *text = NULL;
    return pack_fail_memory(error);
}
