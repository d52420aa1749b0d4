"""A decision in words that a clerk reads; nothing personal in them."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from trucyte.shared.identity.matching.deciding import Decision
from trucyte.shared.identity.matching.levels import MISSING


def explain(decision: Decision, language: str) -> tuple[str, ...]:
    """Return sentences in "vi" or "en": the verdict, the rules, then what weighs most first.

    What is missing on a side is left out; it says nothing either way.
    """
    words = _words()
    told = [words["verdict"][decision.verdict][language]]
    told += [words["rule"][rule][language] for rule in decision.rules]
    parts = [part for part in decision.evidence.parts if part.level != MISSING]
    for part in sorted(parts, key=lambda part: -abs(part.bits)):
        name = words["comparison"][part.comparison][language]
        told.append(f"{name}: {words['level'][part.level][language]} ({part.bits:+.1f}).")
    return tuple(told)


def told(
    verdict: str, rules: Sequence[str], levels: Mapping[str, str], language: str
) -> tuple[str, ...]:
    """Return sentences for a pair whose weights by comparison are not at hand."""
    words = _words()
    found = [words["verdict"][verdict][language]]
    found += [words["rule"][rule][language] for rule in rules]
    found += [
        f"{words['comparison'][name][language]}: {words['level'][level][language]}."
        for name, level in levels.items()
    ]
    return tuple(found)


def words_of(kind: str, name: str, language: str) -> str:
    """Return the words for a verdict, comparison, level or rule."""
    return str(_words()[kind][name][language])


@cache
def _words() -> dict[str, Any]:
    place = resources.files("trucyte.shared.identity.matching") / "words.toml"
    return tomllib.loads(place.read_text(encoding="utf-8"))
