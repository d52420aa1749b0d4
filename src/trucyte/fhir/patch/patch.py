"""What a patch is, why one cannot be read or applied, and how large it may grow."""

from collections.abc import Mapping
from typing import Any, Protocol

from trucyte.base.problem import Kind, Problem

OPERATIONS_MAX = 5_000
# Objects, lists and values of all that the operations put in, together.
SIZE_MAX = 500_000
DEPTH_MAX = 100


class Patch(Protocol):
    """A change of a resource, read and ready to be applied any number of times."""

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changed resource, the given one untouched.

        Raises PatchNotApplicable, PatchTestFailed, PatchTooLarge.
        """
        ...


class PatchUnreadable(Problem):
    """Operation {place} of the patch cannot be read: {reason}."""

    code = "patch-unreadable"


class PatchTooLarge(Problem):
    """The patch asks for more than {most} {what}; send it in parts."""

    kind = Kind.TOO_LARGE
    code = "patch-too-large"


class PatchNotApplicable(Problem):
    """Operation {place} of the patch does not fit the resource: {reason}."""

    kind = Kind.INVALID
    code = "patch-not-applicable"


class PatchTestFailed(Problem):
    """The test in operation {place} of the patch does not hold."""

    kind = Kind.CONFLICT
    code = "patch-test-failed"


class Growth:
    """Counts what is put in, so that copies of copies end in time."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._size = 0

    def copied(self, value: Any, depth: int) -> Any:
        """Return a copy to put in at a depth. Raises PatchTooLarge."""
        if depth > DEPTH_MAX:
            raise PatchTooLarge(most=DEPTH_MAX, what="levels")
        self._size += 1
        if self._size > SIZE_MAX:
            raise PatchTooLarge(most=SIZE_MAX, what="values")
        if value.__class__ is dict:
            return {key: self.copied(one, depth + 1) for key, one in value.items()}
        if value.__class__ is list:
            return [self.copied(one, depth + 1) for one in value]
        return value


def check_identity(before: Mapping[str, Any], after: Any) -> dict[str, Any]:
    """Return what a patch made; it is still the same resource. Raises PatchNotApplicable."""
    if after.__class__ is not dict:
        raise PatchNotApplicable(place=0, reason="the result is not a resource")
    for name in ("resourceType", "id"):
        if after.get(name) != before.get(name):
            raise PatchNotApplicable(place=0, reason=f"{name} must stay")
    found: dict[str, Any] = after
    return found
