# SPDX-License-Identifier: MIT
"""A whole machine: Debian's cloud kernel, an initramfs that asks fwpack which set starts, two root
slots with fwpack in them, and a data partition. It updates itself from v1 to v2 by a delta."""

import glob
import gzip
import os
import re
import shutil
import struct
import subprocess
import sys

MIB = 1 << 20
BLOCK = 4096  # of the file systems
DATA, SLOT = 24 * MIB, 20 * MIB  # bytes of each partition
START = {"data": MIB, "rootfs-a": MIB + DATA, "rootfs-b": MIB + DATA + SLOT}
DISK = MIB + DATA + 2 * SLOT + MIB
PACKAGES = ("qemu-system-x86", "linux-image-cloud-amd64", "busybox-static", "e2fsprogs", "cpio", "fdisk")

# The boot loader's part: an initramfs is where a simple system decides.
INITRAMFS = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
mount -t ext4 /dev/vda1 /data || { echo "NO DATA"; poweroff -f; }
set=$(fwpack boot -d /data/device.yaml) || { echo "NO SET"; poweroff -f; }
echo "STARTS $set"
case $set in A) root=/dev/vda2;; B) root=/dev/vda3;; esac
mount -t ext4 -o ro,noload $root /system || { echo "NO ROOT"; poweroff -f; }
for folder in proc sys dev data; do mount -o move /$folder /system/$folder; done
exec switch_root /system /sbin/init
"""

# What an updater does at each start: keep what is good, take what is new.
ROOT = """#!/bin/busybox sh
export PATH=/bin FWPACK_DEVICE=/data/device.yaml
echo "RUNS $(cat /version)"
fwpack confirm; echo "CONFIRM $?"
if [ "$(cat /version)" = v1 ]; then
    fwpack install --first /data/update.fwb; code=$?
    echo "INSTALL $code"
    [ $code -eq 0 ] && reboot -f
fi
fwpack status
echo "END $(cat /version)"
poweroff -f
"""

DEVICE = """fwpack-device: 1
product: qemu-machine
hardware: qemu,pc
trust: /data/release.pub
state: /data/state
slots:
  - name: rootfs
    a: {partition-label: rootfs-a}
    b: {partition-label: rootfs-b}
bootloader: {type: file, file: /data/boot}
policy: {cooldown: 0, confinement: preferred}
"""


def missing():
    """What of the tools is not here, as text; empty where all are."""
    tools = ("qemu-system-x86_64", "mke2fs", "e2fsck", "debugfs", "cpio", "sfdisk", "modprobe")
    absent = [tool for tool in tools if shutil.which(tool) is None]
    if not kernel():
        absent.append("linux-image-cloud-amd64")
    if not os.path.exists("/bin/busybox"):
        absent.append("busybox-static")
    return ", ".join(absent)


def kernel():
    return max(glob.glob("/boot/vmlinuz-*-cloud-amd64"), default=None)


def run(*command, **options):
    result = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit {result.returncode}\n"
                 f"{result.stdout.decode(errors='replace')}")
    return result.stdout.decode(errors="replace")


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def install_program(root, program, name):
    """A program and the libraries that it is linked with."""
    os.makedirs(f"{root}/bin", exist_ok=True)
    shutil.copy(program, f"{root}/bin/{name}")
    os.chmod(f"{root}/bin/{name}", 0o755)
    subprocess.run(["strip", f"{root}/bin/{name}"], check=False)
    listing = subprocess.run(["ldd", program], check=False, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL).stdout
    for library in re.findall(r"(/\S+)", listing):
        os.makedirs(root + os.path.dirname(library), exist_ok=True)
        shutil.copy(library, root + library)


def initramfs(path, program, script=INITRAMFS, drivers=("virtio_pci", "virtio_blk", "ext4"), tools=()):
    """`tools`: programs beside fwpack and busybox."""
    root = "initramfs"
    for folder in ("dev", "proc", "sys", "data", "system", "modules"):
        os.makedirs(f"{root}/{folder}")
    install_program(root, program, "fwpack")
    for tool in tools:
        install_program(root, shutil.which(tool), tool)
    shutil.copy("/bin/busybox", f"{root}/bin/busybox")
    version = os.path.basename(kernel())[len("vmlinuz-"):]
    order = []
    for module in drivers:
        listing = run("modprobe", "-d", "/", "-S", version, "--show-depends", module)
        order += [line.split()[1] for line in listing.splitlines() if line.startswith("insmod")]
    names = []
    for module in dict.fromkeys(order):
        names.append(os.path.basename(module))
        shutil.copy(module, f"{root}/modules/")
    write(f"{root}/modules/order", "\n".join(names) + "\n")
    write(f"{root}/init", script, 0o755)
    listing = subprocess.run(["find", "."], cwd=root, check=True, stdout=subprocess.PIPE).stdout
    archive = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, check=True,
                             input=listing, stdout=subprocess.PIPE).stdout
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(archive)


def file_system(path, folder, size, label):
    run("mke2fs", "-q", "-t", "ext4", "-F", "-b", str(BLOCK), "-E", "root_owner=0:0,lazy_itable_init=0",
        "-L", label, "-d", folder, path, str(size // 1024) + "k")


def root_image(path, program, version):
    """Both versions hold the same program; what is between them is what a release changes."""
    root = f"root-{version}"
    for folder in ("dev", "proc", "sys", "data", "sbin"):
        os.makedirs(f"{root}/{folder}")
    install_program(root, program, "fwpack")
    shutil.copy("/bin/busybox", f"{root}/bin/busybox")
    for name in ("sh", "cat", "echo", "reboot", "poweroff", "sync"):
        os.symlink("busybox", f"{root}/bin/{name}")
    write(f"{root}/version", version + "\n")
    write(f"{root}/notes", "".join(f"{version} line {n}\n" for n in range(20000)))
    write(f"{root}/sbin/init", ROOT, 0o755)
    file_system(path, root, SLOT, "root")


def put(disk, offset, path):
    with open(path, "rb") as source:
        disk.seek(offset)
        shutil.copyfileobj(source, disk, MIB)


def partition_table(path):
    script = "label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\n" + "".join(
        f'start={START[name] // 512}, size={size // 512}, name="{name}"\n'
        for name, size in (("data", DATA), ("rootfs-a", SLOT), ("rootfs-b", SLOT)))
    run("sfdisk", "-q", path, input=script.encode())


def build(program):
    """disk.img, initramfs.gz, v1.img and v2.img in the working directory."""
    for version in ("v1", "v2"):
        root_image(f"{version}.img", program, version)
        write(f"{version}.yaml", f"fwpack: 1\nproduct: qemu-machine\nversion: {version[1]}.0.0\n"
                                 "compatible: ['qemu,pc']\n"
                                 f"images:\n  - {{name: rootfs, file: {version}.img}}\n")
    run(program, "key", "generate", "release", "--no-passphrase")
    for version in ("v1", "v2"):
        run(program, "build", f"{version}.yaml", "-k", "release.key", "-o", f"{version}.fwb")
    run(program, "delta", "v1.fwb", "v2.fwb", "-o", "update.fwb", "-p", "release.pub", "-k",
        "release.key")
    write("data/device.yaml", DEVICE)
    shutil.copy("release.pub", "data/release.pub")
    shutil.copy("update.fwb", "data/update.fwb")
    file_system("data.img", "data", DATA, "data")
    with open("disk.img", "wb") as disk:
        disk.truncate(DISK)
    partition_table("disk.img")
    with open("disk.img", "r+b") as disk:
        put(disk, START["data"], "data.img")
        put(disk, START["rootfs-a"], "v1.img")
    initramfs("initramfs.gz", program)


def start(disk, log=None, seconds=120, kill_after=None):
    """Runs the machine until it powers off; returns what it printed. `log`: keep each write."""
    block = ["-drive", f"file={disk},format=raw,if=virtio,cache=writeback"]
    if log is not None:
        with open(log, "wb") as file:
            file.truncate(4 * DISK)
        block = ["-blockdev", f"driver=file,filename={disk},node-name=disk",
                 "-blockdev", f"driver=file,filename={log},node-name=log",
                 "-blockdev", "driver=raw,file=disk,node-name=raw",
                 "-blockdev", "driver=blklogwrites,file=raw,log=log,log-sector-size=512,"
                              "log-super-update-interval=1,node-name=logged",
                 "-device", "virtio-blk-pci,drive=logged"]
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "256", "-nodefaults",
               "-nographic", "-serial", "stdio", "-net", "none", "-kernel", kernel(), "-initrd",
               "initramfs.gz", "-append", "console=ttyS0 quiet panic=-1", *block]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            output, _ = process.communicate(timeout=kill_after or seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            if kill_after is None:
                output += b"\nTIMED OUT\n"
    return output.decode(errors="replace")


# --- the log of writes ------------------------------------------------------------------------------

FLUSH, FUA, DISCARD = 1, 2, 4


class Log:
    """dm-log-writes' format, as QEMU's blklogwrites driver writes it."""

    def __init__(self, path):
        self.file = open(path, "rb")  # pylint: disable=consider-using-with
        magic, _, self.count, self.sector = struct.unpack("<QQQI", self.file.read(28))
        if magic != 0x6A736677736872:
            sys.exit(f"{path}: no log of writes")
        self.entries = []
        position = self.sector
        for _ in range(self.count):
            self.file.seek(position)
            start_sector, count, flags, _ = struct.unpack("<QQQQ", self.file.read(32))
            self.entries.append((start_sector * self.sector, count * self.sector, flags,
                                 position + self.sector))
            position += self.sector + (0 if flags & DISCARD else count * self.sector)

    def data(self, entry):
        self.file.seek(entry[3])
        return self.file.read(entry[1])

    def replay(self, base, out, upto, random, torn):
        """The disk as it is when power goes after `upto` entries: what was not flushed before is
        there or not, in pieces of `torn` bytes; where a file system keeps its own blocks, which it
        trusts to be whole, in theirs."""
        shutil.copyfile(base, out)
        flushed = 0
        for number in range(upto):
            if self.entries[number][2] & FLUSH:
                flushed = number + 1
        with open(out, "r+b") as disk:
            for number in range(upto):
                entry = self.entries[number]
                if entry[1] == 0 or entry[2] & DISCARD:
                    continue
                data = self.data(entry)
                certain = number < flushed or entry[2] & FUA
                piece = torn if entry[0] >= START["rootfs-a"] else BLOCK
                for at in range(0, len(data), piece):
                    if certain or random.random() < 0.5:
                        disk.seek(entry[0] + at)
                        disk.write(data[at:at + piece])
