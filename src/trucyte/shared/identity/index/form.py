"""How a person lies in the index: packed fields, and keys that say nothing without the node's.

A blocking key is a piece of a name, a date or a number; its hash alone is kept, under a key
of this node.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from trucyte.base.hashing import keyed_hash64
from trucyte.shared.identity.matching.blocking import BLOCKS, blocking_keys
from trucyte.shared.identity.matching.person import Person

# More than this share it: it tells nobody apart, as a dummy number does or a frequent name.
CROWD: Final = 100


def _form() -> str:
    told = "\0".join(("4", *Person.__struct_fields__, *map(str, BLOCKS)))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


# Changes whenever rows made before would not be those made now.
FORM: Final = _form()

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Person).decode


def pack(person: Person) -> bytes:
    """Return the fields of a person as the index keeps them."""
    return _pack(person)


def unpack(fields: bytes) -> Person:
    """Return the person of packed fields."""
    return _unpack(fields)


class Keys:
    """Hashes blocking keys under one node's key of 16 bytes."""

    def __init__(self, key: bytes) -> None:
        """Take the node's key for identity, `Keyring.derive("identity", 16)`."""
        self._key = key

    def of(self, person: Person) -> tuple[int, ...]:
        """Return the hashes of a person's blocking keys, each once, in their order."""
        return tuple(dict.fromkeys(map(self.hashed, blocking_keys(person))))

    def named(self, person: Person) -> Sequence[tuple[str, int]]:
        """Return (block, hash) of each blocking key."""
        return [(key.partition("=")[0], self.hashed(key)) for key in blocking_keys(person)]

    def hashed(self, key: str) -> int:
        """Return the hash of one blocking key."""
        return keyed_hash64(self._key, key.encode())
