"""May data of a person go to somebody? The one question that every door out asks.

A patient's data go to another provider or to an insurer only on the person's recorded request
or a named lawful basis (`bases.toml`, rows tried in their order). No basis is a refusal, and so
is whatever cannot be read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from trucyte.shared.access.consent.catalogue import read_table, words_of
from trucyte.shared.access.consent.consent import Given

# (person, purpose of the catalogue, receiver) -> the consent in force, or None
InForce = Callable[[str, str, str], Given | None]
# (person, receiver) -> whether the keeper of the record released it as well
Released = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Receiver:
    """To whom data would go."""

    reference: str  # "Organization/x", or of a person "Patient/x"
    kind: str  # provider, insurer, social-insurance, state, national-database, research, person


@dataclass(frozen=True, slots=True)
class Row:
    """One lawful ground."""

    id: str
    to: frozenset[str]
    purposes: frozenset[str]
    needs: str
    article: str
    verified: bool
    words: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Basis:
    """Yes, and on what ground."""

    id: str
    article: str
    verified: bool
    consent: str = ""  # id of the Consent it rests on


@dataclass(frozen=True, slots=True)
class Refusal:
    """No, and why."""

    code: str  # "no-basis", "no-consent", "no-emergency", "not-released"
    article: str


@dataclass(frozen=True, slots=True)
class Grounds:
    """The catalogue of lawful grounds."""

    rows: Sequence[Row]
    refused_article: str


def read_grounds(table: Mapping[str, Any]) -> Grounds:
    """Return the catalogue of a table."""
    rows = [
        Row(
            row["id"], frozenset(row["to"]), frozenset(row["purposes"]), row["needs"],
            row["article"], row["verified"], words_of(row),
        )
        for row in table["basis"]
    ]  # fmt: skip
    return Grounds(rows, table["refused_article"])


@cache
def grounds() -> Grounds:
    """Return the catalogue as `bases.toml` has it."""
    return read_grounds(read_table("bases"))


def not_released(person: str, receiver: str) -> bool:
    """Release nothing: a node where nobody can."""
    return False


@dataclass(frozen=True, slots=True)
class Gate:
    """Answers `may_go` for one node."""

    in_force: InForce
    own: frozenset[str] = frozenset()  # organisations of this node: nothing goes anywhere
    released: Released = not_released

    def may_go(
        self, person: str, to: Receiver, purpose: str, *, is_emergency: bool = False
    ) -> Basis | Refusal:
        """Say whether data of "Patient/x" may go to a receiver for a v3 PurposeOfUse."""
        catalogue = grounds()
        if to.reference and to.reference in self.own:
            return Basis("own", "", verified=True)
        code = "no-basis"
        for row in catalogue.rows:
            if to.kind not in row.to or purpose not in row.purposes:
                continue
            found = self._met(row, person, to, is_emergency=is_emergency)
            if isinstance(found, Basis):
                return found
            code = found
        return Refusal(code, catalogue.refused_article)

    def _met(self, row: Row, person: str, to: Receiver, *, is_emergency: bool) -> Basis | str:
        if row.needs == "":
            if row.id == "own-request" and to.reference != person:
                return "no-basis"
            return Basis(row.id, row.article, row.verified)
        if row.needs == "emergency":
            return Basis(row.id, row.article, row.verified) if is_emergency else "no-emergency"
        given = self.in_force(person, row.id, to.reference)
        if given is None or (row.needs == "request" and given.receiver != to.reference):
            return "no-consent"
        if row.needs == "release" and not self.released(person, to.reference):
            return "not-released"
        return Basis(row.id, row.article, row.verified, given.id)
