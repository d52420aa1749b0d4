import pytest

from trucyte.database.queries import parse_queries


def test_a_query_begins_at_its_name_and_keeps_its_comments() -> None:
    text = "-- About this file.\n\n-- first\n-- Why it is so.\nselect 1\n\n-- second\nselect 2\n"
    assert parse_queries(text) == {
        "first": "-- Why it is so.\nselect 1",
        "second": "select 2",
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("-- one\nselect 1\n-- one\nselect 2", "doubled"),
        ("select 1\n-- one\nselect 2", "before the first name"),
        ("-- one\n-- Only a comment.\n", "without SQL"),
    ],
)
def test_a_file_that_cannot_be_meant_is_a_defect_at_load(text: str, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        parse_queries(text)
