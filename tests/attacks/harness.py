# SPDX-License-Identifier: MIT
"""What the attack tests share: running fwpack under limits, and the conditions that hold after
each refusal.

S0, "nothing happened": the exit code is one of those wanted, nothing on standard output, no file
made, changed or taken away. R: memory and time stay below fixed limits. Both are checked by
`refuse` without being asked for."""
import fcntl
import hashlib
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
FWPACK = os.environ.get("FWPACK", "fwpack")
SHARED = os.path.abspath(os.environ.get("FWPACK_SHARED", os.path.join(HERE, "../../../shared")))
SANITIZED = bool(os.environ.get("FWPACK_SANITIZE"))
SLOW = os.environ.get("FWPACK_SLOW") == "1"
MEMORY = 64 << 20  # R
SECONDS = 5 * (4 if SANITIZED else 1)
NOBODY = 65534


class Result:
    """How a program ended: its exit code (below 0: the signal that ended it) and what it wrote."""

    def __init__(self, status, out, err, usage):
        self.code = os.waitstatus_to_exitcode(status)
        self.dumped_core = os.WCOREDUMP(status)
        self.out, self.err = out, err
        self.memory = usage.ru_maxrss << 10
        self.seconds = usage.ru_utime + usage.ru_stime  # of the processor: other work may run too

    @property
    def text(self):
        return self.err.decode("utf-8", "backslashreplace")

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out[:500]!r}\nstderr: {self.text}"


def nothing():
    pass


def own_peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


class Running:
    """A program under way; its output is kept in memory unless it goes elsewhere."""

    def __init__(self, arguments, cwd=".", env=None, stdin=None, stdout=None, stderr=None,
                 prepare=None, keep=()):
        self.files = [os.memfd_create(name) for name in ("stdin", "stdout", "stderr")]
        if isinstance(stdin, bytes):
            os.pwrite(self.files[0], stdin, 0)
        variables = {**os.environ, **(env or {})}
        # A child's peak begins at its parent's, or, with a fork of its own, at what that has now.
        if prepare is None and own_peak() > MEMORY // 2:
            prepare = nothing
        # What this process once took would count as the child's: forget its peak.
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
        self.process = subprocess.Popen(
            arguments, cwd=cwd, stdin=stdin if isinstance(stdin, int) else self.files[0],
            stdout=self.files[1] if stdout is None else stdout,
            stderr=self.files[2] if stderr is None else stderr,
            env={name: value for name, value in variables.items() if value is not None},
            preexec_fn=prepare, start_new_session=True, pass_fds=keep)
        self.pid = self.process.pid
        self.watch = os.pidfd_open(self.pid)

    def is_over(self, seconds=0):
        return bool(select.select([self.watch], [], [], seconds)[0])

    def states(self):
        """R, S, D … of each of its threads."""
        for thread in os.listdir(f"/proc/{self.pid}/task"):
            with open(f"/proc/{self.pid}/task/{thread}/stat", encoding="utf-8") as file:
                yield file.read().rpartition(")")[2].split()[0]

    def wait_until_stalled(self):
        """Until every thread sleeps, and stays so: it waits for somebody to read or write."""
        asleep = 0
        while asleep < 5:
            if self.is_over(0.01):
                raise AssertionError(f"ended before it stalled\n{self.end()!r}")
            asleep = asleep + 1 if set(self.states()) == {"S"} else 0

    def kill(self, number=signal.SIGKILL):
        os.kill(self.pid, number)

    def read(self, number):
        size = os.fstat(self.files[number]).st_size
        return os.pread(self.files[number], size, 0) if size else b""

    def end(self, seconds=60):
        """Waits, and kills what takes too long."""
        late = not self.is_over(seconds)
        if late:
            os.killpg(self.pid, signal.SIGKILL)
        _, status, usage = os.wait4(self.pid, 0)
        self.process.returncode = status
        result = Result(status, self.read(1), self.read(2), usage)
        for descriptor in (*self.files, self.watch):
            os.close(descriptor)
        if late:
            raise AssertionError(f"took more than {seconds} s\n{result!r}")
        return result


class FullPipe:
    """A pipe that takes nothing more until it is drained: who writes to it stalls."""

    def __init__(self, room=0):
        self.reading, self.writing = os.pipe()
        self.filling = fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4096) - room
        os.write(self.writing, bytes(self.filling))

    def drain(self):
        """All that was written to it, when every writer has closed it."""
        os.close(self.writing)
        with os.fdopen(self.reading, "rb") as file:
            return file.read()[self.filling:]


def scan_memory(pid, needles):
    """Where each needle lies in a process: (needle, region, flags of the region)."""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        regions = re.findall(r"(?ms)^([0-9a-f]+)-([0-9a-f]+) ([^\n]*)\n.*?^VmFlags: ([^\n]*)",
                             file.read())
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, words, flags in regions:
            if "[v" in words:  # vvar, vsyscall: the kernel's
                continue
            start, end = int(start, 16), int(end, 16)
            for at in range(start, end, 1 << 20):
                try:
                    memory.seek(at)
                    data = memory.read(min((1 << 20) + 64, end - at))
                except OSError:  # a guard page
                    continue
                for name, needle in needles.items():
                    if needle in data:
                        yield name, words, flags.split()


def file_state(path):
    status = os.lstat(path)
    facts = [oct(status.st_mode), status.st_size]
    if stat.S_ISLNK(status.st_mode):
        facts.append(os.readlink(path))
    elif stat.S_ISREG(status.st_mode) and status.st_size <= 64 << 20 and os.access(path, os.R_OK):
        with open(path, "rb") as file:
            facts.append(hashlib.file_digest(file, "sha256").hexdigest())
    elif stat.S_ISREG(status.st_mode):  # sparse giants, unreadable files: told apart by time
        facts.append(status.st_mtime_ns)
    return tuple(facts)


def folder_state(root):
    found = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, os.fsencode(root))] = file_state(path)
    return found


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


def lines(size):
    """Text of so many bytes, which every codec makes smaller."""
    generator = random.Random(size)
    numbers = (generator.randrange(99999) for _ in range(2521))
    text = b"".join(b"line %05d of the firmware\n" % number for number in numbers)
    return (text * (size // len(text) + 1))[:size]


class AttackTest(unittest.TestCase):
    """Each test has an empty folder of its own, `self.folder`, where commands run."""

    maxDiff = None
    memory = MEMORY
    seconds = SECONDS

    def setUp(self):
        os.umask(0o022)
        self.folder = tempfile.mkdtemp(prefix="attack-", dir=".")
        os.chmod(self.folder, 0o755)
        self.folder = os.path.abspath(self.folder)

    def tearDown(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("HOME", "TMPDIR"):
            self.assertEqual(os.listdir(os.environ[name]), [], f"left in {name}")

    # --- files ---

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(data)
        os.chmod(self.path(name), mode)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def exists(self, name):
        return os.path.lexists(self.path(name))

    def need(self, *programs):
        for program in programs:
            if shutil.which(program) is None:
                self.skipTest(f"needs {program}")

    def shared(self, name):
        path = os.path.join(SHARED, name)
        if not os.path.exists(path):
            self.skipTest(f"needs the shared {name}")
        return path

    # --- programs ---

    def start(self, *arguments, program=FWPACK, **options):
        return Running([program, *arguments], **{"cwd": self.folder, **options})

    def run_program(self, *arguments, **options):
        return self.start(*arguments, **options).end()

    def succeed(self, *arguments, **options):
        result = self.run_program(*arguments, **options)
        self.assertEqual(result.code, 0, f"{arguments}\n{result!r}")
        return result

    def check_resources(self, result):
        self.assertLessEqual(result.seconds, self.seconds, f"time\n{result!r}")
        if not SANITIZED:
            self.assertLessEqual(result.memory, self.memory, f"memory\n{result!r}")

    def check_message(self, text):
        """Plain lines that name the program or a place, and nothing of where it was built."""
        self.assertRegex(text, r"\A(fwpack: |[^\n]+: error: )", "no message")
        for line in text.splitlines():
            self.assertRegex(line, r"^(fwpack: |hint: |[^\n]+: (error|warning): )")
            self.assertNotRegex(line, r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
            self.assertNotIn("(null)", line)
            self.assertNotIn(os.path.dirname(os.path.dirname(HERE)), line)

    def check_refusal(self, result, codes, says):
        codes = (codes,) if isinstance(codes, int) else codes
        self.assertIn(result.code, codes, repr(result))
        self.check_message(result.text)
        if says:
            self.assertRegex(result.text, says)

    def refuse(self, codes, *arguments, says=None, **options):
        """Runs fwpack, which must fail with one of the codes, say why, and have done nothing."""
        before = folder_state(self.folder)
        result = self.run_program(*arguments, **options)
        self.check_refusal(result, codes, says)
        if "--json" in arguments:
            self.assertEqual((result.json["ok"], result.json["error"]["exit"]),
                             (False, result.code), repr(result))
        elif "stdout" not in options:
            self.assertEqual(result.out, b"", repr(result))
        self.assertEqual(folder_state(self.folder), before, repr(result))
        self.check_resources(result)
        return result

    def survive(self, *arguments, codes=range(20), **options):
        """Runs fwpack on what it may take or not: no signal, no file made, bounded."""
        before = folder_state(self.folder)
        result = self.run_program(*arguments, **options)
        self.assertIn(result.code, codes, f"{arguments}\n{result!r}")
        self.assertNotIn("runtime error", result.text)
        if result.code != 0:
            self.check_message(result.text)
        self.assertEqual(folder_state(self.folder), before, f"{arguments}\n{result!r}")
        self.check_resources(result)
        return result


def as_nobody():
    """For `prepare`: gives up root's rights, which no permission would stop."""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def main():
    if not re.search("/", FWPACK) and shutil.which(FWPACK) is None:
        sys.exit("set FWPACK to the program to test")
    for variable in [name for name in os.environ if name.startswith("FWPACK_")
                     and name not in ("FWPACK_SHARED", "FWPACK_SANITIZE", "FWPACK_SLOW")]:
        del os.environ[variable]
    for variable in ("CI", "GITHUB_ACTIONS", "NO_COLOR", "CLICOLOR_FORCE", "SOURCE_DATE_EPOCH"):
        os.environ.pop(variable, None)
    if os.path.basename(os.path.dirname(os.getcwd())).startswith("fwpack-program-"):
        os.chmod("..", 0o755)  # for those tests that become another user
    unittest.main(module="__main__", argv=sys.argv, verbosity=1)
