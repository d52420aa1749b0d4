"""Files tell of the past: whoever treated without a licence is remarked on, never refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.claims_files import envelope, file, hoso, medicines, summary
from tests.support.intake import Node
from tests.support.records import change_of
from tests.support.registers import licence, practitioner, prescription, state
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock, SystemClock
from trucyte.database.connect import Database
from trucyte.fhir.issue import Severity
from trucyte.intake.bulk.accept import SliceAcceptor, Task
from trucyte.intake.bulk.slices import slices
from trucyte.intake.claims.rules.words import wording
from trucyte.intake.door import Door
from trucyte.intake.limits import DEFAULT
from trucyte.journal.behalf import Behalf
from trucyte.node.parts import build_tools
from trucyte.shared.identity.registers.licence import NUMBERS
from trucyte.shared.identity.registers.past import Past

NUMBER = "000123/HNO-GPHN"


class Office(Node):
    """A node whose register knows one doctor, revoked on 1 February 2026."""

    def __init__(self, database: Database, folder: Path, definitions: Path) -> None:
        super().__init__(database, folder, definitions)
        self.close()
        self.build = partial(build_tools, database.url, folder / "keys")
        self.tools = self.build()
        self.journal = self.tools.journal
        self.door = Door(database, self.receipts, SystemClock(), self.build, 0)
        held = licence(NUMBER, "2021-05-01", "", state("revoked", "2026-02-01"))
        self.journal.commit([change_of(practitioner("dr", held))])

    def found(self, data: bytes, name: str = "hoso.xml") -> list[tuple[str, dict[str, Any]]]:
        sent = self.send(data, name)
        (visit,) = self.receipts.visits(sent.number)
        assert visit.outcome == "accepted"
        return [(f.rule, dict(f.facts)) for f in visit.findings if f.rule.startswith("GPHN")]


@pytest.fixture
def office(database: Database, tmp_path: Path, definitions_file: Path) -> Iterator[Office]:
    needs_definitions()
    office = Office(database, tmp_path, definitions_file)
    yield office
    office.close()


def claim(who: str, day: str) -> bytes:
    drug = {"STT": "1", "MA_THUOC": "40.48", "NGAY_YL": f"{day}0845", "MA_BAC_SI": who}
    return envelope([hoso(file("XML1", summary()), file("XML2", medicines(drug)))])


@pytest.mark.parametrize(
    ("who", "day", "why"),
    [
        (NUMBER, "20260201", "revoked"),
        (NUMBER.lower(), "20260215", "revoked"),
        (f"000009/HNO-CCHN;{NUMBER}(BS01)", "20260215", "revoked"),
        (NUMBER, "20210430", "not-yet"),
        (NUMBER, "20260131", ""),
        ("000009/HNO-CCHN", "20260215", ""),
        ("(BS01)", "20260215", ""),
        ("a,b|c$d\\e;;;" + "x" * 200, "20260215", ""),
    ],
)
def test_a_visit_is_taken_and_a_licence_not_in_force_that_day_is_a_finding(
    office: Office, who: str, day: str, why: str
) -> None:
    found = office.found(claim(who, day))
    entry = who.count(";") + 1
    on = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    expected = [("GPHN-01", {"licence": why, "entry": entry, "day": on})] if why else []
    assert found == expected


def test_the_finding_speaks_both_languages_and_names_nobody(office: Office) -> None:
    sent = office.send(claim(NUMBER, "20260215"))
    (visit,) = office.receipts.visits(sent.number)
    (finding,) = (f for f in visit.findings if f.rule == "GPHN-01")
    rules = office.tools.rules.rules  # type: ignore[attr-defined]  # the book itself
    said = {language: wording(finding, rules, language) for language in ("vi", "en")}
    assert "đã bị thu hồi vào ngày 2026-02-15" in said["vi"].what
    assert "was revoked on 2026-02-15" in said["en"].what
    assert finding.severity is Severity.INFORMATION  # recalled law only informs
    assert NUMBER not in str(said) + str(finding)


def signed(who: str, day: str, id: str = "m") -> dict[str, Any]:
    more = {"id": id, "authoredOn": day, "subject": {"reference": "Patient/p"}}
    made = prescription(**more)
    return made | {"requester": {"identifier": {"system": NUMBERS, "value": who}}}


def test_a_fhir_file_is_taken_too_and_the_act_is_named(office: Office) -> None:
    line = json.dumps(signed(NUMBER, "2026-02-15")).encode()
    facts = {"licence": "revoked", "entry": 1, "day": "2026-02-15"}
    assert office.found(line, "a.ndjson") == [("GPHN-20", facts)]
    by_reference = prescription(id="n", authoredOn="2026-02-15")
    assert office.found(json.dumps(by_reference).encode(), "b.ndjson") == [("GPHN-20", facts)]
    fine = json.dumps(signed(NUMBER, "2026-01-15", "o")).encode()
    assert office.found(fine, "c.ndjson") == []


def test_an_import_counts_the_lines_it_remarks_on(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "lines.ndjson"
    lines = [signed(NUMBER, f"2026-0{month}-15", f"m{month}") for month in (1, 2, 3)]
    lines.append({"resourceType": "Patient", "id": "p"})
    path.write_text("\n".join(map(json.dumps, lines)))
    acceptor = SliceAcceptor(office.tools)
    tasks = [Task(0, path, path.name, -1, "", part) for part in slices(path, DEFAULT)]
    done = [one for task in tasks for one in acceptor.accept([task], Event())]
    assert sum(one.written for one in done) == 4
    assert [sum(one.failed for one in done), sum(one.warned for one in done)] == [0, 2]


def test_a_register_that_is_mended_is_heard_within_a_minute(office: Office) -> None:
    clock = FixedClock(datetime(2026, 11, 22, tzinfo=UTC))
    many = office.tools.signers._many  # type: ignore[union-attr]  # as the node wires it
    past = Past(many, clock)
    asked, day = ("cchn", NUMBER), date(2026, 2, 15)
    assert past.bar(asked, day) == "revoked"
    mended = practitioner("dr", licence(NUMBER))
    office.journal.commit([replace(change_of(mended), expected=1)])
    past.look([asked])
    assert past.bar(asked, day) == "revoked"
    clock.advance(timedelta(seconds=61))
    past.look([asked])
    assert past.bar(asked, day) == ""


def test_what_a_sender_says_of_a_doctor_the_register_knows_does_not_count(office: Office) -> None:
    newer = practitioner("dr-2", licence(NUMBER, "2026-02-10"))  # would stand by itself
    source = Behalf(office.tools.database).standing("his", "Organization/h")
    office.journal.commit([replace(change_of(newer), source=source)])
    assert office.found(claim(NUMBER, "20260215"))[0][1]["licence"] == "revoked"
