"""Reading of names, numbers, addresses and bytes: never raises, loses nothing, is stable."""

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from trucyte.vietnam.numbers import read_number
from trucyte.vietnam.numbers.number import KINDS
from trucyte.vietnam.people.encodings import decode_text
from trucyte.vietnam.people.frequencies import draw_minority_name, draw_name, load_names
from trucyte.vietnam.people.name import LENGTH_MAX, read_name
from trucyte.vietnam.people.syllable import bare, is_syllable, split_tone, with_tone
from trucyte.vietnam.places import read_address, successors
from trucyte.vietnam.places.history import FORMER_TO, load_history

CHANCES = st.floats(0, 0.999)


@st.composite
def names(draw: st.DrawFn) -> str:
    """A clean name, of the Kinh or of another people."""
    sex = draw(st.sampled_from("12"))
    if draw(st.integers(0, 4)) == 0:
        people = draw(st.sampled_from(sorted(load_names().minority)))
        return draw_minority_name(lambda: draw(CHANCES), ethnicity=people, sex=sex, family=None)
    surname = draw(st.sampled_from(load_names().surnames.words))
    year = draw(st.integers(1930, 2026))
    return draw_name(lambda: draw(CHANCES), sex=sex, birth_year=year, surname=surname)


@st.composite
def former_communes(draw: st.DrawFn) -> str:
    history = load_history()
    codes = [
        one.code
        for one in history.former.values()
        if one.level == "commune" and one.valid_to == FORMER_TO
    ]
    return draw(st.sampled_from(codes))


@settings(deadline=None)  # the first reading loads the tables
@given(names())
def test_a_clean_name_is_never_mended(name: str) -> None:
    for written in (name, name.upper(), bare(name.lower()), name.lower()):
        read = read_name(written)
        assert read.repaired == ""
        words = sorted(read.text.replace("' ", "'").lower().split())
        assert words == sorted(written.lower().split())


@settings(deadline=None)  # the first reading loads the tables
@given(names())
def test_however_a_name_is_written_its_layers_are_the_same(name: str) -> None:
    read = read_name(name)
    for written in (name.upper(), unicodedata.normalize("NFD", name), f"  {name}  "):
        other = read_name(written)
        assert (other.plain, other.skeleton, other.sounds) == (
            read.plain,
            read.skeleton,
            read.sounds,
        )
    assert read_name(bare(name.lower())).skeleton == read.skeleton


@settings(deadline=None)  # the first reading loads the tables
@given(names())
def test_reading_what_was_read_changes_nothing(name: str) -> None:
    once = read_name(name)
    twice = read_name(once.text)
    assert twice.text == once.text
    assert (twice.plain, twice.skeleton, twice.sounds) == (once.plain, once.skeleton, once.sounds)


@settings(deadline=None)  # the first reading loads the tables
@given(st.text(max_size=400))
def test_any_text_is_a_name_with_an_answer(text: str) -> None:
    name = read_name(text)
    assert name.cut == (len(text) > LENGTH_MAX)
    assert name.plain == " ".join(name.plain.split())
    assert bare(name.skeleton) == name.skeleton or name.script == "other"


@settings(deadline=None)  # the first reading loads the tables
@given(st.text(alphabet="nguyễễnNGUYENôơâ123456789 sfrxjwd'.-(), Cbàế", max_size=60))
def test_text_that_is_nearly_a_name_has_an_answer(text: str) -> None:
    read_name(text)


@settings(deadline=None)  # the first reading loads the tables
@given(st.text(max_size=60), st.sampled_from(["", *KINDS]))
def test_any_text_is_a_number_with_an_answer(text: str, expected: str) -> None:
    number = read_number(text, expected=expected)
    assert number.kind in ("", *KINDS)
    assert number.usable == (number.why == "")
    if number.usable and number.kind != "birth":
        again = read_number(number.value, expected=number.kind)
        assert (again.kind, again.value) == (number.kind, number.value)


@settings(deadline=None)  # the first reading loads the tables
@given(st.text(max_size=400))
def test_any_text_is_an_address_with_an_answer(text: str) -> None:
    found = read_address(text)
    assert 0 <= found.confidence <= 1
    assert (found.commune is None) or found.communes == (found.commune.code,)


@settings(deadline=None)  # the first reading loads the tables
@given(former_communes(), st.booleans())
def test_an_address_in_full_leads_where_its_commune_went(code: str, is_bare: bool) -> None:
    history = load_history()
    commune = history.former[code]
    district, province = history.former[commune.parent], history.former[commune.province]
    text = f"Thôn 1, {commune.name}, {district.name}, {province.name}"
    found = read_address(bare(text.lower()) if is_bare else text)
    went = {one.unit.code for one in successors(code)}
    likely = {*found.communes} | {
        heir.unit.code
        for other in found.candidates
        if other.commune
        for heir in successors(other.commune.code)
    }
    assert went <= likely if is_bare else went == {*found.communes}


@settings(deadline=None)  # the first reading loads the tables
@given(st.binary(max_size=300))
def test_any_bytes_are_text(data: bytes) -> None:
    text, encoding, confidence = decode_text(data)
    assert unicodedata.is_normalized("NFC", text)
    assert encoding
    assert 0 <= confidence <= 1


@settings(deadline=None)  # the first reading loads the tables
@given(names())
def test_a_tone_taken_off_and_put_back_is_the_same_syllable(name: str) -> None:
    for word in name.lower().split():
        if is_syllable(word):
            base, tone = split_tone(word)
            assert is_syllable(with_tone(base, tone))
            assert split_tone(with_tone(base, tone)) == (base, tone)
