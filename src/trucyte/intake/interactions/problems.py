"""Why a write of the API was refused. Facts hold names and places, never a value."""

from collections.abc import Sequence

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.issue import Issue
from trucyte.fhir.unprocessable import Unprocessable


class ResourceInvalid(Unprocessable):
    """This {type} breaks {count} rules of FHIR; each is listed."""

    code = "resource-invalid"

    def __init__(self, *, issues: Sequence[Issue], **facts: str | int) -> None:
        """Keep the findings."""
        super().__init__(**facts)
        self.issues = issues


class TypeMismatch(Problem):
    """The body is not a {type}: resourceType must be the type in the URL."""

    code = "type-mismatch"


class IdMismatch(Problem):
    """The body's id must be there and be the id in the URL of this {type}."""

    code = "id-mismatch"


class IdRefused(Problem):
    """An id has 1 to 64 letters, digits, '-' and '.'."""

    code = "id-refused"


class ConditionUnmet(Problem):
    """The current version is not the one you named (If-Match)."""

    kind = Kind.PRECONDITION
    code = "if-match-unmet"


class AlreadyThere(Problem):
    """There is such a {type} already (If-None-Match: *)."""

    kind = Kind.PRECONDITION
    code = "if-none-match-unmet"


class NotSelective(Problem):
    """More than one {type} meets the condition; make it more selective."""

    kind = Kind.PRECONDITION
    code = "condition-not-selective"


class NothingMeets(Problem):
    """No {type} meets the condition."""

    kind = Kind.NOT_FOUND
    code = "condition-meets-nothing"


class ConditionEmpty(Problem):
    """A conditional interaction names what to search by."""

    code = "condition-empty"


class IdOfAnother(Problem):
    """The body's id is not that of the {type} that meets the condition."""

    code = "condition-id-mismatch"


class ConditionClosed(Problem):
    """What meets the condition is not yours to know; the write is refused."""

    kind = Kind.PRECONDITION
    code = "condition-closed"


class IdTaken(Problem):
    """No {type} meets the condition, and another has the id of the body already."""

    kind = Kind.CONFLICT
    code = "condition-id-taken"


class IdNotYours(Problem):
    """This id cannot be had for a {type}; choose another, or let the node choose."""

    kind = Kind.CONFLICT
    code = "id-not-yours"


class NotYours(Problem):
    """This {type} is for others to write: its own organisation, or the node's operators."""

    kind = Kind.FORBIDDEN
    code = "not-yours"


class Contested(Problem):
    """Others keep changing what this was decided on; try again."""

    kind = Kind.CONFLICT
    code = "write-contested"


class ReferenceMissing(Unprocessable):
    """This {path} refers to a {type} that is not here."""

    code = "reference-missing"


class TooManyDeleted(Problem):
    """More than {most} {type} meet the condition; delete them in parts."""

    kind = Kind.TOO_LARGE
    code = "condition-too-many"


class BundleUnreadable(Problem):
    """The bundle cannot be carried out: {reason}."""

    code = "bundle-unreadable"


class BundleTooLarge(Problem):
    """The bundle has more than {most} {what}."""

    kind = Kind.TOO_LARGE
    code = "bundle-too-large"


class WrittenTwice(Problem):
    """Two entries write the same {type}; a resource stands once in a transaction."""

    code = "bundle-entry-twice"


class ReferenceNotSelective(Problem):
    """{matches} resources meet the conditional reference to a {type}; exactly one must."""

    kind = Kind.PRECONDITION
    code = "reference-not-selective"
