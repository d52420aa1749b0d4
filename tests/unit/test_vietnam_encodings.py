"""Old encodings are found out by their words, and read."""

import random
import unicodedata

import pytest

from trucyte.vietnam.people import legacy
from trucyte.vietnam.people.encodings import decode_as, decode_text, detect_encoding

TABLE = (
    "Họ tên;Ngày sinh;Địa chỉ\nNguyễn Văn Mẫu;1980;Phường Bến Nghé\nTrần Thị Thúy;1990;xã Đông "
    "Hưng\nLê Hữu Phước;1975;Thừa Thiên Huế\nĐỗ Quỳnh Như;2001;Quận Ba Đình\n"
)


def in_tcvn3(text: str) -> bytes:
    """Write as the fonts of the time did: a capital with a mark is the small letter."""
    letters = {letter: byte for byte, letter in legacy._tcvn3_letters().items()}
    return bytes(letters.get(c) or letters.get(c.lower()) or ord(c) for c in text)


def in_vni(text: str) -> bytes:
    _, letters = legacy._vni_letters()
    typed = {letter: keys for keys, letter in reversed(letters.items())}
    return "".join(typed.get(c, c) for c in text).encode("latin-1")


def in_windows_1258(text: str) -> bytes:
    found = b""
    for letter in text:
        spread = unicodedata.normalize("NFD", letter)
        tones = "".join(c for c in spread if c in "\u0301\u0300\u0309\u0303\u0323")
        base = unicodedata.normalize("NFC", "".join(c for c in spread if c not in tones))
        found += (base + tones).encode("cp1258")
    return found


def misread(data: bytes) -> bytes:
    return "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in data).encode()


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TABLE.encode(), "utf-8"),
        (b"\xef\xbb\xbf" + TABLE.encode(), "utf-8"),
        (unicodedata.normalize("NFD", TABLE).encode(), "utf-8"),
        (TABLE.encode("utf-16"), "utf-16"),
        (TABLE.encode("utf-16-le"), "utf-16-le"),
        (TABLE.encode("utf-16-be"), "utf-16-be"),
        (in_tcvn3(TABLE), "tcvn3"),
        (in_vni(TABLE), "vni"),
        (in_windows_1258(TABLE), "windows-1258"),
        (misread(in_tcvn3(TABLE)), "utf-8+tcvn3"),
        (misread(in_vni(TABLE)), "utf-8+vni"),
        (misread(TABLE.encode()), "utf-8+utf-8"),
    ],
)
def test_a_table_is_read_in_whatever_encoding_it_is(data: bytes, encoding: str) -> None:
    text, found, confidence = decode_text(data)
    assert (text, found) == (TABLE, encoding)
    assert confidence > 0.9


def test_capitals_in_a_capital_font_are_capitals() -> None:
    assert decode_text(in_tcvn3("NGUYỄN THỊ HỒNG PHƯỚC, ĐỖ QUỲNH")).text == (
        "NGUYỄN THỊ HỒNG PHƯỚC, ĐỖ QUỲNH"
    )


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"", "ascii"),
        (b"Nguyen Van Mau", "ascii"),
        ("Café crème à la française".encode(), "utf-8"),
        ("李小龙 北京".encode(), "utf-8"),
        ("Café crème à la française déjà vu".encode("cp1252"), "windows-1252"),
    ],
)
def test_what_is_not_vietnamese_is_left_alone(data: bytes, encoding: str) -> None:
    assert detect_encoding(data)[0] == encoding
    if encoding != "windows-1252":
        assert decode_text(data).text == data.decode()


def test_any_bytes_are_read_and_doubt_is_told() -> None:
    dice = random.Random(5)  # noqa: S311 - any bytes will do
    for length in (1, 2, 3, 10, 1000, 5000):
        found = decode_text(dice.randbytes(length))
        assert isinstance(found.text, str)
        assert 0 <= found.confidence <= 1
    assert decode_text(bytes(range(256)) * 4).confidence <= 0.5


def test_marks_far_into_a_file_are_seen() -> None:
    data = b"ma;so\n" * 60_000 + in_tcvn3(TABLE)
    assert detect_encoding(data)[0] == "tcvn3"
    assert decode_as(data, "tcvn3").endswith(TABLE)
