"""`trucyte terminology` loads lists, answers from them, and intake checks claims by them."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.support.list_files import ICD_HEADING, icd_row, write_csv, write_sheet
from trucyte.database.connect import Database
from trucyte.intake.claims.rules.book import RuleBook
from trucyte.intake.claims.rules.packaged import packaged_rules
from trucyte.intake.claims.tables import Variant, Visit
from trucyte.node.terminology import terminology
from trucyte.shared.terminology.lists import LoadedLists
from trucyte.vietnam.packaged_lists import MergedLists

Run = Callable[..., Any]


@pytest.fixture
def run(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "var"))

    def invoke(*arguments: str | Path, code: int = 0) -> Any:
        result = CliRunner().invoke(
            terminology, [*map(str, arguments), "--json"], standalone_mode=False
        )
        if result.exception is not None:
            raise result.exception
        assert (result.return_value or 0) == code
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        return lines[0] if len(lines) == 1 else lines

    return invoke


def icd(tmp_path: Path, *rows: list[str]) -> Path:
    return write_sheet(tmp_path / "icd.xlsx", [ICD_HEADING, *rows], title="DANH MỤC THỬ")


def findings(database: Database, on: date, **fields: str) -> set[str]:
    """Return the numbers of what a visit with one diagnosis is told about lists."""
    lists = MergedLists(LoadedLists(database))
    book = RuleBook(packaged_rules(), lists)
    summary = {"MA_LK": "MAU-1", "NGAY_RA": on.strftime("%Y%m%d0900"), **fields}
    visit = Visit(Variant.D3176, "00001", "MAU-1", "BN-1", on, {"XML1": [summary]})
    return {found.rule for found in book.check(visit) if found.field in ("", "MA_BENH_CHINH")}


def test_the_national_pack_is_loaded_once(run: Run) -> None:
    first = run("load", "national")
    assert first["resources"] > 50
    assert run("load", "national") == {
        "resources": 0, "unchanged": first["resources"], "ended": 0
    }  # fmt: skip
    found = run("lookup", "loai-kcb", "03")["parameter"]
    assert {"name": "display", "valueString": "Điều trị nội trú"} in found
    rows = [row for row in run("list") if row["list"] == "dan-toc"]
    assert [row["type"] for row in rows] == ["CodeSystem", "ValueSet"]


def test_expand_and_translate_answer_by_short_names(run: Run) -> None:
    run("load", "national")
    expansion = run("expand", "dan-toc", "--filter", "kho me")["expansion"]
    assert [item["code"] for item in expansion["contains"]] == ["05"]
    found = run("translate", "nhom-chi-phi-697", "nhom-chi-phi", "4")
    assert found["parameter"][0] == {"name": "result", "valueBoolean": True}
    run("translate", "nhom-chi-phi-697", "nhom-chi-phi", "99", code=1)


def test_a_faulty_file_names_its_rows_and_loads_nothing(run: Run, tmp_path: Path) -> None:
    path = icd(tmp_path, icd_row("A00.0", "Thử"), icd_row("??", "Sai"))
    said = run("load", "icd10", path, "--from", "2026-07-01", code=1)
    assert said["errors"] == [{"row": 5, "reason": "code", "column": "code"}]
    assert said["resources"] == 0
    assert run("list") == []


def test_findings_on_a_missing_list_end_when_it_is_loaded(
    run: Run, tmp_path: Path, database: Database
) -> None:
    day = date(2026, 7, 15)
    before = findings(database, day, MA_BENH_CHINH="A00.0")
    assert "DM-icd10" in before
    run("load", "icd10", icd(tmp_path, icd_row("A00.0", "Thử")), "--from", "2026-07-01")
    right = findings(database, day, MA_BENH_CHINH="A00.0")
    wrong = findings(database, day, MA_BENH_CHINH="A99.9")
    header = findings(database, day, MA_BENH_CHINH="A00-A09")
    early = findings(database, date(2026, 6, 30), MA_BENH_CHINH="A00.0")
    assert "DM-icd10" not in right | wrong
    assert wrong - right and wrong - right <= header
    assert early - right


def test_a_rule_book_at_work_notices_a_list_that_is_loaded(
    run: Run, tmp_path: Path, database: Database
) -> None:
    book = RuleBook(packaged_rules(), MergedLists(LoadedLists(database, fresh_seconds=0.0)))
    row = {"MA_LK": "MAU-1", "NGAY_RA": "202607150900", "MA_BENH_CHINH": "A00.0"}
    visit = Visit(Variant.D3176, "00001", "MAU-1", "BN-1", None, {"XML1": [row]})
    assert "DM-icd10" in {found.rule for found in book.check(visit)}
    run("load", "icd10", icd(tmp_path, icd_row("A00.0", "Thử")))
    assert "DM-icd10" not in {found.rule for found in book.check(visit)}


def test_an_operators_list_has_the_days_of_its_edition(
    run: Run, tmp_path: Path, database: Database
) -> None:
    old = write_csv(tmp_path / "a.csv", [["MA", "TEN", "DON_GIA"], ["1", "Cũ", "5"]])
    new = write_csv(tmp_path / "b.csv", [["MA", "TEN", "DON_GIA"], ["1", "Mới", "6"]])
    run("load", "dich-vu", old, "--from", "2025-01-01")
    assert run("load", "dich-vu", new, "--from", "2026-07-01")["ended"] == 1
    lists = MergedLists(LoadedLists(database))
    assert lists.is_loaded("dich-vu")
    days = (date(2024, 1, 1), date(2026, 6, 30), date(2026, 7, 1), None)
    terms = [lists.find("dich-vu", "1", day) for day in days]
    assert [term and (term.vi, term.extra["DON_GIA"]) for term in terms] == [
        None, ("Cũ", "5"), ("Mới", "6"), ("Mới", "6")
    ]  # fmt: skip


def test_the_pack_never_makes_a_list_count_as_loaded(run: Run, database: Database) -> None:
    run("load", "national")
    assert list(LoadedLists(database)) == []
    lists = MergedLists(LoadedLists(database))
    assert not lists.is_loaded("icd10")
    assert not lists.is_loaded("thuoc")
    assert lists.is_loaded("dan-toc")
