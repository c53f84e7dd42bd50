#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Key files both ways: what openssl, ssh-keygen, signify and minisign make, fwpack signs with; what
fwpack writes, they take. Whatever the format, a key's signatures are the same bytes. A check whose
tool is not there is passed over, unless FWPACK_ALL_TOOLS is set."""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys

FWPACK = os.environ["FWPACK"]
FORMATS = ("minisign", "pem", "openssh", "signify")
CIPHERS = ("aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc",
           "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com")
DONE = []


def run(*command, stdin=b""):
    result = subprocess.run(command, capture_output=True, check=False, input=stdin)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.returncode}, {result.stderr.decode()}")
    return result.stdout


def fwpack(*arguments):
    return run(FWPACK, *arguments)


def equal(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def fresh(path):
    """A name that nothing has."""
    for name in (path, path + ".pub", path + ".key"):
        if os.path.exists(name):
            os.unlink(name)
    return path


def needs(*tools):
    """Marks a check that runs where its tools are there."""
    def mark(check):
        missing = [tool for tool in tools if shutil.which(tool) is None]
        if missing and os.environ.get("FWPACK_ALL_TOOLS"):
            sys.exit(f"{missing} must be there")
        if not missing:
            check()
            DONE.append(check.__name__)
        return check
    return mark


def signed(key, *options):
    """fwpack's signature of the text by a key file: the 64 bytes."""
    fwpack("sign", "--detached", "text", "-k", key, "-o", fresh("text.minisig"), "-q", *options)
    return base64.b64decode(read("text.minisig").split(b"\n")[1])[10:]


def exported(key, form, *options):
    """The public half in a format."""
    return fwpack("key", "export", key, "--format", form, *options)


LOCK = ("--new-passphrase-file", "other")


def private(key, form, path, *options):
    """The secret half in a format."""
    fwpack("key", "export", key, "--format", form, "--private", "-o", fresh(path), "-q", *options)
    return path


def show(path):
    return json.loads(fwpack("key", "show", "--json", path))["keys"][0]


write("text", b"what is signed\n")
write("digest", hashlib.blake2b(read("text")).digest())
write("words", b"secret\n")
write("other", b"other words\n")
OPEN = ("--passphrase-file", "words")
REOPEN = ("--passphrase-file", "other")


def same_in_all_formats(key):
    """A plain key goes through every format, and signs the same bytes in each; the public halves
    are one key."""
    wanted, public = signed(key), show(key)["public_key_hex"]
    for form in FORMATS:
        copy = private(key, form, f"copy.{form}", "--no-passphrase")
        equal(signed(copy), wanted, copy)
        write("half", exported(copy, form))
        equal(show("half")["public_key_hex"], public, f"{form} of {key}")
    return wanted


@needs("openssl")
def openssl_keys_sign():
    """PKCS#8 plain, and PBES2 with each hash, cipher and KDF that openssl writes."""
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "ossl.pem")
    os.chmod("ossl.pem", 0o600)
    wanted = same_in_all_formats("ossl.pem")
    run("openssl", "pkeyutl", "-sign", "-inkey", "ossl.pem", "-rawin", "-in", "digest", "-out",
        "raw")
    equal(read("raw"), wanted, "openssl's signature")
    variants = [("-v2", f"aes-{bits}-cbc", "-v2prf", f"hmacWithSHA{hash}", "-iter", "100")
                for bits, hash in ((256, 1), (192, 224), (128, 256), (256, 384), (128, 512))]
    for variant in [*variants, (), ("-scrypt",), ("-scrypt", "-scrypt_N", "1024", "-scrypt_p", "3")]:
        run("openssl", "pkcs8", "-topk8", "-in", "ossl.pem", "-out", "locked.pem", "-passout",
            "pass:secret", *variant)
        equal(signed("locked.pem", *OPEN), wanted, str(variant))


@needs("openssl")
def openssl_takes_ours():
    fwpack("key", "generate", fresh("mine"), "--no-passphrase", "-q")
    wanted = run("openssl", "pkey", "-pubin", "-inform", "PEM", "-outform", "DER",
                 stdin=exported("mine.pub", "pem"))
    equal(hashlib.sha256(wanted).hexdigest(), show("mine.pub")["spki_sha256"], "SPKI")
    private("mine.key", "pem", "mine.pem", *LOCK)
    equal(run("openssl", "pkey", "-in", "mine.pem", "-passin", "pass:other words", "-pubout",
              "-outform", "DER"), wanted, "openssl of an encrypted key")
    run("openssl", "pkeyutl", "-sign", "-inkey", "mine.pem", "-passin", "pass:other words",
        "-rawin", "-in", "digest", "-out", "raw")
    equal(read("raw"), signed("mine.key"), "openssl's signature with our key")
    fwpack("key", "passphrase", "mine.pem", *REOPEN, "--no-passphrase", "-q")
    equal(run("openssl", "pkey", "-in", "mine.pem", "-pubout", "-outform", "DER"), wanted,
          "openssl of a plain key")


@needs("ssh-keygen")
def ssh_keys_sign():
    """With each cipher that ssh-keygen encrypts with."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "me, purpose release", "-f",
        fresh("ssh"))
    wanted = same_in_all_formats("ssh")
    equal(show("ssh")["purpose"], "release", "purpose")
    equal(run("ssh-keygen", "-l", "-f", "ssh.pub").split()[1].decode(),
          show("ssh.pub")["ssh_fingerprint"], "fingerprint")
    for cipher in CIPHERS:
        shutil.copy("ssh", "locked")
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-a", "2", "-Z", cipher, "-f",
            "locked")
        equal(signed("locked", *OPEN), wanted, cipher)


@needs("ssh-keygen")
def ssh_keygen_takes_ours():
    fwpack("key", "generate", fresh("mine"), "--no-passphrase", "-q")
    wanted = exported("mine.pub", "openssh").split()[:2]
    write("mine.line", exported("mine.pub", "openssh"))
    equal(run("ssh-keygen", "-l", "-f", "mine.line").split()[1].decode(),
          show("mine.pub")["ssh_fingerprint"], "fingerprint of our line")
    private("mine.key", "openssh", "mine.ssh", *LOCK)
    equal(run("ssh-keygen", "-y", "-P", "other words", "-f", "mine.ssh").split()[:2], wanted,
          "ssh-keygen of an encrypted key")
    run("ssh-keygen", "-q", "-p", "-P", "other words", "-N", "", "-f", "mine.ssh")
    equal(signed("mine.ssh"), signed("mine.key"), "what ssh-keygen made of our key")
    fwpack("key", "passphrase", "mine.ssh", *LOCK, "-q")
    equal(run("ssh-keygen", "-y", "-P", "other words", "-f", "mine.ssh").split()[:2], wanted,
          "ssh-keygen of a key with our passphrase")


@needs("signify-openbsd")
def signify_keys_sign():
    run("signify-openbsd", "-G", "-n", "-p", "sig.pub", "-s", "sig.sec")
    os.chmod("sig.sec", 0o600)
    same_in_all_formats("sig.sec")
    equal(show("sig.sec")["keyid"], show("sig.pub")["keyid"], "the pair")
    equal(show("sig.sec")["minisign_id"], show("sig.pub")["minisign_id"], "the pair's ids")
    run("signify-openbsd", "-G", "-p", "lock.pub", "-s", "lock.sec", stdin=b"secret\nsecret\n")
    write("half", exported("lock.sec", "pem", *OPEN))
    equal(show("half")["public_key_hex"], show("lock.pub")["public_key_hex"], "an encrypted pair")


@needs("signify-openbsd")
def signify_takes_ours():
    fwpack("key", "generate", fresh("mine"), "--no-passphrase", "-q")
    write("mine.sig.pub", exported("mine.key", "signify"))
    private("mine.key", "signify", "mine.sec", *LOCK)
    for password in (b"other words\n", b""):
        run("signify-openbsd", "-S", "-s", "mine.sec", "-m", "text", "-x", "text.sig",
            stdin=password)
        run("signify-openbsd", "-V", "-p", "mine.sig.pub", "-m", "text", "-x", "text.sig")
        if password:
            fwpack("key", "passphrase", "mine.sec", *REOPEN, "--no-passphrase", "-q")


@needs("minisign")
def minisign_keys_sign():
    run("minisign", "-G", "-W", "-p", fresh("mini.pub"), "-s", fresh("mini.key"))
    same_in_all_formats("mini.key")


@needs("minisign")
def minisign_takes_ours():
    """A key that comes from PEM signs what minisign verifies, and minisign signs with it."""
    fwpack("key", "generate", fresh("mine"), "--no-passphrase", "-q")
    private("mine.key", "pem", "mine.pem", *LOCK)
    fwpack("key", "import", "mine.pem", "-o", "back", *REOPEN, "--new-passphrase-file", "words",
           "-q")
    equal(read("back.pub").split(b"\n")[1], read("mine.pub").split(b"\n")[1], "the public half")
    signed("mine.pem", *REOPEN)
    run("minisign", "-V", "-p", "back.pub", "-m", "text")
    run("minisign", "-S", "-s", "back.key", "-m", "text", "-x", "theirs", stdin=b"secret\n")
    equal(base64.b64decode(read("theirs").split(b"\n")[1])[10:], signed("mine.key"),
          "minisign's signature with our key")


print(f"{len(DONE)} checks: {', '.join(DONE)}")
sys.exit(0 if DONE else 77)
