"""What the matching decides about two records, and how it says so."""

import pytest

from trucyte.shared.identity.matching.blocking import blocking_keys
from trucyte.shared.identity.matching.deciding import Decision, decide
from trucyte.shared.identity.matching.explaining import explain, words_of
from trucyte.shared.identity.matching.levels import COMPARISONS, compare
from trucyte.shared.identity.matching.model import ModelUnreadable, load_model, read_model
from trucyte.shared.identity.matching.person import Person, person_of, person_of_patient
from trucyte.shared.identity.matching.rules import RULES

HOA = {
    "name": "Nguyễn Thị Bích Hòa",
    "birth_date": "1985-03-07",
    "sex": "2",
    "personal_number": "001185000123",
    "phone": "0912 345 678",
    "address": "Số 5 phố Hàng Bông, Phường Hoàn Kiếm, Thành phố Hà Nội",
}


def decided(one: dict[str, str], other: dict[str, str]) -> Decision:
    model = load_model()
    left, right = person_of(one), person_of(other)
    return decide(left, right, model.weigh(left, right), model)


def but(**changed: str) -> dict[str, str]:
    return {**HOA, **changed}


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("Nguyễn Thị Bích Hoà", "exact"),
        ("NGUYEN THI BICH HOA", "without-marks"),
        ("Nguyễn Thị Bích Họa", "other-marks"),
        ("Bích Hòa Nguyễn Thị", "crossed"),
        ("Nguyễn Thị Bích Hoan", "typo"),
        ("Nguyễn Thị Bích Lan", "else"),
        ("", "missing"),
    ],
)
def test_a_given_name_has_levels(name: str, level: str) -> None:
    assert compare(person_of(HOA), person_of(but(name=name)))["given"] == level


@pytest.mark.parametrize(
    ("birth", "level"),
    [
        ("07/03/1985", "exact"),
        ("1985-07-03", "swapped"),
        ("1985-01-01", "year-known"),
        ("1985", "year-known"),
        ("1985-03-08", "one-digit"),
        ("1995-03-07", "one-digit"),
        ("1985-12-07", "part-slip"),
        ("1958-03-07", "other-year"),
        ("1985-11-22", "same-year"),
        ("1986-11-22", "near-year"),
        ("1955-11-22", "else"),
        ("1900-01-01", "missing"),
        ("2999-12-31", "missing"),
        ("yesterday", "missing"),
    ],
)
def test_a_birth_date_has_levels(birth: str, level: str) -> None:
    assert compare(person_of(HOA), person_of(but(birth_date=birth)))["birth"] == level


def test_one_number_and_one_name_are_one_person() -> None:
    found = decided(HOA, but(name="NGUYEN THI BICH HOA", phone="", address=""))
    assert (found.verdict, found.rules[0]) == ("sure", "same-personal-number")


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        ("two-given-names", {}, {"name": "Nguyễn Thị Bích Lan"}),  # twins
        ("newborn-and-other", {}, {"name": "CON BÀ TRẦN THỊ LỤA", "birth_date": "2024-02-02"}),
        ("parent-and-child", {}, {"birth_date": "2013-11-22"}),
    ],
)  # fmt: skip
def test_rules_part_who_is_alike(rule: str, one: dict[str, str], other: dict[str, str]) -> None:
    found = decided(but(personal_number="", **one), but(personal_number="", **other))
    assert (found.verdict, rule in found.rules) == ("different", True)


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        ("one-day-of-other-years", {"personal_number": ""},
         {"personal_number": "", "birth_date": "2015-03-07"}),  # a daughter of one name
        ("two-personal-numbers", {}, {"personal_number": "001185987654"}),
        ("newborn", {"name": "Con bà Trần Thị Lụa", "birth_date": "2024-02-02"},
         {"name": "Con bà Trần Thị Lụa", "birth_date": "2024-02-02"}),
        ("sexes-differ", {}, {"sex": "1", "name": "Nguyễn Bích Hòa", "personal_number": ""}),
        ("twins", {}, {"name": "Nguyễn Thị Bích Hoan", "personal_number": ""}),
        ("namesakes", {"personal_number": "", "phone": "", "address": "Hà Nội"},
         {"personal_number": "", "phone": ""}),
        ("namesakes", {"personal_number": ""},
         {"personal_number": "", "phone": "0987000111", "address": "Thôn 3, Xã Ba Vì, Hà Nội"}),
        ("other-middle-name", {"personal_number": ""},
         {"personal_number": "", "name": "Nguyễn Quỳnh Hòa"}),  # twins of one given name
        ("two-names-by-marks", {"name": "Nguyễn Bảo Hoài Trâm", "personal_number": ""},
         {"name": "Trầm Bảo Hoài Nguyễn", "personal_number": ""}),
        ("newborn", {"mother_name": "Nguyen Thi Bich Hoa"}, {}),  # under the mother's own name
        ("newborn", {"birth_date": "2024-02-02"},  # with the mother's number
         {"birth_date": "2024-02-02", "personal_number": ""}),
        ("name-without-marks", {"personal_number": ""}, {"name": "NGUYEN THI BICH HOA"}),
        ("name-without-marks", {"name": "Nguyen Thi Bich Hoa", "personal_number": ""},
         {"name": "Nguyen Thi Bich Hoa"}),
        ("name-without-marks", {"personal_number": ""}, {"name": "Hoa Bich Thi Nguyen"}),
        ("two-names-by-sound", {"personal_number": "", "name": "Nguyễn Bảo Phúc"},
         {"name": "Nguyễn Bảo Phước"}),
        ("other-middle-name", {"personal_number": ""}, {"name": "Nguyễn Hòa"}),
        ("other-middle-name", {"personal_number": ""}, {"name": "Nguyễn Thị Hòa"}),
        ("little-agrees", {"personal_number": "", "birth_date": "1985-03-09"},  # one phone
         {"personal_number": "", "address": "Thôn 3, Xã Ba Vì, Hà Nội"}),
        ("little-agrees", {"personal_number": "", "phone": "", "birth_date": "1985-03-09"},
         {"personal_number": "", "phone": ""}),  # in one house
        ("namesakes",  # the number of a hamlet is no address
         {"personal_number": "", "phone": "", "address": "Thôn 3, Xã Ba Vì, Hà Nội"},
         {"personal_number": "", "phone": "", "address": "Thôn 3, Xã Sóc Sơn, Hà Nội"}),
        ("two-insurance-numbers", {"social_number": "0123498765"},
         {"social_number": "0198761234", "personal_number": ""}),
    ],
)  # fmt: skip
def test_rules_hand_over_what_must_not_be_linked(
    rule: str, one: dict[str, str], other: dict[str, str]
) -> None:
    found = decided(but(**one), but(**other))
    assert (found.verdict, rule in found.rules) == ("unsure", True)


@pytest.mark.parametrize(
    "other",
    [{"phone": "0987000111", "address": ""}, {"phone": ""}, {"personal_number": "001185000124"}],
)
def test_name_and_birth_date_with_one_more_sign_need_no_look(other: dict[str, str]) -> None:
    """A phone, a house, or a number with a slip in it is the sign."""
    number = HOA["personal_number"] if "personal_number" in other else ""
    one = but(phone="0987000111", personal_number=number)
    found = decided(one, but(**{"phone": "0987000111", "personal_number": "", **other}))
    assert (found.verdict, found.rules) == ("sure", ())


def test_a_shared_dummy_number_makes_no_pair() -> None:
    keys = [
        blocking_keys(person_of({"personal_number": n})) for n in ("000000000000", "123456789012")
    ]
    assert keys == [(), ()]


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    model = load_model()

    def bits(name: str) -> float:
        person = person_of({"name": name})
        return model.weigh(person, person).weight_bits

    assert bits("Nguyễn Thị Hương") < bits("Thạch Mi Sa")


def test_a_patient_becomes_the_same_person_as_a_row() -> None:
    patient = {
        "identifier": [{"system": "http://fhir.hl7.org.vn/core/sid/cccd", "value": "001185000123"}],
        "name": [{"use": "official", "text": "Nguyễn Thị Bích Hòa"}],
        "birthDate": "1985-03-07",
        "gender": "female",
        "telecom": [{"system": "phone", "value": "0912345678"}],
        "address": [
            {"line": ["Số 5 phố Hàng Bông"], "city": "Phường Hoàn Kiếm", "state": "Hà Nội"}
        ],
    }  # fmt: skip
    assert person_of_patient(patient) == person_of(HOA)


@pytest.mark.parametrize(
    "patient",
    [{}, {"name": "x"}, {"name": [None, {"given": 3}]}, {"identifier": [{"value": {}}]},
     {"address": [{"line": "x", "city": 5}]}, {"birthDate": 5, "gender": None}],
)  # fmt: skip
def test_a_broken_patient_is_a_person_of_whom_little_is_known(patient: dict[str, object]) -> None:
    assert isinstance(person_of_patient(patient), Person)


def test_keys_say_their_block() -> None:
    keys = blocking_keys(person_of(HOA))
    assert "personal=001185000123" in keys
    assert all(key.partition("=")[1] for key in keys)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_level_and_rule_has_words_without_personal_text(language: str) -> None:
    told = " ".join(explain(decided(HOA, but(name="NGUYEN THI BICH HOA")), language))
    assert "Hòa" not in told and "001185000123" not in told

    for comparison in COMPARISONS:
        assert words_of("comparison", comparison.name, language)
        assert all(words_of("level", level, language) for level in comparison.names())
    assert all(words_of("rule", rule.name, language) for rule in RULES)


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b'{"form": 9}'])
def test_a_broken_model_is_refused(body: bytes) -> None:
    with pytest.raises(ModelUnreadable):
        read_model(body)
