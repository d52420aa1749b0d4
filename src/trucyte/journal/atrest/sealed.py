"""How a sealed body lies: key number 8 ‖ nonce 12 ‖ AES-256-GCM(compressed body) with its tag.

Bound to it are how it is compressed and the line's origin, type, version and id, so that a
body put in the place of another does not open. The nonce is 96 random bits, new whenever
something is sealed. What the leaf covers is the accepted bytes, so a body may be sealed
anew at any time and every proof stays.
"""

import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NUMBER: Final = struct.Struct(">q")
_PLACE: Final = struct.Struct(">3sBhhi")
_NONCE_END: Final = 20
NONCE_SIZE: Final = 12
OVERHEAD: Final = _NONCE_END + 16


@dataclass(frozen=True, slots=True, repr=False)
class BodyKey:
    """A key with the number that names it in what it sealed."""

    number: int
    person: int
    secret: bytearray


class Keys(Protocol):
    """Where keys of bodies come from."""

    def numbered(self, numbers: Collection[int]) -> Mapping[int, BodyKey]:
        """Return the keys of these numbers; a destroyed one is left out."""
        ...


def place_of(packing: int, origin: int, type_number: int, version: int, id_bytes: bytes) -> bytes:
    """Return what a body is bound to; `packing` is how it is compressed."""
    return _PLACE.pack(b"TCS", packing, origin, type_number, version) + id_bytes


def seal(key: BodyKey, body: bytes, place: bytes, nonce: bytes) -> bytes:
    """Return a body sealed for a place; `nonce` is 12 random bytes, used for nothing else."""
    return _NUMBER.pack(key.number) + nonce + AESGCM(key.secret).encrypt(nonce, body, place)


def key_of(stored: bytes) -> int:
    """Return the number of the key that sealed a body; 0, which no key has, where it is cut."""
    return int(_NUMBER.unpack_from(stored)[0]) if len(stored) >= OVERHEAD else 0


def unseal(key: BodyKey, stored: bytes, place: bytes) -> bytes | None:
    """Return what was sealed for a place; None where it was altered, or sealed for another."""
    try:
        return AESGCM(key.secret).decrypt(stored[8:_NONCE_END], stored[_NONCE_END:], place)
    except InvalidTag:
        return None
