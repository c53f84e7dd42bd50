/* SPDX-License-Identifier: MIT */
#include "provenance/sbom.h"

#include "base/bytes.h"
#include "pack/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PRODUCT_REF "product"
#define NO_SERIAL "urn:uuid:00000000-0000-0000-0000-000000000000"

/* --- what an image is ------------------------------------------------------------------------ */

int sbom_image_look(struct sbom_image *image, struct pack_input *input,
                    const struct pack_context *context, struct pack_error *error)
{
    int code = pack_image_identify(&image->format, input, context, error);
    if (code == 0 && image->format != NULL)
        code = pack_facts_collect(&image->facts, image->format, input, error);
    if (code != PACK_E_MALFORMED && code != PACK_E_UNSUPPORTED && code != PACK_E_LIMIT)
        return code;
    /* What looks like a format and is none is bytes like any other. */
    sbom_image_clear(image);
    pack_error_clear(error);
    return 0;
}

void sbom_image_clear(struct sbom_image *image)
{
    pack_facts_clear(&image->facts);
    *image = (struct sbom_image){.format = NULL};
}

/* --- small pieces ---------------------------------------------------------------------------- */

struct writer {
    struct pack_json *json;
    const struct pack_release *release;
    const struct pack_release_meta *meta;
    const struct sbom_image *images;
};

static void put_property(struct pack_json *json, const char *name, const char *value)
{
    char full[96];
    snprintf(full, sizeof full, "fwpack:%s", name);
    pack_json_object(json, NULL);
    pack_json_string(json, "name", full);
    pack_json_string(json, "value", value);
    pack_json_end(json);
}

static void put_number(struct pack_json *json, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, value);
    put_property(json, name, text);
}

struct ref {
    char text[PACK_MAX_NAME + 16];
};

static struct ref ref_of(const struct pack_release_image *image)
{
    struct ref ref;
    snprintf(ref.text, sizeof ref.text, "image:%s", image->name);
    return ref;
}

/* RFC 3986: what is not unreserved, in percent signs. */
static int append_encoded(struct pack_buffer *buffer, const char *text, struct pack_error *error)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    int code = 0;
    for (; code == 0 && *text != '\0'; text++)
        code = strchr(plain, *text) != NULL
                   ? pack_buffer_append(buffer, text, 1, error)
                   : pack_buffer_print(buffer, error, "%%%02X", (unsigned)(uint8_t)*text);
    return code;
}

/* pkg:generic/PRODUCT@VERSION, as the purl specification has it for what has no type of its own. */
static int put_purl(const struct writer *writer, struct pack_error *error)
{
    PACK_AUTO_BUFFER struct pack_buffer purl = {.limit = 8 * PACK_MAX_TEXT};
    int code = pack_buffer_print(&purl, error, "pkg:generic/");
    if (code == 0)
        code = append_encoded(&purl, writer->release->product, error);
    if (code == 0)
        code = pack_buffer_print(&purl, error, "@");
    if (code == 0)
        code = append_encoded(&purl, writer->release->version, error);
    if (code == 0)
        pack_json_string(writer->json, "purl", (const char *)purl.bytes);
    return code;
}

/* CycloneDX takes one expression: all of them hold. */
static int put_licences(const struct writer *writer, struct pack_error *error)
{
    const struct pack_release_meta *meta = writer->meta;
    PACK_AUTO_BUFFER struct pack_buffer all = {.limit = PACK_MAX_DOCUMENT};
    int code = 0;
    if (meta->licence_count == 0)
        return 0;
    for (size_t i = 0; code == 0 && i < meta->licence_count; i++) {
        const bool alone = meta->licence_count == 1 || strchr(meta->licences[i], ' ') == NULL;
        code = pack_buffer_print(&all, error, alone ? "%s%s" : "%s(%s)", i != 0 ? " AND " : "",
                                 meta->licences[i]);
    }
    if (code != 0)
        return code;
    pack_json_array(writer->json, "licenses");
    pack_json_object(writer->json, NULL);
    pack_json_string(writer->json, "expression", (const char *)all.bytes);
    pack_json_end(writer->json);
    pack_json_end(writer->json);
    return 0;
}

/* --- metadata -------------------------------------------------------------------------------- */

static void put_product_properties(const struct writer *writer)
{
    struct pack_json *json = writer->json;
    const struct pack_release *release = writer->release;
    pack_json_array(json, "properties");
    for (size_t i = 0; i < release->compatible_count; i++)
        put_property(json, "compatible", release->compatible[i]);
    put_number(json, "security_version", release->security_version);
    if (release->data_epoch != 0)
        put_number(json, "data_epoch", release->data_epoch);
    if (writer->meta->urgency != NULL)
        put_property(json, "urgency", writer->meta->urgency);
    pack_json_end(json);
}

static void put_tools(struct pack_json *json)
{
    pack_json_object(json, "tools");
    pack_json_array(json, "components");
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "application");
    pack_json_string(json, "name", "fwpack");
    pack_json_string(json, "version", pack_version());
    pack_json_end(json);
    pack_json_end(json);
    pack_json_end(json);
}

static int put_metadata(const struct writer *writer, struct pack_error *error)
{
    struct pack_json *json = writer->json;
    const struct pack_release *release = writer->release;
    char time[PACK_TIME_TEXT];
    pack_json_object(json, "metadata");
    if (release->has_created)
        pack_json_string(json, "timestamp", pack_time_text(time, release->created));
    put_tools(json);
    pack_json_object(json, "component");
    pack_json_string(json, "type", "firmware");
    pack_json_string(json, "bom-ref", PRODUCT_REF);
    pack_json_string(json, "name", release->product);
    pack_json_string(json, "version", release->version);
    int code = put_licences(writer, error);
    if (code == 0)
        code = put_purl(writer, error);
    put_product_properties(writer);
    pack_json_end(json);
    pack_json_end(json);
    return code;
}

/* --- images ---------------------------------------------------------------------------------- */

/* What stands at the top of the description; lists of parts are for `image info`. */
static void put_facts(struct pack_json *json, const struct pack_facts *facts)
{
    struct fact_walk walk = {.block = facts->first};
    const struct fact *fact = NULL;
    size_t depth = 0;
    while ((fact = pack_facts_next(&walk)) != NULL) {
        char name[80];
        depth += fact->kind == FACT_BEGIN;
        depth -= fact->kind == FACT_END;
        if (depth != 0 || (fact->kind != FACT_TEXT && fact->kind != FACT_NUMBER))
            continue;
        snprintf(name, sizeof name, "image:%s", fact->name);
        if (fact->kind == FACT_NUMBER)
            put_number(json, name, fact->number);
        else
            put_property(json, name, fact->text);
    }
}

static void put_image_properties(struct pack_json *json, const struct pack_release_image *image,
                                 const struct sbom_image *seen)
{
    pack_json_array(json, "properties");
    put_property(json, "slot", image->slot);
    put_number(json, "size", image->size);
    if (seen->format != NULL)
        put_property(json, "format", seen->format->name);
    put_facts(json, &seen->facts);
    pack_json_end(json);
}

static void put_image(const struct writer *writer, size_t index)
{
    struct pack_json *json = writer->json;
    const struct pack_release_image *image = &writer->release->images[index];
    pack_json_object(json, NULL);
    pack_json_string(json, "type", "firmware");
    pack_json_string(json, "bom-ref", ref_of(image).text);
    pack_json_string(json, "name", image->name);
    pack_json_string(json, "version",
                     image->version != NULL ? image->version : writer->release->version);
    pack_json_array(json, "hashes");
    pack_json_object(json, NULL);
    pack_json_string(json, "alg", "SHA-256");
    pack_json_hex(json, "content", image->sha256, PACK_SHA256_SIZE);
    pack_json_end(json);
    pack_json_end(json);
    put_image_properties(json, image, &writer->images[index]);
    pack_json_end(json);
}

static void put_refs(const struct writer *writer, const char *name)
{
    pack_json_array(writer->json, name);
    for (size_t i = 0; i < writer->release->image_count; i++)
        pack_json_string(writer->json, NULL, ref_of(&writer->release->images[i]).text);
    pack_json_end(writer->json);
}

static void put_dependencies(const struct writer *writer)
{
    struct pack_json *json = writer->json;
    pack_json_array(json, "dependencies");
    pack_json_object(json, NULL);
    pack_json_string(json, "ref", PRODUCT_REF);
    put_refs(writer, "dependsOn");
    pack_json_end(json);
    for (size_t i = 0; i < writer->release->image_count; i++) {
        pack_json_object(json, NULL);
        pack_json_string(json, "ref", ref_of(&writer->release->images[i]).text);
        pack_json_end(json);
    }
    pack_json_end(json);
}

/* Honest of what is not known: the product is these images, what is in them nobody said. */
static void put_compositions(const struct writer *writer)
{
    struct pack_json *json = writer->json;
    pack_json_array(json, "compositions");
    pack_json_object(json, NULL);
    pack_json_string(json, "aggregate", "complete");
    pack_json_array(json, "assemblies");
    pack_json_string(json, NULL, PRODUCT_REF);
    pack_json_end(json);
    pack_json_end(json);
    pack_json_object(json, NULL);
    pack_json_string(json, "aggregate", "unknown");
    put_refs(writer, "assemblies");
    pack_json_end(json);
    pack_json_end(json);
}

static void put_vulnerabilities(const struct writer *writer)
{
    struct pack_json *json = writer->json;
    if (writer->meta->cve_count == 0)
        return;
    pack_json_array(json, "vulnerabilities");
    for (size_t i = 0; i < writer->meta->cve_count; i++) {
        pack_json_object(json, NULL);
        pack_json_string(json, "id", writer->meta->cves[i]);
        pack_json_object(json, "analysis");
        pack_json_string(json, "state", "resolved");
        pack_json_end(json);
        pack_json_array(json, "affects");
        pack_json_object(json, NULL);
        pack_json_string(json, "ref", PRODUCT_REF);
        pack_json_end(json);
        pack_json_end(json);
        pack_json_end(json);
    }
    pack_json_end(json);
}

/* --- the document ---------------------------------------------------------------------------- */

static int put_document(const struct writer *writer, struct pack_error *error)
{
    struct pack_json *json = writer->json;
    pack_json_object(json, NULL);
    pack_json_string(json, "bomFormat", "CycloneDX");
    pack_json_string(json, "specVersion", "1.6");
    pack_json_string(json, "serialNumber", NO_SERIAL);
    pack_json_unsigned(json, "version", 1);
    const int code = put_metadata(writer, error);
    pack_json_array(json, "components");
    for (size_t i = 0; i < writer->release->image_count; i++)
        put_image(writer, i);
    pack_json_end(json);
    put_dependencies(writer);
    put_compositions(writer);
    put_vulnerabilities(writer);
    pack_json_end(json);
    return code;
}

/*
 * A name made of the content (RFC 9562, version 8): the SHA-256 of the document with the nil UUID
 * in its place.
 */
static int set_serial(char *text, size_t size, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    char serial[sizeof NO_SERIAL];
    const int code = pack_sha256_bytes(text, size, digest, error);
    if (code != 0)
        return code;
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    snprintf(serial, sizeof serial,
             "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
             digest[8], digest[9], digest[10], digest[11], digest[12], digest[13], digest[14],
             digest[15]);
    memcpy(strstr(text, NO_SERIAL), serial, sizeof serial - 1);
    return 0;
}

int sbom_write(char **text, size_t *size, const struct pack_release *release,
               const struct sbom_image *images, struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    PACK_AUTO(pack_release_meta_free) struct pack_release_meta *meta = NULL;
    PACK_AUTO_FREE char *made = NULL;
    const char *written = NULL;
    *text = NULL;
    int code = pack_release_meta_read(&meta, release, error);
    if (code == 0)
        code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    const struct writer writer = {json, release, meta, images};
    code = put_document(&writer, error);
    if (code == 0)
        code = pack_json_finish(json, &written, size, error);
    if (code == 0)
        code = pack_copy_string(&made, written, error);
    if (code == 0)
        code = set_serial(made, *size, error);
    if (code == 0)
        *text = pack_steal(&made);
    return code;
}
