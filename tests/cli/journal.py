#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The journal of signatures made (docs/journal.md): what it holds, checked by a reader of its own;
what damage to it is found, and where; that nothing is signed which it cannot record; that signers
at the same time lose nothing."""
import hashlib
import json
import os
import re
import resource
import subprocess
import sys

FWPACK = os.environ["FWPACK"]
ZEROS = "0" * 64
PROBLEMS = []
DESCRIPTOR = """\
fwpack: 1
product: acme
version: 1.0.0
security-version: 1
compatible: [acme]
images: [{name: app, file: app.bin, compress: {codec: none}}]
"""


def expect(condition, why):
    if not condition:
        PROBLEMS.append(why)


def write(name, content):
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def read(name):
    with open(name, "rb") as file:
        return file.read()


def run(*arguments, **options):
    return subprocess.run([FWPACK, *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)


def succeed(*arguments, **options):
    result = run(*arguments, **options)
    if result.returncode != 0:
        sys.exit(f"{arguments}: {result.returncode}, {result.stderr}")
    return result.stdout


def refuse(code, says, *arguments, **options):
    """It must fail so, with nothing but a message; the whole folder stays as it is."""
    before = {name: read(name) for name in os.listdir(".") if os.path.isfile(name)}
    result = run(*arguments, **options)
    after = {name: read(name) for name in os.listdir(".") if os.path.isfile(name)}
    what = f"{arguments}: {result.returncode} {result.stdout!r} {result.stderr!r}"
    expect(result.returncode == code, what)
    expect(re.search(says, result.stderr), what)
    expect(result.stderr.startswith("fwpack: "), what)
    expect(before == after, f"{arguments} changed files")
    return result


def chain(name):
    """The entries, by a reader that knows docs/journal.md alone; and the head."""
    entries, previous = [], ZEROS
    lines = read(name).split(b"\n")
    assert lines.pop() == b""
    for number, line in enumerate(lines, 1):
        entry = json.loads(line)
        assert line == json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode()
        assert list(entry)[:5] == ["type", "sequence", "previous", "when", "document"]
        assert (entry["type"], entry["sequence"]) == ("fwpack.journal/1", number)
        assert entry["previous"] == previous
        previous = hashlib.sha256(line + b"\n").hexdigest()
        entries.append(entry)
    return entries, previous


def document(bundle, name):
    return hashlib.sha256(subprocess.run(["tar", "xOf", bundle, name], check=True,
                                         capture_output=True).stdout).hexdigest()


def what_it_holds():
    succeed("build", "d.yaml", "-o", "x.fwb", "-k", "a.key", "--journal", "journal")
    succeed("sign", "x.fwb", "-k", "b.key", "--role", "release", "--journal", "journal")
    succeed("sign", "--detached", "app.bin", "-k", "a.key", env={**os.environ,
                                                                 "FWPACK_JOURNAL": "journal"})
    os.unlink("app.bin.minisig")
    entries, head = chain("journal")
    keyid = {name: json.loads(succeed("key", "show", f"{name}.pub", "--json"))["keys"][0]["keyid"]
             for name in "ab"}
    expect([(entry.get("role"), entry["keyid"], entry["document"], entry["file"], entry["store"])
            for entry in entries] == [
        ("release", keyid["a"], document("x.fwb", "release.json"), "x.fwb", "file"),
        ("delivery", keyid["a"], document("x.fwb", "delivery.json"), "x.fwb", "file"),
        ("release", keyid["b"], document("x.fwb", "release.json"), "x.fwb", "file"),
        (None, keyid["a"], hashlib.sha256(read("app.bin")).hexdigest(), "app.bin", "file")],
        f"entries: {entries}")
    for entry in entries[:3]:
        expect((entry.get("product"), entry.get("version")) == ("acme", "1.0.0"), f"{entry}")
    expect(os.stat("journal").st_mode & 0o7777 == 0o600, "mode of a new journal")
    checked = json.loads(succeed("journal", "check", "journal", "--json"))["journals"][0]
    expect((checked["count"], checked["head"]) == (4, head), f"{checked}")
    expect(head in succeed("journal", "check", "journal"), "the head is printed")
    shown = json.loads(succeed("journal", "show", "journal", "--json"))["entries"]
    expect([{**entry, "sequence": i} for i, entry in enumerate(shown, 1)] == shown and
           [entry["document"] for entry in shown] == [entry["document"] for entry in entries],
           "journal show --json")
    expect(succeed("journal", "show", "journal").count("key      ") == 4, "journal show")


def every_command_that_signs():
    """What each records beside the document: role, file, product and version."""
    succeed("build", "d.yaml", "-o", "all.fwb", "-k", "a.key")
    common = ("-k", "a.key", "-p", "a.pub", "--journal", "all")
    succeed("attest", "all.fwb", "-o", "all.json", "--builder-id", "x:y", *common)
    succeed("key", "generate", "--type", "age", "-o", "all.age", "--no-passphrase")
    recipient = json.loads(succeed("key", "show", "all.age", "--json"))["keys"][0]["recipients"][0]
    succeed("encrypt", "all.fwb", "--encrypt-to", recipient, *common)
    succeed("decrypt", "all.fwb", "-i", "all.age", *common)
    succeed("trust", "init", "-o", "root.json", "-p", "root=a.pub", "-p", "release=a.pub", "-p",
            "delivery=a.pub")
    succeed("trust", "sign", "root.json", "-k", "a.key", "--journal", "all")
    entries, _ = chain("all")
    expect([(entry["role"], entry["file"], entry.get("product"), entry.get("version"))
            for entry in entries] == [
        ("attestation", "all.fwb", "acme", "1.0.0"),
        ("delivery", "all.fwb", "acme", "1.0.0"),
        ("delivery", "all.fwb", "acme", "1.0.0"),
        ("root", "root.json", None, None)], f"entries: {entries}")
    for name in ("all", "all.fwb", "all.json", "all.age", "root.json"):
        os.unlink(name)


def nothing_new_adds_nothing():
    """Dry runs, commands that do not sign."""
    before = read("journal")
    succeed("sign", "x.fwb", "-k", "c.key", "--journal", "journal", "-n")
    succeed("build", "d.yaml", "-o", "y.fwb", "-k", "a.key", "--journal", "journal", "-n")
    succeed("build", "d.yaml", "-o", "y.fwb", "--journal", "journal")
    succeed("sign", "x.fwb", "-k", "c.key", "--journal", "other", "-n")
    os.unlink("y.fwb")
    expect(read("journal") == before, "the journal grew")
    expect(not os.path.exists("other"), "a dry run made a journal")
    os.chmod("journal", 0o640)
    succeed("build", "d.yaml", "--check", "-o", "y.fwb", "-k", "a.key", "--journal", "journal")
    os.unlink("y.fwb")
    expect(len(chain("journal")[0]) == 6, "build --check records its signatures once")
    expect(os.stat("journal").st_mode & 0o7777 == 0o640, "the mode stays")


def damage_is_found():
    lines = read("journal").splitlines(keepends=True)
    head = chain("journal")[1]

    def check(damaged, line, says, code=13):
        write("bad", b"".join(damaged))
        refuse(code, rf"^fwpack: bad:{line}: .*{says}", "journal", "check", "bad")

    changed = lines[2].replace(b"release", b"deliver")
    check([*lines[:2], changed, *lines[3:]], 4, "line 3 was changed")
    check([*lines[:2], *lines[3:]], 3, "number 4 where 3 .* taken out")
    check([lines[1]], 1, "number 2 where 1")
    check([*lines[:2], lines[1], *lines[2:]], 3, "number 2 where 3 .* put in")
    check([lines[0], lines[2], lines[1], *lines[3:]], 2, "number 3 where 2")
    check([*lines[:-1], lines[-1][:-1]], len(lines), "torn")
    check([*lines[:-1], lines[-1][:50]], len(lines), "torn")
    check([*lines[:2], b"hello\n", *lines[2:]], 3, "not a line of a journal", 3)
    check([*lines[:2], b"\n", *lines[2:]], 3, "not a line of a journal", 3)
    check([*lines[:2], b"x" * 5000], 3, "too long", 3)
    check([*lines[:2], b"x" * 100000], 3, "too long", 3)
    check([lines[0].replace(b'":1,', b'": 1,'), *lines[1:]], 1, "one form", 3)
    check([lines[0].replace(ZEROS.encode(), b"1" * 64), *lines[1:]], 1, "first line")
    for at in range(0, len(b"".join(lines)), 97):  # any bit, anywhere
        data = bytearray(b"".join(lines))
        data[at] ^= 1
        write("bad", bytes(data))
        result = run("journal", "check", "bad", "--head", head)
        expect(result.returncode in (3, 13), f"bit {at}: {result}")
    # What only a head that was kept elsewhere shows.
    write("bad", b"".join(lines[:-1]))
    succeed("journal", "check", "bad")
    refuse(13, "none of its 5 lines has the hash", "journal", "check", "bad", "--head", head)
    succeed("journal", "check", "journal", "--head", head)
    third = hashlib.sha256(lines[2]).hexdigest()
    expect("that of line 3" in succeed("journal", "check", "bad", "--head", third), "--head")
    refuse(2, "no SHA-256", "journal", "check", "bad", "--head", "1234")
    write("bad", b"")
    expect("0 signatures" in succeed("journal", "check", "bad"), "an empty journal")
    succeed("journal", "check", "bad", "--head", ZEROS)
    refuse(1, "absent", "journal", "check", "absent")
    os.unlink("bad")


def nothing_is_signed_that_cannot_be_recorded():
    lines = read("journal").splitlines(keepends=True)
    commands = [("sign", "x.fwb", "-k", "c.key"), ("sign", "--detached", "app.bin", "-k", "c.key"),
                ("build", "d.yaml", "-o", "y.fwb", "-k", "c.key")]

    def refused(journal, code, says):
        for command in commands:
            result = refuse(code, says, *command, "--journal", journal)
            expect("hint: " in result.stderr or code == 2, f"no hint: {result.stderr}")

    for damaged, code, says in (
            ([*lines[:-1], lines[-1][:-1]], 13, "bad: .*last line is torn"),
            ([*lines[:-2], lines[-1]], 13, "bad: .*chain is broken"),
            ([*lines[:-1], lines[-2]], 13, "bad: .*chain is broken"),
            ([*lines[:-2], lines[-2].replace(b".fwb", b".FWB"), lines[-1]], 13, "bad: .*broken"),
            ([b"x" * 20000 + b"\n"], 3, "bad: .*not a line"),
            ([b"# a list of mine\n"], 3, "bad: .*not a line"),
            ([read("x.fwb")], 13, "bad: .*torn")):
        write("bad", b"".join(damaged))
        refused("bad", code, says)
    os.unlink("bad")
    os.symlink("journal", "link")
    refused("link", 2, "link: .*symbolic link")
    os.unlink("link")
    os.mkfifo("fifo")
    refused("fifo", 2, "fifo: .*regular file")
    os.unlink("fifo")
    refused("/dev/null", 2, "regular file")
    refuse(1, "d/journal: cannot make", "sign", "x.fwb", "-k", "c.key", "--journal", "d/journal")
    refuse(2, "output is", "build", "d.yaml", "-o", "journal", "-k", "a.key",
           "--journal", "journal")
    refuse(2, "output is", "build", "d.yaml", "-o", "new", "-k", "a.key", "--journal", "new")


def a_full_disk():
    """The journal cannot grow, at each size in turn: no signature, and no torn line."""
    size = os.path.getsize("journal")
    for room in (0, 1, 100, 300):
        def limit(most=size + room):
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        # Its own output would fit: it is shorter than the journal.
        result = refuse(1, "journal: not signed, for it cannot be recorded|journal",
                        "sign", "--detached", "app.bin", "-k", "c.key", "--journal", "journal",
                        preexec_fn=limit)
        expect("journal" in result.stderr and not os.path.exists("app.bin.minisig"), "full disk")
    chain("journal")
    for room in (0, 100):
        def none(most=room):
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        refuse(1, "new", "sign", "--detached", "app.bin", "-k", "c.key", "--journal", "new",
               preexec_fn=none)


def eight_at_once():
    start = len(chain("journal")[0])
    running = []
    for number in range(8):
        write(f"file{number}", f"file {number}\n")
        running.append(subprocess.Popen(
            [FWPACK, "sign", "--detached", f"file{number}", "-k", "a.key", "-q",
             "--journal", "journal"], stdin=subprocess.DEVNULL))
    expect([one.wait() for one in running] == [0] * 8, "one of eight failed")
    entries, _ = chain("journal")
    expect(sorted(entry["file"] for entry in entries[start:]) ==
           [f"file{number}" for number in range(8)], "entries of eight")
    # All of them begin the same new journal.
    running = [subprocess.Popen(
        [FWPACK, "sign", "--detached", f"file{number}", "-k", "a.key", "-q", "--journal", "begun"],
        stdin=subprocess.DEVNULL) for number in range(8)]
    expect([one.wait() for one in running] == [0] * 8, "one of eight failed to begin")
    expect(len(chain("begun")[0]) == 8, "entries of eight in a new journal")
    succeed("journal", "check", "journal", "begun")


write("app.bin", b"firmware " * 100)
write("d.yaml", DESCRIPTOR)
for key in "abc":
    succeed("key", "generate", key, "--no-passphrase", "-q")
for part in (what_it_holds, every_command_that_signs, nothing_new_adds_nothing, damage_is_found,
             nothing_is_signed_that_cannot_be_recorded, a_full_disk, eight_at_once):
    part()
    if PROBLEMS:
        sys.exit(f"{part.__name__}:\n" + "\n".join(PROBLEMS))
