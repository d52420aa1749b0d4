"""Tokens: what the index knows a value by.

A token is the keyed hash of a parameter XOR the keyed hash of one form of a value, so
the same value under another parameter, type or node looks different, and a reference's
hash can be joined to any reference parameter in SQL (`parameter # entry.reference`).
64 bits may collide: what is shown is checked against the body.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from itertools import islice

from trucyte.base.hashing import keyed_hash64

Hash64 = Callable[[bytes, bytes], int]
_CACHE_MAX = 100_000


class Hasher:
    """Hashes of parameters and of the forms of values, under one node's key."""

    def __init__(self, key: bytes, *, hash64: Hash64 = keyed_hash64) -> None:
        """Take the node's index key (any length); `hash64` is SipHash but in tests."""
        self._key = hmac.new(key, b"search tokens", hashlib.sha256).digest()[:16]
        self._hash64 = hash64
        self._cache: dict[tuple[str, ...], int] = {}

    def form(self, *parts: str) -> int:
        """Return the hash of a form; its first part names the form, its last may hold NUL."""
        found = self._cache.get(parts)
        if found is None:
            if len(self._cache) >= _CACHE_MAX:
                self._cache.clear()
            found = self._hash64(self._key, "\0".join(parts).encode())
            self._cache[parts] = found
        return found

    def parameter(self, resource_type: str, code: str) -> int:
        """Return the hash of a search parameter of a type."""
        return self.form("parameter", resource_type, code)

    def type(self, resource_type: str) -> int:
        """Return the token that every resource of a type has."""
        return self.form("type", resource_type)

    def code(self, code: str) -> int:
        """Form `code`: whatever its system."""
        return self.form("code", code)

    def bare_code(self, code: str) -> int:
        """Form `|code`: without a system."""
        return self.form("bare", code)

    def system(self, system: str) -> int:
        """Form `system|`: any code of it."""
        return self.form("system", system)

    def system_code(self, system: str, code: str) -> int:
        """Form `system|code`."""
        return self.form("coded", system, code)

    def of_type(self, system: str, code: str, value: str) -> int:
        """Form `:of-type`, an identifier's type and value."""
        return self.form("of-type", system, code, value)

    def reference(self, origin: int, resource_type: str, id: str) -> int:
        """Return the hash of a relative reference within its origin."""
        return self.form("reference", str(origin), resource_type, id)

    def uri(self, uri: str) -> int:
        """Form of a whole uri."""
        return self.form("uri", uri)

    def exact(self, text: str) -> int:
        """Form of a whole string, case and marks kept."""
        return self.form("exact", text)

    def phrase(self, folded: str) -> int:
        """Form of a code's folded display or text."""
        return self.form("phrase", folded)

    def present(self) -> int:
        """Form of any value at all, for parameters without a bit of their own."""
        return self.form("present")

    def measure(self, measured: str) -> int:
        """Form of what an amount in base units measures."""
        return self.form("measure", measured)

    def pair(self, first: int, second: int) -> int:
        """Form of two values that stand together in one element."""
        return self._hash64(self._key, b"pair\0%d\0%d" % (first, second))

    def person(self, reference: str) -> int:
        """Return the person key of a reference such as `Patient/x`."""
        return self.form("person", reference)


def coding_forms(hasher: Hasher, system: str | None, code: str | None) -> list[int]:
    """Return every form R4 can ask a coding or identifier by (3.1.1.4.10).

    The empty system is the one that an element of type `code` implies.
    """
    forms = []
    if code is not None:
        forms.append(hasher.code(code))
        if system is None:
            forms.append(hasher.bare_code(code))
    if system:
        forms.append(hasher.system(system))
        if code is not None:
            forms.append(hasher.system_code(system, code))
    return forms


def combined(hasher: Hasher, forms: Sequence[Sequence[int]], most: int) -> list[int]:
    """Return one form for each choice of one from every list, at most `most` of them.

    One list stays as it is; of none there is nothing to combine.
    """
    made: list[int] | None = None
    for listed in forms:
        if made is None:
            made = list(dict.fromkeys(listed[:most]))
        else:
            pairs = islice(((left, right) for left in made for right in listed), most)
            made = list(dict.fromkeys(hasher.pair(left, right) for left, right in pairs))
    return made or []


def parameter_number(resource_type: str, code: str) -> int:
    """Return the stable 32-bit number of a parameter in the side tables."""
    digest = hashlib.blake2s(f"{resource_type}.{code}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big", signed=True)
