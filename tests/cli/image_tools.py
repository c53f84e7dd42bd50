#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Image files that other tools made are told of rightly, and what we convert, they read: GNU
objcopy, srecord, dfu-util, libsparse, U-Boot's mkimage, and the makers of file systems and disks.
A tool that is not there is passed over."""
import json
import os
import random
import re
import shutil
import subprocess
import sys

FWPACK = os.environ["FWPACK"]
RANDOM = random.Random(1)
DONE = []


def run(*command, **options):
    result = subprocess.run(command, capture_output=True, check=False, **options)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}: {result.returncode}, {result.stderr.decode()}")
    return result.stdout


def fwpack(*arguments):
    return run(FWPACK, *arguments)


def info(path):
    """What `image info` tells of a file: its format, its facts."""
    result = json.loads(fwpack("image", "info", "--json", path))["results"][0]
    return result["format"], result["facts"]


def equal(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: {found!r}, not {wanted!r}")


def same(one, other):
    with open(one, "rb") as first, open(other, "rb") as second:
        if first.read() != second.read():
            sys.exit(f"{one} and {other} differ")


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def needs(*tools):
    """Marks a check that runs where its tools are there."""
    def mark(check):
        if all(shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
               for tool in tools):
            check()
            DONE.append(check.__name__)
        return check
    return mark


os.environ["PATH"] += ":/usr/sbin:/sbin"
os.environ["SOURCE_DATE_EPOCH"] = "1700000000"
write("text", b"content of a test\n" * 500)
write("data", RANDOM.randbytes(5000))


@needs("objcopy")
def objcopy_files_come_back():
    """Byte for byte: Intel HEX and S-record at any address, across segments and 1 MiB."""
    for number in range(24):
        limit = (0x30000, 0x200000, 0xfff00000)[number % 3]
        address, entry = RANDOM.randrange(limit), RANDOM.choice((0, RANDOM.randrange(limit)))
        write("part", RANDOM.randbytes(RANDOM.randrange(1, 150000)))
        for form, suffix in (("ihex", "hex"), ("srec", "srec")):
            run("objcopy", "-I", "binary", "-O", form, f"--change-section-address=.data={address}",
                f"--set-start={entry}", "part", f"made.{suffix}")
            fwpack("image", "convert", f"made.{suffix}", "-o", f"ours.{suffix}")
            same(f"made.{suffix}", f"ours.{suffix}")
            fwpack("image", "convert", f"made.{suffix}", "-o", "ours.bin")
            same("ours.bin", "part")


@needs("objcopy")
def objcopy_reads_ours():
    fwpack("image", "convert", "data", "-o", "ours.hex", "--base", "0x000ff000")
    fwpack("image", "convert", "data", "-o", "ours.srec", "--base", "0x000ff000")
    for form, name in (("ihex", "ours.hex"), ("srec", "ours.srec")):
        run("objcopy", "-I", form, "-O", "binary", name, "theirs.bin")
        same("theirs.bin", "data")


@needs("srec_cat", "srec_cmp", "srec_info")
def srecord_agrees():
    fwpack("image", "convert", "data", "-o", "ours.hex", "--base", "0x08004000")
    fwpack("image", "convert", "ours.hex", "-o", "ours.srec")
    run("srec_cmp", "ours.hex", "-intel", "ours.srec", "-motorola")
    equal(b"08004000 - 08005387" in run("srec_info", "ours.hex", "-intel"), True, "srec_info")
    run("srec_cat", "ours.hex", "-intel", "-o", "theirs.hex", "-intel")
    run("srec_cat", "ours.srec", "-motorola", "-o", "theirs.srec", "-motorola")
    for name in ("theirs.hex", "theirs.srec"):
        fwpack("image", "convert", name, "-o", "again." + name.split(".")[1])
        same(name, "again." + name.split(".")[1])


@needs("objcopy", "ld", "readelf")
def elf_is_loaded_as_readelf_says():
    run("objcopy", "-I", "binary", "-O", "elf64-x86-64", "data", "data.o")
    run("ld", "-o", "data.elf", "-Tdata=0x8004000", "-e", "0x8004001", "-z", "noseparate-code",
        "--build-id=0x0123456789abcdef", "data.o")
    form, facts = info("data.elf")
    equal((form, facts["entry"], facts["build_id"]), ("elf", "0x08004001", "0123456789abcdef"),
          "data.elf")
    loads = re.findall(r"LOAD +\S+ +\S+ +0x(\S+) +0x(\S+)",
                       run("readelf", "-lW", "data.elf").decode())
    equal([(int(one["address"], 16), one["size"]) for one in facts["segments"]],
          [(int(address, 16), int(size, 16)) for address, size in loads], "segments")
    fwpack("image", "convert", "data.elf", "-o", "cut.bin", "--crop", "0x8004000+5000")
    same("cut.bin", "data")


@needs("dfu-suffix", "dfuse-pack")
def dfu_files_are_told_of():
    shutil.copy("data", "data.dfu")
    run("dfu-suffix", "-a", "data.dfu", "-v", "0x0483", "-p", "0xdf11", "-d", "0x0102")
    form, facts = info("data.dfu")
    equal((form, facts["vendor"], facts["product"], facts["device_version"],
           facts["payload_size"]), ("dfu", "0x0483", "0xdf11", "1.02", 5000), "data.dfu")
    run("dfuse-pack", "-b", "0x08004000:data", "data.dfuse")
    fwpack("image", "convert", "data.dfuse", "-o", "dfuse.bin")
    same("dfuse.bin", "data")


@needs("img2simg", "simg2img")
def sparse_images_are_measured():
    write("disk", RANDOM.randbytes(8192) + bytes(1 << 20) + b"\xff" * 8192)
    run("img2simg", "disk", "disk.simg")
    form, facts = info("disk.simg")
    equal((form, facts["image_size"], facts["raw_blocks"]),
          ("android-sparse", (1 << 20) + 16384, 2), "disk.simg")


@needs("mkimage")
def uimages_are_told_of():
    run("mkimage", "-A", "arm64", "-O", "linux", "-T", "ramdisk", "-C", "none", "-n", "a ramdisk",
        "-a", "0x1000", "-e", "0x2000", "-d", "data", "ramdisk.uimage")
    form, facts = info("ramdisk.uimage")
    equal((form, facts["name"], facts["arch"], facts["type"], facts["load"], facts["created"]),
          ("uimage", "a ramdisk", "arm64", "ramdisk", "0x00001000", "2023-11-14T22:13:20Z"),
          "ramdisk.uimage")


@needs("mkimage", "dtc")
def fit_images_are_checked():
    write("fit.its", b"""/dts-v1/; / { description = "made"; images { one { type = "firmware";
        data = /incbin/("data"); compression = "none"; hash-1 { algo = "sha256"; }; }; };
        configurations { default = "only"; only { firmware = "one"; }; }; };""")
    for arguments in ((), ("-E",)):
        run("mkimage", *arguments, "-f", "fit.its", "made.itb")
        form, facts = info("made.itb")
        equal((form, facts["images"][0]["size"], facts["images"][0]["integrity"][0]["check"]),
              ("fit", 5000, "good"), "made.itb")


@needs("mke2fs", "dumpe2fs")
def ext_agrees_with_dumpe2fs():
    for kind in ("ext2", "ext3", "ext4"):
        write("fs.ext", b"")
        os.truncate("fs.ext", 4 << 20)
        run("mke2fs", "-q", "-t", kind, "-L", "data", "fs.ext")
        said = run("dumpe2fs", "-h", "fs.ext").decode()
        form, facts = info("fs.ext")
        equal((form, facts["type"], facts["label"]), ("ext", kind, "data"), "fs.ext")
        for label, name in (("Filesystem UUID", "uuid"), ("Block count", "blocks"),
                            ("Block size", "block_size"), ("Inode count", "inodes")):
            equal(str(facts[name]), re.search(label + r": +(\S+)", said)[1], name)


@needs("sfdisk")
def partitions_agree_with_sfdisk():
    for label, script in (("gpt", "size=1MiB, name=first\nsize=2MiB, name=second\n"),
                          ("mbr", "size=1MiB, type=c\nsize=3MiB, type=5\nsize=1MiB\n")):
        write("disk.img", b"")
        os.truncate("disk.img", 8 << 20)
        run("sfdisk", "disk.img", input=f"label: {label.replace('mbr', 'dos')}\n{script}".encode())
        table = json.loads(run("sfdisk", "-J", "disk.img"))["partitiontable"]["partitions"]
        form, facts = info("disk.img")
        equal(form, label, "disk.img")
        equal([(one["offset"], one["size"]) for one in facts["partitions"]],
              [(one["start"] * 512, one["size"] * 512) for one in table], label)


@needs("mksquashfs")
def squashfs_is_measured():
    for codec in ("gzip", "xz", "zstd"):
        run("mksquashfs", "text", "fs.squashfs", "-comp", codec, "-noappend", "-quiet")
        form, facts = info("fs.squashfs")
        equal((form, facts["compression"], facts["created"]),
              ("squashfs", codec, "2023-11-14T22:13:20Z"), "fs.squashfs")


@needs("mkfs.erofs")
def erofs_is_told_of():
    os.makedirs("tree", exist_ok=True)
    shutil.copy("text", "tree")
    run("mkfs.erofs", "-U", "01234567-89ab-cdef-0123-456789abcdef", "fs.erofs", "tree")
    form, facts = info("fs.erofs")
    equal((form, facts["uuid"]), ("erofs", "01234567-89ab-cdef-0123-456789abcdef"), "fs.erofs")


@needs("ubinize")
def ubi_volumes_are_listed():
    for page, block in ((512, 16), (2048, 128)):
        write("ubi.ini", b"[one]\nmode=ubi\nimage=data\nvol_id=3\nvol_type=static\n"
              b"vol_name=one\n[two]\nmode=ubi\nvol_id=5\nvol_type=dynamic\nvol_name=two\n"
              b"vol_size=64KiB\n")
        run("ubinize", "-o", "made.ubi", "-p", f"{block}KiB", "-m", str(page), "ubi.ini")
        form, facts = info("made.ubi")
        equal((form, facts["eraseblock_size"]), ("ubi", block << 10), "made.ubi")
        equal([(one["id"], one["name"], one["type"]) for one in facts["volumes"]],
              [(3, "one", "static"), (5, "two", "dynamic")], "volumes")


@needs("tar")
def archives_are_listed():
    run("tar", "--sort=name", "-cf", "made.tar", "text", "data")
    form, facts = info("made.tar")
    equal((form, [(one["name"], one["size"]) for one in facts["members"]]),
          ("tar", [("text", 9000), ("data", 5000)]), "made.tar")


@needs("gzip", "xz", "zstd", "lz4", "bzip2", "tar")
def compressed_files_are_looked_into():
    run("tar", "-cf", "made.tar", "text", "data")
    size = os.path.getsize("made.tar")
    for program, name in (("gzip", "last_member_size"), ("xz", "uncompressed_size"),
                          ("zstd", "uncompressed_size"), ("lz4", None), ("bzip2", None)):
        with open("made.tar", "rb") as file:
            write("made.tar.compressed", run(program, "-c", stdin=file))
        form, facts = info("made.tar.compressed")
        equal((form, facts["inside"]), (program, "tar"), program)
        if name in facts:
            equal(facts[name], size, program)


@needs("zip")
def zip_members_are_listed():
    run("zip", "-q", "made.zip", "text", "data")
    form, facts = info("made.zip")
    equal((form, [one["name"] for one in facts["members"]]), ("zip", ["text", "data"]), "made.zip")


print(f"{len(DONE)} checks: {', '.join(DONE)}")
sys.exit(0 if DONE else 77)
