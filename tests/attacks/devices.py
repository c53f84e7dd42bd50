# SPDX-License-Identifier: MIT
"""A small device on plain files, and releases for it: slots rootfs and kernel in both sets,
bootloader `file`, one key. What a set holds is judged by its bytes, not by what fwpack says."""
import glob
import os
import shutil
import tempfile

from bundles import Key
from harness import FWPACK, AttackTest, Running, folder_state, noise

OWNER = Key("owner")
DEVICE = """fwpack-device: 1
product: acme-gateway
hardware: ["acme,gateway-r2"]
id: gw-0042
trust: [owner.pub]
state: state
slots:
  - {name: rootfs, a: rootfs-a, b: rootfs-b}
  - {name: kernel, a: kernel-a, b: kernel-b}
bootloader: {type: file, file: start}
"""
DESCRIPTOR = """fwpack: 1
product: %(product)s
version: %(version)s
security-version: %(security)s
data-epoch: %(epoch)s
compatible: ['%(hardware)s']
images:
  - {name: rootfs, file: %(rootfs)s}
  - {name: kernel, file: %(kernel)s}
"""
# name → version, security version, data epoch, which images, and what differs
RELEASES = {
    "v1": ("1.0.0", 1, 0, 1, {}),
    "v2": ("2.0.0", 1, 0, 2, {}),
    "v3": ("3.0.0", 2, 0, 3, {}),
    "other-v2": ("2.0.0", 1, 0, 3, {}),
    "epoch": ("4.0.0", 2, 1, 3, {}),
    "product": ("5.0.0", 9, 0, 2, {"product": "acme-gatewa"}),
    "hardware": ("5.0.0", 9, 0, 2, {"hardware": "acme,gateway-r"}),
}
DELTAS = {"v1-v2": ("v1", "v2"), "v2-v1": ("v2", "v1")}
SIZES = {"rootfs": 200000, "kernel": 30000}
CHANGING = ("state/*", "start*", "rootfs-[ab]", "kernel-[ab]")
MUTABLE = ("state/events.jsonl", "state/lock")  # what a refusal may write


def image(slot, number):
    """They differ in three places, so that deltas are small."""
    size = SIZES[slot]
    data = bytearray(noise(size, len(slot)))
    for at in (17, size // 2, size - 5):
        data[at] ^= number
    return bytes(data)


def run(folder, *arguments):
    result = Running([FWPACK, *arguments], cwd=folder).end()
    if result.code != 0:
        raise AssertionError(f"{arguments}\n{result!r}")


def make_releases(folder):
    with open(os.path.join(folder, "owner.key"), "wb") as file:
        file.write(OWNER.secret_file())
    os.chmod(os.path.join(folder, "owner.key"), 0o600)
    with open(os.path.join(folder, "owner.pub"), "wb") as file:
        file.write(OWNER.public_file())
    for slot in SIZES:
        for number in (1, 2, 3):
            with open(os.path.join(folder, f"{slot}-{number}"), "wb") as file:
                file.write(image(slot, number))
    for name, (version, security, epoch, number, more) in RELEASES.items():
        text = DESCRIPTOR % {"product": "acme-gateway", "hardware": "acme,gateway-r2",
                             "version": version, "security": security, "epoch": epoch,
                             **{slot: f"{slot}-{number}" for slot in SIZES}, **more}
        with open(os.path.join(folder, "fwpack.yaml"), "w", encoding="utf-8") as file:
            file.write(text)
        run(folder, "build", "fwpack.yaml", "-o", name + ".fwb", "-k", "owner.key", "-q")
    for name, (old, new) in DELTAS.items():
        run(folder, "delta", old + ".fwb", new + ".fwb", "-o", name + ".fwb", "-p", "owner.pub",
            "-k", "owner.key", "-q")


def copy_or_link(source, target):
    """Bundles are never written to; all else may be."""
    (os.link if source.endswith(".fwb") else shutil.copy2)(source, target)


class DeviceTest(AttackTest):
    """Each test has a device that runs release 1 in set A, and knows it."""

    seconds = 20
    made = None

    @classmethod
    def setUpClass(cls):
        """Once for all classes: a device that has release 1, confirmed."""
        if DeviceTest.made is not None:
            return
        folder = os.path.abspath(tempfile.mkdtemp(prefix="releases-", dir="."))
        make_releases(folder)
        for name, data in {"device.yaml": DEVICE.encode(), "rootfs-b": b"old", "kernel-b": b"old",
                           "rootfs-a": b"old", "kernel-a": b"old"}.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        run(folder, "install", "v1.fwb", "-d", "device.yaml", "--first", "-q")
        run(folder, "boot", "-d", "device.yaml")
        run(folder, "confirm", "-d", "device.yaml", "-q")
        DeviceTest.made = folder

    def setUp(self):
        super().setUp()
        shutil.copytree(self.made, self.folder, dirs_exist_ok=True, copy_function=copy_or_link,
                        ignore=shutil.ignore_patterns("rootfs-[123]", "kernel-[123]"))
        self.running, self.idle = self.start_device(), "A"
        self.assertEqual((self.running, self.release_in("B")), ("B", 1))

    # --- the device ---

    def device(self, command, *arguments, **options):
        return self.run_program(command, *arguments, "-d", "device.yaml", **options)

    def do(self, command, *arguments, **options):
        result = self.device(command, *arguments, **options)
        self.assertEqual(result.code, 0, f"{command} {arguments}\n{result!r}")
        return result

    def configure(self, text, replaced=None):
        """More lines for device.yaml, or others in place of some."""
        old = self.read("device.yaml").decode()
        if replaced is not None:
            self.assertIn(replaced, old)
        self.write("device.yaml",
                   (old + text if replaced is None else old.replace(replaced, text)).encode())

    def script(self, name, text):
        """A program of the device; each is called as ./NAME."""
        return "./" + self.write(name, b"#!/bin/sh\n" + text.encode(), 0o755)

    def start_device(self):
        """As a boot script does; the set that starts holds one release as a whole."""
        started = self.do("boot").out.decode().strip()
        self.assertIn(self.release_in(started), (1, 2, 3), f"set {started} is a mixture")
        return started

    def save(self):
        """What changes while a device lives."""
        return {name: self.read(name) for pattern in CHANGING
                for name in glob.glob(pattern, root_dir=self.folder)}

    def restore(self, saved):
        for name in self.save():
            if name not in saved:
                os.unlink(self.path(name))
        for name, data in saved.items():
            self.write(name, data, 0o600)

    def status(self):
        return self.do("status", "--json").json

    def release_in(self, which):
        """Its number, None for anything else."""
        held = [self.read(f"{slot}-{which.lower()}") for slot in SIZES]
        for number in (1, 2, 3):
            if held == [image(slot, number) for slot in SIZES]:
                return number
        return None

    def state_of_device(self):
        return {name: facts for name, facts in folder_state(self.folder).items()
                if os.fsdecode(name) not in MUTABLE and name != b"state"}

    def refuse_install(self, code, decision, bundle, *arguments, says=None, **options):
        """Refused for this reason, and nothing is changed but the event log."""
        before = self.state_of_device()
        result = self.device("install", bundle, *arguments, "--json", **options)
        self.assertEqual(result.code, code, repr(result))
        self.assertEqual(result.json["decision"], decision, repr(result))
        self.assertEqual((result.json["ok"], result.json["changed"]), (False, False), repr(result))
        self.check_message(result.text)
        if says:
            self.assertRegex(result.text, says)
        self.assertEqual(self.state_of_device(), before, repr(result))
        self.check_resources(result)
        return result

    def update(self, bundle, number):
        """Installs, starts and confirms."""
        self.do("install", bundle)
        started = self.start_device()
        self.assertEqual(self.release_in(started), number)
        self.do("confirm")
        return started
