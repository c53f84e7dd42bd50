# SPDX-License-Identifier: MIT
"""What the lints share: the project's files, C without comments, and how problems are reported."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRODUCT = ("libpack", "formats", "cli")  # the folders of the C that is shipped


def files(*endings, below=("",)):
    """Paths, relative to the root, of the files with one of the endings; build trees, and
    what was taken over from elsewhere, are left out."""
    found = []
    for start in below:
        for folder, folders, names in os.walk(os.path.join(ROOT, start)):
            folders[:] = sorted(name for name in folders if not re.match(
                r"build|\.git$|__pycache__|lzma-sdk$", name))
            found += [os.path.relpath(os.path.join(folder, name), ROOT)
                      for name in sorted(names) if name.endswith(endings or ("",))]
    return found


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8", errors="surrogateescape") as file:
        return file.read()


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def bare_c(text):
    """C with its comments and the insides of its literals blanked; lines and columns stay."""
    pattern = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    return re.sub(pattern, blank, text, flags=re.DOTALL)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def finish(problems, checked):
    """Ends the program: prints what is wrong, or how much was found right. Nothing is an error."""
    for problem in problems:
        print(problem)
    if not checked:
        print("nothing was checked")
    else:
        print(f"{checked} checked, {len(problems)} problems")
    sys.exit(1 if problems or not checked else 0)
