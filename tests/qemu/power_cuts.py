#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""power_cuts.py [--points N] [--starts N] [--seed N]: a machine in QEMU updates itself from v1 to v2
by a delta while QEMU logs each write to its disk. Then power is cut at N places of that log, with
writes lost, kept and torn that were not flushed:

- for each point the disk is made anew as it then is; the data partition must be clean after its
  journal was replayed, and the set that the boot state names must be v1 or v2 to the byte;
- for some of them (--starts) the machine is started again: it must come up as v1 or v2, finish the
  update by itself, and end with v2 and clean file systems.

FWPACK names the program. Needs QEMU and Debian's cloud kernel; see machine.py."""

import argparse
import hashlib
import os
import random
import re
import subprocess
import sys

import machine

FWPACK = os.path.abspath(os.environ["FWPACK"])
SKIPPED = 77


def check(what, condition, detail=""):
    if not condition:
        sys.exit(f"FAILED: {what}\n{detail}")


def part(disk, name, size):
    with open(disk, "rb") as file:
        file.seek(machine.START[name])
        return file.read(size)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def data_partition(disk):
    """The data partition as the kernel would see it: its journal replayed, and clean then."""
    with open("point-data.img", "wb") as file:
        file.write(part(disk, "data", machine.DATA))
    subprocess.run(["e2fsck", "-p", "point-data.img"], check=False, stdout=subprocess.DEVNULL)
    result = subprocess.run(["e2fsck", "-fn", "point-data.img"], check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check("the data partition is clean after its journal was replayed", result.returncode == 0,
          result.stdout)


def next_set(disk):
    """The set that would start: the boot record's copies are read from the partition, and asked."""
    data_partition(disk)
    os.makedirs("point", exist_ok=True)
    for name in os.listdir("point"):
        os.remove(f"point/{name}")
    listing = machine.run("debugfs", "-R", "ls -p /", "point-data.img")
    for name in re.findall(r"/(boot[^/]*)/", listing):
        machine.run("debugfs", "-R", f"dump /{name} point/{name}", "point-data.img")
    result = subprocess.run([FWPACK, "boot", "-d", "point.yaml"], check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check("the boot state can be read", result.returncode == 0, result.stdout)
    return result.stdout.strip().splitlines()[-1]


def judge(disk, hashes):
    """The version that would start."""
    name = {"A": "rootfs-a", "B": "rootfs-b"}[next_set(disk)]
    found = sha256(part(disk, name, machine.SLOT))
    check(f"{name}, which would start, is v1 or v2 to the byte", found in hashes)
    return hashes[found]


def restart(disk):
    output = machine.start(disk)
    runs = re.findall(r"RUNS (v\d)", output)
    check("it comes up as v1 or v2", bool(runs) and set(runs) <= {"v1", "v2"}, output)
    check("it ends with v2, without help", "END v2" in output, output)
    data_partition(disk)
    for name in ("rootfs-a", "rootfs-b"):
        with open("point-root.img", "wb") as file:
            file.write(part(disk, name, machine.SLOT))
        if part(disk, name, 4096).count(0) != 4096:
            machine.run("e2fsck", "-fn", "point-root.img")
    return runs[0]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=60)
    parser.add_argument("--starts", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    absent = machine.missing()
    if absent:
        print(f"needs {absent}")
        sys.exit(1 if os.environ.get("FWPACK_ALL_TOOLS") else SKIPPED)
    machine.build(FWPACK)
    machine.write("point.yaml", machine.DEVICE.replace("/data/", f"{os.getcwd()}/point/")
                  .replace("/point/release.pub", "/release.pub"))
    hashes = {sha256(open(f"{name}.img", "rb").read()): name for name in ("v1", "v2")}

    machine.run("cp", "disk.img", "updated.img")
    output = machine.start("updated.img", log="writes.log")
    check("without a fault it updates itself", "RUNS v1" in output and "END v2" in output, output)
    log = machine.Log("writes.log")
    print(f"{log.count} entries in the log of writes, "
          f"{sum(1 for entry in log.entries if entry[2] & machine.FLUSH)} flushes")

    choice = random.Random(arguments.seed)
    points = sorted(choice.randrange(1, log.count + 1) for _ in range(arguments.points))
    starts = set(choice.sample(range(len(points)), min(arguments.starts, len(points))))
    found = {"v1": 0, "v2": 0}
    for number, point in enumerate(points):
        log.replay("disk.img", "point.img", point, choice, choice.choice((512, 4096)))
        found[judge("point.img", hashes)] += 1
        if number in starts:
            print(f"power cut after write {point}: comes up as {restart('point.img')}")
    print(f"power cuts: {len(points)} points, {found['v1']} start v1 and {found['v2']} v2; "
          f"{len(starts)} of them started again, all reached v2")


main()
