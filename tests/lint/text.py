# SPDX-License-Identifier: MIT
"""Every text file: licence line, no machine's paths, nothing unfinished, clean lines."""
import re

import tree

LICENSED = (".c", ".h", ".py", ".sh", ".cmake", "CMakeLists.txt")
TEXT = (*LICENSED, ".md", ".json", ".case", ".yaml", ".yml", ".in", ".1", ".fish", ".bash")
PATHS = r"(?<![\w.])/(?:work|home|root|Users|mnt|tmp/build)\b/"
UNFINISHED = r"\b(?:TODO|FIXME|XXX|HACK)\b|\bfor now\b"


def is_script(path):
    return path.startswith(("scripts/", ".ci/")) and tree.read(path).startswith("#!")


def main():
    problems = []
    checked = 0
    for path in tree.files():
        script = is_script(path)
        if not (script or path.endswith(TEXT)) or path.startswith("tests/fuzz/seeds/"):
            continue
        checked += 1
        text = tree.read(path)
        head = "\n".join(text.split("\n")[:3])
        if (script or path.endswith(LICENSED)) and "SPDX-License-Identifier: MIT" not in head:
            problems.append(f"{path}:1: no SPDX line")
        if path == "tests/lint/text.py":
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if re.search(PATHS, line):
                problems.append(f"{path}:{number}: a path of some machine")
            if re.search(UNFINISHED, line):
                problems.append(f"{path}:{number}: something unfinished")
            if line != line.rstrip() and not path.endswith((".case", ".1")):
                problems.append(f"{path}:{number}: blanks at the end of the line")
    tree.finish(problems, checked)


main()
