#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Encrypted bundles open with stock tools alone: tar, age and the codec's; and what these make of
many recipients and of passphrases is the same."""
import os
import pty
import shutil
import subprocess
import sys
import time

FWPACK = os.environ["FWPACK"]
TOOLS = ("age", "age-keygen", "zstd", "gzip", "xz", "tar")
TRUST = ("-p", "owner.pub")
PASSPHRASE = b"correct horse 7421"
DESCRIPTOR = """fwpack: 1
product: acme-gateway
version: 1.2.3
security-version: 7
compatible:
  - acme,gateway-r2
images:
  - name: rootfs
    file: rootfs.bin
  - name: second
    file: rootfs.bin
    compress: gzip
  - name: third
    file: rootfs.bin
    compress: xz
  - name: app
    file: app.bin
    compress: none
"""
ONE = DESCRIPTOR.split("images:")[0] + """images:
  - name: app
    file: app.bin
    compress: none
"""
RECIPIENTS = 100


def run(*command, code=0):
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode != code:
        sys.exit(f"{' '.join(command)}: {result.returncode}, {result.stderr.decode()}")
    return result


def fwpack(*arguments, **options):
    return run(FWPACK, *arguments, **options)


def shell(command):
    return run("sh", "-c", command).stdout


def write(name, data, mode=0o600):
    with open(name, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
    os.chmod(name, mode)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def keygen(name):
    """An identity file by age-keygen; the recipient's text."""
    if os.path.exists(name):
        os.remove(name)
    run("age-keygen", "-o", name)
    return next(line.split()[-1] for line in read(name).decode().splitlines() if "public" in line)


def prepare():
    write("rootfs.bin", b"".join(b"line %06d of the firmware\n" % i for i in range(120000)))
    write("app.bin", bytes(range(256)) * 1000)
    write("d.yaml", DESCRIPTOR)
    fwpack("key", "generate", "owner", "--no-passphrase")
    return keygen("device.age")


def open_with_stock_tools(rootfs, app):
    """The commands of docs/encryption.md."""
    for name, codec, wanted in (
            ("rootfs.0.zst.age", "zstd -d", rootfs), ("second.0.gz.age", "gzip -d", rootfs),
            ("third.0.xz.age", "xz -d", rootfs), ("app.0.bin.age", "cat", app)):
        if shell(f"age -d -i ../device.age payloads/{name} | {codec}") != wanted:
            sys.exit(f"age and {codec} make something else of {name}")


def check_stock(bundle):
    rootfs, app = read("rootfs.bin"), read("app.bin")
    os.mkdir("x")
    shell(f"tar -xf {bundle} -C x")
    os.chdir("x")
    open_with_stock_tools(rootfs, app)
    os.chdir("..")
    shutil.rmtree("x")


def check_many(recipient):
    """Less than 200 bytes for each device in a payload, and no time to speak of."""
    others = shell(f"for i in $(seq {RECIPIENTS - 1}); do age-keygen 2>/dev/null; done |"
                   " sed -n 's/^# public key: //p'")
    write("devices.txt", others + recipient.encode() + b"\n")
    before = time.monotonic()
    fwpack("encrypt", "plain.fwb", "--encrypt-to", "devices.txt", "-k", "owner.key", *TRUST,
           "-o", "many.fwb", "-q")
    seconds = time.monotonic() - before
    added = os.path.getsize("many.fwb") - os.path.getsize("plain.fwb")
    if added > 4 * 200 * RECIPIENTS:
        sys.exit(f"{RECIPIENTS} recipients take {added} bytes in 4 payloads")
    if seconds > 10 and not os.environ.get("FWPACK_SANITIZE"):
        sys.exit(f"{RECIPIENTS} recipients take {seconds:.1f} s")
    check_stock("many.fwb")
    fwpack("verify", "many.fwb", *TRUST, "-i", "device.age", "--complete", "-q")
    keygen("other.age")
    result = fwpack("verify", "many.fwb", *TRUST, "-i", "other.age", code=4)
    if b"%d recipients" % RECIPIENTS not in result.stderr:
        sys.exit(f"the number of recipients is not told: {result.stderr.decode()}")


def age_with_passphrase(path, passphrase):
    """age asks on a terminal only."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp("age", ["age", "-d", "-o", "opened", path])
    os.write(terminal, passphrase + b"\n")
    try:
        while os.read(terminal, 1024):
            pass
    except OSError:  # how a terminal ends
        pass
    if os.waitpid(pid, 0)[1] != 0:
        sys.exit("age does not take the passphrase")
    return read("opened")


def check_passphrase():
    """One payload, for each takes a second and 256 MiB of scrypt."""
    write("one.yaml", ONE)
    write("pass", PASSPHRASE + b"\n")
    fwpack("build", "one.yaml", "-k", "owner.key", "-o", "one.fwb", "-q", "--encrypt-passphrase",
           "--passphrase-file", "pass")
    shell("tar -xf one.fwb payloads/app.0.bin.age")
    if age_with_passphrase("payloads/app.0.bin.age", PASSPHRASE) != read("app.bin"):
        sys.exit("age makes something else of what a passphrase opens")
    write("wrong", b"another\n")
    fwpack("verify", "one.fwb", *TRUST, "--passphrase-file", "wrong", "-q", code=4)
    fwpack("decrypt", "one.fwb", *TRUST, "-k", "owner.key", "--passphrase-file", "pass", "-q")
    fwpack("verify", "one.fwb", *TRUST, "--complete", "-q")


def main():
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing and "FWPACK_ALL_TOOLS" not in os.environ:
        print(f"needs {' '.join(missing)}")
        sys.exit(77)
    recipient = prepare()
    fwpack("build", "d.yaml", "-k", "owner.key", "-o", "x.fwb", "-q", "--encrypt-to", recipient)
    check_stock("x.fwb")
    fwpack("build", "d.yaml", "-k", "owner.key", "-o", "plain.fwb", "-q")
    check_many(recipient)
    check_passphrase()


if __name__ == "__main__":
    main()
