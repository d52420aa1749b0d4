"""Any sequence of transactions gives what the simplest model in memory gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.bundles import Sender, ask, coded, open_sender, post, put
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.intake.interactions import Done

_ORDER = ("DELETE", "POST", "PUT")
_EXAMPLES = count()


@dataclass(frozen=True)
class Step:
    """One entry: of an id or, where there is a condition, of what has that number."""

    method: str
    id: str
    condition: str
    number: str  # the identifier its resource has
    active: bool
    if_match: int | None


STEPS = st.builds(
    Step,
    st.sampled_from(_ORDER),
    st.sampled_from("abc"),
    st.sampled_from(["", "", "1", "2"]),
    st.sampled_from("123"),
    st.booleans(),
    st.sampled_from([None, None, None, 1, 2]),
)
BUNDLES = st.lists(st.lists(STEPS, min_size=1, max_size=4), min_size=1, max_size=5)


class Refused(Exception):  # noqa: N818 - the word of the model
    """The model takes none of it."""


@dataclass
class Model:
    """Patients as a dictionary: id -> (number, active, version), number "" where deleted."""

    held: dict[str, tuple[str, bool, int]] = field(default_factory=dict)

    def meeting(self, number: str) -> list[str]:
        return [id for id, held in self.held.items() if held[0] == number]

    def target(self, place: int, step: Step) -> str:
        """Whom an entry means: an id, `new-…` for one to be made, "" for nobody."""
        if not step.condition:
            return f"new-{place}" if step.method == "POST" else step.id
        met = self.meeting(step.condition)
        if len(met) > 1:
            raise Refused
        none = "" if step.method == "DELETE" else f"new-{place}"
        return met[0] if met else none

    def send(self, steps: list[Step]) -> dict[int, tuple[Done | None, str]]:
        """Take all or none; returns what became of each, and whom it meant."""
        targets = [self.target(place, step) for place, step in enumerate(steps)]
        self._check_once(steps, targets)
        done: dict[int, tuple[Done | None, str]] = {}
        written: dict[int, tuple[str, str]] = {}
        after = dict(self.held)
        for place, (step, target) in enumerate(zip(steps, targets, strict=True)):
            number, active, version = self.held.get(target, ("", False, 0))
            if step.method == "POST" and number:
                done[place] = (Done.FOUND, target)
                continue
            is_versioned = step.if_match is not None and step.method != "POST" and target
            if is_versioned and (not number or step.if_match != version):
                raise Refused
            if step.method == "DELETE":
                done[place] = (Done.DELETED if number else None, target)
                if number:
                    after[target] = ("", False, version + 1)
            elif number and (step.number, step.active) == (number, active):
                done[place] = (Done.UNCHANGED, target)
            else:
                done[place] = (Done.UPDATED if number else Done.CREATED, target)
                after[target] = (step.number, step.active, version + 1)
                written[place] = (target, step.number)
        self._check_conditions(steps, written)
        self.held = after
        return done

    def _check_once(self, steps: list[Step], targets: list[str]) -> None:
        found = {
            t for s, t in zip(steps, targets, strict=True) if s.method == "POST" and t in self.held
        }
        seen: set[str] = set()
        for step, target in zip(steps, targets, strict=True):
            if not target or (step.method == "POST" and target in self.held):
                continue
            if target in seen or (step.method == "DELETE" and target in found):
                raise Refused
            seen.add(target)

    def _check_conditions(self, steps: list[Step], written: dict[int, tuple[str, str]]) -> None:
        for place, step in enumerate(steps):
            if step.condition and step.method != "DELETE":
                met = self.meeting(step.condition)
                for other, (target, number) in written.items():
                    if other != place and number == step.condition and target not in met:
                        raise Refused


def entry_of(step: Step, prefix: str) -> dict[str, Any]:
    """The step as an entry; ids and numbers are those of one example alone."""
    query = f"identifier=urn:so|{prefix}{step.condition}" if step.condition else ""
    match = {"ifMatch": f'W/"{step.if_match}"'} if step.if_match is not None else {}
    number = f"{prefix}{step.number}"
    if step.method == "DELETE":
        target = f"Patient?{query}" if query else f"Patient/{prefix}{step.id}"
        return ask("DELETE", target, **match)
    if step.method == "POST":
        return post(coded(number, active=step.active), **({"ifNoneExist": query} if query else {}))
    id = "" if query else f"{prefix}{step.id}"
    return put(coded(number, id, active=step.active), query, **match)


@pytest.fixture
def sender(
    database: Database, tmp_path: Path, clock: FixedClock, definitions: Definitions
) -> Iterator[Sender]:
    with open_sender(database, tmp_path, clock, definitions) as opened:
        yield opened


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bundles=BUNDLES)
def test_transactions_give_what_the_model_gives(sender: Sender, bundles: list[list[Step]]) -> None:
    prefix = f"x{next(_EXAMPLES)}-"
    model = Model()
    names: dict[str, str] = {}  # the model's new-… to the id that was given
    for turn, steps in enumerate(bundles):
        entries = [entry_of(step, prefix) for step in steps]
        try:
            expected = model.send(steps)
        except Refused:
            with pytest.raises(Problem):
                sender.send(*entries)
            continue
        done = sender.send(*entries)
        for place, (kind, target) in expected.items():
            written = done.entries[place].written
            assert [one.done for one in written] == ([kind] if kind else [])
            if written and target.startswith("new-") and target not in names:
                names[f"new-{turn}-{place}"] = written[0].resource.id
        _rename(model, turn)
    assert _state(sender, prefix, names) == {
        id: (f"{prefix}{number}", active, version)
        for id, (number, active, version) in _named(model, prefix, names).items()
        if number
    }


def _rename(model: Model, turn: int) -> None:
    """Give what was made in this turn a name that stays."""
    for id in [id for id in model.held if id.startswith("new-") and id.count("-") == 1]:
        model.held[f"new-{turn}-{id.removeprefix('new-')}"] = model.held.pop(id)


def _named(model: Model, prefix: str, names: dict[str, str]) -> dict[str, tuple[str, bool, int]]:
    return {names.get(id, prefix + id): held for id, held in model.held.items()}


def _state(sender: Sender, prefix: str, names: dict[str, str]) -> dict[str, tuple[str, bool, int]]:
    versions = {line.entry.id: line.entry.version for line in sender.lines("Patient")}
    return {
        id: (resource["identifier"][0]["value"], resource["active"], versions[id])
        for id, resource in sender.current("Patient").items()
        if resource["identifier"][0]["value"].startswith(prefix)
    }
