from datetime import UTC, datetime, timedelta

import pytest

from trucyte.fhir.search.moments import moment_range

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# text, first moment, first moment after: a date is a day of Viet Nam
RANGES = [
    ("2024", "2023-12-31T17:00:00+00:00", "2024-12-31T17:00:00+00:00"),
    ("2024-02", "2024-01-31T17:00:00+00:00", "2024-02-29T17:00:00+00:00"),
    ("2023-12", "2023-11-30T17:00:00+00:00", "2023-12-31T17:00:00+00:00"),
    ("2024-02-29", "2024-02-28T17:00:00+00:00", "2024-02-29T17:00:00+00:00"),
    ("2024-02-29T08:30", "2024-02-29T01:30:00+00:00", "2024-02-29T01:31:00+00:00"),
    ("2024-02-29T08:30Z", "2024-02-29T08:30:00+00:00", "2024-02-29T08:31:00+00:00"),
    ("2024-02-29T08:30:05", "2024-02-29T01:30:05+00:00", "2024-02-29T01:30:06+00:00"),
    ("2024-02-29T08:30:05+07:00", "2024-02-29T01:30:05+00:00", "2024-02-29T01:30:06+00:00"),
    ("2024-02-29T08:30:05-05:30", "2024-02-29T14:00:05+00:00", "2024-02-29T14:00:06+00:00"),
    ("2024-02-29T08:30:05.1Z", "2024-02-29T08:30:05.1+00:00", "2024-02-29T08:30:05.2+00:00"),
    (
        "2024-02-29T08:30:05.123456789Z",
        "2024-02-29T08:30:05.123456+00:00",
        "2024-02-29T08:30:05.123457+00:00",
    ),
    ("0001-01-01", "0001-01-01T00:00:00+07:00", "0001-01-02T00:00:00+07:00"),
]


@pytest.mark.parametrize(("text", "low", "high"), RANGES)
def test_a_date_covers_what_its_precision_says(text: str, low: str, high: str) -> None:
    def count(moment: str) -> int:
        return (datetime.fromisoformat(moment) - EPOCH) // timedelta(microseconds=1)

    assert moment_range(text) == (count(low), count(high))


def test_the_last_year_ends() -> None:
    low, high = moment_range("9999")
    assert moment_range("9999-12-31") == (high - 86_400_000_000, high)
    assert moment_range("9999-12")[1] == high
    assert low < high


@pytest.mark.parametrize(
    "text",
    ["", "24", "2024-13", "2024-02-30", "2024-2-3", "2024-02-29T25:00", "2024-02-29T08",
     "2024-02-29T08:30:61", "0000", "٢٠٢٤", "2024-02-29 08:30", "2024-02-29T08:30+7", "x",
     "2024-02-29T08:30:05+99:00", "2024\n"],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment_range(text)


def test_a_leap_second_is_the_second_after() -> None:
    assert moment_range("2016-12-31T23:59:60Z")[0] == moment_range("2017-01-01T00:00:00Z")[0]
