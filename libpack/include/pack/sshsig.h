/* SPDX-License-Identifier: MIT */
#ifndef PACK_SSHSIG_H
#define PACK_SSHSIG_H

/*
 * Signatures of `ssh-keygen -Y sign` (OpenSSH PROTOCOL.sshsig), which is what a person with a FIDO
 * token can make. Keys are ssh-ed25519 and sk-ssh-ed25519@openssh.com.
 */

#include "pack/key.h"

PACK_BEGIN_DECLS

#define PACK_MAX_SSH_NAMESPACE 64 /* with the final zero byte */

struct pack_ssh_signature {
    struct pack_public_key key; /* who says that it signed; proved by verifying only */
    char name_space[PACK_MAX_SSH_NAMESPACE];
    bool sha256; /* the message's hash; else SHA-512 */
    uint8_t bytes[PACK_SIGNATURE_SIZE];
    uint8_t flags;    /* of a FIDO key: 1 user present, 4 user verified */
    uint32_t counter; /* of a FIDO key */
};

/*
 * Parses the armoured text strictly: nothing before or after, canonical base64, nothing behind
 * the blob. `canonical` demands also OpenSSH's own line length (70), so that no byte of a bundle's
 * member is free. PACK_E_MALFORMED; another kind of key PACK_E_UNSUPPORTED by its name.
 */
PACK_API PACK_MUST_USE int pack_ssh_signature_parse(struct pack_ssh_signature *signature,
                                                    const void *bytes, size_t size, bool canonical,
                                                    struct pack_error *error);
/* The armoured text as ssh-keygen writes it; *text to be freed with free(). */
PACK_API PACK_MUST_USE int pack_ssh_signature_format(char **text, size_t *size,
                                                     const struct pack_ssh_signature *signature,
                                                     struct pack_error *error);
/*
 * PACK_E_SIGNATURE when it is not this key's over these bytes in this namespace. Of a FIDO key
 * its application and the user's presence are demanded too.
 */
PACK_API PACK_MUST_USE int pack_ssh_signature_verify(const struct pack_ssh_signature *signature,
                                                     const struct pack_public_key *key,
                                                     const char *name_space, const void *message,
                                                     size_t size, struct pack_error *error);

/* The same of an input of any size. */
PACK_API PACK_MUST_USE int
pack_ssh_signature_verify_input(const struct pack_ssh_signature *signature,
                                const struct pack_public_key *key, const char *name_space,
                                struct pack_input *input, const struct pack_context *context,
                                struct pack_error *error);

PACK_END_DECLS

#endif
