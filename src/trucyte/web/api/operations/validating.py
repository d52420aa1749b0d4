"""`$validate` (R4 resource-operation-validate): the full check, of a body or of what is here.

The answer to "is it valid?" is an OperationOutcome with status 200 whatever it says; only a
call that asks nothing sensible is refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from trucyte.base.problem import Problem
from trucyte.fhir.issue import Issue
from trucyte.fhir.outcome import operation_outcome
from trucyte.fhir.parse import parse
from trucyte.fhir.text import scan
from trucyte.records.gate import Records
from trucyte.shared.terminology.operations.given import Given, ParameterRefused
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FhirCall
from trucyte.web.api.operations.asked import BOTH, HL7, POST, BodyNeeded, answered, given_of
from trucyte.web.api.operations.table import Level, Operation
from trucyte.web.api.outcome import information, outcome_of

MODES: Final = ("create", "update", "delete", "profile")
_KNOWN: Final = {"resource": "resource", "mode": "text", "profile": "text"}

Json = dict[str, Any]


class ValidatedOther(Problem):
    """The resource is a {type}, the address says {expected}."""

    code = "validate-type"


class ValidatedId(Problem):
    """An update needs the id of the address in the resource."""

    code = "validate-id"


@dataclass(frozen=True, slots=True)
class Checking:
    """The full check of a node, and what it rests on."""

    check: Callable[[Json, Sequence[str]], Sequence[Issue]]
    against: Callable[[], Sequence[str]]  # packages: "hl7.fhir.r4.core 4.0.1"


def validate_operations(checking: Checking, records: Records) -> Sequence[Operation]:
    """Return the rows: POST anywhere, GET of what is here."""
    validating = _Validating(checking, records)
    return [
        Operation(
            name="validate",
            levels=frozenset({level}),
            methods=methods,
            affects_state=False,
            definition=f"{HL7}Resource-validate",
            handler=validating.validate,
            documentation="With R4 and the packages of this node; status 200 whatever is found.",
        )
        for level, methods in ((Level.TYPE, POST), (Level.INSTANCE, BOTH))
    ]


class _Validating:
    """Answers calls of `$validate`."""

    def __init__(self, checking: Checking, records: Records) -> None:
        self._checking = checking
        self._records = records

    def validate(self, call: FhirCall) -> Answer:
        """Answer one call."""
        try:
            given = _given(call)
        except ParameterRefused:
            raise
        except Problem as problem:  # what is no FHIR at all is an answer too
            return answered(outcome_of(problem, call.language))
        mode, profile = given.text("mode"), given.text("profile")
        _check_mode(call, mode, profile)
        try:
            found = self._issues(call, given, mode, profile)
        except BodyNeeded:
            raise
        except Problem as problem:
            return answered(outcome_of(problem, call.language))
        return answered(found)

    def _issues(self, call: FhirCall, given: Given, mode: str, profile: str) -> Json:
        resource = given.json("resource")
        if mode == "delete":
            self._records.read(call.access, call.type, call.id)
            return self._outcome(call, [])
        if resource is None:
            resource = self._here(call, mode)
        elif resource.get("resourceType") != call.type:
            _refuse_type(resource, call.type)
        if mode == "update" and resource.get("id") != call.id:
            raise ValidatedId
        profiles = [profile] if profile else []
        return self._outcome(call, self._checking.check(dict(resource), profiles))

    def _here(self, call: FhirCall, mode: str) -> Json:
        if not call.id or mode in ("create", "update"):
            raise BodyNeeded(expected=call.type)
        return parse(self._records.read(call.access, call.type, call.id).body)

    def _outcome(self, call: FhirCall, issues: Sequence[Issue]) -> Json:
        """Return what was found, and by what it was checked."""
        outcome = operation_outcome(issues, call.language)
        packages = ", ".join(self._checking.against())
        words = "Kiểm theo" if call.language == "vi" else "Checked against"
        said = information("informational", "checked-against", f"{words} {packages}.")
        outcome["issue"] += said["issue"]
        return outcome


def _given(call: FhirCall) -> Given:
    """Return the parameters; a Parameters without a resource may be what is asked about."""
    if call.type == "Parameters" and call.body:
        body = scan(call.body).resource
        entries = body.get("parameter", ())
        names = {one.get("name") for one in entries if isinstance(one, dict)}
        if "resource" not in names:
            address = given_of(replace(call, body=b""), _KNOWN)
            return Given({**address.values, "resource": (body,)})
    return given_of(call, _KNOWN, "resource")


def _check_mode(call: FhirCall, mode: str, profile: str) -> None:
    if mode and mode not in MODES:
        raise ParameterRefused(name="mode", reason=" | ".join(MODES))
    if mode == "profile" and not profile:
        raise ParameterRefused(name="profile", reason="the mode profile needs it")
    if mode in ("update", "delete") and not call.id:
        raise ParameterRefused(name="mode", reason="it is asked of an instance")
    if mode == "create" and call.id:
        raise ParameterRefused(name="mode", reason="it is asked of a type")


def _refuse_type(resource: Any, expected: str) -> None:
    type_name = resource.get("resourceType")
    shown = type_name if isinstance(type_name, str) and type_name.isalpha() else "?"
    raise ValidatedOther(type=shown[:40], expected=expected)
