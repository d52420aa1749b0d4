"""What the values of the language are, and when two of them are the same.

Items of a collection are Python's bool, int, Decimal and str, `Moment`, `Quantity` and
`TypeName`, and `Node` for elements of FHIR. `system` turns an element of a primitive
type into its value. A collection is a list that nobody changes once it is given away.
"""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trucyte.fhir.path import moment, quantity
from trucyte.fhir.path.model import Node
from trucyte.fhir.path.moment import Moment
from trucyte.fhir.path.numbers import rounded_to_least
from trucyte.fhir.path.problems import PathEvaluation, PathTooCostly
from trucyte.fhir.path.quantity import Quantity

Items = list[Any]

TRUE: Final[Items] = [True]
FALSE: Final[Items] = [False]
EMPTY: Final[Items] = []
TRUTHS: Final = {True: TRUE, False: FALSE, None: EMPTY}
_PAIRS_MAX: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """The answer of `type()`."""

    namespace: str
    name: str


def system(item: Any) -> Any:
    """Return the value of an item; the element itself where it is none, None without value."""
    return item.kind.convert(item) if item.__class__ is Node else item


def single(items: Items) -> Any:
    """Return the value of the only item, None of no item. Raises `PathEvaluation`."""
    if not items:
        return None
    if len(items) > 1:
        raise PathEvaluation(reason=f"one item was expected, there are {len(items)}")
    item = items[0]
    return item.kind.convert(item) if item.__class__ is Node else item


def truth(items: Items) -> bool | None:
    """Read a collection as a boolean: a single item of any other type is true (5.5)."""
    value = single(items)
    if value is None or value is True or value is False:
        return value
    return True


def type_of(value: Any) -> str:
    """Return the name of the type of a value, for messages and `type()`."""
    return _NAMES.get(value.__class__) or _named(value)


_NAMES = {
    bool: "Boolean", int: "Integer", Decimal: "Decimal", str: "String", Quantity: "Quantity",
}  # fmt: skip


def _named(value: Any) -> str:
    if value.__class__ is Moment:
        return str(value.type)
    return str(value.kind.name) if value.__class__ is Node else "TypeInfo"


def is_number(value: Any) -> bool:
    """Say whether a value is an Integer or a Decimal."""
    return value.__class__ is int or value.__class__ is Decimal


# --- Equality (6.1) ---------------------------------------------------------------------


def equal(left: Items, right: Items) -> bool | None:
    """Compare in order; None where either is empty or precision leaves it open."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    verdict: bool | None = True
    for mine, other in zip(left, right, strict=True):
        same = equal_items(mine, other)
        if same is False:
            return False
        if same is None:
            verdict = None
    return verdict


def equal_items(one: Any, another: Any) -> bool | None:
    """Compare two items; None where precision or units leave it open."""
    left, right = system(one), system(another)
    mine, other = left.__class__, right.__class__
    if mine is str or mine is bool:
        return other is mine and bool(left == right)
    if mine is Moment and other is Moment:
        if (left.type == moment.TIME) is not (right.type == moment.TIME):
            return False
        order = moment.compare(left, right)
        return None if order is None else order == 0
    if mine is Quantity or other is Quantity:
        pair = _quantities(left, right)
        order = quantity.compare(*pair) if pair else 1
        return None if order is None else order == 0
    if is_number(left) and is_number(right):
        return bool(left == right)
    return key(one) == key(another)


def _quantities(left: Any, right: Any) -> tuple[Quantity, Quantity] | None:
    pair = []
    for value in (left, right):
        if is_number(value):
            pair.append(Quantity(Decimal(value), "1"))
        elif value.__class__ is Quantity:
            pair.append(value)
        else:
            return None
    return pair[0], pair[1]


def key(item: Any) -> Hashable:
    """Return what equal items share and unequal ones do not."""
    value = system(item)
    kind = value.__class__
    if kind is bool:
        return ("boolean", value)
    if kind is Moment:
        return ("moment", moment.sort_key(value))
    if kind is Quantity:
        return ("quantity", quantity.canonical(value))
    if value is None:
        return ("extended", _json_key(item.sibling))
    made: Hashable = ("element", _json_key(value.value)) if kind is Node else value
    return made


def _json_key(value: Any) -> Hashable:
    if value.__class__ is dict:
        return frozenset((name, _json_key(child)) for name, child in value.items())
    if value.__class__ is list:
        return tuple([_json_key(child) for child in value])
    return ("boolean", value) if value.__class__ is bool else value


def distinct(items: Items) -> Items:
    """Return the items without their repetitions, first ones first."""
    if len(items) < 2:
        return items
    seen = set()
    found = []
    for item in items:
        mark = key(item)
        if mark not in seen:
            seen.add(mark)
            found.append(item)
    return found


# --- Equivalence (6.1.2) ----------------------------------------------------------------


def equivalent(left: Items, right: Items) -> bool:
    """Compare without regard to order, case, white space and more precision than needed."""
    if len(left) != len(right):
        return False
    if len(left) == 1:
        return equivalent_items(left[0], right[0])
    remaining = Counter(_loose_key(item) for item in right)
    unmatched = []
    for item in left:
        mark = _loose_key(item)
        if remaining[mark]:
            remaining[mark] -= 1
        else:
            unmatched.append(item)
    if not unmatched:
        return True
    if len(unmatched) * len(right) > _PAIRS_MAX:
        raise PathTooCostly(reason="it would compare too many elements")
    rest = [item for item in right if _take(remaining, _loose_key(item))]
    return all(_matched(item, rest) for item in unmatched)


def _take(remaining: Counter[Hashable], mark: Hashable) -> bool:
    remaining[mark] -= 1
    return remaining[mark] >= 0


def _matched(item: Any, rest: Items) -> bool:
    for place, other in enumerate(rest):
        if equivalent_items(item, other):
            del rest[place]
            return True
    return False


def equivalent_items(one: Any, another: Any) -> bool:
    """Compare two items by equivalence, which always has an answer."""
    left, right = system(one), system(another)
    if is_number(left) and is_number(right):
        return rounded_to_least(left, right)
    if left.__class__ is Moment and right.__class__ is Moment:
        if (left.type == moment.TIME) is not (right.type == moment.TIME):
            return False
        return moment.compare(left, right) == 0
    if left.__class__ is Quantity or right.__class__ is Quantity:
        pair = _quantities(left, right)
        return pair is not None and quantity.equivalent(*pair)
    return _loose_key(one) == _loose_key(another)


def _loose_key(item: Any) -> Hashable:
    value = system(item)
    if value.__class__ is str:
        return folded(value)
    if value.__class__ is Node:
        return ("element", _loose_json(value.value))
    return key(item)


def folded(text: str) -> str:
    """Return a text as equivalence sees it: in lower case, white space as single blanks."""
    return " ".join(text.casefold().split())


def _loose_json(value: Any) -> Hashable:
    if value.__class__ is dict:
        return frozenset((name, _loose_json(child)) for name, child in value.items())
    if value.__class__ is list:
        return frozenset(Counter(_loose_json(child) for child in value).items())
    if value.__class__ is str:
        return folded(value)
    return ("boolean", value) if value.__class__ is bool else value


# --- Order (6.2) ------------------------------------------------------------------------


def compare(left: Any, right: Any) -> int | None:
    """Return -1, 0 or 1 for two values, None where it is open. Raises `PathEvaluation`."""
    mine, other = left.__class__, right.__class__
    if (mine is other and mine is str) or (is_number(left) and is_number(right)):
        return int(left > right) - int(left < right)
    if mine is Moment and other is Moment:
        if (left.type == moment.TIME) is (right.type == moment.TIME):
            return moment.compare(left, right)
    elif mine is Quantity or other is Quantity:
        pair = _quantities(left, right)
        if pair is not None:
            return quantity.compare(*pair)
    if left is None or right is None:
        return None
    raise PathEvaluation(reason=f"{type_of(left)} and {type_of(right)} have no order")
