#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's age opens what fwpack encrypts, and fwpack what age encrypts: to one recipient and to
many, to a passphrase, with identities that either of them made, plain and encrypted."""
import os
import pty
import random
import re
import select
import shutil
import subprocess
import sys
import tarfile
import time

FWPACK = os.environ["FWPACK"]
SECONDS = 120  # scrypt is slow under a sanitizer, and on a machine with much to do
RANDOM = random.Random(4)
OWNER = """untrusted comment: a key of the tests
RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
nXM7OSzkIXXEJHgCL0BdSzFEXblIFuvjW7qns7KJl5BWP+IaL/6kWevVCdp/3+CwPshIq+VwO6w8cq+2sS4n23QVGAah7ojp\
AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
"""
DESCRIPTOR = """fwpack: 1
product: acme-gateway
version: 1.2.3
security-version: 7
compatible:
  - acme,gateway-r2
images:
  - name: first
    file: first.bin
    compress: none
  - name: second
    file: second.bin
    compress: zstd
"""


def run(*command, status=0, **options):
    result = subprocess.run(command, capture_output=True, check=False, **options)
    if result.returncode != status:
        sys.exit(f"{' '.join(command)[:300]}: {result.returncode}, {result.stderr.decode()}")
    return result


def fwpack(*arguments, **options):
    return run(FWPACK, *arguments, **options)


def write(path, content):
    with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    return path


def read(path):
    with open(path, "rb") as file:
        return file.read()


def equal(found, wanted, what):
    if found != wanted:
        sys.exit(f"{what}: {found[:60]!r}, not {wanted[:60]!r}")


def on_terminal(answer, *command):
    """Runs a program that asks for a passphrase, once or twice, on a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    output, answered, deadline = "", 0, time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            output += piece.decode(errors="replace")
        asked = len(re.findall(r"(?i)(?:enter|confirm) passphrase[^:]*:|Passphrase for[^:]*: "
                               r"|The same again[^:]*: ", output))
        if asked > answered:
            time.sleep(0.2)  # until the echo is off
            os.write(terminal, (answer + "\n").encode())
            answered += 1
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code != 0:
        sys.exit(f"{' '.join(command)}: {code}, {output}")
    return answered


def keygen(path):
    run("age-keygen", "-o", path)
    return run("age-keygen", "-y", path).stdout.decode().strip()


def payloads(bundle):
    """Name → bytes of the payloads proper, in the order of the bundle."""
    with tarfile.open(bundle) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive
                if member.name.startswith("payloads/")
                and not member.name.endswith((".blocks", ".frames"))}


def plain_of_age(ciphertext, identity):
    return run("age", "-d", "-i", identity, input=ciphertext).stdout


# --- ours, opened by age -------------------------------------------------------------------------


def age_opens_ours():
    write("first.bin", RANDOM.randbytes(300000))
    write("second.bin", b"text that compresses\n" * 30000)
    write("owner.key", OWNER)
    write("d.yaml", DESCRIPTOR)
    one, two = keygen("one.txt"), keygen("two.txt")
    keygen("stranger.txt")
    fwpack("build", "d.yaml", "-q", "-o", "plain.fwb", "-k", "owner.key")
    fwpack("build", "d.yaml", "-q", "-o", "secret.fwb", "-k", "owner.key", "--encrypt-to", one,
           "--encrypt-to", two)
    plain, secret = payloads("plain.fwb"), payloads("secret.fwb")
    equal([name + ".age" for name in plain], list(secret), "the payloads' names")
    for (name, wanted), ciphertext in zip(plain.items(), secret.values()):
        for identity in ("one.txt", "two.txt"):
            equal(plain_of_age(ciphertext, identity), wanted, f"{name}, opened by {identity}")
        run("age", "-d", "-i", "stranger.txt", input=ciphertext, status=1)
    heads = [ciphertext[:500] for ciphertext in secret.values()]
    if heads[0].split(b"---")[0] == heads[1].split(b"---")[0]:
        sys.exit("two payloads have one file key")


def age_opens_our_passphrase():
    write("words", "correct horse battery staple\n")
    fwpack("build", "d.yaml", "-q", "-o", "words.fwb", "-k", "owner.key", "--encrypt-passphrase",
           "--passphrase-file", "words")
    wanted = payloads("plain.fwb")
    name, ciphertext = next(iter(payloads("words.fwb").items()))
    write("words.age", ciphertext)
    if on_terminal("correct horse battery staple", "age", "-d", "-o", "words.out",
                   "words.age") != 1:
        sys.exit("age -d did not ask for the passphrase")
    equal(read("words.out"), wanted[name.removesuffix(".age")], "what age -d gives for our words")


def age_takes_our_identities():
    fwpack("key", "generate", "--type", "age", "-o", "ours.txt", "--no-passphrase")
    recipient = run("age-keygen", "-y", "ours.txt").stdout.decode().strip()
    equal(read("ours.txt").decode().splitlines()[0], f"# public key: {recipient}", "our comment")
    ciphertext = run("age", "-r", recipient, input=b"for ours").stdout
    equal(plain_of_age(ciphertext, "ours.txt"), b"for ours", "an identity of ours")

    fwpack("key", "generate", "--type", "age", "-o", "locked.txt", "--passphrase-file", "words")
    shown = fwpack("key", "show", "locked.txt").stdout.decode()
    if "encrypted with a passphrase, armored" not in shown:
        sys.exit(f"key show: {shown}")
    if on_terminal("correct horse battery staple", "age", "-d", "-o", "unlocked.txt",
                   "locked.txt") != 1:
        sys.exit("age -d did not ask for our identity's passphrase")
    equal(read("unlocked.txt").split(b"\n")[1][:16], b"AGE-SECRET-KEY-1", "our locked identity")


# --- age's, opened by us -------------------------------------------------------------------------


def we_open(path, wanted, *arguments):
    equal(fwpack("decrypt", path, "-o", "-", "-q", *arguments).stdout, wanted, path)


def we_open_ages():
    recipients = ["-r", keygen("mine.txt")]
    for size in (0, 1, 65535, 65536, 65537, 200000):
        plain = RANDOM.randbytes(size)
        for armor in ([], ["-a"]):
            write("theirs.age", run("age", *armor, *recipients, input=plain).stdout)
            we_open("theirs.age", plain, "-i", "mine.txt")
    answer = fwpack("decrypt", "theirs.age", "-o", "none", "-i", "stranger.txt", status=4)
    if b"encrypted to 1 recipient, and the identity given is not among them" not in answer.stderr:
        sys.exit(f"a stranger is told: {answer.stderr.decode()}")


def we_open_ages_passphrase():
    write("plain.txt", "for a person\n")
    if on_terminal("correct horse battery staple", "age", "-p", "-o", "person.age",
                   "plain.txt") != 2:
        sys.exit("age -p did not ask twice")
    we_open("person.age", b"for a person\n", "--passphrase-file", "words")


def we_take_ages_locked_identity():
    """As age's manual makes one: age-keygen | age -p > key.age."""
    recipient = keygen("bare.txt")
    on_terminal("correct horse battery staple", "age", "-p", "-o", "key.age", "bare.txt")
    write("locked.age", run("age", "-r", recipient, input=b"to a locked one").stdout)
    we_open("locked.age", b"to a locked one", "-i", "key.age", "--passphrase-file", "words")


def we_open_what_is_for_ssh_too():
    if shutil.which("ssh-keygen") is None:
        return
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "ssh")
    recipient = run("age-keygen", "-y", "mine.txt").stdout.decode().strip()
    write("both.age", run("age", "-R", "ssh.pub", "-r", recipient, input=b"both").stdout)
    we_open("both.age", b"both", "-i", "mine.txt")
    shown = fwpack("inspect", "both.age").stdout.decode()
    equal(shown, "both.age: age file, 2 recipients\n", "inspect")


# --- many ----------------------------------------------------------------------------------------


def many_recipients():
    """Each costs less than 200 bytes, and the last of them opens it."""
    run("age-keygen", "-o", "last.txt")
    made = [run("age-keygen").stdout.decode() for _ in range(49)] + [read("last.txt").decode()]
    lines = [re.search(r"age1\w+", text)[0] for text in made]
    write("fleet", "# a fleet\n" + "\n".join(lines))
    started = time.monotonic()
    fwpack("build", "d.yaml", "-q", "-o", "fleet.fwb", "-k", "owner.key", "--encrypt-to", "fleet")
    took = time.monotonic() - started
    plain, secret = payloads("plain.fwb"), payloads("fleet.fwb")
    for (name, wanted), ciphertext in zip(plain.items(), secret.values()):
        overhead = len(ciphertext) - len(wanted)
        if overhead > 200 * len(lines):
            sys.exit(f"{name}: {overhead} bytes more for {len(lines)} recipients")
        equal(plain_of_age(ciphertext, "last.txt"), wanted, f"{name}, opened by the last of many")
    print(f"{len(lines)} recipients: {took:.2f} s")
    fleet = write("theirs-fleet.age", run("age", "-R", "fleet", input=b"to all").stdout)
    we_open(fleet, b"to all", "-i", "last.txt")


def main():
    if shutil.which("age") is None:
        if os.environ.get("FWPACK_ALL_TOOLS"):
            sys.exit("age is missing")
        sys.exit(77)
    for test in (age_opens_ours, age_opens_our_passphrase, age_takes_our_identities, we_open_ages,
                 we_open_ages_passphrase, we_take_ages_locked_identity,
                 we_open_what_is_for_ssh_too, many_recipients):
        test()


main()
