#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run_program.py PROGRAM [ARGUMENT…]: runs a Python program in an empty folder of its own.

Its environment is clean, whatever that of the build is (CI, NO_COLOR, SOURCE_DATE_EPOCH, …); what
the tests themselves are told by it stays.
"""
import os
import subprocess
import sys
import tempfile

KEPT = ("FWPACK", "FWPACK_SHARED", "FWPACK_SANITIZE", "FWPACK_ALL_TOOLS", "FWPACK_SLOW", "TESTS",
        "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS",
        "PYTHONDONTWRITEBYTECODE")

with tempfile.TemporaryDirectory(prefix="fwpack-program-") as folder:
    for name in ("home", "work", "tmp"):
        os.mkdir(os.path.join(folder, name))
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment.update(
        HOME=os.path.join(folder, "home"), TMPDIR=os.path.join(folder, "tmp"),
        PATH="/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        LC_ALL="C.UTF-8", TZ="UTC")
    sys.exit(subprocess.run([sys.executable, "-B"] + sys.argv[1:], env=environment, check=False,
                            stdin=subprocess.DEVNULL, cwd=os.path.join(folder, "work")).returncode)
