# SPDX-License-Identifier: MIT
"""A10, A21, A60, A61, A97, A106, A107 and A112 on a device: bundles that are altered, cut short or
changed under way, and slots that do not take what they are given."""
import os
import random
import resource
import shutil
import subprocess

from devices import SIZES, DeviceTest, image
from harness import NOBODY, SLOW, as_nobody, main


class Swapped(DeviceTest):
    """A21: the bundle changes while it is installed; a hook holds the run at the worst place."""

    def check(self, change, codes, installed):
        hook = self.script("hook", change + "\n")
        self.configure(f"hooks: {{before-write: [{hook}]}}\n")
        shutil.copy(self.path("v2.fwb"), self.path("x.fwb"))
        result = self.device("install", "x.fwb", "--json")
        self.assertIn(result.code, codes, repr(result))
        self.assertEqual(self.status()["trial"], "waits-for-reboot" if installed else "none")
        if installed:
            self.assertEqual(self.release_in("A"), 2)
        else:
            self.check_message(result.text)
        self.assertEqual(self.release_in("B"), 1)
        self.assertEqual(self.start_device(), "A" if installed else "B")

    def test_a21_renamed_over(self):
        """What was opened is what is read."""
        self.check("cp v3.fwb y.fwb && mv y.fwb x.fwb", (0,), True)

    def test_a21_removed(self):
        self.check("rm x.fwb", (0,), True)

    def test_a21_written_over(self):
        self.check("cat v3.fwb > x.fwb", (13,), False)

    def test_a21_a_byte(self):
        self.check("printf x | dd of=x.fwb bs=1 seek=60000 conv=notrunc 2>/dev/null", (13,), False)

    def test_a21_truncated(self):
        self.check("truncate -s 100000 x.fwb", (1, 3, 13), False)

    def test_a21_truncated_to_nothing(self):
        self.check(": > x.fwb", (1, 3, 13), False)


class Damaged(DeviceTest):
    """A10, A60 and A129: bundles that are altered, or end early; nothing of them ever starts."""

    codes = (3, 10, 11, 12, 13)

    def check(self, data, **options):
        self.write("sent", data)
        with subprocess.Popen(["cat", self.path("sent")], stdout=subprocess.PIPE) as sender:
            result = self.device("install", "-", "--json", stdin=sender.stdout.fileno(), **options)
        self.assertIn(result.code, self.codes, repr(result))
        self.check_message(result.text)
        self.assertIn("standard input", result.text)
        self.assertLessEqual(result.json["transferred"], len(data))
        self.assertEqual(self.status()["trial"], "none", repr(result))
        self.assertEqual(self.release_in("B"), 1)
        return result

    def flip(self, name):
        """With all blocks read; each time on a device that has seen none of it."""
        self.configure("policy: {reuse: false}\n")
        good, saved = self.read(name), self.save()
        generator = random.Random(10)
        for at in generator.sample(range(len(good)), 300 if SLOW else 30):
            with self.subTest(bundle=name, at=at):
                self.check(good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:])
                self.restore(saved)
        self.do("install", name)
        self.assertEqual((self.start_device(), self.release_in("A")), ("A", 2))

    def test_a10_a_bit_anywhere(self):
        self.flip("v2.fwb")

    def test_a97_a_bit_of_a_delta(self):
        self.flip("v1-v2.fwb")

    def test_a60_ends_early(self):
        """As a connection that drops; the next run needs no help."""
        good = self.read("v2.fwb")
        for at in (0, 1, 511, 1024, 5000, 20000, 70000, 150000, 190000, len(good) - 1):
            with self.subTest(at=at):
                result = self.check(good[:at])
                if result.json["changed"]:  # else it may be too short to be a bundle
                    self.assertRegex(result.text, f"ends after {at} bytes")
        self.do("install", "-", stdin=good)
        self.assertEqual((self.start_device(), self.release_in("A")), ("A", 2))

    def test_a61_its_end(self):
        saved = self.save()
        for name in ("v2.fwb", "v1-v2.fwb"):
            good = self.read(name)
            for back in (1, 513, 1024):
                with self.subTest(bundle=name, back=back):
                    self.check(good[:-back] + b"x" + good[len(good) - back + 1:])
                    self.restore(saved)

    def test_a61_more_behind_it(self):
        good = self.read("v2.fwb")
        for more in (b"x", bytes(512), good):
            self.check(good + more)


class Targets(DeviceTest):
    """A107 and A112: slots that cannot be written, or are not what they seem."""

    def check(self, codes, decision=None, prepare=None, says=None):
        before = {slot: self.read(f"{slot}-b") for slot in SIZES}
        result = self.device("install", "v2.fwb", "--json", prepare=prepare)
        self.assertIn(result.code, codes, repr(result))
        self.check_message(result.text)
        if decision:
            self.assertEqual(result.json["decision"], decision, repr(result))
        if says:
            self.assertRegex(result.text, says)
        self.assertEqual({slot: self.read(f"{slot}-b") for slot in SIZES}, before)
        self.assertEqual(self.status()["trial"], "none")
        self.assertEqual(self.start_device(), "B")

    def test_a107_no_such_folder(self):
        self.configure("a: none/rootfs-a", "a: rootfs-a")
        self.check((1, 15))

    def test_a107_read_only(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to become somebody else")
        for folder, _, files in os.walk(self.folder):
            os.chown(folder, NOBODY, NOBODY)
            for name in files:
                os.chown(os.path.join(folder, name), NOBODY, NOBODY)
        os.chown(self.path("rootfs-a"), 0, 0)
        os.chmod(self.path("rootfs-a"), 0o444)
        self.check((1,), prepare=as_nobody, says="rootfs-a")

    def test_a106_no_room(self):
        """A limit of the file system, in the place of a full one: at each of the slots."""
        for room in (4096, 100000, 199999):
            def limit(room=room):
                resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            with self.subTest(room=room):
                for slot in SIZES:
                    self.write(f"{slot}-a", b"")
                self.check((1,), prepare=limit)
        self.do("install", "v2.fwb")
        self.assertEqual(self.start_device(), "A")

    def test_a107_a_device_that_is_too_small(self):
        self.need("losetup")
        self.write("backing", bytes(390 * 512))  # the image has 200,000 bytes
        made = subprocess.run(["losetup", "-f", "--show", self.path("backing")], check=False,
                              capture_output=True, text=True)
        if made.returncode != 0:
            self.skipTest("needs a loop device")
        self.addCleanup(subprocess.run, ["losetup", "-d", made.stdout.strip()], check=False)
        self.configure(f"a: {made.stdout.strip()}", "a: rootfs-a")
        before = self.read("kernel-a"), self.read("backing")
        self.check((1,), decision="space", says="200000")
        self.assertEqual((self.read("kernel-a"), self.read("backing")), before)

    def test_a112_a_folder(self):
        os.unlink(self.path("rootfs-a"))
        os.mkdir(self.path("rootfs-a"))
        self.check((1, 2, 15), says="rootfs-a")

    def test_a112_the_running_slot_by_another_name(self):
        """A link to what runs would be written while it runs."""
        for make in (os.symlink, os.link):
            with self.subTest(make.__name__):
                os.unlink(self.path("rootfs-a"))
                make(self.path("rootfs-b"), self.path("rootfs-a"))
                self.check((1, 2), says="same")

    def test_a112_the_bundle_is_the_target(self):
        self.configure("a: x.fwb", "a: rootfs-a")
        shutil.copy(self.path("v2.fwb"), self.path("x.fwb"))
        before = self.read("rootfs-b")
        result = self.device("install", "x.fwb")
        self.assertNotEqual(result.code, 0, repr(result))
        self.check_message(result.text)
        self.assertEqual(self.read("rootfs-b"), before)
        self.assertEqual(self.status()["trial"], "none")


if __name__ == "__main__":
    main()
