"""`trucyte export` and `trucyte import`, as people script them."""

import json
from pathlib import Path

import pytest

from tests.conftest import fresh_database
from trucyte.node.cli import main

PATIENTS = [
    {"resourceType": "Patient", "id": f"p{n}", "birthDate": f"19{n}"} for n in range(10, 60)
]


@pytest.fixture
def use(server_url: str, migrated_template: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Let commands work on a fresh node of a name."""
    pytest.importorskip("trucyte.fhir.generated", reason="the definitions are not built")
    opened = []

    def switch(name: str) -> None:
        made = fresh_database(server_url, template=migrated_template)
        opened.append(made)
        url = made.__enter__().url
        monkeypatch.setenv("TRUCYTE_DATABASE_URL", url)
        monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / name))

    yield switch
    for made in reversed(opened):
        made.__exit__(None, None, None)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    code = main([*arguments, "--json"], standalone_mode=False)
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def test_a_node_is_copied_by_export_and_import(use, capsys, tmp_path: Path) -> None:
    source, copy = tmp_path / "p.ndjson", tmp_path / "copy"
    source.write_text("\n".join(map(json.dumps, PATIENTS)))
    use("one")
    assert run(capsys, "import", str(source)) == (
        0, {"files": 1, "written": 50, "unchanged": 0, "failed": 0})  # fmt: skip
    code, told = run(capsys, "export", str(copy))
    assert (code, told["resources"], told["types"]) == (0, 50, {"Patient": 50})
    assert run(capsys, "export", str(copy), "--type", "Patient")[0] == 2
    use("other")
    assert run(capsys, "import", str(copy))[1]["written"] == 50
    assert run(capsys, "import", str(copy))[1] == {
        "files": 1, "written": 0, "unchanged": 50, "failed": 0}  # fmt: skip


def test_lines_that_fail_are_named_and_the_exit_code_says_so(use, capsys, tmp_path: Path) -> None:
    source = tmp_path / "p.ndjson"
    source.write_text('{"resourceType":"Patient","id":"a"}\n{"resourceType":"Patient", broken}\n')
    use("one")
    code, told = run(capsys, "import", str(source))
    assert (code, told["written"], told["failed"]) == (1, 1, 1)
    (line,) = Path(told["errors"]).read_text().splitlines()
    assert json.loads(line)["extension"][1]["valueInteger"] == 2


def test_a_lone_bracket_in_front_is_a_line_that_fails(use, capsys, tmp_path: Path) -> None:
    source = tmp_path / "p.ndjson"
    source.write_text("{\n" + "\n".join(map(json.dumps, PATIENTS)))
    use("one")
    code, told = run(capsys, "import", str(source))
    assert (code, told["written"], told["failed"]) == (1, 50, 1)
