"""Accesses for tests of the trail."""

from collections.abc import Sequence

from trucyte.records.access import Access, Recorder


class Silent:
    """Keeps nothing."""

    def shown(self, access: Access, persons: Sequence[int], reason: str) -> None:
        """Forget it."""


def access_of(
    caller: str,
    organisation: str = "",
    *,
    purpose: str = "TREAT",
    sees: frozenset[str] | None = None,
    recorder: Recorder | None = None,
) -> Access:
    return Access(
        caller,
        purpose,
        sees_restricted=False,
        recorder=recorder or Silent(),
        organisation=organisation,
        sees_organisations=sees,
    )


ALL = access_of("tests")
