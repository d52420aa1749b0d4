"""What the handlers of these pages read of a form, and the parts of the node they need."""

from datetime import date

from starlette.datastructures import UploadFile

from trucyte.base.clock import VIETNAM
from trucyte.base.problem import Kind, Problem
from trucyte.records.access import Access
from trucyte.shared.access.consent.agreements import Agreements
from trucyte.shared.access.consent.catalogue import purpose_of
from trucyte.shared.access.consent.scans import SCAN_BYTES_MAX, Scan, scan_of
from trucyte.web.render import Call


class NoAgreementsHere(Problem):
    """This node keeps no consents and no requests."""

    kind = Kind.UNSUPPORTED
    code = "agreements-not-here"


def agreements(call: Call) -> Agreements:
    """Return the node's agreements; raises NoAgreementsHere."""
    if call.services.agreements is None:
        raise NoAgreementsHere
    return call.services.agreements


def text(call: Call, name: str, most: int = 2000) -> str:
    """Return a field of the form, "" where it is none."""
    value = call.form.get(name, "")
    return "" if isinstance(value, UploadFile) else value.strip()[:most]


def today(call: Call) -> date:
    """Return today in Viet Nam."""
    return call.services.clock.now().astimezone(VIETNAM).date()


def scan(call: Call) -> Scan | None:
    """Return the sheet that was sent with the form, None for none; raises ScanUnreadable."""
    if not call.files:
        return None
    return scan_of(call.files[0].file.read(SCAN_BYTES_MAX + 1))


def name_of(call: Call, access: Access, reference: str) -> str:
    """Return what to call an organisation."""
    book = call.services.identity
    if book is not None and reference.startswith("Organization/"):
        return book.organisation(access, reference)
    return reference.partition("/")[2] or reference


def text_version(call: Call, purpose: str) -> tuple[str, str]:
    """Return version and language of the words that a form of this language shows."""
    return purpose_of(purpose).text(today(call)).version, call.language
