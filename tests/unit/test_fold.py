import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trucyte.fhir.search import fold

NAMES = ["Nguyễn Thị Đào", "Trần Văn Ươm", "Lê Quỳnh Như", "Đặng Hữu Phước", "Ỷ Lan"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_folds_alike_with_and_without_its_marks(name: str) -> None:
    decomposed = unicodedata.normalize("NFD", name)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    bare = bare.replace("đ", "d").replace("Đ", "D")
    assert bare.isascii()
    assert fold(name) == fold(decomposed) == fold(bare) == fold(name.upper()) == bare.lower()


def test_spaces_fold_to_one() -> None:
    assert fold("  Nguyễn\u00a0 Văn\tAn ") == "nguyen van an"


def test_letters_that_mean_something_else_stay_apart() -> None:
    assert fold("Đào") != fold("Bào")
    assert fold("An") != fold("Ân Xuân")


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
