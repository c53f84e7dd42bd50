# SPDX-License-Identifier: MIT
"""Ed25519 (RFC 8032, 5.1) in plain Python: for hostile signatures, never for real keys, since it
takes its time and does not hide it."""
import hashlib

PRIME = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
NEUTRAL = (0, 1, 1, 0)  # extended coordinates: X, Y, Z, T with x = X/Z, y = Y/Z, xy = T/Z


def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % PRIME
    b = (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c = 2 * p[3] * q[3] * D % PRIME
    d = 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def base_point():
    y = 4 * pow(5, PRIME - 2, PRIME) % PRIME
    square = (y * y - 1) * pow(D * y * y + 1, PRIME - 2, PRIME)
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME != 0:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if x % 2 != 0:
        x = PRIME - x
    return x, y, 1, x * y % PRIME


def doublings(point, count):
    for _ in range(count):
        yield point
        point = add(point, point)


POWERS = tuple(doublings(base_point(), 256))  # 2**i times the base point


def times_base(scalar):
    result = NEUTRAL
    for i, power in enumerate(POWERS):
        if scalar >> i & 1:
            result = add(result, power)
    return result


def encode(point):
    inverse = pow(point[2], PRIME - 2, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def number(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def secret(seed):
    """The scalar and the prefix that a seed expands to."""
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & (1 << 254) - 8 | 1 << 254, digest[32:]


def public(seed):
    return encode(times_base(secret(seed)[0]))


def sign(seed, message):
    scalar, prefix = secret(seed)
    key = public(seed)
    nonce = number(prefix, message) % ORDER
    commitment = encode(times_base(nonce))
    challenge = number(commitment, key, message) % ORDER
    return commitment + ((nonce + challenge * scalar) % ORDER).to_bytes(32, "little")
