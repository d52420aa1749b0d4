"""Views over what the node holds: `$viewdefinition-run` of SQL-on-FHIR v2, streamed.

R4 has no ViewDefinition, so the operation is at the system's level (the specification's R4
mode); below `ViewDefinition` it answers too, also by the name `$run` of earlier drafts.
Views that are referred to are files of the operator's.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.exact import write_exact
from trucyte.fhir.parse import parse
from trucyte.fhir.search.moments import moment_range
from trucyte.insight.views.formats import Format
from trucyte.insight.views.served import Asked, ViewRunner
from trucyte.records.gate import Records
from trucyte.shared.terminology.operations.given import (
    Given,
    ParameterRefused,
)
from trucyte.web.api.asgi import Answer, NotAcceptable
from trucyte.web.api.call import FhirCall
from trucyte.web.api.headers import media_types
from trucyte.web.api.operations.asked import BOTH, BodyNeeded, given_of
from trucyte.web.api.operations.table import Level, Operation
from trucyte.web.api.pairs import read_pairs

DEFINITION: Final = "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KNOWN: Final = {
    "_format": "text", "header": "boolean", "viewReference": "reference",
    "viewResource": "resource", "patient": "references", "group": "references",
    "_since": "date", "_limit": "integer", "resource": "resources", "source": "no",
}  # fmt: skip
_JSON: Final = "json"
_FORMATS: Final[Mapping[str, Format | str]] = {
    "json": _JSON, "application/json": _JSON, "application/fhir+json": _JSON,
    "ndjson": Format.NDJSON, "application/x-ndjson": Format.NDJSON,
    "application/ndjson": Format.NDJSON, "application/fhir+ndjson": Format.NDJSON,
    "csv": Format.CSV, "text/csv": Format.CSV,
    "parquet": Format.PARQUET, "application/vnd.apache.parquet": Format.PARQUET,
}  # fmt: skip
_MEDIA: Final[Mapping[Format | str, str]] = {
    _JSON: "application/json", Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv; charset=utf-8", Format.PARQUET: "application/vnd.apache.parquet",
}  # fmt: skip
_ANY: Final = frozenset({"*/*", "application/*", "text/html", "application/xhtml+xml"})
_REFERENCE: Final = re.compile(r"(?:ViewDefinition/)?([A-Za-z0-9.-]{1,64})")
_PERSON: Final = re.compile(r"(?:Patient/)?([A-Za-z0-9.-]{1,64})")
_GROUP: Final = re.compile(r"(?:Group/)?([A-Za-z0-9.-]{1,64})")

Views = Callable[[str], bytes | None]


class ViewUnknown(Problem):
    """This node has no view of that name."""

    kind = Kind.NOT_FOUND
    code = "view-unknown"


def view_operations(runner: ViewRunner, records: Records, views: Views) -> Sequence[Operation]:
    """Return the rows; `views` gives a view of the operator's by its name."""
    running = _Running(runner, records, views)
    below = frozenset({Level.TYPE, Level.INSTANCE})
    places = (
        ("viewdefinition-run", frozenset({Level.SYSTEM})),
        ("viewdefinition-run", below),
        ("run", below),
    )
    return [
        Operation(
            name=name,
            levels=levels,
            types=frozenset({"ViewDefinition"}),
            methods=BOTH,
            affects_state=False,
            definition=DEFINITION,
            handler=running.run,
            documentation="json, ndjson, csv and parquet; also at ViewDefinition/$run.",
            writes_own=True,
        )
        for name, levels in places
    ]


class _Running:
    """Answers calls."""

    def __init__(self, runner: ViewRunner, records: Records, views: Views) -> None:
        self._runner = runner
        self._records = records
        self._views = views

    def run(self, call: FhirCall) -> Answer:
        """Answer one call, its rows as they are made."""
        given = given_of(call, _KNOWN, "viewResource")
        form = _form(call, given)
        resources = given.jsons("resource")
        asked = Asked(
            view=self._view(call, given),
            form=Format.NDJSON if isinstance(form, str) else form,
            as_array=form == _JSON,
            with_header=given.flag("header") is not False,
            limit=_limit(given),
            patients=self._patients(call, given),
            since=_since(given),
            resources=[write_exact(dict(one)) for one in resources] if resources else None,
        )
        return Answer(200, self._runner.run(call.access, asked), _MEDIA[form])

    def _view(self, call: FhirCall, given: Given) -> bytes:
        resource, reference = given.json("viewResource"), given.text("viewReference")
        named = [name for name in (call.id, reference) if name]
        if resource is not None and not named:
            return write_exact(dict(resource))
        if len(named) != 1 or resource is not None:
            if named:
                raise ParameterRefused(name="viewReference", reason="one view is run at a time")
            raise BodyNeeded(expected="viewResource")
        found = _REFERENCE.fullmatch(named[0])
        view = self._views(found[1]) if found else None
        if view is None:
            raise ViewUnknown
        return view

    def _patients(self, call: FhirCall, given: Given) -> Sequence[str] | None:
        """Return whose resources are wanted: of patients, and of members of groups."""
        groups = given.texts("group")
        if not groups and not given.texts("patient"):
            return None
        found = [f"Patient/{_id(_PERSON, one, 'patient')}" for one in given.texts("patient")]
        for one in groups:
            group = self._records.read(call.access, "Group", _id(_GROUP, one, "group"))
            members = parse(group.body).get("member", ())
            named = (m.get("entity", {}).get("reference", "") for m in members)
            found += [name for name in named if name.startswith("Patient/")]
        return list(dict.fromkeys(found))


def _form(call: FhirCall, given: Given) -> Format | str:
    """Return what rows are written as: `_format`, else what `Accept` likes best, else NDJSON."""
    in_address = [value for name, value in read_pairs(call.query) if name == "_format"]
    asked = given.text("_format") or (in_address[-1] if in_address else "")
    if asked:
        named = asked.replace(" ", "+").partition(";")[0].strip().lower()
        if named not in _FORMATS:
            raise NotAcceptable
        return _FORMATS[named]
    liked = sorted(media_types(call.headers.get("accept", "")), key=lambda one: -one[1])
    for name, quality in liked:
        if quality > 0 and name in _FORMATS:
            return _FORMATS[name]
        if quality > 0 and name in _ANY:
            return Format.NDJSON
    if liked:
        raise NotAcceptable
    return Format.NDJSON


def _limit(given: Given) -> int | None:
    limit = given.number("_limit")
    if limit is not None and limit < 0:
        raise ParameterRefused(name="_limit", reason="not negative")
    return limit


def _since(given: Given) -> datetime | None:
    text = given.text("_since")
    try:
        return _EPOCH + timedelta(microseconds=moment_range(text)[0]) if text else None
    except (ValueError, OverflowError):
        raise ParameterRefused(name="_since", reason="not an instant") from None


def _id(pattern: re.Pattern[str], text: str, name: str) -> str:
    found = pattern.fullmatch(text)
    if found is None:
        raise ParameterRefused(name=name, reason="not one of this node")
    return found[1]
