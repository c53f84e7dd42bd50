/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_FOREIGN_KEY_H
#define CRYPTO_FOREIGN_KEY_H

/* Keys that fwpack does not sign with, known well enough to be refused by their name. */

#include "crypto/der.h"
#include "crypto/textline.h"

/* A PEM label that is none of ours: always PACK_E_KEY_INVALID. */
PACK_MUST_USE int pack_foreign_label(struct pack_span label, struct pack_error *error);
/* PACK_E_KEY_INVALID where the text begins as another program's does. */
PACK_MUST_USE int pack_foreign_text(struct pack_span text, struct pack_error *error);
/* PACK_E_KEY_INVALID, "an RSA key, where …"; for a NULL name "a key of an unknown algorithm, …". */
PACK_MUST_USE int pack_foreign_algorithm(const char *name, struct pack_error *error);
/* The same of what pack_ssh_public_key_parse found another type of key: keeps its text. */
PACK_MUST_USE int pack_foreign_ssh(struct pack_error *error);
/* The algorithms of keys that PKCS#8 and SubjectPublicKeyInfo may name; the first is Ed25519. */
extern const struct pack_der_oid pack_key_algorithms[];

#endif
