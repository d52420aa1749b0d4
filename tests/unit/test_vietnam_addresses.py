"""Addresses are read into units, however they are written, with what is left and how sure."""

from datetime import date

import pytest

from trucyte.vietnam.places import read_address
from trucyte.vietnam.places.address import LENGTH_MAX, NOWHERE


@pytest.mark.parametrize(
    ("text", "commune", "former", "rest"),
    [
        ("Số 12, ngõ 3, P. Trúc Bạch, Q. Ba Đình, TP Hà Nội", "00004", "00004", "Số 12, ngõ 3"),
        ("so 12 phuong truc bach quan ba dinh ha noi", "00004", "00004", "so 12"),
        ("12 Nguyễn Trãi phường Bến Thành quận 1 TPHCM", "26743", "26743", "12 Nguyễn Trãi"),
        ("P5 Q3 HCM", "27160", "27151", ""),
        ("Phường 05, Quận 3, Tp.Hồ Chí Minh, Việt Nam", "27160", "27151", ""),
        ("ấp 3, X. Long Thới, H. Nhà Bè, TPHCM", "27658", "27658", "ấp 3"),
        ("KP3, phường Tân Phong, TP Biên Hòa, Đồng Nai", "26188", "25996", "KP3"),
        ("TT. Sóc Sơn, H. Sóc Sơn, HN", "00376", "00376", ""),
        ("P. Hàng Trống, Hoàn Kiếm, HN", "00070", "00070", ""),
        ("xa my quy dong, duc hue", "27907", "27901", ""),
        ("Đội 5 Nghi Thái Nghi Lộc Nghệ An", "16708", "17926", "Đội 5"),
        ("huyện Côn Đảo, Bà Rịa - Vũng Tàu", "26732", "", ""),
    ],
)
def test_an_address_in_old_units_leads_to_the_new(
    text: str, commune: str, former: str, rest: str
) -> None:
    found = read_address(text)
    assert found.commune is not None
    assert found.commune.code == commune
    assert (found.former_commune.code if found.former_commune else "") == former
    assert found.rest == rest
    assert found.confidence > 0.75


@pytest.mark.parametrize(
    ("text", "commune"),
    [
        ("xã Lâm Bình, tỉnh Tuyên Quang", "02266"),
        ("Phường Hồng Hà, Hà Nội", "00097"),
        ("tổ 5, P. Hoàn Kiếm, TP. Hà Nội", "00070"),
        ("xã Văn Lăng, Thái Nguyên", "05665"),
        ("xã Văn Lang, Thái Nguyên", "02143"),
    ],
)
def test_an_address_in_new_units_is_read_as_it_stands(text: str, commune: str) -> None:
    found = read_address(text)
    assert found.commune is not None
    assert (found.commune.code, found.former_commune) == (commune, None)
    assert found.communes == (commune,)
    assert found.confidence > 0.9


def test_a_divided_commune_gives_all_it_may_be_now() -> None:
    found = read_address("Xã Tân Phú, Huyện Quốc Oai, Hà Nội")
    assert found.commune is None
    assert len(found.communes) > 1
    assert found.former_commune is not None
    assert found.province is not None and found.province.name == "Thành phố Hà Nội"


def test_the_day_decides_between_old_and_new() -> None:
    text = "Phường Ngọc Hà, Hà Nội"
    old = read_address(text, day=date(2020, 1, 1))
    new = read_address(text, day=date(2026, 1, 1))
    assert old.former_commune is not None and old.former_commune.code == "00016"
    assert new.commune is not None and new.commune.code == "00008"
    assert new.former_commune is None


def test_two_readings_share_the_confidence() -> None:
    found = read_address("xa loc thanh, tinh dong nai")
    assert found.confidence <= 0.6
    assert found.candidates


@pytest.mark.parametrize("text", ["Thanh Hóa", "tỉnh Thanh Hóa", "thanh hoa, viet nam", "Bắc Ninh"])
def test_a_province_alone_is_a_province(text: str) -> None:
    found = read_address(text)
    assert found.province is not None
    assert found.commune is None
    assert found.communes == ()


def test_a_district_alone_has_no_commune() -> None:
    found = read_address("Huyện Lục Ngạn, tỉnh Bắc Ninh")
    assert found.former_district is not None and found.former_district.name == "Huyện Lục Ngạn"
    assert found.province is not None and found.province.code == "24"
    assert found.commune is None


@pytest.mark.parametrize("text", ["", " ", ",,,", "x", "北京", "0", "123 456", "\x00"])
def test_what_names_no_place_is_nowhere(text: str) -> None:
    found = read_address(text)
    assert found.province is found.commune is None
    assert (found.confidence, found.communes) == (NOWHERE.confidence, ())
    assert found.rest == text.strip()


def test_a_long_address_is_cut_and_says_so() -> None:
    found = read_address("đường Lê Lợi, " * 500)
    assert found.cut
    assert len(found.rest) <= LENGTH_MAX
