# SPDX-License-Identifier: MIT
"""Runs a program again and again under the fault shim (shim.h)."""
import dataclasses
import fcntl
import os
import re
import struct
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "shim.h"), encoding="utf-8") as header:
    FAMILIES = re.findall(r'X\(FAULT_\w+, "(\w+)"\)', header.read())
MODES = ["none", "once", "forever", "short"]
ORDER = struct.Struct("=IIIIQ")
ANSWER = struct.Struct(f"=iI{len(FAMILIES)}QQQ")


@dataclasses.dataclass
class Answer:
    exit: int        # the exit code, or minus the signal
    hit: int         # how many calls failed
    calls: dict      # by family
    last_name: int   # when the last name was given,
    folder_sync: int  # and when a folder was last synced
    output: str
    errors: str


def high(descriptor):
    """The same one under a number that the program does not meet."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD, 200)
    os.close(descriptor)
    return copy


class Server:
    """`scratch` is a folder for what the program prints."""

    def __init__(self, shim, command, folder, scratch, *, standard_input=None, variables=None):
        self.paths = {name: os.path.join(scratch, name) for name in ("output", "errors", "stacks")}
        orders, self.orders = os.pipe()
        self.answers, answers = os.pipe()
        orders, answers = high(orders), high(answers)
        environment = dict(
            os.environ, LC_ALL="C.UTF-8", CI="true", FAULT_SERVER=f"{orders},{answers}",
            LD_PRELOAD=shim, **(variables or {}),
            **{f"FAULT_{name.upper()}": path for name, path in self.paths.items()})
        if standard_input:
            environment["FAULT_INPUT"] = standard_input
        self.process = subprocess.Popen(command, cwd=folder, env=environment,
                                        stdin=subprocess.DEVNULL, pass_fds=[orders, answers])
        os.close(orders)
        os.close(answers)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.orders)
        os.close(self.answers)
        self.process.wait()

    def read(self, name):
        with open(self.paths[name], encoding="utf-8", errors="replace") as file:
            return file.read()

    def run(self, family="read", mode="none", number=0, at=0, stacks=False):
        os.write(self.orders, ORDER.pack(FAMILIES.index(family), MODES.index(mode), number,
                                         stacks, at))
        data = b""
        while len(data) < ANSWER.size:
            piece = os.read(self.answers, ANSWER.size - len(data))
            if not piece:
                raise RuntimeError("the fault shim is gone")
            data += piece
        status, hit, *counts, last_name, folder_sync = ANSWER.unpack(data)
        return Answer(os.waitstatus_to_exitcode(status), hit, dict(zip(FAMILIES, counts)),
                      last_name, folder_sync, self.read("output"), self.read("errors"))

    def stacks(self, family):
        """For each call of a family a word that stands for the functions that led to it."""
        self.run(family, stacks=True)
        return self.read("stacks").split()
