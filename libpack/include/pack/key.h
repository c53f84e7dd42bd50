/* SPDX-License-Identifier: MIT */
#ifndef PACK_KEY_H
#define PACK_KEY_H

/*
 * Ed25519 keys and minisign signatures. A key IS its 32-byte public key; every id is derived
 * from it or is a hint. Key files are minisign's, signify's, PEM's or OpenSSH's, told apart by
 * their content; signatures are minisign's (prehashed only).
 */

#include "pack/context.h"
#include "pack/digest.h"
#include "pack/io.h"

PACK_BEGIN_DECLS

#define PACK_PUBLIC_KEY_SIZE 32
#define PACK_SIGNATURE_SIZE 64
#define PACK_PREHASH_SIZE 64 /* BLAKE2b-512 of the signed bytes */
#define PACK_KEYID_SIZE 65   /* TUF key id: 64 lower-case hex digits and a zero byte */
#define PACK_MINISIGN_ID_SIZE 8
#define PACK_MAX_TRUSTED_COMMENT 1024
#define PACK_MAX_APPLICATION 128 /* of a FIDO key, with the final zero byte */

enum pack_key_purpose {
    PACK_PURPOSE_ANY,
    PACK_PURPOSE_RELEASE,
    PACK_PURPOSE_DELIVERY,
    PACK_PURPOSE_DEMO
};

struct pack_public_key {
    uint8_t bytes[PACK_PUBLIC_KEY_SIZE];
    char keyid[PACK_KEYID_SIZE];
    /*
     * minisign's key file gives the id; for a key from elsewhere it is derived (the first bytes of
     * the public key's SHA-256), so that a key's signatures are the same bytes wherever it is kept.
     */
    bool has_minisign_id; /* the key's file said it */
    uint8_t minisign_id[PACK_MINISIGN_ID_SIZE];
    /*
     * The relying party of a FIDO key (sk-ssh-ed25519@openssh.com), "ssh:"; empty for all others.
     * Such a key makes .sshsig signatures only, and only of this application.
     */
    char application[PACK_MAX_APPLICATION];
};

/* The formats of key files. */
enum pack_key_format {
    PACK_KEY_MINISIGN,
    PACK_KEY_PEM,     /* PKCS#8 and SubjectPublicKeyInfo (RFC 8410) */
    PACK_KEY_OPENSSH, /* openssh-key-v1, and authorized_keys lines */
    PACK_KEY_SIGNIFY,
    PACK_KEY_FORMAT_COUNT
};
/* "minisign", …; NULL behind the last. */
PACK_API const char *pack_key_format_name(enum pack_key_format format);
/* NULL-safe: an unknown name is false. */
PACK_API bool pack_key_format_parse(const char *name, enum pack_key_format *format);

/* SHA-256 of the TUF key object's canonical JSON, in hex. */
PACK_API PACK_MUST_USE int pack_keyid(const uint8_t key[PACK_PUBLIC_KEY_SIZE],
                                      char keyid[PACK_KEYID_SIZE], struct pack_error *error);

/*
 * TEXT is a public key file: minisign's or signify's two lines, or their base64 line alone; an
 * OpenSSH line (ssh-ed25519, or FIDO's sk-ssh-ed25519@openssh.com); or PEM, SubjectPublicKeyInfo.
 * Lines may end in CR LF, the last one in nothing. Refuses what is no usable point: small or mixed
 * order, not canonical (PACK_E_KEY_INVALID), and keys of other algorithms by their name. A bare key
 * in hex or base64 is not taken, for it could not say that it is a demo key.
 */
PACK_API PACK_MUST_USE int pack_public_key_parse(struct pack_public_key *key, const char *text,
                                                 size_t size, struct pack_error *error);
/*
 * PUB as the user names it: a path, or the text itself of a minisign or an OpenSSH line: what
 * begins with "RW" and goes on in base64 for more than 40 characters, or with "ssh-ed25519 ", is
 * never taken for a path ("./RW…" is). A file that is missing, empty or not readable is
 * PACK_E_UNTRUSTED, for then there is no trusted key.
 */
PACK_API PACK_MUST_USE int pack_public_key_load(struct pack_public_key *key, const char *name,
                                                struct pack_error *error);
/*
 * Whether it is one of the published demo keys, or generated with the demo purpose: its minisign
 * id begins with the bytes "DEMO", so that every spelling of the public key tells.
 */
PACK_API bool pack_public_key_is_demo(const struct pack_public_key *key);
/* minisign's base64 line, with a final zero byte. */
#define PACK_PUBLIC_KEY_TEXT_SIZE 57
PACK_API void pack_public_key_text(const struct pack_public_key *key,
                                   char text[PACK_PUBLIC_KEY_TEXT_SIZE]);
/* minisign's spelling of its 8-byte id: 16 upper-case hex digits, and a zero byte. */
PACK_API void pack_minisign_id_text(const uint8_t id[PACK_MINISIGN_ID_SIZE], char text[17]);

/* OpenSSH's line without a comment, *text to be freed with free(). */
PACK_API PACK_MUST_USE int pack_public_key_ssh_text(char **text, const struct pack_public_key *key,
                                                    struct pack_error *error);
/* "SHA256:…", as `ssh-keygen -l` prints it. */
#define PACK_SSH_FINGERPRINT_SIZE 51
PACK_API PACK_MUST_USE int pack_ssh_fingerprint(char text[PACK_SSH_FINGERPRINT_SIZE],
                                                const struct pack_public_key *key,
                                                struct pack_error *error);
/* SHA-256 of the key's SubjectPublicKeyInfo, by which X.509 and DSSE name keys. */
PACK_API PACK_MUST_USE int pack_spki_sha256(uint8_t digest[PACK_SHA256_SIZE],
                                            const struct pack_public_key *key,
                                            struct pack_error *error);
/*
 * The public key's file in a format, *text to be freed with free(). PACK_E_USAGE for a FIDO key in
 * any but OpenSSH's, and for a demo key in a format that could not say that it is one.
 */
PACK_API PACK_MUST_USE int pack_public_key_format(char **text, size_t *size,
                                                  const struct pack_public_key *key,
                                                  enum pack_key_purpose purpose,
                                                  enum pack_key_format format,
                                                  struct pack_error *error);

/* --- secret keys --------------------------------------------------------------------------- */

/* A secret key in guarded memory: locked, not dumped, wiped by free. */
struct pack_secret_key;

/*
 * Writes the passphrase for `what` into `buffer` (guarded memory, `capacity` bytes with the final
 * zero) and its length; PACK_E_PASSPHRASE when there is none to be had. `confirm` asks twice.
 */
typedef int (*pack_passphrase_fn)(void *user, const char *what, bool confirm, char *buffer,
                                  size_t capacity, size_t *length, struct pack_error *error);

struct pack_passphrase {
    pack_passphrase_fn ask; /* NULL: none can be had */
    void *user;
};

/* Costs of the passphrase KDF for new files: 128 MiB of memory. minisign reads such files. */
#define PACK_KDF_OPSLIMIT UINT64_C(4194304)
#define PACK_KDF_MEMLIMIT UINT64_C(134217728)

PACK_API PACK_MUST_USE int pack_secret_key_generate(struct pack_secret_key **key,
                                                    enum pack_key_purpose purpose,
                                                    struct pack_error *error);
/*
 * KEY as the user names it: a path, `env:NAME` or `fd:N`; of any format, told by its content; keys
 * of other algorithms and programs are refused by name (PACK_E_KEY_INVALID). A path's symlinks are
 * followed and the opened file is judged: a plaintext key that group or others can read, or that
 * another user owns, is refused (PACK_E_KEY_STORE) unless `allow_insecure`. Whatever the file's KDF
 * asks for is honoured up to PACK_MAX_KDF_MEMORY and the limits of docs/key-files.md. `environment`
 * looks a variable up for `env:` (NULL: `env:` is refused), for the library reads no environment.
 */
struct pack_key_access {
    struct pack_passphrase passphrase;
    const char *(*environment)(const char *name);
    bool allow_insecure;
    void (*warn)(void *user, const char *text); /* may be NULL */
    void *user;
};
PACK_API PACK_MUST_USE int pack_secret_key_load(struct pack_secret_key **key, const char *name,
                                                const struct pack_key_access *access,
                                                struct pack_error *error);
PACK_API void pack_secret_key_free(struct pack_secret_key **key);
/*
 * The public half of what NAME holds, a public key or a secret one, which is opened to prove it;
 * and the purpose that it tells.
 */
PACK_API PACK_MUST_USE int pack_public_half_load(struct pack_public_key *public_key,
                                                 enum pack_key_purpose *purpose, const char *name,
                                                 const struct pack_key_access *access,
                                                 struct pack_error *error);

PACK_API const struct pack_public_key *pack_secret_key_public(const struct pack_secret_key *key);
PACK_API enum pack_key_purpose pack_secret_key_purpose(const struct pack_secret_key *key);
/* The format of the file that it came from; minisign for a new one. */
PACK_API enum pack_key_format pack_secret_key_format(const struct pack_secret_key *key);
/* What the files that are written of it say. A demo key's minisign id says it too. */
PACK_API void pack_secret_key_set_purpose(struct pack_secret_key *key,
                                          enum pack_key_purpose purpose);

/*
 * Writes SECRET (0600, never replaced) and PUBLIC (never replaced), both or neither.
 * passphrase->ask NULL writes the key in the clear.
 */
PACK_API PACK_MUST_USE int pack_secret_key_save(const struct pack_secret_key *key,
                                                const char *secret_path, const char *public_path,
                                                const struct pack_passphrase *passphrase,
                                                struct pack_error *error);

/*
 * Writes the secret key alone in a format (0600, never replaced), as that format's own tool reads
 * it. passphrase->ask NULL writes the key in the clear. PACK_E_USAGE as pack_public_key_format.
 */
PACK_API PACK_MUST_USE int pack_secret_key_export(const struct pack_secret_key *key,
                                                  const char *path, enum pack_key_format format,
                                                  const struct pack_passphrase *passphrase,
                                                  struct pack_error *error);
/*
 * Gives the key file PATH another passphrase, in its own format: the new file is complete and
 * synced beside the old one before it takes its name, and has mode 0600. next->ask NULL leaves it
 * in the clear.
 */
PACK_API PACK_MUST_USE int pack_secret_key_rekey(const char *path,
                                                 const struct pack_key_access *access,
                                                 const struct pack_passphrase *next,
                                                 struct pack_error *error);

/*
 * What a key file, public or secret, says of itself, read without its passphrase. Of an encrypted
 * key nothing but the comment and the KDF's cost can be seen, and the public half where the format
 * has it in the clear (OpenSSH); none of that is proved. NAME is a
 * path, "-" for standard input, or `fd:N`.
 */
struct pack_key_info {
    enum pack_key_format format;
    bool secret;
    bool encrypted;
    bool exposed; /* a secret key whose file others can read, or another user owns */
    bool has_key; /* whether `key` is filled: not for encrypted ones of most formats */
    struct pack_public_key key;
    enum pack_key_purpose purpose; /* a hint, from the comment or the demo id */
    const char *kdf;     /* "scrypt", "PBKDF2-HMAC-SHA256", "bcrypt"; NULL if not encrypted */
    uint64_t kdf_memory; /* bytes that the passphrase KDF asks for, or 0 */
    uint64_t kdf_rounds; /* of PBKDF2 and bcrypt, or 0 */
    char comment[PACK_MAX_TRUSTED_COMMENT]; /* the file's own, untrusted; or empty */
};
PACK_API PACK_MUST_USE int pack_key_info_load(struct pack_key_info *info, const char *name,
                                              struct pack_error *error);

/* "release", …; NULL-safe both ways: an unknown name is false. */
PACK_API const char *pack_purpose_name(enum pack_key_purpose purpose);
PACK_API bool pack_purpose_parse(const char *name, enum pack_key_purpose *purpose);

/* --- signatures ---------------------------------------------------------------------------- */

struct pack_signature {
    uint8_t minisign_id[PACK_MINISIGN_ID_SIZE]; /* a hint only */
    uint8_t bytes[PACK_SIGNATURE_SIZE];         /* over the BLAKE2b-512 prehash */
    uint8_t global[PACK_SIGNATURE_SIZE];        /* over bytes and trusted comment */
    char comment[PACK_MAX_TRUSTED_COMMENT];     /* the trusted comment */
};

/* BLAKE2b-512 of what is signed. */
PACK_API PACK_MUST_USE int pack_prehash(struct pack_input *input, uint8_t digest[PACK_PREHASH_SIZE],
                                        const struct pack_context *context,
                                        struct pack_error *error);
PACK_API void pack_prehash_bytes(const void *bytes, size_t size, uint8_t digest[PACK_PREHASH_SIZE]);

/*
 * Something that makes plain Ed25519 signatures: a secret key here, any key store by pack/signer.h.
 * What it returns is verified before it is used.
 */
struct pack_signer {
    const struct pack_public_key *key;
    int (*sign)(const struct pack_signer *signer, const void *message, size_t size,
                uint8_t signature[PACK_SIGNATURE_SIZE], struct pack_error *error);
    void *user;
    const char *role; /* what it signs as, told to external signers: "release", "root"; or NULL */
    /*
     * Told of each document signed, before the signature goes anywhere; a failure keeps it back.
     * `sha256` is the document's. NULL where nobody keeps a journal.
     */
    int (*record)(const struct pack_signer *signer, const uint8_t sha256[PACK_SHA256_SIZE],
                  struct pack_error *error);
    void *record_user;
};
PACK_API struct pack_signer pack_signer_from_key(const struct pack_secret_key *key);

/* One signature of any bytes, verified with the signer's public key (else PACK_E_KEY_STORE). */
PACK_API PACK_MUST_USE int pack_signer_sign(const struct pack_signer *signer, const void *message,
                                            size_t size, uint8_t signature[PACK_SIGNATURE_SIZE],
                                            struct pack_error *error);
/* Calls `record` where there is one, with the SHA-256 of these bytes. */
PACK_API PACK_MUST_USE int pack_signer_record(const struct pack_signer *signer,
                                              const void *document, size_t size,
                                              struct pack_error *error);

/*
 * The two answers of a signer that knows nothing of minisign, such as an HSM by itself: the first
 * is over the 64-byte digest, the second over the first answer followed by the trusted comment.
 * Whether these 64 bytes are that answer of the key.
 */
PACK_API bool pack_signature_is_first(const uint8_t answer[PACK_SIGNATURE_SIZE],
                                      const struct pack_public_key *key,
                                      const uint8_t digest[PACK_PREHASH_SIZE]);
PACK_API bool pack_signature_is_second(const uint8_t answer[PACK_SIGNATURE_SIZE],
                                       const struct pack_public_key *key,
                                       const uint8_t first[PACK_SIGNATURE_SIZE],
                                       const char *comment);

PACK_API PACK_MUST_USE int pack_sign(struct pack_signature *signature,
                                     const struct pack_signer *signer,
                                     const uint8_t digest[PACK_PREHASH_SIZE], const char *comment,
                                     struct pack_error *error);
/*
 * PACK_E_SIGNATURE when either half fails, or when `key` has a minisign id and the signature's
 * is neither that nor the derived one.
 */
PACK_API PACK_MUST_USE int pack_signature_verify(const struct pack_signature *signature,
                                                 const struct pack_public_key *key,
                                                 const uint8_t digest[PACK_PREHASH_SIZE],
                                                 struct pack_error *error);
/*
 * A plain Ed25519 signature over the bytes themselves (RFC 8032), as openssl or a token makes one;
 * PACK_E_SIGNATURE. It says nothing of what the bytes are meant to be.
 */
PACK_API PACK_MUST_USE int pack_raw_signature_verify(const uint8_t signature[PACK_SIGNATURE_SIZE],
                                                     const struct pack_public_key *key,
                                                     const void *message, size_t size,
                                                     struct pack_error *error);
/*
 * Parses a .minisig strictly: exactly four lines ended by line feeds, canonical base64, no CR, no
 * control character, nothing after; the legacy kind is refused by name (PACK_E_MALFORMED).
 * `canonical` demands also the untrusted comment that fwpack writes, so that no byte of a
 * bundle's member is free.
 */
PACK_API PACK_MUST_USE int pack_signature_parse(struct pack_signature *signature, const void *bytes,
                                                size_t size, bool canonical,
                                                struct pack_error *error);
/* The four lines, *text to be freed with free(). */
PACK_API PACK_MUST_USE int pack_signature_format(char **text, size_t *size,
                                                 const struct pack_signature *signature,
                                                 struct pack_error *error);

PACK_END_DECLS

#endif
