#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The JSON Schema and lint give the same verdicts: each change to a good descriptor is checked by
both. JSON is YAML, so the descriptors are written as JSON."""
import copy
import json
import os
import subprocess
import sys

from json_schema import valid

FWPACK = os.environ["FWPACK"]
GOOD = {
    "fwpack": 1, "product": "acme", "version": "1.0.0", "security-version": 1,
    "compatible": ["acme,gw"], "images": [{"name": "rootfs", "file": "file"}],
}
# (path of keys, value, whether it is good); a value of None takes the key away
CHANGES = [
    (["fwpack"], 2, False), (["fwpack"], None, False),
    (["product"], None, False), (["product"], "a/b", False), (["product"], "-a", False),
    (["product"], "", False), (["product"], "a b", True), (["product"], ["a"], False),
    (["version"], None, False), (["version"], "1.0", False), (["version"], 1.1, False),
    (["version"], "1.0.0-rc.1+b", True), (["version"], "v1.0.0", False),
    (["security-version"], None, True), (["security-version"], "7", True),
    (["security-version"], "07", False), (["security-version"], -1, False),
    (["security-version"], 1.5, False), (["security-version"], 2**53, False),
    (["security-version"], 2**53 - 1, True), (["security-version"], True, False),
    (["data-epoch"], 3, True), (["data-epoch"], "x", False), (["data-epoch"], None, True),
    (["created"], 0, True), (["created"], "2024-02-29T12:00:00Z", True),
    (["created"], "yesterday", False), (["created"], "2024-02-29", False),
    (["compatible"], None, False), (["compatible"], [], False), (["compatible"], "a", False),
    (["compatible"], ["a", "a"], False), (["compatible"], ["-a"], False),
    (["compatible"], [str(i) for i in range(64)], True),
    (["compatible"], [str(i) for i in range(65)], False),
    (["requires"], {"from": ">=1.0.0 <2.0.0"}, True), (["requires"], {"from": "1.0.0 - 2"}, False),
    (["requires"], {"form": ">=1.0.0"}, False), (["requires"], {}, True),
    (["images"], None, False), (["images"], [], False), (["images"], {}, False),
    (["images", 0, "name"], None, False), (["images", 0, "name"], "A", False),
    (["images", 0, "name"], "a" * 41, True), (["images", 0, "name"], "a" * 42, False),
    (["images", 0, "file"], None, False), (["images", 0, "file"], "", False),
    (["images", 0, "slot"], "mcu0", True), (["images", 0, "slot"], "../a", False),
    (["images", 0, "version"], "1.2.3", True), (["images", 0, "version"], "1.2", False),
    (["images", 0, "format"], "raw", True), (["images", 0, "format"], "hex", False),
    (["images", 0, "compress"], "xz", True), (["images", 0, "compress"], "lz4", False),
    (["images", 0, "compress"], {"codec": "gzip", "level": 6}, True),
    (["images", 0, "compress"], {"codec": "lz4"}, False),
    (["images", 0, "compress"], {"speed": 1}, False), (["images", 0, "compress"], ["xz"], False),
    (["images", 0, "block-size"], "4KiB", True), (["images", 0, "block-size"], 512, True),
    (["images", 0, "block-size"], "4 KiB", False), (["images", 0, "block-size"], "4KB", False),
    (["images", 0, "max-size"], "1GiB", True), (["images", 0, "max-size"], 0, False),
    (["images", 0, "max-size"], "1_000", False), (["images", 0, "maxsize"], 1, False),
    (["attachments"], {"sbom": "file"}, True), (["attachments"], {"SBOM": "file"}, False),
    (["attachments"], {"sbom": ["file"]}, False), (["attachments"], {}, True),
    (["meta"], {"a": [1, {"b": "c"}]}, True), (["meta"], [], False), (["meta"], {}, True),
    (["variables"], ["A", "b_1"], True), (["variables"], ["1a"], False),
    (["variables"], "A", False), (["include"], [], True), (["include"], {}, False),
    (["unknown"], 1, False), (["product"], "${NAME}", True), (["data-epoch"], "${NUMBER}", True),
    (["version"], "${V}", True), (["images", 0, "format"], "${F}", True),
    (["images", 0, "compress"], {"level": "${NUMBER}"}, True),
]
GOOD_DEVICE = {
    "fwpack-device": 1, "product": "acme", "hardware": "acme,gw", "trust": "root.json",
    "state": "state", "slots": [{"name": "rootfs", "a": "a.img", "b": "b.img"}],
    "bootloader": {"type": "file"},
}
GUID = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
DEVICE_CHANGES = [
    *[([key], None, False) for key in GOOD_DEVICE if key != "fwpack-device"],
    (["fwpack-device"], 2, False), (["product"], "a/b", False),
    (["hardware"], ["a,b", "c"], True), (["hardware"], ["a", "a"], False),
    (["hardware"], [], False), (["hardware"], "-a", False), (["hardware"], ["-a"], False),
    (["id"], "x", True), (["id"], "", False), (["id"], "x" * 256, False),
    (["trust"], ["release=a.pub", "b.pub"], True), (["trust"], [], False), (["trust"], {}, False),
    (["clock"], False, True), (["clock"], "no", False), (["clock"], 0, False),
    (["state"], "", False), (["slots"], [], False), (["slots"], {}, False),
    (["slots", 0, "name"], "Root", False), (["slots", 0, "name"], None, False),
    (["slots", 0, "b"], None, False), (["slots", 0, "single"], "x", False),
    (["slots", 0, "b"], {"file": "b"}, True), (["slots", 0, "b"], {}, False),
    (["slots", 0, "b"], {"file": "b", "mtd": "c"}, False), (["slots", 0, "b"], {"mdt": "c"}, False),
    (["slots", 0, "b"], {"partition-type": GUID}, True),
    (["slots", 0, "b"], {"partition-type": "linux"}, False),
    (["slots", 0, "b"], {"command": ["a", "b"], "timeout": "5m"}, True),
    (["slots", 0, "b"], {"command": "a b"}, False), (["slots", 0, "b"], ["b"], False),
    (["bootloader"], {"type": "grub", "copy": "x"}, True), (["bootloader"], {"type": "lilo"}, False),
    (["bootloader"], {"file": "x"}, False), (["bootloader", "running"], {"cmdline": "a"}, True),
    (["bootloader", "running"], {"cmdline": "a=b"}, False), (["bootloader", "running"], {}, False),
    (["bootloader", "running"], {"cmdline": "a", "file": "b"}, False),
    (["policy"], {}, True), (["policy"], [], False), (["policy"], {"tries": 99}, True),
    (["policy"], {"tries": "5"}, True), (["policy"], {"tries": 0}, False),
    (["policy"], {"tries": 100}, False), (["policy"], {"tries": 1.5}, False),
    (["policy"], {"cooldown": "7d"}, True), (["policy"], {"cooldown": "7w"}, False),
    (["policy"], {"cooldown": "07d"}, False), (["policy"], {"cooldown": 3600}, True),
    (["policy"], {"window": "02:00-05:00"}, True), (["policy"], {"window": []}, False),
    (["policy"], {"decoder-memory": "16MiB"}, True), (["policy"], {"decoder-memory": "16MB"}, False),
    (["policy"], {"decoder-memory": 1}, False), (["policy"], {"confinement": "none"}, False),
    (["policy"], {"reuse": False, "confinement": "preferred"}, True),
    (["policy"], {"battery": {"minimum": 5, "file": "x"}}, True),
    (["policy"], {"battery": {"minimum": 5, "command": {"command": ["x"], "timeout": 3}}}, True),
    (["policy"], {"battery": {"minimum": 0, "file": "x"}}, False),
    (["policy"], {"battery": {"minimum": 5}}, False), (["policy"], {"battery": {"file": "x"}}, False),
    (["health"], [{"name": "a", "command": ["x", 1, True], "attempts": 2, "pause": "0s"}], True),
    (["health"], [{"name": "a"}], False), (["health"], [], False),
    (["health"], [{"name": "a", "command": []}], False),
    (["health"], [{"name": "a", "command": ["x"], "timeout": 0}], False),
    (["hooks"], {"before-write": ["x"], "after-switch": {"command": ["y"]}}, True),
    (["hooks"], {"before-reading": ["x"]}, False), (["hooks"], {"after-write": {}}, False),
    (["counter"], {"read": ["x"], "raise": ["y"]}, True), (["counter"], {"read": ["x"]}, False),
    (["reboot"], ["systemctl", "reboot"], True), (["reboot"], "reboot", False),
    (["events"], {"file": "e", "size": "4KiB", "keep": 0}, True),
    (["events"], {"size": 512}, False), (["events"], {"keep": -1}, False),
    (["identities"], ["a", "env:B"], True), (["identities"], ["a", "a"], False),
    (["unknown"], 1, False),
]
DEFINED = ["-D", "NAME=name", "-D", "NUMBER=7", "-D", "V=1.0.0", "-D", "F=raw"]


def change(good, path, value):
    changed = copy.deepcopy(good)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return changed


def lint(content):
    with open("checked.yaml", "w", encoding="utf-8") as file:
        json.dump(content, file)
    run = subprocess.run([FWPACK, "lint", "-q", "checked.yaml", *DEFINED], capture_output=True,
                         text=True, check=False)
    return run.returncode, run.stderr


def compare(kind, good_file, changes):
    """How many verdicts are not those that are wanted."""
    schema = json.loads(subprocess.run([FWPACK, "schema", kind], capture_output=True,
                                       check=True).stdout)
    problems = 0
    for path, value, good in [([], None, True), *changes]:
        content = change(good_file, path, value) if path else good_file
        status, errors = lint(content)
        by_schema = valid(schema, content)
        if status != (0 if good else 3) or by_schema != good:
            problems += 1
            print(f"{kind}: {path} = {value!r}: {'good' if good else 'bad'} wanted, lint gave "
                  f"{status}, the schema says {by_schema}\n{errors}")
    print(f"{len(changes) + 1} of {kind}, {problems} problems")
    return problems


def main():
    with open("file", "w", encoding="utf-8") as file:
        file.write("data")
    problems = compare("descriptor", GOOD, CHANGES)
    problems += compare("device", GOOD_DEVICE, DEVICE_CHANGES)
    return 1 if problems else 0


sys.exit(main())
