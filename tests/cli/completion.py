#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Completion as it is typed: a shell on a terminal gets a line and a tab, and shows what it made
of it. bash always; zsh and fish where they are installed."""
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

FWPACK = os.environ["FWPACK"]
# What is typed → what it becomes with the tab.
LINES = [
    ("vers", "version"),
    ("exi", "exit-codes"),
    ("completion z", "completion zsh"),
    ("help completio", "help completion"),
    ("env --verb", "env --verbose"),
    ("env --color nev", "env --color never"),
    ("env --color=nev", "env --color=never"),
    ("--progress js", "--progress json"),
    ("-j 2 vers", "-j 2 version"),
    ("-qj 2 vers", "-qj 2 version"),
    ("verify gate", "verify gateway.fwb"),
    ("verify -p rel", "verify -p release.pub"),
    ("verify -p any=rel", "verify -p any=release.pub"),
    ("verify --pubkey=any=rel", "verify --pubkey=any=release.pub"),
    ("sign -k rel", "sign -k release.pub"),
    ("sign -k pkcs", "sign -k pkcs11:"),
    ("sign -k ag", "sign -k agent:"),
    ("sign --key=ex", "sign --key=exec:"),
    ("verify -- gate", "verify -- gateway.fwb"),
    ("build gate", "build gateway.fwb"),
]
# Where the tab offers nothing, however it looks to somebody who knows the files.
NOTHING = ["version gate", "env -j gate", "completion gate", "nosuch gate"]


class Terminal:
    """A shell on a terminal, in which fwpack only shows its arguments."""

    def __init__(self, arguments, setup):
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PS1="", PROMPT="")
            os.execvp(arguments[0], arguments)
        self.output = ""
        self.send(setup + "\necho rea''dy\n")
        self.wait_for(r"ready")

    def send(self, text):
        os.write(self.descriptor, text.encode())

    def wait_for(self, pattern):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = re.search(pattern, self.output)
            if found:
                self.output = self.output[found.end():]
                return found
            if select.select([self.descriptor], [], [], 0.1)[0]:
                self.output += os.read(self.descriptor, 65536).decode(errors="replace")
        sys.exit(f"the shell never said {pattern}: {self.output!r}")

    def complete(self, line):
        """The line's arguments after a tab and a return."""
        self.send(f"fwpack {line}\t\n")
        return self.wait_for(r"<(.*)>\r?\n")[1].rstrip()

    def end(self):
        self.send("exit\n")
        os.close(self.descriptor)
        os.waitpid(self.pid, 0)


def script(shell, name):
    text = subprocess.run([FWPACK, "completion", shell], capture_output=True, check=True).stdout
    with open(name, "wb") as file:
        file.write(text)


def bash():
    return Terminal(["bash", "--norc", "--noprofile", "-i"],
                    "bind 'set bell-style none'; source scripts/fwpack.bash; "
                    "fwpack() { echo \"<$*>\"; }")


def zsh():
    return Terminal(["zsh", "-f", "-i"],
                    "unsetopt beep prompt_cr prompt_sp; fpath=($PWD/scripts $fpath); "
                    "autoload -U compinit; compinit -u -D; fwpack() { print -r -- \"<$*>\"; }")


class Fish:
    """fish says by itself what a line can become: candidates for the last word."""

    def complete(self, line):
        answer = subprocess.run(
            ["fish", "--no-config", "-c",
             "source scripts/fwpack.fish; complete -C $argv[1]", f"fwpack {line}"],
            capture_output=True, text=True, check=True).stdout.splitlines()
        words = [word.split("\t")[0] for word in answer]
        head, _, _ = line.rpartition(" ")
        return f"{head} {words[0]}".strip() if len(words) == 1 else line

    def end(self):
        pass


def check(name, shell):
    wrong = []
    for line, expected in LINES + [(line, line) for line in NOTHING]:
        got = shell.complete(line)
        if got != expected:
            wrong.append(f"{name}: '{line}' became '{got}', '{expected}' wanted")
    shell.end()
    return wrong


def main():
    os.mkdir("scripts")
    for name in ("gateway.fwb", "release.pub"):
        open(name, "w", encoding="utf-8").close()
    for shell, name in (("bash", "fwpack.bash"), ("zsh", "_fwpack"), ("fish", "fwpack.fish")):
        script(shell, os.path.join("scripts", name))
    wrong = []
    for name, start in (("bash", bash), ("zsh", zsh), ("fish", Fish)):
        if shutil.which(name):
            wrong += check(name, start())
    sys.exit("\n".join(wrong) or 0)


main()
