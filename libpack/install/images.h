/* SPDX-License-Identifier: MIT */
#ifndef INSTALL_IMAGES_H
#define INSTALL_IMAGES_H

/* All images of a release on their way into a set, and the slots of which it says nothing. */

#include "install/engine.h"

struct images {
    struct engine *engine;
    struct pack_trusted *trusted;
    struct pack_input *source; /* counted */
    enum pack_set set;
    struct pack_bases *bases;
    struct pack_input *running[PACK_MAX_SLOTS]; /* the running set's, by slot; NULL: none */
    struct pack_install_report *report;
};

/* Opens the running set's slots for reading, as bases; those that cannot be read are left out. */
PACK_MUST_USE int images_open(struct images *images, struct pack_error *error);
void images_close(struct images *images);
/*
 * Whether there is an encoding of each image that fits, hashing the bases in full; PACK_E_NO_SPACE,
 * … where a target does not take its image. Nothing is changed but that plain files are made.
 */
PACK_MUST_USE int images_check_encodings(struct images *images, struct pack_error *error);
PACK_MUST_USE int images_check_targets(struct images *images, struct pack_error *error);
/* Writes and reads back all of them; what an earlier run has done is proved, and stays. */
PACK_MUST_USE int images_write(struct images *images, struct pack_error *error);

#endif
