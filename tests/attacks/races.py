# SPDX-License-Identifier: MIT
"""A21, A49, A111 and A124: what others do to the files while fwpack runs. It is held at a known
place by a full pipe on its standard output, or on its standard error, where progress goes."""
import os
import pty
import random
import re
import select
import shutil
import signal
import time

from bundles import KIB, MIB, Bundle, Image, Key, sha256
from harness import FWPACK, SLOW, AttackTest, FullPipe, folder_state, main, noise

OWNER = Key("owner")
OTHERS = [Key(f"other {n}") for n in range(8)]


class RaceTest(AttackTest):
    seconds = 60

    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("owner.key", OWNER.secret_file(), 0o600)
        os.mkdir(self.path("work"))


class Swapped(RaceTest):
    """A21: what comes out is what was signed, or nothing more comes out."""

    size = 12 * MIB

    def setUp(self):
        super().setUp()
        self.make("none")

    def make(self, codec):
        self.write("image", noise(self.size))
        bundle = Bundle([Image("app", self.read("image"), codec)]).sign(OWNER)
        self.write("work/x.fwb", bundle.archive())

    def path_of_bundle(self):
        return self.path("work/x.fwb")

    def overwrite(self, at, data):
        with open(self.path_of_bundle(), "r+b") as file:
            file.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
            file.write(data)

    changes = {
        "a byte": lambda self: self.overwrite(-MIB, b"\0\1"),
        "the last byte": lambda self: self.overwrite(-2000, b"\0\1\2"),
        "all that follows": lambda self: self.overwrite(-6 * MIB, bytes(6 * MIB)),
        "cut in a block": lambda self: os.truncate(self.path_of_bundle(), 9 * MIB + 100),
        "cut at a block": lambda self: os.truncate(self.path_of_bundle(), 9 * MIB),
        "cut to nothing": lambda self: os.truncate(self.path_of_bundle(), 0),
        "another bundle in place": lambda self: self.overwrite(0, self.another()),
    }

    def another(self):
        return Bundle([Image("app", noise(self.size, 9), "none")]).sign(OWNER).archive()

    def pull(self, *arguments, change=None, codes=(13,), stdin=None):
        """Stalls `extract -o -` at its first byte. Whatever came out is the image's beginning."""
        pipe = FullPipe()
        running = self.start(*arguments, stdout=pipe.writing, stdin=stdin)
        running.wait_until_stalled()
        change(self)
        out = pipe.drain()
        result = running.end()
        self.assertIn(result.code, codes, repr(result))
        self.assertTrue(self.read("image").startswith(out), "bytes that nobody signed")
        return out, result

    def test_a21_extract_to_a_pipe(self):
        for name, change in self.changes.items():
            for codec in ("none", "zstd"):
                with self.subTest(change=name, codec=codec):
                    self.make(codec)
                    out, result = self.pull("extract", "work/x.fwb", "-o", "-", "-p", "owner.pub",
                                            change=change)
                    self.assertLess(len(out), self.size)
                    self.assertGreaterEqual(len(out), 0 if name == "cut to nothing" else MIB)
                    self.check_message(result.text)

    def test_a21_renamed_over(self):
        """The file that was opened is the file that is read to its end."""
        def change(self):
            self.write("work/y.fwb", self.another())
            os.rename(self.path("work/y.fwb"), self.path_of_bundle())
        out, _ = self.pull("extract", "work/x.fwb", "-o", "-", "-p", "owner.pub", change=change,
                           codes=(0,))
        self.assertEqual(len(out), self.size)

    def test_a21_removed(self):
        out, _ = self.pull("extract", "work/x.fwb", "-o", "-", "-p", "owner.pub", codes=(0,),
                           change=lambda self: os.unlink(self.path_of_bundle()))
        self.assertEqual(len(out), self.size)

    def test_a21_standard_input_is_a_file_too(self):
        with open(self.path_of_bundle(), "rb") as file:
            self.pull("extract", "-", "-o", "-", "-p", "owner.pub", stdin=file.fileno(),
                      change=self.changes["a byte"])

    def check_stalled(self, *arguments, change, codes=(13,)):
        """Stalls at the first word about progress; nothing may be left but the bundle."""
        pipe = FullPipe()
        before = sorted(os.listdir(self.folder)), sorted(os.listdir(self.path("work")))
        running = self.start(*arguments, "--progress", "json", "-j", "1", stderr=pipe.writing)
        running.wait_until_stalled()
        change(self)
        messages = pipe.drain().decode()
        result = running.end()
        self.assertIn(result.code, codes, messages)
        self.assertEqual(result.out, b"")
        self.check_message(re.sub("(?m)^{.*\n", "", messages))
        self.assertEqual((sorted(os.listdir(self.folder)), sorted(os.listdir(self.path("work")))),
                         before)

    def test_a21_extract_to_files_and_verify(self):
        for name, change in self.changes.items():
            with self.subTest(change=name):
                self.make("none")
                self.check_stalled("extract", "work/x.fwb", "-C", "out", "-p", "owner.pub",
                                   change=change)
                self.make("none")
                self.check_stalled("verify", "work/x.fwb", "-p", "owner.pub", change=change)

    def test_a21_several_images(self):
        """The second image's header is changed while the first is read."""
        images = [Image("app", noise(6 * MIB)), Image("b", noise(6 * MIB, 1))]
        data = Bundle(images).sign(OWNER).archive()
        header = data.index(b"payloads/b.0.bin")
        for change in (lambda self: self.overwrite(header, b"x"),
                       lambda self: self.overwrite(header, bytes(512)),
                       lambda self: os.truncate(self.path_of_bundle(), header)):
            self.write("work/x.fwb", data)
            self.check_stalled("extract", "work/x.fwb", "-C", "out", "-p", "owner.pub",
                               change=change, codes=(3, 13))


class Signers(RaceTest):
    """A49: several at once lose nothing, and nobody ever meets half a bundle."""

    def setUp(self):
        super().setUp()
        bundle = Bundle([Image("app", noise(300 * KIB))]).sign(OWNER)
        self.write("work/x.fwb", bundle.archive())
        for number, key in enumerate(OTHERS):
            self.write(f"{number}.key", key.secret_file(), 0o600)
            self.write(f"{number}.pub", key.public_file())

    def signers(self):
        answer = self.succeed("inspect", "work/x.fwb", "--json").out.decode()
        return {key.keyid for key in [OWNER, *OTHERS] if key.keyid in answer}

    def test_a49_signers_at_once(self):
        for _ in range(10 if SLOW else 4):
            self.write("work/x.fwb", Bundle([Image("app", noise(300 * KIB))]).sign(OWNER).archive())
            running = [self.start("sign", "work/x.fwb", "-k", f"{number}.key", "--yes")
                       for number in range(len(OTHERS))]
            while not all(one.is_over() for one in running):
                self.succeed("verify", "work/x.fwb", "-p", "owner.pub")
            for one in running:
                result = one.end()
                self.assertEqual(result.code, 0, repr(result))
            self.assertEqual(self.signers(), {key.keyid for key in [OWNER, *OTHERS]})
            trust = [f"-prelease={number}.pub" for number in range(len(OTHERS))]
            self.succeed("verify", "work/x.fwb", *trust, "-p", "delivery=owner.pub",
                         "--require", str(len(OTHERS)))
            self.assertEqual(os.listdir(self.path("work")), ["x.fwb"])

    def test_a49_two_runs_with_one_key(self):
        running = [self.start("sign", "work/x.fwb", "-k", "0.key", "--json") for _ in range(4)]
        answers = [one.end() for one in running]
        self.assertEqual([answer.code for answer in answers], [0] * 4)
        self.assertEqual(sum(answer.json["changed"] for answer in answers), 1)

    def test_a49_the_second_waits(self):
        """A signer that holds the lock is waited for, and its signature kept."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execv(FWPACK, [FWPACK, "sign", "work/x.fwb", "-k", "0.key"])
        self.wait_for_question(terminal)
        second = self.start("sign", "work/x.fwb", "-k", "1.key")
        second.wait_until_stalled()
        self.assertEqual(self.signers(), {OWNER.keyid})
        os.write(terminal, b"y\n")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        os.close(terminal)
        result = second.end()
        self.assertEqual(result.code, 0, repr(result))
        self.assertIn("waiting for another signer", result.text)
        self.assertEqual(self.signers(), {OWNER.keyid, OTHERS[0].keyid, OTHERS[1].keyid})

    @staticmethod
    def wait_for_question(terminal):
        shown = b""
        while b"[y/N]" not in shown:
            if not select.select([terminal], [], [], 30)[0]:
                raise AssertionError(f"no question: {shown}")
            shown += os.read(terminal, 65536)
        return shown.decode()


class Asked(RaceTest):
    """A124: what is shown is what is signed."""

    def setUp(self):
        super().setUp()
        self.bundle = Bundle([Image("app", noise(5000)), Image("boot", noise(70))],
                             version="4.5.6").freeze()
        self.write("work/x.fwb", self.bundle.archive())

    def ask(self, answer, *arguments, meanwhile=None):
        """Signs on a terminal. Gives the exit code and what was shown before the question."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execv(FWPACK, [FWPACK, "sign", "work/x.fwb", "-k", "owner.key", *arguments])
        shown = Signers.wait_for_question(terminal)
        if meanwhile:
            meanwhile()
        os.write(terminal, answer)
        try:
            while os.read(terminal, 65536):
                pass
        except OSError:  # EIO: fwpack has ended
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        return code, shown

    def check_shown(self, shown):
        for words in ("work/x.fwb", "acme-gateway", "4.5.6", "security version 7",
                      "image app, 5000", "image boot, 70", sha256(noise(5000)).hex(), OWNER.keyid,
                      *(sha256(text).hex() for text in self.bundle.texts.values()),
                      *(f"{name}, {len(text)} bytes" for name, text in self.bundle.texts.items())):
            self.assertIn(words, shown)

    def test_a124_shown_before_it_is_signed(self):
        before = folder_state(self.folder)
        for answer in (b"n\n", b"\n", b"no\n", b"yea\n", b"\4", b" y\n", b"x" * 100 + b"\n"):
            code, shown = self.ask(answer)
            self.check_shown(shown)
            self.assertNotEqual(code, 0)
            self.assertEqual(folder_state(self.folder), before)
        for answer in (b"y\n", b"YES\n"):
            self.write("work/x.fwb", self.bundle.archive())
            self.assertEqual(self.ask(answer)[0], 0)
            self.succeed("verify", "work/x.fwb", "-p", "owner.pub")

    def test_a124_without_a_terminal(self):
        for arguments in ((), ("--yes",), ("--no-input",)):
            self.write("work/x.fwb", self.bundle.archive())
            result = self.succeed("sign", "work/x.fwb", "-k", "owner.key", *arguments)
            self.check_shown(result.text)

    def test_a124_altered_while_it_asks(self):
        """In place, after the bytes were shown: those are signed, or nothing is."""
        other = Bundle([Image("app", noise(5000)), Image("boot", noise(70))],
                       version="4.5.7").freeze().archive()
        self.assertEqual(len(other), len(self.bundle.archive()))
        code, _ = self.ask(b"y\n", meanwhile=lambda: self.write("work/x.fwb", other))
        signed = self.read("work/x.fwb")
        if code == 0:
            self.assertIn(self.bundle.texts["release.json"], signed)
            self.assertNotIn(b"4.5.7", signed)
        else:
            self.assertEqual(signed, other)

    def test_a124_replaced_while_it_asks(self):
        """By a build that knows nothing of locks: its bundle is neither signed nor lost."""
        self.write("work/other", b"the new one")
        code, _ = self.ask(b"y\n", meanwhile=lambda: os.rename(self.path("work/other"),
                                                              self.path("work/x.fwb")))
        self.assertNotEqual(code, 0)
        self.assertEqual(self.read("work/x.fwb"), b"the new one")
        self.assertEqual(os.listdir(self.path("work")), ["x.fwb"])

    def test_a124_removed_while_it_asks(self):
        code, _ = self.ask(b"y\n", meanwhile=lambda: os.unlink(self.path("work/x.fwb")))
        self.assertNotEqual(code, 0)
        self.assertEqual(os.listdir(self.path("work")), [])

    def test_a124_documents_that_say_two_things(self):
        """A bundle whose documents do not fit together is not even asked about."""
        bundle = Bundle([Image("app", b"x")]).freeze()
        bundle.texts["release.json"] = bundle.texts["release.json"].replace(b"1.2.3", b"1.2.4")
        self.write("work/x.fwb", bundle.archive())
        self.refuse(12, "sign", "work/x.fwb", "-k", "owner.key", says="for another release")


class Interrupted(RaceTest):
    """A111 and A117: ended at any time, it leaves the old or the new."""

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)

    def setUp(self):
        super().setUp()
        self.write("image", noise(3 * MIB))
        self.write("d.yaml", b"fwpack: 1\nproduct: acme\nversion: 1.0.0\nsecurity-version: 1\n"
                             b"compatible: [acme]\nimages: [{name: app, file: image}]\n")
        self.succeed("build", "d.yaml", "-o", "old.fwb")
        self.succeed("build", "d.yaml", "-o", "new.fwb", "-k", "owner.key")

    commands = {
        "build": ("build", "d.yaml", "-o", "work/x.fwb", "-k", "owner.key"),
        "sign": ("sign", "work/x.fwb", "-k", "owner.key"),
        "extract": ("extract", "new.fwb", "-C", "work/out", "-p", "owner.pub"),
        "generate": ("key", "generate", "work/x", "--no-passphrase"),
    }

    def check_left(self, command, code):
        left = sorted(os.listdir(self.path("work")))
        if command in ("build", "sign"):
            self.assertEqual(left, ["x.fwb"])
            wanted = ("old.fwb", "new.fwb") if code != 0 else ("new.fwb",)
            self.assertIn(self.read("work/x.fwb"), [self.read(name) for name in wanted])
        elif command == "extract":
            inside = os.listdir(self.path("work/out")) if left else []
            self.assertIn(inside, ([], ["app.img"]) if code != 0 else (["app.img"],))
            if inside:
                self.assertEqual(self.read("work/out/app.img"), self.read("image"))
        else:
            self.assertIn(left, ([], ["x.key"], ["x.pub"], ["x.key", "x.pub"]))
            for name in left:
                self.assertTrue(self.read(f"work/{name}").endswith(b"\n"))
                self.assertEqual(self.read(f"work/{name}").count(b"\n"), 2)

    def test_a111_at_random_times(self):
        choice = random.Random(111)
        took = {name: 0.02 for name in self.commands}
        for count in range(400 if SLOW else 80):
            name, number = choice.choice(sorted(self.commands)), choice.choice(self.signals)
            shutil.rmtree(self.path("work"))
            os.mkdir(self.path("work"))
            if name in ("build", "sign"):
                shutil.copyfile(self.path("old.fwb"), self.path("work/x.fwb"))
            started = time.monotonic()
            running = self.start(*self.commands[name])
            running.is_over(choice.uniform(0, took[name]))
            if not running.is_over():
                running.kill(number)
            result = running.end()
            if result.code == 0:
                took[name] = min(time.monotonic() - started, 0.2)
            self.assertIn(result.code, (0, 130, -number), f"{name} {count}\n{result!r}")
            if result.code == 130:
                self.check_message(result.text)
                self.assertEqual(result.out, b"")
            self.check_left(name, result.code)

    def test_a111_in_the_middle(self):
        """At a known place, where a signal must find the handlers set and the outputs unnamed."""
        for number in self.signals:
            for name in ("build", "extract"):
                shutil.rmtree(self.path("work"))
                os.mkdir(self.path("work"))
                pipe = FullPipe()
                running = self.start(*self.commands[name], "--progress", "json", "-j", "1",
                                     stderr=pipe.writing)
                running.wait_until_stalled()
                running.kill(number)
                pipe.drain()
                result = running.end()
                self.assertEqual(result.code, -9 if number == signal.SIGKILL else 130)
                found = sorted(os.listdir(self.path("work")))
                allowed = ([], ["out"]) if number == signal.SIGKILL else ([],)
                self.assertIn(found, allowed)
                if found:
                    self.assertEqual(os.listdir(self.path("work/out")), [])

    def test_a111_a_reader_that_goes_away(self):
        """As of `fwpack … | head -1`: an error, not a signal, and nothing left."""
        for command in (("extract", "new.fwb", "-o", "-", "-p", "owner.pub"),
                        ("build", "d.yaml", "-o", "-")):
            reading, writing = os.pipe()
            os.close(reading)
            result = self.run_program(*command, stdout=writing)
            os.close(writing)
            self.check_refusal(result, 1, "Broken pipe")

    def test_a111_ignored_signals_stay_ignored(self):
        """As under nohup."""
        def prepare():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        pipe = FullPipe()
        running = self.start(*self.commands["build"], "--progress", "json", stderr=pipe.writing,
                             prepare=prepare)
        running.wait_until_stalled()
        running.kill(signal.SIGHUP)
        pipe.drain()
        self.assertEqual(running.end().code, 0)

    def test_a117_the_run_after_a_kill_succeeds(self):
        for name in ("build", "sign", "extract"):
            for _ in range(3):
                if name == "sign":
                    shutil.copyfile(self.path("old.fwb"), self.path("work/x.fwb"))
                running = self.start(*self.commands[name])
                time.sleep(0.004)
                running.kill()
                running.end()
            self.succeed(*self.commands[name])
            shutil.rmtree(self.path("work"))
            os.mkdir(self.path("work"))


main()
