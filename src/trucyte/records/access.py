"""The `Access` value: who may see what, decided once and compiled into every query.

Only `shared.access` and `node` make one. It carries the recorder that writes the
trail, so that nothing can be read without leaving an entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class Recorder(Protocol):
    """Keeps the trail of what was shown."""

    def shown(self, access: "Access", persons: Sequence[int], reason: str) -> None:
        """Record that data of `persons` is about to be shown; return once that is durable.

        One person key for each resource shown, 0 for what is of no person; `reason` is an
        interaction and a type: "read Patient".
        """
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What one caller may see for one purpose."""

    caller: str  # who asks: a stable account name, never a person's name
    purpose: str  # v3 PurposeOfUse, e.g. TREAT, HOPERAT
    sees_restricted: bool  # resources labelled R or V (v3 Confidentiality) are masked unless true
    recorder: Recorder
    # For whom the caller acts, and whose accepted resources it sees: references such as
    # `Organization/79001`. What is written belongs to `organisation`; "" is the node itself.
    organisation: str = ""
    sees_organisations: frozenset[str] | None = None  # None: those of all
