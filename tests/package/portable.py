# SPDX-License-Identifier: MIT
"""portable.py FWPACK SOURCE: the side of a device, built for other machines, gives the same bytes
as here: 32 bits, big-endian, and with 32-bit offsets. Those without a compiler here are left out;
qemu-user runs what the processor does not. The images are what the compilers made."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion",
         "-Werror"]
# name: compiler, options, and what runs it
MACHINES = {
    "i686": ("i686-linux-gnu-gcc", [], ["qemu-i386"]),
    "powerpc": ("powerpc-linux-gnu-gcc", [], ["qemu-ppc"]),
    "i686, 32-bit offsets": ("i686-linux-gnu-gcc", ["-DPATCH_32"], ["qemu-i386"]),
    "here": ("cc", [], []),
}
SORTS = {
    "tiny": (["--decoder", "tiny"], []),
    "small": (["--decoder", "small"], []),
    "full": (["--decoder", "full", "--no-unpack"], []),
    "in place": (["--decoder", "small", "--in-place=4096", "--page-size", "1024"], ["1024"]),
}


def run(*command, wanted=(0,)):
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode not in wanted:
        sys.exit(f"{' '.join(command)}: {result.returncode}\n{result.stderr.decode()}")
    return result.returncode


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def build(source, compiler, options, output):
    patch = os.path.join(source, "libpack", "patch")
    files = sorted(glob.glob(f"{patch}/*.c"))
    run(compiler, *FLAGS, *options, f"-I{source}/libpack", f"-I{source}/libpack/include", *files,
        os.path.join(source, "tests", "package", "portable", "main.c"), "-o", output)


def programs(source):
    """Machine → the command that applies a patch there."""
    found = {}
    for name, (compiler, options, emulator) in MACHINES.items():
        if shutil.which(compiler) and all(map(shutil.which, emulator)):
            output = os.path.abspath(name.replace(" ", "-"))
            build(source, compiler, ["-O2", "-static", *options], output)
            found[name] = [*emulator, output]
    return found


def pairs(source):
    """Two versions of a program without its libraries: code of real machines that moved."""
    linked = ["-O2", "-nostdlib", "-static", "-Wl,--unresolved-symbols=ignore-all,-e,main"]
    for compiler in ("powerpc-linux-gnu-gcc", "cc"):
        if shutil.which(compiler):
            build(source, compiler, linked, "old")
            build(source, compiler, [*linked, "-DPATCH_WITHOUT_SMALL", "-falign-functions=64"], "new")
            yield compiler


def check_patch(commands, options, more, new):
    run(sys.argv[1], "delta", "-q", "--level", "fast", "old", "new", "-o", "patch", *options)
    for name, command in commands.items():
        run(*command, "old", "patch", "out", *more)
        made = read("out")
        if made[:len(new)] != new or (not more and len(made) != len(new)):
            sys.exit(f"{name}: another image")


def check_damage(commands, more):
    """Each machine gives the same answer to a damaged patch, and it is no."""
    patch = read("patch")
    for at in (3, 7, 79, 90, len(patch) // 2, len(patch) - 1):
        write("bad", patch[:at] + bytes([patch[at] ^ 4]) + patch[at + 1:])
        answers = {run(*command, "old", "bad", "out", *more, wanted=range(1, 7))
                   for command in commands.values()}
        if len(answers) != 1:
            sys.exit(f"byte {at}: different answers {answers}")


def main():
    source = os.path.abspath(sys.argv[2])
    sys.argv[1] = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="fwpack-portable-") as folder:
        os.chdir(folder)
        commands = programs(source)
        if not commands.keys() & {"i686", "powerpc"}:
            print("no compilers for other machines")
            sys.exit(77)
        for compiler in pairs(source):
            new = read("new")
            for sort, (options, more) in SORTS.items():
                check_patch(commands, options, more, new)
                if compiler != "cc":
                    check_damage(commands, more)
                print(f"{compiler}, {sort}: {len(read('patch'))} of {len(new)} bytes")
        os.chdir("/")
    print(f"the same on {', '.join(commands)}")


main()
