/* SPDX-License-Identifier: MIT */
#ifndef PACK_AGE_H
#define PACK_AGE_H

/*
 * age files (age-encryption.org/v1, C2SP age.md): X25519 recipients, or one passphrase. What is
 * written here opens with the stock `age -d`, and the other way round.
 */

#include "pack/context.h"
#include "pack/io.h"
#include "pack/signer.h"
#include "pack/tpm.h"

PACK_BEGIN_DECLS

#define PACK_MAX_AGE_RECIPIENTS 4096
#define PACK_MAX_AGE_HEADER (1024 * 1024) /* bytes that are read for a header, at most */
#define PACK_AGE_CHUNK 65536              /* plain bytes of each chunk but the last */
#define PACK_AGE_TEXT_SIZE 80             /* an age1… recipient with the final zero byte */

/* What a file is, by how it begins. */
enum pack_age_kind {
    PACK_AGE_NONE,      /* nothing of age's, or not readable */
    PACK_AGE_FILE,      /* encrypted, identities with a passphrase too */
    PACK_AGE_IDENTITY,  /* AGE-SECRET-KEY-1… lines */
    PACK_AGE_RECIPIENT, /* age1… lines */
};
/* Of a regular file; reads its first 4 KiB, into guarded memory. */
PACK_API enum pack_age_kind pack_age_kind_of(const char *path);

/* --- recipients ------------------------------------------------------------------------------ */

/* To whom something is encrypted. */
struct pack_age_recipients;

PACK_API PACK_MUST_USE int pack_age_recipients_new(struct pack_age_recipients **recipients,
                                                   struct pack_error *error);
PACK_API void pack_age_recipients_free(struct pack_age_recipients **recipients);
/*
 * `name` is age1…, or a file of such lines ("#" comments), as `age -R` takes. Where it is neither:
 * PACK_E_KEY_INVALID with the line. The same recipient twice counts once.
 */
PACK_API PACK_MUST_USE int pack_age_recipients_add(struct pack_age_recipients *recipients,
                                                   const char *name, struct pack_error *error);
/*
 * One passphrase, and nobody else beside it, as age allows (PACK_E_USAGE). Asked for at once, to be
 * confirmed; scrypt's work factor is 2^18, as age's.
 */
PACK_API PACK_MUST_USE int pack_age_recipients_passphrase(struct pack_age_recipients *recipients,
                                                          const struct pack_passphrase *passphrase,
                                                          struct pack_error *error);
PACK_API size_t pack_age_recipients_count(const struct pack_age_recipients *recipients);
/* One of them, of recipients that are no passphrase. */
PACK_API void pack_age_recipients_text(const struct pack_age_recipients *recipients, size_t index,
                                       char recipient[PACK_AGE_TEXT_SIZE]);

/* --- identities ------------------------------------------------------------------------------ */

/* Who can open. */
struct pack_age_identities;

PACK_API PACK_MUST_USE int pack_age_identities_new(struct pack_age_identities **identities,
                                                   struct pack_error *error);
PACK_API void pack_age_identities_free(struct pack_age_identities **identities);
/*
 * `name` is a file of AGE-SECRET-KEY-1… lines (also one that age itself encrypted with a
 * passphrase), env:NAME, fd:N, tpm2:FILE (a line that was sealed), or pkcs11:… (X25519 in a token,
 * which is asked for each recipient of a file). Guarded, and refused when exposed, as key files
 * are.
 */
PACK_API PACK_MUST_USE int pack_age_identities_add(struct pack_age_identities *identities,
                                                   const char *name,
                                                   const struct pack_signing_access *access,
                                                   struct pack_error *error);
PACK_API size_t pack_age_identities_count(const struct pack_age_identities *identities);
/* The public half of one of them, as age1…. */
PACK_API void pack_age_identities_recipient(const struct pack_age_identities *identities,
                                            size_t index, char recipient[PACK_AGE_TEXT_SIZE]);
/* Seals one that is in memory to a TPM (pack_tpm_seal_identity); tpm2:PATH names it then. */
PACK_API PACK_MUST_USE int pack_age_identities_seal(const struct pack_age_identities *identities,
                                                    size_t index, const char *path,
                                                    const struct pack_tpm_policy *policy,
                                                    struct pack_error *error);
/* What is encrypted to a passphrase asks this for it, once for all files that it may open. */
PACK_API void pack_age_identities_ask(struct pack_age_identities *identities,
                                      const struct pack_passphrase *passphrase);

/*
 * A new identity file (0600, never replaced), as age-keygen's but for the time: the recipient in a
 * comment, and the secret line; with a passphrase it is an armored age file itself. `recipient`
 * receives age1….
 */
PACK_API PACK_MUST_USE int pack_age_identity_generate(const char *path,
                                                      const struct pack_passphrase *passphrase,
                                                      char recipient[PACK_AGE_TEXT_SIZE],
                                                      struct pack_error *error);

/* --- files ----------------------------------------------------------------------------------- */

/* Bytes of an age file's header and nonce for these recipients; chunks follow. */
PACK_API uint64_t pack_age_header_size(const struct pack_age_recipients *recipients);
/* Bytes of the whole file for `plain` bytes, or UINT64_MAX beyond. */
PACK_API uint64_t pack_age_size(uint64_t header_size, uint64_t plain);

/* Encrypts what is written into it. */
struct pack_age_writer;
/* Writes the header at once. `sink` is borrowed. */
PACK_API PACK_MUST_USE int pack_age_writer_new(struct pack_age_writer **writer,
                                               const struct pack_age_recipients *recipients,
                                               struct pack_sink *sink, struct pack_error *error);
PACK_API struct pack_sink *pack_age_writer_sink(struct pack_age_writer *writer);
/* Writes the last chunk. */
PACK_API PACK_MUST_USE int pack_age_writer_finish(struct pack_age_writer *writer,
                                                  struct pack_error *error);
PACK_API void pack_age_writer_free(struct pack_age_writer **writer);

/* What a header says before anybody opened it. */
struct pack_age_info {
    uint64_t header_size;   /* with the nonce */
    size_t recipient_count; /* but for those that are there to be ignored ("grease") */
    bool passphrase;        /* encrypted to one, and to nobody else */
    bool armored;           /* and header_size is that of the binary file */
};
/*
 * PACK_E_MALFORMED where it is no age file; PACK_E_UNSUPPORTED for another version; PACK_E_LIMIT.
 * Reads little more than the header, so an input that cannot seek is spent.
 */
PACK_API PACK_MUST_USE int pack_age_info(struct pack_age_info *info, struct pack_input *input,
                                         struct pack_error *error);

/*
 * An input over the plain bytes of an age file: reading a range decrypts its chunks only. None of
 * the identities fits: PACK_E_KEY_STORE with the number of recipients; a passphrase that is wrong:
 * PACK_E_PASSPHRASE; a header that was changed, or a chunk that is not authentic: PACK_E_CORRUPT
 * with its offset. `input` is borrowed; with one that cannot seek, offsets may only grow, and where
 * its size is unknown chunks that are passed over are decrypted too. The size is known where the
 * input's is; like every end that a read reports it is proved by the last chunk, which a read that
 * goes on behind the end decrypts. An armored file is held in memory, up to 64 MiB. *plain is
 * closed by pack_input_close, which wipes its keys; it serves one thread at a time.
 */
PACK_API PACK_MUST_USE int pack_age_open(struct pack_input **plain, struct pack_input *input,
                                         const struct pack_age_identities *identities,
                                         struct pack_error *error);

PACK_END_DECLS

#endif
