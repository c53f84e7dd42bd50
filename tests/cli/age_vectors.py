#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""C2SP's test vectors of age (npm cctv-age) give their verdicts through `decrypt`.

Skipped where npm or its registry is not at hand; unit.age has cases of the same names, made anew.
Vectors of post-quantum recipients are passed over, and where a vector expects the part of a damaged
payload that comes before the damage, nothing is written at all.
"""
import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zlib

FWPACK = os.environ["FWPACK"]
PACKAGE = "cctv-age@0.2.0"
INTEGRITY = ("1fiGAaWr+snqgu8+uCC7qPeApAuueOESET2npKe0FVLY+Huf+Kkia89Rybx/uoGNCml31SgAjiQIeFOY4K3New"
             "==")
CODES = {"success": 0, "no match": 4, "HMAC failure": 13, "header failure": 3,
         "payload failure": 13, "armor failure": 3}
LIST = """
import('./package/index.js').then((module) => {
  const files = module.default ?? module;
  const texts = Object.entries(files).map(([name, bytes]) =>
    [name, Buffer.from(bytes).toString('base64')]);
  process.stdout.write(JSON.stringify(Object.fromEntries(texts)));
});
"""


def fetch():
    """Name → bytes; nothing where they cannot be had."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return {}
    try:
        result = subprocess.run(["npm", "pack", PACKAGE, "--json", "--prefer-offline"], timeout=60,
                                capture_output=True, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return {}
    name = json.loads(result.stdout)[0]["filename"]
    with open(name, "rb") as file:
        digest = base64.b64encode(hashlib.sha512(file.read()).digest()).decode()
    if digest != INTEGRITY:
        sys.exit(f"{PACKAGE} is not what it was: {digest}")
    subprocess.run(["tar", "-xzf", name], check=True)
    listing = subprocess.run(["node", "-e", LIST], capture_output=True, check=True).stdout
    return {key: base64.b64decode(text) for key, text in json.loads(listing).items()}


def parse(content):
    """What a vector says of itself, and the age file."""
    head, body = content.split(b"\n\n", 1)
    said = {}
    for line in head.decode().splitlines():
        key, value = line.split(": ", 1)
        said.setdefault(key, []).append(value)
    return said, zlib.decompress(body) if "compressed" in said else body


def decrypt(said, body, source):
    """The exit code, what was written, and the message."""
    environment, arguments = dict(os.environ), []
    for number, identity in enumerate(said.get("identity", [])):
        environment[f"IDENTITY_{number}"] = identity
        arguments += ["-i", f"env:IDENTITY_{number}"]
    for passphrase in said.get("passphrase", [])[:1]:
        with open("passphrase", "w", encoding="utf-8") as file:
            file.write(passphrase)
        arguments += ["--passphrase-file", "passphrase"]
    with open(source, "wb") as file:
        file.write(body)
    result = subprocess.run([FWPACK, "decrypt", source, "-o", "plain", *arguments],
                            capture_output=True, check=False, env=environment)
    plain = None
    if os.path.exists("plain"):
        with open("plain", "rb") as file:
            plain = file.read()
        os.remove("plain")
    return result.returncode, plain, result.stderr.decode()


def problems(name, content):
    said, body = parse(content)
    if any("-PQ-" in identity for identity in said.get("identity", [])):
        return
    code, plain, message = decrypt(said, body, "vector.age")
    expected = said["expect"][0]
    if code != CODES[expected]:
        yield f"{name}: {code}, {expected} wanted: {message}"
    if (plain is not None) != (expected == "success"):
        yield f"{name}: written: {plain is not None}"
    if plain is not None and hashlib.sha256(plain).hexdigest() != said["payload"][0]:
        yield f"{name}: other bytes"


def main():
    vectors = fetch()
    if not vectors:
        sys.exit(77)
    wrong = [problem for name, content in sorted(vectors.items())
             for problem in problems(name, content)]
    print(f"{len(vectors)} vectors")
    sys.exit("\n".join(wrong) if wrong else 0)


main()
