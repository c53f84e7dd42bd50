#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run_program.py PROGRAM [ARGUMENT…]: runs a Python program in an empty folder of its own."""
import os
import subprocess
import sys
import tempfile

with tempfile.TemporaryDirectory(prefix="fwpack-program-") as folder:
    for name in ("home", "work", "tmp"):
        os.mkdir(os.path.join(folder, name))
    environment = dict(
        os.environ, HOME=os.path.join(folder, "home"), TMPDIR=os.path.join(folder, "tmp"),
        LC_ALL="C.UTF-8", TZ="UTC")
    sys.exit(subprocess.run([sys.executable] + sys.argv[1:], env=environment, check=False,
                            stdin=subprocess.DEVNULL, cwd=os.path.join(folder, "work")).returncode)
