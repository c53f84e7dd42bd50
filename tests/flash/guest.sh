#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The first program of the machine that run.py starts: slots in raw flash and UBI, whose content
# mtd-utils write and read too. Prints "good WHAT" or "BAD WHAT", and "end" at its end.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module options; do
  # shellcheck disable=SC2086 # several words
  insmod "/modules/$module" $options || echo "BAD insmod $module"
done </modules/order

is() { # WHAT: whether the last command succeeded
  if [ $? -eq 0 ]; then echo "good $1"; else echo "BAD $1"; fi
}
says() { # WHAT TEXT COMMAND...: it fails, and says so
  what=$1 text=$2
  shift 2
  answer=$("$@" 2>&1 </tmp/image) && answer="no failure: $answer"
  case $answer in
  *"$text"*) echo "good $what" ;;
  *) echo "BAD $what: $answer" ;;
  esac
}
image() { # SIZE: another one each time
  head -c "$1" /dev/urandom >/tmp/image
}
holds() { # KIND TARGET: that image, as the slot reads it
  slot_tool "$1" read "$2" "$(stat -c %s /tmp/image)" | cmp - /tmp/image
}

# --- RAM, which needs no erasing: mtd0, 1 MiB
ram="mtdram test device"
image 100001
slot_tool mtd write "$ram" </tmp/image; is "ram: written by name"
head -c 100001 /dev/mtd0 | cmp - /tmp/image; is "ram: as the kernel reads it"
holds mtd /dev/mtd0; is "ram: read by path"
holds mtd "$ram"; is "ram: read by name"
image 1048576
slot_tool mtd write /dev/mtd0 </tmp/image; is "ram: full"
head -c 1048576 /dev/mtd0 | cmp - /tmp/image; is "ram: full, as the kernel reads it"
slot_tool file write /dev/mtdblock0 </tmp/image; is "ram: its block device"
image 1048577
says "ram: one byte too large" "no-space: the image needs 1048577 bytes, the slot has 1048576" \
  slot_tool mtd write /dev/mtd0
image 1000
says "ram: no such name" "not-found: " slot_tool mtd write nothing
says "ram: no such path" "not-found: " slot_tool mtd write /dev/mtd9
says "a file slot in flash" "usage: is raw flash" slot_tool file write /dev/mtd0
says "a flash slot that is another device" "usage: is no MTD device" slot_tool mtd write /dev/null
says "a flash slot that is a file" "usage: is no flash" slot_tool mtd write /tmp/image
slot_tool mtd write /dev/mtd0 </small.squashfs; is "ram: a file system"
mount -t squashfs /dev/mtdblock0 /mnt; is "ram: mounted"
image 1000
says "ram: not written while it is mounted" "is mounted at /mnt" slot_tool mtd write "$ram"
says "ram: nor by its block device" "is mounted at /mnt" slot_tool file write /dev/mtdblock0
umount /mnt

# --- NAND: mtd1 and mtd2, 12 blocks of 128 KiB each; block 1 is bad, block 3 wears out
size=$((5 * 131072 + 3000))
image $size
slot_tool mtd write /dev/mtd1 </tmp/image; is "nand: written over a bad block"
nanddump -q --bb=skipbad -l $size /dev/mtd1 2>/dev/null | head -c $size | cmp - /tmp/image
is "nand: as nanddump reads it"
nanddump -q --bb=skipbad -l 659456 /dev/mtd1 2>/dev/null | tail -c 1096 | tr -d '\377' | cmp - /dev/null
is "nand: the last page is filled up with 0xFF"
holds mtd /dev/mtd1; is "nand: read over a bad block"
for round in 1 2 3; do
  image $size
  slot_tool mtd write "NAND simulator partition 0" </tmp/image; is "nand: written again, $round"
  holds mtd /dev/mtd1; is "nand: read again, $round"
done
[ "$(cat /sys/class/mtd/mtd1/bad_blocks)" = 2 ]; is "nand: a worn block was marked"
nanddump -q --bb=skipbad -l $size /dev/mtd1 2>/dev/null | head -c $size | cmp - /tmp/image
is "nand: nanddump passes over it too"
image $((10 * 131072 + 1))
says "nand: one byte too large" "needs 1310721 bytes, the slot has 1310720" slot_tool mtd write /dev/mtd1
image $((10 * 131072))
slot_tool mtd write /dev/mtd1 </tmp/image; is "nand: full"
holds mtd /dev/mtd1; is "nand: full, read"
image 300000
flash_erase -q /dev/mtd2 0 0 && nandwrite -q -p /dev/mtd2 /tmp/image; is "nand: written by nandwrite"
holds mtd /dev/mtd2; is "nand: what nandwrite wrote is read"

# --- UBI on mtd3, 64 blocks
ubiattach -m 3 >/dev/null && ubimkvol /dev/ubi0 -N rootfs-a -s 1MiB >/dev/null &&
  ubimkvol /dev/ubi0 -N rootfs-b -s 1MiB >/dev/null
is "ubi: made by ubimkvol"
image 1000000
slot_tool ubi write ubi0:rootfs-b </tmp/image; is "ubi: written by name"
head -c 1000000 /dev/ubi0_1 | cmp - /tmp/image; is "ubi: as the kernel reads it"
holds ubi /dev/ubi0_1; is "ubi: read by path"
holds ubi ubi0:rootfs-b; is "ubi: read by name"
[ "$(slot_tool ubi same /dev/ubi0_1 ubi0:rootfs-b)" = same ]; is "ubi: path and name are the same"
[ "$(slot_tool ubi same /dev/ubi0_1 ubi0:rootfs-a)" = different ]; is "ubi: others are not"
slot_tool ubi cut ubi0:rootfs-b </tmp/image; is "ubi: an update that is cut off"
says "ubi: cannot be read then" "io: the volume's last update was not completed" \
  slot_tool ubi read ubi0:rootfs-b 1000
slot_tool ubi write ubi0:rootfs-b </tmp/image; is "ubi: written again"
holds ubi ubi0:rootfs-b; is "ubi: and read"
: >/tmp/image
slot_tool ubi write ubi0:rootfs-a </tmp/image; is "ubi: an image of no bytes"
image 5000
ubiupdatevol /dev/ubi0_0 /tmp/image && holds ubi ubi0:rootfs-a; is "ubi: what ubiupdatevol wrote is read"
exec 3</dev/ubi0_0
says "ubi: not written while somebody reads" "usage: is in use" slot_tool ubi write ubi0:rootfs-a
exec 3<&-
image 1161217
says "ubi: too large" "needs 1161217 bytes, the slot has 1161216" slot_tool ubi write ubi0:rootfs-a
says "ubi: no such name" "not-found: " slot_tool ubi write ubi0:rootfs-c
says "ubi: no such device" "not-found: " slot_tool ubi write ubi1:rootfs-a
says "ubi: the device is no volume" "usage: is no UBI volume" slot_tool ubi write /dev/ubi0
says "flash under UBI" "usage: holds UBI volumes, attached as ubi0" slot_tool mtd write /dev/mtd3
# --- partitions: rootfs-a, rootfs-b and data on vda; boot and rootfs-a again on vdb
image 1048576
slot_tool label write rootfs-b </tmp/image; is "partition: written by label"
cmp /dev/vda2 /tmp/image; is "partition: as the kernel reads it"
holds label rootfs-b; is "partition: read by label"
holds file /dev/vda2; is "partition: read by path"
slot_tool type write bc13c2ff-59e6-4262-a352-b275fd6f7172 </tmp/image; is "partition: written by type"
cmp /dev/vdb1 /tmp/image; is "partition: the one of that type"
image 1048577
says "partition: one byte too large" "the slot has 1048576" slot_tool label write rootfs-b
image 1000
says "partition: a label that two have" "more than once: /dev/vda1 and /dev/vdb2" \
  slot_tool label write rootfs-a
says "partition: a type that two have" "more than once: /dev/vda1 and /dev/vda2" \
  slot_tool type write 4f68bce3-e8cd-4db1-96e7-fbcaf984b709
says "partition: no such label" "not-found: there is no partition rootfs" slot_tool label write rootfs
slot_tool label write rootfs-b </small.squashfs && mount -t squashfs /dev/vda2 /mnt; is "partition: mounted"
says "partition: not written while it is mounted" "is mounted at /mnt" slot_tool label write rootfs-b
says "partition: nor its disk" "usage: is in use" slot_tool file write /dev/vda
slot_tool label write data </tmp/image; is "partition: the one beside it is"
umount /mnt
dd if=/dev/zero of=/dev/vdb bs=512 seek=1 count=1 conv=notrunc 2>/dev/null
slot_tool type write bc13c2ff-59e6-4262-a352-b275fd6f7172 </tmp/image; is "partition: by the backup table"
echo end
poweroff -f
