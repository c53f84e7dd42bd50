# SPDX-License-Identifier: MIT
"""Trust roots, good and hostile, written from docs/trust.md and TUF 1.0 alone."""
import copy
import json

import ed25519

TUF = ("root", "targets", "snapshot", "timestamp")
FIDO = "sk-ssh-ed25519@openssh.com"


def canonical(value):
    """OLPC's canonical JSON."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, dict):
        return "{" + ",".join(canonical(k) + ":" + canonical(value[k]) for k in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value)


def sign(signed, key):
    return {"keyid": key.keyid,
            "sig": ed25519.sign(key.seed, canonical(signed).encode()).hex()}


def key_object(key):
    return {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": key.public.hex()}}


def fido_object(key, application):
    return {"keytype": FIDO, "scheme": FIDO,
            "keyval": {"public": key.public.hex(), "application": application}}


class Root:
    """One version; `roles` is {role: keys} or {role: (threshold, keys)}."""

    def __init__(self, version, roles, expires="2099-01-01T00:00:00Z", revoked=()):
        self.signed = {"_type": "root", "spec_version": "1.0.31", "version": version,
                       "expires": expires, "consistent_snapshot": True, "keys": {}, "roles": {}}
        self.extra = {"format": 1, "roles": {}, "minisign_ids": {}}
        self.signed["x-fwpack"] = self.extra
        for role in TUF:
            roles.setdefault(role, roles["root"])
        for role, holders in roles.items():
            threshold, keys = holders if isinstance(holders, tuple) else (1, holders)
            self.add_role(role, threshold, keys)
        if revoked:
            self.extra["revoked"] = [self.revocation(key, reason) for key, reason in revoked]
        self.signatures = []

    def add_role(self, role, threshold, keys):
        place = self.signed if role in TUF else self.extra
        place["roles"][role] = {"keyids": [key.keyid for key in keys], "threshold": threshold}
        for key in keys:
            self.signed["keys"][key.keyid] = key_object(key)
            self.extra["minisign_ids"][key.keyid] = key.minisign_id[::-1].hex().upper()

    def add_fido(self, role, key, application="ssh:"):
        """A token's key, which stands where TUF clients do not look."""
        keyid = key.ssh_keyid(application)
        self.extra.setdefault("keys", {})[keyid] = fido_object(key, application)
        place = self.signed if role in TUF else self.extra
        place["roles"][role]["keyids"].append(keyid)

    @staticmethod
    def revocation(key, reason, application=None):
        if application is None:
            return {"keyid": key.keyid, "public": key.public.hex(), "reason": reason}
        return {"keyid": key.ssh_keyid(application), "public": key.public.hex(),
                "reason": reason, "application": application}

    def sign(self, *keys):
        self.signatures += [sign(self.signed, key) for key in keys]
        return self

    def altered(self, change):
        """Another root, changed and signed by the same keys' signatures no more."""
        other = copy.deepcopy(self)
        change(other.signed)
        return other

    def text(self):
        """As a bundle's roots stand: sorted, two spaces of indent, a line feed at the end."""
        document = {"signatures": self.signatures, "signed": self.signed}
        text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False)
        return text.encode() + b"\n"
