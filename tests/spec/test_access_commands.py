"""`trucyte access`: rules, decisions and queues as people and machines read them."""

import json
from pathlib import Path

import pytest

from trucyte.node import cli
from trucyte.shared.access.policy import load_book


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["access", *arguments], standalone_mode=False)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def lines(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_all_rules_are_listed_with_their_law(capsys) -> None:
    code, out, _ = run(capsys, "rules", "--json")
    assert code == 0
    assert [row["id"] for row in lines(out)] == [rule.id for rule in load_book().rules]
    assert all(row["law"] for row in lines(out))
    code, out, _ = run(capsys, "rules")
    assert load_book().digest in out and "doctor-own-patients" in out


def test_why_says_what_is_decided_and_by_what(capsys) -> None:
    code, out, _ = run(capsys, "why", "--role", "doctor", "--role", "hiv_care", "--json")
    (told,) = lines(out)
    assert (code, told["allowed"], told["labels"]) == (0, True, ["HIV"])
    assert told["decided"] == ["doctor-own-patients", "hiv-to-hiv-care"]
    code, out, _ = run(capsys, "why", "--role", "insurer", "--purpose", "HMARKT")
    assert code == 1 and "không được" in out
    code, out, _ = run(capsys, "why", "--role", "doctor", "--all", "--scope", "user/Patient.r")
    assert code == 0 and "scopes-of-the-token" in out and "nurse-own-ward" in out


def test_the_table_has_a_row_for_each_role_and_purpose(capsys) -> None:
    code, out, _ = run(capsys, "table", "--json")
    rows = lines(out)
    assert code == 0 and {"doctor", "citizen", "system"} <= {row["role"] for row in rows}
    assert run(capsys, "table")[0] == 0


def test_broken_rules_are_wrong_use_and_named(capsys, tmp_path: Path) -> None:
    folder = tmp_path / "rules.d"
    folder.mkdir()
    bad = folder / "10-bad.toml"
    bad.write_text("[[permit]]\nid = 'x'\n", encoding="utf-8")
    for arguments in (("rules",), ("why", "--role", "doctor"), ("table",)):
        code, _, err = run(capsys, *arguments)
        assert code == 2 and "10-bad.toml" in err and "[rules-refused]" in err
    code, _, err = run(capsys, "rules", "--check", str(bad))
    assert code == 2 and "10-bad.toml" in err
    bad.write_bytes(b"\xff")
    assert run(capsys, "rules", "--check", str(bad))[0] == 2
    bad.write_text('off = ["nurse-own-ward"]', encoding="utf-8")
    code, out, _ = run(capsys, "rules", "--check", str(bad), "--json")
    assert code == 0 and "nurse-own-ward" not in {row["id"] for row in lines(out)}
    assert run(capsys, "rules", "--check", str(tmp_path), "--json")[1] == out


def test_a_node_with_broken_rules_does_not_begin_to_serve(capsys, tmp_path: Path) -> None:
    (tmp_path / "rules.d").mkdir()
    (tmp_path / "rules.d" / "x.toml").write_text("nonsense = 1", encoding="utf-8")
    code = cli.main(["serve", "--port", "0"], standalone_mode=False)
    assert code == 2 and "rules-refused" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rules.d"]


def test_what_waits_is_shown_and_decided(capsys, database, monkeypatch) -> None:
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    ask = ("releases", "ask", "vien-a", "--what-for", "nghiên cứu sốt xuất huyết", "--by", "ct01")
    code, out, _ = run(capsys, *ask, "--json")
    (asked,) = lines(out)
    assert code == 0 and asked["state"] == "asked"
    number = str(asked["number"])
    code, _, err = run(capsys, "releases", "decide", number, "--by", "ct01")
    assert code == 1 and "release-by-two" in err
    assert lines(run(capsys, "releases", "decide", number, "--json")[1])[0]["state"] == "open"
    assert "open" in run(capsys, "releases", "list")[1]
    assert lines(run(capsys, "releases", "end", number, "--json")[1])[0]["state"] == "ended"
    (alert,) = lines(run(capsys, "alerts", "--json")[1])
    assert alert["kind"] == "release-asked"
    assert run(capsys, "emergencies")[:2] == (0, "")
    assert run(capsys, "emergencies", "3")[0] == 2
    judge = ("emergencies", "3", "--verdict", "justified", "--reason", "ca cấp cứu có thật")
    code, _, err = run(capsys, *judge)
    assert code == 1 and "emergency-unknown" in err
