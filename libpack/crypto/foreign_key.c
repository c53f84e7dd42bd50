/* SPDX-License-Identifier: MIT */
#include "crypto/foreign_key.h"

#include "pack/text.h"

#include <string.h>

#define MAKE_ONE \
    "make a key with 'fwpack key generate NAME', or 'openssl genpkey -algorithm ed25519'"

const struct pack_der_oid pack_key_algorithms[] = {
    {PACK_DER_OID_OF("\x2b\x65\x70"), "an Ed25519 key"},
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"), "an RSA key"},
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"), "an RSA-PSS key"},
    {PACK_DER_OID_OF("\x2a\x86\x48\xce\x3d\x02\x01"), "an ECDSA key (P-256 or its like)"},
    {PACK_DER_OID_OF("\x2a\x86\x48\xce\x38\x04\x01"), "a DSA key"},
    {PACK_DER_OID_OF("\x2a\x86\x48\x86\xf7\x0d\x01\x03\x01"), "a Diffie-Hellman key"},
    {PACK_DER_OID_OF("\x2b\x65\x6e"), "an X25519 key, which encrypts and cannot sign"},
    {PACK_DER_OID_OF("\x2b\x65\x6f"), "an X448 key, which encrypts and cannot sign"},
    {PACK_DER_OID_OF("\x2b\x65\x71"), "an Ed448 key"},
    {NULL, 0, NULL},
};

static int refuse(const char *what, const char *hint, struct pack_error *error)
{
    pack_fail(error, PACK_E_KEY_INVALID, "%s, where an Ed25519 key is wanted", what);
    return pack_hint(error, "%s", hint);
}

int pack_foreign_algorithm(const char *name, struct pack_error *error)
{
    return refuse(name != NULL ? name : "a key of an unknown algorithm", MAKE_ONE, error);
}

int pack_foreign_ssh(struct pack_error *error)
{
    error->code = PACK_E_KEY_INVALID;
    return pack_hint(error,
                     "make a key with 'ssh-keygen -t ed25519', or 'fwpack key generate NAME'");
}

struct foreign {
    const char *start; /* of the label, or of the text */
    const char *what;
    const char *hint;
};

#define AGE_HINT "age's keys encrypt and cannot sign; " MAKE_ONE
#define AGE_FILE_HINT "decrypt it first: age -d FILE | fwpack ... -k fd:0"

static const struct foreign labels[] = {
    {"RSA ", "an RSA key", MAKE_ONE},
    {"EC ", "an ECDSA key (P-256 or its like)", MAKE_ONE},
    {"DSA ", "a DSA key", MAKE_ONE},
    {"DH ", "a Diffie-Hellman key", MAKE_ONE},
    {"CERTIFICATE REQUEST", "a certificate request", "openssl req -noout -pubkey -in FILE"},
    {"NEW CERTIFICATE REQUEST", "a certificate request", "openssl req -noout -pubkey -in FILE"},
    {"CERTIFICATE", "an X.509 certificate",
     "its key alone: openssl x509 -noout -pubkey -in FILE > KEY.pub"},
    {"X509 ", "an X.509 file", "its key alone: openssl x509 -noout -pubkey -in FILE > KEY.pub"},
    {"PGP ", "a PGP file", MAKE_ONE},
    {"SSH SIGNATURE", "an SSH signature", "signatures go to 'fwpack sign --import'"},
    {"AGE ENCRYPTED FILE", "an encrypted age file", AGE_FILE_HINT},
    {"TSS2 ", "a TPM's key", "'fwpack key seal' keeps an Ed25519 key in a TPM, -k tpm2:FILE"},
    {"PKCS7", "a PKCS#7 file", MAKE_ONE},
    {"CMS", "a CMS file", MAKE_ONE},
    {NULL, NULL, NULL},
};

static const struct foreign texts[] = {
    {"PuTTY-User-Key-File-", "a key of PuTTY",
     "make an OpenSSH key of it: puttygen FILE -O private-openssh-new -o KEY"},
    {"AGE-SECRET-KEY-", "an age identity", AGE_HINT},
    {"AGE-PLUGIN-", "an age identity", AGE_HINT},
    {"# created:", "an age identity", AGE_HINT},
    {"age1", "an age recipient", AGE_HINT},
    {"age-encryption.org/", "an encrypted age file", AGE_FILE_HINT},
    {"---- BEGIN SSH2 ", "a key of RFC 4716", "make an OpenSSH line of it: ssh-keygen -i -f FILE"},
    {"\x30", "a binary file (DER?)",
     "make PEM of it: openssl pkey -inform DER -in FILE -out KEY.pem"},
    {"{", "a JSON file (a JWK?)", MAKE_ONE},
    {NULL, NULL, NULL},
};

static const struct foreign *find(const struct foreign *table, struct pack_span text)
{
    for (; table->start != NULL; table++) {
        struct pack_span rest = text;
        if (pack_span_skip(&rest, table->start))
            return table;
    }
    return NULL;
}

int pack_foreign_label(struct pack_span label, struct pack_error *error)
{
    char shown[96];
    const struct foreign *known = find(labels, label);
    if (known != NULL)
        return refuse(known->what, known->hint, error);
    pack_escape(shown, sizeof shown, label.text, label.size);
    pack_fail(error, PACK_E_KEY_INVALID, "a PEM file of the kind \"%s\", where a key is wanted",
              shown);
    return pack_hint(error, MAKE_ONE);
}

/* 0x30 is the digit 0 too, with which base64 may begin. */
static bool is_text(struct pack_span text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((unsigned char)text.text[i] < 0x20 && strchr("\t\r\n", text.text[i]) == NULL)
            return false;
    return true;
}

int pack_foreign_text(struct pack_span text, struct pack_error *error)
{
    const struct foreign *known = find(texts, text);
    if (known == NULL || (known->start[0] == '\x30' && is_text(text)))
        return 0;
    return refuse(known->what, known->hint, error);
}
