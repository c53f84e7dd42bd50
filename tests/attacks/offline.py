# SPDX-License-Identifier: MIT
"""Signatures that are made elsewhere and brought back: what is refused, and that nothing is lost
when many come at once. A2, A4, A7, A19, A23 to A25, A49 and A124."""
import base64
import hashlib
import os
import re

import ed25519
from bundles import Bundle, Image, Key
from harness import AttackTest, folder_state, main, noise

OWNER, SECOND, STRANGER, DELIVERY = (Key(word) for word in ("owner", "second", "stranger", "ci"))
TOKEN = Key("token")
PEOPLE = [Key(f"person {n}") for n in range(8)]
RELEASE = "fwpack-release@1"


def a_bundle(**more):
    return Bundle([Image("app", noise(1000))], **more)


class OfflineTest(AttackTest):
    seconds = 20

    def setUp(self):
        super().setUp()
        for name, key in (("owner", OWNER), ("second", SECOND), ("stranger", STRANGER),
                          ("ci", DELIVERY)):
            self.write(f"{name}.pub", key.public_file())
            self.write(f"{name}.key", key.secret_file(), 0o600)
            self.write(f"{name}-fido.pub", key.ssh_file("ssh:"))
        self.write("token.pub", TOKEN.ssh_file("ssh:"))
        self.bundle = a_bundle().freeze()
        self.release = self.bundle.texts["release.json"]
        self.delivery = self.bundle.texts["delivery.json"]
        self.comment = self.bundle.comment("release.json")
        os.mkdir(self.path("work"))
        self.write("work/x.fwb", self.bundle.archive())

    def minisig(self, key=OWNER, document=None, comment=None, **changes):
        return key.minisig(document or self.release, comment or self.comment, **changes)

    def answers(self, key=OWNER, document=None):
        """What an HSM gives when it is asked twice."""
        first = key.signature(document or self.release)
        return first, ed25519.sign(key.seed, first + self.comment.encode())

    def give(self, *texts):
        names = []
        for number, text in enumerate(texts):
            names.append(self.write(f"answer{number}", text))
        return ("sign", "work/x.fwb", "--import", *names)

    def refuse_answer(self, codes, text, *trust, says=None):
        self.refuse(codes, *self.give(text), *(trust or ("-p", "owner.pub")), says=says)

    def accept(self, *texts, trust=("-p", "owner.pub")):
        self.write("work/x.fwb", self.bundle.archive())
        return self.succeed(*self.give(*texts), *trust, "--json").json

    def signers(self):
        answer = self.succeed("inspect", "work/x.fwb", "--json").json
        return [(one["keyid"], one["kind"]) for one in answer["signature_details"]["release"]]


class Taken(OfflineTest):
    def test_each_form(self):
        first, second = self.answers()
        for texts in ([self.minisig()], [self.minisig(comment="another comment")],
                      [first, second], [second, first],
                      [first.hex().encode(), base64.b64encode(second) + b"\n"],
                      [base64.b64encode(first).rstrip(b"="), second.hex().upper().encode()]):
            answer = self.accept(*texts)
            self.assertEqual(self.signers(), [(OWNER.keyid, "minisig")])
            self.assertEqual((answer["added"], answer["wanted"]["release"]), (1, []))
        self.assertEqual(self.accept(self.minisig())["signatures"][0]["trusted_comment"],
                         self.comment)

    def test_the_bundle_is_what_the_key_itself_makes(self):
        """However the answers came, not a byte differs."""
        self.accept(*self.answers())
        offline = self.read("work/x.fwb")
        self.write("work/x.fwb", self.bundle.archive())
        self.succeed("sign", "work/x.fwb", "-k", "owner.key", "--role", "release")
        self.assertEqual(self.read("work/x.fwb"), offline)

    def test_ssh_with_trust_and_without(self):
        for application, trust in (("", "owner.pub"), ("ssh:", "owner-fido.pub")):
            text = OWNER.sshsig(self.release, RELEASE, application)
            self.assertTrue(self.accept(text, trust=("-p", trust))["signatures"][0]["judged"])
            self.assertEqual(self.signers(), [(OWNER.ssh_keyid(application), "sshsig")])
            self.assertFalse(self.accept(text, trust=())["signatures"][0]["judged"])

    def test_other_lines_become_canonical(self):
        text = OWNER.sshsig(self.release, RELEASE)
        lines = text.split(b"\n")
        text = b"\n".join([lines[0], lines[1][:40], lines[1][40:], *lines[2:]])
        self.accept(text)
        self.succeed("sign", "work/x.fwb", "-k", "owner.key", "--role", "delivery", "--yes")
        self.succeed("verify", "work/x.fwb", "-p", "owner.pub")

    def test_the_same_again_is_present(self):
        self.accept(self.minisig())
        before = self.read("work/x.fwb")
        answer = self.succeed(*self.give(self.minisig(), self.minisig()), "-p", "owner.pub",
                              "--json").json
        self.assertEqual((answer["changed"], answer["present"]), (False, 1))
        self.assertEqual(self.read("work/x.fwb"), before)

    def test_two_hsms_whose_answers_are_mixed(self):
        trust = ("-p", "release=owner.pub", "-p", "release=second.pub")
        (a, b), (c, d) = self.answers(), self.answers(SECOND)
        answer = self.accept(d, a, b, c, trust=trust)
        self.assertEqual(answer["added"], 2)
        self.assertEqual({keyid for keyid, _ in self.signers()}, {OWNER.keyid, SECOND.keyid})


class Refused(OfflineTest):
    def test_a2_what_is_no_signature(self):
        for text in (b"", b"x", bytes(63), bytes(65), b"0" * 127, b"g" * 128, b"A" * 88,
                     b"untrusted comment: x\n", b"-----BEGIN SSH SIGNATURE-----\n", bytes(20000),
                     self.release, self.minisig()[:-1], self.minisig() + b"\n",
                     self.minisig().replace(b"\n", b"\r\n")):
            self.refuse_answer(3, text)
        self.refuse((1, 3), "sign", "work/x.fwb", "--import", "absent", "-p", "owner.pub")
        self.refuse(2, "sign", "work/x.fwb", "--import", "-p", "owner.pub", says="no signature is")

    def test_a7_keys_that_may_not(self):
        roles = ("-p", "release=owner.pub", "-p", "delivery=ci.pub")
        says = f"{DELIVERY.keyid}, which is trusted, but not for the role release"
        self.refuse_answer(11, self.minisig(DELIVERY), *roles, says=says)
        self.refuse_answer(11, DELIVERY.sshsig(self.release, RELEASE), *roles, says=says)
        self.refuse_answer(11, DELIVERY.signature(self.release), *roles, says=says)
        self.refuse_answer(11, self.minisig(STRANGER), says="no trusted key made it")
        self.refuse_answer(11, STRANGER.sshsig(self.release, RELEASE), says=STRANGER.keyid)
        self.refuse_answer(11, STRANGER.signature(self.release), says="these 64 bytes")

    def test_a9_of_another_document(self):
        other = a_bundle(version="9.9.9").freeze().texts["release.json"]
        self.refuse_answer(12, self.minisig(document=other), says="other bytes than this bundle's")
        self.refuse_answer(12, OWNER.sshsig(other, RELEASE), says="does not verify")
        self.refuse_answer(11, OWNER.signature(other))

    def test_a15_altered_ones(self):
        self.refuse_answer(12, self.minisig(signature=bytes(64)))
        self.refuse_answer(12, self.minisig(global_signature=bytes(64)))
        self.refuse_answer(12, OWNER.sshsig(self.release, RELEASE, signature=bytes(64)))
        self.refuse_answer(12, OWNER.sshsig(self.release, RELEASE, "ssh:", flags=0),
                           "-p", "owner-fido.pub", says="nobody touched")
        self.refuse_answer(11, OWNER.sshsig(self.release, RELEASE, "ssh:evil"),
                           "-p", "owner-fido.pub")
        self.refuse_answer((11, 12), self.minisig(), "-p", "owner-fido.pub")

    def test_a23_the_legacy_kind(self):
        text = self.minisig(kind=b"Ed", signature=ed25519.sign(OWNER.seed, self.release))
        self.refuse_answer(3, text, says="legacy")

    def test_a24_made_for_another_namespace(self):
        for namespace in ("git", "file", "fwpack-rollout@1"):
            self.refuse_answer(12, OWNER.sshsig(self.release, namespace),
                               says=f'made for namespace "{namespace}"')
        self.refuse_answer(12, OWNER.sshsig(self.release, "fwpack-delivery@1"),
                           says="delivery.json: the signature does not verify")

    def test_a_lone_answer(self):
        first, second = self.answers()
        self.refuse_answer(10, first, says="the second is missing\nhint: .*cat ")
        self.refuse_answer(11, second)
        self.refuse(10, *self.give(first, self.answers(SECOND)[1]), "-p", "owner.pub")
        self.refuse(10, *self.give(first, first), "-p", "owner.pub")

    def test_without_keys(self):
        self.refuse(2, *self.give(self.minisig()), says="only a public key can tell")
        self.refuse(2, *self.give(*self.answers()), says="only a public key can tell")
        self.refuse(11, *self.give(self.minisig()), "-p", "absent.pub", says="no trusted key at")

    def test_one_bad_among_good_ones(self):
        """Each that is refused is told, and nothing is written."""
        result = self.refuse((3, 11), *self.give(self.minisig(), b"x", self.minisig(STRANGER)),
                             "-p", "owner.pub")
        self.assertIn("answer1: is no signature", result.text)
        self.assertIn("answer2: no trusted key", result.text)
        self.assertNotIn("answer0", result.text)
        self.assertIn("nothing was added, for 2 of 3 files were refused", result.text)

    def test_options_that_do_not_belong(self):
        for options in (("-k", "owner.key"), ("--role", "release"), ("--export", "out"),
                        ("--detached",), ("--comment", "x")):
            self.refuse(2, *self.give(self.minisig()), "-p", "owner.pub", *options)
        for options in (("-p", "owner.pub"), ("--require", "1"), ("--no-clock",)):
            self.refuse(2, "sign", "work/x.fwb", "-k", "owner.key", *options)
        self.refuse(2, "sign", "work/x.fwb", "owner.pub", "-k", "owner.key")
        self.refuse(2, "sign", "work/x.fwb", "--export", "out", "-o", "y.fwb")


class Exported(OfflineTest):
    def page(self, **more):
        bundle = a_bundle(**more).freeze()
        self.write("x.fwb", bundle.archive())
        self.succeed("sign", "x.fwb", "--export", "out")
        return bundle, self.read("out/SIGN.md").decode()

    def test_a124_the_page_shows_what_is_signed(self):
        bundle, page = self.page(data_epoch=3)
        for words in ("acme-gateway", "1.2.3", "security version  7", "data epoch        3",
                      "acme,gateway-r2", '"app"', "1000", hashlib.sha256(noise(1000)).hexdigest(),
                      RELEASE, "fwpack-delivery@1", bundle.comment("release.json"),
                      *(hashlib.sha256(text).hexdigest() for text in bundle.texts.values())):
            self.assertIn(words, page)
        for name, text in bundle.texts.items():
            self.assertEqual(self.read(f"out/{name}"), text)
            self.assertEqual(self.read(f"out/{name}.prehash"), hashlib.blake2b(text).digest())
            self.assertEqual(self.read(f"out/{name}.comment").decode(), bundle.comment(name))

    def test_a25_texts_that_would_forge_the_page(self):
        """A text stays on its line, in its quotes, and in a shell it is a text."""
        for bad in ("x\"  \nversion \"9.9.9", "`id`", "$(touch evil)", "'; touch evil; '", "!x",
                    "a</code><h1>b", "## forged", "a" + " " * 300 + "security version  99", "\\n"):
            bundle = a_bundle(product=bad).freeze()
            self.write("x.fwb", bundle.archive())
            result = self.run_program("sign", "x.fwb", "--export", "out")
            if result.code != 0:  # the document itself is refused
                self.assertEqual(result.code, 3, repr(result))
                continue
            page = self.read("out/SIGN.md").decode()
            comment = self.read("out/release.json.comment").decode()
            line, = [line for line in page.splitlines() if line.startswith("    product ")]
            self.assertRegex(line, r'^    product           "[^"]*"$')
            self.assertNotIn("  security", line[20:])
            self.assertEqual(sum("security version" in one[:22] for one in page.splitlines()), 1)
            self.assertEqual([one for one in page.splitlines() if one.startswith("#")],
                             [one for one in self.headings if one])
            # What the shell makes of the printed comment is the comment.
            argument = re.search(r"-m release.json -t (.*) -x release.json.minisig", page)[1]
            self.write("script", f"printf %s {argument} > shown\n".encode())
            self.succeed("-c", ". ../script", program="sh", cwd=self.path("out"))
            self.assertEqual(self.read("out/shown").decode(), comment)
            self.assertFalse(self.exists("evil") or self.exists("out/evil"))
            for name in os.listdir(self.path("out")):
                os.unlink(self.path(f"out/{name}"))

    headings = ("# You are asked to sign a firmware release", "## Its images", "## What is signed",
                "## With minisign", "## With openssl", "## With an HSM or smart card (PKCS#11)",
                "## With an SSH key, also one in a FIDO token or an agent",
                "## What becomes of it")

    def test_folders_that_are_there(self):
        self.write("full/file", b"x")
        self.write("file", b"x")
        os.mkdir(self.path("empty"))
        os.symlink("empty", self.path("link"))
        for name in ("full", "file", "link"):
            self.refuse((1, 2), "sign", "work/x.fwb", "--export", name)
        self.refuse(1, "sign", "work/x.fwb", "--export", "absent/out")
        self.succeed("sign", "work/x.fwb", "--export", "empty/")
        self.assertIn("SIGN.md", os.listdir(self.path("empty")))
        self.assertEqual({name for name in os.listdir(self.folder) if "." in name} - {
            f"{name}{end}" for name in ("owner", "second", "stranger", "ci", "token")
            for end in (".pub", ".key", "-fido.pub")}, set())

    def test_what_is_no_bundle(self):
        self.write("x.fwb", b"x" * 600)
        self.refuse(3, "sign", "x.fwb", "--export", "out")
        self.refuse(1, "sign", "absent.fwb", "--export", "out")

    def test_a_dry_run_writes_nothing(self):
        before = folder_state(self.folder)
        self.succeed("sign", "work/x.fwb", "--export", "out", "-n")
        self.succeed(*("sign", "work/x.fwb", "--export", "out"), "-n", "--json")
        self.assertEqual(folder_state(self.folder), before)


class Together(OfflineTest):
    """A49: people who come at the same moment, one with an answer, one with a key."""

    def test_a49_eight_at_once(self):
        for number, key in enumerate(PEOPLE):
            self.write(f"{number}.pub", key.public_file())
            text = (self.minisig(key) if number % 2 else key.sshsig(self.release, RELEASE))
            self.write(f"{number}.answer", text)
        running = [self.start("sign", "work/x.fwb", "--import", f"{number}.answer",
                              "-p", f"{number}.pub", "--json") for number in range(len(PEOPLE))]
        for one in running:
            result = one.end()
            self.assertEqual((result.code, result.json["added"]), (0, 1), repr(result))
        self.assertEqual({keyid for keyid, _ in self.signers()}, {key.keyid for key in PEOPLE})
        self.assertEqual(os.listdir(self.path("work")), ["x.fwb"])
        self.succeed("sign", "work/x.fwb", "-k", "ci.key", "--role", "delivery", "--yes")
        trust = [f"-prelease={number}.pub" for number in range(len(PEOPLE))]
        self.succeed("verify", "work/x.fwb", *trust, "-p", "delivery=ci.pub", "--require", "8")


class Rotated(OfflineTest):
    """Trust roots: who may sign by them, and old releases after a key was replaced."""

    def setUp(self):
        super().setUp()
        self.succeed("trust", "init", "-o", "1.root.json", "-p", "root=stranger.pub",
                     "-p", "release=owner.pub", "-p", "release=token.pub",
                     "-p", "delivery=ci.pub", "--expires", "2099-01-01", *self.others())
        self.succeed("trust", "sign", "1.root.json", "-k", "stranger.key", "--yes")
        self.succeed("trust", "rotate", "1.root.json", "-o", "2.root.json",
                     "--expires", "2099-01-01")
        self.succeed("trust", "add", "2.root.json", "release=second.pub")
        self.succeed("trust", "revoke", "2.root.json", "owner.pub", "--reason", "lost on a train")
        self.succeed("trust", "sign", "2.root.json", "-k", "stranger.key",
                     "--old", "1.root.json", "--yes")

    @staticmethod
    def others():
        return [word for role in ("targets", "snapshot", "timestamp")
                for word in ("-p", f"{role}=stranger.pub")]

    def test_a20_revoked_and_unknown_keys_sign_nothing(self):
        self.refuse(18, "sign", "work/x.fwb", "-k", "owner.key", "-t", "2.root.json",
                    says=f"key {OWNER.keyid} is revoked: lost on a train")
        self.refuse(11, "sign", "work/x.fwb", "-k", "second.key", "-t", "1.root.json",
                    says="holds no role.*\nhint: ")
        self.refuse(11, "sign", "work/x.fwb", "-k", "ci.key", "-t", "1.root.json",
                    "--role", "release", says="does not hold the role release")
        for text in (self.minisig(), self.answers()[0], OWNER.sshsig(self.release, RELEASE)):
            self.refuse_answer(18, text, "-t", "2.root.json", says="lost on a train")

    def test_the_root_says_the_role(self):
        self.succeed("sign", "work/x.fwb", "-k", "owner.key", "-k", "ci.key", "-t", "1.root.json",
                     "--yes")
        self.assertEqual(self.signers(), [(OWNER.keyid, "minisig")])
        answer = self.succeed("inspect", "work/x.fwb", "--json").json
        self.assertEqual(answer["signatures"]["delivery"], [DELIVERY.keyid])
        self.succeed("verify", "work/x.fwb", "-t", "1.root.json")

    def test_an_old_release_is_signed_again(self):
        """The key was rotated away: the old bundle gets a signature of the new one."""
        self.succeed("sign", "work/x.fwb", "-k", "owner.key", "-k", "ci.key", "-t", "1.root.json")
        self.succeed("verify", "work/x.fwb", "-t", "1.root.json")
        self.refuse(18, "verify", "work/x.fwb", "-t", "2.root.json", says="lost on a train")
        release = self.bundle.texts["release.json"]
        self.write("answer0", SECOND.minisig(release, self.comment))
        self.succeed("sign", "work/x.fwb", "--import", "answer0", "-t", "2.root.json")
        self.succeed("verify", "work/x.fwb", "-t", "2.root.json")
        self.succeed("verify", "work/x.fwb", "-t", "1.root.json")
        self.assertIn(release, self.read("work/x.fwb"))

    def test_a_newer_root_in_the_bundle_decides(self):
        self.succeed("trust", "embed", "work/x.fwb", "1.root.json", "2.root.json")
        self.refuse(18, "sign", "work/x.fwb", "-k", "owner.key", "-t", "1.root.json")
        self.refuse_answer(18, self.minisig(), "-t", "1.root.json", says="lost on a train")
        self.succeed(*self.give(self.minisig(SECOND)), "-t", "1.root.json")
        self.succeed("sign", "work/x.fwb", "-k", "ci.key", "-t", "1.root.json")
        self.succeed("verify", "work/x.fwb", "-t", "1.root.json")

    def test_a_token_of_the_root(self):
        text = TOKEN.sshsig(self.release, RELEASE, "ssh:")
        answer = self.succeed(*self.give(text), "-t", "1.root.json", "--json").json
        self.assertEqual(answer["wanted"]["release"], [])
        self.assertEqual(answer["documents"]["release"]["signers"][0]["application"], "ssh:")
        self.refuse_answer(11, TOKEN.sshsig(self.release, RELEASE, "ssh:evil"), "-t", "1.root.json")
        self.succeed("sign", "work/x.fwb", "-k", "ci.key", "-t", "1.root.json")
        self.succeed("verify", "work/x.fwb", "-t", "1.root.json")


main()
