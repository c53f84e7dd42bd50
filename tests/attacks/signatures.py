# SPDX-License-Identifier: MIT
"""B1 of the attack list: signatures, keys, roles, thresholds, and documents that are not what was
signed."""
import base64
import json
import os
import re

import ed25519
from bundles import Bundle, Image, Key, archive, member, sha256
from harness import AttackTest, as_nobody, lines, main, noise

OWNER, SECOND, STRANGER = Key("owner"), Key("second"), Key("stranger")
DELIVERY = Key("delivery")


def a_bundle(*images, **more):
    return Bundle(images or [Image("app", noise(1000))], **more)


class SignatureTest(AttackTest):
    def setUp(self):
        super().setUp()
        for name, key in (("owner", OWNER), ("second", SECOND), ("delivery", DELIVERY),
                          ("stranger", STRANGER)):
            self.write(f"{name}.pub", key.public_file())

    def refuse_bundle(self, codes, data, *options, says=None, image="app"):
        """Refused from a file and from a pipe, by verify and extract."""
        data = data if isinstance(data, bytes) else data.archive()
        trust = options or ("-p", "owner.pub")
        self.write("x.fwb", data)
        self.refuse(codes, "verify", "x.fwb", *trust, says=says)
        self.refuse(codes, "verify", "x.fwb", *trust, "--json")
        self.refuse(codes, "extract", "x.fwb", "-C", "out", *trust, says=says)
        self.refuse(codes, "extract", "x.fwb", image, "-o", "-", *trust, says=says)
        self.refuse(codes, "verify", "-", *trust, says=says, stdin=data)

    def check_good(self, bundle, *options):
        self.write("good.fwb", bundle.archive())
        return self.succeed("verify", "good.fwb", *(options or ("-p", "owner.pub")))


class Missing(SignatureTest):
    """A1 and A2: no signature, or something of another size in its place."""

    def test_a1_no_signature(self):
        self.refuse_bundle(10, a_bundle(), says="release.json: no signature")
        self.refuse_bundle(10, a_bundle().sign(OWNER, ["release"]), says="delivery.json: no sig")
        self.refuse_bundle(10, a_bundle().sign(OWNER, ["delivery"]), says="release.json: no sig")

    def test_a1_an_empty_member(self):
        bundle = a_bundle().sign(OWNER)
        for document in bundle.signatures:
            for empty in (b"", b"\n", b"\n\n\n\n", bytes(512)):
                bundle = a_bundle().sign(OWNER)
                bundle.signatures[document][OWNER.keyid] = empty
                self.refuse_bundle(3, bundle, says=document)

    def test_a1_an_empty_detached_signature(self):
        self.write("file", b"bytes")
        self.refuse(10, "verify", "--detached", "file", "-p", "owner.pub", says="no signature")
        self.write("file.minisig", b"")
        self.refuse(10, "verify", "--detached", "file", "-p", "owner.pub", says="empty")

    def test_a2_sizes(self):
        for size in (0, 1, 63, 65, 9000, 65536):
            for part in ("signature", "global_signature"):
                bundle = a_bundle().sign(OWNER)
                bundle.signatures["release.json"][OWNER.keyid] = OWNER.minisig(
                    bundle.texts["release.json"], "comment", **{part: bytes(size)})
                says = f"{size} bytes.*64" if size < 9000 else None
                self.refuse_bundle(3, bundle, says=says)

    def test_a2_keys(self):
        bundle = a_bundle().sign(OWNER)
        self.write("x.fwb", bundle.archive())
        for size in (0, 1, 31, 33, 64, 65536):
            text = base64.b64encode(b"Ed" + OWNER.minisign_id + bytes(OWNER.public * 2048)[:size])
            self.write("bad.pub", b"untrusted comment: x\n" + text + b"\n")
            says = f"{size} bytes.*32" if size in (31, 33) else None
            self.refuse(3, "verify", "x.fwb", "-p", "bad.pub", says=says)

    def test_a3_trust_that_is_not_there(self):
        self.write("x.fwb", a_bundle().sign(OWNER).archive())
        self.write("empty.pub", b"")
        os.mkdir(self.path("keys"))
        for name in ("absent.pub", "empty.pub", "keys", "keys/owner.pub", "owner.pub/x"):
            self.refuse(11, "verify", "x.fwb", "-p", name, says="no trusted key at " + name)
            self.refuse(11, "extract", "x.fwb", "-C", "out", "-p", name)
        self.write("unreadable.pub", OWNER.public_file(), 0)
        prepare = as_nobody if os.geteuid() == 0 else None
        self.refuse(11, "verify", "x.fwb", "-p", "unreadable.pub", prepare=prepare)
        self.refuse(2, "verify", "x.fwb", says="nothing says whom to trust")
        self.refuse(3, "verify", "x.fwb", "-p", "/dev/zero")
        self.refuse(3, "verify", "--detached", "x.fwb", "-x", "/dev/zero", "-p", "owner.pub")
        self.refuse(3, "verify", "/dev/zero", "-p", "owner.pub")


class Thresholds(SignatureTest):
    """A4, A5 and A6: who is counted, and how often."""

    two = ("-p", "release=owner.pub", "-p", "release=second.pub", "-p", "delivery=owner.pub",
           "--require", "2")

    def test_a4_the_same_signature_twice(self):
        bundle = a_bundle().sign(OWNER)
        self.refuse_bundle(11, bundle, *self.two, says="1 of 2 signatures")
        members = bundle.members()
        self.refuse_bundle(3, archive(members[:2] + members[1:]), *self.two, says="duplicate entry")

    def test_a4_one_key_under_two_ids(self):
        bundle = a_bundle().sign(OWNER)
        text = bundle.signatures["release.json"][OWNER.keyid]
        for other in (SECOND.keyid, STRANGER.keyid, "0" * 64):
            bundle.signatures["release.json"] = {OWNER.keyid: text, other: text}
            self.refuse_bundle(12 if other == SECOND.keyid else 11, bundle, *self.two)

    def test_a4_one_key_under_two_minisign_ids(self):
        """The same 32 bytes with another hint are the same key."""
        twin = Key("owner", minisign_id=b"another!")
        self.write("twin.pub", twin.public_file())
        self.write("x.fwb", a_bundle().sign(OWNER).archive())
        self.refuse(3, "verify", "x.fwb", "-p", "release=owner.pub", "-p", "release=twin.pub",
                    "-p", "delivery=owner.pub", "--require", "2", says="different minisign ids")
        self.refuse(2, "verify", "x.fwb", "-p", "release=owner.pub", "-p", "release=owner.pub",
                    "-p", "delivery=owner.pub", "--require", "2", says="1 trusted key")

    def test_a4_ids_in_another_case(self):
        bundle = a_bundle().sign(OWNER)
        text = bundle.signatures["release.json"][OWNER.keyid]
        bundle.signatures["release.json"] = {OWNER.keyid.upper(): text, OWNER.keyid: text}
        self.refuse_bundle(3, bundle, *self.two)

    def test_a4_two_keys_are_two(self):
        bundle = a_bundle().sign(OWNER).sign(SECOND, ["release"])
        self.check_good(bundle, *self.two)

    def test_a5_thresholds_that_are_none(self):
        self.write("x.fwb", a_bundle().sign(OWNER).archive())
        for number in ("0", "-1", "1.0", "+1", " 1", "0x1", "1e0", "", "two", str(2**31),
                       str(2**32 + 1), str(2**63), str(2**64 + 1), "9" * 400, "3"):
            self.refuse(2, "verify", "x.fwb", *self.two[:-1], number)

    def test_a6_as_many_signatures_as_there_may_be(self):
        self.check_good(self.signed_by(64))

    def test_a6_one_too_many(self):
        self.refuse_bundle(3, self.signed_by(65), says="more than 64 signatures")

    def test_a6_a_hundred_thousand(self):
        document = a_bundle().freeze().texts["release.json"]
        text = STRANGER.minisig(b"", "x")
        with open(self.path("x.fwb"), "wb") as file:
            file.write(member("release.json", document))
            for i in range(100000):
                file.write(member(f"release.json.{i:064x}.minisig", text))
        for command in (("verify", "x.fwb", "-p", "owner.pub"), ("inspect", "x.fwb")):
            self.refuse(3, *command, says="more than 64 signatures")

    @staticmethod
    def signed_by(count):
        """The owner's signature, and others that need only parse."""
        bundle = a_bundle().sign(OWNER)
        text = STRANGER.minisig(b"", "x")
        for i in range(count - 1):
            bundle.signatures["release.json"][sha256(b"%d" % i).hex()] = text
        return bundle


class Roles(SignatureTest):
    """A7, A8 and A19: the wrong key, the wrong type, the wrong name."""

    roles = ("-p", "release=owner.pub", "-p", "delivery=delivery.pub")

    def test_a7_the_delivery_key_signs_no_release(self):
        bundle = a_bundle().sign(DELIVERY)
        says = f"key {DELIVERY.keyid} is trusted, but not for the role release"
        self.refuse_bundle(11, bundle, *self.roles, says=says)
        bundle = a_bundle().sign(OWNER)
        says = f"key {OWNER.keyid} is trusted, but not for the role delivery"
        self.refuse_bundle(11, bundle, *self.roles, says=says)
        self.check_good(a_bundle().sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"]),
                        *self.roles)

    def test_a7_a_stranger_signs_nothing(self):
        self.refuse_bundle(11, a_bundle().sign(STRANGER), says=STRANGER.keyid)

    def test_a7_one_document_is_not_the_other(self):
        """A good signature on a delivery does not make a release of it."""
        for names in (("release", "release"), ("delivery", "delivery"), ("delivery", "release")):
            bundle = a_bundle().freeze()
            texts = dict(bundle.texts)
            bundle.texts = {"release.json": texts[f"{names[0]}.json"],
                            "delivery.json": texts[f"{names[1]}.json"]}
            self.refuse_bundle(3, bundle.sign(OWNER), says='"type|type: ')

    def test_a8_types_that_are_none(self):
        for document in ("release", "delivery"):
            good = f"fwpack.{document}"
            for bad in (None, "", good.upper(), good.capitalize(), good + " ", " " + good,
                        good + "\0", good + "\n", "fwpack", 1, [good], "fwpack.rollout"):
                bundle = a_bundle()
                getattr(bundle, document)["type"] = bad
                self.refuse_bundle(3, bundle.sign(OWNER), says=f"{document}.json")
            bundle = a_bundle()
            del getattr(bundle, document)["type"]
            self.refuse_bundle(3, bundle.sign(OWNER), says="type: is missing")

    def test_a19_two_keys_of_one_short_id(self):
        twin = Key("twin", minisign_id=OWNER.minisign_id)
        self.write("twin.pub", twin.public_file())
        self.refuse_bundle(11, a_bundle().sign(twin), says=f"{twin.keyid}(.|\n)*{OWNER.keyid}")
        both = ("-p", "release=owner.pub", "-p", "release=twin.pub", "-p", "delivery=owner.pub",
                "--require", "2")
        self.refuse_bundle(11, a_bundle().sign(OWNER), *both, says="1 of 2")
        self.check_good(a_bundle().sign(OWNER).sign(twin, ["release"]), *both)

    def test_a19_the_id_of_another(self):
        bundle = a_bundle().sign(OWNER)
        bundle.signatures["release.json"] = {
            OWNER.keyid: SECOND.minisig(bundle.texts["release.json"], "x", id=OWNER.minisign_id)}
        trust = ("-p", "release=owner.pub", "-p", "release=second.pub", "-p", "delivery=owner.pub")
        self.refuse_bundle(12, bundle, says="does not verify")
        bundle.signatures["release.json"] = {
            OWNER.keyid: SECOND.minisig(bundle.texts["release.json"], "x")}
        self.refuse_bundle(12, bundle, *trust, says=f"{SECOND.keyid}.*{OWNER.keyid}")

    def test_a19_an_id_that_nobody_has(self):
        bundle = a_bundle().sign(OWNER)
        text = bundle.signatures["release.json"][OWNER.keyid]
        bundle.signatures["release.json"] = {"f" * 64: text}
        self.refuse_bundle(11, bundle, says="f" * 64 + f"(.|\n)*{OWNER.keyid}")

    def test_a19_another_hint_in_the_signature(self):
        bundle = a_bundle().sign(OWNER)
        bundle.signatures["release.json"][OWNER.keyid] = OWNER.minisig(
            bundle.texts["release.json"], "x", id=b"12345678")
        self.refuse_bundle(12, bundle)


class Altered(SignatureTest):
    """A9, A10 and A11: something else than what was signed."""

    def test_a9_the_same_document_in_another_form(self):
        for document in ("release", "delivery"):
            forms = (lambda d: json.dumps(d), lambda d: json.dumps(d, indent=2) + "\n",
                     lambda d: json.dumps(d, indent=1, sort_keys=True),
                     lambda d: json.dumps(d, indent=1).replace('"acme', '"\\u0061cme'),
                     lambda d: json.dumps(d, indent=1) + " ")
            for form in forms[:3] if document == "delivery" else forms:
                bundle = a_bundle().sign(OWNER)
                text = form(getattr(bundle, document)).encode()
                self.assertNotEqual(text, bundle.texts[f"{document}.json"])
                bundle.texts[f"{document}.json"] = text
                self.refuse_bundle(12, bundle, says=f"{document}.json.*does not verify")

    def test_a10_bytes_of_a_signed_bundle(self):
        """Each byte in turn is unit.bundle's; here a sample goes through the program."""
        good = a_bundle(Image("app", lines(700), "gzip", 512), Image("b", noise(1500), "none", 512),
                        ).sign(OWNER).archive()
        step = 23  # prime to 512, so that every place of a header is met
        for at in range(0, len(good), step):
            bad = bytearray(good)
            bad[at] ^= 1 << at % 8
            stdin = bytes(bad) if at % 4 == 0 else None
            self.write("x.fwb", bad)
            self.refuse((3, 10, 11, 12, 13), "verify", "-" if stdin else "x.fwb", "-p", "owner.pub",
                        stdin=stdin)

    def test_a11_two_releases(self):
        good, other = a_bundle().sign(OWNER), a_bundle(version="9.9.9").freeze()
        members = good.members()
        second = ("release.json", other.texts["release.json"])
        self.refuse_bundle(3, archive([second] + members), says="duplicate entry")
        self.refuse_bundle(3, archive(members[:2] + [second] + members[2:]))
        self.refuse_bundle(3, archive(members[:1] + [second] + members[1:]), says="duplicate entry")

    def test_a11_documents_of_another_bundle(self):
        one, other = a_bundle().sign(OWNER), a_bundle(version="9.9.9").sign(OWNER)
        mixed = a_bundle().sign(OWNER)
        mixed.texts["delivery.json"] = other.texts["delivery.json"]
        self.refuse_bundle(12, mixed, says="delivery.json")
        mixed.signatures["delivery.json"] = other.signatures["delivery.json"]
        self.refuse_bundle(12, mixed, says="for another release")
        one.texts["release.json"] = other.texts["release.json"]
        self.refuse_bundle(12, one, says="release.json")

    @staticmethod
    def two_images():
        return a_bundle(*(Image(name, noise(1500, seed), "none", 512)
                          for seed, name in enumerate("ab")))

    def test_a11_hashes_exchanged(self):
        bundle = self.two_images().sign(OWNER)
        first, second = bundle.release["images"]
        for member in ("sha256", "blocks_sha256"):
            first[member], second[member] = second[member], first[member]
        bundle.texts["release.json"] = json.dumps(bundle.release, indent=1).encode()
        self.refuse_bundle(12, bundle, image="a")

    def test_a11_payloads_exchanged(self):
        bundle = self.two_images().sign(OWNER)
        one, other = bundle.images
        one.stored, other.stored = other.stored, one.stored
        self.refuse_bundle(13, bundle, says="payloads/a.0.bin", image="a")
        one.table, other.table = other.table, one.table
        self.refuse_bundle(13, bundle, says="images/a.blocks", image="a")
        bundle = self.two_images().sign(OWNER)
        bundle.images.reverse()
        self.refuse_bundle(3, bundle, says="images/a.blocks", image="a")

    def test_a11_the_delivery_key_exchanges_encodings(self):
        """It signs how bytes travel; what they become, the release's signers have said."""
        images = [Image("a", lines(3000), "zstd", 512), Image("b", lines(3000)[::-1], "zstd", 512)]
        bundle = a_bundle(*images)
        first, second = bundle.delivery["images"]
        first["encodings"], second["encodings"] = second["encodings"], first["encodings"]
        images[0].stored, images[1].stored = images[1].stored, images[0].stored
        images[0].frames, images[1].frames = images[1].frames, images[0].frames
        images[0].stored_table, images[1].stored_table = (images[1].stored_table,
                                                          images[0].stored_table)
        bundle.sign(OWNER, ["release"]).sign(DELIVERY, ["delivery"])
        self.refuse_bundle(13, bundle, *Roles.roles, says="that it decodes to", image="a")


class Names(SignatureTest):
    """A12: names that somebody else might take for the same."""

    variants = ("APP", "App", "./app", "app/", "app@1", "a\u0301pp", "\u00e1pp", "app ", " app",
                "app\0", "app\n", "", ".", "..", "-app", ".app", "a" * 42, "ａpp", "app\u200b",
                "a/b", "a\\b", "~", "app%00", "con\u0131")

    def test_a12_images_of_nearly_the_same_name(self):
        for name in self.variants:
            bundle = a_bundle(Image("app", b"one"), Image("b", b"two"))
            bundle.release["images"][1]["name"] = name
            bundle.release["images"][1]["slot"] = "b"
            bundle.delivery["images"][1]["name"] = name
            self.refuse_bundle(3, bundle.sign(OWNER), says="release.json")

    def test_a12_the_same_name_or_slot_twice(self):
        for member in ("name", "slot"):
            bundle = a_bundle(Image("app", b"one"), Image("b", b"two"))
            bundle.release["images"][1][member] = "app"
            self.refuse_bundle(3, bundle.sign(OWNER), says="twice")
        bundle = a_bundle()
        bundle.release["attachments"] = [{"name": "a", "size": 1, "sha256": "0" * 64}] * 2
        self.refuse_bundle(3, bundle.sign(OWNER), says="twice")

    def test_a12_members_of_nearly_the_same_name(self):
        good = a_bundle().sign(OWNER).members()
        for at in range(len(good)):
            name, data = good[at]
            for bad in ("./" + name, name + "/", name.upper(), name + "@1", "/" + name,
                        name + "\u0301", name.replace(".", "\u2024"), "x/../" + name):
                for members in (good[:at] + [(bad, data)] + good[at + 1:],
                                good[:at + 1] + [(bad, data)] + good[at + 1:]):
                    self.write("x.fwb", archive(members))
                    self.refuse((3, 10), "verify", "x.fwb", "-p", "owner.pub")

    def test_a12_members_twice(self):
        good = a_bundle(Image("app", lines(3000), "zstd", 512)).sign(OWNER).members()
        for at, (name, data) in enumerate(good):
            for other in (data, bytes(len(data))):
                self.write("x.fwb", archive(good[:at + 1] + [(name, other)] + good[at + 1:]))
                self.refuse(3, "verify", "x.fwb", "-p", "owner.pub")


class Digests(SignatureTest):
    """A14: a digest in another spelling, or none, is not taken for one that fits."""

    @staticmethod
    def variants(digest):
        return ("", " ", digest + " ", " " + digest, digest.upper(), digest[:-1], digest + "0",
                "0x" + digest, "0x" + digest[2:], "sha256:" + digest, digest[:-1] + "g",
                digest + "\0", digest + "\n", None, 0, [], {}, [digest], True,
                base64.b64encode(bytes.fromhex(digest)).decode(), digest[:32] + "\0" + digest[33:])

    def check(self, document, path):
        """`path` leads to the member: each of its wrong values is refused, and its absence."""
        def bent(change):
            bundle = Bundle([Image("app", lines(3000), "zstd", 512)], [("notes", b"text")])
            bundle.freeze()  # gives the delivery its release_sha256
            bundle.texts, bundle.names_release = {}, document != "delivery"
            holder = getattr(bundle, document)
            for step in path[:-1]:
                holder = holder[step]
            change(holder, path[-1])
            return bundle.sign(OWNER)

        digest = []
        bent(lambda holder, name: digest.append(holder[name]))
        for value in self.variants(digest[0]):
            self.write("x.fwb", bent(lambda holder, name: holder.update({name: value})).archive())
            self.refuse(3, "verify", "x.fwb", "-p", "owner.pub",
                        says=f"{path[-1]}|not valid JSON|NUL")
        self.write("x.fwb", bent(lambda holder, name: holder.pop(name)).archive())
        self.refuse(3, "verify", "x.fwb", "-p", "owner.pub", says=f"{path[-1]}: is missing")
        self.refuse(3, "extract", "x.fwb", "-C", "out", "-p", "owner.pub")
        self.refuse(3, "inspect", "x.fwb")

    def test_a14_in_the_release(self):
        self.check("release", ("images", 0, "sha256"))
        self.check("release", ("images", 0, "blocks_sha256"))
        self.check("release", ("attachments", 0, "sha256"))

    def test_a14_in_the_delivery(self):
        self.check("delivery", ("images", 0, "encodings", 0, "blocks_sha256"))
        self.check("delivery", ("images", 0, "encodings", 0, "frames_sha256"))
        self.check("delivery", ("release_sha256",))

    def test_a14_another_digest(self):
        """Well formed, but not the image's."""
        for member in ("sha256", "blocks_sha256"):
            bundle = a_bundle(Image("app", noise(1500), "none", 512))
            bundle.release["images"][0][member] = "0" * 64
            bundle.delivery["images"][0]["encodings"][0]["blocks_sha256"] = (
                bundle.release["images"][0]["blocks_sha256"])
            self.write("x.fwb", bundle.sign(OWNER).archive())
            self.refuse(13, "verify", "x.fwb", "-p", "owner.pub", "--flat")
        bundle = a_bundle(Image("app", b"one block"))
        bundle.release["images"][0]["sha256"] = "0" * 64
        self.refuse_bundle((3, 13), bundle.sign(OWNER))


class Texts(SignatureTest):
    """A23, A25 and A83: signature files in loose forms, and texts made for a terminal."""

    def bent(self, change):
        bundle = a_bundle().sign(OWNER)
        text = bundle.signatures["release.json"][OWNER.keyid]
        bundle.signatures["release.json"][OWNER.keyid] = change(text)
        return bundle

    def test_a23_loose_forms(self):
        changes = (
            lambda t: t.replace(b"\n", b"\r\n"), lambda t: t.replace(b"\n", b"\r\n", 1),
            lambda t: t + b"\n", lambda t: t + b"x", lambda t: t + t, lambda t: t[:-1],
            lambda t: b"\n" + t, lambda t: b"\xef\xbb\xbf" + t, lambda t: t + b"\0",
            lambda t: t.replace(b"signature from fwpack", b"signature from minisign"),
            lambda t: t.replace(b"signature from fwpack", b"signature from fwpack\x1b[2J"),
            lambda t: t.replace(b"signature from fwpack", b"signature from fwpack "),
            lambda t: t.replace(b"trusted comment: ", b"Trusted comment: ", 2),
            lambda t: t.replace(b"==\n", b"\n"), lambda t: t.replace(b"=\n", b"=\n=\n", 1),
            lambda t: b"\n".join(t.split(b"\n")[i] for i in (0, 1, 3, 2, 4)),
            lambda t: re.sub(rb"\n(\w{20})", rb"\n\1 ", t),
            lambda t: re.sub(rb"\n(\w{20})", rb"\n\1\n", t))
        for change in changes:
            self.assertNotEqual(change(b"=\n" + self.bent(lambda t: t).archive()), b"")
            self.refuse_bundle(3, self.bent(change), says="release.json.*minisig")

    def test_a23_the_legacy_kind(self):
        bundle = a_bundle().sign(OWNER)
        text = bundle.texts["release.json"]
        bundle.signatures["release.json"][OWNER.keyid] = OWNER.minisig(
            text, "x", kind=b"Ed", signature=ed25519.sign(OWNER.seed, text))
        self.refuse_bundle(3, bundle)

    def test_a23_a_comment_that_was_changed(self):
        self.refuse_bundle(12, self.bent(lambda t: t.replace(b"=1.2.3", b"=1.2.4")))

    def test_a15_a_signature_with_the_order_added(self):
        """S + L verifies with the same equation, and is refused (RFC 8032, 5.1.7)."""
        bundle = a_bundle().sign(OWNER)
        signature = OWNER.signature(bundle.texts["release.json"])
        number = int.from_bytes(signature[32:], "little") + ed25519.ORDER
        bundle.signatures["release.json"][OWNER.keyid] = OWNER.minisig(
            bundle.texts["release.json"], "x",
            signature=signature[:32] + number.to_bytes(32, "little"))
        self.refuse_bundle(12, bundle)

    def test_a23_vectors_of_minisign(self):
        """Each file has the verdict that its makers wrote down, but for those too loose."""
        folder = self.shared("vectors/minisign-signify-made")
        verdicts = {
            "a.txt.minisig": 0, "random.bin.minisig": 0, "empty.bin.minisig": 0,
            "a.txt.by-m2.minisig": 11, "a.txt.bad-trusted-comment.minisig": 12,
            "a.txt.truncated.minisig": 3, "a.txt.empty.minisig": 10, "a.txt.cr.minisig": 3,
            "a.txt.trailing.minisig": 3, "a.txt.untrusted-comment-escape.minisig": 3,
            "a.txt.legacy.minisig": 3, "random.bin.legacy.minisig": 3, "a.txt.signify.sig": 3,
            "a.txt.sshsig": 11, "random.bin.sshsig": 11}
        for name, code in verdicts.items():
            file = os.path.join(folder, re.match(r"\w+\.(txt|bin)", name)[0])
            arguments = ("verify", "--detached", file, "-x", os.path.join(folder, name),
                         "-p", os.path.join(folder, "m1.pub"))
            if code:
                self.refuse(code, *arguments)
            else:
                self.succeed(*arguments)

    def test_a25_a_comment_for_the_terminal(self):
        """The signer may say anything; what is no plain text does not parse."""
        for comment in (b"\x1b[2J\x1b[1;32mverified", b"a\rfwpack: verified", b"\x9b2J",
                        b"\xff\xfe", b"a\0b", b"x" * 10000):
            bundle = a_bundle().sign(OWNER)
            bundle.signatures["release.json"][OWNER.keyid] = OWNER.minisig(
                bundle.texts["release.json"], comment)
            self.refuse_bundle(3, bundle)

    def test_a25_a_comment_that_reorders(self):
        comment = "\u202efwpack: verified\u2066 by nobody"
        bundle = a_bundle().sign(OWNER)
        bundle.signatures["release.json"][OWNER.keyid] = OWNER.minisig(
            bundle.texts["release.json"], comment.encode())
        self.write("x.fwb", bundle.archive())
        result = self.run_program("verify", "x.fwb", "-p", "owner.pub", "-v")
        self.assertIn(result.code, (0, 3))
        self.assertNotRegex((result.out + result.err).decode(), r"[\u202a-\u202e\u2066-\u2069]")
        answer = self.run_program("verify", "x.fwb", "-p", "owner.pub", "--json")
        self.assertEqual(answer.json["ok"], answer.code == 0)

    def test_a25_names_of_files(self):
        good = a_bundle().sign(OWNER).archive()
        for name in ("\x1b[2Jx.fwb", "a\nfwpack: verified.fwb", "a\r.fwb", "\u202egood.fwb",
                     b"\xff.fwb", "x" * 250):
            path = os.path.join(os.fsencode(self.folder), os.fsencode(name))
            with open(path, "wb") as file:
                file.write(good)
            result = self.succeed("verify", name, "-p", "owner.pub")
            text = result.out.decode()
            self.assertNotRegex(text, r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e]")
            self.assertEqual(len(re.findall(r"(?m)^\S", text)), 1, text)  # one verdict line
            self.assertTrue(self.succeed("verify", name, "-p", "owner.pub", "--json").json["ok"])
            os.unlink(path)
            self.refuse(1, "verify", name, "-p", "owner.pub")

    def test_a83_texts_in_signed_documents(self):
        for text in ("\x1b[2J", "a\x00b", "\u202eabc", "a\u200bb", "\ud800", " a", "a ", "", "a\nb",
                     "x" * 1025):
            for member in ("product", "compatible", "version"):
                bundle = a_bundle()
                bundle.release[member] = [text] if member == "compatible" else text
                bundle.freeze()
                self.write("x.fwb", bundle.sign(OWNER).archive())
                for command in (("verify", "x.fwb", "-p", "owner.pub"), ("inspect", "x.fwb"),
                                ("sign", "x.fwb", "-k", "owner.key")):
                    self.write("owner.key", OWNER.secret_file(), 0o600)
                    self.refuse(3, *command, says="release.json")


class Versions(SignatureTest):
    """A88, A89 and A90, in what is signed."""

    def test_a88_long_versions(self):
        for size, code in ((50, 0), (255, 0), (256, 3), (65536, 3), (1000000, 3)):
            bundle = a_bundle(version="1.2.3-" + "a" * (size - 6)).sign(OWNER)
            self.write("x.fwb", bundle.archive())
            if code:
                self.refuse(3, "verify", "x.fwb", "-p", "owner.pub", says="version")
            else:
                self.succeed("verify", "x.fwb", "-p", "owner.pub")

    def test_a89_large_numbers(self):
        for version in ("99999999999999999999999.0.0", "1.18446744073709551616.0",
                        "1.0.0-99999999999999999999"):
            self.write("x.fwb", a_bundle(version=version).sign(OWNER).archive())
            result = self.survive("verify", "x.fwb", "-p", "owner.pub", codes=(0, 3))
            if result.code == 0:
                self.assertIn(version, result.out.decode())

    def test_a89_security_versions(self):
        for number in (-1, 2**53, 2**63, 2**64, 1.0, "7", None, True, 10**400):
            self.write("x.fwb", a_bundle(security_version=number).sign(OWNER).archive())
            self.refuse(3, "verify", "x.fwb", "-p", "owner.pub", says="release.json")
        for number in (0, 7, 2**53 - 1):
            self.write("x.fwb", a_bundle(security_version=number).sign(OWNER).archive())
            self.succeed("verify", "x.fwb", "-p", "owner.pub",
                         "--min-security-version", str(number))
            if number < 2**53 - 1:
                self.refuse(14, "verify", "x.fwb", "-p", "owner.pub",
                            "--min-security-version", str(number + 1), says=f"{number}, at least")
        for number in ("-1", "1.0", "", "0x7", str(2**64), str(2**64 + 7), "7 "):
            self.refuse(2, "verify", "x.fwb", "-p", "owner.pub", "--min-security-version", number)

    def test_a90_versions_that_are_none(self):
        for version in ("1", "1.2", "1.2.3.4", "01.2.3", "v1.2.3", "1.2.3-", "1.2.3+", "1.2.3-01",
                        "1.2.3 ", "1.2.3\n", "", "1.2.-3", "1.2.3-ä", "latest"):
            self.write("x.fwb", a_bundle(version=version).sign(OWNER).archive())
            self.refuse(3, "verify", "x.fwb", "-p", "owner.pub", says="version")


main()
