/* SPDX-License-Identifier: MIT */

/*
 * The descriptor and the YAML below it. What is taken must make a release document: the rules of
 * the descriptor are no looser than those of what is signed. What is refused has a place.
 */

#include "base/memory.h"
#include "pack/descriptor.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *environment(const char *name)
{
    return name[0] == 'E' ? "1.2.3" : NULL;
}

static void check_finding(void *user, bool is_error, const struct pack_error *finding)
{
    (void)user;
    if (finding->text[0] == '\0' || strchr(finding->text, '\n') != NULL ||
        finding->file[0] == '\0' || finding->code == PACK_OK ||
        (is_error && finding->line == 0 && finding->code != PACK_E_LIMIT))
        abort();
}

static void fill_image(struct pack_release_image *to, const struct pack_descriptor_image *from)
{
    *to = (struct pack_release_image){
        .name = from->name,
        .slot = from->slot,
        .version = from->version,
        .size = 1,
        .block_size = from->block_size,
    };
}

/* The release of a descriptor, as build would fill it, with one byte in each file. */
static void check_release(const struct pack_descriptor *from)
{
    static struct pack_release_image images[PACK_MAX_IMAGES];
    static struct pack_release_attachment attachments[PACK_MAX_ATTACHMENTS];
    const struct pack_release release = {
        .product = from->product,
        .version = from->version,
        .security_version = from->security_version,
        .data_epoch = from->data_epoch,
        .has_created = from->has_created,
        .created = from->created,
        .compatible_count = from->compatible_count,
        .compatible = from->compatible,
        .requires_from = from->requires_from,
        .image_count = from->image_count,
        .images = images,
        .attachment_count = from->attachment_count,
        .attachments = attachments,
        .meta = from->meta,
    };
    struct pack_error error = {0};
    PACK_AUTO_FREE char *text = NULL;
    size_t size = 0;
    for (size_t i = 0; i < from->image_count; i++)
        fill_image(&images[i], &from->images[i]);
    for (size_t i = 0; i < from->attachment_count; i++)
        attachments[i] = (struct pack_release_attachment){.name = from->attachments[i].name};
    const int code = pack_release_encode(&text, &size, &release, &error);
    if (code != 0 && code != PACK_E_LIMIT) {
        fprintf(stderr, "a descriptor makes no release: %s\n", error.text);
        abort();
    }
}

static int read_bytes(struct pack_descriptor **descriptor, const uint8_t *data, size_t size)
{
    static const struct pack_definition definitions[] = {{"X", "1"}, {"V", "2.0.0-rc.1"}};
    const struct pack_descriptor_options options = {
        .definition_count = 2, .definitions = definitions, .environment = environment};
    struct pack_error error = {0};
    char path[64];
    const int file = memfd_create("descriptor", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    const int code = pack_descriptor_read(descriptor, path, &options, check_finding, NULL, &error);
    close(file);
    return code;
}

/* Of a faulty descriptor, what was understood of it. */
static void check_files(const struct pack_descriptor *descriptor)
{
    const struct pack_context context = {0};
    struct pack_error error = {0};
    const int code = pack_descriptor_check(descriptor, &context, check_finding, NULL, &error);
    if (code != 0 && error.text[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PACK_AUTO(pack_descriptor_free) struct pack_descriptor *descriptor = NULL;
    const int code = read_bytes(&descriptor, data, size);
    if (code == 0)
        check_release(descriptor);
    if (descriptor != NULL)
        check_files(descriptor);
    return 0;
}
