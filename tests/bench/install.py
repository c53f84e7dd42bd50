#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures what installing costs a device, beside its peers, all in one run.

    tests/bench/install.py --fwpack build/release/cli/fwpack [--device-program PROGRAM]
        [--size MIB] [--delta-size MIB] [--rounds N]

The payload is the machine's own programs and libraries in one tar, cut to --size (1024 MiB). It is
installed, zstd level 3, into a slot that is a new file; beside it `zstd -d | sha256sum`, and RAUC's
extract of the same payload. Then deltas of --delta-size (128 MiB; 0 leaves them out): the base with
other programs' code in 1 % of its pages, and with its parts in another order. The base is read twice,
once to be hashed in full, which is what a dry run does, and once by the patcher. Rates are its size by
wall time.

Processor time is that of the program and all of its children, memory of the largest of them
(measure.py). Of several rounds the one with the least processor time counts, after one that is not
counted. A peer that is not installed is left out. --device-program measures another program, such
as fwpack-device; bundles are always made by --fwpack.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

from measure import Launcher

DESCRIPTOR = """fwpack: 1
product: bench
version: {version}
security-version: 1
compatible:
  - acme,bench
images:
  - name: rootfs
    slot: rootfs
    file: {payload}
    compress: {compress}
"""

DEVICE = """fwpack-device: 1
product: bench
hardware:
  - acme,bench
slots:
  - name: rootfs
    a: {{file: a.img}}
    b: {{file: b.img}}
bootloader:
  type: file
  file: boot
  running:
    file: running
trust:
  - k.pub
state: state
"""


class Bench:
    def __init__(self, options, folder):
        self.fwpack, self.program = options.fwpack, options.device_program or options.fwpack
        self.rounds, self.folder = options.rounds, folder
        self.launcher = Launcher(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def head(self, title):
        print(f"\n{title}\n  {'':46} {'CPU s':>7} {'wall s':>7} {'MiB':>5}", flush=True)

    def row(self, name, cost, more=""):
        print(f"  {name:46} {cost.cpu:7.3f} {cost.wall:7.3f} {cost.memory:5.0f}  {more}", flush=True)

    def reset(self, base=None):
        """A device that runs set A, whose other set was never written."""
        for name in ("state", "boot.0", "boot.1", "a.img", "b.img"):
            path = self.path(name)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)
        with open(self.path("running"), "w") as file:
            file.write("A\n")
        if base is None:
            open(self.path("a.img"), "wb").close()
        else:
            os.link(self.path(base), self.path("a.img"))

    def best(self, command, base=None):
        """As Launcher.best, on a fresh device each time."""
        best = None
        for number in range(self.rounds + 1):
            self.reset(base)
            cost = self.launcher.must(command)
            if number != 0 and (best is None or cost.cpu < best.cpu):
                best = cost
        return best

    def build(self, name, payload, version, compress):
        with open(self.path("d.yaml"), "w") as file:
            file.write(DESCRIPTOR.format(version=version, payload=payload, compress=compress))
        self.launcher.must([self.fwpack, "build", "d.yaml", "-k", "k.key", "-o", name, "-q"])

    def install(self, title, bundle, base=None):
        command = [self.program, "install", bundle, "-d", "device.yaml", "--first", "-q"]
        cost = self.best(command, base)
        return title, cost

    def full(self, size):
        self.head(f"install {size >> 20} MiB into a file")
        rows = []
        for compress in ("{codec: zstd, level: 3}", "none"):
            self.build("full.fwb", "payload.img", "1.0.0", compress)
            codec = "zstd" if "zstd" in compress else "none"
            rows.append(self.install(f"fwpack install, {codec}", "full.fwb"))
            self.row(*rows[-1])
        ours = rows[0][1]
        if shutil.which("zstd"):
            self.launcher.must(["zstd", "-3", "-q", "-f", "payload.img", "-o", "p.zst"])
            for name, hasher in (("sha256sum", "sha256sum"),
                                 ("openssl sha256", "openssl dgst -sha256")):
                cost = self.launcher.best(["sh", "-c", f"zstd -dcq p.zst | {hasher}"], self.rounds)
                self.row(f"zstd -d | {name}", cost, f"ours is {ours.cpu / cost.cpu:.2f} x")
        self.rauc(ours)

    def rauc(self, ours):
        if not shutil.which("rauc") or not shutil.which("openssl"):
            return
        self.launcher.must(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                            "r.key", "-out", "r.crt", "-subj", "/CN=bench", "-days", "30"])
        os.makedirs(self.path("rauc"))
        os.link(self.path("payload.img"), self.path("rauc/rootfs.img"))
        with open(self.path("rauc/manifest.raucm"), "w") as file:
            file.write("[update]\ncompatible=bench\nversion=1\n[bundle]\nformat=plain\n"
                       "[image.rootfs]\nfilename=rootfs.img\n")
        self.launcher.must(["rauc", "--cert=r.crt", "--key=r.key",
                            "--mksquashfs-args=-comp zstd -Xcompression-level 3", "bundle", "rauc",
                            "p.raucb"])
        cost = self.launcher.best(
            ["sh", "-c", "rm -rf x && rauc --keyring=r.crt extract p.raucb x && sync x/rootfs.img"],
            self.rounds)
        self.row("rauc extract, zstd", cost, f"ours is {ours.cpu / cost.cpu:.2f} x")

    def delta(self, name, change):
        size = os.path.getsize(self.path("old.img"))
        with open(self.path("old.img"), "rb") as old, open(self.path("new.img"), "wb") as new:
            new.write(change(old.read()))
        self.build("old.fwb", "old.img", "1.0.0", "none")
        self.build("new.fwb", "new.img", "2.0.0", "none")
        self.launcher.must([self.fwpack, "delta", "old.fwb", "new.fwb", "-o", "delta.fwb", "--level",
                            "fast", "-p", "k.pub", "-k", "k.key", "-q"])
        _, cost = self.install("", "delta.fwb", "old.img")
        self.row(f"fwpack install, {name}", cost,
                 f"{os.path.getsize(self.path('delta.fwb')) / 1e6:.2f} MB; "
                 f"{size / 1e6 / cost.wall:.0f} MB/s")

    def dry_run(self):
        size = os.path.getsize(self.path("old.img"))
        cost = self.best([self.program, "install", "delta.fwb", "-d", "device.yaml", "--first", "-nq"],
                         "old.img")
        self.row("fwpack install -n, the base hashed", cost, f"{size / 1e6 / cost.wall:.0f} MB/s")

    def deltas(self, size):
        with open(self.path("payload.img"), "rb") as source, open(self.path("old.img"), "wb") as old:
            old.write(source.read(size))
            fresh = source.read(size // 64)
        self.head(f"install a delta of {size >> 20} MiB")
        self.delta("1 % of the pages new", lambda old: change_pages(old, fresh))
        self.delta("its parts moved", move_parts)
        self.dry_run()


def change_pages(old, fresh):
    """Other content in one page of a hundred."""
    chance, new, at = random.Random(1), bytearray(old), 0
    for page in range(0, len(old) - 4096, 4096):
        if chance.randrange(100) == 0 and at + 4096 <= len(fresh):
            new[page:page + 4096] = fresh[at:at + 4096]
            at += 4096
    return new


def move_parts(old):
    """Packages of 64 KiB to 4 MiB in another order, a few bytes longer."""
    chance, parts, at = random.Random(2), [], 0
    while at < len(old):
        length = chance.randrange(1 << 16, 1 << 22)
        parts.append(old[at:at + length] + chance.randbytes(chance.randrange(64)))
        at += length
    chance.shuffle(parts)
    return b"".join(parts)


def make_payload(path, size):
    """The machine's programs and libraries; where they are fewer, once more in another order."""
    left = size
    with open(path, "wb") as target:
        for order in (["/usr/lib", "/usr/bin", "/usr/share"], ["/usr/share", "/usr/bin"]):
            tar = subprocess.Popen(["tar", "-cf", "-", *order], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
            while left > 0:
                piece = tar.stdout.read(min(left, 1 << 20))
                if not piece:
                    break
                target.write(piece)
                left -= len(piece)
            tar.kill()
            tar.stdout.close()
            tar.wait()
    if left > 0:
        sys.exit(f"this machine has less than {size} bytes of programs: use --size")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--device-program", help="the program that installs (that of --fwpack)")
    parser.add_argument("--size", type=int, default=1024, help="of the payload, in MiB")
    parser.add_argument("--delta-size", type=int, default=128, help="of the delta's base, in MiB")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--folder", help="where to work (a temporary folder)")
    options = parser.parse_args()
    options.fwpack = os.path.abspath(options.fwpack)
    if options.device_program:
        options.device_program = os.path.abspath(options.device_program)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(options, folder)
        make_payload(bench.path("payload.img"), options.size << 20)
        print(f"payload: {options.size} MiB; the best of {options.rounds} rounds; "
              f"{os.cpu_count()} cores")
        with open(bench.path("device.yaml"), "w") as file:
            file.write(DEVICE.format())
        bench.launcher.must([options.fwpack, "key", "generate", "k", "--no-passphrase"])
        bench.full(options.size << 20)
        if options.delta_size:
            bench.deltas(options.delta_size << 20)


main()
