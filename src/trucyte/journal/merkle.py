"""Merkle trees as RFC 6962 §2.1 defines them: leaves under 0x00, inner nodes under 0x01.

Pure. `root` and `inclusion_path` work on a list of leaves at hand; `Frontier` grows a
tree leaf by leaf and keeps only its right edge; `path_from_nodes` proves a leaf of a
tree whose perfect subtrees lie somewhere else.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32

Node = Callable[[int, int], bytes]  # (level, index) -> hash of that perfect subtree


def leaf_hash(data: bytes) -> bytes:
    """Hash the data of one leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into the one above them."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over the data of `leaves`, in order."""
    if not leaves:
        return sha256(b"").digest()
    level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the siblings from leaf `index` up to the root, lowest first."""
    level = [leaf_hash(leaf) for leaf in leaves]
    path = []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        above = [
            node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        if len(level) % 2:
            above.append(level[-1])
        level, index = above, index >> 1
    return path


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that `path` leads to from `leaf`, or None where it cannot fit the tree.

    RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    last, found = size - 1, leaf_hash(leaf)
    for sibling in path:
        if last == 0:
            return None
        if index % 2 or index == last:
            found = node_hash(sibling, found)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        index, last = index >> 1, last >> 1
    return found if last == 0 else None


class Frontier:
    """The right edge of a growing tree: its perfect subtrees, widest first."""

    __slots__ = ("_peaks", "size")

    def __init__(self, size: int = 0, peaks: bytes = b"") -> None:
        """Take up a tree of `size` leaves whose peaks were kept as bytes."""
        assert len(peaks) == size.bit_count() * HASH_SIZE
        self.size = size
        self._peaks = [peaks[at : at + HASH_SIZE] for at in range(0, len(peaks), HASH_SIZE)]

    @property
    def peaks(self) -> bytes:
        """The peaks as bytes, for `Frontier(size, peaks)`."""
        return b"".join(self._peaks)

    def append(self, leaf: bytes) -> list[bytes]:
        """Add a leaf; return the inner nodes that became complete, lowest (level 1) first."""
        found, size, completed = leaf_hash(leaf), self.size, []
        while size % 2:
            found = node_hash(self._peaks.pop(), found)
            completed.append(found)
            size >>= 1
        self._peaks.append(found)
        self.size += 1
        return completed

    def root(self) -> bytes:
        """Return the root of the tree so far."""
        if not self._peaks:
            return sha256(b"").digest()
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found


def path_from_nodes(index: int, size: int, node: Node) -> list[bytes]:
    """Return the inclusion path of leaf `index` in a tree of `size` from its perfect subtrees."""
    assert 0 <= index < size
    path, start = [], 0
    while size > 1:
        half = _largest_power_below(size)
        if index - start < half:
            path.append(_subtree(start + half, size - half, node))
            size = half
        else:
            path.append(_subtree(start, half, node))
            start, size = start + half, size - half
    return path[::-1]


def nodes_of_path(index: int, size: int) -> Iterable[tuple[int, int]]:
    """Return the (level, index) of every perfect subtree that the path of a leaf needs."""
    wanted: list[tuple[int, int]] = []

    def note(level: int, place: int) -> bytes:
        wanted.append((level, place))
        return b""

    path_from_nodes(index, size, note)
    return wanted


def _subtree(start: int, size: int, node: Node) -> bytes:
    level = size.bit_length() - 1
    if size == 1 << level:
        return node(level, start >> level)
    half = _largest_power_below(size)
    return node_hash(_subtree(start, half, node), _subtree(start + half, size - half, node))


def _largest_power_below(size: int) -> int:
    return 1 << ((size - 1).bit_length() - 1)
