"""Two languages: chosen for each request, and neither lacks a word."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from trucyte.web import language

WEB = Path(language.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "marked": None}
METHODS = [("**.py", "python"), ("pages/**.html", "jinja2")]
OPTIONS = {
    "pages/**.html": {"extensions": "jinja2.ext.i18n,jinja2.ext.do", "newstyle_gettext": "true"}
}
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def spoken() -> Iterator[str | tuple[str, ...]]:
    """Every message in templates and code."""
    for _, _, message, _, _ in extract_from_dir(
        str(WEB), METHODS, options_map=OPTIONS, keywords=KEYWORDS
    ):
        yield message


def catalogue() -> dict[str, tuple[str, ...]]:
    with (language.CATALOGUES / "en/LC_MESSAGES/trucyte.po").open("rb") as file:
        messages = [message for message in read_po(file, locale="en") if message.id]
    return {
        message.id if isinstance(message.id, str) else message.id[0]: (
            (message.string,) if isinstance(message.string, str) else tuple(message.string)
        )
        for message in messages
    }


def test_english_lacks_no_message_and_keeps_none_that_is_gone() -> None:
    wanted = {one if isinstance(one, str) else one[0] for one in spoken()}
    known = catalogue()
    assert len(wanted) > 300
    assert sorted(wanted - known.keys()) == []
    assert sorted(known.keys() - wanted) == []
    assert [one for one, said in known.items() if not all(said)] == []


def test_a_counted_message_has_both_forms_in_english() -> None:
    known = catalogue()
    counted = {one[0] for one in spoken() if isinstance(one, tuple)}
    assert counted
    assert [one for one in counted if len(known[one]) != 2] == []


def test_a_translation_fills_the_same_places() -> None:
    for message, said in catalogue().items():
        for form in said:
            assert set(PLACEHOLDER.findall(form)) == set(PLACEHOLDER.findall(message)), message


def test_nobody_is_shouted_at() -> None:
    for message, said in catalogue().items():
        assert "!" not in message + "".join(said)


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        (None, None, "", "vi"),
        (None, None, "en-GB,en;q=0.9,vi;q=0.5", "en"),
        (None, None, "fr-FR,fr;q=0.9", "vi"),
        (None, "en", "vi-VN", "en"),
        ("vi", "en", "en", "vi"),
        ("<script>", "../..", "en", "en"),
    ],
)
def test_the_language_is_asked_for_remembered_or_the_browsers(
    asked: str | None, remembered: str | None, accepted: str, chosen: str
) -> None:
    assert language.chosen_language(asked, remembered, accepted) == chosen


def test_vietnamese_is_the_source() -> None:
    assert language.translations("vi").gettext("Hôm nay") == "Hôm nay"
    assert language.translations("en").gettext("Hôm nay") == "Today"
    assert language.translations("en").ngettext("hồ sơ", "hồ sơ", 2) == "visits"
