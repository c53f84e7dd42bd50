# SPDX-License-Identifier: MIT
"""A112, A116, A117, A134 and A138: where the output goes, and what is there already."""
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import threading

from bundles import KIB, Bundle, Image, Key
from harness import AttackTest, as_nobody, folder_state, main, noise

OWNER, SECOND = Key("owner"), Key("second")
DESCRIPTOR = b"""fwpack: 1
product: acme
version: 1.0.0
security-version: 1
include: more.yaml
images: [{name: app, file: image}]
attachments: {notes: notes}
"""


class OutputTest(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("owner.key", OWNER.secret_file(), 0o600)
        self.write("second.key", SECOND.secret_file(), 0o600)
        self.write("passphrase", b"words\n")
        self.write("image", noise(300 * KIB))
        self.write("notes", b"what is new\n")
        self.write("d.yaml", DESCRIPTOR)
        self.write("more.yaml", b"compatible: [acme]\n")
        bundle = Bundle([Image("app", noise(300 * KIB))], [("notes", b"what is new\n")])
        self.write("x.fwb", bundle.sign(OWNER).archive())

    def writers(self, output):
        """Each command that writes one file, with where to."""
        return {
            "build": ("build", "d.yaml", "-o", output, "-k", "owner.key"),
            "sign": ("sign", "x.fwb", "-k", "second.key", "-o", output),
            "extract": ("extract", "x.fwb", "app", "-o", output, "-p", "owner.pub"),
            "notes": ("extract", "x.fwb", "notes", "-o", output, "-p", "owner.pub"),
            "detached": ("sign", "--detached", "notes", "-k", "owner.key", "-o", output),
            "depfile": ("build", "d.yaml", "-o", "new.fwb", "--depfile", output),
            "convert": ("image", "convert", "image", "--base", "0", "--to", "ihex", "-o", output),
        }


class Places(OutputTest):
    """A112 and A116."""

    def refuse_output(self, codes, output, says=None, but=()):
        for name, arguments in self.writers(output).items():
            if name not in but:
                with self.subTest(command=name):
                    self.refuse(codes, *arguments, says=says)

    def test_a112_a_symbolic_link(self):
        self.write("precious", b"data")
        for number, target in enumerate(("precious", "absent", "x.fwb", self.path("precious"),
                                         "link 5", "../outside")):
            os.symlink(target, self.path(f"link {number}"))
            self.refuse_output(2, f"link {number}", "symbolic link")
        self.assertFalse(self.exists("absent"))

    def test_a112_a_folder(self):
        os.mkdir(self.path("folder"))
        for output in ("folder", "folder/", ".", "..", "/"):
            self.refuse_output((1, 2), output, "folder|directory")

    def test_a112_a_folder_that_is_not_there(self):
        self.refuse_output(1, "absent/out", "absent")
        self.refuse_output((1, 2), "notes/out", "notes")
        self.refuse_output(2, "", "empty")

    def test_a112_a_socket(self):
        folder = os.open(self.folder, os.O_PATH)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{folder}/socket")
            os.close(folder)
            self.refuse_output(2, "socket", "neither a file nor a device")

    def test_a112_a_device_is_written_not_replaced(self):
        for arguments in self.writers("/dev/null").values():
            self.succeed(*arguments)
            self.assertTrue(stat.S_ISCHR(os.stat("/dev/null").st_mode))
        for name, arguments in self.writers("/dev/full").items():
            if name == "depfile":
                continue
            with self.subTest(command=name):
                self.refuse(1, *arguments, says="No space left|no space")

    def test_a112_a_pipe_is_written_not_replaced(self):
        os.mkfifo(self.path("pipe"))
        for name in ("build", "sign", "extract", "notes", "detached"):
            got = []

            def read():
                with open(self.path("pipe"), "rb") as file:
                    got.append(file.read())
            thread = threading.Thread(target=read)
            thread.start()
            self.succeed(*self.writers("pipe")[name])
            thread.join()
            self.succeed(*self.writers("file")[name])
            self.assertEqual(got[0], self.read("file"), name)
            self.assertTrue(stat.S_ISFIFO(os.lstat(self.path("pipe")).st_mode))

    def test_a112_the_output_is_an_input(self):
        os.link(self.path("image"), self.path("other name"))
        for output in ("d.yaml", "more.yaml", "image", "notes", "owner.key", "./image",
                       self.path("notes"), "other name"):
            self.refuse(2, *self.writers(output)["build"], says="one of the inputs|never")
            self.refuse(2, *self.writers(output)["depfile"], "-k", "owner.key",
                        says="one of the inputs|never")
        for output in ("x.fwb", "./x.fwb", "owner.pub", self.path("x.fwb")):
            self.refuse(2, *self.writers(output)["extract"], says="input")
            self.refuse(2, *self.writers(output)["notes"], says="input")
        for output in ("second.key", "./second.key"):
            self.refuse(2, *self.writers(output)["sign"], says="input")
        for output in ("notes", "owner.key", "./owner.key"):
            self.refuse(2, *self.writers(output)["detached"], says="input")
        self.refuse(2, *self.writers("image")["convert"], says="input")

    def test_a112_two_outputs_that_are_one(self):
        for depfile in ("new.fwb", "./new.fwb", self.path("new.fwb")):
            self.refuse(2, *self.writers(depfile)["depfile"])

    def test_a112_a_passphrase_is_an_input(self):
        self.refuse(2, *self.writers("passphrase")["build"], "--passphrase-file", "passphrase",
                    says="input")

    def test_a112_in_the_folder_of_an_extract(self):
        """A link that waits there under an image's name is not written through."""
        os.mkdir(self.path("out"))
        os.symlink("../notes", self.path("out/app.img"))
        self.refuse(2, "extract", "x.fwb", "-C", "out", "-p", "owner.pub", says="symbolic link")
        os.unlink(self.path("out/app.img"))
        os.mkdir(self.path("out/app.img"))
        self.refuse(2, "extract", "x.fwb", "-C", "out", "-p", "owner.pub", says="folder")
        os.rmdir(self.path("out/app.img"))
        for target in ("..", self.path("out"), "absent", "attachments"):
            os.symlink(target, self.path("out/attachments"))
            self.refuse(2, "extract", "x.fwb", "-C", "out", "-p", "owner.pub", says="symbolic link")
            os.unlink(self.path("out/attachments"))
        self.write("out/attachments", b"no folder")
        self.refuse((1, 2), "extract", "x.fwb", "-C", "out", "-p", "owner.pub")
        self.refuse((1, 2), "extract", "x.fwb", "-C", "notes", "-p", "owner.pub")
        self.refuse((1, 2), "extract", "x.fwb", "-C", "absent/out", "-p", "owner.pub")

    def test_a112_read_only_places(self):
        self.write("protected", b"data", 0o444)
        os.mkdir(self.path("shut"), 0o555)
        prepare = as_nobody if os.geteuid() == 0 else None
        for output in ("protected", "shut/out", "/proc/version", "/sys/out"):
            for name in ("extract", "notes"):
                self.refuse(1, *self.writers(output)[name], prepare=prepare)

    def test_a112_a_hard_link_keeps_its_content(self):
        """A new file takes the name; who holds the old one under another name keeps it."""
        self.write("old", b"old bytes")
        os.link(self.path("old"), self.path("linked"))
        self.succeed(*self.writers("old")["extract"])
        self.assertEqual(self.read("linked"), b"old bytes")
        self.assertEqual(self.read("old"), self.read("image"))

    def test_a112_the_mode_of_what_is_replaced_stays(self):
        for mode in (0o600, 0o640, 0o755):
            self.write("out", b"", mode)
            self.succeed(*self.writers("out")["build"])
            self.assertEqual(stat.S_IMODE(os.stat(self.path("out")).st_mode), mode)

    def test_a116_keys_are_never_replaced(self):
        for name in ("owner", "./owner", self.path("owner")):
            self.refuse(2, "key", "generate", name, "--no-passphrase", says="never overwritten")
        self.write("half.pub", b"only this one")
        self.refuse(2, "key", "generate", "half", "--no-passphrase", says="never overwritten")
        os.symlink("absent", self.path("linked.key"))
        self.refuse(2, "key", "generate", "linked", "--no-passphrase")
        self.refuse(2, *self.writers("owner.key")["build"], says="one of the inputs|never")


class Full(OutputTest):
    """A117: no room, at each size of what is written."""

    def limited(self, name, size, catch):
        def prepare():
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            if catch:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        before = folder_state(self.folder)
        # a pipe, because standard output and error count as files too
        reading, writing = os.pipe()
        result = self.run_program(*self.writers("out")[name], prepare=prepare, stdout=writing,
                                  stderr=writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as file:
            text = file.read().decode()
        self.assertEqual(result.code, 1, f"{name} {size}: {result!r}{text}")
        self.check_message(text)
        self.assertRegex(text, "File too large")
        self.assertEqual(folder_state(self.folder), before)

    def test_a117_a_limit_of_file_sizes(self):
        for name, sizes in (("build", (0, 1, 4096, 200 * KIB, 300 * KIB)),
                            ("detached", (0, 1, 100)),
                            ("sign", (0, 1000, 300 * KIB)), ("extract", (0, 4096, 299 * KIB)),
                            ("notes", (0, 5)), ("depfile", (0,)),
                            ("convert", (0, 4096, 200 * KIB))):
            for size in sizes:
                with self.subTest(command=name, size=size):
                    self.limited(name, size, True)
                    self.limited(name, size, False)

    def test_a117_a_full_disk(self):
        os.mkdir(self.path("disk"))
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", self.path("disk")]
        if os.geteuid() != 0 or subprocess.run(mount, check=False, stderr=subprocess.DEVNULL
                                               ).returncode != 0:
            self.skipTest("cannot mount a small disk")
        try:
            for name, arguments in self.writers("disk/out").items():
                if name in ("build", "sign", "extract", "convert"):
                    self.refuse(1, *arguments, says="[Nn]o space")
            small = Bundle([Image("app", noise(150 * KIB))]).sign(OWNER).archive()
            self.write("disk/x.fwb", small)
            self.refuse(1, "sign", "disk/x.fwb", "-k", "second.key",
                        says="no space to sign in place: needs [0-9]+ bytes, has [0-9]+")
            with open(self.path("disk/filler"), "wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:  # it is full now
                    pass
            self.refuse(1, "key", "generate", "disk/new", "--no-passphrase", says="[Nn]o space")
            self.refuse(1, *self.writers("disk/out")["notes"], says="[Nn]o space")
        finally:
            subprocess.run(["umount", "-l", self.path("disk")], check=True)


class Streams(OutputTest):
    """A134 and A138: closed and full standard streams."""

    commands = {
        "build": ("build", "d.yaml", "-o", "out", "-k", "owner.key"),
        "sign": ("sign", "x.fwb", "-k", "second.key", "-o", "out"),
        "verify": ("verify", "x.fwb", "-p", "owner.pub"),
        "json": ("verify", "x.fwb", "-p", "owner.pub", "--json"),
        "extract": ("extract", "x.fwb", "-C", "out", "-p", "owner.pub"),
        "inspect": ("inspect", "x.fwb"),
        "key": ("key", "generate", "out", "--no-passphrase"),
    }

    def left(self):
        state = {name: facts for name, facts in folder_state(self.folder).items()
                 if name.startswith(b"out")}
        for name in ("out", "out.key", "out.pub"):
            if os.path.isdir(self.path(name)):
                shutil.rmtree(self.path(name))
            elif self.exists(name):
                os.unlink(self.path(name))
        return state if not any(name.endswith(b".key") for name in state) else sorted(state)

    def closing(self, *numbers):
        def prepare():
            for number in numbers:
                os.close(number)
        return prepare

    def test_a134_closed_streams(self):
        """No file that fwpack opens may get the number of a closed stream, and its text."""
        for name, arguments in self.commands.items():
            self.succeed(*arguments)
            wanted = self.left()
            for numbers in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
                result = self.run_program(*arguments, prepare=self.closing(*numbers))
                with self.subTest(command=name, closed=numbers):
                    self.assertEqual(result.code, 1 if 1 in numbers else 0, repr(result))
                    if 1 in numbers and 2 not in numbers:
                        self.assertIn("standard output", result.text)
                    self.assertEqual(self.left(), wanted)

    def test_a134_closed_inputs_and_outputs(self):
        for arguments, closed in ((("verify", "-", "-p", "owner.pub"), 0), (("inspect", "-"), 0),
                                  (("extract", "-", "-o", "-", "-p", "owner.pub"), 0),
                                  (("extract", "x.fwb", "app", "-o", "-", "-p", "owner.pub"), 1),
                                  (("build", "d.yaml", "-o", "-"), 1), (("build", "-"), 0),
                                  (("sign", "x.fwb", "-k", "second.key", "-o", "-"), 1)):
            self.refuse((1, 2, 3), *arguments, prepare=self.closing(closed))

    def test_a138_a_full_standard_output(self):
        with open("/dev/full", "wb") as full:
            for arguments in (*self.commands.values(), ("build", "d.yaml", "-o", "-"),
                              ("extract", "x.fwb", "app", "-o", "-", "-p", "owner.pub"),
                              ("extract", "x.fwb", "notes", "-o", "-", "-p", "owner.pub"),
                              ("sign", "x.fwb", "-k", "second.key", "-o", "-"),
                              ("inspect", "x.fwb", "--json"), ("verify", "--help")):
                result = self.run_program(*arguments, stdout=full.fileno())
                self.check_refusal(result, 1, "No space left on device")
                self.left()

    def test_a138_a_full_standard_error_changes_nothing(self):
        with open("/dev/full", "wb") as full:
            for arguments in self.commands.values():
                result = self.run_program(*arguments, stderr=full.fileno())
                self.assertEqual(result.code, 0, repr(result))
                self.left()
            for code, arguments in ((2, ("verify", "x.fwb")), (1, ("verify", "absent", "-p",
                                                                   "owner.pub"))):
                self.assertEqual(self.run_program(*arguments, stderr=full.fileno()).code, code)

    def test_a138_standard_output_that_cannot_be_written(self):
        with open(os.devnull, "rb") as reading:
            for arguments in self.commands.values():
                result = self.run_program(*arguments, stdout=reading.fileno())
                self.assertEqual(result.code, 1, repr(result))
                self.left()

    def test_a138_what_verify_gives_0_to(self):
        """Only to what it has read and proved to the end, whatever else is on the line."""
        good = self.read("x.fwb")
        self.succeed("verify", "x.fwb", "x.fwb", "-p", "owner.pub")
        at = good.index(b"payloads/app.0.bin") + 600
        self.write("bad.fwb", good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
        for arguments, code in ((("bad.fwb",), 13), (("x.fwb", "bad.fwb"), 13),
                                (("bad.fwb", "x.fwb"), 13), (("absent", "bad.fwb"), 1),
                                (("bad.fwb", "absent", "notes"), 13), (("notes", "bad.fwb"), 3),
                                ((), 2), (("",), 2), (("-", "-"), 3), (("x.fwb", ""), 2)):
            for quiet in ((), ("-q",), ("--json",)):
                result = self.run_program("verify", *arguments, "-p", "owner.pub", *quiet)
                self.assertEqual(result.code, code, f"{arguments}\n{result!r}")


main()
