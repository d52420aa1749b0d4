"""Charts: true to their numbers, safe with any words, silent without data."""

import math
import re

import pytest
from lxml import etree

from trucyte.web import charts
from trucyte.web.charts import Bar, Point


def drawn(markup: str) -> etree._Element:
    return etree.fromstring(str(markup))


def heights(markup: str) -> list[float]:
    return [float(bar.get("height")) for bar in drawn(markup).iter("rect")]


def test_bars_begin_at_zero_and_are_in_proportion() -> None:
    found = heights(charts.bars([Bar("a", 50, "50"), Bar("b", 100, "100")], "hai cột"))
    assert found[1] == pytest.approx(2 * found[0])


def test_only_the_highest_bar_carries_its_number() -> None:
    chart = drawn(charts.bars([Bar("a", 1, "một"), Bar("b", 2, "hai")], "cột"))
    assert [t.text for t in chart.iter("text") if t.get("class") == "label"] == ["hai"]


def test_bars_of_nothing_are_flat_and_do_not_divide_by_zero() -> None:
    assert all(height <= 1 for height in heights(charts.bars([Bar("a", 0, "0")] * 3, "không")))
    assert charts.bars([], "trống") == ""


@pytest.mark.parametrize("values", [[], [1.0], [math.nan, 2.0], [math.inf, 1.0]])
def test_a_course_needs_two_numbers(values: list[float]) -> None:
    assert charts.sparkline(values, "diễn biến") == ""


def test_a_flat_course_is_a_level_line() -> None:
    points = re.search(r'points="([^"]+)"', charts.sparkline([5, 5, 5], "phẳng"))
    assert points and len({place.split(",")[1] for place in points[1].split()}) == 1


@pytest.mark.parametrize(
    ("value", "low", "high", "is_out"),
    [(88, 62, 106, False), (3.1, 3.5, 5.1, True), (7.9, None, 6.5, True), (9, 5, None, False)],
)
def test_a_value_outside_its_range_is_marked(value, low, high, is_out: bool) -> None:
    point = next(drawn(charts.value_range(value, low, high, "giá trị")).iter("circle"))
    assert ("is-out" in point.get("class")) == is_out


def test_a_value_far_outside_stays_within_the_drawing() -> None:
    point = next(drawn(charts.value_range(1e9, 1, 2, "xa")).iter("circle"))
    assert 0 <= float(point.get("cx").rstrip("%")) <= 100


@pytest.mark.parametrize(("low", "high"), [(None, None), (5, 5), (6, 5), (None, 0)])
def test_without_a_range_there_is_nothing_to_draw(low: float | None, high: float | None) -> None:
    assert charts.value_range(1, low, high, "không") == ""


def test_a_line_shows_its_band_and_alarms() -> None:
    points = [Point("1", 3, 2, 4), Point("2", 9, 2, 5, is_alarm=True)]
    chart = drawn(charts.line(points, "ca bệnh", name="9 ca"))
    kinds = [element.get("class") for element in chart.iter() if element.get("class")]
    assert "band" in kinds and kinds.count("alarm") == 1
    assert charts.line(points[:1], "một điểm") == ""


def test_words_in_a_chart_cannot_become_markup() -> None:
    hostile = '"><script>alert(1)</script>'
    for chart in (
        charts.bars([Bar(hostile, 1, hostile)], hostile),
        charts.line([Point(hostile, 1), Point(hostile, 2)], hostile, name=hostile),
        charts.sparkline([1, 2], hostile),
        charts.value_range(1, 0.5, 2, hostile),
    ):
        assert "<script" not in chart
        drawn(chart)
