"""Overlong runs of marks cost no more than other text."""

import unicodedata
from collections.abc import Callable

import pytest

from trucyte.base import normal_form as module
from trucyte.base.normal_form import normal_form
from trucyte.fhir.search.fold import fold as search_fold
from trucyte.intake.claims.mapping.lexical import clean_text
from trucyte.vietnam.people import fold
from trucyte.vietnam.sensitivity import fold as trigger_fold

RUN = "a" + "\u0301\u0323" * 100_000 + "b"


@pytest.mark.parametrize(
    "work",
    [
        fold.composed,
        fold.plain,
        fold.folded,
        fold.given_name,
        search_fold,
        trigger_fold,
        clean_text,
    ],
)
def test_no_run_of_marks_reaches_the_sorting(
    work: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = unicodedata.normalize

    def short_only(form: str, text: str) -> str:
        assert len(text) < 1000, "the square of this would be sorted"
        return real(form, text)

    monkeypatch.setattr(module.unicodedata, "normalize", short_only)
    work(RUN)


def test_text_of_a_language_is_normalised_as_ever() -> None:
    for form in ("NFC", "NFD"):
        for text in ("Nguyễn Thị Ánh", "Đặng Thuỳ", "plain", ""):
            assert normal_form(form, text) == unicodedata.normalize(form, text)
