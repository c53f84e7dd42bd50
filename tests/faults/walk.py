#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A133: each call of a family fails in turn, at its n-th use, once or from then on. A run that
fails says so in one line, leaves every file as it was and no new one; a run that does not fail has
done all of its work. A run never dies of a signal.

    walk.py --fwpack PROGRAM --shim LIBRARY COMMAND           every point
    walk.py … --sanitizer COMMAND                             under AddressSanitizer: no leak either;
                                                              two points for each way to a call
"""
import argparse
import dataclasses
import errno
import json
import os
import re
import shutil
import sys
import tempfile

import product
import server

@dataclasses.dataclass
class Fault:
    family: str
    mode: str
    number: str
    must_succeed: bool = False  # whether the work can be done all the same
    step: int = 1               # one point in how many is tried

    def words(self):
        """What the error has to say, one of them."""
        words = [os.strerror(getattr(errno, self.number))]
        return words + {"ENOMEM": ["out of memory"], "EINTR": ["interrupted"]}.get(self.number, [])


FAULTS = [
    Fault("read", "once", "EIO"),
    Fault("read", "forever", "EIO"),
    Fault("read", "once", "EINTR"),
    Fault("read", "short", "EIO", must_succeed=True),
    Fault("copy", "once", "EIO"),
    Fault("copy", "once", "EXDEV", must_succeed=True),
    Fault("copy", "forever", "EOPNOTSUPP", must_succeed=True),
    Fault("copy", "short", "EIO", must_succeed=True),
    Fault("write", "once", "ENOSPC"),
    Fault("write", "forever", "EIO"),
    Fault("write", "once", "EINTR"),
    Fault("write", "short", "EIO", must_succeed=True),
    Fault("open", "once", "EMFILE"),
    Fault("open", "forever", "EACCES"),
    Fault("sync", "once", "EIO"),
    Fault("sync", "forever", "EIO"),
    Fault("name", "once", "EIO"),
    Fault("name", "forever", "ENOSPC"),
    Fault("memory", "once", "ENOMEM"),
    Fault("memory", "forever", "ENOMEM", step=23),
    Fault("close", "once", "EIO", must_succeed=True),  # what was written is synced before
    Fault("map", "once", "ENOMEM"),
    Fault("map", "forever", "ENOMEM"),
    Fault("thread", "once", "EAGAIN", must_succeed=True),
    Fault("thread", "forever", "EAGAIN", must_succeed=True),
    Fault("mode", "once", "EPERM"),
    Fault("status", "once", "EIO"),
    Fault("lock", "once", "ENOLCK"),
]

# The shim stands before the sanitizer's library.
SANITIZER = {"ASAN_OPTIONS": "verify_asan_link_order=0:allocator_may_return_null=1"}

# What the framework prints before the error: what is wrong with the files of a descriptor.
FINDING = re.compile(r"\S+?(:\d+)*: (error|warning): .")

# Arguments; a file for standard input; whether the result is JSON, or differs from run to run, or
# flows to standard output as it is made; one point in how many is tried; what an error may say beside
# the call's own words. With "ways", two points for each way through the program to a call stand for all
# of them, as in every sanitizer build.
COMMANDS = {
    "build": {"arguments": "build all.yaml -o new.fwb -k first.key -q -j1"},
    "build-plain": {"arguments": "build plain.yaml -o bundle.fwb -k first.key -q -j1",
                    "ways": True},
    "build-threads": {"arguments": "build all.yaml -o new.fwb -k first.key -q -j2", "step": 9},
    "sign": {"arguments": "sign bundle.fwb -k second.key --yes -q -j1"},
    # The module, which is no part of the program, is tests/support/fake_pkcs11.c.
    "sign-token": {"arguments": "sign bundle.fwb --yes -q -j1 "
                                "-k pkcs11:token=acme?module-path=./module.so&pin-source=pin",
                   "ways": True, "codes": (1, 4),
                   # When memory runs out in it, the dynamic linker says that there is no such file.
                   "words": ["cannot load the PKCS#11 module"]},
    "permit": {"arguments": "permit bundle.fwb --group lab --from next.fwb -k first.key --yes -q "
                            "-j1", "ways": True},
    "verify": {"arguments": "verify bundle.fwb -p first.pub -j1"},
    "verify-pipe": {"arguments": "verify - -p first.pub -q -j1", "input": "bundle.fwb",
                    "ways": True},
    "verify-json": {"arguments": "verify bundle.fwb -p first.pub --json --flat -j1", "json": True,
                    "ways": True},
    "extract": {"arguments": "extract bundle.fwb -C out -p first.pub -q -j1"},
    "extract-one": {"arguments": "extract bundle.fwb rootfs -o notes.txt -p first.pub -q -j1",
                    "ways": True},
    "extract-threads": {"arguments": "extract bundle.fwb -C out -p first.pub -q -j2", "step": 9},
    "key-generate": {"arguments": "key generate new --no-passphrase -q", "random": True},
    "key-passphrase": {"arguments": "key passphrase locked.pem --passphrase-file words "
                                    "--no-passphrase -q", "ways": True},
    "key-export": {"arguments": "key export first.key --format openssh --private --no-passphrase "
                                "-o new.ssh -q", "ways": True, "random": True},
    "build-check": {"arguments": "build plain.yaml -o new.fwb --depfile new.d --check -q -j1",
                    "ways": True, "step": 3},
    "build-stdout": {"arguments": "build plain.yaml -o - -k first.key -q -j1", "ways": True,
                     "streams": True},
    "extract-stdout": {"arguments": "extract bundle.fwb rootfs -o - -p first.pub -q -j1",
                       "ways": True, "streams": True},
    "sign-journal": {"arguments": "sign --detached notes.txt -k first.key --journal journal -q",
                     "ways": True, "random": True, "grows": "journal"},
    "sign-detached": {"arguments": "sign --detached notes.txt -k first.key -q", "ways": True},
    # An image that cannot be read is left out.
    "init": {"arguments": "init . -o new.yaml -q", "ways": True,
             "without": ("read", "open", "status")},
    "lint": {"arguments": "lint all.yaml plain.yaml", "ways": True, "streams": True,
             "codes": (1, 3)},
    "inspect": {"arguments": "inspect bundle.fwb --json -q", "ways": True, "json": True},
    "delta": {"arguments": "delta bundle.fwb next.fwb -o new.fwb -p first.pub -k first.key -q -j1 "
                           "--level fast --decoder small", "ways": True, "step": 3},
    "delta-files": {"arguments": "delta boot.img next.img -o new.fwd -q -j1 --decoder tiny",
                    "ways": True, "step": 3},
    "patch": {"arguments": "patch boot.img boot.fwd -o new.img -q -j1", "ways": True},
    "extract-base": {"arguments": "extract delta.fwb boot -o new.img -p first.pub -q -j1 "
                                  "--base bundle.fwb --base boot.img", "ways": True},
    "encrypt": {"arguments": "encrypt bundle.fwb -o new.fwb -p first.pub -k first.key -q -j1 "
                             "--encrypt-to " + product.RECIPIENT, "ways": True, "random": True},
    "decrypt": {"arguments": "decrypt encrypted.fwb -o new.fwb -p first.pub -k first.key -q -j1 "
                             "-i device.age", "ways": True},
    "extract-encrypted": {"arguments": "extract encrypted.fwb rootfs -o new.img -p first.pub -q "
                                       "-j1 -i device.age", "ways": True},
    "decrypt-file": {"arguments": "decrypt notes.age -o new.txt -q -i device.age", "ways": True},
    "key-generate-age": {"arguments": "key generate --type age -o new.age --no-passphrase -q",
                         "ways": True, "random": True},
    "build-sbom": {"arguments": "build plain.yaml -o new.fwb -k first.key -q -j1 --sbom auto",
                   "ways": True},
    "attest-embed": {"arguments": "attest bundle.fwb --embed -o new.fwb -k first.key -p first.pub "
                                  "-q -j1 --builder-id https://ci.example.org/firmware",
                     "ways": True},
    "verify-attestation": {"arguments": "verify attested.fwb -p first.pub -q -j1 --json "
                                        "--embedded-attestations --attestation bundle.json",
                           "ways": True, "json": True},
    "verify-root": {"arguments": "verify rooted.fwb -t root.json -q -j1 --json", "ways": True,
                    "json": True},
    "trust-sign": {"arguments": "trust sign 2.root.json -k second.key --old root.json --yes -q",
                   "ways": True},
    "trust-revoke": {"arguments": "trust revoke 2.root.json second.pub --reason lost -q",
                     "ways": True},
    "trust-embed": {"arguments": "trust embed bundle.fwb root.json signed.json -q", "ways": True},
    "diff": {"arguments": "diff boot.img boot.img -q", "ways": True},
    "inspect-patch": {"arguments": "inspect boot.fwd --json -q", "ways": True, "json": True},
    "image-info": {"arguments": "image info mcu.img", "ways": True, "streams": True},
    "image-convert": {"arguments": "image convert mcu.img -o mcu.uf2 --fill 0xff -q", "ways": True},
}


def snapshot(folder):
    """Each path below a folder with its mode, and the bytes of files."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in folders:
            path = os.path.join(place, name)
            found[os.path.relpath(path, folder)] = (os.stat(path).st_mode, None)
        for name in files:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = (os.stat(path).st_mode, file.read())
    return found


def restore(folder, wanted):
    now = snapshot(folder)
    for path in sorted(set(now) - set(wanted), reverse=True):
        full = os.path.join(folder, path)
        shutil.rmtree(full) if os.path.isdir(full) else os.unlink(full)
    for path, (mode, data) in wanted.items():
        if data is not None and now.get(path) != (mode, data):
            product.write(folder, path, data, mode & 0o7777)


def difference(before, after):
    words = []
    for path in sorted(set(before) | set(after)):
        if before.get(path) != after.get(path):
            words.append(("left " if path not in before else "lost " if path not in after else
                          "changed ") + path)
    return ", ".join(words)


def judge_json(answer):
    try:
        result = json.loads(answer.output)
        if result["ok"] is not False or result["error"]["exit"] != answer.exit:
            return "JSON that does not tell of the failure"
        if not result["schema"] or not result["error"]["message"]:
            return "JSON that lacks something"
    except (ValueError, KeyError):
        return f"no JSON: {answer.output!r}"
    return None


class Walk:
    def __init__(self, options, command, folder):
        self.options = options
        self.command = command
        self.sanitizer = options.sanitizer
        self.work = os.path.join(folder, "work")
        self.points = 0
        self.problems = []
        os.mkdir(self.work)
        product.make(self.work, options.fwpack)
        if "pkcs11:" in command["arguments"]:
            product.add_token(self.work, options.fwpack)
        self.before = snapshot(self.work)
        arguments = [options.fwpack, *command["arguments"].split()]
        standard_input = command.get("input")
        self.server = server.Server(
            options.shim, arguments, self.work, folder,
            standard_input=standard_input and os.path.join(self.work, standard_input),
            variables=SANITIZER if self.sanitizer else None)

    def run_well(self):
        """A run without a fault, and what it leaves."""
        answer = self.server.run()
        after = snapshot(self.work)
        restore(self.work, self.before)
        if answer.exit != 0 or answer.errors:
            sys.exit(f"without any fault: exit code {answer.exit}\n{answer.errors}")
        return answer, after

    # --- judging --------------------------------------------------------------------------------

    def judge_success(self, answer, after):
        if self.command.get("random"):
            same = {path: len(data or b"") for path, (_, data) in after.items()} == {
                path: len(data or b"") for path, (_, data) in self.after.items()}
        else:
            same = after == self.after
        if not same:
            return "exit code 0, but not the result: " + difference(self.after, after)
        if answer.output != self.good.output:
            return f"exit code 0, but it printed {answer.output!r}"
        return None

    def judge_line(self, answer, fault):
        lines = [line for line in answer.errors.splitlines() if not FINDING.match(line)]
        if not lines or not re.fullmatch(r"fwpack: \S.*", lines[0]):
            return "no error that begins with 'fwpack: '"
        if len(lines) > 2 or (len(lines) == 2 and not lines[1].startswith("hint: ")):
            return "more than an error and its hint"
        if "(null)" in answer.errors or re.search(r": *(:|$)", lines[0]):
            return "an error with a gap"
        words = fault.words() + self.command.get("words", [])
        if fault.family != "status" and not any(word in answer.errors for word in words):
            return f"an error that does not say {fault.words()[0]!r}"
        return None

    def without_growth(self, after):
        """A signature that was recorded, and then could not be written, leaves its line."""
        path = self.command.get("grows")
        if path not in after:
            return after
        _, data = after[path]
        whole = path in self.after and len(data) == len(self.after[path][1])
        return {name: entry for name, entry in after.items() if not (name == path and whole)}

    def judge_failure(self, answer, after, fault):
        codes = {"status": (1, 2, 3)}.get(fault.family, self.command.get("codes", (1,)))
        # A public key that cannot be read is one that cannot be trusted.
        if "-p" in self.command["arguments"] and "first.pub: " in answer.errors:
            codes = (*codes, 11)
        if ".pub: " in answer.errors or "no trust root at" in answer.errors:
            codes = (*codes, 11)
        if answer.exit not in (codes if fault.number != "EINTR" else (130,)):
            return f"exit code {answer.exit}"
        after = self.without_growth(after)
        # Only the folder could not be synced: the new file is there, and the error says so.
        if after != self.before and not (fault.family == "sync" and after == self.after and
                                         "was replaced" in answer.errors):
            return difference(self.before, after)
        if self.command.get("json"):
            problem = judge_json(answer)
            if problem:
                return problem
        elif answer.output and not self.command.get("streams"):
            return f"it printed {answer.output!r}"
        return self.judge_line(answer, fault)

    def judge(self, answer, fault):
        after = snapshot(self.work)
        if answer.exit < 0:
            return f"killed by signal {-answer.exit}"
        if "Sanitizer" in answer.errors:
            return "the sanitizer found a fault"
        if answer.exit == 0:
            return self.judge_success(answer, after)
        if fault.must_succeed and answer.hit:
            return f"exit code {answer.exit}, though the work can be done"
        return self.judge_failure(answer, after, fault)

    # --- walking --------------------------------------------------------------------------------

    def try_point(self, fault, at):
        answer = self.server.run(fault.family, fault.mode, getattr(errno, fault.number), at)
        self.points += 1
        problem = self.judge(answer, fault)
        restore(self.work, self.before)
        if problem:
            self.problems.append(f"{fault.family} {at} {fault.mode} {fault.number}: {problem}")
            print(self.problems[-1], answer.errors, sep="\n", flush=True)

    def places(self, fault):
        """The numbers of the calls to let fail."""
        step = fault.step * self.command.get("step", 1)
        if not self.sanitizer and not self.command.get("ways"):
            return range(1, self.good.calls[fault.family] + 1, step)
        first, last = {}, {}
        for number, stack in enumerate(self.server.stacks(fault.family), 1):
            first.setdefault(stack, number)
            last[stack] = number
        restore(self.work, self.before)
        return sorted({*first.values(), *last.values()})[::step]

    def walk(self):
        self.good, self.after = self.run_well()
        if self.good.last_name > self.good.folder_sync:
            self.problems.append("A105: the folder is not synced after a file got its name")
        for fault in FAULTS:
            if self.options.family not in (None, fault.family) or (
                    fault.family in self.command.get("without", ())):
                continue
            for at in self.places(fault):
                self.try_point(fault, at)
        if self.problems:
            return
        again, after = self.run_well()
        problem = self.judge_success(again, after)
        if problem:
            self.problems.append("afterwards, without any fault: " + problem)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--shim", required=True)
    parser.add_argument("--sanitizer", action="store_true", help="the program is built with one")
    parser.add_argument("--family", choices=server.FAMILIES)
    parser.add_argument("command", choices=COMMANDS)
    return parser.parse_args()


def temporary_folder():
    """In memory where that is possible: a walk syncs some thousand times."""
    memory = "/dev/shm"
    return tempfile.TemporaryDirectory(
        prefix="fwpack-faults-", dir=memory if os.access(memory, os.W_OK) else None)


def main():
    options = parse_options()
    with temporary_folder() as folder:
        walk = Walk(options, COMMANDS[options.command], folder)
        with walk.server:
            walk.walk()
        print(f"{options.command}: {walk.points} points walked, {len(walk.problems)} problems")
    return 1 if walk.problems or not walk.points else 0


if __name__ == "__main__":
    sys.exit(main())
