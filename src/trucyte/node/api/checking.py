"""The full check of a node: its packages, its code lists, and the day it is.

Made when it is first asked for, and again when the packages in the data folder or the day
have changed, so that nobody restarts a node for a profile.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from trucyte.base.clock import VIETNAM, Clock
from trucyte.fhir.issue import Issue
from trucyte.fhir.profiles.scope import Terminology as Codes

if TYPE_CHECKING:
    from trucyte.fhir.profiles.validator import ProfileValidator
    from trucyte.shared.terminology.service import Terminology

_State = tuple[date, tuple[tuple[str, int], ...]]


class NodeChecking:
    """Checks resources. Safe to share between threads."""

    def __init__(
        self, packages: Path, terminology: Callable[[], "Terminology"], clock: Clock
    ) -> None:
        """Check with the packages of a folder and the node's lists."""
        self._folder = packages
        self._terminology = terminology
        self._clock = clock
        self._mutex = Lock()
        self._made: tuple[_State, ProfileValidator, Sequence[str]] | None = None

    def check(self, resource: Mapping[str, Any], profiles: Sequence[str]) -> Sequence[Issue]:
        """Return what is wrong with a resource, also by the profiles asked for."""
        return self._current()[0].check(dict(resource), profiles)

    def against(self) -> Sequence[str]:
        """Return the packages it rests on, with their versions."""
        return self._current()[1]

    def _current(self) -> tuple["ProfileValidator", Sequence[str]]:
        now = self._clock.now()
        state = (now.astimezone(VIETNAM).date(), _files(self._folder))
        with self._mutex:
            if self._made is None or self._made[0] != state:
                self._made = (state, *self._make())
            return self._made[1], self._made[2]

    def _make(self) -> tuple["ProfileValidator", Sequence[str]]:
        from trucyte.fhir.packages.codes import PackageTerminology  # noqa: PLC0415 - half a second
        from trucyte.fhir.path.units.ucum import is_unit  # noqa: PLC0415 - as above
        from trucyte.fhir.profiles.standard import full_validator  # noqa: PLC0415 - as above
        from trucyte.node.codes import layered  # noqa: PLC0415 - as above
        from trucyte.node.packages import open_library  # noqa: PLC0415 - as above

        library = open_library(self._folder)
        codes = layered(PackageTerminology(library, is_unit), library, self._of_node)
        validator = full_validator(library, terminology=codes, now=self._clock.now())
        return validator, tuple(library.packages)

    def _of_node(self) -> Codes:
        from trucyte.shared.terminology.service import FhirTerminology  # noqa: PLC0415 - as above

        return FhirTerminology(self._terminology())


def _files(folder: Path) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((one.name, one.stat().st_mtime_ns) for one in folder.glob("*.tgz")))
