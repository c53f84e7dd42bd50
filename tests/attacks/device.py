# SPDX-License-Identifier: MIT
"""A1, A42, A91, A92, A96, A100, A109 to A111 and A113 on a device: what it is asked to install,
what its programs do, and who else works on it."""
import os
import re
import signal
import subprocess
import time

from bundles import Bundle, Image, Key
from devices import SIZES, DeviceTest, image
from harness import SANITIZED, main, noise

THIEF = Key("thief")


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Releases(DeviceTest):
    """What is for another device, older, or the same."""

    def test_good(self):
        """What is refused below is refused for its fault: these are taken."""
        self.assertEqual(self.update("v1-v2.fwb", 2), "A")
        self.assertEqual(self.update("v3.fwb", 3), "B")
        self.assertEqual(self.update("epoch.fwb", 3), "A")

    def test_a1_nobody_signed(self):
        bundle = Bundle([Image(slot, image(slot, 2)) for slot in SIZES], version="9.0.0")
        self.write("x.fwb", bundle.freeze().archive())
        self.refuse_install(10, "signature", "x.fwb")
        self.write("x.fwb", bundle.sign(THIEF).archive())
        self.refuse_install(11, "signature", "x.fwb")

    def test_a42_other_devices(self):
        self.refuse_install(15, "product", "product.fwb", says="acme-gatewa")
        self.refuse_install(15, "hardware", "hardware.fwb", says="acme,gateway-r")
        self.refuse_install(15, "product", "product.fwb", "--retry")

    def test_a91_equal_versions(self):
        result = self.do("install", "v1.fwb", "--json").json
        self.assertEqual((result["changed"], result["decision"]), (False, "current"))
        self.update("v2.fwb", 2)
        self.refuse_install(14, "content", "other-v2.fwb")
        before = self.state_of_device()
        self.assertFalse(self.do("install", "v2.fwb", "--json").json["changed"])
        self.assertEqual(self.state_of_device(), before)

    def check_downgrades(self, decision):
        """In each way in which a release can come."""
        for bundle in ("v1.fwb", "v2-v1.fwb"):
            with self.subTest(bundle=bundle):
                self.refuse_install(14, decision, bundle)
                self.refuse_install(14, decision, bundle, "--retry")
                self.refuse_install(14, decision, bundle, "-n")
                self.refuse_install(14, decision, "-", stdin=self.read(bundle))

    def test_a92_downgrades(self):
        self.update("v2.fwb", 2)
        self.check_downgrades("version")

    def test_a92_downgrades_by_security_version(self):
        self.update("v3.fwb", 3)
        self.check_downgrades("security-version")
        before = self.state_of_device()
        self.refuse_install(14, "security-version", "v2.fwb")
        result = self.device("rollback", "--json")
        self.assertEqual(result.code, 14, repr(result))
        self.assertEqual(self.state_of_device(), before)

    def test_a92_downgrades_by_data_epoch(self):
        self.update("epoch.fwb", 3)
        self.refuse_install(14, "data-epoch", "v3.fwb")

    def test_a92_downgrades_after_a_rollback(self):
        """By hand to a release that is still allowed, and by itself from one that did not start."""
        self.update("v2.fwb", 2)
        self.do("rollback")
        self.assertEqual((self.start_device(), self.release_in("B")), ("B", 1))
        self.update("v3.fwb", 3)
        self.assertEqual(self.device("rollback").code, 14)
        self.check_downgrades("security-version")

    def test_a92_downgrades_after_a_fallback(self):
        self.update("v2.fwb", 2)
        self.do("install", "v3.fwb")
        for _ in range(4):
            started = self.start_device()
        self.assertEqual((started, self.release_in("A")), ("A", 2))
        self.do("confirm")  # the fallback is noted
        self.check_downgrades("version")

    def test_a92_a_trial_raises_no_floor(self):
        """What did not make it must not keep the release that runs from being installed."""
        self.do("install", "v3.fwb")
        self.start_device()
        self.assertEqual(self.status()["security_version"], 1)
        self.do("confirm")
        self.assertEqual(self.status()["security_version"], 2)


class Bases(DeviceTest):
    """A96 and A100: what a delta is applied to is what was hashed."""

    def test_a96_another_base(self):
        good = image("rootfs", 1)
        for name, data in {"a byte": good[:-1] + b"x", "noise": noise(len(good)), "empty": b"",
                           "shorter": good[:-1], "shifted": b"x" + good[:-1],
                           "the new one": image("rootfs", 2)}.items():
            with self.subTest(name):
                self.write("rootfs-b", data)
                self.refuse_install(16, "encoding", "v1-v2.fwb", says="base")

    def test_a96_more_behind_the_base(self):
        """What stands behind it in its slot is no part of it."""
        self.write("rootfs-b", image("rootfs", 1) + b"more")
        self.do("install", "v1-v2.fwb")
        self.assertEqual(self.release_in("A"), 2)

    def test_a96_the_base_changes_during_the_run(self):
        """The hook runs when the base was hashed, and nothing is written yet."""
        hook = self.script("hook", "head -c 200000 /dev/zero | tr '\\0' x > rootfs-b\n")
        self.configure(f"hooks: {{before-write: [{hook}]}}\n")
        before = self.status()
        result = self.device("install", "v1-v2.fwb", "--json")
        self.assertNotEqual(result.code, 0, repr(result))
        self.check_message(result.text)
        self.assertEqual(self.status()["trial"], "none")
        self.assertEqual(self.status()["running"], before["running"])

    def test_a100_full_takes_over(self):
        """A bundle with both encodings: the delta does not fit, the full image does."""
        self.succeed("delta", "v1.fwb", "v2.fwb", "-o", "both.fwb", "-p", "owner.pub", "-k",
                     "owner.key", "--keep-full", "-q")
        self.write("rootfs-b", image("rootfs", 1)[:-1] + b"x")
        result = self.do("install", "both.fwb", "--json").json
        used = {one["name"]: one["encoding"] for one in result["images"]}
        self.assertEqual(used, {"rootfs": "full", "kernel": "delta"})
        self.assertEqual(self.release_in("A"), 2)

    def test_a100_power_goes_in_a_delta(self):
        hook = self.script("hook", "kill -9 $PPID\n")
        self.configure(f"hooks: {{after-write: [{hook}]}}\n")
        self.assertEqual(self.device("install", "v1-v2.fwb").code, -9)
        self.assertEqual(self.start_device(), "B")
        self.script("hook", "exit 0\n")
        self.do("install", "v1-v2.fwb")
        self.assertEqual((self.start_device(), self.release_in("A")), ("A", 2))


class Trials(DeviceTest):
    """A109: a new release that nobody marks good, or too often, or in the wrong place."""

    def test_a109_never_marked_good(self):
        self.do("install", "v2.fwb")
        starts = [self.start_device() for _ in range(5)]
        self.assertEqual(starts, ["A", "A", "A", "B", "B"])
        self.assertEqual(self.status()["trial"], "fell-back")
        self.assertFalse(self.do("confirm", "--json").json["changed"])
        self.assertEqual(self.status()["sets"][0]["condition"], "failed")
        self.refuse_install(5, "cooldown", "v2.fwb")
        self.do("install", "v2.fwb", "--retry")
        self.assertEqual(self.start_device(), "A")

    def test_a109_marked_good_twice(self):
        self.do("install", "v2.fwb")
        self.start_device()
        self.assertTrue(self.do("confirm", "--json").json["changed"])
        before = self.state_of_device()
        self.assertFalse(self.do("confirm", "--json").json["changed"])
        self.assertEqual(self.state_of_device(), before)
        self.assertEqual([self.start_device() for _ in range(5)], ["A"] * 5)

    def test_a109_marked_good_before_it_started(self):
        self.do("install", "v2.fwb")
        result = self.device("confirm")
        self.assertEqual(result.code, 5, repr(result))
        self.assertEqual(self.status()["trial"], "waits-for-reboot")
        self.assertEqual(self.start_device(), "A")

    def test_a109_marked_good_by_the_one_that_fell_back(self):
        self.do("install", "v2.fwb")
        for _ in range(4):
            self.start_device()
        self.assertFalse(self.do("confirm", "--json").json["changed"])
        self.assertEqual(self.start_device(), "B")

    def test_a109_given_up_by_hand(self):
        self.do("install", "v2.fwb")
        self.do("rollback")
        self.assertEqual([self.start_device() for _ in range(2)], ["B", "B"])

    def test_a109_sick(self):
        check = self.script("check", "[ \"$FWPACK_VERSION\" = 1.0.0 ]\n")
        self.configure(f"health: [{{name: app, command: [{check}]}}]\n")
        self.do("install", "v2.fwb")
        self.assertEqual(self.start_device(), "A")
        result = self.device("confirm", "--json")
        self.assertEqual(result.code, 1, repr(result))
        self.assertEqual(result.json["error"]["id"], "unhealthy")
        self.assertEqual(self.start_device(), "B")


class Others(DeviceTest):
    """A110: who else works on the device."""

    def hold(self):
        """An installation that waits in its hook until the file `go` is there."""
        hook = self.script("hook", "touch held\nwhile [ ! -e go ]; do sleep 0.02; done\n")
        self.configure(f"hooks: {{before-write: [{hook}]}}\n")
        running = self.start("install", "v2.fwb", "-d", "device.yaml")
        while not self.exists("held"):
            self.assertFalse(running.is_over(0.01))
        return running

    def test_a110_two_at_once(self):
        running = self.hold()
        for command in (("install", "v2.fwb"), ("install", "v3.fwb"), ("confirm",), ("rollback",)):
            result = self.device(*command)
            self.assertEqual(result.code, 5, f"{command} {result!r}")
            self.assertRegex(result.text, f"another process, number {running.pid}")
        self.assertEqual(self.status()["trial"], "none")
        self.write("go", b"")
        self.assertEqual(running.end().code, 0)
        self.assertEqual((self.start_device(), self.release_in("A")), ("A", 2))

    def test_a110_a_dead_owner(self):
        running = self.hold()
        running.kill(signal.SIGKILL)
        running.end()
        self.write("go", b"")
        self.do("install", "v2.fwb")
        self.assertEqual(self.start_device(), "A")

    def test_a110_a_lock_of_nobody(self):
        for text in (b"1\n", b"999999\n", b"", noise(100)):
            self.write("state/lock", text)
            self.do("confirm")

    def test_a110_a_lock_that_is_a_link(self):
        self.write("victim", b"precious")
        os.unlink(self.path("state/lock"))
        os.symlink(self.path("victim"), self.path("state/lock"))
        self.assertNotEqual(self.device("confirm").code, 0)
        self.assertEqual(self.read("victim"), b"precious")

    def test_a110_installed_twice(self):
        self.do("install", "v2.fwb")
        before = self.state_of_device()
        result = self.do("install", "v2.fwb", "--json").json
        self.assertEqual((result["changed"], result["decision"]), (False, "waits-for-reboot"))
        self.assertEqual(self.state_of_device(), before)


class Programs(DeviceTest):
    """A113: what hooks are told, and what comes through to them."""

    def test_a113_the_environment(self):
        hook = self.script("a hook's name", "/usr/bin/env > seen; printf '[%s]' \"$@\" > words\n")
        words = ["two words", "$(touch pwned)", "; touch pwned", "*", "it's"]
        quoted = ", ".join("'" + word.replace("'", "''") + "'" for word in (hook, *words))
        self.configure(f"hooks: {{before-check: [{quoted}]}}\n")
        self.write("decoy/cat", b"#!/bin/sh\ntouch pwned\n", 0o755)
        hostile = {"LD_LIBRARY_PATH": "/nowhere", "IFS": "x", "BASH_ENV": "/nowhere",
                   "ENV": "/nowhere", "PATH": self.path("decoy") + ":" + os.environ["PATH"],
                   "FWPACK_VERSION": "lie", "SECRET": "x", "LD_BIND_NOW": "1"}
        self.do("install", "v2.fwb", "-n", env=hostile)
        self.assertEqual(self.exists("seen"), True, "the hook did not run")
        seen = dict(line.split("=", 1) for line in self.read("seen").decode().splitlines())
        for own in ("PWD", "OLDPWD", "SHLVL", "_"):
            seen.pop(own, None)
        self.assertEqual(seen, {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "FWPACK_PHASE": "check",
            "FWPACK_VERSION": "2.0.0", "FWPACK_FROM": "1.0.0", "FWPACK_SET": "A",
            "FWPACK_PRODUCT": "acme-gateway", "FWPACK_DEVICE_ID": "gw-0042"})
        self.assertEqual(self.read("words").decode(), "".join(f"[{word}]" for word in words))
        self.assertFalse(self.exists("pwned"))

    def test_a113_a_name_is_no_invitation(self):
        """A program without a path is the system's, whatever the caller's PATH says."""
        self.write("decoy/true", b"#!/bin/sh\ntouch pwned\n", 0o755)
        self.configure("hooks: {before-check: [\"true\"]}\n")
        self.do("install", "v2.fwb", env={"PATH": self.path("decoy")})
        self.assertFalse(self.exists("pwned"))

    def test_a111_a_hook_ends_with_us(self):
        """Ctrl-C reaches it although it is in a group of its own, and so does its deadline."""
        hook = self.script("hook", "sleep 60 & echo $! $$ > pids; trap '' HUP; wait\n")
        for number in (signal.SIGINT, signal.SIGTERM, None, signal.SIGKILL):
            with self.subTest(signal=number):
                timeout = 60 if number else 1
                line = f"hooks: {{before-write: {{command: [{hook}], timeout: {timeout}s}}}}\n"
                self.configure(line)
                running = self.start("install", "v2.fwb", "-d", "device.yaml")
                while not (self.exists("pids") and self.read("pids").endswith(b"\n")):
                    self.assertFalse(running.is_over(0.01))
                if number:
                    running.wait_until_stalled()
                    running.kill(number)
                result = running.end(10)
                killed = number == signal.SIGKILL  # what we cannot tell the kernel does: the hook
                self.assertEqual(result.code, -9 if killed else 130 if number else 5, repr(result))
                for pid in self.read("pids").split()[1 if killed else 0:]:
                    while killed and is_alive(int(pid)):
                        time.sleep(0.01)
                    self.assertFalse(is_alive(int(pid)))
                self.assertEqual(self.start_device(), "B")
                os.unlink(self.path("pids"))
                self.configure("", line)

    def test_a113_vetoes(self):
        for phase, changes in (("before-check", False), ("after-check", False),
                               ("before-write", False), ("after-write", True),
                               ("before-switch", True), ("after-switch", True)):
            with self.subTest(phase):
                hook = self.script("hook", "exit 3\n")
                self.configure(f"hooks: {{{phase}: [{hook}]}}\n")
                result = self.device("install", "v2.fwb", "--json")
                self.assertEqual((result.code, result.json["decision"]), (5, "veto"),
                                 repr(result))
                self.assertEqual(result.json["changed"], changes)
                self.assertEqual(self.status()["trial"], "none")
                self.assertEqual(self.start_device(), "B")
                self.configure("", f"hooks: {{{phase}: [{hook}]}}\n")
        self.do("install", "v2.fwb")


class Traced(DeviceTest):
    """The set that runs is never opened for writing."""

    def test_the_running_set_is_only_read(self):
        self.need("strace")
        works = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], check=False,
                               capture_output=True)
        if SANITIZED or works.returncode != 0:
            self.skipTest("programs cannot be traced here")
        for bundle in ("v1-v2.fwb", "v3.fwb"):
            running = self.start_device()
            other = {"A": "B", "B": "A"}[running]
            self.succeed("-f", "-e", "trace=open,openat,openat2,creat,truncate,unlink,rename,"
                         "renameat,renameat2,unlinkat,link,linkat", "-o", "trace", os.environ.get(
                             "FWPACK", "fwpack"), "install", bundle, "-d", "device.yaml",
                         program="strace")
            trace = self.read("trace").decode()
            touched = {which: [line for line in trace.splitlines()
                               if re.search(rf"(rootfs|kernel)-{which.lower()}", line)]
                       for which in "AB"}
            self.assertTrue(touched[running], "the running set was not read")
            for line in touched[running]:
                self.assertRegex(line, r"open(at|at2)?\(.*O_RDONLY", line)
            self.assertTrue(any("O_RDWR" in line or "O_WRONLY" in line
                                for line in touched[other]))
            self.start_device()
            self.do("confirm")


if __name__ == "__main__":
    main()
