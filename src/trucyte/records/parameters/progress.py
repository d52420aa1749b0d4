"""Where each parameter of a user stands, for those who watch; nothing of any person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.database.connect import Database
from trucyte.records.parameters.book import ParameterBook, read_kept
from trucyte.records.parameters.plan import Kept, State


class ReindexUnfinished(Problem):
    """Search parameters are being indexed or leave; compare when that is done."""

    kind = Kind.CONFLICT
    code = "reindex-unfinished"


@dataclass(frozen=True, slots=True)
class Progress:
    """One parameter."""

    id: str
    url: str
    code: str
    type: str
    bases: Sequence[str]
    state: State
    is_broken: bool  # this version of the program cannot use it
    percent: int
    done: int  # rows so far
    total: int  # of about so many, 0: not counted yet
    rate: int  # rows a second, of late

    @property
    def word(self) -> str:
        """The state as a word for programs."""
        return "broken" if self.is_broken else self.state.name.lower()


def read_progress(database: Database, book: ParameterBook) -> Sequence[Progress]:
    """Return where all stand, by code."""
    with database.reader() as connection, connection.transaction():
        plan = book.refresh(connection.cursor())
        rows = read_kept(connection.cursor())
    found = [_progress(kept, is_broken=kept.id in plan.broken) for kept in rows]
    return sorted(found, key=lambda one: (one.code, one.id))


def check_settled(database: Database) -> None:
    """Raise ReindexUnfinished where rows are not yet all by what is in force."""
    with database.reader() as connection:
        rows = read_kept(connection.cursor())
    if any(kept.state is not State.READY for kept in rows):
        raise ReindexUnfinished


def _progress(kept: Kept, *, is_broken: bool) -> Progress:
    resource: Mapping[str, Any] = msgspec.json.decode(kept.body)
    return Progress(
        id=kept.id,
        url=str(resource.get("url", "")),
        code=str(resource.get("code", "")),
        type=str(resource.get("type", "")),
        bases=tuple(map(str, resource.get("base", ()))),
        state=kept.state,
        is_broken=is_broken,
        percent=kept.percent,
        done=kept.done,
        total=max(kept.total, kept.done),
        rate=kept.rate,
    )
