# SPDX-License-Identifier: MIT
"""A17, A18 and A114 to A119 for key files of PEM, OpenSSH and signify, which are written here from
their own specifications."""
import base64
import hashlib
import os
import re
import resource
import struct
import subprocess

from bundles import KIB, Bundle, Image, Key
from harness import SANITIZED, AttackTest, FullPipe, main, noise, scan_memory

OWNER, SECOND = Key("owner"), Key("second")
ED25519 = bytes.fromhex("06032b6570")


# --- the formats ---------------------------------------------------------------------------------


def der(tag, *parts):
    content = b"".join(parts)
    length = len(content)
    head = bytes([length]) if length < 128 else bytes([0x81, length])
    return bytes([tag]) + head + content


def integer(number):
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def pem(label, content):
    text = base64.encodebytes(content).replace(b"\n", b"")
    lines = b"\n".join(text[at:at + 64] for at in range(0, len(text), 64))
    return b"-----BEGIN %s-----\n%s\n-----END %s-----\n" % (label, lines, label)


def pkcs8(key, public=None):
    """PKCS#8 of version 1, or of version 2 with a public half."""
    half = der(0x81, b"\0" + public) if public else b""
    return pem(b"PRIVATE KEY", der(0x30, integer(1 if public else 0), der(0x30, ED25519),
                                   der(4, der(4, key.seed)), half))


def spki(point):
    return pem(b"PUBLIC KEY", der(0x30, der(0x30, ED25519), der(3, b"\0" + point)))


def pbes2(kdf, data=bytes(48)):
    cipher = der(0x30, bytes.fromhex("060960864801650304012a"), der(4, bytes(16)))
    scheme = der(0x30, bytes.fromhex("06092a864886f70d01050d"), der(0x30, kdf, cipher))
    return pem(b"ENCRYPTED PRIVATE KEY", der(0x30, scheme, der(4, data)))


def pbkdf2(rounds):
    return der(0x30, bytes.fromhex("06092a864886f70d01050c"),
               der(0x30, der(4, bytes(8)), integer(rounds)))


def scrypt(n, r, p):
    return der(0x30, bytes.fromhex("06092b06010401da47040b"),
               der(0x30, der(4, bytes(8)), integer(n), integer(r), integer(p)))


def string(*parts):
    content = b"".join(parts)
    return struct.pack(">I", len(content)) + content


def ssh_blob(point):
    return string(b"ssh-ed25519") + string(point)


def ssh_line(point):
    return b"ssh-ed25519 " + base64.b64encode(ssh_blob(point)) + b" somebody\n"


def openssh(key, outer=None, inner=None, last=None, rounds=None):
    """A plain key whose three copies of the public half may be others; or one that says that it is
    encrypted, at such a cost."""
    section = bytes(8) + string(b"ssh-ed25519") + string(inner or key.public)
    section += string(key.seed, last or key.public) + string(b"")
    section += bytes(range(1, 1 + -len(section) % 16))
    names = string(b"none") + string(b"none") + string()
    if rounds is not None:
        options = string(string(bytes(16)), struct.pack(">I", rounds))
        names = string(b"aes256-ctr") + string(b"bcrypt") + options
    body = b"openssh-key-v1\0" + names + struct.pack(">I", 1)
    body += string(ssh_blob(outer or key.public)) + string(section)
    return pem(b"OPENSSH PRIVATE KEY", body)


def signify(key, public=None, rounds=0):
    secret = key.seed + (public or key.public)
    body = b"EdBK" + struct.pack(">I", rounds) + bytes(16) + hashlib.sha512(secret).digest()[:8]
    body += key.minisign_id + secret
    return b"untrusted comment: x\n" + base64.b64encode(body) + b"\n"


PLAIN = {"pem": pkcs8(OWNER), "pem of version 2": pkcs8(OWNER, OWNER.public),
         "openssh": openssh(OWNER), "signify": signify(OWNER)}


# --- the attacks ---------------------------------------------------------------------------------


class KeyFileTest(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("message", b"text\n")
        self.write("words", b"secret\n", 0o600)

    def sign(self, name, *options):
        return ("sign", "--detached", "message", "-k", name, *options)


class Contents(KeyFileTest):
    def test_a17_points_that_are_no_keys(self):
        points = ("01" + 31 * "00", "ec" + 30 * "ff" + "7f", 32 * "00", "02" + 31 * "00",
                  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                  "ea5ef8400c31ef41e28f22e718b43f66981b29cf645af2a0e223799bedaace47",
                  "8b2a59ac4324b312dd8d7e5480f0d2e11412b04eeb4e515268a730a951142b6c",
                  "ed" + 30 * "ff" + "7f")
        for point in map(bytes.fromhex, points):
            for text in (spki(point), ssh_line(point)):
                self.write("x.pub", text)
                self.refuse(3, "key", "show", "x.pub", says="not a usable key")
                self.refuse(3, "key", "export", "x.pub", "--format", "minisign", says="usable key")
                self.refuse(3, "verify", "message", "-p", "x.pub", says="not a usable key")
            self.refuse(3, "verify", "message", "-p", ssh_line(point).decode().strip(),
                        says="not a usable key")

    def test_a2_lengths(self):
        for size in (0, 31, 33, 64):
            for text in (spki(bytes(size)), ssh_line(bytes(size))):
                self.write("x.pub", text)
                self.refuse(3, "key", "show", "x.pub", says=f"has {size} bytes, 32 wanted")

    def test_a18_another_public_half(self):
        """What would be the double public key oracle: no signature is made."""
        other = SECOND.public
        for text in (pkcs8(OWNER, other), openssh(OWNER, outer=other), openssh(OWNER, inner=other),
                     openssh(OWNER, last=other), openssh(OWNER, other, other, other),
                     signify(OWNER, other)):
            self.write("x.key", text, 0o600)
            for arguments in (self.sign("x.key"), ("key", "export", "x.key", "--format", "pem"),
                              ("key", "import", "x.key", "-o", "made", "--no-passphrase"),
                              ("key", "passphrase", "x.key", "--no-passphrase")):
                self.refuse(3, *arguments, says="the key is damaged: its public half")

    def test_a18_the_same_key_signs_the_same(self):
        made = set()
        for name, text in PLAIN.items():
            self.write("x.key", text, 0o600)
            self.succeed(*self.sign("x.key"))
            made.add(base64.b64decode(self.read("message.minisig").split(b"\n")[1])[10:])
        self.assertEqual(len(made), 1)

    def test_a119_absurd_costs(self):
        """At once, in little memory, and before anybody is asked."""
        huge = ([pbes2(pbkdf2(rounds)) for rounds in (10**7 + 1, 2**31, 2**63, 2**64 - 1)]
                + [pbes2(scrypt(*cost)) for cost in ((2**24, 8, 1), (2**63, 8, 1), (2, 2**62, 1),
                                                     (2, 1, 2**62), (2**20, 8, 2))]
                + [openssh(OWNER, rounds=rounds) for rounds in (1025, 2**31, 2**32 - 1)]
                + [signify(OWNER, rounds=rounds) for rounds in (1025, 2**32 - 1)])
        for text in huge:
            self.write("x.key", text, 0o600)
            for arguments in (self.sign("x.key"), self.sign("x.key", "--passphrase-file", "words"),
                              ("key", "show", "x.key"),
                              ("key", "passphrase", "x.key", "--no-passphrase")):
                self.refuse(3, *arguments, says="its KDF asks for")

    def test_a119_numbers_that_are_none(self):
        for kdf in (pbkdf2(0), pbkdf2(2**64), scrypt(0, 8, 1), scrypt(3, 8, 1), scrypt(16, 0, 1),
                    scrypt(2**64, 8, 1), scrypt(16, 8, 0)):
            self.write("x.key", pbes2(kdf), 0o600)
            self.refuse(3, *self.sign("x.key", "--passphrase-file", "words"))

    def test_a119_a_wrong_passphrase(self):
        for text in (pbes2(pbkdf2(1)), pbes2(scrypt(16, 1, 1)), openssh(OWNER, rounds=1),
                     signify(OWNER, rounds=1)):
            self.write("x.key", text, 0o600)
            self.refuse(4, *self.sign("x.key", "--passphrase-file", "words"),
                        says="the passphrase is wrong")
            self.refuse(4, *self.sign("x.key"), says="no passphrase")


class Files(KeyFileTest):
    def test_a115_others_may_read_it(self):
        for text in PLAIN.values():
            for mode in (0o644, 0o640, 0o604):
                self.write("x.key", text, mode)
                self.refuse(4, *self.sign("x.key"), says="chmod 600 x.key")
                self.refuse(4, "key", "import", "x.key", "-o", "made", "--no-passphrase",
                            says="chmod 600 x.key")
        self.write("x.key", PLAIN["pem"], 0o644)
        self.succeed("key", "passphrase", "x.key", "--new-passphrase-file", "words")
        self.assertEqual(os.stat(self.path("x.key")).st_mode & 0o7777, 0o600)

    def test_a116_nothing_is_overwritten(self):
        self.write("x.key", PLAIN["pem"], 0o600)
        for name in ("made.key", "made.pub", "made"):
            self.write(name, b"precious")
            self.refuse(2, "key", "import", "x.key", "-o", "made", "--no-passphrase",
                        says="never overwritten") if name != "made" else None
            self.refuse(2, "key", "export", "x.key", "--format", "openssh", "--private",
                        "--no-passphrase", "-o", name, says="never overwritten")
            self.refuse(2, "key", "export", "x.key", "--format", "openssh", "-o", name,
                        says="never overwritten")
            os.unlink(self.path(name))

    def test_a117_a_key_is_never_lost(self):
        """The disk is full while a passphrase is set: the old key stays, and nothing else."""
        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
        for text in PLAIN.values():
            self.write("x.key", text, 0o600)
            self.refuse((1, 4), "key", "passphrase", "x.key", "--new-passphrase-file", "words",
                        prepare=small)
            self.refuse(1, "key", "import", "x.key", "-o", "made", "--no-passphrase", prepare=small)

    def test_a114_private_from_the_first_instant(self):
        self.need("strace")
        works = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                               stderr=subprocess.DEVNULL).returncode == 0
        if SANITIZED or not works:
            self.skipTest("programs cannot be traced here")
        self.write("x.key", PLAIN["openssh"], 0o600)
        for mask in (0, 0o777):
            for arguments in (("import", "x.key", "-o", "made", "--no-passphrase"),
                              ("export", "x.key", "--format", "pem", "--private",
                               "--no-passphrase", "-o", "made.pem"),
                              ("passphrase", "x.key", "--no-passphrase")):
                self.succeed("-f", "-o", "trace", "-e", "trace=%file,fchmod", os.environ["FWPACK"],
                             "key", *arguments, program="strace",
                             prepare=lambda mask=mask: os.umask(mask))
                os.chmod(self.path("trace"), 0o600)
                calls = self.read("trace").decode()
                made = re.findall(r"openat?\(.*(?:O_CREAT\|O_EXCL|O_TMPFILE).*, 0([0-7]+)\)", calls)
                self.assertEqual(made[0], "600", calls)
                self.assertEqual(set(re.findall(r"chmod\w*\(.*, 0([0-7]+)\)", calls)) - {"600"},
                                 set(), calls)
            for name in ("made.key", "made.pem", "x.key"):
                self.assertEqual(os.stat(self.path(name)).st_mode & 0o7777, 0o600)
            for name in ("made.key", "made.pem", "made.pub"):
                os.unlink(self.path(name))


class Memory(KeyFileTest):
    def test_a118_no_format_leaves_its_seed_elsewhere(self):
        """The seed, and the file's text, lie in locked memory that no dump holds, and there alone."""
        if os.geteuid() != 0 or SANITIZED:
            self.skipTest("needs root, and memory as it is")
        self.write("x.fwb", self.bundle())
        for name, text in PLAIN.items():
            self.write("x.key", text, 0o600)
            with self.subTest(name):
                self.check_memory(["-k", "x.key"], OWNER.seed)

    def test_a118_nor_when_it_was_encrypted(self):
        if os.geteuid() != 0 or SANITIZED:
            self.skipTest("needs root, and memory as it is")
        self.memory = 256 << 20
        self.write("x.fwb", self.bundle())
        self.write("x.key", PLAIN["pem"], 0o600)
        for form in ("pem", "openssh", "signify"):
            self.succeed("key", "export", "x.key", "--format", form, "--private", "-o", form,
                         "--new-passphrase-file", "words")
            with self.subTest(form):
                self.check_memory(["-k", form, "--passphrase-file", "words"], OWNER.seed)

    @staticmethod
    def bundle():
        return Bundle([Image("app", noise(100 * KIB))]).freeze().archive()

    def check_memory(self, options, seed):
        pipe = FullPipe()
        running = self.start("sign", "x.fwb", *options, "-o", "-", "-q", stdout=pipe.writing)
        running.wait_until_stalled()
        found = list(scan_memory(running.pid, {"seed": seed, "half": seed[:16], "other half": seed[16:]}))
        pipe.drain()
        self.assertEqual(running.end().code, 0)
        self.assertTrue(found)  # the scan is not blind
        for name, region, flags in found:
            self.assertTrue({"lo", "dd"} <= set(flags), f"{name} lies in {region} ({flags})")


main()
