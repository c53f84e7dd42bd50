# SPDX-License-Identifier: MIT
"""Bundles, good and hostile, written from docs/bundle-format.md and docs/documents.md alone: no
line of this comes from libpack, so a good bundle made here that fwpack takes shows that the
specification says enough, and a hostile one holds what fwpack would never write."""
import base64
import hashlib
import json
import lzma
import re
import zlib

import ed25519

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
BLOCK_SIZE = 65536
FRAME_SIZES = {"gzip": MIB, "zstd": MIB, "xz": 2 * MIB}
EXTENSIONS = {"none": "bin", "gzip": "gz", "zstd": "zst", "xz": "xz"}
DOCUMENTS = ("release.json", "delivery.json")
BOTH = ("release", "delivery")


def sha256(data):
    return hashlib.sha256(data).digest()


def pieces(data, size):
    return [data[at:at + size] for at in range(0, len(data), size)]


class Zeros:
    """So many zero bytes, which a file need not really hold."""

    def __init__(self, size):
        self.size = size

    def __len__(self):
        return self.size


# --- the archive ---------------------------------------------------------------------------------


def checksummed(header):
    """A header with its checksum made right."""
    header = header[:148] + b" " * 8 + header[156:]
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def ustar(name, size, kind=b"0"):
    name = name.encode() if isinstance(name, str) else name
    fields = [
        name.ljust(100, b"\0"), b"0000644\0", b"0000000\0", b"0000000\0", b"%011o\0" % size,
        b"00000000000\0", b" " * 8, kind, bytes(100), b"ustar\0" + b"00", bytes(64),
        b"0000000\0", b"0000000\0", bytes(167)]
    return checksummed(b"".join(fields))


def pax_record(size):
    """"LENGTH size=SIZE\\n", LENGTH counting its own digits too."""
    rest = b" size=%d\n" % size
    length = next(n for n in range(64) if len(b"%d" % n) + len(rest) == n)
    return b"%d" % length + rest


def header(name, size):
    if size < 8 * GIB:
        return ustar(name, size)
    record = pax_record(size)
    return ustar("pax-header", len(record), b"x") + record.ljust(512, b"\0") + ustar(name, 0)


def padded(data):
    return data + bytes(-len(data) % 512)


def member(name, data):
    return header(name, len(data)) + padded(data)


def archive(members, end=bytes(1024)):
    return b"".join(member(name, data) for name, data in members) + end


def write_sparse(path, members):
    """The same in a file, with holes for Zeros. Returns where each member's data begins."""
    places = {}
    with open(path, "wb") as file:
        for name, data in members:
            file.write(header(name, len(data)))
            places[name] = file.tell()
            if isinstance(data, Zeros):
                file.seek(len(data) + -len(data) % 512, 1)
            else:
                file.write(padded(data))
        file.truncate(file.tell() + 1024)
    return places


# --- frames --------------------------------------------------------------------------------------


def zstd_header(size, descriptor=0xA0):
    """RFC 8878, 3.1.1.1: one segment, content size in four bytes, no checksum."""
    return b"\x28\xb5\x2f\xfd" + bytes([descriptor]) + size.to_bytes(4, "little")


def zstd_block(kind, size, content, last):
    return (size << 3 | kind << 1 | last).to_bytes(3, "little") + content


def zstd_frame(data):
    """A frame of raw blocks, and of run-length blocks where one byte repeats."""
    frame = zstd_header(len(data))
    blocks = pieces(data, 128 * KIB) or [b""]
    for i, block in enumerate(blocks):
        repeats = len(block) > 3 and block == block[:1] * len(block)
        frame += zstd_block(int(repeats), len(block), block[:1] if repeats else block,
                            i == len(blocks) - 1)
    return frame


def gzip_maker():
    return zlib.compressobj(6, zlib.DEFLATED, 31)


def xz_maker():
    return lzma.LZMACompressor(
        lzma.FORMAT_XZ, lzma.CHECK_CRC32,
        filters=[{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 2 * MIB}])


def gzip_member(data):
    maker = gzip_maker()
    return maker.compress(data) + maker.flush()


def xz_stream(data):
    maker = xz_maker()
    return maker.compress(data) + maker.flush()


def bomb(maker, size):
    """So many zeros, compressed without ever being there."""
    rest = bytes(size % MIB)
    stored = [maker.compress(data) for data in (*[bytes(MIB)] * (size // MIB), rest)]
    return b"".join(stored) + maker.flush()


FRAMERS = {"gzip": gzip_member, "zstd": zstd_frame, "xz": xz_stream}


# --- keys and signatures -------------------------------------------------------------------------


ED25519, SK_ED25519 = "ssh-ed25519", "sk-ssh-ed25519@openssh.com"


def ssh_string(data):
    data = data.encode() if isinstance(data, str) else data
    return len(data).to_bytes(4, "big") + data


def ssh_armour(blob, width=70):
    text = base64.b64encode(blob).decode()
    return "".join(line + "\n" for line in (
        "-----BEGIN SSH SIGNATURE-----", *pieces(text, width),
        "-----END SSH SIGNATURE-----")).encode()


class Key:
    """A key made from a word, the same in each run."""

    def __init__(self, word, minisign_id=None):
        self.seed = sha256(b"attacks: " + word.encode())
        self.public = ed25519.public(self.seed)
        self.minisign_id = minisign_id or sha256(self.seed)[:8]
        text = ('{"keytype":"ed25519","keyval":{"public":"%s"},"scheme":"ed25519"}'
                % self.public.hex())
        self.keyid = sha256(text.encode()).hex()

    def public_file(self):
        data = base64.b64encode(b"Ed" + self.minisign_id + self.public)
        return b"untrusted comment: a key of the attack tests\n" + data + b"\n"

    def secret_file(self):
        """As `minisign -G -W` writes it: no KDF, no checksum."""
        data = (b"Ed\0\0B2" + bytes(32 + 8 + 8) + self.minisign_id + self.seed + self.public
                + bytes(32))
        return b"untrusted comment: a key of the attack tests\n" + base64.b64encode(data) + b"\n"

    def signature(self, document):
        return ed25519.sign(self.seed, hashlib.blake2b(document).digest())

    def minisig(self, document, comment, **changes):
        """A signature file. `changes` replaces a part: signature, global_signature, kind, id."""
        comment = comment.encode() if isinstance(comment, str) else comment
        signature = changes.get("signature", self.signature(document))
        overall = changes.get("global_signature", ed25519.sign(self.seed, signature + comment))
        head = changes.get("kind", b"ED") + changes.get("id", self.minisign_id)
        return (b"untrusted comment: signature from fwpack\n" + base64.b64encode(head + signature)
                + b"\ntrusted comment: " + comment + b"\n" + base64.b64encode(overall) + b"\n")


    # SSH signatures (OpenSSH's PROTOCOL.sshsig and PROTOCOL.u2f); with an application the key is a
    # FIDO token's.

    def ssh_blob(self, application=""):
        if application:
            return ssh_string(SK_ED25519) + ssh_string(self.public) + ssh_string(application)
        return ssh_string(ED25519) + ssh_string(self.public)

    def ssh_keyid(self, application=""):
        if not application:
            return self.keyid
        text = json.dumps({"keytype": SK_ED25519, "keyval": {
            "application": application, "public": self.public.hex()}, "scheme": SK_ED25519},
            separators=(",", ":"))
        return sha256(text.encode()).hex()

    def ssh_file(self, application=""):
        """A line of authorized_keys, as ssh-keygen writes NAME.pub."""
        kind = SK_ED25519 if application else ED25519
        text = base64.b64encode(self.ssh_blob(application)).decode()
        return f"{kind} {text} a key of the attack tests\n".encode()

    def ssh_signature(self, document, namespace, application="", **changes):
        """The 64 bytes. `changes`: flags, counter, hash, and what is signed in their place."""
        algorithm = changes.get("hash", "sha512")
        message = (b"SSHSIG" + ssh_string(namespace) + ssh_string("") + ssh_string(algorithm)
                   + ssh_string(hashlib.new(algorithm, document).digest()))
        if application:
            message = (sha256(application.encode()) + bytes([changes.get("flags", 1)])
                       + changes.get("counter", 7).to_bytes(4, "big") + sha256(message))
        return ed25519.sign(self.seed, message)

    def sshsig(self, document, namespace, application="", **changes):
        """The armoured text. `changes` beside those above: signature, blob, kind, version,
        reserved, shown_namespace, shown_flags, tail."""
        signature = changes.get("signature",
                                self.ssh_signature(document, namespace, application, **changes)
                                if "signature" not in changes else None)
        inner = (ssh_string(changes.get("kind", SK_ED25519 if application else ED25519))
                 + ssh_string(signature))
        if application:
            inner += (bytes([changes.get("shown_flags", changes.get("flags", 1))])
                      + changes.get("counter", 7).to_bytes(4, "big"))
        return ssh_armour(
            b"SSHSIG" + changes.get("version", 1).to_bytes(4, "big")
            + ssh_string(changes.get("blob", self.ssh_blob(application)))
            + ssh_string(changes.get("shown_namespace", namespace))
            + ssh_string(changes.get("reserved", "")) + ssh_string(changes.get("hash", "sha512"))
            + ssh_string(inner) + changes.get("tail", b""))


# --- images and documents ------------------------------------------------------------------------


class Image:
    """An image with one encoding. Its parts may be changed before a bundle is made of it."""

    def __init__(self, name, data, codec="none", block_size=BLOCK_SIZE):
        self.name = name
        self.codec = codec
        self.encryption = None
        self.size = len(data)
        self.block_size = block_size
        if isinstance(data, Zeros):
            self.sha256 = bytes(32)
            self.table = self.zeros_table()
        else:
            self.sha256 = sha256(data)
            self.table = b"".join(sha256(block) for block in pieces(data, block_size))
        self.set_frames(None if codec == "none" else
                        [FRAMERS[codec](piece) for piece in pieces(data, FRAME_SIZES[codec])],
                        data)

    def zeros_table(self):
        count, rest = divmod(self.size, self.block_size)
        return (sha256(bytes(self.block_size)) * count
                + (sha256(bytes(rest)) if rest else b""))

    def set_frames(self, frames, stored=b""):
        """The stored bytes and the tables that belong to them."""
        self.frames = b""
        self.stored = stored
        self.stored_table = self.table
        if frames is None:
            return
        for i, frame in enumerate(frames):
            plain = min(FRAME_SIZES[self.codec], self.size - i * FRAME_SIZES[self.codec])
            self.frames += plain.to_bytes(4, "little") + len(frame).to_bytes(4, "little")
        self.set_stored(b"".join(frames))

    def encrypt(self, file):
        """Lets an age file (age.File) travel in the place of the stored bytes."""
        self.encryption = {"type": "age", "size": len(self.stored),
                           "header_size": len(file.header()),
                           "recipients": len(file.stanzas)}
        self.set_stored(file.bytes())
        return self

    def set_stored(self, stored):
        self.stored = stored
        self.stored_table = b"".join(map(sha256, pieces(stored, self.block_size)))

    def release(self):
        return {"name": self.name, "slot": self.name, "size": self.size,
                "sha256": self.sha256.hex(), "block_size": self.block_size,
                "blocks_sha256": sha256(self.table).hex()}

    def encoding(self):
        made = {"type": "full", "codec": self.codec, "size": len(self.stored),
                "block_size": self.block_size, "blocks_sha256": sha256(self.stored_table).hex()}
        if self.codec != "none":
            made.update(frame_size=FRAME_SIZES[self.codec], frame_count=len(self.frames) // 8,
                        frames_sha256=sha256(self.frames).hex(), decoder_memory=8 * MIB)
        if self.encryption:
            made.update(requires=["age"], encryption=self.encryption)
        return made

    def payloads(self, number=0):
        stem = f"payloads/{self.name}.{number}."
        if (self.codec != "none" or self.encryption) and len(self.stored_table) > 32:
            yield stem + "blocks", self.stored_table
        if self.codec != "none":
            yield stem + "frames", self.frames
        yield stem + EXTENSIONS[self.codec] + (".age" if self.encryption else ""), self.stored


class Bundle:
    """A bundle in the making: change `release` and `delivery`, then sign, then change `members`."""

    def __init__(self, images, attachments=(), **more):
        self.images = list(images)
        self.attachments = list(attachments)
        self.release = {
            "type": "fwpack.release", "format": 1, "product": "acme-gateway", "version": "1.2.3",
            "security_version": 7, "compatible": ["acme,gateway-r2"],
            "images": [image.release() for image in images], **more}
        self.delivery = {
            "type": "fwpack.delivery", "format": 1, "revision": 1,
            "images": [{"name": image.name, "encodings": [image.encoding()]} for image in images]}
        if self.attachments:
            self.release["attachments"] = [
                {"name": name, "size": len(data), "sha256": sha256(data).hex()}
                for name, data in self.attachments]
            self.delivery["attachments"] = [name for name, _ in self.attachments]
        self.names_release = True
        self.texts = {}
        self.signatures = {name: {} for name in DOCUMENTS}
        self.ssh_signatures = {name: {} for name in DOCUMENTS}

    def freeze(self):
        """The documents' bytes; signatures made from here on are over these."""
        if not self.texts:
            release = json.dumps(self.release, indent=1).encode()
            if self.names_release:
                self.delivery.setdefault("release_sha256", sha256(release).hex())
            self.texts = dict(zip(DOCUMENTS, (
                release, json.dumps(self.delivery, indent=1).encode())))
        return self

    def comment(self, document):
        """What fwpack writes, but where the texts are such that it would write nothing."""
        texts = [self.release.get(name) for name in ("version", "product")]
        if not all(isinstance(text, str) and re.fullmatch("[!-~]{1,300}", text) for text in texts):
            return "a comment"
        role = document.split(".")[0]
        digest = sha256(self.texts[document]).hex()
        return f"fwpack {role} sha256={digest} version={texts[0]} product={texts[1]}"

    def sign(self, key, roles=BOTH):
        self.freeze()
        for document in (f"{role}.json" for role in roles):
            self.signatures[document][key.keyid] = key.minisig(
                self.texts[document], self.comment(document))
        return self

    def sign_ssh(self, key, roles=BOTH, application="", **changes):
        self.freeze()
        for role in roles:
            document = f"{role}.json"
            self.ssh_signatures[document][key.ssh_keyid(application)] = key.sshsig(
                self.texts[document], f"fwpack-{role}@1", application, **changes)
        return self

    def head(self):
        for document in DOCUMENTS:
            yield document, self.texts[document]
            members = {f"{document}.{keyid}.minisig": text
                       for keyid, text in self.signatures[document].items()}
            members.update((f"{document}.{keyid}.sshsig", text)
                           for keyid, text in self.ssh_signatures[document].items())
            yield from sorted(members.items())

    def body(self):
        for name, data in self.attachments:
            yield f"attachments/{name}", data
        for image in self.images:
            if len(image.table) > 32:
                yield f"images/{image.name}.blocks", image.table
        for image in self.images:
            yield from image.payloads()

    def members(self):
        self.freeze()
        return [*self.head(), *self.body()]

    def archive(self):
        return archive(self.members())
