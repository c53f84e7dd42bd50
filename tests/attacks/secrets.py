# SPDX-License-Identifier: MIT
"""A114 and A118 to A120: secret keys in files, in memory and in the environment."""
import base64
import os
import re
import resource
import signal
import subprocess
import unittest

import age
from bundles import KIB, Bundle, Image, Key
from harness import (SANITIZED, AttackTest, FullPipe, as_nobody, folder_state, main, noise,
                     scan_memory)

OWNER, SECOND = Key("owner"), Key("second")


class SecretTest(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("owner.key", OWNER.secret_file(), 0o600)
        self.write("second.key", SECOND.secret_file(), 0o600)
        self.write("second.pub", SECOND.public_file())
        self.write("x.fwb", Bundle([Image("app", noise(100 * KIB))]).freeze().archive())
        self.write("image", noise(1000))
        self.write("d.yaml", b"fwpack: 1\nproduct: acme\nversion: 1.0.0\nsecurity-version: 1\n"
                             b"compatible: [acme]\nimages: [{name: app, file: image}]\n")


class Files(SecretTest):
    """A114: private from the first instant, seen by strace."""

    def setUp(self):
        super().setUp()
        self.need("strace")
        works = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                               stderr=subprocess.DEVNULL).returncode == 0
        if SANITIZED or not works:
            self.skipTest("programs cannot be traced here")

    def trace(self, *arguments, mask):
        self.succeed("-f", "-o", "trace", "-e", "trace=%file,fchmod,umask", os.environ["FWPACK"],
                     *arguments, program="strace", prepare=lambda: os.umask(mask))
        os.chmod(self.path("trace"), 0o600)
        return self.read("trace").decode()

    def test_a114_from_the_first_instant(self):
        for mask in (0, 0o022, 0o777):
            for options in (("--no-passphrase",), ("--passphrase-file", "image")):
                self.write("image", b"words\n")
                calls = self.trace("key", "generate", "made", *options, "-q", mask=mask)
                made = re.findall(r"openat?\(.*(?:O_CREAT\|O_EXCL|O_TMPFILE).*, 0([0-7]+)\)", calls)
                self.assertEqual(made[0], "600", calls)
                self.assertEqual(len(made), 2, calls)  # the secret half, then the public one
                self.assertEqual(set(re.findall(r"chmod\w*\(.*, 0([0-7]+)\)", calls)) - {"600"},
                                 set(), calls)
                self.assertNotIn("umask(", calls)
                self.assertNotRegex(calls, r"O_CREAT(?!\|O_EXCL)")
                self.assertEqual(os.stat(self.path("made.key")).st_mode & 0o7777, 0o600)
                for name in ("made.key", "made.pub", "trace"):
                    os.unlink(self.path(name))

    def test_a114_no_other_file_holds_it(self):
        """What sign and build open for writing is the output and nothing else."""
        for arguments in (("sign", "x.fwb", "-k", "owner.key"),
                          ("build", "d.yaml", "-k", "owner.key", "-o", "x.fwb")):
            calls = self.trace(*arguments, mask=0o022)
            written = re.findall(r"open\w*\(\w+, ([^,]*), ([^,)]*O_(?:WRONLY|RDWR)[^,)]*)", calls)
            self.assertTrue(written)
            for name, flags in written:
                self.assertRegex(flags, r"O_TMPFILE|O_CREAT\|O_EXCL", calls)
                if os.geteuid() == 0:  # for others the memory that holds the name is closed
                    self.assertRegex(name, r'^"(\.|\./\.fwpack-\w+(\.part)?)"$', calls)


class Memory(SecretTest):
    """A118, while the signed bundle waits to be written: the keys have been used."""

    def stalled(self, **options):
        pipe = FullPipe()
        running = self.start("sign", "x.fwb", "-k", "owner.key", "-o", "-", "-q",
                             stdout=pipe.writing, **options)
        running.wait_until_stalled()
        return running, pipe

    def test_a118_no_core(self):
        def prepare():
            resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
        before = sorted(os.listdir(self.folder))
        for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGQUIT):
            if SANITIZED and number == signal.SIGSEGV:
                continue  # the sanitizer takes it
            running, pipe = self.stalled(prepare=prepare if os.geteuid() == 0 else None)
            with open(f"/proc/{running.pid}/limits", encoding="utf-8") as file:
                self.assertRegex(file.read(), r"Max core file size +0 ")
            running.kill(number)
            result = running.end()
            pipe.drain()
            self.assertNotEqual(result.code, 0)
            self.assertFalse(result.dumped_core)
        self.assertEqual(sorted(os.listdir(self.folder)), before)

    @unittest.skipIf(SANITIZED, "leak detection makes itself traceable")
    def test_a118_no_debugger(self):
        """Neither memory nor registers for another process of the same user."""
        prepare = None
        if os.geteuid() == 0:
            prepare = as_nobody
            os.chmod(self.path("owner.key"), 0o644)
        arguments = ("sign", "x.fwb", "-k", "owner.key", "-o", "-", "-q", "--allow-insecure-key")
        pipe = FullPipe()
        running = self.start(*arguments, stdout=pipe.writing, prepare=prepare)
        running.wait_until_stalled()
        for name in ("mem", "maps", "environ", "syscall", "fd", "exe"):
            code = f"import os; p = '/proc/{running.pid}/{name}'; " + (
                "os.readlink(p)" if name == "exe" else "os.listdir(p)" if name == "fd"
                else "open(p, 'rb').read(1)")
            spy = self.run_program("-c", code, program="/usr/bin/python3", prepare=prepare)
            self.assertRegex(spy.text, "PermissionError|OSError", name)
        attach = ("import ctypes, sys; c = ctypes.CDLL(None, use_errno=True); "
                  f"c.ptrace(16, {running.pid}, None, None) < 0 and sys.exit(ctypes.get_errno())")
        spy = self.run_program("-c", attach, program="/usr/bin/python3", prepare=prepare)
        self.assertEqual(spy.code, 1, "ptrace: EPERM is wanted")  # gcore's and gdb's way
        pipe.drain()
        self.assertEqual(running.end().code, 0)

    @unittest.skipIf(SANITIZED, "memory is laid out otherwise")
    def test_a118_a_scan_of_the_memory(self):
        """Root sees all: the seed lies in locked memory that no dump holds, and there alone."""
        if os.geteuid() != 0:
            self.skipTest("needs root")
        text = OWNER.secret_file().split(b"\n")[1]
        needles = {"seed": OWNER.seed, "half a seed": OWNER.seed[:16], "base64": text[80:112],
                   "other half": OWNER.seed[16:]}
        self.assertIn(OWNER.seed[3:20], base64.b64decode(text))
        running, pipe = self.stalled()
        found = list(scan_memory(running.pid, needles))
        pipe.drain()
        self.assertEqual(running.end().code, 0)
        for name, region, flags in found:
            self.assertTrue({"lo", "dd"} <= set(flags), f"{name} lies in {region} ({flags})")
        self.assertLessEqual(len(found), 3)

    @unittest.skipIf(SANITIZED, "memory is laid out otherwise")
    def test_a118_the_scan_finds_what_is_there(self):
        """The documents stand in plain memory: were the scan blind, they would not be found."""
        if os.geteuid() != 0:
            self.skipTest("needs root")
        running, pipe = self.stalled()
        found = list(scan_memory(running.pid, {"document": b'"product": "acme-gateway"'}))
        pipe.drain()
        running.end()
        self.assertTrue([flags for _, _, flags in found if "lo" not in flags])


class Passphrases(SecretTest):
    """A119 and A120."""

    def setUp(self):
        super().setUp()
        self.write("right", b"correct horse\n")
        self.succeed("key", "generate", "locked", "--passphrase-file", "right")

    def refuse_signing(self, codes, *options, says=None, **more):
        for arguments in (("sign", "x.fwb", "-k", "locked.key"),
                          ("sign", "x.fwb", "-k", "locked.key", "-o", "out"),
                          ("sign", "--detached", "image", "-k", "locked.key"),
                          ("build", "d.yaml", "-o", "out", "-k", "locked.key")):
            self.refuse(codes, *arguments, *options, says=says, **more)

    memory = 256 << 20  # the KDF's own cost is part of it
    seconds = 60

    def test_a119_wrong_passphrases(self):
        self.write("wrong", b"wrong\n", 0o600)
        self.refuse_signing(4, "--passphrase-file", "wrong", says="passphrase")
        for words in (b"", b"\n", b"correct horse \n", b"x" * 5000):
            self.write("wrong", words, 0o600)
            self.refuse((3, 4), "sign", "x.fwb", "-k", "locked.key", "--passphrase-file", "wrong",
                        says="passphrase")

    def test_a119_none_at_all(self):
        self.refuse_signing(4, says="passphrase")
        self.refuse_signing(4, "--no-input", says="passphrase")
        self.refuse_signing((1, 4), "--passphrase-file", "absent", says="absent")
        self.refuse_signing((1, 2, 4), "--passphrase-fd", "99")

    def test_a119_not_on_the_command_line(self):
        for option in ("--passphrase=correct horse", "--password", "-P"):
            self.refuse_signing(2, option, says="unknown option")

    def test_a119_the_right_one(self):
        self.succeed("sign", "x.fwb", "-k", "locked.key", "--passphrase-file", "right")
        self.succeed("verify", "x.fwb", "-p", "locked.pub")
        self.succeed("build", "d.yaml", "-o", "out", "-k", "locked.key",
                     env={"FWPACK_PASSPHRASE_FILE": "right"})
        reading, writing = os.pipe()
        os.write(writing, b"correct horse\n")
        os.close(writing)
        self.succeed("sign", "--detached", "image", "-k", "locked.key", "--passphrase-fd",
                     str(reading), keep=(reading,))
        os.close(reading)

    def test_a120_keys_from_the_environment_are_named(self):
        result = self.succeed("build", "d.yaml", "-o", "out", env={"FWPACK_KEY": "owner.key"})
        self.assertIn("signing with the key of FWPACK_KEY: owner.key", result.text)
        self.succeed("verify", "out", "-p", "owner.pub")
        result = self.succeed("build", "d.yaml", "-o", "out", "-k", "second.key",
                              env={"FWPACK_KEY": "owner.key"})
        self.assertNotIn("FWPACK_KEY", result.text)
        self.refuse(11, "verify", "out", "-p", "owner.pub")
        self.succeed("verify", "out", "-p", "second.pub")

    def test_a120_no_trust_from_the_environment(self):
        self.succeed("sign", "x.fwb", "-k", "owner.key")
        for name in ("FWPACK_TRUST", "FWPACK_PUBKEY", "FWPACK_KEY", "FWPACK_ALLOW_DEMO_KEYS"):
            if name != "FWPACK_TRUST":  # which names a root, and is shown: roots.py
                self.refuse(2, "verify", "x.fwb", env={name: "owner.pub"}, says="whom to trust")
            self.refuse(11, "verify", "x.fwb", "-p", "second.pub", env={name: "owner.pub"})


    def test_a120_modules_from_the_environment_are_named(self):
        for options, shown in (((), True), (("--pkcs11-module", "/absent.so"), False)):
            result = self.refuse(4, "sign", "x.fwb", "-k", "pkcs11:token=x", *options,
                                 env={"FWPACK_PKCS11_MODULE": "/nowhere.so"})
            self.assertEqual("module of FWPACK_PKCS11_MODULE: /nowhere.so" in result.text, shown)


class Randomness(SecretTest):
    """A121: a system that gives no random bytes makes no key, and encrypts nothing."""

    def setUp(self):
        super().setUp()
        self.need("strace")
        works = subprocess.run(["strace", "-o", "/dev/null", "true"], check=False,
                               stderr=subprocess.DEVNULL).returncode == 0
        if SANITIZED or not works:
            self.skipTest("programs cannot be traced here")
        self.write("pass", b"correct horse\n", 0o600)

    def without(self, when, *arguments):
        """Getrandom fails from its `when`-th call on."""
        return self.run_program(
            "-f", "-o", "/dev/null", "-e", "trace=getrandom", "-e",
            f"inject=getrandom:error=ENOSYS:when={when}+", os.environ["FWPACK"], *arguments,
            program="strace")

    def test_a121_no_key(self):
        recipient = self.succeed("key", "generate", "--type", "age", "--no-passphrase", "-o", "id",
                                 "--json").json["recipient"]
        commands = (("key", "generate", "new", "--no-passphrase"),
                    ("key", "generate", "new", "--passphrase-file", "pass"),
                    ("key", "generate", "--type", "age", "-o", "new", "--no-passphrase"),
                    ("key", "generate", "--type", "age", "-o", "new", "--passphrase-file", "pass"),
                    ("key", "passphrase", "owner.key", "--new-passphrase-file", "pass"),
                    ("encrypt", "x.fwb", "-k", "owner.key", "-p", "owner.pub", "-o", "new",
                     "--encrypt-to", recipient))
        self.succeed("sign", "x.fwb", "-k", "owner.key")
        for command in commands:
            for when in range(1, 12):
                before = folder_state(self.folder)
                result = self.without(when, *command)
                if result.code == 0 and when > 1:
                    break
                # Where it fails later on, libsodium may abort: it does not go on without.
                self.assertIn(result.code, (1, -6) if when > 1 else (1,),
                              f"{command}, call {when}: {result!r}")
                self.assertTrue(result.code != 1 or "random" in result.text, repr(result))
                self.assertEqual(folder_state(self.folder), before, f"{command}, call {when}")
            self.assertGreater(when, 1)
            for name in ("new", "new.key", "new.pub"):
                if self.exists(name):
                    os.unlink(self.path(name))


class Identity(AttackTest):
    """A118 of what decrypts, while plain bytes wait to be written."""

    @unittest.skipIf(SANITIZED, "memory is laid out otherwise")
    def test_a118_a_scan_of_the_memory(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        device = age.Device("one")
        made = age.File(noise(100 * KIB), [device])
        shared = age.x25519(age.sha256(b"share 0" + device.public), device.public)
        needles = {"identity": device.secret, "half of it": device.secret[16:],
                   "its text": device.identity[20:50], "file key": made.file_key,
                   "shared secret": shared,
                   "payload key": age.hkdf(made.file_key, made.nonce, b"payload")}
        self.write("device.age", device.identity, 0o600)
        self.write("x.age", made.bytes())
        pipe = FullPipe()
        running = self.start("decrypt", "x.age", "-i", "device.age", "-o", "-", "-q",
                             stdout=pipe.writing)
        running.wait_until_stalled()
        found = list(scan_memory(running.pid, needles))
        pipe.drain()
        self.assertEqual(running.end().code, 0)
        for name, region, flags in found:
            self.assertTrue({"lo", "dd"} <= set(flags), f"{name} lies in {region} ({flags})")
        self.assertTrue({"identity", "payload key"} <= {name for name, _, _ in found})


main()
