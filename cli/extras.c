/* SPDX-License-Identifier: MIT */
#include "extras.h"

#include "pack/text.h"

enum { SHOWN = 16 }; /* devices and groups that are shown, of thousands */

/* --- a permit -------------------------------------------------------------------------------- */

static void print_names(struct cli *cli, void (*print)(struct cli *cli, const char *format, ...),
                        const char *what, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count && i < SHOWN; i++)
        print(cli, "    for the %s %s", what, names[i]);
    if (count > SHOWN)
        print(cli, "    and for %zu more", count - SHOWN);
}

void permit_lines(struct cli *cli, void (*print)(struct cli *cli, const char *format, ...),
                  const struct pack_permit *permit)
{
    char hex[PACK_SHA256_HEX_SIZE], time[PACK_TIME_TEXT];
    print_names(cli, print, "device", permit->devices, permit->device_count);
    print_names(cli, print, "group", permit->groups, permit->group_count);
    pack_sha256_hex(permit->from_sha256, hex);
    if (permit->has_from)
        print(cli, "    from release %s", hex);
    pack_sha256_hex(permit->to_sha256, hex);
    print(cli, "    to release %s", hex);
    if (permit->has_expires)
        print(cli, "    until %s", pack_time_text(time, permit->expires));
}

static void json_names(struct pack_json *json, const char *name, const char *const *names,
                       size_t count)
{
    pack_json_array(json, name);
    for (size_t i = 0; i < count; i++)
        pack_json_string(json, NULL, names[i]);
    pack_json_end(json);
}

static void json_permit_members(struct pack_json *json, const struct pack_permit *permit)
{
    pack_json_string(json, "product", permit->product);
    json_names(json, "devices", permit->devices, permit->device_count);
    json_names(json, "groups", permit->groups, permit->group_count);
    if (permit->has_from)
        pack_json_hex(json, "from_sha256", permit->from_sha256, PACK_SHA256_SIZE);
    pack_json_hex(json, "to_sha256", permit->to_sha256, PACK_SHA256_SIZE);
    if (permit->has_expires)
        pack_json_unsigned(json, "expires", permit->expires);
}

void permit_json(struct pack_json *json, const char *name, const struct pack_permit *permit)
{
    pack_json_object(json, name);
    json_permit_members(json, permit);
    pack_json_end(json);
}

/* --- what a bundle carries ------------------------------------------------------------------- */

static const char *const names[PACK_EXTRAS] = {
    [PACK_EXTRA_PERMIT] = "permit", [PACK_EXTRA_ROLLOUT] = "rollout"};

/* Either, parsed; both NULL where it is not there or cannot be read, which `error` then tells. */
struct extra {
    bool present;
    struct pack_permit *permit;
    struct pack_rollout *rollout;
};

static void extra_clear(struct extra *extra)
{
    pack_permit_free(&extra->permit);
    pack_rollout_free(&extra->rollout);
}

static void extra_read(struct extra *extra, const struct pack_bundle *bundle, enum pack_extra kind,
                       struct pack_error *error)
{
    size_t size = 0;
    const void *bytes = pack_bundle_extra(bundle, kind, &size);
    *extra = (struct extra){.present = bytes != NULL};
    if (bytes == NULL)
        return;
    const int code = kind == PACK_EXTRA_PERMIT
                         ? pack_permit_parse(&extra->permit, bytes, size, error)
                         : pack_rollout_parse(&extra->rollout, bytes, size, error);
    extra->present = code == 0 || error->code != PACK_E_NO_MEMORY;
}

static void print_signatures(struct cli *cli, const struct pack_bundle *bundle,
                             enum pack_extra kind)
{
    const struct pack_signature_member *signatures = NULL;
    const size_t count = pack_bundle_extra_signatures(bundle, kind, &signatures);
    cli_print(cli, "  %s.json: %zu signature%s, not checked", names[kind], count,
              count == 1 ? "" : "s");
    for (size_t i = 0; i < count; i++)
        cli_print(cli, "    %s", signatures[i].keyid);
}

void extras_print(struct cli *cli, const struct pack_bundle *bundle)
{
    for (int kind = 0; kind < PACK_EXTRAS; kind++) {
        CLI_AUTO(extra_clear) struct extra extra;
        struct pack_error error = {.code = PACK_OK};
        extra_read(&extra, bundle, (enum pack_extra)kind, &error);
        if (!extra.present)
            continue;
        print_signatures(cli, bundle, (enum pack_extra)kind);
        if (extra.permit != NULL)
            permit_lines(cli, cli_print, extra.permit);
        else if (extra.rollout != NULL)
            cli_print(cli, "    revision %llu%s", (unsigned long long)extra.rollout->revision,
                      extra.rollout->halted ? ", halts the release" : "");
        else
            cli_print(cli, "    cannot be read: %s", error.text);
    }
}

static void json_extra(struct pack_json *json, const struct extra *extra,
                       const struct pack_error *error)
{
    if (extra->permit != NULL) {
        json_permit_members(json, extra->permit);
    } else if (extra->rollout != NULL) {
        pack_json_hex(json, "release_sha256", extra->rollout->release_sha256, PACK_SHA256_SIZE);
        pack_json_unsigned(json, "revision", extra->rollout->revision);
        pack_json_boolean(json, "halted", extra->rollout->halted);
    } else {
        pack_json_string(json, "unreadable", error->text);
    }
}

void extras_json(struct pack_json *json, const struct pack_bundle *bundle)
{
    for (int kind = 0; kind < PACK_EXTRAS; kind++) {
        CLI_AUTO(extra_clear) struct extra extra;
        const struct pack_signature_member *signatures = NULL;
        struct pack_error error = {.code = PACK_OK};
        extra_read(&extra, bundle, (enum pack_extra)kind, &error);
        if (!extra.present)
            continue;
        pack_json_object(json, names[kind]);
        json_extra(json, &extra, &error);
        pack_json_array(json, "signatures");
        const size_t count =
            pack_bundle_extra_signatures(bundle, (enum pack_extra)kind, &signatures);
        for (size_t i = 0; i < count; i++)
            pack_json_string(json, NULL, signatures[i].keyid);
        pack_json_end(json);
        pack_json_end(json);
    }
}
