"""Keyed hashes: opaque ids and 64-bit tokens that say nothing without the key."""

import base64
import hashlib
import hmac

import siphash24

_SIGN = 1 << 63
_SPAN = 1 << 64


def opaque_id(key: bytes, *parts: str) -> str:
    """Return a FHIR id (26 lower-case letters and digits) derived from `parts` under `key`.

    The same parts give the same id at the same node and tell nothing elsewhere.
    Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
    """
    digest = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return base64.b32encode(digest.digest()[:16]).decode().rstrip("=").lower()


def keyed_hash64(key: bytes, data: bytes) -> int:
    """Return a signed 64-bit SipHash-2-4 of `data` (PostgreSQL's bigint); `key` has 16 bytes."""
    value: int = siphash24.siphash24(data, key=key).intdigest()
    return value - _SPAN if value >= _SIGN else value
