#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Measures what signing a bundle of 256 KiB costs, by where the key is kept: a file, SoftHSM, an
ssh-agent, a command; from the start of the program to its end, verification of the signature and
replacement of the bundle included. Peers sign the same number of bytes.

    tests/bench/signing.py --fwpack build/release/cli/fwpack [--rounds N]

Wall time, the best and the median of the rounds, and processor time, which other work on the machine
disturbs less. What is wanted: 8 ms with a file, 60 ms with SoftHSM. Left out where its tools are not there: softhsm2
opensc openssh-client openssl minisign.
"""

import argparse
import glob
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from measure import Launcher

MODULES = glob.glob("/usr/lib/softhsm/libsofthsm2.so")
DESCRIPTOR = """fwpack: 1
product: bench
version: 1.0.0
security-version: 1
compatible: [bench]
images: [{name: app, file: image, compress: none}]
"""
SIGNER = """#!/bin/sh
exec openssl pkeyutl -sign -rawin -inkey key.pem -in /dev/stdin
"""


def write(path, content, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    os.chmod(path, mode)


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


class Bench:
    def __init__(self, options):
        self.fwpack, self.rounds = options.fwpack, options.rounds
        self.launcher = Launcher(".")

    def row(self, name, wanted, command, fresh=True):
        """Each round signs the bundle anew."""
        walls, processor = [], []
        for _ in range(self.rounds + 1):
            if fresh:
                shutil.copyfile("unsigned.fwb", "x.fwb")
            cost = self.launcher.must(list(command))
            walls.append(cost.wall * 1000)
            processor.append(cost.cpu * 1000)
        walls = walls[1:]  # one warms caches up
        print(f"  {name:40} {min(walls):7.1f} {statistics.median(walls):7.1f} "
              f"{min(processor):7.1f}   {wanted}", flush=True)

    def ours(self, name, key, wanted="", *options):
        self.row(f"fwpack sign, {name}", wanted,
                 [self.fwpack, "sign", "x.fwb", "-q", "-k", key, *options])

    def files(self):
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", "key.pem")
        run("openssl", "pkey", "-in", "key.pem", "-pubout", "-out", "pub.pem")
        os.chmod("key.pem", 0o600)
        run(self.fwpack, "key", "generate", "k", "--no-passphrase")
        self.ours("a minisign file", "k.key", "≤ 8")
        self.ours("a PEM file", "key.pem", "≤ 8")
        self.ours("a command (openssl)", "exec:./signer", "", "--signer-pub", "pub.pem")
        if shutil.which("minisign"):
            run("minisign", "-G", "-W", "-f", "-p", "m.pub", "-s", "m.key")
            self.row("minisign -S", "", ["minisign", "-S", "-s", "m.key", "-m", "image", "-x", "s"])

    def agent(self):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "id")
        process = subprocess.Popen(["ssh-agent", "-D", "-a", "sock"], stdout=subprocess.DEVNULL)
        while not os.path.exists("sock"):
            time.sleep(0.01)
        os.environ["SSH_AUTH_SOCK"] = os.path.abspath("sock")
        run("ssh-add", "-q", "id")
        self.ours("ssh-agent", "agent:")
        self.row("ssh-keygen -Y sign, ssh-agent", "",
                 ["sh", "-c", "rm -f image.sig; exec ssh-keygen -Y sign -f id.pub -n x image"])
        process.terminate()
        process.wait()

    def token(self):
        os.mkdir("tokens")
        write("conf", f"directories.tokendir = {os.path.abspath('tokens')}\n")
        write("pin", "1234\n", 0o600)
        os.environ.update(SOFTHSM2_CONF=os.path.abspath("conf"), PIN="1234",
                          FWPACK_PKCS11_MODULE=MODULES[0])
        run("softhsm2-util", "--init-token", "--free", "--label", "b", "--so-pin", "12345678",
            "--pin", "1234")
        run("softhsm2-util", "--import", "key.pem", "--token", "b", "--label", "k", "--id", "01",
            "--pin", "1234")
        self.ours("SoftHSM", "pkcs11:token=b;object=k?pin-source=pin", "≤ 60")
        if shutil.which("pkcs11-tool"):
            write("digest", "d" * 64)
            self.row("pkcs11-tool --sign, once", "",
                     ["pkcs11-tool", "--module", MODULES[0], "--token-label", "b", "--login", "--pin",
                      "env:PIN", "--sign", "--mechanism", "EDDSA", "--id", "01", "-i", "digest",
                      "-o", "s"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    options.fwpack = os.path.abspath(options.fwpack)
    if not shutil.which("openssl"):
        sys.exit("openssl is wanted, to make the key")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("image", "wb") as file:
            file.write(os.urandom(256 * 1024))
        write("d.yaml", DESCRIPTOR)
        write("signer", SIGNER, 0o755)
        run(options.fwpack, "build", "d.yaml", "-o", "unsigned.fwb")
        print(f"{options.rounds} rounds, {os.cpu_count()} cores\n"
              f"  {'':40} {'best ms':>7} {'median':>7} {'CPU ms':>7}   wanted")
        bench = Bench(options)
        bench.files()
        if shutil.which("ssh-agent"):
            bench.agent()
        if MODULES and shutil.which("softhsm2-util"):
            bench.token()
        os.chdir("/")


main()
