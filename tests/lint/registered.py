# SPDX-License-Identifier: MIT
"""What lies in the tree is known: unit tests and fuzz targets are registered, fuzz targets have
seeds, documents link to files that exist, docs/architecture.md names each folder."""
import os
import re

import tree


def check_lines(folder, prefix, function):
    """Each folder/prefixNAME.c has its line function(NAME …)."""
    lines = tree.read(f"{folder}/CMakeLists.txt")
    for path in tree.files(".c", below=(folder,)):
        match = re.match(prefix + r"(.*)\.c", os.path.basename(path))
        if match and not re.search(rf"^\s*{function}\({match[1]}[ )\n]", lines, re.MULTILINE):
            yield f"{path}: no line {function}({match[1]})"


def check_seeds():
    for path in tree.files(".c", below=("tests/fuzz",)):
        match = re.match(r"fuzz_(.*)\.c", os.path.basename(path))
        if match and not tree.files(below=(f"tests/fuzz/seeds/{match[1]}",)):
            yield f"{path}: no seeds in tests/fuzz/seeds/{match[1]}"


def check_links(path):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", tree.read(path), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if not re.match(r"[a-z]+:", target) and not os.path.exists(
                os.path.join(tree.ROOT, os.path.dirname(path), target)):
            yield f"{path}: links to {target}, which is not there"


def check_architecture():
    text = tree.read("docs/architecture.md")
    folders = [f"libpack/{name}" for name in sorted(os.listdir(os.path.join(tree.ROOT, "libpack")))]
    folders += [f"tests/{name}" for name in sorted(os.listdir(os.path.join(tree.ROOT, "tests")))]
    folders += ["cli", "formats", "cmake", "completions", "docs", "keys-example", "scripts"]
    for folder in folders:
        if tree.files(below=(folder,)) and os.path.isdir(os.path.join(tree.ROOT, folder)) and (
                f"`{folder}/`" not in text):
            yield f"docs/architecture.md: does not name `{folder}/`"
    for folder in re.findall(r"`((?:libpack|tests)/\w+/)`", text):
        if not os.path.isdir(os.path.join(tree.ROOT, folder)):
            yield f"docs/architecture.md: names `{folder}`, which is not there"


def main():
    documents = tree.files(".md")
    problems = [*check_lines("tests/unit", "test_", "add_unit_test"),
                *check_lines("tests/fuzz", "fuzz_", "add_fuzz_target"),
                *check_seeds(), *check_architecture()]
    for path in documents:
        problems += check_links(path)
    tree.finish(problems, len(documents))


main()
