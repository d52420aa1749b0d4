"""`trucyte staff`, and what a whole node does with it: pages, API status and the trail."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.staff import PASSWORD, Browser, words
from trucyte.base.settings import load_settings
from trucyte.database.connect import Database
from trucyte.node.cli import main
from trucyte.node.serve import make_site
from trucyte.node.wiring import open_node
from trucyte.records.access import Access
from trucyte.shared.audit.reading import Wanted

Run = Callable[..., tuple[int, list[Any]]]


@pytest.fixture
def run(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Run]:
    pytest.importorskip("trucyte.fhir.generated", reason="the definitions are not built")
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "node"))

    def run(*arguments: str) -> tuple[int, list[Any]]:
        code = main([*arguments, "--json"], standalone_mode=False)
        lines = capsys.readouterr().out.splitlines()
        return code or 0, [json.loads(line) for line in lines if line.startswith("{")]

    yield run


def path_of(link: str) -> str:
    found = re.fullmatch(r"http://127\.0\.0\.1:8080(/login/link/[\w-]+)", link)
    assert found, link
    return found[1]


def test_an_operator_makes_the_first_administrator_and_sees_to_accounts(run: Run) -> None:
    code, (first,) = run("staff", "first")
    assert (code, first["account"], first["hours"]) == (0, "quantri", 24)
    with open_node(load_settings(os.environ)) as node:
        browser = Browser(make_site(node))
        assert browser.get("/people").status == 200  # nobody is asked before the link was used
        path = path_of(first["link"])
        assert browser.post(path, at=path, password=PASSWORD, again=PASSWORD).status == 303
        assert browser.get("/people").headers["location"] == "/login?then=/people"
        assert browser.log_in("quantri", "sai rồi").status == 401
        assert browser.log_in("quantri").status == 303
        assert "Quản trị" in words(browser.get("/staff"))
        assert browser.get("/people").status == 403
    assert run("staff", "first", "other")[0] == 1
    added = run("staff", "add", "bs1", "--display", "BS. Mẫu", "--role", "doctor")
    assert added[0] == 0 and path_of(added[1][0]["link"])
    assert run("staff", "add", "bs1", "--display", "x", "--role", "doctor")[0] == 1
    assert run("staff", "add", "bs2", "--display", "x", "--role", "root")[0] == 2
    _, (roles,) = run("staff", "roles", "bs1", "--role", "nurse", "--ward", "Location/n2")
    assert (roles["roles"], roles["wards"]) == (["nurse"], ["Location/n2"])
    listed = run("staff", "list")[1]
    assert [(one["account"], one["state"]) for one in listed] == [
        ("bs1", "invited"), ("quantri", "active"),
    ]  # fmt: skip
    assert path_of(run("staff", "reset", "bs1")[1][0]["link"])
    assert run("staff", "review", "bs1", "--keep")[1][0]["reviewed"]
    assert run("staff", "review")[1] == []
    assert run("staff", "review", "bs1")[0] == 2
    assert run("status")[1][0]["reviews_overdue"] == 0
    assert run("staff", "end", "quantri")[0] == 1
    assert run("staff", "end", "bs1", "--handed-to", "quantri")[1][0]["handed_to"] == "quantri"
    assert run("staff", "reset", "bs1")[0] == 1
    assert entered() == [
        ("cli", "account-first", "quantri"),
        ("quantri", "account-password", "quantri"),
        ("quantri", "login", "login-refused"),
        ("quantri", "login", ""),
        ("quantri", "page", "role-missing"),
        ("cli", "account-add", "bs1"),
        ("cli", "account-roles", "bs1"),
        ("cli", "account-reset", "bs1"),
        ("cli", "account-review", "bs1"),
        ("cli", "account-end", "bs1"),
    ]


def entered() -> list[tuple[str, str, str]]:
    """Return what stands in the trail, oldest first; each change names the account."""
    with open_node(load_settings(os.environ)) as node:
        access = Access("tests", "TREAT", sees_restricted=False, recorder=node.trail)
        found = node.trail.find(access, Wanted(count=50)).entries[::-1]
        changed = next(one for one in found if one.deed.interaction == "account-roles")
        (event,) = node.trail.events([changed])
        assert event["subtype"][0]["code"] == "110136"
        assert "bs1" in json.dumps(event["entity"])
    return [
        (one.deed.caller, one.deed.interaction, one.deed.code)
        for one in found
        if one.deed.caller != "access"  # the rules in force are entered at the first start
    ]


def test_people_read_lines(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["staff", "first", "quantri"], standalone_mode=False) == 0
    told = capsys.readouterr()
    assert told.out.startswith("quantri\nhttp://127.0.0.1:8080/login/link/")
    main(["staff", "list"], standalone_mode=False)
    assert capsys.readouterr().out.split() == ["quantri", "invited", "-", "administrator"]
