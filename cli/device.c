/* SPDX-License-Identifier: MIT */
#include "device.h"

#include "encryption.h"

#include <string.h>

static bool given(const struct cli *cli, const char *name)
{
    return command_option_named(cli->command, name, strlen(name)) != NULL &&
           arguments_flag(cli->arguments, name);
}

int cli_device_open(struct cli_device *device, struct cli *cli, struct pack_error *error)
{
    const char *path = arguments_value(cli->arguments, "device");
    *device = (struct cli_device){.path = path != NULL ? path : DEVICE_FILE};
    const int code = pack_device_read(&device->device, device->path, cli_finding, cli, error);
    if (code == PACK_E_NOT_FOUND && path == NULL)
        return pack_hint(error, "name the device's file: -d device.yaml, or FWPACK_DEVICE");
    device->engine = (struct pack_engine){.context = cli->context,
                                          .device = device->device,
                                          .first = given(cli, "first"),
                                          .retry = given(cli, "retry"),
                                          .reboot = given(cli, "reboot"),
                                          .dry_run = cli->dry_run};
    return code;
}

/* A device that lost its identity must still take a release that is not encrypted. */
static int do_without(struct cli *cli, struct pack_error *error)
{
    if (error->code == PACK_E_INTERRUPTED || error->code == PACK_E_NO_MEMORY)
        return (int)error->code;
    cli_warn(cli, "%s%s%s: what is encrypted cannot be opened", error->file,
             error->file[0] != '\0' ? ": " : "", error->text);
    pack_error_clear(error);
    return 0;
}

int cli_device_identities(struct cli_device *device, struct cli *cli, struct pack_error *error)
{
    const struct pack_device *read = device->device;
    int code = cli_identities_open(&device->identities, cli, false, error);
    if (code == 0 && device->identities == NULL && read->identity_count != 0 &&
        cli_identities_load(&device->identities, cli, read->identities, read->identity_count, false,
                            error) != 0)
        code = do_without(cli, error);
    device->engine.identities = device->identities;
    return code;
}

void cli_device_close(struct cli_device *device)
{
    pack_age_identities_free(&device->identities);
    pack_device_free(&device->device);
    *device = (struct cli_device){.path = NULL};
}

void cli_device_set_json(struct pack_json *json, const char *name, bool known, enum pack_set set)
{
    if (known)
        pack_json_string(json, name, pack_set_name(set));
    else
        pack_json_null(json, name);
}
