"""Lists answer by date; one that is not whole never calls a code wrong."""

from datetime import date
from pathlib import Path

import pytest

from trucyte.base.problem import Problem
from trucyte.vietnam import packaged_lists
from trucyte.vietnam.packaged_lists import ListUnreadable, MergedLists, PackagedLists, parse_list
from trucyte.vietnam.places.units import UnitsUnreadable, build_units, load_units, parse_units

LISTS = PackagedLists()
NOT_HERE = ("thuoc", "dich-vu", "co-so-kcb", "icd10", "chi-so", "nghe-nghiep", "khoa", "duong-dung")


@pytest.mark.parametrize("name", NOT_HERE)
def test_lists_that_are_not_whole_count_as_not_loaded(name: str) -> None:
    assert not LISTS.is_loaded(name)


def test_an_unknown_list_is_not_loaded_and_finds_nothing() -> None:
    assert not LISTS.is_loaded("khong-co")
    assert LISTS.find("khong-co", "1") is None


@pytest.mark.parametrize(
    ("name", "code", "day", "is_there"),
    [
        ("tinh", "02", date(2025, 6, 30), True),  # Hà Giang
        ("tinh", "02", date(2025, 7, 1), False),
        ("tinh", "79", date(2025, 7, 1), True),
        ("loai-kcb", "14", date(2026, 7, 31), False),
        ("loai-kcb", "14", date(2026, 8, 1), True),
        ("loai-kcb", "03", date(2023, 1, 1), True),
        ("doi-tuong-kcb", "1.9", date(2024, 1, 1), True),
        ("doi-tuong-kcb", "1.9", date(2026, 1, 1), False),
        ("nhom-chi-phi", "19", date(2024, 6, 30), False),
        ("nhom-chi-phi", "19", date(2024, 7, 1), True),
        ("khoa", "K60", date(2026, 8, 1), True),
        ("khoa", "K60", date(2026, 7, 1), False),
        ("tai-nan", "9", date(2026, 1, 1), False),
        ("dan-toc", "54", date(2026, 1, 1), True),
    ],
)
def test_a_code_is_in_force_between_its_dates(
    name: str, code: str, day: date, is_there: bool
) -> None:
    assert (LISTS.find(name, code, day) is not None) is is_there


def test_every_old_province_has_a_successor_that_is_in_force() -> None:
    old = [term for term in LISTS.terms("tinh") if term.valid_to]
    assert len(old) == 63
    for term in old:
        assert LISTS.find("tinh", term.extra["successor"], date(2025, 7, 1)) is not None


def test_the_sample_codes_are_known_and_nowhere_else() -> None:
    day = date(2026, 7, 15)
    for name, code in (("tinh", "00"), ("xa", "00000"), ("co-so-kcb", "00001")):
        term = LISTS.find(name, code, day)
        assert term is not None
        assert term.extra == {"list": "mau"}
    assert LISTS.find("co-so-kcb", "00041", day) is None


def test_the_units_are_34_provinces_and_3321_communes() -> None:
    units = load_units()
    assert (len(units.provinces), len(units.by_commune)) == (34, 3321)
    assert units.by_province["01"].full_name == "Thành phố Hà Nội"
    assert units.by_commune["00070"].name == "Phường Hoàn Kiếm"
    assert LISTS.is_loaded("xa")


def test_a_wheel_that_is_none_is_refused() -> None:
    with pytest.raises(UnitsUnreadable):
        build_units(b"not a zip")


def test_the_table_of_units_reads_back() -> None:
    table = b"01\tX\t1\nP\t00004\tY\n"
    found = parse_units(table)
    assert found.by_commune["00004"].province == "01"


def test_without_the_units_communes_are_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged_lists._terms.cache_clear()
    monkeypatch.setattr(packaged_lists, "_communes", list)
    try:
        assert not LISTS.is_loaded("xa")
    finally:
        packaged_lists._terms.cache_clear()


def test_the_icd_subset_gives_names_by_either_of_its_names() -> None:
    assert LISTS.find("icd-10", "I10") == LISTS.find("icd10", "I10")
    terms = list(LISTS.terms("icd10"))
    assert len(terms) >= 400
    assert not any(term.verified for term in terms)
    assert len({term.code[0] for term in terms}) >= 20


def test_no_list_claims_to_be_verified_where_it_is_recalled() -> None:
    for name in ("tai-nan", "nhom-the", "duong-dung"):
        assert not any(term.verified for term in LISTS.terms(name) if not term.extra.get("list"))
    assert LISTS.legal_source("tinh")
    assert set(LISTS.names()) >= {"tinh", "xa", "khoa", "icd10"}


def test_an_operators_list_stands_in_for_ours() -> None:
    text = "\ufeffMA;TEN;TU_NGAY;DEN_NGAY;GIA\n40.48;Paracetamol;20240101;31/12/2026;1\n"
    lists = MergedLists({"thuoc": parse_list("thuoc", text)})
    assert lists.is_loaded("thuoc")
    term = lists.find("thuoc", "40.48", date(2026, 1, 1))
    assert term is not None
    assert (term.vi, term.extra["GIA"]) == ("Paracetamol", "1")
    assert lists.find("thuoc", "40.48", date(2027, 1, 1)) is None
    assert lists.find("thuoc", "40.49") is None
    assert lists.find("tinh", "79") is not None
    assert not lists.is_loaded("dich-vu")


def test_an_operators_list_of_facilities_still_knows_the_samples() -> None:
    lists = MergedLists({"co-so-kcb": parse_list("co-so-kcb", "CODE\tNAME\n01001\tA\n")})
    assert lists.find("co-so-kcb", "00001") is not None
    assert lists.find("co-so-kcb", "01002") is None


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "empty"),
        ("TEN;X\na;b", 1, "no column MA"),
        ("MA;X\na;b", 1, "no column TEN"),
        ("MA;TEN\n;b", 2, "no code"),
        ("MA;TEN;TU_NGAY\n1;b;20269999", 2, "date"),
        ("MA;TEN;TU_NGAY\n1;b;hôm qua", 2, "date"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_with_the_line(
    text: str, line: int, reason: str
) -> None:
    with pytest.raises(ListUnreadable) as refused:
        parse_list("x", text)
    assert refused.value.facts == {"name": "x", "line": line, "reason": reason}
    assert isinstance(refused.value, Problem)


def test_every_list_file_has_a_line_in_the_catalogue() -> None:
    folder = Path(packaged_lists.__file__).parent / "data" / "lists"
    assert {path.stem for path in folder.glob("*.tsv")} <= set(LISTS.names())
