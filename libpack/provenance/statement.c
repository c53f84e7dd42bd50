/* SPDX-License-Identifier: MIT */
#include "base/memory.h"
#include "pack/attest.h"
#include "pack/json.h"
#include "pack/text.h"

#include <string.h>

/* --- what may stand in it -------------------------------------------------------------------- */

/* Text of the user's, fit for a message. */
struct shown {
    char text[160];
};

static struct shown show(const char *text)
{
    struct shown shown;
    (void)pack_escape(shown.text, sizeof shown.text, text, strlen(text));
    return shown;
}

/* RFC 3986: a scheme, a colon, then characters that need no quotes. */
static bool is_uri(const char *text)
{
    static const char scheme[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-";
    const size_t length = strspn(text, scheme);
    if (length == 0 || text[length] != ':' || text[length + 1] == '\0' ||
        strlen(text) > PACK_MAX_TEXT || strchr("0123456789+.-", text[0]) != NULL)
        return false;
    for (const char *at = text; *at != '\0'; at++)
        if (*at <= ' ' || *at > '~' || strchr("\"<>\\^`{|}", *at) != NULL)
            return false;
    return true;
}

static int check_uri(const char *text, const char *what, struct pack_error *error)
{
    if (is_uri(text))
        return 0;
    (void)pack_fail(error, PACK_E_USAGE, "%s: '%s' is no URI", what, show(text).text);
    return pack_hint(error, "a URI names its scheme: https://ci.example.org/builder");
}

static const struct {
    const char *name;
    size_t digits;
} algorithms[] = {{"sha256", 64}, {"sha512", 128}, {"gitCommit", 40}};
enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

static int check_digest(const struct pack_dependency *dependency, const char *text,
                        struct pack_error *error)
{
    const char *names[ALGORITHMS];
    for (size_t i = 0; i < ALGORITHMS; i++) {
        names[i] = algorithms[i].name;
        if (strcmp(dependency->algorithm, algorithms[i].name) != 0)
            continue;
        const size_t length = strlen(dependency->digest);
        if (length == algorithms[i].digits &&
            strspn(dependency->digest, "0123456789abcdef") == length)
            return 0;
        return pack_fail(error, PACK_E_USAGE, "'%s': %s wants %zu lower-case hexadecimal digits",
                         show(text).text, algorithms[i].name, algorithms[i].digits);
    }
    const char *nearest = pack_nearest(dependency->algorithm, names, ALGORITHMS);
    (void)pack_fail(error, PACK_E_USAGE, "'%s': there is no digest '%s'", show(text).text,
                    show(dependency->algorithm).text);
    return nearest != NULL ? pack_hint(error, "did you mean '%s'?", nearest)
                           : pack_hint(error, "the digests are sha256, sha512 and gitCommit");
}

int pack_dependency_parse(struct pack_dependency *dependency, char **storage, const char *text,
                          struct pack_error *error)
{
    PACK_AUTO_FREE char *copy = NULL;
    int code = pack_copy_string(&copy, text, error);
    if (code != 0)
        return code;
    char *at = strrchr(copy, '@');
    char *colon = at != NULL ? strchr(at, ':') : NULL;
    if (colon == NULL) {
        (void)pack_fail(error, PACK_E_USAGE, "'%s' has no digest", show(text).text);
        return pack_hint(error, "write URI@sha256:HEX");
    }
    *at = *colon = '\0';
    *dependency = (struct pack_dependency){.uri = copy, .algorithm = at + 1, .digest = colon + 1};
    code = check_digest(dependency, text, error);
    if (code == 0)
        code = check_uri(copy, "dependency", error);
    if (code == 0)
        *storage = pack_steal(&copy);
    return code;
}

static int check_text(const char *text, const char *what, struct pack_error *error)
{
    if (strlen(text) <= PACK_MAX_TEXT && pack_utf8_valid(text, strlen(text)))
        return 0;
    return pack_fail(error, PACK_E_USAGE, "%s: '%s' is not UTF-8 of at most %d bytes", what,
                     show(text).text, PACK_MAX_TEXT);
}

static int check_parameters(const struct pack_provenance *provenance, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < provenance->parameter_count; i++) {
        const struct pack_parameter *parameter = &provenance->parameters[i];
        code = check_text(parameter->name, "the name of a parameter", error);
        if (code == 0)
            code = check_text(parameter->value, "the value of a parameter", error);
        for (size_t j = 0; code == 0 && j < i; j++)
            if (strcmp(parameter->name, provenance->parameters[j].name) == 0)
                code = pack_fail(error, PACK_E_USAGE, "parameter '%s' is given twice",
                                 show(parameter->name).text);
    }
    return code;
}

static int check_provenance(const struct pack_provenance *provenance, struct pack_error *error)
{
    int code = check_uri(provenance->builder_id, "builder id", error);
    if (code == 0 && provenance->invocation_id != NULL)
        code = check_text(provenance->invocation_id, "invocation id", error);
    return code != 0 ? code : check_parameters(provenance, error);
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_subject(struct pack_json *json, const char *name,
                          const uint8_t sha256[PACK_SHA256_SIZE])
{
    pack_json_object(json, NULL);
    pack_json_string(json, "name", name);
    pack_json_object(json, "digest");
    pack_json_hex(json, "sha256", sha256, PACK_SHA256_SIZE);
    pack_json_end(json);
    pack_json_end(json);
}

static void write_subjects(struct pack_json *json, const struct pack_provenance *provenance)
{
    const struct pack_release *release = provenance->release;
    pack_json_array(json, "subject");
    for (size_t i = 0; i < release->image_count; i++)
        write_subject(json, release->images[i].name, release->images[i].sha256);
    write_subject(json, "release.json", provenance->release_sha256);
    pack_json_end(json);
}

static void write_parameters(struct pack_json *json, const struct pack_provenance *provenance)
{
    pack_json_object(json, "externalParameters");
    pack_json_string(json, "product", provenance->release->product);
    pack_json_string(json, "version", provenance->release->version);
    if (provenance->parameter_count != 0) {
        pack_json_object(json, "parameters");
        for (size_t i = 0; i < provenance->parameter_count; i++)
            pack_json_string(json, provenance->parameters[i].name, provenance->parameters[i].value);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void write_dependencies(struct pack_json *json, const struct pack_provenance *provenance)
{
    if (provenance->dependency_count == 0)
        return;
    pack_json_array(json, "resolvedDependencies");
    for (size_t i = 0; i < provenance->dependency_count; i++) {
        const struct pack_dependency *dependency = &provenance->dependencies[i];
        pack_json_object(json, NULL);
        pack_json_string(json, "uri", dependency->uri);
        pack_json_object(json, "digest");
        pack_json_string(json, dependency->algorithm, dependency->digest);
        pack_json_end(json);
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void write_run(struct pack_json *json, const struct pack_provenance *provenance)
{
    char time[PACK_TIME_TEXT];
    pack_json_object(json, "runDetails");
    pack_json_object(json, "builder");
    pack_json_string(json, "id", provenance->builder_id);
    pack_json_end(json);
    if (provenance->invocation_id != NULL || provenance->has_time) {
        pack_json_object(json, "metadata");
        if (provenance->invocation_id != NULL)
            pack_json_string(json, "invocationId", provenance->invocation_id);
        if (provenance->has_time) {
            pack_json_string(json, "startedOn", pack_time_text(time, provenance->time));
            pack_json_string(json, "finishedOn", time);
        }
        pack_json_end(json);
    }
    pack_json_end(json);
}

static void write_statement(struct pack_json *json, const struct pack_provenance *provenance)
{
    pack_json_object(json, NULL);
    pack_json_string(json, "_type", PACK_STATEMENT_TYPE);
    write_subjects(json, provenance);
    pack_json_string(json, "predicateType", PACK_PROVENANCE_TYPE);
    pack_json_object(json, "predicate");
    pack_json_object(json, "buildDefinition");
    pack_json_string(json, "buildType", PACK_BUILD_TYPE);
    write_parameters(json, provenance);
    write_dependencies(json, provenance);
    pack_json_end(json);
    write_run(json, provenance);
    pack_json_end(json);
    pack_json_end(json);
}

int pack_provenance_write(char **text, size_t *size, const struct pack_provenance *provenance,
                          struct pack_error *error)
{
    PACK_AUTO(pack_json_free) struct pack_json *json = NULL;
    const char *written = NULL;
    *text = NULL;
    int code = check_provenance(provenance, error);
    if (code == 0)
        code = pack_json_new(&json, true, error);
    if (code != 0)
        return code;
    write_statement(json, provenance);
    code = pack_json_finish(json, &written, size, error);
    if (code == 0 && *size > PACK_MAX_DOCUMENT)
        code = pack_fail(error, PACK_E_LIMIT, "the statement has %zu bytes, %llu are allowed",
                         *size, (unsigned long long)PACK_MAX_DOCUMENT);
    return code != 0 ? code : pack_copy_string(text, written, error);
}
