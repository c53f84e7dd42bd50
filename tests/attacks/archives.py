# SPDX-License-Identifier: MIT
"""B3 of the attack list: archives made to escape, to be read in two ways, or to exhaust."""
import os
import threading

from bundles import (
    KIB, Bundle, Image, Key, archive, checksummed, gzip_member, header, member, padded, ustar,
    xz_stream, zstd_frame)
from harness import AttackTest, lines, main, noise

OWNER = Key("owner")
TRUST = ("-p", "owner.pub")


def good_bundle():
    return Bundle([Image("app", lines(3000), "zstd", 512), Image("b", noise(700), "none", 512)],
                  [("notes", b"text")]).sign(OWNER)


def bent(name, size=0, kind=b"0", data=b"", **fields):
    """An entry whose header has other bytes at some places: at_OFFSET=BYTES."""
    head = bytearray(ustar(name, size, kind))
    for field, content in fields.items():
        at = int(field.removeprefix("at_"))
        head[at:at + len(content)] = content
    return checksummed(bytes(head)) + padded(data)


def link(name, kind, target):
    return bent(name, 0, kind, at_157=os.fsencode(target))


def pax(record, name="app", kind=b"x", data=b"x"):
    """An entry with a pax record of any bytes before it."""
    return ustar("pax-header", len(record), kind) + padded(record) + member(name, data)


def record(text):
    text = text.encode() if isinstance(text, str) else text
    length = next(n for n in range(1 << 20) if len(b"%d " % n) + len(text) + 1 == n)
    return b"%d " % length + text + b"\n"


def long_name(name, kind=b"L"):
    return ustar("././@LongLink", len(name) + 1, kind) + padded(name + b"\0") + member("x", b"x")


class ArchiveTest(AttackTest):
    def setUp(self):
        super().setUp()
        self.write("owner.pub", OWNER.public_file())
        self.write("owner.key", OWNER.secret_file(), 0o600)
        self.write("canary", b"alive")
        os.mkdir(self.path("inside"))  # commands run here; the canary lies outside

    def refuse_inside(self, codes, *arguments, **options):
        return self.refuse(codes, *arguments, cwd=self.path("inside"), **options)

    def refuse_archive(self, data, codes=(3, 10, 13), says=None, pipe=True):
        self.write("inside/x.fwb", data)
        self.refuse_inside(codes, "verify", "x.fwb", "-p", "../owner.pub", says=says)
        if pipe:
            self.refuse_inside(codes, "verify", "-", "-p", "../owner.pub", stdin=data)

    def refuse_everywhere(self, entry, says=None):
        """Alone, and at each kind of place of a bundle that is good without it."""
        self.refuse_archive(entry + bytes(1024), 3, says)
        self.refuse_inside(3, "sign", "x.fwb", "-k", "../owner.key", says=says)
        members = good_bundle().members()
        for at in (0, 1, 2, 4, 5, len(members) - 1, len(members)):
            self.refuse_archive(archive(members[:at], b"") + entry + archive(members[at:]),
                                pipe=at in (4, len(members)))
        self.refuse_inside((3, 10, 13), "extract", "x.fwb", "-C", "..", "-p", "../owner.pub")
        for command in (("inspect", "x.fwb"), ("image", "info", "x.fwb")):
            self.survive(*command, cwd=self.path("inside"), codes=(0, 3))


class Escapes(ArchiveTest):
    def test_a51_names_that_leave_the_folder(self):
        for name in ("../canary", "../../canary", self.path("canary"), "/tmp/evil", "//canary",
                     "a/../../canary", "a/../b", "./app", "..\\canary", "c:\\canary", "..",
                     "images/../../canary.blocks", "attachments/../../canary",
                     "payloads/../../canary.0.bin", "roots/../canary.root.json"):
            self.refuse_everywhere(member(name, b"dead"))

    def test_a51_names_in_the_prefix_field(self):
        for prefix in (b"..", b"/tmp", b"payloads", b"."):
            self.refuse_everywhere(bent("canary", 4, data=b"dead", at_345=prefix))

    def test_a51_names_in_signed_documents(self):
        """Who holds the keys still names no path."""
        for name in ("../canary", "..", ".", "/tmp/evil", self.path("canary")[:41], "a/b", "a\\b"):
            bundle = Bundle([Image("app", b"dead")], [("notes", b"dead")])
            bundle.release["images"][0]["name"] = bundle.delivery["images"][0]["name"] = name
            self.refuse_signed(bundle)
            bundle = Bundle([Image("app", b"dead")], [("notes", b"dead")])
            bundle.release["attachments"][0]["name"] = bundle.delivery["attachments"][0] = name
            self.refuse_signed(bundle)

    def refuse_signed(self, bundle):
        self.write("inside/x.fwb", bundle.sign(OWNER).archive())
        for arguments in (("verify", "x.fwb", "-p", "../owner.pub"),
                          ("extract", "x.fwb", "-C", "out", "-p", "../owner.pub"),
                          ("inspect", "x.fwb"), ("sign", "x.fwb", "-k", "../owner.key")):
            self.refuse_inside(3, *arguments, says="release.json.*name")

    def test_a52_symbolic_links(self):
        for name, target in (("app", "/etc/passwd"), ("app", "../canary"), ("app", "app"),
                             ("payloads/app.0.zst", "../../canary"), ("release.json", "canary"),
                             ("payloads", ".."), ("app", "b" * 100)):
            entry = link(name, b"2", target)
            self.refuse_everywhere(entry, "symbolic links are not allowed")
            self.refuse_everywhere(entry + member(name, b"dead"), "symbolic links are not allowed")

    def test_a52_a_folder_then_a_link(self):
        for names in (("d", "d"), ("D", "d"), ("caf\u00e9", "cafe\u0301")):
            self.refuse_everywhere(ustar(names[0] + "/", 0, b"5") + link(names[1], b"2", "..")
                                   + member(names[1] + "/canary", b"dead"), "not allowed")

    def test_a53_hard_links(self):
        for target in ("/etc/passwd", "../canary", "release.json", "app"):
            for data in (b"", b"dead"):
                entry = bent("app", len(data), b"1", data, at_157=os.fsencode(target))
                self.refuse_everywhere(entry, "hard links are not allowed")

    def test_a54_other_types(self):
        words = {b"3": "devices", b"4": "devices", b"5": "folders", b"6": "FIFOs",
                 b"g": "global pax headers", b"L": "GNU long names", b"K": "GNU long links",
                 b"S": "sparse entries", b"Z": "entry type 0x5a", b"7": "entry type 0x37",
                 b"\0": "entry type 0x00", b"V": "entry type", b"M": "entry type",
                 b"N": "entry type", b"D": "entry type", b"A": "entry type", b"\xff": "entry type"}
        for kind, says in words.items():
            self.refuse_everywhere(bent("app", 0, kind, at_329=b"0000001\0", at_337=b"0000003\0"),
                                   f"{says}.* not allowed")

    def test_a54_modes_owners_and_times(self):
        for fields in ({"at_100": b"0004755"}, {"at_100": b"0002755"}, {"at_100": b"0000755"},
                       {"at_100": b"   644 "}, {"at_108": b"0001750"}, {"at_116": b"0001750"},
                       {"at_136": b"14573300000"}, {"at_136": b"-0000000001"},
                       {"at_136": b"\x80" + bytes(11)}, {"at_265": b"root"}, {"at_297": b"root"},
                       {"at_329": b"0000001"}, {"at_257": b"ustar  \0"}, {"at_257": b"USTAR"},
                       {"at_257": bytes(8)}, {"at_500": b"x"}, {"at_50": b"hidden"},
                       {"at_157": b"target"}):
            self.refuse_archive(bent("release.json", 4, data=b"{}\n\n", **fields) + bytes(1024), 3)

    def test_a54_extended_attributes(self):
        self.refuse_everywhere(pax(record(b"SCHILY.xattr.security.capability=\1\0\0\2\0")))

    def test_a55_duplicates(self):
        members = good_bundle().members()
        for first, second in ((b"one", b"two"), (b"two", b"one"), (b"one", b"one")):
            self.refuse_archive(archive([("release.json", first), ("release.json", second)]), 3,
                                "duplicate entry")
        for at, (name, _) in enumerate(members):
            for other in ("./" + name, name + "/.", name.upper()):
                self.refuse_archive(archive(members[:at] + [(other, b"x")] + members[at:]))


class TwoReadings(ArchiveTest):
    """Fields that two readers of tar read in two ways."""

    def test_a56_pax_sizes_and_names(self):
        for text in ("size=9999999999", "size=1", "size=0", "size=-1", "size=512", "path=../canary",
                     "path=release.json", "linkpath=/etc", "size=8589934592",
                     "size=9223372036854775807", "size=18446744073709551617", "mtime=1"):
            self.refuse_everywhere(pax(record(text)))
            self.refuse_everywhere(pax(record(text), kind=b"g"), "global pax headers")

    def test_a56_pax_before_a_long_name(self):
        self.refuse_everywhere(
            ustar("pax-header", 13, b"x") + padded(record("size=512")) + long_name(b"n" * 200))

    def test_a56_a_pax_record_where_none_is_needed(self):
        """The payload's own true size, but in a record."""
        bundle = good_bundle()
        members = bundle.members()
        name, data = members[-1]
        size = record(f"size={len(data)}")
        head = ustar("pax-header", len(size), b"x") + padded(size)
        for entry in (head + ustar(name, 0), head + ustar(name, len(data))):
            self.refuse_archive(archive(members[:-1], b"") + entry + padded(data) + bytes(1024))

    def test_a57_broken_pax_records(self):
        for broken in (b"", b"0 a=b\n", b"5\n", b"999 size=1\n", b"11 size=1\n\n", b"9 size=1",
                       b"9 size=1 ", b"-9 size=1\n", b"9  size=1\n", b"99999999999999999999 a=b\n",
                       b"9 size\n", b"12 path=a\0b\n", b"x" * 600, b"9 size=1\n9 size=2\n",
                       b"08 a=bc\n\n", b"4 =\n", b"2\n", record("mtime=99999999999999999999"),
                       record("mtime=-1"), record("size=" + "9" * 400), record("x" * 70000 + "=")):
            self.refuse_everywhere(pax(broken))

    def test_a58_sizes(self):
        for field in (b"\x80" + bytes(11), b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7, b"\xff" * 12,
                      b"\x80" + b"\xff" * 11, b"-0000000001", b"-1\0", b"77777777777\0",
                      b"00000000008\0", b"0000000000a\0", b"           \0", b"          1\0",
                      b"1\0", b"\0" * 12, b"000000000001", b"00000000001 ", b"0x000000001\0",
                      b"+0000000001\0"):
            self.refuse_archive(bent("release.json", 0, data=b"x", at_124=field) + bytes(1024), 3)
            members = good_bundle().members()
            name, data = members[-1]
            entry = bent(name, len(data), data=data, at_124=field)
            self.refuse_archive(archive(members[:-1], b"") + entry + bytes(1024))

    def test_a59_sparse_entries(self):
        old = bent("app", 512, b"S", bytes(512), at_386=b"00000000000\0" + b"\x80\0\0\0\x7f"
                   + b"\xff" * 7, at_483=b"77777777777\0")
        self.refuse_everywhere(old, "sparse entries are not allowed")
        for text in ("GNU.sparse.major=1", "GNU.sparse.size=9223372036854775807",
                     "GNU.sparse.name=../canary", "GNU.sparse.map=0,9223372036854775807"):
            self.refuse_everywhere(pax(record(text)))

    def test_a57_checksums(self):
        head = ustar("release.json", 1)
        for field in (b"00000000", b"0000000\0", b"        ", head[149:156] + b"0", bytes(8),
                      b"-00001\0 ", head[148:154] + b" \0", b"\x80" + head[149:156]):
            self.refuse_archive(head[:148] + field + head[156:] + padded(b"x") + bytes(1024), 3)


class Ends(ArchiveTest):
    """A60 and A61: bundles that are cut short, or go on."""

    def test_a60_truncation(self):
        """Each length in turn is unit.bundle's; here a sample, from a file and from a pipe."""
        good = good_bundle().archive()
        sizes = {*range(0, len(good), 97), *range(0, len(good), 512), *range(511, len(good), 1024),
                 *range(len(good) - 3, len(good))}
        for count, size in enumerate(sorted(sizes)):
            data = good[:size]
            self.write("inside/x.fwb", data)
            if count % 3 == 0:
                self.refuse_inside((3, 10, 13), "verify", "-", "-p", "../owner.pub", stdin=data)
            elif count % 3 == 1:
                self.refuse_inside((3, 10, 13), "extract", "x.fwb", "-C", "out",
                                   "-p", "../owner.pub")
            self.refuse_inside((3, 10, 13), "verify", "x.fwb", "-p", "../owner.pub")

    def test_a60_a_truncated_bundle_is_not_signed(self):
        good = good_bundle().archive()
        for size in range(0, len(good), 509):
            self.write("inside/x.fwb", good[:size])
            self.refuse_inside((3, 13), "sign", "x.fwb", "-k", "../owner.key")
            self.refuse_inside((3, 13), "sign", "x.fwb", "-k", "../owner.key", "-o", "y.fwb")

    def test_a61_data_after_the_end(self):
        good = good_bundle().archive()
        for more in (b"\0", b"x", bytes(512), bytes(1024), bytes(10240 - len(good) % 10240), good,
                     member("canary", b"dead"), b"\n", b"PK\5\6" + bytes(18)):
            self.refuse_archive(good + more, 3, "after the end")
            self.refuse_inside(3, "sign", "x.fwb", "-k", "../owner.key", says="after the end")
            self.refuse_inside(3, "inspect", "x.fwb", says="after the end")

    def test_a61_missing_and_strange_ends(self):
        members = good_bundle().members()
        for end in (b"", bytes(1), bytes(511), bytes(512), bytes(513), bytes(1023)):
            self.refuse_archive(archive(members, end), 13)
        for at in (0, 1, 511, 512, 1023):
            end = bytearray(1024)
            end[at] = 1
            self.refuse_archive(archive(members, bytes(end)), 3, "zeros")

    def test_a61_padding(self):
        good = bytearray(good_bundle().archive())
        members = good_bundle().members()
        at = 0
        for name, data in members:
            at += len(header(name, len(data))) + len(data)
            padding = -len(data) % 512
            for place in {at, at + padding - 1} if padding else ():
                good[place] = 1
                self.refuse_archive(bytes(good), 3, "where a zero must stand")
                good[place] = 0
            at += padding

    def test_a61_wrapped_in_a_compressor(self):
        """A bundle is no .tar.gz, whatever tar would make of it."""
        for wrap in (gzip_member, xz_stream, zstd_frame):
            self.refuse_archive(wrap(good_bundle().archive()), 3)


class Exhaustion(ArchiveTest):
    """A65: more, longer and deeper than there may be."""

    def feed(self, pieces, codes, *arguments, says=None):
        """Runs with a pipe that never ends by itself."""
        reading, writing = os.pipe()

        def write():
            try:
                for piece in pieces:
                    os.write(writing, piece)
            except BrokenPipeError:
                pass
            os.close(writing)

        running = self.start(*arguments, stdin=reading)
        os.close(reading)
        thread = threading.Thread(target=write)
        thread.start()
        result = running.end()
        thread.join()
        self.check_refusal(result, codes, says)
        self.check_resources(result)
        self.assertEqual(result.out, b"")

    @staticmethod
    def endless(make, start=b""):
        yield start
        number = 0
        while True:
            number += 1
            yield make(number)

    def test_a65_entries_without_end(self):
        document = member("release.json", b"{}")
        for make in (lambda n: member(f"x{n}", b"x"),
                     lambda n: member(f"roots/{n}.root.json", b"x"),
                     lambda n: member(f"release.json.{n:064x}.minisig", b"x"), lambda n: bytes(512),
                     lambda n: b"x" * 4096, lambda n: member("delivery.json", bytes(64 * KIB))):
            for start in (b"", document):
                self.feed(self.endless(make, start), (3, 10), "verify", "-", "-p", "owner.pub")

    def test_a65_a_payload_without_end(self):
        bundle = good_bundle()
        members = bundle.members()
        start = archive(members[:-1], b"") + header(members[-1][0], len(members[-1][1]))
        self.feed(self.endless(lambda n: bytes(64 * KIB), start), 13, "verify", "-",
                  "-p", "owner.pub")
        self.feed(self.endless(lambda n: bytes(64 * KIB), bundle.archive()), 3, "verify", "-",
                  "-p", "owner.pub", says="after the end")

    def test_a65_long_names(self):
        for size in (101, 255, 256, 70000):
            self.refuse_everywhere(long_name(b"n" * size), "GNU long names")
            self.refuse_everywhere(pax(record("path=" + "n" * size)))
        self.refuse_everywhere(long_name(b"d/" * 4000 + b"x"), "GNU long names")

    def test_a65_large_members_of_the_head(self):
        """A megabyte is a limit; a size beyond it is refused before it is read."""
        for name in ("release.json", "delivery.json", "rollout.json", "permit.json",
                     "roots/1.root.json"):
            for size in ((1 << 20) + 1, 1 << 30, 8 * (1 << 30) - 1):
                start = b"" if name.startswith("ro") and "root." in name else member(
                    "release.json", b"{}")
                if name == "release.json":
                    start = b""
                self.refuse_archive(start + ustar(name, size) + bytes(1024), 3)
        name = f"release.json.{'0' * 64}.minisig"
        large = ustar(name, 16 * KIB + 1) + bytes(20000)
        self.refuse_archive(member("release.json", b"{}") + large, 3, "16384 are allowed")

    def test_a65_documents_that_are_deep_or_wide(self):
        """Signed, so that they are parsed."""
        deep = b'{"type":"fwpack.release","format":1,"x":' + b"[" * 100000 + b"]" * 100000 + b"}"
        wide = b'{"type":"fwpack.release","format":1,"images":[' + b"{}," * 300000 + b"{}]}"
        keys = b"{" + b",".join(b'"%d":0' % n for n in range(90000)) + b"}"
        same = b'{"type":"fwpack.release","format":1' + b',"x":1' * 100000 + b"}"
        text = b'{"type":"fwpack.release","format":1,"product":"' + b"x" * 1000000 + b'"}'
        for document in (deep, wide, keys, same, text):
            bundle = good_bundle()
            bundle.texts["release.json"] = document
            self.write("x.fwb", bundle.sign(OWNER).archive())
            self.refuse(3, "verify", "x.fwb", *TRUST, says="release.json")
            self.refuse(3, "inspect", "x.fwb", says="release.json")

    def test_a65_sizes_in_signed_documents(self):
        """What a document promises is not allocated before it is there."""
        for size in (2**40, 2**53 - 1, 2**53, 2**63, 2**64):
            for document in ("release", "delivery"):
                bundle = good_bundle()
                bundle.texts, bundle.signatures = {}, {name: {} for name in bundle.signatures}
                bundle.delivery.pop("release_sha256")
                if document == "release":
                    bundle.release["images"][1]["size"] = size
                else:
                    bundle.delivery["images"][1]["encodings"][0]["size"] = size
                data = bundle.sign(OWNER).archive()
                self.write("x.fwb", data)
                self.refuse((3, 13), "verify", "x.fwb", *TRUST)
                self.refuse((3, 13), "verify", "-", *TRUST, stdin=data)
                self.refuse((3, 13), "inspect", "x.fwb")
                self.refuse((3, 13), "extract", "x.fwb", "-C", "out", *TRUST)


class Members(ArchiveTest):
    """A66 and A67: names, and the one order of members."""

    def test_a66_names(self):
        for name in (b"", b".", b"..", b"/", b"a\0b", b"a\nb", b"\x1b[2J", "\u202egood".encode(),
                     b"\xff\xfe", b"\xc0\xaf", b"n" * 100, b"CON", b"con", b" ", b"-rf", b"~",
                     b"release.json ", b"release.json\n", b"Release.json", b"release.jsonx",
                     b"release.json.", b"release.json.minisig", b"release.json..minisig",
                     b"release.json." + b"g" * 64 + b".minisig",
                     b"release.json." + b"0" * 63 + b".minisig",
                     b"release.json." + b"0" * 64 + b".asc", b"roots/0.root.json",
                     b"roots/01.root.json", b"roots/-1.root.json", b"roots/1.ROOT.json",
                     b"roots/4294967297.root.json", b"roots/.root.json", b"roots/1.root.jso"):
            entry = bent(name, 1, data=b"x")
            self.refuse_archive(entry + bytes(1024), 3)
            members = good_bundle().members()
            for at in (0, 2, 4, len(members)):
                self.refuse_archive(archive(members[:at], b"") + entry + archive(members[at:]),
                                    pipe=at == 4)

    def test_a67_a_member_is_missing(self):
        members = good_bundle().members()
        for at in range(len(members)):
            self.refuse_archive(archive(members[:at] + members[at + 1:]))
        self.refuse_archive(archive([]), 3)

    def test_a67_two_members_in_another_order(self):
        members = good_bundle().members()
        for first in range(len(members)):
            for second in range(first):
                other = list(members)
                other[first], other[second] = other[second], other[first]
                self.write("inside/x.fwb", archive(other))
                self.refuse_inside((3, 10), "verify", "x.fwb", "-p", "../owner.pub")

    def test_a67_a_member_that_no_document_names(self):
        members = good_bundle().members()
        for name in ("images/other.blocks", "payloads/app.1.zst", "payloads/other.0.bin",
                     "attachments/other", "attestations/0.dsse.json", "manifest.json",
                     "rollout.json"):
            for at in range(len(members) + 1):
                if name == "rollout.json" and at == 4:
                    continue  # its own place: it is carried along
                self.write("inside/x.fwb", archive(members[:at] + [(name, b"x")] + members[at:]))
                self.refuse_inside((3, 10), "verify", "x.fwb", "-p", "../owner.pub")

    def test_a67_reserved_members_have_their_place(self):
        keyid = "0" * 64
        members = good_bundle().members()
        reserved = [("rollout.json", b"{}"), (f"rollout.json.{keyid}.minisig", b"x"),
                    (f"rollout.json.{keyid}.sshsig", b"x"), ("permit.json", b"{}"),
                    (f"permit.json.{keyid}.minisig", b"x")]
        roots = [("roots/2.root.json", b"{}"), ("roots/10.root.json", b"{}")]
        self.write("inside/x.fwb", archive(roots + members[:4] + reserved + members[4:]))
        result = self.succeed("verify", "inside/x.fwb", *TRUST)
        self.assertEqual(result.text.count("is carried along and not judged"), 7)
        for bad in (roots[::-1], roots + roots[:1], [("roots/2.root.json", b"")] + roots):
            self.refuse_archive(archive(bad + members), 3)
        for at in (1, 3, 4):
            self.refuse_archive(archive([reserved[at]] + members), 3)
            self.refuse_archive(archive(members[:1] + [reserved[at]] + members[1:]))
        self.refuse_archive(archive(members[:4] + reserved[::-1] + members[4:]), 3)
        self.refuse_archive(archive(members[:4] + reserved[1:2] + members[4:]), 3,
                            "without the document")

    def test_a67_listed_twice_or_not_at_all(self):
        for change in (lambda r, d: d["images"].append(d["images"][0]),
                       lambda r, d: d["images"].pop(), lambda r, d: d["images"].reverse(),
                       lambda r, d: r["images"].append(r["images"][0]),
                       lambda r, d: r["images"].reverse(),
                       lambda r, d: d["attachments"].append("notes"),
                       lambda r, d: d["attachments"].append("other"),
                       lambda r, d: d["images"].clear(), lambda r, d: r["images"].clear()):
            bundle = Bundle([Image("app", b"one"), Image("b", b"two")], [("notes", b"text")])
            change(bundle.release, bundle.delivery)
            self.refuse_archive(bundle.sign(OWNER).archive(), 3)

    def test_a67_one_encoding_twice(self):
        """Each has its own members; one set of them does not do for both."""
        bundle = Bundle([Image("app", lines(3000), "zstd", 512)])
        bundle.delivery["images"][0]["encodings"] *= 2
        self.refuse_archive(bundle.sign(OWNER).archive(), 13)
        members = bundle.members() + list(bundle.images[0].payloads(1))
        self.write("good.fwb", archive(members))
        self.succeed("verify", "good.fwb", *TRUST)
        self.refuse_archive(archive(members[:-1] + [(members[-1][0], b"x")]))


main()
