#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Real firmware through the whole chain: each file of the shared corpus is an image of one bundle,
which is built, verified, inspected and extracted; each file comes back byte for byte. Intel HEX
goes in twice, as it is and with its addresses."""

import os
import subprocess
import sys

FWPACK = os.environ["FWPACK"]
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SHARED = os.environ.get("FWPACK_SHARED", os.path.join(SOURCE, "..", "shared"))
ARCHIVE = os.path.join(SHARED, "corpus", "corpus.tar.xz")
SKIPPED = 77


def run(*arguments):
    subprocess.run([FWPACK, *arguments], check=True, stdout=subprocess.DEVNULL)


def same(a, b):
    with open(a, "rb") as first, open(b, "rb") as second:
        while True:
            one, other = first.read(1 << 20), second.read(1 << 20)
            if one != other:
                return False
            if not one:
                return True


def find_images():
    """(image name, file, format), a format of None for what travels as it is."""
    images = []
    for folder, _, names in sorted(os.walk("corpus")):
        for name in sorted(names):
            if not name.startswith(("old.", "new.")):
                continue
            path = os.path.join(folder, name)
            image = f"{os.path.basename(folder)}.{name.split('.')[0]}"
            images.append((image, path, None))
            if name.endswith(".hex"):
                images.append((f"{image}.ihex", path, "ihex"))
    return images


def write_descriptor(images):
    with open("fwpack.yaml", "w", encoding="utf-8") as file:
        file.write("fwpack: 1\nproduct: corpus\nversion: 1.0.0\nsecurity-version: 1\n"
                   "compatible:\n  - acme,corpus\nimages:\n")
        for number, (image, path, form) in enumerate(images):
            codec = ("{codec: zstd, level: 3}", "none", "{codec: gzip, level: 1}")[number % 3]
            file.write(f"  - name: {image}\n    file: {path}\n    format: {form or 'raw'}\n"
                       f"    compress: {codec}\n")


if not os.path.exists(ARCHIVE):
    print("no shared corpus")
    sys.exit(SKIPPED)
os.mkdir("corpus")
subprocess.run(["tar", "-xJf", ARCHIVE, "-C", "corpus"], check=True)
found = find_images()
write_descriptor(found)
run("key", "generate", "k", "--no-passphrase", "-q")
run("build", "fwpack.yaml", "-k", "k.key", "-o", "corpus.fwb", "-q")
run("verify", "corpus.fwb", "-p", "k.pub", "--flat")
run("inspect", "corpus.fwb", "--json")
run("extract", "corpus.fwb", "-C", "out", "-p", "k.pub")
wrong = 0
for image, path, form in found:
    if not same(path, f"out/{image}{'.hex' if form else '.img'}"):
        print(f"FAILED: {path} as {form or 'raw'} came back changed")
        wrong += 1
print(f"{len(found) - wrong} of {len(found)} images came back byte for byte")
sys.exit(1 if wrong else 0)
