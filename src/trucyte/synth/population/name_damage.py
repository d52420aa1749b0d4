"""Damage names the way clerks, keyboards and old systems do."""

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final

from trucyte.synth.dice import Dice
from trucyte.synth.population.corruptions import NameRates
from trucyte.synth.population.scripts import (
    decomposed,
    tcvn3_bytes,
    telex,
    tone_moved,
    unaccented,
    vni_bytes,
    vni_typing,
)
from trucyte.synth.population.shapes import FEMALE

_SCRIPTS: Final[Sequence[tuple[str, Callable[[str], str]]]] = (
    ("unaccented", unaccented),
    ("telex", telex),
    ("vni_typing", vni_typing),
    ("vni_bytes", vni_bytes),
    ("tcvn3_bytes", tcvn3_bytes),
    ("nfd", decomposed),
)
_KEYBOARD: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEAR: Final[Mapping[str, str]] = {
    letter: row[max(0, at - 1) : at] + row[at + 1 : at + 2]
    for row in _KEYBOARD
    for at, letter in enumerate(row)
}
_REGIONAL: Final[Mapping[str, str]] = {
    "Hoàng": "Huỳnh",
    "Huỳnh": "Hoàng",
    "Vũ": "Võ",
    "Võ": "Vũ",
    "Phúc": "Phước",
    "Phước": "Phúc",
    "Cảnh": "Kiểng",
    "Nhật": "Nhựt",
    "Phượng": "Phụng",
    "Hoa": "Huê",
}
_Y_TO_I: Final[Mapping[str, str]] = {"Lý": "Lí", "Mỹ": "Mĩ", "Kỳ": "Kì", "Sỹ": "Sĩ", "Vỹ": "Vĩ"}


class NameDamage:
    """Damages names at the rates of a file; what it did goes into `errors`."""

    def __init__(self, rates: NameRates) -> None:
        """Keep the rates, and the six scripts as one throw."""
        self._rates = rates
        self._scripts = tuple(accumulate(rates.scripts))

    def script(self, dice: Dice) -> int:
        """Return which of the six scripts strikes a record; 6 is none."""
        chance = dice.chance()
        for place, share in enumerate(self._scripts):
            if chance < share:
                return place
        return len(_SCRIPTS)

    def written(
        self, dice: Dice, words: Sequence[str], families: int, script: int, errors: list[str]
    ) -> str:
        """Return a name as the record has it; `families` words of it are the family's."""
        changed = self._reordered(dice, words, families, errors)
        changed = self._respelled(dice, changed, script, errors)
        text = self._spaced(dice, changed, errors)
        rates = self._rates
        if dice.chance() < rates.tone_placement and script != 0:
            moved = tone_moved(text)
            if moved != text:
                text = moved
                errors.append("name.tone_placement")
        if dice.chance() < rates.upper_case:
            text = text.upper()
            errors.append("name.upper_case")
        return in_script(text, script, errors)

    def _reordered(
        self, dice: Dice, words: Sequence[str], families: int, errors: list[str]
    ) -> Sequence[str]:
        rates = self._rates
        family, middle, given = words[:families], words[families:-1], words[-1:]
        if middle and dice.chance() < rates.initials:
            middle = [f"{word[0]}." for word in middle]
            errors.append("name.initials")
        elif middle and dice.chance() < rates.middle_dropped:
            middle = ()
            errors.append("name.middle_dropped")
        if dice.chance() < rates.swapped:
            errors.append("name.swapped")
            first, second = (given, middle) if dice.happens(0.5) else (middle, given)
            return [*first, *second, *family]
        return [*family, *middle, *given]

    def _respelled(
        self, dice: Dice, words: Sequence[str], script: int, errors: list[str]
    ) -> Sequence[str]:
        rates = self._rates
        for rate, pairs, error in (
            (rates.regional, _REGIONAL, "name.regional"),
            (rates.i_for_y, _Y_TO_I, "name.i_for_y"),
        ):
            if dice.chance() < rate:
                changed = [pairs.get(word, word) for word in words]
                if changed != list(words):
                    words = changed
                    errors.append(error)
        if dice.chance() < rates.given_typo:
            words = [*words[:-1], slipped(dice, words[-1], marked=script > 0)]
            errors.append("name.given_typo")
        return words

    def _spaced(self, dice: Dice, words: Sequence[str], errors: list[str]) -> str:
        rates = self._rates
        chance = dice.chance()
        if chance < rates.spaced:
            errors.append("name.spaced")
            at = dice.between(1, max(1, len(words) - 1))
            return f"{' '.join(words[:at])}  {' '.join(words[at:])}"
        if chance < rates.spaced + rates.hyphened:
            errors.append("name.hyphened")
            return "-".join(words)
        return " ".join(words)

    def titled(self, dice: Dice, text: str, sex: str, errors: list[str]) -> str:
        """Return the name with a title before it, now and then."""
        if dice.chance() >= self._rates.titled:
            return text
        errors.append("name.titled")
        return f"{'Bà' if sex == FEMALE else 'Ông'} {text}"


def in_script(text: str, script: int, errors: list[str]) -> str:
    """Return the text in one of the six scripts; what does not change it is no error."""
    if script == len(_SCRIPTS):
        return text
    error, change = _SCRIPTS[script]
    changed = change(text)
    if changed != text:
        errors.append(f"name.{error}")
    return changed


def slipped(dice: Dice, word: str, *, marked: bool) -> str:
    """Return a word with one slip of the hand; `marked`: a lost mark can be the slip."""
    way = dice.between(0, 4 if marked else 3)
    at = dice.between(0, len(word) - 1)
    if way == 4 and unaccented(word) != word:
        return unaccented(word)
    if way == 3 and len(word) > 2:
        return word[:at] + word[at + 1 :] if at else word[:-1]
    if way == 2 and len(word) > 1:
        at = min(at, len(word) - 2)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if swapped.lower() != word.lower():
            return swapped.capitalize()
    if way == 1:
        return word[:at] + word[at] * 2 + word[at + 1 :] if at else word + word[-1]
    near = _NEAR.get(unaccented(word[at]).lower(), "e")
    return word[:at] + dice.pick(near) + word[at + 1 :] if at else word + dice.pick(near)
