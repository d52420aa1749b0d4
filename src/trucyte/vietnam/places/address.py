"""Read a free-text address into units, with or without marks, in old units or new.

Words are looked up from the right: province, district, commune, each with or without its
kind ("P.", "quận", "TX"). The answer is the best reading, how sure it is (the share of
readings as good, less what had to be overlooked), and the others. Never raises on text.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache

import msgspec

from trucyte.vietnam.people.syllable import bare
from trucyte.vietnam.people.words import tone_placed
from trucyte.vietnam.places.history import NEW_FROM, Unit, load_history
from trucyte.vietnam.places.index import WORDS_MAX, Index, Named, load_index
from trucyte.vietnam.places.spelling import word_key

LENGTH_MAX = 300
CANDIDATES_MAX = 10

_TOKEN = re.compile(r"[^\W_]+|[,;\n]")
_NUMBERED = re.compile(r"(p|q|f)0*(\d{1,2})", re.ASCII)
_WORDS_KEPT = 32_768
_KINDS_ONE = {
    "p": "P", "f": "P", "phuong": "P", "x": "X", "xa": "X", "tt": "T", "q": "Q", "quan": "Q",
    "h": "H", "huien": "H", "tx": "TX", "tp": "TP", "t": "TINH", "tinh": "TINH", "dk": "D",
}  # fmt: skip
_KINDS_TWO = {
    ("thi", "tran"): "T", ("thi", "xa"): "TX", ("thanh", "pho"): "TP", ("dac", "khu"): "D",
}  # fmt: skip
_KINDS_MARKED = frozenset(("phường", "xã", "quận", "huyện", "tỉnh"))
_PARTS_OF_NAMES = frozenset(("quan", "tinh", "phuong", "xa"))  # Văn Quan, Năng Tĩnh, Tây Phương
_LEVEL_KINDS = {
    "province": frozenset(("TP", "TINH")),
    "district": frozenset(("Q", "H", "TX", "TP")),
    "commune": frozenset(("P", "X", "T", "D")),
}
_COUNTRY = (("viet", "nam"), ("vietnam",), ("vn",))
_BREAK = ""

# What is taken off for what had to be overlooked (judged, not measured).
_OTHER_KIND = 0.75  # "xã" for what is a phường
_OTHER_MARKS = 0.8  # "Văn Lang" for "Văn Lăng"
_SKIPPED = 0.85  # a part between the units that is none
_NO_PROVINCE = 0.8
_WIDER = 0.9  # the district lay in another province before the merger
_MIXED = 0.7  # a commune in force within a former district
_NO_KIND = 0.2  # words without a kind read as a commune
_INSTEAD = 0.05  # the same, where they fit as a district with a commune before it


class Reading(msgspec.Struct, frozen=True):
    """One way to understand an address."""

    commune: Unit | None  # as the text names it: former or in force
    district: Unit | None  # former
    province: Unit | None  # as the text names it
    quality: float  # 1 less what had to be overlooked
    weight: float  # quality, and how likely such a reading is beforehand
    start: int  # place in the text where the units begin


class Address(msgspec.Struct, frozen=True):
    """An address as it was understood."""

    province: Unit | None  # in force
    commune: Unit | None  # in force; None where a former one was divided
    former_province: Unit | None
    former_district: Unit | None
    former_commune: Unit | None
    communes: tuple[str, ...]  # codes in force it may lie in: one where sure
    confidence: float  # 0 to 1, of the finest unit that is given
    rest: str  # what stands before the units: house, street, hamlet
    candidates: tuple[Reading, ...] = ()  # other readings, best first
    cut: bool = False


NOWHERE = Address(None, None, None, None, None, (), 0.0, "")


class _Words(msgspec.Struct):
    """The words of an address; a break between parts is an empty key."""

    keys: list[str]
    plains: list[str]
    places: list[int]
    are_marked: bool  # the text bears marks somewhere, so words without any mean it


class _Hit(msgspec.Struct, frozen=True):
    """Units whose name ends at a word, and where name and kind begin."""

    units: Sequence[Named]
    begin: int
    kind: str  # as written, or ""
    quality: float


class _Scope(msgspec.Struct, frozen=True):
    """The provinces an address may lie in; None: all."""

    former: frozenset[str] | None
    current: frozenset[str] | None
    quality: float
    province: Named | None = None


UnitsOf = Callable[[str], Sequence[Named]]


def read_address(text: str, *, day: date | None = None) -> Address:
    """Read an address as it was written on `day` (None: not known, new units more likely).

    Raises UnitsNotBuilt or FormerUnitsNotBuilt where set-up has not run.
    """
    index = load_index()
    cut = len(text) > LENGTH_MAX
    text = text[:LENGTH_MAX]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    words = _words(text)
    readings = _readings(index, words, _before_country(words), day)
    if not readings:
        return msgspec.structs.replace(NOWHERE, rest=text.strip(), cut=cut)
    return _answer(index, readings, text, cut=cut)


def _words(text: str) -> _Words:
    keys, plains, places = [], [], []
    for found in _TOKEN.finditer(text.lower()):
        for plain, key in _word(found.group()):
            keys.append(key)
            plains.append(plain)
            places.append(found.start())
    return _Words(keys, plains, places, not text.isascii())


@lru_cache(maxsize=_WORDS_KEPT)
def _word(lower: str) -> tuple[tuple[str, str], ...]:
    if lower in ",;\n":
        return ((_BREAK, _BREAK),)
    skeleton = bare(lower)
    numbered = _NUMBERED.fullmatch(skeleton)
    if numbered:
        return tuple((part, part) for part in numbered.groups())
    return ((tone_placed(lower), word_key(skeleton)),)


def _before_country(words: _Words) -> int:
    end = _trimmed(words, len(words.keys))
    for country in _COUNTRY:
        if tuple(words.keys[end - len(country) : end]) == country and end > len(country):
            return _trimmed(words, end - len(country))
    return end


def _trimmed(words: _Words, end: int) -> int:
    while end and words.keys[end - 1] == _BREAK:
        end -= 1
    return end


def _ending(words: _Words, end: int, level: str, units_of: UnitsOf) -> _Hit | None:
    """Return the units whose name, the longest there is, ends before `end`."""
    phrase, begin = "", 0
    best: Sequence[Named] = ()
    for at in range(end - 1, max(end - 1 - WORDS_MAX, -1), -1):
        key = words.keys[at]
        if key == _BREAK:
            break
        phrase = f"{key} {phrase}" if phrase else key
        units = units_of(phrase)
        if units:
            best, begin = units, at
    if not best:
        return None
    kind, first = _kind_before(words, begin)
    if kind and kind not in _LEVEL_KINDS[level]:
        if words.are_marked or words.keys[begin - 1] not in _PARTS_OF_NAMES:
            return None
        kind, first = "", begin
    plain = " ".join(words.plains[begin:end])
    units, quality = _like_written(best, kind, plain if words.are_marked else "")
    return _Hit(units, first, kind, quality)


def _kind_before(words: _Words, begin: int) -> tuple[str, int]:
    """Return the kind written before a name, and where it begins."""
    keys = words.keys
    if begin >= 2 and (keys[begin - 2], keys[begin - 1]) in _KINDS_TWO:
        return _KINDS_TWO[keys[begin - 2], keys[begin - 1]], begin - 2
    if begin < 1 or keys[begin - 1] not in _KINDS_ONE:
        return "", begin
    plain = words.plains[begin - 1]
    if not plain.isascii() and plain not in _KINDS_MARKED:  # Năng Tĩnh is no tỉnh
        return "", begin
    return _KINDS_ONE[keys[begin - 1]], begin - 1


def _like_written(units: Sequence[Named], kind: str, plain: str) -> tuple[Sequence[Named], float]:
    """Keep the units with the kind and the marks that are written, where there are some."""
    quality = 1.0
    if kind:
        same = [named for named in units if named.unit.kind == kind]
        quality *= 1.0 if same else _OTHER_KIND
        units = same or units
    if plain:
        same = [named for named in units if named.plain == plain]
        quality *= 1.0 if same or plain.isascii() else _OTHER_MARKS
        units = same or units
    return units, quality


def _readings(index: Index, words: _Words, end: int, day: date | None) -> list[Reading]:
    hit = _province(index, words, end)
    if hit is None:
        return list(_inside(index, words, end, _Scope(None, None, _NO_PROVINCE), day))
    found: list[Reading] = []
    for scope in _scopes(index, hit):
        found = list(_inside(index, words, hit.begin, scope, day))
        if found:
            break
    if not found and hit.kind == "TP" and all(one.unit.kind != "TP" for one in hit.units):
        found = list(_inside(index, words, end, _Scope(None, None, _NO_PROVINCE), day))
    if any(reading.commune for reading in found):
        return found
    return [*found, *_only_province(words, hit, day)]


def _province(index: Index, words: _Words, end: int) -> _Hit | None:
    """Return the province at the end; one word alone (Huế) yields to a longer district's name."""
    hit = _ending(words, end, "province", lambda phrase: index.provinces.get(phrase, ()))
    if hit is None or hit.kind or hit.begin < end - 1:
        return hit
    if hit.quality < 1.0:  # Huệ is not Huế
        return None
    district = _ending(words, end, "district", lambda phrase: index.districts.get(phrase, ()))
    return None if district is not None and district.begin < hit.begin else hit


def _scopes(index: Index, hit: _Hit) -> Iterable[_Scope]:
    former = frozenset(named.unit.code for named in hit.units if named.is_former)
    current = frozenset(named.unit.code for named in hit.units if not named.is_former)
    named = hit.units[0]
    yield _Scope(former, current, hit.quality, named)
    wider = frozenset().union(*(index.scopes[code] for code in current))
    if wider - former:
        yield _Scope(wider, current, hit.quality * _WIDER, named)


def _only_province(words: _Words, hit: _Hit, day: date | None) -> Iterable[Reading]:
    """The province alone: worth little beside a reading that says more."""
    for named in hit.units:
        likely = _prior(named, day) * 0.01
        yield Reading(
            None, None, named.unit, hit.quality, hit.quality * likely, words.places[hit.begin]
        )


def _inside(
    index: Index, words: _Words, end: int, scope: _Scope, day: date | None
) -> Iterable[Reading]:
    """Read district and commune before `end`; up to two parts that are neither are skipped."""
    quality = scope.quality
    for _ in range(3):
        end = _trimmed(words, end)
        by_district = list(_by_district(index, words, end, scope, quality))
        chance = _INSTEAD if any(reading.commune for reading in by_district) else 1.0
        by_commune = _by_commune(index, words, end, scope, quality, day)
        found = [*by_district, *(_less(reading, chance) for reading in by_commune)]
        if found:
            return found
        while end and words.keys[end - 1] != _BREAK:
            end -= 1
        quality *= _SKIPPED
    return ()


def _less(reading: Reading, chance: float) -> Reading:
    return msgspec.structs.replace(reading, weight=reading.weight * chance)


def _by_district(
    index: Index, words: _Words, end: int, scope: _Scope, quality: float
) -> Iterable[Reading]:
    hit = _ending(words, end, "district", lambda phrase: _former(index.districts, phrase, scope))
    if hit is None:
        return
    quality *= hit.quality
    before = _trimmed(words, hit.begin)
    for named in hit.units:
        inner = _communes_in(index, words, before, named.unit)
        if inner is None:
            yield _district_alone(named.unit, quality, words.places[hit.begin])
            continue
        for commune in inner.units:
            value = quality * inner.quality * (1.0 if commune.is_former else _MIXED)
            yield Reading(commune.unit, named.unit, None, value, value, words.places[inner.begin])


def _district_alone(district: Unit, quality: float, start: int) -> Reading:
    """A district without a commune; an island district became one commune."""
    heirs = load_history().ways.get(district.code, ())
    likely = 1.0 if len(heirs) == 1 else 0.1
    return Reading(None, district, None, quality, quality * likely, start)


def _communes_in(index: Index, words: _Words, end: int, district: Unit) -> _Hit | None:
    """Return communes of a former district, else communes in force that follow them."""
    hit = _ending(
        words, end, "commune",
        lambda phrase: [
            named
            for named in index.communes.get(phrase, ())
            if district.code in (named.unit.parent, named.unit.earlier_parent)
        ],
    )  # fmt: skip
    if hit is not None:
        return hit
    heirs = {code for code, _ in load_history().ways.get(district.code, ())}
    return _ending(
        words, end, "commune",
        lambda phrase: [
            named
            for named in index.communes.get(phrase, ())
            if not named.is_former and named.unit.code in heirs
        ],
    )  # fmt: skip


def _by_commune(
    index: Index, words: _Words, end: int, scope: _Scope, quality: float, day: date | None
) -> Iterable[Reading]:
    hit = _ending(words, end, "commune", lambda phrase: _either(index.communes, phrase, scope))
    if hit is None:
        return
    quality *= hit.quality
    for named in hit.units:
        likely = _prior(named, day) * (1.0 if hit.kind else _NO_KIND)
        if likely:
            yield Reading(
                named.unit, None, None, quality, quality * likely, words.places[hit.begin]
            )


def _prior(named: Named, day: date | None) -> float:
    """How likely an address names a unit of that time, where no district is written."""
    if day is not None and day < NEW_FROM:
        return 1.0 if named.is_former else 0.0
    former = 0.1 if day is not None else 0.3
    return former if named.is_former else 1.0 - former


def _former(names: Mapping[str, Sequence[Named]], phrase: str, scope: _Scope) -> Sequence[Named]:
    units = names.get(phrase, ())
    if not units or scope.former is None:
        return units
    return [named for named in units if named.unit.province in scope.former]


def _either(names: Mapping[str, Sequence[Named]], phrase: str, scope: _Scope) -> Sequence[Named]:
    units = names.get(phrase, ())
    if not units or scope.former is None or scope.current is None:
        return units
    former, current = scope.former, scope.current
    return [
        named for named in units if named.unit.province in (former if named.is_former else current)
    ]


def _answer(index: Index, readings: Sequence[Reading], text: str, *, cut: bool) -> Address:
    """Choose the reading whose outcome weighs most; readings of one outcome stand together."""
    weights: dict[object, float] = {}
    for reading in readings:
        outcome = _outcome(reading)
        weights[outcome] = weights.get(outcome, 0.0) + reading.weight
    ordered = sorted(readings, key=lambda one: (-weights[_outcome(one)], -one.weight, _code(one)))
    best = ordered[0]
    share = weights[_outcome(best)] / sum(weights.values())
    place = _place(best)
    return msgspec.structs.replace(
        place,
        confidence=round(best.quality * share, 3),
        rest=text[: best.start].strip(" \t\n,.;-"),
        candidates=tuple(_others(ordered)),
        cut=cut,
    )


def _others(ordered: Sequence[Reading]) -> Sequence[Reading]:
    """Return the other readings that say as much as the best."""
    best = ordered[0]
    others = [one for one in ordered[1:] if one.commune or not best.commune]
    return others[:CANDIDATES_MAX]


def _code(reading: Reading) -> str:
    finest = reading.commune or reading.district or reading.province
    return finest.code if finest else ""


def _outcome(reading: Reading) -> object:
    """What a reading comes to today: the communes in force, else the district or province."""
    if reading.commune is None:
        finest = reading.district or reading.province
        return (finest.level, finest.code, finest.valid_to) if finest else ()
    if reading.commune.valid_to is None:
        return reading.commune.code
    ways = load_history().ways[reading.commune.code]
    return ways[0][0] if len(ways) == 1 else ways


def _place(reading: Reading) -> Address:
    history = load_history()
    finest = reading.commune or reading.district or reading.province
    assert finest is not None
    if finest.valid_to is None:
        current = finest if finest.level == "commune" else None
        return Address(
            history.current[finest.province], current, None, reading.district, None,
            (finest.code,) if current else (), 0.0, "",
        )  # fmt: skip
    codes = _heirs(finest)
    return Address(
        province=history.current[history.ways[finest.province][0][0]],
        commune=history.current[codes[0]] if len(codes) == 1 else None,
        former_province=history.former[finest.province],
        former_district=_district(reading, finest),
        former_commune=finest if finest.level == "commune" else None,
        communes=codes,
        confidence=0.0,
        rest="",
    )


def _heirs(former: Unit) -> tuple[str, ...]:
    """Return the communes in force that a former commune, or an island district, went to."""
    ways = load_history().ways.get(former.code, ())
    if former.level == "commune" or (former.level == "district" and len(ways) == 1):
        return tuple(code for code, _ in ways)
    return ()


def _district(reading: Reading, finest: Unit) -> Unit | None:
    if finest.level == "commune":
        return reading.district or load_history().former[finest.parent]
    return reading.district
