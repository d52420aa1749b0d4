"""Words as bad keyboards and old encodings leave them."""

import pytest

from trucyte.synth.dice import Dice
from trucyte.synth.population.name_damage import slipped
from trucyte.synth.population.scripts import (
    decomposed,
    tcvn3_bytes,
    telex,
    tone_moved,
    unaccented,
    vni_bytes,
    vni_typing,
)


@pytest.mark.parametrize(
    ("text", "bare", "keys", "digits"),
    [
        ("Nguyễn", "Nguyen", "Nguyeenx", "Nguye6n4"),
        ("Đường", "Duong", "Dduwowngf", "D9u7o7ng2"),
        ("Thị Thúy", "Thi Thuy", "Thij Thuys", "Thi5 Thuy1"),
        ("LÊ ÁNH", "LE ANH", "LEE ANHS", "LE6 ANH1"),
        ("Ý", "Y", "Ys", "Y1"),
        ("", "", "", ""),
    ],
)
def test_words_lose_their_marks_or_keep_their_keys(
    text: str, bare: str, keys: str, digits: str
) -> None:
    assert unaccented(text) == bare
    assert unaccented(decomposed(text)) != bare or not bare or text.isascii()
    assert telex(text) == keys
    assert vni_typing(text) == digits


@pytest.mark.parametrize(
    ("text", "vni", "tcvn3"),
    [
        ("Nguyễn", "Nguyeãn", "NguyÔn"),
        ("Thị Hiền", "Thò Hieàn", "ThÞ HiÒn"),
        ("Đặng Văn Tư", "Ñaëng Vaên Tö", "§Æng V¨n T\u00ad"),
        ("NGUYỄN", "NGUYEÃN", "NGUYÔN"),
        ("Mỹ Hưởng", "Myõ Höôûng", "Mü H\u00adëng"),
    ],
)
def test_old_fonts_read_as_latin_look_as_they_do(text: str, vni: str, tcvn3: str) -> None:
    assert vni_bytes(text) == vni
    assert tcvn3_bytes(text) == tcvn3
    for wrong in (vni, tcvn3):
        assert wrong.encode("latin-1")  # every letter is one byte


@pytest.mark.parametrize(
    ("one", "other"),
    [("Hòa", "Hoà"), ("Thúy", "Thuý"), ("Khỏe", "Khoẻ"), ("HÒA", "HOÀ"), ("Lan", "Lan")],
)
def test_tones_are_placed_by_either_school(one: str, other: str) -> None:
    assert tone_moved(one) == other
    assert tone_moved(other) == one


def test_the_u_of_qu_never_takes_the_tone() -> None:
    assert tone_moved("Quý Quà") == "Quý Quà"


@pytest.mark.parametrize("word", ["An", "Y", "Ý", "Hùng", "Thoòng", "H'Hen", "Aa", "Ee"])
def test_a_slip_changes_the_word_and_leaves_one(word: str) -> None:
    for number in range(300):
        made = slipped(Dice(1, 1, number), word, marked=number % 2 == 0)
        assert made
        assert made != word
        assert " " not in made


def test_the_old_byte_encoding_is_the_one_the_standard_has() -> None:
    letters = "ĂÂÊÔƠƯĐăâêôơưđàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ"
    places = [ord(tcvn3_bytes(letter)) for letter in letters]
    assert places == sorted(set(places))
    assert (places[0], places[-1], tcvn3_bytes("Thủ tướng")) == (0xA1, 0xFE, "Thñ t\u00adíng")
