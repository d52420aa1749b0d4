"""Who may do what, row by row: `access_table.toml` against the rules as they are shipped."""

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from trucyte.records.access import Access, Grant, Labels
from trucyte.records.owners import OPEN
from trucyte.shared.access.emergency import Emergency, Ground
from trucyte.shared.access.local import Unshown
from trucyte.shared.access.policy import AccessDenied, Decider, load_book
from trucyte.shared.access.release import Release, State
from trucyte.shared.access.subject import Subject

TABLE = tomllib.loads(Path(__file__).with_name("access_table.toml").read_text(encoding="utf-8"))
ROWS: list[dict[str, Any]] = TABLE["table"]["rows"]
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
OWN, EMERGENCY, STRANGER = 11, 22, 33
ORGANISATIONS = {
    "own": "Organization/own",
    "below": "Organization/below",
    "other": "Organization/x",
}


def subject(name: str) -> Subject:
    told = TABLE["subject"][name]
    return Subject(
        name,
        told.get("kind", "staff"),
        frozenset(told.get("roles", ())),
        told.get("organisation", ""),
        tuple(told.get("wards", ())),
        told.get("practitioner", ""),
        frozenset({OWN} if told.get("persons") else ()),
        told.get("assurance", 1),
        tuple(told["scopes"]) if "scopes" in told else None,
    )


def emergency(name: str) -> Emergency | None:
    told = TABLE["subject"][name]
    account = name if told.get("emergency") else told.get("emergency_of", "")
    if not account:
        return None
    until = NOW + timedelta(minutes=30)
    return Emergency(1, account, "", EMERGENCY, "p1", Ground.LIFE, "a reason", NOW, until, until)


def release(asking: Subject, purpose: str) -> Release | None:
    if not TABLE["subject"][asking.account].get("release"):
        return None
    until = NOW + timedelta(days=30)
    return Release(1, asking.account, purpose, "a study", "a", NOW, until, State.OPEN, "b", NOW)


@cache
def decider() -> Decider:
    return Decider(
        load_book(),
        below=lambda organisation: frozenset({"Organization/below"}),
        release_of=release,
    )


def decided(row: dict[str, Any]) -> Access:
    return decider().access(
        subject(row["s"]),
        row["p"],
        Unshown(),
        door=row.get("door", "pages"),
        emergency=emergency(row["s"]),
    )


@dataclass(frozen=True)
class Asked:
    """What a row asks for, as the gate would see it."""

    letter: str
    type: str
    person: int  # 0: of nobody
    is_related: bool
    labels: Labels
    consent: str
    organisation: str
    code: str


def asked(row: dict[str, Any]) -> Asked:
    letter, type = row["asks"].split()
    persons = {"own": OWN, "emergency": EMERGENCY, "nobody": 0}
    labels = Labels.NONE
    for name in filter(None, row.get("label", "").split("+")):
        labels |= Labels[name]
    return Asked(
        letter, type, persons.get(row["of"], STRANGER), row["of"] == "treated", labels,
        row.get("consent", ""), ORGANISATIONS[row.get("whose", "own")], row.get("code", ""),
    )  # fmt: skip


def lets(access: Access, one: Asked) -> bool:
    """Say in plain words of Python what an access lets through."""
    checks = (
        access.grants is None or any(_granted(grant, one) for grant in access.grants),
        _labels_seen(access, one.labels),
        access.sees_organisations is None
        or one.type in OPEN
        or one.organisation in access.sees_organisations,
        access.persons is None or one.person == 0 or one.person in access.persons,
        access.related is None or one.person == 0 or one.is_related,
        access.agreed is None or one.person == 0 or _agreed(access.agreed.needs_permit, one),
    )
    return all(checks)


def _granted(grant: Grant, one: Asked) -> bool:
    is_named = grant.types is None or one.type in grant.types
    values = [value.rpartition("|")[2] for _, told in grant.query for value in told.split(",")]
    return is_named and one.letter in grant.letters and (not values or one.code in values)


def _labels_seen(access: Access, labels: Labels) -> bool:
    if labels & Labels.SECRET and not access.sees_secret:
        return False
    medical = labels & ~Labels.SECRET
    return access.sees_restricted or not medical & ~access.labels


def _agreed(needs_permit: bool, one: Asked) -> bool:
    return one.consent == "permitted" if needs_permit else one.consent != "denied"


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{n}-{row['s']}-{row['p']}-{row['asks']}" for n, row in enumerate(ROWS, 1)]
)
def test_the_row_is_decided_so(row: dict[str, Any]) -> None:
    if "denies" in row:
        assert not row["ok"]
        with pytest.raises(AccessDenied) as denied:
            decided(row)
        assert denied.value.rule == row["denies"]
        return
    access = decided(row)
    assert lets(access, asked(row)) is row["ok"], access
    assert set(access.why) == set(row["by"])


def test_the_table_is_large_and_touches_every_rule() -> None:
    assert len(ROWS) >= 150
    named = {rule for row in ROWS for rule in (*row.get("by", ()), row.get("denies", ""))}
    shipped = {rule.id for rule in load_book().rules}
    assert shipped - named == BEHIND_OTHERS


# Forbids behind permits of the program that already give nothing there: they bind rules of
# operators, and `test_policy_operators.py` shows them at work.
BEHIND_OTHERS = {
    "no-marketing",
    "nothing-is-erased",
    "office-nothing-clinical",
    "research-needs-both-keys",
    "research-needs-the-person",
    "secret-leaves-no-node",
}


def test_an_explanation_says_what_was_decided() -> None:
    for row in ROWS:
        told = decider().explained(
            subject(row["s"]), row["p"], door=row.get("door", "pages"),
            emergency=emergency(row["s"]),
        )  # fmt: skip
        assert told.is_allowed is ("denies" not in row)
        applied = {step.rule for step in told.steps if step.applied}
        assert set(told.decided) <= applied
        assert all(step.told("vi") and step.told("en") and step.words.vi for step in told.steps)
