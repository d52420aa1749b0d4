"""The rules in force: those of the program, with those of the operator before them.

An operator's file may permit within a frame, reveal within a frame, forbid anything, and
switch off permits and reveals of the program. It lifts no forbid. What is wrong in any
file is refused with its place: there is no half a policy.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from trucyte.fhir.types import TYPE_NUMBERS
from trucyte.shared.access.policy.frame import Frame, check_within, read_frames
from trucyte.shared.access.policy.reading import (
    RuleFile,
    Vocabulary,
    open_file,
    rules_of,
    vocabulary_of,
)
from trucyte.shared.access.policy.rule import Forbid, Permit, Reveal, Rule, RulesRefused

_OPERATORS_OWN: Final = frozenset({"permit", "reveal", "forbid", "codes", "off"})
FOLDER: Final = "rules.d"
_FILES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules, in the order they are asked."""

    permits: tuple[Permit, ...]
    reveals: tuple[Reveal, ...]
    forbids: tuple[Forbid, ...]
    frames: tuple[Frame, ...]
    off: frozenset[str]  # ids of the program's rules that the operator switched off
    digest: str  # SHA-256 over all files: what the trail calls this set of rules

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules."""
        return (*self.permits, *self.reveals, *self.forbids)

    def find(self, id: str) -> Rule | None:
        """Return a rule by its id."""
        return next((rule for rule in self.rules if rule.id == id), None)


def load_book(data: Path | None = None) -> RuleBook:
    """Read the program's rules and those in `rules.d` of a data folder. Raises RulesRefused."""
    return make_book(packaged_files(), operators_files(data) if data else ())


def packaged_files() -> list[RuleFile]:
    """Return the files of the program, by name."""
    folder = files("trucyte.shared.access.policy").joinpath("rules")
    named = sorted((file.name, file) for file in folder.iterdir() if file.name.endswith(".toml"))
    return [open_file(name, file.read_text(encoding="utf-8")) for name, file in named]


def operators_files(data: Path) -> list[RuleFile]:
    """Return the files of an operator, by name. Raises RulesRefused."""
    folder = data / FOLDER
    if not folder.exists():
        return []
    try:
        found = sorted(folder.iterdir())
        named = [(f"{FOLDER}/{path.name}", path) for path in found if path.suffix == ".toml"]
        if len(named) > _FILES_MAX:
            raise RulesRefused(place=FOLDER, reason=f"more than {_FILES_MAX} files")
        return [open_file(name, path.read_text(encoding="utf-8")) for name, path in named]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise RulesRefused(place=FOLDER, reason=str(reason)) from None


def make_book(packaged: Sequence[RuleFile], own: Sequence[RuleFile] = ()) -> RuleBook:
    """Put files together. Raises RulesRefused."""
    known = _all_types(vocabulary_of([*packaged, *own]))
    frames = read_frames(packaged, known)
    for file in own:
        _check_tables(file)
    program = [rule for file in packaged for rule in rules_of(file, known)]
    added = [rule for file in own for rule in rules_of(file, known)]
    _check_ids([*program, *added])
    for rule in added:
        check_within(rule, frames)
    off = _switched_off(own, program)
    in_force = [*added, *(rule for rule in program if rule.id not in off)]
    return RuleBook(
        permits=tuple(rule for rule in in_force if isinstance(rule, Permit)),
        reveals=tuple(rule for rule in in_force if isinstance(rule, Reveal)),
        forbids=tuple(rule for rule in in_force if isinstance(rule, Forbid)),
        frames=tuple(frames),
        off=off,
        digest=_digest(in_force, frames),
    )


def _all_types(known: Vocabulary) -> Vocabulary:
    """Refuse groups that leave a type out: what no rule can name, none can forbid."""
    named: frozenset[str] = frozenset().union(*known.groups.values())
    missing = sorted(set(TYPE_NUMBERS) - named)
    if missing:
        raise RulesRefused(place="groups", reason=f"in no group: {', '.join(missing)[:120]}")
    return known


def _check_tables(file: RuleFile) -> None:
    foreign = sorted(file.tables.keys() - _OPERATORS_OWN)
    if foreign:
        raise RulesRefused(place=file.name, reason=f"only the program has {', '.join(foreign)}")


def _check_ids(rules: Iterable[Rule]) -> None:
    seen: dict[str, str] = {}
    for rule in rules:
        if rule.id in seen:
            raise RulesRefused(
                place=rule.file, reason=f"{rule.id} is there already, in {seen[rule.id]}"
            )
        seen[rule.id] = rule.file


def _switched_off(own: Sequence[RuleFile], program: Sequence[Rule]) -> frozenset[str]:
    may = {rule.id for rule in program if not isinstance(rule, Forbid)}
    found: set[str] = set()
    for file in own:
        told: Any = file.tables.get("off", [])
        if not isinstance(told, list) or not all(isinstance(id, str) for id in told):
            raise RulesRefused(place=file.name, reason="off is not a list of ids of rules")
        for id in told:
            if id not in may:
                reason = f"off: {id[:60]} is no permit or reveal of the program"
                raise RulesRefused(place=file.name, reason=reason)
        found.update(told)
    return frozenset(found)


def _digest(rules: Sequence[Rule], frames: Sequence[Frame]) -> str:
    """Return one hash of what is in force; sets in their order, so that it says the same."""
    told = "\n".join(map(_canonical, (*rules, *frames)))
    return hashlib.sha256(told.encode()).hexdigest()


def _canonical(value: Any) -> str:
    if isinstance(value, frozenset):
        return "{" + ",".join(sorted(map(_canonical, value))) + "}"
    if isinstance(value, tuple):
        return "(" + ",".join(map(_canonical, value)) + ")"
    if hasattr(value, "__dataclass_fields__"):
        fields = (
            f"{name}={_canonical(getattr(value, name))}" for name in value.__dataclass_fields__
        )
        return f"{type(value).__name__}[{';'.join(fields)}]"
    return repr(value)
