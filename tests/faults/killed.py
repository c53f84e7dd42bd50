#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A111, A117: a run that is killed or interrupted at any time leaves the old file or the new one,
never anything between, and the next run removes what it left. A run that is asked to stop says so
with exit code 130, and leaves nothing itself.

    killed.py --fwpack PROGRAM [--rounds N]
"""
import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import product

ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALS = (signal.SIGKILL, signal.SIGKILL, *ASKED)

# Arguments, and where the command writes. Images are large enough for a signal to meet the work.
COMMANDS = [
    ("build big.yaml -o bundle.fwb -k second.key -q -j2", "bundle.fwb"),
    ("sign bundle.fwb -k second.key --yes -q -j2", "bundle.fwb"),
    ("extract bundle.fwb -C out -p first.pub -q -j2", "out"),
    ("extract bundle.fwb big -o notes.txt -p first.pub -q -j2", "notes.txt"),
]


def contents(path):
    """What stands at a path: None, bytes, or the same of everything in a folder."""
    if os.path.isdir(path):
        return {name: contents(os.path.join(path, name)) for name in sorted(os.listdir(path))}
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def is_old_or_new(now, old, new):
    """Each file for itself, in a folder; of which files may be missing where it was not there."""
    if now in (old, new):
        return True
    if not isinstance(now, dict) or not isinstance(new, dict):
        return False
    return all(name in new and is_old_or_new(now[name], (old or {}).get(name), new[name])
               for name in now if not is_leftover(name))


def is_leftover(name):
    return name.startswith(".fwpack-")


class Rounds:
    def __init__(self, fwpack, folder):
        self.fwpack = fwpack
        self.numbers = random.Random(1)
        self.start = os.path.join(folder, "start")
        self.work = os.path.join(folder, "work")
        self.problems = []
        self.counts = {}
        os.mkdir(self.start)
        product.make(self.start, fwpack)
        product.write(self.start, "big.img", product.compressible(1 << 20, 9) * 4)
        product.write(self.start, "big.yaml", product.descriptor(
            [("big", "{codec: zstd, level: 3}", 0, "raw"), *product.IMAGES]))
        self.run_in(self.start, "build big.yaml -o bundle.fwb -k first.key -q")

    def run_in(self, folder, arguments, **options):
        return subprocess.run([self.fwpack, *arguments.split()], cwd=folder, check=True, **options)

    def fresh(self):
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.start, self.work)

    def measure(self, arguments):
        """How long a whole run takes, and what it leaves."""
        times = []
        for _ in range(3):
            self.fresh()
            begun = time.monotonic()
            self.run_in(self.work, arguments)
            times.append(time.monotonic() - begun)
        return min(times), contents(self.work)

    def strike(self, arguments, number, delay):
        process = subprocess.Popen([self.fwpack, *arguments.split()], cwd=self.work,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        time.sleep(delay)
        process.send_signal(number)
        errors = process.communicate()[1]
        return process.returncode, errors

    def judge_code(self, number, code, errors):
        if number == signal.SIGKILL or code == 0:
            return None
        if code == -number and not errors:  # it came before the program was ready for it
            return None
        if code != 130 or "interrupted" not in errors:
            return f"exit code {code}, {errors!r}"
        return None

    def judge(self, code, old, new, target):
        now = contents(self.work)
        if code == -signal.SIGKILL:
            now = {name: data for name, data in now.items() if not is_leftover(name)}
        elif now != (new if code == 0 else old):
            return f"exit code {code}, but not what it stands for: " + str(set(now) ^ set(old))
        if not is_old_or_new(now.pop(target, None), old.get(target), new[target]):
            return f"{target} is neither the old nor the new one"
        others = {name: data for name, data in old.items() if name != target}
        return None if now == others else "other files changed: " + str(set(now) ^ set(others))

    def judge_next(self, arguments, new):
        self.run_in(self.work, arguments)
        now = contents(self.work)
        if now == new:
            return None
        return "the next run gave something else: " + str(set(now) ^ set(new))

    def round(self, arguments, target, whole, new):
        self.fresh()
        old = contents(self.work)
        number = self.numbers.choice(SIGNALS)
        code, errors = self.strike(arguments, number, self.numbers.uniform(0, 1.1 * whole))
        self.counts[code] = self.counts.get(code, 0) + 1
        problem = (self.judge_code(number, code, errors) or
                   self.judge(code, old, new, target) or self.judge_next(arguments, new))
        if problem:
            self.problems.append(f"{arguments}: {number.name}: {problem}")


def broken_pipe(fwpack, folder):
    """Who reads the output has gone: an error like any other, no death by SIGPIPE."""
    for arguments in (["build", "big.yaml", "-o", "-", "-q"],
                      ["extract", "bundle.fwb", "big", "-o", "-", "-p", "first.pub", "-q"]):
        process = subprocess.Popen([fwpack, *arguments], cwd=folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdout.read(1)
        process.stdout.close()
        errors = process.stderr.read().decode()
        if process.wait() != 1 or "Broken pipe" not in errors:
            yield f"{arguments[0]} into a closed pipe: exit code {process.returncode}: {errors}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fwpack", required=True)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fwpack-killed-") as folder:
        rounds = Rounds(options.fwpack, folder)
        for arguments, target in COMMANDS:
            whole, new = rounds.measure(arguments)
            for _ in range(options.rounds // len(COMMANDS)):
                rounds.round(arguments, target, whole, new)
        rounds.problems += broken_pipe(options.fwpack, rounds.start)
    for problem in rounds.problems:
        print(problem)
    codes = ", ".join(f"{count} ended with {code}" for code, count in sorted(rounds.counts.items()))
    print(f"{sum(rounds.counts.values())} rounds ({codes}), {len(rounds.problems)} problems")
    met = sum(count for code, count in rounds.counts.items() if code != 0)
    return 1 if rounds.problems or met == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
