#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""make_patch_seeds.py FWPACK: writes the seeds of the targets patch, delta and predict anew, with
patches of that program. To be run after a change of the patch format."""
import os
import random
import struct
import subprocess
import sys
import tempfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
OLD_SIZE = 2048
RANDOM = random.Random(3)


def old_image():
    """As fill_old of fuzz_patch.c makes it."""
    state, image = 1, bytearray()
    for i in range(OLD_SIZE):
        state = (state * 1664525 + 1013904223) % 2**32
        image.append(0xf0 | state >> 29 if i % 4 == 3 else state >> (24 if i % 4 == 0 else 28))
    return bytes(image)


def edited(image):
    changed = bytearray(image[:700] + b"something new" + image[600:])
    for at in range(20, len(changed), 211):
        changed[at] ^= 0x33
    return bytes(changed)


def write(target, name, content):
    folder = os.path.join(HERE, "seeds", target)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def leb128(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if data[at - 1] < 128:
            return value, at


def seal(header):
    value = 2166136261
    for byte in header:
        value = (value ^ byte) * 16777619 % 2**32
    return value.to_bytes(4, "big")


def framed(patch):
    """A patch as the target's fields and a body; see fuzz_patch.c."""
    profile, flags, at = patch[5], patch[6], 7
    _, at = leb128(patch, at)
    new_size, at = leb128(patch, at)
    _, at = leb128(patch, at)
    model = patch[at + 64:at + 67]
    at += 67
    counts = []
    for _ in range(4):
        count, at = leb128(patch, at)
        counts.append(count)
    pages = 0
    if flags & 4:
        page, at = leb128(patch, at)
        scratch, at = leb128(patch, at)
        pages = (page // 128).bit_length() - 1 + scratch // page * 4
    head = bytes([profile | flags & 4]) + struct.pack("<H", new_size) + bytes(counts) + model
    body = patch[patch[4]:]
    opened = bytes(one ^ other for one, other in zip(body, seal(patch[:patch[4]])))
    return head + bytes([pages, 0]) + bytes(4) + opened + body[4:]


def make_patch(fwpack, folder, old, new, *options):
    paths = [os.path.join(folder, name) for name in ("old", "new", "patch")]
    for path, content in zip(paths, (old, new)):
        with open(path, "wb") as file:
            file.write(content)
    subprocess.run([fwpack, "delta", "-q", paths[0], paths[1], "-o", paths[2], *options],
                   check=True)
    with open(paths[2], "rb") as file:
        return file.read()


def patch_seeds(fwpack, folder):
    old = old_image()
    for profile in ("tiny", "small", "full"):
        patch = make_patch(fwpack, folder, old, edited(old), "--decoder", profile)
        write("patch", f"{profile}-whole", b"\3" + patch)
        write("patch", f"{profile}-body", framed(patch))
    for profile in ("tiny", "small"):
        patch = make_patch(fwpack, folder, old, edited(old), "--decoder", profile,
                           "--in-place=256", "--page-size", "256")
        write("patch", f"{profile}-in-place-whole", b"\3" + patch)
        write("patch", f"{profile}-in-place-body", framed(patch))
    write("patch", "stored-whole", b"\3" + make_patch(fwpack, folder, old, RANDOM.randbytes(300)))


def delta_seeds():
    old = old_image()
    new = edited(old)
    packed = [zlib.compress(image, 9) for image in (old, new)]
    pairs = {"code": (old, new), "empty": (b"", b""), "from-nothing": (b"", new[:500]),
             "to-nothing": (old[:500], b""), "same": (old, old), "runs": (bytes(900), b"\xff" * 900),
             "zlib": (packed[0] + old[:200], packed[1] + old[:200])}
    for i, (name, (one, other)) in enumerate(pairs.items()):
        for k in range(2):
            choice = (i * 5 + k * 7) % 9 + 36 * (name != "zlib")
            head = bytes([choice, (i * 3 + k) % 16 * k]) + struct.pack("<H", len(one))
            write("delta", f"{name}-{k}", head + one + other)
    for form in range(1, 4):
        write("delta", f"format-{form}",
              bytes([form * 9 + form - 1, 0]) + struct.pack("<H", 1000) + old[:1000] + new[:900])


def predict_seeds():
    image = old_image()
    for kind in range(1, 19):
        tables = bytes([2, 0]) + struct.pack("<HIB", 300, 0x08000000, 0)
        tables += bytes([0]) + struct.pack("<HIB", 500, 0x1000, 1)
        tables += bytes([1, 0]) + struct.pack("<HIB", 900, 0x08000100, 0)
        tables += bytes([2, 0]) + struct.pack("<HBHH", 300, kind, 0, 0)
        tables += bytes([0]) + struct.pack("<HBHH", 500, kind, 5, 1)
        tables += bytes([3, 0]) + struct.pack("<HH", 100, 200)
        tables += bytes([3]) + struct.pack("<HH", 300, 200) + bytes([1]) + struct.pack("<HH", 8, 400)
        head = bytes([kind % 3 | kind % 2 << 7])
        write("predict", f"kind-{kind}", (head + tables).ljust(256, b"\0") + image[:768])


def main():
    fwpack = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="fwpack-seeds-") as folder:
        patch_seeds(fwpack, folder)
    delta_seeds()
    predict_seeds()


main()
