# SPDX-License-Identifier: MIT
"""A51 to A59 and A68: archives, images and frames made by others, through every command that reads
foreign bytes. None may crash, write, escape or exhaust; none is a bundle."""
import os
import tarfile

from bundles import Key, member, padded, ustar
from harness import SANITIZED, SLOW, AttackTest, main

OWNER = Key("owner")
EVERY = 1 if SLOW or not SANITIZED else 3  # sanitizers take their time


class Corpus(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("canary", b"alive")

    def check(self, path, commands=("verify", "inspect", "image")):
        """`path` is read where it lies, so that a name beside it cannot be made unseen."""
        arguments = {"verify": ("verify", path, "-p", "owner.pub"), "inspect": ("inspect", path),
                     "image": ("image", "info", path, "--json"),
                     "extract": ("extract", path, "-C", "out", "-p", "owner.pub")}
        for command in commands:
            if command in ("verify", "extract"):
                self.refuse((3, 10), *arguments[command])
            else:
                self.survive(*arguments[command], codes=(0, 3))

    def check_folder(self, name, *commands):
        folder = self.shared(f"vectors/{name}")
        before = {entry: os.path.lexists(entry) for entry in ("/tmp/evil", "/evil", "/tmp/x")}
        files = sorted(os.path.join(place, file) for place, _, files in os.walk(folder)
                       for file in files if file not in ("SOURCE", "LICENSE", "EXPECTED.tsv"))
        self.assertTrue(files)
        for path in files[::EVERY]:
            self.check(path, *commands)
        self.assertEqual(before, {entry: os.path.lexists(entry) for entry in before})

    def check_packed(self, name):
        """A corpus that comes in one archive; its members' own names are not used."""
        with tarfile.open(self.shared(f"vectors/{name}/corpus.tar.gz")) as archive:
            members = [member for member in archive if member.isreg()]
            self.assertTrue(members)
            for member in members[::EVERY]:
                self.write("x.bin", archive.extractfile(member).read())
                self.check("x.bin")

    def test_a51_to_a59_archives_made_to_escape(self):
        self.check_folder("archive-attacks", ("verify", "inspect", "image", "extract"))

    def test_a68_libarchive_fixtures(self):
        self.check_folder("libarchive-fixtures")

    def test_a68_libarchive_fuzz_seeds(self):
        self.check_folder("libarchive-fuzz-corpus")

    def test_a68_zstd_golden(self):
        self.check_folder("zstd-golden")

    def test_a68_go_fuzz_tar(self):
        self.check_packed("go-fuzz-tar")

    def test_a68_go_fuzz_gzip(self):
        self.check_packed("go-fuzz-gzip")

    def test_a68_everything_else_that_is_no_bundle(self):
        for name in ("text-attacks", "minisign-signify-made", "libyaml-regress"):
            self.check_folder(name, ("verify", "inspect"))

    def test_a69_warnings_are_no_success(self):
        """Archives at which libarchive only warns (ours, and those of archive-attacks)."""
        for record in (b"9 size=1", b"0 a=b\n", b"999 size=1\n"):
            self.write("x.tar", ustar("pax", len(record), b"x") + padded(record)
                       + member("a", b"x") + bytes(1024))
            self.survive("image", "info", "x.tar", codes=(3,))
            self.survive("inspect", "x.tar", codes=(3,))


main()
