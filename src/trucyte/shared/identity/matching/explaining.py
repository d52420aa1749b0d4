"""A decision in words that a clerk reads; nothing personal in them."""

import tomllib
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


@cache
def _words() -> dict[str, Any]:
    place = resources.files("trucyte.shared.identity.matching") / "words.toml"
    return tomllib.loads(place.read_text(encoding="utf-8"))
