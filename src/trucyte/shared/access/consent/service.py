"""Consents: what a person agreed to, given and taken back; safe to share between threads.

    consents.standings(access, "Patient/p")  # one for each purpose, given or not
    consents.give(access, Asked(person="Patient/p", purpose="insurer", …))
    consents.withdraw(access, "Patient/p", id, reason="")

What is written is in force when the call returns: a consent in the journal and what rules ask
of it are one transaction. A child's consent waits as `proposed` until all have agreed who must.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any, Final

from trucyte.base.clock import VIETNAM, Clock
from trucyte.base.hashing import opaque_id
from trucyte.base.problem import Kind, Problem
from trucyte.fhir.parse import parse
from trucyte.records.access import Access
from trucyte.records.gate import Records
from trucyte.shared.access.consent import ages
from trucyte.shared.access.consent.catalogue import Purpose, Text, purpose_of, purposes
from trucyte.shared.access.consent.consent import (
    ACTIVE,
    INACTIVE,
    PROPOSED,
    TYPE,
    Confirmed,
    Given,
    read_given,
    resource_of,
    withdrawn,
)
from trucyte.shared.access.consent.scans import Scan, document_of
from trucyte.shared.access.consent.writing import Write, transaction, writing
from trucyte.shared.access.local import system_access

PROXY: Final = "proxy"  # the purpose that lets somebody act for a person
INSURERS: Final = "http://terminology.hl7.org/CodeSystem/organization-type|ins"
_MOST: Final = 1000
_TRIES: Final = 10
REASON_MAX: Final = 500


class TextChanged(Problem):
    """The text to agree to is another one now; read it and decide again."""

    kind = Kind.CONFLICT
    code = "consent-text-changed"


class NotTheirsToGive(Problem):
    """This consent is not theirs to give: {decides} decide at this age."""

    kind = Kind.FORBIDDEN
    code = "consent-not-theirs"


class ReceiverMissing(Problem):
    """This consent names the organisation that gets the data, and no other names one."""

    kind = Kind.INVALID
    code = "consent-receiver"


class ConsentUnknown(Problem):
    """This person has no such consent."""

    kind = Kind.NOT_FOUND
    code = "consent-unknown"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody agrees to: exactly what was shown."""

    person: str  # "Patient/x"
    purpose: str
    text: str  # version of the words shown
    language: str
    by: Sequence[str]  # who agrees: "Patient/x", or "RelatedPerson/y" that may act for it
    channel: str
    receiver: str = ""  # "Organization/x"
    relation: str = ""
    scan: Scan | None = None  # of paper: the signed sheet
    ends_at: datetime | None = None  # earlier than the purpose says


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands to one purpose."""

    purpose: Purpose
    text: Text  # in force now
    consents: Sequence[Given]  # of each receiver the newest, those in force first
    now: datetime

    @property
    def holding(self) -> Sequence[Given]:
        """The consents in force."""
        return [one for one in self.consents if one.holds(self.now)]

    @property
    def waiting(self) -> Sequence[Given]:
        """Those that somebody else has to agree to as well."""
        return [one for one in self.consents if one.status == PROPOSED]

    @property
    def asks_again(self) -> bool:
        """Whether the words changed since they were agreed to."""
        return any(one.text != self.text.version for one in self.holding)


class Consents:
    """The consents of a node."""

    def __init__(
        self,
        records: Records,
        write: Write,
        clock: Clock,
        *,
        ids: bytes,
        catalogue: Mapping[str, Purpose] | None = None,
        told: Callable[[Given], None] = lambda given: None,
    ) -> None:
        """Write through `write`; `told` hears of each withdrawal once it holds."""
        self._records = records
        self._write = write
        self._clock = clock
        self._ids = ids
        self._catalogue = purposes() if catalogue is None else catalogue
        self._told = told

    # Asking

    def standings(self, access: Access, person: str) -> Sequence[Standing]:
        """Return how a person stands to each purpose; of acting for it, `Proxies` tells.

        What is shown is entered in the trail under `access`.
        """
        found = self.all_of(access, person)
        now = self._clock.now()
        return [
            Standing(purpose, purpose.text(_day(now)), _newest(found, purpose.id, now), now)
            for purpose in self._catalogue.values()
            if purpose.id != PROXY
        ]

    def all_of(self, access: Access, person: str) -> list[Given]:
        """Return the consents of a person and of whom it is one person with."""
        query = [("patient", person), ("_count", str(_MOST))]
        page = self._records.search(access, TYPE, query)
        read = (read_given(parse(one.body), one.version) for one in page.entries)
        return [one for one in read if one is not None]

    def in_force(self, person: str, purpose: str, receiver: str = "") -> Given | None:
        """Return the consent that a decision may rest on; shows nothing to anyone.

        One without a receiver counts for every receiver its text names.
        """
        now = self._clock.now()
        for one in self.all_of(system_access("consents"), person):
            fits = one.purpose == purpose and one.receiver in ("", receiver)
            if fits and one.holds(now):
                return one
        return None

    def one(self, access: Access, person: str, id: str) -> Given:
        """Return one consent of a person; raises ConsentUnknown."""
        found = next((one for one in self.all_of(access, person) if one.id == id), None)
        if found is None:
            raise ConsentUnknown
        return found

    def history(self, access: Access, person: str, id: str) -> Sequence[Given]:
        """Return each version of a consent, the newest first; raises ConsentUnknown."""
        self.one(access, person, id)
        page = self._records.history(access, TYPE, id)
        read = [read_given(parse(one.body), one.version) for one in page.entries if one.body]
        return [one for one in read if one is not None]

    def decides(self, access: Access, person: str) -> ages.Band:
        """Return who decides for a person today; raises as reading the Patient does."""
        return ages.band_of(self._birth(access, person), _day(self._clock.now()))

    def receivers(self, access: Access) -> Sequence[tuple[str, str]]:
        """Return the insurance companies that can be named: reference and name."""
        query = [("type", INSURERS), ("_sort", "name"), ("_count", "200")]
        page = self._records.search(access, "Organization", query)
        return [
            (f"Organization/{one.id}", str(parse(one.body).get("name", one.id)))
            for one in page.entries
        ]

    # Deciding

    def give(self, access: Access, asked: Asked, *more: tuple[dict[str, Any], int]) -> Given:
        """Keep that somebody agreed; what was agreed to already under these words stays.

        `more` is written in the same transaction. Raises PurposeUnknown, TextChanged where
        other words are in force, ReceiverMissing, NotTheirsToGive, and as reading the Patient.
        """
        purpose = purpose_of(asked.purpose, self._catalogue)
        text = purpose.text(_day(self._clock.now()))
        if asked.text != text.version or asked.language not in text.words:
            raise TextChanged
        _check_receiver(purpose, asked.receiver)
        band = self.decides(access, asked.person)
        scan = []
        if asked.scan is not None:
            scan = [(document_of(asked.scan, asked.person, self._clock), 0)]
        wish = _Wish(access, asked, purpose, text, band, [*more, *scan])
        return _again(partial(self._give, wish))

    def _give(self, wish: "_Wish") -> Given:
        asked, now = wish.asked, self._clock.now()
        id = opaque_id(self._ids, "consent", asked.person, wish.purpose.id, asked.receiver)
        known = self._known(id)
        if known is not None and _says_the_same(known, asked, now):
            return known
        given = _given(wish, known, id, now)
        version = known.version if known else 0
        writes = [*wish.more, (resource_of(given, wish.purpose, wish.text), version)]
        self._write(writing(wish.access), transaction(writes))
        return replace(given, version=version + 1)

    def withdraw(self, access: Access, person: str, id: str, reason: str = "") -> Given:
        """Take a consent back, at once; one that is taken back already stays so.

        Raises ConsentUnknown; a CONFLICT or PRECONDITION Problem where others keep coming between.
        """
        ended = _again(partial(self._withdraw, access, person, id, reason[:REASON_MAX]))
        # Said again where it was taken back already: a crash may have kept it from being told.
        self._told(ended)
        return ended

    def _withdraw(self, access: Access, person: str, id: str, reason: str) -> Given:
        known = self.one(access, person, id)
        if known.status == INACTIVE:
            return known
        ended = withdrawn(known, at=self._clock.now(), by=access.caller, reason=reason)
        purpose = purpose_of(known.purpose, self._catalogue)
        text = purpose.text_of(known.text) or purpose.text(_day(known.at))
        writes = [(resource_of(ended, purpose, text), known.version)]
        self._write(writing(access), transaction(writes))
        return replace(ended, version=known.version + 1)

    # Parts

    def _known(self, id: str) -> Given | None:
        """Return a consent as it stands, whoever may see it: it is what a write rests on."""
        found = self._records.read_all(system_access("consents"), TYPE, [id], f"read {TYPE}")
        return read_given(parse(found[0].body), found[0].version) if found else None

    def _birth(self, access: Access, person: str) -> str:
        patient = self._records.read(access, "Patient", person.partition("/")[2])
        return str(parse(patient.body).get("birthDate", ""))


@dataclass(frozen=True, slots=True)
class _Wish:
    """What somebody agrees to, once it is known that it can be agreed to."""

    access: Access
    asked: Asked
    purpose: Purpose
    text: Text
    band: ages.Band
    more: Sequence[tuple[dict[str, Any], int]]  # written in the same transaction


def _again(act: Callable[[], Given]) -> Given:
    """Do it anew where somebody came between, so that of two who agree at once both are heard."""
    for _ in range(_TRIES - 1):
        try:
            return act()
        except Problem as problem:
            if problem.kind not in (Kind.CONFLICT, Kind.PRECONDITION):
                raise
    return act()


def _given(wish: _Wish, known: Given | None, id: str, now: datetime) -> Given:
    """Return the consent; who agreed before to the same words has agreed."""
    asked = wish.asked
    confirmed = [Confirmed(by, now) for by in asked.by]
    if known is not None and known.status == PROPOSED and known.text == asked.text:
        confirmed = [*(one for one in known.confirmed if one.by not in asked.by), *confirmed]
    last = ages.birthday(_day(now), wish.purpose.years)
    end = datetime(last.year, last.month, last.day, tzinfo=VIETNAM)
    return Given(
        id=id,
        version=0,
        person=asked.person,
        purpose=wish.purpose.id,
        receiver=asked.receiver,
        status=_status(asked, confirmed, wish.band),
        confirmed=confirmed,
        text=wish.text.version,
        digest=wish.text.digest(asked.language),
        language=asked.language,
        channel=asked.channel,
        account=wish.access.caller,
        relation=asked.relation,
        ends_at=end if asked.ends_at is None else min(end, asked.ends_at),
        original=_original(wish),
    )


def _original(wish: _Wish) -> str:
    documents = [one["id"] for one, _ in wish.more if one["resourceType"] == "DocumentReference"]
    return f"DocumentReference/{documents[0]}" if documents else ""


def _check_receiver(purpose: Purpose, receiver: str) -> None:
    if (purpose.receiver == "must" and not receiver) or (receiver and not purpose.receiver):
        raise ReceiverMissing


def _says_the_same(known: Given, asked: Asked, now: datetime) -> bool:
    said = {one.by for one in known.confirmed}
    is_it = known.text == asked.text and known.language == asked.language
    stands = known.holds(now) or known.status == PROPOSED
    return stands and is_it and set(asked.by) <= said and asked.scan is None


def _status(asked: Asked, confirmed: Sequence[Confirmed], band: ages.Band) -> str:
    """Return whether all have agreed who must; raises NotTheirsToGive."""
    own = any(one.by == asked.person for one in confirmed)
    other = any(one.by != asked.person for one in confirmed)
    if band.decides == ages.BOTH and asked.purpose != PROXY:
        return ACTIVE if own and other else PROPOSED
    # Of a child, who acts for it is entered by a witness; of a grown-up the person says so.
    needs_other = band.decides != ages.OWN
    if needs_other and not other:
        raise NotTheirsToGive(decides=band.decides)
    return ACTIVE


def _newest(found: Sequence[Given], purpose: str, now: datetime) -> list[Given]:
    """Return the consents for a purpose, those in force first, then the newest."""
    fitting = [one for one in found if one.purpose == purpose]
    return sorted(fitting, key=lambda one: (not one.holds(now), -one.at.timestamp()))


def _day(now: datetime) -> date:
    return now.astimezone(VIETNAM).date()
