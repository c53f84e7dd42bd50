# SPDX-License-Identifier: MIT
"""A135 and A136: few descriptors, a small stack, little memory, no home, a folder that is gone."""
import os
import resource
import shutil
import unittest

from bundles import KIB, MIB, Bundle, Image, Key
from harness import SANITIZED, AttackTest, as_nobody, folder_state, lines, main, noise

OWNER, SECOND = Key("owner"), Key("second")


class Surroundings(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("owner.key", OWNER.secret_file(), 0o600)
        self.write("second.key", SECOND.secret_file(), 0o600)
        self.write("image", lines(MIB + 500 * KIB))
        self.write("hex", b":0400000001020304F2\n:00000001FF\n")
        self.write("d.yaml", b"fwpack: 1\nproduct: acme\nversion: 1.0.0\nsecurity-version: 1\n"
                             b"compatible: [acme]\nimages:\n  - {name: app, file: image}\n"
                             b"  - {name: boot, file: image, compress: xz}\n"
                             b"  - {name: mcu, file: hex, format: ihex, compress: gzip}\n"
                             b"attachments: {notes: d.yaml}\n")
        self.succeed("build", "d.yaml", "-o", "good.fwb", "-k", "owner.key")
        os.mkdir(self.path("work"))

    def commands(self):
        """Each with the files that it makes below work/."""
        return {
            ("build", "../d.yaml", "-o", "x.fwb", "-k", "../owner.key", "-j", "4"): ["x.fwb"],
            ("build", "../d.yaml", "-o", "x.fwb", "--depfile", "x.d"): ["x.d", "x.fwb"],
            ("sign", "../good.fwb", "-k", "../second.key", "-o", "x.fwb"): ["x.fwb"],
            ("verify", "../good.fwb", "-p", "../owner.pub", "--flat", "-j", "4"): [],
            ("extract", "../good.fwb", "-C", "out", "-p", "../owner.pub"): ["out"],
            ("inspect", "../good.fwb", "--tree"): [],
            ("image", "info", "../image"): [],
            ("lint", "../d.yaml"): [],
            ("key", "generate", "x", "--no-passphrase"): ["x.key", "x.pub"],
            ("--help",): [],
        }

    def each(self, codes, only=None, **options):
        """Runs each command: it succeeds and makes its files, or fails and makes none."""
        results = []
        for arguments, made in self.commands().items():
            if only and arguments[0] not in only:
                continue
            before = folder_state(self.folder)
            result = self.run_program(*arguments, cwd=self.path("work"), **options)
            with self.subTest(command=arguments[0]):
                self.assertIn(result.code, codes, f"{arguments}\n{result!r}")
                left = sorted(os.listdir(self.path("work")))
                self.assertEqual(left, made if result.code == 0 else [])
                if result.code == 127:  # not even its libraries could be loaded
                    self.assertIn("shared libraries", result.text)
                elif result.code != 0:
                    self.check_message(result.text)
                if result.code != 0:
                    self.assertEqual(result.out, b"")
                    self.assertEqual(folder_state(self.folder), before)
                results.append(result)
            shutil.rmtree(self.path("work"))
            os.mkdir(self.path("work"))
        return results

    def test_a136_few_descriptors(self):
        codes = set()
        for number in (3, 4, 5, 6, 8, 12):
            def prepare(number=number):
                resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))
            for result in self.each((0, 1, 4, 11, 127), prepare=prepare):
                codes.add(result.code)
                if result.code == 1:
                    self.assertRegex(result.text, "Too many open files|cannot|no ", result.text)
        self.assertIn(0, codes)
        self.assertIn(1, codes)

    @unittest.skipIf(SANITIZED, "sanitizers need more")
    def test_a136_a_small_stack(self):
        for size in (64 * KIB, 128 * KIB):
            def prepare(size=size):
                resource.setrlimit(resource.RLIMIT_STACK, (size, size))
            self.each((0,), prepare=prepare)

    @unittest.skipIf(SANITIZED, "sanitizers reserve address space")
    def test_a136_little_memory(self):
        codes = set()
        for size in range(6, 60, 6):
            def prepare(size=size):
                resource.setrlimit(resource.RLIMIT_AS, (size * MIB, size * MIB))
            for result in self.each((0, 1, 4, 11, 127), prepare=prepare):
                codes.add(result.code)
        self.assertIn(0, codes)

    @unittest.skipIf(SANITIZED, "sanitizers start threads of their own")
    def test_a136_no_more_processes(self):
        """Threads that cannot start are work that the others do."""
        def prepare():
            as_nobody() if os.geteuid() == 0 else None
            resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        for name in ("owner.key", "second.key"):
            os.chown(self.path(name), 65534, 65534)
        os.chmod(self.path("work"), 0o777)
        for arguments in self.commands():
            if arguments[0] in ("verify", "inspect", "lint"):
                result = self.run_program(*arguments, cwd=self.path("work"), prepare=prepare)
                self.assertEqual(result.code, 0, repr(result))

    def test_a136_variables(self):
        for env in ({"HOME": None}, {"HOME": "/nonexistent"}, {"TMPDIR": "/nonexistent"},
                    {"TZ": "odd/" + "x" * 5000}, {"LC_ALL": "xx_YY.nothing"}, {"PATH": None},
                    {"TERM": None}, {"LANG": "\x1b[2J"}, {"COLUMNS": "0"}, {"COLUMNS": "-1"},
                    {"LC_ALL": "tr_TR.UTF-8"}, {"FWPACK_JOBS": "1"}, {"FWPACK_UNKNOWN": "x"}):
            self.each((0,), only=("verify", "extract", "lint"), env=env)

    def test_a136_numbers_of_threads(self):
        for jobs in ("0", "-1", "1e3", "4294967297", "x", str(2**64 + 1)):
            self.each((2,), only=("extract",), env={"FWPACK_JOBS": jobs})
            self.refuse(2, "verify", "good.fwb", "-p", "owner.pub", "-j", jobs)
        for jobs in ("1", "2", "3", "64", "1000"):
            result = self.run_program("verify", "good.fwb", "-p", "owner.pub", "-j", jobs)
            self.assertIn(result.code, (0, 2), repr(result))

    def test_a136_a_folder_that_is_gone(self):
        def prepare():
            os.mkdir("gone")
            os.chdir("gone")
            os.rmdir("../gone")
        good = self.path("good.fwb")
        self.succeed("verify", good, "-p", self.path("owner.pub"), prepare=prepare)
        self.succeed("inspect", good, prepare=prepare)
        self.succeed("build", self.path("d.yaml"), "-o", self.path("work/x.fwb"), prepare=prepare)
        key = self.path("owner.pub")
        for arguments in (("build", self.path("d.yaml"), "-o", "x.fwb"), ("lint", "d.yaml"),
                          ("extract", good, "-C", "out", "-p", key), ("build", "-", "-o", "x"),
                          ("verify", "x.fwb", "-p", key),
                          ("key", "generate", "x", "--no-passphrase")):
            self.refuse((1, 3), *arguments, prepare=prepare)

    def test_a136_umasks(self):
        for mask in (0, 0o077, 0o777):
            self.each((0,), only=("build", "sign", "key"), prepare=lambda mask=mask: os.umask(mask))
        if os.geteuid() == 0:  # a folder that its own maker may not enter
            os.chmod(self.path("work"), 0o777)

            def prepare():
                as_nobody()
                os.umask(0o777)
            self.refuse(1, "extract", "../good.fwb", "-C", "out", "-p", "../owner.pub",
                        cwd=self.path("work"), prepare=prepare)

    def test_a135_long_and_odd_arguments(self):
        for argument in ("x" * 131071, "-" + "x" * 131070, "--" + "x" * 131069, "--", "---",
                         "", " ", "=", "--=", "-=", "--output", "--output=", "\udcff", "-\udcff"):
            for command in ("verify", "build", "sign", "extract", "inspect", "lint"):
                result = self.survive(command, argument, codes=(1, 2, 3))
                self.assertLess(len(result.err), 2000)

    def test_a136_many_files(self):
        """More images than descriptors: extract holds each output until all are proved."""
        images = [Image(f"i{number}", noise(20, number)) for number in range(256)]
        self.write("many.fwb", Bundle(images).sign(OWNER).archive())
        self.succeed("extract", "many.fwb", "-C", "out", "-p", "owner.pub")
        self.assertEqual(len(os.listdir(self.path("out"))), 256)
        shutil.rmtree(self.path("out"))

        def prepare():
            resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
        self.refuse(1, "extract", "many.fwb", "-C", "out", "-p", "owner.pub", prepare=prepare,
                    says="Too many open files")


main()
