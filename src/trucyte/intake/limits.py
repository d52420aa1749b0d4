"""How large, deep and long an input may be before it is refused.

The limits stand well above anything a hospital sends; they bound memory and time, so
that a hostile file costs its sender more than this node.
"""

from dataclasses import dataclass

_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes unless the name says otherwise."""

    file: int = 8 << 30  # a source as it came
    envelope: int = 4 * _MEGABYTE  # all of an envelope that is not a visit
    visit: int = 64 * _MEGABYTE  # one HOSO, encoded
    depth: int = 64  # elements in elements
    rows: int = 100_000  # of one table of one visit
    zip_files: int = 20_000
    zip_unpacked: int = 16 << 30
    zip_ratio: int = 250  # unpacked to packed, of files above zip_ratio_from
    zip_ratio_from: int = 8 * _MEGABYTE
    loose_tables: int = 64 * _MEGABYTE  # XML1..15 files lying apart in one zip, together
    bundle: int = 128 * _MEGABYTE  # one FHIR bundle or resource
    line: int = 16 * _MEGABYTE  # one line of NDJSON


DEFAULT = Limits()
