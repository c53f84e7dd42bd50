#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the cases of the command line: tests/cli/cases/**/*.case.

    run.py --fwpack BINARY [--jobs N] [--filter TEXT] [--bless] [--no-skip] [CASE…]

A case is a text file. Lines at the margin are steps, carried out in order; README.md has a worked
example.

    # text              a comment; the first ones say what the case shows, with its attack number
    requires: WORD…     skip the case unless each is there: a program (with FWPACK_ALL_TOOLS set,
                        as scripts/check does, it must be), a file `shared/…` of the shared data
                        set, or `no-sanitizer`
    env: NAME=VALUE     set a variable for the commands that follow (`env: NAME` removes it)
    umask: 0077         the umask of the commands that follow (022 at first)
    timeout: SECONDS    most time that one command may take (30 at first; more under a sanitizer)
    memory: SIZE        most resident memory that one command may take (not under a sanitizer)

    file: NAME [MODE]   a file of the indented lines that follow (four blanks are taken off)
    hex: NAME           the same, the lines being hexadecimal bytes
    fill: NAME SIZE KIND   a file of SIZE (64KiB, 1MiB, …); KIND is `zero`, `text` (compresses) or
                        `noise` (does not), the same bytes in each run
    copy: NAME PATH     a copy of a file below tests/
    link: NAME TARGET   a symbolic link
    folder: NAME        an empty folder
    remove: NAME        takes a file or folder away

    $ PROGRAM ARGS      runs a program, without a shell; `fwpack` is the program under test
    % COMMAND           runs a command by `sh -c`, where a pipe or redirection is wanted
    tty PROGRAM ARGS    runs a program with a terminal as its three streams
    < text              a line of its standard input (empty and not a terminal at first)
    > text              a line of its standard output; `>| text` has no line end
    ! text              a line of its standard error; `!|` the same
    = N                 its exit code, where it is not 0

    left: NAME [same OTHER] [mode 0600] [sha256 HEX]   the case leaves this file
    gone: NAME          a file that was made by a step is no longer there

Output must match exactly, but for these words:
    [*] anything within the line     [...] alone on a line: any number of lines
    [HEX64] [KEYID] 64 hexadecimal digits   [HEX16] 16   [N] a number   [SIZE] such as `1.5 MiB`
    [TIME] such as 2025-01-31T12:00:00Z   [VERSION] fwpack's version   [DIR] the case's folder
    [FWPACK] the program's path      [SHARED] the shared data set (also in commands)

Each case has its own empty folder, HOME and TMPDIR, and a clean environment. These hold without
being asked for: a `$` or `tty` command that fails leaves every file as it was (S0 of the attack
list); at the end nothing is in the folder but what the steps made, unchanged, and what `left:`
names; HOME and TMPDIR are empty.

`--bless` rewrites the `>`, `!` and `=` lines of commands that answered otherwise; lines with
words in brackets that still match stay.
"""
import argparse
import concurrent.futures
import hashlib
import os
import pty
import random
import re
import resource
import select
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
WORDS = {
    "[*]": r".*?",
    "[HEX64]": r"[0-9a-f]{64}",
    "[KEYID]": r"[0-9a-f]{64}",
    "[HEX16]": r"[0-9A-Fa-f]{16}",
    "[N]": r"[0-9]+",
    "[SIZE]": r"[0-9]+(\.[0-9]+)? ([KMGT]i)?B",
    "[TIME]": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z",
}


class Failed(Exception):
    """What a case did that it should not have."""


class Skipped(Exception):
    """What a case needs and this machine does not have."""


class BadCase(Exception):
    """A case file that cannot be read."""


def parse_size(text):
    match = re.fullmatch(r"([0-9]+)([KMG]iB|B)?", text)
    if not match:
        raise BadCase(f"not a size: {text}")
    return int(match[1]) * UNITS[match[2] or ""]


# --- the file ----------------------------------------------------------------------------------


class Step:
    """One step: its keyword, the rest of its line, and the lines that belong to it."""

    def __init__(self, number, keyword, text):
        self.number = number
        self.keyword = keyword
        self.text = text
        self.block = []
        self.stdin, self.stdout, self.stderr = [], [], []
        self.code = 0
        self.end = number + 1  # the first line after it

    def is_command(self):
        return self.keyword in ("$", "%", "tty")


def parse_step(number, line):
    match = re.fullmatch(r"(\$|%|tty) (.*)", line) or re.fullmatch(r"([a-z]+):(?: (.*))?", line)
    if not match or match[1] not in ACTIONS:
        raise BadCase(f"line {number + 1} is not a step: {line}")
    return Step(number, match[1], (match[2] or "").strip())


def take_detail(step, line):
    """A line that belongs to the command before it; False when it does not."""
    match = re.fullmatch(r"([<>!])(\|)?(?: (.*))?", line)
    if match:
        lines = {"<": step.stdin, ">": step.stdout, "!": step.stderr}[match[1]]
        lines.append((match[3] or "") + ("" if match[2] else "\n"))
    elif re.fullmatch(r"= [0-9]+", line):
        step.code = int(line[2:])
    else:
        return False
    return True


def parse_case(path):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    steps = []
    for number, line in enumerate(lines):
        if steps and line.startswith("    ") and not steps[-1].is_command():
            steps[-1].block.append(line[4:])
        elif steps and line == "" and not steps[-1].is_command():
            steps[-1].block.append("")
        elif line == "" or line.startswith("#"):
            continue
        elif steps and steps[-1].is_command() and take_detail(steps[-1], line):
            steps[-1].end = number + 1
        else:
            steps.append(parse_step(number, line))
    for step in steps:
        while step.block and step.block[-1] == "":
            step.block.pop()
    return steps


# --- matching ----------------------------------------------------------------------------------


def show(output):
    """Bytes as text that can stand in a case: control characters as \\xNN."""
    text = output.decode("utf-8", "backslashreplace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", lambda m: f"\\x{ord(m[0]):02x}", text)


def line_pattern(line, places):
    pattern = ""
    for part in re.split(r"(\[[A-Z0-9*]+\])", line):
        pattern += WORDS.get(part) or re.escape(places.get(part, part))
    return pattern


def matches(expected, actual, places):
    """Whether the lines `actual` are what the lines `expected` describe."""
    pattern = ""
    for line in expected:
        pattern += r"(.*\n)*?" if line == "[...]\n" else line_pattern(line, places)
    return re.fullmatch(pattern, "".join(actual)) is not None


def blessed(expected, actual, places):
    """The actual lines, but for those that an expected line with words still describes."""
    left = list(expected)
    lines = []
    for line in actual:
        found = next((i for i, old in enumerate(left) if matches([old], [line], places)), None)
        if found is not None:
            lines.append(left[found])
            left = left[found + 1:]
            continue
        for word, value in sorted(places.items(), key=lambda place: -len(place[1])):
            line = line.replace(value, word) if word != "[VERSION]" else line
        lines.append(line)
    return lines


# --- running -----------------------------------------------------------------------------------


class Case:
    def __init__(self, path, options, root):
        self.path = path
        self.options = options
        self.root = root
        self.folder = os.path.join(root, "work")
        self.made = {}  # what the steps made: name → state
        self.left = []
        self.umask = 0o022
        self.timeout = 30
        self.memory = None
        self.places = {"[VERSION]": options.version, "[DIR]": self.folder,
                       "[FWPACK]": options.fwpack, "[SHARED]": options.shared}
        for name in ("work", "home", "tmp", "bin"):
            os.mkdir(os.path.join(root, name))
        os.symlink(options.fwpack, os.path.join(root, "bin", "fwpack"))
        self.environment = {
            "HOME": os.path.join(root, "home"), "TMPDIR": os.path.join(root, "tmp"),
            "PATH": os.path.join(root, "bin") + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "LC_ALL": "C.UTF-8", "TZ": "UTC", "FWPACK": options.fwpack,
            "FWPACK_SHARED": options.shared, "TESTS": TESTS}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def place(self, name):
        path = os.path.normpath(os.path.join(self.folder, name))
        if not path.startswith(self.folder + "/"):
            raise BadCase(f"{name} is outside the case's folder")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def states(self):
        """Every name below the folder, with what would show a change."""
        found = {}
        for folder, folders, files in os.walk(self.folder):
            for name in folders + files:
                path = os.path.join(folder, name)
                found[os.path.relpath(path, self.folder)] = file_state(path)
        return found

    def remember(self, name):
        """A step made this file or folder, and the folders above it."""
        name = os.path.relpath(self.place(name), self.folder)
        while name:
            self.made[name] = file_state(os.path.join(self.folder, name))
            name = os.path.dirname(name)

    def forget(self, name):
        for known in list(self.made):
            if known == name or known.startswith(name + "/"):
                del self.made[known]


def file_state(path):
    status = os.lstat(path)
    if stat.S_ISLNK(status.st_mode):
        return "link to " + os.readlink(path)
    if not stat.S_ISREG(status.st_mode):
        return f"kind {stat.S_IFMT(status.st_mode):o}"
    if status.st_size > 1 << 30:  # sparse giants are told apart by size and time
        return f"{status.st_size} bytes, {status.st_mtime_ns}"
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return f"mode {stat.S_IMODE(status.st_mode):o}, sha256 {digest.hexdigest()}"


def write_file(case, name, content, mode=0o644):
    path = case.place(name)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)
    case.remember(name)


def do_requires(case, step):
    for word in step.text.split():
        if word == "no-sanitizer":
            present = not case.options.sanitizer
        elif word.startswith("shared/"):
            present = os.path.exists(os.path.join(case.options.shared, word[len("shared/"):]))
        else:
            present = shutil.which(word, path=case.environment["PATH"]) is not None
            if not present and "FWPACK_ALL_TOOLS" in os.environ:
                raise Failed(f"{word} is not there: scripts/dependencies should install it")
        if not present:
            raise Skipped(word)


def do_env(case, step):
    name, equals, value = step.text.partition("=")
    case.environment.pop(name, None)
    if equals:
        case.environment[name] = substitute(case, value)


def do_umask(case, step):
    case.umask = int(step.text, 8)


def do_timeout(case, step):
    case.timeout = float(step.text)


def do_memory(case, step):
    case.memory = parse_size(step.text)


def do_file(case, step):
    name, _, mode = step.text.partition(" ")
    text = "".join(line + "\n" for line in step.block)
    write_file(case, name, text.encode(), int(mode or "644", 8))


def do_hex(case, step):
    write_file(case, step.text, bytes.fromhex(" ".join(step.block)))


def do_fill(case, step):
    name, size, kind = step.text.split()
    size = parse_size(size)
    if kind == "zero":
        write_file(case, name, b"")
        os.truncate(case.place(name), size)
        case.remember(name)
        return
    generator = random.Random(name)
    if kind == "noise":
        content = generator.randbytes(size)
    elif kind == "text":
        lines = [f"line {generator.randrange(9999):04} of {name}\n".encode() for _ in range(64)]
        content = b"".join(generator.choice(lines) for _ in range(size // len(lines[0]) + 1))
    else:
        raise BadCase(f"fill has no kind {kind}")
    write_file(case, name, content[:size])


def do_copy(case, step):
    name, source = step.text.split()
    with open(os.path.join(TESTS, source), "rb") as file:
        write_file(case, name, file.read())


def do_link(case, step):
    name, target = step.text.split()
    os.symlink(target, case.place(name))
    case.remember(name)


def do_folder(case, step):
    os.makedirs(case.place(step.text))
    case.remember(step.text)


def do_remove(case, step):
    path = case.place(step.text)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
    case.forget(step.text)


def do_left(case, step):
    name, *facts = step.text.split()
    case.left.append(name)
    path = case.place(name)
    if not os.path.lexists(path):
        raise Failed(f"{name} was not left")
    for fact, value in zip(facts[::2], facts[1::2]):
        check_fact(case, name, fact, value)


def check_fact(case, name, fact, value):
    state = file_state(case.place(name))
    if fact == "same":
        content = [re.sub("^mode [0-7]+, ", "", file_state(case.place(n))) for n in (name, value)]
        if content[0] != content[1]:
            raise Failed(f"{name} is not the same as {value}")
    elif fact == "mode":
        if not state.startswith(f"mode {int(value, 8):o},"):
            raise Failed(f"{name} has {state.split(',')[0]}, {value} wanted")
    elif fact == "sha256":
        if not state.endswith(value):
            raise Failed(f"{name} has {state}, sha256 {value} wanted")
    else:
        raise BadCase(f"left: has no word {fact}")


def do_gone(case, step):
    if os.path.lexists(case.place(step.text)):
        raise Failed(f"{step.text} is still there")
    case.forget(step.text)


def substitute(case, text):
    for word in ("[DIR]", "[FWPACK]", "[SHARED]"):
        text = text.replace(word, case.places[word])
    return text


def command_line(case, step):
    text = substitute(case, step.text)
    if step.keyword == "%":
        return ["/bin/sh", "-c", text]
    arguments = shlex.split(text)
    program = shutil.which(arguments[0], path=case.environment["PATH"])
    if program is None:
        raise Failed(f"no program {arguments[0]}")
    return [case.options.fwpack if arguments[0] == "fwpack" else program] + arguments[1:]


def prepare_child(case):
    os.chdir(case.folder)
    os.umask(case.umask)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def wait_for(case, pid, seconds):
    """Waits for a child and gives its exit code and peak memory; ends it when it takes too long."""
    deadline = time.monotonic() + seconds
    pause = 0.0005
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return (128 - code if code < 0 else code), usage.ru_maxrss * 1024
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            os.wait4(pid, 0)
            raise Failed(f"a command took more than {seconds:g} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)


def run_piped(case, arguments, stdin, seconds):
    def open_stream(name):
        return open(os.path.join(case.root, name), "w+b")
    with open_stream("in") as given, open_stream("out") as out, open_stream("err") as err:
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(
            arguments, stdin=given, stdout=out, stderr=err, env=case.environment,
            preexec_fn=lambda: prepare_child(case), start_new_session=True)
        code, memory = wait_for(case, process.pid, seconds)
        process.returncode = code
        out.seek(0)
        err.seek(0)
        return code, memory, out.read(), err.read()


def read_terminal(descriptor, stdin, seconds):
    """All that a program writes to its terminal; it is answered a line at each prompt."""
    output = b""
    answers = stdin.splitlines(keepends=True)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([descriptor], [], [], 0.1)[0]:
            try:
                piece = os.read(descriptor, 65536)
            except OSError:  # EIO: the other end is closed
                return output
            if not piece:
                return output
            output += piece
        elif answers:
            os.write(descriptor, answers.pop(0))
    return output


def run_on_terminal(case, arguments, stdin, seconds):
    pid, descriptor = pty.fork()
    if pid == 0:
        try:
            prepare_child(case)
            os.execve(arguments[0], arguments, case.environment)
        finally:
            os._exit(127)
    try:
        output = read_terminal(descriptor, stdin, seconds)
    finally:
        os.close(descriptor)
    code, memory = wait_for(case, pid, seconds)
    return code, memory, output.replace(b"\r\n", b"\n"), b""


def check_answer(case, step, code, streams):
    wrong = []
    if code != step.code:
        wrong.append(f"exit code {code}, {step.code} wanted")
    for name, mark, expected, actual in streams:
        if not matches(expected, actual, case.places):
            wrong.append(f"{name} was:\n" + marked(mark, actual))
            wrong.append("wanted:\n" + marked(mark, expected))
    if wrong and case.options.bless:
        step.code = code
        step.stdout, step.stderr = (blessed(expected, actual, case.places)
                                    for _, _, expected, actual in streams)
        step.keyword += "!"
    elif wrong:
        raise Failed("\n".join(wrong))


def do_command(case, step):
    before = case.states()
    seconds = case.timeout * (4 if case.options.sanitizer else 1)
    run = run_on_terminal if step.keyword == "tty" else run_piped
    stdin = substitute(case, "".join(step.stdin)).encode()
    code, memory, out, err = run(case, command_line(case, step), stdin, seconds)
    out, err = (show(output).splitlines(keepends=True) for output in (out, err))
    failed = code != 0 and step.keyword != "%"
    check_answer(case, step, code, [("stdout", ">", step.stdout, out),
                                    ("stderr", "!", step.stderr, err)])
    if case.memory and memory > case.memory and not case.options.sanitizer:
        raise Failed(f"took {memory >> 10} KiB of memory, {case.memory >> 10} KiB allowed")
    if failed and case.states() != before:
        raise Failed("failed and left: " + difference(before, case.states()))


def marked(mark, lines):
    text = ""
    for line in lines:
        body = line[:-1] if line.endswith("\n") else line
        text += (mark + ("" if line.endswith("\n") else "|") + " " + body).rstrip() + "\n"
    return text or "(nothing)\n"


def difference(before, after):
    names = sorted(name for name in before.keys() | after.keys()
                   if before.get(name) != after.get(name))
    return "; ".join(f"{name} ({before.get(name, 'absent')} → {after.get(name, 'gone')})"
                     for name in names)


def check_end(case):
    after = case.states()
    for name in case.left:
        after.pop(name, None)
        case.made.pop(name, None)
        parent = os.path.dirname(name)
        while parent:
            after.pop(parent, None)
            case.made.pop(parent, None)
            parent = os.path.dirname(parent)
    if after != case.made:
        raise Failed("at the end: " + difference(case.made, after))
    for name in ("home", "tmp"):
        stray = os.listdir(os.path.join(case.root, name))
        if stray:
            raise Failed(f"left in {name}: {' '.join(sorted(stray))}")


ACTIONS = {
    "requires": do_requires, "env": do_env, "umask": do_umask, "timeout": do_timeout,
    "memory": do_memory, "file": do_file, "hex": do_hex, "fill": do_fill, "copy": do_copy,
    "link": do_link, "folder": do_folder, "remove": do_remove, "left": do_left, "gone": do_gone,
    "$": do_command, "%": do_command, "tty": do_command,
}


def rewrite(path, steps):
    with open(path, encoding="utf-8") as file:
        lines = file.read().split("\n")
    for step in reversed(steps):
        if not step.keyword.endswith("!"):
            continue
        keep = [line for line in lines[step.number:step.end] if not re.match(r"[>!=]", line)]
        new = []
        for mark, stream in ((">", step.stdout), ("!", step.stderr)):
            new += marked(mark, stream).splitlines() if stream else []
        new += [f"= {step.code}"] if step.code else []
        lines[step.number:step.end] = keep + new
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def run_case(path, options):
    """("passed" | "failed" | "skipped" | "blessed", why)"""
    root = tempfile.mkdtemp(prefix="fwpack-cli-")
    try:
        steps = parse_case(path)
        case = Case(path, options, root)
        for step in steps:
            try:
                ACTIONS[step.keyword](case, step)
            except Failed as failed:
                raise Failed(f"{path}:{step.number + 1}: {step.text}\n{failed}") from None
        check_end(case)
        changed = any(step.keyword.endswith("!") for step in steps)
        if changed:
            rewrite(path, steps)
        return ("blessed" if changed else "passed"), ""
    except Skipped as missing:
        return "skipped", f"needs {missing}"
    except (Failed, BadCase, ValueError, OSError) as failed:
        text = str(failed)
        return "failed", text if text.startswith(path) else f"{path}: {text}"
    finally:
        subprocess.run(["chmod", "-R", "u+rwx", root], check=False)
        shutil.rmtree(root, ignore_errors=True)


def case_name(path):
    return os.path.relpath(path, os.path.join(HERE, "cases")).removesuffix(".case")


def find_cases(options):
    paths = [os.path.abspath(path) for path in options.cases]
    if not paths:
        for folder, _, files in os.walk(os.path.join(HERE, "cases")):
            paths += [os.path.join(folder, name) for name in files if name.endswith(".case")]
    return sorted(path for path in paths if options.filter in case_name(path))


def parse_options():
    parser = argparse.ArgumentParser(description="Runs the cases of the command line.")
    parser.add_argument("--fwpack", default=os.environ.get("FWPACK", "build/dev/cli/fwpack"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--filter", default="", help="only the cases with TEXT in their names")
    parser.add_argument("--bless", action="store_true", help="rewrite the expected answers")
    parser.add_argument("--no-skip", action="store_true", help="a skipped case is a failure")
    parser.add_argument("--sanitizer", action="store_true", help="the program is built with one")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    options.fwpack = os.path.abspath(options.fwpack)
    options.shared = os.path.abspath(
        os.environ.get("FWPACK_SHARED", os.path.join(TESTS, "..", "..", "shared")))
    answer = subprocess.run([options.fwpack, "version"], capture_output=True, text=True, check=True)
    options.version = re.search(r"[0-9]+\.[0-9]+\.[0-9]+\S*", answer.stdout)[0]
    return options


def main():
    options = parse_options()
    paths = find_cases(options)
    counts = {"passed": 0, "failed": 0, "skipped": 0, "blessed": 0}
    with concurrent.futures.ProcessPoolExecutor(min(options.jobs, max(len(paths), 1))) as pool:
        results = pool.map(run_case, paths, [options] * len(paths))
        for path, (verdict, why) in zip(paths, results):
            counts[verdict] += 1
            if verdict != "passed":
                print(f"{verdict}: {case_name(path)}: {why}" if why else
                      f"{verdict}: {case_name(path)}")
    print(f"{counts['passed'] + counts['blessed']} passed, {counts['failed']} failed, "
          f"{counts['skipped']} skipped")
    if counts["failed"] or not paths or (options.no_skip and counts["skipped"]):
        return 1
    return 77 if counts["skipped"] == len(paths) else 0


if __name__ == "__main__":
    sys.exit(main())
