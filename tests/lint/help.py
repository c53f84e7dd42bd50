# SPDX-License-Identifier: MIT
"""help.py FWPACK: the help of every command goes to stdout, exits with 0, and fits 80 columns."""
import re
import subprocess
import sys

import tree

COLUMNS = 80


def subcommands(text):
    """The names in the list under "Commands:"."""
    listed = re.search(r"^Commands:\n((?: .*\n)*)", text, re.MULTILINE)
    return re.findall(r"^  (\w[\w-]*)", listed[1], re.MULTILINE) if listed else []


def check(command, problems):
    """Checks a command's help and that of its subcommands; gives how many there were."""
    name = " ".join(["fwpack", *command[1:], "--help"])
    result = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False)
    if result.returncode or result.stderr or not result.stdout:
        problems.append(f"{name}: exit code {result.returncode}, stderr '{result.stderr}'")
    for number, line in enumerate(result.stdout.split("\n"), 1):
        if len(line.expandtabs()) > COLUMNS:
            problems.append(f"{name}:{number}: {len(line)} columns, at most {COLUMNS}")
        if line != line.rstrip():
            problems.append(f"{name}:{number}: blanks at the end of the line")
    return 1 + sum(check([*command, sub], problems) for sub in subcommands(result.stdout))


def main():
    problems = []
    checked = check([sys.argv[1]], problems)
    if checked < 2:
        problems.append("fwpack --help lists no commands")
    tree.finish(problems, checked)


main()
