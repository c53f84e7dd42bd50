# SPDX-License-Identifier: MIT
"""B1 of the attack list for SSH signatures, of people's keys and of FIDO tokens: in bundles beside
minisign's, beside files, and against ssh-keygen's own verdict."""
import base64
import os
import re
import subprocess

import ed25519
from bundles import ED25519, SK_ED25519, Bundle, Image, Key, ssh_armour, ssh_string
from harness import AttackTest, main, noise

OWNER, SECOND, STRANGER = Key("owner"), Key("second"), Key("stranger")
RELEASE, DELIVERY = "fwpack-release@1", "fwpack-delivery@1"


def a_bundle(**more):
    return Bundle([Image("app", noise(1000))], **more)


class SshTest(AttackTest):
    def setUp(self):
        super().setUp()
        for name, key in (("owner", OWNER), ("second", SECOND), ("stranger", STRANGER)):
            self.write(f"{name}.pub", key.public_file())
            self.write(f"{name}-ssh.pub", key.ssh_file())
            self.write(f"{name}-fido.pub", key.ssh_file("ssh:"))

    def refuse_bundle(self, codes, bundle, *trust, says=None):
        trust = trust or ("-p", "owner-ssh.pub")
        self.write("x.fwb", bundle.archive())
        self.refuse(codes, "verify", "x.fwb", *trust, says=says)
        self.refuse(codes, "extract", "x.fwb", "-C", "out", *trust, says=says)
        self.refuse(codes, "verify", "x.fwb", *trust, "--json")

    def accept(self, bundle, *trust):
        self.write("good.fwb", bundle.archive())
        return self.succeed("verify", "good.fwb", *(trust or ("-p", "owner-ssh.pub")), "--json")

    def with_release(self, text, name=OWNER.keyid):
        """The owner's bundle, with another signature on the release."""
        bundle = a_bundle().sign_ssh(OWNER)
        bundle.ssh_signatures["release.json"] = {name: text(bundle.texts["release.json"])}
        return bundle


class Good(SshTest):
    def test_a_person_and_a_token(self):
        for application, trust in (("", "owner-ssh.pub"), ("", "owner.pub"),
                                   ("ssh:", "owner-fido.pub")):
            for algorithm in ("sha512", "sha256"):
                bundle = a_bundle().sign_ssh(OWNER, application=application, hash=algorithm)
                signer, = self.accept(bundle, "-p", trust).json["results"][0]["documents"][
                    "release"]["signers"]
                self.assertEqual((signer["kind"], signer["state"], signer["keyid"]),
                                 ("sshsig", "good", OWNER.ssh_keyid(application)))
                self.assertEqual(signer.get("application"), application or None)
                if application:
                    self.assertEqual((signer["user_present"], signer["user_verified"],
                                      signer["flags"], signer["counter"]), (True, False, 1, 7))

    def test_inspect_tells_of_them(self):
        self.write("x.fwb", a_bundle().sign(OWNER).sign_ssh(OWNER, application="ssh:").archive())
        answer = self.succeed("inspect", "x.fwb", "--json").json
        self.assertEqual({(one["kind"], one.get("application"), one.get("namespace"))
                          for one in answer["signature_details"]["delivery"]},
                         {("minisig", None, None), ("sshsig", "ssh:", DELIVERY)})
        self.assertIn("FIDO token, application ssh:",
                      self.succeed("inspect", "x.fwb").out.decode())

    def test_they_are_those_of_ssh_keygen(self):
        """What is made here, ssh-keygen verifies too, also a token's: its own verdict."""
        self.need("ssh-keygen")
        self.write("release.json", b"bytes")
        for application, flags in (("", 0), ("ssh:", 1), ("ssh:", 5), ("ssh:work", 1)):
            self.write("sig", OWNER.sshsig(b"bytes", RELEASE, application, flags=flags))
            self.write("allowed", b"anna " + OWNER.ssh_file(application))
            command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", "-I", "anna", "-n", RELEASE,
                       "-s", "sig"]
            result = subprocess.run(command, input=b"bytes", cwd=self.folder, check=False,
                                    capture_output=True)
            self.assertEqual(result.returncode, 0, result.stderr)


class Missing(SshTest):
    """A1 and A2: nothing, or something of another size in its place."""

    def test_a1_an_empty_member(self):
        for empty in (b"", b"\n", bytes(512), b"-----BEGIN SSH SIGNATURE-----"):
            self.refuse_bundle(3, self.with_release(lambda _, e=empty: e), says="release.json")

    def test_a1_one_document_only(self):
        for role, other in (("release", "delivery"), ("delivery", "release")):
            self.refuse_bundle(10, a_bundle().sign_ssh(OWNER, [role]), says=f"{other}.json: no sig")

    def test_a2_sizes(self):
        for size in (0, 1, 63, 65, 9000):
            text = OWNER.sshsig(b"", RELEASE, signature=bytes(size))
            self.refuse_bundle(3, self.with_release(lambda _, t=text: t),
                               says=f"{size} bytes, 64" if size < 9000 else None)
        for size in (0, 31, 33, 64):
            text = OWNER.sshsig(b"", RELEASE, blob=ssh_string(ED25519) + ssh_string(bytes(size)))
            self.refuse_bundle(3, self.with_release(lambda _, t=text: t),
                               says=f"{size} bytes, 32")

    def test_a2_every_length(self):
        good = a_bundle().sign_ssh(OWNER, application="ssh:").ssh_signatures["release.json"]
        text = good[OWNER.ssh_keyid("ssh:")]
        blob = base64.b64decode(b"".join(text.split(b"\n")[1:-2]))
        for cut in (*range(0, len(text), 47), len(text) - 1):
            self.write("x.fwb", self.with_release(lambda _, c=cut: text[:c]).archive())
            self.refuse(3, "verify", "x.fwb", "-p", "owner-fido.pub")
        for cut in range(0, len(blob), 23):
            self.write("x.fwb", self.with_release(lambda _, c=cut: ssh_armour(blob[:c])).archive())
            self.refuse(3, "verify", "x.fwb", "-p", "owner-fido.pub")


class Counting(SshTest):
    """A4: one public key is one signer, whatever it signs with."""

    two = ("-p", "release=owner.pub", "-p", "release=second.pub", "-p", "delivery=owner.pub",
           "--require", "2")

    def test_a4_a_minisig_and_an_sshsig_of_one_key(self):
        bundle = a_bundle().sign(OWNER).sign_ssh(OWNER, ["release"])
        self.refuse_bundle(11, bundle, *self.two, says="1 of 2 signatures")
        self.accept(bundle.sign_ssh(SECOND, ["release"]), *self.two)

    def test_a4_one_key_as_plain_and_as_fido(self):
        trust = ("-p", "release=owner-ssh.pub", "-p", "release=owner-fido.pub",
                 "-p", "release=second.pub", "-p", "delivery=owner.pub")
        bundle = a_bundle().sign(OWNER).sign_ssh(OWNER, ["release"], "ssh:")
        self.refuse_bundle(11, bundle, *trust, "--require", "2", says="1 of 2 signatures")
        self.accept(bundle.sign(SECOND, ["release"]), *trust, "--require", "2")
        self.refuse(2, "verify", "x.fwb", *trust, "--require", "3", says="2 trusted keys")

    def test_a4_under_another_name(self):
        for name, code in ((SECOND.keyid, 12), ("0" * 64, 11), (STRANGER.keyid, 11)):
            bundle = a_bundle().sign_ssh(OWNER)
            text = bundle.ssh_signatures["release.json"][OWNER.keyid]
            bundle.ssh_signatures["release.json"] = {OWNER.keyid: text, name: text}
            self.refuse_bundle(code, bundle, *self.two)

    def test_a4_ids_in_another_case(self):
        bundle = self.with_release(lambda text: OWNER.sshsig(text, RELEASE), OWNER.keyid.upper())
        self.refuse_bundle(3, bundle)


class Roles(SshTest):
    """A7, A19 and A24: made for something else, or by somebody else."""

    def test_a24_made_for_another_namespace(self):
        for namespace in ("git", "file", "fwpack-release", "fwpack-release@2", "FWPACK-release@1",
                          "fwpack-release@1 ", DELIVERY):
            bundle = self.with_release(lambda text, n=namespace: OWNER.sshsig(text, n))
            self.refuse_bundle(12, bundle,
                               says=f'made for namespace "{re.escape(namespace)}"')

    def test_a24_a_namespace_that_was_changed(self):
        bundle = self.with_release(
            lambda text: OWNER.sshsig(text, "git", shown_namespace=RELEASE))
        self.refuse_bundle(12, bundle, says="does not verify")

    def test_a7_one_role_is_not_the_other(self):
        trust = ("-p", "release=owner-ssh.pub", "-p", "delivery=second-ssh.pub")
        self.refuse_bundle(11, a_bundle().sign_ssh(SECOND), *trust,
                           says=f"key {SECOND.keyid} is trusted, but not for the role release")
        self.accept(a_bundle().sign_ssh(OWNER, ["release"]).sign_ssh(SECOND, ["delivery"]), *trust)

    def test_a7_a_stranger_signs_nothing(self):
        self.refuse_bundle(11, a_bundle().sign_ssh(STRANGER), says=STRANGER.keyid)

    def test_a19_the_id_of_another(self):
        trust = ("-p", "release=owner.pub", "-p", "release=second.pub", "-p", "delivery=owner.pub")
        bundle = self.with_release(lambda text: SECOND.sshsig(text, RELEASE))
        self.refuse_bundle(12, bundle, *trust, says=f"{SECOND.keyid}.*{OWNER.keyid}")
        bundle = self.with_release(
            lambda text: SECOND.sshsig(text, RELEASE, blob=OWNER.ssh_blob()))
        self.refuse_bundle(12, bundle, *trust, says="does not verify")


class Fido(SshTest):
    """What a token must have said: for whom it signed, and that somebody was there."""

    trust = ("-p", "owner-fido.pub")

    def test_nobody_touched_it(self):
        for flags in (0, 4, 0xfe):
            self.refuse_bundle(12, a_bundle().sign_ssh(OWNER, application="ssh:", flags=flags),
                               *self.trust, says="nobody touched")

    def test_a_flag_that_was_added(self):
        bundle = a_bundle().sign_ssh(OWNER, application="ssh:", flags=0, shown_flags=1)
        self.refuse_bundle(12, bundle, *self.trust, says="does not verify")

    def test_another_application(self):
        for application in ("ssh:evil", "ssh", "webauthn"):
            bundle = a_bundle().sign_ssh(OWNER, application=application)
            self.refuse_bundle(12, bundle, *self.trust, says=f'application "{application}"')

    def test_a_token_is_no_plain_key(self):
        self.refuse_bundle(12, a_bundle().sign_ssh(OWNER, application="ssh:"), "-p", "owner.pub",
                           says="FIDO application")
        self.refuse_bundle(12, a_bundle().sign_ssh(OWNER), *self.trust, says="FIDO application")
        self.refuse_bundle(12, a_bundle().sign(OWNER), *self.trust, says="only an .sshsig counts")

    def test_kinds_that_are_mixed(self):
        for changes in ({"kind": ED25519}, {"blob": OWNER.ssh_blob()}, {"kind": "ssh-rsa"}):
            text = OWNER.sshsig(b"", RELEASE, "ssh:", **changes)
            self.refuse_bundle(3, self.with_release(lambda _, t=text: t), *self.trust)

    def test_other_types_of_key_are_named(self):
        for kind in ("ssh-rsa", "ecdsa-sha2-nistp256", "sk-ecdsa-sha2-nistp256@openssh.com",
                     "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519 ", ""):
            text = OWNER.sshsig(b"", RELEASE, blob=ssh_string(kind) + ssh_string(OWNER.public))
            self.refuse_bundle(3, self.with_release(lambda _, t=text: t),
                               says=f'type is "{re.escape(kind)}"')


class Altered(SshTest):
    """A9, A10, A15 and A16: bytes that are not what was signed."""

    def test_a9_the_same_document_in_another_form(self):
        bundle = a_bundle().sign_ssh(OWNER)
        bundle.texts["release.json"] += b" "
        self.refuse_bundle(12, bundle, says="does not verify")

    def test_a10_bytes_of_a_signed_bundle(self):
        """No byte of the members is free: unit.sshsig flips each bit, here a sample goes through
        the program."""
        for application, trust in (("", "owner-ssh.pub"), ("ssh:", "owner-fido.pub")):
            good = a_bundle().sign_ssh(OWNER, application=application).archive()
            for at in range(0, len(good), 67):
                bad = bytearray(good)
                bad[at] ^= 1 << at % 8
                self.write("x.fwb", bad)
                self.refuse((3, 10, 11, 12, 13), "verify", "x.fwb", "-p", trust)

    def test_a15_a_signature_with_the_order_added(self):
        def malleable(text):
            signature = OWNER.ssh_signature(text, RELEASE)
            number = int.from_bytes(signature[32:], "little") + ed25519.ORDER
            return OWNER.sshsig(text, RELEASE,
                                signature=signature[:32] + number.to_bytes(32, "little"))
        self.refuse_bundle(12, self.with_release(malleable), says="does not verify")

    def test_a16_a_key_of_small_order(self):
        """Such a key verifies many signatures, and is none."""
        for point in (bytes([1]) + bytes(31), bytes(32), bytes([0xec] + [0xff] * 30 + [0x7f])):
            text = OWNER.sshsig(b"", RELEASE, blob=ssh_string(ED25519) + ssh_string(point))
            self.refuse_bundle(3, self.with_release(lambda _, t=text: t), says="not a usable key")


class Texts(SshTest):
    """A23 and A25: loose forms, and texts made for a terminal."""

    def test_a23_loose_forms(self):
        changes = (
            lambda t: t.replace(b"\n", b"\r\n"), lambda t: t + b"\n", lambda t: t + t,
            lambda t: t[:-1], lambda t: b"\n" + t, lambda t: b"\xef\xbb\xbf" + t,
            lambda t: t.replace(b"SIGNATURE", b"Signature"), lambda t: t.replace(b"=", b""),
            lambda t: t.replace(b"\n-----END", b" \n-----END"), lambda t: t + b"\0",
            lambda t: t.replace(b"\n", b"\n\n", 1), lambda t: t.replace(b"\n-----END", b"-----END"),
            lambda t: ssh_armour(base64.b64decode(b"".join(t.split(b"\n")[1:-2])), 64),
            lambda t: ssh_armour(base64.b64decode(b"".join(t.split(b"\n")[1:-2])), 76))
        for number, change in enumerate(changes):
            good = OWNER.sshsig(a_bundle().freeze().texts["release.json"], RELEASE)
            if change(good) == good:
                continue
            with self.subTest(change=number):
                self.refuse_bundle(3, self.with_release(
                    lambda text, c=change: c(OWNER.sshsig(text, RELEASE))), says="release.json")

    def test_a23_fields(self):
        for changes in ({"version": 0}, {"version": 2}, {"reserved": "x"}, {"tail": b"x"},
                        {"shown_namespace": ""}, {"shown_namespace": "x" * 64}):
            text = OWNER.sshsig(b"", RELEASE, **changes)
            self.refuse_bundle(3, self.with_release(lambda _, t=text: t), says="release.json")

    def test_a25_texts_for_a_terminal(self):
        for bad in ("\x1b[2J", "a\rfwpack: verified", "\u202e", "a\0b", "a\nb", "\x9b2J"):
            for text in (OWNER.sshsig(b"", RELEASE, shown_namespace=bad),
                         OWNER.sshsig(b"", RELEASE, bad),
                         OWNER.sshsig(b"", RELEASE, blob=ssh_string(bad) + ssh_string(b""))):
                bundle = self.with_release(lambda _, t=text: t)
                self.refuse_bundle(3, bundle)
                self.survive("inspect", "x.fwb")


class Detached(SshTest):
    """verify --detached with what ssh-keygen makes of any file."""

    def setUp(self):
        super().setUp()
        self.write("file", b"bytes")

    def verify(self, *options, namespace="file", application="", key=OWNER, **changes):
        self.write("file.sig", key.sshsig(b"bytes", namespace, application, **changes))
        return ("verify", "--detached", "file", "-x", "file.sig", *options)

    def test_good_ones(self):
        self.succeed(*self.verify("-p", "owner-ssh.pub"))
        self.succeed(*self.verify("-p", "owner.pub"))
        answer = self.succeed(*self.verify("-p", "owner-fido.pub", "--namespace", "git", "--json",
                                           namespace="git", application="ssh:")).json
        self.assertEqual((answer["kind"], answer["namespace"], answer["application"],
                          answer["user_present"]), ("sshsig", "git", "ssh:", True))

    def test_a24_namespaces(self):
        self.refuse(12, *self.verify("-p", "owner.pub", namespace="git"),
                    says='made for namespace "git", "file" is wanted\nhint: --namespace')
        self.refuse(12, *self.verify("-p", "owner.pub", "--namespace", "git"),
                    says='made for namespace "file"')

    def test_others(self):
        self.refuse(11, *self.verify("-p", "owner.pub", key=STRANGER), says=STRANGER.keyid)
        self.refuse(12, *self.verify("-p", "owner-fido.pub"), says="FIDO application")
        self.refuse(12, *self.verify("-p", "owner-fido.pub", application="ssh:", flags=0))
        self.refuse(12, *self.verify("-p", "owner.pub", signature=bytes(64)))
        self.write("file.minisig", OWNER.minisig(b"bytes", "x"))
        self.refuse((11, 12), "verify", "--detached", "file", "-p", "owner-fido.pub")
        self.refuse(2, "verify", "--detached", "file", "-p", "owner.pub", "--namespace", "file",
                    says="--namespace goes with an SSH signature")

    def test_a23_files_of_ssh_keygen(self):
        folder = self.shared("vectors/minisign-signify-made")
        for name in ("a.txt", "random.bin"):
            file = os.path.join(folder, name)
            text = open(file + ".sshsig", "rb").read()
            blob = base64.b64decode(b"".join(text.split(b"\n")[1:-2]))
            at = blob.index(b"ssh-ed25519") + 15 + 32
            size = int.from_bytes(blob[at:at + 4], "big")
            self.succeed("verify", "--detached", file, "-x", file + ".sshsig",
                         "-p", os.path.join(folder, "ssh1.pub"),
                         "--namespace", blob[at + 4:at + 4 + size].decode())


main()
