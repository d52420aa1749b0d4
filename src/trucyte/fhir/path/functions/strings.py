"""Functions of texts (FHIRPath 2.0 5.6). What a text can grow to is bounded."""

import base64
import binascii
import html
import json
from collections.abc import Callable, Mapping
from typing import Final

from trucyte.fhir.path.code import (
    Code,
    Compiler,
    Function,
    integer,
    of_run,
    scalar,
    text,
)
from trucyte.fhir.path.environment import TEXT_MAX, Scope
from trucyte.fhir.path.problems import PathEvaluation, PathTooCostly
from trucyte.fhir.path.regular.patterns import matches, matches_full, replace_matches
from trucyte.fhir.path.syntax.tree import Call
from trucyte.fhir.path.values import EMPTY, Items, system

_PARTS_MAX: Final = 1_000_000


def _substring(value: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(value):
        return None
    return value[start:] if length is None else value[start : start + max(length, 0)]


def _build_substring(compiler: Compiler, call: Call, before: Code) -> Code:
    """Compile `substring`; an empty length is as good as none."""
    focus = before.run
    start, *length = [compiler.code(argument).run for argument in call.arguments]

    def run(items: Items, scope: Scope) -> Items:
        value = text(focus(items, scope))
        begin = integer(start(scope.this, scope))
        count = integer(length[0](scope.this, scope)) if length else None
        if value is None or begin is None:
            return EMPTY
        return scope.made(_substring(value, begin, count))

    return of_run(run)


def _replace(value: str, pattern: str, substitution: str) -> str:
    places = value.count(pattern)
    if len(value) + places * len(substitution) > TEXT_MAX:
        raise PathTooCostly(reason="it would make too long a text")
    return value.replace(pattern, substitution)


def _many(function: Callable[..., list[str]], *, arguments: int) -> Function:
    """Shape a function from a text to texts."""

    def build(compiler: Compiler, call: Call, before: Code) -> Code:
        focus = before.run
        others = [compiler.code(argument).run for argument in call.arguments]

        def run(items: Items, scope: Scope) -> Items:
            value = text(focus(items, scope))
            values = [text(other(scope.this, scope)) for other in others]
            if value is None or None in values:
                return EMPTY
            if len(value) > _PARTS_MAX:
                raise PathTooCostly(reason="it would make too many items")
            made = function(value, *values)
            scope.charge(len(made) + len(value) // 32)
            return list(made)

        return of_run(run)

    return Function(arguments, arguments, build)


def _build_join(compiler: Compiler, call: Call, before: Code) -> Code:
    focus = before.run
    mark_of = compiler.code(call.arguments[0]).run if call.arguments else None

    def run(items: Items, scope: Scope) -> Items:
        values = [system(item) for item in focus(items, scope)]
        mark = (text(mark_of(scope.this, scope)) if mark_of else "") or ""
        words = [value for value in values if value is not None]
        if not words:
            return EMPTY
        if any(word.__class__ is not str for word in words):
            raise PathEvaluation(reason="join is for Strings")
        if sum(map(len, words)) + len(mark) * len(words) > TEXT_MAX:
            raise PathTooCostly(reason="it would make too long a text")
        return scope.made(mark.join(words))

    return of_run(run)


# --- Encoding ---------------------------------------------------------------------------


def _encode(value: str, form: str) -> str | None:
    data = value.encode("utf-8", "surrogatepass")
    match form:
        case "hex":
            return data.hex()
        case "base64":
            return base64.b64encode(data).decode()
        case "urlbase64":
            return base64.urlsafe_b64encode(data).decode()
    return None


def _decode(value: str, form: str) -> str | None:
    try:
        match form:
            case "hex":
                return bytes.fromhex(value).decode()
            case "base64":
                return base64.b64decode(value, validate=True).decode()
            case "urlbase64":
                return base64.b64decode(value, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    return None


def _escape(value: str, form: str) -> str | None:
    match form:
        case "html":
            return html.escape(value, quote=False).replace('"', "&quot;")
        case "json":
            return json.dumps(value, ensure_ascii=False)[1:-1]
    return None


def _unescape(value: str, form: str) -> str | None:
    match form:
        case "html":
            return html.unescape(value)
        case "json":
            return _unescape_json(value)
    return None


def _unescape_json(value: str) -> str | None:
    # What stands between quotes; a quote that is not escaped stands for itself.
    escaped = value.replace("\\\\", "\x00").replace('\\"', '"').replace('"', '\\"')
    try:
        made = json.loads('"' + escaped.replace("\x00", "\\\\") + '"', strict=False)
    except ValueError:
        return None
    return str(made)


STRINGS: Final[Mapping[str, Function]] = {
    "indexOf": scalar(str.find, text, text),
    "lastIndexOf": scalar(str.rfind, text, text),
    "substring": Function(1, 2, _build_substring),
    "startsWith": scalar(str.startswith, text, text),
    "endsWith": scalar(str.endswith, text, text),
    "contains": scalar(str.__contains__, text, text),
    "upper": scalar(str.upper, text),
    "lower": scalar(str.lower, text),
    "replace": scalar(_replace, text, text, text),
    "matches": scalar(matches, text, text, text, optional=1),
    "matchesFull": scalar(matches_full, text, text, text, optional=1),
    "replaceMatches": scalar(replace_matches, text, text, text, text, optional=1),
    "length": scalar(len, text),
    "toChars": _many(list, arguments=0),
    "encode": scalar(_encode, text, text),
    "decode": scalar(_decode, text, text),
    "escape": scalar(_escape, text, text),
    "unescape": scalar(_unescape, text, text),
    "trim": scalar(str.strip, text),
    "split": _many(lambda value, mark: value.split(mark) if mark else list(value), arguments=1),
    "join": Function(0, 1, _build_join),
}
