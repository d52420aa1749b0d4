"""Names are taken apart, mended and folded; whatever is written, there is an answer."""

import unicodedata

import pytest

from trucyte.vietnam.people.keystrokes import from_telex, from_vni
from trucyte.vietnam.people.name import LENGTH_MAX, NOBODY, read_name
from trucyte.vietnam.people.syllable import is_syllable


@pytest.mark.parametrize(
    ("text", "family", "middle", "given"),
    [
        ("Nguyễn Văn Mẫu", "Nguyễn", ("Văn",), "Mẫu"),
        ("NGUYỄN THỊ MẪU", "Nguyễn", ("Thị",), "Mẫu"),
        ("nguyen van mau", "Nguyen", ("Van",), "Mau"),
        ("Trần Mẫu", "Trần", (), "Mẫu"),
        ("Mẫu", "", (), "Mẫu"),
        ("Tôn Nữ Thị Mẫu", "Tôn Nữ", ("Thị",), "Mẫu"),
        ("Công Tằng Tôn Nữ Mẫu", "Công Tằng Tôn Nữ", (), "Mẫu"),
        ("Tôn Thất", "Tôn", (), "Thất"),
        ("Nguyễn Trần Minh Mẫu", "Nguyễn Trần", ("Minh",), "Mẫu"),
        ("Nguyễn Lê Mẫu", "Nguyễn", ("Lê",), "Mẫu"),
        ("Bùi-Thị Mẫu", "Bùi", ("Thị",), "Mẫu"),
        ("Nguyễn, Văn Mẫu", "Nguyễn", ("Văn",), "Mẫu"),
        ("Lò Thị Pọm", "Lò", ("Thị",), "Pọm"),
        ("Thạch Sa Rươl", "Thạch", ("Sa",), "Rươl"),
        ("Giàng A Páo", "Giàng", ("A",), "Páo"),
        ("Nguyễn Thị Ý", "Nguyễn", ("Thị",), "Ý"),
    ],
)
def test_a_name_is_family_middle_given(
    text: str, family: str, middle: tuple[str, ...], given: str
) -> None:
    name = read_name(text)
    assert (name.family, name.middle, name.given) == (family, middle, given)
    assert not name.given_first


@pytest.mark.parametrize(
    ("text", "as_written_here"),
    [
        ("Mẫu Nguyễn", "Nguyễn Mẫu"),
        ("Văn Mẫu Nguyễn", "Nguyễn Văn Mẫu"),
        ("Mẫu Văn Nguyễn", "Nguyễn Văn Mẫu"),
        ("Lan Thi Nguyen", "Nguyen Thi Lan"),
        ("Mai Nguyễn", "Nguyễn Mai"),
        ("Y Thịnh Niê", "Niê Y Thịnh"),
        ("H'Hen Niê", "Niê H' Hen"),
        ("H’ Hen Niê", "Niê H' Hen"),
    ],
)
def test_another_order_is_seen(text: str, as_written_here: str) -> None:
    name = read_name(text)
    assert name.given_first
    assert name.text == as_written_here


@pytest.mark.parametrize(
    "text", ["Hoàng Ngọc Nguyên", "hoang ngoc nguyen", "Trần Thị Lê", "Phan Nguyễn", "Lê Trần"]
)
def test_a_family_name_as_given_name_stays_where_a_family_stands_first(text: str) -> None:
    assert not read_name(text).given_first


@pytest.mark.parametrize("apostrophe", ["'", "’", "ʼ", "`", "' "])
def test_the_mark_of_sex_is_one_word_however_it_is_joined(apostrophe: str) -> None:
    assert read_name(f"Ksor H{apostrophe}Nhan").skeleton == "ksor h nhan"
    assert read_name("Ksor H Nhan").skeleton == "ksor h nhan"


@pytest.mark.parametrize(
    ("text", "title", "saint", "nickname"),
    [
        ("BS. Trần Văn Mẫu", "Bs", "", ""),
        ("Ông Nguyễn Văn Mẫu", "Ông", "", ""),
        ("PGS.TS. Nguyễn Văn Mẫu", "Pgs Ts", "", ""),
        ("Maria Nguyễn Thị Mẫu", "", "Maria", ""),
        ("Gioan Baotixita Trần Văn Mẫu", "", "Gioan Baotixita", ""),
        ("Trần Văn Mẫu (Tèo)", "", "", "Tèo"),
        ("Trần Văn Mẫu thường gọi là Tèo", "", "", "Tèo"),
    ],
)
def test_what_stands_around_a_name_is_taken_off(
    text: str, title: str, saint: str, nickname: str
) -> None:
    name = read_name(text)
    assert (name.title, name.saint, name.nickname) == (title, saint, nickname)
    assert name.given == "Mẫu"
    assert name.family in ("Trần", "Nguyễn")


@pytest.mark.parametrize("text", ["Ông Ích Mẫu", "Bế Văn Mẫu", "Chu Đình Mẫu", "be thi mau"])
def test_a_family_name_that_is_a_title_elsewhere_stays(text: str) -> None:
    assert read_name(text).title == ""
    assert len(read_name(text).skeleton.split()) == 3


@pytest.mark.parametrize(
    ("text", "parent", "number"),
    [
        ("CON BÀ TRẦN THỊ MẪU", "Trần Thị Mẫu", ""),
        ("CB TRAN THI MAU", "Tran Thi Mau", ""),
        ("Con bà: Trần Thị Mẫu 2", "Trần Thị Mẫu", "2"),
        ("con thứ 2 bà Trần Thị Mẫu", "Trần Thị Mẫu", "2"),
        ("Bé trai con bà Trần Thị Mẫu", "Trần Thị Mẫu", ""),
        ("Con ông Trần Văn Mẫu", "Trần Văn Mẫu", ""),
    ],
)
def test_a_newborn_is_not_called_as_its_mother(text: str, parent: str, number: str) -> None:
    name = read_name(text)
    assert (name.newborn_of, name.newborn_number) == (parent, number)
    assert (name.family, name.middle, name.given) == ("", (), "")
    assert name.skeleton != read_name(parent).skeleton


@pytest.mark.parametrize("text", ["Con Văn Mẫu", "Cb", "Con bà"])
def test_a_name_that_only_begins_like_a_newborns_is_a_name(text: str) -> None:
    assert read_name(text).newborn_of == ""


@pytest.mark.parametrize("text", ["N.V.M", "N V M", "Nguyễn V. M.", "Nguyễn Văn M", "K"])
def test_initials_are_seen(text: str) -> None:
    assert read_name(text).is_initials


@pytest.mark.parametrize("text", ["Nguyễn Thị Ý", "Nguyễn Văn Mẫu", "Giàng A", ""])
def test_short_names_are_no_initials(text: str) -> None:
    assert not read_name(text).is_initials


@pytest.mark.parametrize(
    ("text", "meant", "how"),
    [
        ("Nguyeenx Thij Hoaf", "Nguyễn Thị Hòa", "telex"),
        ("NGUYEENX THIJ HOAF", "Nguyễn Thị Hòa", "telex"),
        ("nguyenex vawn ddwcs", "Nguyễn Văn Đức", "telex"),
        ("Phan Coong Thanhf", "Phan Công Thành", "telex"),
        ("Nguye6n4 Va8n D9u71c", "Nguyễn Văn Đức", "vni-keys"),
        ("Le6 Gia Linh", "Lê Gia Linh", "vni-keys"),
        ("NguyÔn V¨n Hång", "Nguyễn Văn Hồng", "tcvn3"),
        ("TRÇN THÞ HOA", "Trần Thị Hoa", "tcvn3"),
        ("Nguyeãn Vaên Huøng", "Nguyễn Văn Hùng", "vni"),
    ],
)
def test_what_a_keyboard_or_an_encoding_left_is_undone(text: str, meant: str, how: str) -> None:
    name = read_name(text)
    assert (name.text, name.repaired) == (meant, how)
    assert name.plain == read_name(meant).plain


@pytest.mark.parametrize(
    "text",
    ["Lee Min Ho", "Max Nguyễn", "Alex Ross", "Danh Thị Char", "Lâm H'Nhan", "Rơ Châm H'Lan"],
)
def test_names_of_others_are_not_mended(text: str) -> None:
    assert read_name(text).repaired == ""


def test_a_number_put_to_a_namesake_is_no_key() -> None:
    assert read_name("Nguyễn Thị Hoa2").plain == "nguyễn thị hoa"
    assert read_name("Nguyễn Thị Hoa 2").plain == "nguyễn thị hoa"


def test_the_layers_lose_more_and_more() -> None:
    name = read_name("HUỲNH THỊ MỸ THÚY")
    assert name.plain == "huỳnh thị mỹ thuý"
    assert name.skeleton == "huynh thi my thuy"
    assert name.sounds == "hoang thi mi thuy"
    assert name.marks
    assert not read_name("huynh thi my thuy").marks


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hoàng Văn Mẫu", "Huỳnh Văn Mẫu"),
        ("Vũ Văn Mẫu", "Võ Văn Mẫu"),
        ("Lý Văn Phúc", "Lí Văn Phước"),
        ("Trần Thị Phượng", "Trần Thị Phụng"),
        ("Trần Thị Quý", "Trần Thị Quí"),
    ],
)
def test_the_same_word_from_north_and_south_sounds_alike(one: str, other: str) -> None:
    assert read_name(one).sounds == read_name(other).sounds
    assert read_name(one).plain != read_name(other).plain


def test_forms_of_unicode_and_places_of_tones_meet() -> None:
    text = "Nguyễn Thị Hòa"
    assert read_name(unicodedata.normalize("NFD", text)) == read_name(text)
    assert read_name("Nguyễn Thị Hoà").plain == read_name(text).plain


@pytest.mark.parametrize("text", ["", " ", "...", "-", "()", "\u0301", "\x00", "\ufeff"])
def test_nothing_is_nobody(text: str) -> None:
    assert read_name(text) == NOBODY


@pytest.mark.parametrize("text", ["李小龙", "សុខ", "Иван Петров", "محمد"])
def test_other_scripts_are_kept_whole(text: str) -> None:
    name = read_name(text)
    assert (name.script, name.given, name.family) == ("other", text, "")


def test_a_long_name_is_cut_and_says_so() -> None:
    name = read_name("Nguyễn " * 500)
    assert name.cut
    assert len(name.text) <= LENGTH_MAX
    assert read_name("a\u0301" * 1500).cut
    assert not read_name("Nguyễn Văn Mẫu").cut


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ("nguyeenx", "nguyễn"), ("nguyenex", "nguyễn"), ("phuowng", "phương"),
        ("phuongw", "phương"), ("doox", "đỗ"), ("ddoox", "đỗ"), ("quys", "quý"),
        ("hwng", "hưng"), ("thuyr", "thủy"), ("alex", ""), ("ross", ""), ("", ""),
    ],
)  # fmt: skip
def test_telex(keys: str, word: str) -> None:
    assert from_telex(keys) == (word if keys != "doox" else "dỗ")


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ("nguye6n4", "nguyễn"), ("d9o64", "đỗ"), ("huo7ng", "hương"), ("d9u71c", "đức"),
        ("a9", ""), ("1a", ""), ("a12", ""), ("b8", ""),
    ],
)  # fmt: skip
def test_vni(keys: str, word: str) -> None:
    assert from_vni(keys) == word


@pytest.mark.parametrize("word", ["nguyễn", "quỳnh", "giếng", "gì", "nghĩa", "khuê", "hoa", "yến"])
def test_syllables(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["", "bcd", "nguyeenx", "càt", "hoòa", "ngiêm", "kà", "wáng"])
def test_no_syllables(word: str) -> None:
    assert not is_syllable(word)
