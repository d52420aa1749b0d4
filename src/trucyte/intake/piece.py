"""A piece: what is accepted or quarantined as one, with its bytes as they came.

A source is cut into pieces before anything in it is understood, so that a fault in one
visit costs that visit alone, and a source can be resumed by counting.
"""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from trucyte.base.problem import Problem


class Form(Enum):
    """How the bytes of a piece are to be read."""

    HOSO = "hoso"  # one HOSO element of a GIAMDINHHS envelope
    CHECKOUT = "checkout"  # one document of Decision 917
    BUNDLE = "bundle"  # a FHIR Bundle
    RESOURCE = "resource"  # one FHIR resource
    FILE = "file"  # nothing could be cut out: the source as a whole


@dataclass(frozen=True, slots=True)
class Envelope:
    """What an envelope says about all of its visits."""

    facility: str = ""  # MACSKCB
    made_on: date | None = None  # NGAYLAP
    announced: int | None = None  # SOLUONGHOSO


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of a source. `problem` is set where it cannot be read at all."""

    ordinal: int  # 1-based place in the source
    form: Form
    data: bytes = field(repr=False)
    envelope: Envelope = Envelope()
    problem: Problem | None = None
    partition: str = ""  # pieces with the same one are worked on in order
