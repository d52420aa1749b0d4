"""Files that are no registers, or are meant to hurt, end with a reason and write nothing."""

import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.records import open_node
from tests.support.register_files import Desk, reasons
from tests.support.serving import needs_definitions
from trucyte.base.clock import FixedClock
from trucyte.base.problem import Problem
from trucyte.database.connect import Database
from trucyte.fhir.definitions import Definitions
from trucyte.shared.identity.registers.files.rows import SAID_MAX, Kind


@pytest.fixture
def desk(database: Database, tmp_path: Path, definitions: Definitions) -> Iterator[Desk]:
    needs_definitions()
    clock = FixedClock(datetime(2026, 11, 22, 2, 12, tzinfo=UTC))
    with open_node(database, tmp_path, clock, definitions) as node:
        yield Desk(node, definitions, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 5000,
        b"no,heading\nhere,either\n",
        "so gphn,ho ten\n000001/A,Nguyễn".encode("utf-16"),
        "so gphn,ho ten\n000001/MAU,Ph¹m V¨n".encode("latin-1"),  # TCVN3
        b'so gphn,ho ten\n000001/A,"' + b"x" * (5 << 20),
        b"so gphn,ho ten\n" + b"," * 2000,
        b"\xd0\xcf\x11\xe0 an old workbook",
        b"PK\x03\x04 not a workbook",
    ],
    ids=["empty", "zeros", "heading", "utf16", "tcvn3", "quote", "wide", "xls", "zip"],
)
def test_what_is_no_list_is_refused_whole(desk: Desk, content: bytes) -> None:
    with pytest.raises(Problem) as refused:
        desk.load(Kind.PRACTITIONERS, content)
    assert refused.value.code in ("list-file-unreadable", "list-file-too-large")
    assert desk.node.search("Practitioner") == []


def test_a_bomb_of_a_workbook_is_refused(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3000):
            archive.writestr(f"x{number}", b"")
    with pytest.raises(Problem) as refused:
        desk.load(Kind.FACILITIES, path.read_bytes())
    assert refused.value.code == "list-file-too-large"


@pytest.mark.parametrize(
    "cell",
    ["<script>alert(1)</script>", "=cmd|' /C calc'!A0", "'; drop table journal.head; --",
     "A\u202eB", "\ud7ff", "a\x7fb", "%s{0}{name}", "../../etc/passwd"],
)  # fmt: skip
def test_a_cell_that_means_harm_is_text_or_is_named(desk: Desk, cell: str) -> None:
    told = desk.practitioners(f'000001/MAU-GPHN,"{cell}",,,,,', "000002/MAU-GPHN,Hai,,,,,")
    if told.notes.faulty:
        assert reasons(told) == [(2, "signs-unprintable", "name")]
    assert desk.why("000002/MAU-GPHN") == "in-force"
    for column, value in (("number", cell), ("facility", cell)):
        line = f'"{value}",X,,,,,' if column == "number" else f'000003/MAU,X,,,,,"{value}"'
        assert desk.practitioners(line).notes.faulty == 1


def test_thousands_of_bad_lines_are_counted_and_the_first_are_named(desk: Desk) -> None:
    told = desk.practitioners(*([",x,,,,,"] * (SAID_MAX + 500)))
    assert told.notes.faulty == SAID_MAX + 500
    assert len(told.notes.faults) == SAID_MAX


def test_one_licence_at_a_thousand_places_is_bounded(desk: Desk) -> None:
    lines = [f"000001/MAU-GPHN,Một,,,,,{number:05}" for number in range(1000)]
    told = desk.practitioners(*lines)
    assert told.units == 1
    assert told.notes.faulty == 800
    assert desk.why("000001/MAU-GPHN") == "in-force"


def test_nothing_of_a_file_stands_in_what_is_said_of_it(desk: Desk) -> None:
    told = desk.practitioners("000001/MAU-GPHN,Bí Mật,31/31/2024,,,,")
    assert "Mật" not in repr(told.notes)
    assert "000001" not in repr(told.notes)
