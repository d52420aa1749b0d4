"""Whoever is new: matched against everybody, linked where sure, put before a person where not.

Newcomers(parts).catch_up()              behind the index, by its follower
Worklist(...).page | pair | decide | revise   for the pages where a clerk decides
"""

from trucyte.shared.identity.newcomers.pair import Pair, PairState, PairUnknown
from trucyte.shared.identity.newcomers.policy import Automatic, Policy
from trucyte.shared.identity.newcomers.run import Newcomers, Tally
from trucyte.shared.identity.newcomers.worklist import (
    DayDone,
    PairPage,
    SideBySide,
    Verdict,
    Waiting,
    Worklist,
)

__all__ = [
    "Automatic",
    "DayDone",
    "Newcomers",
    "Pair",
    "PairPage",
    "PairState",
    "PairUnknown",
    "Policy",
    "SideBySide",
    "Tally",
    "Verdict",
    "Waiting",
    "Worklist",
]
