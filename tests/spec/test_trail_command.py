"""The trail from the command line: verified, the first altered line named, an entry proved."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.trail import ALL, access_of
from trucyte.base.clock import FixedClock
from trucyte.database.connect import Database
from trucyte.journal.keyring import Keyring
from trucyte.node.cli import main
from trucyte.shared.audit import Trail
from trucyte.shared.audit.reading import Wanted


@pytest.fixture
def trail(
    database: Database, tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> Trail:
    monkeypatch.setenv("TRUCYTE_DATA", str(tmp_path))
    monkeypatch.setenv("TRUCYTE_DATABASE_URL", database.url)
    trail = Trail(database, Keyring.open(tmp_path / "keys"), clock)
    for person in (7, 8, 9):
        trail.shown(access_of("bs"), [person], "read Patient")
    trail.close()
    return trail


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(arguments, standalone_mode=False)
    return code, capsys.readouterr().out


def test_a_sound_trail_is_said_to_be(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "audit", "verify", "--trail", "--json")
    assert (code, json.loads(out)["verdict"], json.loads(out)["lines"]) == (0, "sound", 3)


def test_the_first_altered_line_is_named(trail: Trail, capsys: pytest.CaptureFixture[str]) -> None:
    with trail.journal.database.connection() as connection:
        connection.execute("update audit.change set person = 1 where seq >= 2")
    code, out = run(capsys, "audit", "verify", "--trail", "--json")
    assert (code, json.loads(out)["first_fault"]["seq"]) == (1, 2)
    # The journal of records is another one, and sound.
    assert run(capsys, "audit", "verify", "--json")[0] == 0


def test_an_entry_is_proved_offline_and_that_is_entered(
    trail: Trail, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (line,) = trail.journal.bodies([2]).values()
    target = tmp_path / "look.json"
    name = f"AuditEvent/2-{line.entry.id}"
    assert run(capsys, "audit", "prove", "--trail", name, "--out", str(target))[0] == 0
    code, out = run(capsys, "audit", "verify", str(target), "--json")
    assert (code, json.loads(out)["verdict"]) == (0, "sound")
    (last,) = trail.journal.bodies([4]).values()
    assert b'"cli"' in last.body
    assert last.entry.person == 8


def test_an_altered_proof_is_refused(
    trail: Trail, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (line,) = trail.journal.bodies([2]).values()
    target = tmp_path / "look.json"
    run(capsys, "audit", "prove", "--trail", f"2-{line.entry.id}", "--out", str(target))
    target.write_bytes(target.read_bytes().replace(b'"person":8', b'"person":7'))
    assert run(capsys, "audit", "verify", str(target))[0] == 1


def test_an_entry_that_is_not_there_is_said_to_be(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "audit", "prove", "--trail", "AuditEvent/99-x")[0] == 1


def test_alerts_are_listed_judged_and_entered(
    trail: Trail, capsys: pytest.CaptureFixture[str], clock: FixedClock
) -> None:
    clock.moment = datetime.now(UTC)  # that of the commands
    trail.shown(access_of("lis"), range(100, 700), "$export-file Patient")
    trail.close()
    code, out = run(capsys, "audit", "alerts", "--json", "--by", "an-ninh")
    alert = json.loads(out)
    assert (code, alert["kind"], alert["about"]) == (0, "trail-mass-export", "account/lis")
    assert (alert["state"], len(alert["evidence"])) == ("open", 1)
    number = str(alert["number"])
    assert run(capsys, "audit", "judge", number, "dismissed", "--by", "an-ninh")[0] != 0
    told = ("--reason", "bản sao theo hợp đồng", "--by", "an-ninh")
    assert run(capsys, "audit", "judge", number, "dismissed", *told)[0] == 0
    assert run(capsys, "audit", "alerts", "--json") == (0, "")
    callers = [
        entry.deed.caller for entry in trail.find(ALL, Wanted(interaction="alert-move")).entries
    ]
    assert callers == ["an-ninh", "an-ninh"]


def test_a_person_that_is_not_here_is_not_watched(
    trail: Trail, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ("--reason", "theo đề nghị", "--by", "an-ninh")
    assert run(capsys, "audit", "watch", "none", *told)[0] != 0
    assert run(capsys, "audit", "watch", "--by", "an-ninh", "--json")[1] == '{"watched": 0}\n'
