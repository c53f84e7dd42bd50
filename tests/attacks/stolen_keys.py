# SPDX-License-Identifier: MIT
"""Who can do what with which stolen key: the rows of docs/threat-model.md, each shown on the
program. The thief has the key and everything else that is public, and writes bundles with a
writer of his own."""
import json
import os
import shutil

from bundles import KIB, Bundle, Image, Key
from harness import HERE, AttackTest, main, noise

ANNA, BEN, CAROL, CI, OPERATOR = (Key(name) for name in ("anna", "ben", "carol", "ci", "operator"))
ROOTS = Key("root one"), Key("root two")
EVERYBODY = (ANNA, BEN, CAROL, CI, OPERATOR, *ROOTS)
NAMES = ("anna", "ben", "carol", "ci", "operator", "root-1", "root-2")
EXAMPLE = os.path.join(HERE, "..", "..", "keys-example", "team")
GOOD, EVIL = noise(100 * KIB, 1), noise(100 * KIB, 2)


class Team(AttackTest):
    """Two of Anna, Ben and Carol release; CI delivers; an operator rolls out; two root keys."""

    def setUp(self):
        super().setUp()
        for name, key in zip(NAMES, EVERYBODY):
            self.write(f"{name}.pub", key.public_file())
            self.write(f"{name}.key", key.secret_file(), 0o600)
        self.succeed(
            "trust", "init", "-o", "1.root.json", "--days", "365", "-q",
            *(f"--pubkey={role}={name}.pub" for role, name in (
                ("root", "root-1"), ("root", "root-2"), ("release", "anna"), ("release", "ben"),
                ("release", "carol"), ("delivery", "ci"), ("rollout", "operator"))),
            "--threshold", "root=2", "--threshold", "release=2")
        self.sign_root("1.root.json")
        self.write("good.fwb", self.bundle(GOOD).sign(ANNA, ["release"]).sign(BEN, ["release"])
                   .sign(CI, ["delivery"]).archive())

    def sign_root(self, name, *keys, old=()):
        for key in keys or ("root-1", "root-2"):
            self.succeed("trust", "sign", name, "-k", f"{key}.key", "--yes", "-q", *old)

    def bundle(self, data, **more):
        return Bundle([Image("app", data)], **more)

    def next_root(self, *edits, sign=("root-1", "root-2")):
        self.succeed("trust", "rotate", "1.root.json", "-o", "2.root.json", "-q")
        for edit in edits:
            self.succeed("trust", edit[0], "2.root.json", *edit[1:], "-q")
        if sign:
            self.sign_root("2.root.json", *sign, old=("--old", "1.root.json"))

    def refuse_forged(self, codes, bundle, says=None, root="1.root.json"):
        """Neither the evil image, nor anything, leaves the bundle."""
        self.write("x.fwb", bundle.archive())
        self.refuse(codes, "verify", "x.fwb", "-t", root, says=says)
        self.refuse(codes, "extract", "x.fwb", "-C", "out", "-t", root)


class Release(Team):
    def test_what_is_good_is_taken(self):
        self.succeed("verify", "good.fwb", "-t", "1.root.json")

    def test_one_release_key_releases_nothing(self):
        for key in (ANNA, BEN, CAROL):
            self.refuse_forged(11, self.bundle(EVIL).sign(key, ["release"]).sign(CI, ["delivery"]),
                               "1 of 2 signatures")

    def test_one_release_key_under_two_names_counts_once(self):
        made = self.bundle(EVIL).sign(ANNA, ["release"]).sign(CI, ["delivery"])
        signatures = made.signatures["release.json"]
        signatures[BEN.keyid] = signatures[ANNA.keyid]
        self.refuse_forged(12, made)

    def test_two_release_keys_release_anything_until_they_are_revoked(self):
        made = self.bundle(EVIL).sign(ANNA, ["release"]).sign(BEN, ["release"])
        self.write("x.fwb", made.sign(CI, ["delivery"]).archive())
        self.succeed("verify", "x.fwb", "-t", "1.root.json")  # nothing else stands in their way
        self.next_root(("revoke", "anna.pub", "--reason", "stolen"),
                       ("threshold", "release=2"))
        self.refuse(18, "verify", "x.fwb", "-t", "2.root.json", says=f"{ANNA.keyid}: stolen")

    def test_release_keys_do_not_deliver(self):
        made = self.bundle(GOOD).sign(ANNA, ["release", "delivery"])
        self.refuse_forged(11, made.sign(BEN, ["release", "delivery"]), "delivery.json")


class Delivery(Team):
    def test_it_chooses_bytes_but_no_image(self):
        """The release stays the one that was signed; what it carries is another image."""
        made = self.bundle(GOOD).sign(ANNA, ["release"]).sign(BEN, ["release"])
        made.images = [Image("app", EVIL)]
        made.images[0].table = Image("app", GOOD).table
        self.refuse_forged(13, made.sign(CI, ["delivery"]))

    def test_it_releases_nothing(self):
        self.refuse_forged(11, self.bundle(EVIL).sign(CI))

    def test_it_cannot_pass_another_release_off(self):
        made = self.bundle(GOOD).sign(ANNA, ["release"]).sign(BEN, ["release"])
        delivery = json.loads(made.texts["delivery.json"])
        delivery["release_sha256"] = "00" * 32
        made.texts["delivery.json"] = json.dumps(delivery).encode()
        self.refuse_forged(12, made.sign(CI, ["delivery"]))


class Others(Team):
    def test_the_operators_key_neither_releases_nor_delivers(self):
        self.refuse_forged(11, self.bundle(EVIL).sign(OPERATOR), "not for the role")
        made = self.bundle(GOOD).sign(ANNA, ["release"]).sign(BEN, ["release"])
        self.refuse_forged(11, made.sign(OPERATOR, ["delivery"]), "delivery.json")

    def test_root_keys_release_nothing(self):
        made = self.bundle(EVIL)
        for key in ROOTS:
            made.sign(key)
        self.refuse_forged(11, made)


class Roots(Team):
    def test_one_root_key_changes_no_trust(self):
        self.next_root(("add", "release=operator.pub"), sign=("root-1",))
        self.refuse(11, "trust", "check", "1.root.json", "2.root.json", "-q")
        self.refuse(11, "trust", "check", "1.root.json", "2.root.json", "-q")  # nothing was kept

    def test_keys_of_the_new_root_alone_change_no_trust(self):
        """Who gives the role to himself in a root of his own is not known to the old one."""
        self.next_root(("add", "root=operator.pub"), ("threshold", "root=1"), sign=())
        self.succeed("trust", "sign", "2.root.json", "-k", "operator.key", "--yes", "-q")
        self.refuse(11, "trust", "check", "1.root.json", "2.root.json", "-q")

    def test_no_root_gives_a_revoked_key_back(self):
        self.next_root(("revoke", "ben.pub", "--reason", "left"))
        self.succeed("trust", "check", "1.root.json", "2.root.json")
        root = json.loads(self.read("2.root.json"))
        self.assertEqual([entry["keyid"] for entry in root["signed"]["x-fwpack"]["revoked"]],
                         [BEN.keyid])
        self.succeed("trust", "rotate", "2.root.json", "-o", "3.root.json", "-q")
        self.refuse((2, 18), "trust", "add", "3.root.json", "release=ben.pub")

    def test_what_a_revoked_key_signed_is_refused_and_can_be_signed_anew(self):
        self.next_root(("revoke", "ben.pub", "--reason", "left"))
        self.refuse(18, "verify", "good.fwb", "-t", "2.root.json", says="left")
        self.succeed("sign", "good.fwb", "-k", "carol.key", "--role", "release", "--yes", "-q")
        self.succeed("verify", "good.fwb", "-t", "2.root.json")


class Machines(Team):
    memory = 256 << 20  # what the passphrase KDF takes

    def test_an_encrypted_key_file_is_worth_its_passphrase(self):
        self.write("words", b"correct horse\n", 0o600)
        self.write("guess", b"correct horsf\n", 0o600)
        self.succeed("key", "generate", "kept", "--passphrase-file", "words", "-q")
        self.assertNotIn(b"fwpack secret", self.read("kept.key"))
        self.refuse(4, "sign", "good.fwb", "-k", "kept.key", "--passphrase-file", "guess", "--yes",
                    says="passphrase is wrong")

    def test_a_demo_key_is_worth_nothing(self):
        self.succeed("key", "generate", "demo", "--purpose", "demo", "--no-passphrase", "-q")
        self.next_root(sign=())
        self.refuse(11, "trust", "add", "2.root.json", "release=demo.pub", says="demo key")

    def test_a_journal_cannot_be_changed_unseen(self):
        for key in ("anna", "carol"):
            self.succeed("sign", "good.fwb", "-k", f"{key}.key", "--role", "release", "--yes",
                         "--journal", "journal", "-q", "-o", "other.fwb")
        head = self.succeed("journal", "check", "journal", "--json").json["journals"][0]["head"]
        lines = self.read("journal").splitlines(keepends=True)
        for forged in (lines[1:], lines[::-1], [lines[0].replace(ANNA.keyid.encode(),
                                                                 BEN.keyid.encode()), lines[1]]):
            self.write("journal", b"".join(forged), 0o600)
            self.refuse((3, 12, 13), "journal", "check", "journal")
        self.write("journal", lines[0], 0o600)  # what was cut off at the end, its head tells
        self.refuse((3, 12, 13), "journal", "check", "journal", "--head", head)


class DemoSet(AttackTest):
    """A123: the demo keys that everybody has, as keys-example/team/ holds them."""

    def setUp(self):
        super().setUp()
        shutil.copytree(EXAMPLE, self.path("team"))

    def team(self, name):
        return f"team/{name}"

    def test_a123_demo_keys_are_refused_in_a_root_too(self):
        roots = [self.team("1.root.json"), self.team("2.root.json")]
        self.write("x.fwb", Bundle([Image("app", GOOD)]).archive())
        for name in ("anna", "dora", "ci"):
            self.succeed("sign", "x.fwb", "-k", self.team(f"{name}.key"), "--allow-insecure-key",
                         "--yes", "-q")
        self.refuse(11, "trust", "check", *roots, "-q", says="demo key")
        self.succeed("trust", "check", *roots, "--allow-demo-keys", "-q")
        self.refuse(11, "verify", "x.fwb", "-t", roots[1], says="demo key")
        self.succeed("verify", "x.fwb", "-t", roots[1], "--allow-demo-keys")
        self.refuse(11, "verify", "x.fwb", "-t", roots[0], "--allow-demo-keys",
                    says="1 of 2 signatures")  # Dora came with the second
        for name in os.listdir(EXAMPLE):
            if name.endswith(".pub"):
                self.refuse(11, "verify", "x.fwb", "-p", self.team(name), says="demo key")


class Encryption(Team):
    def setUp(self):
        super().setUp()
        self.succeed("key", "generate", "--type", "age", "-o", "device.age", "--no-passphrase",
                     "-q")
        self.succeed("key", "generate", "--type", "age", "-o", "thief.age", "--no-passphrase",
                     "-q")
        shown = self.succeed("key", "show", "device.age", "--json").json["keys"][0]
        self.succeed("encrypt", "good.fwb", "--encrypt-to", shown["recipients"][0], "-k", "ci.key",
                     "-t", "1.root.json", "-o", "secret.fwb", "-q")

    def test_a_devices_identity_reads_and_signs_nothing(self):
        self.succeed("extract", "secret.fwb", "-C", "out", "-t", "1.root.json", "--identity",
                     "device.age", "-q")
        self.assertEqual(self.read("out/app.img"), GOOD)
        self.refuse((3, 4), "sign", "secret.fwb", "-k", "device.age", "--yes", says="age")

    def test_without_it_nothing_is_read(self):
        self.refuse(4, "extract", "secret.fwb", "-C", "out", "-t", "1.root.json", "--identity",
                    "thief.age", says="1 recipient")
        self.assertNotIn(GOOD[:64], self.read("secret.fwb"))


if __name__ == "__main__":
    os.environ.pop("FWPACK_JOURNAL", None)
    main()
