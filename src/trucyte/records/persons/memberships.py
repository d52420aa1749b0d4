"""Who acts as whom: kept inside every commit, looked at when permission is asked.

A relation names a role, a team or an identifier as often as a practitioner. What they stand
for is told elsewhere and changes by itself, so it is not written into relations but followed
on reading: a role that is not in the journal yet relates nobody but who holds the role
itself, and from the moment it is accepted its practitioner.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from trucyte.records.persons.facts import Facts, by_columns
from trucyte.records.persons.holders import identifiers_of, number_of, read_holder
from trucyte.records.persons.spans import ALWAYS, Span, read_period
from trucyte.records.persons.statements import FACTS

ROWS_MAX: Final = 1000  # of one version


@dataclass(frozen=True, slots=True)
class Membership:
    """Who is `member` acts as `whole` too."""

    whole: str
    member: str
    span: Span

    def row(self, person: int, seq: int, at: int) -> tuple[int, ...] | None:
        """Return the row; None where it is over when it is accepted."""
        if self.span.ends <= at:
            return None
        whole, member = number_of(self.whole), number_of(self.member)
        return person, whole, member, self.span.begins, self.span.ends, seq


def _role(resource: Mapping[str, Any]) -> Iterator[Membership]:
    member = read_holder(resource.get("practitioner"), "Practitioner")
    span = read_period(resource.get("period"))
    if member is not None and span is not None:
        yield Membership(_own(resource), member, span)


def _team(resource: Mapping[str, Any]) -> Iterator[Membership]:
    whole = read_period(resource.get("period"))
    if resource.get("status") != "active" or whole is None:
        return
    listed = resource.get("participant")
    for part in listed if isinstance(listed, list) else ():
        if not isinstance(part, dict):
            continue
        member, own = read_holder(part.get("member")), read_period(part.get("period"))
        span = own and own.within(whole)
        if member is not None and span is not None:
            yield Membership(_own(resource), member, span)


def _nobody(_: Mapping[str, Any]) -> Iterator[Membership]:
    yield from ()


_READERS: Final = {
    "CareTeam": _team,
    "HealthcareService": _nobody,
    "Location": _nobody,
    "Organization": _nobody,
    "Practitioner": _nobody,
    "PractitionerRole": _role,
}


def memberships_of(resource: Mapping[str, Any]) -> Sequence[Membership]:
    """Return who acts as whom by a resource that is in use, each once; pure."""
    reader = _READERS.get(resource["resourceType"])
    if reader is None or resource.get("active") is False or resource.get("status") == "inactive":
        return ()
    found = dict.fromkeys(reader(resource))
    own = _own(resource)
    found |= dict.fromkeys(Membership(named, own, ALWAYS) for named in identifiers_of(resource))
    return tuple(islice((one for one in found if one.whole != one.member), ROWS_MAX))


def memberships() -> Facts:
    """Make the projection that keeps memberships."""
    return Facts(
        "memberships",
        ("records.membership",),
        dict.fromkeys(_READERS, memberships_of),
        end=FACTS.end_memberships,
        write=by_columns(FACTS.add_memberships),
        clear=FACTS.clear_memberships,
    )


def _own(resource: Mapping[str, Any]) -> str:
    return f"{resource['resourceType']}/{resource['id']}"
