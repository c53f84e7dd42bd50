# SPDX-License-Identifier: MIT
"""A1, A2, A4, A6 to A10, A14, A25 and A77 to A84 of the attack list, for attestations: envelopes
that somebody else made, and statements that say what they should not."""
import base64
import hashlib
import json

import ed25519
from bundles import MIB, Bundle, Image, Key, sha256
from harness import AttackTest, main, noise

OWNER, SECOND, STRANGER = Key("owner"), Key("second"), Key("stranger")
TYPE = "application/vnd.in-toto+json"
SPKI = bytes.fromhex("302a300506032b6570032100")
APP = noise(1000)


def pae(payload, kind=TYPE):
    kind = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def keyid(key):
    return hashlib.sha256(SPKI + key.public).hexdigest()


def text(data):
    return base64.b64encode(data).decode()


class AttestationTest(AttackTest):
    def setUp(self):
        super().setUp()
        for name, key in (("owner", OWNER), ("second", SECOND), ("stranger", STRANGER)):
            self.write(f"{name}.pub", key.public_file())
        self.bundle = Bundle([Image("app", APP)]).sign(OWNER)
        self.write("x.fwb", self.bundle.archive())

    def statement(self, **changes):
        made = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                {"name": "app", "digest": {"sha256": sha256(APP).hex()}},
                {"name": "release.json",
                 "digest": {"sha256": sha256(self.bundle.texts["release.json"]).hex()}}],
            "predicateType": "https://slsa.dev/provenance/v1",
            "predicate": {"buildDefinition": {"buildType": "x:y", "externalParameters": {}},
                          "runDetails": {"builder": {"id": "x:z"}}}}
        made.update(changes)
        return json.dumps(made).encode()

    def envelope(self, payload=None, keys=(OWNER,), sign=pae, **changes):
        payload = self.statement() if payload is None else payload
        made = {"payload": text(payload), "payloadType": TYPE,
                "signatures": [{"keyid": keyid(key),
                                "sig": text(ed25519.sign(key.seed, sign(payload)))}
                               for key in keys]}
        made.update(changes)
        return made

    def put(self, envelope):
        data = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
        self.write("a.json", data)

    def refuse_envelope(self, codes, envelope, says=None, trust=("-p", "owner.pub")):
        self.put(envelope)
        options = ("verify", "x.fwb", *trust, "--attestation", "a.json")
        self.refuse(codes, *options, says=says)
        self.refuse(codes, *options, "--json")

    def take(self, envelope, *trust):
        self.put(envelope)
        self.succeed("verify", "x.fwb", *(trust or ("-p", "owner.pub")), "--attestation", "a.json")


class Signatures(AttestationTest):
    def test_a1_no_signature(self):
        self.take(self.envelope())
        self.refuse_envelope(10, self.envelope(signatures=[]), says="has no signature")
        self.refuse_envelope(10, b"", says="empty")
        self.refuse_envelope(3, self.envelope(signatures=[{}]), says="sig: is missing")

    def test_a2_sizes(self):
        for size in (0, 1, 63, 65, 4096):
            signature = {"keyid": keyid(OWNER), "sig": text(bytes(size))}
            self.refuse_envelope(12, self.envelope(signatures=[signature]),
                                 says=f"{size} bytes, 64 are wanted")

    def test_a4_a_signature_stands_once(self):
        good = self.envelope()["signatures"][0]
        self.refuse_envelope(3, self.envelope(signatures=[good, good]), says="the same signature")
        self.refuse_envelope(3, self.envelope(signatures=[good, {"sig": good["sig"]}]),
                             says="the same signature")
        self.refuse_envelope(3, self.envelope(signatures=[good, dict(good, sig="AA==")]),
                             says="the same key id")

    def test_a6_many_signatures(self):
        many = [{"sig": text(number.to_bytes(64, "big"))} for number in range(10000)]
        self.refuse_envelope(3, self.envelope(signatures=many))

    def test_a7_keys_of_no_role_and_signatures_of_other_things(self):
        self.refuse_envelope(11, self.envelope(keys=(STRANGER,)), says=keyid(STRANGER))
        self.refuse_envelope(12, self.envelope(sign=lambda payload: payload))
        self.refuse_envelope(12, self.envelope(sign=lambda payload: pae(payload, "text/plain")))
        release = self.bundle.texts["release.json"]
        for signed in (release, hashlib.blake2b(release).digest()):
            self.refuse_envelope(12, self.envelope(release, sign=lambda _, made=signed: made))
        # release.json in an envelope, signed as one: still no statement.
        self.refuse_envelope(3, self.envelope(release), says="_type: is missing")

    def test_a7_a_key_id_is_only_a_hint(self):
        named = self.envelope(keys=(STRANGER,))
        named["signatures"][0]["keyid"] = keyid(OWNER)
        self.refuse_envelope(12, named, says="does not verify")
        own = self.envelope()
        own["signatures"][0]["keyid"] = keyid(STRANGER)
        self.take(own)

    def test_a8_the_payload_type(self):
        for kind in ("", "application/json", TYPE.upper(), TYPE + " ", " " + TYPE, TYPE + "\n",
                     TYPE + "\0", TYPE + ";v=1", TYPE[:-1]):
            self.refuse_envelope(3, self.envelope(payloadType=kind))
            self.refuse_envelope(3, self.envelope(
                payloadType=kind, sign=lambda payload, as_kind=kind: pae(payload, as_kind)))
        missing = self.envelope()
        del missing["payloadType"]
        self.refuse_envelope(3, missing, says="payloadType: is missing")

    def test_a9_the_bytes_as_carried(self):
        signed = self.statement()
        for other in (json.dumps(json.loads(signed), indent=1).encode(),
                      json.dumps(json.loads(signed), sort_keys=True).encode(), signed + b"\n"):
            self.refuse_envelope(12, self.envelope(other, sign=lambda _: pae(signed)))

    def test_a10_each_bit_of_payload_and_signature(self):
        payload = self.statement()
        good = self.envelope(payload)
        signature = base64.b64decode(good["signatures"][0]["sig"])
        for place in range(0, len(payload), 61):
            changed = bytearray(payload)
            changed[place] ^= 1 << place % 8
            self.refuse_envelope(12, dict(good, payload=text(bytes(changed))))
        for place in range(0, 64, 7):
            changed = bytearray(signature)
            changed[place] ^= 1 << place % 8
            self.refuse_envelope(12, dict(good, signatures=[
                dict(good["signatures"][0], sig=text(bytes(changed)))]))


class Statements(AttestationTest):
    def subject(self, *subjects):
        return self.envelope(self.statement(subject=list(subjects)))

    def test_a14_digests(self):
        good = sha256(APP).hex()
        for digest in (good.upper(), good + " ", " " + good, good[:-1], good + "0", "", "0x" + good,
                       None, 7, [good]):
            self.refuse_envelope(3, self.subject({"name": "app", "digest": {"sha256": digest}}),
                                 says="digest")
        # A digest that is absent, or of another kind, never matches.
        for digest in ({}, {"sha512": good * 2}, {"SHA256": good}, {"sha256 ": good}):
            self.refuse_envelope(13, self.subject({"name": "app", "digest": digest}),
                                 says="attests other bytes")
        self.refuse_envelope(13, self.subject({"name": "app"}), says="attests other bytes")

    def test_a11_another_release(self):
        other = sha256(b"other").hex()
        self.refuse_envelope(13, self.subject({"name": "app", "digest": {"sha256": other}}))
        self.refuse_envelope(13, self.subject(
            {"name": "app", "digest": {"sha256": sha256(APP).hex()}},
            {"name": "release.json", "digest": {"sha256": other}}), says="release.json")
        self.refuse_envelope(13, self.subject({"name": "x", "digest": {"sha256": other}}),
                             says="none of its 1 subjects")
        self.refuse_envelope(3, self.subject(), says="subject")

    def test_a7_another_predicate(self):
        for changes in ({"predicateType": "https://slsa.dev/verification_summary/v1"},
                        {"predicateType": "https://slsa.dev/provenance/v0.2"},
                        {"_type": "https://in-toto.io/Statement/v0.1"},
                        {"_type": "https://in-toto.io/Statement/v1 "}):
            self.refuse_envelope(3, self.envelope(self.statement(**changes)), says="is wanted")

    def test_a25_text_is_shown_escaped(self):
        predicate = json.loads(self.statement())["predicate"]
        predicate["runDetails"]["builder"]["id"] = "\x1b[2J\u202e\nx.fwb: good"
        self.put(self.envelope(self.statement(predicate=predicate)))
        out = self.succeed("verify", "x.fwb", "-p", "owner.pub", "--attestation", "a.json").out
        self.assertNotRegex(out.decode(), "[\x00-\x09\x0b-\x1f\u202e]")
        self.assertEqual(out.decode().count("\nx.fwb: good"), 0)
        stranger = self.envelope(keys=(STRANGER,))
        stranger["signatures"][0]["keyid"] = "\x1b[2J\u202e\n" * 100
        self.refuse_envelope(11, stranger)

    def test_a77_to_a84_hostile_json(self):
        deep = b'{"_type":' + b"[" * 5000 + b"]" * 5000 + b"}"
        for payload in (deep, b"\xff\xfe{}", b"{", b"{}{}", b'{"_type":"a","_type":"b"}',
                        b"\xef\xbb\xbf" + self.statement(), b"[" + b"0," * 200000 + b"0]"):
            self.refuse_envelope(3, self.envelope(payload))
            self.refuse_envelope(3, payload)
        self.refuse_envelope(3, b" " * (3 * MIB))
        self.refuse_envelope(3, self.envelope(bytes(3 * MIB)))


main()
