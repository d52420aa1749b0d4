"""Weighing many against one leaves no pair that the whole weighing would have shown."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trucyte.shared.identity.matching.deciding import decide, resembles
from trucyte.shared.identity.matching.levels import COMPARISONS
from trucyte.shared.identity.matching.model import load_model
from trucyte.shared.identity.matching.person import person_of
from trucyte.shared.identity.matching.rules import RULES, SURE
from trucyte.shared.identity.matching.weighing import _ORDER, LINKING_NUMBERS, Scale

MODEL = load_model()
SCALE = Scale(MODEL)


def known(*values: str) -> st.SearchStrategy[str]:
    return st.sampled_from(("", *values))


people = st.fixed_dictionaries(
    {
        "name": known(
            "Nguyễn Văn An", "NGUYEN VAN AN", "Nguyễn Văn Ân", "An Văn Nguyễn", "Nguyễn Thị Lan",
            "Lê An", "Hoàng Vũ Kỳ", "Huỳnh Võ Kì", "Tôn Nữ Ngọc Quỳnh Giao", "N V A",
            "Con bà Lê Thị Hoa", "李", "Zzyx Qwv", "Nguyễn Văn Hùng", "Nguyễn Văn Hưng",
        ),
        "birth_date": known("1985-03-02", "1985-02-03", "1985", "1995-03-02", "1985-03-12",
                            "1986-03-02", "1960-07-09"),
        "sex": known("1", "2"),
        "personal_number": known("079085000123", "079085000124", "079190004567"),
        "identity_number": known("023456789", "023456780", "198765432"),
        "social_number": known("7912345678", "7912345679", "0198765432"),
        "passport": known("B1234567", "B1234568", "C7654321"),
        "phone": known("0912000111", "0912000112", "0987654321"),
        "address": known("Số 5, Phường Hoàn Kiếm, Hà Nội", "Số 7, Phường Hoàn Kiếm, Hà Nội",
                         "Thôn 3, Xã Ba Vì, Hà Nội", "12 Lê Lợi, Phường Sài Gòn, TP Hồ Chí Minh"),
        "mother_name": known("Lê Thị Hoa", "LE THI HOA", "Trần Thị Bích"),
        "birth_order": known("1", "2"),
    }
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(people, st.lists(people, min_size=1, max_size=4))
def test_what_is_weighed_to_the_end_weighs_the_same_and_what_is_left_resembles_nobody(
    asked: dict[str, str], others: list[dict[str, str]]
) -> None:
    person = person_of(asked)
    weighing = SCALE.of(person)
    for each in others:
        other = person_of(each)
        whole, found = MODEL.weigh(person, other), weighing.weigh(other)
        if found is None:
            decision = decide(person, other, whole, MODEL)
            assert decision.verdict == "different"
            assert not resembles(decision, MODEL)
        else:
            assert found == whole


def test_strangers_are_left_before_all_is_compared() -> None:
    common = {"birth_date": "1985-03-02", "sex": "1"}
    person = person_of({"name": "Nguyễn Văn An", "phone": "0912000111", **common})
    other = person_of({"name": "Nguyễn Quốc Dũng", "phone": "0987654321", **common})
    assert SCALE.of(person).weigh(other) is None


def test_every_comparison_is_weighed_once() -> None:
    assert sorted(_ORDER) == sorted(comparison.name for comparison in COMPARISONS)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.verdict == SURE])
def test_every_rule_that_links_asks_for_a_number_in_common(rule: Any) -> None:
    assert any(rule.levels.get(name) == {"exact"} for name in LINKING_NUMBERS)
