# SPDX-License-Identifier: MIT
"""A stolen delivery key against a device: the bytes that it chooses are decoded in a process that
can do nothing but compute, and nothing that they become is started."""
import os
import re
import subprocess

from bundles import FRAMERS, Bundle, Image
from devices import OWNER, SIZES, DeviceTest, image
from harness import SANITIZED, main, noise

# What a child may call once it is locked up, on each machine's names for it.
ALLOWED = {"read", "write", "mmap", "mmap2", "munmap", "mremap", "mprotect", "brk", "madvise",
           "futex", "futex_time64", "getrandom", "exit", "exit_group"}


class Delivery(DeviceTest):
    """The release is a good one, signed; how it comes is the thief's."""

    def release(self, codec, number=2):
        return [Image(slot, image(slot, number), codec) for slot in SIZES]

    def sign(self, images, version="2.0.0"):
        return Bundle(images, version=version).sign(OWNER)

    def refuse_payload(self, code, images, says):
        """The decision is to install it; what then does not come out starts nowhere."""
        self.write("x.fwb", self.sign(images).archive())
        result = self.device("install", "x.fwb", "--json")
        self.assertEqual(result.code, code, repr(result))
        self.assertRegex(result.text, says)
        self.check_resources(result)
        self.assertEqual(self.status()["trial"], "none")
        self.assertEqual(self.start_device(), self.running)
        self.assertEqual(self.release_in(self.running), 1)

    def test_good(self):
        for minor, (codec, number) in enumerate((("gzip", 2), ("zstd", 3), ("xz", 2))):
            with self.subTest(codec):
                bundle = self.sign(self.release(codec, number), f"2.{minor}.0")
                self.write("x.fwb", bundle.archive())
                self.update("x.fwb", number)

    def test_garbage_for_each_decoder(self):
        for codec in ("gzip", "zstd", "xz"):
            images = self.release(codec)
            good = FRAMERS[codec](image("rootfs", 2))
            for kept in (0, 30, len(good) // 2):
                with self.subTest(codec=codec, kept=kept):
                    garbage = good[:kept] + noise(len(good) - kept, kept)
                    images[0].set_frames([garbage])
                    self.refuse_payload(13, images, "frame 0: ")

    def test_another_image(self):
        for codec in ("gzip", "zstd", "xz"):
            with self.subTest(codec):
                images = self.release(codec)
                images[0].set_frames([FRAMERS[codec](image("rootfs", 3))])
                self.refuse_payload(13, images, "the image that it decodes to: block 0 differs")


class Traced(DeviceTest):
    """What the kernel is asked for by the processes that decode."""

    def trace(self, bundle):
        """The calls of each process, in order: {pid: [(name, whole line)]}."""
        self.need("strace")
        works = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], check=False,
                               capture_output=True)
        if works.returncode != 0 or SANITIZED:
            self.skipTest("strace may not trace here")
        self.succeed("-f", "-o", "trace", os.environ["FWPACK"], "install", bundle, "-d",
                     "device.yaml", program="strace")
        calls = {}
        for line in self.read("trace").decode(errors="replace").splitlines():
            found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)", line)
            if found:
                calls.setdefault(found[1], []).append((found[2], line))
        return calls

    def check_confined(self, calls):
        confined = 0
        for made in calls.values():
            locked = [i for i, (_, line) in enumerate(made) if "PR_SET_SECCOMP" in line
                      and "SECCOMP_MODE_FILTER, NULL" not in line]
            if not locked:
                continue
            confined += 1
            after = {name for name, line in made[locked[-1] + 1:]
                     if "resumed" not in line and not line.split(None, 1)[1].startswith("+++")}
            self.assertLessEqual(after, ALLOWED)
            before = [line for _, line in made[:locked[0]]]
            self.assertTrue(any("close_range(1, 4294967295" in line for line in before))
            self.assertTrue(any("PR_SET_NO_NEW_PRIVS" in line for line in before))
        return confined

    def test_patches_and_codecs(self):
        self.assertGreater(self.check_confined(self.trace("v1-v2.fwb")), 0)
        self.start_device()
        self.do("confirm")
        images = [Image(slot, image(slot, 3), "zstd") for slot in SIZES]
        bundle = Bundle(images, version="3.0.0", security_version=2).sign(OWNER)
        self.write("x.fwb", bundle.archive())
        self.assertGreater(self.check_confined(self.trace("x.fwb")), 0)


if __name__ == "__main__":
    main()
