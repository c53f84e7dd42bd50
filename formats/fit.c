/* SPDX-License-Identifier: MIT */
/* Device trees, and the FIT images that U-Boot loads (U-Boot, doc/usage/fit/source_file_format). */
#include "formats/backends.h"
#include "formats/fdt.h"
#include "formats/support.h"

#include "base/checked.h"
#include "base/memory.h"
#include "pack/digest.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    ROOT = 1,
    SECTION = 2, /* depth of /images and /configurations */
    RECORD = 3,  /* depth of one image or configuration */
    DETAIL = 4,  /* depth of its hashes and signatures */
    MAX_VALUE = 1024,
    MAX_HASH = 64,  /* longer values are signatures, of which the size is told */
    MAX_HASHES = 4, /* of every byte of the file */
};

enum section { OTHER, IMAGES, CONFIGURATIONS };

enum property_kind { TEXT, TEXTS, CELL, CELL_ADDRESS, CELL_TIME, VALUE };

struct property_fact {
    const char *property;
    const char *name; /* of the fact */
    enum property_kind kind;
};

static const struct property_fact root_facts[] = {
    {"description", "description", TEXT},
    {"timestamp", "created", CELL_TIME},
};

static const struct property_fact section_facts[] = {
    {"default", "default_configuration", TEXT},
};

static const struct property_fact record_facts[] = {
    {"description", "description", TEXT},
    {"type", "type", TEXT},
    {"arch", "arch", TEXT},
    {"os", "os", TEXT},
    {"compression", "compression", TEXT},
    {"load", "load", CELL_ADDRESS},
    {"entry", "entry", CELL_ADDRESS},
    {"kernel", "kernel", TEXT},
    {"fdt", "fdt", TEXTS},
    {"ramdisk", "ramdisk", TEXT},
    {"firmware", "firmware", TEXT},
    {"loadables", "loadables", TEXTS},
    {"compatible", "compatible", TEXTS},
};

static const struct property_fact detail_facts[] = {
    {"algo", "algorithm", TEXT},
    {"key-name-hint", "key", TEXT},
    {"sign-images", "covers", TEXTS},
    {"value", "value", VALUE},
};

static const struct property_fact tree_facts[] = {
    {"model", "model", TEXT},
    {"compatible", "compatible", TEXTS},
};

struct fit {
    struct pack_input *input;
    struct pack_facts *facts;
    uint64_t tree_size;
    enum section section;
    bool in_detail;       /* a hash or signature is begun */
    uint64_t hash_budget; /* bytes that may still be hashed: images may overlap */
    /* The image that is begun: where its data is. */
    bool has_data;
    uint64_t data_offset, data_size;
    bool has_load, is_tree;
    uint64_t load;
    struct pack_parts *parts;
    /* The hash that is begun. */
    char algorithm[16];
    uint8_t value[MAX_HASH];
    size_t value_size;
    uint64_t value_offset;
};

/* --- properties ------------------------------------------------------------------------------ */

/* Strings that a zero byte ends each, as one text. */
static void fact_texts(struct pack_facts *facts, const char *name, uint8_t *value, size_t size)
{
    while (size != 0 && value[size - 1] == 0)
        size--;
    for (size_t i = 0; i < size; i++)
        if (value[i] == 0)
            value[i] = ',';
    pack_fact_bytes(facts, name, value, size);
}

static void fact_property(struct pack_facts *facts, const struct property_fact *fact,
                          uint8_t *value, size_t size)
{
    const uint64_t number = fwpack_integer(value, size <= 8 ? size : 0, BIG);
    if (fact->kind == TEXT)
        pack_fact_bytes(facts, fact->name, value, size);
    else if (fact->kind == TEXTS)
        fact_texts(facts, fact->name, value, size);
    else if (fact->kind == VALUE && size <= MAX_HASH)
        pack_fact_hex(facts, fact->name, value, size);
    else if (fact->kind == VALUE)
        fwpack_fact_print(facts, fact->name, "%zu bytes", size);
    else if (fact->kind == CELL_ADDRESS)
        pack_fact_address(facts, fact->name, number);
    else if (fact->kind == CELL_TIME)
        fwpack_fact_time(facts, fact->name, number);
    else
        pack_fact_number(facts, fact->name, number);
}

/* Tells a property that the table names. */
static int tell(struct pack_input *input, struct pack_facts *facts,
                const struct fdt_property *property, const struct property_fact *table,
                size_t count, struct pack_error *error)
{
    uint8_t value[MAX_VALUE];
    for (size_t i = 0; i < count; i++) {
        if (strcmp(table[i].property, property->name) != 0)
            continue;
        const size_t size = (size_t)pack_min(property->size, sizeof value);
        const int code = fwpack_read(input, property->offset, value, size, error);
        if (code == 0)
            fact_property(facts, &table[i], value, size);
        return code;
    }
    return 0;
}

static int read_cell(const struct fit *fit, const struct fdt_property *property, uint64_t *cell,
                     struct pack_error *error)
{
    uint8_t value[4];
    if (property->size != sizeof value)
        return fwpack_malformed(error, property->offset, "%s of %" PRIu32 " bytes, 4 wanted",
                                property->name, property->size);
    const int code = fwpack_read(fit->input, property->offset, value, sizeof value, error);
    *cell = code == 0 ? pack_be32(value) : 0;
    return code;
}

/* Data stands inside, or behind the tree: aligned to 4, or at a place of its own. */
static int take_data(struct fit *fit, const struct fdt_property *property, struct pack_error *error)
{
    uint64_t cell = 0;
    int code = 0;
    if (strcmp(property->name, "data") == 0) {
        fit->has_data = true;
        fit->data_offset = property->offset;
        fit->data_size = property->size;
    } else if (strcmp(property->name, "data-size") == 0) {
        code = read_cell(fit, property, &fit->data_size, error);
    } else if (strcmp(property->name, "data-position") == 0) {
        code = read_cell(fit, property, &fit->data_offset, error);
        fit->has_data = true;
    } else if (strcmp(property->name, "data-offset") == 0) {
        code = read_cell(fit, property, &cell, error);
        fit->data_offset = ((fit->tree_size + 3) & ~UINT64_C(3)) + cell;
        fit->has_data = true;
    }
    return code;
}

static int take_hash_property(struct fit *fit, const struct fdt_property *property,
                              struct pack_error *error)
{
    if (strcmp(property->name, "algo") == 0) {
        const size_t size = (size_t)pack_min(property->size, sizeof fit->algorithm - 1);
        return fwpack_read(fit->input, property->offset, fit->algorithm, size, error);
    }
    if (strcmp(property->name, "value") != 0 || property->size > sizeof fit->value)
        return 0;
    fit->value_size = property->size;
    fit->value_offset = property->offset;
    return fwpack_read(fit->input, property->offset, fit->value, property->size, error);
}

static int on_property(void *user, const struct fdt_property *property, size_t depth,
                       struct pack_error *error)
{
    struct fit *fit = user;
    int code = 0;
    if (depth == ROOT)
        return tell(fit->input, fit->facts, property, root_facts, COUNT(root_facts), error);
    if (fit->section == OTHER)
        return 0;
    if (depth == SECTION)
        return tell(fit->input, fit->facts, property, section_facts, COUNT(section_facts), error);
    if (depth == RECORD && fit->section == IMAGES)
        code = take_data(fit, property, error);
    if (code == 0 && depth == RECORD)
        return tell(fit->input, fit->facts, property, record_facts, COUNT(record_facts), error);
    if (depth != DETAIL || !fit->in_detail)
        return code;
    code = take_hash_property(fit, property, error);
    return code == 0
               ? tell(fit->input, fit->facts, property, detail_facts, COUNT(detail_facts), error)
               : code;
}

/* --- nodes ----------------------------------------------------------------------------------- */

/* What is known of an image's data, before its hashes are told. */
static int tell_data(struct fit *fit, struct pack_error *error)
{
    if (!fit->has_data)
        return 0;
    fit->has_data = false;
    int code = fwpack_inside_file(fit->input, "an image", fit->data_offset, fit->data_size, error);
    if (code != 0)
        return code;
    pack_fact_number(fit->facts, "offset", fit->data_offset);
    pack_fact_number(fit->facts, "size", fit->data_size);
    return fwpack_describe_inside(fit->facts, fit->input, fit->data_offset, fit->data_size, error);
}

static void begin_detail(struct fit *fit, const char *name)
{
    fit->in_detail = true;
    fit->value_size = 0;
    memset(fit->algorithm, 0, sizeof fit->algorithm);
    pack_facts_begin(fit->facts, "integrity");
    pack_fact_text(fit->facts, "name", name);
}

static int on_begin(void *user, const char *name, size_t depth, struct pack_error *error)
{
    struct fit *fit = user;
    if (depth == SECTION)
        fit->section = strcmp(name, "images") == 0           ? IMAGES
                       : strcmp(name, "configurations") == 0 ? CONFIGURATIONS
                                                             : OTHER;
    if (fit->section == OTHER)
        return 0;
    if (depth == RECORD) {
        fit->has_data = false;
        fit->data_offset = fit->data_size = 0;
        pack_facts_begin(fit->facts, fit->section == IMAGES ? "images" : "configurations");
        pack_fact_text(fit->facts, "name", name);
    }
    if (depth != DETAIL)
        return 0;
    const int code = tell_data(fit, error);
    if (strncmp(name, "hash", 4) == 0 || strncmp(name, "signature", 9) == 0)
        begin_detail(fit, name);
    return code;
}

/* Computes the hash where it is a kind that we know; *known is false otherwise. */
static int compute_hash(struct fit *fit, uint8_t digest[PACK_SHA256_SIZE], size_t *size,
                        struct pack_error *error)
{
    PACK_AUTO(pack_sha256_free) struct pack_sha256 *hash = NULL;
    uint8_t piece[16384];
    uint32_t crc = 0;
    *size = 0;
    if (strcmp(fit->algorithm, "crc32") == 0) {
        const int code = fwpack_crc32(fit->input, fit->data_offset, fit->data_size, &crc, error);
        for (size_t i = 0; i < 4; i++)
            digest[i] = (uint8_t)(crc >> (24 - 8 * i));
        *size = 4;
        return code;
    }
    if (strcmp(fit->algorithm, "sha256") != 0)
        return 0;
    int code = pack_sha256_new(&hash, error);
    for (uint64_t done = 0; code == 0 && done < fit->data_size;) {
        const size_t wanted = (size_t)pack_min(fit->data_size - done, sizeof piece);
        code = fwpack_read(fit->input, fit->data_offset + done, piece, wanted, error);
        if (code == 0)
            code = pack_sha256_update(hash, piece, wanted, error);
        done += wanted;
    }
    *size = PACK_SHA256_SIZE;
    return code == 0 ? pack_sha256_finish(hash, digest, error) : code;
}

static int check_hash(struct fit *fit, struct pack_error *error)
{
    uint8_t digest[PACK_SHA256_SIZE];
    size_t size = 0;
    if (fit->section != IMAGES || fit->data_size == 0 || fit->value_size == 0 ||
        fit->data_size > fit->hash_budget)
        return 0;
    fit->hash_budget -= fit->data_size;
    const int code = compute_hash(fit, digest, &size, error);
    if (code != 0 || size == 0)
        return code;
    if (size != fit->value_size || memcmp(digest, fit->value, size) != 0)
        return fwpack_malformed(error, fit->value_offset, "the %s of an image differs",
                                fit->algorithm);
    pack_fact_text(fit->facts, "check", "good");
    return 0;
}

static int on_end(void *user, size_t depth, struct pack_error *error)
{
    struct fit *fit = user;
    int code = 0;
    if (fit->section == OTHER)
        return 0;
    if (depth == DETAIL && fit->in_detail) {
        code = check_hash(fit, error);
        fit->in_detail = false;
        pack_facts_end(fit->facts);
    } else if (depth == RECORD) {
        code = tell_data(fit, error);
        pack_facts_end(fit->facts);
    } else if (depth == SECTION) {
        fit->section = OTHER;
    }
    return code;
}

static int fit_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    struct fit fit = {.input = input, .facts = facts, .hash_budget = input->size};
    if (fit.hash_budget <= UINT64_MAX / MAX_HASHES)
        fit.hash_budget *= MAX_HASHES;
    const struct fdt_visitor visitor = {
        .begin = on_begin, .property = on_property, .end = on_end, .user = &fit};
    uint32_t size = 0;
    const int code = fwpack_fdt_size(input, &size, error);
    fit.tree_size = size;
    return code == 0 ? fwpack_fdt_walk(input, &visitor, error) : code;
}

/* --- parts ----------------------------------------------------------------------------------- */

static int begin_part(void *user, const char *name, size_t depth, struct pack_error *error)
{
    struct fit *fit = user;
    (void)error;
    if (depth == SECTION)
        fit->section = strcmp(name, "images") == 0 ? IMAGES : OTHER;
    if (depth == RECORD)
        fit->has_data = fit->has_load = fit->is_tree = false;
    return 0;
}

static int take_part_property(void *user, const struct fdt_property *property, size_t depth,
                              struct pack_error *error)
{
    struct fit *fit = user;
    char type[8] = "";
    if (fit->section != IMAGES || depth != RECORD)
        return 0;
    if (strcmp(property->name, "load") == 0 && property->size == 4) {
        fit->has_load = true;
        return read_cell(fit, property, &fit->load, error);
    }
    if (strcmp(property->name, "type") == 0 && property->size > sizeof type) {
        const int code = fwpack_read(fit->input, property->offset, type, sizeof type, error);
        fit->is_tree = memcmp(type, "flat_dt", sizeof type) == 0;
        return code;
    }
    return take_data(fit, property, error);
}

static int end_part(void *user, size_t depth, struct pack_error *error)
{
    struct fit *fit = user;
    if (depth == SECTION)
        fit->section = OTHER;
    if (fit->section != IMAGES || depth != RECORD || !fit->has_data)
        return 0;
    return pack_parts_add(fit->parts,
                          &(struct pack_part){.offset = fit->data_offset,
                                              .size = fit->data_size,
                                              .placed = fit->has_load,
                                              .address = fit->load,
                                              .contents = fit->is_tree ? NULL : "code"},
                          error);
}

static int fit_parts(struct pack_input *input, struct pack_parts *parts, struct pack_error *error)
{
    struct fit fit = {.input = input, .parts = parts};
    const struct fdt_visitor visitor = {
        .begin = begin_part, .property = take_part_property, .end = end_part, .user = &fit};
    uint32_t size = 0;
    const int code = fwpack_fdt_size(input, &size, error);
    fit.tree_size = size;
    return code == 0 ? fwpack_fdt_walk(input, &visitor, error) : code;
}

/* --- which of the two ------------------------------------------------------------------------ */

struct sections {
    bool images, configurations;
};

static int note_section(void *user, const char *name, size_t depth, struct pack_error *error)
{
    struct sections *sections = user;
    (void)error;
    sections->images |= depth == SECTION && strcmp(name, "images") == 0;
    sections->configurations |= depth == SECTION && strcmp(name, "configurations") == 0;
    return 0;
}

/*
 * The probe sees the first bytes only, and an image's data may reach far behind them: /images is
 * the first or second node, so that what can be walked tells.
 */
static bool has_images(const uint8_t *head, size_t size)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_error error = {0};
    struct sections sections = {0};
    const struct fdt_visitor visitor = {.partial = true, .begin = note_section, .user = &sections};
    if (pack_input_memory(&input, head, size, "head", &error) != 0)
        return false;
    if (fwpack_fdt_walk(input, &visitor, &error) != 0)
        pack_error_clear(&error);
    return sections.images || sections.configurations;
}

static int fit_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_fdt_magic(head, size) && has_images(head, size) ? 95 : 0;
}

const struct pack_format fwpack_format_fit = {
    .name = "fit",
    .summary = "U-Boot FIT image",
    .suffixes = ".itb .fit",
    .probe = fit_probe,
    .describe = fit_describe,
    .parts = fit_parts,
};

/* --- device tree ----------------------------------------------------------------------------- */

struct tree {
    struct pack_input *input;
    struct pack_facts *facts;
    uint64_t nodes;
};

static int count_node(void *user, const char *name, size_t depth, struct pack_error *error)
{
    struct tree *tree = user;
    (void)name;
    (void)depth;
    (void)error;
    tree->nodes++;
    return 0;
}

static int tell_root(void *user, const struct fdt_property *property, size_t depth,
                     struct pack_error *error)
{
    const struct tree *tree = user;
    return depth == ROOT
               ? tell(tree->input, tree->facts, property, tree_facts, COUNT(tree_facts), error)
               : 0;
}

static int fdt_describe(struct pack_input *input, struct pack_facts *facts,
                        struct pack_error *error)
{
    struct tree tree = {.input = input, .facts = facts};
    const struct fdt_visitor visitor = {.begin = count_node, .property = tell_root, .user = &tree};
    uint32_t size = 0;
    int code = fwpack_fdt_size(input, &size, error);
    if (code == 0)
        code = fwpack_fdt_walk(input, &visitor, error);
    if (code != 0)
        return code;
    pack_fact_number(facts, "tree_size", size);
    pack_fact_number(facts, "nodes", tree.nodes);
    return 0;
}

static int fdt_probe(const uint8_t *head, size_t size, uint64_t total)
{
    (void)total;
    return fwpack_fdt_magic(head, size) ? 90 : 0;
}

const struct pack_format fwpack_format_fdt = {
    .name = "fdt",
    .summary = "device tree",
    .suffixes = ".dtb .dtbo",
    .probe = fdt_probe,
    .describe = fdt_describe,
};
