/* SPDX-License-Identifier: MIT */
#ifndef CRYPTO_SSHSIG_H
#define CRYPTO_SSHSIG_H

/* What the text of an SSH signature and the bytes that it covers share. */

#include "pack/sshsig.h"

#define PACK_SSHSIG_MAGIC "SSHSIG"

/* "sha512" or "sha256" */
const char *pack_ssh_hash_name(const struct pack_ssh_signature *signature);

#endif
