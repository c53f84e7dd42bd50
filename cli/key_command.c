/* SPDX-License-Identifier: MIT */
#include "key_command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int key_make_path(char **path, struct pack_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(path, format, arguments);
    va_end(arguments);
    if (length >= 0)
        return 0;
    *path = NULL;
    return pack_fail_memory(error);
}

void key_pair_clear(struct key_pair *pair)
{
    free(pair->secret);
    free(pair->public);
}

int key_pair_name(struct key_pair *pair, const char *name, struct pack_error *error)
{
    size_t length = strlen(name);
    if (length > 4 && strcmp(name + length - 4, ".key") == 0)
        length -= 4;
    if (length == 0 || name[length - 1] == '/' || strcmp(name, "-") == 0) {
        pack_fail(error, PACK_E_USAGE, "'%s' is no name for key files", name);
        return pack_hint(error, "fwpack key generate release makes release.key and release.pub");
    }
    const int code = key_make_path(&pair->secret, error, "%.*s.key", (int)length, name);
    return code != 0 ? code : key_make_path(&pair->public, error, "%.*s.pub", (int)length, name);
}

int key_check_free(const char *path, struct pack_error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return 0;
    pack_fail(error, PACK_E_EXISTS, "exists, and is never overwritten");
    pack_at_file(error, path);
    return pack_hint(error, "choose another name, or move the old file away");
}

void key_print_ids(struct cli *cli, const struct pack_public_key *key, const char *purpose)
{
    struct pack_json *json = cli_json(cli);
    const bool is_fido = key->application[0] != '\0'; /* it makes no minisign signatures */
    char id[17], line[PACK_PUBLIC_KEY_TEXT_SIZE];
    pack_minisign_id_text(key->minisign_id, id);
    pack_public_key_text(key, line);
    cli_print(cli, "  key id       %s", key->keyid);
    if (!is_fido)
        cli_print(cli, "  minisign id  %s", id);
    cli_print(cli, "  purpose      %s", purpose);
    if (!is_fido)
        cli_print(cli, "  public key   %s", line);
    pack_json_string(json, "keyid", key->keyid);
    if (!is_fido) {
        pack_json_string(json, "minisign_id", id);
        pack_json_string(json, "public_key", line);
    }
    pack_json_hex(json, "public_key_hex", key->bytes, sizeof key->bytes);
    pack_json_boolean(json, "demo", pack_public_key_is_demo(key));
}

int key_pair_rehearse(struct cli *cli, const struct key_pair *pair, struct pack_error *error)
{
    int code = key_check_free(pair->secret, error);
    if (code == 0)
        code = key_check_free(pair->public, error);
    if (code != 0)
        return code;
    cli_print(cli, "would write %s and %s", pair->secret, pair->public);
    pack_json_boolean(cli_json(cli), "changed", false);
    pack_json_string(cli_json(cli), "secret", pair->secret);
    pack_json_string(cli_json(cli), "public", pair->public);
    return 0;
}

void key_pair_report(struct cli *cli, const struct key_pair *pair,
                     const struct pack_secret_key *key, bool encrypted)
{
    struct pack_json *json = cli_json(cli);
    const char *purpose = pack_purpose_name(pack_secret_key_purpose(key));
    cli_print_styled(cli, STYLE_BOLD, "%s: secret key, %s", pair->secret,
                     encrypted ? "encrypted" : "not encrypted: whoever reads it can sign");
    cli_print_styled(cli, STYLE_BOLD, "%s: public key, for those who verify", pair->public);
    pack_json_boolean(json, "changed", true);
    pack_json_string(json, "secret", pair->secret);
    pack_json_string(json, "public", pair->public);
    pack_json_boolean(json, "encrypted", encrypted);
    pack_json_string(json, "purpose", purpose);
    key_print_ids(cli, pack_secret_key_public(key), purpose);
    cli_note(cli, "keep a copy of %s elsewhere: nobody can make it again", pair->secret);
    cli_note(cli, "sign with -k %s, verify with -p %s", pair->secret, pair->public);
}
