/* SPDX-License-Identifier: MIT */
#include "encryption.h"

#include "pack/document.h"

#include <string.h>

/* FWPACK_PASSPHRASE_FILE may be that of a key that has nothing to do with this. */
static bool gives_passphrase(const struct arguments *arguments)
{
    uint64_t descriptor = 0;
    return arguments_number(arguments, "passphrase-fd", &descriptor) ||
           (arguments_value(arguments, "passphrase-file") != NULL &&
            !arguments_from_variable(arguments, "passphrase-file"));
}

int cli_identities_load(struct pack_age_identities **identities, struct cli *cli,
                        const char *const *names, size_t count, bool asks, struct pack_error *error)
{
    CLI_AUTO(pack_age_identities_free) struct pack_age_identities *made = NULL;
    const struct pack_passphrase passphrase = cli_passphrase(cli);
    *identities = NULL;
    asks = asks || gives_passphrase(cli->arguments);
    if (count == 0 && !asks)
        return 0;
    const struct pack_signing_access access = cli_signing_access(cli);
    int code = pack_age_identities_new(&made, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = pack_age_identities_add(made, names[i], &access, error);
    if (code != 0)
        return code;
    if (asks)
        pack_age_identities_ask(made, &passphrase);
    *identities = made;
    made = NULL;
    return 0;
}

int cli_identities_open(struct pack_age_identities **identities, struct cli *cli, bool asks,
                        struct pack_error *error)
{
    size_t count = 0;
    const char *const *names = arguments_values(cli->arguments, "identity", &count);
    return cli_identities_load(identities, cli, names, count, asks, error);
}

int cli_recipients_open(struct pack_age_recipients **recipients, struct cli *cli,
                        struct pack_error *error)
{
    CLI_AUTO(pack_age_recipients_free) struct pack_age_recipients *made = NULL;
    const struct pack_passphrase passphrase = cli_passphrase(cli);
    const bool asks = arguments_flag(cli->arguments, "encrypt-passphrase");
    size_t count = 0;
    const char *const *names = arguments_values(cli->arguments, "encrypt-to", &count);
    *recipients = NULL;
    if (count != 0 && asks) {
        pack_fail(error, PACK_E_USAGE, "--encrypt-to and --encrypt-passphrase exclude each other");
        return pack_hint(error, "age allows a passphrase, or recipients");
    }
    if (count == 0 && !asks)
        return 0;
    int code = pack_age_recipients_new(&made, error);
    for (size_t i = 0; code == 0 && i < count; i++)
        code = pack_age_recipients_add(made, names[i], error);
    if (code == 0 && asks)
        code = pack_age_recipients_passphrase(made, &passphrase, error);
    if (code != 0)
        return code;
    *recipients = made;
    made = NULL;
    return 0;
}

bool delivery_is_encrypted(const struct pack_delivery *delivery)
{
    for (size_t i = 0; i < delivery->image_count; i++)
        for (size_t e = 0; e < delivery->images[i].encoding_count; e++)
            if (delivery->images[i].encodings[e].encrypted)
                return true;
    return false;
}
