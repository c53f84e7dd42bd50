#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures fwpack beside its peers, each in turn on the same payload, and prints the ratios.

    tests/bench/run.py --fwpack build/release/cli/fwpack [--size MIB] [--payload FILE] [--rounds N]

Processor time and memory come from the kernel; see measure.py. Of several rounds the one with the
least processor time counts. The payload is the machine's own programs and libraries in one tar, cut
to --size (1024 MiB), unless --payload names a file. A peer that is not installed is left out;
Debian has: minisign openssl rauc mender-artifact u-boot-tools squashfs-tools.

Writing a large file for the first time costs a virtual machine more than writing it again, for
its memory must come from the host first: a round without measuring goes ahead.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile

from measure import Launcher

DESCRIPTOR = """fwpack: 1
product: bench
version: 1.0.0
security-version: 1
compatible:
  - acme,bench
images:
  - name: rootfs
    file: {payload}
    compress: {compress}
"""


class Table:
    def __init__(self):
        self.rows = []

    def head(self, title):
        print(f"\n{title}")
        print(f"  {'':44} {'CPU s':>8} {'wall s':>8} {'MiB':>6}  {'CPU to ours':>11}", flush=True)
        self.ours = None

    def row(self, name, cost):
        if self.ours is None:
            self.ours = cost
        ratio = cost.cpu / self.ours.cpu if self.ours.cpu > 0 else 0
        print(f"  {name:44} {cost.cpu:8.3f} {cost.wall:8.3f} {cost.memory:6.0f}  {ratio:10.2f}x",
              flush=True)


class Bench:
    def __init__(self, options, folder):
        self.fwpack, self.rounds, self.folder = options.fwpack, options.rounds, folder
        self.table = Table()
        self.launcher = Launcher(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def has(self, tool):
        return shutil.which(tool) is not None

    def ours(self, what, *arguments, clean=()):
        self.table.row(f"fwpack {what}",
                       self.launcher.best([self.fwpack, *arguments, "-q"], self.rounds, clean))

    def peer(self, name, *command, clean=()):
        if self.has(command[0]):
            self.table.row(name, self.launcher.best(list(command), self.rounds, clean))

    def descriptor(self, name, payload, compress):
        with open(self.path(name), "w") as file:
            file.write(DESCRIPTOR.format(payload=payload, compress=compress))

    def prepare(self):
        self.launcher.must([self.fwpack, "key", "generate", "k", "--no-passphrase"])
        if self.has("minisign"):
            self.launcher.must(["minisign", "-G", "-W", "-f", "-p", "m.pub", "-s", "m.key"])
        if self.has("openssl"):
            self.launcher.must(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                "-keyout", "r.key", "-out", "r.crt", "-subj", "/CN=bench",
                                "-days", "30"])
            self.launcher.must(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout",
                                "-out", "ec.key"])
            self.launcher.must(["openssl", "ec", "-in", "ec.key", "-pubout", "-out", "ec.pub"])

    def rauc_bundle(self, payload):
        os.makedirs(self.path("rauc"), exist_ok=True)
        if not os.path.exists(self.path("rauc/rootfs.img")):
            os.link(self.path(payload), self.path("rauc/rootfs.img"))
        with open(self.path("rauc/manifest.raucm"), "w") as file:
            file.write("[update]\ncompatible=bench\nversion=1\n[bundle]\nformat=plain\n"
                       "[image.rootfs]\nfilename=rootfs.img\n")

    def build(self, payload):
        self.table.head("build and sign, zstd level 3")
        self.ours("build, zstd 3", "build", "zstd.yaml", "-k", "k.key", "-o", "zstd.fwb")
        self.rauc_bundle(payload)
        self.peer("rauc bundle, squashfs zstd 3", "rauc", "--cert=r.crt", "--key=r.key",
                  "--mksquashfs-args=-comp zstd -Xcompression-level 3", "bundle", "rauc",
                  "zstd.raucb", clean=["zstd.raucb"])
        self.peer("zstd -3 -T1 alone", "zstd", "-3", "-T1", "-q", "-f", payload, "-o", "o.zst")
        self.table.head("build and sign, not compressed")
        self.ours("build, none", "build", "none.yaml", "-k", "k.key", "-o", "none.fwb")
        self.peer("mender-artifact write rootfs-image, none", "mender-artifact",
                  "--compression", "none", "write", "rootfs-image", "-t", "bench", "-n", "1",
                  "-f", payload, "-k", "ec.key", "-o", "none.mender")
        self.peer("minisign -S (signature only)", "minisign", "-S", "-s", "m.key", "-m", payload,
                  "-x", "p.minisig")

    def verify(self, payload):
        self.table.head("verify, not compressed")
        self.ours("verify, none", "verify", "none.fwb", "-p", "k.pub")
        self.peer("mender-artifact validate, none", "mender-artifact", "validate", "-k", "ec.pub",
                  "none.mender")
        self.peer("minisign -V", "minisign", "-V", "-p", "m.pub", "-m", payload, "-x",
                  "p.minisig")
        self.peer("openssl dgst -sha256 (hash only)", "openssl", "dgst", "-sha256", payload)
        self.table.head("verify, zstd")
        self.ours("verify, zstd", "verify", "zstd.fwb", "-p", "k.pub")
        self.peer("zstd -t alone", "zstd", "-t", "-q", "o.zst")

    def extract(self):
        self.table.head("extract (verify and write)")
        self.ours("extract, none", "extract", "none.fwb", "rootfs", "-o", "out.img", "-p", "k.pub")
        self.ours("extract, zstd", "extract", "zstd.fwb", "rootfs", "-o", "out.img", "-p", "k.pub")
        if os.path.exists(self.path("zstd.raucb")):
            for number in range(self.rounds + 2):
                shutil.rmtree(self.path(f"x{number}"), ignore_errors=True)
            self.peer("rauc extract, zstd", "sh", "-c",
                      "rm -rf x && rauc --keyring=r.crt extract zstd.raucb x")

    def small(self):
        with open("/proc/self/exe", "rb") as source, open(self.path("small.img"), "wb") as target:
            target.write(source.read(256 * 1024))
        self.descriptor("small.yaml", "small.img", "zstd")
        self.table.head("256 KiB image: build and sign")
        self.ours("build", "build", "small.yaml", "-k", "k.key", "-o", "small.fwb")
        self.peer("minisign -S", "minisign", "-S", "-s", "m.key", "-m", "small.img", "-x",
                  "s.minisig")
        self.table.head("256 KiB image: verify")
        self.ours("verify", "verify", "small.fwb", "-p", "k.pub")
        self.peer("minisign -V", "minisign", "-V", "-p", "m.pub", "-m", "small.img", "-x",
                  "s.minisig")
        self.table.head("start")
        self.ours("version", "version")

    def overhead(self):
        with open(self.path("block.img"), "wb") as file:
            file.write(os.urandom(4096))
        self.descriptor("block.yaml", "block.img", "none")
        self.launcher.must([self.fwpack, "build", "block.yaml", "-k", "k.key", "-o",
                            "block.fwb"])
        size = os.path.getsize(self.path("block.fwb"))
        print(f"\noverhead of a bundle with one image of one block and one signer: "
              f"{size - 4096} bytes")


def make_payload(path, size):
    with open(path, "wb") as target:
        tar = subprocess.Popen(["tar", "-cf", "-", "/usr/lib", "/usr/bin", "/usr/share"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        left = size
        while left > 0:
            piece = tar.stdout.read(min(left, 1 << 20))
            if not piece:
                sys.exit(f"this machine has less than {size} bytes of programs: use --payload")
            target.write(piece)
            left -= len(piece)
        tar.kill()
        tar.stdout.close()
        tar.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--size", type=int, default=1024, help="of the payload, in MiB")
    parser.add_argument("--payload", help="a file to take instead")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", help="where to work (a temporary folder)")
    options = parser.parse_args()
    options.fwpack = os.path.abspath(options.fwpack)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        bench = Bench(options, folder)
        payload = bench.path("payload.img")
        if options.payload:
            shutil.copyfile(options.payload, payload)
        else:
            make_payload(payload, options.size << 20)
        print(f"payload: {os.path.getsize(payload)} bytes; the best of {options.rounds} rounds; "
              f"{os.cpu_count()} cores")
        bench.descriptor("none.yaml", "payload.img", "none")
        bench.descriptor("zstd.yaml", "payload.img", "{codec: zstd, level: 3}")
        bench.prepare()
        bench.build("payload.img")
        bench.verify("payload.img")
        bench.extract()
        bench.small()
        bench.overhead()


main()
