/* SPDX-License-Identifier: MIT */
#include "base/bytes.h"
#include "document/descriptor_reader.h"
#include "pack/text.h"

#include <string.h>

enum { MAX_VARIABLE_NAME = 64 };

bool pack_variable_name_valid(const char *name, size_t size)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    if (size == 0 || size > MAX_VARIABLE_NAME || strchr(first, name[0]) == NULL)
        return false;
    for (size_t i = 0; i < size; i++)
        if (name[i] == '\0' || strchr(rest, name[i]) == NULL)
            return false;
    return true;
}

static bool is_listed(const struct pack_descriptor_reader *reader, const char *name)
{
    for (const struct pack_variable *at = reader->variables; at != NULL; at = at->next)
        if (strcmp(at->name, name) == 0)
            return true;
    return false;
}

static const char *defined(struct pack_descriptor_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->options->definition_count; i++) {
        if (strcmp(reader->options->definitions[i].name, name) != 0)
            continue;
        reader->definitions_used[i] = true;
        return reader->options->definitions[i].value;
    }
    return NULL;
}

static const char *in_environment(const struct pack_descriptor_reader *reader, const char *name)
{
    return reader->options->environment != NULL ? reader->options->environment(name) : NULL;
}

static void report_undefined(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                             const char *name)
{
    struct pack_error *fault = pack_reader_fault(reader, node, "${%s} is not defined", name);
    if (is_listed(reader, name))
        (void)pack_hint(fault, "give -D %s=VALUE, or set %s in the environment", name, name);
    else if (in_environment(reader, name) != NULL)
        (void)pack_hint(fault,
                        "give -D %s=VALUE, or list %s under 'variables:' to take it from the "
                        "environment",
                        name, name);
    else
        (void)pack_hint(fault, "give -D %s=VALUE; '$${' stands for a plain '${'", name);
}

static const char *value_of(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                            const char *name)
{
    const char *value = defined(reader, name);
    if (value == NULL && is_listed(reader, name))
        value = in_environment(reader, name);
    if (value == NULL)
        report_undefined(reader, node, name);
    return value;
}

/* Puts the variable in whose "${" stands at *at, and moves behind its "}". */
static bool expand_one(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                       const char **at, struct pack_buffer *out)
{
    struct pack_error error = {0};
    const char *name = *at + 2, *end = strchr(name, '}');
    char copy[MAX_VARIABLE_NAME + 1] = {0};
    if (end == NULL) {
        (void)pack_hint(pack_reader_fault(reader, node, "'${' without a '}'"),
                        "'$${' stands for a plain '${'");
        return false;
    }
    if (!pack_variable_name_valid(name, (size_t)(end - name))) {
        (void)pack_hint(pack_reader_fault(reader, node, "'${' without a variable's name behind it"),
                        "a name has letters, digits and '_'; '$${' stands for a plain '${'");
        return false;
    }
    memcpy(copy, name, (size_t)(end - name));
    *at = end + 1;
    const char *value = value_of(reader, node, copy);
    if (value == NULL)
        return false;
    if (pack_buffer_append(out, value, strlen(value), &error) != 0) {
        (void)pack_reader_fail(reader, node, error.code, "%s with its variables", error.text);
        return false;
    }
    return true;
}

static bool expand(struct pack_descriptor_reader *reader, const struct pack_yaml *node,
                   struct pack_buffer *out)
{
    struct pack_error error = {0};
    bool good = true; /* all the variables of a text are looked up, also after a fault */
    for (const char *at = node->text; *at != '\0';) {
        if (strncmp(at, "${", 2) == 0) {
            const char *before = at;
            good = expand_one(reader, node, &at, out) && good;
            if (at == before)
                return false;
            continue;
        }
        const bool escaped = strncmp(at, "$${", 3) == 0;
        if (pack_buffer_append(out, escaped ? "${" : at, escaped ? 2 : 1, &error) != 0) {
            (void)pack_reader_fail(reader, node, error.code, "%s with its variables", error.text);
            return false;
        }
        at += escaped ? 3 : 1;
    }
    return good;
}

const char *pack_reader_expand(struct pack_descriptor_reader *reader, const struct pack_yaml *node)
{
    PACK_AUTO_BUFFER struct pack_buffer out = {.limit = PACK_MAX_SCALAR};
    if (strstr(node->text, "${") == NULL)
        return node->text;
    if (!expand(reader, node, &out))
        return NULL;
    reader->expanded += out.size;
    if (reader->expanded > PACK_MAX_DESCRIPTOR) {
        (void)pack_reader_fail(reader, node, PACK_E_LIMIT, "variables add up to more than 1 MiB");
        return NULL;
    }
    if (!pack_utf8_valid(out.bytes, out.size)) {
        (void)pack_reader_fault(reader, node, "not UTF-8 with its variables");
        return NULL;
    }
    return pack_reader_string(reader, out.bytes != NULL ? (const char *)out.bytes : "");
}

static const char *nearest_variable(const struct pack_descriptor_reader *reader, const char *name)
{
    const char *names[PACK_MAX_VARIABLES];
    size_t count = 0;
    for (const struct pack_variable *at = reader->variables;
         at != NULL && count < PACK_MAX_VARIABLES; at = at->next)
        names[count++] = at->name;
    return pack_nearest(name, names, count);
}

static void warn_unused(struct pack_descriptor_reader *reader, const char *name)
{
    struct pack_error warning = {0};
    (void)pack_fail(&warning, PACK_E_DESCRIPTOR, "-D %s: the descriptor does not use ${%s}", name,
                    name);
    (void)pack_at_file(&warning, reader->sources[0]->path);
    const char *nearest = nearest_variable(reader, name);
    if (nearest != NULL)
        (void)pack_hint(&warning, "did you mean %s?", nearest);
    (void)pack_findings_add(&reader->findings, false, PACK_MAX_SOURCES, &warning);
}

void pack_reader_check_definitions(struct pack_descriptor_reader *reader)
{
    for (size_t i = 0; i < reader->options->definition_count; i++) {
        const char *name = reader->options->definitions[i].name;
        if (!reader->definitions_used[i] && !is_listed(reader, name))
            warn_unused(reader, name);
    }
}
