"""Logs without people in them: events from a table, with typed fields, as JSON lines.

An `Event` names its fields and their types once; a field that it does not name, a value
of another type, or a text that is not a short code is refused where it is logged. What
other libraries log is written as their fixed text only, without the values they put in.
"""

import json
import logging
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TextIO

Field = type[int] | type[float] | type[bool] | type[str]

# Texts are codes (rule numbers, states, event kinds). No spaces, no capitals, not all digits:
# a name, a number of a person or a line of a file does not pass by accident.
_CODE: Final = re.compile(r"[a-z][a-z0-9._-]{0,63}")


class Event:
    """One kind of thing worth a log line."""

    __slots__ = ("_logger", "fields", "level", "name")

    def __init__(self, name: str, level: int = logging.INFO, /, **fields: Field) -> None:
        """Name the event as `package.what-happened` and give the type of each field."""
        assert _CODE.fullmatch(name) and "." in name, f"not an event name: {name!r}"
        self.name = name
        self.level = level
        self.fields: Mapping[str, Field] = fields
        self._logger = logging.getLogger(f"trucyte.{name.partition('.')[0]}")

    def log(self, **values: int | float | bool | str) -> None:
        """Write one line; every field of the table must be there, and no other."""
        assert values.keys() == self.fields.keys(), f"{self.name} takes {sorted(self.fields)}"
        for field, value in values.items():
            _check_value(self.name, field, self.fields[field], value)
        if self._logger.isEnabledFor(self.level):
            self._logger.log(self.level, self.name, extra={"trucyte_fields": values})


def _check_value(event: str, field: str, kind: Field, value: object) -> None:
    """Refuse a value that is not of the table's type, or a text that is not a code."""
    right = type(value) is kind or (kind is float and type(value) is int)
    assert right, f"{event}.{field} takes {kind.__name__}"
    if isinstance(value, str):
        assert _CODE.fullmatch(value), f"{event}.{field} takes a short code"


class Span(Protocol):
    """One piece of work while it runs."""

    def mark(self, **values: int | float | bool | str) -> None:
        """Say something of the work; a text is a short code, as in logs."""
        ...


class Spans(Protocol):
    """Where the time of a request goes, for whoever traces requests through many systems."""

    def span(self, name: str, *, parent: str = "") -> AbstractContextManager[Span]:
        """Time the block as `name`; `parent` is the caller's traceparent (W3C Trace Context)."""
        ...


class NoSpans:
    """Spans of a node that nobody traces."""

    @contextmanager
    def span(self, name: str, *, parent: str = "") -> Iterator[Span]:
        """Time nothing."""
        yield _NO_SPAN


class _NoSpan:
    def mark(self, **values: int | float | bool | str) -> None:
        """Say nothing."""


_NO_SPAN: Final = _NoSpan()


def check_mark(name: str, value: float | str) -> None:
    """Refuse what must not stand in a span: a text that is not a short code."""
    assert not isinstance(value, str) or _CODE.fullmatch(value), f"{name} takes a short code"


class JsonLines(logging.Formatter):
    """Format a record as one line of JSON: time, level, event, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; an exception gives its kind and places, never its text."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        fields = getattr(record, "trucyte_fields", None)
        if fields is None:
            line |= {"event": "other.message", "logger": record.name, "text": str(record.msg)[:200]}
        else:
            line |= {"event": record.msg, **fields}
        if record.exc_info and record.exc_info[0]:
            line |= _exception(record.exc_info[0], record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)


def _exception(kind: type[BaseException], trace: Any) -> dict[str, Any]:
    places = traceback.extract_tb(trace)[-12:]
    return {
        "exception": kind.__qualname__,
        "places": [f"{place.name}:{place.lineno}" for place in places],
    }


def write_logs(stream: TextIO, *, level: int = logging.INFO) -> logging.Handler:
    """Send every log line of this process to `stream` as JSON; return the handler made.

    The caller removes the handler when it is done with the stream.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level)
    return handler
