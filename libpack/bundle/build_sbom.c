/* SPDX-License-Identifier: MIT */
#include "bundle/build_sbom.h"

#include "base/memory.h"

#include <string.h>

static bool is_auto(const struct build_sbom *sbom)
{
    return strcmp(sbom->source, PACK_SBOM_AUTO) == 0;
}

static int read_given(struct build_sbom *sbom, struct pack_error *error)
{
    PACK_AUTO(pack_sbom_free) struct pack_sbom *read = NULL;
    int code = pack_read_file(&sbom->bytes, &sbom->size, sbom->source, PACK_MAX_ATTACHMENT, error);
    if (code == 0)
        code = pack_sbom_read(&read, sbom->bytes, sbom->size, error);
    if (code == 0)
        sbom->kind = read->kind;
    return code != 0 ? pack_at_file(error, sbom->source) : 0;
}

static int look_at_image(struct sbom_image *image, const char *path,
                         const struct pack_context *context, struct pack_error *error)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    const int code = pack_input_open_regular(&input, path, error);
    return code != 0 ? code : sbom_image_look(image, input, context, error);
}

static int look_at_images(struct build_sbom *sbom, const struct pack_descriptor *descriptor,
                          const struct pack_context *context, struct pack_error *error)
{
    int code = pack_allocate(&sbom->images, descriptor->image_count, sizeof *sbom->images, error);
    for (size_t i = 0; code == 0 && i < descriptor->image_count; i++) {
        sbom->image_count++;
        code = look_at_image(&sbom->images[i], descriptor->images[i].path, context, error);
    }
    return code;
}

static int check_name(const struct build_sbom *sbom, const struct pack_descriptor *descriptor,
                      struct pack_error *error)
{
    const char *name = pack_sbom_attachment_name(sbom->kind);
    for (size_t i = 0; i < descriptor->attachment_count; i++) {
        const struct pack_descriptor_attachment *attachment = &descriptor->attachments[i];
        if (strcmp(attachment->name, name) != 0)
            continue;
        (void)pack_fail(error, PACK_E_USAGE, "an attachment is called %s already", name);
        (void)pack_at_file(error, attachment->place.file);
        return pack_at_line(error, attachment->place.line, attachment->place.column);
    }
    if (descriptor->attachment_count < PACK_MAX_ATTACHMENTS)
        return 0;
    return pack_fail(error, PACK_E_LIMIT, "%d attachments leave no room for an SBOM",
                     PACK_MAX_ATTACHMENTS);
}

int build_sbom_open(struct build_sbom *sbom, const char *source,
                    const struct pack_descriptor *descriptor, const struct pack_context *context,
                    struct pack_error *error)
{
    *sbom = (struct build_sbom){.source = source, .kind = PACK_SBOM_CYCLONEDX};
    if (source == NULL)
        return 0;
    int code =
        is_auto(sbom) ? look_at_images(sbom, descriptor, context, error) : read_given(sbom, error);
    return code != 0 ? code : check_name(sbom, descriptor, error);
}

int build_sbom_make(struct build_sbom *sbom, const struct pack_release *release,
                    struct pack_error *error)
{
    char *text = NULL;
    if (sbom->source == NULL || !is_auto(sbom))
        return 0;
    const int code = sbom_write(&text, &sbom->size, release, sbom->images, error);
    if (code != 0)
        return code;
    free(sbom->bytes);
    sbom->bytes = text;
    return 0;
}

void build_sbom_clear(struct build_sbom *sbom)
{
    for (size_t i = 0; i < sbom->image_count; i++)
        sbom_image_clear(&sbom->images[i]);
    free(sbom->images);
    free(sbom->bytes);
    *sbom = (struct build_sbom){.source = NULL};
}
