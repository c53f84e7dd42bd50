/* SPDX-License-Identifier: MIT */
#ifndef KEYSTORE_PKCS11_URI_H
#define KEYSTORE_PKCS11_URI_H

/* PKCS #11 URIs (RFC 7512), strictly: what is not in the grammar is refused, never guessed. */

#include "pack/error.h"

enum pkcs11_attribute {
    PKCS11_TOKEN,
    PKCS11_MANUFACTURER,
    PKCS11_SERIAL,
    PKCS11_MODEL,
    PKCS11_LIBRARY_DESCRIPTION,
    PKCS11_LIBRARY_MANUFACTURER,
    PKCS11_LIBRARY_VERSION,
    PKCS11_SLOT_DESCRIPTION,
    PKCS11_SLOT_MANUFACTURER,
    PKCS11_SLOT_ID,
    PKCS11_OBJECT,
    PKCS11_ID,
    PKCS11_TYPE,
    PKCS11_MODULE_PATH,
    PKCS11_MODULE_NAME,
    PKCS11_PIN_SOURCE,
    PKCS11_ATTRIBUTES
};

/* A value without its percent-encoding, a zero byte behind it; `text` is NULL where not given. */
struct pkcs11_value {
    const char *text;
    size_t size;
};

struct pkcs11_uri {
    struct pkcs11_value values[PKCS11_ATTRIBUTES];
    uint64_t slot;                         /* slot-id as a number */
    uint64_t library_major, library_minor; /* library-version */
    char *memory;                          /* of the values */
};

/*
 * `text` is what follows "pkcs11:". PACK_E_USAGE for what is no such URI. An attribute twice is
 * none. Vendors' own ("x-…") are passed over, as section 2.3 has it; any other name that is not
 * known is refused, and so is pin-value, for the command line can be seen by all.
 */
PACK_MUST_USE int pkcs11_uri_parse(struct pkcs11_uri *uri, const char *text,
                                   struct pack_error *error);
void pkcs11_uri_clear(struct pkcs11_uri *uri);

static inline bool pkcs11_uri_has(const struct pkcs11_uri *uri, enum pkcs11_attribute attribute)
{
    return uri->values[attribute].text != NULL;
}

#endif
