"""Why a patch was refused. Facts name places as the sender wrote them only where safe."""

from trucyte.base.problem import Kind, Problem
from trucyte.fhir.unprocessable import Unprocessable


class PatchUnreadable(Problem):
    """The patch cannot be read: {reason} (operation {operation})."""

    code = "patch-unreadable"


class PatchNotApplicable(Unprocessable):
    """Operation {operation} of the patch does not fit the resource: {reason}."""

    code = "patch-not-applicable"


class PatchTestFailed(Problem):
    """The test in operation {operation} of the patch does not hold."""

    kind = Kind.CONFLICT
    code = "patch-test-failed"


class PatchTooLarge(Problem):
    """The patch asks for more than {most} {what}."""

    kind = Kind.TOO_LARGE
    code = "patch-too-large"
