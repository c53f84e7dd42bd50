#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The README's "On the device", run as it is printed, on plain files."""

import json
import os
import re
import shlex
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FWPACK = os.environ["FWPACK"]


def section():
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        return re.search(r"^## On the device\n(.*?)^## ", file.read(), re.M | re.S)[1]


def commands():
    """Each command of the section with the exit code and the last line that its comment tells."""
    for line in re.sub(r" \\\n +", " ", section()).split("\n"):
        if not line.startswith("    $ "):
            continue
        command, _, comment = line[6:].partition("    #")
        code = re.match(r" exit (\d+)", comment)
        answer = re.match(r" prints (\w)", comment)
        yield command.rstrip(), int(code[1]) if code else 0, answer[1] if answer else None


def prepare():
    device = re.search(r"^```yaml\n(.*?)^```", section(), re.M | re.S)[1]
    with open("device.yaml", "w", encoding="utf-8") as file:
        file.write(device)
    old = os.urandom(300000)
    for version, image in (("1.0.0", old), ("2.0.0", old[:1000] + os.urandom(500) + old[1500:])):
        with open(f"rootfs-{version}.img", "wb") as file:
            file.write(image)
        with open(f"acme-{version}.yaml", "w", encoding="utf-8") as file:
            file.write(f"fwpack: 1\nproduct: acme-gateway\nversion: {version}\n"
                       f"compatible: ['acme,gateway-r2']\n"
                       f"images:\n  - {{name: rootfs, file: rootfs-{version}.img}}\n")


def script():
    """A shell script that ends at the first command that ends otherwise than it should."""
    for command, expected, answer in commands():
        yield "echo " + shlex.quote("$ " + command)
        if not command.startswith(("fwpack", "touch")):
            yield command
            continue
        yield f"{command} >answer; code=$?; cat answer"
        yield f"[ $code -eq {expected} ] || {{ echo \"exit $code, {expected} wanted\" >&2; exit 1; }}"
        if answer:
            yield f"[ \"$(cat answer)\" = {answer} ] || {{ echo '{answer} wanted' >&2; exit 1; }}"


def check(what, condition):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def same(a, b):
    with open(a, "rb") as first, open(b, "rb") as second:
        return first.read() == second.read()


def main():
    prepare()
    environment = dict(os.environ, CI="true",
                       PATH=f"{os.path.dirname(os.path.abspath(FWPACK))}:{os.environ['PATH']}")
    with open("run.sh", "w", encoding="utf-8") as file:
        file.write("\n".join(script()) + "\n")
    result = subprocess.run(["sh", "run.sh"], env=environment, check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(result.stdout)
    check("the README's commands work as they are printed", result.returncode == 0)
    check("they are many", sum(1 for _ in commands()) > 15)
    check("set A holds release 2", same("rootfs-a.img", "rootfs-2.0.0.img"))
    check("set B holds release 1", same("rootfs-b.img", "rootfs-1.0.0.img"))
    with open("state/events.jsonl", encoding="utf-8") as file:
        types = [json.loads(line)["type"] for line in file]
    for word in ("decision", "switch", "confirm", "health", "rollback"):
        check(f"an event tells of {word}", any(word in type for type in types))


main()
