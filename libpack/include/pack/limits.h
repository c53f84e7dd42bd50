/* SPDX-License-Identifier: MIT */
#ifndef PACK_LIMITS_H
#define PACK_LIMITS_H

#include <stdint.h>

/* Every limit that a reader of untrusted bytes enforces, in one table. */

#define PACK_KIB UINT64_C(1024)
#define PACK_MIB (UINT64_C(1024) * PACK_KIB)
#define PACK_GIB (UINT64_C(1024) * PACK_MIB)

#define PACK_MAX_DOCUMENT (1 * PACK_MIB)           /* release.json and its like */
#define PACK_MAX_DESCRIPTOR (1 * PACK_MIB)         /* the YAML descriptor, each included file */
#define PACK_MAX_SCALAR (64 * PACK_KIB)            /* one scalar of a descriptor */
#define PACK_MAX_NESTING 32                        /* JSON and YAML */
#define PACK_MAX_NODES 65536                       /* maps, lists and texts of a descriptor */
#define PACK_MAX_SIGNATURE (16 * PACK_KIB)         /* one signature member or file */
#define PACK_MAX_RAW_SIGNED (256 * PACK_MIB)       /* bytes under a raw signature, held in memory */
#define PACK_MAX_SIGNERS 64                        /* signatures on one document */
#define PACK_MAX_IMAGES 256                        /* images of a release */
#define PACK_MAX_ENCODINGS 64                      /* encodings of one image */
#define PACK_MAX_COMPATIBLE 64                     /* hardware that a release fits */
#define PACK_MAX_ATTACHMENTS 256                   /* attachments of a release */
#define PACK_MAX_ATTACHMENT (64 * PACK_MIB)        /* one attachment, proved in memory */
#define PACK_MAX_META 4096                         /* entries of a list that meta is known for */
#define PACK_MAX_ATTESTATION (2 * PACK_MIB)        /* an envelope: a statement in base64 */
#define PACK_MAX_ROOTS 64                          /* roots/ in one bundle */
#define PACK_MAX_NAME 41                           /* [a-z0-9][a-z0-9._-]{0,40} */
#define PACK_MAX_VERSION 255                       /* characters of a SemVer string */
#define PACK_MAX_TEXT 1024                         /* product, compatible, other short text */
#define PACK_MAX_SEGMENTS 65536                    /* of a segmented image */
#define PACK_MAX_SEGMENTED (256 * PACK_MIB)        /* data of a segmented image, held in memory */
#define PACK_MAX_INTEGER ((UINT64_C(1) << 53) - 1) /* integers in documents */
#define PACK_MAX_TABLES (64 * PACK_MIB)            /* block and frame tables of one bundle */
#define PACK_MAX_KEY_FILE (16 * PACK_KIB)          /* key files of any format */
#define PACK_MAX_PASSPHRASE 1024                   /* bytes */
#define PACK_MAX_KDF_MEMORY (1 * PACK_GIB)         /* honoured when read from a key file */
#define PACK_MIN_BLOCK 512
#define PACK_MAX_BLOCK (1 * PACK_MIB)
#define PACK_DEFAULT_BLOCK (64 * PACK_KIB)
#define PACK_DEFAULT_DECODER_MEMORY (64 * PACK_MIB)
#define PACK_DEFAULT_PATCH_MEMORY (1 * PACK_GIB) /* to apply one; it opens packed images */

#endif
