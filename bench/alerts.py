"""How well alerts find planted misuse in synthetic weeks of a hospital of 500 beds, and how fast.

Staff work in shifts on their own wards, cover for others, take referrals, and make mistakes;
programs read at night. Into that, misuse is planted with the entries that show it. What the
engine raises is held against what was planted: by account and rule, and alerts a day.

    PYTHONPATH=src python -m bench.alerts [--weeks 4] [--seed 1]
"""

import argparse
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bench.record import record
from trucyte.shared.audit.alerts import Engine, Raised, read_rules
from trucyte.shared.audit.entry import Deed, Entry, Outcome

BEDS, WARDS, DOCTORS, NURSES, DESK = 500, 16, 110, 320, 70
PATIENTS = 60_000  # persons the hospital knows
BEGIN = datetime(2026, 11, 1, 17, tzinfo=UTC)  # midnight in Viet Nam
VIPS = frozenset(range(PATIENTS - 20, PATIENTS))

Row = tuple[float, str, str, tuple[int, ...], Outcome, str]  # seconds, who, what, whom, end


@dataclass
class House:
    """Who works where, who lies where; what alerts know."""

    chance: random.Random
    wards: dict[str, int] = field(default_factory=dict)
    treated: dict[int, set[int]] = field(default_factory=dict)  # ward -> persons this week
    homes: dict[str, frozenset[int]] = field(default_factory=dict)
    selves: dict[str, frozenset[int]] = field(default_factory=dict)

    def watched(self, persons: Iterable[int]) -> frozenset[int]:
        return VIPS & frozenset(persons)

    def own(self, account: str) -> frozenset[int]:
        return self.selves.get(account, frozenset())

    def family(self, account: str) -> frozenset[int]:
        return self.homes.get(account, frozenset())

    def is_person(self, account: str) -> bool:
        return account[:2] in ("bs", "dd", "td")

    def related(self, account: str, persons: Iterable[int]) -> frozenset[int] | None:
        ward = self.wards.get(account)
        return None if ward is None else frozenset(persons) & self.treated[ward]


def staffed(chance: random.Random) -> House:
    house = House(chance)
    for number in range(DOCTORS):
        house.wards[f"bs{number:03}"] = number % WARDS
    for number in range(NURSES):
        house.wards[f"dd{number:03}"] = number % WARDS
    for account in house.wards:
        own = chance.randrange(PATIENTS - 100)
        house.selves[account] = frozenset({own})
        house.homes[account] = frozenset(chance.sample(range(PATIENTS - 100), 3)) - {own}
    return house


def week(house: House, number: int) -> Iterator[Row]:
    """Yield what honest people do in a week."""
    chance, start = house.chance, number * 7 * 86400.0
    for ward in range(WARDS):
        lying = set(chance.sample(range(PATIENTS), BEDS // WARDS * 2))
        house.treated[ward] = lying | set(chance.sample(range(PATIENTS), 150))  # outpatients
    for day in range(7):
        for account, ward in house.wards.items():
            shift = chance.choices((8, 15, 22, None), (40, 15, 10, 35))[0]
            if shift is not None:
                yield from _shift(house, account, ward, start + day * 86400 + shift * 3600)
        yield from _desks(chance, start + day * 86400)


def _desks(chance: random.Random, begin: float) -> Iterator[Row]:
    """Yield a day of registrars, and of a program that reads day and night."""
    for number in range(DESK * 60):
        at, who = begin + 7 * 3600 + chance.random() * 9 * 3600, f"td{number % DESK:02}"
        yield at, who, "search", (chance.randrange(PATIENTS),), Outcome.SUCCESS, ""
    for _ in range(24 * 80):
        at = begin + chance.random() * 86400
        yield at, "lis", "read", (chance.randrange(PATIENTS),), Outcome.SUCCESS, ""


def _shift(house: House, account: str, ward: int, begin: float) -> Iterator[Row]:
    chance = house.chance
    known = sorted(house.treated[ward])
    if chance.random() < 0.03:  # helps out on another ward
        known = sorted(house.treated[(ward + 1) % WARDS])[:12] + known[:10]
    is_night = begin % 86400 == 22 * 3600
    for _ in range(chance.randrange(15, 40) if is_night else chance.randrange(25, 90)):
        at = begin + chance.random() * 8 * 3600
        whom = chance.choice(known)
        if chance.random() < 0.02:  # a call, a referral that is not written yet
            whom = chance.randrange(PATIENTS - 100)
        if whom in house.own(account) | house.family(account) and whom not in known:
            continue
        if chance.random() < 0.01:
            yield at, account, "read", (), Outcome.REFUSED, "access-denied"
        else:
            yield at, account, "read", (whom,), Outcome.SUCCESS, ""
    if chance.random() < 0.02:
        for slip in range(chance.randrange(1, 5)):
            yield begin + slip * 9, account, "login", (), Outcome.REFUSED, "login-refused"


def planted(house: House, number: int) -> Iterator[tuple[str, str, list[Row]]]:
    """Yield misuse of one week: rule that should see it, account, entries."""
    chance, start = house.chance, number * 7 * 86400.0
    people = sorted(house.wards)

    def at(hour: float) -> float:
        return start + chance.randrange(7) * 86400 + hour * 3600

    def read(when: float, who: str, whom: Iterable[int], gap: float) -> list[Row]:
        return [
            (when + n * gap * chance.uniform(0.5, 1.5), who, "read", (p,), Outcome.SUCCESS, "")
            for n, p in enumerate(whom)
        ]

    who = chance.choice(people)
    yield (
        "night-sweep",
        who,
        read(at(chance.uniform(22, 27)), who, chance.sample(range(PATIENTS - 100), 60), 20),
    )
    who = chance.choice(people)
    yield "night-sweep", who, read(at(23.5), who, chance.sample(range(PATIENTS - 100), 35), 60)
    for _ in range(3):
        who = chance.choice(people)
        yield "vip", who, read(at(chance.uniform(8, 20)), who, [chance.choice(sorted(VIPS))], 1)
    for _ in range(3):
        who = chance.choice(people)
        strangers = sorted(house.family(who) - house.treated[house.wards[who]])
        yield "own-family", who, read(at(chance.uniform(8, 20)), who, strangers[:1], 1)
    who = chance.choice(people)
    yield "own-record", who, read(at(10), who, house.own(who), 1)
    who = chance.choice(people)
    yield "unrelated", who, read(at(9), who, chance.sample(range(PATIENTS - 100), 70), 150)
    who = chance.choice(people)
    yield "unrelated", who, read(at(14), who, chance.sample(range(PATIENTS - 100), 36), 200)
    whole = tuple(chance.sample(range(PATIENTS), 4000))
    yield "mass-export", "his", [(at(11), "his", "$export-file", whole, Outcome.SUCCESS, "")]
    who = chance.choice(people)
    yield (
        "denials",
        who,
        [
            (row[0], who, "read", (), Outcome.ERROR, "not-found")
            for row in read(at(15), who, range(50), 2)
        ],
    )
    who = chance.choice(people)
    yield (
        "logins-failed",
        who,
        [
            (row[0], who, "login", (), Outcome.REFUSED, "login-refused")
            for row in read(at(3), who, range(25), 15)
        ],
    )


def entry_of(seq: int, row: Row) -> Entry:
    seconds, who, what, whom, outcome, code = row
    deed = Deed("r", "pages", what, "Patient", "TREAT", who, "", outcome, len(whom), code, whom)
    return Entry(seq, BEGIN + timedelta(seconds=seconds), deed)


def main() -> None:
    """Run the weeks, print and record how well and how fast."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    house = staffed(random.Random(told.seed))
    engine, seq, seconds, found, wanted = Engine(read_rules(), house), 0, 0.0, [], []
    for number in range(told.weeks):
        rows = list(week(house, number))
        for rule, who, more in planted(house, number):
            wanted.append((rule, who, min(row[0] for row in more) if more else 0.0))
            rows += more
        entries = [entry_of(seq + n, row) for n, row in enumerate(sorted(rows, key=lambda r: r[0]))]
        seq += len(entries)
        began = time.perf_counter()
        for entry in entries:
            found += engine.take(entry)
        seconds += time.perf_counter() - began
    report(told.weeks, found, wanted, seq, seconds, engine.tracked)


def report(
    weeks: int,
    found: Sequence[Raised],
    wanted: Sequence[tuple[str, str, float]],
    entries: int,
    seconds: float,
    tracked: int,
) -> None:
    """Hold what was raised against what was planted; an alert on planted misuse is right."""
    suspects = {(rule, who) for rule, who, _ in wanted}
    # A sweep of strangers shows under more than one rule, and is the same misuse.
    kin = {"night-sweep": {"unrelated", "vip"}, "unrelated": {"vip", "night-sweep"}}
    right = suspects | {(also, who) for rule, who in suspects for also in kin.get(rule, ())}
    raised = [(one.rule, one.account) for one in found]
    true = sum(pair in right for pair in raised)
    hit = sum((rule, who) in set(raised) for rule, who, _ in wanted)
    precision, recall = true / max(1, len(raised)), hit / max(1, len(wanted))
    print(f"{entries:,} entries in {weeks} weeks, {entries / weeks / 7:,.0f} a day")
    print(f"precision {precision:.3f}, recall {recall:.3f}")
    print(
        f"{len(raised) / weeks / 7:.2f} alerts a day, {(len(raised) - true) / weeks / 7:.2f} false"
    )
    print(f"{entries / seconds:,.0f} entries/s, {tracked:,} windows held")
    for rule in sorted({rule for rule, _ in raised} | {rule for rule, _, _ in wanted}):
        mine = [pair for pair in raised if pair[0] == rule]
        good = sum(pair in right for pair in mine)
        of = [w for w in wanted if w[0] == rule]
        seen = sum((r, who) in set(raised) for r, who, _ in of)
        print(
            f"  {rule:14} raised {len(mine):3}, right {good:3}; planted {len(of):3}, found {seen:3}"
        )
    note = f"{weeks} synthetic weeks, 500 beds, planted misuse"
    measures = {
        "precision": (round(precision, 4), ""),
        "recall": (round(recall, 4), ""),
        "alerts a day": (round(len(raised) / weeks / 7, 2), "alerts/day"),
        "engine": (round(entries / seconds), "entries/s"),
    }
    record("alerts", measures, note)


if __name__ == "__main__":
    main()
