"""How far a run has come, and what it came to. Shapes only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from trucyte.base.problem import Problem


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a run so far."""

    files: int  # finished
    files_total: int  # known so far
    visits: int
    resources: int  # versions newly written
    quarantined: int
    bytes: int  # read
    seconds: float

    @property
    def visits_per_second(self) -> float:
        """Visits a second so far."""
        return self.visits / self.seconds if self.seconds else 0.0

    @property
    def resources_per_second(self) -> float:
        """Versions newly written a second so far."""
        return self.resources / self.seconds if self.seconds else 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run of `ingest` came to."""

    files: int
    visits: int
    resources: int
    findings: Mapping[str, int]  # by rule
    quarantined: Mapping[str, int]  # by reason
    seconds: float
    unread: int = 0  # files that could not be opened

    def as_json(self) -> dict[str, object]:
        """Return the object that `trucyte ingest --json` prints; a contract."""
        rate = self.resources / self.seconds if self.seconds else 0.0
        return {
            "files": self.files,
            "visits": self.visits,
            "resources": self.resources,
            "findings": dict(sorted(self.findings.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
            "seconds": round(self.seconds, 3),
            "resources_per_second": round(rate, 1),
        }


@dataclass(frozen=True, slots=True)
class Watchers:
    """Who hears of a run while it goes on."""

    progress: Callable[[Progress], None] = field(default=lambda progress: None)
    warning: Callable[[Problem], None] = field(default=lambda problem: None)
