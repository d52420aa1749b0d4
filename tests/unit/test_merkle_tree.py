"""The Merkle tree against one written straight from RFC 6962's definition."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from trucyte.journal import merkle

LEAVES = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + naive_root(leaves[:half]) + naive_root(leaves[half:])).digest()


def naive_path(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if index < half:
        return [*naive_path(leaves[:half], index), naive_root(leaves[half:])]
    return [*naive_path(leaves[half:], index - half), naive_root(leaves[:half])]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert merkle.root([]) == merkle.Frontier().root() == naive_root([])


@given(LEAVES)
def test_the_root_is_that_of_the_definition_however_it_is_grown(leaves: list[bytes]) -> None:
    frontier = merkle.Frontier()
    for size, leaf in enumerate(leaves, start=1):
        frontier.append(leaf)
        frontier = merkle.Frontier(size, frontier.peaks)
        assert frontier.root() == naive_root(leaves[:size])
    assert merkle.root(leaves) == naive_root(leaves)


@given(LEAVES)
def test_each_path_is_that_of_the_definition_and_leads_to_the_root(leaves: list[bytes]) -> None:
    root = merkle.root(leaves)
    for index, leaf in enumerate(leaves):
        path = merkle.inclusion_path(leaves, index)
        assert path == naive_path(leaves, index)
        assert merkle.root_from_path(leaf, index, len(leaves), path) == root


@given(LEAVES)
def test_kept_inner_nodes_give_the_same_paths_for_every_size(leaves: list[bytes]) -> None:
    nodes = {}
    frontier = merkle.Frontier()
    for place, leaf in enumerate(leaves):
        nodes[0, place] = merkle.leaf_hash(leaf)
        for level, node in enumerate(frontier.append(leaf), start=1):
            nodes[level, place >> level] = node
        index = place // 2
        path = merkle.path_from_nodes(index, place + 1, lambda level, at: nodes[level, at])
        assert path == merkle.inclusion_path(leaves[: place + 1], index)
        assert set(merkle.nodes_of_path(index, place + 1)) <= set(nodes)


@given(LEAVES, st.data())
def test_a_path_proves_one_leaf_at_one_place_of_one_tree(
    leaves: list[bytes], data: st.DataObject
) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(leaves, index)
    root = merkle.root(leaves)
    assert merkle.root_from_path(leaves[index] + b"x", index, size, path) != root
    assert merkle.root_from_path(leaves[index], index, size, [*path, root]) != root
    assert merkle.root_from_path(leaves[index], size, size, path) is None
    assert merkle.root_from_path(leaves[index], -1, size, path) is None
    for place in range(len(path)):
        shorter = path[:place] + path[place + 1 :]
        assert merkle.root_from_path(leaves[index], index, size, shorter) != root
        flipped = bytes([path[place][0] ^ 1]) + path[place][1:]
        forged = [*path[:place], flipped, *path[place + 1 :]]
        assert merkle.root_from_path(leaves[index], index, size, forged) != root
