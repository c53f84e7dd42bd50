# SPDX-License-Identifier: MIT
"""age files, good and hostile, from the specification alone (C2SP age.md, RFC 7748, 8439, 5869):
no line of this comes from libpack. Slow, and not constant in time: for tests."""
import base64
import hashlib
import hmac
import struct

FIELD = 2**255 - 19
CHUNK = 65536
VERSION = b"age-encryption.org/v1\n"


def sha256(data):
    return hashlib.sha256(data).digest()


# --- X25519, RFC 7748 ----------------------------------------------------------------------------


def x25519(scalar, point=b"\x09" + bytes(31)):
    bits = bytearray(scalar)
    bits[0] &= 248
    bits[31] = bits[31] & 127 | 64
    k = int.from_bytes(bits, "little")
    u = (int.from_bytes(point, "little") & (1 << 255) - 1) % FIELD
    x2, z2, x3, z3, swap = 1, 0, u, 1, 0
    for t in range(254, -1, -1):
        bit = k >> t & 1
        if swap ^ bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb) ** 2 % FIELD, u * (da - cb) ** 2 % FIELD
        e = aa - bb
        x2, z2 = aa * bb % FIELD, e * (aa + 121665 * e) % FIELD
    if swap:
        x2, z2 = x3, z3
    return (x2 * pow(z2, FIELD - 2, FIELD) % FIELD).to_bytes(32, "little")


# --- ChaCha20-Poly1305, RFC 8439 -----------------------------------------------------------------


def quarter(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = s[x] + s[y] & 0xffffffff
        value = s[z] ^ s[x]
        s[z] = (value << turn | value >> 32 - turn) & 0xffffffff


def chacha_block(key, nonce, counter):
    start = list(struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter)
                               + nonce))
    state = start[:]
    for _ in range(10):
        for i in range(4):
            quarter(state, i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(state, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<16I", *(a + b & 0xffffffff for a, b in zip(state, start)))


def chacha(key, nonce, data):
    made = b"".join(chacha_block(key, nonce, 1 + i) for i in range((len(data) + 63) // 64))
    number = int.from_bytes(data, "little") ^ int.from_bytes(made[:len(data)], "little")
    return number.to_bytes(len(data), "little")


def poly1305(key, data):
    r = int.from_bytes(key[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    for at in range(0, len(data), 16):
        total = (total + int.from_bytes(data[at:at + 16] + b"\1", "little")) * r % (2**130 - 5)
    return (total + int.from_bytes(key[16:], "little") & (1 << 128) - 1).to_bytes(16, "little")


def tag_of(key, nonce, sealed):
    padded = sealed + bytes(-len(sealed) % 16) + struct.pack("<QQ", 0, len(sealed))
    return poly1305(chacha_block(key, nonce, 0)[:32], padded)


def seal(key, nonce, plain):
    sealed = chacha(key, nonce, plain)
    return sealed + tag_of(key, nonce, sealed)


def unseal(key, nonce, sealed):
    if tag_of(key, nonce, sealed[:-16]) != sealed[-16:]:
        raise ValueError("not authentic")
    return chacha(key, nonce, sealed[:-16])


def hkdf(secret, salt, info):
    inner = hmac.digest(salt, secret, "sha256")
    return hmac.digest(inner, info + b"\1", "sha256")


# --- keys ----------------------------------------------------------------------------------------


def bech32_residue(values):
    residue = 1
    for value in values:
        top = residue >> 25
        residue = (residue & 0x1ffffff) << 5 ^ value
        for i, generator in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                       0x2a1462b3)):
            residue ^= generator if top >> i & 1 else 0
    return residue


def bech32(prefix, data):
    """BIP 173: 32 bytes as text."""
    number = int.from_bytes(data, "big") << 4
    values = [number >> 5 * i & 31 for i in range(51, -1, -1)]
    head = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    residue = bech32_residue(head + values + [0] * 6) ^ 1
    values += [residue >> 5 * i & 31 for i in range(5, -1, -1)]
    return prefix + "1" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in values)


class Device:
    """An identity made from a word, the same in each run."""

    def __init__(self, word):
        self.secret = sha256(b"age: " + word.encode())
        self.public = x25519(self.secret)
        self.recipient = bech32("age", self.public)
        self.identity = bech32("age-secret-key-", self.secret).upper().encode() + b"\n"


# --- files ---------------------------------------------------------------------------------------


def unpadded(data):
    return base64.b64encode(data).rstrip(b"=")


def stanza(kind, arguments, body):
    text = unpadded(body)
    rows = [text[at:at + 64] for at in range(0, len(text) + 1, 64)]
    return b"-> " + b" ".join([kind, *arguments]) + b"\n" + b"\n".join(rows) + b"\n"


def x25519_stanza(file_key, public, number=0):
    secret = sha256(b"share %d" % number + public)
    share = x25519(secret)
    key = hkdf(x25519(secret, public), share + public, b"age-encryption.org/v1/X25519")
    return stanza(b"X25519", [unpadded(share)], seal(key, bytes(12), file_key))


def chunk_nonce(index, last):
    return index.to_bytes(11, "big") + bytes([last])


class File:
    """An age file in the making; its parts may be changed before it is put together."""

    def __init__(self, plain, devices, stanzas=None):
        self.file_key = sha256(b"file key" + plain[:64])[:16]
        self.stanzas = stanzas if stanzas is not None else [
            x25519_stanza(self.file_key, device.public, i) for i, device in enumerate(devices)]
        self.nonce = sha256(b"nonce" + plain[:64])[:16]
        key = hkdf(self.file_key, self.nonce, b"payload")
        pieces = [plain[at:at + CHUNK] for at in range(0, len(plain), CHUNK)] or [b""]
        self.chunks = [seal(key, chunk_nonce(i, i + 1 == len(pieces)), piece)
                       for i, piece in enumerate(pieces)]

    def header(self):
        text = VERSION + b"".join(self.stanzas) + b"---"
        mac = hmac.digest(hkdf(self.file_key, b"", b"header"), text, "sha256")
        return text + b" " + unpadded(mac) + b"\n" + self.nonce

    def bytes(self):
        return self.header() + b"".join(self.chunks)


def decrypt(data, device):
    """The plain bytes of a file that this device is the first recipient of."""
    head, _, rest = data.partition(b"\n--- ")
    mac, _, rest = rest.partition(b"\n")
    rows = head.split(b"\n")
    share = base64.b64decode(rows[1].split(b" ")[2] + b"==")
    key = hkdf(x25519(device.secret, share), share + device.public,
               b"age-encryption.org/v1/X25519")
    file_key = unseal(key, bytes(12), base64.b64decode(rows[2] + b"=="))
    if unpadded(hmac.digest(hkdf(file_key, b"", b"header"), head + b"\n---", "sha256")) != mac:
        raise ValueError("the header's MAC differs")
    key = hkdf(file_key, rest[:16], b"payload")
    sealed = [rest[at:at + CHUNK + 16] for at in range(16, len(rest), CHUNK + 16)]
    return b"".join(unseal(key, chunk_nonce(i, i + 1 == len(sealed)), chunk)
                    for i, chunk in enumerate(sealed))
