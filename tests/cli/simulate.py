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
    if "are lost" in result.stderr:
        sys.exit(f"FAILED: {arguments}: what a fault does is warned of:\n{result.stderr}")
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


def refuse_what_cannot_be():
    """Before anything is tried, so that no report says that all went well."""
    write("weak.yaml", DEVICE.replace("battery: {minimum: 30, file: charge}", "tries: 3").encode())
    for fault, device, says in (("power-cut: 100000", "device.yaml", "operation 100000"),
                                ("network: 90000000", "device.yaml", "byte 90000000, the bundle"),
                                ("corrupt: 90000000", "device.yaml", "byte 90000000, the bundle"),
                                ("battery: 5", "weak.yaml", "asks for no battery"),
                                ("battery: 30", "device.yaml", "30 suffices")):
        write("far.yaml", b"fwpack-faults: 1\nfaults:\n  - {twice: true}\n  - {%s}\n"
              % fault.encode())
        told = json.loads(fwpack("install", "update.fwb", "--simulate", "far.yaml", "-d", device,
                                 "--json", expected=3))
        check(f"{fault} is refused", says in told["error"]["message"] and
              told["error"]["line"] == 4 and "simulation" not in told)


def look_at_a_byte_that_is_not_read():
    """Of the full image beside the delta: a fault there strikes nothing, and is no good point."""
    fwpack("delta", "1.0.0.fwb", "2.0.0.fwb", "-o", "both.fwb", "-p", "release.pub", "-k",
           "release.key", "--keep-full")
    byte = os.path.getsize("both.fwb") // 2
    write("middle.yaml", b"fwpack-faults: 1\nfaults:\n  - {corrupt: %d}\n" % byte)
    told = json.loads(fwpack("install", "both.fwb", "--simulate", "middle.yaml", "-d",
                             "device.yaml", "--json"))["simulation"]
    check("a byte that is not read is no point", told["points"] == 0 and
          any(f"does not read byte {byte}" in note for note in told["notes"]))


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
    refuse_what_cannot_be()
    look_at_a_byte_that_is_not_read()
    fwpack("install", "1.0.0.fwb", "--simulate", "faults.yaml", "-d", "device.yaml", expected=2)
    fwpack("install", "-", "--simulate", "faults.yaml", "-d", "device.yaml", expected=2)


main()
