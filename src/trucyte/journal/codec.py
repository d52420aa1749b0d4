"""Bodies as they lie on disk: zstd with a dictionary per resource type, and sealed.

Dictionaries are shipped as files `NNN-Type-VERSION.zdict` in `dictionaries/`: NNN is the
number in the codec byte and never means anything else, and a file is never taken away, for
bodies written with it stay. They are trained on synthetic output only: one trained on live
bodies would contain people. `tools/train_dictionaries.py` makes them.

A codec's low byte says how a body is compressed (0 not at all, 1 plain zstd, from 2 the
dictionary of that number); the bits above say how it is sealed (0 not at all, 1 as
`atrest.sealed` has it: the key's number stands before the body) and whether it is given
out. Whatever reads a line opens its body here, so lines of each form lie beside each other.
Compressors are reused and are not safe to share, so each thread has its own.
"""

import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

import zstandard

from trucyte.base.problem import Kind, Problem
from trucyte.journal.atrest.sealed import BodyKey, Keys, key_of, place_of, unseal

RAW = 0
PLAIN = 1
SEALED = 0x100
BLOCKED = 0x200  # of an erased person and of others too: nobody is given it
_LEVEL = 3
_NUMBER_MAX = 0xFF
_FILE = re.compile(r"(?P<number>\d{3})-(?P<type>[A-Za-z]+)-(?P<version>\d+)\.zdict")
_BODY_BYTES_MAX = 1 << 28


class BodyUnreadable(Problem):
    """The stored body does not decode (codec {codec})."""

    kind = Kind.GONE
    code = "body-unreadable"


class BodyErased(Problem):
    """What this line held was erased by law; that it was there, and who erased it, stays."""

    kind = Kind.GONE
    code = "body-erased"


class BodyTooLarge(Problem):
    """A body of {size} bytes is more than a line holds ({size_max}); send it in parts."""

    kind = Kind.TOO_LARGE
    code = "body-too-large"


class DictionaryAltered(Problem):
    """Dictionary {number} is not the one that this database was written with."""

    kind = Kind.CONFLICT
    code = "dictionary-altered"


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A trained dictionary; `number` is what the codec byte holds, from 2."""

    number: int
    type: str
    version: int
    content: bytes


def shipped_dictionaries(folder: Traversable | None = None) -> dict[int, Dictionary]:
    """Read the dictionaries that travel with the program, or those of another `folder`."""
    place = folder or files("trucyte.journal").joinpath("dictionaries")
    found = {}
    for file in place.iterdir():
        match = _FILE.fullmatch(file.name)
        if match:
            number = int(match["number"])
            assert number not in found and PLAIN < number <= _NUMBER_MAX, file.name
            found[number] = Dictionary(
                number, match["type"], int(match["version"]), file.read_bytes()
            )
    return found


class Codec:
    """Compresses and decompresses bodies; safe to share between threads."""

    def __init__(
        self,
        dictionaries: Mapping[int, Dictionary] | None = None,
        *,
        compresses: bool = True,
        keys: Keys | None = None,
    ) -> None:
        """Take the dictionaries by number; the highest version of a type compresses.

        `keys` open what is sealed; without them nothing sealed can be read.

        Bodies of a few dozen bytes are better left as they are: `compresses=False`.
        """
        self._compresses = compresses
        self._keys = keys
        self._dictionaries = dictionaries or {}
        newest = sorted(self._dictionaries.values(), key=lambda dictionary: dictionary.version)
        self._number_by_type = {dictionary.type: dictionary.number for dictionary in newest}
        self._loaded = {
            number: zstandard.ZstdCompressionDict(dictionary.content)
            for number, dictionary in self._dictionaries.items()
        }
        self._local = threading.local()
        self._mutex = threading.Lock()
        self._precomputed: set[int] = set()

    @property
    def dictionaries(self) -> Mapping[int, Dictionary]:
        """The dictionaries by number."""
        return self._dictionaries

    def compress(self, type_name: str, body: bytes) -> tuple[int, bytes]:
        """Return the codec and the bytes to store; raw where compressing gains nothing.

        Raises BodyTooLarge.
        """
        if len(body) > _BODY_BYTES_MAX:
            raise BodyTooLarge(size=len(body), size_max=_BODY_BYTES_MAX)
        if not body or not self._compresses:
            return RAW, body
        number = self._number_by_type.get(type_name, PLAIN)
        packed = self._compressor(number).compress(body)
        return (number, packed) if len(packed) < len(body) else (RAW, body)

    def keys_for(self, bodies: Iterable[tuple[int, bytes]]) -> Mapping[int, BodyKey]:
        """Return what opens the sealed ones of (codec, stored) bodies; asks at most once."""
        numbers = {key_of(stored) for codec, stored in bodies if codec & SEALED}
        return self._keys.numbered(numbers) if numbers and self._keys is not None else {}

    def open(
        self,
        codec: int,
        stored: bytes,
        place: tuple[int, int, int, str],
        keys: Mapping[int, BodyKey] | None = None,
    ) -> bytes:
        """Return the accepted bytes of a body that lies at (origin, type, version, id).

        Nothing of what is blocked: who has to see it takes `BLOCKED` off the codec.
        `keys` are those of `keys_for`; without them the key is asked for. Raises
        BodyUnreadable, and BodyErased where its key was destroyed.
        """
        if codec & BLOCKED:
            return b""
        if not codec & SEALED:
            return self.decompress(codec, stored)
        if keys is None:
            keys = self.keys_for([(codec, stored)])
        number = key_of(stored)
        key = keys.get(number)
        packing = codec - SEALED
        if number == 0 or packing > _NUMBER_MAX:
            raise BodyUnreadable(codec=codec)
        if key is None:
            raise BodyErased
        origin, type_number, version, id_ = place
        bound = place_of(packing, origin, type_number, version, id_.encode())
        packed = unseal(key, stored, bound)
        if packed is None:
            raise BodyUnreadable(codec=codec)
        return self.decompress(packing, packed)

    def decompress(self, codec: int, stored: bytes) -> bytes:
        """Return the accepted bytes; raises BodyUnreadable."""
        if codec == RAW:
            return stored
        if codec != PLAIN and codec not in self._dictionaries:
            raise BodyUnreadable(codec=codec)
        try:
            # A frame must say its size: a forged one could otherwise fill the memory.
            if not 0 < zstandard.frame_content_size(stored) <= _BODY_BYTES_MAX:
                raise BodyUnreadable(codec=codec)
            return self._decompressor(codec).decompress(stored, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise BodyUnreadable(codec=codec) from error

    def _compressor(self, number: int) -> zstandard.ZstdCompressor:
        made: dict[int, zstandard.ZstdCompressor] = self._local.__dict__.setdefault("compress", {})
        compressor = made.get(number)
        if compressor is None:
            parameters = zstandard.ZstdCompressionParameters.from_level(
                _LEVEL, write_dict_id=False, write_content_size=True, write_checksum=False
            )
            compressor = made[number] = zstandard.ZstdCompressor(
                dict_data=self._digested(number), compression_params=parameters
            )
        return compressor

    def _digested(self, number: int) -> zstandard.ZstdCompressionDict | None:
        """Return a dictionary digested once for all threads; else each body would pay for it."""
        loaded = self._loaded.get(number)
        with self._mutex:
            if loaded is not None and number not in self._precomputed:
                loaded.precompute_compress(level=_LEVEL)
                self._precomputed.add(number)
        return loaded

    def _decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        made: dict[int, zstandard.ZstdDecompressor] = self._local.__dict__.setdefault("expand", {})
        decompressor = made.get(number)
        if decompressor is None:
            decompressor = made[number] = zstandard.ZstdDecompressor(
                dict_data=self._loaded.get(number), max_window_size=1 << 27
            )
        return decompressor
