"""Keyed hashes: opaque ids and 64-bit tokens that say nothing without the key."""

import base64
import hmac

import siphash24

_SIGN = 1 << 63
_SPAN = 1 << 64


def opaque_id(key: bytes, *parts: str) -> str:
    """Return a FHIR id (26 lower-case letters and digits) derived from `parts` under `key`.

    The same parts give the same id at the same node and tell nothing elsewhere.
    Parts are length-prefixed, so ("ab", "c") and ("a", "bc") differ.
    """
    pieces = [part.encode() for part in parts]
    data = b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
    digest = hmac.digest(key, data, "sha256")
    return base64.b32encode(digest[:16]).decode().rstrip("=").lower()


def keyed_hash64(key: bytes, data: bytes) -> int:
    """Return a signed 64-bit SipHash-2-4 of `data` (PostgreSQL's bigint); `key` has 16 bytes."""
    value: int = siphash24.siphash24(data, key=key).intdigest()
    return value - _SPAN if value >= _SIGN else value
