/* SPDX-License-Identifier: MIT */
/* Whether the files that a descriptor names are there and are what it says. */
#include "base/memory.h"
#include "document/descriptor_findings.h"
#include "document/descriptor_reader.h"
#include "io/neighbour.h"
#include "pack/image.h"
#include "pack/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct check {
    const struct pack_context *context;
    const struct pack_descriptor_storage *storage;
    pack_finding_fn report;
    void *user;
    struct pack_error first; /* error that was reported */
};

/* A file, and where the descriptor names it. */
struct named {
    const char *path;
    struct pack_place place;
};

static void report(struct check *check, bool is_error, const struct pack_error *finding)
{
    if (is_error && check->first.code == PACK_OK)
        check->first = *finding;
    if (check->report != NULL)
        check->report(check->user, is_error, finding);
}

static void report_at(struct check *check, bool is_error, struct pack_place place,
                      struct pack_error *finding)
{
    (void)pack_at_file(finding, place.file);
    (void)pack_at_line(finding, place.line, place.column);
    report(check, is_error, finding);
}

/* --- what is not there ----------------------------------------------------------------------- */

static void report_unopened(struct check *check, const struct named *named, int number)
{
    struct pack_error finding = {0};
    (void)pack_fail_errno(&finding, number, "%s", named->path);
    if (number == ENOENT)
        pack_hint_neighbour(&finding, named->path, "build the images first");
    report_at(check, true, named->place, &finding);
}

/* --- what is there --------------------------------------------------------------------------- */

static const char *kind_of(mode_t mode)
{
    static const struct {
        mode_t mode;
        const char *name;
    } kinds[] = {
        {S_IFDIR, "a folder"},     {S_IFBLK, "a device"},  {S_IFCHR, "a device"},
        {S_IFIFO, "a named pipe"}, {S_IFSOCK, "a socket"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if ((mode & S_IFMT) == kinds[i].mode)
            return kinds[i].name;
    return "no file";
}

static void report_kind(struct check *check, const struct named *named, mode_t mode)
{
    struct pack_error finding = {0};
    (void)pack_fail(&finding, PACK_E_DESCRIPTOR, "%s is %s, a regular file wanted", named->path,
                    kind_of(mode));
    report_at(check, true, named->place, &finding);
}

static bool is_inside(struct check *check, const struct named *named)
{
    struct pack_error finding = {0};
    char real[PATH_MAX];
    if (check->storage->real_folder == NULL)
        return true;
    if (realpath(named->path, real) == NULL) {
        report_unopened(check, named, errno);
        return false;
    }
    if (pack_path_inside(check->storage->real_folder, real))
        return true;
    (void)pack_fail(&finding, PACK_E_DESCRIPTOR, "%s is a link out of the descriptor's folder",
                    named->path);
    (void)pack_hint(&finding, "copy the file, or give --allow-outside");
    report_at(check, true, named->place, &finding);
    return false;
}

/* Opens a regular file inside the folder; NULL after a finding. A pipe or device is not opened. */
static struct pack_input *open_named(struct check *check, const struct named *named)
{
    struct stat status;
    struct pack_error finding = {0};
    struct pack_input *input = NULL;
    if (stat(named->path, &status) != 0) {
        report_unopened(check, named, errno);
        return NULL;
    }
    if (!is_inside(check, named))
        return NULL;
    if (!S_ISREG(status.st_mode)) {
        report_kind(check, named, status.st_mode);
        return NULL;
    }
    if (pack_input_open(&input, named->path, &finding) != 0) {
        (void)pack_context(&finding, "%s", named->path);
        finding.file[0] = '\0';
        report_at(check, true, named->place, &finding);
        return NULL;
    }
    return input;
}

/* --- budgets --------------------------------------------------------------------------------- */

/* "2.0 MiB (2097153 bytes)", or only the bytes where they say it as well. */
struct size_text {
    char text[64];
};

static struct size_text size_text(uint64_t size)
{
    struct size_text shown;
    char text[PACK_SIZE_TEXT];
    if (size < 1024)
        pack_size_text(shown.text, size);
    else
        snprintf(shown.text, sizeof shown.text, "%s (%" PRIu64 " bytes)",
                 pack_size_text(text, size), size);
    return shown;
}

/* Its path where it has no name that is understood. */
static const char *name_of(const struct pack_descriptor_image *image)
{
    return image->name != NULL ? image->name : image->path;
}

static void check_budget(struct check *check, const struct pack_descriptor_image *image,
                         uint64_t size)
{
    struct pack_error finding = {0};
    if (!image->has_max_size || size <= image->max_size)
        return;
    (void)pack_fail(&finding, PACK_E_LIMIT, "image %s has %s, its max-size is %s: over by %s",
                    name_of(image), size_text(size).text, size_text(image->max_size).text,
                    size_text(size - image->max_size).text);
    report_at(check, true, image->max_size_place, &finding);
}

/* --- formats --------------------------------------------------------------------------------- */

static void check_segments(struct check *check, const struct pack_descriptor_image *image,
                           struct pack_input *input)
{
    PACK_AUTO(pack_image_free) struct pack_image *segments = NULL;
    struct pack_error finding = {0};
    const struct pack_format *format = pack_format_find(check->context, image->format);
    if (format == NULL) {
        (void)pack_fail(&finding, PACK_E_UNSUPPORTED, "format %s is not known here", image->format);
        report_at(check, true, image->place, &finding);
        return;
    }
    if (pack_image_read(&segments, format, input, &finding) != 0) {
        (void)pack_at_file(&finding, image->path); /* its own line or offset says more */
        (void)pack_context(&finding, "image %s", name_of(image));
        report(check, true, &finding);
        return;
    }
    check_budget(check, image, segments->size);
}

/* A raw file whose addresses would be lost. */
static void hint_format(struct check *check, const struct pack_descriptor_image *image,
                        struct pack_input *input)
{
    struct pack_error finding = {0};
    const struct pack_format *format = NULL;
    if (pack_image_identify(&format, input, check->context, &finding) != 0) {
        report_at(check, true, image->file_place, &finding);
        return;
    }
    if (format == NULL || (format->abilities & PACK_FORMAT_SEGMENTED) == 0)
        return;
    (void)pack_fail(&finding, PACK_E_DESCRIPTOR, "%s looks like %s, and is taken as it is",
                    image->path, format->summary);
    (void)pack_hint(&finding, "say format: %s to keep its addresses, or format: raw", format->name);
    report_at(check, false, image->file_place, &finding);
}

static void check_image(struct check *check, const struct pack_descriptor_image *image,
                        bool format_given)
{
    const struct named named = {.path = image->path, .place = image->file_place};
    struct pack_error finding = {0};
    PACK_AUTO(pack_input_close)
    struct pack_input *input = image->path != NULL ? open_named(check, &named) : NULL;
    if (input == NULL)
        return;
    if (input->size == 0) {
        (void)pack_fail(&finding, PACK_E_DESCRIPTOR, "%s is empty", image->path);
        report_at(check, true, image->file_place, &finding);
    } else if (image->format == NULL) { /* a fault already, and what counts as its size is open */
        return;
    } else if (strcmp(image->format, "raw") != 0) {
        check_segments(check, image, input);
    } else {
        if (!format_given)
            hint_format(check, image, input);
        check_budget(check, image, input->size);
    }
}

static void check_attachment(struct check *check,
                             const struct pack_descriptor_attachment *attachment)
{
    const struct named named = {.path = attachment->path, .place = attachment->place};
    struct pack_error finding = {0};
    PACK_AUTO(pack_input_close)
    struct pack_input *input = attachment->path != NULL ? open_named(check, &named) : NULL;
    if (input == NULL || input->size <= PACK_MAX_ATTACHMENT)
        return;
    (void)pack_fail(&finding, PACK_E_LIMIT, "%s has %s, attachments may have %s", attachment->path,
                    size_text(input->size).text, size_text(PACK_MAX_ATTACHMENT).text);
    report_at(check, true, attachment->place, &finding);
}

static int check_images(struct check *check, const struct pack_descriptor *descriptor,
                        struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < descriptor->image_count; i++) {
        code = pack_check_cancelled(check->context, error);
        if (code == 0)
            check_image(check, &descriptor->images[i], check->storage->format_given[i]);
    }
    return code;
}

static void check_attachments(struct check *check, const struct pack_descriptor *descriptor)
{
    for (size_t i = 0; i < descriptor->attachment_count; i++)
        check_attachment(check, &descriptor->attachments[i]);
}

static bool attachments_come_first(const struct pack_descriptor *descriptor)
{
    if (descriptor->attachment_count == 0 || descriptor->image_count == 0)
        return false;
    const struct pack_place attachments = descriptor->attachments[0].place;
    const struct pack_place images = descriptor->images[0].place;
    return strcmp(attachments.file, images.file) == 0 && attachments.line < images.line;
}

int pack_descriptor_check(const struct pack_descriptor *descriptor,
                          const struct pack_context *context, pack_finding_fn report_to, void *user,
                          struct pack_error *error)
{
    struct check check = {
        .context = context,
        .storage = descriptor->storage,
        .report = report_to,
        .user = user,
    };
    const bool attachments_first = attachments_come_first(descriptor);
    if (attachments_first)
        check_attachments(&check, descriptor);
    const int code = check_images(&check, descriptor, error);
    if (code != 0)
        return code;
    if (!attachments_first)
        check_attachments(&check, descriptor);
    if (check.first.code == PACK_OK)
        return 0;
    *error = check.first;
    return (int)error->code;
}
