import io
import json
import logging
from collections.abc import Iterator

import pytest

from trucyte.base.tracing import Event, write_logs

TAKEN = Event("test.file-taken", visits=int, seconds=float, rule=str)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    level = logging.getLogger().level
    handler = write_logs(stream)
    yield stream
    logging.getLogger().removeHandler(handler)
    logging.getLogger().setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_its_fields(stream: io.StringIO) -> None:
    TAKEN.log(visits=3, seconds=1, rule="gw-101")
    (line,) = lines(stream)
    assert line.pop("time")
    assert line == {
        "level": "info",
        "event": "test.file-taken",
        "visits": 3,
        "seconds": 1,
        "rule": "gw-101",
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"visits": 3, "seconds": 1.0},
        {"visits": 3, "seconds": 1.0, "rule": "a", "name": "b"},
        {"visits": "3", "seconds": 1.0, "rule": "a"},
        {"visits": True, "seconds": 1.0, "rule": "a"},
        {"visits": 3, "seconds": 1.0, "rule": "Nguyễn Văn Mẫu"},
        {"visits": 3, "seconds": 1.0, "rule": "079123456789"},
        {"visits": 3, "seconds": 1.0, "rule": "a\nb"},
    ],
)
def test_what_the_table_does_not_name_is_refused(
    stream: io.StringIO, fields: dict[str, int | float | str]
) -> None:
    with pytest.raises(AssertionError):
        TAKEN.log(**fields)
    assert stream.getvalue() == ""


def test_values_that_other_libraries_put_into_their_messages_are_left_out(
    stream: io.StringIO,
) -> None:
    logging.getLogger("other.library").warning("cannot read %s", "Nguyễn Văn Mẫu")
    try:
        raise ValueError("Nguyễn Văn Mẫu")
    except ValueError:
        logging.getLogger("other.library").exception("it failed")
    first, second = lines(stream)
    assert first["text"] == "cannot read %s"
    assert second["exception"] == "ValueError"
    assert "Mẫu" not in stream.getvalue()
