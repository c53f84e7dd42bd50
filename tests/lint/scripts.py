# SPDX-License-Identifier: MIT
"""Files that another tool judges. scripts.py shell|format|bash|zsh|fish

Shell scripts pass shellcheck, C is formatted as .clang-format says, and each completion can be read
by its shell.
"""
import os
import re
import subprocess
import sys

import tree


def shell_scripts():
    return [path for path in tree.files() if not os.path.islink(os.path.join(tree.ROOT, path))
            and (path.endswith(".sh") or os.access(os.path.join(tree.ROOT, path), os.X_OK))
            and re.match(r"#!.*\b(ba|da)?sh\b", tree.read(path))]


CHECKS = {
    "shell": (shell_scripts, ["shellcheck", "--enable=avoid-nullary-conditions"]),
    "format": (lambda: tree.files(".c", ".h"), ["clang-format", "--dry-run", "-Werror"]),
    "bash": (lambda: ["completions/fwpack.bash"], ["bash", "-n"]),
    "zsh": (lambda: ["completions/_fwpack"], ["zsh", "-n"]),
    "fish": (lambda: ["completions/fwpack.fish"], ["fish", "--no-execute"]),
}


def main():
    find, command = CHECKS[sys.argv[1]]
    paths = find()
    result = subprocess.run(command + paths, cwd=tree.ROOT, check=False)
    tree.finish(["see above"] if result.returncode else [], len(paths))


main()
