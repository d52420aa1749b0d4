"""What headers say is read strictly where guessing would do harm."""

from datetime import UTC, datetime

import pytest

from trucyte.web.api.asgi import NotAcceptable
from trucyte.web.api.headers import (
    BadHeader,
    Media,
    Prefer,
    answer_media,
    language_of,
    media_of,
    names_version,
    read_date,
    read_if_match,
    read_prefer,
)


@pytest.mark.parametrize(
    ("format_asked", "accept", "expected"),
    [
        ("", "", Media.JSON),
        ("", "*/*", Media.JSON),
        ("", "application/fhir+xml", Media.XML),
        ("", "application/fhir+xml;q=0.5, application/fhir+json;q=0.9", Media.JSON),
        ("", "application/fhir+xml;q=0.9, application/json;q=0.1", Media.XML),
        ("", "application/fhir+json;q=0, application/fhir+xml;q=0.001", Media.XML),
        ("", "text/turtle, application/xml", Media.XML),
        ("", "text/turtle, */*;q=0.1", Media.JSON),
        ("", "application/fhir+json; fhirVersion=4.0", Media.JSON),
        ("", "application/fhir+json;fhirVersion=5.0, text/xml;q=0.2", Media.XML),
        ("", "APPLICATION/FHIR+XML", Media.XML),
        ("", "text/html,application/xhtml+xml,application/xml;q=0.9", Media.JSON),
        ("xml", "application/fhir+json", Media.XML),
        ("json", "application/fhir+xml", Media.JSON),
        ("application/fhir xml", "", Media.XML),  # a plus sign that nobody escaped
        ("application/fhir+xml", "", Media.XML),
        ("text/xml; charset=utf-8", "", Media.XML),
    ],
)
def test_the_format_is_what_format_asks_else_what_accept_likes_best(
    format_asked: str, accept: str, expected: Media
) -> None:
    assert answer_media(format_asked, accept) is expected


@pytest.mark.parametrize(
    ("format_asked", "accept"),
    [
        ("ttl", ""),
        ("ttl", "application/fhir+json"),
        ("application/json-patch+json", ""),
        ("", "text/turtle"),
        ("", "application/fhir+json;fhirVersion=3.0"),
        ("", "application/fhir+json;q=0"),
    ],
)
def test_a_format_that_is_not_there_is_refused(format_asked: str, accept: str) -> None:
    with pytest.raises(NotAcceptable):
        answer_media(format_asked, accept)


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ('W/"3"', 3), ('"3"', 3), (' W/"12" ', 12)],
)
def test_an_if_match_names_one_version(header: str | None, expected: int | None) -> None:
    assert read_if_match(header) == expected


@pytest.mark.parametrize("header", ["", "3", "*", 'W/"x"', 'W/"1", W/"2"', 'W/"٣"', 'w/"1"'])
def test_an_if_match_that_cannot_be_read_is_refused_not_passed_over(header: str) -> None:
    with pytest.raises(BadHeader):
        read_if_match(header)


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, False), ('W/"1"', True), ('W/"2"', False), ('W/"2", "1"', True), ("*", True)],
)
def test_an_if_none_match_names_versions(header: str | None, expected: bool) -> None:
    assert names_version(header, 1) is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Prefer()),
        ("return=minimal", Prefer("minimal")),
        ("return=OperationOutcome", Prefer("OperationOutcome")),
        ('return="minimal"; handling=lenient', Prefer("minimal", is_lenient=True)),
        ("respond-async, return=minimal", Prefer("minimal", is_async=True)),
        ("return=something", Prefer()),
        ("return=representation", Prefer("representation")),
        ("return=minimal, return=representation", Prefer("minimal")),  # the first one counts
        (";;,,==", Prefer()),
    ],
)
def test_preferences_are_read_and_others_passed_over(header: str, expected: Prefer) -> None:
    assert read_prefer(header) == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "vi"),
        ("en", "en"),
        ("fr, en;q=0.5", "en"),
        ("en;q=0.5, vi", "vi"),
        ("vi;q=0.1, en-GB;q=0.2", "en"),
        ("fr", "vi"),
    ],
)
def test_the_language_is_the_one_liked_best(header: str, expected: str) -> None:
    assert language_of(header) == expected


def test_dates_and_media_that_cannot_be_read_are_none() -> None:
    assert read_date("Sun, 22 Nov 2026 02:12:00 GMT") == datetime(2026, 11, 22, 2, 12, tzinfo=UTC)
    assert read_date("tomorrow") is None
    assert read_date("Sun, 99 Nov 99999 02:12:00 GMT") is None
    assert media_of("application/fhir+json; charset=utf-8") is Media.JSON
    assert media_of("") is Media.NONE
    assert media_of("text/plain") is Media.OTHER
