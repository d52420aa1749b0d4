"""System URIs as data: which URI goes out for a thing, and what else it is called.

Vietnamese core guides name the same systems differently; both names are known here, and
stored bytes are never rewritten.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trucyte.vietnam.tables import read_toml


@dataclass(frozen=True, slots=True)
class System:
    """One identifier or code system."""

    name: str
    uri: str
    aliases: tuple[str, ...]
    meaning: str
    verified: bool


def load_systems() -> Mapping[str, System]:
    """Return the packaged systems by their short name."""
    return {
        name: System(
            name=name,
            uri=row["uri"],
            aliases=tuple(row["aliases"]),
            meaning=row["meaning"],
            verified=row["verified"],
        )
        for name, row in read_toml("systems").items()
    }
