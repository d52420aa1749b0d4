"""Changes that keep the shape of an input: trees of JSON stay JSON, tags stay tags.

Bytes changed at random seldom pass the door; these changes get behind it. Every change
follows from its seed alone, so a run can be repeated.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from tests.fuzz.target import ENCODER, document

# Changes bytes a little: the fuzzer's own, which knows what comparisons saw.
Change = Callable[[bytes, int], bytes]

_PLACES_MAX = 4000
_TEXT_MAX = 6000
_INTERESTING: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, -(2**63), 2**64 + 1, Decimal("9" * 400), Decimal("1E+400"),
    Decimal("-0.0"), Decimal("1e-9999"), Decimal("1.50"), "", " ", "0", "*", "#", "-", ".", "/",
    "a", "2026-02-30", "0000", "9999-12-31T24:00:00Z", "https://a.vn/" + "x" * 300, "a\u0000b",
    "\ufeff", "\U0001f600", "e\u0301", "(a+)+$", "$this", "%resource", "1..*", [], {}, [[]],
    [None], [{}], {"": ""}, {"extension": [{}]}, {"resourceType": "Patient"},
)  # fmt: skip
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_MARKUP = re.compile(rb"<[^<>]*>|[^<>]+|[<>]")

Place = tuple[Any, Any]  # a dict or list, and the key or number in it


def change_tree(
    data: bytes, size_max: int, seed: int, words: Sequence[str], change: Change
) -> bytes:
    """Return a JSON document with one to four changes; bytes that are none, changed as such."""
    tree = document(data)
    if tree is None:
        return change(data, size_max)
    chance = random.Random(seed)
    for _ in range(chance.choice((1, 1, 2, 4))):
        places = _places(tree)
        if not places:
            break
        holder, key = chance.choice(places)
        chance.choice(_CHANGES)(_Turn(chance, places, holder, key, words, change))
    return _written(tree, data, size_max)


def cross_trees(data: bytes, other: bytes, size_max: int, seed: int) -> bytes:
    """Return the first document with a part of the second in it."""
    tree, donor = document(data), document(other)
    if tree is None or donor is None:
        return data
    chance = random.Random(seed)
    places, gifts = _places(tree), _places(donor)
    if places and gifts:
        holder, key = chance.choice(places)
        giver, place = chance.choice(gifts)
        holder[place if isinstance(holder, dict) and isinstance(place, str) else key] = giver[place]
    return _written(tree, data, size_max)


def change_markup(
    data: bytes, size_max: int, seed: int, words: Sequence[str], change: Change
) -> bytes:
    """Return tags and texts with some moved, doubled, taken out or changed within."""
    chance = random.Random(seed)
    parts = _MARKUP.findall(data)
    if not parts or chance.random() < 0.2:
        return change(data, size_max)
    for _ in range(chance.choice((1, 1, 2, 4))):
        at, to = chance.randrange(len(parts)), chance.randrange(len(parts))
        match chance.randrange(6):
            case 0:
                parts[at], parts[to] = parts[to], parts[at]
            case 1:
                first, last = min(at, to), max(at, to) + 1
                parts[first:first] = parts[first:last] * chance.choice((1, 1, 2, 60))
            case 2:
                del parts[min(at, to) : min(max(at, to), min(at, to) + 4) + 1]
            case 3:
                parts[at] = change(parts[at], len(parts[at]) + 32)
            case 4:
                parts.insert(at, chance.choice(words or ("<a>",)).encode())
            case _:
                name = re.match(rb"</?([^\s/>]*)", parts[at])
                new = chance.choice(parts)
                parts[at] = parts[at].replace(name[1], new[1:9].strip(b"/> "), 1) if name else new
        if not parts:
            break
    return b"".join(parts)[:size_max]


def change_text(text: str, chance: random.Random, words: Sequence[str], change: Change) -> str:
    """Return a text with a token or a letter changed."""
    tokens = _TOKEN.findall(text)
    at = chance.randrange(len(tokens) + 1)
    match chance.randrange(7):
        case 0:
            tokens.insert(at, chance.choice(words or ("a",)))
        case 1 if tokens:
            del tokens[at - 1 : at + chance.randrange(3)]
        case 2 if tokens:
            tokens[at:at] = tokens[max(0, at - chance.randrange(9)) : at] * chance.choice((1, 2, 9))
        case 3 if tokens:
            tokens[at - 1] = chance.choice(words or ("a",))
        case 4:
            return (text or "a") * min(chance.choice((2, 10, 300)), _TEXT_MAX // (len(text) or 1))
        case 5:
            return chance.choice(words or ("a",))
        case _:
            return change(text.encode("utf-8", "replace"), len(text) + 24).decode("utf-8", "ignore")
    return "".join(tokens)


class _Turn:
    """One change to one place."""

    def __init__(
        self, chance: random.Random, places: list[Place], holder: Any, key: Any,
        words: Sequence[str], change: Change,
    ) -> None:  # fmt: skip
        self.chance, self.places, self.words, self.change = chance, places, words, change
        self.holder, self.key = holder, key

    @property
    def value(self) -> Any:
        return self.holder[self.key]

    @value.setter
    def value(self, value: Any) -> None:
        self.holder[self.key] = value


def _replace(turn: _Turn) -> None:
    turn.value = deepcopy(turn.chance.choice(_INTERESTING))


def _reword(turn: _Turn) -> None:
    texts = [(h, k) for h, k in turn.places if isinstance(h[k], str)]
    if texts:
        holder, key = turn.chance.choice(texts)
        holder[key] = change_text(holder[key], turn.chance, turn.words, turn.change)


def _retype(turn: _Turn) -> None:
    value = turn.value
    forms: list[Any] = [[value], {"value": value}, str(value)[:200], [value, value]]
    if isinstance(value, list) and value:
        forms.append(value[0])
    if isinstance(value, dict) and value:
        forms += [next(iter(value.values())), list(value)]
    if isinstance(value, str):
        forms += [len(value), Decimal(len(value)) / 8]
    turn.value = turn.chance.choice(forms)


def _delete(turn: _Turn) -> None:
    del turn.holder[turn.key]


def _double(turn: _Turn) -> None:
    if isinstance(turn.holder, list):
        times = turn.chance.choice((1, 1, 3, 50))
        turn.holder[turn.key : turn.key] = [turn.value] * times
    else:
        turn.holder["_" + turn.key] = turn.value


def _move(turn: _Turn) -> None:
    giver, place = turn.chance.choice(turn.places)
    turn.value = giver[place]


def _rename(turn: _Turn) -> None:
    if not isinstance(turn.holder, dict):
        return
    keys = [key for _, key in turn.places if isinstance(key, str)] or ["a"]
    new = turn.chance.choice((turn.chance.choice(keys), turn.chance.choice(turn.words or ("a",))))
    turn.holder[new] = turn.holder.pop(turn.key)


def _deepen(turn: _Turn) -> None:
    value, times = turn.value, turn.chance.choice((1, 2, 8, 120))
    is_list = isinstance(value, list)
    for _ in range(times):
        inner = {turn.key if isinstance(turn.key, str) else "extension": value}
        value = [inner] if is_list else inner
    turn.value = value


_CHANGES = (
    _replace, _replace, _reword, _reword, _reword, _reword, _retype, _delete, _double, _move,
    _move, _rename, _deepen,
)  # fmt: skip


def _places(tree: Any) -> list[Place]:
    return [place for _, place in zip(range(_PLACES_MAX), _walk(tree), strict=False)]


def _walk(tree: Any) -> Iterator[Place]:
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        for key, value in holder.items() if isinstance(holder, dict) else enumerate(holder):
            yield holder, key
            if isinstance(value, dict | list):
                waiting.append(value)


def _written(tree: Any, data: bytes, size_max: int) -> bytes:
    """Write a tree; as it was before where it has grown too large, or holds itself."""
    try:
        made = ENCODER.encode(tree)
    except (RecursionError, ValueError, TypeError, OverflowError):
        return data
    return made if len(made) <= size_max else data
