"""What the two languages of patches have in common."""

from collections.abc import Mapping
from typing import Any, Protocol


class Patch(Protocol):
    """A change of a resource, read and ready to be applied any number of times."""

    def apply(self, resource: Mapping[str, Any]) -> dict[str, Any]:
        """Return the changed resource, the given one untouched; raises a Problem."""
        ...
