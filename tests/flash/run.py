# SPDX-License-Identifier: MIT
"""run.py SLOT_TOOL WORK: slots in raw flash, UBI and partitions, in a machine in QEMU whose kernel
simulates the flash. Exit 77 where QEMU, Debian's linux-image-amd64 (not the cloud kernel, which has no flash),
busybox-static, mtd-utils or mksquashfs is missing. FWPACK_KERNEL: a folder into which that package
was unpacked, "/" by default."""
import glob
import gzip
import os
import re
import shutil
import subprocess
import sys

ROOT = os.environ.get("FWPACK_KERNEL", "/")
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT_TYPE = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
BOOT_TYPE = "bc13c2ff-59e6-4262-a352-b275fd6f7172"
TOOLS = ("ubiattach", "ubimkvol", "ubiupdatevol", "nanddump", "nandwrite", "flash_erase")
# In this order, with options. 0xec 0xa1 0 0x15 is a chip with pages of 2 KiB and blocks of 128 KiB.
MODULES = """drivers/virtio/virtio_ring
drivers/virtio/virtio
drivers/virtio/virtio_pci_legacy_dev
drivers/virtio/virtio_pci_modern_dev
drivers/virtio/virtio_pci
drivers/block/virtio_blk
drivers/mtd/mtd
drivers/mtd/mtd_blkdevs
drivers/mtd/mtdblock
drivers/mtd/devices/mtdram total_size=1024 erase_size=64
lib/bch
drivers/mtd/nand/nandcore
drivers/mtd/nand/raw/nand
drivers/mtd/nand/raw/nandsim id_bytes=0xec,0xa1,0x00,0x15 parts=12,12,64 badblocks=1 weakblocks=3:2
drivers/mtd/ubi/ubi
fs/squashfs/squashfs""".splitlines()


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def find_kernel():
    """The newest kernel that has simulated NAND: (image, folder of its modules)."""
    for image in sorted(glob.glob(os.path.join(ROOT, "boot/vmlinuz-*")), reverse=True):
        version = os.path.basename(image).removeprefix("vmlinuz-")
        for folder in ("lib/modules", "usr/lib/modules"):
            modules = os.path.join(ROOT, folder, version, "kernel")
            if os.path.exists(os.path.join(modules, "drivers/mtd/nand/raw/nandsim.ko")):
                return image, modules
    return skip("no kernel with simulated flash")


def put(source, folder, name=None):
    target = os.path.join(folder, name or os.path.basename(source))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(source, target)


def put_program(source, tree):
    """With the libraries that it names."""
    put(source, os.path.join(tree, "bin"))
    listing = subprocess.run(["ldd", source], capture_output=True, text=True, check=True).stdout
    for library in re.findall(r"(/\S+)", listing):
        put(library, tree, library.lstrip("/"))


def make_tree(tree, tool, modules):
    for folder in ("proc", "sys", "dev", "mnt", "tmp", "bin", "modules"):
        os.makedirs(os.path.join(tree, folder))
    put("/bin/busybox", os.path.join(tree, "bin"))
    put(os.path.join(HERE, "guest.sh"), tree, "init")
    os.chmod(os.path.join(tree, "init"), 0o755)
    put_program(tool, tree)
    for program in TOOLS:
        put_program(shutil.which(program), tree)
    with open(os.path.join(tree, "modules/order"), "w", encoding="ascii") as order:
        for line in MODULES:
            path, _, options = line.partition(" ")
            put(os.path.join(modules, path + ".ko"), os.path.join(tree, "modules"))
            order.write(f"{os.path.basename(path)}.ko {options}\n")
    os.makedirs("content")
    subprocess.run(["mksquashfs", "content", os.path.join(tree, "small.squashfs"), "-quiet",
                    "-no-progress"], check=True, stdout=subprocess.DEVNULL)


def make_disk(name, *partitions):
    """A disk of 8 MiB with partitions of 1 MiB, each (label, type or None)."""
    with open(name, "wb") as file:
        file.truncate(8 << 20)
    lines = [f'size=1MiB,name="{label}"' + (f",type={guid}" if guid else "")
             for label, guid in partitions]
    subprocess.run(["sfdisk", "-q", name], input="\n".join(["label: gpt", *lines, ""]), text=True,
                   check=True, stdout=subprocess.DEVNULL)


def pack(tree):
    names = subprocess.run(["find", "."], cwd=tree, capture_output=True, check=True).stdout
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet", "-R", "0:0"], cwd=tree,
                             input=names, capture_output=True, check=True).stdout
    with open("initramfs.gz", "wb") as file:
        file.write(gzip.compress(archive, 1))


def start(kernel):
    result = subprocess.run(
        ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "256", "-nographic", "-nodefaults",
         "-no-reboot", "-serial", "stdio", "-net", "none", "-kernel", kernel,
         "-initrd", "initramfs.gz",
         "-drive", "file=disk.img,format=raw,if=virtio",
         "-drive", "file=stick.img,format=raw,if=virtio", "-append", "console=ttyS0 quiet panic=-1 mitigations=off"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
        timeout=300)
    return result.stdout


def main():
    tool, work = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in ("qemu-system-x86_64", "cpio", "mksquashfs", "sfdisk", *TOOLS):
        if shutil.which(program) is None:
            skip(f"{program} is missing")
    if not os.path.exists("/bin/busybox"):
        skip("busybox-static is missing")
    kernel, modules = find_kernel()
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    os.chdir(work)
    make_tree("tree", tool, modules)
    make_disk("disk.img", ("rootfs-a", ROOT_TYPE), ("rootfs-b", ROOT_TYPE), ("data", None))
    make_disk("stick.img", ("boot", BOOT_TYPE), ("rootfs-a", ROOT_TYPE))
    pack("tree")
    output = start(kernel)
    lines = [line.strip() for line in output.splitlines()]
    good = sum(line.startswith("good ") for line in lines)
    if "end" not in lines or any(line.startswith("BAD ") for line in lines):
        sys.exit(output)
    print(f"{good} checks")


main()
