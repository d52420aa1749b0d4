"""What one write asks for, whether it comes alone or as an entry of a bundle."""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qsl

from trucyte.fhir.patch import Patch
from trucyte.intake.interactions.drafts import Draft
from trucyte.intake.interactions.problems import ConditionEmpty, IdRefused

_ID = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.")
_ID_LENGTH_MAX = 64  # R4 2.24.0.1
# What says how a search is answered, not what it finds.
_OF_ANSWERS = frozenset(
    {"_format", "_pretty", "_count", "_sort", "_total", "_summary", "_elements", "_maxresults"}
)


class Verb(Enum):
    """What is to be done."""

    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Ask:
    """One write. `id` or `query` says of what; a create has neither, or a query."""

    verb: Verb
    type: str
    id: str = ""
    query: str = ""
    draft: Draft | None = None  # of a create or update
    patch: Patch | None = None
    if_match: int | None = None
    must_be_new: bool = False  # If-None-Match: *
    several: bool = False  # a conditional delete may end more than one
    place: str = ""  # in its bundle


def read_query(query: str) -> list[tuple[str, str]]:
    """Return the criteria of a condition; raises ConditionEmpty where there are none.

    A condition without criteria would be met by everything.
    """
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise ConditionEmpty() from None
    found = [(name, value) for name, value in pairs if name not in _OF_ANSWERS]
    if not found:
        raise ConditionEmpty()
    return found


def checked_id(id_: str) -> str:
    """Return an id of at most 64 allowed characters; raises IdRefused."""
    if not 0 < len(id_) <= _ID_LENGTH_MAX or not _ID.issuperset(id_):
        raise IdRefused()
    return id_
