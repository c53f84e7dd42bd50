#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The JSON Schema and lint give the same verdicts: each change to a good descriptor is checked by
both. JSON is YAML, so the descriptors are written as JSON. The part of JSON Schema that ours uses
is checked here, by the standard library alone; an unknown word in it is an error."""
import copy
import json
import os
import re
import subprocess
import sys

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
DEFINED = ["-D", "NAME=name", "-D", "NUMBER=7", "-D", "V=1.0.0", "-D", "F=raw"]
TYPES = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
}


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def known_type(schema, value):
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return any(TYPES[name](value) for name in names)


def members(schema, value):
    properties = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    names = schema.get("propertyNames", True)
    return all(valid(properties.get(key, rest), item) and valid(names, key)
               for key, item in value.items())


# word → whether the value obeys it
WORDS = {
    "type": known_type,
    "const": lambda s, v: v == s["const"] and not isinstance(v, bool),
    "enum": lambda s, v: v in s["enum"],
    "pattern": lambda s, v: not isinstance(v, str) or re.search(s["pattern"], v) is not None,
    "minLength": lambda s, v: not isinstance(v, str) or len(v) >= s["minLength"],
    "maxLength": lambda s, v: not isinstance(v, str) or len(v) <= s["maxLength"],
    "minimum": lambda s, v: not is_number(v) or v >= s["minimum"],
    "maximum": lambda s, v: not is_number(v) or v <= s["maximum"],
    "minItems": lambda s, v: not isinstance(v, list) or len(v) >= s["minItems"],
    "maxItems": lambda s, v: not isinstance(v, list) or len(v) <= s["maxItems"],
    "uniqueItems": lambda s, v: not isinstance(v, list) or len(set(v)) == len(v),
    "items": lambda s, v: not isinstance(v, list) or all(valid(s["items"], i) for i in v),
    "maxProperties": lambda s, v: not isinstance(v, dict) or len(v) <= s["maxProperties"],
    "properties": lambda s, v: not isinstance(v, dict) or members(s, v),
    "additionalProperties": lambda s, v: not isinstance(v, dict) or members(s, v),
    "propertyNames": lambda s, v: not isinstance(v, dict) or members(s, v),
    "required": lambda s, v: not isinstance(v, dict) or all(k in v for k in s["required"]),
    "anyOf": lambda s, v: any(valid(each, v) for each in s["anyOf"]),
    "oneOf": lambda s, v: sum(valid(each, v) for each in s["oneOf"]) == 1,
    "default": lambda s, v: True,
    "description": lambda s, v: True,
    "title": lambda s, v: True,
    "$schema": lambda s, v: True,
}


def valid(schema, value):
    if isinstance(schema, bool):
        return schema
    return all(WORDS[word](schema, value) for word in schema)


def change(path, value):
    descriptor = copy.deepcopy(GOOD)
    holder = descriptor
    for key in path[:-1]:
        holder = holder[key]
    if value is None:
        holder.pop(path[-1], None)
    else:
        holder[path[-1]] = value
    return descriptor


def lint(descriptor):
    with open("fwpack.yaml", "w", encoding="utf-8") as file:
        json.dump(descriptor, file)
    run = subprocess.run([FWPACK, "lint", "-q", "fwpack.yaml", *DEFINED], capture_output=True,
                         text=True, check=False)
    return run.returncode, run.stderr


def main():
    schema = json.loads(subprocess.run([FWPACK, "schema"], capture_output=True, check=True).stdout)
    with open("file", "w", encoding="utf-8") as file:
        file.write("data")
    problems = 0
    for path, value, good in [([], None, True), *CHANGES]:
        descriptor = change(path, value) if path else GOOD
        status, errors = lint(descriptor)
        by_schema = valid(schema, descriptor)
        if status != (0 if good else 3) or by_schema != good:
            problems += 1
            print(f"{path} = {value!r}: {'good' if good else 'bad'} wanted, lint gave {status}, "
                  f"the schema says {by_schema}\n{errors}")
    print(f"{len(CHANGES) + 1} descriptors, {problems} problems")
    return 1 if problems else 0


sys.exit(main())
