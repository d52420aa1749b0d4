"""Ids for what arrives without one of this node's: opaque, and in order of time.

50 bits of time (0.1 ms) and 80 of chance in 26 letters and digits: they lie together in an
index, and nobody guesses one from another.
"""

import secrets
from typing import Final

from trucyte.base.clock import Clock

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # sorted, without i, l, o and u
_LETTERS: Final = 26
_CHANCE_BITS: Final = 80
_TICKS_A_SECOND: Final = 10_000


def new_id(clock: Clock) -> str:
    """Return an id that was never given before."""
    ticks = int(clock.now().timestamp() * _TICKS_A_SECOND)
    number = (ticks << _CHANCE_BITS) | secrets.randbits(_CHANCE_BITS)
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in range(_LETTERS - 1, -1, -1))
