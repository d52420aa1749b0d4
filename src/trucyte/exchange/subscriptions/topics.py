"""The topics one may subscribe to: data, one for each resource type and those of `topics.toml`."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

from trucyte.fhir.types import RESOURCE_TYPES
from trucyte.journal.change import Operation

BASE: Final = "https://trucyte.vn/fhir/SubscriptionTopic/"
_EVERY: Final = ("create", "update", "delete")

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Trigger:
    """What must happen to a resource of a type."""

    type: str
    operations: frozenset[Operation]
    before: Pairs  # what the version before must meet; a new resource has none and meets it
    after: Pairs


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic under its canonical."""

    url: str
    title: str
    triggers: tuple[Trigger, ...]


class Topics:
    """All topics of a node, by canonical."""

    def __init__(self, topics: Sequence[Topic]) -> None:
        """Take them; a canonical has one."""
        self.by_url = {topic.url: topic for topic in topics}
        assert len(self.by_url) == len(topics)

    def find(self, canonical: str) -> Topic | None:
        """Return the topic of a canonical, with or without a version; None where there is none."""
        return self.by_url.get(canonical.partition("|")[0])


def packaged_topics() -> Topics:
    """Read the topics that come with the program."""
    text = files("trucyte.exchange.subscriptions").joinpath("topics.toml").read_text("utf-8")
    return Topics([*_of_types(), *map(_topic, tomllib.loads(text)["topic"])])


def _of_types() -> Iterator[Topic]:
    for name in RESOURCE_TYPES:
        trigger = Trigger(name, _operations(_EVERY), (), ())
        yield Topic(f"{BASE}{name.lower()}", f"Every change of a {name}", (trigger,))


def _topic(row: dict[str, Any]) -> Topic:
    triggers = tuple(
        Trigger(
            one["type"],
            _operations(one["interactions"]),
            _pairs(one.get("before", "")),
            _pairs(one.get("after", "")),
        )
        for one in row["trigger"]
    )
    return Topic(BASE + row["name"], row["title"], triggers)


def _operations(names: Sequence[str]) -> frozenset[Operation]:
    return frozenset(Operation[name.upper()] for name in names)


def _pairs(text: str) -> Pairs:
    return tuple(parse_qsl(text, keep_blank_values=True))
