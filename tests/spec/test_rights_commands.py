"""The commands `consent`, `rights` and `hold` over a node of their own."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.agreements import text_of
from trucyte.base.settings import load_settings
from trucyte.database.connect import Database
from trucyte.node.access.agreements import agreements_of
from trucyte.node.cli import main
from trucyte.node.wiring import open_node
from trucyte.shared.access.consent.service import Asked
from trucyte.shared.access.local import local_access, system_access

Run = Callable[..., tuple[int, list[dict[str, Any]]]]
VISIT = {
    "resourceType": "Encounter",
    "id": "old",
    "status": "finished",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "Patient/p1"},
    "period": {"start": "2001-01-02", "end": "2001-01-02"},
}


@pytest.fixture
def trucyte(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command on a node with one person, who agreed to research."""
    pytest.importorskip("trucyte.fhir.generated", reason="the definitions are not built")
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path / "node"))
    with open_node(load_settings(os.environ)) as node:
        for resource in ({"resourceType": "Patient", "id": "p1", "birthDate": "1980"}, VISIT):
            node.interactions.update(
                system_access("test"), str(resource["resourceType"]), str(resource["id"]),
                json.dumps(resource).encode(),
            )  # fmt: skip
        all = agreements_of(node)
        asked = Asked("Patient/p1", "research", text_of("research"), "vi", ("Patient/p1",), "web")
        all.consents.give(local_access("pages", node.trail), asked)
        all.holders.note("Patient/p1", "Bệnh viện Mẫu", "paper")

    def run(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
        code = main([*arguments], standalone_mode=False)
        told = capsys.readouterr().out.splitlines()
        return code, [json.loads(line) for line in told] if "--json" in arguments else []

    return run


def test_consents_requests_and_holds_are_kept_by_command(trucyte: Run) -> None:
    (given,) = trucyte("consent", "list", "p1", "--json")[1]
    assert (given["purpose"], given["status"], given["channel"]) == ("research", "active", "web")
    assert len(given["sha256"]) == 64
    (ended,) = trucyte("consent", "withdraw", "p1", given["id"], "--reason", "đổi ý", "--json")[1]
    assert ended["status"] == "inactive"
    assert ended["holders"] == [{"holder": "Bệnh viện Mẫu", "state": "unreachable"}]
    assert trucyte("consent", "list", "p1", "--json")[1][0]["withdrawn_at"]
    assert trucyte("consent", "withdraw", "p1", "nothing")[0] == 1

    (made,) = trucyte("rights", "receive", "p1", "erase", "--words", "Xóa hết", "--json")[1]
    number = str(made["number"])
    assert (made["state"], made["overdue"]) == ("received", False)
    assert trucyte("rights", "move", number, "answer", "--note", "x")[0] == 1
    assert trucyte("rights", "move", number, "acknowledge", "--json")[1][0]["state"] == (
        "acknowledged"
    )
    assert [one["number"] for one in trucyte("rights", "list", "--json")[1]] == [made["number"]]
    (told,) = trucyte("rights", "show", number, "--json")[1]
    assert [step["event"] for step in told["steps"]] == ["receive", "acknowledge"]
    assert told["words"] == "Xóa hết"
    assert trucyte("rights", "show", number)[0] == trucyte("rights", "list")[0] == 0

    hold = trucyte("hold", "add", "p1", "--why", "kiện", "--until", "2099-01-31", "--json")[1][0]
    (plan,) = trucyte("rights", "plan", "p1", "--json")[1]
    assert (plan["free"], plan["holds"]) == (1, [hold["number"]])
    assert trucyte("hold", "add", "nobody", "--why", "kiện")[0] == 1
    assert trucyte("hold", "end", str(hold["number"]))[0] == 0
    assert trucyte("hold", "list", "--json")[1] == []
    assert trucyte("hold", "list", "--ended", "--json")[1][0]["stands"] is False
    drop = trucyte("rights", "move", number, "drop", "--json")[1][0]
    assert (drop["state"], trucyte("rights", "list", "--ended", "--json")[1][0]["kind"]) == (
        "dropped",
        "erase",
    )
