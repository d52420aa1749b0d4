"""Create, update, patch and delete, by id or by condition (R4 §3.1.0.4 to §3.1.0.8).

What a write asks stands in the address, in headers and in the body; what is decided lies
in `intake.interactions`.
"""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from trucyte.fhir.definitions import Definitions
from trucyte.fhir.parse import parse
from trucyte.fhir.patch import Patch, read_fhirpath_patch, read_json_patch, read_merge_patch
from trucyte.fhir.path.path import Paths
from trucyte.intake.interactions import Done, Interactions, Written
from trucyte.web.api.answers import done, of_version, version_url
from trucyte.web.api.asgi import Answer
from trucyte.web.api.call import FHIR_JSON, FhirCall
from trucyte.web.api.headers import BadHeader, Media, read_if_match
from trucyte.web.api.pairs import BadQuery
from trucyte.web.api.routes import FHIR, PATCH, Place, Row

STATUS: Mapping[Done, int] = {
    Done.CREATED: 201,
    Done.UPDATED: 200,
    Done.UNCHANGED: 200,
    Done.FOUND: 200,
    Done.DELETED: 204,
}
WORDS: Mapping[Done, str] = {
    Done.CREATED: "written",
    Done.UPDATED: "written",
    Done.UNCHANGED: "unchanged",
    Done.FOUND: "found",
    Done.DELETED: "deleted",
}


class Writing:
    """Passes writes on to the interactions."""

    def __init__(self, interactions: Interactions, definitions: Definitions) -> None:
        """Write through `interactions`."""
        self._interactions = interactions
        self._paths = Paths(definitions)

    def rows(self) -> Sequence[Row]:
        """Return what it answers."""
        return (
            Row(Place.TYPE, "POST", self.create, "create", FHIR, ("conditionalCreate",)),
            Row(Place.INSTANCE, "PUT", self.update, "update", FHIR),
            Row(Place.TYPE, "PUT", self.update_where, "update", FHIR, ("conditionalUpdate",)),
            Row(Place.INSTANCE, "PATCH", self.patch, "patch", PATCH),
            Row(Place.TYPE, "PATCH", self.patch_where, "patch", PATCH, ("conditionalPatch",)),
            Row(Place.INSTANCE, "DELETE", self.delete, "delete"),
            Row(Place.TYPE, "DELETE", self.delete_where, "delete", flags=("conditionalDelete",)),
        )

    def create(self, call: FhirCall) -> Answer:
        """Answer a create, conditional where `If-None-Exist` says so."""
        condition = call.headers.get("if-none-exist", "").strip().removeprefix("?")
        if "if-none-exist" in call.headers and not condition:
            raise BadHeader(header="If-None-Exist", expected="name=value")
        made = self._interactions.create(
            call.access,
            call.type,
            call.body,
            if_none_exist=condition,
            original=call.original,
        )
        return written(call, made)

    def update(self, call: FhirCall) -> Answer:
        """Answer an update, which creates where nothing is there."""
        made = self._interactions.update(
            call.access,
            call.type,
            call.id,
            call.body,
            if_match=_if_match(call),
            if_none_match_any=_must_be_new(call),
            original=call.original,
        )
        return written(call, made)

    def update_where(self, call: FhirCall) -> Answer:
        """Answer a conditional update."""
        made = self._interactions.update_where(
            call.access,
            call.type,
            _condition(call),
            call.body,
            if_match=_if_match(call),
            original=call.original,
        )
        return written(call, made)

    def patch(self, call: FhirCall) -> Answer:
        """Answer a patch of one resource."""
        made = self._interactions.patch(
            call.access, call.type, call.id, self._patch(call), if_match=_if_match(call)
        )
        return written(call, made)

    def patch_where(self, call: FhirCall) -> Answer:
        """Answer a conditional patch."""
        made = self._interactions.patch_where(
            call.access, call.type, _condition(call), self._patch(call), if_match=_if_match(call)
        )
        return written(call, made)

    def delete(self, call: FhirCall) -> Answer:
        """Answer a delete; that nothing was there is no error."""
        gone = self._interactions.delete(call.access, call.type, call.id, if_match=_if_match(call))
        return _deleted(call, [gone] if gone else [])

    def delete_where(self, call: FhirCall) -> Answer:
        """Answer a conditional delete of at most one."""
        gone = self._interactions.delete_where(call.access, call.type, _condition(call))
        return _deleted(call, gone)

    def _patch(self, call: FhirCall) -> Patch:
        if call.media is Media.JSON_PATCH:
            return read_json_patch(call.body)
        if call.media is Media.MERGE_PATCH:
            return read_merge_patch(call.body)
        parameters = parse(call.body)
        # Plain JSON that is no FHIRPath Patch: what fhirpy and others mean by it is a merge.
        if call.media is Media.JSON and parameters.get("resourceType") != "Parameters":
            return read_merge_patch(call.body)
        return read_fhirpath_patch(parameters, self._paths)


def written(call: FhirCall, made: Written) -> Answer:
    """Return what `Prefer` asks of a write, with the version's headers (R4 §3.1.0.1.9)."""
    resource, status = made.resource, STATUS[made.done]
    url = version_url(call, resource)
    headers = [*of_version(resource), ("Location", url)]
    if call.prefer.returns == "minimal":
        return Answer(status, b"", FHIR_JSON, headers)
    if call.prefer.returns == "OperationOutcome":
        return done(call, status, WORDS[made.done], headers)
    return Answer(status, resource.body, FHIR_JSON, [*headers, ("Content-Location", url)])


def _deleted(call: FhirCall, gone: Sequence[Written]) -> Answer:
    headers = of_version(gone[0].resource)[:1] if len(gone) == 1 else []
    if call.prefer.returns == "OperationOutcome":
        return done(call, 200, "deleted" if gone else "nothing-to-delete", headers)
    return Answer(204, b"", FHIR_JSON, headers)


def _if_match(call: FhirCall) -> int | None:
    return read_if_match(call.headers.get("if-match"))


def _must_be_new(call: FhirCall) -> bool:
    condition = call.headers.get("if-none-match")
    if condition is None:
        return False
    if condition.strip() != "*":
        raise BadHeader(header="If-None-Match", expected="*")
    return True


def _condition(call: FhirCall) -> str:
    """Return the criteria of a conditional interaction. Raises BadQuery where there are none."""
    if not call.pairs:
        raise BadQuery(reason="a conditional interaction names its criteria")
    return urlencode(call.pairs)
