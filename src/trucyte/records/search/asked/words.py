"""Words in narratives and in whole resources, folded: with or without Vietnamese marks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from trucyte.fhir.search import fold

_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Return the folded words of a text."""
    return _WORD.findall(fold(text))


def has_words(
    resource: Mapping[str, Any], alternatives: Sequence[Sequence[str]], *, in_narrative: bool
) -> bool:
    """Whether words begin with each of the wanted ones of an alternative."""
    narrative = resource.get("text", {}).get("div", "")
    text = unescape(_TAG.sub(" ", narrative))
    if not in_narrative:
        text = " ".join((text, *_texts(resource)))
    held = " " + " ".join(words_of(text))
    return any(all(f" {word}" in held for word in words) for words in alternatives)


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, Mapping):
            waiting.extend(inner for key, inner in found.items() if key != "div")
        elif isinstance(found, list):
            waiting.extend(found)
