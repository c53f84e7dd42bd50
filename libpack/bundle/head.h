/* SPDX-License-Identifier: MIT */
#ifndef BUNDLE_HEAD_H
#define BUNDLE_HEAD_H

/* Which members the head of a bundle has, and in which order they stand. */

#include "bundle/tar.h"
#include "pack/bundle.h"

/* The places of the head, in the order in which members must stand. */
enum head_place {
    HEAD_ROOTS,
    HEAD_RELEASE,
    HEAD_RELEASE_SIGNATURES,
    HEAD_DELIVERY,
    HEAD_DELIVERY_SIGNATURES,
    HEAD_ROLLOUT,
    HEAD_ROLLOUT_SIGNATURES,
    HEAD_PERMIT,
    HEAD_PERMIT_SIGNATURES,
    HEAD_NONE, /* no member of the head */
};

enum head_shape {
    SHAPE_DOCUMENT,  /* the name itself */
    SHAPE_SIGNATURE, /* name.<keyid>.minisig, or .sshsig, ascending */
    SHAPE_ROOT,      /* roots/<n>.root.json, ascending */
};

enum head_place head_place_of(const char *name);
enum head_shape head_shape_of(enum head_place place);
/* The role whose document or signature it is; -1 for trust roots, and for extras: */
int head_role_of(const char *name);
/* The enum pack_extra whose document or signature it is, or -1. */
int head_extra_of(const char *name);
/* The kind of a signature, by the ending of its name. */
enum pack_signature_kind head_kind_of(const char *name);
/* The number of roots/<n>.root.json; 0 when the name is another. */
uint64_t head_root_number(const char *name);
/* The key id in a signature's name. */
void head_keyid_of(const char *name, char keyid[PACK_KEYID_SIZE]);
/* <0, 0, >0: the order of two members of the head; 0 only for the same name. */
int head_order(const char *a, const char *b);

#endif
