/* SPDX-License-Identifier: MIT */
#include "attest_input.h"

#include "environment.h"

#include <stdio.h>
#include <string.h>

/* --- the builder ----------------------------------------------------------------------------- */

/*
 * Where a CI service says who builds. Each id is the variables' values with what is between them;
 * one that is missing leaves the id out.
 */
static const struct service {
    const char *name, *mark; /* `mark` is "true" there */
    const char *builder[5], *invocation[7];
} services[] = {
    {.name = "GitHub Actions",
     .mark = "GITHUB_ACTIONS",
     .builder = {"$GITHUB_SERVER_URL", "/", "$GITHUB_WORKFLOW_REF"},
     .invocation = {"$GITHUB_SERVER_URL", "/", "$GITHUB_REPOSITORY", "/actions/runs/",
                    "$GITHUB_RUN_ID", "/attempts/", "$GITHUB_RUN_ATTEMPT"}},
    {.name = "GitLab CI",
     .mark = "GITLAB_CI",
     .builder = {"$CI_PROJECT_URL", "/-/runners/", "$CI_RUNNER_ID"},
     .invocation = {"$CI_JOB_URL"}},
};

static const char *piece_of(const char *piece)
{
    return piece[0] == '$' ? cli_variable(piece + 1) : piece;
}

static int join(char **joined, const char *const *pieces, size_t count, struct pack_error *error)
{
    size_t size = 1, used = 0;
    for (size_t i = 0; i < count && pieces[i] != NULL; i++) {
        const char *piece = piece_of(pieces[i]);
        if (piece == NULL || piece[0] == '\0')
            return 0;
        size += strlen(piece);
    }
    *joined = malloc(size);
    if (*joined == NULL)
        return pack_fail_memory(error);
    for (size_t i = 0; i < count && pieces[i] != NULL; i++)
        used += (size_t)snprintf(*joined + used, size - used, "%s", piece_of(pieces[i]));
    return 0;
}

static int ask_services(struct attest_input *input, struct pack_error *error)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof services / sizeof services[0]; i++) {
        const struct service *service = &services[i];
        if (!environment_true(service->mark) || input->builder_id != NULL)
            continue;
        code = join(&input->builder_id, service->builder,
                    sizeof service->builder / sizeof service->builder[0], error);
        if (code == 0)
            code = join(&input->invocation_id, service->invocation,
                        sizeof service->invocation / sizeof service->invocation[0], error);
        input->source = service->name;
    }
    return code;
}

static int read_builder(struct attest_input *input, const struct arguments *arguments,
                        struct pack_error *error)
{
    const char *builder = arguments_value(arguments, "builder-id");
    const char *invocation = arguments_value(arguments, "invocation-id");
    const int code = builder == NULL ? ask_services(input, error) : 0;
    if (code != 0)
        return code;
    input->provenance.builder_id = builder != NULL ? builder : input->builder_id;
    input->provenance.invocation_id = invocation != NULL ? invocation : input->invocation_id;
    if (input->provenance.builder_id != NULL)
        return 0;
    pack_fail(error, PACK_E_USAGE, "nothing says what built the images");
    return pack_hint(error, "name the builder: --builder-id https://ci.example.org/firmware");
}

/* --- parameters and dependencies ------------------------------------------------------------- */

static int read_parameters(struct attest_input *input, const struct arguments *arguments,
                           struct pack_error *error)
{
    size_t count = 0;
    const char *const *values = arguments_values(arguments, "parameter", &count);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(values[i], '='); /* the parser has seen to it */
        char *name = strndup(values[i], (size_t)(equals - values[i]));
        if (name == NULL)
            return pack_fail_memory(error);
        input->storage[input->storage_count++] = name;
        input->parameters[i] = (struct pack_parameter){.name = name, .value = equals + 1};
    }
    input->provenance.parameter_count = count;
    input->provenance.parameters = input->parameters;
    return 0;
}

static int read_dependencies(struct attest_input *input, const struct arguments *arguments,
                             struct pack_error *error)
{
    size_t count = 0;
    const char *const *values = arguments_values(arguments, "dependency", &count);
    for (size_t i = 0; i < count; i++) {
        const int code = pack_dependency_parse(
            &input->dependencies[i], &input->storage[input->storage_count], values[i], error);
        if (code != 0)
            return pack_context(error, "--dependency");
        input->storage_count++;
    }
    input->provenance.dependency_count = count;
    input->provenance.dependencies = input->dependencies;
    return 0;
}

int attest_input_read(struct attest_input *input, const struct arguments *arguments,
                      struct pack_error *error)
{
    size_t parameters = 0, dependencies = 0;
    (void)arguments_values(arguments, "parameter", &parameters);
    (void)arguments_values(arguments, "dependency", &dependencies);
    *input = (struct attest_input){.source = NULL};
    input->parameters = calloc(parameters + 1, sizeof *input->parameters);
    input->dependencies = calloc(dependencies + 1, sizeof *input->dependencies);
    input->storage = calloc(parameters + dependencies + 1, sizeof *input->storage);
    if (input->parameters == NULL || input->dependencies == NULL || input->storage == NULL)
        return pack_fail_memory(error);
    int code = read_builder(input, arguments, error);
    if (code == 0)
        code = read_parameters(input, arguments, error);
    if (code == 0)
        code = read_dependencies(input, arguments, error);
    return code != 0 ? code
                     : cli_created(&input->provenance.has_time, &input->provenance.time, error);
}

void attest_input_clear(struct attest_input *input)
{
    for (size_t i = 0; i < input->storage_count; i++)
        free(input->storage[i]);
    free(input->storage);
    free(input->parameters);
    free(input->dependencies);
    free(input->builder_id);
    free(input->invocation_id);
    *input = (struct attest_input){.source = NULL};
}
