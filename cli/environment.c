/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include "cli.h"
#include "pack/limits.h"

#include <string.h>

const struct variable environment_variables[] = {
    {"SOURCE_DATE_EPOCH", "the time that a build records, in seconds since 1970"},
    {"FWPACK_KEY", "the key that signs where no --key is given"},
    {"FWPACK_TRUST", "the trust root where neither --trust nor --pubkey is given"},
    {"FWPACK_DEVICE", "the device's description where no --device is given"},
    {"FWPACK_JOURNAL", "the journal of signatures where no --journal is given"},
    {"FWPACK_JOBS", "the number of threads where no --jobs is given"},
    {"FWPACK_PASSPHRASE_FILE", "the passphrase's file where no --passphrase-file is given"},
    {"FWPACK_PKCS11_MODULE", "the PKCS#11 module of pkcs11: keys that name none"},
    {"SSH_AUTH_SOCK", "the socket of the ssh-agent that agent: keys are in"},
    {"TPM2TOOLS_TCTI", "how the TPM of tpm2: keys is reached"},
    {"CI", "when true, nothing is ever asked"},
    {"GITHUB_ACTIONS",
     "when true, errors with a line become annotations, and attest knows the builder"},
    {"GITLAB_CI", "when true, attest takes the builder from GitLab's variables"},
    {"NO_COLOR", "no colour, where --color is auto"},
    {"CLICOLOR_FORCE", "colour also where the output is no terminal"},
    {"TERM", "dumb: no colour and no progress bar"},
    {NULL, NULL},
};

const char *cli_variable(const char *name)
{
    return getenv(name);
}

const char *cli_environment(const char *name)
{
    for (const struct variable *variable = environment_variables; variable->name; variable++)
        if (strcmp(variable->name, name) == 0) {
            const char *value = getenv(name);
            return value != NULL && value[0] != '\0' ? value : NULL;
        }
    return NULL;
}

bool environment_true(const char *name)
{
    const char *value = cli_environment(name);
    return value != NULL && strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
}

int cli_created(bool *has, uint64_t *created, struct pack_error *error)
{
    const char *value = cli_environment("SOURCE_DATE_EPOCH");
    *has = value != NULL;
    if (value == NULL)
        return 0;
    if (!number_parse(value, false, created) || *created > PACK_MAX_INTEGER)
        return pack_fail(error, PACK_E_USAGE, "SOURCE_DATE_EPOCH: '%.64s' is no time in seconds",
                         value);
    return 0;
}
