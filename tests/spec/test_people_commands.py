"""`trucyte identity status|reindex`, and what `trucyte rebuild` says of the index of people."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.people import CCCD, patient
from trucyte.database.connect import Database
from trucyte.node.cli import main

NUMBER = "079085000123"
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    """Run a command on a node that took in three Patients and laid out none."""
    pytest.importorskip("trucyte.fhir.generated", reason="the definitions are not built")
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "node"))

    def run(*arguments: str) -> tuple[int, Any]:
        code = main([*arguments, "--json"], standalone_mode=False)
        out = capsys.readouterr().out
        return code or 0, json.loads(out) if out else {}

    source = tmp_path / "people.ndjson"
    resources = (
        patient("a", number=NUMBER),
        patient("b", number=NUMBER),
        patient("c", "Lê Thị Hoa", "1990-01-05", sex="female"),
    )
    source.write_text("\n".join(map(json.dumps, resources)))
    assert run("import", str(source))[1]["written"] == 3
    yield run


def test_the_index_says_how_far_it_is_and_is_whole_once_made(run: Run) -> None:
    _, told = run("identity", "status")
    assert (told["people"], told["whole"]) == (0, False)
    assert told["lines_behind"] >= 3
    _, made = run("identity", "reindex")
    assert made["people"] == 3
    _, told = run("identity", "status", "--crowded")
    assert (told["people"], told["keys"]) == (3, made["keys"])
    assert (told["whole"], told["lines_behind"], told["crowded"]) == (True, 0, [])
    assert told["lines_unmatched"] >= 3  # that is for the node which serves
    assert (told["pairs"], told["automatic"]) == ({}, "agreement")


def test_status_is_told_in_lines_too(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["identity", "status"], standalone_mode=False)
    out = capsys.readouterr().out
    assert "lines_behind" in out
    assert NUMBER not in out and CCCD not in out


def test_crowded_keys_are_named_by_block_and_an_example_without_their_value(
    run: Run, tmp_path: Path
) -> None:
    source = tmp_path / "crowd.ndjson"
    crowd = [
        patient(f"p{n}", f"Lê Thị Số{n}", f"19{n % 60 + 30}-03-{n % 27 + 2:02}", number=NUMBER)
        for n in range(120)
    ]
    source.write_text("\n".join(map(json.dumps, crowd)))
    assert run("import", str(source))[0] == 0
    run("identity", "reindex")
    _, told = run("identity", "status", "--crowded")
    found = {row["block"]: row["persons"] for row in told["crowded"]}
    assert found["personal"] == 122
    assert NUMBER not in json.dumps(told)


def test_a_comparison_names_the_row_of_the_index_that_the_journal_does_not_give(
    run: Run, database: Database
) -> None:
    run("rebuild")
    assert run("rebuild", "--compare") == (0, {"verdict": "same"})
    with database.connection() as connection:
        connection.execute(
            "delete from identity.key where seq = (select min(seq) from identity.key)"
        )
    code, told = run("rebuild", "--compare")
    assert code == 1
    assert (told["verdict"], told["table"], told["kind"]) == (
        "different",
        "identity.key",
        "missing",
    )
    run("identity", "reindex")
    assert run("rebuild", "--compare") == (0, {"verdict": "same"})
