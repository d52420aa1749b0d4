"""Applications are registered, listed and ended on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.oauth import REDIRECT, key_set
from trucyte.database.connect import Database
from trucyte.node.access.standins import standin
from trucyte.node.cli import main
from trucyte.node.language import DEFINITIONS
from trucyte.shared.access.oauth.tokens import new_key
from trucyte.standins.vneid.people import PEOPLE, PeopleUnreadable, read_people


@pytest.fixture
def told(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    if not DEFINITIONS.exists():
        pytest.skip("the R4 definitions are not built; `make setup` does")
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "var"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, list[str], str]:
        code = main(["client", *arguments], standalone_mode=False)
        said = capsys.readouterr()
        return code, said.out.splitlines(), said.err

    return run


def test_applications_come_and_go(told: Any, tmp_path: Path) -> None:
    keys = tmp_path / "his.json"
    keys.write_text(key_set(new_key()))
    code, lines, _ = told("add", "his", "--jwks", str(keys), "--scope", "system/*.read",
                          "--organisation", "Organization/79001", "--json")  # fmt: skip
    assert code == 0
    made = json.loads(lines[0])
    assert made["kind"] == "system" and made["scopes"] == ["system/*.rs"]
    assert made["proves_itself"]
    app = ("add", "app", "--redirect", REDIRECT, "--scope", "openid patient/*.rs")
    assert told(*app)[0] == 0
    code, _, said = told(*app)
    assert code == 1 and "client-exists" in said
    for wrong in (
        ("add", "x", "--redirect", "http://evil.example.vn/", "--scope", "openid"),
        ("add", "x", "--scope", "system/*.rs"),
        ("add", "x", "--redirect", REDIRECT, "--scope", "everything"),
    ):
        code, _, said = told(*wrong)
        assert code == 1 and "client-refused" in said
    assert told("end", "his")[0] == 0
    code, _, said = told("end", "his")
    assert code == 1 and "client-unknown" in said
    _, lines, _ = told("list", "--json")
    ended = {one["id"]: one["ended_at"] is not None for one in map(json.loads, lines)}
    assert ended == {"app": False, "his": True}
    assert [line.split()[0] for line in told("list")[1]] == ["app", "his"]


def test_keys_are_listed_and_the_next_is_published(told: Any) -> None:
    _, lines, _ = told("keys", "list")
    assert len(lines) == 1
    _, lines, _ = told("keys", "rotate", "--json")
    assert json.loads(lines[0])["id"]
    assert json.loads(told("keys", "list", "--json")[1][0])["begins_at"]


def test_people_of_the_stand_in_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text('[{"number": "099000000001", "name": "Mẫu", "born": "2000-01-01"}]')
    assert read_people(file).find("099000000001") is not None
    assert read_people(file).find(PEOPLE[0].number) is None
    for text in ("", "[]", "{}", '[{"number": 1}]'):
        file.write_text(text)
        with pytest.raises(PeopleUnreadable):
            read_people(file)


def test_the_stand_in_listens_here_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from click.testing import CliRunner

    seen: dict[str, Any] = {}
    monkeypatch.setattr("uvicorn.run", lambda app, **more: seen.update(more, app=app))
    result = CliRunner().invoke(standin, ["vneid", "--port", "8099"])
    assert result.exit_code == 0 and "http://127.0.0.1:8099" in result.output
    assert seen["host"] == "127.0.0.1" and seen["port"] == 8099
    wrong = CliRunner().invoke(standin, ["vneid", "--redirect", "http://evil.vn/"])
    assert wrong.exit_code == 1
