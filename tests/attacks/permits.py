# SPDX-License-Identifier: MIT
"""The only way back: a device made of files runs 2.0.0, and bundles of 1.2.3 with all kinds of
permits are held before it. A7, A10, A14, A20, A42, A92. Permits are written from docs/documents.md
alone; what is refused must leave the slots and the state as they were."""
import json
import os

from bundles import KIB, Bundle, Image, Key, archive, sha256
from harness import AttackTest, main, noise

ANNA, CI, OPERATOR, STRANGER = (Key(name) for name in ("anna", "ci", "operator", "stranger"))
OLD, NEW = noise(20 * KIB, 1), noise(20 * KIB, 2)
DEVICE = """fwpack-device: 1
product: acme-gateway
hardware:
  - acme,gateway-r2
id: gw-1
group: field
trust:
  - release=anna.pub
  - delivery=ci.pub
  - rollout=operator.pub
state: state
slots:
  - name: app
    a: app-a.img
    b: app-b.img
bootloader:
  type: file
  file: boot
"""


def bundle(data, **more):
    return Bundle([Image("app", data)], **more).sign(ANNA, ["release"]).sign(CI, ["delivery"])


def release_hash(made):
    return sha256(made.texts["release.json"]).hex()


class Device(AttackTest):
    memory = 96 << 20

    def setUp(self):
        super().setUp()
        for name, key in (("anna", ANNA), ("ci", CI), ("operator", OPERATOR)):
            self.write(f"{name}.pub", key.public_file())
        self.write("anna.key", ANNA.secret_file(), 0o600)
        self.write("device.yaml", DEVICE.encode())
        self.write("app-a.img", OLD)
        self.new = bundle(NEW, version="2.0.0", security_version=8)
        self.old = bundle(OLD)
        self.write("new.fwb", self.new.archive())
        self.succeed("install", "new.fwb", "-d", "device.yaml", "--first")
        self.restart()

    def restart(self):
        self.succeed("boot", "-d", "device.yaml")
        self.succeed("confirm", "-d", "device.yaml")

    def permit(self, **changes):
        """A good one; a member that is None is left out."""
        made = {"type": "fwpack.permit", "format": 1, "product": "acme-gateway",
                "devices": ["gw-1"], "from_sha256": release_hash(self.new),
                "to_sha256": release_hash(self.old), "expires": 4102444800, **changes}
        return json.dumps({name: value for name, value in made.items()
                           if value is not None}).encode()

    def carry(self, name, text, signatures, into=None, document="permit.json"):
        """A bundle with that document; `signatures` are pairs of an ending and a text."""
        made = into or self.old
        members = [(document, text),
                   *sorted((f"{document}.{ending}", data) for ending, data in signatures)]
        return self.write(name, archive([*made.head(), *members, *made.body()]))

    def signed(self, name, text, key=ANNA, **options):
        return self.carry(name, text, [(f"{key.keyid}.minisig", key.minisig(text, "by hand"))],
                          **options)

    def durable(self):
        """What an attack must not change: slots, what starts, and the state but for events."""
        state = {name: self.read(name) for name in ("app-a.img", "app-b.img", "boot")
                 if self.exists(name)}
        for name in os.listdir(self.path("state")):
            if name.startswith("state."):
                state[name] = json.loads(self.read(f"state/{name}").split(b"\n", 1)[1])
                state[name].pop("events")
        return state

    def install(self, name):
        return self.run_program("install", name, "-d", "device.yaml", "--json")

    def refuse_install(self, codes, decision, name, says=None):
        before = self.durable()
        result = self.install(name)
        self.check_refusal(result, codes, says)
        self.assertEqual(result.json["decision"], decision, repr(result))
        self.assertEqual(self.durable(), before, repr(result))

    def takes(self, name):
        result = self.install(name)
        self.assertEqual((result.code, result.json["decision"]), (0, "install"), repr(result))


class Good(Device):
    def test_a92_without_a_permit_there_is_no_way_back(self):
        self.write("old.fwb", self.old.archive())
        self.refuse_install(14, "security-version", "old.fwb", "7 is lower than 8")

    def test_a_permit_written_from_the_specification_leads_back(self):
        self.takes(self.signed("old.fwb", self.permit()))
        self.restart()
        self.assertEqual(self.read("app-a.img")[:len(OLD)], OLD)

    def test_a_permit_of_fwpack_leads_back(self):
        self.write("old.fwb", self.old.archive())
        self.succeed("permit", "old.fwb", "--group", "field", "--from", "new.fwb", "--expires",
                     "2099-12-31", "-k", "anna.key", "--yes", "-q")
        self.takes("old.fwb")

    def test_one_that_was_signed_elsewhere_leads_back(self):
        self.write("old.fwb", self.old.archive())
        self.succeed("permit", "old.fwb", "--group", "field", "-q")
        self.refuse_install(10, "permit", "old.fwb")
        self.succeed("sign", "old.fwb", "--export", "to-sign", "--role", "permit", "-q")
        self.succeed("sign", "--detached", "to-sign/permit.json", "-k", "anna.key", "-q")
        self.succeed("sign", "old.fwb", "--import", "to-sign/permit.json.minisig", "-p",
                     "anna.pub", "-q")
        self.takes("old.fwb")

    def test_a_signature_of_ssh_counts_too(self):
        text = self.permit()
        self.takes(self.carry("old.fwb", text, [
            (f"{ANNA.keyid}.sshsig", ANNA.sshsig(text, "fwpack-release@1"))]))


class WhoSigned(Device):
    def test_a7_other_roles_permit_nothing(self):
        for key in (CI, OPERATOR, STRANGER):
            self.refuse_install(11, "permit", self.signed("old.fwb", self.permit(), key))

    def test_a7_namespaces_of_other_documents(self):
        text = self.permit()
        for namespace in ("fwpack-rollout@1", "fwpack-delivery@1", "fwpack-permit@1", "file"):
            self.refuse_install((3, 12), "permit", self.carry("old.fwb", text, [
                (f"{ANNA.keyid}.sshsig", ANNA.sshsig(text, namespace))]))

    def test_a7_signatures_of_other_documents(self):
        text = self.permit()
        release = self.old.signatures["release.json"][ANNA.keyid]
        self.refuse_install(12, "permit", self.carry(
            "old.fwb", text, [(f"{ANNA.keyid}.minisig", release)]))
        self.refuse_install(10, "permit", self.carry("old.fwb", text, []))

    def test_a7_other_documents_in_its_place(self):
        rollout = json.dumps({"type": "fwpack.rollout", "format": 1, "revision": 1,
                              "release_sha256": release_hash(self.old)}).encode()
        for text in (self.old.texts["release.json"], rollout, self.permit(type="fwpack.permit "),
                     self.permit(type=None)):
            self.refuse_install(3, "permit", self.signed("old.fwb", text))

    def test_a7_a_permit_is_no_rollout(self):
        text = self.permit()
        name = self.signed("old.fwb", text, document="rollout.json")
        self.assertEqual(self.install(name).code, 11)  # by a key that does not roll out
        name = self.signed("old.fwb", text, OPERATOR, document="rollout.json")
        self.assertEqual(self.install(name).code, 3)


class WhatItSays(Device):
    def test_a10_each_byte_is_signed(self):
        text = self.permit()
        signature = [(f"{ANNA.keyid}.minisig", ANNA.minisig(text, "by hand"))]
        for at in range(0, len(text), 23):
            altered = text[:at] + bytes([text[at] ^ 1]) + text[at + 1:]
            self.refuse_install(12, "permit", self.carry("old.fwb", altered, signature))

    def test_a42_for_another_device_product_or_step(self):
        other = "00" * 32
        for changes in ({"devices": ["gw-2"]}, {"devices": ["gw-11", "GW-1", "field"]},
                        {"devices": None, "groups": ["fields", "gw-1"]},
                        {"product": "acme-gateway-2"}, {"from_sha256": other}):
            self.refuse_install(15, "permit", self.signed("old.fwb", self.permit(**changes)))
        # Taken out of the bundle of another release.
        self.refuse_install(12, "permit", self.signed("old.fwb", self.permit(to_sha256=other)))

    def test_a20_expired(self):
        for time in (0, 1, 1700000000):
            self.refuse_install(17, "permit", self.signed("old.fwb", self.permit(expires=time)),
                                "expired at")

    def test_a14_what_cannot_be_judged(self):
        for changes in ({"devices": None}, {"devices": [], "groups": []}, {"to_sha256": None},
                        {"to_sha256": ""}, {"to_sha256": release_hash(self.old).upper()},
                        {"from_sha256": [release_hash(self.new)]}, {"expires": "never"},
                        {"expires": -1}, {"devices": ["gw-1", "gw-1"]}, {"devices": "gw-1"},
                        {"format": 2}, {"only_on": "sunday"}, {"critical": ["only_on"]}):
            self.refuse_install(3, "permit", self.signed("old.fwb", self.permit(**changes)))

    def test_it_lifts_no_data_epoch(self):
        newer = bundle(noise(20 * KIB, 3), version="2.1.0", security_version=8, data_epoch=1)
        self.takes(self.write("newer.fwb", newer.archive()))
        self.restart()
        text = self.permit(from_sha256=release_hash(newer))
        self.refuse_install(14, "data-epoch", self.signed("old.fwb", text), "0 is lower than 1")

    def test_it_lifts_no_hardware_and_no_requirement(self):
        for more, code, decision in (({"compatible": ["acme,gateway-r1"]}, 15, "hardware"),
                                     ({"requires": {"from": "<1.0.0"}}, 15, "requires")):
            made = bundle(OLD, **more)
            text = self.permit(to_sha256=release_hash(made))
            self.refuse_install(code, decision, self.signed("old.fwb", text, into=made))

    def test_a_bad_permit_hinders_nobody_who_needs_none(self):
        newer = bundle(noise(20 * KIB, 3), version="2.1.0", security_version=8)
        self.takes(self.signed("newer.fwb", self.permit(), STRANGER, into=newer))


class Shown(Device):
    """What is not proved is shown as what it is, and hinders nobody from looking."""

    def inspected(self, name):
        self.succeed("inspect", name)
        return self.succeed("inspect", name, "--json", "-q").json

    def test_both_are_shown(self):
        rollout = json.dumps({"type": "fwpack.rollout", "format": 1, "revision": 4, "halted": True,
                              "release_sha256": release_hash(self.old)}).encode()
        shown = self.inspected(self.signed("old.fwb", self.permit()))["permit"]
        self.assertEqual((shown["devices"], shown["groups"], shown["signatures"]),
                         (["gw-1"], [], [ANNA.keyid]))
        shown = self.inspected(self.signed("old.fwb", rollout, document="rollout.json"))["rollout"]
        self.assertEqual((shown["revision"], shown["halted"]), (4, True))

    def test_a25_what_cannot_be_read_is_said_to_be(self):
        for text in (b"", b"{}", self.permit(devices=["\x1b[31m"]), self.permit(more="\u202e"),
                     b"\xff" * 100, b"[" * 1000):
            shown = self.inspected(self.signed("old.fwb", text))["permit"]
            self.assertEqual(set(shown), {"unreadable", "signatures"})
        shown = self.inspected(self.signed("old.fwb", self.permit(
            devices=[f"device-{i}" for i in range(30000)])))["permit"]
        self.assertEqual(len(shown["devices"]), 30000)


main()
