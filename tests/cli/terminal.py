#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What only a terminal or a signal shows: passphrases are asked for without an echo and the
terminal is as before afterwards, a signal ends the run with 130 and leaves nothing (A111, A119),
and the process can be neither dumped nor traced (A118)."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

FWPACK = os.environ["FWPACK"]
SECONDS = 60  # a passphrase's KDF is slow under a sanitizer
WRONG = []


def expect(condition, why):
    if not condition:
        WRONG.append(why)


# --- a program on a terminal -------------------------------------------------------------------


class Terminal:
    def __init__(self, *arguments, **environment):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(environment)
            os.execv(FWPACK, ["fwpack", *arguments])
        self.output = ""

    def wait_for(self, pattern):
        deadline = time.monotonic() + SECONDS
        while not re.search(pattern, self.output):
            if time.monotonic() > deadline:
                sys.exit(f"never said {pattern}: {self.output!r}")
            self.read()

    def read(self):
        """Reads what there is; False when the program has ended."""
        if not select.select([self.descriptor], [], [], 0.1)[0]:
            return True
        try:
            piece = os.read(self.descriptor, 65536)
        except OSError:
            return False
        self.output += piece.decode(errors="replace")
        return bool(piece)

    def echoes(self):
        return bool(termios.tcgetattr(self.descriptor)[3] & termios.ECHO)

    def wait_for_prompt(self, pattern):
        """Until the prompt stands and the echo is off: what is typed before that is thrown away."""
        self.wait_for(pattern)
        deadline = time.monotonic() + SECONDS
        while self.echoes() and time.monotonic() < deadline:
            time.sleep(0.01)
        expect(not self.echoes(), f"{pattern}: the echo is on")

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def end(self):
        """The exit code."""
        while self.read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def generates_a_key_with_a_passphrase():
    terminal = Terminal("key", "generate", "asked")
    terminal.wait_for_prompt("Passphrase for .*: ")
    terminal.type("correct horse\n")
    terminal.wait_for_prompt("The same again for .*: ")
    terminal.type("correct horse\n")
    code = terminal.end()
    expect(code == 0, f"key generate: exit code {code}: {terminal.output}")
    expect("horse" not in terminal.output, "the passphrase was echoed")
    expect(os.path.exists("asked.key"), "no key was made")


def signs_with_it():
    with open("file", "w", encoding="utf-8") as file:
        file.write("content\n")
    terminal = Terminal("sign", "--detached", "file", "-k", "asked.key")
    terminal.wait_for_prompt("Passphrase for .*: ")
    terminal.type("correct horse\n")
    code = terminal.end()
    expect(code == 0, f"sign: exit code {code}: {terminal.output}")
    answer = subprocess.run([FWPACK, "verify", "--detached", "file", "-p", "asked.pub"],
                            capture_output=True, check=False)
    expect(answer.returncode == 0, f"verify: {answer.stderr.decode()}")
    os.remove("file.minisig")


def refuses_two_that_differ():
    terminal = Terminal("key", "generate", "differ")
    terminal.wait_for_prompt("Passphrase for .*: ")
    terminal.type("one\n")
    terminal.wait_for_prompt("again for .*: ")
    terminal.type("two\n")
    code = terminal.end()
    expect(code == 4, f"two that differ: exit code {code}")
    expect("the two passphrases differ" in terminal.output, f"two that differ: {terminal.output}")


def control_c_restores_the_echo():
    terminal = Terminal("key", "generate", "stopped")
    terminal.wait_for_prompt("Passphrase for .*: ")
    terminal.type("half a pass\x03")
    terminal.wait_for("interrupted")
    expect(terminal.echoes(), "the echo stayed off after Ctrl-C")
    code = terminal.end()
    expect(code == 130, f"Ctrl-C at the prompt: exit code {code}")
    expect("half" not in terminal.output, "a half passphrase was echoed")


def refuses_an_empty_one():
    terminal = Terminal("key", "generate", "empty")
    terminal.wait_for_prompt("Passphrase for .*: ")
    terminal.type("\n")
    code = terminal.end()
    expect(code == 4, f"an empty passphrase: exit code {code}")
    expect("the passphrase is empty" in terminal.output, f"empty: {terminal.output}")


def never_asks_in_ci():
    for arguments, environment in (([], {"CI": "true"}), (["--no-input"], {})):
        terminal = Terminal("key", "generate", "ci", *arguments, **environment)
        code = terminal.end()
        expect(code == 4, f"no prompt in CI: exit code {code}")
        expect("--passphrase-file" in terminal.output, f"CI: {terminal.output}")
        expect("Passphrase for" not in terminal.output, f"CI: asked: {terminal.output}")


# --- passphrases from elsewhere ----------------------------------------------------------------


def run(*arguments, code=0, **more):
    answer = subprocess.run([FWPACK, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                            text=True, check=False, start_new_session=True, **more)
    expect(answer.returncode == code,
           f"{' '.join(arguments)}: exit code {answer.returncode}, {code} wanted: {answer.stderr}")
    return answer


def sign(*arguments, code=0, **more):
    answer = run("sign", "--detached", "file", "-k", "asked.key", *arguments, code=code, **more)
    if os.path.exists("file.minisig"):
        os.remove("file.minisig")
    return answer


def takes_passphrases_from_files():
    for content, code in (("correct horse", 0), ("correct horse\n", 0), ("correct horse\r\n", 0),
                          ("correct horse\n\n", 4), (" correct horse", 4), ("", 4), ("\n", 4),
                          ("wrong\n", 4), ("a" * 2000, 4)):
        with open("phrase", "w", encoding="utf-8", newline="") as file:
            file.write(content)
        sign("--passphrase-file", "phrase", code=code)
    with open("phrase", "w", encoding="utf-8") as file:
        file.write("correct horse\n")
    sign(env=dict(os.environ, FWPACK_PASSPHRASE_FILE="phrase"))
    sign("--passphrase-file", "absent", code=1)
    sign(code=4)
    with open("phrase", encoding="utf-8") as file:
        sign("--passphrase-fd", str(file.fileno()), pass_fds=[file.fileno()])
        sign("--passphrase-fd", str(file.fileno()), pass_fds=[file.fileno()], code=4)
        sign("--passphrase-fd", str(file.fileno()), "--passphrase-file", "phrase", code=2)
    sign("--passphrase-fd", "77", code=1)
    answer = sign("--passphrase", "correct horse", code=2)
    expect("unknown option '--passphrase'" in answer.stderr, answer.stderr)


# --- signals -----------------------------------------------------------------------------------


def heed_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start_reading(*arguments, prepare=heed_signals, settle=0.3):
    """A run that waits for more of its standard input."""
    process = subprocess.Popen([FWPACK, "verify", "-", "-p", "asked.pub", *arguments],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, preexec_fn=prepare)
    time.sleep(settle)
    return process


def stop(process, number):
    """The exit code and the streams. Standard input stays open: the signal alone ends the run."""
    process.send_signal(number)
    process.wait(timeout=SECONDS)
    return process.returncode, process.stdout.read(), process.stderr.read()


def stops_at_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        code, out, err = stop(start_reading(), number)
        expect(code == 130, f"{number}: exit code {code}: {err}")
        expect(out == "" and re.fullmatch(r"fwpack: .*interrupted\n", err), f"{number}: {out}{err}")


def stops_whenever_the_signal_comes():
    for step in range(20):
        code, _, err = stop(start_reading(settle=step * 0.002), signal.SIGTERM)
        expect(code in (130, -signal.SIGTERM), f"after {2 * step} ms: exit code {code}: {err}")


def build_bundle():
    with open("image", "wb") as image:
        image.write(os.urandom(8 << 20))
    with open("product.yaml", "w", encoding="utf-8") as file:
        file.write("fwpack: 1\nproduct: acme\nversion: 1.0.0\nsecurity-version: 0\n"
                   "compatible:\n  - acme,one\nimages:\n  - name: image\n    file: image\n"
                   "    compress: {codec: none}\n")
    run("build", "product.yaml", "-o", "bundle", "-k", "asked.key", "--passphrase-file", "phrase")


def stops_whichever_thread_reads():
    build_bundle()
    with open("bundle", "rb") as file:
        bundle = file.read()
    for part in range(8):
        process = start_reading("-j8", settle=0)
        process.stdin.buffer.write(bundle[:(part << 20) + 5000])
        process.stdin.flush()
        time.sleep(0.1)
        code, _, err = stop(process, signal.SIGTERM)
        expect(code == 130, f"a bundle cut after {part} MiB: exit code {code}: {err}")
    for name in ("image", "product.yaml", "bundle"):
        os.remove(name)


def says_so_in_json():
    _, out, _ = stop(start_reading("--json"), signal.SIGINT)
    expect('"ok":false' in out and '"id":"interrupted","exit":130' in out, f"--json: {out}")


def ignores_what_nohup_ignores():
    process = start_reading(prepare=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    expect(process.poll() is None, "an ignored SIGHUP ended the run")
    stop(process, signal.SIGTERM)


def become_nobody():
    if os.getuid() == 0:
        os.setgroups([])
        os.setresuid(65534, 65534, 65534)


def cannot_be_dumped():
    os.chmod("asked.pub", 0o644)
    for folder in (".", ".."):
        os.chmod(folder, 0o755)
    try:
        process = start_reading(prepare=become_nobody)
    except PermissionError:
        return  # the program lies where only root may go
    if process.poll() is None:
        owner = os.stat(f"/proc/{process.pid}/mem").st_uid
        expect(owner == 0, "the process can be dumped by its user")
    process.kill()
    process.communicate()


def main():
    for test in (generates_a_key_with_a_passphrase, signs_with_it, refuses_two_that_differ,
                 control_c_restores_the_echo, refuses_an_empty_one, never_asks_in_ci,
                 takes_passphrases_from_files, stops_at_signals, stops_whenever_the_signal_comes,
                 stops_whichever_thread_reads, says_so_in_json, ignores_what_nohup_ignores,
                 cannot_be_dumped):
        test()
    left = sorted(os.listdir("."))
    expect(left == ["asked.key", "asked.pub", "file", "phrase"], f"left: {left}")
    sys.exit("\n".join(WRONG) or 0)


main()
