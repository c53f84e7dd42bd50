# SPDX-License-Identifier: MIT
"""A20, A34, A93 and A108: what a device remembers is damaged, gone, or of another time; the roots that
bundles bring; and a clock that is wrong."""
import copy
import os
import shutil

from bundles import Bundle, Image, Key, archive, sha256
from devices import OWNER, SIZES, DeviceTest, image
from harness import FWPACK, NOBODY, SANITIZED, as_nobody, main, noise
from tuf import Root

ROOT, NEXT = Key("root"), Key("next")


class Damage(DeviceTest):
    """A93 and A108: what the device remembers is damaged, gone, or of another time."""

    damages = {
        "empty": lambda data: b"",
        "truncated": lambda data: data[:len(data) // 2],
        "one byte short": lambda data: data[:-1],
        "zeros": lambda data: bytes(len(data)),
        "a byte more": lambda data: data + b"x",
        "a bit": lambda data: data[:120] + bytes([data[120] ^ 4]) + data[121:],
        "its first byte": lambda data: b"x" + data[1:],
        "a lower counter": lambda data: data.replace(b'"security_version":1',
                                                     b'"security_version":0'),
        "noise": lambda data: noise(len(data)),
    }

    def setUp(self):
        super().setUp()
        self.copies = [name for name in ("state/state.0", "state/state.1") if self.exists(name)]
        self.assertEqual(len(self.copies), 2)
        self.good = {name: self.read(name) for name in self.copies}

    def damage(self, name, how):
        changed = self.damages[how](self.good[name])
        if changed != self.good[name]:
            self.write(name, changed)
        return changed != self.good[name]

    def test_a108_one_copy(self):
        for name in self.copies:
            for how in self.damages:
                with self.subTest(copy=name, how=how):
                    for other, data in self.good.items():
                        self.write(other, data)
                    if not self.damage(name, how):
                        continue
                    before = self.state_of_device()
                    status = self.status()
                    self.assertEqual(self.state_of_device(), before, "status changed something")
                    self.assertTrue(status["repaired"])
                    self.assertIn("repaired", self.do("install", "v1.fwb").text)
                    status = self.status()
                    self.assertFalse(status["repaired"])
                    self.assertEqual(status["security_version"], 1)

    def test_a93_both_copies(self):
        """Never read as zero: no downgrade, no first installation."""
        for how in self.damages:
            with self.subTest(how=how):
                if not all([self.damage(name, how) for name in self.copies]):
                    continue
                before = self.state_of_device()
                for command in (("install", "v2.fwb"), ("install", "v2.fwb", "--retry"),
                                ("install", "v2.fwb", "--first"), ("confirm",), ("rollback",),
                                ("status",)):
                    result = self.device(*command)
                    self.assertEqual(result.code, 1, f"{command} {result!r}")
                    self.check_message(result.text)
                self.assertEqual(self.state_of_device(), before)

    def records(self, content):
        """Both copies with another content, and checksums that are right."""
        for number, name in enumerate(self.copies, 7):
            head = f"fwpack-record 1 {number} {len(content)}".encode()
            digest = sha256(head + content).hex().encode()
            self.write(name, head + b" " + digest + b"\n" + content)

    def test_a108_contents_that_make_no_sense(self):
        content = max(self.good.values(), key=lambda data: int(data.split()[2])).partition(b"\n")[2]
        self.records(content)
        self.do("confirm")
        for old, new, code in (
                (b'"format":1', b'"format":2', 3), (b'"format":1', b'"format":-1', 1),
                (b'"security_version":1', b'"security_version":-1', 1),
                (b'"security_version":1', b'"security_version":"1"', 1),
                (b'"security_version":1', b'"security_version":1,"security_version":0', 1),
                (b'"security_version":1,"data_epoch"', b'"data_epoch"', 1),
                (b'"sets":', b'"stes":', 1), (b"fwpack.state", b"fwpack.release", 1),
                (content, b"", 1), (content, b"{}", 1), (content, b"[]", 1),
                (content, content[:-2], 1), (content, b"\0" * 100, 1)):
            with self.subTest(f"{new[:60]}"):
                self.assertIn(old, content)
                self.records(content.replace(old, new, 1))
                before = self.state_of_device()
                for command in (("status",), ("install", "v2.fwb"), ("confirm",)):
                    result = self.device(*command)
                    self.assertEqual(result.code, code, f"{command} {result!r}")
                    self.check_message(result.text)
                self.assertEqual(self.state_of_device(), before)

    def test_a108_a_newer_version(self):
        """Of the records, as a later fwpack may write them: not repaired, not taken for damage."""
        for names in (self.copies, self.copies[:1]):
            for name in names:
                self.write(name, self.good[name].replace(b"fwpack-record 1", b"fwpack-record 2"))
            before = self.state_of_device()
            result = self.device("install", "v2.fwb")
            self.assertEqual(result.code, 3, repr(result))
            self.check_message(result.text)
            self.assertEqual(self.state_of_device(), before)

    def test_a93_the_state_is_gone(self):
        for name in self.copies:
            os.unlink(self.path(name))
        result = self.device("install", "v2.fwb")
        self.assertEqual(result.code, 1, repr(result))
        self.assertIn("--first", result.text)
        shutil.rmtree(self.path("state"))
        result = self.device("install", "v2.fwb")
        self.assertEqual(result.code, 1, repr(result))
        self.assertIn("--first", result.text)

    def test_a93_first_is_no_way_back(self):
        """It begins a state where there is none; one that is there stays."""
        self.update("v3.fwb", 3)
        self.refuse_install(14, "security-version", "v1.fwb", "--first")

    def test_a93_a_state_that_cannot_be_written(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to become somebody else")
        for folder, _, files in os.walk(self.folder):
            for name in [folder, *files]:
                os.chown(os.path.join(folder, name), NOBODY, NOBODY)
        for name in self.copies:
            os.chown(self.path(name), 0, 0)
            os.chmod(self.path(name), 0o444)
        before = self.state_of_device()
        for command in (("install", "v2.fwb"), ("rollback",)):
            result = self.device(*command, prepare=as_nobody)
            self.assertEqual(result.code, 1, f"{command} {result!r}")
            self.check_message(result.text)
            self.assertEqual(self.start_device(), "B")
        self.assertEqual(self.read("state/state.0"), self.good["state/state.0"])
        self.assertEqual(before.keys(), self.state_of_device().keys())

    def test_a108_two_copies_of_different_age(self):
        """The newer one counts, and the older is what the next change is written over."""
        self.update("v2.fwb", 2)
        newer = self.status()
        older = min(self.copies, key=lambda name: int(self.read(name).split()[2]))
        self.write(older, self.good[older])
        self.assertEqual(self.status(), newer)
        self.refuse_install(14, "version", "v1.fwb")

    def test_a108_what_starts(self):
        """The bootloader's own record: repaired from its copy, or nothing starts by guess."""
        names = [name for name in ("start.0", "start.1") if self.exists(name)]
        good = {name: self.read(name) for name in names}
        self.assertEqual(len(names), 2)
        for name in names:
            for how, change in self.damages.items():
                with self.subTest(copy=name, how=how):
                    for other, data in good.items():
                        self.write(other, data)
                    self.write(name, change(good[name]))
                    self.assertEqual(self.start_device(), "B")
        for name in names:
            self.write(name, b"")
        result = self.device("boot")
        self.assertNotEqual(result.code, 0)
        self.assertEqual(result.out, b"")
        self.check_message(result.text)


class Counters(DeviceTest):
    """A93: what a hardware counter knows is not lost with the state."""

    def setUp(self):
        super().setUp()
        self.write("counter", b"1\n")
        read = self.script("read", "cat counter\n")
        up = self.script("raise", "echo \"$2\" > counter; [ \"$1\" = to ]\n")
        self.configure(f"counter: {{read: [{read}], raise: [{up}, to]}}\n")

    def test_a93_the_counter_outlives_the_state(self):
        self.update("v3.fwb", 3)
        self.assertEqual(self.read("counter"), b"2\n")
        shutil.rmtree(self.path("state"))
        self.refuse_install(14, "security-version", "v2.fwb", "--first",
                            says="lower than 2, at which the hardware counter stands")
        self.do("install", "v3.fwb", "--first")

    def test_a93_a_counter_that_does_not_follow(self):
        """It cannot be read: nothing is confirmed. It is not raised: each confirmation says so, and
        raises it when it can be; other releases can be installed meanwhile."""
        self.do("install", "v3.fwb")
        self.start_device()
        good = {name: self.read(name) for name in ("read", "raise")}
        for name, text in (("read", "echo none\n"), ("read", "sleep 9 & exit 3\n"),
                           ("read", "yes\n"), ("raise", "exit 0\n"), ("raise", "exit 3\n")):
            self.script(name, text)
            result = self.device("confirm", "--json")
            self.assertEqual((result.code, result.json["error"]["id"]), (1, "state"), repr(result))
            self.check_message(result.text)
            self.write(name, good[name], 0o755)
            status = self.status()
            self.assertEqual(status["trial"], "running" if name == "read" else "none")
        self.assertEqual((self.read("counter"), status["security_version"]), (b"1\n", 2))
        self.refuse_install(14, "security-version", "v2.fwb")
        self.do("install", "epoch.fwb", "-n")
        self.do("confirm")
        self.assertEqual(self.read("counter"), b"2\n")


class Roots(DeviceTest):
    """A20 and A34: the device has root 1; root 2 comes with bundles, and revokes the owner's key."""

    def setUp(self):
        super().setUp()
        roles = {"root": [ROOT], "release": [OWNER], "delivery": [OWNER]}
        self.write("root.json", Root(1, dict(roles)).sign(ROOT).text())
        roles = {"root": [ROOT], "release": [NEXT], "delivery": [NEXT]}
        self.second = Root(2, dict(roles), revoked=[(OWNER, "stolen")])
        self.write("next.key", NEXT.secret_file(), 0o600)
        self.configure("trust: [root.json]", "trust: [owner.pub]")

    def with_root(self, name, key):
        """A bundle with root 2, and its documents signed by one more key."""
        shutil.copy(self.path(name), self.path("new.fwb"))
        self.write("2.root.json", copy.deepcopy(self.second).sign(ROOT).text())
        self.succeed("trust", "embed", "new.fwb", "root.json", "2.root.json")
        if key:
            self.succeed("sign", "new.fwb", "-k", key, "--yes")
        return "new.fwb"

    def test_a34_a_new_root_counts_from_then_on(self):
        self.do("install", self.with_root("v2.fwb", "next.key"))
        self.assertEqual(self.status()["root_version"], 2)
        self.assertEqual(self.start_device(), "A")
        self.do("confirm")
        self.refuse_install(18, "signature", "v3.fwb", says="revoked")

    def test_a20_a_revocation_counts_whatever_becomes_of_the_release(self):
        """It runs already, is for others, or is signed by the very key that is revoked."""
        saved = self.save()
        for name, key, code in (("v1.fwb", "next.key", 0), ("product.fwb", "next.key", 15),
                                ("v2.fwb", None, 18)):
            with self.subTest(bundle=name):
                bundle = self.with_root(name, key)
                self.assertEqual(self.device("install", bundle, "-n").code, code)
                self.do("install", "v2.fwb", "-n")  # a dry run notes nothing
                self.assertEqual(self.device("install", bundle).code, code)
                self.refuse_install(18, "signature", "v2.fwb", says="revoked")
                shutil.rmtree(self.path("state/roots"))
                self.restore(saved)

    def test_a34_a_root_that_does_not_follow(self):
        """It is refused with its bundle, and a second time too: nothing of it stays."""
        bundle = Bundle([Image(slot, image(slot, 2)) for slot in SIZES], version="9.0.0")
        bundle.sign(OWNER).sign(NEXT)
        root = copy.deepcopy(self.second).sign(NEXT)
        self.write("x.fwb", archive([("roots/2.root.json", root.text()), *bundle.members()]))
        for _ in range(2):
            self.refuse_install(11, "signature", "x.fwb", says="root 2")
            self.assertFalse(self.exists("state/roots"))


class Clocks(DeviceTest):
    """A20: what has a date, on a device whose clock is early, late, or not to be believed."""

    def setUp(self):
        super().setUp()
        self.need("faketime")
        if SANITIZED:
            self.skipTest("the sanitizers' library must be loaded first")

    def at(self, date, command, *arguments):
        return self.run_program(date, os.path.abspath(FWPACK) if "/" in FWPACK else FWPACK, command,
                                *arguments, "-d", "device.yaml", program="faketime")

    def test_a20_permits(self):
        self.update("v2.fwb", 2)
        self.succeed("permit", "v1.fwb", "--device-id", "gw-0042", "--from", "v2.fwb", "--expires",
                     "2027-06-01", "-k", "owner.key", "-o", "back.fwb", "--yes")
        before = self.state_of_device()
        for date in ("2027-06-01 00:00:01", "2036-01-01", "1970-01-02", "2020-01-01"):
            result = self.at(date, "install", "back.fwb", "--json")
            self.assertEqual((result.code, result.json["decision"]), (17, "permit"), repr(result))
            self.check_message(result.text)
        self.assertEqual(self.state_of_device(), before)
        self.assertEqual(self.at("2027-05-31", "install", "back.fwb").code, 0)
        self.assertEqual((self.start_device(), self.release_in("B")), ("B", 1))

    def test_a20_a_device_that_lost_its_id(self):
        """It is nobody's whom a permit names; all else goes on."""
        self.update("v2.fwb", 2)
        self.succeed("permit", "v1.fwb", "--device-id", "gw-0042", "-k", "owner.key", "-o",
                     "back.fwb", "--yes")
        self.configure("id-file: id", "id: gw-0042")
        for prepare in (lambda: None, lambda: self.write("id", b"x" * 300)):
            prepare()
            result = self.refuse_install(15, "permit", "back.fwb")
            self.assertIn("id: the device's id is not known: ", result.text)
            self.do("confirm")
        self.write("id", b"gw-0042\n")
        self.do("install", "back.fwb")

    def test_a20_permits_for_others(self):
        self.update("v2.fwb", 2)
        for arguments, code in ((("--device-id", "gw-0043"), 15), (("--group", "beta"), 15),
                                (("--device-id", "gw-0042", "--from", "v3.fwb"), 15)):
            self.succeed("permit", "v1.fwb", *arguments, "-k", "owner.key", "-o", "back.fwb",
                         "--yes")
            self.refuse_install(code, "permit", "back.fwb")
            os.unlink(self.path("back.fwb"))

    def test_a20_roots(self):
        self.succeed("trust", "init", "-o", "root.json", "--expires", "2027-06-01", *(
            word for role in ("root", "release", "delivery", "rollout")
            for word in ("-p", f"{role}=owner.pub")))
        self.succeed("trust", "sign", "root.json", "-k", "owner.key", "--yes")
        self.configure("trust: [root.json]", "trust: [owner.pub]")
        before = self.state_of_device()
        for date in ("2027-07-01", "1970-01-02"):
            result = self.at(date, "install", "v2.fwb", "--json")
            self.assertEqual((result.code, result.json["decision"]), (17, "signature"),
                             repr(result))
        self.assertEqual(self.state_of_device(), before)
        self.configure("clock: false\n")
        self.assertEqual(self.at("1970-01-02", "install", "v2.fwb").code, 0)

    def test_a20_windows_and_cooldowns(self):
        self.configure("policy: {window: [\"Mon 02:00-03:00\"], window-time: utc}\n")
        result = self.at("2027-06-01 12:00:00", "install", "v2.fwb", "--json")
        self.assertEqual((result.code, result.json["decision"]), (5, "window"), repr(result))
        self.assertIn("the next begins Monday 02:00 UTC", result.text)
        self.assertEqual(self.at("2027-06-07 02:30:00", "install", "v2.fwb").code, 0)
        for _ in range(4):
            self.start_device()
        self.configure("", "policy: {window: [\"Mon 02:00-03:00\"], window-time: utc}\n")
        self.assertEqual(self.at("2027-06-07 03:00:00", "confirm").code, 0)
        for date, code in (("2027-06-07 04:00:00", 5), ("2027-06-08 02:59:00", 5),
                           ("2027-06-08 03:01:00", 0)):
            result = self.at(date, "install", "v2.fwb", "--json")
            self.assertEqual(result.code, code, f"{date} {result!r}")


if __name__ == "__main__":
    main()
