# SPDX-License-Identifier: MIT
"""deb.py CPACK BUILD: the Debian packages of a build. lintian accepts them without overrides, the
program in them starts, and they hold no path of the machine that built them."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PACKAGES = ["fwpack", "libpack-dev", "libpack0"]


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def loaded_strings(path):
    return run("strings", "--data", path)


def check_contents(folder, build):
    version = run(f"{folder}/usr/bin/fwpack", "version")
    assert version.startswith("fwpack "), version
    programs = [f"{folder}/usr/bin/fwpack",
                *glob.glob(f"{folder}/usr/lib/**/libpack.so.0", recursive=True)]
    assert len(programs) == 2, programs
    for path in programs:
        sections = run("readelf", "-SW", path)
        assert ".symtab" not in sections, f"{path} is not stripped"
        for folder_of_build in (build, ROOT):
            assert folder_of_build not in loaded_strings(path), f"{path} names {folder_of_build}"


def main():
    cpack, build = sys.argv[1:]
    work = tempfile.mkdtemp(prefix="fwpack-deb-")
    try:
        run(cpack, "--config", f"{build}/CPackConfig.cmake", "-B", work)
        packages = sorted(glob.glob(f"{work}/*.deb"))
        names = [run("dpkg-deb", "--field", path, "Package").strip() for path in packages]
        assert names == PACKAGES, names
        for path in packages:
            run("dpkg-deb", "-x", path, f"{work}/root")
        check_contents(f"{work}/root", build)
        allowed = ["--allow-root"] if os.geteuid() == 0 else []
        subprocess.run(["lintian", *allowed, "--fail-on", "error,warning", *packages], check=True)
    finally:
        shutil.rmtree(work)


main()
