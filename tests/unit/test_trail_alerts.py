"""Alerts over the trail: which entries count, when there are enough, once a period."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trucyte.shared.audit.alerts import Engine, Raised, RulesUnreadable, Sign, read_rules
from trucyte.shared.audit.alerts import engine as engine_module
from trucyte.shared.audit.alerts.engine import EVIDENCE_MAX, signs_of
from trucyte.shared.audit.entry import Deed, Entry, Outcome

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)  # 12:00 in Viet Nam
NIGHT = datetime(2026, 11, 24, 16, tzinfo=UTC)  # 23:00


@dataclass
class Told:
    """What is known, told by a test."""

    vips: frozenset[int] = frozenset()
    selves: dict[str, frozenset[int]] = field(default_factory=dict)
    homes: dict[str, frozenset[int]] = field(default_factory=dict)
    patients: frozenset[int] | None = frozenset()  # related to everybody; None: nobody needs to
    programs: frozenset[str] = frozenset({"lis"})

    def watched(self, persons: Iterable[int]) -> frozenset[int]:
        return self.vips & frozenset(persons)

    def own(self, account: str) -> frozenset[int]:
        return self.selves.get(account, frozenset())

    def family(self, account: str) -> frozenset[int]:
        return self.homes.get(account, frozenset())

    def is_person(self, account: str) -> bool:
        return account not in self.programs

    def related(self, account: str, persons: Iterable[int]) -> frozenset[int] | None:
        if account in self.programs or self.patients is None:
            return None
        return self.patients & frozenset(persons)


def entry(
    seq: int, at: datetime, *persons: int, account: str = "bs01", interaction: str = "read",
    outcome: Outcome = Outcome.SUCCESS, code: str = "", resources: int = 0,
) -> Entry:  # fmt: skip
    deed = Deed(
        "r1", "pages", interaction, "Patient", "TREAT", account, "Organization/79001", outcome,
        resources or len(persons), code, persons,
    )  # fmt: skip
    return Entry(seq, at, deed)


def raised(entries: Iterable[Entry], known: Told) -> list[Raised]:
    engine = Engine(read_rules(), known)
    return [one for each in entries for one in engine.take(each)]


def rules(found: Iterable[Raised]) -> list[str]:
    return [one.rule for one in found]


def test_a_sweep_by_night_is_raised_once_with_its_entries() -> None:
    entries = [entry(n, NIGHT + timedelta(seconds=n), n) for n in range(1, 60)]
    (found,) = [one for one in raised(entries, Told()) if one.rule == "night-sweep"]
    assert (found.account, found.counted) == ("bs01", 25)
    assert found.at == entries[24].at
    assert found.evidence == tuple(each.id for each in entries[25 - EVIDENCE_MAX : 25])


@pytest.mark.parametrize(
    ("start", "step", "persons", "account"),
    [
        (NOON, 1, 60, "bs01"),  # by day
        (NIGHT, 200, 60, "bs01"),  # spread over hours: 18 an hour
        (NIGHT, 1, 24, "bs01"),  # the same few again and again
        (NIGHT, 1, 60, "lis"),  # a program does not sleep
    ],
)
def test_what_is_no_sweep_is_not_raised(
    start: datetime, step: int, persons: int, account: str
) -> None:
    entries = [
        entry(n, start + timedelta(seconds=n * step), 1 + n % persons, account=account)
        for n in range(90)
    ]
    everyone = Told(patients=frozenset(range(1, 100)))
    assert rules(raised(entries, everyone)) == []


def test_a_sweep_over_the_edge_of_an_hour_is_seen() -> None:
    start = datetime(2026, 11, 24, 16, 45, tzinfo=UTC)
    entries = [entry(n, start + timedelta(minutes=n), n) for n in range(1, 31)]
    everyone = Told(patients=frozenset(range(100)))
    assert rules(raised(entries, everyone)) == ["night-sweep"]


def test_the_same_account_is_raised_again_the_next_night() -> None:
    nights = [
        entry(n + 100 * day, NIGHT + timedelta(days=day, seconds=n), n)
        for day in range(3)
        for n in range(1, 40)
    ]
    everyone = Told(patients=frozenset(range(100)))
    found = raised(nights, everyone)
    assert rules(found) == ["night-sweep"] * 3
    assert len({one.key for one in found}) == 3


def test_a_sensitive_person_opened_by_a_stranger_is_raised_and_by_its_doctor_is_not() -> None:
    known = Told(vips=frozenset({7}), patients=frozenset({8}))
    assert rules(raised([entry(1, NOON, 7)], known)) == ["vip"]
    assert (
        rules(raised([entry(1, NOON, 7)], Told(vips=frozenset({7}), patients=frozenset({7})))) == []
    )
    assert rules(raised([entry(1, NOON, 8)], known)) == []


def test_own_record_and_household_are_raised() -> None:
    known = Told(selves={"bs01": frozenset({5})}, homes={"bs01": frozenset({6})})
    assert rules(raised([entry(1, NOON, 5)], known)) == ["own-record"]
    assert rules(raised([entry(1, NOON, 6)], known)) == ["own-family"]
    assert rules(raised([entry(1, NOON, 6, account="bs02")], known)) == []
    treats = Told(homes={"bs01": frozenset({6})}, patients=frozenset({6}))
    assert rules(raised([entry(1, NOON, 6)], treats)) == []


def test_many_strangers_are_raised_and_ones_own_patients_are_not() -> None:
    entries = [entry(n, NOON + timedelta(minutes=n), n) for n in range(1, 61)]
    assert rules(raised(entries, Told())) == ["unrelated"]
    assert rules(raised(entries, Told(patients=frozenset(range(100))))) == []
    assert rules(raised(entries, Told(patients=None))) == []


def test_a_mass_export_is_raised() -> None:
    big = entry(1, NOON, *range(1, 501), interaction="$export-file", account="lis")
    assert rules(raised([big], Told())) == ["mass-export"]
    small = entry(1, NOON, *range(1, 500), interaction="$export-file", account="lis")
    assert rules(raised([small], Told())) == []


def test_repeated_denials_are_raised_known_or_not() -> None:
    def denied(account: str, code: str = "access-denied") -> list[Entry]:
        return [
            entry(
                n, NOON + timedelta(seconds=n), account=account, outcome=Outcome.REFUSED, code=code
            )
            for n in range(30)
        ]

    assert rules(raised(denied("bs01"), Told())) == ["denials"]
    assert rules(raised(denied(""), Told())) == ["denials"]
    gone = [
        entry(n, NOON + timedelta(seconds=n), outcome=Outcome.ERROR, code="not-found")
        for n in range(30)
    ]
    assert rules(raised(gone, Told())) == ["denials"], "guessing shows as what is not there"
    broken = [
        entry(n, NOON + timedelta(seconds=n), outcome=Outcome.ERROR, code="defect")
        for n in range(30)
    ]
    assert rules(raised(broken, Told())) == []


def test_denials_that_one_entry_counts_are_all_counted() -> None:
    one = entry(1, NOON, account="", outcome=Outcome.REFUSED, code="token-refused", resources=25)
    assert rules(raised([one], Told())) == ["denials"]


def test_failed_logins_are_raised_and_right_ones_are_not() -> None:
    def logins(outcome: Outcome) -> list[Entry]:
        return [
            entry(n, NOON + timedelta(seconds=n), interaction="login", outcome=outcome)
            for n in range(12)
        ]

    assert rules(raised(logins(Outcome.REFUSED), Told())) == ["logins-failed"]
    assert rules(raised(logins(Outcome.SUCCESS), Told())) == []


def test_what_shows_nobody_has_no_sign() -> None:
    assert signs_of(entry(1, NIGHT), Told(vips=frozenset({0}))) == {}


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "TRACKED_MAX", 100)
    engine = Engine(read_rules(), Told())
    for n in range(2000):
        engine.take(entry(n, NIGHT, n, account=f"a{n}"))
    assert engine.tracked <= 100
    many = entry(1, NIGHT, *range(1, 20_000), account="one")
    engine.take(many)
    held = [len(part) for window in engine._windows.values() for _, part in window.parts]
    assert max(held) <= max(rule.least for rule in read_rules())


def test_every_rule_has_words_a_reason_and_a_sign_of_its_own() -> None:
    found = read_rules()
    assert {rule.sign for rule in found} == set(Sign)
    for rule in found:
        assert rule.vi and rule.en and rule.reason
        assert rule.kind == f"trail-{rule.id}"


def test_a_node_sets_its_own_thresholds(tmp_path: Path) -> None:
    (tmp_path / "alerts.toml").write_text('[[rule]]\nid = "night-sweep"\nleast = 5\n')
    by_id = {rule.id: rule for rule in read_rules(tmp_path)}
    assert by_id["night-sweep"].least == 5
    assert by_id["vip"].least == 1


@pytest.mark.parametrize(
    "text",
    [
        "[[rule",
        'x = 1\n[[rule]]\nid = "vip"',
        '[[rule]]\nid = "nobody"\nleast = 5',
        '[[rule]]\nid = "vip"\nleast = 0',
        '[[rule]]\nid = "vip"\nleast = true',
        '[[rule]]\nid = "vip"\nwithin = 1.5',
        '[[rule]]\nid = "vip"\nwithin = 99999999',
        '[[rule]]\nid = "vip"\nsign = "night"',
        "rule = 5",
        "rule = [5]",
    ],
)
def test_a_file_of_thresholds_that_is_wrong_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "alerts.toml").write_text(text)
    with pytest.raises(RulesUnreadable):
        read_rules(tmp_path)
