# SPDX-License-Identifier: MIT
"""No function is longer than 90 lines, or takes more than 9 parameters."""
import subprocess

import tree

LINES, PARAMETERS = 90, 9


def functions(paths):
    listing = subprocess.run(
        ["ctags", "-x", "--kinds-C=f", "--language-force=C", "--fields=+neS",
         "--_xformat=%F\t%n\t%{end}\t%N\t%{signature}", *paths],
        capture_output=True, text=True, check=True, cwd=tree.ROOT).stdout
    for line in listing.splitlines():
        path, first, last, name, signature = line.split("\t")
        yield path, int(first), int(last or first), name, signature.count(",") + 1


def main():
    problems = []
    checked = 0
    for path, first, last, name, parameters in functions(
            tree.files(".c", ".h", below=(*tree.PRODUCT, "tests"))):
        checked += 1
        if last - first + 1 > LINES:
            problems.append(f"{path}:{first}: {name} has {last - first + 1} lines, at most {LINES}")
        if parameters > PARAMETERS:
            problems.append(f"{path}:{first}: {name} takes {parameters}, at most {PARAMETERS}")
    tree.finish(problems, checked)


main()
