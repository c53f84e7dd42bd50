/* SPDX-License-Identifier: MIT */
#include "key_command.h"

#include "pack/tpm.h"

#include <string.h>

bool key_is_sealed(const char *path)
{
    CLI_AUTO(pack_input_close) struct pack_input *input = NULL;
    struct pack_error ignored = {0};
    uint8_t head[64];
    size_t got = 0;
    return strcmp(path, "-") != 0 && pack_input_open_regular(&input, path, &ignored) == 0 &&
           pack_input_read(input, 0, head, sizeof head, &got, &ignored) == 0 &&
           pack_sealed_probe(head, got);
}

static void describe_members(struct cli *cli, const char *path, const struct pack_sealed_info *info,
                             const char *pcrs)
{
    struct pack_json *json = cli_json(cli);
    const bool signs = info->kind == PACK_SEALED_ED25519;
    pack_json_string(json, "file", path);
    pack_json_string(json, "kind", "sealed");
    pack_json_boolean(json, "encrypted", true);
    if (signs)
        pack_json_string(json, "purpose", pack_purpose_name(info->purpose));
    else
        pack_json_string(json, "recipient", info->recipient);
    pack_json_string(json, "pcrs", pcrs);
    pack_json_boolean(json, "pin", info->pin);
}

int key_describe_sealed(struct cli *cli, const char *path, struct pack_error *error)
{
    struct pack_sealed_info info;
    char pcrs[PACK_PCRS_TEXT_SIZE];
    const int code = pack_sealed_info_load(&info, path, error);
    if (code != 0)
        return code;
    const bool signs = info.kind == PACK_SEALED_ED25519;
    pack_pcrs_text(info.pcrs, pcrs);
    cli_print_styled(cli, STYLE_BOLD, "%s: %s, sealed to a TPM", path,
                     signs ? "secret key" : "age identity");
    pack_json_object(cli_json(cli), NULL);
    describe_members(cli, path, &info, pcrs);
    if (signs)
        key_print_ids(cli, &info.key, pack_purpose_name(info.purpose));
    else
        cli_print(cli, "  recipient    %s", info.recipient);
    cli_print(cli, "  sealed to    PCR %s%s", pcrs, info.pin ? ", with a PIN" : "");
    pack_json_end(cli_json(cli));
    return 0;
}
