# SPDX-License-Identifier: MIT
"""generated.py FWPACK-DOCS [--write]: what is printed from the tables is up to date in the tree.

With --write (the target `generate`) the files are written, and those of commands that are gone
are removed.
"""
import os
import subprocess
import sys

import tree

# What fwpack-docs is asked for → where it stands.
FILES = {
    ("bash",): "completions/fwpack.bash",
    ("zsh",): "completions/_fwpack",
    ("fish",): "completions/fwpack.fish",
    ("reference",): "docs/reference.md",
    ("errors",): "docs/errors.md",
    ("schema",): "docs/descriptor.schema.json",
    ("device-schema",): "docs/device.schema.json",
}


def ask(docs, *question):
    return subprocess.run([docs, *question], capture_output=True, check=True).stdout


def wanted(docs):
    """Path → content of every generated file."""
    found = {path: ask(docs, *question) for question, path in FILES.items()}
    for page in ask(docs, "man").decode().split():
        found[f"docs/man/{page}.1"] = ask(docs, "man", page)
    return found


def stale(path, content):
    try:
        with open(os.path.join(tree.ROOT, path), "rb") as file:
            return file.read() != content
    except FileNotFoundError:
        return True


def main():
    content = wanted(sys.argv[1])
    old = [path for path in content if stale(path, content[path])]
    gone = [path for path in tree.files(".1", below=("docs/man",)) if path not in content]
    if "--write" not in sys.argv:
        tree.finish([f"{path} is out of date: ninja generate" for path in old + gone], len(content))
    for path in old:
        os.makedirs(os.path.dirname(os.path.join(tree.ROOT, path)), exist_ok=True)
        with open(os.path.join(tree.ROOT, path), "wb") as file:
            file.write(content[path])
    for path in gone:
        os.remove(os.path.join(tree.ROOT, path))
    print(f"{len(old)} files written, {len(gone)} removed")


main()
