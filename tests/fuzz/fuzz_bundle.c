/* SPDX-License-Identifier: MIT */

/*
 * The bundle reader. The second half goes on as if the signatures had been good, for a stolen
 * delivery key chooses all that lies behind them.
 */

#include "base/memory.h"
#include "bundle/trusted.h"
#include "pack/age.h"

#include <stdlib.h>
#include <string.h>

static const struct pack_context context = {.jobs = 1};

static int open_bundle(struct pack_bundle **bundle, struct pack_input **input, const uint8_t *bytes,
                       size_t size, struct pack_error *error)
{
    const int code = pack_input_memory(input, bytes, size, "fuzz.fwb", error);
    return code != 0 ? code : pack_bundle_open(bundle, *input, &context, error);
}

static int believe(struct pack_trusted **trusted, struct pack_bundle *bundle,
                   struct pack_error *error)
{
    int code = pack_allocate(trusted, 1, sizeof **trusted, error);
    if (code != 0)
        return code;
    (*trusted)->bundle = bundle;
    code = pack_bundle_parse_untrusted(bundle, &(*trusted)->release, &(*trusted)->delivery, error);
    return code != 0 ? code
                     : layout_new(&(*trusted)->layout, (*trusted)->release, (*trusted)->delivery,
                                  bundle->head_end, error);
}

/* That of the device in tests/attacks/encryption.py, to which the encrypted seeds are. */
static const char *identity(const char *name)
{
    (void)name;
    return "AGE-SECRET-KEY-1525HA0Q5A8EYCV8TRWJQDGW3G3TLQCW8R5SZNMGX2MU55S2SNJLSM8F4LR\n";
}

static const struct pack_age_identities *identities(void)
{
    static struct pack_age_identities *made;
    const struct pack_signing_access access = {.files = {.environment = identity}};
    struct pack_error error = {0};
    if (made == NULL && (pack_age_identities_new(&made, &error) != 0 ||
                         pack_age_identities_add(made, "env:IDENTITY", &access, &error) != 0))
        abort();
    return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    PACK_AUTO(pack_input_close) struct pack_input *input = NULL;
    PACK_AUTO(pack_bundle_close) struct pack_bundle *bundle = NULL;
    PACK_AUTO(pack_trusted_free) struct pack_trusted *trusted = NULL;
    static struct pack_verify_report report;
    struct pack_error error = {0};
    if (open_bundle(&bundle, &input, data, size, &error) == 0 &&
        believe(&trusted, bundle, &error) == 0) {
        pack_trusted_use_identities(trusted, identities());
        (void)!pack_bundle_verify(trusted, true, &report, &error);
    }
    return 0;
}
