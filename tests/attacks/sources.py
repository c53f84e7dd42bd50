# SPDX-License-Identifier: MIT
"""A70 to A72 and A84 to A89 on the building side: descriptors, and the files that they name."""
import hashlib
import os
import re
import shutil
import socket
import stat
import time

from bundles import KIB, MIB, Key
from harness import NOBODY, AttackTest, FullPipe, as_nobody, lines, main, noise

OWNER, SECOND = Key("owner"), Key("second")

HEAD = """fwpack: 1
product: acme-gateway
version: 1.2.3
security-version: 7
compatible: [acme]
"""


def descriptor(*images, head=HEAD, more=""):
    """Images as NAME=FILE, or with further keys behind it."""
    text = head + "images:\n"
    for image in images or ("app=app.bin",):
        name, file, *keys = image.split("=")
        text += f"  - {{name: {name}, file: \"{file}\"{''.join(', ' + key for key in keys)}}}\n"
    return (text + more).encode()


class SourceTest(AttackTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("src"))
        self.write("src/app.bin", lines(5000))
        self.write("src/d.yaml", descriptor())
        self.write("secret", b"outside")

    def refuse_build(self, codes=3, says=None, **options):
        self.refuse(codes, "build", "src/d.yaml", "-o", "x.fwb", says=says, **options)
        self.refuse(codes, "build", "src/d.yaml", "-o", "-", says=says, **options)

    def refuse_descriptor(self, text, says=None, codes=3):
        self.write("src/d.yaml", text)
        self.refuse(codes, "lint", "src/d.yaml", says=says)
        self.refuse_build(codes, says)


class Files(SourceTest):
    """A70 and A85: what a source tree may hold beside files."""

    def test_a70_a_link_that_leads_out(self):
        for target in ("../secret", self.path("secret"), "/etc/passwd"):
            os.symlink(target, self.path("src/link"))
            self.refuse_descriptor(descriptor("app=link"), "a link out of")
            self.refuse_descriptor(descriptor(more="attachments: {notes: link}\n"), "a link out of")
            self.refuse_descriptor(HEAD.encode() + b"include: link\n", "d.yaml:6")
            os.unlink(self.path("src/link"))
        os.symlink("..", self.path("src/up"))
        self.refuse_descriptor(descriptor("app=up/secret"), "a link out of")

    def test_a70_a_link_that_stays_inside(self):
        os.symlink("app.bin", self.path("src/link"))
        self.write("src/d.yaml", descriptor("app=link"))
        self.succeed("build", "src/d.yaml", "-o", "x.fwb")

    def test_a70_links_in_a_circle(self):
        os.symlink("two", self.path("src/one"))
        os.symlink("one", self.path("src/two"))
        self.refuse_descriptor(descriptor("app=one"), "one", codes=(1, 3))

    def test_a85_paths_that_lead_out(self):
        for path in ("../secret", "../../etc/shadow", "/etc/passwd", self.path("secret"),
                     "a/../../secret", "./../secret", "..", "../src/../secret"):
            self.refuse_descriptor(descriptor(f"app={path}"), "d.yaml:7:")
            self.refuse_descriptor(descriptor(more=f"attachments: {{notes: {path}}}\n"),
                                   "d.yaml:8:")
            self.refuse_descriptor(HEAD.encode() + f"include: {path}\n".encode(), "d.yaml:6:")
        self.write("src/d.yaml", descriptor("app=../secret"))
        self.succeed("build", "src/d.yaml", "-o", "x.fwb", "--allow-outside")

    def test_a70_what_is_no_file(self):
        self.write("src/d.yaml", descriptor("app=thing"))
        os.mkdir(self.path("src/thing"))
        self.refuse_build(says="thing is a folder")
        os.rmdir(self.path("src/thing"))
        os.mkfifo(self.path("src/thing"))
        self.refuse_build(says="thing is a named pipe")
        os.unlink(self.path("src/thing"))
        with socket.socket(socket.AF_UNIX) as made:
            folder = os.open(self.path("src"), os.O_PATH)
            made.bind(f"/proc/self/fd/{folder}/thing")  # its path must be short
            os.close(folder)
            self.refuse_build(says="thing is a socket")
        os.unlink(self.path("src/thing"))
        self.refuse_build((1, 3), says="thing")

    def test_a70_a_device(self):
        for device in ("/dev/zero", "/dev/null", "/dev/full"):
            self.write("src/d.yaml", descriptor(f"app={device}"))
            self.refuse((1, 3), "build", "src/d.yaml", "-o", "x.fwb", "--allow-outside",
                        says="is a device")

    def test_a70_an_unreadable_file(self):
        os.chmod(self.path("src/app.bin"), 0)
        prepare = as_nobody if os.geteuid() == 0 else None
        self.refuse_build((1, 3), says="app.bin.*Permission denied", prepare=prepare)

    def test_a70_an_empty_file(self):
        self.write("src/app.bin", b"")
        self.refuse_build(says="app.bin.*empty")

    def test_a70_a_name_with_a_line_feed(self):
        self.write("src/a\nb", b"data")
        self.write("src/d.yaml", descriptor("app=a\\nb"))
        self.refuse((2, 3), "build", "src/d.yaml", "-o", "x.fwb", "--depfile", "x.d")

    def change_while_building(self, change, codes, says):
        """Does something when the first of two images is half read: the first line about progress
        goes into a full pipe, so fwpack waits for us."""
        pipe = FullPipe()
        self.write("src/first.bin", noise(5 * MIB))
        self.write("src/d.yaml", descriptor("first=first.bin", "app=app.bin"))
        running = self.start("build", "src/d.yaml", "-o", "x.fwb", "-j", "1",
                             "--progress", "json", stderr=pipe.writing)
        running.wait_until_stalled()
        change()
        messages = pipe.drain().decode()
        result = running.end()
        self.assertIn("compress first", messages)
        self.assertIn(result.code, codes, messages)
        self.assertRegex(re.sub("(?m)^{.*\n", "", messages), says)
        self.assertEqual(sorted(os.listdir(self.folder)), ["secret", "src"])

    def test_a70_a_file_that_grows(self):
        def change():
            with open(self.path("src/first.bin"), "ab") as file:
                file.write(b"more")
        self.change_while_building(change, (1,), "first.bin.*changed while it was read")

    def test_a70_a_file_that_is_cut(self):
        self.change_while_building(lambda: os.truncate(self.path("src/first.bin"), 100), (1,),
                                   "first.bin")

    def test_a70_a_file_that_is_written_to(self):
        def change():
            with open(self.path("src/first.bin"), "r+b") as file:
                file.write(b"X")
        self.change_while_building(change, (1,), "first.bin.*changed while it was read")

    def test_a70_a_file_that_vanishes(self):
        self.change_while_building(lambda: os.unlink(self.path("src/app.bin")), (1,),
                                   "app.bin.*No such file")

    def test_a70_a_file_that_becomes_a_pipe(self):
        """Between the check and the build; a pipe must not make it wait."""
        def change():
            os.unlink(self.path("src/app.bin"))
            os.mkfifo(self.path("src/app.bin"))
        self.change_while_building(change, (1, 2, 3), "app.bin")


class Reproducible(SourceTest):
    """A71: the same inputs give the same bytes."""

    def setUp(self):
        super().setUp()
        self.write("owner.key", OWNER.secret_file(), 0o600)
        self.write("src/boot.bin", noise(70000))
        self.write("src/big.bin", lines(5 * MIB))
        self.write("src/notes", b"what is new\n")
        self.write("src/d.yaml", descriptor(
            "boot=boot.bin", "app=app.bin=compress: xz", "big=big.bin",
            "third=big.bin=compress: gzip",
            more="attachments: {notes: notes}\nmeta: {site: north}\n"))

    def build(self, *options, folder="src", **more):
        self.succeed("build", f"{folder}/d.yaml", "-o", "x.fwb", "-k", "owner.key", *options,
                     **{"env": {"SOURCE_DATE_EPOCH": "1700000000"}, **more})
        digest = hashlib.sha256(self.read("x.fwb")).hexdigest()
        os.unlink(self.path("x.fwb"))
        return digest

    def test_a71_other_surroundings(self):
        once = self.build()
        for env in ({"TZ": "Pacific/Kiritimati"}, {"TZ": "nowhere/odd:-99"},
                    {"LC_ALL": "tr_TR.UTF-8"}, {"LC_ALL": "C"},
                    {"LANG": "de_DE.UTF-8", "LC_ALL": None}, {"USER": "other"},
                    {"HOME": None, "USER": None, "LOGNAME": None}, {"HOSTNAME": "elsewhere"}):
            self.assertEqual(self.build(env={"SOURCE_DATE_EPOCH": "1700000000", **env}), once, env)
        for options in (("-j", "1"), ("-j", "4"), ("-j", "64"), ("-v",), ("--progress", "json")):
            self.assertEqual(self.build(*options), once, options)
        for mask in (0, 0o077):
            self.assertEqual(self.build(prepare=lambda mask=mask: os.umask(mask)), once)

    def test_a71_another_folder_and_day(self):
        once = self.build()
        shutil.copytree(self.path("src"), self.path("other/place/deep"))
        for name in sorted(os.listdir(self.path("other/place/deep")), reverse=True):
            os.utime(self.path(f"other/place/deep/{name}"), (86400, 86400))
            os.chmod(self.path(f"other/place/deep/{name}"), 0o600)
        self.assertEqual(self.build(folder="other/place/deep"), once)
        self.assertEqual(self.build(folder=self.path("other/place/deep")), once)

    def test_a71_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("needs root")
        once = self.build()
        os.chmod(self.folder, 0o777)
        os.chown(self.path("owner.key"), NOBODY, NOBODY)
        self.assertEqual(self.build(prepare=as_nobody), once)

    def test_a71_without_a_date(self):
        """No clock takes the place of SOURCE_DATE_EPOCH."""
        once = self.build(env={})
        time.sleep(1.1)
        self.assertEqual(self.build(env={}), once)
        self.assertNotEqual(self.build(), once)
        self.assertNotIn(b"created", self.made())

    def made(self):
        self.succeed("build", "src/d.yaml", "-o", "x.fwb")
        return self.read("x.fwb")[:2000]

    def test_a71_signed_at_once_or_later(self):
        self.write("second.key", SECOND.secret_file(), 0o600)
        both = self.build("-k", "second.key")
        self.assertEqual(self.signed_later("owner.key", "second.key"), both)
        self.assertEqual(self.signed_later("second.key", "owner.key"), both)

    def signed_later(self, *keys):
        env = {"SOURCE_DATE_EPOCH": "1700000000"}
        self.succeed("build", "src/d.yaml", "-o", "y.fwb", env=env)
        for key in keys:
            self.succeed("sign", "y.fwb", "-k", key)
        digest = hashlib.sha256(self.read("y.fwb")).hexdigest()
        os.unlink(self.path("y.fwb"))
        return digest

    def test_a71_build_says_so_itself(self):
        self.succeed("build", "src/d.yaml", "-o", "x.fwb", "--check", "-k", "owner.key")

    def test_a71_dates_that_are_none(self):
        for date in ("now", "-1", "1e9", "1700000000.5", "0x10", " 1", "1 ", str(2**53),
                     str(2**64 + 1)):
            self.refuse((2, 3), "build", "src/d.yaml", "-o", "x.fwb",
                        env={"SOURCE_DATE_EPOCH": date}, says="SOURCE_DATE_EPOCH")


class Descriptors(SourceTest):
    """A72, A84, A86, A88 and A89 through the program, with its limits."""

    def test_a72_aliases(self):
        laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + n)}: &{chr(98 + n)} [" + ", ".join([f"*{chr(97 + n)}"] * 9) + "]\n"
            for n in range(9))
        for text in (laughs, "a: &a [*a]\n", "a: &a {b: *a}\n", "x: &x {k: v}\ny: {<<: *x}\n",
                     HEAD + "images: &i [{name: a, file: app.bin}]\n",
                     HEAD.replace("acme-gateway", "*p")):
            self.refuse_descriptor(text.encode(), "d.yaml:[0-9]+:[0-9]+: ")

    def test_a84_sizes(self):
        for text in (HEAD.encode() + b"# " + b"x" * MIB + b"\n", HEAD.encode() + b"meta: {a: "
                     + b"x" * 300000 + b"}\n", b"[" * 20000, b"{a: " * 20000,
                     b"".join(b" " * n + b"a:\n" for n in range(600)), b"- " * 20000,
                     HEAD.encode() + b"meta: {a: [" + b"x, " * 200000 + b"x]}\n", b"\n" * MIB * 2,
                     b"a: 'b\n" * 100000, b"? " * 10000):
            self.refuse_descriptor(text, "d.yaml")

    def test_a84_counts(self):
        many = [f"a{n}=app.bin" for n in range(257)]
        self.refuse_descriptor(descriptor(*many), "256")
        self.refuse_descriptor(descriptor(head=HEAD.replace("[acme]", str(
            [f"c{n}" for n in range(65)]))), "64")

    def test_a86_names(self):
        for name in ("--help", "-o", "../a", "", ".", "..", "a/b", "A", "a b", "ä", "a" * 42, "~",
                     "a\\u0000b", "a\\eb", "a\\u202eb", "%s%n"):
            text = HEAD + f'images: [{{name: "{name}", file: app.bin}}]\n'
            self.refuse_descriptor(text.encode(), "d.yaml:6:")
            self.refuse_descriptor(descriptor(more=f'attachments: {{"{name}": app.bin}}\n'),
                                   "d.yaml:8:")
        for product in ("--help", "-o", "../a", "a/b", ".hidden", "a\\u0007", " ", ""):
            text = HEAD.replace("acme-gateway", f'"{product}"')
            self.refuse_descriptor(descriptor(head=text), "d.yaml:2:")

    def test_a86_the_output_takes_no_name_from_elsewhere(self):
        """Without -o it is named after product and version, and stays in this folder."""
        for product, code in (("acme gateway", 2), ("acme", 0), ("a$(x)", 2), ("ä", 2)):
            self.write("src/d.yaml", descriptor(head=HEAD.replace("acme-gateway", f'"{product}"')))
            if code:
                self.refuse(code, "build", "src/d.yaml", says="-o")
            else:
                self.succeed("build", "src/d.yaml")
                os.unlink(self.path("acme-1.2.3.fwb"))

    def test_a88_versions(self):
        for size, good in ((50, True), (255, True), (256, False), (65536, False)):
            version = "1.2.3-" + "a" * (size - 6)
            text = descriptor(head=HEAD.replace("1.2.3", version))
            if good:
                self.write("src/d.yaml", text)
                self.succeed("build", "src/d.yaml", "-o", "x.fwb")
                os.unlink(self.path("x.fwb"))
            else:
                self.refuse_descriptor(text, "d.yaml:3:")

    def test_a89_numbers(self):
        for number in ("-1", "1.0", "1e3", "0x7", "007", "7_0", str(2**53), str(2**63), str(2**64),
                       str(2**64 + 7), "9" * 400, "~", "yes", '""', "[7]", "+7"):
            text = HEAD.replace("security-version: 7", f"security-version: {number}")
            self.refuse_descriptor(descriptor(head=text), "d.yaml:4:")

    def test_a84_budgets_and_block_sizes(self):
        for key, says in (("max-size: 4999", "4999 bytes"), ("max-size: 0", "d.yaml:7:"),
                          ("block-size: 500", "d.yaml:7:"), ("block-size: 513", "d.yaml:7:"),
                          ("block-size: 2MiB", "d.yaml:7:"),
                          ("max-size: 99999999999GiB", "d.yaml:7:"),
                          ("compress: {codec: zstd, level: 99}", "d.yaml:7:"),
                          ("compress: lzma", "d.yaml:7:"), ("format: bin", "d.yaml:7:")):
            self.refuse_descriptor(descriptor(f"app=app.bin={key}"), says)

    def test_a73_vectors(self):
        """The descriptors made by others for the purpose; none of them is one."""
        folder = self.shared("vectors/text-attacks")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".yaml"):
                shutil.copyfile(os.path.join(folder, name), self.path("src/d.yaml"))
                self.refuse((3,), "lint", "src/d.yaml")
                self.refuse((3,), "build", "src/d.yaml", "-o", "x.fwb")

    def test_a70_modes_of_what_is_written(self):
        for mask, mode in ((0, 0o666), (0o022, 0o644), (0o077, 0o600)):
            self.succeed("build", "src/d.yaml", "-o", "x.fwb", prepare=lambda m=mask: os.umask(m))
            self.assertEqual(stat.S_IMODE(os.stat(self.path("x.fwb")).st_mode), mode)
            os.unlink(self.path("x.fwb"))

    def test_a84_an_image_larger_than_its_tables_may_be(self):
        """A table of 32 bytes for each 512 would take more than 64 MiB."""
        self.write("src/huge", b"")
        os.truncate(self.path("src/huge"), (1 << 30) + 512 * KIB)
        self.write("src/d.yaml", descriptor("app=huge=block-size: 512=compress: none"))
        self.refuse(3, "build", "src/d.yaml", "-o", "x.fwb", says="tables|block-size")


main()
