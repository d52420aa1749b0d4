"""JSON as bytes: what is checked at the door, and how an accepted body is spliced.

The received bytes are kept: element order and decimal digits stay. Only the id,
resolved references and a client's own `meta.versionId` and `meta.lastUpdated` are
spliced. `meta_offset` says where the server's version and time go when the body is
read: positive, just behind the `{` of a `meta` that is there; negative, the place
(made positive) where a whole `,"meta":{…}` is put in.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """Bytes as they will lie in the journal, and where `meta` goes."""

    body: bytes
    meta_offset: int
