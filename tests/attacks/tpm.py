# SPDX-License-Identifier: MIT
"""Keys sealed to a TPM (docs/tpm.md): what stock tools make of the files, and A122: each fault of
a TPM has its own words, uses up no try without saying so, and leaves nothing in the TPM."""
import base64
import json
import os
import signal
import subprocess

from bundles import Bundle, Image, Key
from harness import SANITIZED, main, noise
from swtpm import STORAGE, Cable, TpmTest

OWNER = Key("owner")
PIN = b"correct horse 7421"


class SealedTest(TpmTest):
    def setUp(self):
        super().setUp()
        self.write("owner.key", OWNER.secret_file(), 0o600)
        self.write("owner.pub", OWNER.public_file())
        self.write("pin", PIN + b"\n", 0o600)
        self.write("wrong", b"1234\n", 0o600)
        self.write("text", b"to be signed\n")

    def seal(self, name, *options):
        self.succeed("key", "seal", "owner.key", "-o", name, *options)
        self.nothing_is_left()

    def sign(self, name, *options, **more):
        return self.succeed("sign", "--detached", "text", "-k", f"tpm2:{name}", "-o", "made", "-q",
                            *options, **more)

    def refuse_signing(self, codes, name, *options, says, **more):
        result = self.refuse(codes, "sign", "--detached", "text", "-k", f"tpm2:{name}", "-o", "made",
                             "-q", *options, says=says, **more)
        self.assertNotIn(PIN.decode(), result.text)
        return result

    def blobs(self, name):
        """The two parts of a sealed file, as docs/tpm.md takes them out."""
        sealed = json.loads(self.read(name))
        for part in ("public", "private"):
            self.write(part, base64.b64decode(sealed[f"tpm2b_{part}"]))

    def tpm2(self, *command, **options):
        return self.tpm.run(*command, cwd=self.folder, **options)


class Sealing(SealedTest):
    def test_signatures_are_those_of_the_key_file(self):
        self.write("x.fwb", Bundle([Image("app", noise(1000))]).freeze().archive())
        self.write("y.fwb", self.read("x.fwb"))
        self.seal("owner.tpm")
        self.assertEqual(os.stat(self.path("owner.tpm")).st_mode & 0o7777, 0o600)
        self.succeed("sign", "x.fwb", "-k", "tpm2:owner.tpm")
        self.nothing_is_left()
        self.succeed("sign", "y.fwb", "-k", "owner.key")
        self.assertEqual(self.read("x.fwb"), self.read("y.fwb"))
        self.succeed("verify", "x.fwb", "-p", "owner.pub")

    def test_what_a_sealed_file_says(self):
        """Without a TPM: its ids, its PCRs, that it is sealed."""
        self.seal("owner.tpm", "--pcrs", "16,7", "--pin-file", "pin")
        for command in (("key", "show"), ("inspect",)):
            text = self.succeed(*command, "owner.tpm", env={"TPM2TOOLS_TCTI": None}).out.decode()
            self.assertIn("owner.tpm: secret key, sealed to a TPM", text)
            self.assertIn(OWNER.keyid, text)
            self.assertIn("sealed to    PCR 7,16, with a PIN", text)
        shown = self.succeed("key", "show", "owner.tpm", "--json").json["keys"][0]
        self.assertEqual((shown["kind"], shown["keyid"], shown["pcrs"], shown["pin"]),
                         ("sealed", OWNER.keyid, "7,16", True))

    def test_it_lasts(self):
        """A TPM that lost its power in the middle, and a key file that is gone."""
        self.seal("owner.tpm")
        os.unlink(self.path("owner.key"))
        self.tpm.restart()
        self.sign("owner.tpm")
        self.succeed("verify", "--detached", "text", "--signature", "made", "-p", "owner.pub")

    def test_never_written_over(self):
        self.write("owner.tpm", b"something else")
        self.refuse(2, "key", "seal", "owner.key", "-o", "owner.tpm", says="exists")
        self.refuse(2, "key", "seal", "owner.key", says="-o")
        self.refuse(2, "key", "seal", "owner.key", "-o", "-", says="file")
        for pcrs in ("", "24", "7,", "7,7", "07", "a", "7 8", "-1"):
            self.refuse(2, "key", "seal", "owner.key", "-o", "new", f"--pcrs={pcrs}", says="PCR")

    def test_a_dry_run(self):
        result = self.succeed("key", "seal", "owner.key", "-o", "owner.tpm", "-n")
        self.assertIn("would be sealed", result.out.decode())
        self.assertFalse(self.exists("owner.tpm"))

    def test_a_sealed_key_is_not_sealed_again(self):
        self.seal("owner.tpm")
        self.refuse(2, "key", "seal", "tpm2:owner.tpm", "-o", "new", says="does not give it out")

    def test_a_small_stack(self):
        self.seal("owner.tpm")
        if SANITIZED:
            self.skipTest("its own frames are large")
        def prepare():
            import resource  # pylint: disable=import-outside-toplevel
            resource.setrlimit(resource.RLIMIT_STACK, (65536, 65536))
        self.sign("owner.tpm", prepare=prepare)


class Stock(SealedTest):
    """docs/tpm.md: who loses fwpack opens the files with tpm2-tools."""

    def load(self, parent):
        self.tpm2("tpm2_load", "-C", parent, "-u", "public", "-r", "private", "-c", "sealed", "-Q")
        self.tpm2("tpm2_flushcontext", "-t")

    def test_tpm2_tools_open_it(self):
        self.seal("owner.tpm", "--pcrs", "7,16")
        self.blobs("owner.tpm")
        self.tpm2("tpm2_createprimary", *STORAGE, "-c", "primary", "-Q")
        self.tpm2("tpm2_flushcontext", "-t")
        self.load("primary")
        seed = self.tpm2("tpm2_unseal", "-c", "sealed", "-p", "pcr:sha256:7,16")
        self.assertEqual(seed, OWNER.seed)

    def test_with_a_pin(self):
        self.seal("owner.tpm", "--pin-file", "pin")
        self.blobs("owner.tpm")
        self.tpm2("tpm2_createprimary", *STORAGE, "-c", "primary", "-Q")
        self.tpm2("tpm2_flushcontext", "-t")
        self.load("primary")
        self.tpm2("tpm2_startauthsession", "--policy-session", "-S", "session")
        self.tpm2("tpm2_policypcr", "-S", "session", "-l", "sha256:7", "-Q")
        self.tpm2("tpm2_policyauthvalue", "-S", "session", "-Q")
        seed = self.tpm2("tpm2_unseal", "-c", "sealed", "-p", "session:session+" + PIN.decode())
        self.assertEqual(seed, OWNER.seed)
        self.tpm.flush()

    def test_a_storage_key_that_is_kept(self):
        """0x81000001 is taken where it is of the right kind, so the owner's password is not
        needed; an RSA key there is passed over."""
        self.tpm2("tpm2_createprimary", "-C", "o", "-G", "rsa", "-c", "rsa", "-Q")
        self.tpm2("tpm2_evictcontrol", "-C", "o", "-c", "rsa", "0x81000001", "-Q")
        self.tpm.flush()
        self.seal("plain.tpm")
        self.sign("plain.tpm")
        self.tpm2("tpm2_evictcontrol", "-C", "o", "-c", "0x81000001", "-Q")
        self.tpm2("tpm2_createprimary", "-C", "o", "-G", "ecc", "-g", "sha256", "-c", "ecc", "-Q")
        self.tpm2("tpm2_evictcontrol", "-C", "o", "-c", "ecc", "0x81000001", "-Q")
        self.tpm.flush()
        self.seal("kept.tpm")
        self.sign("plain.tpm", "--dry-run")  # by the key that is made for it
        self.tpm2("tpm2_changeauth", "-c", "o", "secret")
        self.refuse_signing(4, "plain.tpm", says="owner hierarchy has a password")
        self.blobs("kept.tpm")
        self.load("0x81000001")
        self.assertEqual(self.tpm2("tpm2_unseal", "-c", "sealed", "-p", "pcr:sha256:7"), OWNER.seed)
        self.tpm.flush()
        os.unlink(self.path("made"))
        self.sign("kept.tpm")
        self.nothing_is_left()

    def test_nothing_is_in_the_clear_on_the_bus(self):
        """Recorded by libtss2 itself; tpm2_unseal without a session shows that it records."""
        tcti = f"pcap:{self.tpm.tcti}"
        def recorded(name):
            return {"TPM2TOOLS_TCTI": tcti, "TCTI_PCAP_FILE": self.path(name)}
        self.succeed("key", "seal", "owner.key", "-o", "owner.tpm", "--pin-file", "pin",
                     env=recorded("sealing"))
        self.sign("owner.tpm", "--passphrase-file", "pin", env=recorded("signing"))
        for name in ("sealing", "signing"):
            bus = self.read(name)
            self.assertGreater(len(bus), 1000)
            for secret in (OWNER.seed, OWNER.seed[:8], PIN):
                self.assertNotIn(secret, bus)
        self.seal("plain.tpm")
        self.blobs("plain.tpm")
        self.tpm2("tpm2_createprimary", *STORAGE, "-c", "primary", "-Q")
        self.tpm2("tpm2_flushcontext", "-t")
        self.load("primary")
        subprocess.run(["tpm2_unseal", "-c", "sealed", "-p", "pcr:sha256:7"], cwd=self.folder,
                       check=True, env={**os.environ, **recorded("clear")}, capture_output=True)
        self.assertIn(OWNER.seed, self.read("clear"))


class Identities(SealedTest):
    """An age identity, sealed: its line, as `age -i -` takes it."""

    def setUp(self):
        super().setUp()
        self.need("age")
        self.succeed("key", "generate", "--type", "age", "--no-passphrase", "-o", "id.age", "-q")
        self.recipient = self.read("id.age").decode().split()[3]
        subprocess.run(["age", "-r", self.recipient, "-o", "text.age", "text"], cwd=self.folder,
                       check=True)

    def test_it_opens_what_was_encrypted(self):
        self.succeed("key", "seal", "id.age", "-o", "id.tpm", "--pin-file", "pin")
        self.nothing_is_left()
        os.unlink(self.path("id.age"))
        self.succeed("decrypt", "text.age", "-i", "tpm2:id.tpm", "--passphrase-file", "pin",
                     "-o", "plain")
        self.assertEqual(self.read("plain"), self.read("text"))
        self.nothing_is_left()
        self.assertIn(self.recipient, self.succeed("key", "show", "id.tpm").out.decode())
        self.refuse_signing(3, "id.tpm", "--passphrase-file", "pin", says="signs nothing")

    def test_stock_tools_open_it(self):
        self.succeed("key", "seal", "id.age", "-o", "id.tpm")
        line = self.read("id.age").split(b"\n")[1]
        self.blobs("id.tpm")
        self.tpm2("tpm2_createprimary", *STORAGE, "-c", "primary", "-Q")
        self.tpm2("tpm2_flushcontext", "-t")
        self.tpm2("tpm2_load", "-C", "primary", "-u", "public", "-r", "private", "-c", "sealed",
                  "-Q")
        self.tpm2("tpm2_flushcontext", "-t")
        self.assertEqual(self.tpm2("tpm2_unseal", "-c", "sealed", "-p", "pcr:sha256:7"), line)

    def test_one_at_a_time(self):
        self.succeed("key", "generate", "--type", "age", "--no-passphrase", "-o", "other", "-q")
        self.write("two", self.read("id.age") + self.read("other"), 0o600)
        self.refuse(2, "key", "seal", "two", "-o", "id.tpm", says="2 identities")
        self.seal("owner.tpm")
        self.refuse((3, 4), "decrypt", "text.age", "-i", "tpm2:owner.tpm", "-o", "plain",
                    says="owner.tpm")


class Faults(SealedTest):
    """A122."""

    def test_a122_no_tpm(self):
        self.seal("owner.tpm")
        absent = "swtpm:path=/nowhere"
        self.refuse_signing(4, "owner.tpm", says="no TPM can be reached by 'swtpm:path=/nowhere'",
                            env={"TPM2TOOLS_TCTI": absent})
        self.refuse(4, "key", "seal", "owner.key", "-o", "new", says="no TPM can be reached",
                    env={"TPM2TOOLS_TCTI": absent})
        self.refuse_signing(4, "owner.tpm", says="no TPM can be reached",
                            env={"TPM2TOOLS_TCTI": "no-such-tcti:x"})
        self.tpm.stop(signal.SIGTERM)
        self.refuse_signing(4, "owner.tpm", says="no TPM can be reached")
        self.tpm.start()

    def test_a122_no_tpm_named(self):
        if any(os.path.exists(path) for path in ("/dev/tpm0", "/dev/tpmrm0")):
            self.skipTest("this machine has one")
        self.seal("owner.tpm")
        self.refuse_signing(4, "owner.tpm", says="no TPM is there", env={"TPM2TOOLS_TCTI": None})

    def test_a122_another_state_of_the_machine(self):
        self.seal("owner.tpm", "--pcrs", "7,16,23")
        for pcrs, says in (((16,), "PCR 16 differs"), ((23,), "PCR 16,23 differ")):
            for pcr in pcrs:
                self.tpm.extend(pcr)
            result = self.refuse_signing(4, "owner.tpm", says=says)
            self.assertIn("machine's state", result.text)
            self.nothing_is_left()
        for pcr in (16, 23):
            self.tpm.reset(pcr)
        self.sign("owner.tpm")

    def test_a122_wrong_pins(self):
        """Each uses up one try and says so; a PIN is never tried again by itself."""
        self.seal("owner.tpm", "--pin-file", "pin")
        self.seal("free.tpm")
        self.write("x.fwb", Bundle([Image("app", noise(1000))]).freeze().archive())
        for left in (2, 1, 0):
            result = self.refuse(4, "sign", "x.fwb", "-k", "tpm2:owner.tpm", "-q",
                                 "--passphrase-file", "wrong",
                                 says=rf"PIN is wrong, which used up a try: {left} more")
            self.assertNotIn("locked", result.text)
            self.nothing_is_left()
        for pin in ("pin", "wrong"):
            result = self.refuse_signing(4, "owner.tpm", "--passphrase-file", pin,
                                         says=r"TPM is locked .* did not judge .* \d+ seconds")
            self.assertNotIn("PIN is wrong", result.text)
            self.nothing_is_left()
        self.sign("free.tpm")  # no PIN, nothing to guess
        self.tpm2("tpm2_dictionarylockout", "--clear-lockout")
        os.unlink(self.path("made"))
        self.sign("owner.tpm", "--passphrase-file", "pin")

    def test_a122_no_try_is_used_up_where_none_is_needed(self):
        """Another state, another TPM, a damaged file: the TPM never sees the PIN."""
        self.seal("owner.tpm", "--pin-file", "pin", "--pcrs", "16")
        self.tpm.extend(16)
        for _ in range(4):
            self.refuse_signing(4, "owner.tpm", "--passphrase-file", "wrong", says="PCR 16 differs")
        self.tpm.reset(16)
        self.sign("owner.tpm", "--passphrase-file", "pin")

    def test_a122_pins_that_are_none(self):
        self.seal("owner.tpm", "--pin-file", "pin")
        self.refuse_signing(4, "owner.tpm", says="PIN|passphrase")
        for text in (b"", b"\n", b"x" * 33 + b"\n"):
            self.write("bad", text, 0o600)
            self.refuse_signing(4, "owner.tpm", "--passphrase-file", "bad", says="passphrase|PIN")
            self.refuse(4, "key", "seal", "owner.key", "-o", "new", "--pin-file", "bad",
                        says="passphrase|PIN")
        self.write("longest", b"x" * 32 + b"\n", 0o600)
        self.seal("longest.tpm", "--pin-file", "longest")
        self.sign("longest.tpm", "--passphrase-file", "longest")

    def test_a122_out_of_slots(self):
        """0x902: what another program left in the TPM."""
        self.seal("owner.tpm")
        for number in range(3):
            self.tpm2("tpm2_createprimary", *STORAGE, "-c", f"left{number}", "-Q")
        for arguments in (("sign", "--detached", "text", "-k", "tpm2:owner.tpm"),
                          ("key", "seal", "owner.key", "-o", "new")):
            result = self.refuse(4, *arguments, says=r"out of slots for objects \(0x902\)")
            self.assertIn("tpm2_flushcontext", result.text)
        self.tpm2("tpm2_flushcontext", "-t")
        self.sign("owner.tpm")
        self.nothing_is_left()

    def test_a122_out_of_sessions(self):
        self.seal("owner.tpm")
        for number in range(3):
            self.tpm2("tpm2_startauthsession", "-S", f"session{number}")
            self.tpm2("tpm2_sessionconfig", f"session{number}")
        loaded = self.tpm2("tpm2_getcap", "handles-loaded-session")
        if loaded.count(b"0x") == 3:
            self.refuse_signing(4, "owner.tpm", says="out of slots for sessions")
        self.tpm.flush()
        self.sign("owner.tpm")

    def test_a122_the_connection_breaks(self):
        """After each command in turn."""
        self.seal("owner.tpm")
        for commands in range(40):
            cable = Cable(self.tpm, commands)
            result = self.run_program("sign", "--detached", "text", "-k", "tpm2:owner.tpm", "-o",
                                      "made", "-q", env={"TPM2TOOLS_TCTI": cable.tcti})
            cable.close()
            self.tpm.flush()
            if result.code == 0:
                break
            self.check_refusal(result, 4, "owner.tpm: (no TPM can be reached|the TPM cannot )")
            self.assertFalse(self.exists("made"))
        self.assertEqual(result.code, 0)
        self.assertGreater(commands, 10)
        self.nothing_is_left()

    def test_a122_another_tpm(self):
        """Cleared, its storage key is another one: what it sealed is gone."""
        self.seal("owner.tpm", "--pin-file", "pin")
        self.tpm2("tpm2_clear", "-c", "p")
        for _ in range(4):
            self.refuse_signing(4, "owner.tpm", "--passphrase-file", "wrong",
                                says="sealed by another TPM, or this one was cleared")
        self.nothing_is_left()

    def test_a122_damaged_files(self):
        self.seal("owner.tpm")
        good = json.loads(self.read("owner.tpm"))

        def damaged(**changes):
            text = json.dumps({**good, **changes}, indent=2)
            self.write("bad.tpm", text.encode(), 0o600)
            return "bad.tpm"

        def flipped(text, at):
            data = bytearray(base64.b64decode(text))
            data[at] ^= 1
            return base64.b64encode(data).decode()

        private, public = good["tpm2b_private"], good["tpm2b_public"]
        for at in (2, 30, 100, -1):
            self.refuse_signing(3, damaged(tpm2b_private=flipped(private, at)), says="damaged|cannot")
        for at in (0, 1):
            self.refuse_signing(3, damaged(tpm2b_private=flipped(private, at)), says="TPM2B")
            self.refuse_signing(3, damaged(tpm2b_public=flipped(public, at)), says="TPM2B")
        self.refuse_signing(3, damaged(tpm2b_public=flipped(public, 3)), says="damaged")
        self.refuse_signing(3, damaged(pcrs={"16": good["pcrs"]["7"]}), says="damaged: .* PCR 16")
        other = base64.b64encode(b"Ed" + bytes(8) + Key("second").public).decode()
        self.refuse_signing(3, damaged(public_key=other), says="damaged: its public key")
        self.refuse_signing(3, damaged(format=2), says="format 2")
        self.refuse_signing(3, damaged(more=1), says="members")
        self.write("bad.tpm", self.read("owner.tpm")[:-20])
        self.refuse_signing(3, "bad.tpm", says="bad.tpm:[0-9]+")
        self.refuse_signing((1, 3), "absent.tpm", says="absent.tpm")
        self.nothing_is_left()


main()
