#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Large images: the memory that a command takes does not grow with them, and sizes are 64-bit.

    large.py --fwpack PROGRAM           64 MiB beside 1 GiB, compressed
    large.py --fwpack PROGRAM --slow    5 GiB, compressed and not: build, sign, verify, extract;
                                        takes minutes and 16 GiB of disk; only with FWPACK_SLOW=1
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

import product

MIB, GIB = 1 << 20, 1 << 30
SKIPPED = 77

# Most memory in MiB, as the issue has it, whatever the image's size; and how much more a larger
# image may take: its tables (32 bytes for each 64 KiB, twice), and a little.
MOST = {"build": 64, "sign": 64, "verify": 32, "extract": 32}
MORE = {"1 GiB": 6, "5 GiB": 16}


def sparse_image(folder, size):
    """Zeros but for marks at the start, at the end, and on both sides of 4 GiB."""
    path = os.path.join(folder, "large.img")
    with open(path, "wb") as file:
        file.truncate(size)
        for place in (0, 4 * GIB - 4, 4 * GIB + 70000, size - 12):
            if place + 12 <= size:
                file.seek(place)
                file.write(b"mark %07d" % (place % 9999991))
    return path


def same(one, other):
    """Compares files piece by piece."""
    with open(one, "rb") as left, open(other, "rb") as right:
        while True:
            piece = left.read(4 * MIB)
            if piece != right.read(4 * MIB):
                return False
            if not piece:
                return True


class Runs:
    def __init__(self, fwpack, folder):
        self.fwpack = fwpack
        self.folder = folder
        self.problems = []
        self.run("key generate first --no-passphrase -q")
        self.run("key generate second --no-passphrase -q")

    def run(self, arguments):
        """Gives the most memory that it took, in MiB."""
        begun = time.monotonic()
        process = subprocess.Popen([self.fwpack, *arguments.split()], cwd=self.folder)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"{arguments}: exit code {os.waitstatus_to_exitcode(status)}")
        memory = usage.ru_maxrss / 1024
        print(f"  {arguments.split()[0]:8} {time.monotonic() - begun:6.1f} s {memory:6.1f} MiB",
              flush=True)
        return memory

    def all_commands(self, size, codec, out):
        """The memory of each, by name; `out` is where the image is extracted to."""
        print(f"{size // MIB} MiB, {codec}:")
        image = sparse_image(self.folder, size)
        product.write(self.folder, "notes.txt", b"what is new\n")
        product.write(self.folder, "large.yaml", product.descriptor(
            [("large", f"{{codec: {codec}}}", 0, "raw")]).replace(b"block-size: 512",
                                                                  b"block-size: 64KiB"))
        memory = {
            "build": self.run("build large.yaml -o large.fwb -k first.key -q -j2"),
            "sign": self.run("sign large.fwb -k second.key --yes -q"),
            "verify": self.run("verify large.fwb -p any=first.pub -p any=second.pub -q -j2 "
                               "--require 2"),
            "extract": self.run(f"extract large.fwb large -o {out} -p first.pub -q -j2"),
        }
        if out != "/dev/null":
            if not same(image, os.path.join(self.folder, out)):
                self.problems.append(f"{codec}: what comes out is not what went in")
            os.unlink(os.path.join(self.folder, out))
        os.unlink(os.path.join(self.folder, "large.fwb"))
        os.unlink(image)
        return memory

    def compare(self, small, large, name, codec):
        for command, memory in large.items():
            if memory > MOST[command]:
                self.problems.append(f"{codec}: {command} of {name} takes {memory:.1f} MiB, "
                                     f"at most {MOST[command]} wanted")
            if memory > small[command] + MORE[name]:
                self.problems.append(f"{codec}: {command} of {name} takes {memory:.1f} MiB, with "
                                     f"64 MiB it takes {small[command]:.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--slow", action="store_true")
    options = parser.parse_args()
    if options.slow and os.environ.get("FWPACK_SLOW") != "1":
        print("only with FWPACK_SLOW=1")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="fwpack-large-") as folder:
        runs = Runs(options.fwpack, folder)
        for codec in ("zstd", "none") if options.slow else ("zstd",):
            small = runs.all_commands(64 * MIB, codec, "/dev/null")
            large = runs.all_commands(5 * GIB if options.slow else GIB, codec,
                                      "out.img" if options.slow else "/dev/null")
            runs.compare(small, large, "5 GiB" if options.slow else "1 GiB", codec)
    print(*runs.problems, sep="\n", end="\n" if runs.problems else "")
    return 1 if runs.problems else 0


if __name__ == "__main__":
    sys.exit(main())
