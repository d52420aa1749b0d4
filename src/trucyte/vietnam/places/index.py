"""The names of all units, former and in force, ready to be looked up word by word."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from trucyte.base.normal_form import normal_form
from trucyte.vietnam.people.words import tone_placed
from trucyte.vietnam.places.history import History, Unit, load_history
from trucyte.vietnam.places.spelling import key_of, kind_and_short
from trucyte.vietnam.tables import read_toml

WORDS_MAX = 6  # of the longest name that is looked for


class Named(msgspec.Struct, frozen=True):
    """A unit with the words it is looked for by."""

    unit: Unit
    is_former: bool
    plain: str  # short name with marks, tones in the new places, lower case


class Index(msgspec.Struct, frozen=True):
    """Short key -> units of that name, by level."""

    provinces: Mapping[str, Sequence[Named]]
    districts: Mapping[str, Sequence[Named]]
    communes: Mapping[str, Sequence[Named]]
    scopes: Mapping[str, frozenset[str]]  # current province -> former provinces in it


@cache
def load_index() -> Index:
    """Return the index of the packaged units; raises UnitsNotBuilt where set-up has not run."""
    history = load_history()
    levels: dict[str, dict[str, list[Named]]] = {
        level: defaultdict(list) for level in ("province", "district", "commune")
    }
    for is_former, units in ((False, history.current), (True, history.former)):
        for unit in units.values():
            named = Named(unit, is_former, short_plain(unit.name))
            levels[unit.level][kind_and_short(key_of(unit.name))[1]].append(named)
    _add_aliases(levels["province"], history)
    return Index(
        provinces=_frozen(levels["province"]),
        districts=_frozen(levels["district"]),
        communes=_frozen(levels["commune"]),
        scopes=_scopes(history),
    )


def _frozen(names: Mapping[str, list[Named]]) -> Mapping[str, Sequence[Named]]:
    return {key: tuple(named) for key, named in names.items()}


def _add_aliases(provinces: dict[str, list[Named]], history: History) -> None:
    for alias, code in read_toml("places")["aliases"].items():
        key = kind_and_short(key_of(history.former[code].name))[1]
        known = provinces[alias]
        provinces[alias] = known + [named for named in provinces[key] if named not in known]


def _scopes(history: History) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for unit in history.former.values():
        if unit.level == "province":
            found[history.ways[unit.code][0][0]].add(unit.code)
    return {code: frozenset(former) for code, former in found.items()}


def short_plain(name: str) -> str:
    """Return a name without its kind in lower case, tones in the new places."""
    words = normal_form("NFC", name).lower().replace("-", " ").split()
    kind, short = kind_and_short(key_of(name))
    kept = words[len(words) - len(short.split()) :] if kind else words
    return " ".join(tone_placed(word) for word in kept)
