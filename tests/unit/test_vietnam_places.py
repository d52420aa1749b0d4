"""Units have days; what became of each is known; a code alone says too little."""

from datetime import date

import pytest

from trucyte.vietnam.places import predecessors, successors, unit
from trucyte.vietnam.places.build import build_former
from trucyte.vietnam.places.history import FORMER_TO, NEW_FROM, load_history
from trucyte.vietnam.places.spelling import key_of, kind_and_short
from trucyte.vietnam.places.units import UnitsUnreadable, load_units

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)


def count(level: str, day: date) -> int:
    history = load_history()
    units = [*history.former.values(), *history.current.values()]
    return sum(one.level == level and one.is_in_force(day) for one in units)


def test_there_are_as_many_units_as_the_law_says() -> None:
    assert count("province", BEFORE) == 63
    assert count("province", AFTER) == 34
    assert count("commune", AFTER) == 3321
    assert count("district", AFTER) == 0
    assert 10_030 <= count("commune", BEFORE) <= 10_045


@pytest.mark.parametrize(
    ("code", "was", "is_now"),
    [
        ("44", "Tỉnh Quảng Bình", "Tỉnh Quảng Trị"),
        ("24", "Tỉnh Bắc Giang", "Tỉnh Bắc Ninh"),
        ("52", "Tỉnh Bình Định", "Tỉnh Gia Lai"),
        ("80", "Tỉnh Long An", "Tỉnh Tây Ninh"),
        ("82", "Tỉnh Tiền Giang", "Tỉnh Đồng Tháp"),
        ("91", "Tỉnh Kiên Giang", "Tỉnh An Giang"),
        ("15", "Tỉnh Yên Bái", "Tỉnh Lào Cai"),
        ("00070", "Phường Hàng Trống", "Phường Hoàn Kiếm"),
    ],
)
def test_the_same_code_names_different_units_at_different_days(
    code: str, was: str, is_now: str
) -> None:
    former, current = unit(code, BEFORE), unit(code, AFTER)
    assert former is not None and current is not None
    assert (former.name, current.name) == (was, is_now)
    assert unit(code) == current


def test_a_code_that_is_none_names_nothing() -> None:
    assert unit("99999") is None
    assert unit("", BEFORE) is None
    assert unit("001", AFTER) is None
    assert successors("99999") == predecessors("99999") == ()


def test_every_former_commune_leads_to_a_commune_in_force() -> None:
    history = load_history()
    for one in history.former.values():
        if one.level == "commune":
            assert history.ways[one.code], one.code
            assert all(code in history.current for code, _ in history.ways[one.code])


def test_every_commune_in_force_but_one_comes_from_a_former() -> None:
    history = load_history()
    communes = [one for one in history.current.values() if one.level == "commune"]
    orphans = [one.name for one in communes if one.code not in history.back]
    assert orphans == ["Xã Suối Tọ"]  # the source has no row for it


def test_communes_stay_in_the_province_their_province_became() -> None:
    history = load_history()
    for one in history.former.values():
        if one.level == "commune":
            became = history.ways[one.province][0][0]
            assert {history.current[code].province for code, _ in history.ways[one.code]} == {
                became
            }


def test_a_commune_goes_whole_or_in_parts_and_both_ways_agree() -> None:
    whole = successors("00001")
    assert [(one.unit.name, one.share) for one in whole] == [("Phường Hồng Hà", "whole")]
    parts = successors("00016")
    assert len(parts) > 1
    assert {one.share for one in parts} == {"part"}
    for one in parts:
        assert "00016" in {former.unit.code for former in predecessors(one.unit.code)}


def test_a_unit_in_force_has_no_successor_and_a_former_no_predecessor() -> None:
    assert successors("00070", AFTER) == ()
    assert successors("00070", BEFORE) != ()
    assert predecessors("00070", BEFORE) == ()
    assert predecessors("00070", AFTER) != ()


def test_an_island_district_without_communes_became_one() -> None:
    names = {
        one.name: [next_one.unit.name for next_one in successors(one.code)]
        for one in load_history().former.values()
        if one.level == "district" and len(successors(one.code)) == 1
    }
    assert names["Huyện Côn Đảo"] == ["Đặc khu Côn Đảo"]
    assert names["Huyện Lý Sơn"] == ["Đặc khu Lý Sơn"]


def test_what_is_guessed_is_marked() -> None:
    history = load_history()
    for one in history.former.values():
        shares = {share for _, share in history.ways.get(one.code, ())}
        assert one.verified or one.code.startswith("~") or shares == {"inferred"}
        assert not (one.verified and "inferred" in shares)
    assert all(one.valid_to is not None for one in history.former.values())
    assert {one.valid_from for one in history.current.values()} == {NEW_FROM}
    assert (NEW_FROM - FORMER_TO).days == 1


def test_a_wheel_that_is_not_what_was_expected_is_refused() -> None:
    with pytest.raises(UnitsUnreadable):
        build_former(b"no wheel", b"neither", load_units())


def test_names_of_places_have_one_spelling() -> None:
    assert key_of("Phường Mỹ Quý") == key_of("phuong MY QUI")
    assert key_of("Phường 05") == key_of("Phường 5")
    assert kind_and_short(key_of("Thị trấn Sóc Sơn")) == ("T", "soc son")
    assert kind_and_short(key_of("Xã")) == ("", "xa")
