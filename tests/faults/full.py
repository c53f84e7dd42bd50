#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A106: the disk is full at each place in turn. A run that fails says that there is no space, and
leaves everything as it was.

    full.py --fwpack PROGRAM

On a file system in memory whose size grows from run to run, in a mount namespace of its own where
that is permitted; and by the limit on the size of files, which is always there.
"""
import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile

import product
import walk

MOST = 500000  # bytes, enough for each command
FULL = ("No space left on device", "no space to ", "File too large")

# The images are too large for what the disk has at first.
IMAGES = [("plain", "{codec: none}", 60000, "raw"), ("packed", "{codec: zstd}", 120000, "raw")]

# Arguments, and the files that must stand on the disk for them.
COMMANDS = [
    ("build {inputs}/big.yaml -o bundle.fwb -k {inputs}/first.key -q -j1", []),
    ("build {inputs}/big.yaml -o bundle.fwb -k {inputs}/second.key -q -j1", ["bundle.fwb"]),
    ("sign bundle.fwb -k {inputs}/second.key --yes -q", ["bundle.fwb"]),
    ("extract {inputs}/bundle.fwb -C out -p {inputs}/first.pub -q -j1", []),
    ("key generate new --no-passphrase -q", []),
]


def make_inputs(folder, fwpack):
    product.make(folder, fwpack)
    for index, (name, _, size, _) in enumerate(IMAGES):
        product.write(folder, f"{name}.img", product.compressible(size, 20 + index))
    product.write(folder, "big.yaml", product.descriptor(IMAGES))
    subprocess.run([fwpack, "build", "big.yaml", "-o", "bundle.fwb", "-k", "first.key", "-q"],
                   cwd=folder, check=True)


class Disk:
    """A folder with little room. Each kind makes it, and tells how much."""

    def __init__(self, folder, inputs, fwpack):
        self.folder, self.inputs, self.fwpack = folder, inputs, fwpack
        self.points = 0
        self.problems = []

    def run(self, arguments, **options):
        command = [self.fwpack, *arguments.format(inputs=self.inputs).split()]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False,
                              **options)

    def judge(self, result, before):
        after = walk.snapshot(self.folder)
        if result.returncode == 0:
            return None
        if result.returncode != 1 or not any(word in result.stderr for word in FULL):
            return f"exit code {result.returncode}: {result.stderr}"
        if not result.stderr.startswith("fwpack: ") or result.stdout:
            return f"unclear words: {result.stdout} {result.stderr}"
        return walk.difference(before, after) if after != before else None

    def try_command(self, arguments, wanted):
        """Grows the disk until the command succeeds."""
        failed = 0
        for size in self.sizes:
            self.make(size)
            if not self.has_room_for(wanted):
                continue
            before = walk.snapshot(self.folder)
            result = self.run(arguments, **self.options(size))
            problem = self.judge(result, before)
            self.points += 1
            if problem:
                self.problems.append(f"{arguments} with {size} bytes: {problem}")
            if result.returncode == 0:
                break
            failed += 1
        else:
            self.problems.append(f"{arguments}: never succeeded")
        if failed == 0:
            self.problems.append(f"{arguments}: never failed")

    def has_room_for(self, names):
        try:
            for name in names:
                shutil.copy(os.path.join(self.inputs, name), self.folder)
        except OSError:
            return False
        return True


class Memory(Disk):
    """A tmpfs of some pages."""

    sizes = range(4096, MOST, 4096)

    def make(self, size):
        if os.path.ismount(self.folder):
            subprocess.run(["umount", self.folder], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.folder],
                       check=True)

    @staticmethod
    def options(_):
        return {}


class Limit(Disk):
    """RLIMIT_FSIZE."""

    sizes = range(1, MOST, 3001)

    def make(self, _):
        shutil.rmtree(self.folder)
        os.mkdir(self.folder)

    @staticmethod
    def options(size):
        return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}


def enter_namespace():
    """Runs this program again where it may mount; returns where that is not permitted."""
    unshare = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    probe = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"],
                           capture_output=True, check=False)
    if probe.returncode == 0:
        os.execvp("unshare", [*unshare, sys.executable, "-B", *sys.argv, "--mount"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--mount", action="store_true", help="file systems may be mounted")
    options = parser.parse_args()
    if not options.mount:
        enter_namespace()
    with tempfile.TemporaryDirectory(prefix="fwpack-full-") as folder:
        inputs = os.path.join(folder, "inputs")
        disks = [Limit(os.path.join(folder, "limit"), inputs, options.fwpack)]
        if options.mount:
            disks.append(Memory(os.path.join(folder, "memory"), inputs, options.fwpack))
        for path in (inputs, *(disk.folder for disk in disks)):
            os.mkdir(path)
        make_inputs(inputs, options.fwpack)
        for disk in disks:
            for arguments, wanted in COMMANDS:
                disk.try_command(arguments, wanted)
            print(f"{type(disk).__name__}: {disk.points} sizes, {len(disk.problems)} problems")
            print(*disk.problems, sep="\n", end="\n" if disk.problems else "")
        if options.mount:
            subprocess.run(["umount", disks[-1].folder], check=True)
    return 1 if any(disk.problems for disk in disks) else 0


if __name__ == "__main__":
    sys.exit(main())
