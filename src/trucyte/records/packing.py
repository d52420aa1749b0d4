"""Arrays of bigint as PostgreSQL's binary COPY takes them."""

import struct
from collections.abc import Sequence

# Length, dimensions, has nulls, element type, size, lower bound.
ARRAY_HEAD = struct.Struct(">iiiiii")
EMPTY_ARRAY = struct.pack(">iiii", 12, 0, 0, 20)


def packed_array(values: Sequence[int]) -> bytes:
    """Return a bigint[] field; an empty one has no dimension."""
    count = len(values)
    if not count:
        return EMPTY_ARRAY
    parts = [8] * (2 * count)
    parts[1::2] = values
    head = ARRAY_HEAD.pack(20 + 12 * count, 1, 0, 20, count, 1)
    return head + struct.pack(">" + "iq" * count, *parts)
