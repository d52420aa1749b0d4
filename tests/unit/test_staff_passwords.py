"""Which passwords are taken, and what proves one."""

import unicodedata

import pytest

from trucyte.base.problem import Problem
from trucyte.shared.access.staff.passwords import check_password, is_proven, proof_of
from trucyte.shared.access.staff.problems import PasswordCommon, PasswordLong, PasswordShort

GOOD = (
    "năm con chim sẻ bay qua",
    "correct horse battery staple",
    "Trời xanh 3 lần hỏi mẹ",
    "kfG7!vn2qLmZ0x",
    "đi chợ mua cá rô phi",
)
EASY = (
    "passwordpassword",
    "P@ssw0rd12345678",
    "matkhau123456789",
    "Mật khẩu bệnh viện",
    "benhvien79001!!!",
    "BỆNH VIỆN HÀ NỘI 2026",
    "12345678901234567890",
    "qwertyuiopasdfgh",
    "abcdefghijklmnop",
    "poiuytrewqlkjhgfdsa",
    "aaaaaaaaaaaaaaaaaa",
    "ababababababababab",
    "1qaz2wsx3edc4rfv",
    "anhyeuemnhieulam"[:9] + "1234567",
    "bs.khoanoi.2026!",
    "bskhoanoi bskhoanoi",
)


@pytest.mark.parametrize("password", GOOD)
def test_words_of_ones_own_are_taken(password: str) -> None:
    check_password(password, "bs.khoanoi", has_factor=False)


@pytest.mark.parametrize("password", EASY)
def test_what_anyone_would_try_first_is_refused(password: str) -> None:
    with pytest.raises(PasswordCommon):
        check_password(password, "bs.khoanoi", has_factor=False)


@pytest.mark.parametrize(
    ("password", "has_factor", "problem"),
    [
        ("chim sẻ 7 con", False, PasswordShort),  # 13
        ("chim sẻ 7 cons", False, None),  # 14
        ("chim sẻ", True, PasswordShort),  # 7
        ("chim sẻ8", True, None),  # 8
        ("", True, PasswordShort),
        ("ăâđêôơư chim sẻ " * 17, False, PasswordLong),
    ],
)
def test_a_password_alone_is_longer_than_one_with_a_second_factor(
    password: str, has_factor: bool, problem: type[Problem] | None
) -> None:
    if problem is None:
        check_password(password, "x", has_factor=has_factor)
        return
    with pytest.raises(problem):
        check_password(password, "x", has_factor=has_factor)


def test_length_is_counted_in_characters_not_in_marks() -> None:
    apart = unicodedata.normalize("NFD", "chim sẻ đậu")
    assert len(apart) >= 13
    with pytest.raises(PasswordShort):
        check_password(apart, "x", has_factor=False)


def test_one_word_from_two_keyboards_is_one_password() -> None:
    salt = b"s" * 16
    proof = proof_of(unicodedata.normalize("NFD", "chim sẻ"), salt, 2)
    assert is_proven("chim sẻ", salt, proof, 2)
    assert not is_proven("chim se", salt, proof, 2)
    assert not is_proven("chim sẻ", b"t" * 16, proof, 2)
    assert not is_proven("chim sẻ", salt, b"", 2)


@pytest.mark.parametrize("password", ["\0" * 20, "\ud800" * 20, "😀" * 20, "a" * 100_000])
def test_any_text_can_be_proved_without_breaking(password: str) -> None:
    salt = b"s" * 16
    assert is_proven(password, salt, proof_of(password, salt, 2), 2)
