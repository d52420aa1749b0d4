"""Runs the attacks of the table one after another and keeps what each found."""

import json
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from trucyte.node.attack import shapes, sweep, tokens
from trucyte.node.attack.arena import Arena
from trucyte.node.attack.entering import enter, leave

Told = Callable[[str, str], None]

CARRIED_OUT: Final[Mapping[str, Callable[[Arena], None]]] = {
    "idor-api": sweep.sweep_api,
    "idor-pages": sweep.sweep_pages,
    "write-foreign": sweep.write_foreign,
    "paging-token": sweep.follow_links,
    "token-none": tokens.unsigned,
    "token-claims": tokens.claims_altered,
    "token-replay": tokens.replayed,
    "scope-widening": tokens.widened,
    "code-flow": tokens.codes,
    "session": tokens.sessions,
    "csrf": sweep.cross_site,
    "door-login": tokens.door_logins,
    "injection": shapes.inject,
    "traversal": shapes.traverse,
    "host-header": shapes.other_hosts,
    "parser-bombs": shapes.bombs,
    "smuggling": shapes.smuggle,
    "methods": shapes.methods,
    "sockets": shapes.sockets,
    "slow-clients": shapes.slow,
    "headers": shapes.heads,
    "alive": shapes.alive,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One attack as the table describes it."""

    id: str
    stride: str
    linddun: str
    threat: str
    vi: str
    control: str
    how: str
    expected: str


def load_table() -> Sequence[Row]:
    """Return the rows of the table, in the order they are carried out."""
    told = tomllib.loads((files(__package__) / "attacks.toml").read_text(encoding="utf-8"))
    return [Row(id, **row) for id, row in told["attack"].items()]


def run(
    arena: Arena, only: Sequence[str] = (), *, told: Told = lambda id, word: None
) -> list[dict[str, Any]]:
    """Carry out the attacks and return a line for each; the marked records end afterwards.

    Raises TargetAway, StageRefused.
    """
    enter(arena)
    try:
        return [_line(arena, row, told) for row in load_table() if not only or row.id in only]
    finally:
        leave(arena)


def _line(arena: Arena, row: Row, told: Told) -> dict[str, Any]:
    arena.attack, began = row.id, time.monotonic()
    CARRIED_OUT[row.id](arena)
    found = [asdict(one) for one in arena.findings if one.attack == row.id]
    word = "found" if found else "held"
    told(row.id, word)
    return {
        **asdict(row),
        "verdict": word,
        "requests": arena.asked[row.id],
        "seconds": round(time.monotonic() - began, 2),
        "findings": found,
    }


def write_json(place: Path, facts: Mapping[str, Any]) -> None:
    """Write a report whole."""
    draft = place.with_name(f".{place.name}.part")
    draft.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(place)
