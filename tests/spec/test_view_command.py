"""`trucyte view run`: rows in three formats, what is left out is said, exit codes kept."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.views import definitions
from trucyte.insight.views import chunks as chunking
from trucyte.node.cli import main

VIEW = {
    "resourceType": "ViewDefinition",
    "resource": "Observation",
    "select": [{"column": [
        {"name": "id", "path": "id", "type": "id"},
        {"name": "value", "path": "value.ofType(Quantity).value", "type": "decimal"},
        {"name": "count", "path": "value.ofType(integer)", "type": "integer"},
        {"name": "note", "path": "note.text", "type": "string", "collection": True},
        {"name": "day", "path": "effective.ofType(dateTime)", "type": "dateTime",
         "tag": [{"name": "ansi/type", "value": "DATE"}]},
    ]}],
}  # fmt: skip


def observation(number: int, **more: Any) -> str:
    source = {"resourceType": "Observation", "id": f"o{number}", "status": "final", **more}
    return json.dumps(source)


def quantity(number: int, digits: str) -> str:
    return observation(number, valueQuantity={"value": 0}).replace(": 0}", f": {digits}}}")


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Command:
    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[bytes]) -> None:
        definitions()
        self.folder = folder
        self._capsys = capsys
        self.view(VIEW)

    def view(self, view: dict[str, Any]) -> None:
        (self.folder / "view.json").write_text(json.dumps(view))

    def lines(self, *lines: str | bytes) -> None:
        data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
        (self.folder / "in.ndjson").write_bytes(data)

    def run(self, *options: str) -> tuple[int, str, str]:
        paths = [str(self.folder / name) for name in ("view.json", "in.ndjson")]
        code = main(["view", "run", *paths, *options], standalone_mode=False)
        out, err = self._capsys.readouterr()
        return code, out.decode(), err.decode()


@pytest.fixture
def command(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Command:
    return Command(tmp_path, capsysbinary)


def test_rows_are_ndjson_with_the_digits_that_came(command: Command) -> None:
    command.lines(
        quantity(1, "72.50"), '{"resourceType":"Patient"}', observation(2, valueInteger=3)
    )
    code, out, err = command.run()
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        '{"id":"o1","value":72.50,"count":null,"note":[],"day":null}',
        '{"id":"o2","value":null,"count":3,"note":[],"day":null}',
    ]


def test_csv_quotes_what_needs_it_and_tells_an_empty_text_from_nothing(command: Command) -> None:
    command.view({"resource": "Observation", "select": [{"column": [
        {"name": "a", "path": "status"}, {"name": "b", "path": "note.text.join()"},
        {"name": "c", "path": "note.text", "collection": True}, {"name": "d", "path": "id"},
    ]}]})  # fmt: skip
    extended = observation(2, note=[{"text": "x,\ny"}], _status={"id": "z"})
    command.lines(observation(1, note=[{"text": 'say "a", b'}]), extended, observation(3))
    code, out, _ = command.run("--format", "csv")
    assert code == 0
    assert out == (
        'a,b,c,d\nfinal,"say ""a"", b","[""say \\""a\\"", b""]",o1\n'
        'final,"x,\ny","[""x,\\ny""]",o2\nfinal,"",[],o3\n'
    )


def test_parquet_has_the_types_of_its_columns(command: Command) -> None:
    command.lines(
        quantity(1, "72.50"),
        observation(2, valueInteger=7, note=[{"text": "a"}, {"text": "b"}]),
        observation(3, effectiveDateTime="2020-02-03", _status={"id": "x"}),
    )
    target = command.folder / "it's.parquet"
    assert command.run("--format", "parquet", "--out", str(target)) == (0, "", "")
    with duckdb.connect() as engine:
        rows = engine.execute("SELECT * FROM read_parquet($f)", {"f": str(target)})
        types = [str(column[1]) for column in rows.description or ()]
        found = rows.fetchall()
    assert types == ["VARCHAR", "DECIMAL(38,18)", "INTEGER", "VARCHAR[]", "DATE"]
    assert [str(row[1]).rstrip("0") for row in found[:1]] == ["72.5"]
    assert found[1][2:4] == (7, ["a", "b"])
    assert str(found[2][4]) == "2020-02-03"
    assert sorted(path.name for path in command.folder.iterdir()) == [
        "in.ndjson", "it's.parquet", "view.json",
    ]  # fmt: skip


def test_a_value_that_is_not_of_the_sql_type_is_left_out_and_said(command: Command) -> None:
    command.lines(observation(1, effectiveDateTime="2020"), observation(2))
    target = command.folder / "out.parquet"
    code, _, err = command.run("--format", "parquet", "--out", str(target))
    assert code == 1
    assert "[view-row]" in err


def test_lines_that_cannot_be_used_are_named_and_the_others_are_rows(command: Command) -> None:
    command.view({"resource": "Observation", "select": [{"column": [
        {"name": "id", "path": "id"}, {"name": "note", "path": "note.text"},
    ]}]})  # fmt: skip
    good = [observation(number) for number in range(300)]
    two = observation(900, note=[{"text": "a"}, {"text": "b"}])
    command.lines(*good[:100], '{"resourceType":"Obs', two, b"\xff\xfe", "", *good[100:], "[1]")
    code, out, err = command.run()
    assert code == 1
    assert [json.loads(line)["id"] for line in out.splitlines()] == [f"o{n}" for n in range(300)]
    places = [line.split("in.ndjson:")[1].split(": ")[0] for line in err.splitlines()[:-1]]
    assert sorted(places) == ["101", "102", "103"]
    assert "select[0].column[1]" in err
    assert "3 lines left out, 300 rows" in err.splitlines()[-1]


def test_many_bad_lines_are_counted_and_only_the_first_are_shown(command: Command) -> None:
    command.lines(*["{"] * 50)
    code, out, err = command.run()
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 21
    assert "50 lines" in err


def test_chunks_do_not_change_rows_or_line_numbers(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [quantity(n, f"{n}.50") if n % 7 else "{" for n in range(1, 200)]
    command.lines(*lines)
    whole = command.run()
    monkeypatch.setattr(chunking.chunks, "__defaults__", (1000,))
    assert command.run() == whole


def test_an_endless_line_is_left_out_in_bounded_memory(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunking, "SIZE_MAX", 5000)
    monkeypatch.setattr(chunking.chunks, "__defaults__", (1000,))
    command.lines(observation(1), '"' + "x" * 20_000, observation(2))
    code, out, err = command.run()
    assert code == 1
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["o1", "o2"]
    assert "in.ndjson:2:" in err


def test_standard_input_is_an_input(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO(observation(5).encode()))
    monkeypatch.setattr(sys, "stdin", stream)
    command.lines(observation(4))
    _, out, _ = command.run("-")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["o4", "o5"]


@pytest.mark.parametrize(("beside", "code", "rows"), [("_id", 1, 1), ("x", 0, 2)])
def test_deep_nesting_ends_nothing_but_its_line(
    command: Command, beside: str, code: int, rows: int
) -> None:
    # The door refuses it where closures read it; SQL walks past what the view does not read.
    deep = '"x":' + "[" * 10_000 + "]" * 10_000
    command.lines(f'{{"resourceType":"Observation","{beside}":{{}},{deep}}}', observation(1))
    found, out, _ = command.run()
    assert (found, len(out.splitlines())) == (code, rows)


@pytest.mark.parametrize(
    ("options", "code"),
    [(("--format", "parquet"), 2), (("nowhere.ndjson",), 1), (("--format", "xls"), 2)],
)
def test_wrong_use_has_its_exit_code(command: Command, options: tuple[str, ...], code: int) -> None:
    command.lines(observation(1))
    assert command.run(*options)[0] == code


def test_a_view_that_is_wrong_writes_nothing(command: Command) -> None:
    command.view(
        {"resource": "Observation", "select": [{"column": [{"name": "a", "path": "idd"}]}]}
    )
    command.lines(observation(1))
    code, out, err = command.run("--out", str(command.folder / "out"))
    assert (code, out) == (1, "")
    assert "select[0].column[0].path" in err
    assert not (command.folder / "out").exists()


def test_people_at_a_terminal_see_how_far_it_is_and_machines_do_not(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trucyte.base.terminal.is_watched", lambda: True)
    monkeypatch.setattr("trucyte.node.view._DRAW_SECONDS", 0.0)
    monkeypatch.setattr(chunking.chunks, "__defaults__", (1000,))
    monkeypatch.setenv("TRUCYTE_LANGUAGE", "en")
    command.lines(*[observation(number) for number in range(100)], "{")
    size = (command.folder / "in.ndjson").stat().st_size
    target = command.folder / "out.csv"
    code, out, err = command.run("--format", "csv", "--out", str(target))
    assert (code, out) == (1, "")
    assert f"/ {size / 1000:.1f} kB  100 rows (" in err
    assert "\r\033[K" + str(command.folder / "in.ndjson") + ":101: " in err
    assert "kB" not in command.run("--json", "--out", str(target))[2]


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_what_was_there_and_nothing_half(
    command: Command, form: str, number: signal.Signals, code: int
) -> None:
    target = command.folder / "rows"
    target.write_text("before")
    command.lines(observation(1))
    inputs = [str(command.folder / "view.json"), str(command.folder / "in.ndjson"), "-"]
    arguments = ["run", *inputs, "--format", form, "--out", str(target)]
    with subprocess.Popen(
        [sys.executable, "-m", "trucyte.node.cli", "view", *arguments],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src")},
    ) as process:  # fmt: skip
        assert process.stdin is not None
        wait_until(lambda: len(list(command.folder.iterdir())) > 3)  # its work file is there
        process.send_signal(number)
        assert process.wait(20) == code
    assert target.read_text() == "before"
    assert sorted(path.name for path in command.folder.iterdir()) == [
        "in.ndjson", "rows", "view.json",
    ]  # fmt: skip


def test_a_file_of_blank_lines_is_parts_of_bounded_length() -> None:
    made = list(chunking.chunks(io.BytesIO(b"\n" * 250_000), "blank"))
    assert [chunk.count for chunk in made] == [100_000, 100_000, 50_000]
    assert [chunk.first for chunk in made] == [1, 100_001, 200_001]
    assert len(made[-1].lines()) == 50_000
    assert sum(chunk.size for chunk in made) == 250_000
