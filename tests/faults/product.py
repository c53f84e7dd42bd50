# SPDX-License-Identifier: MIT
"""A small product for the fault tests: images in every codec and one with addresses, an
attachment, keys, and the bundles that are made of them."""
import os
import random
import subprocess

# An age identity, to whose recipient a bundle is encrypted.
DEVICE = "AGE-SECRET-KEY-1FMFGEX93V7QPT2VN908ENQ9T5M6GXZ8VR0MDZLWE6NZTFAU30WJQR87SP4"
RECIPIENT = "age12p69ksaw40yd25zedh504qw8v5uyxmq2twjxt79zflf5uvqsg3ds9fjf9a"

# What age -a makes of a line of text, to that recipient.
ARMORED = (
    b"-----BEGIN AGE ENCRYPTED FILE-----\n"
    b"YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSA2RVRIbFMyMmdnajdaRmda\n"
    b"ejJlZmpVWmVZVWcyT2Y0blV5b3Znc3llRHhnCk1oRnVnSElRNGtka2ZEd0R0WjBr\n"
    b"SVpLWFg3QzhFZHBLUWx3U0VDb25WUkkKLS0tICtRVmsrNmFsOGJLZzlOZ25HY3RN\n"
    b"WXk5TTNnWGx5YURzRUpvQzJLR1R4UWsKIb7rYhi6zfZEcoO6Fh8zMu2+41oWw4KN\n"
    b"6km/7iF0+axVrXhd5yj1SwzZfkf+Uj1g+O+eOH8IZw==\n"
    b"-----END AGE ENCRYPTED FILE-----\n"
)

# Name, codec, size, format. The levels are those that take the least memory and time.
IMAGES = [
    ("boot", "{codec: none}", 3000, "raw"),
    ("kernel", "{codec: gzip, level: 1}", 5000, "raw"),
    ("rootfs", "{codec: zstd, level: 1}", 7000, "raw"),
    ("data", "{codec: xz, level: 0}", 2500, "raw"),
    ("mcu", "{codec: none}", 64, "ihex"),
]


def compressible(size, seed):
    """Bytes that every codec makes smaller, but not to nothing."""
    numbers = random.Random(seed)
    return bytes(numbers.choice(b"firmware") for _ in range(size))


def intel_hex(data, address=0x1000):
    lines = []
    for start in range(0, len(data), 16):
        piece = data[start:start + 16]
        record = bytes([len(piece)]) + (address + start).to_bytes(2, "big") + b"\0" + piece
        lines.append(b":" + (record + bytes([-sum(record) & 0xFF])).hex().upper().encode())
    return b"\n".join([*lines, b":00000001FF", b""])


def descriptor(images, version="1.0.0"):
    lines = ["fwpack: 1", "product: acme-fault", f"version: {version}", "security-version: 1",
             "compatible:", "  - acme,fault", "images:"]
    for name, codec, _, kind in images:
        lines += [f"  - name: {name}", f"    file: {name}.img", f"    slot: {name}",
                  f"    format: {kind}", f"    compress: {codec}", "    block-size: 512"]
    lines += ["attachments:", "  notes: notes.txt", ""]
    return "\n".join(lines).encode()


def write(folder, name, data, mode=0o644):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)


def add_token(folder, fwpack):
    """module.so, a PKCS#11 module of the build tree with the token acme, and its pin."""
    module = os.path.join(os.path.dirname(os.path.abspath(fwpack)),
                          "../tests/support/fake_pkcs11.so")
    with open(module, "rb") as file:
        write(folder, "module.so", file.read())
    write(folder, "pin", b"1234\n", 0o600)


def make(folder, fwpack):
    """Fills an empty folder: images, descriptors all.yaml and plain.yaml, two keys, bundle.fwb; and
    next.fwb, the next release, delta.fwb, the delta to it, boot.fwd, a patch to next.img, and
    encrypted.fwb, which device.age opens, as it does notes.age, an age file; attested.fwb with an
    SBOM and an attestation in it, and bundle.json, another one; root.json, a trust root, 2.root.json,
    the draft of the next, signed.json, the same signed, rooted.fwb, which carries it; and
    locked.pem, a key that words open."""
    for index, (name, _, size, kind) in enumerate(IMAGES):
        data = compressible(size, index)
        write(folder, f"{name}.img", intel_hex(data) if kind == "ihex" else data)
    write(folder, "notes.txt", b"what is new\n")
    write(folder, "device.age", DEVICE.encode() + b"\n", 0o600)
    write(folder, "notes.age", ARMORED)
    keys = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "unit", "keys")
    with open(os.path.join(keys, "pbkdf2-sha256.pem"), "rb") as file:
        write(folder, "locked.pem", file.read(), 0o600)
    write(folder, "words", b"secret\n", 0o600)
    write(folder, "all.yaml", descriptor(IMAGES))
    write(folder, "plain.yaml", descriptor(IMAGES[:1]))
    boot = compressible(IMAGES[0][2], 0)
    write(folder, "next.img", boot[:1000] + b"another" + boot[1100:])
    write(folder, "next.yaml", descriptor([("next", *IMAGES[0][1:]), *IMAGES[1:3]], "1.1.0")
          .replace(b"name: next", b"name: boot"))
    for command in (["key", "generate", "first", "--no-passphrase", "-q"],
                    ["key", "generate", "second", "--no-passphrase", "-q"],
                    ["build", "all.yaml", "-o", "bundle.fwb", "-k", "first.key", "-q"],
                    ["build", "next.yaml", "-o", "next.fwb", "-k", "first.key", "-q"],
                    ["delta", "bundle.fwb", "next.fwb", "-o", "delta.fwb", "-k", "first.key",
                     "-p", "first.pub", "-q", "--decoder", "small"],
                    ["trust", "init", "-o", "root.json", "-p", "root=first.pub", "-p",
                     "root=second.pub", "-p", "release=first.pub", "-p", "delivery=first.pub",
                     "--expires", "2099-12-31", "-q"],
                    ["trust", "sign", "root.json", "-k", "first.key", "-q"],
                    ["trust", "rotate", "root.json", "-o", "2.root.json", "--expires",
                     "2099-12-31", "-q"],
                    ["trust", "sign", "2.root.json", "-k", "first.key", "-o", "signed.json", "-q"],
                    ["trust", "embed", "bundle.fwb", "root.json", "signed.json", "-o",
                     "rooted.fwb", "-q"],
                    ["encrypt", "bundle.fwb", "-o", "encrypted.fwb", "--encrypt-to", RECIPIENT,
                     "-k", "first.key", "-p", "first.pub", "-q"],
                    ["build", "all.yaml", "-o", "attested.fwb", "-k", "first.key", "-q", "--sbom",
                     "auto"],
                    ["attest", "attested.fwb", "--embed", "-k", "first.key", "-p", "first.pub",
                     "--builder-id", "x:y", "-q"],
                    ["attest", "attested.fwb", "-o", "bundle.json", "-k", "first.key", "-p",
                     "first.pub", "--builder-id", "x:y", "-q"],
                    ["delta", "boot.img", "next.img", "-o", "boot.fwd", "-q"]):
        subprocess.run([fwpack, *command], cwd=folder, check=True)
