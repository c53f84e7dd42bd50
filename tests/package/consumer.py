# SPDX-License-Identifier: MIT
"""consumer.py CMAKE BUILD CC CXX VERSION: installs a build somewhere, and compiles a user of the
library against it: by pkg-config, shared and static, as C17 and C++17, and by find_package."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
MAIN = os.path.join(HERE, "consumer", "main.c")
INSTALLED = ["bin/fwpack", "include/pack/pack.h", "share/doc/fwpack/copyright",
             "share/man/man1/fwpack.1.gz", "share/bash-completion/completions/fwpack",
             "share/zsh/vendor-completions/_fwpack", "share/fish/vendor_completions.d/fwpack.fish"]


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def check_program(program, library, version, shared):
    environment = dict(os.environ, LD_LIBRARY_PATH=library)
    answer = run(program, env=environment)
    assert answer == f"{version} limit\n", f"{program} said '{answer}'"
    needed = run("readelf", "-d", program)
    assert ("libpack.so.0" in needed) == shared, f"{program}: {needed}"


def by_pkg_config(compiler, language, prefix, work, version):
    pc = glob.glob(f"{prefix}/lib/**/pack.pc", recursive=True)[0]
    library = os.path.dirname(os.path.dirname(pc))
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(pc))
    flags = run("pkg-config", "--cflags", "--libs", "pack", env=environment).split()
    static = run("pkg-config", "--static", "--cflags", "--libs", "pack", env=environment).split()
    assert run("pkg-config", "--modversion", "pack", env=environment).strip() == version
    at = static.index("-lpack")
    static[at:at + 1] = ["-Wl,-Bstatic", "-lpack", "-Wl,-Bdynamic"]
    for kind, options in (("shared", flags), ("static", static)):
        program = os.path.join(work, f"{language[1][4:]}-{kind}")
        run(compiler, *language, "-Wall", "-Wextra", "-Werror", MAIN, "-xnone", *options,
            "-o", program)
        check_program(program, library, version, kind == "shared")


def by_find_package(cmake, prefix, work, version):
    build = os.path.join(work, "cmake")
    run(cmake, "-S", os.path.dirname(MAIN), "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run(cmake, "--build", build)
    library = os.path.dirname(glob.glob(f"{prefix}/lib/**/libpack.so", recursive=True)[0])
    for kind in ("shared", "static"):
        check_program(f"{build}/consumer-{kind}", library, version, kind == "shared")


def main():
    cmake, build, cc, cxx, version = sys.argv[1:]
    work = tempfile.mkdtemp(prefix="fwpack-consumer-")
    try:
        prefix = os.path.join(work, "installed")
        run(cmake, "--install", build, "--prefix", prefix)
        for name in INSTALLED:
            assert os.path.exists(os.path.join(prefix, name)), f"{name} was not installed"
        assert version in run(f"{prefix}/bin/fwpack", "version")
        by_pkg_config(cc, ["-xc", "-std=c17"], prefix, work, version)
        by_pkg_config(cxx, ["-xc++", "-std=c++17"], prefix, work, version)
        by_find_package(cmake, prefix, work, version)
    finally:
        shutil.rmtree(work)


main()
