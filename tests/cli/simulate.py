#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""install --simulate with the faults of docs/simulate.md, on a device of plain files."""

import json
import os
import re
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FWPACK = os.environ["FWPACK"]
DEVICE = """fwpack-device: 1
product: p
hardware: h
trust: release.pub
state: state
slots:
  - {name: rootfs, a: rootfs-a, b: rootfs-b}
  - {name: kernel, a: kernel-a, b: kernel-b}
bootloader: {type: file, file: boot}
policy: {battery: {minimum: 30, file: charge}}
"""


def fwpack(*arguments, expected=0):
    result = subprocess.run([FWPACK, *arguments], check=False, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
    if result.returncode != expected:
        sys.exit(f"FAILED: {arguments}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def write(path, data):
    with open(path, "wb") as file:
        file.write(data)


def snapshot():
    found = {}
    for folder, _, names in os.walk("."):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[path] = (os.stat(path).st_mtime_ns, file.read())
    return found


def build():
    old = os.urandom(150000)
    fwpack("key", "generate", "release", "--no-passphrase")
    for version, change in (("1.0.0", b"one"), ("2.0.0", b"two")):
        write("rootfs.img", old[:50000] + change + old[50003:])
        write("kernel.img", old[:30000])
        write("d.yaml", f"fwpack: 1\nproduct: p\nversion: {version}\ncompatible: [h]\nimages:\n"
                        "  - {name: rootfs, file: rootfs.img}\n"
                        "  - {name: kernel, file: kernel.img}\n".encode())
        fwpack("build", "d.yaml", "-k", "release.key", "-o", f"{version}.fwb")
    fwpack("delta", "1.0.0.fwb", "2.0.0.fwb", "-o", "update.fwb", "-p", "release.pub", "-k",
           "release.key")
    write("device.yaml", DEVICE.encode())
    write("charge", b"80\n")
    fwpack("install", "--first", "1.0.0.fwb", "-d", "device.yaml")
    fwpack("boot", "-d", "device.yaml")
    fwpack("confirm", "-d", "device.yaml")


def check(what, condition):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def main():
    build()
    with open(os.path.join(SOURCE, "docs", "simulate.md"), encoding="utf-8") as file:
        faults = re.search(r"```yaml\n(.*?)```", file.read(), re.S)[1]
    write("faults.yaml", faults.replace("# - {battery", "- {battery").encode())
    before = snapshot()
    for bundle in ("update.fwb", "2.0.0.fwb"):
        told = json.loads(fwpack("install", bundle, "--simulate", "faults.yaml", "-d",
                                 "device.yaml", "--json"))["simulation"]
        check(f"{bundle}: each fault was tried, {told['points']} points",
              len(told["faults"]) == 8 and all(one["points"] > 0 for one in told["faults"]))
        check("power cuts started both releases",
              told["faults"][1]["started_old"] > 0 and told["faults"][1]["started_new"] > 0)
        check("nothing failed", not any(one["failures"] for one in told["faults"]))
    check("the device is as it was, to its times", snapshot() == before)
    check("no copy is left", not os.listdir(os.environ["TMPDIR"]))
    text = fwpack("install", "update.fwb", "--simulate", "faults.yaml", "-d", "device.yaml")
    check("people are told too", "power goes while it installs" in text and "all good" in text)
    write("bad.yaml", b"fwpack-faults: 1\nfaults:\n  - {power-cutt: 3}\n")
    fwpack("install", "update.fwb", "--simulate", "bad.yaml", "-d", "device.yaml", expected=3)
    write("far.yaml", b"fwpack-faults: 1\nfaults:\n  - {power-cut: 100000}\n")
    fwpack("install", "update.fwb", "--simulate", "far.yaml", "-d", "device.yaml", expected=3)
    fwpack("install", "1.0.0.fwb", "--simulate", "faults.yaml", "-d", "device.yaml", expected=2)
    fwpack("install", "-", "--simulate", "faults.yaml", "-d", "device.yaml", expected=2)


main()
