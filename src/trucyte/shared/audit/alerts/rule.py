"""Rules of alerts as data: which entries count, what is counted, how many within how long."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, Final

from trucyte.base.problem import Kind, Problem

OWN_FILE: Final = "alerts.toml"  # in the data folder: thresholds of this node
_CHANGED_HERE: Final = frozenset({"id", "within", "least", "once"})
_HIGHEST: Final = {"within": 24 * 60, "least": 1_000_000, "once": 24 * 31}


class RulesUnreadable(Problem):
    """The rules of alerts cannot be read in {where}: {reason}."""

    kind = Kind.BAD_INPUT
    code = "alert-rules-unreadable"


class Sign(StrEnum):
    """Which entries a rule counts."""

    WATCHED = "watched"  # shows a sensitive person to who has no relation to it
    NIGHT = "night"  # shows persons between 22:00 and 05:00
    OWN = "own"  # shows the account holder's own record
    FAMILY = "family"  # shows someone of the holder's household without a relation
    UNRELATED = "unrelated"  # shows persons without a relation
    EXPORT = "export"  # data left in bulk
    DENIED = "denied"  # was refused, or is not there
    LOGIN_FAILED = "login-failed"


class Counts(StrEnum):
    """What of the entries is counted."""

    PERSONS = "persons"
    ENTRIES = "entries"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    id: str
    sign: Sign
    counts: Counts
    within: timedelta
    least: int
    once: timedelta
    vi: str
    en: str
    reason: str
    verified: bool

    @property
    def kind(self) -> str:
        """What its alerts are called in the table of alerts."""
        return f"trail-{self.id}"


def read_rules(data: Path | None = None) -> Sequence[Rule]:
    """Return the packaged rules, with the thresholds of a node's own file over them.

    Raises RulesUnreadable: a node does not watch by half its rules.
    """
    text = (resources.files(__package__) / "rules.toml").read_text(encoding="utf-8")
    rows = {row["id"]: row for row in tomllib.loads(text)["rule"]}
    file = data / OWN_FILE if data is not None else None
    if file is not None and file.is_file():
        for change in _changes(file):
            if change.get("id") not in rows or not change.keys() <= _CHANGED_HERE:
                raise RulesUnreadable(where=OWN_FILE, reason="id, within, least and once alone")
            rows[change["id"]] = rows[change["id"]] | change
    return [_rule(row) for row in rows.values()]


def _changes(file: Path) -> Sequence[Mapping[str, Any]]:
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise RulesUnreadable(where=file.name, reason="not TOML") from None
    rows = told.get("rule", [])
    if told.keys() - {"rule"} or not isinstance(rows, list):
        raise RulesUnreadable(where=file.name, reason="tables [[rule]] alone")
    if not all(isinstance(row, dict) for row in rows):
        raise RulesUnreadable(where=file.name, reason="tables [[rule]] alone")
    return rows


def _rule(row: Mapping[str, Any]) -> Rule:
    for name, highest in _HIGHEST.items():
        value = row[name]
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
            raise RulesUnreadable(where=str(row["id"]), reason=f"{name} is 1 to {highest}")
    return Rule(
        id=row["id"],
        sign=Sign(row["sign"]),
        counts=Counts(row["counts"]),
        within=timedelta(minutes=row["within"]),
        least=row["least"],
        once=timedelta(hours=row["once"]),
        vi=row["vi"],
        en=row["en"],
        reason=row["reason"],
        verified=row["verified"],
    )
