# SPDX-License-Identifier: MIT
"""run.py FWPACK CMAKE ROOT WORK: applies patches on a Cortex-M3 in QEMU, with the library that
cmake/apply builds. The images are a pair of the shared corpus, where it is, and one made here.
Exit 77 where the compiler or QEMU is missing."""
import os
import shutil
import subprocess
import sys
import tarfile

GCC = ["arm-none-eabi-gcc", "-mcpu=cortex-m3", "-mthumb", "-Os", "-ffreestanding", "-nostdlib"]
QEMU = ["qemu-system-arm", "-M", "mps2-an385", "-nographic", "-monitor", "none", "-serial", "null",
        "-semihosting-config", "enable=on,target=native", "-kernel"]


def run(*command, **options):
    return subprocess.run(command, check=True, timeout=120, **options)


def build_library(cmake, root, work, profile):
    folder = os.path.join(work, profile)
    run(cmake, "-S", os.path.join(root, "cmake/apply"), "-B", folder,
        "-DCMAKE_TOOLCHAIN_FILE=" + os.path.join(root, "cmake/toolchains/cortex-m.cmake"),
        "-DPACK_APPLY_CPU=cortex-m3", "-DPACK_APPLY_PROFILE=" + profile, stdout=subprocess.DEVNULL)
    run(cmake, "--build", folder, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "libpack-apply.a")


def make_sample(source, folder):
    os.makedirs(folder, exist_ok=True)
    for release, name in ((1, "old"), (2, "new")):
        elf = os.path.join(folder, name + ".elf")
        run(*GCC, f"-DRELEASE={release}", "-fno-toplevel-reorder", "-Wl,-Ttext=0x8000",
            "-Wl,-e,start", os.path.join(source, "sample.c"), "-lgcc", "-o", elf)
        run("arm-none-eabi-objcopy", "-O", "binary", elf, os.path.join(folder, name + ".bin"))


def take_from_corpus(root, folder):
    shared = os.environ.get("FWPACK_SHARED") or os.path.join(os.path.dirname(root), "shared")
    archive = os.path.join(shared, "corpus", "corpus.tar.xz")
    if not os.path.exists(archive):
        return False
    os.makedirs(folder, exist_ok=True)
    with tarfile.open(archive) as corpus:
        for name in ("old.bin", "new.bin"):
            member = corpus.extractfile("pyb-move-minor/" + name)
            with open(os.path.join(folder, name), "wb") as file:
                shutil.copyfileobj(member, file)
    return True


def claimed_memory(patch):
    """The header's number: the device gets no more. Behind prefix, profile, flags and sizes."""
    with open(patch, "rb") as file:
        data = file.read(64)
    at, numbers = 7, []
    while len(numbers) < 3:
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            shift += 7
            at += 1
            if data[at - 1] < 128:
                break
        numbers.append(value)
    return numbers[2]


def apply(fwpack, source, root, folder, profile, library, in_place):
    patch, elf = os.path.join(folder, "patch.fwd"), os.path.join(folder, "device.elf")
    if os.path.exists(patch):
        os.unlink(patch)
    options = ["--in-place=4096"] if in_place else []
    run(fwpack, "delta", os.path.join(folder, "old.bin"), os.path.join(folder, "new.bin"), "-o",
        patch, "--decoder", profile, *options, stdout=subprocess.DEVNULL)
    memory = claimed_memory(patch)
    run(*GCC, "-Wall", "-Wextra", "-Werror", "-fno-builtin", f"-DMEMORY={(memory + 7) // 8 * 8}",
        f"-DIN_PLACE={int(in_place)}", "-I" + os.path.join(root, "libpack/include"),
        "-Wa,-I" + folder, "-T", os.path.join(source, "m3.ld"), os.path.join(source, "device.c"),
        os.path.join(source, "blobs.S"), library, "-lgcc", "-o", elf)
    result = subprocess.run([*QEMU, elf], capture_output=True, text=True, timeout=120, check=False)
    said = " ".join((result.stdout + result.stderr).split())
    print(f"{os.path.basename(folder)}, {profile}, {'one slot' if in_place else 'two slots'}: "
          f"{os.path.getsize(patch)} bytes, status {result.returncode}, {said}", flush=True)
    return result.returncode == 0


def main():
    fwpack, cmake, root, work = sys.argv[1:]
    source = os.path.join(root, "tests/device")
    if not shutil.which(GCC[0]) or not shutil.which(QEMU[0]):
        print("needs gcc-arm-none-eabi and qemu-system-arm")
        sys.exit(77)
    sample, real = os.path.join(work, "sample"), os.path.join(work, "pyb-move")
    make_sample(source, sample)
    folders = [sample] + ([real] if take_from_corpus(root, real) else [])
    passed = True
    for profile in ("tiny", "small"):
        library = build_library(cmake, root, work, profile)
        for folder in folders:
            for in_place in (False, True):
                passed &= apply(fwpack, source, root, folder, profile, library, in_place)
    sys.exit(0 if passed else 1)


main()
