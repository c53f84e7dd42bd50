# SPDX-License-Identifier: MIT
"""What running a program costs: processor time, wall time and the largest resident set.

Processor time is user and system time of the program and its children; both it and memory come
from the kernel (wait4) by way of launch.c, whose own memory is too small to count.
"""

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Cost:
    """Seconds and MiB; `status` is 0 where the program succeeded."""

    def __init__(self, status, user, system, wall, memory):
        self.status, self.user, self.system, self.wall = status, user, system, wall
        self.cpu, self.memory = user + system, memory / 1024


class Launcher:
    """Runs commands in a folder. What the last one printed is in `log` there."""

    def __init__(self, folder, limit=3600):
        self.folder, self.limit = folder, limit
        self.program = os.path.join(folder, "launch")
        self.log = os.path.join(folder, "log")
        compiler = shutil.which("cc") or sys.exit("cc is wanted, to compile launch.c")
        subprocess.run([compiler, "-O1", "-D_GNU_SOURCE", "-o", self.program,
                        os.path.join(HERE, "launch.c")], check=True)

    def run(self, command):
        report = os.path.join(self.folder, "report")
        with open(self.log, "wb") as log:
            subprocess.run([self.program, report, str(self.limit), *command], cwd=self.folder,
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True)
        with open(report) as file:
            status, user, system, wall, memory = file.read().split()
        return Cost(int(status), float(user), float(system), float(wall), int(memory))

    def printed(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def must(self, command):
        """Gives up on the whole benchmark when the command fails."""
        cost = self.run(command)
        if cost.status != 0:
            sys.stderr.write(self.printed())
            sys.exit(f"failed with {cost.status}: {' '.join(command)}")
        return cost

    def clean(self, names):
        for name in names:
            path = os.path.join(self.folder, name)
            if os.path.exists(path):
                os.unlink(path)

    def best(self, command, rounds, clean=()):
        """The round of least processor time, after one that warms caches up and does not count."""
        best = None
        for number in range(rounds + 1):
            self.clean(clean)
            cost = self.must(command)
            if number != 0 and (best is None or cost.cpu < best.cpu):
                best = cost
        return best
