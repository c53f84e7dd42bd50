/* SPDX-License-Identifier: MIT */
#ifndef CLI_SIGN_ANSWERS_H
#define CLI_SIGN_ANSWERS_H

/* Signatures that somebody made elsewhere: files of any kind, told whose they are, and judged. */

#include "signing.h"

#include "pack/bundle.h"
#include "pack/sshsig.h"

enum answer_form { ANSWER_MINISIG, ANSWER_SSHSIG, ANSWER_RAW };

/* One file, and what it was found to be. */
struct answer {
    const char *file;
    enum answer_form form;
    struct pack_signature minisig;
    struct pack_ssh_signature ssh;
    uint8_t raw[PACK_SIGNATURE_SIZE];
    /* Found by judging: */
    bool known;  /* document and key are */
    bool placed; /* it is part of a signature that is taken */
    enum signed_document what;
    const struct pack_public_key *key; /* the trust's, or the signature's own */
    struct pack_error error;           /* why it is refused */
};

/* What answers may be over, and by whom. */
struct answer_court {
    const struct pack_trust *trust; /* NULL: SSH signatures only, proved by their own key */
    struct answer_document {
        const char *name;  /* "release.json" */
        const void *bytes; /* NULL where the bundle does not have it */
        size_t size;
        uint8_t prehash[PACK_PREHASH_SIZE];
        char comment[PACK_MAX_TRUSTED_COMMENT]; /* what fwpack says in its own signatures */
    } documents[SIGNED_DOCUMENTS];
};

/* Reads a file and tells its form. What is none has an error from the start. */
void answer_read(struct answer *answer, const char *file);

/*
 * Judges all of them together, for the two answers of an HSM belong together. Each is placed
 * afterwards, or has an error. Adds a signature for each that is whole, whose text is to be freed
 * with free().
 */
struct answer_signatures {
    size_t count;
    struct pack_given_signature *given;
    const struct answer **from; /* the answer (the first of two) that it came from */
};
PACK_MUST_USE int answers_judge(struct answer *answers, size_t count,
                                const struct answer_court *court,
                                struct answer_signatures *signatures, struct pack_error *error);
void answer_signatures_clear(struct answer_signatures *signatures);

#endif
