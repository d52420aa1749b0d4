"""Data of a person go nowhere but on its recorded request or a named ground of law."""

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from trucyte.shared.access.consent.bases import Basis, Gate, Receiver, grounds
from trucyte.shared.access.consent.consent import Confirmed, Given

PERSON = "Patient/p"
TABLE = tomllib.loads(Path(__file__).with_name("may_go_table.toml").read_text())["row"]
_NOW = datetime(2026, 11, 22, tzinfo=UTC)
_GIVEN = Given(
    "c1", 1, PERSON, "", "", "active", [Confirmed(PERSON, _NOW)], "1", "", "vi", "web", "", "", None
)


def gate_of(row: dict[str, Any]) -> Gate:
    has = [text.partition(":")[::2] for text in row.get("has", ())]

    def in_force(person: str, purpose: str, receiver: str) -> Given | None:
        for held, whom in has:
            if person == PERSON and held == purpose and whom in ("", receiver):
                return replace(_GIVEN, purpose=held, receiver=whom)
        return None

    return Gate(
        in_force,
        frozenset({"Organization/own"}),
        lambda person, receiver: bool(row.get("released")),
    )


@pytest.mark.parametrize("row", TABLE, ids=[row["says"] for row in TABLE])
def test_data_go_only_where_a_ground_says_so(row: dict[str, Any]) -> None:
    kind, reference = row["to"]
    answer = gate_of(row).may_go(
        PERSON,
        Receiver(reference, kind),
        row["purpose"],
        is_emergency=row.get("emergency", False),
    )
    if isinstance(answer, Basis):
        assert answer.id == row["answer"]
        assert answer.article or answer.id == "own"
        assert bool(answer.consent) == (answer.id in ("treatment-elsewhere", "insurer", "research"))
    else:
        assert answer.code == row["answer"]
        assert answer.article


def test_every_ground_is_shown_to_let_something_go() -> None:
    assert {row.id for row in grounds().rows} <= {row["answer"] for row in TABLE}


def test_consents_of_one_are_no_ground_for_another() -> None:
    row = {"has": ["treatment-elsewhere"]}
    answer = gate_of(row).may_go("Patient/q", Receiver("Organization/b", "provider"), "TREAT")
    assert not isinstance(answer, Basis)
