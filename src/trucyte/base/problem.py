"""Expected failures, as values the outer layers can render.

A `Problem` is something that can go wrong in a healthy node: bad input, a
record that is not there, a full disk. Its class docstring is the message, its
`kind` tells the caller what to do next, its facts hold no personal data. A
defect of ours is an `assert`, never a Problem.
"""

from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """What the caller should do next."""

    BAD_INPUT = "mend the input and send it again"
    INVALID = "it was read; mend what it says and send it again"
    NOT_FOUND = "look elsewhere"
    GONE = "it was here and was ended"
    CONFLICT = "read again, then decide"
    PRECONDITION = "the condition you set did not hold"
    UNAUTHENTICATED = "say who you are"
    FORBIDDEN = "ask for permission"
    TOO_LARGE = "send it in parts"
    UNSUPPORTED = "this node does not do that"
    UNAVAILABLE = "try again later"
    NO_SPACE = "make room, then go on"


class Problem(Exception):  # noqa: N818 - the field's word, and not every Problem is an error
    """Something went wrong."""

    kind: ClassVar[Kind] = Kind.BAD_INPUT
    code: ClassVar[str] = "problem"

    def __init__(self, **facts: str | int) -> None:
        """Keep the facts; they must not hold personal data."""
        super().__init__()
        self.facts = facts
        self.location = ""  # where in a larger input, as FHIRPath has it: "Bundle.entry[3]"

    @property
    def message(self) -> str:
        """The first line of the class docstring, filled with the facts."""
        line = (type(self).__doc__ or "").strip().splitlines()[0]
        return line.format(**self.facts)

    def __str__(self) -> str:
        return self.message
