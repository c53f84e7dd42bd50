#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The worked example of docs/bundle-format.md is a real bundle, byte for byte.

    tests/cli/specification.py --print    # the example as it must stand there; needs $FWPACK
"""

import hashlib
import os
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DOCUMENT = os.path.join(SOURCE, "docs", "bundle-format.md")
KEY = os.path.join(SOURCE, "keys-example", "demo-release.key")
DESCRIPTOR = """fwpack: 1
product: hello
version: 1.0.0
security-version: 1
compatible:
  - acme,demo
images:
  - name: app
    file: app.bin
    compress: none
"""


def build():
    with open("app.bin", "w", encoding="ascii") as file:
        file.write("hello")
    with open("fwpack.yaml", "w", encoding="ascii") as file:
        file.write(DESCRIPTOR)
    subprocess.run([os.environ["FWPACK"], "build", "fwpack.yaml", "-k", KEY, "-o", "hello.fwb",
                    "-q"], check=True, stderr=subprocess.DEVNULL)
    with open("hello.fwb", "rb") as file:
        return file.read()


def dump(data):
    """As `hexdump -C`: lines that repeat the one before are left out."""
    lines, last = [], None
    for offset in range(0, len(data), 16):
        row = data[offset:offset + 16]
        if row == last:
            if lines[-1] != "*":
                lines.append("*")
            continue
        last = row
        digits = " ".join(f"{byte:02x}" for byte in row[:8]).ljust(23) + "  " + \
            " ".join(f"{byte:02x}" for byte in row[8:]).ljust(23)
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{offset:08x}  {digits}  |{text}|")
    lines.append(f"{len(data):08x}")
    return lines


def example(data):
    lines = ["## A worked example", "",
             "The image is the five bytes `hello`, codec `none`, signed by the demo key of "
             "`keys-example/` for", "both roles. From this descriptor", ""]
    lines += ["    " + line for line in DESCRIPTOR.rstrip().split("\n")]
    lines += ["", f"comes this bundle of {len(data)} bytes, SHA-256", "",
              "    " + hashlib.sha256(data).hexdigest(), "",
              "The image is one block, so its `blocks_sha256` is the SHA-256 of its `sha256`, and "
              "no table is a", "member. A line `*` stands for lines like the one before.", ""]
    lines += ["    " + line for line in dump(data)]
    return "\n".join(lines)


text = example(build())
if "--print" in sys.argv:
    print(text)
else:
    with open(DOCUMENT, encoding="utf-8") as file:
        if text not in file.read():
            sys.exit("the worked example of docs/bundle-format.md is not what fwpack builds now")
