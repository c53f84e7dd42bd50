# SPDX-License-Identifier: MIT
"""A118: what is left of secrets in a process's memory, for each format of keys and each store.

Each program is looked through twice. While its output waits to be taken, a secret may lie in memory
that is locked and left out of dumps, and nowhere else. When it has done its work and is about to
end, which a library loaded before it (stop_at_end.c) makes it do slowly, nothing may be left."""
import base64
import hashlib
import os
import re
import shutil
import signal
import struct
import subprocess
import unittest

from bundles import KIB, Bundle, Image, Key
from harness import FWPACK, SANITIZED, AttackTest, FullPipe, main, noise, scan_memory
from swtpm import TOOLS, Tpm

OWNER = Key("owner")
PASSPHRASE = b"correct horse 7421 battery"
HERE = os.path.dirname(os.path.abspath(__file__))


def expanded(seed):
    """The scalar and the prefix that RFC 8032 derives from a seed."""
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return bytes(digest[:32]), bytes(digest[32:])


def needles_of(seed):
    scalar, prefix = expanded(seed)
    return {"seed": seed[:16], "half a seed": seed[16:], "scalar": scalar[:16],
            "half a scalar": scalar[15:31], "prefix": prefix[:16], "passphrase": PASSPHRASE,
            "its end": PASSPHRASE[8:]}


def texts_of(data, secret):
    """The base64 of `secret` where it lies in base64 of `data`, in whole groups of characters."""
    start = data.index(secret)
    first, last = (start + 2) // 3 * 4, (start + len(secret)) // 3 * 4
    text = base64.b64encode(data)[first:last]
    return {f"base64 from {at}": text[at:at + 16] for at in range(0, len(text) - 16, 13)}


def der(seed):
    return bytes.fromhex("302e020100300506032b657004220420") + seed


def pem(label, data):
    text = base64.b64encode(data)
    lines = b"\n".join(text[at:at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, lines, label)


def openssh(seed, public):
    def string(data):
        return struct.pack(">I", len(data)) + data
    key = string(b"ssh-ed25519") + string(public)
    private = bytes(8) + key + string(seed + public) + string(b"owner")
    private += bytes(range(1, 1 + -len(private) % 8))
    return (b"openssh-key-v1\0" + string(b"none") + string(b"none") + string(b"")
            + struct.pack(">I", 1) + string(key) + string(private))


class Stopped:
    """A process that stop_at_end.c will stop, and has."""

    def __init__(self, arguments, folder, library, variables, keep):
        self.process = subprocess.Popen(
            [FWPACK, *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, pass_fds=keep,
            env={**os.environ, **variables, "LD_PRELOAD": library})
        self.pid = self.process.pid
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            raise AssertionError(f"ended at once, {status}: {self.process.stdout.read()!r}")

    def end(self):
        self.process.send_signal(signal.SIGCONT)
        out = self.process.communicate(timeout=30)[0]
        return self.process.returncode, out


@unittest.skipIf(SANITIZED, "memory is laid out otherwise, and freed memory kept")
class MemoryTest(AttackTest):
    @classmethod
    def setUpClass(cls):
        cls.library = os.path.abspath("stop_at_end.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", cls.library,
                        f"{HERE}/stop_at_end.c"], check=True)

    def setUp(self):
        super().setUp()
        self.write("x.fwb", Bundle([Image("app", noise(20 * KIB))]).freeze().archive())
        self.write("pass", PASSPHRASE + b"\n", 0o600)
        self.write("owner.pub", OWNER.public_file())

    def nothing_left(self, arguments, needles, variables=None, keep=()):
        stopped = Stopped(arguments, self.folder, self.library, variables or {}, keep)
        found = sorted({(name, words) for name, words, _ in scan_memory(stopped.pid, needles)})
        blind = not list(scan_memory(stopped.pid, {"an argument": arguments[-1].encode()}))
        code, out = stopped.end()
        self.assertEqual(code, 0, out)
        self.assertEqual(found, [], f"left by {arguments}")
        self.assertFalse(blind, "the scan does not see what is there")

    def nothing_open(self, arguments, needles, variables=None, keep=()):
        """Root alone may look at it while it works. Gives the needles that are there."""
        if os.geteuid() != 0:
            return None
        pipe = FullPipe()
        running = self.start(*arguments, stdout=pipe.writing, env=variables, keep=keep)
        running.wait_until_stalled()
        found = list(scan_memory(running.pid, needles))
        with open(f"/proc/{running.pid}/status", encoding="ascii") as file:
            locked = int(re.search(r"VmLck:\s*(\d+)", file.read())[1])
        pipe.drain()
        self.assertEqual(running.end().code, 0)
        for name, words, flags in found:
            self.assertTrue({"lo", "dd"} <= set(flags), f"{name} lies open in {words} ({flags})")
        self.assertGreater(locked, 0, "no memory is locked")
        return {name for name, _, _ in found}

    def sign(self, key, needles, *options, variables=None, keep=()):
        options = ("--passphrase-file", "pass", *options)
        there = self.nothing_open(("sign", "x.fwb", "-k", key, "-o", "-", "-q", *options), needles,
                          variables, keep)
        if there is not None and not key.startswith("tpm2:"):  # a scan that sees what is there
            self.assertLessEqual({"seed", "half a seed"}, there)
        for descriptor in keep:
            os.lseek(descriptor, 0, os.SEEK_SET)
        self.nothing_left(("sign", "x.fwb", "-k", key, "-o", "made.fwb", *options), needles,
                          variables, keep)
        self.succeed("verify", "made.fwb", "-p", "owner.pub")


class Formats(MemoryTest):
    """Key files of each format, plain and encrypted."""

    def tool(self, *command):
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def plain(self, name, content, data):
        texts = texts_of(data, OWNER.seed)
        for text in texts.values():
            self.assertIn(text, content.replace(b"\n", b""))
        self.write(name, content, 0o600)
        self.sign(name, {**needles_of(OWNER.seed), **texts})

    def test_a118_minisign(self):
        text = OWNER.secret_file()
        self.plain("key", text, base64.b64decode(text.split(b"\n")[1]))

    def test_a118_minisign_from_a_descriptor(self):
        text = OWNER.secret_file()
        self.write("key", text, 0o600)
        descriptor = os.open(self.path("key"), os.O_RDONLY)
        data = base64.b64decode(text.split(b"\n")[1])
        self.sign(f"fd:{descriptor}", {**needles_of(OWNER.seed), **texts_of(data, OWNER.seed)},
                  keep=(descriptor,))
        os.close(descriptor)

    def test_a118_minisign_from_a_variable(self):
        """It stays where the system keeps the environment: nobody but its caller can help that."""
        text = OWNER.secret_file()
        texts = texts_of(base64.b64decode(text.split(b"\n")[1]), OWNER.seed)
        stopped = Stopped(("sign", "x.fwb", "-k", "env:KEY", "-o", "made.fwb"), self.folder,
                          self.library, {"KEY": text.decode()}, ())
        found = list(scan_memory(stopped.pid, {**needles_of(OWNER.seed), **texts}))
        self.assertEqual(stopped.end()[0], 0)
        self.assertEqual({name for name, _, _ in found}, set(texts))
        for name, words, _ in found:
            self.assertRegex(words, r"\[stack\]$", name)

    def test_a118_minisign_encrypted(self):
        self.write("key", OWNER.secret_file(), 0o600)
        self.succeed("key", "passphrase", "key", "--new-passphrase-file", "pass")
        self.assertNotIn(OWNER.seed, base64.b64decode(self.read("key").split(b"\n")[1]))
        self.sign("key", needles_of(OWNER.seed))

    def test_a118_pem(self):
        self.plain("key", pem(b"PRIVATE KEY", der(OWNER.seed)), der(OWNER.seed))

    def test_a118_pem_encrypted(self):
        self.need("openssl")
        self.write("plain", pem(b"PRIVATE KEY", der(OWNER.seed)), 0o600)
        for kind in (("-v2", "aes-256-cbc", "-iter", "1000"), ("-scrypt", "-scrypt_N", "1024")):
            self.tool("openssl", "pkcs8", "-topk8", "-in", "plain", "-out", "key", *kind,
                      "-passout", "file:pass")
            self.sign("key", needles_of(OWNER.seed))

    def test_a118_openssh(self):
        blob = openssh(OWNER.seed, OWNER.public)
        self.plain("key", pem(b"OPENSSH PRIVATE KEY", blob), blob)

    def test_a118_openssh_encrypted(self):
        self.need("ssh-keygen")
        self.write("key", pem(b"OPENSSH PRIVATE KEY", openssh(OWNER.seed, OWNER.public)), 0o600)
        self.tool("ssh-keygen", "-q", "-p", "-a", "1", "-P", "", "-N", PASSPHRASE.decode(), "-f",
                  "key")
        self.sign("key", needles_of(OWNER.seed))

    def test_a118_signify(self):
        data = (b"EdBK" + bytes(4 + 16) + hashlib.sha512(OWNER.seed + OWNER.public).digest()[:8]
                + OWNER.minisign_id + OWNER.seed + OWNER.public)
        text = b"untrusted comment: signify secret key\n" + base64.b64encode(data) + b"\n"
        self.plain("key", text, data)


class Stores(MemoryTest):
    """Keys that are elsewhere."""

    def test_a118_token(self):
        """The PIN; the seed is the token's own affair."""
        self.need("softhsm2-util", "openssl")
        os.mkdir(self.path("tokens"))
        self.write("softhsm2.conf", b"directories.tokendir = %s\nobjectstore.backend = file\n"
                                    b"log.level = ERROR\n" % self.path("tokens").encode())
        self.write("key.pem", pem(b"PRIVATE KEY", der(OWNER.seed)), 0o600)
        variables = {"SOFTHSM2_CONF": self.path("softhsm2.conf"),
                     "FWPACK_PKCS11_MODULE": "/usr/lib/softhsm/libsofthsm2.so"}
        def tool(*command):
            subprocess.run(["softhsm2-util", *command], cwd=self.folder, check=True,
                           env={**os.environ, **variables}, capture_output=True)
        pin = PASSPHRASE.decode()
        tool("--init-token", "--free", "--label", "test", "--so-pin", "12345678", "--pin", pin)
        tool("--import", "key.pem", "--token", "test", "--label", "owner", "--id", "01",
             "--pin", pin)
        needles = {name: needle for name, needle in needles_of(OWNER.seed).items()
                   if needle in PASSPHRASE}
        self.nothing_left(("sign", "x.fwb", "-k", "pkcs11:token=test;object=owner",
                           "--passphrase-file", "pass", "-o", "made.fwb"), needles, variables)
        self.succeed("verify", "made.fwb", "-p", "owner.pub")

    def test_a118_tpm(self):
        if [tool for tool in TOOLS if shutil.which(tool) is None]:
            self.skipTest("needs a TPM's tools")
        tpm = Tpm()
        self.addCleanup(tpm.close)
        variables = {"TPM2TOOLS_TCTI": tpm.tcti}
        self.write("key", OWNER.secret_file(), 0o600)
        self.write("pin", PASSPHRASE + b"\n", 0o600)
        self.nothing_left(("key", "seal", "key", "--pin-file", "pin", "-o", "key.tpm"),
                          needles_of(OWNER.seed), variables)
        self.sign("tpm2:key.tpm", needles_of(OWNER.seed), variables=variables)

    def test_a118_tpm_seed_for_one_signature_only(self):
        """While the output waits, the key has signed, and the seed is back in the TPM alone."""
        if os.geteuid() != 0 or [tool for tool in TOOLS if shutil.which(tool) is None]:
            self.skipTest("needs root, and a TPM's tools")
        tpm = Tpm()
        self.addCleanup(tpm.close)
        os.environ["TPM2TOOLS_TCTI"] = tpm.tcti
        self.addCleanup(os.environ.pop, "TPM2TOOLS_TCTI")
        self.write("key", OWNER.secret_file(), 0o600)
        self.succeed("key", "seal", "key", "-o", "key.tpm")
        pipe = FullPipe()
        running = self.start("sign", "x.fwb", "-k", "tpm2:key.tpm", "-o", "-", "-q",
                             stdout=pipe.writing)
        alone = 0  # waiting for the TPM's process is another wait
        while alone < 6:
            running.wait_until_stalled()
            with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
                alone = 0 if file.read() else alone + 1
        found = list(scan_memory(running.pid, needles_of(OWNER.seed)))
        pipe.drain()
        self.assertEqual(running.end().code, 0)
        self.assertEqual(found, [])


class Identities(MemoryTest):
    """age identities, as they decrypt."""

    def setUp(self):
        super().setUp()
        self.succeed("key", "generate", "--type", "age", "--no-passphrase", "-o", "id", "-q")
        comment, line = self.read("id").decode().split("\n")[:2]
        values = ["qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(letter) for letter in line[16:-6].lower()]
        number = sum(value << 5 * at for at, value in enumerate(reversed(values)))
        secret = (number >> len(values) * 5 % 8).to_bytes(32, "big")
        self.needles = {"secret": secret[:16], "half a secret": secret[16:],
                        "line": line[16:40].encode(), "its end": line[40:64].encode(),
                        "passphrase": PASSPHRASE}
        self.need("age")
        self.write("clear", noise(1000))
        subprocess.run(["age", "-r", comment.split()[-1], "-o", "secret.age", "clear"],
                       cwd=self.folder, check=True)

    def decrypt(self, identity, variables=None):
        self.nothing_left(("decrypt", "secret.age", "-i", identity, "--passphrase-file", "pass",
                           "-o", "plain"), self.needles, variables)
        self.assertEqual(self.read("plain"), self.read("clear"))

    def test_a118_identity(self):
        self.decrypt("id")

    def test_a118_identity_sealed(self):
        if [tool for tool in TOOLS if shutil.which(tool) is None]:
            self.skipTest("needs a TPM's tools")
        tpm = Tpm()
        self.addCleanup(tpm.close)
        variables = {"TPM2TOOLS_TCTI": tpm.tcti}
        self.nothing_left(("key", "seal", "id", "--pin-file", "pass", "-o", "id.tpm"), self.needles,
                          variables)
        self.decrypt("tpm2:id.tpm", variables)


class Making(MemoryTest):
    """What makes keys, and changes them."""

    def test_a118_generate(self):
        """The seed is read from the file that was made."""
        self.needles_after("key", "generate", "--no-passphrase", "new")

    def needles_after(self, *arguments):
        stopped = Stopped(arguments, self.folder, self.library, {}, ())
        data = base64.b64decode(self.read("new.key").split(b"\n")[1])
        seed = data[62:94]
        found = list(scan_memory(stopped.pid, {**needles_of(seed), **texts_of(data, seed)}))
        self.assertEqual(stopped.end()[0], 0)
        self.assertEqual(found, [])


main()
