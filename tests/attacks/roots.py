# SPDX-License-Identifier: MIT
"""B1 and B2 of the attack list on the trust root: thresholds, ids, rotation, revocation, time, and
roots that a bundle carries."""
import copy
import json
import os

from bundles import Bundle, Image, Key, archive, sha256
from harness import AttackTest, main, noise
from tuf import Root, TUF, canonical, key_object, sign

ANNA, BEN, CHRIS, DORA = Key("anna"), Key("ben"), Key("chris"), Key("dora")
CI, STRANGER = Key("ci"), Key("stranger")


def roles(**more):
    return {"root": (2, [ANNA, BEN]), "release": (2, [ANNA, BEN, CHRIS]), "delivery": [CI], **more}


def first():
    return Root(1, roles()).sign(ANNA, BEN)


def following(version, **more):
    return Root(version, roles(), **more).sign(ANNA, BEN)


def a_bundle(*signers):
    bundle = Bundle([Image("app", noise(1000))])
    for key in signers or (ANNA, BEN):
        bundle.sign(key, ["release"])
    return bundle.sign(CI, ["delivery"])


def with_roots(bundle, *roots):
    members = [(f"roots/{root.signed['version']}.root.json", root.text()) for root in roots]
    return archive(members + bundle.members())


class RootTest(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("good.fwb", a_bundle().archive())

    def root(self, root, name="root.json"):
        return self.write(name, root if isinstance(root, bytes) else root.text())

    def refuse_root(self, codes, root, says=None):
        """As trust, by those who check it and by those who use it; a second time too."""
        self.root(root)
        for _ in range(2):
            self.refuse(codes, "verify", "good.fwb", "-t", "root.json", says=says)
        self.refuse(codes, "verify", "good.fwb", "-t", "root.json", "--json")
        self.refuse(codes, "extract", "good.fwb", "-C", "out", "-t", "root.json", says=says)
        self.refuse(codes, "trust", "check", "root.json", says=says)

    def refuse_step(self, codes, *chain, says=None):
        """On the command line, and in a bundle (A34: a second run refuses too)."""
        names = [self.root(root, f"{n}.json") for n, root in enumerate(chain)]
        self.write("x.fwb", with_roots(a_bundle(), *chain[1:]))
        for _ in range(2):
            self.refuse(codes, "trust", "check", *names, says=says)
            self.refuse(codes, "verify", "x.fwb", "-t", "0.json", says=says)
        self.refuse(codes, "trust", "embed", "good.fwb", *names, says=says)


class Good(RootTest):
    def test_what_the_others_begin_with(self):
        self.root(first())
        result = self.succeed("verify", "good.fwb", "-t", "root.json", "--json")
        self.assertEqual(result.json["results"][0]["root"], {"version": 1, "steps": 0})
        self.succeed("trust", "check", "root.json")
        result = self.succeed("extract", "good.fwb", "app", "-o", "-", "-t", "root.json")
        self.assertEqual(result.out, noise(1000))

    def test_form_is_the_one_that_fwpack_writes(self):
        self.root(first())
        second = following(2)
        self.root(second, "2.json")
        self.succeed("trust", "embed", "good.fwb", "root.json", "2.json", "-o", "x.fwb")
        self.assertEqual(self.read("x.fwb"), with_roots(a_bundle(), second))


class Files(RootTest):
    """A3: no root, so no trust."""

    def test_a3_no_root_there(self):
        for name, data in (("nothing.json", None), ("empty.json", b""), ("text.json", b"hello\n")):
            if data is not None:
                self.write(name, data)
            self.refuse((3, 11), "verify", "good.fwb", "-t", name, says=name)
        self.refuse(2, "verify", "good.fwb", "-t", self.folder)
        self.refuse(11, "verify", "good.fwb", "-t", "nothing.json", says="no trust root at")

    def test_a120_a_root_from_the_environment_is_named(self):
        self.root(first())
        result = self.succeed("verify", "good.fwb", env={"FWPACK_TRUST": "root.json"})
        self.assertIn("FWPACK_TRUST: root.json", result.text)
        stranger = Root(1, {"root": [STRANGER], "release": [STRANGER], "delivery": [STRANGER]})
        self.root(stranger.sign(STRANGER), "bad.json")
        self.succeed("verify", "good.fwb", "-t", "root.json", env={"FWPACK_TRUST": "bad.json"})
        self.refuse(11, "verify", "good.fwb", env={"FWPACK_TRUST": "bad.json"})
        self.refuse(2, "verify", "good.fwb", "-t", "root.json", "-p", "anna.pub")


class Thresholds(RootTest):
    def test_a4_one_signature_twice(self):
        once = Root(1, roles()).sign(ANNA)
        twice = copy.deepcopy(once)
        twice.signatures *= 2
        self.refuse_root(11, twice, says="1 of 2 signatures")
        upper = copy.deepcopy(once)
        upper.signatures.append({**once.signatures[0], "keyid": ANNA.keyid.upper()})
        self.refuse_root(11, upper, says="1 of 2 signatures")

    def test_a4_one_key_under_two_ids(self):
        root = Root(1, roles())
        twin = {**key_object(ANNA), "note": "x"}
        keyid = sha256(canonical(twin).encode()).hex()
        root.signed["keys"][keyid] = twin
        root.signed["roles"]["root"]["keyids"].append(keyid)
        root.sign(ANNA)
        root.signatures.append({**sign(root.signed, ANNA), "keyid": keyid})
        self.refuse_root(3, root, says="two ids")

    def test_a4_a_bundle_signed_twice_by_one(self):
        self.root(first())
        self.write("x.fwb", a_bundle(ANNA).archive())
        self.refuse(11, "verify", "x.fwb", "-t", "root.json", says="1 of 2 signatures")
        self.write("x.fwb", a_bundle(ANNA, STRANGER).archive())
        self.refuse(11, "verify", "x.fwb", "-t", "root.json", says="1 of 2 signatures")
        self.refuse(2, "verify", "good.fwb", "-t", "root.json", "--require", "1", says="fewer")
        self.refuse(11, "verify", "good.fwb", "-t", "root.json", "--require", "3", says="2 of 3")

    def test_a5_thresholds_that_are_none(self):
        for role in (*TUF, "release", "delivery"):
            for number in ("0", "-1", "1.0", '"2"', str(2**63), "4", "null", "1e0", "[]"):
                root = Root(1, roles())
                place = root.signed if role in TUF else root.extra
                place["roles"][role]["threshold"] = 77777
                root.sign(ANNA, BEN)
                self.root(root.text().replace(b"77777", number.encode()))
                self.refuse(3, "trust", "check", "root.json")

    def test_a6_100_000_signatures(self):
        root = first()
        root.signatures = [root.signatures[0]] * 100000
        self.refuse_root(3, root)
        root.signatures = root.signatures[:65]
        self.refuse_root(3, root, says="65 entries")

    def test_a7_the_wrong_roles_key(self):
        root = Root(1, roles()).sign(CHRIS, CI)
        self.refuse_root(11, root, says="0 of 2")
        self.root(first())
        bundle = Bundle([Image("app", noise(1000))]).sign(CI)
        self.write("x.fwb", bundle.archive())
        self.refuse(11, "verify", "x.fwb", "-t", "root.json", says="not for the role release")
        bundle = Bundle([Image("app", noise(1000))]).sign(ANNA).sign(BEN)
        self.write("x.fwb", bundle.archive())
        self.refuse(11, "verify", "x.fwb", "-t", "root.json", says="delivery.json")

    def test_a9_another_text_under_the_signature(self):
        def later(signed):
            signed["expires"] = "2098-01-01T00:00:00Z"
        self.refuse_root(12, first().altered(later), says="does not verify")


class Keys(RootTest):
    def test_a17_points_that_are_none(self):
        bad = [bytes(32), b"\x01" + bytes(31), b"\xec" + b"\xff" * 30 + b"\x7f", b"\xff" * 32,
               b"\xee" + b"\xff" * 30 + b"\x7f"]
        for public in bad:
            root = Root(1, roles())
            key = {**key_object(ANNA), "keyval": {"public": public.hex()}}
            keyid = sha256(canonical(key).encode()).hex()
            root.signed["keys"][keyid] = key
            root.extra["roles"]["release"]["keyids"].append(keyid)
            self.refuse_root(3, root.sign(ANNA, BEN), says="not a usable key")

    def test_a19_ids_that_are_not_the_keys(self):
        root = Root(1, roles())
        root.signed["keys"][ANNA.keyid], root.signed["keys"][BEN.keyid] = (
            root.signed["keys"][BEN.keyid], root.signed["keys"][ANNA.keyid])
        self.refuse_root(3, root.sign(ANNA, BEN), says="has the id")
        for keyid in ("", "x", ANNA.keyid[:16], ANNA.keyid.upper(), ANNA.keyid + "00"):
            root = Root(1, roles())
            root.signed["keys"][keyid] = key_object(STRANGER)
            self.refuse_root(3, root.sign(ANNA, BEN), says="key's id")

    def test_a19_two_keys_of_one_minisign_id(self):
        twin = Key("twin", ANNA.minisign_id)
        root = Root(1, {"root": [ANNA], "release": [ANNA, twin], "delivery": [CI]})
        self.root(root.sign(ANNA))
        self.write("x.fwb", a_bundle(twin).archive())
        self.succeed("verify", "x.fwb", "-t", "root.json")
        bundle = Bundle([Image("app", noise(1000))]).sign(CI, ["delivery"]).sign(ANNA, ["release"])
        bundle.signatures["release.json"] = {twin.keyid: bundle.signatures["release.json"].pop(
            ANNA.keyid)}
        self.write("x.fwb", bundle.archive())
        self.refuse(12, "verify", "x.fwb", "-t", "root.json",
                    says=f"{ANNA.keyid}[^\n]*{twin.keyid}")

    def test_a123_demo_keys(self):
        demo = Key("demo", b"DEMO\x01\x02\x03\x04")
        root = Root(1, {"root": [ANNA], "release": [demo], "delivery": [CI]}).sign(ANNA)
        self.write("x.fwb", a_bundle(demo).archive())
        self.root(root)
        self.refuse(11, "verify", "x.fwb", "-t", "root.json", says="demo key")
        self.refuse(11, "trust", "check", "root.json", says="demo key")
        result = self.succeed("verify", "x.fwb", "-t", "root.json", "--allow-demo-keys")
        self.assertIn("anybody can sign", result.text)
        for name, key in (("anna", ANNA), ("demo", demo)):
            self.write(f"{name}.pub", key.public_file())
        self.refuse(11, "trust", "init", "-o", "new.json", "-p", "root=anna.pub", "-p",
                    "release=demo.pub", "-p", "delivery=anna.pub", says="demo key")
        # A root that was let in says so itself, whatever the key's spelling.
        hidden = Root(1, {"root": [ANNA], "release": [demo], "delivery": [CI]})
        del hidden.extra["minisign_ids"][demo.keyid]
        hidden.extra["demo"] = [demo.keyid]
        self.root(hidden.sign(ANNA))
        self.refuse(11, "verify", "x.fwb", "-t", "root.json", says="demo key")


class Rotation(RootTest):
    def test_a33_a_version_left_out(self):
        self.refuse_step(14, first(), following(2), following(4), says="root 3 is missing")
        self.refuse_step(14, first(), following(3), says="root 2 is missing")

    def test_a33_fifteen_in_a_row(self):
        chain = [first(), *(following(n) for n in range(2, 16))]
        names = [self.root(root, f"{root.signed['version']}.json") for root in chain]
        self.succeed("trust", "check", *names)
        self.write("x.fwb", with_roots(a_bundle(), *chain[1:]))
        for start in (1, 2, 14, 15):
            result = self.succeed("verify", "x.fwb", "-t", f"{start}.json", "--json")
            self.assertEqual(result.json["results"][0]["root"],
                             {"version": 15, "steps": 15 - start})

    def test_a33_roots_in_a_bundle_out_of_order(self):
        self.root(first())
        two, three = following(2), following(3)
        members = [(f"roots/{n}.root.json", root.text()) for n, root in ((3, three), (2, two))]
        self.write("x.fwb", archive(members + a_bundle().members()))
        self.refuse(3, "verify", "x.fwb", "-t", "root.json", says="out of order")
        self.write("x.fwb", archive([("roots/2.root.json", three.text())] + a_bundle().members()))
        self.refuse((3, 14), "verify", "x.fwb", "-t", "root.json")

    def test_a34_signed_by_one_side_only(self):
        new = {"root": (2, [CHRIS, DORA])}
        for signers in ((ANNA, BEN), (CHRIS, DORA), (ANNA, CHRIS, DORA), (ANNA, BEN, CHRIS)):
            root = Root(2, roles(**copy.deepcopy(new))).sign(*signers)
            self.refuse_step(11, first(), root, says="of 2 signatures by root keys of root")
        self.refuse_step(10, first(), Root(2, roles(**copy.deepcopy(new))), says="not signed")
        root = Root(2, roles(**new)).sign(ANNA, BEN, CHRIS, DORA)
        self.root(first())
        self.write("x.fwb", with_roots(a_bundle(), root))
        self.succeed("verify", "x.fwb", "-t", "root.json")

    def test_a34_a_root_by_a_stranger(self):
        stranger = Root(2, {"root": [STRANGER], "release": [STRANGER], "delivery": [STRANGER]})
        self.refuse_step(11, first(), stranger.sign(STRANGER), says="0 of 2")

    def test_a31_the_same_version_with_other_words(self):
        self.root(following(2), "2.json")
        other = following(2, expires="2098-01-01T00:00:00Z")
        self.write("x.fwb", with_roots(a_bundle(), other))
        self.refuse(12, "verify", "x.fwb", "-t", "2.json", says="same version")

    def test_roots_say_nothing_to_bare_keys(self):
        for name, key in (("anna", ANNA), ("ci", CI)):
            self.write(f"{name}.pub", key.public_file())
        stranger = Root(2, {"root": [STRANGER], "release": [STRANGER], "delivery": [STRANGER]})
        self.write("x.fwb", with_roots(a_bundle(), stranger.sign(STRANGER)))
        self.succeed("verify", "x.fwb", "-p", "release=anna.pub", "-p", "delivery=ci.pub")

    def test_a10_signatures_that_nobody_could_check(self):
        self.root(first())
        for more in (sign(following(2).signed, STRANGER), {"keyid": "x", "sig": ""}):
            root = following(2)
            root.signatures.append(more)
            self.write("x.fwb", with_roots(a_bundle(), root))
            self.refuse(11, "verify", "x.fwb", "-t", "root.json", says="roots/2.root.json")
        root = following(2)
        root.signatures.append(root.signatures[0])
        self.write("x.fwb", with_roots(a_bundle(), root))
        self.refuse(3, "verify", "x.fwb", "-t", "root.json", says="two signatures")


class Revocation(RootTest):
    def second(self, version=2, revoked=((CHRIS, "laptop stolen"),)):
        more = {"release": [ANNA, BEN]}
        return Root(version, roles(**more), revoked=revoked).sign(ANNA, BEN)

    def test_a20_a_revoked_key(self):
        self.root(first())
        self.write("x.fwb", with_roots(a_bundle(CHRIS), self.second()))
        self.refuse(18, "verify", "x.fwb", "-t", "root.json",
                    says=f"revoked key {CHRIS.keyid}: laptop stolen")
        self.write("x.fwb", with_roots(a_bundle(CHRIS, ANNA), self.second()))
        self.succeed("verify", "x.fwb", "-t", "root.json")

    def test_a20_a_revocation_taken_back(self):
        third = Root(3, roles()).sign(ANNA, BEN)
        self.refuse_step(18, first(), self.second(), third, says=CHRIS.keyid)
        self.refuse_step(18, first(), self.second(), self.second(3, ((DORA, "x"),)))

    def test_a20_a_revoked_key_that_holds_a_role(self):
        root = Root(1, roles(), revoked=[(CHRIS, "lost")]).sign(ANNA, BEN)
        self.refuse_root(3, root, says="is revoked, and holds the role release")


class Time(RootTest):
    def test_a20_expired(self):
        root = Root(1, roles(), expires="2025-01-01T00:00:00Z").sign(ANNA, BEN)
        self.refuse_root(17, root, says="expired on 2025-01-01T00:00:00Z; it is 20")
        result = self.succeed("verify", "good.fwb", "-t", "root.json", "--no-clock")
        self.assertIn("--no-clock: ", result.text)
        # Only the last root counts.
        self.write("x.fwb", with_roots(a_bundle(), following(2)))
        self.succeed("verify", "x.fwb", "-t", "root.json")
        late = following(2, expires="2025-02-01T00:00:00Z")
        self.write("x.fwb", with_roots(a_bundle(), late))
        self.refuse(17, "verify", "x.fwb", "-t", "root.json", says="root 2 expired")

    def test_a20_a_clock_that_was_never_set(self):
        self.need("faketime")
        self.root(first())
        before = self.run_program("1970-01-02", "fwpack" if "/" not in os.environ["FWPACK"]
                                  else os.environ["FWPACK"], "verify", "good.fwb", "-t",
                                  "root.json", program="faketime")
        self.check_refusal(before, 17, r"the clock says 1970-01-02[^\n]*\nhint: [^\n]*--no-clock")


class Tokens(RootTest):
    """FIDO keys, which stand in x-fwpack alone."""

    def first(self, *applications):
        root = Root(1, {"root": [ANNA], "release": (2, [ANNA, BEN]), "delivery": [CI]})
        for application in applications or ("ssh:",):
            root.add_fido("release", DORA, application)
        return root

    def signed(self, **changes):
        bundle = Bundle([Image("app", noise(1000))]).sign(ANNA, ["release"]).sign(CI, ["delivery"])
        return bundle.sign_ssh(DORA, ["release"], **{"application": "ssh:", **changes}).archive()

    def test_a_token_counts(self):
        self.root(self.first().sign(ANNA))
        self.write("x.fwb", self.signed())
        self.succeed("verify", "x.fwb", "-t", "root.json")

    def test_a_token_that_nobody_touched(self):
        self.root(self.first().sign(ANNA))
        for changes in ({"flags": 0}, {"flags": 4}):
            self.write("x.fwb", self.signed(**changes))
            self.refuse(12, "verify", "x.fwb", "-t", "root.json", says=DORA.ssh_keyid("ssh:"))
        for application in ("", "ssh:other"):
            self.write("x.fwb", self.signed(application=application))
            self.refuse((11, 12), "verify", "x.fwb", "-t", "root.json")

    def test_a4_one_token_under_two_applications(self):
        self.refuse_root(3, self.first("ssh:", "ssh:more").sign(ANNA), says="two ids")
        twice = self.first()
        twice.add_role("delivery", 1, [CI, DORA])
        self.refuse_root(3, twice.sign(ANNA), says="two ids")

    def test_a_token_in_a_role_of_tuf(self):
        for role in TUF:
            root = self.first()
            root.add_fido(role, DORA)
            self.refuse_root(3, root.sign(ANNA), says="no TUF client could check it")

    def test_a_token_named_on_the_command_line(self):
        for name, key in (("anna", ANNA), ("ci", CI)):
            self.write(f"{name}.pub", key.public_file())
        self.write("anna.key", ANNA.secret_file(), 0o600)
        self.write("dora.pub", DORA.ssh_file("ssh:"))
        self.refuse(2, "trust", "init", "-o", "root.json", "-p", "root=dora.pub", "-p",
                    "release=anna.pub", "-p", "delivery=ci.pub", says="FIDO")
        self.succeed("trust", "init", "-o", "root.json", "-p", "root=anna.pub", "-p",
                     "release=anna.pub", "-p", "release=dora.pub", "-p", "delivery=ci.pub",
                     "--threshold", "release=2")
        self.succeed("trust", "sign", "root.json", "-k", "anna.key")
        self.write("x.fwb", self.signed())
        self.succeed("verify", "x.fwb", "-t", "root.json")

    def test_a20_a_revoked_token(self):
        second = Root(2, {"root": [ANNA], "release": (2, [ANNA, BEN]), "delivery": [CI]})
        second.extra["revoked"] = [Root.revocation(DORA, "lost", "ssh:")]
        self.root(second.sign(ANNA))
        self.write("x.fwb", self.signed())
        self.refuse(18, "verify", "x.fwb", "-t", "root.json",
                    says=f"revoked key {DORA.ssh_keyid('ssh:')}: lost")


class Parsing(RootTest):
    def test_a45_each_member_replaced(self):
        root = first()
        root.extra["demo"] = []
        root.extra["revoked"] = [Root.revocation(DORA, "x")]
        document = {"signatures": root.signatures, "signed": root.signed}

        def places(value, path=()):
            if isinstance(value, (dict, list)):
                for name in value if isinstance(value, dict) else range(len(value)):
                    yield (*path, name)
                    yield from places(value[name], (*path, name))

        marks = ["null", "[]", "{}", "-1", '""', "1e400", "true", "[[[]]]", '"\\u0000"', "1.5"]
        for number, path in enumerate(places(document)):
            other = copy.deepcopy(document)
            inner = other
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = "@@@@"
            mark = marks[number % len(marks)]
            self.root(json.dumps(other).replace('"@@@@"', mark).encode())
            self.survive("trust", "check", "root.json", codes=(3, 10, 11, 12))

    def test_a45_json_that_is_none(self):
        text = first().text()
        for data in (text[:-2], text + b"{}", b"\xef\xbb\xbf" + text, text.replace(b":", b" "),
                     b"[" * 5000, b'{"signed":{},"signed":{}}', b"\0" + text, b"{}", b"[]",
                     text.replace(b'"version": 1', b'"version": 1, "version": 1')):
            self.refuse_root(3, data)
        self.refuse_root(3, text + b" " * 512000)

    def test_a46_unknown_members(self):
        root = Root(1, roles())
        root.signed["moon"] = {"phase": [1, "full"]}
        root.extra["sun"] = True
        root.signed["roles"]["mirrors"] = {"keyids": [], "threshold": 1}
        root.signed["keys"][ANNA.keyid] = key_object(ANNA)
        self.root(root.sign(ANNA, BEN))
        self.succeed("verify", "good.fwb", "-t", "root.json")
        self.refuse_root(12, root.altered(lambda signed: signed.pop("moon")))
        # What a root calls critical must be known.
        for name, code in (("sun", 3), ("revoked", None)):
            root = Root(1, roles())
            root.extra.update(sun=True, critical=[name])
            self.root(root.sign(ANNA, BEN))
            if code is None:
                self.succeed("verify", "good.fwb", "-t", "root.json")
            else:
                self.refuse_root(code, root, says='"sun"')

    def test_a7_other_documents_as_roots(self):
        for kind in ("targets", "snapshot", "timestamp", "", "ROOT", "root "):
            root = Root(1, roles())
            root.signed["_type"] = kind
            self.refuse_root(3, root.sign(ANNA, BEN), says="type")


if __name__ == "__main__":
    main()
