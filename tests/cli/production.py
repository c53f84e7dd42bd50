#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The README's "Signing in production", run as it is printed: SoftHSM2, minisign, ssh-agent."""

import os
import re
import shlex
import shutil
import subprocess
import sys

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FWPACK = os.environ["FWPACK"]
TOOLS = ("softhsm2-util", "pkcs11-tool", "minisign", "ssh-keygen", "ssh-agent", "ssh-add")
SKIPPED = 77


def commands():
    """Each command of the section with the exit code that its comment tells."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        section = re.search(r"^## Signing in production\n(.*?)^## ", file.read(), re.M | re.S)[1]
    lines = re.sub(r" \\\n +", " ", section).split("\n")
    for line in lines:
        if not line.startswith("    $ "):
            continue
        command, _, comment = line[6:].partition("    #")
        expected = re.match(r" exit (\d+)", comment)
        yield command.rstrip(), int(expected[1]) if expected else 0


def prepare():
    os.mkdir("tokens")
    with open("softhsm2.conf", "w", encoding="utf-8") as file:
        file.write(f"directories.tokendir = {os.path.abspath('tokens')}\n"
                   "objectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n")
    for name, text in (("pin.txt", "1234\n"), ("passphrase", "correct horse\n")):
        with open(name, "w", encoding="utf-8", opener=lambda path, flags: os.open(
                path, flags, 0o600)) as file:
            file.write(text)
    with open("firmware.bin", "wb") as file:
        file.write(os.urandom(100000))
    with open("fwpack.yaml", "w", encoding="utf-8") as file:
        file.write("fwpack: 1\nproduct: acme-gateway\nversion: 1.0.0\nsecurity-version: 1\n"
                   "compatible: [acme-r2]\nimages:\n  - {name: app, file: firmware.bin}\n")


def script():
    """A shell script that ends at the first command that ends otherwise than it should."""
    for command, expected in commands():
        yield "echo " + shlex.quote("$ " + command)
        # minisign reads its passphrases from standard input where that is no terminal.
        feed = f" <{os.path.abspath('answers')}" if command.startswith("minisign") else ""
        yield f"{command}{feed}; code=$?"
        yield f"[ $code -eq {expected} ] || {{ echo \"exit $code, {expected} wanted\" >&2; exit 1; }}"


def check(what, condition):
    if not condition:
        sys.exit(f"FAILED: {what}")
    print(f"ok: {what}")


def main():
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        print("needs " + ", ".join(missing))
        sys.exit(1 if os.environ.get("FWPACK_ALL_TOOLS") else SKIPPED)
    prepare()
    with open("answers", "w", encoding="utf-8") as file:
        file.write("correct horse\ncorrect horse\n")
    # SoftHSM loses the name of each curve, which is not ours to count.
    options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    environment = dict(os.environ, ASAN_OPTIONS=options, SOFTHSM2_CONF=os.path.abspath("softhsm2.conf"),
                       FWPACK_PASSPHRASE_FILE=os.path.abspath("passphrase"), CI="true",
                       PATH=f"{os.path.dirname(os.path.abspath(FWPACK))}:{os.environ['PATH']}")
    with open("run.sh", "w", encoding="utf-8") as file:
        file.write("\n".join(script()) + "\n")
    result = subprocess.run(["ssh-agent", "sh", "run.sh"], env=environment, check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    print(result.stdout)
    check("the README's commands work as they are printed", result.returncode == 0)
    check("they are many", sum(1 for _ in commands()) > 30)


main()
