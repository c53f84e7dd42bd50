#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""efi.py: a machine with real UEFI firmware (OVMF) and `bootloader: {type: efi}` updates itself, and
falls back. Two entries start one kernel with different arguments; efibootmgr in the guest, which is no
part of fwpack, tells after each step what the firmware keeps.

FWPACK names the program. Needs QEMU, Debian's cloud kernel, ovmf, efibootmgr and mtools; see
machine.py. It takes a minute, so it exits 77 without FWPACK_SLOW=1."""

import os
import re
import shutil
import subprocess
import sys

import machine

FWPACK = os.path.abspath(os.environ["FWPACK"])
SKIPPED = 77
CODE, VARIABLES = "/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"
TOOLS = ("efibootmgr", "mformat", "mcopy")
MIB = machine.MIB
PARTS = {"esp": (1, 48), "data": (49, 8), "rootfs-a": (57, 1), "rootfs-b": (58, 1)}  # MiB: start, size
DRIVERS = ("virtio_pci", "virtio_blk", "ext4", "efivarfs")
ARGUMENTS = "console=ttyS0 quiet panic=-1 mitigations=off"

# Each start is one step; the first is QEMU's own (-kernel), and makes the entries.
INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
mount -t efivarfs efivarfs /sys/firmware/efi/efivars || { echo "NO EFI"; poweroff -f; }
mount -t ext4 /dev/vda2 /data || { echo "NO DATA"; poweroff -f; }
export FWPACK_DEVICE=/data/device.yaml
step=$(cat /data/step); echo $((step + 1)) >/data/step; sync
set=$(sed -n 's/.*fwpack.set=\([AB]\).*/\1/p' /proc/cmdline)
entry() { efibootmgr | sed -n "s/^Boot\([0-9A-F]*\)[* ] set-$1\b.*/\1/p"; }
state() { efibootmgr | sed -n "s/^Boot\(Current\|Next\|Order\): /STEP $step $1 \1 /p"; }
do_it() { fwpack "$@"; echo "STEP $step CODE $1 $?"; }
again() { sync; umount /data; reboot -f; }
echo "STEP $step RUNS $set"
state begin
case $step in
0)  for set in B A; do
        efibootmgr -q -c -d /dev/vda -p 1 -L set-$set -l '\linux.efi' \
            -u "initrd=\\initrd.gz ARGUMENTS fwpack.set=$set" || echo "NO ENTRY $set"
    done
    sed -i "s/ENTRY_A/Boot$(entry A)/; s/ENTRY_B/Boot$(entry B)/" /data/device.yaml
    echo "ENTRIES $(entry A) $(entry B)"
    efibootmgr -v
    sync; umount /data; poweroff -f;;
1)  do_it install --first /data/v2.fwb; state end; efibootmgr -v; again;;
2)  do_it confirm; state confirm; do_it install /data/v3.fwb; state end; again;;
3)  do_it confirm; state confirm; do_it install /data/v4.fwb; state end; again;;
4)  sync; echo b >/proc/sysrq-trigger; sleep 60;;
*)  do_it confirm; do_it status; state end
    ls /sys/firmware/efi/efivars | sed -n "s/^FwpackTrial.*/STEP $step LEFT &/p"
    echo "END"; sync; umount /data; poweroff -f;;
esac
"""

DEVICE = """fwpack-device: 1
product: qemu-efi
hardware: qemu,pc
trust: /data/release.pub
state: /data/state
slots:
  - name: rootfs
    a: {partition-label: rootfs-a}
    b: {partition-label: rootfs-b}
bootloader: {type: efi, entries: {a: ENTRY_A, b: ENTRY_B}}
policy: {cooldown: 0, confinement: preferred}
"""


def missing():
    absent = [machine.missing()] if machine.missing() else []
    absent += [tool for tool in TOOLS if shutil.which(tool) is None]
    return ", ".join(absent + [path for path in (CODE, VARIABLES) if not os.path.exists(path)])


def bundles():
    machine.run(FWPACK, "key", "generate", "release", "--no-passphrase")
    for version in ("v2", "v3", "v4"):
        with open(f"{version}.img", "wb") as file:
            file.write(version.encode() * (MIB // 4))
        machine.write(f"{version}.yaml", f"fwpack: 1\nproduct: qemu-efi\nversion: {version[1]}.0.0\n"
                                         "compatible: ['qemu,pc']\n"
                                         f"images:\n  - {{name: rootfs, file: {version}.img}}\n")
        machine.run(FWPACK, "build", f"{version}.yaml", "-k", "release.key", "-o",
                    f"data/{version}.fwb")
    shutil.copy("release.pub", "data/release.pub")


def build():
    os.makedirs("data")
    bundles()
    machine.write("data/device.yaml", DEVICE)
    machine.write("data/step", "0\n")
    machine.file_system("data.img", "data", PARTS["data"][1] * MIB, "data")
    machine.initramfs("initramfs.gz", FWPACK, INIT.replace("ARGUMENTS", ARGUMENTS), DRIVERS,
                      ("efibootmgr",))
    with open("disk.img", "wb") as disk:
        disk.truncate(60 * MIB)
    kinds = {"esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}
    lines = [f'start={start}MiB, size={size}MiB, name="{name}"'
             + (f", type={kinds[name]}" if name in kinds else "")
             for name, (start, size) in PARTS.items()]
    machine.run("sfdisk", "-q", "disk.img", input="\n".join(["label: gpt", *lines, ""]).encode())
    with open("disk.img", "r+b") as disk:
        machine.put(disk, PARTS["data"][0] * MIB, "data.img")
    esp = f"disk.img@@{PARTS['esp'][0]}M"
    machine.run("mformat", "-i", esp, "-T", str(PARTS["esp"][1] * MIB // 512), "-h", "64", "-s", "32")
    machine.run("mcopy", "-i", esp, machine.kernel(), "::linux.efi")
    machine.run("mcopy", "-i", esp, "initramfs.gz", "::initrd.gz")
    shutil.copy(VARIABLES, "variables.fd")


def start(*more):
    command = ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", "max", "-m", "256",
               "-nodefaults", "-nographic", "-serial", "stdio", "-net", "none",
               "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={CODE}",
               "-drive", "if=pflash,format=raw,unit=1,file=variables.fd",
               "-drive", "file=disk.img,format=raw,if=virtio", *more]
    try:
        result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=240, check=False)
    except subprocess.TimeoutExpired as expired:
        sys.exit((expired.stdout or b"").decode(errors="replace") + "\nTIMED OUT")
    return result.stdout.decode(errors="replace").replace("\r", "")


def said(output, line):
    if not re.search(rf"^{line}", output, re.MULTILINE):
        sys.exit(f"FAILED: no line '{line}' in\n{output}")


def never(output, line):
    if re.search(rf"^{line}", output, re.MULTILINE):
        sys.exit(f"FAILED: the line '{line}' in\n{output}")


def judge(output, a, b):
    # An installation takes the other entry out of the order, and gives it one start.
    for line in (rf"STEP 1 RUNS A\nSTEP 1 begin Current {a}\n", "STEP 1 CODE install 0",
                 f"STEP 1 end Next {b}", f"STEP 1 end Order {a}",
                 rf"STEP 2 RUNS B\nSTEP 2 begin Current {b}\n", "STEP 2 CODE confirm 0",
                 f"STEP 2 confirm Order {b}", "STEP 2 CODE install 0",
                 f"STEP 2 end Next {a}", f"STEP 2 end Order {b}",
                 rf"STEP 3 RUNS A\nSTEP 3 begin Current {a}\n", "STEP 3 CODE confirm 0",
                 f"STEP 3 confirm Order {a},{b}", "STEP 3 CODE install 0",
                 f"STEP 3 end Next {b}", f"STEP 3 end Order {a}",
                 rf"STEP 4 RUNS B\nSTEP 4 begin Current {b}\n", f"STEP 4 begin Order {a}",
                 rf"STEP 5 RUNS A\nSTEP 5 begin Current {a}\n", r"set A \(runs\): 3\.0\.0, good",
                 r"set B: 4\.0\.0, failed", r".*4\.0\.0 fell-back", f"STEP 5 end Order {a}", "END"):
        said(output, line)
    for line in (r"STEP [2345] begin Next", "STEP 5 end Next", "STEP 5 LEFT",
                 f"STEP [135] end Order .*{b}", f"STEP 2 end Order .*{a}"):
        never(output, line)


def main():
    if os.environ.get("FWPACK_SLOW") != "1":
        print("takes a minute; FWPACK_SLOW=1 runs it")
        sys.exit(SKIPPED)
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    absent = missing()
    if absent:
        sys.exit(f"needs {absent}")
    build()
    first = start("-kernel", machine.kernel(), "-initrd", "initramfs.gz", "-append", ARGUMENTS)
    entries = re.search(r"^ENTRIES ([0-9A-F]{4}) ([0-9A-F]{4})$", first, re.MULTILINE)
    if entries is None:
        sys.exit(f"FAILED: no entries were made\n{first}")
    output = start()
    judge(output, *entries.groups())
    print("UEFI firmware started A, B and A on trial, B on a trial that failed, and A again")


if __name__ == "__main__":
    main()
