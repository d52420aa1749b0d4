"""An entry of the trail, and the few bytes that say it.

The body of a line is a JSON array without spaces, readable without this program:

    [form, door, interaction, type, purpose, caller, organisation, outcome, resources,
     code, persons, rules]

`rules` are the ids of the rules of access that decided, with a space between. What is
empty at its end is left out. `organisation` is the id of an Organization, or a whole
reference where it has a slash. `persons` is base64 of person keys, 8 bytes each,
big-endian; the one person of an entry that shows one stands in the line itself. The line
has the time, and the request as its id. Persons are keyed hashes; nothing else about them
is ever written.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Final

import msgspec

from trucyte.base.problem import Kind, Problem
from trucyte.journal.change import Change, Operation, Stored

TYPE: Final = "AuditEvent"
PERSONS_MAX: Final = 10_000  # of one line; more are several lines of one request
_FORM: Final = 1
_ORGANISATION: Final = "Organization/"
_TEXT_MAX: Final = 120
_RULES_MAX: Final = 8
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_REQUEST: Final = re.compile(r"[A-Za-z0-9]{1,32}")


class EntryNotFound(Problem):
    """The trail has no such entry."""

    kind = Kind.NOT_FOUND
    code = "entry-not-found"


class Outcome(IntEnum):
    """How it ended, as AuditEvent.outcome codes it."""

    SUCCESS = 0
    REFUSED = 4
    ERROR = 8


class _Body(msgspec.Struct, frozen=True, array_like=True):
    form: int
    door: str = ""
    interaction: str = ""
    type: str = ""
    purpose: str = ""
    caller: str = ""
    organisation: str = ""
    outcome: int = 0
    resources: int = 0
    code: str = ""
    persons: bytes = b""
    rules: str = ""


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Body)


@dataclass(frozen=True, slots=True)
class Deed:
    """What is to be entered: who did what, for what, and whom it showed."""

    request: str  # id of the request, [A-Za-z0-9.]
    door: str  # "fhir", "pages", "api"
    interaction: str
    type: str  # resource type, "" for several or none
    purpose: str
    caller: str  # account name
    organisation: str
    outcome: Outcome
    resources: int
    code: str  # of the Problem, "" where all went well
    persons: Sequence[int]  # each once
    rules: tuple[str, ...] = ()  # ids of the rules that decided


@dataclass(frozen=True, slots=True)
class Entry:
    """A deed as the trail has it."""

    seq: int
    at: datetime  # aware, UTC
    deed: Deed

    @property
    def id(self) -> str:
        """Its stable id, also across restores: place and request."""
        return f"{self.seq}-{self.deed.request}"


def changes_of(deed: Deed) -> list[Change]:
    """Return the lines of a deed: one, or several where it shows very many persons."""
    assert _REQUEST.fullmatch(deed.request), "a request's id is this node's own"
    persons = deed.persons
    if len(persons) <= PERSONS_MAX:
        return [_change(deed, deed.request, deed.resources, persons)]
    return [
        # The first line alone counts the resources, so that sums are right.
        _change(deed, f"{deed.request}.{at // PERSONS_MAX}", 0 if at else deed.resources,
                persons[at : at + PERSONS_MAX])
        for at in range(0, len(persons), PERSONS_MAX)
    ]  # fmt: skip


def _change(deed: Deed, id: str, resources: int, persons: Sequence[int]) -> Change:
    one = persons[0] if len(persons) == 1 else 0
    words: list[object] = [
        _FORM, as_code(deed.door), deed.interaction, deed.type, as_code(deed.purpose),
        deed.caller[:_TEXT_MAX], short_organisation(deed.organisation), int(deed.outcome),
        resources, as_code(deed.code), b"" if one else pack_persons(persons),
        " ".join(deed.rules),
    ]  # fmt: skip
    while not words[-1]:
        words.pop()
    return Change(TYPE, id, Operation.CREATE, _ENCODER.encode(words), -1, one)


def entry_of(line: Stored) -> Entry:
    """Read a line of the trail."""
    body = _DECODER.decode(line.body)
    one = line.entry.person
    deed = Deed(
        line.entry.id, body.door, body.interaction, body.type, body.purpose, body.caller,
        _long_organisation(body.organisation), Outcome(body.outcome), body.resources, body.code,
        (one,) if one else unpack_persons(body.persons), tuple(body.rules.split()),
    )  # fmt: skip
    return Entry(line.entry.seq, line.entry.accepted_at, deed)


def short_organisation(reference: str) -> str:
    """Return an organisation as a body has it."""
    return reference.removeprefix(_ORGANISATION)[:_TEXT_MAX]


def _long_organisation(short: str) -> str:
    return short if not short or "/" in short else _ORGANISATION + short


def persons_of_body(body: bytes) -> Sequence[int]:
    """Return the persons that a body lists: those of an entry that shows several."""
    return unpack_persons(_DECODER.decode(body).persons)


def each_once(persons: Iterable[int]) -> tuple[int, ...]:
    """Return the persons in their order, each once, without what is of nobody."""
    return tuple(person for person in dict.fromkeys(persons) if person)


def as_code(text: str) -> str:
    """Return a code as it is, and "" for any other text: no free text gets into the trail."""
    return text if _CODE.fullmatch(text) else ""


def as_rules(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of rules, the first of very many, and nothing that is no code."""
    return tuple(id for id in ids if as_code(id))[:_RULES_MAX]


def as_json(text: str) -> bytes:
    """Return a text as it stands in a body, for looking before reading."""
    return _ENCODER.encode(text)


def pack_persons(persons: Sequence[int]) -> bytes:
    """Return person keys as bytes."""
    return struct.pack(f">{len(persons)}q", *persons)


def unpack_persons(packed: bytes) -> tuple[int, ...]:
    """Return the person keys of `pack_persons`."""
    return struct.unpack(f">{len(packed) // 8}q", packed)
