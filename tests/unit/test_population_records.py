"""Records are damaged as often as the file says, and the truth says how."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cache

import pytest

from trucyte.synth.population.columns import COLUMNS, NAMES
from trucyte.synth.population.corruptions import (
    Corruptions,
    CorruptionsUnreadable,
    packaged_corruptions,
    read_corruptions,
)
from trucyte.synth.population.people import END, START
from trucyte.synth.population.records import DUMMY_NUMBERS, DUMMY_PHONES
from trucyte.synth.population.run import Options, rows
from trucyte.vietnam.numbers import read_number
from trucyte.vietnam.people.fold import folded
from trucyte.vietnam.places import read_address

Record = Mapping[str, str]
COUNT = 40_000


@cache
def records(count: int = COUNT, *, is_clean: bool = False) -> tuple[Record, ...]:
    rates = Corruptions() if is_clean else packaged_corruptions()
    options = Options(count, 5, rates)
    return tuple(dict(zip(NAMES, row, strict=True)) for row in rows(options))


def errors(record: Record) -> list[str]:
    return [error for error in record["errors"].split(";") if error]


def named() -> list[Record]:
    """Those that have a name of their own."""
    return [record for record in records() if "newborn" not in record["errors"]]


@pytest.mark.parametrize(
    ("error", "rate"),
    [
        ("name.unaccented", 0.22),
        ("name.telex", 0.015),
        ("name.vni_typing", 0.006),
        ("name.vni_bytes", 0.004),
        ("name.tcvn3_bytes", 0.004),
        ("name.nfd", 0.06),
        ("name.upper_case", 0.14),
        ("name.given_typo", 0.03),
        ("name.swapped", 0.01),
        ("birth_date.year_slip", 0.015),
        ("birth_date.first_of_january", 0.06),
        ("sex.wrong", 0.003),
    ],
)
def test_damage_comes_at_the_declared_rate(error: str, rate: float) -> None:
    found = sum(error in errors(record) for record in named()) / len(named())
    assert abs(found - rate) < 0.1 * rate + 0.0012


@pytest.mark.parametrize(
    ("column", "rate"),
    [
        ("personal_number", 0.28),
        ("identity_number", 0.28),
        ("card_number", 0.28),
        ("social_number", 0.75),
        ("phone", 0.2),
        ("address", 0.02),
    ],
)
def test_parts_are_absent_at_the_declared_rate(column: str, rate: float) -> None:
    missing = sum(f"{column}.absent" in errors(record) for record in named())
    there = sum(bool(record[column]) for record in named())
    assert abs(missing / (missing + there) - rate) < 0.015


def test_wards_change_and_old_units_stay_at_the_declared_rates() -> None:
    addressed = [record for record in records() if record["address"]]
    changed = sum("address.ward_changed" in errors(record) for record in addressed)
    assert abs(changed / len(addressed) - 0.15) < 0.01
    late = [record for record in addressed if record["recorded_on"] >= "2025-07-01"]
    old = sum("address.old_units" in errors(record) for record in late)
    assert abs(old / len(late) - 0.3) < 0.015


def test_days_and_months_are_swapped_where_both_can_be_months() -> None:
    days: dict[str, Counter[str]] = {}
    for record in records():
        days.setdefault(record["person_id"], Counter())[record["birth_date"]] += 1
    able = swapped = 0
    for record in named():
        born = days[record["person_id"]].most_common(1)[0][0]
        if len(born) == 10 and int(born[8:]) < 13 and born[8:] != born[5:7]:
            able += 1
            swapped += "birth_date.day_month_swapped" in errors(record)
    assert abs(swapped / able - 0.02) < 0.008


def test_a_file_without_rates_damages_nothing() -> None:
    clean = records(4_000, is_clean=True)
    names: dict[str, set[str]] = {}
    for record in clean:
        told = [e for e in errors(record) if not e.startswith("newborn")]
        assert told == []
        if "newborn" not in record["situation"]:
            names.setdefault(record["person_id"], set()).add(record["name"])
    assert all(len(found) == 1 for found in names.values())


def test_numbers_in_records_are_nobodys_or_nothing() -> None:
    for record in records():
        personal, phone = record["personal_number"], record["phone"]
        assert personal == "" or personal.startswith("000") or personal in DUMMY_NUMBERS
        assert phone == "" or phone.startswith("0600") or phone in DUMMY_PHONES
        assert record["social_number"][:2] in ("", "00")
        assert record["identity_number"][:2] in ("", "00")
        assert record["card_number"][3:5] in ("", "00")


def test_numbers_can_be_used_but_for_the_dummies() -> None:
    for record in records(8_000):
        for column in ("personal_number", "identity_number", "card_number", "phone"):
            if record[column]:
                is_dummy = f"{column}.shared_dummy" in errors(record)
                assert read_number(record[column]).usable is not is_dummy, record[column]


def test_an_address_without_damage_is_read_into_its_units() -> None:
    plain = [r for r in records(8_000) if r["commune"] and "address" not in r["errors"]]
    right = 0
    for record in plain:
        day = date.fromisoformat(record["recorded_on"])
        read = read_address(record["address"], day=day)
        unit = read.former_commune if day < date(2025, 7, 1) else read.commune
        right += unit is not None and unit.code == record["commune"]
    assert right > 0.99 * len(plain) > 1_000


def test_newborns_carry_their_mothers_name_and_sometimes_number() -> None:
    young = [record for record in records() if "newborn" in record["situation"]]
    assert len(young) > 100
    lent = Counter(error for record in young for error in errors(record))
    assert lent["newborn.parent_name"] == len(young)
    assert lent["newborn.parent_number"] > 0.2 * len(young)
    assert lent["newborn.parent_card"] > 0.2 * len(young)
    for record in young:
        if record["personal_number"]:
            assert "newborn.parent_number" in errors(record)
    led = sum(folded(record["name"]).startswith(("con ba ", "cb ")) for record in young)
    assert led > 0.5 * len(young)


def test_days_lie_in_the_period_and_after_birth() -> None:
    for record in records():
        day = date.fromisoformat(record["recorded_on"]).toordinal()
        assert START <= day <= END


def test_the_file_has_the_named_columns_and_each_is_explained() -> None:
    assert len(records()) == COUNT
    assert all(COLUMNS.values())
    assert len({record["record_id"] for record in records()}) == COUNT
    people = Counter(record["person_id"] for record in records())
    assert 2.0 < COUNT / len(people) < 2.4


@pytest.mark.parametrize(
    "text",
    [
        "[name]\nunacented = 0.1",
        "[names]\ntelex = 0.1",
        "[name]\ntelex = 1.5",
        "[name]\ntelex = -0.1",
        "[name]\ntelex = 'often'",
        "[name]\ntelex = nan",
        "[name]\ntelex = 0.6\nnfd = 0.6",
        "name = 3",
        "[name",
        "\udcff",
    ],
)
def test_a_file_of_rates_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(CorruptionsUnreadable):
        read_corruptions(text.encode("utf-8", "surrogateescape"))


def test_an_empty_file_of_rates_damages_nothing() -> None:
    assert read_corruptions(b"") == Corruptions()
