# SPDX-License-Identifier: MIT
"""A111 on a device: killed, interrupted or hung up at any time, and its reader gone. The old or the
new release starts, and the next run of the same command needs no help and leaves nothing behind."""
import glob
import os
import random
import signal
import time

from devices import SIZES, DeviceTest
from harness import SLOW, folder_state, main

ROUNDS = 200 if SLOW else 32
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def living(group):
    """Processes of a group that are not over."""
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            yield path


class Killed(DeviceTest):
    def prepare(self):
        """What each round begins with, by what it does: (files, command, release that ends it)."""
        installed = ("install", "v2.fwb"), ("install", "v1-v2.fwb"), ("install", "v3.fwb")
        rounds = [(self.save(), command) for command in installed]
        self.do("install", "v2.fwb")
        rounds.append((self.save(), ("rollback",)))
        self.start_device()
        rounds += [(self.save(), command) for command in (("confirm",), ("rollback",))]
        for _ in range(3):
            self.start_device()
        rounds.append((self.save(), ("install", "v3.fwb")))  # finds that it fell back
        return rounds

    def how_long(self, saved, command):
        self.restore(saved)
        begin = time.monotonic()
        self.do(*command)
        return time.monotonic() - begin

    def stop(self, command, number, delay):
        running = self.start(*command, "-d", "device.yaml")
        running.is_over(delay)
        running.kill(number)
        result = running.end()
        # -number: it came before there was anything to tidy up.
        self.assertIn(result.code, (0, -number) if number == signal.SIGKILL else (0, 130, -number),
                      repr(result))
        deadline = time.monotonic() + 5
        while any(living(running.pid)):
            self.assertLess(time.monotonic(), deadline, "somebody goes on after it was killed")
            time.sleep(0.01)
        return result

    def check_round(self, saved, command, number, delay):
        self.restore(saved)
        self.stop(command, number, delay)
        after = self.save()
        self.start_device()  # a whole release starts, whatever was done
        self.restore(after)  # and without a start between, the same command goes on
        again = self.device(*command)
        # A rollback that was complete leaves nothing to return to.
        self.assertIn(again.code, (0, 1) if command == ("rollback",) else (0,), repr(again))
        self.start_device()
        self.assertIn(self.status()["trial"], ("none", "running", "fell-back"))
        self.do("confirm")
        names = {os.fsdecode(name) for name in folder_state(self.folder)}
        self.assertEqual(names - self.names, set(), "left behind")

    def test_a111_at_any_time(self):
        rounds = self.prepare()
        generator = random.Random(5)
        takes = [self.how_long(*one) for one in rounds]
        self.names = {os.fsdecode(name) for name in folder_state(self.folder)} | {
            f"state/state.{n}" for n in (0, 1)} | {f"start.{n}" for n in (0, 1)} | {
            f"{slot}-{which}" for slot in SIZES for which in "ab"}
        for i in range(ROUNDS):
            (saved, command), most = rounds[i % len(rounds)], takes[i % len(rounds)]
            number = SIGNALS[0] if i % 2 else SIGNALS[1 + i // 2 % 3]
            delay = generator.random() * most
            with self.subTest(i=i, command=command, signal=number, delay=delay):
                self.check_round(saved, command, number, delay)

    def test_a111_its_reader_is_gone(self):
        """What was done stays done, and the exit status says that the report was not read."""
        reading, writing = os.pipe()
        os.close(reading)
        result = self.device("install", "v2.fwb", stdout=writing)
        os.close(writing)
        self.assertEqual(result.code, 1, repr(result))
        self.check_message(result.text)
        self.assertEqual(self.status()["trial"], "waits-for-reboot")
        self.assertEqual(self.start_device(), "A")

    def test_a111_twice_killed(self):
        """Killed, and killed again in the run that mends it."""
        saved = self.save()
        most = self.how_long(saved, ("install", "v1-v2.fwb"))
        generator = random.Random(6)
        for _ in range(ROUNDS // 8):
            self.restore(saved)
            for _ in range(3):
                self.stop(("install", "v1-v2.fwb"), signal.SIGKILL, generator.random() * most)
            self.do("install", "v1-v2.fwb")
            self.assertEqual((self.start_device(), self.release_in("A")), ("A", 2))


if __name__ == "__main__":
    main()
